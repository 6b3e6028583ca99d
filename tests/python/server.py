"""Starts the Rust example that the tests talk to, and reads what it wrote down."""

import asyncio
import json
import os
import signal
import subprocess
import threading
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# How long, in seconds, anything in these tests may take before it counts as lost.
DEADLINE = 15


async def within(awaitable, what):
    """The result, or a failure that names what did not come."""
    try:
        return await asyncio.wait_for(awaitable, DEADLINE)
    except asyncio.TimeoutError:
        raise AssertionError(f"waited in vain for {what}") from None


def _program():
    """The example: named in the environment, or what cargo built."""
    if "EXAMPLE_INTEROP" in os.environ:
        return os.environ["EXAMPLE_INTEROP"]
    metadata = subprocess.check_output(["cargo", "metadata", "--no-deps", "--format-version=1"], cwd=ROOT)
    program = Path(json.loads(metadata)["target_directory"], "debug", "example-interop")
    if not program.exists():
        raise RuntimeError("example-interop is not built: run `make interop`, which builds it")
    return str(program)


class Server:
    """A server of our own, on any port unless one is given."""

    def __init__(self, port=0):
        environment = {**os.environ, "PORT": str(port)}
        self._process = subprocess.Popen([_program()], env=environment, stdout=subprocess.PIPE, text=True)
        late = threading.Timer(DEADLINE, self._process.kill)
        late.start()
        try:
            line = self._process.stdout.readline()
        finally:
            late.cancel()
        if not line.startswith("listening on "):
            self.kill()
            raise RuntimeError(f"example-interop did not start: {line!r}")
        self.port = int(line.removeprefix("listening on "))
        self.url = f"http://127.0.0.1:{self.port}"

    def kill(self):
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()

    def page(self, name, **query):
        """A page of the server's log, by plain HTTP."""
        url = f"{self.url}/log/{name}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
            return json.load(answer)

    async def history(self, label, ends=1):
        """What was written down of a label, once that many of its sockets have ended."""
        return await asyncio.to_thread(self.page, "history", label=label, ends=ends)

    async def rooms_at_the_end(self, label):
        """The rooms that the label's last socket was in when it ended."""
        return await asyncio.to_thread(self.page, "rooms", label=label)
