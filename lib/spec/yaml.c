/* SPDX-License-Identifier: Apache-2.0 */
/* YAML to the tree, over libyaml's events; the only file that sees libyaml.
 *
 * libyaml has no limits of its own and is quadratic in nesting and in directives, so: directives
 * are refused before it runs, its events are read one by one and left at the depth limit, and what
 * follows the document is looked at here and never parsed. It counts characters, not bytes. Its
 * memory comes from malloc (it has no hook); that is bounded by the size of the document. */
#include <yaml.h>

#include "base/map.h"
#include "base/sha256.h"
#include "base/text.h"
#include "spec/tree.h"
#include "spec/yaml_help.h"

struct reader {
    struct arc_tree *tree;
    yaml_parser_t parser;
    struct arc_map anchors;    /* name -> struct arc_node, the newest of its name */
    int has_anchors;           /* it is ready */
    size_t gap;                /* behind the last thing that was read */
    size_t odd_hash, odd_mark; /* the next `#` and `?` that stand close to something */
    size_t seen, seen_at;      /* a character, and its offset */
    size_t start, end;         /* the event that is at hand, as offsets */
};

static int is_start(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* Marks come in the order of the text, but for a few, so the last one is near the next. */
static size_t seek(struct reader *reader, size_t index)
{
    arc_slice text = reader->tree->text;
    size_t at = reader->seen_at, seen = reader->seen;
    while (seen < index && at < text.len) {
        at++;
        while (at < text.len && !is_start(text.ptr[at]))
            at++;
        seen++;
    }
    while (seen > index) {
        at--;
        while (!is_start(text.ptr[at]))
            at--;
        seen--;
    }
    reader->seen = seen;
    reader->seen_at = at;
    return at;
}

static inline size_t offset_of(struct reader *reader, yaml_mark_t mark)
{
    const struct arc_tree *tree = reader->tree;
    if (!tree->ascii)
        return seek(reader, mark.index);
    return mark.index < tree->text.len - tree->start ? tree->start + mark.index : tree->text.len;
}

static arc_slice from_yaml(const yaml_char_t *text, size_t len)
{
    return arc__slice(text, len);
}

/* A finding over the source of the event; 0, so that it can end a handler. */
static int refuse(struct reader *reader, enum arc_diag_code code, const arc_slice *args,
                  size_t arg_count)
{
    struct arc_span mark = arc__tree_mark(reader->tree, reader->start, reader->end);
    (void)arc__diag_add(reader->tree->sink, code, NULL, &mark, ARC_NONE, args, arg_count);
    return 0;
}

/* --- around the document ------------------------------------------------------------------ */

static size_t line_end(arc_slice text, size_t at)
{
    while (at < text.len && text.ptr[at] != '\n' && text.ptr[at] != '\r')
        at++;
    return at;
}

/* From at, which is at the start of a line or in the blanks that end one, to the first character
 * that is neither blank nor comment; the end of the text when there is none. */
static size_t skip_blank(arc_slice text, size_t at)
{
    while (at < text.len) {
        char c = text.ptr[at];
        if (c == '#')
            at = line_end(text, at);
        else if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            at++;
        else
            break;
    }
    return at;
}

/* 20,000 directives cost libyaml a second, so it never sees one. */
static int refuse_directives(struct arc_tree *tree)
{
    arc_slice text = tree->text;
    size_t at = skip_blank(text, tree->start);
    if (at >= text.len || text.ptr[at] != '%')
        return 1;
    struct arc_span mark = arc__tree_mark(tree, at, line_end(text, at));
    (void)arc__diag_add(tree->sink, ARC_DIAG_DIRECTIVE, NULL, &mark, ARC_NONE, ARC_NO_ARGS);
    return 0;
}

static int marker_at(arc_slice text, size_t at, const char *marker)
{
    return arc__slice_starts(arc__slice_from(text, at), arc__slice_cstr(marker)) &&
           (at + 3 == text.len || text.ptr[at + 3] == '\n' || text.ptr[at + 3] == '\r' ||
            text.ptr[at + 3] == ' ' || text.ptr[at + 3] == '\t');
}

/* What follows the document may be blank, comments and `...`; anything else is a second one. */
static int end_of_file(struct reader *reader)
{
    struct arc_tree *tree = reader->tree;
    arc_slice text = tree->text;
    size_t at = skip_blank(text, reader->end);
    while (at < text.len && marker_at(text, at, "..."))
        at = skip_blank(text, at + 3);
    if (at >= text.len)
        return 1;
    struct arc_span mark = arc__tree_mark(tree, at, line_end(text, at));
    if (text.ptr[at] == '%')
        (void)arc__diag_add(tree->sink, ARC_DIAG_DIRECTIVE, NULL, &mark, ARC_NONE, ARC_NO_ARGS);
    else if (marker_at(text, at, "---"))
        (void)arc__diag_add(tree->sink, ARC_DIAG_SECOND_DOCUMENT, NULL, &mark, ARC_NONE,
                            ARC_NO_ARGS);
    else
        arc__yaml_trailing(tree, &mark);
    return 0;
}

/* --- what libyaml takes and YAML does not ------------------------------------------------- */

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A `#` without a blank before it, a `?` without one behind it: a part of a text, or nothing that
 * YAML knows. SIZE_MAX: there is none. */
static size_t find_odd(arc_slice text, size_t from, char c)
{
    while (from < text.len) {
        const char *found = memchr(text.ptr + from, c, text.len - from);
        if (found == NULL)
            break;
        size_t at = (size_t)(found - text.ptr);
        if (c == '#' ? at > 0 && !is_blank(text.ptr[at - 1])
                     : at + 1 < text.len && !is_blank(text.ptr[at + 1]))
            return at;
        from = at + 1;
    }
    return SIZE_MAX;
}

/* 1: a comment has begun on the line of `at`, at `from` or behind it. */
static int in_comment(arc_slice text, size_t from, size_t at)
{
    for (; at > from && text.ptr[at - 1] != '\n' && text.ptr[at - 1] != '\r'; at--) {
        if (text.ptr[at - 1] == '#' && (at == 1 || is_blank(text.ptr[at - 2])))
            return 1;
    }
    return 0;
}

static int refuse_odd(struct reader *reader, size_t at, const char *sentence, const char *hint)
{
    struct arc_span span = arc__tree_mark(reader->tree, at, at + 1);
    (void)arc__diag_add(reader->tree->sink, ARC_DIAG_YAML, NULL, &span, arc__slice_cstr(hint),
                        ARC_ARGS(arc__slice_cstr(sentence)));
    return 0;
}

/* Between two things are blanks, comments and indicators: libyaml takes `[a]#b` for a comment and
 * `[?x]` for a key. 0: refused. */
static int gap_ok(struct reader *reader, size_t to)
{
    arc_slice text = reader->tree->text;
    for (; reader->odd_hash < to; reader->odd_hash = find_odd(text, reader->odd_hash + 1, '#')) {
        if (reader->odd_hash >= reader->gap && !in_comment(text, reader->gap, reader->odd_hash))
            return refuse_odd(reader, reader->odd_hash, "a comment needs a blank before its `#`",
                              "write a blank before the `#`, or quotes around the text");
    }
    for (; reader->odd_mark < to; reader->odd_mark = find_odd(text, reader->odd_mark + 1, '?')) {
        if (reader->odd_mark >= reader->gap && !in_comment(text, reader->gap, reader->odd_mark))
            return refuse_odd(reader, reader->odd_mark, "a `?` is not expected here",
                              "put quotes around a text that starts with `?`");
    }
    return 1;
}

/* An anchor ends at a blank or an indicator of lists and maps in brackets; libyaml ends it at any
 * character that it does not know in names. */
static int anchor_ends(struct reader *reader, const yaml_char_t *anchor, size_t start)
{
    arc_slice text = reader->tree->text;
    if (start >= text.len || text.ptr[start] != '&')
        return 1;
    size_t end = start + 1 + strlen((const char *)anchor);
    if (end >= text.len || is_blank(text.ptr[end]) || memchr(",[]{}", text.ptr[end], 5) != NULL)
        return 1;
    return refuse_odd(reader, end, "this character cannot stand in the name of an anchor",
                      "use letters, digits, `_` and `-`");
}

static inline int anchor_ok(struct reader *reader, const yaml_char_t *anchor, size_t start)
{
    return anchor == NULL || anchor_ends(reader, anchor, start);
}

/* --- events ------------------------------------------------------------------------------- */

/* The seed is of the document, which its author cannot choose to suit colliding names. Most
 * documents have no anchors, and are not hashed. */
static void ready_anchors(struct reader *reader)
{
    uint8_t digest[ARC_SHA256_LEN];
    uint64_t seed[2];
    struct arc_sha256 sha;
    if (reader->has_anchors)
        return;
    arc__sha256_init(&sha);
    arc__sha256_add(&sha, reader->tree->text);
    arc__sha256_end(&sha, digest);
    memcpy(seed, digest, sizeof(seed));
    arc__map_init(&reader->anchors, &reader->tree->arena->mem, seed[0], seed[1]);
    reader->has_anchors = 1;
}

static int put_anchor(struct reader *reader, const yaml_char_t *anchor, struct arc_node *node)
{
    arc_slice name = from_yaml(anchor, strlen((const char *)anchor));
    ready_anchors(reader);
    if (arc__map_put(&reader->anchors, name, node, NULL, NULL) == ARC_OK)
        return 1;
    reader->tree->arena->failed = 1;
    return 0;
}

static inline int remember(struct reader *reader, const yaml_char_t *anchor, struct arc_node *node)
{
    return anchor == NULL || put_anchor(reader, anchor, node);
}

/* The short name of a standard tag, like "str"; ARC_NONE for any other. */
static arc_slice standard_tag(const yaml_char_t *tag)
{
    arc_slice whole = from_yaml(tag, strlen((const char *)tag));
    arc_slice prefix = ARC_LIT("tag:yaml.org,2002:");
    return arc__slice_starts(whole, prefix) ? arc__slice_from(whole, prefix.len) : ARC_NONE;
}

static int refuse_tag(struct reader *reader, const yaml_char_t *tag)
{
    arc_slice shown = from_yaml(tag, strlen((const char *)tag)), standard = standard_tag(tag);
    if (standard.len > 0)
        shown = arc__arena_printf(reader->tree->arena, "!!%.*s", ARC_ARG(standard));
    return refuse(reader, ARC_DIAG_TAG, ARC_ARGS(arc__quoted(reader->tree->sink, shown)));
}

static const char *kind_tag(enum arc_node_kind kind)
{
    switch (kind) {
    case ARC_NODE_NULL:
        return "null";
    case ARC_NODE_BOOL:
        return "bool";
    case ARC_NODE_INT:
        return "int";
    case ARC_NODE_FLOAT:
        return "float";
    case ARC_NODE_TEXT:
        return "str";
    case ARC_NODE_LIST:
        return "seq";
    case ARC_NODE_MAP:
        return "map";
    }
    return "";
}

static int on_begin(struct reader *reader, const yaml_event_t *event, enum arc_node_kind kind)
{
    const yaml_char_t *tag =
        kind == ARC_NODE_LIST ? event->data.sequence_start.tag : event->data.mapping_start.tag;
    const yaml_char_t *anchor = kind == ARC_NODE_LIST ? event->data.sequence_start.anchor
                                                      : event->data.mapping_start.anchor;
    struct arc_node *node = NULL;
    size_t at = reader->start;
    arc_slice source = reader->tree->text;
    if (arc__tree_wants_key(reader->tree) && at > 0 && at < source.len && source.ptr[at] == '{' &&
        source.ptr[at - 1] == '{') {
        arc__yaml_braces(reader->tree, at - 1);
        return 0;
    }
    if (arc__tree_wants_key(reader->tree))
        return refuse(reader, ARC_DIAG_KEY, ARC_NO_ARGS);
    if (tag != NULL && !arc__slice_is(standard_tag(tag), kind_tag(kind)))
        return refuse_tag(reader, tag);
    return anchor_ok(reader, anchor, at) &&
           arc__tree_begin(reader->tree, kind, at, reader->end, &node) &&
           remember(reader, anchor, node);
}

/* Kind and values of a scalar event. 0: refused. */
static int resolve(struct reader *reader, const yaml_event_t *event, struct arc_node *node)
{
    const yaml_char_t *tag = event->data.scalar.tag;
    int plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->kind = ARC_NODE_TEXT;
    if (tag != NULL && strcmp((const char *)tag, "!") == 0)
        return 1;
    if (tag != NULL && arc__slice_is(standard_tag(tag), "str"))
        return 1;
    node->plain = (uint8_t)plain;
    if (plain && !arc__core_schema(node))
        (void)refuse(reader, ARC_DIAG_NUMBER,
                     ARC_ARGS(arc__quoted(reader->tree->sink, node->text)));
    if (tag != NULL && !arc__slice_is(standard_tag(tag), kind_tag(node->kind)))
        return refuse_tag(reader, tag);
    return 1;
}

static arc_slice scalar_text(struct reader *reader, const yaml_event_t *event, size_t start,
                             size_t end)
{
    arc_slice value = from_yaml(event->data.scalar.value, event->data.scalar.length);
    int quoted = event->data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
                 event->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    /* Properties (&a, !!str) stand before the text: found from behind. */
    size_t to = end - (size_t)(quoted && end > start);
    size_t from = to >= value.len ? to - value.len : 0;
    /* On one line only escapes and doubled quotes change a text. */
    yaml_scalar_style_t style = event->data.scalar.style;
    int same = event->start_mark.line == event->end_mark.line && from >= start && value.len > 0 &&
               (style == YAML_PLAIN_SCALAR_STYLE ||
                (style == YAML_SINGLE_QUOTED_SCALAR_STYLE && from == start + 1));
    if (same)
        return arc__slice(reader->tree->text.ptr + from, value.len);
    return arc__tree_text(reader->tree, value, from >= start ? from : start, to);
}

static int on_key(struct reader *reader, struct arc_node *node, size_t start, size_t end)
{
    if (node->plain && arc__slice_is(node->text, "<<"))
        return arc__tree_key(reader->tree, node->text, start, end, 1);
    if (node->kind != ARC_NODE_TEXT)
        (void)refuse(reader, ARC_DIAG_KEY, ARC_NO_ARGS);
    return arc__tree_key(reader->tree, node->text, start, end, 0);
}

static int scalar_ok(struct reader *reader, const yaml_event_t *event, const struct arc_node *node,
                     size_t start)
{
    arc_slice text = reader->tree->text;
    yaml_scalar_style_t style = event->data.scalar.style;
    if (!anchor_ok(reader, event->data.scalar.anchor, start))
        return 0;
    if (style == YAML_PLAIN_SCALAR_STYLE && arc__slice_is(node->text, "-"))
        return refuse_odd(reader, start, "a `-` is not expected here", "put quotes around it");
    if ((style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE) &&
        reader->odd_hash < line_end(text, start))
        return refuse_odd(reader, reader->odd_hash, "a comment needs a blank before its `#`",
                          "write a blank before the `#`");
    return 1;
}

/* A key is no node of its own, unless it has an anchor. */
static int on_scalar(struct reader *reader, const yaml_event_t *event)
{
    struct arc_tree *tree = reader->tree;
    const yaml_char_t *anchor = event->data.scalar.anchor;
    size_t start = reader->start, end = reader->end;
    int is_key = arc__tree_wants_key(tree);
    struct arc_node key = {0};
    struct arc_node *node = is_key && anchor == NULL ? &key : arc__tree_node(tree);
    if (node == NULL)
        return 0;
    node->text = scalar_text(reader, event, start, end);
    if (tree->arena->failed || !resolve(reader, event, node))
        return 0;
    if (!scalar_ok(reader, event, node, start))
        return 0;
    node->braceless = node->text.len == 0 || memchr(node->text.ptr, '{', node->text.len) == NULL;
    int held = is_key ? on_key(reader, node, start, end) : arc__tree_scalar(tree, node, start, end);
    return held && remember(reader, anchor, node);
}

/* An anchor that is not there, with the nearest of those that are. */
static int refuse_anchor(struct reader *reader, arc_slice name)
{
    struct arc_sink *sink = reader->tree->sink;
    arc_slice names[64];
    size_t count = 0, at = 0;
    while (reader->has_anchors && count < ARC_COUNT_OF(names) &&
           arc__map_next(&reader->anchors, &at, &names[count], NULL))
        count++;
    struct arc_span mark = arc__tree_mark(reader->tree, reader->start, reader->end);
    (void)arc__diag_add(sink, ARC_DIAG_ANCHOR, NULL, &mark,
                        arc__did_you_mean(sink, arc__nearest(name, names, count)),
                        ARC_ARGS(arc__quoted(sink, name)));
    return 0;
}

static int on_alias(struct reader *reader, const yaml_event_t *event)
{
    struct arc_tree *tree = reader->tree;
    const yaml_char_t *anchor = event->data.alias.anchor;
    arc_slice name = from_yaml(anchor, strlen((const char *)anchor));
    const struct arc_node *target =
        reader->has_anchors ? arc__map_get(&reader->anchors, name) : NULL;
    if (arc__tree_wants_key(tree))
        return refuse(reader, ARC_DIAG_KEY, ARC_NO_ARGS);
    if (target == NULL)
        return refuse_anchor(reader, name);
    if (arc__tree_is_open(tree, target))
        return refuse(reader, ARC_DIAG_ANCHOR_LOOP, ARC_ARGS(arc__quoted(tree->sink, name)));
    return arc__tree_alias(tree, target, reader->start, reader->end);
}

static int on_empty(struct reader *reader, const yaml_event_t *event)
{
    struct arc_span mark = arc__tree_mark(reader->tree, reader->tree->start, reader->tree->start);
    (void)event;
    (void)arc__diag_add(reader->tree->sink, ARC_DIAG_EMPTY, NULL, &mark, ARC_NONE, ARC_NO_ARGS);
    return 0;
}

/* 1: go on. *done is set after the document. */
static int on_content(struct reader *reader, const yaml_event_t *event, int *done)
{
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_START_EVENT:
        return 1;
    case YAML_STREAM_END_EVENT:
        return on_empty(reader, event);
    case YAML_DOCUMENT_END_EVENT:
        *done = 1;
        return end_of_file(reader);
    case YAML_ALIAS_EVENT:
        return on_alias(reader, event);
    case YAML_SCALAR_EVENT:
        return on_scalar(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_begin(reader, event, ARC_NODE_LIST);
    case YAML_MAPPING_START_EVENT:
        return on_begin(reader, event, ARC_NODE_MAP);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return arc__tree_end(reader->tree, reader->end);
    }
    return 0;
}

static int on_event(struct reader *reader, const yaml_event_t *event, int *done)
{
    reader->start = offset_of(reader, event->start_mark);
    reader->end = offset_of(reader, event->end_mark);
    /* The map of one pair in `[?x: y]` starts with its `?`, which is none of the key's text.
     * Outside of brackets `?x` is a text, and the map's first key. */
    int swallowed = event->type == YAML_MAPPING_START_EVENT && reader->odd_mark == reader->start &&
                    event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
    size_t to = reader->start + (size_t)swallowed;
    if (!gap_ok(reader, to) || !on_content(reader, event, done))
        return 0;
    if (reader->end > reader->gap && event->type != YAML_DOCUMENT_END_EVENT)
        reader->gap = reader->end;
    return 1;
}

static void broken(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    struct arc_tree *tree = reader->tree;
    struct arc_yaml_problem problem = {.text = parser->problem, .context = parser->context};
    if (parser->error == YAML_MEMORY_ERROR) {
        tree->arena->failed = 1;
        return;
    }
    if (parser->error == YAML_READER_ERROR) {
        problem.at = tree->start + parser->problem_offset;
    } else {
        problem.at = offset_of(reader, parser->problem_mark);
        problem.context_at = offset_of(reader, parser->context_mark);
    }
    arc__yaml_broken(tree, &problem);
}

static int read_events(struct reader *reader)
{
    int going = 1, done = 0;
    while (going && !done) {
        yaml_event_t event;
        if (!yaml_parser_parse(&reader->parser, &event)) {
            broken(reader);
            return 0;
        }
        going = on_event(reader, &event, &done);
        yaml_event_delete(&event);
    }
    return going;
}

const struct arc_node *arc__yaml_tree(struct arc_tree *tree)
{
    struct reader reader = {.tree = tree, .seen_at = tree->start};
    arc_slice text = arc__slice_from(tree->text, tree->start);
    if (!refuse_directives(tree))
        return NULL;
    if (!yaml_parser_initialize(&reader.parser)) {
        tree->arena->failed = 1;
        return NULL;
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    /* It aborts the process when it is given NULL, even for no bytes. */
    yaml_parser_set_input_string(&reader.parser,
                                 (const yaml_char_t *)(text.len > 0 ? text.ptr : ""), text.len);
    reader.gap = tree->start;
    reader.odd_hash = find_odd(tree->text, tree->start, '#');
    reader.odd_mark = find_odd(tree->text, tree->start, '?');
    int held = read_events(&reader);
    if (reader.has_anchors)
        arc__map_deinit(&reader.anchors);
    yaml_parser_delete(&reader.parser);
    return held && !tree->arena->failed ? tree->root : NULL;
}
