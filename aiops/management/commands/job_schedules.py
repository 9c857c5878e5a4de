"""`manage.py job_schedules`: which jobs start by themselves; what one would ask now; run one now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.jobs.quote import quote
from aiops.jobs.schedules.cleaning import version_of
from aiops.jobs.schedules.due import run_now
from aiops.jobs.schedules.model import JobSchedule
from aiops.jobs.schedules.source import rows_in_need, whole_source
from aiops.management.terminal import FAILED, TerminalCommand, harmless, refusals, refused
from prompts.errors import choices, did_you_mean


class Command(TerminalCommand):
    """Parse, find the schedule, do what is asked, say what came of it."""

    help = (
        "Without a name, all schedules, the one that is due next first. They are written in the admin.\n\n"
        "examples:\n"
        "  manage.py job_schedules\n"
        "  manage.py job_schedules --json\n"
        '  manage.py job_schedules "Nightly triage" --dry-run\n'
        '  manage.py job_schedules "Nightly triage" --run\n\n'
        "exit codes:\n"
        "  0  said, or started; or there was nothing to do\n"
        "  1  with --run: left out, since the run before is not over\n"
        "  2  refused: there is no such schedule, or it cannot run as it stands"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The schedule, and what is done with it."""
        parser.add_argument("name", nargs="?", help="the name of a schedule")
        then = parser.add_mutually_exclusive_group()
        then.add_argument("--run", action="store_true", help="run it now, beside its usual times")
        then.add_argument("--dry-run", action="store_true", help="say what it would ask now and cost; send nothing")
        parser.add_argument("--json", action="store_true", help="print JSON; times in UTC, money in nano-dollars")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what is asked, then say how it stands."""
        if options["name"] is None:
            if options["run"] or options["dry_run"]:
                raise refused(_('Name the schedule first, as in: manage.py job_schedules "Nightly triage" --run'))
            self._list(list(JobSchedule.objects.in_turn()), as_json=options["json"])
            return
        schedule = _find(options["name"])
        if options["dry_run"]:
            self._quote(schedule)
            return
        if options["run"]:
            with refusals():
                run_now(schedule, timezone.now())
        self._list([schedule], as_json=options["json"])
        if not options["run"]:
            return
        if schedule.outcome == JobSchedule.Outcome.REFUSED:
            raise refused(schedule.outcome_text)
        if schedule.outcome in (JobSchedule.Outcome.SKIPPED, JobSchedule.Outcome.WAITING):
            raise CommandError(harmless(schedule.outcome_text), returncode=FAILED)

    def _list(self, schedules: list[JobSchedule], *, as_json: bool) -> None:
        if as_json:
            self.write_json([_facts(schedule) for schedule in schedules])
        elif not schedules:
            self.stdout.write(_("There is no schedule yet: write one in the admin, under Schedules."))
        for schedule in schedules if not as_json else ():
            self.stdout.write(harmless(_line(schedule)))

    def _quote(self, schedule: JobSchedule) -> None:
        with refusals():
            version = version_of(schedule)
            source = rows_in_need(schedule, version, whole_source(schedule))
            if not source.count():
                self.stdout.write(harmless(_("There is nothing to do: %(rows)s.") % {"rows": source.describe()}))
                return
            offer = quote(
                version,
                source,
                user=schedule.owner,
                most_cost=schedule.most_cost,
                connection=schedule.connection,
                model=schedule.model,
            )
        for sentence in offer.sentences():
            self.stdout.write(harmless(sentence))
        self.stdout.write(_("Nothing was sent (dry run)."))


def _find(name: str) -> JobSchedule:
    found = JobSchedule.objects.in_turn().filter(name=name).first()
    if found is not None:
        return found
    names = list(JobSchedule.objects.values_list("name", flat=True))
    words = {"name": name, "hint": did_you_mean(name, names), "known": choices(names)}
    raise refused(_('There is no schedule "%(name)s".%(hint)s There is: %(known)s.') % words)


def _line(schedule: JobSchedule) -> str:
    if not schedule.active:
        upcoming = _("switched off")
    elif schedule.next_at is None:
        upcoming = _("planned at the next tick")
    else:
        upcoming = _("next %(at)s") % {"at": schedule.next_at.isoformat(" ", "minutes")}
    last = ""
    if schedule.last_at is not None:
        words = {"outcome": schedule.get_outcome_display(), "at": schedule.last_at.isoformat(" ", "minutes")}
        last = _("last %(at)s: %(outcome)s. %(text)s") % {**words, "text": schedule.outcome_text}
    what = f"{schedule.prompt.name}@{schedule.version}"
    return " · ".join(part for part in (schedule.name, what, schedule.row_model, upcoming, last) if part)


def _facts(schedule: JobSchedule) -> dict[str, Any]:
    return {
        "name": schedule.name,
        "active": schedule.active,
        "prompt": f"{schedule.prompt.name}@{schedule.version}",
        "rows": schedule.row_model,
        "cron": schedule.cron,
        "every_minutes": schedule.every,
        "time_zone": schedule.time_zone,
        "most_cost": schedule.most_cost,
        "owner": schedule.owner.get_username() if schedule.owner else None,
        "next_at": schedule.next_at.isoformat() if schedule.next_at else None,
        "last_at": schedule.last_at.isoformat() if schedule.last_at else None,
        "outcome": schedule.outcome,
        "said": schedule.outcome_text,
    }
