"""Mount these where the site's login lives: ``path("accounts/", include("django_toopher.urls"))``."""

from django.urls import path

from .account.computers import ComputerView, SignOutOthersView
from .account.lost_views import LostPhoneView, RecoveryCodesView
from .account.phones import AccountPostbackView, PhonesView
from .account.recovery_views import RecoverView
from .account.verified import ConfirmView
from .account.views import AccountView
from .login.framing import ReturnView
from .login.native_views import NativeQrView, NativeStateView
from .login.views import AuthenticateView, CancelView, LoginView, PostbackView
from .models import Attempt
from .step_up.views import StepUpCancelView, StepUpPostbackView, StepUpStatusView, StepUpView

app_name = "django_toopher"
urlpatterns = [
    path("login/", LoginView.as_view(), name="login"),
    path("authenticate/", AuthenticateView.as_view(), name="authenticate"),
    path("postback/", PostbackView.as_view(), name="postback"),
    path("cancel/", CancelView.as_view(), name="cancel"),
    path("authenticate/state/", NativeStateView.as_view(), name="native-state"),
    path("authenticate/qr/", NativeQrView.as_view(), name="native-qr"),
    path("return/", ReturnView.as_view(), name="return"),
    path("recover/", RecoverView.as_view(), name="recover"),
    path("phones/", AccountView.as_view(), name="account"),
    path("phones/postback/", AccountPostbackView.as_view(), name="account-postback"),
    path("step-up/", StepUpPostbackView.as_view(), name="step-up-postback"),
    path("step-up/<str:ticket>/", StepUpView.as_view(), name="step-up"),
    path("step-up/<str:ticket>/status/", StepUpStatusView.as_view(), name="step-up-status"),
    path("step-up/<str:ticket>/cancel/", StepUpCancelView.as_view(), name="step-up-cancel"),
    path("phones/change/", PhonesView.as_view(), name="phones"),
    path("phones/confirm/", ConfirmView.as_view(), name="confirm"),
    path("phones/state/", NativeStateView.as_view(kind=Attempt.Kind.PAIRING), name="phones-state"),
    path("phones/qr/", NativeQrView.as_view(kind=Attempt.Kind.PAIRING), name="phones-qr"),
    path("phones/lost/", LostPhoneView.as_view(), name="lost"),
    path("phones/codes/", RecoveryCodesView.as_view(), name="recovery-codes"),
    path("phones/computer/", ComputerView.as_view(), name="computer"),
    path("phones/sign-out-others/", SignOutOthersView.as_view(), name="sign-out-others"),
]
