/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra fsck, export, import: what can be done with a store while no server has it. */
#include "cli/eventlog.h"

#include <arcentra/states.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/term.h"
#include "common/json.h"

int eventlog_open(const char *store, arc_runlog **out)
{
    arc_runlog_options options = ARC_RUNLOG_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    options.store_url = store;
    if (arc_runlog_open(&options, out, &err) == ARC_OK)
        return 0;
    if (err.status == ARC_ECONFLICT)
        cli_fail("%s Stop the server first.", err.message);
    else
        cli_fail("%s", err.message);
    return EXIT_USAGE;
}

/* --- fsck ------------------------------------------------------------------------------------ */

static void print_finding(const arc_finding *finding)
{
    struct text line = {NULL, 0, 0};
    text_printf(&line, "%s%s", finding->kind, finding->fixed ? " (put right)" : "");
    if (finding->stream[0] != '\0')
        text_printf(&line, "  %s", finding->stream);
    if (finding->seq != 0)
        text_printf(&line, " event %" PRId64, finding->seq);
    if (finding->row[0] != '\0')
        text_printf(&line, "  %s %s", finding->table, finding->row);
    if (finding->column[0] != '\0')
        text_printf(&line, " %s", finding->column);
    text_printf(&line, ": %s", finding->text);
    if (strcmp(finding->kind, "value") == 0 || strcmp(finding->kind, "damage") == 0)
        text_printf(&line, " It is \"%s\", not \"%s\".", finding->stored, finding->expected);
    printf("%s\n", text_get(&line));
    text_deinit(&line);
}

static void print_finding_json(const arc_finding *finding)
{
    struct text line = {NULL, 0, 0};
    struct json_out json = {&line, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "kind", finding->kind);
    json_put_bool(&json, "fixed", finding->fixed != 0);
    json_put_text(&json, "stream", finding->stream);
    json_put_int(&json, "seq", finding->seq);
    json_put_text(&json, "table", finding->table);
    json_put_text(&json, "row", finding->row);
    json_put_text(&json, "column", finding->column);
    json_put_text(&json, "stored", finding->stored);
    json_put_text(&json, "expected", finding->expected);
    json_put_text(&json, "text", finding->text);
    json_close(&json, '}');
    printf("%s\n", text_get(&line));
    text_deinit(&line);
}

static void print_report(const arc_check_report *report, int as_json)
{
    if (as_json) {
        printf("{\"runs\":%" PRIu64 ",\"events\":%" PRIu64 ",\"rows\":%" PRIu64
               ",\"damaged\":%" PRIu64 ",\"findings\":%" PRIu64 ",\"fixed\":%" PRIu64 "}\n",
               report->runs, report->events, report->rows, report->damaged, report->findings,
               report->fixed);
        return;
    }
    printf("%" PRIu64 " runs with %" PRIu64 " events and %" PRIu64 " rows: ", report->runs,
           report->events, report->rows);
    if (report->findings == 0)
        printf("clean.\n");
    else
        printf("%" PRIu64 " findings, %" PRIu64 " put right; %" PRIu64 " runs are damaged.\n",
               report->findings, report->fixed, report->damaged);
}

/* 1 when something is wrong that was not put right. */
static int check(arc_runlog *log, int rebuild, int as_json)
{
    arc_check *check = NULL;
    arc_finding finding = ARC_FINDING_INIT;
    arc_check_report report = ARC_CHECK_REPORT_INIT;
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc_check_open(log, rebuild ? ARC_CHECK_REBUILD : 0, &check, &err);
    while (status == ARC_OK && (status = arc_check_next(check, &finding, &err)) == ARC_OK) {
        if (as_json)
            print_finding_json(&finding);
        else
            print_finding(&finding);
    }
    if (check != NULL)
        arc_check_get_report(check, &report);
    arc_check_close(check);
    if (status != ARC_EDONE) {
        cli_fail("%s", err.message);
        return EXIT_USAGE;
    }
    print_report(&report, as_json);
    return report.findings > (rebuild ? report.fixed : 0) ? EXIT_FAILED : EXIT_OK;
}

int cmd_fsck(const struct command *command, int argc, char **argv)
{
    struct arg_list rest = {NULL, 0, NULL};
    const char *store = NULL, *format = "human";
    arc_runlog *log = NULL;
    int rebuild = 0, json = 0, exit_code = 0;
    const struct arg table[] = {
        STORE_ARG(&store),
        {"rebuild", 0, ARG_SWITCH, NULL, NULL, "Put right what follows from the events.", &rebuild,
         0, 0},
        {"format", 0, ARG_TEXT, NULL, "WORD", "human, or json: a line for each finding.", &format,
         0, 0},
        {"json", 0, ARG_SWITCH, NULL, NULL, "The same as --format json.", &json, 0, 0},
    };
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &rest, 0, 0,
                  &exit_code) == 0) {
        int as_json = json || strcmp(format, "json") == 0;
        if (!as_json && strcmp(format, "human") != 0) {
            cli_fail("--format is human or json, not `%s`.", format);
            exit_code = EXIT_USAGE;
        } else {
            exit_code = eventlog_open(store != NULL ? store : STORE_DEFAULT, &log);
            if (exit_code == 0)
                exit_code = check(log, rebuild, as_json);
        }
    }
    arc_runlog_close(log);
    arg_list_deinit(&rest);
    return exit_code;
}

/* --- export ---------------------------------------------------------------------------------- */

static int write_run(arc_runlog *log, const char *run_id, FILE *out)
{
    arc_export *ex = NULL;
    arc_slice line = {NULL, 0};
    arc_err err = ARC_ERR_INIT;
    int written = 1;
    arc_status status = arc_export_open(log, run_id, &ex, &err);
    while (status == ARC_OK && written && (status = arc_export_next(ex, &line, &err)) == ARC_OK)
        written = fwrite(line.ptr, 1, line.len, out) == line.len;
    arc_export_close(ex);
    if (!written || fflush(out) != 0)
        return cli_fail("The file cannot be written: %s.", strerror(errno));
    return status == ARC_EDONE ? EXIT_OK : cli_fail("%s", err.message);
}

int cmd_export(const struct command *command, int argc, char **argv)
{
    struct arg_list rest = {NULL, 0, NULL};
    const char *store = NULL, *path = NULL;
    arc_runlog *log = NULL;
    int exit_code = 0;
    const struct arg table[] = {
        STORE_ARG(&store),
        {"output", 'o', ARG_TEXT, NULL, "FILE", "Where to (the standard output).", &path, 0, 0},
    };
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &rest, 1, 1,
                  &exit_code) == 0 &&
        (exit_code = eventlog_open(store != NULL ? store : STORE_DEFAULT, &log)) == 0) {
        FILE *out = path != NULL ? fopen(path, "we") : stdout;
        if (out == NULL) {
            cli_fail("%s cannot be written: %s.", path, strerror(errno));
            exit_code = EXIT_USAGE;
        } else {
            exit_code = write_run(log, rest.items[0], out);
            if (path != NULL && fclose(out) != 0)
                exit_code = cli_fail("%s cannot be written: %s.", path, strerror(errno));
        }
    }
    arc_runlog_close(log);
    arg_list_deinit(&rest);
    return exit_code;
}

/* --- import ---------------------------------------------------------------------------------- */

static int say_import(const char *path, arc_status status, const arc_err *err,
                      const arc_import_report *report)
{
    if (status != ARC_OK) {
        if (err->line > 0)
            cli_fail("%s, line %u: %s", cli_name(path), err->line, err->message);
        else
            cli_fail("%s: %s", cli_name(path), err->message);
        return status == ARC_ECONFLICT ? EXIT_FAILED : EXIT_USAGE;
    }
    if (report->same) {
        printf("%s was here already, just so.\n", report->run_id);
        return EXIT_OK;
    }
    printf("%s was taken in, %s, with %" PRIu64 " events and %" PRIu64 " rows.%s\n", report->run_id,
           arc_run_state_name(report->status), report->events, report->rows,
           arc_run_state_is_terminal(report->status)
               ? ""
               : " It is a record: nothing makes it go on here.");
    return EXIT_OK;
}

static int read_run(arc_runlog *log, const char *path, int fd)
{
    char buf[8192];
    arc_import *im = NULL;
    arc_import_report report = ARC_IMPORT_REPORT_INIT;
    arc_err err = ARC_ERR_INIT;
    ssize_t got = 1;
    arc_status status = arc_import_open(log, &im, &err);
    while (status == ARC_OK && (got = read(fd, buf, sizeof(buf))) > 0)
        status = arc_import_feed(im, buf, (size_t)got, &err);
    if (got < 0) {
        cli_fail("%s cannot be read: %s.", path, strerror(errno));
        arc_import_close(im);
        return EXIT_USAGE;
    }
    if (status == ARC_OK)
        status = arc_import_finish(im, &report, &err);
    arc_import_close(im);
    return say_import(path, status, &err, &report);
}

int cmd_import(const struct command *command, int argc, char **argv)
{
    struct arg_list rest = {NULL, 0, NULL};
    const char *store = NULL;
    arc_runlog *log = NULL;
    int exit_code = 0;
    const struct arg table[] = {STORE_ARG(&store)};
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &rest, 1, 1,
                  &exit_code) == 0) {
        const char *path = rest.items[0];
        int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            cli_fail("%s cannot be read: %s.", path, strerror(errno));
            exit_code = EXIT_USAGE;
        } else if ((exit_code = eventlog_open(store != NULL ? store : STORE_DEFAULT, &log)) == 0) {
            exit_code = read_run(log, path, fd);
        }
        if (fd > STDIN_FILENO)
            (void)close(fd); /* it was only read */
    }
    arc_runlog_close(log);
    arg_list_deinit(&rest);
    return exit_code;
}
