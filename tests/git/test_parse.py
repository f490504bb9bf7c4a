"""The readers of git's machine formats: made-up names, then a real git's answers to them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agor_jupyter.git import parse
from agor_jupyter.git.room import GitRoom
from tests.git.conftest import run_plain

NAME_BYTES = st.binary(min_size=1, max_size=40).filter(
    lambda b: b"\0" not in b and b"/" not in b and b not in (b".", b"..")
)
NAMES = NAME_BYTES.map(os.fsdecode)
SHA = st.text("0123456789abcdef", min_size=40, max_size=40)


def nul(*fields: str) -> bytes:
    return b"".join(os.fsencode(field) + b"\0" for field in fields)


@given(st.lists(st.tuples(st.sampled_from("12u?"), NAMES, NAMES), max_size=8), SHA)
def test_status_reads_any_name(entries: list[tuple[str, str, str]], sha: str) -> None:
    fields = [f"# branch.oid {sha}", "# branch.head work", "# branch.ab +0 -0"]
    wanted = []
    for kind, name, old in entries:
        if kind == "1":
            fields.append(f"1 .M N... 100644 100644 100644 {sha} {sha} {name}")
            wanted.append((name, "modified", None))
        elif kind == "2":
            fields += [f"2 R. N... 100644 100644 100644 {sha} {sha} R100 {name}", old]
            wanted.append((name, "renamed", old))
        elif kind == "u":
            fields.append(f"u UU N... 100644 100644 100644 100644 {sha} {sha} {sha} {name}")
            wanted.append((name, "conflicted", None))
        else:
            fields.append(f"? {name}")
            wanted.append((name, "untracked", None))
    report = parse.parse_status(nul(*fields))
    assert (report.head_sha, report.branch) == (sha, "work")
    assert [(e.path, e.status, e.old_path) for e in report.entries] == wanted


@given(st.dictionaries(NAMES, st.tuples(NAMES, st.booleans(), st.integers(0, 9)), max_size=8), SHA)
def test_changes_reads_any_name(entries: dict[str, tuple[str, bool, int]], sha: str) -> None:
    raw: list[str] = []
    counts: list[str] = []
    for name, (old, renamed, lines) in entries.items():
        raw += [f":100644 100644 {sha} {sha} {'R090' if renamed else 'M'}"]
        raw += [old, name] if renamed else [name]
        counts += [f"{lines}\t-\t", old, name] if renamed else [f"{lines}\t{lines}\t{name}"]
    found = parse.parse_changes(nul(*raw, *counts))
    assert [(c.path, c.old_path) for c in found] == [
        (name, old if renamed else None) for name, (old, renamed, _) in entries.items()
    ]
    assert [c.lines_added for c in found] == [lines for _, _, lines in entries.values()]


@given(st.lists(st.tuples(NAMES, SHA, st.booleans(), st.none() | NAMES.filter(lambda n: n.strip() == n))))
def test_worktrees_reads_any_path(entries: list[tuple[str, str, bool, str | None]]) -> None:
    fields: list[str] = []
    for name, sha, detached, reason in entries:
        fields += [f"worktree /w/{name}", f"HEAD {sha}", "detached" if detached else "branch refs/heads/b"]
        fields += [f"locked {reason}"] if reason is not None else []
        fields.append("")
    found = parse.parse_worktrees(nul(*fields))
    assert [(w.path, w.head_sha, w.branch, w.locked) for w in found] == [
        (f"/w/{name}", sha, None if detached else "b", reason) for name, sha, detached, reason in entries
    ]


@given(st.lists(st.tuples(NAMES, SHA)))
def test_records_read_any_path(rows: list[tuple[str, str]]) -> None:
    data = b"".join(os.fsencode(f"{sha}\0{name.lstrip(chr(10))}x\0\n") for name, sha in rows)
    assert parse.parse_records(data, 2) == [(sha, f"{name.lstrip(chr(10))}x") for name, sha in rows]


@given(st.binary(max_size=300))
def test_printable_is_always_text(data: bytes) -> None:
    parse.printable(parse.decode(data)).encode("utf-8")


ODD = [
    b"new\nline", b"tab\there", b'quo"te', b"back\\slash", b"\xff\xfe", b" lead", b"trail ", b"-n",
    b"\xc3\xa4", b":colon", b"R  x", b"? q", b"*", b"a => b", b"{x}",
]  # fmt: skip


async def test_real_git_agrees_about_odd_names(room: GitRoom, repo: Path, root: Path) -> None:
    await room.worktrees.create(str(repo), str(root / "w"), "w")
    top = os.fsencode(root / "w")
    for name in ODD:
        Path(os.fsdecode(top + b"/" + name)).write_bytes(b"x\ny\n")
    status = await room.diffs.status(str(root / "w"))
    wanted = sorted(parse.printable(os.fsdecode(name)) for name in ODD)
    assert sorted(c.path for c in status.changes) == wanted
    assert status.lines_added == 2 * len(ODD)
    status.model_dump_json()
    head = status.head_sha
    run_plain("add", "-A", cwd=root / "w")
    run_plain("commit", "-q", "-m", "odd", cwd=root / "w")
    run_plain("mv", "--", "tab\there", "to\nthere", cwd=root / "w")
    (root / "w" / "new\nline").write_text("z\n")
    found = {d.path: d for d in await room.diffs.diff(str(root / "w"), head)}
    assert found["to\nthere"].new_text == "x\ny\n"
    assert found["new\nline"].new_text == "z\n"
    assert sorted(found) == sorted({*wanted, "to\nthere"} - {"tab\there"})


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.sets(NAME_BYTES.filter(lambda b: b.lower() not in (b".git", b"git~1")), min_size=1, max_size=6)
)
async def test_real_git_agrees_about_any_name(
    room: GitRoom, repo: Path, tmp_path: Path, names: set[bytes]
) -> None:
    top = tmp_path / "any"
    if not top.exists():
        run_plain("clone", "-q", str(repo), "any", cwd=tmp_path)
    run_plain("clean", "-fdxq", cwd=top)
    for name in names:
        with open(os.fsencode(top) + b"/" + name, "wb") as file:
            file.write(b"1\n")
    known = {b"a.txt", b"b.txt", b".gitignore"}
    found = await room.diffs.status(str(top))
    wanted = sorted(parse.printable(os.fsdecode(n)) for n in names - known if not n.endswith(b".log"))
    assert sorted(c.path for c in found.changes if c.status == "untracked") == wanted
    for name in known & names:
        run_plain("checkout", "-q", "--", name.decode(), cwd=top)


@pytest.mark.parametrize("data", [b"", b"\0"])
def test_nothing_is_nothing(data: bytes) -> None:
    assert parse.parse_worktrees(b"") == []
    assert parse.parse_changes(b"") == []
    assert parse.parse_records(b"", 3) == []
    assert parse.parse_names(b"") == []
