/* SPDX-License-Identifier: Apache-2.0 */
#include "command/feed.h"

#include "base/json.h"
#include "base/time.h"
#include "command/show.h"

/* --- reading ------------------------------------------------------------------------------------
 */

static arc_slice text_of(const struct arc_node *map, const char *key)
{
    const struct arc_node *node = map != NULL ? arc__node_get(map, key) : NULL;
    return node != NULL && node->kind == ARC_NODE_TEXT ? node->text : ARC_NONE;
}

static int64_t line_of(const struct arc_node *map, const char *key, int *given, int *bad)
{
    const struct arc_node *node = map != NULL ? arc__node_get(map, key) : NULL;
    *given = node != NULL && node->kind != ARC_NODE_NULL;
    if (!*given)
        return 0;
    if (node->kind == ARC_NODE_INT && node->number > 0)
        return node->number;
    *bad = 1;
    return 0;
}

arc_status arc__feed_request_read(arc_slice text, struct arc_arena *arena,
                                  struct arc_feed_request *out, arc_err *err)
{
    const struct arc_node *root = NULL;
    arc_err why = ARC_ERR_INIT;
    *out = (struct arc_feed_request){0};
    arc_status status = arc__json_read(text, NULL, arena, &root, &why);
    if (status == ARC_ENOMEM)
        return arc__fail_nomem(err);
    if (status != ARC_OK || root->kind != ARC_NODE_MAP)
        return ARC_OK;
    const struct arc_node *params = arc__node_get(root, "params");
    if (params != NULL && params->kind != ARC_NODE_MAP)
        params = NULL;
    out->is_object = 1;
    out->channel = text_of(root, "channel");
    out->action = text_of(root, "action");
    out->pipeline_id = text_of(params, "pipelineId");
    out->job_id = text_of(params, "jobId");
    out->step_run_id = text_of(params, "stepRunId");
    out->from = line_of(params, "from", &out->from_given, &out->range_bad);
    out->tail = line_of(params, "tail", &out->tail_given, &out->range_bad);
    const struct arc_node *action = arc__node_get(root, "action");
    if (action != NULL && action->kind != ARC_NODE_TEXT && action->kind != ARC_NODE_NULL)
        out->action = action->text.len > 0 ? action->text : ARC_LIT("?");
    return ARC_OK;
}

/* --- feeding ------------------------------------------------------------------------------------
 */

struct arc_feed {
    struct arc_mem mem;
    enum arc_feed_kind kind;
    struct arc_op *op;
    struct arc_arena arena; /* the message that is being shown */
    const Control__V1__StreamStepRunLogsResponse *lines;
    size_t line_at;
    int64_t next_line;
    int history_done, over;
};

static arc_status request_logs(struct arc_feed *feed, const struct arc_feed_start *start)
{
    struct arc_arena *arena = &feed->op->arena;
    Control__V1__StreamStepRunLogsRequest *request =
        ARC_PB_NEW(arena, Control__V1__StreamStepRunLogsRequest,
                   control__v1__stream_step_run_logs_request__descriptor);
    if (request == NULL)
        return ARC_ENOMEM;
    request->step_run_id = arc__pb_string(arena, start->step_run_id);
    request->pipeline_id = arc__pb_string(arena, start->pipeline_id);
    request->job_id = arc__pb_string(arena, start->job_id);
    request->from = start->from;
    request->tail = start->tail;
    request->follow = 1;
    if (arena->failed)
        return ARC_ENOMEM;
    arc__op_request(feed->op, request);
    return ARC_OK;
}

static arc_status request_status(struct arc_feed *feed, const struct arc_feed_start *start)
{
    struct arc_arena *arena = &feed->op->arena;
    Control__V1__StreamStepRunEventsRequest *request =
        ARC_PB_NEW(arena, Control__V1__StreamStepRunEventsRequest,
                   control__v1__stream_step_run_events_request__descriptor);
    if (request == NULL)
        return ARC_ENOMEM;
    request->step_run_id = arc__pb_string(arena, start->step_run_id);
    request->pipeline_id = arc__pb_string(arena, start->pipeline_id);
    request->job_id = arc__pb_string(arena, start->job_id);
    if (arena->failed)
        return ARC_ENOMEM;
    arc__op_request(feed->op, request);
    return ARC_OK;
}

arc_status arc__feed_open(struct arc_command *command, const struct arc_feed_start *start,
                          struct arc_feed **out, arc_err *err)
{
    const struct arc_mem *mem = arc__engine_mem(arc__command_engine(command));
    const struct arc_method *method =
        arc__method_find(command, start->kind == ARC_FEED_LOG
                                      ? ARC_LIT("control.v1.ControlService/StreamStepRunLogs")
                                      : ARC_LIT("control.v1.ControlService/StreamStepRunEvents"));
    struct arc_feed *feed = arc__alloc(mem, sizeof(*feed));
    if (feed == NULL)
        return arc__fail_nomem(err);
    *feed = (struct arc_feed){.mem = *mem, .kind = start->kind, .next_line = 1};
    arc__arena_init(&feed->arena, mem, ARC_OP_BYTES_MAX);
    arc_status status = arc__op_open(command, method, &start->principal, ARC_NONE, start->wake,
                                     start->user, &feed->op, err);
    if (status == ARC_OK && !feed->op->over) {
        status =
            start->kind == ARC_FEED_LOG ? request_logs(feed, start) : request_status(feed, start);
        if (status != ARC_OK)
            status = arc__fail_nomem(err);
    }
    if (status != ARC_OK) {
        arc__feed_close(feed);
        return status;
    }
    *out = feed;
    return ARC_OK;
}

void arc__feed_close(struct arc_feed *feed)
{
    if (feed == NULL)
        return;
    struct arc_mem mem = feed->mem;
    arc__op_close(feed->op);
    arc__arena_deinit(&feed->arena);
    arc__free(&mem, feed);
}

int64_t arc__feed_line(const struct arc_feed *feed)
{
    return feed->next_line;
}

static void entry_add(struct arc_json *json, const Control__V1__LogEntry *entry)
{
    arc__json_object(json);
    arc__json_key_text(json, "step_run_id", arc__slice_cstr(entry->step_run_id));
    arc__json_key_i64(json, "timestamp", entry->timestamp);
    arc__json_key_i64(json, "line_number", entry->line_number);
    arc__json_key_text(json, "level", arc__slice_cstr(entry->level));
    arc__json_key_text(json, "content", arc__slice_cstr(entry->content));
    arc__json_key_text(json, "stream", arc__slice_cstr(entry->stream));
    arc__json_key_text(json, "plugin_name", arc__slice_cstr(entry->plugin_name));
    arc__json_key_text(json, "agent_id", arc__slice_cstr(entry->agent_id));
    arc__json_end_object(json);
}

static void time_add(struct arc_json *json, const char *key, int64_t ns)
{
    char text[48];
    struct arc_buf buf;
    arc__buf_init(&buf, &json->out->mem, sizeof(text));
    arc__rfc3339_add(&buf, ns);
    arc__json_key_text(json, key, arc__buf_slice(&buf));
    arc__buf_deinit(&buf);
}

static void snapshot_add(struct arc_json *json,
                         const Control__V1__StreamStepRunEventsResponse *said)
{
    arc__json_object(json);
    arc__json_key_text(json, "stepRunId", arc__slice_cstr(said->step_run_id));
    arc__json_key_text(json, "pipelineId", arc__slice_cstr(said->pipeline_id));
    arc__json_key_text(json, "jobId", arc__slice_cstr(said->job_id));
    arc__json_key_i64(json, "status", said->status);
    if (said->start_time_ns != 0)
        time_add(json, "startTime", said->start_time_ns);
    if (said->end_time_ns != 0) {
        time_add(json, "endTime", said->end_time_ns);
    } else {
        arc__json_key(json, ARC_LIT("endTime"));
        arc__json_null(json);
    }
    arc__json_key_i64(json, "duration", said->duration);
    arc__json_end_object(json);
}

static arc_status change_add(struct arc_json *json,
                             const Control__V1__StreamStepRunEventsResponse *said, arc_err *err)
{
    arc__json_object(json);
    arc__json_key_text(json, "pipelineId", arc__slice_cstr(said->pipeline_id));
    arc__json_key_text(json, "jobId", arc__slice_cstr(said->job_id));
    arc__json_key_text(json, "stepRunId", arc__slice_cstr(said->step_run_id));
    arc__json_key_text(json, "eventType", arc__slice_cstr(said->event_type));
    arc__json_key_text(json, "status", arc__slice_cstr(said->event_status));
    arc__json_key_text(json, "subject", arc__slice_cstr(said->subject));
    arc__json_key(json, ARC_LIT("raw"));
    ARC_TRY(arc__pb_field_to_json(said, "raw", json, err));
    arc__json_end_object(json);
    return ARC_OK;
}

/* The next message of the method; its refusal where it has ended with one. */
static arc_status feed_pull(struct arc_feed *feed, const void **message, arc_err *err)
{
    if (feed->over)
        return ARC_EDONE;
    arc__arena_reset(&feed->arena);
    feed->lines = NULL;
    arc_status status = arc__op_pull(feed->op, &feed->arena, message);
    if (status != ARC_EDONE)
        return status;
    feed->over = 1;
    if (feed->op->status == ARC_OK)
        return ARC_EDONE;
    if (err != NULL)
        *err = feed->op->err;
    return feed->op->status;
}

static arc_status next_log(struct arc_feed *feed, struct arc_json *json, enum arc_feed_item *item,
                           arc_err *err)
{
    if (feed->lines == NULL || feed->line_at >= feed->lines->n_entries) {
        const void *message = NULL;
        ARC_TRY(feed_pull(feed, &message, err));
        feed->lines = message;
        feed->line_at = 0;
        if (feed->lines->n_entries == 0) {
            if (!feed->lines->history_done) {
                feed->over = 1; /* `ended` alone is for those who ask for it */
                return ARC_EDONE;
            }
            feed->history_done = 1;
            *item = ARC_FEED_HISTORY_DONE;
            return ARC_OK;
        }
    }
    if (feed->history_done) {
        const Control__V1__LogEntry *entry = feed->lines->entries[feed->line_at++];
        entry_add(json, entry);
        feed->next_line = (int64_t)entry->line_number + 1;
        *item = ARC_FEED_LINE;
        return ARC_OK;
    }
    arc__json_array(json);
    for (; feed->line_at < feed->lines->n_entries; feed->line_at++) {
        entry_add(json, feed->lines->entries[feed->line_at]);
        feed->next_line = (int64_t)feed->lines->entries[feed->line_at]->line_number + 1;
    }
    arc__json_end_array(json);
    *item = ARC_FEED_CHUNK;
    return ARC_OK;
}

static arc_status next_status(struct arc_feed *feed, struct arc_json *json,
                              enum arc_feed_item *item, int *ends, arc_err *err)
{
    const void *message = NULL;
    ARC_TRY(feed_pull(feed, &message, err));
    const Control__V1__StreamStepRunEventsResponse *said = message;
    *ends = said->ended;
    if (said->snapshot) {
        snapshot_add(json, said);
        *item = ARC_FEED_SNAPSHOT;
        return ARC_OK;
    }
    *item = ARC_FEED_CHANGE;
    return change_add(json, said, err);
}

arc_status arc__feed_next(struct arc_feed *feed, struct arc_buf *out, enum arc_feed_item *item,
                          int *ends, arc_err *err)
{
    struct arc_json json;
    arc__json_init(&json, out);
    *ends = 0;
    arc_status status = feed->kind == ARC_FEED_LOG ? next_log(feed, &json, item, err)
                                                   : next_status(feed, &json, item, ends, err);
    return status == ARC_OK ? arc__buf_check(out, err) : status;
}
