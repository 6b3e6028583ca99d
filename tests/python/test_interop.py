"""What python-socketio's clients and the Rust server say to each other, over each transport: the scenarios of
tests/js/interop.test.mjs and life.test.mjs.

Their mode `upgrading` is missing: this client starts to send and to poll only after its upgrade is over.
"""

import asyncio
import struct
import unittest
from itertools import count
from uuid import uuid4

import socketio

from peers import MODES, AsyncPeer, ThreadPeer
from server import Server, within

server = None


def setUpModule():
    global server
    server = Server()


def tearDownModule():
    ends = server.page("ends")
    server.kill()
    assert len(ends) > 10, f"the server wrote down only {len(ends)} ends"
    more = [(id, times) for id, times in ends if times != 1]
    assert not more, f"some ended more than once: {more}"


ARGUMENTS = [
    [],
    [""],
    ["text", 1, -1.5, True, False, None, [], {}, [1, ["two", {"three": 3}]], {"a": {"b": {"c": [None]}}}],
    ['Grüße, 你好, 🙂, \0, \u2028, \x1e, "quoted" \\ /'],
    [{"": "", "a.b": 1, "__proto": 2, "_placeholder": False}],
    [0.1 + 0.2, 1e21, 5e-324, 1.7976931348623157e308, 2**53 - 1, -(2**53 - 1), 0],
]


def octets(length, seed):
    return bytes((i * 7 + seed) & 255 for i in range(length))


def bits(number):
    return struct.pack(">d", number).hex()


class Scenarios:
    """Run by each client in each mode."""

    Peer = None
    mode = None

    async def asyncSetUp(self):
        self.lost = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.lost.append(context.get("exception")))

    async def connect(self, url=None, reconnection=False, **options):
        """A client that is connected, until the end of the test."""
        peer = self.Peer(reconnection=reconnection, reconnection_delay=0.01, randomization_factor=0)
        self.addAsyncCleanup(self.done, peer)
        return await peer.connect(url or server.url, self.mode, **options)

    async def done(self, peer):
        await peer.close()
        self.assertEqual(peer.complaints, [])
        self.assertEqual([error for error in self.lost if error], [])

    async def labelled(self, **options):
        """A client that is connected, and the label under which the server writes down what becomes of its sockets."""
        label = str(uuid4())
        return await self.connect(auth={"label": label}, **options), label

    # Connecting

    async def test_a_socket_connects_and_both_sides_know_it_by_the_same_id(self):
        peer = await self.connect()
        who = await peer.ask("who")
        self.assertRegex(peer.id(), "^[A-Za-z0-9_-]{20}$")
        self.assertEqual((who["id"], who["namespace"]), (peer.id(), "/"))
        self.assertNotEqual(peer.client.eio.sid, peer.id(), "the session's id stays a secret")

    async def test_it_uses_the_transport_that_it_should(self):
        peer = await self.connect()
        self.assertEqual(peer.client.transport(), "polling" if self.mode == "polling" else "websocket")
        first = "websocket" if self.mode == "websocket" else "polling"
        self.assertEqual((await peer.ask("who"))["query"]["transport"], first)

    async def test_the_session_and_its_socket_stay_the_same_through_the_upgrade(self):
        peer, label = await self.labelled()
        # The first is the session's id from the time before the upgrade.
        self.assertEqual(peer.client.sid, peer.client.eio.sid)
        self.assertEqual((await peer.ask("who"))["id"], peer.id())
        self.assertEqual(await server.history(label, 0), ["connect /"])

    async def test_the_server_sees_the_auth_payload(self):
        auth = {"label": "", "token": "grüß 🙂", "deep": {"list": [1, None, True, {"a": "b"}]}}
        peer = await self.connect(auth=auth)
        self.assertEqual((await peer.ask("who"))["auth"], auth)

    async def test_the_server_sees_query_and_headers(self):
        peer = await self.connect(f"{server.url}?from=a+test&empty=", headers={"x-test": "from the client"})
        who = await peer.ask("who")
        query = who["query"]
        self.assertEqual((query["EIO"], query["from"], query["empty"], who["test"]), ("4", "a test", "", "from the client"))

    async def test_the_server_greets_in_on_connect(self):
        peer = await self.connect()
        self.assertEqual(await peer.next("greeting"), ({"id": peer.id()},))

    # Payloads

    async def test_events_carry_arguments_of_every_json_type_both_ways(self):
        peer = await self.connect()
        for arguments in ARGUMENTS:
            await peer.emit("echo", *arguments)
        for arguments in ARGUMENTS:
            self.assertEqual(list(await peer.next("echo")), arguments)

    async def test_acknowledgements_carry_arguments_of_every_json_type(self):
        peer = await self.connect()
        for arguments in ARGUMENTS:
            self.assertEqual(await peer.acked("ack", *arguments), arguments)

    async def test_numbers_are_exact_to_the_last_bit_on_both_sides(self):
        numbers = [0.1 + 0.2, 1e21, 5e-324, 1.7976931348623157e308, 2.0**53 - 1, 1 / 3, -1e-7, 0.0]
        peer = await self.connect()
        self.assertEqual(await peer.ask("to bits", numbers), [bits(number) for number in numbers])
        back = await peer.ask("from bits", [bits(number) for number in [*numbers, -0.0]])
        self.assertEqual([bits(number) for number in back], [bits(number) for number in [*numbers, -0.0]])

    async def test_event_names_may_be_anything(self):
        peer = await self.connect()
        for name in ["naïve 🙂", 'a "b" \\ c', "error", "message", ""]:
            await peer.emit("say back", name)
            self.assertEqual(await peer.next(name), (name,))

    async def test_large_texts_pass_both_ways(self):
        peer = await self.connect()
        for text in ["x" * 100_000, "€" * 33_000 + "🙂", "x" * 900_000]:
            await peer.emit("echo", text)
            [back] = await peer.next("echo")
            self.assertTrue(back == text)

    # Binary

    async def test_binary_passes_both_ways_nested_in_several_attachments(self):
        peer = await self.connect()
        a, b, c = octets(1, 200), octets(70_000, 3), b""
        await peer.emit("reverse", "ünï", {"parts": [a, bytearray(b)], "deep": {"er": {"blob": c}}}, a)
        name, doc, last = await peer.next("reversed")
        self.assertEqual((name, last, doc["deep"]["er"]["blob"]), ("ünï", a, c))
        self.assertTrue(doc["parts"] == [a, b[::-1]])

    async def test_large_binary_passes_both_ways(self):
        peer = await self.connect()
        large = octets(700_000, 9)
        self.assertTrue(await peer.ask("reverse one", large) == large[::-1])

    async def test_any_payload_that_holds_binary_is_echoed_unchanged(self):
        peer = await self.connect()
        sent = (1, {"list": [octets(3, 1), {"x": octets(4, 2)}], "text": "t"}, octets(5, 3))
        await peer.emit("echo", *sent)
        self.assertEqual(await peer.next("echo"), sent)

    async def test_ten_attachments_pass_and_a_text_event_right_after_them(self):
        peer = await self.connect()
        parts = [octets(i + 1, i) for i in range(10)]
        await peer.emit("echo", parts)
        await peer.emit("echo", "after")
        self.assertEqual(await peer.next("echo"), (parts,))
        self.assertEqual(await peer.next("echo"), ("after",))

    async def test_acknowledgements_carry_binary_both_ways(self):
        peer = await self.connect()
        self.assertEqual(await peer.ask("reverse one", octets(9, 5)), octets(9, 5)[::-1])
        peer.answers["question"] = lambda question: {"proof": question[::-1]}
        self.assertEqual((await peer.ask("ask me for bytes", octets(8, 6)))["proof"], octets(8, 6))

    # Acknowledgements

    async def test_the_server_asks_the_client_and_gets_its_answer(self):
        peer = await self.connect()
        peer.answers["question"] = lambda question: f"{question} Yes!"
        self.assertEqual(await peer.ask("ask me", "Ready?", 10_000), {"answer": "Ready? Yes!"})

    async def test_the_servers_question_runs_into_its_timeout_when_the_client_never_answers(self):
        peer = await self.connect()
        peer.keep_silent("question")
        self.assertEqual(await peer.ask("ask me", "Ready?", 50), {"timeout": True})
        self.assertEqual(await peer.next("question"), ("Ready?",))
        # The late answer harms nobody.
        await peer.answer_late("question", "late")
        self.assertEqual((await peer.ask("who"))["id"], peer.id())

    async def test_questions_in_both_directions_cross_each_other_without_mixing(self):
        peer = await self.connect()
        peer.answers["question"] = lambda question: f"re: {question}"
        answers = await asyncio.gather(*(peer.ask("ask me", f"n{i}", 10_000) for i in range(40)))
        self.assertEqual(answers, [{"answer": f"re: n{i}"} for i in range(40)])

    async def test_the_server_asks_a_room_and_gets_every_answer_and_the_names_of_those_who_gave_none(self):
        a, b, c = peers = [await self.connect() for _ in range(3)]
        room = str(uuid4())
        for peer in peers:
            await peer.ask_nothing("join", [room])
        for peer, name in [(a, "a"), (b, "b")]:
            peer.answers["question"] = lambda question, name=name: f"{question} {name}"
        c.keep_silent("question")
        answers = await a.ask("ask room", room, "Who?", 1_000)
        self.assertEqual(answers, {"replies": ["Who? a", "Who? b"], "missing": [c.id()]})
        await c.next("question")
        await c.ask_nothing("leave", room)
        answers = await a.ask("ask room", room, "Who?", 60_000)
        self.assertEqual(answers, {"replies": ["Who? a", "Who? b"], "missing": []})
        self.assertEqual(await a.ask("ask room", str(uuid4()), "Who?", 60_000), {"replies": [], "missing": []})

    async def test_a_handler_that_fails_acknowledges_with_the_error(self):
        peer = await self.connect()
        self.assertEqual(await peer.ask("fail", "no such thing"), {"error": {"message": "no such thing"}})

    async def test_a_payload_of_the_wrong_type_is_answered_with_an_error_and_the_socket_lives_on(self):
        peer = await self.connect()
        answer = await peer.ask("to bits", "not a list of numbers")
        self.assertIsInstance(answer["error"]["message"], str)
        self.assertEqual((await peer.ask("who"))["id"], peer.id())

    async def test_an_acknowledgement_may_come_late_after_later_ones(self):
        peer = await self.connect()
        first = asyncio.ensure_future(peer.ask("hold"))
        await asyncio.sleep(0)  # It is emitted first.
        self.assertEqual((await peer.ask("who"))["id"], peer.id())
        await peer.ask_nothing("release")
        self.assertEqual(await first, "held")

    # Namespaces

    async def test_several_namespaces_share_one_connection_and_stay_apart(self):
        peer, label = await self.labelled(namespaces=["/", "/second"])
        self.assertNotEqual(peer.id("/"), peer.id("/second"))
        for namespace in ("/", "/second"):
            who = await peer.ask("who", namespace=namespace)
            self.assertEqual((who["id"], who["namespace"]), (peer.id(namespace), namespace))
        await peer.ask_nothing("tell", {"via": "io", "text": "second only"}, namespace="/second")
        self.assertEqual(await peer.next("told", "/second"), ("second only",))
        await peer.ask("who")
        self.assertEqual(peer.heard("told", "/"), 0)
        first = peer.id("/second")
        await peer.next("connect", "/second")
        await peer.leave("/second")
        self.assertEqual((await server.history(label))[2:], ["disconnect /second client namespace disconnect"])
        self.assertEqual((await peer.ask("who"))["id"], peer.id(), "the other namespace lives on")
        await peer.join("/second", {"label": label})
        self.assertNotEqual(peer.id("/second"), first)
        self.assertEqual((await peer.ask("who", namespace="/second"))["id"], peer.id("/second"))

    async def test_an_unknown_namespace_is_refused(self):
        peer, error = await self.refused(namespaces=["/", "/nowhere"])
        self.assertIn("/nowhere", str(error))
        self.assertEqual(await peer.next("connect_error", "/nowhere"), ({"message": "Invalid namespace"},))

    async def test_when_an_unknown_namespace_is_refused_the_others_live_on(self):
        peer = await self.connect(namespaces=["/", "/nowhere"], wait=False)
        await peer.next("connect")
        self.assertEqual(await peer.next("connect_error", "/nowhere"), ({"message": "Invalid namespace"},))
        self.assertEqual((await peer.ask("who"))["id"], peer.id())

    async def test_a_layer_on_connect_refuses_with_message_and_data(self):
        peer, _ = await self.refused(namespaces=["/guarded"], auth={"token": "wrong"})
        refusal = {"message": "not authorized", "data": {"code": 401, "retry": [True, None]}}
        self.assertEqual(await peer.next("connect_error", "/guarded"), (refusal,))

    async def test_a_layer_on_connect_lets_in(self):
        peer = await self.connect(namespaces=["/guarded"], auth={"token": "open sesame"})
        self.assertEqual((await peer.ask("who", namespace="/guarded"))["namespace"], "/guarded")

    async def test_who_was_refused_by_a_layer_on_connect_may_try_again_over_the_same_connection(self):
        peer = await self.connect(namespaces=["/", "/guarded"], auth={"token": "wrong"}, wait=False)
        await peer.next("connect_error", "/guarded")
        await peer.join("/guarded", {"token": "open sesame"})
        self.assertEqual((await peer.ask("who", namespace="/guarded"))["id"], peer.id("/guarded"))

    async def refused(self, **options):
        """A client that was not let in, and the error that it raises."""
        peer = self.Peer(reconnection=False)
        self.addAsyncCleanup(self.done, peer)
        with self.assertRaises(socketio.exceptions.ConnectionError) as raised:
            await peer.connect(server.url, self.mode, **options)
        return peer, raised.exception

    # Ends

    async def test_the_client_disconnects_and_the_server_knows_why(self):
        peer, label = await self.labelled()
        room, id = f"room of {label}", peer.id()
        await peer.ask_nothing("join", [room])
        await peer.disconnect()
        self.assertEqual(await peer.next("disconnect"), ("client disconnect",))
        begin, end = await server.history(label)
        reasons = {"client namespace disconnect"}
        if self.mode != "polling":
            # It may close the websocket before it has sent the packet that says so.
            reasons.add("transport close")
        self.assertEqual(begin, "connect /")
        self.assertIn(end.removeprefix("disconnect / "), reasons)
        self.assertEqual(await server.rooms_at_the_end(label), sorted([id, room]))

    async def test_what_the_client_sends_right_before_it_leaves_is_handled(self):
        peer, label = await self.labelled()
        rooms = [peer.id(), "one", "two"]
        await peer.emit("join", ["one"])
        await peer.emit("join", ["two"])
        await peer.leave()
        self.assertEqual(await server.history(label), ["connect /", "disconnect / client namespace disconnect"])
        self.assertEqual(await server.rooms_at_the_end(label), sorted(rooms))

    async def test_when_the_clients_engine_closes_the_server_sees_the_transport_close_in_every_namespace(self):
        peer, label = await self.labelled(namespaces=["/", "/second"])
        await peer.close_engine()
        for namespace in ("/", "/second"):
            await peer.next("disconnect", namespace)
        ends = sorted((await server.history(label, 2))[2:])
        self.assertEqual(ends, [f"disconnect {namespace} transport close" for namespace in ("/", "/second")])

    async def test_the_server_ends_one_namespace_and_the_other_lives_on(self):
        peer, label = await self.labelled(namespaces=["/", "/second"])
        await peer.emit("end me", False)
        self.assertEqual(await peer.next("disconnect"), ("server disconnect",))
        history = await server.history(label)
        self.assertEqual(sorted(history[:2]), ["connect /", "connect /second"])
        self.assertEqual(history[2:], ["disconnect / server namespace disconnect"])
        self.assertEqual((await peer.ask("who", namespace="/second"))["id"], peer.id("/second"))

    async def test_the_server_ends_the_whole_connection(self):
        peer, label = await self.labelled(namespaces=["/", "/second"])
        await peer.emit("end me", True)
        reasons = {"server disconnect"}
        if self.Peer is ThreadPeer and self.mode != "polling":
            # One thread may see the end of the websocket before the other has handled the packet that came first.
            reasons.add("transport error")
        for namespace in ("/", "/second"):
            [reason] = await peer.next("disconnect", namespace)
            self.assertIn(reason, reasons)
        ends = sorted((await server.history(label, 2))[2:])
        self.assertEqual(ends, [f"disconnect {namespace} server namespace disconnect" for namespace in ("/", "/second")])

    async def test_when_the_server_closes_the_session_the_client_knows_and_comes_back(self):
        peer, label = await self.labelled(reconnection=True)
        await peer.next("connect")
        first = peer.id()
        await peer.send_raw("no Socket.IO packet")  # A violation: the server closes the session.
        [reason] = await peer.next("disconnect")
        if self.mode == "polling":
            # A close packet tells it that it is not wanted: it does not come back by itself.
            self.assertEqual(reason, "server disconnect")
            peer = await self.connect(auth={"label": label})
        else:
            self.assertEqual(reason, "transport error")
        await peer.next("connect")
        self.assertNotEqual(peer.id(), first)
        self.assertEqual((await peer.ask("who"))["id"], peer.id())
        self.assertEqual(await server.history(label), ["connect /", "disconnect / forced close", "connect /"])

    async def test_when_the_server_is_killed_and_started_again_the_client_comes_back(self):
        own = Server()
        self.addCleanup(lambda: own.kill())
        peer = await self.connect(own.url, reconnection=True)
        await peer.next("connect")
        first = peer.id()
        own.kill()
        self.assertEqual(await peer.next("disconnect"), ("transport error",))
        own = Server(own.port)
        await peer.next("connect")
        self.assertNotEqual(peer.id(), first)
        self.assertEqual((await peer.ask("who"))["id"], peer.id())

    # Rooms and order

    async def three(self):
        """Three clients, and a way to emit to them."""
        peers = [await self.connect() for _ in range(3)]
        a = peers[0]
        fences = count()

        async def tell(**how):
            """Emits through the server by way of a, then to everybody: how often who was told before that."""
            fence = f"fence {next(fences)}"
            await a.ask_nothing("tell", {"text": "x", **how})
            await a.ask_nothing("tell", {"via": "io", "text": fence})
            told = []
            for peer in peers:
                times = 0
                while await peer.next("told") != (fence,):
                    times += 1
                told.append(times)
            return told

        return peers, tell

    async def test_rooms_union_without_duplicates_except_broadcast_leave(self):
        (a, b, c), tell = await self.three()
        r1, r2 = str(uuid4()), str(uuid4())
        await a.ask_nothing("join", [r1])
        await b.ask_nothing("join", [r1, r2])
        await c.ask_nothing("join", [r2])
        self.assertEqual(await tell(via="io", to=[r1]), [1, 1, 0])
        self.assertEqual(await tell(via="io", to=[r1, r2]), [1, 1, 1], "in two of the rooms, told once")
        self.assertEqual(await tell(via="io", to=[r1, r2], **{"except": [r2]}), [1, 0, 0])
        self.assertEqual(await tell(via="io", to=[r1, r2], **{"except": [a.id()]}), [0, 1, 1], "an id is a room")
        self.assertEqual(await tell(via="socket", to=[r1]), [0, 1, 0], "not to oneself")
        self.assertEqual(await tell(via="broadcast"), [0, 1, 1])
        self.assertEqual(await tell(via="io", to=[c.id()]), [0, 0, 1])
        self.assertEqual(await tell(via="io", **{"except": [r2]}), [1, 0, 0])
        self.assertEqual(await tell(via="io", to=["an empty room"]), [0, 0, 0])
        await b.ask_nothing("leave", r1)
        self.assertEqual(await tell(via="io", to=[r1]), [1, 0, 0])

    async def test_a_socket_that_is_gone_is_in_no_room(self):
        peers, tell = await self.three()
        a, room = peers[0], str(uuid4())
        for peer in peers:
            await peer.ask_nothing("join", [room])
        self.assertEqual(await a.ask("count", room), 3)
        gone, label = await self.labelled()
        await gone.ask_nothing("join", [room])
        self.assertEqual(await a.ask("count", room), 4)
        await gone.disconnect()
        await server.history(label)
        self.assertEqual(await a.ask("count", room), 3)
        self.assertEqual(await tell(via="io", to=[room]), [1, 1, 1])

    async def test_1000_events_keep_their_order_both_ways_at_once(self):
        peer = await self.connect()
        await peer.emit("ticks", 1000)
        for i in range(1000):
            await peer.emit("item", i)
        self.assertEqual([await peer.next("tick") for _ in range(1000)], [(i,) for i in range(1000)])
        self.assertEqual(await peer.ask("items"), list(range(1000)))

    async def test_a_volatile_event_reaches_a_client_that_is_ready_for_it(self):
        peer = await self.connect()
        # On polling a client is ready only while it asks; so it is offered until one arrives.
        for offer in range(1000):
            await peer.ask_nothing("offer", offer)
            if peer.heard("maybe"):
                return
        self.fail("none of 1000 volatile events arrived")


for Peer, client in [(ThreadPeer, "Threads"), (AsyncPeer, "Asyncio")]:
    for mode in MODES:
        name = f"{client}{mode.capitalize()}"
        case = type(name, (Scenarios, unittest.IsolatedAsyncioTestCase), {"Peer": Peer, "mode": mode})
        globals()[name] = case
del case

if __name__ == "__main__":
    unittest.main(verbosity=2)
