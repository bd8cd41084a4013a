/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/load.h"

#include "engine/engine_private.h"

#define LOAD_BYTES_MAX (256u * 1024u * 1024u)

/* What the store writes into. It lives until the store has answered, also when nobody waits for it
 * any more: the one who asked may be gone by then. */
struct load_job {
    struct load *load; /* NULL: nobody waits */
    struct arc_engine *engine;
    struct arc_mem mem;
    struct arc_arena arena;
    int pending;
};

static void job_free(struct load_job *job)
{
    struct arc_mem mem = job->mem;
    arc__arena_deinit(&job->arena);
    arc__free(&mem, job);
}

void arc__load_init(struct load *load, const struct arc_mem *mem)
{
    *load = (struct load){.mem = *mem};
}

void arc__load_deinit(struct load *load)
{
    struct load_job *job = load->job;
    load->job = NULL;
    load->state = 0;
    load->rows = (struct arc_rows){0};
    if (job == NULL)
        return;
    job->load = NULL;
    if (!job->pending)
        job_free(job);
}

struct arc_arena *arc__load_arena(struct load *load)
{
    return &load->job->arena;
}

static void loaded(void *user, arc_status status, const struct arc_rows *rows, const arc_err *err)
{
    struct load_job *job = user;
    struct load *load = job->load;
    (void)err;
    job->pending = 0;
    job->engine->loads_pending--;
    job->engine->cmds_asleep = 0;
    if (load == NULL) {
        job_free(job);
        return;
    }
    load->state = 2;
    load->status = status;
    load->rows = rows != NULL ? *rows : (struct arc_rows){0};
    if (load->wake != NULL) {
        *load->wake = 1;
        job->engine->watches_woken = 1;
    }
}

/* One of query and claim is given. */
static arc_status ask(struct arc_engine *engine, struct load *load, const struct arc_query *query,
                      const struct arc_claim *claim, arc_err *err)
{
    const struct arc_store_ops *ops = engine->store->ops;
    struct load_job *job = arc__alloc(&load->mem, sizeof(*job));
    int *wake = load->wake;
    if (job == NULL)
        return arc__fail_nomem(err);
    *job = (struct load_job){.load = load, .engine = engine, .mem = load->mem, .pending = 1};
    arc__arena_init(&job->arena, &load->mem, LOAD_BYTES_MAX);
    load->job = job;
    load->state = 1;
    load->wake = NULL; /* an answer at once wakes nobody */
    engine->loads_pending++;
    arc_status status = claim != NULL
                            ? ops->claim(engine->store, claim, &job->arena, loaded, job, err)
                            : ops->query(engine->store, query, &job->arena, loaded, job, err);
    load->wake = wake;
    if (status == ARC_OK)
        return ARC_OK;
    engine->loads_pending--;
    job->pending = 0;
    arc__load_deinit(load);
    return status == ARC_EAGAIN ? ARC_EUNAVAILABLE : status;
}

static arc_status answer(struct load *load, arc_err *err)
{
    if (load->state == 1)
        return ARC_EAGAIN;
    if (load->status == ARC_OK)
        return ARC_OK;
    arc_status failed = load->status == ARC_ENOMEM ? ARC_ENOMEM : ARC_EUNAVAILABLE;
    arc__load_deinit(load);
    return arc__fail(err, failed, "store", "The store did not answer.");
}

arc_status arc__load(struct arc_engine *engine, struct load *load, const struct arc_query *query,
                     arc_err *err)
{
    if (load->state == 0)
        ARC_TRY(ask(engine, load, query, NULL, err));
    return answer(load, err);
}

arc_status arc__load_claim(struct arc_engine *engine, struct load *load,
                           const struct arc_claim *claim, arc_err *err)
{
    if (load->state == 0)
        ARC_TRY(ask(engine, load, NULL, claim, err));
    return answer(load, err);
}

struct arc_filter arc__eq_text(uint32_t col, arc_slice text)
{
    return (struct arc_filter){.col = col, .op = ARC_FILTER_EQ, .text = text};
}

struct arc_filter arc__eq_int(uint32_t col, int64_t number)
{
    return (struct arc_filter){.col = col, .op = ARC_FILTER_EQ, .number = number};
}

void arc__row_own(enum arc_table table, void *row, struct arc_arena *arena)
{
    const struct arc_table_def *def = arc__table_def(table);
    for (uint32_t i = 0; i < def->col_count; i++) {
        arc_slice *text = (arc_slice *)(void *)((char *)row + def->cols[i].offset);
        if (def->cols[i].type != ARC_COL_INT && text->len > 0)
            *text = arc__arena_copy(arena, *text);
    }
}
