"""The iframe pages (PROTOCOL.md §3.1) and their calls."""

from django.urls import path, re_path

from ..models import Frame
from . import views

urlpatterns = [
    path("authenticate", views.PageView.as_view(), name="authenticate"),
    path("auth", views.PageView.as_view(overrides={"allow_inline_pairing": "False"}), name="auth"),
    path("manage_user", views.PageView.as_view(page=Frame.Page.MANAGE_USER), name="manage-user"),
    path("pair", views.PageView.as_view(page=Frame.Page.MANAGE_USER), name="pair"),
    path("frame/open", views.OpenView.as_view(), name="frame"),
    path("frame/state", views.StateView.as_view()),
    path("frame/ask", views.AskView.as_view()),
    path("frame/code", views.CodeView.as_view()),
    path("frame/extend", views.ExtendView.as_view()),
    path("frame/pair", views.PairView.as_view()),
    path("frame/phrase", views.PhraseView.as_view()),
    path("frame/remove", views.RemoveView.as_view()),
    path("frame/forget", views.ForgetView.as_view()),
    path("frame/rename", views.RenameView.as_view()),
    path("frame/switch", views.SwitchView.as_view()),
    path("frame/reset", views.ResetUserView.as_view()),
]

error_urlpatterns = [re_path(r".*web/error\.html$", views.ErrorView.as_view())]
"""Some clients put their root before a whole address again, so anything may stand in front (PROTOCOL.md §3.1)."""

reset_urlpatterns = [path("pairings/<uuid:pairing_id>/reset", views.ResetView.as_view(), name="reset")]
"""The page that a reset link leads to: for people, at an address among the API's (PROTOCOL.md §5)."""
