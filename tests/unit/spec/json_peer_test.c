/* SPDX-License-Identifier: Apache-2.0 */
/* Our reader of JSON beside yajl, which has read JSON for others for many years: of each text both
 * make the same values, or both refuse it, but for what is listed here. */
#include <string.h>
#include <yajl/yajl_parse.h>

#include "help.h"
#include "spec/diag.h"
#include "spec/tree.h"

#define TEXT_MAX ((size_t)4096)
#define ROUNDS 200000

/* What both say is one line of this: {, }, [, ], and key, text, number and word with their bytes.
 */
static int say(struct arc_buf *out, const char *what, arc_slice bytes)
{
    arc__buf_add_cstr(out, what);
    arc__buf_add(out, bytes.ptr, bytes.len);
    arc__buf_add_char(out, '\0');
    return 1;
}

/* --- yajl --------------------------------------------------------------------------------- */

static int on_null(void *user)
{
    return say(user, "w", ARC_LIT("null"));
}

static int on_boolean(void *user, int value)
{
    return say(user, "w", value ? ARC_LIT("true") : ARC_LIT("false"));
}

static int on_number(void *user, const char *text, size_t len)
{
    return say(user, "n", arc__slice(text, len));
}

static int on_text(void *user, const unsigned char *text, size_t len)
{
    return say(user, "t", arc__slice(text, len));
}

static int on_key(void *user, const unsigned char *text, size_t len)
{
    return say(user, "k", arc__slice(text, len));
}

static int on_map(void *user)
{
    return say(user, "{", ARC_NONE);
}

static int on_map_end(void *user)
{
    return say(user, "}", ARC_NONE);
}

static int on_list(void *user)
{
    return say(user, "[", ARC_NONE);
}

static int on_list_end(void *user)
{
    return say(user, "]", ARC_NONE);
}

static int read_theirs(arc_slice text, struct arc_buf *out)
{
    static const yajl_callbacks callbacks = {
        .yajl_null = on_null,
        .yajl_boolean = on_boolean,
        .yajl_number = on_number,
        .yajl_string = on_text,
        .yajl_map_key = on_key,
        .yajl_start_map = on_map,
        .yajl_end_map = on_map_end,
        .yajl_start_array = on_list,
        .yajl_end_array = on_list_end,
    };
    yajl_handle handle = yajl_alloc(&callbacks, NULL, out);
    CHECK(handle != NULL);
    int good = handle != NULL &&
               yajl_parse(handle, (const unsigned char *)text.ptr, text.len) == yajl_status_ok &&
               yajl_complete_parse(handle) == yajl_status_ok;
    yajl_free(handle);
    return good;
}

/* --- ours --------------------------------------------------------------------------------- */

static void tell(const struct arc_node *node, struct arc_buf *out)
{
    switch (node->kind) {
    case ARC_NODE_NULL:
    case ARC_NODE_BOOL:
        say(out, "w", node->text);
        break;
    case ARC_NODE_INT:
    case ARC_NODE_FLOAT:
        say(out, "n", node->text);
        break;
    case ARC_NODE_TEXT:
        say(out, "t", node->text);
        break;
    case ARC_NODE_LIST:
    case ARC_NODE_MAP:
        say(out, node->kind == ARC_NODE_MAP ? "{" : "[", ARC_NONE);
        for (const struct arc_node *c = node->first; c != NULL; c = c->next) {
            if (node->kind == ARC_NODE_MAP)
                say(out, "k", c->key);
            tell(c, out);
        }
        say(out, node->kind == ARC_NODE_MAP ? "}" : "]", ARC_NONE);
    }
}

struct both {
    struct subject s;
    struct arc_buf ours, theirs;
    const struct arc_node *root;
    uint32_t code; /* of the finding that ended our reading; 0: there is none */
    int repeated;  /* a key came twice */
    int whole;     /* we have read a whole value, whatever follows it */
    int theirs_good;
};

static void read_both(struct both *both, arc_slice text)
{
    struct arc_spec_limits limits = arc__limits_resolve(NULL);
    struct subject *s = &both->s;
    subject_init(s);
    struct arc_sink sink = {.arena = &s->arena, .diags = &s->diags, .max = 100};
    struct arc_tree tree;
    arc__buf_init(&both->ours, &s->mem, HELP_MAX);
    arc__buf_init(&both->theirs, &s->mem, HELP_MAX);
    both->root = NULL;
    both->whole = 0;
    if (arc__diags_init(&s->diags, &s->arena, ARC_NONE, text) &&
        arc__tree_init(&tree, 0, &limits, &s->arena, &sink))
        both->root = arc__json_tree(&tree);
    both->whole = tree.root != NULL && tree.depth == 0;
    both->repeated = subject_find(s, ARC_DIAG_DUPLICATE_KEY) != NULL;
    both->code = 0;
    for (const struct arc_diag *d = s->diags.first; d != NULL; d = d->next) {
        if (d->code != ARC_DIAG_DUPLICATE_KEY && d->code != ARC_DIAG_NUMBER)
            both->code = d->code;
    }
    if (both->root != NULL)
        tell(both->root, &both->ours);
    both->theirs_good = read_theirs(arc__slice_from(text, tree.start), &both->theirs);
}

static void both_done(struct both *both)
{
    arc__buf_deinit(&both->theirs);
    arc__buf_deinit(&both->ours);
    subject_deinit(&both->s);
}

/* What yajl takes and we do not: a text behind the value that is never closed, other blanks, texts
 * that are none, what has a limit. */
static int is_listed(const struct both *both, arc_slice text)
{
    switch (both->code) {
    case ARC_DIAG_JSON:
        return both->whole || memchr(text.ptr, '\v', text.len) != NULL ||
               memchr(text.ptr, '\f', text.len) != NULL;
    case ARC_DIAG_NOT_UTF8:
    case ARC_DIAG_NUL:
    case ARC_DIAG_DEPTH:
        return 1;
    default:
        return 0;
    }
}

/* 1: they agree. A key that comes twice and a number that is too large are findings, and the tree
 * is there all the same; the second of two keys is not in it. */
static int agree(const struct both *both, arc_slice text)
{
    if (both->root == NULL)
        return !both->theirs_good || is_listed(both, text);
    return both->theirs_good && (both->repeated || arc__slice_equal(arc__buf_slice(&both->ours),
                                                                    arc__buf_slice(&both->theirs)));
}

static int check_text(arc_slice text)
{
    struct both both;
    read_both(&both, text);
    int held = agree(&both, text), taken = both.root != NULL;
    CHECK(held);
    if (!held)
        printf("# ours %s, theirs %s: %.*s\n", taken ? "takes" : "refuses",
               both.theirs_good ? "takes" : "refuses", ARC_ARG(text));
    both_done(&both);
    return taken;
}

/* --- texts -------------------------------------------------------------------------------- */

static const char *const seeds[] = {
    "{\"namespace\": \"demo\", \"jobs\": [{\"name\": \"a\", \"steps\": [{\"run\": \"x\\ny\"}]}]}",
    "[0,-0,1,-1,10,1.5,-2.5e+3,1E-7,9223372036854775807,-9223372036854775808,0.1e1,1e1]",
    "{\"a\\u00e9\\ud83c\\udf0d\":[true,false,null,\"x\\\\\\\"\\n\\/\\b\\f\\r\\t\"],\"größe\":{}}",
    ("[\"\",\"a\",\"ab\",\"abcdefg\",\"abcdefgh\",\"abcdefghi\",\"日本語日本語日本語\","
     "\"🌍\\u0041\"]"),
    "{\"a\":{\"b\":{\"c\":[[[[]]]]}},\"d\":[{},{},[]],\"e\":\"                    \"}",
    "{\n        \"a\" : [\n                1 ,\t2\r\n        ] ,\n        \"b\" : { }\n}\n",
    " \"text\" ",
    "-12.5e-3",
    "null",
};
static const char *const pieces[] = {
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\u00",
    "\\ud83c",
    "\\udf0d",
    "\\u0041",
    "\\uDFFF",
    "\\n",
    "\\x",
    "0",
    "-",
    ".",
    "e",
    "E+",
    "1",
    "00",
    "-0",
    "true",
    "tru",
    "null",
    "false",
    "False",
    "NaN",
    " ",
    "\n",
    "\t",
    "\r",
    "        ",
    "\x01",
    "\x1f",
    "\x7f",
    "é",
    "\xe2\x82\xac",
    "\v",
    "\f",
    "//",
    "/**/",
    "'",
    "\"a\":",
    "\"b\"",
    "[[[[[[[[",
    "12345678901234567890",
    "1.0e308",
    "aaaaaaaaaaaaaaaa",
    "{\"\":0}",
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static size_t below(uint64_t *state, size_t bound)
{
    return (size_t)(next_random(state) % bound);
}

/* Replaces `gone` bytes at `at`. */
static size_t splice(char *text, size_t len, size_t at, size_t gone, arc_slice with)
{
    if (len - gone + with.len > TEXT_MAX)
        return len;
    memmove(text + at + with.len, text + at + gone, len - at - gone);
    memcpy(text + at, with.ptr, with.len);
    return len - gone + with.len;
}

/* One change: a byte, a piece more or instead, a part away or twice. */
static size_t change(uint64_t *state, char *text, size_t len)
{
    size_t at = below(state, len + 1), most = len - at, some = below(state, 12);
    size_t gone = some < most ? some : most;
    char part[16];
    arc_slice piece = arc__slice_cstr(pieces[below(state, ARC_COUNT_OF(pieces))]);
    switch (below(state, 6)) {
    case 0:
        if (at < len)
            text[at] = (char)below(state, 256);
        return len;
    case 1:
        return splice(text, len, at, 0, piece);
    case 2:
        return splice(text, len, at, gone, piece);
    case 3:
        return splice(text, len, at, gone, ARC_LIT(""));
    case 4:
        memcpy(part, text + at, gone);
        return splice(text, len, below(state, len + 1), 0, arc__slice(part, gone));
    default:
        return at < len ? splice(text, len, at, 1, piece) : len;
    }
}

static void changed_texts_are_read_as_yajl_reads_them(void)
{
    static char text[TEXT_MAX];
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    int taken = 0;
    for (int round = 0; round < ROUNDS; round++) {
        arc_slice seed = arc__slice_cstr(seeds[(size_t)round % ARC_COUNT_OF(seeds)]);
        size_t len = seed.len, changes = 1 + below(&state, 4);
        memcpy(text, seed.ptr, seed.len);
        for (size_t i = 0; i < changes; i++)
            len = change(&state, text, len);
        taken += check_text(arc__slice(text, len));
    }
    CHECK(taken > ROUNDS / 20 && taken < ROUNDS / 2);
}

/* A quote, a backslash, a control character and the end at each place of the words of eight bytes
 * that are looked at together, and beside bytes that are nearly those. */
static void strings_end_where_yajl_ends_them(void)
{
    static const char ends[] = "\"\\\x1f\x01\x20\x21\x23\x5b\x5d\x7f";
    for (size_t len = 0; len < 40; len++) {
        for (size_t at = 0; at <= len; at++) {
            for (size_t e = 0; e + 1 < sizeof(ends); e++) {
                char text[64] = "[\"";
                memset(text + 2, at % 2 == 0 ? 'x' : '!', len);
                text[2 + at] = ends[e];
                memcpy(text + 2 + len + (at == len), "\"]", 3);
                (void)check_text(arc__slice_cstr(text));
            }
        }
    }
}

static void every_escape_is_read_as_yajl_reads_it(void)
{
    char text[32];
    int taken = 0;
    for (unsigned c = 1; c < 0x100; c++) {
        snprintf(text, sizeof(text), "[\"\\%c\"]", (int)c);
        taken += check_text(arc__slice_cstr(text));
    }
    CHECK_INT(taken, 8);
    taken = 0;
    for (unsigned unit = 0; unit < 0x10000; unit += unit < 0x900 || unit >= 0xd7f0 ? 1 : 13) {
        snprintf(text, sizeof(text), unit % 2 == 0 ? "[\"\\u%04x\"]" : "[\"\\u%04X\"]", unit);
        taken += check_text(arc__slice_cstr(text));
    }
    CHECK(taken > 12000);
    for (unsigned low = 0xdbff; low < 0xe001; low++) {
        snprintf(text, sizeof(text), "[\"\\ud83c\\u%04x.\"]", low);
        CHECK_INT(check_text(arc__slice_cstr(text)), low >= 0xdc00 && low < 0xe000);
    }
}

static const struct test tests[] = {
    {"texts with changes are read as yajl reads them", changed_texts_are_read_as_yajl_reads_them},
    {"strings end where yajl ends them", strings_end_where_yajl_ends_them},
    {"every escape is read as yajl reads it", every_escape_is_read_as_yajl_reads_it},
};

TEST_MAIN(tests)
