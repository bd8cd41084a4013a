/* SPDX-License-Identifier: Apache-2.0 */
/* Borrowed text. Two machine words, passed by value. */
#ifndef ARC_BASE_SLICE_H
#define ARC_BASE_SLICE_H

#include <string.h>

#include <arcentra/base.h>

/* For string literals only. */
#define ARC_LIT(text) ((arc_slice){("" text), sizeof(text) - 1})
#define ARC_NONE ((arc_slice){NULL, 0})
/* For printf: "%.*s", ARC_ARG(slice). */
#define ARC_ARG(slice) (int)(slice).len, ((slice).ptr != NULL ? (slice).ptr : "")

static inline arc_slice arc__slice(const void *ptr, size_t len)
{
    return (arc_slice){(const char *)ptr, len};
}

/* NULL gives the empty slice. */
static inline arc_slice arc__slice_cstr(const char *text)
{
    return (arc_slice){text, text != NULL ? strlen(text) : 0};
}

static inline int arc__slice_equal(arc_slice a, arc_slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline int arc__slice_is(arc_slice a, const char *text)
{
    return arc__slice_equal(a, arc__slice_cstr(text));
}

static inline int arc__slice_starts(arc_slice a, arc_slice prefix)
{
    return a.len >= prefix.len && (prefix.len == 0 || memcmp(a.ptr, prefix.ptr, prefix.len) == 0);
}

/* A number that tells most texts apart by their length and a few of their bytes; for tables of what
 * came before, where a miss only costs time. */
static inline uint32_t arc__slice_look(arc_slice a)
{
    uint32_t look = (uint32_t)a.len * 31;
    if (a.len == 0)
        return 0;
    look += (unsigned char)a.ptr[0] * 5U + (unsigned char)a.ptr[a.len - 1] * 17U;
    look += (unsigned char)a.ptr[a.len / 2] * 7U + (unsigned char)a.ptr[a.len / 3] * 13U;
    return look + (unsigned char)a.ptr[a.len - a.len / 4 - 1] * 29U;
}

/* From at to the end; empty when at is beyond. */
static inline arc_slice arc__slice_from(arc_slice a, size_t at)
{
    return at >= a.len ? ARC_NONE : (arc_slice){a.ptr + at, a.len - at};
}

int arc__slice_compare(arc_slice a, arc_slice b);        /* bytewise, like memcmp; shorter first */
int arc__slice_compare_nocase(arc_slice a, arc_slice b); /* ASCII letters only */
arc_slice arc__slice_trim(arc_slice a);                  /* ASCII blanks off both ends */
/* Cuts at the first separator: the part before is returned, *rest is what follows (ARC_NONE where
 * there is no separator). */
arc_slice arc__slice_cut(arc_slice a, char separator, arc_slice *rest);
/* Whole text as decimal integer, no blanks, no plus sign. 1: ok and *out is written. */
int arc__slice_to_i64(arc_slice a, int64_t *out);
int arc__slice_to_u64(arc_slice a, uint64_t *out);
/* Two decimal numbers of any length, like 10, -3 or 1.50, exactly: *order is -1, 0 or 1. 0: one is
 * no number; *order is as it was. */
int arc__slice_compare_numbers(arc_slice a, arc_slice b, int *order);
/* 1: a relative path that never climbs above its start and names no drive, whether `\` separates on
 * the machine where it is used or not. The empty one does not. */
int arc__path_inside(arc_slice path);
/* Copies at most size-1 bytes and always terminates. Returns the bytes copied. */
size_t arc__slice_to_cstr(arc_slice a, char *out, size_t size);

#endif
