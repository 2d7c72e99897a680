"""URLs of this site."""

from django.urls import include, path
from rest_framework.authentication import TokenAuthentication
from rest_framework.authtoken.views import obtain_auth_token
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.views import TokenObtainPairView, TokenObtainSlidingView, TokenRefreshView

from django_toopher.rest_framework import BasicAuthentication, SessionAuthentication
from tests.sites.pages import urlpatterns as pages


class WhoView(APIView):
    """Says who asks; by what the framework takes when nobody says otherwise."""

    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"user": request.user.get_username()})


class HeldView(WhoView):
    authentication_classes = [BasicAuthentication, SessionAuthentication]


class OwnLogin(TokenObtainPairView):
    """A subclass, as sites have them for claims of their own."""


urlpatterns = [
    path("accounts/", include("django_toopher.urls")),
    path("toopher/", include("django_toopher.service.urls")),
    path("api/who/", WhoView.as_view()),
    path("api/held/", HeldView.as_view()),
    path("api/by-token/", WhoView.as_view(authentication_classes=[TokenAuthentication])),
    path("api/by-jwt/", WhoView.as_view(authentication_classes=[JWTAuthentication])),
    path("api/token/", obtain_auth_token),
    path("api/jwt/", TokenObtainPairView.as_view()),
    path("api/jwt/own/", OwnLogin.as_view()),
    path("api/jwt/refresh/", TokenRefreshView.as_view()),
    path("api/sliding/", TokenObtainSlidingView.as_view()),
    path("rest-auth/", include("dj_rest_auth.urls")),
    *pages,
]
