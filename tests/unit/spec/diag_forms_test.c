/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#define TWICE "namespace: demo\nnamespace: demo\njobs: [{name: a, steps: [{name: b, run: c}]}]\n"

static const struct arc_diags *read_as(struct subject *s, const char *name, const char *text)
{
    s->spec = NULL;
    (void)arc__spec_read(arc__slice_cstr(text), ARC_FORMAT_AUTO, arc__slice_cstr(name), NULL,
                         &s->arena, &s->diags, &s->spec, &s->err);
    arc__buf_clear(&s->out);
    return &s->diags;
}

static int holds(const struct subject *s, const char *part)
{
    arc_slice text = arc__buf_slice(&s->out);
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static void findings_print_as_annotations(void)
{
    struct subject s;
    subject_init(&s);
    const struct arc_diags *diags = read_as(&s, "ci/a,b:100%.yaml", TWICE);
    arc__diag_to_github(diags, diags->first, &s.out);
    CHECK_TEXT(arc__buf_slice(&s.out),
               "::error file=ci/a%2Cb%3A100%25.yaml,line=2,endLine=2,col=1,endColumn=10,"
               "title=ARC0014::The key `namespace` is given twice. (remove one of them)\n");
    subject_deinit(&s);
}

/* What a definition says cannot end the command and begin another. */
static void an_annotation_is_one_line_whatever_the_text_holds(void)
{
    struct subject s;
    subject_init(&s);
    const struct arc_diags *diags =
        read_as(&s, "x", "namespace: demo\n\"a\\n::error::b\": 1\njobs: []\n");
    for (const struct arc_diag *d = diags->first; d != NULL; d = d->next) {
        arc__buf_clear(&s.out);
        arc__diag_to_github(diags, d, &s.out);
        arc_slice text = arc__buf_slice(&s.out);
        CHECK(text.len > 0 && memchr(text.ptr, '\n', text.len) == text.ptr + text.len - 1);
    }
    subject_deinit(&s);
}

static void findings_of_several_files_are_one_sarif_log(void)
{
    struct subject a, b;
    subject_init(&a);
    subject_init(&b);
    const struct arc_diags *list[] = {read_as(&a, "ci/my file.yaml", TWICE),
                                      read_as(&b, "b.yaml", TWICE)};
    arc__diags_to_sarif(list, 2, &a.out);
    CHECK(holds(&a, "\"version\":\"2.1.0\""));
    CHECK(holds(&a, "\"columnKind\":\"unicodeCodePoints\""));
    CHECK(holds(&a,
                "\"rules\":[{\"id\":\"ARC0014\",\"name\":\"DUPLICATE_KEY\",\"shortDescription\":"
                "{\"text\":\"The key … is given twice.\"}"));
    CHECK(holds(&a,
                "{\"ruleId\":\"ARC0014\",\"level\":\"error\",\"message\":{\"text\":\"The key "
                "`namespace` is given twice. (remove one of them)\"},\"locations\":[{"
                "\"physicalLocation\":{\"artifactLocation\":{\"uri\":\"ci/my%20file.yaml\"},"
                "\"region\":{\"startLine\":2,\"startColumn\":1,\"endLine\":2,\"endColumn\":10}"
                "}}],\"relatedLocations\":[{\"physicalLocation\":{\"artifactLocation\":{\"uri\":"
                "\"ci/my%20file.yaml\"},\"region\":{\"startLine\":1,"));
    CHECK(holds(&a, "\"uri\":\"b.yaml\""));
    arc__buf_clear(&a.out);
    arc__diags_list_to_json(list, 2, &a.out);
    CHECK(holds(&a, "\"file\":\"ci/my file.yaml\"") && holds(&a, "\"file\":\"b.yaml\""));
    subject_deinit(&a);
    subject_deinit(&b);
}

static void nothing_found_is_a_log_without_results(void)
{
    struct subject s;
    subject_init(&s);
    const struct arc_diags *diags =
        read_as(&s, "x", "namespace: demo\njobs: [{name: a, steps: [{name: b, run: c}]}]\n");
    arc__diags_to_sarif(&diags, 1, &s.out);
    CHECK(holds(&s, "\"rules\":[]") && holds(&s, "\"results\":[]"));
    subject_deinit(&s);
}

static void a_log_that_has_no_room_says_so(void)
{
    struct subject s;
    struct arc_buf small;
    subject_init(&s);
    const struct arc_diags *diags = read_as(&s, "x", TWICE);
    arc__buf_init(&small, &s.mem, 300);
    arc__diags_to_sarif(&diags, 1, &small);
    CHECK_INT(small.failed, ARC_ELIMIT);
    arc__buf_deinit(&small);
    subject_deinit(&s);
}

static const struct test tests[] = {
    {"findings print as annotations", findings_print_as_annotations},
    {"an annotation is one line whatever the text holds",
     an_annotation_is_one_line_whatever_the_text_holds},
    {"findings of several files are one SARIF log", findings_of_several_files_are_one_sarif_log},
    {"nothing found is a SARIF log without results", nothing_found_is_a_log_without_results},
    {"a SARIF log that has no room says so", a_log_that_has_no_room_says_so},
};

TEST_MAIN(tests)
