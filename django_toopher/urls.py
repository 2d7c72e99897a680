"""Mount these where the site's login lives: ``path("accounts/", include("django_toopher.urls"))``."""

from django.urls import path

from . import views
from .models import Attempt

app_name = "django_toopher"
urlpatterns = [
    path("login/", views.LoginView.as_view(), name="login"),
    path("authenticate/", views.AuthenticateView.as_view(), name="authenticate"),
    path("postback/", views.PostbackView.as_view(), name="postback"),
    path("cancel/", views.CancelView.as_view(), name="cancel"),
    path("authenticate/state/", views.NativeStateView.as_view(), name="native-state"),
    path("authenticate/qr/", views.NativeQrView.as_view(), name="native-qr"),
    path("return/", views.ReturnView.as_view(), name="return"),
    path("recover/", views.RecoverView.as_view(), name="recover"),
    path("phones/", views.AccountView.as_view(), name="account"),
    path("phones/postback/", views.AccountPostbackView.as_view(), name="account-postback"),
    path("step-up/", views.StepUpPostbackView.as_view(), name="step-up-postback"),
    path("step-up/<str:ticket>/", views.StepUpView.as_view(), name="step-up"),
    path("step-up/<str:ticket>/status/", views.StepUpStatusView.as_view(), name="step-up-status"),
    path("step-up/<str:ticket>/cancel/", views.StepUpCancelView.as_view(), name="step-up-cancel"),
    path("phones/change/", views.PhonesView.as_view(), name="phones"),
    path("phones/state/", views.NativeStateView.as_view(kind=Attempt.Kind.PAIRING), name="phones-state"),
    path("phones/qr/", views.NativeQrView.as_view(kind=Attempt.Kind.PAIRING), name="phones-qr"),
    path("phones/lost/", views.LostPhoneView.as_view(), name="lost"),
    path("phones/codes/", views.RecoveryCodesView.as_view(), name="recovery-codes"),
    path("phones/computer/", views.ComputerView.as_view(), name="computer"),
    path("phones/sign-out-others/", views.SignOutOthersView.as_view(), name="sign-out-others"),
]
