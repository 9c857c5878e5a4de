"""A job in words, for terminals: how far it is, what came of it, what can be done next."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from aiops.jobs.models import Batch, Item, Job
from aiops.jobs.progress import Progress, counts_of
from aiops.ledger.money import dollars
from aiops.templatetags.aiops_format import count, rate, seconds


def getting_on(progress: Progress) -> str:
    """`143 of 202 rows, 70 % · 4 failed · 9 rows/s · 7 s left · $0.0071 so far, about $0.0101 at the end`"""
    if sentence := progress.job.reading_sentence:
        return sentence
    done = {"done": count(progress.done), "total": count(progress.total), "percent": progress.percent}
    parts = [_("%(done)s of %(total)s rows, %(percent)s %%") % done]
    if failed := progress.counts[Item.Status.FAILED]:
        parts.append(_("%(n)s failed") % {"n": count(failed)})
    if progress.is_live and progress.rate:
        parts.append(rate(progress.rate))
    if progress.seconds_left:
        parts.append(_("%(time)s left") % {"time": seconds(progress.seconds_left)})
    parts.append(spent(progress))
    return " · ".join(parts)


def spent(progress: Progress) -> str:
    """What it has cost, and is about to."""
    if progress.is_live and progress.cost_at_end is not None:
        words = {"cost": dollars(progress.cost), "end": dollars(progress.cost_at_end)}
        return _("%(cost)s so far, about %(end)s at the end") % words
    unknown = progress.unknown_costs
    if not unknown:
        return dollars(progress.cost)
    return ngettext("%(cost)s and %(n)s call of unknown cost", "%(cost)s and %(n)s calls of unknown cost", unknown) % {
        "cost": dollars(progress.cost),
        "n": count(unknown),
    }


def summary(progress: Progress) -> list[str]:
    """What a job is, and what has come of it: errors by reason, tokens, cost, time."""
    job, counts = progress.job, progress.counts
    head = {"id": job.pk, "status": job.get_status_display(), "job": job}
    lines = [
        _("Job %(id)s is %(status)s: %(job)s, asked of %(model)s over %(connection)s")
        % {**head, "model": job.model, "connection": job.connection}
    ]
    if job.reading_sentence:
        return [*lines, job.reading_sentence]
    left = progress.total - progress.done
    rows = {
        "rows": _rows(progress.total),
        "good": count(counts[Item.Status.SUCCEEDED]),
        "bad": count(counts[Item.Status.FAILED]),
        "left": count(left),
    }
    lines.append(
        (
            _("%(rows)s: %(good)s succeeded, %(bad)s failed, %(left)s left")
            if left
            else _("%(rows)s: %(good)s succeeded, %(bad)s failed")
        )
        % rows
    )
    lines += [f"  {count(n)} {kind or _('without a reason')}" for kind, n in progress.errors]
    lines += [_batch(batch) for batch in progress.batches]
    tokens = {"in": count(progress.tokens_in), "out": count(progress.tokens_out), "cost": spent(progress)}
    lines.append(_("%(in)s tokens in, %(out)s out, %(cost)s") % tokens)
    if job.started_at:
        lines.append(_times(progress, job.started_at))
    return lines


def _batch(batch: Batch) -> str:
    words = {
        "status": batch.get_status_display(),
        "lines": count(batch.line_count),
        "done": count(batch.done_lines),
        "since": timezone.localtime(batch.ended_at or batch.since).isoformat(" ", "seconds"),
        "back": count(batch.given_back),
    }
    text = _("  batch %(status)s since %(since)s: %(done)s of %(lines)s lines done") % words
    if batch.given_back:
        text = f"{text}, {_('%(back)s given back') % words}"
    return f"{text}: {batch.error}" if batch.error else text


def next_step(progress: Progress) -> str:
    """What a person can do now; empty where every row succeeded."""
    job, failed = progress.job, progress.counts[Item.Status.FAILED]
    command = f"manage.py job_status {job.pk}"
    left = progress.total - progress.done
    if progress.is_live:
        return _("Follow it with: %(command)s --follow") % {"command": command}
    if job.status == Job.Status.PAUSED:
        words = {"why": job.paused_because, "command": command}
        return _("The job is paused: %(why)s Let it go on with: %(command)s --resume") % words
    if job.status == Job.Status.STOPPED and job.planned_at is None:
        return _("Nothing was asked. Let it read on with: %(command)s --resume") % {"command": command}
    if job.status == Job.Status.STOPPED and left:
        return _("The job is stopped, %(rows)s left; let it go on with: %(command)s --resume") % {
            "rows": _rows(left),
            "command": command,
        }
    if failed:
        return _("%(rows)s failed; try again with: %(command)s --retry-failed") % {
            "rows": _rows(failed),
            "command": command,
        }
    return ""


def facts(progress: Progress) -> dict[str, Any]:
    """A job for scripts; money in nano-dollars, times ISO 8601."""
    job = progress.job
    return {
        **progress.as_json(),
        "version": str(job.version),
        "source": job.source_text,
        "connection": job.connection,
        "model": job.model,
        "user": job.user.get_username() if job.user else None,
        "paused_because": job.paused_because,
        "created_at": _iso(job.created_at),
        "started_at": _iso(job.started_at),
        "ended_at": _iso(job.ended_at),
    }


HEADER = ("job", "status", "done", "failed", "cost", "what")


def table(jobs: Iterable[Job]) -> list[str]:
    """The jobs in columns, one a line, below a header."""
    jobs = list(jobs)
    found = counts_of(jobs)
    rows = [HEADER]
    for job in jobs:
        counts = found[job.pk]
        done = job.item_count - sum(counts[status] for status in Item.OPEN)
        read = {"n": count(job.item_count)}
        cost = dollars(job.cost) + (" + ?" if job.unknown_costs else "")
        rows.append(
            (
                str(job.pk),
                str(job.get_status_display()),
                f"{count(done)}/{count(job.item_count)}" if job.planned_at else _("%(n)s read") % read,
                count(counts[Item.Status.FAILED]),
                cost,
                str(job),
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER) - 1)]
    # Numbers to the right, words to the left.
    right = (True, False, True, True, True)
    return [
        "  ".join(
            [
                cell.rjust(width) if number else cell.ljust(width)
                for cell, width, number in zip(row, widths, right, strict=False)
            ]
            + [row[-1]]
        )
        for row in rows
    ]


def _times(progress: Progress, started: datetime) -> str:
    job = progress.job
    when = timezone.localtime(started).isoformat(" ", "seconds")
    text = _("started %(when)s") % {"when": when}
    if job.user:
        text = _("started %(when)s by %(user)s") % {"when": when, "user": job.user.get_username()}
    if job.ended_at:
        took = seconds((job.ended_at - started).total_seconds())
        return _("%(started)s, took %(time)s") % {"started": text, "time": took}
    return text


def _rows(n: int) -> str:
    return ngettext("%(n)s row", "%(n)s rows", n) % {"n": count(n)}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
