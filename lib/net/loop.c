/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Events fetched from the kernel at once. */
#define BATCH_MAX 64

struct arc_loop {
    struct arc_mem mem;
    int fd;
    int dispatching;
    int count, at; /* of the batch */
    struct epoll_event batch[BATCH_MAX];
};

arc_status arc__loop_open(const struct arc_mem *mem, struct arc_loop **out, arc_err *err)
{
    struct arc_loop *loop = arc__alloc(mem, sizeof(*loop));
    if (loop == NULL)
        return arc__fail_nomem(err);
    loop->mem = *mem;
    loop->fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->fd < 0) {
        int reason = errno;
        arc__free(mem, loop);
        return arc__fail(err, ARC_EIO, "loop", "No epoll descriptor: %s.", strerror(reason));
    }
    *out = loop;
    return ARC_OK;
}

void arc__loop_close(struct arc_loop *loop)
{
    if (loop == NULL)
        return;
    close(loop->fd);
    struct arc_mem mem = loop->mem;
    arc__free(&mem, loop);
}

int arc__loop_fd(const struct arc_loop *loop)
{
    return loop->fd;
}

static uint32_t to_epoll(uint32_t events)
{
    uint32_t out = 0;
    if ((events & ARC_LOOP_READ) != 0)
        out |= EPOLLIN;
    if ((events & ARC_LOOP_WRITE) != 0)
        out |= EPOLLOUT;
    return out;
}

static arc_status control(struct arc_loop *loop, int op, struct arc_watch *watch, arc_err *err)
{
    struct epoll_event event = {.events = to_epoll(watch->events), .data = {.ptr = watch}};
    if (epoll_ctl(loop->fd, op, watch->fd, &event) == 0)
        return ARC_OK;
    return arc__fail(err, ARC_EIO, "loop", "The descriptor cannot be watched: %s.",
                     strerror(errno));
}

arc_status arc__loop_add(struct arc_loop *loop, struct arc_watch *watch, int fd, uint32_t events,
                         arc_err *err)
{
    ARC_REQUIRE(!watch->added && watch->fn != NULL && fd >= 0, err, "watch");
    watch->fd = fd;
    watch->events = events;
    ARC_TRY(control(loop, EPOLL_CTL_ADD, watch, err));
    watch->added = 1;
    return ARC_OK;
}

arc_status arc__loop_mod(struct arc_loop *loop, struct arc_watch *watch, uint32_t events,
                         arc_err *err)
{
    ARC_REQUIRE(watch->added, err, "watch");
    if (watch->events == events)
        return ARC_OK;
    uint32_t before = watch->events;
    watch->events = events;
    arc_status status = control(loop, EPOLL_CTL_MOD, watch, err);
    if (status != ARC_OK)
        watch->events = before;
    return status;
}

void arc__loop_del(struct arc_loop *loop, struct arc_watch *watch)
{
    if (!watch->added)
        return;
    /* The descriptor is still open, so this cannot fail but for a bug of ours. */
    (void)epoll_ctl(loop->fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->added = 0;
    watch->fd = -1;
    for (int i = loop->at; i < loop->count; i++) {
        if (loop->batch[i].data.ptr == watch)
            loop->batch[i].data.ptr = NULL;
    }
}

static void run_batch(struct arc_loop *loop)
{
    for (loop->at = 0; loop->at < loop->count;) {
        struct epoll_event event = loop->batch[loop->at++];
        struct arc_watch *watch = event.data.ptr;
        uint32_t events = 0;
        if (watch == NULL)
            continue;
        if ((event.events & EPOLLIN) != 0)
            events |= ARC_LOOP_READ;
        if ((event.events & EPOLLOUT) != 0)
            events |= ARC_LOOP_WRITE;
        if ((event.events & (EPOLLERR | EPOLLHUP)) != 0)
            events |= ARC_LOOP_HANGUP;
        watch->fn(watch->user, events);
    }
    loop->count = loop->at = 0;
}

/* Fetches up to want events. -1: epoll failed. */
static int fetch(struct arc_loop *loop, int want, int timeout_ms)
{
    int count;
    do {
        count = epoll_wait(loop->fd, loop->batch, want, timeout_ms);
        if (count < 0 && errno == EINTR && timeout_ms != 0)
            return 0; /* who waits may have to look at something else */
    } while (count < 0 && errno == EINTR);
    return count;
}

static arc_status run(struct arc_loop *loop, int timeout_ms, uint32_t budget, int *more,
                      arc_err *err)
{
    if (loop->dispatching)
        return arc__fail(err, ARC_ECONFLICT, "loop", "A watch's function may not dispatch.");
    loop->dispatching = 1;
    int full = 1;
    while (budget > 0 && full) {
        int want = budget < BATCH_MAX ? (int)budget : BATCH_MAX;
        int count = fetch(loop, want, timeout_ms);
        if (count < 0) {
            loop->dispatching = 0;
            return arc__fail(err, ARC_EIO, "loop", "epoll failed: %s.", strerror(errno));
        }
        loop->count = count;
        full = count == want;
        budget -= (uint32_t)count;
        timeout_ms = 0;
        run_batch(loop);
    }
    loop->dispatching = 0;
    if (more != NULL)
        *more = full;
    return ARC_OK;
}

arc_status arc__loop_dispatch(struct arc_loop *loop, uint32_t budget, int *more, arc_err *err)
{
    return run(loop, 0, budget, more, err);
}

arc_status arc__loop_wait(struct arc_loop *loop, int timeout_ms, uint32_t budget, arc_err *err)
{
    return run(loop, timeout_ms, budget, NULL, err);
}
