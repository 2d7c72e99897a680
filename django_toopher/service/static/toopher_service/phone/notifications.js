// Being woken up: the browser's push subscription, which the service is told. Without it the page only polls.

import { announceError, byId, clearError, explain, on, text } from "./page.js";
import { base64url } from "./jws.js";

const TAG = "question"; // the worker's

export class Notifications {
  #service;
  #store;
  #key;
  #changed;
  #isPossible = false;
  #isOn = false;

  // `key` is the service's public key, blank where push is switched off; `changed` is called when it went on or off.
  constructor(service, store, key, changed) {
    this.#service = service;
    this.#store = store;
    this.#key = key;
    this.#changed = changed;
    on("notify", "click", () => this.#toggle());
  }

  // Once the worker is there. The browser may have made another subscription since the last visit.
  async start() {
    this.#isPossible = Boolean(this.#key) && "PushManager" in window && "Notification" in window;
    if (!this.#isPossible) return;
    const { notify } = await this.#store.self();
    // what fails is tried again at the next visit; until then the button offers it
    if (notify && Notification.permission === "granted") await this.#subscribe().catch(() => {});
    this.#changed();
  }

  showState(isPaired) {
    byId("notify").hidden = !this.#isPossible || !isPaired || Notification.permission === "denied";
    byId("notify").textContent = text(this.#isOn ? "notify-stop" : "notify");
    byId("waiting").textContent = text(this.#isOn ? "ready-notified" : "ready");
  }

  // What was announced is on the page now, or over.
  async clear() {
    const worker = await navigator.serviceWorker?.getRegistration();
    for (const notification of (await worker?.getNotifications({ tag: TAG })) ?? []) notification.close();
  }

  async #toggle() {
    clearError();
    byId("notify").disabled = true;
    try {
      await (this.#isOn ? this.#unsubscribe() : this.#begin());
    } catch (error) {
      if (error.reason) explain(error);
      else announceError("error-notify");
    }
    byId("notify").disabled = false;
    this.#changed();
  }

  async #begin() {
    if ((await Notification.requestPermission()) === "granted") await this.#subscribe();
  }

  async #subscribe() {
    const { pushManager } = await navigator.serviceWorker.ready;
    const kept = await pushManager.getSubscription();
    const isOurs = kept && base64url(new Uint8Array(kept.options.applicationServerKey)) === this.#key;
    // SECRET_KEY was changed; browsers refuse a second key beside the first
    if (kept && !isOurs) await kept.unsubscribe();
    const options = { userVisibleOnly: true, applicationServerKey: this.#key };
    const { endpoint, keys } = (isOurs ? kept : await pushManager.subscribe(options)).toJSON();
    await this.#service.call("push", { endpoint, p256dh: keys.p256dh, auth: keys.auth, key: this.#key });
    await this.#keep(true);
  }

  async #unsubscribe() {
    const { pushManager } = await navigator.serviceWorker.ready;
    await this.#service.call("push-remove");
    await (await pushManager.getSubscription())?.unsubscribe();
    await this.#keep(false);
  }

  async #keep(notify) {
    this.#isOn = notify;
    await this.#store.update({ notify });
  }
}
