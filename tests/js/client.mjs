// The official clients, set up for tests: what is awaited comes before the deadline, or the test fails and says what was missing.
import { Manager } from "socket.io-client";
import { Manager as Manager3 } from "socket.io-client-3";
import { DEADLINE } from "./server.mjs";

/** The versions of the Socket.IO client that every scenario runs with. */
export const CLIENTS = {
  "socket.io-client 4": Manager,
  "socket.io-client 3": Manager3,
};

/** Every scenario runs in each of these. `upgrading` starts at once, while the upgrade goes on; `upgraded` waits for its end. */
export const MODES = {
  polling: { transports: ["polling"] },
  websocket: { transports: ["websocket"] },
  upgrading: { transports: ["polling", "websocket"] },
  upgraded: { transports: ["polling", "websocket"] },
};

/** The promise's result, or a failure that names what did not come. */
export function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), DEADLINE)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The arguments of the next such event of a socket, manager or engine. */
export function next(emitter, event) {
  return within(new Promise((resolve) => emitter.once(event, (...args) => resolve(args))), `the event "${event}"`);
}

/** Asks the server, and gives back what it acknowledges with. (Version 3 has no `emitWithAck`.) */
export function ask(socket, event, ...args) {
  return within(new Promise((resolve) => socket.emit(event, ...args, resolve)), `the acknowledgement of "${event}"`);
}

/** All such events from now on: their arguments in `seen`, and ways to wait until there are enough of them. */
export function collect(emitter, event) {
  const seen = [];
  let check = () => {};
  emitter.on(event, (...args) => {
    seen.push(args);
    check();
  });
  const until = (enough, what) => {
    const reached = new Promise((resolve) => {
      check = () => enough(seen) && resolve(seen);
      check();
    });
    return within(reached, what);
  };
  const reach = (count) => until(() => seen.length >= count, `${count} times "${event}"`);
  return { seen, until, reach };
}

/** A manager of its own (one engine connection), which ends with the test. */
export function manager(t, url, mode, { Client = Manager, ...options } = {}) {
  const made = new Client(url, { ...MODES[mode], reconnection: false, autoConnect: false, ...options });
  t.after(() => made._close());
  return made;
}

/** Resolves once the connection of a manager has moved from polling to a websocket. */
export async function upgraded(manager) {
  if (manager._readyState !== "open") await next(manager, "open");
  if (manager.engine.transport.name !== "websocket") await next(manager.engine, "upgrade");
}

/** A socket that is connected, on a connection of its own unless a manager is given; refused: rejects with the `connect_error`. */
export async function connect(t, url, mode, { namespace = "/", auth, on, ...options } = {}) {
  const through = on ?? manager(t, url, mode, options);
  const socket = through.socket(namespace, { auth });
  const moved = mode === "upgraded" && upgraded(through);
  const connected = new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  socket.connect();
  await Promise.all([within(connected, `the connection to ${namespace}`), moved]);
  return socket;
}
