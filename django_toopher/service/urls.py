"""Mount these at a lower-case path (PROTOCOL.md §1.1): ``path("toopher/", include("django_toopher.service.urls"))``."""

from django.urls import include, path, re_path

from .api import urls as api_urls
from .api.views.root import NoSlashView
from .device import urls as device_urls
from .web import urls as web_urls

app_name = "toopher_service"
urlpatterns = [
    path("phone/", include(device_urls.urlpatterns)),
    path("v1/", include(web_urls.error_urlpatterns)),
    path("v1/web/", include(web_urls.urlpatterns)),
    path("v1/", include(web_urls.reset_urlpatterns)),
    path("v1/", include(api_urls.urlpatterns)),  # last: it answers every other path, too
    re_path(r"^v1(?=[a-z])", NoSlashView.as_view()),
]
