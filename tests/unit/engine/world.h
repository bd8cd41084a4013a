/* SPDX-License-Identifier: Apache-2.0 */
/* An engine with everything around it that is real: a store (memory or SQLite), step logs in
 * memory, the definition reader, and agents that a test moves by hand. Time and random bytes are
 * the test's.
 *
 * The world outlives its engine: world_crash ends the engine as a kill would, with nothing said to
 * anybody, and opens a new one on the same store. */
#ifndef ARC_TEST_ENGINE_WORLD_H
#define ARC_TEST_ENGINE_WORLD_H

#include "base/time.h"
#include "engine/engine.h"
#include "shim.h"
#include "store/mem.h"

#define SECONDS(n) ((n)*ARC_NS_PER_S)

enum world_store { WORLD_MEM, WORLD_SQLITE, WORLD_GIVEN };

/* Made by a program whose worlds are WORLD_GIVEN; is_new: it is to be empty. */
struct arc_store *world_given_store(const struct arc_mem *mem, int is_new, arc_err *err);

/* What a command answered, kept. */
struct said {
    int times; /* how often done came */
    arc_status status;
    char id[32], step_run_id[32], secret[128], sha[72], subject[40], message[160], findings[256];
    int duplicate, state;
    int64_t number;
    int ack_status;
    uint64_t epoch, last_accepted, expected, rejected[16];
    size_t rejected_count;
};

struct late;

struct world {
    struct test_mem memory;
    struct arc_mem mem;
    enum world_store kind;
    struct arc_store *store; /* the one underneath; its close is the world's */
    struct arc_log_store *logs;
    struct arc_engine *engine;
    struct arc_engine_options options;
    struct arc_now now;
    uint64_t random; /* state of the generator */
    char dir[64];
    struct arc_arena arena; /* for offers and renewals; reset at will */
    uint64_t logged;        /* lines that the engine said to its log */
    uint64_t store_calls;   /* commits and queries of the engine */
    uint64_t log_looks;     /* questions of the engine about what a log holds */
    int log_rivals;         /* so many appends find that somebody has come before */
    struct world *first;    /* whose store and logs these are; NULL: its own */
    int shared;
    int64_t last; /* position, of a store in memory that several worlds share */
    /* Events of a stream are read when they are asked for, and answered by world_answer. */
    /* What is answered late: events of a run, or all of a table. */
    enum {
        WORLD_AT_ONCE,
        WORLD_LATE_EVENTS,
        WORLD_LATE_TOKENS,
        WORLD_LATE_INBOX,
        WORLD_LATE_REPLICAS,
        WORLD_LATE_AGENT_EVENTS
    } answers_late;
    struct late *late;
    arc_store_changed changed; /* the engine's */
    void *changed_user;
};

/* Answers 0, with a failed check, where it could not be built. */
int world_open(struct world *w, enum world_store kind);
/* A world beside others on one store: first is the one that has it, NULL: this one. name: of the
 * process. They are closed in the reverse order. */
int world_open_beside(struct world *w, struct world *first, enum world_store kind,
                      const char *name);
void world_close(struct world *w);
/* A kill: the engine is gone, the store is what was durable. Opens anew. Leaves w->engine NULL when
 * that failed. */
arc_status world_crash(struct world *w, arc_err *err);
void world_end_engine(struct world *w);
arc_status world_start_engine(struct world *w, arc_err *err);

/* Dispatches until nothing is due now (at most a few hundred turns: more is a failed check). */
void world_turn(struct world *w);
/* The engine's, where a store may have to be asked first. */
arc_status world_next_notice(struct world *w, const struct arc_row_outbox **out);
/* Until a store that answers later has answered everything. */
void world_settle(struct world *w);
/* What was asked for while answers_late was set: as it was then. */
void world_answer(struct world *w);
/* The engine hears that others may have stored something: without, it looks each second. */
void world_tell(struct world *w);
/* Moves both clocks and dispatches at every deadline on the way. */
void world_pass(struct world *w, int64_t ns);

/* --- commands: made, submitted and, in the world_… forms that answer a said, waited for ---------
 */

void world_done(void *user, const struct arc_answer *answer); /* user: struct said */
struct arc_cmd *world_cmd(struct world *w, enum arc_cmd_kind kind);
arc_slice world_text(struct arc_cmd *cmd, const char *text); /* in its arena */
void world_submit(struct world *w, struct arc_cmd *cmd, struct said *said);
struct said world_ask(struct world *w, struct arc_cmd *cmd);

struct arc_definition_input world_definition(struct arc_cmd *cmd, const char *yaml);
/* Commands ready for world_submit or world_ask. */
struct arc_cmd *world_create(struct world *w, const char *name, const char *yaml);
struct arc_cmd *world_save(struct world *w, const char *pipeline, const char *yaml);
struct arc_cmd *world_trigger(struct world *w, const char *pipeline, const char *request_id);
struct arc_cmd *world_control(struct world *w, enum arc_cmd_kind kind, const char *run);
struct arc_cmd *world_token(struct world *w, uint32_t kind, int64_t max_uses);
struct arc_cmd *world_register(struct world *w, const char *token, const char *name,
                               const char *labels);
/* A pipeline of yaml with one run of it. */
void world_start_run(struct world *w, const char *yaml, struct said *pipeline, struct said *run);

/* --- agents --------------------------------------------------------------------------------- */

struct held {
    char id[32], job[32], step[24], run[32];
    int32_t attempt;
    uint64_t fence;
};

struct hand {
    struct world *w;
    char id[32], token[128], incarnation[32];
    struct arc_session *session;
    int notices;
    struct held held[12]; /* offered and not reported as ended */
    size_t held_count;
    struct held cancels[4];
    size_t cancel_count;
    int silent; /* 1: world_work leaves it alone */
};

/* Registers with a new registration token and opens a session. */
int hand_join(struct hand *hand, struct world *w, const char *name, const char *labels, int slots);
void hand_connect(struct hand *hand);
void hand_leave(struct hand *hand); /* closes the session */
/* Takes every offer: steps (acknowledged) into held, cancels into cancels. The number of steps. */
size_t hand_take(struct hand *hand, int acknowledge);
arc_status hand_beat(struct hand *hand, struct arc_renewal *out);
struct arc_cmd *hand_report(struct hand *hand, const struct held *held, int status, int exit_code);
/* Reports and waits. */
struct said hand_say(struct hand *hand, const struct held *held, int status, int exit_code);
/* The held step of this job; NULL when there is none. */
struct held *hand_find(struct hand *hand, const char *job);
void hand_drop(struct hand *hand, const struct held *held);
/* Takes, starts and ends with success whatever is offered, until nothing is. */
void hand_work(struct hand *hand);

/* --- looking --------------------------------------------------------------------------------- */

int world_run_status(struct world *w, const char *run);
/* A number of the stored row of a run (ARC_COL_pipeline_run_…); -1: no such row. */
int64_t world_run_col(struct world *w, const char *run, uint32_t col);
/* Rows as they are stored, until world_close or the next reset of w->arena. */
arc_status world_rows(struct world *w, const struct arc_query *query, struct arc_rows *rows);
/* How many rows of a table have this value in a text column. */
int64_t world_count(struct world *w, enum arc_table table, uint32_t col, const char *value);
/* Checks that every stream of the event table counts 1, 2, 3 …, and every position once. */
void world_check_events(struct world *w);
/* The types of a run's events, "triggered queued …" in short form, into text. */
void world_story(struct world *w, const char *run, char *text, size_t size);

/* A test over each store that the engine's tests use: name_mem and name_sqlite. */
#define ON_BOTH(name) \
    static void name##_mem(void) \
    { \
        name(WORLD_MEM); \
    } \
    static void name##_sqlite(void) \
    { \
        name(WORLD_SQLITE); \
    }

#endif
