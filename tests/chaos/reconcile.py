#!/usr/bin/env python3
"""Compares Backstay's ledger with what the scripted upstream charged, after traffic in which everything goes wrong.

    python3 tests/chaos/reconcile.py                      2,000 requests and 4 kills, for every change
    python3 tests/chaos/reconcile.py --requests 100000    the full run
    python3 tests/chaos/reconcile.py --seed 42            the same requests again

Of the requests 5 % are aborted by the client, 2 % die in the middle of a stream, 1 % run into a time-out, and 2 % fail
over from an endpoint that refuses; the server is killed with SIGKILL at even distances and started again. Then each
charge of the upstream is looked for in the ledger, and the reverse, by a word that stands in the request alone:

- a charge that the ledger does not flag as `estimated` must be the upstream's own, token for token;
- the ledger may not hold more charges for a request than the upstream made, unless they are flagged;
- the upstream may not have charged for what the ledger does not know, unless the request was cut off by a kill before
  its intent was acknowledged to anyone.

Exit code 0 only if all of that holds.
"""

from __future__ import annotations

import argparse
import collections
import http.client
import json
import pathlib
import queue
import random
import secrets
import sys
import tempfile
import threading
import time
import urllib.request
from dataclasses import dataclass

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import processes

SETTINGS = """
[memory]
embedding = "none"
[timeouts]
first_token = 700
idle = 700
whole = 1000
total = 3000
[routing]
retries_percent = 200
"""
ABORTED, BROKEN, TIMED_OUT, REFUSED = 0.05, 0.02, 0.01, 0.02
FORMATS = ("openai", "anthropic", "gemini")
SCRIPTED = ("per-token-20", "truncate-after-3", "stall-after-0", "503")
BUDGET = {"budgets": [{"period": "total", "limit": "1000000"}]}
"""Nothing of it is ever used up; with a budget each call sets its worst case aside, and what a crash cuts off is charged."""
PAGE = 200
WAIT_S = 60.0


@dataclass(frozen=True)
class Ask:
    number: int
    model: str
    fallback: str | None
    stream: bool
    abort: bool

    @property
    def request(self) -> str:
        """The request's id at Backstay, and the first word of its prompt."""
        return f"req_{self.number:026d}"


def asks(total: int, rng: random.Random) -> list[Ask]:
    """All requests of a run, in their order."""
    drawn = []
    for number in range(total):
        at, other = rng.sample(FORMATS, 2)
        lot, stream = rng.random(), rng.random() < 0.5
        model, fallback, abort = f"sim-{at}/sim-echo", None, False
        if lot < ABORTED:
            model, stream, abort = f"sim-{at}/sim-echo!per-token-20", True, True
        elif lot < ABORTED + BROKEN:
            model, stream = f"sim-{at}/sim-echo!truncate-after-3", True
        elif lot < ABORTED + BROKEN + TIMED_OUT:
            model, fallback = f"sim-{at}/sim-echo!stall-after-0", f"sim-{other}/sim-echo"
        elif lot < ABORTED + BROKEN + TIMED_OUT + REFUSED:
            model, fallback = f"sim-{at}/sim-echo!503", f"sim-{other}/sim-echo"
        drawn.append(Ask(number, model, fallback, stream, abort))
    return drawn


class Worker(threading.Thread):
    """Sends requests one after the other; a broken connection is what a kill looks like."""

    def __init__(self, port: int, key: str, work: queue.SimpleQueue[Ask], done: collections.Counter) -> None:
        super().__init__()
        self.port, self.work, self.done = port, work, done
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.connection = self.connect()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def run(self) -> None:
        while True:
            try:
                ask = self.work.get_nowait()
            except queue.Empty:
                return
            try:
                self.done[self.send(ask)] += 1
            except (OSError, http.client.HTTPException) as broken:
                self.done[f"cut ({type(broken).__name__})"] += 1
                self.connection.close()
                self.connection = self.connect()
                time.sleep(0.02)

    def send(self, ask: Ask) -> str:
        body = {
            "model": ask.model,
            "stream": ask.stream,
            "max_tokens": 50,
            "messages": [{"role": "user", "content": f"{ask.request} two three four five six seven eight"}],
        }
        if ask.fallback:
            body["models"] = [ask.fallback]
        headers = {**self.headers, "X-Request-Id": ask.request}
        self.connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        response = self.connection.getresponse()
        if ask.abort:
            response.read(200)
            self.connection.close()
            self.connection = self.connect()
            return "aborted"
        answer = response.read()
        if response.status == 503 and b"shutting_down" in answer:
            return "refused at a stop"
        return "broken" if b'"error"' in answer else "whole"


class Run:
    """The processes of a run, and what both ledgers say at its end."""

    def __init__(self, options: argparse.Namespace, folder: pathlib.Path) -> None:
        self.options, self.folder = options, folder
        self.key = f"bs-{secrets.token_hex(20)}"
        self.port, self.simulator_port = processes.free_port(), processes.free_port()
        self.done: collections.Counter = collections.Counter()
        self.server: processes.Running | None = None

    def start(self) -> None:
        self.server = processes.start_server(
            self.folder, self.port, self.simulator_port, self.key, log="warn", settings=SETTINGS
        )
        self.call("PUT", "/backstay/v1/budgets", BUDGET)

    def traffic(self, drawn: list[Ask]) -> None:
        """Sends everything, in as many parts as there are kills, plus one."""
        parts = self.options.kills + 1
        size = -(-len(drawn) // parts)
        for part in range(parts):
            self.start()
            work: queue.SimpleQueue[Ask] = queue.SimpleQueue()
            mine = drawn[part * size : (part + 1) * size]
            for ask in mine:
                work.put(ask)
            workers = [Worker(self.port, self.key, work, self.done) for _ in range(self.options.workers)]
            for worker in workers:
                worker.start()
            if part < self.options.kills:
                while work.qsize() > min(len(mine) // 20, 50):
                    time.sleep(0.01)
                self.server.kill()
            for worker in workers:
                worker.join()
            print(f"  {min((part + 1) * size, len(drawn)):>7} requests, {part + 1} starts", flush=True)

    def rows(self) -> dict[str, list[dict]]:
        """The ledger's charges by request, once nothing is pending any more."""
        deadline = time.monotonic() + WAIT_S
        while True:
            by_request: dict[str, list[dict]] = collections.defaultdict(list)
            pending, after = 0, ""
            while True:
                page = self.call("GET", f"/backstay/v1/generations?limit={PAGE}{after}")
                for row in page["data"]:
                    pending += row["status"] == "pending"
                    by_request[row["request"]].append(row)
                if not page.get("next"):
                    break
                after = f"&cursor={page['next']}"
            if pending == 0 or time.monotonic() > deadline:
                return by_request
            time.sleep(0.2)

    def call(self, method: str, path: str, body: dict | None = None) -> dict:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def charged(self) -> dict[str, list[dict]]:
        """The upstream's own charges by request."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.simulator_port}/sim/ledger", timeout=60) as response:
            charges = json.load(response)
        by_request: dict[str, list[dict]] = collections.defaultdict(list)
        for charge in charges:
            by_request[charge["text"].split(" ", 1)[0]].append(charge)
        return by_request


def charges_of(rows: list[dict]) -> list[dict]:
    """The usages that the ledger charges for a request."""
    attempts = (attempt for row in rows for attempt in row["attempts"])
    return [attempt["charge"]["usage"] for attempt in attempts if attempt.get("charge")]


def compare(ours: dict[str, list[dict]], theirs: dict[str, list[dict]]) -> tuple[collections.Counter, list[str]]:
    """How the charges of all requests agree, and each that does not."""
    kinds: collections.Counter = collections.Counter()
    wrong: list[str] = []
    for request in sorted(ours.keys() | theirs.keys()):
        mine, their = charges_of(ours.get(request, [])), theirs.get(request, [])
        exact = sorted((u["prompt_tokens"], u["completion_tokens"]) for u in mine if not u["estimated"])
        theirs_left = sorted((c["prompt_tokens"], c["completion_tokens"]) for c in their)
        estimated = sum(u["estimated"] for u in mine)
        for pair in exact:
            if pair in theirs_left:
                theirs_left.remove(pair)
                kinds["exact"] += 1
            else:
                wrong.append(f"{request}: the ledger has {pair}, the upstream charged {their}")
        kinds["estimated"] += estimated
        kinds["estimated beyond the upstream's"] += max(0, estimated - len(theirs_left))
        if len(theirs_left) > estimated:
            if ours.get(request):
                wrong.append(f"{request}: the upstream charged {theirs_left}, which the ledger lacks")
            else:
                wrong.append(f"{request}: the upstream charged {theirs_left} for a call without an intent")
    return kinds, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    # Under a budget only models with a price are called.
    processes.MODELS += tuple(f"sim-echo!{script}" for script in SCRIPTED)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="backstay-reconcile-") as folder:
        run = Run(options, pathlib.Path(folder))
        simulator = processes.start_simulator(run.folder, run.simulator_port)
        try:
            run.traffic(asks(options.requests, random.Random(options.seed)))
            ours = run.rows()
            theirs = run.charged()
        finally:
            if run.server:
                run.server.stop()
            simulator.stop()
    kinds, wrong = compare(ours, theirs)
    pending = sum(row["status"] == "pending" for rows in ours.values() for row in rows)
    doubled = sum(len(rows) > 1 for rows in ours.values())
    print(f"requests: {dict(run.done)}")
    print(f"charges of the upstream: {sum(map(len, theirs.values()))}; in the ledger: {dict(kinds)}")
    for line in wrong[:20]:
        print(f"  wrong: {line}")
    ok = not wrong and pending == 0 and doubled == 0 and kinds["exact"] > 0
    print(
        f"{options.requests} requests, {options.kills} kills, {len(wrong)} wrong, {doubled} doubled, "
        f"{pending} pending, {time.monotonic() - started:.0f} s"
    )
    print(f"{int(ok)} passed, {int(not ok)} failed")
    return 0 if ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except processes.DidNotStart as reason:
        sys.exit(str(reason))
