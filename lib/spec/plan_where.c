/* SPDX-License-Identifier: Apache-2.0 */
/* What a job asks of its agent beyond its selectors: an image and a runtime. Agents say by labels
 * what they provide, so that these are rules of the selector like others, and all that knows
 * selectors (placement, reasons, plans) knows them too. */
#include "spec/plan_private.h"

#define IMAGE_LABEL "arcentra.image"
#define RUNTIME_LABEL "arcentra.runtime"

struct needs {
    struct arc_planner *p;
    struct arc_selector *selector;
    struct arc_label_expr *exprs; /* room for all */
    uint32_t own;                 /* those before stand in the definition */
};

/* The label says `any`, or that very image. One that is known only when the step starts needs an
 * agent that provides any. */
static void need_image(struct needs *needs, arc_slice image)
{
    struct arc_selector *selector = needs->selector;
    for (uint32_t i = needs->own; i < selector->expr_count; i++) {
        const struct arc_label_expr *expr = &needs->exprs[i];
        if (expr->value_count == (image.len > 0 ? 2 : 1) &&
            (image.len == 0 || arc__slice_equal(expr->values[1], image)))
            return;
    }
    arc_slice *values = arc__plan_array(needs->p, 2, sizeof(*values));
    if (values == NULL)
        return;
    values[0] = arc__plan_keep(needs->p, ARC_LIT("any"));
    values[1] = image;
    needs->exprs[selector->expr_count++] =
        (struct arc_label_expr){arc__plan_keep(needs->p, ARC_LIT(IMAGE_LABEL)), ARC_LABEL_IN,
                                values, image.len > 0 ? 2 : 1};
}

/* `arcentra.runtime.TYPE`; what asks for resources or settings alone, any runtime at all. */
static void need_runtime(struct needs *needs, const struct arc_node *runtime)
{
    const struct arc_node *resources = arc__field_get(runtime, ARC_FIELD_RUNTIME_RESOURCES);
    const struct arc_node *config = arc__field_get(runtime, ARC_FIELD_RUNTIME_CONFIG);
    arc_slice type = arc__field_text(runtime, ARC_FIELD_RUNTIME_TYPE);
    arc_slice key = ARC_LIT(RUNTIME_LABEL);
    if (type.len > 0)
        key = arc__arena_printf(needs->p->arena, RUNTIME_LABEL ".%.*s", ARC_ARG(type));
    else if ((resources == NULL || resources->count == 0) && (config == NULL || config->count == 0))
        return;
    needs->exprs[needs->selector->expr_count++] =
        (struct arc_label_expr){arc__plan_keep(needs->p, key), ARC_LABEL_EXISTS, NULL, 0};
}

void arc__plan_needs(struct arc_planner *p, const struct arc_node *runtime,
                     struct arc_plan_job *job)
{
    struct arc_selector selector = job->selector;
    struct needs needs = {.p = p, .selector = &selector, .own = selector.expr_count};
    size_t room = (size_t)needs.own + 1;
    if (job->place == 2) /* the host's executors are given it, and say what they can */
        return;
    for (uint32_t s = 0; s < job->step_count; s++)
        room += job->steps[s].image.len > 0;
    if (room == (size_t)needs.own + 1 && (runtime == NULL || runtime->count == 0))
        return;
    needs.exprs = arc__plan_array(p, room, sizeof(*needs.exprs));
    if (needs.exprs == NULL)
        return;
    if (needs.own > 0)
        memcpy(needs.exprs, selector.exprs, needs.own * sizeof(*needs.exprs));
    if (runtime != NULL)
        need_runtime(&needs, runtime);
    needs.own = selector.expr_count;
    for (uint32_t s = 0; s < job->step_count; s++) {
        const struct arc_plan_step *step = &job->steps[s];
        if (step->image.len > 0)
            need_image(&needs, (step->late & ARC_LATE_IMAGE) != 0 ? ARC_NONE : step->image);
    }
    if (selector.expr_count == job->selector.expr_count)
        return;
    selector.exprs = needs.exprs;
    job->selector = selector;
    job->place = 1;
}
