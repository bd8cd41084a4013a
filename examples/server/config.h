/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of arcentrad: config.def is the table, this is what it becomes. A later layer wins:
 * defaults, the file, ARCENTRA_* of the environment, flags. What must stay true: a setting that
 * cannot be meant is refused with the place where it was said; nothing is ignored. */
#ifndef EXAMPLES_SERVER_CONFIG_H
#define EXAMPLES_SERVER_CONFIG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct config_list {
    char **items;
    size_t count;
};

typedef char *config_TEXT;
typedef int64_t config_NUMBER;
typedef int64_t config_DURATION; /* milliseconds */
typedef int64_t config_SWITCH;   /* 0, 1 */
typedef struct config_list config_LIST;

/* One field a row, and where each was said ("default", "line 3 of x.yaml", …). */
struct config {
#define ROW(name, kind, standard, min, max, metavar, sentence) config_##kind name;
#include "server/config.def"
#undef ROW
    struct {
#define ROW(name, kind, standard, min, max, metavar, sentence) char *name;
#include "server/config.def"
#undef ROW
    } source;
};

/* One sentence about what is wrong. */
struct config_why {
    char text[512];
};

/* All defaults. */
void config_init(struct config *config);
void config_deinit(struct config *config);

/* Sets one setting from text. source is remembered and named in the refusal. 0: done. */
int config_set(struct config *config, const char *name, const char *value, const char *source,
               struct config_why *why);
/* Reads a YAML file: a map of names and values. Unknown keys, keys twice, and more than one
 * document are refused with line and column. 0: done; 1: no such file; -1: why. */
int config_read_file(struct config *config, const char *path, struct config_why *why);
/* The same from memory; path is for the sentences. */
int config_read_text(struct config *config, const char *text, size_t len, const char *path,
                     struct config_why *why);
/* Takes every ARCENTRA_… of environment (ends with NULL) that has a row. One that has none and is
 * close to a row is refused as a slip; others belong to other programs. */
int config_read_environment(struct config *config, char *const *environment,
                            struct config_why *why);
/* Takes the flag argv[*at], with the next word as its value where it has no "=". Moves *at past
 * what it took. 0: done; 1: not a flag of the table; -1: why. */
int config_read_flag(struct config *config, int argc, char *const *argv, int *at,
                     struct config_why *why);
/* What no single row can tell: pairs that belong together, and the defaults that depend on others
 * (data, store, log_dir). environment as above; is_root: the effective user is. */
int config_finish(struct config *config, char *const *environment, int is_root,
                  struct config_why *why);

/* The table as help, and the settings as a file that says the same. */
void config_print_help(FILE *out);
void config_print(const struct config *config, FILE *out);

/* The name of the table that is nearest to a wrong one, or NULL when none is near. */
const char *config_nearest(const char *name);

#endif
