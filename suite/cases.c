/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define ARENA_BYTES ((size_t)256 * 1024 * 1024)

/* --- a case's surroundings ------------------------------------------------------------------- */

struct fixture {
    arc_store *store;
    arc_arena *arena;
};

/* 1: ready. */
static int begin(struct fixture *f)
{
    arc_err err = ARC_ERR_INIT;
    f->arena = arc__suite_arena(NULL, ARENA_BYTES);
    f->store = arc__suite_open(NULL, &err);
    CHECK(f->arena != NULL);
    CHECK(f->store != NULL || err.status == ARC_OK); /* without an error it was skipped */
    if (f->store == NULL && err.status != ARC_OK)
        arc__suite_say("# %s: %s", err.subject, err.message);
    return f->store != NULL && f->arena != NULL;
}

static void end(struct fixture *f)
{
    arc_arena_free(f->arena);
    if (f->store != NULL)
        arc__suite_close(f->store);
}

static arc_status one(struct fixture *f, uint32_t verb, uint32_t table, const void *row,
                      int64_t expect_version)
{
    struct arc_store_op op = {verb, table, row, expect_version};
    return arc__suite_commit(f->store, &op, 1, NULL);
}

static struct arc_rows ask(struct fixture *f, const struct arc_query *query)
{
    struct arc_rows rows = {NULL, 0, 0};
    arc_err err = ARC_ERR_INIT;
    if (!CHECK_OK(arc__suite_query(f->store, query, f->arena, &rows, &err)))
        arc__suite_say("# %s: %s", err.subject, err.message);
    return rows;
}

static struct arc_rows all(struct fixture *f, uint32_t table)
{
    struct arc_query query = {.table = table, .order_col = -1, .want_total = 1};
    return ask(f, &query);
}

static struct arc_row_pipeline pipeline(const char *id, const char *name, int64_t version)
{
    return (struct arc_row_pipeline){.id = text_of(id),
                                     .project_id = ARC_LIT("p1"),
                                     .name = text_of(name),
                                     .status = 3,
                                     .version = version,
                                     .revision = version,
                                     .created_at_ns = 1000};
}

static struct arc_row_token token(const char *id, const char *hash, int64_t version)
{
    return (struct arc_row_token){.id = text_of(id), .hash = text_of(hash), .version = version};
}

static struct arc_row_event event(const char *stream, int64_t seq, int64_t position)
{
    return (struct arc_row_event){.stream = text_of(stream),
                                  .seq = seq,
                                  .position = position,
                                  .type = ARC_LIT("t"),
                                  .body = ARC_LIT("{}")};
}

static const struct arc_row_pipeline *pipeline_at(struct arc_rows rows, size_t at)
{
    static const struct arc_row_pipeline none;
    return at < rows.count ? (const struct arc_row_pipeline *)rows.rows + at : &none;
}

/* --- verbs ----------------------------------------------------------------------------------- */

void arc__case_an_inserted_row_is_found(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_row_pipeline row = pipeline("a", "first", 7);
        row.metadata = ARC_LIT("{\"k\":\"v\"}");
        row.deleted_at_ns = -5;
        CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_pipeline, &row, 0));
        struct arc_rows rows = all(&f, ARC_TABLE_pipeline);
        CHECK_INT(rows.count, 1);
        CHECK_INT(rows.total, 1);
        CHECK(rows.count == 1 &&
              arc__model_same(arc_table_get(ARC_TABLE_pipeline), rows.rows, &row));
        CHECK_INT(all(&f, ARC_TABLE_agent).count, 0);
        CHECK_OK(f.store->ops->health(f.store, NULL));
    }
    end(&f);
}

void arc__case_a_second_insert_conflicts(void)
{
    struct fixture f;
    if (begin(&f)) {
        arc_err err = ARC_ERR_INIT;
        struct arc_row_pipeline row = pipeline("a", "first", 1);
        CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_pipeline, &row, 0));
        row.name = ARC_LIT("second");
        struct arc_store_op op = {ARC_STORE_INSERT, ARC_TABLE_pipeline, &row, 0};
        CHECK_STATUS(arc__suite_commit(f.store, &op, 1, &err), ARC_ECONFLICT);
        CHECK_TEXT(text_of(err.subject), "pipeline");
        CHECK_TEXT(pipeline_at(all(&f, ARC_TABLE_pipeline), 0)->name, "first");
        /* Of a key of two columns both count. */
        struct arc_row_event events[] = {event("s", 1, 1), event("s", 2, 2), event("t", 1, 3)};
        for (size_t i = 0; i < 3; i++)
            CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_event, &events[i], 0));
        events[0].position = 9;
        CHECK_STATUS(one(&f, ARC_STORE_INSERT, ARC_TABLE_event, &events[0], 0), ARC_ECONFLICT);
    }
    end(&f);
}

void arc__case_a_put_replaces(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_row_pipeline row = pipeline("a", "first", 1);
        row.description = ARC_LIT("goes away");
        CHECK_OK(one(&f, ARC_STORE_PUT, ARC_TABLE_pipeline, &row, 0));
        row = pipeline("a", "second", 2);
        CHECK_OK(one(&f, ARC_STORE_PUT, ARC_TABLE_pipeline, &row, 0));
        struct arc_rows rows = all(&f, ARC_TABLE_pipeline);
        CHECK_INT(rows.count, 1);
        CHECK_TEXT(pipeline_at(rows, 0)->name, "second");
        CHECK_TEXT(pipeline_at(rows, 0)->description, "");
    }
    end(&f);
}

/* Rows of a batch that are there, and one that is not, between others. */
void arc__case_a_put_may_say_that_the_row_is_there(void)
{
    struct fixture f;
    if (begin(&f)) {
        static const char *const ids[] = {"a", "b", "c"};
        struct arc_row_step_run rows[3];
        struct arc_row_counter counter = {ARC_LIT("fence"), 1};
        struct arc_store_op ops[4] = {{ARC_STORE_PUT, ARC_TABLE_counter, &counter, 0}};
        for (int64_t round = 0; round < 3; round++) {
            for (size_t i = 0; i < 3; i++) { /* c is there from the second round on */
                rows[i] = (struct arc_row_step_run){
                    .id = {ids[i], 1}, .run_id = ARC_LIT("r"), .status = round * 10 + (int64_t)i};
                ops[i + 1] = (struct arc_store_op){ARC_STORE_PUT, ARC_TABLE_step_run, &rows[i],
                                                   round == 0 ? 0 : ARC_STORE_THERE};
            }
            CHECK_OK(arc__suite_commit(f.store, ops, round == 0 ? 3 : 4, NULL));
            struct arc_rows found = all(&f, ARC_TABLE_step_run);
            if (!CHECK_INT(found.count, round == 0 ? 2 : 3))
                break;
            for (size_t i = 0; i < found.count; i++) {
                const struct arc_row_step_run *row =
                    (const struct arc_row_step_run *)found.rows + i;
                CHECK_INT(row->status, round * 10 + (int64_t)i);
                CHECK_TEXT(row->run_id, "r");
            }
        }
    }
    end(&f);
}

void arc__case_an_update_checks_the_version(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_row_pipeline row = pipeline("a", "first", 1);
        CHECK_STATUS(one(&f, ARC_STORE_UPDATE, ARC_TABLE_pipeline, &row, 0), ARC_ECONFLICT);
        CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_pipeline, &row, 0));
        row = pipeline("a", "second", 2);
        CHECK_STATUS(one(&f, ARC_STORE_UPDATE, ARC_TABLE_pipeline, &row, 2), ARC_ECONFLICT);
        CHECK_STATUS(one(&f, ARC_STORE_UPDATE, ARC_TABLE_pipeline, &row, 0), ARC_ECONFLICT);
        CHECK_OK(one(&f, ARC_STORE_UPDATE, ARC_TABLE_pipeline, &row, 1));
        CHECK_STATUS(one(&f, ARC_STORE_UPDATE, ARC_TABLE_pipeline, &row, 1), ARC_ECONFLICT);
        struct arc_rows rows = all(&f, ARC_TABLE_pipeline);
        CHECK_TEXT(pipeline_at(rows, 0)->name, "second");
        CHECK_INT(pipeline_at(rows, 0)->version, 2);
    }
    end(&f);
}

void arc__case_an_update_needs_a_version(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_row_counter row = {ARC_LIT("fence"), 1};
        CHECK_OK(one(&f, ARC_STORE_PUT, ARC_TABLE_counter, &row, 0));
        CHECK_STATUS(one(&f, ARC_STORE_UPDATE, ARC_TABLE_counter, &row, 0), ARC_EINVAL);
    }
    end(&f);
}

void arc__case_a_delete_is_by_key_alone(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_row_event row = event("s", 1, 5), key = {.stream = ARC_LIT("s"), .seq = 1};
        CHECK_OK(one(&f, ARC_STORE_DELETE, ARC_TABLE_event, &key, 0));
        CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_event, &row, 0));
        key.seq = 2;
        CHECK_OK(one(&f, ARC_STORE_DELETE, ARC_TABLE_event, &key, 0));
        CHECK_INT(all(&f, ARC_TABLE_event).count, 1);
        key.seq = 1;
        key.body = ARC_LIT("\xff is not looked at");
        CHECK_OK(one(&f, ARC_STORE_DELETE, ARC_TABLE_event, &key, 0));
        CHECK_INT(all(&f, ARC_TABLE_event).count, 0);
        CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_event, &row, 0));
    }
    end(&f);
}

/* --- unique ---------------------------------------------------------------------------------- */

void arc__case_unique_values_do_not_repeat(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_row_token a = token("a", "h1", 1), b = token("b", "h1", 1);
        CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_token, &a, 0));
        CHECK_STATUS(one(&f, ARC_STORE_INSERT, ARC_TABLE_token, &b, 0), ARC_ECONFLICT);
        CHECK_STATUS(one(&f, ARC_STORE_PUT, ARC_TABLE_token, &b, 0), ARC_ECONFLICT);
        CHECK_INT(all(&f, ARC_TABLE_token).count, 1);
        b.hash = ARC_LIT("h2");
        CHECK_OK(one(&f, ARC_STORE_PUT, ARC_TABLE_token, &b, 0));
        b.hash = ARC_LIT("h1");
        CHECK_STATUS(one(&f, ARC_STORE_UPDATE, ARC_TABLE_token, &b, 1), ARC_ECONFLICT);
        CHECK_STATUS(one(&f, ARC_STORE_PUT, ARC_TABLE_token, &b, 0), ARC_ECONFLICT);
        CHECK_OK(one(&f, ARC_STORE_PUT, ARC_TABLE_token, &a, 0)); /* its own value is no clash */
        CHECK_OK(one(&f, ARC_STORE_UPDATE, ARC_TABLE_token, &a, 1));
        struct arc_row_event x = event("s", 1, 4), y = event("s", 2, 4);
        CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_event, &x, 0));
        CHECK_STATUS(one(&f, ARC_STORE_INSERT, ARC_TABLE_event, &y, 0), ARC_ECONFLICT);
        struct arc_query query = {.table = ARC_TABLE_token, .filter_count = 1, .order_col = -1};
        query.filters[0] = (struct arc_filter){
            .col = ARC_COL_token_hash, .op = ARC_FILTER_EQ, .text = ARC_LIT("h2")};
        struct arc_rows rows = ask(&f, &query);
        CHECK_INT(rows.count, 1);
        CHECK(rows.count == 1 &&
              same_text(((const struct arc_row_token *)rows.rows)->id, ARC_LIT("b")));
    }
    end(&f);
}

void arc__case_empty_unique_values_repeat(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_row_token tokens[] = {token("a", "", 1), token("b", "", 1), token("c", NULL, 1)};
        struct arc_row_event events[] = {event("s", 1, 0), event("s", 2, 0)};
        for (size_t i = 0; i < 3; i++)
            CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_token, &tokens[i], 0));
        for (size_t i = 0; i < 2; i++)
            CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_event, &events[i], 0));
        struct arc_query query = {.table = ARC_TABLE_token, .filter_count = 1, .order_col = -1};
        query.filters[0] = (struct arc_filter){.col = ARC_COL_token_hash, .op = ARC_FILTER_EQ};
        CHECK_INT(ask(&f, &query).count, 3);
        query.table = ARC_TABLE_event;
        query.filters[0] = (struct arc_filter){.col = ARC_COL_event_position, .op = ARC_FILTER_GE};
        CHECK_INT(ask(&f, &query).count, 2);
        query.filters[0].op = ARC_FILTER_GT;
        CHECK_INT(ask(&f, &query).count, 0);
        query.filters[0].number = -1;
        CHECK_INT(ask(&f, &query).count, 2);
    }
    end(&f);
}

void arc__case_a_unique_value_moves(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_row_token a = token("a", "h1", 1), b = token("b", "h2", 1);
        CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_token, &a, 0));
        CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_token, &b, 0));
        struct arc_row_token freed = token("a", "", 2), moved = token("b", "h1", 2);
        struct arc_store_op wrong[] = {{ARC_STORE_UPDATE, ARC_TABLE_token, &moved, 1},
                                       {ARC_STORE_UPDATE, ARC_TABLE_token, &freed, 1}};
        CHECK_STATUS(arc__suite_commit(f.store, wrong, 2, NULL), ARC_ECONFLICT);
        struct arc_store_op right[] = {wrong[1], wrong[0]};
        CHECK_OK(arc__suite_commit(f.store, right, 2, NULL));
        struct arc_row_token again = token("c", "h2", 1);
        struct arc_store_op anew[] = {{ARC_STORE_DELETE, ARC_TABLE_token, &moved, 0},
                                      {ARC_STORE_INSERT, ARC_TABLE_token, &again, 0}};
        CHECK_OK(arc__suite_commit(f.store, anew, 2, NULL));
        CHECK_INT(all(&f, ARC_TABLE_token).count, 2);
    }
    end(&f);
}

/* --- batches --------------------------------------------------------------------------------- */

void arc__case_a_batch_is_all_or_nothing(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_row_pipeline kept = pipeline("kept", "before", 1);
        struct arc_row_pipeline gone = pipeline("gone", "before", 1);
        CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_pipeline, &kept, 0));
        CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_pipeline, &gone, 0));
        struct arc_row_pipeline changed = pipeline("kept", "after", 2);
        struct arc_row_pipeline fresh = pipeline("new", "after", 1);
        struct arc_row_event said = event("s", 1, 1);
        struct arc_row_counter counter = {ARC_LIT("position"), 9};
        struct arc_store_op conflict = {ARC_STORE_INSERT, ARC_TABLE_pipeline, &kept, 0};
        struct arc_store_op ops[] = {{ARC_STORE_UPDATE, ARC_TABLE_pipeline, &changed, 1},
                                     {ARC_STORE_INSERT, ARC_TABLE_pipeline, &fresh, 0},
                                     {ARC_STORE_DELETE, ARC_TABLE_pipeline, &gone, 0},
                                     {ARC_STORE_INSERT, ARC_TABLE_event, &said, 0},
                                     {ARC_STORE_PUT, ARC_TABLE_counter, &counter, 0},
                                     {ARC_STORE_PUT, ARC_TABLE_pipeline, &changed, 0}};
        for (size_t at = 0; at <= ARC_COUNT_OF(ops); at++) { /* the conflict at every place */
            struct arc_store_op batch[ARC_COUNT_OF(ops) + 1];
            memcpy(batch, ops, at * sizeof(ops[0]));
            batch[at] = conflict;
            memcpy(batch + at + 1, ops + at, (ARC_COUNT_OF(ops) - at) * sizeof(ops[0]));
            CHECK_STATUS(arc__suite_commit(f.store, batch, ARC_COUNT_OF(batch), NULL),
                         ARC_ECONFLICT);
            struct arc_rows rows = all(&f, ARC_TABLE_pipeline);
            CHECK_INT(rows.count, 2);
            CHECK_TEXT(pipeline_at(rows, 0)->id, "gone");
            CHECK_TEXT(pipeline_at(rows, 1)->name, "before");
            CHECK_INT(arc__suite_count(f.store, ARC_TABLE_event), 0);
            CHECK_INT(arc__suite_count(f.store, ARC_TABLE_counter), 0);
        }
        CHECK_OK(arc__suite_commit(f.store, ops, ARC_COUNT_OF(ops), NULL));
        CHECK_INT(arc__suite_count(f.store, ARC_TABLE_pipeline), 2);
        CHECK_INT(arc__suite_count(f.store, ARC_TABLE_event), 1);
    }
    end(&f);
}

void arc__case_later_ops_see_earlier_ones(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_row_pipeline v1 = pipeline("a", "one", 1), v2 = pipeline("a", "two", 2),
                                v3 = pipeline("a", "three", 3);
        struct arc_store_op ops[] = {{ARC_STORE_INSERT, ARC_TABLE_pipeline, &v1, 0},
                                     {ARC_STORE_UPDATE, ARC_TABLE_pipeline, &v2, 1},
                                     {ARC_STORE_UPDATE, ARC_TABLE_pipeline, &v3, 2},
                                     {ARC_STORE_DELETE, ARC_TABLE_pipeline, &v1, 0},
                                     {ARC_STORE_INSERT, ARC_TABLE_pipeline, &v2, 0}};
        CHECK_OK(arc__suite_commit(f.store, ops, ARC_COUNT_OF(ops), NULL));
        struct arc_rows rows = all(&f, ARC_TABLE_pipeline);
        CHECK_INT(rows.count, 1);
        CHECK_TEXT(pipeline_at(rows, 0)->name, "two");
        struct arc_store_op stale[] = {{ARC_STORE_UPDATE, ARC_TABLE_pipeline, &v3, 2},
                                       {ARC_STORE_UPDATE, ARC_TABLE_pipeline, &v3, 2}};
        CHECK_STATUS(arc__suite_commit(f.store, stale, 2, NULL), ARC_ECONFLICT);
        struct arc_store_op twice[] = {{ARC_STORE_DELETE, ARC_TABLE_pipeline, &v1, 0},
                                       {ARC_STORE_DELETE, ARC_TABLE_pipeline, &v1, 0}};
        CHECK_OK(arc__suite_commit(f.store, twice, 2, NULL));
        CHECK_INT(all(&f, ARC_TABLE_pipeline).count, 0);
    }
    end(&f);
}

/* --- events ---------------------------------------------------------------------------------- */

/* Events s/1 … at these positions, with a counter's row between them. */
static size_t some_events(struct arc_row_event *rows, struct arc_store_op *ops, int64_t seq,
                          int64_t position, size_t count)
{
    static const struct arc_row_counter between = {{"between", 7}, 1};
    for (size_t i = 0; i < count; i++) {
        rows[i] = event("s", seq + (int64_t)i, position + (int64_t)i);
        ops[i] = (struct arc_store_op){ARC_STORE_INSERT, ARC_TABLE_event, &rows[i], 0};
    }
    ops[count] = ops[count - 1];
    ops[count - 1] = (struct arc_store_op){ARC_STORE_PUT, ARC_TABLE_counter, &between, 0};
    return count + 1;
}

/* One that is not moved stands where it was to stand; one that is, behind the last. */
static int64_t follow(struct fixture *f, int64_t seq, int64_t position, size_t count, int64_t last)
{
    struct arc_row_event rows[3];
    struct arc_store_op ops[4];
    int64_t shift = 0;
    size_t size = some_events(rows, ops, seq, position, count);
    CHECK_OK(arc__suite_follow(f->store, ops, size, &shift, NULL));
    CHECK(shift == 0 || position + shift == last + 1);
    return position + shift + (int64_t)count - 1;
}

void arc__case_events_that_follow_stay(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_row_event rows[3];
        struct arc_store_op ops[4];
        int64_t shift = 1, third = follow(&f, 1, 1, 3, 0), last = follow(&f, 4, 11, 2, third);
        CHECK_INT(third, 3);
        struct arc_row_counter alone = {ARC_LIT("alone"), 1};
        ops[0] = (struct arc_store_op){ARC_STORE_PUT, ARC_TABLE_counter, &alone, 0};
        CHECK_OK(arc__suite_follow(f.store, ops, 1, &shift, NULL));
        CHECK_INT(shift, 0);
        /* A key that is taken, as ever, and a place; unless they are moved away from it. */
        size_t size = some_events(rows, ops, 5, 13, 2);
        CHECK_STATUS(arc__suite_follow(f.store, ops, size, &shift, NULL), ARC_ECONFLICT);
        size = some_events(rows, ops, 6, 12, 2);
        if (last == 12)
            CHECK_STATUS(arc__suite_follow(f.store, ops, size, &shift, NULL), ARC_ECONFLICT);
        const int64_t places[] = {1, 2, 3, last - 1, last};
        struct arc_query query = {.table = ARC_TABLE_event, .order_col = ARC_COL_event_position};
        struct arc_rows found = ask(&f, &query);
        CHECK_INT(found.count, ARC_COUNT_OF(places));
        for (size_t i = 0; i < found.count && i < ARC_COUNT_OF(places); i++) {
            const struct arc_row_event *row = (const struct arc_row_event *)found.rows + i;
            CHECK_INT(row->position, places[i]);
            CHECK_INT(row->seq, i + 1);
        }
    }
    end(&f);
}

void arc__case_events_that_follow_are_a_row(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_row_event rows[3], gone = {.stream = ARC_LIT("s"), .seq = 9};
        struct arc_store_op ops[4];
        size_t count = some_events(rows, ops, 1, 5, 3);
        rows[2].position = 9;
        CHECK_STATUS(arc__suite_follow(f.store, ops, count, NULL, NULL), ARC_EINVAL);
        rows[2].position = 7;
        ops[1].verb = ARC_STORE_PUT;
        CHECK_STATUS(arc__suite_follow(f.store, ops, count, NULL, NULL), ARC_EINVAL);
        count = some_events(rows, ops, 1, 0, 2);
        CHECK_STATUS(arc__suite_follow(f.store, ops, count, NULL, NULL), ARC_EINVAL);
        CHECK_INT(arc__suite_count(f.store, ARC_TABLE_event), 0);
        count = some_events(rows, ops, 1, 5, 2);
        ops[count++] = (struct arc_store_op){ARC_STORE_DELETE, ARC_TABLE_event, &gone, 0};
        CHECK_OK(arc__suite_follow(f.store, ops, count, NULL, NULL));
        CHECK_INT(arc__suite_count(f.store, ARC_TABLE_event), 2);
    }
    end(&f);
}

/* --- claims ---------------------------------------------------------------------------------- */

static struct arc_claim claim_of(const char *by, int64_t now_ns, int64_t until_ns, size_t limit)
{
    return (struct arc_claim){.table = ARC_TABLE_outbox,
                              .by_col = ARC_COL_outbox_claimed_by,
                              .until_col = ARC_COL_outbox_claimed_until_ns,
                              .by = text_of(by),
                              .now_ns = now_ns,
                              .until_ns = until_ns,
                              .limit = limit};
}

/* A store of one may leave taking to the library. */
static int begin_claims(struct fixture *f)
{
    if (!begin(f))
        return 0;
    if (f->store->ops->claim == NULL)
        arc__suite_skip();
    return f->store->ops->claim != NULL;
}

static arc_status one_of_outbox(struct fixture *f, const struct arc_row_outbox *row)
{
    return one(f, ARC_STORE_INSERT, ARC_TABLE_outbox, row, 0);
}

/* Who takes what, as the letters of the rows. */
static void takes(struct fixture *f, const struct arc_claim *claim, const char *want)
{
    char got[16] = "";
    struct arc_rows rows = {NULL, 0, 0};
    arc_err err = ARC_ERR_INIT;
    if (!CHECK_OK(arc__suite_claim(f->store, claim, f->arena, &rows, &err)))
        arc__suite_say("# %s: %s", err.subject, err.message);
    for (size_t i = 0; i < rows.count && i < sizeof(got) - 1; i++) {
        const struct arc_row_outbox *row = (const struct arc_row_outbox *)rows.rows + i;
        got[i] = row->id.ptr[0];
        CHECK_TEXT(row->action, "Send");
        CHECK(same_text(row->claimed_by, claim->by));
        CHECK_INT(row->claimed_until_ns, claim->until_ns);
    }
    CHECK_INT(rows.total, rows.count);
    CHECK_TEXT(text_of(got), want);
}

void arc__case_a_claim_takes_what_is_free(void)
{
    struct fixture f;
    if (begin_claims(&f)) {
        static const char *const ids[] = {"d", "a", "e", "b", "c"};
        struct arc_claim one = claim_of("one", 10, 20, 2), two = claim_of("two", 10, 30, 9);
        struct arc_claim late = claim_of("late", 20, 40, 9);
        takes(&f, &one, "");
        for (size_t i = 0; i < ARC_COUNT_OF(ids); i++) {
            struct arc_row_outbox row = {.id = text_of(ids[i]), .action = ARC_LIT("Send")};
            CHECK_OK(one_of_outbox(&f, &row));
        }
        takes(&f, &one, "ab");
        takes(&f, &two, "cde");
        takes(&f, &two, "");
        late.now_ns = 19;
        takes(&f, &late, "");
        late.now_ns = 20; /* is not before the end of the first claim */
        takes(&f, &late, "ab");
        struct arc_rows rows = all(&f, ARC_TABLE_outbox);
        CHECK_INT(rows.count, ARC_COUNT_OF(ids));
        for (size_t i = 0; i < rows.count; i++) {
            const struct arc_row_outbox *row = (const struct arc_row_outbox *)rows.rows + i;
            CHECK_TEXT(row->claimed_by, i < 2 ? "late" : "two");
            CHECK_INT(row->claimed_until_ns, i < 2 ? 40 : 30);
            CHECK_TEXT(row->action, "Send");
        }
        struct arc_claim nobody = claim_of("", 50, 51, 1); /* an empty name is one as well */
        takes(&f, &nobody, "a");
    }
    end(&f);
}

void arc__case_a_claim_raises_the_version(void)
{
    struct fixture f;
    if (begin_claims(&f)) {
        struct arc_row_agent row = {.id = ARC_LIT("a"), .labels = ARC_LIT("{}"), .version = 6};
        struct arc_claim claim = claim_of("me", 0, 5, 1);
        struct arc_rows rows = {NULL, 0, 0};
        claim.table = ARC_TABLE_agent;
        claim.by_col = ARC_COL_agent_ip;
        claim.until_col = ARC_COL_agent_last_seen_ns;
        CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_agent, &row, 0));
        CHECK_OK(arc__suite_claim(f.store, &claim, f.arena, &rows, NULL));
        row.ip = ARC_LIT("me");
        row.last_seen_ns = 5;
        row.version = 7;
        CHECK(rows.count == 1 && arc__model_same(arc_table_get(ARC_TABLE_agent), rows.rows, &row));
        row.version = 8;
        CHECK_STATUS(one(&f, ARC_STORE_UPDATE, ARC_TABLE_agent, &row, 6), ARC_ECONFLICT);
        CHECK_OK(one(&f, ARC_STORE_UPDATE, ARC_TABLE_agent, &row, 7));
    }
    end(&f);
}

void arc__case_a_bad_claim_is_refused(void)
{
    struct fixture f;
    if (begin_claims(&f)) {
        struct arc_row_outbox row = {.id = ARC_LIT("a")};
        struct arc_rows rows = {NULL, 0, 0};
        struct arc_claim bad[8];
        CHECK_OK(one_of_outbox(&f, &row));
        for (size_t i = 0; i < ARC_COUNT_OF(bad); i++)
            bad[i] = claim_of("me", 1, 2, 1);
        bad[0].table = ARC_TABLE_COUNT;
        bad[1].by_col = ARC_COL_outbox_run_id; /* has an index */
        bad[2].by_col = ARC_COL_outbox_claimed_until_ns;
        bad[3].until_col = ARC_COL_outbox_COUNT;
        bad[4].until_ns = 1;
        bad[5].limit = 0;
        bad[6].by = ARC_LIT("\xff");
        bad[7].limit = ARC_STORE_CLAIM_MAX + 1;
        for (size_t i = 0; i < ARC_COUNT_OF(bad); i++)
            CHECK_STATUS(arc__suite_claim(f.store, &bad[i], f.arena, &rows, NULL),
                         i < 7 ? ARC_EINVAL : ARC_ELIMIT);
        struct arc_claim good = claim_of("me", 1, 2, ARC_STORE_CLAIM_MAX);
        CHECK_OK(arc__suite_claim(f.store, &good, f.arena, &rows, NULL));
        CHECK_INT(rows.count, 1);
    }
    end(&f);
}

/* --- odd batches ----------------------------------------------------------------------------- */

void arc__case_an_empty_batch_is_fine(void)
{
    struct fixture f;
    if (begin(&f)) {
        CHECK_OK(arc__suite_commit(f.store, NULL, 0, NULL));
        struct arc_row_counter row = {ARC_LIT("n"), 1};
        struct arc_store_op *ops = calloc(ARC_STORE_BATCH_MAX + 1, sizeof(*ops));
        for (size_t i = 0; ops != NULL && i <= ARC_STORE_BATCH_MAX; i++)
            ops[i] = (struct arc_store_op){ARC_STORE_PUT, ARC_TABLE_counter, &row, 0};
        CHECK_STATUS(arc__suite_commit(f.store, ops, ARC_STORE_BATCH_MAX + 1, NULL), ARC_ELIMIT);
        CHECK_INT(arc__suite_count(f.store, ARC_TABLE_counter), 0);
        free(ops);
    }
    end(&f);
}

void arc__case_bad_batches_are_refused(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_row_counter row = {ARC_LIT("n"), 1}, hollow = {{NULL, 3}, 1};
        struct arc_store_op bad[] = {
            {ARC_STORE_PUT, ARC_TABLE_counter, NULL, 0},
            {ARC_STORE_PUT, ARC_TABLE_COUNT, &row, 0},
            {(uint32_t)(ARC_STORE_DELETE + 1), ARC_TABLE_counter, &row, 0},
            {ARC_STORE_PUT, ARC_TABLE_counter, &hollow, 0},
        };
        for (size_t i = 0; i < ARC_COUNT_OF(bad); i++) {
            struct arc_store_op ops[] = {{ARC_STORE_PUT, ARC_TABLE_counter, &row, 0}, bad[i]};
            CHECK_STATUS(arc__suite_commit(f.store, ops, 2, NULL), ARC_EINVAL);
        }
        struct arc_row_counter huge = {{"x", (size_t)ARC_STORE_VALUE_MAX + 1}, 1};
        CHECK_STATUS(one(&f, ARC_STORE_PUT, ARC_TABLE_counter, &huge, 0), ARC_ELIMIT);
        CHECK_INT(arc__suite_count(f.store, ARC_TABLE_counter), 0);
    }
    end(&f);
}

void arc__case_bad_queries_are_refused(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_rows rows = {NULL, 77, 0};
        int64_t number = 1;
        struct arc_filter bad[] = {
            {.col = ARC_COL_pipeline_COUNT},
            {.col = ARC_COL_pipeline_id, .op = (uint32_t)(ARC_FILTER_CONTAINS + 1)},
            {.col = ARC_COL_pipeline_id, .op = ARC_FILTER_IN, .ints = &number, .int_count = 1},
            {.col = ARC_COL_pipeline_status, .op = ARC_FILTER_IN, .int_count = 1},
            {.col = ARC_COL_pipeline_status, .op = ARC_FILTER_CONTAINS, .text = ARC_LIT("1")},
            {.col = ARC_COL_pipeline_id, .op = ARC_FILTER_EQ, .text = {"a\0b", 3}},
            {.col = ARC_COL_pipeline_id, .op = ARC_FILTER_EQ, .text = ARC_LIT("\xff")},
        };
        for (size_t i = 0; i < ARC_COUNT_OF(bad); i++) {
            struct arc_query query = {.table = ARC_TABLE_pipeline, .order_col = -1};
            query.filters[query.filter_count++] = bad[i];
            CHECK_STATUS(arc__suite_query(f.store, &query, f.arena, &rows, NULL), ARC_EINVAL);
        }
        struct arc_query whole[] = {
            {.table = ARC_TABLE_COUNT, .order_col = -1},
            {.table = ARC_TABLE_pipeline, .order_col = ARC_COL_pipeline_COUNT},
            {.table = ARC_TABLE_pipeline, .order_col = -2},
            {.table = ARC_TABLE_pipeline, .filter_count = ARC_QUERY_FILTERS_MAX + 1},
        };
        for (size_t i = 0; i < ARC_COUNT_OF(whole); i++)
            CHECK_STATUS(arc__suite_query(f.store, &whole[i], f.arena, &rows, NULL), ARC_EINVAL);
        CHECK_INT(rows.count, 77); /* untouched */
    }
    end(&f);
}

/* --- values ---------------------------------------------------------------------------------- */

void arc__case_texts_come_back(void)
{
    static const char *const texts[] = {
        "",
        " ",
        "'; DROP TABLE t_pipeline; --",
        "\"quoted\" 'twice' `thrice` [four] \\back",
        "%_*?[a-z]",
        "line\nfeed\r\ttab\x01\x1f\x7f",
        "\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\x80",
        "?1 :name @x $y",
        "123",
        "1e5",
        "NULL",
        "x'00'",
    };
    struct fixture f;
    if (begin(&f)) {
        size_t big_len = 1024 * 1024;
        char *big = malloc(big_len);
        for (size_t i = 0; big != NULL && i < big_len; i++)
            big[i] = (char)('a' + i % 26);
        for (size_t i = 0; big != NULL && i <= ARC_COUNT_OF(texts); i++) {
            arc_slice text =
                i < ARC_COUNT_OF(texts) ? text_of(texts[i]) : ((arc_slice){big, big_len});
            char id[16];
            snprintf(id, sizeof(id), "%02zu", i);
            struct arc_row_pipeline row = pipeline(id, NULL, 1);
            row.name = row.description = row.metadata = text;
            CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_pipeline, &row, 0));
            struct arc_row_counter counter = {text, (int64_t)i}; /* in the key too, if it may be */
            if (text.len > arc__suite_key_bytes())
                counter.name.len = arc__suite_key_bytes();
            CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_counter, &counter, 0));
            struct arc_query query = {.table = ARC_TABLE_pipeline, .order_col = -1};
            query.filter_count = 1;
            query.filters[0] = (struct arc_filter){
                .col = ARC_COL_pipeline_name, .op = ARC_FILTER_EQ, .text = text};
            struct arc_rows rows = ask(&f, &query);
            CHECK_INT(rows.count, 1);
            CHECK(rows.count == 1 &&
                  arc__model_same(arc_table_get(ARC_TABLE_pipeline), rows.rows, &row));
        }
        struct arc_rows rows = all(&f, ARC_TABLE_counter);
        CHECK_INT(rows.count, ARC_COUNT_OF(texts) + 1);
        CHECK(rows.count > 0 && ((const struct arc_row_counter *)rows.rows)->name.len == 0);
        free(big);
    }
    end(&f);
}

void arc__case_texts_are_utf8_without_nul(void)
{
    static const arc_slice bad[] = {
        {"\0", 1},           {"a\0b", 3},
        {"end\0", 4},        {"\xff", 1},
        {"\xc3", 1},         {"\xc0\x80", 2},
        {"\xed\xa0\x80", 3}, {"ok\x80", 3},
        {"\xe2\x82", 2},     {"\xf4\x90\x80\x80", 4},
    };
    struct fixture f;
    if (begin(&f)) {
        for (size_t i = 0; i < ARC_COUNT_OF(bad); i++) {
            arc_err err = ARC_ERR_INIT;
            struct arc_row_pipeline row = pipeline("a", NULL, 1);
            row.name = bad[i];
            struct arc_store_op op = {ARC_STORE_PUT, ARC_TABLE_pipeline, &row, 0};
            CHECK_STATUS(arc__suite_commit(f.store, &op, 1, &err), ARC_EINVAL);
            CHECK_TEXT(text_of(err.subject), "pipeline.name");
            struct arc_row_counter key = {bad[i], 0};
            CHECK_STATUS(one(&f, ARC_STORE_DELETE, ARC_TABLE_counter, &key, 0), ARC_EINVAL);
        }
        CHECK_INT(arc__suite_count(f.store, ARC_TABLE_pipeline), 0);
    }
    end(&f);
}

void arc__case_numbers_come_back(void)
{
    static const int64_t numbers[] = {INT64_MIN, INT64_MIN + 1,    -4294967297,   -1,       0,
                                      1,         9007199254740993, INT64_MAX - 1, INT64_MAX};
    struct fixture f;
    if (begin(&f)) {
        for (size_t i = 0; i < ARC_COUNT_OF(numbers); i++) {
            struct arc_row_event row = event("s", numbers[i], 0);
            row.time_ns = numbers[i];
            CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_event, &row, 0));
        }
        for (size_t i = 0; i < ARC_COUNT_OF(numbers); i++) {
            struct arc_query query = {.table = ARC_TABLE_event, .order_col = -1};
            query.filter_count = 1;
            query.filters[0] = (struct arc_filter){
                .col = ARC_COL_event_time_ns, .op = ARC_FILTER_EQ, .number = numbers[i]};
            struct arc_rows rows = ask(&f, &query);
            CHECK_INT(rows.count, 1);
            CHECK_INT(rows.count == 1 ? ((const struct arc_row_event *)rows.rows)->seq : 77,
                      numbers[i]);
            query.filters[0].op = ARC_FILTER_LT;
            CHECK_INT(ask(&f, &query).count, i);
            query.filters[0].op = ARC_FILTER_GT;
            CHECK_INT(ask(&f, &query).count, ARC_COUNT_OF(numbers) - 1 - i);
            query.filters[0].op = ARC_FILTER_IN;
            query.filters[0].ints = &numbers[i];
            query.filters[0].int_count = 1;
            CHECK_INT(ask(&f, &query).count, 1);
        }
        struct arc_row_pipeline row = pipeline("a", "n", INT64_MIN);
        CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_pipeline, &row, 0));
        row.version = row.revision = INT64_MAX;
        CHECK_OK(one(&f, ARC_STORE_UPDATE, ARC_TABLE_pipeline, &row, INT64_MIN));
    }
    end(&f);
}

/* --- filters --------------------------------------------------------------------------------- */

static size_t count_where(struct fixture *f, uint32_t col, uint32_t op, arc_slice text,
                          int64_t number)
{
    struct arc_query query = {.table = ARC_TABLE_pipeline, .order_col = -1, .filter_count = 1};
    query.filters[0] = (struct arc_filter){.col = col, .op = op, .text = text, .number = number};
    return ask(f, &query).count;
}

/* ids "0" to "9", names "n0" … and "" for "9", status and created 0 to 9. */
static void insert_ten(struct fixture *f)
{
    static const char *const ids[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    static const char *const names[] = {"n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", ""};
    for (int i = 0; i < 10; i++) {
        struct arc_row_pipeline row = pipeline(ids[i], names[i], 1);
        row.description = row.name;
        row.status = row.total_runs = row.created_at_ns = i;
        CHECK_OK(one(f, ARC_STORE_INSERT, ARC_TABLE_pipeline, &row, 0));
    }
}

void arc__case_every_filter_on_a_text(void)
{
    /* With an index, without, and the key. */
    static const uint32_t cols[] = {ARC_COL_pipeline_name, ARC_COL_pipeline_description};
    struct fixture f;
    if (begin(&f)) {
        insert_ten(&f);
        arc_slice n4 = ARC_LIT("n4");
        for (size_t i = 0; i < ARC_COUNT_OF(cols); i++) {
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_EQ, n4, 0), 1);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_NE, n4, 0), 9);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_LT, n4, 0), 5);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_LE, n4, 0), 6);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_GT, n4, 0), 4);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_GE, n4, 0), 5);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_CONTAINS, n4, 0), 1);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_CONTAINS, ARC_LIT("n"), 0), 9);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_CONTAINS, ARC_LIT("N"), 0), 0);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_CONTAINS, ARC_LIT("n45"), 0), 0);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_CONTAINS, ARC_NONE, 0), 10);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_EQ, ARC_NONE, 0), 1);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_EQ, ARC_LIT(""), 0), 1);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_GT, ARC_NONE, 0), 9);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_GE, ARC_NONE, 0), 10);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_LT, ARC_NONE, 0), 0);
        }
        CHECK_INT(count_where(&f, ARC_COL_pipeline_id, ARC_FILTER_EQ, ARC_LIT("3"), 0), 1);
        CHECK_INT(count_where(&f, ARC_COL_pipeline_id, ARC_FILTER_EQ, ARC_LIT("33"), 0), 0);
        CHECK_INT(count_where(&f, ARC_COL_pipeline_id, ARC_FILTER_LT, ARC_LIT("3"), 0), 3);
        CHECK_INT(count_where(&f, ARC_COL_pipeline_id, ARC_FILTER_GE, ARC_LIT("3"), 0), 7);
        CHECK_INT(count_where(&f, ARC_COL_pipeline_id, ARC_FILTER_NE, ARC_LIT("3"), 0), 9);
    }
    end(&f);
}

void arc__case_every_filter_on_a_number(void)
{
    static const uint32_t cols[] = {ARC_COL_pipeline_status, ARC_COL_pipeline_total_runs};
    struct fixture f;
    if (begin(&f)) {
        insert_ten(&f);
        for (size_t i = 0; i < ARC_COUNT_OF(cols); i++) {
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_EQ, ARC_NONE, 4), 1);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_EQ, ARC_NONE, 0), 1);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_NE, ARC_NONE, 4), 9);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_NE, ARC_NONE, 40), 10);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_LT, ARC_NONE, 4), 4);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_LE, ARC_NONE, 4), 5);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_GT, ARC_NONE, 4), 5);
            CHECK_INT(count_where(&f, cols[i], ARC_FILTER_GE, ARC_NONE, 4), 6);
            static const int64_t some[] = {7, 2, 99, -1, 2};
            struct arc_query query = {.table = ARC_TABLE_pipeline, .order_col = -1};
            query.filter_count = 1;
            query.filters[0] =
                (struct arc_filter){.col = cols[i], .op = ARC_FILTER_IN, .ints = some};
            CHECK_INT(ask(&f, &query).count, 0); /* of an empty list */
            query.filters[0].int_count = ARC_COUNT_OF(some);
            CHECK_INT(ask(&f, &query).count, 2);
        }
    }
    end(&f);
}

void arc__case_filters_are_all_asked(void)
{
    struct fixture f;
    if (begin(&f)) {
        insert_ten(&f);
        struct arc_query query = {.table = ARC_TABLE_pipeline, .order_col = -1};
        query.filters[query.filter_count++] = (struct arc_filter){
            .col = ARC_COL_pipeline_project_id, .op = ARC_FILTER_EQ, .text = ARC_LIT("p1")};
        query.filters[query.filter_count++] =
            (struct arc_filter){.col = ARC_COL_pipeline_status, .op = ARC_FILTER_GT, .number = 2};
        query.filters[query.filter_count++] =
            (struct arc_filter){.col = ARC_COL_pipeline_status, .op = ARC_FILTER_LE, .number = 8};
        query.filters[query.filter_count++] =
            (struct arc_filter){.col = ARC_COL_pipeline_status, .op = ARC_FILTER_NE, .number = 5};
        query.filters[query.filter_count++] = (struct arc_filter){
            .col = ARC_COL_pipeline_name, .op = ARC_FILTER_CONTAINS, .text = ARC_LIT("n")};
        query.filters[query.filter_count++] = (struct arc_filter){
            .col = ARC_COL_pipeline_id, .op = ARC_FILTER_LT, .text = ARC_LIT("8")};
        query.filters[query.filter_count++] =
            (struct arc_filter){.col = ARC_COL_pipeline_deleted_at_ns, .op = ARC_FILTER_EQ};
        query.filters[query.filter_count++] = (struct arc_filter){
            .col = ARC_COL_pipeline_created_at_ns, .op = ARC_FILTER_GE, .number = 4};
        CHECK_INT(query.filter_count, ARC_QUERY_FILTERS_MAX);
        struct arc_rows rows = ask(&f, &query);
        CHECK_INT(rows.count, 3); /* 4, 6, 7 */
        CHECK_TEXT(pipeline_at(rows, 0)->id, "4");
        CHECK_TEXT(pipeline_at(rows, 2)->id, "7");
        query.filters[0].text = ARC_LIT("p2");
        CHECK_INT(ask(&f, &query).count, 0);
        /* Two different values of one column: nothing, and not the one that came first. */
        query.filter_count = 2;
        query.filters[0].text = ARC_LIT("p1");
        query.filters[1] = query.filters[0];
        query.filters[1].text = ARC_LIT("p2");
        CHECK_INT(ask(&f, &query).count, 0);
    }
    end(&f);
}

void arc__case_texts_compare_bytewise(void)
{
    static const char *const sorted[] = {"",  "!", "0",  "A",  "B",        "Z",
                                         "_", "a", "aa", "ab", "\xc3\xa4", "\xf0\x9f\x9a\x80"};
    struct fixture f;
    if (begin(&f)) {
        for (size_t i = 0; i < ARC_COUNT_OF(sorted); i++) {
            size_t at = (i * 5) % ARC_COUNT_OF(sorted); /* in a mixed order */
            struct arc_row_counter row = {text_of(sorted[at]), 0};
            CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_counter, &row, 0));
        }
        struct arc_rows rows = all(&f, ARC_TABLE_counter);
        CHECK_INT(rows.count, ARC_COUNT_OF(sorted));
        for (size_t i = 0; i < rows.count; i++)
            CHECK_TEXT(((const struct arc_row_counter *)rows.rows)[i].name, sorted[i]);
    }
    end(&f);
}

void arc__case_order_limit_and_offset(void)
{
    struct fixture f;
    if (begin(&f)) {
        for (int i = 0; i < 30; i++) { /* three created values, mixed */
            char id[16];
            snprintf(id, sizeof(id), "%02d", i);
            struct arc_row_pipeline row = pipeline(id, "n", 1);
            row.created_at_ns = row.updated_at_ns = i % 3;
            CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_pipeline, &row, 0));
        }
        static const int32_t cols[] = {-1, ARC_COL_pipeline_created_at_ns,
                                       ARC_COL_pipeline_updated_at_ns, ARC_COL_pipeline_id};
        for (size_t c = 0; c < ARC_COUNT_OF(cols); c++) {
            for (int down = 0; down < 2; down++) {
                struct arc_query query = {.table = ARC_TABLE_pipeline, .order_col = cols[c]};
                query.descending = down;
                struct arc_rows whole = ask(&f, &query);
                CHECK_INT(whole.count, 30);
                CHECK_INT(whole.total, 30);
                CHECK_TEXT(pipeline_at(whole, 0)->id, down ? "29" : "00");
                CHECK_TEXT(pipeline_at(whole, 29)->id, down ? "00" : "29");
                CHECK_TEXT(pipeline_at(whole, 1)->id,
                           c == 0 || c == 3 ? (down ? "28" : "01") : (down ? "26" : "03"));
                for (size_t offset = 0; offset <= 32; offset += 4) { /* the pages make the whole */
                    query.offset = offset;
                    query.limit = 4;
                    query.want_total = offset % 8 == 0;
                    struct arc_rows page = ask(&f, &query);
                    size_t want = offset + 4 <= 30 ? 4 : offset < 30 ? 30 - offset : 0;
                    CHECK_INT(page.count, want);
                    CHECK_INT(page.total, query.want_total ? 30 : (int64_t)want);
                    for (size_t i = 0; i < page.count && offset + i < whole.count; i++)
                        CHECK(same_text(pipeline_at(page, i)->id,
                                        pipeline_at(whole, offset + i)->id));
                }
            }
        }
        struct arc_query query = {.table = ARC_TABLE_pipeline, .order_col = -1, .offset = 28};
        CHECK_INT(ask(&f, &query).count, 2); /* an offset without a limit */
    }
    end(&f);
}

void arc__case_a_long_list_of_numbers(void)
{
    struct fixture f;
    if (begin(&f)) {
        insert_ten(&f);
        int64_t numbers[ARC_STORE_IN_MAX + 1];
        for (int i = 0; i <= (int)ARC_STORE_IN_MAX; i++)
            numbers[i] = i < 10 ? 9 - i : i * 100;
        struct arc_query query = {.table = ARC_TABLE_pipeline, .order_col = -1, .filter_count = 1};
        query.filters[0] = (struct arc_filter){
            .col = ARC_COL_pipeline_status, .op = ARC_FILTER_IN, .ints = numbers};
        for (size_t count = 0; count <= ARC_STORE_IN_MAX; count += count < 20 ? 1 : 59) {
            query.filters[0].int_count = count;
            CHECK_INT(ask(&f, &query).count, count < 10 ? count : 10);
        }
        struct arc_rows rows;
        query.filters[0].int_count = ARC_STORE_IN_MAX + 1;
        CHECK_STATUS(arc__suite_query(f.store, &query, f.arena, &rows, NULL), ARC_ELIMIT);
    }
    end(&f);
}

void arc__case_an_arena_is_a_limit(void)
{
    struct fixture f;
    if (begin(&f)) {
        insert_ten(&f);
        struct arc_query query = {.table = ARC_TABLE_pipeline, .order_col = -1};
        struct arc_rows rows;
        size_t sizes[] = {0, 10, 100, 1000, sizeof(struct arc_row_pipeline) * 10};
        for (size_t i = 0; i < ARC_COUNT_OF(sizes); i++) {
            arc_arena *arena = arc__suite_arena(NULL, sizes[i]);
            CHECK_STATUS(arc__suite_query(f.store, &query, arena, &rows, NULL), ARC_ELIMIT);
            arc_arena_free(arena);
        }
        query.limit = 1;
        arc_arena *arena = arc__suite_arena(NULL, 1000);
        CHECK_OK(arc__suite_query(f.store, &query, arena, &rows, NULL));
        arc_arena_free(arena);
    }
    end(&f);
}

void arc__case_a_large_batch(void)
{
    enum { COUNT = 10000 };
    struct fixture f;
    if (begin(&f)) {
        static struct arc_row_event rows[COUNT];
        static struct arc_store_op ops[COUNT];
        for (int i = 0; i < COUNT; i++) {
            int at = (int)((i * 7919LL) % COUNT); /* every number once, mixed */
            rows[i] = event(at % 2 == 0 ? "even" : "odd", at, at + 1);
            ops[i] = (struct arc_store_op){ARC_STORE_INSERT, ARC_TABLE_event, &rows[i], 0};
        }
        CHECK_OK(arc__suite_commit(f.store, ops, COUNT, NULL));
        struct arc_query query = {.table = ARC_TABLE_event, .order_col = ARC_COL_event_position};
        struct arc_rows got = ask(&f, &query);
        CHECK_INT(got.count, COUNT);
        size_t wrong = 0;
        for (size_t i = 0; i < got.count; i++)
            wrong += ((const struct arc_row_event *)got.rows)[i].seq != (int64_t)i;
        CHECK_INT(wrong, 0);
        query.filter_count = 2;
        query.filters[0] = (struct arc_filter){
            .col = ARC_COL_event_stream, .op = ARC_FILTER_EQ, .text = ARC_LIT("odd")};
        query.filters[1] =
            (struct arc_filter){.col = ARC_COL_event_seq, .op = ARC_FILTER_GT, .number = 9990};
        query.order_col = -1;
        CHECK_INT(ask(&f, &query).count, 5);
        ops[COUNT - 1].verb = ARC_STORE_INSERT; /* the one conflict is the last of all */
        for (int i = 0; i < COUNT - 1; i++)
            ops[i].verb = ARC_STORE_DELETE;
        CHECK_STATUS(arc__suite_commit(f.store, ops, COUNT, NULL), ARC_ECONFLICT);
        CHECK_INT(arc__suite_count(f.store, ARC_TABLE_event), COUNT);
        ops[COUNT - 1].verb = ARC_STORE_DELETE;
        CHECK_OK(arc__suite_commit(f.store, ops, COUNT, NULL));
        CHECK_INT(arc__suite_count(f.store, ARC_TABLE_event), 0);
    }
    end(&f);
}

/* --- from inside done ------------------------------------------------------------------------ */

struct chain {
    struct arc_store *store;
    struct arc_arena *arena;
    struct arc_row_counter row;
    struct arc_store_op op;
    int commits, queries, dispatch_refused;
    int64_t seen;
};

static void chain_queried(void *user, arc_status status, const struct arc_rows *rows,
                          const arc_err *err);

static void chain_committed(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    struct chain *chain = user;
    (void)shift;
    (void)err;
    CHECK_OK(status);
    chain->commits++;
    chain->dispatch_refused += chain->store->ops->dispatch(chain->store, NULL) == ARC_EINVAL;
    struct arc_query query = {.table = ARC_TABLE_counter, .order_col = -1};
    CHECK_OK(
        chain->store->ops->query(chain->store, &query, chain->arena, chain_queried, chain, NULL));
}

static void chain_queried(void *user, arc_status status, const struct arc_rows *rows,
                          const arc_err *err)
{
    struct chain *chain = user;
    (void)err;
    CHECK_OK(status);
    chain->queries++;
    chain->seen =
        rows != NULL && rows->count == 1 ? ((const struct arc_row_counter *)rows->rows)->value : -1;
    if (chain->seen != chain->row.value || chain->commits >= 20)
        return;
    chain->row.value++;
    struct arc_store_batch batch = {&chain->op, 1, 0};
    CHECK_OK(chain->store->ops->commit(chain->store, &batch, chain_committed, chain, NULL));
}

void arc__case_calls_from_inside_done(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct chain chain = {.store = f.store, .arena = f.arena, .row = {ARC_LIT("n"), 1}};
        chain.op = (struct arc_store_op){ARC_STORE_PUT, ARC_TABLE_counter, &chain.row, 0};
        struct arc_store_batch batch = {&chain.op, 1, 0};
        CHECK_OK(f.store->ops->commit(f.store, &batch, chain_committed, &chain, NULL));
        for (int rounds = 0; chain.queries < 20 && rounds < 10000; rounds++)
            arc__suite_round(f.store);
        CHECK_INT(chain.commits, 20);
        CHECK_INT(chain.queries, 20);
        CHECK_INT(chain.seen, 20);
        CHECK_INT(chain.dispatch_refused, 20);
    }
    end(&f);
}

/* --- what lasts ------------------------------------------------------------------------------ */

/* After each life of the process: all of what was acknowledged, and nothing of what was refused. */
void arc__case_what_was_acknowledged_lasts(void)
{
    enum { LIVES = 4, ROWS = 25 };
    struct fixture f;
    if (!arc__suite_lasts()) {
        arc__suite_skip();
        return;
    }
    int ready = begin(&f);
    for (int life = 0; ready && life < LIVES && f.store != NULL; life++) {
        for (int i = life * ROWS; i < (life + 1) * ROWS; i++) {
            struct arc_row_event said = event("s", i, i + 1);
            struct arc_row_counter last = {ARC_LIT("last"), i};
            arc_store_op ops[] = {{ARC_STORE_INSERT, ARC_TABLE_event, &said, 0},
                                  {ARC_STORE_PUT, ARC_TABLE_counter, &last, 0}};
            CHECK_OK(arc__suite_commit(f.store, ops, 2, NULL));
            last.value = -1; /* with it goes an event that is there */
            arc_store_op wrong[] = {ops[1], ops[0]};
            CHECK_STATUS(arc__suite_commit(f.store, wrong, 2, NULL), ARC_ECONFLICT);
            if (i % 5 == 0)
                CHECK_OK(one(&f, ARC_STORE_DELETE, ARC_TABLE_event, &said, 0));
        }
        f.store = arc__suite_again(f.store);
        if (f.store == NULL)
            break;
        struct arc_rows events = all(&f, ARC_TABLE_event), counters = all(&f, ARC_TABLE_counter);
        CHECK_INT(events.count, (life + 1) * ROWS * 4 / 5);
        for (size_t i = 0; i < events.count; i++)
            CHECK_INT(((const struct arc_row_event *)events.rows)[i].position, i * 5 / 4 + 2);
        CHECK(counters.count == 1 &&
              ((const struct arc_row_counter *)counters.rows)->value == (life + 1) * ROWS - 1);
        arc_arena_reset(f.arena);
    }
    end(&f);
}

/* --- watching -------------------------------------------------------------------------------- */

static void changed(void *user, uint32_t tables, int64_t last)
{
    CHECK(tables != 0 && last >= 0);
    ++*(int *)user;
}

/* It is a hint, so nothing can be asked of when it comes; after the end it does not. */
void arc__case_who_watches_can_stop(void)
{
    struct fixture f;
    if (begin(&f) && f.store->ops->watch != NULL) {
        struct arc_row_event first = event("s", 1, 1), second = event("s", 2, 2);
        int heard = 0;
        f.store->ops->watch(f.store, changed, &heard);
        CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_event, &first, 0));
        f.store->ops->watch(f.store, NULL, NULL);
        int before = heard;
        CHECK_OK(one(&f, ARC_STORE_INSERT, ARC_TABLE_event, &second, 0));
        CHECK_INT(heard, before);
    } else if (f.store != NULL) {
        arc__suite_skip();
    }
    end(&f);
}
