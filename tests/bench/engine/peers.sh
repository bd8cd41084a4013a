#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches the peer of the measurements of the engine: peers.sh SRCDIR OUTDIR
#   SRCDIR  tests/bench/engine of the source tree
#   OUTDIR  gets restate/ with the peer's program and what it needs
# Where node or npm is not here it is skipped by name; one that cannot be fetched is skipped too.
set -eu
src=$(cd "$1" && pwd)/restate
mkdir -p "$2"
out=$(cd "$2" && pwd)/restate

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "peers: node and npm are not installed: Restate is skipped"
    exit 0
fi
if [ ! -f "$out/peer.js" ] || [ -n "$(find "$src" -newer "$out/peer.js")" ]; then
    rm -rf "$out"
    mkdir -p "$out"
    cp "$src/package.json" "$src/package-lock.json" "$out"
    if ! (cd "$out" && npm ci --silent --no-audit --no-fund --ignore-scripts); then
        echo "peers: npm could not fetch Restate: it is skipped"
        exit 0
    fi
    cp "$src/peer.js" "$out"
fi
