/** The Vercel AI SDK with OpenRouter's provider for it, `@openrouter/ai-sdk-provider`, against `/api/v1`. */
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { APICallError, Output, embedMany, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { CASES, NotApplicable, TIMEOUT_MS, main, recordingFetch, require, same, thrownBy } from "./harness.mjs";

const Card = z.object({ name: z.string(), age: z.number().int() });
const TOOLS = toolSet(() => undefined);

/** The tools of the cases; one without a result is left for the caller to run. */
function toolSet(execute) {
  const entries = CASES.tools.map(({ name, description, parameters }) => {
    const definition = { description, inputSchema: jsonSchema(parameters) };
    return [name, tool(execute(name) ? { ...definition, execute: execute(name) } : definition)];
  });
  return Object.fromEntries(entries);
}

const provider = (upstream, apiKey = upstream.key) =>
  createOpenRouter({ baseURL: `${upstream.url}/api/v1`, apiKey, fetch: recordingFetch });

function asking(upstream, model, prompt, { settings, ...more } = {}) {
  return {
    model: provider(upstream).chat(upstream.model(model), settings),
    prompt,
    maxRetries: 0,
    abortSignal: AbortSignal.timeout(TIMEOUT_MS),
    ...more,
  };
}

const streaming = (options) => streamText({ ...options, onError: () => {} });

async function collect(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

async function plain(upstream) {
  const answer = await generateText(asking(upstream, "sim-echo", CASES.echo));
  same([answer.text, answer.finishReason], [CASES.echo, "stop"]);
  same(answer.response.modelId, upstream.model("sim-echo"));
  if (upstream.format === "builtin") return;
  const cut = await generateText(asking(upstream, "sim-echo", CASES.counting, { maxOutputTokens: 2 }));
  same([cut.text.trimEnd(), cut.finishReason], ["one two", "length"]);
}

async function stream(upstream) {
  const answer = streaming(asking(upstream, "sim-echo", CASES.echo));
  same((await collect(answer.textStream)).join(""), CASES.echo);
  same(await answer.finishReason, "stop");
}

async function tools(upstream) {
  upstream.needsModel("tool calls");
  const options = asking(upstream, "sim-echo", CASES.tool.prompt, { tools: TOOLS });
  for (const answer of [await generateText(options), streaming(options)]) {
    const calls = await answer.toolCalls;
    same(calls.map((call) => [call.toolName, call.input]), [[CASES.tool.name, CASES.tool.arguments]]);
    same(await answer.finishReason, "tool-calls");
  }
}

/** The SDK runs the tools itself and goes on with their results. */
async function tool_results(upstream) {
  upstream.needsModel("tool calls");
  const { cities, results, prompt } = CASES.parallel;
  const run = () => ({ city }) => results[cities.indexOf(city)];
  const options = asking(upstream, "sim-echo", prompt, { tools: toolSet(run), stopWhen: stepCountIs(3) });
  for (const answer of [await generateText(options), streaming(options)]) {
    const text = await answer.text;
    const [first, second] = results.map((result) => text.indexOf(result));
    require(first >= 0 && first < second, text);
    same([(await answer.steps).length, await answer.finishReason], [2, "stop"]);
  }
}

async function structured(upstream) {
  upstream.needsModel("structured output");
  const output = Output.object({ schema: Card });
  const options = asking(upstream, "sim-echo", CASES.structured.prompt, { output });
  const card = (await generateText(options)).output;
  same(card.age, CASES.structured.age);
  same(await streaming(options).output, card);
}

/** Thinking that comes back with the tool's result, as an agent's loop sends it. */
async function reasoning(upstream) {
  upstream.needsModel("reasoning");
  const settings = { reasoning: { effort: "low" } };
  const options = asking(upstream, "sim-think", CASES.counting, { settings });
  const answer = await generateText(options);
  same(answer.text, CASES.counting);
  require(answer.reasoningText?.includes("I will repeat it."), answer.reasoningText);
  const streamed = streaming(options);
  same(await streamed.reasoningText, answer.reasoningText);
  const { prompt: _, ...rest } = options;
  const messages = [
    { role: "user", content: CASES.counting },
    ...answer.response.messages,
    { role: "user", content: "And now?" },
  ];
  same((await generateText({ ...rest, messages })).text, "And now?");
}

async function usage(upstream) {
  const options = asking(upstream, "sim-echo", CASES.echo);
  const answer = await generateText(options);
  const { inputTokens, outputTokens, totalTokens } = answer.usage;
  same(totalTokens, inputTokens + outputTokens);
  const streamed = streaming(options);
  await streamed.consumeStream();
  same((await streamed.usage).totalTokens, totalTokens);
  if (upstream.format === "builtin") return;
  const expected = (inputTokens + 2 * outputTokens) / 1e6;
  for (const metadata of [answer.providerMetadata, await streamed.providerMetadata]) {
    require(Math.abs(metadata.openrouter.usage.cost - expected) < 1e-12, metadata);
    require(metadata.openrouter.provider, metadata);
  }
}

async function error(upstream) {
  const status = async (expected, make) => {
    const thrown = await thrownBy(make);
    require(APICallError.isInstance(thrown), "expected an APICallError", String(thrown));
    same(thrown.statusCode, expected);
    return thrown;
  };
  const call = (model, more) => generateText(asking(upstream, model, CASES.counting, more));
  const stranger = provider(upstream, `bs-${"0".repeat(40)}`).chat(upstream.model("sim-echo"));
  await status(401, () => call("sim-echo", { model: stranger }));
  const unknown = await status(404, () => call("sim-echo", { model: provider(upstream).chat("builtin/ehco") }));
  require(unknown.message.includes("builtin/echo"), unknown.message);
  if (upstream.format === "builtin") return;
  const limited = await status(429, () => call("sim-echo!429-retry-after-7"));
  same(limited.responseHeaders["retry-after"], "7");
  await status(502, () => call("sim-echo!500"));
  let thrown;
  const broken = streamText({
    ...asking(upstream, "sim-echo!reset-after-2", CASES.counting),
    onError: ({ error }) => (thrown = error),
  });
  const pieces = await collect(broken.textStream);
  same(pieces.join("").trimEnd(), "one two");
  require(thrown, "the stream ended as if nothing had happened");
}

async function embeddings(upstream) {
  if (["anthropic", "bedrock", "vertex"].includes(upstream.format)) {
    throw new NotApplicable("no embeddings are called there");
  }
  const name = upstream.format === "builtin" ? "builtin/all-minilm-l6-v2" : upstream.model("sim-embed");
  const model = provider(upstream).textEmbeddingModel(name);
  const { embeddings } = await embedMany({ model, values: CASES.embedding.texts, maxRetries: 0 });
  same(embeddings.length, CASES.embedding.texts.length);
}

await main("javascript-ai-openrouter", {
  plain,
  stream,
  tools,
  tool_results,
  structured,
  reasoning,
  usage,
  error,
  embeddings,
});
