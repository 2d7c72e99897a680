"""URLs of the test project, and further ways in and out that sites have."""

from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_required
from django.contrib.staticfiles.views import serve as serve_static
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.views import View

from tests.urls import urlpatterns as project


@login_required
def anything(request: HttpRequest, **kwargs: str) -> HttpResponse:
    return HttpResponse(f"{request.method} {request.path}")


class Status(View):
    """What a load balancer asks."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("fine")


class Leave(auth_views.LogoutView):
    """As Wagtail has one, which its URLconf calls something else."""

    next_page = "/"


urlpatterns = [
    *project,
    path("leave/", Leave.as_view(), name="leave"),
    path("logout/", auth_views.LogoutView.as_view(next_page="/"), name="logout"),
    path(
        "reset/<uidb64>/<token>/",
        auth_views.PasswordResetConfirmView.as_view(post_reset_login=True, success_url="/members/"),
    ),
    path("second/", include("django_toopher.urls", namespace="second")),
    re_path("^/(?P<path>.*)$", anything),  # paths that begin with two slashes
    path("anything/", anything),
    path("anything/below/", anything),
    path("status/", Status.as_view()),
    re_path("^healthz", anything),
    path("static/<path:path>", serve_static),
]
