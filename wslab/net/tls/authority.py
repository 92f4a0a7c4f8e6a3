"""A certificate authority that is made for one run, in a private folder, and gone after it.

Nobody knows it but its own `client` contexts, and programs that are given its `certificate`. Its
signing key is never written; the folder goes even if the kernel is killed, by `keeper.py`.
"""

from __future__ import annotations

import datetime
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Self, get_args

from wslab.net import registry
from wslab.net.address import LOOPBACK
from wslab.net.errors import NotRunning, WrongValue
from wslab.net.packages import extra
from wslab.net.programs.program import KEEPER, PATIENCE

Fault = Literal["", "unknown authority", "wrong host", "expired", "old TLS"]
"""What is wrong with a server: nothing, its certificate, or that it speaks TLS 1.2 at most."""

FAULTS: tuple[Fault, ...] = get_args(Fault)

HOSTS = (LOOPBACK, "localhost")
"""What the certificates are for, unless another host is asked for."""

OTHER_HOST = "elsewhere.example"
"""What a certificate for the wrong host is for."""

DAY = datetime.timedelta(days=1)


class Issued(NamedTuple):
    """A certificate with its key, both in PEM (RFC 7468)."""

    chain: bytes
    key: bytes


class Authority:
    """A certificate authority with a private folder: `start` makes both, `stop` removes both.

    A second start or stop does nothing. `start` raises `PackageMissing` where trustme is not
    installed, and replaces a running authority of the same name.
    """

    kind: ClassVar[str] = "authority"

    def __init__(self, name: str = "lab") -> None:
        self.name = name
        self._folder: Path | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._ca: Any = None
        self._stranger: Any = None

    # --- Its life

    def start(self) -> Self:
        """Make the authority, and the folder with its certificate."""
        if self._ca is not None:
            return self
        with extra("production"):
            import trustme
        registry.register(self.kind, self.name, self)
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="wslab-tls-"))  # mode 0700
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", str(KEEPER), str(self._folder)],
                stdin=subprocess.PIPE,
                start_new_session=True,
            )
            self._ca, self._stranger = trustme.CA(), trustme.CA()
            self.file.write_bytes(self.certificate)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Forget the keys, and wait until the folder is gone."""
        keeper, self._keeper = self._keeper, None
        self._ca = self._stranger = self._folder = None
        if keeper is not None:
            assert keeper.stdin is not None
            keeper.stdin.close()
            keeper.wait(PATIENCE)
        registry.unregister(self)

    def forget(self) -> None:
        """In a forked child: it is the parent's, and must not live as long as the child."""
        keeper, self._keeper, self._folder = self._keeper, None, None
        if keeper is not None and keeper.stdin is not None:
            keeper.stdin.close()

    # --- What it gives away

    @property
    def folder(self) -> Path:
        """Its private folder (mode 0700), for whatever must be in a file. Raises `NotRunning`."""
        if self._folder is None:
            raise NotRunning(f"authority {self.name!r} does not exist yet: call start() first")
        return self._folder

    @property
    def file(self) -> Path:
        """The file of its own certificate: who is given it trusts what the authority signs."""
        return self.folder / "authority.pem"

    @property
    def certificate(self) -> bytes:
        """Its own certificate, in PEM. There is no secret in it."""
        return bytes(self._running(self._ca).cert_pem.bytes())

    def issue(self, fault: Fault = "", *hosts: str) -> Issued:
        """A certificate for `hosts`, or for this machine, with a fault: see `FAULTS`."""
        if fault not in FAULTS:
            raise WrongValue(f"expected one of {', '.join(map(repr, FAULTS))}, got {fault!r}")
        names = (OTHER_HOST,) if fault == "wrong host" else hosts or HOSTS
        signer = self._running(self._stranger if fault == "unknown authority" else self._ca)
        now = datetime.datetime.now(datetime.UTC)
        issued = signer.issue_cert(
            *names,
            not_before=now - 5 * DAY,
            not_after=now - DAY if fault == "expired" else now + DAY,
        )
        chain = b"".join(one.bytes() for one in issued.cert_chain_pems)
        return Issued(chain, issued.private_key_pem.bytes())

    def server(self, fault: Fault = "", *hosts: str) -> ssl.SSLContext:
        """A context for a server: ``EchoServer(tls=authority.server())``. See `issue`."""
        issued = self.issue(fault, *hosts)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if fault == "old TLS":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        # `load_cert_chain` takes a file only (cpython issue 60691).
        file = self.folder / "server.pem"
        try:
            file.write_bytes(issued.key + issued.chain)
            context.load_cert_chain(file)
        finally:
            file.unlink(missing_ok=True)
        return context

    def client(self, *, newest_only: bool = False) -> ssl.SSLContext:
        """A context for a client that trusts this authority and no other.

        `newest_only`: it wants TLS 1.3, and nothing older.
        """
        context = ssl.create_default_context(cadata=self.certificate.decode())
        if newest_only:
            context.minimum_version = ssl.TLSVersion.TLSv1_3
        return context

    def _running(self, signer: Any) -> Any:
        _ = self.folder  # raises if it does not run
        return signer

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Authority {self.name!r}: {'running' if self._ca else 'not running'}>"
