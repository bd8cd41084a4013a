/* SPDX-License-Identifier: Apache-2.0 */
#include "test_writes.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

struct test_writes test_writes;

static int fails(void)
{
    test_writes.calls++;
    if (test_writes.fail_at == 0 || test_writes.calls < test_writes.fail_at ||
        (test_writes.calls > test_writes.fail_at && !test_writes.sticky))
        return 0;
    errno = test_writes.number;
    return 1;
}

/* As much of the call as comes before the signal, and the signal. */
static size_t stop_within(int fd, const void *bytes, size_t len, off_t at)
{
    size_t part = (size_t)test_writes.stop_after;
    if (test_writes.stop_signal == 0 || part > len) {
        test_writes.stop_after -= test_writes.stop_signal != 0 ? len : 0;
        return 0;
    }
    int number = test_writes.stop_signal;
    test_writes.stop_signal = 0;
    (void)syscall(SYS_pwrite64, fd, bytes, part, at);
    (void)kill(getpid(), number);
    return part;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    if (test_writes.before != NULL)
        test_writes.before();
    if (fails()) {
        /* A part of it has reached the disk all the same. */
        (void)syscall(SYS_pwrite64, fd, bytes, len / 2, at);
        errno = test_writes.number;
        return -1;
    }
    if (test_writes.short_max != 0 && len > test_writes.short_max) {
        if (test_writes.calls % 2 == 0) {
            errno = EINTR;
            return -1;
        }
        len = test_writes.short_max;
    }
    size_t part = stop_within(fd, bytes, len, at);
    if (part > 0)
        return (ssize_t)part;
    return (ssize_t)syscall(SYS_pwrite64, fd, bytes, len, at);
}

int ftruncate(int fd, off_t size)
{
    return fails() ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}
