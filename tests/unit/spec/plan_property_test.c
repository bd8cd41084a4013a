/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every plan, tried with random definitions against references that are as plain as
 * they can be: the order of jobs, the cells of matrices, and that nothing but the definition and
 * the inputs decides a byte. */
#include <stdio.h>
#include <stdlib.h>

#include "help.h"
#include "spec/plan_print.h"
#include "spec/plan_private.h"

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

static uint32_t below(uint32_t *seed, uint32_t count)
{
    return next(seed) % count;
}

static arc_status plan(struct subject *s, arc_slice text)
{
    const struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual"),
                                           .ref = ARC_LIT("refs/heads/main")};
    s->plan = NULL;
    if (subject_read(s, text) == ARC_OK)
        (void)subject_plan(s, &inputs);
    return s->status;
}

static arc_slice json_of(struct subject *s, const struct arc_plan *of)
{
    arc__buf_clear(&s->out);
    arc__plan_to_json(of, &s->out);
    return arc__buf_slice(&s->out);
}

/* --- order -------------------------------------------------------------------------------- */

#define JOBS_MAX 24

struct graph {
    uint32_t count, cut;               /* cut: the first job of the second stage */
    uint8_t needs[JOBS_MAX][JOBS_MAX]; /* needs[a][b]: a waits for b */
    uint32_t rank[JOBS_MAX];           /* edges go from a higher one to a lower one */
};

static void make_graph(struct graph *graph, uint32_t *seed)
{
    *graph = (struct graph){.count = 2 + below(seed, JOBS_MAX - 2)};
    graph->cut = 1 + below(seed, graph->count - 1);
    for (uint32_t i = 0; i < graph->count; i++)
        graph->rank[i] = next(seed);
    for (uint32_t a = 0; a < graph->count; a++) {
        for (uint32_t b = 0; b < graph->count; b++) {
            int earlier = a >= graph->cut && b < graph->cut;
            int together = (a < graph->cut) == (b < graph->cut);
            graph->needs[a][b] =
                (earlier || (together && graph->rank[a] > graph->rank[b])) && below(seed, 4) == 0;
        }
    }
}

static void print_graph(const struct graph *graph, struct arc_buf *out)
{
    arc__buf_clear(out);
    arc__buf_add_cstr(out, "namespace: demo\nstages:\n");
    for (uint32_t a = 0; a < graph->count; a++) {
        if (a == 0 || a == graph->cut)
            arc__buf_printf(out, "- name: s%u\n  jobs:\n", a);
        arc__buf_printf(out, "  - name: j%u\n    dependsOn: [", a);
        int any = 0;
        for (uint32_t b = 0; b < graph->count; b++) {
            if (graph->needs[a][b])
                arc__buf_printf(out, "%sj%u", any++ ? ", " : "", b);
        }
        arc__buf_add_cstr(out, "]\n    steps: [{name: x, run: y}]\n");
    }
}

/* The definition of the order, word by word: each place is taken by the first job of its stage, as
 * written, that has no place and whose dependencies all have one. */
static void order_of(const struct graph *graph, uint32_t *order)
{
    uint8_t placed[JOBS_MAX] = {0};
    for (uint32_t at = 0; at < graph->count; at++) {
        uint32_t from = at < graph->cut ? 0 : graph->cut;
        for (uint32_t a = from; a < graph->count; a++) {
            int ready = !placed[a];
            for (uint32_t b = 0; b < graph->count; b++)
                ready &= !graph->needs[a][b] || placed[b];
            if (ready) {
                placed[a] = 1;
                order[at] = a;
                break;
            }
        }
    }
}

static int holds_dep(const struct arc_plan_job *job, uint32_t dep)
{
    for (uint32_t d = 0; d < job->dep_count; d++) {
        if (job->deps[d] == dep)
            return 1;
    }
    return 0;
}

static void check_order(const struct graph *graph, const struct arc_plan *made)
{
    uint32_t order[JOBS_MAX] = {0};
    char name[16];
    order_of(graph, order);
    CHECK_INT(made->job_count, graph->count);
    for (uint32_t i = 0; i < made->job_count; i++) {
        snprintf(name, sizeof(name), "j%u", order[i]);
        CHECK_TEXT(made->jobs[i].name, name);
        for (uint32_t k = 0; k < made->job_count; k++)
            CHECK(holds_dep(&made->jobs[i], k) == graph->needs[order[i]][order[k]]);
        for (uint32_t d = 0; d < made->jobs[i].dep_count; d++)
            CHECK(made->jobs[i].deps[d] < i);
    }
}

static void jobs_stand_in_the_order_of_the_reference(void)
{
    uint32_t seed = 7;
    struct arc_buf text;
    struct arc_mem mem = arc__mem_default();
    arc__buf_init(&text, &mem, 1 << 20);
    for (int round = 0; round < 300; round++) {
        struct subject s;
        struct graph graph;
        subject_init(&s);
        make_graph(&graph, &seed);
        print_graph(&graph, &text);
        if (CHECK_OK(plan(&s, arc__buf_slice(&text))))
            check_order(&graph, s.plan);
        subject_deinit(&s);
    }
    arc__buf_deinit(&text);
}

/* --- cells -------------------------------------------------------------------------------- */

#define AXES 3
#define NAMES (AXES + 2) /* the last two are extra names of `include` */
#define ROWS_MAX 64

/* A value is 1 to 3; 0: the row has none of that name. */
struct cells {
    uint32_t axes, sizes[AXES];
    uint32_t excludes, includes;
    uint8_t exclude[3][NAMES], include[3][NAMES];
};

static void make_cells(struct cells *cells, uint32_t *seed)
{
    *cells = (struct cells){
        .axes = 1 + below(seed, AXES), .excludes = below(seed, 4), .includes = below(seed, 4)};
    for (uint32_t a = 0; a < cells->axes; a++)
        cells->sizes[a] = 1 + below(seed, 3);
    for (uint32_t i = 0; i < cells->excludes; i++) {
        cells->exclude[i][0] = 1; /* never empty */
        for (uint32_t a = 0; a < cells->axes; a++)
            cells->exclude[i][a] = (uint8_t)below(seed, cells->sizes[a] + 1);
        if (cells->exclude[i][0] == 0)
            cells->exclude[i][0] = 1;
    }
    for (uint32_t i = 0; i < cells->includes; i++) {
        for (uint32_t a = 0; a < NAMES; a++)
            cells->include[i][a] = a < cells->axes || a >= AXES ? (uint8_t)below(seed, 4) : 0;
        cells->include[i][NAMES - 1] = (uint8_t)(1 + below(seed, 3));
    }
}

static const char *const names[NAMES] = {"b", "a", "c", "y", "x"};

static void print_row(const uint8_t *row, struct arc_buf *out)
{
    int any = 0;
    arc__buf_add_char(out, '{');
    for (uint32_t n = 0; n < NAMES; n++) {
        if (row[n] != 0)
            arc__buf_printf(out, "%s%s: %u", any++ ? ", " : "", names[n], row[n]);
    }
    arc__buf_add_char(out, '}');
}

static void print_rows(const char *key, const uint8_t rows[][NAMES], uint32_t count,
                       struct arc_buf *out)
{
    arc__buf_printf(out, "    %s: [", key);
    for (uint32_t i = 0; i < count; i++) {
        arc__buf_add_cstr(out, i > 0 ? ", " : "");
        print_row(rows[i], out);
    }
    arc__buf_add_cstr(out, "]\n");
}

static void print_cells(const struct cells *cells, struct arc_buf *out)
{
    arc__buf_clear(out);
    arc__buf_add_cstr(out, "namespace: demo\njobs:\n- name: t\n  matrix:\n");
    for (uint32_t a = 0; a < cells->axes; a++) {
        arc__buf_printf(out, "    %s: [", names[a]);
        for (uint32_t v = 1; v <= cells->sizes[a]; v++)
            arc__buf_printf(out, "%s%u", v > 1 ? ", " : "", v);
        arc__buf_add_cstr(out, "]\n");
    }
    print_rows("exclude", cells->exclude, cells->excludes, out);
    print_rows("include", cells->include, cells->includes, out);
    arc__buf_add_cstr(out, "  steps: [{name: x, run: y}]\n");
}

static int row_agrees(const uint8_t *row, const uint8_t *with, uint32_t axes)
{
    for (uint32_t a = 0; a < axes; a++) {
        if (with[a] != 0 && with[a] != row[a])
            return 0;
    }
    return 1;
}

/* Counts through all numbers whose digits are the axes' values. */
static uint32_t product_of(const struct cells *cells, uint8_t rows[ROWS_MAX][NAMES])
{
    uint32_t count = 0, total = 1;
    for (uint32_t a = 0; a < cells->axes; a++)
        total *= cells->sizes[a];
    for (uint32_t i = 0; i < total; i++) {
        uint8_t *row = rows[count];
        uint32_t rest = i;
        int dropped = 0;
        memset(row, 0, NAMES);
        for (uint32_t a = cells->axes; a-- > 0;) {
            row[a] = (uint8_t)(1 + rest % cells->sizes[a]);
            rest /= cells->sizes[a];
        }
        for (uint32_t e = 0; e < cells->excludes; e++)
            dropped |= row_agrees(row, cells->exclude[e], cells->axes);
        count += !dropped;
    }
    return count;
}

static uint32_t expand(const struct cells *cells, uint8_t rows[ROWS_MAX][NAMES])
{
    uint32_t product = product_of(cells, rows), count = product;
    for (uint32_t i = 0; i < cells->includes; i++) {
        const uint8_t *with = cells->include[i];
        int extended = 0;
        for (uint32_t r = 0; r < product; r++) {
            if (!row_agrees(rows[r], with, cells->axes))
                continue;
            extended = 1;
            for (uint32_t n = 0; n < NAMES; n++)
                rows[r][n] = with[n] != 0 ? with[n] : rows[r][n];
        }
        if (!extended)
            memcpy(rows[count++], with, NAMES);
    }
    return count;
}

/* Axes first, then the other names in the order in which they come up. */
static void key_of(const struct cells *cells, const uint8_t *row, struct arc_buf *out)
{
    int any = 0, y_first = 0;
    for (uint32_t i = cells->includes; i-- > 0;)
        y_first = cells->include[i][AXES] != 0 || y_first;
    arc__buf_clear(out);
    arc__buf_add_cstr(out, "t[");
    for (uint32_t at = 0; at < NAMES; at++) {
        /* `x` is in every row of `include`, `y` comes before it in a row. */
        uint32_t n = at;
        if (at >= AXES && (!y_first || cells->include[0][AXES] == 0))
            n = at == AXES ? AXES + 1 : AXES;
        if (row[n] != 0)
            arc__buf_printf(out, "%s%s=%u", any++ ? "," : "", names[n], row[n]);
    }
    arc__buf_add_char(out, ']');
}

/* Rows that are there already are not there twice. */
static uint32_t drop_twins(uint8_t rows[ROWS_MAX][NAMES], uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        int twin = 0;
        for (uint32_t k = 0; k < kept; k++)
            twin |= memcmp(rows[k], rows[i], NAMES) == 0;
        if (!twin)
            memmove(rows[kept++], rows[i], NAMES);
    }
    return kept;
}

static void check_cells(const struct cells *cells, struct subject *s)
{
    uint8_t rows[ROWS_MAX][NAMES];
    struct arc_buf key;
    uint32_t count = drop_twins(rows, expand(cells, rows));
    arc__buf_init(&key, &s->mem, 4096);
    if (count == 0) {
        CHECK_STATUS(s->status, ARC_EINVAL);
    } else if (CHECK_OK(s->status) && CHECK_INT(s->plan->job_count, count)) {
        for (uint32_t i = 0; i < count; i++) {
            key_of(cells, rows[i], &key);
            CHECK(arc__slice_equal(s->plan->jobs[i].key, arc__buf_slice(&key)));
        }
    }
    arc__buf_deinit(&key);
}

static void cells_are_those_of_the_reference(void)
{
    uint32_t seed = 11;
    struct arc_buf text;
    struct arc_mem mem = arc__mem_default();
    arc__buf_init(&text, &mem, 1 << 20);
    for (int round = 0; round < 500; round++) {
        struct subject s;
        struct cells cells;
        subject_init(&s);
        make_cells(&cells, &seed);
        print_cells(&cells, &text);
        (void)plan(&s, arc__buf_slice(&text));
        check_cells(&cells, &s);
        subject_deinit(&s);
    }
    arc__buf_deinit(&text);
}

/* --- nothing else decides ----------------------------------------------------------------- */

static const char whole[] =
    "namespace: demo\nversion: v1\nvariables: {target: staging, ref: '${{ trigger.ref }}'}\n"
    "env: {A: '${{ variables.target }}'}\napproval: {approvers: [x, y], count: 2}\n"
    "concurrency: {group: all, onFull: reject}\nstages:\n- name: one\n  jobs:\n"
    "  - {name: last, needs: [t], retry: {maxAttempts: 2}, steps: [{name: s, uses: a/b@v1, args: "
    "{n: [1.50, null, {k: v}]}}]}\n"
    "  - name: t\n    matrix: {os: [linux, mac], go: [1.10, 1.25], exclude: [{os: mac, go: 1.10}], "
    "include: [{os: linux, go: 1.25, race: true}], failFast: false}\n"
    "    source: {type: git, repo: 'https://x/${{ target }}', depth: 1}\n"
    "    artifacts: [{name: r, path: out}]\n    approval: {type: auto, plugin: p, params: {a: 1}}\n"
    "    steps: [{name: s, run: 'make ${{ target }}', secrets: {T: token}, when: always()}]\n"
    "    finally: [{name: f, run: clean}]\n"
    "- {name: two, when: failure(), jobs: [{name: z, concurrency: g, steps: [{name: s, run: "
    "x}]}]}\n";

/* Of the plan above: the same from every compiler, at every level of optimisation, on every host.
 */
static const char whole_hash[] = "0486ea25f30d6e30fcab9e66d4ae50e5eba3f56bc3abdfebcbbc2b02ae42a95c";

static void a_fixed_definition_has_its_known_hash(void)
{
    struct subject s;
    subject_init(&s);
    if (CHECK_OK(plan(&s, arc__slice_cstr(whole))))
        CHECK_TEXT(s.plan->hash, whole_hash);
    else
        CHECK_TEXT(subject_print(&s, 0), "");
    subject_deinit(&s);
}

/* One life: plans under an allocator, and compares with the plan of another one. */
static int plan_again(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct subject s = {.mem = mem, .err = ARC_ERR_INIT};
    struct arc_plan_agents nobody = {.given = 1};
    arc__arena_init(&s.arena, &mem, HELP_MAX);
    arc__buf_init(&s.out, &mem, HELP_MAX);
    arc_status status = plan(&s, arc__slice_cstr(whole));
    int same = status == ARC_OK && arc__slice_is(s.plan->hash, whole_hash);
    CHECK(status == ARC_OK || status == ARC_ENOMEM);
    if (status == ARC_OK) {
        arc__buf_clear(&s.out);
        arc__plan_print_tree(s.plan, &nobody, &s.out);
        arc__plan_print_json(s.plan, &nobody, &s.out);
        arc__plan_print_dot(s.plan, &s.out);
        arc__plan_print_mermaid(s.plan, &s.out);
        same = same && s.out.failed == ARC_OK;
        CHECK(s.out.failed == ARC_OK || s.out.failed == ARC_ENOMEM);
    }
    subject_deinit(&s);
    return same;
}

static void a_failed_allocation_ends_a_plan_cleanly(void)
{
    test_torture(plan_again, 0, 4000);
    test_torture(plan_again, 1, 4000);
}

/* The hash can be made again of what was stored, whose JSON is no longer than it was said to be. */
static void check_stored_hash(struct subject *s)
{
    const struct arc_node *node = NULL;
    const struct arc_plan *again = NULL;
    char hex[ARC_SHA256_HEX_LEN + 1];
    arc_slice json = arc__arena_copy(&s->arena, json_of(s, s->plan));
    CHECK_OK(arc__json_read(json, NULL, &s->arena, &node, NULL));
    CHECK_OK(arc__plan_from_node(node, &s->arena, &again, &s->err));
    if (again == NULL)
        return;
    CHECK(arc__plan_hash(again, hex) >= json.len);
    CHECK_TEXT(s->plan->hash, hex);
}

static void a_plan_reads_back_as_it_was_written(void)
{
    struct subject s;
    const struct arc_node *node = NULL;
    const struct arc_plan *again = NULL;
    subject_init(&s);
    if (CHECK_OK(plan(&s, arc__slice_cstr(whole)))) {
        arc_slice first = arc__arena_copy(&s.arena, json_of(&s, s.plan));
        CHECK_OK(arc__json_read(first, NULL, &s.arena, &node, NULL));
        CHECK_OK(arc__plan_from_node(node, &s.arena, &again, &s.err));
        CHECK(again != NULL && arc__slice_equal(json_of(&s, again), first));
        check_stored_hash(&s);
    }
    if (again != NULL) {
        CHECK_INT(again->gate_count, 2);
        CHECK_INT(again->jobs[0].matrix, 1);
        CHECK_INT(again->jobs[0].steps[0].role, ARC_STEP_ROLE_SOURCE);
        CHECK_INT(again->jobs[0].steps[2].finally, 1);
        CHECK_INT(again->matrices[0].fail_fast, 0);
        CHECK_INT(again->group.on_full, ARC_FULL_REJECT);
        CHECK_INT(again->jobs[0].gate, 2);
    }
    subject_deinit(&s);
}

/* Pieces of definitions in any order: most are wrong, none may do harm, and what can be planned is
 * planned twice to the same bytes. */
static const char *const pieces[] = {
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "name",
    "a",
    "b",
    "matrix",
    "steps",
    "run",
    "when",
    "always()",
    "include",
    "exclude",
    "dependsOn",
    "${{ ",
    " }}",
    "trigger.ref",
    "matrix.a",
    "needs.a.outputs.x",
    "env",
    "finally",
    "source",
    "type: git",
    "approval",
    "concurrency",
    "\n",
    "\n  ",
    "\n- ",
    "1",
    "true",
    "null",
    "&x ",
    "*x",
    "variables",
    "success() && ",
};

static void random_definitions_do_no_harm(void)
{
    uint32_t seed = 3;
    size_t planned = 0;
    for (int round = 0; round < 3000; round++) {
        struct subject s;
        char text[4096];
        size_t len = strlen(whole), at, gone;
        subject_init(&s);
        memcpy(text, whole, len + 1);
        for (uint32_t change = 1 + below(&seed, 2); change > 0; change--) {
            const char *piece = pieces[below(&seed, ARC_COUNT_OF(pieces))];
            size_t add = strlen(piece);
            at = below(&seed, (uint32_t)len);
            gone = below(&seed, 3);
            gone = gone < len - at ? gone : len - at;
            memmove(text + at + add, text + at + gone, len - at - gone + 1);
            memcpy(text + at, piece, add);
            len = len + add - gone;
        }
        if (plan(&s, arc__slice(text, len)) == ARC_OK) {
            arc_slice hash = s.plan->hash;
            planned++;
            CHECK_OK(plan(&s, arc__slice(text, len)));
            CHECK(s.plan != NULL && arc__slice_equal(s.plan->hash, hash));
            if (s.plan != NULL)
                check_stored_hash(&s);
        }
        subject_deinit(&s);
    }
    CHECK_INT(planned > 100 ? 100 : planned, 100);
}

static const struct test tests[] = {
    {"jobs stand in the order of the reference, none early",
     jobs_stand_in_the_order_of_the_reference},
    {"cells are those of the reference", cells_are_those_of_the_reference},
    {"a fixed definition has its known hash", a_fixed_definition_has_its_known_hash},
    {"a failed allocation ends a plan cleanly", a_failed_allocation_ends_a_plan_cleanly},
    {"a whole plan reads back as it was written", a_plan_reads_back_as_it_was_written},
    {"random definitions do no harm", random_definitions_do_no_harm},
};
TEST_MAIN(tests)
