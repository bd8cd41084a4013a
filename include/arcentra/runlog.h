/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The event log of a store that no control plane has open: is it what it says it is, made so again,
 * looked at as of any event, and runs carried from one store to another.
 *
 *     arc_runlog *log = NULL;
 *     arc_check *check = NULL;
 *     arc_finding finding = ARC_FINDING_INIT;
 *     if (arc_runlog_open(&options, &log, &err) == ARC_OK &&
 *         arc_check_open(log, ARC_CHECK_REBUILD, &check, &err) == ARC_OK)
 *         while ((status = arc_check_next(check, &finding, &err)) == ARC_OK)
 *             puts(finding.text);
 *     arc_check_close(check);
 *     arc_runlog_close(log);
 *
 * A run is the fold of its events; the rows that lists and queries read are made of them. Events
 * are read here and never changed. docs/EVENTLOG.md says what follows from events and what does
 * not. Everything waits for the store, and nothing else happens meanwhile: this is for tools.
 */
#ifndef ARCENTRA_RUNLOG_H
#define ARCENTRA_RUNLOG_H

#include <arcentra/base.h>

ARC_BEGIN_DECLS

typedef struct arc_runlog arc_runlog;

/** What arc_runlog_open takes. Since: 0.1. */
typedef struct arc_runlog_options {
    size_t size;
    const arc_env *env;    /* NULL: the process's own */
    const char *store_url; /* "sqlite:/path/to/file.db" or "postgres://user@host/database", which
                              must be there */
} arc_runlog_options;
#define ARC_RUNLOG_OPTIONS_INIT \
    { \
        sizeof(arc_runlog_options), NULL, NULL \
    }

/**
 * Opens a store and holds it, so that no control plane can open it meanwhile.
 * Owner: the caller, who closes it last. Thread: owner.
 * Errors: ARC_ECONFLICT (a control plane has it; the message names the process), ARC_ENOTFOUND
 * (there is no such file), ARC_EINVAL (an unknown store_url), ARC_EPRECONDITION (not a store, or
 * one of a newer version), ARC_EINTERNAL (the file itself is damaged), ARC_EIO, ARC_ENOMEM.
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_runlog_open(const arc_runlog_options *options, arc_runlog **out,
                                                arc_err *err);
/** NULL is fine. What was opened with it is closed before. Owner: takes. Thread: owner. Since: 0.1.
 */
ARC_API void arc_runlog_close(arc_runlog *log);

/* --- checking and rebuilding --------------------------------------------------------------- */

typedef struct arc_check arc_check;

/** Put right what follows from events: rows of runs, jobs, steps and artifacts, counters of
 * pipelines, the quarantine of runs whose events fold. Cut off anywhere and begun anew it ends in
 * the same place. */
#define ARC_CHECK_REBUILD 1u

/** One thing that is wrong. Texts are borrowed until the next one; "" and 0: not about such.
 * Since: 0.1. */
typedef struct arc_finding {
    size_t size;
    /* "gap" (an event is missing), "event" (it cannot be read or does not fit), "value" (a column
     * is not what the events make of it), "missing" (a row is not there), "orphan" (a row that no
     * event makes), "quarantine" (a run is set aside though its events fold), "damage" (what no
     * event makes is not what it says of itself). */
    const char *kind;
    uint32_t fixed;     /* 1: it was put right */
    const char *stream; /* the id of the run, the pipeline, the agent or the deleted step run */
    int64_t seq;        /* the event */
    const char *table;  /* "t_job_run" */
    const char *row;    /* its key */
    const char *column;
    const char *stored, *expected; /* values as text; long ones are cut */
    const char *text;              /* one sentence */
} arc_finding;
#define ARC_FINDING_INIT \
    { \
        sizeof(arc_finding), NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL \
    }

/** How much was looked at. Since: 0.1. */
typedef struct arc_check_report {
    size_t size;
    uint64_t runs, events, rows;
    uint64_t damaged; /* runs whose events do not fold: nothing can be made of them */
    uint64_t findings, fixed;
} arc_check_report;
#define ARC_CHECK_REPORT_INIT \
    { \
        sizeof(arc_check_report), 0, 0, 0, 0, 0, 0 \
    }

/**
 * Begins a check; flags: ARC_CHECK_…. Owner: the caller. Thread: owner.
 * Errors: ARC_EINVAL (an unknown flag), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_check_open(arc_runlog *log, uint32_t flags, arc_check **out,
                                               arc_err *err);
/**
 * The next finding. It works on one run at a time, so what it takes does not grow with the store.
 * Owner: borrowed from check. Thread: owner.
 * Errors: ARC_EDONE (that was all), ARC_EIO, ARC_ELIMIT, ARC_ENOMEM; any of them ends it.
 * Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_check_next(arc_check *check, arc_finding *out, arc_err *err);
/** Fills out. Owner: the caller. Thread: owner. Since: 0.1. */
ARC_API void arc_check_get_report(const arc_check *check, arc_check_report *out);
/** NULL is fine. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_check_close(arc_check *check);

/* --- looking -------------------------------------------------------------------------------- */

/**
 * A run as of event number `at`, its jobs and steps and that event, as the JSON of
 * control.v1.ShowPipelineRunResponse, NUL-terminated. at 0: as of its last event. Step runs that
 * were deleted are in it: that they are hidden is no event of the run.
 * Owner: the caller, arc_runlog_text_free. Thread: owner.
 * Errors: ARC_ENOTFOUND (no such run), ARC_EINVAL (it has not so many events), ARC_EPRECONDITION
 * (its events do not fold so far), ARC_EIO, ARC_ELIMIT, ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_runlog_show(arc_runlog *log, const char *run_id, int64_t at,
                                                char **out, arc_err *err);
/**
 * Events of a run behind number `after`, at most `limit` (0: 200, at most 1000), as the JSON of
 * control.v1.ListPipelineRunEventsResponse, NUL-terminated. Damaged ones are shown as far as they
 * can be. Owner: the caller, arc_runlog_text_free. Thread: owner.
 * Errors: ARC_ENOTFOUND, ARC_EINVAL, ARC_EIO, ARC_ELIMIT, ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_runlog_events(arc_runlog *log, const char *run_id,
                                                  int64_t after, uint32_t limit, char **out,
                                                  arc_err *err);
/** Frees a text of the two above. NULL is fine. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_runlog_text_free(arc_runlog *log, char *text);

/* --- carrying runs ---------------------------------------------------------------------------- */

typedef struct arc_export arc_export;
typedef struct arc_import arc_import;

/**
 * Begins to write a run as one file: JSON lines with what it is, its definition, every event as it
 * is stored, and a digest. Owner: the caller. Thread: owner.
 * Errors: ARC_ENOTFOUND (no such id), ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_export_open(arc_runlog *log, const char *run_id,
                                                arc_export **out, arc_err *err);
/**
 * The next line of the file, its newline included. What came before an error is no file.
 * Owner: borrowed from ex until the next. Thread: owner.
 * Errors: ARC_EDONE (that was all), ARC_ENOTFOUND (no such run), ARC_EPRECONDITION (its events do
 * not fold), ARC_EIO, ARC_ELIMIT, ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_export_next(arc_export *ex, arc_slice *out, arc_err *err);
/** NULL is fine. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_export_close(arc_export *ex);

/** The bytes of one line of a file, and of a whole file that is taken in. */
#define ARC_IMPORT_LINE_MAX 67108864u
#define ARC_IMPORT_BYTES_MAX 268435456u

/** What an import has done. Since: 0.1. */
typedef struct arc_import_report {
    size_t size;
    char run_id[32];
    uint32_t same;  /* 1: the run was there already, with just these events; nothing was written */
    int32_t status; /* ARC_RUN_…: how it stands, and stays */
    uint64_t events, rows;
} arc_import_report;
#define ARC_IMPORT_REPORT_INIT \
    { \
        sizeof(arc_import_report), {0}, 0, 0, 0, 0 \
    }

/**
 * Begins to take in a file that an export wrote. Owner: the caller. Thread: owner.
 * Errors: ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_import_open(arc_runlog *log, arc_import **out, arc_err *err);
/**
 * The next bytes of the file, in any pieces. Nothing is written yet.
 * Owner: none. Thread: owner.
 * Errors: ARC_EINVAL (not what the format wants; err->line says where), ARC_ELIMIT
 * (ARC_IMPORT_LINE_MAX, ARC_IMPORT_BYTES_MAX), ARC_ENOMEM; any of them ends it. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_import_feed(arc_import *im, const void *bytes, size_t len,
                                                arc_err *err);
/**
 * The file is over: the run, its jobs and steps, what these have kept and which of them were
 * deleted, its events and, where they are not here, its definition and its pipeline (disabled)
 * are stored all at once, or nothing is. The run is a record from here on: it is shown and can
 * be exported, no counter counts it, and no control plane makes it go on, also when it was not
 * over. out may be NULL. Owner: the caller's out. Thread: owner.
 * Errors: ARC_EINVAL (the file is cut off), ARC_ECONFLICT (another run, or a row, has this id; the
 * pipeline is of another project), ARC_ELIMIT, ARC_EIO, ARC_ENOMEM. Since: 0.1.
 */
ARC_API ARC_MUST_USE arc_status arc_import_finish(arc_import *im, arc_import_report *out,
                                                  arc_err *err);
/** NULL is fine. Owner: takes. Thread: owner. Since: 0.1. */
ARC_API void arc_import_close(arc_import *im);

ARC_END_DECLS

#endif
