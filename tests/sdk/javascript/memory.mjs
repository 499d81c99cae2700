/**
 * The memory scenario, the same for each client: told through one dialect, known through another.
 *
 * A speaker says one thing to a model and resolves to `{ text, extension, headers }`, where `extension` is the `backstay`
 * field of the reply, or of the last chunk of a stream. The other dialect here is Anthropic's, spoken with plain `fetch`.
 */
import { CASES, TIMEOUT_MS, recordingFetch, require, same, unique } from "./harness.mjs";

const { statement, question, user } = CASES.memory;

export async function memoryScenario(upstream, speak) {
  upstream.needsServer("memory");
  await toldHereIsKnownThere(upstream, speak, speakAnthropic);
  await toldHereIsKnownThere(upstream, speakAnthropic, speak);
  await historyIsKeptByTheServer(upstream, speak, speakAnthropic);
  await offAndReadonlyLeaveNothing(upstream, speak);
  await headersDoWhatTheFieldDoes(upstream, speak);
  await aClientThatAsksForNothingSeesNothing(upstream, speak);
}

async function toldHereIsKnownThere(upstream, here, there) {
  const who = { assistant: unique("harbour"), user };
  const { text, tag } = newStatement();
  const told = await here(upstream, upstream.model("sim-echo"), text, { backstay: { ...who, thread: "new" } });
  const toldIn = extensionOf(told).thread;
  same(told.headers.get("x-backstay-thread"), toldIn);
  same(told.headers.get("x-backstay-generation"), extensionOf(told).generation);
  for (const stream of [false, true]) {
    const asked = await there(upstream, upstream.model("sim-quote"), question, {
      backstay: { ...who, thread: "new" },
      stream,
    });
    const [found] = recalled(asked, tag);
    require(found, "not recalled", asked.extension);
    same(found.thread, toldIn);
    for (const key of ["id", "text", "said_at", "thread", "score", "why"]) require(key in found, `no ${key}`, found);
    require(extensionOf(asked).memory_tokens > 0, asked.extension);
    require(asked.text.includes(tag), "the model did not get what was recalled", asked.text);
  }
}

async function historyIsKeptByTheServer(upstream, here, there) {
  const who = { assistant: unique("harbour"), user, memory: "off" };
  const { text, tag } = newStatement();
  const told = await here(upstream, upstream.model("sim-echo"), text, { backstay: { ...who, thread: "new" } });
  const { thread } = extensionOf(told);
  for (const speak of [here, there]) {
    const asked = await speak(upstream, upstream.model("sim-quote"), question, { backstay: { ...who, thread } });
    same(extensionOf(asked).thread, thread);
    if (upstream.format !== "builtin") require(asked.text.includes(tag), "the thread's history is missing", asked.text);
  }
}

async function offAndReadonlyLeaveNothing(upstream, here) {
  const who = { assistant: unique("harbour"), user, thread: "new" };
  const say = (model, text, memory) => here(upstream, upstream.model(model), text, { backstay: { ...who, memory } });
  for (const mode of ["off", "readonly"]) {
    const { text, tag } = newStatement();
    await say("sim-echo", text, mode);
    same(recalled(await say("sim-quote", question, "readonly"), tag), []);
  }
  const { text, tag } = newStatement();
  await say("sim-echo", text, "auto");
  for (const [mode, known] of [["readonly", true], ["off", false]]) {
    const asked = await say("sim-quote", question, mode);
    same(recalled(asked, tag).length > 0, known);
    same(asked.text.includes(tag), known);
  }
}

async function headersDoWhatTheFieldDoes(upstream, here) {
  const headers = { "X-Backstay-Assistant": unique("harbour"), "X-Backstay-User": user, "X-Backstay-Thread": "new" };
  const { text, tag } = newStatement();
  await here(upstream, upstream.model("sim-echo"), text, { headers });
  const readonly = { ...headers, "X-Backstay-Memory": "readonly" };
  const asked = await here(upstream, upstream.model("sim-quote"), question, { headers: readonly });
  require(recalled(asked, tag).length > 0, "not recalled", asked.extension);
}

async function aClientThatAsksForNothingSeesNothing(upstream, here) {
  for (const stream of [false, true]) {
    const asked = await here(upstream, upstream.model("sim-echo"), CASES.echo, { stream });
    same(asked.extension, undefined);
    same(asked.headers.get("x-backstay-thread"), null);
    same(asked.text, CASES.echo);
  }
}

/** Says `text` in Anthropic's dialect. */
async function speakAnthropic(upstream, model, text, { backstay, headers, stream = false } = {}) {
  const body = { model, max_tokens: 1024, messages: [{ role: "user", content: text }], stream, backstay };
  const response = await recordingFetch(`${upstream.url}/v1/messages`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "anthropic-version": "2023-06-01",
      "x-api-key": upstream.key,
      ...headers,
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  same(response.status, 200);
  if (!stream) {
    const message = await response.json();
    const said = message.content.map((block) => block.text ?? "").join("");
    return { text: said, extension: message.backstay, headers: response.headers };
  }
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: "));
  const events = lines.map((line) => JSON.parse(line.slice("data: ".length)));
  const said = events.map((event) => event.delta?.text ?? "").join("");
  same(events.at(-1).type, "message_stop");
  return { text: said, extension: events.at(-1).backstay, headers: response.headers };
}

function newStatement() {
  const tag = unique("tag");
  return { text: statement.replace("{tag}", tag), tag };
}

function extensionOf(reply) {
  require(reply.extension && typeof reply.extension === "object", "the reply has no `backstay` field", reply);
  return reply.extension;
}

/** The recalled memories that hold the tag; the user's own words first. */
function recalled(reply, tag) {
  const found = (extensionOf(reply).recalled ?? []).filter((memory) => memory.text.includes(tag));
  const own = (memory) => Number(memory.text.startsWith("The spare key"));
  return found.sort((left, right) => own(right) - own(left));
}
