"""The catalogue of models, as people see it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.utils import timezone

from aiops.catalogue.models import ModelCard, ModelOpinion

LIST = "/admin/aiops/modelcard/"
VIEW, WRITE, SYNC = "aiops.view_modelcard", "aiops.change_modelcard", "aiops.add_modelcard"


def make(model="gpt-6-luna", connection="default", **fields):
    now = timezone.now()
    return ModelCard.objects.create(
        connection=connection, model=model, **{"first_seen_at": now, "last_seen_at": now} | fields
    )


def shown(client, **query):
    return [card.model for card in client.get(LIST, query).context["cl"].result_list]


def page(card, name="change"):
    return f"{LIST}{card.pk}/{name}/"


def test_an_empty_list_says_what_to_do(boss):
    html = boss.get(LIST).content.decode()
    assert "The catalogue is empty" in html
    assert f'formaction="{LIST}sync/"' in html
    assert "manage.py sync_models" in html


def test_whoever_may_not_fill_it_is_told_who_can(sign_in):
    html = sign_in(VIEW).get(LIST).content.decode()
    assert "ask somebody who may add models here" in html
    assert "/sync/" not in html


def test_the_button_fills_it_and_says_what_came(boss, provider):
    html = boss.post(f"{LIST}sync/", follow=True).content.decode()
    assert "The server of default: 1 model, 1 new" in html
    # Nobody runs a model on this machine while tests run.
    assert "The server of local: The provider cannot be reached" in html
    assert ModelCard.objects.filter(connection="default").count() == 1
    assert "Ask the servers again" in html


def test_the_list_shows_what_one_chooses_by(boss):
    day = timezone.localdate() + timedelta(days=30)
    make(title="GPT-6 Luna", abilities=",text,images,tools,", context_limit=1_050_000, priced=True)
    make("old-one", ends_on=day)
    make("gone-one", gone_at=timezone.now())
    make("named-one", last_seen_at=None)
    html = boss.get(LIST).content.decode()
    for part in (
        "GPT-6 Luna",
        "text, images in, tools",
        "$0.10 / $0.50",
        "everybody",
        "ends in 30 days",
        "</span> gone</span>",
        "not listed",
        "unknown",
    ):
        assert part in html, part


@pytest.mark.parametrize(
    ("query", "models"),
    [
        ({"q": "LUNA"}, ["luna"]),
        ({"q": "cheap"}, ["luna"]),
        ({"q": "workhorse"}, ["sol"]),
        ({"connection": "azure"}, ["sol"]),
        ({"can": "audio_in"}, ["whisper"]),
        ({"can": "nonsense"}, ["luna", "old", "sol", "whisper"]),
        ({"end": "there"}, ["luna", "old", "sol"]),
        ({"end": "ending"}, ["old"]),
        ({"end": "over"}, ["whisper"]),
        ({"favourite": "yes"}, ["sol"]),
        ({"favourite": "no"}, ["luna", "old", "whisper"]),
        ({"priced": "yes"}, ["luna"]),
        ({"restricted": "yes"}, ["old"]),
        ({"can": "text", "end": "there", "priced": "yes"}, ["luna"]),
    ],
)
def test_it_is_searched_and_filtered(boss, query, models):
    make("luna", note="cheap and quick", priced=True, abilities=",text,")
    sol = make("sol", connection="azure", title="Our workhorse")
    make("old", ends_on=timezone.localdate() + timedelta(days=10)).allow([Group.objects.create(name="Research")])
    make("whisper", gone_at=timezone.now(), abilities=",audio_in,transcription,")
    sol.opine(boss.user, favourite=True)
    assert sorted(shown(boss, **query)) == models


def test_ones_own_favourites_come_first(boss, sign_in):
    make("a")
    make("z").opine(boss.user, favourite=True)
    other = sign_in(VIEW)
    make("m").opine(other.user, favourite=True)
    assert shown(boss) == ["z", "a", "m"]
    assert shown(other) == ["m", "a", "z"]


def test_two_thousand_take_as_many_queries_as_one(boss, django_assert_num_queries):
    make()
    boss.get(LIST)
    group = Group.objects.create(name="Research")
    for more in (0, 2_000):
        cards = [ModelCard(connection="default", model=f"m{n}", restricted=True) for n in range(more)]
        ModelCard.objects.bulk_create(cards)
        ModelCard.groups.through.objects.bulk_create(
            ModelCard.groups.through(modelcard=card, group=group) for card in cards
        )
        # Session, user, count, rows, their groups.
        with django_assert_num_queries(6):
            assert boss.get(LIST).status_code == 200


def test_a_card_says_everything(boss, django_assert_num_queries):
    day = timezone.localdate() + timedelta(days=30)
    sol = make("gpt-6.1-sol")
    card = make(
        "gpt-4o",
        title="gpt 4o",
        description="A <b>good</b> one.",
        abilities=",text,tools,",
        context_limit=128_000,
        output_limit=16_384,
        ends_on=day,
        successor="gpt-6.1-sol",
    )
    # Session, user, switch, card, its groups, successor, prices of one's own, the groups to choose from.
    with django_assert_num_queries(8):
        html = boss.get(page(card)).content.decode()
    for part in (
        "A &lt;b&gt;good&lt;/b&gt; one.",
        "128,000",
        "16,384",
        "ends in 30 days",
        f'<a href="{page(sol)}">gpt-6.1-sol</a>',
        "text, tools",
        "Takes frequency_penalty, logprobs, presence_penalty, temperature, top_logprobs, top_p.",
        "sent as max_completion_tokens",
        "$2.50",
        "$10.00",
        "genai-prices",
        "everybody",
    ):
        assert part in html, part


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("gpt-6-luna", "Takes frequency_penalty, logprobs, presence_penalty, temperature, top_logprobs, top_p with"),
        ("gpt-5-mini", "Rejects frequency_penalty, logprobs, presence_penalty, temperature, top_logprobs, top_p:"),
    ],
)
def test_a_model_that_reasons_says_what_it_rejects(boss, model, sentence):
    assert sentence in boss.get(page(make(model, abilities=",text,reasoning,"))).content.decode()


def test_a_card_of_a_connection_that_is_gone_says_so(boss):
    html = boss.get(page(make(connection="azure"))).content.decode()
    assert "The settings have this connection no more" in html
    assert "unknown" in html


def test_a_price_by_length_is_told_as_one(boss):
    html = boss.get(page(make("whisper-1"))).content.decode()
    assert "$0.36 an hour of audio" in html


def test_an_opinion_is_ones_own(sign_in):
    card, first, second = make(), sign_in(VIEW), sign_in(VIEW)
    answer = first.post(page(card, "opine"), {"favourite": "on", "rating": "5"})
    assert answer.headers["Location"] == page(card)
    second.post(page(card, "opine"), {"rating": "2"})
    assert list(ModelOpinion.objects.order_by("pk").values_list("favourite", "rating")) == [(True, 5), (False, 2)]
    html = first.get(page(card)).content.decode()
    assert '<option value="5" selected>' in html and " checked" in html
    assert "3.5 ★" in html
    second.post(page(card, "opine"), {"rating": ""})
    assert ModelOpinion.objects.get(user=second.user).rating is None


def test_a_rating_that_is_none_is_refused_with_a_sentence(boss):
    card = make()
    html = boss.post(page(card, "opine"), {"rating": "6"}).content.decode()
    assert "6 is not one of the available choices" in html
    assert not ModelOpinion.objects.exists()


def test_the_star_in_the_list_leads_back_to_the_list_as_it_was(boss):
    card = make()
    card.opine(boss.user, rating=4)
    back = f"http://testserver{LIST}?q=luna"
    answer = boss.post(page(card, "favourite"), {"favourite": "1"}, headers={"referer": back})
    assert answer.headers["Location"] == back
    opinion = ModelOpinion.objects.get()
    assert (opinion.favourite, opinion.rating) == (True, 4)
    answer = boss.post(page(card, "favourite"), {"favourite": "0"}, headers={"referer": "https://example.com/"})
    assert answer.headers["Location"] == LIST
    assert not ModelOpinion.objects.get().favourite


def test_what_holds_for_everybody_is_written_by_those_who_may(sign_in):
    card, group = make(), Group.objects.create(name="Research")
    writer = sign_in(VIEW, WRITE)
    writer.post(page(card, "write"), {"title": "Our workhorse", "note": "For tickets.", "groups": [group.pk]})
    card.refresh_from_db()
    assert (card.title, card.note, card.restricted) == ("Our workhorse", "For tickets.", True)
    assert list(card.groups.all()) == [group]
    assert LogEntry.objects.get().user_id == writer.user.pk
    reader = sign_in(VIEW)
    html = reader.get(page(card)).content.decode()
    assert "For tickets." in html and "Research" in html
    assert page(card, "write") not in html
    writer.post(page(card, "write"), {"title": "", "note": "", "groups": []})
    card.refresh_from_db()
    assert (card.title, card.note, card.restricted) == ("", "", False)


def test_a_title_that_is_too_long_changes_nothing(boss):
    card = make()
    html = boss.post(page(card, "write"), {"title": "x" * 201, "note": "kept here"}).content.decode()
    assert "at most 200 characters" in html
    assert "kept here" in html
    card.refresh_from_db()
    assert (card.title, card.note) == ("", "")


def test_a_model_whose_groups_were_deleted_says_so(boss):
    card, group = make(), Group.objects.create(name="Research")
    card.allow([group])
    group.delete()
    assert "superusers only: its groups were deleted" in boss.get(LIST).content.decode()


@pytest.mark.parametrize("lookup", ["opinions__rating", "groups__name__startswith", "note__startswith"])
def test_an_address_filters_by_nothing_else(boss, lookup):
    make()
    assert boss.get(LIST, {lookup: "a"}).status_code == 400
