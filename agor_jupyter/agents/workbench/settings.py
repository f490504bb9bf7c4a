"""What `SessionSpec.options` may hold for every kind on the bench, and what describes such a kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agor_jupyter.domain.errors import Unprocessable
from agor_jupyter.domain.repo import ProjectFile

SKILLS = ".agents/skills/"
"""Where a project's skills lie; see `skills`."""


class Settings(BaseModel):
    """What it does not know is left alone. docs/agents-openai.md says what each is for."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    base_url: str = ""
    models: tuple[str, ...] = ()
    context_tokens: int | None = Field(None, ge=2000)
    compact_at: float = Field(0.8, gt=0.1, le=1.0)
    max_steps: int = Field(200, ge=1)
    max_retries: int = Field(4, ge=0, le=20)
    retry_seconds: float = Field(1.0, ge=0.0)
    shell_seconds: float = Field(1800.0, ge=1.0)
    mcp_start_seconds: float = Field(20.0, ge=1.0)


SettingsT = TypeVar("SettingsT", bound=Settings)


def check(settings: type[SettingsT], options: Mapping[str, Any]) -> SettingsT:
    """Check a session's options. Raises `Unprocessable` with the first that is wrong."""
    try:
        return settings.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise Unprocessable(f"The setting {name!r} is wrong: {first['msg']}.") from error


@dataclass(frozen=True)
class Setup:
    """One kind on the bench, as data.

    `module` has `make(spec) -> Model` and imports the vendor's SDK, whose import names are
    `packages`. `secrets` are variables that no command of the agent may see. `instructions`: the
    first of these files that a trusted worktree has is read. `context_size` is assumed where nobody says.
    """

    kind: str
    title: str
    module: str
    packages: tuple[str, ...]
    install_hint: str
    secrets: tuple[str, ...]
    instructions: tuple[str, ...]
    context_size: int

    @property
    def project_files(self) -> tuple[ProjectFile, ...]:
        """What is read of a repository once it is trusted."""
        instructions = (
            ProjectFile(path=name, effect=f"The {self.title} agent reads it as instructions.")
            for name in self.instructions
        )
        skills = f"The {self.title} agent offers these skills to the model."
        return (*instructions, ProjectFile(path=SKILLS, effect=skills))
