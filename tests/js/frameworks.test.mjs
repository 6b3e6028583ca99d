// Each framework carries Socket.IO: the examples, one per framework, and the official client over each transport.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, connect, manager, next, within } from "./client.mjs";
import { DEADLINE, start } from "./server.mjs";

const MODES = ["polling", "websocket", "upgraded"];
const ADDRESS = /^127\.0\.0\.1:\d+$/;

const announces = /^listening on (.+)$/;
const socketPath = path.join(os.tmpdir(), `socketio-${randomUUID()}.sock`);

/** What is different from one server to the next. `options` are the client's and node's. */
const SERVERS = [
  { name: "hyper", http2: {} },
  { name: "axum, as a layer", example: "axum", welcome: "layer", http2: {} },
  { name: "axum, nested", example: "axum", welcome: "nest", options: { path: "/nested/" } },
  { name: "axum, as a route", example: "axum", welcome: "route", options: { path: "/routed/" } },
  { name: "warp" },
  { name: "salvo" },
  { name: "poem" },
  { name: "tonic", http2: {} },
  {
    name: "tls",
    secure: true,
    url: ({ port }) => `https://127.0.0.1:${port}`,
    options: { rejectUnauthorized: false },
    http2: { rejectUnauthorized: false },
  },
  {
    name: "unix",
    address: null,
    url: () => "http://localhost",
    options: { agent: new http.Agent({ socketPath }) },
    variables: { SOCKET: socketPath },
    http2: { createConnection: () => net.connect(socketPath) },
  },
];

for (const { name, example = name, welcome = name, address = ADDRESS, secure = false, url, options = {}, variables, http2: over } of SERVERS) {
  describe(name, () => {
    let server;
    let at;

    before(async () => {
      server = await start(`example-${example}`, announces, 0, variables);
      at = url?.(server) ?? server.url;
    });
    after(() => server?.stop("SIGKILL"));

    for (const mode of MODES) {
      const joined = (t) => connect(t, at, mode, options);

      test(`${mode}: text, binary and their acknowledgements`, async (t) => {
        const socket = await joined(t);
        assert.equal(socket.io.engine.transport.name, mode === "polling" ? "polling" : "websocket");
        const text = "Grüße, 你好, 🙂";
        assert.equal(await ask(socket, "echo", text), text);
        const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, i) => i % 251));
        const back = await ask(socket, "echo", { bytes, text });
        assert.deepEqual(back, { bytes, text });
      });

      test(`${mode}: what the server says of its own accord`, async (t) => {
        const on = manager(t, at, mode, options);
        const said = next(on.socket("/"), "welcome");
        await connect(t, at, mode, { on });
        assert.deepEqual(await said, [welcome]);
      });

      test(`${mode}: the handshake knows the peer`, async (t) => {
        const socket = await joined(t);
        const peer = await ask(socket, "whoami");
        assert.equal(peer.secure, secure);
        if (address === null) return assert.equal(peer.address, null);
        assert.match(peer.address, address);
        // The first request of the session is the one that is known.
        if (mode === "websocket") assert.equal(peer.address, `127.0.0.1:${socket.io.engine.transport.ws._socket.localPort}`);
      });

      test(`${mode}: the framework's own route answers beside an open session`, async (t) => {
        const socket = await joined(t);
        assert.deepEqual(await get(`${at}/hello`, options), { status: 200, body: "hello" });
        assert.doesNotMatch((await get(`${at}/socket.io-admin`, options)).body, /Transport unknown/, "that path is not the engine's");
        assert.equal(await ask(socket, "echo", 1), 1);
      });

      test(`${mode}: who says goodbye is gone at once`, async (t) => {
        const socket = await joined(t);
        const { id } = socket;
        socket.disconnect();
        await printed(server, `${id} left: client namespace disconnect`);
      });

      test(`${mode}: whose connection is cut is gone, too`, async (t) => {
        const socket = await joined(t);
        const { id } = socket;
        socket.io.engine.close();
        await printed(server, `${id} left: transport close`);
      });
    }

    test("a session that nobody knows is refused before any upgrade", async () => {
      const query = "EIO=4&transport=websocket&sid=nobody";
      const headers = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
      const refused = await get(`${at}${options.path ?? "/socket.io/"}?${query}`, { ...options, headers });
      assert.deepEqual(refused, { status: 400, body: "Session ID unknown" });
    });

    if (over) {
      test("websockets are offered over HTTP/2, too", async (t) => {
        const client = http2.connect(at, over);
        t.after(() => client.destroy());
        const [settings] = await next(client, "remoteSettings");
        assert.equal(settings.enableConnectProtocol, true);
      });
    }
  });
}

test("tonic: gRPC answers on the same port", async (t) => {
  const server = await start("example-tonic", announces);
  const client = http2.connect(server.url);
  t.after(() => {
    client.destroy(); // first: it would complain of a connection that is cut
    return server.stop("SIGKILL");
  });
  // The health check's request with no field set, and its answer: field 1, SERVING.
  const call = client.request({ ":method": "POST", ":path": "/grpc.health.v1.Health/Check", "content-type": "application/grpc", te: "trailers" });
  const trailers = next(call, "trailers");
  call.end(Buffer.from([0, 0, 0, 0, 0]));
  assert.deepEqual(Buffer.concat(await call.toArray()), Buffer.from([0, 0, 0, 0, 2, 8, 1]));
  assert.equal((await trailers)[0]["grpc-status"], "0");
});

/** The answer to a GET over TCP, TLS or a unix socket. */
function get(url, { path: _, ...options }) {
  const client = url.startsWith("https:") ? https : http;
  const answered = new Promise((resolve, reject) => {
    const request = client.get(url, options, async (response) => {
      resolve({ status: response.statusCode, body: Buffer.concat(await response.toArray()).toString() });
    });
    request.on("upgrade", (_, connection) => (connection.destroy(), reject(new Error("it was accepted"))));
    request.on("error", reject);
  });
  return within(answered, `an answer from ${url}`);
}

/** Resolves once the server has printed the line. */
async function printed(server, line) {
  const patience = Date.now() + DEADLINE;
  while (!server.lines.includes(line)) {
    assert.ok(Date.now() < patience, `the server never printed "${line}", but\n${server.lines.join("\n")}`);
    await sleep(5);
  }
}
