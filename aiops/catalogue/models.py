"""The cards of models, and what people think of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Avg, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from aiops.gateway.model_abilities import Ability
from aiops.gateway.model_ends import NOTICE

RATINGS = (1, 2, 3, 4, 5)


class ModelCardQuerySet(models.QuerySet["ModelCard"]):
    def there(self, today: date) -> Self:
        """Those that a server listed last time it was asked, and whose day has not come."""
        return self.filter(last_seen_at__isnull=False, gone_at__isnull=True).exclude(ends_on__lte=today)

    def ending(self, today: date) -> Self:
        """Those that end within the time that one is warned of."""
        return self.filter(gone_at__isnull=True, ends_on__gt=today, ends_on__lte=today + NOTICE)

    def over(self, today: date) -> Self:
        """Those that their server lists no more, or whose day has come."""
        return self.filter(Q(gone_at__isnull=False) | Q(ends_on__lte=today))

    def that_can(self, ability: Ability) -> Self:
        """Those that can do this."""
        return self.filter(abilities__contains=f",{ability},")

    def restricted(self) -> Self:
        """Those that only some groups may use."""
        return self.filter(restricted=True)

    def usable_by(self, user: Any) -> Self:
        """Those that a user may use. Where nobody is logged in, the shop's own code asks: all of them."""
        if user is None or getattr(user, "is_superuser", False):
            return self
        return self.filter(Q(restricted=False) | Q(pk__in=cards_of(user)))

    def with_opinions(self, user: Any) -> Self:
        """With `favourite` and `own_rating` of this user, and `mean_rating` of all."""
        opinions = ModelOpinion.objects.filter(card=OuterRef("pk"))
        own = opinions.filter(user=user.pk)
        mean = opinions.order_by().values("card").annotate(mean=Avg("rating")).values("mean")
        return self.annotate(
            favourite=models.Exists(own.filter(favourite=True)),
            own_rating=Subquery(own.values("rating")[:1]),
            mean_rating=Subquery(mean, output_field=models.FloatField()),
        )


class ModelCard(models.Model):
    """One model over one connection. Facts come from `sync_models`; note, groups and opinions from people."""

    connection = models.CharField(_("connection"), max_length=64)
    model = models.CharField(_("model"), max_length=128)
    title = models.CharField(_("title"), max_length=200, blank=True)
    description = models.TextField(_("description"), blank=True)
    abilities = models.CharField(_("can do"), max_length=255, blank=True)
    """`,text,images,`: so that any database finds one of them."""
    context_limit = models.PositiveIntegerField(_("most tokens of context"), null=True, help_text=_("Empty: unknown."))
    output_limit = models.PositiveIntegerField(_("most tokens of an answer"), null=True, help_text=_("Empty: unknown."))
    priced = models.BooleanField(_("price known"), default=False)
    ends_on = models.DateField(_("ends on"), null=True)
    """The first day on which it is gone."""
    successor = models.CharField(_("in its place"), max_length=128, blank=True)
    first_seen_at = models.DateTimeField(_("first seen"), null=True)
    last_seen_at = models.DateTimeField(_("last seen"), null=True)
    """NULL: its server has never listed it; the settings name it."""
    gone_at = models.DateTimeField(_("found gone"), null=True)
    note = models.TextField(_("note"), blank=True)
    groups = models.ManyToManyField(
        Group,
        blank=True,
        related_name="+",
        verbose_name=_("who may use it"),
        help_text=_("Members of these groups, and superusers. None chosen: everybody."),
    )
    restricted = models.BooleanField(_("for some only"), default=False)
    """Kept beside the groups: where the last of them is deleted, the model must not be open to everybody."""

    objects = ModelCardQuerySet.as_manager()

    class Meta:
        verbose_name = _("model")
        verbose_name_plural = _("models")
        ordering = ("connection", "model")
        constraints = (models.UniqueConstraint(fields=("connection", "model"), name="aiops_model_card_once"),)

    def __str__(self) -> str:
        return f"{self.connection}: {self.model}"

    @property
    def can_do(self) -> frozenset[Ability]:
        """The abilities, as values."""
        names = {name for name in self.abilities.split(",") if name}
        return frozenset(ability for ability in Ability if ability in names)

    def is_over(self, today: date) -> bool:
        """Whether it is there no more."""
        return self.gone_at is not None or (self.ends_on is not None and self.ends_on <= today)

    def allow(self, groups: Iterable[Group]) -> None:
        """Say which groups may use it; none for everybody."""
        chosen = list(groups)
        self.groups.set(chosen)
        # The groups may be the same, and none, while it was for some only: of groups that are deleted.
        if self.restricted != bool(chosen):
            ModelCard.objects.filter(pk=self.pk).update(restricted=bool(chosen))
            self.restricted = bool(chosen)

    def opine(self, user: Any, **opinion: Any) -> None:
        """Keep what a user thinks of it.

        Args:
            opinion: `favourite`, a bool; `rating`, 1 to 5 or None; what is not given stays.
        """
        ModelOpinion.objects.update_or_create(card=self, user=user, defaults=opinion)


class ModelOpinion(models.Model):
    """What one person thinks of one model."""

    card = models.ForeignKey(ModelCard, models.CASCADE, related_name="opinions", verbose_name=_("model"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("user"))
    favourite = models.BooleanField(_("favourite"), default=False)
    rating = models.PositiveSmallIntegerField(_("rating"), null=True, blank=True)

    class Meta:
        verbose_name = _("opinion of a model")
        verbose_name_plural = _("opinions of models")
        constraints = (
            models.UniqueConstraint(fields=("card", "user"), name="aiops_model_opinion_once"),
            models.CheckConstraint(
                condition=Q(rating__isnull=True) | Q(rating__gte=RATINGS[0], rating__lte=RATINGS[-1]),
                name="aiops_model_rating_1_to_5",
            ),
        )

    def __str__(self) -> str:
        return f"{self.card_id}: {self.rating}"


def cards_of(user: Any) -> models.QuerySet[Any]:
    """Keys of the cards that a group of this user's is named on; none for users of a site that has no groups."""
    through: Any = ModelCard.groups.through
    mine = through.objects.filter(group_id__in=user.groups.values("pk")) if hasattr(user, "groups") else None
    found: models.QuerySet[Any] = (through.objects.none() if mine is None else mine).values("modelcard_id")
    return found
