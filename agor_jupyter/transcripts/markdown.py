"""Text made safe for a Markdown fall-back that any viewer may render, sanitising or not.

nbconvert passes raw HTML through, so nothing an agent or a tool said may reach a viewer as HTML.
Parsers disagree on where code begins; therefore code blocks are written anew in a form on which
all agree, and outside of them no `<` that could open a tag survives.
"""

from __future__ import annotations

import html
import re

CLIP_BYTES = 4096

_ANSI = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")
_FENCE = re.compile(r"^ {0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)$")
"""Only a fence of backticks may have none behind it: where a parser sees a block and we do not, or the
other way round, what we take for code is live."""
_TAG = re.compile(r"<(?=[/!?]|[A-Za-z][A-Za-z0-9:-]*(?:[\s/>]|$))", re.MULTILINE)
_SPAN = re.compile(r"(?<![`\\])(`+)(?!`)([^\n]*?[^`\n])\1(?!`)")
_SPECIAL = re.compile(r"([\\`*_\[\]$|~!#])")
_IMAGE = re.compile(r"(?<!\\)((?:\\\\)*)!(?=\[)")
_AUTOLINK = re.compile(r"<(?=(?!https?:|mailto:)[A-Za-z][A-Za-z0-9+.-]{1,31}:)", re.IGNORECASE)
_LINK = re.compile(r"\](?=(?:\(|:)\s*(<[^>\n]*|[^\s)]*))")
_SAFE_TARGET = re.compile(r"<?(?:https?://|mailto:|[^:&\\]*(?:[/?#]|$))", re.IGNORECASE)
"""A target of a scheme that no viewer runs, or of none. Entities and escapes could spell any scheme."""


def clean(text: str) -> str:
    """Strip terminal codes and control characters; keep what a progress bar wrote last on a line."""
    text = text.encode("utf-8", "replace").decode()
    if "\x1b" in text or "\x9b" in text:
        text = _ANSI.sub("", text)
    text = text.replace("\r\n", "\n")
    if "\r" in text:
        text = "\n".join(_last_written(line) for line in text.split("\n"))
    return _CONTROL.sub("", text)


def _last_written(line: str) -> str:
    return next((part for part in reversed(line.split("\r")) if part), "")


def clip(text: str, limit: int = CLIP_BYTES) -> str:
    """Keep the head and the tail of a text of more than `limit` bytes, saying what is left out."""
    data = text.encode()
    if len(data) <= limit:
        return text
    half = limit // 2
    head = data[:half].decode(errors="ignore")
    tail = data[-half:].decode(errors="ignore")
    return f"{head}\n… {len(data) - 2 * half:,} bytes left out …\n{tail}"


def fenced(text: str, language: str = "") -> str:
    """Put text into a code block whose fence is longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    body = text if text.endswith("\n") or not text else text + "\n"
    return f"{fence}{language}\n{body}{fence}"


def code_span(text: str) -> str:
    """Write a name as inline code, on one line."""
    return f"<code>{_entities(one_line(text))}</code>"


def plain(text: str, limit: int = 200) -> str:
    """Write a name or a title into Markdown so that it is read as the text it is."""
    return _SPECIAL.sub(r"\\\1", html.escape(one_line(text, limit), quote=False))


def summary(text: str) -> str:
    """Write a title into a `<summary>`: an HTML line, in which Markdown is not read."""
    return html.escape(one_line(text), quote=False)


def one_line(text: str, limit: int = 200) -> str:
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def prose(text: str) -> str:
    """Give an agent's Markdown without live HTML and without images that a viewer would fetch."""
    out: list[str] = []
    pending: list[str] = []
    lines = clean(text).split("\n")
    at = 0
    while at < len(lines):
        opening = _FENCE.match(lines[at])
        if opening is None:
            pending.append(lines[at])
            at += 1
            continue
        end = _closing(lines, at, opening[1])
        out.append(_inert("\n".join(pending)))
        pending = []
        language = re.sub(r"[^\w+#.-]", "", opening[2].strip().split(" ")[0])
        out.append(fenced("\n".join(lines[at + 1 : end]), language))
        at = end + 1
    out.append(_inert("\n".join(pending)))
    return "\n\n".join(part for part in (part.strip("\n") for part in out) if part)


def _closing(lines: list[str], at: int, fence: str) -> int:
    """Find the line that closes a fence; one that is never closed runs to the end."""
    pattern = re.compile(rf"^ {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}\s*$")
    return next((n for n in range(at + 1, len(lines)) if pattern.match(lines[n])), len(lines))


def _inert(text: str) -> str:
    if "<" in text:
        # A code span that holds a tag becomes our own <code>: where a parser sees the span
        # elsewhere than we do, the worst is that entities are shown as they are written.
        text = _SPAN.sub(_span, text)
        parts = re.split(r"(<code>[^<]*</code>)", text)
        text = "".join(part if n % 2 else _TAG.sub("&lt;", part) for n, part in enumerate(parts))
    text = _LINK.sub(_link, _AUTOLINK.sub("&lt;", text))
    return _IMAGE.sub(r"\1\\!", text)


def _link(match: re.Match[str]) -> str:
    """Leave a link to a page as it is; one that could run something becomes plain words."""
    return "]" if _SAFE_TARGET.match(match[1]) else "&#93;"  # no backslash: one before would undo it


def _span(match: re.Match[str]) -> str:
    body = match[2]
    return f"<code>{_entities(body.strip())}</code>" if "<" in body else match[0]


def _entities(text: str) -> str:
    escaped = html.escape(text, quote=False)
    return re.sub(r"[\\`*_\[\]$|~!#]", lambda found: f"&#{ord(found[0])};", escaped)
