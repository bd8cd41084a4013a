/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A store as its keeper sees it: what is in it, all of it carried into another store, backed up and
 * put back, and what is old deleted.
 *
 *     arc_store_tool *from = NULL, *to = NULL;
 *     arc_store_job *job = NULL;
 *     arc_store_progress at = ARC_STORE_PROGRESS_INIT;
 *     options.store_url = "sqlite:old.db";
 *     other.store_url = "sqlite:new.db";
 *     other.flags = ARC_STORE_CREATE;
 *     if (arc_store_open(&options, &from, &err) == ARC_OK &&
 *         arc_store_open(&other, &to, &err) == ARC_OK &&
 *         arc_store_copy_open(from, to, 0, &job, &err) == ARC_OK)
 *         while ((status = arc_store_job_step(job, 0, &err)) == ARC_OK) {
 *             arc_store_job_get_progress(job, &at);
 *             printf("%s %llu of %llu\n", at.table, at.done, at.total);
 *         }
 *     arc_store_job_close(job);
 *     arc_store_close(to);
 *     arc_store_close(from);
 *
 * What takes long is a job, and a job is stepped: each step does a bounded amount of work and
 * returns. So there is no callback: between two steps the caller says how far it is, does something
 * else, or closes the job, which is how it is cancelled. What a job leaves behind when it ends in
 * the middle, is closed or killed is said with each kind; none of them leaves damage.
 *
 * A store that is open here is open nowhere else, unless it was opened to be read beside somebody:
 * stop the control plane first. A backup needs no store that is open: it is made beside a control
 * plane that runs. Every step waits for the store, and nothing else happens meanwhile: this is for
 * tools. docs/OPERATING.md shows the same from the command line.
 */
#ifndef ARCENTRA_STORE_H
#define ARCENTRA_STORE_H

#include <arcentra/base.h>

ARC_BEGIN_DECLS

typedef struct arc_store_tool arc_store_tool;
typedef struct arc_store_job arc_store_job;

/** Make the store where there is none. */
#define ARC_STORE_CREATE 1u
/**
 * Only read, and beside a process that has the store open: what is read is as of the opening, and
 * nothing is held but the WAL, which cannot be cut before the store is closed again. Of a SQLite
 * store; others are opened as without it. What writes answers ARC_EPRECONDITION.
 */
#define ARC_STORE_BESIDE 2u

/** What arc_store_open takes. Since: 0.1. */
typedef struct arc_store_options {
    size_t size;
    const arc_env *env;    /* NULL: the process's own */
    const char *store_url; /* as of arc_ctl_options, but not "mem:" */
    uint32_t flags;        /* one of ARC_STORE_…, or 0 */
} arc_store_options;
#define ARC_STORE_OPTIONS_INIT \
    { \
        sizeof(arc_store_options), NULL, NULL, 0 \
    }

/**
 * Opens a store and holds it, so that no control plane can open it meanwhile. The file itself is
 * checked, and a store of an earlier version gets the tables, columns and indexes of this one.
 * Owner: the caller, who closes it last. Thread: owner.
 * Errors: ARC_ECONFLICT (a control plane has it; the message names the process), ARC_ENOTFOUND
 * (there is none, and ARC_STORE_CREATE is not set), ARC_EINVAL (an unknown store_url or flag),
 * ARC_EPRECONDITION (not a store, or one of a newer version; with ARC_STORE_BESIDE also one of an
 * earlier version), ARC_EINTERNAL (the file is damaged),
 * ARC_EUNIMPLEMENTED (a store that is not built in), ARC_EIO, ARC_ENOMEM.
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_store_open(const arc_store_options *options,
                                               arc_store_tool **out, arc_err *err);
/** NULL is fine. Jobs on it are closed before. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_store_close(arc_store_tool *tool);

/* --- jobs ----------------------------------------------------------------------------------- */

/** Rows, or pages, that a step goes through unless told otherwise. */
#define ARC_STORE_STEP_ROWS 1000u

/**
 * Goes on for about `rows` rows or pages (0: ARC_STORE_STEP_ROWS). What it has written when it
 * returns is durable. Owner: none. Thread: owner. Errors: ARC_EDONE (it is done; its report can be
 * read), those of the job's kind, ARC_EIO, ARC_EUNAVAILABLE, ARC_ELIMIT (the disk is full),
 * ARC_ENOMEM. Any of them ends the job, and every later step is ARC_EINVAL. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_store_job_step(arc_store_job *job, uint32_t rows, arc_err *err);

/** How far a job is. Since: 0.1. */
typedef struct arc_store_progress {
    size_t size;
    const char *phase; /* "copy", "verify", "check", "count", "prune" or "migrate"; static */
    const char *table; /* "t_event": the one at work; NULL: it goes by pages; static */
    uint64_t done;     /* rows of this phase, or pages */
    uint64_t total;    /* of it, as far as it was known when it began; 0: not known */
    const char *unit;  /* "rows" or "pages"; static */
} arc_store_progress;
#define ARC_STORE_PROGRESS_INIT \
    { \
        sizeof(arc_store_progress), NULL, NULL, 0, 0, NULL \
    }
/** Fills out. Owner: the caller. Thread: owner. Since: 0.1. */
ARC_API void arc_store_job_get_progress(const arc_store_job *job, arc_store_progress *out);

/** A table, as a job has found it. Since: 0.1. */
typedef struct arc_store_table {
    size_t size;
    const char *name;     /* "t_event"; static */
    uint64_t rows, bytes; /* bytes of its values; in a file they take more, with their indexes */
    char sha256[65];      /* of the values in the order of the key, as hex; "": not asked for */
} arc_store_table;
#define ARC_STORE_TABLE_INIT \
    { \
        sizeof(arc_store_table), NULL, 0, 0, \
        { \
            0 \
        } \
    }
/**
 * Table number `index` from 0, of a copy or of statistics that are done.
 * Owner: the caller's out. Thread: owner.
 * Errors: ARC_EDONE (there are not so many), ARC_EPRECONDITION (the job is not done, or of another
 * kind).
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_store_job_get_table(const arc_store_job *job, uint32_t index,
                                                        arc_store_table *out, arc_err *err);
/** Ends a job wherever it is. NULL is fine. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_store_job_close(arc_store_job *job);

/* --- copying -------------------------------------------------------------------------------- */

/** Go on with a copy that was not finished; where there is none, begin. */
#define ARC_STORE_COPY_RESUME 1u

/**
 * Begins to copy every row of one store into another one, which is empty; the two may be of
 * different kinds. When all are there both are read again, and the numbers of rows and a hash of
 * each table must be the same. Step logs are files of their own and are not copied.
 *
 * Until that is shown the copy is marked, and no control plane opens it. A copy that ended early is
 * gone on with by ARC_STORE_COPY_RESUME, from the same store, whatever has happened to that since:
 * rows that are right are left alone, others are written, taken away or put right.
 *
 * Owner: the caller. Thread: owner of both.
 * Errors: ARC_EINVAL (an unknown flag, the same handle twice), ARC_ECONFLICT (`to` is an unfinished
 * copy and is not to be gone on with), ARC_EPRECONDITION (`to` has rows and is no unfinished copy;
 * `from` is an unfinished copy), ARC_EIO, ARC_ENOMEM.
 * A step also: ARC_ECONFLICT (`from` has changed meanwhile: go on with the copy).
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_store_copy_open(arc_store_tool *from, arc_store_tool *to,
                                                    uint32_t flags, arc_store_job **out,
                                                    arc_err *err);
/** Rows that were written, put right or taken away. Owner: none. Thread: owner. Since: 0.1. */
ARC_API uint64_t arc_store_copy_get_written(const arc_store_job *job);

/* --- backups -------------------------------------------------------------------------------- */

/** Over a file that is there; to put back: in the place of a store that is there. */
#define ARC_STORE_BACKUP_REPLACE 1u
/** Put back also what has findings that no event puts right. */
#define ARC_STORE_BACKUP_FINDINGS 2u

/** What the next two functions take. Since: 0.1. */
typedef struct arc_store_backup_options {
    size_t size;
    const arc_env *env;    /* NULL: the process's own */
    const char *store_url; /* the store: "sqlite:PATH" */
    const char *path;      /* the backup: one file */
    uint32_t flags;        /* ARC_STORE_BACKUP_… */
} arc_store_backup_options;
#define ARC_STORE_BACKUP_OPTIONS_INIT \
    { \
        sizeof(arc_store_backup_options), NULL, NULL, NULL, 0 \
    }

/**
 * Begins a backup of a SQLite store: one file, which is a store itself, as of the moment of this
 * call. Runs may go on meanwhile, in this process or in another one; nothing is written to the
 * store, and its WAL, which cannot be cut before the job is closed, grows by what is committed.
 * Step logs are files of their own and are not in it.
 *
 * It is written under a name of its own beside its place (`PATH.part-…`, mode 0600), synced, read
 * again page by page, and only then given its name: a job that is closed early leaves nothing, one
 * that is killed leaves such a part, which may be removed. A database of PostgreSQL is backed up by
 * pg_dump.
 *
 * Owner: the caller. Thread: owner.
 * Errors: ARC_ENOTFOUND (there is no store), ARC_EEXISTS (something is at `path`, and
 * ARC_STORE_BACKUP_REPLACE is not set), ARC_EINVAL (a URL of another kind, an unknown flag, `path`
 * is the store), ARC_EUNIMPLEMENTED (PostgreSQL), ARC_EPRECONDITION (no store of ours, or of a
 * newer version; `path` is a store that is in use), ARC_EINTERNAL (the store is damaged; the
 * message says where), ARC_EIO, ARC_ENOMEM. A step also: ARC_ELIMIT (no room). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_store_backup_open(const arc_store_backup_options *options,
                                                      arc_store_job **out, arc_err *err);
/**
 * Begins to put a backup in the place of a store, which nobody has open, and where nothing is
 * unless ARC_STORE_BACKUP_REPLACE is set. The backup is copied, every page of it is checked, every
 * run in it is folded and compared with its rows, and only then it gets the name of the store; it
 * is not changed itself. Fences go on far behind those of the backup, so that none is handed out
 * twice. Findings that a rebuild puts right (arc_check_open) are counted; others,
 * where events are missing or cannot be read, end the job unless ARC_STORE_BACKUP_FINDINGS is set.
 *
 * Cut off anywhere, what was there is there still, or it refuses to open until this is done again;
 * it never opens as a mixture of both.
 *
 * Owner: the caller. Thread: owner.
 * Errors: ARC_EEXISTS (there is something), ARC_ECONFLICT (a process has the store open; the
 * message names it), and those of the function above for either side. A step also:
 * ARC_EPRECONDITION (such findings; it is an unfinished copy), ARC_EINTERNAL (the backup is
 * damaged; the message says where). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_store_restore_open(const arc_store_backup_options *options,
                                                       arc_store_job **out, arc_err *err);

/** What a backup, or putting it back, has come to. Since: 0.1. */
typedef struct arc_store_saved {
    size_t size;
    uint64_t pages, bytes; /* of the file */
    uint64_t runs, events; /* that were folded; 0 of a backup */
    uint64_t findings;     /* all of them */
    uint64_t lost;         /* of them: those that no event puts right */
    uint32_t beside;       /* 1: a process had the source open */
} arc_store_saved;
#define ARC_STORE_SAVED_INIT \
    { \
        sizeof(arc_store_saved), 0, 0, 0, 0, 0, 0, 0 \
    }
/**
 * Fills out, also of a job that is at work or has failed. Owner: the caller. Thread: owner.
 * Errors: ARC_EPRECONDITION (the job is of another kind). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_store_saved_get(const arc_store_job *job, arc_store_saved *out,
                                                    arc_err *err);

/* --- statistics ----------------------------------------------------------------------------- */

/**
 * Begins to read every row once and to count. Nothing is written.
 * Owner: the caller. Thread: owner. Errors: ARC_EIO, ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_store_stats_open(arc_store_tool *tool, arc_store_job **out,
                                                     arc_err *err);

#define ARC_STORE_STATES_MAX 16u

/** What is in a store. Times: nanoseconds of the wall clock, 0: there is none. Since: 0.1. */
typedef struct arc_store_stats {
    size_t size;
    uint64_t rows, bytes;                         /* of all tables */
    uint64_t runs, events;                        /* rows of t_pipeline_run and t_event */
    uint64_t runs_by_state[ARC_STORE_STATES_MAX]; /* by ARC_RUN_… of states.h */
    uint64_t runs_damaged, runs_imported;         /* set aside; records of other stores */
    int64_t oldest_run_ns, newest_run_ns;         /* when they were triggered */
    int64_t oldest_event_ns, newest_event_ns;
    int64_t position;              /* of the last event in the whole log */
    int64_t file_bytes, wal_bytes; /* on the disk; -1: it is not a file */
    uint32_t unfinished;           /* 1: a copy that is not whole */
} arc_store_stats;
#define ARC_STORE_STATS_INIT \
    { \
        sizeof(arc_store_stats), 0, 0, 0, 0, {0}, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 \
    }
/**
 * Fills out. Owner: the caller. Thread: owner.
 * Errors: ARC_EPRECONDITION (the job is not done, or of another kind). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_store_stats_get(const arc_store_job *job, arc_store_stats *out,
                                                    arc_err *err);

/* --- migrating ------------------------------------------------------------------------------ */

/**
 * Begins to bring the rows of a store that an earlier version wrote to what this version writes:
 * migration by migration, each in small steps that can be cut off and begun anew. Tables, columns
 * and indexes that are missing were added when the store was opened. A control plane works without
 * it; lists show older runs without what came after them. Owner: the caller. Thread: owner. Errors:
 * ARC_EPRECONDITION (a newer version has written the store; it is an unfinished copy), ARC_EIO,
 * ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_store_migrate_open(arc_store_tool *tool, arc_store_job **out,
                                                       arc_err *err);

/** One migration, and how it stands in a store. Since: 0.1. */
typedef struct arc_store_migration {
    size_t size;
    int64_t number;   /* from 1, without gaps */
    const char *what; /* one sentence; static */
    uint32_t done;    /* 1: the store has it */
} arc_store_migration;
#define ARC_STORE_MIGRATION_INIT \
    { \
        sizeof(arc_store_migration), 0, NULL, 0 \
    }
/**
 * Migration number `index` from 0. Owner: the caller's out. Thread: owner.
 * Errors: ARC_EDONE (there are not so many), ARC_EPRECONDITION (the job is of another kind).
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_store_migrate_get(const arc_store_job *job, uint32_t index,
                                                      arc_store_migration *out, arc_err *err);

/* --- deleting what is old ----------------------------------------------------------------------
 */

/** Also runs that are set aside as damaged, and imported records: by their age since the trigger.
 */
#define ARC_STORE_PRUNE_HELD 1u
/** Count what would be deleted, and delete nothing. */
#define ARC_STORE_PRUNE_DRY 2u

/** Which runs are kept; 0: no limit of that kind. A run goes when any of them says so. Since: 0.1.
 */
typedef struct arc_store_prune_options {
    size_t size;
    uint64_t max_age_s;         /* since the end of the run */
    uint64_t runs_per_pipeline; /* the newest ones; those that are not over count too */
    uint64_t runs_max;          /* likewise, of all pipelines together */
    uint32_t flags;             /* ARC_STORE_PRUNE_… */
    const char *log_dir; /* as of arc_ctl_options; NULL: beside a SQLite file, if it is there */
} arc_store_prune_options;
#define ARC_STORE_PRUNE_OPTIONS_INIT \
    { \
        sizeof(arc_store_prune_options), 0, 0, 0, 0, NULL \
    }

/**
 * Begins to delete runs that are older than runs are kept, each whole: its row, jobs, steps,
 * artifact records, events and step logs. Keys of requests that are older than thirty days go too.
 * Counters and numbers of pipelines go on as if nothing were gone. docs/OPERATING.md says which
 * runs are left alone and why.
 *
 * Each step deletes one batch of a few hundred rows at most. A run goes in one batch where it fits;
 * a larger one is marked first, and gone on with by the next pass when this one is cut off.
 * Owner: the caller. Thread: owner.
 * Errors: ARC_EINVAL (an unknown flag), ARC_EPRECONDITION (the store is an unfinished copy),
 * ARC_ECONFLICT (somebody has the logs), ARC_EIO, ARC_ENOMEM.
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_store_prune_open(arc_store_tool *tool,
                                                     const arc_store_prune_options *options,
                                                     arc_store_job **out, arc_err *err);

/** What was deleted so far; of a dry one `runs` alone. Since: 0.1. */
typedef struct arc_store_pruned {
    size_t size;
    uint64_t runs, jobs, steps, events, artifacts;
    uint64_t request_keys;
    uint64_t kept_for_notices; /* would go, but notices of it wait for the host */
    uint64_t kept_as_newest;   /* would go, but it has the newest event of the log */
} arc_store_pruned;
#define ARC_STORE_PRUNED_INIT \
    { \
        sizeof(arc_store_pruned), 0, 0, 0, 0, 0, 0, 0, 0 \
    }
/**
 * Fills out, also of a job that is at work or has failed. Owner: the caller. Thread: owner.
 * Errors: ARC_EPRECONDITION (the job is of another kind). Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_store_prune_get(const arc_store_job *job, arc_store_pruned *out,
                                                    arc_err *err);

ARC_END_DECLS

#endif
