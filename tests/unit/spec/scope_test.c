/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions in a definition: what is accepted in silence, and where findings point. */
#include <stdio.h>

#include "help.h"
#include "spec/diag.h"

static const char full[] =
    "namespace: demo\n"
    "variables: {target: prod, ref: '${{ trigger.ref }}', 'odd name': x, repo: '${{ git.repo }}'}\n"
    "env: {A: '${{ variables.target }} ${{ variables[\"odd name\"] }}', B: '${{ run.id }}', R: "
    "'${{ "
    "ref }} ${{ repo }}'}\n"
    "stages:\n"
    "- name: one\n"
    "  when: trigger.branch == 'main' || target == 'prod'\n"
    "  env: {C: '${{ run.number }}'}\n"
    "  jobs:\n"
    "  - name: build\n"
    "    matrix: {os: [linux, windows], go: [1.24, 1.25], include: [{os: mac, go: 1.25, x: 1}]}\n"
    "    when: matrix.os != 'windows' && env.A startsWith 'x'\n"
    "    outputs: {v: '${{ steps.get.outputs.v }}', s: '${{ steps.clean.status }}'}\n"
    "    env: {JOB: '${{ matrix.go }} ${{ matrix.x ?? 0 }} ${{ job.name }}'}\n"
    "    steps:\n"
    "    - {name: get, run: 'make ${{ matrix.os }}', when: always()}\n"
    "    - {name: use, run: 'echo \"$V\"', env: {V: '${{ steps.get.outputs.v }}'}, when: "
    "\"steps.get.exitCode == 0 && failure()\"}\n"
    "    - {name: args, uses: x, args: {n: ['${{ run.number }}', {deep: '${{ agent.labels.os "
    "}}'}]}, "
    "workingDirectory: 'out/${{ matrix.os }}'}\n"
    "    finally:\n"
    "    - {name: clean, run: make, when: steps.use.status == 'failed' || cancelled()}\n"
    "  - name: single\n"
    "    outputs: {v: x}\n"
    "    steps: [{name: a, run: make}]\n"
    "- name: two\n"
    "  jobs:\n"
    "  - name: deploy\n"
    "    needs: [build, single]\n"
    "    when: needs.build.result == 'success' && needs.single.outputs.v == 'x'\n"
    "    steps:\n"
    "    - name: a\n"
    "      run: \"echo ${{ needs.build.result }} ${{ trigger.branch == 'x' ? 1 : 2 }}\"\n"
    "      env: {B: \"${{ needs.build.outputs['build[os=linux]'] ?? '' }}x\", M: '${{ env.A }}'}\n";

static void what_the_contexts_give_is_accepted_in_silence(void)
{
    struct subject s;
    subject_init(&s);
    (void)subject_read(&s, arc__slice_cstr(full));
    arc_slice said = subject_print(&s, 0);
    CHECK_TEXT(said, "");
    subject_deinit(&s);
}

/* One job with more keys; the code and the column of the first finding, 0: there is none. */
static void check_at(const char *more, const struct arc_read_options *options, uint32_t code,
                     uint32_t column, uint32_t end_column)
{
    struct subject s;
    char text[1024];
    subject_init(&s);
    snprintf(text, sizeof(text), "namespace: demo\nvariables: {v: x}\njobs:\n- name: j\n%s\n",
             more);
    (void)subject_read_with(&s, arc__slice_cstr(text), options);
    const struct arc_diag *diag = s.diags.first;
    while (diag != NULL && diag->code == ARC_DIAG_UNUSED_VARIABLE)
        diag = diag->next;
    test_check_int(__FILE__, __LINE__, more, diag != NULL ? diag->code : 0, code);
    test_check_int(__FILE__, __LINE__, more, diag != NULL ? diag->mark.column : 0, column);
    test_check_int(__FILE__, __LINE__, more, diag != NULL ? diag->mark.end_column : 0, end_column);
    subject_deinit(&s);
}

static void findings_point_at_the_token(void)
{
    static const char steps[] = "  steps: [{name: a, run: x}]\n";
    static const struct {
        const char *text;
        uint32_t code, column, end;
    } rows[] = {
        {"  when: always() && nope == 'x'", ARC_DIAG_UNKNOWN_NAME, 21, 25},
        {"  when: 'nope == 1'", ARC_DIAG_UNKNOWN_NAME, 10, 14},
        {"  when: \"1 + true > 2\"", ARC_DIAG_EXPRESSION_TYPE, 12, 13},
        {"  env: {A: 'x ${{ variables.w }}'}", ARC_DIAG_UNKNOWN_NAME, 29, 30},
        {"  env: {A: 'x ${{v}} ${{  w  }}'}", ARC_DIAG_UNKNOWN_NAME, 27, 28},
        {"  env: {A: \"\xc3\xa9 ${{ w }}\"}", ARC_DIAG_UNKNOWN_NAME, 19, 20},
        /* Escaped or folded, the text is not in the document: the braces are shown. */
        {"  env: {A: \"${{ \\u0077 }}\"}", ARC_DIAG_UNKNOWN_NAME, 13, 26},
        {"  when: \"\\u0077 == 1\"", ARC_DIAG_UNKNOWN_NAME, 9, 22},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        char text[256];
        snprintf(text, sizeof(text), "%s\n%s", rows[i].text, steps);
        check_at(text, NULL, rows[i].code, rows[i].column, rows[i].end);
    }
}

static void scripts_may_hold_what_nobody_outside_chooses(void)
{
    static const char *const good[] = {
        "v",
        "trigger.branch == 'main'",
        "trigger.branch matches '^v' ? 'tag' : 'branch'",
        "len(trigger.actor)",
        "trigger.type",
        "{a: 'x', b: 'y'}[trigger.branch]",
        "trigger.ref contains v and git.commit != ''",
        "int(trigger.payload.count)",
        "run.number",
    };
    static const char *const bad[] = {
        "trigger.branch",
        "trigger.tag ?? 'none'",
        "v + git.commit",
        "upper(trigger.ref)",
        "[git.branch][0]",
        "{a: trigger.sha}.a",
        "v == 'x' ? v : git.repo",
        "'a' == v ? trigger.actor : v",
        "replace(git.commit, 'a', v)",
        "trigger",
        "first([trigger.actor])",
        "trigger.payload['x']",
    };
    struct arc_read_options warn = {.script_warnings = 1};
    for (size_t i = 0; i < ARC_COUNT_OF(good); i++) {
        char text[256];
        snprintf(text, sizeof(text), "  steps: [{name: a, run: \"${{ %s }}\"}]\n", good[i]);
        check_at(text, NULL, 0, 0, 0);
    }
    for (size_t i = 0; i < ARC_COUNT_OF(bad); i++) {
        struct subject s;
        char text[512];
        subject_init(&s);
        snprintf(text, sizeof(text),
                 "namespace: demo\nvariables: {v: x}\nenv: {V: '${{ v }}'}\njobs:\n- name: j\n"
                 "  steps: [{name: a, run: \"${{ %s }}\"}]\n",
                 bad[i]);
        test_check_status(__FILE__, __LINE__, bad[i], subject_read(&s, arc__slice_cstr(text)),
                          ARC_EINVAL);
        CHECK(subject_find(&s, ARC_DIAG_SCRIPT) != NULL);
        CHECK_INT(s.diags.count, 1);
        test_check_status(__FILE__, __LINE__, bad[i],
                          subject_read_with(&s, arc__slice_cstr(text), &warn), ARC_OK);
        CHECK_INT(s.diags.warnings, 1);
        subject_deinit(&s);
    }
}

static void a_condition_that_is_false_for_good_is_found(void)
{
    static const struct {
        const char *when;
        int never;
    } rows[] = {
        {"false", 1},
        {"1 > 2", 1},
        {"failure() && 'a' == 'b'", 1},
        {"false || 1 == 2", 1},
        {"trigger.branch == 'main' && false", 1},
        {"always()", 0},
        {"trigger.branch == 'x'", 0},
        {"failure()", 0},
        {"v == 'y'", 0}, /* the trigger may give it another value */
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct subject s;
        char text[512];
        subject_init(&s);
        snprintf(text, sizeof(text),
                 "namespace: demo\nvariables: {v: x}\nenv: {V: '${{ v }}'}\njobs:\n- name: j\n"
                 "  when: %s\n  steps: [{name: a, run: x}]\n",
                 rows[i].when);
        CHECK_OK(subject_read(&s, arc__slice_cstr(text)));
        test_check_int(__FILE__, __LINE__, rows[i].when, subject_find(&s, ARC_DIAG_NEVER) != NULL,
                       rows[i].never);
        subject_deinit(&s);
    }
}

static void the_length_of_an_expression_has_a_limit(void)
{
    static const char text[] = "namespace: demo\njobs:\n- name: j\n"
                               "  when: trigger.branch == 'main'\n  steps: [{name: a, run: x}]\n";
    struct arc_spec_limits limits = {.expression_bytes = 24};
    struct subject s;
    subject_init(&s);
    CHECK_OK(subject_read_limited(&s, arc__slice_cstr(text), &limits));
    limits.expression_bytes = 23;
    CHECK_STATUS(subject_read_limited(&s, arc__slice_cstr(text), &limits), ARC_EINVAL);
    CHECK(subject_find(&s, ARC_DIAG_EXPRESSION_SIZE) != NULL);
    subject_deinit(&s);
}

/* What a name stands for is looked up in other expressions, which may be as long. */
static void long_expressions_are_followed_up_to_their_limit(void)
{
    struct arc_spec_limits limits = {.expression_bytes = 20000};
    struct subject s;
    struct arc_buf text;
    subject_init(&s);
    arc__buf_init(&text, &s.mem, 65536);
    arc__buf_add_cstr(&text, "namespace: demo\njobs:\n- name: j\n"
                             "  steps: [{name: a, env: {E: \"${{ 'a'");
    for (int i = 0; i < 9000; i++)
        arc__buf_add_char(&text, ' ');
    arc__buf_add_cstr(&text, "+ 'b' }}\"}, run: 'echo ${{ env.E }}'}]\n");
    CHECK_OK(subject_read_limited(&s, arc__buf_slice(&text), &limits));
    CHECK(subject_find(&s, ARC_DIAG_SCRIPT) == NULL);
    arc__buf_deinit(&text);
    subject_deinit(&s);
}

/* --- memory ------------------------------------------------------------------------------------
 */

static const char wrong[] =
    "namespace: demo\nvariables: {a: '${{ b }}', b: '${{ run.id }}'}\n"
    "jobs:\n- name: one\n  when: nope && 1 / 0 == 1 || lenn('a') > 'x'\n"
    "  matrix: {os: [a]}\n  outputs: {x: '${{ steps.z.outputs.q }}'}\n"
    "  steps: [{name: z, run: 'x ${{ trigger.ref }} ${{ matrix.oz }} ${{ env.E }} ${{'}]\n"
    "  env: {E: '${{ git.branch }}'}\n"
    "- name: two\n  needs: [one]\n  when: needs.one.result == needs.thre.result && false\n"
    "  steps: [{name: z, run: x, env: {A: '${{ steps.z.status }} ${{ secrets.X }}'}}]\n";

static int life_of(struct test_mem *state, const char *text, arc_status want)
{
    struct arc_mem mem = test_mem(state);
    struct arc_arena arena;
    struct arc_diags diags = {0};
    struct arc_spec *spec = NULL;
    arc_err err = ARC_ERR_INIT;
    arc__arena_init(&arena, &mem, HELP_MAX);
    arc_status status = arc__spec_read(arc__slice_cstr(text), ARC_FORMAT_YAML, ARC_NONE, NULL,
                                       &arena, &diags, &spec, &err);
    arc__arena_deinit(&arena);
    CHECK(status == want || status == ARC_ENOMEM);
    return status == want;
}

static int bad_life(struct test_mem *state)
{
    return life_of(state, wrong, ARC_EINVAL);
}

static int good_life(struct test_mem *state)
{
    return life_of(state,
                   "namespace: demo\njobs:\n- {name: a, outputs: {x: y}, steps: [{name: a, "
                   "run: x}]}\n- {name: b, needs: [a], when: needs.a.outputs.x == 'y', "
                   "steps: [{name: a, run: x}]}\n",
                   ARC_OK);
}

static void a_check_of_expressions_that_finds_no_memory_says_so(void)
{
    test_torture(bad_life, 0, 20000);
    test_torture(bad_life, 1, 20000);
    test_torture(good_life, 0, 20000);
}

/* How many findings of a code there are. */
static uint32_t count_of(const struct subject *s, uint32_t code)
{
    uint32_t count = 0;
    for (const struct arc_diag *d = s->diags.first; d != NULL; d = d->next)
        count += d->code == code;
    return count;
}

/* What was found good is remembered; that it is good elsewhere is not. */
static void what_is_good_in_one_place_is_looked_at_in_others(void)
{
    struct subject s;
    subject_init(&s);
    (void)subject_read(
        &s,
        ARC_LIT("namespace: demo\nversion: '1'\nvariables: {v: x}\njobs:\n"
                "- name: a\n  matrix: {os: [l]}\n  env: {B: '${{ trigger.branch }}'}\n"
                "  steps:\n"
                "  - {name: s, run: x, env: {B: '${{ trigger.branch }}', M: '${{ matrix.os }}'}}\n"
                "  - {name: t, run: 'echo ${{ trigger.branch }}'}\n"
                "  - {name: u, run: 'echo ${{ trigger.branch }} ${{ variables.v }}'}\n"
                "  - {name: v, uses: x, args: {a: '${{ trigger.branch }}'}}\n"
                "- name: b\n  env: {M: '${{ matrix.os }}'}\n  when: 1 == 2\n"
                "  steps: [{name: s, run: x, when: 1 == 2}]\n"
                "- name: c\n  when: 1 == 2\n  outputs: {v: '${{ variables.v }}'}\n"
                "  steps: [{name: s, uses: x, args: {a: '{{ matrix.os }} ${matrix.os} $'}}]\n"));
    CHECK_INT(count_of(&s, ARC_DIAG_SCRIPT), 2);
    CHECK_INT(count_of(&s, ARC_DIAG_UNKNOWN_NAME), 1);
    CHECK_INT(count_of(&s, ARC_DIAG_NEVER), 3);
    CHECK_INT(count_of(&s, ARC_DIAG_LOOK_ALIKE), 2);
    CHECK_INT(s.diags.errors + s.diags.warnings, 8);
    if (s.diags.errors + s.diags.warnings != 8)
        CHECK_TEXT(subject_print(&s, 0), "");
    subject_deinit(&s);
}

static const struct test tests[] = {
    {"what the contexts give is accepted in silence",
     what_the_contexts_give_is_accepted_in_silence},
    {"findings point at the token", findings_point_at_the_token},
    {"scripts may hold what nobody outside chooses", scripts_may_hold_what_nobody_outside_chooses},
    {"a condition that is false for good is found", a_condition_that_is_false_for_good_is_found},
    {"the length of an expression has a limit", the_length_of_an_expression_has_a_limit},
    {"long expressions are followed up to their limit",
     long_expressions_are_followed_up_to_their_limit},
    {"a check of expressions that finds no memory says so",
     a_check_of_expressions_that_finds_no_memory_says_so},
    {"what is good in one place is looked at in others",
     what_is_good_in_one_place_is_looked_at_in_others},
};

TEST_MAIN(tests)
