/* SPDX-License-Identifier: Apache-2.0 */
/* Whole definitions and what is said of them, as files:
 *   tests/golden/spec/valid/CASE/input.{yaml,json} and plan.json
 *   tests/golden/spec/invalid/CASE/input.{yaml,json} and expect.txt
 *   tests/golden/spec/include/CASE/input.yaml and templates/, with expect.txt (what is said, also
 *       nothing) and merged.json (the canonical form, where there are no errors)
 * `golden_test --write` writes what is said now; look at the difference before committing it. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"
#include "spec/diag.h"

#define CASES_MAX 512
#define FILE_MAX ((size_t)1 << 22)

static int writing;

static const char *root(void)
{
    const char *top = getenv("top_srcdir");
    return top != NULL ? top : ".";
}

/* A file as text in s->arena; ARC_NONE: there is none. */
static arc_slice read_file(struct subject *s, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return ARC_NONE;
    char *bytes = arc__arena_alloc(&s->arena, FILE_MAX);
    size_t len = bytes != NULL ? fread(bytes, 1, FILE_MAX, file) : 0;
    fclose(file);
    /* A copy of its own size, so that a sanitizer sees what is read behind it. */
    arc_slice text = arc__arena_copy(&s->arena, arc__slice(bytes, len));
    return text.ptr != NULL ? text : arc__slice("", 0);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names of the cases of a group, sorted. */
static size_t list_cases(struct subject *s, const char *group, char **names)
{
    char path[1024];
    size_t count = 0;
    snprintf(path, sizeof(path), "%s/tests/golden/spec/%s", root(), group);
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    for (struct dirent *entry = readdir(folder); entry != NULL && count < CASES_MAX;
         entry = readdir(folder)) {
        if (entry->d_name[0] != '.')
            names[count++] = arc__arena_strdup(&s->arena, arc__slice_cstr(entry->d_name));
    }
    closedir(folder);
    qsort(names, count, sizeof(*names), by_name);
    return count;
}

static void compare(struct subject *s, const char *group, const char *name, const char *file,
                    arc_slice got)
{
    char path[1024], what[256];
    snprintf(path, sizeof(path), "%s/tests/golden/spec/%s/%s/%s", root(), group, name, file);
    if (writing) {
        FILE *out = fopen(path, "wb");
        CHECK(out != NULL && fwrite(got.ptr, 1, got.len, out) == got.len);
        if (out != NULL)
            fclose(out);
        return;
    }
    arc_slice want = read_file(s, path);
    snprintf(what, sizeof(what), "%s/%s", group, name);
    CHECK(want.ptr != NULL);
    if (!arc__slice_equal(got, want))
        printf("# %s: got\n%.*s# instead of\n%.*s", what, ARC_ARG(got), ARC_ARG(want));
    CU_assertImplementation(arc__slice_equal(got, want), __LINE__, what, __FILE__, "", CU_FALSE);
}

/* Templates are files of the case's own folder. */
struct library {
    struct subject *s;
    char folder[1024];
};

static arc_status find_template(void *user, const struct arc_include_wanted *wanted,
                                struct arc_arena *arena, struct arc_include_found *out,
                                arc_err *err)
{
    struct library *library = user;
    char path[2048];
    (void)arena;
    snprintf(path, sizeof(path), "%s/%.*s", library->folder, ARC_ARG(wanted->template_));
    out->text = read_file(library->s, path);
    out->file = wanted->template_;
    return out->text.ptr != NULL ? ARC_OK
                                 : arc__fail(err, ARC_ENOTFOUND, "template",
                                             "There is no file %.*s.", ARC_ARG(wanted->template_));
}

/* 1: the case has templates. */
static int open_library(struct library *library, const char *group, const char *name)
{
    snprintf(library->folder, sizeof(library->folder), "%s/tests/golden/spec/%s/%s/templates",
             root(), group, name);
    DIR *folder = opendir(library->folder);
    if (folder != NULL)
        closedir(folder);
    return folder != NULL;
}

static arc_status read_case(struct subject *s, const char *group, const char *name)
{
    char path[1024];
    arc_slice file = ARC_LIT("input.yaml");
    enum arc_format format = ARC_FORMAT_YAML;
    snprintf(path, sizeof(path), "%s/tests/golden/spec/%s/%s/input.yaml", root(), group, name);
    arc_slice text = read_file(s, path);
    if (text.ptr == NULL) {
        snprintf(path, sizeof(path), "%s/tests/golden/spec/%s/%s/input.json", root(), group, name);
        text = read_file(s, path);
        file = ARC_LIT("input.json");
        format = ARC_FORMAT_JSON;
    }
    CHECK(text.ptr != NULL);
    struct library library = {.s = s};
    struct arc_read_options options = {.user = &library};
    if (open_library(&library, group, name))
        options.resolve = find_template;
    s->status =
        arc__spec_read(text, format, file, &options, &s->arena, &s->diags, &s->spec, &s->err);
    return s->status;
}

static void valid_case(const char *name)
{
    const struct arc_kv variables[] = {{ARC_LIT("added"), ARC_LIT("by the trigger")},
                                       {ARC_LIT("target"), ARC_LIT("production")}};
    struct arc_plan_inputs inputs = {.variables = {variables, 2},
                                     .trigger_type = ARC_LIT("manual"),
                                     .actor = ARC_LIT("user_1"),
                                     .ref = ARC_LIT("refs/heads/main"),
                                     .branch = ARC_LIT("main"),
                                     .request_id = ARC_LIT("trigger-001")};
    struct subject s;
    subject_init(&s);
    if (!test_check_status(__FILE__, __LINE__, name, read_case(&s, "valid", name), ARC_OK)) {
        arc_slice said = subject_print(&s, 0);
        printf("# %s: %.*s", name, ARC_ARG(said));
    } else if (CHECK_OK(subject_plan(&s, &inputs))) {
        arc__buf_clear(&s.out);
        arc__plan_to_json(s.plan, &s.out);
        arc__buf_add_char(&s.out, '\n');
        compare(&s, "valid", name, "plan.json", arc__buf_slice(&s.out));
    }
    subject_deinit(&s);
}

static void every_valid_definition_gives_its_plan(void)
{
    char *names[CASES_MAX];
    struct subject s;
    subject_init(&s);
    size_t count = list_cases(&s, "valid", names);
    CHECK(count >= 20);
    for (size_t i = 0; i < count; i++)
        valid_case(names[i]);
    subject_deinit(&s);
}

static void note_codes(const struct subject *s, uint8_t *seen)
{
    for (const struct arc_diag *d = s->diags.first; d != NULL; d = d->next)
        seen[d->code] = 1;
}

static void invalid_case(const char *name, uint8_t *seen)
{
    const struct arc_plan_inputs nothing = {0};
    struct subject s;
    subject_init(&s);
    if (read_case(&s, "invalid", name) == ARC_OK)
        (void)subject_plan(&s, &nothing);
    if (s.diags.errors > 0)
        test_check_status(__FILE__, __LINE__, name, s.status, ARC_EINVAL);
    else
        CHECK(s.diags.warnings > 0);
    note_codes(&s, seen);
    compare(&s, "invalid", name, "expect.txt", subject_print(&s, 1));
    subject_deinit(&s);
}

static void include_case(const char *name, uint8_t *seen)
{
    struct subject s;
    subject_init(&s);
    if (read_case(&s, "include", name) == ARC_OK) {
        arc__buf_clear(&s.out);
        CHECK_OK(arc__spec_canonical(s.spec, &s.out, &s.err));
        arc__buf_add_char(&s.out, '\n');
        compare(&s, "include", name, "merged.json", arc__buf_slice(&s.out));
    } else {
        test_check_status(__FILE__, __LINE__, name, s.status, ARC_EINVAL);
    }
    note_codes(&s, seen);
    compare(&s, "include", name, "expect.txt", subject_print(&s, 1));
    subject_deinit(&s);
}

/* Codes that no small text can give: other tests make them. */
static int needs_more_than_a_file(uint32_t code)
{
    return code == ARC_DIAG_DOCUMENT_SIZE || code == ARC_DIAG_NODES || code == ARC_DIAG_TEXT_SIZE ||
           code == ARC_DIAG_TOO_MANY || code == ARC_DIAG_EXPRESSION_SIZE ||
           code == ARC_DIAG_EXPRESSION_BUDGET || code == ARC_DIAG_INCLUDES ||
           code == ARC_DIAG_INCLUDE_BYTES || code == ARC_DIAG_COMMENTS_LOST ||
           code == ARC_DIAG_NOT_LAID_OUT || code == ARC_DIAG_KEYS;
}

static void every_invalid_definition_gives_its_findings(void)
{
    char *names[CASES_MAX];
    static uint8_t seen[10000];
    struct subject s;
    size_t rows = 0;
    memset(seen, 0, sizeof(seen));
    subject_init(&s);
    size_t count = list_cases(&s, "invalid", names);
    CHECK(count >= 60);
    for (size_t i = 0; i < count; i++)
        invalid_case(names[i], seen);
    count = list_cases(&s, "include", names);
    CHECK(count >= 20);
    for (size_t i = 0; i < count; i++)
        include_case(names[i], seen);
    const struct arc_diag_row *row = arc__diag_rows(&rows);
    for (size_t i = 0; i < rows; i++)
        CU_assertImplementation(seen[row[i].code] || needs_more_than_a_file(row[i].code), __LINE__,
                                row[i].name, __FILE__, "", CU_FALSE);
    subject_deinit(&s);
}

static const struct test tests[] = {
    {"every valid definition gives its plan", every_valid_definition_gives_its_plan},
    {"every invalid definition gives its findings, of every code",
     every_invalid_definition_gives_its_findings},
};

int main(int argc, char **argv)
{
    writing = argc == 2 && strcmp(argv[1], "--write") == 0;
    return writing ? test_main(1, argv, tests, ARC_COUNT_OF(tests))
                   : test_main(argc, argv, tests, ARC_COUNT_OF(tests));
}
