/* SPDX-License-Identifier: Apache-2.0 */
/* A plan for people: as a tree, and as a graph for Graphviz and Mermaid. Names in it are escaped;
 * the output ends with a line feed. */
#ifndef ARC_SPEC_PLAN_PRINT_H
#define ARC_SPEC_PLAN_PRINT_H

#include "base/json.h"
#include "core/plan.h"

struct arc_plan_agent {
    arc_slice id, name;
    struct arc_kvs labels;
};

/* Agents to be asked which of them could take each job; given 0: nobody is asked. */
struct arc_plan_agents {
    const struct arc_plan_agent *items;
    uint32_t count;
    int given;
};

void arc__plan_print_tree(const struct arc_plan *plan, const struct arc_plan_agents *agents,
                          struct arc_buf *out);
void arc__plan_print_dot(const struct arc_plan *plan, struct arc_buf *out);
void arc__plan_print_mermaid(const struct arc_plan *plan, struct arc_buf *out);
/* The plan's JSON, and who could take each job in `placement` behind the rest. */
void arc__plan_print_json(const struct arc_plan *plan, const struct arc_plan_agents *agents,
                          struct arc_buf *out);

/* Why none of them could take the job, one sentence without its dot: the first rule that no agent
 * meets, or that none meets all of them. Nothing is added when one could. */
void arc__plan_why_no_agent(const struct arc_selector *selector,
                            const struct arc_plan_agents *agents, struct arc_buf *out);

#endif
