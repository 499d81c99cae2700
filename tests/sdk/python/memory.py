"""The memory scenario, the same for each dialect: told through one client, known through another.

A speaker says one thing to a model through one SDK and returns what came back with Backstay's extension. The
scenario has a speaker of the dialect under test and one of another dialect.
"""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from typing import Any, Mapping, Protocol

import clients
from harness import CASES, Upstream, require, same, unique

MEMORY = CASES["memory"]


@dataclass(frozen=True)
class Reply:
    text: str
    extension: dict[str, Any] | None
    """The `backstay` field of the reply, or of the last chunk of a stream."""
    headers: Mapping[str, str]
    finish_reason: str | None


class Speaker(Protocol):
    def __call__(
        self, upstream: Upstream, model: str, text: str, *,
        backstay: dict[str, str] | None = None, headers: dict[str, str] | None = None, stream: bool = False,
    ) -> Reply: ...


def speak_openai(upstream, model, text, *, backstay=None, headers=None, stream=False) -> Reply:
    """Says `text` through the `openai` package."""
    client = clients.openai_client(upstream)
    raw = client.chat.completions.with_raw_response.create(
        model=model,
        messages=[{"role": "user", "content": text}],
        stream=stream,
        extra_body={"backstay": backstay} if backstay else None,
        extra_headers=headers,
    )
    answer = raw.parse()
    if not stream:
        choice = answer.choices[0]
        return Reply(choice.message.content, extension_of(answer), raw.headers, choice.finish_reason)
    chunks = list(answer)
    for chunk in chunks[:-1]:
        require(extension_of(chunk) is None, "the extension came before the last chunk", chunk)
    choices = [choice for chunk in chunks for choice in chunk.choices]
    text = "".join(choice.delta.content or "" for choice in choices)
    reasons = [choice.finish_reason for choice in choices if choice.finish_reason]
    return Reply(text, extension_of(chunks[-1]), raw.headers, reasons[-1] if reasons else None)


def speak_anthropic(upstream, model, text, *, backstay=None, headers=None, stream=False) -> Reply:
    """Says `text` through the `anthropic` package."""
    client = clients.anthropic_client(upstream)
    raw = client.messages.with_raw_response.create(
        model=model,
        max_tokens=1024,
        messages=[{"role": "user", "content": text}],
        stream=stream,
        extra_body={"backstay": backstay} if backstay else None,
        extra_headers=headers,
    )
    answer = raw.parse()
    if not stream:
        text = "".join(block.text for block in answer.content if block.type == "text")
        return Reply(text, extension_of(answer), raw.headers, answer.stop_reason)
    events = list(answer)
    for event in events[:-1]:
        require(extension_of(event) is None, "the extension came before message_stop", event)
    same(events[-1].type, "message_stop")
    deltas = [event.delta for event in events if event.type == "content_block_delta"]
    reasons = [event.delta.stop_reason for event in events if event.type == "message_delta"]
    text = "".join(delta.text for delta in deltas if delta.type == "text_delta")
    return Reply(text, extension_of(events[-1]), raw.headers, reasons[-1] if reasons else None)


def extension_of(message: Any) -> dict[str, Any] | None:
    return (message.model_extra or {}).get("backstay")


def native(upstream: Upstream, path: str) -> Any:
    """Reads one of Backstay's own addresses."""
    request = urllib.request.Request(f"{upstream.url}/backstay/v1/{path}")
    request.add_header("Authorization", f"Bearer {upstream.key}")
    with urllib.request.urlopen(request, timeout=clients.TIMEOUT_S) as answer:
        return json.load(answer)


def scenario(upstream: Upstream, here: Speaker, there: Speaker) -> None:
    """Everything a user of memory relies on, with `here` as the client under test."""
    upstream.needs_server("memory")
    told_here_is_known_there(upstream, here, there)
    told_here_is_known_there(upstream, there, here)
    history_is_kept_by_the_server(upstream, here, there)
    off_and_readonly_leave_nothing(upstream, here)
    headers_do_what_the_field_does(upstream, here)
    a_client_that_asks_for_nothing_sees_nothing(upstream, here)


def told_here_is_known_there(upstream: Upstream, here: Speaker, there: Speaker) -> None:
    who = {"assistant": unique("harbour"), "user": MEMORY["user"]}
    statement, tag = new_statement()
    told = here(upstream, upstream.model("sim-echo"), statement, backstay={**who, "thread": "new"})
    told_in = extension(told)["thread"]
    same(told.headers["x-backstay-thread"], told_in)
    same(told.headers["x-backstay-generation"], extension(told)["generation"])
    for stream in (False, True):
        asked = there(upstream, upstream.model("sim-quote"), MEMORY["question"], stream=stream,
                      backstay={**who, "thread": "new"})
        found = recalled(asked, tag)
        require(found, "not recalled", asked.extension)
        same(found[0]["thread"], told_in)
        require(set(found[0]) >= {"id", "text", "said_at", "thread", "score", "why"}, found[0])
        require(extension(asked)["memory_tokens"] > 0, asked.extension)
        require({"cost", "dropped_parameters"} <= set(extension(asked)), asked.extension)
        require(extension(asked)["thread"] != told_in, "`new` opened no new thread", asked.extension)
        require(tag in asked.text, "the model did not get what was recalled", asked.text)
        generation = native(upstream, f"generations/{extension(asked)['generation']}")
        same(generation["id"], extension(asked)["generation"])
    stranger = {"assistant": who["assistant"], "user": "somebody-else", "thread": "new"}
    asked = there(upstream, upstream.model("sim-quote"), MEMORY["question"], backstay=stranger)
    require(not recalled(asked, tag), "another user's memory was recalled", asked.extension)


def history_is_kept_by_the_server(upstream: Upstream, here: Speaker, there: Speaker) -> None:
    who = {"assistant": unique("harbour"), "user": MEMORY["user"], "memory": "off"}
    statement, tag = new_statement()
    told = here(upstream, upstream.model("sim-echo"), statement, backstay={**who, "thread": "new"})
    thread = extension(told)["thread"]
    for speaker in (here, there):
        asked = speaker(upstream, upstream.model("sim-quote"), MEMORY["question"], backstay={**who, "thread": thread})
        same(extension(asked)["thread"], thread)
        if upstream.format != "builtin":
            require(tag in asked.text, "the model did not get the thread's history", asked.text)
    messages = native(upstream, f"threads/{thread}/messages")["data"]
    same([message["role"] for message in messages], ["user", "assistant"] * 3)
    require(tag in json.dumps(messages[0], ensure_ascii=False), messages[0])


def off_and_readonly_leave_nothing(upstream: Upstream, here: Speaker) -> None:
    who = {"assistant": unique("harbour"), "user": MEMORY["user"]}
    for mode in ("off", "readonly"):
        statement, tag = new_statement()
        here(upstream, upstream.model("sim-echo"), statement, backstay={**who, "thread": "new", "memory": mode})
        asked = here(upstream, upstream.model("sim-quote"), MEMORY["question"],
                     backstay={**who, "thread": "new", "memory": "readonly"})
        require(not recalled(asked, tag), f"{mode} left a memory", asked.extension)
    statement, tag = new_statement()
    here(upstream, upstream.model("sim-echo"), statement, backstay={**who, "thread": "new"})
    for mode, known in (("readonly", True), ("off", False)):
        asked = here(upstream, upstream.model("sim-quote"), MEMORY["question"],
                     backstay={**who, "thread": "new", "memory": mode})
        same(bool(recalled(asked, tag)), known)
        same(tag in asked.text, known)


def headers_do_what_the_field_does(upstream: Upstream, here: Speaker) -> None:
    who = {"X-Backstay-Assistant": unique("harbour"), "X-Backstay-User": MEMORY["user"], "X-Backstay-Thread": "new"}
    statement, tag = new_statement()
    here(upstream, upstream.model("sim-echo"), statement, headers=who)
    asked = here(upstream, upstream.model("sim-quote"), MEMORY["question"],
                 headers={**who, "X-Backstay-Memory": "readonly"})
    require(recalled(asked, tag), "not recalled", asked.extension)


def a_client_that_asks_for_nothing_sees_nothing(upstream: Upstream, here: Speaker) -> None:
    for stream in (False, True):
        asked = here(upstream, upstream.model("sim-echo"), CASES["echo"], stream=stream)
        same(asked.extension, None)
        require("x-backstay-thread" not in asked.headers, dict(asked.headers))
        same(asked.text, CASES["echo"])


def new_statement() -> tuple[str, str]:
    tag = unique("tag")
    return MEMORY["statement"].format(tag=tag), tag


def extension(reply: Reply) -> dict[str, Any]:
    require(isinstance(reply.extension, dict), "the reply has no `backstay` field", reply)
    return reply.extension


def recalled(reply: Reply, tag: str) -> list[dict[str, Any]]:
    """The recalled memories that hold the tag; the user's own words first."""
    found = [memory for memory in extension(reply).get("recalled") or [] if tag in memory["text"]]
    return sorted(found, key=lambda memory: memory["text"].startswith("The spare key"), reverse=True)
