/* SPDX-License-Identifier: Apache-2.0 */
/* Plans as trees and graphs: golden files under tests/golden/plan (`plan_print_test --write` writes
 * what is said now), and that no name can be syntax. */
#include <stdio.h>
#include <stdlib.h>

#include "help.h"
#include "spec/plan_print.h"

#define FILE_MAX ((size_t)1 << 20)

static int writing;

static const char *const forms[] = {"tree.txt", "plan.dot", "plan.mmd", "plan.json"};

static void print(const struct arc_plan *plan, size_t form, const struct arc_plan_agents *agents,
                  struct arc_buf *out)
{
    arc__buf_clear(out);
    if (form == 0)
        arc__plan_print_tree(plan, agents, out);
    else if (form == 1)
        arc__plan_print_dot(plan, out);
    else if (form == 2)
        arc__plan_print_mermaid(plan, out);
    else
        arc__plan_print_json(plan, agents, out);
}

static arc_slice read_file(struct subject *s, const char *file)
{
    char path[1024];
    const char *top = getenv("top_srcdir");
    snprintf(path, sizeof(path), "%s/tests/golden/plan/%s", top != NULL ? top : ".", file);
    FILE *in = fopen(path, "rb");
    char *bytes = in != NULL ? arc__arena_alloc(&s->arena, FILE_MAX) : NULL;
    size_t len = bytes != NULL ? fread(bytes, 1, FILE_MAX, in) : 0;
    if (in != NULL)
        fclose(in);
    return arc__slice(bytes, len);
}

static void compare(struct subject *s, const char *file, arc_slice got)
{
    char path[1024];
    const char *top = getenv("top_srcdir");
    snprintf(path, sizeof(path), "%s/tests/golden/plan/%s", top != NULL ? top : ".", file);
    if (writing) {
        FILE *out = fopen(path, "wb");
        CHECK(out != NULL && fwrite(got.ptr, 1, got.len, out) == got.len);
        if (out != NULL)
            fclose(out);
        return;
    }
    arc_slice want = read_file(s, file);
    if (!arc__slice_equal(got, want))
        printf("# %s: got\n%.*s", file, ARC_ARG(got));
    CHECK(arc__slice_equal(got, want));
}

static void plans_print_as_the_golden_files_say(void)
{
    const struct arc_kv big[] = {{ARC_LIT("cores"), ARC_LIT("16")},
                                 {ARC_LIT("os"), ARC_LIT("linux")}};
    const struct arc_kv small[] = {{ARC_LIT("os"), ARC_LIT("linux")}};
    const struct arc_plan_agent items[] = {{ARC_LIT("agent-1"), ARC_LIT("big"), {big, 2}},
                                           {ARC_LIT("agent-2"), ARC_NONE, {small, 1}}};
    const struct arc_plan_agents agents = {items, 2, 1};
    const struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual"),
                                           .branch = ARC_LIT("main")};
    struct subject s;
    subject_init(&s);
    arc_slice text = read_file(&s, "input.yaml");
    CHECK(text.len > 0);
    if (CHECK_OK(subject_read(&s, text)) && CHECK_OK(subject_plan(&s, &inputs))) {
        for (size_t form = 0; form < ARC_COUNT_OF(forms); form++) {
            print(s.plan, form, &agents, &s.out);
            compare(&s, forms[form], arc__buf_slice(&s.out));
        }
    }
    subject_deinit(&s);
}

/* --- the shape of graphs ------------------------------------------------------------------ */

/* Reads as much of the DOT language as graphs here may have: braces balance outside of quotes,
 * quotes close, a backslash takes the next character, statements end with ; and no line is broken
 * inside of a text. */
static int is_dot(arc_slice text)
{
    int depth = 0, quoted = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (quoted && c == '\n')
            return 0;
        if (quoted && c == '\\') {
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == '{' || c == '}')) {
            depth += c == '{' ? 1 : -1;
            if (depth < 0)
                return 0;
        } else if (!quoted && c == '\n' && text.ptr[i - 1] != ';' && text.ptr[i - 1] != '{' &&
                   text.ptr[i - 1] != '}') {
            return 0;
        }
    }
    return depth == 0 && !quoted && arc__slice_starts(text, ARC_LIT("digraph plan {\n"));
}

/* Each line is one of the few that a flowchart here has; a label holds nothing that Mermaid could
 * take for the end of one. */
static int is_mermaid(arc_slice text)
{
    int open = 0;
    arc_slice line = arc__slice_cut(text, '\n', &text);
    if (!arc__slice_is(line, "flowchart LR"))
        return 0;
    while (text.len > 0) {
        line = arc__slice_trim(arc__slice_cut(text, '\n', &text));
        const char *from = line.len > 0 ? memchr(line.ptr, '"', line.len) : NULL;
        if (arc__slice_is(line, "end")) {
            open--;
        } else if (from != NULL) {
            size_t left = line.len - (size_t)(from + 1 - line.ptr);
            const char *to = memchr(from + 1, '"', left);
            open += arc__slice_starts(line, ARC_LIT("subgraph "));
            if (from[-1] != '[' || to == NULL || to[1] != ']' || to + 2 != line.ptr + line.len)
                return 0;
        } else if (!arc__slice_starts(line, ARC_LIT("job_")) ||
                   memmem(line.ptr, line.len, " --> job_", 9) == NULL) {
            return 0;
        }
    }
    return open == 0;
}

static void graphs_stay_graphs_whatever_names_hold(void)
{
    static const char *const values[] = {"\\\"",     "\\\"]; } digraph { a -> b; \\\\",
                                         "end",      "</g><script>",
                                         "a\\nb",    "%%{init}%%",
                                         "`#quot;`", "\\\\",
                                         "x --> y"};
    const struct arc_plan_agents nobody = {0};
    const struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual")};
    for (size_t i = 0; i < ARC_COUNT_OF(values); i++) {
        struct subject s;
        char text[1024];
        subject_init(&s);
        snprintf(
            text, sizeof(text),
            "{\"namespace\":\"demo\",\"stages\":[{\"name\":\"one\",\"jobs\":[{\"name\":\"a\","
            "\"concurrency\":\"%s\",\"matrix\":{\"v\":[\"%s\",\"z\"]},\"steps\":[{\"name\":\"s\","
            "\"run\":\"x\"}]},{\"name\":\"b\",\"needs\":[\"a\"],\"steps\":[{\"name\":\"s\","
            "\"run\":\"x\"}]}]}]}",
            values[i], values[i]);
        if (CHECK_OK(subject_read(&s, arc__slice_cstr(text))) &&
            CHECK_OK(subject_plan(&s, &inputs))) {
            print(s.plan, 1, &nobody, &s.out);
            CHECK(is_dot(arc__buf_slice(&s.out)));
            print(s.plan, 2, &nobody, &s.out);
            CHECK(is_mermaid(arc__buf_slice(&s.out)));
        }
        subject_deinit(&s);
    }
}

static void what_checks_graphs_sees_broken_ones(void)
{
    CHECK(!is_dot(ARC_LIT("digraph plan {\n  label=\"a\"b\";\n}\n")));
    CHECK(!is_dot(ARC_LIT("digraph plan {\n  label=\"a\nb\";\n}\n")));
    CHECK(!is_dot(ARC_LIT("digraph plan {\n")));
    CHECK(!is_mermaid(ARC_LIT("flowchart LR\n  job_0[\"a\"]b\"]\n")));
    CHECK(!is_mermaid(ARC_LIT("flowchart LR\n  subgraph stage_0[\"a\"]\n")));
    CHECK(!is_mermaid(ARC_LIT("flowchart LR\n  x --> y\n")));
}

static void a_selector_that_nobody_meets_says_which_rule(void)
{
    const struct arc_kv one[] = {{ARC_LIT("os"), ARC_LIT("linux")}};
    const struct arc_kv two[] = {{ARC_LIT("cores"), ARC_LIT("4")}, {ARC_LIT("os"), ARC_LIT("mac")}};
    const struct arc_plan_agent items[] = {{ARC_LIT("1"), ARC_NONE, {one, 1}},
                                           {ARC_LIT("2"), ARC_NONE, {two, 2}}};
    const struct arc_plan_agents agents = {items, 2, 1};
    const arc_slice eight = ARC_LIT("8"), two_cores = ARC_LIT("2");
    const struct arc_label_expr more = {ARC_LIT("cores"), ARC_LABEL_GT, &eight, 1};
    const struct arc_label_expr some = {ARC_LIT("cores"), ARC_LABEL_GT, &two_cores, 1};
    const struct {
        struct arc_selector selector;
        const char *want;
    } rows[] = {
        {{{one, 1}, NULL, 0}, ""},
        {{{one, 1}, &some, 1}, "no agent meets all of its rules at once"},
        {{{one, 1}, &more, 1}, "no agent meets cores Gt 8"},
    };
    struct subject s;
    subject_init(&s);
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        arc__buf_clear(&s.out);
        arc__plan_why_no_agent(&rows[i].selector, &agents, &s.out);
        CHECK_TEXT(arc__buf_slice(&s.out), rows[i].want);
    }
    subject_deinit(&s);
}

static const struct test tests[] = {
    {"plans print as the golden files say", plans_print_as_the_golden_files_say},
    {"graphs stay graphs whatever names hold", graphs_stay_graphs_whatever_names_hold},
    {"what checks graphs sees broken ones", what_checks_graphs_sees_broken_ones},
    {"a selector that nobody meets says which rule it was",
     a_selector_that_nobody_meets_says_which_rule},
};

int main(int argc, char **argv)
{
    writing = argc == 2 && strcmp(argv[1], "--write") == 0;
    return test_main(writing ? 1 : argc, argv, tests, ARC_COUNT_OF(tests));
}
