/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed reads as what it was: the canonical form as JSON and as YAML, made-up documents
 * of every field of the table, and every definition that the other tests know. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/sha256.h"
#include "help.h"
#include "spec/diag.h"
#include "spec/model.h"
#include "spec/print.h"
#include "spec/tree.h"

#define CASES_MAX 512
#define FILE_MAX ((size_t)1 << 20)

static int writing;

/* --- what is made up ---------------------------------------------------------------------- */

struct maker {
    uint64_t state;
    struct arc_json json;
};

static uint32_t pick(struct maker *m, uint32_t most)
{
    m->state = m->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(m->state >> 33) % most;
}

/* Texts that a careless printer gets wrong. */
static const char *const odd_texts[] = {
    "a",
    "yes",
    "No",
    "on",
    "y",
    "true",
    "True",
    "null",
    "~",
    "1.10",
    "007",
    "0x1F",
    "0o17",
    "1e3",
    ".5",
    "-1",
    "+1",
    ".inf",
    ".NaN",
    "1_000",
    "12:30:45",
    "2026-01-31",
    "",
    " ",
    " a",
    "a ",
    "a: b",
    "a:",
    ": a",
    ":a",
    "a #b",
    "a#b",
    "#a",
    "- a",
    "-",
    "-a",
    "--- a",
    "---",
    "...",
    "? a",
    "?",
    "?a",
    "&a",
    "*a",
    "!a",
    "|",
    "|\n",
    ">",
    "'",
    "\"",
    "'a",
    "a'b\"c\\d",
    "\\",
    "%a",
    "@a",
    "`a",
    "{a}",
    "[a]",
    "{",
    "]",
    ",",
    "a, b",
    "a,b",
    "${{ variables.a }}",
    "a ${{ variables['b'] }} c",
    "=",
    "<<",
    "a\nb",
    "a\nb\n",
    "a\n\nb\n\n",
    "\n",
    "\n\n",
    "\na",
    " a\n b\n",
    "\ta\nb",
    "a\n\tb\n  c\n",
    "  \na\n",
    "\n  a\nb",
    "a \n b \n",
    "a\n  \n",
    "# a\nb\n",
    "a\n# b\n",
    "a\n--- \nb\n",
    "a\r\nb",
    "a\rb",
    "a\tb",
    "\x01\x02",
    "\x7f",
    "\x1b[31m",
    "gr\xc3\xbc\xc3\x9f",
    "\xc2\x85",
    "a\xe2\x80\xa8"
    "b\nc",
    "\xef\xbb\xbf"
    "a",
    "\xef\xbf\xbe",
    "\xf0\x9f\x98\x80\nb",
    "https://example.com/a?b=c&d#e",
    "a-long-text-without-a-blank-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-"
    "on",
    "make -j2 && ./run --all | tee log",
};

static arc_slice odd_text(struct maker *m)
{
    return arc__slice_cstr(odd_texts[pick(m, ARC_COUNT_OF(odd_texts))]);
}

static void put_text(struct maker *m, const char *text)
{
    arc__json_text(&m->json, arc__slice_cstr(text));
}

static void put_any(struct maker *m, uint32_t depth)
{
    static const char *const numbers[] = {"0", "-5", "1.10", "1e5", "9223372036854775807", "0.1"};
    uint32_t kind = pick(m, depth > 0 ? 9 : 6), count = pick(m, 4);
    if (kind < 3) {
        arc__json_text(&m->json, odd_text(m));
    } else if (kind == 3) {
        arc__json_raw(&m->json, arc__slice_cstr(numbers[pick(m, ARC_COUNT_OF(numbers))]));
    } else if (kind == 4) {
        arc__json_bool(&m->json, (int)pick(m, 2));
    } else if (kind == 5) {
        arc__json_null(&m->json);
    } else if (kind == 6) {
        arc__json_array(&m->json);
        for (uint32_t i = 0; i < count; i++)
            put_any(m, depth - 1);
        arc__json_end_array(&m->json);
    } else {
        arc__json_object(&m->json);
        for (uint32_t i = 0; i < count; i++) {
            char key[128];
            snprintf(key, sizeof(key), "%s%u", odd_texts[pick(m, ARC_COUNT_OF(odd_texts))], i);
            arc__json_key(&m->json, arc__slice_cstr(key));
            put_any(m, depth - 1);
        }
        arc__json_end_object(&m->json);
    }
}

static void put_texts(struct maker *m, const char *prefix, int as_map)
{
    uint32_t count = pick(m, 5);
    if (as_map)
        arc__json_object(&m->json);
    else
        arc__json_array(&m->json);
    for (uint32_t i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%s%u", prefix, i);
        if (as_map)
            arc__json_key(&m->json, arc__slice_cstr(key));
        arc__json_text(&m->json, odd_text(m));
    }
    if (as_map)
        arc__json_end_object(&m->json);
    else
        arc__json_end_array(&m->json);
}

static void put_word(struct maker *m, const char *words)
{
    arc_slice left = arc__slice_cstr(words), word, chosen = ARC_NONE;
    for (uint32_t seen = 1; arc__word_next(&left, &word); seen++) {
        if (pick(m, seen) == 0)
            chosen = word;
    }
    arc__json_text(&m->json, chosen);
}

static void put_object(struct maker *m, enum arc_object object, uint32_t depth);

static void put_objects(struct maker *m, enum arc_object object, uint32_t depth)
{
    uint32_t count = pick(m, 3);
    arc__json_array(&m->json);
    for (uint32_t i = 0; i < count; i++)
        put_object(m, object, depth);
    arc__json_end_array(&m->json);
}

static void put_list_or_map(struct maker *m, const struct arc_field *field, uint32_t depth)
{
    if (field->type == ARC_TYPE_LIST || (field->type == ARC_TYPE_NOTICES && pick(m, 2) == 0))
        put_objects(m, field->of, depth);
    else if (field->type == ARC_TYPE_GROUP && pick(m, 2) == 0)
        arc__json_text(&m->json, odd_text(m));
    else
        put_object(m, field->of, depth);
}

static void put_maps(struct maker *m, uint32_t depth)
{
    uint32_t count = pick(m, 3);
    arc__json_array(&m->json);
    for (uint32_t i = 0; i < count; i++) {
        arc__json_object(&m->json);
        arc__json_key(&m->json, ARC_LIT("os"));
        put_any(m, depth);
        arc__json_end_object(&m->json);
    }
    arc__json_end_array(&m->json);
}

/* No default: a new type of the table does not compile before it is made up here. */
static void put_value(struct maker *m, const struct arc_field *field, uint32_t depth)
{
    static const char *const times[] = {"0", "90s", "1h30m", "1.5h", "250ms", "24h", "1440m"};
    switch (field->type) {
    case ARC_TYPE_TEXT:
    case ARC_TYPE_NAME:
    case ARC_TYPE_NAMESPACE:
    case ARC_TYPE_VERSION:
    case ARC_TYPE_IDENT:
    case ARC_TYPE_USES:
    case ARC_TYPE_PATH:
        arc__json_text(&m->json, odd_text(m));
        break;
    case ARC_TYPE_DURATION:
        put_text(m, times[pick(m, ARC_COUNT_OF(times))]);
        break;
    case ARC_TYPE_INT:
        arc__json_i64(&m->json, (int64_t)pick(m, 4));
        break;
    case ARC_TYPE_BOOL:
        arc__json_bool(&m->json, (int)pick(m, 2));
        break;
    case ARC_TYPE_WORD:
        put_word(m, field->words);
        break;
    case ARC_TYPE_WORDS:
        arc__json_array(&m->json);
        put_word(m, field->words);
        arc__json_end_array(&m->json);
        break;
    case ARC_TYPE_WHEN:
        if (pick(m, 3) == 0)
            arc__json_bool(&m->json, (int)pick(m, 2));
        else
            put_text(m, pick(m, 2) == 0 ? "success()" : " a == 'b: c' && !failure() ");
        break;
    case ARC_TYPE_VARIABLES:
    case ARC_TYPE_ENV:
    case ARC_TYPE_TEXTMAP:
        put_texts(m, "N", 1);
        break;
    case ARC_TYPE_MAP:
        arc__json_object(&m->json);
        arc__json_key(&m->json, ARC_LIT("free"));
        put_any(m, 4);
        arc__json_end_object(&m->json);
        break;
    case ARC_TYPE_MAPS:
        put_maps(m, 2);
        break;
    case ARC_TYPE_TEXTS:
    case ARC_TYPE_NAMES:
    case ARC_TYPE_GLOBS:
        put_texts(m, "", 0);
        break;
    case ARC_TYPE_OBJECT:
    case ARC_TYPE_LIST:
    case ARC_TYPE_GROUP:
    case ARC_TYPE_NOTICES:
    case ARC_TYPE_MATRIX:
        put_list_or_map(m, field, depth);
        break;
    }
}

static void put_object(struct maker *m, enum arc_object object, uint32_t depth)
{
    const struct arc_field *fields;
    size_t count = arc__object_fields(object, &fields), from = pick(m, 30);
    arc__json_object(&m->json);
    if (object == ARC_OBJECT_MATRIX) {
        arc__json_key(&m->json, ARC_LIT("axis"));
        put_texts(m, "", 0);
    }
    for (size_t n = 0; n < count; n++) {
        const struct arc_field *field = &fields[(n + from) % count];
        char snake[ARC_SNAKE_MAX];
        if (pick(m, 8) >= depth)
            continue;
        arc__field_snake(field->key, snake);
        arc__json_key(&m->json, arc__slice_cstr(pick(m, 2) == 0 ? snake : field->key));
        put_value(m, field, depth - 1);
    }
    if (pick(m, 9) == 0) {
        arc__json_key(&m->json, ARC_LIT("x-own"));
        put_any(m, 2);
    }
    arc__json_end_object(&m->json);
}

/* --- reading and printing ----------------------------------------------------------------- */

/* The bare tree of a text; NULL: it is broken, and the case says why. */
static const struct arc_node *tree_of(struct subject *s, arc_slice text)
{
    struct arc_sink sink = {.arena = &s->arena, .diags = &s->diags, .max = 8};
    struct arc_spec_limits limits = arc__limits_resolve(NULL);
    struct arc_tree tree;
    const struct arc_node *root = NULL;
    CHECK(arc__diags_init(&s->diags, &s->arena, ARC_LIT("input"), text));
    if (arc__tree_init(&tree, 0, &limits, &s->arena, &sink))
        root = arc__guess_format(text) == ARC_FORMAT_JSON ? arc__json_tree(&tree)
                                                          : arc__yaml_tree(&tree);
    if (root == NULL) {
        arc_slice said = subject_print(s, 1);
        printf("# %.*s\n# %.*s\n", ARC_ARG(said), ARC_ARG(text));
    }
    CHECK(root != NULL);
    return root;
}

static arc_slice print_canonical(struct subject *s, const struct arc_node *root,
                                 enum arc_format form)
{
    const struct arc_node *tree = arc__canonical_tree(root, &s->arena);
    arc__buf_clear(&s->out);
    CHECK(tree != NULL);
    if (tree != NULL && form == ARC_FORMAT_YAML)
        arc__print_yaml(tree, &s->out);
    else if (tree != NULL)
        arc__print_json(tree, &s->out);
    CHECK(s->out.failed == ARC_OK);
    return arc__arena_copy(&s->arena, arc__buf_slice(&s->out));
}

static void same(const char *what, arc_slice got, arc_slice want)
{
    if (!arc__slice_equal(got, want))
        printf("# %s: got\n%.*s# instead of\n%.*s", what, ARC_ARG(got), ARC_ARG(want));
    CU_assertImplementation(arc__slice_equal(got, want), __LINE__, what, __FILE__, "", CU_FALSE);
}

/* Both forms of it read as it does, and print as they are. */
static void forms_agree(struct subject *s, const char *what, const struct arc_node *root)
{
    arc_slice json = print_canonical(s, root, ARC_FORMAT_JSON);
    arc_slice yaml = print_canonical(s, root, ARC_FORMAT_YAML);
    const struct arc_node *from_json = tree_of(s, json), *from_yaml = tree_of(s, yaml);
    if (from_json == NULL || from_yaml == NULL)
        return;
    same(what, print_canonical(s, from_json, ARC_FORMAT_JSON), json);
    same(what, print_canonical(s, from_yaml, ARC_FORMAT_JSON), json);
    same(what, print_canonical(s, from_json, ARC_FORMAT_YAML), yaml);
    same(what, print_canonical(s, from_yaml, ARC_FORMAT_YAML), yaml);
}

static arc_status format_text(struct subject *s, arc_slice text, arc_slice *out)
{
    arc__buf_clear(&s->out);
    s->status = arc__format_text(text, ARC_FORMAT_AUTO, ARC_LIT("input"), NULL, &s->arena,
                                 &s->diags, &s->out, &s->err);
    *out = arc__arena_copy(&s->arena, arc__buf_slice(&s->out));
    return s->status;
}

/* What is laid out means the same, and stays as it is when it is laid out again. */
static void layout_holds(struct subject *s, const char *what, arc_slice text)
{
    arc_slice once, twice;
    if (!test_check_status(__FILE__, __LINE__, what, format_text(s, text, &once), ARC_OK))
        return;
    if (!test_check_status(__FILE__, __LINE__, what, format_text(s, once, &twice), ARC_OK))
        return;
    CHECK(subject_find(s, ARC_DIAG_COMMENTS_LOST) == NULL);
    same(what, twice, once);
    const struct arc_node *before = tree_of(s, text), *after = tree_of(s, once);
    if (before != NULL && after != NULL)
        same(what, print_canonical(s, after, ARC_FORMAT_JSON),
             print_canonical(s, before, ARC_FORMAT_JSON));
}

static void made_up_definitions_mean_the_same_in_both_forms(void)
{
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct subject s;
        struct arc_buf text;
        struct maker m = {.state = seed * 7919};
        subject_init(&s);
        arc__buf_init(&text, &s.mem, HELP_MAX);
        arc__json_init(&m.json, &text);
        put_object(&m, ARC_OBJECT_PIPELINE, 6);
        const struct arc_node *root = tree_of(&s, arc__buf_slice(&text));
        if (root != NULL) {
            char what[32];
            snprintf(what, sizeof(what), "seed %u", (unsigned)seed);
            forms_agree(&s, what, root);
            layout_holds(&s, what, arc__buf_slice(&text));
            layout_holds(&s, what, print_canonical(&s, root, ARC_FORMAT_YAML));
        }
        arc__buf_deinit(&text);
        subject_deinit(&s);
    }
}

static void every_field_is_made_up(void)
{
    struct subject s;
    static uint8_t seen[ARC_FIELD_COUNT];
    subject_init(&s);
    for (int object = 1; object < ARC_OBJECT_COUNT; object++) {
        const struct arc_field *fields;
        size_t count = arc__object_fields((enum arc_object)object, &fields);
        for (uint64_t seed = 1; seed <= 60; seed++) {
            struct maker m = {.state = seed};
            arc__buf_clear(&s.out);
            arc__json_init(&m.json, &s.out);
            put_object(&m, (enum arc_object)object, 6);
            const struct arc_node *root =
                tree_of(&s, arc__arena_copy(&s.arena, arc__buf_slice(&s.out)));
            for (size_t i = 0; i < count; i++)
                seen[fields[i].id] |= arc__field_get(root, fields[i].id) != NULL;
        }
    }
    for (int i = 0; i < ARC_FIELD_COUNT; i++)
        CU_assertImplementation(seen[i], __LINE__, arc__field((enum arc_field_id)i)->key, __FILE__,
                                "", CU_FALSE);
    subject_deinit(&s);
}

static void every_odd_text_comes_back_in_every_place(void)
{
    struct subject s;
    subject_init(&s);
    for (size_t i = 0; i < ARC_COUNT_OF(odd_texts); i++) {
        struct arc_json json;
        arc_slice text = arc__slice_cstr(odd_texts[i]);
        arc__buf_clear(&s.out);
        arc__json_init(&json, &s.out);
        arc__json_object(&json);
        arc__json_key(&json, ARC_LIT("meta"));
        arc__json_object(&json);
        arc__json_key(&json, text);
        arc__json_text(&json, text);
        arc__json_key(&json, ARC_LIT("list"));
        arc__json_array(&json);
        arc__json_text(&json, text);
        arc__json_object(&json);
        arc__json_key(&json, text);
        arc__json_array(&json);
        arc__json_text(&json, text);
        arc__json_text(&json, text);
        arc__json_end_array(&json);
        arc__json_end_object(&json);
        arc__json_end_array(&json);
        arc__json_end_object(&json);
        arc__json_end_object(&json);
        arc_slice document = arc__arena_copy(&s.arena, arc__buf_slice(&s.out));
        const struct arc_node *root = tree_of(&s, document);
        if (root != NULL) {
            forms_agree(&s, odd_texts[i], root);
            layout_holds(&s, odd_texts[i], document);
        }
    }
    subject_deinit(&s);
}

/* --- files -------------------------------------------------------------------------------- */

static const char *top(void)
{
    const char *dir = getenv("top_srcdir");
    return dir != NULL ? dir : ".";
}

static arc_slice read_file(struct subject *s, const char *path)
{
    char whole[1024];
    snprintf(whole, sizeof(whole), "%s/%s", top(), path);
    FILE *file = fopen(whole, "rb");
    if (file == NULL)
        return ARC_NONE;
    char *bytes = arc__arena_alloc(&s->arena, FILE_MAX);
    size_t len = bytes != NULL ? fread(bytes, 1, FILE_MAX, file) : 0;
    fclose(file);
    return arc__slice(bytes, len);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_path(struct subject *s, char **paths, size_t *count, const char *path)
{
    struct subject probe;
    subject_init(&probe);
    if (*count < CASES_MAX && read_file(&probe, path).ptr != NULL)
        paths[(*count)++] = arc__arena_strdup(&s->arena, arc__slice_cstr(path));
    subject_deinit(&probe);
}

/* The files of a directory, or input.* of each of its directories; sorted. */
static size_t list_files(struct subject *s, const char *dir, char **paths)
{
    char path[1024];
    size_t count = 0;
    snprintf(path, sizeof(path), "%s/%s", top(), dir);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    for (struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        if (e->d_name[0] == '.')
            continue;
        int is_file = strchr(e->d_name, '.') != NULL;
        snprintf(path, sizeof(path), "%s/%s%s", dir, e->d_name, is_file ? "" : "/input.yaml");
        add_path(s, paths, &count, path);
        snprintf(path, sizeof(path), "%s/%s/input.json", dir, e->d_name);
        if (!is_file)
            add_path(s, paths, &count, path);
    }
    closedir(folder);
    qsort(paths, count, sizeof(*paths), by_name);
    return count;
}

/* Templates lie among the examples; user is the subject. */
static arc_status example_resolve(void *user, const struct arc_include_wanted *wanted,
                                  struct arc_arena *arena, struct arc_include_found *out,
                                  arc_err *err)
{
    char path[512];
    snprintf(path, sizeof(path), "examples/pipelines/%.*s", ARC_ARG(wanted->template_));
    (void)arena;
    (void)err;
    out->text = read_file(user, path);
    return ARC_OK;
}

static arc_status read_example(struct subject *s, arc_slice text)
{
    const struct arc_read_options options = {.user = s, .resolve = example_resolve};
    return subject_read_with(s, text, &options);
}

/* What is planned. merged: without the templates that it came from, and the hash over them, for
 * the two forms have them merged in. */
static arc_slice plan_of(struct subject *s, arc_slice text, int merged)
{
    struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual")};
    if (read_example(s, text) != ARC_OK || subject_plan(s, &inputs) != ARC_OK)
        return ARC_NONE;
    struct arc_plan plan = *s->plan;
    if (merged) {
        plan.include_count = 0;
        plan.hash = ARC_NONE;
    }
    arc__buf_clear(&s->out);
    arc__plan_to_json(&plan, &s->out);
    return arc__arena_copy(&s->arena, arc__buf_slice(&s->out));
}

static arc_slice print_spec(struct subject *s, const struct arc_spec *spec, enum arc_format form)
{
    arc__buf_clear(&s->out);
    CHECK_OK(arc__spec_print(spec, form, &s->out, &s->err));
    return arc__arena_copy(&s->arena, arc__buf_slice(&s->out));
}

static void file_comes_back(const char *path)
{
    struct subject s;
    subject_init(&s);
    arc_slice text = read_file(&s, path);
    if (test_check_status(__FILE__, __LINE__, path, read_example(&s, text), ARC_OK)) {
        arc_slice json = print_spec(&s, s.spec, ARC_FORMAT_JSON);
        arc_slice yaml = print_spec(&s, s.spec, ARC_FORMAT_YAML);
        int merged = memmem(text.ptr, text.len, "\ninclude:", 9) != NULL;
        arc_slice plan = plan_of(&s, text, merged);
        CHECK(plan.len > 0);
        same(path, plan_of(&s, json, merged), plan);
        same(path, plan_of(&s, yaml, merged), plan);
        CHECK_OK(subject_read(&s, yaml));
        same(path, print_spec(&s, s.spec, ARC_FORMAT_JSON), json);
        same(path, print_spec(&s, s.spec, ARC_FORMAT_YAML), yaml);
        CHECK_OK(subject_read(&s, json));
        same(path, print_spec(&s, s.spec, ARC_FORMAT_JSON), json);
        same(path, print_spec(&s, s.spec, ARC_FORMAT_YAML), yaml);
    }
    subject_deinit(&s);
}

static void accepted_definitions_mean_the_same_in_both_forms(void)
{
    static const char *const dirs[] = {"tests/golden/spec/valid", "examples/pipelines"};
    for (size_t d = 0; d < ARC_COUNT_OF(dirs); d++) {
        char *paths[CASES_MAX];
        struct subject s;
        subject_init(&s);
        size_t count = list_files(&s, dirs[d], paths);
        CHECK(count >= 5);
        for (size_t i = 0; i < count; i++)
            file_comes_back(paths[i]);
        subject_deinit(&s);
    }
}

/* --- layout ------------------------------------------------------------------------------- */

/* Every text that can be read at all, right or wrong, but for those that say why not. */
static void every_readable_text_keeps_its_meaning_when_laid_out(void)
{
    static const char *const dirs[] = {"tests/golden/spec/valid", "tests/golden/spec/invalid",
                                       "tests/golden/spec/format", "examples/pipelines"};
    size_t laid = 0, refused = 0;
    for (size_t d = 0; d < ARC_COUNT_OF(dirs); d++) {
        char *paths[CASES_MAX];
        struct subject s;
        subject_init(&s);
        size_t count = list_files(&s, dirs[d], paths);
        for (size_t i = 0; i < count; i++) {
            struct subject one;
            arc_slice out;
            subject_init(&one);
            arc_slice text = read_file(&one, paths[i]);
            arc_status status = format_text(&one, text, &out);
            const struct arc_diag *first = one.diags.first;
            refused += status != ARC_OK && subject_find(&one, ARC_DIAG_NOT_LAID_OUT) != NULL;
            if (status == ARC_OK && ++laid > 0)
                layout_holds(&one, paths[i], text);
            else if (test_check_status(__FILE__, __LINE__, paths[i], status, ARC_EINVAL))
                CHECK(first != NULL && (first->code < 100 || first->code >= 700));
            subject_deinit(&one);
        }
        subject_deinit(&s);
    }
    CHECK(laid > 100);
    CHECK(refused >= 1);
}

static void compare_file(struct subject *s, const char *path, arc_slice got)
{
    char whole[1024];
    snprintf(whole, sizeof(whole), "%s/%s", top(), path);
    if (!writing) {
        same(path, got, read_file(s, path));
        return;
    }
    FILE *out = fopen(whole, "wb");
    CHECK(out != NULL && fwrite(got.ptr, 1, got.len, out) == got.len);
    if (out != NULL)
        fclose(out);
}

static void comments_stay_with_what_they_stand_beside(void)
{
    char *paths[CASES_MAX], expect[1024];
    struct subject s;
    subject_init(&s);
    size_t count = list_files(&s, "tests/golden/spec/format", paths);
    CHECK(count >= 5);
    for (size_t i = 0; i < count; i++) {
        arc_slice out = ARC_NONE, text = read_file(&s, paths[i]);
        const char *end = strrchr(paths[i], '/');
        (void)format_text(&s, text, &out);
        if (s.status != ARC_OK)
            out = arc__arena_copy(&s.arena, subject_print(&s, 1));
        snprintf(expect, sizeof(expect), "%.*s/expect.%s", (int)(end - paths[i]), paths[i],
                 s.status != ARC_OK ? "txt" : strrchr(end, '.') + 1);
        compare_file(&s, expect, out);
    }
    subject_deinit(&s);
}

/* --- heads -------------------------------------------------------------------------------- */

/* The head of a stored definition is the hash of its canonical JSON: it must not move with a
 * version of this library. Lines are added; one that changes needs a reason. */
static void heads_of_known_definitions_do_not_move(void)
{
    char *paths[CASES_MAX];
    struct subject s;
    struct arc_buf lines;
    subject_init(&s);
    arc__buf_init(&lines, &s.mem, HELP_MAX);
    size_t count = list_files(&s, "tests/golden/spec/valid", paths);
    for (size_t i = 0; i < count; i++) {
        char hex[ARC_SHA256_HEX_LEN + 1];
        if (!CHECK_OK(subject_read(&s, read_file(&s, paths[i]))))
            continue;
        arc__sha256_hex(print_spec(&s, s.spec, ARC_FORMAT_JSON), hex);
        arc__buf_printf(&lines, "%s %s\n", hex, paths[i]);
    }
    compare_file(&s, "tests/golden/spec/heads.txt", arc__buf_slice(&lines));
    arc__buf_deinit(&lines);
    subject_deinit(&s);
}

/* --- what is left out, and what is not ---------------------------------------------------- */

static arc_slice canonical_text(struct subject *s, const char *text)
{
    const struct arc_node *root = tree_of(s, arc__slice_cstr(text));
    return root != NULL ? print_canonical(s, root, ARC_FORMAT_YAML) : ARC_NONE;
}

static void what_equals_the_default_is_left_out(void)
{
    struct subject s;
    subject_init(&s);
    CHECK_TEXT(canonical_text(&s, "jobs:\n"
                                  "  - name: a\n"
                                  "    if: ' success() '\n"
                                  "    continue_on_error: false\n"
                                  "    queue_timeout: 0s\n"
                                  "    matrix: {failFast: true, os: [a]}\n"
                                  "    retry: {max_attempts: 2, on: [failed, timeout, lost]}\n"
                                  "    approval: {count: 1, timeout: 1440m, plugin: p}\n"),
               "jobs:\n"
               "  - name: a\n"
               "    matrix:\n"
               "      os: [a]\n"
               "    retry:\n"
               "      maxAttempts: 2\n"
               "    approval:\n"
               "      plugin: p\n");
    subject_deinit(&s);
}

static void what_is_not_the_default_stays(void)
{
    struct subject s;
    subject_init(&s);
    CHECK_TEXT(canonical_text(&s, "jobs:\n"
                                  "  - name: a\n"
                                  "    when: success() && x\n"
                                  "    matrix: {failFast: false, os: [a]}\n"
                                  "    runOnAgent: false\n"
                                  "    retry: {maxAttempts: 2, on: [lost]}\n"
                                  "    approval: {timeout: 0}\n"),
               "jobs:\n"
               "  - name: a\n"
               "    when: success() && x\n"
               "    matrix:\n"
               "      os: [a]\n"
               "      failFast: false\n"
               "    runOnAgent: false\n"
               "    retry:\n"
               "      maxAttempts: 2\n"
               "      on: [lost]\n"
               "    approval:\n"
               "      timeout: \"0\"\n");
    subject_deinit(&s);
}

static void a_gate_of_defaults_stays_a_gate(void)
{
    struct subject s;
    subject_init(&s);
    CHECK_TEXT(canonical_text(&s, "approval: {type: manual, required: true}\nnotify: {}\n"),
               "approval:\n  required: true\n  type: manual\n");
    subject_deinit(&s);
}

/* --- hard times --------------------------------------------------------------------------- */

static void converting_says_how_many_comments_are_lost(void)
{
    struct subject s;
    subject_init(&s);
    arc_slice text = ARC_LIT("# one\nnamespace: demo\njobs: # two\n"
                             "  - name: a\n    steps: [{name: x, run: 'a # b'}]\n");
    CHECK_OK(arc__convert_text(text, ARC_FORMAT_AUTO, ARC_LIT("f"), NULL, ARC_FORMAT_JSON, &s.arena,
                               &s.diags, &s.out, &s.err));
    const struct arc_diag *diag = subject_find(&s, ARC_DIAG_COMMENTS_LOST);
    CHECK(diag != NULL && diag->mark.line == 1);
    if (diag != NULL)
        CHECK_TEXT(diag->message, "2 comments of the text are not in the new form.");
    CHECK(memmem(s.out.ptr, s.out.len, "\"run\": \"a # b\"", 14) != NULL);
    subject_deinit(&s);
}

static int format_once(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct arc_arena arena;
    struct arc_buf out;
    struct arc_diags diags;
    arc_err err = ARC_ERR_INIT;
    arc__arena_init(&arena, &mem, HELP_MAX);
    arc__buf_init(&out, &mem, HELP_MAX);
    arc_status status = arc__format_text(
        ARC_LIT(
            "# a\nversion: v1 # b\nnamespace: demo\nenv: &e {A: b}\nmeta: {x: *e, y: |\n  z\n}\n"),
        ARC_FORMAT_AUTO, ARC_NONE, NULL, &arena, &diags, &out, &err);
    CHECK(status == ARC_OK || status == ARC_ENOMEM || status == ARC_EINVAL);
    arc__buf_deinit(&out);
    arc__arena_deinit(&arena);
    return status != ARC_ENOMEM;
}

static void laying_out_survives_every_failing_allocation(void)
{
    test_torture(format_once, 0, 200);
    test_torture(format_once, 1, 200);
}

static const struct test tests[] = {
    {"made up definitions mean the same in both forms",
     made_up_definitions_mean_the_same_in_both_forms},
    {"every field is made up", every_field_is_made_up},
    {"every odd text comes back in every place", every_odd_text_comes_back_in_every_place},
    {"accepted definitions mean the same in both forms",
     accepted_definitions_mean_the_same_in_both_forms},
    {"every readable text keeps its meaning when laid out",
     every_readable_text_keeps_its_meaning_when_laid_out},
    {"comments stay with what they stand beside", comments_stay_with_what_they_stand_beside},
    {"heads of known definitions do not move", heads_of_known_definitions_do_not_move},
    {"what equals the default is left out", what_equals_the_default_is_left_out},
    {"what is not the default stays", what_is_not_the_default_stays},
    {"a gate of defaults stays a gate", a_gate_of_defaults_stays_a_gate},
    {"converting says how many comments are lost", converting_says_how_many_comments_are_lost},
    {"laying out survives every failing allocation", laying_out_survives_every_failing_allocation},
};

int main(int argc, char **argv)
{
    writing = argc == 2 && strcmp(argv[1], "--write") == 0;
    return writing ? test_main(1, argv, tests, ARC_COUNT_OF(tests))
                   : test_main(argc, argv, tests, ARC_COUNT_OF(tests));
}
