/* SPDX-License-Identifier: Apache-2.0 */
/* The greedy algorithm of E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986).
 */
#include "common/diff.h"

#include <string.h>

#include "common/mem.h"

#define AROUND 3

/* With its end; the last one may have none. */
struct line {
    const char *ptr;
    size_t len;
};

struct side {
    struct line *lines;
    char *changed; /* of each line: 1: it is in this text alone */
    long count;
};

/* One line of the answer. */
struct row {
    char kind; /* ' ', '-' or '+' */
    long before, after;
};

static struct side side_of(const struct text *text)
{
    const char *at = text_get(text), *end = at + text->len;
    struct side side = {NULL, NULL, 0};
    size_t most = 1;
    for (const char *c = at; c < end; c++)
        most += *c == '\n';
    side.lines = mem_new(most * sizeof(*side.lines));
    side.changed = mem_new(most);
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = stop != NULL ? (size_t)(stop - at) + 1 : (size_t)(end - at);
        side.lines[side.count++] = (struct line){at, len};
        at += len;
    }
    return side;
}

static void side_deinit(struct side *side)
{
    mem_free(side->lines);
    mem_free(side->changed);
}

static int same(const struct line *a, const struct line *b)
{
    return a->len == b->len && memcmp(a->ptr, b->ptr, a->len) == 0;
}

/* --- the fewest changes -------------------------------------------------------------------- */

/* What is left between what both texts begin and end with. */
struct middle {
    const struct side *before, *after;
    long from, before_count, after_count;
    /* trace[d][d + k]: how many lines of `before` are behind the furthest path of d edits with k
     * more of them than of `after` */
    long **trace;
    long made;
};

/* 1: of the two paths that lead to it, it comes from the one that adds a line. */
static int adds(const struct middle *m, long d, long k)
{
    const long *last = m->trace[d - 1] + (d - 1);
    return k == -d || (k != d && last[k - 1] < last[k + 1]);
}

static long start_of(const struct middle *m, long d, long k)
{
    if (d == 0)
        return 0;
    const long *last = m->trace[d - 1] + (d - 1);
    return adds(m, d, k) ? last[k + 1] : last[k - 1] + 1;
}

/* How many edits lead from one to the other; -1: too many. */
static long walk(struct middle *m)
{
    long n = m->before_count, o = m->after_count;
    long most = n + o < DIFF_EDITS_MAX ? n + o : DIFF_EDITS_MAX;
    m->trace = mem_new((size_t)(most + 1) * sizeof(*m->trace));
    for (long d = 0; d <= most; d++) {
        m->trace[d] = mem_new((size_t)(2 * d + 1) * sizeof(**m->trace));
        m->made = d + 1;
        for (long k = -d; k <= d; k += 2) {
            long x = start_of(m, d, k), y = x - k;
            while (x < n && y < o &&
                   same(&m->before->lines[m->from + x], &m->after->lines[m->from + y]))
                x++, y++;
            m->trace[d][d + k] = x;
            if (x >= n && y >= o)
                return d;
        }
    }
    return -1;
}

static void note(const struct middle *m, long edits)
{
    long x = m->before_count, y = m->after_count;
    for (long d = edits; d > 0; d--) {
        long k = x - y;
        int added = adds(m, d, k);
        k += added ? 1 : -1;
        x = m->trace[d - 1][d - 1 + k];
        y = x - k;
        if (added)
            m->after->changed[m->from + y] = 1;
        else
            m->before->changed[m->from + x] = 1;
    }
}

static void compare(const struct side *before, const struct side *after)
{
    long least = before->count < after->count ? before->count : after->count, head = 0, tail = 0;
    while (head < least && same(&before->lines[head], &after->lines[head]))
        head++;
    while (tail < least - head &&
           same(&before->lines[before->count - 1 - tail], &after->lines[after->count - 1 - tail]))
        tail++;
    struct middle m = {.before = before,
                       .after = after,
                       .from = head,
                       .before_count = before->count - head - tail,
                       .after_count = after->count - head - tail};
    long edits = walk(&m);
    if (edits >= 0) {
        note(&m, edits);
    } else {
        memset(before->changed + head, 1, (size_t)m.before_count);
        memset(after->changed + head, 1, (size_t)m.after_count);
    }
    for (long d = 0; d < m.made; d++)
        mem_free(m.trace[d]);
    mem_free(m.trace);
}

/* --- showing them -------------------------------------------------------------------------- */

static struct row *rows_of(const struct side *before, const struct side *after, long *count)
{
    struct row *rows = mem_new((size_t)(before->count + after->count + 1) * sizeof(*rows));
    long i = 0, j = 0, n = 0;
    while (i < before->count || j < after->count) {
        char kind = i < before->count && before->changed[i] ? '-'
                    : j < after->count && after->changed[j] ? '+'
                                                            : ' ';
        rows[n++] = (struct row){kind, i, j};
        i += kind != '+';
        j += kind != '-';
    }
    *count = n;
    return rows;
}

static void add_range(struct text *out, char sign, long first, long count)
{
    text_printf(out, " %c%ld", sign, count > 0 ? first + 1 : first);
    if (count != 1)
        text_printf(out, ",%ld", count);
}

static void add_hunk(const struct side *before, const struct side *after, const struct row *rows,
                     long count, struct text *out)
{
    long removed = 0, added = 0;
    for (long r = 0; r < count; r++) {
        removed += rows[r].kind != '+';
        added += rows[r].kind != '-';
    }
    text_put(out, "@@");
    add_range(out, '-', rows[0].before, removed);
    add_range(out, '+', rows[0].after, added);
    text_put(out, " @@\n");
    for (long r = 0; r < count; r++) {
        const struct line *line =
            rows[r].kind == '+' ? &after->lines[rows[r].after] : &before->lines[rows[r].before];
        text_add(out, &rows[r].kind, 1);
        text_add(out, line->ptr, line->len);
        if (line->ptr[line->len - 1] != '\n')
            text_put(out, "\n\\ No newline at end of file\n");
    }
}

static void add_hunks(const struct side *before, const struct side *after, struct text *out)
{
    long count = 0;
    struct row *rows = rows_of(before, after, &count);
    for (long r = 0, shown = 0; r < count; r++) {
        long last = r, from = r - AROUND > shown ? r - AROUND : shown;
        if (rows[r].kind == ' ')
            continue;
        for (long next = r; next < count && next <= last + 2 * AROUND + 1; next++) {
            if (rows[next].kind != ' ')
                last = next;
        }
        shown = last + AROUND + 1 < count ? last + AROUND + 1 : count;
        add_hunk(before, after, rows + from, shown - from, out);
        r = shown - 1;
    }
    mem_free(rows);
}

void diff_unified(const struct text *before, const struct text *after, const char *name_before,
                  const char *name_after, struct text *out)
{
    if (before->len == after->len && memcmp(text_get(before), text_get(after), after->len) == 0)
        return;
    struct side one = side_of(before), other = side_of(after);
    compare(&one, &other);
    text_printf(out, "--- %s\n+++ %s\n", name_before, name_after);
    add_hunks(&one, &other, out);
    side_deinit(&one);
    side_deinit(&other);
}
