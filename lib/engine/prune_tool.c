/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/prune.h"
#include "port/log_store.h"

#define PAGE_BYTES_MAX (256u * 1024u * 1024u)

struct arc_prune_tool {
    struct arc_mem mem;
    struct arc_desk *desk;
    struct arc_log_store *logs;
    struct arc_arena page;
    struct arc_prune *prune;
};

static arc_status answer(void *user, const struct arc_query *query, struct arc_rows *rows,
                         arc_err *err)
{
    struct arc_prune_tool *tool = user;
    return arc__desk_query(tool->desk, query, &tool->page, rows, err);
}

static void release(void *user)
{
    struct arc_prune_tool *tool = user;
    arc__arena_reset(&tool->page);
}

static arc_status remove_logs(void *user, arc_slice run_id, arc_err *err)
{
    struct arc_prune_tool *tool = user;
    return tool->logs != NULL ? tool->logs->ops->remove_run(tool->logs, run_id, err) : ARC_OK;
}

arc_status arc__prune_tool_new(struct arc_desk *desk, struct arc_log_store *logs,
                               const struct arc_retention *retention, int64_t now_ns, int dry,
                               struct arc_prune_tool **out, arc_err *err)
{
    struct arc_prune_tool *tool = arc__alloc(&desk->mem, sizeof(*tool));
    if (tool == NULL)
        return arc__fail_nomem(err);
    tool->mem = desk->mem;
    tool->desk = desk;
    tool->logs = logs;
    arc__arena_init(&tool->page, &desk->mem, PAGE_BYTES_MAX);
    const struct arc_prune_io io = {tool, answer, release, NULL, remove_logs};
    arc_status status = arc__prune_new(&desk->mem, &io, retention, dry, &tool->prune, err);
    if (status != ARC_OK) {
        arc__prune_tool_free(tool);
        return status;
    }
    arc__prune_begin(tool->prune, now_ns);
    *out = tool;
    return ARC_OK;
}

void arc__prune_tool_free(struct arc_prune_tool *tool)
{
    if (tool == NULL)
        return;
    struct arc_mem mem = tool->mem;
    arc__prune_free(tool->prune);
    arc__arena_deinit(&tool->page);
    arc__free(&mem, tool);
}

arc_status arc__prune_tool_step(struct arc_prune_tool *tool, arc_err *err)
{
    size_t count = 0;
    arc__arena_reset(&tool->page); /* of a question that failed */
    ARC_TRY(arc__prune_next(tool->prune, err));
    const struct arc_store_op *ops = arc__prune_batch(tool->prune, &count);
    if (count == 0)
        return ARC_OK;
    arc_status status = arc__desk_commit(tool->desk, ops, count, err);
    arc__prune_stored(tool->prune, status == ARC_OK);
    return status;
}

const struct arc_prune_report *arc__prune_tool_report(const struct arc_prune_tool *tool)
{
    return arc__prune_report(tool->prune);
}
