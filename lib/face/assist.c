/* SPDX-License-Identifier: Apache-2.0 */
#include <arcentra/assist.h>

#include <string.h>

#include "base/options.h"
#include "base/text.h"
#include "face/spec_private.h"
#include "spec/assist.h"

#define ANSWER_BYTES_MAX (64u * 1024u * 1024u)
#define TEXT_BYTES_MAX (16u * 1024u * 1024u)

typedef arc_status answer(const struct arc_assist_at *at, const struct arc_mem *mem,
                          struct arc_buf *out, arc_err *err);

static int looks_like_json(arc_slice text)
{
    arc_slice trimmed = arc__slice_trim(text);
    while (trimmed.len > 0 && (trimmed.ptr[0] == '\n' || trimmed.ptr[0] == '\r'))
        trimmed = arc__slice_trim(arc__slice_from(trimmed, 1));
    return trimmed.len > 0 && trimmed.ptr[0] == '{';
}

static arc_status ask(const arc_assist_place *given, answer *call, char **json, arc_err *err)
{
    arc_assist_place place;
    struct arc_mem mem = arc__mem_default();
    struct arc_buf buf;
    ARC_REQUIRE(given != NULL && json != NULL, err, "place");
    ARC_TRY(arc__options_read(given, sizeof(place), &place, "arc_assist_place", err));
    ARC_REQUIRE(place.text != NULL || place.len == 0, err, "text");
    ARC_REQUIRE(place.format <= ARC_FORMAT_IS_YAML, err, "format");
    ARC_REQUIRE(place.line > 0 && place.column > 0, err, "line");
    arc_slice text = arc__slice(place.text, place.len);
    if (text.len > TEXT_BYTES_MAX)
        return arc__fail(err, ARC_ELIMIT, "text", "The text has %zu bytes; at most %u are read.",
                         text.len, TEXT_BYTES_MAX);
    if (!arc__utf8_valid(text, NULL))
        return arc__fail(err, ARC_EINVAL, "text", "The text is not UTF-8.");
    int is_json = place.format == ARC_FORMAT_IS_JSON ||
                  (place.format == ARC_FORMAT_ANY && looks_like_json(text));
    struct arc_assist_at at = {text, is_json, place.line, place.column};
    arc__buf_init(&buf, &mem, ANSWER_BYTES_MAX);
    arc_status status = call(&at, &mem, &buf, err);
    if (status == ARC_OK)
        return arc__face_give_text(&buf, json, err);
    arc__buf_deinit(&buf);
    return status;
}

arc_status arc_assist_complete(const arc_assist_place *place, char **json, arc_err *err)
{
    return ask(place, arc__assist_complete, json, err);
}

arc_status arc_assist_hover(const arc_assist_place *place, char **json, arc_err *err)
{
    return ask(place, arc__assist_hover, json, err);
}

arc_status arc_assist_define(const arc_assist_place *place, char **json, arc_err *err)
{
    return ask(place, arc__assist_define, json, err);
}

arc_status arc_assist_symbols(const arc_assist_place *place, char **json, arc_err *err)
{
    return ask(place, arc__assist_symbols, json, err);
}
