"""What a site's own views and templates can ask: is this session verified."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from copy import deepcopy

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.template import engines

import django_toopher
from django_toopher import context_processors
from django_toopher.session import state

from .acts import ACCOUNT

TEMPLATES = {
    "filter": "{% load toopher %}{{ request|is_verified }}",
    "tag": "{% load toopher %}{% second_factor as second_factor %}{{ second_factor.verified }}",
}


@pytest.fixture
def make_request(rf, alice, client):
    """Requests of a session that alice is logged in to by the password alone, or with her second factor."""

    def make(*, verified: bool = False) -> HttpRequest:
        request = rf.get("/")
        client.force_login(alice)
        request.session, request.user = client.session, alice
        if verified:
            state.set_verified(request.session, 0)
            state.set_generation(request.session, 0)
        request.session.get("anything")  # now it is read
        return request

    return make


@pytest.mark.parametrize("verified", [True, False])
def test_is_verified_says_whether_a_second_factor_was_passed(verified, make_request, django_assert_num_queries):
    request = make_request(verified=verified)
    with django_assert_num_queries(0):
        assert django_toopher.is_verified(request) is verified


@pytest.mark.parametrize("source", TEMPLATES.values(), ids=TEMPLATES)
@pytest.mark.parametrize("verified", [True, False])
def test_templates_can_ask_as_well(source, verified, make_request):
    request = make_request(verified=verified)
    assert engines["django"].from_string(source).render({}, request) == str(verified)


def test_the_context_processor_gives_pages_the_state_of_a_real_login(account, computer, phone, settings):
    settings.TEMPLATES = deepcopy(settings.TEMPLATES)
    settings.TEMPLATES[0]["OPTIONS"]["context_processors"].append("django_toopher.context_processors.second_factor")
    computer.log_in(phone)
    response = computer.get(ACCOUNT)
    assert response.context["second_factor"].verified
    assert response.context["second_factor"].paired
    assert response.context["second_factor"].account_url == ACCOUNT


def test_the_context_processor_costs_no_query_and_no_session_until_it_is_used(db, rf, django_assert_num_queries):
    with django_assert_num_queries(0):
        context_processors.second_factor(rf.get("/"))  # no session, no user


@pytest.mark.parametrize("user", [None, AnonymousUser()])
def test_nobody_is_not_verified(user, rf):
    request = rf.get("/")
    if user is not None:
        request.user = user
    assert not django_toopher.is_verified(request)
    assert not context_processors.second_factor(request)["second_factor"].paired


def test_a_template_without_a_request_gets_no(db):
    assert engines["django"].from_string("{% load toopher %}{{ request|is_verified }}").render({}) == "False"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verified", [True, False])
def test_asynchronous_views_can_ask(verified, make_request):
    request = make_request(verified=verified)
    assert asyncio.run(django_toopher.ais_verified(request)) is verified


def test_the_package_can_be_imported_before_django_is_set_up():
    code = "import sys, django_toopher; assert 'django' not in sys.modules, sorted(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
