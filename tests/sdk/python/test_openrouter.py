"""The `openrouter` SDK for Python, against `/api/v1`."""

from __future__ import annotations

import json

import httpx
import openrouter
from openrouter import errors
from openrouter.utils import BackoffStrategy, RetryConfig

from harness import CASES, EXCHANGES, NotApplicable, Upstream, main, raises, require, same, unique

TOOLS = [{"type": "function", "function": tool} for tool in CASES["tools"]]
CARD = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
NO_WAITING = RetryConfig("backoff", BackoffStrategy(1, 1, 1, 1), False)
"""The SDK repeats for up to an hour what failed at the server; the tests want to see the failure."""


def client(upstream: Upstream, key: str | None = None) -> openrouter.OpenRouter:
    return openrouter.OpenRouter(
        api_key=key or upstream.key, server_url=f"{upstream.url}/api/v1", retry_config=NO_WAITING, timeout_ms=30_000,
        client=httpx.Client(event_hooks=EXCHANGES.hooks(), timeout=30.0))


def user(text: str) -> list[dict]:
    return [{"role": "user", "content": text}]


def send(upstream: Upstream, model: str, text: str, **more):
    return client(upstream).chat.send(model=upstream.model(model), messages=more.pop("messages", user(text)), **more)


def choices_of(chunks) -> list:
    return [choice for chunk in chunks for choice in chunk.choices]


def text_of(chunks) -> str:
    return "".join(choice.delta.content or "" for choice in choices_of(chunks))


def case_plain(upstream: Upstream) -> None:
    answer = send(upstream, "sim-echo", CASES["echo"])
    same(answer.object, "chat.completion")
    require(answer.id and answer.created > 0, answer)
    same(answer.model, upstream.model("sim-echo"))
    same((answer.choices[0].message.content, answer.choices[0].finish_reason), (CASES["echo"], "stop"))
    if upstream.format == "builtin":
        return
    cut = send(upstream, "sim-echo", CASES["counting"], max_tokens=2).choices[0]
    same((cut.message.content.rstrip(), cut.finish_reason), ("one two", "length"))
    sampled = send(upstream, "sim-echo", CASES["counting"], temperature=0.2, top_p=0.9, seed=7,
                   provider={"allow_fallbacks": False}, plugins=[{"id": "response-healing"}], user="anna")
    same(sampled.choices[0].message.content, CASES["counting"])


def case_stream(upstream: Upstream) -> None:
    with send(upstream, "sim-echo", CASES["echo"], stream=True) as stream:
        chunks = list(stream)
    same(text_of(chunks), CASES["echo"])
    same([choice.finish_reason for choice in choices_of(chunks) if choice.finish_reason], ["stop"])
    same(len({chunk.id for chunk in chunks}), 1)
    require(all(len(chunk.choices) == 1 for chunk in chunks), chunks)


def case_tools(upstream: Upstream) -> None:
    upstream.needs_model("tool calls")
    answer = send(upstream, "sim-echo", CASES["tool"]["prompt"], tools=TOOLS).choices[0]
    same(answer.finish_reason, "tool_calls")
    same([call.function.name for call in answer.message.tool_calls], [CASES["tool"]["name"]])
    same(json.loads(answer.message.tool_calls[0].function.arguments), CASES["tool"]["arguments"])
    with send(upstream, "sim-echo", CASES["tool"]["prompt"], tools=TOOLS, stream=True) as stream:
        deltas = [choice.delta for choice in choices_of(stream)]
    calls = [call for delta in deltas for call in delta.tool_calls or []]
    same([call.function.name for call in calls if call.function.name], [CASES["tool"]["name"]])
    arguments = "".join(call.function.arguments or "" for call in calls)
    same(json.loads(arguments), CASES["tool"]["arguments"])
    none = send(upstream, "sim-echo", CASES["tool"]["prompt"], tools=TOOLS, tool_choice="none").choices[0]
    same((none.message.tool_calls, none.finish_reason), (None, "stop"))


def case_tool_results(upstream: Upstream) -> None:
    upstream.needs_model("tool calls")
    messages = user(CASES["parallel"]["prompt"])
    asked = send(upstream, "sim-echo", "", messages=messages, tools=TOOLS).choices[0].message
    messages.append(asked.model_dump(by_alias=True, exclude_none=True))
    for call, result in zip(asked.tool_calls, CASES["parallel"]["results"], strict=True):
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    text = send(upstream, "sim-echo", "", messages=messages, tools=TOOLS).choices[0].message.content
    at = [text.find(result) for result in CASES["parallel"]["results"]]
    require(0 <= at[0] < at[1], text)


def case_structured(upstream: Upstream) -> None:
    upstream.needs_model("structured output")
    form = {"type": "json_schema", "json_schema": {"name": "card", "schema": CARD, "strict": True}}
    answer = send(upstream, "sim-echo", CASES["structured"]["prompt"], response_format=form)
    same(json.loads(answer.choices[0].message.content)["age"], CASES["structured"]["age"])


def case_reasoning(upstream: Upstream) -> None:
    upstream.needs_model("reasoning")
    answer = send(upstream, "sim-think", CASES["counting"], reasoning={"effort": "low"}).choices[0].message
    same(answer.content, CASES["counting"])
    require("I will repeat it." in (answer.reasoning or ""), answer)
    require(answer.reasoning_details, answer)
    with send(upstream, "sim-think", CASES["counting"], reasoning={"effort": "low"}, stream=True) as stream:
        deltas = [choice.delta for choice in choices_of(stream)]
    same("".join(delta.reasoning or "" for delta in deltas), answer.reasoning)
    again = [*user(CASES["counting"]), answer.model_dump(by_alias=True, exclude_none=True), *user("And now?")]
    same(send(upstream, "sim-echo", "", messages=again).choices[0].message.content, "And now?")


def case_usage(upstream: Upstream) -> None:
    usage = send(upstream, "sim-echo", CASES["echo"]).usage
    same(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
    with send(upstream, "sim-echo", CASES["echo"], stream=True) as stream:
        seen = [chunk.usage for chunk in stream if chunk.usage]
    same(len(seen), 1)
    same(seen[0].total_tokens, usage.total_tokens)
    if upstream.format == "builtin":
        return
    require(abs(usage.cost - (usage.prompt_tokens + 2 * usage.completion_tokens) / 1e6) < 1e-12, usage)
    require(abs(seen[0].cost - usage.cost) < 1e-12, seen)


def case_error(upstream: Upstream) -> None:
    def call(model: str, **more):
        return send(upstream, model, CASES["counting"], **more)

    stranger = client(upstream, key=f"bs-{'0' * 40}").chat
    raises(errors.UnauthorizedResponseError,
           lambda: stranger.send(model=upstream.model("sim-echo"), messages=user("x")))
    unknown = raises(errors.NotFoundResponseError,
                     lambda: client(upstream).chat.send(model="builtin/ehco", messages=user("x")))
    require("builtin/echo" in str(unknown), unknown)
    if upstream.format == "builtin":
        return
    limited = raises(errors.TooManyRequestsResponseError, lambda: call("sim-echo!429-retry-after-7"))
    same(limited.headers["retry-after"], "7")
    failed = raises(errors.BadGatewayResponseError, lambda: call("sim-echo!500"))
    require(f"sim-{upstream.format}" in str(failed), failed)
    # What is permanent is no 5xx, which the SDK would repeat.
    raises(errors.NotFoundResponseError, lambda: call("sim-echo!401"))
    with call("sim-echo!reset-after-2", stream=True) as stream:
        chunks = list(stream)
    same(text_of(chunks).rstrip(), "one two")
    same((chunks[-1].error.code, chunks[-1].choices[0].finish_reason), (502, "error"))


def case_models(upstream: Upstream) -> None:
    listed = client(upstream).models.list()
    ids = {model.id for model in listed.result.data}
    require(upstream.model("sim-echo") in ids, ids)


def case_embeddings(upstream: Upstream) -> None:
    if upstream.format in ("anthropic", "bedrock", "vertex"):
        raise NotApplicable("no embeddings are called there")
    model = "builtin/all-minilm-l6-v2" if upstream.format == "builtin" else upstream.model("sim-embed")
    answer = client(upstream).embeddings.generate(model=model, input=CASES["embedding"]["texts"])
    same(len(answer.data), len(CASES["embedding"]["texts"]))


def case_cached(upstream: Upstream) -> None:
    prompt = [*user(CASES["echo"]), {"role": "assistant", "content": "Yes."}, *user(unique("again"))]
    caching = {"X-OpenRouter-Cache": "true", "X-OpenRouter-Cache-TTL": "60"}
    first = send(upstream, "sim-echo", "", messages=prompt, http_headers=caching)
    same((EXCHANGES.headers["X-OpenRouter-Cache-Status"], EXCHANGES.headers["X-OpenRouter-Cache-TTL"]), ("MISS", "60"))
    again = send(upstream, "sim-echo", "", messages=prompt, http_headers=caching)
    same(EXCHANGES.headers["X-OpenRouter-Cache-Status"], "HIT")
    same(EXCHANGES.headers["X-OpenRouter-Cache-Source-Id"], first.id)
    require(again.id != first.id and again.id == EXCHANGES.headers["X-Generation-Id"], again)
    same(again.choices[0].message.content, first.choices[0].message.content)
    same((again.usage.prompt_tokens, again.usage.completion_tokens, again.usage.cost), (0, 0, 0))
    with send(upstream, "sim-echo", "", messages=prompt, http_headers=caching, stream=True) as stream:
        chunks = list(stream)
    same((EXCHANGES.headers["X-OpenRouter-Cache-Status"], text_of(chunks)), ("HIT", first.choices[0].message.content))
    found = client(upstream).generations.get_generation(id=again.id).data
    same((found.response_cache_source_id, found.total_cost), (first.id, 0))


def case_generation(upstream: Upstream) -> None:
    answer = send(upstream, "sim-echo", CASES["counting"])
    found = client(upstream).generations.get_generation(id=answer.id).data
    same(found.id, answer.id)
    same((found.tokens_prompt, found.tokens_completion), (answer.usage.prompt_tokens, answer.usage.completion_tokens))
    if upstream.format != "builtin":
        require(abs(found.total_cost - answer.usage.cost) < 1e-12, found)
    raises(errors.NotFoundResponseError, lambda: client(upstream).generations.get_generation(id="gen_none"))


def case_key(upstream: Upstream) -> None:
    key = client(upstream).api_keys.get_current_key_metadata().data
    require(key.label and upstream.key not in key.label, key)
    require(key.usage >= 0, key)


def case_credits(upstream: Upstream) -> None:
    credits = client(upstream).credits.get_credits().data
    require(credits.total_usage >= 0, credits)


if __name__ == "__main__":
    main("python-openrouter", globals())
