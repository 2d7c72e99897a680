// The page inside the iframe: opens its frame, shows where it stands, polls, and hands the signed postback to the site.
// It keeps no cookie. What proves later calls is the frame token, what reopens the frame after a reload is the binder.

import { Poll, backOff } from "../poll.js";
import { duration, mayTakeMore } from "../time.js";

const PERIOD = 1000; // milliseconds between polls
const page = document.body.dataset;
const element = (id) => document.getElementById(id);
let token = "";
let expires = 0;
let latest = 0; // until when it can be prolonged
let ahead = 0; // seconds by which the service's clock is ahead of this one
let isWarned = false; // that the time is running out
let patience = 0; // when a page that has to wait may go on, in milliseconds
let withheld = 0; // when the phone may be asked again, by the service's clock

function binder() {
  const key = `toopher:${page.ticket.split(":")[0].slice(0, 8)}:${location.search}`;
  const fresh = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  try {
    const kept = sessionStorage.getItem(key) ?? fresh;
    sessionStorage.setItem(key, kept);
    return kept;
  } catch {
    return fresh; // storage is blocked in this iframe: a reload then needs a new sign-in
  }
}

async function call(name, fields) {
  const options = { headers: { Authorization: `Frame ${token}` }, cache: "no-store" };
  if (fields) Object.assign(options, { method: "POST", body: new URLSearchParams(fields) });
  const response = await fetch(new URL(name, new URL(page.calls, location.href)), options);
  const reply = await response.json();
  if (response.ok) return reply;
  if (reply.token) token = reply.token; // a page that has to wait is given its token with the refusal
  const retryAfter = Number(response.headers.get("Retry-After")) || 1;
  throw Object.assign(new Error(reply.error_message), { reason: reply.reason, retryAfter });
}

function complain(text) {
  element("error").textContent = text ?? "";
  element("error").hidden = !text;
}

function show(name) {
  for (const section of document.querySelectorAll("[data-state]")) section.hidden = section.dataset.state !== name;
}

function current() {
  return document.querySelector("[data-state]:not([hidden])")?.dataset.state;
}

const heading = () => document.querySelector("[data-state]:not([hidden]) h1");

// Give the keyboard's focus to what takes the place of something that is gone, if this page has it.
function focusOn(target) {
  if (!document.hasFocus()) return;
  if (target?.matches("h1")) target.tabIndex = -1;
  target?.focus();
}

const screens = {
  pairing(state) {
    if (state.phrase) element("qr").removeAttribute("src"); // typing the words has made the link void
    if (state.qr) {
      element("qr").src = state.qr;
      element("pairing-link").href = state.link;
    }
    const byPhrase = !element("qr").getAttribute("src");
    for (const part of document.querySelectorAll(".by-link")) part.hidden = byPhrase;
    document.querySelector(".by-phrase").hidden = !byPhrase;
  },
  waiting(state) {
    for (const part of document.querySelectorAll(".numbered")) part.hidden = !state.number;
    document.querySelector(".tap").hidden = Boolean(state.number);
    offerList(state);
    const half = Math.ceil(state.number.length / 2);
    const shown = `${state.number.slice(0, half)} ${state.number.slice(half)}`.trim();
    // it is a live region: written again at each poll, it would be read out each time
    if (element("number").textContent !== shown) element("number").textContent = shown;
    takeTime(state);
  },
  withheld(state) {
    offerList(state);
    takeTime(state);
    withheld = state.now + state.wait;
  },
  code: takeTime,
  managing(state) {
    element("no-phones").hidden = state.phones.length > 0;
    element("pair-form").hidden = !state.enabled;
    element("pair-form").querySelector("button").className = state.phones.length ? "" : "primary";
    element("switched-off").hidden = state.enabled;
    element("reset-form").hidden = state.phones.length === 0 || state.keeps_one;
    element("kept").hidden = !(state.keeps_one && state.phones.length === 1);
    element("opt-out").hidden = !state.enabled || !state.may_opt_out;
    element("drastic").hidden = element("reset-form").hidden && element("opt-out").hidden;
    element("phones").replaceChildren(...state.phones.map(phoneItem));
    if (!element("kept").hidden) element("phones").querySelector("[data-call=remove]").hidden = true;
    element("standing").hidden = state.automations.length === 0;
    element("automations").replaceChildren(...state.automations.map(automationItem));
  },
};

function offerList({ listed }) {
  for (const part of document.querySelectorAll(".listed")) part.hidden = !listed;
  for (const part of document.querySelectorAll(".unlisted")) part.hidden = listed;
}

// A poll may be overtaken by the call that prolongs. Clocks that differ by a second or two only are left alone, so that
// the countdown does not jump.
function takeTime(state) {
  expires = Math.max(expires, state.expires);
  latest = state.latest;
  const difference = state.now - Math.floor(Date.now() / 1000);
  if (Math.abs(difference - ahead) > 2) ahead = difference;
}

const now = () => Math.floor(Date.now() / 1000) + ahead;

const day = (seconds) => new Date(seconds * 1000).toLocaleDateString(document.documentElement.lang, { dateStyle: "medium" });

function automationItem(automation) {
  const item = element("automation").content.cloneNode(true);
  for (const part of item.querySelectorAll(".allowed, .denied")) part.hidden = part.matches(".allowed") !== automation.allow;
  const where = automation.network ? `${automation.terminal} (${automation.network})` : automation.terminal;
  item.querySelector("strong").textContent = automation.action;
  item.querySelector(".where").textContent = where;
  item.querySelector(".until").textContent = page.until.replace("%s", day(automation.expires));
  item.querySelector("input").value = automation.id;
  return item;
}

// The service wants us to wait: with a token the page can then ask again by itself.
function hold(error) {
  poll.stop();
  complain();
  patience = Date.now() + error.retryAfter * 1000;
  element("hold-text").textContent = error.message;
  element("hold-again").hidden = !token;
  show("hold");
  element("status").textContent = error.message;
  countDown();
}

function phoneItem(phone) {
  const item = element("phone").content.cloneNode(true);
  const facts = [page.paired.replace("%s", day(phone.paired))];
  if (phone.used) facts.push(page.used.replace("%s", day(phone.used)));
  item.querySelector("strong").textContent = phone.name;
  item.querySelector(".muted").textContent = facts.join(", ");
  item.querySelector("[name=name]").value = phone.name;
  for (const field of item.querySelectorAll("[name=pairing]")) field.value = phone.id;
  return item;
}

async function follow(state) {
  poll.stop();
  if (state.token) token = state.token;
  if (state.state === "paired") return ask();
  if (state.state === "finished") return finish(state);
  if (state.state === "new") state.state = "managing";
  screens[state.state]?.(state);
  if (current() !== state.state) {
    const hadFocus = document.activeElement?.closest("[data-state]");
    show(state.state);
    complain(); // what was wrong before is over
    countDown();
    element("status").textContent = heading()?.textContent ?? "";
    if (hadFocus) focusOn(heading());
  }
  if (["waiting", "withheld", "code", "pairing"].includes(state.state)) poll.in(PERIOD);
  return undefined;
}

// The phone was paired here just now; next it is asked.
async function ask() {
  try {
    return await follow(await call("ask", {}));
  } catch (error) {
    if (error.reason !== "too_many") throw error;
    return hold(error);
  }
}

const poll = new Poll(async () => {
  try {
    const state = await call("state");
    if (page.lost === element("error").textContent) complain();
    await follow(state);
  } catch (error) {
    complain(error.reason ? error.message : page.lost);
    if (!error.reason || error.reason === "too_many") poll.in(backOff(1, error, 3 * PERIOD));
  }
});

function finish(state) {
  complain();
  element("problem").textContent = state.problem ?? "";
  // a proposal: it is for the site to say what came of it
  show(state.proposed ? "loading" : state.granted ? "granted" : state.reported ? "reported" : "refused");
  if (page.return) {
    // At top level the result goes back behind "#", where no log sees it.
    const result = encodeURIComponent(new URLSearchParams(state.postback).toString());
    location.replace(`${page.return}#toopher=${result}`);
    return;
  }
  const hand = () => tell({ status: "toopher-api-complete", payload: state.postback });
  hand();
  setInterval(hand, 1000); // again, in case that the page around has not begun to listen
}

// A message to an origin that is not the parent's is dropped by the browser, so each registered one is tried.
function tell(message) {
  if (page.return) return; // there is no page around
  const text = JSON.stringify(message); // a text: published pages parse it (PROTOCOL.md §3.3)
  for (const origin of page.origins.split(" ")) window.parent.postMessage(text, origin || location.origin);
}

const content = document.querySelector("main");
new ResizeObserver(() => tell({ status: "toopher-height", height: content.offsetHeight + 2 })).observe(content);

function confirmed(name) {
  const dialog = element("confirm");
  for (const part of dialog.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== name;
  dialog.returnValue = ""; // Escape would leave the last one
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const name = form.dataset.call;
  if (!name) return; // the dialog's own
  event.preventDefault();
  if ("confirm" in form.dataset && !(await confirmed(name))) return;
  const button = form.querySelector("button");
  const hadFocus = document.activeElement === button;
  button.disabled = true;
  complain();
  try {
    const state = await call(name, new FormData(form));
    await follow(name === "phrase" ? { ...state, phrase: true } : state);
    if (name === "extend" && state.state === current()) tellMore();
  } catch (error) {
    if (error.reason === "too_many" && name === "ask") hold(error);
    else if (error.reason === "gone" && name === "extend") poll.now(); // which tells how it ended
    else complain(error.reason ? sentence(error) : page.lost);
    form.querySelector("input:not([type=hidden])")?.select();
  } finally {
    button.disabled = false;
    countDown();
    if (hadFocus && name === "extend") focusOn(form.hidden ? heading() : button);
  }
});

// An error in words, with the time to wait where there is one.
function sentence(error) {
  return error.reason === "too_many" ? `${error.message} ${page.wait.replace("%s", duration(error.retryAfter))}` : error.message;
}

function tellMore() {
  const said = [page.more.replace("%s", duration(expires - now()))];
  if (latest <= expires) said.push(page.last);
  element("status").textContent = said.join(". ");
}

// In the last minute the person can ask for more time, where there is more.
function offerMore() {
  const isOffered = ["waiting", "code"].includes(current()) && mayTakeMore({ expires, latest }, now());
  for (const form of document.querySelectorAll(".more")) {
    const hadFocus = form.contains(document.activeElement);
    form.hidden = !isOffered;
    if (form.hidden && hadFocus) focusOn(heading());
  }
}

// Later than what else is said when a state begins, so that both are heard.
function warn() {
  const isOffered = !document.querySelector(".more").hidden;
  if (isOffered && !isWarned) element("status").textContent = page.hurry;
  isWarned = isOffered;
}

function countDown() {
  if (current() === "hold") {
    const left = Math.max(0, Math.ceil((patience - Date.now()) / 1000));
    element("hold-left").textContent = left ? page.wait.replace("%s", duration(left)) : "";
    element("hold-again").querySelector("button").disabled = left > 0;
  }
  if (current() === "withheld") {
    const left = Math.max(0, withheld - now());
    element("withheld-line").hidden = !left;
    element("withheld-left").textContent = duration(left);
    element("withheld-ask").disabled = left > 0;
  }
  for (const part of document.querySelectorAll(".countdown")) part.textContent = expires ? duration(expires - now()) : "";
  offerMore();
}

setInterval(() => {
  countDown();
  warn();
}, 500);

try {
  await follow(await call("open", { ticket: page.ticket, binder: binder() }));
} catch (error) {
  if (error.reason === "too_many") hold(error);
  else {
    show("none");
    complain(error.reason ? error.message : page.gone);
  }
}
