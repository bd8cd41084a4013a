/* SPDX-License-Identifier: Apache-2.0 */
/* PipelineService: making, changing, finding and removing pipelines. */
#include "command/pipeline.h"

#include "base/text.h"
#include "command/handlers.h"

#define NAME_BYTES_MAX 255

struct pipeline_state {
    const void *request;
    int32_t page, page_size;
    int64_t total; /* said before; -1: by this page */
    struct arc_definition definition;
};

/* --- what the other files of the service use too ------------------------------------------------
 */

const struct arc_row_pipeline *arc__pipeline_row(struct arc_op *op, const struct arc_rows *rows)
{
    const struct arc_row_pipeline *row = rows->rows;
    if (rows->count > 0 && row->deleted_at_ns == 0 &&
        arc__principal_sees(&op->principal, row->project_id))
        return row;
    arc__op_refuse_text(op, ARC_ENOTFOUND, "pipeline", "There is no pipeline with this id.");
    return NULL;
}

arc_status arc__pipeline_find(struct arc_op *op, const char *id, arc_op_rows rows, arc_err *err)
{
    return arc__op_find(op, ARC_TABLE_pipeline, id, "pipeline", rows, err);
}

const char *arc__pipeline_status_word(int state)
{
    return arc_run_state_name(state);
}

/* --- get and list -------------------------------------------------------------------------------
 */

static void get_found(struct arc_op *op, const struct arc_rows *rows)
{
    const struct arc_row_pipeline *row = arc__pipeline_row(op, rows);
    if (row == NULL)
        return;
    Pipeline__V1__GetPipelineResponse *reply = arc__op_reply_new(op);
    if (reply != NULL)
        reply->pipeline = ARC_PB_NEW(&op->arena, Pipeline__V1__PipelineDetail,
                                     pipeline__v1__pipeline_detail__descriptor);
    if (reply != NULL && reply->pipeline != NULL)
        arc__show_pipeline(reply->pipeline, row, &op->arena);
    arc__op_reply(op);
}

static arc_status get_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Pipeline__V1__GetPipelineRequest *request = message;
    return arc__pipeline_find(op, request->pipeline_id, get_found, err);
}

const struct arc_handler arc__pipeline_get = {.begin = get_begin};

static void list_found(struct arc_op *op, const struct arc_rows *rows)
{
    const struct pipeline_state *state = op->state;
    const Pipeline__V1__ListPipelinesRequest *request = state->request;
    Pipeline__V1__ListPipelinesResponse *reply = arc__op_reply_new(op);
    if (reply != NULL) {
        const struct arc_row_pipeline *row = rows->rows;
        for (size_t i = 0; i < rows->count; i++) {
            Pipeline__V1__PipelineDetail *item = arc__pb_add(reply, "pipelines", &op->arena);
            if (item != NULL)
                arc__show_pipeline(item, &row[i], &op->arena);
        }
        int64_t total = state->total >= 0 ? state->total : rows->total;
        reply->total = arc__show_i32(total);
        reply->page = state->page;
        reply->page_size = state->page_size;
        if (request->sort[0] == '\0' && rows->count == (size_t)state->page_size)
            reply->next_cursor = arc__page_cursor(row[rows->count - 1].id, total, &op->arena);
    }
    arc__op_reply(op);
}

static arc_status list_sort(const char *sort, struct arc_query *query, arc_err *err)
{
    static const struct {
        const char *name;
        int32_t col;
    } columns[] = {
        {"createdAt", ARC_COL_pipeline_created_at_ns},
        {"created_at", ARC_COL_pipeline_created_at_ns},
        {"updatedAt", ARC_COL_pipeline_updated_at_ns},
        {"updated_at", ARC_COL_pipeline_updated_at_ns},
        {"name", ARC_COL_pipeline_name},
    };
    query->descending = sort[0] == '-';
    for (size_t i = 0; i < ARC_COUNT_OF(columns); i++) {
        if (strcmp(columns[i].name, sort + query->descending) == 0) {
            query->order_col = columns[i].col;
            return ARC_OK;
        }
    }
    return arc__fail(err, ARC_EINVAL, "sort",
                     "sort is one of name, createdAt and updatedAt, with a minus to turn it.");
}

static void filter_text(struct arc_query *query, uint32_t col, enum arc_filter_op op,
                        arc_slice text)
{
    query->filters[query->filter_count++] = (struct arc_filter){.col = col, .op = op, .text = text};
}

static arc_status list_begin(struct arc_op *op, const void *message, arc_err *err)
{
    struct pipeline_state *state = op->state;
    const Pipeline__V1__ListPipelinesRequest *request = message;
    state->request = request;
    state->page = request->page;
    state->page_size = request->page_size;
    state->total = -1;
    /* Ids are made in the order of time, so the key is the order of making. */
    struct arc_query query = {.table = ARC_TABLE_pipeline, .order_col = -1, .descending = 1};
    ARC_TRY(arc__page_bind(&state->page, &state->page_size, &query, err));
    query.filters[query.filter_count++] =
        (struct arc_filter){.col = ARC_COL_pipeline_deleted_at_ns, .op = ARC_FILTER_EQ};
    arc_slice project = arc__slice_cstr(request->project_id);
    if (op->principal.project_id[0] != '\0') {
        if (project.len > 0 && !arc__principal_sees(&op->principal, project))
            return arc__fail(err, ARC_ENOTFOUND, "project", "There is no project with this id.");
        project = arc__slice_cstr(op->principal.project_id);
    }
    if (project.len > 0)
        filter_text(&query, ARC_COL_pipeline_project_id, ARC_FILTER_EQ, project);
    if (request->name[0] != '\0')
        filter_text(&query, ARC_COL_pipeline_name, ARC_FILTER_CONTAINS,
                    arc__slice_cstr(request->name));
    if (request->status != 0)
        query.filters[query.filter_count++] =
            (struct arc_filter){.col = ARC_COL_pipeline_status,
                                .op = ARC_FILTER_EQ,
                                .number = (int64_t)request->status};
    if (request->sort[0] != '\0')
        ARC_TRY(list_sort(request->sort, &query, err));
    if (request->cursor[0] != '\0') {
        if (request->sort[0] != '\0')
            return arc__fail(err, ARC_EINVAL, "cursor", "A cursor goes with the usual order only.");
        arc_slice behind = ARC_NONE;
        ARC_TRY(arc__page_go_on(request->cursor, &query, &behind, &state->total, err));
        filter_text(&query, ARC_COL_pipeline_id, ARC_FILTER_LT, behind);
    }
    return arc__op_query(op, &query, &op->arena, list_found, err);
}

const struct arc_handler arc__pipeline_list = {.state_size = sizeof(struct pipeline_state),
                                               .begin = list_begin};

/* --- create -------------------------------------------------------------------------------------
 */

/* HTTP answers a change with the pipeline as it stands afterwards. */
static void shown_found(struct arc_op *op, const struct arc_rows *rows)
{
    const struct arc_row_pipeline *row = arc__pipeline_row(op, rows);
    if (row == NULL)
        return;
    Pipeline__V1__PipelineDetail *detail = ARC_PB_NEW(&op->arena, Pipeline__V1__PipelineDetail,
                                                      pipeline__v1__pipeline_detail__descriptor);
    if (detail != NULL)
        arc__show_pipeline(detail, row, &op->arena);
    op->http_message = detail;
    arc__op_reply(op);
}

static void show_after(struct arc_op *op, arc_slice id)
{
    arc_err err = ARC_ERR_INIT;
    if (!op->http) {
        arc__op_reply(op);
        return;
    }
    char *copy = arc__arena_strdup(&op->arena, id);
    arc_status status =
        copy != NULL ? arc__pipeline_find(op, copy, shown_found, &err) : arc__fail_nomem(&err);
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, ARC_NONE);
}

static void create_done(struct arc_op *op, const struct arc_answer *answer)
{
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, NULL);
        return;
    }
    Pipeline__V1__CreatePipelineResponse *reply = arc__op_reply_new(op);
    if (reply != NULL)
        reply->pipeline_id = arc__pb_string(&op->arena, answer->id);
    show_after(op, answer->id);
}

static arc_status name_check(const char *name, arc_err *err)
{
    size_t len = strlen(name);
    if (len == 0)
        return arc__fail(err, ARC_EINVAL, "name", "The pipeline needs a name.");
    if (len > NAME_BYTES_MAX)
        return arc__fail(err, ARC_EINVAL, "name", "The name is longer than %d bytes.",
                         NAME_BYTES_MAX);
    return ARC_OK;
}

#define COPY(field) row->field = arc__arena_copy(&cmd->arena, arc__slice_cstr(request->field))

static arc_status create_submit(struct arc_op *op,
                                const Pipeline__V1__CreatePipelineRequest *request,
                                const struct arc_definition *definition, arc_err *err)
{
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_PIPELINE_CREATE);
    if (cmd == NULL)
        return arc__fail_nomem(err);
    struct arc_row_pipeline *row = &cmd->u.pipeline.row;
    COPY(project_id);
    COPY(name);
    COPY(description);
    COPY(repo_url);
    COPY(default_branch);
    COPY(pipeline_file_path);
    COPY(pr_target_branch);
    COPY(created_by);
    if (row->created_by.len == 0)
        row->created_by = cmd->actor;
    if (row->project_id.len == 0)
        row->project_id = arc__arena_copy(&cmd->arena, arc__slice_cstr(op->principal.project_id));
    row->save_mode = request->save_mode != 0
                         ? (int64_t)request->save_mode
                         : PIPELINE__V1__PIPELINE_SAVE_MODE__PIPELINE_SAVE_MODE_DIRECT;
    row->metadata = arc__bind_map(request, "metadata", &cmd->arena, &op->mem);
    row->is_enabled = 1;
    if (definition != NULL)
        arc__definition_bind(definition, &cmd->arena, &cmd->u.pipeline.definition);
    return arc__op_submit(op, cmd, create_done, err);
}

static arc_status create_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Pipeline__V1__CreatePipelineRequest *request = message;
    struct pipeline_state *state = op->state;
    int given = arc__definition_given(op, request->spec);
    ARC_TRY(name_check(request->name, err));
    if (request->project_id[0] != '\0' &&
        !arc__principal_sees(&op->principal, arc__slice_cstr(request->project_id))) {
        arc_err why = ARC_ERR_INIT;
        arc_status status =
            arc__fail(&why, ARC_EDENIED, "project", "This token is bound to another project.");
        arc__op_fail(op, status, &why);
        return ARC_OK;
    }
    if (given) {
        arc_status status = arc__definition_read(op, request->spec, 0, 1, &state->definition, err);
        if (status == ARC_EINVAL) {
            arc__op_refuse(op, status, err, arc__definition_details(op, &state->definition.diags));
            return ARC_OK;
        }
        ARC_TRY(status);
    }
    return create_submit(op, request, given ? &state->definition : NULL, err);
}

const struct arc_handler arc__pipeline_create = {.state_size = sizeof(struct pipeline_state),
                                                 .begin = create_begin};

/* --- update -------------------------------------------------------------------------------------
 */

static const struct {
    const char *field;
    uint32_t set;
} settable[] = {
    {"name", ARC_PIPELINE_SET_NAME},
    {"description", ARC_PIPELINE_SET_DESCRIPTION},
    {"repo_url", ARC_PIPELINE_SET_REPO_URL},
    {"default_branch", ARC_PIPELINE_SET_DEFAULT_BRANCH},
    {"pipeline_file_path", ARC_PIPELINE_SET_FILE_PATH},
    {"save_mode", ARC_PIPELINE_SET_SAVE_MODE},
    {"pr_target_branch", ARC_PIPELINE_SET_PR_TARGET},
    {"metadata", ARC_PIPELINE_SET_METADATA},
    {"is_enabled", ARC_PIPELINE_SET_ENABLED},
};

static arc_status mask_bits(const Google__Protobuf__FieldMask *mask, uint32_t *set, arc_err *err)
{
    for (size_t i = 0; i < mask->n_paths; i++) {
        const ProtobufCFieldDescriptor *field = arc__pb_field(
            &pipeline__v1__update_pipeline_request__descriptor, arc__slice_cstr(mask->paths[i]));
        uint32_t bit = 0;
        for (size_t k = 0; field != NULL && k < ARC_COUNT_OF(settable); k++) {
            if (strcmp(settable[k].field, field->name) == 0)
                bit = settable[k].set;
        }
        if (bit == 0)
            return arc__fail(err, ARC_EINVAL, "updateMask", "The field %.64s cannot be changed.",
                             mask->paths[i]);
        *set |= bit;
    }
    return ARC_OK;
}

static arc_status update_bits(const struct arc_op *op,
                              const Pipeline__V1__UpdatePipelineRequest *request, uint32_t *set,
                              arc_err *err)
{
    *set = 0;
    if (request->update_mask != NULL)
        return mask_bits(request->update_mask, set, err);
    if (op->present != 0) { /* JSON: what is there is set */
        for (size_t i = 0; i < ARC_COUNT_OF(settable); i++) {
            if (arc__pb_has(op->method->request, op->present, settable[i].field))
                *set |= settable[i].set;
        }
        return ARC_OK;
    }
    *set |= request->name[0] != '\0' ? ARC_PIPELINE_SET_NAME : 0;
    *set |= request->description[0] != '\0' ? ARC_PIPELINE_SET_DESCRIPTION : 0;
    *set |= request->repo_url[0] != '\0' ? ARC_PIPELINE_SET_REPO_URL : 0;
    *set |= request->default_branch[0] != '\0' ? ARC_PIPELINE_SET_DEFAULT_BRANCH : 0;
    *set |= request->pipeline_file_path[0] != '\0' ? ARC_PIPELINE_SET_FILE_PATH : 0;
    *set |= request->save_mode != 0 ? ARC_PIPELINE_SET_SAVE_MODE : 0;
    *set |= request->pr_target_branch[0] != '\0' ? ARC_PIPELINE_SET_PR_TARGET : 0;
    *set |= request->n_metadata > 0 ? ARC_PIPELINE_SET_METADATA : 0;
    *set |= request->is_enabled != 0 ? ARC_PIPELINE_SET_ENABLED : 0;
    return ARC_OK;
}

static void update_done(struct arc_op *op, const struct arc_answer *answer)
{
    const struct pipeline_state *state = op->state;
    const Pipeline__V1__UpdatePipelineRequest *request = state->request;
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, NULL);
        return;
    }
    (void)arc__op_reply_new(op); /* reply checks it */
    show_after(op, arc__slice_cstr(request->pipeline_id));
}

static void update_found(struct arc_op *op, const struct arc_rows *rows)
{
    const struct pipeline_state *state = op->state;
    const Pipeline__V1__UpdatePipelineRequest *request = state->request;
    arc_err err = ARC_ERR_INIT;
    uint32_t set = 0;
    const struct arc_row_pipeline *present = arc__pipeline_row(op, rows);
    if (present == NULL)
        return;
    arc_status status = update_bits(op, request, &set, &err);
    if (status == ARC_OK && op->fixed_project.ptr != NULL &&
        !arc__slice_equal(op->fixed_project, present->project_id))
        status = arc__fail(&err, ARC_EINVAL, "projectId", "A pipeline stays in its project.");
    if (status == ARC_OK && op->fixed_creator.ptr != NULL &&
        !arc__slice_equal(op->fixed_creator, present->created_by))
        status = arc__fail(&err, ARC_EINVAL, "createdBy", "Who made a pipeline does not change.");
    if (status == ARC_OK && (set & ARC_PIPELINE_SET_NAME) != 0)
        status = name_check(request->name, &err);
    if (status == ARC_OK && (request->is_enabled < 0 || request->is_enabled > 1))
        status = arc__fail(&err, ARC_EINVAL, "isEnabled", "isEnabled is 0 or 1.");
    struct arc_cmd *cmd = status == ARC_OK ? arc__op_cmd(op, ARC_CMD_PIPELINE_UPDATE) : NULL;
    if (status == ARC_OK && cmd == NULL)
        status = arc__fail_nomem(&err);
    if (status == ARC_OK) {
        struct arc_row_pipeline *row = &cmd->u.pipeline.row;
        cmd->pipeline_id = arc__arena_copy(&cmd->arena, arc__slice_cstr(request->pipeline_id));
        cmd->u.pipeline.set = set;
        cmd->u.pipeline.expect_version = request->version;
        COPY(name);
        COPY(description);
        COPY(repo_url);
        COPY(default_branch);
        COPY(pipeline_file_path);
        COPY(pr_target_branch);
        row->save_mode = (int64_t)request->save_mode;
        row->is_enabled = request->is_enabled;
        row->metadata = arc__bind_map(request, "metadata", &cmd->arena, &op->mem);
        status = arc__op_submit(op, cmd, update_done, &err);
    }
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, ARC_NONE);
}

static arc_status update_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Pipeline__V1__UpdatePipelineRequest *request = message;
    struct pipeline_state *state = op->state;
    state->request = request;
    return arc__pipeline_find(op, request->pipeline_id, update_found, err);
}

const struct arc_handler arc__pipeline_update = {.state_size = sizeof(struct pipeline_state),
                                                 .begin = update_begin};

/* --- delete -------------------------------------------------------------------------------------
 */

static void delete_done(struct arc_op *op, const struct arc_answer *answer)
{
    if (answer->status != ARC_OK) {
        arc__op_refuse_answer(op, answer, arc__pipeline_status_word);
        return;
    }
    (void)arc__op_reply_new(op); /* reply checks it */
    arc__op_reply(op);
}

static void delete_found(struct arc_op *op, const struct arc_rows *rows)
{
    const struct pipeline_state *state = op->state;
    const Pipeline__V1__DeletePipelineRequest *request = state->request;
    arc_err err = ARC_ERR_INIT;
    if (arc__pipeline_row(op, rows) == NULL)
        return;
    struct arc_cmd *cmd = arc__op_cmd(op, ARC_CMD_PIPELINE_DELETE);
    if (cmd != NULL) {
        cmd->pipeline_id = arc__arena_copy(&cmd->arena, arc__slice_cstr(request->pipeline_id));
        cmd->u.pipeline_delete.force = request->force;
    }
    arc_status status = arc__op_submit(op, cmd, delete_done, &err);
    if (status != ARC_OK)
        arc__op_refuse(op, status, &err, ARC_NONE);
}

static arc_status delete_begin(struct arc_op *op, const void *message, arc_err *err)
{
    const Pipeline__V1__DeletePipelineRequest *request = message;
    struct pipeline_state *state = op->state;
    state->request = request;
    return arc__pipeline_find(op, request->pipeline_id, delete_found, err);
}

const struct arc_handler arc__pipeline_delete = {.state_size = sizeof(struct pipeline_state),
                                                 .begin = delete_begin};
