"""What the calls of a requester have in common: they are signed, and only what was signed is read."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from ...errors import NotFoundError, ServiceError
from ...http import signatures
from ...http.calls import CallView, Json, error_body
from ...models import Requester, User
from ...people import users
from ..parameters import Parameters


class SignedView(CallView):
    """A call that only a requester can make. Subclasses return an object or a list to be sent as JSON."""

    requester: Requester
    parameters: Parameters

    def authorize(self, request: HttpRequest) -> None:
        """Verify first; only what was signed is read."""
        signed = signatures.verify(request)
        self.requester, self.parameters = signed.requester, Parameters(signed.parameters)

    def error_body(self, error: ServiceError) -> Json:
        """The two keys that published clients know (PROTOCOL.md §2.5), and no other."""
        return error_body(error)

    def named_user(self) -> User:
        """The user whom ``user_name`` names, made when there is none yet."""
        return users.get_or_create(self.requester, self.parameters.required("user_name"))


class NothingView(SignedView):
    """Any other path: 404 to a requester, 401 to anybody else."""

    def get(self, request: HttpRequest) -> Any:
        raise NotFoundError

    post = put = patch = delete = get
