"""Nothing that was not signed is read, whoever sends it (SECURITY.md S35)."""

from __future__ import annotations

import pytest

from django_toopher.service.models import User

from ..callers import FORM, form
from ..generations import Sender
from ..sockets import head
from .acts import host, only, post_signed_as, refused, told

pytestmark = [pytest.mark.servers, pytest.mark.slow]


@only("phpref")
def test_S35_a_reset_link_is_made_with_the_question_that_was_signed_or_not_at_all(make_sender, generation):
    sender = make_sender(generation)
    path = "pairings/6f1b7d1c-0c5c-4b5e-9d0e-2f6f0a3c5d11/generate_reset_link"
    for signed, sent in [
        ({"security_question": "", "security_answer": ""}, {"security_question": "Pet?"}),
        ({"security_question": ""}, {"security_question": "Pet?"}),
        ({}, {"security_answer": "Rex"}),
        ({"security_question": "", "security_answer": "", "more": ""}, {}),
    ]:
        assert refused(post_signed_as(sender, path, [*signed.items()], [*sent.items()]))


@only("phpref")
def test_S35_blanks_are_signed_for_a_reset_link_only(make_sender, generation):
    sender = make_sender(generation)
    signed = [("name", "alice"), ("security_question", ""), ("security_answer", "")]
    for path in ("users/create", "pairings/create", "x/generate_reset_link/more"):
        assert refused(post_signed_as(sender, path, signed, [("name", "alice")]))
    assert not User.objects.exists()


@only("net11")
def test_S35_the_query_of_a_form_that_is_signed_alone_is_not_read(make_sender, monkeypatch, generation):
    """On .NET it may differ from the form, for lack of escaping (PROTOCOL.md §1.3-1)."""
    sender = make_sender(generation)
    for query in ("name=mallory", "name=alice&name=mallory", "user_name=%zz&[", "&&", "name", "=", "%00"):
        monkeypatch.setattr(Sender, "doubled", lambda self, fields, query=query: query)
        assert told(sender.post("users/create", [("name", "alice")]))["name"] == "alice"
    assert list(User.objects.values_list("name", flat=True)) == ["alice"]


@only("net11")
def test_S35_without_its_form_a_query_is_not_read_either(make_sender, monkeypatch, generation):
    sender = make_sender(generation)
    monkeypatch.setattr(Sender, "doubled", lambda self, fields: "name=mallory")
    assert sender.post("users/create", []).status == 400
    assert not User.objects.exists()


@only("py110")
def test_S35_a_query_that_was_not_signed_is_refused_beside_any_other_body(make_sender, generation):
    sender = make_sender(generation)
    for content_type in ([], [("Content-Type", "application/json")], [("Content-Type", "text/plain")]):
        header = sender.header(sender.signed("POST", f"{sender.root}/users/create", []))
        headers = [("Host", host(sender)), ("Authorization", header), ("Content-Length", "2"), *content_type]
        assert refused(sender.deliver("POST", head("POST", "/toopher/v1/users/create?name=mallory", headers), b"{}"))


@only("net11")
def test_S35_a_query_that_was_not_signed_is_refused_in_a_get(make_sender, generation):
    sender = make_sender(generation)
    header = sender.header(sender.signed("GET", f"{sender.root}/users", []))
    headers = [("Host", host(sender)), ("Authorization", header)]
    assert refused(sender.deliver("GET", head("GET", "/toopher/v1/users?user_name=alice", headers)))


@only("py110")
def test_S35_a_form_that_was_not_signed_is_refused_beside_a_signed_query(make_sender, generation):
    sender = make_sender(generation)
    query = form(sender.signed("POST", f"{sender.root}/users/create", []))
    headers = [("Host", host(sender)), ("Content-Type", FORM), ("Content-Length", "12")]
    assert refused(sender.deliver("POST", head("POST", f"/toopher/v1/users/create?{query}", headers), b"name=mallory"))
    assert not User.objects.exists()


@only("net11")
def test_S20_a_doubled_form_is_accepted_once_however_it_is_sent_again(make_sender, generation):
    sender = make_sender(generation)
    pieces = sender.request("POST", "users/create", [("name", "alice")])
    assert told(sender.deliver("POST", *pieces))["name"] == "alice"
    assert refused(sender.deliver("POST", *pieces))
    single = (pieces[0].replace(b"?name=alice", b""), *pieces[1:])
    assert single != pieces
    assert refused(sender.deliver("POST", *single))
