"""What the iframe page says of a report."""

from __future__ import annotations

from tests.drivers import Computer, Frame

TERMINAL = {"terminal_name": "PC", "requester_specified_terminal_id": "secret-1"}


def test_the_page_is_told_that_it_was_reported(iframe, paired):
    page = Frame.at(Computer(), iframe.get_auth_iframe_url("alice", "", "token", **TERMINAL))
    paired.report(page.question(paired))
    state = page.poll()
    assert (state["state"], state["granted"], state["reported"]) == ("finished", False, True)
    postback = iframe.validate_postback(state["postback"], "token")
    assert (postback["granted"], postback["pending"], postback["reason_code"]) == ("false", "false", "104")


def test_a_page_that_asks_while_blocked_is_told_to_wait(iframe, paired, question):
    paired.report(question)
    page = Frame.at(Computer(), iframe.get_auth_iframe_url("alice", "", "token", **TERMINAL))
    assert (page.state["error_code"], page.state["reason"]) == (429, "too_many")
    assert "reported" in page.state["error_message"]
