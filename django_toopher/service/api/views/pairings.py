"""``pairings``: a user's phone, from the phrase or link to the removal."""

from __future__ import annotations

import io
from functools import partial
from uuid import UUID

import segno
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ... import limits, sms
from ...errors import NotAllowedError, NotFoundError
from ...http.calls import Json
from ...http.links import pairing_link, reset_link
from ...people import users
from ...phones import pairings, reset_links
from ...sms.numbers import NORTH_AMERICA, normalized
from .. import representations
from ..parameters import Parameters
from .signed import SignedView


class CreateByPhraseView(SignedView):
    """Row 1: pair by the phrase that a phone shows. ``user_id`` beside ``user_name`` renames that user.

    Our own ``only_first=True`` is for a site that knows no more than a password: void once the user has a phone. With
    ``site_confirms=True`` the phone's yes enables nothing before the site has confirmed it (row 5).
    """

    def post(self, request: HttpRequest) -> Json:
        given = self.parameters
        phrase = given.required("pairing_phrase", "pairing_token")
        name, user_id = given.text("user_name"), given.uuid("user_id")
        terms = _terms(given)
        # by what was sent: the user may not be there yet, and a wrong phrase makes nobody
        counted = name or str(user_id or "")
        with limits.phrase_tried(self.requester, counted, timezone.now()):
            pairings.require_phrase(phrase)  # an unknown one makes or renames nobody
            user = users.identify(self.requester, name, user_id)
            pairing = pairings.create_by_phrase(user, phrase, **terms)
        return representations.pairing(pairing)


class CreateByQrView(SignedView):
    """Row 3: pair by a link, shown as a QR code; ``only_first`` and ``site_confirms`` as in row 1."""

    def post(self, request: HttpRequest) -> Json:
        terms = _terms(self.parameters)
        return representations.pairing(pairings.create(self.named_user(), **terms))


def _terms(given: Parameters) -> pairings.Terms:
    return {"only_first": given.boolean("only_first", False), "site_confirms": given.boolean("site_confirms", False)}


class CreateBySmsView(SignedView):
    """Row 2: pair by a link, sent to a phone."""

    def post(self, request: HttpRequest) -> Json:
        given = self.parameters
        if not self.requester.permitted_sms_authentication:
            raise NotAllowedError("This site may not pair by text message.")
        sms.require_available()
        country = given.text("phone_country", "country_code") or NORTH_AMERICA
        number = normalized(given.required("phone_number"), country)
        # the user last: what is refused above makes nobody
        pairing = pairings.create_by_sms(self.named_user(), number, partial(pairing_link, request))
        return representations.pairing(pairing)


class PairingView(SignedView):
    """Rows 4 and 5: see a pairing, deactivate it; and, our own, confirm it, give the phone another name."""

    def get(self, request: HttpRequest, pairing_id: UUID) -> Json:
        return representations.pairing(pairings.get_by_id(self.requester, pairing_id))

    def post(self, request: HttpRequest, pairing_id: UUID) -> Json:
        """The pairing; ``deactivated=True`` removes it, ``False`` never brings one back.

        ``unless_last=True`` beside it keeps the user's only phone. ``confirmed=True`` enables one that its phone has
        agreed to, with ``alone=True`` in place of all others.
        """
        pairing, given = pairings.get_by_id(self.requester, pairing_id), self.parameters
        # all read before anything is done: a flag that can't be read changes nothing (S35)
        name, flags = given.text("name"), ("deactivated", "unless_last", "confirmed", "alone")
        deactivated, unless_last, confirmed, alone = (given.boolean(flag, False) for flag in flags)
        if name:
            pairings.rename(pairing, name)
        if confirmed:
            pairings.confirm(pairing, timezone.now(), alone=alone)
        if deactivated:
            pairings.deactivate(pairing, unless_last=unless_last)
        return representations.pairing(pairing)


class QrCodeView(SignedView):
    """Row 9: the link of a pending pairing as a picture."""

    def get(self, request: HttpRequest, pairing_id: UUID) -> HttpResponse:
        pairing = pairings.get_by_id(self.requester, pairing_id)
        if not pairing.is_pending(timezone.now()):
            raise NotFoundError("This pairing has no QR code any more.")
        png = io.BytesIO()
        segno.make(pairing_link(request, pairing), error="m").save(png, kind="png", scale=6, border=4)
        return HttpResponse(png.getvalue(), content_type="image/png")


class GenerateResetLinkView(SignedView):
    """Row 6: a link by which a person who lost the phone removes it."""

    def post(self, request: HttpRequest, pairing_id: UUID) -> Json:
        pairing = pairings.get_by_id(self.requester, pairing_id)
        question, answer = self.parameters.text("security_question"), self.parameters.text("security_answer")
        return {"url": reset_link(request, pairing, reset_links.create(pairing, question, answer))}


class SendResetLinkView(SignedView):
    """Row 7: the same by mail."""

    def post(self, request: HttpRequest, pairing_id: UUID) -> Json:
        """An empty object, once the mail server has the mail."""
        pairing = pairings.get_by_id(self.requester, pairing_id)
        reset_links.send(pairing, self.parameters.required("reset_email"), partial(reset_link, request, pairing))
        return {}
