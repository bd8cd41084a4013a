# SPDX-License-Identifier: Apache-2.0
# Prints tables in C about all .proto files given, one row a line, to be read with a macro that the
# includer defines:
#   -v what=rpc       RPC(service, method, request, reply, client_stream, server_stream)
#   -v what=message   MESSAGE(name, descriptor)
# service, method and name are string literals with the full names of the contract; request, reply
# and descriptor are the C names of protobuf-c's descriptors; the last two are 0 or 1.
# Messages nested in others are not listed.

# protobuf-c's rule: an underscore before a capital that follows no capital; parts joined by "__".
function c_name(full,   out, part, n, i, j, c, upper, was_upper, word)
{
    n = split(full, part, ".")
    for (i = 1; i <= n; i++) {
        word = ""
        was_upper = 1
        for (j = 1; j <= length(part[i]); j++) {
            c = substr(part[i], j, 1)
            upper = c ~ /[A-Z]/
            word = word (upper && !was_upper ? "_" : "") tolower(c)
            was_upper = upper
        }
        out = out (i > 1 ? "__" : "") word
    }
    return out "__descriptor"
}

function full_name(type)
{
    return type ~ /\./ ? type : package "." type
}

function fail(text)
{
    print FILENAME ":" FNR ": " text > "/dev/stderr"
    failed = 1
    exit 1
}

# rpc NAME ( [stream] TYPE ) returns ( [stream] TYPE )
function rpc_row(text,   word, n, at, method, request, reply, client, server)
{
    gsub(/[();{}]/, " ", text)
    n = split(text, word, /[ \t]+/)
    at = word[1] == "" ? 2 : 1
    if (word[at++] != "rpc")
        fail("not an rpc: " text)
    method = word[at++]
    client = server = 0
    if (word[at] == "stream") {
        client = 1
        at++
    }
    request = word[at++]
    if (word[at++] != "returns")
        fail("not an rpc: " text)
    if (word[at] == "stream") {
        server = 1
        at++
    }
    reply = word[at++]
    if (reply == "")
        fail("not an rpc: " text)
    printf "RPC(\"%s.%s\", \"%s\", %s, %s, %d, %d)\n", package, service, method,
        c_name(full_name(request)), c_name(full_name(reply)), client, server
}

BEGIN {
    print "/* SPDX-License-Identifier: Apache-2.0 */"
    print "/* Made from api/ by api/rpc-table.awk; do not edit. */"
    if (what == "rpc") {
        print "/* RPC(service, method, request, reply, client_stream, server_stream): the full name"
        print " * of the service and the name of the method as strings, protobuf-c's descriptors of"
        print " * both messages by their C names, and 1 where that side may send many messages. */"
    } else {
        print "/* MESSAGE(name, descriptor): the full name as a string, protobuf-c's descriptor by"
        print " * its C name. */"
    }
}

{ sub(/\/\/.*/, "") }
/^package[ \t]/ { package = $2; sub(/;.*/, "", package) }
what == "message" && /^message[ \t]/ {
    printf "MESSAGE(\"%s.%s\", %s)\n", package, $2, c_name(package "." $2)
}
/^service[ \t]/ { service = $2 }
what == "rpc" && (pending != "" || /^[ \t]+rpc[ \t]/) {
    pending = pending " " $0
    if (pending ~ /[;{]/) {
        rpc_row(pending)
        pending = ""
    }
}
END { exit failed }
