// The calls of the authenticator's API (docs/authenticator.rst).

import { freshId, sign } from "./jws.js";

const PATIENCE = 10_000;
const CLOCK_SLACK = 5;

// `reason` is one of the contract's slugs, or "unreachable" when no reply of the service came.
class ServiceError extends Error {
  constructor(reason, reply = {}, retryAfter = 0) {
    super(typeof reply.error_message === "string" ? reply.error_message : reason);
    this.reason = reason;
    this.attemptsLeft = reply.attempts_left;
    this.retryAfter = retryAfter;
  }
}

export class Service {
  #base;
  #store;
  #self;
  #hasAskedAnew = false;

  constructor(base, store, self) {
    this.#base = base;
    this.#store = store;
    this.#self = self;
  }

  get isRegistered() {
    return Boolean(this.#self.id);
  }

  get deviceName() {
    return this.#self.name;
  }

  // Seconds since the epoch, by the service's clock as far as it is known.
  now() {
    return Date.now() / 1000 + (this.#self.offset ?? 0);
  }

  async register(name) {
    const { id } = await this.#send("register", { jwk: this.#self.jwk }, { name });
    await this.#keep({ id, name });
  }

  // A registered phone's call. A service that does not know this phone (any more) is told its key, once.
  async call(name, claims = {}) {
    const { id } = this.#self;
    try {
      return await this.#send(name, { kid: id }, claims);
    } catch (error) {
      if (error.reason !== "bad_signature" || this.#hasAskedAnew) throw error;
      this.#hasAskedAnew = true;
      await this.register(this.#self.name);
      if (this.#self.id === id) throw error;
      return this.#send(name, { kid: this.#self.id }, claims);
    }
  }

  async #send(name, header, claims, isRetry = false) {
    const url = new URL(name, this.#base).href;
    const standard = { aud: url, iat: Math.floor(this.now()), jti: freshId() };
    const body = await sign(this.#self.key, header, { ...claims, ...standard });
    const [response, reply] = await post(url, body);
    await this.#learnClock(reply.now);
    if (response.ok) return reply;
    if (reply.reason === "clock" && !isRetry) return this.#send(name, header, claims, true);
    throw new ServiceError(reply.reason, reply, Number(response.headers.get("Retry-After")) || 0);
  }

  async #learnClock(now) {
    if (!Number.isInteger(now)) return;
    const difference = now - Math.floor(Date.now() / 1000);
    const offset = Math.abs(difference) > CLOCK_SLACK ? difference : 0;
    if (Math.abs(offset - (this.#self.offset ?? 0)) > 1) await this.#keep({ offset }); // rounding is no change
  }

  async #keep(changes) {
    Object.assign(this.#self, changes);
    await this.#store.update(changes);
  }
}

// The response and its JSON. Anything else than the service's own reply (no network, a proxy's page) is "unreachable".
async function post(url, body) {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/jose" },
      body,
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
    });
    const reply = await response.json();
    if (reply === null || typeof reply !== "object" || (!response.ok && typeof reply.reason !== "string")) {
      throw new TypeError("not a reply of the service");
    }
    return [response, reply];
  } catch (error) {
    throw new ServiceError("unreachable", { error_message: String(error) });
  }
}
