"""What a site does with a published client."""

from __future__ import annotations

from django_toopher.service.device.cli_phone import CommandLinePhone
from tests.tables import table

from ..generations import BY_NAME, GENERATIONS, Fields, Generation, Sender
from ..sockets import Reply

USER = "José Díaz"
TERMINAL = "Büro 1"
ONE_OF_EACH_KIND = ("py105", "seed", "java11", "phpref", "rb11", "net11", "perl")
REFUSAL = {"error_code": 401, "error_message": "Not a valid OAuth signed request"}


def refused(reply: Reply) -> bool:
    return (reply.status, reply.json()) == (401, REFUSAL)


def every(generations: list[Generation] = GENERATIONS):
    """Each of them goes through the test; ``make_sender`` keeps them apart."""
    return table("generation", generations, ids=lambda generation: generation.name)


def only(*names: str):
    return every([BY_NAME[name] for name in names])


def told(reply: Reply) -> dict:
    """The object of a reply that every published client takes for a success (PROTOCOL.md §1.5)."""
    assert reply.status == 200, reply.body
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.body.isascii()
    assert not {"error_code", "error_message"} & set(reply.json())
    return reply.json()


def pair(sender: Sender, phone: CommandLinePhone, user: str = USER) -> dict:
    """Pair by the phrase that the phone shows."""
    how = sender.generation
    pairing = told(sender.post("pairings/create", [(how.phrase, phone.phrase().phrase), ("user_name", user)]))
    assert (pairing["pending"], pairing["enabled"]) == (True, False)
    [offer] = phone.pending().pairings
    assert offer.user == user
    phone.pair(offer)
    pairing = told(sender.get(f"pairings/{pairing['id']}"))
    assert (pairing["pending"], pairing["enabled"]) == (False, True)
    return pairing


def ask(sender: Sender, pairing: dict, user: str = USER) -> dict:
    """Initiate, in the words of the generation; by user name from a terminal that it makes, if it can."""
    how = sender.generation
    if how.subject == "pairing_id":
        subject = [("pairing_id", pairing["id"]), ("terminal_name", TERMINAL)]
    else:
        terminal = "0a1b" if how.creates_terminals else ""
        subject = [("user_name", user), (how.terminal_id, terminal)]
        if how.creates_terminals:
            names = zip(("user_name", *how.creates_terminals), (user, TERMINAL, terminal), strict=True)
            assert told(sender.post("user_terminals/create", [*names]))["requester_specified_id"] == terminal
    return told(sender.post("authentication_requests/initiate", [*how.asks, *subject]))


def ask_and_answer(sender: Sender, phone: CommandLinePhone) -> None:
    """The whole way: pair, ask, poll, approve, poll; and again with a code, if the client can send one."""
    how = sender.generation
    if how.creates_users:
        told(sender.post("users/create", [("name", USER)]))
    pairing = pair(sender, phone)
    assert pairing["user"]["name"] == USER
    asked = ask(sender, pairing)
    assert (asked["pending"], asked["granted"], asked["reason"]) == (True, False, "")
    assert told(sender.get(f"authentication_requests/{asked['id']}"))["pending"] is True
    phone.approve(phone.pending().requests[0], asked["number"])
    answered = told(sender.get(f"authentication_requests/{asked['id']}"))
    assert (answered["pending"], answered["granted"], answered["automated"]) == (False, True, False)
    if how.enters_codes:
        asked = ask(sender, pairing)
        answered = told(sender.post(f"authentication_requests/{asked['id']}/otp_auth", [("otp", phone.code())]))
        assert (answered["pending"], answered["granted"], answered["totp_valid"]) == (False, True, True)


def post_signed_as(sender: Sender, path: str, signed: Fields, sent: Fields) -> Reply:
    """POST ``sent`` under the signature for ``signed``."""
    oauth = sender.signed("POST", f"{sender.root}/{path}", signed)
    target = f"{sender.root[sender.root.index('/toopher') :]}/{path}"
    headers = [("Host", host(sender)), ("Authorization", sender.header(oauth))]
    return sender.deliver("POST", *sender.with_body(target, headers, sender.encoded(sent).encode("ascii")))


def host(sender: Sender) -> str:
    return sender.root.split("/")[2]
