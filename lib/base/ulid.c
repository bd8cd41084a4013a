/* SPDX-License-Identifier: Apache-2.0 */
/* Ids sort as they were made: a generator never goes back, even where the clock does. */
#include "base/ulid.h"

#include <arcentra/base.h>

#include <string.h>

#define MS_MAX ((UINT64_C(1) << 48) - 1) /* the year 10889 */

/* 0: it was all ones and is all zeros now. */
static int count_up(uint8_t bytes[10])
{
    for (size_t i = 10; i-- > 0;) {
        bytes[i]++;
        if (bytes[i] != 0)
            return 1;
    }
    return 0;
}

/* 128 bits, five at a time from the low end; the first character holds three. */
static void encode(uint64_t ms, const uint8_t random[10], arc_id *out)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint8_t bytes[16];
    for (size_t i = 0; i < 6; i++)
        bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    memcpy(bytes + 6, random, 10);
    unsigned word = 0, bits = 0;
    size_t at = sizeof(bytes);
    for (size_t i = ARC_ULID_LEN; i-- > 0;) {
        if (bits < 5 && at > 0) {
            word |= (unsigned)bytes[--at] << bits;
            bits += 8;
        }
        out->text[i] = alphabet[word & 31];
        word >>= 5;
        bits = bits < 5 ? 0 : bits - 5;
    }
    out->text[ARC_ULID_LEN] = '\0';
}

arc_status arc__ulid_next(struct arc_ulid_gen *gen, uint64_t unix_ms, arc_id *out, arc_err *err)
{
    static const uint8_t never[10] = {0};
    uint64_t ms = unix_ms > gen->last_ms ? unix_ms : gen->last_ms;
    uint8_t random[10];
    memcpy(random, gen->last, sizeof(random));
    int fresh = unix_ms > gen->last_ms || memcmp(gen->last, never, sizeof(never)) == 0;
    if (!fresh && !count_up(random)) {
        fresh = 1; /* counted through: on to the next millisecond rather than back to its start */
        ms++;
    }
    if (ms > MS_MAX)
        return arc__fail(err, ARC_EINVAL, "id", "The time is beyond what an id can hold.");
    if (fresh && gen->random(gen->user, random, sizeof(random)) != 0)
        return arc__fail(err, ARC_EINTERNAL, "id", "There is no entropy for a new id.");
    gen->last_ms = ms;
    memcpy(gen->last, random, sizeof(random));
    encode(ms, random, out);
    return ARC_OK;
}

void arc__ulid_first(uint64_t unix_ms, arc_id *out)
{
    static const uint8_t zeros[10] = {0};
    encode(unix_ms < MS_MAX ? unix_ms : MS_MAX, zeros, out);
}

int arc__id_valid(arc_slice text)
{
    if (text.len == 0 || text.len > 128)
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        int letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
            return 0;
    }
    return 1;
}
