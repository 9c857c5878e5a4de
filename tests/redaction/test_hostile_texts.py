"""A text that was made to be slow to read is read like any other.

They are read in processes that may use a minute of the processor: a time that grows with the square of the text would
be hours for half a million characters, so that the limit says nothing about how quick a machine is.
"""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

SIZE = 500_000
"""Characters."""

MINUTE = 60

HOSTILE = [
    "a",
    "a.",
    "a'",
    "a@",
    "a@a.",
    "@",
    "a@a-",
    "'",
    "1",
    "1 ",
    "12 ",
    "4444 ",
    "4111 1111 1111 1112 ",
    "44-",
    "1.",
    "1.1.1.1.",
    ":",
    "a:",
    "::",
    "f:f",
    "DE",
    "DE89",
    "DE89 ",
    "DE89 3704 0044 0532 0130 01 ",
    "sk-",
    "sk-a",
    "eyJ",
    "eyJaaaaaaaa-",
    "eyJaaaaaaaa.",
    "eyJaaaaaaaa.eyJaaaaaaaa",
    "SG.aaaaaaaaaaaaaaaaaaaa",
    "SG.",
    "gh",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "-",
    "://",
    "://a@",
    "://a:",
    "a://@",
    "[",
    "[EMAIL",
    "EMAIL_",
    "EMAIL_1",
    r"\[EMAIL\_",
    "E",
    '{"',
    '"',
    '\\"',
    "{",
    "é",
    "\u0000",
]

READ = """
import sys
sys.path.insert(0, {root!r})
from django.conf import settings
settings.configure(USE_I18N=False)
from aiops.redaction import redact
from aiops.redaction.detectors import cards, emails, ibans, ip_addresses, logins_in_urls, secrets

detectors = [cards, emails, ibans, ip_addresses, logins_in_urls, secrets]
for piece in {pieces!r}:
    print(ascii(piece), flush=True)
    text = piece * ({size} // len(piece))
    for text in (text, text + " ada@example.com", '["' + text.replace(chr(92), "").replace('"', "") + '"]'):
        found = redact([{{"role": "user", "content": text}}, {{"role": "user", "content": "x@example.com"}}], detectors)
        stream = found.restore.stream()
        stream.feed(text)
        for start in range(0, 20_000, 5):
            stream.feed(text[start : start + 5])
        found.restore.text(text)
"""


def a_minute():
    resource.setrlimit(resource.RLIMIT_CPU, (MINUTE, MINUTE))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_half_a_million_characters_are_read_in_no_time_to_speak_of(part, pytestconfig):
    pieces = HOSTILE[part::4]
    script = READ.format(root=str(pytestconfig.rootpath), pieces=pieces, size=SIZE)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, preexec_fn=a_minute)
    assert (done.stdout.splitlines(), done.returncode) == ([ascii(piece) for piece in pieces], 0), done.stderr[-2000:]
