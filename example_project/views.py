"""The club's pages."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.views.generic import FormView, TemplateView

from django_toopher.mixins import SecondFactorRequiredMixin

from .demo import PEOPLE
from .forms import PaymentForm


class HomeView(TemplateView):
    """The front page; in the demo it says what to do and whom to log in as."""

    template_name = "example/home.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The demo's people, where there is a demo."""
        return super().get_context_data(people=PEOPLE if settings.DEBUG else (), **kwargs)


class MembersView(LoginRequiredMixin, TemplateView):
    """For members only."""

    template_name = "example/members.html"


class PaymentView(LoginRequiredMixin, SecondFactorRequiredMixin, FormView):
    """Pays out of the club's purse, once the very payment was confirmed on the phone."""

    template_name = "example/payment.html"
    form_class = PaymentForm
    success_url = reverse_lazy("payment")
    second_factor_safe_methods = False  # the form itself is shown to every member

    def second_factor_unless(self, request: HttpRequest) -> bool:
        """A form with mistakes is shown again, without asking."""
        return not self.get_form().is_valid()

    def second_factor_action(self, request: HttpRequest) -> str:
        """What the phone shows: the payment in words."""
        return self.get_form().in_words()

    def form_valid(self, form: PaymentForm) -> HttpResponse:
        """The demo's purse is an empty one: it only says so."""
        messages.success(self.request, f"Done: {form.in_words()}.")
        return super().form_valid(form)
