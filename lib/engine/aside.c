/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that are left alone, so that one damaged run costs the others nothing. Whoever asks for one
 * hears why; its row is marked once, so that lists show it and the next start does not try again;
 * nothing else of it is written until `fsck --rebuild` has found it sound. */
#include <stdio.h>

#include "base/text.h"
#include "engine/engine_private.h"

static void aside_drop(struct arc_engine *engine, struct aside *aside)
{
    arc__list_remove(&aside->due);
    arc__load_deinit(&aside->load);
    arc__free(&engine->mem, aside);
}

void arc__aside_close(struct arc_engine *engine)
{
    size_t at = 0;
    void *value = NULL;
    while (arc__map_next(&engine->set_aside, &at, NULL, &value))
        aside_drop(engine, value);
    arc__map_deinit(&engine->set_aside);
}

/* What is said is shown, so it is one line of UTF-8 that is not cut inside of a character. */
static void take_reason(struct aside *aside, arc_slice why)
{
    why.len = arc__utf8_prefix(why, sizeof(aside->why) - 1);
    (void)arc__slice_to_cstr(why, aside->why, sizeof(aside->why));
}

arc_status arc__aside_add(struct arc_engine *engine, arc_slice run_id, arc_slice why, int stored,
                          arc_err *err)
{
    if (arc__map_get(&engine->set_aside, run_id) != NULL)
        return ARC_OK;
    struct aside *aside = arc__alloc(&engine->mem, sizeof(*aside));
    if (aside == NULL)
        return arc__fail_nomem(err);
    arc__load_init(&aside->load, &engine->mem);
    (void)arc__slice_to_cstr(run_id, aside->id.text, sizeof(aside->id.text));
    take_reason(aside, why);
    arc_status status = arc__map_put(&engine->set_aside, run_id, aside, NULL, err);
    if (status != ARC_OK) {
        arc__free(&engine->mem, aside);
        return status;
    }
    if (!stored)
        arc__list_add_tail(&engine->asides_due, &aside->due);
    char text[400];
    (void)snprintf(text, sizeof(text), "Run %s is quarantined: %s", aside->id.text, aside->why);
    arc__engine_say(engine, ARC_LOG_ERROR, text);
    return ARC_OK;
}

const char *arc__engine_quarantined(const struct arc_engine *engine, arc_slice run_id)
{
    const struct aside *aside = arc__map_get(&engine->set_aside, run_id);
    return aside != NULL ? aside->why : NULL;
}

arc_status arc__aside_refuse(const struct arc_engine *engine, arc_slice run_id, arc_err *err)
{
    const char *why = arc__engine_quarantined(engine, run_id);
    return why != NULL ? arc__fail(err, ARC_ECONFLICT, "run", "The run is quarantined: %.200s", why)
                       : ARC_OK;
}

int arc__asides_due(const struct arc_engine *engine)
{
    ARC_LIST_EACH(&engine->asides_due, link)
    {
        const struct aside *aside = ARC_CONTAINER(link, struct aside, due);
        if (!aside->storing && aside->load.state != 1)
            return 1;
    }
    return 0;
}

static arc_status mark(struct arc_engine *engine, struct aside *aside, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .filter_count = 1, .order_col = -1};
    query.filters[0] = arc__eq_text(ARC_COL_pipeline_run_id, arc__id_slice(&aside->id));
    ARC_TRY(arc__load(engine, &aside->load, &query, err));
    if (aside->load.rows.count > 0) {
        struct arc_row_pipeline_run row =
            *(const struct arc_row_pipeline_run *)aside->load.rows.rows;
        row.held = ARC_HELD_DAMAGED;
        row.held_why = arc__slice_cstr(aside->why);
        ARC_TRY(arc__turn_op(engine, ARC_STORE_PUT, ARC_TABLE_pipeline_run, &row, 0, err));
    }
    arc__load_deinit(&aside->load);
    aside->storing = 1;
    return ARC_OK;
}

arc_status arc__asides_settle(struct arc_engine *engine, arc_err *err)
{
    ARC_LIST_EACH(&engine->asides_due, link)
    {
        struct aside *aside = ARC_CONTAINER(link, struct aside, due);
        arc_err why = ARC_ERR_INIT;
        if (aside->storing || arc__turn_size(&engine->turn) > ARC_TURN_OPS_MAX)
            continue;
        arc_status status = mark(engine, aside, &why);
        if (status != ARC_OK && status != ARC_EAGAIN)
            return arc__fail(err, status, why.subject, "%s", why.message);
    }
    return ARC_OK;
}

void arc__asides_end(struct arc_engine *engine, int kept)
{
    ARC_LIST_EACH_SAFE(&engine->asides_due, link)
    {
        struct aside *aside = ARC_CONTAINER(link, struct aside, due);
        if (aside->storing && kept)
            arc__list_remove(&aside->due);
        aside->storing = 0;
    }
}
