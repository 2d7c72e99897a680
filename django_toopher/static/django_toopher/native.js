// Our own page while it waits for the phone: asks the site how far it is, says so, and goes on by the page's own form.
// Nobody looks at a hidden page, so it does not ask. Without JavaScript the person presses the form's button.

const POLL = 2000; // milliseconds
const page = document.querySelector("[data-poll]");
const status = document.getElementById("toopher_status");
let clock = 0;
let isLeaving = false; // a form is on its way: what the person did comes first, and a poll must not overtake it

function say(text) {
  if (status.textContent !== text) status.textContent = text;
}

async function progress() {
  const response = await fetch(page.dataset.poll, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (response.status >= 500) throw new Error(response.statusText); // a 4xx is an answer: it is over
  return response.json();
}

function advance({ state, granted }) {
  if (granted) say(page.dataset.approved);
  else if (state === "answered" || state === "denied") say(page.dataset.denied);
  if (state === "paired") say(page.dataset.paired);
  HTMLFormElement.prototype.submit.call(document.getElementById("toopher_go_on")); // the site says what became of it
}

async function poll() {
  clock = 0;
  try {
    const found = await progress();
    if (isLeaving) return undefined;
    if (found.state !== page.dataset.state && found.state !== "hold") return advance(found);
    if (status.textContent === page.dataset.lost) say(page.dataset.waiting);
  } catch {
    say(page.dataset.lost); // offline, or the site is: try on
  }
  return wait();
}

function wait() {
  if (!document.hidden && !clock && !isLeaving) clock = setTimeout(poll, POLL);
}

// Until the phone may be asked again; without JavaScript the page says so in minutes, and the button tells the rest.
function countDown(button) {
  const until = Date.now() + Number(button.dataset.wait) * 1000;
  const tick = () => {
    const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    button.disabled = left > 0;
    if (left) document.getElementById("toopher_left").textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    else document.getElementById("toopher_wait")?.remove();
    if (left) setTimeout(tick, 500);
  };
  tick();
}

for (const button of document.querySelectorAll("[data-wait]")) countDown(button);

if (page) {
  page.dataset.waiting = status.textContent;
  document.addEventListener("submit", () => (isLeaving = true));
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) isLeaving = false; // back from where the form led
    if (persisted) wait();
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? (clock = clearTimeout(clock) ?? 0) : wait()));
  wait();
}
