// A real browser over HTTP/2: its websocket is a stream of the connection that the page came over (RFC 8441).
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { launch } from "./browser.mjs";
import { DEADLINE, start } from "./server.mjs";

const client = fileURLToPath(new URL("node_modules/socket.io-client/dist/socket.io.js", import.meta.url));

let browser;
let server;

before(async () => {
  server = await start("example-tls", /^listening on (\d+)$/);
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await server?.stop("SIGKILL");
});

/** A page over HTTP/2, in which sessions can be opened: each says what it became, and what the server knows of it. */
async function visit(t) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE);
  await page.goto(`https://localhost:${server.port}/hello`);
  assert.equal(await page.evaluate(() => performance.getEntriesByType("navigation")[0].nextHopProtocol), "h2");
  await page.addScriptTag({ path: client });
  return (transports) =>
    page.evaluate(async (transports) => {
      const socket = io({ transports, reconnection: false, forceNew: true });
      await new Promise((resolve, reject) => {
        socket.on("connect_error", reject);
        socket.on("connect", async () => {
          const { engine } = socket.io;
          if (engine.transport.name === transports.at(-1)) resolve();
          else engine.once("upgrade", resolve);
        });
      });
      const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251);
      const back = new Uint8Array(await socket.timeout(10_000).emitWithAck("echo", bytes));
      const { address } = await socket.timeout(10_000).emitWithAck("whoami");
      const transport = socket.io.engine.transport.name;
      socket.disconnect();
      return { transport, address, same: back.length === bytes.length && back.every((byte, i) => byte === bytes[i]) };
    }, transports);
}

test("polls, a websocket and an upgrade share the page's one connection", async (t) => {
  const open = await visit(t);
  const polling = await open(["polling"]);
  assert.deepEqual(polling, { transport: "polling", address: polling.address, same: true });
  // The same port of the browser's: the same connection.
  assert.deepEqual(await open(["websocket"]), { transport: "websocket", address: polling.address, same: true });
  assert.deepEqual(await open(["polling", "websocket"]), { transport: "websocket", address: polling.address, same: true });
});
