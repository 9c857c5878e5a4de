"""A module that is imported by nothing: only its name in the setting leads to it."""

from aiops.compat import moved_from


@moved_from(str.lower)
def ask(text):
    return text.upper()
