/* SPDX-License-Identifier: Apache-2.0 */
/* arc_spec_check as a host calls it: options, its resolver, what it hands out, many threads. */
#include "face.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>

#define OWN "jobs:\n  - name: own\n    steps: [{name: s, run: make}]\n"
#define DOCUMENT "namespace: demo\ninclude: [{template: go, version: v1, library: lib}]\n" OWN
#define TEMPLATE "jobs:\n  - name: go\n    steps: [{name: s, run: go test}]\n"

/* A shelf with one template, which counts what happens to its texts. */
struct shelf {
    const char *text; /* NULL: it is not found */
    const char *file;
    arc_status status;
    int asked, freed;
    char seen[128];
};

static void give_back(void *owner)
{
    struct shelf *shelf = owner;
    shelf->freed++;
}

static arc_status find(void *user, const arc_include_view *wanted, arc_include_text *out,
                       arc_err *err)
{
    struct shelf *shelf = user;
    shelf->asked++;
    (void)snprintf(shelf->seen, sizeof(shelf->seen), "%s|%s|%s|%s", wanted->template_name,
                   wanted->version, wanted->library, wanted->from_file);
    if (shelf->text == NULL) {
        (void)snprintf(err->message, sizeof(err->message), "The shelf is empty.");
        return shelf->status;
    }
    CHECK(out->size == sizeof(*out));
    out->text = shelf->text;
    out->len = strlen(shelf->text);
    out->file = shelf->file;
    out->owner = shelf;
    out->free_fn = give_back;
    return ARC_OK;
}

static arc_status check(const char *text, const arc_spec_options *options, arc_spec **spec,
                        arc_diags **diags, arc_err *err)
{
    *spec = NULL;
    *diags = NULL;
    *err = (arc_err)ARC_ERR_INIT;
    return arc_spec_check(text, strlen(text), options, spec, diags, err);
}

static void a_definition_is_given_merged(void)
{
    struct shelf shelf = {.text = TEMPLATE, .file = "go.yaml"};
    arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
    arc_spec *spec;
    arc_diags *diags;
    arc_err err;
    char *json = NULL;
    options.file = "ci.yaml";
    options.resolve = find;
    options.user = &shelf;
    CHECK_OK(check(DOCUMENT, &options, &spec, &diags, &err));
    CHECK_INT(arc_spec_get_job_count(spec), 2);
    CHECK_TEXT(arc__slice_cstr(shelf.seen), "go|v1|lib|ci.yaml");
    CHECK(shelf.asked == 1 && shelf.freed == 1);
    CHECK_OK(arc_spec_copy_json(spec, &json, &err));
    CHECK(json != NULL && strstr(json, "include") == NULL && strstr(json, "go test") != NULL);
    arc_diags_free(diags);
    (void)arc_spec_unref(spec);
    CHECK_OK(arc_spec_parse(json, strlen(json), ARC_FORMAT_ANY, NULL, &spec, NULL, &err));
    CHECK_INT(arc_spec_get_job_count(spec), 2);
    (void)arc_spec_unref(spec);
    arc_text_free(json);
}

static void a_finding_in_a_template_names_both_places(void)
{
    struct shelf shelf = {.text = "jobs:\n  - name: go\n    stepz: []\n", .file = "go.yaml"};
    arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
    arc_spec *spec;
    arc_diags *diags;
    arc_err err;
    arc_diag_view view = ARC_DIAG_VIEW_INIT;
    arc_related_view related = ARC_RELATED_VIEW_INIT;
    uint32_t at = 0;
    options.file = "ci.yaml";
    options.resolve = find;
    options.user = &shelf;
    CHECK_STATUS(check(DOCUMENT, &options, &spec, &diags, &err), ARC_EINVAL);
    CHECK(spec == NULL && shelf.freed == 1);
    while (arc_diags_get(diags, at, &view) == ARC_OK && strcmp(view.code, "ARC0101") != 0)
        at++;
    CHECK_TEXT(arc__slice_cstr(view.file), "go.yaml");
    CHECK_TEXT(arc__slice_cstr(view.source), "    stepz: []");
    CHECK_TEXT(arc__slice_cstr(view.path), "jobs[0].stepz");
    CHECK_INT(view.line, 3);
    CHECK_INT(view.related_count, 1);
    CHECK_OK(arc_diags_get_related(diags, at, 0, &related));
    CHECK_TEXT(arc__slice_cstr(related.file), "ci.yaml");
    CHECK_TEXT(arc__slice_cstr(related.message), "included here");
    CHECK_TEXT(arc__slice_cstr(related.source),
               "include: [{template: go, version: v1, library: lib}]");
    CHECK(related.line == 2 && related.column == 22 && related.end_column == 24);
    CHECK_STATUS(arc_diags_get_related(diags, at, 1, &related), ARC_ENOTFOUND);
    CHECK_STATUS(arc_diags_get_related(diags, 999, 0, &related), ARC_ENOTFOUND);
    CHECK_STATUS(arc_diags_get_related(NULL, 0, 0, &related), ARC_ENOTFOUND);
    arc_diags_free(diags);
}

static void a_template_that_is_not_found_is_a_finding(void)
{
    struct shelf shelf = {.status = ARC_ENOTFOUND};
    arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
    arc_spec *spec;
    arc_diags *diags;
    arc_err err;
    options.resolve = find;
    options.user = &shelf;
    CHECK_STATUS(check(DOCUMENT, &options, &spec, &diags, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.message),
               "The template `go` cannot be had: The shelf is empty.");
    CHECK(shelf.freed == 0 && arc_diags_get_count(diags) == 1);
    arc_diags_free(diags);
    shelf.status = ARC_ENOMEM;
    CHECK_STATUS(check(DOCUMENT, &options, &spec, &diags, &err), ARC_ENOMEM);
    CHECK(diags == NULL);
    options.resolve = NULL;
    CHECK_STATUS(check(DOCUMENT, &options, &spec, &diags, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.message), "Includes are not resolved here.");
    arc_diags_free(diags);
}

static void options_of_another_size_are_read(void)
{
    arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
    arc_spec *spec;
    arc_diags *diags;
    arc_err err;
    CHECK_OK(check("namespace: demo\n" OWN, NULL, &spec, &diags, &err));
    arc_diags_free(diags);
    (void)arc_spec_unref(spec);
    /* An older caller's ends before the limits. */
    options.size = offsetof(arc_spec_options, document_bytes);
    options.document_bytes = 1;
    CHECK_OK(check("namespace: demo\n" OWN, &options, &spec, &diags, &err));
    arc_diags_free(diags);
    (void)arc_spec_unref(spec);
    options.size = 0;
    CHECK_STATUS(check("namespace: demo\n" OWN, &options, &spec, &diags, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), "options");
    options = (arc_spec_options)ARC_SPEC_OPTIONS_INIT;
    options.flags = 64;
    CHECK_STATUS(check("namespace: demo\n" OWN, &options, &spec, &diags, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), "flags");
    options.flags = 0;
    options.format = 9;
    CHECK_STATUS(check("namespace: demo\n" OWN, &options, &spec, &diags, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), "format");
    options.format = ARC_FORMAT_IS_JSON;
    CHECK_STATUS(check("namespace: demo\n" OWN, &options, &spec, &diags, &err), ARC_EINVAL);
    arc_diags_free(diags);
}

/* Each limit, set so low that the document goes over it, and what is said then. */
static void every_limit_can_be_set(void)
{
    static const char plain[] = "namespace: demo\njobs:\n"
                                "  - name: a\n    steps: [{name: s, run: x}, {name: t, run: y}]\n"
                                "  - name: b\n    steps: [{name: s, run: x}]\n    stepz: 1\n"
                                "    stepy: 1\n";
    static const char included[] = "namespace: demo\ninclude: [{template: a}, {template: b}]\n" OWN;
    static const struct {
        const char *text, *code;
        size_t field;
        uint32_t value;
    } rows[] = {
#define AT(field) offsetof(arc_spec_options, field)
        {plain, "ARC0001", AT(document_bytes), 20},
        {plain, "ARC0009", AT(depth), 2},
        {plain, "ARC0010", AT(nodes), 5},
        {plain, "ARC0011", AT(string_bytes), 3},
        {plain, "ARC0108", AT(jobs), 1},
        {plain, "ARC0108", AT(steps_per_job), 1},
        {included, "ARC0704", AT(includes), 1},
        {included, "ARC0705", AT(include_bytes), 30},
        {included, "ARC0703", AT(include_depth), 1},
#undef AT
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct shelf shelf = {.text = "include: [{template: c}]\n"};
        arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
        arc_diag_view view = ARC_DIAG_VIEW_INIT;
        arc_spec *spec;
        arc_diags *diags;
        arc_err err;
        int found = 0;
        if (strcmp(rows[i].code, "ARC0703") != 0)
            shelf.text = "variables: {}\n# longer\n";
        options.resolve = find;
        options.user = &shelf;
        memcpy((char *)&options + rows[i].field, &rows[i].value, sizeof(rows[i].value));
        CHECK_STATUS(check(rows[i].text, &options, &spec, &diags, &err), ARC_EINVAL);
        for (uint32_t at = 0; arc_diags_get(diags, at, &view) == ARC_OK; at++)
            found |= strcmp(view.code, rows[i].code) == 0;
        if (!found)
            printf("# %s: %s\n", rows[i].code, err.message);
        CHECK(found);
        arc_diags_free(diags);
    }
    arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
    arc_spec *spec;
    arc_diags *diags;
    arc_err err;
    options.findings = 1;
    CHECK_STATUS(check(plain, &options, &spec, &diags, &err), ARC_EINVAL);
    CHECK_INT(arc_diags_get_count(diags), 1);
    arc_diags_free(diags);
}

static void flags_say_what_is_an_error(void)
{
    static const char outside[] = "namespace: demo\njobs:\n  - name: a\n"
                                  "    steps: [{name: s, run: 'echo ${{ trigger.ref }}'}]\n";
    arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
    arc_spec *spec;
    arc_diags *diags;
    arc_err err;
    CHECK_STATUS(check(outside, &options, &spec, &diags, &err), ARC_EINVAL);
    arc_diags_free(diags);
    options.flags = ARC_SPEC_SCRIPT_WARNINGS;
    CHECK_OK(check(outside, &options, &spec, &diags, &err));
    CHECK_INT(arc_diags_get_count(diags), 1);
    arc_diags_free(diags);
    (void)arc_spec_unref(spec);
}

/* --- memory of findings ------------------------------------------------------------------- */

static void a_line_of_a_megabyte_is_not_copied(void)
{
    static char text[700000];
    arc_spec *spec;
    arc_diags *diags;
    arc_err err;
    arc_diag_view view = ARC_DIAG_VIEW_INIT;
    size_t at = (size_t)snprintf(text, sizeof(text), "{\"namespace\": \"demo\", \"jobs\": [");
    for (int i = 0; i < 200; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "{\"nam\": %*d},", 2000, 1);
    (void)snprintf(text + at, sizeof(text) - at, "{}]}");
    CHECK_STATUS(check(text, NULL, &spec, &diags, &err), ARC_EINVAL);
    CHECK_INT(arc_diags_get_count(diags), 100);
    CHECK_OK(arc_diags_get(diags, 0, &view));
    CHECK_INT(strlen(view.source), 4096);
    CHECK_OK(arc_diags_get(diags, 99, &view));
    CHECK_TEXT(arc__slice_cstr(view.source), "");
    arc_diags_free(diags);
}

/* --- threads ------------------------------------------------------------------------------ */

struct shared {
    arc_spec *spec;
    const arc_diags *diags;
    uint32_t sum;
};

static void *read_both(void *user)
{
    struct shared *shared = user;
    for (int round = 0; round < 50; round++) {
        arc_spec *own = arc_spec_ref(shared->spec);
        arc_diag_view view = ARC_DIAG_VIEW_INIT;
        arc_related_view related = ARC_RELATED_VIEW_INIT;
        char *text = NULL;
        shared->sum += arc_spec_get_job_count(own);
        if (arc_spec_copy_json(own, &text, NULL) == ARC_OK)
            shared->sum += (uint32_t)strlen(text);
        arc_text_free(text);
        text = NULL;
        for (uint32_t i = 0; arc_diags_get(shared->diags, i, &view) == ARC_OK; i++) {
            shared->sum += (uint32_t)(strlen(view.message) + strlen(view.source));
            for (uint32_t k = 0; k < view.related_count; k++) {
                if (arc_diags_get_related(shared->diags, i, k, &related) == ARC_OK)
                    shared->sum += (uint32_t)strlen(related.message);
            }
        }
        if (arc_diags_copy_text(shared->diags, ARC_DIAGS_EXCERPT, &text, NULL) == ARC_OK)
            shared->sum += (uint32_t)strlen(text);
        arc_text_free(text);
        (void)arc_spec_unref(own);
    }
    return NULL;
}

#define THREADS 4

static void many_threads_read_one_definition(void)
{
    struct shelf shelf = {.text = "params: [{name: unused}]\n" TEMPLATE, .file = "go.yaml"};
    arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
    arc_spec *spec;
    arc_diags *diags;
    arc_err err;
    pthread_t threads[THREADS];
    struct shared shared[THREADS];
    int started = 0;
    options.resolve = find;
    options.user = &shelf;
    CHECK_OK(check(DOCUMENT, &options, &spec, &diags, &err));
    CHECK_INT(arc_diags_get_count(diags), 1);
    for (int i = 0; i < THREADS; i++) {
        shared[i] = (struct shared){spec, diags, 0};
        started += pthread_create(&threads[i], NULL, read_both, &shared[i]) == 0;
    }
    CHECK_INT(started, THREADS);
    for (int i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
    for (int i = 1; i < started; i++)
        CHECK_INT(shared[i].sum, shared[0].sum);
    CHECK(shared[0].sum > 0);
    arc_diags_free(diags);
    (void)arc_spec_unref(spec);
}

static const struct test tests[] = {
    {"a definition is given with its templates merged", a_definition_is_given_merged},
    {"a finding in a template names both places", a_finding_in_a_template_names_both_places},
    {"a template that is not found is a finding", a_template_that_is_not_found_is_a_finding},
    {"options of another size are read", options_of_another_size_are_read},
    {"every limit of a check can be set", every_limit_can_be_set},
    {"flags say what is an error", flags_say_what_is_an_error},
    {"a line of a megabyte is not copied", a_line_of_a_megabyte_is_not_copied},
    {"many threads read one definition and its findings", many_threads_read_one_definition},
};
TEST_MAIN(tests)
