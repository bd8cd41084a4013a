/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of one store into another, whatever kinds of stores they are, and the proof that they
 * are the same. It knows tables and keys and not what a run is.
 *
 * Until it is proven a mark stands in the copy, which keeps engines from taking it for a store.
 * What was cut off is begun anew from the front: rows that are there and right are read and left
 * alone, so it ends in the same place, also when the first store went on in between. */
#ifndef ARC_ENGINE_COPY_H
#define ARC_ENGINE_COPY_H

#include "base/sha256.h"
#include "engine/desk.h"

/* The counter that stands in a copy that is not whole. */
#define ARC_COPY_MARK "copy.unfinished"

#define ARC_COPY_OPS 500u                   /* of one commit */
#define ARC_COPY_BYTES (4u * 1024u * 1024u) /* of its rows: then it is committed */

struct arc_copy_table {
    uint64_t rows, bytes; /* of the copy, as far as it was proven */
    char sha256[ARC_SHA256_HEX_LEN + 1];
};

struct arc_copy_progress {
    uint32_t proving;     /* 1: both sides are read again */
    enum arc_table table; /* the one at work */
    uint64_t rows, total; /* gone through in this half; of all tables of the first store */
    uint64_t written;     /* rows that were not there or not right, deleted ones among them */
};

struct arc_copy;
/* Both desks outlive it and are not the same store.
 * ARC_EPRECONDITION: from is itself an unfinished copy; to has rows and is none; resume without one
 * to go on with. ARC_ECONFLICT: to is an unfinished copy and resume was not asked for. */
arc_status arc__copy_new(struct arc_desk *from, struct arc_desk *to, int resume,
                         struct arc_copy **out, arc_err *err);
void arc__copy_free(struct arc_copy *copy);
/* Goes on for about so many rows. ARC_EDONE: it is whole. ARC_ECONFLICT: the first store has
 * changed meanwhile. A failure ends it; the mark stays. */
arc_status arc__copy_step(struct arc_copy *copy, uint32_t rows, arc_err *err);
void arc__copy_progress(const struct arc_copy *copy, struct arc_copy_progress *out);
const struct arc_copy_table *arc__copy_table(const struct arc_copy *copy, enum arc_table table);

/* 1: the store is a copy that is not whole. */
arc_status arc__copy_is_unfinished(struct arc_desk *desk, int *yes, arc_err *err);

#endif
