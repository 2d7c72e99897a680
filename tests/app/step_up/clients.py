"""What a client without a page does: ask, read what it is told, come back with the ticket."""

from __future__ import annotations

JSON = {"Accept": "application/json"}
TOKEN = {"Authorization": "Token alice-1"}


def told(response, status=403):
    assert response.status_code == status, response.content
    assert response["Content-Type"].startswith("application/json")
    return response.json()


def ask(computer, path="/transfer/", fields=None, status=403, **headers):
    """Send a form as a client without a page; what it is told."""
    return told(computer.post(path, fields or {"amount": "1"}, headers={**JSON, **headers}), status)


def repeat(computer, ticket, path="/transfer/", fields=None, **headers):
    """Send the same form again, with the ticket."""
    return computer.post(path, fields or {"amount": "1"}, headers={**JSON, "X-Toopher-Step-Up": ticket, **headers})


def approve(phone, number):
    phone.approve(phone.pending().requests[0], number)


def path_of(url):
    return url.removeprefix("https://testserver")
