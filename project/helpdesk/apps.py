"""The app `helpdesk`, as Django starts it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class HelpdeskConfig(AppConfig):
    """The example shop: customers' questions, to be sorted."""

    name = "project.helpdesk"
    label = "helpdesk"
    verbose_name = _("Help desk")
