/* SPDX-License-Identifier: Apache-2.0 */
/* The tools of a store, which is opened without an engine. */
#include <arcentra/store.h>

#include <string.h>

#include "base/options.h"
#include "base/time.h"
#include "engine/copy.h"
#include "engine/migrate.h"
#include "engine/prune.h"
#include "engine/survey.h"
#include "face/env.h"
#include "face/saving.h"
#include "face/tool_store.h"

_Static_assert(ARC_STORE_STATES_MAX == ARC_SURVEY_STATES, "one list");

#define NAME(table) "t_" #table,
static const char *const table_names[] = {ARC_TABLES(NAME)};

struct arc_store_tool {
    struct arc_mem mem;
    struct arc_desk desk;
    arc_env env; /* every function set */
    char *url;
};

/* --- opening --------------------------------------------------------------------------------- */

static arc_status open_tool(arc_store_tool *tool, const arc_store_options *options, arc_err *err)
{
    tool->url = arc__strdup(&tool->mem, arc__slice_cstr(options->store_url));
    if (tool->url == NULL)
        return arc__fail_nomem(err);
    arc_status status =
        arc__tool_store_open(&tool->mem, &tool->env, tool->url, options->flags, &tool->desk, err);
    if (status != ARC_OK)
        arc__free(&tool->mem, tool->url);
    return status;
}

arc_status arc_store_open(const arc_store_options *given, arc_store_tool **out, arc_err *err)
{
    arc_store_options options;
    arc_env env;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    ARC_REQUIRE(options.flags <= ARC_STORE_BESIDE, err, "flags"); /* one of them at most */
    ARC_TRY(arc__env_fill(options.env, &env, err));
    struct arc_mem mem = arc__mem_from_env(options.env);
    arc_store_tool *tool = arc__alloc(&mem, sizeof(*tool));
    if (tool == NULL)
        return arc__fail_nomem(err);
    tool->mem = mem;
    tool->env = env;
    arc_status status = open_tool(tool, &options, err);
    if (status != ARC_OK) {
        arc__free(&mem, tool);
        return status;
    }
    *out = tool;
    return ARC_OK;
}

void arc_store_close(arc_store_tool *tool)
{
    if (tool == NULL)
        return;
    struct arc_mem mem = tool->mem;
    arc__tool_store_close(&tool->desk);
    arc__free(&mem, tool->url);
    arc__free(&mem, tool);
}

/* --- jobs ------------------------------------------------------------------------------------ */

struct arc_store_job {
    struct arc_mem mem;
    arc_store_tool *tool;         /* NULL: of saving */
    struct arc_saving *saving;    /* one of these */
    struct arc_copy *copy;        /* five */
    struct arc_survey *survey;    /* is */
    struct arc_prune_tool *prune; /* not */
    struct arc_migrate *migrate;  /* NULL */
    struct arc_log_store *logs;   /* of prune */
    int done, failed;
};

static arc_status job_alloc(const struct arc_mem *mem, arc_store_job **out, arc_err *err)
{
    arc_store_job *job = arc__alloc(mem, sizeof(*job));
    if (job == NULL)
        return arc__fail_nomem(err);
    job->mem = *mem;
    *out = job;
    return ARC_OK;
}

static arc_status job_new(arc_store_tool *tool, arc_store_job **out, arc_err *err)
{
    arc_store_job *job = NULL;
    ARC_TRY(job_alloc(&tool->mem, &job, err));
    job->tool = tool;
    *out = job;
    return ARC_OK;
}

static arc_status job_begun(arc_store_job *job, arc_status status, arc_store_job **out)
{
    if (status == ARC_OK)
        *out = job;
    else
        arc_store_job_close(job);
    return status;
}

arc_status arc_store_job_step(arc_store_job *job, uint32_t rows, arc_err *err)
{
    uint32_t budget = rows != 0 ? rows : ARC_STORE_STEP_ROWS;
    if (job->failed)
        return arc__fail(err, ARC_EINVAL, "job", "The job has failed, and is over.");
    if (job->done)
        return ARC_EDONE;
    arc_status status = job->copy != NULL     ? arc__copy_step(job->copy, budget, err)
                        : job->survey != NULL ? arc__survey_step(job->survey, budget, err)
                        : job->prune != NULL  ? arc__prune_tool_step(job->prune, err)
                        : job->saving != NULL ? arc__saving_step(job->saving, budget, err)
                                              : arc__migrate_step(job->migrate, err);
    job->done = status == ARC_EDONE;
    job->failed = status != ARC_OK && status != ARC_EDONE;
    return status;
}

static void copy_progress(const struct arc_copy *copy, arc_store_progress *out)
{
    struct arc_copy_progress at;
    arc__copy_progress(copy, &at);
    out->phase = at.proving ? "verify" : "copy";
    out->table = table_names[at.table];
    out->done = at.rows;
    out->total = at.total;
}

static void survey_progress(const struct arc_survey *survey, arc_store_progress *out)
{
    const struct arc_survey_report *report = arc__survey_report(survey);
    enum arc_table table = arc__survey_table(survey);
    out->phase = "count";
    out->table = table_names[table < ARC_TABLE_COUNT ? table : ARC_TABLE_COUNT - 1];
    out->total = report->total;
    for (size_t i = 0; i < ARC_TABLE_COUNT; i++)
        out->done += report->tables[i].rows;
}

static void prune_progress(const struct arc_prune_tool *prune, arc_store_progress *out)
{
    const struct arc_prune_report *report = arc__prune_tool_report(prune);
    out->phase = "prune";
    out->table = table_names[ARC_TABLE_pipeline_run];
    out->done = report->runs;
}

static void migrate_progress(const struct arc_migrate *migrate, arc_store_progress *out)
{
    uint64_t written = 0;
    out->phase = "migrate";
    out->table = table_names[ARC_TABLE_pipeline_run];
    arc__migrate_report(migrate, &out->done, &written);
}

void arc_store_job_get_progress(const arc_store_job *job, arc_store_progress *out)
{
    arc_store_progress view = ARC_STORE_PROGRESS_INIT;
    view.size = out->size;
    view.unit = "rows";
    if (job->saving != NULL)
        arc__saving_progress(job->saving, &view);
    else if (job->copy != NULL)
        copy_progress(job->copy, &view);
    else if (job->survey != NULL)
        survey_progress(job->survey, &view);
    else if (job->prune != NULL)
        prune_progress(job->prune, &view);
    else
        migrate_progress(job->migrate, &view);
    memcpy(out, &view, out->size < sizeof(view) ? out->size : sizeof(view));
}

static arc_status require_done(const arc_store_job *job, arc_err *err)
{
    return job->done ? ARC_OK : arc__fail(err, ARC_EPRECONDITION, "job", "The job is not done.");
}

arc_status arc_store_job_get_table(const arc_store_job *job, uint32_t index, arc_store_table *out,
                                   arc_err *err)
{
    arc_store_table view = ARC_STORE_TABLE_INIT;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(require_done(job, err));
    if (job->copy == NULL && job->survey == NULL)
        return arc__fail(err, ARC_EPRECONDITION, "job", "The job goes through no tables.");
    if (index >= ARC_TABLE_COUNT)
        return ARC_EDONE;
    view.size = out->size;
    view.name = table_names[index];
    if (job->copy != NULL) {
        const struct arc_copy_table *table = arc__copy_table(job->copy, (enum arc_table)index);
        view.rows = table->rows;
        view.bytes = table->bytes;
        memcpy(view.sha256, table->sha256, sizeof(view.sha256));
    } else {
        const struct arc_survey_table *table = &arc__survey_report(job->survey)->tables[index];
        view.rows = table->rows;
        view.bytes = table->bytes;
    }
    memcpy(out, &view, out->size < sizeof(view) ? out->size : sizeof(view));
    return ARC_OK;
}

void arc_store_job_close(arc_store_job *job)
{
    if (job == NULL)
        return;
    struct arc_mem mem = job->mem;
    arc__saving_free(job->saving);
    arc__copy_free(job->copy);
    arc__survey_free(job->survey);
    arc__prune_tool_free(job->prune);
    arc__migrate_free(job->migrate);
    if (job->logs != NULL)
        job->logs->ops->close(job->logs);
    arc__free(&mem, job);
}

/* --- copying --------------------------------------------------------------------------------- */

arc_status arc_store_copy_open(arc_store_tool *from, arc_store_tool *to, uint32_t flags,
                               arc_store_job **out, arc_err *err)
{
    arc_store_job *job = NULL;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_REQUIRE(from != to, err, "to");
    ARC_REQUIRE((flags & ~ARC_STORE_COPY_RESUME) == 0, err, "flags");
    ARC_TRY(job_new(to, &job, err));
    int resume = (flags & ARC_STORE_COPY_RESUME) != 0;
    return job_begun(job, arc__copy_new(&from->desk, &to->desk, resume, &job->copy, err), out);
}

uint64_t arc_store_copy_get_written(const arc_store_job *job)
{
    struct arc_copy_progress at = {0};
    if (job->copy != NULL)
        arc__copy_progress(job->copy, &at);
    return at.written;
}

/* --- backups --------------------------------------------------------------------------------- */

static arc_status save(const arc_store_backup_options *given, int restores, arc_store_job **out,
                       arc_err *err)
{
    arc_store_backup_options options;
    arc_store_job *job = NULL;
    arc_env env;
    uint32_t flags = ARC_STORE_BACKUP_REPLACE | (restores ? ARC_STORE_BACKUP_FINDINGS : 0u);
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    ARC_REQUIRE((options.flags & ~flags) == 0, err, "flags");
    ARC_TRY(arc__env_fill(options.env, &env, err));
    struct arc_mem mem = arc__mem_from_env(options.env);
    ARC_TRY(job_alloc(&mem, &job, err));
    return job_begun(job, arc__saving_new(&mem, &options, restores, &job->saving, err), out);
}

arc_status arc_store_backup_open(const arc_store_backup_options *options, arc_store_job **out,
                                 arc_err *err)
{
    return save(options, 0, out, err);
}

arc_status arc_store_restore_open(const arc_store_backup_options *options, arc_store_job **out,
                                  arc_err *err)
{
    return save(options, 1, out, err);
}

arc_status arc_store_saved_get(const arc_store_job *job, arc_store_saved *out, arc_err *err)
{
    arc_store_saved view = ARC_STORE_SAVED_INIT;
    ARC_REQUIRE(out != NULL, err, "out");
    if (job->saving == NULL)
        return arc__fail(err, ARC_EPRECONDITION, "job", "The job backs nothing up.");
    arc__saving_report(job->saving, &view);
    view.size = out->size;
    memcpy(out, &view, out->size < sizeof(view) ? out->size : sizeof(view));
    return ARC_OK;
}

/* --- statistics ------------------------------------------------------------------------------ */

arc_status arc_store_stats_open(arc_store_tool *tool, arc_store_job **out, arc_err *err)
{
    arc_store_job *job = NULL;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(job_new(tool, &job, err));
    return job_begun(job, arc__survey_new(&tool->desk, &job->survey, err), out);
}

arc_status arc_store_stats_get(const arc_store_job *job, arc_store_stats *out, arc_err *err)
{
    arc_store_stats view = ARC_STORE_STATS_INIT;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(require_done(job, err));
    if (job->survey == NULL)
        return arc__fail(err, ARC_EPRECONDITION, "job", "The job does not count.");
    const struct arc_survey_report *report = arc__survey_report(job->survey);
    view.size = out->size;
    for (size_t i = 0; i < ARC_TABLE_COUNT; i++) {
        view.rows += report->tables[i].rows;
        view.bytes += report->tables[i].bytes;
    }
    view.runs = report->tables[ARC_TABLE_pipeline_run].rows;
    view.events = report->tables[ARC_TABLE_event].rows;
    memcpy(view.runs_by_state, report->runs_by_state, sizeof(view.runs_by_state));
    view.runs_damaged = report->damaged;
    view.runs_imported = report->imported;
    view.oldest_run_ns = report->oldest_run_ns;
    view.newest_run_ns = report->newest_run_ns;
    view.oldest_event_ns = report->oldest_event_ns;
    view.newest_event_ns = report->newest_event_ns;
    view.position = report->position;
    view.unfinished = report->unfinished != 0;
    arc__tool_store_bytes(job->tool->url, &view.file_bytes, &view.wal_bytes);
    memcpy(out, &view, out->size < sizeof(view) ? out->size : sizeof(view));
    return ARC_OK;
}

/* --- migrating ------------------------------------------------------------------------------- */

static arc_status require_whole(arc_store_tool *tool, arc_err *err)
{
    int unfinished = 0;
    ARC_TRY(arc__copy_is_unfinished(&tool->desk, &unfinished, err));
    return unfinished ? arc__fail(err, ARC_EPRECONDITION, "store",
                                  "The store is a copy that was not finished: go on with it first.")
                      : ARC_OK;
}

arc_status arc_store_migrate_open(arc_store_tool *tool, arc_store_job **out, arc_err *err)
{
    arc_store_job *job = NULL;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(require_whole(tool, err));
    ARC_TRY(job_new(tool, &job, err));
    return job_begun(job, arc__migrate_new(&tool->desk, &job->migrate, err), out);
}

arc_status arc_store_migrate_get(const arc_store_job *job, uint32_t index, arc_store_migration *out,
                                 arc_err *err)
{
    const struct arc_migration *migration = arc__migration(index);
    ARC_REQUIRE(out != NULL, err, "out");
    if (job->migrate == NULL)
        return arc__fail(err, ARC_EPRECONDITION, "job", "The job migrates nothing.");
    if (migration == NULL)
        return ARC_EDONE;
    arc_store_migration view = {
        .size = out->size,
        .number = migration->number,
        .what = migration->what,
        .done = migration->number <= arc__migrate_reached(job->migrate),
    };
    memcpy(out, &view, out->size < sizeof(view) ? out->size : sizeof(view));
    return ARC_OK;
}

/* --- deleting what is old ----------------------------------------------------------------------
 */

static arc_status to_ns(uint64_t seconds, int64_t *out, arc_err *err)
{
    if (seconds > (uint64_t)(INT64_MAX / ARC_NS_PER_S))
        return arc__fail(err, ARC_EINVAL, "max_age_s", "The age is too large.");
    *out = (int64_t)seconds * ARC_NS_PER_S;
    return ARC_OK;
}

static arc_status prune_begin(arc_store_job *job, const arc_store_prune_options *options,
                              arc_err *err)
{
    arc_store_tool *tool = job->tool;
    struct arc_retention retention = {
        .per_pipeline = options->runs_per_pipeline,
        .runs = options->runs_max,
        .held = (options->flags & ARC_STORE_PRUNE_HELD) != 0,
    };
    ARC_TRY(to_ns(options->max_age_s, &retention.max_age_ns, err));
    ARC_TRY(require_whole(tool, err));
    ARC_TRY(arc__tool_logs_open(&tool->mem, tool->url, options->log_dir, &job->logs, err));
    return arc__prune_tool_new(&tool->desk, job->logs, &retention,
                               tool->env.wall_ns(tool->env.user),
                               (options->flags & ARC_STORE_PRUNE_DRY) != 0, &job->prune, err);
}

arc_status arc_store_prune_open(arc_store_tool *tool, const arc_store_prune_options *given,
                                arc_store_job **out, arc_err *err)
{
    arc_store_prune_options options;
    arc_store_job *job = NULL;
    ARC_REQUIRE(out != NULL, err, "out");
    ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    ARC_REQUIRE((options.flags & ~(ARC_STORE_PRUNE_HELD | ARC_STORE_PRUNE_DRY)) == 0, err, "flags");
    ARC_TRY(job_new(tool, &job, err));
    return job_begun(job, prune_begin(job, &options, err), out);
}

arc_status arc_store_prune_get(const arc_store_job *job, arc_store_pruned *out, arc_err *err)
{
    ARC_REQUIRE(out != NULL, err, "out");
    if (job->prune == NULL)
        return arc__fail(err, ARC_EPRECONDITION, "job", "The job deletes nothing.");
    const struct arc_prune_report *report = arc__prune_tool_report(job->prune);
    arc_store_pruned view = {
        .size = out->size,
        .runs = report->runs,
        .jobs = report->jobs,
        .steps = report->steps,
        .events = report->events,
        .artifacts = report->artifacts,
        .request_keys = report->request_keys,
        .kept_for_notices = report->noticed,
        .kept_as_newest = report->busy,
    };
    memcpy(out, &view, out->size < sizeof(view) ? out->size : sizeof(view));
    return ARC_OK;
}
