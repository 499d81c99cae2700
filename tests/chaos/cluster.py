"""Servers that share one PostgreSQL, the scripted upstream, and a balancer in front."""

from __future__ import annotations

import collections
import json
import pathlib
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "postgres")]

import processes
import run as postgres
from balancer import Balancer

NODES = 3
LEASE_S = 6
"""Short, so that a node that is gone is known to be soon."""
WAIT_S = 60.0
SETTINGS = f"""
[memory]
embedding = "none"
[store]
lease_ms = {LEASE_S * 1000}
connections_max = 12
"""
DURABLE = {"synchronous_commit": "on", "max_connections": 100, "wal_keep_size": "256MB"}
"""What was acknowledged survives the end of PostgreSQL's processes; the machine itself does not fail here."""


class Database:
    """PostgreSQL, and later its replica."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.primary = postgres.Server(postgres.install(), folder, postgres.SETTINGS | DURABLE)
        self.replica_port = processes.free_port()
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.replica_port}"
        self.url = f"postgres://postgres@{hosts}/postgres?target_session_attrs=read-write&connect_timeout=2"
        self.replica: pathlib.Path | None = None

    def restart(self) -> None:
        data = self.primary.data
        self.primary.run("pg_ctl", "--wait", "--pgdata", data, "--log", data / "log", "--mode", "fast", "restart")

    def halt(self) -> None:
        self.primary.run("pg_ctl", "--wait", "--pgdata", self.primary.data, "--mode", "fast", "stop")

    def resume(self) -> None:
        data = self.primary.data
        self.primary.run("pg_ctl", "--wait", "--pgdata", data, "--log", data / "log", "--options", self.primary.options, "start")

    @property
    def replica_url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.replica_port}/postgres"

    def add_replica(self) -> None:
        """One that streams; nothing when it is there already."""
        if self.replica is not None:
            return
        data = self.primary.data.parent / "replica"
        source = f"host=127.0.0.1 port={self.primary.port} user=postgres"
        self.primary.prepare(data)
        self.primary.run("pg_basebackup", "--dbname", source, "--pgdata", data, "--write-recovery-conf", "--wal-method=stream")
        self.replica = data
        self.start_replica()

    def start_replica(self) -> None:
        options = f"-p {self.replica_port} -k '' -c listen_addresses=127.0.0.1 -c max_connections=100"
        log = self.replica / "log"
        self.primary.run("pg_ctl", "--wait", "--pgdata", self.replica, "--log", log, "--options", options, "start")

    def stop_replica(self) -> None:
        self.primary.run("pg_ctl", "--wait", "--pgdata", self.replica, "--mode", "immediate", "stop")

    def hold_commits_for_replica(self) -> None:
        """From now on every commit waits until the replica has it."""
        self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.sql("SELECT pg_reload_conf()")

    def lose_primary(self) -> None:
        self.primary.run("pg_ctl", "--pgdata", self.primary.data, "--mode", "immediate", "stop")

    def promote_replica(self) -> None:
        self.primary.run("pg_ctl", "--wait", "--pgdata", self.replica, "promote")

    def sql(self, statement: str) -> str:
        """Rows as lines of JSON, if the statement says so."""
        return self.sql_at(self.primary.port, statement)

    def replica_sql(self, statement: str) -> str:
        return self.sql_at(self.replica_port, statement)

    def sql_at(self, port: int, statement: str) -> str:
        source = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
        return self.primary.run("psql", "--quiet", "--tuples-only", "--no-align", "--dbname", source, "--command", statement)

    def numbers(self, query: str) -> list[int]:
        """The numbers in the first column of an answer."""
        return [int(line) for line in self.sql(query).split()]

    def stop(self) -> None:
        for data in filter(None, (self.replica, self.primary.data)):
            command = [*self.primary.privileges, str(self.primary.programs / "pg_ctl")]
            subprocess.run([*command, "--pgdata", str(data), "--mode", "immediate", "stop"], capture_output=True, cwd="/", check=False)


class Cluster:
    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.key = f"bs-{secrets.token_hex(20)}"
        self.simulator_port = processes.free_port()
        self.ports = [processes.free_port() for _ in range(NODES)]
        (folder / "database").mkdir()
        # The user that runs PostgreSQL has to get through.
        folder.chmod(0o755)
        self.database = Database(folder / "database")
        self.simulator = processes.start_simulator(folder, self.simulator_port)
        self.nodes: list[processes.Running] = []
        for node in range(NODES):
            (folder / f"node{node}").mkdir()
            self.nodes.append(self.started(node))
        self.balancer = Balancer(processes.free_port(), self.ports)

    def started(self, node: int, settings: str = "", environment: dict[str, str] | None = None) -> processes.Running:
        folder, port = self.folder / f"node{node}", self.ports[node]
        store, settings = self.database.url, SETTINGS + settings
        return processes.start_server(
            folder, port, self.simulator_port, self.key, "warn", settings, store, environment or {}
        )

    def start_node(self, node: int, settings: str = "", environment: dict[str, str] | None = None) -> None:
        self.nodes[node] = self.started(node, settings, environment)

    def restart_nodes(self, settings: str = "") -> None:
        """Each drains and comes back with these settings."""
        for node, running in enumerate(self.nodes):
            running.stop()
            self.start_node(node, settings)

    def status(self, node: int) -> dict:
        return self.call("GET", "/backstay/v1/status", node=node)

    def name(self, node: int) -> str:
        """What the others call it."""
        return next(row["id"] for row in self.status(node)["store"]["database"]["nodes"] if row["this"])

    def stop(self) -> None:
        self.balancer.stop()
        for node in self.nodes:
            node.stop()
        self.simulator.stop()
        self.database.stop()

    def log_ends(self) -> str:
        return "\n".join(f"node {number}:\n{node.log_end(10)}" for number, node in enumerate(self.nodes))

    def is_ready(self, node: int) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[node]}/ready", timeout=5):
                return True
        except OSError:
            return False

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not holds():
            if time.monotonic() > deadline:
                raise processes.DidNotStart(f"within {WAIT_S:.0f} s it did not come about that {what}\n{self.log_ends()}")
            time.sleep(0.1)

    def call(self, method: str, path: str, body: dict | None = None, node: int = 1) -> dict:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports[node]}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def new_key(self, settings: dict) -> dict:
        return self.call("POST", "/backstay/v1/keys", {"name": "of a test", **settings})

    def settled_budget(self, key: str) -> dict:
        """The key's first budget once nothing is reserved any more."""
        def budget() -> dict:
            return self.call("GET", f"/backstay/v1/keys/{key}")["budgets"][0]

        self.wait_until(lambda: float(budget()["reserved"]) == 0, "nothing is reserved any more")
        return budget()

    def ledger_sum(self, key: str) -> int:
        """Picodollars that the key's calls have cost, as the ledger has them."""
        sums = self.call("GET", "/backstay/v1/ledger/summary?group_by=key&limit=200")["data"]
        whole, _, part = next(row["cost"] for row in sums if row["group"] == key).partition(".")
        return int(whole) * 10**12 + int(part.ljust(12, "0")[:12] or 0)

    def rows(self) -> Iterator[dict]:
        """The ledger, the newest calls first."""
        after = ""
        while True:
            page = self.call("GET", f"/backstay/v1/generations?limit=200{after}")
            yield from page["data"]
            if not page.get("next"):
                return
            after = f"&cursor={page['next']}"

    def statuses(self, request: str) -> list[str]:
        return [row["status"] for row in self.rows() if row["request"] == request]

    def completed(self, prefix: str) -> collections.Counter:
        """How often each request with this prefix was completed."""
        mine = (row for row in self.rows() if row["request"].startswith(f"req_{prefix}"))
        return collections.Counter(row["request"] for row in mine if row["status"] == "completed")

    def late(self, prefix: str) -> collections.Counter:
        """How often each request with this prefix was entered after the database had been away."""
        mine = (row for row in self.rows() if row["request"].startswith(f"req_{prefix}"))
        return collections.Counter(row["request"] for row in mine if row["entered_late"])
