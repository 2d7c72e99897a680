"""The iframe pages (PROTOCOL.md §3.1) and their calls."""

from django.urls import path, re_path

from ..models import Frame
from .views import calls, managing, pages, reset_link, sign_in

urlpatterns = [
    path("authenticate", pages.PageView.as_view(), name="authenticate"),
    path("auth", pages.PageView.as_view(overrides={"allow_inline_pairing": "False"}), name="auth"),
    path("manage_user", pages.PageView.as_view(page=Frame.Page.MANAGE_USER), name="manage-user"),
    path("pair", pages.PageView.as_view(page=Frame.Page.MANAGE_USER), name="pair"),
    path("frame/open", calls.OpenFrameView.as_view(), name="frame"),
    path("frame/state", calls.PollFrameView.as_view()),
    path("frame/ask", sign_in.AskView.as_view()),
    path("frame/code", sign_in.EnterCodeView.as_view()),
    path("frame/extend", sign_in.ExtendView.as_view()),
    path("frame/pair", sign_in.ShowLinkView.as_view()),
    path("frame/phrase", sign_in.EnterPhraseView.as_view()),
    path("frame/remove", managing.RemovePhoneView.as_view()),
    path("frame/forget", managing.RemoveAutomationView.as_view()),
    path("frame/rename", managing.RenamePhoneView.as_view()),
    path("frame/switch", managing.SwitchSecondFactorView.as_view()),
    path("frame/reset", managing.ResetUserView.as_view()),
]

error_urlpatterns = [re_path(r".*web/error\.html$", pages.ErrorView.as_view())]
"""Some clients put their root before a whole address again, so anything may stand in front (PROTOCOL.md §3.1)."""

reset_urlpatterns = [path("pairings/<uuid:pairing_id>/reset", reset_link.ResetLinkView.as_view(), name="reset")]
"""The page that a reset link leads to: for people, at an address among the API's (PROTOCOL.md §5)."""
