"""Compares what a server learned with what it should have: each user turn once, from the turn that says it.

The learning model is `sim-learn`, which states one fact for each user turn, in the turn's own words. So the statements
that there have to be are known: one for each message of a user, whether its turn was acknowledged or not.
"""

from __future__ import annotations

import collections
import pathlib
import sqlite3
import time

from traffic import Client

SETTINGS = """
[memory.learning]
model = "sim-openai/sim-learn!first-byte-10"
segment_turns = 4
idle_seconds = 0
"""
"""A thread is learned from as soon as it has something new; each call takes long enough to be killed in."""
DONE_WITHIN_S = 120.0

USER_TURNS = "SELECT thread, text FROM episodes WHERE speaker = 'user'"
STATEMENTS = """
    SELECT s.text, e.text, e.thread FROM statements AS s
    LEFT JOIN statement_sources AS q ON q.workspace = s.workspace AND q.id = s.id AND q.version = s.version
    LEFT JOIN episodes AS e ON e.workspace = q.workspace AND e.id = q.episode
    WHERE s.retracted_at IS NULL
"""


class NotDone(Exception):
    """Learning did not come to an end."""


def wait_until_done(port: int, key: str) -> None:
    """Returns when the running server has nothing left to learn."""
    client = Client(port, key)
    deadline = time.monotonic() + DONE_WITHIN_S
    learning = {}
    while time.monotonic() < deadline:
        learning = client.get("status")["learning"]
        if learning["pending"] == 0:
            client.close()
            return
        time.sleep(0.05)
    raise NotDone(f"after {DONE_WITHIN_S:.0f} s learning still says {learning}")


def differences(data: pathlib.Path) -> tuple[int, list[str]]:
    """How many statements a stopped server's store has, and every lost, doubled or unfounded one, as a line each."""
    [path] = data.glob("*.db")
    store = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    turns = store.execute(USER_TURNS).fetchall()
    rows = store.execute(STATEMENTS).fetchall()
    store.close()
    return len(rows), compared(turns, rows)


def compared(turns: list, rows: list) -> list[str]:
    """What of these turns was not learned once, from them: rows of `USER_TURNS` and of `STATEMENTS`."""
    expected = collections.Counter(text for _, text in turns)
    found = collections.Counter(statement for statement, _, _ in rows)
    lines = [f"learned {found[text]} times instead of once: {text!r}" for text in expected if found[text] != 1]
    lines += [f"learned, though nobody said it: {text!r}" for text in found if text not in expected]
    lines += [f"learned from another turn, {turn!r}: {text!r}" for text, turn, _ in rows if turn != text]
    return lines
