"""Each answer to an offer, met by the real client, and judged by the wire's own rules."""

from __future__ import annotations

import pytest

from wslab.net import FaultyServer, Tap
from wslab.net.cases import EXTENSIONS, SUBPROTOCOLS
from wslab.wire.protocol import Agreement

BROKEN = {
    "not-offered": ["subprotocol-not-offered"],
    "unasked": ["subprotocol-not-offered"],
    "other-case": ["subprotocol-not-offered"],
    "list": ["subprotocol-not-offered"],
    "two-fields": ["response-subprotocol-repeated"],
    "other-extension": ["extension-not-offered"],
    "unknown-parameter": ["deflate-parameter-unknown"],
    "window-of-16-bits": ["deflate-value-invalid"],
    "agreed-twice": ["deflate-accepted-twice"],
}


@pytest.mark.parametrize("case", (SUBPROTOCOLS | EXTENSIONS).values(), ids=lambda case: case.name)
def test_the_client_opens_what_the_rfc_lets_it_open(case, capture):
    with FaultyServer(case) as server, Tap(server.port, capture) as tap:
        met = server.meet(tap.url, compression=Agreement() if case.name in EXTENSIONS else None)
    assert ("opened" in met.outcome) == (case.expected == 101)
    broken = [violation.rule for violation in capture.index.unit(1).violations]
    assert broken == BROKEN.get(case.name, [])
