"""What is held is what was sent: fuzzed (SECURITY.md S13)."""

from __future__ import annotations

import json
import secrets
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signing import BadSignature
from django.test import RequestFactory
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from hypothesis import given
from hypothesis import strategies as st

from django_toopher.errors import TooLargeRequestError
from django_toopher.step_up.held_request import Held, hold, pack, restore, unpack
from tests.tables import table

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), min_size=1, max_size=12)
forms = st.lists(st.tuples(texts, texts), max_size=8)
uploads = st.builds(
    SimpleUploadedFile,
    names.filter(lambda name: name.strip(". /") and not set("/&") & set(name)),
    st.binary(max_size=300),
    st.sampled_from(["text/plain", "application/pdf", "text/csv; charset=utf-16", "x/y"]),
)


def other_request():
    """The request that brings the confirmation, read already."""
    request = RequestFactory().post("/pay/", {"toopher_held": "x", "granted": "true"})
    assert request.POST["granted"] == "true"
    assert request.headers["Content-Type"].startswith("multipart/form-data")
    return request


def posted(body, content_type):
    return RequestFactory().generic("POST", "/pay/", body, content_type)


def carried(request):
    """``request``'s body on its whole way: held, packed, posted back, put into another request."""
    held, _ = unpack(pack(hold(request)), 60)
    other = other_request()
    restore(other, held)
    return other


def seen(request):
    """All that a view can see of a form."""
    files = {
        name: [
            (each.name, each.size, each.content_type, each.content_type_extra, each.charset, each.read(), type(each))
            for each in several
        ]
        for name, several in request.FILES.lists()
    }
    return [*request.POST.lists()], files


@given(forms)
def test_S13_a_form_is_what_was_sent(form):
    body = urlencode(form).encode()
    sent, again = (posted(body, "application/x-www-form-urlencoded") for _ in "12")
    got = carried(sent)
    assert got.body == body
    assert got.read() == body
    assert got.POST == again.POST
    assert not got.FILES


@given(st.binary(max_size=500), st.sampled_from(["", "text/xml; charset=utf-8", "application/x-www-form-urlencoded"]))
def test_S13_a_body_is_what_was_sent(body, content_type):
    got, again = carried(posted(body, content_type)), posted(body, content_type)
    assert got.body == body
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        assert got.META[name] == again.META.get(name, "")
    assert got.headers.get("Content-Type", "") == again.headers.get("Content-Type", "")
    assert (got.content_type, got.content_params, got.encoding) == (
        again.content_type,
        again.content_params,
        again.encoding,
    )


@given(
    st.dictionaries(
        names, st.one_of(st.lists(texts, max_size=3), st.lists(uploads, min_size=1, max_size=2)), max_size=5
    )
)
def test_S13_a_form_with_files_is_what_was_sent(form):
    def encoded():
        for value in form.values():
            for each in value:
                if not isinstance(each, str):
                    each.seek(0)
        return posted(encode_multipart(BOUNDARY, form), MULTIPART_CONTENT)

    sent, again = encoded(), encoded()
    got = carried(sent)
    assert seen(got) == seen(again)
    assert (got.content_type, got.content_params) == (again.content_type, again.content_params)
    assert seen(sent) == seen(carried(encoded()))  # who holds it can still read it


@given(forms, forms)
def test_S13_different_forms_have_different_texts(one, other):
    first, second = (
        hold(posted(urlencode(form).encode(), "application/x-www-form-urlencoded")) for form in (one, other)
    )
    assert (first.canonical() == second.canonical()) == (urlencode(one) == urlencode(other))


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_S13_fields_can_not_be_shifted_into_each_other(one, other):
    first, second = (Held("multipart/form-data", fields=[[name, [name]] for name in form]) for form in (one, other))
    assert (first.canonical() == second.canonical()) == (one == other)


def test_nothing_is_held_of_a_page():
    assert hold(RequestFactory().get("/pay/?a=1")) == Held()


@given(st.text(max_size=200))
def test_what_was_not_packed_here_is_not_unpacked(text):
    with pytest.raises(BadSignature):
        unpack(text, 60)


@table("position", [0, 5, -60, -5, -1])
def test_an_altered_package_is_not_unpacked(position):
    packed = pack(hold(posted(b"amount=1", "application/x-www-form-urlencoded")), ticket="t")
    altered = bytearray(packed.encode())
    altered[position] ^= 1
    with pytest.raises(BadSignature):
        unpack(altered.decode(), 60)


def test_a_package_is_not_unpacked_too_late():
    packed = pack(Held())
    with pytest.raises(BadSignature):
        unpack(packed, -1)


def test_beside_the_body_a_few_texts_come_back():
    assert unpack(pack(Held(), ticket="t", back="/"), 60) == (Held(), {"ticket": "t", "back": "/"})


def test_a_package_larger_than_a_form_may_be_is_refused(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 30_000
    body = json.dumps([*range(1000)]).encode()
    assert pack(hold(posted(body, "application/json")))
    with pytest.raises(TooLargeRequestError):
        pack(hold(posted(secrets.token_bytes(20_000), "image/png")))


def test_where_forms_have_no_limit_neither_has_a_package(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    assert pack(hold(posted(b"x" * 5_000_000, "text/plain")))
