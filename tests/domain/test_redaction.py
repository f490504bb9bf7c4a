"""Secrets are taken out of every text that they may stand in, and what is none stays."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote

import pytest

from agor_jupyter.domain.redaction import PLACEHOLDER, Redactor

KEY = "corr3ct/horse+battery=staple"
PLACES = {"/home/ann": "~", "/home/ann/lab/agor/worktrees/tree": ""}
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"


def made(**secrets: str) -> Redactor:
    return Redactor({value: name for name, value in secrets.items()}, PLACES)


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        json.dumps({"a": KEY}),
        quote(KEY, safe=""),
        base64.b64encode(KEY.encode()).decode(),
        f"key={KEY}\nkey={KEY}",
    ],
)
def test_a_known_value_goes_in_each_form(text: str) -> None:
    redactor = made(credential=KEY)
    cleaned = redactor.clean(text)
    assert KEY not in cleaned and quote(KEY, safe="") not in cleaned
    assert "[secret-1]" in cleaned
    assert set(redactor.removed) == {"credential"}


def test_the_same_secret_has_the_same_name() -> None:
    redactor = made(credential=KEY, other="another-one-77")
    assert redactor.clean(f"{KEY} another-one-77 {KEY}") == "[secret-1] [secret-2] [secret-1]"
    assert redactor.removed == {"credential": 2, "other": 1}


def test_a_short_value_is_a_word_or_nothing() -> None:
    redactor = made(variable="fast", none="ab")
    assert redactor.clean("fast faster ab") == "[secret-1] faster ab"


def test_of_a_value_of_many_lines_each_line_is_one() -> None:
    redactor = made(credential="first-line-0123456789\nsecond-line-0123456789")
    assert redactor.clean("+second-line-0123456789\n") == "+[secret-1]\n"


def test_the_frame_of_a_secret_is_none() -> None:
    head = "-----BEGIN CERTIFICATE-----"
    redactor = made(credential=f"{head}\nMIIC0123456789abcdef\n-----END CERTIFICATE-----")
    assert redactor.clean(f"grep -e '{head}' and MIIC0123456789abcdef") == f"grep -e '{head}' and [secret-1]"


def test_what_was_taken_out_is_not_taken_out_again() -> None:
    redactor = made(credential=KEY)
    assert redactor.clean(f"Authorization: Bearer {KEY}") == "Authorization: Bearer [secret-1]"
    assert redactor.take_out(" [secret-1] ", "named secret") == " [secret-1] "
    assert redactor.removed == {"credential": 1}


def test_of_two_that_overlap_nothing_is_left() -> None:
    redactor = made(one="alpha-secret-12345678", two="345678-other-secret-99")
    assert redactor.clean("x alpha-secret-12345678-other-se") == "x [secret-1]"


def test_a_secret_that_begins_in_one_part_ends_in_the_next() -> None:
    redactor = made(credential=KEY)
    assert redactor.clean_parts(["so: corr3ct/ho", "", "rse+battery=staple.", "x"]) == [
        "so: [secret-1]",
        "",
        ".",
        "x",
    ]
    token = "ghp_" + "a1B2" * 9
    assert made().clean_parts([f"t {token[:9]}", f"{token[9:]} u"]) == ["t [secret-1]", " u"]


def test_a_piece_of_a_value_where_a_text_was_cut() -> None:
    redactor = made(credential=KEY)
    cut = f"a {KEY[:12]}\n… 900 bytes left out …\n{KEY[-12:]} b"
    cleaned = redactor.clean(cut)
    assert KEY[:12] not in cleaned and KEY[-12:] not in cleaned
    assert KEY[:10] not in redactor.clean(f"unfinished: {KEY[:10]}")


SHAPES = [
    ("GitHub token", "ghp_" + "a1B2" * 9),
    ("GitHub token", "github_pat_" + "11ABC" * 8),
    ("API key", "sk-ant-api03-" + "aB3_" * 10),
    ("API key", "sk-proj-" + "aB3d" * 10),
    ("API key", "sk_live_" + "aB3d" * 6),
    ("Google key", "AIza" + "Sy_0" * 9),
    ("Slack token", "xoxb-123456789012-abcdefABCDEF"),
    ("JSON web token", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN"),
    ("AWS key", "AKIAIOSFODNN7EXAMPLE"),
    ("private key", PEM),
    ("private key", PEM[:50]),
    ("Jupyter token", "0123456789abcdef" * 3),
    ("Hugging Face token", "hf_" + "aB" * 15),
    ("Agor token", "agor_" + "aB3_" * 8),
]


@pytest.mark.parametrize(("what", "secret"), SHAPES)
def test_a_shape_is_known(what: str, secret: str) -> None:
    for text in (secret, f"say {secret} so", f'x = "{secret}"', f"+{secret}\n", json.dumps([secret])):
        redactor = made()
        cleaned = redactor.clean(text)
        assert secret not in cleaned, text
        assert json.dumps(secret)[1:-1] not in cleaned
        assert set(redactor.removed) <= {what, "named secret"}


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("curl -H 'Authorization: Bearer abc.def-123456'", "abc.def-123456"),
        ("Authorization: token 0123456789abcdef", "0123456789abcdef"),
        ('{"Authorization": "Basic dXNlcjpwYXNzd29yZA=="}', "dXNlcjpwYXNzd29yZA=="),
        ("https://ann:hunter2hunter2@example.org/x", "hunter2hunter2"),
        ("http://127.0.0.1:8888/lab?token=abcdef123456", "abcdef123456"),
        ("export DB_PASSWORD=tr0ub4dor&3", "tr0ub4dor"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCY", "wJalrXUtnFEMI"),
        ('api_key = "0a1b2c3d4e5f"', "0a1b2c3d4e5f"),
        ("'client_secret': 'Zx81spectrum'", "Zx81spectrum"),
    ],
)
def test_a_place_of_secrets_is_known(text: str, secret: str) -> None:
    cleaned = made().clean(text)
    assert secret not in cleaned
    assert PLACEHOLDER.search(cleaned)


@pytest.mark.parametrize(
    "text",
    [
        "token = tokenizer.next()",
        "password: str = Field(default='')",
        "for token in tokens: count += 1",
        "def test_api_key_is_refused(): ...",
        "commit 0123456789abcdef0123456789abcdef01234567",
        "sha256 " + "0123456789abcdef" * 4,
        "the key is sk-learn, or sk-something-without-number",
        "https://example.org/a:b@c",
        "{token} ${API_KEY} TOKEN=$TOKEN",
        "Authorization: Bearer {token}",
        "Bearer of bad news",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    redactor = made()
    assert redactor.clean(text) == text
    assert not redactor.removed


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("/home/ann/lab/agor/worktrees/tree/src/a.py", "src/a.py"),
        ("cd /home/ann/lab/agor/worktrees/tree && ls", "cd . && ls"),
        ("/home/ann/lab/agor/worktrees/tree-2/a", "~/lab/agor/worktrees/tree-2/a"),
        ("file:///home/ann/x", "file://~/x"),
        ("/home/anne/x and x/home/ann/y", "/home/anne/x and x/home/ann/y"),
    ],
)
def test_folders_become_relative(text: str, cleaned: str) -> None:
    redactor = made()
    assert redactor.clean(text) == cleaned
    assert set(redactor.removed) <= {"path"}


@pytest.mark.parametrize(
    "text",
    [
        "A" * 300_000,
        "token" * 60_000,
        "a=" * 100_000,
        "eyJ" * 80_000,
        '"' * 200_000,
        "sk-" * 90_000,
        "/" * 200_000,
    ],
    ids=["a", "token", "equals", "jwt", "quotes", "sk", "slashes"],
)
def test_no_text_takes_long(text: str) -> None:
    begun = time.process_time()
    made(credential=KEY).clean(text)
    assert time.process_time() - begun < 5
