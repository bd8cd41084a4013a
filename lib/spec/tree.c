/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/tree.h"

#include <stdlib.h>

#include "base/text.h"

struct arc_spec_limits arc__limits_resolve(const struct arc_spec_limits *given)
{
    struct arc_spec_limits limits = {0};
    if (given != NULL)
        limits = *given;
/* clang-format off */
#define LIMIT(field, default_value, cap, unit, sentence) \
    if (limits.field == 0) \
        limits.field = default_value; \
    else if (limits.field > (cap)) \
        limits.field = cap;
#include "spec/limits.def"
    /* clang-format on */
    return limits;
}

/* --- before parsing ----------------------------------------------------------------------- */

static int refuse_text(struct arc_tree *tree, enum arc_diag_code code, size_t at, size_t end)
{
    struct arc_span span = arc__tree_mark(tree, at, end);
    (void)arc__diag_add(tree->sink, code, NULL, &span, ARC_NONE, ARC_NO_ARGS);
    return 0;
}

static int text_ok(struct arc_tree *tree)
{
    arc_slice text = tree->text;
    size_t ascii = tree->start + arc__ascii_prefix(arc__slice_from(text, tree->start));
    size_t bad_at = 0;
    tree->ascii = ascii >= text.len;
    if (!tree->ascii && !arc__utf8_valid(arc__slice_from(text, ascii), &bad_at))
        return refuse_text(tree, ARC_DIAG_NOT_UTF8, ascii + bad_at, ascii + bad_at);
    const char *nul = text.len > 0 ? memchr(text.ptr, '\0', text.len) : NULL;
    if (nul != NULL)
        return refuse_text(tree, ARC_DIAG_NUL, (size_t)(nul - text.ptr),
                           (size_t)(nul - text.ptr) + 1);
    return 1;
}

int arc__tree_init(struct arc_tree *tree, uint32_t file, const struct arc_spec_limits *limits,
                   struct arc_arena *arena, struct arc_sink *sink)
{
    arc_slice text = arc__diags_source(sink->diags, file);
    *tree = (struct arc_tree){
        .arena = arena, .sink = sink, .limits = *limits, .text = text, .file = file};
    if (text.len > limits->document_bytes) {
        struct arc_span span = {0, 0, file};
        (void)arc__diag_add(
            sink, ARC_DIAG_DOCUMENT_SIZE, NULL, &span, ARC_NONE,
            ARC_ARGS(arc__decimal(sink, text.len), arc__decimal(sink, limits->document_bytes)));
        return 0;
    }
    tree->start = arc__slice_starts(text, ARC_LIT("\xef\xbb\xbf")) ? 3 : 0;
    if (!text_ok(tree))
        return 0;
    size_t bytes = 0; /* not cleared: a frame is written when it is begun */
    if (__builtin_mul_overflow((size_t)limits->depth, sizeof(*tree->frames), &bytes))
        bytes = SIZE_MAX; /* refused */
    tree->frames = arc__arena_take(arena, bytes);
    return tree->frames != NULL;
}

/* --- building ----------------------------------------------------------------------------- */

arc_slice arc__tree_text(struct arc_tree *tree, arc_slice text, size_t from, size_t to)
{
    arc_slice document = tree->text;
    if (text.len == 0)
        return arc__slice("", 0);
    if ((uintptr_t)text.ptr - (uintptr_t)document.ptr < document.len)
        return text; /* the parser gave it out of the document */
    if (from <= to && to <= document.len && to - from == text.len &&
        memcmp(document.ptr + from, text.ptr, text.len) == 0)
        return arc__slice(document.ptr + from, text.len);
    return arc__arena_copy(tree->arena, text);
}

static int too_deep(struct arc_tree *tree, const struct arc_span *mark)
{
    (void)arc__diag_add(tree->sink, ARC_DIAG_DEPTH, NULL, mark, ARC_NONE,
                        ARC_ARGS(arc__decimal(tree->sink, tree->limits.depth)));
    return 0;
}

static inline int count_nodes(struct arc_tree *tree, uint32_t more, const struct arc_span *mark)
{
    if (more <= tree->limits.nodes - tree->nodes) {
        tree->nodes += more;
        return 1;
    }
    (void)arc__diag_add(tree->sink, ARC_DIAG_NODES, NULL, mark, ARC_NONE,
                        ARC_ARGS(arc__decimal(tree->sink, tree->limits.nodes)));
    return 0;
}

int arc__tree_size_ok(struct arc_tree *tree, size_t bytes, const struct arc_span *mark)
{
    if (bytes <= tree->limits.string_bytes)
        return 1;
    (void)arc__diag_add(tree->sink, ARC_DIAG_TEXT_SIZE, NULL, mark, ARC_NONE,
                        ARC_ARGS(arc__decimal(tree->sink, bytes),
                                 arc__decimal(tree->sink, tree->limits.string_bytes)));
    return 0;
}

/* Size and NUL of a key or a value. */
static inline int text_fits(struct arc_tree *tree, arc_slice text, const struct arc_span *mark)
{
    if (!arc__tree_size_ok(tree, text.len, mark))
        return 0;
    /* The document holds none: only what was copied out of escapes can. */
    if ((uintptr_t)text.ptr - (uintptr_t)tree->text.ptr >= tree->text.len && text.len > 0 &&
        memchr(text.ptr, '\0', text.len) != NULL) {
        (void)arc__diag_add(tree->sink, ARC_DIAG_NUL, NULL, mark, ARC_NONE, ARC_NO_ARGS);
        return 0;
    }
    return 1;
}

/* Few at first, for most texts are short. */
#define NODES_FIRST 8u
#define NODES_EACH 32u

int arc__tree_more_nodes(struct arc_tree *tree)
{
    uint32_t count = tree->spare == NULL ? NODES_FIRST : NODES_EACH;
    struct arc_node *nodes = arc__arena_take(tree->arena, count * sizeof(*nodes));
    if (nodes == NULL)
        return 0;
    tree->spare = nodes;
    tree->spare_end = nodes + count;
    return 1;
}

static inline void append(struct arc_tree *tree, struct arc_node *node)
{
    struct arc_tree_frame *frame = arc__tree_frame(tree);
    if (frame == NULL) {
        tree->root = node;
        return;
    }
    node->key = frame->key;
    node->key_mark = frame->key_mark;
    node->field = frame->field;
    frame->has_key = 0;
    if (frame->last == NULL)
        frame->node->first = node;
    else
        frame->last->next = node;
    frame->last = node;
    frame->node->count++;
}

/* A value came: into the list or map that is open, or aside as the value of a merge key. */
static inline void place(struct arc_tree *tree, struct arc_node *node)
{
    struct arc_tree_frame *frame = arc__tree_frame(tree);
    if (frame != NULL && frame->has_key && frame->key.ptr == NULL) {
        frame->merge = node;
        frame->has_key = 0;
        return;
    }
    append(tree, node);
}

int arc__tree_begin(struct arc_tree *tree, enum arc_node_kind kind, size_t start, size_t end,
                    struct arc_node **out)
{
    struct arc_span mark = arc__tree_mark(tree, start, end);
    if (tree->depth >= tree->limits.depth)
        return too_deep(tree, &mark);
    if (!count_nodes(tree, 1, &mark))
        return 0;
    struct arc_node *node = arc__tree_node(tree);
    if (node == NULL)
        return 0;
    node->kind = kind;
    node->mark = mark;
    place(tree, node);
    const struct arc_tree_frame *parent = arc__tree_frame(tree);
    enum arc_object object = ARC_OBJECT_NONE;
    if (tree->notes != NULL)
        object = parent == NULL                       ? ARC_OBJECT_PIPELINE
                 : parent->node->kind == ARC_NODE_MAP ? parent->of
                                                      : parent->object; /* that of all its items */
    tree->frames[tree->depth++] = (struct arc_tree_frame){.node = node, .object = object};
    if (out != NULL)
        *out = node;
    return 1;
}

static int too_many_keys(struct arc_tree *tree, const struct arc_span *mark)
{
    (void)arc__diag_add(tree->sink, ARC_DIAG_KEYS, NULL, mark, ARC_NONE,
                        ARC_ARGS(arc__decimal(tree->sink, tree->limits.keys)));
    return 0;
}

/* No object has so many fields: who writes more keys than that means something else. */
#define LOOKED_UP_MAX (2 * ARC_FIELDS_MAX)

static inline void look_up(struct arc_tree *tree, struct arc_tree_frame *frame, arc_slice key)
{
    const struct arc_field *field = NULL;
    frame->field = 0;
    frame->of = ARC_OBJECT_NONE;
    if (frame->object != ARC_OBJECT_NONE && frame->node->count < LOOKED_UP_MAX) {
        field = arc__notes_find(tree->notes, frame->object, key);
        frame->field = arc__field_note(frame->object, field);
    }
    uint32_t bit = field != NULL ? arc__field_bit(field->id) : 0;
    frame->of = field != NULL ? field->of : ARC_OBJECT_NONE;
    frame->unsure |= field == NULL || (frame->fields & bit) != 0;
    frame->fields |= bit;
}

int arc__tree_key(struct arc_tree *tree, arc_slice text, size_t start, size_t end, int merge)
{
    struct arc_tree_frame *frame = arc__tree_frame(tree);
    struct arc_span mark = arc__tree_mark(tree, start, end);
    if (frame->node->count >= tree->limits.keys)
        return too_many_keys(tree, &mark);
    if (!text_fits(tree, text, &mark))
        return 0;
    if (merge && frame->merge != NULL) {
        struct arc_diag *diag =
            arc__diag_add(tree->sink, ARC_DIAG_DUPLICATE_KEY, NULL, &mark,
                          ARC_LIT("write `<<: [*one, *two]`"), ARC_ARGS(ARC_LIT("`<<`")));
        arc__diag_relate(tree->sink, diag, &frame->merge_mark, "the first one is here");
    }
    if (merge)
        frame->merge_mark = mark;
    frame->key = merge ? ARC_NONE : text;
    frame->key_mark = mark;
    frame->has_key = 1;
    look_up(tree, frame, frame->key);
    return 1;
}

int arc__tree_scalar(struct arc_tree *tree, struct arc_node *node, size_t start, size_t end)
{
    node->mark = arc__tree_mark(tree, start, end);
    if (!text_fits(tree, node->text, &node->mark) || !count_nodes(tree, 1, &node->mark))
        return 0;
    place(tree, node);
    return 1;
}

struct arc_span arc__node_head(const struct arc_node *node)
{
    struct arc_span mark = node->mark;
    if (node->kind < ARC_NODE_LIST)
        return mark;
    if (node->kind == ARC_NODE_MAP && node->first != NULL &&
        node->first->key_mark.offset == mark.offset)
        return node->first->key_mark;
    mark.end = mark.offset + 1;
    return mark;
}

/* --- aliases and merges ------------------------------------------------------------------- */

struct extent {
    uint32_t nodes, height;
};

/* Nodes and height of a subtree; stops early once there are more nodes than `most`. The recursion
 * is bounded by the depth limit, which held when the subtree was built. */
static void measure(const struct arc_node *node, uint32_t most, uint32_t height,
                    struct extent *extent)
{
    extent->nodes++;
    if (node->kind < ARC_NODE_LIST)
        return;
    if (height + 1 > extent->height)
        extent->height = height + 1;
    for (const struct arc_node *c = node->first; c != NULL && extent->nodes <= most; c = c->next)
        measure(c, most, height + 1, extent);
}

/* Counts what an alias stands for, before anything is done with it. */
static int admit(struct arc_tree *tree, const struct arc_node *target, const struct arc_span *mark)
{
    struct extent extent = {0, 0};
    measure(target, tree->limits.nodes - tree->nodes, 0, &extent);
    if (!count_nodes(tree, extent.nodes, mark))
        return 0;
    if (extent.height > tree->limits.depth - tree->depth)
        return too_deep(tree, mark);
    return 1;
}

/* The children are shared: nothing in them changes any more. */
static struct arc_node *shallow_copy(struct arc_tree *tree, const struct arc_node *node)
{
    struct arc_node *copy = arc__tree_node(tree);
    if (copy != NULL) {
        *copy = *node;
        copy->next = NULL;
    }
    return copy;
}

int arc__tree_alias(struct arc_tree *tree, const struct arc_node *target, size_t start, size_t end)
{
    struct arc_span mark = arc__tree_mark(tree, start, end);
    if (!admit(tree, target, &mark))
        return 0;
    struct arc_node *copy = shallow_copy(tree, target);
    if (copy == NULL)
        return 0;
    copy->mark = mark;
    tree->shares = 1;
    place(tree, copy);
    return 1;
}

int arc__tree_is_open(const struct arc_tree *tree, const struct arc_node *node)
{
    for (uint32_t i = 0; i < tree->depth; i++) {
        if (tree->frames[i].node == node)
            return 1;
    }
    return 0;
}

/* One entry of a map while it is closed; merged ones come after the map's own. */
struct entry {
    struct arc_node *node; /* of the map itself, or of the map that is merged in */
    int merged;
    int dropped;
};

/* An entry in the order of keys. Most keys differ in their first bytes, which are at hand; they
 * hold no NUL, so where they have no more bytes than those they are the same. */
struct sorted {
    uint64_t start; /* of the key, in an order of its own */
    struct entry *entry;
};

static int by_key(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    arc_slice a_key = x->entry->node->key, b_key = y->entry->node->key;
    int order = a_key.len <= 8 && b_key.len <= 8 ? 0 : arc__slice_compare(a_key, b_key);
    return order != 0 ? order : x->entry < y->entry ? -1 : x->entry > y->entry;
}

static uint64_t start_of(arc_slice key)
{
    uint64_t start = 0;
    if (key.len > 0)
        memcpy(&start, key.ptr, key.len < sizeof(start) ? key.len : sizeof(start));
    return start;
}

/* By the first bytes of the keys, one byte after the other from the last to the first; entries with
 * the same ones stay in their order. spare: room for as many. */
static void sort_by_start(struct sorted *sorted, struct sorted *spare, size_t count)
{
    uint32_t counts[8][256] = {{0}};
    struct sorted *from = sorted, *to = spare;
    for (size_t i = 0; i < count; i++) {
        for (unsigned b = 0; b < 8; b++)
            counts[b][sorted[i].start >> 8 * b & 0xff]++;
    }
    for (unsigned b = 0; b < 8; b++) {
        uint32_t at = 0;
        if (counts[b][from[0].start >> 8 * b & 0xff] == count)
            continue; /* all are the same */
        for (unsigned v = 0; v < 256; v++) {
            uint32_t more = counts[b][v];
            counts[b][v] = at;
            at += more;
        }
        for (size_t i = 0; i < count; i++)
            to[counts[b][from[i].start >> 8 * b & 0xff]++] = from[i];
        struct sorted *done = from;
        from = to;
        to = done;
    }
    if (from != sorted)
        memcpy(sorted, from, count * sizeof(*sorted));
}

#define FEW_SORTED 64u

/* Many keys are sorted without comparing them; only those that begin alike and are longer are. */
static void sort_entries(struct sorted *sorted, struct sorted *spare, size_t count)
{
    if (count < FEW_SORTED) {
        qsort(sorted, count, sizeof(*sorted), by_key);
        return;
    }
    sort_by_start(sorted, spare, count);
    for (size_t first = 0, end; first < count; first = end) {
        int longer = 0;
        for (end = first + 1; end < count && sorted[end].start == sorted[first].start; end++)
            longer |= sorted[end].entry->node->key.len > 8;
        if (end - first > 1 && (longer || sorted[first].entry->node->key.len > 8))
            qsort(sorted + first, end - first, sizeof(*sorted), by_key);
    }
}

/* Of each key only the first entry counts: an own one before a merged one. A second own one is an
 * error. */
static void drop_repeated(struct arc_tree *tree, const struct sorted *sorted, size_t count)
{
    for (size_t i = 1, first = 0; i < count; i++) {
        if (sorted[i].start != sorted[first].start) {
            first = i;
            continue;
        }
        struct entry *entry = sorted[i].entry;
        const struct arc_node *kept = sorted[first].entry->node;
        if (!arc__slice_equal(kept->key, entry->node->key)) {
            first = i;
            continue;
        }
        entry->dropped = 1;
        if (entry->merged)
            continue;
        struct arc_diag *diag =
            arc__diag_add(tree->sink, ARC_DIAG_DUPLICATE_KEY, NULL, &entry->node->key_mark,
                          ARC_NONE, ARC_ARGS(arc__quoted(tree->sink, entry->node->key)));
        arc__diag_relate(tree->sink, diag, &kept->key_mark, "the first one is here");
    }
}

/* Chains the entries that stay, in their order. Merged ones become nodes of this map. */
static int chain(struct arc_tree *tree, struct arc_node *map, struct entry *entries, size_t count)
{
    struct arc_node **tail = &map->first;
    map->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct arc_node *node = entries[i].node;
        if (entries[i].dropped)
            continue;
        if (entries[i].merged) {
            if (!admit(tree, node, &map->mark))
                return 0;
            node = shallow_copy(tree, node);
            if (node == NULL)
                return 0;
        }
        *tail = node;
        tail = &node->next;
        map->count++;
    }
    *tail = NULL;
    return 1;
}

static void merge_misfit(struct arc_tree *tree, const struct arc_node *value)
{
    (void)arc__diag_add(tree->sink, ARC_DIAG_MERGE, NULL, &value->mark, ARC_NONE, ARC_NO_ARGS);
}

/* How many entries a merge value brings at most. */
static size_t merge_count(const struct arc_node *merge)
{
    if (merge == NULL || merge->kind < ARC_NODE_LIST)
        return 0;
    if (merge->kind == ARC_NODE_MAP)
        return merge->count;
    size_t count = 0;
    for (const struct arc_node *map = merge->first; map != NULL; map = map->next)
        count += map->kind == ARC_NODE_MAP ? map->count : 0;
    return count;
}

static size_t add_entries(struct entry *entries, size_t count, struct arc_node *map, int merged)
{
    for (struct arc_node *c = map->first; c != NULL; c = c->next, count++)
        entries[count] = (struct entry){c, merged, 0};
    return count;
}

static size_t add_merged(struct arc_tree *tree, struct entry *entries, size_t count,
                         struct arc_node *merge)
{
    if (merge->kind == ARC_NODE_MAP)
        return add_entries(entries, count, merge, 1);
    if (merge->kind != ARC_NODE_LIST)
        merge_misfit(tree, merge);
    for (struct arc_node *map = merge->first; map != NULL; map = map->next) {
        if (map->kind == ARC_NODE_MAP)
            count = add_entries(entries, count, map, 1);
        else
            merge_misfit(tree, map);
    }
    return count;
}

static int close_map_sorted(struct arc_tree *tree, struct arc_tree_frame *frame,
                            struct entry *entries, struct sorted *sorted)
{
    struct arc_node *map = frame->node;
    size_t count = add_entries(entries, 0, map, 0);
    if (frame->merge != NULL)
        count = add_merged(tree, entries, count, frame->merge);
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct sorted){start_of(entries[i].node->key), &entries[i]};
    sort_entries(sorted, sorted + count, count);
    drop_repeated(tree, sorted, count);
    return chain(tree, map, entries, count);
}

#define FEW_KEYS 16u

/* 1: a few keys of which none repeats, which is what most maps are. Keys are compared with those
 * before them only where one of those looks alike. */
static int few_and_different(const struct arc_node *map)
{
    uint64_t looks = 0;
    if (map->count > FEW_KEYS)
        return 0;
    for (const struct arc_node *c = map->first; c != NULL; c = c->next) {
        arc_slice key = c->key;
        uint32_t look = (uint32_t)key.len;
        if (key.len > 0)
            look = look * 7 + (unsigned char)key.ptr[0] * 3U + (unsigned char)key.ptr[key.len - 1];
        if ((looks & UINT64_C(1) << look % 64) != 0) {
            for (const struct arc_node *b = map->first; b != c; b = b->next) {
                if (arc__slice_equal(b->key, key))
                    return 0;
            }
        }
        looks |= UINT64_C(1) << look % 64;
    }
    return 1;
}

/* A table of keys, found by a number that is made of their first and last bytes. Where many of them
 * fall together, as somebody may choose them, the steps run out and they are sorted instead. */
struct seen {
    const struct arc_node **slots; /* a power of two of them, at least twice the keys */
    size_t mask, steps;
};

#define SLOTS_AT_HAND 64u
#define STEPS_PER_KEY 4u

static uint64_t number_of(arc_slice key)
{
    uint64_t first = 0, last = 0;
    if (key.len >= sizeof(first)) {
        memcpy(&first, key.ptr, sizeof(first));
        memcpy(&last, key.ptr + key.len - sizeof(last), sizeof(last));
    } else if (key.len > 0) {
        memcpy(&first, key.ptr, key.len);
    }
    uint64_t number = (first ^ key.len << 32) * UINT64_C(0x9e3779b97f4a7c15);
    number = ((number ^ number >> 32) + last) * UINT64_C(0xd6e8feb86659fd93);
    return number ^ number >> 32;
}

/* 1: none of these was seen, nor comes twice among them. 0: one was, or there are too many steps.
 */
static int all_new(struct seen *seen, const struct arc_node *first)
{
    for (const struct arc_node *c = first; c != NULL; c = c->next) {
        size_t at = (size_t)number_of(c->key) & seen->mask;
        for (; seen->slots[at] != NULL; at = (at + 1) & seen->mask) {
            if (seen->steps-- == 0 || arc__slice_equal(seen->slots[at]->key, c->key))
                return 0;
        }
        seen->slots[at] = c;
    }
    return 1;
}

/* 1: no key of the two (the second may be NULL) comes twice. 0: one does, or it is not known. */
static int all_different(struct arc_tree *tree, const struct arc_node *map,
                         const struct arc_node *merge)
{
    const struct arc_mem *mem = &tree->arena->mem;
    const struct arc_node *at_hand[SLOTS_AT_HAND];
    size_t count = map->count + (merge != NULL ? (size_t)merge->count : 0), room = SLOTS_AT_HAND;
    while (room < 2 * count)
        room *= 2;
    struct seen seen = {at_hand, room - 1, STEPS_PER_KEY * count};
    if (room > SLOTS_AT_HAND)
        seen.slots = arc__alloc_array(mem, room, sizeof(*seen.slots));
    else
        memset(at_hand, 0, sizeof(at_hand));
    int held = seen.slots != NULL && all_new(&seen, map->first) &&
               (merge == NULL || all_new(&seen, merge->first));
    if (seen.slots != at_hand)
        arc__free(mem, seen.slots);
    return held;
}

/* All that another map holds comes behind the map's own. Its entries are not copied: like those of
 * an alias, they stay what they are. */
static int share(struct arc_tree *tree, struct arc_tree_frame *frame, const struct arc_node *merge)
{
    struct arc_node *map = frame->node;
    for (const struct arc_node *c = merge->first; c != NULL; c = c->next) {
        if (!admit(tree, c, &map->mark))
            return 0;
    }
    if (frame->last != NULL)
        frame->last->next = merge->first;
    else
        map->first = merge->first;
    map->count += merge->count;
    return 1;
}

/* Many keys of which some come twice are sorted, so that a map of them does not cost their square.
 */
static int close_map_of_any(struct arc_tree *tree, struct arc_tree_frame *frame)
{
    const struct arc_mem *mem = &tree->arena->mem;
    size_t count = frame->node->count + merge_count(frame->merge);
    struct entry *entries = arc__alloc_array(mem, count + 1, sizeof(*entries));
    struct sorted *sorted = arc__alloc_array(mem, 2 * count + 1, sizeof(*sorted));
    int held = entries != NULL && sorted != NULL;
    if (held)
        held = close_map_sorted(tree, frame, entries, sorted);
    else
        tree->arena->failed = 1;
    arc__free(mem, sorted);
    arc__free(mem, entries);
    return held;
}

static int close_map(struct arc_tree *tree, struct arc_tree_frame *frame)
{
    struct arc_node *map = frame->node;
    const struct arc_node *merge = frame->merge;
    int held = 0;
    tree->shares |= merge != NULL;
    if (merge == NULL)
        held = !frame->unsure || few_and_different(map) || all_different(tree, map, NULL) ||
               close_map_of_any(tree, frame);
    else if (merge->kind == ARC_NODE_MAP && all_different(tree, map, merge))
        held = share(tree, frame, merge);
    else
        held = close_map_of_any(tree, frame);
    if (frame->object != ARC_OBJECT_NONE && merge == NULL && map->count <= LOOKED_UP_MAX)
        map->fields = arc__fields_of(frame->object, frame->fields);
    return held && (map->count <= tree->limits.keys || too_many_keys(tree, &map->mark));
}

int arc__tree_end(struct arc_tree *tree, size_t end)
{
    struct arc_tree_frame *frame = arc__tree_frame(tree);
    struct arc_node *node = frame->node;
    if (end < node->mark.offset)
        end = node->mark.offset;
    node->mark.end = (uint32_t)end;
    int held = node->kind != ARC_NODE_MAP || close_map(tree, frame);
    tree->depth--; /* only now: what was merged in stands inside of the map */
    return held;
}

const struct arc_node *arc__tree_read(struct arc_tree *tree, enum arc_format format)
{
    struct arc_notes notes;
    memset(&notes, 0, sizeof(notes));
    tree->notes = &notes;
    const struct arc_node *root =
        format == ARC_FORMAT_JSON ? arc__json_tree(tree) : arc__yaml_tree(tree);
    tree->notes = NULL;
    if (root != NULL && tree->shares) /* what is shared may stand for other objects here */
        arc__fields_note(tree->root);
    return root;
}
