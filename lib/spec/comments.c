/* SPDX-License-Identifier: Apache-2.0 */
/* The comments of a YAML text, and whose they are. libyaml drops them, so they are looked for in
 * what stands between the keys and values that the tree knows: there, and in the first line of a
 * block text, a # always begins one.
 *
 * A comment on a line of its own belongs to the entry that follows; one that is deeper than that
 * entry belongs to the block that ends before it. A comment behind a value belongs to the entry on
 * whose line it stands. What stands above the first key is the head of the document. */
#include <stdlib.h>

#include "spec/print.h"

/* An entry of a map or list, or the root. */
struct entry {
    struct arc_noted *noted;
    struct entry *up;
    uint32_t from; /* of its key, or of the item */
    uint32_t to;   /* of its value */
    uint32_t depth;
    uint32_t column; /* of its key, or of the dash */
};

/* Text in which a # means nothing. */
struct stretch {
    uint32_t from, to;
    struct entry *entry;
};

struct line {
    uint32_t start;
    uint32_t blank; /* nothing stands in it */
};

struct finder {
    arc_slice source;
    struct line *lines;
    size_t line_count;
    struct arc_arena *arena;
    struct arc_document *document;
    struct entry *entries, **sorted;
    struct stretch *stretches;
    size_t entry_count, stretch_count;
    size_t next; /* the first of the sorted entries behind the place that is looked at */
};

static char at(const struct finder *f, size_t offset)
{
    return offset < f->source.len ? f->source.ptr[offset] : '\n';
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* The line that holds a place. */
static const struct line *line_of(const struct finder *f, size_t offset)
{
    size_t low = 0, high = f->line_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (f->lines[middle].start <= offset)
            low = middle;
        else
            high = middle;
    }
    return &f->lines[low];
}

static size_t line_start(const struct finder *f, size_t offset)
{
    return line_of(f, offset)->start;
}

/* An empty line stands above the one that holds offset. */
static int blank_above(const struct finder *f, size_t offset)
{
    const struct line *line = line_of(f, offset);
    return line > f->lines && line[-1].blank;
}

/* Lines end at LF, CR LF or CR. */
static int look_at_lines(struct finder *f)
{
    size_t count = 1, start = 0;
    for (size_t i = 0; i < f->source.len; i++)
        count += is_line_end(f->source.ptr[i]) ? 1 : 0;
    f->lines = arc__arena_array(f->arena, count, sizeof(*f->lines));
    if (f->lines == NULL)
        return 0;
    while (start <= f->source.len) {
        size_t end = start, words = 0;
        while (end < f->source.len && !is_line_end(at(f, end)))
            words += is_blank(at(f, end++)) ? 0 : 1;
        f->lines[f->line_count++] = (struct line){(uint32_t)start, words == 0};
        if (at(f, end) == '\r' && end + 1 < f->source.len && at(f, end + 1) == '\n')
            end++;
        start = end + 1;
    }
    return 1;
}

static void trouble(struct finder *f, size_t from, size_t to, const char *why)
{
    if (f->document->trouble.len > 0)
        return;
    f->document->trouble = arc__slice_cstr(why);
    f->document->trouble_from = (uint32_t)from;
    f->document->trouble_to = (uint32_t)to;
}

/* --- what the tree knows ------------------------------------------------------------------ */

static size_t count_nodes(const struct arc_node *node)
{
    size_t count = 1;
    for (const struct arc_node *c = node->first; c != NULL; c = c->next)
        count += count_nodes(c);
    return count;
}

static void add_stretch(struct finder *f, size_t from, size_t to, struct entry *entry)
{
    f->stretches[f->stretch_count++] = (struct stretch){(uint32_t)from, (uint32_t)to, entry};
}

static size_t word_end(const struct finder *f, size_t offset)
{
    while (!is_blank(at(f, offset)) && !is_line_end(at(f, offset)) && at(f, offset) != ',' &&
           at(f, offset) != ']' && at(f, offset) != '}')
        offset++;
    return offset;
}

/* Anchor and tag in front of a value; answers where the value itself begins. */
static size_t read_properties(struct finder *f, struct arc_noted *noted, size_t offset)
{
    while (at(f, offset) == '&' || at(f, offset) == '!') {
        size_t end = word_end(f, offset);
        if (at(f, offset) == '&')
            noted->anchor = arc__slice(f->source.ptr + offset, end - offset);
        while (is_blank(at(f, end)))
            end++;
        offset = end;
    }
    return offset;
}

static int is_flow(const struct finder *f, const struct entry *entry)
{
    size_t start = entry->noted->node.mark.offset;
    while (at(f, start) == '&') {
        start = word_end(f, start);
        while (is_blank(at(f, start)) || is_line_end(at(f, start)))
            start += start < f->source.len ? 1 : 0;
    }
    return entry->noted->node.kind >= ARC_NODE_LIST && (at(f, start) == '[' || at(f, start) == '{');
}

/* Of an item of a block: where its dash is. */
static uint32_t column_of(const struct finder *f, const struct entry *entry, int is_item)
{
    size_t start = line_start(f, entry->from), offset = start;
    if (is_item && !is_flow(f, entry->up)) {
        while (is_blank(at(f, offset)))
            offset++;
        return (uint32_t)(offset - start);
    }
    return (uint32_t)(entry->from - start);
}

static void walk(struct finder *f, struct arc_node *node, struct entry *up, int is_item);

static void walk_children(struct finder *f, struct arc_node *node, struct entry *entry)
{
    for (struct arc_node *c = node->first; c != NULL; c = c->next) {
        struct arc_noted *noted = (struct arc_noted *)c;
        if (node->kind == ARC_NODE_MAP &&
            (c->key_mark.offset < node->mark.offset || c->key_mark.offset >= node->mark.end)) {
            noted->merged = 1;
            continue;
        }
        walk(f, c, entry, node->kind == ARC_NODE_LIST);
    }
}

static void walk(struct finder *f, struct arc_node *node, struct entry *up, int is_item)
{
    struct arc_noted *noted = (struct arc_noted *)node;
    struct entry *entry = &f->entries[f->entry_count++];
    int has_key = up != NULL && !is_item;
    *entry = (struct entry){.noted = noted, .up = up, .to = node->mark.end};
    entry->from = has_key ? node->key_mark.offset : node->mark.offset;
    entry->depth = up != NULL ? up->depth + 1 : 0;
    entry->column = column_of(f, entry, is_item);
    noted->blank = (uint8_t)blank_above(f, entry->from);
    if (has_key) {
        add_stretch(f, node->key_mark.offset, node->key_mark.end, NULL);
        if (at(f, node->key_mark.offset) == '&')
            trouble(f, node->key_mark.offset, node->key_mark.end, "a key has an anchor");
    }
    if (at(f, node->mark.offset) == '*' && node->mark.end > node->mark.offset) {
        noted->alias =
            arc__slice(f->source.ptr + node->mark.offset, node->mark.end - node->mark.offset);
        add_stretch(f, node->mark.offset, node->mark.end, NULL);
        return;
    }
    size_t start = read_properties(f, noted, node->mark.offset);
    if (node->kind < ARC_NODE_LIST) {
        add_stretch(f, node->mark.offset, node->mark.end,
                    at(f, start) == '|' || at(f, start) == '>' ? entry : NULL);
        return;
    }
    size_t line = start;
    while (line < node->mark.end && !is_line_end(at(f, line)))
        line++;
    noted->flow = (at(f, start) == '[' || at(f, start) == '{') && line == node->mark.end;
    walk_children(f, node, entry);
}

static int by_place(const void *a, const void *b)
{
    const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->depth < y->depth ? -1 : x->depth > y->depth;
}

static int by_start(const void *a, const void *b)
{
    const struct stretch *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

static int look_at_tree(struct finder *f, struct arc_node *root)
{
    size_t most = count_nodes(root);
    f->entries = arc__arena_array(f->arena, most, sizeof(*f->entries));
    f->sorted = arc__arena_array(f->arena, most, sizeof(struct entry *));
    f->stretches = arc__arena_array(f->arena, 2 * most, sizeof(*f->stretches));
    if (f->entries == NULL || f->sorted == NULL || f->stretches == NULL)
        return 0;
    walk(f, root, NULL, 0);
    for (size_t i = 0; i < f->entry_count; i++)
        f->sorted[i] = &f->entries[i];
    qsort(f->sorted, f->entry_count, sizeof(struct entry *), by_place);
    qsort(f->stretches, f->stretch_count, sizeof(*f->stretches), by_start);
    return 1;
}

/* --- merge keys --------------------------------------------------------------------------- */

/* `*name`, or a list of them in brackets; its end, or 0. */
static size_t merge_end(const struct finder *f, size_t offset)
{
    if (at(f, offset) == '*')
        return word_end(f, offset);
    if (at(f, offset) != '[')
        return 0;
    for (offset++; at(f, offset) != ']'; offset++) {
        if (at(f, offset) == '*')
            offset = word_end(f, offset) - 1;
        else if (!is_blank(at(f, offset)) && at(f, offset) != ',')
            return 0;
    }
    return offset + 1;
}

/* The value of `<<` stays as it is written. Answers where to go on. */
static size_t on_merge(struct finder *f, size_t offset)
{
    size_t from = offset + 2;
    while (is_blank(at(f, from)))
        from++;
    from += at(f, from) == ':';
    while (is_blank(at(f, from)))
        from++;
    size_t end = merge_end(f, from);
    struct entry *entry = f->next > 0 ? f->sorted[f->next - 1] : NULL;
    /* A map that begins with its merge key begins where this does. */
    if (f->next < f->entry_count && f->sorted[f->next]->from == offset)
        entry = f->sorted[f->next];
    while (entry != NULL && (entry->noted->node.kind != ARC_NODE_MAP ||
                             entry->noted->node.mark.offset > offset || entry->to <= offset))
        entry = entry->up;
    if (end == 0 || entry == NULL || entry->noted->merge.len > 0) {
        trouble(f, offset, offset + 2, "a merge key has a value that is not a plain alias");
        return offset + 2;
    }
    entry->noted->merge = arc__slice(f->source.ptr + from, end - from);
    return end;
}

/* --- comments ----------------------------------------------------------------------------- */

static void add(struct arc_comments *list, struct arc_comment *comment)
{
    if (list->tail == NULL)
        list->tail = &list->first;
    *list->tail = comment;
    list->tail = &comment->next;
}

/* What holds a comment needs lines of its own. */
static void split_above(struct entry *entry)
{
    for (struct entry *up = entry->up; up != NULL && !up->noted->split; up = up->up)
        up->noted->split = 1;
}

/* 1: nothing but dashes and blanks stands in front of it in its line. */
static int is_alone(const struct finder *f, size_t offset)
{
    for (size_t i = line_start(f, offset); i < offset; i++) {
        if (!is_blank(at(f, i)) && at(f, i) != '-' && at(f, i) != '.' &&
            (unsigned char)at(f, i) != 0xef && (unsigned char)at(f, i) != 0xbb &&
            (unsigned char)at(f, i) != 0xbf)
            return 0;
    }
    return 1;
}

static void place_alone(struct finder *f, struct arc_comment *comment, size_t offset)
{
    struct entry *next = f->next < f->entry_count ? f->sorted[f->next] : NULL;
    struct entry *last = f->next > 0 ? f->sorted[f->next - 1] : NULL;
    size_t start = line_start(f, offset);
    int marker = start + 3 <= f->source.len && (memcmp(f->source.ptr + start, "---", 3) == 0 ||
                                                memcmp(f->source.ptr + start, "...", 3) == 0);
    uint32_t column = marker ? 0 : (uint32_t)(offset - start);
    if (last == NULL || last->up == NULL) {
        add(&f->document->head, comment);
        return;
    }
    if (next != NULL && column <= next->column) {
        add(&next->noted->before, comment);
        split_above(next);
        return;
    }
    while (last->column > column && last->up != NULL && last->up->up != NULL)
        last = last->up;
    if (next == NULL && column == 0) {
        add(&f->document->tail, comment);
        return;
    }
    add(&last->noted->after, comment);
    split_above(last);
}

static void place_beside(struct finder *f, struct arc_comment *comment, size_t offset)
{
    struct entry *entry = f->next > 0 ? f->sorted[f->next - 1] : NULL;
    if (entry == NULL || entry->up == NULL) {
        add(&f->document->head, comment);
        return;
    }
    while (entry->up->up != NULL && is_flow(f, entry->up) && entry->up->to <= offset)
        entry = entry->up;
    if (entry->noted->beside.len == 0 && entry->noted->after.first == NULL)
        entry->noted->beside = comment->text;
    else
        add(&entry->noted->after, comment);
    split_above(entry);
}

/* Answers where its line ends. owner: the entry in whose first line it stands, or NULL. */
static size_t on_comment(struct finder *f, size_t offset, struct entry *owner)
{
    size_t end = offset, used;
    struct arc_comment *comment = ARC_ARENA_NEW(f->arena, struct arc_comment);
    while (end < f->source.len && !is_line_end(at(f, end)))
        end++;
    for (used = end; is_blank(at(f, used - 1));)
        used--;
    if (comment == NULL)
        return end;
    comment->text = arc__slice(f->source.ptr + offset, used - offset);
    comment->blank = blank_above(f, offset);
    if (f->document->comments++ == 0)
        f->document->first_comment = (uint32_t)offset;
    while (f->next < f->entry_count && f->sorted[f->next]->from < offset)
        f->next++;
    if (owner != NULL && owner->noted->beside.len == 0)
        owner->noted->beside = comment->text;
    else if (owner == NULL && is_alone(f, offset))
        place_alone(f, comment, offset);
    else
        place_beside(f, comment, offset);
    if (owner != NULL)
        split_above(owner);
    return end;
}

/* The header of a block text, like `|-  # why`. */
static void look_in_header(struct finder *f, const struct stretch *stretch)
{
    for (size_t i = stretch->from; i < stretch->to && !is_line_end(at(f, i)); i++) {
        if (at(f, i) == '#' && i > stretch->from && is_blank(at(f, i - 1))) {
            (void)on_comment(f, i, stretch->entry);
            return;
        }
    }
}

static void look_between(struct finder *f, size_t from, size_t to)
{
    for (size_t i = from; i < to;) {
        while (f->next < f->entry_count && f->sorted[f->next]->from < i)
            f->next++;
        if (at(f, i) == '#')
            i = on_comment(f, i, NULL);
        else if (at(f, i) == '<' && at(f, i + 1) == '<')
            i = on_merge(f, i);
        else
            i++;
    }
}

int arc__comments_attach(struct arc_node *noted, arc_slice source, struct arc_arena *arena,
                         struct arc_document *out)
{
    struct finder f = {.source = source, .arena = arena, .document = out};
    size_t from = 0;
    *out = (struct arc_document){.root = noted};
    if (!look_at_lines(&f) || !look_at_tree(&f, noted))
        return 0;
    for (size_t i = 0; i < f.stretch_count; i++) {
        if (f.stretches[i].from > from)
            look_between(&f, from, f.stretches[i].from);
        if (f.stretches[i].entry != NULL)
            look_in_header(&f, &f.stretches[i]);
        if (f.stretches[i].to > from)
            from = f.stretches[i].to;
    }
    look_between(&f, from, source.len);
    if (f.entry_count > 1)
        out->gap = blank_above(&f, f.sorted[1]->from);
    return !arena->failed;
}
