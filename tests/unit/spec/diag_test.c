/* SPDX-License-Identifier: Apache-2.0 */
/* The table of findings, and how a finding is printed. */
#include "core/value.h"
#include "help.h"
#include "spec/diag.h"

static void codes_are_unique_ascending_and_complete(void)
{
    size_t count = 0;
    const struct arc_diag_row *rows = arc__diag_rows(&count);
    CHECK(count > 60);
    for (size_t i = 0; i < count; i++) {
        CHECK(i == 0 || rows[i].code > rows[i - 1].code);
        CHECK(rows[i].code < 10000);
        CHECK(arc__diag_row(rows[i].code) == &rows[i]);
        size_t len = strlen(rows[i].sentence), why = strlen(rows[i].why);
        CHECK(len > 0 && rows[i].sentence[len - 1] == '.');
        CHECK(why > 0 && rows[i].why[why - 1] == '.');
    }
    CHECK(arc__diag_row(9999) == NULL);
}

static void the_example_of_each_code_gives_it(void)
{
    size_t count = 0;
    const struct arc_diag_row *rows = arc__diag_rows(&count);
    const struct arc_plan_inputs nothing = {0};
    for (size_t i = 0; i < count; i++) {
        struct subject s;
        if (rows[i].example[0] == '\0')
            continue;
        subject_init(&s);
        /* What the inputs show is said by the plan. */
        if (subject_read_bundle(&s, arc__slice_cstr(rows[i].example), NULL) == ARC_OK)
            (void)subject_plan(&s, &nothing);
        const struct arc_diag *diag = subject_find(&s, rows[i].code);
        CU_assertImplementation(diag != NULL, __LINE__, rows[i].name, __FILE__, "", CU_FALSE);
        CHECK(diag == NULL || diag->severity == rows[i].severity);
        CHECK(diag == NULL || diag->mark.line > 0);
        /* The example shows this finding and no other error. */
        for (const struct arc_diag *d = s.diags.first; d != NULL; d = d->next)
            CU_assertImplementation(d->code == rows[i].code || d->severity == ARC_SEVERITY_WARNING,
                                    __LINE__, rows[i].name, __FILE__, "", CU_FALSE);
        subject_deinit(&s);
    }
}

static void add_jobs(struct arc_buf *text, int jobs, int steps)
{
    arc__buf_add_cstr(text, "namespace: demo\njobs:\n");
    for (int i = 0; i < jobs; i++) {
        arc__buf_printf(text, "- name: j%d\n  steps:\n", i);
        for (int k = 0; k < steps; k++)
            arc__buf_printf(text, "  - {name: s%d, run: x}\n", k);
    }
}

static void check_code(struct arc_buf *text, const struct arc_spec_limits *limits, uint32_t code)
{
    struct subject s;
    subject_init(&s);
    CHECK_STATUS(subject_read_limited(&s, arc__buf_slice(text), limits), ARC_EINVAL);
    CHECK(subject_find(&s, code) != NULL);
    CHECK_INT(s.diags.errors, 1);
    subject_deinit(&s);
}

static void the_codes_of_limits_are_given_at_their_bounds(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf text;
    struct subject s;
    struct arc_spec_limits limits = {.jobs = 3, .steps_per_job = 2};
    arc__buf_init(&text, &mem, 1 << 24);
    subject_init(&s);
    add_jobs(&text, 3, 2);
    CHECK_OK(subject_read_limited(&s, arc__buf_slice(&text), &limits));
    arc__buf_clear(&text);
    add_jobs(&text, 4, 2);
    check_code(&text, &limits, ARC_DIAG_TOO_MANY);
    arc__buf_clear(&text);
    add_jobs(&text, 1, 3);
    check_code(&text, &limits, ARC_DIAG_TOO_MANY);
    arc__buf_clear(&text);
    add_jobs(&text, 4097, 1);
    check_code(&text, NULL, ARC_DIAG_TOO_MANY);
    arc__buf_clear(&text);
    add_jobs(&text, 1, 1025);
    check_code(&text, NULL, ARC_DIAG_TOO_MANY);
    arc__buf_clear(&text);
    add_jobs(&text, 1, 1);
    arc__buf_add_cstr(&text, "env: {A: '${{ x");
    for (int i = 0; i < 8192; i++)
        arc__buf_add_char(&text, 'x');
    arc__buf_add_cstr(&text, " }}'}\n");
    check_code(&text, NULL, ARC_DIAG_EXPRESSION_SIZE);
    arc__buf_clear(&text);
    add_jobs(&text, 1, 1);
    arc__buf_add_cstr(&text, "description: ");
    for (int i = 0; i < 262145; i++)
        arc__buf_add_char(&text, 'x');
    check_code(&text, NULL, ARC_DIAG_TEXT_SIZE);
    for (int i = 0; i < 1048576; i++)
        arc__buf_add_char(&text, '\n');
    check_code(&text, NULL, ARC_DIAG_DOCUMENT_SIZE);
    subject_deinit(&s);
    arc__buf_deinit(&text);
}

static void findings_come_in_order_and_are_counted_beyond_the_limit(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf text;
    struct subject s;
    struct arc_spec_limits limits = {.diags = 10};
    arc__buf_init(&text, &mem, 1 << 20);
    arc__buf_add_cstr(&text, "namespace: demo\nenv: {API_TOKEN: s3cr3t-value}\njobs:\n");
    for (int i = 0; i < 50; i++)
        arc__buf_printf(&text, "- {name: 'a b', zz: %d, steps: [{name: x, run: y}]}\n", i);
    subject_init(&s);
    CHECK_STATUS(subject_read_limited(&s, arc__buf_slice(&text), &limits), ARC_EINVAL);
    CHECK_INT(s.diags.count, 10);
    CHECK_INT(s.diags.errors, 50 + 50 + 49);
    CHECK_INT(s.diags.warnings, 1);
    uint32_t offset = 0, count = 0;
    for (const struct arc_diag *d = s.diags.first; d != NULL; d = d->next, count++) {
        CHECK(d->mark.offset >= offset);
        offset = d->mark.offset;
    }
    CHECK_INT(count, 10);
    subject_deinit(&s);
    arc__buf_deinit(&text);
}

static void the_error_is_the_first_finding(void)
{
    struct subject s;
    subject_init(&s);
    CHECK_STATUS(subject_read(&s, ARC_LIT("namespace: demo\nvariables: {a: b}\njobs:\n"
                                          "  - name: x\n    steps: [{name: y}]\n")),
                 ARC_EINVAL);
    CHECK_INT(s.err.status, ARC_EINVAL);
    CHECK_INT(s.err.line, 5);
    CHECK_TEXT(arc__slice_cstr(s.err.subject), "jobs[0].steps[0]");
    CHECK_TEXT(arc__slice_cstr(s.err.message), "The step says neither `run` nor `uses`.");
    subject_deinit(&s);
}

static void paths_name_the_way_from_the_top(void)
{
    struct subject s;
    subject_init(&s);
    (void)subject_read(
        &s, ARC_LIT("namespace: demo\nstages:\n  - name: x\n    jobs:\n      - name: y\n"
                    "        steps:\n          - {name: a, run: b}\n"
                    "          - {name: c, uses: d, args: {p: [1, {\"q.r\\n\": '${{ z }}'}]}}\n"));
    CHECK(s.diags.first != NULL);
    if (s.diags.first != NULL)
        CHECK_TEXT(s.diags.first->path, "stages[0].jobs[0].steps[1].args.p[1][\"q.r\\n\"]");
    subject_deinit(&s);
}

static void text_from_outside_cannot_disguise_a_message(void)
{
    struct subject s;
    subject_init(&s);
    (void)subject_read(&s,
                       ARC_LIT("\"a\\n\\e[31m\xe2\x80\xae\xd7\x90\\u2066b\": 1\nnamespace: demo\n"
                               "jobs: [{name: a, steps: [{name: b, run: c}]}]\n"));
    CHECK(s.diags.first != NULL);
    if (s.diags.first != NULL)
        CHECK_TEXT(s.diags.first->message,
                   "A pipeline has no key `a\\n\\x1b[31m\\u202e\xd7\x90\\u2066b`.");
    arc_slice shown = subject_print(&s, 1);
    CHECK(memchr(shown.ptr, 0x1b, shown.len) == NULL);
    CHECK(memmem(shown.ptr, shown.len, "\xe2\x80\xae", 3) == NULL);
    subject_deinit(&s);
}

static void long_text_is_cut_between_characters(void)
{
    struct subject s;
    char text[1024] = "{\"";
    subject_init(&s);
    for (int i = 0; i < 100; i++)
        memcpy(text + 2 + i * 3, "日", 3);
    memcpy(text + 302, "\": 1}", 6);
    (void)subject_read(&s, arc__slice_cstr(text));
    arc_slice shown = subject_print(&s, 1);
    CHECK(memmem(shown.ptr, shown.len, "日…`", 7) != NULL);
    subject_deinit(&s);
}

static void check_print(const char *text, int colour, const char *want)
{
    struct subject s;
    subject_init(&s);
    (void)subject_read(&s, arc__slice_cstr(text));
    arc__buf_clear(&s.out);
    for (const struct arc_diag *d = s.diags.first; d != NULL; d = d->next)
        arc__diag_print(&s.diags, d, 1, colour, &s.out);
    CHECK_TEXT(arc__buf_slice(&s.out), want);
    subject_deinit(&s);
}

#define GOOD_JOBS "\njobs: [{name: a, steps: [{name: b, run: c}]}]\n"

static void the_caret_stands_below_the_place(void)
{
    check_print("namespace: demo\nzz: 1" GOOD_JOBS, 0,
                "input:2:1: error ARC0101: A pipeline has no key `zz`. (keys of your own start "
                "with `x-`)\n     2 | zz: 1\n       | ^^\n");
    /* Wide characters take two columns, marks that combine none. */
    check_print("namespace: demo\nx-a: {\"日e\xcc\x81\": 1e999}" GOOD_JOBS, 0,
                "input:2:14: error ARC0012: The number `1e999` cannot be held exactly. (put "
                "quotes around it if it is meant as text)\n     2 | x-a: {\"日e\xcc\x81\": 1e999}\n"
                "       |              ^^^^^\n");
    check_print(
        "{\t\"namespace\": \"demo\",\t\"zz\": 1, \"jobs\": [{\"name\": \"a\", \"steps\": "
        "[{\"name\": \"b\", \"run\": \"c\"}]}]}",
        0,
        "input:1:24: error ARC0101: A pipeline has no key `zz`. (keys of your own start "
        "with `x-`)\n     1 | {   \"namespace\": \"demo\",    \"zz\": 1, \"jobs\": [{\"name\": "
        "\"a\", \"steps\": [{\"name\": \"b\", \"run\": \"c\"}]}]}\n"
        "       |                             ^^^^\n");
}

static void colours_are_for_those_who_ask(void)
{
    check_print("namespace: demo\nzz: 1" GOOD_JOBS, 1,
                "input:2:1: \033[1;31merror ARC0101\033[0m: A pipeline has no key `zz`. (keys of "
                "your own start with `x-`)\n     2 | zz: 1\n       | \033[1;31m^^\033[0m\n");
}

static void findings_print_as_json(void)
{
    struct subject s;
    subject_init(&s);
    (void)subject_read(&s, ARC_LIT("namespace: demo\nnamespace: \"demo\"\njobs: [{name: a, when: "
                                   "false, steps: [{name: b, run: c}]}]\n"));
    arc__buf_clear(&s.out);
    arc__diags_to_json(&s.diags, &s.out);
    CHECK_TEXT(
        arc__buf_slice(&s.out),
        "[{\"code\":\"ARC0014\",\"severity\":\"error\",\"message\":\"The key `namespace` is given "
        "twice.\",\"path\":\"\",\"file\":\"input\",\"line\":2,\"column\":1,\"endLine\":2,"
        "\"endColumn\":10,\"source\":\"namespace: \\\"demo\\\"\",\"hint\":\"remove one of "
        "them\",\"related\":[{\"message\":\"the first "
        "one is here\",\"line\":1,\"column\":1,\"endLine\":1,\"endColumn\":10}]},"
        "{\"code\":\"ARC0411\",\"severity\":\"warning\",\"message\":\"The job never runs: its "
        "condition is false.\",\"path\":\"jobs[0].when\",\"file\":\"input\",\"line\":3,"
        "\"column\":24,\"endLine\":3,\"endColumn\":29,\"source\":\"jobs: [{name: a, when: false, "
        "steps: [{name: b, run: c}]}]\",\"hint\":\"remove it, or the condition\"}]");
    subject_deinit(&s);
}

/* The JSON of findings shows `want` bytes of the source line that `x` stands in. */
static void check_source(size_t before, size_t after, size_t want)
{
    struct subject s;
    struct arc_value list;
    size_t len = 0;
    subject_init(&s);
    size_t room = before + after + 200;
    char *text = arc__arena_alloc(&s.arena, room);
    if (!CHECK_INT(text != NULL, 1))
        return;
    len += (size_t)snprintf(text, room, "namespace: demo" GOOD_JOBS "zz: '");
    memset(text + len, 'x', before + after);
    text[len + before + after] = '\'';
    struct arc_mark mark = {.offset = (uint32_t)(len + before)};
    (void)subject_read(&s, arc__slice(text, len + before + after + 1));
    CHECK_INT(arc__diag_line(&s.diags, &mark).len, want);
    arc__buf_clear(&s.out);
    arc__diags_to_json(&s.diags, &s.out);
    CHECK_OK(arc__value_from_json(arc__buf_slice(&s.out), 8, &s.arena, &list, &s.err));
    subject_deinit(&s);
}

static void a_source_line_has_a_bound(void)
{
    const size_t most = ARC_DIAG_LINE_BYTES_MAX, own = strlen("zz: ''");
    check_source(0, most - own, most);
    check_source(0, most - own + 1, most);
    check_source(most - own, 10, most);
    check_source(most, 10, 0);
}

/* An empty text may have no address, and a finding of no known text has no text. */
static void a_finding_in_an_empty_text_has_an_empty_line(void)
{
    static const arc_slice texts[] = {{NULL, 0}, {"", 0}};
    for (size_t i = 0; i < ARC_COUNT_OF(texts); i++) {
        struct subject s;
        struct arc_mark mark = {0};
        subject_init(&s);
        CHECK_STATUS(subject_read(&s, texts[i]), ARC_EINVAL);
        CHECK(s.diags.first != NULL);
        CHECK(arc__diags_init(&s.diags, &s.arena, ARC_LIT("input"), texts[i]));
        for (mark.file = 0; mark.file < 2; mark.file++) {
            arc_slice line = arc__diag_line(&s.diags, &mark);
            CHECK(line.ptr != NULL);
            CHECK_INT(line.len, 0);
        }
        subject_deinit(&s);
    }
}

static const struct test tests[] = {
    {"codes are unique, ascending and complete", codes_are_unique_ascending_and_complete},
    {"the example of each code gives it and no other error", the_example_of_each_code_gives_it},
    {"the codes of limits are given at their bounds",
     the_codes_of_limits_are_given_at_their_bounds},
    {"the source line of a finding has a bound", a_source_line_has_a_bound},
    {"a finding in an empty text has an empty line", a_finding_in_an_empty_text_has_an_empty_line},
    {"findings come in order and are counted beyond the limit",
     findings_come_in_order_and_are_counted_beyond_the_limit},
    {"the error of a refused definition is its first finding", the_error_is_the_first_finding},
    {"paths name the way from the top", paths_name_the_way_from_the_top},
    {"text from outside cannot disguise a message", text_from_outside_cannot_disguise_a_message},
    {"long text is cut between characters", long_text_is_cut_between_characters},
    {"the caret stands below the place, tabs and wide text or not",
     the_caret_stands_below_the_place},
    {"colours are for those who ask", colours_are_for_those_who_ask},
    {"findings print as JSON", findings_print_as_json},
};

TEST_MAIN(tests)
