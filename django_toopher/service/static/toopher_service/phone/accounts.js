// The accounts on this phone: their one-time codes, and their removal.

import { codeAt } from "./codes.js";
import { announce, byId, clearError, explain, on, show, text, visible } from "./page.js";

export class Accounts {
  #service;
  #store;
  #changed;
  #items = new Map();
  #connected = null;
  #doomed = null;

  constructor(service, store, changed) {
    this.#service = service;
    this.#store = store;
    this.#changed = changed;
    on("confirm-cancel", "click", () => this.closeQuestion());
    on("confirm-remove", "click", () => this.#remove());
    on("confirm", "close", () => (this.#doomed = null));
  }

  get count() {
    return this.#items.size;
  }

  // A pairing that was just made here: the service has it, whatever it said before.
  async added(id) {
    this.#connected?.add(id);
    await this.render();
  }

  // Show what is kept, in order of pairing. Items that stay keep their place, focus and code.
  async render() {
    const accounts = (await this.#store.accounts()).sort((one, other) => one.added - other.added);
    const kept = new Set(accounts.map(({ id }) => id));
    for (const [id, item] of this.#items) {
      if (!kept.has(id)) item.element.remove();
      if (!kept.has(id)) this.#items.delete(id);
    }
    for (const account of accounts) this.#item(account);
    byId("no-accounts").hidden = this.count > 0;
    byId("accounts-title").hidden = this.count === 0;
    byId("make-phrase").classList.toggle("button-primary", this.count === 0);
    this.#changed();
  }

  // Take over what the service says: accounts it no longer has are marked, those that were paired and not kept are added.
  async reconcile() {
    const { pairings } = await this.#service.call("pairings");
    this.#connected = new Set(pairings.map(({ id }) => id));
    for (const { id, requester, user, created } of pairings) {
      await this.#store.noteAccount({ id, requester, user, added: created });
    }
    await this.render();
  }

  // Those that wait for their site.
  agreed() {
    return [...this.#items.values()].map(({ account }) => account).filter(({ isAgreed }) => isAgreed);
  }

  // What became of these, none of which waits for its site any more: paired they are kept, else forgotten.
  async settle(accounts) {
    if (!accounts.length) return [];
    const { pairings } = await this.#service.call("pairings");
    this.#connected = new Set(pairings.map(({ id }) => id));
    const settled = accounts.map((account) => ({ account, isPaired: this.#connected.has(account.id) }));
    for (const { account, isPaired } of settled) {
      if (isPaired) await this.#store.keepAccount({ ...account, isAgreed: false });
      else await this.#store.forgetAccount(account.id);
    }
    await this.render();
    return settled;
  }

  // Bring the codes that are shown up to date.
  async tick() {
    const now = this.#service.now();
    for (const { account, element } of this.#items.values()) {
      const row = element.querySelector(".account-code");
      if (row.hidden) continue;
      const grouped = await groupedCode(now, account);
      const output = row.querySelector(".code");
      if (output.textContent !== grouped) output.textContent = grouped;
      const left = account.period - (now % account.period);
      row.style.setProperty("--left", left / account.period);
      row.classList.toggle("is-ending", left < 6);
      row.querySelector(".ring-left").textContent = Math.ceil(left);
    }
  }

  // The account that a question is about, if it is certain which one, and if there is a code for it.
  withCodeFor({ requester, user }) {
    const found = [...this.#items.values()].filter(({ account }) => account.requester === requester && account.user === user);
    const live = found.filter(({ account }) => !this.#connected || this.#connected.has(account.id));
    return live.length === 1 && live[0].account.key ? live[0].account : null;
  }

  closeQuestion() {
    byId("confirm").close();
  }

  #item(account) {
    const item = this.#items.get(account.id) ?? this.#newItem(account);
    item.account = account;
    const isGone = !account.isAgreed && Boolean(this.#connected) && !this.#connected.has(account.id);
    const note = item.element.querySelector(".account-note");
    note.hidden = !isGone && !account.isAgreed && Boolean(account.key);
    if (!note.hidden) show(note, account.isAgreed ? "account-agreed" : isGone ? "account-disconnected" : "account-no-code");
    item.element.querySelector(".show-code").hidden = isGone || account.isAgreed || !account.key;
    if (isGone) this.#toggleCode(item, false);
  }

  #newItem(account) {
    const element = byId("account").content.firstElementChild.cloneNode(true);
    const item = { account, element };
    element.dataset.account = account.id;
    const requester = element.querySelector(".account-requester bdi");
    const user = element.querySelector(".account-user bdi");
    requester.textContent = visible(account.requester);
    user.textContent = visible(account.user);
    requester.id = `requester-${account.id}`;
    user.id = `user-${account.id}`;
    for (const button of element.querySelectorAll("button")) {
      button.setAttribute("aria-describedby", `${requester.id} ${user.id}`);
    }
    element.querySelector(".show-code").addEventListener("click", () => this.#toggleCode(item));
    element.querySelector(".remove-account").addEventListener("click", () => this.#ask(item.account));
    this.#items.set(account.id, item);
    this.#toggleCode(item, false);
    byId("accounts").append(element);
    return item;
  }

  #toggleCode({ element }, isShown = element.querySelector(".account-code").hidden) {
    const button = element.querySelector(".show-code");
    button.textContent = text(isShown ? "hide-code" : "show-code");
    button.setAttribute("aria-expanded", isShown);
    element.querySelector(".account-code").hidden = !isShown;
    if (!isShown) element.querySelector(".code").textContent = "";
    else this.tick();
  }

  #ask(account) {
    this.#doomed = account;
    show(byId("confirm-title"), "remove-title", account);
    byId("confirm").showModal();
  }

  async #remove() {
    const account = this.#doomed;
    this.closeQuestion();
    clearError();
    try {
      await this.#service.call("remove", { pairing: account.id });
    } catch (error) {
      if (!["not_found", "gone"].includes(error.reason)) return explain(error);
    }
    await this.#store.forgetAccount(account.id);
    await this.render();
    byId("home-title").focus();
    announce(text("removed"), 6000);
  }
}

export async function groupedCode(now, account) {
  const code = await codeAt(now, account);
  const half = Math.ceil(code.length / 2);
  return `${code.slice(0, half)} ${code.slice(half)}`;
}
