"""The load of the kill test: conversations with the server, and what the server acknowledged of them."""

from __future__ import annotations

import http.client
import json
import random
import threading
from dataclasses import dataclass, field
from typing import Any

ASSISTANT = "kill-test"
TURNS_PER_CONVERSATION = 8
TIMEOUT_S = 30.0
MODELS = (
    "sim-openai/sim-echo",
    "sim-anthropic/sim-echo!per-token-3",
    "sim-gemini/sim-echo",
    "sim-openai/sim-echo!per-token-5",
    "builtin/echo",
)


class Unexpected(Exception):
    """The server answered what it should not have answered; no kill excuses that."""


@dataclass(frozen=True)
class Turn:
    """One acknowledged turn."""

    marker: str
    """A word that stands in this turn only, in the question and in the answer."""
    generation: str
    model: str


@dataclass
class Conversation:
    """One thread of one user, so that its memories can be listed apart from all others."""

    user: str
    thread: str | None = None
    """Known as soon as a response header named it, be the turn acknowledged or not."""
    acknowledged: list[Turn] = field(default_factory=list)
    attempts: int = 0


class Client:
    """One kept-alive connection."""

    def __init__(self, port: int, key: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def close(self) -> None:
        self.connection.close()

    def get(self, path: str) -> Any:
        """The JSON at one of Backstay's own addresses; `None` where there is nothing."""
        self.connection.request("GET", f"/backstay/v1/{path}", headers=self.headers)
        response = self.connection.getresponse()
        body = response.read()
        if response.status == 404:
            return None
        if response.status != 200:
            raise Unexpected(f"GET {path} answered {response.status}: {body[:500]!r}")
        return json.loads(body)

    def say(self, conversation: Conversation, marker: str, model: str, stream: bool) -> Turn:
        """Sends one turn. Returns only when the answer was complete, which is when it counts as acknowledged."""
        body = {
            "model": model,
            "stream": stream,
            "messages": [{"role": "user", "content": f"Please keep in mind that the parcel {marker} is on its way."}],
            "backstay": {"assistant": ASSISTANT, "user": conversation.user, "thread": conversation.thread or "new"},
        }
        conversation.attempts += 1
        self.connection.request("POST", "/v1/chat/completions", json.dumps(body), self.headers)
        response = self.connection.getresponse()
        if response.status != 200:
            raise Unexpected(f"a turn on {model} was answered {response.status}: {response.read()[:500]!r}")
        conversation.thread = response.headers["X-Backstay-Thread"] or conversation.thread
        if stream:
            text, extension = read_stream(response)
        else:
            answer = json.loads(response.read())
            text, extension = answer["choices"][0]["message"]["content"], answer["backstay"]
        if marker not in text:
            raise Unexpected(f"the complete answer of {model} lacks {marker}: {text!r}")
        conversation.thread = extension["thread"]
        turn = Turn(marker, extension["generation"], model)
        conversation.acknowledged.append(turn)
        return turn


def read_stream(response: http.client.HTTPResponse) -> tuple[str, dict[str, Any]]:
    """Text and extension of a stream that reached `[DONE]`."""
    text, extension = "", {}
    for line in response:
        data = line.decode().removeprefix("data:").strip()
        if data == "[DONE]":
            response.read()
            return text, extension
        if not line.startswith(b"data:"):
            continue
        chunk = json.loads(data)
        if "error" in chunk:
            raise Unexpected(f"an error came in the stream: {data}")
        text += "".join(choice["delta"].get("content") or "" for choice in chunk["choices"])
        extension = chunk.get("backstay") or extension
    raise http.client.IncompleteRead(text.encode())


class Worker(threading.Thread):
    """Talks without pause until the server is killed."""

    def __init__(self, name: str, port: int, key: str, seed: int, killed: threading.Event) -> None:
        super().__init__(name=name)
        self.port, self.key, self.killed = port, key, killed
        self.random = random.Random(seed)
        self.conversations: list[Conversation] = []
        self.problems: list[str] = []

    def run(self) -> None:
        client = Client(self.port, self.key)
        while not self.killed.is_set() and not self.problems:
            try:
                self.one_turn(client)
            except Unexpected as unexpected:
                self.problems.append(str(unexpected))
            except (OSError, http.client.HTTPException, json.JSONDecodeError) as broken:
                client.close()
                if not self.killed.is_set():
                    self.problems.append(f"the connection broke before the kill: {broken!r}")
        client.close()

    def one_turn(self, client: Client) -> None:
        if not self.conversations or self.conversations[-1].attempts == TURNS_PER_CONVERSATION:
            self.conversations.append(Conversation(f"{self.name}-{len(self.conversations)}"))
        conversation = self.conversations[-1]
        marker = f"{conversation.user}-{conversation.attempts}-{self.random.randrange(16**8):08x}"
        client.say(conversation, marker, self.random.choice(MODELS), self.random.random() < 0.5)
