// What this phone keeps, in IndexedDB: itself (key, id, name, clock) and its accounts. Keys are CryptoKeys that can't be
// read out again, by this page neither.

const SELF = "self";

export async function openStore(page) {
  const opening = indexedDB.open(`toopher-phone ${page}`, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore("phone");
    opening.result.createObjectStore("accounts", { keyPath: "id" });
  };
  return new Store(await settled(opening));
}

class Store {
  #database;

  constructor(database) {
    this.#database = database;
    database.onversionchange = () => database.close(); // or this tab keeps a newer page from opening it
  }

  // This phone: {key, jwk, id, name, offset}. `key` and `jwk` are there from the first visit, `id` once registered.
  self() {
    return this.#run("phone", "readonly", (phone) => phone.get(SELF));
  }

  // Two tabs may both make a key on the first visit: the first one kept is everybody's.
  async keepFirst(fresh) {
    await this.#change((kept) => kept ?? fresh);
    return this.self();
  }

  update(changes) {
    return this.#change((kept) => ({ ...kept, ...changes }));
  }

  accounts() {
    return this.#run("accounts", "readonly", (accounts) => accounts.getAll());
  }

  // {id, requester, user, added, key, digits, period, isAgreed}; no `key` where the code's seed is not known. `isAgreed`
  // where this phone has said yes and the site not yet.
  keepAccount(account) {
    return this.#run("accounts", "readwrite", (accounts) => accounts.put(account));
  }

  // The same for an account that may be kept already, with its key: then nothing changes.
  noteAccount(account) {
    return this.#run("accounts", "readwrite", (accounts) => {
      const looking = accounts.getKey(account.id);
      looking.onsuccess = () => looking.result ?? accounts.put(account);
      return looking;
    });
  }

  forgetAccount(id) {
    return this.#run("accounts", "readwrite", (accounts) => accounts.delete(id));
  }

  #change(changed) {
    return this.#run("phone", "readwrite", (phone) => {
      const reading = phone.get(SELF);
      reading.onsuccess = () => phone.put(changed(reading.result), SELF);
      return reading;
    });
  }

  // The request's result, once the whole transaction is on the disk.
  async #run(name, mode, act) {
    const transaction = this.#database.transaction(name, mode);
    const request = act(transaction.objectStore(name));
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
    return request.result;
  }
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error);
  });
}
