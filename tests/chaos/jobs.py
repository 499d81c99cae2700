"""Learning over several servers: each turn once, whoever dies or sleeps meanwhile, and what fails is not lost."""

from __future__ import annotations

import argparse
import json
import random
import signal
import time

import learned
from cluster import LEASE_S, Cluster
from load import Load, expect

SLOW = """
[memory.learning]
model = "sim-openai/sim-learn!first-byte-3000"
segment_turns = 4
idle_seconds = 0
"""
"""A job is under way long enough to be found on its server."""
FAILING = """
[memory.learning]
model = "sim-openai/sim-learn!status-400"
segment_turns = 4
idle_seconds = 0
"""
LEASED = "SELECT node FROM jobs WHERE kind = 'learn' AND state = 'leased' LIMIT 1"
DUE = "UPDATE jobs SET due_at = 0 WHERE kind = 'learn' AND state = 'ready'"
"""Lets the time until the next try pass."""
AS_LINES = "SELECT row_to_json(found) FROM ({query}) AS found (a, b{more})"


def jobs(cluster: Cluster, options: argparse.Namespace) -> str:
    """Servers that learn are killed and stopped, and a model that fails comes back."""
    rng = random.Random(options.seed)
    cluster.restart_nodes(learned.SETTINGS)
    leave_out_what_was_said_before(cluster)
    turns = 0
    for number in range(options.kills):
        node = number % len(cluster.ports)
        load = Load(cluster, f"j{number}", rng)
        time.sleep(rng.uniform(0.3, 0.9))
        load.stopped.set()
        cluster.nodes[node].kill()
        turns += sum(len(conversation.acknowledged) for conversation in load.stop())
        cluster.start_node(node, learned.SETTINGS)
    statements = all_is_learned_once(cluster)
    stopped = stop_a_server_that_learns(cluster, rng)
    dead = dead_letters(cluster, rng)
    cluster.restart_nodes()
    return f"{options.kills} kills while {turns} turns were learned, each once, {statements} statements in all; {stopped}; {dead}"


def leave_out_what_was_said_before(cluster: Cluster) -> None:
    """What earlier scenarios said was said where nothing was learned: it is left out of what is compared."""
    cluster.database.sql("DELETE FROM messages; DELETE FROM threads; DELETE FROM episode_vectors")


def all_is_learned_once(cluster: Cluster) -> int:
    learned.wait_until_done(cluster.ports[1], cluster.key)
    turns, rows = lines(cluster, learned.USER_TURNS), lines(cluster, learned.STATEMENTS, ", c")
    differences = learned.compared(turns, rows)
    expect(not differences, "; ".join(differences[:5]))
    return len(rows)


def lines(cluster: Cluster, query: str, more: str = "") -> list[tuple]:
    found = cluster.database.sql(AS_LINES.format(query=query, more=more))
    return [tuple(json.loads(line).values()) for line in found.splitlines() if line]


def say(cluster: Cluster, name: str, rng: random.Random) -> int:
    load = Load(cluster, name, rng)
    time.sleep(0.5)
    return sum(len(conversation.acknowledged) for conversation in load.stop())


def stop_a_server_that_learns(cluster: Cluster, rng: random.Random) -> str:
    """It sleeps past its lease in the middle of a job; another does the job, and its own end comes too late."""
    cluster.restart_nodes(SLOW)
    names = {cluster.name(node): node for node in range(len(cluster.ports))}
    turns = say(cluster, "js", rng)
    cluster.wait_until(lambda: cluster.database.sql(LEASED).strip() in names, "a job is under way")
    process = cluster.nodes[names[cluster.database.sql(LEASED).strip()]].process
    process.send_signal(signal.SIGSTOP)
    others = [node for node in range(len(cluster.ports)) if cluster.nodes[node].process is not process]
    try:
        learned.wait_until_done(cluster.ports[others[0]], cluster.key)
    finally:
        process.send_signal(signal.SIGCONT)
    all_is_learned_once(cluster)
    return f"one stopped past its lease of {LEASE_S} s in the middle of a job, {turns} turns learned once"


def dead_letters(cluster: Cluster, rng: random.Random) -> str:
    cluster.restart_nodes(FAILING)
    turns = say(cluster, "jd", rng)

    def all_dead() -> bool:
        cluster.database.sql(DUE)
        learning = cluster.status(1)["learning"]
        return learning["failed"] > 0 and learning["failed"] == learning["pending"] + learning["failed"]

    cluster.wait_until(all_dead, "every job has failed too often")
    dead = cluster.call("GET", "/backstay/v1/jobs?state=dead&limit=200", node=2)["data"]
    expect(bool(dead) and all(job["last_error"] for job in dead), "a dead letter does not say why")
    cluster.restart_nodes(learned.SETTINGS)
    for job in dead:
        cluster.call("POST", f"/backstay/v1/jobs/{job['id']}/retry", node=0)
    all_is_learned_once(cluster)
    return f"{len(dead)} dead letters of {turns} turns were seen, tried again and learned once"
