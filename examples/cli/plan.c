/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra plan: what a run of a definition would hold. */
#include "cli/cli.h"

#include <arcentra/plan.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"

struct planning {
    uint32_t form;
    const char *inputs_file, *agents_file;
    const char *type;
    struct starts starts;
    struct arg_list variables, dirs;
    struct text inputs, agents;
};

static void put_given(struct json_out *json, const char *key, const char *value)
{
    if (value != NULL)
        json_put_text(json, key, value);
}

int cli_read_inputs(const char *type, struct starts *starts, const struct arg_list *variables,
                    struct text *out)
{
    struct json_out json = {out, 0};
    struct pairs pairs;
    if (cli_read_payload(starts) != 0)
        return EXIT_USAGE;
    int exit_code = cli_read_pairs(variables, "--var", &pairs);
    json_open(&json, NULL, '{');
    json_open(&json, "trigger", '{');
    put_given(&json, "type", type);
    put_given(&json, "ref", starts->ref);
    put_given(&json, "branch", starts->branch);
    put_given(&json, "tag", starts->tag);
    put_given(&json, "sha", starts->sha);
    put_given(&json, "event", starts->event);
    put_given(&json, "actor", starts->actor);
    if (starts->payload_file != NULL)
        json_put_raw(&json, "payload", text_get(&starts->payload));
    json_close(&json, '}');
    json_open(&json, "variables", '{');
    for (size_t i = 0; i < pairs.count; i++)
        json_put_text(&json, pairs.items[i].key, pairs.items[i].value);
    json_close(&json, '}');
    json_close(&json, '}');
    cli_free_pairs(&pairs);
    return exit_code;
}

static int read_inputs(struct planning *planning)
{
    const struct starts *starts = &planning->starts;
    int flags = planning->type != NULL || starts->ref != NULL || starts->branch != NULL ||
                starts->tag != NULL || starts->sha != NULL || starts->event != NULL ||
                starts->actor != NULL || starts->payload_file != NULL ||
                planning->variables.count > 0;
    if (planning->agents_file != NULL &&
        cli_read_file(planning->agents_file, &planning->agents) != 0)
        return EXIT_USAGE;
    if (planning->inputs_file == NULL)
        return cli_read_inputs(planning->type, &planning->starts, &planning->variables,
                               &planning->inputs);
    if (flags) {
        cli_fail("--inputs says all of it: give it alone, or only flags like --var and --ref.");
        return EXIT_USAGE;
    }
    return cli_read_file(planning->inputs_file, &planning->inputs);
}

/* What is wrong with the words is not the definition's fault. */
static int is_usage(const arc_err *err)
{
    static const char *const words[] = {"inputs",   "agents",    "an agent", "trigger", "git",
                                        "pipeline", "variables", "labels",   "payload"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(err->subject, words[i]) == 0)
            return 1;
    }
    return 0;
}

/* The exit code of one file. */
static int plan(const struct planning *planning, const char *path)
{
    struct text text = {NULL, 0, 0};
    arc_plan_options options = ARC_PLAN_OPTIONS_INIT;
    arc_spec *spec = NULL;
    arc_plan *made = NULL;
    arc_diags *diags = NULL;
    arc_err err = ARC_ERR_INIT;
    char *out = NULL;
    if (cli_read_file(path, &text) != 0) {
        text_deinit(&text);
        return EXIT_USAGE;
    }
    arc_status status = cli_check(&text, path, &planning->dirs, &spec, &diags, &err);
    cli_show_findings(path, status, diags, &err);
    arc_diags_free(diags);
    diags = NULL;
    int exit_code = status == ARC_OK ? EXIT_OK : EXIT_FAILED;
    if (status == ARC_OK) {
        options.inputs_json = text_get(&planning->inputs);
        options.inputs_len = planning->inputs.len;
        if (planning->agents_file != NULL) {
            options.agents_json = text_get(&planning->agents);
            options.agents_len = planning->agents.len;
        }
        status = arc_plan_build(spec, &options, &made, &diags, &err);
        if (status == ARC_OK)
            status = arc_plan_copy_text(made, planning->form, &out, &err);
        if (status == ARC_OK) {
            fputs(out, stdout);
        } else if (arc_diags_get_count(diags) > 0) {
            cli_show_findings(path, status, diags, &err);
            exit_code = EXIT_FAILED;
        } else {
            cli_fail("%s", err.message);
            exit_code = is_usage(&err) ? EXIT_USAGE : EXIT_FAILED;
        }
    }
    arc_text_free(out);
    arc_diags_free(diags);
    arc_plan_unref(made);
    arc_spec_unref(spec);
    text_deinit(&text);
    return exit_code;
}

static uint32_t form_of(const char *name)
{
    static const char *const names[] = {"", "tree", "json", "dot", "mermaid"};
    for (uint32_t i = ARC_PLAN_TREE; i <= ARC_PLAN_MERMAID; i++) {
        if (strcmp(name, names[i]) == 0)
            return i;
    }
    cli_fail("--format is tree, json, dot or mermaid, not `%s`.", name);
    return 0;
}

int cmd_plan(const struct command *command, int argc, char **argv)
{
    struct planning planning = {0};
    struct arg_list files = {NULL, 0, NULL};
    const char *format = "tree";
    int exit_code = 0;
    const struct arg table[] = {
        {"format", 'f', ARG_TEXT, NULL, "tree|json|dot|mermaid", "How the plan is printed (tree).",
         &format, 0, 0},
        {"var", 'v', ARG_LIST, NULL, "NAME=TEXT", "A variable; may come again.",
         &planning.variables, 0, 0},
        {"type", 0, ARG_TEXT, NULL, "WORD", "What starts the run (manual).", &planning.type, 0, 0},
        CLI_STARTS(&planning.starts),
        {"inputs", 'i', ARG_TEXT, NULL, "FILE", "All of that as JSON, in place of the flags.",
         &planning.inputs_file, 0, 0},
        {"agents", 'a', ARG_TEXT, NULL, "FILE",
         "A JSON list of {id, name, labels}: who could take each job.", &planning.agents_file, 0,
         0},
        CLI_INCLUDE_DIR(&planning.dirs),
    };
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &files, 1, SIZE_MAX,
                  &exit_code) == 0) {
        planning.form = form_of(format);
        exit_code = planning.form == 0 ? EXIT_USAGE : read_inputs(&planning);
        for (size_t i = 0; exit_code != EXIT_USAGE && i < files.count; i++) {
            int here = plan(&planning, files.items[i]);
            exit_code = here > exit_code ? here : exit_code;
        }
    }
    text_deinit(&planning.inputs);
    text_deinit(&planning.starts.payload);
    text_deinit(&planning.agents);
    arg_list_deinit(&planning.variables);
    arg_list_deinit(&planning.dirs);
    arg_list_deinit(&files);
    return exit_code;
}
