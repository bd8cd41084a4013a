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

static const struct test tests[] = {
    {"a good definition is read and printed", a_good_definition_is_read_and_printed},
    {"a bad definition names the place and the fix", a_bad_definition_names_the_place_and_the_fix},
    {"nothing and rubbish are refused", nothing_and_rubbish_are_refused},
    {"a spec lives as long as its last holder", a_spec_lives_as_long_as_its_last_holder},
};
TEST_MAIN(tests)
