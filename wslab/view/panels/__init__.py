"""What a reader clicks on: clients, the browser's own WebSocket, the chat, the doctor."""
