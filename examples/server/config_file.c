/* SPDX-License-Identifier: Apache-2.0 */
/* The settings' file: YAML events of libyaml, one flat map. The one place of the server that knows
 * libyaml. A document is bounded before it is parsed, and events are read without building a tree,
 * so neither nesting nor aliases can cost more than the file is long. */
#include "server/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "common/mem.h"
#include "common/text.h"

#define FILE_MAX_BYTES 65536u
#define KEYS_MAX 64u

struct reader {
    struct config *config;
    struct config_why *why;
    const char *path;
    yaml_parser_t parser;
    yaml_event_t event;
    int held; /* event is to be deleted */
    char *seen[KEYS_MAX];
    size_t seen_count;
};

__attribute__((__format__(__printf__, 3, 4))) static int
refuse_at(struct reader *reader, yaml_mark_t mark, const char *format, ...)
{
    va_list args;
    int used = snprintf(reader->why->text, sizeof(reader->why->text), "%s:%zu:%zu: ", reader->path,
                        mark.line + 1, mark.column + 1);
    if (used < 0 || (size_t)used >= sizeof(reader->why->text))
        return -1;
    va_start(args, format);
    (void)vsnprintf(reader->why->text + used, sizeof(reader->why->text) - (size_t)used, format,
                    args);
    va_end(args);
    return -1;
}

/* The next event, in reader->event until the one after. */
static int next(struct reader *reader)
{
    if (reader->held)
        yaml_event_delete(&reader->event);
    reader->held = yaml_parser_parse(&reader->parser, &reader->event);
    if (reader->held)
        return 0;
    return refuse_at(reader, reader->parser.problem_mark, "%s.",
                     reader->parser.problem != NULL ? reader->parser.problem : "not YAML");
}

static int is_null(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

/* A list's scalars, joined with commas as the environment would say them. */
static int read_list(struct reader *reader, struct text *value)
{
    while (next(reader) == 0) {
        const yaml_event_t *event = &reader->event;
        if (event->type == YAML_SEQUENCE_END_EVENT)
            return 0;
        if (event->type != YAML_SCALAR_EVENT ||
            memchr(event->data.scalar.value, ',', event->data.scalar.length) != NULL)
            return refuse_at(reader, event->start_mark, "a list holds texts without commas.");
        if (value->len > 0)
            text_put(value, ",");
        text_add(value, event->data.scalar.value, event->data.scalar.length);
    }
    return -1;
}

/* The value of a key, and the setting with it. */
static int read_value(struct reader *reader, const char *key, yaml_mark_t at)
{
    struct text value = {NULL, 0, 0}, source = {NULL, 0, 0};
    struct config_why why;
    int result = next(reader);
    if (result == 0) {
        const yaml_event_t *event = &reader->event;
        if (event->type == YAML_SCALAR_EVENT && !is_null(event) &&
            strlen((const char *)event->data.scalar.value) == event->data.scalar.length)
            text_add(&value, event->data.scalar.value, event->data.scalar.length);
        else if (event->type == YAML_SEQUENCE_START_EVENT)
            result = read_list(reader, &value);
        else
            result =
                refuse_at(reader, event->start_mark, "%.40s has no value that can be read.", key);
    }
    if (result == 0) {
        text_printf(&source, "%s:%zu:%zu", reader->path, at.line + 1, at.column + 1);
        result = config_set(reader->config, key, text_get(&value), text_get(&source), &why);
        if (result != 0)
            *reader->why = why;
    }
    text_deinit(&value);
    text_deinit(&source);
    return result;
}

static int read_map(struct reader *reader)
{
    while (next(reader) == 0) {
        yaml_event_t *event = &reader->event;
        yaml_mark_t at = event->start_mark;
        if (event->type == YAML_MAPPING_END_EVENT)
            return 0;
        if (event->type != YAML_SCALAR_EVENT)
            return refuse_at(reader, at, "a key is a name.");
        const char *name = (const char *)event->data.scalar.value;
        for (size_t i = 0; i < reader->seen_count; i++)
            if (strcmp(reader->seen[i], name) == 0)
                return refuse_at(reader, at, "%.40s is set twice.", name);
        if (reader->seen_count == KEYS_MAX)
            return refuse_at(reader, at, "more than %u settings.", KEYS_MAX);
        char *key = mem_copy(name);
        reader->seen[reader->seen_count++] = key;
        if (read_value(reader, key, at) != 0)
            return -1;
    }
    return -1;
}

static int read_document(struct reader *reader)
{
    if (next(reader) != 0) /* the stream's start */
        return -1;
    if (next(reader) != 0)
        return -1;
    if (reader->event.type == YAML_STREAM_END_EVENT)
        return 0;
    if (next(reader) != 0)
        return -1;
    if (reader->event.type == YAML_MAPPING_START_EVENT) {
        if (read_map(reader) != 0)
            return -1;
    } else if (reader->event.type != YAML_SCALAR_EVENT || !is_null(&reader->event)) {
        return refuse_at(reader, reader->event.start_mark,
                         "the settings are a map of names and values.");
    }
    if (next(reader) != 0) /* the document's end */
        return -1;
    if (next(reader) != 0)
        return -1;
    if (reader->event.type != YAML_STREAM_END_EVENT)
        return refuse_at(reader, reader->event.start_mark, "there is a second document.");
    return 0;
}

int config_read_text(struct config *config, const char *text, size_t len, const char *path,
                     struct config_why *why)
{
    struct reader reader = {.config = config, .why = why, .path = path};
    if (!yaml_parser_initialize(&reader.parser)) {
        (void)snprintf(why->text, sizeof(why->text), "%s: out of memory.", path);
        return -1;
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, len);
    int result = read_document(&reader);
    if (reader.held)
        yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    for (size_t i = 0; i < reader.seen_count; i++)
        mem_free(reader.seen[i]);
    return result;
}

int config_read_file(struct config *config, const char *path, struct config_why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        int missing = errno == ENOENT;
        (void)snprintf(why->text, sizeof(why->text), "%s: %s.", path, strerror(errno));
        return missing ? 1 : -1;
    }
    char *text = mem_new(FILE_MAX_BYTES + 1);
    size_t len = 0;
    ssize_t got = 0;
    while (len <= FILE_MAX_BYTES && (got = read(fd, text + len, FILE_MAX_BYTES + 1 - len)) > 0)
        len += (size_t)got;
    int result = 0;
    if (got < 0) {
        (void)snprintf(why->text, sizeof(why->text), "%s: %s.", path, strerror(errno));
        result = -1;
    } else if (len > FILE_MAX_BYTES) {
        (void)snprintf(why->text, sizeof(why->text), "%s: longer than %u bytes.", path,
                       FILE_MAX_BYTES);
        result = -1;
    }
    (void)close(fd);
    if (result == 0)
        result = config_read_text(config, text, len, path, why);
    mem_free(text);
    return result;
}
