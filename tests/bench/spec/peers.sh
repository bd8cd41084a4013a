#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the peers of the measurements of definitions: peers.sh SRCDIR OUTDIR
#   SRCDIR  tests/bench/spec of the source tree
#   OUTDIR  gets peer_go, node/ and, where the source has it, expr_go
# A peer whose tools are not here is skipped by name; one that does not build is an error.
set -eu
src=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)

# Whether program $1 is older than one of the other files.
stale() {
    [ -x "$1" ] || return 0
    program=$1
    shift
    [ -n "$(find "$@" -newer "$program")" ]
}

# A Go program in the folder $1 as $2, built in a copy: the source tree may be read-only.
go_peer() {
    [ -d "$src/$1" ] || return 0
    stale "$out/$2" "$src/$1" || return 0
    if ! command -v go >/dev/null; then
        echo "peers: go is not installed: $2 is skipped"
        return 0
    fi
    rm -rf "$out/$1.build"
    cp -r "$src/$1" "$out/$1.build"
    chmod -R u+w "$out/$1.build"
    (cd "$out/$1.build" && go build -o "$out/$2" .)
}

node_peer() {
    stale "$out/node/peer.js" "$src/node" || return 0
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        echo "peers: node and npm are not installed: js-yaml and yaml are skipped"
        return 0
    fi
    rm -rf "$out/node"
    mkdir -p "$out/node"
    cp "$src/node/package.json" "$src/node/package-lock.json" "$out/node"
    (cd "$out/node" && npm ci --silent --no-audit --no-fund)
    cp "$src/node/peer.js" "$out/node"
    chmod +x "$out/node/peer.js"
}

go_peer go peer_go
go_peer expr_go expr_go
node_peer
