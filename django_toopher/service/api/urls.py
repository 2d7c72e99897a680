"""REST v1, mounted at the root of the API. A trailing slash is accepted and never asked for (PROTOCOL.md §1.5)."""

from django.urls import re_path

from . import views

_UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

urlpatterns = [
    re_path(r"^$", views.RootView.as_view(), name="root"),
    re_path(r"^openapi\.json$", views.OpenApiView.as_view(), name="openapi"),
    re_path(r"^pairings/create/?$", views.PairingsCreateView.as_view()),
    re_path(r"^pairings/create/qr/?$", views.PairingsCreateQrView.as_view()),
    re_path(r"^pairings/create/sms/?$", views.PairingsCreateSmsView.as_view()),
    re_path(rf"^pairings/(?P<pairing_id>{_UUID})/?$", views.PairingView.as_view()),
    re_path(rf"^pairings/(?P<pairing_id>{_UUID})/generate_reset_link/?$", views.GenerateResetLinkView.as_view()),
    re_path(rf"^pairings/(?P<pairing_id>{_UUID})/send_reset_link/?$", views.SendResetLinkView.as_view()),
    re_path(rf"^qr/pairings/(?P<pairing_id>{_UUID})/?$", views.PairingQrView.as_view()),
    re_path(r"^authentication_requests/initiate/?$", views.InitiateView.as_view()),
    re_path(
        rf"^authentication_requests/(?P<request_id>{_UUID})/?$",
        views.AuthenticationRequestView.as_view(),
    ),
    re_path(rf"^authentication_requests/(?P<request_id>{_UUID})/otp_auth/?$", views.OtpAuthView.as_view()),
    re_path(rf"^authentication_requests/(?P<request_id>{_UUID})/cancel/?$", views.CancelView.as_view()),
    re_path(r"^authentication_requests/cancel/?$", views.CancelSessionView.as_view()),
    re_path(r"^users/?$", views.UsersView.as_view()),
    re_path(r"^users/create/?$", views.UsersCreateView.as_view()),
    re_path(r"^users/reset/?$", views.UsersResetView.as_view()),
    re_path(r"^users/activate_next_otp_list/?$", views.UsersActivateOtpListView.as_view()),
    re_path(r"^users/switch/?$", views.UsersSwitchView.as_view()),
    re_path(rf"^users/(?P<user_id>{_UUID})/?$", views.UserView.as_view()),
    re_path(rf"^users/(?P<user_id>{_UUID})/pairings/?$", views.UserPairingsView.as_view()),
    re_path(rf"^users/(?P<user_id>{_UUID})/terminals/?$", views.UserTerminalsView.as_view()),
    re_path(rf"^users/(?P<user_id>{_UUID})/automations/?$", views.UserAutomationsView.as_view()),
    re_path(r"^user_terminals/create/?$", views.UserTerminalsCreateView.as_view()),
    re_path(rf"^user_terminals/(?P<terminal_id>{_UUID})/?$", views.UserTerminalView.as_view()),
    re_path(r"", views.NothingView.as_view()),
]
