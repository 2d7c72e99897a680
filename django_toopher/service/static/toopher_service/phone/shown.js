// The texts that a phone shows and signs with its answer, described once (docs/authenticator.rst).
// The names are those of the service's shown.py; page.html has a place for each, with its label.

import { byId, visible } from "./page.js";

export const PAIRING_TEXTS = ["requester", "user"];
export const REQUEST_TEXTS = [...PAIRING_TEXTS, "action", "terminal", "address"];

// Put each into #{screen}-{name}. A blank one is left out, with its label.
export function showTexts(screen, names, question) {
  for (const name of names) {
    byId(`${screen}-${name}`).textContent = visible(question[name]);
    byId(`${screen}-${name}`).closest("div").hidden = !question[name];
  }
}

// What is signed: each as the service told it.
export function textsOf(names, question) {
  return Object.fromEntries(names.map((name) => [name, question[name]]));
}
