"""`manage.py run_prompt`: one prompt, asked once."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from aiops.execution.answer import answer
from aiops.execution.judge import Outcome
from aiops.execution.prepare import make_plan
from aiops.gateway.reach import require_reachable
from aiops.ledger.money import dollars
from aiops.management.preview import Preview, preview
from aiops.management.terminal import FAILED, INTERRUPTED, TerminalCommand, harmless, refusals
from aiops.management.variables import variables_for
from aiops.templatetags.aiops_format import count, duration
from prompts.lookup import find_version
from prompts.models import PromptVersion


class Command(TerminalCommand):
    """Parse, ask, print the answer."""

    help = (
        "Ask one prompt once and print the answer. What it took is said on standard error.\n\n"
        "examples:\n"
        '  manage.py run_prompt triage-ticket --var text="Where is my card?"\n'
        "  manage.py run_prompt triage-ticket@staging --vars ticket.json\n"
        "  manage.py run_prompt triage-ticket@7 --vars - --json < ticket.json\n"
        '  manage.py run_prompt triage-ticket --var text="Hello" --connection local --dry-run\n\n'
        "exit codes:\n"
        "  0  answered (dry run: it could be asked)\n"
        "  1  the call failed; it is in the log\n"
        "  2  refused: nothing was sent, nothing was spent"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The prompt, what fills it in, and where it is asked."""
        parser.add_argument("prompt", help="name, name@label or name@version; without either, its label production")
        parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE", help="a variable; repeatable")
        parser.add_argument(
            "--vars", default="", metavar="FILE", help="a JSON object of variables; - for standard input"
        )
        parser.add_argument("--connection", default="", metavar="ALIAS", help="(default: the version's own)")
        parser.add_argument(
            "--language-model", "--model", default="", metavar="NAME", help="(default: the version's own)"
        )
        parser.add_argument("--dry-run", action="store_true", help="print what would be sent, and send nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON object; money in nano-dollars")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, or say what would be asked."""
        how = {"connection": options["connection"], "model": options["language_model"]}
        with refusals():
            version = find_version(options["prompt"])
            variables = variables_for(version, options["var"], options["vars"])
            if options["dry_run"]:
                self._say(preview(version, variables, **how), as_json=options["json"])
                return
            plan = make_plan(version, connection=how["connection"], model=how["model"], now=timezone.now())
            require_reachable(plan.connection)
            try:
                outcome = answer(version, variables, **how)
            except KeyboardInterrupt:
                raise CommandError(
                    _("Interrupted: if the request had left, it may be billed, and its call is marked unknown."),
                    returncode=INTERRUPTED,
                ) from None
        self._print(version, outcome, as_json=options["json"])

    def _say(self, shown: Preview, *, as_json: bool) -> None:
        if as_json:
            self.write_json(shown.as_json())
            return
        self.write_text(f"{shown.text}\n\n")
        for sentence in shown.sentences():
            self.stdout.write(sentence)
        self.stdout.write(_("Nothing was sent (dry run)."))

    def _print(self, version: PromptVersion, outcome: Outcome, *, as_json: bool) -> None:
        if as_json:
            self.write_json(_facts(version, outcome))
        elif outcome.succeeded:
            whole = version.schema is not None
            self.write_text(json.dumps(outcome.data, indent=2, ensure_ascii=False) if whole else outcome.text)
        if outcome.completion and not as_json:
            self.stderr.write(_took(outcome), style_func=str)
        if not outcome.succeeded:
            words = {"kind": outcome.error_kind, "text": outcome.error_text, "id": outcome.call_id}
            raise CommandError(harmless(_("%(kind)s: %(text)s (call %(id)s)") % words), returncode=FAILED)


def _took(outcome: Outcome) -> str:
    """`312 tokens in, 40 out · $0.0002 · 1.2 s · call 0198…`"""
    completion = outcome.completion
    usage = completion.usage if completion else None
    tokens = _("tokens unknown")
    if usage:
        tokens = _("%(in)s tokens in, %(out)s out") % {"in": count(usage.tokens_in), "out": count(usage.tokens_out)}
    cost = dollars(outcome.cost) if outcome.cost is not None else _("cost unknown")
    parts = [tokens, cost, _("call %(id)s") % {"id": outcome.call_id}]
    if completion and completion.total_ms is not None:
        parts.insert(2, duration(completion.total_ms))
    return " · ".join(parts)


def _facts(version: PromptVersion, outcome: Outcome) -> dict[str, Any]:
    completion = outcome.completion
    usage = completion.usage if completion else None
    return {
        "call": str(outcome.call_id),
        "status": str(outcome.end.status),
        "version": str(version),
        "model": completion.model if completion else None,
        "text": outcome.text,
        "data": outcome.data,
        "tokens_in": usage.tokens_in if usage else None,
        "tokens_out": usage.tokens_out if usage else None,
        "cost": outcome.cost,
        "total_ms": completion.total_ms if completion else None,
        "attempts": outcome.end.attempt_count,
        "error_kind": outcome.error_kind,
        "error_text": outcome.error_text,
    }
