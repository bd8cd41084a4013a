/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: what goes into them, the way to JSON and back, and the canonical form. */
#include "help.h"
#include "spec/diag.h"

static const char full[] =
    "namespace: demo\nversion: v1\nname: A \"name\"\ntimeout: 1h\n"
    "variables: {target: staging, empty: '', ref: '${{ trigger.ref }}'}\n"
    "env: {A: '${{ variables.target }}', R: '<${{ variables.ref }}>', B: pipeline}\n"
    "stages:\n"
    "  - name: one\n    env: {B: stage}\n    jobs:\n"
    "      - name: build\n        queueTimeout: 5m\n        timeout: 10m\n"
    "        retry: {maxAttempts: 3, delay: 1s, backoff: linear, maxDelay: 9s, jitter: true, "
    "on: [lost]}\n"
    "        agentSelector: {matchLabels: {os: linux}, matchExpressions: [{key: cpu, operator: Gt, "
    "values: [2]}]}\n"
    "        continueOnError: true\n"
    "        steps:\n"
    "          - {name: checkout, uses: git/checkout@v1, args: {ref: '${{ trigger.ref }}', n: "
    "[1.50, null]}}\n"
    "          - {name: make, id: m, run: 'make ${{ variables.target }}', env: {B: step}, "
    "workingDirectory: 'src/${{ variables.target }}', timeout: 30s, when: always()}\n"
    "  - name: two\n    when: failure()\n    jobs:\n"
    "      - {name: deploy, dependsOn: [build], runOnAgent: true, steps: [{name: x, action: A, "
    "uses: y}]}\n";

static struct arc_plan_inputs manual(void)
{
    return (struct arc_plan_inputs){.trigger_type = ARC_LIT("manual"), .ref = ARC_LIT("main")};
}

static void build(struct subject *s, const char *text, const struct arc_plan_inputs *inputs)
{
    CHECK_OK(subject_read(s, arc__slice_cstr(text)));
    if (s->status != ARC_OK) {
        arc_slice said = subject_print(s, 0);
        CHECK_TEXT(said, "");
        return;
    }
    CHECK_OK(subject_plan(s, inputs));
}

static void a_plan_holds_what_the_definition_says(void)
{
    struct subject s;
    struct arc_plan_inputs inputs = manual();
    subject_init(&s);
    build(&s, full, &inputs);
    if (s.plan != NULL) {
        const struct arc_plan_job *job = &s.plan->jobs[0];
        const struct arc_plan_step *step = &job->steps[1];
        CHECK_INT(s.plan->job_count, 2);
        CHECK_INT(s.plan->stage_count, 2);
        CHECK_INT(s.plan->stages[1].first_job, 1);
        CHECK_INT(s.plan->stages[1].condition.when, ARC_WHEN_FAILURE);
        CHECK_INT(s.plan->timeout_ns, INT64_C(3600000000000));
        CHECK_INT(job->retry.max_attempts, 3);
        CHECK_INT(job->retry.on, ARC_CAUSE_LOST);
        CHECK_INT(job->retry.backoff, ARC_BACKOFF_LINEAR);
        CHECK_INT(job->retry.jitter, 1);
        CHECK_INT(job->retry.max_delay_ns, INT64_C(9000000000));
        CHECK_INT(job->queue_timeout_ns, INT64_C(300000000000));
        CHECK_INT(job->continue_on_error, 1);
        CHECK_INT(job->place, 0);
        CHECK_INT(s.plan->jobs[1].place, 1);
        CHECK_INT(s.plan->jobs[1].dep_count, 1);
        CHECK_TEXT(arc__kvs_get(&job->selector.labels, ARC_LIT("os")), "linux");
        CHECK_INT(job->selector.exprs[0].op, ARC_LABEL_GT);
        CHECK_TEXT(job->steps[0].args, "{\"ref\":\"main\",\"n\":[1.50,null]}");
        CHECK_TEXT(job->steps[0].id, "checkout");
        CHECK_TEXT(step->id, "m");
        CHECK_TEXT(step->uses, "shell");
        CHECK_TEXT(step->args, "{\"run\":\"make staging\"}");
        CHECK_TEXT(step->working_directory, "src/staging");
        CHECK_INT(step->condition.when, ARC_WHEN_ALWAYS);
        CHECK_INT(step->retry.max_attempts, 0);
        CHECK_TEXT(arc__kvs_get(&step->env, ARC_LIT("A")), "staging");
        CHECK_TEXT(arc__kvs_get(&step->env, ARC_LIT("R")), "<main>");
        CHECK_TEXT(arc__kvs_get(&step->env, ARC_LIT("B")), "step");
        CHECK_TEXT(arc__kvs_get(&job->steps[0].env, ARC_LIT("B")), "stage");
        CHECK_TEXT(arc__kvs_get(&s.plan->jobs[1].steps[0].env, ARC_LIT("B")), "pipeline");
        CHECK_INT(s.plan->hash.len, 64);
    }
    subject_deinit(&s);
}

static void the_variables_of_the_trigger_win(void)
{
    struct subject s;
    const struct arc_kv items[] = {{ARC_LIT("more"), ARC_LIT("new")},
                                   {ARC_LIT("ref"), ARC_LIT("${{ trigger.ref }}")},
                                   {ARC_LIT("target"), ARC_LIT("prod")}};
    struct arc_plan_inputs inputs = manual();
    inputs.variables = (struct arc_kvs){items, 3};
    subject_init(&s);
    build(&s, full, &inputs);
    if (s.plan != NULL) {
        CHECK_INT(s.plan->variables.count, 4);
        CHECK_TEXT(arc__kvs_get(&s.plan->variables, ARC_LIT("target")), "prod");
        CHECK_TEXT(arc__kvs_get(&s.plan->variables, ARC_LIT("more")), "new");
        CHECK_TEXT(arc__kvs_get(&s.plan->variables, ARC_LIT("empty")), "");
        CHECK_TEXT(s.plan->jobs[0].steps[1].args, "{\"run\":\"make prod\"}");
        /* Expanded once: what a value holds is not looked at again. */
        CHECK_TEXT(arc__kvs_get(&s.plan->jobs[0].steps[0].env, ARC_LIT("R")),
                   "<${{ trigger.ref }}>");
    }
    subject_deinit(&s);
}

/* The classics of injection: as values they are data wherever they arrive. */
static void a_value_can_never_create_keys_or_leave_its_text(void)
{
    static const char *const values[] = {"\"}, \"evil\": {\"a\": \"b",
                                         "a\nb: c\n",
                                         "*anchor",
                                         "${{ variables.target }}",
                                         "'; rm -rf / #",
                                         "\\",
                                         "{}",
                                         "- x",
                                         "\xf0\x9f\x8c\x8d\t\r"};
    for (size_t i = 0; i < ARC_COUNT_OF(values); i++) {
        struct subject s;
        const struct arc_node *node = NULL;
        struct arc_plan_inputs inputs = manual();
        inputs.ref = arc__slice_cstr(values[i]);
        subject_init(&s);
        build(&s, full, &inputs);
        if (s.plan != NULL) {
            CHECK_OK(arc__json_read(s.plan->jobs[0].steps[0].args, NULL, &s.arena, &node, NULL));
            CHECK(node != NULL && node->count == 2);
            CHECK_TEXT(node->first->text, values[i]);
            CHECK_INT(s.plan->jobs[0].steps[0].env.count, 3);
        }
        subject_deinit(&s);
    }
}

static void a_value_that_is_absent_expands_to_nothing(void)
{
    struct subject s;
    struct arc_plan_inputs inputs = {0};
    subject_init(&s);
    build(&s, full, &inputs);
    if (s.plan != NULL)
        CHECK_TEXT(arc__kvs_get(&s.plan->jobs[0].steps[0].env, ARC_LIT("R")), "<>");
    subject_deinit(&s);
}

static void a_path_is_checked_once_its_values_are_known(void)
{
    struct subject s;
    const struct arc_kv items[] = {{ARC_LIT("target"), ARC_LIT("../../..")}};
    struct arc_plan_inputs inputs = manual();
    inputs.variables = (struct arc_kvs){items, 1};
    subject_init(&s);
    CHECK_OK(subject_read(&s, arc__slice_cstr(full)));
    CHECK_STATUS(subject_plan(&s, &inputs), ARC_EINVAL);
    const struct arc_diag *diag = subject_find(&s, ARC_DIAG_OUTSIDE);
    CHECK(diag != NULL && s.plan == NULL);
    if (diag != NULL)
        CHECK_TEXT(diag->path, "stages[0].jobs[0].steps[1].workingDirectory");
    subject_deinit(&s);
}

static void inputs_that_are_no_text_are_refused(void)
{
    struct subject s;
    const struct arc_kv unsorted[] = {{ARC_LIT("b"), ARC_LIT("1")}, {ARC_LIT("a"), ARC_LIT("2")}};
    const struct arc_kv twice[] = {{ARC_LIT("a"), ARC_LIT("1")}, {ARC_LIT("a"), ARC_LIT("2")}};
    const struct arc_kv nameless[] = {{ARC_LIT(""), ARC_LIT("1")}};
    const struct arc_kv bytes[] = {{ARC_LIT("a"), ARC_LIT("\xff")}};
    const struct arc_kvs wrong[] = {{unsorted, 2}, {twice, 2}, {nameless, 1}, {bytes, 1}};
    struct arc_plan_inputs inputs = manual();
    subject_init(&s);
    CHECK_OK(subject_read(&s, arc__slice_cstr(full)));
    for (size_t i = 0; i < ARC_COUNT_OF(wrong); i++) {
        inputs.variables = wrong[i];
        CHECK_STATUS(subject_plan(&s, &inputs), ARC_EINVAL);
        CHECK(s.plan == NULL && s.err.message[0] != '\0');
    }
    inputs = manual();
    inputs.ref = ARC_LIT("a\0b");
    CHECK_STATUS(subject_plan(&s, &inputs), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(s.err.subject), "ref");
    subject_deinit(&s);
}

/* Each is small by itself: the product is not. */
static void what_templates_make_has_limits(void)
{
    struct subject s;
    struct arc_buf text;
    struct arc_plan_inputs inputs = manual();
    char *value;
    subject_init(&s);
    value = arc__arena_alloc(&s.arena, 262144);
    CHECK(value != NULL);
    if (value == NULL)
        return;
    memset(value, 'x', 262144);
    const struct arc_kv items[] = {{ARC_LIT("v"), arc__slice(value, 131072)}};
    inputs.variables = (struct arc_kvs){items, 1};
    CHECK_OK(subject_read(&s, ARC_LIT("namespace: demo\nvariables: {v: x}\n"
                                      "env: {A: '${{ v }}${{ v }}'}\n"
                                      "jobs: [{name: a, steps: [{name: b, run: c}]}]\n")));
    CHECK_OK(subject_plan(&s, &inputs));
    const struct arc_kv longer[] = {{ARC_LIT("v"), arc__slice(value, 131073)}};
    inputs.variables = (struct arc_kvs){longer, 1};
    CHECK_STATUS(subject_plan(&s, &inputs), ARC_EINVAL);
    CHECK(subject_find(&s, ARC_DIAG_TEXT_SIZE) != NULL);
    arc__buf_init(&text, &s.mem, 1 << 20);
    arc__buf_add_cstr(&text, "namespace: demo\nvariables: {v: x}\nenv: {A: '${{ v }}'}\n"
                             "jobs:\n- name: a\n  steps:\n");
    for (int i = 0; i < 100; i++)
        arc__buf_printf(&text, "  - {name: s%d, run: x}\n", i);
    CHECK_OK(subject_read(&s, arc__buf_slice(&text)));
    CHECK_STATUS(subject_plan(&s, &inputs), ARC_ELIMIT);
    CHECK(s.plan == NULL);
    arc__buf_deinit(&text);
    subject_deinit(&s);
}

/* A definition as deep as may be, as a plan inside of an event. */
static void the_deepest_plan_can_be_read_back(void)
{
    struct subject s;
    struct arc_buf text;
    const struct arc_node *node = NULL;
    const struct arc_plan *again = NULL;
    struct arc_plan_inputs inputs = manual();
    subject_init(&s);
    arc__buf_init(&text, &s.mem, 1 << 16);
    arc__buf_add_cstr(&text, "{\"namespace\":\"demo\",\"jobs\":[{\"name\":\"a\",\"steps\":"
                             "[{\"name\":\"b\",\"uses\":\"c\",\"args\":{\"d\":");
    for (int i = 0; i < 58; i++)
        arc__buf_add_char(&text, '[');
    for (int i = 0; i < 58; i++)
        arc__buf_add_char(&text, ']');
    arc__buf_add_cstr(&text, "}}]}]}");
    CHECK_OK(subject_read(&s, arc__buf_slice(&text)));
    CHECK_OK(subject_plan(&s, &inputs));
    if (s.plan != NULL) {
        arc__buf_clear(&text);
        arc__buf_add_cstr(&text, "{\"body\":{\"plan\":");
        arc__plan_to_json(s.plan, &text);
        arc__buf_add_cstr(&text, "}}");
        CHECK_OK(arc__json_read(arc__buf_slice(&text), NULL, &s.arena, &node, &s.err));
        node = arc__node_get(arc__node_get(node, "body"), "plan");
        CHECK_OK(arc__plan_from_node(node, &s.arena, &again, NULL));
    }
    arc__buf_deinit(&text);
    subject_deinit(&s);
}

/* --- JSON --------------------------------------------------------------------------------- */

static arc_slice print(struct subject *s, const struct arc_plan *plan)
{
    arc__buf_clear(&s->out);
    arc__plan_to_json(plan, &s->out);
    return arc__arena_copy(&s->arena, arc__buf_slice(&s->out));
}

static void a_plan_comes_back_from_its_json(void)
{
    struct subject s;
    const struct arc_node *node = NULL;
    const struct arc_plan *again = NULL;
    struct arc_plan_inputs inputs = manual();
    subject_init(&s);
    build(&s, full, &inputs);
    if (s.plan != NULL) {
        arc_slice first = print(&s, s.plan);
        CHECK_OK(arc__json_read(first, NULL, &s.arena, &node, NULL));
        CHECK_OK(arc__plan_from_node(node, &s.arena, &again, NULL));
        CHECK(again != NULL && arc__slice_equal(print(&s, again), first));
        if (again != NULL) {
            CHECK_TEXT(again->jobs[0].steps[1].id, "m");
            CHECK_INT(again->jobs[1].stage, 1);
            CHECK_INT(again->jobs[0].retry.on, ARC_CAUSE_LOST);
            CHECK_INT(again->jobs[0].selector.exprs[0].op, ARC_LABEL_GT);
        }
    }
    subject_deinit(&s);
}

static void the_hash_is_of_the_plan_and_nothing_else(void)
{
    struct subject a, b;
    struct arc_plan_inputs inputs = manual();
    subject_init(&a);
    subject_init(&b);
    build(&a, full, &inputs);
    build(&b, full, &inputs);
    if (a.plan != NULL && b.plan != NULL) {
        CHECK(arc__slice_equal(print(&a, a.plan), print(&b, b.plan)));
        arc_slice before = arc__arena_copy(&a.arena, a.plan->hash);
        inputs.ref = ARC_LIT("other");
        build(&b, full, &inputs);
        CHECK(b.plan != NULL && !arc__slice_equal(before, b.plan->hash));
    }
    subject_deinit(&a);
    subject_deinit(&b);
}

/* What is made of a text once serves all jobs, unless it names what differs between them. */
static void the_same_text_is_made_anew_where_it_differs(void)
{
    struct subject s;
    struct arc_plan_inputs inputs = manual();
    subject_init(&s);
    build(
        &s,
        "namespace: n\nversion: v1\nvariables: {v: x}\njobs:\n"
        "  - name: a\n    env: {E: one}\n    matrix: {go: [\"1\", \"2\"]}\n"
        "    steps:\n"
        "      - {name: s, when: \"matrix.go == '1'\", run: \"true\",\n"
        "         env: {M: \"${{ matrix.go }}\", C: \"${{ env.E }}\", V: \"${{ variables.v }}\"}}\n"
        "  - name: b\n    env: {E: two}\n"
        "    steps:\n"
        "      - {name: s, when: \"env.E == 'one'\", run: \"true\",\n"
        "         env: {C: \"${{ env.E }}\", V: \"${{ variables.v }}\"}}\n"
        "  - name: c\n    env: {E: one}\n"
        "    steps:\n"
        "      - {name: s, when: \"env.E == 'one'\", run: \"true\",\n"
        "         env: {C: \"${{ env.E }}\", V: \"${{ variables.v }}\"}}\n",
        &inputs);
    if (s.plan != NULL && s.plan->job_count == 4) {
        static const char *const cells[] = {"1", "2"}, *const envs[] = {"one", "one", "two", "one"};
        static const enum arc_when whens[] = {ARC_WHEN_SUCCESS, ARC_WHEN_NEVER, ARC_WHEN_NEVER,
                                              ARC_WHEN_SUCCESS};
        for (uint32_t i = 0; i < 4; i++) {
            const struct arc_plan_step *step = &s.plan->jobs[i].steps[0];
            CHECK_TEXT(arc__kvs_get(&step->env, ARC_LIT("C")), envs[i]);
            CHECK_TEXT(arc__kvs_get(&step->env, ARC_LIT("V")), "x");
            CHECK_INT(step->condition.when, whens[i]);
            if (i < 2)
                CHECK_TEXT(arc__kvs_get(&step->env, ARC_LIT("M")), cells[i]);
        }
    } else {
        CHECK(0);
    }
    subject_deinit(&s);
}

static void check_refused(const char *json, const char *why)
{
    struct subject s;
    const struct arc_node *node = NULL;
    const struct arc_plan *plan = NULL;
    subject_init(&s);
    CHECK_OK(arc__json_read(arc__slice_cstr(json), NULL, &s.arena, &node, NULL));
    CHECK_STATUS(arc__plan_from_node(node, &s.arena, &plan, &s.err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(s.err.message), why);
    CHECK(plan == NULL);
    subject_deinit(&s);
}

static void json_that_is_no_plan_is_refused(void)
{
    check_refused("[]", "A plan is a JSON object.");
    check_refused("{\"namespace\":1}", "The plan's `namespace` is not as it must be.");
    check_refused("{\"stages\":{}}", "The plan's `stages` is not as it must be.");
    check_refused("{\"timeoutNs\":-1}", "The plan's `timeoutNs` is not as it must be.");
    check_refused("{\"variables\":{\"b\":\"\",\"a\":\"\"}}",
                  "The plan's `variables` is not as it must be.");
    check_refused("{\"stages\":[{\"jobs\":[{\"deps\":[1]}]}]}",
                  "The plan's `deps` is not as it must be.");
    check_refused("{\"stages\":[{\"jobs\":[{\"deps\":[0,0]}]}]}",
                  "The plan's `deps` is not as it must be.");
    check_refused("{\"stages\":[{\"when\":\"often\"}]}", "The plan's `when` is not as it must be.");
    check_refused("{\"stages\":[{\"jobs\":[5]}]}", "The plan's `jobs` is not as it must be.");
    check_refused("{\"stages\":[{\"jobs\":[{\"steps\":[5]}]}]}",
                  "The plan's `steps` is not as it must be.");
    check_refused("{\"stages\":[{\"jobs\":[{\"selector\":{\"exprs\":[{}]}}]}]}",
                  "The plan's `op` is not as it must be.");
    check_refused("{\"stages\":[{\"jobs\":[{\"retry\":{\"on\":[\"x\"]}}]}]}",
                  "The plan's `on` is not as it must be.");
}

static void a_plan_of_another_version_takes_defaults(void)
{
    struct subject s;
    const struct arc_node *node = NULL;
    const struct arc_plan *plan = NULL;
    subject_init(&s);
    CHECK_OK(arc__json_read(ARC_LIT("{\"later\":1,\"stages\":[{\"name\":\"a\",\"jobs\":[{\"name\":"
                                    "\"b\",\"new\":{},\"steps\":[{\"name\":\"c\"}]}]}]}"),
                            NULL, &s.arena, &node, NULL));
    CHECK_OK(arc__plan_from_node(node, &s.arena, &plan, NULL));
    if (plan != NULL) {
        CHECK_TEXT(plan->jobs[0].key, "b");
        CHECK_INT(plan->jobs[0].condition.when, ARC_WHEN_SUCCESS);
        CHECK_TEXT(plan->jobs[0].steps[0].id, "c");
        CHECK_INT(plan->jobs[0].steps[0].retry.max_attempts, 0);
    }
    subject_deinit(&s);
}

/* --- the canonical form ------------------------------------------------------------------- */

static arc_slice canonical(struct subject *s)
{
    arc__buf_clear(&s->out);
    CHECK_OK(arc__spec_canonical(s->spec, &s->out, NULL));
    return arc__arena_copy(&s->arena, arc__buf_slice(&s->out));
}

static void check_canonical(const char *text, const char *want)
{
    struct subject s;
    struct arc_plan_inputs inputs = manual();
    subject_init(&s);
    build(&s, text, &inputs);
    if (s.plan != NULL) {
        arc_slice plan = print(&s, s.plan), form = canonical(&s);
        if (want != NULL)
            CHECK_TEXT(form, want);
        CHECK_OK(subject_read(&s, form));
        CHECK(s.spec != NULL && arc__slice_equal(canonical(&s), form));
        CHECK_OK(subject_plan(&s, &inputs));
        CHECK(s.plan != NULL && arc__slice_equal(print(&s, s.plan), plan));
    }
    subject_deinit(&s);
}

static void the_canonical_form_means_the_same(void)
{
    check_canonical(full, NULL);
    check_canonical(
        "jobs:\n- steps: [{run: make, name: x, params: {z: 1, a: 0x10}, when: true, env: {B: 1.10, "
        "A: ''}}]\n  queue_timeout: 3600s\n  needs: []\n  name: a\n  continue_on_error: false\n"
        "  run_on_agent: false\n  timeout: 0\n  x-own: 1\nnamespace: demo\nversion: 1.0\n"
        "approval: {required: false}\n",
        "{\"namespace\":\"demo\",\"version\":\"1.0\",\"approval\":{\"required\":false},"
        "\"jobs\":[{\"name\":\"a\",\"runOnAgent\":false,\"queueTimeout\":\"1h\",\"steps\":["
        "{\"name\":\"x\",\"run\":\"make\",\"args\":{\"z\":1,\"a\":16},\"env\":{\"B\":\"1.10\","
        "\"A\":\"\"},\"when\":\"true\"}]}]}");
}

static void what_is_asked_of_a_definition_is_answered(void)
{
    struct subject s;
    subject_init(&s);
    CHECK_OK(subject_read(&s, arc__slice_cstr(full)));
    if (s.spec != NULL) {
        CHECK_INT(arc__spec_job_count(s.spec), 2);
        CHECK_TEXT(arc__spec_namespace(s.spec), "demo");
        CHECK_TEXT(arc__spec_version(s.spec), "v1");
        CHECK_INT(arc__spec_format(s.spec), ARC_FORMAT_YAML);
    }
    CHECK_OK(subject_read(&s, ARC_LIT(" \n{\"namespace\":\"demo\",\"jobs\":[{\"name\":\"a\","
                                      "\"steps\":[{\"name\":\"b\",\"uses\":\"c\"}]}]}")));
    CHECK(s.spec != NULL && arc__spec_format(s.spec) == ARC_FORMAT_JSON);
    subject_deinit(&s);
}

static void cells_share_what_does_not_name_the_matrix(void)
{
    struct subject s;
    struct arc_plan_inputs inputs = manual();
    subject_init(&s);
    build(
        &s,
        "namespace: n\nversion: v1\nenv: {G: x}\njobs:\n"
        "  - {name: a, matrix: {os: [l, m]}, env: {E: '${{ env.G }}'}, steps: [{name: s, run: "
        "x}]}\n"
        "  - {name: b, matrix: {os: [l, m]}, steps: [{name: s, run: '${{ matrix.os }}'}]}\n"
        "  - {name: c, matrix: {os: [l, m]}, when: matrix.os == 'm', steps: [{name: s, run: x}]}\n",
        &inputs);
    if (s.plan != NULL && s.plan->job_count == 6) {
        const struct arc_plan_job *jobs = s.plan->jobs;
        CHECK(jobs[0].steps == jobs[1].steps);
        CHECK_TEXT(jobs[1].key, "a[os=m]");
        CHECK_TEXT(jobs[1].cell, "{\"os\":\"m\"}");
        CHECK(jobs[2].steps != jobs[3].steps);
        CHECK_TEXT(jobs[3].steps[0].args, "{\"run\":\"m\"}");
        CHECK_INT(jobs[4].condition.when, ARC_WHEN_NEVER);
        CHECK_INT(jobs[5].condition.when, ARC_WHEN_SUCCESS);
    } else {
        CHECK(0);
    }
    subject_deinit(&s);
}

static const struct test tests[] = {
    {"a plan holds what the definition says", a_plan_holds_what_the_definition_says},
    {"the variables of the trigger win, and are not expanded", the_variables_of_the_trigger_win},
    {"a value can never create keys or leave its text",
     a_value_can_never_create_keys_or_leave_its_text},
    {"a value that is absent expands to nothing", a_value_that_is_absent_expands_to_nothing},
    {"a path is checked again once its values are known",
     a_path_is_checked_once_its_values_are_known},
    {"inputs that are no text are refused", inputs_that_are_no_text_are_refused},
    {"what templates make has limits", what_templates_make_has_limits},
    {"the deepest plan can be read back from inside an event", the_deepest_plan_can_be_read_back},
    {"a plan comes back from its JSON, byte for byte", a_plan_comes_back_from_its_json},
    {"the same text is made anew where it differs", the_same_text_is_made_anew_where_it_differs},
    {"the hash is of the plan and nothing else", the_hash_is_of_the_plan_and_nothing_else},
    {"JSON that is no plan is refused", json_that_is_no_plan_is_refused},
    {"a plan of another version takes defaults", a_plan_of_another_version_takes_defaults},
    {"the canonical form means the same", the_canonical_form_means_the_same},
    {"what is asked of a definition is answered", what_is_asked_of_a_definition_is_answered},
    {"cells share what does not name the matrix", cells_share_what_does_not_name_the_matrix},
};

TEST_MAIN(tests)
