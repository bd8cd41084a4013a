/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes on one store: who they are, and who acts for whom.
 *
 * Each has a row, and every commit raises its version under the one that was expected. So whoever
 * takes the place of one that has fallen silent raises it too, in the batch that says so, and what
 * the silent one may still try is refused. See docs/decisions/018. */
#include <stdio.h>

#include "engine/engine_private.h"

#define LEASE_NS (INT64_C(10) * 1000000000)
#define PEERS_BYTES_MAX (1024u * 1024u)
#define CHAIN_MAX 1000u /* of heirs */

/* What replicas.alone_due says. */
enum { ALONE_NOT, ALONE_JOINS, ALONE_RENEWS };

uint64_t arc__replicas_lease_ns(const struct arc_engine *engine)
{
    int64_t given = engine->options.replica_lease_ns;
    return (uint64_t)(given > 0 ? given : LEASE_NS);
}

static arc_slice self(const struct arc_engine *engine)
{
    return arc__id_slice(&engine->replicas.self);
}

/* A new one: what was ours is somebody else's, or will be. */
static arc_status new_self(struct arc_engine *engine, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    ARC_TRY(arc__engine_new_id(engine, &replicas->self, err));
    replicas->engaged = 0;
    replicas->version = replicas->epoch = 0;
    replicas->alone_due = ALONE_JOINS;
    replicas->full = 1;
    return ARC_OK;
}

static arc_status keep_name(struct arc_engine *engine, arc_err *err)
{
    arc_slice name =
        arc__slice_cstr(engine->options.replica_name != NULL ? engine->options.replica_name : "");
    if (name.len > ARC_REPLICA_NAME_MAX || !arc__text_clean(name))
        return arc__fail(err, ARC_EINVAL, "replica_name",
                         "The name of a replica has at most %u bytes, and is UTF-8.",
                         ARC_REPLICA_NAME_MAX);
    (void)arc__slice_to_cstr(name, engine->replicas.name, sizeof(engine->replicas.name));
    return ARC_OK;
}

arc_status arc__replicas_open(struct arc_engine *engine, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    replicas->on = engine->options.shared;
    arc__load_init(&replicas->peers_load, &engine->mem);
    arc__gone_open(engine);
    arc__arena_init(&replicas->arena, &engine->mem, PEERS_BYTES_MAX);
    (void)snprintf(replicas->host_id, sizeof(replicas->host_id), "%s", ARC_HOST_AGENT);
    if (!replicas->on)
        return ARC_OK;
    const struct arc_store_ops *ops = engine->options.store->ops;
    if (ops->size <= offsetof(struct arc_store_ops, claim) || ops->claim == NULL)
        return arc__fail(err, ARC_EUNIMPLEMENTED, "store", "This store cannot be shared.");
    ARC_TRY(keep_name(engine, err));
    ARC_TRY(new_self(engine, err));
    /* Its steps are of this process: no other one may take them for its own host's. */
    (void)snprintf(replicas->host_id, sizeof(replicas->host_id), "%s@%s", ARC_HOST_AGENT,
                   replicas->self.text);
    return ARC_OK;
}

static void changed(void *user, uint32_t tables, int64_t last)
{
    struct replicas *replicas = &((struct arc_engine *)user)->replicas;
    replicas->news |= tables;
    replicas->last = last > replicas->last ? last : replicas->last;
}

void arc__replicas_listen(struct arc_engine *engine)
{
    const struct arc_store_ops *ops = engine->store->ops;
    if (engine->replicas.on && ops->size > offsetof(struct arc_store_ops, watch) &&
        ops->watch != NULL)
        ops->watch(engine->store, changed, engine);
}

void arc__replicas_unlisten(struct arc_engine *engine)
{
    const struct arc_store_ops *ops = engine->store != NULL ? engine->store->ops : NULL;
    if (ops != NULL && ops->size > offsetof(struct arc_store_ops, watch) && ops->watch != NULL)
        ops->watch(engine->store, NULL, NULL);
}

void arc__replicas_close(struct arc_engine *engine)
{
    arc__load_deinit(&engine->replicas.peers_load);
    arc__gone_close(engine);
    arc__arena_deinit(&engine->replicas.arena);
}

arc_slice arc__host_replica(arc_slice agent_id)
{
    arc_slice id, kind = arc__slice_cut(agent_id, '@', &id);
    return arc__slice_is(kind, ARC_HOST_AGENT) ? id : ARC_NONE;
}

/* --- who acts for whom --------------------------------------------------------------- */

static struct peer *find_peer(const struct arc_engine *engine, arc_slice id)
{
    for (size_t i = 0; i < engine->replicas.peer_count; i++) {
        if (arc__slice_equal(engine->replicas.peers[i].row.id, id))
            return &engine->replicas.peers[i];
    }
    return NULL;
}

/* What has no home is the leader's. One that is not known came after the last look, and is known at
 * the next; of those that were deleted nothing open says that they are its home. */
arc_slice arc__replicas_heir(const struct arc_engine *engine, arc_slice home)
{
    if (home.len == 0)
        home = ARC_LIT(ARC_REPLICA_LEADER);
    for (size_t i = 0; i < CHAIN_MAX; i++) {
        const struct peer *peer = find_peer(engine, home);
        if (arc__slice_equal(home, self(engine)))
            return home;
        if (peer == NULL)
            return ARC_NONE;
        if (peer->row.heir.len == 0)
            return home;
        home = peer->row.heir;
    }
    return ARC_NONE;
}

int arc__is_ours(const struct arc_engine *engine, arc_slice home)
{
    return !engine->replicas.on || arc__slice_equal(arc__replicas_heir(engine, home), self(engine));
}

int arc__is_leader(const struct arc_engine *engine)
{
    return arc__is_ours(engine, ARC_LIT(ARC_REPLICA_LEADER));
}

int arc__is_confident(const struct arc_engine *engine)
{
    const struct replicas *replicas = &engine->replicas;
    return !replicas->on ||
           (replicas->engaged &&
            engine->now.mono_ns - replicas->confirmed_mono_ns < arc__replicas_lease_ns(engine));
}

/* --- reading ------------------------------------------------------------------------- */

static arc_status keep_peers(struct arc_engine *engine, const struct arc_rows *rows, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    const struct arc_row_replica *row = rows->rows;
    struct arc_arena arena;
    arc__arena_init(&arena, &engine->mem, PEERS_BYTES_MAX);
    struct peer *peers = arc__arena_array(&arena, rows->count, sizeof(*peers));
    for (size_t i = 0; peers != NULL && i < rows->count; i++) {
        const struct peer *before = find_peer(engine, row[i].id);
        peers[i] = (struct peer){.row = row[i], .moved_mono_ns = engine->now.mono_ns};
        if (before != NULL && before->row.version == row[i].version)
            peers[i].moved_mono_ns = before->moved_mono_ns;
        arc__row_own(ARC_TABLE_replica, &peers[i].row, &arena);
    }
    if (arena.failed || peers == NULL) {
        arc__arena_deinit(&arena);
        return arc__fail_nomem(err);
    }
    arc__arena_deinit(&replicas->arena);
    replicas->arena = arena;
    replicas->peers = peers;
    replicas->peer_count = rows->count;
    return ARC_OK;
}

/* All that we had in memory is another one's. */
static void forget_lives(struct arc_engine *engine)
{
    ARC_LIST_EACH_SAFE(&engine->live_list, link)
    {
        arc__live_drop(ARC_CONTAINER(link, struct live, link));
    }
}

static arc_status check_self(struct arc_engine *engine, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    const struct peer *own = find_peer(engine, self(engine));
    if (own != NULL && own->row.heir.len == 0) {
        replicas->engaged = 1;
        replicas->version = own->row.version;
        replicas->epoch = own->row.epoch;
        if (engine->fence >> ARC_EPOCH_BITS != (uint64_t)replicas->epoch)
            engine->fence = (uint64_t)replicas->epoch << ARC_EPOCH_BITS;
        return ARC_OK;
    }
    if (!replicas->engaged)
        return ARC_OK; /* not there yet */
    arc__engine_say(engine, ARC_LOG_WARN,
                    "Another process has taken over what this one was home of: it was silent for "
                    "too long. It begins anew.");
    ARC_TRY(new_self(engine, err));
    forget_lives(engine);
    return ARC_OK;
}

static arc_status ask_peers(struct arc_engine *engine, struct load *load, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_replica, .order_col = -1};
    ARC_TRY(arc__load(engine, load, &query, err));
    arc_status status = keep_peers(engine, &load->rows, err);
    arc__load_deinit(load);
    return status;
}

arc_status arc__replicas_read(struct arc_engine *engine, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    if (!replicas->on)
        return ARC_OK;
    if (replicas->peers_load.state == 0)
        replicas->asked_version = replicas->version;
    ARC_TRY(ask_peers(engine, &replicas->peers_load, err));
    if (replicas->asked_version != replicas->version)
        return ARC_OK; /* of ourselves we know better since */
    return check_self(engine, err);
}

static int is_silent(const struct arc_engine *engine, const struct peer *peer)
{
    return engine->now.mono_ns - peer->moved_mono_ns >= (uint64_t)peer->row.lease_ns;
}

/* 1: it is at work no more, and nobody has taken its place. One of our own name is what we were. */
static int is_orphaned(const struct arc_engine *engine, const struct peer *peer)
{
    const char *name = engine->replicas.name;
    if (peer->row.heir.len > 0 || arc__slice_equal(peer->row.id, self(engine)))
        return 0;
    if (name[0] != '\0' && arc__slice_is(peer->row.name, name))
        return 1;
    return is_silent(engine, peer);
}

static int any_orphan(const struct arc_engine *engine)
{
    for (size_t i = 0; i < engine->replicas.peer_count; i++) {
        if (is_orphaned(engine, &engine->replicas.peers[i]))
            return 1;
    }
    return 0;
}

static uint64_t beat_ns(const struct arc_engine *engine)
{
    return arc__replicas_lease_ns(engine) / 4;
}

arc_status arc__replicas_watch(struct arc_engine *engine, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    if (replicas->peers_mono_ns > engine->now.mono_ns && replicas->peers_load.state == 0)
        return ARC_OK;
    arc_id before = replicas->self;
    arc_status status = arc__replicas_read(engine, err);
    if (status == ARC_EAGAIN)
        return ARC_OK;
    replicas->peers_mono_ns = engine->now.mono_ns + beat_ns(engine);
    if (status == ARC_OK && strcmp(before.text, replicas->self.text) != 0) {
        engine->recovering = 1;
        engine->recover_phase = 0;
    }
    return status == ARC_EUNAVAILABLE ? ARC_OK : status;
}

/* --- writing ------------------------------------------------------------------------- */

arc_status arc__replicas_renew(struct arc_engine *engine, arc_err *err)
{
    engine->replicas.alone_due = ALONE_RENEWS; /* what is read of our row meanwhile is old */
    return arc__fail(err, ARC_ECONFLICT, "epoch", "The fences of this process are too old.");
}

static int64_t next_epoch(const struct arc_engine *engine)
{
    int64_t last = (int64_t)(engine->fence >> ARC_EPOCH_BITS);
    for (size_t i = 0; i < engine->replicas.peer_count; i++) {
        if (engine->replicas.peers[i].row.epoch > last)
            last = engine->replicas.peers[i].row.epoch;
    }
    return last + 1;
}

static arc_status store_heir(struct arc_engine *engine, const struct peer *peer, arc_err *err)
{
    struct arc_row_replica row = peer->row;
    row.heir = self(engine);
    row.version++;
    return arc__turn_op(engine, ARC_STORE_UPDATE, ARC_TABLE_replica, &row, peer->row.version, err);
}

/* The heirs of one that we inherit are ours as well, so that no chain grows. */
static arc_status adopt(struct arc_engine *engine, const struct peer *peer, arc_err *err)
{
    ARC_TRY(store_heir(engine, peer, err));
    for (size_t i = 0; i < engine->replicas.peer_count; i++) {
        const struct peer *other = &engine->replicas.peers[i];
        if (arc__slice_equal(other->row.heir, peer->row.id))
            ARC_TRY(store_heir(engine, other, err));
    }
    engine->replicas.adopting = 1;
    return ARC_OK;
}

static arc_status store_leader(struct arc_engine *engine, arc_err *err)
{
    const struct arc_row_replica row = {
        .id = ARC_LIT(ARC_REPLICA_LEADER), .version = 1, .heir = self(engine)};
    if (find_peer(engine, row.id) != NULL)
        return ARC_OK;
    return arc__turn_op(engine, ARC_STORE_INSERT, ARC_TABLE_replica, &row, 0, err);
}

/* That there were several, for a process that will be alone here: its fences are to be greater. */
static arc_status store_epoch(struct arc_engine *engine, arc_err *err)
{
    const struct arc_row_counter row = {ARC_LIT(ARC_EPOCH_COUNTER), engine->replicas.epoch_due};
    return arc__turn_op(engine, ARC_STORE_PUT, ARC_TABLE_counter, &row, 0, err);
}

static arc_status store_self(struct arc_engine *engine, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    const struct peer *own = find_peer(engine, self(engine));
    int64_t started_ns = own != NULL ? own->row.started_at_ns : engine->now.wall_ns;
    int due = replicas->epoch == 0 || replicas->alone_due == ALONE_RENEWS;
    replicas->epoch_due = due ? next_epoch(engine) : 0;
    struct arc_row_replica row = {.id = self(engine),
                                  .name = arc__slice_cstr(replicas->name),
                                  .version = replicas->version + 1,
                                  .epoch = replicas->epoch,
                                  .started_at_ns = started_ns,
                                  .seen_at_ns = engine->now.wall_ns,
                                  .lease_ns = (int64_t)arc__replicas_lease_ns(engine)};
    if (replicas->epoch_due > 0) {
        row.epoch = replicas->epoch_due;
        ARC_TRY(store_epoch(engine, err));
    }
    if (replicas->engaged)
        return arc__turn_op(engine, ARC_STORE_UPDATE, ARC_TABLE_replica, &row, replicas->version,
                            err);
    ARC_TRY(arc__turn_op(engine, ARC_STORE_INSERT, ARC_TABLE_replica, &row, 0, err));
    return store_leader(engine, err);
}

static int is_beat_due(const struct arc_engine *engine)
{
    return engine->now.mono_ns - engine->replicas.confirmed_mono_ns >= beat_ns(engine);
}

arc_status arc__replicas_store(struct arc_engine *engine, arc_err *err)
{
    struct replicas *replicas = &engine->replicas;
    replicas->writing = replicas->adopting = 0;
    replicas->begun_mono_ns = engine->now.mono_ns;
    if (!replicas->on || (engine->turn.op_count == 0 && !arc__replicas_due(engine)))
        return ARC_OK;
    ARC_TRY(store_self(engine, err));
    for (size_t i = 0; i < replicas->peer_count; i++) {
        if (is_orphaned(engine, &replicas->peers[i]))
            ARC_TRY(adopt(engine, &replicas->peers[i], err));
    }
    ARC_TRY(arc__gone_store(engine, err));
    replicas->writing = 1;
    return ARC_OK;
}

int arc__replicas_due(const struct arc_engine *engine)
{
    return engine->replicas.on &&
           (engine->replicas.alone_due || is_beat_due(engine) || any_orphan(engine));
}

/* What we were the home of others for is read in, once it is ours. */
void arc__replicas_end(struct arc_engine *engine, arc_status status)
{
    struct replicas *replicas = &engine->replicas;
    if (!replicas->on)
        return;
    if (status != ARC_OK || replicas->writing)
        arc__gone_end(engine);
    if (status != ARC_OK) {
        replicas->full |= status != ARC_ECONFLICT;
        arc__load_deinit(&replicas->peers_load); /* what was asked before tells nothing */
        replicas->epoch_due = 0;
        return;
    }
    if (!replicas->writing)
        return;
    replicas->version++;
    replicas->confirmed_mono_ns = replicas->begun_mono_ns;
    if (replicas->epoch_due > 0) {
        replicas->epoch = replicas->epoch_due;
        engine->fence = (uint64_t)replicas->epoch << ARC_EPOCH_BITS;
    }
    replicas->epoch_due = 0;
    int joined = !replicas->engaged;
    replicas->engaged = 1;
    replicas->alone_due = ALONE_NOT;
    if (!joined && !replicas->adopting)
        return;
    /* What was asked for before does not say yet whose home we are now. */
    arc__load_deinit(&replicas->peers_load);
    replicas->full = 1;
    engine->recovering = 1;
    engine->recover_phase = 0;
}

uint64_t arc__replicas_deadline(const struct arc_engine *engine)
{
    const struct replicas *replicas = &engine->replicas;
    uint64_t at = replicas->confirmed_mono_ns + beat_ns(engine);
    if (!replicas->on)
        return UINT64_MAX;
    if (replicas->alone_due || any_orphan(engine))
        return 0;
    uint64_t look = replicas->peers_mono_ns > engine->retry_mono_ns ? replicas->peers_mono_ns
                                                                    : engine->retry_mono_ns;
    if (replicas->peers_load.state == 0 && look < at)
        at = look;
    return at;
}
