/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/migrate.h"

#include "engine/fsck.h"

#define PEEK_BYTES_MAX (64u * 1024u * 1024u)

struct arc_migrate {
    struct arc_mem mem;
    struct arc_desk *desk;
    int64_t reached;
    struct arc_fsck *fsck; /* of the migration at work */
    uint64_t runs, written;
    int failed;
};

/* --- the migrations -------------------------------------------------------------------------- */

/* Columns that were appended are empty in rows that were there; the events know what belongs there.
 */
static arc_status rows_of_runs(struct arc_migrate *migrate, arc_err *err)
{
    if (migrate->fsck == NULL)
        ARC_TRY(arc__fsck_new(migrate->desk, 1, &migrate->fsck, err));
    arc_status status = arc__fsck_step(migrate->fsck, err);
    migrate->runs = arc__fsck_report(migrate->fsck)->runs;
    migrate->written = arc__fsck_report(migrate->fsck)->fixed;
    return status;
}

static const struct arc_migration migrations[] = {
    {1, "Rows of runs, jobs, steps and artifacts get the columns that came after them.",
     rows_of_runs},
};
#define MIGRATION_COUNT (sizeof(migrations) / sizeof(migrations[0]))

const struct arc_migration *arc__migration(size_t index)
{
    return index < MIGRATION_COUNT ? &migrations[index] : NULL;
}

int64_t arc__schema_newest(void)
{
    return migrations[MIGRATION_COUNT - 1].number;
}

/* --- where a store is ------------------------------------------------------------------------ */

static arc_status peek(struct arc_desk *desk, const struct arc_query *query, int64_t *value,
                       arc_err *err)
{
    struct arc_rows rows = {0};
    struct arc_arena arena;
    arc__arena_init(&arena, &desk->mem, PEEK_BYTES_MAX);
    arc_status status = arc__desk_query(desk, query, &arena, &rows, err);
    *value = -1;
    if (status == ARC_OK && rows.count > 0)
        *value = query->table == ARC_TABLE_counter
                     ? ((const struct arc_row_counter *)rows.rows)->value
                     : 1;
    arc__arena_deinit(&arena);
    return status;
}

static arc_status find_reached(struct arc_migrate *migrate, arc_err *err)
{
    struct arc_query number = {.table = ARC_TABLE_counter, .filter_count = 1, .order_col = -1};
    struct arc_query any = {.table = ARC_TABLE_event, .order_col = -1, .limit = 1};
    int64_t has_events = 0;
    number.filters[0] =
        (struct arc_filter){.col = ARC_COL_counter_name, .text = ARC_LIT(ARC_SCHEMA_COUNTER)};
    ARC_TRY(peek(migrate->desk, &number, &migrate->reached, err));
    if (migrate->reached > arc__schema_newest())
        return arc__fail(err, ARC_EPRECONDITION, "store",
                         "The store was written by a newer version (schema %lld, not %lld).",
                         (long long)migrate->reached, (long long)arc__schema_newest());
    if (migrate->reached >= 0)
        return ARC_OK;
    ARC_TRY(peek(migrate->desk, &any, &has_events, err));
    migrate->reached = has_events > 0 ? 0 : arc__schema_newest();
    return ARC_OK;
}

arc_status arc__migrate_new(struct arc_desk *desk, struct arc_migrate **out, arc_err *err)
{
    struct arc_migrate *migrate = arc__alloc(&desk->mem, sizeof(*migrate));
    if (migrate == NULL)
        return arc__fail_nomem(err);
    migrate->mem = desk->mem;
    migrate->desk = desk;
    arc_status status = find_reached(migrate, err);
    if (status != ARC_OK) {
        arc__migrate_free(migrate);
        return status;
    }
    *out = migrate;
    return ARC_OK;
}

void arc__migrate_free(struct arc_migrate *migrate)
{
    if (migrate == NULL)
        return;
    struct arc_mem mem = migrate->mem;
    arc__fsck_free(migrate->fsck);
    arc__free(&mem, migrate);
}

int64_t arc__migrate_reached(const struct arc_migrate *migrate)
{
    return migrate->reached;
}

void arc__migrate_report(const struct arc_migrate *migrate, uint64_t *runs, uint64_t *written)
{
    *runs = migrate->runs;
    *written = migrate->written;
}

/* --- going on -------------------------------------------------------------------------------- */

static arc_status reach(struct arc_migrate *migrate, int64_t number, arc_err *err)
{
    const struct arc_row_counter row = {.name = ARC_LIT(ARC_SCHEMA_COUNTER), .value = number};
    const struct arc_store_op op = {ARC_STORE_PUT, ARC_TABLE_counter, &row, 0};
    ARC_TRY(arc__desk_commit(migrate->desk, &op, 1, err));
    migrate->reached = number;
    arc__fsck_free(migrate->fsck);
    migrate->fsck = NULL;
    return ARC_OK;
}

static arc_status go_on(struct arc_migrate *migrate, arc_err *err)
{
    const struct arc_migration *next = arc__migration((size_t)migrate->reached);
    if (next == NULL)
        return ARC_EDONE;
    arc_status status = next->step(migrate, err);
    return status == ARC_EDONE ? reach(migrate, next->number, err) : status;
}

arc_status arc__migrate_step(struct arc_migrate *migrate, arc_err *err)
{
    if (migrate->failed)
        return arc__fail(err, ARC_EINVAL, "migrate", "It has failed, and is over.");
    arc_status status = go_on(migrate, err);
    migrate->failed = status != ARC_OK && status != ARC_EDONE;
    return status;
}
