"""nginx where TLS ends, in front of a server without TLS: with and without the lines it needs."""

from __future__ import annotations

from wslab.net.programs import Nginx
from wslab.net.tls.authority import Authority

LINES = {
    "the version": "proxy_http_version 1.1;",
    "Upgrade": "proxy_set_header Upgrade $http_upgrade;",
    "Connection": 'proxy_set_header Connection "upgrade";',
}
"""What nginx must be told to pass a WebSocket on, by what each line is about."""

_SERVER = """\
server {{
    listen 127.0.0.1:{{port}} ssl;
    ssl_certificate chain.pem;
    ssl_certificate_key key.pem;
    location / {{
        proxy_pass http://127.0.0.1:{port};
{lines}
    }}
}}"""


def configuration(port: int, forgotten: str = "") -> str:
    """The block `server`: TLS ends here, and a plain server at `port` gets the request.

    `forgotten` names the one of `LINES` that is missing, if any. `Nginx` fills in `{port}`.
    """
    lines = (line for name, line in LINES.items() if name != forgotten)
    return _SERVER.format(port=port, lines="\n".join(f"        {line}" for line in lines))


def tls_ends(port: int, authority: Authority, name: str, forgotten: str = "") -> Nginx:
    """An nginx with that configuration, not started yet."""
    issued = authority.issue()
    files = {"chain.pem": issued.chain, "key.pem": issued.key}
    return Nginx(configuration(port, forgotten), name, files=files, secure=True)
