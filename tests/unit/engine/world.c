/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "logs/mem.h"
#include "passing_logs.h"
#include "spec/spec.h"
#include "store/sqlite.h"

/* --- a store and logs that outlive their engine -------------------------------------------------
 */

struct lasting_store {
    struct arc_store store;
    struct arc_store *under;
    struct arc_mem mem;
    uint64_t *calls; /* the world's */
    int64_t *last;   /* several share the store underneath, which knows of one: its last position */
    struct world *world;
};

static struct arc_store *under(struct arc_store *store)
{
    return ((struct lasting_store *)(void *)store)->under;
}

struct behind {
    arc_commit_done done;
    void *user;
    int64_t *last, shift, count;
};

static void is_behind(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    struct behind *behind = user;
    (void)shift;
    if (status == ARC_OK)
        *behind->last += behind->count;
    behind->done(behind->user, status, status == ARC_OK ? behind->shift : 0, err);
}

/* What a store that several processes share does with positions. The one in memory answers at once.
 */
static arc_status commit_behind(struct lasting_store *self, const struct arc_store_batch *batch,
                                arc_commit_done done, void *user, arc_err *err)
{
    struct behind behind = {.done = done, .user = user, .last = self->last};
    struct arc_store_op *ops = calloc(batch->count, sizeof(*ops));
    struct arc_row_event *rows = calloc(batch->count, sizeof(*rows));
    arc_status status = ops != NULL && rows != NULL ? ARC_OK : arc__fail_nomem(err);
    for (size_t i = 0; status == ARC_OK && i < batch->count; i++) {
        ops[i] = batch->ops[i];
        if (ops[i].table != ARC_TABLE_event || ops[i].verb != ARC_STORE_INSERT)
            continue;
        rows[i] = *(const struct arc_row_event *)ops[i].row;
        if (behind.count++ == 0)
            behind.shift = *self->last + 1 - rows[i].position;
        rows[i].position += behind.shift;
        ops[i].row = &rows[i];
    }
    const struct arc_store_batch moved = {ops, batch->count, batch->follow};
    if (status == ARC_OK)
        status = self->under->ops->commit(self->under, &moved, is_behind, &behind, err);
    free(ops);
    free(rows);
    return status;
}

static arc_status lasting_commit(struct arc_store *store, const struct arc_store_batch *batch,
                                 arc_commit_done done, void *user, arc_err *err)
{
    struct lasting_store *self = (struct lasting_store *)(void *)store;
    ++*self->calls;
    if (self->last != NULL)
        return commit_behind(self, batch, done, user, err);
    return self->under->ops->commit(self->under, batch, done, user, err);
}

/* An answer that is on its way. */
struct late {
    struct late *next;
    arc_query_done done;
    void *user;
    arc_status status;
    struct arc_rows rows;
};

static void keep_answer(void *user, arc_status status, const struct arc_rows *rows,
                        const arc_err *err)
{
    struct late *late = user;
    (void)err;
    late->status = status;
    if (rows != NULL)
        late->rows = *rows;
}

static arc_status query_late(struct world *w, const struct arc_query *query,
                             struct arc_arena *arena, arc_query_done done, void *user, arc_err *err)
{
    struct late *late = calloc(1, sizeof(*late));
    if (late == NULL)
        return arc__fail_nomem(err);
    *late = (struct late){.next = w->late, .done = done, .user = user};
    w->late = late;
    return w->store->ops->query(w->store, query, arena, keep_answer, late, err);
}

void world_answer(struct world *w)
{
    w->answers_late = WORLD_AT_ONCE;
    while (w->late != NULL) {
        struct late *late = w->late;
        w->late = late->next;
        late->done(late->user, late->status, &late->rows, NULL);
        free(late);
    }
}

static int is_late(const struct world *w, const struct arc_query *query)
{
    static const enum arc_table tables[] = {[WORLD_LATE_TOKENS] = ARC_TABLE_token,
                                            [WORLD_LATE_INBOX] = ARC_TABLE_inbox,
                                            [WORLD_LATE_REPLICAS] = ARC_TABLE_replica,
                                            [WORLD_LATE_AGENT_EVENTS] = ARC_TABLE_agent_event};
    if (w->answers_late > WORLD_LATE_EVENTS)
        return query->table == tables[w->answers_late];
    return w->answers_late && query->table == ARC_TABLE_event && query->filter_count > 0 &&
           query->filters[0].col == ARC_COL_event_stream;
}

static arc_status lasting_query(struct arc_store *store, const struct arc_query *query,
                                struct arc_arena *arena, arc_query_done done, void *user,
                                arc_err *err)
{
    struct lasting_store *self = (struct lasting_store *)(void *)store;
    ++*self->calls;
    if (is_late(self->world, query))
        return query_late(self->world, query, arena, done, user, err);
    return under(store)->ops->query(under(store), query, arena, done, user, err);
}

static arc_status lasting_claim(struct arc_store *store, const struct arc_claim *claim,
                                struct arc_arena *arena, arc_query_done done, void *user,
                                arc_err *err)
{
    return under(store)->ops->claim(under(store), claim, arena, done, user, err);
}

static int lasting_fd(struct arc_store *store)
{
    return under(store)->ops->fd(under(store));
}

static int lasting_timeout_ms(struct arc_store *store)
{
    return under(store)->ops->timeout_ms(under(store));
}

static arc_status lasting_dispatch(struct arc_store *store, arc_err *err)
{
    return under(store)->ops->dispatch(under(store), err);
}

static arc_status lasting_health(struct arc_store *store, arc_err *err)
{
    return under(store)->ops->health(under(store), err);
}

static void lasting_close(struct arc_store *store)
{
    struct lasting_store *self = (struct lasting_store *)(void *)store;
    struct arc_mem mem = self->mem;
    arc__free(&mem, self);
}

static void lasting_watch(struct arc_store *store, arc_store_changed changed, void *user)
{
    struct world *w = ((struct lasting_store *)(void *)store)->world;
    w->changed = changed;
    w->changed_user = user;
}

void world_tell(struct world *w)
{
    if (w->changed != NULL)
        w->changed(w->changed_user, ARC_STORE_ANY, 0);
}

static const struct arc_store_ops lasting_store_ops = {
    .size = sizeof(lasting_store_ops),
    .commit = lasting_commit,
    .query = lasting_query,
    .fd = lasting_fd,
    .timeout_ms = lasting_timeout_ms,
    .dispatch = lasting_dispatch,
    .health = lasting_health,
    .close = lasting_close,
    .claim = lasting_claim,
    .watch = lasting_watch,
};

struct lasting_logs {
    struct passing_logs pass;
    struct arc_mem mem;
    struct world *w;
};

static arc_status lasting_append(struct arc_log_store *logs, arc_slice run_id,
                                 arc_slice step_run_id, struct arc_log_line *lines, size_t count,
                                 arc_err *err)
{
    struct world *w = ((struct lasting_logs *)(void *)logs)->w;
    if (w->log_rivals > 0 && w->log_rivals-- > 0)
        return arc__fail(err, ARC_ECONFLICT, "lines", "Somebody has written to this log.");
    return passing_append(logs, run_id, step_run_id, lines, count, err);
}

static arc_status lasting_info(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id,
                               struct arc_log_info *out, arc_err *err)
{
    ((struct lasting_logs *)(void *)logs)->w->log_looks++;
    return passing_info(logs, run_id, step_run_id, out, err);
}

static void lasting_logs_close(struct arc_log_store *logs)
{
    struct lasting_logs *self = (struct lasting_logs *)(void *)logs;
    struct arc_mem mem = self->mem;
    arc__free(&mem, self);
}

static const struct arc_log_store_ops lasting_logs_ops = {
    sizeof(lasting_logs_ops), lasting_append,     lasting_info,      passing_read,
    passing_release,          passing_remove_run, lasting_logs_close};

/* --- opening ------------------------------------------------------------------------------------
 */

/* splitmix64 */
static int fill_random(void *user, void *buf, size_t len)
{
    struct world *w = user;
    uint8_t *bytes = buf;
    for (size_t i = 0; i < len; i += 8) {
        uint64_t z = (w->random += UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        z ^= z >> 31;
        memcpy(bytes + i, &z, len - i < 8 ? len - i : 8);
    }
    return 0;
}

static void count_log(void *user, int level, const char *scope, const char *text)
{
    struct world *w = user;
    if (w->memory.fail_at != 0 && level > ARC_LOG_ERROR)
        return; /* a warning that memory is out, while it is */
    printf("# log: %s: %s\n", scope, text);
    w->logged++;
}

arc_status world_start_engine(struct world *w, arc_err *err)
{
    struct lasting_store *store = arc__alloc(&w->mem, sizeof(*store));
    struct lasting_logs *logs = arc__alloc(&w->mem, sizeof(*logs));
    arc_status status = ARC_ENOMEM;
    w->engine = NULL;
    if (store != NULL && logs != NULL) {
        int64_t *last = w->first != NULL ? &w->first->last : &w->last;
        *store = (struct lasting_store){{&lasting_store_ops},
                                        w->store,
                                        w->mem,
                                        &w->store_calls,
                                        w->shared && w->kind != WORLD_GIVEN ? last : NULL,
                                        w};
        *logs = (struct lasting_logs){{{&lasting_logs_ops}, w->logs}, w->mem, w};
        w->options.store = &store->store;
        w->options.logs = &logs->pass.logs;
        status = arc__engine_open(&w->options, w->now, &w->engine, err);
    }
    if (status != ARC_OK) {
        arc__free(&w->mem, store);
        arc__free(&w->mem, logs);
    }
    if (status == ARC_OK && w->kind == WORLD_GIVEN)
        world_turn(w); /* what it asks first is answered later */
    return status;
}

__attribute__((weak)) struct arc_store *world_given_store(const struct arc_mem *mem, int is_new,
                                                          arc_err *err)
{
    (void)mem;
    (void)is_new;
    (void)arc__fail(err, ARC_EUNIMPLEMENTED, "store", "This program gives no store.");
    return NULL;
}

static arc_status open_store(struct world *w, int is_new, arc_err *err)
{
    char path[96];
    if (w->first != NULL && w->kind != WORLD_GIVEN) {
        w->store = w->first->store;
        return ARC_OK;
    }
    if (w->kind == WORLD_GIVEN) {
        w->store = world_given_store(&w->mem, is_new, err);
        return w->store != NULL ? ARC_OK : err->status;
    }
    if (w->kind == WORLD_MEM)
        return arc__store_mem_open(&w->mem, &w->store, err);
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    options.skip_quick_check = 1;
    (void)snprintf(path, sizeof(path), "%s/x.db", w->dir);
    return arc__store_sqlite_open(&w->mem, path, &options, &w->store, err);
}

static int begin(struct world *w)
{
    const char *name = w->options.replica_name;
    enum world_store kind = w->kind;
    arc_err err = ARC_ERR_INIT;
    w->mem = test_mem(&w->memory);
    w->now = (struct arc_now){UINT64_C(5000) * 1000000000, INT64_C(1700000000) * 1000000000};
    arc__arena_init(&w->arena, &w->mem, 64u * 1024 * 1024);
    (void)snprintf(w->dir, sizeof(w->dir), "/tmp/arc-world-XXXXXX");
    if (kind == WORLD_SQLITE && w->first == NULL && mkdtemp(w->dir) == NULL)
        return CHECK_TEXT(ARC_LIT("mkdtemp"), "works");
    w->options = (struct arc_engine_options){
        .mem = w->mem,
        .random = fill_random,
        .random_user = w,
        .log = count_log,
        .log_user = w,
        .rules = {.lease_ttl_ns = SECONDS(30),
                  .stop_grace_ns = SECONDS(10),
                  .stop_settle_ns = SECONDS(30),
                  .lost_retries_max = 3},
        .heartbeat_ns = SECONDS(10),
        .runs_max = 10000,
        .agents_approved = 1,
        .shared = w->shared,
        .replica_name = name,
        .replica_lease_ns = SECONDS(10),
    };
    arc_status status = open_store(w, w->first == NULL, &err);
    if (w->first != NULL)
        w->logs = w->first->logs;
    else if (status == ARC_OK)
        status = arc__logs_mem_open(&w->mem, &w->logs, &err);
    if (status == ARC_OK)
        status = world_start_engine(w, &err);
    if (status == ARC_EUNIMPLEMENTED && kind == WORLD_GIVEN) { /* the case is skipped */
        world_close(w);
        return 0;
    }
    if (!CHECK_OK(status)) {
        printf("# %s: %s\n", err.subject, err.message);
        world_close(w);
        return 0;
    }
    return 1;
}

int world_open(struct world *w, enum world_store kind)
{
    *w = (struct world){.kind = kind, .random = 42};
    return begin(w);
}

int world_open_beside(struct world *w, struct world *first, enum world_store kind, const char *name)
{
    /* Far from any state that the other comes to: no id is made twice. */
    *w =
        (struct world){.kind = kind,
                       .random = first == NULL ? 42 : ~first->random * UINT64_C(0x5851f42d4c957f2d),
                       .shared = 1};
    w->first = first;
    w->options.replica_name = name;
    w->options.shared = 1;
    return begin(w);
}
void world_end_engine(struct world *w)
{
    /* What the store holds happens, and nobody hears of it. */
    while (w->engine != NULL && w->store != NULL && w->kind == WORLD_MEM &&
           arc__store_mem_held(w->store) > 0)
        (void)w->store->ops->dispatch(w->store, NULL);
    arc__engine_close(w->engine);
    w->engine = NULL;
}

arc_status world_crash(struct world *w, arc_err *err)
{
    world_end_engine(w);
    if (w->kind == WORLD_GIVEN || (w->kind == WORLD_SQLITE && !w->shared)) {
        w->store->ops->close(w->store);
        w->store = NULL;
        ARC_TRY(open_store(w, 0, err));
    }
    return world_start_engine(w, err);
}

void world_close(struct world *w)
{
    static const char *const files[] = {"x.db",      "x.db-wal",     "x.db-shm",
                                        "x.db.lock", "x.db.reserve", "x.db.mark"};
    char path[128];
    world_end_engine(w);
    int own = w->first == NULL;
    if (w->store != NULL && (own || w->kind == WORLD_GIVEN))
        w->store->ops->close(w->store);
    if (w->logs != NULL && own)
        w->logs->ops->close(w->logs);
    arc__arena_deinit(&w->arena);
    for (size_t i = 0; w->kind == WORLD_SQLITE && i < ARC_COUNT_OF(files); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", w->dir, files[i]);
        (void)unlink(path);
    }
    if (w->kind == WORLD_SQLITE)
        (void)rmdir(w->dir);
    CHECK_INT(w->memory.live, 0);
}

/* --- time ---------------------------------------------------------------------------------------
 */

/* 1: the store answers later, and was waited for a while. */
static int wait_for_store(struct world *w)
{
    int wait_ms = w->kind == WORLD_GIVEN ? w->store->ops->timeout_ms(w->store) : -1;
    struct pollfd fd = {.fd = w->store->ops->fd(w->store), .events = POLLIN};
    if (wait_ms < 0)
        return 0;
    (void)poll(&fd, 1, wait_ms < 100 ? wait_ms : 100); /* dispatch looks itself */
    return 1;
}

void world_settle(struct world *w)
{
    for (int i = 0; i < 10000 && wait_for_store(w); i++)
        CHECK_OK(w->store->ops->dispatch(w->store, NULL));
}

void world_turn(struct world *w)
{
    arc_err err = ARC_ERR_INIT;
    for (int i = 0; i < 300;) {
        if (!CHECK_OK(arc__engine_dispatch(w->engine, w->now, 1000, &err))) {
            printf("# %s: %s\n", err.subject, err.message);
            return;
        }
        if (wait_for_store(w))
            continue;
        if (arc__engine_deadline(w->engine) > w->now.mono_ns)
            return;
        i++;
    }
    CHECK_TEXT(ARC_LIT("the engine"), "comes to rest");
}

void world_pass(struct world *w, int64_t ns)
{
    uint64_t until = w->now.mono_ns + (uint64_t)ns;
    for (;;) {
        world_turn(w);
        uint64_t next = arc__engine_deadline(w->engine);
        if (next > until)
            next = until;
        if (next <= w->now.mono_ns)
            return;
        w->now.wall_ns += (int64_t)(next - w->now.mono_ns);
        w->now.mono_ns = next;
    }
}

arc_status world_next_notice(struct world *w, const struct arc_row_outbox **out)
{
    arc_status status = arc__engine_next_notice(w->engine, out, NULL);
    if (status != ARC_EAGAIN || w->kind != WORLD_GIVEN)
        return status;
    world_turn(w);
    return arc__engine_next_notice(w->engine, out, NULL);
}

/* --- commands -----------------------------------------------------------------------------------
 */

static void keep(char *out, size_t size, arc_slice text)
{
    (void)arc__slice_to_cstr(text, out, size);
}

void world_done(void *user, const struct arc_answer *answer)
{
    struct said *said = user;
    said->times++;
    said->status = answer->status;
    keep(said->id, sizeof(said->id), answer->id);
    keep(said->step_run_id, sizeof(said->step_run_id), answer->step_run_id);
    keep(said->secret, sizeof(said->secret), answer->secret);
    keep(said->sha, sizeof(said->sha), answer->sha);
    keep(said->findings, sizeof(said->findings), answer->findings);
    if (answer->status != ARC_OK && answer->err != NULL) {
        keep(said->subject, sizeof(said->subject), arc__slice_cstr(answer->err->subject));
        keep(said->message, sizeof(said->message), arc__slice_cstr(answer->err->message));
    }
    said->duplicate = answer->duplicate;
    said->state = answer->state;
    said->number = answer->number;
    if (answer->ack == NULL)
        return;
    said->ack_status = answer->ack->status;
    said->epoch = answer->ack->epoch;
    said->last_accepted = answer->ack->last_accepted_seq;
    said->expected = answer->ack->expected_seq;
    said->rejected_count = answer->ack->rejected_count;
    for (size_t i = 0; i < said->rejected_count && i < ARC_COUNT_OF(said->rejected); i++)
        said->rejected[i] = answer->ack->rejected_seqs[i];
}

struct arc_cmd *world_cmd(struct world *w, enum arc_cmd_kind kind)
{
    struct arc_cmd *cmd = arc__cmd_new(w->engine, kind);
    if (cmd != NULL)
        cmd->principal.kind = ARC_PRINCIPAL_HOST;
    return cmd;
}

arc_slice world_text(struct arc_cmd *cmd, const char *text)
{
    return cmd == NULL ? ARC_NONE : arc__arena_copy(&cmd->arena, arc__slice_cstr(text));
}

void world_submit(struct world *w, struct arc_cmd *cmd, struct said *said)
{
    *said = (struct said){0};
    if (cmd == NULL) {
        said->status = ARC_ENOMEM;
        return;
    }
    arc_status status = arc__engine_submit(w->engine, cmd, world_done, said, NULL);
    if (status != ARC_OK)
        said->status = status;
}

struct said world_ask(struct world *w, struct arc_cmd *cmd)
{
    struct said said;
    world_submit(w, cmd, &said);
    if (said.status != ARC_OK)
        return said;
    world_turn(w);
    CHECK_INT(said.times, 1);
    return said;
}

struct arc_definition_input world_definition(struct arc_cmd *cmd, const char *yaml)
{
    struct arc_definition_input input = {0};
    struct arc_diags diags = {0};
    struct arc_spec *spec = NULL;
    struct arc_buf buf;
    if (cmd == NULL || yaml == NULL)
        return input;
    input.text = world_text(cmd, yaml);
    input.format = ARC_FORMAT_YAML;
    arc__buf_init(&buf, &cmd->arena.mem, 1024u * 1024);
    if (arc__spec_read(input.text, ARC_FORMAT_YAML, ARC_NONE, NULL, &cmd->arena, &diags, &spec,
                       NULL) == ARC_OK)
        (void)arc__spec_canonical(spec, &buf, NULL);
    if (buf.len > 0)
        input.canonical = arc__arena_copy(&cmd->arena, arc__buf_slice(&buf));
    else
        input.canonical = input.text; /* a test of what is refused */
    arc__buf_deinit(&buf);
    return input;
}

struct arc_cmd *world_create(struct world *w, const char *name, const char *yaml)
{
    struct arc_cmd *cmd = world_cmd(w, ARC_CMD_PIPELINE_CREATE);
    if (cmd == NULL)
        return NULL;
    cmd->u.pipeline.row.name = world_text(cmd, name);
    cmd->u.pipeline.row.project_id = world_text(cmd, "p1");
    cmd->u.pipeline.definition = world_definition(cmd, yaml);
    return cmd;
}

struct arc_cmd *world_save(struct world *w, const char *pipeline, const char *yaml)
{
    struct arc_cmd *cmd = world_cmd(w, ARC_CMD_DEFINITION_SAVE);
    if (cmd == NULL)
        return NULL;
    cmd->pipeline_id = world_text(cmd, pipeline);
    cmd->u.save.definition = world_definition(cmd, yaml);
    return cmd;
}

struct arc_cmd *world_trigger(struct world *w, const char *pipeline, const char *request_id)
{
    struct arc_cmd *cmd = world_cmd(w, ARC_CMD_RUN_TRIGGER);
    if (cmd == NULL)
        return NULL;
    cmd->pipeline_id = world_text(cmd, pipeline);
    cmd->u.trigger.request_id = world_text(cmd, request_id);
    cmd->u.trigger.triggered_by = world_text(cmd, "tester");
    return cmd;
}

struct arc_cmd *world_control(struct world *w, enum arc_cmd_kind kind, const char *run)
{
    struct arc_cmd *cmd = world_cmd(w, kind);
    if (cmd != NULL)
        cmd->run_id = world_text(cmd, run);
    return cmd;
}

struct arc_cmd *world_token(struct world *w, uint32_t kind, int64_t max_uses)
{
    struct arc_cmd *cmd = world_cmd(w, ARC_CMD_TOKEN_CREATE);
    if (cmd == NULL)
        return NULL;
    cmd->u.token.kind = kind;
    cmd->u.token.name = world_text(cmd, "t");
    cmd->u.token.max_uses = max_uses;
    cmd->u.token.scopes = kind == 2 ? ARC_SCOPE_READ | ARC_SCOPE_RUN : 0;
    return cmd;
}

struct arc_cmd *world_register(struct world *w, const char *token, const char *name,
                               const char *labels)
{
    struct arc_cmd *cmd = world_cmd(w, ARC_CMD_AGENT_REGISTER);
    if (cmd == NULL)
        return NULL;
    if (strncmp(token, "art_", 4) == 0)
        cmd->u.agent.registration_token = world_text(cmd, token);
    else
        cmd->u.agent.auth_token = world_text(cmd, token);
    cmd->u.agent.name = world_text(cmd, name);
    cmd->u.agent.labels = world_text(cmd, labels);
    cmd->u.agent.incarnation = world_text(cmd, "i1");
    cmd->u.agent.max_concurrent = 4;
    cmd->u.agent.protocol_level = 1;
    return cmd;
}

void world_start_run(struct world *w, const char *yaml, struct said *pipeline, struct said *run)
{
    *run = (struct said){0};
    *pipeline = world_ask(w, world_create(w, "build", yaml));
    if (CHECK_OK(pipeline->status))
        *run = world_ask(w, world_trigger(w, pipeline->id, ""));
    if (!CHECK_OK(run->status))
        printf("# %s: %s %s\n", run->subject, run->message, run->findings);
}

/* --- agents -------------------------------------------------------------------------------------
 */

static void noticed(void *user)
{
    struct hand *hand = user;
    hand->notices++;
}

void hand_connect(struct hand *hand)
{
    arc_err err = ARC_ERR_INIT;
    hand->session = NULL;
    CHECK_OK(arc__session_open(hand->w->engine, arc__slice_cstr(hand->id), noticed, hand,
                               &hand->session, &err));
}

void hand_leave(struct hand *hand)
{
    arc__session_close(hand->session);
    hand->session = NULL;
}

int hand_join(struct hand *hand, struct world *w, const char *name, const char *labels, int slots)
{
    *hand = (struct hand){.w = w, .incarnation = "i1"};
    struct said token = world_ask(w, world_token(w, 1, 0));
    struct arc_cmd *cmd = world_register(w, token.secret, name, labels);
    if (cmd == NULL)
        return 0;
    cmd->u.agent.max_concurrent = slots;
    struct said said = world_ask(w, cmd);
    if (!CHECK_OK(said.status))
        return 0;
    memcpy(hand->id, said.id, sizeof(hand->id));
    memcpy(hand->token, said.secret, sizeof(hand->token));
    hand_connect(hand);
    world_turn(w);
    return hand->session != NULL;
}

static void hold(struct held *held, const struct arc_offer *offer)
{
    const struct arc_run *run = offer->run;
    const struct arc_step_state *step = &run->jobs[offer->job].steps[offer->step];
    const struct arc_plan_job *job = &run->plan->jobs[offer->job];
    *held = (struct held){.attempt = step->attempt, .fence = step->fence};
    keep(held->id, sizeof(held->id), arc__id_slice(&step->id));
    keep(held->run, sizeof(held->run), arc__id_slice(&run->id));
    keep(held->job, sizeof(held->job), job->key);
    keep(held->step, sizeof(held->step), job->steps[offer->step].name);
}

size_t hand_take(struct hand *hand, int acknowledge)
{
    struct arc_offer offer;
    size_t taken = 0;
    /* What it has no room for stays where it is. */
    while (hand->held_count < ARC_COUNT_OF(hand->held) &&
           arc__session_next(hand->session, &hand->w->arena, &offer, NULL) == ARC_OK) {
        if (offer.kind == ARC_OFFER_CANCEL && hand->cancel_count < ARC_COUNT_OF(hand->cancels)) {
            struct held *cancel = &hand->cancels[hand->cancel_count++];
            hold(cancel, &offer);
            keep(cancel->id, sizeof(cancel->id), offer.cancel.step_run_id);
        }
        if (offer.kind != ARC_OFFER_STEP)
            continue;
        struct held *held = &hand->held[hand->held_count++];
        hold(held, &offer);
        taken++;
        if (acknowledge)
            CHECK_OK(arc__session_ack(hand->session, arc__slice_cstr(held->id), held->fence, 1,
                                      ARC_NONE, NULL));
    }
    arc__arena_reset(&hand->w->arena);
    return taken;
}

arc_status hand_beat(struct hand *hand, struct arc_renewal *out)
{
    struct arc_lease leases[ARC_COUNT_OF(hand->held)];
    struct arc_renewal ignored;
    for (size_t i = 0; i < hand->held_count; i++)
        leases[i] = (struct arc_lease){arc__slice_cstr(hand->held[i].id), hand->held[i].attempt,
                                       hand->held[i].fence};
    struct arc_heartbeat beat = {.agent_id = arc__slice_cstr(hand->id),
                                 .incarnation = arc__slice_cstr(hand->incarnation),
                                 .leases = leases,
                                 .lease_count = hand->held_count,
                                 .has_leases = 1,
                                 .running_count = (int32_t)hand->held_count};
    return arc__engine_heartbeat(hand->w->engine, &beat, &hand->w->arena,
                                 out != NULL ? out : &ignored, NULL);
}

struct arc_cmd *hand_report(struct hand *hand, const struct held *held, int status, int exit_code)
{
    struct arc_cmd *cmd = world_cmd(hand->w, ARC_CMD_STEP_REPORT);
    if (cmd == NULL)
        return NULL;
    cmd->u.report.agent_id = world_text(cmd, hand->id);
    cmd->u.report.step_run_id = world_text(cmd, held->id);
    cmd->u.report.status = status;
    cmd->u.report.attempt = held->attempt;
    cmd->u.report.fence = held->fence;
    cmd->u.report.exit_code = exit_code;
    return cmd;
}

struct said hand_say(struct hand *hand, const struct held *held, int status, int exit_code)
{
    struct held copy = *held;
    struct said said = world_ask(hand->w, hand_report(hand, &copy, status, exit_code));
    if (status != ARC_STEP_RUNNING && said.status == ARC_OK)
        hand_drop(hand, &copy);
    return said;
}

struct held *hand_find(struct hand *hand, const char *job)
{
    for (size_t i = 0; i < hand->held_count; i++) {
        if (strcmp(hand->held[i].job, job) == 0)
            return &hand->held[i];
    }
    return NULL;
}

void hand_drop(struct hand *hand, const struct held *held)
{
    for (size_t i = 0; i < hand->held_count; i++) {
        if (hand->held[i].fence == held->fence) {
            hand->held[i] = hand->held[--hand->held_count];
            return;
        }
    }
}

void hand_work(struct hand *hand)
{
    for (int i = 0; i < 10000; i++) {
        (void)hand_take(hand, 1);
        if (hand->held_count == 0)
            return;
        struct held held = hand->held[0];
        CHECK_OK(hand_say(hand, &held, ARC_STEP_RUNNING, 0).status);
        CHECK_OK(hand_say(hand, &held, ARC_STEP_SUCCESS, 0).status);
    }
}

/* --- looking ------------------------------------------------------------------------------------
 */

struct found {
    int came;
    arc_status status;
    struct arc_rows rows;
};

static void found_rows(void *user, arc_status status, const struct arc_rows *rows,
                       const arc_err *err)
{
    struct found *found = user;
    (void)err;
    found->came = 1;
    found->status = status;
    if (rows != NULL)
        found->rows = *rows;
}

/* Straight to the store: what is durable, whatever the engine thinks. */
static struct found look(struct world *w, const struct arc_query *query, struct arc_arena *arena)
{
    struct found found = {0};
    CHECK_OK(w->store->ops->query(w->store, query, arena, found_rows, &found, NULL));
    world_settle(w);
    CHECK_INT(found.came, 1);
    return found;
}

arc_status world_rows(struct world *w, const struct arc_query *query, struct arc_rows *rows)
{
    struct found found = look(w, query, &w->arena);
    *rows = found.rows;
    return found.status;
}

static int64_t run_col(struct world *w, const char *run, uint32_t col)
{
    struct arc_arena arena;
    struct arc_query query = {.table = ARC_TABLE_pipeline_run, .filter_count = 1, .order_col = -1};
    query.filters[0] = (struct arc_filter){
        .col = ARC_COL_pipeline_run_id, .op = ARC_FILTER_EQ, .text = arc__slice_cstr(run)};
    arc__arena_init(&arena, &w->mem, 16u * 1024 * 1024);
    struct found found = look(w, &query, &arena);
    int64_t value = -1;
    const struct arc_table_def *def = arc__table_def(ARC_TABLE_pipeline_run);
    if (found.rows.count == 1)
        memcpy(&value, (const char *)found.rows.rows + def->cols[col].offset, sizeof(value));
    arc__arena_deinit(&arena);
    return value;
}

int64_t world_run_col(struct world *w, const char *run, uint32_t col)
{
    return run_col(w, run, col);
}

int world_run_status(struct world *w, const char *run)
{
    return (int)run_col(w, run, ARC_COL_pipeline_run_status);
}

int64_t world_count(struct world *w, enum arc_table table, uint32_t col, const char *value)
{
    struct arc_arena arena;
    struct arc_query query = {.table = table, .filter_count = 1, .order_col = -1, .want_total = 1};
    query.filters[0] =
        (struct arc_filter){.col = col, .op = ARC_FILTER_EQ, .text = arc__slice_cstr(value)};
    arc__arena_init(&arena, &w->mem, 64u * 1024 * 1024);
    struct found found = look(w, &query, &arena);
    int64_t total = found.rows.total;
    arc__arena_deinit(&arena);
    return total;
}

void world_check_events(struct world *w)
{
    struct arc_arena arena;
    struct arc_query query = {.table = ARC_TABLE_event, .order_col = -1};
    arc__arena_init(&arena, &w->mem, 256u * 1024 * 1024);
    struct found found = look(w, &query, &arena);
    const struct arc_row_event *rows = found.rows.rows;
    for (size_t i = 0; i < found.rows.count; i++) {
        int same = i > 0 && arc__slice_equal(rows[i].stream, rows[i - 1].stream);
        if (!CHECK_INT(rows[i].seq, same ? rows[i - 1].seq + 1 : 1)) {
            printf("# stream %.*s, %.*s\n", ARC_ARG(rows[i].stream), ARC_ARG(rows[i].type));
            break;
        }
    }
    arc__arena_deinit(&arena);
    query.order_col = ARC_COL_event_position;
    found = look(w, &query, &arena);
    rows = found.rows.rows;
    for (size_t i = 0; i < found.rows.count; i++) {
        if (!CHECK_INT(rows[i].position, (int64_t)i + 1))
            break;
    }
    arc__arena_deinit(&arena);
}

void world_story(struct world *w, const char *run, char *text, size_t size)
{
    struct arc_arena arena;
    size_t at = 0;
    struct arc_query query = {.table = ARC_TABLE_event, .filter_count = 1, .order_col = -1};
    query.filters[0] = (struct arc_filter){
        .col = ARC_COL_event_stream, .op = ARC_FILTER_EQ, .text = arc__slice_cstr(run)};
    arc__arena_init(&arena, &w->mem, 256u * 1024 * 1024);
    struct found found = look(w, &query, &arena);
    const struct arc_row_event *rows = found.rows.rows;
    text[0] = '\0';
    for (size_t i = 0; i < found.rows.count && at + 64 < size; i++) {
        arc_slice type = arc__slice_from(rows[i].type, sizeof("arcentra.") - 1);
        at += (size_t)snprintf(text + at, size - at, "%s%.*s", i > 0 ? " " : "", ARC_ARG(type));
    }
    arc__arena_deinit(&arena);
}
