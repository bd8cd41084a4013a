/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/lpm.h"

void arc__lpm_init(struct arc_lpm *lpm, const struct arc_mem *mem, uint32_t max_bytes)
{
    *lpm = (struct arc_lpm){.max_bytes = max_bytes};
    arc__buf_init(&lpm->body, mem, max_bytes);
}

void arc__lpm_deinit(struct arc_lpm *lpm)
{
    arc__buf_deinit(&lpm->body);
}

void arc__lpm_clear(struct arc_lpm *lpm, size_t keep_bytes)
{
    lpm->have = 0;
    lpm->done = 0;
    lpm->size = 0;
    if (lpm->body.capacity > keep_bytes) {
        struct arc_mem mem = lpm->body.mem;
        arc__buf_deinit(&lpm->body);
        arc__buf_init(&lpm->body, &mem, lpm->max_bytes);
    }
    arc__buf_clear(&lpm->body);
}

static arc_status read_prefix(struct arc_lpm *lpm, arc_slice bytes, size_t *used, arc_err *err)
{
    while (lpm->have < ARC_LPM_PREFIX_BYTES) {
        if (*used == bytes.len)
            return ARC_EAGAIN;
        lpm->prefix[lpm->have++] = (uint8_t)bytes.ptr[(*used)++];
        if (lpm->prefix[0] > 1)
            return arc__fail(err, ARC_EPROTOCOL, "message",
                             "The message begins with flag %u; only 0 and 1 exist.",
                             (unsigned)lpm->prefix[0]);
        if (lpm->have < ARC_LPM_PREFIX_BYTES)
            continue;
        lpm->size = (uint32_t)lpm->prefix[1] << 24 | (uint32_t)lpm->prefix[2] << 16 |
                    (uint32_t)lpm->prefix[3] << 8 | (uint32_t)lpm->prefix[4];
        if (lpm->size > lpm->max_bytes)
            return arc__fail(err, ARC_ELIMIT, "message",
                             "The message is %u bytes long; the limit is %u bytes.",
                             (unsigned)lpm->size, (unsigned)lpm->max_bytes);
    }
    return ARC_OK;
}

arc_status arc__lpm_next(struct arc_lpm *lpm, arc_slice bytes, size_t *used, arc_slice *message,
                         int *compressed, arc_err *err)
{
    *used = 0;
    if (lpm->done)
        arc__lpm_clear(lpm, SIZE_MAX);
    ARC_TRY(read_prefix(lpm, bytes, used, err));
    size_t left = bytes.len - *used;
    size_t missing = lpm->size - lpm->body.len;
    if (lpm->body.len == 0 && left >= missing) {
        *message = missing > 0 ? arc__slice(bytes.ptr + *used, missing) : ARC_LIT("");
        *compressed = lpm->prefix[0];
        *used += missing;
        lpm->have = 0;
        return ARC_OK;
    }
    size_t take = left < missing ? left : missing;
    if (take > 0)
        arc__buf_add(&lpm->body, bytes.ptr + *used, take);
    *used += take;
    ARC_TRY(arc__buf_check(&lpm->body, err));
    if (take < missing)
        return ARC_EAGAIN;
    *message = arc__buf_slice(&lpm->body);
    *compressed = lpm->prefix[0];
    lpm->done = 1;
    return ARC_OK;
}

int arc__lpm_partial(const struct arc_lpm *lpm)
{
    return lpm->have > 0 && !lpm->done;
}

size_t arc__lpm_held_bytes(const struct arc_lpm *lpm)
{
    return lpm->body.capacity;
}

void arc__lpm_prefix(uint32_t size, uint8_t out[ARC_LPM_PREFIX_BYTES])
{
    out[0] = 0;
    out[1] = (uint8_t)(size >> 24);
    out[2] = (uint8_t)(size >> 16 & 0xff);
    out[3] = (uint8_t)(size >> 8 & 0xff);
    out[4] = (uint8_t)(size & 0xff);
}
