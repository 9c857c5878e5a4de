"""The pages of stops: the button that stops every call, the one that lets them go on, the banner in between."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from aiops.stops.models import Stop
from aiops.stops.switch import stop_all, stopped
from tests.screens.rows import make_call, make_job

LIST = "/admin/aiops/stop/"
BANNER = "<strong>Stopped:</strong> Every call was stopped by user-0 on "


@pytest.fixture
def guard(sign_in):
    """Somebody who may press the button, and nothing else."""
    return sign_in("aiops.stop_calls")


def page(client, address=LIST, **how):
    return client.get(address, **how).content.decode()


def test_an_empty_list_says_what_a_stop_is_and_leads_to_it(guard):
    html = page(guard)
    assert "Nothing was ever stopped." in html
    assert f'href="{LIST}stop/">Stop every call…</a>' in html
    assert "Let calls go on" not in html


def test_stopping_asks_why_and_says_what_it_does(guard):
    html = page(guard, f"{LIST}stop/")
    assert "From then on no call is sent by anybody" in html
    assert not Stop.objects.exists()
    html = guard.post(f"{LIST}stop/", {"because": " "}).content.decode()
    assert "This field is required." in html
    assert not Stop.objects.exists()
    html = guard.post(f"{LIST}stop/", {"because": "The provider is not itself."}, follow=True).content.decode()
    assert "Every call is stopped: nothing is asked of any provider from now on." in html
    assert BANNER in html
    assert "The provider is not itself." in html
    stop = Stop.objects.get()
    assert (stop.by, stop.because, stop.until) == (guard.user, "The provider is not itself.", None)
    assert LogEntry.objects.get().get_change_message() == "Stopped every call: The provider is not itself."


def test_one_press_lets_calls_go_on(guard):
    stop_all(guard.user, "a drill")
    assert f'action="{LIST}go-on/"' in page(guard)
    html = guard.post(f"{LIST}go-on/", follow=True).content.decode()
    assert "Calls go on. Jobs that were paused go on once somebody resumes them." in html
    assert "Stopped:" not in html
    assert stopped() is None
    assert Stop.objects.get().ended_by == guard.user
    html = guard.post(f"{LIST}go-on/", follow=True).content.decode()
    assert "Nothing is stopped: calls are being made." in html


def test_the_page_says_where_it_is(guard):
    # A list in newer Djangos.
    crumbs = re.search(r'(?s)class="breadcrumbs">(.*?)</(?:ol|div)>', page(guard, f"{LIST}stop/"))[1]
    assert "Stop every call" in crumbs


def test_the_second_of_two_is_told_that_somebody_was_quicker(guard):
    stop_all(None, "a drill")
    html = guard.post(f"{LIST}stop/", {"because": "mine"}, follow=True).content.decode()
    assert "Every call was stopped already, by somebody who was quicker." in html
    assert Stop.objects.get().because == "a drill"


def test_where_the_settings_stop_every_call_there_is_no_button(guard, settings):
    settings.AIOPS = settings.AIOPS | {"STOPPED": True}
    html = page(guard)
    assert "Every call is stopped by the settings" in html
    assert "Let calls go on</button>" not in html
    assert "Stop every call…" not in html


def test_whoever_may_only_look_sees_no_button(sign_in):
    client = sign_in("aiops.view_stop")
    assert "Stop every call…" not in page(client)
    stop_all(None, "a drill")
    assert "Let calls go on</button>" not in page(client)


def test_the_banner_is_on_every_page_of_ours_while_calls_are_stopped(sign_in, version):
    boss = sign_in(superuser=True)
    stop_all(boss.user, "a drill")
    job = make_job(version, succeeded=1)
    call = make_call(version)
    budget = "/admin/aiops/budget/"
    pages = [
        "/admin/aiops/",
        *(f"/admin/aiops/{model}/" for model in ("call", "item", "job", "budget", "stop")),
        reverse("admin:aiops_job_change", args=(job.pk,)),
        reverse("admin:aiops_item_change", args=(job.items.get().pk,)),
        reverse("admin:aiops_call_change", args=(call.pk,)),
        reverse("admin:aiops_stop_change", args=(Stop.objects.get().pk,)),
        reverse("admin:aiops_stop_history", args=(Stop.objects.get().pk,)),
        reverse("admin:aiops_job_run_file"),
        f"{budget}add/",
    ]
    assert [address for address in pages if page(boss, address).count(BANNER) != 1] == []
    Stop.objects.all().delete()
    assert [address for address in pages if BANNER in page(boss, address)] == []
