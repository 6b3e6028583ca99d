#!/usr/bin/env python3
"""Makes the table (Markdown) and the plot (SVG) of what run.py has measured.

  ./report.py --split out/split.json --free out/free.json --scale out/scale.json --into results

`results.md` and `results.svg` say on what machine, when, and with which versions.
"""
import argparse
import json
import statistics
from html import escape

from run import WORKLOADS, dig, fmt, limit_note, med

OURS = "tower-socketio"
IN_AXUM = "tower-socketio-axum"
FLOORS = ("floor-raw", "floor-ws")

# Workload, what it is compared with, and how much it may be at most.
TARGETS = [
    ("W1-ws", "floor-ws", 1.2), ("W1-upgrade", "floor-ws", 1.2), ("W1-polling", "floor-ws", 1.2),
    ("W3-echo", "floor-raw", 1.15), ("W3-pipe", "floor-raw", 2.5),
    ("W4-1000", "floor-raw", 1.1), ("W4-5000", "floor-raw", 1.1), ("W5-rooms", "floor-raw", 1.1),
    ("W6-bin64", "floor-raw", 1.2), ("W6-bin64k", "floor-raw", 1.3), ("W7-polling", "floor-ws", 1.1),
    ("W8-json10k", "socketioxide", 0.5), ("W9-ns-conn", "floor-ws", 1.3), ("W9-ns-echo", "floor-raw", 1.15),
    ("W10-beat", "floor-raw", 1.2),
]
MEMORY_KIB = 3.0
WAIT_US = 5000


def values(runs, key):
    return [v for v in (dig(r, key) for r in runs) if v is not None]


def ratios(per, server, base, key):
    pairs = [(dig(a, key), dig(b, key)) for a, b in zip(per.get(server, []), per.get(base, []))]
    return [a / b for a, b in pairs if a is not None and b]


def failures(runs):
    failed = [r.get("error") or r.get("first_error") for r in runs if "error" in r or "first_error" in r]
    lost = sum(r.get("lost", 0) or 0 for r in runs) + sum(r.get("errors", 0) for r in runs)
    return failed, lost


def key_of(workload):
    return WORKLOADS[workload][1]


def unit_of(workload):
    _, key, unit, *_ = WORKLOADS[workload]
    return ("KiB" if key.startswith("kib") else "CPU µs") + f" per {unit}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def spread(xs):
    return f"{min(xs):.2f}–{max(xs):.2f}" if xs else "-"


def targets(results):
    rows = []

    def row(workload, what, value, of, ratio, target, is_met):
        rows.append([workload, what, value, of, ratio, target, "yes" if is_met else "**no**"])

    for workload, base, most in TARGETS:
        per = results.get(workload, {})
        found = ratios(per, OURS, base, key_of(workload))
        if not found:
            continue
        ratio = statistics.median(found)
        ours, theirs = (fmt(med(values(per[s], key_of(workload)))) for s in (OURS, base))
        row(workload, unit_of(workload), ours, f"{theirs} ({base})", f"{ratio:.2f} ({spread(found)})", f"≤ {most}", ratio <= most)
    for workload in ("W4-1000", "W4-5000"):
        found = ratios(results.get(workload, {}), OURS, "floor-raw", "last_us.p50")
        if found:
            ratio = statistics.median(found)
            row(workload, "µs to the last delivery (p50)", fmt(med(values(results[workload][OURS], "last_us.p50"))),
                f"{fmt(med(values(results[workload]['floor-raw'], 'last_us.p50')))} (floor-raw)",
                f"{ratio:.2f} ({spread(found)})", "≤ 1", ratio <= 1.0)
    waits = values(results.get("W5-busy", {}).get(OURS, []), "lat_us.max")
    if waits:
        row("W5-busy", "µs of the longest echo beside broadcasts to 10,000", fmt(max(waits)), "", spread(waits), f"≤ {WAIT_US}", max(waits) <= WAIT_US)
    memory = results.get("W2-memory", {}).get(OURS, [])
    if memory:
        idle, left = values(memory, "kib_idle"), values(memory, "leak_b")
        row("W2-memory", "KiB per idle client", fmt(med(idle)), "", spread(idle), f"≤ {MEMORY_KIB:g}", med(idle) <= MEMORY_KIB)
        row("W2-memory", "bytes left per client, second to last time", fmt(med(left)), "", spread(left), "≈ 0", med(left) < 64)
    return table(["workload", "what", "ours", "compared with", "ratio (min–max)", "target", "met"], rows)


def overview(results):
    servers = list(dict.fromkeys(s for per in results.values() for s in per))
    rows = []
    for workload, per in results.items():
        cells = []
        for server in servers:
            runs = per.get(server, [])
            xs = values(runs, key_of(workload))
            failed, lost = failures(runs)
            mark = f" ({lost} lost or wrong)" if lost else f" (failed: {failed[0][:40]})" if failed else ""
            mark += f" ({limit_note(runs)})" if limit_note(runs) else ""
            cells.append((f"{fmt(med(xs))} ({fmt(min(xs))}–{fmt(max(xs))})" if xs else "-") + mark)
        rows.append([workload, unit_of(workload), *cells])
    return table(["workload", "what", *servers], rows)


def beside(results):
    """How we stand to the best of the others that are whole servers."""
    rows = []
    for workload, per in results.items():
        peers = [s for s in per if s not in (OURS, IN_AXUM, *FLOORS) and values(per[s], key_of(workload))]
        if OURS not in per or not peers:
            continue
        best = min(peers, key=lambda s: med(values(per[s], key_of(workload))))
        found = ratios(per, OURS, best, key_of(workload))
        if found:
            rows.append([workload, unit_of(workload), best, f"{statistics.median(found):.2f} ({spread(found)})"])
    return table(["workload", "what", "best peer", "ours ÷ best peer (min–max)"], rows)


def conditions(meta):
    m, versions = meta["machine"], meta["versions"]
    few = f" ({meta['few'].replace(',', ', ')}: two fifths of them)" if meta.get("few") else ""
    pin = {"split": "the server on one CPU, the load generator on another", "free": "both on all CPUs"}[meta["pin"]]
    return [
        f"{m['cpu']}, {m['cpus']} CPUs, {m['memory_gib']} GiB, Linux {m['kernel']}; {meta['when'][:10]}; "
        f"{meta['rounds']} alternating rounds{few} of {meta['secs']:g} s after {meta['warm']:g} s; {pin}. "
        "Numbers are medians, with the smallest and the largest behind.",
        "",
        ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
    ]


def markdown(split, free, scale, plot):
    lines = ["# Measured side by side", "", "Made by `make bench`; do not edit.", "", *conditions(split["meta"]), ""]
    lines += [f"![Cost beside the floor]({plot})", "", "## Targets", "", *targets(split["results"]), ""]
    lines += ["## All servers", "", *overview(split["results"]), ""]
    lines += ["## Beside the best peer", "", *beside(split["results"]), ""]
    if free:
        lines += ["## Two workers (`--pin free`)", "", *conditions(free["meta"])[:1], "", *overview(free["results"]), ""]
        lines += [*beside(free["results"]), ""]
    if scale:
        lines += ["## Scale", "", *conditions(scale["meta"])[:1], "", *overview(scale["results"]), ""]
    return "\n".join(lines)


COLOURS = {
    OURS: "#d9480f", IN_AXUM: "#ffa94d", "floor-raw": "#868e96", "floor-ws": "#adb5bd",
    "socketioxide": "#1971c2", "node": "#2f9e44", "bun": "#ae3ec9", "python": "#e8a33d",
}
MARKS = [0.5, 1, 2, 4, 8, 16, 32]


def svg(results):
    """A row for each workload, a dot for each server: its cost, as a multiple of the lowest floor there."""
    from math import log2

    left, right, top, step = 120, 40, 84, 26
    width = 860
    rows = [(w, per, next((f for f in FLOORS if f in per), None)) for w, per in results.items()]
    rows = [(w, per, floor) for w, per, floor in rows if floor]
    height = top + step * len(rows) + 40
    low, high = log2(MARKS[0]), log2(MARKS[-1])

    def x(ratio):
        return left + (min(max(log2(ratio), low), high) - low) / (high - low) * (width - left - right)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{left}" y="22" font-size="15" font-weight="bold">Cost of a unit of work, as a multiple of the floor</text>',
        f'<text x="{left}" y="40" fill="#495057">CPU time (W2: memory); floor: {escape(FLOORS[0])}, '
        f"where it cannot: {escape(FLOORS[1])}. Left is better; the scale is logarithmic.</text>",
    ]
    at = left
    for name in dict.fromkeys(s for _, per, _ in rows for s in per):
        colour = COLOURS.get(name, "#000")
        out.append(f'<circle cx="{at + 5}" cy="58" r="5" fill="{colour}"/><text x="{at + 14}" y="62">{escape(name)}</text>')
        at += 26 + 7 * len(name)
    bottom = top + step * len(rows)
    for mark in MARKS:
        out.append(f'<line x1="{x(mark):.1f}" y1="{top - 8}" x2="{x(mark):.1f}" y2="{bottom}" stroke="#dee2e6"/>')
        out.append(f'<text x="{x(mark):.1f}" y="{bottom + 18}" text-anchor="middle" fill="#495057">{mark:g} ×</text>')
    for i, (workload, per, floor) in enumerate(rows):
        y = top + step * i + step / 2
        out.append(f'<text x="{left - 12}" y="{y + 4:.1f}" text-anchor="end">{escape(workload)}</text>')
        # Ours last: it lies on top.
        for name in sorted(per, key=lambda s: s == OURS):
            found = ratios(per, name, floor, key_of(workload))
            if not found:
                continue
            ratio, colour = statistics.median(found), COLOURS.get(name, "#000")
            title = escape(f"{name}: {ratio:.2f} × {floor} ({spread(found)})")
            out.append(f'<line x1="{x(min(found)):.1f}" x2="{x(max(found)):.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-opacity=".5" stroke-width="2"/>')
            out.append(f'<circle cx="{x(ratio):.1f}" cy="{y}" r="5.5" fill="{colour}"><title>{title}</title></circle>')
    out.append("</svg>")
    return "\n".join(out) + "\n"


def load(path):
    if not path:
        return None
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--split", required=True, help="what run.py --pin split has measured")
    p.add_argument("--free", help="what run.py --pin free has measured")
    p.add_argument("--scale", help="what run.py has measured of the S workloads")
    p.add_argument("--into", default="results", help="the files' name, without .md and .svg")
    opt = p.parse_args()
    split = load(opt.split)
    with open(f"{opt.into}.svg", "w", encoding="utf-8") as f:
        f.write(svg(split["results"]))
    with open(f"{opt.into}.md", "w", encoding="utf-8") as f:
        f.write(markdown(split, load(opt.free), load(opt.scale), opt.into.rsplit("/", 1)[-1] + ".svg") + "\n")


if __name__ == "__main__":
    main()
