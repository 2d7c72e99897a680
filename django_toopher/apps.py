"""The app as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DjangoToopherConfig(AppConfig):
    """Registers checks and receivers, nothing else."""

    name = "django_toopher"
    verbose_name = _("Two-factor login")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401
        from .session import receivers

        receivers.connect()
