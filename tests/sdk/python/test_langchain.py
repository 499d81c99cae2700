"""LangChain's `ChatOpenRouter`, against `/api/v1`."""

from __future__ import annotations

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_openrouter import ChatOpenRouter
from pydantic import BaseModel

from harness import CASES, Upstream, main, raises, require, same

TOOLS = [{"type": "function", "function": tool} for tool in CASES["tools"]]


class Card(BaseModel):
    name: str
    age: int


def model(upstream: Upstream, name: str, key: str | None = None, **more) -> ChatOpenRouter:
    return ChatOpenRouter(
        model=upstream.model(name), api_key=key or upstream.key, base_url=f"{upstream.url}/api/v1", max_retries=0,
        timeout=30_000, **more)


def case_plain(upstream: Upstream) -> None:
    answer = model(upstream, "sim-echo").invoke(CASES["echo"])
    same(answer.text, CASES["echo"])
    same(answer.response_metadata["finish_reason"], "stop")
    if upstream.format == "builtin":
        return
    messages = [SystemMessage(CASES["system"]), HumanMessage(CASES["system_question"])]
    require(CASES["system_fact"] in model(upstream, "sim-quote").invoke(messages).text)
    cut = model(upstream, "sim-echo", max_tokens=2, temperature=0.2).invoke(CASES["counting"])
    same((cut.text.rstrip(), cut.response_metadata["finish_reason"]), ("one two", "length"))


def case_stream(upstream: Upstream) -> None:
    chunks = list(model(upstream, "sim-echo").stream(CASES["echo"]))
    same("".join(chunk.text for chunk in chunks), CASES["echo"])
    require(len(chunks) > 2 or upstream.format == "builtin", "the text came in one piece", chunks)


def case_tools(upstream: Upstream) -> None:
    upstream.needs_model("tool calls")
    asking = model(upstream, "sim-echo").bind_tools(TOOLS)
    whole = asking.invoke(CASES["tool"]["prompt"])
    parts = list(asking.stream(CASES["tool"]["prompt"]))
    streamed = parts[0]
    for part in parts[1:]:
        streamed = streamed + part
    for answer in (whole, streamed):
        calls = [(call["name"], call["args"]) for call in answer.tool_calls]
        same(calls, [(CASES["tool"]["name"], CASES["tool"]["arguments"])])


def case_tool_results(upstream: Upstream) -> None:
    upstream.needs_model("tool calls")
    asking = model(upstream, "sim-echo").bind_tools(TOOLS)
    messages: list = [HumanMessage(CASES["parallel"]["prompt"])]
    asked = asking.invoke(messages)
    require(isinstance(asked, AIMessage) and len(asked.tool_calls) == 2, asked)
    messages.append(asked)
    for call, result in zip(asked.tool_calls, CASES["parallel"]["results"], strict=True):
        messages.append(ToolMessage(result, tool_call_id=call["id"]))
    text = asking.invoke(messages).text
    at = [text.find(result) for result in CASES["parallel"]["results"]]
    require(0 <= at[0] < at[1], text)


def case_structured(upstream: Upstream) -> None:
    upstream.needs_model("structured output")
    asking = model(upstream, "sim-echo").with_structured_output(Card, method="json_schema")
    same(asking.invoke(CASES["structured"]["prompt"]).age, CASES["structured"]["age"])


def case_reasoning(upstream: Upstream) -> None:
    upstream.needs_model("reasoning")
    answer = model(upstream, "sim-think", reasoning={"effort": "low"}).invoke(CASES["counting"])
    same(answer.text, CASES["counting"])
    require("I will repeat it." in answer.additional_kwargs.get("reasoning_content", ""), answer)


def case_usage(upstream: Upstream) -> None:
    usage = model(upstream, "sim-echo").invoke(CASES["echo"]).usage_metadata
    require(usage["input_tokens"] > 0 and usage["output_tokens"] > 0, usage)
    counted = [chunk.usage_metadata for chunk in model(upstream, "sim-echo").stream(CASES["echo"])]
    same([one["total_tokens"] for one in counted if one], [usage["total_tokens"]])


def case_error(upstream: Upstream) -> None:
    raises(Exception, lambda: model(upstream, "sim-echo", key=f"bs-{'0' * 40}").invoke("x"))
    if upstream.format == "builtin":
        return
    limited = raises(Exception, lambda: model(upstream, "sim-echo!429-retry-after-7").invoke("x"))
    same(getattr(limited, "status_code", 0), 429)
    # LangChain passes a failure on as the reason for which the answer ended.
    parts = list(model(upstream, "sim-echo!reset-after-2").stream(CASES["counting"]))
    same("".join(part.text for part in parts).rstrip(), "one two")
    reasons = [part.response_metadata.get("finish_reason") for part in parts]
    same([reason for reason in reasons if reason], ["error"])



if __name__ == "__main__":
    main("python-langchain", globals())
