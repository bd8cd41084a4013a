/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of processes that are gone. Each start of a process makes one, and one that another process
 * has taken the place of says who, for as long as a run, an agent, a note or another such row names
 * it as a home. Nothing comes to name it any more: it cannot commit. The leader looks at one after
 * the other and deletes what nobody needs. */
#include "engine/engine_private.h"

/* Since it was seen to have an heir: runs that ended meanwhile are in nobody's memory either. */
#define GONE_NS ((uint64_t)ARC_LINGER_NS * 2)
#define LOOK_NS (UINT64_C(10) * 1000000000) /* between two of them */

enum phase { IDLE, RUNS, NOTES, UNNAMED };

void arc__gone_open(struct arc_engine *engine)
{
    arc__load_init(&engine->replicas.gone.load, &engine->mem);
}

void arc__gone_close(struct arc_engine *engine)
{
    arc__load_deinit(&engine->replicas.gone.load);
}

/* The next one is looked at a while later. */
static void rest(struct arc_engine *engine)
{
    struct departed *gone = &engine->replicas.gone;
    arc__load_deinit(&gone->load);
    gone->phase = IDLE;
    gone->due_mono_ns = engine->now.mono_ns + LOOK_NS;
}

/* By its row alone. The greatest epoch is kept: it says which come next. */
static int is_old(const struct arc_engine *engine, const struct peer *peer)
{
    const struct replicas *replicas = &engine->replicas;
    int is_newest = 1;
    if (peer->row.heir.len == 0 || arc__slice_is(peer->row.id, ARC_REPLICA_LEADER) ||
        engine->now.mono_ns - peer->moved_mono_ns < GONE_NS)
        return 0;
    for (size_t i = 0; i < replicas->peer_count; i++) {
        if (arc__slice_equal(replicas->peers[i].row.heir, peer->row.id))
            return 0; /* who looks for that one's heir comes by here */
        is_newest &= replicas->peers[i].row.epoch <= peer->row.epoch;
    }
    return !is_newest;
}

/* Agents are in memory all of them; of what is not here yet none can have come to it. */
static int has_agents(const struct arc_engine *engine, arc_slice id)
{
    ARC_LIST_EACH(&engine->agent_list, link)
    {
        if (arc__slice_equal(ARC_CONTAINER(link, struct agent, link)->row.home, id))
            return 1;
    }
    return 0;
}

/* The first behind the one that was looked at last; 0: there is none, and it begins anew. */
static int choose(struct arc_engine *engine)
{
    struct departed *gone = &engine->replicas.gone;
    arc_slice next = ARC_NONE;
    for (size_t i = 0; i < engine->replicas.peer_count; i++) {
        const struct peer *peer = &engine->replicas.peers[i];
        if (arc__slice_compare(peer->row.id, arc__id_slice(&gone->id)) > 0 &&
            (next.len == 0 || arc__slice_compare(peer->row.id, next) < 0) && is_old(engine, peer) &&
            !has_agents(engine, peer->row.id))
            next = peer->row.id;
    }
    (void)arc__slice_to_cstr(next, gone->id.text, sizeof(gone->id.text));
    return next.len > 0;
}

/* What is left alone for damage is open as well, and goes on some day. */
static struct arc_query runs_of(arc_slice id)
{
    static const int64_t open[] = {ARC_RUN_PENDING, ARC_RUN_RUNNING, ARC_RUN_PAUSED};
    struct arc_query query = {.table = ARC_TABLE_pipeline_run,
                              .filter_count = 2,
                              .order_col = ARC_COL_pipeline_run_status,
                              .limit = 1};
    query.filters[0] = (struct arc_filter){.col = ARC_COL_pipeline_run_status,
                                           .op = ARC_FILTER_IN,
                                           .ints = open,
                                           .int_count = ARC_COUNT_OF(open)};
    query.filters[1] = arc__eq_text(ARC_COL_pipeline_run_home, id);
    return query;
}

static struct arc_query notes_of(arc_slice id)
{
    struct arc_query query = {
        .table = ARC_TABLE_inbox, .filter_count = 1, .order_col = -1, .limit = 1};
    query.filters[0] = arc__eq_text(ARC_COL_inbox_addressee, id);
    return query;
}

arc_status arc__gone_look(struct arc_engine *engine, arc_err *err)
{
    struct departed *gone = &engine->replicas.gone;
    if (gone->phase == UNNAMED || (gone->phase == IDLE && gone->due_mono_ns > engine->now.mono_ns))
        return ARC_OK;
    if (!arc__is_leader(engine) || (gone->phase == IDLE && !choose(engine))) {
        rest(engine);
        return ARC_OK;
    }
    if (gone->phase == IDLE)
        gone->phase = RUNS;
    for (; gone->phase != UNNAMED; gone->phase++) {
        arc_slice id = arc__id_slice(&gone->id);
        const struct arc_query query = gone->phase == RUNS ? runs_of(id) : notes_of(id);
        ARC_TRY(arc__load(engine, &gone->load, &query, err));
        size_t count = gone->load.rows.count;
        arc__load_deinit(&gone->load);
        if (count > 0) {
            rest(engine);
            return ARC_OK;
        }
    }
    return ARC_OK;
}

arc_status arc__gone_store(struct arc_engine *engine, arc_err *err)
{
    const struct departed *gone = &engine->replicas.gone;
    const struct arc_row_replica row = {.id = arc__id_slice(&gone->id)};
    if (gone->phase != UNNAMED)
        return ARC_OK;
    return arc__turn_op(engine, ARC_STORE_DELETE, ARC_TABLE_replica, &row, 0, err);
}

/* One that is there still, because its turn was lost, is looked at again. */
void arc__gone_end(struct arc_engine *engine)
{
    if (engine->replicas.gone.phase == UNNAMED)
        rest(engine);
}
