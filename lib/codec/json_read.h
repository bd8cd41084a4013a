/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON text as a row of tokens. The one place that knows the JSON parser; for this room only.
 * Everything that RFC 8259 and RFC 3629 refuse is refused here, whatever the parser lets through.
 */
#ifndef ARC_CODEC_JSON_READ_H
#define ARC_CODEC_JSON_READ_H

#include "base/err.h"
#include "base/mem.h"

enum arc_pb_token_kind {
    ARC_PB_TOKEN_NULL,
    ARC_PB_TOKEN_BOOL,
    ARC_PB_TOKEN_NUMBER, /* text: as it stands */
    ARC_PB_TOKEN_TEXT,   /* text: decoded; UTF-8 without NUL */
    ARC_PB_TOKEN_KEY,    /* the same */
    ARC_PB_TOKEN_OBJECT,
    ARC_PB_TOKEN_END_OBJECT,
    ARC_PB_TOKEN_LIST,
    ARC_PB_TOKEN_END_LIST
};

struct arc_pb_token {
    enum arc_pb_token_kind kind;
    int truth;      /* of ARC_PB_TOKEN_BOOL */
    arc_slice text; /* until the sink returns */
    size_t end;     /* offset behind the token */
};

/* Any status but ARC_OK ends the reading and is its result. */
typedef arc_status (*arc_pb_sink)(void *user, const struct arc_pb_token *token);

struct arc_pb_json_bounds {
    uint32_t depth_max;
    uint32_t string_bytes_max; /* of a decoded text */
};

/* ARC_EINVAL with line and column where text is not JSON, ARC_ELIMIT for the bounds, ARC_ENOMEM
 * before anything has been read. */
ARC_MUST_USE arc_status arc__pb_json_read(arc_slice text, const struct arc_pb_json_bounds *bounds,
                                          const struct arc_mem *mem, arc_pb_sink sink, void *user,
                                          arc_err *err);

/* Line and column (characters, from 1) of an offset. */
void arc__pb_json_place(arc_slice text, size_t offset, uint32_t *line, uint32_t *column);

#endif
