"""REST: one requester, another (SECURITY.md S21, S32)."""

from __future__ import annotations

import pytest

from django_toopher.service.models import AuthenticationRequest, Pairing, Requester, Terminal, User
from tests.tables import table

from ..callers import Caller
from ..shapes import assert_error
from .calls import CALLS, at


@pytest.fixture
def rivals(pair, api, phone, make_requester):
    """What ``requester`` has, by the kind of id that an endpoint takes; and another requester."""
    pairing = pair(phone)
    asked = api.authenticate("alice", "s1", terminal_name="PC")
    make_requester("other", "other secret")
    ids = {
        "pairings": pairing,
        "qr": api.pair("alice").id,
        "authentication_requests": asked.id,
        "users": asked.user.id,
        "user_terminals": asked.terminal.id,
    }
    return ids, Caller("other", "other secret")


def everything():
    """Every row of what a requester has."""
    models = (Requester, User, Pairing, Terminal, AuthenticationRequest)
    return [[*model.objects.order_by("pk").values()] for model in models]


@table(("method", "endpoint", "fields"), [call for call in CALLS if "{id}" in call[1]], ids=lambda each: str(each)[:40])
def test_S21_what_belongs_to_another_requester_is_not_found(rivals, caller, method, endpoint, fields):
    ids, other = rivals
    path = at(endpoint, ids[endpoint.split("/")[0]])
    before = everything()
    response = other.send(method, path, fields)
    assert_error(response, 404, 404)
    assert everything() == before
    own = caller.send(method, path, fields)  # to its own requester it is there
    if (method, endpoint) == ("POST", "users/{id}/automations"):  # of which there is none to remove
        assert "automatic approval" in own.json()["error_message"]
    else:
        assert own.status_code == 200


def test_S32_the_state_of_a_request_is_told_to_its_requester_only(rivals, caller, client):
    ids, other = rivals
    path = f"authentication_requests/{ids['authentication_requests']}"
    assert caller.get(path).json()["pending"] is True
    assert_error(other.get(path), 404, 404)
    for headers in ({}, {"Authorization": "Frame x"}, {"Authorization": "OAuth "}):
        response = client.get(f"/toopher/v1/{path}", secure=True, headers=headers)
        assert_error(response, 401, 401)
        assert "pending" not in response.json()


@table(
    ("method", "endpoint", "fields"), [call for call in CALLS if "{id}" not in call[1]], ids=lambda each: str(each)[:40]
)
def test_S21_the_same_name_is_another_user_at_another_requester(rivals, method, endpoint, fields):
    ids, other = rivals
    before = [*User.objects.filter(pk=ids["users"]).values()]
    response = other.send(method, endpoint, fields)
    text = response.content.decode()
    assert not any(each in text for each in ids.values())
    assert [*User.objects.filter(pk=ids["users"]).values()] == before
    assert Pairing.objects.get(pk=ids["pairings"]).is_enabled
    assert AuthenticationRequest.objects.get(pk=ids["authentication_requests"]).state == "pending"


def test_S21_another_requesters_pairing_and_user_id_can_not_be_used(rivals, phone):
    ids, other = rivals
    before = everything()
    asked = other.post("authentication_requests/initiate", pairing_id=ids["pairings"], terminal_name="PC")
    assert_error(asked, 404, 404)
    paired = other.post("pairings/create", user_id=ids["users"], user_name="x", pairing_phrase=phone.phrase().phrase)
    assert_error(paired, 404, 404)
    assert everything() == before


def test_S21_a_foreign_signature_over_an_own_key_is_refused(rivals):
    ids, _ = rivals
    assert_error(Caller("key", "other secret").get(f"users/{ids['users']}"), 401, 401)
