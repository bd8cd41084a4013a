/* SPDX-License-Identifier: Apache-2.0 */
/* A process that dies at a certain system call of its own, chosen from outside: nothing in it
 * knows, so it needs no seams for it. */
#ifndef ARC_TEST_SOAK_TRACE_H
#define ARC_TEST_SOAK_TRACE_H

#include <stdint.h>

/* What is counted: what changes files, and what is said and heard on a connection. */
enum trace_calls { TRACE_FILES, TRACE_WIRE };

struct trace {
    enum trace_calls calls;
    uint64_t dies_at; /* the how-manieth of them; 0: none */
    int after;        /* 0: it is not done; 1: it is, and its answer is not heard */
    uint64_t counted; /* out */
};

/* Whether this process may trace its children; else why not. */
const char *trace_refused(void);
/* Runs life(user) in a process of its own, which must end by _exit. How it ended, as from waitpid.
 */
int trace_live(struct trace *trace, void (*life)(void *user), void *user);

#endif
