// The official client of OpenAI's API against a server: completions, chat, streams, log probabilities, embeddings, tools, errors.
//   npm --prefix bench/serve install && node bench/serve/openai.mjs [--command ./coreinfer] [-- MODEL and options of coreinfer serve]
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";
import OpenAI from "openai";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { command: { type: "string", default: new URL("../../coreinfer", import.meta.url).pathname } },
});
const key = "the key of this run";
const server = spawn(options.command, ["serve", ...positionals, "--port", "0", "--chat-template", "chatml"], {
  stdio: ["ignore", "pipe", "inherit"],
  env: { ...process.env, COREINFER_API_KEY: key },
});
const url = await new Promise((resolve, reject) => {
  server.stdout.once("data", (line) => resolve(String(line).trim()));
  server.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
});
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const model = (await client.models.list()).data[0].id;
assert.equal((await client.models.retrieve(model)).id, model);

const checks = {
  async "a completion, whole and streamed"() {
    const wish = { model, prompt: "Once upon a time", max_tokens: 20, temperature: 0 };
    const whole = await client.completions.create(wish);
    assert.equal(whole.usage.completion_tokens, 20);
    assert.equal(whole.choices[0].finish_reason, "length");
    assert.ok(whole.usage.coreinfer.keep_measured > 0);
    let streamed = "";
    for await (const chunk of await client.completions.create({ ...wish, stream: true })) streamed += chunk.choices[0].text;
    assert.equal(streamed, whole.choices[0].text);
  },
  async "log probabilities of a prompt"() {
    const { choices: [{ logprobs, text }] } = await client.completions.create({ model, prompt: "Once upon a time", max_tokens: 1, echo: true, logprobs: 1, temperature: 0 });
    assert.ok(text.startsWith("Once upon a time"));
    assert.equal(logprobs.token_logprobs[0], null);
    assert.ok(logprobs.token_logprobs.slice(1).every((value) => value <= 0));
    assert.equal(logprobs.tokens.length, logprobs.text_offset.length);
  },
  async "a chat, whole and streamed, with log probabilities"() {
    const wish = { model, messages: [{ role: "system", content: "Be kind." }, { role: "user", content: "Hello" }], max_completion_tokens: 16, temperature: 0, logprobs: true, top_logprobs: 2 };
    const whole = await client.chat.completions.create(wish);
    const message = whole.choices[0].message;
    assert.equal(message.role, "assistant");
    assert.ok(whole.choices[0].logprobs.content.every((token) => token.top_logprobs.length === 2));
    let streamed = "", usage;
    const stream = await client.chat.completions.create({ ...wish, stream: true, stream_options: { include_usage: true } });
    for await (const chunk of stream) {
      streamed += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage ?? usage;
    }
    assert.equal(streamed, message.content);
    assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
  },
  async "a stream that is left"() {
    const stream = await client.chat.completions.create({ model, messages: [{ role: "user", content: "Tell a story" }], stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
    stream.controller.abort();
  },
  async "the client's own helper for streams"() {
    const runner = client.chat.completions.stream({ model, messages: [{ role: "user", content: "Hello" }], max_tokens: 8, temperature: 0 });
    const final = await runner.finalChatCompletion();
    assert.ok(final.choices[0].message.content.length > 0);
  },
  async "JSON of a schema"() {
    const schema = { type: "object", properties: { name: { type: "string", maxLength: 12 }, age: { type: "integer", minimum: 0, maximum: 99 } }, required: ["name", "age"], additionalProperties: false };
    const { choices: [{ message }] } = await client.chat.completions.create({ model, messages: [{ role: "user", content: "Who?" }], max_tokens: 200, temperature: 0, response_format: { type: "json_schema", json_schema: { name: "person", schema } } });
    const person = JSON.parse(message.content);
    assert.deepEqual(Object.keys(person).sort(), ["age", "name"]);
    assert.ok(Number.isInteger(person.age));
  },
  async "a tool that must be called"() {
    const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object", properties: { hot: { type: "boolean" } }, required: ["hot"], additionalProperties: false } } }];
    const wish = { model, messages: [{ role: "user", content: "Is it hot?" }], tools, tool_choice: { type: "function", function: { name: "weather" } }, max_tokens: 100, temperature: 0 };
    const { choices: [choice] } = await client.chat.completions.create(wish);
    assert.equal(choice.finish_reason, "tool_calls");
    assert.equal(choice.message.tool_calls[0].function.name, "weather");
    const given = JSON.parse(choice.message.tool_calls[0].function.arguments);
    assert.equal(typeof given.hot, "boolean");
    const streamed = await client.chat.completions.stream(wish).finalChatCompletion();
    assert.deepEqual(JSON.parse(streamed.choices[0].message.tool_calls[0].function.arguments), given);
    const answered = await client.chat.completions.create({ ...wish, tool_choice: "none", max_tokens: 4, messages: [...wish.messages, choice.message, { role: "tool", tool_call_id: choice.message.tool_calls[0].id, content: "no" }] });
    assert.equal(answered.choices[0].message.tool_calls, undefined);
  },
  async "embeddings in both encodings"() {
    const asked = { model, input: ["a cat", "a dog"] };
    const packed = await client.embeddings.create(asked); // the client asks for base64 by itself
    const plain = await client.embeddings.create({ ...asked, encoding_format: "float" });
    assert.equal(packed.data.length, 2);
    for (const [i, { embedding }] of plain.data.entries()) {
      assert.ok(Math.abs(Math.hypot(...embedding) - 1) < 1e-3);
      embedding.forEach((value, at) => assert.ok(Math.abs(value - packed.data[i].embedding[at]) < 1e-6));
    }
  },
  async "errors by their class"() {
    const wish = { model, prompt: "x" };
    await assert.rejects(client.completions.create({ ...wish, temperature: -1 }), (error) => error instanceof OpenAI.BadRequestError && error.param === "temperature");
    await assert.rejects(client.completions.create({ ...wish, model: "gpt-4" }), OpenAI.NotFoundError);
    const stranger = new OpenAI({ baseURL: `${url}/v1`, apiKey: "wrong", maxRetries: 0 });
    await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
  },
};

let failures = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok: ${name}`);
  } catch (error) {
    failures++;
    console.log(`FAILED: ${name}: ${error.stack}`);
  }
}
server.kill("SIGTERM");
const code = await new Promise((resolve) => server.once("exit", resolve));
assert.equal(code, 0, "the server's exit code");
process.exit(failures === 0 ? 0 : 1);
