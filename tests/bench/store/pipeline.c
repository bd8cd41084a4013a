/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline.h"

#include <endian.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "store/check.h"

#define COLS_MAX 40
#define VERBS 4

struct pipeline {
    PGconn *conn;
    char prepared[ARC_TABLE_COUNT][VERBS];
    const char *values[COLS_MAX];
    int lengths[COLS_MAX], formats[COLS_MAX];
    int64_t numbers[COLS_MAX];
};

static int fail(const struct pipeline *pipeline, const char *what)
{
    fprintf(stderr, "pipeline: %s: %s", what, PQerrorMessage(pipeline->conn));
    return 0;
}

/* --- statements ------------------------------------------------------------------------------ */

static void name_of(char *out, size_t size, enum arc_table table, enum arc_store_verb verb)
{
    snprintf(out, size, "w%d_%d", (int)table, (int)verb);
}

static void add_where(struct arc_buf *sql, const struct arc_table_def *def)
{
    for (uint32_t i = 0; i < def->key_count; i++)
        arc__buf_printf(sql, "%s \"%s\" = $%u", i == 0 ? " WHERE" : " AND", def->cols[i].name,
                        i + 1);
}

static void add_insert(struct arc_buf *sql, const struct arc_table_def *def, int or_replace)
{
    arc__buf_printf(sql, "INSERT INTO t_%s VALUES (", def->name);
    for (uint32_t i = 0; i < def->col_count; i++)
        arc__buf_printf(sql, "%s$%u", i == 0 ? "" : ", ", i + 1);
    arc__buf_add_cstr(sql, ")");
    for (uint32_t i = 0; or_replace && i < def->key_count; i++)
        arc__buf_printf(sql, "%s\"%s\"", i == 0 ? " ON CONFLICT (" : ", ", def->cols[i].name);
    const char *before = ") DO UPDATE SET";
    for (uint32_t i = def->key_count; or_replace && i < def->col_count; i++) {
        if ((def->cols[i].flags & ARC_COL_FIXED) != 0)
            continue;
        arc__buf_printf(sql, "%s \"%s\" = $%u", before, def->cols[i].name, i + 1);
        before = ",";
    }
}

static void make_sql(struct arc_buf *sql, const struct arc_table_def *def, enum arc_store_verb verb)
{
    arc__buf_clear(sql);
    if (verb == ARC_STORE_INSERT || verb == ARC_STORE_PUT) {
        add_insert(sql, def, verb == ARC_STORE_PUT);
    } else if (verb == ARC_STORE_DELETE) {
        arc__buf_printf(sql, "DELETE FROM t_%s", def->name);
        add_where(sql, def);
    } else {
        arc__buf_printf(sql, "UPDATE t_%s SET", def->name);
        for (uint32_t i = def->key_count; i < def->col_count; i++)
            arc__buf_printf(sql, "%s \"%s\" = $%u", i == def->key_count ? "" : ",",
                            def->cols[i].name, i + 1);
        add_where(sql, def);
        arc__buf_printf(sql, " AND \"%s\" = $%u", def->cols[def->version_col].name,
                        def->col_count + 1);
    }
}

static int prepare(struct pipeline *pipeline, struct arc_buf *sql, const struct arc_store_op *op)
{
    char name[16];
    if (pipeline->prepared[op->table][op->verb])
        return 1;
    name_of(name, sizeof(name), op->table, op->verb);
    make_sql(sql, arc__table_def(op->table), op->verb);
    if (arc__buf_check(sql, NULL) != ARC_OK)
        return fail(pipeline, "a statement is too long");
    PGresult *result = PQprepare(pipeline->conn, name, sql->ptr, 0, NULL);
    int fine = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    pipeline->prepared[op->table][op->verb] = 1;
    return fine ? 1 : fail(pipeline, sql->ptr);
}

struct pipeline *pipeline_open(const char *conninfo, const struct record *record)
{
    struct arc_buf sql;
    struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
    if (pipeline == NULL)
        return NULL;
    arc__buf_init(&sql, &record->mem, 65536);
    pipeline->conn = PQconnectdb(conninfo);
    int fine = PQstatus(pipeline->conn) == CONNECTION_OK ? 1 : fail(pipeline, conninfo);
    for (size_t b = 0; fine && b < record->count; b++) {
        for (size_t i = 0; fine && i < record->batches[b].count; i++)
            fine = prepare(pipeline, &sql, &record->batches[b].ops[i]);
    }
    arc__buf_deinit(&sql);
    if (fine && PQenterPipelineMode(pipeline->conn))
        return pipeline;
    pipeline_close(pipeline);
    return NULL;
}

void pipeline_close(struct pipeline *pipeline)
{
    if (pipeline == NULL)
        return;
    PQfinish(pipeline->conn);
    free(pipeline);
}

/* --- rows ------------------------------------------------------------------------------------ */

static void bind_number(struct pipeline *pipeline, uint32_t at, int64_t number)
{
    pipeline->numbers[at] = (int64_t)htobe64((uint64_t)number);
    pipeline->values[at] = (const char *)&pipeline->numbers[at];
    pipeline->lengths[at] = 8;
    pipeline->formats[at] = 1;
}

static int send_row(struct pipeline *pipeline, const struct arc_store_op *op)
{
    const struct arc_table_def *def = arc__table_def(op->table);
    uint32_t count = op->verb == ARC_STORE_DELETE ? def->key_count : def->col_count;
    char name[16];
    name_of(name, sizeof(name), op->table, op->verb);
    for (uint32_t i = 0; i < count; i++) {
        const struct arc_col_def *col = &def->cols[i];
        if (col->type == ARC_COL_INT) {
            bind_number(pipeline, i, arc__row_int(op->row, col));
            continue;
        }
        arc_slice text = arc__row_text(op->row, col);
        pipeline->values[i] = text.len > 0 ? text.ptr : "";
        pipeline->lengths[i] = (int)text.len;
        pipeline->formats[i] = 1;
    }
    if (op->verb == ARC_STORE_UPDATE)
        bind_number(pipeline, count++, op->expect_version);
    return PQsendQueryPrepared(pipeline->conn, name, (int)count, pipeline->values,
                               pipeline->lengths, pipeline->formats, 1);
}

/* The answer to one statement, or to the end of the pipeline, which is followed by no NULL. */
static int take(struct pipeline *pipeline, ExecStatusType wanted)
{
    PGresult *result = PQgetResult(pipeline->conn);
    int fine = PQresultStatus(result) == wanted;
    if (!fine)
        fail(pipeline, PQresultErrorMessage(result));
    PQclear(result);
    if (fine && wanted != PGRES_PIPELINE_SYNC)
        fine = PQgetResult(pipeline->conn) == NULL;
    return fine;
}

int pipeline_write(struct pipeline *pipeline, const struct arc_store_batch *batch)
{
    int fine = 1;
    for (size_t i = 0; fine && i < batch->count; i++)
        fine = send_row(pipeline, &batch->ops[i]);
    fine = fine && PQpipelineSync(pipeline->conn);
    for (size_t i = 0; fine && i < batch->count; i++)
        fine = take(pipeline, PGRES_COMMAND_OK);
    return fine && take(pipeline, PGRES_PIPELINE_SYNC);
}
