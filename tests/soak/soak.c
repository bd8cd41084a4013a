/* SPDX-License-Identifier: Apache-2.0 */
#include "soak.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

#define BODY_MAX 6000 /* some need pages of their own */

uint64_t soak_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t soak_begin(const struct soak *soak, uint64_t life)
{
    uint64_t state = soak->seed;
    return soak_random(&state) ^ life * UINT64_C(0xd6e8feb86659fd93);
}

void soak_count(struct soak *soak, const char *name, uint64_t more)
{
    for (size_t i = 0; i < ARC_COUNT_OF(soak->figures); i++) {
        if (soak->figures[i].name == NULL)
            soak->figures[i].name = name;
        if (strcmp(soak->figures[i].name, name) == 0) {
            soak->figures[i].count += more;
            return;
        }
    }
}

void soak_fail(struct soak *soak, uint64_t life, const char *what, const char *why)
{
    soak->failed++;
    printf("# seed %llu, life %llu: %s%s%s\n", (unsigned long long)soak->seed,
           (unsigned long long)life, what, why[0] != '\0' ? ": " : "", why);
}

struct arc_store *soak_open(const char *path, const struct arc_store_sqlite_options *options,
                            arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_store *store = NULL;
    return arc__store_sqlite_open(&mem, path, options, &store, err) == ARC_OK ? store : NULL;
}

struct ended {
    arc_status status;
    arc_err err;
    struct arc_rows rows;
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
    if (status == ARC_OK)
        ended->rows = *rows;
}

static size_t make_body(uint64_t world, int64_t number, char *body)
{
    uint64_t state = world ^ (uint64_t)number * 77;
    uint64_t kind = soak_random(&state) % 16;
    size_t len = kind == 0 ? soak_random(&state) % BODY_MAX : soak_random(&state) % 200;
    for (size_t i = 0; i < len; i++)
        body[i] = (char)('a' + soak_random(&state) % 26);
    return len;
}

arc_status soak_say(struct arc_store *store, uint64_t world, int64_t number, arc_err *err)
{
    struct ended ended = {.err = ARC_ERR_INIT};
    char body[BODY_MAX];
    size_t len = make_body(world, number, body);
    struct arc_row_event event = {.stream = ARC_LIT("s"),
                                  .seq = number,
                                  .position = number,
                                  .type = ARC_LIT("run.started"),
                                  .body = arc__slice(body, len)};
    struct arc_row_counter counter = {ARC_LIT("said"), number};
    struct arc_row_pipeline row = {.id = ARC_LIT("p"), .name = ARC_LIT("p"), .version = number};
    const struct arc_store_op ops[] = {
        {ARC_STORE_INSERT, ARC_TABLE_event, &event, 0},
        {ARC_STORE_PUT, ARC_TABLE_counter, &counter, 0},
        {number == 1 ? ARC_STORE_INSERT : ARC_STORE_UPDATE, ARC_TABLE_pipeline, &row, number - 1},
    };
    const struct arc_store_batch batch = {ops, ARC_COUNT_OF(ops), 0};
    arc_status status = store->ops->commit(store, &batch, on_commit, &ended, err);
    if (status == ARC_OK && ended.status != ARC_OK && err != NULL)
        *err = ended.err;
    return status != ARC_OK ? status : ended.status;
}

static int ask(struct arc_store *store, enum arc_table table, struct arc_arena *arena,
               struct arc_rows *out)
{
    struct ended ended = {.err = ARC_ERR_INIT};
    struct arc_query query = {.table = table, .order_col = -1};
    arc_status status = store->ops->query(store, &query, arena, on_query, &ended, NULL);
    *out = ended.rows;
    return status == ARC_OK && ended.status == ARC_OK;
}

static int is_right(uint64_t world, const struct arc_rows *events, const struct arc_rows *counters,
                    const struct arc_rows *rows)
{
    const struct arc_row_event *event = events->rows;
    const struct arc_row_counter *counter = counters->rows;
    const struct arc_row_pipeline *row = rows->rows;
    char body[BODY_MAX];
    int64_t count = (int64_t)events->count;
    if (counters->count != (count > 0) || rows->count != (count > 0) ||
        (count > 0 && (counter->value != count || row->version != count)))
        return 0;
    for (int64_t i = 0; i < count; i++) {
        size_t len = make_body(world, i + 1, body);
        if (event[i].seq != i + 1 || event[i].position != i + 1 || event[i].body.len != len ||
            (len > 0 && memcmp(event[i].body.ptr, body, len) != 0) ||
            !arc__slice_is(event[i].type, "run.started"))
            return 0;
    }
    return 1;
}

int64_t soak_heard(struct arc_store *store, uint64_t world)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    struct arc_rows events, counters, rows;
    arc__arena_init(&arena, &mem, (size_t)256 * 1024 * 1024);
    int64_t heard = -1;
    if (ask(store, ARC_TABLE_event, &arena, &events) &&
        ask(store, ARC_TABLE_counter, &arena, &counters) &&
        ask(store, ARC_TABLE_pipeline, &arena, &rows))
        heard = is_right(world, &events, &counters, &rows) ? (int64_t)events.count : -2;
    arc__arena_deinit(&arena);
    return heard;
}
