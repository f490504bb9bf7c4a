"""What secrets look like: a table of forms that their issuers publish, and of places where secrets stand.

Each row names what it finds and a pattern; where the pattern has a group `secret`, that alone is the
secret. Forms follow GitHub's list of secret scanning patterns and the issuers' own pages:
https://docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
A guess can miss a secret and can find one that is none: known values are looked for first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_WORD = r"(?<![A-Za-z0-9_])"
_NAMES = r"(?:api[-_]?key|access[-_]?key|secret|token|passw(?:or)?d|private[-_]?key|credentials?)"
_QUOTED = r"(?=[^\"'\n]{0,200}[0-9])(?=[^\"'\n]{0,200}[A-Za-z])[^\"'\s$]{8,400}"
_JWT = (
    # Begun at a run's first letters alone: a long run of `-eyJ` is else read anew from each of them.
    r"(?<![A-Za-z0-9_-])(?:[A-Za-z0-9_-]{0,40}-)?(?P<secret>eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)"
)

SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (what, re.compile(pattern))
    for what, pattern in (
        # RFC 7468. A key that is cut off ends where the text ends.
        (
            "private key",
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
            r"(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
        ),
        # RFC 7519: header and payload are JSON objects, so both begin with `{"`.
        ("JSON web token", _JWT),
        # docs.github.com, about authentication to GitHub: token formats
        ("GitHub token", _WORD + r"(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,})"),
        # docs.gitlab.com, token overview
        ("GitLab token", _WORD + r"gl(?:pat|dt|rt|cbt|ptt|soat)-[A-Za-z0-9_.-]{16,}"),
        # docs.slack.dev, tokens and incoming webhooks
        ("Slack token", _WORD + r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,}"),
        ("Slack webhook", r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{10,}"),
        # cloud.google.com, API keys and OAuth access tokens
        ("Google key", _WORD + r"(?:AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_.-]{16,})"),
        # docs.aws.amazon.com, unique identifiers of IAM
        ("AWS key", _WORD + r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
        ("Hugging Face token", _WORD + r"hf_[A-Za-z0-9]{20,}"),
        ("npm token", _WORD + r"npm_[A-Za-z0-9]{30,}"),
        ("PyPI token", _WORD + r"pypi-[A-Za-z0-9_-]{16,}"),
        ("Agor token", _WORD + r"agor_[A-Za-z0-9_-]{16,}"),
        # OpenAI, Anthropic, OpenRouter (sk-), Stripe (sk_, rk_, pk_)
        ("API key", _WORD + r"(?:sk|rk|pk)[-_](?=[A-Za-z_-]{0,60}[0-9])[A-Za-z0-9_-]{16,}"),
        # jupyter_server.auth.identity: hexlify(urandom(24))
        ("Jupyter token", r"(?<![0-9a-f])[0-9a-f]{48}(?![0-9a-f])"),
        # RFC 9110, 11.6.2, in headers, curl's options and code
        (
            "authorization",
            r"(?i:(?:proxy-)?authorization\\?[\"']?\s{0,3}[:=,]\s{0,3}\\?[\"']?)"
            r"(?:(?i:bearer|basic|token|digest|apikey)\s{1,3})?(?P<secret>[^\s\"'\\,;{}()$]{8,})",
        ),
        (
            "authorization",
            _WORD + r"(?i:bearer)\s{1,3}(?P<secret>(?=[^\s]{0,80}[0-9])[A-Za-z0-9._~+/=-]{16,})",
        ),
        # RFC 3986, 3.2.1: a password in an address
        (
            "password in an address",
            r"(?<=://)(?P<secret>[^\s/@:\"'<>{}$]{1,200}:[^\s/@\"'<>{}$]{1,200})(?=@)",
        ),
        (
            "token in an address",
            r"(?i:[?&#](?:access_|refresh_|id_|auth_?)?(?:token|api_?key|key|secret|sig|signature)=)"
            r"(?P<secret>[^\s&#\"'<>{}$]{8,})",
        ),
        # A name that tells, and a value that stands there literally: NAME=value, "name": "value".
        # What stands before the telling word is not read: looked for from each place, it takes its square.
        (
            "named secret",
            r"(?<![a-z])(?:API_?KEY|ACCESS_?KEY|SECRET|TOKEN|PASSW(?:OR)?D|PRIVATE_?KEY"
            r"|CREDENTIALS?)[A-Z0-9_]{0,40}=(?P<secret>[^\s\"'`$(){}\[\]<>,;&|]{8,400})",
        ),
        (
            "named secret",
            r"(?i:" + _NAMES + r"[A-Za-z0-9_-]{0,40})"
            r"\\?[\"']?\s{0,3}[:=]\s{0,3}\\?(?P<quote>[\"'])(?P<secret>" + _QUOTED + r")\\?(?P=quote)",
        ),
    )
)


def shaped(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, what) of everything in `text` that has the shape of a secret; they may overlap."""
    for what, pattern in SHAPES:
        group = "secret" if "secret" in pattern.groupindex else 0
        for found in pattern.finditer(text):
            start, end = found.span(group)
            yield start, end, what
