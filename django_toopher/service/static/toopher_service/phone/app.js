// The authenticator's page: what comes to the front when, and the asking every two seconds.

import { announce, byId, clearError, explain, guessedName, on, show, showScreen, text } from "./page.js";
import { PairScreen, PhraseScreen } from "./pairing.js";
import { Accounts } from "./accounts.js";
import { AutomationsScreen } from "./automations.js";
import { Notifications } from "./notifications.js";
import { Poll, backOff } from "../poll.js";
import { RequestScreen } from "./request.js";
import { Service } from "./service.js";
import { makeKey } from "./jws.js";
import { openStore } from "./store.js";
import { outcomeIs, outcomeIsShown, prepareOutcome, showOutcome } from "./outcome.js";

const PERIOD = 2000;
const LONGEST_PERIOD = 30_000;

const { page, api, worker, pushKey } = document.body.dataset;

class App {
  #service;
  #store;
  #accounts;
  #requestScreen;
  #pairScreen;
  #phraseScreen;
  #automationsScreen;
  #notifications;
  #waiting = { requests: [], pairings: [] };
  #failures = 0;
  #poll = new Poll(() => this.#ask(), () => !document.hidden && this.#service.isRegistered);
  #isReconciled = false;
  #hasComplained = false;

  constructor(service, store) {
    this.#service = service;
    this.#store = store;
    this.#accounts = new Accounts(service, store, () => this.#showState());
    this.#requestScreen = new RequestScreen(service, this.#accounts);
    this.#pairScreen = new PairScreen(service, store, (id) => this.#hasPaired(id));
    this.#phraseScreen = new PhraseScreen(service, () => this.#next());
    this.#automationsScreen = new AutomationsScreen(service, () => this.#next());
    this.#notifications = new Notifications(service, store, pushKey, () => this.#showState());
    prepareOutcome(() => this.#next());
    on("make-phrase", "click", () => this.#begin(byId("make-phrase"), () => this.#makePhrase()));
    on("show-automations", "click", () => this.#begin(byId("show-automations"), () => this.#automationsScreen.open()));
  }

  async start() {
    byId("device-name").value = this.#service.deviceName ?? (await guessedName());
    await this.#accounts.render();
    this.#next();
    setInterval(() => this.#tick(), 500);
    addEventListener("hashchange", () => this.#followFragment());
    addEventListener("online", () => this.#poll.now());
    document.addEventListener("visibilitychange", () => this.#wakeUp());
    navigator.serviceWorker?.addEventListener("message", () => this.#wakeUp());
    await this.#followFragment();
    this.#poll.now();
  }

  // Once the worker is there.
  notify() {
    return this.#notifications.start();
  }

  #wakeUp() {
    this.#isReconciled = false;
    this.#poll.now();
  }

  // A pairing link is used once and must not stay in the history or be sent along.
  async #followFragment() {
    const link = /^#pair=(.+)$/.exec(location.hash)?.[1];
    if (!link) return;
    history.replaceState(null, "", location.pathname + location.search);
    await this.#begin(null, async () => {
      await this.#pairScreen.follow(decoded(link));
      if (this.#pairScreen.isOpen) this.#requestScreen.putBack();
    });
  }

  // Something that needs a registered phone. The first time, the phone makes itself known.
  async #begin(button, act) {
    clearError();
    const patience = setTimeout(() => announce(text("looking")), 500);
    if (button) button.disabled = true;
    try {
      if (!this.#service.isRegistered) {
        await this.#service.register(byId("device-name").value.trim() || (await guessedName()));
      }
      await act();
    } catch (error) {
      explain(error);
    }
    if (button) button.disabled = false;
    clearTimeout(patience);
    announce("");
    this.#showState();
    this.#poll.now();
  }

  async #makePhrase() {
    await this.#phraseScreen.make();
    this.#next();
  }

  async #hasPaired(id) {
    await this.#accounts.added(id);
    navigator.storage?.persist?.(); // or a browser short of space may drop the key
  }

  // Bring to the front what is most urgent. How something ended stays until it was read.
  #next() {
    if (outcomeIsShown()) return;
    const { requests, pairings } = this.#waiting;
    const isAsked = this.#pairScreen.isOpen
      ? this.#pairScreen.take(pairings)
      : this.#requestScreen.take(requests) || this.#pairScreen.take(pairings);
    if (this.#pairScreen.isOpen) this.#phraseScreen.close();
    if (isAsked) this.#accounts.closeQuestion(); // which would lie over what is asked
    else if (!outcomeIsShown()) showScreen(this.#standing());
  }

  // Where the person was, while nothing is asked.
  #standing() {
    if (this.#phraseScreen.isOpen) return "phrase";
    return this.#automationsScreen.isOpen ? "automations" : "home";
  }

  #tick() {
    this.#accounts.tick();
    this.#requestScreen.tick();
    this.#pairScreen.tick();
    this.#phraseScreen.tick();
  }

  // Ask what waits; milliseconds until the next time.
  async #ask() {
    try {
      const agreed = this.#accounts.agreed(); // before the call: what is agreed meanwhile is not in its reply
      this.#waiting = await this.#service.call("pending");
      this.#next();
      await this.#settle(agreed);
      if (!this.#isReconciled) await this.#reconcile();
      this.#setFailures(0);
      return PERIOD;
    } catch (error) {
      if (error.reason !== "unreachable" && !this.#hasComplained) explain(error);
      this.#hasComplained ||= error.reason !== "unreachable";
      this.#setFailures(this.#failures + 1, error.reason);
      return backOff(this.#failures, error, PERIOD, LONGEST_PERIOD);
    }
  }

  // Pairings that waited for their site: tell what became of them.
  async #settle(agreed) {
    const waiting = new Set(this.#waiting.agreed.map(({ id }) => id));
    for (const { account, isPaired } of await this.#accounts.settle(agreed.filter(({ id }) => !waiting.has(id)))) {
      const key = isPaired ? "paired" : "unfinished";
      if (outcomeIs("agreed")) showOutcome(isPaired ? "yes" : "over", key, account);
      else announce(`${text(key, account)}. ${text(`${key}-text`, account)}`, 6000);
    }
  }

  async #reconcile() {
    await this.#accounts.reconcile();
    await this.#notifications.clear();
    this.#isReconciled = true;
  }

  // Tell of a lost connection, and of nothing when it is back.
  #setFailures(failures, reason) {
    const hadFailed = this.#failures > 0;
    this.#failures = failures;
    if (reason === "unreachable") announce(text(this.#accounts.count ? "offline-codes" : "offline"));
    else if (hadFailed && !failures) announce("");
    if (!failures && this.#hasComplained) clearError();
    if (!failures) this.#hasComplained = false;
    this.#showState();
  }

  #showState() {
    const { isRegistered, deviceName } = this.#service;
    byId("waiting").hidden = !isRegistered || this.#failures > 0 || !this.#accounts.count;
    this.#notifications.showState(isRegistered && this.#accounts.count > 0);
    byId("show-automations").hidden = !isRegistered || !this.#accounts.count;
    byId("naming").hidden = isRegistered;
    byId("named").hidden = !isRegistered;
    if (isRegistered) show(byId("named"), "device-named", { name: deviceName });
    // `standalone` is iOS's own; there the page has to be on the home screen first
    byId("home-screen-hint").hidden = navigator.standalone !== false;
  }
}

function decoded(link) {
  try {
    return decodeURIComponent(link);
  } catch {
    return link;
  }
}

function refuse(reason) {
  byId("unsupported-text").textContent = text(reason);
  showScreen("unsupported");
}

// Offer to install where the browser lets a page do that.
function offerInstall() {
  addEventListener("beforeinstallprompt", (event) => {
    event.preventDefault();
    byId("install").hidden = false;
    byId("install").onclick = () => event.prompt();
  });
  addEventListener("appinstalled", () => (byId("install").hidden = true));
}

// Let the page be opened without a network: the worker keeps the files that this page was made of.
async function keepOffline() {
  if (!navigator.serviceWorker) return;
  await navigator.serviceWorker.register(worker, { scope: page, updateViaCache: "none" });
  const { active } = await navigator.serviceWorker.ready;
  const own = [api, worker].map((path) => new URL(path, location.href).href);
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  active.postMessage({ files: loaded.filter((name) => !own.some((start) => name.startsWith(start))) });
}

async function main() {
  if (!isSecureContext || !globalThis.crypto?.subtle) return refuse("unsupported-insecure");
  let store, self;
  try {
    store = await openStore(page);
    self = await store.self();
  } catch {
    return refuse("unsupported-storage");
  }
  try {
    self ??= await store.keepFirst(await makeKey());
  } catch (error) {
    return refuse(error.name === "NotSupportedError" ? "unsupported-crypto" : "unsupported-storage");
  }
  offerInstall();
  const app = new App(new Service(new URL(api, location.href), store, self), store);
  await app.start();
  await keepOffline()
    .then(() => app.notify())
    // the page works without a worker; it only needs the network, and is woken up by nobody
    .catch(() => {});
}

main();
