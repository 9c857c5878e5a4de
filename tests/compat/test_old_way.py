"""A call site that has moved over goes back where the setting names it."""

import asyncio
import inspect
import logging

import pytest
from django.core.checks import run_checks

from aiops.compat import moved_from
from tests.compat.sites import tickets

HERE = "tests.compat.sites.tickets"


@pytest.fixture
def old_way(settings):
    def old_way(*names):
        settings.AIOPS = settings.AIOPS | {"OLD_WAY": list(names)}

    return old_way


def said():
    return [(found.msg, found.hint) for found in run_checks(tags=["aiops"]) if found.id == "aiops.W011"]


async def collected(stream):
    return [piece async for piece in stream]


WAYS = {
    "summarise": lambda: tickets.summarise("a", words=3),
    "summarise_async": lambda: asyncio.run(tickets.summarise_async("a", words=3)),
    "summarise_since_async": lambda: asyncio.run(tickets.summarise_since_async("a", words=3)),
    "summarise_no_longer_async": lambda: tickets.summarise_no_longer_async("a", words=3),
    "stream": lambda: " ".join(tickets.stream("a 3")),
    "stream_async": lambda: " ".join(asyncio.run(collected(tickets.stream_async("a 3")))),
    "Desk.ask": lambda: tickets.Desk().ask("a 3").replace(" the desk", ""),
    "Desk.shorten": lambda: tickets.Desk.shorten("a", words=3),
}


@pytest.mark.parametrize("name", WAYS)
def test_a_site_goes_the_new_way_until_the_setting_names_it(name, old_way):
    assert WAYS[name]() == "new a 3"
    old_way(f"{HERE}.{name}")
    assert WAYS[name]() == "old a 3"
    old_way()
    assert WAYS[name]() == "new a 3"


@pytest.mark.parametrize(
    ("entry", "way"),
    [
        (f"{HERE}.summarise", "old"),
        (f"{HERE}.*", "old"),
        ("tests.compat.*", "old"),
        (f"{HERE}.summarise.*", "new"),
        (f"{HERE}.summar*", "new"),
        (f"{HERE}.summarise_async", "new"),
        ("tests.compat.site.*", "new"),
        (HERE, "new"),
        ("*", "new"),
    ],
)
def test_an_entry_means_one_site_or_all_below_a_name(entry, way, old_way):
    old_way(entry)
    assert tickets.summarise("a") == f"{way} a 10"


def test_what_is_asked_about_the_function_is_said_by_the_new_one():
    assert tickets.summarise.__name__ == "summarise"
    assert tickets.summarise.__doc__ == "In few words."
    assert inspect.iscoroutinefunction(tickets.summarise_since_async)
    assert not inspect.iscoroutinefunction(tickets.summarise_no_longer_async)


def test_the_old_way_is_said_in_the_log_once(old_way, caplog):
    @moved_from(str.lower)
    def said_once(text):
        return text.upper()

    site = f"{__name__}.{said_once.__qualname__}"
    old_way(site)
    with caplog.at_level(logging.INFO, logger="aiops.compat"):
        assert [said_once("Aa"), said_once("Bb")] == ["aa", "bb"]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", f"{site} goes the old way, as AIOPS['OLD_WAY'] says: its calls are neither logged nor limited.")
    ]


@pytest.mark.parametrize("wrapped", [classmethod, staticmethod])
def test_the_decorator_above_classmethod_is_refused(wrapped):
    with pytest.raises(TypeError, match="below @classmethod and @staticmethod"):
        moved_from(str.lower)(wrapped(lambda text: text))


def test_a_stream_cannot_take_over_from_one_answer():
    with pytest.raises(TypeError, match="must both be asynchronous generators"):
        moved_from(tickets.old_summarise_async)(tickets.old_stream_async)


def test_a_name_that_no_site_has_is_a_warning_with_the_nearest(old_way):
    old_way(f"{HERE}.sumarise", f"{HERE}.summarise", "tests.compat.sites.*")
    assert said() == [
        (
            f"AIOPS['OLD_WAY'] names {HERE}.sumarise, and no function decorated with moved_from is called that.",
            f"Did you mean {HERE}.summarise? The name is the module and the qualified name of the new function; "
            "delete it where the old way is gone.",
        )
    ]


@pytest.mark.parametrize("name", ["no.such.shop.*", "tests.compat.sites.broken.ask", "", "...", "a b"])
def test_whatever_the_setting_names_the_check_only_warns(name, old_way):
    old_way(name)
    assert [message for message, _ in said()] == [
        f"AIOPS['OLD_WAY'] names {name}, and no function decorated with moved_from is called that."
    ]


def test_a_site_in_a_module_that_nobody_has_imported_yet_is_known(old_way):
    old_way("tests.compat.sites.named_by_nobody.ask")
    assert said() == []


def test_a_setting_that_makes_no_sense_is_said_once(settings):
    settings.AIOPS = settings.AIOPS | {"OLD_WAY": "shop.ask"}
    assert [found.id for found in run_checks(tags=["aiops"]) if found.id != "aiops.W001"] == ["aiops.E001"]
