"""The `backboard-sdk` package, unmodified: every method, plain and streaming; what is not supported is refused clearly.

Runs with the newest version and with older ones, which know less: what a version has not is skipped.
"""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import sys
import tempfile
import time
import uuid
from typing import Any, Awaitable, Callable

import backboard
from backboard import BackboardClient
from backboard.exceptions import BackboardAPIError, BackboardNotFoundError, BackboardValidationError

from harness import CASES, NotApplicable, Upstream, main, require, same, unique

VERSION = tuple(int(part) for part in backboard.__version__.split("."))
CLIENT = os.environ["SDK_TEST_CLIENT"]
WITHIN_S = 30.0
MEMORY = CASES["memory"]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "Its name"}},
            "required": ["city"],
        },
    },
}


def needs(method: str) -> None:
    if not hasattr(BackboardClient, method):
        raise NotApplicable(f"backboard-sdk {backboard.__version__} has no {method}")


def scenario(play: Callable[[BackboardClient, Upstream], Awaitable[None]]) -> Callable[[Upstream], None]:
    """A case that is played with a client of its own."""

    def case(upstream: Upstream) -> None:
        async def played() -> None:
            async with BackboardClient(api_key=upstream.key, base_url=f"{upstream.url}/api") as client:
                await play(client, upstream)

        asyncio.run(played())

    return case


def model(upstream: Upstream, name: str) -> dict[str, str]:
    provider, _, model_name = upstream.model(name).partition("/")
    return {"llm_provider": provider, "model_name": model_name}


async def opened(client: BackboardClient, **settings: Any) -> tuple[Any, Any]:
    """An assistant of its own, and a thread."""
    assistant = await client.create_assistant(name=unique("harbour"), **settings)
    return assistant, await client.create_thread(assistant.assistant_id)


async def fails(error: type[BaseException], call: Awaitable[Any]) -> Any:
    try:
        returned = await call
    except error as raised:
        return raised
    raise AssertionError(f"expected {error.__name__}, but the call returned {returned!r}"[:600])


async def until(ask: Callable[[], Awaitable[Any]], is_over: Callable[[Any], bool]) -> Any:
    """Asks as the SDK's documentation says to, until it is over."""
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        answer = await ask()
        if is_over(answer):
            return answer
        await asyncio.sleep(0.1)
    raise AssertionError(f"not over within {WITHIN_S} s: {answer!r}")


@scenario
async def case_assistants(client: BackboardClient, upstream: Upstream) -> None:
    name = unique("harbour")
    settings = {"description": "d", "tools": [WEATHER]}
    if VERSION >= (1, 4):
        settings["system_prompt"] = "Be brief."
    made = await client.create_assistant(name=name, **settings)
    same((made.name, getattr(made, "system_prompt", "Be brief.")), (name, "Be brief."))
    same(made.tools[0].function.name, "weather")
    same((await client.get_assistant(made.assistant_id)).assistant_id, made.assistant_id)
    require(any(one.assistant_id == made.assistant_id for one in await client.list_assistants(limit=200)))
    changed = await client.update_assistant(made.assistant_id, name=f"{name} 2", tools=[])
    same((changed.name, changed.description, changed.tools or []), (f"{name} 2", "d", []))
    thread = await client.create_thread(made.assistant_id)
    same(thread.messages, [])
    if hasattr(client, "list_threads_for_assistant"):
        listed = await client.list_threads_for_assistant(made.assistant_id)
        same([one.thread_id for one in listed], [thread.thread_id])
    require(any(one.thread_id == thread.thread_id for one in await client.list_threads()))
    same((await client.delete_thread(thread.thread_id))["thread_id"], str(thread.thread_id))
    await fails(BackboardNotFoundError, client.get_thread(thread.thread_id))
    same((await client.delete_assistant(made.assistant_id))["assistant_id"], str(made.assistant_id))
    await fails(BackboardNotFoundError, client.get_assistant(made.assistant_id))


@scenario
async def case_clone(client: BackboardClient, upstream: Upstream) -> None:
    needs("clone_assistant")
    assistant, _ = await opened(client)
    await client.add_memory(str(assistant.assistant_id), content="Ann keeps bees.")
    cloned = await client.clone_assistant(assistant.assistant_id)
    same(cloned.memories_cloned, 1)
    same(cloned.assistant.name, f"{assistant.name} Copy")


def content_of(reply: Any) -> str:
    return member(reply, "content") or ""


def member(reply: Any, name: str) -> Any:
    """Of the newest reply: later versions wrap it, and some methods return it as it came."""
    messages = getattr(reply, "messages", None)
    newest = messages[-1] if messages else reply
    return newest.get(name) if isinstance(newest, dict) else getattr(newest, name)


def id_of(call: Any) -> str:
    return call["id"] if isinstance(call, dict) else call.id


@scenario
async def case_chat(client: BackboardClient, upstream: Upstream) -> None:
    _, thread = await opened(client)
    reply = await client.add_message(thread.thread_id, content=CASES["echo"], **model(upstream, "sim-echo"))
    require(CASES["echo"] in content_of(reply), reply)
    same(str(member(reply, "status")).rpartition(".")[2].upper(), "COMPLETED")
    events = [event async for event in await client.add_message(
        thread.thread_id, content=CASES["echo"], stream=True, **model(upstream, "sim-echo"))]
    said = "".join(event["content"] for event in events if event["type"] == "content_streaming")
    require(CASES["echo"] in said, said)
    same(events[-1]["type"], "run_ended")
    messages = (await client.get_thread(thread.thread_id)).messages
    same([str(message.role).rpartition(".")[2].lower() for message in messages], ["user", "assistant"] * 2)


@scenario
async def case_send(client: BackboardClient, upstream: Upstream) -> None:
    needs("send_message")
    routing = {"openrouter": {"sort": "price"}} if VERSION >= (1, 5, 16) else {}
    reply = await client.send_message(
        CASES["echo"], system_prompt="Be brief.", metadata={"token": "t"}, json_output=False,
        thinking={"effort": "low"}, **routing, **model(upstream, "sim-echo"))
    require(CASES["echo"] in content_of(reply), reply)
    thread = await client.get_thread(member(reply, "thread_id"))
    same(thread.messages[0].metadata_, {"token": "t"})
    saved = await client.send_message("noted", thread_id=thread.thread_id, send_to_llm="false")
    same(content_of(saved), "noted")
    events = [event async for event in await client.send_message(
        CASES["echo"], thread_id=thread.thread_id, stream=True, **model(upstream, "sim-echo"))]
    same(events[-1]["type"], "run_ended")


@scenario
async def case_board_tools(client: BackboardClient, upstream: Upstream) -> None:
    upstream.needs_model("tools")
    _, thread = await opened(client, tools=[WEATHER])
    for stream in (False, True):
        asked = await client.add_message(
            thread.thread_id, content="Use the weather tool for Lisbon", stream=stream, **model(upstream, "sim-echo"))
        if stream:
            last = [event async for event in asked][-1]
            same(last["type"], "tool_submit_required")
            run, calls = last["run_id"], [call["id"] for call in last["tool_calls"]]
        else:
            same(str(member(asked, "status")).rpartition(".")[2].upper(), "REQUIRES_ACTION")
            run, calls = member(asked, "run_id"), [id_of(call) for call in member(asked, "tool_calls")]
        outputs = [{"tool_call_id": call, "output": "sunny, 21 degrees"} for call in calls]
        answer = await client.submit_tool_outputs(thread.thread_id, run, outputs, stream=stream)
        if stream:
            same([event async for event in answer][-1]["type"], "run_ended")
        else:
            require("sunny" in content_of(answer), answer)
        await fails(BackboardValidationError, submit(client, thread, run, outputs))
    same(len((await client.get_thread(thread.thread_id)).messages), 8)
    if hasattr(client, "submit_tool_outputs_simple"):
        asked = await client.add_message(
            thread.thread_id, content="Use the weather tool for Porto", **model(upstream, "sim-echo"))
        outputs = [{"tool_call_id": id_of(call), "output": "rain"} for call in member(asked, "tool_calls")]
        answer = await client.submit_tool_outputs_simple(thread.thread_id, outputs)
        require("rain" in content_of(answer), answer)
        cancelled = await client.cancel_run(thread.thread_id, member(asked, "run_id"))
        same(cancelled["cancelled"], False)


DECISIONS = {
    "urgent": {"type": "noul", "instructions": "Can it wait?", "criteria": {"true": "It can", "false": "It cannot"}},
    "tone": {"type": "choice", "instructions": {"task": "Tell the tone"}, "criteria": {"calm": None, "angry": "Upset"}},
    "effort": {"type": "score", "instructions": "How much work is it?", "criteria": ["none", "some", "much"]},
}
PROBABILITIES = {"1": {"yes": 0.9, "no": 0.1}, "2": {"o1": 0.2, "o2": 0.8}, "3": {"0": 0.1, "1": 0.1, "2": 0.8}}


@scenario
async def case_board_decisions(client: BackboardClient, upstream: Upstream) -> None:
    """`sim-json` answers with the JSON object in what it is told."""
    if VERSION < (1, 5, 19):
        raise NotApplicable(f"backboard-sdk {backboard.__version__} has no typed questions")
    upstream.needs_model("JSON")
    named = model(upstream, "sim-json")
    sent = await client.send_message(system_one={"state": PROBABILITIES, "questions": DECISIONS}, **named)
    added = await client.add_message(
        sent.thread_id, content=json.dumps(PROBABILITIES), system_one={"questions": DECISIONS}, **named)
    for reply in (sent, added):
        decided = reply.system_one
        same(decided.answers["urgent"], {"type": "noul", "noul": 0.9})
        same((decided.answers["tone"]["choice"], decided.answers["tone"]["confidence"]), ("angry", 0.8))
        same((decided.answers["effort"]["score"], decided.answers["effort"]["legend"]["2"]), (1.7, "much"))
        same((decided.model, json.loads(reply.content)), (member(reply, "model_name"), decided.answers))
        require(decided.usage["input_tokens"] > 0 and decided.usage["output_tokens"] > 0, decided.usage)
    same(len((await client.get_thread(sent.thread_id)).messages), 4)
    plain = await client.send_message(CASES["echo"], **model(upstream, "sim-echo"))
    same(plain.system_one, None)
    unreadable = await client.send_message("nothing", system_one={"questions": DECISIONS}, **named)
    same((unreadable.status, unreadable.system_one), ("FAILED", None))
    refused = client.send_message("hi", system_one={"questions": DECISIONS}, stream=True, **named)

    async def consume() -> None:
        async for _ in await refused:
            pass

    await fails(BackboardValidationError, consume())


async def submit(client: BackboardClient, thread: Any, run: str, outputs: list[dict[str, str]]) -> Any:
    return await client.submit_tool_outputs(thread.thread_id, run, outputs)


@scenario
async def case_board_memory(client: BackboardClient, upstream: Upstream) -> None:
    needs("add_memory")
    assistant, thread = await opened(client)
    whose = str(assistant.assistant_id)
    added = await client.add_memory(whose, content="  {\"a\": 1}\n", metadata={"n": 1})
    memory = await client.get_memory(whose, added["memory_id"])
    same((memory.content, memory.metadata), ("  {\"a\": 1}\n", {"n": 1}))
    changed = await client.update_memory(whose, memory.id, content="Ann keeps bees.")
    same(changed.content, "Ann keeps bees.")
    listed = await client.get_memories(whose)
    same([one.content for one in listed.memories], ["Ann keeps bees."])
    same((await client.get_memory_stats(whose)).total_memories, 1)
    if hasattr(client, "search_memories"):
        found = await client.search_memories(whose, "bees", limit=3)
        same(found["memories"][0]["content"], "Ann keeps bees.")
    if hasattr(client, "get_memory_insights"):
        require("snapshot" in await client.get_memory_insights(whose))
    told = await client.add_message(
        thread.thread_id, content=MEMORY["statement"].format(tag="t"), memory="Auto", **model(upstream, "sim-echo"))
    if hasattr(client, "get_memory_operation_status"):
        operation = member(told, "memory_operation_id")
        over = await until(
            lambda: client.get_memory_operation_status(operation), lambda one: one.status in ("COMPLETED", "FAILED"))
        same(over.status, "COMPLETED")
    same((await client.delete_memory(whose, memory.id))["success"], True)
    await fails(BackboardNotFoundError, client.get_memory(whose, memory.id))
    if hasattr(client, "reset_memories"):
        same((await client.reset_memories(whose))["success"], True)


@scenario
async def case_board_documents(client: BackboardClient, upstream: Upstream) -> None:
    assistant, thread = await opened(client)
    with tempfile.TemporaryDirectory() as folder:
        notes = pathlib.Path(folder) / "notes.md"
        notes.write_text("# Harbour\n\nThe ferry to Tallinn leaves from quay nine.\n")
        of_assistant = await client.upload_document_to_assistant(assistant.assistant_id, notes)
        of_thread = await client.upload_document_to_thread(thread.thread_id, notes)
        await client.add_message(thread.thread_id, content="see there", files=[notes], **model(upstream, "sim-echo"))
        broken = pathlib.Path(folder) / "broken.pdf"
        broken.write_bytes(b"%PDF-1.7 nothing")
        unreadable = await client.upload_document_to_thread(thread.thread_id, broken)
    for document, ends in ((of_assistant, "indexed"), (unreadable, "error" if VERSION >= (1, 5, 17) else "failed")):
        over = await until(
            lambda: client.get_document_status(document.document_id),
            lambda one: word(one.status) not in ("pending", "processing"))
        same(word(over.status), ends)
    same(len(await client.list_assistant_documents(assistant.assistant_id)), 1)
    same(len(await client.list_thread_documents(thread.thread_id)), 3)
    messages = (await client.get_thread(thread.thread_id)).messages
    same([one.filename for one in messages[0].attachments], ["notes.md"])
    deleted = await client.delete_document(of_thread.document_id)
    same(deleted["filename"], "notes.md")
    await fails(BackboardNotFoundError, client.get_document_status(of_thread.document_id))


def word(status: Any) -> str:
    return str(getattr(status, "value", status)).lower()


@scenario
async def case_board_models(client: BackboardClient, upstream: Upstream) -> None:
    needs("list_models")
    listed = await client.list_models(limit=15000, supports_tools=True)
    require(listed.total > 0 and listed.models, listed.total)
    name = upstream.model("sim-echo")
    same((await client.get_model(name)).name, name.partition("/")[2])
    await fails(BackboardNotFoundError, client.get_model("nobody/nothing"))
    require(upstream.model("x").partition("/")[0] in str(await client.list_providers()))
    for ask in ("list_embedding_models", "list_embedding_providers", "list_image_models", "list_image_providers",
                "list_video_models"):
        if hasattr(client, ask):
            await getattr(client, ask)()
    by_provider = await client.list_models_by_provider(name.partition("/")[0])
    require(any(one.name == name.partition("/")[2] for one in by_provider.models), by_provider.total)
    for ask in ("get_embedding_model", "get_image_model", "get_video_model"):
        if hasattr(client, ask):
            await fails(BackboardNotFoundError, getattr(client, ask)("nobody/nothing"))


@scenario
async def case_board_errors(client: BackboardClient, upstream: Upstream) -> None:
    await fails(BackboardNotFoundError, client.get_assistant(uuid.uuid4()))
    await fails(BackboardValidationError, client.get_thread("not-a-uuid"))
    await fails(BackboardValidationError, client.create_assistant(name=""))
    assistant, thread = await opened(client)
    unknown = client.add_message(thread.thread_id, content="hi", llm_provider="nobody", model_name="nothing")
    error = await fails(BackboardValidationError, unknown)
    require("nothing" in str(error), error)
    stranger = BackboardClient(api_key="bs-wrong", base_url=f"{upstream.url}/api")
    same((await fails(BackboardAPIError, stranger.list_assistants())).status_code, 401)
    await stranger.aclose()
    if upstream.format == "builtin":
        return
    failing = {**model(upstream, "sim-echo!429")}
    reply = await client.add_message(thread.thread_id, content="hi", **failing)
    require(content_of(reply).startswith("LLM Error"), reply)
    streamed = await client.add_message(thread.thread_id, content="hi", stream=True, **failing)

    async def consume() -> None:
        async for _ in streamed:
            pass

    await fails(BackboardAPIError, consume())


@scenario
async def case_board_media(client: BackboardClient, upstream: Upstream) -> None:
    """What is not supported says so, instead of being answered wrongly."""
    needs("connect_realtime")
    for asked in ({"image_generation": "auto"}, {"operation": "generate_image"}, {"video_generation": "auto"},
                  {"voice": {"tts": {"provider": "x"}}}):
        error = await fails(BackboardValidationError, client.send_message("draw", **asked))
        require("not supported" in str(error), error)
    _, thread = await opened(client)
    for session in (client.stream_voice(str(thread.thread_id), {"voice": {}}),
                    client.connect_realtime(str(thread.thread_id), "openai", "gpt-realtime")):
        error = await fails(BackboardAPIError, session)
        require("not supported" in str(error), error)


@scenario
async def case_told_here_known_there(client: BackboardClient, upstream: Upstream) -> None:
    """Told on an OpenAI model through this SDK, recalled by an Anthropic model through Anthropic's."""
    if VERSION < (1, 5, 15):
        raise NotApplicable("shown with the newest version")
    import anthropic

    assistant, thread = await opened(client)
    tag = unique("tag")
    await client.add_message(
        thread.thread_id, content=MEMORY["statement"].format(tag=tag), memory="Auto",
        llm_provider="sim-openai", model_name="sim-echo")
    other = anthropic.Anthropic(base_url=upstream.url, api_key=upstream.key, max_retries=0)
    answer = other.messages.create(
        model="sim-anthropic/sim-quote", max_tokens=1024,
        messages=[{"role": "user", "content": MEMORY["question"]}],
        extra_headers={"X-Backstay-Assistant": str(assistant.assistant_id), "X-Backstay-Memory": "readonly"})
    said = "".join(block.text for block in answer.content if block.type == "text")
    require(tag in said, said)


if __name__ == "__main__":
    sys.exit(main(CLIENT, globals()))
