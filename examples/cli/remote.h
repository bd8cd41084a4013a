/* SPDX-License-Identifier: Apache-2.0 */
/* A server, as the commands see it: its flags, a connection, and calls that are waited for. */
#ifndef EXAMPLES_CLI_REMOTE_H
#define EXAMPLES_CLI_REMOTE_H

#include <arcentra/call.h>
#include <arcentra/client.h>

#include "cli/cli.h"
#include "common/json.h"

struct remote {
    /* what the flags say */
    const char *server, *token_file, *tls_ca;
    int tls, json;
    /* the connection */
    arc_client *client;
    char *token;
    int woken; /* a call has news: the next wait is none */
};

/* The flags that every command has that speaks to a server; behind the command's own in table,
 * which has room for REMOTE_ARGS more. Answers the new count. */
#define REMOTE_ARGS 5u
size_t remote_args(struct remote *remote, struct arg *table, size_t count);

/* 0, or says what is wrong and answers an exit code. Connects with the first call. */
int remote_open(struct remote *remote);
void remote_close(struct remote *remote);

/* One request, one answer, waited for. NULL: it has said on stderr what went wrong, a refusal too.
 * Owner: the caller, json_free. */
const json_node *remote_call(struct remote *remote, const char *method, const struct text *request);
/* Prints the answer as it came, for --json. */
const json_node *remote_call_print(struct remote *remote, const char *method,
                                   const struct text *request);

/* Opens a server stream and sends its one request. NULL: cannot be, err says why. */
arc_call *remote_stream(struct remote *remote, const char *method, const struct text *request,
                        arc_err *err);
/* Waits for the connection to have something, at most timeout_ms, and dispatches it. fd: one more
 * descriptor to wait for, or -1. */
int remote_wait(struct remote *remote, int fd, int timeout_ms);

#endif
