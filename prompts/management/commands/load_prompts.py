"""`manage.py load_prompts DIRECTORY`"""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from prompts.errors import PromptError
from prompts.loading import load_prompts

EXAMPLES = """
examples:
  manage.py load_prompts fixtures
      load fixtures/schemas/*.json and fixtures/prompts/*.json; a second run changes nothing
  manage.py load_prompts fixtures --by anna
      the same, with the user anna as the author

exit codes: 0 loaded (or nothing to do), 2 refused; nothing is loaded then
"""


class Command(BaseCommand):
    """Parses, loads, reports."""

    help = "Loads prompts and output schemas from JSON files, all of them or none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = EXAMPLES
        parser.add_argument("directory", help="holds prompts/*.json and schemas/*.json")
        parser.add_argument("--by", metavar="USER", help="name of the user who is the author of new versions")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, and say what was done."""
        try:
            result = load_prompts(options["directory"], by=author(options["by"]))
        except PromptError as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write("\n".join(result.lines()))


def author(name: str | None) -> Any:
    """Raises: CommandError: there is no such user."""
    if name is None:
        return None
    model = get_user_model()
    try:
        return model._default_manager.get_by_natural_key(name)
    except model.DoesNotExist as error:
        raise CommandError(f'There is no user "{name}": create it, or leave --by out.', returncode=2) from error
