"""Kill a chat's server again and again in mid-conversation: what is lost, and what is doubled?

    python benchmarks/resume.py [--kills 100] [--seed 0]

Two clients talk through a server in a process of its own, which gets SIGKILL at a moment that
chance decides and is started again over the same file. A message is lost if it is missing in the
file or with one of the clients in the end, and doubled if it is there twice. Wanted: 0 and 0.
"""

from __future__ import annotations

import argparse

from wslab.net.resume import survive


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    (told,) = survive(options.kills, seed=options.seed).values()
    print(
        f"{told.kills} kills, {told.said} messages, {told.connected} connections, "
        f"{told.seconds:.0f} s: {told.lost} lost, {told.doubled} doubled, "
        f"{told.out_of_order} out of order"
    )


if __name__ == "__main__":
    main()
