#!/usr/bin/env python3
"""How much more one, two and three servers over one PostgreSQL answer, beside one server with a data folder.

    python3 bench/scale/run.py                    five rounds
    python3 bench/scale/run.py --rounds 3 --seconds 2 --connections 32

Every server runs from the start; in each round every arrangement has one window, in an order that rotates. The mock
model, the load generator, PostgreSQL and the servers share this machine's cores: the last line says what that hides.
Needs the release binaries `backstay` and `gateways-bench`.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import sys
import tempfile

from servers import NODES, installation, show, window


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=33, help="of all servers together")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="backstay-scale-") as name, installation(pathlib.Path(name)) as (embedded, nodes):
        arrangements = {"data folder, 1 server": [embedded]}
        arrangements |= {f"PostgreSQL, {count} server{'s'[:count > 1]}": nodes[:count] for count in range(1, NODES + 1)}
        measured: dict[str, list[tuple[float, float]]] = {name: [] for name in arrangements}
        for ports in arrangements.values():
            window(ports, argparse.Namespace(connections=options.connections, seconds=1.0))
        names = list(arrangements)
        for number in range(options.rounds):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                measured[name].append(window(arrangements[name], options))
    show("store", measured, base="PostgreSQL, 1 server")
    print(f"\n{options.connections} connections, {options.rounds} rounds of {options.seconds:g} s, median [min–max]; {os.cpu_count()} cores.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
