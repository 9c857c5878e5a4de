"""Which pages a long log has: what its lists offer, and what people and links may ask of them beside that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import resolve, reverse
from django.utils import timezone

from aiops.cache.models import CachedAnswer
from aiops.calls.behind import query_of
from aiops.calls.models import Call
from aiops.calls.spend import Spend
from aiops.files.models import UploadedFile
from aiops.jobs.models import Item, Job
from aiops.ledger.models import Budget
from prompts.models import Prompt, PromptVersion
from tests.benchmarks.half_a_year import DAYS, Shop

CLERK = ("view_call", "view_job", "view_item", "view_ticket")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One address."""

    group: str
    name: str
    url: str
    is_deepest: bool = False
    is_of_calls: bool = False

    @property
    def is_for_clerk(self) -> bool:
        """Whether it is asked as somebody who may do little, too."""
        return self.is_of_calls and self.group == "calls"

    @property
    def title(self) -> str:
        """The same on every log."""
        return f"{self.group}: {self.name}"


def people() -> dict[str, Client]:
    """Somebody who may do everything, and a clerk who may look at tickets, jobs and calls but not into them."""
    boss, _ = User.objects.get_or_create(username="boss", is_staff=True, is_superuser=True)
    clerk, _ = User.objects.get_or_create(username="clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=CLERK))
    clients = {"boss": Client(), "clerk": Client()}
    clients["boss"].force_login(boss)
    clients["clerk"].force_login(clerk)
    return clients


def pages_of(shop: Shop) -> Iterator[Page]:
    """All of them."""
    yield from pages_of_calls(shop)
    job = f"job={shop.jobs}"
    yield from pages_of_list(
        Item, "items", {"big job": "job=1", "small job": job, "kind": "job=1&status=failed&error_kind=schema"}
    )
    yield from pages_of_list(Job, "jobs", {})
    yield from pages_of_list(
        CachedAnswer,
        "kept answers",
        {
            "model": "q=gpt-6-luna",
            "rare": "q=gpt-6-rare",
            "version": "q=triage-ticket@12",
            "prompt": "q=triage-ticket",
            "none": "q=nothing",
        },
    )
    yield from pages_of_list(UploadedFile, "files", {"name": "q=contract 77", "id": "q=file-99", "none": "q=nothing"})
    for model in (Budget, Prompt, PromptVersion):
        yield from pages_of_list(model, "short lists", {})
    for model in (Item, Job, CachedAnswer, UploadedFile, Budget, Prompt, PromptVersion):
        for row in model._default_manager.order_by("pk")[:1]:
            yield Page(group="pages of a row", name=model.__name__, url=address(model, "change", row.pk))
    yield Page(group="pages of a row", name="progress of a big job", url=reverse("admin:aiops_job_progress", args=(1,)))
    yield Page(group="pages of a row", name="start page of the admin", url=reverse("admin:index"))


def pages_of_calls(shop: Shop) -> Iterator[Page]:
    newest, middle, oldest = (Call.objects.order_by("-pk")[place].pk for place in (0, shop.calls // 2, shop.calls - 30))
    links = {
        "by the id of one": f"q={newest}",
        "by an id that is none": "q=00000000-0000-7000-8000-000000000000",
        "by words": "q=card",
        "of the big job": "job_id=1",
        "of a small job": f"job_id={shop.jobs}",
        "of no job": "job_id=999999999",
        "of an item": f"item_id={Call.objects.filter(job_id=1).values_list('item_id', flat=True)[0]}",
        "from the middle on": f"id__lt={middle}",
        "the oldest": f"id__lt={oldest}",
        "of a connection that is none": "connection=nowhere",
        "of a rare version": f"version={shop.versions['rare'][0]}",
        "of an old version": f"version={shop.versions['old'][0]}",
    }
    known = some(choices_of(Call, ""))
    of_job = {f"of the big job, {name}": f"job_id=1&{query}" for _, name, query in known}
    from_middle = {f"from the middle on, {name}": f"id__lt={middle}&{query}" for _, name, query in known}
    for page in pages_of_list(Call, "calls", links | of_job | from_middle | behind_sums(shop)):
        yield Page(group=page.group, name=page.name, url=page.url, is_deepest=page.is_deepest, is_of_calls=True)
    for name, state in (("good", "succeeded"), ("failed", "failed")):
        call = Call.objects.filter(status=state, job_id=1).values_list("pk", flat=True)[0]
        yield Page(group="a call", name=name, url=address(Call, "change", call), is_of_calls=True)


def behind_sums(shop: Shop) -> dict[str, str]:
    """What the page of spend leads to, over all days and over some, all calls or those that failed."""
    prompts = dict(PromptVersion.objects.values_list("pk", "prompt"))
    kinds = {f"of the {kind} prompt": f"prompt={prompts[versions[0]]}" for kind, versions in shop.versions.items()}
    kinds |= {
        "of a user": f"user={shop.users[7]}",
        "of a group": f"group={Group.objects.get(name='support').pk}",
        "of unknown cost": "cost=unknown",
        "that saved their cost": "cost=saved",
    }
    models = Spend.objects.filter(by=Spend.By.MODEL).values_list("key", flat=True).distinct() or ["gpt-6-luna"]
    kinds |= {f"of model {model}": f"model={model}" for model in models}
    today = timezone.localdate()
    days = {
        "": "",
        ", half a year": f"&{query_of(today - timedelta(days=DAYS - 1), today)}",
        ", a week": f"&{query_of(today - timedelta(days=96), today - timedelta(days=90))}",
    }
    states = {"": "", ", failed": "&status=failed"}
    return {
        f"{kind}{state}{when}": f"{asked}{also}{during}"
        for kind, asked in kinds.items()
        for state, also in states.items()
        for when, during in days.items()
    }


def pages_of_list(model: type[Model], group: str, links: dict[str, str]) -> Iterator[Page]:
    """The list as it is, each choice, each two choices of different filters, each order, and what links ask for."""
    known = list(choices_of(model, ""))
    pairs = {
        f"{one_name}, {other_name}": f"{one}&{other}"
        for (filter_of_one, one_name, one), (other_filter, other_name, other) in combinations(some(known), 2)
        if filter_of_one != other_filter
    }
    kinds = {
        "": {"": ""} | {name: query for _, name, query in known},
        " by two filters": pairs,
        " by links, orders and searches": links | orders_of(model),
    }
    for kind, queries in kinds.items():
        for name, query in queries.items():
            last = last_page(model, query)
            more = {} if kind else {"second": 2, "middle": last // 2}
            places = {**more, "deepest": last, "first": 1}
            numbers = {number: place for place, number in places.items() if 1 <= number <= last}
            for number, place in sorted(numbers.items()):
                url = f"{address(model)}?{query}" + (f"&p={number}" if number > 1 else "")
                title = f"{model.__name__} {name or 'all'}, {place}"
                yield Page(group=group + kind, name=title, url=url, is_deepest=place == "deepest")
    beyond = changes(model, f"p={last_page(model, '')}")
    if getattr(beyond, "beyond", None) and (query := beyond.beyond()):
        yield Page(group=group, name=f"{model.__name__} beyond the numbered", url=address(model) + query)


def some(choices: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Of each filter the first choices and a few of the others: the newest version is a rare one, then come others."""
    of_filter: dict[str, list[tuple[str, str, str]]] = {}
    for choice in choices:
        of_filter.setdefault(choice[0], []).append(choice)
    return [choice for found in of_filter.values() for choice in [*found[:3], *found[3::4]]]


def choices_of(model: type[Model], query: str) -> Iterator[tuple[str, str, str]]:
    """Filter, its choice, and the query of that."""
    found = changes(model, query)
    for one in found.filter_specs:
        for choice in one.choices(found):
            if choice["query_string"] not in ("?", ""):
                yield str(one.title), f"{one.title} {choice['display']}", str(choice["query_string"]).removeprefix("?")


def orders_of(model: type[Model]) -> dict[str, str]:
    """By each column that may be sorted by."""
    return {
        f"by column {column}, {sign or '+'}": f"o={sign}{column}" for column in sortable(model) for sign in ("", "-")
    }


def sortable(model: type[Model]) -> Iterator[int]:
    found = changes(model, "")
    for number, name in enumerate(found.list_display):
        is_offered = found.sortable_by is None or name in found.sortable_by
        if is_offered and found.get_ordering_field(name):
            yield number


def last_page(model: type[Model], query: str) -> int:
    return int(changes(model, query).paginator.num_pages)


def changes(model: type[Model], query: str) -> Any:
    """The list, as somebody who may see everything gets it."""
    request = RequestFactory().get(f"{address(model)}?{query}")
    request.resolver_match = resolve(request.path)
    request.user = User.objects.get(username="boss")
    return admin.site._registry[model].get_changelist_instance(request)


def address(model: type[Model], kind: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=args)
