"""Counts what crossed when a page got the feed with the browser's own means, way by way."""

from __future__ import annotations

from collections import defaultdict

from wslab.net.feeds.clients import WAYS
from wslab.net.feeds.trial import Traffic
from wslab.wire import Capture, Unit
from wslab.wire.protocol import parse_head


def page_traffic(capture: Capture) -> dict[str, Traffic]:
    """By way: what a browser's page of the feed's own server has sent and got so far.

    A browser uses a connection again, for another way too: what counts is the path of the last
    request on it.
    """
    capture.index.update()
    of_path = {way.path: name for name, way in WAYS.items()}
    now: dict[int, str | None] = {}
    found: defaultdict[str, list[Unit]] = defaultdict(list)
    for row in capture.index.rows():
        unit = capture.index.unit(row.number)
        if unit.kind == "request":
            head = parse_head(unit.data)
            path = head.first_line.split(" ")[1].partition("?")[0] if " " in head.first_line else ""
            # A frame without an origin of its own is a cell's, and no page of the server.
            is_page = "Mozilla" in (head.get("User-Agent") or "") and head.get("Origin") != "null"
            now[unit.connection] = of_path.get(path) if is_page else None
        if (way := now.get(unit.connection)) is not None:
            found[way].append(unit)
    return {way: Traffic.of(found[way]) for way in WAYS if way in found}
