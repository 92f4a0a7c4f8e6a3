"""A thousand clients lose their server: how many come back in the busiest tenth of a second?

    python benchmarks/jitter.py [--clients 1000] [--rounds 3] [--away 5]

The server is a process of its own, is killed, and is started again `away` seconds later; what is
printed is its own count of the connections that it accepted. Once all clients wait 0.1, 0.2, 0.4 …
10 s, and once each waits any time up to that (full jitter), in turns. The clients are one process;
before the loss they connect 50 at a time. Wanted: jitter makes the peak at least five times lower.
"""

from __future__ import annotations

import argparse
import resource
import statistics

from wslab.net.resume import BIN, back_off, full_jitter, lose_server

TRIES = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--away", type=float, default=5.0)
    options = parser.parse_args()
    # Twice as many sockets as clients: those of before the loss are closed late.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    peaks: dict[str, list[int]] = {"back_off": [], "full_jitter": []}
    for _ in range(options.rounds):
        for wait in (back_off, full_jitter):
            # As the lab's formula, which begins with 0.05 s, but up to 10 s.
            waits = [
                [2 * wait(failed, 5.0) for failed in range(TRIES)] for _ in range(options.clients)
            ]
            name = wait.__name__
            (told,) = lose_server({name: waits}, options.away).values()
            peaks[name].append(told.peak)
            print(
                f"{name:12} {told.peak:4} in the busiest {BIN:g} s, {told.refused:,} tries in vain,"
                f" slowest handshake {1000 * told.slowest:.0f} ms, all back after {told.over:.1f} s"
            )
    together, apart = (statistics.median(one) for one in peaks.values())
    print(f"the median peak falls {together / apart:.1f}-fold, from {together:g} to {apart:g}")


if __name__ == "__main__":
    main()
