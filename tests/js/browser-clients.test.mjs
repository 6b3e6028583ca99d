// The official clients as browsers run them: with the browser's own requests and websockets, which do what Node's cannot.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { launch } from "./browser.mjs";
import { MODES } from "./client.mjs";
import { serverUrl } from "./scenario.mjs";
import { DEADLINE, start } from "./server.mjs";

let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

/** A page with this script, and the content types that its polling sent and got. */
async function pageWith(t, script) {
  const page = await browser.newPage();
  t.after(() => page.close());
  page.setDefaultTimeout(DEADLINE);
  const types = { sent: new Set(), got: new Set() };
  const essence = (headers) => headers["content-type"]?.split(";")[0];
  page.on("request", (request) => request.method() === "POST" && types.sent.add(essence(request.headers())));
  page.on("response", (response) => /transport=polling/.test(response.url()) && response.request().method() === "GET" && types.got.add(essence(response.headers())));
  await page.goto(`${serverUrl()}/hello`);
  await page.addScriptTag({ path: fileURLToPath(new URL(`node_modules/${script}`, import.meta.url)) });
  return { page, types };
}

/** Runs this function in the page, until the deadline. */
const inPage = (page, run, argument) =>
  page.evaluate(`Promise.race([(${run})(${JSON.stringify(argument)}), new Promise((_, late) => setTimeout(late, ${DEADLINE}, new Error("too late")))])`);

/** In the page: texts and binaries are echoed, alone and among each other. Gives back what they are, what came, and how. */
function echoes({ options, upgraded }) {
  return new Promise((resolve, reject) => {
    const socket = window.eio(location.origin, options);
    socket.binaryType = "arraybuffer";
    const sent = ["Grüße 🙂", Uint8Array.of(0, 4, 255).buffer, "", new ArrayBuffer(0), Uint8Array.from({ length: 100_000 }, (_, i) => i % 251).buffer, "x€".repeat(50_000)];
    const sum = (data) => new Uint8Array(data).reduce((sum, byte) => (Math.imul(sum, 31) + byte) | 0, 7);
    const plain = (data = "") => (typeof data === "string" ? data : { length: data.byteLength, sum: sum(data) });
    const got = [];
    socket.on("error", reject);
    socket.on("message", (data) => {
      got.push(plain(data));
      // First one by one, then all at once.
      if (got.length < sent.length) return socket.send(sent[got.length]);
      if (got.length === sent.length) return sent.forEach((one) => socket.send(one));
      if (got.length < 2 * sent.length) return;
      const transport = socket.transport.name;
      socket.close();
      resolve({ expected: [...sent, ...sent].map(plain), got, transport });
    });
    socket.on(upgraded ? "upgrade" : "open", () => socket.send(sent[0]));
  });
}

for (const [client, script, revision] of [["engine.io-client 6", "engine.io-client/dist/engine.io.js", 4], ["engine.io-client 3", "engine.io-client-3/engine.io.js", 3]]) {
  for (const [mode, { transports }] of Object.entries(MODES)) {
    test(`${client} in a browser, ${mode}: text and binary are echoed`, async (t) => {
      const { page, types } = await pageWith(t, script);
      const { expected, got, transport } = await inPage(page, echoes, { options: { path: "/engine.io", transports }, upgraded: mode === "upgraded" });
      assert.deepEqual(got, expected);
      if (mode === "websocket" || mode === "upgraded") assert.equal(transport, "websocket");
      if (mode !== "polling") return;
      // Revision 3 has binary payloads, and this is the only client here that speaks them.
      const binary = revision === 3;
      assert.equal(types.sent.has("application/octet-stream"), binary);
      assert.equal(types.got.has("application/octet-stream"), binary);
    });
  }
}

/** In the page: an event with binary in it is echoed, and acknowledgements go both ways. */
function talk({ options, upgraded }) {
  return new Promise((resolve, reject) => {
    const socket = window.io(location.origin, options);
    socket.on("connect_error", reject);
    socket.on("question", (question, answer) => answer(`${question} Yes!`));
    socket.on("echo", (text, doc) => {
      socket.emit("ask me", "Ready?", 10_000, ({ answer }) => {
        const transport = socket.io.engine.transport.name;
        socket.disconnect();
        resolve({ text, bytes: Array.from(new Uint8Array(doc.bytes)), answer, transport });
      });
    });
    const begin = () => socket.emit("echo", "Grüße 🙂", { bytes: Uint8Array.of(0, 4, 255) });
    socket.on("connect", () => {
      if (upgraded && socket.io.engine.transport.name === "polling") socket.io.engine.on("upgrade", begin);
      else begin();
    });
  });
}

for (const [client, script] of [["socket.io-client 4", "socket.io-client/dist/socket.io.js"], ["socket.io-client 3", "socket.io-client-3/dist/socket.io.js"]]) {
  for (const [mode, { transports }] of Object.entries(MODES)) {
    test(`${client} in a browser, ${mode}: binary is echoed, and both sides answer`, async (t) => {
      const { page } = await pageWith(t, script);
      const { transport, ...talked } = await inPage(page, talk, { options: { transports }, upgraded: mode === "upgraded" });
      assert.deepEqual(talked, { text: "Grüße 🙂", bytes: [0, 4, 255], answer: "Ready? Yes!" });
      if (mode === "websocket" || mode === "upgraded") assert.equal(transport, "websocket");
    });
  }
}

/** In the page: a long text goes there and back, and the browser says what was agreed on for it. */
function sendLong({ path }) {
  return new Promise((resolve, reject) => {
    const socket = window.io(location.origin, { path, transports: ["websocket"] });
    const long = "Grüße 🙂 ".repeat(5000);
    socket.on("connect_error", reject);
    socket.on("connect", () => {
      const { extensions } = socket.io.engine.transport.ws;
      socket.emit("ack", long, (back) => {
        socket.disconnect();
        resolve({ extensions, isSame: back === long });
      });
    });
  });
}

for (const [path, extensions] of [["/deflate/", "permessage-deflate; server_no_context_takeover; client_no_context_takeover"], ["/contexts/", "permessage-deflate"], ["/socket.io/", ""]]) {
  test(`socket.io-client 4 in a browser, ${path}: websockets are compressed if the server wants it`, async (t) => {
    const { page } = await pageWith(t, "socket.io-client/dist/socket.io.js");
    assert.deepEqual(await inPage(page, sendLong, { path }), { extensions, isSame: true });
  });
}

test("a page takes the client from the server that it talks to", async (t) => {
  const server = await start("example-interop", /^listening on (\d+)$/, 0, {
    CLIENT: fileURLToPath(new URL("node_modules/socket.io-client/dist", import.meta.url)),
  });
  t.after(() => server.stop("SIGKILL"));
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(`${server.url}/hello`);
  await page.addScriptTag({ url: `${server.url}/socket.io/socket.io.min.js` });
  const { transport, answer } = await inPage(page, talk, { options: { transports: ["polling", "websocket"] }, upgraded: true });
  assert.deepEqual({ transport, answer }, { transport: "websocket", answer: "Ready? Yes!" });
});
