"""The API of the server with python-socketio's clients, over each transport: the scenarios of tests/js/api-*.test.mjs."""

import asyncio
import json
import time
import unittest
from uuid import uuid4

import socketio

from peers import MODES, AsyncPeer, ThreadPeer
from server import Server, within

server = None

DYNAMIC = "^/dynamic-\\w+$"


def setUpModule():
    global server
    server = Server()


def tearDownModule():
    ends = server.page("ends")
    server.kill()
    more = [(id, times) for id, times in ends if times != 1]
    assert ends and not more, f"some ended more than once: {more}"


def fresh():
    """A name of the dynamic namespace that nobody had before."""
    return f"/dynamic-{uuid4().hex}"


async def written(label, lines):
    """What was written down of a label, once there are so many lines."""
    return await asyncio.to_thread(server.page, "history", label=label, lines=lines)


async def births(name):
    """How often the server said that a namespace has come into being."""
    return (await written("new namespaces", 1)).count(name)


class In:
    """A client in one namespace."""

    def __init__(self, peer, namespace):
        self.peer, self.namespace = peer, namespace

    @property
    def id(self):
        return self.peer.id(self.namespace)

    async def ask(self, event, *args):
        return await self.peer.ask(event, *args, namespace=self.namespace)

    async def do(self, event, *args):
        await self.peer.ask_nothing(event, *args, namespace=self.namespace)

    async def emit(self, event, *args):
        await self.peer.emit(event, *args, namespace=self.namespace)

    async def next(self, event):
        return await self.peer.next(event, self.namespace)

    async def told(self, count):
        """The first arguments of the next so many `told`."""
        return [(await self.next("told"))[0] for _ in range(count)]


class Scenarios:
    """Run by each client in each mode."""

    Peer = None
    mode = None

    async def asyncSetUp(self):
        self.lost = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.lost.append(context.get("exception")))

    def make(self, reconnection=False):
        peer = self.Peer(reconnection=reconnection, reconnection_delay=0.01, randomization_factor=0)
        self.addAsyncCleanup(self.done, peer)
        return peer

    async def done(self, peer):
        await peer.close()
        self.assertEqual(peer.complaints, [])
        self.assertEqual([error for error in self.lost if error], [])

    async def connect(self, *namespaces, path="api", reconnection=False, **options):
        """A client in these namespaces: its faces there."""
        peer = self.make(reconnection)
        await peer.connect(server.url, self.mode, namespaces=namespaces, path=path, **options)
        faces = [In(peer, namespace) for namespace in namespaces]
        return faces[0] if len(faces) == 1 else faces

    async def labelled(self, *namespaces, auth=None, **options):
        label = str(uuid4())
        return await self.connect(*namespaces, auth={"label": label, **(auth or {})}, **options), label

    async def refused(self, namespace, **options):
        """What a client is told that is not let in."""
        peer = self.make()
        with self.assertRaises(socketio.exceptions.ConnectionError):
            await peer.connect(server.url, self.mode, namespaces=[namespace], path="api", **options)
        [refusal] = await peer.next("connect_error", namespace)
        return refusal

    async def eventually(self, question, what):
        async def ask():
            while not await question():
                pass

        await within(ask(), what)

    UNKNOWN = {"message": "Invalid namespace"}

    # Namespaces

    async def test_a_namespace_is_found_with_and_without_its_slash(self):
        root, static = await self.connect("/", "/static")
        for name in ("static", "/static"):
            await root.do("tell namespace", name, name)
        await root.do("tell namespace", "", "root")
        self.assertEqual(await static.told(2), ["static", "/static"])
        self.assertEqual(await root.told(1), ["root"])

    async def test_many_namespaces_share_one_connection_and_stay_apart(self):
        names = [fresh() for _ in range(10)]
        root, *faces = await self.connect("/", *names)
        self.assertEqual(len({face.id for face in faces}), 10)
        for name in names:
            await root.do("tell namespace", name, name)
        for face in faces:
            self.assertEqual(await face.told(1), [face.namespace])

    async def test_patterns_regular_expressions_and_decisions_name_namespaces(self):
        org, files, dynamic = await self.connect("/org/7/room/blue", "/files/a/b.txt", fresh())
        self.assertEqual(await org.ask("params"), [7, "blue"])
        self.assertEqual(await files.ask("params"), "a/b.txt")
        self.assertEqual((await dynamic.ask("who"))["namespace"], dynamic.namespace)
        tenant = f"/tenant-{uuid4()}"
        for name in ("/org/7", "/dynamic-a-b", tenant):
            self.assertEqual(await self.refused(name, auth={"key": "wrong"}), self.UNKNOWN)
        face = await self.connect(tenant, auth={"key": "right"})
        self.assertEqual((await face.ask("who"))["namespace"], tenant)

    async def test_a_namespace_is_added_and_removed_while_a_client_is_in_it(self):
        name = f"/added-{uuid4()}"
        root = await self.connect("/")
        self.assertEqual(await self.refused(name), self.UNKNOWN)
        self.assertIsNone(await root.ask("add namespace", name))
        face, label = await self.labelled(name)
        self.assertEqual(await root.ask("population", name), 1)
        self.assertTrue(await root.ask("remove namespace", name))
        self.assertEqual(await face.next("disconnect"), ("server disconnect",))
        self.assertEqual(await server.history(label), [f"connect {name}", f"disconnect {name} server namespace disconnect"])
        self.assertEqual(await self.refused(name), self.UNKNOWN)

    async def test_a_child_is_forgotten_when_empty_and_made_again(self):
        root, name = await self.connect("/"), fresh()
        face, label = await self.labelled(name)
        await face.peer.leave(name)
        await server.history(label)

        async def forgotten():
            return not await root.ask("has namespace", name)

        await self.eventually(forgotten, "the child to be forgotten")
        again = await self.connect(name)
        self.assertEqual((await again.ask("who"))["namespace"], name)
        self.assertEqual(await births(name), 2)
        self.assertTrue(await root.ask("has namespace", "/static"))

    async def test_clients_that_ask_for_a_child_at_the_same_time_get_the_same_one(self):
        name, root = fresh(), await self.connect("/")
        faces = await asyncio.gather(*(self.connect(name) for _ in range(4)))
        self.assertEqual((await births(name), await root.ask("population", name)), (1, 4))
        await root.do("tell namespace", name, "all of you")
        for face in faces:
            self.assertEqual(await face.told(1), ["all of you"])

    async def test_what_is_emitted_to_a_parent_reaches_all_children(self):
        root = await self.connect("/")
        a, b, c = await self.connect(fresh(), fresh(), fresh())
        room = str(uuid4())
        for face in (a, b):
            await face.do("join", [room])
        for text, how in [("all", {}), ("room", {"to": [room]}), ("others", {"except": [room]}), ("last", {})]:
            await root.do("tell children", {"parent": DYNAMIC, "text": text, **how})
        self.assertEqual([await face.told(3) for face in (a, b)], [["all", "room", "last"]] * 2)
        self.assertEqual(await c.told(3), ["all", "others", "last"])

    # Middlewares

    async def test_middlewares_run_in_their_order_and_handlers_know_what_they_found_out(self):
        face, label = await self.labelled("/middlewares", auth={"user": "anna"})
        lines = ["first, connected: false", "second ended", "third anna", "connect /middlewares"]
        self.assertEqual(await written(label, 4), lines)
        self.assertEqual(await face.ask("who am i"), "anna")
        self.assertTrue(await face.ask("connected"))

    async def test_a_middlewares_error_refuses_with_message_and_data_and_leaves_no_room_over(self):
        root, label = await self.connect("/"), str(uuid4())
        refusal = await self.refused("/middlewares", auth={"label": label, "way": "refuse"})
        self.assertEqual(refusal, {"message": "no entry", "data": {"code": 7, "why": ["a", None]}})
        self.assertEqual(await written(label, 2), ["first, connected: false", "second ended"])
        self.assertEqual(await root.ask("size of", "/middlewares", f"room of {label}"), 0)
        self.assertEqual(await self.refused("/middlewares", auth={"way": "fail"}), {"message": "something is broken"})

    async def test_what_is_sent_right_after_a_slow_middleware_is_not_lost(self):
        root, label = await self.connect("/"), str(uuid4())
        joining = asyncio.ensure_future(self.connect("/middlewares", auth={"label": label, "way": "slow"}))
        self.assertEqual(await written(label, 2), ["first, connected: false", "second waits"])
        await root.do("open gate", label)
        face = await joining
        for i in range(4):
            await face.emit("item", i)
        self.assertEqual(await face.ask("items"), [0, 1, 2, 3])

    # Sockets

    async def test_a_socket_has_listeners_of_its_own(self):
        face = await self.connect("/sockets")
        for how, who in [("on", "a"), ("once", "once"), ("on", "b"), ("prepend", "first")]:
            await face.do("listen", "x", how, who)
        await face.emit("x")
        self.assertEqual(await face.ask("heard"), ["first: x", "a: x", "once: x", "b: x"])
        self.assertTrue(await face.ask("off", "x", "a"))
        await face.emit("x")
        self.assertEqual(await face.ask("heard"), ["first: x", "b: x"])
        await face.do("remove all", None)
        await face.emit("x")
        self.assertEqual(await face.ask("heard"), [])

    async def test_listeners_of_all_events_in_both_directions(self):
        face = await self.connect("/sockets")
        await face.do("listen", "x", "on", "one")
        for how, who in [("any", "any"), ("prepend any", "first"), ("outgoing", "out"), ("prepend outgoing", "before")]:
            await face.do("listen for all", how, who)
        await face.emit("x")
        self.assertEqual(await face.ask("heard"), ["first: x", "any: x", "one: x"])
        await face.do("say", "", "x out", b"\1\2")
        self.assertEqual(await face.ask("heard"), ["before: x out", "out: x out"])
        await face.ask("off any", None)
        await face.ask("off any outgoing", None)
        await face.emit("x")
        await face.do("say", "", "x out", 1)
        self.assertEqual(await face.ask("heard"), ["one: x"])

    async def test_send_is_the_event_message(self):
        face = await self.connect("/sockets")
        for args in [("text", 1), (None,), (b"\1\2\3",)]:
            await face.emit("message", *args)
            self.assertEqual(await face.next("message"), args)

    async def test_megabytes_of_text_and_of_binary_pass_both_ways(self):
        face = await self.connect("/sockets")
        # The text is echoed as it was written, with escapes; aiohttp takes messages of up to 4 MiB.
        text, binary = "x€🙂" * 200_000, bytes(range(256)) * 8_000
        await face.emit("echo", {"text": text})
        await face.emit("echo", {"deep": [binary]})
        self.assertTrue((await face.next("echo"))[0]["text"] == text)
        self.assertTrue((await face.next("echo"))[0]["deep"][0] == binary)

    async def test_hostile_keys_are_plain_data(self):
        face = await self.connect("/sockets")
        hostile = json.loads('{"__proto__":{"polluted":1},"constructor":{"prototype":{}},"__class__":1,"toString":null}')
        self.assertEqual(await face.ask("ack", hostile), hostile)
        await face.do("answer to", "__proto__", "an answer")
        self.assertEqual(await face.ask("__proto__"), "an answer")

    async def test_the_handshake_has_all_that_is_known_of_the_client(self):
        before = time.time() * 1000
        face = await self.connect("/sockets", auth={"label": "", "token": "grüß"}, headers={"x-test": "a header"})
        it = await face.ask("handshake")
        self.assertEqual((it["headers"]["x-test"], it["query"]["EIO"]), ("a header", "4"))
        self.assertEqual(it["auth"], {"label": "", "token": "grüß"})
        self.assertTrue(before - 1000 <= it["issued"] <= time.time() * 1000 + 1000)
        self.assertIn("GMT+0000", it["time"])
        self.assertTrue(it["url"].startswith("/api/?"))
        self.assertEqual((it["address"], it["secure"]), ("127.0.0.1", False))

    async def test_rooms_data_and_connection_of_a_socket(self):
        face, label = await self.labelled("/sockets")
        await face.do("join", ["one", "two"])
        await face.do("leave", "one")
        self.assertEqual(await face.ask("rooms"), sorted([face.id, "two"]))
        await face.do("keep", {"user": "anna"})
        self.assertEqual(await face.ask("kept"), {"user": "anna"})
        transport = "polling" if self.mode == "polling" else "websocket"
        first = "websocket" if self.mode == "websocket" else "polling"
        connection = await face.ask("connection")
        self.assertEqual((connection["transport"], connection["first"]), (transport, first))
        # The connect packet may come after the upgrade, so that nobody has seen that.
        self.assertEqual((await written(label, 1))[0], "connect /sockets")

    async def test_the_end_of_a_socket_is_told_while_its_rooms_are_there(self):
        for close, over in [(None, "client"), (False, "server"), (True, "server")]:
            face, label = await self.labelled("/sockets")
            witness, room, id = await self.connect("/sockets"), f"room of {label}", face.id
            for one in (face, witness):
                await one.do("join", [room])
            await face.do("tell me when I end")
            if close is None:
                await face.peer.leave("/sockets")
            else:
                await face.emit("end me", close)
            self.assertEqual(await witness.next("leaves"), (id,))
            reason = f"{over} namespace disconnect"
            ends = [f"disconnecting {reason}", f"own: disconnecting {reason}", f"disconnect /sockets {reason}"]
            await server.history(label)
            lines = [line for line in await written(label, 5) if not line.startswith("upgrade")]
            self.assertEqual(lines[:4], ["connect /sockets", *ends])

    async def test_what_comes_for_a_socket_that_was_disconnected_is_ignored(self):
        root = await self.connect("/")
        face, label = await self.labelled("/sockets")
        room = f"late {label}"
        for event, text in [("note", "before"), ("end me and join", room), ("note", "after")]:
            await face.emit(event, text)
        lines = [line for line in await server.history(label) if not line.startswith("upgrade")]
        self.assertEqual(lines, ["connect /sockets", "before", "disconnect /sockets server namespace disconnect"])
        self.assertEqual(await root.ask("size of", "/sockets", room), 0)

    # The way of an event

    async def test_layers_around_events_change_refuse_and_count(self):
        face, label = await self.labelled("/events")
        self.assertEqual(await face.ask("mutated", "something"), "something else")
        self.assertEqual(await face.ask("forbidden"), {"error": {"message": "forbidden", "data": {"code": 403}}})
        answers = [await face.ask("limited") for _ in range(3)]
        self.assertEqual(answers, ["let through", "let through", {"error": {"message": "too many"}}])
        other = await self.connect("/events")
        self.assertEqual(await other.ask("limited"), "let through")
        self.assertEqual(await face.ask("nobody's"), {"unknown": "nobody's"})
        seen = [line for line in await written(label, 8) if line.startswith("any")]
        self.assertEqual(seen, ["any mutated", "any forbidden", *["any limited"] * 3, "any nobody's"])

    async def test_what_fails_is_answered_with_an_error_and_told_to_the_hook(self):
        face, label = await self.labelled("/events")
        for event, *args in [("square", "seven"), ("square", b"7"), ("panic",)]:
            self.assertIsInstance((await face.ask(event, *args))["error"]["message"], str)
        self.assertEqual(await face.ask("square", 7), 49)
        errors = [line.split(":")[0] for line in await written(label, 8) if line.startswith("error")]
        self.assertEqual(errors, ["error in square", "error in square", "error in panic"])

    # Many

    async def trio(self, paths):
        """Three clients: a is in r1, b in both rooms, c in r2; and a way to broadcast by way of a."""
        faces = [await self.connect("/rooms", path=path) for path in paths]
        r1, r2 = f"r1 {uuid4()}", f"r2 {uuid4()}"
        for face, rooms in zip(faces, [[r1], [r1, r2], [r2]]):
            await face.do("join", rooms)
        a = faces[0]

        async def reach(begin, *ops):
            """How often who is told by a broadcast."""
            fence = str(uuid4())
            await a.do("many emit", {"from": begin, "ops": ops}, "told", "x")
            await a.do("many emit", {"from": "io", "ops": [{"to": [face.id for face in faces]}]}, "told", fence)
            counts = []
            for face in faces:
                times = 0
                while await face.next("told") != (fence,):
                    times += 1
                counts.append(times)
            return counts

        return faces, r1, r2, reach

    async def soon(self, face, event, expected, *args):
        """What is done on another server takes a moment."""

        async def is_so():
            return await face.ask(event, *args) == expected

        await self.eventually(is_so, f'"{event}" to say {expected}')

    async def broadcasts(self, paths):
        apart = paths[0] != paths[1]
        (a, b, c), r1, r2, reach = await self.trio(paths)
        table = [
            ("io", [], [1, 1, 1]),
            ("socket", [], [0, 1, 1]),
            ("io", [{"to": [r1]}, {"in": [r2]}], [1, 1, 1]),
            ("io", [{"to": [r1, r2]}, {"except": [r2]}], [1, 0, 0]),
            ("io", [{"to": [r1]}, {"except": [a.id]}], [0, 1, 0]),
            ("io", [{"except": [r1]}], [0, 0, 1]),
            ("socket", [{"to": [r1]}, {"compress": False}], [0, 1, 0]),
            ("io", [{"to": [b.id]}], [0, 1, 0]),
            ("io", ["local"], [1, 0, 0] if apart else [1, 1, 1]),
            ("io", [{"to": ["nowhere"]}], [0, 0, 0]),
        ]
        for begin, ops, expected in table:
            self.assertEqual(await reach(begin, *ops), expected, (begin, ops))

    async def answers(self, paths):
        (a, b, c), r1, r2, _ = await self.trio(paths)
        for face, answer in [(a, "a"), (b, b"b")]:
            face.peer.answers["question"] = lambda question, answer=answer: answer
        c.peer.keep_silent("question")
        chain = {"from": "io", "ops": [{"to": [r1]}]}
        asked = await a.ask("many ask", chain, "question", "Who?")
        self.assertEqual((len(asked["replies"]), asked["missing"], asked["servers"]), (2, [], []))
        self.assertTrue("a" in asked["replies"] and b"b" in asked["replies"])
        chain = {"from": "io", "ops": [{"to": [r1, r2]}, {"except": [b.id]}, {"timeout": 500}]}
        self.assertEqual(await a.ask("many ask", chain, "question", "Who?"), {"replies": ["a"], "missing": [c.id], "servers": []})
        missing = await a.ask("many stream", chain, "question", "Who?")
        self.assertEqual([one["id"] for one in missing], [c.id])
        self.assertEqual(await a.next("answer"), (a.id, "a"))

    async def moves(self, paths):
        apart = paths[0] != paths[1]
        (a, b, c), r1, r2, _ = await self.trio(paths)
        fetched = await a.ask("many fetch", {"from": "io", "ops": [{"in": [r1]}]})
        self.assertEqual(sorted(one["id"] for one in fetched), sorted([a.id, b.id]))
        known = next(one for one in fetched if one["id"] == b.id)
        self.assertEqual((known["rooms"], known["here"]), (sorted([b.id, r1, r2]), not apart))
        x, second = f"x {uuid4()}", {"from": "io", "ops": [{"in": [r2]}]}
        await a.do("many join", second, [x])
        await self.soon(a, "many ids", sorted([b.id, c.id]), {"from": "io", "ops": [{"in": [x]}]})
        await a.do("many leave", {"from": "io", "ops": [{"in": [c.id]}]}, [x])
        await self.soon(a, "many ids", [b.id], {"from": "io", "ops": [{"in": [x]}]})
        ids = sorted([a.id, r1])
        await a.do("many emit", second, "told", "goodbye")
        await a.do("many disconnect", second, False)
        for face in (b, c):
            self.assertEqual(await face.next("disconnect"), ("server disconnect",))
            self.assertEqual(await face.told(1), ["goodbye"])
        self.assertEqual(await a.ask("rooms"), ids)

    async def test_a_broadcast_reaches_each_socket_that_its_operators_mean_once(self):
        await self.broadcasts(["api"] * 3)

    async def test_a_broadcast_reaches_the_sockets_of_two_servers(self):
        await self.broadcasts(["one", "two", "two"])

    async def test_many_are_asked(self):
        await self.answers(["api"] * 3)

    async def test_many_are_asked_on_two_servers(self):
        await self.answers(["one", "two", "two"])

    async def test_many_are_fetched_moved_and_disconnected(self):
        await self.moves(["api"] * 3)

    async def test_many_are_fetched_moved_and_disconnected_on_two_servers(self):
        await self.moves(["one", "two", "two"])

    async def test_servers_send_events_to_each_other_and_ask(self):
        one, label = await self.connect("/", path="one"), str(uuid4())
        await one.do("server side emit", label, "hello")
        self.assertEqual(await written(label, 1), ["two was told: hello"])
        asked = await one.ask("server side ask", "/rooms")
        self.assertEqual(([reply["server"] for reply in asked["replies"]], asked["missing"]), (["two"], []))


for Peer, client in [(ThreadPeer, "Threads"), (AsyncPeer, "Asyncio")]:
    for mode in MODES:
        name = f"{client}{mode.capitalize()}"
        case = type(name, (Scenarios, unittest.IsolatedAsyncioTestCase), {"Peer": Peer, "mode": mode})
        globals()[name] = case
del case
