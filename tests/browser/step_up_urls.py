"""The views that must be confirmed, and a page with a form for one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import path
from django.utils.html import format_html

from tests.app.step_up_urls import urlpatterns as confirmed

FORM = """<!doctype html><title>Pay</title>
<form method="post" action="/pay/Bob/" enctype="multipart/form-data">
<input type="hidden" name="csrfmiddlewaretoken" value="{}"><input name="amount"><input type="file" name="receipt">
<button>Pay</button></form>"""


def form_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(format_html(FORM, get_token(request)))


urlpatterns = [path("form-page/", form_page), *confirmed]
