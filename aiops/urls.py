"""Addresses of the AI back office outside the admin."""

from django.urls import URLPattern

app_name = "aiops"
urlpatterns: list[URLPattern] = []
