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

/* Eight bytes from at, or as many as there are; texts of the same length have the same number where
 * they have the same bytes there. What overlaps is read twice: a call of memcpy costs more. */
static inline uint64_t arc__slice_word(arc_slice a, size_t at)
{
    uint64_t word = 0;
    uint32_t first, last;
    size_t left = a.len - at;
    if (left >= sizeof(word)) {
        memcpy(&word, a.ptr + at, sizeof(word));
    } else if (left >= sizeof(first)) {
        memcpy(&first, a.ptr + at, sizeof(first));
        memcpy(&last, a.ptr + a.len - sizeof(last), sizeof(last));
        word = (uint64_t)last << 32 | first;
    } else if (left > 0) {
        const unsigned char *text = (const unsigned char *)a.ptr + at;
        word = (uint64_t)text[0] << 16 | (uint64_t)text[left / 2] << 8 | text[left - 1];
    }
    return word;
}

/* arc__slice_equal for texts that are short mostly, like names: without a call. */
static inline int arc__slice_same(arc_slice a, arc_slice b)
{
    if (a.len != b.len)
        return 0;
    if (a.len > 16)
        return memcmp(a.ptr, b.ptr, a.len) == 0;
    return arc__slice_word(a, 0) == arc__slice_word(b, 0) &&
           (a.len <= 8 || arc__slice_word(a, a.len - 8) == arc__slice_word(b, b.len - 8));
}

/* A number that tells most texts apart by their length and the bytes at both ends and in the
 * middle; for tables of what came before, where a miss only costs time. It depends on the byte
 * order. */
static inline uint32_t arc__slice_look(arc_slice a)
{
    uint64_t look = a.len ^ arc__slice_word(a, 0);
    if (a.len > 8) {
        look = look * UINT64_C(0x9e3779b97f4a7c15) ^ arc__slice_word(a, a.len - 8);
        look = look * UINT64_C(0x9e3779b97f4a7c15) ^ arc__slice_word(a, (a.len - 8) / 2);
    }
    look ^= look >> 32; /* what differs in the last bytes alone stands in the highest bits */
    return (uint32_t)(look * UINT64_C(0x9e3779b97f4a7c15) >> 32);
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
