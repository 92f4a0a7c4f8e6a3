"""What a client or server is told of permessage-deflate, as options of the library.

None: no compression. "deflate": as the library has it by default (a client offers it, a server
answers with windows of 12 bits). An `Agreement`: these four parameters, of which a client makes its
offer and a server its answer (RFC 7692 §7.1).
"""

from __future__ import annotations

from typing import Any

from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

from wslab.net.errors import WrongValue
from wslab.wire.protocol import Agreement

Compression = str | Agreement | None


def check_compression(compression: object) -> None:
    """Raise `WrongValue` for what neither a client nor a server can do."""
    if isinstance(compression, Agreement):
        bits = compression.server_max_window_bits, compression.client_max_window_bits
        if all(isinstance(one, int) and 9 <= one <= 15 for one in bits):
            return
        raise WrongValue(f"expected window bits from 9 to 15 (zlib makes no other), got {bits}")
    if compression not in (None, "deflate"):
        raise WrongValue(
            f"expected compression as None, 'deflate' or an Agreement (RFC 7692), got "
            f"{compression!r}"
        )


def server_options(compression: Compression) -> dict[str, Any]:
    """The options of the library's `serve`."""
    if not isinstance(compression, Agreement):
        return {"compression": compression}
    factory = ServerPerMessageDeflateFactory(**_parameters(compression))
    return {"compression": None, "extensions": [factory]}


def client_options(compression: Compression) -> dict[str, Any]:
    """The options of the library's `connect`."""
    if not isinstance(compression, Agreement):
        return {"compression": compression}
    parameters = _parameters(compression)
    # Without a number it says that the client can keep to a smaller window (RFC 7692 §7.1.2.2).
    parameters["client_max_window_bits"] = parameters["client_max_window_bits"] or True
    return {"compression": None, "extensions": [ClientPerMessageDeflateFactory(**parameters)]}


def _parameters(agreed: Agreement) -> dict[str, Any]:
    """As the library's factories have them: None for the largest window, which is not named."""
    bits = ("server_max_window_bits", "client_max_window_bits")
    return {
        name: None if name in bits and value == 15 else value
        for name, value in agreed._asdict().items()
    }
