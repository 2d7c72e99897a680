"""URLs of this site."""

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from django_toopher.rest_framework import SessionAuthentication
from tests.sites.pages import urlpatterns as pages


class WhoView(APIView):
    """Says who asks."""

    authentication_classes = [SessionAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"user": request.user.get_username()})


def key_of(request: HttpRequest, name: str) -> HttpResponse:
    """By which primary key the packages know somebody."""
    return HttpResponse(get_user_model().objects.get(username=name).pk)


urlpatterns = [
    path("accounts/", include("django_toopher.urls")),
    path("toopher/", include("django_toopher.service.urls")),
    path("hijack/", include("hijack.urls")),
    path("impersonate/", include("impersonate.urls")),
    path("api/who/", WhoView.as_view()),
    path("keys/<name>/", key_of),
    path("admin/", admin.site.urls),
    *pages,
]
