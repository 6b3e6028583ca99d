// Sessions of the official Engine.IO clients, of both revisions of the protocol, with engines without Socket.IO.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { next, within } from "./client.mjs";
import { history, serverUrl, startServer } from "./scenario.mjs";
import { first, say, session, upgraded } from "./sessions.mjs";

const numbers = (count) => Array.from({ length: count }, (_, i) => `${i}`);
const bytes = (length) => Buffer.from(Array.from({ length }, (_, i) => (i * 7) & 255));

// Opening

session("the handshake tells what the client has to know", async ({ open, mode }) => {
  const { handshake, socket } = await open();
  const upgrades = mode === "websocket" ? [] : ["websocket"];
  assert.match(handshake.sid, /^[A-Za-z0-9_-]{20}$/);
  assert.equal(socket.id, handshake.sid);
  assert.deepEqual({ ...handshake, upgrades }, { sid: handshake.sid, upgrades, pingInterval: 25000, pingTimeout: 20000, maxPayload: 1000000 });
});

session("the server sees the query and extra headers of the first request", async ({ open, revision }) => {
  const { socket, label } = await open({ query: { from: "a test", empty: "", sign: "ü&=" }, extraHeaders: { "x-test": "from the client" } });
  const { query, test } = JSON.parse(await say(socket, "/who"));
  assert.deepEqual([query.EIO, query.label, query.from, query.empty, query.sign], [`${revision}`, label, "a test", "", "ü&="]);
  assert.equal(test, "from the client");
});

/** The client is refused, and says so. */
async function isRefused({ start, mode, path, status }) {
  const { socket } = start({ path });
  const [[error], [reason]] = await Promise.all([next(socket, "error"), next(socket, "close")]);
  assert.equal(error.type, "TransportError");
  assert.equal(`${mode === "websocket" ? error.description.message.match(/\d+/) : error.description}`, `${status}`);
  assert.equal(reason, "transport error");
}

session("a transport that the server does not serve is refused", (way) => {
  return isRefused({ ...way, path: way.mode === "websocket" ? "/polling-only" : "/websocket-only", status: 400 });
}, { modes: ["polling", "websocket", "upgrading"] });

session("a server that is full refuses", (way) => isRefused({ ...way, path: "/full", status: 503 }), { modes: ["polling", "websocket", "upgrading"] });

// Messages

const TEXTS = ["", "hello", "{\"json\": [1, null]}", "0", "Grüße, 你好, 🙂👩‍👩‍👧, \u0000, \u2028, \"quoted\" \\ \n", "x".repeat(100_000), "€".repeat(33_000) + "🙂"];

session("text is echoed, whatever it is", async ({ open }) => {
  const { socket, messages } = await open();
  for (const text of TEXTS) assert.equal(await say(socket, text), text);
  for (const text of TEXTS) socket.send(text);
  assert.deepEqual((await first(2 * TEXTS.length, messages)).slice(TEXTS.length), TEXTS);
});

const BINARIES = [Buffer.alloc(0), Buffer.of(0), Buffer.of(4), Buffer.of(255, 254, 0x1e, 0), bytes(256), bytes(100_000)];

for (const forceBase64 of [false, true]) {
  session(`binary is echoed, whatever it is${forceBase64 ? ", in base64 if the client asks for that" : ""}`, async ({ open }) => {
    const { socket, messages } = await open({ forceBase64 });
    for (const binary of BINARIES) socket.send(binary);
    socket.send(new Uint8Array(bytes(1000)).buffer);
    assert.deepEqual(await first(BINARIES.length + 1, messages), [...BINARIES, bytes(1000)]);
  });

  session(`text and binary keep their order among each other${forceBase64 ? ", in base64 too" : ""}`, async ({ open }) => {
    const { socket, messages } = await open({ forceBase64 });
    const mixed = numbers(100).map((text, i) => (i % 2 === 0 ? text : Buffer.from(text)));
    for (const one of mixed) socket.send(one);
    assert.deepEqual(await first(100, messages), mixed, "as echoes");
    socket.send("/mixed 100");
    assert.deepEqual((await first(200, messages)).slice(100), mixed, "as the server sends them");
  });
}

session("1000 messages keep their order, both ways at once", async ({ open }) => {
  const { socket, messages } = await open();
  socket.send("/send 1000");
  for (const number of numbers(1000)) socket.send(`mine ${number}`);
  const all = await first(2000, messages);
  assert.deepEqual(all.filter((text) => !text.startsWith("mine")), numbers(1000));
  assert.deepEqual(all.filter((text) => text.startsWith("mine")), numbers(1000).map((number) => `mine ${number}`));
});

session("packets that are sent at once travel in few payloads", async ({ open }) => {
  const { socket, messages } = await open();
  let polls = 0;
  socket.transport.on("poll", () => (polls += 1));
  socket.send("/send 500");
  assert.deepEqual(await first(500, messages), numbers(500));
  assert.ok(polls <= 10, `${polls} polls for 500 packets`);
}, { modes: ["polling"] });

session("what a client has to say is split by the server's limit", async ({ open }) => {
  const { socket, messages } = await open({ path: "/small" });
  const kilobytes = numbers(50).map((number) => number.padEnd(1000, "€"));
  for (const text of kilobytes) socket.send(text);
  assert.deepEqual(await first(50, messages), kilobytes);
}, { revisions: [4] });

session("a message beyond the server's limit ends the session", async ({ open }) => {
  const { socket, label } = await open({ path: "/small" });
  assert.equal((await say(socket, "x".repeat(9_000))).length, 9_000);
  const closed = next(socket, "close");
  socket.send("x".repeat(10_001));
  assert.match((await closed)[0], /^transport (error|close)$/);
  assert.match((await history(label))[1], /^close transport (error|close) after 1$/);
}, { modes: ["polling", "websocket", "upgraded"] }); // A client that is in the middle of the upgrade leaves without a word.

session("thirty sessions at once do not mix", async ({ open }) => {
  const sessions = await Promise.all(numbers(30).map(() => open()));
  assert.equal(new Set(sessions.map(({ handshake }) => handshake.sid)).size, 30);
  for (const { socket, label } of sessions) for (const number of numbers(20)) socket.send(`${label} ${number}`);
  for (const { label, messages } of sessions) assert.deepEqual(await first(20, messages), numbers(20).map((number) => `${label} ${number}`));
});

// Ends

session("the client closes: the server sees it", async ({ open }) => {
  const { socket, label } = await open();
  assert.equal(await say(socket, "one"), "one");
  const closed = next(socket, "close");
  socket.close();
  assert.equal((await closed)[0], "forced close");
  assert.deepEqual(await history(label), ["open", "close transport close after 1"]);
});

session("what the client sends right before it closes arrives", async ({ open }) => {
  const { socket, label } = await open();
  for (const number of numbers(100)) socket.send(number);
  socket.close();
  assert.deepEqual(await history(label), ["open", "close transport close after 100"]);
});

session("the server closes: the client sees it, after all that was sent before", async ({ open }) => {
  const { socket, label, messages } = await open();
  const closed = next(socket, "close");
  socket.send("/close 100");
  assert.equal((await closed)[0], "transport close");
  assert.deepEqual(await first(100, messages), numbers(100));
  assert.equal(messages.seen.length, 100);
  assert.deepEqual(await history(label), ["open", "close forced close after 1"]);
});

session("a session's service fails: the session is closed", async ({ open, mode }) => {
  const { socket, label } = await open();
  const closed = next(socket, "close");
  socket.send("/fail");
  // A client whose poll was not there to be told finds its session unknown.
  assert.match((await closed)[0], mode === "websocket" ? /^transport close$/ : /^transport (close|error)$/);
  assert.deepEqual(await history(label), ["open", "close forced close after 1"]);
});

session("after its end a session is unknown, and the client opens another one", async ({ open, revision }) => {
  const before = await open();
  const closed = next(before.socket, "close");
  before.socket.send("/close");
  await closed;
  const answer = await within(fetch(`${serverUrl()}/engine.io/?EIO=${revision}&transport=polling&sid=${before.handshake.sid}`), "an answer");
  assert.deepEqual([answer.status, await answer.json()], [400, { code: 1, message: "Session ID unknown" }]);
  const after = await open();
  assert.notEqual(after.handshake.sid, before.handshake.sid);
  assert.equal(await say(after.socket, "back"), "back");
});

session("the server is gone: the client sees it", async ({ t, open, mode }) => {
  const server = await startServer();
  t.after(() => server.stop("SIGKILL"));
  const { socket } = await open({ url: server.url });
  if (mode === "upgrading") await upgraded(socket);
  assert.equal(await say(socket, "there?"), "there?");
  const closed = next(socket, "close");
  await server.stop("SIGKILL");
  assert.equal((await closed)[0], mode === "polling" ? "transport error" : "transport close");
});

// Heartbeats: these wait for time to pass, so they do it together.

describe("heartbeats", { concurrency: true }, () => {
  const beats = { define: test, modes: ["polling", "websocket", "upgrading", "upgraded"] };

  session("a session outlives its deadlines, as both sides keep up the heartbeat", async ({ open, revision }) => {
    const { socket, label, handshake, messages } = await open({ path: "/brisk" });
    assert.deepEqual([handshake.pingInterval, handshake.pingTimeout], [100, 1000]);
    // Revision 4: the server pings. Revision 3: the client does, and the server answers.
    const began = Date.now();
    let rounds = 0;
    while (rounds < 5 || Date.now() - began < 1_500) {
      await next(socket, revision === 4 ? "ping" : "pong");
      rounds += 1;
    }
    assert.equal(await say(socket, "still there"), "still there");
    assert.equal(messages.seen.length, 1);
    assert.deepEqual(await history(label, 0), ["open"]);
  }, beats);

  session("a client that falls silent is noticed by the server", async ({ open, revision }) => {
    const prepare = (socket) => {
      // It neither answers or sends pings, nor minds that none come.
      const send = socket._sendPacket;
      if (revision === 4) Object.assign(socket, { _sendPacket: (type, ...rest) => type !== "pong" && send.call(socket, type, ...rest), _resetPingTimeout() {} });
      else Object.assign(socket, { setPing() {}, onHeartbeat() {} });
    };
    const { socket, label } = await open({ path: "/brisk", prepare });
    await next(socket, "close");
    assert.deepEqual(await history(label), ["open", "close ping timeout after 0"]);
  }, beats);

  session("a server that falls silent is noticed by the client", async ({ t, open }) => {
    const server = await startServer();
    t.after(() => server.stop("SIGKILL"));
    const { socket } = await open({ url: server.url, path: "/brisk" });
    const closed = next(socket, "close");
    server.stop("SIGSTOP");
    assert.equal((await closed)[0], "ping timeout");
  }, beats);
});

// The upgrade

session("the upgrade takes place: from polling to a websocket, the same session", async ({ open }) => {
  const { socket, label, handshake } = await open();
  assert.equal(socket.transport.name, "polling");
  await upgraded(socket);
  assert.equal(socket.transport.name, "websocket");
  assert.equal(socket.id, handshake.sid);
  assert.equal(await say(socket, "over the websocket"), "over the websocket");
  socket.close();
  assert.deepEqual(await history(label), ["open", "close transport close after 1"]);
}, { modes: ["upgrading"] });

/** Begins the upgrade of a client that was told not to begin one by itself. (Version 3 has another name for it.) */
const upgradeNow = (socket) => (socket._probe ?? socket.probe).call(socket, "websocket");

session("messages in flight in both directions survive the upgrade, in order", async ({ open }) => {
  const { socket, messages } = await open({ upgrade: false });
  socket.send("/stream");
  // An upgrade may be over before the first message has come.
  await messages.reach(1);
  let before;
  const upgrade = upgraded(socket).then(() => (before = messages.seen.length));
  upgradeNow(socket);
  let sent = 0;
  while (before === undefined || sent < 50) {
    socket.send(`mine ${sent++}`);
    await new Promise(setImmediate);
    assert.ok(sent < 100_000, "the upgrade never came");
  }
  await upgrade;
  socket.send("/stop");
  const isEnd = ([text]) => text.startsWith("stopped");
  const all = (await messages.until((seen) => seen.some(isEnd), "the end of the server's numbers")).map(([text]) => text);
  const end = all.find((text) => text.startsWith("stopped"));
  const theirs = all.filter((text) => text.startsWith("number"));
  assert.deepEqual(theirs, numbers(theirs.length).map((number) => `number ${number}`));
  assert.equal(end, `stopped ${theirs.length}`);
  assert.deepEqual(all.filter((text) => text.startsWith("mine")), numbers(sent).map((number) => `mine ${number}`));
  assert.ok(before > 0 && before < all.length, "some came over each transport");
}, { modes: ["upgrading"] });

/** Lets the client try an upgrade that the server has not offered. */
const insist = (socket) => socket.once("handshake", (handshake) => handshake.upgrades.push("websocket"));

const NOT_OFFERED = [["a server that serves only polling", "/polling-only"], ["a server that allows no upgrades", "/fixed"]];
for (const [server, path] of NOT_OFFERED) {
  session(`${server} offers no upgrade, and the session stays on polling`, async ({ open }) => {
    const { socket, handshake } = await open({ path });
    assert.deepEqual(handshake.upgrades, []);
    for (const number of numbers(10)) assert.equal(await say(socket, number), number);
    assert.equal(socket.transport.name, "polling");
  }, { modes: ["upgrading"] });

  session(`${server} refuses an upgrade that is tried all the same, and nothing is lost`, async ({ open }) => {
    const { socket, label, messages } = await open({ path, prepare: insist });
    const refused = next(socket, "upgradeError");
    socket.send("/send 100");
    assert.match((await refused)[0].message, /^probe error/);
    for (const number of numbers(100)) socket.send(`mine ${number}`);
    assert.deepEqual(await first(200, messages), [...numbers(100), ...numbers(100).map((number) => `mine ${number}`)]);
    assert.equal(socket.transport.name, "polling");
    assert.deepEqual(await history(label, 0), ["open"]);
  }, { modes: ["upgrading"] });
}

// What a server may be set up with

session("the initial packet is the first message, before anything is asked", async ({ open }) => {
  const { socket, messages } = await open({ path: "/greeting" });
  assert.deepEqual(await first(1, messages), ["welcome"]);
  assert.equal(await say(socket, "thanks"), "thanks");
  assert.equal(messages.seen.length, 2);
});

session("a server that allows only revision 4 serves revision 4", async ({ open }) => {
  const { socket } = await open({ path: "/revision-4" });
  assert.equal(await say(socket, "hello"), "hello");
}, { revisions: [4] });

session("a server that allows only revision 4 refuses revision 3", (way) => isRefused({ ...way, path: "/revision-4", status: 400 }), {
  revisions: [3],
  modes: ["polling", "websocket", "upgrading"],
});
