"""Views that must be confirmed; each writes down what it was given."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin, PermissionRequiredMixin
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, RawPostDataException
from django.urls import include, path, re_path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from django_toopher.decorators import second_factor_required
from django_toopher.mixins import SecondFactorRequiredMixin
from tests.app.urls import urlpatterns as project

SEEN: list[dict[str, Any]] = []


def note(request: HttpRequest, **kwargs: str) -> None:
    """What the view was given."""
    fields = [*request.POST.lists()]
    files = {
        name: [(each.name, each.content_type, each.charset, each.read(), type(each).__name__) for each in several]
        for name, several in request.FILES.lists()
    }
    try:
        body = request.body
    except RawPostDataException:
        body = None
    SEEN.append(
        {
            "method": request.method,
            "path": request.get_full_path(),
            "route": request.resolver_match.route,
            "kwargs": kwargs,
            "content_type": request.content_type,
            "header": request.headers.get("Content-Type"),
            "fields": fields,
            "files": files,
            "body": body,
            "user": request.user.get_username(),
        }
    )


@second_factor_required(action="Transfer money")
def transfer(request: HttpRequest, **kwargs: str) -> HttpResponse:
    note(request, **kwargs)
    return HttpResponseRedirect("/members/") if request.method == "POST" else HttpResponse("transferred")


@require_POST
@second_factor_required(action=lambda request, to: f"Pay {request.POST.get('amount')} € to {to}")
def pay(request: HttpRequest, to: str) -> HttpResponse:
    note(request, to=to)
    return HttpResponse(f"paid {to}")


@require_GET
@second_factor_required(action="See the secret")
def secret(request: HttpRequest) -> HttpResponse:
    note(request)
    return HttpResponse("secret")


@second_factor_required(action="Look at the books", max_age=600)
def books(request: HttpRequest) -> HttpResponse:
    note(request)
    return HttpResponse("books")


@second_factor_required(action=lambda request: f"Look at {request.GET.get('what')}", max_age=600)
def look(request: HttpRequest) -> HttpResponse:
    note(request)
    return HttpResponse("seen")


@second_factor_required(action="Fail")
def fail(request: HttpRequest) -> HttpResponse:
    note(request)
    Group.objects.create(name="made by a view that fails")
    raise ZeroDivisionError


@csrf_exempt
@second_factor_required(action="Protected inside")
@csrf_protect
def protected_inside(request: HttpRequest) -> HttpResponse:
    note(request)
    return HttpResponse("done")


@second_factor_required(action="Wait")
async def waiting(request: HttpRequest) -> HttpResponse:
    note(request)
    return HttpResponse("waited")


class TransferView(LoginRequiredMixin, PermissionRequiredMixin, SecondFactorRequiredMixin, View):
    permission_required = "auth.add_group"

    def second_factor_action(self, request: HttpRequest, **kwargs: str) -> str:
        return f"Transfer {kwargs['amount']} €"

    def get(self, request: HttpRequest, amount: str) -> HttpResponse:
        note(request, amount=amount)
        return HttpResponse(f"got {amount}")

    def post(self, request: HttpRequest, amount: str) -> HttpResponse:
        note(request, amount=amount)
        return HttpResponse(f"transferred {amount}")


class NamelessView(SecondFactorRequiredMixin, View):
    pass


class FormView(SecondFactorRequiredMixin, View):
    second_factor_action = "Send the form"
    second_factor_safe_methods = False

    def second_factor_unless(self, request: HttpRequest) -> bool:
        return "mistake" in request.POST

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("the form")

    def post(self, request: HttpRequest) -> HttpResponse:
        note(request)
        return HttpResponse("sent")


@method_decorator(second_factor_required(action="Send the form"), name="post")
class PostDecoratedView(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("the form")

    def post(self, request: HttpRequest) -> HttpResponse:
        note(request)
        return HttpResponse("sent")


class AsyncView(SecondFactorRequiredMixin, View):
    second_factor_action = "Wait"

    async def post(self, request: HttpRequest) -> HttpResponse:
        note(request)
        return HttpResponse("waited")


urlpatterns = [
    path("transfer/", transfer),
    path("transfer/<str:kind>/", transfer),
    path("pay/<str:to>/", pay),
    path("secret/", secret),
    path("books/", books),
    path("look/", look),
    path("fail/", fail),
    path("protected-inside/", protected_inside),
    path("waiting/", waiting),
    path("view/<str:amount>/", TransferView.as_view()),
    path("nameless/", NamelessView.as_view()),
    path("form/", FormView.as_view()),
    path("post-decorated/", PostDecoratedView.as_view()),
    path("async-view/", AsyncView.as_view()),
    re_path("^/(?P<kind>.*)transfer/$", transfer),  # paths that begin with two slashes
    *project,
    path("rest/", include("tests.app.rest_urls")),
]
