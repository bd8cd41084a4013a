/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLS_MAX 32
#define ID_LEN 26 /* of a ULID */
#define MOVED_MAX 12

/* What each life has of a table: its rows, whose ids are made anew each time. */
struct table {
    const char *name;
    const char *moves; /* the columns that an event of such a thing changes */
    sqlite3_stmt *insert, *update;
    sqlite3_value **values; /* rows * cols */
    int cols, rows;
    int moved[MOVED_MAX], moved_count;
};

enum { RUN, JOB, STEP, EVENT, TABLES };

struct bare {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit;
    struct table tables[TABLES];
    int *event_table, *event_row; /* what each event moves */
    uint64_t life;
    unsigned in_commit;
};

static const struct table layout[TABLES] = {
    [RUN] = {.name = "t_pipeline_run",
             .moves = "status,completed_jobs,running_jobs,version,started_at_ns,ended_at_ns"},
    [JOB] = {.name = "t_job_run",
             .moves = "status,attempt,agent_id,queued_at_ns,started_at_ns,ended_at_ns"},
    [STEP] = {.name = "t_step_run",
              .moves = "status,attempt,agent_id,fence,exit_code,started_at_ns,ended_at_ns"},
    [EVENT] = {.name = "t_event", .moves = ""},
};

static int fail(sqlite3 *db, const char *what)
{
    fprintf(stderr, "bare: %s: %s\n", what, sqlite3_errmsg(db));
    return 0;
}

static int run(struct bare *bare, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? 1 : fail(bare->db, sqlite3_sql(statement));
}

static int prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
    return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) == SQLITE_OK
               ? 1
               : fail(db, sql);
}

/* --- reading the sample ---------------------------------------------------------------------- */

static int read_rows(sqlite3 *db, struct table *table)
{
    char sql[96];
    sqlite3_stmt *select = NULL;
    snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY rowid", table->name);
    if (strcmp(table->name, "t_event") == 0)
        snprintf(sql, sizeof(sql),
                 "SELECT * FROM t_event WHERE stream IN (SELECT id FROM t_pipeline_run) "
                 "ORDER BY position");
    if (!prepare(db, sql, &select))
        return 0;
    table->cols = sqlite3_column_count(select);
    while (sqlite3_step(select) == SQLITE_ROW) {
        size_t at = (size_t)table->rows++ * (size_t)table->cols;
        void *grown = realloc(table->values, (at + (size_t)table->cols) * sizeof(sqlite3_value *));
        if (grown == NULL)
            return 0;
        table->values = grown;
        for (int c = 0; c < table->cols; c++)
            table->values[at + (size_t)c] = sqlite3_value_dup(sqlite3_column_value(select, c));
    }
    for (int c = 0; c < table->cols && table->moved_count < MOVED_MAX; c++) {
        const char *found = strstr(table->moves, sqlite3_column_name(select, c));
        size_t len = strlen(sqlite3_column_name(select, c));
        if (found != NULL && (found[len] == ',' || found[len] == '\0') &&
            (found == table->moves || found[-1] == ','))
            table->moved[table->moved_count++] = c;
    }
    sqlite3_finalize(select);
    return table->rows > 0 ? 1 : fail(db, "the sample is empty");
}

static const char *text_of(const struct table *table, int row, int col)
{
    return (const char *)sqlite3_value_text(table->values[row * table->cols + col]);
}

/* The first column is a thing's id, and an event names the thing by it. */
static void link_events(struct bare *bare)
{
    struct table *events = &bare->tables[EVENT];
    bare->event_table = calloc((size_t)events->rows, sizeof(int));
    bare->event_row = calloc((size_t)events->rows, sizeof(int));
    for (int e = 0; bare->event_table != NULL && bare->event_row != NULL && e < events->rows; e++) {
        const char *body = NULL;
        for (int c = 0; c < events->cols; c++) {
            const char *text = text_of(events, e, c);
            body = text != NULL && text[0] == '{' ? text : body;
        }
        for (int t = STEP; body != NULL && t >= JOB; t--) {
            const char *key = t == STEP ? "\"stepRunId\":\"" : "\"jobId\":\"";
            const char *id = strstr(body, key);
            for (int r = 0; id != NULL && r < bare->tables[t].rows; r++) {
                if (strncmp(id + strlen(key), text_of(&bare->tables[t], r, 0), ID_LEN) != 0)
                    continue;
                bare->event_table[e] = t;
                bare->event_row[e] = r;
                t = 0;
                break;
            }
        }
    }
}

/* --- writing copies -------------------------------------------------------------------------- */

static int copy_schema(struct bare *bare, const char *sample)
{
    char *sql = sqlite3_mprintf("ATTACH %Q AS sample", sample);
    sqlite3_stmt *select = NULL;
    int fine = sql != NULL && sqlite3_exec(bare->db, sql, NULL, NULL, NULL) == SQLITE_OK &&
               prepare(bare->db,
                       "SELECT sql FROM sample.sqlite_master WHERE sql IS NOT NULL AND name LIKE "
                       "'t\\_%' ESCAPE '\\' ORDER BY type = 'index'",
                       &select);
    while (fine && sqlite3_step(select) == SQLITE_ROW)
        fine = sqlite3_exec(bare->db, (const char *)sqlite3_column_text(select, 0), NULL, NULL,
                            NULL) == SQLITE_OK;
    sqlite3_finalize(select);
    sqlite3_free(sql);
    if (fine)
        fine = sqlite3_exec(bare->db, "DETACH sample", NULL, NULL, NULL) == SQLITE_OK;
    return fine ? 1 : fail(bare->db, "copying the tables");
}

static int make_statements(struct bare *bare, struct table *table, sqlite3 *sample)
{
    char sql[2048];
    size_t at = (size_t)snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES (", table->name);
    for (int c = 0; c < table->cols; c++)
        at += (size_t)snprintf(sql + at, sizeof(sql) - at, "%s?%d", c > 0 ? "," : "", c + 1);
    snprintf(sql + at, sizeof(sql) - at, ")");
    if (!prepare(bare->db, sql, &table->insert))
        return 0;
    if (table->moved_count == 0)
        return 1;
    sqlite3_stmt *names = NULL;
    char select[64];
    snprintf(select, sizeof(select), "SELECT * FROM %s", table->name);
    if (!prepare(sample, select, &names))
        return 0;
    at = (size_t)snprintf(sql, sizeof(sql), "UPDATE %s SET ", table->name);
    for (int m = 0; m < table->moved_count; m++)
        at += (size_t)snprintf(sql + at, sizeof(sql) - at, "%s\"%s\"=?%d", m > 0 ? "," : "",
                               sqlite3_column_name(names, table->moved[m]), m + 1);
    snprintf(sql + at, sizeof(sql) - at, " WHERE id=?%d", table->moved_count + 1);
    sqlite3_finalize(names);
    return prepare(bare->db, sql, &table->update);
}

/* Ids end in the number of the life; positions go on. */
static void bind(struct bare *bare, sqlite3_stmt *statement, int at, const struct table *table,
                 int row, int col)
{
    sqlite3_value *value = table->values[row * table->cols + col];
    char id[ID_LEN + 1];
    int is_text = sqlite3_value_type(value) == SQLITE_TEXT;
    if (is_text && sqlite3_value_bytes(value) == ID_LEN) {
        memcpy(id, sqlite3_value_text(value), ID_LEN);
        snprintf(id + 2, 9, "%08llx", (unsigned long long)bare->life);
        id[10] = ((const char *)sqlite3_value_text(value))[10];
        sqlite3_bind_text(statement, at, id, ID_LEN, SQLITE_TRANSIENT);
    } else if (table == &bare->tables[EVENT] && col == 2) {
        sqlite3_bind_int64(statement, at,
                           sqlite3_value_int64(value) + (int64_t)bare->life * 1000000);
    } else if (is_text) {
        sqlite3_bind_text(statement, at, (const char *)sqlite3_value_text(value),
                          sqlite3_value_bytes(value), SQLITE_STATIC);
    } else {
        sqlite3_bind_value(statement, at, value);
    }
}

static int insert(struct bare *bare, const struct table *table, int row)
{
    for (int c = 0; c < table->cols; c++)
        bind(bare, table->insert, c + 1, table, row, c);
    return run(bare, table->insert);
}

static int update(struct bare *bare, const struct table *table, int row)
{
    for (int m = 0; m < table->moved_count; m++)
        bind(bare, table->update, m + 1, table, row, table->moved[m]);
    bind(bare, table->update, table->moved_count + 1, table, row, 0);
    return run(bare, table->update);
}

static int next_row(struct bare *bare, unsigned rows)
{
    if (++bare->in_commit < rows)
        return 1;
    bare->in_commit = 0;
    return run(bare, bare->commit) && run(bare, bare->begin);
}

int bare_life(struct bare *bare, unsigned rows)
{
    int fine = run(bare, bare->begin);
    bare->life++;
    bare->in_commit = 0;
    for (int t = RUN; fine && t < EVENT; t++) {
        for (int r = 0; fine && r < bare->tables[t].rows; r++)
            fine = insert(bare, &bare->tables[t], r) && next_row(bare, rows);
    }
    for (int e = 0; fine && e < bare->tables[EVENT].rows; e++) {
        fine = insert(bare, &bare->tables[EVENT], e) && next_row(bare, rows) &&
               update(bare, &bare->tables[bare->event_table[e]], bare->event_row[e]) &&
               next_row(bare, rows);
    }
    return fine && run(bare, bare->commit);
}

int bare_commit(struct bare *bare)
{
    bare->life++;
    int last = bare->tables[EVENT].rows - 1;
    return run(bare, bare->begin) && insert(bare, &bare->tables[EVENT], last) &&
           insert(bare, &bare->tables[STEP], 0) && run(bare, bare->commit);
}

uint64_t bare_steps(const struct bare *bare)
{
    return (uint64_t)bare->tables[STEP].rows;
}

/* --- opening --------------------------------------------------------------------------------- */

static int set_up(struct bare *bare, const char *sample)
{
    static const char settings[] = "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
                                   "PRAGMA temp_store=MEMORY;PRAGMA cache_size=-16384";
    sqlite3 *from = NULL;
    int fine = sqlite3_exec(bare->db, settings, NULL, NULL, NULL) == SQLITE_OK &&
               sqlite3_open_v2(sample, &from, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
               copy_schema(bare, sample) && prepare(bare->db, "BEGIN IMMEDIATE", &bare->begin) &&
               prepare(bare->db, "COMMIT", &bare->commit);
    for (int t = 0; fine && t < TABLES; t++) {
        bare->tables[t] = layout[t];
        fine = read_rows(from, &bare->tables[t]) && make_statements(bare, &bare->tables[t], from);
    }
    if (fine)
        link_events(bare);
    sqlite3_close(from);
    return fine;
}

struct bare *bare_open(const char *sample, const char *path)
{
    struct bare *bare = calloc(1, sizeof(*bare));
    if (bare == NULL)
        return NULL;
    if (sqlite3_open(path, &bare->db) == SQLITE_OK && set_up(bare, sample))
        return bare;
    bare_close(bare);
    return NULL;
}

void bare_close(struct bare *bare)
{
    if (bare == NULL)
        return;
    for (int t = 0; t < TABLES; t++) {
        struct table *table = &bare->tables[t];
        for (int i = 0; i < table->rows * table->cols; i++)
            sqlite3_value_free(table->values[i]);
        free(table->values);
        sqlite3_finalize(table->insert);
        sqlite3_finalize(table->update);
    }
    free(bare->event_table);
    free(bare->event_row);
    sqlite3_finalize(bare->begin);
    sqlite3_finalize(bare->commit);
    sqlite3_close(bare->db);
    free(bare);
}
