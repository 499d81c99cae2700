#!/usr/bin/env python3
"""What a call and an episode take on PostgreSQL: bytes kept, bytes of write-ahead log, transactions. For docs/scaling.md.

    python3 bench/scale/sizes.py                            both
    python3 bench/scale/sizes.py --episodes 1000000 --only episodes
    python3 bench/scale/sizes.py --calls 10000 --only calls

Calls are made of a real server over the scripted upstream, one after the other. Episodes are filled in by SQL: texts as long
as those of LoCoMo (127 characters, answers four times as long), a vector of 384 numbers and a token's state of 66 bytes for
every 4 characters, both of random bytes, which do not compress. Needs the release binaries `backstay` and `upstream-sim`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "postgres")]

import processes
import run as postgres

KEY = "bs-0123456789abcdefghijklmnopqrstuvwxyz0123"
SETTINGS = {"full_page_writes": "on", "max_wal_size": "64GB", "shared_buffers": "512MB"}
"""No checkpoint comes in between, after each of which the first change of a page would write the whole page."""
MEMORY_OFF = '[memory]\nembedding = "none"\n'
ASK = "Please keep in mind that the parcel with the winter boots is on its way to Ghent, and tell me when it is there."

TABLES = """
    SELECT coalesce(parent.relname, child.relname), CAST(sum(pg_relation_size(child.oid)) AS BIGINT),
        CAST(sum(coalesce(pg_total_relation_size(nullif(child.reltoastrelid, 0)), 0)) AS BIGINT),
        CAST(sum(pg_indexes_size(child.oid)) AS BIGINT)
    FROM pg_class AS child
    LEFT JOIN pg_inherits ON inhrelid = child.oid LEFT JOIN pg_class AS parent ON parent.oid = inhparent
    WHERE child.relkind = 'r' AND child.relnamespace = 'public'::regnamespace
    GROUP BY 1 HAVING sum(pg_relation_size(child.oid)) > 0 ORDER BY 1
"""
INDEXES = """
    SELECT coalesce(parent.relname, child.relname), CAST(sum(pg_relation_size(child.oid)) AS BIGINT)
    FROM pg_class AS child
    LEFT JOIN pg_inherits ON inhrelid = child.oid LEFT JOIN pg_class AS parent ON parent.oid = inhparent
    WHERE child.relkind = 'i' AND child.relnamespace = 'public'::regnamespace AND child.relname LIKE 'episode%'
    GROUP BY 1 HAVING sum(pg_relation_size(child.oid)) > 100000 ORDER BY 1
"""
FILL = """
    SET session_replication_role = replica;
    INSERT INTO workspaces SELECT 'ws_' || w, 'w', 0 FROM generate_series(1, {workspaces}) AS w;
    CREATE TEMP TABLE said AS SELECT n, 'ws_' || (n % {workspaces} + 1) AS workspace, n / {workspaces} AS number,
        'ep_' || lpad(to_hex(n), 26, '0') AS id, n % 2 = 0 AS is_answer
        FROM generate_series(0, {episodes} - 1) AS n;
    INSERT INTO episodes (workspace, id, assistant, user_name, thread, position, speaker, author, text, said_at, recorded_at,
            source, trust, sequence)
        SELECT workspace, id, 'planner', 'user-' || number % 10, 'thr_01kb5w3q0v' || lpad(to_hex(number / 20), 16, '0'), number % 20,
            CASE WHEN is_answer THEN 'assistant' ELSE 'user' END, 'Anna', left(
                (SELECT string_agg(substr(md5(random()::text || n || g), 1, 1 + (random() * 8)::int), ' ')
                    FROM generate_series(1, 140) AS g),
                CASE WHEN is_answer THEN 508 ELSE 127 END),
            1764400000000000 + n, 1764400000000000 + n, 'turn', 'direct_user', number
        FROM said;
    INSERT INTO episode_vectors (workspace, episode, passage, model, revision, dimension, vector, states)
        SELECT workspace, id, 0, 'all-MiniLM-L6-v2', '0123456789ab', 384, {bytes_of_vector}, {bytes_of_states}
        FROM said;
"""
RANDOM = """(SELECT substr(decode(string_agg(md5(random()::text || n || g), ''), 'hex'), 1, {length})
    FROM generate_series(1, ({length} + 15) / 16) AS g)"""


class Database:
    def __init__(self, folder: pathlib.Path) -> None:
        self.server = postgres.Server(postgres.install(), folder, postgres.SETTINGS | SETTINGS)

    def rows(self, query: str) -> list[list[str]]:
        said = self.server.run("psql", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--command", query, self.server.url)
        return [line.split("|") for line in said.splitlines() if line]

    def number(self, query: str) -> int:
        return int(self.rows(query)[0][0])

    def wal(self) -> int:
        return self.number("SELECT CAST(pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS BIGINT)")

    def transactions(self) -> int:
        # Counts of a session are told when it is idle for a second; a new one finds them.
        return self.number("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")


def serve(folder: pathlib.Path, database: Database) -> tuple[processes.Running, processes.Running, int]:
    simulator_port, port = processes.free_port(), processes.free_port()
    simulator = processes.start_simulator(folder, simulator_port)
    server = processes.start_server(folder, port, simulator_port, KEY, "warn", MEMORY_OFF, database.server.url)
    return simulator, server, port


def calls(folder: pathlib.Path, count: int) -> None:
    """What calls write, by kind."""
    database = Database(folder)
    simulator, server, port = serve(folder, database)
    try:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        budget = post(client, KEY, "/backstay/v1/keys", {"name": "b", "budgets": [{"period": "month", "limit": "1000"}]})["key"]
        kinds = {
            "stateless": (KEY, {}),
            "stateless, with a budget": (budget, {}),
            "a turn of a thread": (KEY, {"backstay": {"assistant": "helper", "user": "anna", "thread": "new"}}),
        }
        print("| call | bytes of log | commits | bytes kept |\n|---|--:|--:|--:|")
        for kind, (key, extension) in kinds.items():
            for number in range(count // 10):
                say(client, key, number, extension)
            before = database.wal(), database.transactions(), size(database)
            for number in range(count):
                say(client, key, number, extension)
            wal = database.wal() - before[0]
            commits = database.transactions() - before[1]
            kept = size(database) - before[2]
            print(f"| {kind} | {wal / count:.0f} | {commits / count:.1f} | {kept / count:.0f} |", flush=True)
    finally:
        server.stop()
        simulator.kill()
        database.server.stop()


def say(client: http.client.HTTPConnection, key: str, number: int, extension: dict) -> None:
    body = {"model": "sim-openai/sim-echo", "max_tokens": 60, "messages": [{"role": "user", "content": f"{number}: {ASK}"}]}
    post(client, key, "/v1/chat/completions", body | extension)


def post(client: http.client.HTTPConnection, key: str, path: str, body: dict) -> dict:
    client.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    answer = client.getresponse()
    text = answer.read()
    if answer.status not in (200, 201):
        sys.exit(f"{path} was answered {answer.status}: {text[:300]!r}")
    return json.loads(text)


def size(database: Database) -> int:
    return sum(int(part) for row in database.rows(TABLES) for part in row[1:])


def episodes(folder: pathlib.Path, count: int, workspaces: int) -> None:
    """What rows of memory take, by table and index."""
    database = Database(folder)
    try:
        simulator, server, _ = serve(folder, database)
        server.stop()
        simulator.kill()
        vector = RANDOM.format(length="1536")
        states = RANDOM.format(length="(CASE WHEN is_answer THEN 127 ELSE 32 END * 66)")
        before = database.wal()
        database.rows(FILL.format(episodes=count, workspaces=workspaces, bytes_of_vector=vector, bytes_of_states=states))
        wal = database.wal() - before
        print(f"\n{count} episodes in {workspaces} workspaces; {wal / count:.0f} bytes of log for each\n")
        print("| table | rows | out of line | indexes | together, bytes per episode |\n|---|--:|--:|--:|--:|")
        for table, *parts in database.rows(TABLES):
            if table.startswith("episode"):
                shares = [int(part) / count for part in parts]
                print(f"| `{table}` | {' | '.join(f'{share:.0f}' for share in shares)} | {sum(shares):.0f} |")
        print("\n| index | bytes per episode |\n|---|--:|")
        for index, held in database.rows(INDEXES):
            print(f"| `{index}` | {int(held) / count:.0f} |")
    finally:
        database.server.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1_000)
    parser.add_argument("--episodes", type=int, default=100_000)
    parser.add_argument("--workspaces", type=int, default=1_000)
    parser.add_argument("--only", choices=("calls", "episodes"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="backstay-sizes-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        for part in ("calls", "episodes"):
            (folder / part).mkdir()
        if options.only != "episodes":
            calls(folder / "calls", options.calls)
        if options.only != "calls":
            episodes(folder / "episodes", options.episodes, options.workspaces)
    return 0


if __name__ == "__main__":
    sys.exit(main())
