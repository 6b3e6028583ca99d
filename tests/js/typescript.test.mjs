// The declaration of its events that a server writes, checked with the real compiler, and the client that stands on it.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { root, start } from "./server.mjs";

// Inside this folder, so that the client's package is found.
const out = fileURLToPath(new URL("out/typescript/", import.meta.url));
const tsc = fileURLToPath(new URL("node_modules/typescript/bin/tsc", import.meta.url));

const CONFIG = {
  compilerOptions: {
    strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, noEmitOnError: true,
    target: "es2022", module: "nodenext", moduleResolution: "nodenext", lib: ["es2022", "dom"], types: ["node"],
  },
};

let server;

before(async () => {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  server = await start("example-typed", /^listening on (\d+)$/, 0, { EVENTS: path.join(out, "events.d.ts") });
  await copyFile(path.join(root, "examples/typed/client/client.ts"), path.join(out, "client.ts"));
  await writeFile(path.join(out, "package.json"), JSON.stringify({ type: "module" }));
});
after(() => server?.stop("SIGKILL"));

function run(...args) {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: out, timeout: 120_000 }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}

/** Compiles one file, and gives what the compiler says. */
async function compile(file, text) {
  if (text) await writeFile(path.join(out, file), text);
  await writeFile(path.join(out, "tsconfig.json"), JSON.stringify({ ...CONFIG, files: [file] }));
  return run(tsc, "--project", "tsconfig.json");
}

test("the events are written in the order of their names, with all types that they need", async () => {
  const text = await readFile(path.join(out, "events.d.ts"), "utf8");
  const names = [...text.matchAll(/^export (?:type|interface) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(names, ["ErrorAck", "Add", "ChatMessage", "Mood", "Rename", "Riddle", "Solution", "Welcome", "ClientToServerEvents", "ServerToClientEvents"]);
  const events = [...text.matchAll(/^ {2}"([^"]+)": /gm)].map(([, name]) => name);
  assert.deepEqual(events, ["add", "chat message", "play", "rename", "chat message", "riddle", "welcome"]);
});

test("the example's client compiles, and talks with the server", async () => {
  assert.deepEqual(await compile("client.ts"), { code: 0, stdout: "", stderr: "" });
  const { code, stdout, stderr } = await run("client.js", server.url);
  assert.deepEqual([code, stderr], [0, ""]);
  const lines = stdout.trim().split("\n");
  assert.deepEqual(lines, [
    "welcome: 1 online",
    "happy message: look, 3 bytes",
    "sad message: hello, no bytes",
    "sum: 3",
    "sum: 42, null",
    "renamed: ADA",
    "refused: a name has letters",
    "riddle: What is the answer?",
    "played: true",
  ]);
});

const HEAD = `
import type { Socket } from "socket.io-client";
import type { ClientToServerEvents, ServerToClientEvents } from "./events.js";
declare const socket: Socket<ServerToClientEvents, ClientToServerEvents>;
`;

const RIGHT = {
  "an event with its payload": `socket.emit("chat message", { text: "a", mood: "sad", picture: null });`,
  "several arguments and a callback": `socket.emit("add", 1, 2, (sum) => sum.toFixed());`,
  "no argument and a callback": `socket.emit("play", (won) => won);`,
  "a listener with its acknowledgement": `socket.on("riddle", ({ question }, ack) => ack({ answer: question }));`,
};

const WRONG = {
  "a name that is no event's": `socket.emit("chat massage", { text: "a", mood: "sad", picture: null });`,
  "a name that only the server sends": `socket.emit("welcome", { online: 1 });`,
  "a listener for a name that only clients send": `socket.on("rename", () => {});`,
  "a payload that lacks a field": `socket.emit("chat message", { text: "a", mood: "sad" });`,
  "a payload with a field of another type": `socket.emit("chat message", { text: "a", mood: "bored", picture: null });`,
  "numbers where bytes belong": `socket.emit("chat message", { text: "a", mood: "sad", picture: [1] });`,
  "too few arguments": `socket.emit("add", 1, (sum) => sum);`,
  "an argument of another type": `socket.emit("add", 1, "2", (sum) => sum);`,
  "an event whose acknowledgement is not asked for": `socket.emit("add", 1, 2);`,
  "an acknowledgement that is not there": `socket.emit("chat message", { text: "a", mood: "sad", picture: null }, () => {});`,
  "an acknowledgement read as another type": `socket.emit("add", 1, 2, (sum: string) => sum);`,
  "an acknowledgement awaited as another type": `const won: string = await socket.emitWithAck("play");`,
  "an answer of which it was forgotten that it may be an error": `const name: string = await socket.emitWithAck("rename", "a");`,
  "a listener that reads another payload": `socket.on("welcome", ({ online }: { online: string }) => online);`,
  "an answer of another type": `socket.on("riddle", ({ question }, ack) => ack(question));`,
};

test("what is right compiles", async () => {
  const text = HEAD + Object.values(RIGHT).join("\n") + "\nexport {};\n";
  assert.deepEqual(await compile("right.ts", text), { code: 0, stdout: "", stderr: "" });
});

test("what is wrong is refused, all of it", async () => {
  const first = HEAD.split("\n").length;
  const names = Object.keys(WRONG);
  const { code, stdout } = await compile("wrong.ts", HEAD + Object.values(WRONG).join("\n") + "\nexport {};\n");
  assert.notEqual(code, 0);
  const refused = new Set([...stdout.matchAll(/^wrong\.ts\((\d+),/gm)].map(([, line]) => names[line - first]));
  assert.deepEqual([...refused], names, stdout);
});
