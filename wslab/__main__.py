"""The entry point of the command `wslab` and of `python -m wslab`."""

import os
import signal
import sys


def main() -> int:
    """Run `wslab` with the process's own arguments. Returns the exit status."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Ctrl-C while modules are imported would else be a traceback. A command that has something
        # to bring to its end has a handler of its own.
        signal.signal(signal.SIGINT, _leave)
    from wslab import cli

    return cli.main()


def _leave(*_: object) -> None:
    os.write(2, b"wslab: interrupted\n")
    os._exit(130)


if __name__ == "__main__":
    sys.exit(main())
