// What the Engine.IO scenarios share: clients of two revisions of the protocol, and ways to open sessions with them.
import { test } from "node:test";
import { randomUUID } from "node:crypto";
import { Socket } from "engine.io-client";
import openLegacy from "engine.io-client-3";
import { MODES, collect, next, within } from "./client.mjs";
import { serverUrl } from "./scenario.mjs";

const CLIENTS = {
  "engine.io-client 6": { revision: 4, begin: (url, options) => new Socket(url, options) },
  "engine.io-client 3": { revision: 3, begin: openLegacy },
};

/** One test for each client and mode. The body is given the protocol's revision, the mode, and ways to open sessions by them. */
export function session(name, body, { modes = Object.keys(MODES), revisions = [4, 3], define = test } = {}) {
  for (const [client, { revision, begin }] of Object.entries(CLIENTS)) {
    if (!revisions.includes(revision)) continue;
    for (const mode of modes) define(`${client}, ${mode}: ${name}`, (t) => body(way(t, begin, revision, mode)));
  }
}

function way(t, begin, revision, mode) {
  /** A session that may or may not open, the label under which the server writes down what becomes of it, and its messages. */
  const start = ({ url = serverUrl(), path = "/engine.io", query, ...options } = {}) => {
    const label = randomUUID();
    const socket = begin(url, { ...MODES[mode], path, query: { label, ...query }, ...options });
    t.after(() => socket.close());
    return { socket, label, messages: collect(socket, "message") };
  };
  /** The same, once it is open (and upgraded, in that mode). `prepare` sees the client before anything has come. */
  const open = async ({ prepare = () => {}, ...options } = {}) => {
    const started = start(options);
    const { socket } = started;
    prepare(socket);
    const opened = new Promise((resolve, reject) => {
      socket.once("handshake", (handshake) => (started.handshake = handshake));
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    await within(opened, "the session to open");
    if (mode === "upgraded") await upgraded(socket);
    return started;
  };
  return { t, revision, mode, start, open };
}

/** Resolves once the session has moved from polling to a websocket. */
export async function upgraded(socket) {
  if (socket.transport.name !== "websocket") await next(socket, "upgrade");
}

/** A message's data. (Version 6 calls an empty text undefined; version 3 makes an ArrayBuffer of some binary.) */
const clean = (data = "") => (typeof data === "string" ? data : Buffer.from(data));

/** The data of the first `count` messages. */
export async function first(count, messages) {
  const seen = await messages.reach(count);
  return seen.slice(0, count).map(([data]) => clean(data));
}

/** Sends it, and gives back the next message. */
export async function say(socket, data) {
  const answer = next(socket, "message");
  socket.send(data);
  return clean((await answer)[0]);
}
