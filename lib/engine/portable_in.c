/* SPDX-License-Identifier: Apache-2.0 */
#include <arcentra/states.h>

#include "base/sha256.h"
#include "base/text.h"
#include "base/ulid.h"
#include "engine/engine_private.h"
#include "engine/event_json.h"
#include "engine/portable.h"
#include "engine/replay.h"
#include "spec/spec.h"

#define PAGE 128u
#define ROWS_BYTES_MAX (768u * 1024u * 1024u)
#define HELD_WHY "It was imported: a record of a run of another control plane."

struct event_list {
    struct arc_row_event *items;
    size_t count, capacity;
};

struct arc_take {
    struct arc_desk *desk;
    struct arc_arena line; /* the tree of one line */
    struct arc_arena kept; /* everything that is to be stored */
    struct arc_replay replay;
    struct arc_sha256 sha;
    uint64_t bytes;
    int64_t lines;
    int over; /* the last line was there */
    arc_id run_id, pipeline_id;
    struct arc_row_definition definition;
    int has_definition;
    struct event_list events;
    struct event_list deletions; /* of its step runs, each in a stream of its own */
    struct arc_store_op *ops;
    size_t op_count;
};

arc_status arc__take_new(struct arc_desk *desk, struct arc_take **out, arc_err *err)
{
    struct arc_take *self = arc__alloc(&desk->mem, sizeof(*self));
    if (self == NULL)
        return arc__fail_nomem(err);
    self->desk = desk;
    arc__arena_init(&self->line, &desk->mem, ROWS_BYTES_MAX);
    arc__arena_init(&self->kept, &desk->mem, ROWS_BYTES_MAX);
    arc__replay_init(&self->replay, &desk->mem, &self->kept);
    arc__sha256_init(&self->sha);
    *out = self;
    return ARC_OK;
}

void arc__take_free(struct arc_take *self)
{
    if (self == NULL)
        return;
    struct arc_mem mem = self->desk->mem;
    arc__replay_deinit(&self->replay);
    arc__arena_deinit(&self->line);
    arc__arena_deinit(&self->kept);
    arc__free(&mem, self);
}

/* --- reading --------------------------------------------------------------------------------- */

#define REFUSE(self, err, ...) \
    arc__fail_at((err), ARC_EINVAL, (uint32_t)(self)->lines + 1, 0, "file", __VA_ARGS__)

/* A line has the keys of its kind and no other: what is not known would be lost. */
static arc_status check_keys(struct arc_take *self, const struct arc_node *map,
                             const char *const *keys, size_t count, arc_err *err)
{
    for (const struct arc_node *child = map->first; child != NULL; child = child->next) {
        int known = 0;
        for (size_t i = 0; i < count; i++)
            known |= arc__slice_is(child->key, keys[i]);
        if (!known)
            return REFUSE(self, err, "Version %d has no key \"%.60s\" here.", ARC_PORTABLE_VERSION,
                          arc__arena_strdup(&self->line, child->key));
    }
    return ARC_OK;
}

static arc_status need(struct arc_take *self, const struct arc_node *map, const char *key,
                       enum arc_node_kind kind, const struct arc_node **out, arc_err *err)
{
    const struct arc_node *node = arc__node_get(map, key);
    if (node == NULL || node->kind != kind)
        return REFUSE(self, err, "The key \"%s\" is missing, or not of its kind.", key);
    *out = node;
    return ARC_OK;
}

static arc_status take_id(struct arc_take *self, const struct arc_node *map, const char *key,
                          arc_id *out, arc_err *err)
{
    const struct arc_node *node = NULL;
    ARC_TRY(need(self, map, key, ARC_NODE_TEXT, &node, err));
    if (node->text.len > ARC_ULID_LEN || !arc__id_valid(node->text))
        return REFUSE(self, err, "\"%s\" is not an id.", key);
    (void)arc__slice_to_cstr(node->text, out->text, sizeof(out->text));
    return ARC_OK;
}

static arc_status take_head(struct arc_take *self, const struct arc_node *map, arc_err *err)
{
    static const char *const keys[] = {"arcentra", "version", "runId", "pipelineId"};
    const struct arc_node *word = NULL, *version = NULL;
    ARC_TRY(need(self, map, "arcentra", ARC_NODE_TEXT, &word, err));
    ARC_TRY(need(self, map, "version", ARC_NODE_INT, &version, err));
    if (!arc__slice_is(word->text, "run"))
        return REFUSE(self, err, "The file does not hold a run.");
    if (version->number != ARC_PORTABLE_VERSION)
        return REFUSE(self, err, "The file is of version %lld, and %d is known.",
                      (long long)version->number, ARC_PORTABLE_VERSION);
    ARC_TRY(check_keys(self, map, keys, ARC_COUNT_OF(keys), err));
    ARC_TRY(take_id(self, map, "runId", &self->run_id, err));
    return take_id(self, map, "pipelineId", &self->pipeline_id, err);
}

static arc_status take_text(struct arc_take *self, const struct arc_node *map, const char *key,
                            arc_slice *out, arc_err *err)
{
    const struct arc_node *node = NULL;
    ARC_TRY(need(self, map, key, ARC_NODE_TEXT, &node, err));
    if (!arc__text_clean(node->text))
        return REFUSE(self, err, "\"%s\" holds a character that cannot be stored.", key);
    *out = node->text.len > 0 ? arc__arena_copy(&self->kept, node->text) : ARC_NONE;
    return self->kept.failed ? arc__fail_nomem(err) : ARC_OK;
}

static arc_status take_int(struct arc_take *self, const struct arc_node *map, const char *key,
                           int64_t *out, arc_err *err)
{
    const struct arc_node *node = NULL;
    ARC_TRY(need(self, map, key, ARC_NODE_INT, &node, err));
    *out = node->number;
    return ARC_OK;
}

static arc_status take_definition(struct arc_take *self, const struct arc_node *line, arc_err *err)
{
    static const char *const outer[] = {"definition"};
    static const char *const keys[] = {"sha",    "format",  "text",       "canonical",
                                       "editor", "message", "createdAtNs"};
    char hex[ARC_SHA256_HEX_LEN + 1];
    const struct arc_node *map = NULL;
    struct arc_row_definition *row = &self->definition;
    if (self->has_definition || self->events.count > 0)
        return REFUSE(self, err, "The definition stands once, before the events.");
    ARC_TRY(check_keys(self, line, outer, ARC_COUNT_OF(outer), err));
    ARC_TRY(need(self, line, "definition", ARC_NODE_MAP, &map, err));
    ARC_TRY(check_keys(self, map, keys, ARC_COUNT_OF(keys), err));
    row->pipeline_id = arc__id_slice(&self->pipeline_id);
    ARC_TRY(take_text(self, map, "sha", &row->sha, err));
    ARC_TRY(take_int(self, map, "format", &row->format, err));
    ARC_TRY(take_text(self, map, "text", &row->text, err));
    ARC_TRY(take_text(self, map, "canonical", &row->canonical, err));
    ARC_TRY(take_text(self, map, "editor", &row->editor, err));
    ARC_TRY(take_text(self, map, "message", &row->message, err));
    ARC_TRY(take_int(self, map, "createdAtNs", &row->created_at_ns, err));
    arc__sha256_hex(row->canonical, hex);
    if (!arc__slice_is(row->sha, hex))
        return REFUSE(self, err, "The definition is not what its hash says.");
    self->has_definition = 1;
    return ARC_OK;
}

static arc_status keep_event(struct arc_take *self, struct event_list *list,
                             const struct arc_row_event *row, arc_err *err)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? list->capacity * 2 : 64;
        struct arc_row_event *grown =
            arc__arena_array(&self->kept, capacity, sizeof(struct arc_row_event));
        if (grown == NULL)
            return arc__fail_nomem(err);
        if (list->count > 0)
            memcpy(grown, list->items, list->count * sizeof(*grown));
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->count++] = *row;
    return ARC_OK;
}

/* What the events say of themselves, and what the file says. */
static arc_status check_birth(struct arc_take *self, arc_err *err)
{
    const struct arc_run *run = &self->replay.history.run;
    if (!arc__slice_equal(run->pipeline_id, arc__id_slice(&self->pipeline_id)))
        return REFUSE(self, err, "The run is of another pipeline than the file says.");
    if (self->has_definition && !arc__slice_equal(run->birth->definition_sha, self->definition.sha))
        return REFUSE(self, err, "The run is of another definition than the file's.");
    return ARC_OK;
}

/* As it stands there: what is exported again is the same. */
static arc_status take_body(struct arc_take *self, const struct arc_node *map, arc_slice line,
                            arc_slice *out, arc_err *err)
{
    const struct arc_node *body = NULL;
    ARC_TRY(need(self, map, "body", ARC_NODE_MAP, &body, err));
    *out = arc__arena_copy(
        &self->kept, arc__slice(line.ptr + body->mark.offset, body->mark.end - body->mark.offset));
    return self->kept.failed ? arc__fail_nomem(err) : ARC_OK;
}

static arc_status take_event(struct arc_take *self, const struct arc_node *map, arc_slice line,
                             arc_err *err)
{
    static const char *const keys[] = {"seq", "timeNs", "type", "body"};
    struct arc_row_event row = {.stream = arc__id_slice(&self->run_id)};
    arc_err why = ARC_ERR_INIT;
    if (self->deletions.count > 0)
        return REFUSE(self, err, "Events stand before deletions.");
    ARC_TRY(check_keys(self, map, keys, ARC_COUNT_OF(keys), err));
    ARC_TRY(take_int(self, map, "seq", &row.seq, err));
    ARC_TRY(take_int(self, map, "timeNs", &row.time_ns, err));
    ARC_TRY(take_text(self, map, "type", &row.type, err));
    ARC_TRY(take_body(self, map, line, &row.body, err));
    arc_status status = arc__replay_take(&self->replay, &row, &why);
    if (status == ARC_EINTERNAL)
        return REFUSE(self, err, "%s", why.message);
    if (status != ARC_OK)
        return arc__fail(err, status, why.subject, "%s", why.message);
    if (row.seq == 1)
        ARC_TRY(check_birth(self, err));
    return keep_event(self, &self->events, &row, err);
}

/* The one event of a step run's own stream. That it fits the run is seen at the end. */
static arc_status take_deletion(struct arc_take *self, const struct arc_node *line, arc_slice text,
                                arc_err *err)
{
    static const char *const outer[] = {"deletion"};
    static const char *const keys[] = {"stepRunId", "timeNs", "body"};
    const struct arc_node *map = NULL;
    struct arc_event *event = NULL;
    arc_err why = ARC_ERR_INIT;
    struct arc_row_event row = {
        .seq = 1, .type = arc__slice_cstr(arc__event_type_name(ARC_EVENT_STEP_DELETED))};
    ARC_TRY(check_keys(self, line, outer, ARC_COUNT_OF(outer), err));
    ARC_TRY(need(self, line, "deletion", ARC_NODE_MAP, &map, err));
    ARC_TRY(check_keys(self, map, keys, ARC_COUNT_OF(keys), err));
    ARC_TRY(take_text(self, map, "stepRunId", &row.stream, err));
    ARC_TRY(take_int(self, map, "timeNs", &row.time_ns, err));
    ARC_TRY(take_body(self, map, text, &row.body, err));
    arc_status status = arc__event_from_row(&row, &self->line, &event, &why);
    if (status == ARC_ENOMEM)
        return arc__fail_nomem(err);
    if (status != ARC_OK)
        return REFUSE(self, err, "%s", why.message);
    return keep_event(self, &self->deletions, &row, err);
}

static arc_status take_end(struct arc_take *self, const struct arc_node *line, arc_err *err)
{
    static const char *const outer[] = {"end"};
    static const char *const keys[] = {"lines", "sha256"};
    char hex[ARC_SHA256_HEX_LEN + 1];
    const struct arc_node *map = NULL, *sha = NULL;
    int64_t lines = 0;
    ARC_TRY(check_keys(self, line, outer, ARC_COUNT_OF(outer), err));
    ARC_TRY(need(self, line, "end", ARC_NODE_MAP, &map, err));
    ARC_TRY(check_keys(self, map, keys, ARC_COUNT_OF(keys), err));
    ARC_TRY(take_int(self, map, "lines", &lines, err));
    ARC_TRY(need(self, map, "sha256", ARC_NODE_TEXT, &sha, err));
    arc__sha256_end_hex(&self->sha, hex);
    if (self->events.count == 0)
        return REFUSE(self, err, "The file has no event.");
    if (lines != self->lines)
        return REFUSE(self, err, "The file says that it has %lld lines before this one.",
                      (long long)lines);
    if (!arc__slice_is(sha->text, hex))
        return REFUSE(self, err, "The file was changed: its digest is %s.", hex);
    self->over = 1;
    return ARC_OK;
}

static arc_status take_line(struct arc_take *self, arc_slice line, arc_err *err)
{
    /* A plan of thousands of jobs is one line. */
    static const struct arc_spec_limits own = {.document_bytes = ARC_PORTABLE_LINE_MAX,
                                               .nodes = 20000000,
                                               .keys = 1000000,
                                               .string_bytes = ARC_PORTABLE_LINE_MAX};
    const struct arc_node *map = NULL;
    arc_err why = ARC_ERR_INIT;
    if (self->over)
        return REFUSE(self, err, "There is something behind the end.");
    if (!arc__text_clean(line))
        return REFUSE(self, err, "The line is not UTF-8 text.");
    arc__arena_reset(&self->line);
    arc_status status = arc__json_read(line, &own, &self->line, &map, &why);
    if (status == ARC_ENOMEM || self->line.failed)
        return arc__fail_nomem(err);
    if (status != ARC_OK || map->kind != ARC_NODE_MAP)
        return REFUSE(self, err, "The line is not a JSON object: %s",
                      status != ARC_OK ? why.message : "it is another value.");
    if (self->lines == 0)
        return take_head(self, map, err);
    if (arc__node_get(map, "definition") != NULL)
        return take_definition(self, map, err);
    if (arc__node_get(map, "deletion") != NULL)
        return take_deletion(self, map, line, err);
    if (arc__node_get(map, "end") != NULL)
        return take_end(self, map, err);
    return take_event(self, map, line, err);
}

arc_status arc__take_line(struct arc_take *self, arc_slice line, arc_err *err)
{
    self->bytes += line.len + 1;
    if (line.len > ARC_PORTABLE_LINE_MAX)
        return arc__fail(err, ARC_ELIMIT, "import.line", "A line has at most %u bytes.",
                         ARC_PORTABLE_LINE_MAX);
    if (self->bytes > ARC_PORTABLE_BYTES_MAX)
        return arc__fail(err, ARC_ELIMIT, "import.bytes", "A file has at most %u bytes.",
                         ARC_PORTABLE_BYTES_MAX);
    ARC_TRY(take_line(self, line, err));
    arc__sha256_add(&self->sha, line);
    arc__sha256_add(&self->sha, ARC_LIT("\n"));
    self->lines++;
    return ARC_OK;
}

/* --- what is there already ------------------------------------------------------------------- */

static int same_event(const struct arc_row_event *a, const struct arc_row_event *b)
{
    return a->seq == b->seq && a->time_ns == b->time_ns && arc__slice_equal(a->type, b->type) &&
           arc__slice_equal(a->body, b->body);
}

/* *count: how many of its events are stored; *same: they are those of the file, as far as both go.
 */
static arc_status compare_stored(struct arc_take *self, size_t *count, int *same, arc_err *err)
{
    struct arc_rows rows = {.count = PAGE};
    int64_t after = INT64_MIN;
    *count = 0;
    *same = 1;
    while (rows.count == PAGE) {
        struct arc_query query = {
            .table = ARC_TABLE_event, .filter_count = 2, .order_col = -1, .limit = PAGE};
        query.filters[0] =
            (struct arc_filter){.col = ARC_COL_event_stream, .text = arc__id_slice(&self->run_id)};
        query.filters[1] =
            (struct arc_filter){.col = ARC_COL_event_seq, .op = ARC_FILTER_GT, .number = after};
        arc__arena_reset(&self->line);
        ARC_TRY(arc__desk_query(self->desk, &query, &self->line, &rows, err));
        const struct arc_row_event *row = rows.rows;
        for (size_t i = 0; i < rows.count; i++, ++*count) {
            *same &=
                *count < self->events.count && same_event(&row[i], &self->events.items[*count]);
            after = row[i].seq;
        }
    }
    return ARC_OK;
}

static arc_status find(struct arc_take *self, enum arc_table table, arc_slice key, arc_slice second,
                       struct arc_rows *rows, arc_err *err)
{
    struct arc_query query = {.table = table, .filter_count = 1, .order_col = -1};
    query.filters[0] = (struct arc_filter){.col = 0, .text = key};
    if (second.len > 0)
        query.filters[query.filter_count++] = (struct arc_filter){.col = 1, .text = second};
    return arc__desk_query(self->desk, &query, &self->kept, rows, err);
}

static arc_status last_position(struct arc_take *self, int64_t *out, arc_err *err)
{
    struct arc_query query = {
        .table = ARC_TABLE_event, .order_col = ARC_COL_event_position, .descending = 1, .limit = 1};
    struct arc_rows rows = {0};
    query.filters[query.filter_count++] =
        (struct arc_filter){.col = ARC_COL_event_position, .op = ARC_FILTER_GT};
    arc__arena_reset(&self->line);
    ARC_TRY(arc__desk_query(self->desk, &query, &self->line, &rows, err));
    *out = rows.count > 0 ? ((const struct arc_row_event *)rows.rows)->position : 0;
    return ARC_OK;
}

/* --- writing --------------------------------------------------------------------------------- */

static void add_op(struct arc_take *self, enum arc_table table, const void *row)
{
    self->ops[self->op_count++] = (struct arc_store_op){ARC_STORE_INSERT, table, row, 0};
}

static void add_list(struct arc_take *self, enum arc_table table, const struct arc_row_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        add_op(self, table, list->items + i * arc__table_def(table)->row_size);
}

/* A run belongs to a pipeline. One that is not here is made, for the record: it cannot be started
 * before somebody has looked at it. */
static arc_status add_pipeline(struct arc_take *self, arc_err *err)
{
    const struct arc_run *run = &self->replay.history.run;
    struct arc_rows rows = {0};
    ARC_TRY(
        find(self, ARC_TABLE_pipeline, arc__id_slice(&self->pipeline_id), ARC_NONE, &rows, err));
    if (rows.count > 0) {
        const struct arc_row_pipeline *there = rows.rows;
        return arc__slice_equal(there->project_id, run->birth->project_id)
                   ? ARC_OK
                   : arc__fail(err, ARC_ECONFLICT, "pipeline",
                               "The pipeline of this id is of another project here.");
    }
    struct arc_row_pipeline *row = ARC_ARENA_NEW(&self->kept, struct arc_row_pipeline);
    if (row == NULL)
        return arc__fail_nomem(err);
    *row = (struct arc_row_pipeline){
        .id = arc__id_slice(&self->pipeline_id),
        .project_id = run->birth->project_id,
        .name = run->birth->pipeline_name,
        .description = ARC_LIT("Made by an import."),
        .status = ARC_RUN_PENDING,
        .definition_sha = self->has_definition ? self->definition.sha : ARC_NONE,
        .version = 1,
        .created_at_ns = run->created_ns,
        .updated_at_ns = run->created_ns,
    };
    add_op(self, ARC_TABLE_pipeline, row);
    return ARC_OK;
}

static arc_status add_definition(struct arc_take *self, arc_err *err)
{
    struct arc_rows rows = {0};
    if (!self->has_definition)
        return ARC_OK;
    ARC_TRY(find(self, ARC_TABLE_definition, self->definition.pipeline_id, self->definition.sha,
                 &rows, err));
    if (rows.count == 0)
        add_op(self, ARC_TABLE_definition, &self->definition);
    return ARC_OK;
}

/* Both in the order of the rows: what is exported again is the same. */
static arc_status fit_deletions(struct arc_take *self, arc_err *err)
{
    struct arc_row_step_run *steps = (void *)self->replay.steps.items;
    size_t d = 0;
    for (size_t i = 0; i < self->replay.steps.count && d < self->deletions.count; i++) {
        if (!arc__slice_equal(steps[i].id, self->deletions.items[d].stream))
            continue;
        if (!arc__replay_delete(&steps[i], &self->deletions.items[d]))
            break;
        d++;
    }
    return d == self->deletions.count
               ? ARC_OK
               : REFUSE(self, err,
                        "Deletion %zu is of no step run of the run that has ended, or not in "
                        "their order.",
                        d + 1);
}

static void add_events(struct arc_take *self, struct event_list *list, int64_t *position)
{
    for (size_t i = 0; i < list->count; i++) {
        list->items[i].position = ++*position;
        add_op(self, ARC_TABLE_event, &list->items[i]);
    }
}

static arc_status make_ops(struct arc_take *self, arc_err *err)
{
    struct arc_replay *replay = &self->replay;
    int64_t position = 0;
    size_t most = self->events.count + self->deletions.count + replay->jobs.count +
                  replay->steps.count + replay->artifacts.count + 3;
    if (most > ARC_STORE_BATCH_MAX)
        return arc__fail(err, ARC_ELIMIT, "import.rows", "The run has %zu rows, the limit is %d.",
                         most, ARC_STORE_BATCH_MAX);
    self->ops = arc__arena_array(&self->kept, most, sizeof(*self->ops));
    if (self->ops == NULL)
        return arc__fail_nomem(err);
    ARC_TRY(last_position(self, &position, err));
    ARC_TRY(add_pipeline(self, err));
    ARC_TRY(add_definition(self, err));
    add_events(self, &self->events, &position);
    add_events(self, &self->deletions, &position);
    struct arc_row_pipeline_run *row = (void *)replay->runs.items;
    row->held = ARC_HELD_IMPORTED;
    row->held_why = ARC_LIT(HELD_WHY);
    add_list(self, ARC_TABLE_pipeline_run, &replay->runs);
    add_list(self, ARC_TABLE_job_run, &replay->jobs);
    add_list(self, ARC_TABLE_step_run, &replay->steps);
    add_list(self, ARC_TABLE_step_run_artifact, &replay->artifacts);
    return ARC_OK;
}

arc_status arc__take_end(struct arc_take *self, struct arc_take_report *out, arc_err *err)
{
    size_t stored = 0;
    int same = 0;
    if (!self->over)
        return REFUSE(self, err, "The file is cut off: its last line is missing.");
    ARC_TRY(arc__replay_end(&self->replay, err));
    ARC_TRY(fit_deletions(self, err));
    ARC_TRY(compare_stored(self, &stored, &same, err));
    if (stored > 0 && (!same || stored != self->events.count))
        return arc__fail(err, ARC_ECONFLICT, "run", "Another run of this id is here: %s",
                         same && stored < self->events.count ? "it has fewer events."
                                                             : "its events are others.");
    struct arc_take_report report = {.run_id = self->run_id,
                                     .same = stored > 0,
                                     .status = self->replay.history.run.status,
                                     .events = self->events.count};
    if (stored == 0) {
        ARC_TRY(make_ops(self, err));
        ARC_TRY(arc__desk_commit(self->desk, self->ops, self->op_count, err));
        report.rows = self->op_count - self->events.count - self->deletions.count;
    }
    *out = report;
    return ARC_OK;
}
