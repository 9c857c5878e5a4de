"""Each way in which a call site can have moved over; `new` and `old` say which one was taken."""

from aiops.compat import moved_from


def old_summarise(text, *, words=10):
    return f"old {text} {words}"


async def old_summarise_async(text, *, words=10):
    return f"old {text} {words}"


@moved_from(old_summarise)
def summarise(text, *, words=10):
    """In few words."""
    return f"new {text} {words}"


@moved_from(old_summarise_async)
async def summarise_async(text, *, words=10):
    return f"new {text} {words}"


@moved_from(old_summarise)
async def summarise_since_async(text, *, words=10):
    return f"new {text} {words}"


@moved_from(old_summarise_async)
def summarise_no_longer_async(text, *, words=10):
    return f"new {text} {words}"


def old_stream(text):
    yield "old"
    yield text


@moved_from(old_stream)
def stream(text):
    yield "new"
    yield text


async def old_stream_async(text):
    yield "old"
    yield text


@moved_from(old_stream_async)
async def stream_async(text):
    yield "new"
    yield text


class Desk:
    name = "the desk"

    def old_ask(self, text):
        return f"old {self.name} {text}"

    @moved_from(old_ask)
    def ask(self, text):
        return f"new {self.name} {text}"

    @staticmethod
    @moved_from(old_summarise)
    def shorten(text, *, words=10):
        return f"new {text} {words}"
