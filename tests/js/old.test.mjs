// Clients of Socket.IO v2, which come with revision 3 of Engine.IO: for servers that let them in.
import assert from "node:assert/strict";
import { test } from "node:test";
import io from "socket.io-client-2";
import { MODES, ask, connect, next } from "./client.mjs";
import { history, serverUrl } from "./scenario.mjs";

/** A socket of the old client, which connects at once. */
function joining(t, mode, namespace = "/", options = {}) {
  const socket = io(`${serverUrl()}${namespace}`, { ...MODES[mode], path: "/old/", forceNew: true, reconnection: false, ...options });
  t.after(() => socket.close());
  return socket;
}

async function joined(t, mode, namespace, options) {
  const socket = joining(t, mode, namespace, options);
  await next(socket, "connect");
  if (mode === "upgraded" && socket.io.engine.transport.name !== "websocket") await next(socket.io.engine, "upgrade");
  return socket;
}

for (const mode of Object.keys(MODES)) {
  test(`socket.io-client 2, ${mode}: it is in the main namespace at once, under its session's id`, async (t) => {
    const socket = await joined(t, mode);
    assert.equal(socket.id, socket.io.engine.id);
    const seen = await ask(socket, "who");
    assert.deepEqual([seen.id, seen.namespace, seen.auth], [socket.id, "/", {}]);
  });

  test(`socket.io-client 2, ${mode}: text and binary pass both ways`, async (t) => {
    const socket = await joined(t, mode);
    const bytes = Buffer.from([0, 1, 254, 255]);
    const sent = [1, "Grüße 🙂", { deep: [bytes, { x: bytes }] }];
    socket.emit("echo", ...sent);
    const back = await new Promise((resolve) => socket.once("echo", (...args) => resolve(args)));
    assert.deepEqual(back, sent);
    assert.equal(await ask(socket, "ack", "€"), "€");
    assert.deepEqual(await ask(socket, "ack", bytes), bytes);
  });

  test(`socket.io-client 2, ${mode}: the server asks, the client answers`, async (t) => {
    const socket = await joined(t, mode);
    socket.on("question", (question, answer) => answer(`${question} Yes!`));
    assert.deepEqual(await ask(socket, "ask me", "Ready?", 10_000), { answer: "Ready? Yes!" });
  });

  test(`socket.io-client 2, ${mode}: another namespace, with a query as what it sends to join`, async (t) => {
    const socket = await joined(t, mode, "/second", { query: { label: "old", text: "a b&c" } });
    assert.equal(socket.id, `/second#${socket.io.engine.id}`);
    const seen = await ask(socket, "who");
    assert.equal(seen.id, socket.id);
    assert.deepEqual([seen.auth.label, seen.auth.text], ["old", "a b&c"]);
  });

  test(`socket.io-client 2, ${mode}: a refusal is an error with its text, or its data`, async (t) => {
    const [error] = await next(joining(t, mode, "/guarded"), "error");
    assert.equal(typeof error, "object");
    const [missing] = await next(joining(t, mode, "/missing"), "error");
    assert.deepEqual(missing, { message: "Invalid namespace" });
  });

  test(`socket.io-client 2, ${mode}: old and new clients share a room`, async (t) => {
    const old = await joined(t, mode);
    const current = await connect(t, serverUrl(), mode, { path: "/old/" });
    const room = `room ${mode}`;
    for (const socket of [old, current]) await ask(socket, "join", [room]);
    for (const socket of [old, current]) socket.on("question", (question, answer) => answer("here"));
    assert.deepEqual(await ask(current, "ask room", room, "Who?", 10_000), { replies: ["here", "here"], missing: [] });
  });

  test(`socket.io-client 2, ${mode}: the server hears that it leaves`, async (t) => {
    const label = `old ${mode}`;
    const socket = await joined(t, mode, "/second", { query: { label } });
    socket.close();
    assert.deepEqual((await history(label)).at(-1), "disconnect /second client namespace disconnect");
  });

  test(`socket.io-client 2, ${mode}: a server that does not allow it refuses it`, async (t) => {
    const socket = io(serverUrl(), { ...MODES[mode], forceNew: true, reconnection: false });
    t.after(() => socket.close());
    await next(socket, "connect_error");
    assert.equal(socket.connected, false);
  });
}
