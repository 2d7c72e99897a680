"""The support desk: accounts, attempts, and what support does to many people at once.

A site's own user admin gets the actions by ``SupportActionsMixin``, a custom ``AdminSite`` the pages by ``register``.
"""

from django.contrib import admin

from ..models import Attempt, SupportRun, ToopherAccount
from .accounts import ToopherAccountAdmin
from .actions import SupportActionsMixin
from .attempts import AttemptAdmin
from .runs import SupportRunAdmin

__all__ = ["AttemptAdmin", "SupportActionsMixin", "SupportRunAdmin", "ToopherAccountAdmin", "register"]


def register(site: admin.AdminSite) -> None:
    """Put the support desk into an admin site."""
    site.register(ToopherAccount, ToopherAccountAdmin)
    site.register(Attempt, AttemptAdmin)
    site.register(SupportRun, SupportRunAdmin)


register(admin.site)
