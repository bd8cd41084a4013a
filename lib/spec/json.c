/* SPDX-License-Identifier: Apache-2.0 */
/* JSON to the tree, over yajl's callbacks; the only file that sees yajl.
 *
 * yajl crashes when its allocator answers NULL. So where memory is out the allocator leaves it by
 * longjmp, and what it had is freed here. It also accepts what JSON does not (overlong UTF-8, lone
 * surrogates) and has no limit on depth: text is checked before, depth and the rest by the tree. */
#include <setjmp.h>
#include <yajl/yajl_parse.h>

#include "spec/json_help.h"
#include "spec/tree.h"

/* --- the memory under yajl ---------------------------------------------------------------- */

/* What yajl has; only as many pieces as it has buffers. */
struct pool {
    const struct arc_mem *mem;
    struct piece *first;
    jmp_buf out; /* memory is out */
};

struct piece {
    _Alignas(16) struct piece *next;
    struct piece **at; /* what points to it */
};

static void *pool_realloc(void *user, void *ptr, size_t size)
{
    struct pool *pool = user;
    struct piece *old = ptr != NULL ? (struct piece *)ptr - 1 : NULL;
    struct piece *piece = size <= SIZE_MAX - sizeof(*piece)
                              ? arc__realloc(pool->mem, old, sizeof(*piece) + size)
                              : NULL;
    if (piece == NULL)
        longjmp(pool->out, 1);
    if (old == NULL) {
        piece->next = pool->first;
        piece->at = &pool->first;
    }
    *piece->at = piece;
    if (piece->next != NULL)
        piece->next->at = &piece->next;
    return piece + 1;
}

static void *pool_alloc(void *user, size_t size)
{
    return pool_realloc(user, NULL, size);
}

static void pool_free(void *user, void *ptr)
{
    struct pool *pool = user;
    struct piece *piece = ptr != NULL ? (struct piece *)ptr - 1 : NULL;
    if (piece == NULL)
        return;
    *piece->at = piece->next;
    if (piece->next != NULL)
        piece->next->at = piece->at;
    arc__free(pool->mem, piece);
}

static void pool_drop(struct pool *pool)
{
    while (pool->first != NULL)
        pool_free(pool, pool->first + 1);
}

/* --- callbacks ---------------------------------------------------------------------------- */

struct reader {
    struct arc_tree *tree;
    yajl_handle handle;
    size_t last_end; /* where the last token ended */
    int odd_blanks;  /* \v or \f stands somewhere in the text */
    int after_text;  /* the whole text was consumed: a token that comes now ends there */
    int started;     /* a value has begun */
    int refused;     /* a finding or a failed allocation says why */
    uint32_t depth;  /* open brackets */
    size_t openers[ARC_JSON_HELP_DEPTH]; /* where they are */
};

static int refused(struct reader *reader)
{
    reader->refused = 1;
    return 0;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int broken(struct reader *reader)
{
    struct arc_json_problem problem = {
        .at = reader->last_end, .started = reader->started, .depth = reader->depth};
    if (problem.depth > 0 && problem.depth <= ARC_JSON_HELP_DEPTH)
        problem.opener = reader->openers[problem.depth - 1];
    if (!reader->started)
        problem.at = reader->tree->start;
    const struct arc_tree_frame *frame = arc__tree_frame(reader->tree);
    problem.in_map = frame != NULL && frame->node->kind == ARC_NODE_MAP;
    problem.has_key = frame != NULL && frame->has_key;
    problem.has_items = frame != NULL && frame->node->count > 0;
    arc__json_broken(reader->tree, &problem);
    return 0;
}

/* The token that was just read, as offsets. 0: refused, for yajl takes \v and \f as blanks. */
static int token(struct reader *reader, size_t *start, size_t *end)
{
    arc_slice text = reader->tree->text;
    size_t at = reader->last_end;
    *end = reader->after_text ? text.len
                              : reader->tree->start + yajl_get_bytes_consumed(reader->handle);
    while (at < *end && (is_blank(text.ptr[at]) || text.ptr[at] == ',' || text.ptr[at] == ':'))
        at++;
    while (*end > at && is_blank(text.ptr[*end - 1]))
        (*end)--;
    *start = at;
    if (at < *end && (text.ptr[at] == '\v' || text.ptr[at] == '\f')) {
        (void)broken(reader);
        return refused(reader);
    }
    reader->last_end = *end;
    reader->started = 1;
    return 1;
}

static int is_inside(const struct reader *reader, const void *value)
{
    return (uintptr_t)value - (uintptr_t)reader->tree->text.ptr < reader->tree->text.len;
}

/* The same of a token whose text is known: what yajl gives out of the document says where it is. */
static int token_of(struct reader *reader, const void *value, size_t len, size_t quotes,
                    size_t *start, size_t *end)
{
    if (reader->odd_blanks || !is_inside(reader, value))
        return token(reader, start, end);
    *start = (size_t)((const char *)value - reader->tree->text.ptr) - quotes;
    *end = *start + len + 2 * quotes;
    reader->last_end = *end;
    reader->started = 1;
    return 1;
}

/* The same of a bracket, which is one byte. */
static int token_bracket(struct reader *reader, size_t *start, size_t *end)
{
    if (reader->odd_blanks || reader->after_text)
        return token(reader, start, end);
    *end = reader->tree->start + yajl_get_bytes_consumed(reader->handle);
    *start = *end - 1;
    reader->last_end = *end;
    reader->started = 1;
    return 1;
}

static int hex4(const char *text)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = text[i];
        int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
        value = value * 16 + digit;
    }
    return value;
}

/* yajl makes '?' or bad UTF-8 of surrogates that stand alone. Answers the offset of the first, or
 * `to`. The escapes are complete: yajl has seen them. */
static size_t lone_surrogate(arc_slice text, size_t from, size_t to)
{
    for (size_t i = from; i + 1 < to; i++) {
        const char *escape = memchr(text.ptr + i, '\\', to - 1 - i);
        if (escape == NULL)
            break;
        i = (size_t)(escape - text.ptr);
        if (text.ptr[i + 1] != 'u' || i + 6 > to) {
            i++;
            continue;
        }
        int unit = hex4(text.ptr + i + 2);
        if (unit < 0xd800 || unit > 0xdfff) {
            i += 5;
            continue;
        }
        int low = i + 12 <= to && text.ptr[i + 6] == '\\' && text.ptr[i + 7] == 'u'
                      ? hex4(text.ptr + i + 8)
                      : 0;
        if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff)
            return i;
        i += 11;
    }
    return to;
}

/* The text of a string token, checked. 0: refused. */
static int string_text(struct reader *reader, const unsigned char *value, size_t len, size_t start,
                       size_t end, arc_slice *out)
{
    struct arc_tree *tree = reader->tree;
    arc_slice text = tree->text;
    /* What has no escapes comes out of the document itself. */
    if (is_inside(reader, value)) {
        *out = arc__slice(len > 0 ? (const char *)value : "", len);
        return 1;
    }
    size_t bad_at = lone_surrogate(text, start, end);
    if (bad_at < end) {
        struct arc_span mark = arc__tree_mark(tree, bad_at, bad_at + 6);
        (void)arc__diag_add(tree->sink, ARC_DIAG_NOT_UTF8, NULL, &mark,
                            ARC_LIT("write the character itself, or both halves of the pair"),
                            ARC_NO_ARGS);
        return 0;
    }
    *out = arc__tree_text(tree, arc__slice(value, len), start + 1, end > start ? end - 1 : start);
    return !tree->arena->failed;
}

static int add_scalar(struct reader *reader, enum arc_node_kind kind, int64_t number, size_t start,
                      size_t end)
{
    arc_slice document = reader->tree->text;
    struct arc_node *node = ARC_ARENA_NEW(reader->tree->arena, struct arc_node);
    if (node == NULL)
        return refused(reader);
    node->kind = kind;
    node->plain = 1;
    node->number = number;
    node->text = arc__slice(document.ptr + start, end - start);
    if (kind == ARC_NODE_INT && !arc__json_number(node)) {
        struct arc_span mark = arc__tree_mark(reader->tree, start, end);
        (void)arc__diag_add(reader->tree->sink, ARC_DIAG_NUMBER, NULL, &mark, ARC_NONE,
                            ARC_ARGS(arc__quoted(reader->tree->sink, node->text)));
    }
    return arc__tree_scalar(reader->tree, node, start, end) ? 1 : refused(reader);
}

static int on_null(void *user)
{
    size_t start, end;
    if (!token(user, &start, &end))
        return 0;
    return add_scalar(user, ARC_NODE_NULL, 0, start, end);
}

static int on_boolean(void *user, int value)
{
    size_t start, end;
    if (!token(user, &start, &end))
        return 0;
    return add_scalar(user, ARC_NODE_BOOL, value != 0, start, end);
}

static int on_number(void *user, const char *value, size_t len)
{
    size_t start, end;
    /* The bytes of the document, which outlive yajl's. */
    if (!token_of(user, value, len, 0, &start, &end))
        return 0;
    return add_scalar(user, ARC_NODE_INT, 0, start, end);
}

static int on_string(void *user, const unsigned char *value, size_t len)
{
    struct reader *reader = user;
    size_t start, end;
    if (!token_of(reader, value, len, 1, &start, &end))
        return 0;
    struct arc_node *node = ARC_ARENA_NEW(reader->tree->arena, struct arc_node);
    if (node == NULL)
        return refused(reader);
    node->kind = ARC_NODE_TEXT;
    if (!string_text(reader, value, len, start, end, &node->text) ||
        !arc__tree_scalar(reader->tree, node, start, end))
        return refused(reader);
    return 1;
}

static int on_key(void *user, const unsigned char *value, size_t len)
{
    struct reader *reader = user;
    size_t start, end;
    arc_slice text;
    if (!token_of(reader, value, len, 1, &start, &end))
        return 0;
    if (!string_text(reader, value, len, start, end, &text) ||
        !arc__tree_key(reader->tree, text, start, end, 0))
        return refused(reader);
    return 1;
}

static int on_begin(struct reader *reader, enum arc_node_kind kind)
{
    size_t start, end;
    if (!token_bracket(reader, &start, &end))
        return 0;
    if (!arc__tree_begin(reader->tree, kind, start, end, NULL))
        return refused(reader);
    if (reader->depth < ARC_JSON_HELP_DEPTH)
        reader->openers[reader->depth] = start;
    reader->depth++;
    return 1;
}

static int on_end(struct reader *reader)
{
    size_t start, end;
    if (!token_bracket(reader, &start, &end))
        return 0;
    reader->depth--;
    return arc__tree_end(reader->tree, end) ? 1 : refused(reader);
}

static int on_start_map(void *user)
{
    return on_begin(user, ARC_NODE_MAP);
}

static int on_start_list(void *user)
{
    return on_begin(user, ARC_NODE_LIST);
}

static int on_end_any(void *user)
{
    return on_end(user);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_start_map,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end_any,
    .yajl_start_array = on_start_list,
    .yajl_end_array = on_end_any,
};

/* --- reading ------------------------------------------------------------------------------ */

static int blank_only(arc_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_blank(text.ptr[i]))
            return 0;
    }
    return 1;
}

static void empty(struct arc_tree *tree)
{
    struct arc_span mark = arc__tree_mark(tree, tree->start, tree->start);
    (void)arc__diag_add(tree->sink, ARC_DIAG_EMPTY, NULL, &mark, ARC_NONE, ARC_NO_ARGS);
}

static int parse(struct reader *reader, arc_slice text)
{
    yajl_status status = yajl_parse(reader->handle, (const unsigned char *)text.ptr, text.len);
    if (status == yajl_status_ok) {
        reader->after_text = 1;
        status = yajl_complete_parse(reader->handle);
    }
    if (reader->refused)
        return 0;
    if (status == yajl_status_ok &&
        blank_only(arc__slice_from(reader->tree->text, reader->last_end)))
        return 1;
    return broken(reader);
}

/* In a function of its own, because a jump into it forgets what its variables held. */
static int parse_within(struct reader *reader, struct pool *pool, arc_slice text)
{
    yajl_alloc_funcs funcs = {pool_alloc, pool_realloc, pool_free, pool};
    if (setjmp(pool->out) != 0) {
        reader->tree->arena->failed = 1;
        return 0;
    }
    reader->handle = yajl_alloc(&callbacks, &funcs, reader);
    return parse(reader, text);
}

const struct arc_node *arc__json_tree(struct arc_tree *tree)
{
    struct reader reader = {.tree = tree, .last_end = tree->start};
    struct pool pool = {.mem = &tree->arena->mem};
    arc_slice text = arc__slice_from(tree->text, tree->start);
    if (blank_only(text)) {
        empty(tree);
        return NULL;
    }
    reader.odd_blanks =
        memchr(text.ptr, '\v', text.len) != NULL || memchr(text.ptr, '\f', text.len) != NULL;
    int held = parse_within(&reader, &pool, text);
    pool_drop(&pool);
    return held && !tree->arena->failed ? tree->root : NULL;
}
