// Namespaces that are there from the start, that come and go, that are decided about; and the middlewares at their doors.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { api, eventually } from "./api.mjs";
import { ask, collect, next, within } from "./client.mjs";
import { history, written } from "./scenario.mjs";

const modes = ["polling", "websocket"];
const DYNAMIC = "^/dynamic-\\w+$";

/** A name of the dynamic namespace that nobody had before. */
const fresh = () => `/dynamic-${randomUUID().replaceAll("-", "")}`;

/** How often the server said that a namespace has come into being. */
const births = async (name) => (await written("new namespaces", 1)).filter((line) => line === name).length;

// Names

api("a namespace is found with and without its slash, and `/` by an empty name", async ({ connect, manager }) => {
  const on = manager();
  const root = await connect("/", { on });
  const socket = await connect("/static", { on });
  const [told, rootTold] = [collect(socket, "told"), collect(root, "told")];
  await ask(root, "tell namespace", "static", "without");
  await ask(root, "tell namespace", "/static", "with");
  await ask(root, "tell namespace", "", "to the root");
  assert.deepEqual(await told.reach(2), [["without"], ["with"]]);
  assert.deepEqual(await rootTold.reach(1), [["to the root"]]);
  assert.ok((await ask(root, "population", "static")) >= 1);
}, { modes });

api("many namespaces share one connection: each socket has its own id and hears only its own", async ({ connect, manager }) => {
  const on = manager();
  const root = await connect("/", { on });
  const names = Array.from({ length: 20 }, fresh);
  const sockets = await Promise.all(names.map((name) => connect(name, { on })));
  assert.equal(new Set([root, ...sockets].map(({ id }) => id)).size, 21);
  const told = sockets.map((socket) => collect(socket, "told"));
  for (const name of names) await ask(root, "tell namespace", name, name);
  for (const [i, { reach }] of told.entries()) assert.deepEqual(await reach(1), [[names[i]]]);
}, { modes });

api("a client leaves one namespace and lives on in the others", async ({ connect, labelled, manager }) => {
  const on = manager();
  const { socket, label } = await labelled("/static", { on });
  const other = await connect("/sockets", { on });
  socket.disconnect();
  assert.deepEqual(await history(label), ["connect /static", "disconnect /static client namespace disconnect"]);
  assert.equal((await ask(other, "who")).namespace, "/sockets");
}, { modes });

api("a pattern takes names apart, into parameters that have types", async ({ connect, refused, unknown, manager }) => {
  const on = manager();
  assert.deepEqual(await ask(await connect("/org/7/room/blue", { on }), "params"), [7, "blue"]);
  assert.equal(await ask(await connect("/files/a/b.txt", { on }), "params"), "a/b.txt");
  assert.deepEqual(await refused("/org/7", { on }), unknown);
  const { error } = await ask(await connect("/org/seven/room/blue", { on }), "params");
  assert.equal(typeof error.message, "string", "what is no number is no parameter");
}, { modes });

api("a regular expression takes the names that match it", async ({ connect, refused, unknown, manager }) => {
  const on = manager();
  const name = fresh();
  assert.equal((await ask(await connect(name, { on }), "who")).namespace, name);
  for (const other of ["/dynamic-", "/dynamic-a-b", "/x/dynamic-1"]) assert.deepEqual(await refused(other, { on }), unknown);
}, { modes });

api("an async function decides about a name, by what the client says", async ({ connect, refused, unknown, manager }) => {
  const on = manager();
  const name = `/tenant-${randomUUID()}`;
  assert.deepEqual(await refused(name, { on, auth: { key: "wrong" } }), unknown);
  assert.equal((await ask(await connect(name, { auth: { key: "right" } }), "who")).namespace, name);
  assert.deepEqual(await refused("/landlord", { auth: { key: "right" } }), unknown);
}, { modes });

// They come and go

api("a namespace is added while the server runs, and removed while a client is in it", async ({ connect, labelled, manager, refused, unknown }) => {
  const on = manager();
  const root = await connect("/", { on });
  const name = `/added-${randomUUID()}`;
  assert.deepEqual(await refused(name), unknown);
  assert.equal(await ask(root, "add namespace", name), null);
  assert.match(await ask(root, "add namespace", name), /added/, "there is one already");
  assert.equal(await births(name), 1);
  const { socket, label } = await labelled(name, { on });
  assert.equal(await ask(root, "population", name), 1);
  const ended = next(socket, "disconnect");
  assert.equal(await ask(root, "remove namespace", name), true);
  assert.equal((await ended)[0], "io server disconnect");
  assert.deepEqual(await history(label), [`connect ${name}`, `disconnect ${name} server namespace disconnect`]);
  assert.deepEqual(await refused(name), unknown);
  assert.equal(await ask(root, "remove namespace", name), false);
  assert.equal((await ask(root, "who")).namespace, "/", "the client lives on");
}, { modes });

api("a child is forgotten when the last client leaves, and made again for the next one", async ({ connect, labelled }) => {
  const root = await connect("/");
  const name = fresh();
  const [{ socket, label }, other] = [await labelled(name), await labelled(name)];
  socket.disconnect();
  await history(label);
  assert.equal(await ask(root, "has namespace", name), true, "somebody is in it");
  other.socket.disconnect();
  await history(other.label);
  await eventually(async () => !(await ask(root, "has namespace", name)), `${name} is forgotten`);
  const again = await connect(name);
  assert.equal((await ask(again, "who")).namespace, name);
  assert.equal(await births(name), 2);
}, { modes });

api("without clean-up a child stays", async ({ connect, labelled }) => {
  const root = await connect("/", { path: "/one" });
  const name = `/kept-${randomUUID()}`;
  const { socket, label } = await labelled(name, { path: "/one" });
  socket.disconnect();
  await history(label);
  assert.ok((await ask(root, "children")).includes(name));
  assert.equal((await ask(await connect(name, { path: "/one" }), "who")).namespace, name);
  assert.equal((await ask(root, "children")).filter((child) => child === name).length, 1);
}, { modes });

api("a refused client leaves no empty child behind, and does not end one that others are in", async ({ connect, refused, version }) => {
  const root = await connect("/");
  const [alone, shared] = [fresh(), fresh()];
  const entry = version === 2 ? ["no entry"] : ["no entry", undefined];
  assert.deepEqual(await refused(alone, { auth: { way: "refuse" } }), entry);
  await eventually(async () => !(await ask(root, "has namespace", alone)), `${alone} is forgotten`);
  const inside = await connect(shared);
  assert.deepEqual(await refused(shared, { auth: { way: "refuse" } }), entry);
  const told = next(inside, "told");
  await ask(root, "tell namespace", shared, "still here");
  assert.deepEqual(await told, ["still here"]);
}, { modes });

api("a namespace that has a name of its own stays when everybody leaves", async ({ connect, labelled }) => {
  const { socket, label } = await labelled("/static");
  socket.disconnect();
  await history(label);
  const root = await connect("/");
  assert.equal(await ask(root, "has namespace", "/static"), true);
  assert.equal(await births("/static"), 1);
}, { modes });

api("clients that ask for a child at the same time get the same one", async ({ connect }) => {
  const name = fresh();
  const sockets = await Promise.all(Array.from({ length: 6 }, () => connect(name)));
  assert.equal(await births(name), 1);
  const root = await connect("/");
  assert.equal(await ask(root, "population", name), 6);
  const told = sockets.map((socket) => collect(socket, "told"));
  await ask(root, "tell namespace", name, "all of you");
  for (const { reach } of told) assert.deepEqual(await reach(1), [["all of you"]]);
}, { modes });

api("the server says which namespaces come into being: those of its beginning, children, never `/`", async ({ connect }) => {
  const name = fresh();
  assert.equal(await births(name), 0);
  await connect(name);
  await connect(name);
  assert.deepEqual(await Promise.all([name, "/static", "/"].map(births)), [1, 1, 0]);
}, { modes });

api("what is emitted to a parent reaches all of its children, in rooms where rooms are meant", async ({ connect }) => {
  const root = await connect("/");
  const names = [fresh(), fresh()];
  const [a, b, c, out] = await Promise.all([...names, names[1], "/static"].map((name) => connect(name)));
  const room = randomUUID();
  for (const socket of [a, b, out]) await ask(socket, "join", [room]);
  const told = [a, b, c, out].map((socket) => collect(socket, "told"));
  const tell = async (how) => {
    const before = told.map(({ seen }) => seen.length);
    await ask(root, "tell children", { parent: DYNAMIC, text: "x", ...how });
    for (const socket of [a, b, c, out]) await ask(socket, "who"); // what was told before has come
    return told.map(({ seen }, i) => seen.length - before[i]);
  };
  assert.deepEqual(await tell({}), [1, 1, 1, 0]);
  assert.deepEqual(await tell({ to: [room] }), [1, 1, 0, 0]);
  assert.deepEqual(await tell({ except: [room] }), [0, 0, 1, 0]);
  const children = await ask(root, "children", DYNAMIC);
  for (const name of names) assert.ok(children.includes(name));
}, { modes });

// Middlewares

api("middlewares run one after the other before the client is in; handlers know what they found out", async ({ labelled }) => {
  const { socket, label } = await labelled("/middlewares", { auth: { user: "anna" } });
  const seen = ["first, connected: false", "second ended", "third anna", "connect /middlewares"];
  assert.deepEqual(await written(label, 4), seen);
  assert.equal(await ask(socket, "who am i"), "anna");
  assert.equal(await ask(socket, "connected"), true);
  const other = await labelled("/middlewares", { auth: { user: "berta" } });
  assert.equal(await ask(other.socket, "who am i"), "berta");
}, { modes, versions: [4, 3] });

api("middlewares run one after the other before an old client is in", async ({ labelled }) => {
  const { socket, label } = await labelled("/middlewares", { auth: { user: "anna" } });
  assert.deepEqual(await written(label, 4), ["first, connected: false", "second ended", "third anna", "connect /middlewares"]);
  assert.equal(await ask(socket, "who am i"), "anna");
}, { modes, versions: [2] });

api("a middleware's error refuses with message and data; no later one is asked, no room is left over", async ({ connect, refused, version }) => {
  const root = await connect("/");
  const label = randomUUID();
  const data = { code: 7, why: ["a", null] };
  const told = await refused("/middlewares", { auth: { label, way: "refuse" } });
  assert.deepEqual(told, version === 2 ? [data] : ["no entry", data]);
  assert.deepEqual(await written(label, 2), ["first, connected: false", "second ended"]);
  assert.equal(await ask(root, "size of", "/middlewares", `room of ${label}`), 0);
  const plain = await refused("/middlewares", { auth: { way: "fail" } });
  assert.deepEqual(plain, version === 2 ? ["something is broken"] : ["something is broken", undefined]);
}, { modes });

api("who is let in is in the rooms that middlewares joined", async ({ connect, labelled }) => {
  const root = await connect("/");
  const { label } = await labelled("/middlewares");
  assert.equal(await ask(root, "size of", "/middlewares", `room of ${label}`), 1);
}, { modes });

api("a middleware is asked by the clients of its own namespace only", async ({ connect, labelled, manager, refused }) => {
  const on = manager();
  const { socket, label } = await labelled("/static", { auth: { way: "refuse" }, on });
  assert.notDeepEqual(await refused("/middlewares", { auth: { way: "refuse" }, on }), []);
  assert.equal((await ask(socket, "who")).namespace, "/static");
  assert.deepEqual(await written(label, 1), ["connect /static"]);
}, { modes });

api("what a client sends as soon as it is in is not lost, also after a slow middleware", async ({ connect, join, socket }) => {
  const label = randomUUID();
  const slow = socket("/middlewares", { auth: { label, way: "slow" } });
  for (const i of [0, 1, 2]) slow.emit("item", i); // kept by the client until it is in
  slow.once("connect", () => [3, 4, 5].forEach((i) => slow.emit("item", i)));
  const joined = join(slow);
  assert.deepEqual(await written(label, 2), ["first, connected: false", "second waits"]);
  assert.equal(slow.connected, false);
  await ask(await connect("/"), "open gate", label);
  await joined;
  assert.deepEqual((await ask(slow, "items")).sort(), [0, 1, 2, 3, 4, 5]);
  assert.equal((await written(label, 5)).at(-1), "connect /middlewares");
}, { modes: ["polling", "websocket", "upgraded"] });

api("who goes while a middleware waits never was in", async ({ connect, manager, socket }) => {
  const label = randomUUID();
  const on = manager();
  const slow = socket("/middlewares", { auth: { label, way: "slow" }, on });
  slow.connect();
  await written(label, 2);
  on.engine.close();
  const root = await connect("/");
  await ask(root, "open gate", label);
  const lines = await written(label, 3);
  assert.deepEqual(lines.slice(0, 3), ["first, connected: false", "second waits", "second ended"]);
  await within(eventually(async () => (await ask(root, "size of", "/middlewares", `room of ${label}`)) === 0, "it is in no room"), "the room to be empty");
  assert.ok(!(await written(label, 3)).some((line) => line.startsWith("connect")));
}, { modes });
