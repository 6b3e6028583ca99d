// How sockets of the official JavaScript client live on the Rust server, over each transport: namespaces, ends, rooms,
// order, the upgrade.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { ask, collect, next, upgraded } from "./client.mjs";
import { history, roomsAtTheEnd, scenario } from "./scenario.mjs";

// Namespaces

scenario("several namespaces share one connection and stay apart", async ({ connect, manager }) => {
  const on = manager();
  const [main, second] = await Promise.all(["/", "/second"].map((namespace) => connect({ namespace, on })));
  assert.notEqual(main.id, second.id);
  assert.equal((await ask(second, "who")).namespace, "/second");
  assert.equal((await ask(main, "who")).namespace, "/");
  main.on("told", () => assert.fail("an event of /second reached /"));
  const told = next(second, "told");
  await ask(second, "tell", { via: "io", text: "second only" });
  assert.deepEqual(await told, ["second only"]);
  second.disconnect();
  assert.equal((await ask(main, "who")).id, main.id, "the other namespace lives on");
  const again = await connect({ namespace: "/second", on });
  assert.equal((await ask(again, "who")).namespace, "/second");
});

scenario("an unknown namespace is refused", async ({ connect, manager }) => {
  const on = manager();
  const main = await connect({ on });
  await assert.rejects(connect({ namespace: "/nowhere", on }), (error) => error.message === "Invalid namespace");
  assert.equal((await ask(main, "who")).id, main.id);
});

scenario("a layer on connect refuses with message and data, or lets in", async ({ connect, manager }) => {
  const on = manager();
  await connect({ on });
  await assert.rejects(connect({ namespace: "/guarded", auth: { token: "wrong" }, on }), (error) => {
    assert.equal(error.message, "not authorized");
    assert.deepEqual(error.data, { code: 401, retry: [true, null] });
    return true;
  });
  const inside = on.socket("/guarded");
  inside.auth = { token: "open sesame" };
  inside.connect();
  await next(inside, "connect");
  assert.equal((await ask(inside, "who")).namespace, "/guarded");
});

// Ends

scenario("the server ends one namespace: both sides know why, the others live on", async ({ connect, labelled, manager }) => {
  const on = manager();
  const { socket, label } = await labelled({ on });
  const second = await connect({ namespace: "/second", on });
  const ended = next(socket, "disconnect");
  socket.emit("end me", false);
  assert.equal((await ended)[0], "io server disconnect");
  assert.deepEqual(await history(label), ["connect /", "disconnect / server namespace disconnect"]);
  assert.equal((await ask(second, "who")).id, second.id);
});

scenario("the server ends the whole connection: every namespace knows why", async ({ connect, labelled, manager }) => {
  const on = manager();
  const { socket, label } = await labelled({ on });
  const second = await connect({ namespace: "/second", auth: { label }, on });
  const ends = [socket, second].map((one) => next(one, "disconnect"));
  const closed = next(on.engine, "close");
  socket.emit("end me", true);
  for (const end of ends) assert.equal((await end)[0], "io server disconnect");
  await closed;
  const seen = await history(label, 2);
  assert.deepEqual(seen.slice(2).sort(), ["disconnect / server namespace disconnect", "disconnect /second server namespace disconnect"]);
});

scenario("the client leaves a namespace: the server runs on_disconnect once, rooms still readable", async ({ labelled }) => {
  const { socket, label } = await labelled();
  const { id } = socket;
  await ask(socket, "join", [`room of ${label}`]);
  socket.disconnect();
  assert.deepEqual(await history(label), ["connect /", "disconnect / client namespace disconnect"]);
  assert.deepEqual(await roomsAtTheEnd(label), [id, `room of ${label}`].sort());
});

// Node's own server may lose it; here, events and ends are taken in the order in which they come.
scenario("what the client sends right before it leaves is handled", async ({ labelled }) => {
  const { socket, label } = await labelled();
  const rooms = [socket.id, "one", "two"];
  socket.emit("join", ["one"]);
  socket.emit("join", ["two"]);
  socket.disconnect();
  assert.deepEqual(await history(label), ["connect /", "disconnect / client namespace disconnect"]);
  assert.deepEqual(await roomsAtTheEnd(label), rooms.sort());
});

scenario("the client's engine closes: the server sees the transport close, in every namespace", async ({ connect, labelled, manager }) => {
  const on = manager();
  const { socket, label } = await labelled({ on });
  await connect({ namespace: "/second", auth: { label }, on });
  const ended = next(socket, "disconnect");
  on.engine.close();
  await ended;
  const seen = await history(label, 2);
  assert.deepEqual(seen.slice(2).sort(), ["disconnect / transport close", "disconnect /second transport close"]);
});

scenario("when the server closes the engine, the client comes back by itself, under a new id", async ({ labelled }) => {
  const { socket, label } = await labelled({ reconnection: true, reconnectionDelay: 10, randomizationFactor: 0 });
  const first = socket.id;
  const ended = next(socket, "disconnect");
  const back = next(socket, "connect");
  socket.io.engine.write("no Socket.IO packet"); // a violation: the server closes the session
  assert.match((await ended)[0], /^transport (close|error)$/);
  await back;
  assert.notEqual(socket.id, first);
  assert.equal((await ask(socket, "who")).id, socket.id);
  assert.deepEqual(await history(label), ["connect /", "disconnect / forced close", "connect /"]);
});

// Rooms and order

/** Three sockets in one namespace, each with what it was told. */
async function three(connect) {
  const sockets = await Promise.all(["a", "b", "c"].map(() => connect()));
  const told = sockets.map((socket) => collect(socket, "told"));
  const [a] = sockets;
  /** Emits through the server by way of `a`, then to everybody: what was told to whom before that. */
  const tell = async (how) => {
    const before = told.map(({ seen }) => seen.length);
    await ask(a, "tell", { text: "x", ...how });
    await ask(a, "tell", { via: "io", text: "fence" });
    return Promise.all(
      told.map(async ({ seen }, i) => {
        const fence = () => seen.findIndex(([text], at) => at >= before[i] && text === "fence");
        while (fence() < 0) await next(sockets[i], "told");
        return fence() - before[i];
      }),
    );
  };
  return { sockets, tell };
}

scenario("rooms: union without duplicates, except, broadcast, leave", async ({ connect }) => {
  const { sockets: [a, b, c], tell } = await three(connect);
  const [r1, r2] = [randomUUID(), randomUUID()];
  await ask(a, "join", [r1]);
  await ask(b, "join", [r1, r2]);
  await ask(c, "join", [r2]);
  assert.deepEqual(await tell({ via: "io", to: [r1] }), [1, 1, 0]);
  assert.deepEqual(await tell({ via: "io", to: [r1, r2] }), [1, 1, 1], "in two of the rooms, told once");
  assert.deepEqual(await tell({ via: "io", to: [r1, r2], except: [r2] }), [1, 0, 0]);
  assert.deepEqual(await tell({ via: "io", to: [r1, r2], except: [a.id] }), [0, 1, 1], "a socket's id is a room");
  assert.deepEqual(await tell({ via: "socket", to: [r1] }), [0, 1, 0], "not to oneself");
  assert.deepEqual(await tell({ via: "broadcast" }), [0, 1, 1]);
  assert.deepEqual(await tell({ via: "io", to: [c.id] }), [0, 0, 1]);
  assert.deepEqual(await tell({ via: "io", except: [r2] }), [1, 0, 0]);
  assert.deepEqual(await tell({ via: "io", to: ["an empty room"] }), [0, 0, 0]);
  await ask(b, "leave", r1);
  assert.deepEqual(await tell({ via: "io", to: [r1] }), [1, 0, 0]);
});

scenario("a socket that is gone is in no room", async ({ connect, labelled }) => {
  const { sockets: [a, b, c], tell } = await three(connect);
  const room = randomUUID();
  for (const one of [a, b, c]) await ask(one, "join", [room]);
  assert.equal(await ask(a, "count", room), 3);
  const { label, socket } = await labelled();
  await ask(socket, "join", [room]);
  assert.equal(await ask(a, "count", room), 4);
  socket.disconnect();
  await history(label);
  assert.equal(await ask(a, "count", room), 3);
  assert.deepEqual(await tell({ via: "io", to: [room] }), [1, 1, 1]);
});

scenario("a volatile event reaches a client that is ready for it", async ({ connect }) => {
  const socket = await connect();
  const arrived = next(socket, "maybe");
  // On polling a client is ready only while it asks; so it is offered until one arrives.
  let got = false;
  arrived.then(() => (got = true));
  let offers = 0;
  while (!got) {
    assert.ok(++offers < 1000, "none of 1000 volatile events arrived");
    await ask(socket, "offer", offers);
  }
  assert.deepEqual(Object.keys(await arrived), ["0"]);
}, ["polling", "websocket", "upgraded"]);

scenario("1000 events keep their order, both ways at once", async ({ connect }) => {
  const socket = await connect();
  const ticks = collect(socket, "tick");
  socket.emit("ticks", 1000);
  for (let i = 0; i < 1000; i++) socket.emit("item", i);
  const order = Array.from({ length: 1000 }, (_, i) => i);
  assert.deepEqual((await ticks.reach(1000)).flat(), order);
  assert.deepEqual(await ask(socket, "items"), order);
});

scenario("events sent one by one keep their order right through the upgrade", async ({ connect, manager }) => {
  const on = manager();
  const socket = await connect({ on });
  const echoes = collect(socket, "echo");
  let moved = false;
  const upgrade = upgraded(on).then(() => (moved = true));
  let sent = 0;
  while (!moved || sent < 50) {
    socket.emit("echo", sent++);
    await new Promise(setImmediate);
    assert.ok(sent < 100_000, "the upgrade never came");
  }
  await upgrade;
  assert.deepEqual((await echoes.reach(sent)).flat(), Array.from({ length: sent }, (_, i) => i));
}, ["upgrading"]);

scenario("the upgrade takes place: from polling to a websocket, the same session and socket", async ({ connect, manager }) => {
  const on = manager();
  const opened = next(on, "open").then(() => {
    assert.equal(on.engine.transport.name, "polling");
    const before = on.engine.id;
    return next(on.engine, "upgrade").then(([transport]) => [transport.name, before]);
  });
  const socket = await connect({ on });
  const id = socket.id;
  const [name, before] = await opened;
  assert.equal(name, "websocket");
  assert.equal(on.engine.transport.name, "websocket");
  assert.equal(on.engine.id, before);
  assert.equal((await ask(socket, "who")).id, id);
}, ["upgrading"]);
