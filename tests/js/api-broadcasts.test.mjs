// What is done to many sockets: broadcasts, their answers, the utility methods; on one server, and across two.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { api, eventually } from "./api.mjs";
import { ask, collect, next } from "./client.mjs";
import { history, written } from "./scenario.mjs";

const modes = ["polling", "websocket"];

/** Where the clients of the scenarios are: all on one server, or on two that are a cluster. */
const PLACES = [
  ["one server", ["/api", "/api", "/api"]],
  ["two servers", ["/one", "/two", "/two"]],
];

/** Three sockets: a is in r1, b in both rooms, c in r2. */
async function trio({ connect }, paths) {
  const sockets = await Promise.all(paths.map((path) => connect("/rooms", { path })));
  const [r1, r2] = [`r1 ${randomUUID()}`, `r2 ${randomUUID()}`];
  for (const [i, rooms] of [[r1], [r1, r2], [r2]].entries()) await ask(sockets[i], "join", rooms);
  const told = sockets.map((socket) => collect(socket, "told"));
  const [a] = sockets;
  /** Has a do something: who was told what by it. Everybody hears the last word, so what came before it is all. */
  const tells = async (event, ...args) => {
    const before = told.map(({ seen }) => seen.length);
    await ask(a, event, ...args);
    const fence = randomUUID();
    await ask(a, "many emit", { from: "io", ops: [{ to: sockets.map(({ id }) => id) }] }, "told", fence);
    const until = (i) => told[i].until((seen) => seen.some(([text]) => text === fence), "the last word");
    const all = await Promise.all(sockets.map((_, i) => until(i)));
    return all.map((seen, i) => seen.slice(before[i], seen.findIndex(([text]) => text === fence)).map(([text]) => text));
  };
  /** The same for a broadcast: how often each was told. */
  const reach = async (from, ...ops) => (await tells("many emit", { from, ops }, "told", "x")).map((texts) => texts.length);
  return { sockets, r1, r2, reach, tells };
}

/** Has a socket's server ask again until it is told so: what is done on another server takes a moment. */
const soon = (socket, event, expected, ...args) =>
  eventually(async () => {
    const answer = await ask(socket, event, ...args);
    return JSON.stringify(answer) === JSON.stringify(expected);
  }, `"${event}" says ${JSON.stringify(expected)}`);

const sorted = (...ids) => ids.sort();

for (const [place, paths] of PLACES) {
  const apart = paths[0] !== paths[1];

  api(`${place}: a broadcast reaches each socket that its operators mean, once`, async (way) => {
    const { sockets: [a, b, c], r1, r2, reach } = await trio(way, paths);
    const ours = { in: [a.id, b.id, c.id] };
    assert.deepEqual(await reach("io"), [1, 1, 1]);
    assert.deepEqual(await reach({ of: "rooms" }), [1, 1, 1]);
    assert.deepEqual(await reach("socket"), [0, 1, 1], "not to the sender");
    assert.deepEqual(await reach("io", { to: [r1] }), [1, 1, 0]);
    assert.deepEqual(await reach("io", { to: [r1] }, { in: [r2] }), [1, 1, 1], "in both rooms, told once");
    assert.deepEqual(await reach("io", { to: [r1, r2] }, { except: [r2] }), [1, 0, 0]);
    assert.deepEqual(await reach("io", { to: [r1] }, { except: [a.id] }), [0, 1, 0], "an id is a room");
    assert.deepEqual(await reach("io", { except: [r1] }), [0, 0, 1]);
    assert.deepEqual(await reach("socket", { to: [r1] }), [0, 1, 0]);
    assert.deepEqual(await reach("socket", { to: [r1, r2] }, { except: [c.id] }), [0, 1, 0]);
    assert.deepEqual(await reach("io", { to: [b.id] }), [0, 1, 0]);
    assert.deepEqual(await reach("io", ours, { compress: false }), [1, 1, 1]);
    assert.deepEqual(await reach("io", ours, { compress: true }, { except: [r1] }), [0, 0, 1]);
    assert.deepEqual(await reach("io", "local"), apart ? [1, 0, 0] : [1, 1, 1]);
    assert.deepEqual(await reach("socket", { to: [r1, r2] }, "local"), apart ? [0, 0, 0] : [0, 1, 1]);
    assert.deepEqual(await reach("io", { to: [randomUUID()] }), [0, 0, 0]);
    assert.deepEqual(await reach({ of: "/static" }), [0, 0, 0]);
    await ask(b, "leave", r1);
    assert.deepEqual(await reach("io", { to: [r1] }), [1, 0, 0]);
  });

  api(`${place}: a broadcast carries binary`, async (way) => {
    const { r1, r2, tells } = await trio(way, paths);
    const data = { deep: [Buffer.from([0, 255, 7])], text: "€" };
    const seen = await tells("many emit", { from: "socket", ops: [{ to: [r1, r2] }] }, "told", data);
    assert.deepEqual(seen, [[], [data], [data]]);
  }, { modes });

  api(`${place}: operators give a new broadcast, and leave the one before as it was`, async (way) => {
    const { r1, r2, tells } = await trio(way, paths);
    const seen = await tells("many emit twice", { from: "io", ops: [{ to: [r1] }] }, [r2]);
    assert.deepEqual(seen, [["narrowed", "as it was"], ["as it was"], []]);
  }, { modes });

  api(`${place}: a volatile broadcast reaches clients that are ready for it`, async (way) => {
    const { sockets: [a, b, c], r2 } = await trio(way, paths);
    const told = [b, c].map((socket) => collect(socket, "maybe"));
    const ops = [{ to: [r2] }, "volatile"];
    for (let offers = 0; told.some(({ seen }) => seen.length === 0); offers++) {
      assert.ok(offers < 1000, "none of 1000 volatile events arrived");
      await ask(a, "many emit", { from: "io", ops }, "maybe", offers);
      for (const socket of [b, c]) await ask(socket, "rooms");
    }
  }, { modes });

  api(`${place}: many are asked, and their answers are one result, which says who is missing`, async (way) => {
    const { sockets: [a, b, c], r1, r2 } = await trio(way, paths);
    a.on("question", (question, answer) => answer(`${question} a`));
    b.on("question", (question, answer) => answer(Buffer.from("b")));
    const asks = (...ops) => ask(a, "many ask", { from: "io", ops }, "question", "Who?");
    const all = await asks({ to: [r1] });
    assert.deepEqual([all.missing, all.servers], [[], []]);
    assert.equal(all.replies.length, 2);
    assert.ok(all.replies.includes("Who? a"));
    assert.deepEqual(all.replies.find(Buffer.isBuffer), Buffer.from("b"));
    const silent = next(c, "question");
    assert.deepEqual(await asks({ to: [r1, r2] }, { except: [b.id] }, { timeout: 300 }), { replies: ["Who? a"], missing: [c.id], servers: [] });
    await silent;
    assert.deepEqual(await asks({ to: [randomUUID()] }), { replies: [], missing: [], servers: [] }, "nobody is meant");
  }, { modes });

  api(`${place}: the answers of many come one by one, and in the end who gave none`, async (way) => {
    const { sockets: [a, b, c], r1, r2 } = await trio(way, paths);
    const answers = collect(a, "answer");
    const asked = next(b, "question");
    a.on("question", (question, answer) => answer("a"));
    const leaves = next(c, "question").then(() => c.disconnect());
    const missing = ask(a, "many stream", { from: "io", ops: [{ to: [r1, r2] }] }, "question", "Who?");
    await Promise.all([answers.reach(1), leaves]);
    assert.deepEqual(answers.seen, [[a.id, "a"]], "it does not wait for the others");
    (await asked)[1]("b");
    const gone = c.id ?? (await missing)[0].id;
    assert.deepEqual((await missing).map(({ id }) => id), [gone]);
    assert.deepEqual(answers.seen, [[a.id, "a"], [b.id, "b"]]);
  }, { modes });

  api(`${place}: all that are meant join and leave rooms`, async (way) => {
    const { sockets: [a, b, c], r1, r2 } = await trio(way, paths);
    const [x, y] = [`x ${randomUUID()}`, `y ${randomUUID()}`];
    await ask(a, "many join", { from: { of: "rooms" }, ops: [{ in: [r2] }] }, [x, y]);
    await soon(b, "rooms", [b.id, r1, r2, x, y].sort());
    await soon(c, "rooms", [c.id, r2, x, y].sort());
    assert.deepEqual(await ask(a, "rooms"), [a.id, r1].sort());
    await ask(a, "many leave", { from: "io", ops: [{ in: [c.id] }] }, [x, r2]);
    await soon(c, "rooms", [c.id, y].sort());
    await ask(a, "many leave", { from: "io" }, [y]);
    await soon(b, "rooms", [b.id, r1, r2, x].sort());
    await soon(c, "rooms", [c.id]);
    await ask(a, "many join", { from: "socket" }, [y]);
    await soon(b, "rooms", [b.id, r1, r2, x, y].sort());
    assert.deepEqual(await ask(a, "rooms"), [a.id, r1].sort(), "not the sender");
  }, { modes });

  api(`${place}: sockets are fetched with what is known of them`, async (way) => {
    const { sockets: [a, b, c], r1, r2 } = await trio(way, paths);
    const fetch = (ops = [], from = "io") => ask(a, "many fetch", { from, ops });
    const ours = (await fetch()).filter(({ id }) => [a.id, b.id, c.id].includes(id));
    assert.equal(ours.length, 3);
    const known = ours.find(({ id }) => id === b.id);
    assert.deepEqual(known.rooms, [b.id, r1, r2].sort());
    assert.equal(known.here, !apart);
    assert.ok(known.url.startsWith(`${paths[1]}/?`));
    const ids = async (...args) => (await fetch(...args)).map(({ id }) => id).sort();
    assert.deepEqual(await ids([{ in: [r1] }]), sorted(a.id, b.id));
    assert.deepEqual(await ids([{ in: [r1, r2] }, { except: [b.id] }], { of: "/rooms" }), sorted(a.id, c.id));
    assert.deepEqual(await ids([{ in: [c.id] }]), [c.id]);
    assert.deepEqual(await ids([{ in: [r1] }, "local"]), apart ? [a.id] : sorted(a.id, b.id));
    assert.deepEqual(await ask(a, "many ids", { from: "io", ops: [{ in: [r1, r2] }] }), sorted(a.id, b.id, c.id));
    assert.deepEqual(await ask(a, "many ids", { from: { of: "/static" }, ops: [{ in: [r1] }] }), []);
  }, { modes });

  api(`${place}: a socket that was fetched is told, asked, moved and disconnected by its handle`, async (way) => {
    const { sockets: [a, b, c], r2 } = await trio(way, paths);
    const each = (what, argument) => ask(a, "each", { from: "io", ops: [{ in: [r2] }] }, what, argument);
    for (const socket of [b, c]) socket.on("question", (question, answer) => answer(`${question} ${socket === b ? "b" : "c"}`));
    assert.deepEqual((await each("ask", "Who?")).sort(), ["Who? b", "Who? c"]);
    const told = [b, c].map((socket) => next(socket, "told"));
    await each("emit", "hello");
    for (const one of told) assert.deepEqual(await one, ["hello"]);
    const room = randomUUID();
    await each("join", room);
    const ids = { from: "io", ops: [{ in: [room] }] };
    await soon(a, "many ids", sorted(b.id, c.id), ids);
    await each("leave", room);
    await soon(a, "many ids", [], ids);
    const ends = [b, c].map((socket) => next(socket, "disconnect"));
    await each("disconnect", "");
    for (const end of ends) assert.equal((await end)[0], "io server disconnect");
  }, { modes });

  api(`${place}: all that are meant are disconnected, after what was emitted before; others are not`, async (way) => {
    const { sockets: [a, b, c], r2 } = await trio(way, paths);
    const other = await way.connect("/", { path: paths[1] });
    const told = [b, c].map((socket) => collect(socket, "told"));
    const ends = [b, c].map((socket) => next(socket, "disconnect"));
    const chain = { from: "io", ops: [{ in: [r2] }] };
    await ask(a, "many emit", chain, "told", "goodbye");
    await ask(a, "many disconnect", chain, true);
    for (const end of ends) assert.equal((await end)[0], "io server disconnect");
    for (const { seen } of told) assert.deepEqual(seen, [["goodbye"]]);
    assert.deepEqual((await ask(a, "rooms")).length, 2, "who was not meant is still there");
    assert.equal((await ask(other, "who")).namespace, "/");
    await soon(a, "many ids", [], chain);
  }, { modes });
}

api("one socket is disconnected by its id, from its namespace alone", async ({ connect, labelled }) => {
  const { socket, label } = await labelled("/rooms");
  const other = await connect("/static", { on: socket.io });
  const by = await connect("/rooms");
  const ended = next(socket, "disconnect");
  await ask(by, "many disconnect", { from: "io", ops: [{ in: [socket.id] }] }, false);
  assert.equal((await ended)[0], "io server disconnect");
  assert.deepEqual(await history(label), ["connect /rooms", "disconnect /rooms server namespace disconnect"]);
  assert.equal((await ask(other, "who")).namespace, "/static");
}, { modes });

api("rooms are told of when they come into being, are joined, left and gone", async ({ connect, labelled }) => {
  const room = `watched ${randomUUID()}`;
  const by = await connect("/rooms");
  const { socket, label } = await labelled("/rooms");
  await ask(by, "join", [room]);
  await ask(by, "join", [room]); // nothing new
  await ask(socket, "join", [room]);
  await ask(by, "leave", room);
  socket.disconnect();
  await history(label);
  assert.deepEqual(await written(room, 6), ["create-room", "join-room", "join-room", "leave-room", "leave-room", "delete-room"]);
}, { modes });

// Between servers

api("servers send events to each other, which no client hears", async ({ connect }) => {
  const [one, two] = [await connect("/", { path: "/one" }), await connect("/", { path: "/two" })];
  const heard = [one, two].map((socket) => collect(socket, "write down"));
  const label = randomUUID();
  await ask(one, "server side emit", label, "hello");
  assert.deepEqual(await written(label, 1), ["two was told: hello"]);
  await ask(two, "server side emit", label, "hello yourself");
  assert.deepEqual(await written(label, 2), ["two was told: hello", "one was told: hello yourself"]);
  for (const socket of [one, two]) await ask(socket, "who");
  assert.deepEqual(heard.map(({ seen }) => seen), [[], []]);
}, { modes });

api("servers ask each other, and a server that cannot answer is named", async ({ connect }) => {
  const one = await connect("/", { path: "/one" });
  const { replies, missing } = await ask(one, "server side ask", "/rooms");
  assert.deepEqual([replies.map(({ server }) => server), missing], [["two"], []]);
  await ask(one, "cut off", "two");
  const without = await ask(one, "server side ask", "/rooms").finally(() => ask(one, "heal"));
  assert.deepEqual(without.replies, []);
  assert.equal(without.missing.length, 1);
  assert.match(without.missing[0], /two/);
  const again = await ask(one, "server side ask", "/rooms");
  assert.deepEqual(again.replies.map(({ server }) => server), ["two"]);
}, { modes: ["websocket"], versions: [4] });
