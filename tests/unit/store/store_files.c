/* SPDX-License-Identifier: Apache-2.0 */
#include "store_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "shim.h"

void store_files_make(struct store_files *files)
{
    snprintf(files->dir, sizeof(files->dir), "/tmp/arc-store-XXXXXX");
    CHECK(mkdtemp(files->dir) != NULL);
    snprintf(files->path, sizeof(files->path), "%s/arc.db", files->dir);
}

void store_files_remove(struct store_files *files)
{
    static const char *const names[] = {"arc.db",      "arc.db-wal",     "arc.db-shm",
                                        "arc.db.lock", "arc.db.reserve", "arc.db.mark",
                                        "arc.link"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char name[128];
        snprintf(name, sizeof(name), "%s/%s", files->dir, names[i]);
        (void)unlink(name); /* not all are there */
    }
    CHECK(rmdir(files->dir) == 0);
}

struct arc_store *store_files_open(const struct store_files *files,
                                   const struct arc_store_sqlite_options *options, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_store *store = NULL;
    return arc__store_sqlite_open(&mem, files->path, options, &store, err) == ARC_OK ? store : NULL;
}

struct ended {
    arc_status status;
    arc_err err;
    const struct arc_row_event *rows;
    size_t count;
};

static void on_commit(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    struct ended *ended = user;
    (void)shift;
    ended->status = status;
    if (err != NULL)
        ended->err = *err;
}

static void on_query(void *user, arc_status status, const struct arc_rows *rows, const arc_err *err)
{
    struct ended *ended = user;
    on_commit(user, status, 0, err);
    if (status == ARC_OK) {
        ended->rows = rows->rows;
        ended->count = rows->count;
    }
}

arc_status store_files_say(struct arc_store *store, const char *stream, int64_t seq, arc_err *err)
{
    struct ended ended = {.err = ARC_ERR_INIT};
    struct arc_row_event row = {.stream = arc__slice_cstr(stream),
                                .seq = seq,
                                .position = seq,
                                .type = ARC_LIT("run.started"),
                                .body = ARC_LIT("{\"a\":\"body of some length, as events have\"}")};
    struct arc_store_op op = {ARC_STORE_INSERT, ARC_TABLE_event, &row, 0};
    struct arc_store_batch batch = {&op, 1, 0};
    arc_status status = store->ops->commit(store, &batch, on_commit, &ended, err);
    if (status == ARC_OK && ended.status != ARC_OK && err != NULL)
        *err = ended.err;
    return status != ARC_OK ? status : ended.status;
}

int64_t store_files_heard(struct arc_store *store, const char *stream)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    struct ended ended = {.err = ARC_ERR_INIT};
    struct arc_query query = {.table = ARC_TABLE_event, .order_col = -1, .filter_count = 1};
    query.filters[0] = (struct arc_filter){
        .col = ARC_COL_event_stream, .op = ARC_FILTER_EQ, .text = arc__slice_cstr(stream)};
    arc__arena_init(&arena, &mem, (size_t)64 * 1024 * 1024);
    arc_status status = store->ops->query(store, &query, &arena, on_query, &ended, NULL);
    int64_t heard = status == ARC_OK && ended.status == ARC_OK ? (int64_t)ended.count : -1;
    for (size_t i = 0; heard >= 0 && i < ended.count; i++) {
        if (ended.rows[i].seq != (int64_t)i + 1)
            heard = -1;
    }
    arc__arena_deinit(&arena);
    return heard;
}
