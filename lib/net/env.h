/* SPDX-License-Identifier: Apache-2.0 */
/* What the room is given instead of reaching for it: memory, a loop to hang its descriptors into,
 * the time and random bytes. */
#ifndef ARC_NET_ENV_H
#define ARC_NET_ENV_H

#include "base/err.h"
#include "base/mem.h"

struct arc_loop;

struct arc_net_env {
    struct arc_mem mem;
    struct arc_loop *loop;                            /* outlives everything opened with it */
    void *user;                                       /* of the functions */
    uint64_t (*now_ns)(void *user);                   /* monotonic */
    int (*random)(void *user, void *buf, size_t len); /* 0: filled */
    void (*log)(void *user, int level, const char *scope, const char *text); /* NULL: none */
};

/* No deadline. */
#define ARC_NET_NEVER UINT64_MAX

#endif
