/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of a table in the order of its key, through the port alone and a page at a time: by
 * the last key that was seen, so that the millionth row costs what the first did. What is added or
 * deleted meanwhile is seen or not; nothing is seen twice. */
#ifndef ARC_ENGINE_WALK_H
#define ARC_ENGINE_WALK_H

#include "base/buf.h"
#include "engine/desk.h"

#define ARC_WALK_KEYS_MAX 3u
#define ARC_WALK_ROWS 512u                            /* of one page */
#define ARC_WALK_PAGE_BYTES (4u * 1024u * 1024u)      /* a page aims at no more than this */
#define ARC_WALK_ROW_BYTES_MAX (512u * 1024u * 1024u) /* of one page that cannot be smaller */

struct arc_walk {
    struct arc_desk *desk;
    enum arc_table table;
    struct arc_arena arena; /* the page */
    const void *rows;
    size_t count, at;
    size_t limit;                            /* of the next page */
    uint32_t same;                           /* columns of the key that stay as they are */
    int started, over;                       /* over: the page is the last one */
    struct arc_buf texts[ARC_WALK_KEYS_MAX]; /* the last key */
    int64_t numbers[ARC_WALK_KEYS_MAX];
};

/* Allocates nothing. desk outlives it. */
void arc__walk_init(struct arc_walk *walk, struct arc_desk *desk, enum arc_table table);
void arc__walk_deinit(struct arc_walk *walk);
/* The row that comes next, or NULL behind the last one; it stays the same until arc__walk_pass, and
 * may go with the page when the walk is at its end (arc__walk_page_ends). */
arc_status arc__walk_look(struct arc_walk *walk, const void **row, arc_err *err);
void arc__walk_pass(struct arc_walk *walk);
/* 1: the next look reads a new page, and rows of this one go. */
static inline int arc__walk_page_ends(const struct arc_walk *walk)
{
    return walk->at >= walk->count && !(walk->started && walk->over);
}

/* By the columns of the key, bytewise. */
int arc__row_key_order(const struct arc_table_def *def, const void *a, const void *b);
int arc__row_same(const struct arc_table_def *def, const void *a, const void *b);
/* What the values take: texts as they are, 8 for a number. */
uint64_t arc__row_bytes(const struct arc_table_def *def, const void *row);

static inline arc_slice arc__row_slice(const struct arc_table_def *def, const void *row,
                                       uint32_t col)
{
    arc_slice text;
    memcpy(&text, (const char *)row + def->cols[col].offset, sizeof(text));
    return text;
}

static inline int64_t arc__row_number(const struct arc_table_def *def, const void *row,
                                      uint32_t col)
{
    int64_t number;
    memcpy(&number, (const char *)row + def->cols[col].offset, sizeof(number));
    return number;
}

#endif
