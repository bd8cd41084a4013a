/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra fmt: definitions laid out anew. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "common/diff.h"
#include "common/tree.h"

struct formatting {
    int check, diff, write, quiet;
};

/* Shows what would change, or only where. */
static void tell(const struct formatting *formatting, const char *path, const struct text *text,
                 const char *laid)
{
    const char *name = cli_name(path);
    struct text after = {NULL, 0, 0}, shown = {NULL, 0, 0};
    if (!formatting->diff) {
        printf("%s\n", name);
        return;
    }
    text_put(&after, laid);
    diff_unified(text, &after, name, name, &shown);
    fputs(text_get(&shown), stdout);
    text_deinit(&after);
    text_deinit(&shown);
}

/* What becomes of a text that differs from the file, or not. The exit code of one file. */
static int deliver(const struct formatting *formatting, const char *path, const struct text *text,
                   const char *laid)
{
    size_t len = strlen(laid);
    int same = len == text->len && memcmp(laid, text_get(text), len) == 0;
    if (formatting->check || formatting->diff) {
        if (!same)
            tell(formatting, path, text, laid);
        return same ? EXIT_OK : EXIT_FAILED;
    }
    if (!formatting->write) {
        fwrite(laid, 1, len, stdout);
        return EXIT_OK;
    }
    if (same)
        return EXIT_OK;
    int failed = tree_replace(path, laid, len);
    if (failed != 0) {
        cli_fail("%s cannot be written: %s.", path, strerror(failed));
        return EXIT_USAGE;
    }
    if (!formatting->quiet)
        printf("%s\n", path);
    return EXIT_OK;
}

static int format_file(const struct formatting *formatting, const char *path)
{
    struct text text = {NULL, 0, 0};
    arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
    arc_diags *diags = NULL;
    arc_err err = ARC_ERR_INIT;
    char *laid = NULL;
    int exit_code = cli_read_file(path, &text);
    options.file = cli_name(path);
    if (exit_code == 0) {
        arc_status status =
            arc_spec_format(text_get(&text), text.len, &options, &laid, &diags, &err);
        cli_show_findings(path, status, diags, &err);
        exit_code = status == ARC_OK ? deliver(formatting, path, &text, laid) : EXIT_USAGE;
    }
    arc_text_free(laid);
    arc_diags_free(diags);
    text_deinit(&text);
    return exit_code;
}

int cmd_fmt(const struct command *command, int argc, char **argv)
{
    struct formatting formatting = {0, 0, 0, 0};
    struct arg_list files = {NULL, 0, NULL};
    int exit_code = 0;
    const struct arg table[] = {
        {"check", 'c', ARG_SWITCH, NULL, NULL, "Write nothing; name the files that would change.",
         &formatting.check, 0, 0},
        {"diff", 'd', ARG_SWITCH, NULL, NULL,
         "Write nothing; show what would change, like diff -u.", &formatting.diff, 0, 0},
        {"write", 'w', ARG_SWITCH, NULL, NULL, "Write into the files, and name those that change.",
         &formatting.write, 0, 0},
        {"quiet", 'q', ARG_SWITCH, NULL, NULL, "With -w, name no files.", &formatting.quiet, 0, 0},
    };
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &files, 1, SIZE_MAX,
                  &exit_code) != 0) {
        arg_list_deinit(&files);
        return exit_code;
    }
    for (size_t i = 0; i < files.count && exit_code == 0; i++) {
        if (formatting.write && !formatting.check && !formatting.diff &&
            strcmp(files.items[i], "-") == 0) {
            cli_fail("-w writes into files; the standard input is none.");
            exit_code = EXIT_USAGE;
        }
    }
    for (size_t i = 0; i < files.count && exit_code != EXIT_USAGE; i++) {
        int here = format_file(&formatting, files.items[i]);
        exit_code = here > exit_code ? here : exit_code;
    }
    arg_list_deinit(&files);
    return exit_code;
}
