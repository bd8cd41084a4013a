/* SPDX-License-Identifier: Apache-2.0 */
#include "common/args.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/duration.h"
#include "common/mem.h"

static int parse_number(const char *text, const struct arg *arg, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    int64_t unit = 1;
    if (end == text || errno != 0)
        return 0;
    if (arg->max > 1000 && end[0] != '\0' && end[1] == '\0') {
        unit = *end == 'K' ? 1 << 10 : *end == 'M' ? 1 << 20 : *end == 'G' ? 1 << 30 : 0;
        end++;
    }
    if (*end != '\0' || unit == 0 || number < 0 || number > INT64_MAX / unit)
        return 0;
    number *= unit;
    if (number < arg->min || (arg->max != 0 && number > arg->max))
        return 0;
    *out = number;
    return 1;
}

/* shown: how the setting was written, for the sentence. */
static int take_value(const struct arg *arg, const char *shown, const char *value, char *why,
                      size_t why_size)
{
    switch (arg->kind) {
    case ARG_SWITCH:
        *(int *)arg->out = 1;
        return 0;
    case ARG_TEXT:
        *(const char **)arg->out = value;
        return 0;
    case ARG_LIST:
        arg_list_add(arg->out, value);
        return 0;
    case ARG_NUMBER:
        if (parse_number(value, arg, arg->out))
            return 0;
        snprintf(why, why_size,
                 "%s takes a whole number from %" PRId64 " to %" PRId64 ", not `%s`.", shown,
                 arg->min, arg->max > 0 ? arg->max : INT64_MAX, value);
        return ARGS_WRONG;
    case ARG_DURATION:
        if (duration_parse(value, arg->out))
            return 0;
        snprintf(why, why_size, "%s takes a duration such as 30s or 1m30s, not `%s`.", shown,
                 value);
        return ARGS_WRONG;
    }
    return ARGS_WRONG;
}

static const struct arg *find(const struct arg *table, size_t count, const char *name, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        if (strlen(table[i].name) == len && strncmp(table[i].name, name, len) == 0)
            return &table[i];
    }
    return NULL;
}

static const struct arg *find_letter(const struct arg *table, size_t count, const char *word)
{
    for (size_t i = 0; i < count && word[1] != '\0' && word[2] == '\0'; i++) {
        if (table[i].letter == word[1])
            return &table[i];
    }
    return NULL;
}

/* One word that begins with a dash; *index is moved when it takes the next as its value. */
static int parse_flag(const struct arg *table, size_t count, int argc, char **argv, int *index,
                      unsigned char *given, char *why, size_t why_size)
{
    const char *word = argv[*index], *value = NULL;
    const struct arg *arg;
    char shown[64];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return ARGS_HELP;
    if (strcmp(word, "--version") == 0)
        return ARGS_VERSION;
    if (word[1] == '-') {
        value = strchr(word, '=');
        size_t len = value != NULL ? (size_t)(value - word) - 2 : strlen(word) - 2;
        arg = find(table, count, word + 2, len);
        value = value != NULL ? value + 1 : NULL;
    } else {
        arg = find_letter(table, count, word);
    }
    if (arg == NULL) {
        snprintf(why, why_size, "There is no flag `%s`; --help lists them.", word);
        return ARGS_WRONG;
    }
    snprintf(shown, sizeof(shown), "--%s", arg->name);
    if (arg->kind == ARG_SWITCH && value != NULL) {
        snprintf(why, why_size, "%s takes no value.", shown);
        return ARGS_WRONG;
    }
    if (arg->kind != ARG_SWITCH && value == NULL) {
        if (*index + 1 >= argc) {
            snprintf(why, why_size, "%s needs a value: %s %s.", shown, shown, arg->metavar);
            return ARGS_WRONG;
        }
        value = argv[++*index];
    }
    given[arg - table] = 1;
    return take_value(arg, shown, value, why, why_size);
}

/* A list's variable holds several, with commas between. */
static void take_list(struct arg_list *list, const char *value)
{
    list->owned = mem_copy(value);
    char *save = NULL;
    for (char *item = strtok_r(list->owned, ",", &save); item != NULL;
         item = strtok_r(NULL, ",", &save))
        arg_list_add(list, item);
}

static int parse_env(const struct arg *arg, char *why, size_t why_size)
{
    const char *value = arg->env != NULL ? getenv(arg->env) : NULL;
    if (value == NULL || value[0] == '\0')
        return 0;
    if (arg->kind == ARG_SWITCH) {
        *(int *)arg->out = strcmp(value, "0") != 0 && strcmp(value, "false") != 0;
        return 0;
    }
    if (arg->kind == ARG_LIST) {
        take_list(arg->out, value);
        return 0;
    }
    return take_value(arg, arg->env, value, why, why_size);
}

int args_parse(const struct arg *table, size_t count, int argc, char **argv, struct arg_list *rest,
               char *why, size_t why_size)
{
    unsigned char given[64] = {0};
    int answer = 0, flags = 1;
    for (int i = 1; i < argc && answer == 0; i++) {
        if (flags && strcmp(argv[i], "--") == 0)
            flags = 0;
        else if (flags && argv[i][0] == '-' && argv[i][1] != '\0')
            answer = parse_flag(table, count, argc, argv, &i, given, why, why_size);
        else
            arg_list_add(rest, argv[i]);
    }
    for (size_t i = 0; i < count && answer == 0; i++) {
        if (!given[i])
            answer = parse_env(&table[i], why, why_size);
    }
    return answer;
}

void args_print(const struct arg *table, size_t count, FILE *out)
{
    for (size_t i = 0; i < count; i++) {
        char left[64], letter[8] = "    ";
        if (table[i].letter != 0)
            snprintf(letter, sizeof(letter), "-%c, ", table[i].letter);
        snprintf(left, sizeof(left), "%s--%s%s%s", letter, table[i].name,
                 table[i].metavar != NULL ? " " : "",
                 table[i].metavar != NULL ? table[i].metavar : "");
        fprintf(out, "  %-30s %s%s%s%s\n", left, table[i].help, table[i].env != NULL ? " [" : "",
                table[i].env != NULL ? table[i].env : "", table[i].env != NULL ? "]" : "");
    }
    fprintf(out, "  %-30s %s\n  %-30s %s\n", "-h, --help", "Show this and exit.", "    --version",
            "Show the version and exit.");
}

void arg_list_add(struct arg_list *list, const char *item)
{
    list->items = mem_grow(list->items, (list->count + 1) * sizeof(list->items[0]));
    list->items[list->count++] = item;
}

void arg_list_deinit(struct arg_list *list)
{
    mem_free(list->items);
    mem_free(list->owned);
    *list = (struct arg_list){NULL, 0, NULL};
}

int arg_split_pair(const char *pair, char **key, const char **value)
{
    const char *equals = strchr(pair, '=');
    if (equals == NULL || equals == pair)
        return 0;
    *key = mem_copy_bytes(pair, (size_t)(equals - pair));
    *value = equals + 1;
    return 1;
}

char *arg_read_secret(const char *path, char *why, size_t why_size)
{
    char line[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, line, sizeof(line) - 1) : -1;
    int saved = errno;
    if (fd >= 0)
        close(fd);
    if (got < 0) {
        snprintf(why, why_size, "The token file %s cannot be read: %s.", path, strerror(saved));
        return NULL;
    }
    line[got] = '\0';
    line[strcspn(line, " \t\r\n")] = '\0';
    if (line[0] == '\0') {
        snprintf(why, why_size, "The token file %s is empty.", path);
        return NULL;
    }
    char *secret = mem_copy(line);
    explicit_bzero(line, sizeof(line));
    return secret;
}
