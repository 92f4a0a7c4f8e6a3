"""Panels with buttons: clients, the browser's own WebSocket, the chat, the doctor."""
