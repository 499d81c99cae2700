"""A server whose machine's clock is wrong, as its process sees it."""

from __future__ import annotations

import argparse
import asyncio
import pathlib
import subprocess
import time
from datetime import datetime, timezone

from cluster import Cluster
from load import Failed, ask, at_once, expect, post

SOURCE = pathlib.Path(__file__).resolve().parent / "skewed_clock.c"
SKEW_S = 60
NODE = 2
FITTING = 100
CLOSE_S = 5.0
"""Far less than the skew, and more than a loaded machine needs for a call."""


def clock(cluster: Cluster, _options: argparse.Namespace) -> str:
    """A node is a minute ahead, then a minute behind."""
    library = build(cluster.folder)
    seen = []
    for skew in (SKEW_S, -SKEW_S):
        cluster.nodes[NODE].stop()
        cluster.start_node(NODE, environment={"LD_PRELOAD": str(library), "SKEW_S": str(skew)})
        seen.append(correction(cluster, skew))
        call_is_dated_by_the_others(cluster, skew)
        nobody_is_taken_for_gone(cluster)
        limit_holds(cluster, skew)
        key_expires_when_it_should(cluster)
    cluster.nodes[NODE].stop()
    cluster.start_node(NODE)
    return f"{SKEW_S} s ahead and behind, corrected by {seen} ms; calls dated, limits, leases and expiry as on the others"


def build(folder: pathlib.Path) -> pathlib.Path:
    library = folder / "skewed_clock.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        raise Failed(f"the clock was not built: {outcome.stderr}")
    return library


def correction(cluster: Cluster, skew: int) -> int:
    corrected = cluster.status(NODE)["store"]["database"]["clock_correction_ms"]
    expect(abs(corrected + skew * 1_000) < CLOSE_S * 1_000, f"a clock {skew} s off is corrected by {corrected} ms")
    return corrected


def call_is_dated_by_the_others(cluster: Cluster, skew: int) -> None:
    request = f"req_clock{skew}"
    status, _, _ = asyncio.run(post(cluster.ports[NODE], cluster.key, ask("on time"), {"X-Request-Id": request}))
    expect(status == 200, f"a call was answered {status}")
    [row] = [row for row in cluster.rows() if row["request"] == request]
    started = datetime.fromisoformat(row["started_at"].replace("Z", "+00:00"))
    off = (started - datetime.now(timezone.utc)).total_seconds()
    expect(abs(off) < CLOSE_S, f"the call began {off:.0f} s from now")


def nobody_is_taken_for_gone(cluster: Cluster) -> None:
    for node in range(len(cluster.ports)):
        alive = [row["alive"] for row in cluster.status(node)["store"]["database"]["nodes"]]
        expect(sum(alive) == len(cluster.ports), f"node {node} sees {alive}")


def limit_holds(cluster: Cluster, skew: int) -> None:
    """A minute's window on another minute's clock would let twice as many through."""
    limit = {"of": "requests", "per": "minute", "limit": FITTING}
    rate = cluster.new_key({"rate_limits": [limit]})
    started = time.monotonic()
    statuses = asyncio.run(at_once(cluster, rate["key"], ask("one two three four")))
    windows = 1 + int((time.monotonic() - started) // 60)
    expect(statuses[200] <= FITTING * windows, f"{skew} s off, {statuses[200]} calls on {FITTING} per minute")
    expect(set(statuses) <= {200, 429, 503}, f"callers on a rate limit got {dict(statuses)}")


def key_expires_when_it_should(cluster: Cluster) -> None:
    """With half a minute to go it is good everywhere, and half a minute after its end nowhere."""
    body = ask("still there")
    for seconds, expected in ((SKEW_S / 2, 200), (-SKEW_S / 2, 401)):
        moment = datetime.fromtimestamp(time.time() + seconds, timezone.utc).isoformat().replace("+00:00", "Z")
        key = cluster.new_key({})
        quoted = f"UPDATE api_keys SET expires_at = {int((time.time() + seconds) * 1e6)} WHERE id = '{key['id']}'"
        cluster.database.sql(quoted)
        for port in cluster.ports:
            status, _, _ = asyncio.run(post(port, key["key"], body))
            expect(status == expected, f"a key that ends at {moment} was answered {status}")
