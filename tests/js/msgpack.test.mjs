// The official client with socket.io-msgpack-parser, against a server with the parser of that format.
import assert from "node:assert/strict";
import { test } from "node:test";
import { io } from "socket.io-client";
import parser from "socket.io-msgpack-parser";
import { MODES, ask, next, within } from "./client.mjs";
import { serverUrl } from "./scenario.mjs";

function joining(t, mode, namespace = "/", options = {}) {
  const socket = io(`${serverUrl()}${namespace}`, { ...MODES[mode], path: "/msgpack/", parser, forceNew: true, reconnection: false, ...options });
  t.after(() => socket.close());
  return socket;
}

async function joined(t, mode, namespace, options) {
  const socket = joining(t, mode, namespace, options);
  await next(socket, "connect");
  return socket;
}

async function sentBack(socket, event, ...sent) {
  const back = new Promise((resolve) => socket.once(event, (...args) => resolve(args)));
  socket.emit(event, ...sent);
  return back;
}

const echo = (socket, ...sent) => sentBack(socket, "echo", ...sent);

for (const mode of Object.keys(MODES)) {
  test(`socket.io-msgpack-parser, ${mode}: text, numbers and binary pass both ways`, async (t) => {
    const socket = await joined(t, mode);
    const bytes = Buffer.from([0, 1, 254, 255]);
    const sent = [1, -1, 0.1, 2 ** 40, "Grüße 🙂", null, true, { deep: [bytes, { x: bytes }] }, Buffer.alloc(70_000, 7)];
    assert.deepEqual(await echo(socket, ...sent), sent);
    assert.equal(await ask(socket, "ack", "€"), "€");
    assert.deepEqual(await ask(socket, "ack", bytes), bytes);
  });

  test(`socket.io-msgpack-parser, ${mode}: dates stay dates, undefined is null, an ArrayBuffer is a buffer`, async (t) => {
    const socket = await joined(t, mode);
    const date = new Date(1_769_860_800_250);
    const [back, nothing, buffer] = await echo(socket, date, undefined, new Uint8Array([1]).buffer);
    assert.deepEqual([back, nothing, buffer], [date, null, Buffer.from([1])]);
    assert.deepEqual(await sentBack(socket, "value", { date }), [{ date }]);
    assert.equal(await ask(socket, "time", date), date.getTime());
    const answered = new Promise((resolve) => socket.emit("date", date, (...args) => resolve(args)));
    assert.deepEqual(await within(answered, "the answer"), [date, [date]]);
  });

  test(`socket.io-msgpack-parser, ${mode}: the server asks, the client answers`, async (t) => {
    const socket = await joined(t, mode);
    socket.on("question", (question, answer) => answer(`${question} Yes!`));
    assert.deepEqual(await ask(socket, "ask me", "Ready?", 10_000), { answer: "Ready? Yes!" });
  });

  test(`socket.io-msgpack-parser, ${mode}: namespaces with what is sent to join, and refusals`, async (t) => {
    const socket = await joined(t, mode, "/second", { auth: { label: "packed", nothing: undefined } });
    assert.equal((await ask(socket, "who")).auth.label, "packed");
    const [error] = await next(joining(t, mode, "/missing"), "connect_error");
    assert.equal(error.message, "Invalid namespace");
  });
}

// A seeded generator, so that a failure repeats.
function random(seed) {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function anything(below, depth, hasDates) {
  switch (below(depth > 0 ? 11 : 8)) {
    case 0: return null;
    case 1: return below(2) === 1;
    case 2: return below(1_000_000) - 500_000;
    case 3: return (below(2 ** 31) - 2 ** 30) * 2 ** below(20);
    case 4: return (below(2 ** 31) - 2 ** 30) / (1 + below(1000));
    case 5: return String.fromCodePoint(...Array.from({ length: below(40) }, () => [below(128), 0x80 + below(0x700), 0x1f600 + below(64)][below(3)]));
    case 6: return Buffer.from(Array.from({ length: below(20) }, () => below(256)));
    case 7: return hasDates ? new Date(below(2 ** 31) * 1000 - 2 ** 40) : "no date";
    case 8: return Array.from({ length: below(20) }, () => anything(below, depth - 1, hasDates));
    default: return Object.fromEntries(Array.from({ length: below(20) }, () => [`k${below(1000)}"\\`, anything(below, depth - 1, hasDates)]));
  }
}

const binaries = (value) =>
  Buffer.isBuffer(value) ? 1 : value && typeof value === "object" ? Object.values(value).reduce((sum, each) => sum + binaries(each), 0) : 0;

for (const [name, options] of [["the default parser", {}], ["socket.io-msgpack-parser", { path: "/msgpack/", parser }]]) {
  test(`${name} of npm and ours: 500 random values come back through the server as they were`, async (t) => {
    const socket = io(serverUrl(), { ...MODES.websocket, forceNew: true, reconnection: false, ...options });
    t.after(() => socket.close());
    await next(socket, "connect");
    const below = random(20_261_123);
    for (let round = 0; round < 500; round++) {
      const value = anything(below, 4, "parser" in options);
      // A packet of the default parser has ten attachments at most.
      if (!("parser" in options) && binaries(value) > 10) continue;
      // With the raw form, and through the dynamic value.
      assert.deepEqual(await echo(socket, value, 1), [value, 1], `round ${round}`);
      assert.deepEqual(await sentBack(socket, "value", value), [value], `round ${round}`);
    }
  });
}

for (const [name, options] of [["the default parser", {}], ["socket.io-msgpack-parser", { path: "/msgpack/", parser }]]) {
  test(`${name} of npm and ours: 500 random values of the server come back through the client as they were`, async (t) => {
    const socket = io(serverUrl(), { ...MODES.websocket, forceNew: true, reconnection: false, ...options });
    t.after(() => socket.close());
    await next(socket, "connect");
    let rounds = 0;
    socket.on("again", (value, one, answer) => {
      rounds += 1;
      answer(value, one);
    });
    const otherwise = await socket.timeout(60_000).emitWithAck("round trips", 20_261_124, 500, "parser" in options);
    assert.deepEqual(otherwise.slice(0, 3), []);
    assert.ok(rounds > 300, `${rounds} rounds`);
  });
}
