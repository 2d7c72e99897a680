// A support run's page: presses its own "Carry on" button again and again, and shows how far it is.
//
//   <form id="run" data-text="{settled} of {total} done"> … <button id="step"> … </form>
//
// It begins by itself after an action or a confirmation (#go) of the very person (data-own), else when the button is
// pressed. Without this script the button does one step for each press.

const form = document.getElementById("run");
const button = document.getElementById("step");
const status = document.getElementById("status");
const progress = document.getElementById("progress");
const IDLE = 1500; // milliseconds until we ask again when somebody else is at all that is left

let running = false;

function show({ total, pending }) {
  const settled = total - pending;
  progress.value = settled;
  status.textContent = form.dataset.text.replace("{settled}", settled).replace("{total}", total);
}

async function step() {
  const body = new FormData(form);
  body.set("press", "step");
  const response = await fetch(location.pathname, {
    method: "POST",
    headers: { Accept: "application/json" },
    body,
    redirect: "error", // a login page is no answer
  });
  if (!response.ok) throw new Error(response.status);
  return response.json();
}

async function run() {
  running = true;
  button.textContent = form.dataset.pause;
  try {
    while (running) {
      const counts = await step();
      show(counts);
      if (!counts.pending || !running) return location.replace(location.pathname); // the page with the results so far
      if (!counts.settled) await new Promise((go) => setTimeout(go, IDLE));
    }
  } catch {
    status.textContent = form.dataset.error;
  }
  running = false;
  button.textContent = form.dataset.go;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) running = false;
  else run();
});

if (location.hash === "#go" && "own" in form.dataset) run(); // nobody is made to carry on by a link
