"""Compares what a server kept with what it acknowledged."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Iterable
from urllib.parse import urlencode

from traffic import ASSISTANT, Client, Conversation

READERS = 4
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
    page = client.get(f"threads/{conversation.thread}/messages")
    if page is None:
        if conversation.acknowledged:
            yield f"{name} is missing, with {len(conversation.acknowledged)} acknowledged turns"
        return
    messages = page["data"]
    roles = [message["role"] for message in messages]
    if roles != ["user", "assistant"] * (len(roles) // 2):
        yield f"{name} is half-written: {' '.join(roles)}"
    texts = [json.dumps(message, ensure_ascii=False) for message in messages]
    for turn in conversation.acknowledged:
        at = [position for position, text in enumerate(texts) if turn.marker in text]
        if [roles[position] for position in at] != ["user", "assistant"] or at[1] != at[0] + 1:
            yield f"{name} does not hold {turn.marker} once as question and answer, but at {at} of {len(texts)}"


def losses_in_memory(client: Client, conversation: Conversation) -> Iterable[str]:
    """Each side of a turn is one episode."""
    query = urlencode({"assistant": ASSISTANT, "user": conversation.user})
    page = client.get(f"memories?{query}")
    texts = [memory["text"] for memory in page["data"]] if page else []
    for turn in conversation.acknowledged:
        episodes = sum(turn.marker in text for text in texts)
        if episodes != 2:
            yield f"{turn.marker} was acknowledged, and memory has {episodes} episodes of it instead of 2"


def pending_generations(port: int, key: str, pages: int) -> tuple[int, list[str]]:
    """How many of the newest generations were looked at, and those that a crash left open."""
    client = Client(port, key)
    seen, pending, cursor = 0, [], None
    for _ in range(pages):
        query = {"limit": PAGE} | ({"after": cursor} if cursor else {})
        page = client.get(f"generations?{urlencode(query)}")
        seen += len(page["data"])
        pending += [row["id"] for row in page["data"] if row["status"] == "pending"]
        if not page.get("has_more") or not page["data"]:
            break
        cursor = page["data"][-1]["id"]
    client.close()
    return seen, [f"generation {generation} is still pending" for generation in pending]
