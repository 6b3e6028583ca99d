// The chat in a real browser: what two people see of each other. Pictures are left in out/.
import { after, before, test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import path from "node:path";
import { launch } from "./browser.mjs";
import { DEADLINE, start } from "./server.mjs";

const out = fileURLToPath(new URL("out/", import.meta.url));
const DESKTOP = { viewport: { width: 920, height: 720 } };
const PICTURE = { viewport: { width: 920, height: 860 }, deviceScaleFactor: 2 };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

let browser;

before(async () => {
  mkdirSync(out, { recursive: true });
  browser = await launch();
});

after(() => browser?.close());

const startChat = (port = 0) => start("example-chat", /^chat is at http:\/\/127\.0\.0\.1:(\d+)$/, port);

/** A server for this test alone. */
async function chatServer(t) {
  const server = await startChat();
  t.after(() => server.stop("SIGKILL"));
  return server;
}

/** One person: a page in a context of its own, at the door of the chat. Whatever the page complains about fails the test. */
async function person(t, server, options = DESKTOP) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE);
  const someone = { context, page, networkMayFail: false, sockets: [], requests: [] };
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(`page error: ${error.stack}`));
  page.on("console", (message) => {
    const network = /net::ERR_|WebSocket connection to/.test(message.text());
    if (message.type() === "error" && !(network && someone.networkMayFail)) complaints.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("request", (request) => {
    someone.requests.push(request.url());
    if (!request.url().startsWith(server.url) && !request.url().startsWith("data:")) complaints.push(`asks another host: ${request.url()}`);
  });
  page.on("websocket", (socket) => someone.sockets.push(socket.url()));
  t.after(async () => {
    await context.close();
    assert.deepEqual(complaints, []);
  });
  await page.goto(server.url);
  return someone;
}

/** Comes in with the keyboard alone. */
async function joins(someone, nick, room = "lobby") {
  await someone.page.locator("#nick").fill(nick);
  await someone.page.locator("#room").fill(room);
  await someone.page.keyboard.press("Enter");
  await sees(someone, "#where", `# ${room}`);
}

async function twoPeople(t, server) {
  const ada = await person(t, server);
  const bob = await person(t, server);
  await joins(ada, "Ada");
  await joins(bob, "Bob");
  await sees(ada, "#people", "Bob");
  return { ada, bob };
}

async function says(someone, text) {
  await someone.page.locator("#text").fill(text);
  await someone.page.locator("#text").press("Enter");
}

/** Waits until an element with this text (a string: the whole text) is visible. */
function sees({ page }, selector, text) {
  const whole = typeof text === "string" && !/^#(people|rooms)$/.test(selector);
  const wanted = whole ? new RegExp(`^\\s*${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}\\s*$`) : text;
  return page.locator(selector).filter({ hasText: wanted }).first().waitFor();
}

const texts = ({ page }, selector) => page.locator(selector).allTextContents();

test("both see who is there and how many are online", async (t) => {
  const { ada, bob } = await twoPeople(t, await chatServer(t));
  for (const one of [ada, bob]) {
    await sees(one, "#online", "2 online");
    await sees(one, "#here", "2 people here");
  }
  assert.deepEqual(await texts(ada, "#people .name"), ["Ada (you)", "Bob"]);
  assert.deepEqual(await texts(bob, "#people .name"), ["Ada", "Bob (you)"]);
  await bob.page.close();
  await sees(ada, ".note", "Bob left.");
  await sees(ada, "#online", "1 online");
  assert.deepEqual(await texts(ada, "#people .name"), ["Ada (you)"]);
});

test("who joins before the page's script is there comes in all the same", async (t) => {
  const server = await chatServer(t);
  const ada = await person(t, server);
  let arrive;
  const held = new Promise((resolve) => (arrive = resolve));
  await ada.page.route("**/chat.js", async (route) => {
    await held;
    await route.continue().catch(() => {}); // the request of a page that was left is gone
  });
  await ada.page.goto(server.url, { waitUntil: "commit" });
  await ada.page.locator("#nick").fill("Ada");
  await ada.page.locator("#room").fill("tea");
  const again = ada.page.waitForRequest((request) => request.isNavigationRequest());
  await ada.page.keyboard.press("Enter");
  await again;
  arrive();
  await sees(ada, "#where", "# tea");
  await sees(ada, "#me", "Ada");
  assert.equal(new URL(ada.page.url()).search, "", "a reload asks for the name again");
});

test("a name that is taken is refused at the door, and another one is welcome", async (t) => {
  const server = await chatServer(t);
  const ada = await person(t, server);
  const other = await person(t, server);
  await joins(ada, "Ada");
  await sees(other, "#door-online", "1 person is here.");
  assert.deepEqual(await texts(other, "#refusal"), [""], "nobody is refused before asking");
  await other.page.locator("#nick").fill("ada");
  await other.page.keyboard.press("Enter");
  await sees(other, "#refusal", /Ada/);
  assert.equal(await other.page.locator("#chat").isVisible(), false);
  await joins(other, "Ada L.");
  await sees(ada, ".note", "Ada L. came in.");
});

test("messages go both ways, first pending, then sent", async (t) => {
  const { ada, bob } = await twoPeople(t, await chatServer(t));
  await says(ada, "Hello Bob!");
  await sees(ada, ".mine .about", "Sent ✓");
  await sees(bob, ".bubble", "Hello Bob!");
  await says(bob, "Hello Ada, 你好 🙂");
  await sees(ada, ".bubble", "Hello Ada, 你好 🙂");
  await sees(bob, ".mine .about", "Sent ✓");
  assert.deepEqual(await texts(ada, ".bubble"), ["Hello Bob!", "Hello Ada, 你好 🙂"]);
  assert.deepEqual(await texts(bob, ".bubble"), ["Hello Bob!", "Hello Ada, 你好 🙂"]);
});

test("a message is text, never HTML", async (t) => {
  const { ada, bob } = await twoPeople(t, await chatServer(t));
  const text = "<img src=x onerror=document.title=1><b>bold</b>";
  await says(ada, text);
  await sees(bob, ".bubble", text);
  for (const one of [ada, bob]) {
    assert.equal(await one.page.locator(".bubble *").count(), 0);
    assert.equal(await one.page.title(), "#lobby · Chat");
  }
});

test("a message that is too long is refused by the server, and the page says why", async (t) => {
  const { ada, bob } = await twoPeople(t, await chatServer(t));
  await ada.page.locator("#text").evaluate((field) => field.removeAttribute("maxlength"));
  await says(ada, "x".repeat(501));
  await sees(ada, '.mine[data-state="failed"] .about', /500/);
  await says(ada, "short");
  await sees(bob, ".bubble", "short");
  assert.deepEqual(await texts(bob, ".bubble"), ["short"]);
});

test("who is typing shows, and stops with the message", async (t) => {
  const { ada, bob } = await twoPeople(t, await chatServer(t));
  await ada.page.locator("#text").pressSequentially("Hi");
  await sees(bob, "#typing", "Ada is typing");
  await ada.page.keyboard.press("Enter");
  await sees(bob, ".bubble", "Hi");
  await bob.page.locator("#typing:empty").waitFor({ state: "attached" });
});

test("rooms are apart", async (t) => {
  const { ada, bob } = await twoPeople(t, await chatServer(t));
  await ada.page.locator("#new-room-name").fill("Garden");
  await ada.page.keyboard.press("Enter");
  await sees(ada, "#where", "# garden");
  await sees(bob, ".note", "Ada left.");
  await says(ada, "nobody hears this");
  await sees(ada, ".mine .about", "Sent ✓");
  assert.deepEqual(await texts(ada, "#people .name"), ["Ada (you)"]);
  await ada.page.getByRole("button", { name: "Room lobby" }).click();
  await sees(ada, "#where", "# lobby");
  await says(ada, "back again");
  await sees(bob, ".bubble", "back again");
  assert.deepEqual(await texts(bob, ".bubble"), ["back again"]);
  await sees(bob, "#here", "2 people here");
});

test("whoever leaves may come in again, over the same connection", async (t) => {
  const { ada, bob } = await twoPeople(t, await chatServer(t));
  await sees(ada, "#status", "WebSocket");
  await ada.page.getByRole("button", { name: "Leave" }).click();
  await sees(bob, ".note", "Ada left.");
  await sees(bob, "#online", "1 online");
  await sees(ada, "#door-online", "1 person is here.");
  await joins(ada, "Ada again", "lobby");
  await sees(bob, ".note", "Ada again came in.");
  await says(bob, "welcome back");
  await sees(ada, ".bubble", "welcome back");
  assert.equal(ada.sockets.length, 1);
});

test("a copy of one's own page takes the name over, and the first page says so", async (t) => {
  const { ada, bob } = await twoPeople(t, await chatServer(t));
  const opened = ada.context.waitForEvent("page");
  await ada.page.evaluate(() => void window.open(location.href)); // with the same session storage, as a browser's "duplicate" does
  const copy = { page: await opened };
  await joins(copy, "Ada");
  await sees(ada, "#refusal", /another page/);
  await sees(copy, "#here", "2 people here");
  await says(copy, "from the copy");
  await sees(bob, ".bubble", "from the copy");
  await sees(bob, "#online", "2 online");
  assert.deepEqual(await texts(bob, ".note"), ["You are in #lobby."], "nobody came or went");
});

test("one connection carries both namespaces, and is upgraded to a websocket", async (t) => {
  const { ada } = await twoPeople(t, await chatServer(t));
  await sees(ada, "#status", "WebSocket");
  assert.equal(ada.sockets.length, 1);
  assert.match(ada.sockets[0], /transport=websocket&sid=/);
  const opened = ada.requests.filter((url) => /transport=polling/.test(url) && !/sid=/.test(url));
  assert.equal(opened.length, 1);
});

test("whoever loses the network sees it, and comes back alone, with what was written meanwhile", async (t) => {
  const { ada, bob } = await twoPeople(t, await chatServer(t));
  await sees(ada, "#status", "WebSocket");
  ada.networkMayFail = true;
  await ada.context.setOffline(true);
  await sees(ada, "#status", "Reconnecting…");
  assert.ok(await ada.page.locator("#lost").isVisible());
  await says(ada, "written offline");
  await sees(ada, ".mine .about", "Waiting for the connection…");
  await ada.context.setOffline(false);
  await sees(ada, "#status", "WebSocket");
  await sees(bob, ".bubble", "written offline");
  await sees(ada, ".mine .about", "Sent ✓");
  assert.equal(await ada.page.locator("#lost").isVisible(), false);
  await sees(bob, "#here", "2 people here");
  await sees(bob, "#online", "2 online");
  await says(bob, "there you are");
  await sees(ada, ".bubble", "there you are");
});

for (const [how, signal] of [["killed", "SIGKILL"], ["stopped with ctrl-c", "SIGINT"]]) {
  test(`when the server is ${how} and started again, both come back to their room`, async (t) => {
    const server = await chatServer(t);
    const { ada, bob } = await twoPeople(t, server);
    for (const one of [ada, bob]) await sees(one, "#status", "WebSocket");
    ada.networkMayFail = bob.networkMayFail = true;
    const end = await server.stop(signal);
    if (signal === "SIGINT") assert.deepEqual(end, { code: 0, signal: null });
    for (const one of [ada, bob]) await sees(one, "#status", "Reconnecting…");
    const again = await startChat(server.port);
    t.after(() => again.stop("SIGKILL"));
    for (const one of [ada, bob]) {
      await sees(one, "#here", "2 people here");
      await sees(one, "#online", "2 online");
      await sees(one, "#status", "WebSocket");
    }
    await says(ada, "still here");
    await sees(bob, ".bubble", "still here");
  });
}

test("on a phone nothing is cut off, and the field stays above the keyboard", async (t) => {
  const server = await chatServer(t);
  const ada = await person(t, server, PHONE);
  const fits = () => ada.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
  const fieldInView = () =>
    ada.page.locator("#text").evaluate((field) => {
      const { top, bottom, left, right } = field.getBoundingClientRect();
      return top >= 0 && left >= 0 && bottom <= window.innerHeight && right <= window.innerWidth;
    });
  assert.ok(await fits(), "the door fits");
  await joins(ada, "Ada");
  await says(ada, `one${"long".repeat(80)}word`);
  await sees(ada, ".mine .about", "Sent ✓");
  assert.ok(await fits(), "the talk fits");
  assert.ok(await fieldInView());
  const sizes = await ada.page.locator("input, textarea").evaluateAll((fields) => fields.map((field) => Number.parseFloat(getComputedStyle(field).fontSize)));
  assert.ok(Math.min(...sizes) >= 16, "no field makes the phone zoom");

  await ada.page.locator("#side-toggle").click();
  await ada.page.getByRole("button", { name: "Room lobby" }).waitFor();
  assert.ok(await fits(), "the drawer fits");
  await ada.page.keyboard.press("Escape");
  await ada.page.getByRole("button", { name: "Room lobby" }).waitFor({ state: "hidden" });

  await ada.page.setViewportSize({ width: 390, height: 420 }); // what the keyboard leaves
  assert.ok(await fieldInView());
});

test("the picture: two people talking, and a third on a phone", async (t) => {
  const server = await chatServer(t);
  const ada = await person(t, server, { ...PICTURE, colorScheme: "light" });
  const bob = await person(t, server, { ...PICTURE, colorScheme: "dark" });
  const eve = await person(t, server, { ...PHONE, colorScheme: "light" });
  await joins(ada, "Ada");
  await joins(bob, "Bob");
  await joins(eve, "Eve", "garden");
  const talk = [
    [ada, "Hi Bob! Did you see that it is Rust on the other side?"],
    [bob, "Hello Ada. I did not notice anything."],
    [bob, "It says WebSocket up there, and it was polling a moment ago."],
    [ada, "That is the upgrade. The page uses the same client as ever."],
    [bob, "And every message gets its ✓?"],
    [ada, "An acknowledgement, from the handler's return value."],
  ];
  for (const [who, text] of talk) {
    await says(who, text);
    for (const one of [ada, bob]) await sees(one, ".bubble", text);
  }
  await sees(ada, ".mine .about", "Sent ✓");
  await eve.page.locator("#side-toggle").click();
  await eve.page.getByRole("button", { name: "Room lobby" }).click();
  await sees(eve, "#where", "# lobby");
  await says(eve, "Hello from my phone!");
  for (const one of [ada, bob]) await sees(one, ".bubble", "Hello from my phone!");
  await says(ada, "Welcome, Eve. We are three now.");
  await says(eve, "So says the count up here. It fits on the screen, too.");
  for (const one of [ada, bob]) await sees(one, ".bubble", "So says the count up here. It fits on the screen, too.");
  await bob.page.locator("#text").pressSequentially("Hello E");
  await sees(ada, "#typing", "Bob is typing");
  await sees(eve, "#typing", "Bob is typing");
  for (const one of [ada, bob, eve]) {
    await sees(one, "#online", "3 online");
    await one.page.evaluate(() => document.fonts.ready);
  }
  const pictures = [];
  for (const [name, one] of [["ada", ada], ["bob", bob], ["phone", eve]]) pictures.push(await one.page.screenshot({ path: path.join(out, `${name}.png`) }));
  assert.deepEqual((await texts(ada, ".bubble")).slice(0, talk.length), talk.map(([, text]) => text));
  assert.deepEqual(await texts(ada, ".bubble"), await texts(bob, ".bubble"));

  const both = await browser.newPage({ viewport: { width: 1880, height: 880 } });
  const images = pictures.slice(0, 2).map((picture) => `<img width="920" height="860" src="data:image/png;base64,${picture.toString("base64")}">`);
  await both.setContent(`<style>body{margin:10px 15px;display:flex;gap:10px;background:#8a8f94}</style>${images.join("")}`);
  await both.screenshot({ path: path.join(out, "chat.png") });
  await both.close();
});
