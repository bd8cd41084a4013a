/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int says_utf8(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0'
               ? (strstr(value, "UTF-8") != NULL || strstr(value, "utf8") != NULL ? 1 : -1)
               : 0;
}

void term_init(struct term *term, FILE *out)
{
    const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");
    int is_terminal = isatty(fileno(out)), utf8;
    term->out = out;
    term->live = is_terminal && kind != NULL && strcmp(kind, "dumb") != 0 && kind[0] != '\0';
    term->colour = term->live && (no_colour == NULL || no_colour[0] == '\0');
    /* The first of the three that is set decides, as in the C library. */
    if ((utf8 = says_utf8("LC_ALL")) == 0 && (utf8 = says_utf8("LC_CTYPE")) == 0)
        utf8 = says_utf8("LANG");
    term->utf8 = utf8 > 0;
}

void term_get_size(const struct term *term, unsigned *columns, unsigned *rows)
{
    struct winsize size;
    memset(&size, 0, sizeof(size));
    if (ioctl(fileno(term->out), TIOCGWINSZ, &size) != 0)
        size.ws_col = size.ws_row = 0;
    *columns = size.ws_col > 0 ? size.ws_col : 80;
    *rows = size.ws_row > 0 ? size.ws_row : 24;
}

void term_put_colour(const struct term *term, struct text *out, const char *colour,
                     const char *word)
{
    if (term->colour)
        text_printf(out, "\033[%sm%s\033[0m", colour, word);
    else
        text_put(out, word);
}

/* The length of an escape sequence at bytes, which begins with ESC. */
static size_t escape_len(const char *bytes, size_t len)
{
    size_t at = 1;
    if (len < 2)
        return 1;
    if (bytes[1] == ']') { /* up to BEL or ESC \ */
        while (at < len && bytes[at] != '\a' && bytes[at] != '\033')
            at++;
        return at < len ? at + (bytes[at] == '\033' ? 2 : 1) : len;
    }
    if (bytes[1] != '[')
        return 2;
    for (at = 2; at < len && ((unsigned char)bytes[at] < 0x40 || (unsigned char)bytes[at] > 0x7E);)
        at++;
    return at < len ? at + 1 : len;
}

void term_put_safe(const struct term *term, struct text *out, const char *bytes, size_t len)
{
    if (!term->live) {
        text_add(out, bytes, len);
        return;
    }
    while (len > 0 && bytes[len - 1] == '\r')
        len--;
    /* A program that redraws its line: only its last state is of use. */
    const char *redraw = len > 0 ? memrchr(bytes, '\r', len) : NULL;
    if (redraw != NULL) {
        len -= (size_t)(redraw + 1 - bytes);
        bytes = redraw + 1;
    }
    for (size_t i = 0; i < len;) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte == 0x1B) {
            i += escape_len(bytes + i, len - i);
            continue;
        }
        /* 0xC2 0x80 to 0x9F are control characters of eight bits in UTF-8. */
        if (byte == 0xC2 && i + 1 < len && (unsigned char)bytes[i + 1] < 0xA0) {
            i += 2;
            continue;
        }
        if (byte == '\t' || (byte >= 0x20 && byte != 0x7F))
            text_add(out, bytes + i, 1);
        i++;
    }
}

size_t term_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

void term_cut(struct text *text, size_t columns)
{
    size_t width = 0;
    for (size_t i = 0; i < text->len; i++) {
        if (((unsigned char)text->ptr[i] & 0xC0) == 0x80)
            continue;
        if (++width > columns) {
            text->len = i;
            text->ptr[i] = '\0';
            return;
        }
    }
}
