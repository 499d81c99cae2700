#!/usr/bin/env python3
"""How long a recall takes as memories grow, with a data folder and over PostgreSQL with pgvector.

    python3 bench/scale/recall.py                                 10,000, 100,000 and 1,000,000 turns of one memory
    python3 bench/scale/recall.py 1000000/1000                    over so many workspaces, each asked of at random
    python3 bench/scale/recall.py 10000 --keep FOLDER             where the data folders stay, to be asked again

Turns are made up (see `crates/evaluation/examples/scale.rs`) and written to a data folder, asked there, moved to a new
database by `backstay migrate`, and asked there; the same code asks the same questions. The graph over vectors is made at
once, after they are written, as docs/postgresql.md says of large installations. A million turns take about an hour, 10 GB
of disk for each store, and 4 GB of memory. Needs the release binaries `backstay` and the example `scale`:

    cargo build --release --locked -p backstay-cli -p backstay-evaluation --bins --example scale
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "postgres")]

import processes
import run as postgres

SETTINGS = {"shared_buffers": "2GB", "maintenance_work_mem": "4GB", "max_wal_size": "8GB", "autovacuum": "on"}
LARGE = 50_000
"""From so many turns on the database searches a memory: `memory.database_from_turns`."""
GRAPH = "passage_vectors_384_by_nearness"
MAKE_GRAPH = f"CREATE INDEX IF NOT EXISTS {GRAPH} ON passage_vectors_384 USING hnsw (embedding halfvec_cosine_ops)"
SEARCHED = """SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class
    WHERE relkind = 'r' AND relname IN ('word_blocks', 'passage_vectors_384')"""
GRAPH_SIZE = f"SELECT coalesce(pg_relation_size(to_regclass('{GRAPH}')), 0)"
MIB = 1024 * 1024


class Database:
    def __init__(self, folder: pathlib.Path) -> None:
        folder.mkdir()
        self.server = postgres.Server(postgres.install(), folder, postgres.SETTINGS | SETTINGS)

    def sql(self, statement: str) -> str:
        return self.server.run("psql", "--quiet", "--tuples-only", "--no-align", "--command", statement, self.server.url).strip()

    def drop_graph_when_there(self, done: threading.Event) -> None:
        """Vectors are then stored without being linked one by one."""
        while not done.wait(0.2):
            if self.sql(f"SELECT to_regclass('{GRAPH}') IS NOT NULL") == "t":
                self.sql(f"DROP INDEX IF EXISTS {GRAPH}")
                return


def scale(size: str, steps: str, environment: dict[str, str]) -> dict[str, str]:
    """A row of the example's table."""
    variables = os.environ | environment | {"BACKSTAY_SCALE_STEPS": steps}
    binary = processes.binary("backstay").parent / "examples" / "scale"
    said = subprocess.run([binary, size], env=variables, stdout=subprocess.PIPE, text=True, check=True).stdout
    names, _, values = ([cell.strip() for cell in line.strip("|\n ").split("|")] for line in said.splitlines()[:3])
    return dict(zip(names, values, strict=True))


def measure(size: str, folder: pathlib.Path) -> None:
    data = folder / f"data-{size.replace('/', '-')}"
    at_folder = {"BACKSTAY_SCALE_FOLDER": str(data)}
    if not data.exists():
        scale(size, "write", at_folder)
    show("data folder", size, scale(size, "ask", at_folder), 0.0, 0.0, 0.0)
    with tempfile.TemporaryDirectory(prefix="backstay-recall-") as name:
        pathlib.Path(name).chmod(0o755)
        database = Database(pathlib.Path(name) / "database")
        try:
            began = time.monotonic()
            command = [str(processes.binary("backstay")), "migrate", "--from", f"sqlite:{data}", "--to", database.server.url]
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            moved = time.monotonic() - began
            began = time.monotonic()
            turns, _, workspaces = size.partition("/")
            if int(turns) // int(workspaces or 1) >= LARGE:
                make_searchable(size, database)
            database.sql("ANALYZE")
            made = time.monotonic() - began
            row = scale(size, "ask", {"BACKSTAY_TEST_POSTGRES": database.server.url})
            searched = int(database.sql(SEARCHED)) / MIB
            graph = int(database.sql(GRAPH_SIZE)) / MIB
            show("PostgreSQL", size, row, searched, graph, made)
            print(f"  ({turns} turns moved and compared in {moved:.0f} s)", flush=True)
        finally:
            database.server.stop()


def make_searchable(size: str, database: Database) -> None:
    done = threading.Event()
    dropping = threading.Thread(target=database.drop_graph_when_there, args=(done,))
    dropping.start()
    scale(size, "index", {"BACKSTAY_TEST_POSTGRES": database.server.url})
    done.set()
    dropping.join()
    database.sql(MAKE_GRAPH)


def show(store: str, size: str, row: dict[str, str], searched: float, graph: float, made: float) -> None:
    cells = [store, size, row["first recall"], row["p50"], row["p95"], row["index"], row["store"]]
    cells += [f"{searched:.0f} MiB", f"{graph:.0f} MiB", f"{made:.0f} s"] if made else ["–", "–", "–"]
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", default=["10000", "100000", "1000000"])
    parser.add_argument("--keep", type=pathlib.Path, help="keep the data folders here, and use those that are there")
    options = parser.parse_args()
    print("| store | turns | first recall | p50 | p95 | held by the server | store | searched by the database | graph | made in |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|", flush=True)
    with tempfile.TemporaryDirectory(prefix="backstay-recall-") as name:
        folder = options.keep or pathlib.Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        for size in options.sizes:
            measure(size, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
