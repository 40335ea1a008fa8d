// Load on a server: many clients at once, some of which cancel, leave, read slowly or send nonsense. Every greedy answer must
// be the one that a single user gets. Prints times to the first token and memory; ends with 1 if anything was wrong.
//   node bench/serve/load.mjs [--clients 64] [--seconds 120] [--warmup 20] [--command ./coreinfer] [-- MODEL and options of coreinfer serve]
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    clients: { type: "string", default: "64" },
    seconds: { type: "string", default: "120" },
    warmup: { type: "string", default: "20" }, // the same load, after which memory should stay what it is
    command: { type: "string", default: new URL("../../coreinfer", import.meta.url).pathname },
  },
});
const clients = Number(options.clients);
const seconds = Number(options.seconds);

const openings = [
  "Once upon a time", "One day, a little girl", "Tom and Sam went to the park", "The cat sat on the mat and",
  "There was a big red ball", "Lily had a new toy", "In the forest lived a bear", "Mom said to the boy",
];
const questions = [];
for (const opening of openings) {
  for (const coreinfer of [{ method: "dense" }, { keep: 0.4 }]) {
    questions.push({ prompt: opening, max_tokens: 16, temperature: 0, coreinfer });
    questions.push({ prompt: `${opening}. ${"They were happy and played all day. ".repeat(6)}${opening}`, max_tokens: 24, temperature: 0, coreinfer });
  }
}

let url;
const counts = {};
const count = (what) => (counts[what] = (counts[what] ?? 0) + 1);
const wrong = [];
const firstTokens = [];
const answers = new Map(); // by question, as a single user gets them

/** Sends a request; resolves when its head is there. */
function send(method, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(`${url}${path}`, { method, agent: false, headers: { "Content-Type": "application/json" } });
    request.on("response", (response) => resolve({ request, response }));
    request.on("error", reject);
    request.end(body);
  });
}

async function text(response) {
  let all = "";
  response.setEncoding("utf8");
  for await (const part of response) all += part;
  return all;
}

/** A question's answer, streamed or whole; null if the queue was full. */
async function ask(question, { stream, pause = 0 }) {
  const begin = performance.now();
  const { response } = await send("POST", "/v1/completions", JSON.stringify({ ...question, stream }));
  if (response.statusCode === 429 || response.statusCode === 503) {
    await text(response);
    return { refused: response.statusCode, retryAfter: Number(response.headers["retry-after"]) };
  }
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}: ${await text(response)}`);
  if (!stream) return { answer: JSON.parse(await text(response)).choices[0].text };
  let answer = "", pending = "", isDone = false;
  response.setEncoding("utf8");
  for await (const part of response) {
    if (pause) await sleep(pause);
    pending += part;
    const events = pending.split("\n\n");
    pending = events.pop();
    for (const event of events) {
      if (event === "data: [DONE]") isDone = true;
      else if (event.startsWith("data: ")) {
        const data = JSON.parse(event.slice(6));
        if (data.error) return { refused: data.error.code, retryAfter: 1 };
        if (answer === "" && data.choices[0].text && !pause) firstTokens.push(performance.now() - begin);
        answer += data.choices[0].text;
      }
    }
  }
  if (!isDone) throw new Error("a stream broke off");
  return { answer };
}

async function compare(question, how) {
  const got = await ask(question, how);
  if (got.refused) {
    count(`refused with ${got.refused}`);
    await sleep(1000 * (got.retryAfter || 1) * Math.random());
    return;
  }
  count(how.pause ? "answered to a slow reader" : how.stream ? "streamed" : "answered whole");
  if (got.answer !== answers.get(question)) wrong.push({ question, expected: answers.get(question), got: got.answer });
}

/** Asks and leaves, after so many milliseconds. */
function leave(question, after, stream) {
  return new Promise((resolve) => {
    const request = http.request(`${url}/v1/completions`, { method: "POST", agent: false });
    request.on("error", () => {});
    request.on("response", (response) => response.on("error", () => {}).resume());
    request.on("close", resolve);
    request.end(JSON.stringify({ ...question, stream, max_tokens: 200 }));
    setTimeout(() => request.destroy(), after);
    count("left");
  });
}

async function expectStatus(expected, method, path, body) {
  try {
    const { response } = await send(method, path, body);
    const reply = await text(response);
    count(`nonsense refused with ${response.statusCode}`);
    if (response.statusCode !== expected || !JSON.parse(reply).error) wrong.push({ path, status: response.statusCode, reply: reply.slice(0, 200) });
  } catch (error) {
    if (expected !== 413) throw error; // who sends too much may see the connection end instead
    count("nonsense cut off");
  }
}

const pick = (list) => list[Math.floor(Math.random() * list.length)];
const oversized = `{"prompt": "${"x".repeat(5 << 20)}"}`;
const nonsense = ["{", "[]", '{"prompt": 5}', '{"prompt": "a", "prompt": "b"}', '{"prompt": "a", "max_tokens": "many"}', "[".repeat(50000), '{"prompt": "\\ud800", "n": -1}'];

async function client(end) {
  while (performance.now() < end) {
    const dice = Math.random();
    const question = pick(questions);
    try {
      if (dice < 0.6) await compare(question, { stream: true });
      else if (dice < 0.75) await compare(question, { stream: false });
      else if (dice < 0.83) await leave(question, 2000 * Math.random(), dice < 0.8);
      else if (dice < 0.88) await leave(questions[3], 20 * Math.random(), true);
      else if (dice < 0.89) await expectStatus(413, "POST", "/v1/completions", oversized);
      else if (dice < 0.95) await expectStatus(400, "POST", "/v1/completions", pick(nonsense));
      else if (dice < 0.97) await expectStatus(405, "GET", "/v1/completions");
      else await compare(question, { stream: true, pause: 150 });
    } catch (error) {
      wrong.push({ question, error: String(error), code: error.code });
    }
  }
}

/** All clients at once, for so long; then silence, in which idle threads end. */
async function load(duration) {
  const end = performance.now() + 1000 * duration;
  await Promise.all(Array.from({ length: clients }, () => client(end)));
  await sleep(12000);
}

/**
 * Prints the heap after a collection, which it returns, and resident memory outside of it, in MB, after the C library has given
 * back what was freed: on its own it keeps some of that for each thread.
 */
function memory(when, pid) {
  execFileSync("jcmd", [String(pid), "GC.run"]);
  const trim = spawnSync("jcmd", [String(pid), "System.trim_native_heap"], { encoding: "utf8" });
  if (trim.status !== 0) console.log(`freed native memory counts, as this Java (before 17.0.9?) keeps it: ${trim.stdout.trim()}`);
  const info = execFileSync("jcmd", [String(pid), "GC.heap_info"], { encoding: "utf8" });
  const used = [...info.matchAll(/^ *(?:def new|tenured) generation.*used (\d+)K/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
  const addresses = [...info.matchAll(/generation.*\[0x(\w+), 0x\w+, 0x(\w+)\)/g)].flatMap((match) => [BigInt(`0x${match[1]}`), BigInt(`0x${match[2]}`)]);
  const inHeap = (address) => addresses.some((start) => address >= start) && addresses.some((end) => address < end);
  let native = 0, counts = false;
  for (const line of readFileSync(`/proc/${pid}/smaps`, "utf8").split("\n")) {
    const mapping = /^([0-9a-f]+)-[0-9a-f]+ /.exec(line);
    if (mapping) counts = !inHeap(BigInt(`0x${mapping[1]}`));
    else if (counts && line.startsWith("Rss:")) native += Number(/\d+/.exec(line)[0]);
  }
  const threads = Number(/Threads:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
  console.log(`${when} heap ${(used / 1024).toFixed(1)} MB, native ${(native / 1024).toFixed(1)} MB, ${threads} threads`);
  return used / 1024;
}

function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.toFixed(0);
}

/** SIGTERM under load: each answer is right or refused, the process ends with 0, and the port is free. */
async function terminate(server) {
  const asked = Array.from({ length: 16 }, () => pick(questions)).map(async (question) => {
    try {
      const got = await ask(question, { stream: true });
      if (!got.refused && got.answer !== answers.get(question)) wrong.push({ question, got: got.answer });
      return got.refused ? "refused" : "answered";
    } catch (error) {
      if (["ECONNREFUSED", "ECONNRESET"].includes(error.code)) return "refused";
      wrong.push({ question, error: String(error) });
      return "broken";
    }
  });
  await sleep(50);
  const ended = new Promise((resolve) => server.on("exit", resolve));
  server.kill("SIGTERM");
  const outcomes = await Promise.all(asked);
  const code = await ended;
  if (code !== 0) wrong.push({ exit: code });
  const { port } = new URL(url);
  await new Promise((resolve, reject) => {
    const listener = net.createServer().on("error", reject).listen(Number(port), "127.0.0.1", () => listener.close(resolve));
  });
  const share = (what) => outcomes.filter((outcome) => outcome === what).length;
  console.log(`SIGTERM with 16 requests: ${share("answered")} answered, ${share("refused")} refused, exit code ${code}, port free`);
}

const server = spawn(options.command, ["serve", ...positionals, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
url = await new Promise((resolve, reject) => {
  server.stdout.once("data", (line) => resolve(String(line).trim()));
  server.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
});
for (const question of questions) answers.set(question, (await ask(question, { stream: false })).answer);
firstTokens.length = 0;
console.log(`${clients} clients, ${seconds} s, ${url}`);
memory("before:", server.pid);
await load(Number(options.warmup));
const warm = memory("warm:  ", server.pid);
for (const what of Object.keys(counts)) delete counts[what];
firstTokens.length = 0;
await load(seconds);
const after = memory("after: ", server.pid);
if (after > warm + 2) wrong.push({ warm, after });
console.log(Object.entries(counts).sort().map(([what, times]) => `  ${what}: ${times}`).join("\n"));
console.log(`time to first token: p50 ${percentile(firstTokens, 0.5)} ms, p99 ${percentile(firstTokens, 0.99)} ms, of ${firstTokens.length}`);
const metrics = await text((await send("GET", "/metrics")).response);
const busy = ["coreinfer_running", "coreinfer_waiting"].map((name) => Number(new RegExp(`^${name} (.*)$`, "m").exec(metrics)[1]));
if (busy.some((value) => value !== 0)) wrong.push({ running: busy[0], waiting: busy[1] });
await terminate(server);
console.log(wrong.length === 0 ? "every answer was that of a single user" : `${wrong.length} wrong: ${JSON.stringify(wrong.slice(0, 5), null, 1)}`);
process.exit(wrong.length === 0 ? 0 : 1);
