"""`manage.py check_prompts`"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from prompts.checking import check_prompts

EXAMPLES = """
examples:
  manage.py check_prompts
      compare every version with its hash, compile its templates, lint its schema, follow the labels
  manage.py check_prompts --json
      the same for machines: {"versions", "schemas", "labels", "findings": [{"about", "sentence"}]}

exit codes: 0 all is well, 1 something was found
"""


class Command(BaseCommand):
    """Looks, reports; changes nothing."""

    help = "Checks that every version of prompts and schemas is what was saved, and can be used."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = EXAMPLES
        parser.add_argument("--json", action="store_true", help="write one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, report, and end with 1 where something was found."""
        result = check_prompts()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result), ensure_ascii=False, indent=2))
        else:
            self.stdout.write("\n".join([*map(str, result.findings), result.sentence()]))
        if result.findings:
            sys.exit(1)
