"""The file that keeps the command-line phone's key and seeds."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from django_toopher.service.device.cli_phone import CommandLinePhone, public_jwk
from django_toopher.service.device.cli_replies import Entry, PhoneError
from tests.tables import table

from .canned import NOW, OFFER, SEED, SERVICE, Reply, make_paired_phone, make_phone, posix, refused


def test_a_phone_comes_back_from_its_file_as_it_was(state: Path):
    phone, _ = make_paired_phone(now=NOW + 4000)
    phone.save(state)
    assert CommandLinePhone.load(state).state() == phone.state()


def test_a_phone_without_a_service_comes_back_too(state: Path):
    phone = CommandLinePhone()
    phone.save(state)
    assert CommandLinePhone.load(state).state() == phone.state()


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
    with pytest.raises(PhoneError, match="chmod 600"):
        CommandLinePhone.load(state)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(state: Path):
    class Interrupted(CommandLinePhone):
        def state(self) -> dict[str, object]:
            return {**super().state(), "last": object()}  # json fails here, after it wrote the rest

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


CHANGES = {
    "a missing key": {"key": None},
    "no key": {"key": "no key"},
    "a key that is none of the curve": {"key": "0"},
    "no address": {"base_url": "nowhere"},
    "no accounts": {"accounts": None},
    "an account without a seed": {"accounts": [{"id": "x"}]},
    "a member of another version": {"version": 1},
}


@table("change", CHANGES.values(), ids=list(CHANGES))
def test_a_state_with_a_wrong_part_is_refused(state: Path, change: dict[str, object]):
    phone = make_paired_phone()[0]
    phone.save(state)
    state.write_text(json.dumps({**phone.state(), **change}))
    with refused("bad_state"):
        CommandLinePhone.load(state)


@table("content", [b"", b"{", b"[]", b"[" * 100_000, b"null", b"{}", b"\xff"])
def test_a_file_that_is_no_state_is_refused(state: Path, content: bytes):
    state.touch(0o600)
    state.write_bytes(content)
    with refused("bad_state"):
        CommandLinePhone.load(state)


def test_a_phone_with_a_file_keeps_what_it_was_told_although_the_next_call_fails(state: Path):
    phone, _ = make_phone(Reply({"id": "phone-1"}), Reply({"now": NOW + 4000, **SEED}), registered=False)
    phone.path = state
    phone.register("My terminal")
    phone.pair(OFFER)
    with pytest.raises(IndexError):
        phone.pending()
    assert CommandLinePhone.load(state).state() == phone.state()
    assert phone.accounts


def test_two_programs_that_pair_with_one_file_lose_no_seed_of_the_other(state: Path):
    make_phone()[0].save(state)
    offers = [OFFER, Entry(**{**vars(OFFER), "id": "pairing-2"})]
    phones = [
        CommandLinePhone.load(state, session=make_phone(Reply(SEED))[0].session, clock=lambda: NOW) for _ in offers
    ]
    for phone, offer in zip(phones, offers, strict=True):
        phone.pair(offer)
    assert [account.id for account in CommandLinePhone.load(state).accounts] == [offer.id for offer in offers]
