"""The authenticator's web app: its page, its manifest and its service worker (docs/authenticator.rst).

The page is the same for everybody. It is rendered without the request, so that no context processor of the host
site can touch the session: none of these responses reads or sets a cookie.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.utils.translation import gettext, gettext_lazy
from django.views import View

from ..http.csp import content_security_policy, static_source
from ..phones import push

NAME = gettext_lazy("Sign-in approvals")
SHORT_NAME = gettext_lazy("Approvals")

ACCENT = "#3451d1"
BACKGROUND = "#f6f7f9"


@method_decorator(login_not_required, name="dispatch")
class WebAppView(View):
    """One file of the web app, with the headers that all of them have."""

    http_method_names = ["get", "head", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Add the headers. The browser may keep a copy, and asks each time whether it is still good."""
        response = super().dispatch(request, *args, **kwargs)
        response["Content-Security-Policy"] = self.content_security_policy()
        response["Referrer-Policy"] = "no-referrer"
        response["X-Content-Type-Options"] = "nosniff"
        patch_cache_control(response, no_cache=True)
        return response

    def content_security_policy(self) -> str:
        """Nothing may be loaded and nobody may frame it."""
        return content_security_policy()


class PhoneView(WebAppView):
    """The page that a person opens on the phone. What follows ``#`` in its URL never reaches a server."""

    def get(self, request: HttpRequest) -> HttpResponse:
        page = reverse("toopher_service:phone")
        context = {
            "name": NAME,
            "page": page,
            "api": f"{page}v1/",
            "manifest": reverse("toopher_service:phone-manifest"),
            "worker": reverse("toopher_service:phone-sw"),
            "push_key": push.keys.public_key() if push.hosts() else "",
            "background": BACKGROUND,
        }
        return HttpResponse(render_to_string("toopher_service/phone/page.html", context))

    def content_security_policy(self) -> str:
        """Own files and own calls."""
        files = static_source()
        return content_security_policy(
            script_src=files,
            style_src=files,
            img_src=files,
            font_src=files,
            # these come from here, wherever the static files are
            manifest_src="'self'",
            worker_src="'self'",
            connect_src="'self'",
        )


class ManifestView(WebAppView):
    """What a phone needs to install the app on its home screen (W3C Web Application Manifest)."""

    def get(self, request: HttpRequest) -> HttpResponse:
        page = reverse("toopher_service:phone")
        manifest = {
            "id": page,
            "name": str(NAME),
            "short_name": str(SHORT_NAME),
            "description": gettext("Say yes or no to sign-ins from this phone."),
            "start_url": page,
            "scope": page,
            "display": "standalone",
            "theme_color": ACCENT,
            "background_color": BACKGROUND,
            "icons": [self._icon("icon.svg", "any"), self._icon("icon-maskable.svg", "maskable")],
        }
        return JsonResponse(manifest, content_type="application/manifest+json")

    def _icon(self, file: str, purpose: str) -> dict[str, str]:
        source = static(f"toopher_service/phone/{file}")
        return {"src": source, "sizes": "any", "type": "image/svg+xml", "purpose": purpose}


class ServiceWorkerView(WebAppView):
    """Keeps the page openable without a network, and tells of requests. Its path bounds what it may serve."""

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {"icon": static("toopher_service/phone/icon-180.png")}
        script = render_to_string("toopher_service/phone/sw.js", context)
        return HttpResponse(script, content_type="text/javascript; charset=utf-8")

    def content_security_policy(self) -> str:
        """The worker fetches what the page is made of, and the announcement's icon."""
        files = static_source()
        return content_security_policy(connect_src=files, img_src=files)
