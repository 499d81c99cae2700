"""The Python `openai` SDK."""

from __future__ import annotations

import asyncio
import json

import openai
from pydantic import BaseModel

import clients
import memory
from harness import CASES, NotApplicable, Upstream, main, raises, require, same

TOOLS = [{"type": "function", "function": {**tool, "strict": True}} for tool in CASES["tools"]]


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


def case_plain(upstream: Upstream) -> None:
    client = clients.openai_client(upstream)
    answer = client.chat.completions.create(model=upstream.model("sim-echo"), messages=user(CASES["echo"]))
    same(answer.object, "chat.completion")
    require(answer.id and answer.created > 0 and answer.model, answer)
    message = answer.choices[0].message
    same((message.role, message.content, message.tool_calls), ("assistant", CASES["echo"], None))
    same(answer.choices[0].finish_reason, "stop")
    if upstream.format == "builtin":
        return
    system = [{"role": "system", "content": CASES["system"]}, *user(CASES["system_question"])]
    answer = client.chat.completions.create(model=upstream.model("sim-quote"), messages=system)
    require(CASES["system_fact"] in answer.choices[0].message.content, answer)
    counting = {"model": upstream.model("sim-echo"), "messages": user(CASES["counting"])}
    stopped = client.chat.completions.create(**counting, stop=["three"]).choices[0]
    same((stopped.message.content.rstrip(), stopped.finish_reason), ("one two", "stop"))
    cut = client.chat.completions.create(**counting, max_completion_tokens=2).choices[0]
    same((cut.message.content.rstrip(), cut.finish_reason), ("one two", "length"))
    sampled = completions_with_sampling(upstream, client)
    same(sampled.choices[0].message.content, CASES["counting"])
    if upstream.format in ("openai", "azure"):
        two = client.chat.completions.create(**counting, n=2).choices
        same([(choice.index, choice.message.content) for choice in two], [(n, CASES["counting"]) for n in (0, 1)])


def completions_with_sampling(upstream: Upstream, client: openai.OpenAI):
    """An answer to parameters that not every upstream takes; what was left out is reported to who asks."""
    asking = {} if upstream.direct else {"extra_body": {"backstay": {"memory": "off"}}}
    answer = client.chat.completions.create(
        model=upstream.model("sim-echo"), messages=user(CASES["counting"]),
        temperature=0.2, top_p=0.9, seed=7, logit_bias={"50256": -100}, **asking)
    if not upstream.direct:
        dropped = memory.extension_of(answer)["dropped_parameters"]
        same("logit_bias" in dropped, upstream.format not in ("openai", "azure"))
    return answer


def case_stream(upstream: Upstream) -> None:
    arguments = {"model": upstream.model("sim-echo"), "messages": user(CASES["echo"])}
    chunks = list(clients.openai_client(upstream).chat.completions.create(**arguments, stream=True))
    choices = [choice for chunk in chunks for choice in chunk.choices]
    same("".join(choice.delta.content or "" for choice in choices), CASES["echo"])
    pieces = [choice.delta.content for choice in choices if choice.delta.content]
    require(len(pieces) > 2 or upstream.format == "builtin", "the text came in one piece", pieces)
    same([choice.finish_reason for choice in choices if choice.finish_reason], ["stop"])
    same(len({chunk.id for chunk in chunks}), 1)
    same({chunk.object for chunk in chunks}, {"chat.completion.chunk"})
    same(choices[0].delta.role, "assistant")
    same(asyncio.run(streamed_by_the_async_client(upstream, arguments)), CASES["echo"])


async def streamed_by_the_async_client(upstream: Upstream, arguments: dict) -> str:
    client = clients.openai_async_client(upstream)
    text = ""
    async for chunk in await client.chat.completions.create(**arguments, stream=True):
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
    return text


def case_tools(upstream: Upstream) -> None:
    upstream.needs_model("tool calls")
    completions = clients.openai_client(upstream).chat.completions
    arguments = {"model": upstream.model("sim-echo"), "messages": user(CASES["tool"]["prompt"]), "tools": TOOLS}
    for answer in (completions.create(**arguments), streamed(completions, arguments)):
        choice = answer.choices[0]
        same(choice.finish_reason, "tool_calls")
        same([call.function.name for call in choice.message.tool_calls], [CASES["tool"]["name"]])
        same(json.loads(choice.message.tool_calls[0].function.arguments), CASES["tool"]["arguments"])
        # Cohere says what it is about to do.
        require(choice.message.tool_calls[0].id and (upstream.format == "cohere" or not choice.message.content), choice)
    none = completions.create(**arguments, tool_choice="none").choices[0]
    same((none.message.tool_calls, none.finish_reason), (None, "stop"))
    named = {"type": "function", "function": {"name": "get_population"}}
    forced = completions.create(**arguments, tool_choice=named).choices[0].message
    same([call.function.name for call in forced.tool_calls], ["get_population"])
    required = completions.create(**{**arguments, "messages": user("Hello.")}, tool_choice="required")
    same(len(required.choices[0].message.tool_calls), 1)


def streamed(completions, arguments: dict):
    """The answer as the SDK puts it together from a stream."""
    with completions.stream(**arguments) as stream:
        return stream.get_final_completion()


def case_parallel_tools(upstream: Upstream) -> None:
    upstream.needs_model("tool calls")
    completions = clients.openai_client(upstream).chat.completions
    arguments = {"model": upstream.model("sim-echo"), "messages": user(CASES["parallel"]["prompt"]), "tools": TOOLS}
    for answer in (completions.create(**arguments), streamed(completions, arguments)):
        calls = answer.choices[0].message.tool_calls
        same([json.loads(call.function.arguments)["city"] for call in calls], CASES["parallel"]["cities"])
        same(len({call.id for call in calls}), 2)
        same(answer.choices[0].finish_reason, "tool_calls")
    if upstream.format in ("openai", "azure", "anthropic"):  # The others have no way to ask for one call at a time.
        one = completions.create(**arguments, parallel_tool_calls=False).choices[0].message
        same(len(one.tool_calls), 1)


def case_tool_results(upstream: Upstream) -> None:
    upstream.needs_model("tool calls")
    completions = clients.openai_client(upstream).chat.completions
    arguments = {"model": upstream.model("sim-echo"), "tools": TOOLS}
    messages = user(CASES["parallel"]["prompt"])
    asked = completions.create(**arguments, messages=messages).choices[0].message
    messages.append(asked.model_dump(exclude_none=True))
    for call, result in zip(asked.tool_calls, CASES["parallel"]["results"], strict=True):
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    for answer in (completions.create(**arguments, messages=messages),
                   streamed(completions, {**arguments, "messages": messages})):
        text = answer.choices[0].message.content
        at = [text.find(result) for result in CASES["parallel"]["results"]]
        require(0 <= at[0] < at[1], text)
        same(answer.choices[0].finish_reason, "stop")


def case_structured(upstream: Upstream) -> None:
    upstream.needs_model("structured output")
    completions = clients.openai_client(upstream).chat.completions
    arguments = {"model": upstream.model("sim-echo"), "messages": user(CASES["structured"]["prompt"])}
    parsed = completions.parse(**arguments, response_format=Card).choices[0].message.parsed
    same(parsed.age, CASES["structured"]["age"])
    require(parsed.name and parsed.address.city and parsed.languages, parsed)
    same(streamed(completions, {**arguments, "response_format": Card}).choices[0].message.parsed, parsed)
    arguments["messages"] = user("Answer in JSON: who is the guest?")  # OpenAI insists on that word.
    asking = {} if upstream.direct else {"extra_body": {"backstay": {"memory": "off"}}}
    loose = completions.create(**arguments, response_format={"type": "json_object"}, **asking)
    if upstream.format in ("anthropic", "bedrock") and not upstream.direct:  # These have JSON schemas only.
        same(loose.model_extra["backstay"]["dropped_parameters"], ["response_format"])
    else:
        require(isinstance(json.loads(loose.choices[0].message.content), dict), loose)


def case_image(upstream: Upstream) -> None:
    upstream.needs_model("eyes")
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{CASES['image_png_base64']}"}}
    for count, seen in ((1, "I see 1 image."), (2, "I see 2 images.")):
        content = [{"type": "text", "text": "Look."}, *[image] * count]
        answer = clients.openai_client(upstream).chat.completions.create(
            model=upstream.model("sim-echo"), messages=[{"role": "user", "content": content}])
        same(answer.choices[0].message.content, f"Look. {seen}")


def case_reasoning(upstream: Upstream) -> None:
    upstream.needs_model("reasoning")
    arguments = {"model": upstream.model("sim-think"), "messages": user(CASES["counting"]), "reasoning_effort": "low"}
    completions = clients.openai_client(upstream).chat.completions
    answer = completions.create(**arguments)
    message = answer.choices[0].message
    same(message.content, CASES["counting"])
    require("I will repeat it." in (message.model_extra.get("reasoning_content") or ""), message)
    chunks = list(completions.create(**arguments, stream=True))
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    reasoning = "".join((delta.model_extra or {}).get("reasoning_content") or "" for delta in deltas)
    same(reasoning, message.model_extra["reasoning_content"])
    same("".join(delta.content or "" for delta in deltas), CASES["counting"])
    if upstream.format in ("openai", "azure", "gemini", "vertex"):  # The others do not count thinking apart.
        require(answer.usage.completion_tokens_details.reasoning_tokens > 0, answer.usage)


def case_memory(upstream: Upstream) -> None:
    memory.scenario(upstream, memory.speak_openai, memory.speak_anthropic)


def case_usage(upstream: Upstream) -> None:
    completions = clients.openai_client(upstream).chat.completions
    arguments = {"model": upstream.model("sim-echo"), "messages": user(CASES["echo"])}
    usage = completions.create(**arguments).usage
    require(usage.prompt_tokens > 0 and usage.completion_tokens > 0, usage)
    same(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
    chunks = list(completions.create(**arguments, stream=True, stream_options={"include_usage": True}))
    same([chunk.usage for chunk in chunks if chunk.usage], [usage])
    same(chunks[-1].choices, [])
    same([chunk.usage for chunk in completions.create(**arguments, stream=True) if chunk.usage], [])
    if upstream.format not in ("anthropic", "bedrock", "builtin"):  # These cache what is marked, which OpenAI cannot say.
        history = CASES["history"]
        turns = [("system", history["system"]), ("user", history["first"]), ("assistant", history["answer"]),
                 ("user", history["second"])]
        messages = [{"role": role, "content": text} for role, text in turns]
        answer = completions.create(model=upstream.model("sim-quote"), messages=messages)
        require(history["fact"] in answer.choices[0].message.content, answer)
        require(0 < answer.usage.prompt_tokens_details.cached_tokens < answer.usage.prompt_tokens, answer.usage)


def case_error(upstream: Upstream) -> None:
    completions = clients.openai_client(upstream).chat.completions

    def call(model: str, client=completions, **arguments):
        return client.create(**{"model": model, "messages": user(CASES["counting"]), **arguments})

    if not upstream.direct:
        stranger = clients.openai_client(upstream, key=f"bs-{'0' * 40}").chat.completions
        raises(openai.AuthenticationError, lambda: call(upstream.model("sim-echo"), stranger))
        unknown = raises(openai.NotFoundError, lambda: call("builtin/ehco"))
        require("builtin/echo" in str(unknown), unknown)
    raises(openai.BadRequestError, lambda: call(upstream.model("sim-echo"), messages=[{"role": "nobody"}]))
    if upstream.format == "builtin":
        return
    raises(openai.NotFoundError, lambda: call(upstream.model("sim-nothing")))
    limited = raises(openai.RateLimitError, lambda: call(upstream.model("sim-echo!429-retry-after-7")))
    same(limited.response.headers["retry-after"], "7")
    raises(openai.InternalServerError, lambda: call(upstream.model("sim-echo!500")))
    raises(openai.InternalServerError, lambda: call(upstream.model("sim-echo!529")))
    for fault in ("error-after-2", "reset-after-2"):
        before, raised = read_until_it_breaks(call(upstream.model(f"sim-echo!{fault}"), stream=True))
        same(before.rstrip(), "one two")
        require(upstream.direct or isinstance(raised, openai.APIError), fault, raised)


def read_until_it_breaks(stream) -> tuple[str, Exception]:
    """The text that came before the stream raised, and what it raised."""
    text = ""
    try:
        for chunk in stream:
            text += "".join(choice.delta.content or "" for choice in chunk.choices)
    except Exception as raised:
        return text, raised
    raise AssertionError(f"the stream ended as if nothing had happened, after {text!r}")


def case_models(upstream: Upstream) -> None:
    client = clients.openai_client(upstream)
    models = {model.id for model in client.models.list()}
    require({upstream.model("sim-echo"), upstream.model("sim-quote")} <= models, models)
    if not upstream.direct:
        same(client.models.retrieve(upstream.model("sim-echo")).id, upstream.model("sim-echo"))


def case_embeddings(upstream: Upstream) -> None:
    if upstream.format in ("anthropic", "bedrock", "vertex"):
        raise NotApplicable("no embeddings are called there")
    model = "builtin/all-minilm-l6-v2" if upstream.format == "builtin" else upstream.model("sim-embed")
    texts = CASES["embedding"]["texts"]
    answer = clients.openai_client(upstream).embeddings.create(model=model, input=texts)
    vectors = [item.embedding for item in answer.data]
    same([item.index for item in answer.data], [0, 1, 2])
    near, far = cosine(vectors[0], vectors[1]), cosine(vectors[0], vectors[2])
    require(near > far, near, far)
    require(answer.usage.prompt_tokens > 0, answer.usage)
    if upstream.format == "builtin":
        same(len(vectors[0]), 384)


RESPONSE_TOOLS = [{"type": "function", "strict": False, **tool} for tool in CASES["tools"]]


def case_responses(upstream: Upstream) -> None:
    upstream.needs_server("the scripted upstream has no Responses; translating them")
    responses = clients.openai_client(upstream).responses
    arguments = {"model": upstream.model("sim-echo"), "input": CASES["echo"]}
    whole = responses.create(**arguments, metadata={"run": "1"})
    same((whole.output_text, whole.status, whole.error), (CASES["echo"], "completed", None))
    same(whole.metadata, {"run": "1"})
    same(whole.usage.total_tokens, whole.usage.input_tokens + whole.usage.output_tokens)
    with responses.stream(**arguments) as stream:
        events = list(stream)
        final = stream.get_final_response()
    same(final.output_text, CASES["echo"])
    same("".join(event.delta for event in events if event.type == "response.output_text.delta"), CASES["echo"])
    same([event.sequence_number for event in events], list(range(len(events))))
    same((events[0].type, events[-1].type), ("response.created", "response.completed"))
    if upstream.format == "builtin":
        return
    cut = responses.create(model=upstream.model("sim-echo"), input=CASES["counting"], max_output_tokens=2)
    same((cut.status, cut.incomplete_details.reason), ("incomplete", "max_output_tokens"))
    parsed = responses.parse(model=upstream.model("sim-echo"), input=CASES["structured"]["prompt"], text_format=Card)
    same(parsed.output_parsed.age, CASES["structured"]["age"])
    thought = responses.create(model=upstream.model("sim-think"), input=CASES["counting"],
                               reasoning={"effort": "low", "summary": "auto"})
    same([item.type for item in thought.output], ["reasoning", "message"])
    require("I will repeat it." in thought.output[0].summary[0].text, thought)
    image = {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{CASES['image_png_base64']}"}
    content = [{"type": "input_text", "text": "Look."}, image]
    seen = responses.create(model=upstream.model("sim-echo"), input=[{"role": "user", "content": content}])
    same(seen.output_text, "Look. I see 1 image.")
    raises(openai.NotFoundError, lambda: responses.create(model=upstream.model("sim-nothing"), input="x"))
    raises(openai.BadRequestError, lambda: responses.create(model=upstream.model("sim-echo"), input=[]))
    broken = list(responses.create(
        model=upstream.model("sim-echo!reset-after-2"), input=CASES["counting"], stream=True))
    same((broken[-1].type, broken[-1].response.status), ("response.failed", "failed"))


def case_responses_tools(upstream: Upstream) -> None:
    upstream.needs_server("the scripted upstream has no Responses; translating them")
    upstream.needs_model("tool calls")
    responses = clients.openai_client(upstream).responses
    arguments = {"model": upstream.model("sim-echo"), "tools": RESPONSE_TOOLS}
    asked = responses.create(**arguments, input=CASES["parallel"]["prompt"])
    with responses.stream(**arguments, input=CASES["parallel"]["prompt"]) as stream:
        streamed = stream.get_final_response()
    for answer in (asked, streamed):
        calls = [item for item in answer.output if item.type == "function_call"]
        same([json.loads(call.arguments)["city"] for call in calls], CASES["parallel"]["cities"])
    calls = [item for item in asked.output if item.type == "function_call"]
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": result}
               for call, result in zip(calls, CASES["parallel"]["results"], strict=True)]
    repeated = [*user(CASES["parallel"]["prompt"]), *[item.model_dump() for item in asked.output], *results]
    for answer in (responses.create(**arguments, input=repeated, store=False),
                   responses.create(**arguments, input=results, previous_response_id=asked.id)):
        at = [answer.output_text.find(result) for result in CASES["parallel"]["results"]]
        require(0 <= at[0] < at[1], answer.output_text)


def case_responses_state(upstream: Upstream) -> None:
    upstream.needs_server("the scripted upstream has no Responses; translating them")
    responses = clients.openai_client(upstream).responses
    history = CASES["history"]
    first = responses.create(model=upstream.model("sim-echo"), input=history["first"])
    for stream in (False, True):
        arguments = {"model": upstream.model("sim-quote"), "input": history["second"], "previous_response_id": first.id}
        if stream:
            *_, last = responses.create(**arguments, stream=True)
            answer = last.response
        else:
            answer = responses.create(**arguments)
        same(answer.previous_response_id, first.id)
        if upstream.format != "builtin":
            require(history["fact"] in answer.output_text, answer.output_text)
        same(responses.retrieve(answer.id).output_text, answer.output_text)
        items = list(responses.input_items.list(answer.id))
        same([item.content[0].text for item in items], [history["second"]])
    responses.delete(first.id)
    raises(openai.NotFoundError, lambda: responses.retrieve(first.id))
    raises(openai.NotFoundError, lambda: responses.create(
        model=upstream.model("sim-echo"), input="x", previous_response_id=first.id))
    loose = responses.create(model=upstream.model("sim-echo"), input="x", store=False)
    raises(openai.NotFoundError, lambda: responses.retrieve(loose.id))


def case_completions(upstream: Upstream) -> None:
    upstream.needs_server("the scripted upstream has no text completions; mapping them")
    completions = clients.openai_client(upstream).completions
    arguments = {"model": upstream.model("sim-echo"), "prompt": CASES["echo"]}
    answer = completions.create(**arguments)
    same((answer.object, answer.choices[0].text, answer.choices[0].finish_reason),
         ("text_completion", CASES["echo"], "stop"))
    require(answer.usage.total_tokens > 0, answer)
    chunks = list(completions.create(**arguments, stream=True, stream_options={"include_usage": True}))
    same("".join(choice.text for chunk in chunks for choice in chunk.choices), CASES["echo"])
    same([chunk.usage.total_tokens for chunk in chunks if chunk.usage], [answer.usage.total_tokens])


def cosine(left: list[float], right: list[float]) -> float:
    def length(vector: list[float]) -> float:
        return sum(x * x for x in vector) ** 0.5

    return sum(a * b for a, b in zip(left, right, strict=True)) / (length(left) * length(right))


if __name__ == "__main__":
    main("python-openai", globals())
