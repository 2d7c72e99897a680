// One authentication request: what is asked, and the person's answer.

import { announceError, byId, clearError, explain, moment, on, show, showScreen, showTimeLeft, text } from "./page.js";
import { groupedCode } from "./accounts.js";
import { holdOutcome, showOutcome } from "./outcome.js";
import { REQUEST_TEXTS, showTexts, textsOf } from "./shown.js";
import { mayTakeMore } from "../time.js";

const TAP_GUARD = 700;

export class RequestScreen {
  #service;
  #accounts;
  #request = null;
  #isBusy = false;
  #isGuarded = false;
  #guard;
  #waiting = [];
  #answered = new Set();
  #suspect = null;

  constructor(service, accounts) {
    this.#service = service;
    this.#accounts = accounts;
    on("request-code", "toggle", () => this.#showCode());
    on("number", "input", () => this.#typed());
    on("request-form", "submit", (event) => {
      event.preventDefault();
      if (!byId("approve").disabled) this.#answer("allow");
    });
    on("deny", "click", () => this.#answer("deny"));
    on("report", "click", () => this.#askReport(this.#request));
    on("more", "click", () => this.#extend());
    on("request-next", "click", () => this.#showNext());
    on("automate-for", "change", () => this.#showNetwork());
    on("report-cancel", "click", () => byId("report-confirm").close());
    on("report-send", "click", () => this.#report());
    on("report-confirm", "close", () => (this.#suspect = null));
  }

  // Show what waits; whether there is something. The question that is open stays until it is answered or over.
  take(requests) {
    const waiting = requests.filter(({ id, expires }) => !this.#answered.has(id) && expires > this.#service.now());
    if (this.#isBusy) return true;
    this.#waiting = waiting;
    if (this.#request && !waiting.some(({ id }) => id === this.#request.id)) {
      this.#end("over", waiting.length ? "elsewhere-next" : "elsewhere");
    } else if (!this.#request && waiting.length) this.#open(waiting[0]);
    if (this.#request) this.#count();
    if (this.#request) this.#takeTime(waiting.find(({ id }) => id === this.#request.id));
    return this.#request !== null;
  }

  // Let something else to the front; the question comes again with the next `take`.
  putBack() {
    if (!this.#isBusy) this.#request = null;
  }

  tick() {
    if (!this.#request) return;
    const left = this.#request.expires - this.#service.now();
    showTimeLeft("request-left", left);
    this.#showCode();
    this.#offerMore();
    if (left <= 0 && !this.#isBusy) this.#end("over", "expired");
  }

  #open(request) {
    this.#request = request;
    clearError();
    showTexts("request", REQUEST_TEXTS, request);
    byId("request-time").textContent = moment(request.created);
    byId("request-time").dateTime = new Date(request.created * 1000).toISOString();
    byId("number-field").hidden = !request.number_length;
    byId("number").value = "";
    byId("number").removeAttribute("aria-invalid");
    byId("number").maxLength = request.number_length || 12;
    this.#offerAutomation(request);
    byId("request-code").open = false;
    byId("request-code").hidden = !this.#accounts.withCodeFor(request);
    byId("more").hidden = true;
    byId("hurry-text").textContent = "";
    this.#guardTap();
    this.#typed();
    this.tick();
    showScreen("request");
  }

  // That this answer be given by itself from now on; nothing is chosen until the person does.
  #offerAutomation({ automate }) {
    const choice = byId("automate-for");
    for (const option of choice.options) option.hidden = option.disabled = Number(option.value) > automate;
    choice.value = "0";
    byId("automate").hidden = !automate;
    byId("automate").open = false;
    byId("automate-network").checked = false;
    this.#showNetwork();
  }

  // The way in where the answer can't be sent: the code is typed at the computer, and the question ends by itself.
  async #showCode() {
    const account = this.#request && byId("request-code").open ? this.#accounts.withCodeFor(this.#request) : null;
    const code = account ? await groupedCode(this.#service.now(), account) : "";
    if (byId("request-otp").textContent !== code) byId("request-otp").textContent = code;
  }

  #showNetwork() {
    byId("automate-where").hidden = byId("automate-for").value === "0" || !this.#request?.address;
  }

  #wish() {
    const seconds = Number(byId("automate-for").value);
    if (byId("automate").hidden || !seconds) return {};
    return { automate: { seconds, network: !byId("automate-where").hidden && byId("automate-network").checked } };
  }

  // A request comes to the front at any moment: a tap that was meant for what was there before must not approve it.
  #guardTap() {
    this.#isGuarded = true;
    clearTimeout(this.#guard);
    this.#guard = setTimeout(() => {
      this.#isGuarded = false;
      this.#typed();
    }, TAP_GUARD);
  }

  #position() {
    return this.#waiting.findIndex(({ id }) => id === this.#request.id) + 1;
  }

  #count() {
    const total = this.#waiting.length;
    const hadFocus = document.activeElement === byId("request-next");
    byId("request-count").hidden = byId("request-next").hidden = total < 2;
    show(byId("request-count"), "count", { position: this.#position(), total });
    if (hadFocus && total < 2) byId("request-title").focus();
  }

  // After the last one comes the first. The title takes the focus, so that what is asked now is read out.
  #showNext() {
    if (this.#isBusy || this.#isGuarded || !this.#request || this.#waiting.length < 2) return;
    this.#open(this.#waiting[this.#position() % this.#waiting.length]);
    this.#count();
    byId("request-title").focus();
  }

  // Only digits, those of an Arabic or Persian keyboard too.
  #typed() {
    const number = byId("number");
    if (number.value) number.removeAttribute("aria-invalid");
    const digits = number.value.replace(/[٠-٩۰-۹]/g, (digit) => digit.charCodeAt(0) & 15).replace(/\D/g, "");
    if (number.value !== digits) number.value = digits;
    const isComplete = digits.length === (this.#request?.number_length ?? -1) || !this.#request?.number_length;
    byId("approve").disabled = this.#isBusy || this.#isGuarded || !isComplete;
    byId("deny").disabled = byId("report").disabled = this.#isBusy;
    number.readOnly = this.#isBusy;
  }

  // It may have been prolonged, here or at the computer; a list may be overtaken by that.
  #takeTime({ expires, latest = this.#request.latest }) {
    this.#request.expires = Math.max(this.#request.expires, expires);
    this.#request.latest = latest;
  }

  // In the last minute the person can ask for more time, where there is more.
  #offerMore() {
    const isOffered = mayTakeMore(this.#request, this.#service.now());
    const more = byId("more");
    if (more.hidden === !isOffered) return;
    const hadFocus = document.activeElement === more;
    more.hidden = !isOffered;
    byId("hurry-text").textContent = isOffered ? text("hurry") : "";
    if (hadFocus) byId(this.#request.number_length ? "number" : "request-title").focus();
  }

  async #extend() {
    const request = this.#request;
    if (this.#isBusy || !request) return;
    clearError();
    try {
      const reply = await this.#service.call("extend", { request: request.id });
      if (this.#request !== request) return;
      this.#takeTime(reply);
      this.tick();
      byId("hurry-text").textContent = text(request.latest > request.expires ? "more" : "last");
    } catch (error) {
      if (!["gone", "not_found"].includes(error.reason)) explain(error); // those are told when the list comes next
    }
  }

  async #answer(decision) {
    if (this.#isBusy || !this.#request) return;
    const request = this.#request;
    const number = decision === "allow" && request.number_length ? byId("number").value : "";
    const wish = this.#wish();
    clearError();
    this.#setBusy(true);
    try {
      const claims = { request: request.id, ...textsOf(REQUEST_TEXTS, request), decision, number, ...wish };
      const { state } = await this.#service.call("answer", claims);
      this.#isBusy = false;
      const key = state === "granted" ? "granted" : "denied";
      this.#end(key === "granted" ? "yes" : "no", wish.automate ? `${key}-from-now-on` : key);
    } catch (error) {
      this.#setBusy(false);
      this.#failed(error);
    }
  }

  #setBusy(isBusy) {
    this.#isBusy = isBusy;
    this.#typed();
  }

  #failed(error) {
    if (["gone", "not_found"].includes(error.reason)) return this.#end("over", "over");
    if (error.reason === "mismatch") return this.#end("no", "mismatch");
    if (error.reason !== "wrong_number") return explain(error, "error-unreachable-answer");
    if (error.attemptsLeft === 0) return this.#end("no", "refused");
    byId("number").value = "";
    this.#typed();
    byId("number").setAttribute("aria-invalid", "true");
    byId("number").focus();
    const key = this.#waiting.length > 1 ? "error-wrong-number-another" : "error-wrong-number";
    announceError(key, { left: error.attemptsLeft ?? "?" });
  }

  // "It wasn't me": asked once more, because the person's sign-ins are held up by it.
  #askReport(request) {
    if (this.#isBusy || !request) return;
    holdOutcome();
    this.#suspect = request;
    show(byId("report-title"), "report-title", request);
    byId("report-confirm").showModal();
  }

  async #report() {
    const request = this.#suspect;
    byId("report-confirm").close();
    clearError();
    this.#setBusy(true);
    try {
      await this.#service.call("report", { request: request.id, ...textsOf(REQUEST_TEXTS, request) });
      this.#setBusy(false);
      this.#end("no", "reported", request);
    } catch (error) {
      this.#setBusy(false);
      if (["gone", "not_found"].includes(error.reason)) this.#end("over", "over", request);
      else explain(error, "error-unreachable-answer");
    }
  }

  #end(mark, key, request = this.#request) {
    if (key !== "expired") this.#answered.add(request.id); // which the computer may just have prolonged
    this.#request = null;
    byId("number").value = "";
    byId("report-confirm").close();
    showOutcome(mark, key, request, key === "denied" ? () => this.#askReport(request) : null);
  }
}
