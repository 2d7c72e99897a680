"""What a verified person does to computers: names one, forgets one, ends what all other sessions have earned."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from .. import connection
from ..client import ToopherApiError
from ..session import state
from . import history
from .verified import VerifiedView


class ComputerView(VerifiedView):
    """Renames or forgets one of the person's computers."""

    http_method_names = ["post"]

    def restricts(self, request: HttpRequest) -> bool:
        """A computer that is forgotten is asked about."""
        return "forget" in request.POST

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Another's computer is not found (SECURITY.md S17)."""
        api, terminal = connection.api(request), request.POST.get("computer", "")
        try:
            if "forget" in request.POST:
                history.forget(request.user, terminal, api)
                messages.success(request, _("The computer is forgotten. It will be asked about like a new one."))
            else:
                history.rename(request.user, terminal, request.POST.get("name", ""), api)
                messages.success(request, _("The computer has its new name."))
        except history.UnknownComputerError:
            messages.error(request, _("This computer is not in your list."))
        except ToopherApiError:
            messages.error(request, _("The service does not answer: nothing was changed. Try again in a minute."))
        return redirect("django_toopher:account")


class SignOutOthersView(VerifiedView):
    """All other sessions of the person are verified no more."""

    http_method_names = ["post"]

    def restricts(self, request: HttpRequest) -> bool:
        """That is all it does."""
        return True

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """They have to confirm with the phone before they see another page.

        Where support intervenes at this moment, this session has to as well: it does not renew what that has ended.
        """
        if self.account.change_as_read():
            state.set_generation(request.session, self.account.generation)
            messages.success(request, _("Everywhere else the phone has to confirm again."))
        return redirect("django_toopher:account")
