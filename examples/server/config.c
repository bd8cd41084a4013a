/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/duration.h"
#include "common/mem.h"
#include "common/text.h"

enum kind { KIND_TEXT, KIND_NUMBER, KIND_DURATION, KIND_SWITCH, KIND_LIST };

struct row {
    const char *name;
    enum kind kind;
    size_t at, source_at; /* offsets in struct config */
    const char *standard;
    int64_t min, max;
    const char *metavar, *sentence;
};

static const struct row rows[] = {
/* clang-format off */
#define ROW(name, kind, standard, min, max, metavar, sentence) \
    {#name, KIND_##kind, offsetof(struct config, name), offsetof(struct config, source.name), \
     standard, min, max, metavar, sentence},
#include "server/config.def"
#undef ROW
    /* clang-format on */
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

__attribute__((__format__(__printf__, 2, 3))) static int refuse(struct config_why *why,
                                                                const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why->text, sizeof(why->text), format, args);
    va_end(args);
    return -1;
}

static const struct row *find(const char *name)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

/* Where the row's value lives; the caller knows its type by the row's kind. */
static void *value_of(struct config *config, const struct row *row)
{
    return (char *)config + row->at;
}

static void list_clear(struct config_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        mem_free(list->items[i]);
    mem_free(list->items);
    *list = (struct config_list){NULL, 0};
}

/* Texts between commas, blanks around them cut. 0, or -1 when there are more than max. */
static int list_fill(struct config_list *list, const char *text, size_t max)
{
    list_clear(list);
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, ",");
        const char *next = at + len + (at[len] == ',');
        for (; len > 0 && isspace((unsigned char)*at); at++, len--)
            ;
        for (; len > 0 && isspace((unsigned char)at[len - 1]); len--)
            ;
        if (len > 0) {
            if (list->count == max)
                return -1;
            list->items = mem_grow(list->items, (list->count + 1) * sizeof(list->items[0]));
            list->items[list->count++] = mem_copy_bytes(at, len);
        }
        at = next;
    }
    return 0;
}

static int parse_switch(const char *text, int64_t *out)
{
    int yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    int no = strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
    *out = yes;
    return yes || no;
}

static int parse_number(const char *text, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *out = value;
    return (isdigit((unsigned char)text[0]) || text[0] == '-') && *end == '\0' && errno == 0;
}

static int set_row(struct config *config, const struct row *row, const char *value,
                   const char *source, struct config_why *why)
{
    void *at = value_of(config, row);
    int64_t number = 0;
    switch (row->kind) {
    case KIND_TEXT:
        if (strlen(value) < (size_t)row->min || strlen(value) > (size_t)row->max)
            return refuse(why, "%s: %s takes a text of %" PRId64 " to %" PRId64 " bytes.", source,
                          row->name, row->min, row->max);
        mem_free(*(char **)at);
        *(char **)at = mem_copy(value);
        break;
    case KIND_LIST:
        if (list_fill(at, value, (size_t)row->max) != 0)
            return refuse(why, "%s: %s takes at most %" PRId64 " values.", source, row->name,
                          row->max);
        break;
    case KIND_SWITCH:
        if (!parse_switch(value, &number))
            return refuse(why, "%s: %s is true or false, not \"%.40s\".", source, row->name, value);
        *(int64_t *)at = number;
        break;
    case KIND_NUMBER:
        if (!parse_number(value, &number) || number < row->min || number > row->max)
            return refuse(why, "%s: %s is a number from %" PRId64 " to %" PRId64 ", not \"%.40s\".",
                          source, row->name, row->min, row->max, value);
        *(int64_t *)at = number;
        break;
    case KIND_DURATION:
        if (!duration_parse(value, &number))
            return refuse(why, "%s: %s is a time such as \"30s\" or \"1m30s\", not \"%.40s\".",
                          source, row->name, value);
        number /= NS_PER_MS;
        if (number < row->min || number > row->max)
            return refuse(why, "%s: %s is from %" PRId64 "ms to %" PRId64 "s, not \"%.40s\".",
                          source, row->name, row->min, row->max / 1000, value);
        *(int64_t *)at = number;
        break;
    }
    char **where = (char **)(void *)((char *)config + row->source_at);
    mem_free(*where);
    *where = mem_copy(source);
    return 0;
}

int config_set(struct config *config, const char *name, const char *value, const char *source,
               struct config_why *why)
{
    const struct row *row = find(name);
    if (row != NULL)
        return set_row(config, row, value, source, why);
    const char *near = config_nearest(name);
    return near != NULL ? refuse(why, "%s: there is no setting \"%.40s\"; did you mean %s?", source,
                                 name, near)
                        : refuse(why, "%s: there is no setting \"%.40s\".", source, name);
}

void config_init(struct config *config)
{
    struct config_why why;
    memset(config, 0, sizeof(*config));
    for (size_t i = 0; i < ROW_COUNT; i++)
        (void)set_row(config, &rows[i], rows[i].standard, "default", &why); /* within its range */
}

void config_deinit(struct config *config)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        void *at = value_of(config, &rows[i]);
        if (rows[i].kind == KIND_TEXT)
            mem_free(*(char **)at);
        if (rows[i].kind == KIND_LIST)
            list_clear(at);
        mem_free(*(char **)(void *)((char *)config + rows[i].source_at));
    }
    memset(config, 0, sizeof(*config));
}

/* --- the nearest name ------------------------------------------------------------------------ */

#define NAME_MAX_BYTES 40u

/* How many letters must be added, dropped or changed to make b of a. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_BYTES + 1];
    size_t len = strlen(b);
    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= len; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t add = row[j - 1] + 1, drop = row[j] + 1;
            diagonal = row[j];
            row[j] = change < add ? change : add;
            row[j] = row[j] < drop ? row[j] : drop;
        }
    }
    return row[len];
}

const char *config_nearest(const char *name)
{
    const char *best = NULL;
    if (strlen(name) > NAME_MAX_BYTES)
        return NULL;
    size_t least = 2 + strlen(name) / 4; /* as many changes make another word */
    for (size_t i = 0; i < ROW_COUNT; i++) {
        size_t far = distance(name, rows[i].name);
        if (far < least) {
            least = far;
            best = rows[i].name;
        }
    }
    return best;
}

/* --- the environment and the flags ----------------------------------------------------------- */

#define ENV_PREFIX "ARCENTRA_"

/* "ARCENTRA_HTTP_LISTEN=…" gives "http_listen" and the length with "=", else 0. */
static size_t env_name(const char *item, char *name, size_t size)
{
    size_t prefix = sizeof(ENV_PREFIX) - 1, len = strcspn(item, "=");
    if (strncmp(item, ENV_PREFIX, prefix) != 0 || item[len] != '=' || len - prefix >= size)
        return 0;
    for (size_t i = prefix; i < len; i++)
        name[i - prefix] = (char)tolower((unsigned char)item[i]);
    name[len - prefix] = '\0';
    return len + 1;
}

int config_read_environment(struct config *config, char *const *environment, struct config_why *why)
{
    /* These are the other programs' own. */
    static const char *const foreign[] = {"server", "token", "token_file", "config"};
    for (size_t i = 0; environment[i] != NULL; i++) {
        char name[NAME_MAX_BYTES + 1], source[NAME_MAX_BYTES + sizeof(ENV_PREFIX)];
        size_t at = env_name(environment[i], name, sizeof(name));
        if (at == 0)
            continue;
        (void)snprintf(source, sizeof(source), "%.*s", (int)(at - 1), environment[i]);
        if (find(name) != NULL) {
            if (config_set(config, name, environment[i] + at, source, why) != 0)
                return -1;
            continue;
        }
        int known = strncmp(name, "agent", 5) == 0;
        for (size_t j = 0; j < sizeof(foreign) / sizeof(foreign[0]); j++)
            known |= strcmp(name, foreign[j]) == 0;
        const char *near = config_nearest(name);
        if (!known && near != NULL && distance(name, near) <= 2)
            return config_set(config, name, "", source, why);
    }
    return 0;
}

int config_read_flag(struct config *config, int argc, char *const *argv, int *at,
                     struct config_why *why)
{
    const char *flag = argv[*at];
    char name[NAME_MAX_BYTES + 1], source[NAME_MAX_BYTES + 3];
    size_t len = strcspn(flag, "=");
    if (strncmp(flag, "--", 2) != 0 || len - 2 >= sizeof(name))
        return 1;
    for (size_t i = 2; i < len; i++)
        name[i - 2] = (char)(flag[i] == '-' ? '_' : flag[i]);
    name[len - 2] = '\0';
    (void)snprintf(source, sizeof(source), "%.*s", (int)len, flag);
    const struct row *row = find(name);
    if (row == NULL || memchr(flag + 2, '_', len - 2) != NULL) {
        const char *near = config_nearest(name);
        if (near == NULL)
            return 1;
        (void)refuse(why, "there is no flag %s; did you mean --%s?", source, near);
        char *mark = strrchr(why->text, '-'); /* of the nearest name; show it as a flag */
        for (; mark != NULL && *mark != '\0'; mark++)
            if (*mark == '_')
                *mark = '-';
        return -1;
    }
    (*at)++;
    if (flag[len] == '=')
        return set_row(config, row, flag + len + 1, source, why);
    if (row->kind == KIND_SWITCH)
        return set_row(config, row, "true", source, why);
    if (*at >= argc)
        return refuse(why, "%s wants a value.", source);
    (*at)++;
    return set_row(config, row, argv[*at - 1], source, why);
}

/* --- what no single row can tell ------------------------------------------------------------- */

static const char *env_get(char *const *environment, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; environment[i] != NULL; i++)
        if (strncmp(environment[i], name, len) == 0 && environment[i][len] == '=')
            return environment[i] + len + 1;
    return "";
}

static void derive(char **field, struct text *value)
{
    mem_free(*field);
    *field = text_take(value);
}

static int one_of(const char *value, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(value, *words) == 0)
            return 1;
    return 0;
}

/* An origin is compared as text, so only the one form that browsers send can match. */
static int origin_is_plausible(const char *origin)
{
    const char *host = strncmp(origin, "https://", 8) == 0  ? origin + 8
                       : strncmp(origin, "http://", 7) == 0 ? origin + 7
                                                            : "";
    if (host[0] == '\0' || strcspn(host, "/*?# ") != strlen(host))
        return 0;
    for (const char *at = origin; *at != '\0'; at++)
        if (isupper((unsigned char)*at))
            return 0;
    return 1;
}

static int check(const struct config *config, struct config_why *why)
{
    static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
    static const char *const formats[] = {"text", "json", NULL};
    if (!one_of(config->log_level, levels))
        return refuse(why, "%s: log_level is error, warn, info or debug, not \"%s\".",
                      config->source.log_level, config->log_level);
    if (!one_of(config->log_format, formats))
        return refuse(why, "%s: log_format is text or json, not \"%s\".", config->source.log_format,
                      config->log_format);
    if ((config->http_tls_cert[0] == '\0') != (config->http_tls_key[0] == '\0'))
        return refuse(why, "http_tls_cert and http_tls_key belong together; only one is set.");
    if ((config->grpc_tls_cert[0] == '\0') != (config->grpc_tls_key[0] == '\0'))
        return refuse(why, "grpc_tls_cert and grpc_tls_key belong together; only one is set.");
    if (config->grpc_tls_client_ca[0] != '\0' && config->grpc_tls_cert[0] == '\0')
        return refuse(why, "grpc_tls_client_ca needs grpc_tls_cert and grpc_tls_key.");
    if (config->heartbeat >= config->lease_ttl)
        return refuse(why,
                      "heartbeat (%" PRId64 "ms) must be shorter than lease_ttl (%" PRId64
                      "ms): a lease is renewed by heartbeats.",
                      config->heartbeat, config->lease_ttl);
    for (size_t i = 0; i < config->http_origins.count; i++)
        if (!origin_is_plausible(config->http_origins.items[i]))
            return refuse(why,
                          "%s: \"%.80s\" is no origin; an origin is https://host or "
                          "https://host:port in lower case, without a path.",
                          config->source.http_origins, config->http_origins.items[i]);
    return 0;
}

#define SYSTEM_DATA "/var/lib/arcentra"

int config_finish(struct config *config, char *const *environment, int is_root,
                  struct config_why *why)
{
    struct text text = {NULL, 0, 0};
    if (check(config, why) != 0)
        return -1;
    if (config->data[0] == '\0') {
        const char *state = env_get(environment, "XDG_STATE_HOME");
        const char *home = env_get(environment, "HOME");
        if (is_root || access(SYSTEM_DATA, W_OK) == 0)
            text_put(&text, SYSTEM_DATA);
        else if (state[0] == '/')
            text_printf(&text, "%s/arcentra", state);
        else if (home[0] == '/')
            text_printf(&text, "%s/.local/state/arcentra", home);
        else
            return refuse(why, "there is no place for the data: set --data, or HOME.");
        derive(&config->data, &text);
    }
    if (config->store[0] == '\0') {
        text_printf(&text, "sqlite:%s/arcentra.db", config->data);
        derive(&config->store, &text);
    }
    if (config->log_dir[0] == '\0' && strncmp(config->store, "postgres", 8) == 0) {
        text_printf(&text, "%s/logs", config->data); /* there is no file to lie beside */
        derive(&config->log_dir, &text);
    }
    return 0;
}

/* --- printing -------------------------------------------------------------------------------- */

void config_print_help(FILE *out)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct row *row = &rows[i];
        char flag[NAME_MAX_BYTES + 1];
        size_t len = strlen(row->name);
        for (size_t j = 0; j <= len; j++)
            flag[j] = (char)(row->name[j] == '_' ? '-' : row->name[j]);
        (void)fprintf(out, "  --%s%s%s\n        %s", flag, row->metavar[0] != '\0' ? " " : "",
                      row->metavar, row->sentence);
        if (row->standard[0] != '\0')
            (void)fprintf(out, " (default: %s)", row->standard);
        (void)fprintf(out, "\n");
    }
}

/* A text in double quotes, as YAML and JSON both read it. */
static void print_text(const char *text, FILE *out)
{
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            (void)fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20 || *text == 0x7f)
            (void)fprintf(out, "\\x%02x", (unsigned)(unsigned char)*text);
        else
            (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

static void print_duration(int64_t ms, FILE *out)
{
    if (ms % 1000 != 0)
        (void)fprintf(out, "%" PRId64 "ms", ms);
    else if (ms % 60000 != 0 || ms == 0)
        (void)fprintf(out, "%" PRId64 "s", ms / 1000);
    else
        (void)fprintf(out, "%" PRId64 "m", ms / 60000);
}

void config_print(const struct config *config, FILE *out)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        const struct row *row = &rows[i];
        const void *at = (const char *)config + row->at;
        const char *source = *(char *const *)(const void *)((const char *)config + row->source_at);
        (void)fprintf(out, "%s: ", row->name);
        switch (row->kind) {
        case KIND_TEXT:
            print_text(*(char *const *)at, out);
            break;
        case KIND_NUMBER:
            (void)fprintf(out, "%" PRId64, *(const int64_t *)at);
            break;
        case KIND_SWITCH:
            (void)fprintf(out, "%s", *(const int64_t *)at != 0 ? "true" : "false");
            break;
        case KIND_DURATION:
            print_duration(*(const int64_t *)at, out);
            break;
        case KIND_LIST: {
            const struct config_list *list = at;
            (void)fputc('[', out);
            for (size_t j = 0; j < list->count; j++) {
                (void)fprintf(out, "%s", j > 0 ? ", " : "");
                print_text(list->items[j], out);
            }
            (void)fputc(']', out);
            break;
        }
        }
        (void)fprintf(out, "  # %s\n", source);
    }
}
