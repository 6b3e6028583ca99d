"""The two clients of python-socketio behind one face: what comes is put into queues, what is asked is awaited."""

import asyncio
import json
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import engineio
import socketio

from server import DEADLINE, within

# The server answers a poll with all that waits; without this the client takes no more than 16 packets.
engineio.payload.Payload.max_decode_packets = 10_000

MODES = {"polling": ["polling"], "websocket": ["websocket"], "upgraded": ["polling", "websocket"]}


class Peer:
    """A client, and what it has heard."""

    make = None

    def __init__(self, **options):
        self._loop = asyncio.get_running_loop()
        self._heard = defaultdict(asyncio.Queue)
        self.answers = {}
        self.complaints = _Complaints()
        self.client = self.make(handle_sigint=False, logger=self.complaints, engineio_logger=self.complaints, **options)

    def _listen(self, namespace):
        def hear(event, *args):
            self._loop.call_soon_threadsafe(self._heard[namespace, event].put_nowait, args)
            # What is returned is the acknowledgement.
            return self.answers[event](*args) if event in self.answers else None

        self.client.on("*", hear, namespace=namespace)
        for event in ("connect", "connect_error", "disconnect"):
            self.client.on(event, lambda *args, event=event: hear(event, *args), namespace=namespace)

    async def connect(self, url, mode, namespaces=("/",), auth=None, headers=None, wait=True, path="socket.io"):
        """Connects; without `wait` only the engine: if a namespace is refused, the others are kept then."""
        for namespace in namespaces:
            self._listen(namespace)
        await self._connect(
            url,
            headers=headers or {},
            auth=auth,
            transports=MODES[mode],
            namespaces=list(namespaces),
            wait=wait,
            socketio_path=path,
            wait_timeout=DEADLINE,
        )
        return self

    async def join(self, namespace, auth):
        """Connects to one more namespace, or again. The library has no way to: the packet is written here."""
        await self.send_raw(f"0{namespace},{json.dumps(auth)}")
        await self.next("connect", namespace)

    async def leave(self, namespace="/"):
        """Leaves one namespace. The library only leaves all, and the session with them: the packet is written here."""
        del self.client.namespaces[namespace]
        await self.send_raw("1" if namespace == "/" else f"1{namespace},")

    async def next(self, event, namespace="/"):
        """The arguments of the next such event."""
        return await within(self._heard[namespace, event].get(), f'the event "{event}"')

    def heard(self, event, namespace="/"):
        """How many such events have come that nobody has asked for yet."""
        return self._heard[namespace, event].qsize()

    async def acked(self, event, *args, namespace="/"):
        """Asks the server: all arguments of its acknowledgement."""
        answer = self._loop.create_future()

        def answered(*back):
            self._loop.call_soon_threadsafe(answer.set_result, list(back))

        await self.emit(event, *args, namespace=namespace, callback=answered)
        return await within(answer, f'the acknowledgement of "{event}"')

    async def ask(self, event, *args, namespace="/"):
        """Asks the server: its acknowledgement has one argument."""
        [answer] = await self.acked(event, *args, namespace=namespace)
        return answer

    async def ask_nothing(self, event, *args, namespace="/"):
        """Waits until the server has done what it was told: its acknowledgement is empty."""
        answer = await self.acked(event, *args, namespace=namespace)
        assert answer == [], answer

    def keep_silent(self, event):
        """From now on such a question is heard, but not answered."""
        self.client.unanswered[event] = None

    async def answer_late(self, event, answer):
        """Answers the last question that was not answered."""
        await self.send_raw(f"3{self.client.unanswered[event]}{json.dumps([answer])}")

    def id(self, namespace="/"):
        return self.client.get_sid(namespace)


class AsyncPeer(Peer):
    """The client for asyncio: aiohttp for polling and websocket."""

    def make(self, **options):
        return _AsyncClient(**options)

    async def _connect(self, url, **options):
        await within(self.client.connect(url, **options), "the connection")

    async def emit(self, event, *args, namespace="/", callback=None):
        await self.client.emit(event, args, namespace=namespace, callback=callback)

    async def send_raw(self, message):
        await self.client.eio.send(message)

    async def disconnect(self):
        # What is not on its way by then is dropped, even the packets that say that this is the end.
        await within(self.client.eio.queue.join(), "all to be sent")
        await within(self.client.disconnect(), "the end")

    async def close_engine(self):
        await within(self.client.eio.queue.join(), "all to be sent")
        await within(self.client.eio.disconnect(), "the end")

    async def close(self):
        await within(self.client.shutdown(), "the end")


class ThreadPeer(Peer):
    """The client with threads: requests for polling, websocket-client for websockets."""

    def make(self, **options):
        return _Client(**options)

    async def _connect(self, url, **options):
        await within(asyncio.to_thread(self.client.connect, url, **options), "the connection")

    async def emit(self, event, *args, namespace="/", callback=None):
        # It only puts the packet into a queue.
        self.client.emit(event, args, namespace=namespace, callback=callback)

    async def send_raw(self, message):
        self.client.eio.send(message)

    async def disconnect(self):
        await within(asyncio.to_thread(self.client.eio.queue.join), "all to be sent")
        # Not waited for: on polling it may forget to tell the server that the session ends, and then waits for its poll.
        Thread(target=self.client.disconnect, daemon=True).start()

    async def close_engine(self):
        engine = self.client.eio
        await within(asyncio.to_thread(engine.queue.join), "all to be sent")
        if engine.current_transport == "polling":
            # What it may forget (see above).
            engine._send_packet(engineio.packet.Packet(engineio.packet.CLOSE))
        else:
            Thread(target=engine.disconnect, daemon=True).start()

    async def close(self):
        if self.client.connected:
            await within(asyncio.to_thread(self.client.eio.disconnect, abort=True), "the end")
        else:
            await within(asyncio.to_thread(self.client.shutdown), "the end of reconnecting")
        self.client.eio.turn.shutdown(wait=False)


class _InOrder(engineio.Client):
    """Handles messages in the order in which they come. Of its own it starts a thread for each, and these overtake one another."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.turn = ThreadPoolExecutor(max_workers=1)

    def _trigger_event(self, event, *args, run_async=False, **options):
        handle = super()._trigger_event
        if not run_async:
            return handle(event, *args, **options)
        try:
            return self.turn.submit(handle, event, *args, **options)
        except RuntimeError:
            return None  # The test is over.


class _MayKeepSilent:
    """Of its own the library answers every question as soon as its handler returns."""

    def __init__(self, **options):
        super().__init__(**options)
        # By the event's name: the id of the last such question.
        self.unanswered = {}

    def _handle_event(self, namespace, id, data):
        if data[0] in self.unanswered:
            self.unanswered[data[0]] = id
            id = None
        return super()._handle_event(namespace, id, data)


class _AsyncClient(_MayKeepSilent, socketio.AsyncClient):
    pass


class _Client(_MayKeepSilent, socketio.Client):
    def _engineio_client_class(self):
        return _InOrder


class _Complaints(list):
    """A logger: what a client's library complains about. A connection that is lost, which is a warning, may be part of a test."""

    def info(self, *_):
        pass

    warning = info

    def error(self, message, *details):
        # With threads the end of the session and of its namespaces may cross each other: then it trips over itself.
        if message != "disconnect handler error":
            self.append(message % details)

    exception = error
