/* SPDX-License-Identifier: Apache-2.0 */
/* One request, one effect: what was answered to a requestId is kept, and answered again to the same
 * body; another body under it is a conflict. */
#include "base/sha256.h"
#include "engine/engine_private.h"

void arc__hex(const uint8_t *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

void arc__digest(const arc_slice *parts, size_t count, const struct arc_kvs *kvs, char *out)
{
    struct arc_sha256 sha;
    uint8_t raw[ARC_SHA256_LEN];
    arc__sha256_init(&sha);
    /* Each length goes before its bytes, so that no two lists of texts look alike. */
    for (size_t i = 0; i < count; i++) {
        uint64_t len = parts[i].len;
        arc__sha256_add(&sha, arc__slice(&len, sizeof(len)));
        arc__sha256_add(&sha, parts[i]);
    }
    for (uint32_t i = 0; kvs != NULL && i < kvs->count; i++) {
        uint64_t lens[2] = {kvs->items[i].key.len, kvs->items[i].value.len};
        arc__sha256_add(&sha, arc__slice(lens, sizeof(lens)));
        arc__sha256_add(&sha, kvs->items[i].key);
        arc__sha256_add(&sha, kvs->items[i].value);
    }
    arc__sha256_end(&sha, raw);
    arc__hex(raw, sizeof(raw), out);
}

arc_status arc__request_seen(struct arc_engine *engine, struct load *load,
                             const struct request *request, arc_slice *result, arc_err *err)
{
    struct arc_query query = {.table = ARC_TABLE_request_key, .filter_count = 2, .order_col = -1};
    if (request->id.len == 0)
        return ARC_OK;
    if (request->id.len > ARC_REQUEST_ID_MAX)
        return arc__fail(err, ARC_EINVAL, "requestId", "A requestId has at most %u bytes.",
                         ARC_REQUEST_ID_MAX);
    query.filters[0] = arc__eq_text(ARC_COL_request_key_scope, request->scope);
    query.filters[1] = arc__eq_text(ARC_COL_request_key_request_id, request->id);
    ARC_TRY(arc__load(engine, load, &query, err));
    if (load->rows.count == 0)
        return ARC_OK;
    const struct arc_row_request_key *row = load->rows.rows;
    if (!arc__slice_is(row->digest, request->digest))
        return arc__fail(err, ARC_ECONFLICT, "requestId",
                         "This requestId was used before with another body.");
    *result = row->result;
    return ARC_EDONE;
}

arc_status arc__request_keep(struct arc_engine *engine, const struct request *request,
                             arc_slice result, arc_err *err)
{
    struct arc_row_request_key row = {.scope = request->scope,
                                      .request_id = request->id,
                                      .digest = arc__slice_cstr(request->digest),
                                      .result = result,
                                      .created_at_ns = engine->now.wall_ns};
    if (request->id.len == 0)
        return ARC_OK;
    arc__retain_note_key(engine);
    return arc__turn_op(engine, ARC_STORE_INSERT, ARC_TABLE_request_key, &row, 0, err);
}
