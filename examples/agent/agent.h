/* SPDX-License-Identifier: Apache-2.0 */
/* The agent: one thread, one loop. Each file beside this one is one concern of it:
 *
 *   session.c    who we are: Register, then Connect kept open; what comes in and goes out on it
 *   leases.c     how long we may: heartbeats, renewals, and stopping by ourselves
 *   steps.c      what runs: a step from its dispatch to its last byte
 *   work.c       where it runs: workspaces, scripts, environment
 *   push.c       what it says: PushLogs over the spool
 *   report.c     what became of it: ReportStepRunStatus until it is answered
 *   state.c      what outlives us: id, token and lock in the data directory
 *   main.c       the loop and the signals
 *
 * The loop calls each concern's tick with the time of the turn; a tick never blocks, does what it
 * can now, and answers when it wants to be called again at the latest.
 */
#ifndef EXAMPLES_AGENT_AGENT_H
#define EXAMPLES_AGENT_AGENT_H

#include <arcentra/call.h>
#include <arcentra/client.h>
#include <arcentra/states.h>
#include <stdint.h>

#include "agent/config.h"
#include "agent/spool.h"
#include "common/json.h"
#include "common/keeper.h"
#include "common/lines.h"
#include "common/log.h"
#include "common/outputs.h"
#include "common/proc.h"

/* A time that never comes. */
#define NEVER INT64_MAX
/* What proto level 1 promises: incarnations, leases, fences. */
#define PROTOCOL_LEVEL 1
/* One unary call may take this long before it is tried anew. */
#define CALL_DEADLINE_MS 10000u
/* Executions that are over, remembered so that a late offer does not start them again. */
#define DONE_MAX 256u

/* --- a step ---------------------------------------------------------------------------------- */

enum step_phase {
    STEP_WAITING = 1, /* taken; whether its lease still holds has not been answered */
    STEP_RUNNING,     /* its process runs */
    STEP_DRAINING,    /* it has ended; its last output is being read */
    STEP_ENDED,       /* the result stands; its log and its report are on their way */
    STEP_OVER,        /* reported or forgotten: to be freed */
};

/* Why we ended it ourselves. The first reason stands. */
enum step_stop {
    STOP_NONE,
    STOP_CANCEL,  /* asked to, by the server */
    STOP_TIMEOUT, /* its own timeout */
    STOP_DRAIN,   /* the agent goes */
    STOP_FORGET,  /* its lease is gone: nobody wants to hear of it */
};

struct report {
    arc_call *call; /* in flight */
    int wanted, answered;
    int64_t retry_ns; /* not before */
    uint32_t tries;
};

struct step {
    struct step *next;
    /* who it is */
    char *id, *pipeline_id, *run_id, *job_id, *job_name, *name, *uses, *workspace, *directory;
    int32_t attempt, index;
    uint64_t fence;
    /* its lease */
    int64_t ttl_ns, renewed_ns;
    /* its process */
    char *offer; /* the message that it came in, until it begins */
    size_t offer_len, offer_index;
    enum step_phase phase;
    enum step_stop stop;
    char *stop_reason;
    struct proc proc;
    struct proc_exit exit;
    int64_t timeout_ns, timeout_at_ns, exited_ns;
    char *scratch; /* its private directory, for the script */
    struct lines out, err;
    /* its log and its result */
    struct spool_log log;
    int status; /* ARC_STEP_…, once it has ended */
    int exit_code;
    char *message;
    struct outputs outputs;
    int64_t start_wall_ns, end_wall_ns;
    struct report running, ended;
};

/* A message as it came. */
struct raw {
    const char *bytes;
    size_t len;
};

/* The names of one execution, for those that are over. */
struct done {
    char *id;
    int32_t attempt;
    uint64_t fence;
};

struct workspace {
    struct workspace *next;
    char *name, *job_id;
    uint32_t users;
    int64_t idle_ns; /* since when nobody uses it */
};

/* --- the agent ------------------------------------------------------------------------------- */

enum session_state {
    SESSION_REGISTER = 1, /* to say who we are */
    SESSION_CONNECT,      /* to be connected */
};

struct session {
    enum session_state state;
    arc_call *call;
    int64_t retry_ns, opened_ns;
    uint32_t tries;
    int up;              /* the server has answered on this stream */
    struct text *outbox; /* messages that the stream had no room for */
    size_t outbox_count;
    uint64_t request_number;
    int64_t heartbeat_ns;  /* when the next is due */
    int64_t interval_ns;   /* as the server told */
    int64_t lease_ttl_ns;  /* as the server told */
    int64_t unanswered_ns; /* when the oldest heartbeat without an answer went out; 0: none */
};

struct push {
    arc_call *call;
    int half_closed;
    int64_t opened_ns, retry_ns;
    size_t bytes;
    uint32_t tries;
};

struct agent {
    struct config config;
    struct log log;
    arc_env env; /* for the library: our log */
    arc_client *client;
    struct keeper keeper;
    char incarnation[33];
    char mark[64];    /* in the environment of every process of ours */
    char *id, *token; /* as the server gave them */
    char *root;       /* of the workspaces: ours alone */
    pid_t remover;    /* the child that removes one now; 0: none */
    int lock_fd;
    int64_t now_ns; /* of this turn, CLOCK_BOOTTIME */
    struct session session;
    struct push push;
    struct spool spool;
    struct step *steps;
    struct workspace *workspaces;
    struct done done[DONE_MAX];
    size_t done_next;
    int draining; /* takes no more work */
    int64_t drain_until_ns;
    int64_t last_over_ns; /* when the last step was over; 0: none was */
    int64_t leave_ns;     /* the goodbye is said: end by then; 0: not said */
    int was_away;         /* the server could not be reached at the last try */
    int woken;            /* a call has news: the next wait is none */
    char *fatal;          /* why the agent must end */
};

/* session.c */
int64_t session_tick(struct agent *agent);
void session_send(struct agent *agent, const char *message, size_t len);
/* Says goodbye: the server gives us nothing more, and ends the stream. */
void session_leave(struct agent *agent);
void session_close(struct agent *agent);
/* Ends the agent after this turn with a sentence. */
__attribute__((__format__(__printf__, 2, 3))) void agent_fail(struct agent *agent,
                                                              const char *format, ...);
/* A full-jitter wait for try number `tries`: 1 s, 2 s, 4 s … at most 30 s. */
int64_t backoff_ns(uint32_t tries);

/* Opens a call whose news end the wait of the loop. deadline_ms: 0 for a stream. */
arc_status session_call(struct agent *agent, const char *method, uint32_t deadline_ms,
                        arc_call **out, arc_err *err);

/* leases.c */
int64_t leases_tick(struct agent *agent);
/* Stops what has been without a renewal for too long. The first thing of a turn. */
void leases_watch(struct agent *agent);
void leases_renewed(struct agent *agent, const json_node *renewal);

/* steps.c */
int64_t steps_tick(struct agent *agent);
/* One StepRun of a dispatch. NULL: taken, or had before; else why not. */
/* The step run at index of the dispatch in this message; bytes: the whole message. It begins when
 * a renewal has listed its lease. Why not, or NULL. */
const char *steps_take(struct agent *agent, const json_node *message, const struct raw *raw,
                       size_t index);
/* Its lease holds. */
void steps_begin(struct agent *agent, struct step *step);
void steps_cancel(struct agent *agent, const json_node *message);
void steps_stop(struct agent *agent, struct step *step, enum step_stop why, const char *reason,
                int64_t grace_ms);
void steps_stop_all(struct agent *agent, int64_t grace_ms);
void steps_reap(struct agent *agent);
void steps_read(struct agent *agent, struct step *step);
size_t steps_running(const struct agent *agent);
size_t steps_count(const struct agent *agent);
void steps_deinit(struct agent *agent);
/* Kills it if it runs, and drops its lines and its reports. */
void steps_forget(struct agent *agent, struct step *step, const char *why, int64_t grace_ms);

/* work.c */
int work_open(struct agent *agent, char *why, size_t why_size);
/* Makes its directories and starts its process. 0: why says what failed. */
int work_start(struct agent *agent, struct step *step, const json_node *message, char *why,
               size_t why_size);
void work_done(struct agent *agent, struct step *step);
/* A job that has begun here: its next step finds the workspace. */
int work_has(struct agent *agent, const char *workspace);
int64_t work_tick(struct agent *agent);
void work_close(struct agent *agent);

/* push.c */
int64_t push_tick(struct agent *agent);
void push_close(struct agent *agent);

/* report.c */
int64_t report_tick(struct agent *agent, struct step *step);
void report_close(struct step *step);

/* state.c */
int state_open(struct agent *agent, char *why, size_t why_size);
int state_save(struct agent *agent, char *why, size_t why_size);
void state_close(struct agent *agent);

#endif
