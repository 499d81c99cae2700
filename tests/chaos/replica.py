"""Servers whose recall reads a streaming replica."""

from __future__ import annotations

import argparse
import asyncio
import re
import urllib.request

from cluster import Cluster
from load import ask, expect, post

TOLD = 20
"""Things that are told while the replica is in one state."""
READS = re.compile(r'^backstay_store_replica_reads_total\{outcome="(\w+)"\} (\d+)', re.MULTILINE)


def replica(cluster: Cluster, _options: argparse.Namespace) -> str:
    """What one server was told is recalled by the next, whether the replica follows, is behind or is gone."""
    database = cluster.database
    database.add_replica()
    cluster.restart_nodes(f'replica_url = "{database.replica_url}"\n')
    following = recalled_after(cluster, "following")
    expect(following["done"] > 0, f"recall did not read the replica: {following}")

    database.replica_sql("SELECT pg_wal_replay_pause()")
    behind = recalled_after(cluster, "behind")
    expect(behind["behind"] >= TOLD, f"a replica that shows nothing new was read: {behind}")
    state = cluster.status(0)["store"]["database"]["replica"]
    expect(state["state"] == "following" and state["lag_ms"] > 0, f"the replica is said to be {state}")
    database.replica_sql("SELECT pg_wal_replay_resume()")

    database.stop_replica()
    gone = recalled_after(cluster, "gone")
    expect(gone["away"] > 0 and gone["done"] == 0, f"a replica that is gone: {gone}")
    state = cluster.status(0)["store"]["database"]["replica"]
    expect(state["state"] == "unusable", f"the replica is said to be {state}")

    database.start_replica()
    for node in range(len(cluster.nodes)):
        cluster.wait_until(lambda node=node: reads_replica(cluster, node), "recall reads the replica again")
    cluster.restart_nodes()
    return f"3 x {TOLD} things told, all recalled at once; reads while following {following}, behind {behind}, gone {gone}"


def recalled_after(cluster: Cluster, state: str) -> dict[str, int]:
    """Tells one server and asks the next; what became of reads of the replica meanwhile."""
    before = reads(cluster)
    for number in range(TOLD):
        told, asked = number % len(cluster.ports), (number + 1) % len(cluster.ports)
        tell(cluster, told, state, number)
        found = search(cluster, asked, state, number)
        expect(any(answer(state, number) in text for text in found), f"{state}: of {number} only {found} is recalled")
    after = reads(cluster)
    return {outcome: after[outcome] - before[outcome] for outcome in after}


def reads_replica(cluster: Cluster, node: int) -> bool:
    before = reads(cluster)["done"]
    tell(cluster, (node + 1) % len(cluster.ports), "again", node)
    return bool(search(cluster, node, "again", node)) and reads(cluster)["done"] > before


def answer(state: str, number: int) -> str:
    return f"locker {number} {state} opens with {7 * number + 1000}"


def tell(cluster: Cluster, node: int, state: str, number: int) -> None:
    scope = {"assistant": "replica", "user": "ann", "thread": "new"}
    body = ask(answer(state, number), backstay=scope)
    status, _, said = asyncio.run(post(cluster.ports[node], cluster.key, body))
    expect(status == 200, f"a turn was answered {status}: {said[:200]}")


def search(cluster: Cluster, node: int, state: str, number: int) -> list[str]:
    body = {"query": f"how does locker {number} {state} open", "assistant": "replica", "user": "ann", "limit": 20}
    return [found["text"] for found in cluster.call("POST", "/backstay/v1/memories/search", body, node)["data"]]


def reads(cluster: Cluster) -> dict[str, int]:
    """Of all servers, by what became of them."""
    total = {"done": 0, "behind": 0, "away": 0, "failed": 0}
    for port in cluster.ports:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
            for outcome, count in READS.findall(response.read().decode()):
                total[outcome] += int(count)
    return total
