"""Each detector finds what it is for, whole, and takes nothing else for it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiops.redaction.detectors import cards, emails, ibans, ip_addresses, logins_in_urls, secrets
from aiops.redaction.detectors.iban import LENGTHS

KEY = "abcdefghijklmnopqrstuvwxyz0123456789"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{KEY}\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"

FOUND = [
    (emails, "ada@example.com", "email"),
    (emails, "o'neil+x@mail.example.co.uk", "email"),
    (emails, "müller@bäckerei.example", "email"),
    (emails, "a.b_c-d%e@x-y.io", "email"),
    (ibans, "DE89370400440532013000", "iban"),
    (ibans, "DE89 3704 0044 0532 0130 00", "iban"),
    (ibans, "gb82-west-1234-5698-7654-32", "iban"),
    (ibans, "NO93 8601 1117 947", "iban"),
    (ibans, "MT84MALT011000012345MTLCAST001S", "iban"),
    (ibans, "FR14 2004 1010 0505 0001 3M02 606", "iban"),
    (cards, "4111111111111111", "card"),
    (cards, "4111 1111 1111 1111", "card"),
    (cards, "4111-1111-1111-1111", "card"),
    (cards, "3782 822463 10005", "card"),
    (cards, "30569309025904", "card"),
    (cards, "4222222222222", "card"),
    (cards, "6304000000000000000", "card"),
    (ip_addresses, "203.0.113.7", "ip"),
    (ip_addresses, "255.255.255.255", "ip"),
    (ip_addresses, "2001:db8::7", "ip"),
    (ip_addresses, "2001:0db8:0000:0000:0000:0000:0000:0007", "ip"),
    (ip_addresses, "fe80::", "ip"),
    (secrets, f"sk-{KEY}", "secret"),
    (secrets, f"sk-proj-{KEY}_{KEY}", "secret"),
    (secrets, f"sk-ant-api03-{KEY}-AA", "secret"),
    (secrets, f"sk_live_{KEY}", "secret"),
    (secrets, f"rk_test_{KEY}", "secret"),
    (secrets, f"whsec_{KEY}", "secret"),
    (secrets, "AKIAIOSFODNN7EXAMPLE", "secret"),
    (secrets, "ASIAIOSFODNN7EXAMPLE", "secret"),
    (secrets, f"AIza{KEY[:35]}", "secret"),
    (secrets, f"ghp_{KEY}", "secret"),
    (secrets, f"github_pat_{KEY}", "secret"),
    (secrets, f"glpat-{KEY}", "secret"),
    (secrets, f"xoxb-{KEY}", "secret"),
    (secrets, f"hf_{KEY}", "secret"),
    (secrets, f"pypi-{KEY}{KEY}", "secret"),
    (secrets, f"SG.{KEY[:22]}.{KEY}", "secret"),
    (secrets, JWT, "secret"),
    (secrets, PEM, "secret"),
]


@pytest.mark.parametrize(("detector", "value", "kind"), FOUND)
@pytest.mark.parametrize(
    "around", ["{}", "to {}.", "({}), ", "“{}”", "x={} y", "{}\n", "Nr. 12: {};", "<{}>", "'{}'", "{}, {}"]
)
def test_it_is_found_whole_whatever_stands_around_it(detector, value, kind, around):
    text = around.replace("{}", value)
    found = [(text[one.start : one.end], one.kind) for one in detector(text)]
    assert found == [(value, kind)] * around.count("{}")


@pytest.mark.parametrize(
    ("detector", "text"),
    [
        (emails, "ada@ example.com, @ada, ada@localhost, 3@2.50, a@b"),
        (ibans, "DE88370400440532013000"),
        (ibans, "ZZ89370400440532013000"),
        (ibans, "DE89 3704 0044 0532"),
        (ibans, "4DE89370400440532013000"),
        (cards, "4111111111111112"),
        (cards, "411111111111"),
        (cards, "41111111111111110000000000"),
        (cards, "1700000000000 1700000000018"),
        (cards, "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"),
        (cards, "4111,1111,1111,1111"),
        (ip_addresses, "1.2.3, 256.1.1.1, 1.2.3.4.5, v1.2.3.4, 1.2.3.4a, 1.2.3.4567"),
        (ip_addresses, "10:30:15, std::cout, a::z, ::, x::1"),
        (secrets, "sk-short, task-force-of-the-whole-company, eyJ.eyJ.x, AKIA, desk-"),
        (logins_in_urls, "https://example.com/@ada, //x@y, https://example.com/a:b@c, https://"),
    ],
)
def test_what_only_looks_like_it_is_left(detector, text):
    assert [text[one.start : one.end] for one in detector(text)] == []


@pytest.mark.parametrize(
    ("text", "login"),
    [
        ("postgres://shop:s3cret@db.example.com:5432/shop", "shop:s3cret"),
        ("see https://ada@example.com/x", "ada"),
        ("redis://:p@ss@localhost", ":p@ss"),
        ("amqps://a:b@c?x=d@e", "a:b"),
    ],
)
def test_a_login_in_an_address_is_found_and_the_address_is_not(text, login):
    assert [(text[one.start : one.end], one.kind) for one in logins_in_urls(text)] == [(login, "login")]


def test_a_card_is_found_beside_the_numbers_that_stand_by_it():
    text = "5500 0000 0000 0004 12/28 and 4111 1111 1111 1111 12 28"
    assert next(text[one.start : one.end] for one in cards(text)) == "5500 0000 0000 0004"
    covered = {position for one in cards(text) for position in range(one.start, one.end)}
    start = text.index("4111")
    assert set(range(start, start + 19)) <= covered


@pytest.mark.parametrize("between", ["+", "'", "-", ".", ", ", " ", "''", "/"])
def test_addresses_that_are_glued_to_one_another_are_all_covered(between):
    text = between.join(["ada@example.com", "bob@example.com", "3@2.50", "o'neil@example.com"])
    covered = {position for one in emails(text) for position in range(one.start, one.end)}
    assert not [part for part in ("ada@", "bob@", "o'neil@") if text.index(part) not in covered]


def test_an_account_is_found_behind_a_word_that_is_glued_to_it():
    text = "IBANDE89 3704 0044 0532 0130 00"
    assert [text[one.start : one.end] for one in ibans(text)] == ["DE89 3704 0044 0532 0130 00"]


def test_an_account_is_found_beside_the_words_that_stand_by_it():
    text = "IBAN:DE89 3704 0044 0532 0130 00 BIC COBADEFF"
    assert [text[one.start : one.end] for one in ibans(text)] == ["DE89 3704 0044 0532 0130 00"]


def test_a_private_key_without_its_end_is_found_to_the_end():
    cut = PEM.partition("-----END")[0]
    assert [(one.start, one.end) for one in secrets(f"x {cut}")] == [(2, len(cut) + 2)]


ALNUM = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=29, max_size=29)


@given(st.sampled_from(sorted(LENGTHS)), ALNUM, st.sampled_from(["", " ", "\u00a0", "-"]))
def test_every_account_with_right_digits_is_found(country, characters, between):
    account = characters[: LENGTHS[country] - 4]
    check = 98 - int("".join(str(int(one, 36)) for one in f"{account}{country}00")) % 97
    number = f"{country}{check:02}{account}"
    text = between.join(number[start : start + 4] for start in range(0, len(number), 4))
    assert (0, len(text)) in [(one.start, one.end) for one in ibans(text)]
    wrong = f"{country}{(check + 1) % 100:02}{account}"
    assert (0, len(wrong)) not in [(one.start, one.end) for one in ibans(wrong)]


@given(st.text("0123456789", min_size=12, max_size=18), st.sampled_from("23456"))
def test_every_card_with_a_right_digit_is_found_and_with_another_it_is_not(digits, first):
    body = first + digits[1:]
    total = sum(int(one) if place % 2 else sum(divmod(2 * int(one), 10)) for place, one in enumerate(reversed(body)))
    right = -total % 10
    for last in range(10):
        found = [(one.start, one.end) for one in cards(f"{body}{last}")]
        assert found == ([(0, len(body) + 1)] if last == right else [])


ALL = [cards, emails, ibans, ip_addresses, logins_in_urls, secrets]


@given(st.lists(st.sampled_from([value for _, value, _ in FOUND]) | st.text(max_size=6), max_size=6).map("".join))
@pytest.mark.parametrize("detector", ALL)
def test_whatever_is_found_is_within_the_text_and_in_order(detector, text):
    found = list(detector(text))
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    if detector not in (secrets, ip_addresses):
        assert all(before.end <= after.start for before, after in pairwise(found))
