"""The OpenAPI document is true: every operation, driven over real HTTP, answers as it says and never with a 5xx."""

from __future__ import annotations

import re

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from oauthlib.oauth1 import Client
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from django_toopher.service.api import urls
from django_toopher.service.api.description import document
from tests.tables import table

pytestmark = pytest.mark.slow

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]

OPERATIONS = [
    (method, path)
    for path, operations in document("")["paths"].items()
    for method in operations
    if method != "parameters"
]


def routes():
    """The paths of the URLconf in the document's spelling; not the catch-all."""
    for pattern in urls.urlpatterns:
        path = re.sub(r"\(\?P<(\w+)>.*?\{12\}\)", r"{\1}", pattern.pattern.regex.pattern)
        path = path.removeprefix("^").removesuffix("$").removesuffix("/?").replace("\\", "")
        if pattern.pattern.regex.pattern and path != "openapi.json":
            yield f"/{path}"


def test_the_document_names_every_route_and_no_other():
    assert set(document("https://testserver/toopher/v1")["paths"]) == set(routes())


def test_the_document_is_served_unsigned_and_without_the_database(client):
    response = client.get("/toopher/v1/openapi.json")
    assert response.json()["openapi"] == "3.1.0"
    assert response.json()["servers"] == [{"url": "http://testserver/toopher/v1"}]


@pytest.fixture
def send_signed(live_server, make_requester):
    """Sends a case signed by a registered site, and checks the reply against the document."""
    make_requester("site", "site-secret")
    signer = Client("site", client_secret="site-secret")

    def send(case):
        prepared = case.as_transport_kwargs(base_url=f"{live_server.url}/toopher/v1")
        request = requests.Request(
            prepared["method"], prepared["url"], params=prepared.get("params"), data=prepared.get("data")
        ).prepare()
        body = request.body if isinstance(request.body, str) else (request.body or b"").decode("utf-8", "replace")
        form = request.headers.get("Content-Type") == "application/x-www-form-urlencoded"
        _url, headers, _body = signer.sign(request.url, request.method, body if form else None, request.headers)
        request.headers.update(headers)
        with requests.Session() as session:
            return session.send(request, timeout=20)

    return send


@pytest.fixture
def schema(live_server):
    return schemathesis.openapi.from_dict(document(f"{live_server.url}/toopher/v1"))


@table(("method", "path"), OPERATIONS)  # what one leaves in the database, the next ones have to bear
def test_S35_an_operation_answers_as_documented(send_signed, schema, method, path):
    operation = schema[path][method.upper()]
    statuses = set()

    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def drive(case):
        response = send_signed(case)
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    drive()
    assert statuses - {401}, "nothing but bad signatures: the test signs wrongly"
