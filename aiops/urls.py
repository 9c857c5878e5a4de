"""Addresses of the AI back office outside the admin."""

from django.urls import URLPattern, path

from aiops.jobs.batch.webhook import batch_webhook

app_name = "aiops"
urlpatterns: list[URLPattern] = [path("webhooks/<str:alias>/", batch_webhook, name="batch_webhook")]
