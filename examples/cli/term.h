/* SPDX-License-Identifier: Apache-2.0 */
/* What the terminal can do, and texts made safe for it. */
#ifndef EXAMPLES_CLI_TERM_H
#define EXAMPLES_CLI_TERM_H

#include <stddef.h>
#include <stdio.h>

#include "common/text.h"

struct term {
    FILE *out;
    int live;   /* a terminal that can be redrawn */
    int colour; /* wanted and possible; NO_COLOR says no */
    int utf8;
};

void term_init(struct term *term, FILE *out);
/* Its size now; 80 by 24 where it does not say. */
void term_get_size(const struct term *term, unsigned *columns, unsigned *rows);
/* The escape for a colour, or "". */
#define TERM_RED "31"
#define TERM_GREEN "32"
#define TERM_YELLOW "33"
#define TERM_CYAN "36"
#define TERM_DIM "2"
#define TERM_BOLD "1"
void term_put_colour(const struct term *term, struct text *out, const char *colour,
                     const char *word);
/* Adds a line of a program's output: on a terminal without what would move the cursor or change its
 * state, else as it is. */
void term_put_safe(const struct term *term, struct text *out, const char *bytes, size_t len);
/* How many columns a UTF-8 text takes, more or less: its characters. */
size_t term_width(const char *text);
/* Cuts text behind so many characters. */
void term_cut(struct text *text, size_t columns);

#endif
