from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver

from shop.tickets.summaries import summarise


class Timestamped(models.Model):
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class Ticket(Timestamped):
    text = models.TextField()
    summary = models.TextField(blank=True)

    class Meta:
        app_label = "tickets"

    def save(self, *args, **kwargs):
        if not self.summary:
            self.summary = summarise(self.text)  # found: in_save
        super().save(*args, **kwargs)


@receiver(post_save, sender=Ticket)
def summarise_ticket(sender, instance, created, **kwargs):
    if created:
        Ticket.objects.filter(pk=instance.pk).update(summary=summarise(instance.text))  # found: in_signal
