// The screen that says how something ended. It leaves by itself after a while.

import { announce, byId, clearError, on, show, showScreen, text } from "./page.js";

const READING_TIME = 4000;
const LONG_READING_TIME = 10_000;

let timer;
let isShown = false;
let shown = ""; // which of the texts
let leave = () => {};

export function prepareOutcome(afterwards) {
  leave = () => {
    clearTimeout(timer);
    isShown = false;
    announce("");
    afterwards();
  };
  on("done-back", "click", leave);
}

// Whether it is there and was not read yet.
export function outcomeIsShown() {
  return isShown;
}

export const outcomeIs = (key) => isShown && shown === key;

// `mark` is "yes", "no" or "over". `report` is what to do when the person says that this was not theirs.
export function showOutcome(mark, key, words, report = null) {
  isShown = true;
  shown = key;
  byId("done-report").hidden = !report;
  byId("done-report").onclick = report;
  clearError();
  document.querySelector("[data-screen=done] .outcome").dataset.outcome = mark;
  show(byId("done-title"), key, words);
  show(byId("done-text"), `${key}-text`, words);
  byId("done-about").hidden = !key.startsWith("granted");
  show(byId("done-about"), "about", words);
  announce(`${text(key, words)}. ${text(`${key}-text`, words)}`);
  showScreen("done", { focus: byId("done-back") });
  clearTimeout(timer);
  timer = setTimeout(() => leave(), mark === "yes" || ["elsewhere-next", "agreed"].includes(key) ? READING_TIME : LONG_READING_TIME);
}

// The person has something to decide here: do not leave by itself.
export function holdOutcome() {
  clearTimeout(timer);
}
