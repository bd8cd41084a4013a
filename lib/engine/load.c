/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine_private.h"

#define LOAD_BYTES_MAX (256u * 1024u * 1024u)

void arc__load_init(struct load *load, const struct arc_mem *mem)
{
    *load = (struct load){0};
    arc__arena_init(&load->arena, mem, LOAD_BYTES_MAX);
}

/* A load that the store still works on must not be freed: stores end their pending calls at close,
 * which comes before commands and runs are freed. */
void arc__load_deinit(struct load *load)
{
    arc__arena_deinit(&load->arena);
}

static void loaded(void *user, arc_status status, const struct arc_rows *rows, const arc_err *err)
{
    struct load *load = user;
    (void)err;
    load->state = 2;
    load->status = status;
    load->rows = rows != NULL ? *rows : (struct arc_rows){0};
    load->engine->loads_pending--;
    load->engine->cmds_asleep = 0;
    if (load->wake != NULL) {
        *load->wake = 1;
        load->engine->watches_due = 1;
    }
}

/* As it was before it asked. */
static void forget(struct load *load)
{
    arc__arena_reset(&load->arena);
    load->state = 0;
    load->rows = (struct arc_rows){0};
}

arc_status arc__load(struct arc_engine *engine, struct load *load, const struct arc_query *query,
                     arc_err *err)
{
    if (load->state == 0) {
        load->engine = engine;
        load->state = 1;
        engine->loads_pending++;
        int *wake = load->wake;
        load->wake = NULL; /* an answer at once wakes nobody */
        arc_status status =
            engine->store->ops->query(engine->store, query, &load->arena, loaded, load, err);
        load->wake = wake;
        if (status != ARC_OK) {
            engine->loads_pending--;
            forget(load);
            return status == ARC_EAGAIN ? ARC_EUNAVAILABLE : status;
        }
    }
    if (load->state == 1)
        return ARC_EAGAIN;
    if (load->status == ARC_OK)
        return ARC_OK;
    arc_status failed = load->status == ARC_ENOMEM ? ARC_ENOMEM : ARC_EUNAVAILABLE;
    forget(load);
    return arc__fail(err, failed, "store", "The store did not answer.");
}

struct arc_filter arc__eq_text(uint32_t col, arc_slice text)
{
    return (struct arc_filter){.col = col, .op = ARC_FILTER_EQ, .text = text};
}

struct arc_filter arc__eq_int(uint32_t col, int64_t number)
{
    return (struct arc_filter){.col = col, .op = ARC_FILTER_EQ, .number = number};
}
