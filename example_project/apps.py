"""The example site as a Django app, for its command."""

from django.apps import AppConfig


class ExampleConfig(AppConfig):
    """The rowing club."""

    name = "example_project"
