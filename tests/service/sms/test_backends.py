"""The back ends that need no gateway."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_toopher.service import sms
from tests.tables import table

from .acts import BACKENDS, NUMBER, TEXT


def test_console_writes_to_standard_output(settings, capsys):
    settings.TOOPHER_SERVICE_SMS = {"BACKEND": f"{BACKENDS}.console.SmsBackend"}
    sms.send(TEXT)
    assert capsys.readouterr().out == f"SMS to {NUMBER}\n{TEXT.text}\n\n"


def test_filebased_writes_a_file_for_each_message(settings, tmp_path):
    folder = tmp_path / "new" / "folder"
    settings.TOOPHER_SERVICE_SMS = {"BACKEND": f"{BACKENDS}.filebased.SmsBackend", "OPTIONS": {"path": folder}}
    for _ in range(2):
        sms.send(TEXT)
    files = [*folder.iterdir()]
    assert [file.read_text("utf-8") for file in files] == [f"SMS to {NUMBER}\n{TEXT.text}\n"] * 2


@table(("backend", "option"), [("filebased", "path"), ("http", "url")])
def test_the_option_that_a_back_end_lacks_is_named(settings, backend, option):
    settings.TOOPHER_SERVICE_SMS = {"BACKEND": f"{BACKENDS}.{backend}.SmsBackend"}
    with pytest.raises(ImproperlyConfigured, match=f"TOOPHER_SERVICE_SMS.*'{option}'"):
        sms.send(TEXT)
