"""REST v1, mounted at the root of the API. A trailing slash is accepted and never asked for (PROTOCOL.md §1.5)."""

from django.urls import re_path

from .views import authentication_requests, pairings, root, signed, user_terminals, users

_UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_PAIRING, _REQUEST, _USER, _TERMINAL = (
    rf"(?P<{name}>{_UUID})" for name in ("pairing_id", "request_id", "user_id", "terminal_id")
)

urlpatterns = [
    re_path(r"^$", root.RootView.as_view(), name="root"),
    re_path(r"^openapi\.json$", root.OpenApiView.as_view(), name="openapi"),
    re_path(r"^pairings/create/?$", pairings.CreateByPhraseView.as_view()),
    re_path(r"^pairings/create/qr/?$", pairings.CreateByQrView.as_view()),
    re_path(r"^pairings/create/sms/?$", pairings.CreateBySmsView.as_view()),
    re_path(rf"^pairings/{_PAIRING}/?$", pairings.PairingView.as_view()),
    re_path(rf"^pairings/{_PAIRING}/generate_reset_link/?$", pairings.GenerateResetLinkView.as_view()),
    re_path(rf"^pairings/{_PAIRING}/send_reset_link/?$", pairings.SendResetLinkView.as_view()),
    re_path(rf"^qr/pairings/{_PAIRING}/?$", pairings.QrCodeView.as_view()),
    re_path(r"^authentication_requests/initiate/?$", authentication_requests.InitiateView.as_view()),
    re_path(rf"^authentication_requests/{_REQUEST}/?$", authentication_requests.PollRequestView.as_view()),
    re_path(rf"^authentication_requests/{_REQUEST}/otp_auth/?$", authentication_requests.OtpAuthView.as_view()),
    re_path(rf"^authentication_requests/{_REQUEST}/cancel/?$", authentication_requests.CancelRequestView.as_view()),
    re_path(r"^authentication_requests/cancel/?$", authentication_requests.CancelRequestsOfSessionView.as_view()),
    re_path(r"^users/?$", users.FindUserView.as_view()),
    re_path(r"^users/create/?$", users.CreateUserView.as_view()),
    re_path(r"^users/reset/?$", users.ResetUserView.as_view()),
    re_path(r"^users/activate_next_otp_list/?$", users.ActivateOtpListView.as_view()),
    re_path(r"^users/switch/?$", users.SwitchUsersView.as_view()),
    re_path(rf"^users/{_USER}/?$", users.UserView.as_view()),
    re_path(rf"^users/{_USER}/pairings/?$", users.UserPairingsView.as_view()),
    re_path(rf"^users/{_USER}/terminals/?$", users.UserTerminalsView.as_view()),
    re_path(rf"^users/{_USER}/automations/?$", users.UserAutomationsView.as_view()),
    re_path(rf"^users/{_USER}/waits/?$", users.UserWaitsView.as_view()),
    re_path(r"^user_terminals/create/?$", user_terminals.CreateTerminalView.as_view()),
    re_path(rf"^user_terminals/{_TERMINAL}/?$", user_terminals.TerminalView.as_view()),
    re_path(r"", signed.NothingView.as_view()),
]
