/* SPDX-License-Identifier: Apache-2.0 */
/* A share of the lives on the real stores: every invariant holds there as well, the life is word
 * for word the one that memory sees, and it leaves the same rows behind. */
#include "stores.h"

#include <stdlib.h>
#include <string.h>

#include "shim.h"

#define SQLITE_LIVES 150
#define PG_LIVES 40

static void live_on(struct sim_store *store, uint64_t from, uint64_t count)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    uint64_t rows = 0, starts = 0;
    for (uint64_t seed = from; seed < from + count; seed++) {
        struct sim_plan plan = {.seed = seed, .store = store};
        if (!sim_compare(sim, &plan)) {
            printf("# seed %llu: %s\n", (unsigned long long)seed, sim->sentence);
            CHECK_TEXT(arc__slice_cstr(sim_invariant_names[sim->broke]), "all hold");
            break;
        }
        rows += sim->row_count;
        starts += sim->servers[0].starts;
    }
    CHECK(rows > 100 * count);
    CHECK(starts > 2 * count); /* they die and come back */
    free(sim);
}

static void a_life_is_the_same_in_sqlite(void)
{
    live_on(sim_store_sqlite(), 1, SQLITE_LIVES);
}

static void a_life_is_the_same_in_postgresql(void)
{
    const char *why = NULL;
    struct sim_store *store = sim_store_pg(&why);
    if (store == NULL)
        test_skip(why);
    else
        live_on(store, 10001, PG_LIVES);
}

/* --- who compares must see a difference ------------------------------------------------------ */

/* Memory that forgets what nobody asks for while the life lasts. */
struct forgetful {
    struct arc_store store;
    struct arc_store *under;
};

static struct arc_store *under(struct arc_store *store)
{
    return ((struct forgetful *)(void *)store)->under;
}

static arc_status forget_commit(struct arc_store *store, const struct arc_store_batch *batch,
                                arc_commit_done done, void *user, arc_err *err)
{
    struct arc_store_op ops[300];
    struct arc_store_batch less = *batch;
    less.ops = ops;
    less.count = 0;
    for (size_t i = 0; i < batch->count && i < ARC_COUNT_OF(ops); i++) {
        if (batch->ops[i].table != ARC_TABLE_agent_event)
            ops[less.count++] = batch->ops[i];
    }
    return under(store)->ops->commit(under(store), &less, done, user, err);
}

static arc_status forget_query(struct arc_store *store, const struct arc_query *query,
                               struct arc_arena *arena, arc_query_done done, void *user,
                               arc_err *err)
{
    return under(store)->ops->query(under(store), query, arena, done, user, err);
}

static arc_status forget_open(struct sim_store *self, struct arc_store **store, arc_err *err)
{
    static struct arc_store_ops ops = {.commit = forget_commit, .query = forget_query};
    static struct forgetful forgetful = {{&ops}, NULL};
    struct arc_mem mem = arc__mem_default();
    (void)self;
    *store = &forgetful.store;
    return arc__store_mem_open(&mem, &forgetful.under, err);
}

static arc_status forget_reopen(struct sim_store *self, struct arc_store **store, arc_err *err)
{
    (void)self;
    (void)store;
    (void)err;
    return ARC_OK;
}

static void forget_close(struct sim_store *self, struct arc_store *store)
{
    (void)self;
    under(store)->ops->close(under(store));
}

static void a_store_that_forgets_a_row_is_found(void)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    struct sim_store store = {forget_open, forget_reopen, forget_close, NULL};
    int found = 0;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct sim_plan plan = {.seed = seed, .store = &store};
        found += !sim_compare(sim, &plan) && strstr(sim->sentence, "rows are not") != NULL;
    }
    CHECK(found > 0);
    free(sim);
}

static const struct test tests[] = {
    {"a life is the same in SQLite, and leaves the same rows", a_life_is_the_same_in_sqlite},
    {"a life is the same in PostgreSQL, and leaves the same rows",
     a_life_is_the_same_in_postgresql},
    {"a store that forgets a row is found", a_store_that_forgets_a_row_is_found},
};
TEST_MAIN(tests)
