"""The file that keeps the command-line phone's key and seeds."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from django_toopher.service.device.cli_phone import CommandLinePhone, StateError, default_state_file, public_jwk
from tests.tables import table

from .canned import NOW, SERVICE, make_paired_phone, make_phone, posix


def test_a_phone_comes_back_from_its_file_as_it_was(state: Path):
    phone, _ = make_paired_phone(now=NOW + 4000)
    phone.save(state)
    assert CommandLinePhone.load(state).to_dict() == phone.to_dict()


def test_a_phone_without_a_service_comes_back_too(state: Path):
    phone = CommandLinePhone()
    phone.save(state)
    assert CommandLinePhone.load(state).to_dict() == phone.to_dict()


def test_a_phone_makes_its_key_when_it_is_first_needed_and_keeps_it(state: Path):
    phone = CommandLinePhone(SERVICE)
    first = public_jwk(phone.key.public_key())
    phone.save(state)
    assert public_jwk(CommandLinePhone.load(state).key.public_key()) == first


@posix
def test_only_the_owner_may_read_the_file(state: Path):
    make_phone()[0].save(state)
    assert stat.S_IMODE(state.stat().st_mode) == 0o600


@posix
def test_a_file_that_was_open_to_others_is_closed_when_it_is_written(state: Path):
    state.touch(0o644)
    make_phone()[0].save(state)
    assert stat.S_IMODE(state.stat().st_mode) == 0o600


@posix
def test_folders_that_are_made_for_the_file_are_the_owners_alone(tmp_path: Path):
    make_phone()[0].save(tmp_path / "new" / "phone.json")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


@posix
@table("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_may_read_is_refused_with_the_remedy(state: Path, mode: int):
    make_phone()[0].save(state)
    state.chmod(mode)
    with pytest.raises(StateError, match="chmod 600"):
        CommandLinePhone.load(state)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(state: Path):
    class Interrupted(CommandLinePhone):
        def to_dict(self) -> dict[str, object]:
            return {**super().to_dict(), "last": object()}  # json fails here, after it wrote the rest

    make_phone()[0].save(state)
    before = state.read_bytes()
    with pytest.raises(TypeError):
        Interrupted(SERVICE).save(state)
    assert state.read_bytes() == before
    assert list(state.parent.iterdir()) == [state]


def test_a_file_that_cannot_be_put_in_place_leaves_no_copy_of_the_key(state: Path):
    state.mkdir()
    with pytest.raises(OSError, match="phone"):
        make_phone()[0].save(state)
    assert list(state.parent.iterdir()) == [state]


def _pem(curve: ec.EllipticCurve) -> str:
    return (
        ec.generate_private_key(curve)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


@table(
    "change",
    [
        {"version": 2},
        {"version": None},
        {"key": "no key"},
        {"key": None},
        {"key": _pem(ec.SECP384R1())},
        {"service": "nowhere"},
        {"id": 5},
        {"clock_offset": "1"},
        {"accounts": {}},
        {"accounts": [{"id": "x"}]},
    ],
)
def test_a_state_with_a_wrong_part_is_refused(change: dict[str, object]):
    with pytest.raises(StateError):
        CommandLinePhone.from_dict({**make_paired_phone()[0].to_dict(), **change})


@table("content", ["", "{", "[]", "[" * 100_000, "null"])
def test_a_file_that_is_no_state_is_refused(state: Path, content: str):
    state.touch(0o600)
    state.write_text(content)
    with pytest.raises(StateError):
        CommandLinePhone.load(state)


@posix
def test_the_file_is_in_the_folder_that_xdg_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_state_file() == tmp_path / "django-toopher" / "phone.json"


@posix
@table("named", ["", "relative/folder"])
def test_without_a_usable_name_the_file_is_in_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: str):
    monkeypatch.setenv("XDG_CONFIG_HOME", named)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_state_file() == tmp_path / ".config" / "django-toopher" / "phone.json"
