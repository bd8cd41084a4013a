/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra: one program, one file a command. A command gets its words (argv[0] is its name), prints
 * for people or, with --json, for machines, and answers the exit code. */
#ifndef EXAMPLES_CLI_CLI_H
#define EXAMPLES_CLI_CLI_H

#include <arcentra/run.h>
#include <arcentra/spec.h>

#include "common/args.h"
#include "common/text.h"

#define EXIT_OK 0
#define EXIT_FAILED 1 /* the thing asked for did not succeed */
#define EXIT_USAGE 2  /* a wrong word, a file that cannot be read, a definition that is wrong */
#define EXIT_CANCELLED 130 /* as a shell says it of Ctrl-C */

struct command {
    const char *name;
    const char *usage; /* behind "arcentra " */
    const char *what;  /* one line */
    const char *more;  /* the rest of its help */
    int (*run)(const struct command *command, int argc, char **argv);
};

int cmd_validate(const struct command *command, int argc, char **argv);
int cmd_fmt(const struct command *command, int argc, char **argv);
int cmd_convert(const struct command *command, int argc, char **argv);
int cmd_schema(const struct command *command, int argc, char **argv);
int cmd_eval(const struct command *command, int argc, char **argv);
int cmd_plan(const struct command *command, int argc, char **argv);
int cmd_run(const struct command *command, int argc, char **argv);
int cmd_sim(const struct command *command, int argc, char **argv);
int cmd_create(const struct command *command, int argc, char **argv);
int cmd_save(const struct command *command, int argc, char **argv);
int cmd_list(const struct command *command, int argc, char **argv);
int cmd_trigger(const struct command *command, int argc, char **argv);
int cmd_runs(const struct command *command, int argc, char **argv);
int cmd_show(const struct command *command, int argc, char **argv);
int cmd_fsck(const struct command *command, int argc, char **argv);
int cmd_export(const struct command *command, int argc, char **argv);
int cmd_import(const struct command *command, int argc, char **argv);
int cmd_store(const struct command *command, int argc, char **argv);
int cmd_lsp(const struct command *command, int argc, char **argv);
int cmd_logs(const struct command *command, int argc, char **argv);
int cmd_explain(const struct command *command, int argc, char **argv);
int cmd_stop(const struct command *command, int argc, char **argv);
int cmd_pause(const struct command *command, int argc, char **argv);
int cmd_resume(const struct command *command, int argc, char **argv);
int cmd_cancel(const struct command *command, int argc, char **argv);
int cmd_rerun(const struct command *command, int argc, char **argv);
int cmd_approvals(const struct command *command, int argc, char **argv);
int cmd_approve(const struct command *command, int argc, char **argv);
int cmd_reject(const struct command *command, int argc, char **argv);

/* Parses a command's words and checks how many are left. 0: go on; else the command ends with
 * *exit_code, and everything has been said. */
int cli_parse(const struct command *command, const struct arg *table, size_t count, int argc,
              char **argv, struct arg_list *rest, size_t least, size_t most, int *exit_code);
/* Says on stderr what is wrong, with the program's name before it; answers EXIT_FAILED. */
__attribute__((__format__(__printf__, 1, 2))) int cli_fail(const char *format, ...);

/* A whole file, or stdin for "-". 0, or says why not and answers EXIT_USAGE. */
int cli_read_file(const char *path, struct text *out);
/* Reads and checks a definition. 0 and *out; else the findings are on stderr: EXIT_USAGE. Warnings
 * are printed too, unless quiet. */
int cli_read_spec(const char *path, int quiet, arc_spec **out);
/* What is said of one definition, on stderr: the findings (may be NULL), or the error. */
void cli_show_findings(const char *path, arc_status status, const arc_diags *diags,
                       const arc_err *err);
/* The name of a definition in messages. */
const char *cli_name(const char *path);
/* cli_read_spec with directories for what it includes; NULL or none: its own. */
int cli_read_spec_in(const char *path, int quiet, const struct arg_list *dirs, arc_spec **out);
/* arc_spec_check of what was read from path, with files as its templates. */
arc_status cli_check(const struct text *text, const char *path, const struct arg_list *dirs,
                     arc_spec **out, arc_diags **diags, arc_err *err);
/* The row of a table of arguments that fills dirs. */
#define CLI_INCLUDE_DIR(dirs) \
    { \
        "include-dir", 'I', ARG_LIST, NULL, "DIR", \
            "Where included templates are (beside the definition); may come again.", (dirs), 0, 0 \
    }

/* What starts a run, in the words of `plan` and `run`; texts that were not given are NULL. */
struct starts {
    const char *ref, *branch, *tag, *sha, *event, *actor, *payload_file;
    struct text payload; /* the file's, once it was read */
};
/* The rows of a table of arguments that fill it. */
#define CLI_START(name, metavar, help, out) \
    { \
        name, 0, ARG_TEXT, NULL, metavar, help, out, 0, 0 \
    }
#define CLI_STARTS(starts) \
    CLI_START("ref", "REF", "The ref that it is about, like refs/heads/main.", &(starts)->ref), \
        CLI_START("branch", "NAME", "The branch.", &(starts)->branch), \
        CLI_START("tag", "NAME", "The tag.", &(starts)->tag), \
        CLI_START("sha", "COMMIT", "The commit.", &(starts)->sha), \
        CLI_START("event", "TYPE", "What has happened, like push.", &(starts)->event), \
        CLI_START("actor", "NAME", "Who starts it.", &(starts)->actor), \
        CLI_START("payload", "FILE", "What came with the event: a file of JSON.", \
                  &(starts)->payload_file)
/* Reads the payload's file, if one was named. 0, or says what is wrong: EXIT_USAGE. */
int cli_read_payload(struct starts *starts);

/* The flags as the inputs of a plan, as JSON. 0, or says what is wrong: EXIT_USAGE. */
int cli_read_inputs(const char *type, struct starts *starts, const struct arg_list *variables,
                    struct text *out);
/* The flags as the options of a run; actor: who starts it where nobody is named. The payload must
 * have been read. What it fills in is borrowed from starts. */
void cli_take_starts(const struct starts *starts, const char *actor, arc_run_options *run);

/* "key=value" pairs as arc_pair; the keys are owned. 0, or says what is wrong: EXIT_USAGE. */
struct pairs {
    arc_pair *items;
    size_t count;
};
int cli_read_pairs(const struct arg_list *list, const char *flag, struct pairs *out);
void cli_free_pairs(struct pairs *pairs);

#endif
