/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/outline.h"

#include <string.h>

#include "base/mem.h"

/* What is open while the text is walked. */
struct scan {
    struct arc_outline *outline;
    uint32_t open[ARC_OUTLINE_DEPTH]; /* entries whose block the next line may belong to */
    uint32_t depth;
};

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int is_break(char c)
{
    return c == '\n' || c == '\r';
}

/* --- entries ------------------------------------------------------------------------------ */

/* What the children of a value of the field are keys of. */
static enum arc_object object_below(const struct arc_field *field)
{
    return field != NULL ? field->of : ARC_OBJECT_NONE;
}

static uint32_t add(struct arc_outline *outline, const struct arc_outline_entry *entry)
{
    void *items = outline->entries;
    if (outline->failed || arc__grow(&outline->mem, &items, &outline->capacity, outline->count,
                                     sizeof(*entry), ARC_OUTLINE_ENTRIES, NULL) != ARC_OK) {
        outline->failed = 1;
        return ARC_OUTLINE_NONE;
    }
    outline->entries = items;
    outline->entries[outline->count] = *entry;
    return (uint32_t)outline->count++;
}

static struct arc_outline_entry *at(struct arc_outline *outline, uint32_t index)
{
    return index != ARC_OUTLINE_NONE ? &outline->entries[index] : NULL;
}

static arc_slice unquoted(arc_slice text)
{
    if (text.len >= 2 && (text.ptr[0] == '"' || text.ptr[0] == '\'') &&
        text.ptr[text.len - 1] == text.ptr[0])
        return arc__slice(text.ptr + 1, text.len - 2);
    return text;
}

static uint32_t add_key(struct arc_outline *outline, uint32_t parent, uint32_t indent,
                        uint32_t from, uint32_t to)
{
    const struct arc_outline_entry *above = at(outline, parent);
    enum arc_object object = above != NULL ? above->object : ARC_OBJECT_PIPELINE;
    struct arc_outline_entry entry = {.parent = parent,
                                      .indent = indent,
                                      .key_offset = from,
                                      .key_end = to,
                                      .value_offset = to,
                                      .value_end = to,
                                      .end = to};
    entry.key = unquoted(arc__slice(outline->text.ptr + from, to - from));
    entry.field = object != ARC_OBJECT_NONE ? arc__field_find(object, entry.key) : NULL;
    entry.object = object_below(entry.field);
    return add(outline, &entry);
}

static uint32_t add_item(struct arc_outline *outline, uint32_t parent, uint32_t indent,
                         uint32_t offset)
{
    const struct arc_outline_entry *above = at(outline, parent);
    struct arc_outline_entry entry = {.parent = parent,
                                      .indent = indent,
                                      .key_offset = offset,
                                      .key_end = offset,
                                      .value_offset = offset,
                                      .value_end = offset,
                                      .end = offset,
                                      .item = 1,
                                      .field = above != NULL ? above->field : NULL};
    entry.object = object_below(entry.field);
    return add(outline, &entry);
}

static void set_value(struct arc_outline *outline, uint32_t index, uint32_t from, uint32_t to)
{
    struct arc_outline_entry *entry = at(outline, index);
    if (entry == NULL)
        return;
    entry->value = unquoted(arc__slice(outline->text.ptr + from, to - from));
    entry->value_offset = from;
    entry->value_end = to;
}

/* Everything up to `end` belongs to the entry and to what is above it. */
static void stretch(struct arc_outline *outline, uint32_t index, uint32_t end)
{
    for (uint32_t i = index; i != ARC_OUTLINE_NONE; i = outline->entries[i].parent) {
        if (outline->entries[i].end < end)
            outline->entries[i].end = end;
    }
}

/* --- between braces: flow style of YAML, and JSON ----------------------------------------- */

/* Behind a quoted text, or at the end of its line. */
static uint32_t skip_quoted(arc_slice text, uint32_t from)
{
    char quote = text.ptr[from];
    uint32_t i = from + 1;
    while (i < text.len && text.ptr[i] != quote && !is_break(text.ptr[i]))
        i += text.ptr[i] == '\\' && quote == '"' && i + 1 < text.len ? 2 : 1;
    return i < text.len && text.ptr[i] == quote ? i + 1 : i < text.len ? i : (uint32_t)text.len;
}

/* Behind a word that stands between braces. `${{ }}` belongs to it. */
static uint32_t skip_word(arc_slice text, uint32_t from)
{
    uint32_t i = from;
    while (i < text.len && !is_break(text.ptr[i])) {
        char c = text.ptr[i];
        if (text.len - i >= 3 && memcmp(text.ptr + i, "${{", 3) == 0) {
            const char *close = memmem(text.ptr + i, text.len - i, "}}", 2);
            if (close == NULL)
                break;
            i = (uint32_t)(close - text.ptr) + 2;
            continue;
        }
        if (strchr(",[]{}", c) != NULL ||
            (c == ':' && (i + 1 >= text.len || is_blank(text.ptr[i + 1]) ||
                          is_break(text.ptr[i + 1]) || strchr(",[]{}", text.ptr[i + 1]) != NULL)) ||
            (c == '#' && i > from && is_blank(text.ptr[i - 1])))
            break;
        i++;
    }
    while (i > from && is_blank(text.ptr[i - 1]))
        i--;
    return i > from ? i : from + 1;
}

struct flow {
    struct arc_outline *outline;
    struct {
        uint32_t entry; /* whose value the bracket is */
        uint32_t key;   /* the present key in it, or NONE */
        char bracket;
    } levels[ARC_OUTLINE_DEPTH];
    uint32_t depth;
};

/* Where a value goes that comes now: to the present key, or it is an item. */
static uint32_t flow_place(struct flow *flow, uint32_t offset)
{
    uint32_t top = flow->depth - 1;
    if (flow->levels[top].bracket == '{')
        return flow->levels[top].key;
    return add_item(flow->outline, flow->levels[top].entry, 0, offset);
}

static void flow_open(struct flow *flow, uint32_t offset)
{
    uint32_t place = flow->depth == 0 ? flow->levels[0].entry : flow_place(flow, offset);
    struct arc_outline_entry *entry = at(flow->outline, place);
    if (entry != NULL) {
        entry->flow = 1;
        entry->value_offset = offset;
    }
    flow->levels[flow->depth].entry = place;
    flow->levels[flow->depth].key = ARC_OUTLINE_NONE;
    flow->levels[flow->depth++].bracket = flow->outline->text.ptr[offset];
}

static void flow_close(struct flow *flow, uint32_t offset)
{
    uint32_t place = flow->levels[--flow->depth].entry;
    struct arc_outline_entry *entry = at(flow->outline, place);
    if (entry != NULL)
        entry->value_end = offset + 1;
    stretch(flow->outline, place, offset + 1);
}

/* A word or quoted text from..to: a key when a colon follows. Answers behind it. */
static uint32_t flow_word(struct flow *flow, uint32_t from, uint32_t to)
{
    arc_slice text = flow->outline->text;
    uint32_t next = to, top = flow->depth - 1;
    while (next < text.len && is_blank(text.ptr[next]))
        next++;
    int is_key = next < text.len && text.ptr[next] == ':' && flow->levels[top].bracket == '{';
    if (is_key) {
        flow->levels[top].key = add_key(flow->outline, flow->levels[top].entry, 0, from, to);
        return next + 1;
    }
    uint32_t place = flow_place(flow, from);
    set_value(flow->outline, place, from, to);
    stretch(flow->outline, place, to);
    return to;
}

/* The colon that ends a key which starts at `from`, or `end` when there is none in the line. */
static uint32_t find_colon(arc_slice text, uint32_t from, uint32_t end)
{
    uint32_t i = from;
    if (i < end && (text.ptr[i] == '"' || text.ptr[i] == '\''))
        i = skip_quoted(text, i);
    for (; i < end; i++) {
        if (text.ptr[i] == ':' && (i + 1 >= end || is_blank(text.ptr[i + 1])))
            return i;
        if (text.ptr[i] == '#' && i > from && is_blank(text.ptr[i - 1]))
            return end;
    }
    return end;
}

/* Whether the line at `from` can be nothing but a line of its own: a list that somebody has just
 * begun would else swallow everything behind it. */
static int starts_anew(arc_slice text, uint32_t from)
{
    uint32_t end = from;
    while (end < text.len && !is_break(text.ptr[end]))
        end++;
    while (from < end && is_blank(text.ptr[from]))
        from++;
    return from < end &&
           (find_colon(text, from, end) < end ||
            (text.ptr[from] == '-' && from + 1 < end && is_blank(text.ptr[from + 1])));
}

/* A value that starts with a bracket at `from`; answers behind its end. `entry` is whose value it
 * is, NONE at the top of a JSON document. A key in the first column ends what was never closed. */
static uint32_t walk_flow(struct flow *flow, uint32_t entry, uint32_t from, int json)
{
    struct arc_outline *outline = flow->outline;
    arc_slice text = outline->text;
    uint32_t i = from;
    flow->levels[0].entry = entry;
    while (i < text.len) {
        char c = text.ptr[i];
        if (c == '{' || c == '[') {
            if (flow->depth == ARC_OUTLINE_DEPTH)
                return (uint32_t)text.len;
            flow_open(flow, i++);
        } else if (c == '}' || c == ']') {
            flow_close(flow, i++);
            if (flow->depth == 0)
                return i;
        } else if (c == ',') {
            flow->levels[flow->depth - 1].key = ARC_OUTLINE_NONE;
            i++;
        } else if (is_break(c) && !json && i + 1 < text.len && !is_blank(text.ptr[i + 1]) &&
                   !is_break(text.ptr[i + 1]) && strchr("}],#", text.ptr[i + 1]) == NULL) {
            return i;
        } else if (is_break(c) && !json && flow->levels[flow->depth - 1].bracket == '[' &&
                   starts_anew(text, i + 1)) {
            return i;
        } else if (is_blank(c) || is_break(c) || c == ':') {
            i++;
        } else if (c == '#' && !json) {
            while (i < text.len && !is_break(text.ptr[i]))
                i++;
        } else {
            uint32_t to =
                c == '"' || (c == '\'' && !json) ? skip_quoted(text, i) : skip_word(text, i);
            i = flow_word(flow, i, to);
        }
    }
    return (uint32_t)text.len;
}

/* The same; what was never closed goes on to where that was seen. */
static uint32_t scan_flow(struct arc_outline *outline, uint32_t entry, uint32_t from, int json)
{
    struct flow flow = {.outline = outline};
    uint32_t end = walk_flow(&flow, entry, from, json);
    for (uint32_t i = 0; i < flow.depth; i++)
        stretch(outline, flow.levels[i].entry, end);
    return end;
}

/* --- lines -------------------------------------------------------------------------------- */

/* The end of a plain or quoted scalar: without a comment and blanks behind it. */
static uint32_t scalar_end(arc_slice text, uint32_t from, uint32_t end)
{
    uint32_t i = from;
    if (i < end && (text.ptr[i] == '"' || text.ptr[i] == '\''))
        return skip_quoted(text, i);
    while (i < end && !(text.ptr[i] == '#' && i > from && is_blank(text.ptr[i - 1])))
        i++;
    while (i > from && is_blank(text.ptr[i - 1]))
        i--;
    return i;
}

static uint32_t line_end(arc_slice text, uint32_t from)
{
    while (from < text.len && !is_break(text.ptr[from]))
        from++;
    return from;
}

static uint32_t next_line(arc_slice text, uint32_t end)
{
    if (end < text.len && text.ptr[end] == '\r')
        end++;
    return end < text.len && text.ptr[end] == '\n' ? end + 1 : end;
}

/* The lines of a block of text: empty ones and those that stand deeper than its owner. */
static uint32_t skip_block(arc_slice text, uint32_t from, uint32_t indent)
{
    while (from < text.len) {
        uint32_t i = from, end = line_end(text, from);
        while (i < end && text.ptr[i] == ' ')
            i++;
        if (i < end && i - from <= indent)
            return from;
        from = next_line(text, end) > from ? next_line(text, end) : (uint32_t)text.len;
    }
    return from;
}

/* Closes what stands at this indent or deeper; answers what is left open. A dash may stand at the
 * indent of the key that its list belongs to. */
static uint32_t close_to(struct scan *scan, uint32_t indent, int dash)
{
    while (scan->depth > 0) {
        const struct arc_outline_entry *top = &scan->outline->entries[scan->open[scan->depth - 1]];
        if (top->indent < indent || (dash && top->indent == indent && !top->item))
            break;
        scan->depth--;
    }
    return scan->depth > 0 ? scan->open[scan->depth - 1] : ARC_OUTLINE_NONE;
}

static void open_entry(struct scan *scan, uint32_t index)
{
    if (index != ARC_OUTLINE_NONE && scan->depth < ARC_OUTLINE_DEPTH)
        scan->open[scan->depth++] = index;
}

/* The value that stands at `from`; answers where the next line starts. */
static uint32_t take_value(struct scan *scan, uint32_t entry, uint32_t from, uint32_t end,
                           uint32_t indent)
{
    struct arc_outline *outline = scan->outline;
    arc_slice text = outline->text;
    while (from < end && is_blank(text.ptr[from]))
        from++;
    if (from < end && (text.ptr[from] == '&' || text.ptr[from] == '!')) {
        while (from < end && !is_blank(text.ptr[from]))
            from++;
        while (from < end && is_blank(text.ptr[from]))
            from++;
    }
    if (from < end && (text.ptr[from] == '{' || text.ptr[from] == '[')) {
        uint32_t to = scan_flow(outline, entry, from, 0);
        return next_line(text, line_end(text, to));
    }
    if (from < end && (text.ptr[from] == '|' || text.ptr[from] == '>')) {
        uint32_t first = next_line(text, end), to = skip_block(text, first, indent);
        struct arc_outline_entry *owner = at(outline, entry);
        if (owner != NULL) {
            owner->text = 1;
            owner->value_offset = first;
            owner->value_end = to;
        }
        stretch(outline, entry, to);
        return to;
    }
    if (from < end && text.ptr[from] != '#')
        set_value(outline, entry, from, scalar_end(text, from, end));
    stretch(outline, entry, end);
    return next_line(text, end);
}

/* A line from its first character that is no blank; answers where the next one starts. */
static uint32_t take_line(struct scan *scan, uint32_t start, uint32_t from, uint32_t end)
{
    struct arc_outline *outline = scan->outline;
    arc_slice text = outline->text;
    uint32_t indent = from - start, item = ARC_OUTLINE_NONE;
    while (text.ptr[from] == '-' && (from + 1 == end || is_blank(text.ptr[from + 1]))) {
        uint32_t parent = close_to(scan, indent, 1);
        item = add_item(outline, parent, indent, from);
        open_entry(scan, item);
        for (from++; from < end && is_blank(text.ptr[from]);)
            from++;
        indent = from - start;
        if (from == end)
            return take_value(scan, item, from, end, indent);
    }
    uint32_t colon =
        text.ptr[from] == '{' || text.ptr[from] == '[' ? end : find_colon(text, from, end);
    if (colon == end) {
        uint32_t owner = item != ARC_OUTLINE_NONE ? item : close_to(scan, indent, 0);
        uint32_t above = item != ARC_OUTLINE_NONE ? outline->entries[item].indent : indent;
        if (item == ARC_OUTLINE_NONE && owner != ARC_OUTLINE_NONE &&
            outline->entries[owner].value.len > 0)
            return next_line(text, end); /* a plain text that goes on */
        return take_value(scan, owner, from, end, above);
    }
    uint32_t parent = close_to(scan, indent, 0), to = colon;
    while (to > from && is_blank(text.ptr[to - 1]))
        to--;
    uint32_t key = add_key(outline, parent, indent, from, to);
    open_entry(scan, key);
    return take_value(scan, key, colon + 1, end, indent);
}

static void scan_lines(struct arc_outline *outline)
{
    struct scan scan = {.outline = outline};
    arc_slice text = outline->text;
    uint32_t start = 0;
    while (start < text.len && !outline->failed) {
        uint32_t end = line_end(text, start), from = start;
        while (from < end && is_blank(text.ptr[from]))
            from++;
        uint32_t next = next_line(text, end);
        if (from < end && text.ptr[from] != '#')
            next = take_line(&scan, start, from, end);
        start = next > start ? next : (uint32_t)text.len;
    }
}

/* --- the whole ---------------------------------------------------------------------------- */

void arc__outline_init(struct arc_outline *outline, const struct arc_mem *mem, arc_slice text,
                       int json)
{
    *outline = (struct arc_outline){.mem = *mem, .text = text};
    if (text.len >= UINT32_MAX) {
        outline->failed = 1;
        return;
    }
    if (!json) {
        scan_lines(outline);
        return;
    }
    const char *open = text.len > 0 ? memchr(text.ptr, '{', text.len) : NULL;
    if (open != NULL)
        (void)scan_flow(outline, ARC_OUTLINE_NONE, (uint32_t)(open - text.ptr), 1);
}

void arc__outline_deinit(struct arc_outline *outline)
{
    arc__free(&outline->mem, outline->entries);
    *outline = (struct arc_outline){.count = 0};
}

uint32_t arc__outline_child(const struct arc_outline *outline, uint32_t parent, uint32_t after)
{
    uint32_t i = after != ARC_OUTLINE_NONE    ? after + 1
                 : parent != ARC_OUTLINE_NONE ? parent + 1
                                              : 0;
    for (; i < outline->count; i++) {
        const struct arc_outline_entry *entry = &outline->entries[i];
        if (entry->parent == parent)
            return i;
        if (parent != ARC_OUTLINE_NONE && entry->key_offset >= outline->entries[parent].end)
            break;
    }
    return ARC_OUTLINE_NONE;
}

const struct arc_outline_entry *arc__outline_get(const struct arc_outline *outline, uint32_t parent,
                                                 enum arc_field_id id)
{
    for (uint32_t i = arc__outline_child(outline, parent, ARC_OUTLINE_NONE); i != ARC_OUTLINE_NONE;
         i = arc__outline_child(outline, parent, i)) {
        if (outline->entries[i].field != NULL && outline->entries[i].field->id == id &&
            !outline->entries[i].item)
            return &outline->entries[i];
    }
    return NULL;
}
