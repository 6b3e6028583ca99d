// The chat's page. Its only library is the official Socket.IO client, which the server hands out at /client/.

const TYPING_PAUSE = 2500; // ms without a key press after which one is no longer typing
const TYPING_FORGOTTEN = 6000; // ms after which a forgotten "is typing" of somebody else goes away
const SEND_TIMEOUT = 20000; // ms to wait until the server has taken a message

const $ = (id) => document.getElementById(id);

/** An element with a class, children and a text. The text is never read as HTML. */
function make(tag, { className = "", text, children = [] } = {}) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  element.append(...children);
  return element;
}

/** One colour per name, the same on every screen. */
function hue(name) {
  let hash = 7;
  for (const letter of name.toLowerCase()) hash = (hash * 31 + letter.codePointAt(0)) % 360;
  return hash;
}

function face(name) {
  const element = make("span", { className: "face", text: [...name][0].toUpperCase() });
  element.style.setProperty("--hue", hue(name));
  element.ariaHidden = "true";
  return element;
}

/** Proves to the server, after a lost connection, that this is still the same person. */
function ownKey() {
  let key = sessionStorage.getItem("key");
  if (!key) {
    key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem("key", key);
  }
  return key;
}

if (!window.io) {
  $("door-online").textContent = "The Socket.IO client could not be loaded from /client/. Run `make setup`, then reload.";
  throw new Error("no Socket.IO client");
}

// Two namespaces over one connection: who is online, and the talk itself.
const manager = new io.Manager({ autoConnect: false, reconnectionDelay: 500, reconnectionDelayMax: 4000 });
const stats = manager.socket("/stats");
const me = { nick: "", room: "lobby" };
// Asked again at each reconnection, so one comes back with the same name and to the same room.
const chat = manager.socket("/", { auth: (done) => done({ ...me, key: ownKey() }) });

// The door

$("nick").value = sessionStorage.getItem("nick") ?? "";

$("join").addEventListener("submit", (event) => {
  event.preventDefault();
  Object.assign(me, { nick: $("nick").value, room: $("room").value });
  $("refusal").textContent = "";
  chat.connect();
});

function showDoor(why) {
  $("chat").hidden = true;
  $("door").hidden = false;
  $("refusal").textContent = why;
  $("nick").focus();
}

$("leave").addEventListener("click", () => {
  chat.disconnect();
  $("log").replaceChildren();
  showDoor("");
});

// The connection

function showState(state, text) {
  $("status").dataset.state = state;
  $("status").textContent = text;
  $("lost").hidden = state !== "reconnecting";
}

function transportName() {
  return manager.engine?.transport?.name === "websocket" ? "WebSocket" : "polling";
}

chat.on("connect", () => showState("connected", transportName()));
manager.on("open", () => manager.engine.once("upgrade", () => chat.connected && showState("connected", transportName())));

chat.on("connect_error", (error) => {
  if (chat.active) return showState("reconnecting", "Reconnecting…"); // the network; the client tries again by itself
  showDoor(error.message); // the server said no
});

chat.on("disconnect", (reason) => {
  if (chat.active) return showState("reconnecting", "Reconnecting…");
  if (reason === "io server disconnect") showDoor("This name came in from another page, so you were signed out here.");
});

chat.on("welcome", ({ nick, room }) => {
  const back = !$("chat").hidden;
  me.nick = nick;
  sessionStorage.setItem("nick", nick);
  $("me").textContent = nick;
  $("door").hidden = true;
  $("chat").hidden = false;
  if (!back || room !== me.room) enterRoom(room);
  else note("You are back.");
  if (!back) $("text").focus();
});

// Who and where

let known = []; // rooms with people in them

stats.on("stats", ({ online, rooms }) => {
  $("online").textContent = `${online} online`;
  $("door-online").textContent = online === 0 ? "Nobody is here yet." : online === 1 ? "1 person is here." : `${online} people are here.`;
  known = rooms;
  showRooms();
});

stats.on("disconnect", () => {
  $("online").textContent = "";
  $("door-online").textContent = "Connecting…";
});

function showRooms() {
  const rooms = [...known];
  for (const name of ["lobby", me.room]) if (!rooms.some((room) => room.name === name)) rooms.push({ name, people: 0 });
  rooms.sort((a, b) => a.name.localeCompare(b.name));
  const focused = document.activeElement?.dataset?.room;
  $("rooms").replaceChildren(
    ...rooms.map(({ name, people }) => {
      const button = make("button", { children: [make("span", { className: "name", text: `# ${name}` }), make("span", { className: "count", text: people })] });
      button.type = "button";
      button.dataset.room = name;
      button.ariaLabel = `Room ${name}, ${people} ${people === 1 ? "person" : "people"}`;
      if (name === me.room) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => goTo(name));
      return make("li", { children: [button] });
    }),
  );
  if (focused) [...$("rooms").querySelectorAll("button")].find((button) => button.dataset.room === focused)?.focus();
  $("rooms-known").replaceChildren(...rooms.map(({ name }) => Object.assign(document.createElement("option"), { value: name })));
}

function enterRoom(room) {
  me.room = room;
  $("where").textContent = `# ${room}`;
  document.title = `#${room} · Chat`;
  $("log").replaceChildren();
  typists.clear();
  showTypists();
  note(`You are in #${room}.`);
  showRooms();
}

function goTo(wish) {
  openSide(false);
  if (wish === me.room) return;
  stopTyping();
  chat.timeout(SEND_TIMEOUT).emit("switch", wish, (error, reply) => {
    if (error || reply.error) return note(error ? "The server did not answer. Try again." : reply.error.message);
    enterRoom(reply.room);
    showPeople(reply.people);
    $("text").focus();
  });
}

$("new-room").addEventListener("submit", (event) => {
  event.preventDefault();
  goTo($("new-room-name").value);
  $("new-room-name").value = "";
});

function showPeople(people) {
  $("here").textContent = people.length === 1 ? "Only you are here" : `${people.length} people here`;
  $("people").replaceChildren(...people.map((nick) => make("li", { children: [face(nick), make("span", { className: "name", text: nick === me.nick ? `${nick} (you)` : nick })] })));
}

chat.on("people", ({ room, people }) => {
  if (room === me.room) showPeople(people);
});

chat.on("joined", (nick) => note(`${nick} came in.`));

chat.on("left", (nick) => {
  setTyping(nick, false);
  note(`${nick} left.`);
});

function openSide(open) {
  $("chat").classList.toggle("side-open", open);
  $("side-toggle").ariaExpanded = String(open);
}

$("side-toggle").addEventListener("click", (event) => {
  event.stopPropagation();
  openSide(!$("chat").classList.contains("side-open"));
  $("side").querySelector("button")?.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !$("chat").classList.contains("side-open")) return;
  openSide(false);
  $("side-toggle").focus();
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("#side")) openSide(false);
});

// Messages

/** Appends to the log, and follows it down unless the reader has scrolled up. */
function append(element, always = false) {
  const log = $("log");
  const following = always || log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  log.append(element);
  while (log.childElementCount > 500) log.firstElementChild.remove();
  if (following) log.scrollTop = log.scrollHeight;
}

function note(text) {
  append(make("li", { className: "note", text }));
}

function message(nick, text, mine) {
  const element = make("li", { className: mine ? "message mine" : "message" });
  element.dataset.nick = nick;
  const bubble = make("div", { className: "bubble", text });
  const more = $("log").lastElementChild?.dataset.nick === nick;
  if (more) element.classList.add("more");
  if (!mine && !more) {
    const who = make("span", { className: "who", text: nick });
    who.style.setProperty("--hue", hue(nick));
    element.append(who, face(nick));
  }
  element.append(bubble);
  append(element, mine);
  return element;
}

chat.on("message", ({ nick, text }) => {
  setTyping(nick, false);
  message(nick, text, false);
});

/** Shows how far one's own message got: pending, sent, or failed (and why). */
function showFate(element, state, text, again) {
  element.dataset.state = state;
  element.querySelector(".about")?.remove();
  const about = make("span", { className: "about", text });
  if (again) {
    const button = make("button", { text: "Try again" });
    button.type = "button";
    button.addEventListener("click", again);
    about.append(" ", button);
  }
  element.append(about);
  $("log").scrollTop = $("log").scrollHeight;
}

function send(text, element = message(me.nick, text, true)) {
  showFate(element, "pending", chat.connected ? "Sending…" : "Waiting for the connection…");
  chat.timeout(SEND_TIMEOUT).emit("say", text, (error, reply) => {
    if (error) return showFate(element, "failed", "Not sent.", () => send(text, element));
    if (reply?.error) return showFate(element, "failed", reply.error.message);
    // Only the newest of one's own messages says so.
    for (const sent of document.querySelectorAll('.mine[data-state="sent"] .about')) sent.remove();
    showFate(element, "sent", "Sent ✓");
  });
}

$("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  stopTyping();
  send(text);
  $("text").value = "";
  grow();
  $("text").focus();
});

$("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("say").requestSubmit();
});

/** The field is as high as its text, up to a limit in the style sheet. */
function grow() {
  const field = $("text");
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}

// Typing

let typingTimer = 0;
let typingSaid = 0; // when the others were last told

function stopTyping() {
  if (!typingTimer) return;
  clearTimeout(typingTimer);
  typingTimer = typingSaid = 0;
  if (chat.connected) chat.emit("typing", false);
}

$("text").addEventListener("input", () => {
  grow();
  if (!chat.connected) return;
  if (Date.now() - typingSaid > TYPING_FORGOTTEN / 2) {
    chat.emit("typing", true);
    typingSaid = Date.now();
  }
  clearTimeout(typingTimer);
  typingTimer = setTimeout(stopTyping, TYPING_PAUSE);
});

const typists = new Map();

function setTyping(nick, on) {
  clearTimeout(typists.get(nick));
  typists.delete(nick);
  if (on) typists.set(nick, setTimeout(() => setTyping(nick, false), TYPING_FORGOTTEN));
  showTypists();
}

function showTypists() {
  const names = [...typists.keys()];
  $("typing").textContent = names.length === 0 ? "" : names.length === 1 ? `${names[0]} is typing` : names.length === 2 ? `${names[0]} and ${names[1]} are typing` : `${names.length} people are typing`;
}

chat.on("typing", (nick, on) => setTyping(nick, on));

stats.connect();

// Whoever was faster than this script has sent the form as forms are sent: the page was loaded anew, with what was
// written in its address. `/?room=tea` is a link to a room, too.
const written = new URLSearchParams(location.search);
if (written.size > 0) history.replaceState(null, "", location.pathname);
if (written.has("room")) $("room").value = written.get("room");
if (written.has("nick")) {
  $("nick").value = written.get("nick");
  $("join").requestSubmit();
}
