/* SPDX-License-Identifier: Apache-2.0 */
/* The command line and the environment of a program as one table: it is parsed, checked and printed
 * as help from the same rows. A flag wins over its environment variable. Secrets have no row: a
 * command line is readable by everybody on the machine. */
#ifndef EXAMPLES_COMMON_ARGS_H
#define EXAMPLES_COMMON_ARGS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum arg_kind {
    ARG_SWITCH = 1, /* int: 1 when given */
    ARG_TEXT,       /* const char * */
    ARG_LIST,       /* struct arg_list; may come again; its variable holds them with commas */
    ARG_NUMBER,   /* int64_t, from min to max; K, M and G are understood where max is above 1000 */
    ARG_DURATION, /* int64_t nanoseconds, written as "30s" */
};

struct arg {
    const char *name; /* without the dashes */
    char letter;      /* its short form, or 0 */
    enum arg_kind kind;
    const char *env;     /* its environment variable, or NULL */
    const char *metavar; /* of the value, for the help; NULL for a switch */
    const char *help;    /* one line, with the default */
    void *out;           /* where the value goes, by kind */
    int64_t min, max;    /* of a number; max 0: none */
};

/* Texts, in order. items is owned, the texts are argv's, the environment's or owned. All zeros is
 * empty. */
struct arg_list {
    const char **items;
    size_t count;
    char *owned;
};

/* What args_parse answers beside 0. */
#define ARGS_WRONG (-1)
#define ARGS_HELP 1
#define ARGS_VERSION 2

/* Fills every row's value from argv and then from the environment; rest gets what is no flag.
 * --help, -h and --version are known without a row. `--` ends the flags.
 * why: one sentence on ARGS_WRONG. argv[0] is skipped. */
int args_parse(const struct arg *table, size_t count, int argc, char **argv, struct arg_list *rest,
               char *why, size_t why_size);
/* The table as help, one row a flag. */
void args_print(const struct arg *table, size_t count, FILE *out);
void arg_list_add(struct arg_list *list, const char *item);
void arg_list_deinit(struct arg_list *list);

/* "key=value" cut in two: 1, and key is a copy to free with mem_free, value borrowed. */
int arg_split_pair(const char *pair, char **key, const char **value);

/* The first line of a file, without its end: for tokens. NULL: why says what is wrong.
 * Owner: the caller, mem_free. */
char *arg_read_secret(const char *path, char *why, size_t why_size);

#endif
