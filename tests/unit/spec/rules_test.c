/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that need more than a file to show: limits, and what depends on why it is checked. */
#include <stdio.h>

#include "help.h"
#include "spec/diag.h"

static const char job[] = "namespace: demo\njobs:\n- name: a\n  steps: [{name: s, run: x}]\n  ";

/* The definition of one job with more keys, and the code that it must give (0: none at all). */
static void check_job(const char *more, uint32_t code)
{
    struct subject s;
    char text[1024];
    subject_init(&s);
    snprintf(text, sizeof(text), "%s%s\n", job, more);
    (void)subject_read(&s, arc__slice_cstr(text));
    if (code == 0)
        test_check_int(__FILE__, __LINE__, more, s.diags.errors + s.diags.warnings, 0);
    else
        test_check_int(__FILE__, __LINE__, more, subject_find(&s, code) != NULL, 1);
    subject_deinit(&s);
}

static void every_good_block_is_accepted_in_silence(void)
{
    static const char *const good[] = {
        "matrix: {os: [linux, windows], go: [1.24, '1.25']}",
        "matrix: {include: [{os: linux, go: 1.25}]}",
        "matrix: {os: [a, b], exclude: [{os: a}], maxParallel: 1, failFast: false}",
        "matrix: {os: [a], exclude: [{os: a}], include: [{os: b, extra: true}]}",
        "matrix: {os: [1, '1.0', true, 'no']}",
        "approval: {approvers: [a, b], count: 2, timeout: 1h, onTimeout: approve}",
        "approval: {type: auto, plugin: gate, params: {a: b}}",
        "approval: {required: false, type: auto}",
        "retry: {maxAttempts: 1}",
        "retry: {maxAttempts: 3, delay: 1s, maxDelay: 1s, backoff: linear, jitter: true}",
        "agentSelector: {matchExpressions: [{key: a, operator: Gt, values: [1]}, {key: a, "
        "operator: Lt, values: [3]}]}",
        "agentSelector: {matchExpressions: [{key: a, operator: Gt, values: [1]}, {key: a, "
        "operator: Lt, values: [1.5]}]}",
        "agentSelector: {matchExpressions: [{key: a, operator: NotExists}, {key: a, operator: "
        "NotIn, values: [x]}]}",
        "agentSelector: {matchLabels: {a: '2'}, matchExpressions: [{key: a, operator: Gt, values: "
        "[1]}, {key: a, operator: Exists}, {key: a, operator: In, values: [2, 3]}]}",
        "timeout: 0",
        "env: {TOKEN_FILE: /run/x, PASSWORD: '', KEY: ghp_short, API_TOKEN: $OTHER}",
        "x-note: anything",
    };
    for (size_t i = 0; i < ARC_COUNT_OF(good); i++)
        check_job(good[i], 0);
}

static void resources_are_compared_in_one_unit(void)
{
    check_job("runtime: {resources: {memoryRequest: 1Gi, memoryLimit: 1024Mi}}", 0);
    check_job("runtime: {resources: {memoryRequest: 1025Mi, memoryLimit: 1Gi}}",
              ARC_DIAG_REQUEST_ABOVE_LIMIT);
    check_job("runtime: {resources: {cpuRequest: 1.001, cpuLimit: 1000m}}",
              ARC_DIAG_REQUEST_ABOVE_LIMIT);
    check_job("runtime: {resources: {memoryLimit: 99999999999Ti}}", ARC_DIAG_QUANTITY);
    check_job("runtime: {resources: {cpuLimit: 1.}}", ARC_DIAG_QUANTITY);
}

static void read_limited(const char *text, struct arc_spec_limits limits, uint32_t code)
{
    struct subject s;
    subject_init(&s);
    arc_status status = subject_read_limited(&s, arc__slice_cstr(text), &limits);
    test_check_status(__FILE__, __LINE__, text, status, code == 0 ? ARC_OK : ARC_EINVAL);
    CHECK_INT(subject_find(&s, code) != NULL, code != 0);
    subject_deinit(&s);
}

static void the_cells_of_a_matrix_have_a_limit(void)
{
    static const char text[] = "namespace: demo\njobs:\n- name: a\n  steps: [{name: s, run: x}]\n"
                               "  matrix: {a: [1, 2, 3], b: [1, 2], include: [{a: 9, b: 9}]}\n";
    read_limited(text, (struct arc_spec_limits){.cells = 7}, 0);
    read_limited(text, (struct arc_spec_limits){.cells = 6}, ARC_DIAG_TOO_MANY);
    read_limited(text, (struct arc_spec_limits){.jobs = 7}, 0);
    read_limited(text, (struct arc_spec_limits){.jobs = 6}, ARC_DIAG_TOO_MANY);
}

static void edges_between_cells_have_a_limit(void)
{
    static const char text[] = "namespace: demo\njobs:\n"
                               "- {name: a, matrix: {x: [1, 2, 3]}, steps: [{name: s, run: x}]}\n"
                               "- {name: b, matrix: {y: [1, 2]}, needs: [a], steps: [{name: s, "
                               "run: x}]}\n- {name: c, needs: [a], steps: [{name: s, run: x}]}\n";
    read_limited(text, (struct arc_spec_limits){.edges = 9}, 0);
    read_limited(text, (struct arc_spec_limits){.edges = 8}, ARC_DIAG_TOO_MANY);
}

static void a_huge_product_is_never_walked(void)
{
    struct subject s;
    struct arc_buf text;
    subject_init(&s);
    arc__buf_init(&text, &s.mem, 1 << 20);
    arc__buf_add_cstr(&text, job);
    arc__buf_add_cstr(&text, "matrix:\n");
    for (int axis = 0; axis < 400; axis++) {
        arc__buf_printf(&text, "    a%d: [", axis);
        for (int value = 0; value < 40; value++)
            arc__buf_printf(&text, "%s%d", value > 0 ? ", " : "", value);
        arc__buf_add_cstr(&text, "]\n");
    }
    CHECK_STATUS(subject_read(&s, arc__buf_slice(&text)), ARC_EINVAL);
    CHECK(subject_find(&s, ARC_DIAG_TOO_MANY) != NULL);
    arc__buf_deinit(&text);
    subject_deinit(&s);
}

/* --- why it is checked -------------------------------------------------------------------------
 */

static void what_is_not_run_yet_is_refused_only_where_it_is_to_be_run(void)
{
    static const char text[] = "namespace: demo\nsource: {type: git, repo: x}\n"
                               "triggers: [{type: cron, expression: '@daily'}]\n"
                               "jobs: [{name: a, steps: [{name: s, run: x}]}]\n";
    const struct arc_read_options to_run = {.runnable = 1};
    struct subject s;
    subject_init(&s);
    CHECK_OK(subject_read(&s, arc__slice_cstr(text)));
    CHECK_INT(s.diags.warnings, 2);
    CHECK_STATUS(subject_read_with(&s, arc__slice_cstr(text), &to_run), ARC_EINVAL);
    CHECK_INT(s.diags.errors, 1); /* a run by hand does what the rest says */
    CHECK_INT(s.diags.warnings, 1);
    CHECK_INT(subject_find(&s, ARC_DIAG_LATER)->mark.line, 2);
    subject_deinit(&s);
}

static void a_definition_without_later_keys_is_runnable(void)
{
    static const char text[] = "namespace: demo\napproval: {required: false}\n"
                               "jobs: [{name: a, artifacts: [], steps: [{name: s, run: x}]}]\n";
    const struct arc_read_options to_run = {.runnable = 1};
    struct subject s;
    subject_init(&s);
    CHECK_OK(subject_read_with(&s, arc__slice_cstr(text), &to_run));
    CHECK_INT(s.diags.count, 0);
    subject_deinit(&s);
}

/* --- memory ------------------------------------------------------------------------------------
 */

static const char wrong[] =
    "namespace: demo\nconcurrency: g\nvariables: {token: abcdef}\n"
    "triggers:\n- {type: cron, expression: '0 0 31 2 *', timezone: Berln}\n"
    "- {type: event, branch: ['!x']}\n"
    "jobs:\n- name: a\n  runs-on: x\n  concurrency: g\n  timeout: 1s\n"
    "  matrix: {a: [1, 1], b: [x], exclude: [{c: 1}, {b: y}], include: [{1x: 2}]}\n"
    "  agentSelector: {matchLabels: {os: a}, matchExpressions: [{key: os, operator: NotExists}]}\n"
    "  approval: {type: auto}\n  runtime: {resources: {cpuLimit: x, cpuRequest: 2}}\n"
    "  steps: [{name: s, run: x, timeout: 2s, retry: {maxAttempts: 1, delay: 1s}}]\n";

static int life(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct arc_arena arena;
    struct arc_diags diags = {0};
    struct arc_spec *spec = NULL;
    arc_err err = ARC_ERR_INIT;
    arc__arena_init(&arena, &mem, HELP_MAX);
    arc_status status = arc__spec_read(arc__slice_cstr(wrong), ARC_FORMAT_YAML, ARC_NONE, NULL,
                                       &arena, &diags, &spec, &err);
    arc__arena_deinit(&arena);
    CHECK(status == ARC_EINVAL || status == ARC_ENOMEM);
    return status == ARC_EINVAL;
}

static void a_rule_that_finds_no_memory_says_so(void)
{
    test_torture(life, 0, 20000);
    test_torture(life, 1, 20000);
}

/* One step whose script is some blanks, the text and some more; 1: it looks like a secret. */
static int seems_secret(size_t before, const char *text)
{
    struct subject s;
    char script[512], whole[1024];
    subject_init(&s);
    snprintf(script, sizeof(script), "%*s%s%*s", (int)before, "", text, (int)(before % 7), "");
    snprintf(whole, sizeof(whole),
             "namespace: demo\njobs:\n- name: a\n  steps: [{name: s, run: 'x%s x'}]\n", script);
    (void)subject_read(&s, arc__slice_cstr(whole));
    int found = subject_find(&s, ARC_DIAG_PLAIN_SECRET) != NULL;
    CHECK_INT(s.diags.errors, 0);
    CHECK_INT(s.diags.warnings, found);
    subject_deinit(&s);
    return found;
}

static void a_secret_is_found_wherever_it_stands(void)
{
    for (size_t before = 1; before < 70; before++) {
        CHECK_INT(seems_secret(before, "ghp_0123456789abcdefghij"), 1);
        CHECK_INT(seems_secret(before, "ghp_0123456789abcdefghi"), 0);
        CHECK_INT(seems_secret(before, "AKIA0123456789ABCDEF"), 1);
        CHECK_INT(seems_secret(before, "AKIA0123456789ABCDE"), 0);
        CHECK_INT(seems_secret(before, "xAKIA0123456789ABCDEF"), 0);
        CHECK_INT(seems_secret(before, "-----BEGIN RSA PRIVATE KEY-----"), 1);
        CHECK_INT(seems_secret(before, "--------BEGIN PRIVATE KEY-----"), 1);
        CHECK_INT(seems_secret(before, "----BEGIN PRIVATE KEY-----"), 0);
        CHECK_INT(seems_secret(before, "-----BEGIN PUBLIC KEY-----"), 0);
    }
}

static void names_of_secrets_are_told_by_their_end(void)
{
    static const char *const secret[] = {"TOKEN",      "db.passWord", "x-api-key",   "Access_Key",
                                         "MY_SECRET_", "CREDENTIALS", "passphrase__"};
    static const char *const open[] = {"KEN", "TOKENS", "PASSWORD_FILE", "KEY", "api", "SECRET2"};
    char more[128];
    for (size_t i = 0; i < ARC_COUNT_OF(secret); i++) {
        snprintf(more, sizeof(more), "finally: [{name: t, uses: y, args: {%s: word}}]", secret[i]);
        check_job(more, ARC_DIAG_PLAIN_SECRET);
    }
    for (size_t i = 0; i < ARC_COUNT_OF(open); i++) {
        snprintf(more, sizeof(more), "finally: [{name: t, uses: y, args: {%s: word}}]", open[i]);
        check_job(more, 0);
    }
}

static const struct test tests[] = {
    {"every good block is accepted in silence", every_good_block_is_accepted_in_silence},
    {"resources are compared in one unit", resources_are_compared_in_one_unit},
    {"the cells of a matrix have a limit", the_cells_of_a_matrix_have_a_limit},
    {"edges between cells have a limit", edges_between_cells_have_a_limit},
    {"a huge product is never walked", a_huge_product_is_never_walked},
    {"what is not run yet is refused only where it is to be run",
     what_is_not_run_yet_is_refused_only_where_it_is_to_be_run},
    {"a definition without later keys is runnable", a_definition_without_later_keys_is_runnable},
    {"a rule that finds no memory says so", a_rule_that_finds_no_memory_says_so},
    {"a secret is found wherever it stands", a_secret_is_found_wherever_it_stands},
    {"names of secrets are told by their end", names_of_secrets_are_told_by_their_end},
};

TEST_MAIN(tests)
