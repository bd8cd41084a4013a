/* SPDX-License-Identifier: Apache-2.0 */
#include "logs_files.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logs/record.h"
#include "shim.h"

char logs_dir[64];

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

void remove_dir(void)
{
    CHECK(nftw(logs_dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

void make_dir(void)
{
    snprintf(logs_dir, sizeof(logs_dir), "/tmp/arc-logs-XXXXXX");
    CHECK(mkdtemp(logs_dir) != NULL);
}

void file_name(struct file *file, const char *end)
{
    snprintf(file->path, sizeof(file->path), "%s/run/step.%s", logs_dir, end);
    file->bytes = NULL;
    file->len = 0;
}

void file_load(struct file *file, const char *end)
{
    struct stat info = {.st_size = 0};
    file_name(file, end);
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0 && fstat(fd, &info) == 0);
    file->len = (size_t)info.st_size;
    file->bytes = malloc(file->len + 1);
    CHECK(pread(fd, file->bytes, file->len, 0) == (ssize_t)file->len);
    CHECK(close(fd) == 0);
}

void file_store(const struct file *file, size_t len)
{
    int fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, file->bytes, len) == (ssize_t)len);
    CHECK(close(fd) == 0);
}

size_t record_end(const struct file *log, int n)
{
    size_t at = 0;
    for (int i = 0; i < n; i++)
        at += arc__record_size(log->bytes + at, log->len - at);
    return at;
}
