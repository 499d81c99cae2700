"""Compares what a server kept with what it acknowledged."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterable, Iterator
from urllib.parse import urlencode

from traffic import ASSISTANT, Client, Conversation

READERS = 4
LEARNING = "key_learning"
"""Stands in the ledger where the server itself calls a model."""
PAGE = 100


def conversations(port: int, key: str, all_of_them: Iterable[Conversation]) -> list[str]:
    """Every loss and every half-written thread of these conversations, as one line each."""
    everything = [conversation for conversation in all_of_them if conversation.thread]
    shares = [everything[start::READERS] for start in range(READERS)]

    def check(share: list[Conversation]) -> list[str]:
        client = Client(port, key)
        losses = [loss for conversation in share for loss in losses_of(client, conversation)]
        client.close()
        return losses

    with ThreadPoolExecutor(READERS) as pool:
        return [loss for losses in pool.map(check, shares) for loss in losses]


def losses_of(client: Client, conversation: Conversation) -> Iterable[str]:
    yield from losses_in_thread(client, conversation)
    yield from losses_in_memory(client, conversation)
    for turn in conversation.acknowledged:
        row = client.get(f"generations/{turn.generation}")
        if row is None or row["status"] != "completed":
            seen = "is missing" if row is None else f"is {row['status']}"
            yield f"generation {turn.generation} of the acknowledged turn {turn.marker} {seen}"


def losses_in_thread(client: Client, conversation: Conversation) -> Iterable[str]:
    name = f"thread {conversation.thread}"
    messages = messages_of(client, conversation.thread)
    if messages is None:
        if conversation.acknowledged:
            yield f"{name} is missing, with {len(conversation.acknowledged)} acknowledged turns"
        return
    yield from half_written(conversation.thread, messages)
    roles = [message["role"] for message in messages]
    texts = [message["text"] for message in messages]
    for turn in conversation.acknowledged:
        at = [position for position, text in enumerate(texts) if turn.marker in text]
        if [roles[position] for position in at] != ["user", "assistant"] or at[1] != at[0] + 1:
            yield f"{name} does not hold {turn.marker} once as question and answer, but at {at} of {len(texts)}"


def losses_in_memory(client: Client, conversation: Conversation) -> Iterable[str]:
    """Each side of a turn is one episode, but for what built-in models say: that is not remembered."""
    scope = {"assistant": ASSISTANT, "user": conversation.user}
    texts = [memory["text"] for memory in every(client, "memories", scope) if memory["id"].startswith("ep_")]
    for turn in conversation.acknowledged:
        episodes = sum(turn.marker in text for text in texts)
        expected = 1 if turn.model.startswith("builtin/") else 2
        if episodes != expected:
            yield f"{turn.marker} was acknowledged, and memory has {episodes} episodes of it instead of {expected}"


def threads_nobody_was_told_of(port: int, key: str, known: Iterable[Conversation]) -> list[str]:
    """The half-written ones among the threads whose first turn was cut off before it was acknowledged."""
    client = Client(port, key)
    checked = {conversation.thread for conversation in known}
    others = [thread["id"] for thread in every(client, "threads", {}) if thread["id"] not in checked]
    losses = [loss for thread in others for loss in half_written(thread, messages_of(client, thread) or [])]
    client.close()
    return losses


def pending_generations(port: int, key: str, newest: int | None = None) -> tuple[int, list[str]]:
    """How many of the newest generations were looked at, and those that a crash left open.

    Only once everything was learned are all of them looked at; until then the server's own calls may be under way.
    """
    client = Client(port, key)
    rows = list(itertools.islice(every(client, "generations", {}), newest))
    client.close()
    counted = [row for row in rows if newest is None or row["key"] != LEARNING]
    pending = [row["id"] for row in counted if row["status"] == "pending"]
    return len(rows), [f"generation {generation} is still pending" for generation in pending]


def messages_of(client: Client, thread: str) -> list[dict[str, Any]] | None:
    page = client.get(f"threads/{thread}/messages?limit={PAGE}")
    return page and page["data"]


def half_written(thread: str, messages: list[dict[str, Any]]) -> Iterable[str]:
    roles = [message["role"] for message in messages]
    if not roles or roles != ["user", "assistant"] * (len(roles) // 2):
        yield f"thread {thread} is half-written: {' '.join(roles) or 'empty'}"


def every(client: Client, path: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
    """All items of a list, page by page."""
    cursor: dict[str, str] = {}
    while True:
        page = client.get(f"{path}?{urlencode({**query, 'limit': PAGE, **cursor})}")
        yield from page["data"]
        if page["next"] is None:
            return
        cursor = {"cursor": page["next"]}
