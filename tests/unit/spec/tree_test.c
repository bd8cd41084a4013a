/* SPDX-License-Identifier: Apache-2.0 */
/* Both readers: places, types, aliases, limits, bombs. */
#include <locale.h>

#include "help.h"
#include "spec/diag.h"
#include "spec/tree.h"

struct reading {
    struct subject s;
    struct arc_sink sink;
    struct arc_tree tree;
    const struct arc_node *root;
};

static const struct arc_node *read_tree(struct reading *r, arc_slice text, enum arc_format format,
                                        const struct arc_spec_limits *given)
{
    struct arc_spec_limits limits = arc__limits_resolve(given);
    subject_init(&r->s);
    CHECK(arc__diags_init(&r->s.diags, &r->s.arena, ARC_NONE, text));
    r->sink = (struct arc_sink){.arena = &r->s.arena, .diags = &r->s.diags, .max = 100};
    r->root = NULL;
    if (arc__tree_init(&r->tree, 0, &limits, &r->s.arena, &r->sink))
        r->root = format == ARC_FORMAT_JSON ? arc__json_tree(&r->tree) : arc__yaml_tree(&r->tree);
    return r->root;
}

static const struct arc_node *read_yaml(struct reading *r, const char *text)
{
    return read_tree(r, arc__slice_cstr(text), ARC_FORMAT_YAML, NULL);
}

static const struct arc_node *read_json(struct reading *r, const char *text)
{
    return read_tree(r, arc__slice_cstr(text), ARC_FORMAT_JSON, NULL);
}

static void done(struct reading *r)
{
    subject_deinit(&r->s);
}

static struct arc_mark mark_of(struct reading *r, const struct arc_span *span)
{
    struct arc_places *places = arc__places_new(r->tree.text, &r->s.arena);
    CHECK(places != NULL);
    return places != NULL ? arc__places_mark(places, span) : (struct arc_mark){0};
}

static void check_mark(struct reading *r, const struct arc_span *span, uint32_t line,
                       uint32_t column, uint32_t end_line, uint32_t end_column)
{
    struct arc_mark mark = mark_of(r, span);
    CHECK_INT(mark.line, line);
    CHECK_INT(mark.column, column);
    CHECK_INT(mark.end_line, end_line);
    CHECK_INT(mark.end_column, end_column);
    CHECK_INT(mark.offset, span->offset);
    CHECK_INT(mark.end, span->end);
}

/* The bytes that a mark covers. */
static arc_slice covered(const struct reading *r, const struct arc_span *mark)
{
    return arc__slice(r->tree.text.ptr + mark->offset, mark->end - mark->offset);
}

/* --- places ------------------------------------------------------------------------------- */

static void yaml_places_are_exact(void)
{
    struct reading r;
    const struct arc_node *root = read_yaml(&r, "größe: \"ä b\"\n日本:\n  - eins\n  - {k: v}\n");
    CHECK(root != NULL);
    if (root != NULL) {
        const struct arc_node *first = root->first, *list = first->next;
        check_mark(&r, &first->key_mark, 1, 1, 1, 6);
        check_mark(&r, &first->mark, 1, 8, 1, 13);
        CHECK_TEXT(covered(&r, &first->key_mark), "größe");
        CHECK_TEXT(covered(&r, &first->mark), "\"ä b\"");
        CHECK_TEXT(covered(&r, &list->key_mark), "日本");
        check_mark(&r, &list->first->mark, 3, 5, 3, 9);
        CHECK_TEXT(covered(&r, &list->first->next->mark), "{k: v}");
        CHECK_TEXT(covered(&r, &list->first->next->first->mark), "v");
    }
    done(&r);
}

static void json_places_are_exact(void)
{
    struct reading r;
    const struct arc_node *root =
        read_json(&r, "{ \"a\\\"b\" : [ 1 , -2.5e3,true ,null],\n  \"größe\":{\"k\":\"ä\\n\"} }\n");
    CHECK(root != NULL);
    if (root != NULL) {
        const struct arc_node *list = root->first, *map = list->next;
        const struct arc_node *number = list->first;
        CHECK_TEXT(list->key, "a\"b");
        CHECK_TEXT(covered(&r, &list->key_mark), "\"a\\\"b\"");
        CHECK_TEXT(covered(&r, &list->mark), "[ 1 , -2.5e3,true ,null]");
        CHECK_TEXT(covered(&r, &number->mark), "1");
        CHECK_TEXT(covered(&r, &number->next->mark), "-2.5e3");
        CHECK_TEXT(covered(&r, &number->next->next->mark), "true");
        CHECK_TEXT(covered(&r, &number->next->next->next->mark), "null");
        check_mark(&r, &map->key_mark, 2, 3, 2, 10);
        CHECK_TEXT(covered(&r, &map->first->mark), "\"ä\\n\"");
        CHECK_TEXT(map->first->text, "ä\n");
        check_mark(&r, &map->mark, 2, 11, 2, 22);
        CHECK_INT(mark_of(&r, &root->mark).end_column, 24);
    }
    done(&r);
}

static void a_byte_order_mark_takes_no_column(void)
{
    struct reading r;
    const struct arc_node *root = read_yaml(&r, "\xef\xbb\xbf"
                                                "a: b\n");
    CHECK(root != NULL && root->first->key_mark.offset == 3);
    CHECK(root != NULL && mark_of(&r, &root->first->key_mark).column == 1);
    CHECK(root != NULL && mark_of(&r, &root->first->mark).column == 4);
    done(&r);
    root = read_json(&r, "\xef\xbb\xbf{\"a\":1}");
    CHECK(root != NULL && mark_of(&r, &root->mark).column == 1);
    CHECK(root != NULL && mark_of(&r, &root->first->mark).column == 6);
    done(&r);
}

static void every_kind_of_line_end_counts_once(void)
{
    struct reading r;
    const struct arc_node *root = read_yaml(&r, "a: 1\r\nb: 2\rc: 3\nd: 4");
    uint32_t line = 1;
    for (const struct arc_node *c = root != NULL ? root->first : NULL; c != NULL; c = c->next) {
        CHECK_INT(mark_of(&r, &c->key_mark).line, line++);
        CHECK_INT(mark_of(&r, &c->mark).column, 4);
    }
    CHECK_INT(line, 5);
    done(&r);
}

/* Every offset of a text against counting from its start, over the steps that places are kept in.
 */
static void places_hold_at_every_offset(void)
{
    static const char part[] = "ab\n日本\r\n\n  größe: x\r🌍y";
    struct arc_mem mem = arc__mem_default();
    struct arc_buf text;
    struct subject s;
    subject_init(&s);
    arc__buf_init(&text, &mem, 1 << 20);
    for (int i = 0; i < 100; i++)
        arc__buf_add_cstr(&text, part);
    struct arc_places *places = arc__places_new(arc__buf_slice(&text), &s.arena);
    CHECK(places != NULL);
    uint32_t line = 1, column = 1;
    for (uint32_t at = 0; at <= text.len && places != NULL; at++) {
        struct arc_mark mark = arc__places_mark(places, &(struct arc_span){at, at, 7});
        if (at == text.len || ((unsigned char)text.ptr[at] & 0xc0) != 0x80) {
            CHECK_INT(mark.line, line);
            CHECK_INT(mark.column, column);
            CHECK_INT(mark.file, 7);
        }
        if (at == text.len)
            break;
        int ends = text.ptr[at] == '\n' || (text.ptr[at] == '\r' && text.ptr[at + 1] != '\n');
        column = ends ? 1 : column + (((unsigned char)text.ptr[at] & 0xc0) != 0x80);
        line += (uint32_t)ends;
    }
    arc__buf_deinit(&text);
    subject_deinit(&s);
}

/* libyaml counts characters; the tree counts bytes. */
static void bytes_are_counted_where_characters_are_long(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf text;
    struct reading r;
    arc__buf_init(&text, &mem, 1 << 20);
    for (int i = 0; i < 200; i++)
        arc__buf_printf(&text, "größe%d: &a%d [日本, '🌍', {x: *a%d}] # ü\n", i, i,
                        i > 0 ? i - 1 : i);
    arc__buf_add_cstr(&text, "ende: |\n  ä\n  ö\n");
    /* The first alias would hold itself. */
    char *loop = memmem(text.ptr, text.len, "*a0", 3);
    memcpy(loop, "q_0", 3);
    const struct arc_node *root =
        read_tree(&r, arc__buf_slice(&text), ARC_FORMAT_YAML, &(struct arc_spec_limits){0});
    /* Each value holds the one before it, which is too deep in the end. */
    CHECK(root == NULL && subject_find(&r.s, ARC_DIAG_DEPTH) != NULL);
    const struct arc_node *first = r.tree.frames[0].node;
    for (const struct arc_node *c = first->first; c != NULL && c->next != NULL; c = c->next) {
        CHECK(arc__slice_starts(covered(&r, &c->key_mark), ARC_LIT("größe")));
        CHECK_TEXT(covered(&r, &c->first->mark), "日本");
        CHECK_TEXT(covered(&r, &c->first->next->mark), "'🌍'");
        CHECK_INT(covered(&r, &c->first->next->next->mark).ptr[0], '{');
    }
    done(&r);
    arc__buf_deinit(&text);
}

static void find_in_order(arc_slice text, const char *const *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *found = memmem(text.ptr, text.len, wanted[i], strlen(wanted[i]));
        CU_assertImplementation(found != NULL, __LINE__, wanted[i], __FILE__, "", CU_FALSE);
        if (found != NULL)
            text = arc__slice_from(text, (size_t)(found - text.ptr) + 1);
    }
}

static void findings_stand_in_the_order_of_files_and_places(void)
{
    struct subject s;
    subject_init(&s);
    CHECK(arc__diags_init(&s.diags, &s.arena, ARC_LIT("one"), ARC_LIT("a\nb\nc")));
    CHECK_INT(arc__diags_add_file(&s.diags, &s.arena, ARC_LIT("two"), ARC_LIT("dd\nee")), 1);
    CHECK_INT(arc__diags_add_file(&s.diags, &s.arena, ARC_LIT("three"), ARC_LIT("f")), 2);
    struct arc_sink sink = {.arena = &s.arena, .diags = &s.diags, .max = 100};
    static const struct arc_span spans[] = {{4, 5, 0}, {0, 1, 2}, {3, 4, 1}, {0, 0, 1}, {2, 3, 0}};
    for (size_t i = 0; i < ARC_COUNT_OF(spans); i++) {
        struct arc_diag *diag =
            arc__diag_add(&sink, ARC_DIAG_NUL, NULL, &spans[i], ARC_LIT("-"), ARC_NO_ARGS);
        arc__diag_relate(&sink, diag, &spans[1], "there");
    }
    static const char *const wanted[] = {"one:2:1: ",
                                         "one:3:1: ",
                                         "two:1:1: ",
                                         "two:2:1: ",
                                         "     2 | ee",
                                         "three:1:1: error",
                                         "three:1:1: note: there"};
    find_in_order(subject_print(&s, 1), wanted, ARC_COUNT_OF(wanted));
    arc__buf_clear(&s.out);
    arc__diags_to_json(&s.diags, &s.out);
    static const char *const json[] = {"\"file\":\"two\",\"line\":2",
                                       "\"message\":\"there\",\"file\":\"three\""};
    find_in_order(arc__buf_slice(&s.out), json, ARC_COUNT_OF(json));
    subject_deinit(&s);
}

/* --- types -------------------------------------------------------------------------------- */

static void plain_scalars_have_the_types_of_the_core_schema(void)
{
    static const struct {
        const char *text;
        enum arc_node_kind kind;
        int64_t number;
    } rows[] = {
        {"~", ARC_NODE_NULL, 0},          {"null", ARC_NODE_NULL, 0},
        {"Null", ARC_NODE_NULL, 0},       {"nULL", ARC_NODE_TEXT, 0},
        {"true", ARC_NODE_BOOL, 1},       {"FALSE", ARC_NODE_BOOL, 0},
        {"tRue", ARC_NODE_TEXT, 0},       {"yes", ARC_NODE_TEXT, 0},
        {"on", ARC_NODE_TEXT, 0},         {"off", ARC_NODE_TEXT, 0},
        {"No", ARC_NODE_TEXT, 0},         {"0", ARC_NODE_INT, 0},
        {"+12", ARC_NODE_INT, 12},        {"-12", ARC_NODE_INT, -12},
        {"007", ARC_NODE_INT, 7},         {"-007", ARC_NODE_INT, -7},
        {"0x1F", ARC_NODE_INT, 31},       {"0o17", ARC_NODE_INT, 15},
        {"0x", ARC_NODE_TEXT, 0},         {"0xg", ARC_NODE_TEXT, 0},
        {"-0x1", ARC_NODE_TEXT, 0},       {"9223372036854775807", ARC_NODE_INT, INT64_MAX},
        {"1_000", ARC_NODE_TEXT, 0},      {"-9223372036854775808", ARC_NODE_INT, INT64_MIN},
        {"0b1", ARC_NODE_TEXT, 0},        {"12:30", ARC_NODE_TEXT, 0},
        {"2026-01-31", ARC_NODE_TEXT, 0}, {"1.10", ARC_NODE_FLOAT, 0},
        {".5", ARC_NODE_FLOAT, 0},        {"1.", ARC_NODE_FLOAT, 0},
        {"-1e3", ARC_NODE_FLOAT, 0},      {"1e", ARC_NODE_TEXT, 0},
        {".", ARC_NODE_TEXT, 0},          {"-", ARC_NODE_TEXT, 0},
        {"+", ARC_NODE_TEXT, 0},          {".inf", ARC_NODE_FLOAT, 0},
        {"-.INF", ARC_NODE_FLOAT, 0},     {".nan", ARC_NODE_FLOAT, 0},
        {"inf", ARC_NODE_TEXT, 0},        {"1.2.3", ARC_NODE_TEXT, 0},
        {"-0", ARC_NODE_FLOAT, 0},        {"-000", ARC_NODE_FLOAT, 0},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct arc_node node = {.text = arc__slice_cstr(rows[i].text)};
        CU_assertImplementation(arc__core_schema(&node), __LINE__, rows[i].text, __FILE__, "",
                                CU_FALSE);
        CHECK_INT(node.kind, rows[i].kind);
        if (node.kind != ARC_NODE_FLOAT)
            CHECK_INT(node.number, rows[i].number);
    }
}

static void check_doubles(void)
{
    static const struct {
        const char *text;
        double want;
    } rows[] = {{"1.5", 1.5},   {"+1.5", 1.5}, {".5", 0.5},     {"-.5", -0.5},
                {"+.5e1", 5},   {"1.", 1},     {"-1.e3", -1e3}, {"001.25", 1.25},
                {"1e-2", 0.01}, {"+0.0", 0},   {"-0.0", -0.0},  {"-0", -0.0}};
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct arc_node node = {.text = arc__slice_cstr(rows[i].text)};
        CHECK(arc__core_schema(&node));
        CHECK_INT(node.kind, ARC_NODE_FLOAT);
        CU_assertImplementation(memcmp(&node.real, &rows[i].want, sizeof(double)) == 0, __LINE__,
                                rows[i].text, __FILE__, "", CU_FALSE);
    }
}

/* The test's own process; the library never sets a locale, but its host may. */
static void a_locale_with_a_comma_changes_no_number(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8"};
    const char *set = NULL;
    check_doubles();
    for (size_t i = 0; set == NULL && i < ARC_COUNT_OF(names); i++)
        set = setlocale(LC_NUMERIC, names[i]);
    if (set == NULL) {
        test_skip("no locale with a decimal comma is installed");
        return;
    }
    check_doubles();
    (void)setlocale(LC_NUMERIC, "C");
}

static void numbers_that_cannot_be_held_are_refused(void)
{
    static const char *const rows[] = {"9223372036854775808",
                                       "-9223372036854775809",
                                       "0x8000000000000000",
                                       "0xffffffffffffffffffff",
                                       "1e999",
                                       "-1e999",
                                       "99999999999999999999999999999999999999999999"};
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct arc_node node = {.text = arc__slice_cstr(rows[i])};
        CU_assertImplementation(!arc__core_schema(&node), __LINE__, rows[i], __FILE__, "",
                                CU_FALSE);
    }
}

static void check_json_form(const char *yaml, const char *want)
{
    struct reading r;
    const struct arc_node *root = read_yaml(&r, yaml);
    CHECK(root != NULL);
    if (root != NULL)
        arc__node_to_json(root, &r.s.out);
    CHECK_TEXT(arc__buf_slice(&r.s.out), want);
    done(&r);
}

static void the_tree_prints_as_json(void)
{
    check_json_form("[1.10, 0x10, +5, 007, .5, 1., -1e3, .inf, .nan, ~, yes, true, \"1\", 'a\"']",
                    "[1.10,16,5,7,0.5,1,-1e3,\".inf\",\".nan\",null,\"yes\",true,\"1\",\"a\\\"\"]");
    check_json_form("[-0, -000, 0]", "[-0,-0,0]");
    check_json_form("a: {}\nb: []\nc:\n  - - x\nd: |\n  one\n  two\n",
                    "{\"a\":{},\"b\":[],\"c\":[[\"x\"]],\"d\":\"one\\ntwo\\n\"}");
}

/* --- aliases ------------------------------------------------------------------------------ */

static void aliases_and_merges_expand(void)
{
    check_json_form("a: &x {k: 1, l: 2}\nb: *x\nc: {<<: *x, k: 3}\nd:\n  <<: [{k: 4}, *x]\n  m: 5\n"
                    "e: &y text\nf: [*y, *y]\n",
                    "{\"a\":{\"k\":1,\"l\":2},\"b\":{\"k\":1,\"l\":2},\"c\":{\"k\":3,\"l\":2},"
                    "\"d\":{\"m\":5,\"k\":4,\"l\":2},\"e\":\"text\",\"f\":[\"text\",\"text\"]}");
    check_json_form("a: &x 1\nb: &x 2\nc: *x\n", "{\"a\":1,\"b\":2,\"c\":2}");
    check_json_form("a: {\"<<\": 1}\n", "{\"a\":{\"<<\":1}}");
    check_json_form("- &a {p: 1}\n- {<<: {<<: *a, q: 2}, r: 3}\n",
                    "[{\"p\":1},{\"r\":3,\"q\":2,\"p\":1}]");
}

/* Nine references in each of nine levels stand for 9^9 values. */
static void billion_laughs_end_at_the_count(void)
{
    struct reading r;
    struct arc_buf text;
    struct arc_mem mem = arc__mem_default();
    arc__buf_init(&text, &mem, 65536);
    arc__buf_add_cstr(&text, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 10; i++) {
        arc__buf_printf(&text, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++)
            arc__buf_printf(&text, "%s*a%d", k > 0 ? "," : "", i - 1);
        arc__buf_add_cstr(&text, "]\n");
    }
    CHECK(read_tree(&r, arc__buf_slice(&text), ARC_FORMAT_YAML, NULL) == NULL);
    CHECK(subject_find(&r.s, ARC_DIAG_NODES) != NULL);
    CHECK(r.tree.nodes <= 200000);
    CHECK(r.s.arena.used_bytes < 1 << 20); /* counted, not built */
    done(&r);
    arc__buf_deinit(&text);
}

/* One large value and many references to it; and the same with merges. */
static void quadratic_aliases_end_at_the_count(void)
{
    static const char *const forms[] = {"- *a\n", "- {<<: *a}\n"};
    for (size_t f = 0; f < 2; f++) {
        struct reading r;
        struct arc_buf text;
        struct arc_mem mem = arc__mem_default();
        arc__buf_init(&text, &mem, 1 << 20);
        arc__buf_add_cstr(&text, "- &a {");
        for (int i = 0; i < 10000; i++)
            arc__buf_printf(&text, "k%d: 1, ", i);
        arc__buf_add_cstr(&text, "}\n");
        for (int i = 0; i < 10000; i++)
            arc__buf_add_cstr(&text, forms[f]);
        CHECK(read_tree(&r, arc__buf_slice(&text), ARC_FORMAT_YAML, NULL) == NULL);
        CHECK(subject_find(&r.s, ARC_DIAG_NODES) != NULL);
        CHECK(r.tree.nodes <= 200000);
        done(&r);
        arc__buf_deinit(&text);
    }
}

/* Each anchor holds the one before, so the tree grows by a level with every line. */
static void aliases_count_with_their_depth(void)
{
    struct reading r;
    struct arc_buf text;
    struct arc_mem mem = arc__mem_default();
    arc__buf_init(&text, &mem, 1 << 20);
    arc__buf_add_cstr(&text, "a0: &a0 [x]\n");
    for (int i = 1; i < 1000; i++)
        arc__buf_printf(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    CHECK(read_tree(&r, arc__buf_slice(&text), ARC_FORMAT_YAML, NULL) == NULL);
    const struct arc_diag *diag = subject_find(&r.s, ARC_DIAG_DEPTH);
    CHECK(diag != NULL && diag->mark.line == 64);
    done(&r);
    arc__buf_deinit(&text);
}

static void add_many_keys(struct arc_buf *text)
{
    for (int i = 0; i < 500; i++) /* short ones, the same for eight bytes, and long ones */
        arc__buf_printf(text, "k%d: a\nof-eight%d: b\nlong-%d-behind: c\n", i, i, i);
}

static void a_repeat_is_found_among_many_keys(void)
{
    static const char *const keys[] = {"k0", "k499", "of-eight250", "of-eight0", "long-77-behind"};
    struct arc_mem mem = arc__mem_default();
    for (size_t i = 0; i < ARC_COUNT_OF(keys); i++) {
        struct reading r;
        struct arc_buf text;
        arc__buf_init(&text, &mem, 1 << 20);
        add_many_keys(&text);
        CHECK(read_tree(&r, arc__buf_slice(&text), ARC_FORMAT_YAML, NULL) != NULL);
        CHECK_INT(r.s.diags.count, 0);
        done(&r);
        arc__buf_printf(&text, "%s: again\n", keys[i]);
        (void)read_tree(&r, arc__buf_slice(&text), ARC_FORMAT_YAML, NULL);
        CHECK_INT(r.s.diags.count, 1);
        const struct arc_diag *diag = subject_find(&r.s, ARC_DIAG_DUPLICATE_KEY);
        CHECK(diag != NULL && diag->mark.line == 1501 && diag->related != NULL &&
              diag->related->mark.line < 1501);
        done(&r);
        arc__buf_deinit(&text);
    }
}

/* The table of keys looks at their ends alone, so these all want one place of it. */
static void keys_made_to_fall_together_are_told_apart(void)
{
    struct arc_mem mem = arc__mem_default();
    for (int repeat = 0; repeat < 2; repeat++) {
        struct reading r;
        struct arc_buf text;
        arc__buf_init(&text, &mem, 1 << 20);
        arc__buf_add_char(&text, '{');
        for (int i = 0; i < 5000; i++)
            arc__buf_printf(&text, "\"at-first-%04d-at-last\": %d,\n", i, i);
        arc__buf_add_cstr(&text, repeat ? "\"at-first-4998-at-last\": 1}" : "\"other\": 1}");
        const struct arc_node *root = read_tree(&r, arc__buf_slice(&text), ARC_FORMAT_JSON, NULL);
        CHECK_INT(r.s.diags.count, repeat);
        CHECK(root != NULL && root->count == 5001U - (uint32_t)repeat);
        const struct arc_diag *diag = subject_find(&r.s, ARC_DIAG_DUPLICATE_KEY);
        CHECK(!repeat || (diag != NULL && diag->mark.line == 5001 && diag->related != NULL &&
                          diag->related->mark.line == 4999));
        done(&r);
        arc__buf_deinit(&text);
    }
}

/* What comes behind a map's own keys is not copied, and must not grow into its neighbours. */
static void what_is_merged_twice_stays_what_it_was(void)
{
    struct reading r;
    struct arc_buf out;
    struct arc_mem mem = arc__mem_default();
    arc__buf_init(&out, &mem, 1 << 20);
    const struct arc_node *root = read_yaml(&r, "base: &b {x: 1, y: {z: 2}}\n"
                                                "one: &o {a: 1, <<: *b}\n"
                                                "two: {<<: *b, b: 2, c: 3}\n"
                                                "three: {d: 4, <<: *o}\n"
                                                "four: {<<: *b}\n"
                                                "five: {y: 5, <<: *b}\n"
                                                "six: {<<: *b, <<: *o}\n");
    CHECK(root != NULL);
    CHECK_INT(r.s.diags.count, 1); /* six merges twice */
    if (root != NULL)
        arc__node_to_json(root, &out);
    CHECK_TEXT(arc__buf_slice(&out), "{\"base\":{\"x\":1,\"y\":{\"z\":2}},"
                                     "\"one\":{\"a\":1,\"x\":1,\"y\":{\"z\":2}},"
                                     "\"two\":{\"b\":2,\"c\":3,\"x\":1,\"y\":{\"z\":2}},"
                                     "\"three\":{\"d\":4,\"a\":1,\"x\":1,\"y\":{\"z\":2}},"
                                     "\"four\":{\"x\":1,\"y\":{\"z\":2}},"
                                     "\"five\":{\"y\":5,\"x\":1},"
                                     "\"six\":{\"a\":1,\"x\":1,\"y\":{\"z\":2}}}");
    done(&r);
    arc__buf_deinit(&out);
}

static void what_is_merged_gives_way_among_many_keys(void)
{
    struct reading r;
    struct arc_buf text;
    struct arc_mem mem = arc__mem_default();
    arc__buf_init(&text, &mem, 1 << 20);
    arc__buf_add_cstr(&text, "base: &b {k0: base, k499: base, of-eight7: base, other-key: base}\n"
                             "all:\n  <<: *b\n");
    struct arc_buf keys;
    arc__buf_init(&keys, &mem, 1 << 20);
    add_many_keys(&keys);
    arc_slice left = arc__buf_slice(&keys), line;
    while (left.len > 0) {
        line = arc__slice_cut(left, '\n', &left);
        arc__buf_printf(&text, "  %.*s\n", ARC_ARG(line));
    }
    const struct arc_node *root = read_tree(&r, arc__buf_slice(&text), ARC_FORMAT_YAML, NULL);
    const struct arc_node *all = root != NULL ? arc__node_get(root, "all") : NULL;
    CHECK_INT(r.s.diags.count, 0);
    CHECK(all != NULL && all->count == 1501);
    if (all != NULL) {
        CHECK_TEXT(arc__node_get(all, "k499")->text, "a");
        CHECK_TEXT(arc__node_get(all, "of-eight7")->text, "b");
        CHECK_TEXT(arc__node_get(all, "other-key")->text, "base");
        CHECK_TEXT(all->first->key, "k0"); /* own keys stay in front, in their order */
    }
    done(&r);
    arc__buf_deinit(&keys);
    arc__buf_deinit(&text);
}

/* --- limits and bombs --------------------------------------------------------------------- */

static void fill(struct arc_buf *text, const char *part, size_t times)
{
    for (size_t i = 0; i < times; i++)
        arc__buf_add_cstr(text, part);
}

/* The parser is left at the 65th level, so the rest of the bomb is never looked at. */
static void nesting_bombs_end_at_the_depth_limit(void)
{
    static const struct {
        const char *part;
        enum arc_format format;
    } bombs[] = {{"[", ARC_FORMAT_YAML},       {"{a: ", ARC_FORMAT_YAML},
                 {"- ", ARC_FORMAT_YAML},      {"? ", ARC_FORMAT_YAML},
                 {"[{", ARC_FORMAT_YAML},      {"[", ARC_FORMAT_JSON},
                 {"{\"a\":", ARC_FORMAT_JSON}, {"[ ", ARC_FORMAT_YAML},
                 {"[\n", ARC_FORMAT_YAML},     {"!!seq &a [", ARC_FORMAT_YAML}};
    struct arc_mem mem = arc__mem_default();
    for (size_t i = 0; i < ARC_COUNT_OF(bombs); i++) {
        struct reading r;
        struct arc_buf text;
        arc__buf_init(&text, &mem, 1 << 20);
        fill(&text, bombs[i].part, (1 << 19) / strlen(bombs[i].part));
        CHECK(read_tree(&r, arc__buf_slice(&text), bombs[i].format, NULL) == NULL);
        CU_assertImplementation(r.s.diags.errors == 1, __LINE__, bombs[i].part, __FILE__, "",
                                CU_FALSE);
        CU_assertImplementation(subject_find(&r.s, ARC_DIAG_DEPTH) != NULL ||
                                    subject_find(&r.s, ARC_DIAG_KEY) != NULL,
                                __LINE__, bombs[i].part, __FILE__, "", CU_FALSE);
        CHECK(r.tree.nodes <= 65);
        done(&r);
        arc__buf_deinit(&text);
    }
}

static void directive_bombs_are_not_parsed(void)
{
    static const char *const before[] = {"", "# a comment\n\n", "a: b\n...\n", "--- a\n...\n# c\n",
                                         "a: b\n"};
    struct arc_mem mem = arc__mem_default();
    for (size_t i = 0; i < ARC_COUNT_OF(before); i++) {
        struct reading r;
        struct arc_buf text;
        arc__buf_init(&text, &mem, 1 << 20);
        arc__buf_add_cstr(&text, before[i]);
        for (int k = 0; k < 20000; k++)
            arc__buf_printf(&text, "%%TAG !a%d! tag:x,2000:\n", k);
        arc__buf_add_cstr(&text, "--- a\n");
        CHECK(read_tree(&r, arc__buf_slice(&text), ARC_FORMAT_YAML, NULL) == NULL);
        CHECK_INT(r.s.diags.errors, 1);
        CHECK(subject_find(&r.s, ARC_DIAG_DIRECTIVE) != NULL);
        done(&r);
        arc__buf_deinit(&text);
    }
}

static void each_limit_holds_at_its_bound(void)
{
    static const struct {
        const char *text;
        struct arc_spec_limits fits, too_small;
        uint32_t code;
    } rows[] = {
        {"[a, b]", {.document_bytes = 6}, {.document_bytes = 5}, ARC_DIAG_DOCUMENT_SIZE},
        {"[[a]]", {.depth = 2}, {.depth = 1}, ARC_DIAG_DEPTH},
        {"[a, {b: c}]", {.nodes = 4}, {.nodes = 3}, ARC_DIAG_NODES},
        {"[&a [x, y], *a]", {.nodes = 7}, {.nodes = 6}, ARC_DIAG_NODES},
        {"[&a [x], [*a]]", {.depth = 3}, {.depth = 2}, ARC_DIAG_DEPTH},
        {"[abcde]", {.string_bytes = 5}, {.string_bytes = 4}, ARC_DIAG_TEXT_SIZE},
        {"{abcde: f}", {.string_bytes = 5}, {.string_bytes = 4}, ARC_DIAG_TEXT_SIZE},
        {"{a: 1, b: 2}", {.keys = 2}, {.keys = 1}, ARC_DIAG_KEYS},
        {"[&a {x: 1, y: 2}, {<<: *a, z: 3}]", {.keys = 3}, {.keys = 2}, ARC_DIAG_KEYS},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct reading r;
        arc_slice text = arc__slice_cstr(rows[i].text);
        CHECK(read_tree(&r, text, ARC_FORMAT_YAML, &rows[i].fits) != NULL);
        done(&r);
        CHECK(read_tree(&r, text, ARC_FORMAT_YAML, &rows[i].too_small) == NULL);
        CHECK(subject_find(&r.s, rows[i].code) != NULL);
        done(&r);
    }
}

/* Any answer will do, but for a crash and for none. */
static void check_survives(arc_slice text, enum arc_format format)
{
    struct reading r;
    struct arc_mem mem = arc__mem_default();
    char *copy = arc__alloc(&mem, text.len); /* its own size, for the sanitizer */
    CHECK(copy != NULL);
    if (copy == NULL)
        return;
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    const struct arc_node *root = read_tree(&r, arc__slice(copy, text.len), format, NULL);
    CHECK(root != NULL || r.s.diags.errors > 0);
    CHECK(!r.s.arena.failed);
    (void)subject_print(&r.s, 1);
    done(&r);
    arc__free(&mem, copy);
}

static const char yaml_sample[] =
    "# größe\nnamespace: &n \"d\\u00e9mo\"\nv: [1, {a: 'b''c'}, *n]\nx: |2-\n   text\n  more\n"
    "y: >+\n  folded\n\n  text\n\nz:\n- !!str 5\n- ? k\n  : v\n- <<: {q: ~}\n日: 本\n...\n";
static const char json_sample[] = "{\"a\\u00e9\\ud83c\\udf0d\":[1,-2.5e+3,true,false,null,"
                                  "\"x\\\\\\\"\\n\"],\n\"größe\":{\"k\":{}}}";

static void a_text_cut_at_any_length_is_survived(void)
{
    for (size_t len = 0; len < sizeof(yaml_sample); len++)
        check_survives(arc__slice(yaml_sample, len), ARC_FORMAT_YAML);
    for (size_t len = 0; len < sizeof(json_sample); len++)
        check_survives(arc__slice(json_sample, len), ARC_FORMAT_JSON);
    for (size_t len = 0; len < sizeof(json_sample); len++)
        check_survives(arc__slice(json_sample, len), ARC_FORMAT_YAML);
}

static void a_text_with_any_byte_changed_is_survived(void)
{
    static const char bytes[] = "\0\t\n \"'&*:-[]{}%@\x80\xff|>?,#!u9";
    char
        copy[sizeof(yaml_sample) > sizeof(json_sample) ? sizeof(yaml_sample) : sizeof(json_sample)];
    for (size_t at = 0; at + 1 < sizeof(yaml_sample); at++) {
        memcpy(copy, yaml_sample, sizeof(yaml_sample));
        copy[at] = bytes[at * 7 % (sizeof(bytes) - 1)];
        check_survives(arc__slice(copy, sizeof(yaml_sample) - 1), ARC_FORMAT_YAML);
    }
    for (size_t at = 0; at + 1 < sizeof(json_sample); at++) {
        for (size_t b = 0; b + 1 < sizeof(bytes); b++) {
            memcpy(copy, json_sample, sizeof(json_sample));
            copy[at] = bytes[b];
            check_survives(arc__slice(copy, sizeof(json_sample) - 1), ARC_FORMAT_JSON);
        }
    }
}

/* Tokens that are longer than whatever a reader might keep for one. */
static void json_of_long_tokens_is_survived(void)
{
    static const struct {
        const char *before, *part, *after;
    } shapes[] = {
        {"[\"", "\\n", "\"]"},
        {"[\"", "a", "\\n\"]"},
        {"[\"\\n", "a", ""},
        {"[\"", "\\u00e9", ""},
        {"", "1", ""},
        {"[", "1", ""},
        {"[\"", "\\\\\\\"", ""},
        {"{\"", "\\t", "\":1}"},
        {"[tru", "e", ""},
        {"[\"", "é\\n", "\"]"},
        {"", "\\", ""},
        {"[\"a\",\"\\n", "b\",\"\\nc", "\"]"},
        {"\"", "\\ud83c\\udf0d", "\""},
    };
    struct arc_mem mem = arc__mem_default();
    struct arc_spec_limits limits = {.string_bytes = 1 << 20};
    for (size_t i = 0; i < ARC_COUNT_OF(shapes); i++) {
        for (size_t size = 1; size < 300000; size = size * 3 + 1) {
            struct reading r;
            struct arc_buf text;
            arc__buf_init(&text, &mem, 1 << 20);
            arc__buf_add_cstr(&text, shapes[i].before);
            fill(&text, shapes[i].part, size / strlen(shapes[i].part));
            arc__buf_add_cstr(&text, shapes[i].after);
            (void)read_tree(&r, arc__buf_slice(&text), ARC_FORMAT_JSON, &limits);
            CHECK(!r.s.arena.failed);
            done(&r);
            arc__buf_deinit(&text);
        }
    }
}

/* --- one tree ----------------------------------------------------------------------------- */

static int same_tree(const struct arc_node *a, const struct arc_node *b)
{
    if (a->kind != b->kind || !arc__slice_equal(a->text, b->text) || a->number != b->number ||
        a->count != b->count || a->plain != b->plain || !arc__slice_equal(a->key, b->key))
        return 0;
    if (a->mark.offset != b->mark.offset || a->mark.end != b->mark.end ||
        a->key_mark.offset != b->key_mark.offset || a->key_mark.end != b->key_mark.end)
        return 0;
    const struct arc_node *x = a->first, *y = b->first;
    for (; x != NULL && y != NULL; x = x->next, y = y->next) {
        if (!same_tree(x, y))
            return 0;
    }
    return x == y;
}

/* JSON is YAML, but for pairs of \\u escapes: the same text through both readers. */
static void both_readers_make_the_same_tree(void)
{
    static const char *const texts[] = {
        "{\"a\\u00e9\":[1,-2.5e+3,\"x\\\\\\\"\\n\"],\n\"größe\":{\"k\":{}}}",
        "{\"namespace\": \"demo\", \"jobs\": [{\"name\": \"a\", \"steps\": [{\"run\": \"x\"}]}]}",
        "[1, 1.50, -3, 1e3, true, false, null, \"\", \"a b\", [], {}, [[]], {\"a\": {\"b\": []}}]",
        "{\"a\":   1  ,\n\n \"b\" : [ ] ,\"c\":{ }}",
        "  \"text\"  ",
        "\xef\xbb\xbf{\"日本\": \"größe\"}",
    };
    for (size_t i = 0; i < ARC_COUNT_OF(texts); i++) {
        struct reading yaml, json;
        const struct arc_node *a = read_yaml(&yaml, texts[i]);
        const struct arc_node *b = read_json(&json, texts[i]);
        CU_assertImplementation(a != NULL && b != NULL && same_tree(a, b), __LINE__, texts[i],
                                __FILE__, "", CU_FALSE);
        done(&yaml);
        done(&json);
    }
}

static void bare_json_is_read_for_others(void)
{
    struct subject s;
    const struct arc_node *node = NULL;
    arc_err err = ARC_ERR_INIT;
    subject_init(&s);
    CHECK_OK(arc__json_read(ARC_LIT("{\"a\":{\"b\":[1]}}"), NULL, &s.arena, &node, &err));
    CHECK(node != NULL && arc__node_get(arc__node_get(node, "a"), "b") != NULL);
    CHECK(arc__node_get(node, "z") == NULL && arc__node_get(NULL, "z") == NULL);
    CHECK_STATUS(arc__json_read(ARC_LIT("{\"a\":\n 1,}"), NULL, &s.arena, &node, &err), ARC_EINVAL);
    CHECK_INT(err.line, 2);
    CHECK_INT(err.column, 3);
    CHECK_STATUS(arc__json_read(ARC_LIT("{\"a\":1,\"a\":2}"), NULL, &s.arena, &node, NULL),
                 ARC_EINVAL);
    CHECK_STATUS(arc__json_read(ARC_LIT(""), NULL, &s.arena, &node, NULL), ARC_EINVAL);
    subject_deinit(&s);
}

static const struct test tests[] = {
    {"places in YAML are exact, in characters and in bytes", yaml_places_are_exact},
    {"places in JSON are exact, through escapes and blanks", json_places_are_exact},
    {"a byte order mark takes no column", a_byte_order_mark_takes_no_column},
    {"every kind of line end counts once", every_kind_of_line_end_counts_once},
    {"places are right at every offset of a long text", places_hold_at_every_offset},
    {"bytes are counted where characters are longer than one",
     bytes_are_counted_where_characters_are_long},
    {"findings stand in the order of files and of places in them",
     findings_stand_in_the_order_of_files_and_places},
    {"plain scalars have the types of the core schema",
     plain_scalars_have_the_types_of_the_core_schema},
    {"a locale with a decimal comma changes no number", a_locale_with_a_comma_changes_no_number},
    {"numbers that cannot be held are refused", numbers_that_cannot_be_held_are_refused},
    {"the tree prints as JSON, numbers as written", the_tree_prints_as_json},
    {"aliases and merges expand", aliases_and_merges_expand},
    {"billion laughs end at the count, before they are built", billion_laughs_end_at_the_count},
    {"quadratic aliases and merges end at the count", quadratic_aliases_end_at_the_count},
    {"a repeat is found among many keys", a_repeat_is_found_among_many_keys},
    {"what is merged gives way among many keys", what_is_merged_gives_way_among_many_keys},
    {"keys made to fall together are told apart", keys_made_to_fall_together_are_told_apart},
    {"what is merged twice stays what it was", what_is_merged_twice_stays_what_it_was},
    {"aliases count with the depth of what they stand for", aliases_count_with_their_depth},
    {"nesting bombs end at the depth limit", nesting_bombs_end_at_the_depth_limit},
    {"directive bombs are never parsed", directive_bombs_are_not_parsed},
    {"each limit holds at its bound and refuses one beyond", each_limit_holds_at_its_bound},
    {"a text cut at any length is survived", a_text_cut_at_any_length_is_survived},
    {"a text with any byte changed is survived", a_text_with_any_byte_changed_is_survived},
    {"JSON of long tokens and escapes is survived", json_of_long_tokens_is_survived},
    {"both readers make the same tree of the same text", both_readers_make_the_same_tree},
    {"bare JSON is read for others, with the place of a mistake", bare_json_is_read_for_others},
};

TEST_MAIN(tests)
