/* SPDX-License-Identifier: Apache-2.0 */
/* Events: what happened, one flat record for every type. A run is the fold of its events, so a
 * field that the fold reads may never change its meaning; the others are there for those who watch.
 * How a record becomes JSON and back is engine/event_json.h's business. */
#ifndef ARC_CORE_EVENT_H
#define ARC_CORE_EVENT_H

#include "base/slice.h"
#include "base/ulid.h"
#include "core/plan.h"

/* clang-format off */
/* E(NAME, type) in the CloudEvents form of the contract. `pipeline.stopping`, `job.stopping` and
 * `step.stopping` are ours: a stop has been asked for and is on its way. So is `step.updated`:
 * somebody has changed a step that waits. And `pipeline.admitted`
 * and `job.admitted` are: it has a slot of its concurrency group from here to its end (decision 013). */
#define ARC_EVENT_TYPES(E)                                                                         \
    E(PIPELINE_CREATED, "arcentra.pipeline.created")                                               \
    E(PIPELINE_UPDATED, "arcentra.pipeline.updated")                                               \
    E(PIPELINE_DELETED, "arcentra.pipeline.deleted")                                               \
    E(PIPELINE_TRIGGERED, "arcentra.pipeline.triggered")                                           \
    E(PIPELINE_ADMITTED, "arcentra.pipeline.admitted")                                             \
    E(PIPELINE_STARTED, "arcentra.pipeline.started")                                               \
    E(PIPELINE_PAUSED, "arcentra.pipeline.paused")                                                 \
    E(PIPELINE_RESUMED, "arcentra.pipeline.resumed")                                               \
    E(PIPELINE_STOPPING, "arcentra.pipeline.stopping")                                             \
    E(PIPELINE_COMPLETED, "arcentra.pipeline.completed")                                           \
    E(PIPELINE_FAILED, "arcentra.pipeline.failed")                                                 \
    E(PIPELINE_CANCELLED, "arcentra.pipeline.cancelled")                                           \
    E(PIPELINE_PARTIAL, "arcentra.pipeline.partial")                                               \
    E(APPROVAL_REQUESTED, "arcentra.pipeline.approval.requested")                                  \
    E(APPROVAL_APPROVED, "arcentra.pipeline.approval.approved")                                    \
    E(APPROVAL_REJECTED, "arcentra.pipeline.approval.rejected")                                    \
    E(APPROVAL_EXPIRED, "arcentra.pipeline.approval.expired")                                      \
    E(JOB_QUEUED, "arcentra.job.queued")                                                           \
    E(JOB_ADMITTED, "arcentra.job.admitted")                                                       \
    E(JOB_STARTED, "arcentra.job.started")                                                         \
    E(JOB_STOPPING, "arcentra.job.stopping")                                                       \
    E(JOB_COMPLETED, "arcentra.job.completed")                                                     \
    E(JOB_FAILED, "arcentra.job.failed")                                                           \
    E(JOB_CANCELLED, "arcentra.job.cancelled")                                                     \
    E(JOB_TIMEOUT, "arcentra.job.timeout")                                                         \
    E(JOB_SKIPPED, "arcentra.job.skipped")                                                         \
    E(JOB_RETRYING, "arcentra.job.retrying")                                                       \
    E(STEP_QUEUED, "arcentra.step.queued")                                                         \
    E(STEP_STARTED, "arcentra.step.started")                                                       \
    E(STEP_UPDATED, "arcentra.step.updated")                                                       \
    E(STEP_STOPPING, "arcentra.step.stopping")                                                     \
    E(STEP_COMPLETED, "arcentra.step.completed")                                                   \
    E(STEP_FAILED, "arcentra.step.failed")                                                         \
    E(STEP_CANCELLED, "arcentra.step.cancelled")                                                   \
    E(STEP_TIMEOUT, "arcentra.step.timeout")                                                       \
    E(STEP_SKIPPED, "arcentra.step.skipped")                                                       \
    E(STEP_RETRYING, "arcentra.step.retrying")                                                     \
    E(STEP_DELETED, "arcentra.step.deleted")                                                       \
    E(ARTIFACT_CREATED, "arcentra.artifact.created")                                               \
    E(AGENT_REGISTERED, "arcentra.agent.registered")                                               \
    E(AGENT_UNREGISTERED, "arcentra.agent.unregistered")                                           \
    E(AGENT_ONLINE, "arcentra.agent.online")                                                       \
    E(AGENT_OFFLINE, "arcentra.agent.offline")
/* clang-format on */

#define ARC_EVENT_ENUM(name, type) ARC_EVENT_##name,
enum arc_event_type { ARC_EVENT_NONE, ARC_EVENT_TYPES(ARC_EVENT_ENUM) ARC_EVENT_TYPE_COUNT };

/* A cause beside those of a retry: of job.stopping, that somebody asked for it; without, it is
 * failFast's doing. */
#define ARC_CAUSE_ASKED 8u

#define ARC_PRIORITY_MAX 100

/* A job that a rerun does not do again: how the old one ended. */
struct arc_kept {
    int32_t status; /* 0: it runs */
    int32_t by_failure;
    arc_slice outputs;
};

/* What the first event of a run carries and no other. */
struct arc_birth {
    arc_slice pipeline_name, project_id, definition_sha, branch, ref, request_id;
    int64_t number;       /* of the run within its pipeline, from 1 */
    int32_t trigger_type; /* 1 manual, 2 cron, 3 event */
    int32_t priority;     /* of its jobs in the queue, up to ARC_PRIORITY_MAX either way */
    const struct arc_plan *plan;
    const arc_id *job_ids;  /* plan->job_count */
    const arc_id *step_ids; /* those of all jobs, one after the other */
    uint32_t step_id_count;
    struct arc_kvs variables;    /* the trigger's, as they came */
    arc_slice rerun_of;          /* the run that this one is a rerun of; or empty */
    int32_t attempt;             /* from 1; a rerun has the next */
    const struct arc_kept *kept; /* plan->job_count; NULL: every job runs */
};

/* Every text of an event but whose stream it is in: T(key in its stored body, field). The second
 * list are JSON objects. */
/* clang-format off */
#define ARC_EVENT_TEXTS(T) \
    T("pipelineId", pipeline_id) \
    T("jobId", job_id) \
    T("stepRunId", step_run_id) \
    T("agentId", agent_id) \
    T("jobName", job_name) \
    T("stepName", step_name) \
    T("reason", reason)              /* one sentence */ \
    T("actor", actor)                /* who asked */ \
    T("errorMessage", error_message) \
    T("gateName", gate_name)         /* "pipeline", "stage:NAME", "job:KEY" */ \
    T("comment", comment)            /* of who decided a gate */ \
    T("artifact", artifact)          /* artifact.created: its name */ \
    T("path", path)                  /* the same, inside the workspace */ \
    T("digest", digest)              /* the same: "sha256:…", or empty */ \
    T("channel", channel)            /* how that came: "api", "host", "timeout", … */
#define ARC_EVENT_OBJECTS(T) \
    T("metrics", metrics)            /* texts, or empty */ \
    T("outputs", outputs)            /* the same; of a job as well */ \
    T("place", place)                /* step.queued, the first on an agent: what it is */ \
    T("env", env)                    /* step.updated: what wins over the plan's */
/* clang-format on */
#define ARC_EVENT_FIELD(key, field) arc_slice field;

struct arc_event {
    enum arc_event_type type;
    int64_t seq;      /* in the stream, from 1 */
    int64_t position; /* in the whole log; set when committed */
    int64_t time_ns;  /* wall clock */
    /* Whose. Empty where none. The stream is the run's id if there is one, else the pipeline's or
     * the agent's. */
    arc_slice run_id;
    ARC_EVENT_TEXTS(ARC_EVENT_FIELD)
    ARC_EVENT_OBJECTS(ARC_EVENT_FIELD)
    int32_t job, step;       /* indices in the plan, -1: none */
    int32_t state, previous; /* of the thing that the type names */
    int32_t attempt;         /* of the step, or of the job for job events; from 1 */
    int32_t exit_code;
    uint32_t cause; /* ARC_CAUSE_… of an attempt's end */
    uint64_t fence; /* step.queued: the grant's */
    int64_t log_lines;
    int64_t not_before_ns;  /* *.retrying: wall clock */
    int64_t grace_ns;       /* *.stopping */
    int32_t force;          /* *.stopping; approval.approved: that one alone is enough */
    uint32_t gate;          /* approval.*: 1 + index; 0: none */
    int64_t expires_ns;     /* approval.requested, artifact.created: wall clock; 0: never */
    int64_t size;           /* artifact.created: bytes */
    int64_t timeout_ns;     /* step.updated: 1 + the new one; 0: as it was */
    const arc_id *step_ids; /* job.retrying: the new step runs, the job's step_count */
    uint32_t step_id_count;
    const struct arc_birth *birth; /* pipeline.triggered */
};

/* "arcentra.step.started"; "" for none. */
const char *arc__event_type_name(enum arc_event_type type);
enum arc_event_type arc__event_type_from_name(arc_slice name);
/* "step", "started": the middle and the last part of the type. */
arc_slice arc__event_object(enum arc_event_type type);
arc_slice arc__event_lifecycle(enum arc_event_type type);

#endif
