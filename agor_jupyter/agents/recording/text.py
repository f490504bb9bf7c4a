"""A script as YAML that a person can read: comments between the steps, long texts as blocks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from agor_jupyter.agents.recording.steps import Comment, Item

WIDTH = 2**30
"""No line is folded: a text stands as it is, or in one line with escapes."""


def written(head: Sequence[str], members: dict[str, Any], turns: Sequence[tuple[str, Sequence[Item]]]) -> str:
    """Write a script: comments, members, and turns as (match, steps); an empty match is for any prompt."""
    lines = [*_comments(head), *_dumped(members), "turns:"]
    for match, items in turns:
        begin = _dumped([{"match": match}]) if match else []
        opening = [*begin, "  steps:" if match else "- steps:"]
        rest = _indented(_steps(items), 2) if any(_plain(items)) else ["    []"]
        lines += _indented([*opening, *rest], 2)
    return "\n".join(lines) + "\n"


def as_data(members: dict[str, Any], turns: Sequence[tuple[str, Sequence[Item]]]) -> dict[str, Any]:
    """Give the script without its comments."""
    return {
        **members,
        "turns": [
            {**({"match": match} if match else {}), "steps": list(_plain(items))} for match, items in turns
        ],
    }


def _plain(items: Iterable[Item]) -> Iterator[dict[str, Any]]:
    for item in items:
        if isinstance(item, Comment):
            continue
        inner = item["tool"].get("steps") if "tool" in item else None
        yield item if inner is None else {"tool": {**item["tool"], "steps": list(_plain(inner))}}


def _steps(items: Iterable[Item]) -> list[str]:
    lines: list[str] = []
    for item in items:
        if isinstance(item, Comment):
            lines += _comments([item.text])
            continue
        inner = item["tool"].get("steps") if "tool" in item else None
        if inner is None:
            lines += _dumped([item])
            continue
        shell = {"tool": {name: value for name, value in item["tool"].items() if name != "steps"}}
        lines += _dumped([shell])
        within = _indented(_steps(inner), 4) if any(_plain(inner)) else ["      []"]
        lines += ["    steps:", *within]
    return lines


def _comments(texts: Iterable[str]) -> list[str]:
    """Write comments: one line each, whatever breaks and controls stand in the text."""
    return ["# " + "".join(c if c.isprintable() else " " for c in text).strip() for text in texts]


def _indented(lines: Iterable[str], count: int) -> list[str]:
    return [" " * count + line if line else line for line in lines]


def _dumped(value: Any) -> list[str]:
    """Write one value. It is read again at once: what does not come back the same is written without blocks.

    Value by value, because a whole script would keep the interpreter busy for too long at a time.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for dumper in _dumpers():
        text: str = yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
        try:
            if yaml.load(text, Loader=loader) == value:  # noqa: S506 - the loader is a safe one
                return text.removesuffix("\n").split("\n")
        except yaml.YAMLError:
            continue
    raise AssertionError("a value of the script does not read as it was written")


@cache
def _dumpers() -> tuple[Any, Any]:
    """Give a dumper that writes texts of several lines as blocks, and one that quotes them."""
    import yaml

    plain: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    blocks: Any = type("BlockDumper", (plain,), {})
    blocks.add_representer(str, _as_block)
    return blocks, plain


def _as_block(dumper: Any, text: str) -> Any:
    # A block that begins with a space, or ends with several breaks, depends on what stands around it.
    plain = "\n" in text and not text[:1].isspace() and not text.endswith("\n\n")
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if plain else None)
