// A guest with the WebSocket of Node itself, which has the browser's API: it says what it hears.
"use strict";

const socket = new WebSocket(url);

socket.onopen = () => console.log("open");
socket.onmessage = (event) => console.log("message", event.data);
socket.onerror = () => console.log("error");
socket.onclose = (event) => console.log(`close ${event.code} ${event.wasClean ? "clean" : "not clean"}`);
