// What is answered without asking: the list, and its removal.

import { announce, byId, clearError, explain, moment, on, show, showScreen, text, visible } from "./page.js";

export class AutomationsScreen {
  #service;
  #left;
  #isOpen = false;

  constructor(service, left) {
    this.#service = service;
    this.#left = left;
    on("automations-back", "click", () => this.#leave());
  }

  get isOpen() {
    return this.#isOpen;
  }

  async open() {
    await this.#render();
    this.#isOpen = true;
    showScreen("automations");
  }

  #leave() {
    this.#isOpen = false;
    clearError();
    this.#left();
  }

  async #render() {
    const { automations } = await this.#service.call("automations");
    byId("no-automations").hidden = automations.length > 0;
    byId("automations").replaceChildren(...automations.map((automation) => this.#item(automation)));
  }

  #item(automation) {
    const element = byId("automation").content.firstElementChild.cloneNode(true);
    const fill = (part, key, words) => show(element.querySelector(`.automation-${part}`), key, words);
    element.dataset.automation = automation.id;
    fill("answer", `automation-${automation.answer}`, automation);
    element.querySelector(".automation-requester bdi").textContent = visible(automation.requester);
    element.querySelector(".automation-user bdi").textContent = visible(automation.user);
    fill("terminal", automation.network ? "automation-in-network" : "automation-at", {
      terminal: automation.terminal,
      network: automation.network,
    });
    const times = { end: moment(automation.expires), used: automation.last_used && moment(automation.last_used) };
    fill("times", automation.last_used ? "automation-used" : "automation-until", times);
    element.querySelector("button").addEventListener("click", (event) => this.#remove(automation, event.target));
    return element;
  }

  async #remove({ id }, button) {
    clearError();
    button.disabled = true;
    try {
      await this.#service.call("automation-remove", { automation: id });
    } catch (error) {
      button.disabled = false;
      if (error.reason !== "not_found") return explain(error);
    }
    try {
      await this.#render();
    } catch (error) {
      explain(error);
    }
    byId("automations-title").focus();
    announce(text("automation-removed"), 6000);
  }
}
