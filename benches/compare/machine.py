"""What a measurement was made on: the machine and the versions, for the head of the table."""
import json
import os
import platform
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


def first_line(*cmd):
    try:
        return subprocess.run(cmd, cwd=HERE, capture_output=True, text=True, timeout=10).stdout.splitlines()[0].strip()
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return None


def text(path):
    try:
        with open(os.path.join(HERE, path), encoding="utf-8") as f:
            return f.read()
    except OSError:
        return ""


def cpu():
    return next((m[1] for m in re.finditer(r"^model name\s*:\s*(.*)$", text("/proc/cpuinfo"), re.M)), platform.machine())


def memory_gib():
    kib = re.search(r"^MemTotal:\s*(\d+)", text("/proc/meminfo"), re.M)
    return round(int(kib[1]) / 2**20) if kib else None


def crates():
    lock = text("rust/Cargo.lock")
    wanted = ("socketioxide", "axum", "hyper", "tokio", "tokio-tungstenite", "serde_json", "flate2")
    found = re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', lock)
    return {name: version for name, version in found if name in wanted}


def npm(folder, *names):
    def version(name):
        package = text(f"servers/{folder}/node_modules/{name}/package.json")
        return json.loads(package)["version"] if package else None

    return {f"{name} ({folder})": version(name) for name in names if version(name)}


def versions():
    bun = os.path.join(HERE, "servers/bun/node_modules/.bin/bun")
    all_of_them = {
        "tower-socketio": first_line("git", "describe", "--always", "--dirty", "--abbrev=10"),
        "rustc": (first_line("rustc", "--version") or "").removeprefix("rustc ").split(" ")[0],
        "node": (first_line("node", "--version") or "").lstrip("v"),
        "bun": first_line(bun, "--version"),
        **crates(),
        **npm("node", "socket.io", "engine.io", "ws", "bufferutil"),
        **npm("bun", "socket.io", "@socket.io/bun-engine"),
    }
    return {name: version for name, version in all_of_them.items() if version}


def machine():
    return {"cpu": cpu(), "cpus": os.cpu_count(), "memory_gib": memory_gib(), "kernel": platform.release()}
