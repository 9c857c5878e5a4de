"""What a person can do about each kind of error that a call or an item can end in."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

REMEDIES: dict[str, object] = {
    "rate_limited": _(
        "The provider lets fewer requests through: retry later, or lower MAX_IN_FLIGHT of the connection."
    ),
    "too_busy": _("The limit of this model is used up: retry later, or raise it in the settings of the connection."),
    "unreachable": _("See whether the server runs and its address in the settings is right, then retry."),
    "server_fault": _("The fault is the provider's: retry later."),
    "interrupted": _("The answer was lost on its way and may have been billed: retry it."),
    "abandoned": _("Whoever asked went away before the answer came: ask again if it is still wanted."),
    "unanswered": _("The batches ended before it was the turn of this row: retry it, or run the rest live."),
    "quota_exhausted": _("The account has no credit left: pay it in with the provider, then retry."),
    "bad_key": _("See the key in the environment and what it is allowed to do, then restart and retry."),
    "bad_request": _("The provider refuses what this version asks: add a version with other parameters or messages."),
    "too_long": _("Shorten the row or the wording, or ask a model that reads more at once."),
    "malformed": _("What came is no answer: see that the address in the settings is that of the provider's API."),
    "incomplete": _("Read what came below; retry, or add a version with another wording."),
    "cut_off": _("Add a version with a higher output limit, or one that asks for less."),
    "refused": _("The model declined: add a version with another wording, or answer this row by hand."),
    "filtered": _("The provider's filter stopped it: answer this row by hand."),
    "empty": _("Retry it; if it stays empty, add a version with another wording."),
    "schema": _("Say in the wording what the schema allows, or use a model that keeps to a schema."),
    "lost": _("The process that asked went away, and the call may have been billed: retry it if that is worth it."),
    "prompt": _("Mend the row or add a version that can do with it, then retry."),
    "quarantined": _("See in the workers' log how they ended, such as for want of memory, then retry."),
    "budget": _("Raise the cap, or wait for the next period, then retry."),
    "unpriced": _("Use a model whose price is known, or give it an own price."),
}


def remedy(kind: str) -> object:
    """The sentence for a kind of error; empty where there is nothing to say beyond the error itself."""
    return REMEDIES.get(kind, "")
