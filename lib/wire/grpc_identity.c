/* SPDX-License-Identifier: Apache-2.0 */
/* Who the peer is, kept with the connection. Whoever reads it decides by it, so what could be read
 * in two ways never gets here: a NUL that cuts a name short, bytes that are no text. */
#include <inttypes.h>

#include "base/options.h"
#include "base/text.h"
#include "wire/grpc_priv.h"

/* One block: the struct, its names, their text. */
struct arc_grpc_kept {
    struct arc_grpc_identity identity;
    arc_slice names[];
};

static arc_status check_text(arc_slice text, const char *what, size_t *total, arc_err *err)
{
    if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)
        return arc__fail(err, ARC_EINVAL, what, "The %s in the certificate holds a NUL.", what);
    if (!arc__utf8_valid(text, NULL))
        return arc__fail(err, ARC_EINVAL, what, "The %s in the certificate is not UTF-8.", what);
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return arc__fail(err, ARC_EINVAL, what,
                             "The %s in the certificate holds a control character.", what);
    }
    *total += text.len;
    return ARC_OK;
}

static arc_status check(const struct arc_grpc_conn *conn, const struct arc_grpc_identity *given,
                        size_t *total, arc_err *err)
{
    const struct arc_grpc_limits *limits = conn->limits;
    ARC_REQUIRE(given->name_count == 0 || given->names != NULL, err, "identity.names");
    if (given->name_count > limits->identity_names_max)
        return arc__fail(err, ARC_ELIMIT, "identity_names_max",
                         "The certificate has more than %" PRIu64 " names (identity_names_max).",
                         limits->identity_names_max);
    ARC_TRY(check_text(given->subject, "subject", total, err));
    ARC_TRY(check_text(given->common_name, "common name", total, err));
    for (size_t i = 0; i < given->name_count; i++)
        ARC_TRY(check_text(given->names[i], "alternative name", total, err));
    if (*total > limits->identity_bytes_max)
        return arc__fail(err, ARC_ELIMIT, "identity_bytes_max",
                         "The names of the certificate are longer than %" PRIu64
                         " bytes (identity_bytes_max).",
                         limits->identity_bytes_max);
    return ARC_OK;
}

static arc_slice keep(char **at, arc_slice text)
{
    arc_slice kept = {*at, text.len};
    if (text.len > 0)
        memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return kept;
}

arc_status arc_grpc_conn_set_identity(struct arc_grpc_conn *conn,
                                      const struct arc_grpc_identity *identity, arc_err *err)
{
    struct arc_grpc_identity read;
    const struct arc_grpc_identity *given = &read;
    size_t total = 0;
    ARC_REQUIRE(conn != NULL && identity != NULL, err, "identity");
    ARC_TRY(arc__options_read(identity, sizeof(read), &read, "identity", err));
    ARC_TRY(check(conn, given, &total, err));
    /* Limits of count and bytes are far below what could overflow. */
    size_t names = given->name_count * sizeof(arc_slice);
    struct arc_grpc_kept *kept = arc__alloc(&conn->mem, sizeof(*kept) + names + total);
    if (kept == NULL)
        return arc__fail_nomem(err);
    char *at = (char *)(kept->names + given->name_count);
    kept->identity.size = sizeof(kept->identity);
    kept->identity.subject = keep(&at, given->subject);
    kept->identity.common_name = keep(&at, given->common_name);
    for (size_t i = 0; i < given->name_count; i++)
        kept->names[i] = keep(&at, given->names[i]);
    kept->identity.names = kept->names;
    kept->identity.name_count = given->name_count;
    arc__free(&conn->mem, conn->identity);
    conn->identity = kept;
    return ARC_OK;
}

const struct arc_grpc_identity *arc_grpc_conn_get_identity(const struct arc_grpc_conn *conn)
{
    return conn->identity != NULL ? &conn->identity->identity : NULL;
}
