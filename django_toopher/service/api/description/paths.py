"""Every path of the API, with its operations."""

from __future__ import annotations

from .operations import get, post
from .schemas import FLAG, ID, TEXT, Json, array, ref

_PAIRING, _REQUEST, _USER, _TERMINAL, _AUTOMATION, _WAIT = (
    ref(name) for name in ("Pairing", "AuthenticationRequest", "User", "UserTerminal", "Automation", "Wait")
)
_NOTHING = ref("Nothing")

_PAIRINGS: Json = {
    "/pairings/create": {
        "post": post(
            "Pair by the phrase that a phone shows.",
            _PAIRING,
            pairing_phrase=TEXT,
            pairing_token=TEXT,
            user_name=TEXT,
            user_id=ID,
            only_first=FLAG,
            site_confirms=FLAG,
        )
    },
    "/pairings/create/sms": {
        "post": post(
            "Pair by a link in a text message.",
            _PAIRING,
            ("phone_number", "user_name"),
            phone_number=TEXT,
            phone_country=TEXT,
            country_code=TEXT,
            user_name=TEXT,
        )
    },
    "/pairings/create/qr": {
        "post": post(
            "Pair by a QR code.", _PAIRING, ("user_name",), user_name=TEXT, only_first=FLAG, site_confirms=FLAG
        )
    },
    "/pairings/{pairing_id}": {
        "get": get("See a pairing.", _PAIRING),
        "post": post(
            "Deactivate it, confirm it, or name its phone.",
            _PAIRING,
            deactivated=FLAG,
            unless_last=FLAG,
            confirmed=FLAG,
            alone=FLAG,
            name=TEXT,
        ),
    },
    "/pairings/{pairing_id}/generate_reset_link": {
        "post": post(
            "A link by which a person who lost the phone removes the pairing.",
            ref("Link"),
            security_question=TEXT,
            security_answer=TEXT,
        )
    },
    "/pairings/{pairing_id}/send_reset_link": {
        "post": post("Mail such a link.", _NOTHING, ("reset_email",), reset_email=TEXT)
    },
    "/qr/pairings/{pairing_id}": {"get": get("The pairing link as a picture.", {}, media_type="image/png")},
}

_AUTHENTICATION_REQUESTS: Json = {
    "/authentication_requests/initiate": {
        "post": post(
            "Ask the phone.",
            _REQUEST,
            pairing_id=ID,
            user_name=TEXT,
            terminal_name=TEXT,
            terminal_name_extra=TEXT,
            requester_specified_terminal_id=TEXT,
            terminal_id=TEXT,
            action_name=TEXT,
            action=TEXT,
            automation_allowed=FLAG,
            challenge_required=FLAG,
            address=TEXT,
            silently=FLAG,
            shows_number=FLAG,
            withheld=TEXT,
            otp=TEXT,
            format={"type": "string", "enum": ["json"]},
        )
    },
    "/authentication_requests/{request_id}": {"get": get("Poll.", _REQUEST)},
    "/authentication_requests/{request_id}/otp_auth": {
        "post": post("Answer with a one-time code.", _REQUEST, ("otp",), otp=TEXT)
    },
    "/authentication_requests/{request_id}/cancel": {"post": post("Take the question back.", _REQUEST)},
    "/authentication_requests/cancel": {
        "post": post(
            "Take back what the iframe pages of one session token have asked.",
            ref("Cancelled"),
            ("session_token",),
            session_token=TEXT,
        )
    },
}

_USERS: Json = {
    "/users": {"get": get("Find a user by exact name.", array(_USER), user_name=TEXT, name=TEXT)},
    "/users/create": {"post": post("Make a user known.", _USER, ("name",), name=TEXT)},
    "/users/reset": {"post": post("Remove a user's phones.", _NOTHING, name=TEXT, user_name=TEXT)},
    "/users/activate_next_otp_list": {
        "post": post(
            "A fresh list of one-time codes.",
            ref("CodeList"),
            ("user_name",),
            create_user_if_needed=FLAG,
            user_name=TEXT,
        )
    },
    "/users/switch": {
        "post": post(
            "Switch the second factor of up to 100 users on or off, whose ids stand apart by commas.",
            array(_USER),
            ("user_ids", "disable_toopher_auth"),
            user_ids=TEXT,
            disable_toopher_auth=FLAG,
        )
    },
    "/users/{user_id}": {
        "get": get("See a user.", _USER),
        "post": post(
            "Switch the second factor on or off.",
            _USER,
            disable_toopher_auth=FLAG,
            toopher_authentication_enabled=FLAG,
        ),
    },
    "/users/{user_id}/pairings": {"get": get("A user's pairings.", array(_PAIRING), deactivated=FLAG)},
    "/users/{user_id}/terminals": {"get": get("A user's terminals.", array(_TERMINAL))},
    "/users/{user_id}/automations": {
        "get": get("A user's standing answers.", array(_AUTOMATION)),
        "post": post("Remove one.", array(_AUTOMATION), ("remove",), remove=ID),
    },
    "/users/{user_id}/waits": {
        "get": get("What counts against a user, and until when they wait.", array(_WAIT)),
        "post": post("Have all of it forgotten.", array(_WAIT), ("lift",), lift=FLAG),
    },
}

_TERMINAL_FORM: Json = {"name": TEXT, "name_extra": TEXT, "terminal_name": TEXT, "requester_specified_id": TEXT}

_USER_TERMINALS: Json = {
    "/user_terminals/create": {
        "post": post("Name a terminal.", _TERMINAL, ("user_name",), **{"user_name": TEXT, **_TERMINAL_FORM})
    },
    "/user_terminals/{terminal_id}": {
        "get": get("See a terminal.", _TERMINAL),
        "post": post("Change it.", _TERMINAL, **_TERMINAL_FORM),
    },
}

PATHS: Json = {
    "/": {"get": {**get("What stands here.", ref("Service")), "security": []}},
    **_PAIRINGS,
    **_AUTHENTICATION_REQUESTS,
    **_USERS,
    **_USER_TERMINALS,
}
