"""The catalogue follows what servers say, and keeps what people wrote."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import Group

from aiops.calls.models import Call
from aiops.catalogue.models import ModelCard
from aiops.catalogue.sync import sync_models
from aiops.gateway.connections import connections
from aiops.gateway.model_abilities import Ability
from aiops.gateway.testing import StandIn

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def sync(now=NOW, **options):
    return sync_models(connections().values(), now=now, **options)


def card(model, connection="default"):
    return ModelCard.objects.get(connection=connection, model=model)


def test_the_cards_say_what_is_known(server):
    (synced,) = sync()
    assert (synced.alias, synced.listed, synced.gone, synced.back, synced.problem) == ("default", 5, (), (), "")
    assert synced.new == ("gpt-4o-mini", "gpt-5-mini", "gpt-6-luna", "house-model", "text-embedding-3-small")
    assert synced.ending == (
        ("gpt-4o-mini", date(2027, 1, 14), "gpt-6-luna"),
        ("gpt-5-mini", date(2026, 12, 11), "gpt-6-luna"),
    )
    luna = card("gpt-6-luna")
    assert (luna.title, luna.context_limit, luna.priced, luna.ends_on) == ("GPT-6 Luna", 1_050_000, True, None)
    assert (luna.first_seen_at, luna.last_seen_at, luna.gone_at) == (NOW, NOW, None)
    assert Ability.TOOLS in luna.can_do
    stranger = card("house-model")
    assert (stranger.title, stranger.priced, stranger.ends_on) == ("", False, date(2031, 5, 6))
    assert stranger.can_do == frozenset()


def test_asking_is_no_call_and_asks_nothing_of_a_model(server):
    sync()
    assert not Call.objects.exists()
    assert [(one.method, one.path.rpartition("/")[2]) for one in server.requests] == [("GET", "models")]


def test_a_second_time_nothing_is_new_and_what_people_wrote_stays(server):
    sync()
    luna = card("gpt-6-luna")
    ModelCard.objects.filter(pk=luna.pk).update(title="Our workhorse", note="For tickets.")
    group = Group.objects.create(name="Research")
    luna.allow([group])
    (synced,) = sync(LATER)
    assert (synced.listed, synced.new, synced.gone, synced.back) == (5, (), (), ())
    again = card("gpt-6-luna")
    assert (again.pk, again.title, again.note, again.restricted) == (luna.pk, "Our workhorse", "For tickets.", True)
    assert list(again.groups.all()) == [group]
    assert (again.first_seen_at, again.last_seen_at) == (NOW, LATER)
    assert ModelCard.objects.count() == 5


def test_a_model_that_goes_is_marked_and_one_that_comes_back_is_not(connect, server):
    sync()
    with StandIn(models=["gpt-6-luna"]) as smaller:
        connect(default=smaller)
        (synced,) = sync(LATER)
        assert synced.gone == ("gpt-4o-mini", "gpt-5-mini", "house-model", "text-embedding-3-small")
        assert card("gpt-4o-mini").gone_at == LATER
        assert card("gpt-4o-mini").last_seen_at == NOW
        (synced,) = sync(LATER + timedelta(days=1))
        assert synced.gone == ()
        assert card("gpt-4o-mini").gone_at == LATER
    connect(default=server)
    (synced,) = sync(LATER)
    assert synced.back == ("gpt-4o-mini", "gpt-5-mini", "house-model", "text-embedding-3-small")
    assert card("gpt-4o-mini").gone_at is None


def test_a_title_comes_once_somebody_knows_one(server):
    ModelCard.objects.create(connection="default", model="gpt-6-luna")
    sync()
    assert card("gpt-6-luna").title == "GPT-6 Luna"


def test_a_model_that_only_the_settings_name_has_a_card_too(connect):
    with StandIn(models=["house-model"]) as server:
        connect(default=server)
        (synced,) = sync()
    assert synced.new == ("house-model",)
    luna = card("gpt-6-luna")
    assert (luna.last_seen_at, luna.gone_at) == (None, None)
    assert set(ModelCard.objects.there(NOW.date())) == {card("house-model")}


def test_a_dry_run_says_the_same_and_changes_nothing(server):
    (dry,) = sync(dry_run=True)
    assert not ModelCard.objects.exists()
    assert [dry] == sync()


@pytest.mark.parametrize(
    ("models", "sentence"),
    [([], "The server lists no model at all; nothing was changed."), (None, "cannot be reached")],
)
def test_a_server_that_says_nothing_takes_nothing_away(connect, server, models, sentence):
    sync()
    empty = StandIn(models=models or [])
    with empty:
        connect(default=empty, other=server)
        if models is None:
            empty.stop()
        first, second = sync(LATER)
    assert sentence in first.problem
    assert (second.alias, second.listed, second.problem) == ("other", 5, "")
    assert not ModelCard.objects.over(NOW.date()).exists()


def test_two_connections_have_cards_of_their_own(connect, server):
    connect(default=server, other=server)
    sync()
    assert ModelCard.objects.filter(model="gpt-6-luna").count() == 2


@pytest.mark.parametrize(
    ("ends_on", "gone", "is_there", "ending", "over"),
    [
        (None, False, True, False, False),
        (None, True, False, False, True),
        (date(2027, 2, 1), False, True, False, False),
        (date(2027, 1, 14), False, True, True, False),
        (date(2027, 1, 14), True, False, False, True),
        (date(2026, 11, 20), False, False, False, True),
    ],
)
def test_what_is_there_ending_and_over(ends_on, gone, is_there, ending, over):
    made = ModelCard.objects.create(
        connection="default", model="m", ends_on=ends_on, last_seen_at=NOW, gone_at=NOW if gone else None
    )
    today = NOW.date()
    cards = ModelCard.objects
    found = [cards.there(today).exists(), cards.ending(today).exists(), cards.over(today).exists()]
    assert found == [is_there, ending, over]
    assert made.is_over(today) is over


def test_one_ability_is_not_found_inside_another():
    ModelCard.objects.create(connection="default", model="m", abilities=",audio_in,transcription,")
    assert ModelCard.objects.that_can(Ability.AUDIO_IN).exists()
    assert not ModelCard.objects.that_can(Ability.TEXT).exists()


def test_as_many_queries_for_many_models_as_for_few(connect, django_assert_max_num_queries):
    with StandIn(models=[f"model-{n}" for n in range(300)]) as server:
        connect(default=server)
        sync()
        # Begin, cards, none new, three hundred changed by hundreds, end.
        with django_assert_max_num_queries(12):
            sync(LATER)
    assert ModelCard.objects.filter(last_seen_at=LATER).count() == 300
