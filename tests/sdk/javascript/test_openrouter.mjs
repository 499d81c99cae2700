/** OpenRouter's SDK for TypeScript, `@openrouter/sdk`, against `/api/v1`. */
import { HTTPClient, OpenRouter } from "@openrouter/sdk";
import { CASES, NotApplicable, TIMEOUT_MS, main, recordingFetch, require, same, thrownBy } from "./harness.mjs";

const TOOLS = CASES.tools.map((definition) => ({ type: "function", function: definition }));
const CARD = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer" } },
  required: ["name", "age"],
  additionalProperties: false,
};

function client(upstream, apiKey = upstream.key) {
  return new OpenRouter({
    apiKey,
    serverURL: `${upstream.url}/api/v1`,
    timeoutMs: TIMEOUT_MS,
    // The SDK repeats for up to an hour what failed at the server; the tests want to see the failure.
    retryConfig: { strategy: "none" },
    httpClient: new HTTPClient({ fetcher: recordingFetch }),
  });
}

const user = (text) => [{ role: "user", content: text }];

function send(upstream, model, text, more = {}) {
  const chatRequest = { model: upstream.model(model), messages: user(text), ...more };
  return client(upstream).chat.send({ chatRequest });
}

async function collect(stream) {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
}

const deltasOf = (chunks) => chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.delta));
const textOf = (chunks) => deltasOf(chunks).map((delta) => delta.content ?? "").join("");

async function plain(upstream) {
  const answer = await send(upstream, "sim-echo", CASES.echo);
  require(answer.id && answer.created > 0, answer);
  same(answer.model, upstream.model("sim-echo"));
  same([answer.choices[0].message.content, answer.choices[0].finishReason], [CASES.echo, "stop"]);
  if (upstream.format === "builtin") return;
  const cut = (await send(upstream, "sim-echo", CASES.counting, { maxTokens: 2 })).choices[0];
  same([cut.message.content.trimEnd(), cut.finishReason], ["one two", "length"]);
  const preferred = { temperature: 0.2, seed: 7, provider: { allowFallbacks: false }, plugins: [{ id: "response-healing" }] };
  same((await send(upstream, "sim-echo", CASES.counting, preferred)).choices[0].message.content, CASES.counting);
}

async function stream(upstream) {
  const chunks = await collect(await send(upstream, "sim-echo", CASES.echo, { stream: true }));
  same(textOf(chunks), CASES.echo);
  const ends = chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.finishReason)).filter(Boolean);
  same(ends, ["stop"]);
  same(new Set(chunks.map((chunk) => chunk.id)).size, 1);
}

async function tools(upstream) {
  upstream.needsModel("tool calls");
  const [choice] = (await send(upstream, "sim-echo", CASES.tool.prompt, { tools: TOOLS })).choices;
  same(choice.finishReason, "tool_calls");
  const called = choice.message.toolCalls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]);
  same(called, [[CASES.tool.name, CASES.tool.arguments]]);
  const chunks = await collect(await send(upstream, "sim-echo", CASES.tool.prompt, { tools: TOOLS, stream: true }));
  const fragments = deltasOf(chunks).flatMap((delta) => delta.toolCalls ?? []);
  same(fragments.map((call) => call.function?.name).filter(Boolean), [CASES.tool.name]);
  same(JSON.parse(fragments.map((call) => call.function?.arguments ?? "").join("")), CASES.tool.arguments);
}

async function tool_results(upstream) {
  upstream.needsModel("tool calls");
  const { prompt, results } = CASES.parallel;
  const asked = (await send(upstream, "sim-echo", prompt, { tools: TOOLS })).choices[0].message;
  const answers = asked.toolCalls.map((call, at) => ({ role: "tool", toolCallId: call.id, content: results[at] }));
  const messages = [...user(prompt), asked, ...answers];
  const text = (await send(upstream, "sim-echo", "", { messages, tools: TOOLS })).choices[0].message.content;
  const [first, second] = results.map((result) => text.indexOf(result));
  require(first >= 0 && first < second, text);
}

async function structured(upstream) {
  upstream.needsModel("structured output");
  const responseFormat = { type: "json_schema", jsonSchema: { name: "card", schema: CARD, strict: true } };
  const answer = await send(upstream, "sim-echo", CASES.structured.prompt, { responseFormat });
  same(JSON.parse(answer.choices[0].message.content).age, CASES.structured.age);
}

async function reasoning(upstream) {
  upstream.needsModel("reasoning");
  const asking = { reasoning: { effort: "low" } };
  const { message } = (await send(upstream, "sim-think", CASES.counting, asking)).choices[0];
  same(message.content, CASES.counting);
  require(message.reasoning?.includes("I will repeat it."), message);
  require(message.reasoningDetails?.length > 0, message);
  const chunks = await collect(await send(upstream, "sim-think", CASES.counting, { ...asking, stream: true }));
  same(deltasOf(chunks).map((delta) => delta.reasoning ?? "").join(""), message.reasoning);
  const messages = [...user(CASES.counting), message, ...user("And now?")];
  same((await send(upstream, "sim-echo", "", { messages })).choices[0].message.content, "And now?");
}

async function usage(upstream) {
  const seen = (await send(upstream, "sim-echo", CASES.echo)).usage;
  same(seen.totalTokens, seen.promptTokens + seen.completionTokens);
  const chunks = await collect(await send(upstream, "sim-echo", CASES.echo, { stream: true }));
  const streamed = chunks.map((chunk) => chunk.usage).filter(Boolean);
  same(streamed.map((one) => one.totalTokens), [seen.totalTokens]);
  if (upstream.format === "builtin") return;
  require(Math.abs(seen.cost - (seen.promptTokens + 2 * seen.completionTokens) / 1e6) < 1e-12, seen);
}

async function error(upstream) {
  const status = async (expected, call) => {
    const thrown = await thrownBy(call);
    same(thrown.statusCode, expected);
    return thrown;
  };
  const chatRequest = { model: upstream.model("sim-echo"), messages: user("x") };
  await status(401, () => client(upstream, `bs-${"0".repeat(40)}`).chat.send({ chatRequest }));
  const unknown = { chatRequest: { ...chatRequest, model: "builtin/ehco" } };
  const told = await status(404, () => client(upstream).chat.send(unknown));
  require(told.body.includes("builtin/echo"), told.body);
  if (upstream.format === "builtin") return;
  const limited = await status(429, () => send(upstream, "sim-echo!429-retry-after-7", "x"));
  same(limited.headers.get("retry-after"), "7");
  await status(502, () => send(upstream, "sim-echo!500", "x"));
  await status(404, () => send(upstream, "sim-echo!401", "x"));
  const chunks = await collect(await send(upstream, "sim-echo!reset-after-2", CASES.counting, { stream: true }));
  same(textOf(chunks).trimEnd(), "one two");
  same([chunks.at(-1).error.code, chunks.at(-1).choices[0].finishReason], [502, "error"]);
}

async function models(upstream) {
  const listed = await client(upstream).models.list();
  const ids = listed.result.data.map((model) => model.id);
  require(ids.includes(upstream.model("sim-echo")), ids);
}

async function embeddings(upstream) {
  if (["anthropic", "bedrock", "vertex"].includes(upstream.format)) {
    throw new NotApplicable("no embeddings are called there");
  }
  const model = upstream.format === "builtin" ? "builtin/all-minilm-l6-v2" : upstream.model("sim-embed");
  const answer = await client(upstream).embeddings.generate({ requestBody: { model, input: CASES.embedding.texts } });
  same(answer.data.length, CASES.embedding.texts.length);
}

async function generation(upstream) {
  const answer = await send(upstream, "sim-echo", CASES.counting);
  const { data } = await client(upstream).generations.getGeneration({ id: answer.id });
  const { promptTokens, completionTokens } = answer.usage;
  same([data.id, data.tokensPrompt, data.tokensCompletion], [answer.id, promptTokens, completionTokens]);
  if (upstream.format !== "builtin") require(Math.abs(data.totalCost - answer.usage.cost) < 1e-12, data);
}

async function key(upstream) {
  const { data } = await client(upstream).apiKeys.getCurrentKeyMetadata();
  require(data.label && !data.label.includes(upstream.key), data);
  require(data.usage >= 0, data);
}

async function credits(upstream) {
  const { data } = await client(upstream).credits.getCredits();
  require(data.totalUsage >= 0, data);
}

await main("javascript-openrouter", {
  plain,
  stream,
  tools,
  tool_results,
  structured,
  reasoning,
  usage,
  error,
  models,
  embeddings,
  generation,
  key,
  credits,
});
