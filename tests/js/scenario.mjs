// What the interoperability tests share: one server (examples/interop) for each file, and a test for each way to connect.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { CLIENTS, MODES, connect, manager, within } from "./client.mjs";
import { start } from "./server.mjs";

/** Starts the server that the tests talk to, on any port unless one is given. */
export const startServer = (port) => start("example-interop", /^listening on (\d+)$/, port);

let server;

before(async () => {
  server = await startServer();
});

after(async () => {
  if (!server) return; // `before` has said why
  try {
    const ends = await page("ends");
    assert.notEqual(ends.length, 0, "the server writes down what ends");
    assert.deepEqual(ends.filter(([, count]) => count !== 1), [], "nothing ends more than once");
  } finally {
    await server.stop("SIGKILL");
  }
});

export const serverUrl = () => server.url;

/** What the server wrote down, by plain HTTP. */
async function page(name, query = {}) {
  const answer = await within(fetch(`${server.url}/log/${name}?${new URLSearchParams(query)}`), `the server's log: ${name}`);
  assert.equal(answer.status, 200);
  return answer.json();
}

/** What the server wrote down of a label, once `ends` of its sockets have ended. */
export const history = (label, ends = 1) => page("history", { label, ends });

/** What was written down of a label, once there are so many lines. */
export const written = (label, lines) => page("history", { label, lines });

/** The rooms that the label's last socket was in when it ended. */
export const roomsAtTheEnd = (label) => page("rooms", { label });

/** One test for each client and mode. The body is given both, and the ways to connect by them. */
export function scenario(name, body, modes = Object.keys(MODES)) {
  for (const [client, Client] of Object.entries(CLIENTS)) {
    for (const mode of modes) test(`${client}, ${mode}: ${name}`, (t) => body(way(t, Client, mode)));
  }
}

function way(t, Client, mode) {
  const connects = (options) => connect(t, server.url, mode, { Client, ...options });
  return {
    t,
    mode,
    manager: (options) => manager(t, server.url, mode, { Client, ...options }),
    connect: connects,
    /** A connected socket, and the label under which the server writes down what becomes of it. */
    async labelled(options) {
      const label = randomUUID();
      const socket = await connects({ auth: { label }, ...options });
      return { socket, label };
    },
  };
}
