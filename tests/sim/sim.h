/* SPDX-License-Identifier: Apache-2.0 */
/* One simulated life: a server over a store that fails, agents behind a network that loses, people
 * who ask for things, somebody who means ill, and watchers. All of it is one process with one heap
 * of events, ordered by virtual time and by the order of making; nothing asks a clock or a random
 * device, so a seed is a life, byte for byte.
 *
 *   server.c    the engines, crashes, restarts, silences; of several: whose turn it is
 *   front.c     the store of each, with faults in front of the commit
 *   agent.c     agents and the network between them and the server
 *   roam.c      agents among several servers
 *   people.c    operators, the adversary, watchers: one table of what they do
 *   defs.c      definitions: a table by hand, and random ones
 *   shadow*.c   the model: folds what was committed, and says what is wrong (shadow.h)
 *   sim.c       the heap, the phases (build, chaos, heal), the trace
 *   main.c      ranges of seeds, workers, the shrinker
 *
 * To add a fault: a row in faults.def and a question `faulty(sim, ARC…)` where it strikes. A goal:
 * a row in goals.def and `reached(sim, …)`. An invariant: a row in invariants.def and `broke`. A
 * definition: a row in defs.c. Something that people do: a row in people.c. */
#ifndef ARC_SIM_SIM_H
#define ARC_SIM_SIM_H

#include <stdio.h>

#include "base/time.h"
#include "dice.h"
#include "engine/engine.h"
#include "spec/spec.h"
#include "store/mem.h"

#define SECONDS(n) ((int64_t)(n)*ARC_NS_PER_S)
#define TTL_NS SECONDS(30)

#define AGENTS_MAX 5
#define TASKS_MAX 6
#define LEASES_MAX TASKS_MAX
#define PIPELINES_MAX 4
#define RUNS_MAX 14
#define WATCHERS_MAX 3
#define MESSAGES_MAX 400
#define CALLS_MAX 256
#define HEAP_MAX 1024
#define ATTEMPTS_MAX 2048 /* a power of two; attempts of steps in one life */
#define TRACE_MAX 50
#define OLD_MAX 64 /* messages that the adversary has kept */
#define REPLICAS_MAX 4
#define REPLICA_LEASE_NS SECONDS(10)

enum fault {
#define FAULT(name, text, odds, sentence) FAULT_##name,
#include "faults.def"
    FAULT_COUNT,
    FAULT_OF_ONE = FAULT_FAR /* those before it befall a single server too */
};

enum goal {
#define GOAL(name, sentence) GOAL_##name,
#include "goals.def"
    GOAL_COUNT
};

enum invariant {
#define INVARIANT(name, sentence) INV_##name,
#include "invariants.def"
    INV_COUNT
};

extern const char *const sim_fault_names[FAULT_COUNT], *const sim_fault_sentences[FAULT_COUNT];
extern const char *const sim_goal_sentences[GOAL_COUNT];
extern const char *const sim_invariant_names[INV_COUNT], *const sim_invariant_sentences[INV_COUNT];

struct sim;

/* A real store, where a life is lived on one. reopen: its process was killed; *store is what it had
 * open, and then what the next has. close: nothing of it stays; store may be NULL. */
struct sim_store {
    arc_status (*open)(struct sim_store *self, struct arc_store **store, arc_err *err);
    arc_status (*reopen)(struct sim_store *self, struct arc_store **store, arc_err *err);
    void (*close)(struct sim_store *self, struct arc_store *store);
    void (*wait)(int fd, int timeout_ms);
};

/* What a life may be made of; the shrinker makes it smaller. 0 in a limit: as the seed draws. */
struct sim_plan {
    uint64_t seed;
    uint64_t off; /* bits of faults that are off whatever the seed drew */
    uint32_t agents, runs, seconds;
    uint32_t replicas; /* servers on the store; 0, 1: one, that has it for itself */
    int verbose;
    struct sim_store *store; /* NULL: memory. stores.h has others */
    int rows;                /* 1: the rows that are there at its end are hashed too */
    /* For who looks on; may be NULL: after each batch that is stored, and when all is over and
     * nothing is closed. */
    void (*stored)(struct sim *sim, const struct arc_store_batch *batch);
    void (*ended)(struct sim *sim);
    void *user;
};

/* --- messages between agents and the server -------------------------------------------------- */

enum message_kind {
    MSG_NONE,
    MSG_REGISTER,
    MSG_CONNECT,
    MSG_BEAT,
    MSG_ACK,
    MSG_REPORT,
    MSG_LOG,
    MSG_PUSH,
    /* from the server */
    MSG_REGISTERED,
    MSG_BEATEN,
    MSG_OFFER,
    MSG_CANCEL,
    MSG_REPORTED,
    MSG_PUSHED,
    MSG_LOGGED,
};

struct lease {
    char id[32];
    int32_t attempt;
    uint64_t fence;
};

struct message {
    enum message_kind kind;
    uint32_t agent, server; /* server: to or from which */
    uint32_t life;          /* of the agent's process that it is from or for */
    uint32_t connection;    /* number of the channel; an older one is closed */
    struct lease lease;
    int32_t status, exit_code, accepted;
    char outputs[24];
    struct lease leases[LEASES_MAX], lost[LEASES_MAX], cancels[LEASES_MAX];
    uint32_t lease_count, lost_count, cancel_count;
    uint64_t sent_ns; /* by the agent's clock; the answer carries it back */
    uint64_t epoch, first_seq, acked_seq;
    uint32_t event_count;
    int64_t first_line, line_count; /* of a log; of a report's end: all lines that there were */
    arc_status answer;
    int32_t forged; /* made up by the adversary: 1 replayed, 2 with another's name, 3 other fence */
    uint32_t run, job, step, execution, job_attempt; /* of an offer: what it is about */
    int in_use;
};

/* --- events of the heap ----------------------------------------------------------------------- */

enum happening {
    HAPPEN_MESSAGE, /* number: in messages */
    HAPPEN_AGENT,   /* number: agent; its next look at the world */
    HAPPEN_PEOPLE,
    HAPPEN_ADVERSARY,
    HAPPEN_WATCHER, /* number: watcher */
    HAPPEN_STORE,   /* number: of a call that is held, and of its server */
    HAPPEN_TROUBLE, /* crashes between turns, cuts, jumps */
    HAPPEN_RESTART, /* number: server */
    HAPPEN_WAKE,    /* number: server; its silence is over */
    HAPPEN_COUNT
};

struct event {
    uint64_t at_ns, order;
    enum happening what;
    uint32_t number;
};

/* --- agents ----------------------------------------------------------------------------------- */

enum task_state { TASK_TAKEN, TASK_RUNNING, TASK_OVER };

struct task {
    struct lease lease;
    enum task_state state;
    int told;      /* RUNNING was answered */
    int cancelled; /* asked to end it */
    int status, exit_code;
    char outputs[24];
    uint64_t renewed_ns;  /* own clock: when the renewal was asked for that was answered; 0: none */
    uint64_t ends_ns;     /* own clock */
    uint64_t reported_ns; /* own clock: of the last try */
    uint32_t run, job, step, execution, job_attempt;
    int64_t lines, lines_kept, lines_told; /* made; the first that it still has; answered */
    uint64_t log_ns, over_ns;              /* own clock: of the next try; it ended */
};

/* What is set back with its machine. */
struct snapshot {
    uint32_t life, task_count;
    struct task tasks[TASKS_MAX];
    uint64_t epoch, made_seq, acked_seq, sent_seq;
};

/* The server's end of a connection. */
struct channel {
    struct arc_session *session;
    uint32_t connection, life;
    int due;
};

struct agent_sim {
    char id[32], token[128], labels[48];
    uint32_t server;      /* with which it talks */
    uint64_t answered_ns; /* own clock: when that one last answered */
    uint32_t slots;
    int alive, paused;
    uint32_t life;                      /* of its process; its incarnation is made of it */
    uint32_t server_lives;              /* of its processes, that the server has heard of */
    uint64_t new_life_ns;               /* when it heard of the last */
    uint64_t heard_ns[REPLICAS_MAX];    /* when it was last heard, by each server */
    uint32_t life_server;               /* which server heard of it … */
    uint64_t life_start;                /* … and which start of that one */
    uint64_t lives_heard[REPLICAS_MAX]; /* bits of its processes that a server has heard of */
    uint32_t claimed_lives;             /* of those that may be on their way to be heard of */
    uint64_t back_ns, befall_ns;
    int64_t rate_ppm; /* its clock against the world's */
    int64_t every_ns; /* between heartbeats while it holds something */
    int registered, connected;
    uint32_t connection;
    uint64_t registering_ns, beat_ns, push_ns; /* own clock */
    uint64_t cut_in_until_ns, cut_out_until_ns;
    uint64_t next_look_ns; /* world's clock; what stands in the heap */
    struct task tasks[TASKS_MAX];
    uint32_t task_count;
    uint64_t epoch, made_seq, acked_seq, sent_seq;
    /* The last that a server has acknowledged, and said so: answers of two may cross. */
    uint64_t told_epoch[REPLICAS_MAX], told_seq[REPLICAS_MAX];
    uint64_t saved_ns, rolled_ns; /* world's clock: of the snapshot; when it was set back to one */
    struct snapshot snapshot;
    struct channel channels[REPLICAS_MAX];
    struct dice dice;
};

/* --- the server ------------------------------------------------------------------------------- */

struct held_call {
    int in_use, ready, batch_kind; /* 1 commit, 2 query, 3 claim */
    int outcome;                   /* enum store_outcome of server.c */
    int when;                      /* enum store_when: its answer may be on its way for long */
    int happened;                  /* with this status, err and rows: nobody has heard of it yet */
    arc_status status;
    arc_err err;
    struct arc_rows rows;
    int64_t shift;
    struct arc_store_batch batch;
    arc_commit_done commit_done;
    struct arc_query query;
    struct arc_arena *arena;
    arc_query_done query_done;
    void *user;
    uint64_t decided_ns, due_ns; /* due: the last word about when it is answered */
};
#define HELD_CALLS_MAX 64

struct sim;

/* What waits for an answer of the engine. */
struct call {
    struct sim *sim;
    struct server *server;
    int in_use;
    uint32_t number;
    const struct command *command; /* people's; NULL: a message's */
    struct message message;
    uint32_t run, pipeline, step;
    char what[32];
    int forced;  /* a stop */
    int foreign; /* asked for by somebody who may see another project alone */
    struct arc_cmd *cmd;
    /* asked for while the world is built */
    int times;
    arc_status status;
    char id[32], secret[128];
};

struct server {
    struct sim *sim;
    uint32_t number;
    char name[16]; /* as a replica; "": none */
    struct arc_store *front;
    struct arc_engine *engine; /* NULL: down */
    uint64_t silent_until_ns;  /* the process stands still */
    uint64_t away_until_ns;    /* the store does not answer it */
    struct arc_mem mem;
    uint64_t starts, crash_due, restart_ns;
    int recovering, compared;
    uint32_t
        notified; /* the store has told it that others have changed something: in which tables */
    int64_t told_last; /* and how long the log was then */
    arc_store_changed changed;
    void *changed_user;
    struct held_call held[HELD_CALLS_MAX];
    uint64_t full_until_ns, squeeze_until_ns;
    uint64_t mono_base; /* of the machine's clock: to be added to virtual time; may wrap */
    int64_t wall_base;
    struct dice dice, store_dice, random;
};

struct watcher {
    struct arc_event_watch *watch;
    uint32_t server;
    int64_t seen;
};

/* Watches one run from its first event to its last, then another. */
struct follower {
    struct arc_event_watch *watch;
    uint32_t server;
    uint32_t run;      /* of the shadow's */
    int64_t seen, seq; /* position and number of the last */
};

/* A run that somebody wants. Asked for until it is answered, under one id. */
struct request {
    char id[16], run[32];
    uint32_t pipeline;
    int answered;
    uint64_t asked_ns;
    int32_t priority;
    int again;              /* a rerun: an enum arc_rerun; 0: a trigger */
    uint32_t of, job, step; /* of which run (of the shadow's), and from where */
    int by_step;            /* its step run is named, and not the job */
    char step_id[32];
};

/* Of a run: what was answered with ARC_OK. */
struct told {
    uint32_t pauses, resumes;
};

struct trace_line {
    uint64_t at_ns;
    char text[116];
};

struct old_message {
    struct message message;
};

struct sim {
    struct sim_plan plan;
    uint8_t fault[FAULT_COUNT]; /* strength; 0: off */
    uint64_t goals[GOAL_COUNT];
    int healing;  /* nothing strikes any more */
    int confused; /* the adversary has spoken for an agent's dead process */
    uint64_t now_ns, order, happened;
    struct event heap[HEAP_MAX];
    uint32_t heap_count;
    struct message messages[MESSAGES_MAX];
    struct call calls[CALLS_MAX];
    struct arc_store *base; /* that all servers have */
    struct arc_log_store *logs;
    struct server servers[REPLICAS_MAX];
    uint32_t server_count;
    struct server *server; /* the one whose turn it is, or to which somebody speaks */
    uint64_t trouble_ns;   /* last time that something kept one of them from its work */
    uint32_t jumps;        /* of wall clocks */
    int64_t position;      /* of the last event in a store that several share */
    struct agent_sim agents[AGENTS_MAX];
    uint32_t agent_count;
    char pipelines[PIPELINES_MAX][32];
    uint32_t project[PIPELINES_MAX]; /* 1 or 2: "p1", "p2" */
    const char *texts[PIPELINES_MAX];
    char random_text[4096];
    uint32_t pipeline_count;
    uint32_t runs_wanted, request_count, triggers;
    struct request requests[RUNS_MAX];
    struct told told[RUNS_MAX + 2]; /* by run of the shadow */
    uint64_t chaos_ns, heal_ns;
    struct watcher watchers[WATCHERS_MAX];
    struct follower follower;
    struct old_message old[OLD_MAX];
    uint32_t old_count;
    struct shadow *shadow;
    int64_t live_allocations;
    uint64_t live_bytes, most_bytes;
    struct arc_arena arena; /* scratch, reset after each event */
    struct dice net_dice, people_dice, evil_dice, watch_dice, trouble_dice, draw_dice;
    struct dice turn_dice; /* of several servers: whose turn it is */
    uint64_t hash;
    uint64_t rows_hash, row_count; /* of all that is stored at its end, where the plan asks */
    struct trace_line trace[TRACE_MAX];
    uint64_t traced;
    int broken; /* 1: an invariant does not hold */
    enum invariant broke;
    char sentence[240];
};

/* --- sim.c -------------------------------------------------------------------------------------
 */

/* Lives a whole life. 1: every invariant held. */
int sim_live(struct sim *sim, const struct sim_plan *plan);
/* The faults that a seed draws, as bits. */
uint64_t sim_drawn(const struct sim_plan *plan);

void sim_at(struct sim *sim, uint64_t at_ns, enum happening what, uint32_t number);
/* Into the hash and into the ring of the last lines. */
void sim_trace(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_mix(struct sim *sim, uint64_t value);
void broke(struct sim *sim, enum invariant which, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline void reached(struct sim *sim, enum goal goal)
{
    sim->goals[goal]++;
}
const char *sim_project(const struct sim *sim, uint32_t pipeline);
/* I13: no credential of an agent is in a text that others read. */
void sim_no_secret(struct sim *sim, arc_slice text, const char *where);
/* 1: this fault strikes now. per_mille: how often at strength 1. */
static inline int faulty(struct sim *sim, enum fault fault, struct dice *dice, uint32_t per_mille)
{
    if (sim->fault[fault] == 0)
        return 0;
    int strikes = chance(dice, per_mille * sim->fault[fault]);
    return strikes && !sim->healing;
}

/* --- server.c ----------------------------------------------------------------------------------
 */

int server_open(struct sim *sim);
/* Of every table, in the order of its keys, into rows_hash and row_count. */
void server_hash_rows(struct sim *sim);
void server_close(struct sim *sim);
/* The process is gone: nobody hears of anything, the store is what was committed. */
void server_crash(struct server *server, const char *why);
void server_restart(struct sim *sim, uint32_t number);
void server_trouble_now(struct sim *sim);           /* what is late from now on has an excuse */
void server_wake(struct sim *sim, uint32_t number); /* HAPPEN_WAKE */
/* Dispatches until nothing is due now, and hands out what there is to be told. */
void server_turn(struct sim *sim);
uint64_t server_deadline(const struct sim *sim); /* virtual time */
void server_trouble(struct sim *sim);            /* HAPPEN_TROUBLE */
void server_store_ready(struct sim *sim, uint32_t number);
struct arc_now server_now(const struct server *server);
int server_ready(const struct sim *sim);  /* one of them is up and has recovered */
int servers_ready(const struct sim *sim); /* all of them */
int server_is_ready(const struct server *server);
int server_awake(const struct server *server);        /* it is up, and does not stand still */
void server_pick(struct sim *sim, struct dice *dice); /* of several, one of those that are up */
void servers_heal(struct sim *sim);
static inline int is_shared(const struct sim *sim)
{
    return sim->server_count > 1;
}
/* A call for a command of the engine; NULL: the server is down, or too many wait. The command is
 * submitted with call_submit, which owns both. */
struct call *call_new(struct sim *sim, enum arc_cmd_kind kind);
arc_slice call_text(struct call *call, const char *text);
void call_submit(struct call *call);
/* While the world is built: waits for the answer. */
void call_wait(struct call *call);

/* --- agent.c -----------------------------------------------------------------------------------
 */

void agents_build(struct sim *sim);
void agent_look(struct sim *sim, uint32_t number);      /* HAPPEN_AGENT */
void message_arrives(struct sim *sim, uint32_t number); /* HAPPEN_MESSAGE */
void agent_answered(struct call *call, const struct arc_answer *answer);
void agent_pump(struct server *server, uint32_t number); /* offers of its session */
void agents_heal(struct sim *sim);
void agents_forget_sessions(struct server *server, int close);
int agents_idle(const struct sim *sim); /* nothing of theirs is unsaid */
void message_deliver(struct sim *sim, const struct message *message); /* to the server, now */
/* What line n of an attempt says; clean: as it is stored, where it cannot be kept as it came. */
void sim_line(char *out, size_t size, int32_t attempt, int64_t n, int clean);
/* How a step must end: seeded by what it is, not by who runs it or when. */
struct fate {
    int status, exit_code;
    int64_t takes_ns;
    char outputs[24];
};
struct fate sim_fate(const struct sim *sim, uint32_t run, uint32_t job, uint32_t step,
                     uint32_t job_attempt, uint32_t execution);

/* --- roam.c: agents among several servers --------------------------------------------------------
 */

/* It wants a connection: to the same server, or to another one. */
void roam_choose(struct sim *sim, struct agent_sim *agent, uint64_t local_ns);
/* A while has passed. 1: it gives its connection up. */
int roam_leaves(struct sim *sim, struct agent_sim *agent, uint64_t local_ns);
/* Nobody is there to hear it now, but it stays in the socket: when it will be heard; 0: never. */
uint64_t roam_heard_ns(struct sim *sim, uint32_t server);
struct attempt;
/* It is over, and of several servers the one that offers it must have heard of that. */
int roam_known_over(const struct sim *sim, const struct attempt *attempt);
/* 1: this server may not know that another process has followed this one. */
int roam_forgets(const struct sim *sim, const struct agent_sim *agent, uint32_t life);
/* The same of what has happened at this time. */
int roam_known(const struct sim *sim, uint64_t at_ns);
/* It has come to another server: its end at the others is over, or hangs on there. */
void roam_arrived(struct server *server, uint32_t number);
/* What there was to be told has been: one that is over is closed, and its agent hears of that. */
void roam_pumped(struct channel *channel, arc_status status);

/* --- people.c ----------------------------------------------------------------------------------
 */

struct command;
void people_act(struct sim *sim);       /* HAPPEN_PEOPLE */
void adversary_act(struct sim *sim);    /* HAPPEN_ADVERSARY */
int people_idle(const struct sim *sim); /* everything that they asked for was answered */
void people_answered(struct call *call, const struct arc_answer *answer);
void watcher_act(struct sim *sim, uint32_t number); /* HAPPEN_WATCHER */
void watchers_open(struct server *server);
void watchers_close(struct server *server);
int watchers_idle(const struct sim *sim); /* they have seen everything */
void adversary_keeps(struct sim *sim, const struct message *message);

/* --- defs.c ------------------------------------------------------------------------------------
 */

void defs_draw(struct sim *sim, struct dice *dice);
/* Plans one of them: what the shadow judges by. NULL: it cannot be planned. */
const struct arc_plan *defs_plan(const char *yaml, struct arc_arena *arena);
struct arc_definition_input defs_input(const char *yaml, struct arc_arena *arena);
/* The truth of an expression of a condition, by a row for each text. */
struct expr_facts {
    int success, failure, cancelled;
    const char *outputs; /* of the job that it names, as JSON; "": it has none */
};
struct def_expr {
    const char *text, *needs; /* needs: the job whose outputs it reads, or NULL */
    int (*holds)(const struct expr_facts *facts);
};
const struct def_expr *defs_expr(arc_slice text);

#endif
