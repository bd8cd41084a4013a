/* SPDX-License-Identifier: Apache-2.0 */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/slice.h"

static arc_status fail_lock(const char *path, int number, arc_err *err)
{
    char reason[128];
    return arc__fail(err, ARC_EIO, "store", "The lock file %s: %s.", path,
                     strerror_r(number, reason, sizeof(reason)));
}

static arc_status fail_held(int fd, const char *what, arc_err *err)
{
    char text[24] = "";
    int64_t holder = 0;
    ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
    arc_slice digits = arc__slice(text, len > 0 ? strcspn(text, "\n") : 0);
    if (!arc__slice_to_i64(digits, &holder)) /* it has the lock but has not signed yet */
        return arc__fail(err, ARC_ECONFLICT, "store", "%s is in use by another process.", what);
    return arc__fail(err, ARC_ECONFLICT, "store", "%s is in use by process %lld.", what,
                     (long long)holder);
}

static arc_status take(int fd, const char *path, const char *what, arc_err *err)
{
    /* An open-file-description lock: unlike the older kind it also holds off a second store of this
     * same process, and is not lost when somebody opens and closes the file. */
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &lock) != 0)
        return errno == EAGAIN || errno == EACCES ? fail_held(fd, what, err)
                                                  : fail_lock(path, errno, err);
    char text[24];
    int len = snprintf(text, sizeof(text), "%lld\n", (long long)getpid());
    if (ftruncate(fd, 0) != 0)
        return fail_lock(path, errno, err);
    errno = 0;
    if (pwrite(fd, text, (size_t)len, 0) != len && errno != ENOSPC && errno != EDQUOT)
        return fail_lock(path, errno, err); /* on a full disk it is held without a name */
    return ARC_OK;
}

arc_status arc__store_lock(const char *path, const char *what, int *out_fd, arc_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0)
        return fail_lock(path, errno, err);
    arc_status status = take(fd, path, what, err);
    if (status != ARC_OK) {
        (void)close(fd); /* nothing was written that could be lost */
        return status;
    }
    *out_fd = fd;
    return ARC_OK;
}

void arc__store_unlock(int fd)
{
    if (fd < 0)
        return;
    /* Only so that nobody reads the name of a process that is gone; where it fails, the lock is
     * free all the same. */
    int emptied = ftruncate(fd, 0);
    (void)emptied;
    (void)close(fd);
}

arc_status arc__store_lock_is_held(const char *path, int *held, arc_err *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    *held = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? ARC_OK : fail_lock(path, errno, err);
    int number = fcntl(fd, F_OFD_GETLK, &lock) == 0 ? 0 : errno;
    (void)close(fd); /* nothing was written that could be lost */
    *held = number == 0 && lock.l_type != F_UNLCK;
    return number == 0 ? ARC_OK : fail_lock(path, number, err);
}
