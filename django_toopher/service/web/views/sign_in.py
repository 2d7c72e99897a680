"""The calls of a login page; those that pair a phone are the management page's, too."""

from __future__ import annotations

from django.http import HttpRequest

from ...models import Frame
from .. import postbacks
from ..frames import pairing, permissions, sign_in
from .calls import REQUESTERS_FAULTS, FrameCallView


class AskView(FrameCallView):
    """Ask the phone, or ask it again."""

    reported = (*postbacks.REPORTED, *REQUESTERS_FAULTS)

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        return sign_in.ask_or_pair(frame)


class EnterCodeView(FrameCallView):
    """The one-time code of the phone, or one from the user's list."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        return sign_in.enter_code(frame, request.POST.get("code", "")[:20])


class ExtendView(FrameCallView):
    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        return sign_in.extend(frame)


class ShowLinkView(FrameCallView):
    """A pairing link: on the management page, or where the one before ran out."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        return sign_in.ask_or_pair(frame) if permissions.is_login(frame) else pairing.begin_pairing(frame)


class EnterPhraseView(FrameCallView):
    """The phrase that the phone shows."""

    def carry_out(self, frame: Frame, request: HttpRequest) -> Frame:
        return pairing.pair_by_phrase(frame, request.POST.get("phrase", "")[:200])
