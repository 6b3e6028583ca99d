// The official client's files, from its npm package, as a browser asks for them.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { start } from "./server.mjs";

const directory = fileURLToPath(new URL("node_modules/socket.io-client/dist/", import.meta.url));
const { version } = JSON.parse(await readFile(new URL("node_modules/socket.io-client/package.json", import.meta.url), "utf8"));
const NAMES = ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"].flatMap((name) => [name, `${name}.map`]);

let server;

before(async () => {
  server = await start("example-interop", /^listening on (\d+)$/, 0, { CLIENT: directory });
});
after(() => server?.stop("SIGKILL"));

for (const name of NAMES) {
  test(`${name} comes whole, with its type and its version, and not again when it is known`, async () => {
    const url = `${server.url}/socket.io/${name}?x=1`;
    const answer = await fetch(url);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), `application/${name.endsWith(".map") ? "json" : "javascript"}; charset=utf-8`);
    assert.equal(answer.headers.get("etag"), `"${version}"`);
    assert.equal(answer.headers.get("cache-control"), "public, max-age=0");
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), await readFile(`${directory}${name}`));
    for (const known of [`"${version}"`, `W/"${version}"`]) {
      const again = await fetch(url, { headers: { "if-none-match": known } });
      assert.deepEqual([again.status, await again.text()], [304, ""]);
    }
  });
}

test("any other name is the engine's", async () => {
  for (const name of ["socket.io.esm.js", "package.json", "..%2fpackage.json"]) {
    const answer = await fetch(`${server.url}/socket.io/${name}`);
    assert.deepEqual([answer.status, (await answer.json()).code], [400, 0], name);
  }
});
