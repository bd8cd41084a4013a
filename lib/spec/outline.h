/* SPDX-License-Identifier: Apache-2.0 */
/* A definition as far as it can be made out while somebody types: keys, values and list items with
 * their places and what the field table says of them. It never fails on broken text; what it does
 * not understand it leaves out. For editors; what runs is read by the readers. */
#ifndef ARC_SPEC_OUTLINE_H
#define ARC_SPEC_OUTLINE_H

#include "spec/fields.h"

#define ARC_OUTLINE_NONE UINT32_MAX
#define ARC_OUTLINE_DEPTH 64
#define ARC_OUTLINE_ENTRIES 200000u

struct arc_outline_entry {
    uint32_t parent; /* an index, or NONE at the top */
    uint32_t indent; /* of the key or the dash, in bytes from the start of its line */
    arc_slice key;   /* without quotes; empty for an item of a list */
    uint32_t key_offset, key_end;
    arc_slice value; /* a scalar on the same line, without quotes; or empty */
    uint32_t value_offset, value_end;
    uint32_t end;                  /* behind everything that belongs to it */
    uint8_t item;                  /* of a list */
    uint8_t flow;                  /* 1: its value is between braces or brackets */
    uint8_t text;                  /* 1: its value is a block of text */
    enum arc_object object;        /* what its children are keys of; NONE: nothing known */
    const struct arc_field *field; /* what the key means; of an item: what its list is for */
};

struct arc_outline {
    struct arc_mem mem;
    arc_slice text;
    struct arc_outline_entry *entries; /* in order of their places */
    size_t count, capacity;
    int failed; /* memory is out; what is there may be used all the same */
};

/* Owner: deinit. text is borrowed, and valid UTF-8. */
void arc__outline_init(struct arc_outline *outline, const struct arc_mem *mem, arc_slice text,
                       int json);
void arc__outline_deinit(struct arc_outline *outline);

/* The children of an entry (NONE: the top), one after the other; NONE: no more. */
uint32_t arc__outline_child(const struct arc_outline *outline, uint32_t parent, uint32_t after);
/* The child with a key in any of its spellings; NULL: there is none. */
const struct arc_outline_entry *arc__outline_get(const struct arc_outline *outline, uint32_t parent,
                                                 enum arc_field_id id);

#endif
