/* SPDX-License-Identifier: Apache-2.0 */
/* How an agent is told what to be: flags, ARCENTRA_* variables, defaults. */
#ifndef EXAMPLES_AGENT_CONFIG_H
#define EXAMPLES_AGENT_CONFIG_H

#include <stdint.h>

#include "common/args.h"

struct config {
    struct arg_list servers; /* host:port, checked; tried in their order */
    char *server;            /* all of them, for people */
    const char *name;
    const char *data;      /* directory of its own state */
    const char *workspace; /* directory of the jobs' workspaces */
    const char *tls_ca, *log_format;
    const char *token_file;
    struct arg_list labels; /* "key=value", checked */
    int64_t slots, log_buffer;
    int64_t drain_ns, workspace_grace_ns;
    int keep_workspaces, tls, verbose;
    char *registration_token; /* NULL: none; wiped in the end */
    char *owned[3];           /* the texts that were made here */
};

/* 0: go on. Else the program ends with *exit_code; everything has been said. */
int config_read(struct config *config, int argc, char **argv, int *exit_code);
void config_deinit(struct config *config);

#endif
