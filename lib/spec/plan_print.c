/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as a tree of text, and which agents could take its jobs. */
#include "spec/plan_print.h"

#include "base/text.h"
#include "base/time.h"
#include "spec/plan_private.h"
#include "spec/plan_words.h"

#define SHOWN_MAX 160

/* One line whatever it holds; long texts are cut. */
static void add_line(struct arc_buf *out, arc_slice text)
{
    size_t shown = arc__utf8_prefix(text, SHOWN_MAX);
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '\n')
            arc__buf_add_cstr(out, "\\n");
        else if (c < 0x20 || c == 0x7f)
            arc__buf_printf(out, "\\x%02x", c);
        else
            arc__buf_add_char(out, (char)c);
    }
    if (shown < text.len)
        arc__buf_add_cstr(out, "…");
}

static void add_part(struct arc_buf *out, const char *before, arc_slice text)
{
    if (text.len == 0)
        return;
    arc__buf_add_cstr(out, before);
    add_line(out, text);
}

static void add_duration(struct arc_buf *out, const char *before, int64_t ns)
{
    if (ns == 0)
        return;
    arc__buf_add_cstr(out, before);
    arc__duration_add(out, ns);
}

/* --- agents ------------------------------------------------------------------------------- */

static void add_rule(const struct arc_label_expr *expr, struct arc_buf *out)
{
    add_line(out, expr->key);
    arc__buf_printf(out, " %s", op_words[expr->op]);
    for (uint32_t i = 0; i < expr->value_count; i++)
        add_part(out, i == 0 ? " " : ", ", expr->values[i]);
}

static const struct arc_kvs *labels_of(const void *user, size_t i)
{
    const struct arc_plan_agents *agents = user;
    return &agents->items[i].labels;
}

void arc__plan_why_no_agent(const struct arc_selector *selector,
                            const struct arc_plan_agents *agents, struct arc_buf *out)
{
    const struct arc_asked asked = {labels_of, agents, agents->count};
    uint32_t index = 0;
    switch (arc__selector_lack(selector, &asked, &index)) {
    case ARC_LACK_NOTHING:
        break;
    case ARC_LACK_ANYBODY:
        arc__buf_add_cstr(out, "there are no agents");
        break;
    case ARC_LACK_LABEL:
        arc__buf_add_cstr(out, "no agent has the label ");
        add_line(out, selector->labels.items[index].key);
        add_part(out, "=", selector->labels.items[index].value);
        break;
    case ARC_LACK_RULE:
        arc__buf_add_cstr(out, "no agent meets ");
        add_rule(&selector->exprs[index], out);
        break;
    case ARC_LACK_ALL:
        arc__buf_add_cstr(out, "no agent meets all of its rules at once");
        break;
    }
}

static void add_agents(const struct arc_plan_job *job, const struct arc_plan_agents *agents,
                       struct arc_buf *out)
{
    int any = 0;
    if (job->place == 2) {
        arc__buf_add_cstr(out, "runs in the host, on no agent");
        return;
    }
    for (uint32_t i = 0; i < agents->count; i++) {
        const struct arc_plan_agent *agent = &agents->items[i];
        if (!arc__selector_match(&job->selector, &agent->labels))
            continue;
        add_part(out, any ? ", " : "agents: ", agent->name.len > 0 ? agent->name : agent->id);
        any = 1;
    }
    if (any)
        return;
    arc__buf_add_cstr(out, "no agent: ");
    arc__plan_why_no_agent(&job->selector, agents, out);
}

static void put_placement(const struct arc_plan_job *job, const struct arc_plan_agents *agents,
                          struct arc_json *json)
{
    struct arc_buf why;
    arc__json_object(json);
    arc__json_key_text(json, "job", job->key);
    arc__json_key(json, ARC_LIT("agents"));
    arc__json_array(json);
    for (uint32_t i = 0; job->place != 2 && i < agents->count; i++) {
        if (arc__selector_match(&job->selector, &agents->items[i].labels))
            arc__json_text(json, agents->items[i].id);
    }
    arc__json_end_array(json);
    arc__buf_init(&why, &json->out->mem, json->out->max_bytes);
    if (job->place == 2)
        arc__buf_add_cstr(&why, "it runs in the host");
    else
        arc__plan_why_no_agent(&job->selector, agents, &why);
    if (why.failed != ARC_OK)
        json->out->failed = why.failed;
    else if (why.len > 0)
        arc__json_key_text(json, "why", arc__buf_slice(&why));
    arc__buf_deinit(&why);
    arc__json_end_object(json);
}

void arc__plan_print_json(const struct arc_plan *plan, const struct arc_plan_agents *agents,
                          struct arc_buf *out)
{
    struct arc_json json;
    arc__json_init(&json, out);
    arc__json_object(&json);
    arc__plan_put(&json, plan);
    if (agents->given) {
        arc__json_key(&json, ARC_LIT("placement"));
        arc__json_array(&json);
        for (uint32_t i = 0; i < plan->job_count; i++)
            put_placement(&plan->jobs[i], agents, &json);
        arc__json_end_array(&json);
    }
    arc__json_end_object(&json);
    arc__buf_add_char(out, '\n');
}

/* --- the tree ----------------------------------------------------------------------------- */

struct tree {
    const struct arc_plan *plan;
    const struct arc_plan_agents *agents;
    struct arc_buf *out;
};

static void begin(struct tree *tree, uint32_t depth)
{
    for (uint32_t i = 0; i < depth; i++)
        arc__buf_add_cstr(tree->out, "  ");
}

static void add_condition(struct tree *tree, const struct arc_condition *condition, uint32_t depth)
{
    struct arc_buf *out = tree->out;
    if (condition->when == ARC_WHEN_SUCCESS && condition->text.len == 0)
        return;
    begin(tree, depth);
    if (condition->when == ARC_WHEN_EXPR)
        add_part(out, "when ", condition->text);
    else if (condition->when == ARC_WHEN_NEVER)
        arc__buf_add_cstr(out, "never runs");
    else
        arc__buf_printf(out, "when %s()", when_words[condition->when]);
    add_part(out, ": ", condition->why);
    arc__buf_add_char(out, '\n');
}

static void add_gate(struct tree *tree, uint32_t gate, uint32_t depth)
{
    struct arc_buf *out = tree->out;
    if (gate == 0)
        return;
    const struct arc_plan_gate *g = &tree->plan->gates[gate - 1];
    begin(tree, depth);
    arc__buf_printf(out, "gate %u: %s", gate, g->automatic ? "decided by" : "approval");
    if (g->automatic)
        add_part(out, " ", g->plugin.len > 0 ? g->plugin : ARC_LIT("a plugin"));
    else if (g->count > 1)
        arc__buf_printf(out, " by %u people", g->count);
    for (uint32_t i = 0; i < g->approver_count; i++)
        add_part(out, i == 0 ? " of " : ", ", g->approvers[i]);
    add_duration(out, ", after ", g->timeout_ns);
    if (g->timeout_ns != 0)
        arc__buf_add_cstr(out, g->approve_on_timeout ? " approved" : " rejected");
    arc__buf_add_char(out, '\n');
}

static void add_group(struct tree *tree, const struct arc_plan_group *group, uint32_t depth)
{
    if (group->group.len == 0)
        return;
    begin(tree, depth);
    add_part(tree->out, "group ", group->group);
    arc__buf_printf(tree->out, ": %u at once, else %s\n", group->limit, full_words[group->on_full]);
}

static void add_retry(struct arc_buf *out, const struct arc_retry *retry)
{
    if (retry->max_attempts > 1)
        arc__buf_printf(out, ", up to %u attempts", retry->max_attempts);
}

static void add_late(struct arc_buf *out, const struct arc_plan_step *step)
{
    int any = 0;
    for (uint32_t i = 0; i < ARC_COUNT_OF(late_words); i++) {
        if ((step->late & 1U << i) == 0)
            continue;
        arc__buf_printf(out, "%s%s", any ? ", " : ", later: ", late_words[i]);
        any = 1;
    }
    for (uint32_t i = 0; i < step->late_env.count; i++) {
        add_part(out, any ? ", env." : ", later: env.", step->late_env.items[i].key);
        any = 1;
    }
}

static void add_step(struct tree *tree, const struct arc_plan_step *step)
{
    struct arc_buf *out = tree->out;
    begin(tree, 3);
    add_part(out, step->finally ? "finally " : "step ", step->name);
    add_part(out, ": ", step->uses);
    add_part(out, " ", step->action);
    add_part(out, ", in ", step->image);
    add_duration(out, ", at most ", step->timeout_ns);
    add_retry(out, &step->retry);
    if (step->continue_on_error)
        arc__buf_add_cstr(out, ", may fail");
    add_late(out, step);
    arc__buf_add_char(out, '\n');
    add_condition(tree, &step->condition, 4);
}

/* Jobs that are waited for; all cells of a matrix as one. */
static void add_deps(struct tree *tree, const struct arc_plan_job *job)
{
    const struct arc_plan *plan = tree->plan;
    for (uint32_t d = 0; d < job->dep_count; d++) {
        const struct arc_plan_job *other = &plan->jobs[job->deps[d]];
        uint32_t matrix = other->matrix;
        add_part(tree->out, d == 0 ? ", after " : ", ", matrix != 0 ? other->name : other->key);
        while (matrix != 0 && d + 1 < job->dep_count &&
               plan->jobs[job->deps[d + 1]].matrix == matrix)
            d++;
    }
}

static void add_selector(struct tree *tree, const struct arc_selector *selector)
{
    int any = 0;
    if (selector->labels.count == 0 && selector->expr_count == 0)
        return;
    begin(tree, 3);
    arc__buf_add_cstr(tree->out, "asks for ");
    for (uint32_t i = 0; i < selector->labels.count; i++) {
        add_part(tree->out, any ? "; " : "", selector->labels.items[i].key);
        add_part(tree->out, "=", selector->labels.items[i].value);
        any = 1;
    }
    for (uint32_t i = 0; i < selector->expr_count; i++) {
        arc__buf_add_cstr(tree->out, any ? "; " : "");
        add_rule(&selector->exprs[i], tree->out);
        any = 1;
    }
    arc__buf_add_char(tree->out, '\n');
}

static void add_job(struct tree *tree, const struct arc_plan_job *job)
{
    struct arc_buf *out = tree->out;
    begin(tree, 2);
    add_part(out, "job ", job->key);
    add_deps(tree, job);
    if (job->place != 0)
        arc__buf_add_cstr(out, job->place == 1 ? ", on an agent" : ", in the host");
    add_duration(out, ", at most ", job->timeout_ns);
    add_duration(out, ", queued at most ", job->queue_timeout_ns);
    add_retry(out, &job->retry);
    if (job->continue_on_error)
        arc__buf_add_cstr(out, ", may fail");
    arc__buf_add_char(out, '\n');
    add_condition(tree, &job->condition, 3);
    add_gate(tree, job->gate, 3);
    add_group(tree, &job->group, 3);
    add_selector(tree, &job->selector);
    if (tree->agents->given) {
        begin(tree, 3);
        add_agents(job, tree->agents, out);
        arc__buf_add_char(out, '\n');
    }
    for (uint32_t s = 0; s < job->step_count; s++)
        add_step(tree, &job->steps[s]);
}

static void add_matrix(struct tree *tree, const struct arc_plan_matrix *matrix)
{
    begin(tree, 2);
    add_part(tree->out, "matrix ", matrix->name);
    arc__buf_printf(tree->out, ": %u %s", matrix->job_count,
                    matrix->job_count == 1 ? "cell" : "cells");
    if (matrix->max_parallel != 0)
        arc__buf_printf(tree->out, ", %u at once", matrix->max_parallel);
    arc__buf_add_cstr(tree->out, matrix->fail_fast ? ", the first failure cancels the others\n"
                                                   : ", all of them to the end\n");
}

void arc__plan_print_tree(const struct arc_plan *plan, const struct arc_plan_agents *agents,
                          struct arc_buf *out)
{
    struct tree tree = {plan, agents, out};
    add_part(out, "plan ", plan->namespace_);
    add_part(out, " ", plan->version);
    arc__buf_printf(out, ": %u %s, %u %s", plan->stage_count,
                    plan->stage_count == 1 ? "stage" : "stages", plan->job_count,
                    plan->job_count == 1 ? "job" : "jobs");
    add_duration(out, ", at most ", plan->timeout_ns);
    add_part(out, "\nhash ", plan->hash);
    arc__buf_add_char(out, '\n');
    for (uint32_t i = 0; i < plan->include_count; i++) {
        add_part(out, "include ", plan->includes[i].template_);
        add_part(out, "@", plan->includes[i].version);
        add_part(out, " ", plan->includes[i].digest);
        arc__buf_add_char(out, '\n');
    }
    add_gate(&tree, plan->gate, 0);
    add_group(&tree, &plan->group, 0);
    for (uint32_t s = 0; s < plan->stage_count; s++) {
        const struct arc_plan_stage *stage = &plan->stages[s];
        begin(&tree, 1);
        add_part(out, "stage ", stage->name);
        arc__buf_add_char(out, '\n');
        add_condition(&tree, &stage->condition, 2);
        add_gate(&tree, stage->gate, 2);
        for (uint32_t j = stage->first_job; j < stage->first_job + stage->job_count; j++) {
            uint32_t matrix = plan->jobs[j].matrix;
            if (matrix != 0 && plan->matrices[matrix - 1].first_job == j)
                add_matrix(&tree, &plan->matrices[matrix - 1]);
            add_job(&tree, &plan->jobs[j]);
        }
    }
}
