#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the peers of the measurements of definitions: peers.sh SRCDIR OUTDIR
#   SRCDIR  tests/bench/spec of the source tree
#   OUTDIR  gets peer_expr
# A peer whose tools are not here is skipped by name; one that does not build is an error.
set -eu
src=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)

if ! command -v go >/dev/null; then
    echo "peers: go is not installed: skipped"
    exit 0
fi
if [ -x "$out/peer_expr" ] && [ -z "$(find "$src/expr_go" -newer "$out/peer_expr")" ]; then
    exit 0
fi
(cd "$src/expr_go" && go build -mod=readonly -o "$out/peer_expr" .)
