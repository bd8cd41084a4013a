/* SPDX-License-Identifier: Apache-2.0 */
#include "command/show.h"

#include <stdlib.h>

#include "base/time.h"
#include "engine/event_json.h"

#define TEXT(field) out->field = arc__pb_string(arena, row->field)
#define MAP_BYTES_MAX (1024u * 1024u)

int64_t arc__show_seconds(int64_t ns)
{
    return ns / ARC_NS_PER_S;
}

int32_t arc__show_i32(int64_t value)
{
    if (value > INT32_MAX)
        return INT32_MAX;
    return value < INT32_MIN ? INT32_MIN : (int32_t)value;
}

int64_t arc__show_duration_ms(int64_t started_ns, int64_t ended_ns, struct arc_now now)
{
    if (started_ns == 0)
        return 0;
    int64_t end = ended_ns != 0 ? ended_ns : now.wall_ns;
    return end > started_ns ? (end - started_ns) / ARC_NS_PER_MS : 0;
}

void arc__show_map(void *message, const char *field, arc_slice json, struct arc_arena *arena)
{
    struct arc_kvs kvs = {NULL, 0};
    if (json.len == 0 || arc__kvs_from_json(json, arena, &kvs, NULL) != ARC_OK)
        return;
    for (uint32_t i = 0; i < kvs.count; i++)
        (void)arc__pb_map_put(message, field, kvs.items[i].key, kvs.items[i].value,
                              arena); /* the arena remembers */
}

Google__Protobuf__Struct *arc__show_struct(arc_slice json, struct arc_arena *arena)
{
    void *out = NULL;
    const struct arc_pb_limits limits = {.string_bytes_max = 1024u * 1024u};
    if (json.len == 0 || arc__pb_from_json(&google__protobuf__struct__descriptor, json, arena,
                                           &limits, &out, NULL, NULL) != ARC_OK)
        return NULL;
    return out;
}

static int kv_order(const void *a, const void *b)
{
    return arc__slice_compare(((const struct arc_kv *)a)->key, ((const struct arc_kv *)b)->key);
}

arc_status arc__bind_kvs(const void *message, const char *field, struct arc_arena *arena,
                         struct arc_kvs *out, arc_err *err)
{
    size_t count = 0, at = 0;
    arc_slice key, value;
    while (arc__pb_map_next(message, field, &at, &key, &value))
        count++;
    struct arc_kv *items = arc__arena_array(arena, count + 1, sizeof(*items));
    if (items == NULL)
        return arc__fail_nomem(err);
    at = 0;
    for (size_t i = 0; i < count && arc__pb_map_next(message, field, &at, &key, &value); i++)
        items[i] = (struct arc_kv){arc__arena_copy(arena, key), arc__arena_copy(arena, value)};
    qsort(items, count, sizeof(*items), kv_order);
    *out = (struct arc_kvs){items, (uint32_t)count};
    return arena->failed ? arc__fail_nomem(err) : ARC_OK;
}

arc_slice arc__bind_map(const void *message, const char *field, struct arc_arena *arena,
                        const struct arc_mem *mem)
{
    struct arc_kvs kvs = {NULL, 0};
    struct arc_buf text;
    if (arc__bind_kvs(message, field, arena, &kvs, NULL) != ARC_OK)
        return ARC_NONE;
    arc__buf_init(&text, mem, MAP_BYTES_MAX);
    arc__kvs_to_json(&kvs, &text);
    arc_slice out = ARC_NONE;
    if (text.failed == ARC_OK)
        out = arc__arena_copy(arena, arc__buf_slice(&text));
    else
        arena->failed = 1;
    arc__buf_deinit(&text);
    return out;
}

arc_status arc__page_bind(int32_t *page, int32_t *page_size, struct arc_query *query, arc_err *err)
{
    if (*page < 0 || *page > 1000000)
        return arc__fail(err, ARC_EINVAL, "page", "page must be between 1 and 1000000.");
    if (*page_size < 0 || *page_size > ARC_PAGE_SIZE_MAX)
        return arc__fail(err, ARC_EINVAL, "pageSize", "pageSize must be between 1 and %d.",
                         ARC_PAGE_SIZE_MAX);
    *page = *page == 0 ? 1 : *page;
    *page_size = *page_size == 0 ? ARC_PAGE_SIZE : *page_size;
    query->limit = (size_t)*page_size;
    query->offset = (size_t)(*page - 1) * (size_t)*page_size;
    query->want_total = 1;
    query->total_max = ARC_TOTAL_MAX;
    if (query->offset >= ARC_TOTAL_MAX)
        return arc__fail(err, ARC_EINVAL, "page",
                         "Pages by their number end behind %d rows; go on by the cursor.",
                         ARC_TOTAL_MAX);
    return ARC_OK;
}

char *arc__page_cursor(arc_slice key, int64_t total, struct arc_arena *arena)
{
    return arc__pb_string(arena,
                          arc__arena_printf(arena, "%.*s:%lld", ARC_ARG(key), (long long)total));
}

arc_status arc__page_go_on(const char *cursor, struct arc_query *query, arc_slice *behind,
                           int64_t *total, arc_err *err)
{
    arc_slice rest = ARC_NONE;
    arc_slice key = arc__slice_cut(arc__slice_cstr(cursor), ':', &rest);
    if (!arc__id_valid(key) || !arc__slice_to_i64(rest, total) || *total < 0)
        return arc__fail(err, ARC_EINVAL, "cursor", "This is no cursor of a list.");
    *behind = key;
    query->offset = 0;
    query->want_total = 0;
    return ARC_OK;
}

void arc__show_pipeline(Pipeline__V1__PipelineDetail *out, const struct arc_row_pipeline *row,
                        struct arc_arena *arena)
{
    out->pipeline_id = arc__pb_string(arena, row->id);
    TEXT(project_id);
    TEXT(name);
    TEXT(description);
    TEXT(repo_url);
    TEXT(default_branch);
    TEXT(pipeline_file_path);
    TEXT(pr_target_branch);
    TEXT(last_editor);
    TEXT(created_by);
    out->status = (Pipeline__V1__PipelineStatus)row->status;
    out->save_mode = (Pipeline__V1__PipelineSaveMode)row->save_mode;
    arc__show_map(out, "metadata", row->metadata, arena);
    out->last_commit_sha = arc__pb_string(arena, row->definition_sha);
    out->total_runs = arc__show_i32(row->total_runs);
    out->success_runs = arc__show_i32(row->success_runs);
    out->failed_runs = arc__show_i32(row->failed_runs);
    out->is_enabled = arc__show_i32(row->is_enabled);
    out->created_at = arc__show_seconds(row->created_at_ns);
    out->updated_at = arc__show_seconds(row->updated_at_ns);
    out->version = row->version;
}

/* What keeps it where it is comes before what it waited for. */
static arc_slice run_reason(const struct arc_row_pipeline_run *row, struct arc_arena *arena)
{
    if (row->held == ARC_HELD_DAMAGED)
        return arc__arena_printf(arena, "Quarantined: %.*s", ARC_ARG(row->held_why));
    return row->held == ARC_HELD_IMPORTED && !arc_run_state_is_terminal((int)row->status)
               ? row->held_why
               : row->reason;
}

void arc__show_run(Pipeline__V1__PipelineRunDetail *out, const struct arc_row_pipeline_run *row,
                   struct arc_now now, struct arc_arena *arena)
{
    out->run_id = arc__pb_string(arena, row->id);
    TEXT(pipeline_id);
    TEXT(pipeline_name);
    TEXT(branch);
    TEXT(triggered_by);
    out->reason = arc__pb_string(arena, run_reason(row, arena));
    TEXT(plan_hash);
    TEXT(rerun_of);
    out->definition_commit_sha = arc__pb_string(arena, row->definition_sha);
    out->status = (Pipeline__V1__PipelineStatus)row->status;
    out->trigger_type = (Pipeline__V1__TriggerType)row->trigger_type;
    arc__show_map(out, "variables", row->variables, arena);
    out->total_jobs = arc__show_i32(row->total_jobs);
    out->completed_jobs = arc__show_i32(row->completed_jobs);
    out->failed_jobs = arc__show_i32(row->failed_jobs);
    out->running_jobs = arc__show_i32(row->running_jobs);
    out->start_time = arc__show_seconds(row->started_at_ns);
    out->end_time = arc__show_seconds(row->ended_at_ns);
    out->duration = arc__show_duration_ms(row->started_at_ns, row->ended_at_ns, now);
    out->number = row->number;
    out->fencing = arc__pb_cstr(arena, "strong");
}

/* ["a","b"] into a repeated field of texts. */
static void show_texts(void *message, const char *field, arc_slice json, struct arc_arena *arena)
{
    const struct arc_node *list = NULL;
    if (json.len == 0 || arc__json_read(json, NULL, arena, &list, NULL) != ARC_OK ||
        list->kind != ARC_NODE_LIST)
        return;
    for (const struct arc_node *node = list->first; node != NULL; node = node->next)
        (void)arc__pb_add_text(message, field, node->text, arena); /* the arena remembers */
}

void arc__show_job(Control__V1__JobRunDetail *out, const struct arc_row_job_run *row,
                   struct arc_now now, struct arc_arena *arena)
{
    out->job_id = arc__pb_string(arena, row->id);
    out->job_name = arc__pb_string(arena, row->name);
    out->pipeline_run_id = arc__pb_string(arena, row->run_id);
    TEXT(pipeline_id);
    TEXT(stage);
    TEXT(agent_id);
    TEXT(reason);
    out->status = (Control__V1__JobRunStatus)row->status;
    out->status_word = arc__pb_cstr(arena, arc_job_state_name((int)row->status));
    out->attempt = arc__show_i32(row->attempt);
    show_texts(out, "depends_on", row->depends_on, arena);
    out->created_at = arc__show_seconds(row->created_at_ns);
    out->started_at = arc__show_seconds(row->started_at_ns);
    out->finished_at = arc__show_seconds(row->ended_at_ns);
    out->duration = arc__show_duration_ms(row->started_at_ns, row->ended_at_ns, now);
    out->total_steps = arc__show_i32(row->total_steps);
    out->started_at_ns = row->started_at_ns;
    out->finished_at_ns = row->ended_at_ns;
    out->continue_on_error = row->continue_on_error != 0;
}

void arc__show_step(Steprun__V1__StepRunDetail *out, const struct arc_row_step_run *row,
                    struct arc_now now, struct arc_arena *arena)
{
    out->step_run_id = arc__pb_string(arena, row->id);
    out->pipeline_run_id = arc__pb_string(arena, row->run_id);
    out->step_name = arc__pb_string(arena, row->name);
    TEXT(pipeline_id);
    TEXT(job_id);
    TEXT(job_name);
    TEXT(uses);
    TEXT(action);
    TEXT(timeout);
    TEXT(when);
    TEXT(agent_id);
    TEXT(error_message);
    TEXT(reason);
    out->step_index = arc__show_i32(row->step_index);
    out->args = arc__show_struct(row->args, arena);
    out->status = (Steprun__V1__StepRunStatus)row->status;
    arc__show_map(out, "env", row->env, arena);
    arc__show_map(out, "metrics", row->metrics, arena);
    arc__show_map(out, "outputs", row->outputs, arena);
    out->continue_on_error = row->continue_on_error != 0;
    out->exit_code = arc__show_i32(row->exit_code);
    out->attempt = arc__show_i32(row->attempt);
    out->created_at = arc__show_seconds(row->created_at_ns);
    out->started_at = arc__show_seconds(row->started_at_ns);
    out->finished_at = arc__show_seconds(row->ended_at_ns);
    out->started_at_ns = row->started_at_ns;
    out->finished_at_ns = row->ended_at_ns;
    out->duration = arc__show_duration_ms(row->started_at_ns, row->ended_at_ns, now);
}

void arc__show_diags(void *reply, const char *field, const struct arc_diags *diags,
                     struct arc_arena *arena)
{
    for (const struct arc_diag *diag = diags->first; diag != NULL; diag = diag->next) {
        Pipeline__V1__Diagnostic *out = arc__pb_add(reply, field, arena);
        if (out == NULL)
            return;
        out->code = arc__pb_string(arena, arc__arena_printf(arena, "ARC%04u", diag->code));
        out->severity =
            arc__pb_cstr(arena, diag->severity == ARC_SEVERITY_ERROR ? "error" : "warning");
        out->message = arc__pb_string(arena, diag->message);
        out->path = arc__pb_string(arena, diag->path);
        out->file = arc__pb_string(arena, arc__diags_name(diags, diag->mark.file));
        out->line = (int32_t)diag->mark.line;
        out->column = (int32_t)diag->mark.column;
        out->end_line = (int32_t)diag->mark.end_line;
        out->end_column = (int32_t)diag->mark.end_column;
        out->hint = arc__pb_string(arena, diag->hint);
    }
}
