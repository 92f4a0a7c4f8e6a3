import { h, say, set } from "../../live/static/elements.js";
import { Page } from "../../live/static/page.js";
import { plural } from "../../live/static/words.js";
import { pageIsLocal } from "./route.js";

/** @import { AnyModel, RenderProps } from "@anywidget/types" */

/** @typedef {{ result: "ok" | "warn" | "fail" | "waiting", found: string, remedy?: string }} Outcome */

const SIGNS = { ok: "✓", warn: "!", fail: "✕", waiting: "…" };
const ROUND_TRIPS = 5;
const PATIENCE = 10_000; // ms to wait for the kernel, which may be busy with other cells
const REACH = 5_000; // ms to wait for a WebSocket on loopback

/** The kernel's checks, and those that only a page can make. */
class DoctorView {
  /** @type {Map<string, { element: HTMLElement, show: (outcome: Outcome) => void }>} by the name of the check */
  #rows = new Map();
  /** @type {WebSocket | null} */
  #socket = null;
  #running = 0; // counts the runs of the page's checks; an older run's outcome is not shown
  #gone = false;
  /** @type {Map<number, (main: boolean) => void>} number of a ping -> what to do when it is answered */
  #pongs = new Map();
  #pings = 0;

  /** @param {AnyModel} model */
  constructor(model) {
    this.model = model;
    this.page = new Page(model);
    this.summary = h("strong", { role: "status" });
    this.body = h("tbody");
    const heading = (/** @type {string} */ text) => h("th", { scope: "col" }, text);
    this.root = h("div", { class: "wslab ws-doctor", "data-wslab": "doctor", "data-lm-suppress-shortcuts": "true" },
      h("div", { class: "ws-bar" },
        h("span", { class: "ws-title" }, "this machine"), h("span", { class: "ws-gap" }), this.summary,
        h("button", { type: "button", "data-action": "again", onclick: () => this.#run() }, "Check again")),
      h("table", {},
        h("caption", { class: "ws-unseen" }, "What was checked, and what to do where it failed"),
        h("thead", { class: "ws-unseen" }, h("tr", {}, heading("result"), heading("check"), heading("found"))),
        this.body));
  }

  /** Shows the view and makes the page's checks; returns what takes it away. @param {HTMLElement} el */
  open(el) {
    const { model } = this;
    model.on("msg:custom", ({ page, pong, main }) => {
      if (page !== this.page.name) return;
      this.#pongs.get(pong)?.(main);
      this.#pongs.delete(pong);
    });
    const showKernels = () => {
      for (const check of model.get("_checks")) this.#show(check.name, check);
    };
    model.on("change:_checks", showKernels);
    el.append(this.root);
    showKernels();
    this.#run();
    return () => {
      this.#gone = true;
      this.#socket?.close();
    };
  }

  /** @param {string} name @param {Outcome} outcome */
  #show(name, outcome) {
    if (!this.#rows.has(name)) {
      const row = checkRow(name);
      this.#rows.set(name, row);
      this.body.append(row.element);
    }
    this.#rows.get(name).show(outcome);
    const count = (/** @type {string} */ result) =>
      [...this.#rows.values()].filter(({ element }) => element.dataset.result === result).length;
    say(this.summary, count("fail") ? `${count("fail")} failed: the arrow says what to do`
      : count("waiting") ? "checking …"
        : count("warn") ? `nothing failed, ${plural(count("warn"), "thing")} to know about`
          : "everything works");
  }

  // -- what the page checks -----------------------------------------------------------------

  #run() {
    const mine = ++this.#running;
    const shown = (/** @type {string} */ name) => (/** @type {Outcome} */ outcome) => {
      if (this.#gone || mine !== this.#running) return;
      this.#show(name, outcome);
      if (outcome.result !== "waiting") this.page.ask({ do: "found", name, ...outcome });
    };
    shown("widgets")({ result: "waiting", found: "a message is on its way to the kernel …" });
    this.#roundTrips(shown("widgets"));
    const url = this.model.get("_url");
    if (!url) return;
    shown("browser")({ result: "waiting", found: `opening ${url} from this page …` });
    this.#reach(url).then(shown("browser"));
  }

  /** @returns {Promise<{ main: boolean, ms: number }>} whether the kernel's main thread answered, and when */
  #ping() {
    const number = ++this.#pings;
    const start = performance.now();
    return new Promise((resolve) => {
      this.#pongs.set(number, (main) => resolve({ main, ms: performance.now() - start }));
      this.page.ask({ do: "ping", number });
    });
  }

  /** @param {(outcome: Outcome) => void} outcome */
  async #roundTrips(outcome) {
    const late = setTimeout(() => outcome({
      result: "fail", found: `the kernel has not answered for ${PATIENCE / 1000} s`,
      remedy: "restart the kernel and run this cell alone",
    }), PATIENCE);
    const times = [];
    let last;
    for (let trip = 0; trip < ROUND_TRIPS; trip += 1) {
      last = await this.#ping();
      clearTimeout(late); // it lives; an answer that came late takes the failure back
      times.push(last.ms);
    }
    times.sort((a, b) => a - b);
    const middle = times[times.length >> 1].toFixed(1);
    const thread = last.main ? "its main thread" : "another thread than its cells";
    outcome({
      result: "ok",
      found: `page → kernel → page in ${middle} ms (median of ${times.length}), answered on ${thread}`,
    });
  }

  /** Opens a real WebSocket from this page, and has one message come back. @param {string} url @returns {Promise<Outcome>} */
  #reach(url) {
    return new Promise((resolve) => {
      const start = performance.now();
      const text = `Hello from this page ${Math.random().toString(36).slice(2)}`;
      let opened = 0;
      const unreached = (/** @type {string} */ why) => resolve({ result: "warn", ...meaning(url, why) });
      const late = setTimeout(() => unreached(`no answer within ${REACH / 1000} s`), REACH);
      try {
        this.#socket?.close();
        const socket = (this.#socket = new WebSocket(url));
        socket.onopen = () => {
          opened = performance.now();
          socket.send(text);
        };
        socket.onmessage = ({ data }) => {
          clearTimeout(late);
          const came = performance.now();
          socket.close(1000);
          if (data !== text) {
            unreached("what answers there is not the echo server");
            return;
          }
          const ms = (/** @type {number} */ from, /** @type {number} */ to) => (to - from).toFixed(1);
          resolve({
            result: "ok",
            found: `this page, in ${browserName()}, opened ${url} in ${ms(start, opened)} ms, echo in ${ms(opened, came)} ms`,
          });
        };
        socket.onclose = ({ code }) => {
          clearTimeout(late);
          // After the echo this changes nothing: a promise is settled once.
          unreached(`closed with code ${code}${opened ? "" : " before it opened"}`);
        };
      } catch (error) {
        clearTimeout(late);
        unreached(`${error.name}: ${error.message}`);
      }
    });
  }
}

/** A check in the table. @param {string} name */
function checkRow(name) {
  const sign = h("span", { "aria-hidden": "true", class: "ws-doctor-sign" });
  const word = h("span");
  const text = h("span");
  const arrow = h("div", { class: "ws-doctor-remedy" });
  const element = h("tr", { "data-check": name },
    h("td", { class: "ws-doctor-result" }, sign, word), h("th", { scope: "row" }, name), h("td", {}, text, arrow));
  return {
    element,
    /** @param {Outcome} outcome */
    show({ result, found, remedy }) {
      set(element, "data-result", result);
      say(sign, SIGNS[result]);
      say(word, result);
      say(text, found);
      say(arrow, remedy ? `→ ${remedy}` : "");
      arrow.hidden = !remedy;
    },
  };
}

/** The browser that this page is in: "Firefox 153". */
function browserName() {
  const { userAgent } = navigator;
  // Edge and Opera call themselves Chrome too, and Chrome Safari: the first that fits is the one.
  const sign = ["Edg", "OPR", "Firefox", "Chrome", "Version"].find((name) => userAgent.includes(`${name}/`));
  const [, version] = userAgent.match(`${sign}/(\\d+)`) ?? [];
  const name = { Edg: "Edge", OPR: "Opera", Version: "Safari" }[sign] ?? sign;
  return version ? `${name} ${version}` : "a browser without a name";
}

/** What it means that the page could not reach the kernel's machine. @param {string} url @param {string} why */
function meaning(url, why) {
  const local = pageIsLocal();
  const where = local
    ? `This page could not reach ${url} (${why}): something on this machine blocks it, or the ` +
      "kernel is on another machine and only JupyterLab's own port is forwarded to you."
    : `This page could not reach ${url} (${why}). That is normal here: it comes from ` +
      `${location.host}, so your browser and the kernel are on different machines.`;
  const works =
    " The lessons work all the same, as their panels talk over the kernel's own channel; only " +
    "the steps with the browser's own WebSocket need this.";
  const remedy = local
    ? "allow connections to 127.0.0.1 in your browser's extensions and your firewall"
    : "for those steps, run the lessons on your own machine";
  return { found: where + works, remedy };
}

/** @param {RenderProps} context */
function render({ model, el }) {
  return new DoctorView(model).open(el);
}

export default { render };
