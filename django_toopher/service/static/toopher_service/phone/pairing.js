// Pairing: a link that was opened, four words that were typed at a site, and the question that both lead to.

import { announceError, byId, clearError, explain, on, show, showScreen, showTimeLeft, visible } from "./page.js";
import { importSeed } from "./codes.js";
import { showOutcome } from "./outcome.js";
import { PAIRING_TEXTS, showTexts, textsOf } from "./shown.js";

export class PairScreen {
  #service;
  #store;
  #paired;
  #pairing = null;
  #isBusy = false;
  #answered = new Set();

  constructor(service, store, paired) {
    this.#service = service;
    this.#store = store;
    this.#paired = paired;
    on("pair-allow", "click", () => this.#answer("allow"));
    on("pair-deny", "click", () => this.#answer("deny"));
  }

  get isOpen() {
    return this.#pairing !== null;
  }

  // Ask what a link leads to, and show it.
  async follow(link) {
    clearError();
    try {
      this.#open({ ...(await this.#service.call("offer", { link })), link });
    } catch (error) {
      if (error.reason === "not_found") announceError("error-link");
      else if (error.reason === "gone") announceError("error-link-gone");
      else explain(error);
    }
  }

  // Show what waits; whether there is something. A link that was opened is no part of what waits.
  take(pairings) {
    const waiting = pairings.filter(({ id, expires }) => !this.#answered.has(id) && expires > this.#service.now());
    if (this.#pairing?.link) showScreen("pair");
    if (this.#isBusy || this.#pairing?.link) return true;
    if (this.#pairing && !waiting.some(({ id }) => id === this.#pairing.id)) this.#end("over", "pair-over");
    else if (!this.#pairing && waiting.length) this.#open(waiting[0]);
    byId("pair-count").hidden = waiting.length < 2;
    show(byId("pair-count"), "count", { position: 1, total: waiting.length });
    return this.isOpen;
  }

  tick() {
    if (!this.#pairing) return;
    const left = this.#pairing.expires - this.#service.now();
    showTimeLeft("pair-left", left);
    if (left <= 0 && !this.#isBusy) this.#end("over", "pair-over");
  }

  #open(pairing) {
    this.#pairing = pairing;
    clearError();
    show(byId("pair-title"), "pair-title", pairing);
    showTexts("pair", PAIRING_TEXTS, pairing);
    byId("pair-count").hidden = true;
    this.tick();
    showScreen("pair");
  }

  async #answer(decision) {
    if (this.#isBusy || !this.#pairing) return;
    const pairing = this.#pairing;
    const { id, link } = pairing;
    clearError();
    this.#setBusy(true);
    try {
      const claims = { pairing: id, ...textsOf(PAIRING_TEXTS, pairing), decision };
      const seed = await this.#service.call("pair", link ? { ...claims, link } : claims);
      if (decision === "deny") this.#end("no", "not-paired", pairing);
      else await this.#agreed(seed, pairing);
    } catch (error) {
      this.#failed(error, pairing);
    }
    this.#setBusy(false);
  }

  #failed(error, pairing) {
    if (["gone", "not_found"].includes(error.reason)) return this.#end("over", "pair-over", pairing);
    if (error.reason === "mismatch") return this.#end("no", "mismatch", pairing);
    return explain(error, "error-unreachable-answer");
  }

  // Where the site confirms, the phone is not paired yet.
  async #agreed(seed, pairing) {
    const isKept = await this.#keep(seed, pairing);
    if (seed.state === "agreed") this.#end("over", "agreed", pairing);
    else this.#end("yes", isKept ? "paired" : "paired-no-code", pairing);
  }

  // The seed is told once; from here on it exists as a key that can't be exported. False if it could not be kept.
  async #keep({ secret, digits, period, state }, pairing) {
    try {
      const isAgreed = state === "agreed";
      const account = { id: pairing.id, ...textsOf(PAIRING_TEXTS, pairing), added: this.#service.now(), isAgreed };
      await this.#store.keepAccount({ ...account, key: await importSeed(secret), digits, period });
    } catch {
      return false;
    }
    await this.#paired(pairing.id);
    return true;
  }

  #setBusy(isBusy) {
    this.#isBusy = isBusy;
    byId("pair-allow").disabled = byId("pair-deny").disabled = isBusy;
  }

  #end(mark, key, pairing = this.#pairing) {
    this.#answered.add(pairing.id); // a list that is under way may still have it
    if (this.#pairing === pairing) this.#pairing = null;
    showOutcome(mark, key, pairing);
  }
}

export class PhraseScreen {
  #service;
  #expires = null;

  constructor(service, left) {
    this.#service = service;
    on("phrase-back", "click", () => {
      this.close();
      left();
    });
  }

  get isOpen() {
    return this.#expires !== null;
  }

  async make() {
    const { phrase, expires } = await this.#service.call("phrase");
    this.#expires = expires;
    byId("phrase-words").textContent = visible(phrase);
    this.tick();
  }

  // The words are used up, or not wanted.
  close() {
    this.#expires = null;
    byId("phrase-words").textContent = "";
  }

  tick() {
    if (!this.isOpen) return;
    const left = this.#expires - this.#service.now();
    showTimeLeft("phrase-left", left);
    if (left > 0) return;
    this.close();
    showOutcome("over", "phrase-over");
  }
}
