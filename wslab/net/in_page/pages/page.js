// A page of the lab's, for one experiment: it carries it out, and tells the lab what it found.

import { EXPERIMENTS } from "./experiments.js";

const query = new URLSearchParams(location.search);

/** What an experiment has: where the tap is, a line to the lab, and what to say on the page. */
const lab = {
  query,
  tap: `ws://127.0.0.1:${query.get("tap")}`,
  say: (text) => (document.getElementById("said").textContent = text),

  /** Asks the lab a question, by a WebSocket of its own; its answer. */
  ask(question) {
    return new Promise((resolve, reject) => {
      const line = new WebSocket(`ws://${location.host}/lab?ticket=${query.get("ticket")}`);
      line.onopen = () => line.send(JSON.stringify(question));
      line.onmessage = ({ data }) => {
        line.close();
        resolve(JSON.parse(data));
      };
      line.onerror = () => reject(new Error("the lab does not answer"));
    });
  },

  /** The same experiment on another page of the lab's: its address. */
  page(path, more = {}, host = location.host) {
    return `http://${host}${path}?${new URLSearchParams({ ...Object.fromEntries(query), ...more })}`;
  },
};

document.documentElement.dataset.theme = query.get("theme") ?? "";

async function run() {
  let told;
  try {
    const answers = await EXPERIMENTS[query.get("run")](lab);
    if (!answers) return; // it goes on in another page
    told = { do: "answers", answers };
  } catch (error) {
    told = { do: "failed", why: `${error.name}: ${error.message}` };
  }
  await lab.ask(told);
  lab.say(`Done: the notebook has the answers.${window === window.top ? " You can close this tab." : ""}`);
  if (window === window.top) window.close(); // if a script opened it, and nothing else was in it
}

run();
