/* SPDX-License-Identifier: Apache-2.0 */
#include "face.h"

#define GOOD \
    "namespace: a.b\njobs:\n  - name: one\n    steps: [{name: s, uses: shell, args: {run: ls}}]\n"

static void a_good_definition_is_read_and_printed(void)
{
    arc_spec *spec = NULL;
    arc_diags *diags = NULL;
    arc_err err = ARC_ERR_INIT;
    char *json = NULL, *again = NULL;
    CHECK_OK(arc_spec_parse(GOOD, strlen(GOOD), ARC_FORMAT_ANY, "a.yaml", &spec, &diags, &err));
    CHECK_INT(arc_spec_get_job_count(spec), 1);
    CHECK_INT(arc_diags_get_count(diags), 0);
    CHECK_OK(arc_spec_copy_json(spec, &json, &err));
    (void)arc_spec_unref(spec);
    spec = NULL;
    CHECK_OK(arc_spec_parse(json, strlen(json), ARC_FORMAT_IS_JSON, NULL, &spec, NULL, &err));
    CHECK_OK(arc_spec_copy_json(spec, &again, &err));
    CHECK_TEXT(arc__slice_cstr(again), json);
    arc_text_free(json);
    arc_text_free(again);
    arc_diags_free(diags);
    (void)arc_spec_unref(spec);
}

static void a_bad_definition_names_the_place_and_the_fix(void)
{
    static const char text[] = "namespace: a\njobs:\n  - name: one\n    stepz: []\n";
    arc_spec *spec = NULL;
    arc_diags *diags = NULL;
    arc_err err = ARC_ERR_INIT;
    char *shown = NULL;
    arc_diag_view view = ARC_DIAG_VIEW_INIT;
    CHECK_STATUS(arc_spec_parse(text, strlen(text), ARC_FORMAT_ANY, "b.yaml", &spec, &diags, &err),
                 ARC_EINVAL);
    CHECK(spec == NULL);
    CHECK(arc_diags_get_count(diags) >= 1);
    int found = 0;
    for (uint32_t i = 0; arc_diags_get(diags, i, &view) == ARC_OK; i++)
        found |= view.line == 4 && strstr(view.message, "stepz") != NULL;
    CHECK(found);
    CHECK_OK(arc_diags_copy_text(diags, ARC_DIAGS_EXCERPT, &shown, &err));
    CHECK(shown != NULL && strstr(shown, "b.yaml:4:") != NULL && strstr(shown, "^") != NULL);
    CHECK(shown != NULL && strstr(shown, "steps") != NULL);
    arc_text_free(shown);
    CHECK_STATUS(arc_diags_get(diags, 1000, &view), ARC_ENOTFOUND);
    arc_diags_free(diags);
}

static void nothing_and_rubbish_are_refused(void)
{
    static const char *const rows[] = {"", "   ", "[", "{", "\xff\xfe", "a: b: c", "- 1\n- 2\n"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        arc_spec *spec = NULL;
        arc_err err = ARC_ERR_INIT;
        CHECK_STATUS(
            arc_spec_parse(rows[i], strlen(rows[i]), ARC_FORMAT_ANY, NULL, &spec, NULL, &err),
            ARC_EINVAL);
        CHECK(spec == NULL && err.message[0] != '\0');
    }
}

static void a_spec_lives_as_long_as_its_last_holder(void)
{
    arc_spec *spec = parse(GOOD);
    arc_spec *second = arc_spec_ref(spec);
    CHECK(arc_spec_unref(spec) == NULL);
    CHECK_INT(arc_spec_get_job_count(second), 1);
    CHECK(arc_spec_unref(second) == NULL);
    CHECK(arc_spec_unref(NULL) == NULL);
}

/* --- texts ---------------------------------------------------------------------------- */

static void both_canonical_texts_give_the_same_definition(void)
{
    arc_spec *spec = parse(GOOD), *from_yaml = NULL;
    arc_err err = ARC_ERR_INIT;
    char *yaml = NULL, *json = NULL, *again = NULL;
    CHECK_OK(arc_spec_copy_text(spec, ARC_FORM_YAML, &yaml, &err));
    CHECK_TEXT(arc__slice_cstr(yaml), "namespace: a.b\njobs:\n  - name: one\n    steps:\n"
                                      "      - name: s\n        uses: shell\n        args:\n"
                                      "          run: ls\n");
    CHECK_OK(arc_spec_parse(yaml, strlen(yaml), ARC_FORMAT_IS_YAML, NULL, &from_yaml, NULL, &err));
    CHECK_OK(arc_spec_copy_text(spec, ARC_FORM_JSON, &json, &err));
    CHECK_OK(arc_spec_copy_text(from_yaml, ARC_FORM_JSON, &again, &err));
    CHECK_TEXT(arc__slice_cstr(again), json);
    CHECK_STATUS(arc_spec_copy_text(spec, 3, &yaml, &err), ARC_EINVAL);
    CHECK_STATUS(arc_spec_copy_text(NULL, ARC_FORM_JSON, &yaml, &err), ARC_EINVAL);
    arc_text_free(yaml);
    arc_text_free(json);
    arc_text_free(again);
    (void)arc_spec_unref(spec);
    (void)arc_spec_unref(from_yaml);
}

static void a_text_is_laid_out_with_its_comments(void)
{
    static const char text[] = "jobs: # all\n- {needs: [b], name: a}\nnamespace: x\nstepz: 1\n";
    arc_diags *diags = NULL;
    arc_err err = ARC_ERR_INIT;
    char *out = NULL;
    CHECK_OK(arc_spec_format(text, strlen(text), NULL, &out, &diags, &err));
    CHECK_INT(arc_diags_get_count(diags), 0);
    CHECK_TEXT(arc__slice_cstr(out),
               "namespace: x\njobs: # all\n  - {name: a, dependsOn: [b]}\nstepz: 1\n");
    arc_text_free(out);
    arc_diags_free(diags);
}

static void a_text_that_cannot_be_laid_out_says_why(void)
{
    static const char text[] = "a: &x 1\nnamespace: *x\n&k b: 2\n";
    arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
    arc_diag_view view = ARC_DIAG_VIEW_INIT;
    arc_diags *diags = NULL;
    arc_err err = ARC_ERR_INIT;
    char *out = NULL;
    options.file = "k.yaml";
    CHECK_STATUS(arc_spec_format(text, strlen(text), &options, &out, &diags, &err), ARC_EINVAL);
    CHECK(out == NULL);
    CHECK_OK(arc_diags_get(diags, 0, &view));
    CHECK_TEXT(arc__slice_cstr(view.code), "ARC0751");
    CHECK_TEXT(arc__slice_cstr(view.file), "k.yaml");
    CHECK_INT(view.line, 3);
    arc_diags_free(diags);
    CHECK_STATUS(arc_spec_format("{", 1, NULL, &out, NULL, &err), ARC_EINVAL);
    CHECK_STATUS(arc_spec_format(NULL, 1, NULL, &out, NULL, &err), ARC_EINVAL);
    options.document_bytes = 8;
    CHECK_STATUS(arc_spec_format(text, strlen(text), &options, &out, NULL, &err), ARC_EINVAL);
    CHECK(out == NULL);
}

static void converting_checks_and_warns_of_lost_comments(void)
{
    static const char text[] = "# why\n" GOOD;
    arc_diag_view view = ARC_DIAG_VIEW_INIT;
    arc_diags *diags = NULL;
    arc_err err = ARC_ERR_INIT;
    char *out = NULL;
    CHECK_OK(arc_spec_convert(text, strlen(text), NULL, ARC_FORM_JSON, &out, &diags, &err));
    CHECK(out != NULL && strstr(out, "\"namespace\": \"a.b\"") != NULL);
    CHECK_OK(arc_diags_get(diags, 0, &view));
    CHECK_TEXT(arc__slice_cstr(view.code), "ARC0750");
    CHECK_INT(view.severity, ARC_DIAG_WARNING);
    arc_text_free(out);
    arc_diags_free(diags);
    out = NULL;
    CHECK_STATUS(arc_spec_convert("a: b", 4, NULL, ARC_FORM_YAML, &out, NULL, &err), ARC_EINVAL);
    CHECK_STATUS(arc_spec_convert(text, strlen(text), NULL, 0, &out, NULL, &err), ARC_EINVAL);
    CHECK(out == NULL);
}

static void the_schema_names_every_object(void)
{
    arc_err err = ARC_ERR_INIT;
    char *out = NULL;
    CHECK_OK(arc_schema_copy_json(&out, &err));
    CHECK(out != NULL && strstr(out, "2020-12") != NULL && strstr(out, "\"Job\": {") != NULL);
    arc_text_free(out);
    CHECK_STATUS(arc_schema_copy_json(NULL, &err), ARC_EINVAL);
}

static const struct test tests[] = {
    {"both canonical texts give the same definition",
     both_canonical_texts_give_the_same_definition},
    {"a text is laid out with its comments", a_text_is_laid_out_with_its_comments},
    {"a text that cannot be laid out says why", a_text_that_cannot_be_laid_out_says_why},
    {"converting checks, and warns of lost comments", converting_checks_and_warns_of_lost_comments},
    {"the schema names every object", the_schema_names_every_object},
    {"a good definition is read and printed", a_good_definition_is_read_and_printed},
    {"a bad definition names the place and the fix", a_bad_definition_names_the_place_and_the_fix},
    {"nothing and rubbish are refused", nothing_and_rubbish_are_refused},
    {"a spec lives as long as its last holder", a_spec_lives_as_long_as_its_last_holder},
};
TEST_MAIN(tests)
