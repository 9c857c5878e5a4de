from django.db.models.signals import post_save

from shop.tickets import tasks
from shop.tickets.models import Ticket


def classify_new(sender, instance, **kwargs):
    instance.category = tasks.classify(instance)  # found: in_signal


post_save.connect(classify_new, sender=Ticket)
