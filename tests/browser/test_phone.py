"""The phone's web app by itself: what it keeps, and what it does not let out."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from django_toopher.service.models import Pairing

from .traffic import traffic

EXPORTS = """
async () => {
  const opening = indexedDB.open("toopher-phone /toopher/phone/");
  const database = await new Promise((resolve) => (opening.onsuccess = () => resolve(opening.result)));
  const read = (store) => new Promise((resolve) => {
    const request = database.transaction(store).objectStore(store).getAll();
    request.onsuccess = () => resolve(request.result);
  });
  const told = {};
  for (const store of ["phone", "accounts"]) {
    for (const { key } of await read(store)) {
      for (const format of ["raw", "pkcs8", "jwk"]) {
        const exporting = crypto.subtle.exportKey(format, key);
        told[`${store} ${key.type} ${format}`] = await exporting.then(() => "exported", () => "refused");
      }
    }
  }
  database.close();
  return told;
}
"""


@pytest.fixture
def bob(make_user):
    return make_user("bob")


def test_a_reload_keeps_the_key_and_the_accounts(required, computer, paired_phone):
    paired_phone.page.reload()
    expect(paired_phone.accounts).to_have_count(1)
    computer.give_password()
    paired_phone.approve(computer.number())
    computer.is_welcomed_as("alice")


def test_neither_the_phones_key_nor_a_codes_seed_can_be_read_out_again(phone):
    phone.pair_by_words("alice")
    told = phone.page.evaluate(EXPORTS)
    assert told.keys() == {
        *(f"phone private {each}" for each in ("raw", "pkcs8", "jwk")),
        *(f"accounts secret {each}" for each in ("raw", "pkcs8", "jwk")),
    }
    assert set(told.values()) == {"refused"}


def test_one_phone_serves_two_accounts_and_the_one_that_is_removed_goes(
    required, bob, computer, make_computer, paired_phone
):
    paired_phone.pair_by_words("bob")
    expect(paired_phone.accounts).to_have_count(2)
    bobs_computer = make_computer()
    computer.give_password("alice")
    numbers = {"alice": computer.number()}
    bobs_computer.give_password("bob")
    numbers["bob"] = bobs_computer.number()
    for _ in range(2):
        paired_phone.is_asked()
        paired_phone.approve(numbers.pop(paired_phone.page.inner_text("#request-user")))
    computer.is_welcomed_as("alice")
    bobs_computer.is_welcomed_as("bob")
    paired_phone.remove_account()
    expect(paired_phone.accounts).to_have_count(1)
    expect(paired_phone.accounts).to_contain_text("bob")
    paired_phone.page.reload()
    expect(paired_phone.accounts).to_have_count(1)
    computer.context.clear_cookies()
    computer.give_password("alice")
    computer.shows("pairing")
    computer.cancel()
    computer.give_password("bob")
    paired_phone.approve(computer.number())


def test_an_account_that_the_site_removed_is_marked(paired_phone):
    with traffic.stopped():
        Pairing.objects.update(state=Pairing.State.DEACTIVATED)
    paired_phone.page.reload()
    expect(paired_phone.accounts).to_contain_text("The site has removed this phone.")
    expect(paired_phone.page.locator(".show-code")).to_be_hidden()


def test_a_pairing_link_works_once_and_does_not_stay_in_the_address(required, computer, phone, make_phone, watch):
    watch.expect("409 POST /toopher/phone/v1/offer")
    computer.give_password()
    link = computer.pairing_link()
    phone.scan(link)
    assert phone.page.url.endswith("/toopher/phone/")
    phone.allow()
    latecomer = make_phone()
    latecomer.page.goto(link)
    expect(latecomer.error).to_contain_text("This pairing link was used already")
    expect(latecomer.accounts).to_have_count(0)


def test_words_can_be_put_back(phone):
    phone.make_words()
    phone.page.click("#phrase-back")
    phone.shows("home")
    expect(phone.page.locator("#phrase-words")).to_have_text("")
