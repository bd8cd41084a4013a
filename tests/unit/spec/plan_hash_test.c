/* SPDX-License-Identifier: Apache-2.0 */
/* The hash of a plan tells every field, and nothing but the fields. */
#include <stddef.h>

#include "help.h"
#include "spec/plan_private.h"

/* --- a plan with everything in it --------------------------------------------------------- */

struct whole {
    struct arc_plan plan;
    struct arc_plan_gate gate;
    struct arc_plan_matrix matrix;
    struct arc_plan_include include;
    struct arc_plan_stage stage;
    struct arc_plan_job job;
    struct arc_label_expr expr;
    struct arc_plan_layer job_layer, step_layer;
    struct arc_plan_step step[2]; /* of the two the second is changed */
};

static const arc_slice texts[] = {{"a", 1}, {"b", 1}, {"c", 1}};
static const uint32_t deps[] = {3, 5, 300};
static const struct arc_kv one_kv[] = {{{"k", 1}, {"v", 1}}, {{"l", 1}, {"w", 1}}};
static const struct arc_kv other_kv[] = {{{"k", 1}, {"x", 1}}, {{"l", 1}, {"w", 1}}};

static void make(struct whole *w)
{
    const struct arc_kvs kvs = {one_kv, 1}, env = {one_kv, 2};
    const struct arc_retry retry = {2, ARC_CAUSE_LOST, ARC_BACKOFF_LINEAR, 0, 1, 2};
    const struct arc_plan_group group = {ARC_LIT("g"), 2, ARC_ORDER_CREATED, ARC_FULL_WAIT};
    const struct arc_condition when = {ARC_WHEN_ALWAYS, ARC_LIT("c"), ARC_LIT("y")};
    const struct arc_plan_step step = {.name = ARC_LIT("s"),
                                       .id = ARC_LIT("i"),
                                       .args = ARC_LIT("{\"a\":1}"),
                                       .env = env,
                                       .late_env = kvs,
                                       .secrets = kvs,
                                       .artifacts = ARC_LIT("[1]"),
                                       .condition = when,
                                       .retry = retry};
    memset(w, 0, sizeof(*w));
    w->gate = (struct arc_plan_gate){.guards = ARC_GATE_PIPELINE,
                                     .params = ARC_LIT("{}"),
                                     .approvers = texts,
                                     .approver_count = 2,
                                     .count = 1};
    w->matrix = (struct arc_plan_matrix){ARC_LIT("m"), 0, 1, 0, 0};
    w->include = (struct arc_plan_include){.template_ = ARC_LIT("t")};
    w->stage = (struct arc_plan_stage){
        .name = ARC_LIT("s"), .condition = when, .notify = ARC_LIT("{}"), .job_count = 1};
    w->expr = (struct arc_label_expr){ARC_LIT("k"), ARC_LABEL_IN, texts, 2};
    w->job_layer = w->step_layer = (struct arc_plan_layer){kvs, kvs};
    w->step[0] = w->step[1] = step;
    w->step[1].layers = (struct arc_plan_layers){&w->step_layer, 1};
    w->job = (struct arc_plan_job){.name = ARC_LIT("j"),
                                   .key = ARC_LIT("j[a=b]"),
                                   .matrix = 1,
                                   .cell = ARC_LIT("{\"a\":\"b\"}"),
                                   .group = group,
                                   .outputs = kvs,
                                   .artifacts = ARC_LIT("[2]"),
                                   .runtime = ARC_LIT("{\"r\":1}"),
                                   .target = ARC_LIT("{\"t\":1}"),
                                   .notify = ARC_LIT("{\"n\":1}"),
                                   .layers = {&w->job_layer, 1},
                                   .steps = w->step,
                                   .step_count = 2,
                                   .condition = when,
                                   .retry = retry,
                                   .selector = {kvs, &w->expr, 1}};
    w->plan = (struct arc_plan){.namespace_ = ARC_LIT("n"),
                                .variables = kvs,
                                .context = ARC_LIT("{\"c\":1}"),
                                .group = group,
                                .notify = ARC_LIT("{\"n\":2}"),
                                .gates = &w->gate,
                                .gate_count = 1,
                                .matrices = &w->matrix,
                                .matrix_count = 1,
                                .includes = &w->include,
                                .include_count = 1,
                                .stages = &w->stage,
                                .stage_count = 1,
                                .jobs = &w->job,
                                .job_count = 1};
}

/* --- every field -------------------------------------------------------------------------- */

enum kind { TEXT, NUMBER, TIME, KVS };

#define PLAN(member, kind) \
    { \
        "plan." #member, offsetof(struct whole, plan.member), kind \
    }
#define GATE(member, kind) \
    { \
        "gate." #member, offsetof(struct whole, gate.member), kind \
    }
#define MATRIX(member, kind) \
    { \
        "matrix." #member, offsetof(struct whole, matrix.member), kind \
    }
#define INCLUDE(member, kind) \
    { \
        "include." #member, offsetof(struct whole, include.member), kind \
    }
#define STAGE(member, kind) \
    { \
        "stage." #member, offsetof(struct whole, stage.member), kind \
    }
#define JOB(member, kind) \
    { \
        "job." #member, offsetof(struct whole, job.member), kind \
    }
#define LAYER(of, member) \
    { \
#of "." #member, offsetof(struct whole, of.member), KVS \
    }
#define EXPR(member, kind) \
    { \
        "expr." #member, offsetof(struct whole, expr.member), kind \
    }
#define STEP(member, kind) \
    { \
        "step." #member, offsetof(struct whole, step[1].member), kind \
    }
#define GROUP(OF) \
    OF(group.group, TEXT), OF(group.limit, NUMBER), OF(group.order, NUMBER), \
        OF(group.on_full, NUMBER)
#define WHEN(OF) OF(condition.when, NUMBER), OF(condition.text, TEXT), OF(condition.why, TEXT)
#define RETRY(OF) \
    OF(retry.max_attempts, NUMBER), OF(retry.on, NUMBER), OF(retry.backoff, NUMBER), \
        OF(retry.jitter, NUMBER), OF(retry.delay_ns, TIME), OF(retry.max_delay_ns, TIME)

static const struct {
    const char *name;
    size_t offset;
    enum kind kind;
} fields[] = {
    PLAN(namespace_, TEXT),
    PLAN(version, TEXT),
    PLAN(name, TEXT),
    PLAN(variables, KVS),
    PLAN(context, TEXT),
    PLAN(gate, NUMBER),
    GROUP(PLAN),
    PLAN(notify, TEXT),
    PLAN(timeout_ns, TIME),
    PLAN(expression_units, NUMBER),
    GATE(guards, NUMBER),
    GATE(index, NUMBER),
    GATE(automatic, NUMBER),
    GATE(plugin, TEXT),
    GATE(params, TEXT),
    GATE(approver_count, NUMBER),
    GATE(count, NUMBER),
    GATE(timeout_ns, TIME),
    GATE(approve_on_timeout, NUMBER),
    MATRIX(name, TEXT),
    MATRIX(first_job, NUMBER),
    MATRIX(job_count, NUMBER),
    MATRIX(max_parallel, NUMBER),
    MATRIX(fail_fast, NUMBER),
    INCLUDE(template_, TEXT),
    INCLUDE(version, TEXT),
    INCLUDE(library, TEXT),
    INCLUDE(digest, TEXT),
    STAGE(name, TEXT),
    WHEN(STAGE),
    STAGE(gate, NUMBER),
    STAGE(notify, TEXT),
    JOB(name, TEXT),
    JOB(key, TEXT),
    JOB(cell, TEXT),
    JOB(gate, NUMBER),
    GROUP(JOB),
    JOB(outputs, KVS),
    JOB(artifacts, TEXT),
    JOB(runtime, TEXT),
    JOB(target, TEXT),
    JOB(notify, TEXT),
    JOB(late, NUMBER),
    WHEN(JOB),
    JOB(timeout_ns, TIME),
    JOB(queue_timeout_ns, TIME),
    RETRY(JOB),
    JOB(continue_on_error, NUMBER),
    JOB(place, NUMBER),
    JOB(selector.labels, KVS),
    LAYER(job_layer, env),
    LAYER(job_layer, late_env),
    LAYER(step_layer, env),
    LAYER(step_layer, late_env),
    EXPR(key, TEXT),
    EXPR(op, NUMBER),
    EXPR(value_count, NUMBER),
    STEP(name, TEXT),
    STEP(id, TEXT),
    STEP(uses, TEXT),
    STEP(action, TEXT),
    STEP(args, TEXT),
    STEP(env, KVS),
    STEP(late_env, KVS),
    STEP(image, TEXT),
    STEP(working_directory, TEXT),
    STEP(late, NUMBER),
    STEP(role, NUMBER),
    STEP(finally, NUMBER),
    STEP(secrets, KVS),
    STEP(artifacts, TEXT),
    WHEN(STEP),
    STEP(timeout_ns, TIME),
    RETRY(STEP),
    STEP(continue_on_error, NUMBER),
};

static void change(struct whole *w, size_t field)
{
    void *at = (char *)w + fields[field].offset;
    switch (fields[field].kind) {
    case TEXT:
        *(arc_slice *)at = ARC_LIT("{\"changed\":1}");
        break;
    case NUMBER:
        *(uint32_t *)at += 1;
        break;
    case TIME:
        *(int64_t *)at += INT64_C(1000000007);
        break;
    case KVS:
        ((struct arc_kvs *)at)->items = other_kv;
        break;
    }
}

struct hex {
    char text[ARC_SHA256_HEX_LEN + 1];
};

static void each_field_makes_a_hash_of_its_own(void)
{
    struct hex seen[ARC_COUNT_OF(fields) + 1];
    struct whole w;
    make(&w);
    (void)arc__plan_hash(&w.plan, seen[ARC_COUNT_OF(fields)].text);
    for (size_t i = 0; i < ARC_COUNT_OF(fields); i++) {
        make(&w);
        change(&w, i);
        (void)arc__plan_hash(&w.plan, seen[i].text);
        for (size_t j = 0; j <= ARC_COUNT_OF(fields); j++) {
            if ((j < i || j == ARC_COUNT_OF(fields)) && strcmp(seen[i].text, seen[j].text) == 0)
                CHECK_TEXT(arc__slice_cstr(fields[i].name), "told from all others");
        }
    }
}

/* Each list with one item more, or without any, and none of them is another. */
static void each_list_makes_a_hash_of_its_own(void)
{
    struct hex seen[14];
    struct whole w;
    for (size_t i = 0; i < ARC_COUNT_OF(seen); i++) {
        make(&w);
        w.plan.gate_count = i == 1 ? 0 : 1;
        w.plan.matrix_count = i == 2 ? 0 : 1;
        w.plan.include_count = i == 3 ? 0 : 1;
        w.plan.stage_count = i == 4 ? 0 : 1;
        w.stage.job_count = i == 5 ? 0 : 1;
        w.job.step_count = i == 6 ? 1 : 2;
        w.job.selector.expr_count = i == 7 ? 0 : 1;
        w.job.deps = deps;
        w.job.dep_count = i >= 8 && i <= 10 ? (uint32_t)i - 7 : 0;
        w.step[1].env.count = i == 11 ? 1 : 2;
        w.job.layers.count = i == 12 ? 0 : 1;
        w.step[1].layers.count = i == 13 ? 0 : 1;
        (void)arc__plan_hash(&w.plan, seen[i].text);
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(seen[i].text, seen[j].text) != 0);
    }
}

/* --- what makes no difference ------------------------------------------------------------- */

static void where_a_text_stands_makes_no_difference(void)
{
    char copies[4][2] = {"k", "v", "l", "w"};
    struct arc_kv items[2] = {{{copies[0], 1}, {copies[1], 1}}, {{copies[2], 1}, {copies[3], 1}}};
    struct hex shared, apart;
    struct whole w;
    make(&w);
    (void)arc__plan_hash(&w.plan, shared.text);
    w.step[1].env.items = items;
    (void)arc__plan_hash(&w.plan, apart.text);
    CHECK_TEXT(arc__slice_cstr(apart.text), shared.text);
    items[1].value = ARC_LIT("other");
    (void)arc__plan_hash(&w.plan, apart.text);
    CHECK(strcmp(apart.text, shared.text) != 0);
}

static void a_plan_that_was_stored_has_the_hash_it_had(void)
{
    struct subject s;
    struct whole w;
    struct hex first, again;
    const struct arc_node *node = NULL;
    const struct arc_plan *loaded = NULL;
    subject_init(&s);
    make(&w);
    uint64_t most = arc__plan_hash(&w.plan, first.text);
    arc__plan_to_json(&w.plan, &s.out);
    CHECK(s.out.len > 0 && s.out.len <= most);
    CHECK_OK(arc__json_read(arc__buf_slice(&s.out), NULL, &s.arena, &node, NULL));
    if (CHECK_OK(arc__plan_from_node(node, &s.arena, &loaded, &s.err))) {
        (void)arc__plan_hash(loaded, again.text);
        CHECK_TEXT(arc__slice_cstr(again.text), first.text);
    }
    subject_deinit(&s);
}

/* --- size --------------------------------------------------------------------------------- */

/* Steps that each have the environment of the pipeline, which is 204,800 bytes. */
static arc_status plan_of_steps(struct subject *s, uint32_t count)
{
    struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual")};
    struct arc_buf text;
    arc__buf_init(&text, &s->mem, 1 << 20);
    arc__buf_add_cstr(&text, "namespace: n\nversion: v1\nenv: {BIG: '");
    for (uint32_t i = 0; i < 204800; i++)
        arc__buf_add_char(&text, 'x');
    arc__buf_add_cstr(&text, "'}\njobs:\n- name: j\n  steps:\n");
    for (uint32_t i = 0; i < count; i++)
        arc__buf_printf(&text, "  - {name: s%u, run: x}\n", i);
    arc_status status = subject_read(s, arc__buf_slice(&text));
    if (status == ARC_OK)
        status = subject_plan(s, &inputs);
    arc__buf_deinit(&text);
    return status;
}

static void a_plan_may_have_8_mib_as_json_and_no_more(void)
{
    struct subject s;
    subject_init(&s);
    CHECK_OK(plan_of_steps(&s, 40));
    if (s.plan != NULL) {
        arc__buf_clear(&s.out);
        arc__plan_to_json(s.plan, &s.out);
        CHECK(s.out.len > 8192000 && s.out.len <= ARC_PLAN_BYTES_MAX);
    }
    CHECK_STATUS(plan_of_steps(&s, 41), ARC_ELIMIT);
    CHECK(strstr(s.err.message, "more than 8388608 bytes") != NULL);
    subject_deinit(&s);
}

static const struct test tests[] = {
    {"each field makes a hash of its own", each_field_makes_a_hash_of_its_own},
    {"each list makes a hash of its own", each_list_makes_a_hash_of_its_own},
    {"where a text stands makes no difference", where_a_text_stands_makes_no_difference},
    {"a plan that was stored has the hash it had", a_plan_that_was_stored_has_the_hash_it_had},
    {"a plan may have 8 MiB as JSON and no more", a_plan_may_have_8_mib_as_json_and_no_more},
};

TEST_MAIN(tests)
