/* SPDX-License-Identifier: Apache-2.0 */
/* Concurrency groups against each other: two limits for one name, cells of one matrix that throw
 * each other out, and a run and a job whose groups are only named alike. */
#include "spec/rules.h"

#include <stdlib.h>

#include "core/template.h"

/* One use of a group whose name is known now. */
struct use {
    arc_slice name;
    const struct arc_node *node;    /* the scalar that names it */
    const struct arc_spec_job *job; /* NULL: the pipeline */
    int64_t limit;
    uint32_t order;
};

static const struct arc_node *block_of(const struct arc_node *map, enum arc_field_id id)
{
    const struct arc_node *node = arc__field_get(map, id);
    return node != NULL && node->kind != ARC_NODE_LIST ? node : NULL;
}

/* 1: the group has a name that needs no run to be known. */
static int read_use(const struct arc_node *block, struct use *use)
{
    const struct arc_node *limit = NULL;
    if (block == NULL)
        return 0;
    use->node = block;
    if (block->kind == ARC_NODE_MAP) {
        use->node = arc__scalar_of(block, ARC_FIELD_CONCURRENCY_GROUP);
        limit = arc__field_get(block, ARC_FIELD_CONCURRENCY_LIMIT);
    }
    if (use->node == NULL || use->node->text.len == 0 || arc__template_any(use->node->text))
        return 0;
    use->name = use->node->text;
    use->limit = limit != NULL && limit->kind == ARC_NODE_INT ? limit->number : 1;
    return 1;
}

static int use_order(const void *a, const void *b)
{
    const struct use *x = a, *y = b;
    int order = arc__slice_compare(x->name, y->name);
    return order != 0 ? order : x->order < y->order ? -1 : x->order > y->order;
}

static void report(struct arc_check *check, enum arc_diag_code code, const struct use *use,
                   const struct use *other, const char *relation, const arc_slice *args,
                   size_t arg_count)
{
    struct arc_path frames[6];
    const struct arc_path *path = arc__job_path(check->spec, use->job, frames);
    struct arc_path here = {path, ARC_LIT("concurrency"), 0};
    struct arc_diag *diag =
        arc__diag_add(check->sink, code, &here, &use->node->mark, ARC_NONE, args, arg_count);
    if (other != NULL)
        arc__diag_relate(check->sink, diag, &other->node->mark, relation);
}

/* Cells that come while the group is full are what `onFull` is about, but they are of one job. */
static void check_cells(struct arc_check *check, const struct use *use,
                        const struct arc_node *block)
{
    const struct arc_node *on_full = arc__scalar_of(block, ARC_FIELD_CONCURRENCY_ON_FULL);
    if (on_full == NULL || arc__slice_is(on_full->text, "wait") || use->limit < 1 ||
        (int64_t)use->job->cells <= use->limit)
        return;
    report(check, ARC_DIAG_GROUP_CELLS, use, NULL, NULL,
           ARC_ARGS(arc__decimal(check->sink, use->job->cells),
                    arc__quoted(check->sink, use->job->name), arc__quoted(check->sink, use->name),
                    arc__quoted(check->sink, on_full->text)));
}

static void compare(struct arc_check *check, struct use *uses, uint32_t count)
{
    qsort(uses, count, sizeof(*uses), use_order);
    for (uint32_t i = 1, first = 0; i < count; i++) {
        const struct use *kept = &uses[first], *use = &uses[i];
        if (!arc__slice_equal(kept->name, use->name)) {
            first = i;
        } else if (kept->job == NULL) {
            report(check, ARC_DIAG_GROUP_KINDS, use, kept, "the run's group is named here",
                   ARC_ARGS(arc__quoted(check->sink, use->job->name),
                            arc__quoted(check->sink, use->name)));
            first = i; /* the others are compared with this job */
        } else if (kept->limit != use->limit) {
            report(check, ARC_DIAG_GROUP_LIMITS, use, kept, "the other limit is here",
                   ARC_ARGS(arc__quoted(check->sink, use->name),
                            arc__decimal(check->sink, (uint64_t)use->limit),
                            arc__decimal(check->sink, (uint64_t)kept->limit)));
        }
    }
}

int arc__check_groups(struct arc_check *check)
{
    const struct arc_spec *spec = check->spec;
    struct use *uses = arc__check_alloc(check, (size_t)spec->job_count + 1, sizeof(*uses));
    uint32_t count = 0;
    if (uses == NULL)
        return 0;
    uses[0] = (struct use){0};
    count += (uint32_t)read_use(block_of(spec->root, ARC_FIELD_PIPELINE_CONCURRENCY), &uses[0]);
    for (uint32_t i = 0; i < spec->job_count; i++) {
        const struct arc_node *block = block_of(spec->jobs[i].node, ARC_FIELD_JOB_CONCURRENCY);
        uses[count] = (struct use){.job = &spec->jobs[i], .order = count};
        if (!read_use(block, &uses[count]))
            continue;
        check_cells(check, &uses[count], block);
        count++;
    }
    compare(check, uses, count);
    arc__free(&check->arena->mem, uses);
    return 1;
}
