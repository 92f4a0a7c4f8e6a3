// A WebTransport session: a message on a stream, some in datagrams, and what comes back.

async function talk() {
  const { url, hash } = await (await fetch("session.json")).json();
  const certificate = { algorithm: "sha-256", value: new Uint8Array(hash) };
  const session = new WebTransport(url, { serverCertificateHashes: [certificate] });
  await session.ready;
  const said = [`stream: “${await echoOnAStream(session, "Hello")}” came back`];
  said.push(`datagrams: ${await echoDatagrams(session, 20)} of 20 came back`);
  session.close();
  return said;
}

async function echoOnAStream(session, text) {
  const stream = await session.createBidirectionalStream();
  const writer = stream.writable.getWriter();
  await writer.write(new TextEncoder().encode(text));
  writer.close();
  return new Response(stream.readable).text(); // reads to its end
}

async function echoDatagrams(session, count) {
  const came = readDatagrams(session, count); // read at once: those that nobody takes are dropped
  const writer = session.datagrams.writable.getWriter();
  for (let number = 0; number < count; number++) await writer.write(new Uint8Array([number]));
  return came;
}

async function readDatagrams(session, count) {
  const reader = session.datagrams.readable.getReader();
  const enough = new Promise((resolve) => setTimeout(resolve, 2000, { done: true }));
  let came = 0;
  while (came < count && !(await Promise.race([reader.read(), enough])).done) came++;
  return came;
}

const state = document.getElementById("state");

document.getElementById("session").addEventListener("submit", async (event) => {
  event.preventDefault();
  const list = document.getElementById("said");
  list.replaceChildren();
  if (!("WebTransport" in window)) {
    state.textContent = "This browser has no WebTransport";
    return;
  }
  state.textContent = "Open …";
  try {
    for (const line of await talk()) list.append(Object.assign(document.createElement("li"), { textContent: line }));
    state.textContent = "Done";
  } catch (error) {
    state.textContent = `It failed: ${error.message}`;
  }
});
