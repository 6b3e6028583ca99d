#!/usr/bin/env bash
# The whole comparison, as it stands in results.md and results.svg: most of an hour. `make bench` sets it up.
#
#   ROUNDS=5       alternating rounds with one CPU for each side; with all CPUs it is three fifths of them
#   SERVERS=…      names in servers.json, commas between
#   WORKLOADS=…    names, or beginnings such as W4 (all)
#   SECS=1         what a timed workload takes
#   FEW=…          servers that take part in two fifths of the rounds (tower-socketio-axum,node,bun)
#   ONLY=split     leaves out the rest: two workers, and what grows with the number of clients and rooms
set -euo pipefail
cd "$(dirname "$0")"

rounds=${ROUNDS:-5}
servers=${SERVERS:-tower-socketio,floor-raw,floor-ws,socketioxide,tower-socketio-axum,node,bun}
timed=(--secs "${SECS:-1}" --warm 1 --markdown)
few=${FEW-tower-socketio-axum,node,bun}
workloads=${WORKLOADS:-W1,W2,W3,W4,W5,W6,W7,W8,W9,W10}
mkdir -p out

./run.py -s "$servers" -w "$workloads" -r "$rounds" --few "$few" "${timed[@]}" --pin split --json out/split.json >out/split.md
report=(--split out/split.json)
if [ "${ONLY:-}" != split ]; then
    # With two workers each, servers are compared with servers: a floor has no locks to fight for.
    whole=$(tr , '\n' <<<"$servers" | grep -v '^floor-' | paste -sd,)
    ./run.py -s "$whole" -w "$workloads" -r $(((rounds * 3 + 4) / 5)) --few "$few" "${timed[@]}" --pin free --json out/free.json >out/free.md
    ./run.py -s tower-socketio,floor-raw -w S1,S2 -r 1 "${timed[@]}" --json out/scale.json >out/scale.md
    report+=(--free out/free.json --scale out/scale.json)
fi
./report.py "${report[@]}" --into results
