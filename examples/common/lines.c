/* SPDX-License-Identifier: Apache-2.0 */
#include "common/lines.h"

#include <string.h>

/* Where to cut len bytes that are too long: not inside a character, if it is one. */
static size_t cut_at(const char *bytes, size_t len)
{
    for (size_t back = 1; back <= 3 && back < len; back++) {
        unsigned char byte = (unsigned char)bytes[len - back];
        if ((byte & 0xC0) == 0x80)
            continue;
        size_t width = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        return width > back ? len - back : len;
    }
    return len;
}

static void give_full(struct lines *lines, line_fn *line, void *user)
{
    size_t len = cut_at(lines->part.ptr, LINE_MAX_BYTES);
    line(user, lines->part.ptr, len, 1);
    text_skip(&lines->part, len);
}

void lines_feed(struct lines *lines, const char *bytes, size_t len, line_fn *line, void *user)
{
    while (len > 0) {
        const char *newline = memchr(bytes, '\n', len);
        size_t piece = newline != NULL ? (size_t)(newline - bytes) : len;
        size_t room = LINE_MAX_BYTES - lines->part.len;
        if (piece > room) {
            text_add(&lines->part, bytes, room);
            bytes += room;
            len -= room;
            give_full(lines, line, user);
            continue;
        }
        if (newline == NULL) {
            text_add(&lines->part, bytes, piece);
            return;
        }
        if (lines->part.len == 0) {
            line(user, bytes, piece, 0);
        } else {
            text_add(&lines->part, bytes, piece);
            line(user, lines->part.ptr, lines->part.len, 0);
            text_clear(&lines->part);
        }
        bytes += piece + 1;
        len -= piece + 1;
    }
}

void lines_end(struct lines *lines, line_fn *line, void *user)
{
    if (lines->part.len > 0)
        line(user, lines->part.ptr, lines->part.len, 0);
    text_deinit(&lines->part);
}
