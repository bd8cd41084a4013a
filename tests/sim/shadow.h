/* SPDX-License-Identifier: Apache-2.0 */
/* The shadow: what the engine must be, told by its commits alone. Every batch that the store has
 * taken goes in; the first thing that is wrong comes out by `broke`. It reads event bodies with a
 * scanner of its own and judges by the sentences of the contract; of the library it takes the plan
 * as data and the structs of rows, no function. */
#ifndef ARC_SIM_SHADOW_H
#define ARC_SIM_SHADOW_H

#include "port/log_store.h"
#include "sim.h"

#define JOBS_MAX 16
#define STEPS_MAX 6
#define GATES_MAX 6
#define EVENTS_MAX 8192
#define REPLICAS_SEEN_MAX 256 /* processes that have shared the store in one life */
#define NOTES_MAX 1024        /* that one has left for another and that are there still */
#define LOGS_MAX 1024         /* a power of two; step runs of one life that have a log */

/* The states, by the numbers of the contract. */
enum { PENDING = 1, QUEUED, RUNNING, SUCCESS, FAILED, CANCELLED, TIMEOUT, SKIPPED };
enum {
    RUN_PENDING = 1,
    RUN_RUNNING,
    RUN_SUCCESS,
    RUN_FAILED,
    RUN_CANCELLED,
    RUN_PAUSED,
    RUN_PARTIAL
};
enum { GATE_IDLE, GATE_WAITING, GATE_APPROVED, GATE_REFUSED, GATE_LEFT };

/* What a run, or a job of it, has to do with its concurrency group. Positions are those of events.
 */
struct shadow_slot {
    int admitted, wants; /* it has one, until it is over; it waits for one and could use it */
    int ended;           /* its group has asked it to end */
    int64_t since;       /* of the event with which it began to wait: its place in a line */
    int64_t held;        /* of its admission */
    uint64_t came;       /* the batch in which it began to want one, or did so again */
    uint64_t admitted_in;
    uint64_t came_ns; /* when that batch was decided */
    uint64_t free_ns; /* of several servers: since when it waits though a slot is free */
};

struct shadow_step {
    char id[32];
    int state, attempt, exit_code;
    uint32_t executions;
    uint64_t fence;
    char agent[32], outputs[24];
    uint64_t queued_ns, started_ns, not_before_ns;
    int asked, stopping; /* somebody wants it to end, or it is on its way */
    int dirty;
};

struct shadow_job {
    char id[32], agent[32];
    int state, attempt;
    uint32_t lost, agent_lives;
    int asked, forced; /* somebody wants it to end, or may */
    int kept;          /* it ended in the run that this one is a rerun of */
    struct shadow_slot slot;
    int64_t line_ns; /* wall clock: when it was queued, its place among those of its pipeline */
    uint32_t
        passed[PIPELINES_MAX]; /* while it was next: how often each other pipeline was served */
    uint64_t passed_ns;        /* the server's trouble when that was counted */
    int started_any, failed, stopping, outrun, by_failure, cancelled_any, was_lost, cut;
    uint64_t queued_ns, started_ns, not_before_ns, stop_ns, waited_ns;
    struct shadow_step steps[STEPS_MAX];
    char outputs[48];
    uint64_t eligible_ns; /* since when an agent could have taken it; 0: none can */
    int dirty;
};

struct shadow_gate {
    int state;
    uint32_t approvals;
    char by[4][16];
    uint64_t expires_ns, asked_ns;
};

/* What the stored row of a run says. */
struct shadow_row {
    int64_t status, total, completed, failed, running;
};

struct shadow_run {
    struct shadow_row row;
    char id[32], request_id[24], home[32];
    uint32_t pipeline;
    const struct arc_plan *plan;
    int64_t seq;
    int state, started, stopping, forced, stop_timeout, gate_refused;
    uint64_t clock_ns; /* when its own clock began: with its trigger, or its slot; … */
    int ticks;         /* … 1: that has been */
    int stands;        /* it stands still, since still_since_ns */
    uint64_t stop_ns, still_ns, still_since_ns, paused_ns;
    uint64_t created_ns, ended_ns;
    uint32_t pauses, resumes, stops;
    int asked; /* somebody wants it to end, or may */
    int32_t priority, attempt;
    int64_t created; /* position of its first event */
    struct shadow_slot slot;
    int grouped;         /* it names a group, or a job of it does */
    uint64_t born, over; /* batches; over: 0: not yet */
    struct shadow_job jobs[JOBS_MAX];
    struct shadow_gate gates[GATES_MAX];
    int dirty, touched;
};

/* An attempt of a step, from its grant on. */
struct attempt {
    char id[32];
    int32_t attempt;
    uint64_t fence;
    uint32_t run, job, step, agent;
    int executed; /* 1 + number of the agent that executed it */
    uint32_t life;
    uint32_t said;  /* bits of statuses that its holder has reported, as they reached the server */
    uint32_t acked; /* bits of statuses that were answered with ARC_OK */
    int over, refused; /* refused: its holder would not take it */
    uint32_t declined; /* by its holder's process of this number; 0: by none */
    int64_t log_lines; /* what its holder counted, as it said at the end */
    uint64_t granted_ns, renewed_ns, over_ns;
    uint32_t lives, claimed; /* of its holder's process, when it was granted */
};

/* The log of a step run, over all of its attempts. */
struct shadow_log {
    char id[32];
    uint32_t run;
    int64_t lines;      /* held, gaps too */
    uint32_t attempt;   /* of the last line */
    int64_t agent_line; /* the last line of that attempt that is accounted for */
    uint64_t hash;      /* of all contents */
};

/* A process that shares the store, as its row says. */
struct shadow_replica {
    char id[32], heir[32];
    int64_t version;
    uint64_t epoch;
    uint32_t server;
};

struct shadow_note {
    char id[32];
    uint64_t left_ns;
};

struct seen_event {
    uint64_t stream;
    int64_t seq;
};

struct shadow {
    struct sim *sim;
    struct arc_arena plans;
    const struct arc_plan *plan[PIPELINES_MAX];
    struct shadow_run runs[RUNS_MAX + 2];
    uint32_t run_count;
    struct attempt attempts[ATTEMPTS_MAX];
    uint32_t attempt_count;
    struct seen_event events[EVENTS_MAX + 1]; /* by position, from 1 */
    int64_t position;
    uint64_t fence, stored_fence;
    int64_t agent_seq[AGENTS_MAX];
    int pipeline_wrong[PIPELINES_MAX];
    uint64_t agent_epoch[AGENTS_MAX];
    char agent_home[AGENTS_MAX][32];
    uint64_t agent_came_ns[AGENTS_MAX]; /* to its home: its leases run from then */
    uint64_t decided_ns;                /* of the batch that is looked at */
    uint64_t batch;                     /* its number */
    struct shadow_log logs[LOGS_MAX];
    uint32_t log_count;
    int keys, keyed; /* request keys of the batch, and runs with one */
    struct shadow_replica replicas[REPLICAS_SEEN_MAX];
    uint32_t replica_count;
    struct shadow_note notes[NOTES_MAX];
    uint32_t note_count;
    int writers;                        /* of the batch: processes that say that they live */
    uint32_t writer;                    /* server */
    uint64_t writer_epoch;              /* before it */
    uint64_t fences[REPLICAS_SEEN_MAX]; /* granted in the batch */
    uint32_t fence_count;
    uint64_t behind_ns[REPLICAS_MAX][RUNS_MAX + 2]; /* since when a home has an old state */
};

struct shadow *shadow_new(struct sim *sim);
void shadow_free(struct shadow *shadow);
/* A batch that was taken; decided_ns: when the engine handed it over. */
void shadow_commit(struct shadow *shadow, const struct arc_store_batch *batch, uint64_t decided_ns);

void shadow_compare(struct shadow *shadow); /* with what the engine holds in memory */
void shadow_overdue(struct shadow *shadow); /* I7 while it runs */
int overdue_late(const struct shadow *shadow, uint64_t due_ns);

/* -1: there is none. */
int shadow_run_index(const struct shadow *shadow, arc_slice id);
struct attempt *shadow_attempt(struct shadow *shadow, const char *id, int32_t attempt, int make);
/* The step run of an attempt, present or not: NULL when it is of an earlier attempt of the job. */
struct shadow_step *shadow_step_of(struct shadow *shadow, const struct attempt *attempt);
int shadow_run_over(const struct shadow_run *run);
uint32_t shadow_open_runs(const struct shadow *shadow);
int shadow_in_hand(const struct shadow *shadow); /* 1: somebody holds a step */
int shadow_agent_index(const struct sim *sim, arc_slice id);

int shadow_labels_fit(const struct arc_plan_job *job, const char *labels);

/* shadow_groups.c: slots of concurrency groups. job -1: the whole run. */
struct shadow_slot *groups_slot(struct shadow_run *run, int job);
int groups_lacks(const struct shadow_run *run,
                 int job); /* it names a group and has no slot of it */
void groups_admit(struct shadow *shadow, uint32_t r, int job, int64_t position);
/* After each event: who wants a slot since then. */
void groups_note(struct shadow *shadow, uint32_t r);
/* 1: reason says that its group ends it, and its group may. */
int groups_ends(struct shadow *shadow, uint32_t r, int job, arc_slice reason);
void groups_check(struct shadow *shadow); /* after a batch */

/* shadow_replicas.c: several servers on one store. */
void replicas_row(struct shadow *shadow, const struct arc_row_replica *row);
void replicas_gone(struct shadow *shadow, const struct arc_row_replica *row);
/* 1: the server that this is said to is home of its agent. */
int replicas_has(struct shadow *shadow, const struct message *message);
void replicas_note(struct shadow *shadow, const struct arc_row_inbox *row, int gone);
void replicas_agent(struct shadow *shadow, const struct arc_row_agent *row);
void replicas_check(struct shadow *shadow); /* after a batch */
void replicas_granted(struct shadow *shadow, uint64_t fence);
/* 0: that the server has another state of the run, or none, is not wrong now. */
int replicas_knows(struct shadow *shadow, const struct server *server, uint32_t r,
                   const struct arc_run *live);

/* shadow_line.c: in which order waiting jobs are placed. */
void line_placed(struct shadow *shadow, uint32_t r, uint32_t j, const char *labels);
void line_came(struct shadow_job *job); /* it stands in the line anew */

/* shadow_logs.c: lines that the log store has taken, and what was read of them. */
void logs_appended(struct shadow *shadow, arc_slice run_id, arc_slice step_run_id,
                   const struct arc_log_line *lines, size_t count);
struct shadow_log *logs_of(struct shadow *shadow, arc_slice step_run_id, int make);
/* Up to which line of the attempt everything is held or counted as lost. */
int64_t logs_accounted(struct shadow *shadow, const char *step_run_id, int32_t attempt);
void logs_compare(struct shadow *shadow); /* with what readers get */

/* judge.c: the rules of a definition. */
/* What a rerun does again: 1 in again for each such job. 0: nothing. */
int judge_again(const struct shadow_run *run, enum arc_rerun mode, arc_slice from, uint8_t *again);
enum verdict { GOES, SKIPS, SKIPS_BY_FAILURE, WAITS };
enum verdict judge_job(const struct shadow_run *run, uint32_t j); /* all that stands before it */
int judge_ready(const struct shadow_run *run, uint32_t j);        /* deps and stages have ended */
int judge_room(const struct shadow_run *run, uint32_t j);         /* in its matrix */
enum verdict judge_step(const struct shadow_run *run, uint32_t j, uint32_t s);
int judge_result(const struct shadow_run *run);
int judge_covers(const struct arc_retry *retry, uint32_t ended, uint32_t cause);
int judge_failed(const struct shadow_run *run, uint32_t j);

#endif
