/** The JavaScript `openai` SDK. */
import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { CASES, NotApplicable, TIMEOUT_MS, main, recordingFetch, require, same, thrownBy } from "./harness.mjs";
import { memoryScenario } from "./memory.mjs";

const TOOLS = CASES.tools.map((tool) => ({ type: "function", function: { ...tool, strict: true } }));
const Card = z.object({
  name: z.string(),
  age: z.number().int(),
  address: z.object({ city: z.string(), country: z.string() }),
  languages: z.array(z.string()),
});

const user = (text) => [{ role: "user", content: text }];
const choicesOf = (chunks) => chunks.flatMap((chunk) => chunk.choices);
const textOf = (chunks) => choicesOf(chunks).map((choice) => choice.delta.content ?? "").join("");

function client(upstream, apiKey = upstream.key) {
  const options = { maxRetries: 0, timeout: TIMEOUT_MS, fetch: recordingFetch };
  return new OpenAI({ baseURL: `${upstream.url}/v1`, apiKey, ...options });
}

const completions = (upstream) => client(upstream).chat.completions;

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** The answer at once, and the answer as the SDK puts it together from a stream. */
async function bothWays(upstream, body) {
  return [await completions(upstream).create(body), await completions(upstream).stream(body).finalChatCompletion()];
}

async function plain(upstream) {
  const answer = await completions(upstream).create({ model: upstream.model("sim-echo"), messages: user(CASES.echo) });
  same(answer.object, "chat.completion");
  require(answer.id && answer.created > 0 && answer.model, answer);
  const [choice] = answer.choices;
  same([choice.message.role, choice.message.content, choice.finish_reason], ["assistant", CASES.echo, "stop"]);
  if (upstream.format === "builtin") return;
  const messages = [{ role: "developer", content: CASES.system }, ...user(CASES.system_question)];
  const told = await completions(upstream).create({ model: upstream.model("sim-quote"), messages });
  require(told.choices[0].message.content.includes(CASES.system_fact), told);
  const counting = { model: upstream.model("sim-echo"), messages: user(CASES.counting) };
  const stopped = (await completions(upstream).create({ ...counting, stop: "three" })).choices[0];
  same([stopped.message.content.trimEnd(), stopped.finish_reason], ["one two", "stop"]);
  const cut = (await completions(upstream).create({ ...counting, max_tokens: 2, temperature: 0.2 })).choices[0];
  same([cut.message.content.trimEnd(), cut.finish_reason], ["one two", "length"]);
}

async function stream(upstream) {
  const body = { model: upstream.model("sim-echo"), messages: user(CASES.echo), stream: true };
  const chunks = await collect(await completions(upstream).create(body));
  same(textOf(chunks), CASES.echo);
  const choices = choicesOf(chunks);
  const pieces = choices.map((choice) => choice.delta.content).filter(Boolean);
  require(pieces.length > 2 || upstream.format === "builtin", "the text came in one piece", pieces);
  same(choices.map((choice) => choice.finish_reason).filter(Boolean), ["stop"]);
  same(new Set(chunks.map((chunk) => chunk.id)).size, 1);
}

async function tools(upstream) {
  upstream.needsModel("tool calls");
  const body = { model: upstream.model("sim-echo"), messages: user(CASES.tool.prompt), tools: TOOLS };
  for (const answer of await bothWays(upstream, body)) {
    const [choice] = answer.choices;
    same(choice.finish_reason, "tool_calls");
    same(choice.message.tool_calls.map((call) => call.function.name), [CASES.tool.name]);
    same(JSON.parse(choice.message.tool_calls[0].function.arguments), CASES.tool.arguments);
  }
  const none = (await completions(upstream).create({ ...body, tool_choice: "none" })).choices[0];
  same([none.message.tool_calls ?? null, none.finish_reason], [null, "stop"]);
  const parameters = z.object({ city: z.string() });
  const parsed = await completions(upstream).parse({
    ...body,
    messages: user("How large is the population of Oslo?"),
    tools: [zodFunction({ name: "get_population", parameters })],
  });
  same(parsed.choices[0].message.tool_calls[0].function.parsed_arguments, { city: "Oslo" });
}

async function parallel_tools(upstream) {
  upstream.needsModel("tool calls");
  const body = { model: upstream.model("sim-echo"), messages: user(CASES.parallel.prompt), tools: TOOLS };
  for (const answer of await bothWays(upstream, body)) {
    const calls = answer.choices[0].message.tool_calls;
    same(calls.map((call) => JSON.parse(call.function.arguments).city), CASES.parallel.cities);
    same(new Set(calls.map((call) => call.id)).size, 2);
    same(answer.choices[0].finish_reason, "tool_calls");
  }
}

async function tool_results(upstream) {
  upstream.needsModel("tool calls");
  const body = { model: upstream.model("sim-echo"), messages: user(CASES.parallel.prompt), tools: TOOLS };
  const asked = (await completions(upstream).create(body)).choices[0].message;
  const results = asked.tool_calls.map((call, at) => ({
    role: "tool",
    tool_call_id: call.id,
    content: CASES.parallel.results[at],
  }));
  for (const answer of await bothWays(upstream, { ...body, messages: [...body.messages, asked, ...results] })) {
    const text = answer.choices[0].message.content;
    const [first, second] = CASES.parallel.results.map((result) => text.indexOf(result));
    require(first >= 0 && first < second, text);
    same(answer.choices[0].finish_reason, "stop");
  }
}

async function structured(upstream) {
  upstream.needsModel("structured output");
  const body = {
    model: upstream.model("sim-echo"),
    messages: user(CASES.structured.prompt),
    response_format: zodResponseFormat(Card, "card"),
  };
  const { parsed } = (await completions(upstream).parse(body)).choices[0].message;
  same(parsed.age, CASES.structured.age);
  same(Card.parse(parsed), parsed);
  const again = await completions(upstream).stream(body).finalChatCompletion();
  same(again.choices[0].message.parsed, parsed);
}

async function image(upstream) {
  upstream.needsModel("eyes");
  const picture = { type: "image_url", image_url: { url: `data:image/png;base64,${CASES.image_png_base64}` } };
  const content = [{ type: "text", text: "Look." }, picture, picture];
  const answer = await completions(upstream).create({
    model: upstream.model("sim-echo"),
    messages: [{ role: "user", content }],
  });
  same(answer.choices[0].message.content, "Look. I see 2 images.");
}

async function reasoning(upstream) {
  upstream.needsModel("reasoning");
  const body = { model: upstream.model("sim-think"), messages: user(CASES.counting), reasoning_effort: "low" };
  const { message } = (await completions(upstream).create(body)).choices[0];
  same(message.content, CASES.counting);
  require(message.reasoning_content?.includes("I will repeat it."), message);
  const chunks = await collect(await completions(upstream).create({ ...body, stream: true }));
  const thoughts = choicesOf(chunks).map((choice) => choice.delta.reasoning_content ?? "");
  same(thoughts.join(""), message.reasoning_content);
}

async function memory(upstream) {
  await memoryScenario(upstream, speak);
}

async function speak(upstream, model, text, { backstay, headers, stream = false } = {}) {
  const body = { model, messages: user(text), stream, ...(backstay && { backstay }) };
  const { data, response } = await completions(upstream).create(body, { headers }).withResponse();
  if (!stream) return { text: data.choices[0].message.content, extension: data.backstay, headers: response.headers };
  const chunks = await collect(data);
  return { text: textOf(chunks), extension: chunks.at(-1).backstay, headers: response.headers };
}

async function usage(upstream) {
  const body = { model: upstream.model("sim-echo"), messages: user(CASES.echo) };
  const seen = (await completions(upstream).create(body)).usage;
  require(seen.prompt_tokens > 0 && seen.completion_tokens > 0, seen);
  same(seen.total_tokens, seen.prompt_tokens + seen.completion_tokens);
  const options = { stream: true, stream_options: { include_usage: true } };
  const chunks = await collect(await completions(upstream).create({ ...body, ...options }));
  same(chunks.map((chunk) => chunk.usage).filter(Boolean), [seen]);
}

async function error(upstream) {
  const call = (model, more) =>
    completions(upstream).create({ model, messages: user(CASES.counting), ...more });
  if (!upstream.direct) {
    const stranger = client(upstream, `bs-${"0".repeat(40)}`).chat.completions;
    const body = { model: upstream.model("sim-echo"), messages: user(CASES.counting) };
    await throwsA(OpenAI.AuthenticationError, () => stranger.create(body));
    const unknown = await throwsA(OpenAI.NotFoundError, () => call("builtin/ehco"));
    require(unknown.message.includes("builtin/echo"), unknown.message);
  }
  await throwsA(OpenAI.BadRequestError, () => call(upstream.model("sim-echo"), { messages: [{ role: "nobody" }] }));
  if (upstream.format === "builtin") return;
  await throwsA(OpenAI.NotFoundError, () => call(upstream.model("sim-nothing")));
  const limited = await throwsA(OpenAI.RateLimitError, () => call(upstream.model("sim-echo!429-retry-after-7")));
  same(limited.headers.get("retry-after"), "7");
  await throwsA(OpenAI.InternalServerError, () => call(upstream.model("sim-echo!500")));
  for (const fault of ["error-after-2", "reset-after-2"]) {
    const broken = await call(upstream.model(`sim-echo!${fault}`), { stream: true });
    const before = [];
    const thrown = await thrownBy(async () => {
      for await (const chunk of broken) before.push(chunk);
      return textOf(before);
    });
    same(textOf(before).trimEnd(), "one two");
    require(upstream.direct || thrown instanceof OpenAI.APIError, fault, String(thrown));
  }
}

async function throwsA(kind, call) {
  const thrown = await thrownBy(call);
  require(thrown instanceof kind, `expected ${kind.name}`, `${thrown.constructor.name}: ${thrown.message}`);
  return thrown;
}

async function models(upstream) {
  const listed = new Set((await collect(await client(upstream).models.list())).map((model) => model.id));
  for (const name of ["sim-echo", "sim-quote"]) require(listed.has(upstream.model(name)), name, [...listed]);
}

async function embeddings(upstream) {
  if (["anthropic", "bedrock", "vertex"].includes(upstream.format)) {
    throw new NotApplicable("no embeddings are called there");
  }
  const model = upstream.format === "builtin" ? "builtin/all-minilm-l6-v2" : upstream.model("sim-embed");
  const { data } = await client(upstream).embeddings.create({ model, input: CASES.embedding.texts });
  const [first, near, far] = data.map((item) => item.embedding);
  require(cosine(first, near) > cosine(first, far), cosine(first, near), cosine(first, far));
}

const RESPONSE_TOOLS = CASES.tools.map((definition) => ({ type: "function", strict: false, ...definition }));

async function responses(upstream) {
  upstream.needsServer("translating Responses");
  const api = client(upstream).responses;
  const body = { model: upstream.model("sim-echo"), input: CASES.echo };
  const whole = await api.create(body);
  same([whole.output_text, whole.status, whole.error], [CASES.echo, "completed", null]);
  const stream = api.stream(body);
  const events = await collect(stream);
  same((await stream.finalResponse()).output_text, CASES.echo);
  same(events.map((event) => event.sequence_number), events.map((_, at) => at));
  same([events[0].type, events.at(-1).type], ["response.created", "response.completed"]);
  if (upstream.format === "builtin") return;
  const format = {
    type: "json_schema",
    name: "card",
    strict: true,
    schema: {
      type: "object",
      properties: { name: { type: "string" }, age: { type: "integer" } },
      required: ["name", "age"],
      additionalProperties: false,
    },
  };
  const parsed = await api.parse({ ...body, input: CASES.structured.prompt, text: { format } });
  same(parsed.output_parsed.age, CASES.structured.age);
  const broken = await collect(
    await api.create({ model: upstream.model("sim-echo!reset-after-2"), input: CASES.counting, stream: true }),
  );
  same([broken.at(-1).type, broken.at(-1).response.status], ["response.failed", "failed"]);
}

async function responses_tools(upstream) {
  upstream.needsServer("translating Responses");
  upstream.needsModel("tool calls");
  const api = client(upstream).responses;
  const body = { model: upstream.model("sim-echo"), tools: RESPONSE_TOOLS };
  const asked = await api.create({ ...body, input: CASES.parallel.prompt });
  const streamed = await api.stream({ ...body, input: CASES.parallel.prompt }).finalResponse();
  for (const answer of [asked, streamed]) {
    const calls = answer.output.filter((item) => item.type === "function_call");
    same(calls.map((call) => JSON.parse(call.arguments).city), CASES.parallel.cities);
  }
  const calls = asked.output.filter((item) => item.type === "function_call");
  const input = calls.map((call, at) => ({
    type: "function_call_output",
    call_id: call.call_id,
    output: CASES.parallel.results[at],
  }));
  const { output_text } = await api.create({ ...body, input, previous_response_id: asked.id });
  const [first, second] = CASES.parallel.results.map((result) => output_text.indexOf(result));
  require(first >= 0 && first < second, output_text);
}

async function responses_state(upstream) {
  upstream.needsServer("translating Responses");
  const api = client(upstream).responses;
  const first = await api.create({ model: upstream.model("sim-echo"), input: CASES.history.first });
  const body = { model: upstream.model("sim-quote"), input: CASES.history.second, previous_response_id: first.id };
  const answer = await api.create(body);
  if (upstream.format !== "builtin") require(answer.output_text.includes(CASES.history.fact), answer.output_text);
  same((await api.retrieve(answer.id)).output_text, answer.output_text);
  await api.delete(first.id);
  await throwsA(OpenAI.NotFoundError, () => api.retrieve(first.id));
}

async function completions_(upstream) {
  upstream.needsServer("mapping text completions");
  const body = { model: upstream.model("sim-echo"), prompt: CASES.echo };
  same((await client(upstream).completions.create(body)).choices[0].text, CASES.echo);
  const chunks = await collect(await client(upstream).completions.create({ ...body, stream: true }));
  same(choicesOf(chunks).map((choice) => choice.text).join(""), CASES.echo);
}

function cosine(left, right) {
  const dot = (a, b) => a.reduce((sum, x, at) => sum + x * b[at], 0);
  return dot(left, right) / Math.sqrt(dot(left, left) * dot(right, right));
}

await main("javascript-openai", {
  plain,
  stream,
  tools,
  parallel_tools,
  tool_results,
  structured,
  image,
  reasoning,
  memory,
  usage,
  error,
  models,
  embeddings,
  responses,
  responses_tools,
  responses_state,
  completions: completions_,
});
