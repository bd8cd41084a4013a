/* SPDX-License-Identifier: Apache-2.0 */
#include <arcentra/plan.h>

#include <stdatomic.h>

#include "base/options.h"
#include "face/plan_private.h"
#include "face/spec_private.h"

#define PLAN_ARENA_MAX (512u * 1024u * 1024u)
#define PLAN_TEXT_MAX (64u * 1024u * 1024u)

struct arc_plan_object {
    struct arc_mem mem;
    atomic_uint refs;
    struct arc_arena arena;      /* the agents, the hash */
    arc_diags *keeper;           /* of the plan's memory: it was made where findings would be */
    const struct arc_plan *plan; /* not ours to free */
    struct arc_plan_agents agents;
    const char *hash;
    uint32_t step_count;
};

static void plan_drop(arc_plan **plan)
{
    (void)arc_plan_unref(*plan);
}

static arc_status plan_new(arc_plan **out, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    arc_plan *object = arc__alloc(&mem, sizeof(*object));
    if (object == NULL)
        return arc__fail_nomem(err);
    object->mem = mem;
    atomic_init(&object->refs, 1);
    arc__arena_init(&object->arena, &mem, PLAN_ARENA_MAX);
    *out = object;
    return ARC_OK;
}

static arc_status build(arc_plan *object, const struct arc_spec_again *again, arc_slice inputs_json,
                        arc_err *err)
{
    struct arc_plan_inputs inputs = {.trigger_type = ARC_NONE};
    ARC_TRY(arc__plan_read_inputs(inputs_json, again->arena, &inputs, err));
    ARC_TRY(arc__plan_build(again->spec, &inputs, again->arena, again->diags, &object->plan, err));
    for (uint32_t j = 0; j < object->plan->job_count; j++)
        object->step_count += object->plan->jobs[j].step_count;
    object->hash = arc__arena_strdup(&object->arena, object->plan->hash);
    return object->hash != NULL ? ARC_OK : arc__fail_nomem(err);
}

arc_status arc_plan_build(const arc_spec *spec, const arc_plan_options *given, arc_plan **out,
                          arc_diags **diags, arc_err *err)
{
    arc_plan_options options = ARC_PLAN_OPTIONS_INIT;
    struct arc_spec_again again = {0};
    ARC_REQUIRE(spec != NULL, err, "spec");
    ARC_REQUIRE(out != NULL, err, "out");
    if (given != NULL)
        ARC_TRY(arc__options_read(given, sizeof(options), &options, "options", err));
    ARC_REQUIRE(options.flags == 0, err, "flags");
    ARC_CLEANUP(plan_drop) arc_plan *object = NULL;
    ARC_TRY(plan_new(&object, err));
    arc_slice agents = arc__slice(options.agents_json, options.agents_len);
    agents.ptr = arc__arena_strdup(&object->arena, agents);
    if (agents.ptr == NULL)
        return arc__fail_nomem(err);
    if (options.agents_json == NULL)
        agents = ARC_NONE;
    ARC_TRY(arc__plan_read_agents(agents, &object->arena, &object->agents, err));
    ARC_TRY(arc__spec_again(spec, &again, err));
    ARC_CLEANUP(arc__face_drop) arc_diags *findings = again.findings;
    arc_slice inputs =
        arc__slice(options.inputs_json, options.inputs_json != NULL ? options.inputs_len : 0);
    arc_status status = build(object, &again, inputs, err);
    if (status != ARC_OK && status != ARC_EINVAL)
        return status;
    ARC_TRY(arc__spec_again_done(&again, err));
    if (diags != NULL)
        *diags = status == ARC_OK ? NULL : findings;
    if (status == ARC_OK) {
        object->keeper = findings;
        *out = object;
        object = NULL;
    }
    if (status == ARC_OK || diags != NULL)
        findings = NULL;
    return status;
}

arc_plan *arc_plan_ref(arc_plan *plan)
{
    (void)atomic_fetch_add_explicit(&plan->refs, 1, memory_order_relaxed);
    return plan;
}

arc_plan *arc_plan_unref(arc_plan *plan)
{
    if (plan == NULL || atomic_fetch_sub_explicit(&plan->refs, 1, memory_order_acq_rel) > 1)
        return NULL;
    struct arc_mem mem = plan->mem;
    arc_diags_free(plan->keeper);
    arc__arena_deinit(&plan->arena);
    arc__free(&mem, plan);
    return NULL;
}

const char *arc_plan_get_hash(const arc_plan *plan)
{
    return plan->hash;
}

uint32_t arc_plan_get_job_count(const arc_plan *plan)
{
    return plan->plan->job_count;
}

uint32_t arc_plan_get_step_count(const arc_plan *plan)
{
    return plan->step_count;
}

arc_status arc_plan_copy_text(const arc_plan *plan, uint32_t form, char **out, arc_err *err)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf buf;
    ARC_REQUIRE(plan != NULL && out != NULL, err, "plan");
    ARC_REQUIRE(form >= ARC_PLAN_TREE && form <= ARC_PLAN_MERMAID, err, "form");
    arc__buf_init(&buf, &mem, PLAN_TEXT_MAX);
    if (form == ARC_PLAN_TREE)
        arc__plan_print_tree(plan->plan, &plan->agents, &buf);
    else if (form == ARC_PLAN_JSON)
        arc__plan_print_json(plan->plan, &plan->agents, &buf);
    else if (form == ARC_PLAN_DOT)
        arc__plan_print_dot(plan->plan, &buf);
    else
        arc__plan_print_mermaid(plan->plan, &buf);
    return arc__face_give_text(&buf, out, err);
}
