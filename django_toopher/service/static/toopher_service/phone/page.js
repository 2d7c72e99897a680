// What is on the page: texts, screens, and the two places where things are announced.

import { duration } from "../time.js";

const texts = document.getElementById("texts").content;
const language = document.documentElement.lang || undefined;

export const byId = (id) => document.getElementById(id);

export function on(id, type, act) {
  byId(id).addEventListener(type, act);
}

// A text of the page's, with words put in for {those in braces}.
export function text(key, words = {}) {
  return parts(key, words).map(([part]) => part).join("");
}

// The same as nodes: each word is in a <bdi> of its own, so that it can't turn the sentence around.
export function show(element, key, words = {}) {
  const nodes = parts(key, words).map(([part, isWord]) => {
    if (!isWord) return part;
    const word = document.createElement("bdi");
    word.textContent = part;
    return word;
  });
  element.replaceChildren(...nodes);
}

function parts(key, words) {
  const template = texts.querySelector(`[data-text="${key}"]`).textContent;
  return template.split(/\{(\w+)\}/).map((part, index) => (index % 2 ? [visible(words[part]), true] : [part, false]));
}

// A text from elsewhere as it may be shown: one line, and no character that hides or reorders others.
export function visible(words) {
  return String(words ?? "")
    .replace(/[\s\u0085]+/gu, " ")
    .replace(/[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\p{Cs}/gu, "\ufffd")
    .trim();
}

let shown = null;

// Bring one screen to the front. Its title takes the focus, so that it is read out and the keyboard starts there.
export function showScreen(name, { focus } = {}) {
  if (name === shown) return;
  for (const screen of document.querySelectorAll("[data-screen]")) screen.hidden = screen.dataset.screen !== name;
  document.body.dataset.showing = name;
  const isFirst = shown === null;
  shown = name;
  window.scrollTo(0, 0);
  if (!isFirst) (focus ?? document.querySelector(`[data-screen="${name}"] h1`)).focus({ preventScroll: true });
}

let fading;

// `lasting` milliseconds, or until something else is announced.
export function announce(words, lasting) {
  clearTimeout(fading);
  if (lasting) fading = setTimeout(announce, lasting, "");
  if (byId("message").textContent !== words) byId("message").textContent = words;
}

export function announceError(key, words) {
  byId("error").textContent = "";
  show(byId("error"), key, words);
}

export function clearError() {
  byId("error").textContent = "";
}

// An error of a call in the person's words.
export function explain(error, unreachable = "error-unreachable") {
  if (error.reason === "unreachable") return announceError(unreachable);
  if (error.reason === "too_many") {
    return announceError("error-too-many", { message: error.message, time: nextMinute(error.retryAfter || 30) });
  }
  if (["bad_signature", "clock"].includes(error.reason)) return announceError(`error-${error.reason}`);
  return announceError("error-other", { message: error.message });
}

export function showTimeLeft(id, seconds) {
  show(byId(id), "time-left", { time: duration(seconds) });
}

// When something happened: the time, and the day unless it is today.
export function moment(seconds) {
  const then = new Date(seconds * 1000);
  const isToday = then.toDateString() === new Date().toDateString();
  return then.toLocaleString(language, { timeStyle: "short", ...(isToday ? {} : { dateStyle: "medium" }) });
}

function nextMinute(wait) {
  return moment(Math.ceil((Date.now() / 1000 + wait) / 60) * 60);
}

// The phone's own name, as far as the browser tells it.
export async function guessedName() {
  const agent = navigator.userAgent;
  const hints = await navigator.userAgentData?.getHighEntropyValues?.(["model"]).catch(() => null);
  if (hints?.model) return hints.model.slice(0, 100);
  const gadget = /\b(iPhone|iPad|iPod)\b/.exec(agent);
  if (gadget) return gadget[1];
  const find = (names) => names.find(([, pattern]) => pattern.test(agent))?.[0];
  // in this order: most browsers name Chrome and Safari too, and Android names Linux
  const browser = find([["Edge", /Edg/], ["Opera", /OPR/], ["Samsung Internet", /SamsungBrowser/], ["Firefox", /Firefox|FxiOS/],
    ["Chrome", /Chrome|CriOS/], ["Safari", /Safari/]]) ?? "Browser";
  const system = find([["Android", /Android/], ["Windows", /Windows/], ["macOS", /Mac OS X/], ["ChromeOS", /CrOS/], ["Linux", /Linux/]]);
  return system ? text("device-name", { browser, system }) : browser;
}
