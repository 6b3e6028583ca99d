// The official client's own connection state recovery: what it missed, by both parsers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Manager } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";
import { MODES, ask, collect, next, within } from "./client.mjs";
import { start } from "./server.mjs";

let server;

before(async () => {
  server = await start("example-interop", /^listening on (\d+)$/);
});

after(() => server?.stop("SIGKILL"));

const PARSERS = { default: ["/recovery", {}], msgpack: ["/recovery-msgpack", { parser: msgpack }] };

/** A socket that has had its first event, and a witness that stays. */
async function pair(t, parser, mode, namespace) {
  const [path, options] = PARSERS[parser];
  const connect = async (reconnectionDelay) => {
    const manager = new Manager(server.url, { ...MODES[mode], path, autoConnect: false, reconnectionDelay, randomizationFactor: 0, ...options });
    t.after(() => manager._close());
    const socket = manager.socket(namespace);
    const visits = next(socket, "visits");
    socket.connect();
    assert.equal((await visits)[0], 1);
    return socket;
  };
  return [await connect(300), await connect(300)];
}

/** The connection breaks, and the server knows. */
async function cut(socket, witness) {
  const { id } = socket;
  const gone = next(socket, "disconnect");
  socket.io.engine.close();
  await gone;
  while (await ask(witness, "here", id)) await new Promise((resolve) => setTimeout(resolve, 5));
  return id;
}

for (const parser of Object.keys(PARSERS)) {
  for (const mode of Object.keys(MODES)) {
    for (const namespace of ["/", "/second"]) {
      test(`${parser}, ${mode}, ${namespace}: a client that was cut off finds its socket, and gets what it missed`, async (t) => {
        const [socket, witness] = await pair(t, parser, mode, namespace);
        assert.equal(socket.recovered, false, "a newcomer is not recovered");
        await ask(socket, "join", "mine");
        const told = collect(socket, "told");
        for (let round = 1; round <= 3; round++) {
          const back = next(socket, "connect");
          const visits = next(socket, "visits");
          const id = await cut(socket, witness);
          await ask(witness, "tell", "mine", [round, round + 0.5]);
          await ask(witness, "tell", "elsewhere", ["not for it"]);
          await back;
          assert.equal(socket.recovered, true);
          assert.equal(socket.id, id);
          assert.equal(await ask(socket, "recovered"), true);
          assert.equal((await visits)[0], round + 1, "data are kept");
          await ask(witness, "tell", "mine", [`${round} live`]);
          await told.reach(3 * round);
        }
        const values = told.seen.map(([value]) => value);
        assert.deepEqual(values, [1, 1.5, "1 live", 2, 2.5, "2 live", 3, 3.5, "3 live"]);
        assert.ok(told.seen.every(([, bytes]) => Buffer.from(bytes).equals(Buffer.from([1, 2]))));
      });
    }
  }

  test(`${parser}: a client whose session is unknown is told so`, async (t) => {
    const [socket, witness] = await pair(t, parser, "websocket", "/");
    const back = next(socket, "connect");
    const id = await cut(socket, witness);
    socket._lastOffset = "never";
    await within(back, "the client");
    assert.equal(socket.recovered, false);
    assert.notEqual(socket.id, id);
  });

  test(`${parser}: who has left is a newcomer afterwards`, async (t) => {
    const [socket] = await pair(t, parser, "websocket", "/");
    const { id } = socket;
    socket.disconnect();
    const back = next(socket, "connect");
    socket.connect();
    await back;
    assert.equal(socket.recovered, false);
    assert.notEqual(socket.id, id);
  });
}
