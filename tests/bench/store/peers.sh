#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches the peers of the measurements on PostgreSQL: peers.sh SRCDIR OUTDIR
#   SRCDIR  tests/bench/store of the source tree
#   OUTDIR  gets node/ with the peers' programs and what they need
# Where node or npm is not here they are skipped by name; what cannot be fetched is skipped too.
set -eu
src=$(cd "$1" && pwd)/node
mkdir -p "$2"
out=$(cd "$2" && pwd)/node

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "peers: node and npm are not installed: graphile-worker and DBOS are skipped"
    exit 0
fi
if [ ! -f "$out/dbos.mjs" ] || [ -n "$(find "$src" -newer "$out/dbos.mjs")" ]; then
    rm -rf "$out"
    mkdir -p "$out"
    cp "$src/package.json" "$src/package-lock.json" "$out"
    if ! (cd "$out" && npm ci --silent --no-audit --no-fund --ignore-scripts); then
        echo "peers: npm could not fetch graphile-worker and DBOS: they are skipped"
        exit 0
    fi
    cp "$src/graphile.mjs" "$src/dbos.mjs" "$out"
fi
