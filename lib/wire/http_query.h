/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of a request: its target, its query, and the few headers that have a grammar. */
#ifndef ARC_WIRE_HTTP_QUERY_H
#define ARC_WIRE_HTTP_QUERY_H

#include "base/arena.h"
#include "command/call.h"

#define ARC_HTTP_TARGET_MAX 8192u
#define ARC_HTTP_QUERY_MAX 64u

/* "a=1&b=x+y" decoded and sorted. ARC_EINVAL: a bad escape, not UTF-8, a name twice, too many. */
arc_status arc__http_query_read(arc_slice query, struct arc_arena *arena, struct arc_kvs *out,
                                arc_err *err);
/* The token of "Bearer x", the scheme in any case; ARC_NONE where it is another or none. */
arc_slice arc__http_bearer(arc_slice authorization);
/* 1: application/json, or a type whose name ends in +json; parameters are fine. */
int arc__http_is_json(arc_slice content_type);
/* 1: text/plain is asked for and JSON is not. */
int arc__http_wants_text(arc_slice accept);
/* 1: etag (without quotes) stands in the list of an If-None-Match. */
int arc__http_etag_matches(arc_slice list, arc_slice etag);

#endif
