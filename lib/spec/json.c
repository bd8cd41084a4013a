/* SPDX-License-Identifier: Apache-2.0 */
/* JSON to the tree, over yajl's callbacks; the only file that sees yajl.
 *
 * yajl crashes when its allocator answers NULL. So it runs on memory that is reserved before it
 * starts, sized for the worst that this very input can make it ask for, and an input whose
 * reservation fails is refused unparsed. It also accepts what JSON does not (overlong UTF-8, lone
 * surrogates) and has no limit on depth: text is checked before, depth and the rest by the tree. */
#include <yajl/yajl_parse.h>

#include "spec/json_help.h"
#include "spec/tree.h"

/* --- the memory under yajl ---------------------------------------------------------------- */

/* A bump allocator: each piece has its size in front; the newest can grow in place. */
struct pool {
    char *bytes;
    size_t used, size;
    size_t newest; /* offset of the newest piece's bytes */
};

#define PIECE_HEADER 16u
/* Its handle, lexer, buffers and state stack: about 300 bytes; the stack grows by 128 bytes at a
 * time, once, because the depth ends below 128. */
#define POOL_FIXED 8192u
/* Its buffers start at 2048 bytes and double. */
#define YAJL_BUFFER_MIN 2048u

static void *pool_alloc(void *user, size_t size)
{
    struct pool *pool = user;
    size_t rounded = (size + 15U) & ~(size_t)15U;
    if (rounded < size || rounded + PIECE_HEADER > pool->size - pool->used)
        return NULL; /* cannot be: see pool_size; a test holds it */
    char *piece = pool->bytes + pool->used + PIECE_HEADER;
    memcpy(piece - PIECE_HEADER, &rounded, sizeof(rounded));
    pool->newest = (size_t)(piece - pool->bytes);
    pool->used += PIECE_HEADER + rounded;
    return piece;
}

static void *pool_realloc(void *user, void *ptr, size_t size)
{
    struct pool *pool = user;
    size_t had;
    if (ptr == NULL)
        return pool_alloc(user, size);
    memcpy(&had, (char *)ptr - PIECE_HEADER, sizeof(had));
    if (size <= had)
        return ptr;
    if ((size_t)((char *)ptr - pool->bytes) == pool->newest)
        pool->used = pool->newest - PIECE_HEADER; /* grows where it is: the bytes stay */
    void *fresh = pool_alloc(user, size);
    if (fresh != NULL && fresh != ptr)
        memcpy(fresh, ptr, had);
    return fresh;
}

static void pool_free(void *user, void *ptr)
{
    (void)user;
    (void)ptr; /* all at once, when the document is read */
}

/* The longest run that is one token to yajl: a string with its escapes, or anything between
 * separators. */
static size_t longest_token(arc_slice text)
{
    size_t longest = 0, run = 0;
    int in_string = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (in_string && c == '\\' && i + 1 < text.len) {
            i++;
            run += 2;
        } else if (c == '"') {
            in_string = !in_string;
            run = in_string ? 1 : run + 1;
        } else if (!in_string && memchr(" \t\r\n,:[]{}", c, 10) != NULL) {
            run = 0;
        } else {
            run++;
        }
        longest = run > longest ? run : longest;
    }
    return longest;
}

/* Two buffers may hold a token each (the lexer's, for one that the text ends in, and the decoder's
 * for escapes); doubling, the sum of all sizes of one stays below four times the last need, and the
 * last need is the token, a part of it appended, and a NUL. */
static size_t pool_size(arc_slice text)
{
    size_t token = longest_token(text) * 2 + YAJL_BUFFER_MIN;
    return POOL_FIXED + 2 * 4 * token;
}

/* --- callbacks ---------------------------------------------------------------------------- */

struct reader {
    struct arc_tree *tree;
    yajl_handle handle;
    size_t last_end; /* where the last token ended */
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

/* The token that was just read, as offsets. */
static void token(struct reader *reader, size_t *start, size_t *end)
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
    reader->last_end = *end;
    reader->started = 1;
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
        if (text.ptr[i] != '\\')
            continue;
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
    size_t bad_at = memchr(text.ptr + start, '\\', end - start) != NULL
                        ? lone_surrogate(text, start, end)
                        : end;
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
    token(user, &start, &end);
    return add_scalar(user, ARC_NODE_NULL, 0, start, end);
}

static int on_boolean(void *user, int value)
{
    size_t start, end;
    token(user, &start, &end);
    return add_scalar(user, ARC_NODE_BOOL, value != 0, start, end);
}

static int on_number(void *user, const char *value, size_t len)
{
    size_t start, end;
    (void)value; /* the same bytes as in the document, which outlive yajl's */
    (void)len;
    token(user, &start, &end);
    return add_scalar(user, ARC_NODE_INT, 0, start, end);
}

static int on_string(void *user, const unsigned char *value, size_t len)
{
    struct reader *reader = user;
    size_t start, end;
    token(reader, &start, &end);
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
    token(reader, &start, &end);
    if (!string_text(reader, value, len, start, end, &text) ||
        !arc__tree_key(reader->tree, text, start, end, 0))
        return refused(reader);
    return 1;
}

static int on_begin(struct reader *reader, enum arc_node_kind kind)
{
    size_t start, end;
    token(reader, &start, &end);
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
    token(reader, &start, &end);
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
    if (status == yajl_status_ok)
        return 1;
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

const struct arc_node *arc__json_tree(struct arc_tree *tree)
{
    const struct arc_mem *mem = &tree->arena->mem;
    struct reader reader = {.tree = tree, .last_end = tree->start};
    arc_slice text = arc__slice_from(tree->text, tree->start);
    if (blank_only(text)) {
        empty(tree);
        return NULL;
    }
    struct pool pool = {.size = pool_size(text)};
    pool.bytes = arc__alloc(mem, pool.size);
    if (pool.bytes == NULL) {
        tree->arena->failed = 1;
        return NULL;
    }
    yajl_alloc_funcs funcs = {pool_alloc, pool_realloc, pool_free, &pool};
    reader.handle = yajl_alloc(&callbacks, &funcs, &reader);
    int held = parse(&reader, text);
    yajl_free(reader.handle);
    arc__free(mem, pool.bytes);
    return held && !tree->arena->failed ? tree->root : NULL;
}
