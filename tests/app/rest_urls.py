"""Views of Django REST framework that must be confirmed."""

from __future__ import annotations

from django.urls import path
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_toopher.rest_framework import SecondFactorRequired

DONE: list[object] = []


class TokenAuthentication(BaseAuthentication):
    """``Authorization: Token <name>-<anything>``."""

    def authenticate(self, request: Request) -> tuple[object, str] | None:
        from django.contrib.auth import get_user_model

        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Token":
            return None
        return get_user_model().objects.get(username=token.partition("-")[0]), token

    def authenticate_header(self, request: Request) -> str:
        return "Token"


class PayView(APIView):
    authentication_classes = [TokenAuthentication, SessionAuthentication]
    permission_classes = [IsAuthenticated, SecondFactorRequired]
    parser_classes = [JSONParser, FormParser, MultiPartParser]

    def second_factor_action(self, request: Request) -> str:
        return f"Pay {request.data.get('amount')} €"

    def post(self, request: Request) -> Response:
        DONE.append({**request.data})
        return Response({"paid": request.data["amount"]})


class BooksView(PayView):
    second_factor_action = "Look at the books"
    second_factor_max_age = 600

    def get(self, request: Request) -> Response:
        return Response({"books": []})


class NamelessView(PayView):
    second_factor_action = None


urlpatterns = [
    path("pay/", PayView.as_view()),
    path("books/", BooksView.as_view()),
    path("nameless/", NamelessView.as_view()),
]
