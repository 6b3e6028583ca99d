// The engine under raw requests: what the official client never sends, and what it never shows.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import http from "node:http";
import { ask, connect } from "./client.mjs";
import { start } from "./server.mjs";

let server;

before(async () => {
  server = await start("example-interop", /^listening on (\d+)$/);
});

after(() => server?.stop("SIGKILL"));

const at = (query) => `${server.url}/socket.io/?${query}`;

async function isError(response, code, message, status = 400) {
  assert.equal(response.status, status);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(await response.text(), JSON.stringify({ code, message }));
}

const ERRORS = [
  [0, "Transport unknown", "an unknown transport", "EIO=4&transport=pigeon"],
  [0, "Transport unknown", "no transport at all", "EIO=4"],
  [1, "Session ID unknown", "an unknown session", "EIO=4&transport=polling&sid=nobody"],
  [2, "Bad handshake method", "a handshake by POST", "EIO=4&transport=polling", { method: "POST", body: "" }],
  [3, "Bad request", "a websocket without an upgrade", "EIO=4&transport=websocket"],
  [5, "Unsupported protocol version", "protocol 3", "EIO=3&transport=polling"],
  [5, "Unsupported protocol version", "no protocol", "transport=polling"],
];

for (const [code, message, name, query, init] of ERRORS) {
  test(`${name} is refused with code ${code}`, async () => isError(await fetch(at(query), init), code, message));
}

test("a poll with a session that is on a websocket is refused with code 3", async (t) => {
  const socket = await connect(t, server.url, "upgraded");
  await ask(socket, "who"); // now the server has seen the end of the upgrade, too
  await isError(await fetch(at(`EIO=4&transport=polling&sid=${socket.io.engine.id}`)), 3, "Bad request");
});

/** A websocket upgrade that is refused: its status and body. */
function refusedUpgrade(query) {
  return new Promise((resolve, reject) => {
    const headers = { connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" };
    const request = http.get(at(query), { headers });
    request.on("error", reject);
    request.on("upgrade", (response, socket) => (socket.destroy(), reject(new Error("it was accepted"))));
    request.on("response", async (response) => resolve({ status: response.statusCode, body: Buffer.concat(await response.toArray()).toString() }));
  });
}

for (const [name, query, message] of [
  ["an unknown session", "EIO=4&transport=websocket&sid=nobody", "Session ID unknown"],
  ["an unknown transport", "EIO=4&transport=pigeon", "Transport unknown"],
  ["protocol 3", "EIO=3&transport=websocket", "Unsupported protocol version"],
]) {
  test(`a websocket upgrade with ${name} is refused before the 101, in plain text`, async () => {
    assert.deepEqual(await refusedUpgrade(query), { status: 400, body: message });
  });
}

/** A session over polling, driven by hand. */
async function session() {
  const opened = await fetch(at("EIO=4&transport=polling"));
  assert.equal(opened.status, 200);
  const text = await opened.text();
  assert.equal(text[0], "0");
  const handshake = JSON.parse(text.slice(1));
  const here = at(`EIO=4&transport=polling&sid=${handshake.sid}`);
  return {
    handshake,
    headers: opened.headers,
    poll: () => fetch(here),
    post: (body, init) => fetch(here, { method: "POST", body, ...init }),
    /** Polls until this many packets have come. */
    async packets(count) {
      const packets = [];
      while (packets.length < count) packets.push(...(await (await this.poll()).text()).split("\x1e"));
      return packets;
    },
  };
}

test("the handshake tells what the client has to know", async () => {
  const { handshake, headers } = await session();
  assert.deepEqual(Object.keys(handshake), ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"]);
  assert.deepEqual({ ...handshake, sid: "" }, { sid: "", upgrades: ["websocket"], pingInterval: 25000, pingTimeout: 20000, maxPayload: 1000000 });
  assert.match(headers.get("content-type"), /^text\/plain; charset=utf-8$/i);
  assert.equal(headers.get("cache-control"), "no-store");
});

test("the layers' headers: one set only on the first response, one on every", async () => {
  const one = await session();
  assert.equal(one.headers.get("x-first"), "yes");
  assert.equal(one.headers.get("x-every"), "yes");
  const posted = await one.post("40");
  assert.equal(await posted.text(), "ok");
  assert.equal(posted.headers.get("x-first"), null);
  assert.equal(posted.headers.get("x-every"), "yes");
  const polled = await one.poll();
  assert.equal(polled.headers.get("x-first"), null);
  assert.equal(polled.headers.get("x-every"), "yes");
});

test("a volatile event is dropped when no poll waits for it, the event after it is not", async () => {
  const one = await session();
  await one.post("40");
  const [connected, greeting] = await one.packets(2);
  assert.match(connected, /^40\{"sid":"[^"]{20}"\}$/);
  assert.match(greeting, /^42\["greeting",/);
  assert.equal(await (await one.post('42["offer",1]')).text(), "ok");
  assert.deepEqual(await one.packets(1), ['42["offered",1]']);
});

test("a packet that is no packet closes the session", async () => {
  const one = await session();
  await one.post("40");
  assert.equal((await one.post("9what")).status, 400);
  await isError(await one.poll(), 1, "Session ID unknown");
});

test("a body over the limit is refused with 413, and the session lives on", async () => {
  const one = await session();
  assert.equal((await one.post(`4${"x".repeat(1_000_000)}`)).status, 413);
  assert.equal(await (await one.post("40")).text(), "ok");
  assert.match((await one.packets(1))[0], /^40/);
});

test("a second poll at the same time closes the session", async () => {
  const one = await session();
  const first = one.poll();
  // The two may arrive in either order: one of them is refused, the other is told to close.
  const answers = await Promise.all([first, one.poll()]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400]);
  const closed = answers.find(({ status }) => status === 200);
  assert.equal(await closed.text(), "1");
  await isError(await one.poll(), 1, "Session ID unknown");
});

test("other paths belong to the framework", async () => {
  const response = await fetch(`${server.url}/hello`);
  assert.equal(response.status, 200);
  assert.equal(await response.text(), "hello");
  assert.equal(response.headers.get("x-every"), null);
});
