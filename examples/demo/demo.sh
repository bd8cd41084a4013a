#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Shows a pipeline from its definition to its live log: starts arcentrad and two agents in a
# directory of their own, creates a pipeline that builds this very repository over HTTP, triggers
# it, shows what the WebSocket tells, and stops everything again.
#
#     examples/demo/demo.sh BUILD_DIR [--fail] [--keep]
#
# Exit code: 0 the run succeeded, 1 it did not, 2 the demo itself could not be shown.
# shellcheck disable=SC2317 # shellcheck does not see that a trap calls functions
set -eu
LC_ALL=C.UTF-8
export LC_ALL

usage() {
    cat <<'EOT'
usage: demo.sh BUILD_DIR [--fail] [--keep]
  --fail  one step fails on purpose: the run fails, what depends on it is skipped; ends with 1
  --keep  leaves the server and the agents up and says how to look around
EOT
}

die() {
    printf 'demo: %s\n' "$*" >&2
    exit 2
}

build='' keep=no fail=''
for word; do
    case $word in
    --fail) fail=yes ;;
    --keep) keep=yes ;;
    --help | -h) usage && exit 0 ;;
    -*) die "there is no $word; see --help" ;;
    *) build=$word ;;
    esac
done
[ -n "$build" ] || { usage >&2 && exit 2; }
build=$(cd "$build" && pwd)
top=$(cd "$(dirname "$0")/../.." && pwd)
for name in arcentrad arcentra-agent examples/demo/watch; do
    [ -x "$build/$name" ] || die "$build/$name is not there; build first"
done
command -v curl >/dev/null || die "curl is missing"
watch=$build/examples/demo/watch

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
else
    bold='' dim='' plain=''
fi

say() {
    printf '%s==>%s %s\n' "$bold" "$plain" "$*"
}

# The environment of whoever calls may hold settings of another server.
unset_settings() {
    for name in $(env | sed -n 's/^\(ARCENTRA_[A-Z_]*\)=.*/\1/p'); do
        unset "$name"
    done
}
unset_settings

# --- what is started is stopped ----------------------------------------------------------------

work=$(mktemp -d "${TMPDIR:-/tmp}/arcentra-demo.XXXXXX")
pids=''

# A server that was killed and started again by hand, as the demo says it can be, is ours as well.
find_server() {
    again=$(cat "$work/data/arcentra.db.lock" 2>/dev/null) || return 0
    case " $pids " in *" $again "*) return 0 ;; esac
    case $again in '' | *[!0-9]*) return 0 ;; esac
    if tr '\0' ' ' <"/proc/$again/cmdline" 2>/dev/null | grep -qF "$work/arcentrad.yaml"; then
        alive=$again
        for pid in $pids; do
            ! kill -0 "$pid" 2>/dev/null || alive="$alive $pid"
        done
        pids=" $alive"
    fi
}

# Asks each of our processes to end, waits a little, and insists.
stop_all() {
    find_server
    # shellcheck disable=SC2086 # a list of numbers
    [ -z "$pids" ] || kill $pids 2>/dev/null || :
    tries=0
    while [ -n "$pids" ] && [ "$tries" -lt 100 ]; do
        left=
        for pid in $pids; do
            ! kill -0 "$pid" 2>/dev/null || left="$left $pid"
        done
        pids=$left
        tries=$((tries + 1))
        [ -z "$pids" ] || sleep 0.1
    done
    # shellcheck disable=SC2086
    [ -z "$pids" ] || kill -9 $pids 2>/dev/null || :
    pids=""
}

finish() {
    code=$?
    trap - EXIT INT TERM HUP
    if [ "$keep" = yes ] && [ "$code" -le 1 ] && [ -n "${run:-}" ]; then
        look_around
    else
        stop_all
        rm -rf "$work"
    fi
    exit "$code"
}
trap finish EXIT
trap 'keep=no; exit 130' INT
trap 'keep=no; exit 143' TERM HUP

look_around() {
    find_server
    cat <<EOT

${bold}Everything is still up.${plain} Look around:
  export ARCENTRA_SERVER=127.0.0.1:$grpc_port ARCENTRA_TOKEN_FILE=$work/data/admin.token
  $build/arcentra runs $pipeline
  curl -H @$work/header $api/pipelines/runs/$run
  $build/arcentrad --config $work/arcentrad.yaml --print-config
  tail -f $work/server.log

Stop everything:
  kill$pids; rm -rf $work
EOT
}

# --- the server ----------------------------------------------------------------------------------

# The settings as a file, so that the same server can be started again by hand.
write_config() {
    cat >"$work/arcentrad.yaml" <<EOT
http_listen: "127.0.0.1:$1"
grpc_listen: "127.0.0.1:$2"
data: "$work/data"
ports_file: "$work/ports"
EOT
}

# 0: it listens; 1: it ended before.
start_server() {
    write_config "$1" "$2"
    rm -f "$work/ports"
    "$build/arcentrad" --config "$work/arcentrad.yaml" >>"$work/server.log" 2>&1 </dev/null &
    server=$!
    tries=0
    while [ ! -e "$work/ports" ]; do
        kill -0 "$server" 2>/dev/null || return 1
        tries=$((tries + 1))
        if [ "$tries" -gt 300 ]; then
            kill -9 "$server"
            die "the server does not listen; see $work/server.log"
        fi
        sleep 0.1
    done
}

# 8080 and 9090 if they are free, else whatever is.
start_somewhere() {
    for ports in '8080 9090' '8080 0' '0 9090' '0 0'; do
        # shellcheck disable=SC2086
        if start_server $ports; then
            pids="$pids $server"
            http_port=$(sed -n 's/^http=//p' "$work/ports")
            grpc_port=$(sed -n 's/^grpc=//p' "$work/ports")
            write_config "$http_port" "$grpc_port"
            return 0
        fi
    done
    cat "$work/server.log" >&2
    die "the server does not start"
}

# request METHOD PATH [BODY]: the answer's JSON; a refusal ends the demo. A server that is away for
# a moment is waited for.
request() {
    set -- "$1" "$2" "${3:-}"
    code=$(printf '%s' "$3" | curl -sS -o "$work/answer" -w '%{http_code}' -X "$1" \
        --retry 60 --retry-delay 1 --retry-connrefused --max-time 60 -H "@$work/header" \
        -H 'Content-Type: application/json' --data-binary @- "$api$2" 2>"$work/curl.log") ||
        die "$1 $2: $(cat "$work/curl.log")"
    [ "$code" = 200 ] || die "$1 $2: $code $(cat "$work/answer")"
    cat "$work/answer"
}

# request GET: without a body.
ask() {
    curl -sS --retry 60 --retry-delay 1 --retry-connrefused --max-time 60 -H "@$work/header" \
        "$api$1" || die "GET $1"
}

say "starting arcentrad on SQLite in $work"
start_somewhere
api=http://127.0.0.1:$http_port/api/v1
printf 'Authorization: Bearer %s\n' "$(cat "$work/data/admin.token")" >"$work/header"
printf '    HTTP and WebSocket  http://127.0.0.1:%s\n' "$http_port"
printf '    gRPC                127.0.0.1:%s\n' "$grpc_port"
printf '    %spid %s; killed, it is started again by: %s --config %s%s\n' "$dim" "$server" \
    "$build/arcentrad" "$work/arcentrad.yaml" "$plain"

# --- the agents ----------------------------------------------------------------------------------

say "a registration token over HTTP, and two agents"
request POST /registration-tokens '{"description":"demo"}' >"$work/token.json"
(umask 077 && "$watch" get detail.token <"$work/token.json" >"$work/registration.token")
rm -f "$work/token.json"
for number in 1 2; do
    "$build/arcentra-agent" --server "127.0.0.1:$grpc_port" --name "agent-$number" \
        --token-file "$work/registration.token" --data "$work/agent-$number" \
        >"$work/agent-$number.log" 2>&1 </dev/null &
    pids="$pids $!"
    printf '    agent-%s  pid %s\n' "$number" "$!"
done

# --- the pipeline --------------------------------------------------------------------------------

definition=$top/examples/pipelines/self-build.yaml
say "a pipeline over HTTP, from ${definition#"$top"/}"
spec=$("$watch" spec "$definition") || die "the definition is not valid"
request POST /pipelines "{\"projectId\":\"demo\",\"name\":\"self-build\",\"spec\":$spec}" \
    >"$work/pipeline.json"
pipeline=$("$watch" get detail.pipelineId <"$work/pipeline.json")
printf '    %s\n' "$pipeline"

# A text as JSON; paths may hold anything.
quote() {
    printf '"%s"' "$(printf '%s' "$1" | sed 's/[\\"]/\\&/g')"
}

jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
variables="\"source\":$(quote "$top"),\"build_dir\":$(quote "$work/build"),\"jobs\":\"$jobs\""
[ -z "$fail" ] || variables="$variables,\"fail\":\"yes\""
say "a run"
run=$(request POST "/pipelines/$pipeline/trigger" \
    "{\"variables\":{$variables},\"triggeredBy\":\"demo\",\"requestId\":\"demo-1\"}" |
    "$watch" get detail.runId)
printf '    %s\n\n' "$run"

# --- live ----------------------------------------------------------------------------------------

ask "/pipelines/runs/$run/steps" | "$watch" follow "$http_port" "$work/data/admin.token" ||
    die "the live view broke off; see $work/server.log"

# The steps have ended; the run follows in the same breath.
status=running tries=0
while [ "$tries" -lt 100 ]; do
    ask "/pipelines/runs/$run" >"$work/run.json"
    status=$("$watch" get detail.status <"$work/run.json")
    case $status in pending | running | paused) ;; *) break ;; esac
    tries=$((tries + 1))
    sleep 0.1
done
ask "/pipelines/runs/$run/jobs" >"$work/jobs.json"
ask "/pipelines/runs/$run/steps" >"$work/steps.json"
result=0
"$watch" table "$work/run.json" "$work/jobs.json" "$work/steps.json" || result=1
verb=listened
[ "$keep" = no ] || verb=listens
printf '\n  The server %s on http://127.0.0.1:%s (HTTP, WebSocket)' "$verb" "$http_port"
printf ' and 127.0.0.1:%s (gRPC).\n' "$grpc_port"
[ "$keep" = yes ] || printf '  It is stopped now; with --keep it stays up.\n'
exit "$result"
