#!/usr/bin/env bash
# Gets ready what cargo does not bring: npm packages and, for the tests, Python packages and a headless browser.
# Quick and silent when all of it is there.
#
#   scripts/setup.sh demo      for `make demo`: the page's Socket.IO client
#   scripts/setup.sh interop   for `make interop`: the tests' npm packages too
#   scripts/setup.sh python    for `make interop-python`: a virtual environment with python-socketio
#   scripts/setup.sh test      for `make test`: all of that, and Chromium
#   scripts/setup.sh bench     for `make bench`: the load generator, the floors and the servers that are compared
#   scripts/setup.sh rfc6455   for `make unit`: a virtual environment with the websocket test suite
#   scripts/setup.sh instructions   for `make instructions`: valgrind
#   scripts/setup.sh browser   prints which browser the tests drive
set -euo pipefail
cd "$(dirname "$0")/.."

die() {
    printf 'setup: %s\n' "$1" >&2
    exit 1
}

need() { # need COMMAND WHAT-TO-DO
    command -v "$1" >/dev/null || die "\`$1\` is missing: $2"
}

npm_packages() { # npm_packages FOLDER
    local stamp=$1/node_modules/.installed
    if [ ! -e "$stamp" ] || [ "$1/package.json" -nt "$stamp" ]; then
        echo "setup: npm packages of $1"
        (cd "$1" && npm install --no-audit --no-fund --loglevel=error) || die "npm install failed in $1 (see above)"
        touch "$stamp"
    fi
}

apt_install() { # apt_install WHAT-TO-DO PACKAGE…
    local what=$1 log
    shift
    command -v apt-get >/dev/null || die "$what"
    [ "$(id -u)" = 0 ] || die "only root can install it: $what"
    echo "setup: $* (apt)"
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    if ! { apt-get update && apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get failed (see above): $what"
    fi
    rm -f "$log"
}

python_packages() { # python_packages FOLDER: what its requirements.txt names, in FOLDER/.venv
    local venv=$1/.venv
    local stamp=$venv/.installed
    if [ -e "$stamp" ] && [ "$stamp" -nt "$1/requirements.txt" ] && "$venv/bin/python" -c "" 2>/dev/null; then return 0; fi
    if ! python3 -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
        apt_install "the tests need Python 3.10 or newer with venv (Debian: apt-get install python3-venv)" python3-venv
    fi
    echo "setup: Python packages of $1"
    rm -rf "$venv"
    python3 -m venv "$venv" || die "python3 -m venv failed (see above): Debian: apt-get install python3-venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$1/requirements.txt" ||
        die "pip install failed in $1 (see above)"
    touch "$stamp"
}

browser() { # prints the browser that the tests drive, if there is one
    local name
    for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
        if [ -n "$name" ] && command -v "$name"; then return 0; fi
    done
    return 1
}

install_chromium() {
    # Inter is the page's first choice of font: with it the screenshots look as they do elsewhere.
    apt_install "the tests need a browser (Debian: apt-get install chromium), or the name of one in CHROMIUM" \
        chromium fonts-inter
}

purpose=${1:-test}
case $purpose in
browser)
    browser || die "no browser: run \`make setup\`"
    exit
    ;;
bench | demo | instructions | interop | python | rfc6455 | test) ;;
*) die "unknown purpose \`$purpose\`: bench, demo, instructions, interop, python, test, rfc6455 or browser" ;;
esac

need cargo "install Rust with rustup"
if [ "$purpose" = instructions ]; then
    command -v valgrind >/dev/null ||
        apt_install "instructions are counted by valgrind (Debian: apt-get install valgrind)" valgrind
    exit 0
fi
if [ "$purpose" = python ] || [ "$purpose" = test ]; then python_packages tests/python; fi
if [ "$purpose" = rfc6455 ] || [ "$purpose" = test ]; then python_packages tests/rfc6455; fi
if [ "$purpose" = python ] || [ "$purpose" = rfc6455 ]; then exit 0; fi
need node "install Node.js 20 or newer (Debian: apt-get install nodejs npm)"
need npm "install npm (Debian: apt-get install npm)"
node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' ||
    die "Node.js $(node --version) is too old: install 20 or newer"

if [ "$purpose" = bench ]; then
    npm_packages benches/compare/servers/node
    npm_packages benches/compare/servers/bun
    python_packages benches/compare/servers/python
    cargo build --release --manifest-path benches/compare/rust/Cargo.toml
    exit 0
fi
npm_packages examples/chat
[ "$purpose" != demo ] || exit 0
npm_packages tests/js
[ "$purpose" != interop ] || exit 0
cargo fmt --version >/dev/null 2>&1 || die "\`cargo fmt\` is missing: rustup component add rustfmt"
cargo clippy --version >/dev/null 2>&1 || die "\`cargo clippy\` is missing: rustup component add clippy"
browser >/dev/null || install_chromium
