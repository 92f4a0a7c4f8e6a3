// Makes Node as it was before version 22: without a WebSocket of its own.
delete globalThis.WebSocket;
