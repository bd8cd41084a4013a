/* SPDX-License-Identifier: Apache-2.0 */
/* What includes and their parameters do beyond what whole definitions show (tests/golden/spec/
 * include): limits, bombs, digests, what the resolver is told, and memory that runs out. */
#include <stdio.h>
#include <string.h>

#include "help.h"
#include "spec/diag.h"

#define OWN "jobs:\n  - name: own\n    steps: [{name: s, run: make}]\n"

/* A resolver of texts that are made: `make` writes the text of the template into out. */
struct maker {
    uint32_t asked;
    void (*make)(const struct arc_include_wanted *wanted, struct arc_buf *out);
    arc_status status;
    arc_slice file, message;
    char seen[256]; /* what was asked for last */
};

static arc_status resolve(void *user, const struct arc_include_wanted *wanted,
                          struct arc_arena *arena, struct arc_include_found *out, arc_err *err)
{
    struct maker *maker = user;
    struct arc_buf buf;
    maker->asked++;
    snprintf(maker->seen, sizeof(maker->seen), "%.*s|%.*s|%.*s|%.*s", ARC_ARG(wanted->template_),
             ARC_ARG(wanted->version), ARC_ARG(wanted->library), ARC_ARG(wanted->from_file));
    if (maker->status != ARC_OK)
        return arc__fail(err, maker->status, "template", "%.*s", ARC_ARG(maker->message));
    arc__buf_init(&buf, &arena->mem, HELP_MAX);
    maker->make(wanted, &buf);
    out->text = arc__arena_copy(arena, arc__buf_slice(&buf));
    out->file = maker->file;
    arc__buf_deinit(&buf);
    return arena->failed ? ARC_ENOMEM : ARC_OK;
}

static arc_status read_made(struct subject *s, const char *text, struct maker *maker,
                            const struct arc_spec_limits *limits)
{
    struct arc_read_options options = {.resolve = resolve, .user = maker};
    if (limits != NULL)
        options.limits = *limits;
    return subject_read_with(s, arc__slice_cstr(text), &options);
}

/* --- bombs -------------------------------------------------------------------------------- */

/* Ten includes of the next level each: 10^8 of them at the eighth. */
static void make_fan(const struct arc_include_wanted *wanted, struct arc_buf *out)
{
    unsigned level = (unsigned)(wanted->template_.ptr[0] - '0') + 1u;
    arc__buf_add_cstr(out, "include:\n");
    for (unsigned i = 0; i < 10; i++)
        arc__buf_printf(out, "  - template: %u%.*s%u\n", level,
                        ARC_ARG(arc__slice_from(wanted->template_, 1)), i);
}

static void a_fan_of_includes_ends_at_their_limits(void)
{
    static const char text[] = "namespace: a\ninclude: [{template: '0'}]\n" OWN;
    struct maker maker = {.make = make_fan};
    struct arc_spec_limits limits = {.include_depth = 16};
    struct subject s;
    subject_init(&s);
    CHECK_STATUS(read_made(&s, text, &maker, NULL), ARC_EINVAL);
    CHECK_INT(s.diags.errors, 1);
    CHECK(subject_find(&s, ARC_DIAG_INCLUDE_DEPTH) != NULL);
    CHECK_INT(maker.asked, 8);
    maker.asked = 0;
    CHECK_STATUS(read_made(&s, text, &maker, &limits), ARC_EINVAL);
    CHECK_INT(s.diags.errors, 1);
    maker.asked = 0;
    limits.include_depth = 4;
    limits.includes = 4;
    CHECK_STATUS(read_made(&s, text, &maker, &limits), ARC_EINVAL);
    CHECK_INT(maker.asked, 4);
    subject_deinit(&s);
}

/* Five levels of ten each, which is within the depth. */
static void make_flat_fan(const struct arc_include_wanted *wanted, struct arc_buf *out)
{
    if (wanted->template_.len < 6)
        make_fan(wanted, out);
    else
        arc__buf_add_cstr(out, "variables: {}\n");
}

static void a_flat_fan_of_includes_ends_at_their_number(void)
{
    struct maker maker = {.make = make_flat_fan};
    struct subject s;
    subject_init(&s);
    CHECK_STATUS(read_made(&s, "namespace: a\ninclude: [{template: '0'}]\n" OWN, &maker, NULL),
                 ARC_EINVAL);
    CHECK_INT(s.diags.errors, 1);
    CHECK(subject_find(&s, ARC_DIAG_INCLUDES) != NULL);
    CHECK_INT(maker.asked, 256);
    subject_deinit(&s);
}

static void make_plain(const struct arc_include_wanted *wanted, struct arc_buf *out)
{
    (void)wanted;
    arc__buf_add_cstr(out, "variables: {}\n");
}

static void as_many_includes_as_the_limit_are_fine(void)
{
    struct maker maker = {.make = make_plain};
    struct arc_spec_limits limits = {.includes = 3};
    struct subject s;
    subject_init(&s);
    CHECK_OK(read_made(&s,
                       "namespace: a\ninclude: [{template: a}, {template: a}, {template: a}]\n" OWN,
                       &maker, &limits));
    limits.includes = 2;
    CHECK_STATUS(
        read_made(&s, "namespace: a\ninclude: [{template: a}, {template: a}, {template: a}]\n" OWN,
                  &maker, &limits),
        ARC_EINVAL);
    CHECK_INT(s.diags.errors, 1);
    CHECK_INT(subject_find(&s, ARC_DIAG_INCLUDES)->mark.line, 2);
    subject_deinit(&s);
}

/* A name that is longer each time, so that no two texts are the same. */
static void make_deeper(const struct arc_include_wanted *wanted, struct arc_buf *out)
{
    if (wanted->template_.len < 3)
        arc__buf_printf(out, "include: [{template: %.*sx}]\n", ARC_ARG(wanted->template_));
    else
        arc__buf_add_cstr(out, "variables: {}\n");
}

static void includes_may_be_as_deep_as_the_limit(void)
{
    struct maker maker = {.make = make_deeper};
    struct arc_spec_limits limits = {.include_depth = 3};
    struct subject s;
    subject_init(&s);
    CHECK_OK(read_made(&s, "namespace: a\ninclude: [{template: x}]\n" OWN, &maker, &limits));
    limits.include_depth = 2;
    CHECK_STATUS(read_made(&s, "namespace: a\ninclude: [{template: x}]\n" OWN, &maker, &limits),
                 ARC_EINVAL);
    const struct arc_diag *diag = subject_find(&s, ARC_DIAG_INCLUDE_DEPTH);
    CHECK(diag != NULL && memmem(diag->message.ptr, diag->message.len, "`xx` → `xxx`", 14) != NULL);
    subject_deinit(&s);
}

static void make_kilobyte(const struct arc_include_wanted *wanted, struct arc_buf *out)
{
    (void)wanted;
    arc__buf_add_char(out, '#');
    while (out->len < 1000)
        arc__buf_add_char(out, 'x');
    arc__buf_add_cstr(out, "\nvariables: {}\n");
}

static void the_bytes_of_all_texts_have_one_limit(void)
{
    static const char text[] =
        "namespace: a\ninclude: [{template: a}, {template: b}, {template: c}]\n" OWN;
    struct maker maker = {.make = make_kilobyte};
    struct arc_spec_limits limits = {.include_bytes = 3 * 1015};
    struct subject s;
    subject_init(&s);
    CHECK_OK(read_made(&s, text, &maker, &limits));
    limits.include_bytes--;
    CHECK_STATUS(read_made(&s, text, &maker, &limits), ARC_EINVAL);
    CHECK_INT(s.diags.errors, 1);
    CHECK(subject_find(&s, ARC_DIAG_INCLUDE_BYTES) != NULL);
    limits = (struct arc_spec_limits){.document_bytes = 1014};
    CHECK_STATUS(read_made(&s, text, &maker, &limits), ARC_EINVAL);
    CHECK(subject_find(&s, ARC_DIAG_DOCUMENT_SIZE) != NULL);
    subject_deinit(&s);
}

/* 2,000 placeholders of 100,000 bytes: 200 MB of a document of 20 kB. */
static void make_blower(const struct arc_include_wanted *wanted, struct arc_buf *out)
{
    (void)wanted;
    arc__buf_add_cstr(out, "params: [{name: a}]\nmeta: {list: [x");
    for (int i = 0; i < 2000; i++)
        arc__buf_add_cstr(out, ", 'b ${{ params.a }}'");
    arc__buf_add_cstr(out, "]}\n");
}

static void what_parameters_blow_up_counts_too(void)
{
    struct maker maker = {.make = make_blower};
    struct arc_spec_limits limits = {.string_bytes = 1000};
    struct subject s;
    struct arc_buf text;
    subject_init(&s);
    arc__buf_init(&text, &s.mem, HELP_MAX);
    arc__buf_add_cstr(&text, "namespace: a\n" OWN "include: [{template: t, params: {a: '");
    for (int i = 0; i < 999; i++)
        arc__buf_add_char(&text, 'x');
    size_t fits = text.len;
    arc__buf_add_cstr(&text, "'}}]\n");
    CHECK_STATUS(read_made(&s, text.ptr, &maker, &limits), ARC_EINVAL);
    CHECK(subject_find(&s, ARC_DIAG_TEXT_SIZE) != NULL);
    arc__buf_truncate(&text, fits);
    for (int i = 0; i < 99000; i++)
        arc__buf_add_char(&text, 'x');
    arc__buf_add_cstr(&text, "'}}]\n");
    CHECK_STATUS(read_made(&s, text.ptr, &maker, NULL), ARC_EINVAL);
    CHECK(subject_find(&s, ARC_DIAG_INCLUDE_BYTES) != NULL);
    CHECK(s.arena.used_bytes < 64u * 1024 * 1024);
    arc__buf_deinit(&text);
    subject_deinit(&s);
}

static void the_values_of_all_texts_have_one_limit(void)
{
    static const char text[] =
        "namespace: a\ninclude: [{template: a}, {template: a}]\njobs: []\n#: a\n" OWN;
    struct arc_spec_limits limits = {.nodes = 8 + 2 * 8};
    struct subject s;
    subject_init(&s);
    (void)subject_read_bundle(&s, arc__slice_cstr(text), &limits);
    CHECK(subject_find(&s, ARC_DIAG_NODES) == NULL);
    CHECK(subject_find(&s, ARC_DIAG_DUPLICATE_JOB) != NULL);
    for (uint32_t nodes = 23; nodes >= 16; nodes--) {
        limits.nodes = nodes;
        CHECK_STATUS(subject_read_bundle(&s, arc__slice_cstr(text), &limits), ARC_EINVAL);
        const struct arc_diag *diag = subject_find(&s, ARC_DIAG_NODES);
        CHECK(diag != NULL && diag->mark.file == 2);
    }
    subject_deinit(&s);
}

static void the_jobs_of_all_texts_have_one_limit(void)
{
    struct arc_spec_limits limits = {.jobs = 2};
    struct subject s;
    subject_init(&s);
    CHECK_OK(subject_read_bundle(
        &s,
        ARC_LIT("namespace: a\ninclude: [{template: a}]\n" OWN
                "#: a\njobs:\n  - name: b\n    steps: [{name: s, run: make}]\n"),
        &limits));
    limits.jobs = 1;
    CHECK_STATUS(
        subject_read_bundle(&s,
                            ARC_LIT("namespace: a\ninclude: [{template: a}]\n" OWN
                                    "#: a\njobs:\n  - name: b\n    steps: [{name: s, run: x}]\n"),
                            &limits),
        ARC_EINVAL);
    CHECK(subject_find(&s, ARC_DIAG_TOO_MANY) != NULL);
    subject_deinit(&s);
}

/* --- the resolver ------------------------------------------------------------------------- */

static void the_resolver_is_told_everything(void)
{
    struct maker maker = {.make = make_deeper, .file = ARC_LIT("shelf/x.yaml")};
    struct subject s;
    subject_init(&s);
    CHECK_OK(read_made(&s,
                       "namespace: a\ninclude: [{template: xyz, version: v2, library: lib}]\n" OWN,
                       &maker, NULL));
    CHECK_TEXT(arc__slice_cstr(maker.seen), "xyz|v2|lib|input");
    CHECK_OK(read_made(&s, "namespace: a\ninclude: [{template: ab}]\n" OWN, &maker, NULL));
    CHECK_TEXT(arc__slice_cstr(maker.seen), "abx|||shelf/x.yaml");
    subject_deinit(&s);
}

static void what_the_resolver_says_is_made_fit_to_print(void)
{
    static const struct {
        const char *said, *want;
    } rows[] = {{"It is not there.", "The template `t` cannot be had: It is not there."},
                {"two\nlines\x1b[31m...", "The template `t` cannot be had: two lines [31m."},
                {"", "The template `t` cannot be had: not_found."},
                {"\xff\xfe", "The template `t` cannot be had: not_found."}};
    struct maker maker = {.status = ARC_ENOTFOUND};
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct subject s;
        subject_init(&s);
        maker.message = arc__slice_cstr(rows[i].said);
        CHECK_STATUS(read_made(&s, "namespace: a\ninclude: [{template: t}]\n" OWN, &maker, NULL),
                     ARC_EINVAL);
        const struct arc_diag *diag = subject_find(&s, ARC_DIAG_INCLUDE_FAILED);
        CHECK_TEXT(diag != NULL ? diag->message : ARC_NONE, rows[i].want);
        CHECK_TEXT(diag != NULL ? diag->path : ARC_NONE, "include[0].template");
        subject_deinit(&s);
    }
}

static void a_resolver_without_memory_ends_the_reading(void)
{
    struct maker maker = {.status = ARC_ENOMEM, .message = ARC_LIT("Memory is out.")};
    struct subject s;
    subject_init(&s);
    CHECK_STATUS(read_made(&s, "namespace: a\ninclude: [{template: t}]\n" OWN, &maker, NULL),
                 ARC_ENOMEM);
    subject_deinit(&s);
}

static void make_rubbish(const struct arc_include_wanted *wanted, struct arc_buf *out)
{
    static const char *const texts[] = {"\xff", "a\0b", "{", "- x", "", "x: [", "text"};
    size_t lengths[] = {1, 3, 1, 3, 0, 4, 4};
    size_t at = (size_t)(wanted->template_.ptr[0] - '0');
    arc__buf_add(out, texts[at], lengths[at]);
}

static void texts_that_are_no_templates_are_findings_of_their_own(void)
{
    struct maker maker = {.make = make_rubbish, .file = ARC_LIT("\xff\xff")};
    for (char name = '0'; name < '7'; name++) {
        char text[128];
        struct subject s;
        snprintf(text, sizeof(text), "namespace: a\ninclude: [{template: '%c'}]\n" OWN, name);
        subject_init(&s);
        CHECK_STATUS(read_made(&s, text, &maker, NULL), ARC_EINVAL);
        CHECK_INT(s.diags.errors, 1);
        CHECK_INT(s.diags.first->mark.file, 1);
        CHECK(s.diags.first->related != NULL && s.diags.first->related->mark.file == 0);
        CHECK_INT(arc__diags_name(&s.diags, 1).len, 1); /* the file's name was no text */
        subject_deinit(&s);
    }
}

/* --- cycles ------------------------------------------------------------------------------- */

static void make_same(const struct arc_include_wanted *wanted, struct arc_buf *out)
{
    (void)wanted;
    arc__buf_add_cstr(out, "namespace: a\ninclude: [{template: t}]\n" OWN);
}

static void a_definition_that_includes_itself_is_a_circle(void)
{
    struct maker maker = {.make = make_same};
    struct subject s;
    subject_init(&s);
    CHECK_STATUS(read_made(&s, "namespace: a\ninclude: [{template: t}]\n" OWN, &maker, NULL),
                 ARC_EINVAL);
    CHECK_INT(maker.asked, 1);
    const struct arc_diag *diag = subject_find(&s, ARC_DIAG_INCLUDE_CYCLE);
    CHECK_TEXT(diag != NULL ? diag->message : ARC_NONE,
               "The template `t` includes itself: `input` → `t`.");
    subject_deinit(&s);
}

static void one_template_in_two_places_is_no_circle(void)
{
    struct subject s;
    subject_init(&s);
    CHECK_OK(subject_read_bundle(
        &s,
        ARC_LIT("namespace: a\ninclude: [{template: x}, {template: y}, {template: base}]\n" OWN
                "#: x\ninclude: [{template: base}]\nvariables: {x: '1'}\n"
                "#: y\ninclude: [{template: base}]\nvariables: {x: '2'}\n"
                "#: base\nenv: {A: '${{ variables.x }}'}\n"),
        NULL));
    CHECK_INT(s.diags.count, 0);
    subject_deinit(&s);
}

/* --- what is kept of it ------------------------------------------------------------------- */

static void the_digest_of_each_text_is_kept(void)
{
    struct subject s;
    uint32_t count = 0;
    subject_init(&s);
    CHECK_OK(subject_read_bundle(&s,
                                 ARC_LIT("namespace: a\ninclude: [{template: x, version: v1, "
                                         "library: l}]\n" OWN "#: x\ninclude: [{template: y}]\n"
                                         "#: y\nvariables: {}\n"),
                                 NULL));
    const struct arc_plan_include *list = arc__spec_includes(s.spec, &count);
    CHECK_INT(count, 2);
    CHECK_TEXT(list[0].template_, "x");
    CHECK_TEXT(list[0].version, "v1");
    CHECK_TEXT(list[0].library, "l");
    CHECK_TEXT(list[1].template_, "y");
    /* sha256sum of "variables: {}\n" */
    CHECK_TEXT(list[1].digest, "4b7d84f96ec1a2ac25165c066c0d14dccd89f990085b8c1b370ba15dbe9ca0d1");
    const struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual")};
    CHECK_OK(subject_plan(&s, &inputs));
    CHECK_INT(s.plan->include_count, 2);
    CHECK(arc__slice_equal(s.plan->includes[1].digest, list[1].digest));
    CHECK_OK(subject_read(&s, ARC_LIT("namespace: a\n" OWN)));
    (void)arc__spec_includes(s.spec, &count);
    CHECK_INT(count, 0);
    subject_deinit(&s);
}

static void paths_speak_of_the_text_that_a_job_stands_in(void)
{
    struct subject s;
    subject_init(&s);
    (void)subject_read_bundle(
        &s,
        ARC_LIT("namespace: a\ninclude: [{template: x}, {template: x}]\n"
                "jobs:\n  - name: own\n    dependsOn: [none]\n    steps: [{name: s, ran: x}]\n"
                "#: x\njobs:\n  - {name: a, steps: [{name: s, run: x}]}\n"
                "  - {name: b, steps: [{name: s, rin: x}]}\n"),
        NULL);
    const struct arc_diag *diag = subject_find(&s, ARC_DIAG_UNKNOWN_JOB);
    CHECK_TEXT(diag != NULL ? diag->path : ARC_NONE, "jobs[0].dependsOn[0]");
    int seen = 0;
    for (diag = s.diags.first; diag != NULL; diag = diag->next) {
        if (diag->code != ARC_DIAG_UNKNOWN_KEY)
            continue;
        CHECK_TEXT(diag->path,
                   diag->mark.file == 0 ? "jobs[0].steps[0].ran" : "jobs[1].steps[0].rin");
        seen++;
    }
    CHECK_INT(seen, 3);
    subject_deinit(&s);
}

static void a_value_names_no_parameter_of_the_template(void)
{
    struct subject s;
    subject_init(&s);
    (void)subject_read_bundle(
        &s,
        ARC_LIT("namespace: a\ninclude: [{template: x, params: {a: '$', b: '{{ params.c }}'}}]\n"
                "#: x\nparams: [{name: a}, {name: b}, {name: c}]\njobs:\n  - name: j\n"
                "    steps: [{name: s, run: 'x ${{ params.a }}${{ params.b }}'}]\n"
                "  - name: k\n    steps: [{name: s, run: 'x ${{ params.c }}'}]\n"),
        NULL);
    /* What the two make together is an expression of the definition, which knows no `params`. */
    CHECK(subject_find(&s, ARC_DIAG_PLACEHOLDER) == NULL);
    CHECK(subject_find(&s, ARC_DIAG_UNKNOWN_NAME) != NULL);
    subject_deinit(&s);
}

/* --- memory ------------------------------------------------------------------------------- */

static int whole_life(struct test_mem *state)
{
    static const char *const bundles[] = {
        "namespace: a\ninclude: [{template: x, params: {n: '1', k: 2}}, {template: x}]\n"
        "variables: {v: a}\nenv: {A: '${{ v }}'}\n" OWN
        "#: x\nparams: [{name: n, default: z}, {name: k, type: number, default: 3}]\n"
        "include: [{template: y}]\nvariables: {v: b, w: c}\nenv: {B: '${{ w }}'}\n"
        "jobs:\n  - name: j-${{ params.n }}\n    retry: {maxAttempts: '${{ params.k }}'}\n"
        "    steps: [{name: s, run: 'x ${{ params.n }}'}]\n#: y\nenv: {C: c}\n",
        "namespace: a\ninclude: [{template: x, params: {m: '1', e: c}}]\n" OWN
        "#: x\nparams: [{name: n, required: true}, {name: e, type: enum, options: [a, b]}]\n"
        "jobs:\n  - name: j-${{ params.o }}\n    x: '${{ params.n == 1 }}'\n"
        "    steps: [{name: s, run: 'x ${{ params.e }}'}]\n"};
    int good = 1;
    for (size_t i = 0; i < ARC_COUNT_OF(bundles); i++) {
        struct subject s;
        subject_init(&s);
        s.mem = test_mem(state);
        arc__arena_init(&s.arena, &s.mem, HELP_MAX);
        arc_slice bundle = arc__slice_cstr(bundles[i]);
        struct arc_read_options options = {.resolve = bundle_resolve, .user = &bundle};
        arc_status status =
            subject_read_with(&s, arc__slice(bundle.ptr, bundle_cut(bundle)), &options);
        good &= status == (i == 0 ? ARC_OK : ARC_EINVAL);
        if (status != ARC_OK && status != ARC_EINVAL)
            CHECK_STATUS(status, ARC_ENOMEM);
        subject_deinit(&s);
    }
    return good;
}

static void includes_hold_when_memory_runs_out(void)
{
    test_torture(whole_life, 0, 5000);
    test_torture(whole_life, 1, 5000);
}

static const struct test tests[] = {
    {"a fan of includes ends at their limits", a_fan_of_includes_ends_at_their_limits},
    {"a flat fan of includes ends at their number", a_flat_fan_of_includes_ends_at_their_number},
    {"as many includes as the limit are fine", as_many_includes_as_the_limit_are_fine},
    {"includes may be as deep as the limit", includes_may_be_as_deep_as_the_limit},
    {"the bytes of all texts have one limit", the_bytes_of_all_texts_have_one_limit},
    {"what parameters blow up counts too", what_parameters_blow_up_counts_too},
    {"the values of all texts have one limit", the_values_of_all_texts_have_one_limit},
    {"the jobs of all texts have one limit", the_jobs_of_all_texts_have_one_limit},
    {"the resolver is told everything", the_resolver_is_told_everything},
    {"what the resolver says is made fit to print", what_the_resolver_says_is_made_fit_to_print},
    {"a resolver without memory ends the reading", a_resolver_without_memory_ends_the_reading},
    {"texts that are no templates are findings of their own",
     texts_that_are_no_templates_are_findings_of_their_own},
    {"a definition that includes itself is a circle",
     a_definition_that_includes_itself_is_a_circle},
    {"one template in two places is no circle", one_template_in_two_places_is_no_circle},
    {"the digest of each text is kept", the_digest_of_each_text_is_kept},
    {"paths speak of the text that a job stands in", paths_speak_of_the_text_that_a_job_stands_in},
    {"a value names no parameter of the template", a_value_names_no_parameter_of_the_template},
    {"includes hold when memory runs out", includes_hold_when_memory_runs_out},
};
TEST_MAIN(tests)
