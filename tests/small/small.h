/* SPDX-License-Identifier: Apache-2.0 */
/* Tiny worlds, searched to their end: one run of the real core (lib/core: decide, fold, leases,
 * fences), a desk before it that deals with agents as the engine does, two agents that keep to the
 * contract, and a network that holds at most three messages. Every order of what may happen is
 * tried; what was met before, seen from inside, is not tried again.
 *
 *   worlds.def  the worlds: a definition, who may ask for what, what may go wrong
 *   world.c     one world in one piece of memory; what was stored of it, and its fold
 *   desk.c      the server around the core: heartbeats, offers, reports, ticks
 *   moves.c     what may happen next, and what it does
 *   rules.c     what must hold, after every event and in every state: shares nothing with core
 *   print.c     the fingerprint of a world: what it means, not where it lies
 *   search.c    breadth first, the shortest way to what is wrong, the calm way to an end
 *   main.c      the program
 *
 * A world is one struct and a heap behind it, both of one fixed piece of memory: a copy of the
 * bytes is a copy of the world, pointers and all. */
#ifndef ARC_SMALL_SMALL_H
#define ARC_SMALL_SMALL_H

#include <stdio.h>

#include "base/time.h"
#include "core/decide.h"

#define UNIT_NS (10 * ARC_NS_PER_S) /* time goes in these */
#define TTL_UNITS 2
#define GRACE_UNITS 1
#define SETTLE_UNITS 1
#define FINALLY_UNITS 2
#define LOST_MOST 2
#define MONO_BASE_NS (1000 * ARC_NS_PER_S)
#define WALL_BASE_NS (1700000000 * ARC_NS_PER_S)

#define SMALL_AGENTS 2
#define SMALL_JOBS 4
#define SMALL_STEPS 3
#define SMALL_GATES 2
#define POOL_MAX 3
#define HANDS 2 /* tasks that an agent can keep track of */
#define GRANTS_MAX 32
#define LOG_MAX 128
#define HEAP_BYTES (256u * 1024u)
#define MOVES_MAX 128
#define WRONG_MAX 200

/* The states, by the numbers of the contract. */
enum { S_PENDING = 1, S_QUEUED, S_RUNNING, S_SUCCESS, S_FAILED, S_CANCELLED, S_TIMEOUT, S_SKIPPED };

/* --- worlds ------------------------------------------------------------------------------------
 */

/* What operators may do, as bits. */
enum {
    ASK_PAUSE = 1,
    ASK_STOP = 2,
    ASK_FORCE = 4,
    ASK_CANCEL_JOB = 8,
    ASK_CANCEL_STEP = 16,
    ASK_REJECT = 32,
    ASK_KILL_JOB = 64, /* cancel it, without its `finally` */
};
/* What may go wrong. */
enum {
    BAD_LOSS = 1,     /* a message is lost */
    BAD_SERVER = 2,   /* the server dies and folds what was stored */
    BAD_AGENT = 4,    /* an agent dies and comes back as another process */
    BAD_LEASE = 8,    /* time goes on though a lease needs its renewal */
    BAD_REFUSAL = 16, /* an agent does not take what it is offered */
    BAD_COPY = 32,    /* a message comes twice */
    BAD_SICK = 64,    /* steps may fail: this costs nothing */
    BAD_ALL = 127,
};

struct world_def {
    const char *name, *sentence, *text;
    uint32_t asks, bads;
    uint32_t asks_most, bads_most;
};
extern const struct world_def worlds[];
extern const uint32_t world_count;

/* Faults put into the desk and the agents on purpose, to see them found. */
#define PLANTS(P) \
    P(NONE, "none") \
    P(NO_LEASE_AFTER_RESTART, "leases-not-extended") \
    P(RENEWED_AND_NOT, "renewed-and-not") \
    P(OLD_INCARNATION, "old-incarnation") \
    P(OFFERED_AGAIN, "redispatch-after-restart") \
    P(SAME_FENCE, "same-fence") \
    P(EVENT_NOT_STORED, "event-not-stored") \
    P(NO_SELF_FENCE, "no-self-fence") \
    P(BEGINS_WITHOUT_LEASE, "begins-without-lease") \
    P(BEGINS_TWICE, "begins-twice") \
    P(NO_TICK, "no-tick")
#define PLANT_ENUM(name, word) PLANT_##name,
enum plant { PLANTS(PLANT_ENUM) PLANT_COUNT };
extern const char *const plant_names[PLANT_COUNT];

/* --- one world ---------------------------------------------------------------------------------
 */

/* What a fold asks of one stored event. */
struct record {
    uint8_t type, agent; /* 1 + agent; 0: none */
    int8_t job, step;
    uint8_t attempt, cause, force, gate;
    int8_t exit_code;
    uint8_t actor;
    uint16_t at, until; /* units; until: not before, expires, or the grace */
    uint16_t fence, ids;
};

/* A lease that was handed out; its number is its fence. */
struct grant {
    uint8_t job, step, job_attempt, attempt;
    uint8_t agent, life; /* of the process that the desk knew */
    uint8_t began;       /* number of the process that began it; 0: none has */
    uint8_t declined;    /* the same: would not take it */
    uint16_t until;      /* what its holder was promised */
};

enum message_kind {
    MSG_NONE,
    MSG_BEAT,
    MSG_ACK,
    MSG_REPORT,
    MSG_BEATEN,
    MSG_OFFER,
    MSG_CANCEL,
    MSG_REPORTED
};
enum { MARK_RENEWED = 1, MARK_LOST = 2, MARK_CANCEL = 4 };

struct message {
    uint8_t kind, agent, life;
    uint8_t copied; /* comes no second time */
    uint8_t age;    /* of a heartbeat and its answer, in units */
    uint8_t status, yes;
    uint8_t marks[HANDS];
    uint16_t fence[HANDS];
};

enum task_state { TASK_NONE, TASK_TAKEN, TASK_RUNNING, TASK_OVER };
struct task {
    uint16_t fence;
    uint8_t state, told, cancelled, status, age, said;
};
struct agent {
    uint8_t up, life, beaten;
    struct task tasks[HANDS];
};

/* What the server keeps of agents and of what it told them; only `life` outlives it. */
struct desk_agent {
    uint8_t life, session;
};
struct desk_job {
    uint8_t offered, cancel_forced;
    uint16_t told, cancel;
};

/* What the judge remembers: its own fold of the events. */
struct seen_step {
    uint8_t state, attempt, executions;
    int8_t exit_code;
    uint8_t stopping;
    uint16_t fence, started, not_before, ended, stopped; /* stopped: the end of its grace */
};
struct seen_job {
    uint8_t state, attempt, agent, lost;
    uint8_t started_any, failed, stopping, forced, outrun, by_failure, was_lost, cut;
    uint16_t queued, started, not_before, waited, ended, stopped;
    struct seen_step steps[SMALL_STEPS];
};
struct seen_gate {
    uint8_t state, approvals, by;
    uint16_t asked;
};
struct seen {
    uint8_t state, started, stopping, forced, stop_timeout, gate_refused;
    uint16_t at, still, still_since, paused, stopped, seq, fence;
    struct seen_job jobs[SMALL_JOBS];
    struct seen_gate gates[SMALL_GATES];
};

struct world {
    struct arc_run run; /* the core's; its memory lies behind this struct */
    uint16_t now;
    uint16_t fences, ids;
    uint8_t bads_left, asks_left;
    uint8_t confused; /* the word of a dead process came late, and was taken for a new one's */
    uint8_t pool_count;
    struct message pool[POOL_MAX];
    struct agent agents[SMALL_AGENTS];
    struct desk_agent desk[SMALL_AGENTS];
    struct desk_job places[SMALL_JOBS];
    struct grant grants[GRANTS_MAX];
    struct seen seen;
    uint32_t log_count;
    uint32_t heap_used; /* bytes behind the struct */
    struct record log[LOG_MAX];
};

/* What stands around a world and is no part of it. */
struct lab {
    const struct world_def *def;
    const struct arc_plan *plan;
    enum plant plant;
    struct arc_rules rules;
    struct arc_arena plans; /* the plan, for as long as the lab */
    struct arc_arena arena; /* of one move */
    struct world *world;    /* followed by HEAP_BYTES */
    struct arc_run second;  /* folded anew, to compare */
    char *second_heap;
    uint32_t second_used;
    /* of the move that is made */
    uint16_t move;
    struct message said;   /* the message that was delivered */
    char wrong[WRONG_MAX]; /* the first thing that does not hold; "": nothing */
    uint64_t probes;
};

/* --- world.c -----------------------------------------------------------------------------------
 */

/* 0: its definition cannot be planned, or memory is out. */
int lab_open(struct lab *lab, const struct world_def *def, enum plant plant);
void lab_close(struct lab *lab);
/* The world as it is before anything has happened but the trigger. */
void lab_begin(struct lab *lab);
/* The first thing that is wrong is kept. */
void broke(struct lab *lab, const char *which, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static inline size_t world_bytes(const struct lab *lab)
{
    return sizeof(struct world) + lab->world->heap_used;
}
struct arc_now world_now(const struct lab *lab);
void world_decide(struct lab *lab, struct arc_decision *d);
/* What was decided is stored, and looked at. */
void world_store(struct lab *lab, const struct arc_decision *d);
/* The server's memory is what the log says. */
void world_restart(struct lab *lab);
/* Folds the log into lab->second. */
int world_fold(struct lab *lab);
/* "A0", "A1" and back; -1: nobody. */
arc_slice agent_name(uint32_t agent);
int agent_of(arc_slice name);
uint16_t units_of(struct lab *lab, int64_t wall_ns);
/* The step that is next in a job, or NULL. */
struct arc_step_state *present_step(struct lab *lab, uint32_t job);
int is_granted(const struct arc_step_state *step);

/* --- desk.c ------------------------------------------------------------------------------------
 */

void desk_hear(struct lab *lab, const struct message *message);
void desk_tick(struct lab *lab);
void desk_ask(struct lab *lab, uint16_t move);
void desk_place(struct lab *lab, uint32_t job, uint32_t agent);
int desk_may_place(struct lab *lab, uint32_t job, uint32_t agent);
int desk_may_offer(struct lab *lab, uint32_t job);
int desk_may_order(struct lab *lab, uint32_t job);
void desk_offer(struct lab *lab, uint32_t job);
void desk_order(struct lab *lab, uint32_t job);
void desk_restart(struct lab *lab);
int desk_lease(struct lab *lab, uint32_t agent, uint16_t fence);
void desk_probe(struct lab *lab); /* what must be refused, and change nothing */
void pool_add(struct lab *lab, const struct message *message);

/* --- moves.c -----------------------------------------------------------------------------------
 */

/* Kind, and up to two small numbers. */
enum move_kind {
    MOVE_NONE,
    MOVE_RISE,    /* agent */
    MOVE_DELIVER, /* message */
    MOVE_RESUME,
    MOVE_APPROVE, /* gate, who */
    MOVE_BEGIN,   /* agent, hand */
    MOVE_END,     /* agent, hand + HANDS * status */
    MOVE_SAY,     /* agent, hand */
    MOVE_BEAT,    /* agent */
    MOVE_ORDER,   /* job */
    MOVE_OFFER,   /* job */
    MOVE_PLACE,   /* job, agent */
    MOVE_TICK,
    /* what calm people and machines do not do */
    MOVE_COPY,    /* message: it is delivered and stays */
    MOVE_LOSE,    /* message */
    MOVE_REFUSE,  /* message */
    MOVE_UNHEARD, /* message: the server dies before it has stored what it makes of it */
    MOVE_UNSAID,  /* message: the server dies before it has answered */
    MOVE_CRASH,
    MOVE_DIE,   /* agent */
    MOVE_STALL, /* time goes on, and a lease lapses */
    MOVE_PAUSE,
    MOVE_STOP,        /* force */
    MOVE_CANCEL_JOB,  /* job, force */
    MOVE_CANCEL_STEP, /* job */
    MOVE_REJECT,      /* gate */
    MOVE_KINDS
};
#define MOVE(kind, a, b) ((uint16_t)((unsigned)(kind) << 11 | (unsigned)(a) << 7 | (unsigned)(b)))
static inline enum move_kind move_kind(uint16_t move)
{
    return (enum move_kind)(move >> 11);
}
static inline uint32_t move_a(uint16_t move)
{
    return move >> 7 & 15;
}
static inline uint32_t move_b(uint16_t move)
{
    return move & 127;
}

/* Everything that may happen now, what a calm world would do first in front; how many. *calm: that
 * many of them are calm. */
uint32_t moves_list(struct lab *lab, uint16_t *out, uint32_t *calm);
/* Makes it happen, and looks at what came of it. 0: lab->wrong says what does not hold. */
int move_make(struct lab *lab, uint16_t move);
void move_show(const struct lab *lab, uint16_t move, char *out,
               size_t size); /* before it is made */
void agent_hear(struct lab *lab, const struct message *message, int refuse);

/* --- rules.c -----------------------------------------------------------------------------------
 */

void rules_event(struct lab *lab, const struct arc_event *event); /* after it was folded */
void rules_state(struct lab *lab);                                /* after a move */
int rules_over(const struct lab *lab);

/* --- print.c -----------------------------------------------------------------------------------
 */

struct print {
    uint64_t a, b;
};
/* The same for two worlds that behave in the same way, whichever agent is called which. */
struct print world_print(struct lab *lab);
/* What is durable of a run, as bytes; soft: and what is not. Of the lab's world or its second. */
#define PRINT_BYTES 1024
size_t run_bytes(const struct lab *lab, const struct arc_run *run, const uint8_t *names, int soft,
                 uint8_t *out);

/* --- search.c ----------------------------------------------------------------------------------
 */

struct search_options {
    uint64_t limit; /* states; 0: none */
    uint32_t twice; /* every so manieth that is met again is looked into again; 0: none */
    enum plant plant;
    int bads, asks; /* -1: as the world says */
    void (*progress)(void *user, const char *world, uint64_t states, uint64_t moves, uint32_t depth,
                     uint64_t waiting);
    void *user;
};
struct search_result {
    uint64_t states, moves, ends, again, probes;
    uint32_t depth, longest_calm;
    uint64_t bytes; /* the most that the search held */
    int whole;      /* 0: the limit came first */
    int broken;
    char wrong[WRONG_MAX];
    uint16_t way[512]; /* the moves to it */
    uint32_t way_count;
};
/* 0: memory is out, or the world cannot be made. */
int search_world(const struct world_def *def, const struct search_options *options,
                 struct search_result *out);
/* Tells a way, move by move. */
void search_show(const struct world_def *def, const struct search_options *options,
                 const struct search_result *result);

#endif
