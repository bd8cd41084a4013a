/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions: by hand, so that together they use every key that the engine acts on, and random
 * ones. */
#include <stdarg.h>
#include <string.h>

#include "sim.h"

/* clang-format off */
#define X "{name: x, run: 'true'}"
#define Y "{name: y, run: 'true'}"
#define Z "{name: z, run: 'true'}"
#define CLEAN "{name: clean, run: 'true'}"
static const char *const by_hand[] = {
    /* retries of steps with every back-off, a dependent on success and one on failure */
    "namespace: n\njobs:\n"
    "- name: a\n  steps:\n"
    "  - {name: x, run: 'true', retry: {maxAttempts: 3, delay: 4s, backoff: exponential}}\n"
    "  - {name: y, run: 'true', retry: {maxAttempts: 2, delay: 5s, backoff: linear, on: [failed]}}\n"
    "  - {name: z, run: 'true', timeout: 20s, retry: {maxAttempts: 2, on: [timeout]}}\n"
    "- {name: b, dependsOn: [a], steps: [" X ", " Y "]}\n"
    "- {name: c, dependsOn: [a], when: failure(), steps: [" X "]}\n"
    "- {name: d, dependsOn: [b, c], when: always(), steps: [" X "]}\n",
    /* stages, continueOnError, a stage that always runs */
    "namespace: n\nstages:\n"
    "- name: one\n  jobs:\n"
    "  - {name: a, steps: [" X "]}\n"
    "  - {name: b, continueOnError: true, steps: [" X "]}\n"
    "  - {name: c, timeout: 60s, steps: [" X ", " Y ", " Z "]}\n"
    "- name: two\n  jobs:\n"
    "  - {name: d, dependsOn: [a], steps: [" X "]}\n"
    "- name: three\n  when: always()\n  jobs:\n"
    "  - {name: e, steps: [" X "]}\n"
    "  - {name: f, when: failure(), steps: [" X "]}\n",
    /* the run's timeout, the queue's, retries of jobs with every cause */
    "namespace: n\ntimeout: 200s\njobs:\n"
    "- {name: a, retry: {maxAttempts: 3, delay: 10s}, steps: [" X ", " Y "]}\n"
    "- {name: b, queueTimeout: 40s, agentSelector: {matchLabels: {os: beos}}, steps: [" X "]}\n"
    "- {name: c, queueTimeout: 50s, steps: [" X "]}\n"
    "- {name: d, retry: {maxAttempts: 2, on: [timeout]}, timeout: 15s, steps: [" X "]}\n"
    "- {name: e, retry: {maxAttempts: 9, on: [lost]}, steps: [" X ", " Y "]}\n",
    /* finally, and steps with conditions */
    "namespace: n\njobs:\n"
    "- name: a\n  timeout: 90s\n  retry: {maxAttempts: 2, on: [failed]}\n"
    "  steps:\n  - " X "\n  - {name: y, when: failure(), run: 'true'}\n"
    "  - {name: z, when: always(), run: 'true'}\n"
    "  finally:\n  - " CLEAN "\n  - {name: tell, when: failure(), run: 'true'}\n"
    "- name: b\n  steps:\n  - {name: x, run: 'true', continueOnError: true}\n  - " Y "\n"
    "  finally:\n  - " CLEAN "\n",
    /* matrices: maxParallel, failFast, and a dependent of all cells */
    "namespace: n\njobs:\n"
    "- name: a\n  matrix: {v: [a, b, c, d], maxParallel: 2}\n  steps: [" X ", " Y "]\n"
    "- name: b\n  matrix: {v: [a, b, c], maxParallel: 1, failFast: false}\n"
    "  retry: {maxAttempts: 2}\n  steps: [" X "]\n"
    "- {name: c, dependsOn: [a, b], steps: [" X "]}\n",
    /* approvals of a pipeline, stage and job: count, timeout, both ends */
    "namespace: n\napproval: {count: 1}\njobs:\n"
    "- {name: a, steps: [" X "]}\n"
    "- {name: b, dependsOn: [a], approval: {count: 2, timeout: 100s, onTimeout: approve}, steps: [" X "]}\n",
    "namespace: n\ntimeout: 400s\nstages:\n"
    "- {name: one, jobs: [{name: a, steps: [" X "]}]}\n"
    "- {name: two, approval: {timeout: 60s}, jobs: [{name: b, steps: [" X "]}]}\n"
    "- {name: three, when: always(), jobs: [{name: c, approval: {approvers: [ann, bob]}, steps: [" X "]}]}\n",
    /* outputs, and conditions over them */
    "namespace: n\njobs:\n"
    "- name: a\n  outputs: {v: \"${{ steps.x.outputs.v }}\"}\n  steps:\n  - {name: x, run: 'true'}\n"
    "- {name: b, dependsOn: [a], when: \"needs.a.outputs.v == '1'\", steps: [" X "]}\n"
    "- {name: c, dependsOn: [a], when: \"failure() || needs.a.outputs.v == '2'\", steps: [" X "]}\n"
    "- {name: d, dependsOn: [b, c], when: always(), steps: [" X ", {name: y, when: \"cancelled()\", run: 'true'}]}\n",
    /* what comes after a failure: those that it skips, and those that wait for one further up */
    "namespace: n\njobs:\n"
    "- {name: a, steps: [" X ", " Y ", " Z "]}\n"
    "- {name: b, dependsOn: [a], steps: [" X "]}\n"
    "- {name: c, dependsOn: [b], when: failure(), steps: [" X "]}\n"
    "- {name: d, dependsOn: [b], steps: [" X "]}\n"
    "- {name: e, dependsOn: [c, d], when: always(), steps: [" X "]}\n",
    /* a matrix that ends itself, at the end of a stage and of a run */
    "namespace: n\nstages:\n"
    "- name: one\n  jobs:\n"
    "  - {name: a, matrix: {v: [a, b, c, d], maxParallel: 1}, steps: [" X ", " Y "]}\n"
    "- name: two\n  when: always()\n  jobs:\n"
    "  - {name: b, matrix: {v: [a, b, c, d]}, steps: [" X ", " Y "]}\n",
    /* a chain, labels, and a job of whom nothing is wanted */
    "namespace: n\njobs:\n"
    "- {name: a, agentSelector: {matchLabels: {size: big}}, steps: [" X ", " Y "]}\n"
    "- {name: b, dependsOn: [a], agentSelector: {matchLabels: {os: linux}}, steps: [" X "]}\n"
    "- {name: c, dependsOn: [b], when: false, steps: [" X "]}\n"
    "- {name: d, dependsOn: [c], steps: [" X "]}\n"
    "- {name: e, dependsOn: [d], retry: {maxAttempts: 2, delay: 8s}, steps: [" X "]}\n",
    /* groups of whole runs: who comes waits, ends the holder, ends those before it, or itself */
    "namespace: n\nconcurrency: g\ntimeout: 300s\napproval: {count: 1, timeout: 60s, onTimeout: approve}\njobs:\n"
    "- {name: a, retry: {maxAttempts: 2, delay: 5s}, steps: [" X ", " Y "]}\n"
    "- {name: b, dependsOn: [a], steps: [" X "]}\n",
    "namespace: n\nconcurrency: {group: g, onFull: cancelRunning}\njobs:\n"
    "- name: a\n  steps: [" X ", " Y "]\n  finally:\n  - " CLEAN "\n"
    "- {name: b, steps: [" X "]}\n",
    "namespace: n\nconcurrency: {group: g, limit: 2, order: ready, onFull: cancelPending}\njobs:\n"
    "- {name: a, steps: [" X ", " Y ", " Z "]}\n",
    /* groups of jobs, over retries and cells */
    "namespace: n\njobs:\n"
    "- {name: a, concurrency: {group: g, limit: 2}, retry: {maxAttempts: 3, delay: 10s}, matrix: {v: [a, b, c, d], maxParallel: 2, failFast: false}, steps: [" X "]}\n"
    "- {name: b, concurrency: {group: g, limit: 2}, queueTimeout: 60s, steps: [" X ", " Y "]}\n"
    "- {name: c, dependsOn: [b], concurrency: {group: h, onFull: reject}, steps: [" X "]}\n",
    "namespace: n\njobs:\n"
    "- {name: a, concurrency: {group: g, order: ready, onFull: cancelPending}, steps: [" X ", " Y "]}\n"
    "- {name: b, concurrency: {group: h, onFull: cancelRunning}, retry: {maxAttempts: 2}, steps: [" X ", " Y "]}\n"
    "- {name: c, dependsOn: [a], when: always(), concurrency: {group: h, onFull: reject}, steps: [" X "]}\n",
};
/* clang-format on */

/* --- random ones --------------------------------------------------------------------------- */

struct writer {
    char *text;
    size_t size, len;
    struct dice *dice;
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    w->len += (size_t)vsnprintf(w->text + w->len, w->size - w->len, format, list);
    va_end(list);
}

static void put_when(struct writer *w, uint32_t sides, const char *before)
{
    static const char *const words[] = {"failure()", "always()", "cancelled()", "false"};
    uint32_t n = roll(w->dice, sides);
    if (n < 4)
        put(w, "%swhen: %s", before, words[n]);
}

static void put_retry(struct writer *w, const char *before)
{
    static const char *const causes[] = {"", ", on: [failed]", ", on: [timeout, lost]",
                                         ", on: [lost]"};
    static const char *const backoffs[] = {"fixed", "linear", "exponential"};
    if (roll(w->dice, 3) != 0)
        return;
    /* One roll at a time: in which order arguments are worked out is the compiler's business. */
    uint32_t attempts = 1 + roll(w->dice, 3), delay = 1 + roll(w->dice, 8);
    uint32_t backoff = roll(w->dice, 3), cause = roll(w->dice, 4);
    put(w, "%sretry: {maxAttempts: %u, delay: %us, backoff: %s%s}", before, attempts, delay,
        backoffs[backoff], causes[cause]);
}

static void put_group(struct writer *w, uint32_t sides, const char *indent)
{
    static const char *const on_full[] = {"wait", "wait", "cancelRunning", "cancelPending",
                                          "reject"};
    if (roll(w->dice, sides) != 0)
        return;
    uint32_t name = roll(w->dice, 2), limit = 1 + roll(w->dice, 2), order = roll(w->dice, 2);
    put(w, "%sconcurrency: {group: %s, limit: %u, order: %s, onFull: %s}\n", indent,
        name ? "g" : "h", limit, order ? "ready" : "created", on_full[roll(w->dice, 5)]);
}

static void put_steps(struct writer *w, const char *indent)
{
    uint32_t count = 1 + roll(w->dice, 3);
    put(w, "%ssteps:\n", indent);
    for (uint32_t s = 0; s < count; s++) {
        put(w, "%s- {name: s%u, run: 'true'", indent, s);
        if (s > 0)
            put_when(w, 12, ", ");
        put_retry(w, ", ");
        if (roll(w->dice, 6) == 0)
            put(w, ", timeout: %us", 10 + roll(w->dice, 30));
        if (roll(w->dice, 6) == 0)
            put(w, ", continueOnError: true");
        put(w, "}\n");
    }
    if (roll(w->dice, 4) == 0)
        put(w, "%sfinally:\n%s- {name: last, run: 'true'}\n", indent, indent);
}

static void put_job(struct writer *w, uint32_t job, uint32_t first, const char *indent)
{
    put(w, "%.*s- name: j%u\n", (int)strlen(indent) - 2, indent, job);
    char before[16];
    (void)snprintf(before, sizeof(before), "%s", indent);
    if (job > first && roll(w->dice, 2))
        put(w, "%sdependsOn: [j%u]\n", indent, first + roll(w->dice, job - first));
    size_t at = w->len;
    put_when(w, 10, before);
    put(w, "%s", w->len > at ? "\n" : "");
    at = w->len;
    put_retry(w, before);
    put(w, "%s", w->len > at ? "\n" : "");
    if (roll(w->dice, 5) == 0)
        put(w, "%scontinueOnError: true\n", indent);
    if (roll(w->dice, 5) == 0)
        put(w, "%stimeout: %us\n", indent, 20 + roll(w->dice, 60));
    if (roll(w->dice, 6) == 0)
        put(w, "%squeueTimeout: %us\n", indent, 40 + roll(w->dice, 100));
    put_group(w, 6, indent);
    if (roll(w->dice, 6) == 0) {
        uint32_t most = 1 + roll(w->dice, 2), fast = roll(w->dice, 2);
        put(w, "%smatrix: {v: [a, b, c], maxParallel: %u, failFast: %s}\n", indent, most,
            fast ? "true" : "false");
    }
    if (roll(w->dice, 8) == 0) {
        uint32_t seconds = 30 + roll(w->dice, 90), approve = roll(w->dice, 2);
        put(w, "%sapproval: {timeout: %us, onTimeout: %s}\n", indent, seconds,
            approve ? "approve" : "reject");
    }
    put_steps(w, indent);
}

static void make_random(char *text, size_t size, struct dice *dice)
{
    struct writer w = {text, size, 0, dice};
    uint32_t job = 0, stages = roll(dice, 3);
    put(&w, "namespace: n\n");
    if (roll(dice, 5) == 0)
        put(&w, "timeout: %us\n", 100 + roll(dice, 200));
    put_group(&w, 6, "");
    if (stages == 0) {
        put(&w, "jobs:\n");
        for (uint32_t count = 1 + roll(dice, 4); job < count; job++)
            put_job(&w, job, 0, "  ");
        return;
    }
    put(&w, "stages:\n");
    for (uint32_t s = 0; s < stages; s++) {
        uint32_t first = job;
        put(&w, "- name: st%u\n", s);
        if (s > 0 && roll(dice, 3) == 0)
            put(&w, "  when: %s\n", roll(dice, 2) ? "always()" : "failure()");
        put(&w, "  jobs:\n");
        for (uint32_t count = first + 1 + roll(dice, 2); job < count; job++)
            put_job(&w, job, first, "    ");
    }
}

void defs_draw(struct sim *sim, struct dice *dice)
{
    sim->pipeline_count = 1 + roll(dice, PIPELINES_MAX - 1);
    for (uint32_t i = 0; i < sim->pipeline_count; i++)
        sim->texts[i] = by_hand[roll(dice, ARC_COUNT_OF(by_hand))];
    if (roll(dice, 2)) {
        make_random(sim->random_text, sizeof(sim->random_text), dice);
        sim->texts[sim->pipeline_count++] = sim->random_text;
    }
}

/* --- reading them -------------------------------------------------------------------------- */

struct arc_definition_input defs_input(const char *yaml, struct arc_arena *arena)
{
    struct arc_definition_input input = {.format = ARC_FORMAT_YAML};
    struct arc_diags diags = {0};
    struct arc_spec *spec = NULL;
    struct arc_buf buf;
    input.text = arc__arena_copy(arena, arc__slice_cstr(yaml));
    arc__buf_init(&buf, &arena->mem, 1024u * 1024);
    if (arc__spec_read(input.text, ARC_FORMAT_YAML, ARC_NONE, NULL, arena, &diags, &spec, NULL) ==
        ARC_OK)
        (void)arc__spec_canonical(spec, &buf, NULL);
    input.canonical = arc__arena_copy(arena, arc__buf_slice(&buf));
    arc__buf_deinit(&buf);
    return input;
}

const struct arc_plan *defs_plan(const char *yaml, struct arc_arena *arena)
{
    const struct arc_plan *plan = NULL;
    const struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual")};
    const struct arc_read_options to_run = {.runnable = 1};
    struct arc_diags diags = {0};
    struct arc_spec *spec = NULL;
    arc_err err = ARC_ERR_INIT;
    arc_slice text = arc__arena_copy(arena, arc__slice_cstr(yaml));
    arc_status status =
        arc__spec_read(text, ARC_FORMAT_YAML, ARC_NONE, &to_run, arena, &diags, &spec, &err);
    if (status == ARC_OK)
        status = arc__plan_build(spec, &inputs, arena, &diags, &plan, &err);
    if (status != ARC_OK) {
        printf("%s\n%s: %s\n", yaml, err.subject, err.message);
        for (const struct arc_diag *diag = diags.first; diag != NULL; diag = diag->next)
            printf("%.*s\n", ARC_ARG(diag->message));
        return NULL;
    }
    return plan;
}

/* --- expressions --------------------------------------------------------------------------- */

static int has_v(const struct expr_facts *facts, char v)
{
    const char want[] = {'{', '"', 'v', '"', ':', '"', v, '"', '}', '\0'};
    return strcmp(facts->outputs, want) == 0;
}

static int is_one(const struct expr_facts *facts)
{
    return facts->success && has_v(facts, '1');
}

static int failed_or_two(const struct expr_facts *facts)
{
    return facts->failure || has_v(facts, '2');
}

static const struct def_expr exprs[] = {
    {"needs.a.outputs.v == '1'", "a", is_one},
    {"failure() || needs.a.outputs.v == '2'", "a", failed_or_two},
};

const struct def_expr *defs_expr(arc_slice text)
{
    for (size_t i = 0; i < ARC_COUNT_OF(exprs); i++) {
        if (arc__slice_is(text, exprs[i].text))
            return &exprs[i];
    }
    return NULL;
}
