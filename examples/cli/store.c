/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra store: what the keeper of a store does. */
#include "cli/store.h"

#include <arcentra/states.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/json.h"

#define SAY_FIRST_S 2 /* a job that is over by then says nothing */

/* --- the verbs ------------------------------------------------------------------------------- */

static const struct command verbs[] = {
    {"store backup", "store backup --from URL --to FILE [FLAG…]", "A store as one file.",
     "Of a SQLite store, while its server runs or does not: as of the moment when it begins. The\n"
     "file is a store itself. It is written under another name, synced, read again page by page,\n"
     "and then given its name; one that is there stays, unless --force says otherwise. Step logs\n"
     "are files of their own, and not in it: copy the directory. A PostgreSQL database is backed\n"
     "up by pg_dump.\n"
     "Exit code 0: it is there, 1: it failed, 2: a wrong word, or there is no such store.\n"
     "  arcentra store backup --from sqlite:/var/lib/arcentra/arcentra.db --to /backup/monday.db\n",
     cmd_store_backup},
    {"store check", "store check [FLAG…]", "Is the store what it says it is?",
     "The file itself, and then everything that `arcentra fsck` looks at: this is the same\n"
     "command. Exit code 0: clean, or all was put right, 1: findings, 2: it cannot be opened.\n",
     cmd_fsck},
    {"store copy", "store copy --from URL --to URL [FLAG…]", "All rows of a store into another.",
     "The other one is empty, or is made. When all rows are there both stores are read again and\n"
     "compared by a hash of each table. Until then the copy is marked, and no server opens it;\n"
     "one that was cut off is gone on with by --resume. Step logs are files of their own: copy\n"
     "the directory. Exit code 0: the same, 1: not so, 2: a store cannot be opened.\n",
     cmd_store_copy},
    {"store migrate", "store migrate [FLAG…]", "Bring the rows of an earlier version up to date.",
     "A server works without it; lists show older runs without what came after them. Migration by\n"
     "migration, in small steps: cut off, it can be begun again. Make a copy before.\n"
     "Exit code 0: done, 1: it failed, 2: the store cannot be opened.\n",
     cmd_store_migrate},
    {"store prune", "store prune [FLAG…]", "Delete runs that are older than runs are kept.",
     "Each goes whole: its row, jobs, steps, records of artifacts, events and logs. What is not\n"
     "over, is set aside, has notices that wait, or has the newest event of all, stays. Keys of\n"
     "requests go after thirty days. Counters and numbers of pipelines go on. Ctrl-C at any time:\n"
     "the next pass goes on. A server does the same by its settings retention_….\n"
     "Exit code 0: done, 1: it failed, 2: a wrong word, or the store cannot be opened.\n",
     cmd_store_prune},
    {"store restore", "store restore --from FILE --to URL [FLAG…]", "A backup as a store again.",
     "Where no store is, or with --force in the place of one that no server has open. Every page\n"
     "of the backup is checked and every run in it folded, before anything has the name of the\n"
     "store. Killed, it leaves what was there, or a store that does not open until it is done\n"
     "again. The backup is not changed. Put the directory of step logs back beside it.\n"
     "Exit code 0: it is there, 1: it failed, or the backup is damaged, 2: a wrong word, there is\n"
     "no such file, or a server has the store.\n"
     "  arcentra store restore --from /backup/monday.db --to "
     "sqlite:/var/lib/arcentra/arcentra.db\n",
     cmd_store_restore},
    {"store stats", "store stats [FLAG…]", "What is in a store.",
     "Rows and bytes of each table, runs by how they stand, the oldest and the newest, and what\n"
     "the store takes on the disk. Reads every row. A SQLite store is read while its server runs,\n"
     "as of the moment when it begins; a PostgreSQL database while none does.\n"
     "Exit code 0: counted, 1: it failed, 2: the store cannot be opened.\n",
     cmd_store_stats},
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static int help(FILE *out, int exit_code)
{
    fputs("Usage: arcentra store VERB [FLAG…]\n\nVerbs:\n", out);
    for (size_t i = 0; i < VERB_COUNT; i++)
        fprintf(out, "  %-10s %s\n", verbs[i].name + sizeof("store ") - 1, verbs[i].what);
    fputs("\n`arcentra store VERB --help` says more. Stop the server of the store before, but for\n"
          "`backup` and `stats`.\n",
          out);
    return exit_code;
}

int cmd_store(const struct command *command, int argc, char **argv)
{
    (void)command;
    if (argc < 2)
        return help(stderr, EXIT_USAGE);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help(stdout, EXIT_OK);
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(argv[1], verbs[i].name + sizeof("store ") - 1) == 0)
            return verbs[i].run(&verbs[i], argc - 1, argv + 1);
    }
    cli_fail("There is no verb `%s` of `arcentra store`; `arcentra store --help` lists them.",
             argv[1]);
    return EXIT_USAGE;
}

/* --- what they share ------------------------------------------------------------------------- */

int store_open(const char *url, uint32_t flags, arc_store_tool **out)
{
    arc_store_options options = ARC_STORE_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    options.store_url = url;
    options.flags = flags & ~ARC_STORE_BESIDE;
    if (arc_store_open(&options, out, &err) == ARC_OK)
        return 0;
    options.flags = ARC_STORE_BESIDE;
    if ((flags & ARC_STORE_BESIDE) != 0 && err.status == ARC_ECONFLICT &&
        arc_store_open(&options, out, &err) == ARC_OK)
        return 0;
    struct text shown = {NULL, 0, 0};
    text_put_url(&shown, url);
    cli_fail("%s: %s%s", text_get(&shown), err.message,
             err.status == ARC_ECONFLICT ? " Stop the server first." : "");
    text_deinit(&shown);
    return EXIT_USAGE;
}

static int64_t seconds(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return now.tv_sec;
}

static void say(const arc_store_job *job, int live)
{
    arc_store_progress at = ARC_STORE_PROGRESS_INIT;
    arc_store_job_get_progress(job, &at);
    fprintf(stderr, "%s%s%s%s: %" PRIu64, live ? "\r\033[K" : "", at.phase,
            at.table != NULL ? " " : "", at.table != NULL ? at.table : "", at.done);
    if (at.total > 0)
        fprintf(stderr, " of %" PRIu64, at.total);
    fprintf(stderr, " %s%s", at.unit, live ? "" : "\n");
}

int store_work(arc_store_job *job)
{
    arc_err err = ARC_ERR_INIT;
    arc_status status;
    int live = isatty(STDERR_FILENO), said = 0;
    int64_t next = seconds() + SAY_FIRST_S;
    while ((status = arc_store_job_step(job, 0, &err)) == ARC_OK) {
        if (seconds() < next)
            continue;
        next = seconds() + (live ? 1 : 10 * SAY_FIRST_S);
        say(job, live);
        said = live;
    }
    if (said)
        fputs("\r\033[K", stderr);
    return status == ARC_EDONE ? EXIT_OK : cli_fail("%s", err.message);
}

void store_put_bytes(struct text *out, int64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double amount = (double)bytes / 1024;
    size_t unit = 0;
    if (bytes < 1024) {
        text_printf(out, "%" PRId64 " B", bytes);
        return;
    }
    for (; amount >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
        amount /= 1024;
    text_printf(out, "%.1f %s", amount, units[unit]);
}

void store_put_time(struct text *out, int64_t time_ns)
{
    struct tm utc;
    char buf[32] = "-";
    time_t at = (time_t)(time_ns / 1000000000);
    if (time_ns != 0 && gmtime_r(&at, &utc) != NULL)
        (void)strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%SZ", &utc);
    text_printf(out, "%s", buf);
}

/* --- copy ------------------------------------------------------------------------------------ */

static void print_copied_json(const arc_store_job *job)
{
    struct text out = {NULL, 0, 0};
    struct json_out json = {&out, 0};
    arc_store_table table = ARC_STORE_TABLE_INIT;
    uint64_t rows = 0;
    json_open(&json, NULL, '{');
    json_open(&json, "tables", '{');
    for (uint32_t i = 0; arc_store_job_get_table(job, i, &table, NULL) == ARC_OK; i++) {
        rows += table.rows;
        json_open(&json, table.name, '{');
        json_put_uint(&json, "rows", table.rows);
        json_put_uint(&json, "bytes", table.bytes);
        json_put_text(&json, "sha256", table.sha256);
        json_close(&json, '}');
    }
    json_close(&json, '}');
    json_put_uint(&json, "rows", rows);
    json_put_uint(&json, "written", arc_store_copy_get_written(job));
    json_close(&json, '}');
    printf("%s\n", text_get(&out));
    text_deinit(&out);
}

static void print_copied(const arc_store_job *job, const char *to)
{
    arc_store_table table = ARC_STORE_TABLE_INIT;
    uint64_t rows = 0;
    for (uint32_t i = 0; arc_store_job_get_table(job, i, &table, NULL) == ARC_OK; i++) {
        rows += table.rows;
        if (table.rows > 0)
            printf("%-20s %10" PRIu64 " rows  sha256 %s\n", table.name, table.rows, table.sha256);
    }
    struct text shown = {NULL, 0, 0};
    text_put_url(&shown, to);
    printf("%" PRIu64 " rows are in %s, and the same; %" PRIu64 " of them were written.\n", rows,
           text_get(&shown), arc_store_copy_get_written(job));
    text_deinit(&shown);
}

static int copy(const char *from_url, const char *to_url, int resume, int as_json)
{
    arc_store_tool *from = NULL, *to = NULL;
    arc_store_job *job = NULL;
    arc_err err = ARC_ERR_INIT;
    int exit_code = store_open(from_url, 0, &from);
    if (exit_code == 0)
        exit_code = store_open(to_url, ARC_STORE_CREATE, &to);
    if (exit_code == 0) {
        arc_status status =
            arc_store_copy_open(from, to, resume ? ARC_STORE_COPY_RESUME : 0, &job, &err);
        if (status != ARC_OK)
            exit_code = cli_fail("%s%s", err.message,
                                 status == ARC_ECONFLICT ? " (--resume goes on with it.)" : "");
    }
    if (exit_code == 0)
        exit_code = store_work(job);
    if (exit_code == 0 && as_json)
        print_copied_json(job);
    else if (exit_code == 0)
        print_copied(job, to_url);
    arc_store_job_close(job);
    arc_store_close(to);
    arc_store_close(from);
    return exit_code;
}

int cmd_store_copy(const struct command *command, int argc, char **argv)
{
    struct arg_list rest = {NULL, 0, NULL};
    const char *from = NULL, *to = NULL;
    int resume = 0, as_json = 0, exit_code = 0;
    const struct arg table[] = {
        {"from", 0, ARG_TEXT, NULL, "URL",
         "The store to copy: sqlite:PATH or postgres://HOST/NAME.", &from, 0, 0},
        {"to", 0, ARG_TEXT, NULL, "URL", "Where to: likewise.", &to, 0, 0},
        {"resume", 0, ARG_SWITCH, NULL, NULL, "Go on with a copy that was cut off.", &resume, 0, 0},
        {"json", 0, ARG_SWITCH, NULL, NULL, "One JSON object.", &as_json, 0, 0},
    };
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &rest, 0, 0,
                  &exit_code) == 0) {
        if (from == NULL || to == NULL) {
            cli_fail("`store copy` needs --from and --to.");
            exit_code = EXIT_USAGE;
        } else {
            exit_code = copy(from, to, resume, as_json);
        }
    }
    arg_list_deinit(&rest);
    return exit_code;
}

/* --- migrate --------------------------------------------------------------------------------- */

/* How many are to be done. */
static unsigned print_migrations(const arc_store_job *job, int as_json)
{
    arc_store_migration migration = ARC_STORE_MIGRATION_INIT;
    struct text out = {NULL, 0, 0};
    struct json_out json = {&out, 0};
    unsigned left = 0;
    if (as_json)
        json_open(&json, NULL, '{');
    if (as_json)
        json_open(&json, "migrations", '[');
    for (uint32_t i = 0; arc_store_migrate_get(job, i, &migration, NULL) == ARC_OK; i++) {
        left += !migration.done;
        if (!as_json) {
            text_printf(&out, "%3" PRId64 "  %-5s  %s\n", migration.number,
                        migration.done ? "done" : "to do", migration.what);
            continue;
        }
        json_open(&json, NULL, '{');
        json_put_int(&json, "number", migration.number);
        json_put_text(&json, "what", migration.what);
        json_put_bool(&json, "done", migration.done != 0);
        json_close(&json, '}');
    }
    if (as_json) {
        json_close(&json, ']');
        json_close(&json, '}');
        text_printf(&out, "\n");
    }
    fputs(text_get(&out), stdout);
    text_deinit(&out);
    return left;
}

static int migrate(arc_store_tool *tool, arc_store_job **job, int dry, int as_json)
{
    arc_err err = ARC_ERR_INIT;
    if (arc_store_migrate_open(tool, job, &err) != ARC_OK)
        return cli_fail("%s", err.message);
    if (!as_json && (print_migrations(*job, 0) == 0 || dry))
        return EXIT_OK;
    int exit_code = dry ? EXIT_OK : store_work(*job);
    if (exit_code == EXIT_OK && as_json) /* as it is now */
        (void)print_migrations(*job, 1);
    else if (exit_code == EXIT_OK)
        printf("All is done.\n");
    return exit_code;
}

int cmd_store_migrate(const struct command *command, int argc, char **argv)
{
    struct arg_list rest = {NULL, 0, NULL};
    const char *store = NULL;
    arc_store_tool *tool = NULL;
    arc_store_job *job = NULL;
    int dry = 0, as_json = 0, exit_code = 0;
    const struct arg table[] = {
        STORE_ARG(&store),
        {"dry-run", 0, ARG_SWITCH, NULL, NULL, "Say what is to be done, and do nothing.", &dry, 0,
         0},
        {"json", 0, ARG_SWITCH, NULL, NULL, "One JSON object: how it stands then.", &as_json, 0, 0},
    };
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &rest, 0, 0,
                  &exit_code) == 0 &&
        (exit_code = store_open(store != NULL ? store : STORE_DEFAULT, 0, &tool)) == 0)
        exit_code = migrate(tool, &job, dry, as_json);
    arc_store_job_close(job);
    arc_store_close(tool);
    arg_list_deinit(&rest);
    return exit_code;
}

/* --- prune ----------------------------------------------------------------------------------- */

static void print_pruned_json(const arc_store_pruned *sum, int dry)
{
    struct text out = {NULL, 0, 0};
    struct json_out json = {&out, 0};
    json_open(&json, NULL, '{');
    json_put_bool(&json, "dryRun", dry);
    json_put_uint(&json, "runs", sum->runs);
    json_put_uint(&json, "jobs", sum->jobs);
    json_put_uint(&json, "steps", sum->steps);
    json_put_uint(&json, "events", sum->events);
    json_put_uint(&json, "artifacts", sum->artifacts);
    json_put_uint(&json, "requestKeys", sum->request_keys);
    json_put_uint(&json, "keptForNotices", sum->kept_for_notices);
    json_put_uint(&json, "keptAsNewest", sum->kept_as_newest);
    json_close(&json, '}');
    printf("%s\n", text_get(&out));
    text_deinit(&out);
}

static void print_pruned(const arc_store_job *job, int dry, int as_json)
{
    arc_store_pruned sum = ARC_STORE_PRUNED_INIT;
    arc_err err = ARC_ERR_INIT;
    if (arc_store_prune_get(job, &sum, &err) != ARC_OK)
        return;
    if (as_json) {
        print_pruned_json(&sum, dry);
        return;
    }
    if (dry)
        printf("%" PRIu64 " runs would be deleted.\n", sum.runs);
    else
        printf("%" PRIu64 " runs were deleted, with %" PRIu64 " jobs, %" PRIu64 " steps, %" PRIu64
               " events and %" PRIu64 " records of artifacts; and %" PRIu64 " keys of requests.\n",
               sum.runs, sum.jobs, sum.steps, sum.events, sum.artifacts, sum.request_keys);
    if (sum.kept_for_notices > 0)
        printf("%" PRIu64 " were kept: notices of them wait for the host.\n", sum.kept_for_notices);
    if (sum.kept_as_newest > 0)
        printf("1 was kept: it has the newest event of the log.\n");
}

static int prune(const char *store, const arc_store_prune_options *options, int as_json)
{
    arc_store_tool *tool = NULL;
    arc_store_job *job = NULL;
    arc_err err = ARC_ERR_INIT;
    int exit_code = store_open(store, 0, &tool);
    if (exit_code == 0 && arc_store_prune_open(tool, options, &job, &err) != ARC_OK)
        exit_code = cli_fail("%s", err.message);
    if (exit_code == 0) {
        exit_code = store_work(job);
        print_pruned(job, (options->flags & ARC_STORE_PRUNE_DRY) != 0, as_json);
    }
    arc_store_job_close(job);
    arc_store_close(tool);
    return exit_code;
}

int cmd_store_prune(const struct command *command, int argc, char **argv)
{
    struct arg_list rest = {NULL, 0, NULL};
    arc_store_prune_options options = ARC_STORE_PRUNE_OPTIONS_INIT;
    const char *store = NULL;
    int64_t age_ns = 0, per_pipeline = 0, runs = 0;
    int held = 0, dry = 0, as_json = 0, exit_code = 0;
    const struct arg table[] = {
        STORE_ARG(&store),
        {"older-than", 0, ARG_DURATION, NULL, "TIME", "Runs that ended so long ago: 720h.", &age_ns,
         0, 0},
        {"per-pipeline", 0, ARG_NUMBER, NULL, "N", "All but the newest N of each pipeline.",
         &per_pipeline, 1, 1000000000},
        {"runs", 0, ARG_NUMBER, NULL, "N", "All but the newest N of all pipelines.", &runs, 1,
         1000000000},
        {"held", 0, ARG_SWITCH, NULL, NULL,
         "With --older-than: damaged runs and imported records too.", &held, 0, 0},
        {"dry-run", 0, ARG_SWITCH, NULL, NULL, "Say how many, and delete nothing.", &dry, 0, 0},
        {"log-dir", 0, ARG_TEXT, NULL, "DIR", "Step logs (beside the store).", &options.log_dir, 0,
         0},
        {"json", 0, ARG_SWITCH, NULL, NULL, "One JSON object.", &as_json, 0, 0},
    };
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &rest, 0, 0,
                  &exit_code) == 0) {
        options.max_age_s = (uint64_t)(age_ns / 1000000000);
        options.runs_per_pipeline = (uint64_t)per_pipeline;
        options.runs_max = (uint64_t)runs;
        options.flags = (held ? ARC_STORE_PRUNE_HELD : 0u) | (dry ? ARC_STORE_PRUNE_DRY : 0u);
        if (held && options.max_age_s == 0) {
            cli_fail("--held goes with --older-than: what is set aside is judged by its age.");
            exit_code = EXIT_USAGE;
        } else {
            exit_code = prune(store != NULL ? store : STORE_DEFAULT, &options, as_json);
        }
    }
    arg_list_deinit(&rest);
    return exit_code;
}

/* --- stats ----------------------------------------------------------------------------------- */

static void put_amount(struct text *out, const char *what, int64_t bytes)
{
    if (bytes < 0)
        return;
    text_printf(out, "%s", what);
    store_put_bytes(out, bytes);
    text_printf(out, "\n");
}

static void put_span(struct text *out, const char *what, int64_t oldest_ns, int64_t newest_ns)
{
    text_printf(out, "%s", what);
    store_put_time(out, oldest_ns);
    text_printf(out, " to ");
    store_put_time(out, newest_ns);
    text_printf(out, "\n");
}

static void put_stats(struct text *out, const arc_store_job *job, const arc_store_stats *stats)
{
    arc_store_table table = ARC_STORE_TABLE_INIT;
    text_printf(out, "%-20s %12s %12s\n", "table", "rows", "values");
    for (uint32_t i = 0; arc_store_job_get_table(job, i, &table, NULL) == ARC_OK; i++) {
        struct text bytes = {NULL, 0, 0};
        store_put_bytes(&bytes, (int64_t)table.bytes);
        text_printf(out, "%-20s %12" PRIu64 " %12s\n", table.name, table.rows, text_get(&bytes));
        text_deinit(&bytes);
    }
    text_printf(out, "\nruns      %" PRIu64, stats->runs);
    for (int state = 1; state < ARC_RUN_STATE_COUNT; state++) {
        if (stats->runs_by_state[state] > 0)
            text_printf(out, ", %s %" PRIu64, arc_run_state_name(state),
                        stats->runs_by_state[state]);
    }
    text_printf(out, "\n");
    if (stats->runs_damaged + stats->runs_imported > 0)
        text_printf(out, "set aside %" PRIu64 " damaged, %" PRIu64 " imported\n",
                    stats->runs_damaged, stats->runs_imported);
    put_span(out, "triggered ", stats->oldest_run_ns, stats->newest_run_ns);
    put_span(out, "events    ", stats->oldest_event_ns, stats->newest_event_ns);
    put_amount(out, "file      ", stats->file_bytes);
    put_amount(out, "WAL       ", stats->wal_bytes);
    if (stats->unfinished)
        text_printf(out, "This is a copy that was not finished: no server opens it.\n");
}

static void put_json_tables(struct json_out *json, const arc_store_job *job)
{
    arc_store_table table = ARC_STORE_TABLE_INIT;
    json_open(json, "tables", '{');
    for (uint32_t i = 0; arc_store_job_get_table(job, i, &table, NULL) == ARC_OK; i++) {
        json_open(json, table.name, '{');
        json_put_uint(json, "rows", table.rows);
        json_put_uint(json, "bytes", table.bytes);
        json_close(json, '}');
    }
    json_close(json, '}');
}

static void put_stats_json(struct text *out, const arc_store_job *job, const arc_store_stats *stats)
{
    struct json_out json = {out, 0};
    json_open(&json, NULL, '{');
    put_json_tables(&json, job);
    json_put_uint(&json, "rows", stats->rows);
    json_put_uint(&json, "bytes", stats->bytes);
    json_open(&json, "runs", '{');
    for (int state = 1; state < ARC_RUN_STATE_COUNT; state++)
        json_put_uint(&json, arc_run_state_name(state), stats->runs_by_state[state]);
    json_close(&json, '}');
    json_put_uint(&json, "runsDamaged", stats->runs_damaged);
    json_put_uint(&json, "runsImported", stats->runs_imported);
    json_put_int(&json, "oldestRunNs", stats->oldest_run_ns);
    json_put_int(&json, "newestRunNs", stats->newest_run_ns);
    json_put_int(&json, "oldestEventNs", stats->oldest_event_ns);
    json_put_int(&json, "newestEventNs", stats->newest_event_ns);
    json_put_int(&json, "position", stats->position);
    json_put_int(&json, "fileBytes", stats->file_bytes);
    json_put_int(&json, "walBytes", stats->wal_bytes);
    json_put_bool(&json, "unfinished", stats->unfinished != 0);
    json_close(&json, '}');
    text_printf(out, "\n");
}

static int print_stats(const arc_store_job *job, int as_json)
{
    arc_store_stats stats = ARC_STORE_STATS_INIT;
    struct text out = {NULL, 0, 0};
    arc_err err = ARC_ERR_INIT;
    if (arc_store_stats_get(job, &stats, &err) != ARC_OK)
        return cli_fail("%s", err.message);
    if (as_json)
        put_stats_json(&out, job, &stats);
    else
        put_stats(&out, job, &stats);
    fputs(text_get(&out), stdout);
    text_deinit(&out);
    return EXIT_OK;
}

int cmd_store_stats(const struct command *command, int argc, char **argv)
{
    struct arg_list rest = {NULL, 0, NULL};
    const char *store = NULL;
    arc_store_tool *tool = NULL;
    arc_store_job *job = NULL;
    arc_err err = ARC_ERR_INIT;
    int as_json = 0, exit_code = 0;
    const struct arg table[] = {
        STORE_ARG(&store),
        {"json", 0, ARG_SWITCH, NULL, NULL, "One JSON object.", &as_json, 0, 0},
    };
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &rest, 0, 0,
                  &exit_code) == 0 &&
        (exit_code = store_open(store != NULL ? store : STORE_DEFAULT, ARC_STORE_BESIDE, &tool)) ==
            0) {
        if (arc_store_stats_open(tool, &job, &err) != ARC_OK)
            exit_code = cli_fail("%s", err.message);
        else if ((exit_code = store_work(job)) == EXIT_OK)
            exit_code = print_stats(job, as_json);
    }
    arc_store_job_close(job);
    arc_store_close(tool);
    arg_list_deinit(&rest);
    return exit_code;
}
