#!/usr/bin/env bash
# Gets ready what cargo does not bring: npm packages and, for the tests, a headless browser.
# Quick and silent when all of it is there.
#
#   scripts/setup.sh demo      for `make demo`: the page's Socket.IO client
#   scripts/setup.sh interop   for `make interop`: the tests' npm packages too
#   scripts/setup.sh test      for `make test`: Chromium too
#   scripts/setup.sh rfc6455   for `make rfc6455`: the websocket test suite (Python)
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

websocket_suite() { # Autobahn's case files, and what drives them
    local kosoku=target/kosoku
    [ ! -x $kosoku/bin/kosoku ] || return 0
    need python3 "install Python 3.10 or newer (Debian: apt-get install python3-venv)"
    echo "setup: kosoku in $kosoku"
    { python3 -m venv $kosoku && $kosoku/bin/pip install --quiet --disable-pip-version-check kosoku==0.1.0; } ||
        die "kosoku could not be installed (see above)"
}

browser() { # prints the browser that the tests drive, if there is one
    local name
    for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
        if [ -n "$name" ] && command -v "$name"; then return 0; fi
    done
    return 1
}

install_chromium() {
    local what="install Chromium (Debian: apt-get install chromium), or name one in CHROMIUM"
    command -v apt-get >/dev/null || die "no browser for the tests: $what"
    [ "$(id -u)" = 0 ] || die "no browser for the tests, and only root can install one: $what"
    echo "setup: Chromium (apt)"
    export DEBIAN_FRONTEND=noninteractive
    local log
    log=$(mktemp)
    # Inter is the page's first choice of font: with it the screenshots look as they do elsewhere.
    if ! { apt-get update && apt-get install -y --no-install-recommends chromium fonts-inter; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get failed (see above): $what"
    fi
    rm -f "$log"
}

purpose=${1:-test}
case $purpose in
browser)
    browser || die "no browser: run \`make setup\`"
    exit
    ;;
rfc6455)
    websocket_suite
    exit
    ;;
demo | interop | test) ;;
*) die "unknown purpose \`$purpose\`: demo, interop, test, rfc6455 or browser" ;;
esac

need cargo "install Rust with rustup"
need node "install Node.js 20 or newer (Debian: apt-get install nodejs npm)"
need npm "install npm (Debian: apt-get install npm)"
node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' ||
    die "Node.js $(node --version) is too old: install 20 or newer"

npm_packages examples/chat
[ "$purpose" != demo ] || exit 0
npm_packages tests/js
[ "$purpose" != interop ] || exit 0
cargo fmt --version >/dev/null 2>&1 || die "\`cargo fmt\` is missing: rustup component add rustfmt"
cargo clippy --version >/dev/null 2>&1 || die "\`cargo clippy\` is missing: rustup component add clippy"
browser >/dev/null || install_chromium
