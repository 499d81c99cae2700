#!/usr/bin/env python3
"""Kills the server at random moments under load, and checks that nothing it acknowledged is lost.

    python3 tests/chaos/kill.py                      15 kills, for every change
    python3 tests/chaos/kill.py --kills 1000         the full run
    python3 tests/chaos/kill.py --learning           with a model that learns from every turn
    python3 tests/chaos/kill.py --seed 42            the same moments and turns again

Each round starts the server on the same data folder, checks what the round before it acknowledged, loads it with plain
and streamed turns from several workers, and ends it with SIGKILL at a moment drawn from the window. Some kills fall into
the start itself, while the server recovers from the kill before. At the end every acknowledged turn of the whole run is
checked once more: both messages are in its thread, its episodes in memory, and its generation is settled as completed.
No generation may be left pending and no thread half-written. With `--learning`, every turn must also have been learned,
exactly once. Exit code 0 only if nothing was lost.
"""

from __future__ import annotations

import argparse
import pathlib
import random
import secrets
import shutil
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import learned
import processes
import verify
from traffic import Conversation, Worker

START_KILL_SHARE = 0.1
"""How many of the kills fall into the server's start."""
START_WINDOW_S = 0.2
NEWEST_GENERATIONS = 200
"""How many are looked at after each kill: more than a kill can cut off. The end looks at all."""


class Run:
    """One run of the test: its processes, its random moments and everything that was acknowledged."""

    def __init__(self, options: argparse.Namespace, folder: pathlib.Path) -> None:
        self.options, self.folder = options, folder
        self.random = random.Random(options.seed)
        self.key = f"bs-{secrets.token_hex(20)}"
        self.port, self.simulator_port = processes.free_port(), processes.free_port()
        self.conversations: list[Conversation] = []
        self.losses: list[str] = []
        self.starts_s: list[float] = []
        self.server: processes.Running | None = None
        self.kills = 0
        self.settings = learned.SETTINGS if options.learning else ""
        self.statements = 0

    def start(self) -> processes.Running:
        started = time.monotonic()
        self.server = processes.start_server(
            self.folder, self.port, self.simulator_port, self.key, settings=self.settings
        )
        self.starts_s.append(time.monotonic() - started)
        return self.server

    def kill_while_starting(self) -> None:
        command = processes.server_command(self.folder, self.port, self.simulator_port, settings=self.settings)
        server = processes.Running(command, self.folder / "backstay.log", processes.server_environment(self.key))
        time.sleep(self.random.uniform(0, START_WINDOW_S))
        server.kill()

    def kill_under_load(self, server: processes.Running, number: int) -> list[Conversation]:
        """Loads the server and kills it; what was said."""
        killed = threading.Event()
        seeds = [self.random.randrange(2**32) for _ in range(self.options.workers)]
        workers = [Worker(f"k{number}w{at}", self.port, self.key, seed, killed) for at, seed in enumerate(seeds)]
        for worker in workers:
            worker.start()
        time.sleep(self.random.uniform(*self.options.window_ms) / 1000)
        killed.set()
        server.kill()
        for worker in workers:
            worker.join()
        self.losses += [f"kill {number}: {problem}" for worker in workers for problem in worker.problems]
        return [conversation for worker in workers for conversation in worker.conversations]

    def check(self, conversations: list[Conversation]) -> None:
        """Checks these conversations on a running server, and that what was cut off is settled."""
        self.losses += verify.conversations(self.port, self.key, conversations)
        self.losses += verify.pending_generations(self.port, self.key, NEWEST_GENERATIONS)[1]

    def check_learned(self) -> None:
        """Checks, on the stopped server's store, that every turn was learned once."""
        self.statements, differences = learned.differences(self.folder / "data")
        self.losses += differences

    def check_everything(self) -> int:
        """Checks the whole run on a running server; how many generations the ledger has."""
        self.check(self.conversations)
        self.losses += verify.threads_nobody_was_told_of(self.port, self.key, self.conversations)
        generations, pending = verify.pending_generations(self.port, self.key)
        self.losses += pending
        return generations


def main() -> int:
    options = arguments()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="backstay-kill-"))
    started = time.monotonic()
    print(f"{options.kills} kills, {options.workers} workers, seed {options.seed}", flush=True)
    run = Run(options, folder)
    simulator = processes.start_simulator(folder, run.simulator_port)
    try:
        generations = run_all(run, started)
    finally:
        simulator.stop()
        if run.server:
            run.server.kill()
    turns = sum(len(conversation.acknowledged) for conversation in run.conversations)
    losses = list(dict.fromkeys(run.losses))
    for loss in losses[:50]:
        print(f"  lost: {loss}")
    print(
        f"{run.kills} kills, {turns} acknowledged turns in {len(run.conversations)} threads, "
        f"{generations} generations, {f'{run.statements} statements, ' if options.learning else ''}"
        f"lost = {len(losses)}, in {time.monotonic() - started:.0f} s "
        f"(start: median {statistics.median(run.starts_s):.2f} s, longest {max(run.starts_s):.2f} s)"
    )
    if losses or not turns:
        print(f"the data folder and the logs are kept in {folder}; repeat with --seed {options.seed}")
        return 1
    shutil.rmtree(folder)
    return 0


def run_all(run: Run, started: float) -> int:
    """All kills, then the check of everything; how many generations the ledger has."""
    kills, unchecked = run.options.kills, []
    for number in range(1, kills + 1):
        run.kills = number
        if run.random.random() < START_KILL_SHARE:
            run.kill_while_starting()
            continue
        server = run.start()
        if number % run.options.check_every == 0:
            run.check(unchecked)
            unchecked = []
        said = run.kill_under_load(server, number)
        run.conversations += said
        unchecked += said
        if number % max(1, kills // 20) == 0:
            turns = sum(len(conversation.acknowledged) for conversation in run.conversations)
            elapsed = time.monotonic() - started
            print(f"  {number} kills, {turns} turns acknowledged, lost {len(run.losses)}, {elapsed:.0f} s", flush=True)
        if run.losses:
            break
    server = run.start()
    if run.options.learning:
        learned.wait_until_done(run.port, run.key)
    generations = run.check_everything()
    if (code := server.stop()) != 0:
        run.losses.append(f"after SIGTERM the server ended with {code}")
    if run.options.learning:
        run.check_learned()
    return generations


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="random unless given")
    parser.add_argument("--window-ms", type=int, nargs=2, default=(20, 1200), metavar=("FROM", "TO"),
                        help="the kill falls somewhere in this time after the load began")
    parser.add_argument("--check-every", type=int, default=1, metavar="K",
                        help="check after every K kills; the end checks everything in any case")
    parser.add_argument("--learning", action="store_true", help="with a model that learns from every turn")
    options = parser.parse_args()
    if options.kills < 1 or options.workers < 1 or options.check_every < 1:
        parser.error("kills, workers and K must be at least 1")
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (processes.DidNotStart, learned.NotDone) as reason:
        sys.exit(str(reason))
