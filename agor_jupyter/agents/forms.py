"""What an MCP server asks a person by a form (*elicitation*): fields as questions, answers as content.

Pure, and the same for every kind of agent. A form is flat: texts, numbers, yes or no, choices. What asks for
more (a page to visit) is not a form and is refused by who meets it, never in silence (`page_notice`).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from agor_jupyter.agents.addresses import shortened
from agor_jupyter.agents.base import Decision
from agor_jupyter.domain.asking import taken
from agor_jupyter.domain.content import PermissionOption, Question
from agor_jupyter.domain.events import Notice, PermissionRequest
from agor_jupyter.domain.ids import RequestId, ToolCallId

DECLINE = PermissionOption(option_id="decline", name="Decline", kind="reject_once")
LEFT_OUT = "-"
"""What leaves a field out that need not be filled in: every question of the house wants an answer."""
MOST_FIELDS = 50
MOST_CHARACTERS = 50_000
MOST_SHOWN = 500
"""Characters of one question or choice; a longer one is clipped, and told apart from its like."""
EMPTY = "(empty)"
KEPT = "Your answers are kept in the session's log and given to the server {}: no passwords."
"""The first words of a form with fields, whatever its server says after them."""
YES, NO = "yes", "no"
_YES, _NO = (YES, "y", "true"), (NO, "n", "false")
_WORDS: Mapping[str, str] = {"integer": "a whole number", "number": "a number", "boolean": "yes or no"}

Action = Literal["accept", "decline", "cancel"]


@dataclass(frozen=True)
class Field:
    """One field. `choices`: what a person sees → what the server takes."""

    name: str
    question: str
    schema: Mapping[str, Any]
    choices: Mapping[str, object]
    multiple: bool
    required: bool


@dataclass(frozen=True)
class Outcome:
    """What the server is told. With `problems` nothing is yet: the person must be asked again."""

    action: Action
    content: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Form:
    """A form as its server sent it."""

    server: str
    message: str
    fields: tuple[Field, ...]
    too_big: bool = False  # more than a person reads; it is not asked

    @property
    def questions(self) -> tuple[Question, ...]:
        """Give a question a field; one without fields asks for a yes."""
        if not self.fields:
            return (Question(question=self._sole, header=self.server, choices=(YES, NO)),)
        return tuple(
            Question(
                question=item.question,
                header=self.server,
                choices=(*item.choices, *((LEFT_OUT,) if item.choices and not item.required else ())),
                multiple=item.multiple,
            )
            for item in self.fields
        )

    def request(
        self, request_id: RequestId, tool_call_id: ToolCallId | None, problems: Sequence[str] = ()
    ) -> PermissionRequest:
        """Build what a person sees; `problems` say why it is asked again."""
        fields = [[item.name, item.schema, item.required] for item in self.fields]
        told = [KEPT.format(_clipped(" ".join(self.server.split()), 80))] if self.fields else []
        whole = json.dumps([self.server, self.message, fields], default=str)
        return PermissionRequest(
            request_id=request_id,
            tool_call_id=tool_call_id,
            title=f"The MCP server {self.server} asks",
            description="\n".join([*told, *filter(None, [self.message, self._remark()]), *problems]),
            options=(DECLINE,),
            questions=self.questions,
            digest=hashlib.sha256(whole.encode(errors="surrogatepass")).hexdigest(),
        )

    @property
    def _sole(self) -> str:
        return _clipped(self.message.strip()) or "Go on?"

    def _remark(self) -> str:
        """Say what need not be answered."""
        free = [_free(item) for item in self.fields if not item.required]
        return f"“{LEFT_OUT}” leaves out: {', '.join(free)}." if free else ""

    def outcome(self, decision: Decision) -> Outcome:
        """Read a person's answers. Withdrawn is a cancel; no answer is a no."""
        if decision.outcome != "selected":
            return Outcome("cancel")
        if decision.option_id is not None or not decision.answers:
            return Outcome("decline")
        if not self.fields:
            agreed = any(answer.strip().lower() in _YES for answer in decision.answers.values())
            return Outcome("accept" if agreed else "decline")
        content: dict[str, Any] = {}
        problems: list[str] = []
        for item in self.fields:
            given = decision.answers.get(item.question, "").strip()
            try:
                if (value := _value(item, given)) is not None:
                    content[item.name] = value
            except ValueError as error:
                problems.append(f"{item.question}: {error}")
        return Outcome("accept", content, tuple(problems))


def form_of(server: str, message: str, schema: object) -> Form:
    """Read a form. Fields that are none are left out; two that ask the same are told apart by name."""
    listed = schema.get("properties") if isinstance(schema, Mapping) else None
    wanted = schema.get("required") if isinstance(schema, Mapping) else None
    required = {each for each in wanted if isinstance(each, str)} if isinstance(wanted, list) else set()
    fields: list[Field] = []
    apart = _Apart()
    for name, item in islice((listed if isinstance(listed, Mapping) else {}).items(), MOST_FIELDS + 1):
        if not isinstance(item, Mapping):
            continue
        words = (str(each or "").strip() for each in (item.get("description"), item.get("title"), name))
        asked = apart.add(next(filter(None, words), EMPTY), str(name))
        multiple = item.get("type") == "array"
        must = name in required
        choices = _choices(item.get("items") if multiple else item, () if must else (LEFT_OUT,))
        fields.append(Field(str(name), asked, item, choices, multiple, must))
    size = len(message) + len(json.dumps(schema, default=str))
    return Form(server, message, tuple(fields), size > MOST_CHARACTERS or len(fields) > MOST_FIELDS)


def size_notice(server: str) -> Notice:
    """Say that a form was refused because of its size."""
    text = f"The MCP server {server} asks more than a form may hold. It was declined."
    hint = f"A form has at most {MOST_FIELDS} fields and {MOST_CHARACTERS:,} characters."
    return Notice(level="warning", text=text, hint=hint)


def page_notice(server: str, url: str) -> Notice:
    """Say that a server asked for a page to be visited, and that it was refused.

    All who read the session see it, so that of the address only the host is named.
    """
    text = f"The MCP server {server} asks you to open a page. That is refused here: only forms are asked."
    return Notice(level="warning", text=text, hint=shortened(url))


def _free(item: Field) -> str:
    default = item.schema.get("default")
    if default is None or isinstance(default, list | dict):
        return item.question
    shown = (YES if default else NO) if isinstance(default, bool) else _clipped(str(default))
    return f"{item.question} (it is then {shown})"


def _clipped(text: str, most: int = MOST_SHOWN) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


class _Apart:
    """Clips texts and tells each apart from those before it: by its name, else by a number."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._known = set(taken)
        self._numbers: Counter[str] = Counter()

    def add(self, text: str, name: str = "") -> str:
        short = told = _clipped(text)
        if told in self._known and name:
            told = f"{short} [{_clipped(name, 60)}]"
        while told in self._known:
            self._numbers[short] += 1
            told = f"{short} [{self._numbers[short] + 1}]"
        self._known.add(told)
        return told


def _choices(schema: object, taken: Sequence[str] = ()) -> dict[str, object]:
    """Give what a person sees and what the server takes for it.

    An answer is read without the spaces around it, and is never empty: so is what can be chosen.
    """
    found: dict[str, object] = {}
    apart = _Apart(taken)
    for words, value in _listed(schema):
        told = words.strip() or EMPTY
        if told in found and found[told] == value and type(found[told]) is type(value):
            continue  # it is listed twice
        found[apart.add(told)] = value
    return found


def _listed(schema: object) -> list[tuple[str, object]]:
    if not isinstance(schema, Mapping):
        return []
    if schema.get("type") == "boolean":
        return [(YES, True), (NO, False)]
    titled = schema.get("oneOf") or schema.get("anyOf")
    if isinstance(titled, list):
        parts = [part for part in titled if isinstance(part, Mapping) and "const" in part]
        return [(str(part.get("title") or part["const"]), part["const"]) for part in parts]
    listed, names = schema.get("enum"), schema.get("enumNames")
    if not isinstance(listed, list):
        return []
    shown = names if isinstance(names, list) and len(names) == len(listed) else listed
    return [(str(name), value) for name, value in zip(shown, listed, strict=True)]


def _value(item: Field, given: str) -> object:
    """Give an answer the type that was asked for; None leaves it out. Raises `ValueError` with what to do."""
    if not given or (given == LEFT_OUT and not item.required):
        if item.required:
            raise ValueError("an answer is needed.")
        return item.schema.get("default")
    if item.schema.get("type") == "boolean":
        if given.lower() not in (*_YES, *_NO):
            raise ValueError(f"{given!r} is not {_WORDS['boolean']}.")
        return given.lower() in _YES
    if item.choices:
        return _chosen(item, given)
    kind = item.schema.get("type")
    if kind in ("integer", "number"):
        return _number(str(kind), given, item.schema)
    if item.multiple:
        return [part.strip() for part in given.split(",")]
    return _text(given, item.schema)


def _chosen(item: Field, given: str) -> object:
    """Find what was chosen."""
    if not item.multiple:
        if given in item.choices:
            return item.choices[given]
        if given in item.choices.values():
            return given
        raise ValueError(f"{given!r} is none of the choices.")
    found, rest = taken(item.choices, given)
    if rest:
        raise ValueError(f"{rest!r} is none of the choices.")
    return [item.choices[choice] for choice in found]


def _number(kind: str, given: str, schema: Mapping[str, Any]) -> int | float:
    try:
        value = int(given) if kind == "integer" else float(given)
    except ValueError:
        raise ValueError(f"{given!r} is not {_WORDS[kind]}.") from None
    least, most = schema.get("minimum"), schema.get("maximum")
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{given!r} is not {_WORDS[kind]}.")
    if isinstance(least, int | float) and value < least:
        raise ValueError(f"{given} is less than {least}.")
    if isinstance(most, int | float) and value > most:
        raise ValueError(f"{given} is more than {most}.")
    return value


def _text(given: str, schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minLength"), schema.get("maxLength")
    if isinstance(least, int) and len(given) < least:
        raise ValueError(f"at least {least} characters are wanted.")
    if isinstance(most, int) and len(given) > most:
        raise ValueError(f"at most {most} characters are wanted.")
    return given
