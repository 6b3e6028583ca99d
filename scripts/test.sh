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

count_python() { # unittest's closing lines "Ran 3 tests in 0.1s", "FAILED (failures=1, errors=1, skipped=1)"
    awk '$1 == "Ran" { ran = $2 }
        /^(OK|FAILED)/ {
            gsub(/[^a-z0-9=]/, " ")
            for (i = 1; i <= NF; i++) if (split($i, part, "=") == 2) count[part[1]] = part[2]
        }
        END {
            failed = count["failures"] + count["errors"]
            skipped = count["skipped"]
            printf "%d passed, %d failed, %d skipped", ran - failed - skipped, failed, skipped
        }' "$logs/$1"
}

step setup "Set-up"
step fmt-check "Formatting"
step lint "Clippy"
step doc "Documentation"
step build "Build of the crate, the examples and the tests"
step unit "Unit, behaviour and doc tests"
step interop "Interoperability with the official JavaScript clients"
step interop-python "Interoperability with python-socketio"
step browser "The clients and the chat in a browser"

printf '\n'
counts=$(
    printf 'rust: %s\n' "$(count_rust unit)"
    printf 'interop: %s\n' "$(count_node interop)"
    printf 'python: %s\n' "$(count_python interop-python)"
    printf 'browser: %s\n' "$(count_node browser)"
)
printf '%s\n' "$counts"
if grep -q ' 0 passed' <<<"$counts"; then
    printf 'FAILED: a step ran no test\n'
    exit 1
fi
