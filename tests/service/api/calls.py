"""Every endpoint of the API, with parameters that it takes: what holds at all of them is tried at all of them."""

from __future__ import annotations

from tests.tables import table

from ..shapes import NOBODY

POSTS = {
    "pairings/create": {"user_name": "alice", "pairing_phrase": "a b c d"},
    "pairings/create/qr": {"user_name": "alice"},
    "pairings/create/sms": {"user_name": "alice", "phone_number": "555-555-5555"},
    "pairings/{id}": {"deactivated": "True"},
    "pairings/{id}/generate_reset_link": {"security_question": "Pet?", "security_answer": "Rex"},
    "pairings/{id}/send_reset_link": {"reset_email": "alice@example.com"},
    "authentication_requests/initiate": {"user_name": "alice", "terminal_name": "PC", "terminal_name_extra": "s1"},
    "authentication_requests/{id}/otp_auth": {"otp": "123456"},
    "authentication_requests/{id}/cancel": {},
    "authentication_requests/cancel": {"session_token": "token"},
    "users/create": {"name": "alice"},
    "users/reset": {"name": "alice"},
    "users/activate_next_otp_list": {"user_name": "alice"},
    "users/switch": {"user_ids": NOBODY, "disable_toopher_auth": "True"},
    "users/{id}": {"disable_toopher_auth": "True"},
    "users/{id}/automations": {"remove": NOBODY},
    "users/{id}/waits": {"lift": "True"},
    "user_terminals/create": {"user_name": "alice", "name": "PC", "name_extra": "s1"},
    "user_terminals/{id}": {"name": "Laptop", "name_extra": "00000000"},
}
GETS = {
    "pairings/{id}": {},
    "qr/pairings/{id}": {},
    "authentication_requests/{id}": {},
    "users": {"name": "alice"},
    "users/{id}": {},
    "users/{id}/pairings": {},
    "users/{id}/terminals": {},
    "users/{id}/automations": {},
    "users/{id}/waits": {},
    "user_terminals/{id}": {},
}
CALLS = [*[("POST", *call) for call in POSTS.items()], *[("GET", *call) for call in GETS.items()]]
every_call = table(("method", "endpoint", "fields"), CALLS, ids=lambda each: str(each)[:40])


def at(endpoint, row_id=NOBODY):
    return endpoint.replace("{id}", str(row_id))
