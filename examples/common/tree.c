/* SPDX-License-Identifier: Apache-2.0 */
#include "common/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/text.h"

int tree_is_inside(const char *path)
{
    size_t len = strlen(path);
    if (len == 0)
        return 1;
    if (len > 1024)
        return 0;
    for (const char *at = path;;) {
        size_t part = strcspn(at, "/");
        if (part == 0 || part > 255 || (part == 1 && at[0] == '.') ||
            (part == 2 && at[0] == '.' && at[1] == '.'))
            return 0;
        for (size_t i = 0; i < part; i++) {
            if ((unsigned char)at[i] < 0x20 || at[i] == 0x7F)
                return 0;
        }
        if (at[part] == '\0')
            return 1;
        at += part + 1;
    }
}

int tree_make(const char *path)
{
    char *copy = mem_copy(path);
    int failed = 0;
    for (char *at = copy + 1; failed == 0; at++) {
        char here = *at;
        if (here != '/' && here != '\0')
            continue;
        *at = '\0';
        if (mkdir(copy, 0700) != 0 && errno != EEXIST)
            failed = errno;
        *at = here;
        if (here == '\0')
            break;
    }
    mem_free(copy);
    struct stat stat_of;
    if (failed == 0 && (stat(path, &stat_of) != 0 || !S_ISDIR(stat_of.st_mode)))
        failed = ENOTDIR;
    return failed;
}

/* Deeper than this and somebody builds a trap; the descriptors of each level are open at once. */
#define DEPTH_MAX 256

static int remove_at(int parent, const char *name, dev_t device, int depth);

static int open_dir(int parent, const char *name)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(parent, name, flags);
    if (fd < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
        fd = openat(parent, name, flags);
    return fd;
}

/* Empties the directory fd, and closes it. */
static int remove_inside(int fd, dev_t device, int depth)
{
    int failed = 0;
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        failed = errno;
        close(fd);
        return failed;
    }
    fchmod(fd, 0700);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int here = remove_at(fd, entry->d_name, device, depth + 1);
        failed = failed != 0 ? failed : here;
    }
    closedir(dir);
    return failed;
}

static int remove_at(int parent, const char *name, dev_t device, int depth)
{
    struct stat stat_of;
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (fstatat(parent, name, &stat_of, AT_SYMLINK_NOFOLLOW) != 0)
        return errno;
    if (!S_ISDIR(stat_of.st_mode))
        return EPERM;
    if (depth > DEPTH_MAX)
        return ELOOP;
    if (depth > 0 && stat_of.st_dev != device)
        return EXDEV;
    int fd = open_dir(parent, name);
    if (fd < 0)
        return errno;
    int failed = remove_inside(fd, stat_of.st_dev, depth);
    if (failed == 0 && unlinkat(parent, name, AT_REMOVEDIR) != 0)
        failed = errno;
    return failed;
}

int tree_remove(const char *path)
{
    return remove_at(AT_FDCWD, path, 0, 0);
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, bytes, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno;
        bytes += put;
        len -= (size_t)put;
    }
    return 0;
}

/* Fills what has been opened to the side (fd, or -1 with errno) and puts it into place. */
static int move_in(int fd, const char *aside, const char *path, const void *bytes, size_t len)
{
    int failed = fd < 0 ? errno : 0;
    if (failed == 0)
        failed = write_all(fd, bytes, len);
    if (failed == 0 && fsync(fd) != 0)
        failed = errno;
    if (fd >= 0 && close(fd) != 0 && failed == 0)
        failed = errno;
    if (failed == 0 && rename(aside, path) != 0)
        failed = errno;
    if (failed != 0 && fd >= 0)
        unlink(aside);
    return failed;
}

int tree_write(const char *path, const void *bytes, size_t len, int executable)
{
    struct text aside = {NULL, 0, 0};
    text_printf(&aside, "%s.new", path);
    int fd = open(aside.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                  executable ? 0700 : 0600);
    int failed = move_in(fd, aside.ptr, path, bytes, len);
    text_deinit(&aside);
    return failed;
}

int tree_replace(const char *path, const void *bytes, size_t len)
{
    struct text aside = {NULL, 0, 0};
    struct stat was;
    char real[PATH_MAX];
    if (realpath(path, real) == NULL || stat(real, &was) != 0)
        return errno;
    text_printf(&aside, "%s.XXXXXX", real);
    int fd = mkostemp(aside.ptr, O_CLOEXEC);
    int failed = 0;
    if (fd >= 0 && fchmod(fd, was.st_mode & 0777) != 0)
        failed = errno;
    if (failed == 0) {
        failed = move_in(fd, aside.ptr, real, bytes, len);
    } else {
        close(fd);
        unlink(aside.ptr);
    }
    text_deinit(&aside);
    return failed;
}
