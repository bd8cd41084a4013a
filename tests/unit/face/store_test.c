/* SPDX-License-Identifier: Apache-2.0 */
/* The tools of a store by their public functions, on SQLite files. */
#include "face.h"

#include <arcentra/store.h>
#include <stdio.h>
#include <unistd.h>

static const char definition[] =
    "namespace: n\njobs: [{name: a, agentSelector: {matchLabels: {x: y}},"
    " steps: [{name: s, run: 'true'}]}]\n";

struct place {
    char dir[64], url[128], other[128];
};

/* A store with one run that waits, and where another one may be. */
static int make_place(struct place *place)
{
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_ctl *ctl = NULL;
    char run[ARC_ID_SIZE];
    (void)snprintf(place->dir, sizeof(place->dir), "/tmp/arc-keeper-XXXXXX");
    if (mkdtemp(place->dir) == NULL)
        return 0;
    (void)snprintf(place->url, sizeof(place->url), "sqlite:%s/a.db", place->dir);
    (void)snprintf(place->other, sizeof(place->other), "sqlite:%s/b.db", place->dir);
    options.store_url = place->url;
    if (!CHECK_OK(arc_ctl_open(&options, &ctl, NULL)))
        return 0;
    arc_spec *spec = parse(definition);
    CHECK_OK(arc_run_start(ctl, spec, NULL, run, NULL));
    for (int i = 0; i < 5; i++)
        CHECK_OK(arc_ctl_dispatch(ctl, 0, NULL));
    (void)arc_spec_unref(spec);
    arc_ctl_close(ctl);
    return 1;
}

static void remove_other(const struct place *place)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock", ".mark", ".reserve"};
    char path[160];
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", place->other + 7, ends[i]);
        (void)unlink(path);
    }
}

static void remove_place(const struct place *place)
{
    static const char *const files[] = {"a.db",       "a.db-wal",  "a.db-shm",
                                        "a.db.lock",  "a.db.mark", "a.db.reserve",
                                        "logs/.lock", "logs",      ""};
    char path[128];
    remove_other(place);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", place->dir, files[i]);
        if (unlink(path) != 0)
            (void)rmdir(path);
    }
}

static arc_status open_at(const char *url, uint32_t flags, const arc_env *env, arc_store_tool **out,
                          arc_err *err)
{
    arc_store_options options = ARC_STORE_OPTIONS_INIT;
    options.store_url = url;
    options.flags = flags;
    options.env = env;
    return arc_store_open(&options, out, err);
}

static void what_cannot_be_opened_is_said(void)
{
    static const struct {
        const char *url;
        uint32_t flags;
        arc_status status;
    } rows[] = {{NULL, 0, ARC_EINVAL},
                {"mem:", ARC_STORE_CREATE, ARC_EINVAL},
                {"sqlite:", ARC_STORE_CREATE, ARC_EINVAL},
                {"sqlite:/nowhere.db", 128, ARC_EINVAL},
                {"sqlite:/nowhere/at/all.db", 0, ARC_ENOTFOUND},
                {"sqlite:/nowhere/at/all.db", ARC_STORE_CREATE, ARC_EIO}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        arc_store_tool *tool = NULL;
        arc_err err = ARC_ERR_INIT;
        CHECK_STATUS(open_at(rows[i].url, rows[i].flags, NULL, &tool, &err), rows[i].status);
        CHECK(tool == NULL);
        CHECK(err.message[0] != '\0');
    }
}

static void a_store_has_one_keeper(void)
{
    struct place place;
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_ctl *ctl = NULL;
    arc_store_tool *tool = NULL;
    arc_err err = ARC_ERR_INIT;
    if (!make_place(&place))
        return;
    options.store_url = place.url;
    CHECK_OK(arc_ctl_open(&options, &ctl, NULL));
    CHECK_STATUS(open_at(place.url, 0, NULL, &tool, &err), ARC_ECONFLICT);
    CHECK(strstr(err.message, "is in use by process") != NULL);
    arc_ctl_close(ctl);
    CHECK_OK(open_at(place.url, 0, NULL, &tool, NULL));
    CHECK_STATUS(arc_ctl_open(&options, &ctl, NULL), ARC_ECONFLICT);
    arc_store_close(tool);
    remove_place(&place);
}

static arc_status work(arc_store_job *job, arc_err *err)
{
    arc_status status = ARC_OK;
    arc_store_progress at = ARC_STORE_PROGRESS_INIT;
    while ((status = arc_store_job_step(job, 3, err)) == ARC_OK) {
        arc_store_job_get_progress(job, &at);
        CHECK(at.done <= at.total);
        CHECK(strncmp(at.table, "t_", 2) == 0);
        CHECK(strcmp(at.unit, "rows") == 0);
        CHECK(at.phase[0] != '\0');
    }
    return status;
}

static void a_copy_is_reported(void)
{
    struct place place;
    arc_store_tool *from = NULL, *to = NULL;
    arc_store_job *job = NULL;
    arc_store_table table = ARC_STORE_TABLE_INIT;
    arc_store_stats stats = ARC_STORE_STATS_INIT;
    uint64_t rows = 0;
    uint32_t index = 0;
    if (!make_place(&place))
        return;
    CHECK_OK(open_at(place.url, 0, NULL, &from, NULL));
    CHECK_OK(open_at(place.other, ARC_STORE_CREATE, NULL, &to, NULL));
    CHECK_STATUS(arc_store_copy_open(from, from, 0, &job, NULL), ARC_EINVAL);
    CHECK_STATUS(arc_store_copy_open(from, to, 2, &job, NULL), ARC_EINVAL);
    CHECK_OK(arc_store_copy_open(from, to, 0, &job, NULL));
    CHECK_STATUS(arc_store_job_get_table(job, 0, &table, NULL), ARC_EPRECONDITION);
    CHECK_STATUS(work(job, NULL), ARC_EDONE);
    CHECK_STATUS(arc_store_job_step(job, 0, NULL), ARC_EDONE);
    for (; arc_store_job_get_table(job, index, &table, NULL) == ARC_OK; index++) {
        rows += table.rows;
        CHECK_INT(strlen(table.sha256), 64);
    }
    CHECK(index > 10);
    CHECK_INT(arc_store_copy_get_written(job), rows);
    CHECK_STATUS(arc_store_stats_get(job, &stats, NULL), ARC_EPRECONDITION);
    arc_store_job_close(job);
    job = NULL;
    CHECK_STATUS(arc_store_copy_open(from, to, 0, &job, NULL), ARC_EPRECONDITION);
    CHECK(job == NULL);
    arc_store_close(to);
    arc_store_close(from);
    remove_place(&place);
}

static void what_is_in_a_store_is_counted(void)
{
    struct place place;
    arc_store_tool *tool = NULL;
    arc_store_job *job = NULL;
    arc_store_stats stats = ARC_STORE_STATS_INIT;
    arc_store_table table = ARC_STORE_TABLE_INIT;
    uint64_t rows = 0, bytes = 0;
    if (!make_place(&place))
        return;
    CHECK_OK(open_at(place.url, 0, NULL, &tool, NULL));
    CHECK_OK(arc_store_stats_open(tool, &job, NULL));
    CHECK_STATUS(arc_store_stats_get(job, &stats, NULL), ARC_EPRECONDITION);
    CHECK_STATUS(work(job, NULL), ARC_EDONE);
    CHECK_OK(arc_store_stats_get(job, &stats, NULL));
    CHECK_INT(stats.runs, 1);
    CHECK_INT(stats.runs_by_state[ARC_RUN_PENDING] + stats.runs_by_state[ARC_RUN_RUNNING], 1);
    CHECK(stats.events > 0 && (uint64_t)stats.position == stats.events);
    CHECK(stats.oldest_run_ns > 0 && stats.oldest_run_ns == stats.newest_run_ns);
    CHECK(stats.file_bytes > 0 && stats.wal_bytes >= 0);
    CHECK_INT(stats.unfinished, 0);
    CHECK_INT(arc_store_copy_get_written(job), 0);
    for (uint32_t i = 0; arc_store_job_get_table(job, i, &table, NULL) == ARC_OK; i++) {
        rows += table.rows;
        bytes += table.bytes;
        CHECK_INT(table.sha256[0], 0);
    }
    CHECK_INT(stats.rows, rows);
    CHECK_INT(stats.bytes, bytes);
    arc_store_job_close(job);
    arc_store_close(tool);
    remove_place(&place);
}

static int64_t in_a_year(void *user)
{
    (void)user;
    return (INT64_C(1900000000) + 31536000) * 1000000000;
}

static void what_is_old_is_deleted(void)
{
    struct place place;
    arc_store_tool *tool = NULL;
    arc_store_job *job = NULL;
    arc_store_prune_options options = ARC_STORE_PRUNE_OPTIONS_INIT;
    arc_store_pruned sum = ARC_STORE_PRUNED_INIT;
    arc_store_table table = ARC_STORE_TABLE_INIT;
    arc_env env = ARC_ENV_INIT;
    env.wall_ns = in_a_year;
    if (!make_place(&place))
        return;
    CHECK_OK(open_at(place.url, 0, &env, &tool, NULL));
    options.flags = 4;
    CHECK_STATUS(arc_store_prune_open(tool, &options, &job, NULL), ARC_EINVAL);
    options.flags = 0;
    options.max_age_s = UINT64_MAX;
    CHECK_STATUS(arc_store_prune_open(tool, &options, &job, NULL), ARC_EINVAL);
    options.max_age_s = 1;
    CHECK_OK(arc_store_prune_open(tool, &options, &job, NULL));
    CHECK_STATUS(arc_store_job_get_table(job, 0, &table, NULL), ARC_EPRECONDITION);
    arc_status status = ARC_OK;
    while (status == ARC_OK)
        status = arc_store_job_step(job, 0, NULL);
    CHECK_STATUS(status, ARC_EDONE);
    CHECK_STATUS(arc_store_job_get_table(job, 0, &table, NULL), ARC_EPRECONDITION);
    CHECK_OK(arc_store_prune_get(job, &sum, NULL));
    CHECK_INT(sum.runs, 0); /* it is not over */
    arc_store_job_close(job);
    CHECK_OK(arc_store_stats_open(tool, &job, NULL));
    CHECK_STATUS(arc_store_prune_get(job, &sum, NULL), ARC_EPRECONDITION);
    arc_store_job_close(job);
    arc_store_close(tool);
    remove_place(&place);
}

static arc_store_backup_options save_at(const char *url, const char *path, uint32_t flags)
{
    arc_store_backup_options options = ARC_STORE_BACKUP_OPTIONS_INIT;
    options.store_url = url;
    options.path = path;
    options.flags = flags;
    return options;
}

/* To its end; what it comes to. */
static arc_status save(arc_store_job *job, arc_store_saved *saved, arc_err *err)
{
    arc_status status = ARC_OK;
    arc_store_progress at = ARC_STORE_PROGRESS_INIT;
    int phases = 0;
    const char *phase = "";
    while (status == ARC_OK && (status = arc_store_job_step(job, 3, err)) == ARC_OK) {
        arc_store_job_get_progress(job, &at);
        CHECK(at.total == 0 || at.done <= at.total);
        CHECK(at.table == NULL && at.unit != NULL);
        phases += strcmp(phase, at.phase) != 0;
        phase = at.phase;
    }
    CHECK(status != ARC_EDONE || phases >= 2);
    CHECK_OK(arc_store_saved_get(job, saved, NULL));
    arc_store_job_close(job);
    return status;
}

static uint64_t runs_in(const char *url, uint32_t flags)
{
    arc_store_tool *tool = NULL;
    arc_store_job *job = NULL;
    arc_store_stats stats = ARC_STORE_STATS_INIT;
    CHECK_OK(open_at(url, flags, NULL, &tool, NULL));
    CHECK_OK(arc_store_stats_open(tool, &job, NULL));
    CHECK_STATUS(work(job, NULL), ARC_EDONE);
    CHECK_OK(arc_store_stats_get(job, &stats, NULL));
    arc_store_job_close(job);
    arc_store_close(tool);
    return stats.runs;
}

static void start_a_run(arc_ctl *ctl)
{
    char run[ARC_ID_SIZE];
    arc_spec *spec = parse(definition);
    CHECK_OK(arc_run_start(ctl, spec, NULL, run, NULL));
    for (int i = 0; i < 5; i++)
        CHECK_OK(arc_ctl_dispatch(ctl, 0, NULL));
    (void)arc_spec_unref(spec);
}

static void a_backup_is_made_beside_a_control_plane(void)
{
    struct place place;
    char backup[160];
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_ctl *ctl = NULL;
    arc_store_job *job = NULL;
    arc_store_saved saved = ARC_STORE_SAVED_INIT;
    arc_err err = ARC_ERR_INIT;
    if (!make_place(&place))
        return;
    (void)snprintf(backup, sizeof(backup), "%s/saved", place.dir);
    options.store_url = place.url;
    CHECK_OK(arc_ctl_open(&options, &ctl, NULL));
    arc_store_backup_options how = save_at(place.url, backup, 0);
    CHECK_OK(arc_store_backup_open(&how, &job, NULL));
    start_a_run(ctl); /* not in it: it is as of its beginning */
    CHECK_STATUS(save(job, &saved, NULL), ARC_EDONE);
    CHECK(saved.beside && saved.pages > 10 && saved.bytes == saved.pages * 4096);
    CHECK_STATUS(arc_store_backup_open(&how, &job, NULL), ARC_EEXISTS);
    how.flags = ARC_STORE_BACKUP_REPLACE;
    CHECK_OK(arc_store_backup_open(&how, &job, NULL));
    CHECK_OK(arc_store_job_step(job, 1, NULL));
    arc_store_job_close(job); /* the former one is still there */
    arc_store_backup_options back = save_at(place.url, backup, ARC_STORE_BACKUP_REPLACE);
    CHECK_STATUS(arc_store_restore_open(&back, &job, &err), ARC_ECONFLICT);
    CHECK(strstr(err.message, "is in use by process") != NULL);
    CHECK_INT(runs_in(place.url, ARC_STORE_BESIDE), 2);
    arc_ctl_close(ctl);
    back = save_at(place.other, backup, 0);
    CHECK_OK(arc_store_restore_open(&back, &job, NULL));
    CHECK_STATUS(save(job, &saved, NULL), ARC_EDONE);
    CHECK(!saved.beside && saved.runs == 1 && saved.events > 0 && saved.findings == 0);
    CHECK_INT(runs_in(place.other, 0), 1);
    CHECK_STATUS(arc_store_restore_open(&back, &job, NULL), ARC_EEXISTS);
    CHECK(unlink(backup) == 0);
    CHECK_STATUS(arc_store_restore_open(&back, &job, NULL), ARC_ENOTFOUND);
    remove_place(&place);
    CHECK(access(place.dir, F_OK) != 0); /* no part is left */
}

static void what_cannot_be_backed_up_is_said(void)
{
    static const struct {
        const char *url, *path;
        uint32_t flags;
        arc_status backup, restore;
    } rows[] = {{NULL, "/nowhere/b", 0, ARC_EINVAL, ARC_EINVAL},
                {"mem:", "/nowhere/b", 0, ARC_EINVAL, ARC_EINVAL},
                {"postgres://a@b/c", "/nowhere/b", 0, ARC_EUNIMPLEMENTED, ARC_EUNIMPLEMENTED},
                {"sqlite:/nowhere/a.db", NULL, 0, ARC_EINVAL, ARC_EINVAL},
                {"sqlite:/nowhere/a.db", "", 0, ARC_EINVAL, ARC_EINVAL},
                {"sqlite:/nowhere/a.db", "/nowhere/b", 4, ARC_EINVAL, ARC_EINVAL},
                {"sqlite:/nowhere/a.db", "/nowhere/b", ARC_STORE_BACKUP_FINDINGS, ARC_EINVAL,
                 ARC_ENOTFOUND},
                {"sqlite:/nowhere/a.db", "/nowhere/b", 0, ARC_ENOTFOUND, ARC_ENOTFOUND}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        arc_store_job *job = NULL;
        arc_err err = ARC_ERR_INIT;
        arc_store_backup_options options = save_at(rows[i].url, rows[i].path, rows[i].flags);
        CHECK_STATUS(arc_store_backup_open(&options, &job, &err), rows[i].backup);
        CHECK(err.message[0] != '\0');
        CHECK_STATUS(arc_store_restore_open(&options, &job, &err), rows[i].restore);
        CHECK(job == NULL);
    }
}

static struct place torture_place;

/* 1: all was well. */
static int one_backup(struct test_mem *state)
{
    char path[160];
    struct arc_mem mem = test_mem(state);
    arc_env env = arc__mem_to_env(&mem);
    arc_store_job *job = NULL;
    (void)snprintf(path, sizeof(path), "%s/saved", torture_place.dir);
    arc_store_backup_options options = save_at(torture_place.url, path, ARC_STORE_BACKUP_REPLACE);
    options.env = &env;
    arc_status status = arc_store_backup_open(&options, &job, NULL);
    while (status == ARC_OK)
        status = arc_store_job_step(job, 0, NULL);
    arc_store_job_close(job);
    job = NULL;
    if (status == ARC_EDONE) {
        options.store_url = torture_place.other;
        status = arc_store_restore_open(&options, &job, NULL);
        while (status == ARC_OK)
            status = arc_store_job_step(job, 0, NULL);
        arc_store_job_close(job);
    }
    remove_other(&torture_place);
    (void)unlink(path);
    CHECK(status == ARC_EDONE || status == ARC_ENOMEM);
    return status == ARC_EDONE;
}

static void backups_without_memory(void)
{
    if (!make_place(&torture_place))
        return;
    test_torture(one_backup, 0, 2000);
    remove_place(&torture_place);
    CHECK(access(torture_place.dir, F_OK) != 0); /* no part is left */
}

/* 1: all was well. */
static int one_life(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    arc_env env = arc__mem_to_env(&mem);
    arc_store_tool *from = NULL, *to = NULL;
    arc_store_job *job = NULL;
    arc_status status = open_at(torture_place.url, 0, &env, &from, NULL);
    if (status == ARC_OK)
        status = open_at(torture_place.other, ARC_STORE_CREATE, &env, &to, NULL);
    if (status == ARC_OK)
        status = arc_store_copy_open(from, to, ARC_STORE_COPY_RESUME, &job, NULL);
    if (status == ARC_OK)
        status = work(job, NULL);
    arc_store_job_close(job);
    job = NULL;
    if (status == ARC_EDONE)
        status = arc_store_stats_open(to, &job, NULL);
    if (status == ARC_OK)
        status = work(job, NULL);
    arc_store_job_close(job);
    arc_store_close(to);
    arc_store_close(from);
    remove_other(&torture_place);
    CHECK(status == ARC_EDONE || status == ARC_ENOMEM);
    return status == ARC_EDONE;
}

static void without_memory(void)
{
    if (!make_place(&torture_place))
        return;
    test_torture(one_life, 0, 2000);
    remove_place(&torture_place);
}

static const struct test tests[] = {
    {"what is no store that can be opened is said", what_cannot_be_opened_is_said},
    {"a store has one keeper at a time", a_store_has_one_keeper},
    {"a copy reports every table, and goes into an empty store", a_copy_is_reported},
    {"what is in a store is counted, table by table", what_is_in_a_store_is_counted},
    {"what is old is deleted by options that are read", what_is_old_is_deleted},
    {"copying and counting end cleanly without memory", without_memory},
    {"a backup is made beside a control plane, and put back",
     a_backup_is_made_beside_a_control_plane},
    {"what cannot be backed up or put back is said", what_cannot_be_backed_up_is_said},
    {"backups end cleanly without memory", backups_without_memory},
};
TEST_MAIN(tests)
