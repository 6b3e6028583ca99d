// A server that is told to end, as containers are: all clients hear of it, and the process ends by itself.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { ask, connect, manager, next, upgraded, within } from "./client.mjs";
import { start } from "./server.mjs";

const CLIENTS = 25;

const startServer = (port) => start("example-interop", /^listening on (\d+)$/, port);

test("SIGTERM: what was asked before is answered, everybody hears of the end, and the server ends with code 0", async (t) => {
  const server = await startServer();
  t.after(() => server.stop("SIGKILL"));
  const modes = ["polling", "websocket", "upgraded"].flatMap((mode) => Array(CLIENTS).fill(mode));
  const sockets = await Promise.all(
    modes.map((mode) => connect(t, server.url, mode, { auth: { label: randomUUID() } })),
  );
  // These answers are on their way when the end comes, or have arrived.
  const answers = sockets.map((socket) => Promise.all(Array.from({ length: 20 }, (_, i) => ask(socket, "ack", i))));
  await Promise.all(sockets.map((socket) => ask(socket, "who")));
  const ends = sockets.map((socket) => next(socket, "disconnect"));

  const { code, signal } = await within(server.stop("SIGTERM"), "the end of the server");
  assert.deepEqual({ code, signal }, { code: 0, signal: null });
  for (const [reason] of await Promise.all(ends)) assert.equal(reason, "transport close");
  for (const answered of await Promise.all(answers)) assert.deepEqual(answered, Array.from({ length: 20 }, (_, i) => i));
  assert.ok(server.lines.includes(`${sockets.length} sessions, 0 cut off`), server.lines.join("\n"));
  assert.ok(server.lines.includes(`${sockets.length} × disconnect / server shutting down`), server.lines.join("\n"));
});

test("a client that reconnects finds the next server", async (t) => {
  const first = await startServer();
  t.after(() => first.stop("SIGKILL"));
  const on = manager(t, first.url, "upgraded", { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 100 });
  const socket = await connect(t, first.url, "upgraded", { on });
  await upgraded(on);
  const { id } = socket;
  const again = next(socket, "connect");
  assert.equal((await first.stop("SIGTERM")).code, 0);
  const second = await startServer(first.port);
  t.after(() => second.stop("SIGKILL"));
  await again;
  assert.notEqual(socket.id, id);
  assert.equal((await ask(socket, "who")).id, socket.id);
});
