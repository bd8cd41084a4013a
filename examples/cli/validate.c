/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra validate: every finding of every file. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "cli/term.h"
#include "common/json.h"
#include "common/mem.h"

enum form { FORM_HUMAN, FORM_JSON, FORM_SARIF, FORM_GITHUB };
static const char *const forms[] = {"human", "json", "sarif", "github"};
#define FORMS "human|json|sarif|github"

struct checking {
    enum form form;
    int quiet;
    struct arg_list dirs;
    struct term term;
    struct text json_text;
    struct json_out json;
    arc_diags **kept; /* for what is printed as one: SARIF */
    uint32_t kept_count;
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

static void show_json(struct checking *checking, const char *name, const arc_spec *spec, int valid,
                      const char *text, const arc_err *err)
{
    struct json_out *json = &checking->json;
    json_open(json, NULL, '{');
    json_put_text(json, "file", name);
    json_put_bool(json, "valid", valid);
    json_put_uint(json, "jobsCount", spec != NULL ? arc_spec_get_job_count(spec) : 0);
    if (spec == NULL && text == NULL)
        json_put_text(json, "message", err->message);
    json_put_raw(json, "diagnostics", text != NULL ? text : "[]");
    json_close(json, '}');
}

static void show_text(const struct checking *checking, const char *name, const arc_spec *spec,
                      const char *text, const arc_err *err)
{
    fputs(text != NULL ? text : "", stdout);
    if (spec == NULL && text == NULL)
        printf("%s: %s\n", name, err->message);
    if (spec != NULL && !checking->quiet && checking->form == FORM_HUMAN)
        printf("%s: valid, %u %s.\n", name, arc_spec_get_job_count(spec),
               arc_spec_get_job_count(spec) == 1 ? "job" : "jobs");
}

/* Takes diags, which may be NULL. */
static void show(struct checking *checking, const char *name, const arc_spec *spec, int valid,
                 arc_diags *diags, const arc_err *err)
{
    const uint32_t flags[] = {
        ARC_DIAGS_EXCERPT | (checking->term.colour ? ARC_DIAGS_COLOUR : 0),
        ARC_DIAGS_JSON,
        ARC_DIAGS_SARIF,
        ARC_DIAGS_GITHUB,
    };
    char *text = NULL;
    if (checking->form == FORM_SARIF && diags != NULL) {
        checking->kept = mem_grow(checking->kept, (checking->kept_count + 1) * sizeof(diags));
        checking->kept[checking->kept_count++] = diags;
        return;
    }
    if (diags != NULL && arc_diags_copy_text(diags, flags[checking->form], &text, NULL) != ARC_OK)
        text = NULL;
    if (checking->form == FORM_JSON)
        show_json(checking, name, spec, valid, text, err);
    else if (checking->form == FORM_SARIF)
        cli_fail("%s: %s", name, err->message);
    else
        show_text(checking, name, spec, text, err);
    arc_text_free(text);
    arc_diags_free(diags);
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
        size_t errors = checking->errors;
        int valid = cli_check(&text, path, &checking->dirs, &spec, &diags, &err) == ARC_OK;
        if (diags != NULL)
            count(checking, diags);
        /* A template is no pipeline, and nothing may be wrong with it all the same. */
        valid |= arc_diags_get_count(diags) > 0 && checking->errors == errors;
        failed = valid ? EXIT_OK : EXIT_FAILED;
        show(checking, name, spec, valid, diags, &err);
    }
    arc_spec_unref(spec);
    text_deinit(&text);
    return failed;
}

/* What is said once, behind all files. */
static int finish(struct checking *checking)
{
    arc_err err = ARC_ERR_INIT;
    char *text = NULL;
    int failed = 0;
    json_close(&checking->json, ']');
    if (checking->form == FORM_JSON)
        puts(checking->json_text.ptr);
    else if (checking->form == FORM_HUMAN && checking->errors + checking->warnings > 0)
        printf("%zu %s, %zu %s.\n", checking->errors, checking->errors == 1 ? "error" : "errors",
               checking->warnings, checking->warnings == 1 ? "warning" : "warnings");
    if (checking->form == FORM_SARIF) {
        if (arc_diags_copy_report((const arc_diags *const *)checking->kept, checking->kept_count,
                                  ARC_DIAGS_SARIF, &text, &err) == ARC_OK)
            puts(text);
        else
            failed = cli_fail("The report cannot be made: %s", err.message);
    }
    arc_text_free(text);
    for (uint32_t i = 0; i < checking->kept_count; i++)
        arc_diags_free(checking->kept[i]);
    mem_free(checking->kept);
    text_deinit(&checking->json_text);
    return failed;
}

static int find_form(const char *name, enum form *out)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (strcmp(name, forms[i]) == 0) {
            *out = (enum form)i;
            return 0;
        }
    }
    cli_fail("--format is one of " FORMS ", not `%s`.", name);
    return EXIT_USAGE;
}

int cmd_validate(const struct command *command, int argc, char **argv)
{
    struct checking checking = {.form = FORM_HUMAN};
    const char *format = "human";
    int json = 0, exit_code = 0;
    struct arg_list files = {NULL, 0, NULL};
    const struct arg table[] = {
        {"format", 'f', ARG_TEXT, NULL, FORMS, "How the findings are printed (human).", &format, 0,
         0},
        {"json", 0, ARG_SWITCH, NULL, NULL, "The same as --format json.", &json, 0, 0},
        {"quiet", 'q', ARG_SWITCH, NULL, NULL, "Say nothing of files without findings.",
         &checking.quiet, 0, 0},
        CLI_INCLUDE_DIR(&checking.dirs),
    };
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &files, 1, SIZE_MAX,
                  &exit_code) != 0) {
        arg_list_deinit(&files);
        arg_list_deinit(&checking.dirs);
        return exit_code;
    }
    exit_code = find_form(json ? "json" : format, &checking.form);
    if (exit_code == 0) {
        term_init(&checking.term, stdout);
        checking.json = (struct json_out){&checking.json_text, 0};
        json_open(&checking.json, NULL, '[');
        for (size_t i = 0; i < files.count; i++) {
            int here = check(&checking, files.items[i]);
            exit_code = here > exit_code ? here : exit_code;
        }
        int failed = finish(&checking);
        exit_code = failed > exit_code ? failed : exit_code;
    }
    arg_list_deinit(&files);
    arg_list_deinit(&checking.dirs);
    return exit_code;
}
