/* SPDX-License-Identifier: Apache-2.0 */
/* Cells of a matrix, their keys, what waits for them, and their limits. */
#include <stdio.h>

#include "help.h"
#include "spec/diag.h"

static const struct arc_plan *plan_of(struct subject *s, const char *text)
{
    const struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual")};
    if (!CHECK_OK(subject_read(s, arc__slice_cstr(text)))) {
        arc_slice said = subject_print(s, 0);
        CHECK_TEXT(said, "");
        return NULL;
    }
    CHECK_OK(subject_plan(s, &inputs));
    return s->plan;
}

/* The keys of all jobs, one after the other. */
static void check_keys(const char *matrix, const char *want)
{
    struct subject s;
    char text[1024];
    subject_init(&s);
    snprintf(text, sizeof(text),
             "{\"namespace\":\"demo\",\"jobs\":[{\"name\":\"t\",\"matrix\":%s,\"steps\":"
             "[{\"name\":\"s\",\"run\":\"x\"}]}]}",
             matrix);
    const struct arc_plan *plan = plan_of(&s, text);
    arc__buf_clear(&s.out);
    for (uint32_t i = 0; plan != NULL && i < plan->job_count; i++) {
        CHECK_TEXT(plan->jobs[i].name, "t");
        arc__buf_add_cstr(&s.out, i > 0 ? " " : "");
        arc__buf_add_slice(&s.out, plan->jobs[i].key);
    }
    CHECK_TEXT(arc__buf_slice(&s.out), want);
    subject_deinit(&s);
}

static void cells_are_the_product_in_the_order_as_written(void)
{
    check_keys("{\"b\":[2,1],\"a\":[\"x\",\"y\"]}", "t[b=2,a=x] t[b=2,a=y] t[b=1,a=x] t[b=1,a=y]");
    check_keys("{\"only\":[true]}", "t[only=true]");
}

static void exclude_leaves_out_what_has_all_of_its_values(void)
{
    check_keys("{\"a\":[1,2],\"b\":[1,2],\"exclude\":[{\"a\":1,\"b\":2}]}",
               "t[a=1,b=1] t[a=2,b=1] t[a=2,b=2]");
    check_keys("{\"a\":[1,2],\"b\":[1,2],\"exclude\":[{\"a\":1}]}", "t[a=2,b=1] t[a=2,b=2]");
}

static void include_extends_what_it_agrees_with_else_it_adds(void)
{
    check_keys("{\"a\":[1,2],\"include\":[{\"a\":1,\"x\":\"e\"}]}", "t[a=1,x=e] t[a=2]");
    check_keys("{\"a\":[1,2],\"include\":[{\"a\":3,\"x\":\"e\"}]}", "t[a=1] t[a=2] t[a=3,x=e]");
    check_keys("{\"a\":[1,2],\"include\":[{\"x\":\"e\"}]}", "t[a=1,x=e] t[a=2,x=e]");
    check_keys("{\"a\":[1],\"include\":[{\"a\":1}]}", "t[a=1]");
    check_keys("{\"a\":[1],\"include\":[{\"a\":1,\"x\":1},{\"a\":1,\"x\":2}]}", "t[a=1,x=2]");
    /* What was added is not extended: it is no cell of the axes. */
    check_keys("{\"a\":[1],\"include\":[{\"a\":2,\"x\":1},{\"a\":2,\"y\":1}]}",
               "t[a=1] t[a=2,x=1] t[a=2,y=1]");
    check_keys("{\"include\":[{\"x\":1},{\"x\":2}]}", "t[x=1] t[x=2]");
}

static void an_excluded_cell_can_be_added_again(void)
{
    check_keys("{\"a\":[1,2],\"exclude\":[{\"a\":1}],\"include\":[{\"a\":1,\"x\":1}]}",
               "t[a=2] t[a=1,x=1]");
}

static void keys_hold_values_as_written_and_escaped(void)
{
    check_keys("{\"v\":[1.10,1.1]}", "t[v=1.10] t[v=1.1]");
    check_keys("{\"v\":[\"a,b\",\"c]d\",\"e=f\",\"50%\",\"t\\tt\"]}",
               "t[v=a%2Cb] t[v=c%5Dd] t[v=e%3Df] t[v=50%25] t[v=t%09t]");
    check_keys("{\"v\":[\"\xc3\xa4\"]}", "t[v=\xc3\xa4]");
}

static void a_cell_that_is_there_is_not_there_twice(void)
{
    check_keys("{\"a\":[1],\"include\":[{\"a\":2},{\"a\":2}]}", "t[a=1] t[a=2]");
}

static void a_cell_holds_its_values_with_their_types(void)
{
    struct subject s;
    subject_init(&s);
    const struct arc_plan *plan = plan_of(
        &s, "namespace: demo\njobs:\n- name: t\n  matrix: {go: [1.10], n: [3], on: [true], f: "
            "[1.5], os: [linux]}\n  steps: [{name: s, run: x}]\n");
    if (plan != NULL)
        CHECK_TEXT(plan->jobs[0].cell,
                   "{\"f\":1.5,\"go\":\"1.10\",\"n\":3,\"on\":true,\"os\":\"linux\"}");
    subject_deinit(&s);
}

static void who_waits_for_a_matrix_waits_for_all_cells(void)
{
    struct subject s;
    subject_init(&s);
    const struct arc_plan *plan =
        plan_of(&s, "namespace: demo\njobs:\n"
                    "- {name: last, dependsOn: [t, lint], steps: [{name: s, run: x}]}\n"
                    "- {name: lint, steps: [{name: s, run: x}]}\n"
                    "- name: t\n  matrix: {a: [1, 2, 3], maxParallel: 2, failFast: false}\n"
                    "  approval: {approvers: [x]}\n  steps: [{name: s, run: x}]\n");
    if (plan != NULL) {
        CHECK_INT(plan->job_count, 5);
        CHECK_TEXT(plan->jobs[0].key, "lint");
        CHECK_TEXT(plan->jobs[4].key, "last");
        CHECK_INT(plan->jobs[4].dep_count, 4);
        CHECK_INT(plan->jobs[0].matrix, 0);
        CHECK_INT(plan->jobs[1].matrix, 1);
        CHECK_INT(plan->matrices[0].first_job, 1);
        CHECK_INT(plan->matrices[0].job_count, 3);
        CHECK_INT(plan->matrices[0].max_parallel, 2);
        CHECK_INT(plan->matrices[0].fail_fast, 0);
        /* One approval lets all cells go. */
        CHECK_INT(plan->gate_count, 1);
        CHECK_INT(plan->gates[0].index, 1);
        CHECK_INT(plan->jobs[3].gate, 1);
    }
    subject_deinit(&s);
}

static void check_limit(const struct arc_spec_limits *limits, uint32_t wide, arc_status want)
{
    const struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual")};
    struct subject s;
    struct arc_buf text;
    subject_init(&s);
    arc__buf_init(&text, &s.mem, 1 << 20);
    arc__buf_add_cstr(&text, "namespace: demo\njobs:\n- name: a\n  matrix: {v: [0");
    for (uint32_t i = 1; i < wide; i++)
        arc__buf_printf(&text, ", %u", i);
    arc__buf_add_cstr(&text, "]}\n  steps: [{name: s, run: x}]\n"
                             "- {name: b, dependsOn: [a], steps: [{name: s, run: x}]}\n");
    if (subject_read_limited(&s, arc__buf_slice(&text), limits) == ARC_OK)
        (void)subject_plan(&s, &inputs);
    CHECK_STATUS(s.status, want);
    CHECK(want == ARC_OK || subject_find(&s, ARC_DIAG_TOO_MANY) != NULL);
    arc__buf_deinit(&text);
    subject_deinit(&s);
}

static void what_matrices_make_has_limits(void)
{
    const struct arc_spec_limits cells = {.cells = 7}, jobs = {.jobs = 8}, edges = {.edges = 7};
    check_limit(&cells, 7, ARC_OK);
    check_limit(&cells, 8, ARC_EINVAL);
    check_limit(&jobs, 7, ARC_OK);
    check_limit(&jobs, 8, ARC_EINVAL);
    check_limit(&edges, 7, ARC_OK);
    check_limit(&edges, 8, ARC_EINVAL);
}

static const struct test tests[] = {
    {"cells are the product of the axes, in their order",
     cells_are_the_product_in_the_order_as_written},
    {"exclude leaves out cells that have all its values",
     exclude_leaves_out_what_has_all_of_its_values},
    {"include extends the cells it agrees with, or adds one",
     include_extends_what_it_agrees_with_else_it_adds},
    {"an excluded cell can be added again", an_excluded_cell_can_be_added_again},
    {"keys hold values as written, escaped", keys_hold_values_as_written_and_escaped},
    {"a cell that is there is not there twice", a_cell_that_is_there_is_not_there_twice},
    {"a cell holds its values with their types", a_cell_holds_its_values_with_their_types},
    {"who waits for a matrix waits for all its cells", who_waits_for_a_matrix_waits_for_all_cells},
    {"what matrices make has limits", what_matrices_make_has_limits},
};
TEST_MAIN(tests)
