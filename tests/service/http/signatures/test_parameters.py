"""What was signed is what is read (SECURITY.md S35)."""

from __future__ import annotations

from django_toopher.service.models import User
from tests.tables import table

from ...callers import form
from .acts import assert_refused, created_name


def test_of_a_parameter_given_twice_the_last_value_counts(caller):
    response = caller.send("POST", "users/create", [("name", "first"), ("name", "last")])
    assert created_name(response) == "last"


def test_an_empty_segment_of_the_query_is_no_parameter(caller):
    path, fields = "/toopher/v1/users", {"name": "alice"}
    signed = caller.signed("GET", path, fields, caller.oauth())
    assert caller.raw("GET", path, form([*fields.items(), *signed.items()]) + "&", b"", {}).status_code == 200


def test_a_bare_question_mark_changes_nothing(caller):
    user = caller.post("users/create", name="alice").json()
    path = f"/toopher/v1/users/{user['id']}/pairings"
    header = caller.header(caller.signed("GET", path, {}, caller.oauth()))
    response = caller.client.generic("GET", f"{path}?", secure=True, headers={"Authorization": header})
    assert response.json() == []


def test_S35_a_parameter_added_to_the_body_after_signing_is_refused(caller):
    path, fields = "/toopher/v1/users/create", {"name": "alice"}
    header = {"Authorization": caller.header(caller.signed("POST", path, fields, caller.oauth()))}
    assert_refused(caller.raw("POST", path, "", (form(fields) + "&name=mallory").encode(), header))
    assert not User.objects.exists()


def test_S35_a_query_added_to_a_signed_form_is_not_read(caller):
    """It is not refused, because .NET clients add one (PROTOCOL.md §1.3-1)."""
    path, fields = "/toopher/v1/users/create", {"name": "alice"}
    header = {"Authorization": caller.header(caller.signed("POST", path, fields, caller.oauth()))}
    assert created_name(caller.raw("POST", path, "name=mallory", form(fields).encode(), header)) == "alice"
    assert User.objects.count() == 1


def test_a_body_that_is_no_form_is_not_read(caller):
    path = "/toopher/v1/users/create"
    header = {"Authorization": caller.header(caller.signed("POST", path, {}, caller.oauth()))}
    response = caller.raw("POST", path, "", b'{"name": "mallory"}', header, content_type="application/json")
    assert response.status_code == 400
    assert not User.objects.exists()


def test_names_that_begin_with_oauth_are_no_parameters_of_the_call(caller):
    response = caller.send("POST", "users/create", {"name": "alice"}, oauth_callback="https://mallory.example/")
    assert created_name(response) == "alice"


@table(
    ("body", "name"),
    [
        (b"name=jos%E9", "josé"),
        (b"name=jos%E8", "josè"),
        (b"name=jos%EF%BF%BD", None),  # written as such: nobody's name
    ],
)
def test_S12_what_java_writes_in_latin_1_names_whom_it_means(body, name, caller):
    """It signs what UTF-8 makes of it, in which "josé" and "josè" would be one person (PROTOCOL.md §1.1)."""
    path = "/toopher/v1/users/create"
    signed = caller.signed("POST", path, {"name": "jos\ufffd"}, caller.oauth())
    response = caller.raw("POST", path, "", body, {"Authorization": caller.header(signed)})
    # 400 and not 401: the signature holds
    assert (response.status_code, response.json().get("name")) == ((200, name) if name else (400, None))


@table("query", ["name=jos%E9", "user_name=jos%E9"])
def test_S12_of_an_address_nothing_is_read_again(query, caller):
    name = query.partition("=")[0]
    signed = caller.signed("GET", "/toopher/v1/users", {name: "jos\ufffd"}, caller.oauth())
    response = caller.raw("GET", "/toopher/v1/users", query, b"", {"Authorization": caller.header(signed)})
    assert response.status_code in {400, 200}
    assert response.status_code == 400 or response.json() == []


@table("body", [b"name=jos\xe9", b"name=%zz", b"name=a b", b"\xff\xfe\x00"])
def test_S35_a_body_that_is_not_form_encoded_is_refused(caller, body):
    header = {"Authorization": caller.header(caller.signed("POST", "/toopher/v1/users/create", {}, caller.oauth()))}
    response = caller.raw("POST", "/toopher/v1/users/create", "", body, header)
    assert response.status_code in {400, 401}
    assert not User.objects.exists()
