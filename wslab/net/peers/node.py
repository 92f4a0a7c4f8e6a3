"""A server and clients on Node's `ws`, controlled from outside, if Node and `ws` are installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wslab.net.node import NodeMissing, find_node
from wslab.net.peers.process import ProcessPeers

SCRIPT = Path(__file__).with_name("ws_peers.js")


class NodePeers(ProcessPeers):
    """A server and clients on `ws`, in two Node processes: one may crash without the other.

    `reset` keeps the processes for the next play. Raises `NodeMissing`.
    """

    name = "ws"

    def __init__(self) -> None:
        self.found = find_node()
        super().__init__([self.found.node, str(SCRIPT), str(self.found.ws)])

    def send_in_each_state(self, url: str, hanging: str) -> dict[str, str]:
        """What `send` does in each state, with the server at `url`; the server at `hanging` must
        never answer."""
        return dict(self._order("send_in_each_state", "client", url=url, hanging=hanging))


class NodeOwnPeers(ProcessPeers):
    """Clients on Node's own WebSocket, the API of browsers.

    Raises `NodeMissing`; `connect` does, too, where Node is too old to have one.
    """

    name = "WebSocket"

    def __init__(self) -> None:
        found = find_node()
        super().__init__([found.node, str(SCRIPT), str(found.ws), self.name])

    def _order(self, order: str, who: str, **details: Any) -> Any:
        answer = super()._order(order, who, **details)
        if order == "connect" and answer is not None and not isinstance(answer, str):
            raise NodeMissing(answer["problem"])
        return answer
