/** Backboard's SDK for JavaScript, `backboard-sdk`, against `/api`: every method that it has. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { BackboardClient, BackboardNotFoundError, BackboardValidationError } from "backboard-sdk";
import { CASES, TIMEOUT_MS, main, require, same, thrownBy, unique } from "./harness.mjs";

const { statement, question } = CASES.memory;
const TOOLS = CASES.tools.map((definition) => ({ type: "function", function: definition }));
const NOBODY = "0b0c7a52-3f63-4f3e-9a55-0a4f9a8a0b11";
const DOCUMENT = "# Harbour rules\n\nThe night gate closes at twenty past eleven.\n";
/** Looks at a document while it is read: for half a minute. */
const LOOKS = 600;

function client(upstream, apiKey = upstream.key) {
  return new BackboardClient({ apiKey, baseUrl: `${upstream.url}/api`, timeout: TIMEOUT_MS });
}

/** How the SDK names a simulated model. */
function model(upstream, name) {
  const whole = upstream.model(name);
  const slash = whole.indexOf("/");
  return { llm_provider: whole.slice(0, slash), model_name: whole.slice(slash + 1) };
}

/** Runs something with an assistant and a thread of its own, and takes both away. */
async function withThread(upstream, options, run) {
  const backboard = client(upstream);
  const assistant = await backboard.createAssistant({ name: unique("harbour"), ...options });
  try {
    const thread = await backboard.createThread(assistant.assistantId);
    return await run(backboard, thread.threadId, assistant.assistantId);
  } finally {
    await backboard.deleteAssistant(assistant.assistantId);
  }
}

async function collect(events) {
  const all = [];
  for await (const event of events) all.push(event);
  return all;
}

async function assistants(upstream) {
  const backboard = client(upstream);
  const name = unique("harbour");
  const made = await backboard.createAssistant({ name, description: "Keeps the harbour.", tools: TOOLS });
  same([made.name, made.description, made.tools.length], [name, "Keeps the harbour.", TOOLS.length]);
  require(made.createdAt instanceof Date && !Number.isNaN(made.createdAt.valueOf()), made);
  const changed = await backboard.updateAssistant(made.assistantId, { name: `${name}-b`, description: "Still does." });
  same([changed.name, changed.description, changed.tools.length], [`${name}-b`, "Still does.", TOOLS.length]);
  same((await backboard.getAssistant(made.assistantId)).name, `${name}-b`);
  const listed = await backboard.listAssistants({ skip: 0, limit: 200 });
  require(listed.some((one) => one.assistantId === made.assistantId), "not listed");

  const thread = await backboard.createThread(made.assistantId);
  same(thread.messages, []);
  const ofAssistant = await backboard.listThreadsForAssistant(made.assistantId);
  same(ofAssistant.map((one) => one.threadId), [thread.threadId]);
  require((await backboard.listThreads({ limit: 200 })).some((one) => one.threadId === thread.threadId), "not listed");
  same((await backboard.getThread(thread.threadId)).threadId, thread.threadId);
  require((await backboard.deleteThread(thread.threadId)).message, "no message");
  require((await backboard.deleteAssistant(made.assistantId)).message, "no message");
  require((await thrownBy(() => backboard.getAssistant(made.assistantId))) instanceof BackboardNotFoundError, "still there");
}

async function plain(upstream) {
  await withThread(upstream, {}, async (backboard, thread) => {
    const reply = await backboard.addMessage(thread, { content: CASES.echo, ...model(upstream, "sim-echo") });
    same([reply.content, reply.status], [CASES.echo, "COMPLETED"]);
    same(reply.threadId, thread);
    const kept = await backboard.getThread(thread);
    same(kept.messages.map((message) => [message.role, message.content]), [
      ["user", CASES.echo],
      ["assistant", CASES.echo],
    ]);
  });
}

async function stream(upstream) {
  await withThread(upstream, {}, async (backboard, thread) => {
    const said = { content: CASES.echo, stream: true, ...model(upstream, "sim-echo") };
    const events = await collect(await backboard.addMessage(thread, said));
    const text = events.filter((event) => event.type === "content_streaming").map((event) => event.content).join("");
    same(text, CASES.echo);
    same([events[0].type, events.at(-1).type, events.at(-1).status], ["message_received", "run_ended", "completed"]);
    same((await backboard.getThread(thread)).messages.length, 2);
  });
}

async function tools(upstream) {
  upstream.needsModel("tools");
  for (const streamed of [false, true]) {
    await withThread(upstream, { tools: TOOLS }, async (backboard, thread) => {
      const said = { content: "Use the weather tool for Lisbon", ...model(upstream, "sim-echo") };
      const asked = await backboard.addMessage(thread, said);
      same(asked.status, "REQUIRES_ACTION");
      const outputs = asked.toolCalls.map((call) => ({ tool_call_id: call.id, output: "18 degrees and rain" }));
      same(outputs.length, 1);
      same(asked.toolCalls[0].function.name, "get_weather");
      const answered = await backboard.submitToolOutputs(thread, asked.runId, outputs, streamed);
      const content = streamed ? (await collect(answered)).at(-1).content : answered.content;
      require(content.includes("18 degrees and rain"), content);
      const again = await thrownBy(() => backboard.submitToolOutputs(thread, asked.runId, outputs));
      require(again.statusCode === 400 || again.statusCode === 404, again);
    });
  }
}

async function memory(upstream) {
  await withThread(upstream, {}, async (backboard, thread, assistant) => {
    const tag = unique("berth");
    const told = { content: `${statement} ${tag}`, memory: "Auto", ...model(upstream, "sim-echo") };
    require((await backboard.addMessage(thread, told)).content.includes(tag), "not said");
    const other = await backboard.createThread(assistant);
    const asked = { content: question, memory: "Readonly", ...model(upstream, "sim-quote") };
    const known = await backboard.addMessage(other.threadId, asked);
    require(known.content.includes(tag), "the model did not get what was told in another thread", known.content);

    const content = `${unique("note")}: {"tide": "spring"}`;
    const added = await backboard.addMemory(assistant, { content, metadata: { pier: 4 } });
    require(added.success, added);
    const id = added.memory_id;
    const found = await backboard.getMemory(assistant, id);
    same([found.content, found.metadata.pier], [content, 4]);
    same((await backboard.updateMemory(assistant, id, { content: `${content} b` })).content, `${content} b`);
    const { memories } = await backboard.getMemories(assistant);
    require(memories.some((one) => one.id === id && one.content === `${content} b`), memories);
    require((await backboard.getMemoryStats(assistant)).totalMemories >= 1, "not counted");
    require((await backboard.deleteMemory(assistant, id)).success, "not deleted");
    require((await thrownBy(() => backboard.getMemory(assistant, id))) instanceof BackboardNotFoundError, "still there");
  });
}

async function documents(upstream) {
  const folder = mkdtempSync(path.join(tmpdir(), "backboard-"));
  try {
    const file = path.join(folder, "rules.md");
    writeFileSync(file, DOCUMENT);
    await withThread(upstream, {}, async (backboard, thread, assistant) => {
      const ofAssistant = await backboard.uploadDocumentToAssistant(assistant, file);
      const ofThread = await backboard.uploadDocumentToThread(thread, file);
      same([ofAssistant.filename, ofThread.filename], ["rules.md", "rules.md"]);
      for (const { documentId } of [ofAssistant, ofThread]) same((await indexed(backboard, documentId)).status, "indexed");
      same((await backboard.listAssistantDocuments(assistant)).map((one) => one.documentId), [ofAssistant.documentId]);
      same((await backboard.listThreadDocuments(thread)).map((one) => one.documentId), [ofThread.documentId]);
      require((await backboard.deleteDocument(ofThread.documentId)).message, "no message");
      same(await backboard.listThreadDocuments(thread), []);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Clients poll: there is no other way to hear of it. */
async function indexed(backboard, id) {
  for (let look = 0; look < LOOKS; look += 1) {
    const document = await backboard.getDocumentStatus(id);
    if (!["pending", "processing"].includes(document.status)) return document;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {};
}

async function error(upstream) {
  const backboard = client(upstream);
  const stranger = await thrownBy(() => client(upstream, "bs-nobody").listAssistants());
  same(stranger.statusCode, 401);
  require((await thrownBy(() => backboard.getThread(NOBODY))) instanceof BackboardNotFoundError, "found");
  require((await thrownBy(() => backboard.getThread("nobody"))) instanceof BackboardValidationError, "taken for an id");
  await withThread(upstream, {}, async (_, thread) => {
    const unknown = { content: "hello", llm_provider: "nobody", model_name: "nothing" };
    const refused = await thrownBy(() => backboard.addMessage(thread, unknown));
    require(refused instanceof BackboardValidationError && refused.message.includes("nobody/nothing"), refused);
    if (upstream.format === "builtin") return;
    const failing = { content: "hello", ...model(upstream, "sim-echo!500") };
    const failed = await backboard.addMessage(thread, failing);
    require(failed.status === "FAILED" && failed.content.startsWith("LLM Error"), failed);
    const streamed = await thrownBy(async () => collect(await backboard.addMessage(thread, { ...failing, stream: true })));
    require(streamed instanceof Error, streamed);
  });
}

await main("javascript-backboard", { assistants, plain, stream, tools, memory, documents, error });
