/* SPDX-License-Identifier: Apache-2.0 */
#include "common/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/text.h"

#define OUTPUT_NAME_MAX 64 /* and as much of a wrong line is shown */

struct reader {
    char *at, *end; /* what is left; lines are cut with NUL in place */
    int line;
    struct outputs *out;
    char *why;
    size_t why_size;
};

char *outputs_path(const char *scratch)
{
    struct text text = {NULL, 0, 0};
    text_printf(&text, "%s/outputs", scratch);
    return text_take(&text);
}

/* The whole file with a NUL behind it; NULL: there is none (why is empty) or it cannot be read. A
 * step owns the file and may have put anything in its place: nothing but a regular file is read. */
static char *read_file(const char *path, size_t *len, char *why, size_t why_size)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    why[0] = '\0';
    if (fd < 0 && errno == ENOENT)
        return NULL;
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        snprintf(why, why_size, "The file of " OUTPUTS_VARIABLE " is no regular file any more.");
    } else {
        char *bytes = mem_new(OUTPUTS_BYTES_MAX + 2);
        ssize_t got = 0;
        *len = 0;
        while (*len <= OUTPUTS_BYTES_MAX &&
               (got = read(fd, bytes + *len, OUTPUTS_BYTES_MAX + 1 - *len)) > 0)
            *len += (size_t)got;
        close(fd);
        if (got >= 0 && *len <= OUTPUTS_BYTES_MAX)
            return bytes;
        snprintf(why, why_size, "The outputs of the step have more than %d bytes.",
                 OUTPUTS_BYTES_MAX);
        mem_free(bytes);
        return NULL;
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

/* The next line without its end, or NULL. */
static char *next_line(struct reader *reader)
{
    char *line = reader->at;
    if (line == reader->end)
        return NULL;
    char *stop = memchr(line, '\n', (size_t)(reader->end - line));
    reader->line++;
    reader->at = stop != NULL ? stop + 1 : reader->end;
    if (stop == NULL)
        stop = reader->end;
    if (stop > line && stop[-1] == '\r')
        stop--;
    *stop = '\0';
    return line;
}

static int refuse(const struct reader *reader, const char *line)
{
    snprintf(reader->why, reader->why_size,
             "Line %d of the step's outputs is not `name=value`: `%.*s`.", reader->line,
             OUTPUT_NAME_MAX, line);
    return 0;
}

static int is_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-";
    static const char digits[] = "0123456789";
    size_t len = strspn(name, letters);
    while (len > 0 && name[len] != '\0') {
        size_t more = strspn(name + len, letters) + strspn(name + len, digits);
        if (more == 0)
            return 0;
        len += more;
    }
    return len > 0 && len <= OUTPUT_NAME_MAX;
}

static int take(struct reader *reader, const char *name, const char *value)
{
    struct outputs *out = reader->out;
    if (!is_name(name)) {
        snprintf(reader->why, reader->why_size,
                 "Line %d of the step's outputs: `%.*s` is no name; letters, digits, `_` and `-` "
                 "are, at most %d.",
                 reader->line, OUTPUT_NAME_MAX, name, OUTPUT_NAME_MAX);
        return 0;
    }
    for (size_t i = 0; i < out->count; i++) {
        if (strcmp(out->names[i], name) == 0) {
            mem_free(out->values[i]);
            out->values[i] = mem_copy(value);
            return 1;
        }
    }
    out->names = mem_grow(out->names, (out->count + 1) * sizeof(*out->names));
    out->values = mem_grow(out->values, (out->count + 1) * sizeof(*out->values));
    out->names[out->count] = mem_copy(name);
    out->values[out->count++] = mem_copy(value);
    return 1;
}

/* The lines up to the one that is `word` alone. */
static int read_block(struct reader *reader, const char *name, const char *word)
{
    struct text value = {NULL, 0, 0};
    int first = reader->line, taken = -1;
    for (char *line = next_line(reader); line != NULL; line = next_line(reader)) {
        if (strcmp(line, word) == 0) {
            taken = take(reader, name, text_get(&value));
            break;
        }
        if (value.ptr != NULL)
            text_put(&value, "\n");
        text_put(&value, line);
    }
    text_deinit(&value);
    if (taken < 0)
        snprintf(reader->why, reader->why_size,
                 "The output of line %d of the step's outputs has no end: a line `%.*s` is "
                 "missing.",
                 first, OUTPUT_NAME_MAX, word);
    return taken > 0;
}

static int read_line(struct reader *reader, char *line)
{
    char *equals = strchr(line, '='), *block = strstr(line, "<<");
    if (line[0] == '\0')
        return 1;
    if (block != NULL && block != line && (equals == NULL || block < equals) && block[2] != '\0') {
        *block = '\0';
        return read_block(reader, line, block + 2);
    }
    if (equals == NULL || equals == line)
        return refuse(reader, line);
    *equals = '\0';
    return take(reader, line, equals + 1);
}

int outputs_read(const char *path, struct outputs *out, char *why, size_t why_size)
{
    size_t len = 0;
    *out = (struct outputs){NULL, NULL, 0};
    char *bytes = read_file(path, &len, why, why_size);
    if (bytes == NULL)
        return why[0] == '\0';
    int fine = memchr(bytes, '\0', len) == NULL;
    if (!fine)
        snprintf(why, why_size, "The outputs of the step hold a NUL character.");
    struct reader reader = {bytes, bytes + len, 0, out, why, why_size};
    for (char *line = fine ? next_line(&reader) : NULL; line != NULL && fine;
         line = fine ? next_line(&reader) : NULL)
        fine = read_line(&reader, line);
    mem_free(bytes);
    return fine;
}

void outputs_deinit(struct outputs *outputs)
{
    for (size_t i = 0; i < outputs->count; i++) {
        mem_free(outputs->names[i]);
        mem_free(outputs->values[i]);
    }
    mem_free(outputs->names);
    mem_free(outputs->values);
}
