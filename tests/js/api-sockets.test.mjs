// One socket: its listeners, its answers, what is known of it, its end; and the way of its events through the server.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { api } from "./api.mjs";
import { ask, collect, next, within } from "./client.mjs";
import { history, startServer, written } from "./scenario.mjs";

const modes = ["polling", "websocket"];

// Listeners of its own

api("an event has several listeners, called in their order", async ({ connect }) => {
  const socket = await connect("/sockets");
  for (const [how, who] of [["on", "a"], ["on", "b"], ["prepend", "first"]]) await ask(socket, "listen", "x", how, who);
  await ask(socket, "x");
  assert.deepEqual(await ask(socket, "heard"), ["first: x", "a: x", "b: x"]);
  assert.deepEqual((await ask(socket, "listeners")).events, { x: 3 });
}, { modes });

api("a listener for one time hears one event", async ({ connect }) => {
  const socket = await connect("/sockets");
  for (const [how, who] of [["once", "once"], ["on", "on"], ["prepend once", "before"]]) await ask(socket, "listen", "x", how, who);
  socket.emit("x");
  socket.emit("x");
  assert.deepEqual(await ask(socket, "heard"), ["before: x", "once: x", "on: x", "on: x"]);
  assert.deepEqual((await ask(socket, "listeners")).events, { x: 1 });
}, { modes });

api("listeners are taken away: one, those of an event, all", async ({ connect }) => {
  const socket = await connect("/sockets");
  for (const [event, who] of [["x", "a"], ["x", "b"], ["x2", "c"], ["x3", "d"]]) await ask(socket, "listen", event, "on", who);
  const heard = async () => {
    for (const event of ["x", "x2", "x3"]) socket.emit(event);
    return ask(socket, "heard");
  };
  assert.equal(await ask(socket, "off", "x", "a"), true);
  assert.equal(await ask(socket, "off", "x", "a"), false, "it was taken away before");
  assert.deepEqual(await heard(), ["b: x", "c: x2", "d: x3"]);
  await ask(socket, "remove all", "x2");
  assert.deepEqual(await heard(), ["b: x", "d: x3"]);
  await ask(socket, "remove all", null);
  assert.deepEqual(await heard(), []);
  assert.deepEqual((await ask(socket, "listeners")).events, {});
}, { modes });

api("a socket's listeners hear its own events only, and answer for it", async ({ connect }) => {
  const [one, other] = [await connect("/sockets"), await connect("/sockets")];
  await ask(one, "listen", "x", "on", "one");
  await ask(one, "answer to", "mine", "an answer");
  await ask(other, "answer to", "mine", "another answer");
  other.emit("x");
  assert.deepEqual(await ask(other, "heard"), []);
  assert.deepEqual(await ask(one, "heard"), []);
  assert.equal(await ask(one, "mine"), "an answer");
  assert.equal(await ask(other, "mine"), "another answer");
}, { modes });

api("listeners of all events come before those of one, and can be put first and taken away", async ({ connect }) => {
  const socket = await connect("/sockets");
  await ask(socket, "listen", "x", "on", "one");
  for (const [how, who] of [["any", "any"], ["prepend any", "first"]]) await ask(socket, "listen for all", how, who);
  const heard = async (event) => {
    socket.emit(event);
    return ask(socket, "heard");
  };
  assert.deepEqual(await heard("x"), ["first: x", "any: x", "one: x"]);
  assert.deepEqual(await heard("x nobody else"), ["first: x nobody else", "any: x nobody else"]);
  assert.equal((await ask(socket, "listeners")).any, 2);
  assert.equal(await ask(socket, "off any", "first"), true);
  assert.deepEqual(await heard("x"), ["any: x", "one: x"]);
  await ask(socket, "off any", null);
  assert.deepEqual(await heard("x"), ["one: x"]);
}, { modes });

api("listeners of outgoing events hear what is emitted and broadcast to the socket, with binary too", async ({ connect }) => {
  const [one, other] = [await connect("/sockets"), await connect("/sockets")];
  for (const [how, who] of [["outgoing", "out"], ["prepend outgoing", "first"]]) await ask(one, "listen for all", how, who);
  const heard = async (from, ...say) => {
    await ask(from, "say", ...say);
    return ask(one, "heard");
  };
  assert.deepEqual(await heard(one, "", "x1", 1), ["first: x1", "out: x1"]);
  assert.deepEqual(await heard(other, "broadcast", "x2", Buffer.from([1, 2])), ["first: x2", "out: x2"]);
  assert.deepEqual(await heard(one, "broadcast", "x3", 3), [], "that did not go to it");
  assert.equal(await ask(one, "off any outgoing", "first"), true);
  assert.deepEqual(await heard(one, "", "x4", 4), ["out: x4"]);
  await ask(one, "off any outgoing", null);
  assert.deepEqual(await heard(one, "", "x5", 5), []);
}, { modes });

// Payloads and answers

api("`send` is the event `message`, in both directions, also with null", async ({ connect }) => {
  const socket = await connect("/sockets");
  const messages = collect(socket, "message");
  socket.send("text", 1);
  socket.send(null);
  socket.send(Buffer.from([1, 2, 3]));
  assert.deepEqual(await messages.reach(3), [["text", 1], [null], [Buffer.from([1, 2, 3])]]);
});

api("several megabytes of text and of binary pass both ways, and as an answer", async ({ connect }) => {
  const socket = await connect("/sockets");
  const [text, binary] = ["x€🙂".repeat(250_000), Buffer.alloc(2_000_000, "not all the same")];
  const echoes = collect(socket, "echo");
  socket.emit("echo", { text });
  socket.emit("echo", { deep: [binary] });
  socket.emit("echo", "after");
  const [[first], [second], [last]] = await echoes.reach(3);
  assert.ok(first.text === text);
  assert.ok(binary.equals(second.deep[0]));
  assert.equal(last, "after");
  assert.ok(binary.equals(await ask(socket, "ack", binary)));
});

api("hostile keys are plain data, as names of events too", async ({ connect }) => {
  const socket = await connect("/sockets");
  const hostile = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"hasOwnProperty":1,"toString":null}';
  const back = await ask(socket, "ack", JSON.parse(hostile));
  assert.equal(JSON.stringify(back), hostile);
  await ask(socket, "keep", JSON.parse(hostile));
  assert.deepEqual(JSON.parse(JSON.stringify(await ask(socket, "kept"))), JSON.parse(hostile));
  assert.equal({}.polluted, undefined);
  for (const name of ["__proto__", "constructor", "hasOwnProperty", "toString"]) {
    await ask(socket, "answer to", name, `to ${name}`);
    assert.equal(await ask(socket, name), `to ${name}`);
    const said = next(socket, name);
    await ask(socket, "say", "", name, "said");
    assert.deepEqual(await said, ["said"]);
  }
}, { modes });

api("a question runs into its timeout; a late answer harms nobody, and one in time arrives", async ({ connect }) => {
  const socket = await connect("/sockets");
  const asked = next(socket, "question");
  assert.deepEqual(await ask(socket, "ask me", "Ready?", 50), { timeout: true });
  (await asked)[1]("late");
  socket.once("question", (question, answer) => answer(`${question} Yes!`));
  assert.deepEqual(await ask(socket, "ask me", "Ready?", 10_000), { answer: "Ready? Yes!" });
}, { modes });

api("answers carry binary both ways", async ({ connect }) => {
  const socket = await connect("/sockets");
  socket.once("question", (bytes, answer) => answer({ proof: Buffer.from(bytes).reverse() }));
  assert.deepEqual((await ask(socket, "ask me for bytes", Buffer.from([1, 2, 3]))).proof, Buffer.from([1, 2, 3]));
});

api("a client's own timeout passes when the server keeps its answer, and its promise resolves when not", async ({ connect }) => {
  const socket = await connect("/sockets");
  await assert.rejects(within(socket.timeout(50).emitWithAck("hold"), "its timeout"), /operation has timed out/);
  await ask(socket, "release");
  assert.deepEqual((await within(socket.timeout(10_000).emitWithAck("who"), "the answer")).id, socket.id);
}, { modes, versions: [4] });

api("the server cannot emit a reserved name: its handler fails, and the socket lives on", async ({ connect }) => {
  const socket = await connect("/sockets");
  for (const name of ["connect", "disconnect", "connect_error"]) {
    assert.match((await ask(socket, "say", "", name, 1)).error.message, /reserved/);
  }
  assert.equal((await ask(socket, "who")).id, socket.id);
}, { modes });

api("a volatile event reaches a client that is ready for it, with binary too", async ({ connect }) => {
  const socket = await connect("/sockets");
  const maybe = collect(socket, "maybe");
  // On polling a client is ready only while it asks; so it is offered until one arrives.
  for (let offers = 0; maybe.seen.length === 0; offers++) {
    assert.ok(offers < 1000, "none of 1000 volatile events arrived");
    await ask(socket, "say", "volatile", "maybe", Buffer.from([offers & 255]));
  }
  assert.ok(Buffer.isBuffer(maybe.seen[0][0]));
});

api("what is compressed and what is not arrives alike", async ({ connect }) => {
  const socket = await connect("/sockets");
  const told = collect(socket, "told");
  const text = "a long text ".repeat(2000);
  for (const how of ["compressed", "not compressed"]) await ask(socket, "say", how, "told", text);
  assert.deepEqual(await told.reach(2), [[text], [text]]);
}, { modes });

api("1000 events of a namespace keep their order, both ways at once", async ({ connect }) => {
  const socket = await connect("/sockets");
  const ticks = collect(socket, "tick");
  const order = Array.from({ length: 1000 }, (_, i) => i);
  socket.emit("ticks", 1000);
  for (const i of order) socket.emit("item", i);
  assert.deepEqual((await ticks.reach(1000)).flat(), order);
  assert.deepEqual(await ask(socket, "items"), order);
});

// What is known of it

api("the handshake has all that is known of the client", async ({ connect, version }) => {
  const before = Date.now();
  const socket = await connect("/sockets", {
    auth: { label: "", token: "grüß" },
    query: { from: "a test" },
    extraHeaders: { "x-test": "a header" },
  });
  const it = await ask(socket, "handshake");
  assert.equal(it.headers["x-test"], "a header");
  assert.equal(it.query.from, "a test");
  assert.equal(it.query.EIO, version === 2 ? "3" : "4");
  assert.deepEqual(it.auth, { label: "", token: "grüß" });
  assert.ok(before - 1000 <= it.issued && it.issued <= Date.now() + 1000);
  assert.equal(Math.floor(Date.parse(it.time) / 1000), Math.floor(it.issued / 1000));
  assert.match(it.url, /^\/api\/\?.*from=a%20test/);
  assert.equal(it.address, "127.0.0.1");
  assert.deepEqual([it.xdomain, it.secure], [false, false]);
}, { modes });

api("rooms are those of the moment, the socket's id among them", async ({ connect }) => {
  const socket = await connect("/sockets");
  assert.deepEqual(await ask(socket, "rooms"), [socket.id]);
  await ask(socket, "join", ["one", "two", "two"]);
  assert.deepEqual(await ask(socket, "rooms"), [socket.id, "one", "two"].sort());
  await ask(socket, "leave", "one");
  assert.deepEqual(await ask(socket, "rooms"), [socket.id, "two"].sort());
}, { modes });

api("what the application keeps with a socket is that socket's own", async ({ connect }) => {
  const [one, other] = [await connect("/sockets"), await connect("/sockets")];
  await ask(one, "keep", { user: "anna", list: [1, null] });
  await ask(other, "keep", "berta");
  assert.deepEqual(await ask(one, "kept"), { user: "anna", list: [1, null] });
  assert.equal(await ask(other, "kept"), "berta");
}, { modes });

api("the connection under a socket: which transport it has, and when it moves to another", async ({ labelled, mode }) => {
  const { socket, label } = await labelled("/sockets");
  const it = await ask(socket, "connection");
  assert.deepEqual(it, {
    transport: mode === "polling" ? "polling" : "websocket",
    first: mode === "websocket" ? "websocket" : "polling",
    session: socket.io.engine.id,
    connected: true,
  });
  const upgrade = mode === "upgraded" ? ["upgrade to websocket"] : [];
  assert.deepEqual((await written(label, 1 + upgrade.length)).slice(1), upgrade);
});

// Its end

/** A socket in a room with another one, which is told when the first leaves; what the first hears of its end. */
async function pair({ connect, labelled }) {
  const { socket, label } = await labelled("/sockets");
  const witness = await connect("/sockets");
  const room = `room of ${label}`;
  for (const one of [socket, witness]) await ask(one, "join", [room]);
  await ask(socket, "tell me when I end");
  const { id } = socket;
  return { socket, label, room, leaves: next(witness, "leaves"), ended: next(socket, "disconnect"), id, witness };
}

const ENDS = [
  ["the client leaves its namespace", (socket) => socket.disconnect(), "io client disconnect", "client namespace disconnect"],
  ["the client's connection closes", (socket) => socket.io.engine.close(), "forced close", "transport close"],
  ["the server disconnects the socket", (socket) => socket.emit("end me", false), "io server disconnect", "server namespace disconnect"],
  ["the server disconnects the client", (socket) => socket.emit("end me", true), "io server disconnect", "server namespace disconnect"],
];

for (const [what, end, here, there] of ENDS) {
  api(`${what}: both sides know why, its rooms are still there in on_disconnecting`, async (way) => {
    const { socket, label, room, leaves, ended, id, witness } = await pair(way);
    end(socket);
    assert.equal((await ended)[0], here);
    assert.deepEqual(await leaves, [id]);
    const lines = await written(label, way.mode === "upgraded" ? 6 : 5);
    assert.deepEqual(lines.filter((line) => !line.startsWith("upgrade")), [
      "connect /sockets",
      `disconnecting ${there}`,
      `own: disconnecting ${there}`,
      `disconnect /sockets ${there}`,
      `own: disconnect ${there}`,
    ]);
    assert.equal(await ask(await way.connect("/"), "size of", "/sockets", room), 1);
    assert.equal((await ask(witness, "who")).id, witness.id);
  });
}

api("the server disconnects a client from all of its namespaces, and closes its connection", async ({ connect, labelled, manager }) => {
  const on = manager();
  const { socket, label } = await labelled("/sockets", { on });
  const other = await connect("/static", { auth: { label }, on });
  const ends = [socket, other].map((one) => next(one, "disconnect"));
  socket.emit("end me", true);
  for (const end of ends) assert.equal((await end)[0], "io server disconnect");
  const lines = (await history(label, 2)).filter((line) => line.startsWith("disconnect /"));
  assert.deepEqual(lines.sort(), ["disconnect /sockets server namespace disconnect", "disconnect /static server namespace disconnect"]);
}, { modes });

api("what comes for a socket that was disconnected is ignored, and it joins nothing", async ({ connect, labelled }) => {
  const root = await connect("/");
  const { socket, label } = await labelled("/sockets");
  const room = `late ${label}`;
  // With its last socket a client closes the connection, and versions 2 and 3 take the end of the old one for that of
  // the next, if it is opened meanwhile: they wait in vain then.
  const closed = next(socket.io.engine, "close");
  socket.emit("note", "before");
  socket.emit("end me and join", room);
  socket.emit("note", "after");
  await history(label);
  await closed;
  assert.equal(await ask(root, "size of", "/sockets", room), 0);
  const again = await connect("/sockets", { auth: { label }, on: socket.io });
  await ask(again, "note", "again");
  const lines = (await written(label, 5)).filter((line) => !line.startsWith("upgrade"));
  assert.deepEqual(lines, ["connect /sockets", "before", "disconnect /sockets server namespace disconnect", "connect /sockets", "again"]);
}, { modes });

api("a client that comes back hears every event once", async ({ labelled, version }) => {
  const { socket, label } = await labelled("/sockets", { reconnection: true, reconnectionDelay: 10, randomizationFactor: 0 });
  const [told, echoes] = [collect(socket, "told"), collect(socket, "echo")];
  for (let time = 1; time <= 3; time++) {
    await ask(socket, "say", "", "told", time);
    await ask(socket, "say", "all", "told", time);
    if (time < 3) {
      const back = next(socket, "connect");
      if (version === 2) socket.io.engine.onClose("a test"); // its own close() means to stay away
      else socket.io.engine.close();
      await back;
    }
  }
  socket.emit("echo", "once");
  await ask(socket, "who");
  assert.deepEqual(told.seen.flat(), [1, 1, 2, 2, 3, 3]);
  assert.deepEqual(echoes.seen, [["once"]]);
  assert.equal((await written(label, 3)).filter((line) => line === "connect /sockets").length, 3);
}, { modes });

api("a client finds a server that was started again, and goes on", async ({ t, connect }) => {
  let server = await startServer();
  t.after(() => server.stop("SIGKILL"));
  const socket = await connect("/sockets", { url: server.url, reconnection: true, reconnectionDelay: 10, randomizationFactor: 0 });
  const first = socket.id;
  const [ended, back] = [next(socket, "disconnect"), next(socket, "connect")];
  await server.stop("SIGKILL");
  assert.match((await ended)[0], /^transport (close|error)$/);
  socket.emit("item", 7); // kept until it is back
  server = await startServer(server.port);
  await back;
  assert.notEqual(socket.id, first);
  assert.deepEqual(await ask(socket, "items"), [7]);
}, { modes });

// The way of an event

api("a layer around events changes them, and refuses with message and data; the error hook is told", async ({ labelled }) => {
  const { socket, label } = await labelled("/events");
  assert.equal(await ask(socket, "mutated", "something"), "something else");
  assert.deepEqual(await ask(socket, "forbidden"), { error: { message: "forbidden", data: { code: 403 } } });
  socket.emit("forbidden"); // nobody asks for an answer
  assert.equal(await ask(socket, "square", 7), 49);
  const errors = (await written(label, 7)).filter((line) => line.startsWith("error"));
  assert.deepEqual(errors, ["error in forbidden: forbidden", "error in forbidden: forbidden"]);
}, { modes });

api("a layer for each socket counts for each alone", async ({ connect }) => {
  const [one, other] = [await connect("/events"), await connect("/events")];
  for (const socket of [one, other]) {
    for (const _ of [1, 2]) assert.equal(await ask(socket, "limited"), "let through");
    assert.deepEqual(await ask(socket, "limited"), { error: { message: "too many" } });
  }
}, { modes });

api("a catch-all sees every event, those that are refused or unknown too; what nobody handles goes to the fallback", async ({ labelled }) => {
  const { socket, label } = await labelled("/events");
  assert.deepEqual(await ask(socket, "nobody's", 1), { unknown: "nobody's" });
  await ask(socket, "forbidden");
  await ask(socket, "square", 2);
  const seen = (await written(label, 5)).filter((line) => line.startsWith("any"));
  assert.deepEqual(seen, ["any nobody's", "any forbidden", "any square"]);
}, { modes });

api("a payload that does not decode and a panic are answered with an error, told to the hook, and end nothing", async ({ labelled }) => {
  const { socket, label } = await labelled("/events");
  for (const wrong of ["seven", -1, null, { n: 7 }, Buffer.from([7])]) {
    assert.equal(typeof (await ask(socket, "square", wrong)).error.message, "string");
  }
  assert.equal(typeof (await ask(socket, "panic")).error.message, "string");
  socket.emit("square", "seven");
  socket.emit("panic");
  assert.equal(await ask(socket, "square", 7), 49);
  const errors = (await written(label, 18)).filter((line) => line.startsWith("error in")).map((line) => line.split(":")[0]);
  assert.equal(errors.filter((line) => line === "error in square").length, 6);
  assert.equal(errors.filter((line) => line === "error in panic").length, 2);
}, { modes });
