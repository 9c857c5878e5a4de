"""Prompts, their versions and labels, and the schemas of their answers."""

from prompts.models.label import Label, LabelMove
from prompts.models.prompt import Prompt
from prompts.models.schema import OutputSchema, SchemaVersion
from prompts.models.version import PromptVersion

__all__ = ["Label", "LabelMove", "OutputSchema", "Prompt", "PromptVersion", "SchemaVersion"]
