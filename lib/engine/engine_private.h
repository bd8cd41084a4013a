/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the engine share. Nobody outside includes it.
 *
 *   arc_engine ── cmds        waiting for their turn, in order
 *              ├─ turn        what this turn has decided: operations, answers, touched runs
 *              ├─ runs        run id -> live ── run (core), pipe, placements, timer
 *              ├─ steps       step run id -> step_ref, for reports and logs
 *              ├─ pipes       pipeline id -> pipe: the cached row
 *              ├─ agents      agent id -> agent ── placements, session
 *              ├─ groups      project, kind and name -> group: who holds its slots, who waits
 *              ├─ levels      jobs that wait for a place, in the order of their serving (lanes.c)
 *              ├─ free        agents with a free slot, the best first
 *              ├─ ring        the last published events, for watches that keep up
 *              └─ replicas    who else serves the store, and what to read of theirs
 */
#ifndef ARC_ENGINE_ENGINE_PRIVATE_H
#define ARC_ENGINE_ENGINE_PRIVATE_H

#include "base/heap.h"
#include "base/map.h"
#include "base/ranks.h"
#include "core/waits.h"
#include "engine/engine.h"
#include "engine/load.h"

#define ARC_CMDS_MAX 100000u    /* commands that may wait */
#define ARC_TURN_CMDS_MAX 1000u /* commands of one turn, so that one commit stays short */
#define ARC_RING_SIZE 8192u     /* published events kept for watches; a power of two */
#define ARC_WATCH_SHELVES 256u  /* a power of two */
#define ARC_LINGER_NS (INT64_C(300) * 1000000000) /* an ended run is kept for late logs */
#define ARC_LINGER_MAX 2000u
#define ARC_REDELIVER_NS (INT64_C(5) * 1000000000)
#define ARC_OFFLINE_BEATS 3
#define ARC_PAST_MAX 8u /* processes of an agent that are remembered after their end */
#define ARC_CMD_BYTES_MAX (32u * 1024u * 1024u)
#define ARC_TURN_OPS_MAX 20000u /* before the last decision: see ARC_RUN_THINGS_MAX */
/* Jobs and steps of one run. Ending all of them at once takes two rows each, which must fit into
 * one batch besides what the turn holds already. */
#define ARC_RUN_THINGS_MAX 35000u
#define ARC_RETRY_NS (INT64_C(250) * 1000000) /* after a commit that failed */
#define ARC_AGENT_SLOTS_MAX 10000
#define ARC_LANE_KEY_MAX (16u * 1024u * 1024u)
#define ARC_EVENT_BODY_MAX (64u * 1024u * 1024u)
/* A point of priority weighs as much as this much of waiting. */
#define ARC_PRIORITY_POINT_NS (INT64_C(60) * 1000000000)
#define ARC_TURN_BYTES_MAX (512u * 1024u * 1024u)
#define ARC_CONFLICTS_MAX 5u
#define ARC_REPLICA_NAME_MAX 255u
/* A notice that one of several processes has told, and that was not done, is told again then. */
#define ARC_NOTICE_CLAIM_NS (INT64_C(300) * 1000000000)
#define ARC_CONFLICTS_SHARED_MAX 100u /* where other processes may be faster */
/* In here the monotonic clock reads ten years more than the host's: what happened before a reboot
 * has its place on it too, and so keeps its deadline. */
#define ARC_MONO_SHIFT_NS (UINT64_C(10) * 366 * 86400 * 1000000000)

#define ARC_SCHEMA_DUE INT64_MAX /* it is new, and its first commit says so */

#define ARC_CMD_LOADS 2

/* A command with what the engine needs besides. */
struct cmd_box {
    struct arc_cmd cmd; /* first: an arc_cmd is its box */
    struct load loads[ARC_CMD_LOADS];
    struct arc_answer answer;
    arc_err err;
    struct arc_diags *diags;
    int diags_text_due;
    struct arc_arena read_arena; /* the definition and its tree, until it has become a plan */
    struct arc_arena plan_arena; /* of a trigger with a definition: becomes the run's */
    const struct arc_plan *plan; /* in it; NULL: not made yet, or given to a run */
    uint64_t word;               /* when it was said, in the order of words */
    uint32_t conflicts;
    int answered;         /* decided in this turn; spoken after the commit */
    int doubted;          /* it was refused once, and what that rests on is read again */
    uint64_t after_read;  /* it waits until the agents have been read so often */
    max_align_t first[9]; /* room for the texts of a short command; not zeroed */
};

/* A pipeline's row. */
struct pipe {
    struct arc_link link;    /* in engine.pipe_list */
    struct arc_link idle;    /* in engine.idle_pipes while no live run is of it; oldest use first */
    struct arc_link by_turn; /* in turn.pipes: touched by the present one */
    struct arc_arena arena;  /* the texts of row */
    struct arc_row_pipeline row;
    uint32_t users; /* live runs */
    int loaded;
    int row_due; /* the present turn has changed row */
    int stale;   /* another process may have, too: it is read again before it is used */
    struct load load;
    struct arc_pipe_text *text; /* of the definition that was run last; NULL: to be read */
    arc_id id;
};

struct agent;

/* A job on an agent. */
struct placement {
    struct arc_link by_agent;
    struct arc_link due; /* in agent.due while there may be something to tell the agent */
    struct live *live;
    struct agent *agent;
    uint32_t job;
    uint64_t offered_fence; /* last offered in the agent's session, and when */
    uint64_t offered_mono_ns;
    uint64_t told_fence; /* of a grant that the agent may know of, by whatever session */
    uint64_t cancel_fence;
    int cancel_forced;
    char lost[160];      /* why the agent does not have it after all; "": it has */
    uint64_t looked;     /* the last look for losses that came by it */
    uint64_t lost_fence; /* the grant that this is about; 0: any */
};

struct flow; /* lanes.c */
struct lane;

/* A job that waits. */
struct ready {
    struct arc_timer turn; /* in the flow, by when it was queued */
    struct flow *flow;     /* NULL: it stands aside */
    struct live *live;
    uint32_t job;
};

struct member;

/* A concurrency group, as long as an open run names it. */
struct group {
    struct arc_link due, told; /* in engine.groups_due and groups_told; not linked: neither */
    struct arc_heap members;   /* the runs that name it, the newest first: its terms hold */
    struct member *joined;     /* the last that did, if it is still there */
    struct arc_link fresh;     /* slots: who came, and has not been dealt with */
    struct arc_ranks line;     /* who waits, in order */
    struct arc_ranks holders;  /* in the order in which they were admitted */
    struct arc_ranks leaving;  /* holders that have been asked to end */
    uint32_t order;            /* of the line, ARC_ORDER_… */
    int busy;                  /* it is being settled: it stays, though nobody may name it */
    struct arc_engine *engine;
    arc_slice key, name;
};

/* A run and a group that it names, how often it does. */
struct member {
    struct arc_timer age; /* in group.members */
    struct live *live;
    struct group *group; /* NULL: it has left, or not joined yet */
    uint32_t limit, order;
};

enum slot_state { SLOT_IDLE, SLOT_WAITING, SLOT_HOLDING, SLOT_LEAVING };

/* What a run, or a job of it, has to do with its group. */
struct slot {
    struct arc_rank rank;  /* in the line, the holders or the leaving */
    struct arc_link fresh; /* in group.fresh */
    struct live *live;
    struct group *group;
    const struct arc_plan_group *terms;
    /* Positions of events: it began to wait, did so again after a pause, was admitted. */
    int64_t since, came, held;
    uint32_t job; /* ARC_SLOT_OF_RUN: the run */
    enum slot_state state;
    int in_line;  /* it waits, and those before and after it are settled */
    int was_here; /* it waited before it was read: who came after it is not its to end */
};
#define ARC_SLOT_OF_RUN UINT32_MAX

/* Of a run that names groups. */
struct run_groups {
    int64_t created; /* position of the run's first event */
    struct slot *slots;
    struct slot **by_job; /* NULL: the job is in none */
    struct slot *own;     /* the run's; NULL: it is in none */
    struct member *members;
    uint32_t slot_count, member_count;
};

/* Where a step run is, also one of an earlier attempt of its job. */
struct step_ref {
    struct live *live;
    uint32_t job, step;
    struct arc_step_state *state;
    int info_known; /* info is what the log holds; of several processes, held when we asked */
    struct arc_log_info info;
};

struct live {
    struct arc_link link;   /* engine.live_list */
    struct arc_link linger; /* engine.linger_list, once it is over */
    struct arc_engine *engine;
    struct arc_run run;
    struct pipe *pipe;
    struct arc_timer timer;
    struct placement **placements;   /* by job; NULL: not placed */
    struct ready **ready;            /* by job */
    struct run_groups *groups;       /* NULL: it names none */
    struct arc_step_state **indexed; /* by job: the attempt whose steps have refs */
    struct step_ref **refs;          /* every ref made, for clean-up */
    size_t ref_count, ref_capacity;
    int loaded;
    int reading;                   /* its steps are those that the store tells of */
    int free;                      /* its row does not hold it … */
    int64_t row_version;           /* … and knows of so many events; 0: there is no row */
    int folded;                    /* its events: once, while its pipeline is being read */
    int touched;                   /* by the present turn */
    int changed;                   /* and it has new events */
    int guest;                     /* another process is its home */
    int taking;                    /* of a guest: its waiting jobs may have places here */
    int stale;                     /* in engine.replicas.stale: there may be news of it */
    int doubted_again;             /* since it was asked for */
    int strangers;                 /* agents have jobs of it that are not known here (yet) */
    struct arc_link beside;        /* in engine.replicas.stale */
    struct arc_link visiting;      /* in engine.replicas.guests */
    uint64_t held_until_mono_ns;   /* of a guest: late logs of our agents may come until then */
    char home[32];                 /* as its row says; "": nobody's */
    uint64_t linger_until_mono_ns; /* over: kept until then */
    int64_t shown[8];              /* numbers of its row as we wrote it; 0: not ours, below: none */
    struct load load;
    arc_id id;
};

/* A run that is left alone. */
struct aside {
    struct arc_link due; /* in engine.asides_due until its row says so */
    struct load load;    /* of that row */
    int storing;         /* the present turn marks it */
    arc_id id;
    char why[256];
};

/* Which process is the home of an agent, of a store that several have: it alone gives its slots and
 * watches its leases. */
enum agent_place {
    AGENT_HERE,
    AGENT_AWAY,
    AGENT_COMING,  /* it was heard of here: its row is to say so */
    AGENT_WRITING, /* the present turn writes that */
    AGENT_READING, /* and the runs are read in which it has jobs */
};

struct agent {
    struct arc_link link;
    struct arc_arena arena;
    struct arc_row_agent row;
    struct arc_kvs labels;
    struct arc_link placements;
    struct arc_link due; /* placements that it may have to be told something about */
    uint32_t used;
    enum agent_place place;
    int guarded;           /* the present turn rests on its being here: its row is as it was */
    struct load jobs_load; /* the jobs that it has, when it has come here */
    size_t jobs_at;
    size_t free_place;     /* 1 + index in engine.free; 0: it has no free slot */
    struct arc_link fresh; /* in engine.fresh_agents: a slot or labels since the last look */
    uint64_t cold_seen;    /* the cold lanes up to here are nothing for it */
    int is_host;
    struct arc_session *session;
    int online;        /* as events say, this turn's included */
    int online_stored; /* as those say that are durable */
    int heard;         /* since this process began */
    int known;         /* recovery found its row */
    /* Of the incarnations that others have followed since this engine opened: the beginnings of
     * their digests; the oldest is forgotten first. */
    uint64_t past[ARC_PAST_MAX];
    uint32_t past_count;
    uint64_t followed;    /* the word by which the present one did */
    uint32_t short_beats; /* heartbeats in a row with fewer steps than it holds (old agents) */
    int row_due;          /* the row in memory is newer than the stored one */
    uint64_t last_seen_mono_ns, idle_since_mono_ns, rests_mono_ns; /* away until then */
    uint64_t shared_mono_ns; /* until then its former home, unaware, may renew its leases */
    int lost_due;            /* a placement of it is lost: see its reason */
    uint64_t looks;          /* for losses */
    /* ingestion of its events */
    struct load epoch_load;
    int epoch_known;
    uint64_t epoch, last_seq;
};

struct arc_session {
    struct arc_link due; /* in engine.sessions_due */
    struct arc_engine *engine;
    struct agent *agent; /* NULL: ended by a newer one, or the agent is gone */
    void (*notify)(void *user);
    void *user;
};

struct arc_log_watch {
    struct arc_link beside; /* in the shelf of its step run */
    struct arc_link due;    /* in engine.log_watches_due */
    struct arc_engine *engine;
    char step_run_id[ARC_ULID_LEN + 1 + 102];
    void (*notify)(void *user);
    void *user;
};

struct arc_event_watch {
    struct arc_link link;   /* in engine.event_watches */
    struct arc_link beside; /* in the shelf of its run, or in engine.wide_watches */
    struct arc_link due;    /* in engine.event_watches_due */
    int woken;              /* what it has asked the store for is there */
    struct arc_engine *engine;
    char run_id[130], pipeline_id[130], step_run_id[130];
    int64_t cursor;
    int64_t gaps_upto; /* what is missing up to here is known to be, or nobody minds */
    void (*notify)(void *user);
    void *user;
    struct load load; /* events older than the ring */
    size_t load_at;
    int64_t load_upto; /* published when the page was asked for: all up to it is in the store */
    struct arc_arena arena;
};

/* A job or a step whose row is to be written: once, as it is at the end of the turn. */
struct dirty {
    struct live *live;
    const void *thing; /* its state */
    uint32_t job;
    int32_t step; /* -1: the job */
    int32_t attempt;
    int fresh; /* the store has no row of it */
};

struct turn {
    struct arc_arena arena;
    struct arc_store_op *ops;
    size_t op_count, op_capacity;
    struct dirty *dirty;
    size_t dirty_count, dirty_capacity;
    uint32_t *dirty_places; /* 1 + index by the hash of thing; 0: free */
    size_t dirty_mask;
    struct arc_link answered;  /* cmd_box.cmd.link */
    struct arc_event **events; /* to publish, in order of position */
    size_t event_count, event_capacity;
    struct live **lives; /* touched */
    size_t live_count, live_capacity;
    struct arc_link pipes; /* touched */
    int64_t first_position;
    int64_t shift; /* of the positions of its events, once they are stored */
    uint64_t fence_before;
    int prepared;       /* events are copies of ours */
    int presence;       /* an agent came or went */
    int notices;        /* the outbox got some */
    arc_status spoiled; /* memory ran out or an invariant broke: nothing of it may be kept */
    int committing;
    int committed; /* done came */
    arc_status status;
    arc_err err;
};

/* Another process on the same store, or one that was. */
struct peer {
    struct arc_row_replica row; /* texts in replicas.arena */
    uint64_t moved_mono_ns;     /* when its version was seen to move */
};

/* A process that is gone, and of which nothing may need to know any more (gone.c). */
struct departed {
    arc_id id;            /* the one that is looked at, or was last */
    int phase;            /* of the look: which of those is asked about who may name it */
    uint64_t due_mono_ns; /* the next look */
    struct load load;
};

/* A run that is to be in memory. */
struct wanted {
    arc_id id;
    int taking;  /* its waiting jobs may have places here */
    int by_note; /* another process has changed it */
    int lost;    /* it was here, with what our agents have of it: nothing goes on without it */
};

/* What there is to know of the others (replicas.c), and what they have left for us (homes.c). */
struct replicas {
    int on;
    int engaged;           /* our row is there */
    int alone_due;         /* a turn of our own is due: to join, for a new epoch */
    int full;              /* the next recovery reads all that is open */
    arc_id self;           /* of our row */
    int64_t version;       /* of it, as it is stored */
    int64_t asked_version; /* of it, when the peers were asked for */
    int64_t epoch;
    int64_t epoch_due;     /* the one that the present turn takes; 0: none */
    int writing, adopting; /* the present turn writes our row; takes over what others had */
    uint64_t begun_mono_ns, confirmed_mono_ns; /* of a turn; of the last one that was stored */
    struct peer *peers;
    size_t peer_count;
    struct arc_arena arena;
    struct departed gone;
    struct load peers_load, inbox_load, newest_load, waiting_load, agents_load, tokens_load;
    uint64_t peers_mono_ns, news_mono_ns, waiting_mono_ns, agents_mono_ns; /* the next look at */
    uint64_t agents_reads, agents_read_mono_ns; /* how often agents and tokens have been read */
    arc_id waited; /* the last job of others that was looked at: the next look goes on there */
    int64_t waited_ns;
    uint64_t agents_asked;  /* commits, when they were */
    int agents_late;        /* there have been some since: who is not in the answer may be new */
    int newcomers;          /* some are known now: they may have jobs */
    uint32_t news, reading; /* by table: what may be new; of that, what is being asked for */
    int64_t last;           /* position, as the store told of it; 0: it is to be asked */
    int pipes_stale, reading_note; /* news of a pipeline; runs are read that others began for us */
    struct arc_link stale, guests; /* runs */
    struct kept_lease *kept;       /* of a turn that was lost at kept_mono_ns */
    size_t kept_count, kept_capacity;
    uint64_t kept_mono_ns;
    struct wanted *wanted;
    size_t wanted_count, wanted_capacity;
    arc_id *read; /* of the inbox: to be deleted */
    size_t read_count, read_capacity;
    char host_id[48];
    char name[ARC_REPLICA_NAME_MAX + 1];
};

struct token {
    int known; /* recovery found its row */
    struct arc_arena arena;
    struct arc_row_token row;
};

/* Old runs that are deleted. */
struct retain {
    struct arc_prune *prune; /* NULL: not yet */
    struct load load;
    uint64_t due_mono_ns; /* a pass, or the next batch of it; UINT64_MAX: nothing is to be done */
    int passing;          /* a pass is at work */
    int storing;          /* the present turn has its batch */
    uint64_t busy;        /* runs that were in use when the pass began */
};

struct arc_engine {
    struct arc_engine_options options;
    struct arc_mem mem;
    struct arc_store *store;
    struct arc_log_store *logs;
    struct arc_now now; /* mono_ns with ARC_MONO_SHIFT_NS */
    struct arc_ulid_gen ulid;
    int dispatching, recovering;
    int opened;             /* recovery was complete once */
    int store_limited;      /* after the last commit: 0 no, 1 told by health, 2 full */
    uint64_t retry_mono_ns; /* recovery and our own work wait until then */
    size_t loads_pending;   /* asked and not answered */
    size_t cmds_asleep;     /* of the commands, those that wait for something */
    int recover_phase;
    struct load recover_load;
    size_t recover_at;
    char fault[160];
    struct arc_buf body; /* of the event that is being written */
    struct arc_link cmds;
    size_t cmd_count;
    uint64_t words; /* commands and new incarnations so far */
    int one_by_one; /* after a conflict: this many turns take one command each */
    struct turn turn;
    struct arc_map runs, steps, pipes, agents, tokens, asked;
    struct arc_map set_aside;   /* run id -> aside: must not cost the others their turn */
    struct arc_link asides_due; /* those that are not marked in the store yet */
    struct arc_link live_list, linger_list, pipe_list, idle_pipes, agent_list, asked_list;
    size_t lives_open, lingering, ready_count, pipe_count, idle_pipe_count;
    struct arc_link levels, cold_lanes, fresh_agents;
    struct arc_map lanes; /* lanes and their flows by key */
    struct arc_buf lane_key;
    uint64_t lane_serial, cold_serial;
    struct agent **free; /* a heap of free_count, the best first */
    size_t free_count, free_capacity;
    struct arc_map groups;
    struct arc_link groups_due;  /* something has come, left or changed */
    struct arc_link groups_told; /* and those who wait for it may read so */
    size_t slots_awaited;        /* jobs that wait for a slot */
    struct arc_heap timers;
    int place_due;
    int watches_woken; /* a load has woken one of event_watches */
    int notices_due;   /* the outbox may hold some that were not told */
    struct load notice_load;
    size_t notice_at;     /* of its rows, the next */
    char notice_told[64]; /* the id of the last one told */
    struct retain retain;
    int asks_due; /* there may be a gate whose plugin has not been asked */
    struct arc_link sessions_due;
    struct replicas replicas;
    struct agent *host;
    struct arc_host_port host_port;
    int64_t schema;          /* of the store, see migrate.h; or: */
    uint64_t fence;          /* the last one handed out */
    int64_t position;        /* of the last event decided */
    int64_t published;       /* of the last event that is durable and in the ring */
    struct arc_event **ring; /* [position % ARC_RING_SIZE] */
    int64_t ring_first;      /* the oldest position held; position + 1: none */
    struct arc_link event_watches, event_watches_due, log_watches_due;
    struct arc_link wide_watches; /* events of more than one run */
    /* ARC_WATCH_SHELVES lists: of event watches by the look of the run, of log watches by the step
     * run. */
    struct arc_link *run_shelves, *log_shelves;
    uint64_t sweep_mono_ns;
    arc_ctl_stats stats;
};

/* engine.c */
struct cmd_box *arc__box(struct arc_cmd *cmd);
void arc__engine_say(struct arc_engine *engine, int level, const char *text);
/* Every command that waits is answered so; nothing was done. */
void arc__refuse_waiting(struct arc_engine *engine, arc_status status, const arc_err *why);

/* clean.c */
/* 1: stores take it and a stored event can be read back: UTF-8 without NUL. */
int arc__text_clean(arc_slice text);
/* The same with U+FFFD for what is neither; ARC_NONE and a failed arena when memory is out. */
arc_slice arc__text_cleaned(arc_slice text, struct arc_arena *arena);
/* Every text of the command that may become part of an event. */
void arc__cmd_clean(struct arc_cmd *cmd);

/* turn.c */
void arc__turn_begin(struct arc_engine *engine);
/* Copies the row and its texts. */
arc_status arc__turn_op(struct arc_engine *engine, enum arc_store_verb verb, enum arc_table table,
                        const void *row, int64_t expect_version, arc_err *err);
/* Takes over what a decision emitted for a run: event rows now, projections when the turn ends. */
arc_status arc__turn_decided(struct arc_engine *engine, struct live *live,
                             const struct arc_decision *d, arc_err *err);
/* Around every decision: enter, decide, leave with its status. A refusal comes back as it is. */
arc_status arc__turn_enter(struct arc_engine *engine, struct live *live, struct arc_decision *d,
                           arc_err *err);
arc_status arc__turn_leave(struct arc_engine *engine, struct live *live,
                           const struct arc_decision *d, arc_status status, arc_err *err);
/* Marks the turn as one that must not be kept; answers status. */
arc_status arc__turn_spoil(struct arc_engine *engine, arc_status status);
/* An event of a pipeline or an agent, whose stream is not a run. seq is the row's version. */
arc_status arc__turn_event(struct arc_engine *engine, struct arc_event init, arc_slice stream,
                           arc_err *err);
void arc__decision_begin(struct arc_engine *engine, struct arc_decision *d);
arc_status arc__turn_touch(struct arc_engine *engine, struct live *live, arc_err *err);
/* Writes projections and counters, commits; the end comes through arc__turn_end. */
arc_status arc__turn_commit(struct arc_engine *engine, arc_err *err);
arc_slice arc__turn_copy(struct arc_engine *engine, arc_slice text);

/* live.c: runs in memory */
/* ARC_OK, ARC_EAGAIN (being loaded), ARC_ENOTFOUND. */
arc_status arc__live_get(struct arc_engine *engine, arc_slice run_id, struct live **out,
                         arc_err *err);
arc_status arc__live_new(struct arc_engine *engine, const arc_id *id, struct pipe *pipe,
                         struct live **out, arc_err *err);
/* Once the run has its plan: the tables by job. */
arc_status arc__live_ready(struct live *live, arc_err *err);
/* Nothing more is decided about it: its log does not fit its own rules. */
void arc__live_set_aside(struct live *live);
/* Folds what has happened to it elsewhere. ARC_EAGAIN: being read. */
arc_status arc__live_refresh(struct live *live, arc_err *err);
/* What it is to this process, by its home; its indices follow. */
arc_status arc__live_settle(struct live *live, arc_err *err);
/* 1: an agent of this process has a job of it. */
int arc__live_held(const struct live *live);
/* The lease of what the job's holder has begins now; one that another process watches has no end.
 */
void arc__live_lease(struct live *live, uint32_t job);
/* What the job's holder was granted it may have been offered. */
void arc__live_presume_told(struct live *live, uint32_t job);
/* 1: it is kept in line here: its timers, its queue. */
static inline int arc__live_acts(const struct live *live)
{
    return !live->guest || live->taking;
}
/* The same as arc__live_get for a run whose row is at hand, and does not hold it. */
arc_status arc__live_recover(struct arc_engine *engine, const struct arc_row_pipeline_run *row,
                             struct live **out, arc_err *err);
/* The holder of the job may have something to hear. */
void arc__live_tell(struct live *live, uint32_t job);
void arc__live_drop(struct live *live);
/* Brings the ready list, placements, step refs and the timer in line with the run. */
arc_status arc__live_index(struct live *live, arc_err *err);
arc_status arc__live_index_job(struct live *live, uint32_t job, arc_err *err);
arc_status arc__live_arm(struct live *live, arc_err *err);
arc_status arc__live_index_events(struct live *live, const struct arc_decision *d, arc_err *err);
struct step_ref *arc__step_find(struct arc_engine *engine, arc_slice step_run_id);
void arc__live_linger(struct live *live);

/* aside.c: runs that are left alone */
/* stored: its row says so already. A run that is set aside stays so: the first reason holds. */
arc_status arc__aside_add(struct arc_engine *engine, arc_slice run_id, arc_slice why, int stored,
                          arc_err *err);
/* ARC_ECONFLICT for one that is. */
arc_status arc__aside_refuse(const struct arc_engine *engine, arc_slice run_id, arc_err *err);
int arc__asides_due(const struct arc_engine *engine);
arc_status arc__asides_settle(struct arc_engine *engine, arc_err *err); /* part of a turn */
void arc__asides_end(struct arc_engine *engine, int kept);
void arc__aside_close(struct arc_engine *engine);
void arc__asked_close(struct arc_engine *engine); /* asked.c */

/* pipes.c: pipelines in memory */
arc_status arc__pipe_get(struct arc_engine *engine, arc_slice id, struct pipe **out, arc_err *err);
arc_status arc__pipe_new(struct arc_engine *engine, const arc_id *id, struct pipe **out,
                         arc_err *err);
void arc__pipe_drop(struct arc_engine *engine, struct pipe *pipe);
/* One live run more, or less. */
void arc__pipe_use(struct arc_engine *engine, struct pipe *pipe);
void arc__pipe_leave(struct arc_engine *engine, struct pipe *pipe);
void arc__pipe_mark(struct arc_engine *engine, struct pipe *pipe);
/* Its row, if this turn has changed it, into the batch. */
arc_status arc__pipe_store(struct arc_engine *engine, struct pipe *pipe, arc_err *err);
static inline int arc__pipe_marked(const struct pipe *pipe)
{
    return arc__list_linked(&pipe->by_turn);
}
arc_status arc__pipe_copy_row(struct pipe *pipe, const struct arc_row_pipeline *row, arc_err *err);
/* The pipeline's counters and status after these events of one of its runs. */
void arc__pipe_note(struct arc_engine *engine, struct live *live, const struct arc_decision *d);

/* groups.c: slots of concurrency groups */
/* Makes room for the slots of a run, once it has its plan; again is fine. */
arc_status arc__groups_attach(struct live *live, arc_err *err);
/* Positions of this turn, those after first, are greater by shift. */
void arc__groups_shift(struct live *live, int64_t first, int64_t shift);
/* After a fold: keeps the positions that the order of the line is made of. */
void arc__groups_note(struct live *live, const struct arc_event *event);
/* The run is here from now on; loaded: it was before this process, or before a lost turn. */
arc_status arc__groups_join(struct live *live, int loaded, arc_err *err);
/* Brings its slots in line with what these events have done. */
void arc__groups_update(struct live *live, const struct arc_decision *d);
/* The run goes, and is freed of what attach made. */
void arc__groups_detach(struct live *live);
/* Deals with who came, and gives free slots to those who are next. */
arc_status arc__groups_settle(struct arc_engine *engine, arc_err *err);
/* Writes why those wait that are nearest to a slot. */
arc_status arc__groups_tell(struct arc_engine *engine, arc_err *err);
int arc__groups_due(const struct arc_engine *engine);
/* Completes what the core says of slots from entry first on: holders, and how many are before. */
void arc__groups_tell_of(const struct live *live, struct arc_waits *waits, size_t first);
/* The first reason as a sentence. */
arc_slice arc__why_run(const struct live *live, struct arc_arena *arena);
arc_slice arc__why_job(const struct live *live, uint32_t job, struct arc_arena *arena);

/* What the turn has to store so far. */
static inline size_t arc__turn_size(const struct turn *turn)
{
    return turn->op_count + turn->dirty_count;
}
arc_status arc__turn_dirty(struct arc_engine *engine, const struct dirty *dirty, arc_err *err);

/* persist.c: a run's rows */
arc_status arc__persist_dirty(struct arc_engine *engine, const struct dirty *dirty, arc_err *err);
/* The job's row is written when the turn ends. */
arc_status arc__persist_mark_job(struct arc_engine *engine, struct live *live, uint32_t j,
                                 arc_err *err);
arc_status arc__persist_run(struct arc_engine *engine, struct live *live, arc_err *err);
arc_status arc__persist_events(struct arc_engine *engine, struct live *live,
                               const struct arc_decision *d, arc_err *err);

/* agents.c */
struct agent *arc__agent_find(struct arc_engine *engine, arc_slice id);
arc_status arc__agent_new(struct arc_engine *engine, const struct arc_row_agent *row,
                          struct agent **out, arc_err *err);
arc_status arc__agent_set_row(struct agent *agent, const struct arc_row_agent *row, arc_err *err);
void arc__agent_drop(struct arc_engine *engine, struct agent *agent);
int arc__agent_status(const struct agent *agent);
void arc__agent_seen(struct arc_engine *engine, struct agent *agent);
/* It is another process's: its session here is over. */
void arc__agent_leave(struct agent *agent);
/* 1: this process is its home, or about to be. */
int arc__agent_is_ours(const struct agent *agent);
void arc__placement_due(struct placement *placement);
/* Everything that it holds is lost in the next sweep. */
void arc__agent_lose_all(struct arc_engine *engine, struct agent *agent, const char *why);
/* 1: the word of a process that another one has followed, which is at work: it came late, or had to
 * wait (word: as it was said; 0: just now). */
int arc__is_late_word(const struct arc_engine *engine, const struct agent *agent,
                      arc_slice incarnation, uint64_t word);
/* Its row from here on. If that names another process, what the one before held is lost. */
arc_status arc__incarnate(struct arc_engine *engine, struct agent *agent,
                          const struct arc_row_agent *row, arc_err *err);
/* The same, as another process has heard and stored: that one sees to what is lost. */
void arc__agent_followed(struct arc_engine *engine, struct agent *agent,
                         const struct arc_row_agent *row);
/* Presence and lost incarnations: part of a turn. */
arc_status arc__agents_sweep(struct arc_engine *engine, arc_err *err);
/* When a lease of its that begins now lapses. */
uint64_t arc__agent_lease_end(const struct arc_engine *engine, const struct agent *agent);
int arc__cancel_wanted(const struct live *live, uint32_t job);
/* Steps of a run that is being stopped, granted and never told to anybody, end at once. */
arc_status arc__withdraw(struct live *live, struct arc_decision *d, arc_err *err);

/* place.c */
arc_status arc__place(struct arc_engine *engine, arc_err *err);
/* Room in engine.free for one more agent than there are. */
arc_status arc__free_reserve(struct arc_engine *engine, arc_err *err);
/* What decides about its place among those with a free slot has changed. */
void arc__agent_shift(struct arc_engine *engine, struct agent *agent);
/* The same, and jobs that nobody could take may be something for it now. */
void arc__agent_freed(struct arc_engine *engine, struct agent *agent);
/* It has other labels. */
void arc__agent_relabelled(struct arc_engine *engine, struct agent *agent);
void arc__agent_withdraw(struct arc_engine *engine, struct agent *agent);
/* 1: it is here, it may be given jobs and it has a free slot. */
int arc__agent_may_take(const struct agent *agent);
/* 1: by what the job asks for, whether or not the agent has a slot. */
int arc__can_serve(const struct arc_engine *engine, const struct agent *agent,
                   const struct arc_plan_job *job);
/* The same of a job that goes to an agent. */
int arc__agent_matches(const struct agent *agent, const struct arc_selector *selector);
/* 1: the job goes to this process, 0: to an agent. */
int arc__place_on_host(const struct arc_engine *engine, const struct arc_plan_job *job);
int arc__place_host_has(const struct arc_engine *engine, arc_slice uses);
/* What agents that have a slot since the last time could take is looked at again. */
void arc__place_news(struct arc_engine *engine);
/* The next job that gets a place, and which; it has left the queue. NULL: nobody does. */
struct ready *arc__place_pick(struct arc_engine *engine, struct agent **agent);

/* lanes.c: the jobs that wait */
arc_status arc__lane_add(struct arc_engine *engine, struct ready *ready, arc_err *err);
/* Leaves the queue, if it stands in it. */
void arc__lane_remove(struct arc_engine *engine, struct ready *ready);
/* The same, served: its pipeline's next job comes after one of each other pipeline. */
void arc__lane_take(struct arc_engine *engine, struct ready *ready);
/* The lane to be served next; NULL: none that an agent could serve. */
struct lane *arc__lane_next(const struct arc_engine *engine);
struct ready *arc__lane_first(const struct lane *lane);
/* Nobody with a free slot can serve it. */
void arc__lane_cool(struct arc_engine *engine, struct lane *lane);
/* Those that the agent can serve. */
void arc__lanes_warm(struct arc_engine *engine, struct agent *agent);
void arc__lanes_warm_all(struct arc_engine *engine);
/* The queue of another engine as it stands, into one that has none; its jobs are made in arena.
 * What the present turn of that engine has changed, and is not stored, is left out. */
arc_status arc__lanes_copy(struct arc_engine *engine, const struct arc_engine *from,
                           struct arc_arena *arena, arc_err *err);
/* A number that whoever has a copy may keep with a lane; 0 at first. */
uint32_t *arc__lane_mark(struct lane *lane);
/* Frees the queue; jobs are their owners'. */
void arc__lanes_drop(struct arc_engine *engine);

/* cmd_*.c: each decides one command inside a turn. ARC_EAGAIN: it waits for a load. Any other
 * failure is its answer. */
arc_status arc__do_pipeline_create(struct arc_engine *engine, struct cmd_box *box, arc_err *err);
arc_status arc__do_pipeline_update(struct arc_engine *engine, struct cmd_box *box, arc_err *err);
arc_status arc__do_pipeline_delete(struct arc_engine *engine, struct cmd_box *box, arc_err *err);
arc_status arc__do_definition_save(struct arc_engine *engine, struct cmd_box *box, arc_err *err);
arc_status arc__do_run_trigger(struct arc_engine *engine, struct cmd_box *box, arc_err *err);
arc_status arc__do_run_control(struct arc_engine *engine, struct cmd_box *box, arc_err *err);
arc_status arc__do_notice_done(struct arc_engine *engine, struct cmd_box *box, arc_err *err);
arc_status arc__do_step_delete(struct arc_engine *engine, struct cmd_box *box, arc_err *err);
arc_status arc__do_run_rerun(struct arc_engine *engine, struct cmd_box *box, arc_err *err);
/* The run that a command names, if who asks may see it. */
arc_status arc__visible_run(struct arc_engine *engine, const struct arc_cmd *cmd, struct live **out,
                            arc_err *err);
/* ARC_ELIMIT: as many runs are open as may be. */
arc_status arc__check_runs_open(const struct arc_engine *engine, arc_err *err);
arc_status arc__do_step_report(struct arc_engine *engine, struct cmd_box *box, arc_err *err);
arc_status arc__do_agent_register(struct arc_engine *engine, struct cmd_box *box, arc_err *err);
arc_status arc__do_agent_unregister(struct arc_engine *engine, struct cmd_box *box, arc_err *err);
arc_status arc__do_token_create(struct arc_engine *engine, struct cmd_box *box, arc_err *err);
arc_status arc__do_events_push(struct arc_engine *engine, struct cmd_box *box, arc_err *err);
/* The pipeline, if the asker may see it. */
arc_status arc__visible_pipe(struct arc_engine *engine, const struct arc_cmd *cmd,
                             arc_slice pipeline_id, struct pipe **out, arc_err *err);

/* tokens.c */
arc_status arc__token_add(struct arc_engine *engine, const struct arc_row_token *row, arc_err *err);
struct token *arc__token_find(struct arc_engine *engine, arc_slice secret, uint32_t kind);
void arc__token_drop(struct arc_engine *engine, struct token *token);
/* "prefix" + hex of random bytes, NUL-terminated. */
arc_status arc__secret_new(struct arc_engine *engine, const char *prefix, size_t bytes, char *out,
                           size_t size, arc_err *err);

/* notices.c */
/* Rows of the outbox for what a decision has ended. */
arc_status arc__notices_write(struct arc_engine *engine, struct live *live,
                              const struct arc_decision *d, arc_err *err);

/* publish.c */
arc_status arc__publish_prepare(struct arc_engine *engine, arc_err *err);
void arc__publish(struct arc_engine *engine);
void arc__publish_drop(struct arc_engine *engine);
/* The events of the turn were stored so many positions further on. */
void arc__publish_shift(struct arc_engine *engine, int64_t shift);
/* There are events up to here that others have stored. */
void arc__publish_elsewhere(struct arc_engine *engine, int64_t position);
arc_status arc__publish_open(struct arc_engine *engine, arc_err *err);
void arc__publish_notify(struct arc_engine *engine);
/* 1: somebody is to be told. */
int arc__publish_due(const struct arc_engine *engine);
void arc__event_watch_due(struct arc_event_watch *watch);
void arc__log_watch_wake(struct arc_engine *engine, arc_slice step_run_id);
/* All of them: others may have written to any log. */
void arc__log_watches_wake(struct arc_engine *engine);
void arc__publish_close(struct arc_engine *engine);

/* request.c: idempotency */
#define ARC_REQUEST_ID_MAX 256u
struct request {
    arc_slice scope, id; /* "trigger:<pipeline>"; an empty id asks for nothing */
    char digest[65];     /* of the body */
};
/* ARC_OK: new. ARC_EDONE: answered before, *result is what was kept. ARC_ECONFLICT: with another
 * body. ARC_EAGAIN: being looked up. */
arc_status arc__request_seen(struct arc_engine *engine, struct load *load,
                             const struct request *request, arc_slice *result, arc_err *err);
/* Into the batch of what it did. */
arc_status arc__request_keep(struct arc_engine *engine, const struct request *request,
                             arc_slice result, arc_err *err);
/* SHA-256 over texts and pairs (kvs may be NULL), as hex: 65 bytes. */
void arc__digest(const arc_slice *parts, size_t count, const struct arc_kvs *kvs, char *out);
/* Lower case, NUL-terminated: 2 * len + 1 bytes. */
void arc__hex(const uint8_t *bytes, size_t len, char *out);

/* retain.c: old runs */
void arc__retain_open(struct arc_engine *engine);
void arc__retain_close(struct arc_engine *engine);
void arc__retain_note_end(struct arc_engine *engine); /* a run is over */
void arc__retain_note_key(struct arc_engine *engine); /* a requestId is kept */
uint64_t arc__retain_deadline(const struct arc_engine *engine);
arc_status arc__retain_settle(struct arc_engine *engine, arc_err *err); /* part of a turn */
void arc__retain_end(struct arc_engine *engine, int kept);

/* logs.c */
/* ref->info mirrors the log store from here on. */
arc_status arc__log_know(struct arc_engine *engine, struct step_ref *ref, arc_slice step_run_id,
                         arc_err *err);
/* Lines that the agent counted and we do not hold become a gap record. */
arc_status arc__log_tail(struct arc_engine *engine, struct step_ref *ref, arc_slice step_run_id,
                         int64_t agent_lines, arc_err *err);

/* replicas.c: who else serves the store */
#define ARC_EPOCH_BITS 32         /* of a fence, above those that count in an epoch */
#define ARC_EPOCH_COUNTER "epoch" /* the last one that was taken */
arc_status arc__replicas_open(struct arc_engine *engine, arc_err *err);
void arc__replicas_close(struct arc_engine *engine);
/* To what the store says of others' commits. */
void arc__replicas_listen(struct arc_engine *engine);
void arc__replicas_unlisten(struct arc_engine *engine);
/* Reads their rows: part of recovery. A row of ours that somebody has adopted is no longer ours. */
arc_status arc__replicas_read(struct arc_engine *engine, arc_err *err);
/* How long a process that can store nothing goes on for itself. */
uint64_t arc__replicas_lease_ns(const struct arc_engine *engine);
/* Who acts for what this one is home of; empty where that is not known. */
arc_slice arc__replicas_heir(const struct arc_engine *engine, arc_slice home);
/* 1: we do. Always so, where there are no others. */
int arc__is_ours(const struct arc_engine *engine, arc_slice home);
/* 1: we do what one of them has to do. */
int arc__is_leader(const struct arc_engine *engine);
/* 1: nobody can have taken our place yet. Else leases are not renewed and nothing is offered. */
int arc__is_confident(const struct arc_engine *engine);
/* The replica whose host's executors this is; empty: it is none. */
arc_slice arc__host_replica(arc_slice agent_id);
/* What was decided needs greater fences than ours: a new epoch, and then again. */
arc_status arc__replicas_renew(struct arc_engine *engine, arc_err *err);
/* Our row, and those that we take over, into the batch; only where there is one, or it is time. */
arc_status arc__replicas_store(struct arc_engine *engine, arc_err *err);
/* 1: a turn is due for our row. */
int arc__replicas_due(const struct arc_engine *engine);
void arc__replicas_end(struct arc_engine *engine, arc_status status);
/* Looks at the others now and then. */
arc_status arc__replicas_watch(struct arc_engine *engine, arc_err *err);
uint64_t arc__replicas_deadline(const struct arc_engine *engine);

/* gone.c: the rows of processes that are gone, which the leader deletes in the end */
void arc__gone_open(struct arc_engine *engine);
void arc__gone_close(struct arc_engine *engine);
arc_status arc__gone_look(struct arc_engine *engine, arc_err *err);  /* between turns */
arc_status arc__gone_store(struct arc_engine *engine, arc_err *err); /* into the batch */
void arc__gone_end(struct arc_engine *engine);

/* homes.c: runs and agents of which others are home */
arc_status arc__homes_open(struct arc_engine *engine, arc_err *err);
void arc__homes_close(struct arc_engine *engine);
/* Between turns: takes in what others have left for us, and reads what is wanted. */
arc_status arc__homes_read(struct arc_engine *engine, arc_err *err);
/* Part of a turn: what we have changed goes to whom it concerns. */
arc_status arc__homes_tell(struct arc_engine *engine, arc_err *err);
int arc__homes_due(const struct arc_engine *engine);
void arc__homes_end(struct arc_engine *engine, int kept);
uint64_t arc__homes_deadline(const struct arc_engine *engine);
/* The run is to be in memory. */
arc_status arc__homes_want(struct arc_engine *engine, const struct wanted *wanted, arc_err *err);
/* What a lost turn had dropped, or could not be folded, is back. ARC_EAGAIN: not yet. */
arc_status arc__homes_read_lost(struct arc_engine *engine, arc_err *err);
/* Something is known to be away that is about to come: what is not in memory may exist. */
int arc__homes_unsettled(const struct arc_engine *engine);
/* A refusal may rest on what is not so any more. 1: it is decided again, when that was read. */
int arc__homes_doubt(struct arc_engine *engine, struct cmd_box *box);
/* There may be news of a run in memory. */
void arc__live_doubt(struct live *live);
/* The agent was heard of here. ARC_OK: here is its home; ARC_EAGAIN: soon. */
arc_status arc__agent_come(struct arc_engine *engine, struct agent *agent);
/* The same by its id, of a command; ARC_OK for one that is not known. */
arc_status arc__agent_needs_home(struct arc_engine *engine, arc_slice agent_id);
/* Its row, when it comes: part of a turn. */
arc_status arc__agent_arrive(struct arc_engine *engine, struct agent *agent, arc_err *err);
/* As its row says now. */
void arc__agent_placed(struct arc_engine *engine, struct agent *agent, int is_new);
/* Whom nobody knows may have registered elsewhere a moment ago: ARC_EUNAVAILABLE, and they are read
 * again; else status. */
arc_status arc__homes_unknown(struct arc_engine *engine, arc_status status, const char *subject,
                              const char *message, arc_err *err);
/* Somebody has jobs who is not known: agents are read again. */
void arc__homes_strangers(struct arc_engine *engine);
/* A note for who is home of what addressee names; empty: nothing. */
arc_status arc__homes_note(struct arc_engine *engine, arc_slice addressee, arc_slice run_id,
                           arc_slice agent_id, arc_err *err);

/* recover.c */
/* Reads agents or tokens from here on as their rows say. */
arc_status arc__recover_agents(struct arc_engine *engine, struct load *load, arc_err *err);
arc_status arc__recover_tokens(struct arc_engine *engine, struct load *load, arc_err *err);
arc_status arc__recover(struct arc_engine *engine, arc_err *err);

#endif
