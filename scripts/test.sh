#!/usr/bin/env bash
# All checks in order, up to the first that fails; then how many tests ran. Called by `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

step() { # step TARGET NAME
    local began=$SECONDS
    printf '\n== %s\n' "$2"
    if ! "${MAKE:-make}" --no-print-directory "$1" 2>&1 </dev/null | tee "$logs/$1"; then
        printf '\n== FAILED: %s (make %s)\n' "$2" "$1"
        exit 1
    fi
    printf '== %s: done in %d s\n' "$2" $((SECONDS - began))
}

count_rust() { # adds up cargo's lines "test result: ok. 3 passed; 0 failed; 0 ignored; …"
    awk '/^test result:/ { passed += $4; failed += $6; ignored += $8 }
        END { printf "%d passed, %d failed, %d skipped", passed, failed, ignored }' "$logs/$1"
}

count_node() { # node's closing lines "ℹ pass 3", "ℹ fail 0", "ℹ skipped 0"
    awk '$2 == "pass" { passed = $3 } $2 == "fail" { failed = $3 } $2 ~ /^(skipped|todo|cancelled)$/ { skipped += $3 }
        END { printf "%d passed, %d failed, %d skipped", passed, failed, skipped }' "$logs/$1"
}

step setup "Set-up"
step fmt-check "Formatting"
step lint "Clippy"
step doc "Documentation"
step build "Build of the crate, the examples and the tests"
step unit "Unit, behaviour and doc tests"
step interop "Interoperability with the official JavaScript client"
step browser "The chat in a browser"

printf '\n'
counts=$(
    printf 'rust: %s\n' "$(count_rust unit)"
    printf 'interop: %s\n' "$(count_node interop)"
    printf 'browser: %s\n' "$(count_node browser)"
)
printf '%s\n' "$counts"
if grep -q ' 0 passed' <<<"$counts"; then
    printf 'FAILED: a step ran no test\n'
    exit 1
fi
