/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Running definitions in this process: executors are C callbacks by `uses` name, and the same
 * engine that serves agents places jobs on them. No thread, no socket.
 */
#ifndef ARCENTRA_RUN_H
#define ARCENTRA_RUN_H

#include <arcentra/ctl.h>
#include <arcentra/spec.h>
#include <arcentra/states.h>

ARC_BEGIN_DECLS

/** Ids are texts of at most this many bytes with the NUL. */
#define ARC_ID_SIZE 32

/** A text pair of a variable or the environment; both NUL-terminated. */
typedef struct arc_pair {
    const char *key, *value;
} arc_pair;

/** How a run is started: what its definition reads as `trigger` and `git`. The texts are UTF-8 of
 * at most 256 KiB each; zero in a field: none. `trigger.type` is `manual`. Since: 0.1. */
typedef struct arc_run_options {
    size_t size;
    const arc_pair *variables; /* over the definition's */
    size_t variable_count;
    const char *triggered_by; /* trigger.actor */
    const char *branch, *ref; /* "main", "refs/heads/main" */
    const char *tag, *sha;    /* "v1.2.0", the commit */
    const char *event;        /* the type of what has happened, like "push" */
    const char *payload;      /* what came with it: JSON of any kind */
    /* The revision that the run is about, where it is not the trigger's `sha` and `branch`. */
    const char *git_commit, *git_branch;
    const char *git_repo; /* the address of the repository */
    /* Its place in the queue, -100 to 100, 0 by default: jobs of the higher one go first. A point
     * weighs as much as a minute of waiting, so a low one is late and never starves. Runs of the
     * same priority share what there is: one job of each pipeline after the other. */
    int32_t priority;
} arc_run_options;
#define ARC_RUN_OPTIONS_INIT \
    { \
        sizeof(arc_run_options), NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
            NULL, 0 \
    }

/**
 * Starts a run of spec: durable when the next dispatch has returned; the event
 * arcentra.pipeline.triggered says so. run_id (ARC_ID_SIZE bytes) gets its id at once.
 * The limits that spec was read with hold for the run too. options may be NULL.
 * Owner: spec stays the caller's. Thread: owner.
 * Errors: ARC_EINVAL (a variable that is given twice, a payload that is not JSON, a definition that
 * cannot be planned with them, a priority out of range), ARC_ELIMIT (runs_max), ARC_ENOMEM,
 * ARC_EUNAVAILABLE. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_run_start(arc_ctl *ctl, arc_spec *spec,
                                              const arc_run_options *options, char *run_id,
                                              arc_err *err);
/**
 * Asks a run to stop: TERM, a grace, KILL; force skips `finally` and the grace.
 *
 * A run that is not in the memory of this process may be open all the same: with `store_shared`
 * another process is its home, and any store may be at work on it. Then ARC_OK says that the
 * question is put; what the run answers comes with the dispatches that follow, as an event, or, of
 * a run that is over or that there is not, as a warning to the host's log.
 * Owner: none. Thread: owner. Errors: ARC_ENOTFOUND, ARC_ECONFLICT (it is over), ARC_ELIMIT,
 * ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_run_stop(arc_ctl *ctl, const char *run_id, const char *reason,
                                             int force, arc_err *err);

/** What is said at a gate. Zero in a field: none. Since: 0.1. */
typedef struct arc_gate_options {
    size_t size;
    const char *actor;   /* who decides; must be one of the gate's approvers if it names any */
    const char *comment; /* kept with the decision */
    uint32_t reject;     /* 1: rejected; what the gate guards is skipped and the run fails */
    uint32_t override;   /* 1: the host decides alone, whatever approvers and count the gate has */
    const char *channel; /* how the decision came, a word for the record; NULL: "host", "plugin" */
    uint32_t plugin;     /* 1: what the plugin of a gate of type `auto` says, see arc_gate_next */
} arc_gate_options;
#define ARC_GATE_OPTIONS_INIT \
    { \
        sizeof(arc_gate_options), NULL, NULL, 0, 0, NULL, 0 \
    }

/**
 * Approves or rejects at a gate of a run that waits there: "pipeline", "stage:NAME", "job:NAME", or
 * a NAME that only one gate has. Durable when the next dispatch has returned; an event
 * arcentra.pipeline.approval.… says so. The same decision again is ARC_OK and changes nothing. At a
 * gate of a run that is not in the memory of this process ARC_OK says what it does of arc_run_stop.
 * options may be NULL. Owner: none. Thread: owner.
 * Errors: ARC_ENOTFOUND (no open run of this id, no such gate), ARC_EDENIED (not an approver),
 * ARC_ECONFLICT (it does not wait, or was decided otherwise), ARC_EINVAL, ARC_ELIMIT, ARC_ENOMEM.
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_run_decide_gate(arc_ctl *ctl, const char *run_id,
                                                    const char *gate,
                                                    const arc_gate_options *options, arc_err *err);

/** A gate of type `auto` that waits for its plugin. Borrowed until the next arc_gate_next or the
 * next dispatch. Since: 0.1. */
typedef struct arc_gate_view {
    size_t size;
    const char *run_id, *pipeline_id;
    const char *gate;                 /* "pipeline", "stage:NAME" or "job:NAME" */
    const char *plugin;               /* which one is asked */
    const char *params;               /* with what: a JSON object */
    int64_t requested_ns, expires_ns; /* wall clock; expires_ns 0: never */
} arc_gate_view;
#define ARC_GATE_VIEW_INIT \
    { \
        sizeof(arc_gate_view), NULL, NULL, NULL, NULL, NULL, 0, 0 \
    }

/**
 * The next gate of type `auto` whose plugin is to be asked: the host runs the plugin and answers
 * with arc_run_decide_gate, `plugin` set, at once or later. Pull after each dispatch until there is
 * none. Each gate is told once, and again after a restart for as long as it waits, so a plugin may
 * be asked twice and answers the same. Nobody else decides at such a gate but with `override`; its
 * timeout holds as for any other.
 * Owner: out is filled in; its texts are borrowed. Thread: owner.
 * Errors: ARC_EAGAIN (none now), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_gate_next(arc_ctl *ctl, arc_gate_view *out, arc_err *err);

/** What a definition's `notify` says about something that has ended. Borrowed until the next
 * arc_notice_next or the next dispatch. Since: 0.1. */
typedef struct arc_notice_view {
    size_t size;
    const char *id; /* for arc_notice_done */
    const char *run_id, *pipeline_id;
    const char *about;  /* "pipeline", "stage:NAME" or "job:KEY" */
    const char *result; /* "success", "failure" or "cancelled"; a partial run is a failure */
    const char *plugin, *action;
    const char *params; /* a JSON object; as written where a template could not be expanded: */
    const char *fault;  /* why not; else "" */
    int64_t created_ns; /* wall clock */
} arc_notice_view;
#define ARC_NOTICE_VIEW_INIT \
    { \
        sizeof(arc_notice_view), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0 \
    }

/**
 * The next notice, in the order of the log. Each was written in the transaction of the end that it
 * tells of, and is here after that commit: the host runs the plugin (this library sends nothing)
 * and then calls arc_notice_done. Until then it is kept, and told again after a restart: at least
 * once. Pull after each dispatch until there is none.
 * Owner: out is filled in; its texts are borrowed. Thread: owner.
 * Errors: ARC_EAGAIN (none now), ARC_EUNAVAILABLE (the store), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_notice_next(arc_ctl *ctl, arc_notice_view *out, arc_err *err);
/**
 * A notice has been dealt with, for better or worse; one that is not there is fine. Durable when
 * the next dispatch has returned. Owner: copied. Thread: owner. Errors: ARC_EINVAL, ARC_ELIMIT,
 * ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_notice_done(arc_ctl *ctl, const char *id, arc_err *err);

/**
 * The status of a run that is open or ended lately (ARC_RUN_…); 0: not known. With `store_shared`
 * those of every run in the store: of one that another process is home of it may be a second old,
 * and as the store is asked and not waited for, the first answer may be 0 and that after a later
 * dispatch the status. It is so for runs_asked_max such runs at a time.
 * Owner: none. Thread: owner. Since: 0.1.
 */
ARC_API int arc_run_get_status(arc_ctl *ctl, const char *run_id);

/** A step that an executor is to run. Everything is borrowed until the step has ended. */
typedef struct arc_step_view {
    size_t size;
    uint64_t token; /* names this execution in arc_step_… calls; never reused */
    const char *run_id, *pipeline_id, *job_id, *step_run_id;
    const char *job_name, *step_name;
    const char *uses, *action;
    const char *args; /* a JSON object */
    const arc_pair *env;
    size_t env_count;
    const char *working_directory; /* inside the job's workspace; "" is its top */
    const char *workspace;         /* a relative name, one for each attempt of a job */
    int64_t timeout_ns;            /* 0: none */
    uint32_t step_index, attempt;
    uint32_t last;       /* 1: the job's last step, as far as is known */
    const char *image;   /* what it asks to run in; "": nothing */
    const char *target;  /* where its job delivers to, and the job's runtime: JSON objects as the */
    const char *runtime; /* definition has them, for those who act on them; "": none */
} arc_step_view;

/** What an executor may be asked. Since: 0.1. */
typedef struct arc_executor {
    size_t size;
    /* Begin. ARC_OK: it will end through arc_step_end, at once or later. Else the step has failed
     * with err's message. */
    arc_status (*start)(void *user, const arc_step_view *step, arc_err *err);
    /* End it: TERM, and KILL after grace_ms; then arc_step_end as ever. May come again with a
     * shorter grace. NULL: it cannot be cancelled. */
    void (*cancel)(void *user, uint64_t token, uint32_t grace_ms);
    void *user;
} arc_executor;
#define ARC_EXECUTOR_INIT \
    { \
        sizeof(arc_executor), NULL, NULL, NULL \
    }

/**
 * Offers an executor for a `uses` name without its version ("shell", "actions/go-build"); "*" takes
 * what no other name takes. Jobs all of whose steps have one, and that do not ask for an agent, run
 * in this process. Replaces an earlier one of that name.
 * Owner: the executor's struct is copied. Thread: owner. Errors: ARC_EINVAL, ARC_ENOMEM. Since:
 * 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_ctl_executor(arc_ctl *ctl, const char *uses,
                                                 const arc_executor *executor, arc_err *err);

#define ARC_STREAM_STDOUT 1u
#define ARC_STREAM_STDERR 2u

/**
 * Adds output to a step's log; whole lines are stored as they end, the rest at the end.
 * Owner: none. Thread: owner. Errors: ARC_ENOTFOUND (the step is over), ARC_EIO, ARC_ENOMEM.
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_step_log(arc_ctl *ctl, uint64_t token, uint32_t stream,
                                             const char *bytes, size_t len, arc_err *err);

/** What the outputs of one step may have together: names and values, in bytes. */
#define ARC_STEP_OUTPUTS_MAX 65536u

/**
 * Sets an output of a step, which other steps read as `steps.ID.outputs.NAME`; it counts when the
 * step ends with success or failure. A second value of a name replaces the first.
 * name: letters, digits, `_` and `-`, not a digit first, at most 64. value: UTF-8 without NUL.
 * Owner: copied. Thread: owner. Errors: ARC_ENOTFOUND (the step is over), ARC_EINVAL (name, value),
 * ARC_ELIMIT (more than ARC_STEP_OUTPUTS_MAX), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_step_output(arc_ctl *ctl, uint64_t token, const char *name,
                                                const char *value, arc_err *err);

/**
 * Ends a step. result: ARC_STEP_SUCCESS, ARC_STEP_FAILED, ARC_STEP_CANCELLED or ARC_STEP_TIMEOUT.
 * message: why, for a failure; may be NULL.
 * Owner: none; the view's texts are gone when it returns. Thread: owner.
 * Errors: ARC_ENOTFOUND (it ended before), ARC_EINVAL (result). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_step_end(arc_ctl *ctl, uint64_t token, int result,
                                             int exit_code, const char *message, arc_err *err);

ARC_END_DECLS

#endif
