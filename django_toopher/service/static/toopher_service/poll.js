// Asks again and again, one question at a time.

export class Poll {
  #ask;
  #isWanted;
  #isAsking = false;
  #timer;

  // `ask` gives the milliseconds until the next time, or nothing where that is said by `in`.
  constructor(ask, isWanted = () => true) {
    this.#ask = ask;
    this.#isWanted = isWanted;
  }

  async now() {
    this.stop();
    if (this.#isAsking || !this.#isWanted()) return;
    this.#isAsking = true;
    const wait = await this.#ask();
    this.#isAsking = false;
    if (wait) this.in(wait);
  }

  in(wait) {
    this.stop();
    this.#timer = setTimeout(() => this.now(), wait);
  }

  stop() {
    clearTimeout(this.#timer);
  }
}

// The milliseconds to wait after this many failures in a row, and not less than the service said with the last one.
export function backOff(failures, { retryAfter = 0 }, shortest, longest = shortest) {
  return Math.max(retryAfter * 1000, Math.min(shortest * 2 ** (failures - 1), longest));
}
