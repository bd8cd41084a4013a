/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The control plane as an object in your process: it holds pipelines, runs and agents, and moves
 * when you dispatch it. It has no thread of its own, takes no signal and never blocks.
 *
 *     struct pollfd p = {arc_ctl_fd(ctl), POLLIN, 0};
 *     for (;;) {
 *         poll(&p, 1, arc_ctl_timeout_ms(ctl));
 *         if (arc_ctl_dispatch(ctl, 0, &err) != ARC_OK)
 *             break;
 *     }
 *
 * One thread uses an arc_ctl at a time, and everything that was opened with it (calls,
 * subscriptions, servers); any number of them may exist. From inside a callback everything may be
 * called but dispatch and close, which then answer ARC_ECONFLICT or do nothing.
 */
#ifndef ARCENTRA_CTL_H
#define ARCENTRA_CTL_H

#include <arcentra/base.h>

ARC_BEGIN_DECLS

typedef struct arc_ctl arc_ctl;
struct arc_store;

/** What arc_ctl_open takes. Zero in a field means its default. Since: 0.1. */
typedef struct arc_ctl_options {
    size_t size;             /* sizeof(arc_ctl_options); set by ARC_CTL_OPTIONS_INIT */
    const arc_env *env;      /* NULL: the process's own memory, clocks and random bytes */
    const char *store_url;   /* "mem:" (default), "sqlite:/path/to/file.db" or
                                "postgres://user@host/database"; docs/POSTGRES.md */
    const char *log_dir;     /* step logs as files; NULL: beside the SQLite file, else in memory */
    uint32_t lease_ttl_ms;   /* 30000: how long a step survives without a word of its agent */
    uint32_t heartbeat_ms;   /* 10000: what agents are told */
    uint32_t stop_grace_ms;  /* 10000: from TERM to KILL */
    uint32_t stop_settle_ms; /* 30000: after the grace, a stopped run ends whatever agents say */
    uint32_t lost_retries_max; /* 3: placements of a job that end with the agent lost */
    uint32_t runs_max;         /* 10000: runs that are not over at one time */
    uint32_t host_slots;       /* 64: jobs that the host's executors run at one time */
    uint32_t agents_approved;  /* 1 (default): by their token; 2: somebody must approve them */
    uint32_t finally_ms;       /* 300000: what a step of `finally` has once its job was to end */
    /* Which runs are kept: all (0), or: those that ended less long ago; the newest of each
     * pipeline; the newest of all. Others are deleted, a few at a time; docs/OPERATING.md says what
     * stays. */
    uint32_t retention_max_age_s;
    uint32_t retention_runs_per_pipeline;
    uint32_t retention_runs_max;
    /* 1: other processes serve the same PostgreSQL database at the same time, each with this set;
     * 0: this one has it alone, and a second one waits for it to go. docs/REPLICAS.md. They share
     * log_dir as well, or each shows the step logs that it was sent. */
    uint32_t store_shared;
    const char *replica_name;  /* which no two of them have; one that comes back under its name goes
                                  on at once. NULL: none, and it waits for replica_lease_ms */
    uint32_t replica_lease_ms; /* 10000: how long one may be silent before others take over */
    /* The host's own store, <arcentra/sys/store.h>, instead of store_url. arc_ctl_open takes it,
     * and closes it where it fails. Step logs are in memory unless log_dir says where. */
    struct arc_store *store;
    uint32_t definition_kept_max; /* 65536: a definition of so many bytes stays in memory while runs
                                     of its pipeline are open; a larger one is read for each run */
    /* Beside others, with store_shared: */
    uint32_t leases_kept_max; /* 1000: leases that are as old as before when another process was
                                 faster; the steps of the others get a whole lease anew */
    uint32_t runs_asked_max;  /* 10000: runs of others that arc_run_get_status knows at a time */
} arc_ctl_options;
#define ARC_CTL_OPTIONS_INIT \
    { \
        sizeof(arc_ctl_options), NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0, \
            NULL, 0, 0, 0 \
    }

/**
 * Opens a control plane on its store and takes up what was unfinished: leases that were held live
 * on for one lease time more, queued jobs are placed anew.
 * options: NULL is all defaults. *out is written only on success. A PostgreSQL server is connected
 * to in dispatch, and arc_ctl_health says what it answers; opening waits for nothing but a host
 * name of store_url that must be looked up.
 * Owner: the caller, who closes it; options->store is taken, whatever is answered, but for an
 * options->size that is none. Thread: owner.
 * Errors: ARC_ENOMEM, ARC_EINVAL (an option, an unknown store_url, a store that lacks a slot),
 * ARC_ECONFLICT (another process has the store; the message names it), ARC_EIO, ARC_EUNAVAILABLE (a
 * host name of store_url is not known), ARC_EUNIMPLEMENTED (a store that is not built in, or
 * cannot be shared),
 * ARC_EPRECONDITION (a store of the host's that was compiled with other tables).
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_ctl_open(const arc_ctl_options *options, arc_ctl **out,
                                             arc_err *err);

/**
 * Ends everything that was opened with it and frees it. Runs that are not over go on at the next
 * open. NULL is fine. Owner: takes ctl. Thread: owner. Since: 0.1.
 */
ARC_API void arc_ctl_close(arc_ctl *ctl);

/**
 * The one descriptor to poll for reading; the same for the life of ctl. Never read from it.
 * Owner: ctl. Thread: owner. Since: 0.1.
 */
ARC_API int arc_ctl_fd(arc_ctl *ctl);

/**
 * How long the host may sleep: -1 until the descriptor is readable, 0 not at all. Ask again after
 * every dispatch. Owner: none. Thread: owner. Since: 0.1.
 */
ARC_API int arc_ctl_timeout_ms(arc_ctl *ctl);

/**
 * Does what is due: takes in what arrived, decides, commits, and only then answers, publishes and
 * starts. Never blocks on a peer. budget bounds the commands of one call; 0: the default.
 * Owner: none. Thread: owner.
 * Errors: ARC_ECONFLICT (called from a callback), ARC_EINTERNAL (arc_ctl_fault says which
 * invariant broke; the instance does no further work), ARC_EIO (the store is gone for good).
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_ctl_dispatch(arc_ctl *ctl, uint32_t budget, arc_err *err);

/**
 * Makes the descriptor readable. The one function that any thread and any signal handler may call
 * while ctl is open. Owner: none. Thread: any. Since: 0.1.
 */
ARC_API void arc_ctl_wake(arc_ctl *ctl);

/**
 * ARC_OK while new work can be accepted and stored; else why not.
 * Owner: none. Thread: owner. Errors: ARC_EUNAVAILABLE, ARC_EIO, ARC_ELIMIT, ARC_EINTERNAL.
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_ctl_health(arc_ctl *ctl, arc_err *err);

/**
 * The broken invariant that stopped this instance, or NULL. Owner: ctl. Thread: owner. Since: 0.1.
 */
ARC_API const char *arc_ctl_fault(arc_ctl *ctl);

/** How many there are, for a host's own display. Since: 0.1. */
typedef struct arc_ctl_stats {
    size_t size; /* sizeof(arc_ctl_stats) */
    uint64_t runs_open, jobs_queued, steps_running, agents_online;
    uint64_t turns, commits, commands, events;
    uint64_t stale_fences; /* writes under a fence that no longer held; none was applied */
    /* How often it was asked whether an agent can serve jobs that ask for the same place. */
    uint64_t place_looks;
    /* Runs that are set aside because their events do not fit: `arcentra fsck` says more. */
    uint64_t runs_quarantined;
    uint64_t runs_deleted; /* by retention */
} arc_ctl_stats;
#define ARC_CTL_STATS_INIT \
    { \
        sizeof(arc_ctl_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
    }

/** Fills out. Owner: the caller. Thread: owner. Since: 0.1. */
ARC_API void arc_ctl_get_stats(arc_ctl *ctl, arc_ctl_stats *out);

/** Scopes of arc_ctl_token_new, as bits. */
#define ARC_SCOPE_READ 1u
#define ARC_SCOPE_RUN 2u
#define ARC_SCOPE_WRITE 4u
#define ARC_SCOPE_ADMIN 8u

/**
 * Makes a credential without going through a door, for the first start of a server: an API token
 * `arct_…` with scopes, or (scopes 0) a registration token `art_…` for agents. Dispatches until the
 * token is stored. The token is written to out as text; only its hash is kept.
 * out: at least ARC_TOKEN_SIZE bytes. Owner: the caller; wipe it. Thread: owner, not in a callback.
 * Errors: ARC_EINVAL, ARC_EUNAVAILABLE, ARC_EIO, ARC_EINTERNAL (no entropy). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_ctl_token_new(arc_ctl *ctl, const char *name, uint32_t scopes,
                                                  char *out, size_t out_size, arc_err *err);
#define ARC_TOKEN_SIZE 64

ARC_END_DECLS

#endif
