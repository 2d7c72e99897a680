"""URLs of a site whose staff act as other people."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from django_toopher.decorators import second_factor_required
from tests.app.urls import urlpatterns as project


@second_factor_required(action="Transfer money")
def transfer(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"transferred for {request.user.get_username()}")


urlpatterns = [
    path("transfer/", transfer),
    path("hijack/", include("hijack.urls")),
    path("impersonate/", include("impersonate.urls")),
    *project,
]
