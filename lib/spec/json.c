/* SPDX-License-Identifier: Apache-2.0 */
/* JSON (RFC 8259) to the tree, in one pass and without recursion.
 *
 * The tree has checked that the text is UTF-8 without a NUL, so that a NUL stands for the end here,
 * and strings need no look at their characters: eight or sixteen bytes at a time are searched for a
 * quote, a backslash or a control character. What has no escapes stays where it is, in the
 * document. Where something is wrong the reader only says how far it came; json_help.c finds the
 * words. */
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/text.h"
#include "spec/json_help.h"
#include "spec/tree.h"

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define HIGH_BITS UINT64_C(0x8080808080808080)
#define LONE_SURROGATE UINT32_MAX

struct reader {
    struct arc_tree *tree;
    const char *text;
    size_t len;
    size_t last_end; /* where the last token ended that is neither a comma nor a colon */
    int started;     /* there is one */
};

static int is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static char char_at(const struct reader *reader, size_t at)
{
    return at < reader->len ? reader->text[at] : '\0';
}

static size_t skip_blanks(const struct reader *reader, size_t at)
{
    uint64_t word = 0;
    while (at < reader->len && is_blank(reader->text[at])) {
        at++;
        /* What is laid out for people has blanks by the dozen. */
        while (reader->len - at >= sizeof(word)) {
            memcpy(&word, reader->text + at, sizeof(word));
            if (word != ' ' * EACH_BYTE)
                break;
            at += sizeof(word);
        }
    }
    return at;
}

/* What is written by programs has none. */
static inline size_t skip_blank(const struct reader *reader, size_t at)
{
    return at < reader->len && is_blank(reader->text[at]) ? skip_blanks(reader, at) : at;
}

/* 0, after a finding that says what is wrong behind the last token. */
static int broken(const struct reader *reader)
{
    const struct arc_tree *tree = reader->tree;
    const struct arc_tree_frame *frame = arc__tree_frame(reader->tree);
    struct arc_json_problem problem = {
        .at = reader->started ? reader->last_end : tree->start,
        .started = reader->started,
        .depth = tree->depth,
    };
    if (frame != NULL) {
        problem.opener = frame->node->mark.offset;
        problem.in_map = frame->node->kind == ARC_NODE_MAP;
        problem.has_key = frame->has_key;
        problem.has_items = frame->node->count > 0;
    }
    arc__json_broken(reader->tree, &problem);
    return 0;
}

static void token_ends(struct reader *reader, size_t end)
{
    reader->last_end = end;
    reader->started = 1;
}

/* --- strings ------------------------------------------------------------------------------ */

struct string {
    size_t from, end; /* between the quotes */
    size_t size;      /* of the text, once its escapes are taken */
    size_t lone;      /* where half a surrogate pair stands first; SIZE_MAX: nowhere */
    uint64_t braces;  /* 0: the text has no `{` */
};

static int ends_run(char c)
{
    return c == '"' || c == '\\' || (unsigned char)c < 0x20;
}

#ifdef __SSE2__

#define AT_ONCE sizeof(__m128i)

/* A bit for each of so many bytes: it is a quote, a backslash or a control character; in *braces,
 * that it is a `{`. */
static inline uint64_t run_ends(const char *text, uint64_t *braces)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    __m128i found = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                                 _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    *braces = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('{')));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(found, control));
}

static inline size_t first_end(uint64_t ends)
{
    return (size_t)__builtin_ctzll(ends);
}

#else

#define AT_ONCE sizeof(uint64_t)

/* A bit in each of so many bytes: the same, in both. A byte less a larger one sets its high bit,
 * and may borrow from those after it: the first bit that is set tells the truth. */
static inline uint64_t run_ends(const char *text, uint64_t *braces)
{
    uint64_t word;
    memcpy(&word, text, sizeof(word));
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    uint64_t quote = word ^ '"' * EACH_BYTE, slash = word ^ '\\' * EACH_BYTE;
    uint64_t brace = word ^ '{' * EACH_BYTE;
    uint64_t found = ((quote - EACH_BYTE) & ~quote) | ((slash - EACH_BYTE) & ~slash) |
                     ((word - 0x20 * EACH_BYTE) & ~word);
    *braces = (brace - EACH_BYTE) & ~brace & HIGH_BITS;
    return found & HIGH_BITS;
}

static inline size_t first_end(uint64_t ends)
{
    return (size_t)__builtin_ctzll(ends) / 8;
}

#endif

/* From at to the next quote, backslash or control character, or to the end. *braces becomes more
 * than 0 where a `{` comes before. */
static inline size_t plain_end(const struct reader *reader, size_t at, uint64_t *braces)
{
    for (; reader->len - at >= AT_ONCE; at += AT_ONCE) {
        uint64_t here, ends = run_ends(reader->text + at, &here);
        *braces |= here & (ends ^ (ends - 1)); /* what stands before the end */
        if (ends != 0)
            return at + first_end(ends);
    }
    for (; at < reader->len && !ends_run(reader->text[at]); at++)
        *braces |= reader->text[at] == '{';
    return at;
}

/* Four hexadecimal digits; UINT32_MAX when there are none. */
static uint32_t hex4(const struct reader *reader, size_t at)
{
    uint32_t value = 0;
    for (size_t i = at; i < at + 4; i++) {
        char c = char_at(reader, i);
        if (c >= '0' && c <= '9')
            value = value * 16 + (uint32_t)(c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            value = value * 16 + (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return UINT32_MAX;
    }
    return value;
}

/* The escape at the backslash `at`: its length, 0 when it is none, and its character. */
static size_t escape(const struct reader *reader, size_t at, uint32_t *character)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = char_at(reader, at + 1);
    if (c != 'u') {
        const char *name = c != '\0' ? strchr(names, c) : NULL;
        if (name == NULL)
            return 0;
        *character = (unsigned char)values[name - names];
        return 2;
    }
    uint32_t unit = hex4(reader, at + 2), low = 0;
    *character = unit;
    if (unit == UINT32_MAX)
        return 0;
    if (unit < 0xd800 || unit > 0xdfff)
        return 6;
    if (unit < 0xdc00 && char_at(reader, at + 6) == '\\' && char_at(reader, at + 7) == 'u')
        low = hex4(reader, at + 8);
    if (low < 0xdc00 || low > 0xdfff) {
        *character = LONE_SURROGATE;
        return 6;
    }
    *character = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    return 12;
}

static size_t utf8_size(uint32_t character)
{
    return 1U + (character >= 0x80) + (character >= 0x800) + (character >= 0x10000);
}

/* The rest of a string, from where its first run ends. 0: it is none. */
static int scan_escapes(const struct reader *reader, struct string *string)
{
    size_t next = string->from, end = string->end;
    string->size = 0;
    while (char_at(reader, end) == '\\') {
        uint32_t character = 0;
        size_t len = escape(reader, end, &character);
        if (len == 0)
            return 0;
        if (character == LONE_SURROGATE && string->lone == SIZE_MAX)
            string->lone = end;
        string->braces |= character == '{';
        string->size += end - next + utf8_size(character);
        next = end + len;
        end = plain_end(reader, next, &string->braces);
    }
    string->end = end;
    string->size += end - next;
    return char_at(reader, end) == '"';
}

/* The string whose first quote is at `at`; most have no escapes. 0: it is none. */
static inline int scan_string(const struct reader *reader, size_t at, struct string *string)
{
    uint64_t braces = 0;
    size_t from = at + 1, end = plain_end(reader, from, &braces);
    *string = (struct string){from, end, end - from, SIZE_MAX, braces};
    return char_at(reader, end) == '"' || scan_escapes(reader, string);
}

static void unescape(const struct reader *reader, const struct string *string, char *to)
{
    size_t at = string->from;
    uint64_t braces = 0;
    while (at < string->end) {
        size_t end = plain_end(reader, at, &braces);
        memcpy(to, reader->text + at, end - at);
        to += end - at;
        at = end;
        if (at < string->end) {
            uint32_t character = 0;
            at += escape(reader, at, &character);
            to += arc__utf8_put(to, character);
        }
    }
}

/* 0: refused. */
static int escaped_text(const struct reader *reader, const struct string *string, arc_slice *out)
{
    struct arc_tree *tree = reader->tree;
    struct arc_span mark = arc__tree_mark(tree, string->from - 1, string->end + 1);
    if (string->lone != SIZE_MAX) {
        mark = arc__tree_mark(tree, string->lone, string->lone + 6);
        (void)arc__diag_add(tree->sink, ARC_DIAG_NOT_UTF8, NULL, &mark,
                            ARC_LIT("write the character itself, or both halves of the pair"),
                            ARC_NO_ARGS);
        return 0;
    }
    if (!arc__tree_size_ok(tree, string->size, &mark))
        return 0;
    char *text = arc__arena_take(tree->arena, string->size + 1);
    if (text == NULL)
        return 0;
    unescape(reader, string, text);
    text[string->size] = '\0';
    *out = arc__slice(text, string->size);
    return 1;
}

/* The text of a string. 0: refused. */
static int string_text(const struct reader *reader, const struct string *string, arc_slice *out)
{
    *out = arc__slice(reader->text + string->from, string->size);
    /* Each escape is longer than what it stands for. */
    return string->end - string->from == string->size || escaped_text(reader, string, out);
}

/* --- values ------------------------------------------------------------------------------- */

static size_t digits_end(const struct reader *reader, size_t at)
{
    return arc__digits_end(reader->tree->text, at);
}

/* The end of the number at `at`; at: there is none. */
static size_t number_end(const struct reader *reader, size_t at)
{
    size_t from = at + (char_at(reader, at) == '-');
    size_t end = char_at(reader, from) == '0' ? from + 1 : digits_end(reader, from);
    if (end == from)
        return at;
    if (char_at(reader, end) == '.') {
        from = end + 1;
        end = digits_end(reader, from);
        if (end == from)
            return at;
    }
    if (char_at(reader, end) == 'e' || char_at(reader, end) == 'E') {
        from = end + 1;
        from += char_at(reader, from) == '-' || char_at(reader, from) == '+';
        end = digits_end(reader, from);
        if (end == from)
            return at;
    }
    return end;
}

/* Kind and value of a number. */
static void number_value(struct reader *reader, struct arc_node *node, size_t at, size_t end)
{
    if (arc__json_number(node))
        return;
    struct arc_span mark = arc__tree_mark(reader->tree, at, end);
    (void)arc__diag_add(reader->tree->sink, ARC_DIAG_NUMBER, NULL, &mark, ARC_NONE,
                        ARC_ARGS(arc__quoted(reader->tree->sink, node->text)));
}

/* The literal at `at` that starts like this one: its end, or at. */
static size_t word_end(const struct reader *reader, size_t at, arc_slice word)
{
    return reader->len - at >= word.len && memcmp(reader->text + at, word.ptr, word.len) == 0
               ? at + word.len
               : at;
}

static int read_string(struct reader *reader, size_t at)
{
    struct string string;
    if (!scan_string(reader, at, &string))
        return broken(reader);
    struct arc_node *node = arc__tree_node(reader->tree);
    if (node == NULL)
        return 0;
    token_ends(reader, string.end + 1);
    node->kind = ARC_NODE_TEXT;
    node->braceless = string.braces == 0;
    return string_text(reader, &string, &node->text) &&
           arc__tree_scalar(reader->tree, node, at, string.end + 1);
}

/* A value that is neither a string nor in brackets. */
static int read_plain(struct reader *reader, size_t at, char c)
{
    enum arc_node_kind kind = ARC_NODE_INT;
    size_t end = at;
    if (c == '-' || (c >= '0' && c <= '9')) {
        end = number_end(reader, at);
    } else if (c == 'n') {
        kind = ARC_NODE_NULL;
        end = word_end(reader, at, ARC_LIT("null"));
    } else if (c == 't' || c == 'f') {
        kind = ARC_NODE_BOOL;
        end = word_end(reader, at, c == 't' ? ARC_LIT("true") : ARC_LIT("false"));
    }
    if (end == at)
        return broken(reader);
    struct arc_node *node = arc__tree_node(reader->tree);
    if (node == NULL)
        return 0;
    token_ends(reader, end);
    node->kind = kind;
    node->plain = 1;
    node->braceless = 1;
    node->text = arc__slice(reader->text + at, end - at);
    if (kind == ARC_NODE_INT)
        number_value(reader, node, at, end);
    else
        node->number = c == 't';
    return arc__tree_scalar(reader->tree, node, at, end);
}

/* A key and its colon; *at goes to the value. */
static int read_key(struct reader *reader, size_t *at)
{
    struct string string;
    arc_slice key;
    if (char_at(reader, *at) != '"' || !scan_string(reader, *at, &string))
        return broken(reader);
    token_ends(reader, string.end + 1);
    if (!string_text(reader, &string, &key) ||
        !arc__tree_key(reader->tree, key, *at, string.end + 1, 0))
        return 0;
    *at = skip_blank(reader, string.end + 1);
    if (char_at(reader, *at) != ':')
        return broken(reader);
    *at = skip_blank(reader, *at + 1);
    return 1;
}

static int close_bracket(struct reader *reader, size_t *at)
{
    *at += 1;
    token_ends(reader, *at);
    return arc__tree_end(reader->tree, *at);
}

/* What opens with a bracket: *at goes to its first value, or behind it where it holds none. *due: a
 * value comes next. */
static int open_bracket(struct reader *reader, size_t *at, char c, int *due)
{
    enum arc_node_kind kind = c == '{' ? ARC_NODE_MAP : ARC_NODE_LIST;
    if (!arc__tree_begin(reader->tree, kind, *at, *at + 1, NULL))
        return 0;
    token_ends(reader, *at + 1);
    *at = skip_blank(reader, *at + 1);
    *due = char_at(reader, *at) != (c == '{' ? '}' : ']');
    if (!*due)
        return close_bracket(reader, at);
    return kind == ARC_NODE_LIST || read_key(reader, at);
}

/* One value, or the beginning of one. */
static int read_value(struct reader *reader, size_t *at, int *due)
{
    char c = char_at(reader, *at);
    if (c == '{' || c == '[')
        return open_bracket(reader, at, c, due);
    *due = 0;
    if (!(c == '"' ? read_string(reader, *at) : read_plain(reader, *at, c)))
        return 0;
    *at = reader->last_end;
    return 1;
}

/* Behind a value: a comma with what comes next, or brackets that close. */
static int read_separator(struct reader *reader, size_t *at, int *due)
{
    int in_map = arc__tree_frame(reader->tree)->node->kind == ARC_NODE_MAP;
    *at = skip_blank(reader, *at);
    char c = char_at(reader, *at);
    if (c == ',') {
        *due = 1;
        *at = skip_blank(reader, *at + 1);
        return !in_map || read_key(reader, at);
    }
    return c == (in_map ? '}' : ']') ? close_bracket(reader, at) : broken(reader);
}

static int read_all(struct reader *reader, size_t at)
{
    int due = 1;
    while (due || reader->tree->depth > 0) {
        if (!(due ? read_value(reader, &at, &due) : read_separator(reader, &at, &due)))
            return 0;
    }
    return skip_blank(reader, at) >= reader->len || broken(reader);
}

const struct arc_node *arc__json_tree(struct arc_tree *tree)
{
    struct reader reader = {.tree = tree, .text = tree->text.ptr, .len = tree->text.len};
    size_t at = skip_blank(&reader, tree->start);
    if (at >= reader.len) {
        struct arc_span mark = arc__tree_mark(tree, tree->start, tree->start);
        (void)arc__diag_add(tree->sink, ARC_DIAG_EMPTY, NULL, &mark, ARC_NONE, ARC_NO_ARGS);
        return NULL;
    }
    return read_all(&reader, at) && !tree->arena->failed ? tree->root : NULL;
}
