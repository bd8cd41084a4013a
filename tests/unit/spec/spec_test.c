/* SPDX-License-Identifier: Apache-2.0 */
/* The room as a whole: no memory, no room, random definitions, cut definitions. */
#include <stdio.h>

#include "help.h"
#include "spec/diag.h"

static const char good[] =
    "namespace: demo\nversion: v1\nvariables: {target: staging}\n"
    "env: &e {A: '${{ variables.target }}', B: 1.10}\n"
    "stages:\n  - name: one\n    jobs:\n"
    "      - name: build\n        agentSelector: {matchLabels: {os: linux}, matchExpressions: "
    "[{key: cpu, operator: In, values: [a]}]}\n"
    "        retry: {maxAttempts: 3, on: [lost]}\n"
    "        steps:\n          - {name: a, run: 'x ${{ variables.target }}', env: {<<: *e, C: d}}\n"
    "          - {name: b, uses: c, args: {l: [1, {m: n}]}, workingDirectory: p}\n"
    "      - {name: test, needs: [build], steps: [{name: a, run: y}]}\n";
static const char bad[] =
    "namespace: de mo\nzz: 1\nenv: {A B: '${{ variables.x }}'}\njobs:\n"
    "  - {name: a, needs: [b, c], steps: [{name: a, run: '${{ trigger.ref }}'}, {name: a}]}\n"
    "  - {name: b, needs: [a], retry: {maxAttempts: 0, on: [x]}, matrix: {}, when: x(), steps: "
    "[]}\n";
static const char json[] =
    "{\"namespace\":\"demo\",\"env\":{\"A\":\"a\\nb\\u00e9\"},\"jobs\":[{\"name\":\"a\",\"steps\":["
    "{\"name\":\"b\",\"run\":\"c\\n\",\"args\":{\"x\":[1,2.5,null,true]}}]}]}";

/* --- without memory ----------------------------------------------------------------------- */

struct attempt {
    struct arc_arena arena;
    struct arc_buf out;
    struct arc_diags diags;
    arc_status status;
};

/* Everything that the room does with one text, until something fails. */
static void do_all(struct attempt *a, arc_slice text, enum arc_format format)
{
    struct arc_spec *spec = NULL;
    const struct arc_plan *plan = NULL, *again = NULL;
    const struct arc_node *node = NULL;
    struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual"), .ref = ARC_LIT("main")};
    arc_err err = ARC_ERR_INIT;
    a->status = arc__spec_read(text, format, ARC_LIT("f"), NULL, &a->arena, &a->diags, &spec, &err);
    CHECK((a->status == ARC_OK) == (spec != NULL));
    CHECK(a->status == err.status);
    if (spec == NULL)
        return;
    a->status = arc__spec_canonical(spec, &a->out, &err);
    if (a->status != ARC_OK)
        return;
    a->status = arc__plan_build(spec, &inputs, &a->arena, &a->diags, &plan, &err);
    CHECK((a->status == ARC_OK) == (plan != NULL));
    if (plan == NULL)
        return;
    arc__buf_clear(&a->out);
    arc__plan_to_json(plan, &a->out);
    a->status = arc__buf_check(&a->out, &err);
    if (a->status != ARC_OK)
        return;
    a->status = arc__json_read(arc__buf_slice(&a->out), NULL, &a->arena, &node, &err);
    CHECK((a->status == ARC_OK) == (node != NULL));
    if (node == NULL)
        return;
    a->status = arc__plan_from_node(node, &a->arena, &again, &err);
    CHECK((a->status == ARC_OK) == (again != NULL));
}

static arc_status try_with(struct arc_mem mem, size_t max_bytes, arc_slice text,
                           enum arc_format format)
{
    struct attempt a = {.status = ARC_OK};
    arc__arena_init(&a.arena, &mem, max_bytes);
    arc__buf_init(&a.out, &mem, 1 << 20);
    do_all(&a, text, format);
    arc__buf_deinit(&a.out);
    arc__arena_deinit(&a.arena);
    return a.status;
}

static void torture(const char *text, enum arc_format format, arc_status want)
{
    for (int sticky = 0; sticky < 2; sticky++) {
        arc_status status = ARC_ENOMEM;
        uint64_t n = 1;
        for (; n < 100000; n++) {
            struct test_mem state = {.fail_at = n, .sticky = sticky};
            status = try_with(test_mem(&state), HELP_MAX, arc__slice_cstr(text), format);
            CHECK_INT(state.live, 0);
            if (state.calls < n)
                break;
            if (status != ARC_ENOMEM)
                CHECK_INT(status, ARC_ENOMEM);
        }
        CHECK_INT(status, want);
        CHECK(n > 1); /* it did fail at least once */
    }
}

static void a_failed_allocation_anywhere_is_a_clean_refusal(void)
{
    torture(good, ARC_FORMAT_YAML, ARC_OK);
    torture(json, ARC_FORMAT_JSON, ARC_OK);
}

static void a_failed_allocation_in_a_finding_is_one_too(void)
{
    torture(bad, ARC_FORMAT_YAML, ARC_EINVAL);
    torture("namespace: [", ARC_FORMAT_YAML, ARC_EINVAL);
    torture("{\"a\": [1, {\"b\": tru", ARC_FORMAT_JSON, ARC_EINVAL);
}

/* Under every ceiling there is an answer, and it says that the ceiling was the reason. */
static void the_ceiling_of_the_arena_is_a_limit(void)
{
    arc_status status = ARC_ELIMIT;
    size_t max = 0;
    for (; max < 1 << 20 && status != ARC_OK; max += 97) {
        status = try_with(arc__mem_default(), max, arc__slice_cstr(good), ARC_FORMAT_YAML);
        CHECK(status == ARC_OK || status == ARC_ELIMIT);
    }
    CHECK_INT(status, ARC_OK);
    CHECK(max > 1000);
}

/* --- cut and changed ---------------------------------------------------------------------- */

static void survive(const char *bytes, size_t len, enum arc_format format)
{
    struct arc_mem mem = arc__mem_default();
    char *copy = arc__alloc(&mem, len);
    CHECK(copy != NULL);
    if (copy == NULL)
        return;
    if (len > 0)
        memcpy(copy, bytes, len);
    arc_status status = try_with(mem, HELP_MAX, arc__slice(copy, len), format);
    CHECK(status == ARC_OK || status == ARC_EINVAL);
    arc__free(&mem, copy);
}

static void a_definition_cut_anywhere_is_answered(void)
{
    for (size_t len = 0; len < sizeof(good); len++)
        survive(good, len, ARC_FORMAT_AUTO);
    for (size_t len = 0; len < sizeof(bad); len++)
        survive(bad, len, ARC_FORMAT_AUTO);
    for (size_t len = 0; len < sizeof(json); len++)
        survive(json, len, ARC_FORMAT_AUTO);
}

/* One line taken out, which mostly leaves good YAML behind. */
static void a_definition_without_any_line_is_answered(void)
{
    char copy[sizeof(good)];
    for (size_t from = 0; from + 1 < sizeof(good);) {
        size_t to = from;
        while (good[to] != '\n')
            to++;
        memcpy(copy, good, from);
        memcpy(copy + from, good + to + 1, sizeof(good) - to - 1);
        survive(copy, sizeof(good) - 1 - (to + 1 - from), ARC_FORMAT_YAML);
        from = to + 1;
    }
}

/* --- random definitions ------------------------------------------------------------------- */

struct chance {
    uint64_t state;
};

static uint32_t pick(struct chance *chance, uint32_t below)
{
    chance->state = chance->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(chance->state >> 33) % below;
}

static const char *const texts[] = {"a",
                                    "\\u00e9",
                                    "x y",
                                    "1.10",
                                    "yes",
                                    "null",
                                    "a\\nb",
                                    "- x",
                                    "a: b",
                                    "#c",
                                    "\\\"q\\\"",
                                    "\\\\",
                                    "{}",
                                    "*a",
                                    "日本",
                                    "%x",
                                    "${{ variables.v }}",
                                    "",
                                    "$HOME",
                                    "!t",
                                    "@",
                                    "${{ trigger.ref }}"};
static const char *const whens[] = {"success()", "failure()", "always()", "cancelled()"};
static const char *const times[] = {"0", "1s", "1.5h", "90s", "250ms", "36h"};

static const char *any_text(struct chance *chance)
{
    return texts[pick(chance, ARC_COUNT_OF(texts))];
}

/* JSON of any shape. */
static void add_any(struct arc_buf *out, struct chance *chance, uint32_t depth)
{
    static const char *const scalars[] = {"0", "-5", "2.50", "1e3", "true", "false", "null"};
    uint32_t kind = pick(chance, depth > 3 ? 2 : 4), count = pick(chance, 4);
    if (kind == 0) {
        arc__buf_printf(out, "\"%s\"", any_text(chance));
    } else if (kind == 1) {
        arc__buf_add_cstr(out, scalars[pick(chance, ARC_COUNT_OF(scalars))]);
    } else {
        arc__buf_add_char(out, kind == 2 ? '[' : '{');
        for (uint32_t i = 0; i < count; i++) {
            arc__buf_add_cstr(out, i > 0 ? ", " : "");
            if (kind == 3)
                arc__buf_printf(out, "\"k%u\": ", i);
            add_any(out, chance, depth + 1);
        }
        arc__buf_add_char(out, kind == 2 ? ']' : '}');
    }
}

static void add_env(struct arc_buf *out, struct chance *chance)
{
    uint32_t count = pick(chance, 4);
    if (pick(chance, 2) == 0)
        return;
    arc__buf_add_cstr(out, ", \"env\": {");
    for (uint32_t i = 0; i < count; i++) {
        arc__buf_printf(out, "%s\"N%u\": \"%s\"", i > 0 ? ", " : "", pick(chance, 3) * 4 + i,
                        any_text(chance));
    }
    arc__buf_add_char(out, '}');
}

static void add_common(struct arc_buf *out, struct chance *chance)
{
    static const char *const backoffs[] = {"fixed", "linear", "exponential"};
    add_env(out, chance);
    if (pick(chance, 3) == 0)
        arc__buf_printf(out, ", \"%s\": \"%s\"", pick(chance, 2) ? "when" : "if",
                        whens[pick(chance, ARC_COUNT_OF(whens))]);
    if (pick(chance, 3) == 0)
        arc__buf_printf(out, ", \"timeout\": \"%s\"", times[pick(chance, ARC_COUNT_OF(times))]);
    if (pick(chance, 3) == 0)
        arc__buf_printf(out, ", \"retry\": {\"%s\": %u, \"backoff\": \"%s\", \"jitter\": %s}",
                        pick(chance, 2) ? "maxAttempts" : "max_attempts", 1 + pick(chance, 100),
                        backoffs[pick(chance, 3)], pick(chance, 2) ? "true" : "false");
    if (pick(chance, 4) == 0)
        arc__buf_printf(out, ", \"runOnAgent\": %s", pick(chance, 2) ? "true" : "false");
    if (pick(chance, 4) == 0)
        arc__buf_printf(out, ", \"continue_on_error\": %s", pick(chance, 2) ? "true" : "false");
    if (pick(chance, 4) == 0)
        arc__buf_printf(out,
                        ", \"agentSelector\": {\"matchLabels\": {\"l\": \"1\"}, "
                        "\"matchExpressions\": [{\"key\": \"k\", \"operator\": \"In\", "
                        "\"values\": [%u, \"b\"]}]}",
                        pick(chance, 9));
}

static void add_job(struct arc_buf *out, struct chance *chance, uint32_t number)
{
    uint32_t steps = 1 + pick(chance, 3);
    arc__buf_printf(out, "{\"name\": \"j%u\"", number);
    if (number > 0 && pick(chance, 2) == 0)
        arc__buf_printf(out, ", \"%s\": [\"j%u\"]", pick(chance, 2) ? "needs" : "dependsOn",
                        pick(chance, number));
    add_common(out, chance);
    arc__buf_add_cstr(out, ", \"steps\": [");
    for (uint32_t i = 0; i < steps; i++) {
        arc__buf_printf(out, "%s{\"name\": \"s%u\"", i > 0 ? ", " : "", i);
        if (pick(chance, 2) == 0) {
            arc__buf_add_cstr(out, ", \"run\": \"echo ${{ variables.v }}\\n\"");
        } else {
            arc__buf_add_cstr(out, ", \"uses\": \"a/b@v1\", \"args\": {\"any\": ");
            add_any(out, chance, 0);
            arc__buf_add_char(out, '}');
        }
        add_common(out, chance);
        arc__buf_add_char(out, '}');
    }
    arc__buf_add_cstr(out, "]}");
}

static void add_definition(struct arc_buf *out, struct chance *chance)
{
    uint32_t stages = pick(chance, 4), jobs = 0;
    arc__buf_printf(out, "{\"namespace\": \"demo\", \"variables\": {\"v\": \"%u\"}",
                    pick(chance, 9));
    add_env(out, chance);
    arc__buf_add_cstr(out, stages == 0 ? ", \"jobs\": [" : ", \"stages\": [");
    for (uint32_t s = 0; s < (stages == 0 ? 1 : stages); s++) {
        if (stages > 0) {
            arc__buf_printf(out, "%s{\"name\": \"s%u\"", s > 0 ? ", " : "", s);
            add_env(out, chance);
            arc__buf_add_cstr(out, ", \"jobs\": [");
        }
        for (uint32_t n = 1 + pick(chance, 3), i = 0; i < n; i++) {
            arc__buf_add_cstr(out, i > 0 ? ", " : "");
            add_job(out, chance, jobs++);
        }
        if (stages > 0)
            arc__buf_add_cstr(out, "]}");
    }
    arc__buf_add_cstr(out, "]}");
}

struct result {
    arc_slice canonical, plan;
};

static int run_text(struct subject *s, arc_slice text, enum arc_format format, struct result *out)
{
    struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual"), .ref = ARC_LIT("main")};
    s->spec = NULL;
    s->status =
        arc__spec_read(text, format, ARC_NONE, NULL, &s->arena, &s->diags, &s->spec, &s->err);
    if (s->status != ARC_OK || subject_plan(s, &inputs) != ARC_OK)
        return 0;
    arc__buf_clear(&s->out);
    CHECK_OK(arc__spec_canonical(s->spec, &s->out, NULL));
    out->canonical = arc__arena_copy(&s->arena, arc__buf_slice(&s->out));
    arc__buf_clear(&s->out);
    arc__plan_to_json(s->plan, &s->out);
    out->plan = arc__arena_copy(&s->arena, arc__buf_slice(&s->out));
    return 1;
}

/* As JSON, as YAML, and as its own canonical form, a definition gives one plan. */
static void one_random_definition(uint64_t seed)
{
    struct subject s;
    struct arc_buf text;
    struct chance chance = {seed};
    struct result a, b, c;
    char what[64];
    subject_init(&s);
    arc__buf_init(&text, &s.mem, 1 << 20);
    add_definition(&text, &chance);
    snprintf(what, sizeof(what), "seed %llu", (unsigned long long)seed);
    int held = run_text(&s, arc__buf_slice(&text), ARC_FORMAT_JSON, &a) &&
               run_text(&s, arc__buf_slice(&text), ARC_FORMAT_YAML, &b) &&
               run_text(&s, a.canonical, ARC_FORMAT_JSON, &c) &&
               arc__slice_equal(a.canonical, b.canonical) && arc__slice_equal(a.plan, b.plan) &&
               arc__slice_equal(a.canonical, c.canonical) && arc__slice_equal(a.plan, c.plan);
    if (!held) {
        arc_slice said = subject_print(&s, 1);
        printf("# %s: %.*s\n%.*s", what, ARC_ARG(arc__buf_slice(&text)), ARC_ARG(said));
    }
    CU_assertImplementation(held, __LINE__, what, __FILE__, "", CU_FALSE);
    arc__buf_deinit(&text);
    subject_deinit(&s);
}

static void random_definitions_mean_the_same_in_every_form(void)
{
    for (uint64_t seed = 1; seed <= 300; seed++)
        one_random_definition(seed);
}

/* --- cycles against another way of finding them ------------------------------------------- */

#define GRAPH_MAX 12

/* Takes away what waits for nothing until nothing can be taken (Kahn); what is left is a circle. */
static int has_cycle(uint8_t edges[GRAPH_MAX][GRAPH_MAX], uint32_t count)
{
    uint8_t gone[GRAPH_MAX] = {0};
    uint32_t left = count;
    for (int moved = 1; moved;) {
        moved = 0;
        for (uint32_t i = 0; i < count; i++) {
            int waits = gone[i];
            for (uint32_t k = 0; k < count; k++)
                waits |= edges[i][k] && !gone[k];
            if (!waits)
                gone[i] = 1, left--, moved = 1;
        }
    }
    return left > 0;
}

static void cycles_are_found_exactly_where_they_are(void)
{
    struct chance chance = {7};
    int cycles = 0, clean = 0;
    for (int round = 0; round < 400; round++) {
        uint8_t edges[GRAPH_MAX][GRAPH_MAX] = {{0}};
        uint32_t count = 2 + pick(&chance, GRAPH_MAX - 2), dense = 3 + pick(&chance, 20);
        struct subject s;
        struct arc_buf text;
        subject_init(&s);
        arc__buf_init(&text, &s.mem, 1 << 16);
        arc__buf_add_cstr(&text, "namespace: demo\njobs:\n");
        for (uint32_t i = 0; i < count; i++) {
            arc__buf_printf(&text, "- name: j%u\n  steps: [{name: a, run: b}]\n  needs: [", i);
            for (uint32_t k = 0, any = 0; k < count; k++) {
                edges[i][k] = i != k && pick(&chance, dense) == 0;
                if (edges[i][k])
                    arc__buf_printf(&text, "%sj%u", any++ ? ", " : "", k);
            }
            arc__buf_add_cstr(&text, "]\n");
        }
        int want = has_cycle(edges, count);
        (void)subject_read(&s, arc__buf_slice(&text));
        CHECK_INT(subject_find(&s, ARC_DIAG_CYCLE) != NULL, want);
        CHECK_INT(s.status == ARC_OK, !want);
        cycles += want;
        clean += !want;
        arc__buf_deinit(&text);
        subject_deinit(&s);
    }
    CHECK(cycles > 50 && clean > 50);
}

static const struct test tests[] = {
    {"a failed allocation anywhere is a clean refusal",
     a_failed_allocation_anywhere_is_a_clean_refusal},
    {"a failed allocation in a finding is one too", a_failed_allocation_in_a_finding_is_one_too},
    {"the ceiling of the arena is a limit", the_ceiling_of_the_arena_is_a_limit},
    {"a definition cut anywhere is answered", a_definition_cut_anywhere_is_answered},
    {"a definition without any line is answered", a_definition_without_any_line_is_answered},
    {"random definitions mean the same in every form",
     random_definitions_mean_the_same_in_every_form},
    {"cycles are found exactly where they are", cycles_are_found_exactly_where_they_are},
};

TEST_MAIN(tests)
