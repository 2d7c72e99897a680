"""The authenticator's API (docs/authenticator.rst): verify the message, call one verb, show the result."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from ...addresses import address_of
from .. import limits
from ..codes import totp
from ..errors import BadParameterError, NotFoundError, ServiceError
from ..http.calls import CallView, Json
from ..models import Authenticator, Automation, Pairing
from ..phones import authenticators, pairings, push
from ..requests import answering, automations, waiting
from ..shown import PairingTexts, RequestTexts
from .messages import Message, from_authenticator, from_new_key


class DeviceView(CallView):
    """A call that only an authenticator can make. Subclasses say what they do in ``carry_out``."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> Any:
        """Verify, carry out, and tell the service's clock."""
        authenticator, message = from_authenticator(request)
        return {**self.carry_out(authenticator, message), "now": _now()}

    def error_body(self, error: ServiceError) -> Json:
        """Errors tell the service's clock too."""
        return {**super().error_body(error), "now": _now()}

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """What the call does; the reply's members beside ``now``."""
        raise NotFoundError


class RegisterView(DeviceView):
    """``register``: a key that this service has not seen becomes a phone, and one that it has stays the phone it is."""

    def post(self, request: HttpRequest) -> Any:
        """The id of this key."""
        limits.count_registration(address_of(request), timezone.now())
        key, message = from_new_key(request)
        name = " ".join(message.text("name", most=100).split())
        if not name:
            raise BadParameterError("name is blank.")
        return {"id": str(authenticators.register(key, name).pk), "now": _now()}


class PhraseView(DeviceView):
    """``phrase``: words to type at a site; those before are void."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """The phrase, and when it ends."""
        phrase, expires = authenticators.new_phrase(authenticator, timezone.now())
        return {"phrase": phrase, "expires": int(expires.timestamp())}


class OfferView(DeviceView):
    """``offer``: what a pairing link leads to, before anybody says yes."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """What the link leads to; a pairing that another phone holds already is over for this one."""
        return _offer(pairings.by_link(message.text("link"), timezone.now()))


class PairView(DeviceView):
    """``pair``: the person's yes or no to a pairing."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """The person's yes or no; with a yes, the seed of the one-time code, and whether the site has to confirm."""
        now = timezone.now()
        pairing = self._pairing(authenticator, message)
        allow = message.allows()
        shown = PairingTexts.read(message.text)
        pairing = pairings.answer(pairing, authenticator, allow=allow, shown=shown, now=now)
        reply: Json = {"pairing": str(pairing.pk)}
        if allow:
            reply |= {
                "state": str(pairing.state),
                "secret": pairing.otp_seed,
                "digits": totp.DIGITS,
                "period": totp.PERIOD,
            }
        return reply

    def _pairing(self, authenticator: Authenticator, message: Message) -> Pairing:
        pairing_id = message.uuid("pairing")
        if message.claims.get("link"):
            pairing = pairings.by_link(message.text("link"), timezone.now())
            if pairing.pk != pairing_id or pairing.authenticator_id is not None:
                raise NotFoundError
            return pairing
        return pairings.get_for_authenticator(authenticator, pairing_id)


class PendingView(DeviceView):
    """``pending``: what waits for this person, which the phone polls."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """Requests and pairings, newest first; and the pairings that the site has not confirmed yet."""
        requests, offered, agreed = waiting.for_authenticator(authenticator, timezone.now())
        return {
            "requests": [_request(one) for one in requests],
            "pairings": [_offer(one) for one in offered],
            "agreed": [_offer(one) for one in agreed],
        }


class AnswerView(DeviceView):
    """``answer``: the person's yes or no to a request."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """The state that the request has come to."""
        said = answering.Answer(
            shown=RequestTexts.read(message.text),
            allow=message.allows(),
            number=message.text("number", most=12),
            evidence=message.evidence,
            automate=_terms(message),
        )
        answered = answering.answer(message.uuid("request"), authenticator, said)
        return {"state": str(answered.state)}


class ReportView(DeviceView):
    """``report``: it was not this person who asked."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """Nothing but the clock: a second report is none."""
        shown = RequestTexts.read(message.text)
        answering.report(message.uuid("request"), authenticator, shown, message.evidence)
        return {}


class ExtendView(DeviceView):
    """``extend``: more time for one request."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """When it ends now."""
        request = waiting.extend_at(message.uuid("request"), authenticator)
        return {"expires": int(request.expires.timestamp())}


class PairingsView(DeviceView):
    """``pairings``: the accounts on this phone."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """Those that are paired, newest first."""
        rows = authenticator.pairings.enabled().select_related("user__requester")
        return {"pairings": [_account(row) for row in rows]}


class RemoveView(DeviceView):
    """``remove``: one account less on this phone."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """Removes one account from this phone; one that is gone already is left as it is."""
        pairings.deactivate(pairings.get_for_authenticator(authenticator, message.uuid("pairing")))
        return {}


class AutomationsView(DeviceView):
    """``automations``: what is answered without asking this phone's people."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """Newest first, those that were made on other phones included."""
        rows = automations.of_authenticator(authenticator, timezone.now())
        return {"automations": [_automation(row) for row in rows]}


class AutomationRemoveView(DeviceView):
    """``automation-remove``: the phone is asked again."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """Nothing; ``not_found`` for another person's."""
        listed = automations.of_authenticator(authenticator, timezone.now())
        automations.remove(listed, message.uuid("automation"))
        return {}


class PushView(DeviceView):
    """``push``: where the phone can be woken up."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """Nothing; there from now on, instead of where it was before."""
        endpoint, p256dh, auth, key = (
            message.text(name, most=push.LONGEST_ENDPOINT) for name in ("endpoint", "p256dh", "auth", "key")
        )
        # `aud` is this service's address as the phone sees it, and was verified
        push.subscribe(authenticator, message.claims["aud"], endpoint, p256dh, auth, key)
        return {}


class PushRemoveView(DeviceView):
    """``push-remove``: nowhere any more."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """Nothing; it polls while its page is open."""
        push.unsubscribe(authenticator)
        return {}


def _now() -> int:
    return int(timezone.now().timestamp())


def _offer(pairing: Pairing | waiting.WaitingPairing) -> Json:
    return {
        "id": str(pairing.id),
        **asdict(pairing.texts),
        "expires": int(pairing.expires.timestamp()),
    }


def _request(request: waiting.WaitingRequest) -> Json:
    return {
        "id": str(request.id),
        **asdict(request.texts),
        "created": int(request.created.timestamp()),
        "expires": int(request.expires.timestamp()),
        "latest": int(request.latest.timestamp()),
        "number_length": request.number_length,
        "automate": request.automate,
    }


def _terms(message: Message) -> automations.Terms | None:
    """The claim ``automate``, if there is one."""
    given = message.claims.get("automate")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise BadParameterError("automate must be an object.")
    seconds, network = given.get("seconds"), given.get("network", False)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not isinstance(network, bool):
        raise BadParameterError("automate.seconds must be whole seconds, automate.network true or false.")
    return automations.Terms(seconds, network)


def _automation(automation: Automation) -> Json:
    return {
        "id": str(automation.pk),
        "requester": automation.user.requester.name,
        "user": automation.user.name,
        "action": automation.action.name,
        "terminal": automation.terminal.name,
        "answer": str(automation.answer),
        "network": automation.network,
        "created": int(automation.created.timestamp()),
        "expires": int(automation.expires.timestamp()),
        "last_used": int(automation.last_used.timestamp()) if automation.last_used else None,
    }


def _account(pairing: Pairing) -> Json:
    return {
        "id": str(pairing.pk),
        **asdict(pairing.texts),
        "created": int((pairing.answered or pairing.created).timestamp()),
        "last_used": int(pairing.last_used.timestamp()) if pairing.last_used else None,
    }
