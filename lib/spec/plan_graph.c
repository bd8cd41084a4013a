/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as a graph: a box a stage, a node a job, an arrow from what is waited for. Nodes have
 * numbers for names, so that nothing of a definition is ever syntax. */
#include "spec/plan_print.h"
#include "spec/plan_words.h"

/* --- what stands in a node ---------------------------------------------------------------- */

/* What a condition says beyond the default; ARC_NONE: nothing. */
static arc_slice condition_label(const struct arc_condition *condition)
{
    if (condition->when == ARC_WHEN_EXPR)
        return condition->text;
    return condition->when == ARC_WHEN_SUCCESS ? ARC_NONE
                                               : arc__slice_cstr(when_words[condition->when]);
}

typedef void add_fn(struct arc_buf *out, arc_slice text);

static void add_labels(struct arc_buf *out, add_fn *add, const char *line_break,
                       const struct arc_plan_job *job)
{
    arc_slice when = condition_label(&job->condition);
    add(out, job->key);
    if (when.len > 0) {
        arc__buf_add_cstr(out, line_break);
        add(out, ARC_LIT("when "));
        add(out, when);
    }
    if (job->group.group.len > 0) {
        arc__buf_add_cstr(out, line_break);
        add(out, ARC_LIT("group "));
        add(out, job->group.group);
    }
    if (job->gate != 0) {
        arc__buf_add_cstr(out, line_break);
        add(out, ARC_LIT("behind a gate"));
    }
}

static void add_stage_label(struct arc_buf *out, add_fn *add, const struct arc_plan_stage *stage)
{
    arc_slice when = condition_label(&stage->condition);
    add(out, stage->name);
    if (when.len > 0) {
        add(out, ARC_LIT(", when "));
        add(out, when);
    }
    if (stage->gate != 0)
        add(out, ARC_LIT(", behind a gate"));
}

/* --- Graphviz ----------------------------------------------------------------------------- */

/* Inside of double quotes: a backslash would begin an escape, and a line feed would break none, but
 * the line. */
static void add_dot(struct arc_buf *out, arc_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\')
            arc__buf_add_char(out, '\\');
        if (c < 0x20 || c == 0x7f)
            arc__buf_add_char(out, ' ');
        else
            arc__buf_add_char(out, (char)c);
    }
}

void arc__plan_print_dot(const struct arc_plan *plan, struct arc_buf *out)
{
    arc__buf_add_cstr(out, "digraph plan {\n  rankdir=LR;\n  label=\"");
    add_dot(out, plan->namespace_);
    arc__buf_add_cstr(out, "\";\n  node [shape=box];\n");
    for (uint32_t s = 0; s < plan->stage_count; s++) {
        const struct arc_plan_stage *stage = &plan->stages[s];
        arc__buf_printf(out, "  subgraph cluster_%u {\n    label=\"", s);
        add_stage_label(out, add_dot, stage);
        arc__buf_add_cstr(out, "\";\n");
        for (uint32_t j = stage->first_job; j < stage->first_job + stage->job_count; j++) {
            const struct arc_plan_job *job = &plan->jobs[j];
            arc__buf_printf(out, "    job_%u [label=\"", j);
            add_labels(out, add_dot, "\\n", job);
            arc__buf_add_cstr(out, job->condition.when == ARC_WHEN_NEVER ? "\", style=dashed];\n"
                                                                         : "\"];\n");
        }
        arc__buf_add_cstr(out, "  }\n");
    }
    for (uint32_t j = 0; j < plan->job_count; j++) {
        for (uint32_t d = 0; d < plan->jobs[j].dep_count; d++)
            arc__buf_printf(out, "  job_%u -> job_%u;\n", plan->jobs[j].deps[d], j);
    }
    arc__buf_add_cstr(out, "}\n");
}

/* --- Mermaid ------------------------------------------------------------------------------ */

/* Inside of double quotes Mermaid reads Markdown, HTML and entities: all but letters, digits and
 * what is harmless becomes an entity by its number. */
static void add_mermaid(struct arc_buf *out, arc_slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        int plain = c >= 0x80 || c == ' ' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                    (c >= 'a' && c <= 'z') || strchr(".,=-/()", c) != NULL;
        if (c < 0x20 || c == 0x7f)
            arc__buf_add_char(out, ' ');
        else if (plain)
            arc__buf_add_char(out, (char)c);
        else
            arc__buf_printf(out, "#%u;", c);
    }
}

void arc__plan_print_mermaid(const struct arc_plan *plan, struct arc_buf *out)
{
    arc__buf_add_cstr(out, "flowchart LR\n");
    for (uint32_t s = 0; s < plan->stage_count; s++) {
        const struct arc_plan_stage *stage = &plan->stages[s];
        arc__buf_printf(out, "  subgraph stage_%u[\"", s);
        add_stage_label(out, add_mermaid, stage);
        arc__buf_add_cstr(out, "\"]\n");
        for (uint32_t j = stage->first_job; j < stage->first_job + stage->job_count; j++) {
            arc__buf_printf(out, "    job_%u[\"", j);
            add_labels(out, add_mermaid, "<br/>", &plan->jobs[j]);
            arc__buf_add_cstr(out, "\"]\n");
        }
        arc__buf_add_cstr(out, "  end\n");
    }
    for (uint32_t j = 0; j < plan->job_count; j++) {
        for (uint32_t d = 0; d < plan->jobs[j].dep_count; d++)
            arc__buf_printf(out, "  job_%u --> job_%u\n", plan->jobs[j].deps[d], j);
    }
}
