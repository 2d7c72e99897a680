"""URLs of a site whose staff act as other people, and confirm what they do."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import include, path
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from django_toopher.decorators import second_factor_required
from django_toopher.rest_framework import SecondFactorRequired
from tests.app.rest_urls import TokenAuthentication
from tests.app.urls import urlpatterns as project


@second_factor_required(action="Transfer money")
def transfer(request):
    return HttpResponse(f"transferred for {request.user.get_username()}")


class PayView(APIView):
    authentication_classes = [TokenAuthentication, SessionAuthentication]
    permission_classes = [IsAuthenticated, SecondFactorRequired]
    second_factor_action = "Pay"

    def get(self, request):
        return Response({"user": request.user.get_username()})


urlpatterns = [
    *project,
    path("transfer/", transfer),
    path("pay/", PayView.as_view()),
    path("hijack/", include("hijack.urls")),
    path("impersonate/", include("impersonate.urls")),
]
