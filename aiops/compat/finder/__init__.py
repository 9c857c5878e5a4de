"""Finds in the shop's code, by its syntax tree, what calls OpenAI past the central client."""

from aiops.compat.finder.report import Finding, Report, Unread
from aiops.compat.finder.search import find_openai_calls

__all__ = ["Finding", "Report", "Unread", "find_openai_calls"]
