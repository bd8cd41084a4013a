/* SPDX-License-Identifier: Apache-2.0 */
/* Where a place is: the word, the entry, the expression; and what stands around it. */
#include "spec/assist.h"

#include <string.h>

#include "base/text.h"
#include "spec/assist_private.h"

/* An expression that was opened further back than this is not looked for. */
#define EXPRESSION_REACH 8192u

/* --- places ------------------------------------------------------------------------------- */

static int is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int is_break(char c)
{
    return c == '\n' || c == '\r';
}

static int is_tail(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The offset of a line and column; the end of the line, or of the text, where they lie beyond. */
static uint32_t offset_of(arc_slice text, uint32_t line, uint32_t column)
{
    uint32_t at = 0;
    for (uint32_t l = 1; l < line && at < text.len; at++) {
        int pair = text.ptr[at] == '\r' && at + 1 < text.len && text.ptr[at + 1] == '\n';
        l += is_break(text.ptr[at]) && !pair;
    }
    for (uint32_t c = 1; c < column && at < text.len && !is_break(text.ptr[at]); c++) {
        at++;
        while (at < text.len && is_tail(text.ptr[at]))
            at++;
    }
    return at;
}

static void put_position(struct arc_json *json, arc_slice text, uint32_t offset,
                         const char *line_key, const char *column_key)
{
    uint32_t line = 1, column = 1;
    for (uint32_t i = 0; i < offset && i < text.len; i++) {
        int pair = text.ptr[i] == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n';
        if (is_break(text.ptr[i]) && !pair) {
            line++;
            column = 1;
        } else if (!is_tail(text.ptr[i])) {
            column++;
        }
    }
    arc__json_key_i64(json, line_key, line);
    arc__json_key_i64(json, column_key, column);
}

void arc__assist_put_place(struct arc_json *json, arc_slice text, uint32_t from, uint32_t to)
{
    put_position(json, text, from, "line", "column");
    put_position(json, text, to, "endLine", "endColumn");
}

void arc__assist_open(struct arc_assist *assist, const struct arc_assist_at *at,
                      const struct arc_mem *mem)
{
    *assist = (struct arc_assist){.text = at->text};
    arc__outline_init(&assist->outline, mem, at->text, at->json);
    assist->offset = offset_of(at->text, at->line, at->column);
    assist->from = assist->to = assist->offset;
    while (assist->from > 0 && is_word(at->text.ptr[assist->from - 1]))
        assist->from--;
    while (assist->to < at->text.len && is_word(at->text.ptr[assist->to]))
        assist->to++;
}

arc_slice arc__assist_name_before(arc_slice text, uint32_t from, uint32_t to)
{
    uint32_t at = to;
    while (at > from && is_word(text.ptr[at - 1]))
        at--;
    return arc__slice(text.ptr + at, to - at);
}

void arc__assist_close(struct arc_assist *assist)
{
    arc__outline_deinit(&assist->outline);
}

/* --- the spot ----------------------------------------------------------------------------- */

static int holds_flow(const struct arc_assist *assist, const struct arc_outline_entry *entry)
{
    uint32_t offset = assist->from;
    if (!entry->flow || offset <= entry->value_offset)
        return 0;
    if (entry->value_end > entry->value_offset)
        return offset < entry->value_end;
    return offset <= entry->end; /* it was never closed */
}

/* Between braces: the character before the word says what is expected. */
static struct arc_assist_spot flow_spot(const struct arc_assist *assist, uint32_t owner)
{
    const struct arc_outline *outline = &assist->outline;
    arc_slice text = assist->text;
    uint32_t i = assist->from;
    if (i > 0 && (text.ptr[i - 1] == '"' || text.ptr[i - 1] == '\''))
        i--;
    while (i > 0 && (is_blank(text.ptr[i - 1]) || is_break(text.ptr[i - 1])))
        i--;
    char before = i > 0 ? text.ptr[i - 1] : '{';
    char bracket = owner == ARC_OUTLINE_NONE ? '{' : text.ptr[outline->entries[owner].value_offset];
    struct arc_assist_spot spot = {owner, bracket == '{' && before != ':'};
    for (uint32_t c = arc__outline_child(outline, owner, ARC_OUTLINE_NONE); c != ARC_OUTLINE_NONE;
         c = arc__outline_child(outline, owner, c)) {
        const struct arc_outline_entry *entry = &outline->entries[c];
        if (entry->value.len > 0 && assist->from > entry->value_offset &&
            assist->from <= entry->value_end)
            return (struct arc_assist_spot){c, 0}; /* inside of a value of several words */
    }
    if (before != ':')
        return spot;
    for (uint32_t c = arc__outline_child(outline, owner, ARC_OUTLINE_NONE); c != ARC_OUTLINE_NONE;
         c = arc__outline_child(outline, owner, c)) {
        if (outline->entries[c].key_end <= i)
            spot.owner = c;
    }
    return spot;
}

static uint32_t line_start(arc_slice text, uint32_t offset)
{
    while (offset > 0 && !is_break(text.ptr[offset - 1]))
        offset--;
    return offset;
}

/* On lines: a key before the word on its line, a dash, or the indent. */
static struct arc_assist_spot line_spot(const struct arc_assist *assist)
{
    const struct arc_outline *outline = &assist->outline;
    uint32_t start = line_start(assist->text, assist->from), column = assist->from - start;
    uint32_t dash = ARC_OUTLINE_NONE, key = ARC_OUTLINE_NONE, above = ARC_OUTLINE_NONE;
    for (uint32_t i = 0; i < outline->count; i++) {
        const struct arc_outline_entry *entry = &outline->entries[i];
        if (entry->key_offset >= assist->from)
            break;
        if (entry->key_offset >= start && entry->item)
            dash = i;
        else if (entry->key_offset >= start && entry->key_end < assist->from)
            key = i;
    }
    if (key != ARC_OUTLINE_NONE)
        return (struct arc_assist_spot){key, 0};
    if (dash != ARC_OUTLINE_NONE)
        return (struct arc_assist_spot){dash, outline->entries[dash].object != ARC_OBJECT_NONE};
    for (uint32_t i = 0; i < outline->count && outline->entries[i].key_offset < start; i++) {
        while (above != ARC_OUTLINE_NONE &&
               outline->entries[above].indent >= outline->entries[i].indent &&
               outline->entries[i].parent != above)
            above = outline->entries[above].parent;
        above = i;
    }
    while (above != ARC_OUTLINE_NONE && outline->entries[above].indent >= column)
        above = outline->entries[above].parent;
    return (struct arc_assist_spot){above, 1};
}

struct arc_assist_spot arc__assist_spot(const struct arc_assist *assist)
{
    const struct arc_outline *outline = &assist->outline;
    uint32_t flow = ARC_OUTLINE_NONE;
    for (uint32_t i = 0; i < outline->count; i++) {
        const struct arc_outline_entry *entry = &outline->entries[i];
        if (entry->key_offset >= assist->from)
            break;
        if (holds_flow(assist, entry))
            flow = i;
        if (entry->text && assist->from >= entry->value_offset && assist->from < entry->value_end)
            return (struct arc_assist_spot){i, 0};
    }
    arc_slice trimmed = arc__slice_trim(assist->text);
    if (flow != ARC_OUTLINE_NONE || (trimmed.len > 0 && trimmed.ptr[0] == '{'))
        return flow_spot(assist, flow);
    return line_spot(assist);
}

int arc__assist_expression(const struct arc_assist *assist, uint32_t *from)
{
    arc_slice text = assist->text;
    uint32_t least = assist->offset > EXPRESSION_REACH ? assist->offset - EXPRESSION_REACH : 0;
    for (uint32_t i = assist->offset; i > least + 2; i--) {
        if (text.ptr[i - 1] == '}' && text.ptr[i - 2] == '}')
            break;
        if (memcmp(text.ptr + i - 3, "${{", 3) == 0) {
            *from = i;
            return 1;
        }
    }
    struct arc_assist_spot spot = arc__assist_spot(assist);
    if (spot.wants_key || spot.owner == ARC_OUTLINE_NONE)
        return 0;
    const struct arc_outline_entry *entry = &assist->outline.entries[spot.owner];
    if (entry->field == NULL || entry->field->type != ARC_TYPE_WHEN)
        return 0;
    *from = entry->value.len > 0 && entry->value_offset <= assist->from ? entry->value_offset
                                                                        : assist->from;
    return 1;
}

/* --- what stands around ------------------------------------------------------------------- */

uint32_t arc__assist_enclosing(const struct arc_outline *outline, uint32_t entry,
                               enum arc_object object)
{
    for (uint32_t i = entry; i != ARC_OUTLINE_NONE; i = outline->entries[i].parent) {
        if (outline->entries[i].item && outline->entries[i].object == object)
            return i;
    }
    return ARC_OUTLINE_NONE;
}

uint32_t arc__assist_next_job(const struct arc_outline *outline, uint32_t after)
{
    for (uint32_t i = after == ARC_OUTLINE_NONE ? 0 : after + 1; i < outline->count; i++) {
        const struct arc_outline_entry *entry = &outline->entries[i];
        if (entry->item && entry->object == ARC_OBJECT_JOB && entry->field != NULL)
            return i;
    }
    return ARC_OUTLINE_NONE;
}

uint32_t arc__assist_next_step(const struct arc_outline *outline, uint32_t job, uint32_t after)
{
    uint32_t i = after == ARC_OUTLINE_NONE ? job + 1 : after + 1;
    for (; i < outline->count && outline->entries[i].key_offset < outline->entries[job].end; i++) {
        const struct arc_outline_entry *entry = &outline->entries[i];
        if (entry->item && entry->object == ARC_OBJECT_STEP && entry->field != NULL)
            return i;
    }
    return ARC_OUTLINE_NONE;
}

/* --- symbols ------------------------------------------------------------------------------ */

static const struct arc_outline_entry *name_of(const struct arc_outline *outline, uint32_t item)
{
    enum arc_object object = outline->entries[item].object;
    enum arc_field_id id = object == ARC_OBJECT_STAGE ? ARC_FIELD_STAGE_NAME
                           : object == ARC_OBJECT_JOB ? ARC_FIELD_JOB_NAME
                                                      : ARC_FIELD_STEP_NAME;
    return arc__outline_get(outline, item, id);
}

static const char *symbol_kind(const struct arc_outline_entry *entry)
{
    if (!entry->item || entry->field == NULL)
        return NULL;
    return entry->object == ARC_OBJECT_STAGE  ? "stage"
           : entry->object == ARC_OBJECT_JOB  ? "job"
           : entry->object == ARC_OBJECT_STEP ? "step"
                                              : NULL;
}

/* The symbol that is next above an entry; NONE: there is none. */
static uint32_t symbol_above(const struct arc_outline *outline, uint32_t entry)
{
    uint32_t i = outline->entries[entry].parent;
    while (i != ARC_OUTLINE_NONE && symbol_kind(&outline->entries[i]) == NULL)
        i = outline->entries[i].parent;
    return i;
}

static void close_symbol(struct arc_json *json)
{
    arc__json_end_array(json);
    arc__json_end_object(json);
}

static void put_symbols(const struct arc_assist *assist, struct arc_json *json)
{
    const struct arc_outline *outline = &assist->outline;
    uint32_t open = ARC_OUTLINE_NONE;
    arc__json_array(json);
    for (uint32_t i = 0; i < outline->count; i++) {
        const char *kind = symbol_kind(&outline->entries[i]);
        if (kind == NULL)
            continue;
        uint32_t above = symbol_above(outline, i);
        for (; open != ARC_OUTLINE_NONE && open != above; open = symbol_above(outline, open))
            close_symbol(json);
        const struct arc_outline_entry *name = name_of(outline, i), *entry = &outline->entries[i];
        arc__json_object(json);
        arc__json_key_text(json, "name",
                           name != NULL && name->value.len > 0 ? name->value : ARC_LIT("?"));
        arc__json_key_text(json, "kind", arc__slice_cstr(kind));
        arc__assist_put_place(json, assist->text, entry->key_offset,
                              entry->end > entry->key_offset ? entry->end : entry->key_offset);
        arc__json_key(json, ARC_LIT("children"));
        arc__json_array(json);
        open = i;
    }
    for (; open != ARC_OUTLINE_NONE; open = symbol_above(outline, open))
        close_symbol(json);
    arc__json_end_array(json);
}

arc_status arc__assist_symbols(const struct arc_assist_at *at, const struct arc_mem *mem,
                               struct arc_buf *out, arc_err *err)
{
    struct arc_assist assist;
    struct arc_json json;
    arc__assist_open(&assist, at, mem);
    arc__json_init(&json, out);
    put_symbols(&assist, &json);
    int failed = assist.outline.failed;
    arc__assist_close(&assist);
    return failed ? arc__fail_nomem(err) : arc__buf_check(out, err);
}
