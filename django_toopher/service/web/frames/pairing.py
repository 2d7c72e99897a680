"""Pairing a phone inside the iframe, by a link that it opens or a phrase that it shows."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ... import limits
from ...errors import NotFoundError
from ...models import Frame, Pairing
from ...phones import pairings
from . import permissions
from .opening import by_id


def begin_pairing(frame: Frame) -> Frame:
    """Wait for a phone to open a pairing link, unless the frame waits for one already."""
    now = timezone.now()
    if frame.pairing and (frame.pairing.is_pending(now) or frame.pairing.is_agreed(now)):
        return frame
    permissions.require_switched_on(frame)
    return _attach(frame, pairings.create(frame.user, **_terms(frame)))


def _terms(frame: Frame) -> pairings.Terms:
    return {"only_first": permissions.pairs_only_first(frame), "site_confirms": permissions.site_confirms(frame)}


def pair_by_phrase(frame: Frame, phrase: str) -> Frame:
    """Wait for the phone that shows ``phrase``; the link that was shown before is void."""
    permissions.require_pairing_due(frame)
    permissions.require_switched_on(frame)
    user = frame.user
    try:
        with limits.phrase_tried(user.requester, user.name, timezone.now()):
            pairing = pairings.create_by_phrase(user, phrase, **_terms(frame))
    except NotFoundError:
        raise NotFoundError(_("No phone shows these words now. Check them, or make new ones on the phone.")) from None
    if frame.pairing:
        pairings.deactivate(frame.pairing)
    return _attach(frame, pairing)


def _attach(frame: Frame, pairing: Pairing) -> Frame:
    if not Frame.objects.filter(pk=frame.pk, pairing=frame.pairing_id).update(pairing=pairing):
        pairings.deactivate(pairing)  # another call of this page was first
    return by_id(frame.pk)
