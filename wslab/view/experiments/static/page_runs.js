// The experiments that only a page can run: each function resolves to lines about the result.

export const PAGE_RUNS = { fetch: fetchWithHeaders };

/** `fetch` with the headers of a WebSocket's opening handshake, which no browser lets a script set. */
async function fetchWithHeaders({ url, headers }) {
  const request = new Request(url, { headers });
  const wanted = Object.keys(headers);
  const kept = wanted.filter((name) => request.headers.has(name));
  const asked = `Of the ${wanted.length} headers that the script asked for, the browser kept ${kept.join(", ") || "none"}.`;
  try {
    const response = await fetch(request, { signal: AbortSignal.timeout(5000) });
    return [asked, `The server answered ${response.status}: an HTTP answer, and no WebSocket.`];
  } catch (error) {
    return [asked, `${error.name}: ${error.message}. The wire view shows what the server answered.`];
  }
}
