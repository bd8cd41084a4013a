#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tries buf on api/: lint, and generation with whatever local plugins are installed. buf is taken
# from $BUF, the PATH, or npm; where none of them gives it, every case is skipped. All is made in
# a directory of the build tree that goes away at the end. Prints TAP.
top_srcdir=${top_srcdir:-$(dirname "$0")/../..}
top_builddir=${top_builddir:-.}
mkdir -p "$top_builddir/tests/shape"
work=$(cd "$top_builddir/tests/shape" && pwd)/buf.work.$$
mkdir "$work" || exit 99
trap 'rm -rf "$work"' EXIT
trap 'exit 99' HUP INT TERM
number=0
failed=0

ok() { number=$((number + 1)); echo "ok $number - $1"; }
skip() { number=$((number + 1)); echo "ok $number - $1 # SKIP $2"; }
not_ok() {
    number=$((number + 1))
    failed=1
    echo "not ok $number - $1"
    sed 's/^/# /' "$work/out" | head -n 20
}
finish() { echo "1..$number"; exit "$failed"; }

lint="buf lint finds nothing"
python="make buf's configuration makes Python messages that import"
grpc="and Python stubs"
go="and Go messages"

buf=${BUF:-$(command -v buf)}
if [ -z "$buf" ] && command -v npm >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1; then
    buf=$work/node_modules/.bin/buf
    timeout 60 npm install --prefix "$work" --no-audit --no-fund --no-save \
        --fetch-retries=0 --fetch-timeout=20000 @bufbuild/buf@1 >"$work/out" 2>&1
fi
if [ -z "$buf" ] || ! "$buf" --version >"$work/out" 2>&1; then
    for sentence in "$lint" "$python" "$grpc" "$go"; do
        skip "$sentence" "buf is not installed and npm did not bring it"
    done
    finish
fi
# Where Go is, its two plugins are made when they are not installed; without a network they are not.
if command -v go >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1; then
    for plugin in google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.6 \
        google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.5.1; do
        name=${plugin##*/}
        command -v "${name%@*}" >/dev/null 2>&1 ||
            GOBIN=$work/bin GOPATH=$work/go GOCACHE=$work/gocache GOFLAGS=-modcacherw \
                timeout 120 go install "$plugin" >"$work/out" 2>&1
    done
    PATH=$PATH:$work/bin
fi
# Its cache and settings stay here; nothing in the user's home is touched.
BUF_CACHE_DIR=$work/cache
HOME=$work
export BUF_CACHE_DIR HOME

mkdir "$work/api"
for module in agent gateway pipeline steprun stream control; do
    cp -R "$top_srcdir/api/$module" "$work/api/"
done
cp "$top_srcdir/api/buf.yaml" "$work/api/"
chmod -R u+w "$work/api"
buf=$(cd "$(dirname "$buf")" && pwd)/$(basename "$buf")

if (cd "$work/api" && "$buf" lint) >"$work/out" 2>&1; then ok "$lint"; else not_ok "$lint"; fi

# The configuration as it stands, without the plugins that are not installed here.
"${AWK:-awk}" -v have="$(for p in protoc grpc_python_plugin protoc-gen-go protoc-gen-go-grpc; do
    command -v $p >/dev/null 2>&1 && printf ' %s ' $p; done)" '
    /^  - / { tool = $2 == "protoc_builtin:" || $1 " " $2 == "- protoc_builtin:" ? "protoc" : $3
              keep = index(have, " " tool " ") }
    !/^  / { keep = 1 }
    keep { print }' "$top_srcdir/api/buf.gen.yaml" >"$work/api/buf.gen.yaml"
made=0
if (cd "$work/api" && timeout 120 "$buf" generate) >"$work/out" 2>&1; then made=1; fi
out=$work/api/gen

# Not whichever python3 comes first: one that has protobuf, where there is one.
py=
for candidate in python3 /usr/bin/python3; do
    if "$candidate" -c 'import google.protobuf' 2>/dev/null; then py=$candidate; break; fi
done
if [ "$made" = 0 ]; then
    not_ok "$python"
elif [ -z "$py" ]; then
    skip "$python" "no python3 with google.protobuf"
elif (cd "$out/python" && "$py" -c '
from control.v1 import control_pb2
from agent.v1 import agent_pb2
request = agent_pb2.RegisterRequest(agent_name="a", protocol_level=1)
assert agent_pb2.RegisterRequest.FromString(request.SerializeToString()) == request
assert control_pb2.JOB_RUN_STATUS_SKIPPED == 8') >"$work/out" 2>&1; then
    ok "$python"
else
    not_ok "$python"
fi
if ! command -v grpc_python_plugin >/dev/null 2>&1; then
    skip "$grpc" "grpc_python_plugin is not installed"
elif [ -s "$out/python/control/v1/control_pb2_grpc.py" ]; then
    ok "$grpc"
else
    not_ok "$grpc"
fi
if ! command -v protoc-gen-go >/dev/null 2>&1; then
    skip "$go" "protoc-gen-go is not installed"
elif [ -s "$out/go/agent/v1/agent.pb.go" ] && {
    ! command -v protoc-gen-go-grpc >/dev/null 2>&1 || [ -s "$out/go/agent/v1/agent_grpc.pb.go" ]
}; then
    ok "$go"
else
    not_ok "$go"
fi
finish
