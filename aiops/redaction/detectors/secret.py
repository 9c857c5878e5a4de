"""Keys to somebody's services, known by how they begin."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aiops.redaction.found import Found

_WORD = "(?<![A-Za-z0-9])"
# Read from the beginning of a run only: it is long before it is known whether it is a token.
_RUN = "(?<![A-Za-z0-9_-])"

KEYS = {
    "sk-": f"{_WORD}sk-[A-Za-z0-9_-]{{16,}}+",
    "_live_": f"{_WORD}[prs]k_live_[A-Za-z0-9]{{16,}}+",
    "_test_": f"{_WORD}[prs]k_test_[A-Za-z0-9]{{16,}}+",
    "whsec_": f"{_WORD}whsec_[A-Za-z0-9+/=]{{16,}}+",
    "AKIA": f"{_WORD}AKIA[0-9A-Z]{{16}}(?![A-Za-z0-9])",
    "ASIA": f"{_WORD}ASIA[0-9A-Z]{{16}}(?![A-Za-z0-9])",
    "AIza": f"{_WORD}AIza[0-9A-Za-z_-]{{35}}",
    "gh": f"{_WORD}gh[oprsu]_[A-Za-z0-9]{{36,}}+",
    "github_pat_": f"{_WORD}github_pat_[A-Za-z0-9_]{{22,}}+",
    "glpat-": f"{_WORD}glpat-[A-Za-z0-9_-]{{20,}}+",
    "xox": f"{_WORD}xox[abeoprs]-[A-Za-z0-9-]{{10,}}+",
    "hf_": f"{_WORD}hf_[A-Za-z0-9]{{30,}}+",
    "pypi-": f"{_WORD}pypi-[A-Za-z0-9_-]{{50,}}+",
    "SG.": f"{_WORD}SG\\.[A-Za-z0-9_-]{{16,64}}\\.[A-Za-z0-9_-]{{16,}}+",
    # A JSON Web Token.
    "eyJ": f"{_RUN}eyJ[A-Za-z0-9_-]{{8,}}+\\.[A-Za-z0-9_-]{{8,}}+\\.[A-Za-z0-9_-]*+",
    # A private key, whether or not its end is there.
    "PRIVATE KEY-----": (
        "-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[^-]|-(?!----))*+(?:-----END [A-Z ]{0,30}PRIVATE KEY-----)?"
    ),
}
"""What must be in a text for it to be worth a look → what the key looks like."""

_PATTERNS = {sign: re.compile(pattern) for sign, pattern in KEYS.items()}


def secrets(text: str) -> Iterator[Found]:
    """`sk-…`, `AKIA…`, JSON Web Tokens, private keys and the like (`KEYS`). Kind: `secret`."""
    for sign, pattern in _PATTERNS.items():
        if sign in text:
            for match in pattern.finditer(text):
                yield Found(match.start(), match.end(), "secret")
