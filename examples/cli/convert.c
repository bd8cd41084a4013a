/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra convert: a definition in its canonical form. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "common/templates.h"

static int convert(const char *path, uint32_t form, const struct arg_list *dirs)
{
    struct text text = {NULL, 0, 0};
    struct templates templates = {dirs, path};
    arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
    arc_diags *diags = NULL;
    arc_err err = ARC_ERR_INIT;
    char *out = NULL;
    options.file = cli_name(path);
    options.resolve = templates_find;
    options.user = &templates;
    int exit_code = cli_read_file(path, &text);
    if (exit_code == 0) {
        arc_status status =
            arc_spec_convert(text_get(&text), text.len, &options, form, &out, &diags, &err);
        cli_show_findings(path, status, diags, &err);
        if (status == ARC_OK)
            fputs(out, stdout);
        exit_code = status == ARC_OK ? EXIT_OK : EXIT_FAILED;
    }
    arc_text_free(out);
    arc_diags_free(diags);
    text_deinit(&text);
    return exit_code;
}

int cmd_convert(const struct command *command, int argc, char **argv)
{
    const char *to = "json";
    struct arg_list files = {NULL, 0, NULL}, dirs = {NULL, 0, NULL};
    int exit_code = 0;
    const struct arg table[] = {
        {"to", 't', ARG_TEXT, NULL, "json|yaml", "The form to print (json).", &to, 0, 0},
        CLI_INCLUDE_DIR(&dirs),
    };
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &files, 1, 1,
                  &exit_code) == 0) {
        uint32_t form = strcmp(to, "json") == 0                             ? ARC_FORM_JSON
                        : strcmp(to, "yaml") == 0 || strcmp(to, "yml") == 0 ? ARC_FORM_YAML
                                                                            : 0;
        if (form != 0) {
            exit_code = convert(files.items[0], form, &dirs);
        } else {
            cli_fail("--to is json or yaml, not `%s`.", to);
            exit_code = EXIT_USAGE;
        }
    }
    arg_list_deinit(&files);
    arg_list_deinit(&dirs);
    return exit_code;
}
