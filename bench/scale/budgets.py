#!/usr/bin/env python3
"""What slices of a budget add for one key that three servers over one PostgreSQL are called with.

    python3 bench/scale/budgets.py                five rounds
    python3 bench/scale/budgets.py --rounds 3 --seconds 2 --connections 48

The same servers are called with a key without a budget, with one whose budget is taken in slices, and with one whose
calls each go to the row of its budget (`strict_budget`); in each round each key has one window, in an order that rotates.
Needs the release binaries `backstay` and `gateways-bench`.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
import tempfile
import urllib.request

from servers import KEY, installation, show, window

BUDGET = [{"period": "total", "limit": "1000000"}]
KEYS = {
    "no budget": {},
    "budget, in slices": {"budgets": BUDGET},
    "budget, strict": {"budgets": BUDGET, "strict_budget": True},
}


def new_key(port: int, settings: dict) -> str:
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    body = json.dumps({"name": "bench", **settings}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/backstay/v1/keys", body, headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)["key"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=48, help="of all servers together")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="backstay-budgets-") as name, installation(pathlib.Path(name)) as (_, nodes):
        keys = {name: new_key(nodes[0], settings) for name, settings in KEYS.items()}
        for key in keys.values():
            window(nodes, argparse.Namespace(connections=options.connections, seconds=1.0), key)
        measured: dict[str, list[tuple[float, float]]] = {name: [] for name in keys}
        names = list(keys)
        for number in range(options.rounds):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                measured[name].append(window(nodes, options, keys[name]))
    show("key", measured, base="budget, strict")
    print(f"\n{options.connections} connections, {options.rounds} rounds of {options.seconds:g} s, median [min–max]; {os.cpu_count()} cores.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
