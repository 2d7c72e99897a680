"""Every published client's way to send, as bytes over a real socket to a real server (PROTOCOL.md §1, §2, §7)."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import requests
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from pytest_django.live_server_helper import LiveServer

from django_toopher import embedded
from django_toopher.service.device.cli_phone import TerminalAuthenticator, public_jwk
from django_toopher.service.models import User
from django_toopher.service.phones import authenticators
from tests.databases import HURRY
from tests.drivers import attribute
from tests.tables import table

from .callers import FORM, form
from .generations import BY_NAME, GENERATIONS, Fields, Generation, Sender
from .sockets import PATIENCE, Reply, connect, head

pytestmark = [pytest.mark.servers, pytest.mark.slow]

USER = "Jose Diaz"
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


@pytest.fixture
def root(live_server: LiveServer, transactional_db):
    """The API's root. Afterwards the server's threads end before the database that they share goes."""
    yield f"{live_server.url}/toopher/v1"
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(PATIENCE)


@pytest.fixture
def make_sender(root, make_requester):
    """Makes sites with a client of some generation, each a requester that has users of its own."""
    numbers = count()

    def make(generation: Generation) -> Sender:
        requester = make_requester(f"key{next(numbers)}")
        return Sender(generation, root, requester.consumer_key, requester.consumer_secret)

    return make


@pytest.fixture
def make_live_phone(root):
    """Makes phones that talk to the real server."""
    with ExitStack() as sessions:

        def make() -> TerminalAuthenticator:
            session = sessions.enter_context(requests.Session())
            phone = TerminalAuthenticator(f"{root.removesuffix('v1')}phone/", session=session)
            phone.id = str(authenticators.register(public_jwk(phone.key.public_key()), "Pixel").pk)
            return phone

        yield make


# What a site does with such a client


def told(reply: Reply) -> dict:
    """The object of a reply that every published client takes for a success (PROTOCOL.md §1.5)."""
    assert reply.status == 200, reply.body
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    assert reply.body.isascii()
    assert not {"error_code", "error_message"} & set(reply.json())
    return reply.json()


def pair(sender: Sender, phone: TerminalAuthenticator, user: str = USER) -> dict:
    """Pair by the phrase that the phone shows."""
    how = sender.generation
    pairing = told(sender.post("pairings/create", [(how.phrase, phone.phrase().phrase), ("user_name", user)]))
    assert (pairing["pending"], pairing["enabled"]) == (True, False)
    [offer] = phone.pending().pairings
    assert offer.user == how.as_decoded(user)
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


def ask_and_answer(sender: Sender, phone: TerminalAuthenticator) -> None:
    """The whole way: pair, ask, poll, approve, poll; and again with a code, if the client can send one."""
    how = sender.generation
    if how.creates_users:
        told(sender.post("users/create", [("name", USER)]))
    pairing = pair(sender, phone)
    assert pairing["user"]["name"] == how.as_decoded(USER)
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


@every()
def test_it_pairs_and_has_a_question_answered(make_sender, make_live_phone, generation):
    sender, phone = make_sender(generation), make_live_phone()
    ask_and_answer(sender, phone)


@only(*ONE_OF_EACH_KIND)
def test_its_request_sent_again_is_refused(make_sender, generation):
    sender = make_sender(generation)
    path, fields = "pairings/create", [("pairing_phrase", "no such phrase"), ("user_name", USER)]
    pieces = sender.request("POST", path, fields)
    assert sender.deliver("POST", *pieces).status == 404
    assert refused(sender.deliver("POST", *pieces))


@only(*ONE_OF_EACH_KIND)
def test_with_a_wrong_secret_it_is_refused(make_sender, generation):
    sender = replace(make_sender(generation), secret="wrong")
    reply = sender.post("pairings/create", [("pairing_phrase", "no such phrase"), ("user_name", USER)])
    assert refused(reply)
    assert reply.headers["WWW-Authenticate"] == 'OAuth realm="toopher"'
    assert refused(sender.get("pairings/6f1b7d1c-0c5c-4b5e-9d0e-2f6f0a3c5d11"))


@every([one for one in GENERATIONS if one.find and one.flag])
def test_it_finds_a_user_and_switches_the_second_factor_off_and_on(make_sender, make_live_phone, generation):
    sender, phone = make_sender(generation), make_live_phone()
    pairing = pair(sender, phone, "alice")
    assert sender.get("users", [(generation.find, "nobody")]).json() == []
    [user] = sender.get("users", [(generation.find, "alice")]).json()
    is_inverse = generation.flag == "disable_toopher_auth"
    for enabled in (False, True):
        changes = [(generation.flag, generation.word(enabled is not is_inverse))]
        assert told(sender.post(f"users/{user['id']}", changes))["toopher_authentication_enabled"] is enabled
        reply = sender.post("authentication_requests/initiate", [("pairing_id", pairing["id"])])
        assert (reply.status, reply.json().get("error_code")) == ((200, None) if enabled else (409, 704))


@every([one for one in GENERATIONS if one.reset])
def test_it_resets_a_user(make_sender, make_live_phone, generation):
    sender, phone = make_sender(generation), make_live_phone()
    pairing = pair(sender, phone, "alice")
    assert told(sender.post("users/reset", [(generation.reset, "alice")])) == {}
    assert told(sender.get(f"pairings/{pairing['id']}"))["deactivated"] is True


# Rows of PROTOCOL.md §2 that only some clients ask for


@only("radius")
def test_it_lists_pairings_with_a_bare_question_mark(make_sender, make_live_phone, generation):
    sender, phone = make_sender(generation), make_live_phone()
    user_id = pair(sender, phone)["user"]["id"]
    [pairing] = sender.get(f"users/{user_id}/pairings?").json()
    assert pairing["deactivated"] is False


@only("net-rdp", "java11", "py110")
def test_it_lists_and_deactivates_pairings(make_sender, make_live_phone, generation):
    sender, phone = make_sender(generation), make_live_phone()
    pairing = pair(sender, phone)
    path = f"users/{pairing['user']['id']}/pairings"
    assert [one["id"] for one in sender.get(path, [("deactivated", "0")]).json()] == [pairing["id"]]
    assert told(sender.post(f"pairings/{pairing['id']}", [("deactivated", "True")]))["deactivated"] is True
    assert sender.get(path, [("deactivated", "0")]).json() == []


@only("radius")
def test_it_resets_a_terminal(make_sender, generation):
    sender = make_sender(generation)
    made = replace(sender, generation=BY_NAME["perl"]).post(
        "user_terminals/create", [("user_name", USER), ("name", TERMINAL), ("name_extra", "0a1b")]
    )
    path = f"user_terminals/{told(made)['id']}"
    assert told(sender.post(path, [("name_extra", "00000000")]))["name_extra"] == "00000000"


@only("radius")
def test_it_activates_a_list_of_codes_for_a_new_user(make_sender, generation):
    sender = make_sender(generation)
    fields = [("user_name", USER), ("create_user_if_needed", "True")]
    assert told(sender.post("users/activate_next_otp_list", fields))["otp_list"]


@only("seed", "pyref", "javaref", "phpref", "rbref", "net11", "netref", "net-rdp")
def test_it_makes_a_reset_link_with_a_question_or_without(make_sender, make_live_phone, generation):
    """PHP signs a question and an answer that it does not send as blank ones (PROTOCOL.md §1.3-3)."""
    sender, phone = make_sender(generation), make_live_phone()
    path = f"pairings/{pair(sender, phone)['id']}/generate_reset_link"
    question, blank = (
        [("security_question", question), ("security_answer", answer)]
        for question, answer in [("Pet?", "Rex"), ("", "")]
    )
    without = blank if generation.name == "phpref" else []
    assert told(sender.post(path, question))["url"].startswith(sender.root)
    assert told(post_signed_as(sender, path, without, []))["url"].startswith(sender.root)


def post_signed_as(sender: Sender, path: str, signed: Fields, sent: Fields) -> Reply:
    """POST ``sent`` under the signature for ``signed``."""
    oauth = sender.signed("POST", f"{sender.root}/{path}", signed)
    target = f"{sender.root[sender.root.index('/toopher') :]}/{path}"
    headers = [("Host", host(sender)), ("Authorization", sender.header(oauth))]
    return sender.deliver("POST", *sender.with_body(target, headers, sender.encoded(sent).encode("ascii")))


def host(sender: Sender) -> str:
    return sender.root.split("/")[2]


# Nothing that was not signed is read


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


# Addresses


@only("java11", "phpref", "py105")
def test_the_host_is_signed_in_lower_case(make_sender, generation):
    sender = make_sender(generation)
    [request] = sender.request("GET", "users", [("user_name", "alice")])
    assert sender.deliver("GET", request.replace(b"Host: localhost:", b"Host: LocalHost:")).json() == []


@only("java11")
def test_a_default_port_is_not_signed(make_sender, settings, generation):
    """Java's default address has ``:443``, which signpost drops; a proxy in front speaks the https."""
    sender = make_sender(generation)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for scheme, port in [("http", ":80"), ("https", ":443"), ("https", "")]:
        header = sender.header(sender.signed("GET", f"{scheme}://localhost/toopher/v1/users", [("name", "alice")]))
        headers = [("Host", f"localhost{port}"), ("X-Forwarded-Proto", scheme), ("Authorization", header)]
        assert sender.deliver("GET", head("GET", "/toopher/v1/users?name=alice", headers)).json() == []


@only("phpref")
def test_behind_a_proxy_the_public_address_is_signed(make_sender, settings, generation):
    sender = make_sender(generation)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.USE_X_FORWARDED_HOST = True
    settings.ALLOWED_HOSTS = ["2fa.example.org"]
    url = "https://2fa.example.org:8443/toopher/v1/users"
    header = sender.header(sender.signed("GET", url, [("name", "alice")]))
    forwarded = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "2fa.example.org:8443")]
    headers = [("Host", "backend:8000"), *forwarded, ("Authorization", header)]
    assert sender.deliver("GET", head("GET", "/toopher/v1/users?name=alice", headers)).json() == []


# Forms without a length


@only("seed")
@table("together", [True, False], ids=["in one packet", "in two"])
def test_an_empty_form_without_length_is_read_and_the_connection_ends(
    make_sender, make_live_phone, together, generation
):
    """The stray bytes behind it are not taken for another request (PROTOCOL.md §1.3-5)."""
    sender, phone = make_sender(generation), make_live_phone()
    request, stray = sender.request("POST", f"pairings/{pair(sender, phone)['id']}/generate_reset_link", [])
    assert stray == b"0\r\n\r\n"
    with connect(sender.root) as connection:
        reply = sender.deliver("POST", *([request + stray] if together else [request, stray]), on=connection)
        assert told(reply)["url"]
        assert reply.headers["Connection"] == "close"
        assert connection.is_ended()


@only("seed")
def test_a_refused_form_without_length_ends_the_connection_too(make_sender, generation):
    sender = make_sender(generation)
    with connect(sender.root) as connection:
        reply = sender.deliver("POST", *sender.request("POST", "users/reset", [], oauth_nonce=""), on=connection)
        assert refused(reply)
        assert reply.headers["WWW-Authenticate"] == 'OAuth realm="toopher"'
        assert reply.headers["Connection"] == "close"
        assert connection.is_ended()


def test_under_asgi_a_form_without_length_ends_the_connection_by_a_header(db):
    """Which an application may set there, other than under WSGI."""

    @async_to_sync
    async def send(*request: object, **more: object):
        return await AsyncClient().generic(*request, **more)

    assert send("POST", "/toopher/v1/users/reset", headers={"Content-Type": FORM})["Connection"] == "close"
    assert not send("POST", "/toopher/v1/users/reset", b"a=b", FORM).has_header("Connection")


@only(*ONE_OF_EACH_KIND)
def test_requests_with_a_length_share_a_connection(make_sender, generation):
    sender = make_sender(generation)
    with connect(sender.root) as connection:
        for name in ("alice", "bob"):
            reply = sender.deliver("POST", *sender.request("POST", "users/create", [("name", name)]), on=connection)
            assert told(reply)["name"] == name
        assert "close" not in reply.headers.get("Connection", "")


# Iframe pages (PROTOCOL.md §3.1)

V2 = [("v", "2"), ("username", USER)]
LOGIN = [("session_token", "s9s7vsb"), ("action_name", "Log In"), ("requester_metadata", "None")]
PAGES = {
    "py110": ("authenticate", [*V2, ("reset_email", "jdoe@example.com"), *LOGIN, ("automation_allowed", "True")]),
    "py110 pair": ("pair", [*V2, ("reset_email", "jdoe@example.com")]),
    "seed": ("authenticate", [*V2, *LOGIN, ("allow_inline_pairing", "True"), ("challenge_required", "False")]),
    "seed manage": ("manage_user", [*V2, ("reset_email", "jdoe@example.com"), ("foo", "bar")]),
    "java11": ("authenticate", [*V2, *LOGIN, ("automation_allowed", "true")]),
    "javaref": ("authenticate", [*V2, ("action_name", ""), ("session_token", ""), ("reset_email", ""), *LOGIN]),
    "phpref": ("authenticate", [*V2, *LOGIN]),
    "netref": ("authenticate", [*V2, *LOGIN]),
    "netref manage": ("manage_user", [*V2, ("reset_email", "")]),
    "wp": ("auth", [*V2, *LOGIN[:2], ("requester_metadata", "eyJhIjogMX0="), ("automation_allowed", "true")]),
    "wp pair": ("pair", V2),
    "cas": ("auth", [*V2, ("session_token", "LT-1-abc.cas-01"), ("requester_metadata", "metadata"), LOGIN[1]]),
    "ping": ("auth", [*V2, *LOGIN]),
    "openam": ("authenticate", [*V2, *LOGIN]),
    "atlassian": ("authenticate", [*V2, ("reset_email", ""), *LOGIN, ("automation_allowed", "true")]),
    "shib": ("authenticate", [*V2, ("action_name", "?"), ("session_token", "?"), ("reset_email", "?"), *LOGIN]),
}
PAGE_CLIENTS = {"cas": "java11", "ping": "java11", "openam": "javaref", "atlassian": "java11", "shib": "javaref"}


@table("name", PAGES)
def test_its_page_opens_and_tells_the_outcome(make_sender, make_live_phone, name):
    client = name.split()[0]
    sender = make_sender(replace(BY_NAME[PAGE_CLIENTS.get(client, client)], charset="utf-8"))
    phone = make_live_phone()
    pair(sender, phone)
    page, fields = PAGES[name]
    opened = open_page(sender, page, [*fields, ("expires", str(int(time.time()) + 100))])
    if page in {"pair", "manage_user"}:
        assert [each["name"] for each in opened["phones"]] == ["Pixel"]
        return
    phone.approve(phone.pending().requests[0], opened["number"])
    headers = [("Host", host(sender)), ("Authorization", f"Frame {opened['token']}")]
    state = sender.deliver("GET", head("GET", "/toopher/v1/web/frame/state", headers)).json()
    assert state["postback"]["granted"] == "true"
    echoed = dict(fields)  # of a field given twice, the last
    for field in ("session_token", "requester_metadata"):
        assert state["postback"][field] == echoed[field]


def open_page(sender: Sender, page: str, fields: Fields) -> dict:
    """Load the page by its signed address, as a browser in an iframe does, and make its first call."""
    how = sender.generation
    oauth = sender.signed("GET", f"{sender.root}/web/{page}", [*fields])
    escape = quote if how.name == "wp" else quote_plus
    query = "&".join(f"{name}={escape(value, safe='')}" for name, value in [*fields, *oauth])
    query += "&" if how.name == "netref" else ""
    browser = [("Host", host(sender)), ("Sec-Fetch-Dest", "iframe")]
    for _reload in range(2):
        reply = sender.deliver("GET", head("GET", f"/toopher/v1/web/{page}?{query}", browser))
        assert reply.status == 200, reply.body.decode()
    body = form({"ticket": attribute(reply.body.decode(), "data-ticket"), "binder": "0123456789abcdef"}).encode()
    headers = [*browser, ("Content-Type", FORM), ("Content-Length", str(len(body)))]
    return sender.deliver("POST", head("POST", "/toopher/v1/web/frame/open", headers), body).json()


# The same under the server that most sites run


@pytest.fixture(scope="module")
def gunicorn_url(tmp_path_factory, migrated):
    """Gunicorn with threads, and a database of its own. ``keepalive = 0`` is for PROTOCOL.md §1.3-5."""
    if importlib.util.find_spec("gunicorn") is None:
        pytest.skip("gunicorn is not installed")
    folder = tmp_path_factory.mktemp("gunicorn")
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "",  # it imports all of Django
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}?init_command={quote(HURRY)}",
        "CACHE_URL": "locmemcache://",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    here = {"cwd": Path(__file__).parents[2], "env": environment}
    if migrated:
        shutil.copyfile(migrated, folder / "db.sqlite3")
    else:
        subprocess.run([sys.executable, "-m", "django", "migrate", "--verbosity", "0"], check=True, timeout=120, **here)
    with socket.create_server(("127.0.0.1", 0)) as listener, (folder / "log").open("w") as log:
        command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}"]
        command += ["--threads", "2", "--keep-alive", "0", "django.core.wsgi:get_wsgi_application()"]
        gunicorn = subprocess.Popen(command, pass_fds=[listener.fileno()], stdout=log, stderr=log, **here)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/toopher/"
        gunicorn.terminate()
        gunicorn.wait(timeout=30)


@only("py105", "py110", "seed", "java1", "javaref", "php1", "phpref", "rb11", "net11", "netref", "perl", "radius")
def test_under_gunicorn_it_pairs_and_has_a_question_answered(gunicorn_url, generation):
    sender = Sender(generation, f"{gunicorn_url}v1", embedded.CONSUMER_KEY, embedded.consumer_secrets()[0])
    with requests.Session() as session:
        phone = TerminalAuthenticator(f"{gunicorn_url}phone/", session=session)
        phone.register("Pixel")
        ask_and_answer(sender, phone)


@only("seed")
def test_under_gunicorn_an_empty_form_without_length_ends_the_connection(gunicorn_url, generation):
    sender = Sender(generation, f"{gunicorn_url}v1", embedded.CONSUMER_KEY, embedded.consumer_secrets()[0])
    request, stray = sender.request("POST", "users/reset", [])
    with connect(sender.root) as connection:
        reply = sender.deliver("POST", request + stray, on=connection)
        assert (reply.status, reply.headers["Connection"]) == (400, "close")
        assert connection.is_ended()
