"""What a session earned is compared with the account now and then, and costs nothing in between."""

from __future__ import annotations

import pytest

from django_toopher.models import ToopherAccount
from django_toopher.session import generation
from django_toopher.session.state import GENERATION
from tests.tables import table

from ..acts import Statements
from .page import an_hour_passes

pytestmark = pytest.mark.urls("tests.app.urls")


def test_in_between_a_page_costs_nothing(verified):
    with Statements() as statements:
        assert verified.is_logged_in()
    assert not [query for query in statements.queries if "toopher" in query.partition(" WHERE ")[0]]
    an_hour_passes(verified)
    with Statements() as statements:
        assert verified.is_logged_in()
    assert len([query for query in statements.queries if 'FROM "django_toopher' in query.replace("`", '"')]) == 1


@table("strange", [None, 7, [], [0], ["0", "0"], [None, None]], ids=repr)
def test_a_generation_that_can_not_be_read_is_made_anew(strange, verified):
    kept = verified.client.session
    kept[GENERATION] = strange
    kept.save()
    assert verified.is_logged_in()
    assert verified.client.session[GENERATION][0] == ToopherAccount.objects.get().generation


def test_what_no_account_has_changed_holds(alice):
    assert generation.of_user(alice) == 0
