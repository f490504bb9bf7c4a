"""What the bench's own tools take, as the model sees it. The field texts are read by models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Parameters(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class ReadFile(Parameters):
    """Read a text file, from line `offset` on."""

    path: str = Field(description="Relative to the worktree, or absolute.")
    offset: int = Field(1, description="First line, counted from 1.")
    limit: int = Field(2000, description="Most lines to read.")


class ListFiles(Parameters):
    """List files and folders (folders end with a slash, links with @)."""

    path: str = Field(".", description="The folder, relative to the worktree.")
    pattern: str = Field("", description="A glob for names or relative paths, such as *.py.")
    depth: int = Field(2, description="How many levels of folders to enter.")


class Search(Parameters):
    """Search file contents, line by line. Gives path:line: text."""

    pattern: str = Field(description="A Python regular expression (or plain text, if regex is false).")
    path: str = Field(".", description="A folder or file to search in.")
    glob: str = Field("", description="Only in files of such names or relative paths.")
    regex: bool = True
    ignore_case: bool = False


class WriteFile(Parameters):
    """Make a file, or replace its whole content. For a small change use edit_file."""

    path: str
    content: str


class EditFile(Parameters):
    """Replace an exact piece of a file's text. Read the file first."""

    path: str
    old_text: str = Field(description="Stands exactly once in the file, with its spaces and line breaks.")
    new_text: str
    replace_all: bool = Field(False, description="Replace every place where old_text stands.")


class RunShell(Parameters):
    """Run a POSIX shell command line in the worktree. Its background processes end with it."""

    command: str
    timeout_seconds: float = Field(120.0, description="It is ended after this time.", allow_inf_nan=False)


class Step(Parameters):
    content: str
    status: Literal["pending", "in_progress", "completed"] = "pending"
    priority: Literal["high", "medium", "low"] = "medium"


class UpdatePlan(Parameters):
    """Show the person your plan: all steps, each time anew. For work of several steps."""

    steps: list[Step]


class AskPerson(Parameters):
    """Ask the person a question when you cannot decide by yourself. Waits for the answer."""

    question: str
    choices: list[str] = Field(
        [], description="Answers to choose from, beside one in own words; none for a free answer."
    )
    descriptions: list[str] = Field(
        [], description="What each choice means, in their order; none where they speak for themselves."
    )
    multiple: bool = Field(False, description="More than one choice may be taken.")

    @model_validator(mode="after")
    def _each_is_described(self) -> AskPerson:
        if self.descriptions and len(self.descriptions) != len(self.choices):
            raise ValueError("descriptions must be as many as choices, in their order, or none")
        return self


def schema_of(parameters: type[Parameters]) -> dict[str, Any]:
    """Give the JSON schema that goes to the model: without references and without pydantic's titles."""
    whole = parameters.model_json_schema()
    definitions = whole.pop("$defs", {})
    plain: dict[str, Any] = _plain(whole, definitions)
    plain.pop("description", None)  # it is the tool's own description
    return plain


def _plain(value: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_plain(item, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _plain(definitions[value["$ref"].rsplit("/", 1)[1]], definitions)
    return {
        key: _plain(item, definitions)
        for key, item in value.items()
        if not (key == "title" and isinstance(item, str))
    }
