/* SPDX-License-Identifier: Apache-2.0 */
#include "face/env.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/time.h"

static uint64_t boot_ns(void *user)
{
    struct timespec now = {0, 0};
    (void)user;
    (void)clock_gettime(CLOCK_BOOTTIME, &now); /* cannot fail on the Linux that we ask for */
    return (uint64_t)now.tv_sec * (uint64_t)ARC_NS_PER_S + (uint64_t)now.tv_nsec;
}

static int64_t wall_ns(void *user)
{
    struct timespec now = {0, 0};
    (void)user;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * ARC_NS_PER_S + (int64_t)now.tv_nsec;
}

static int entropy(void *user, void *buf, size_t len)
{
    char *at = buf;
    (void)user;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -1;
        at += got;
        len -= (size_t)got;
    }
    return 0;
}

arc_status arc__env_fill(const arc_env *env, arc_env *out, arc_err *err)
{
    arc_env given;
    ARC_TRY(arc__options_read(env, sizeof(given), &given, "env", err));
    struct arc_mem mem = arc__mem_from_env(env);
    /* A function of the host goes with its user pointer; a default needs none. */
    given.alloc = mem.alloc;
    if (given.now_ns == NULL)
        given.now_ns = boot_ns;
    if (given.wall_ns == NULL)
        given.wall_ns = wall_ns;
    if (given.random == NULL)
        given.random = entropy;
    *out = given;
    return ARC_OK;
}

struct arc_now arc__env_now(const arc_env *env)
{
    return (struct arc_now){env->now_ns(env->user), env->wall_ns(env->user)};
}

void arc__env_log(const arc_env *env, int level, const char *scope, const char *format, ...)
{
    char text[512];
    va_list args;
    if (env->log == NULL)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    env->log(env->user, level, scope, text);
}

int arc__wait_ms(uint64_t deadline_ns, uint64_t now_ns)
{
    if (deadline_ns == UINT64_MAX)
        return -1;
    if (deadline_ns <= now_ns)
        return 0;
    uint64_t ms = (deadline_ns - now_ns + 999999) / 1000000;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}
