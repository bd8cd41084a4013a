/* SPDX-License-Identifier: Apache-2.0 */
/* The status of a run for a host that does not wait: from memory where the run is ours, else from
 * its row, which is read between one time of asking and the next. */
#include "base/ulid.h"
#include "engine/engine_private.h"

#define FRESH_NS (UINT64_C(1000) * 1000000) /* how long what was read is told */

struct asked {
    struct arc_link link; /* engine.asked_list, who was asked about last at its end */
    struct load load;
    uint64_t read_mono_ns; /* when it was asked for last; 0: never */
    int status;
    arc_id id;
};

static void drop(struct arc_engine *engine, struct asked *asked)
{
    (void)arc__map_remove(&engine->asked, arc__id_slice(&asked->id));
    arc__list_remove(&asked->link);
    arc__load_deinit(&asked->load);
    arc__free(&engine->mem, asked);
}

void arc__asked_close(struct arc_engine *engine)
{
    ARC_LIST_EACH_SAFE(&engine->asked_list, link)
    {
        drop(engine, ARC_CONTAINER(link, struct asked, link));
    }
    arc__map_deinit(&engine->asked);
}

/* NULL: memory is out. */
static struct asked *find(struct arc_engine *engine, arc_slice run_id)
{
    struct asked *asked = arc__map_get(&engine->asked, run_id);
    if (asked != NULL) {
        arc__list_remove(&asked->link);
        arc__list_add_tail(&engine->asked_list, &asked->link);
        return asked;
    }
    if (engine->asked.count >= engine->options.runs_asked_max)
        drop(engine, ARC_CONTAINER(engine->asked_list.next, struct asked, link));
    asked = arc__alloc(&engine->mem, sizeof(*asked));
    if (asked == NULL)
        return NULL;
    (void)arc__slice_to_cstr(run_id, asked->id.text, sizeof(asked->id.text));
    arc__load_init(&asked->load, &engine->mem);
    if (arc__map_put(&engine->asked, run_id, asked, NULL, NULL) != ARC_OK) {
        arc__free(&engine->mem, asked);
        return NULL;
    }
    arc__list_add_tail(&engine->asked_list, &asked->link);
    return asked;
}

/* A store that is away leaves what was known. */
static void read_row(struct arc_engine *engine, struct asked *asked)
{
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .filter_count = 1, .order_col = -1};
    uint64_t now = engine->now.mono_ns;
    int is_fresh = asked->read_mono_ns != 0 && now - asked->read_mono_ns < FRESH_NS;
    if (asked->load.state == 0 && is_fresh)
        return;
    if (asked->load.state == 0)
        asked->read_mono_ns = now;
    query.filters[0] = arc__eq_text(ARC_COL_pipeline_run_id, arc__id_slice(&asked->id));
    if (arc__load(engine, &asked->load, &query, NULL) != ARC_OK)
        return;
    const struct arc_row_pipeline_run *row = asked->load.rows.rows;
    asked->status = asked->load.rows.count > 0 ? (int)row->status : 0;
    arc__load_deinit(&asked->load);
}

int arc__engine_run_status(struct arc_engine *engine, arc_slice run_id)
{
    const struct arc_run *run = arc__engine_live_run(engine, run_id);
    if (run != NULL)
        return run->status;
    if (!engine->replicas.on || run_id.len != ARC_ULID_LEN)
        return 0;
    struct asked *asked = find(engine, run_id);
    if (asked == NULL)
        return 0;
    read_row(engine, asked);
    return asked->status;
}

arc_status arc__engine_find_run(struct arc_engine *engine, arc_slice run_id,
                                const struct arc_run **out)
{
    *out = arc__engine_live_run(engine, run_id);
    if (*out != NULL)
        return ARC_OK;
    if (run_id.len != ARC_ULID_LEN)
        return ARC_ENOTFOUND;
    int may_be =
        engine->replicas.on || engine->recovering || arc__map_get(&engine->runs, run_id) != NULL;
    return may_be ? ARC_EAGAIN : ARC_ENOTFOUND;
}
