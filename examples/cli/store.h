/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra store VERB: what its verbs share. */
#ifndef EXAMPLES_CLI_STORE_H
#define EXAMPLES_CLI_STORE_H

#include <arcentra/store.h>

#include "cli/eventlog.h"

/* 0, or says why not and answers EXIT_USAGE. With ARC_STORE_BESIDE it is read beside a process that
 * has it open, where there is one. */
int store_open(const char *url, uint32_t flags, arc_store_tool **out);
/* Steps a job to its end; on stderr it says now and then how far it is. EXIT_OK, or says why not:
 * EXIT_FAILED. */
int store_work(arc_store_job *job);
/* 1024 as "1.0 KiB". */
void store_put_bytes(struct text *out, int64_t bytes);
/* A time in UTC, "-" for 0. */
void store_put_time(struct text *out, int64_t time_ns);

int cmd_store_backup(const struct command *command, int argc, char **argv);
int cmd_store_copy(const struct command *command, int argc, char **argv);
int cmd_store_migrate(const struct command *command, int argc, char **argv);
int cmd_store_prune(const struct command *command, int argc, char **argv);
int cmd_store_restore(const struct command *command, int argc, char **argv);
int cmd_store_stats(const struct command *command, int argc, char **argv);

#endif
