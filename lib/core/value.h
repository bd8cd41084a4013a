/* SPDX-License-Identifier: Apache-2.0 */
/* Values of expressions: what `${{ }}` and `when` compute with, and what inputs of a run are.
 *
 * A value is 16 bytes and borrows what it points to; whoever makes it says from which arena. Maps
 * are sorted by key, so that the same value has the same bytes everywhere. */
#ifndef ARC_CORE_VALUE_H
#define ARC_CORE_VALUE_H

#include "base/arena.h"
#include "base/buf.h"

enum arc_value_kind {
    ARC_VALUE_NULL,
    ARC_VALUE_BOOL,
    ARC_VALUE_INT,
    ARC_VALUE_FLOAT,
    ARC_VALUE_TEXT,
    ARC_VALUE_LIST,
    ARC_VALUE_MAP,
    ARC_VALUE_DURATION, /* nanoseconds */
    ARC_VALUE_TIME,     /* nanoseconds since 1970, UTC */
    ARC_VALUE_UNKNOWN   /* not known yet: while planning, what only the run will tell */
};

/* How deep lists and maps stand in each other: documents (64) within literals (32), and air. What
 * is deeper is equal to nothing, is not written (ARC_ELIMIT) and not copied (UNKNOWN). */
#define ARC_VALUE_DEPTH_MAX 128u

struct arc_member;

struct arc_value {
    uint32_t kind;  /* enum arc_value_kind */
    uint32_t count; /* TEXT: bytes; LIST, MAP: children */
    union {
        int64_t integer; /* BOOL (0, 1), INT, DURATION, TIME */
        double real;
        const char *text; /* UTF-8, not terminated */
        const struct arc_value *items;
        const struct arc_member *members; /* sorted by key, keys unique */
    } as;
};

struct arc_member {
    arc_slice key;
    struct arc_value value;
};

#define ARC_VALUE_OF_NULL ((struct arc_value){ARC_VALUE_NULL, 0, {0}})
#define ARC_VALUE_OF_UNKNOWN ((struct arc_value){ARC_VALUE_UNKNOWN, 0, {0}})

static inline struct arc_value arc__value_int(int64_t integer)
{
    return (struct arc_value){ARC_VALUE_INT, 0, {.integer = integer}};
}

static inline struct arc_value arc__value_bool(int yes)
{
    return (struct arc_value){ARC_VALUE_BOOL, 0, {.integer = yes != 0}};
}

/* text: borrowed, at most 4 GiB. ARC_NONE is the empty text. */
static inline struct arc_value arc__value_text(arc_slice text)
{
    return (struct arc_value){ARC_VALUE_TEXT, (uint32_t)text.len, {.text = text.ptr}};
}

static inline arc_slice arc__value_slice(const struct arc_value *value)
{
    return arc__slice(value->as.text, value->count);
}

/* "text", "a list", … for messages: with its article where one is said. */
const char *arc__value_kind_name(enum arc_value_kind kind);
/* A member of a map by binary search; NULL: it has none of that name, or it is no map. */
const struct arc_value *arc__value_get(const struct arc_value *map, arc_slice key);
/* <0, 0, >0: two of INT and FLOAT by number, exactly (no rounding of large integers). */
int arc__value_compare_numbers(const struct arc_value *a, const struct arc_value *b);
/* 1: equal. INT and FLOAT compare by number; other kinds that differ are not equal. */
int arc__value_equal(const struct arc_value *a, const struct arc_value *b);
/* 0: it is, or holds, what is not known yet. */
int arc__value_is_known(const struct arc_value *value);
/* As JSON: maps in their order, times as RFC 3339, durations as `1h30m`; numbers so that they read
 * back as they are. UNKNOWN is null. */
void arc__value_to_json(const struct arc_value *value, struct arc_buf *out);
/* As a template shows it: texts as they are, null as nothing, lists and maps as JSON. */
void arc__value_to_text(const struct arc_value *value, struct arc_buf *out);
/* A deep copy into the arena; UNKNOWN when memory is out (the arena says so). */
struct arc_value arc__value_copy(struct arc_arena *arena, const struct arc_value *value);
/* Strict JSON (RFC 8259) as a value, at most `depth` deep (core may not see yajl): ARC_EINVAL with
 * line and column (in bytes) in err, ARC_ELIMIT too deep, ARC_ENOMEM. Duplicate keys and NUL are
 * refused; integers outside of int64 become FLOAT. Nothing of json is borrowed. */
arc_status arc__value_from_json(arc_slice json, uint32_t depth, struct arc_arena *arena,
                                struct arc_value *out, arc_err *err);
/* Sorts by key, members of one key in the order that they had. */
void arc__value_sort(struct arc_member *members, uint32_t count);
/* A map from members in any order: sorts them in place. Of two with one key the later wins. */
struct arc_value arc__value_map(struct arc_member *members, uint32_t count);

#endif
