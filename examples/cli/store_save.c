/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra store backup and restore. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/store.h"
#include "common/json.h"

/* What is asked for of either. */
struct saving {
    const char *from, *to;
    int restores, force, findings, as_json;
};

/* A database has tools of its own, which do it while servers run. */
static void show_tools(int restores)
{
    fputs(restores ? "  pg_restore -h HOST -U USER --exit-on-error -d DATABASE FILE\n"
                     "  psql -h HOST -U USER -d DATABASE -c \"UPDATE t_counter SET value = value + "
                     "4294967296 WHERE name = 'fence'\"\n"
                   : "  pg_dump -h HOST -U USER -Fc -f FILE DATABASE\n",
          stderr);
    fputs("Their password stands in the file that PGPASSFILE names, of mode 0600, as "
          "HOST:PORT:DATABASE:USER:PASSWORD; not on a command line, which everybody sees.\n",
          stderr);
}

static int fail_open(const struct saving *what, const arc_err *err)
{
    int usage = err->status == ARC_EINVAL || err->status == ARC_ENOTFOUND ||
                err->status == ARC_ECONFLICT || err->status == ARC_EUNIMPLEMENTED;
    const char *hint = err->status == ARC_EEXISTS     ? " (--force puts it in its place.)"
                       : err->status == ARC_ECONFLICT ? " Stop the server first."
                                                      : "";
    struct text shown = {NULL, 0, 0};
    text_put_url(&shown, what->restores ? what->to : what->from);
    cli_fail("%s: %s%s", text_get(&shown), err->message, hint);
    text_deinit(&shown);
    if (err->status == ARC_EUNIMPLEMENTED)
        show_tools(what->restores);
    return usage ? EXIT_USAGE : EXIT_FAILED;
}

static void print_json(const struct saving *what, const arc_store_saved *saved)
{
    struct text out = {NULL, 0, 0};
    struct json_out json = {&out, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "file", what->restores ? what->from : what->to);
    json_put_uint(&json, "pages", saved->pages);
    json_put_uint(&json, "bytes", saved->bytes);
    json_put_bool(&json, "beside", saved->beside != 0);
    if (what->restores) {
        json_put_uint(&json, "runs", saved->runs);
        json_put_uint(&json, "events", saved->events);
        json_put_uint(&json, "findings", saved->findings);
        json_put_uint(&json, "lost", saved->lost);
    }
    json_close(&json, '}');
    printf("%s\n", text_get(&out));
    text_deinit(&out);
}

static void print_text(const struct saving *what, const arc_store_saved *saved)
{
    struct text out = {NULL, 0, 0}, shown = {NULL, 0, 0};
    store_put_bytes(&out, (int64_t)saved->bytes);
    text_put_url(&shown, what->restores ? what->to : what->from);
    if (what->restores)
        printf("%s is %s again: %s, %" PRIu64 " runs with %" PRIu64 " events.\n", text_get(&shown),
               what->from, text_get(&out), saved->runs, saved->events);
    else
        printf("%s holds %s: %s, every page checked. Step logs are not in it.\n", what->to,
               text_get(&shown), text_get(&out));
    if (saved->findings > 0)
        printf("%" PRIu64 " findings, of which `arcentra store check --rebuild` puts right %" PRIu64
               ".\n",
               saved->findings, saved->findings - saved->lost);
    text_deinit(&shown);
    text_deinit(&out);
}

static int save(const struct saving *what)
{
    arc_store_backup_options options = ARC_STORE_BACKUP_OPTIONS_INIT;
    arc_store_saved saved = ARC_STORE_SAVED_INIT;
    arc_store_job *job = NULL;
    arc_err err = ARC_ERR_INIT;
    options.store_url = what->restores ? what->to : what->from;
    options.path = what->restores ? what->from : what->to;
    options.flags = (what->force ? ARC_STORE_BACKUP_REPLACE : 0u) |
                    (what->findings ? ARC_STORE_BACKUP_FINDINGS : 0u);
    arc_status status = what->restores ? arc_store_restore_open(&options, &job, &err)
                                       : arc_store_backup_open(&options, &job, &err);
    if (status != ARC_OK)
        return fail_open(what, &err);
    int exit_code = store_work(job);
    status = arc_store_saved_get(job, &saved, &err);
    arc_store_job_close(job);
    if (exit_code != EXIT_OK && saved.lost > 0)
        fputs("arcentra: nothing was put back; --with-findings does it all the same.\n", stderr);
    if (exit_code != EXIT_OK || status != ARC_OK)
        return exit_code;
    if (what->as_json)
        print_json(what, &saved);
    else
        print_text(what, &saved);
    return EXIT_OK;
}

/* count: how many rows of the table it has. */
static int run(struct saving *what, const struct command *command, const struct arg *table,
               size_t count, int argc, char **argv)
{
    struct arg_list rest = {NULL, 0, NULL};
    int exit_code = 0;
    if (cli_parse(command, table, count, argc, argv, &rest, 0, 0, &exit_code) == 0) {
        if (what->from == NULL || what->to == NULL) {
            cli_fail("`%s` needs --from and --to.", command->name);
            exit_code = EXIT_USAGE;
        } else {
            exit_code = save(what);
        }
    }
    arg_list_deinit(&rest);
    return exit_code;
}

int cmd_store_backup(const struct command *command, int argc, char **argv)
{
    struct saving what = {.restores = 0};
    const struct arg table[] = {
        {"from", 0, ARG_TEXT, NULL, "URL", "The store: sqlite:PATH.", &what.from, 0, 0},
        {"to", 0, ARG_TEXT, NULL, "FILE", "The file that is made.", &what.to, 0, 0},
        {"force", 0, ARG_SWITCH, NULL, NULL, "In the place of a backup that is there.", &what.force,
         0, 0},
        {"json", 0, ARG_SWITCH, NULL, NULL, "One JSON object.", &what.as_json, 0, 0},
    };
    return run(&what, command, table, sizeof(table) / sizeof(table[0]), argc, argv);
}

int cmd_store_restore(const struct command *command, int argc, char **argv)
{
    struct saving what = {.restores = 1};
    const struct arg table[] = {
        {"from", 0, ARG_TEXT, NULL, "FILE", "The backup.", &what.from, 0, 0},
        {"to", 0, ARG_TEXT, NULL, "URL", "The store: sqlite:PATH.", &what.to, 0, 0},
        {"force", 0, ARG_SWITCH, NULL, NULL, "In the place of a store that is there.", &what.force,
         0, 0},
        {"with-findings", 0, ARG_SWITCH, NULL, NULL,
         "Also where events are missing or cannot be read.", &what.findings, 0, 0},
        {"json", 0, ARG_SWITCH, NULL, NULL, "One JSON object.", &what.as_json, 0, 0},
    };
    return run(&what, command, table, sizeof(table) / sizeof(table[0]), argc, argv);
}
