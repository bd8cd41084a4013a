#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the peers of the gRPC measurements: peers.sh SRCDIR OUTDIR
#   SRCDIR  tests/bench/grpc of the source tree
#   OUTDIR  gets peer_cpp and peer_go
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

# Whether all of these tools are installed.
here() {
    for tool; do command -v "$tool" >/dev/null || return 1; done
}

cpp() {
    stale "$out/peer_cpp" "$src/bench.proto" "$src/peer_cpp.cc" || return 0
    if ! here grpc_cpp_plugin g++ protoc || ! pkg-config --exists grpc++ protobuf; then
        echo "peers: grpc++ is not installed: skipped"
        return 0
    fi
    mkdir -p "$out/cpp"
    protoc -I "$src" --cpp_out="$out/cpp" --grpc_out="$out/cpp" \
        --plugin=protoc-gen-grpc="$(command -v grpc_cpp_plugin)" "$src/bench.proto"
    # shellcheck disable=SC2046 # pkg-config answers with words
    g++ -O2 -std=c++17 -I "$out/cpp" $(pkg-config --cflags grpc++ protobuf) -o "$out/peer_cpp" \
        "$src/peer_cpp.cc" "$out/cpp/bench.pb.cc" "$out/cpp/bench.grpc.pb.cc" \
        $(pkg-config --libs grpc++ protobuf) -lpthread
}

# In a copy, because the messages are generated and the source tree may be read-only.
go_peer() {
    stale "$out/peer_go" "$src/bench.proto" "$src/go/main.go" "$src/go/go.mod" "$src/go/go.sum" ||
        return 0
    if ! here go protoc; then
        echo "peers: go is not installed: skipped"
        return 0
    fi
    mkdir -p "$out/go/benchpb"
    cp "$src/go/main.go" "$src/go/go.mod" "$src/go/go.sum" "$out/go"
    chmod u+w "$out/go/main.go" "$out/go/go.mod" "$out/go/go.sum"
    (
        cd "$out/go"
        go build -o "$out/protoc-gen-go" google.golang.org/protobuf/cmd/protoc-gen-go
        protoc -I "$src" --go_out=benchpb --go_opt=paths=source_relative \
            --plugin=protoc-gen-go="$out/protoc-gen-go" "$src/bench.proto"
        go build -o "$out/peer_go" .
    )
}

cpp
go_peer
