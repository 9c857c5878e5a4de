"""A shop after half a year.

What its log holds is drawn so that filters meet what is frequent, rare, long gone, and what never comes together.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from tests.benchmarks.filling import call_id, case, database, draw, insert, keep_texts, moment

DAYS = 180

SYSTEM = "You sort tickets of a bank by what they are about, how urgent they are and in which language they are. " * 4


@dataclass
class Shop:
    """What calls belong to, as primary keys."""

    versions: dict[str, list[int]] = field(default_factory=dict)
    """`usual`, `local`, `old` (in the first month only), `rare`."""

    users: list[int] = field(default_factory=list)
    ticket_type: int = 0
    jobs: int = 0
    calls: int = 0


def fill(calls: int) -> Shop:
    """A shop with so many calls, or the one that is there."""
    from aiops.calls.models import Call

    shop = find_shop() if Call.objects.exists() else make_shop()
    if shop.calls < calls:
        # PostgreSQL tidies up by itself once a fifth of a table is new: the end of a log is never tidy.
        grow(shop, calls * 9 // 10)
        if database().vendor == "postgresql":
            with database().cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")
        # SQLite has no statistics unless somebody asks for them, and sites do not.
        grow(shop, calls)
    return shop


def make_shop() -> Shop:
    """Prompts, versions and people; no call yet."""
    from django.contrib.auth.models import Group, User
    from django.contrib.contenttypes.models import ContentType

    from project.helpdesk.models import Ticket
    from prompts.models import Prompt

    shop = Shop(ticket_type=ContentType.objects.get_for_model(Ticket).pk)
    for kind, name, count in PROMPTS:
        prompt = Prompt.objects.create(name=f"{name}-ticket", title=name)
        shop.versions[kind] = [
            prompt.add_version(messages=[{"role": "user", "content": f"{number}: {{{{ text }}}}"}]).pk
            for number in range(count)
        ]
    shop.users = [User.objects.create_user(f"person-{number}", password="x").pk for number in range(50)]
    Group.objects.create(name="support").user_set.set(shop.users[::6])
    keep_texts()
    return shop


PROMPTS = (("usual", "triage", 12), ("local", "language", 5), ("old", "sort", 1), ("rare", "try", 1))


def find_shop() -> Shop:
    """The one that was made before."""
    from django.contrib.auth.models import User
    from django.contrib.contenttypes.models import ContentType

    from aiops.calls.models import Call
    from aiops.jobs.models import Job
    from project.helpdesk.models import Ticket
    from prompts.models import PromptVersion

    keep_texts()
    versions = {
        kind: list(
            PromptVersion.objects.filter(prompt__name=f"{name}-ticket").order_by("pk").values_list("pk", flat=True)
        )
        for kind, name, _ in PROMPTS
    }
    users = list(User.objects.filter(username__startswith="person-").order_by("pk").values_list("pk", flat=True))
    ticket_type = ContentType.objects.get_for_model(Ticket).pk
    return Shop(versions, users, ticket_type, jobs=Job.objects.count(), calls=Call.objects.count())


def grow(shop: Shop, calls: int) -> None:
    """Let the log grow to so many calls, over the same half a year; all else in proportion."""
    from aiops.cache.models import CachedAnswer
    from aiops.calls.models import Call
    from aiops.files.models import UploadedFile
    from aiops.jobs.counting import recount
    from aiops.jobs.models import Item, Job
    from project.helpdesk.models import Ticket

    first, last, jobs = shop.calls + 1, calls, max(10, calls // 1000)
    start = int(time.time()) - DAYS * 86_400
    drawn = drawn_for(shop, start, first, last, jobs)
    insert(Job, shop.jobs + 1, jobs, job_columns(shop, start, calls))
    insert(Call, first, last, call_columns(shop), drawn=drawn)
    insert(Item, first, last, ITEM, drawn=drawn, where="job IS NOT NULL")
    tenth = ((first + 9) // 10, last // 10)
    insert(Ticket, *tenth, TICKET | {"created_at": moment(f"{start} + n")})
    insert(UploadedFile, *tenth, file_columns(shop, start))
    insert(CachedAnswer, *tenth, answer_columns(shop, start))
    shop.jobs, shop.calls = jobs, calls
    for job in Job.objects.only("pk"):
        recount(job)


def drawn_for(shop: Shop, start: int, first: int, last: int, jobs: int) -> dict[str, str]:
    ms = f"({start}000 + (n - {first}) * {DAYS * 86_400_000} / {last - first + 1})"
    usual, local, old, rare = (shop.versions[kind] for kind in ("usual", "local", "old", "rare"))
    of_local = f"{draw(0)} >= 800 AND {draw(0)} < 1800"
    return {
        "ms": ms,
        "version": case(
            (f"{draw(0)} < 5", str(rare[0])),
            (f"{draw(0)} < 800", "NULL"),
            (of_local, f"{local[0]} + n % {len(local)}"),
            (f"{draw(0)} < 4800 AND {ms} < {start + 30 * 86_400}000", str(old[0])),
            (f"{draw(0)} < 6000", str(usual[-1])),
            other=f"{usual[0]} + n % {len(usual)}",
        ),
        "connected": case(
            (of_local, "'local'"), (f"{draw(1)} < 5", "'retired'"), (f"{draw(1)} < 1000", "'azure'"), other="'default'"
        ),
        "state": case(
            (f"{draw(2)} < 10", "'sending'"),
            (f"{draw(2)} < 100", "'unknown'"),
            (f"{draw(2)} < 500", "'failed'"),
            other="'succeeded'",
        ),
        # One job with a tenth of all calls, half of them in many.
        "job": case((f"{draw(3)} < 1000", "1"), (f"{draw(3)} < 6000", f"1 + n % {jobs}"), other="NULL"),
        "person": case((f"{draw(4)} < 2000", "NULL"), other=f"{shop.users[0]} + n % {len(shop.users)}"),
    }


FAILED = "state IN ('failed', 'unknown')"


def call_columns(shop: Shop) -> dict[str, str]:
    """About 3 KB of content."""
    over, good = "state IN ('succeeded', 'failed')", "state = 'succeeded'"
    system = f'[{{"role": "system", "content": "{SYSTEM}"}}, {{"role": "user", "content": '
    answer = """'{"category": "payment", "priority": "high", "reason": ' || substr(words, 1, 400) || '"}'"""
    return {
        "id": call_id("ms"),
        "status": "state",
        "purpose": case(("version IS NULL", "'help page'"), other="''"),
        "prompt_version_id": "version",
        "connection": "connected",
        "model_asked": case(("connected = 'local'", "'smollm2-135m-instruct'"), other="'gpt-6-luna'"),
        "model_answered": case((over, "'gpt-6-luna-2026-09-01'"), other="''"),
        "parameters": """'{"temperature": 0, "output_limit": 400}'""",
        "messages": f"'{system}' || words || '}}]'",
        "output": case((good, answer), other="''"),
        "data": case((good, answer), other="NULL"),
        "finish_reason": case((good, "'stop'"), other="''"),
        "input_tokens": case((over, "300 + n % 400"), other="NULL"),
        "output_tokens": case((over, "20 + n % 60"), other="NULL"),
        "usage": """'{"prompt_tokens": 412, "completion_tokens": 40, "total_tokens": 452}'""",
        "cost": case((over, "60000 + n % 90000"), other="NULL"),
        "price": """'{"source": "genai-prices 0.2.3", "model": "gpt-6-luna", "formula": 1, "nano_dollars_per_token": """
        """{"input_tokens": [[0, "200"]], "output_tokens": [[0, "800"]]}}'""",
        "total_ms": case((over, "600 + n % 1500"), other="NULL"),
        "error_kind": case((FAILED, "'cut_off'"), other="''"),
        "error_text": case((FAILED, "'The answer was cut off at 400 tokens.'"), other="''"),
        "provider_request_id": "'req-' || n",
        "user_id": "person",
        "job_id": "job",
        "item_id": case(("job IS NULL", "NULL"), other="n"),
        "row_type_id": case(("job IS NULL", "NULL"), other=str(shop.ticket_type)),
        "row_key": case(("job IS NULL", "''"), other=f"''||({TICKET_KEY})"),
        "started_at": moment("ms / 1000"),
        "ended_at": case(("state = 'sending'", "NULL"), other=moment("ms / 1000 + 2")),
    }


TICKET_KEY = "1 + n % 100"

ITEM = {
    "id": "n",
    "job_id": "job",
    "position": "n",
    "row_key": f"''||({TICKET_KEY})",
    "variables": "'{\"text\": ' || words || '}'",
    "status": case(("state = 'sending'", "'claimed'"), (FAILED, "'failed'"), other="'succeeded'"),
    "call_id": call_id("ms"),
    "data": case(("state = 'succeeded'", """'{"category": "payment", "priority": "high"}'"""), other="NULL"),
    "error_kind": case((FAILED, case(("n % 50 = 0", "'schema'"), other="'cut_off'")), other="''"),
    "error_text": case((FAILED, "'The answer was cut off at 400 tokens.'"), other="''"),
    "ended_at": moment("ms / 1000 + 2"),
}

TICKET = {"subject": "'Question ' || n", "text": "words"}


def job_columns(shop: Shop, start: int, calls: int) -> dict[str, str]:
    begun, usual = moment(f"{start} + n * 15000"), shop.versions["usual"]
    return {
        "id": "n",
        "version_id": f"{usual[0]} + n % {len(usual)}",
        "connection": case(("n % 10 = 0", "'azure'"), other="'default'"),
        "model": "'gpt-6-luna'",
        "source": '\'{"kind": "model"}\'',
        "source_text": "'rows of helpdesk.Ticket'",
        "row_type_id": str(shop.ticket_type),
        "user_id": f"{shop.users[0]} + n % {len(shop.users)}",
        "status": case(("n = 1", "'running'"), ("n % 100 = 50", "'stopped'"), other="'finished'"),
        "item_count": case(("n = 1", str(calls // 10)), other="500"),
        "cost": "5000000 + n",
        "created_at": begun,
        "started_at": begun,
        "ended_at": case(("n = 1", "NULL"), other=begun),
    }


def file_columns(shop: Shop, start: int) -> dict[str, str]:
    marker = "printf('%016x', n)" if database().vendor == "sqlite" else "lpad(to_hex(n), 16, '0')"
    return {
        "connection": case(("n % 10 = 0", "'azure'"), other="'default'"),
        "provider_id": "'file-' || n",
        "marker": marker,
        "name": "'contract ' || n || '.pdf'",
        "purpose": "'user_data'",
        "size": "1000 + n",
        "sha256": f"{marker} || {marker} || {marker} || {marker}",
        "content_type": "'application/pdf'",
        "owner_id": f"{shop.users[0]} + n % {len(shop.users)}",
        "state": case(("n % 500 = 0", "'failed'"), ("n % 20 = 0", "'there'"), other="'deleted'"),
        "created": moment(f"{start} + n * 100"),
    }


def answer_columns(shop: Shop, start: int) -> dict[str, str]:
    usual = shop.versions["usual"]
    sqlite = database().vendor == "sqlite"
    return {
        "key": "printf('%064x', n)" if sqlite else "lpad(to_hex(n), 64, '0')",
        "prompt_version_id": case(("n % 3 = 0", "NULL"), other=f"{usual[0]} + n % {len(usual)}"),
        "connection": "'default'",
        "model": case(("n % 1000 = 0", "'gpt-6-rare'"), other="'gpt-6-luna'"),
        "body": "randomblob(700)" if sqlite else "decode(repeat(md5(n::text), 44), 'hex')",
        "size": "900 + n % 100",
        "cost": "60000",
        "call_id": call_id(f"{start}000 + n"),
        "created_at": moment(f"{start} + n * 100"),
        "expires_at": moment(f"{start} + n * 100 + 86400000"),
        "last_used_at": moment(f"{start} + n * 120"),
    }
