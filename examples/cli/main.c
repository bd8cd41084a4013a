/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <arcentra/run.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/term.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/templates.h"

/* A definition may be 1 MiB; the reader of it says so better than we could. */
#define FILE_BYTES_MAX (4u << 20)

static const char server_help[] =
    "The server is ARCENTRA_SERVER or --server (localhost:9090); the token is in\n"
    "ARCENTRA_TOKEN, or in the file that --token-file or ARCENTRA_TOKEN_FILE names.\n";

static const struct command commands[] = {
    {"validate", "validate [FLAG…] FILE…", "Check definitions; needs no server.",
     "Prints every finding with its place and the fix. `-` is the standard input. Of a template\n"
     "that is given by itself only its own keys and parameters are checked.\n"
     "Exit code 0: no errors, 1: errors, 2: a file cannot be read.\n",
     cmd_validate},
    {"fmt", "fmt [FLAG…] FILE…", "Lay definitions out anew; needs no server.",
     "Keys get their first spelling and their order, blocks an indentation of two; comments\n"
     "stay with what they stand beside. What is laid out means the same: it is read again\n"
     "and compared. Prints to the standard output, or writes with -w. `-` is the standard\n"
     "input. Exit code 0: done, 1: --check or --diff found a file, 2: a file cannot be\n"
     "read or laid out.\n",
     cmd_fmt},
    {"convert", "convert [FLAG…] FILE", "Print a definition as canonical JSON or YAML.",
     "Keys in camelCase and in order, without what equals its default, templates merged in.\n"
     "Comments are lost; it says how many. `-` is the standard input.\n"
     "Exit code 0: done, 1: findings, 2: a file cannot be read or a word is wrong.\n",
     cmd_convert},
    {"schema", "schema", "Print the JSON Schema of definitions, for editors and other tools.",
     "JSON Schema draft 2020-12. For the language server of YAML, put this above a definition:\n"
     "  # yaml-language-server: $schema=pipeline.schema.json\n",
     cmd_schema},
    {"plan", "plan [FLAG…] FILE…", "Show what a run would hold; needs no server.",
     "Stages, jobs with the cells of their matrices, steps, gates and groups, in the order in\n"
     "which they run, and which conditions are decided already and why. Nothing is run.\n"
     "`-` is the standard input. Exit code 0: planned, 1: findings, 2: a file or a word of the\n"
     "command line is wrong.\n",
     cmd_plan},
    {"eval", "eval [FLAG…] EXPRESSION", "Compute an expression of `when` or `${{ }}`.",
     "Written without `${{ }}`. Contexts that are not given are null, and now() is the time\n"
     "where --context has no \"now\"; its \"status\" is success, failed or cancelled. The value "
     "is\n"
     "printed as a template shows it, null as nothing. Put -- before an expression that begins\n"
     "with a minus. Exit code 0: a value, 1: findings or a fault, 2: a file or a word is wrong.\n",
     cmd_eval},
    {"run", "run [FLAG…] FILE", "Run a definition here, with the engine in this process.",
     "Steps run as processes of this machine, each job in a temporary workspace of its\n"
     "own, or all in --workdir. Offers: shell. Ctrl-C stops the run as a server would\n"
     "(TERM, a grace, KILL); a second one does not wait.\n"
     "Exit code 0: success, 1: failed or partial, 2: a wrong definition, 130: cancelled.\n",
     cmd_run},
    {"sim", "sim [FLAG…] FILE", "Live a definition a thousand times, under made-up time.",
     "The engine is the real one; the agents and the time are not. By chance steps take long\n"
     "or short, fail, or lose their agent, and gates are decided. Says how the lives ended, how\n"
     "long they took, what became of each job and which jobs never ran. The same seed is the\n"
     "same life: --seed N --trace shows it event by event.\n"
     "Exit code 0: every life ended, 1: one did not, or a promise was broken, 2: a wrong\n"
     "definition, or a job that no agent can take.\n",
     cmd_sim},
    {"lsp", "lsp", "Help an editor: the Language Server Protocol on the standard streams.",
     "Findings as one types, completion, hover, the definition of a job, a step or a\n"
     "variable, and the outline. Editors start it by themselves.\n",
     cmd_lsp},
    {"create", "create [FLAG…] FILE", "Make a pipeline on a server from a definition.", server_help,
     cmd_create},
    {"save", "save [FLAG…] PIPELINE_ID FILE", "Give a pipeline a new definition.", server_help,
     cmd_save},
    {"list", "list [FLAG…]", "The pipelines of a server.", server_help, cmd_list},
    {"trigger", "trigger [FLAG…] PIPELINE_ID", "Start a run.",
     "With --follow the exit code is the run's, as of `arcentra run`.\n", cmd_trigger},
    {"runs", "runs [FLAG…] PIPELINE_ID", "The runs of a pipeline.", server_help, cmd_runs},
    {"explain", "explain [FLAG…] [RUN_ID]", "Why a run does not run, and what would be.",
     "Every reason of the run, its jobs and its steps. With --agent: what an agent with these\n"
     "labels would be given; without RUN_ID of all that waits. With --end: when the run would\n"
     "end. Asking changes nothing.\n",
     cmd_explain},
    {"show", "show [FLAG…] RUN_ID", "One run: its jobs and steps, and why.",
     "With --at as it stood when its event N had just happened, made of its events alone; with\n"
     "--events what has happened, in order. With --store from the store of a server that does\n"
     "not run, where --json prints the same as from a server.\n",
     cmd_show},
    {"logs", "logs [FLAG…] STEP_RUN_ID | --run RUN_ID", "What a step, or a whole run, has said.",
     "With -f it goes on until the end.\n", cmd_logs},
    {"stop", "stop [FLAG…] PIPELINE_ID RUN_ID", "Stop a run.", server_help, cmd_stop},
    {"pause", "pause [FLAG…] PIPELINE_ID RUN_ID", "Let a run start nothing new.",
     "Steps that run go on; its clocks stand still, but not those of its gates.\n", cmd_pause},
    {"resume", "resume [FLAG…] PIPELINE_ID RUN_ID", "Let a paused run go on.", server_help,
     cmd_resume},
    {"cancel", "cancel [FLAG…] RUN_ID JOB [STEP]", "End one job, or one step of it.",
     "By their names, as `arcentra show` has them. The run goes on with what does not depend on\n"
     "it, and ends as cancelled.\n",
     cmd_cancel},
    {"rerun", "rerun [FLAG…] RUN_ID", "Run an ended run again.",
     "A new run of the same plan; prints its id. What does not run again keeps its result and\n"
     "its outputs. With --follow the exit code is the run's, as of `arcentra run`.\n",
     cmd_rerun},
    {"approvals", "approvals [FLAG…] [RUN_ID]", "What waits for approval.", server_help,
     cmd_approvals},
    {"approve", "approve [FLAG…] APPROVAL_ID", "Approve at a gate.", server_help, cmd_approve},
    {"reject", "reject [FLAG…] APPROVAL_ID", "Reject at a gate: its run fails.", server_help,
     cmd_reject},
    {"fsck", "fsck [FLAG…]", "Check the store of a server that does not run.",
     "Reads every event, folds every run, and compares the rows that lists and queries show with\n"
     "what the events make of them. --rebuild writes those rows anew, sets counters right, and\n"
     "lets quarantined runs go whose events fold; cut off, it can be begun again. Events are\n"
     "never changed. The store is sqlite:arcentra.db unless --store names another.\n"
     "Exit code 0: clean, or all was put right, 1: findings, 2: it cannot be opened or read.\n",
     cmd_fsck},
    {"export", "export [FLAG…] RUN_ID", "A run as one file, from the store of a stopped server.",
     "JSON lines: what it is, its definition, every event, and a digest over them.\n"
     "Exit code 0: written, 1: there is no such run, or it is damaged, 2: no store.\n",
     cmd_export},
    {"import", "import [FLAG…] FILE", "Take a run that was exported into another store.",
     "`-` is the standard input. All of it is stored, or nothing. The run is a record from then\n"
     "on: it is shown, and nothing makes it go on. The same file again changes nothing.\n"
     "Exit code 0: it is there, 1: another run has its id, 2: the file or the store is wrong.\n",
     cmd_import},
    {"store", "store VERB [FLAG…]",
     "Back up, restore, check, copy, count, migrate or prune a store.",
     "`arcentra store --help` lists the verbs, and `arcentra store VERB --help` says more.\n",
     cmd_store},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static int help(FILE *out, int exit_code)
{
    fputs("Usage: arcentra COMMAND [FLAG…] [ARGUMENT…]\n\nCommands:\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].what);
    fprintf(out, "\n`arcentra COMMAND --help` says more.\n\n%s", server_help);
    return exit_code;
}

int cli_fail(const char *format, ...)
{
    struct text text = {NULL, 0, 0};
    va_list args;
    va_start(args, format);
    text_vprintf(&text, format, args);
    va_end(args);
    fprintf(stderr, "arcentra: %s\n", text_get(&text));
    text_deinit(&text);
    return EXIT_FAILED;
}

int cli_parse(const struct command *command, const struct arg *table, size_t count, int argc,
              char **argv, struct arg_list *rest, size_t least, size_t most, int *exit_code)
{
    char why[512] = "";
    int answer = args_parse(table, count, argc, argv, rest, why, sizeof(why));
    *exit_code = EXIT_OK;
    if (answer == ARGS_HELP) {
        printf("Usage: arcentra %s\n\n%s\n%s\nFlags [and the variable that says the same]:\n",
               command->usage, command->what, command->more);
        args_print(table, count, stdout);
    } else if (answer == ARGS_VERSION) {
        printf("arcentra %s\n", arc_version());
    } else if (answer == 0 && (rest->count < least || rest->count > most)) {
        snprintf(why, sizeof(why), "%s",
                 rest->count < least ? "An argument is missing" : "There is an argument too many");
        answer = ARGS_WRONG;
        fprintf(stderr, "arcentra %s: %s. Usage: arcentra %s\n", command->name, why,
                command->usage);
        *exit_code = EXIT_USAGE;
    } else if (answer == ARGS_WRONG) {
        fprintf(stderr, "arcentra %s: %s\n", command->name, why);
        *exit_code = EXIT_USAGE;
    }
    return answer;
}

int cli_read_file(const char *path, struct text *out)
{
    char buf[8192];
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : 0;
    if (fd >= 0) {
        while ((got = read(fd, buf, sizeof(buf))) > 0 && out->len < FILE_BYTES_MAX)
            text_add(out, buf, (size_t)got);
    }
    int saved = errno;
    if (fd > STDIN_FILENO)
        close(fd);
    if (got < 0) {
        cli_fail("%s cannot be read: %s.", path, strerror(saved));
        return EXIT_USAGE;
    }
    return 0;
}

int cli_read_payload(struct starts *starts)
{
    char why[256] = "";
    if (starts->payload_file == NULL)
        return 0;
    if (cli_read_file(starts->payload_file, &starts->payload) != 0)
        return EXIT_USAGE;
    const json_node *root =
        json_parse(text_get(&starts->payload), starts->payload.len, why, sizeof(why));
    if (root == NULL) {
        cli_fail("--payload %s is not JSON: %s", starts->payload_file, why);
        return EXIT_USAGE;
    }
    json_free(root);
    return 0;
}

arc_status cli_check(const struct text *text, const char *path, const struct arg_list *dirs,
                     arc_spec **out, arc_diags **diags, arc_err *err)
{
    struct templates templates = {dirs, path};
    arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
    options.file = cli_name(path);
    options.resolve = templates_find;
    options.user = &templates;
    return arc_spec_check(text_get(text), text->len, &options, out, diags, err);
}

int cli_read_spec(const char *path, int quiet, arc_spec **out)
{
    return cli_read_spec_in(path, quiet, NULL, out);
}

const char *cli_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "(stdin)" : path;
}

static int any_error(const arc_diags *diags)
{
    for (uint32_t i = 0; i < arc_diags_get_count(diags); i++) {
        arc_diag_view view = ARC_DIAG_VIEW_INIT;
        if (arc_diags_get(diags, i, &view) == ARC_OK && view.severity == ARC_DIAG_ERROR)
            return 1;
    }
    return 0;
}

void cli_show_findings(const char *path, arc_status status, const arc_diags *diags,
                       const arc_err *err)
{
    struct term term;
    char *shown = NULL;
    term_init(&term, stderr);
    uint32_t flags = ARC_DIAGS_EXCERPT | (term.colour ? ARC_DIAGS_COLOUR : 0);
    if (diags != NULL && arc_diags_get_count(diags) > 0 &&
        arc_diags_copy_text(diags, flags, &shown, NULL) == ARC_OK)
        fputs(shown, stderr);
    if (status != ARC_OK && (shown == NULL || !any_error(diags)))
        cli_fail("%s: %s", cli_name(path), err->message);
    arc_text_free(shown);
}

int cli_read_spec_in(const char *path, int quiet, const struct arg_list *dirs, arc_spec **out)
{
    struct text text = {NULL, 0, 0};
    arc_diags *diags = NULL;
    arc_err err = ARC_ERR_INIT;
    if (cli_read_file(path, &text) != 0) {
        text_deinit(&text);
        return EXIT_USAGE;
    }
    arc_status status = cli_check(&text, path, dirs, out, &diags, &err);
    if (status != ARC_OK || !quiet)
        cli_show_findings(path, status, diags, &err);
    arc_diags_free(diags);
    text_deinit(&text);
    return status == ARC_OK ? 0 : EXIT_USAGE;
}

int cli_read_pairs(const struct arg_list *list, const char *flag, struct pairs *out)
{
    *out = (struct pairs){mem_new((list->count + 1) * sizeof(out->items[0])), 0};
    for (size_t i = 0; i < list->count; i++) {
        char *key = NULL;
        const char *value;
        if (!arg_split_pair(list->items[i], &key, &value)) {
            cli_fail("%s takes KEY=VALUE, not `%s`.", flag, list->items[i]);
            return EXIT_USAGE;
        }
        out->items[out->count++] = (arc_pair){key, value};
    }
    return 0;
}

void cli_free_pairs(struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        union {
            const char *in;
            char *out;
        } cast = {pairs->items[i].key};
        mem_free(cast.out);
    }
    mem_free(pairs->items);
    *pairs = (struct pairs){NULL, 0};
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return help(stderr, EXIT_USAGE);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        (strcmp(argv[1], "help") == 0 && argc == 2))
        return help(stdout, EXIT_OK);
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
        printf("arcentra %s\n", arc_version());
        return EXIT_OK;
    }
    int asked = strcmp(argv[1], "help") == 0;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(argv[1 + asked], commands[i].name) != 0)
            continue;
        char flag[] = "--help";
        char *words[] = {argv[2 * asked], flag, NULL};
        return asked ? commands[i].run(&commands[i], 2, words)
                     : commands[i].run(&commands[i], argc - 1, argv + 1);
    }
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strncmp(argv[1 + asked], commands[i].name, 3) == 0) {
            cli_fail("There is no command `%s`; did you mean `%s`?", argv[1 + asked],
                     commands[i].name);
            return EXIT_USAGE;
        }
    }
    cli_fail("There is no command `%s`; `arcentra help` lists them.", argv[1 + asked]);
    return EXIT_USAGE;
}
