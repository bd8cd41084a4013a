/* SPDX-License-Identifier: Apache-2.0 */
/* The turn: gather, load, decide, commit, speak. Everything that changes something is a command
 * that is submitted and answered only after its commit; everything that reads is a query, a
 * subscription or a look at live state. Nothing here asks a clock: time is given with dispatch.
 *
 * One thread. Callbacks (done, notify) come from inside dispatch; they may submit, open and close,
 * but not dispatch. */
#ifndef ARC_ENGINE_ENGINE_H
#define ARC_ENGINE_ENGINE_H

#include <arcentra/ctl.h>

#include "base/list.h"
#include "core/decide.h"
#include "core/rerun.h"
#include "engine/prune.h"
#include "port/log_store.h"
#include "port/store.h"

struct arc_engine;
struct arc_diags; /* of spec */

struct arc_engine_options {
    struct arc_mem mem;
    struct arc_store *store;    /* owned by the engine from success on */
    struct arc_log_store *logs; /* likewise */
    int (*random)(void *user, void *buf, size_t len);
    void *random_user;
    void (*log)(void *user, int level, const char *scope, const char *text); /* may be NULL */
    void *log_user;
    struct arc_rules rules;
    int64_t heartbeat_ns;
    uint32_t runs_max;
    uint32_t agents_approved; /* 1: by their token */
    struct arc_retention retention;
    int marks_schema; /* 1: a new store is told which schema it has, migrate.h */
    /* Several engines on one store, each in a process of its own: docs/decisions/018. */
    int shared;
    const char *replica_name; /* that no two of them have at a time; NULL or "": none */
    int64_t replica_lease_ns; /* how long it may be silent before another one takes over; 0: 10 s */
    /* 0: ARC_…_DEFAULT */
    uint32_t definition_kept_max; /* bytes of one that is kept while it is run */
    uint32_t leases_kept_max;     /* over one turn that is lost; the others get a lease time more */
    uint32_t runs_asked_max;      /* of others, whose status a host asks for */
};
#define ARC_DEFINITION_KEPT_DEFAULT (64u * 1024u)
#define ARC_LEASES_KEPT_DEFAULT 1000u
#define ARC_RUNS_ASKED_DEFAULT 10000u

/* Opens and begins recovery; with a store that answers at once it is complete on return. On failure
 * the store and the logs stay the caller's. */
arc_status arc__engine_open(const struct arc_engine_options *options, struct arc_now now,
                            struct arc_engine **out, arc_err *err);
/* Sessions and watches are closed before. What waits is freed. */
void arc__engine_close(struct arc_engine *engine);
/* One turn and as many more as budget (commands) allows. */
arc_status arc__engine_dispatch(struct arc_engine *engine, struct arc_now now, uint32_t budget,
                                arc_err *err);
/* What time it is for calls that come before the next dispatch: a heartbeat renews leases from
 * then, and an engine that had nothing to do may not have been dispatched for long. */
void arc__engine_set_now(struct arc_engine *engine, struct arc_now now);
/* After a failure the store is left alone for a while: not any longer. Who waits and may not count
 * on the clock asks for it. */
void arc__engine_retry_now(struct arc_engine *engine);
/* When dispatch has something to do by itself: mono time, 0: now, UINT64_MAX: never. */
uint64_t arc__engine_deadline(const struct arc_engine *engine);
/* The store's descriptor, or -1. */
int arc__engine_fd(struct arc_engine *engine);
/* How long the store itself may be left alone, by its own clock: milliseconds, -1: for ever. */
int arc__engine_store_timeout_ms(struct arc_engine *engine);
arc_status arc__engine_health(struct arc_engine *engine, arc_err *err);
const char *arc__engine_fault(const struct arc_engine *engine);
void arc__engine_stats(const struct arc_engine *engine, arc_ctl_stats *out);
const struct arc_mem *arc__engine_mem(const struct arc_engine *engine);
struct arc_now arc__engine_now(const struct arc_engine *engine); /* as it was told last */
const struct arc_rules *arc__engine_rules(const struct arc_engine *engine);
int64_t arc__engine_heartbeat_ns(const struct arc_engine *engine); /* what agents are told */
arc_status arc__engine_new_id(struct arc_engine *engine, arc_id *out, arc_err *err);
int arc__engine_random(struct arc_engine *engine, void *buf, size_t len);

/* --- who is asking -------------------------------------------------------------------------- */

enum arc_principal_kind {
    ARC_PRINCIPAL_NONE,
    ARC_PRINCIPAL_HOST,
    ARC_PRINCIPAL_USER,
    ARC_PRINCIPAL_AGENT
};

struct arc_principal {
    enum arc_principal_kind kind;
    uint32_t scopes; /* ARC_SCOPE_… */
    char id[64];     /* token id or agent id */
    char name[64];
    char project_id[128]; /* empty: every project */
};

/* Whose token this is: `arct_…`, or `<agentId>:<secret>`. Constant work for unknown ones.
 * ARC_EUNAUTHENTICATED says no more than that. */
arc_status arc__engine_authenticate(struct arc_engine *engine, arc_slice token,
                                    struct arc_principal *out, arc_err *err);

/* --- commands ------------------------------------------------------------------------------- */

/* What a command answers, after its commit. Borrowed during done. */
struct arc_answer {
    arc_status status;
    const arc_err *err;    /* when status is not ARC_OK: subject and sentence */
    arc_slice id;          /* of what was made */
    arc_slice secret;      /* a new token, shown this once */
    arc_slice step_run_id; /* rerun from a step: the same step of the new run; of a run that was
                              started with a definition of its own: its first step */
    arc_slice sha;         /* definition_save */
    int32_t duplicate;     /* trigger: the run was there already */
    int32_t state;         /* the present state, also on a refusal */
    int64_t number;
    arc_slice findings; /* trigger: why a definition cannot be planned, a JSON array; or empty */
    const struct arc_ingest_ack *ack; /* events_push */
};

typedef void (*arc_cmd_done)(void *user, const struct arc_answer *answer);

enum arc_cmd_kind {
    ARC_CMD_PIPELINE_CREATE = 1,
    ARC_CMD_PIPELINE_UPDATE,
    ARC_CMD_PIPELINE_DELETE,
    ARC_CMD_DEFINITION_SAVE,
    ARC_CMD_RUN_TRIGGER,
    ARC_CMD_RUN_PAUSE,
    ARC_CMD_RUN_RESUME,
    ARC_CMD_RUN_STOP,
    ARC_CMD_RUN_GATE,
    ARC_CMD_JOB_CANCEL,
    ARC_CMD_STEP_CANCEL,
    ARC_CMD_RUN_RERUN,
    ARC_CMD_STEP_REPORT,
    ARC_CMD_AGENT_REGISTER,
    ARC_CMD_AGENT_UNREGISTER,
    ARC_CMD_TOKEN_CREATE,
    ARC_CMD_EVENTS_PUSH,
    ARC_CMD_STEP_UPDATE,
    ARC_CMD_STEP_DELETE,
    ARC_CMD_NOTICE_DONE,
};

/* Which fields of a pipeline an update sets. */
#define ARC_PIPELINE_SET_NAME 1u
#define ARC_PIPELINE_SET_DESCRIPTION 2u
#define ARC_PIPELINE_SET_REPO_URL 4u
#define ARC_PIPELINE_SET_DEFAULT_BRANCH 8u
#define ARC_PIPELINE_SET_FILE_PATH 16u
#define ARC_PIPELINE_SET_SAVE_MODE 32u
#define ARC_PIPELINE_SET_PR_TARGET 64u
#define ARC_PIPELINE_SET_METADATA 128u
#define ARC_PIPELINE_SET_ENABLED 256u

struct arc_definition_input {
    arc_slice text;      /* as given; empty: none */
    uint32_t format;     /* enum arc_format of spec.h: 1 json, 2 yaml */
    arc_slice canonical; /* JSON */
    /* of spec.h: those that it was accepted under; NULL: the defaults */
    const struct arc_spec_limits *limits;
};

struct arc_agent_event_input {
    uint64_t seq;
    arc_slice event_id, type, pipeline_id, step_run_id, payload; /* payload: a JSON object */
    int64_t time_ns;
    arc_slice bad; /* why it can never be taken: recorded as a tombstone; else empty */
};

/* The answer to a batch of agent events; the statuses are those of gateway.v1.IngestAck. */
struct arc_ingest_ack {
    int32_t status; /* 1 accepted, 2 partial, 3 rejected, 4 out of order */
    uint64_t epoch, last_accepted_seq, expected_seq;
    const uint64_t *rejected_seqs;
    size_t rejected_count;
    arc_slice message;
};

/* Made by arc__cmd_new, filled by the caller with texts that live in its arena (copy them there),
 * given away with arc__engine_submit. */
struct arc_cmd {
    struct arc_link link; /* the engine's */
    struct arc_engine *engine;
    struct arc_arena arena;
    enum arc_cmd_kind kind;
    arc_cmd_done done;
    void *user;
    struct arc_principal principal; /* who asked: for actor, audit and project */
    arc_slice pipeline_id, run_id, reason, actor;
    union {
        struct {                         /* PIPELINE_CREATE, PIPELINE_UPDATE */
            struct arc_row_pipeline row; /* texts of the new pipeline; id is made by the engine */
            uint32_t set;                /* update: ARC_PIPELINE_SET_… */
            int64_t expect_version;      /* update: 0: any */
            struct arc_definition_input definition;
        } pipeline;
        struct {
            int32_t force;
        } pipeline_delete;
        struct {
            struct arc_definition_input definition;
            arc_slice expected_head; /* empty: not checked */
            arc_slice request_id, message, editor;
        } save;
        struct { /* of a stored definition, or of definition: without a pipeline one is made for it
                  */
            struct arc_definition_input definition;
            const struct arc_plan_include *includes; /* what was merged into definition */
            uint32_t include_count;
            struct arc_kvs variables; /* sorted by key */
            arc_slice triggered_by, request_id, branch, ref;
            arc_slice tag, sha, event, payload; /* payload: JSON, or empty */
            arc_slice git_commit, git_branch, git_repo;
            arc_id run_id;    /* "" or the id that it is to have */
            arc_id pipe_for;  /* the same of the pipeline that is made for definition */
            int32_t priority; /* -ARC_PRIORITY_MAX to ARC_PRIORITY_MAX */
        } trigger;
        struct {
            int32_t force;
        } stop;
        struct { /* JOB_CANCEL: a job's id or key; STEP_CANCEL: a step run's id */
            arc_slice what;
            int32_t force;
        } cancel;
        struct {
            arc_slice id;
        } notice;
        struct { /* STEP_UPDATE, STEP_DELETE */
            arc_slice step_run_id;
            arc_slice env;      /* update: a JSON object of texts, or empty */
            int64_t timeout_ns; /* update: -1: as it was */
        } step;
        struct { /* RUN_RERUN; run_id of the command is the old run's */
            enum arc_rerun mode;
            arc_slice from;        /* ARC_RERUN_FROM: the job's name or key, or: */
            arc_slice step_run_id; /* a step run of it */
            arc_slice request_id;
            arc_id run_id; /* "" or the id that the new one is to have */
        } rerun;
        struct {            /* RUN_GATE; who decides is actor */
            uint32_t index; /* 1 + the gate's; 0: by name */
            arc_slice name; /* see arc__gate_find */
            arc_slice comment;
            arc_slice channel; /* empty: "plugin", "host" or "api", by who asks */
            int32_t approve, override;
            int32_t plugin; /* what the plugin of an automatic gate says */
        } gate;
        struct {
            struct arc_artifact *artifacts; /* in the command's arena; expires_ns is the engine's */
            uint32_t artifact_count;
            arc_slice agent_id, step_run_id, error_message, metrics, outputs;
            int32_t status, attempt, exit_code;
            uint64_t fence;
            int64_t log_lines;
        } report;
        struct {
            arc_slice registration_token; /* or, by its own credential: */
            arc_slice agent_id, auth_token;
            arc_slice name, labels, os, arch, version, ip, incarnation; /* labels: JSON object */
            int64_t max_concurrent;
            int32_t protocol_level;
        } agent;
        struct {
            uint32_t kind;   /* 1 registration, 2 api */
            uint32_t scopes; /* api */
            arc_slice name, project_id;
            int64_t max_uses, expires_at_ns;
        } token;
        struct {
            arc_slice agent_id;
            uint64_t epoch; /* 0: the agent has none */
            const struct arc_agent_event_input *events;
            size_t count;
        } events;
    } u;
};

/* NULL when memory is out. A command that is not submitted ends with arc__cmd_free. */
struct arc_cmd *arc__cmd_new(struct arc_engine *engine, enum arc_cmd_kind kind);
void arc__cmd_free(struct arc_cmd *cmd);
/* RUN_TRIGGER with a definition: plans the run now, so that who asks hears at once what is wrong;
 * what was planned is what runs. pipe_for is set. *diags is NULL or lives as long as cmd. */
arc_status arc__cmd_plan(struct arc_cmd *cmd, const struct arc_diags **diags, arc_err *err);
/* Takes cmd. done comes exactly once, from a later dispatch, unless arc__cmd_forget came first or
 * the engine is closed before. ARC_ELIMIT when too many wait: then cmd is freed and done never
 * comes. */
arc_status arc__engine_submit(struct arc_engine *engine, struct arc_cmd *cmd, arc_cmd_done done,
                              void *user, arc_err *err);
/* The caller has lost interest: what the command does still happens, done does not come. Only while
 * done has not come. */
void arc__cmd_forget(struct arc_cmd *cmd);

/* --- queries -------------------------------------------------------------------------------- */

/* As arc_store_ops.query: done may come at once or from a later dispatch. */
arc_status arc__engine_query(struct arc_engine *engine, const struct arc_query *query,
                             struct arc_arena *arena, arc_query_done done, void *user,
                             arc_err *err);

/* --- agents --------------------------------------------------------------------------------- */

struct arc_lease {
    arc_slice step_run_id;
    int32_t attempt;
    uint64_t fence;
};

/* What a renewal answers: which leases live on, which are gone, which steps are to be cancelled. */
struct arc_cancel_order {
    arc_slice step_run_id, reason;
    int32_t attempt;
    uint64_t fence;
    int64_t grace_ns;
    int32_t force;
};
struct arc_renewal {
    int64_t ttl_ns, server_time_ns;
    struct arc_lease *renewed, *lost;
    size_t renewed_count, lost_count;
    struct arc_cancel_order *cancels;
    size_t cancel_count;
    int32_t drain;
};
struct arc_heartbeat {
    arc_slice agent_id, incarnation;
    const struct arc_lease *leases;
    size_t lease_count;
    int32_t has_leases; /* 0: an old agent that does not list them: all of its leases are renewed */
    int32_t running_count, max_concurrent; /* max_concurrent 0: as it was */
};
/* Presence and renewal, at once and in memory: nothing of it needs a commit. A process of the agent
 * that another one has followed, which is at work, hears that all of its leases are lost, and
 * changes nothing: what it says comes late. Leases of the agent that are not listed are lost when
 * they lapse. A lease of which it is not known now whether it holds (its run is being read, its end
 * is not durable yet) is in neither list: its holder asks again, and stops by itself if that takes
 * too long. */
arc_status arc__engine_heartbeat(struct arc_engine *engine, const struct arc_heartbeat *heartbeat,
                                 struct arc_arena *arena, struct arc_renewal *out, arc_err *err);

/* What an agent (or the host's executors) is to do next. */
enum arc_offer_kind { ARC_OFFER_NONE, ARC_OFFER_STEP, ARC_OFFER_CANCEL };
struct arc_offer {
    enum arc_offer_kind kind;
    const struct arc_run *run; /* borrowed until the next call into the engine */
    uint32_t job, step;
    arc_slice workspace; /* in arena */
    struct arc_cancel_order cancel;
};

struct arc_session;
#define ARC_HOST_AGENT "host" /* the agent id of the host's executors, where there is one host */
/* What it is here: borrowed from the engine. */
arc_slice arc__engine_host_id(const struct arc_engine *engine);

/* An open channel to an agent: placement prefers agents that have one, and offers flow through it.
 * A new session of the same agent ends the older one (its notify comes, next is ARC_EDONE).
 * notify: there may be offers. */
arc_status arc__session_open(struct arc_engine *engine, arc_slice agent_id,
                             void (*notify)(void *user), void *user, struct arc_session **out,
                             arc_err *err);
/* Each grant and each cancel is offered once a session, and a grant again every
 * redeliver interval until it is acknowledged. ARC_EAGAIN: none now. */
arc_status arc__session_next(struct arc_session *session, struct arc_arena *arena,
                             struct arc_offer *out, arc_err *err);
/* The agent has the step (accepted 1) or will not take it (0: it is placed anew).
 * ARC_EPRECONDITION: no such grant is open; ARC_EUNAVAILABLE: not known now; ARC_EDONE. */
arc_status arc__session_ack(struct arc_session *session, arc_slice step_run_id, uint64_t fence,
                            int accepted, arc_slice message, arc_err *err);
void arc__session_close(struct arc_session *session);

/* The host's executors as an agent without a row: slots, and whether it has an executor for a
 * `uses` name. Set once before placement starts; NULL takes it away. */
struct arc_host_port {
    uint32_t slots;
    int (*offers)(void *user, arc_slice uses);
    void *user;
};
void arc__engine_set_host(struct arc_engine *engine, const struct arc_host_port *host);

/* An agent as the engine knows it now. */
struct arc_agent_view {
    const struct arc_row_agent *row; /* borrowed */
    int32_t status;                  /* AgentStatus: online 1, offline 2, busy 3, idle 4 */
    uint32_t running;
    uint64_t last_seen_mono_ns;
};
arc_status arc__engine_agent(struct arc_engine *engine, arc_slice agent_id,
                             struct arc_agent_view *out, arc_err *err);
/* Walks all: *at = 0 first; 0 at the end. */
int arc__engine_next_agent(struct arc_engine *engine, size_t *at, struct arc_agent_view *out);

/* --- logs ----------------------------------------------------------------------------------- */

/* Intake from an agent or executor: checks that agent_id holds (step run, attempt, fence), or held
 * it until lately; drops lines that it has already (by first_line), fills what is missing with a
 * gap record, splits and repairs, appends, and wakes who follows. fence 0 only from level 0 agents.
 * text: newline-terminated lines. ARC_EPRECONDITION: not the holder; ARC_EUNAVAILABLE: not known
 * now, send it again. */
struct arc_log_batch {
    arc_slice agent_id, step_run_id;
    int32_t attempt;
    uint64_t fence;
    uint32_t stream;       /* ARC_LOG_STDOUT … */
    int64_t first_line;    /* of the attempt, 1-based; 0: not told, everything is new */
    int64_t dropped_lines; /* lost before the first line of this batch, as the agent says */
    int64_t time_ns;
    arc_slice text;
};
/* An agent's numbers of lines: whatever is greater cannot be true, and sums of it would not fit. */
#define ARC_LOG_NUMBER_MAX (INT64_C(1) << 53)
arc_status arc__engine_log_append(struct arc_engine *engine, const struct arc_log_batch *batch,
                                  arc_err *err);
/* Read of any step run's log, live or old; run_id from its step_run row. */
arc_status arc__engine_log_read(struct arc_engine *engine, arc_slice run_id, arc_slice step_run_id,
                                int64_t from, size_t limit, struct arc_arena *arena,
                                struct arc_log_line **lines, size_t *count, arc_err *err);
arc_status arc__engine_log_info(struct arc_engine *engine, arc_slice run_id, arc_slice step_run_id,
                                struct arc_log_info *out, arc_err *err);

/* Wakes when a step run's log has grown or the step has ended. */
struct arc_log_watch;
arc_status arc__log_watch_open(struct arc_engine *engine, arc_slice step_run_id,
                               void (*notify)(void *user), void *user, struct arc_log_watch **out,
                               arc_err *err);
void arc__log_watch_close(struct arc_log_watch *watch);

/* --- events --------------------------------------------------------------------------------- */

struct arc_watch_filter {
    arc_slice run_id, pipeline_id, step_run_id; /* empty: any; copied */
    int64_t after; /* position; -1: live, from the last committed position on */
};
struct arc_event_watch;
arc_status arc__event_watch_open(struct arc_engine *engine, const struct arc_watch_filter *filter,
                                 void (*notify)(void *user), void *user,
                                 struct arc_event_watch **out, arc_err *err);
/* The next event that passes. Borrowed until the next call. ARC_EAGAIN: none now. */
arc_status arc__event_watch_next(struct arc_event_watch *watch, const struct arc_event **out,
                                 arc_err *err);
/* The event that was given last is given once more: there was no memory for what was to be made of
 * it. */
void arc__event_watch_again(struct arc_event_watch *watch);
void arc__event_watch_close(struct arc_event_watch *watch);
/* The position of the last event that is durable and published. */
int64_t arc__engine_position(const struct arc_engine *engine);

/* A live run, or one that ended lately, as it is durable; NULL: ask the store (it is not here, or
 * what has happened to it is being stored). Borrowed until the next call. */
const struct arc_run *arc__engine_live_run(struct arc_engine *engine, arc_slice run_id);
/* Why a run is quarantined: nothing is decided about it until `fsck --rebuild` has found it sound.
 * NULL: it is not, as far as this process has looked. Owned by the engine. */
const char *arc__engine_quarantined(const struct arc_engine *engine, arc_slice run_id);
/* Why a job of such a run waits, as of now: who holds the slot that it waits for, and how many are
 * before it; ARC_NONE: it does not, or the run is not here. */
arc_slice arc__engine_job_why(struct arc_engine *engine, arc_slice run_id, uint32_t job,
                              struct arc_arena *arena);
/* The next notice that this engine has not told; the row is borrowed until the next call. It stays
 * until NOTICE_DONE, and is told again after a restart. ARC_EAGAIN: none now. */
arc_status arc__engine_next_notice(struct arc_engine *engine, const struct arc_row_outbox **out,
                                   arc_err *err);
/* The one told last was not heard: it is told again. */
void arc__engine_untell_notice(struct arc_engine *engine);
/* The next gate (1 + index) of type `auto` that waits and of which this engine has not told: 1, and
 * run is borrowed until the next call; 0: none. A gate is told again after a restart. */
int arc__engine_next_ask(struct arc_engine *engine, const struct arc_run **run, uint32_t *gate);
/* Walks all of these that are not over: *at = NULL first; NULL at the end. */
const struct arc_run *arc__engine_next_run(struct arc_engine *engine, void **at);
/* For a host that does not wait. ARC_OK: *out is the run, as arc__engine_live_run tells it.
 * ARC_EAGAIN: it is not in memory and may be open all the same; a command finds out.
 * ARC_ENOTFOUND: no open run has this id. */
arc_status arc__engine_find_run(struct arc_engine *engine, arc_slice run_id,
                                const struct arc_run **out);
/* Its status; 0: none has this id, or it is being read: the next look may tell. That of a run that
 * is not in memory may be a second old. */
int arc__engine_run_status(struct arc_engine *engine, arc_slice run_id);
/* 1: other processes may serve the store, and have runs in memory that are not in ours. */
int arc__engine_is_shared(const struct arc_engine *engine);

#endif
