/**
 * Runs the cells of one client: every case against every upstream wire format.
 *
 * A case is an async function of an upstream. It returns when the client saw what it should have seen, throws
 * `NotApplicable` where the combination has no meaning, and throws anything else when it failed. Each result is printed
 * as one JSON line, which `run.py` gathers into the matrix.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";

export const CASES = JSON.parse(readFileSync(new URL("../cases.json", import.meta.url), "utf8"));
export const TIMEOUT_MS = 30_000;

/** The case has no meaning for this upstream; the message says why. */
export class NotApplicable extends Error {}

/** One column of the matrix, and how a client reaches it. */
class Upstream {
  constructor(format, { url, key, direct }) {
    Object.assign(this, { format, url, key, direct });
  }

  /** The name of a simulated model as the client has to write it; `builtin` answers as what it has. */
  model(name) {
    if (this.direct) return name;
    if (this.format === "builtin") return name === "sim-quote" ? "builtin/recall" : "builtin/echo";
    return `sim-${this.format}/${name}`;
  }

  /** Skips the cell for the built-in models, which generate nothing. */
  needsModel(ability) {
    if (this.format === "builtin") throw new NotApplicable(`the built-in models have no ${ability}`);
  }

  /** Skips the cell when there is no Backstay between the client and the simulator. */
  needsServer(feature) {
    if (this.direct) throw new NotApplicable(`${feature} is Backstay's own`);
  }
}

let lastExchange = "";

/** `fetch` that keeps the last request and answer as evidence for a cell that fails. */
export async function recordingFetch(input, init) {
  lastExchange = `${init?.method ?? "GET"} ${new URL(input.url ?? input).pathname} ${init?.body ?? ""}`;
  const response = await fetch(input, init);
  const isStream = (response.headers.get("content-type") ?? "").includes("event-stream");
  lastExchange += `\n  -> ${response.status} ${isStream ? "(a stream)" : await response.clone().text()}`;
  return response;
}

/** Fails the cell with what was seen, unless the condition holds. */
export function require(condition, ...seen) {
  if (condition) return;
  const shown = seen.map((value) => (typeof value === "string" ? value : (JSON.stringify(value) ?? "nothing")));
  assert.fail(shown.join(", ").slice(0, 1200));
}

export function same(seen, expected) {
  try {
    assert.deepEqual(seen, expected);
  } catch {
    assert.fail(`saw ${JSON.stringify(seen)}, expected ${JSON.stringify(expected)}`);
  }
}

/** What the call threw; fails the cell if it returned. */
export async function thrownBy(call) {
  let returned;
  try {
    returned = await call();
  } catch (error) {
    return error;
  }
  return assert.fail(`expected an error, but the call returned ${JSON.stringify(returned)}`.slice(0, 600));
}

/** A name that no other cell and no other run uses. */
export function unique(name) {
  return `${name}-${randomUUID().replaceAll("-", "").slice(0, 12)}`;
}

/** Runs every case against every upstream that `run.py` names. */
export async function main(client, cases) {
  const target = JSON.parse(process.env.SDK_TEST_TARGET);
  const wanted = (process.env.SDK_TEST_CASES ?? "").split(" ").filter(Boolean);
  for (const format of target.formats[client] ?? []) {
    for (const [name, run] of Object.entries(cases)) {
      if (wanted.length && !wanted.includes(name)) continue;
      const result = await runCell(run, new Upstream(format, target));
      console.log(JSON.stringify({ client, case: name, upstream: format, ...result }));
    }
  }
}

async function runCell(run, upstream) {
  lastExchange = "";
  try {
    await run(upstream);
  } catch (error) {
    if (error instanceof NotApplicable) return { result: "skipped", detail: error.message };
    const frame = /\/((?:test_\w+|memory)\.mjs:\d+)/.exec(error?.stack ?? "");
    const where = frame ? frame[1] : path.basename(process.argv[1]);
    const detail = `${where}: ${error?.name ?? typeof error}: ${error?.message ?? JSON.stringify(error)}`;
    return { result: "failed", detail, evidence: lastExchange };
  }
  return { result: "passed", detail: "" };
}
