/* SPDX-License-Identifier: Apache-2.0 */
/* One epoll descriptor that nests all others, so that a host polls one. Level-triggered: what a
 * dispatch leaves undone makes the descriptor readable again.
 * Must stay true: dispatch never blocks; after arc__loop_del no function of that watch is called
 * any more, also not from the batch that is being dispatched. Thread: owner. */
#ifndef ARC_NET_LOOP_H
#define ARC_NET_LOOP_H

#include "base/err.h"
#include "base/mem.h"

struct arc_loop;

#define ARC_LOOP_READ 1U
#define ARC_LOOP_WRITE 2U
#define ARC_LOOP_HANGUP 4U /* reported always: error, or the peer has gone */

/* One descriptor, in its owner's storage. Zero it, set fn and user. */
struct arc_watch {
    void (*fn)(void *user, uint32_t events);
    void *user;
    int fd;          /* set by add; -1 or a zeroed struct: not added */
    uint32_t events; /* what is watched now */
    int added;
};

/* ARC_EIO, ARC_ENOMEM. */
arc_status arc__loop_open(const struct arc_mem *mem, struct arc_loop **out, arc_err *err);
/* Watches must have been removed. NULL is fine. */
void arc__loop_close(struct arc_loop *loop);
int arc__loop_fd(const struct arc_loop *loop); /* readable: dispatch */

/* ARC_EIO: the system refused (too many watches). */
arc_status arc__loop_add(struct arc_loop *loop, struct arc_watch *watch, int fd, uint32_t events,
                         arc_err *err);
/* Costs nothing where the events are what they were. */
arc_status arc__loop_mod(struct arc_loop *loop, struct arc_watch *watch, uint32_t events,
                         arc_err *err);
void arc__loop_del(struct arc_loop *loop, struct arc_watch *watch); /* not added is fine */

/* Calls at most budget functions. *more (may be NULL): 1 when the budget ended it. ARC_ECONFLICT
 * when called from such a function. */
arc_status arc__loop_dispatch(struct arc_loop *loop, uint32_t budget, int *more, arc_err *err);
/* The same, but it waits first, for timeout_ms in the unit of poll, until there is something to
 * call; a signal ends the waiting. */
arc_status arc__loop_wait(struct arc_loop *loop, int timeout_ms, uint32_t budget, arc_err *err);

#endif
