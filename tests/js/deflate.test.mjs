// Compressed websockets: the official client offers permessage-deflate wherever it runs, and gets it where the server wants it.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { CLIENTS, ask, collect, connect } from "./client.mjs";
import { serverUrl } from "./scenario.mjs";

const EXTENSION = "permessage-deflate";

const websocketOf = (socket) => socket.io.engine.transport.ws;

/** What both sides said about it. */
const agreed = (socket) => {
  const extension = websocketOf(socket)._extensions?.[EXTENSION];
  return extension && { ...extension.params };
};

const long = Array.from({ length: 5000 }, (_, n) => `Grüße 🙂 ${n}`).join();

for (const [client, Client] of Object.entries(CLIENTS)) {
  for (const mode of ["websocket", "upgraded"]) {
    for (const [path, parameters] of [
      ["/deflate/", { server_no_context_takeover: true, client_no_context_takeover: true }],
      ["/contexts/", {}],
    ]) {
      test(`${client}, ${mode}, ${path}: long messages are compressed both ways, and come back as they were`, async (t) => {
        const socket = await connect(t, serverUrl(), mode, { Client, path });
        assert.deepEqual(agreed(socket), parameters);
        const wire = websocketOf(socket)._socket;
        const before = [wire.bytesRead, wire.bytesWritten];
        for (let n = 0; n < 3; n++) {
          assert.equal(await ask(socket, "ack", long), long);
          const bytes = Buffer.alloc(50_000, "0123456789abcdef");
          assert.deepEqual(await ask(socket, "ack", bytes), bytes);
        }
        const plain = 3 * (Buffer.byteLength(long) + 50_000);
        assert.ok(wire.bytesRead - before[0] < plain / 2, `${wire.bytesRead - before[0]} bytes read`);
        assert.ok(wire.bytesWritten - before[1] < plain / 2, `${wire.bytesWritten - before[1]} bytes written`);
        // What cannot be compressed, and what is too short for it.
        for (const bytes of [randomBytes(20_000), randomBytes(10), Buffer.alloc(0)]) {
          assert.deepEqual(await ask(socket, "ack", bytes), bytes);
        }
      });
    }

    test(`${client}, ${mode}: a broadcast reaches clients that inflate with and without context, and one that does not`, async (t) => {
      const options = [{}, { perMessageDeflate: false }, {}];
      const sockets = await Promise.all(options.map((options) => connect(t, serverUrl(), mode, { Client, path: "/contexts/", ...options })));
      assert.deepEqual(sockets.map((socket) => agreed(socket) !== undefined), [true, false, true]);
      const heard = sockets.map((socket) => collect(socket, "told"));
      for (let n = 0; n < 3; n++) sockets[0].emit("tell", { via: "io", text: `${n} ${long}` });
      for (const { reach, seen } of heard) {
        await reach(3);
        assert.deepEqual(seen.map(([text]) => text), [0, 1, 2].map((n) => `${n} ${long}`));
      }
    });

    test(`${client}, ${mode}: a server that does not want it declines`, async (t) => {
      const socket = await connect(t, serverUrl(), mode, { Client });
      assert.equal(agreed(socket), undefined);
      assert.equal(await ask(socket, "ack", long), long);
    });
  }
}
