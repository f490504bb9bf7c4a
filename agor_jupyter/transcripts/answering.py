"""How a waiting request can be answered by a line, said in words. Pure, and of the standard library only:
kernels use it too. A request is a mapping with the keys of `PermissionRequest`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from agor_jupyter.transcripts.markdown import one_line

Request = Mapping[str, Any]


def own_names(request: Request) -> bool:
    """Say whether the options go by their own names: allow, always and reject would not tell them apart.

    So it is where two are of one kind, and where a change of mode (a plan, say) is asked for: there
    *always* would mean something else.
    """
    kinds = [str(option.get("kind")) for option in request.get("options") or ()]
    return bool(kinds) and (len(set(kinds)) < len(kinds) or request.get("kind") == "switch_mode")


def named_options(request: Request) -> list[tuple[str, str]]:
    """List `(what is written, what it means)` of options that go by their own names; else nothing."""
    if not own_names(request):
        return []
    return [
        (shlex.quote(one_line(str(option.get("option_id")))), one_line(str(option.get("name"))))
        for option in request.get("options") or ()
    ]


def remark(request: Request) -> str:
    """Give the first line of what is said with questions: what becomes of the answers, with a form's."""
    said = str(request.get("description") or "").strip()
    return one_line(said.splitlines()[0]) if said and request.get("questions") else ""


def choices(request: Request, usual: str = "allow|always|reject") -> str:
    """Name what may stand behind `%agor answer REQUEST`."""
    questions = len(request.get("questions") or ())
    if questions > 1:
        return " ".join(f'"ANSWER {number}"' for number in range(1, questions + 1))
    if questions:
        return "YOUR ANSWER"
    return "|".join(written for written, _ in named_options(request)) or usual
