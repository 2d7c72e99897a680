"""What a second factor can come to in place of a yes. Every error of the app is in this tree::

    SecondFactorError                 it did not succeed
    ├── ServiceDownError              the service can't be asked (503)
    ├── NothingPendingError           nobody was asked here, or long ago
    ├── ExpiredAttemptError           too late, or a second time
    ├── NotApprovedError              the person said no
    ├── InvalidPostbackError          what came back is not the service's answer to this
    ├── ChangedUserError              the account is not as it was at the password
    ├── ChangedRequestError           step-up: the request is not the one that was approved
    ├── OptedOutError                 the service says: switched off
    ├── PhoneRemovedError             the service says: no phone
    ├── LastPhoneError                this phone has to stay, as long as there is no other
    ├── ImpersonatingError            it is not their own second factor
    ├── ActingUnverifiedError         whom they act as has a second factor, and they have passed none
    ├── UnusableActionError           step-up: these words can't be shown (400)
    ├── TooLargeRequestError          step-up: the request can't be held (413)
    ├── NotAnsweredYetError           the phone may still say yes
    ├── UnknownPhraseError            no phone shows these words; others may be typed
    ├── WrongCodeError                the attempt still waits
    ├── WrongPasswordError            another password may be typed
    └── TooManyError                  too often: wait (429)
        ├── TooManyCodesError
        ├── TooManyPasswordsError
        └── TooManyRequestsError      the phone was asked too often

``reason`` is the slug that the attempt records and that ``login.error_texts`` explains, ``status`` the HTTP reply's.
``policy.PolicyError`` is none of these: it is a fault of the site's own code. ``support.verbs.SkippedError`` says that
there was nothing to do. The client's errors are ``client.exceptions``.
"""

from __future__ import annotations


class SecondFactorError(Exception):
    """A second factor that did not succeed."""

    reason = "failed"
    status = 403


class ServiceDownError(SecondFactorError):
    """The service can't be reached, or does not answer as it should.

    One that answers, whatever it says (that it does not know us, garbage), is no reason to let people in:
    ``may_fail_open`` is False. Where it is True, ``login.outage`` asks once more.
    """

    reason = "service_down"
    status = 503

    def __init__(self, *, may_fail_open: bool) -> None:
        self.may_fail_open = may_fail_open
        super().__init__()


class NothingPendingError(SecondFactorError):
    """Nobody in this session was asked for a second factor, or that was long ago."""

    reason = "nothing_pending"


class ExpiredAttemptError(SecondFactorError):
    """The approval came too late, or a second time."""

    reason = "expired"


class NotApprovedError(SecondFactorError):
    """The person said no, or could not answer."""

    reason = "denied"


class InvalidPostbackError(SecondFactorError):
    """The postback's signature, token, age or kind does not hold."""

    reason = "invalid_postback"


class ChangedUserError(SecondFactorError):
    """Between password and approval the user was deactivated, renamed, disabled or reset, or changed the password."""

    reason = "user_changed"


class ChangedRequestError(SecondFactorError):
    """What is to be carried out is not what was approved."""

    reason = "request_changed"


class OptedOutError(SecondFactorError):
    """The service says that the user's second factor is switched off."""

    reason = "disabled"


class PhoneRemovedError(SecondFactorError):
    """The service says that no phone is paired (any more), where pairing one on the way was not allowed."""

    reason = "phone_removed"


class LastPhoneError(SecondFactorError):
    """The policy demands a phone, and this is the only one."""

    reason = "last_phone"


class ImpersonatingError(SecondFactorError):
    """Whoever sits there acts as somebody else, whose second factor is not theirs to change."""

    reason = "impersonating"


class ActingUnverifiedError(SecondFactorError):
    """Whoever acts as somebody for whom a second factor is due has passed none, and has none to be asked for."""

    reason = "acting_unverified"


class UnusableActionError(SecondFactorError):
    """The words to confirm are empty or too long, or have characters that would not be shown as they are."""

    reason = "unusable_action"
    status = 400


class TooLargeRequestError(SecondFactorError):
    """The request does not fit into the page that has to hold it until it is approved."""

    reason = "too_large"
    status = 413


class NotAnsweredYetError(SecondFactorError):
    """The phone has not answered yet, or was looked at too often to know."""

    reason = "waiting"


class UnknownPhraseError(SecondFactorError):
    """No phone shows these words. No attempt ends by it."""


class WrongCodeError(SecondFactorError):
    """A code that is not right, or was used before."""

    reason = "wrong_code"


class WrongPasswordError(SecondFactorError):
    """The password does not confirm it."""

    reason = "wrong_password"


class TooManyError(SecondFactorError):
    """Nothing is looked at for ``seconds``; 0 where nobody has said how long."""

    status = 429

    def __init__(self, seconds: int = 0) -> None:
        self.seconds = seconds
        super().__init__()


class TooManyCodesError(TooManyError):
    """Too many wrong codes."""

    reason = "too_many_codes"


class TooManyPasswordsError(TooManyError):
    """Too many wrong passwords."""

    reason = "too_many_passwords"


class TooManyRequestsError(TooManyError):
    """The phone was asked too often."""

    reason = "too_many_questions"
