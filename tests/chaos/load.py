"""What is asked of servers that share a store, and what is expected of them."""

from __future__ import annotations

import asyncio
import collections
import json
import random
import threading

import verify
from cluster import Cluster
from traffic import Conversation, Worker

CALLERS = 1_000
ANSWER_TOKENS = 20
WORKERS = 12


class Failed(Exception):
    """What does not hold; the text says what was seen."""


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise Failed(what)


async def post(port: int, key: str, body: dict, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    """One call on a connection of its own; status 0 when the connection broke."""
    sent = json.dumps(body).encode()
    lines = ["POST /v1/chat/completions HTTP/1.1", "Host: backstay", f"Authorization: Bearer {key}"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(sent)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write("\r\n".join([*lines, "", ""]).encode() + sent)
        answer = await asyncio.wait_for(reader.read(), 120)
        writer.close()
    except OSError:
        return 0, {}, b""
    head, _, rest = answer.partition(b"\r\n\r\n")
    if not head:
        return 0, {}, b""
    status, *fields = head.decode().split("\r\n")
    pairs = (field.split(": ", 1) for field in fields)
    return int(status.split()[1]), {name.lower(): value for name, value in pairs}, rest


def ask(words: str, model: str = "sim-openai/sim-echo", **more: object) -> dict:
    return {"model": model, "max_tokens": ANSWER_TOKENS, "messages": [{"role": "user", "content": words}], **more}


async def at_once(cluster: Cluster, key: str, body: dict, callers: int = CALLERS) -> collections.Counter:
    """Statuses of all callers, spread over the nodes."""
    calls = [post(cluster.ports[number % len(cluster.ports)], key, body) for number in range(callers)]
    return collections.Counter(status for status, _, _ in await asyncio.gather(*calls))


class Load:
    """Workers that talk through the balancer until they are told to stop."""

    def __init__(self, cluster: Cluster, name: str, rng: random.Random) -> None:
        self.stopped = threading.Event()
        self.workers = [
            Worker(f"{name}w{at}", cluster.balancer.port, cluster.key, rng.randrange(2**32), self.stopped)
            for at in range(WORKERS)
        ]
        for worker in self.workers:
            worker.start()

    def stop(self) -> list[Conversation]:
        self.stopped.set()
        for worker in self.workers:
            worker.join()
        return [conversation for worker in self.workers for conversation in worker.conversations]


def check(cluster: Cluster, conversations: list[Conversation], node: int) -> int:
    """Every acknowledged turn is there, as a node tells it; how many there were."""
    losses = verify.conversations(cluster.ports[node], cluster.key, conversations)
    expect(not losses, "; ".join(losses[:5]))
    return sum(len(conversation.acknowledged) for conversation in conversations)
