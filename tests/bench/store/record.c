/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine_private.h"
#include "face/ctl_private.h"
#include "plane.h"

#define BYTES_MAX ((size_t)2 << 30)

/* The store's own functions but for commit, and whose commits are written down. */
static struct arc_store_ops ops;
static const struct arc_store_ops *inner;
static struct record *recording;

static void *copy_row(struct arc_arena *arena, enum arc_table table, const void *row)
{
    const struct arc_table_def *def = arc__table_def(table);
    char *copy = arc__arena_take(arena, def->row_size);
    if (copy == NULL)
        return NULL;
    memcpy(copy, row, def->row_size);
    for (uint32_t i = 0; i < def->text_count; i++) {
        arc_slice *text = (arc_slice *)(void *)(copy + def->cols[def->texts[i]].offset);
        *text = arc__arena_copy(arena, *text);
    }
    return arena->failed ? NULL : copy;
}

static int add_batch(struct record *record, const struct arc_store_batch *batch)
{
    struct arc_store_op *copies = arc__arena_array(&record->arena, batch->count, sizeof(*copies));
    if (record->count == record->capacity) {
        size_t more = record->capacity > 0 ? record->capacity * 2 : 64;
        void *grown = realloc(record->batches, more * sizeof(*record->batches));
        if (grown == NULL)
            return 0;
        record->batches = grown;
        record->capacity = more;
    }
    for (size_t i = 0; copies != NULL && i < batch->count; i++) {
        copies[i] = batch->ops[i];
        copies[i].row = copy_row(&record->arena, batch->ops[i].table, batch->ops[i].row);
        record->events += batch->ops[i].table == ARC_TABLE_event;
        if (copies[i].row == NULL)
            return 0;
    }
    record->batches[record->count] = *batch;
    record->batches[record->count++].ops = copies;
    record->rows += batch->count;
    return copies != NULL;
}

static arc_status commit(struct arc_store *store, const struct arc_store_batch *batch,
                         arc_commit_done done, void *user, arc_err *err)
{
    if (recording != NULL && !add_batch(recording, batch))
        return arc__fail(err, ARC_ENOMEM, "record", "%s", "Out of memory.");
    return inner->commit(store, batch, done, user, err);
}

int record_make(struct record *record, unsigned in_flight, uint64_t steps)
{
    static struct plane plane;
    char *text = definition(1, STEPS, HERE);
    *record = (struct record){.mem = arc__mem_default()};
    arc__arena_init(&record->arena, &record->mem, BYTES_MAX);
    int fine = text != NULL && plane_open(&plane, "mem:", text, NULL);
    if (fine) {
        inner = plane.ctl->engine->store->ops;
        ops = *inner;
        ops.commit = commit;
        plane.ctl->engine->store->ops = &ops;
        recording = record;
        fine = keep_running(&plane, in_flight, steps);
        recording = NULL;
    }
    plane_close(&plane);
    free(text);
    return fine;
}

void record_drop(struct record *record)
{
    arc__arena_deinit(&record->arena);
    free(record->batches);
}
