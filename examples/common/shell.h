/* SPDX-License-Identifier: Apache-2.0 */
/* The `shell` step: a script, written to a file of its own and run as `SHELL -e FILE`. A file
 * rather than `-c`, so that its length has no limit and no `ps` shows it. */
#ifndef EXAMPLES_COMMON_SHELL_H
#define EXAMPLES_COMMON_SHELL_H

#include <stddef.h>

#include "common/proc.h"

/* What the programs offer, for messages. */
#define SHELL_OFFERED "shell"

struct shell {
    const char *script;
    const char *shell;   /* "sh", "bash" or an absolute path; "" is sh */
    const char *scratch; /* a private directory for the script's file; made here */
    const char *cwd;
    const char *directory; /* the last part of cwd as the definition says it, for messages */
    const struct proc_env *env;
};

/* 1 when `uses` names the shell step, with a version or without. */
int shell_is(const char *uses);
/* 0 and the process, or -1 and why. */
int shell_start(const struct shell *shell, struct proc *out, char *why, size_t why_size);

#endif
