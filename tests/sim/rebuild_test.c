/* SPDX-License-Identifier: Apache-2.0 */
/* Lives of the simulator, and the rows that they leave behind: each is what its events make of it,
 * when it is written and at the end; and when all of them are gone they come back the same. */
#include "stores.h"

#include <stdlib.h>

#include "base/map.h"
#include "engine/fsck.h"
#include "engine/project.h"
#include "engine/replay.h"
#include "shim.h"

#define LIVES 60

/* What a test keeps of one life. */
struct looker {
    struct arc_mem mem;
    struct arc_map runs; /* run id -> arc_history */
    uint64_t compared, differing;
};

/* --- each row, as it is written -------------------------------------------------------------- */

static struct arc_history *history_of(struct looker *looker, arc_slice run_id)
{
    struct arc_history *history = arc__map_get(&looker->runs, run_id);
    if (history != NULL)
        return history;
    history = calloc(1, sizeof(*history));
    arc__history_init(history, &looker->mem);
    CHECK_OK(arc__map_put(&looker->runs, run_id, history, NULL, NULL));
    return history;
}

static void take_events(struct looker *looker, const struct arc_store_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct arc_row_event *row = batch->ops[i].row;
        arc_err err = ARC_ERR_INIT;
        if (batch->ops[i].table != ARC_TABLE_event)
            continue;
        enum arc_event_type type = arc__event_type_from_name(row->type);
        if (type <= ARC_EVENT_PIPELINE_DELETED || type >= ARC_EVENT_AGENT_REGISTERED ||
            type == ARC_EVENT_STEP_DELETED)
            continue;
        if (!CHECK_OK(arc__history_take(history_of(looker, row->stream), row, &err)))
            printf("# %.*s: %s\n", ARC_ARG(row->stream), err.message);
    }
}

static void compare(struct looker *looker, enum arc_table table, const void *row, const void *made)
{
    const struct arc_table_def *def = arc__table_def(table);
    looker->compared++;
    for (uint32_t c = 0; c < def->col_count; c++) {
        const char *a = (const char *)row + def->cols[c].offset;
        const char *b = (const char *)made + def->cols[c].offset;
        arc_slice left, right;
        if (arc__project_soft(table, c, row, made))
            continue;
        if (def->cols[c].type == ARC_COL_INT) {
            if (memcmp(a, b, sizeof(int64_t)) == 0)
                continue;
            printf("# t_%s.%s differs\n", def->name, def->cols[c].name);
        } else {
            memcpy(&left, a, sizeof(left));
            memcpy(&right, b, sizeof(right));
            if (arc__slice_equal(left, right))
                continue;
            printf("# t_%s.%s: %.*s, not %.*s\n", def->name, def->cols[c].name, ARC_ARG(left),
                   ARC_ARG(right));
        }
        looker->differing++;
    }
}

static const struct arc_step_state *step_of(const struct arc_job_state *job, uint32_t s,
                                            const struct arc_row_step_run *row, int32_t *attempt)
{
    *attempt = job->attempt;
    if (arc__slice_equal(arc__id_slice(&job->steps[s].id), row->id))
        return &job->steps[s];
    (*attempt)--;
    return job->old_steps != NULL && arc__slice_equal(arc__id_slice(&job->old_steps[s].id), row->id)
               ? &job->old_steps[s]
               : NULL;
}

static void look_at(struct looker *looker, const struct arc_store_op *op, struct arc_arena *arena)
{
    if (op->verb == ARC_STORE_DELETE)
        return;
    if (op->table == ARC_TABLE_pipeline_run) {
        const struct arc_row_pipeline_run *row = op->row;
        struct arc_row_pipeline_run made;
        CHECK_OK(arc__project_run(&history_of(looker, row->id)->run, arena, &made, NULL));
        compare(looker, op->table, row, &made);
    }
    if (op->table == ARC_TABLE_job_run) {
        const struct arc_row_job_run *row = op->row;
        struct arc_row_job_run made;
        CHECK_OK(arc__project_job(&history_of(looker, row->run_id)->run, (uint32_t)row->job_index,
                                  arena, &made, NULL));
        compare(looker, op->table, row, &made);
    }
    if (op->table == ARC_TABLE_step_run) {
        const struct arc_row_step_run *row = op->row;
        const struct arc_run *run = &history_of(looker, row->run_id)->run;
        uint32_t j = (uint32_t)row->job_index, s = (uint32_t)row->step_index;
        struct arc_row_step_run made;
        int32_t attempt = 0;
        const struct arc_step_state *state = step_of(&run->jobs[j], s, row, &attempt);
        if (!CHECK_INT(state != NULL, 1))
            return;
        CHECK_OK(arc__project_step(run, j, s, state, attempt, arena, &made, NULL));
        compare(looker, op->table, row, &made);
    }
}

static void stored(struct sim *sim, const struct arc_store_batch *batch)
{
    struct looker *looker = sim->plan.user;
    struct arc_arena arena;
    arc__arena_init(&arena, &looker->mem, (size_t)64 * 1024 * 1024);
    take_events(looker, batch);
    for (size_t i = 0; i < batch->count; i++)
        look_at(looker, &batch->ops[i], &arena);
    arc__arena_deinit(&arena);
}

static void free_histories(struct looker *looker)
{
    size_t at = 0;
    void *value = NULL;
    while (arc__map_next(&looker->runs, &at, NULL, &value)) {
        arc__history_deinit(value);
        free(value);
    }
    arc__map_deinit(&looker->runs);
}

static void live(uint64_t seed, int sqlite, void (*ended)(struct sim *sim),
                 void (*each)(struct sim *sim, const struct arc_store_batch *batch),
                 struct looker *looker)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    *looker = (struct looker){.mem = arc__mem_default()};
    arc__map_init(&looker->runs, &looker->mem, 1, 2);
    struct sim_plan plan = {.seed = seed,
                            .store = sqlite ? sim_store_sqlite() : NULL,
                            .stored = each,
                            .ended = ended,
                            .user = looker};
    CHECK_INT(sim_live(sim, &plan), 1);
    if (looker->differing > 0)
        printf("# seed %llu\n", (unsigned long long)seed);
    free_histories(looker);
    free(sim);
}

static void rows_are_made_of_events(void)
{
    uint64_t compared = 0;
    for (uint64_t seed = 1; seed <= LIVES; seed++) {
        struct looker looker;
        live(seed, 0, NULL, stored, &looker);
        CHECK_INT(looker.differing, 0);
        compared += looker.compared;
    }
    CHECK(compared > 1000);
}

/* --- all of them, when they are gone --------------------------------------------------------- */

static const enum arc_table tables[] = {ARC_TABLE_pipeline_run, ARC_TABLE_job_run,
                                        ARC_TABLE_step_run,     ARC_TABLE_step_run_artifact,
                                        ARC_TABLE_pipeline,     ARC_TABLE_counter};
#define TABLES ARC_COUNT_OF(tables)

static void read_all(struct arc_desk *desk, struct arc_arena *arena, struct arc_rows *rows)
{
    for (size_t t = 0; t < TABLES; t++) {
        struct arc_query query = {.table = tables[t], .order_col = -1};
        CHECK_OK(arc__desk_query(desk, &query, arena, &rows[t], NULL));
    }
}

/* Everything that follows from events is wrong or away. */
static void spoil(struct arc_desk *desk, const struct arc_rows *rows)
{
    for (size_t t = 0; t < TABLES; t++) {
        size_t size = arc__table_def(tables[t])->row_size;
        for (size_t i = 0; i < rows[t].count; i++) {
            const void *row = (const char *)rows[t].rows + i * size;
            struct arc_store_op op = {ARC_STORE_DELETE, tables[t], row, 0};
            struct arc_row_pipeline wrong;
            if (tables[t] == ARC_TABLE_pipeline) {
                memcpy(&wrong, row, sizeof(wrong));
                wrong.total_runs += 7;
                wrong.success_runs = wrong.failed_runs = -1;
                wrong.status = ARC_RUN_PAUSED;
                op = (struct arc_store_op){ARC_STORE_PUT, tables[t], &wrong, 0};
            }
            CHECK_OK(arc__desk_commit(desk, &op, 1, NULL));
        }
    }
}

static uint64_t check(struct arc_desk *desk, int rebuild, uint64_t *fixed)
{
    struct arc_fsck *fsck = NULL;
    const struct arc_fsck_finding *finding = NULL;
    arc_err err = ARC_ERR_INIT;
    if (!CHECK_OK(arc__fsck_new(desk, rebuild, &fsck, &err)))
        return 0;
    while (arc__fsck_next(fsck, &finding, &err) == ARC_OK) {
        if (!rebuild)
            printf("# %s %.*s %lld t_%s %.*s %s: %.*s, not %.*s: %.*s\n",
                   arc__finding_word(finding->kind), ARC_ARG(finding->stream),
                   (long long)finding->seq, finding->table, ARC_ARG(finding->row), finding->column,
                   ARC_ARG(finding->has), ARC_ARG(finding->expected), ARC_ARG(finding->text));
    }
    CHECK_INT(err.status, ARC_OK);
    uint64_t findings = arc__fsck_report(fsck)->findings;
    *fixed = arc__fsck_report(fsck)->fixed;
    CHECK_INT(arc__fsck_report(fsck)->damaged, 0);
    arc__fsck_free(fsck);
    return findings;
}

static void rebuild_all(struct sim *sim)
{
    struct looker *looker = sim->plan.user;
    struct arc_desk desk = {.store = sim->base, .mem = looker->mem};
    struct arc_rows before[TABLES], after[TABLES];
    struct arc_arena arena;
    uint64_t fixed = 0;
    arc__arena_init(&arena, &looker->mem, (size_t)256 * 1024 * 1024);
    CHECK_INT(check(&desk, 0, &fixed), 0);
    read_all(&desk, &arena, before);
    spoil(&desk, before);
    uint64_t wrong = check(&desk, 1, &fixed);
    CHECK_INT(fixed, wrong);
    CHECK(wrong > 0);
    CHECK_INT(check(&desk, 0, &fixed), 0);
    CHECK_INT(check(&desk, 1, &fixed), 0); /* nothing is left to do */
    read_all(&desk, &arena, after);
    for (size_t t = 0; t < TABLES; t++) {
        size_t size = arc__table_def(tables[t])->row_size;
        if (!CHECK_INT(after[t].count, before[t].count))
            continue;
        for (size_t i = 0; i < before[t].count; i++)
            compare(looker, tables[t], (const char *)before[t].rows + i * size,
                    (const char *)after[t].rows + i * size);
    }
    arc__arena_deinit(&arena);
}

static void lost_rows_come_back(int sqlite, uint64_t lives)
{
    for (uint64_t seed = 1; seed <= lives; seed++) {
        struct looker looker;
        live(seed, sqlite, rebuild_all, NULL, &looker);
        CHECK_INT(looker.differing, 0);
        CHECK(looker.compared > 0);
    }
}

static void lost_rows_come_back_in_memory(void)
{
    lost_rows_come_back(0, LIVES);
}

static void lost_rows_come_back_in_sqlite(void)
{
    lost_rows_come_back(1, 3);
}

static const struct test tests[] = {
    {"every row is what its events make of it when it is written", rows_are_made_of_events},
    {"rows that are lost come back the same", lost_rows_come_back_in_memory},
    {"and so they do in SQLite", lost_rows_come_back_in_sqlite},
};
TEST_MAIN(tests)
