/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra validate: every finding of every file. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "cli/term.h"
#include "common/json.h"

struct checking {
    const char *format;
    int quiet;
    struct term term;
    struct text json_text;
    struct json_out json;
    size_t errors, warnings;
};

static void count(struct checking *checking, const arc_diags *diags)
{
    for (uint32_t i = 0; i < arc_diags_get_count(diags); i++) {
        arc_diag_view view = ARC_DIAG_VIEW_INIT;
        if (arc_diags_get(diags, i, &view) != ARC_OK)
            continue;
        if (view.severity == ARC_DIAG_ERROR)
            checking->errors++;
        else
            checking->warnings++;
    }
}

static void show(struct checking *checking, const char *name, const arc_spec *spec,
                 const arc_diags *diags, const arc_err *err)
{
    int is_json = strcmp(checking->format, "json") == 0;
    uint32_t flags = is_json ? ARC_DIAGS_JSON
                             : ARC_DIAGS_EXCERPT | (checking->term.colour ? ARC_DIAGS_COLOUR : 0);
    char *text = NULL;
    if (diags != NULL && arc_diags_copy_text(diags, flags, &text, NULL) != ARC_OK)
        text = NULL;
    if (is_json) {
        struct json_out *json = &checking->json;
        json_open(json, NULL, '{');
        json_put_text(json, "file", name);
        json_put_bool(json, "valid", spec != NULL);
        json_put_uint(json, "jobsCount", spec != NULL ? arc_spec_get_job_count(spec) : 0);
        if (spec == NULL && text == NULL)
            json_put_text(json, "message", err->message);
        json_put_raw(json, "diagnostics", text != NULL ? text : "[]");
        json_close(json, '}');
    } else {
        fputs(text != NULL ? text : "", stdout);
        if (spec == NULL && text == NULL)
            printf("%s: %s\n", name, err->message);
        if (spec != NULL && !checking->quiet)
            printf("%s: valid, %u %s.\n", name, arc_spec_get_job_count(spec),
                   arc_spec_get_job_count(spec) == 1 ? "job" : "jobs");
    }
    arc_text_free(text);
}

/* The exit code of one file. */
static int check(struct checking *checking, const char *path)
{
    struct text text = {NULL, 0, 0};
    arc_spec *spec = NULL;
    arc_diags *diags = NULL;
    arc_err err = ARC_ERR_INIT;
    int failed = cli_read_file(path, &text);
    if (failed == 0) {
        const char *name = strcmp(path, "-") == 0 ? "(stdin)" : path;
        if (arc_spec_parse(text_get(&text), text.len, ARC_FORMAT_ANY, name, &spec, &diags, &err) !=
            ARC_OK)
            failed = EXIT_FAILED;
        if (diags != NULL)
            count(checking, diags);
        show(checking, name, spec, diags, &err);
    }
    arc_diags_free(diags);
    arc_spec_unref(spec);
    text_deinit(&text);
    return failed;
}

int cmd_validate(const struct command *command, int argc, char **argv)
{
    struct checking checking = {.format = "human"};
    int json = 0, exit_code = 0;
    struct arg_list files = {NULL, 0, NULL};
    const struct arg table[] = {
        {"format", 'f', ARG_TEXT, NULL, "human|json", "How the findings are printed (human).",
         &checking.format, 0, 0},
        {"json", 0, ARG_SWITCH, NULL, NULL, "The same as --format json.", &json, 0, 0},
        {"quiet", 'q', ARG_SWITCH, NULL, NULL, "Say nothing of files without findings.",
         &checking.quiet, 0, 0},
    };
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &files, 1, SIZE_MAX,
                  &exit_code) != 0) {
        arg_list_deinit(&files);
        return exit_code;
    }
    if (json)
        checking.format = "json";
    if (strcmp(checking.format, "human") != 0 && strcmp(checking.format, "json") != 0) {
        cli_fail("--format is human or json, not `%s`.", checking.format);
        arg_list_deinit(&files);
        return EXIT_USAGE;
    }
    term_init(&checking.term, stdout);
    checking.json = (struct json_out){&checking.json_text, 0};
    json_open(&checking.json, NULL, '[');
    for (size_t i = 0; i < files.count; i++) {
        int here = check(&checking, files.items[i]);
        exit_code = here > exit_code ? here : exit_code;
    }
    json_close(&checking.json, ']');
    if (strcmp(checking.format, "json") == 0)
        puts(checking.json_text.ptr);
    else if (checking.errors + checking.warnings > 0)
        printf("%zu %s, %zu %s.\n", checking.errors, checking.errors == 1 ? "error" : "errors",
               checking.warnings, checking.warnings == 1 ? "warning" : "warnings");
    text_deinit(&checking.json_text);
    arg_list_deinit(&files);
    return exit_code;
}
