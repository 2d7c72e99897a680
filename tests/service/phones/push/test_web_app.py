"""What the web app is told of push."""

from __future__ import annotations

from django_toopher.service.phones.push import keys


def test_the_page_tells_the_key(client):
    assert f'data-push-key="{keys.public_key()}"' in client.get("/toopher/phone/").content.decode()


def test_where_push_is_switched_off_the_page_offers_none(client, settings):
    settings.TOOPHER_SERVICE_PUSH_HOSTS = []
    assert 'data-push-key=""' in client.get("/toopher/phone/").content.decode()
