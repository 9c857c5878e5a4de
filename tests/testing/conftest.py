"""The fixture, as a shop's own conftest brings it."""

from aiops.testing.plugin import openai_stand_in  # noqa: F401
