/* SPDX-License-Identifier: Apache-2.0 */
/* The contract on SQLite, and what is its own: files, locks, schemas, plans. What happens when the
 * disk or the process fails is in store_crash_test.c. */
#include "store/sqlite.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "kill_files.h"
#include "store/sqlite_sql.h"
#include "store_contract.h"
#include "store_files.h"

/* The contract opens one at a time. */
static struct store_files contract_files;

struct arc_store *contract_open(const struct arc_mem *mem, arc_err *err)
{
    struct arc_store *store = NULL;
    store_files_make(&contract_files);
    if (arc__store_sqlite_open(mem, contract_files.path, NULL, &store, err) != ARC_OK)
        store_files_remove(&contract_files);
    return store;
}

void contract_close(struct arc_store *store)
{
    store->ops->close(store);
    store_files_remove(&contract_files);
}

struct arc_store *contract_again(struct arc_store *store, const struct arc_mem *mem, arc_err *err)
{
    struct store_files old = contract_files;
    struct arc_store *next = NULL;
    store_files_make(&contract_files);
    CHECK(kill_files_copy(old.dir, contract_files.dir, "arc.db"));
    store->ops->close(store);
    store_files_remove(&old);
    return arc__store_sqlite_open(mem, contract_files.path, NULL, &next, err) == ARC_OK ? next
                                                                                        : NULL;
}

int contract_lasts(void)
{
    return 1;
}

size_t contract_key_bytes(void)
{
    return SIZE_MAX;
}

/* Statements of a foreign program upon the closed file. Where pages have checksums they must end
 * with VACUUM, which writes every page anew: those that it only changed would have the checksum of
 * what they were. */
static void run_sql(const struct store_files *files, const char *sql)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    CHECK(sqlite3_open(files->path, &db) == SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        printf("# %s\n", why);
    CHECK(why == NULL);
    sqlite3_free(why);
    CHECK(sqlite3_close(db) == SQLITE_OK);
}

static void make_and_close(const struct store_files *files)
{
    arc_err err = ARC_ERR_INIT;
    struct arc_store *store = store_files_open(files, NULL, &err);
    CHECK(store != NULL);
    if (store == NULL)
        return;
    for (int64_t seq = 1; seq <= 20; seq++)
        CHECK_OK(store_files_say(store, "s", seq, NULL));
    struct arc_row_pipeline row = {
        .id = ARC_LIT("p"), .name = ARC_LIT("kept"), .version = 4, .deleted_at_ns = 9};
    struct arc_store_op op = {ARC_STORE_INSERT, ARC_TABLE_pipeline, &row, 0};
    CHECK_OK(contract_commit(store, &op, 1, NULL));
    store->ops->close(store);
}

/* Opening must fail with this status and a message that holds this text. */
static void check_refused(const struct store_files *files, arc_status status, const char *part)
{
    arc_err err = ARC_ERR_INIT;
    struct arc_store *store = store_files_open(files, NULL, &err);
    CHECK(store == NULL);
    CHECK_STATUS(err.status, status);
    if (strstr(err.message, part) == NULL)
        printf("# %s\n", err.message);
    CHECK(strstr(err.message, part) != NULL);
    if (store != NULL)
        store->ops->close(store);
}

/* --- files ----------------------------------------------------------------------------------- */

static void reopening_keeps_everything(void)
{
    struct store_files files;
    store_files_make(&files);
    make_and_close(&files);
    for (int64_t round = 1; round <= 3; round++) {
        arc_err err = ARC_ERR_INIT;
        struct arc_store *store = store_files_open(&files, NULL, &err);
        CHECK(store != NULL);
        if (store == NULL)
            break;
        CHECK_INT(store_files_heard(store, "s"), 19 + round);
        CHECK_INT(contract_count(store, ARC_TABLE_pipeline), 1);
        CHECK_OK(store_files_say(store, "s", 20 + round, NULL));
        store->ops->close(store);
    }
    store_files_remove(&files);
}

static void files_are_the_owners_alone(void)
{
    static const char *const ends[] = {"", "-wal", "-shm", ".lock", ".reserve", ".mark"};
    struct store_files files;
    store_files_make(&files);
    arc_err err = ARC_ERR_INIT;
    mode_t mask = umask(0);
    struct arc_store *store = store_files_open(&files, NULL, &err);
    CHECK(store != NULL);
    for (size_t i = 0; store != NULL && i < ARC_COUNT_OF(ends); i++) {
        char name[128];
        struct stat info = {.st_mode = 0};
        snprintf(name, sizeof(name), "%s%s", files.path, ends[i]);
        CHECK(stat(name, &info) == 0);
        CHECK_INT(info.st_mode & 0777, 0600);
    }
    if (store != NULL)
        store->ops->close(store);
    (void)umask(mask);
    store_files_remove(&files);
}

static void bad_paths_are_refused(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_store *store = NULL;
    CHECK_STATUS(arc__store_sqlite_open(&mem, NULL, NULL, &store, NULL), ARC_EINVAL);
    CHECK_STATUS(arc__store_sqlite_open(&mem, "", NULL, &store, NULL), ARC_EINVAL);
    CHECK_STATUS(arc__store_sqlite_open(&mem, "/tmp", NULL, &store, NULL), ARC_EINVAL);
    CHECK_STATUS(arc__store_sqlite_open(&mem, "/nowhere/at/all.db", NULL, &store, NULL), ARC_EIO);
    CHECK_STATUS(arc__store_sqlite_open(&mem, "/dev/null", NULL, &store, NULL), ARC_EINVAL);
    CHECK(store == NULL);
}

/* Names that mean something to SQLite are only names here. */
static void special_names_are_plain_files(void)
{
    static const char *const names[] = {":memory:", "file:x?mode=memory", "a'b\"c%20"};
    struct store_files files;
    char before[512];
    CHECK(getcwd(before, sizeof(before)) != NULL);
    for (size_t i = 0; i < ARC_COUNT_OF(names); i++) {
        struct arc_mem mem = arc__mem_default();
        struct arc_store *store = NULL;
        char lock[64];
        struct stat info;
        store_files_make(&files);
        CHECK(chdir(files.dir) == 0);
        CHECK_OK(arc__store_sqlite_open(&mem, names[i], NULL, &store, NULL));
        if (store != NULL)
            store->ops->close(store);
        CHECK(stat(names[i], &info) == 0 && info.st_size > 4096);
        CHECK(unlink(names[i]) == 0);
        static const char *const ends[] = {"lock", "reserve", "mark"};
        for (size_t k = 0; k < ARC_COUNT_OF(ends); k++) {
            snprintf(lock, sizeof(lock), "%s.%s", names[i], ends[k]);
            CHECK(unlink(lock) == 0);
        }
        CHECK(chdir(before) == 0);
        store_files_remove(&files);
    }
}

/* --- one at a time --------------------------------------------------------------------------- */

static void a_second_process_is_refused(void)
{
    struct store_files files;
    int ready[2];
    char byte = 0, holder[32];
    store_files_make(&files);
    CHECK(pipe(ready) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        arc_err err = ARC_ERR_INIT;
        byte = store_files_open(&files, NULL, &err) != NULL ? 'y' : 'n';
        if (write(ready[1], &byte, 1) != 1)
            _exit(1);
        for (;;)
            (void)pause(); /* until it is killed: the lock must end with the process */
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    CHECK(byte == 'y');
    snprintf(holder, sizeof(holder), "process %d", (int)child);
    check_refused(&files, ARC_ECONFLICT, holder);
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(waitpid(child, NULL, 0) == child);
    make_and_close(&files);
    (void)close(ready[0]);
    (void)close(ready[1]);
    store_files_remove(&files);
}

static void a_second_store_of_the_process_is_refused(void)
{
    struct store_files files, other;
    char holder[32], link[128];
    arc_err err = ARC_ERR_INIT;
    store_files_make(&files);
    struct arc_store *store = store_files_open(&files, NULL, &err);
    CHECK(store != NULL);
    snprintf(holder, sizeof(holder), "process %d", (int)getpid());
    check_refused(&files, ARC_ECONFLICT, holder);
    /* By another name it is the same store. */
    other = files;
    snprintf(link, sizeof(link), "%s/arc.link", files.dir);
    CHECK(symlink(files.path, link) == 0);
    memcpy(other.path, link, sizeof(other.path));
    check_refused(&other, ARC_ECONFLICT, holder);
    if (store != NULL) { /* the refused ones must not have taken the first one's locks */
        CHECK_OK(store_files_say(store, "t", 1000, NULL));
        store->ops->close(store);
    }
    make_and_close(&files);
    store_files_remove(&files);
}

/* A program like the sqlite3 shell does not know the lock file. */
static void foreign_writers_are_waited_for(void)
{
    struct store_files files;
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    sqlite3 *db = NULL;
    store_files_make(&files);
    options.busy_ms = 20;
    struct arc_store *store = store_files_open(&files, &options, &err);
    CHECK(store != NULL);
    CHECK(sqlite3_open(files.path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK);
    if (store != NULL) {
        CHECK_STATUS(store_files_say(store, "s", 1, NULL), ARC_EUNAVAILABLE);
        CHECK_OK(store->ops->health(store, NULL));
        CHECK_INT(store_files_heard(store, "s"), 0); /* reading goes on */
        CHECK(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
        CHECK_OK(store_files_say(store, "s", 1, NULL));
        CHECK_INT(store_files_heard(store, "s"), 1);
    }
    CHECK(sqlite3_close(db) == SQLITE_OK);
    if (store != NULL)
        store->ops->close(store);
    store_files_remove(&files);
}

/* --- other files ----------------------------------------------------------------------------- */

static void overwrite(const struct store_files *files, off_t at, int byte, size_t len)
{
    char bytes[8192];
    int fd = open(files->path, O_WRONLY | O_CLOEXEC);
    memset(bytes, byte, sizeof(bytes));
    CHECK(pwrite(fd, bytes, len, at) == (ssize_t)len);
    CHECK(close(fd) == 0);
}

static off_t root_page(const struct store_files *files, const char *table)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    off_t page = 0;
    CHECK(sqlite3_open(files->path, &db) == SQLITE_OK);
    CHECK(sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = ?", -1,
                             &statement, NULL) == SQLITE_OK);
    CHECK(sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC) == SQLITE_OK);
    if (sqlite3_step(statement) == SQLITE_ROW)
        page = sqlite3_column_int(statement, 0);
    (void)sqlite3_finalize(statement);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    CHECK(page > 1);
    return page;
}

static void damaged_files_are_refused(void)
{
    struct store_files files;
    store_files_make(&files);
    make_and_close(&files);
    overwrite(&files, 0, 'x', 100);
    check_refused(&files, ARC_EINTERNAL, "not a database");
    store_files_remove(&files);
    store_files_make(&files);
    make_and_close(&files);
    /* The one page of a table, all but its first bytes. */
    overwrite(&files, (root_page(&files, "t_event") - 1) * 4096 + 8, 0xff, 4000);
    check_refused(&files, ARC_EINTERNAL, "damaged: ");
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    options.skip_quick_check = 1; /* then the first use of such a page ends it */
    arc_err err = ARC_ERR_INIT;
    struct arc_store *store = store_files_open(&files, &options, &err);
    CHECK(store != NULL);
    if (store != NULL) {
        struct arc_row_counter counter = {ARC_LIT("n"), 1};
        struct arc_store_op op = {ARC_STORE_PUT, ARC_TABLE_counter, &counter, 0};
        CHECK_OK(contract_commit(store, &op, 1, NULL));
        CHECK_INT(store_files_heard(store, "s"), -1);
        CHECK_STATUS(store->ops->health(store, NULL), ARC_EIO);
        CHECK_STATUS(contract_commit(store, &op, 1, NULL), ARC_EIO); /* of a sound table */
        store->ops->close(store);
    }
    CHECK(truncate(files.path, 4096) == 0);
    check_refused(&files, ARC_EINTERNAL, "");
    store_files_remove(&files);
    options.no_checksums = 1; /* sound pages with a value that cannot be */
    options.skip_quick_check = 0;
    store_files_make(&files);
    store = store_files_open(&files, &options, &err);
    CHECK(store != NULL);
    if (store != NULL)
        store->ops->close(store);
    make_and_close(&files);
    run_sql(&files,
            "PRAGMA writable_schema = ON;"
            "UPDATE sqlite_schema SET sql = replace(sql, '\"name\" TEXT NOT NULL', '\"name\" TEXT')"
            " WHERE name = 't_pipeline'");
    run_sql(&files, "UPDATE t_pipeline SET name = NULL");
    run_sql(&files,
            "PRAGMA writable_schema = ON;"
            "UPDATE sqlite_schema SET sql = replace(sql, '\"name\" TEXT', '\"name\" TEXT NOT NULL')"
            " WHERE name = 't_pipeline'");
    check_refused(&files, ARC_EINTERNAL, "damaged: NULL value in t_pipeline.name");
    store_files_remove(&files);
}

static void foreign_files_are_refused(void)
{
    struct store_files files;
    store_files_make(&files);
    run_sql(&files, "CREATE TABLE songs (title TEXT)");
    check_refused(&files, ARC_EPRECONDITION, "another program");
    run_sql(&files, "PRAGMA application_id = 77; DROP TABLE songs");
    check_refused(&files, ARC_EPRECONDITION, "another program");
    store_files_remove(&files);
}

static void newer_files_are_refused(void)
{
    struct store_files files;
    store_files_make(&files);
    make_and_close(&files);
    run_sql(&files, "PRAGMA user_version = 2; VACUUM");
    check_refused(&files, ARC_EPRECONDITION, "newer version");
    run_sql(&files, "PRAGMA user_version = 1; ALTER TABLE t_agent ADD COLUMN mood TEXT; VACUUM");
    check_refused(&files, ARC_EPRECONDITION, "t_agent");
    run_sql(&files, "ALTER TABLE t_agent DROP COLUMN mood;"
                    "ALTER TABLE t_agent RENAME COLUMN os TO system; VACUUM");
    check_refused(&files, ARC_EPRECONDITION, "t_agent");
    store_files_remove(&files);
}

/* What an older version left: no such table, no such index, no such columns. */
static void older_files_are_completed(void)
{
    struct store_files files;
    store_files_make(&files);
    make_and_close(&files);
    run_sql(&files, "DROP TABLE t_counter; DROP INDEX t_pipeline__deleted_at_ns;"
                    "DROP INDEX t_token__hash;"
                    "ALTER TABLE t_pipeline DROP COLUMN revision;"
                    "ALTER TABLE t_pipeline DROP COLUMN deleted_at_ns;"
                    "ALTER TABLE t_pipeline DROP COLUMN updated_at_ns;"
                    "ALTER TABLE t_event DROP COLUMN body; VACUUM");
    arc_err err = ARC_ERR_INIT;
    struct arc_store *store = store_files_open(&files, NULL, &err);
    CHECK(store != NULL);
    if (store != NULL) {
        CHECK_INT(store_files_heard(store, "s"), 20);
        CHECK_INT(contract_count(store, ARC_TABLE_pipeline), 1);
        struct arc_row_counter counter = {ARC_LIT("n"), 1};
        struct arc_row_pipeline row = {.id = ARC_LIT("p"), .version = 5, .deleted_at_ns = 6};
        struct arc_row_token tokens[] = {{.id = ARC_LIT("a"), .hash = ARC_LIT("h")},
                                         {.id = ARC_LIT("b"), .hash = ARC_LIT("h")}};
        struct arc_store_op ops[] = {{ARC_STORE_INSERT, ARC_TABLE_counter, &counter, 0},
                                     {ARC_STORE_UPDATE, ARC_TABLE_pipeline, &row, 0},
                                     {ARC_STORE_INSERT, ARC_TABLE_token, &tokens[0], 0},
                                     {ARC_STORE_INSERT, ARC_TABLE_token, &tokens[1], 0}};
        CHECK_OK(contract_commit(store, ops, 3, NULL));
        CHECK_STATUS(contract_commit(store, ops + 3, 1, NULL), ARC_ECONFLICT);
        store->ops->close(store);
    }
    store_files_remove(&files);
}

/* The one number that a foreign program is answered. */
static int64_t ask_number(const struct store_files *files, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;
    CHECK(sqlite3_open(files->path, &db) == SQLITE_OK);
    CHECK(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK);
    if (sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    return number;
}

#define STRICT_TABLES "SELECT count(*) FROM pragma_table_list WHERE strict AND name GLOB 't_*'"

static void tables_are_strict(void)
{
    struct store_files files;
    sqlite3 *db = NULL;
    store_files_make(&files);
    make_and_close(&files);
    CHECK_INT(ask_number(&files, STRICT_TABLES), ARC_TABLE_COUNT);
    CHECK(sqlite3_open(files.path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "INSERT INTO t_counter VALUES ('n', 'many')", NULL, NULL, NULL) ==
          SQLITE_CONSTRAINT);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    store_files_remove(&files);
}

/* Files were made without STRICT once, and by builds of others. */
static void files_without_strict_tables_open(void)
{
    struct store_files files;
    arc_err err = ARC_ERR_INIT;
    store_files_make(&files);
    make_and_close(&files);
    run_sql(&files, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET"
                    " sql = replace(replace(sql, ' STRICT,', ''), ' STRICT', '');"
                    "PRAGMA writable_schema = RESET; DROP TABLE t_token; VACUUM");
    CHECK_INT(ask_number(&files, STRICT_TABLES), 0);
    struct arc_store *store = store_files_open(&files, NULL, &err);
    CHECK(store != NULL);
    if (store != NULL) {
        CHECK_INT(store_files_heard(store, "s"), 20);
        CHECK_OK(store_files_say(store, "s", 21, NULL));
        store->ops->close(store);
    }
    CHECK_INT(ask_number(&files, STRICT_TABLES), 1); /* the one that was made anew */
    CHECK_INT(ask_number(&files, "SELECT count(*) FROM t_event"), 21);
    store_files_remove(&files);
}

/* --- the WAL --------------------------------------------------------------------------------- */

static off_t wal_size(const struct store_files *files)
{
    char name[128];
    struct stat info = {.st_size = 0};
    snprintf(name, sizeof(name), "%s-wal", files->path);
    CHECK(stat(name, &info) == 0);
    return info.st_size;
}

static void dispatch_checkpoints(void)
{
    struct store_files files;
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    store_files_make(&files);
    options.checkpoint_pages = 20;
    struct arc_store *store = store_files_open(&files, &options, &err);
    CHECK(store != NULL);
    int64_t seq = 1;
    off_t largest = 0;
    for (int round = 0; store != NULL && round < 10; round++) {
        while (store->ops->timeout_ms(store) != 0 && seq < 2000)
            CHECK_OK(store_files_say(store, "s", seq++, NULL));
        CHECK_OK(store->ops->dispatch(store, NULL));
        CHECK_INT(store->ops->timeout_ms(store), -1);
        if (wal_size(&files) > largest)
            largest = wal_size(&files);
    }
    CHECK(seq > 40 && seq < 2000);
    CHECK(largest < 60 * 4200);
    /* Without dispatch a commit does it in the end. */
    for (int i = 0; store != NULL && i < 400; i++)
        CHECK_OK(store_files_say(store, "s", seq++, NULL));
    CHECK(wal_size(&files) < 20 * 10 * 4200);
    CHECK(store != NULL && store_files_heard(store, "s") == seq - 1);
    if (store != NULL)
        store->ops->close(store);
    store_files_remove(&files);
}

/* --- plans ----------------------------------------------------------------------------------- */

/* 1: SQLite's plan for the query holds this text. */
static int plan_holds(sqlite3 *db, const struct arc_query *query, const char *part)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf sql;
    char plan[512] = "";
    sqlite3_stmt *statement = NULL;
    arc__buf_init(&sql, &mem, 65536);
    arc__buf_add_cstr(&sql, "EXPLAIN QUERY PLAN ");
    arc__sqlite_select(&sql, query);
    CHECK(sqlite3_prepare_v2(db, sql.ptr, -1, &statement, NULL) == SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        size_t len = strlen(plan);
        snprintf(plan + len, sizeof(plan) - len, "%s; ",
                 (const char *)sqlite3_column_text(statement, 3));
    }
    (void)sqlite3_finalize(statement);
    arc__buf_deinit(&sql);
    int holds = strstr(plan, part) != NULL;
    if (!holds)
        printf("# no \"%s\" in: %s\n", part, plan);
    return holds;
}

static void queries_use_their_indexes(void)
{
    struct store_files files;
    sqlite3 *db = NULL;
    store_files_make(&files);
    make_and_close(&files);
    CHECK(sqlite3_open(files.path, &db) == SQLITE_OK);
    struct arc_filter stream = {.col = ARC_COL_event_stream, .text = ARC_LIT("s")};
    struct arc_filter seq = {.col = ARC_COL_event_seq, .op = ARC_FILTER_GT, .number = 3};
    struct arc_query load = {.table = ARC_TABLE_event, .filter_count = 2, .order_col = -1};
    load.filters[0] = stream;
    load.filters[1] = seq;
    CHECK(plan_holds(db, &load, "sqlite_autoindex_t_event_1 (stream=? AND seq>?)"));
    struct arc_query tail = {
        .table = ARC_TABLE_event, .filter_count = 1, .order_col = ARC_COL_event_position};
    tail.filters[0] = (struct arc_filter){.col = ARC_COL_event_position, .op = ARC_FILTER_GT};
    CHECK(plan_holds(db, &tail, "t_event__position (position>?)"));
    struct arc_query by_hash = {.table = ARC_TABLE_token, .filter_count = 1, .order_col = -1};
    by_hash.filters[0] =
        (struct arc_filter){.col = ARC_COL_token_hash, .text = ARC_LIT("0123456789abcdef")};
    CHECK(plan_holds(db, &by_hash, "t_token__hash (hash=?)"));
    struct arc_query list = {.table = ARC_TABLE_pipeline,
                             .filter_count = 3,
                             .order_col = ARC_COL_pipeline_created_at_ns,
                             .descending = 1,
                             .limit = 20};
    list.filters[0] = (struct arc_filter){.col = ARC_COL_pipeline_deleted_at_ns};
    list.filters[1] = (struct arc_filter){.col = ARC_COL_pipeline_status, .number = 3};
    list.filters[2] =
        (struct arc_filter){.col = ARC_COL_pipeline_project_id, .text = ARC_LIT("p1")};
    CHECK(plan_holds(db, &list, "t_pipeline__project_id__id (project_id=?)"));
    list.filter_count = 1; /* "not deleted" is most of them: walk in order instead */
    CHECK(plan_holds(db, &list, "t_pipeline__created_at_ns"));
    static const int64_t open_states[] = {1, 2, 3};
    struct arc_query open_runs = {
        .table = ARC_TABLE_pipeline_run, .filter_count = 1, .order_col = -1};
    open_runs.filters[0] = (struct arc_filter){.col = ARC_COL_pipeline_run_status,
                                               .op = ARC_FILTER_IN,
                                               .ints = open_states,
                                               .int_count = 3};
    CHECK(plan_holds(db, &open_runs, "t_pipeline_run__status__pipeline_id__id (status=?)"));
    struct arc_query steps = {.table = ARC_TABLE_step_run, .filter_count = 2, .order_col = -1};
    steps.filters[0] = (struct arc_filter){.col = ARC_COL_step_run_status, .number = 2};
    steps.filters[1] = (struct arc_filter){.col = ARC_COL_step_run_run_id, .text = ARC_LIT("r")};
    CHECK(plan_holds(db, &steps, "t_step_run__run_id (run_id=?)"));
    CHECK(sqlite3_close(db) == SQLITE_OK);
    store_files_remove(&files);
}

/* More different queries than are kept prepared. */
static void many_kinds_of_queries_work(void)
{
    struct store_files files;
    arc_err err = ARC_ERR_INIT;
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    store_files_make(&files);
    make_and_close(&files);
    arc__arena_init(&arena, &mem, 1 << 20);
    struct arc_store *store = store_files_open(&files, NULL, &err);
    CHECK(store != NULL);
    for (int round = 0; store != NULL && round < 3; round++) {
        for (int32_t col = -1; col < (int32_t)ARC_COL_pipeline_COUNT; col++) {
            for (int down = 0; down < 2; down++) {
                for (size_t filters = 0; filters < 3; filters++) {
                    struct arc_rows rows = {NULL, 0, 0};
                    struct arc_query query = {.table = ARC_TABLE_pipeline,
                                              .order_col = col,
                                              .descending = down,
                                              .filter_count = filters,
                                              .want_total = 1};
                    query.filters[0] =
                        (struct arc_filter){.col = ARC_COL_pipeline_name, .text = ARC_LIT("kept")};
                    query.filters[1] =
                        (struct arc_filter){.col = ARC_COL_pipeline_version, .number = 4};
                    CHECK_OK(contract_query(store, &query, &arena, &rows, NULL));
                    CHECK_INT(rows.total, 1);
                    arc__arena_reset(&arena);
                }
            }
        }
    }
    if (store != NULL)
        store->ops->close(store);
    arc__arena_deinit(&arena);
    store_files_remove(&files);
}

/* clang-format off */
static const struct test tests[] = {
    STORE_CONTRACT_CASES{"a store of one has nobody to watch", nobody_else_writes},
    {"reopening a file keeps everything", reopening_keeps_everything},
    {"the files are their owner's alone", files_are_the_owners_alone},
    {"a path that is no place for a file is refused", bad_paths_are_refused},
    {"names that mean something to SQLite are plain files", special_names_are_plain_files},
    {"a second process is refused and told who holds the store", a_second_process_is_refused},
    {"a second store of the same process is refused", a_second_store_of_the_process_is_refused},
    {"a foreign writer is waited for, then unavailable", foreign_writers_are_waited_for},
    {"a damaged file is refused with the reason", damaged_files_are_refused},
    {"a database of another program is refused", foreign_files_are_refused},
    {"a file of a newer version is refused", newer_files_are_refused},
    {"a file of an older version is completed", older_files_are_completed},
    {"new files have strict tables", tables_are_strict},
    {"a file without strict tables opens as well", files_without_strict_tables_open},
    {"the log of changes is copied back by dispatch", dispatch_checkpoints},
    {"queries use their indexes", queries_use_their_indexes},
    {"more kinds of queries than are kept prepared work", many_kinds_of_queries_work},
};
/* clang-format on */

TEST_MAIN(tests)
