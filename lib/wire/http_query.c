/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/http_query.h"

#include "base/text.h"

static arc_status decode(arc_slice text, struct arc_arena *arena, arc_slice *out, arc_err *err)
{
    char *copy = arc__arena_strdup(arena, text);
    if (copy == NULL)
        return arc__fail_nomem(err);
    for (size_t i = 0; i < text.len; i++) {
        if (copy[i] == '+') /* forms write a blank like this */
            copy[i] = ' ';
    }
    ARC_TRY(arc__percent_decode(arc__slice(copy, text.len), arena, out, err));
    if (!arc__utf8_valid(*out, NULL) || memchr(out->len > 0 ? out->ptr : "x", 0, out->len) != NULL)
        return arc__fail(err, ARC_EINVAL, "query", "The query is not UTF-8.");
    return ARC_OK;
}

arc_status arc__http_query_read(arc_slice query, struct arc_arena *arena, struct arc_kvs *out,
                                arc_err *err)
{
    struct arc_kv *items = arc__arena_array(arena, ARC_HTTP_QUERY_MAX, sizeof(*items));
    uint32_t count = 0;
    if (items == NULL)
        return arc__fail_nomem(err);
    while (query.len > 0) {
        arc_slice value = ARC_NONE;
        arc_slice pair = arc__slice_cut(query, '&', &query);
        arc_slice key = arc__slice_cut(pair, '=', &value);
        struct arc_kv item = {ARC_NONE, ARC_NONE};
        if (pair.len == 0)
            continue;
        if (count == ARC_HTTP_QUERY_MAX)
            return arc__fail(err, ARC_EINVAL, "query", "The query has more than %u parameters.",
                             ARC_HTTP_QUERY_MAX);
        ARC_TRY(decode(key, arena, &item.key, err));
        ARC_TRY(decode(value, arena, &item.value, err));
        uint32_t at = count;
        while (at > 0 && arc__slice_compare(items[at - 1].key, item.key) > 0) {
            items[at] = items[at - 1];
            at--;
        }
        if (at > 0 && arc__slice_equal(items[at - 1].key, item.key))
            return arc__fail(err, ARC_EINVAL, "query", "The query parameter %.*s comes twice.",
                             ARC_ARG(item.key));
        items[at] = item;
        count++;
    }
    *out = (struct arc_kvs){items, count};
    return ARC_OK;
}

arc_slice arc__http_bearer(arc_slice authorization)
{
    arc_slice rest = ARC_NONE;
    arc_slice scheme = arc__slice_cut(arc__slice_trim(authorization), ' ', &rest);
    if (arc__slice_compare_nocase(scheme, ARC_LIT("bearer")) != 0)
        return ARC_NONE;
    return arc__slice_trim(rest);
}

static arc_slice media_type(arc_slice value)
{
    return arc__slice_trim(arc__slice_cut(value, ';', &value));
}

int arc__http_is_json(arc_slice content_type)
{
    arc_slice type = media_type(content_type);
    if (arc__slice_compare_nocase(type, ARC_LIT("application/json")) == 0)
        return 1;
    return type.len > 5 &&
           arc__slice_compare_nocase(arc__slice_from(type, type.len - 5), ARC_LIT("+json")) == 0;
}

int arc__http_wants_text(arc_slice accept)
{
    int text = 0;
    while (accept.len > 0) {
        arc_slice type = media_type(arc__slice_cut(accept, ',', &accept));
        if (arc__slice_compare_nocase(type, ARC_LIT("application/json")) == 0)
            return 0;
        text |= arc__slice_compare_nocase(type, ARC_LIT("text/plain")) == 0;
    }
    return text;
}

int arc__http_etag_matches(arc_slice list, arc_slice etag)
{
    while (list.len > 0) {
        arc_slice one = arc__slice_trim(arc__slice_cut(list, ',', &list));
        if (arc__slice_is(one, "*"))
            return 1;
        if (arc__slice_starts(one, ARC_LIT("W/")))
            one = arc__slice_from(one, 2);
        if (one.len == etag.len + 2 && one.ptr[0] == '"' && one.ptr[one.len - 1] == '"' &&
            arc__slice_equal(arc__slice(one.ptr + 1, etag.len), etag))
            return 1;
    }
    return 0;
}
