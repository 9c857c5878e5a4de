"""Schemas of answers: checked when they are saved, compiled and kept for checking answers."""

from prompts.schemas.lint import Problem, problems_of_schema
from prompts.schemas.validate import AnswerValidator, problems_of

__all__ = ["AnswerValidator", "Problem", "problems_of", "problems_of_schema"]
