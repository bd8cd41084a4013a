/* SPDX-License-Identifier: Apache-2.0 */
/* Which encoding a call's messages have, on both sides, and the messages themselves in it
 * (grpc/grpc, doc/compression.md). Encodings are bits: ARC_GRPC_IDENTITY, ARC_GRPC_GZIP. */
#include "wire/grpc_priv.h"
#include "wire/pack.h"

arc_slice arc__grpc_encoding_names(uint32_t encodings)
{
    return (encodings & ARC_GRPC_GZIP) != 0 ? ARC_LIT("identity,gzip") : ARC_LIT("identity");
}

uint32_t arc__grpc_encoding_parse(arc_slice name)
{
    if (name.len == 0 || arc__slice_is(name, "identity"))
        return ARC_GRPC_IDENTITY;
    return arc__slice_is(name, "gzip") ? ARC_GRPC_GZIP : 0;
}

uint32_t arc__grpc_encodings_parse(arc_slice list)
{
    uint32_t encodings = 0;
    while (list.len > 0)
        encodings |= arc__grpc_encoding_parse(arc__slice_trim(arc__slice_cut(list, ',', &list)));
    return encodings;
}

arc_status arc__grpc_encoding_config(struct arc_grpc_conn *conn,
                                     const struct arc_grpc_config *config, arc_err *err)
{
    const uint32_t known = ARC_GRPC_IDENTITY | ARC_GRPC_GZIP;
    ARC_REQUIRE((config->accept_encodings & ~known) == 0, err, "accept_encodings");
    ARC_REQUIRE(config->encoding == 0 || config->encoding == ARC_GRPC_IDENTITY ||
                    config->encoding == ARC_GRPC_GZIP,
                err, "encoding");
    /* Identity is always taken: no peer has to compress. */
    conn->accepts =
        config->accept_encodings == 0 ? known : config->accept_encodings | ARC_GRPC_IDENTITY;
    conn->encoding = config->encoding == 0 ? ARC_GRPC_IDENTITY : config->encoding;
    return ARC_OK;
}

arc_status arc__grpc_encoding_request(struct arc_grpc_conn *conn, uint32_t encoding,
                                      struct arc_buf *list, arc_err *err)
{
    ARC_REQUIRE(encoding == ARC_GRPC_IDENTITY || encoding == ARC_GRPC_GZIP, err, "encoding");
    if (encoding == ARC_GRPC_GZIP)
        arc__grpc_list_add(list, ARC_LIT("grpc-encoding"), ARC_LIT("gzip"));
    arc__grpc_list_add(list, ARC_LIT("grpc-accept-encoding"),
                       arc__grpc_encoding_names(conn->accepts));
    return ARC_OK;
}

int arc__grpc_encoding_read(struct arc_grpc_call *call, const struct arc_grpc_block *block)
{
    struct arc_grpc_conn *conn = call->conn;
    uint32_t encoding = arc__grpc_encoding_parse(block->encoding) & conn->accepts;
    if (encoding == 0)
        return -1;
    call->unpacks = encoding == ARC_GRPC_GZIP;
    if (!conn->server)
        return 0;
    call->peer_unpacks = (block->accepts & ARC_GRPC_GZIP) != 0;
    call->packs = call->peer_unpacks && conn->encoding == ARC_GRPC_GZIP;
    /* One that does not speak of encodings is not told of them either: a field less for it. */
    call->tells_encodings = block->accepts != 0 || call->unpacks;
    return 0;
}

arc_status arc_grpc_call_set_encoding(struct arc_grpc_call *call, uint32_t encoding, arc_err *err)
{
    ARC_REQUIRE(call->conn->server, err, "call");
    ARC_REQUIRE(encoding == ARC_GRPC_IDENTITY || encoding == ARC_GRPC_GZIP, err, "encoding");
    if (!call->is_open || call->cancelled || call->stream_closed)
        return arc__fail(err, ARC_ECANCELLED, "call", "The call has ended.");
    if (call->headers_sent || call->finished)
        return arc__fail(err, ARC_ECONFLICT, "call", "The headers were sent before.");
    if (encoding == ARC_GRPC_GZIP && !call->peer_unpacks)
        return arc__fail(err, ARC_EUNIMPLEMENTED, "encoding", "The client does not take gzip.");
    call->packs = encoding == ARC_GRPC_GZIP;
    return ARC_OK;
}

int32_t arc_grpc_call_was_packed(const struct arc_grpc_call *call)
{
    return call->was_packed;
}

/* --- out ------------------------------------------------------------------------------------- */

int arc__grpc_message_packs(const struct arc_grpc_call *call, size_t len, uint32_t flags)
{
    if (!call->packs || (flags & ARC_GRPC_SEND_PLAIN) != 0)
        return 0;
    return (flags & ARC_GRPC_SEND_PACKED) != 0 || len >= call->conn->limits->compress_min_bytes;
}

size_t arc__grpc_message_bound(arc_slice message, int packs, uint32_t flags)
{
    /* One that need not be packed is sent as it is when it would get longer. */
    int forced = packs && (flags & ARC_GRPC_SEND_PACKED) != 0;
    return ARC_LPM_PREFIX_BYTES + (forced ? arc__pack_bound(message.len) : message.len);
}

arc_status arc__grpc_message_put(struct arc_grpc_call *call, arc_slice message, int packs,
                                 size_t bound, char *room, size_t *len)
{
    char *body = room + ARC_LPM_PREFIX_BYTES;
    size_t packed = 0;
    if (packs) {
        /* Straight into the queue, and only as far as it saves something. */
        size_t space = bound - ARC_LPM_PREFIX_BYTES;
        arc_status status = arc__pack(&call->conn->mem, message, body,
                                      space > message.len ? space : message.len - 1, &packed);
        if (status == ARC_ENOMEM)
            return status;
        packs = status == ARC_OK;
    }
    if (!packs) {
        packed = message.len;
        if (message.len > 0)
            memcpy(body, message.ptr, message.len);
    }
    uint8_t prefix[ARC_LPM_PREFIX_BYTES];
    arc__lpm_prefix((uint32_t)packed, prefix);
    prefix[0] = packs ? 1 : 0;
    memcpy(room, prefix, sizeof(prefix));
    *len = ARC_LPM_PREFIX_BYTES + packed;
    return ARC_OK;
}

/* --- in -------------------------------------------------------------------------------------- */

arc_status arc__grpc_message_unpack(struct arc_grpc_call *call, arc_slice *message, arc_err *err)
{
    struct arc_grpc_conn *conn = call->conn;
    struct arc_buf *unpacked = &conn->pool->unpacked;
    size_t max = (size_t)conn->limits->message_max_bytes;
    size_t left = 0;
    if (!call->unpacks) {
        conn->counters->refused_encoding++;
        return arc__fail(err, ARC_EPROTOCOL, "message",
                         "The message is compressed, but no encoding was named.");
    }
    if (conn->assembly_bytes + max > conn->limits->assembly_max_bytes)
        (void)arc__grpc_conn_reclaim(conn, call);
    if (conn->assembly_bytes < conn->limits->assembly_max_bytes)
        left = (size_t)conn->limits->assembly_max_bytes - conn->assembly_bytes;
    arc_status status = arc__unpack(&conn->mem, *message, max < left ? max : left, unpacked, err);
    if (status == ARC_OK) {
        *message = arc__buf_slice(unpacked);
        conn->assembly_bytes += unpacked->capacity;
        return ARC_OK;
    }
    arc__grpc_message_forget(conn, 0);
    if (status == ARC_EPROTOCOL)
        conn->counters->refused_encoding++;
    if (status != ARC_ELIMIT)
        return status;
    if (left < max) {
        conn->counters->refused_assembly++;
        return arc__fail(err, ARC_EAGAIN, "assembly_max_bytes",
                         "Too many large messages at once on this connection.");
    }
    conn->counters->refused_message_size++;
    return arc__fail(
        err, ARC_ELIMIT, "message_max_bytes",
        "The message is longer than %zu bytes (message_max_bytes) when it is unpacked.", max);
}

void arc__grpc_message_forget(struct arc_grpc_conn *conn, int counted)
{
    struct arc_buf *unpacked = &conn->pool->unpacked;
    struct arc_mem mem = unpacked->mem;
    if (counted)
        conn->assembly_bytes -= unpacked->capacity;
    if (unpacked->capacity <= ARC_GRPC_POOL_KEEP_BYTES)
        return;
    arc__buf_deinit(unpacked);
    arc__buf_init(unpacked, &mem, 0);
}
