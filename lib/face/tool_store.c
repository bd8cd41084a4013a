/* SPDX-License-Identifier: Apache-2.0 */
#include "face/tool_store.h"

#include <arcentra/store.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "face/ctl_private.h"
#include "logs/file.h"
#include "store/sqlite.h"

#define PATH_BYTES_MAX 4096u
#define ARENA_BYTES_MAX 65536u

static void wait_for(void *user, int fd, int timeout_ms)
{
    struct pollfd what = {fd, POLLIN, 0};
    (void)user;
    (void)poll(&what, fd >= 0 ? 1 : 0, timeout_ms); /* woken for nothing, it is asked again */
}

const char *arc__tool_store_path(const char *url)
{
    return url != NULL && strncmp(url, "sqlite:", 7) == 0 && url[7] != '\0' ? url + 7 : NULL;
}

static arc_status open_beside(const struct arc_mem *mem, const char *path, struct arc_store **out,
                              arc_err *err)
{
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    options.beside = 1;
    return arc__store_sqlite_open(mem, path, &options, out, err);
}

/* A database is connected to when it is asked for the first time: who has it is said here. */
static arc_status reach(struct arc_desk *desk, arc_err *err)
{
    struct arc_arena arena;
    struct arc_rows rows = {NULL, 0, 0};
    struct arc_query query = {.table = ARC_TABLE_counter, .order_col = -1, .limit = 1};
    arc__arena_init(&arena, &desk->mem, ARENA_BYTES_MAX);
    arc_status status = arc__desk_query(desk, &query, &arena, &rows, err);
    arc__arena_deinit(&arena);
    return status;
}

arc_status arc__tool_store_open(const struct arc_mem *mem, const arc_env *env, const char *url,
                                uint32_t flags, struct arc_desk *out, arc_err *err)
{
    const char *path = arc__tool_store_path(url);
    struct arc_store *store = NULL;
    if (path == NULL && (url == NULL || !arc__store_url_is_pg(url)))
        return arc__fail(err, ARC_EINVAL, "store_url", "%s",
                         "A store is sqlite:PATH or postgres://USER@HOST/DATABASE.");
    int create = (flags & ARC_STORE_CREATE) != 0;
    if (path != NULL && !create && access(path, F_OK) != 0)
        return arc__fail(err, errno == ENOENT ? ARC_ENOTFOUND : ARC_EIO, "store",
                         "There is no store %.180s.", path);
    const struct arc_store_wish wish = {.must_exist = !create};
    if (path != NULL && (flags & ARC_STORE_BESIDE) != 0)
        ARC_TRY(open_beside(mem, path, &store, err));
    else
        ARC_TRY(arc__store_url_open(mem, env, url, &wish, &store, err));
    *out = (struct arc_desk){.store = store, .mem = *mem, .wait = wait_for};
    arc_status status = path == NULL ? reach(out, err) : ARC_OK;
    if (status != ARC_OK)
        arc__tool_store_close(out);
    return status;
}

void arc__tool_store_close(struct arc_desk *desk)
{
    desk->store->ops->close(desk->store);
}

static int64_t size_of(const char *path, const char *end)
{
    char name[PATH_BYTES_MAX];
    struct stat info;
    int length = snprintf(name, sizeof(name), "%s%s", path, end);
    if (length < 0 || (size_t)length >= sizeof(name) || stat(name, &info) != 0)
        return 0;
    return (int64_t)info.st_size;
}

void arc__tool_store_bytes(const char *url, int64_t *file, int64_t *wal)
{
    const char *path = arc__tool_store_path(url);
    *file = path != NULL ? size_of(path, "") : -1;
    *wal = path != NULL ? size_of(path, "-wal") : -1;
}

arc_status arc__tool_logs_open(const struct arc_mem *mem, const char *url, const char *dir,
                               struct arc_log_store **out, arc_err *err)
{
    char beside[PATH_BYTES_MAX];
    const char *path = arc__tool_store_path(url);
    *out = NULL;
    if (dir == NULL && path == NULL)
        return ARC_OK;
    if (dir == NULL) {
        const char *slash = strrchr(path, '/');
        int length = slash != NULL ? (int)(slash - path) : 1;
        int wrote =
            snprintf(beside, sizeof(beside), "%.*s/logs", length, slash != NULL ? path : ".");
        if (wrote < 0 || (size_t)wrote >= sizeof(beside))
            return arc__fail(err, ARC_EINVAL, "store_url", "The path is too long.");
        if (access(beside, F_OK) != 0)
            return ARC_OK;
        dir = beside;
    }
    return arc__logs_file_open(mem, dir, NULL, out, err);
}
