#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the C side of the .proto files: generate.sh SRCDIR OUTDIR
#   SRCDIR  the directory that holds this script and agent/v1/agent.proto ...
#   OUTDIR  gets agent/v1/agent.pb-c.h ..., google/protobuf/struct.pb-c.h ..., rpc_table.def,
#           message_table.def and messages.h (includes every message header)
# AWK, PROTOC and PROTOC_C name the tools. Files whose content has not changed keep their time, so
# that a changed comment does not compile the world anew.
set -eu
src=$1
out=$2
AWK=${AWK:-awk}
PROTOC=${PROTOC:-protoc}
PROTOC_C=${PROTOC_C:-protoc-c}
modules="steprun agent gateway pipeline stream control"
well_known="struct timestamp field_mask"

mkdir -p "$out"
out=$(cd "$out" && pwd)
stage=$out/stage.$$
trap 'rm -rf "$stage"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$stage/proto" "$stage/made"

# The messages that come with protoc: beside the program, as protoc itself looks for them.
bin=$(command -v "$PROTOC" || command -v "$PROTOC_C") || { echo "generate: no protoc" >&2; exit 1; }
include=
for dir in "$(dirname "$bin")/../include" /usr/include /usr/local/include; do
    if [ -f "$dir/google/protobuf/struct.proto" ]; then
        include=$(cd "$dir" && pwd)
        break
    fi
done
if [ -z "$include" ]; then
    echo "generate: google/protobuf/struct.proto is missing (Debian: libprotobuf-dev)" >&2
    exit 1
fi

protos=
for m in $modules; do
    mkdir -p "$stage/proto/$m/v1"
    "$AWK" -f "$src/strip-services.awk" "$src/$m/v1/$m.proto" >"$stage/proto/$m/v1/$m.proto"
    protos="$protos $m/v1/$m.proto"
done
known=
for m in $well_known; do
    known="$known google/protobuf/$m.proto"
done
# shellcheck disable=SC2086 # lists of names without blanks
(cd "$stage/proto" && "$PROTOC_C" -I. -I"$include" --c_out=../made $protos)
# shellcheck disable=SC2086
(cd "$include" && "$PROTOC_C" -I. --c_out="$stage/made" $known)

sources=
for m in $modules; do
    sources="$sources $src/$m/v1/$m.proto"
done
# shellcheck disable=SC2086
"$AWK" -v what=rpc -f "$src/rpc-table.awk" $sources >"$stage/made/rpc_table.def"
# shellcheck disable=SC2086
"$AWK" -v what=message -f "$src/rpc-table.awk" $sources >"$stage/made/message_table.def"
{
    echo "/* SPDX-License-Identifier: Apache-2.0 */"
    echo "/* Made by api/generate.sh; do not edit. Every message of the contract. */"
    echo "#ifndef ARC_GEN_MESSAGES_H"
    echo "#define ARC_GEN_MESSAGES_H"
    echo
    for m in $modules; do
        echo "#include \"$m/v1/$m.pb-c.h\""
    done
    for m in $well_known; do
        echo "#include \"google/protobuf/$m.pb-c.h\""
    done
    echo
    echo "#endif"
} >"$stage/made/messages.h"

(cd "$stage/made" && find . -type f) | while read -r file; do
    mkdir -p "$(dirname "$out/$file")"
    cmp -s "$stage/made/$file" "$out/$file" || mv -f "$stage/made/$file" "$out/$file"
done
