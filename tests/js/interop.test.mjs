// What the official JavaScript client and the Rust server say to each other, over each transport: payloads and
// acknowledgements. (Namespaces, rooms, order and ends: life.test.mjs. The engine below: engine.test.mjs.)
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { ask, collect, next, within } from "./client.mjs";
import { scenario } from "./scenario.mjs";

// Connecting

scenario("a socket connects, and both sides know it by the same id", async ({ connect }) => {
  const socket = await connect();
  const who = await ask(socket, "who");
  assert.match(socket.id, /^[A-Za-z0-9_-]{20}$/);
  assert.equal(who.id, socket.id);
  assert.equal(who.namespace, "/");
  assert.notEqual(socket.io.engine.id, socket.id, "the session's id stays a secret");
});

scenario("the server sees the auth payload", async ({ connect }) => {
  const auth = { label: "", token: "grüß 🙂", deep: { list: [1, null, true, { a: "b" }] } };
  const socket = await connect({ auth });
  assert.deepEqual((await ask(socket, "who")).auth, auth);
});

scenario("the server sees the query of the session's first request", async ({ connect }) => {
  const socket = await connect({ query: { from: "a test", empty: "" } });
  const { query } = await ask(socket, "who");
  assert.deepEqual([query.EIO, query.from, query.empty], ["4", "a test", ""]);
});

scenario("the server sees extra headers", async ({ connect }) => {
  const socket = await connect({ extraHeaders: { "x-test": "from the client" } });
  assert.equal((await ask(socket, "who")).test, "from the client");
});

scenario("the server greets in on_connect, before anything else arrives", async ({ manager }) => {
  const on = manager();
  const socket = on.socket("/");
  const any = collect(socket, "greeting");
  socket.connect();
  assert.deepEqual((await any.reach(1))[0], [{ id: socket.id }]);
});

// Payloads

const ARGUMENTS = [
  [],
  [""],
  ["text", 1, -1.5, true, false, null, [], {}, [1, ["two", { three: 3 }]], { a: { b: { c: [null] } } }],
  ["Grüße, 你好, 🙂, \u0000, \u2028, \u001e, \ud83d\ude00, \"quoted\" \\ /"],
  [{ "": "", "a.b": 1, __proto: 2, _placeholder: false }],
  [0.1 + 0.2, 1e21, 5e-324, 1.7976931348623157e308, 2 ** 53 - 1, -(2 ** 53 - 1), 0],
];

scenario("events carry arguments of every JSON type, both ways", async ({ connect }) => {
  const socket = await connect();
  const echoes = collect(socket, "echo");
  for (const args of ARGUMENTS) socket.emit("echo", ...args);
  assert.deepEqual(await echoes.reach(ARGUMENTS.length), ARGUMENTS);
});

scenario("acknowledgements carry arguments of every JSON type", async ({ connect }) => {
  const socket = await connect();
  for (const args of ARGUMENTS) {
    const acked = await within(new Promise((resolve) => socket.emit("ack", ...args, (...back) => resolve(back))), "the acknowledgement");
    assert.deepEqual(acked, args);
  }
});

scenario("numbers are exact to the last bit, on both sides", async ({ connect }) => {
  const numbers = [0.1 + 0.2, 1e21, 5e-324, 1.7976931348623157e308, 2 ** 53 - 1, 1 / 3, -1e-7, 0];
  const bits = (number) => {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, number);
    return view.getBigUint64(0).toString(16).padStart(16, "0");
  };
  const socket = await connect();
  assert.deepEqual(await ask(socket, "to bits", numbers), numbers.map(bits));
  assert.deepEqual(await ask(socket, "from bits", [...numbers, -0].map(bits)), [...numbers, -0]);
});

scenario("event names may be anything: unicode, quotes, numbers, and Node's local names", async ({ connect }) => {
  const socket = await connect();
  for (const name of ["naïve 🙂", 'a "b" \\ c', "error", "message", ""]) {
    const back = next(socket, name);
    socket.emit("say back", name);
    assert.deepEqual(await back, [name]);
  }
});

scenario("100 KB of text pass both ways", async ({ connect }) => {
  const socket = await connect();
  for (const text of ["x".repeat(100_000), "€".repeat(33_000) + "🙂"]) {
    const back = next(socket, "echo");
    socket.emit("echo", text);
    assert.equal((await back)[0], text);
  }
});

// Binary

const bytes = (length, seed) => Buffer.from(Array.from({ length }, (_, i) => (i * 7 + seed) & 255));
const reversed = (buffer) => Buffer.from(buffer).reverse();
const same = (binary, expected) => {
  assert.ok(Buffer.isBuffer(binary), "arrives as a Buffer");
  assert.ok(binary.equals(expected));
};

scenario("binary passes both ways, nested in objects, in several attachments", async ({ connect }) => {
  const socket = await connect();
  const [a, b, c] = [bytes(1, 200), bytes(70_000, 3), Buffer.alloc(0)];
  const back = next(socket, "reversed");
  socket.emit("reverse", "ünï", { parts: [a, new Uint8Array(b)], deep: { er: { blob: c } } }, a.buffer.slice(a.byteOffset, a.byteOffset + 1));
  const [name, doc, last] = await back;
  assert.equal(name, "ünï");
  same(doc.parts[0], reversed(a));
  same(doc.parts[1], reversed(b));
  same(doc.deep.er.blob, c);
  same(last, reversed(a));
});

scenario("any payload that holds binary is echoed unchanged", async ({ connect }) => {
  const socket = await connect();
  const back = next(socket, "echo");
  const sent = [1, { list: [bytes(3, 1), { x: bytes(4, 2) }], text: "t" }, bytes(5, 3)];
  socket.emit("echo", ...sent);
  assert.deepEqual(await back, sent);
});

scenario("ten attachments pass, and a text event right after them", async ({ connect }) => {
  const socket = await connect();
  const echoes = collect(socket, "echo");
  const parts = Array.from({ length: 10 }, (_, i) => bytes(i + 1, i));
  socket.emit("echo", parts);
  socket.emit("echo", "after");
  assert.deepEqual(await echoes.reach(2), [[parts], ["after"]]);
});

scenario("acknowledgements carry binary both ways", async ({ connect }) => {
  const socket = await connect();
  same(await ask(socket, "reverse one", bytes(9, 5)), reversed(bytes(9, 5)));
  socket.once("question", (question, answer) => answer({ proof: reversed(question) }));
  same((await ask(socket, "ask me for bytes", bytes(8, 6))).proof, bytes(8, 6));
});

// Acknowledgements

scenario("the server asks the client and gets its answer", async ({ connect }) => {
  const socket = await connect();
  socket.once("question", (question, answer) => answer(`${question} Yes!`));
  assert.deepEqual(await ask(socket, "ask me", "Ready?", 10_000), { answer: "Ready? Yes!" });
});

scenario("the server's question runs into its timeout when the client never answers", async ({ connect }) => {
  const socket = await connect();
  const asked = next(socket, "question");
  const outcome = await ask(socket, "ask me", "Ready?", 50);
  assert.equal((await asked)[0], "Ready?");
  assert.deepEqual(Object.keys(outcome), ["timeout"]);
  // The late answer harms nobody.
  (await asked)[1]("late");
  assert.equal((await ask(socket, "who")).id, socket.id);
});

scenario("questions in both directions cross each other without mixing", async ({ connect }) => {
  const socket = await connect();
  socket.on("question", (question, answer) => answer(`re: ${question}`));
  const asked = Array.from({ length: 40 }, (_, i) => ask(socket, "ask me", `n${i}`, 10_000));
  assert.deepEqual(await Promise.all(asked), Array.from({ length: 40 }, (_, i) => ({ answer: `re: n${i}` })));
});

scenario("the server asks a room and gets every answer, and the names of those who gave none", async ({ connect }) => {
  const sockets = await Promise.all(["a", "b", "c"].map(() => connect()));
  const room = randomUUID();
  for (const socket of sockets) await ask(socket, "join", [room]);
  const [a, b, c] = sockets;
  for (const socket of [a, b]) socket.on("question", (question, answer) => answer(`${question} ${socket === a ? "a" : "b"}`));
  const silent = next(c, "question");
  assert.deepEqual(await ask(a, "ask room", room, "Who?", 300), { replies: ["Who? a", "Who? b"], missing: [c.id] });
  await silent;
  await ask(c, "leave", room);
  assert.deepEqual(await ask(a, "ask room", room, "Who?", 60_000), { replies: ["Who? a", "Who? b"], missing: [] });
  assert.deepEqual(await ask(a, "ask room", randomUUID(), "Who?", 60_000), { replies: [], missing: [] });
});

scenario("a handler that fails acknowledges with the error", async ({ connect }) => {
  const socket = await connect();
  assert.deepEqual(await ask(socket, "fail", "no such thing"), { error: { message: "no such thing" } });
});

scenario("a payload of the wrong type is answered with an error, and the socket lives on", async ({ connect }) => {
  const socket = await connect();
  const { error } = await ask(socket, "to bits", "not a list of numbers");
  assert.equal(typeof error.message, "string");
  assert.equal((await ask(socket, "who")).id, socket.id);
});

scenario("an acknowledgement may come late, after later ones", async ({ connect }) => {
  const socket = await connect();
  const first = ask(socket, "hold");
  assert.equal((await ask(socket, "who")).id, socket.id);
  await ask(socket, "release");
  assert.equal(await first, "held");
});
