"""Compressed websockets: python-socketio's asyncio client offers them where it is told to, by aiohttp, which asks for any
window. (The one with threads stands on websocket-client, which knows no extensions.)"""

import unittest

from peers import AsyncPeer
from server import Server

server = None


def setUpModule():
    global server
    server = Server()


def tearDownModule():
    server.kill()


LONG = ", ".join(f"Grüße 🙂 {n}" for n in range(5000))


class Deflate(unittest.IsolatedAsyncioTestCase):
    async def connected(self, path, window_bits):
        peer = AsyncPeer(websocket_extra_options={"compress": window_bits})
        self.addAsyncCleanup(peer.close)
        return await peer.connect(server.url, "websocket", path=path)

    async def test_long_messages_come_back_with_every_window(self):
        for path in ("deflate", "contexts"):
            for window_bits in range(9, 16):
                with self.subTest(path=path, window_bits=window_bits):
                    peer = await self.connected(path, window_bits)
                    self.assertTrue(peer.client.eio.ws.compress)
                    for _ in range(3):
                        self.assertEqual(await peer.ask("ack", LONG), LONG)
                        self.assertEqual(await peer.ask("ack", bytes(50_000)), bytes(50_000))

    async def test_a_server_that_does_not_want_it_declines(self):
        peer = await self.connected("socket.io", 15)
        self.assertFalse(peer.client.eio.ws.compress)
        self.assertEqual(await peer.ask("ack", LONG), LONG)
