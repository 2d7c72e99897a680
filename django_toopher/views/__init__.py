"""The login flow, and the page where people look after their phone."""

from .account import AccountPostbackView, AccountView, ComputerView, PhonesView, SignOutOthersView
from .embedding import EmbeddingView, ReturnView
from .login import AuthenticateView, CancelView, LoginView, PostbackView, ask_second_factor
from .native import NativeQrView, NativeStateView
from .recovery import LostPhoneView, RecoverView, RecoveryCodesView
from .step_up import StepUpCancelView, StepUpPostbackView, StepUpStatusView, StepUpView

__all__ = [
    "AccountPostbackView",
    "AccountView",
    "AuthenticateView",
    "CancelView",
    "ComputerView",
    "EmbeddingView",
    "LoginView",
    "LostPhoneView",
    "NativeQrView",
    "NativeStateView",
    "PhonesView",
    "PostbackView",
    "RecoverView",
    "RecoveryCodesView",
    "ReturnView",
    "SignOutOthersView",
    "StepUpCancelView",
    "StepUpPostbackView",
    "StepUpStatusView",
    "StepUpView",
    "ask_second_factor",
]
