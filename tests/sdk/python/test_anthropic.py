"""The Python `anthropic` SDK."""

from __future__ import annotations

import asyncio

import anthropic
from pydantic import BaseModel

import clients
import memory
from harness import CASES, NotApplicable, Upstream, main, raises, require, same

TOOLS = [
    {"name": tool["name"], "description": tool["description"], "input_schema": tool["parameters"]}
    for tool in CASES["tools"]
]
THINKING = {"type": "enabled", "budget_tokens": 1024}


class Address(BaseModel):
    city: str
    country: str


class Card(BaseModel):
    name: str
    age: int
    address: Address
    languages: list[str]


def user(text: str) -> list[dict]:
    return [{"role": "user", "content": text}]


def asking(upstream: Upstream, model: str, text: str, **more) -> dict:
    """The arguments of one call."""
    return {"model": upstream.model(model), "max_tokens": 2048, "messages": user(text), **more}


def text_of(message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def tool_uses(message) -> list:
    return [block for block in message.content if block.type == "tool_use"]


def streamed(messages, arguments: dict):
    """The message as the SDK puts it together from a stream."""
    with messages.stream(**arguments) as stream:
        return stream.get_final_message()


def case_plain(upstream: Upstream) -> None:
    messages = clients.anthropic_client(upstream).messages
    message = messages.create(**asking(upstream, "sim-echo", CASES["echo"]))
    same((message.type, message.role, message.stop_reason), ("message", "assistant", "end_turn"))
    same([block.type for block in message.content], ["text"])
    same(text_of(message), CASES["echo"])
    require(message.id and message.model, message)
    if upstream.format == "builtin":
        return
    for system in (CASES["system"], [{"type": "text", "text": CASES["system"]}]):
        answer = messages.create(**asking(upstream, "sim-quote", CASES["system_question"], system=system))
        require(CASES["system_fact"] in text_of(answer), answer)
    stopped = messages.create(**asking(upstream, "sim-echo", CASES["counting"], stop_sequences=["three"]))
    same(text_of(stopped).rstrip(), "one two")
    if upstream.format == "anthropic":  # The others do not say which sequence it was, or that it was one.
        same((stopped.stop_reason, stopped.stop_sequence), ("stop_sequence", "three"))
    cut = messages.create(**{**asking(upstream, "sim-echo", CASES["counting"]), "max_tokens": 2})
    same((text_of(cut).rstrip(), cut.stop_reason), ("one two", "max_tokens"))


def case_stream(upstream: Upstream) -> None:
    arguments = asking(upstream, "sim-echo", CASES["echo"])
    messages = clients.anthropic_client(upstream).messages
    events = list(messages.create(**arguments, stream=True))
    types = [event.type for event in events]
    same((types[0], types[1]), ("message_start", "content_block_start"))
    same(types[-3:], ["content_block_stop", "message_delta", "message_stop"])
    pieces = [event.delta.text for event in events if event.type == "content_block_delta"]
    same("".join(pieces), CASES["echo"])
    require(len(pieces) > 2 or upstream.format == "builtin", "the text came in one piece", pieces)
    same(events[-2].delta.stop_reason, "end_turn")
    with messages.stream(**arguments) as stream:
        same("".join(stream.text_stream), CASES["echo"])
    same(asyncio.run(streamed_by_the_async_client(upstream, arguments)), CASES["echo"])


async def streamed_by_the_async_client(upstream: Upstream, arguments: dict) -> str:
    async with clients.anthropic_async_client(upstream).messages.stream(**arguments) as stream:
        return "".join([text async for text in stream.text_stream])


def case_tools(upstream: Upstream) -> None:
    upstream.needs_model("tool calls")
    messages = clients.anthropic_client(upstream).messages
    arguments = asking(upstream, "sim-echo", CASES["tool"]["prompt"], tools=TOOLS)
    for message in (messages.create(**arguments), streamed(messages, arguments)):
        same(message.stop_reason, "tool_use")
        same([use.name for use in tool_uses(message)], [CASES["tool"]["name"]])
        same(tool_uses(message)[0].input, CASES["tool"]["arguments"])
        require(tool_uses(message)[0].id, message)
    none = messages.create(**arguments, tool_choice={"type": "none"})
    same((tool_uses(none), none.stop_reason), ([], "end_turn"))
    forced = messages.create(**arguments, tool_choice={"type": "tool", "name": "get_population"})
    same([use.name for use in tool_uses(forced)], ["get_population"])
    any_tool = messages.create(**{**arguments, "messages": user("Hello.")}, tool_choice={"type": "any"})
    same(len(tool_uses(any_tool)), 1)


def case_parallel_tools(upstream: Upstream) -> None:
    upstream.needs_model("tool calls")
    messages = clients.anthropic_client(upstream).messages
    arguments = asking(upstream, "sim-echo", CASES["parallel"]["prompt"], tools=TOOLS)
    for message in (messages.create(**arguments), streamed(messages, arguments)):
        same([use.input["city"] for use in tool_uses(message)], CASES["parallel"]["cities"])
        same(len({use.id for use in tool_uses(message)}), 2)
        same(message.stop_reason, "tool_use")
    if upstream.format in ("openai", "azure", "anthropic"):  # The others have no way to ask for one call at a time.
        choice = {"type": "auto", "disable_parallel_tool_use": True}
        same(len(tool_uses(messages.create(**arguments, tool_choice=choice))), 1)


def case_tool_results(upstream: Upstream) -> None:
    upstream.needs_model("tool calls")
    messages = clients.anthropic_client(upstream).messages
    arguments = asking(upstream, "sim-echo", CASES["parallel"]["prompt"], tools=TOOLS)
    asked = messages.create(**arguments)
    results = [
        {"type": "tool_result", "tool_use_id": use.id, "content": result}
        for use, result in zip(tool_uses(asked), CASES["parallel"]["results"], strict=True)
    ]
    arguments["messages"] += [{"role": "assistant", "content": asked.content}, {"role": "user", "content": results}]
    for message in (messages.create(**arguments), streamed(messages, arguments)):
        at = [text_of(message).find(result) for result in CASES["parallel"]["results"]]
        require(0 <= at[0] < at[1], text_of(message))
        same(message.stop_reason, "end_turn")


def case_structured(upstream: Upstream) -> None:
    upstream.needs_model("structured output")
    messages = clients.anthropic_client(upstream).messages
    arguments = asking(upstream, "sim-echo", CASES["structured"]["prompt"], output_format=Card)
    parsed = messages.parse(**arguments).parsed_output
    same(parsed.age, CASES["structured"]["age"])
    require(parsed.name and parsed.address.city and parsed.languages, parsed)
    same(streamed(messages, arguments).parsed_output, parsed)


def case_image(upstream: Upstream) -> None:
    upstream.needs_model("eyes")
    source = {"type": "base64", "media_type": "image/png", "data": CASES["image_png_base64"]}
    for count, seen in ((1, "I see 1 image."), (2, "I see 2 images.")):
        content = [{"type": "text", "text": "Look."}, *[{"type": "image", "source": source}] * count]
        arguments = asking(upstream, "sim-echo", "") | {"messages": [{"role": "user", "content": content}]}
        same(text_of(clients.anthropic_client(upstream).messages.create(**arguments)), f"Look. {seen}")


def case_reasoning(upstream: Upstream) -> None:
    upstream.needs_model("reasoning")
    messages = clients.anthropic_client(upstream).messages
    arguments = asking(upstream, "sim-think", CASES["counting"], thinking=THINKING)
    message = messages.create(**arguments)
    same([block.type for block in message.content], ["thinking", "text"])
    same(text_of(message), CASES["counting"])
    require("I will repeat it." in message.content[0].thinking, message)
    again = streamed(messages, arguments)
    same([block.type for block in again.content], ["thinking", "text"])
    same(again.content[0].thinking, message.content[0].thinking)
    if upstream.format == "anthropic":  # Only Anthropic signs its thinking.
        require(message.content[0].signature and again.content[0].signature, message)
    turns = [*user(CASES["counting"]), {"role": "assistant", "content": message.content}, *user("five six")]
    same(text_of(messages.create(**{**arguments, "messages": turns})), "five six")


def case_memory(upstream: Upstream) -> None:
    memory.scenario(upstream, memory.speak_anthropic, memory.speak_openai)


def case_usage(upstream: Upstream) -> None:
    messages = clients.anthropic_client(upstream).messages
    arguments = asking(upstream, "sim-echo", CASES["echo"])
    usage = messages.create(**arguments).usage
    require(usage.input_tokens > 0 and usage.output_tokens > 0, usage)
    again = streamed(messages, arguments).usage
    same((again.input_tokens, again.output_tokens), (usage.input_tokens, usage.output_tokens))
    counted = messages.count_tokens(model=arguments["model"], messages=arguments["messages"]).input_tokens
    require(counted > 0, counted)
    if upstream.format == "builtin":
        return
    history = CASES["history"]
    marked = [{"type": "text", "text": history["first"], "cache_control": {"type": "ephemeral"}}]
    turns = [{"role": "user", "content": marked}, {"role": "assistant", "content": history["answer"]},
             *user(history["second"])]
    arguments = asking(upstream, "sim-quote", "", system=history["system"]) | {"messages": turns}
    for answer in (messages.create(**arguments), streamed(messages, arguments)):
        require(history["fact"] in text_of(answer), answer)
        # On Bedrock only Claude and Nova cache what is marked.
        require(answer.usage.cache_read_input_tokens > 0 or upstream.format == "bedrock", answer.usage)
    if upstream.format == "anthropic":
        same(counted, usage.input_tokens)


def case_error(upstream: Upstream) -> None:
    messages = clients.anthropic_client(upstream).messages

    def call(model: str, client=messages, **more):
        return client.create(**{"model": model, "max_tokens": 64, "messages": user(CASES["counting"]), **more})

    if not upstream.direct:
        stranger = clients.anthropic_client(upstream, key=f"bs-{'0' * 40}").messages
        raises(anthropic.AuthenticationError, lambda: call(upstream.model("sim-echo"), stranger))
        unknown = raises(anthropic.NotFoundError, lambda: call("builtin/ehco"))
        require("builtin/echo" in str(unknown), unknown)
        same(unknown.body["error"]["type"], "not_found_error")
    raises(anthropic.BadRequestError, lambda: call(upstream.model("sim-echo"), messages=[{"role": "nobody"}]))
    if upstream.format == "builtin":
        return
    raises(anthropic.NotFoundError, lambda: call(upstream.model("sim-nothing")))
    limited = raises(anthropic.RateLimitError, lambda: call(upstream.model("sim-echo!429-retry-after-7")))
    same((limited.response.headers["retry-after"], limited.body["error"]["type"]), ("7", "rate_limit_error"))
    raises(anthropic.InternalServerError, lambda: call(upstream.model("sim-echo!500")))
    raises(anthropic.InternalServerError, lambda: call(upstream.model("sim-echo!529")))
    for fault in ("error-after-2", "reset-after-2"):
        before, raised = read_until_it_breaks(call(upstream.model(f"sim-echo!{fault}"), stream=True))
        same(before.rstrip(), "one two")
        require(upstream.direct or isinstance(raised, anthropic.APIError), fault, raised)


def read_until_it_breaks(stream) -> tuple[str, Exception]:
    """The text that came before the stream raised, and what it raised."""
    text = ""
    try:
        for event in stream:
            text += event.delta.text if event.type == "content_block_delta" else ""
    except Exception as raised:
        return text, raised
    raise AssertionError(f"the stream ended as if nothing had happened, after {text!r}")


def case_models(upstream: Upstream) -> None:
    models = {model.id for model in clients.anthropic_client(upstream).models.list()}
    require({upstream.model("sim-echo"), upstream.model("sim-quote")} <= models, models)


def case_embeddings(upstream: Upstream) -> None:
    raise NotApplicable("Anthropic's API has no embeddings")


if __name__ == "__main__":
    main("python-anthropic", globals())
