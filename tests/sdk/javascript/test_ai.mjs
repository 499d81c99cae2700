/** The Vercel AI SDK: `ai` with `@ai-sdk/openai-compatible`. */
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, Output, embedMany, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { CASES, NotApplicable, TIMEOUT_MS, main, recordingFetch, require, same, thrownBy } from "./harness.mjs";
import { memoryScenario } from "./memory.mjs";

const Card = z.object({
  name: z.string(),
  age: z.number().int(),
  address: z.object({ city: z.string(), country: z.string() }),
  languages: z.array(z.string()),
});
const TOOLS = toolSet(() => undefined);

/** The tools of the cases; one without a result is left for the caller to run. */
function toolSet(execute) {
  const entries = CASES.tools.map(({ name, description, parameters }) => {
    const definition = { description, inputSchema: jsonSchema(parameters) };
    return [name, tool(execute(name) ? { ...definition, execute: execute(name) } : definition)];
  });
  return Object.fromEntries(entries);
}

function provider(upstream, apiKey = upstream.key) {
  return createOpenAICompatible({
    name: "backstay",
    baseURL: `${upstream.url}/v1`,
    apiKey,
    includeUsage: true,
    supportsStructuredOutputs: true,
    fetch: recordingFetch,
  });
}

/** The arguments of one call. */
function asking(upstream, model, prompt, more = {}) {
  return {
    model: provider(upstream)(upstream.model(model)),
    prompt,
    maxRetries: 0,
    abortSignal: AbortSignal.timeout(TIMEOUT_MS),
    ...more,
  };
}

/** `streamText` reports what broke in the stream as a part; without `onError` it would also log it. */
const streaming = (options) => streamText({ ...options, onError: () => {} });

async function collect(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

async function plain(upstream) {
  const answer = await generateText(asking(upstream, "sim-echo", CASES.echo));
  same([answer.text, answer.finishReason], [CASES.echo, "stop"]);
  require(answer.response.id && answer.response.modelId, answer.response);
  if (upstream.format === "builtin") return;
  const told = await generateText(asking(upstream, "sim-quote", CASES.system_question, { system: CASES.system }));
  require(told.text.includes(CASES.system_fact), told.text);
  const stopped = await generateText(asking(upstream, "sim-echo", CASES.counting, { stopSequences: ["three"] }));
  same([stopped.text.trimEnd(), stopped.finishReason], ["one two", "stop"]);
  const cut = await generateText(asking(upstream, "sim-echo", CASES.counting, { maxOutputTokens: 2, temperature: 0.2 }));
  same([cut.text.trimEnd(), cut.finishReason], ["one two", "length"]);
}

async function stream(upstream) {
  const answer = streaming(asking(upstream, "sim-echo", CASES.echo));
  const pieces = await collect(answer.textStream);
  same(pieces.join(""), CASES.echo);
  require(pieces.length > 2 || upstream.format === "builtin", "the text came in one piece", pieces);
  same(await answer.finishReason, "stop");
}

async function tools(upstream) {
  upstream.needsModel("tool calls");
  const options = asking(upstream, "sim-echo", CASES.tool.prompt, { tools: TOOLS });
  const streamed = streaming(options);
  for (const answer of [await generateText(options), streamed]) {
    const calls = await answer.toolCalls;
    same(calls.map((call) => [call.toolName, call.input]), [[CASES.tool.name, CASES.tool.arguments]]);
    same(await answer.finishReason, "tool-calls");
  }
  const named = { type: "tool", toolName: "get_population" };
  const forced = await generateText({ ...options, toolChoice: named });
  same(forced.toolCalls.map((call) => call.toolName), ["get_population"]);
  const none = await generateText({ ...options, toolChoice: "none" });
  same([none.toolCalls.length, none.finishReason], [0, "stop"]);
}

async function parallel_tools(upstream) {
  upstream.needsModel("tool calls");
  const options = asking(upstream, "sim-echo", CASES.parallel.prompt, { tools: TOOLS });
  for (const answer of [await generateText(options), streaming(options)]) {
    const calls = await answer.toolCalls;
    same(calls.map((call) => call.input.city), CASES.parallel.cities);
    same(new Set(calls.map((call) => call.toolCallId)).size, 2);
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
  same(Card.parse(card), card);
  const streamed = streaming(options);
  same((await collect(streamed.partialOutputStream)).at(-1), card);
  same(await streamed.output, card);
}

async function image(upstream) {
  upstream.needsModel("eyes");
  const picture = { type: "image", image: Buffer.from(CASES.image_png_base64, "base64") };
  const content = [{ type: "text", text: "Look." }, picture];
  const options = asking(upstream, "sim-echo", undefined, { messages: [{ role: "user", content }] });
  same((await generateText(options)).text, "Look. I see 1 image.");
}

async function reasoning(upstream) {
  upstream.needsModel("reasoning");
  const providerOptions = { backstay: { reasoningEffort: "low" } };
  const options = asking(upstream, "sim-think", CASES.counting, { providerOptions });
  const answer = await generateText(options);
  same(answer.text, CASES.counting);
  require(answer.reasoningText?.includes("I will repeat it."), answer.reasoningText);
  const streamed = streaming(options);
  same(await streamed.reasoningText, answer.reasoningText);
  same(await streamed.text, CASES.counting);
}

async function memory(upstream) {
  await memoryScenario(upstream, speak);
}

async function speak(upstream, model, text, { backstay, headers, stream = false } = {}) {
  const providerOptions = backstay && { backstay: { backstay } };
  const options = asking(upstream, undefined, text, { headers, providerOptions });
  options.model = provider(upstream)(model);
  if (!stream) {
    const answer = await generateText(options);
    const { body, headers: seen } = answer.response;
    return { text: answer.text, extension: body.backstay, headers: new Headers(seen) };
  }
  const answer = streaming({ ...options, includeRawChunks: true });
  const parts = await collect(answer.fullStream);
  const raw = parts.filter((part) => part.type === "raw").map((part) => part.rawValue);
  const response = await answer.response;
  return { text: await answer.text, extension: raw.at(-1).backstay, headers: new Headers(response.headers) };
}

async function usage(upstream) {
  const options = asking(upstream, "sim-echo", CASES.echo);
  const { inputTokens, outputTokens, totalTokens } = (await generateText(options)).usage;
  require(inputTokens > 0 && outputTokens > 0, inputTokens, outputTokens);
  same(totalTokens, inputTokens + outputTokens);
  const streamed = streaming(options);
  await streamed.consumeStream();
  const again = await streamed.usage;
  same([again.inputTokens, again.outputTokens], [inputTokens, outputTokens]);
}

async function error(upstream) {
  const call = (model, more) => generateText(asking(upstream, model, CASES.counting, more));
  const status = async (expected, make) => {
    const thrown = await thrownBy(make);
    require(APICallError.isInstance(thrown), `expected an APICallError`, String(thrown));
    same(thrown.statusCode, expected);
    return thrown;
  };
  if (!upstream.direct) {
    const stranger = provider(upstream, `bs-${"0".repeat(40)}`)(upstream.model("sim-echo"));
    await status(401, () => call("sim-echo", { model: stranger }));
    const unknown = await status(404, () => call("sim-echo", { model: provider(upstream)("builtin/ehco") }));
    require(unknown.message.includes("builtin/echo"), unknown.message);
  }
  const wrong = { providerOptions: { backstay: { max_tokens: "many" } } };
  await status(400, () => call("sim-echo", wrong));
  if (upstream.format === "builtin") return;
  await status(404, () => call("sim-nothing"));
  const limited = await status(429, () => call("sim-echo!429-retry-after-7"));
  same(limited.responseHeaders["retry-after"], "7");
  require(limited.isRetryable, limited);
  require((await thrownBy(() => call("sim-echo!500"))).statusCode >= 500);
  for (const fault of ["error-after-2", "reset-after-2"]) {
    let thrown;
    const broken = streamText({
      ...asking(upstream, `sim-echo!${fault}`, CASES.counting),
      onError: ({ error }) => (thrown = error),
    });
    const pieces = [];
    try {
      for await (const piece of broken.textStream) pieces.push(piece);
    } catch (error) {
      thrown = error;
    }
    same(pieces.join("").trimEnd(), "one two");
    require(thrown, `${fault}: the stream ended as if nothing had happened`);
  }
}

async function models() {
  throw new NotApplicable("the AI SDK does not list models");
}

async function embeddings(upstream) {
  if (["anthropic", "bedrock", "vertex"].includes(upstream.format)) {
    throw new NotApplicable("no embeddings are called there");
  }
  const name = upstream.format === "builtin" ? "builtin/all-minilm-l6-v2" : upstream.model("sim-embed");
  const model = provider(upstream).embeddingModel(name);
  const { embeddings, usage } = await embedMany({ model, values: CASES.embedding.texts, maxRetries: 0 });
  same(embeddings.length, CASES.embedding.texts.length);
  require(embeddings.every((vector) => vector.length === embeddings[0].length), embeddings);
  require(usage.tokens > 0, usage);
}

await main("javascript-ai", {
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
});
