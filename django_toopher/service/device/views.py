"""The authenticator's API (docs/authenticator.rst): verify the message, call one verb, show the result."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from .. import limits
from ..codes import totp
from ..errors import BadParameterError, NotFoundError, ServiceError
from ..http.addresses import address_of
from ..http.calls import CallView
from ..models import Authenticator, Automation, Pairing
from ..phones import authenticators, pairings, push
from ..requests import asking, automations
from .messages import Message, from_authenticator, from_new_key

Json = dict[str, Any]


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
    """``register``."""

    def post(self, request: HttpRequest) -> Any:
        """The id of this key."""
        limits.count_registration(address_of(request), timezone.now())
        key, message = from_new_key(request)
        name = " ".join(message.text("name", most=100).split())
        if not name:
            raise BadParameterError("name is blank.")
        return {"id": str(authenticators.register(key, name).pk), "now": _now()}


class PhraseView(DeviceView):
    """``phrase``."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """A fresh phrase."""
        phrase, expires = authenticators.new_phrase(authenticator, timezone.now())
        return {"phrase": phrase, "expires": int(expires.timestamp())}


class OfferView(DeviceView):
    """``offer``."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """What the link leads to; a pairing that another phone holds already is over for this one."""
        return _offer(pairings.by_link(message.text("link"), timezone.now()))


class PairView(DeviceView):
    """``pair``."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """The person's yes or no; with a yes, the seed of the one-time code."""
        now = timezone.now()
        pairing = self._pairing(authenticator, message)
        allow = message.allows()
        shown = (message.text("requester"), message.text("user"))
        pairing = pairings.answer(pairing, authenticator, allow=allow, shown=shown, now=now)
        reply: Json = {"pairing": str(pairing.pk)}
        if allow:
            reply |= {
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
    """``pending``."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """What waits for this person."""
        questions, offers = asking.waiting_for(authenticator, timezone.now())
        return {
            "requests": [_question(one) for one in questions],
            "pairings": [_waiting_pairing(one) for one in offers],
        }


class AnswerView(DeviceView):
    """``answer``."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """The person's answer to one request."""
        said = asking.Answer(
            requester=message.text("requester"),
            user=message.text("user"),
            action=message.text("action"),
            terminal=message.text("terminal"),
            address=message.text("address"),
            allow=message.allows(),
            number=message.text("number", most=12),
            evidence=message.evidence,
            automate=_wish(message),
        )
        answered = asking.answer(message.uuid("request"), authenticator, said)
        return {"state": str(answered.state)}


class ReportView(DeviceView):
    """``report``."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """It was not this person who asked."""
        shown = (
            message.text("requester"),
            message.text("user"),
            message.text("action"),
            message.text("terminal"),
            message.text("address"),
        )
        asking.report(message.uuid("request"), authenticator, shown, message.evidence)
        return {}


class ExtendView(DeviceView):
    """``extend``."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """More time for one request."""
        request = asking.extend_by(message.uuid("request"), authenticator)
        return {"expires": int(request.expires.timestamp())}


class PairingsView(DeviceView):
    """``pairings``."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """The accounts on this phone."""
        rows = authenticator.pairings.enabled().select_related("user__requester")
        return {"pairings": [_account(row) for row in rows]}


class RemoveView(DeviceView):
    """``remove``."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """Removes one account from this phone; one that is gone already is left as it is."""
        pairings.deactivate(pairings.get_for_authenticator(authenticator, message.uuid("pairing")))
        return {}


class AutomationsView(DeviceView):
    """``automations``."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """The standing answers of this phone's people."""
        rows = automations.of_authenticator(authenticator, timezone.now())
        return {"automations": [_automation(row) for row in rows]}


class AutomationRemoveView(DeviceView):
    """``automation-remove``."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """The phone is asked again."""
        listed = automations.of_authenticator(authenticator, timezone.now())
        automations.remove(listed, message.uuid("automation"))
        return {}


class PushView(DeviceView):
    """``push``."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """Where the phone can be woken up."""
        endpoint, p256dh, auth, key = (
            message.text(name, most=push.LONGEST_ENDPOINT) for name in ("endpoint", "p256dh", "auth", "key")
        )
        push.subscribe(authenticator, message.claims["aud"], endpoint, p256dh, auth, key)
        return {}


class PushRemoveView(DeviceView):
    """``push-remove``."""

    def carry_out(self, authenticator: Authenticator, message: Message) -> Json:
        """It is woken up no more."""
        push.unsubscribe(authenticator)
        return {}


def _now() -> int:
    return int(timezone.now().timestamp())


def _offer(pairing: Pairing) -> Json:
    return {
        "id": str(pairing.pk),
        "requester": pairing.user.requester.name,
        "user": pairing.user.name,
        "expires": int(pairing.expires.timestamp()),
    }


def _waiting_pairing(offer: asking.Offer) -> Json:
    return {
        "id": str(offer.id),
        "requester": offer.requester,
        "user": offer.user,
        "expires": int(offer.expires.timestamp()),
    }


def _question(question: asking.Question) -> Json:
    return {
        "id": str(question.id),
        "requester": question.requester,
        "user": question.user,
        "action": question.action,
        "terminal": question.terminal,
        "address": question.address,
        "created": int(question.created.timestamp()),
        "expires": int(question.expires.timestamp()),
        "latest": int(question.latest.timestamp()),
        "number_length": question.number_length,
        "automate": question.automate,
    }


def _wish(message: Message) -> automations.Wish | None:
    """The claim ``automate``, if there is one."""
    wish = message.claims.get("automate")
    if wish is None:
        return None
    if not isinstance(wish, dict):
        raise BadParameterError("automate must be an object.")
    seconds, network = wish.get("seconds"), wish.get("network", False)
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not isinstance(network, bool):
        raise BadParameterError("automate.seconds must be whole seconds, automate.network true or false.")
    return automations.Wish(seconds, network)


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
        "requester": pairing.user.requester.name,
        "user": pairing.user.name,
        "created": int((pairing.answered or pairing.created).timestamp()),
        "last_used": int(pairing.last_used.timestamp()) if pairing.last_used else None,
    }
