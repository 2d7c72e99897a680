"""URLs of this site."""

from django.contrib.admin import AdminSite
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.urls import include, path

from tests.sites.pages import urlpatterns as pages


class Office(AdminSite):
    """The club's own admin, for everybody who is staff."""

    site_header = "Office"


office = Office(name="office")
office.register(User, UserAdmin)

urlpatterns = [
    path("accounts/", include("django_toopher.urls")),
    path("toopher/", include("django_toopher.service.urls")),
    *pages,
    path("office/", office.urls),
]
