"""Moving labels: the admin's doors to `version.set_label()`."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from prompts.admin.extended import ExtendedAdmin, only_post
from prompts.errors import PromptError
from prompts.extensions import Address
from prompts.models import PromptVersion
from prompts.models.version import PRODUCTION

PERMISSION = "prompts.publish_prompt"


class PublishingAdmin(ExtendedAdmin):
    """Publishes versions, from the list and from their own page."""

    actions = ("publish_selected",)

    def has_publish_permission(self, request: HttpRequest) -> bool:
        """Whether the person may move labels."""
        return bool(request.user.has_perm(PERMISSION))

    def addresses(self) -> tuple[Address, ...]:
        """Where a version's page sends its button."""
        return (*super().addresses(), Address("label", self.label_view, permissions=(PERMISSION,)))

    def label_view(self, request: HttpRequest, version: PromptVersion) -> HttpResponseBase:
        """Point the label that was sent, or production, to the version."""
        if refusal := only_post(request):
            return refusal
        self.move(request, version, request.POST.get("label", "").strip() or PRODUCTION)
        return HttpResponseRedirect(self.address_of("change", version))

    @admin.action(description=gettext_lazy("Publish as production"), permissions=["publish"])
    def publish_selected(self, request: HttpRequest, queryset: Any) -> None:
        """Publish one version of each prompt that was selected."""
        versions = list(self.model.objects.whole().filter(pk__in=queryset.values("pk")))
        if len({version.prompt_id for version in versions}) < len(versions):
            messages.error(request, _("Select one version of each prompt: only one can be production."))
            return
        for version in versions:
            self.move(request, version, PRODUCTION)

    def move(self, request: HttpRequest, version: PromptVersion, name: str) -> None:
        """Move one label and say so."""
        try:
            label = version.set_label(name, by=request.user)
        except PromptError as error:
            messages.error(request, str(error))
            return
        text = _("%(prompt)s: %(label)s now.") % {"prompt": version.prompt, "label": label}
        self.log_change(request, version, text)
        messages.success(request, text)
