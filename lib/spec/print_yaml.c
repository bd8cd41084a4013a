/* SPDX-License-Identifier: Apache-2.0 */
/* Trees as YAML: blocks with an indentation of two, short lists of single values in brackets,
 * scripts as they are read. A text is quoted where the core schema would make something else of
 * it, where the syntax asks for it, and where readers of YAML 1.1 would take it for a boolean.
 *
 * The recursion is bounded by the depth of the tree that was read. */
#include "spec/print.h"

#include "base/json.h"
#include "spec/node.h"
#include "spec/tree.h"

struct printer {
    struct arc_buf *out;
    int noted; /* the nodes are struct arc_noted */
};

static void put_map(struct printer *p, const struct arc_node *node, uint32_t indent, int inside);
static void put_list(struct printer *p, const struct arc_node *node, uint32_t indent, int inside);

static const struct arc_noted *note(const struct printer *p, const struct arc_node *node)
{
    return p->noted ? (const struct arc_noted *)node : NULL;
}

/* --- texts in one line -------------------------------------------------------------------- */

/* The length of a character at `at` that YAML cannot hold as it is, or that it takes for a line
 * break; 0: it can stand. */
static size_t special_at(arc_slice text, size_t at)
{
    const unsigned char *c = (const unsigned char *)text.ptr + at;
    size_t left = text.len - at;
    if (c[0] < 0x20 || c[0] == 0x7f)
        return 1;
    if (c[0] == 0xc2 && left >= 2 && c[1] < 0xa0)
        return 2;
    if (left < 3)
        return 0;
    int line = c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9);
    int mark = c[0] == 0xef && c[1] == 0xbb && c[2] == 0xbf;
    int none = c[0] == 0xef && c[1] == 0xbf && c[2] >= 0xbe;
    return line || mark || none ? 3 : 0;
}

static int has_special(arc_slice text, const char *but)
{
    for (size_t i = 0; i < text.len; i++) {
        if (special_at(text, i) > 0 && (text.ptr[i] == '\0' || strchr(but, text.ptr[i]) == NULL))
            return 1;
    }
    return 0;
}

static int in(const char *set, char c)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* What YAML 1.1 takes for a boolean. */
static int is_old_boolean(arc_slice text)
{
    static const char *const words[] = {"yes", "no", "on", "off"};
    for (size_t i = 0; i < ARC_COUNT_OF(words); i++) {
        if (arc__slice_compare_nocase(text, arc__slice_cstr(words[i])) == 0)
            return 1;
    }
    return 0;
}

static int starts_plain(arc_slice text, int flow)
{
    char c = text.ptr[0];
    if (in(",[]{}#&*!|>'\"%@` ", c))
        return 0;
    if (arc__slice_starts(text, ARC_LIT("---")) || arc__slice_starts(text, ARC_LIT("...")))
        return 0;
    if (c == '?' || c == ':')
        return !flow && text.len > 1 && text.ptr[1] != ' ';
    return c != '-' || (text.len > 1 && text.ptr[1] != ' ');
}

/* 1: it may stand without quotes and is read as this text. */
static int is_plain(arc_slice text, int flow, int key)
{
    struct arc_node probe = {.kind = ARC_NODE_TEXT, .text = text};
    if (text.len == 0 || text.ptr[text.len - 1] == ' ' || !starts_plain(text, flow) ||
        has_special(text, ""))
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i], next = i + 1 < text.len ? text.ptr[i + 1] : ' ';
        if ((c == ':' && next == ' ') || (c == ' ' && next == '#') || (flow && in(",[]{}", c)))
            return 0;
    }
    if (!arc__core_schema(&probe) || probe.kind != ARC_NODE_TEXT)
        return 0;
    return key ? !arc__slice_is(text, "<<") : !is_old_boolean(text);
}

static void put_escape(struct arc_buf *out, arc_slice text, size_t at, size_t len)
{
    const unsigned char *c = (const unsigned char *)text.ptr + at;
    if (len == 1) {
        const char *name = c[0] == '\n' ? "\\n" : c[0] == '\t' ? "\\t" : c[0] == '\r' ? "\\r" : "";
        if (*name != '\0')
            arc__buf_add_cstr(out, name);
        else
            arc__buf_printf(out, "\\x%02X", c[0]);
        return;
    }
    uint32_t code = len == 2 ? (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu)
                             : (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
    arc__buf_printf(out, "\\u%04X", code);
}

static void put_double(struct arc_buf *out, arc_slice text)
{
    size_t from = 0;
    arc__buf_add_char(out, '"');
    for (size_t i = 0; i < text.len;) {
        size_t len = special_at(text, i);
        int escaped = text.ptr[i] == '"' || text.ptr[i] == '\\';
        if (len == 0 && !escaped) {
            i++;
            continue;
        }
        arc__buf_add(out, text.ptr + from, i - from);
        if (escaped)
            arc__buf_printf(out, "\\%c", text.ptr[i]);
        else
            put_escape(out, text, i, len);
        i += escaped ? 1 : len;
        from = i;
    }
    arc__buf_add(out, text.ptr + from, text.len - from);
    arc__buf_add_char(out, '"');
}

static void put_single(struct arc_buf *out, arc_slice text)
{
    arc__buf_add_char(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            arc__buf_add_char(out, '\'');
        arc__buf_add_char(out, text.ptr[i]);
    }
    arc__buf_add_char(out, '\'');
}

static void put_text(struct arc_buf *out, arc_slice text, int flow, int key)
{
    int marks = text.len > 0 && (memchr(text.ptr, '"', text.len) != NULL ||
                                 memchr(text.ptr, '\\', text.len) != NULL);
    if (is_plain(text, flow, key))
        arc__buf_add_slice(out, text);
    else if (marks && !has_special(text, ""))
        put_single(out, text);
    else
        put_double(out, text);
}

/* A document keeps its numbers as they are written; the canonical form has those of JSON, where an
 * infinity is a text. */
static void put_number(struct printer *p, const struct arc_node *node)
{
    struct arc_json json;
    arc__json_init(&json, p->out);
    if (p->noted)
        arc__buf_add_slice(p->out, node->text);
    else
        arc__node_put(&json, node);
}

static void put_scalar(struct printer *p, const struct arc_node *node, int flow)
{
    struct arc_buf *out = p->out;
    switch (node->kind) {
    case ARC_NODE_NULL:
        arc__buf_add_cstr(out, "null");
        break;
    case ARC_NODE_BOOL:
        arc__buf_add_cstr(out, node->number != 0 ? "true" : "false");
        break;
    case ARC_NODE_INT:
    case ARC_NODE_FLOAT:
        put_number(p, node);
        break;
    default:
        put_text(out, node->text, flow, 0);
        break;
    }
}

/* --- texts of many lines ------------------------------------------------------------------ */

/* 1: it can be shown as lines. Two line ends at its end would be lost among empty lines. */
static int is_literal(const struct arc_node *node)
{
    arc_slice text = node->text;
    if (node->kind != ARC_NODE_TEXT || text.len == 0 || memchr(text.ptr, '\n', text.len) == NULL ||
        has_special(text, "\n\t"))
        return 0;
    if (text.ptr[text.len - 1] == '\n')
        text.len--;
    return text.len > 0 && text.ptr[text.len - 1] != '\n';
}

static void put_indent(struct arc_buf *out, uint32_t indent)
{
    for (uint32_t i = 0; i < indent; i++)
        arc__buf_add_char(out, ' ');
}

static void put_beside(struct arc_buf *out, const struct arc_noted *noted)
{
    if (noted != NULL && noted->beside.len > 0) {
        arc__buf_add_char(out, ' ');
        arc__buf_add_slice(out, noted->beside);
    }
    arc__buf_add_char(out, '\n');
}

/* Its lines stand `indent` deep. */
static void put_literal(struct arc_buf *out, const struct arc_node *node, uint32_t indent,
                        const struct arc_noted *noted)
{
    arc_slice text = node->text, line;
    int ended = text.ptr[text.len - 1] == '\n';
    size_t first = 0;
    while (text.ptr[first] == '\n')
        first++;
    arc__buf_add_cstr(out, text.ptr[first] == ' ' || text.ptr[first] == '\t' ? " |2" : " |");
    if (!ended)
        arc__buf_add_char(out, '-');
    put_beside(out, noted);
    text.len -= (size_t)ended;
    do {
        int more = memchr(text.ptr, '\n', text.len) != NULL;
        line = arc__slice_cut(text, '\n', &text);
        if (line.len > 0)
            put_indent(out, indent);
        arc__buf_add_slice(out, line);
        arc__buf_add_char(out, '\n');
        if (!more)
            break;
    } while (out->failed == ARC_OK);
}

/* --- lists and maps in brackets ----------------------------------------------------------- */

static int is_short(const struct printer *p, const struct arc_node *node)
{
    const struct arc_noted *noted = note(p, node);
    if (noted != NULL && (noted->anchor.len > 0 || noted->split || noted->merge.len > 0))
        return 0;
    return node->kind < ARC_NODE_LIST ? !is_literal(node) : noted == NULL || noted->flow;
}

/* 1: it is of a form that may stand in brackets; whether it fits is seen when it is written. */
static int is_flow(const struct printer *p, const struct arc_node *node)
{
    if (!is_short(p, node) || node->count == 0)
        return 0;
    for (const struct arc_node *c = node->first; c != NULL; c = c->next) {
        const struct arc_noted *noted = note(p, c);
        int is_alias = noted != NULL && noted->alias.len > 0;
        if (is_alias)
            continue;
        if (!is_short(p, c) || (c->kind >= ARC_NODE_LIST && node->kind == ARC_NODE_LIST))
            return 0;
        for (const struct arc_node *g = c->kind >= ARC_NODE_LIST ? c->first : NULL; g != NULL;
             g = g->next) {
            if (c->kind == ARC_NODE_MAP || g->kind >= ARC_NODE_LIST || !is_short(p, g))
                return 0;
        }
    }
    return node->kind == ARC_NODE_LIST || p->noted;
}

static void put_flow(struct printer *p, const struct arc_node *node, size_t most)
{
    const struct arc_noted *noted = note(p, node);
    if (noted != NULL && noted->alias.len > 0) {
        arc__buf_add_slice(p->out, noted->alias);
        return;
    }
    if (node->kind < ARC_NODE_LIST) {
        put_scalar(p, node, 1);
        return;
    }
    arc__buf_add_char(p->out, node->kind == ARC_NODE_LIST ? '[' : '{');
    for (const struct arc_node *c = node->first; c != NULL && p->out->len <= most; c = c->next) {
        if (c != node->first)
            arc__buf_add_cstr(p->out, ", ");
        if (node->kind == ARC_NODE_MAP) {
            put_text(p->out, c->key, 1, 1);
            arc__buf_add_cstr(p->out, ": ");
        }
        put_flow(p, c, most);
    }
    arc__buf_add_char(p->out, node->kind == ARC_NODE_LIST ? ']' : '}');
}

/* 1: it was written in one line. */
static int try_flow(struct printer *p, const struct arc_node *node)
{
    struct arc_buf *out = p->out;
    size_t from = out->len, start = from, columns = 0;
    if (!is_flow(p, node))
        return 0;
    while (start > 0 && out->ptr[start - 1] != '\n')
        start--;
    arc__buf_add_char(out, ' ');
    put_flow(p, node, start + (size_t)ARC_PRINT_COLUMNS * 4);
    for (size_t i = start; i < out->len && out->failed == ARC_OK; i++)
        columns += ((unsigned char)out->ptr[i] & 0xc0) != 0x80;
    if (columns <= ARC_PRINT_COLUMNS || out->failed != ARC_OK)
        return 1;
    arc__buf_truncate(out, from);
    return 0;
}

/* --- blocks ------------------------------------------------------------------------------- */

/* top: nothing stands above in this block, so no empty line either. */
static void put_comments(struct printer *p, const struct arc_comments *comments, uint32_t indent,
                         int *top)
{
    for (const struct arc_comment *c = comments->first; c != NULL; c = c->next) {
        if (c->blank && !*top)
            arc__buf_add_char(p->out, '\n');
        put_indent(p->out, indent);
        arc__buf_add_slice(p->out, c->text);
        arc__buf_add_char(p->out, '\n');
        *top = 0;
    }
}

static int is_empty(const struct printer *p, const struct arc_node *node)
{
    const struct arc_noted *noted = note(p, node);
    return node->count == 0 && (noted == NULL || noted->merge.len == 0);
}

/* What follows "key:" or "-", with the ends of its lines. Blocks stand at indent + 2. */
static void put_value(struct printer *p, const struct arc_node *node, uint32_t indent)
{
    const struct arc_noted *noted = note(p, node);
    if (noted != NULL && noted->anchor.len > 0) {
        arc__buf_add_char(p->out, ' ');
        arc__buf_add_slice(p->out, noted->anchor);
    }
    if (noted != NULL && noted->alias.len > 0) {
        arc__buf_add_char(p->out, ' ');
        arc__buf_add_slice(p->out, noted->alias);
    } else if (is_literal(node)) {
        put_literal(p->out, node, indent + 2, noted);
        return;
    } else if (node->kind < ARC_NODE_LIST) {
        arc__buf_add_char(p->out, ' ');
        put_scalar(p, node, 0);
    } else if (is_empty(p, node)) {
        arc__buf_add_cstr(p->out, node->kind == ARC_NODE_LIST ? " []" : " {}");
    } else if (!try_flow(p, node)) {
        put_beside(p->out, noted);
        if (node->kind == ARC_NODE_LIST)
            put_list(p, node, indent + 2, 0);
        else
            put_map(p, node, indent + 2, 0);
        return;
    }
    put_beside(p->out, noted);
}

/* The most that a key may have in front of its colon without being marked as one. */
#define SIMPLE_KEY_MAX 1000

static void put_key(struct arc_buf *out, arc_slice key, uint32_t indent)
{
    size_t from = out->len;
    put_text(out, key, 0, 1);
    if (out->len - from > SIMPLE_KEY_MAX) {
        arc__buf_truncate(out, from);
        arc__buf_add_cstr(out, "? ");
        put_text(out, key, 0, 1);
        arc__buf_add_char(out, '\n');
        put_indent(out, indent);
    }
    arc__buf_add_char(out, ':');
}

/* What stands above an entry: its comments, and the empty lines. */
static void put_above(struct printer *p, const struct arc_noted *noted, uint32_t indent, int *top)
{
    if (noted == NULL)
        return;
    put_comments(p, &noted->before, indent, top);
    if (noted->blank && !*top)
        arc__buf_add_char(p->out, '\n');
}

static const struct arc_node *shown(const struct printer *p, const struct arc_node *node)
{
    while (node != NULL && p->noted && note(p, node)->merged)
        node = node->next;
    return node;
}

/* inside: the first entry stands on a line that has begun, behind "- "; what stands above it has
 * been written. */
static void put_map(struct printer *p, const struct arc_node *node, uint32_t indent, int inside)
{
    const struct arc_noted *noted = note(p, node);
    int top = 1;
    if (noted != NULL && noted->merge.len > 0) {
        put_indent(p->out, inside ? 0 : indent);
        arc__buf_printf(p->out, "<<: %.*s\n", ARC_ARG(noted->merge));
        inside = top = 0;
    }
    for (const struct arc_node *c = shown(p, node->first); c != NULL; c = shown(p, c->next)) {
        if (!inside) {
            put_above(p, note(p, c), indent, &top);
            put_indent(p->out, indent);
        }
        inside = top = 0;
        put_key(p->out, c->key, indent);
        if (c->kind == ARC_NODE_NULL && c->text.len == 0 && p->noted &&
            note(p, c)->alias.len == 0) {
            if (note(p, c)->anchor.len > 0)
                arc__buf_printf(p->out, " %.*s", ARC_ARG(note(p, c)->anchor));
            put_beside(p->out, note(p, c));
        } else {
            put_value(p, c, indent);
        }
        if (p->noted)
            put_comments(p, &note(p, c)->after, indent, &top);
    }
}

/* 1: a list or map that does not fit in one line which begins `column` deep. */
static int needs_lines(struct printer *p, const struct arc_node *node, uint32_t column)
{
    const struct arc_noted *noted = note(p, node);
    size_t from = p->out->len;
    if (node->kind < ARC_NODE_LIST || is_empty(p, node) ||
        (noted != NULL && (noted->alias.len > 0 || noted->anchor.len > 0)))
        return 0;
    put_indent(p->out, column);
    int fits = try_flow(p, node);
    arc__buf_truncate(p->out, from);
    return !fits;
}

/* What stands above the first entry of an item, and beside the item, comes before the item: there
 * is no line between "-" and that entry. nest: how many dashes stand in front of it. */
static void put_above_first(struct printer *p, const struct arc_node *item, uint32_t indent,
                            uint32_t nest, int *top)
{
    const struct arc_noted *noted = note(p, item);
    if (noted == NULL)
        return;
    if (noted->beside.len > 0) {
        put_indent(p->out, indent);
        arc__buf_add_slice(p->out, noted->beside);
        arc__buf_add_char(p->out, '\n');
        *top = 0;
    }
    const struct arc_node *first = shown(p, item->first);
    if (first == NULL || noted->merge.len > 0)
        return;
    put_comments(p, &note(p, first)->before, indent, top);
    if (item->kind == ARC_NODE_LIST && needs_lines(p, first, indent + 2 * nest + 1))
        put_above_first(p, first, indent, nest + 1, top);
}

static void put_item(struct printer *p, const struct arc_node *item, uint32_t indent, int inside,
                     int *top)
{
    int block = needs_lines(p, item, inside ? 1 : indent + 1);
    if (block && !inside)
        put_above_first(p, item, indent, 1, top);
    if (!inside)
        put_indent(p->out, indent);
    arc__buf_add_char(p->out, '-');
    if (!block) {
        put_value(p, item, indent);
        return;
    }
    arc__buf_add_char(p->out, ' ');
    if (item->kind == ARC_NODE_LIST)
        put_list(p, item, indent + 2, 1);
    else
        put_map(p, item, indent + 2, 1);
}

static void put_list(struct printer *p, const struct arc_node *node, uint32_t indent, int inside)
{
    int top = 1;
    for (const struct arc_node *c = node->first; c != NULL; c = c->next) {
        if (!inside)
            put_above(p, note(p, c), indent, &top);
        put_item(p, c, indent, inside, &top);
        inside = top = 0;
        if (p->noted)
            put_comments(p, &note(p, c)->after, indent, &top);
    }
}

static void put_root(struct printer *p, const struct arc_node *root)
{
    if (root->kind == ARC_NODE_MAP && !is_empty(p, root)) {
        put_map(p, root, 0, 0);
    } else if (root->kind == ARC_NODE_LIST && root->count > 0) {
        put_list(p, root, 0, 0);
    } else if (root->kind >= ARC_NODE_LIST) {
        arc__buf_add_cstr(p->out, root->kind == ARC_NODE_LIST ? "[]\n" : "{}\n");
    } else {
        put_scalar(p, root, 0);
        arc__buf_add_char(p->out, '\n');
    }
}

void arc__print_yaml(const struct arc_node *root, struct arc_buf *out)
{
    struct printer p = {out, 0};
    put_root(&p, root);
}

void arc__print_document(const struct arc_document *document, struct arc_buf *out)
{
    struct printer p = {out, 1};
    int top = 1;
    put_comments(&p, &document->head, 0, &top);
    if (document->gap && !top)
        arc__buf_add_char(out, '\n');
    put_root(&p, document->root);
    top = 0;
    put_comments(&p, &document->tail, 0, &top);
}

/* --- JSON in lines ------------------------------------------------------------------------ */

static void put_json(const struct arc_node *node, struct arc_buf *out, uint32_t indent)
{
    struct arc_json json;
    arc__json_init(&json, out);
    if (node->kind < ARC_NODE_LIST || node->count == 0) {
        arc__node_put(&json, node);
        return;
    }
    arc__buf_add_cstr(out, node->kind == ARC_NODE_LIST ? "[\n" : "{\n");
    for (const struct arc_node *c = node->first; c != NULL; c = c->next) {
        put_indent(out, indent + 2);
        if (node->kind == ARC_NODE_MAP) {
            arc__json_init(&json, out);
            arc__json_text(&json, c->key);
            arc__buf_add_cstr(out, ": ");
        }
        put_json(c, out, indent + 2);
        arc__buf_add_cstr(out, c->next != NULL ? ",\n" : "\n");
    }
    put_indent(out, indent);
    arc__buf_add_char(out, node->kind == ARC_NODE_LIST ? ']' : '}');
}

void arc__print_json(const struct arc_node *root, struct arc_buf *out)
{
    put_json(root, out, 0);
    arc__buf_add_char(out, '\n');
}
