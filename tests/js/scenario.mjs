// What the interoperability tests share: one server (examples/interop) for each file, and a test per transport.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { MODES, ask, connect as connectTo, manager as managerTo } from "./client.mjs";
import { start } from "./server.mjs";

let server;
let control; // asks the server what it saw

before(async () => {
  server = await start("example-interop", /^listening on (\d+)$/);
  control = await connectTo({ after() {} }, server.url, "websocket", { namespace: "/control" });
});

after(async () => {
  try {
    if (!control) return; // `before` has said why
    const ends = await ask(control, "ends per socket");
    assert.ok(ends.length > 10, `the server wrote down only ${ends.length} ends`);
    assert.deepEqual(ends.filter(([, count]) => count !== 1), [], "no socket ends more than once");
  } finally {
    control?.io._close();
    await server?.stop("SIGKILL");
  }
});

/** One test per mode. */
export function scenario(name, body, modes = Object.keys(MODES)) {
  for (const mode of modes) test(`${mode}: ${name}`, (t) => body(t, mode));
}

export const manager = (t, mode, options) => managerTo(t, server.url, mode, options);

export const connect = (t, mode, options) => connectTo(t, server.url, mode, options);

/** A connected socket, and the label under which the server writes down what becomes of it. */
export async function labelled(t, mode, options) {
  const label = randomUUID();
  const socket = await connect(t, mode, { auth: { label }, ...options });
  return { socket, label };
}

/** What the server wrote down of a label, once `count` of its sockets have ended. */
export const history = (label, count = 1) => ask(control, "history", label, count);

/** The rooms that the label's last socket was in when it ended. */
export const roomsAtTheEnd = (label) => ask(control, "rooms at the end", label);
