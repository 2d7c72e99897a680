"""The service as a Django app, label ``toopher_service``."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ToopherServiceConfig(AppConfig):
    """Registers the system checks, nothing else."""

    name = "django_toopher.service"
    label = "toopher_service"
    verbose_name = _("Toopher service")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # noqa: F401
