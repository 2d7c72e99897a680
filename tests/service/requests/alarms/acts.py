"""What a report is made of."""

from __future__ import annotations

from django_toopher.service.device.cli_phone import RefusedError


def refusal(call, *arguments):
    try:
        return call(*arguments)
    except RefusedError as refused:
        return refused.reason


def shown_of(question):
    return {name: question[name] for name in ("requester", "user", "action", "terminal", "address")}
