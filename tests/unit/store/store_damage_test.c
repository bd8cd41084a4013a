/* SPDX-License-Identifier: Apache-2.0 */
/* Pages and logs that are not what was written: never a wrong answer. */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "shim.h"
#include "store/sqlite_page.h"
#include "store/sqlite_side.h"
#include "store_files.h"

#define PAGE ARC_SQLITE_PAGE_BYTES
#define FRAME (PAGE + 24)

/* --- files ----------------------------------------------------------------------------------- */

static void name_of(const struct store_files *files, const char *end, char *name, size_t size)
{
    snprintf(name, size, "%s%s", files->path, end);
}

static off_t size_of(const struct store_files *files, const char *end)
{
    char name[128];
    struct stat info = {.st_size = -1};
    name_of(files, end, name, sizeof(name));
    return stat(name, &info) == 0 ? info.st_size : -1;
}

static void flip(const struct store_files *files, const char *end, off_t at)
{
    char name[128];
    unsigned char byte = 0;
    name_of(files, end, name, sizeof(name));
    int fd = open(name, O_RDWR | O_CLOEXEC);
    CHECK(pread(fd, &byte, 1, at) == 1);
    byte ^= 0x10;
    CHECK(pwrite(fd, &byte, 1, at) == 1);
    CHECK(close(fd) == 0);
}

static void fill(const struct store_files *files, off_t at, const void *page)
{
    int fd = open(files->path, O_WRONLY | O_CLOEXEC);
    CHECK(pwrite(fd, page, PAGE, at) == (ssize_t)PAGE);
    CHECK(close(fd) == 0);
}

static struct arc_store *open_store(const struct store_files *files, int32_t no_checksums,
                                    int32_t skip, arc_err *err)
{
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    options.reserve_bytes = 0;
    options.no_checksums = no_checksums;
    options.skip_quick_check = skip;
    return store_files_open(files, &options, err);
}

static void make_and_close(const struct store_files *files, int32_t no_checksums)
{
    arc_err err = ARC_ERR_INIT;
    struct arc_store *store = open_store(files, no_checksums, 1, &err);
    CHECK(store != NULL);
    for (int64_t seq = 1; store != NULL && seq <= 200; seq++)
        CHECK_OK(store_files_say(store, "s", seq, NULL));
    if (store != NULL)
        store->ops->close(store);
}

/* A process that says so many and is gone, without closing anything. */
static void make_and_die(const struct store_files *files, int64_t from, int64_t to)
{
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct arc_store *store = open_store(files, 0, 1, NULL);
        int well = store != NULL;
        for (int64_t seq = from; well && seq <= to; seq++)
            well = store_files_say(store, "s", seq, NULL) == ARC_OK;
        _exit(well ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void check_refused(const struct store_files *files, const char *part)
{
    arc_err err = ARC_ERR_INIT;
    struct arc_store *store = open_store(files, 0, 0, &err);
    CHECK(store == NULL);
    CHECK_STATUS(err.status, ARC_EINTERNAL);
    if (strstr(err.message, part) == NULL)
        printf("# %s\n", err.message);
    CHECK(strstr(err.message, part) != NULL);
    if (store != NULL)
        store->ops->close(store);
}

static void check_heard(const struct store_files *files, int64_t count)
{
    arc_err err = ARC_ERR_INIT;
    struct arc_store *store = open_store(files, 0, 0, &err);
    if (store == NULL)
        printf("# %s\n", err.message);
    CHECK(store != NULL);
    if (store == NULL)
        return;
    CHECK_INT(store_files_heard(store, "s"), count);
    store->ops->close(store);
}

static void run_sql(const struct store_files *files, const char *sql)
{
    sqlite3 *db = NULL;
    CHECK(sqlite3_open(files->path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(db) == SQLITE_OK);
}

/* --- sums ------------------------------------------------------------------------------------ */

static void every_bit_is_in_the_sum(void)
{
    uint8_t page[PAGE];
    for (size_t i = 0; i < PAGE; i++)
        page[i] = (uint8_t)(i * 7 + i / 256);
    arc__sqlite_page_seal(9, page);
    CHECK_INT(arc__sqlite_page_check(9, page), ARC_SEAL_RIGHT);
    CHECK_INT(arc__sqlite_page_check(10, page), ARC_SEAL_WRONG); /* of another place */
    size_t missed = 0;
    for (size_t bit = 0; bit < 8 * (size_t)PAGE; bit++) {
        page[bit / 8] ^= (uint8_t)(1u << bit % 8);
        missed += arc__sqlite_page_check(9, page) != ARC_SEAL_WRONG;
        page[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    CHECK_INT(missed, 0);
    memset(page + PAGE - ARC_SQLITE_SEAL_BYTES, 0, ARC_SQLITE_SEAL_BYTES);
    CHECK_INT(arc__sqlite_page_check(9, page), ARC_SEAL_NONE);
}

/* --- pages ----------------------------------------------------------------------------------- */

static void every_page_is_sealed(void)
{
    struct store_files files;
    uint8_t page[PAGE];
    store_files_make(&files);
    make_and_close(&files, 0);
    int fd = open(files.path, O_RDONLY | O_CLOEXEC);
    off_t size = size_of(&files, "");
    CHECK(size > 20 * (off_t)PAGE && size % (off_t)PAGE == 0);
    for (off_t at = 0; at < size; at += (off_t)PAGE) {
        CHECK(pread(fd, page, PAGE, at) == (ssize_t)PAGE);
        CHECK_INT(arc__sqlite_page_check((uint32_t)(at / (off_t)PAGE) + 1, page), ARC_SEAL_RIGHT);
    }
    CHECK(close(fd) == 0);
    store_files_remove(&files);
}

/* Any page, in the middle of the life of a store that has read none of it. */
static void a_wrong_page_names_itself(void)
{
    struct store_files files;
    store_files_make(&files);
    make_and_close(&files, 0);
    off_t pages = size_of(&files, "") / (off_t)PAGE;
    for (off_t number = 1; number <= pages; number += 3) {
        char name[48];
        snprintf(name, sizeof(name), "page %lld does not", (long long)number);
        flip(&files, "", (number - 1) * (off_t)PAGE + 3000);
        check_refused(&files, name);
        flip(&files, "", (number - 1) * (off_t)PAGE + 3000);
    }
    check_heard(&files, 200);
    store_files_remove(&files);
}

static void a_wrong_page_poisons(void)
{
    struct store_files files;
    arc_err err = ARC_ERR_INIT;
    int64_t refused = 0;
    store_files_make(&files);
    make_and_close(&files, 0);
    off_t pages = size_of(&files, "") / (off_t)PAGE;
    for (off_t number = 2; number <= pages; number++) { /* those of the events among them */
        flip(&files, "", (number - 1) * (off_t)PAGE + 4000);
        struct arc_store *store = open_store(&files, 0, 1, &err);
        int64_t heard = store != NULL ? store_files_heard(store, "s") : -1;
        CHECK(heard == 200 || heard == -1); /* nothing else */
        if (store != NULL && heard < 0) {
            refused++;
            CHECK_STATUS(store->ops->health(store, &err), ARC_EIO);
            CHECK(strstr(err.message, "does not have its checksum") != NULL);
            CHECK_STATUS(store_files_say(store, "t", 1, NULL), ARC_EIO);
        }
        if (store != NULL)
            store->ops->close(store);
        flip(&files, "", (number - 1) * (off_t)PAGE + 4000);
    }
    CHECK(refused >= 3);
    check_heard(&files, 200);
    store_files_remove(&files);
}

static void lost_and_moved_pages_are_told(void)
{
    struct store_files files;
    uint8_t saved[PAGE], other[PAGE];
    static const uint8_t zeros[PAGE];
    store_files_make(&files);
    make_and_close(&files, 0);
    off_t last = size_of(&files, "") - (off_t)PAGE;
    int fd = open(files.path, O_RDONLY | O_CLOEXEC);
    CHECK(pread(fd, saved, PAGE, last) == (ssize_t)PAGE);
    CHECK(pread(fd, other, PAGE, last - (off_t)PAGE) == (ssize_t)PAGE);
    CHECK(close(fd) == 0);
    fill(&files, last, zeros);
    check_refused(&files, "is empty");
    fill(&files, last, other); /* whole, but of another place */
    check_refused(&files, "does not have its checksum");
    fill(&files, last, saved);
    check_heard(&files, 200);
    CHECK(truncate(files.path, last) == 0);
    check_refused(&files, "");
    store_files_remove(&files);
}

static void a_wrong_header_is_told(void)
{
    static const off_t places[] = {3, 16, 17, 18, 19, 20, 24, 28, 60, 68};
    struct store_files files;
    store_files_make(&files);
    make_and_close(&files, 0);
    for (size_t i = 0; i < ARC_COUNT_OF(places); i++) {
        flip(&files, "", places[i]);
        check_refused(&files, places[i] < 16 ? "not a database" : "page 1 ");
        flip(&files, "", places[i]);
    }
    check_heard(&files, 200);
    store_files_remove(&files);
}

static void files_without_checksums_stay_so(void)
{
    struct store_files files;
    uint8_t header[100];
    store_files_make(&files);
    make_and_close(&files, 1);
    check_heard(&files, 200);
    int fd = open(files.path, O_RDONLY | O_CLOEXEC);
    CHECK(pread(fd, header, sizeof(header), 0) == (ssize_t)sizeof(header));
    CHECK_INT(header[20], 0);
    CHECK(close(fd) == 0);
    store_files_remove(&files);
}

/* --- the log --------------------------------------------------------------------------------- */

static void a_wrong_frame_is_told_while_it_runs(void)
{
    struct store_files files;
    arc_err err = ARC_ERR_INIT;
    store_files_make(&files);
    struct arc_store *store = open_store(&files, 0, 1, &err);
    CHECK(store != NULL && store_files_say(store, "s", 1, NULL) == ARC_OK);
    if (store != NULL) {
        /* The last frame is of an index of the events or of their table. */
        off_t frames = (size_of(&files, "-wal") - 32) / (off_t)FRAME;
        for (off_t i = 0; i < 3; i++)
            flip(&files, "-wal", 32 + (frames - 1 - i) * (off_t)FRAME + 24 + 4050);
        CHECK_INT(store_files_heard(store, "s"), -1);
        CHECK_STATUS(store->ops->health(store, &err), ARC_EIO);
        CHECK(strstr(err.message, "frame of the WAL") != NULL);
        store->ops->close(store);
    }
    store_files_remove(&files);
}

/* SQLite alone would take the WAL up to the frame before. */
static void a_lost_tail_is_told(void)
{
    struct store_files files;
    char mark[128];
    store_files_make(&files);
    make_and_die(&files, 1, 5);
    off_t size = size_of(&files, "-wal");
    for (off_t at = size - 10; at > 32 + 40 * (off_t)FRAME; at -= 5000) {
        flip(&files, "-wal", at);
        check_refused(&files, "its last commits are gone");
        flip(&files, "-wal", at);
    }
    flip(&files, "-wal", 20); /* its header: SQLite would take none of it */
    check_refused(&files, "its last commits are gone");
    flip(&files, "-wal", 20);
    flip(&files, "-wal", size - 10);
    name_of(&files, ".mark", mark, sizeof(mark));
    CHECK(unlink(mark) == 0); /* somebody wants what is left */
    check_heard(&files, 4);
    store_files_remove(&files);
}

static void a_wrong_mark_asks_for_nothing(void)
{
    struct store_files files;
    store_files_make(&files);
    make_and_die(&files, 1, 5);
    flip(&files, ".mark", 30);
    flip(&files, ".mark", 512 + 30);
    check_heard(&files, 5);
    store_files_remove(&files);
}

static void a_log_that_another_program_copied_back_is_fine(void)
{
    struct store_files files;
    char wal[128];
    store_files_make(&files);
    make_and_die(&files, 1, 5);
    run_sql(&files, "SELECT count(*) FROM t_event"); /* its closing copies it back */
    CHECK_INT(size_of(&files, "-wal"), -1);
    check_heard(&files, 5);
    make_and_die(&files, 6, 9);
    check_heard(&files, 9); /* and closes */
    make_and_die(&files, 10, 12);
    name_of(&files, "-wal", wal, sizeof(wal));
    CHECK(unlink(wal) == 0); /* but to remove it is another matter */
    check_refused(&files, "its last commits are gone");
    store_files_remove(&files);
}

static void what_another_program_wrote_is_told(void)
{
    struct store_files files;
    store_files_make(&files);
    make_and_close(&files, 0);
    run_sql(&files, "DELETE FROM t_event WHERE seq > 100");
    check_refused(&files, "does not have its checksum");
    run_sql(&files, "VACUUM"); /* writes every page anew, which is meant */
    check_heard(&files, 100);
    store_files_remove(&files);
}

/* --- the host -------------------------------------------------------------------------------- */

static size_t vfs_count(void)
{
    size_t count = 0;
    for (const sqlite3_vfs *vfs = sqlite3_vfs_find(NULL); vfs != NULL; vfs = vfs->pNext)
        count++;
    return count;
}

static void the_hosts_sqlite_is_undisturbed(void)
{
    struct store_files one, two, host;
    sqlite3 *db = NULL;
    store_files_make(&one);
    store_files_make(&two);
    store_files_make(&host);
    const sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    size_t count = vfs_count();
    struct arc_store *first = open_store(&one, 0, 0, NULL), *second = open_store(&two, 1, 0, NULL);
    CHECK(first != NULL && second != NULL);
    CHECK(sqlite3_vfs_find(NULL) == usual);
    CHECK_INT(vfs_count(), count);
    CHECK(sqlite3_open(host.path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "CREATE TABLE a (b)", NULL, NULL, NULL) == SQLITE_OK);
    for (int64_t seq = 1; first != NULL && second != NULL && seq <= 3; seq++) {
        CHECK_OK(store_files_say(first, "s", seq, NULL));
        CHECK_OK(store_files_say(second, "s", seq, NULL));
    }
    if (first != NULL)
        first->ops->close(first);
    if (second != NULL)
        second->ops->close(second);
    CHECK(sqlite3_exec(db, "INSERT INTO a VALUES (1)", NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_close(db) == SQLITE_OK);
    CHECK_INT(vfs_count(), count);
    store_files_remove(&one);
    store_files_remove(&two);
    store_files_remove(&host);
}

/* SQLite's VFS reads the name again when it syncs the directory, and when something fails. */
static void a_side_file_keeps_its_name(void)
{
    struct store_files files;
    struct arc_sqlite_side side = {NULL};
    const struct arc_mem mem = arc__mem_default();
    char *path = malloc(128);
    store_files_make(&files);
    if (path == NULL)
        return;
    (void)snprintf(path, 128, "%s.mark", files.path);
    CHECK_OK(arc__sqlite_side_open(&side, &mem, NULL, path, NULL));
    free(path);
    CHECK_INT(arc__sqlite_side_write(&side, "x", 1, 0), SQLITE_OK);
    CHECK_INT(arc__sqlite_side_sync(&side), SQLITE_OK);
    arc__sqlite_side_close(&side, &mem);
    store_files_remove(&files);
}

static const struct test tests[] = {
    {"a file beside the database keeps its name", a_side_file_keeps_its_name},
    {"every bit of a page is in its sum", every_bit_is_in_the_sum},
    {"every page of a new file has its checksum", every_page_is_sealed},
    {"a wrong page is refused by its number", a_wrong_page_names_itself},
    {"a wrong page ends all writing and is never an answer", a_wrong_page_poisons},
    {"a page that was lost or written elsewhere is told", lost_and_moved_pages_are_told},
    {"a wrong header is told", a_wrong_header_is_told},
    {"a file without checksums stays as it is", files_without_checksums_stay_so},
    {"a wrong frame of the log is told while the store runs", a_wrong_frame_is_told_while_it_runs},
    {"a lost end of the log is told when the store is opened", a_lost_tail_is_told},
    {"a mark that is damaged asks for nothing", a_wrong_mark_asks_for_nothing},
    {"a log that another program copied back is fine",
     a_log_that_another_program_copied_back_is_fine},
    {"pages that another program wrote are told", what_another_program_wrote_is_told},
    {"two stores and the host's own SQLite are undisturbed", the_hosts_sqlite_is_undisturbed},
};

TEST_MAIN(tests)
