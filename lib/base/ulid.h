/* SPDX-License-Identifier: Apache-2.0 */
/* ULIDs: 48 bits of milliseconds and 80 random bits as 26 characters of Crockford's base 32
 * (github.com/ulid/spec). Monotonic within one generator: the same millisecond counts up. */
#ifndef ARC_BASE_ULID_H
#define ARC_BASE_ULID_H

#include "base/err.h"
#include "base/slice.h"

#define ARC_ULID_LEN 26

typedef struct arc_id {
    char text[ARC_ULID_LEN + 1]; /* upper case, NUL-terminated; "" is no id */
} arc_id;

struct arc_ulid_gen {
    void *user;
    int (*random)(void *user, void *buf, size_t len);
    uint64_t last_ms;
    uint8_t last[10];
};

/* ARC_EINTERNAL when there is no entropy. */
arc_status arc__ulid_next(struct arc_ulid_gen *gen, uint64_t unix_ms, arc_id *out, arc_err *err);
/* The first one of a millisecond: those of earlier ones are all smaller. */
void arc__ulid_first(uint64_t unix_ms, arc_id *out);
/* Valid ids of the contract: [A-Za-z0-9._-], 1 to 128 bytes. */
int arc__id_valid(arc_slice text);

static inline arc_slice arc__id_slice(const arc_id *id)
{
    return arc__slice_cstr(id->text);
}

#endif
