/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a question: what must be read before it can be answered, one query after the other,
 * and then the answer. */
#include "base/text.h"
#include "engine/event_json.h"
#include "engine/explain_private.h"

#define ANSWER_BYTES_MAX (64u * 1024u * 1024u)
#define PAGE_BYTES_MAX (256u * 1024u * 1024u)
#define OUTPUTS_BYTES_MAX 65536u

enum phase { ROW, EVENTS, RUNS, STEPS };

/* --- limits -------------------------------------------------------------------------- */

static struct arc_look_limits effective(const struct arc_look_limits *given)
{
    struct arc_look_limits out;
#define LIMIT(name, usual, cap, unit, sentence) \
    out.name = given->name == 0 ? (usual) : given->name > (cap) ? (cap) : given->name;
#include "engine/explain_limits.def"
    return out;
}

/* --- the end ------------------------------------------------------------------------- */

static void look_free(struct arc_look *look)
{
    struct arc_mem mem = look->mem;
    arc__run_deinit(&look->run);
    arc__map_deinit(&look->past);
    arc__arena_deinit(&look->pages[0]);
    arc__arena_deinit(&look->pages[1]);
    arc__arena_deinit(&look->arena);
    arc__free(&mem, look);
}

static void end(struct arc_look *look, arc_status status)
{
    look->over = 1;
    look->status = status;
    if (look->done != NULL)
        look->done(look->user);
}

static arc_status may_see(const struct arc_look *look, arc_slice project_id, arc_err *err)
{
    const char *own = look->ask.principal.project_id;
    return own[0] == '\0' || arc__slice_is(project_id, own)
               ? ARC_OK
               : arc__fail(err, ARC_ENOTFOUND, "run", "No run has this id.");
}

/* Everything is there that the answer is made of. run: the one in memory, or the copy; NULL: the
 * question is about no run, or what there is to say of it has been said. */
static arc_status answer(struct arc_look *look, const struct arc_run *run, arc_err *err)
{
    if (run != NULL) {
        ARC_TRY(may_see(look, run->birth->project_id, err));
        ARC_TRY(arc__told_run(look, run, err));
    }
    if ((look->ask.what & ARC_LOOK_AGENT) != 0)
        ARC_TRY(arc__newcomer(look, err));
    if ((look->ask.what & ARC_LOOK_END) != 0)
        ARC_TRY(arc__forecast(look, err));
    return look->arena.failed ? arc__fail_nomem(err) : ARC_OK;
}

/* --- reading ------------------------------------------------------------------------- */

static arc_status refuse_end(const struct arc_look *look, arc_err *err)
{
    if ((look->ask.what & ARC_LOOK_END) == 0)
        return ARC_OK;
    return arc__fail(err, ARC_ECONFLICT, "run", "The run is set aside and does not end: %.*s",
                     (int)arc__utf8_prefix(look->held_why, 200), look->held_why.ptr);
}

static arc_status keep_row(struct arc_look *look, const struct arc_row_pipeline_run *row,
                           arc_err *err)
{
    struct arc_arena *arena = &look->arena;
    look->row = (struct arc_row_pipeline_run){
        .id = arc__arena_copy(arena, row->id),
        .pipeline_id = arc__arena_copy(arena, row->pipeline_id),
        .pipeline_name = arc__arena_copy(arena, row->pipeline_name),
        .project_id = arc__arena_copy(arena, row->project_id),
        .status = row->status,
        .version = row->version,
    };
    return arena->failed ? arc__fail_nomem(err) : ARC_OK;
}

/* What is damaged is told by its row. */
static arc_status tell_damaged(struct arc_look *look, arc_slice why, arc_err *err)
{
    look->held = ARC_HELD_DAMAGED;
    look->held_why = arc__arena_copy(&look->arena, why);
    ARC_TRY(may_see(look, look->row.project_id, err));
    ARC_TRY(refuse_end(look, err));
    return arc__told_aside(look, &look->row, err);
}

/* Whether the engine leaves the run alone. */
static arc_status note_row(struct arc_look *look, const struct arc_rows *rows, arc_err *err)
{
    const struct arc_row_pipeline_run *row = rows->rows;
    const char *why = arc__engine_quarantined(look->engine, look->ask.run_id);
    if (rows->count == 0)
        return ARC_OK; /* its events say whether there is such a run */
    ARC_TRY(keep_row(look, row, err));
    if (why != NULL || row->held == ARC_HELD_DAMAGED)
        return tell_damaged(look, why != NULL ? arc__slice_cstr(why) : row->held_why, err);
    look->held = row->held;
    look->held_why = arc__arena_copy(&look->arena, row->held_why);
    return look->arena.failed ? arc__fail_nomem(err) : ARC_OK;
}

static arc_status miss_event(int64_t seq, arc_err *err)
{
    return arc__fail(err, ARC_EINTERNAL, "event", "Event %lld is missing.", (long long)seq);
}

static int is_first(const struct arc_row_event *row)
{
    return row->seq == 1 && arc__event_type_from_name(row->type) == ARC_EVENT_PIPELINE_TRIGGERED;
}

/* ARC_EINTERNAL: they are damaged. */
static arc_status fold_copy(struct arc_look *look, const struct arc_rows *rows, arc_err *err)
{
    const struct arc_row_event *row = rows->rows;
    int64_t wall_to_mono = (int64_t)look->engine->now.mono_ns - look->engine->now.wall_ns;
    if (rows->count == 0 || !is_first(row))
        return look->row.id.len > 0 ? miss_event(1, err)
                                    : arc__fail(err, ARC_ENOTFOUND, "run", "No run has this id.");
    if (rows->count > look->limits.events)
        return arc__fail(err, ARC_ELIMIT, "events", "The run has more than %u events.",
                         look->limits.events);
    for (size_t i = 0; i < rows->count; i++) {
        struct arc_event *event = NULL;
        /* The first event carries the plan, which the run keeps. */
        struct arc_arena *arena = i == 0 ? &look->run.arena : look->page;
        if (row[i].seq != look->run.seq + 1)
            return miss_event(look->run.seq + 1, err);
        ARC_TRY(arc__event_from_row(&row[i], arena, &event, err));
        ARC_TRY(arc__run_fold(&look->run, event, wall_to_mono, err));
    }
    /* What was lost at the end leaves no gap. */
    return look->run.seq < look->row.version ? miss_event(look->run.seq + 1, err) : ARC_OK;
}

/* A question may be the first to meet damage. It sets nothing aside, for it changes nothing, but
 * says what will be said from then on. */
static arc_status read_copy(struct arc_look *look, const struct arc_rows *rows, arc_err *err)
{
    arc_err why = ARC_ERR_INIT;
    arc_status status = fold_copy(look, rows, &why);
    if (status == ARC_EINTERNAL && look->row.id.len > 0)
        return tell_damaged(look, arc__slice_cstr(why.message), err);
    if (status != ARC_OK)
        return arc__fail(err, status, why.subject, "%s", why.message);
    return look->held != 0 && !arc__run_over(&look->run) ? refuse_end(look, err) : ARC_OK;
}

static arc_status note_runs(struct arc_look *look, const struct arc_rows *rows, arc_err *err)
{
    const struct arc_row_pipeline_run *row = rows->rows;
    look->history = arc__arena_array(&look->arena, rows->count, sizeof(*look->history));
    if (look->history == NULL)
        return arc__fail_nomem(err);
    for (size_t i = 0; i < rows->count; i++) {
        if (arc__slice_equal(row[i].id, look->ask.run_id))
            continue;
        arc_id *id = &look->history[look->history_count++];
        (void)arc__slice_to_cstr(row[i].id, id->text, sizeof(id->text));
    }
    return ARC_OK;
}

arc_slice arc__past_key(struct arc_arena *arena, arc_slice job, arc_slice step)
{
    return arc__arena_printf(arena, "%.*s\n%.*s", ARC_ARG(job), ARC_ARG(step));
}

static arc_status note_steps(struct arc_look *look, const struct arc_rows *rows, arc_err *err)
{
    const struct arc_row_step_run *row = rows->rows;
    for (size_t i = 0; i < rows->count; i++) {
        if (row[i].status != ARC_STEP_SUCCESS || row[i].started_at_ns == 0)
            continue;
        arc_slice key = arc__past_key(look->page, row[i].job_name, row[i].name);
        struct past *past = arc__map_get(&look->past, key);
        if (past == NULL) {
            past = ARC_ARENA_NEW(&look->arena, struct past);
            if (past == NULL || look->page->failed)
                return arc__fail_nomem(err);
            ARC_TRY(arc__map_put(&look->past, key, past, NULL, err));
        }
        if (past->count == 0 && row[i].outputs.len <= OUTPUTS_BYTES_MAX)
            past->outputs = arc__arena_copy(&look->arena, row[i].outputs);
        if (past->count < ARC_HISTORY_MAX)
            past->ns[past->count++] = row[i].ended_at_ns - row[i].started_at_ns;
    }
    return ARC_OK;
}

static struct arc_query row_query(const struct arc_look *look)
{
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .filter_count = 1, .order_col = -1};
    query.filters[0] = arc__eq_text(ARC_COL_pipeline_run_id, look->ask.run_id);
    return query;
}

static struct arc_query events_query(const struct arc_look *look)
{
    struct arc_query query = {.table = ARC_TABLE_event, .filter_count = 1, .order_col = -1};
    query.filters[0] = arc__eq_text(ARC_COL_event_stream, look->ask.run_id);
    query.limit = (size_t)look->limits.events + 1;
    return query;
}

static struct arc_query runs_query(const struct arc_look *look)
{
    static const int64_t ended[] = {ARC_RUN_SUCCESS, ARC_RUN_FAILED, ARC_RUN_CANCELLED,
                                    ARC_RUN_PARTIAL};
    struct arc_query query = {.table = ARC_TABLE_pipeline_run,
                              .filter_count = 2,
                              .order_col = ARC_COL_pipeline_run_created_at_ns,
                              .descending = 1,
                              .limit = look->limits.history_runs};
    query.filters[0] = arc__eq_text(ARC_COL_pipeline_run_pipeline_id, look->run.pipeline_id);
    query.filters[1] = (struct arc_filter){.col = ARC_COL_pipeline_run_status,
                                           .op = ARC_FILTER_IN,
                                           .ints = ended,
                                           .int_count = ARC_COUNT_OF(ended)};
    return query;
}

static struct arc_query steps_query(const struct arc_look *look)
{
    struct arc_query query = {.table = ARC_TABLE_step_run,
                              .filter_count = 1,
                              .order_col = -1,
                              .limit = look->limits.history_steps};
    query.filters[0] =
        arc__eq_text(ARC_COL_step_run_run_id, arc__id_slice(&look->history[look->history_at]));
    return query;
}

/* 0: all has been read. */
static int next_query(const struct arc_look *look, struct arc_query *query)
{
    if (look->phase == ROW) {
        *query = row_query(look);
        return 1;
    }
    if (look->held == ARC_HELD_DAMAGED)
        return 0;
    if (look->phase == EVENTS) {
        *query = events_query(look);
        return 1;
    }
    if ((look->ask.what & ARC_LOOK_END) == 0)
        return 0;
    if (look->phase == RUNS)
        *query = runs_query(look);
    else if (look->history_at < look->history_count)
        *query = steps_query(look);
    else
        return 0;
    return 1;
}

/* The rows of the last query. */
static arc_status take_rows(struct arc_look *look, arc_err *err)
{
    if (look->came_status == ARC_ENOMEM)
        return arc__fail_nomem(err);
    if (look->came_status != ARC_OK)
        return arc__fail(err, ARC_EUNAVAILABLE, "store", "The store did not answer.");
    switch ((enum phase)look->phase) {
    case ROW:
        look->phase = EVENTS;
        return note_row(look, &look->rows, err);
    case EVENTS:
        look->phase = RUNS;
        return read_copy(look, &look->rows, err);
    case RUNS:
        look->phase = STEPS;
        return note_runs(look, &look->rows, err);
    case STEPS:
        look->history_at++;
        return note_steps(look, &look->rows, err);
    }
    return ARC_OK;
}

static arc_status read_on(struct arc_look *look, arc_err *err);

static void rows_came(void *user, arc_status status, const struct arc_rows *rows,
                      const arc_err *err)
{
    struct arc_look *look = user;
    (void)err;
    look->pending = 0;
    if (look->closed) {
        look_free(look);
        return;
    }
    look->came = 1;
    look->came_status = status;
    look->rows = rows != NULL ? *rows : (struct arc_rows){0};
    if (look->asking)
        return; /* read_on goes on */
    status = take_rows(look, &look->err);
    if (status == ARC_OK)
        status = read_on(look, &look->err);
    if (!look->pending)
        end(look, status);
}

/* One query after the other, as long as the store answers at once, then the answer. The rows of a
 * query stay until the one after the next is asked: whoever brought them may not have returned. */
static arc_status read_on(struct arc_look *look, arc_err *err)
{
    struct arc_query query;
    while (next_query(look, &query)) {
        look->page = &look->pages[look->page == look->pages];
        arc__arena_reset(look->page);
        look->came = 0;
        look->pending = look->asking = 1;
        arc_status status =
            arc__engine_query(look->engine, &query, look->page, rows_came, look, err);
        look->asking = 0;
        if (status != ARC_OK) {
            look->pending = 0;
            return status == ARC_ENOMEM
                       ? status
                       : arc__fail(err, ARC_EUNAVAILABLE, "store", "The store did not answer.");
        }
        if (!look->came)
            return ARC_OK;
        ARC_TRY(take_rows(look, err));
    }
    return answer(look, look->held != ARC_HELD_DAMAGED ? &look->run : NULL, err);
}

/* --- opening ------------------------------------------------------------------------- */

static arc_status own_ask(struct arc_look *look, arc_err *err)
{
    struct arc_newcomer *newcomer = &look->ask.newcomer;
    struct arc_kv *labels = arc__arena_array(&look->arena, newcomer->labels.count, sizeof(*labels));
    if (labels == NULL)
        return arc__fail_nomem(err);
    for (uint32_t i = 0; i < newcomer->labels.count; i++) {
        labels[i].key = arc__arena_copy(&look->arena, newcomer->labels.items[i].key);
        labels[i].value = arc__arena_copy(&look->arena, newcomer->labels.items[i].value);
    }
    newcomer->labels.items = labels;
    newcomer->os = arc__arena_copy(&look->arena, newcomer->os);
    newcomer->arch = arc__arena_copy(&look->arena, newcomer->arch);
    look->ask.run_id = arc__arena_copy(&look->arena, look->ask.run_id);
    if (look->ask.step_ns <= 0)
        look->ask.step_ns = ARC_LOOK_STEP_NS;
    return look->arena.failed ? arc__fail_nomem(err) : ARC_OK;
}

static arc_status begin(struct arc_look *look, arc_err *err)
{
    const struct arc_run *run = NULL;
    ARC_TRY(own_ask(look, err));
    if (look->engine->recovering)
        return arc__fail(err, ARC_EUNAVAILABLE, "engine", "Unfinished runs are being taken up.");
    if (look->ask.run_id.len == 0)
        return answer(look, NULL, err);
    if ((look->ask.what & ARC_LOOK_END) == 0)
        run = arc__engine_live_run(look->engine, look->ask.run_id);
    return run != NULL ? answer(look, run, err) : read_on(look, err);
}

static arc_status check(const struct arc_look_ask *ask, arc_err *err)
{
    if (ask->run_id.len == 0 && ask->what != ARC_LOOK_AGENT)
        return arc__fail(err, ARC_EINVAL, "run", "Say which run the question is about.");
    if (ask->newcomer.slots > ARC_AGENT_SLOTS_MAX)
        return arc__fail(err, ARC_EINVAL, "slots", "An agent has at most %d slots.",
                         ARC_AGENT_SLOTS_MAX);
    return ARC_OK;
}

arc_status arc__look_open(struct arc_engine *engine, const struct arc_look_ask *ask,
                          arc_look_done done, void *user, struct arc_look **out, arc_err *err)
{
    ARC_TRY(check(ask, err));
    struct arc_look *look = arc__alloc(&engine->mem, sizeof(*look));
    if (look == NULL)
        return arc__fail_nomem(err);
    *look = (struct arc_look){.engine = engine,
                              .mem = engine->mem,
                              .ask = *ask,
                              .limits = effective(&ask->limits),
                              .done = done,
                              .user = user};
    arc__arena_init(&look->arena, &engine->mem, ANSWER_BYTES_MAX);
    arc__arena_init(&look->pages[0], &engine->mem, PAGE_BYTES_MAX);
    arc__arena_init(&look->pages[1], &engine->mem, PAGE_BYTES_MAX);
    look->page = look->pages;
    arc__run_init(&look->run, &engine->mem);
    arc__map_init(&look->past, &engine->mem, 0, 0);
    arc__waits_init(&look->result.waits, &look->arena, look->limits.reasons, look->limits.alike);
    *out = look;
    arc_status status = begin(look, &look->err);
    if (!look->pending)
        end(look, status);
    return ARC_OK;
}

arc_status arc__look_result(const struct arc_look *look, const struct arc_look_result **out,
                            arc_err *err)
{
    if (!look->over)
        return ARC_EAGAIN;
    if (look->status != ARC_OK && err != NULL)
        *err = look->err;
    *out = &look->result;
    return look->status;
}

void arc__look_close(struct arc_look *look)
{
    if (look == NULL)
        return;
    look->closed = 1;
    if (!look->pending)
        look_free(look);
}
