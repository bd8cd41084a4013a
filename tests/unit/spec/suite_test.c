/* SPDX-License-Identifier: Apache-2.0 */
/* The suites of others for YAML and JSON (tests/data): every case gives what it says, or stands in
 * a list of what is answered otherwise, which must be exact.
 * `suite_test --write` writes the lists; look at the difference before committing it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"
#include "spec/diag.h"
#include "spec/tree.h"

#define FILE_MAX ((size_t)1 << 22)

static int writing;

static const struct arc_spec_limits wide = {
    .document_bytes = FILE_MAX, .string_bytes = FILE_MAX, .nodes = 1000000};

static arc_slice read_file(struct subject *s, const char *name)
{
    char path[1024];
    const char *top = getenv("top_srcdir");
    snprintf(path, sizeof(path), "%s/tests/data/%s", top != NULL ? top : ".", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return ARC_NONE;
    char *bytes = arc__arena_alloc(&s->arena, FILE_MAX);
    size_t len = bytes != NULL ? fread(bytes, 1, FILE_MAX, file) : 0;
    fclose(file);
    return arc__slice(bytes, len);
}

static void write_file(const char *name, arc_slice text)
{
    char path[1024];
    const char *top = getenv("top_srcdir");
    snprintf(path, sizeof(path), "%s/tests/data/%s", top != NULL ? top : ".", name);
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL);
    if (file == NULL)
        return;
    fwrite(text.ptr, 1, text.len, file);
    fclose(file);
}

static arc_slice get(const struct arc_node *map, const char *key)
{
    const struct arc_node *node = arc__node_get(map, key);
    return node != NULL ? node->text : ARC_NONE;
}

/* The tree of a text; NULL: it is refused, and *why is the first finding. */
static const struct arc_node *read_case(struct subject *s, arc_slice text, enum arc_format format,
                                        const struct arc_diag **why)
{
    struct arc_sink sink = {.arena = &s->arena, .diags = &s->diags, .max = 1};
    struct arc_spec_limits limits = arc__limits_resolve(&wide);
    struct arc_tree tree;
    const struct arc_node *root = NULL;
    if (arc__diags_init(&s->diags, &s->arena, ARC_NONE, text) &&
        arc__tree_init(&tree, 0, &limits, &s->arena, &sink))
        root = format == ARC_FORMAT_JSON ? arc__json_tree(&tree) : arc__yaml_tree(&tree);
    CHECK(!s->arena.failed);
    CHECK(root != NULL || s->diags.errors > 0);
    *why = s->diags.first;
    return s->diags.errors > 0 ? NULL : root;
}

static double value_of(const struct arc_node *node)
{
    return node->kind == ARC_NODE_INT ? (double)node->number : node->real;
}

/* Whether two trees stand for the same JSON; the order of keys says nothing. */
static int same(const struct arc_node *a, const struct arc_node *b)
{
    int numbers = (a->kind == ARC_NODE_INT || a->kind == ARC_NODE_FLOAT) &&
                  (b->kind == ARC_NODE_INT || b->kind == ARC_NODE_FLOAT);
    if (numbers)
        return memcmp(&(double){value_of(a)}, &(double){value_of(b)}, sizeof(double)) == 0;
    if (a->kind != b->kind || a->count != b->count)
        return 0;
    if (a->kind == ARC_NODE_BOOL)
        return a->number == b->number;
    if (a->kind == ARC_NODE_TEXT)
        return arc__slice_equal(a->text, b->text);
    const struct arc_node *y = b->first;
    for (const struct arc_node *x = a->first; x != NULL; x = x->next) {
        if (a->kind == ARC_NODE_MAP) {
            for (y = b->first; y != NULL && !arc__slice_equal(x->key, y->key);)
                y = y->next;
        }
        if (y == NULL || !same(x, y))
            return 0;
        y = y->next;
    }
    return 1;
}

static void add_row(struct arc_buf *out, arc_slice name, const char *what,
                    const struct arc_diag *why)
{
    arc__buf_printf(out, "%.*s\t%s", ARC_ARG(name), what);
    if (why != NULL)
        arc__buf_printf(out, "\tARC%04u\t%.*s", why->code, ARC_ARG(why->message));
    arc__buf_add_char(out, '\n');
}

/* What is answered otherwise, against the list. */
static void check_list(struct subject *s, const char *name, arc_slice rows)
{
    if (writing) {
        write_file(name, rows);
        return;
    }
    arc_slice list = read_file(s, name);
    CHECK(list.len > 0);
    while (rows.len > 0 || list.len > 0) {
        arc_slice row = arc__slice_cut(rows, '\n', &rows);
        arc_slice line = arc__slice_cut(list, '\n', &list);
        int held = arc__slice_equal(row, line);
        CHECK(held);
        if (!held) {
            printf("# answered: %.*s\n# listed:   %.*s\n", ARC_ARG(row), ARC_ARG(line));
            return;
        }
    }
}

static const struct arc_node *read_cases(struct subject *s, const char *name)
{
    const struct arc_node *cases = NULL;
    CHECK_OK(arc__json_read(read_file(s, name), &wide, &s->arena, &cases, &s->err));
    CHECK(cases != NULL && cases->count > 250);
    return cases;
}

/* --- YAML --------------------------------------------------------------------------------- */

static void yaml_case(struct subject *s, const struct arc_node *row)
{
    struct subject one;
    const struct arc_diag *why = NULL;
    const struct arc_node *wanted = NULL;
    subject_init(&one);
    arc_slice json = get(row, "json"), id = get(row, "id");
    const struct arc_node *root = read_case(&one, get(row, "yaml"), ARC_FORMAT_YAML, &why);
    int must_fail = arc__node_get(row, "fail") != NULL;
    if (must_fail && root != NULL)
        add_row(&s->out, id, "accepted", NULL);
    else if (!must_fail && root == NULL)
        add_row(&s->out, id, "refused", why);
    else if (!must_fail && json.len > 0 &&
             (arc__json_read(json, NULL, &one.arena, &wanted, NULL) != ARC_OK ||
              !same(root, wanted)))
        add_row(&s->out, id, "differs", NULL);
    else if (!must_fail && json.len == 0)
        add_row(&s->out, id, "no JSON is given", NULL);
    subject_deinit(&one);
}

static void the_yaml_suite_gives_its_json(void)
{
    struct subject s;
    subject_init(&s);
    const struct arc_node *cases = read_cases(&s, "yaml-test-suite/cases.json");
    for (const struct arc_node *c = cases != NULL ? cases->first : NULL; c != NULL; c = c->next)
        yaml_case(&s, c);
    check_list(&s, "yaml-test-suite.tsv", arc__buf_slice(&s.out));
    subject_deinit(&s);
}

/* --- JSON --------------------------------------------------------------------------------- */

static arc_slice input_of(struct subject *s, const struct arc_node *row)
{
    arc_slice hex = get(row, "hex"), part = get(row, "part");
    const struct arc_node *times = arc__node_get(row, "times");
    if (hex.ptr == NULL && times == NULL)
        return get(row, "input");
    size_t count = times != NULL ? (size_t)times->number : hex.len / 2;
    size_t each = times != NULL ? part.len : 1;
    char *text = arc__arena_alloc(&s->arena, count * each + 1);
    CHECK(text != NULL);
    for (size_t i = 0; i < count && text != NULL; i++) {
        if (times != NULL)
            memcpy(text + i * each, part.ptr, each);
        else
            text[i] = (char)strtol((char[]){hex.ptr[2 * i], hex.ptr[2 * i + 1], '\0'}, NULL, 16);
    }
    return arc__slice(text, count * each);
}

/* y_ is accepted and n_ refused; of i_ each answer is listed. */
static void the_json_suite_is_answered_as_it_says(void)
{
    struct subject s;
    subject_init(&s);
    const struct arc_node *cases = read_cases(&s, "json-test-suite/cases.json");
    for (const struct arc_node *c = cases != NULL ? cases->first : NULL; c != NULL; c = c->next) {
        struct subject one;
        const struct arc_diag *why = NULL;
        arc_slice name = get(c, "name");
        subject_init(&one);
        const struct arc_node *root = read_case(&one, input_of(&one, c), ARC_FORMAT_JSON, &why);
        char kind = name.len > 0 ? name.ptr[0] : '?';
        if (kind == 'i' || (kind == 'y') != (root != NULL))
            add_row(&s.out, name, root != NULL ? "accepted" : "refused", why);
        subject_deinit(&one);
    }
    check_list(&s, "json-test-suite.tsv", arc__buf_slice(&s.out));
    subject_deinit(&s);
}

/* The cases of the same suite that are no text, and more of their kind. */
static void json_that_is_no_text_is_refused(void)
{
    const arc_slice rows[] = {
        ARC_LIT("[\"\xc0\xaf\"]"),                 /* overlong, 2 bytes */
        ARC_LIT("[\"\xe0\x80\xaf\"]"),             /* 3 bytes */
        ARC_LIT("[\"\xf0\x80\x80\xaf\"]"),         /* 4 bytes */
        ARC_LIT("[\"\xfc\x83\xbf\xbf\xbf\xbf\"]"), /* 6 bytes */
        ARC_LIT("[\"\xc0\x80\"]"),                 /* NUL, overlong */
        ARC_LIT("[\"\xed\xa0\x80\"]"),             /* U+D800 */
        ARC_LIT("[\"\xf4\xbf\xbf\xbf\"]"),         /* above U+10FFFF */
        ARC_LIT("[\"\xe9\"]"),                     /* Latin 1 */
        ARC_LIT("[\"\x81\"]"),                     /* a continuation alone */
        ARC_LIT("[\"\xff\"]"),
        ARC_LIT("[\"\xe6\x97\"]"), /* cut */
        ARC_LIT("\xff\xfe[\0\"\0\xe9\0\"\0]\0"),
        ARC_LIT("\0[\0\"\0\xe9\0\"\0]"),
        ARC_LIT("[\0\"\0\xe9\0\"\0]\0"),
        ARC_LIT("[a\xe5]"),
        ARC_LIT("[\xff]"),
        ARC_LIT("[123\xe5]"),
        ARC_LIT("[1e1\xe5]"),
        ARC_LIT("[0\xe5]\n"),
        ARC_LIT("[1e\xe5]"),
        ARC_LIT("{\"\xb9\":\"0\",}"),
        ARC_LIT("[\"\\u\xe5\"]"),
        ARC_LIT("[\"\\\xe5\"]"),
        ARC_LIT("\xef\xbb{}"),
        ARC_LIT("\xe5"),
        ARC_LIT("\xc3\xa9"),
        ARC_LIT("[\"\\uD800\"]"),
        ARC_LIT("[\"\\uDC00\\uD800\"]"),
        ARC_LIT("[\"a\0b\"]"),
        ARC_LIT("[\"a\\u0000b\"]"),
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct subject one;
        const struct arc_diag *why = NULL;
        char label[32];
        subject_init(&one);
        snprintf(label, sizeof(label), "row %zu", i);
        CU_assertImplementation(read_case(&one, rows[i], ARC_FORMAT_JSON, &why) == NULL, __LINE__,
                                label, __FILE__, "", CU_FALSE);
        CHECK(why != NULL && why->message.len > 0);
        subject_deinit(&one);
    }
}

/* Others take them between tokens. */
static void only_the_blanks_of_json_are_blanks(void)
{
    static const char *const rows[] = {"\f{}",    "{}\v",        "[\f]",        "[1\v]",
                                       "[1,\f2]", "{\"a\"\v:1}", "{\"a\":\f1}", "[1\f,2]",
                                       "[]\f",    "\v\v1",       "[\"a\"\f]"};
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct subject one;
        const struct arc_diag *why = NULL;
        subject_init(&one);
        const struct arc_node *root =
            read_case(&one, arc__slice_cstr(rows[i]), ARC_FORMAT_JSON, &why);
        CU_assertImplementation(root == NULL && why != NULL && why->code == ARC_DIAG_JSON, __LINE__,
                                rows[i], __FILE__, "", CU_FALSE);
        subject_deinit(&one);
    }
}

static const struct test tests[] = {
    {"the YAML suite gives its JSON, but for what is listed", the_yaml_suite_gives_its_json},
    {"the JSON suite is answered as it says, but for what is listed",
     the_json_suite_is_answered_as_it_says},
    {"JSON that is no text is refused", json_that_is_no_text_is_refused},
    {"only the blanks of JSON are blanks", only_the_blanks_of_json_are_blanks},
};

int main(int argc, char **argv)
{
    writing = argc == 2 && strcmp(argv[1], "--write") == 0;
    return writing ? test_main(1, argv, tests, ARC_COUNT_OF(tests))
                   : test_main(argc, argv, tests, ARC_COUNT_OF(tests));
}
