import { Page, h, plural, say, set } from "../../live/static/elements.js";

const SIGNS = { ok: "✓", warn: "!", fail: "✕", waiting: "…" };
const ROUND_TRIPS = 5;
const PATIENCE = 10_000; // ms to wait for the kernel, which may be busy with other cells
const REACH = 5_000; // ms to wait for a WebSocket on loopback

function render({ model, el }) {
  const page = new Page(model);
  const rows = new Map(); // name of a check -> its row
  let socket = null;
  let running = 0; // counts the runs of the page's checks; an older run's outcome is not shown
  let gone = false;
  const pongs = new Map(); // number of a ping -> what to do when it is answered
  let pings = 0;

  // -- what there is to see -----------------------------------------------------------------

  const summary = h("span", { class: "ws-doctor-summary", role: "status" });
  const again = h("button", { type: "button", "data-action": "again", onclick: run }, "Check again");
  const body = h("tbody");
  const heading = (text) => h("th", { scope: "col", class: "ws-title" }, text);
  const root = h(
    "div",
    { class: "wslab ws-doctor", "data-wslab": "doctor", "data-lm-suppress-shortcuts": "true" },
    h(
      "div",
      { class: "ws-bar" },
      h("span", { class: "ws-title" }, "this machine"),
      h("span", { class: "ws-gap" }),
      summary,
      again,
    ),
    h(
      "table",
      {},
      h("caption", { class: "ws-unseen" }, "What was checked, and what to do where it failed"),
      h("thead", { class: "ws-unseen" },
        h("tr", {}, heading("result"), heading("check"), heading("found"))),
      body,
    ),
  );

  function show({ name, result, found, remedy }) {
    let row = rows.get(name);
    if (!row) {
      row = {
        sign: h("span", { "aria-hidden": "true", class: "ws-doctor-sign" }),
        word: h("span"),
        found: h("span"),
        remedy: h("div", { class: "ws-doctor-remedy" }),
      };
      row.element = h(
        "tr",
        { "data-check": name },
        h("td", { class: "ws-doctor-result" }, row.sign, row.word),
        h("th", { scope: "row" }, name),
        h("td", {}, row.found, row.remedy),
      );
      rows.set(name, row);
      body.append(row.element);
    }
    set(row.element, "data-result", result);
    say(row.sign, SIGNS[result] ?? "");
    say(row.word, result);
    say(row.found, found);
    say(row.remedy, remedy ? `→ ${remedy}` : "");
    row.remedy.hidden = !remedy;
    summarise();
  }

  function summarise() {
    const count = (result) =>
      [...rows.values()].filter((row) => row.element.dataset.result === result).length;
    const text = count("fail")
      ? `${count("fail")} failed: the arrow says what to do`
      : count("waiting")
        ? "checking …"
        : count("warn")
          ? `nothing failed, ${plural(count("warn"), "thing")} to know about`
          : "everything works";
    say(summary, text);
  }

  function showKernels() {
    for (const check of model.get("_checks")) show(check);
  }

  // -- what the page checks -----------------------------------------------------------------

  function run() {
    running += 1;
    const mine = running;
    const shown = (name) => (outcome) => {
      if (gone || mine !== running) return;
      show({ name, ...outcome });
      if (outcome.result !== "waiting") page.ask({ do: "found", name, ...outcome });
    };
    shown("widgets")({ result: "waiting", found: "a message is on its way to the kernel …" });
    roundTrips(shown("widgets"));
    const url = model.get("_url");
    if (!url) return;
    shown("browser")({ result: "waiting", found: `opening ${url} from this page …` });
    reach(url).then(shown("browser"));
  }

  function ping() {
    pings += 1;
    const number = pings;
    const start = performance.now();
    return new Promise((resolve) => {
      pongs.set(number, (main) => resolve({ main, ms: performance.now() - start }));
      page.ask({ do: "ping", number });
    });
  }

  async function roundTrips(outcome) {
    const late = setTimeout(
      () =>
        outcome({
          result: "fail",
          found: `the kernel has not answered for ${PATIENCE / 1000} s`,
          remedy: "restart the kernel and run this cell alone",
        }),
      PATIENCE,
    );
    const times = [];
    let last;
    for (let trip = 0; trip < ROUND_TRIPS; trip += 1) {
      last = await ping();
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

  model.on("msg:custom", (message) => {
    if (message.page !== page.name) return;
    const answered = pongs.get(message.pong);
    pongs.delete(message.pong);
    answered?.(message.main);
  });

  /** Opens a real WebSocket from this page, and has one message come back. */
  function reach(url) {
    return new Promise((resolve) => {
      const start = performance.now();
      const text = `Hello from this page ${Math.random().toString(36).slice(2)}`;
      let opened = 0;
      const unreached = (why) => resolve({ result: "warn", ...meaning(url, why) });
      const late = setTimeout(() => unreached(`no answer within ${REACH / 1000} s`), REACH);
      try {
        socket?.close();
        const mine = (socket = new WebSocket(url));
        mine.onopen = () => {
          opened = performance.now();
          mine.send(text);
        };
        mine.onmessage = ({ data }) => {
          clearTimeout(late);
          const came = performance.now();
          mine.close(1000);
          if (data !== text) {
            unreached("what answers there is not the echo server");
            return;
          }
          const ms = (from, to) => (to - from).toFixed(1);
          resolve({
            result: "ok",
            found: `this page opened ${url} in ${ms(start, opened)} ms, echo in ${ms(opened, came)} ms`,
          });
        };
        mine.onclose = ({ code }) => {
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

  model.on("change:_checks", showKernels);
  el.append(root);
  showKernels();
  run();
  return () => {
    gone = true;
    socket?.close();
  };
}

/** What it means that the page could not reach the kernel's machine. */
function meaning(url, why) {
  const local = ["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
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

export default { render };
