"""`manage.py run_job`: a prompt over many rows, in the background."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from aiops.jobs.again import Which, bounds_of, rows_again
from aiops.jobs.freshness import Standing, in_need
from aiops.jobs.models import Job, Priority
from aiops.jobs.models.priority import WORDS
from aiops.jobs.quote import Quote, quote
from aiops.jobs.quoted_page.forms import BOUNDS
from aiops.jobs.sources import FileSource, Source, model_source
from aiops.jobs.sources.first_rows import FirstRows
from aiops.jobs.start import start_job
from aiops.management.job_command import JobCommand, find_job
from aiops.management.moments import moment_to_come
from aiops.management.terminal import dollars_typed, harmless, refusals, refused, whole_number
from prompts.lookup import find_version
from prompts.models import PromptVersion


class Command(JobCommand):
    """Parse, start the job or say what it would cost, watch it."""

    help = (
        "Run a prompt over the rows of a model or of a file, by the workers (manage.py work).\n"
        "Who starts it from here may read every row; people in the admin only those they see.\n\n"
        "examples:\n"
        "  manage.py run_job triage-ticket --model helpdesk.Ticket --limit 20 --dry-run\n"
        "  manage.py run_job triage-ticket --model helpdesk.Ticket --empty category --follow\n"
        "  manage.py run_job triage-ticket --model helpdesk.Ticket --try-first 20 --most-failed-percent 10\n"
        "  manage.py run_job triage-ticket --model helpdesk.Ticket --batch --live-from 18:00\n"
        "  manage.py run_job triage-ticket@staging --model helpdesk.Ticket \\\n"
        "      --filter language=en --filter text__icontains=card --order=-created_at --limit 100\n"
        "  manage.py run_job product-description --source products.csv --connection local --user ada --json\n"
        "  manage.py run_job triage-ticket --model helpdesk.Ticket --changed --follow\n"
        "  manage.py run_job --again 7 --changed --dry-run\n"
        "  manage.py run_job --again 7 --new --follow\n\n"
        "exit codes:\n"
        "  0  started; with --follow: every row succeeded\n"
        "  1  with --follow: rows failed, or the job was stopped or paused\n"
        "  2  refused: nothing was started, nothing was spent\n"
        "130  Ctrl-C while following: the job goes on"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The prompt, its rows, and where it is asked."""
        parser.add_argument(
            "prompt",
            nargs="?",
            help="name, name@label or name@version; without either, its label production; with --again, as that job",
        )
        rows = parser.add_argument_group("rows").add_mutually_exclusive_group(required=True)
        rows.add_argument("--model", metavar="APP.MODEL", help="rows of a model that has a source")
        rows.add_argument("--source", type=Path, metavar="FILE", help="rows of a CSV, TSV, JSON or XLSX file")
        rows.add_argument("--again", type=whole_number(1, 2**63 - 1), metavar="JOB", help="rows of an earlier job")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--changed", action="store_true", help="only rows that are new or have changed since")
        which.add_argument("--new", action="store_true", help="only rows that were never answered")
        which.add_argument("--failed", action="store_true", help="with --again: only rows that failed")
        parser.add_argument("--filter", action="append", default=[], metavar="FIELD[__LOOKUP]=VALUE", help="repeatable")
        parser.add_argument("--order", default="", metavar="FIELD,…", help="-field descends (write --order=-field)")
        parser.add_argument("--limit", type=whole_number(1), metavar="N", help="only the first N rows")
        parser.add_argument("--empty", default="", metavar="FIELD", help="only rows where this field is empty")
        parser.add_argument("--connection", default="", metavar="ALIAS", help="(default: the version's own)")
        parser.add_argument("--language-model", default="", metavar="NAME", help="(default: the version's own)")
        parser.add_argument(
            "--most-cost", type=dollars_typed, metavar="DOLLARS", help="pause it there, whatever the budgets have left"
        )
        parser.add_argument(
            "--most-failures", type=whole_number(1), metavar="N", help="pause it once N rows have failed in a row"
        )
        parser.add_argument(
            "--most-failed-percent",
            type=whole_number(1, 99),
            metavar="P",
            help="pause it with a larger share of failed rows, once 20 are done",
        )
        parser.add_argument(
            "--try-first",
            type=whole_number(1, 1000),
            default=0,
            metavar="N",
            help="ask N rows from all over the source, then pause and say what the rest would cost",
        )
        parser.add_argument(
            "--batch", action="store_true", help="in the provider's batches: within a day, mostly half the price"
        )
        parser.add_argument(
            "--live-from",
            type=moment_to_come,
            metavar="TIME",
            help="with --batch: ask what is not answered by then one by one; 18:00, or 2027-01-31T18:00",
        )
        parser.add_argument(
            "--priority",
            choices=WORDS,
            metavar="|".join(WORDS),
            help="who waits for a worker longest (default: normal)",
        )
        parser.add_argument("--user", default="", metavar="USERNAME", help="who starts it, for the records")
        then = parser.add_mutually_exclusive_group()
        then.add_argument("--dry-run", action="store_true", help="say what it would ask and cost, and send nothing")
        then.add_argument("--follow", action="store_true", help="watch it until its end")
        parser.add_argument("--json", action="store_true", help="print one JSON object; money in nano-dollars")

    def handle(self, *args: Any, **options: Any) -> None:
        """Quote, or start and perhaps follow."""
        how = {"connection": options["connection"], "model": options["language_model"]}
        with refusals():
            user = _user(options["user"]) if options["user"] else None
            before = find_job(options["again"]) if options["again"] is not None else None
            if before is not None and options["prompt"] is None:
                version = before.version
            elif options["prompt"] is None:
                raise refused(_("Say which prompt is to be run, as in: manage.py run_job triage-ticket --model …"))
            else:
                version = find_version(options["prompt"])
            bounds = {name: options[name] for name in ("most_cost", *BOUNDS)}
            if before is None:
                source = _source(options, version)
            else:
                source = _rows_again(before, version, user, options)
                how = {"connection": how["connection"] or before.connection, "model": how["model"] or before.model}
                bounds |= {name: value for name, value in bounds_of(before).items() if bounds[name] is None}
            if options["dry_run"]:
                self._say(
                    quote(
                        version,
                        source,
                        user=user,
                        most_cost=bounds["most_cost"],
                        batch=options["batch"],
                        **how,
                    ),
                    as_json=options["json"],
                )
                return
            priority = Priority[(options["priority"] or "normal").upper()]
            if before is not None and options["priority"] is None:
                priority = Priority(before.priority)
            transport = {name: options[name] for name in ("batch", "live_from")}
            job = start_job(
                version, source, user=user, again_of=before, priority=priority, **transport, **bounds, **how
            )
        if options["follow"]:
            self.follow(job, as_json=options["json"])
        elif options["json"]:
            self.report(job, as_json=True)
        else:
            self.stdout.write(harmless(_("Job %(id)s: %(job)s") % {"id": job.pk, "job": job}))
            self.stdout.write(_("Follow it with: manage.py job_status %(id)s --follow") % {"id": job.pk})

    def _say(self, offer: Quote, *, as_json: bool) -> None:
        if as_json:
            self.write_json(_facts(offer))
            return
        for sentence in offer.sentences():
            self.stdout.write(harmless(sentence))
        self.stdout.write(_("Nothing was sent (dry run)."))


def _user(username: str) -> Any:
    users = get_user_model()
    try:
        return users._default_manager.get_by_natural_key(username)
    except users.DoesNotExist:
        raise refused(_("There is no user “%(name)s”: leave --user out, or name one.") % {"name": username}) from None


def _rows_again(before: Job, version: PromptVersion, user: Any, options: dict[str, Any]) -> Source:
    if any(options[name] for name in ("filter", "order", "empty", "limit")):
        raise refused(_("--filter, --order, --empty and --limit choose rows of a model: leave them out with --again."))
    which = next((Which(name) for name in ("changed", "new", "failed") if options[name]), Which.SAME)
    return rows_again(before, which, version=version, user=user)


def _source(options: dict[str, Any], version: PromptVersion) -> Source:
    path: Path | None = options["source"]
    if options["failed"]:
        raise refused(_("--failed is about the rows of an earlier job: name it with --again."))
    if path is None:
        needed = options["changed"] or options["new"]
        chosen = {name: options[name] for name in ("order", "limit", "empty")}
        # Of those that need it so many: whoever is to be looked at first cannot be cut before.
        chosen["limit"] = None if needed else options["limit"]
        whole = model_source(options["model"], filters=options["filter"], **chosen)
        if not needed:
            return whole
        standing = {Standing.NEW, Standing.CHANGED} if options["changed"] else {Standing.NEW}
        return in_need(whole, version, standing, limit=options["limit"])
    if options["changed"] or options["new"]:
        raise refused(_("The rows of a file are new each time: leave --changed and --new out with --source."))
    if options["filter"] or options["order"] or options["empty"]:
        raise refused(_("--filter, --order and --empty choose rows of a model: leave them out with --source."))
    try:
        with path.open("rb") as file:
            source = FileSource(file, name=path.name)
    except OSError as error:
        raise refused(
            _("%(file)s cannot be read (%(why)s): name a CSV, TSV, JSON or XLSX file.")
            % {"file": path, "why": error.strerror}
        ) from error
    return source if options["limit"] is None else FirstRows(source, options["limit"])


def _facts(offer: Quote) -> dict[str, Any]:
    return {
        "source": offer.source_text,
        "rows": offer.rows,
        "unique_rows": offer.unique_rows,
        "asked_rows": offer.asked,
        "unfit_rows": offer.sample.unfit,
        "answered_rows": offer.answered,
        "tokens_in": asdict(offer.tokens_in),
        "tokens_in_are": str(offer.basis),
        "tokens_out": asdict(offer.tokens_out),
        "past_answers": offer.past,
        "cost": asdict(offer.cost) if offer.cost else None,
        "cost_as_batch": asdict(offer.batch) if offer.batch else None,
        "seconds": offer.pace.seconds if offer.pace else None,
        "seconds_at_least": offer.pace.is_least if offer.pace else None,
        "in_batches": offer.in_batches,
        "connection": offer.connection.alias,
        "model": offer.model,
        "budgets": [{"name": one.name, "left": one.left, "after": one.after} for one in offer.budgets],
    }
