/* SPDX-License-Identifier: Apache-2.0 */
/* Texts from outside, before they become part of rows and events. Stores take UTF-8 without NUL,
 * and one bad text would fail the whole batch; a stored event that cannot be read back would cost
 * its run. */
#include "base/text.h"
#include "engine/engine_private.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

int arc__text_clean(arc_slice text)
{
    return arc__text_is_ascii(text) ||
           (memchr(text.ptr, 0, text.len) == NULL && arc__utf8_valid(text, NULL));
}

arc_slice arc__text_cleaned(arc_slice text, struct arc_arena *arena)
{
    struct arc_buf buf;
    if (text.len == 0)
        return ARC_NONE;
    if (arc__text_clean(text))
        return arc__arena_copy(arena, text);
    arc__buf_init(&buf, &arena->mem, arena->max_bytes);
    while (text.len > 0) {
        const char *nul = memchr(text.ptr, 0, text.len);
        size_t len = nul != NULL ? (size_t)(nul - text.ptr) : text.len;
        (void)arc__utf8_repair(&buf, arc__slice(text.ptr, len));
        if (nul != NULL)
            arc__buf_add_cstr(&buf, REPLACEMENT);
        text = arc__slice_from(text, len + (nul != NULL));
    }
    arc_slice copy = arc__arena_copy(arena, arc__buf_slice(&buf));
    if (buf.failed != ARC_OK)
        arena->failed = 1;
    arc__buf_deinit(&buf);
    return copy;
}

static void clean(struct arc_cmd *cmd, arc_slice *text)
{
    if (!arc__text_clean(*text))
        *text = arc__text_cleaned(*text, &cmd->arena);
}

static void clean_row(struct arc_cmd *cmd, enum arc_table table, void *row)
{
    const struct arc_table_def *def = arc__table_def(table);
    for (uint32_t i = 0; i < def->col_count; i++) {
        if (def->cols[i].type == ARC_COL_TEXT)
            clean(cmd, (arc_slice *)(void *)((char *)row + def->cols[i].offset));
    }
}

void arc__cmd_clean(struct arc_cmd *cmd)
{
    clean(cmd, &cmd->reason);
    clean(cmd, &cmd->actor);
    switch (cmd->kind) {
    case ARC_CMD_PIPELINE_CREATE:
    case ARC_CMD_PIPELINE_UPDATE:
        clean_row(cmd, ARC_TABLE_pipeline, &cmd->u.pipeline.row);
        break;
    case ARC_CMD_RUN_TRIGGER:
        clean(cmd, &cmd->u.trigger.triggered_by);
        clean(cmd, &cmd->u.trigger.request_id);
        clean(cmd, &cmd->u.trigger.branch);
        clean(cmd, &cmd->u.trigger.ref);
        break;
    case ARC_CMD_RUN_GATE:
        clean(cmd, &cmd->u.gate.name);
        clean(cmd, &cmd->u.gate.comment);
        clean(cmd, &cmd->u.gate.channel);
        break;
    case ARC_CMD_RUN_RERUN:
        clean(cmd, &cmd->u.rerun.request_id);
        break;
    case ARC_CMD_STEP_REPORT:
        clean(cmd, &cmd->u.report.error_message);
        for (uint32_t i = 0; i < cmd->u.report.artifact_count; i++) {
            clean(cmd, &cmd->u.report.artifacts[i].name);
            clean(cmd, &cmd->u.report.artifacts[i].path);
            clean(cmd, &cmd->u.report.artifacts[i].digest);
        }
        break;
    default: /* the others' texts stand in rows alone */
        break;
    }
}
