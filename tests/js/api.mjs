// What the scenarios of the API share: the servers of examples/interop that have all of it (`/api`, and the cluster of
// `/one` and `/two`), and clients of three versions.
import { test } from "node:test";
import { randomUUID } from "node:crypto";
import legacy from "socket.io-client-2";
import { CLIENTS, MODES, next, within } from "./client.mjs";
import { serverUrl } from "./scenario.mjs";
import { DEADLINE } from "./server.mjs";

const VERSIONS = [
  [4, "socket.io-client 4", CLIENTS["socket.io-client 4"]],
  [3, "socket.io-client 3", CLIENTS["socket.io-client 3"]],
  [2, "socket.io-client 2", legacy.Manager],
];

/** One test for each client and mode. The body is given both, and the ways to connect by them. */
export function api(name, body, { modes = ["polling", "websocket", "upgraded"], versions = [4, 3, 2] } = {}) {
  for (const [version, client, Manager] of VERSIONS.filter(([version]) => versions.includes(version))) {
    for (const mode of modes) test(`${client}, ${mode}: ${name}`, (t) => body(way(t, version, Manager, mode)));
  }
}

function way(t, version, Manager, mode) {
  /** A connection of its own, which ends with the test. */
  const manager = ({ url = serverUrl(), ...options } = {}) => {
    const made = new Manager(url, { ...MODES[mode], path: "/api", reconnection: false, autoConnect: false, ...options });
    t.after(() => (version === 2 ? made.close() : made._close()));
    return made;
  };
  /** A socket that is not connected yet. What it says to get in is a query in version 2. */
  const socket = (namespace, { auth = {}, on, ...options } = {}) =>
    (on ?? manager(options)).socket(namespace, version === 2 ? { query: auth } : { auth });
  /** Connects it: rejects with the refusal. */
  const join = async (socket) => {
    const connected = new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once(version === 2 ? "error" : "connect_error", reject);
    });
    socket.connect();
    await within(connected, `the connection to ${socket.nsp}`);
    if (mode === "upgraded") await upgraded(socket.io);
    return socket;
  };
  const connect = (namespace, options) => join(socket(namespace, options));
  return {
    t,
    version,
    mode,
    manager,
    socket,
    join,
    connect,
    /** A connected socket, and the label under which the server writes down what becomes of it. */
    async labelled(namespace, { auth, ...options } = {}) {
      const label = randomUUID();
      return { label, socket: await connect(namespace, { auth: { label, ...auth }, ...options }) };
    },
    /** What a client is told that is not let in: `[message, data]`. Version 2 gets the data, or else the message. */
    async refused(namespace, options) {
      const error = await connect(namespace, options).then(
        () => Promise.reject(new Error(`it was let into ${namespace}`)),
        (error) => error,
      );
      if (error.message?.startsWith("waited in vain")) throw error;
      return version === 2 ? [error] : [error.message, error.data];
    },
    /** What `refused` is for a name that is nobody's. */
    unknown: version === 2 ? [{ message: "Invalid namespace" }] : ["Invalid namespace", undefined],
  };
}

/** Resolves once the connection of a manager has moved from polling to a websocket. */
async function upgraded(manager) {
  if (manager.engine.transport.name !== "websocket") await next(manager.engine, "upgrade");
}

/** Asks again and again, until it is so. */
export async function eventually(question, what) {
  const late = Date.now() + DEADLINE;
  while (!(await question())) {
    if (Date.now() > late) throw new Error(`waited in vain until ${what}`);
  }
}
