"""The pages that every site here has."""

from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required, login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import path

from django_toopher.decorators import second_factor_exempt

MEMBERS = """<!doctype html><html lang="en"><title>Members</title><h1>welcome {{ user.get_username }}</h1>
<form method="post" action="{% url 'logout' %}">{% csrf_token %}<button>Log out</button></form></html>"""


@login_required
def members(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(MEMBERS).render({}, request))


@login_required
async def members_async(request: HttpRequest) -> JsonResponse:
    user = await request.auser()
    return JsonResponse({"welcome": user.get_username()})


@login_not_required
@second_factor_exempt
def health(request: HttpRequest) -> HttpResponse:
    return HttpResponse("fine")


urlpatterns = [
    path("members/", members),
    path("members/async/", members_async),
    path("health/", health),
    path("logout/", auth_views.LogoutView.as_view(next_page="/health/"), name="logout"),
]
