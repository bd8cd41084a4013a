/* SPDX-License-Identifier: Apache-2.0 */
/* The contract on files, and what is their own: torn tails, kills, failing disks, limits. */
#include "logs/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "logs/record.h"
#include "logs_contract.h"
#include "logs_files.h"
#include "test_writes.h"

#define RUN ARC_LIT("run")
#define STEP ARC_LIT("step")

struct arc_log_store *contract_open(const struct arc_mem *mem, arc_err *err)
{
    /* Two at once, so that the contract also goes through closing and reopening. */
    struct arc_logs_file_options options = ARC_LOGS_FILE_OPTIONS_INIT;
    struct arc_log_store *logs = NULL;
    options.steps_open_max = 2;
    make_dir();
    if (arc__logs_file_open(mem, logs_dir, &options, &logs, err) != ARC_OK)
        remove_dir();
    return logs;
}

void contract_close(struct arc_log_store *logs)
{
    logs->ops->close(logs);
    remove_dir();
}

/* The store in the directory that is there; NULL was reported. */
static struct arc_log_store *reopen(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_log_store *logs = NULL;
    arc_err err = ARC_ERR_INIT;
    if (!CHECK_OK(arc__logs_file_open(&mem, logs_dir, NULL, &logs, &err)))
        printf("# %s\n", err.message);
    return logs;
}

static int64_t lines_of(struct arc_log_store *logs)
{
    struct arc_log_info info = {.lines = -1};
    CHECK_OK(logs->ops->info(logs, RUN, STEP, &info, NULL));
    return info.lines;
}

/* --- torn tails ------------------------------------------------------------------------------ */

/* Three appends: lines 1 to 3, 4 and 5, 6. */
static void make_six(struct file *log, struct file *idx)
{
    struct arc_log_store *logs = reopen();
    CHECK_OK(contract_append(logs, "run", "step", 1, 3, NULL));
    CHECK_OK(contract_append(logs, "run", "step", 4, 2, NULL));
    CHECK_OK(contract_append(logs, "run", "step", 6, 1, NULL));
    logs->ops->close(logs);
    file_load(log, "log");
    file_load(idx, "idx");
    CHECK_INT(idx->len, 6 * 8);
    CHECK_INT(record_end(log, 6), log->len);
}

/* The whole appends within so many bytes of the log. */
static int64_t whole_lines(const struct file *log, size_t len)
{
    return len >= record_end(log, 6)   ? 6
           : len >= record_end(log, 5) ? 5
           : len >= record_end(log, 3) ? 3
                                       : 0;
}

/* Opens what lies there, checks that it is so many lines, and goes on with it. */
static void check_recovered(int64_t want)
{
    struct arc_log_store *logs = reopen();
    contract_check_lines(logs, "run", "step", want);
    CHECK_OK(contract_append(logs, "run", "step", want + 1, 2, NULL));
    contract_check_lines(logs, "run", "step", want + 2);
    logs->ops->close(logs);
    logs = reopen();
    contract_check_lines(logs, "run", "step", want + 2);
    logs->ops->close(logs);
}

static void torn_logs_are_cut(void)
{
    struct file log, idx;
    make_dir();
    make_six(&log, &idx);
    for (size_t len = 0; len <= log.len; len++) {
        file_store(&log, len);
        file_store(&idx, idx.len);
        check_recovered(whole_lines(&log, len));
    }
    free(log.bytes);
    free(idx.bytes);
    remove_dir();
}

static void torn_indexes_are_completed(void)
{
    struct file log, idx;
    make_dir();
    make_six(&log, &idx);
    for (size_t len = 0; len <= idx.len; len++) {
        file_store(&log, log.len);
        file_store(&idx, len);
        check_recovered(6);
        /* And both at once, as when the power goes. */
        file_store(&log, log.len - 1);
        file_store(&idx, len);
        check_recovered(5);
    }
    file_store(&log, log.len);
    CHECK(unlink(idx.path) == 0);
    check_recovered(6);
    file_store(&idx, idx.len);
    CHECK(unlink(log.path) == 0);
    check_recovered(0);
    free(log.bytes);
    free(idx.bytes);
    remove_dir();
}

/* Behind the last whole append may lie anything. */
static void rubbish_behind_is_cut(void)
{
    static const int fills[] = {0, 0xff, 'A'};
    struct file log, idx;
    make_dir();
    make_six(&log, &idx);
    size_t fifth = record_end(&log, 5);
    for (size_t f = 0; f < ARC_COUNT_OF(fills); f++) {
        for (size_t len = 0; len < 200; len += 7) {
            struct file torn = log, entries = idx;
            torn.bytes = malloc(fifth + len + 1);
            entries.bytes = malloc(idx.len + len + 1);
            memcpy(torn.bytes, log.bytes, fifth);
            memset(torn.bytes + fifth, fills[f], len);
            memcpy(entries.bytes, idx.bytes, idx.len);
            memset(entries.bytes + idx.len, fills[f], len);
            file_store(&torn, fifth + len);
            file_store(&entries, idx.len + len);
            check_recovered(5);
            free(torn.bytes);
            free(entries.bytes);
        }
    }
    free(log.bytes);
    free(idx.bytes);
    remove_dir();
}

/* Any one byte of the last append turned: it is gone as a whole, and nothing before it. */
static void turned_bytes_at_the_end_are_cut(void)
{
    struct file log, idx;
    make_dir();
    make_six(&log, &idx);
    for (size_t at = record_end(&log, 5); at < log.len; at++) {
        log.bytes[at] ^= 0x10;
        file_store(&log, log.len);
        file_store(&idx, idx.len);
        check_recovered(5);
        log.bytes[at] ^= 0x10;
    }
    free(log.bytes);
    free(idx.bytes);
    remove_dir();
}

/* A byte in the middle: the line is a gap, its neighbours are what they were. */
static void damaged_lines_read_as_gaps(void)
{
    struct file log, idx;
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    make_dir();
    make_six(&log, &idx);
    arc__arena_init(&arena, &mem, 1 << 20);
    for (size_t at = record_end(&log, 1); at < record_end(&log, 2); at++) {
        struct arc_log_line *lines = NULL;
        size_t count = 0;
        log.bytes[at] ^= 0x10;
        file_store(&log, log.len);
        log.bytes[at] ^= 0x10;
        struct arc_log_store *logs = reopen();
        CHECK_OK(logs->ops->read(logs, RUN, STEP, 1, 99, SIZE_MAX, &arena, &lines, &count, NULL));
        CHECK_INT(count, 6);
        for (size_t i = 0; i < count; i++) {
            CHECK_INT(lines[i].number, i + 1);
            CHECK_INT((lines[i].flags & ARC_LOG_FLAG_GAP) != 0, i == 1);
            CHECK_INT(lines[i].gap_lines, i == 1);
        }
        CHECK_TEXT(lines[2].content, "line 3");
        CHECK_INT(lines_of(logs), 6);
        logs->ops->close(logs);
        arc__arena_reset(&arena);
    }
    arc__arena_deinit(&arena);
    free(log.bytes);
    free(idx.bytes);
    remove_dir();
}

static void damaged_indexes_are_said(void)
{
    struct file log, idx;
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    make_dir();
    make_six(&log, &idx);
    arc__arena_init(&arena, &mem, 1 << 20);
    for (size_t at = 8; at < 16; at++) {
        struct arc_log_line *lines = NULL;
        size_t count = 77;
        arc_err err = ARC_ERR_INIT;
        idx.bytes[at] ^= 0x80;
        file_store(&idx, idx.len);
        idx.bytes[at] ^= 0x80;
        struct arc_log_store *logs = reopen();
        arc_status status =
            logs->ops->read(logs, RUN, STEP, 1, 99, SIZE_MAX, &arena, &lines, &count, &err);
        if (status != ARC_OK) { /* else the place is possible, but no line stands there */
            CHECK_STATUS(status, ARC_EINTERNAL);
            CHECK(strstr(err.message, "run/step") != NULL);
            CHECK_INT(count, 77);
        } else {
            CHECK(count == 6 && (lines[1].flags & ARC_LOG_FLAG_GAP) != 0);
        }
        logs->ops->close(logs);
    }
    CHECK(unlink(idx.path) == 0); /* the remedy */
    check_recovered(6);
    arc__arena_deinit(&arena);
    free(log.bytes);
    free(idx.bytes);
    remove_dir();
}

static void content_is_never_taken_for_a_record(void)
{
    struct file log, idx;
    make_dir();
    make_six(&log, &idx);
    /* A line that holds all records of the log, in an append whose end is torn off. */
    struct arc_log_store *logs = reopen();
    struct arc_log_line lines[] = {contract_line(7, ""), contract_line(8, "the end")};
    lines[0].content = arc__slice(log.bytes, log.len);
    CHECK_OK(logs->ops->append(logs, RUN, STEP, lines, 2, NULL));
    logs->ops->close(logs);
    struct file longer;
    file_load(&longer, "log");
    file_store(&longer, longer.len - 1);
    file_store(&idx, 0);
    check_recovered(6);
    free(longer.bytes);
    free(log.bytes);
    free(idx.bytes);
    remove_dir();
}

/* The end of an append may reach the disk without its beginning. Once it was cut, a later append
 * that is as long as the beginning must not join it to the log again. */
static void what_was_cut_never_comes_back(void)
{
    struct file log, idx, longer;
    make_dir();
    make_six(&log, &idx);
    struct arc_log_store *logs = reopen();
    CHECK_OK(contract_append(logs, "run", "step", 7, 2, NULL));
    logs->ops->close(logs);
    file_load(&longer, "log");
    longer.bytes[log.len + 20] ^= 0x10; /* in line 7 */
    file_store(&longer, longer.len);
    file_store(&idx, idx.len);
    logs = reopen();
    contract_check_lines(logs, "run", "step", 6);
    CHECK_OK(contract_append(logs, "run", "step", 7, 1, NULL));
    logs->ops->close(logs);
    logs = reopen();
    contract_check_lines(logs, "run", "step", 7);
    logs->ops->close(logs);
    free(longer.bytes);
    free(log.bytes);
    free(idx.bytes);
    remove_dir();
}

/* Zeros, as lost pages are, name the place of the first line. */
static void zeroed_index_entries_are_not_believed(void)
{
    struct file log, idx;
    make_dir();
    struct arc_log_store *logs = reopen();
    for (int64_t line = 1; line <= 9; line++)
        CHECK_OK(contract_append(logs, "run", "step", line, 1, NULL));
    logs->ops->close(logs);
    file_load(&log, "log");
    file_load(&idx, "idx");
    for (size_t from = 8; from < idx.len; from += 8) {
        memset(idx.bytes + from, 0, idx.len - from);
        file_store(&log, log.len);
        file_store(&idx, idx.len);
        check_recovered(9);
        free(idx.bytes);
        file_load(&idx, "idx");
        idx.len = 9 * 8;
    }
    free(log.bytes);
    free(idx.bytes);
    remove_dir();
}

/* --- kill -9 --------------------------------------------------------------------------------- */

static void append_until_killed(int acks)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_log_store *logs = NULL;
    struct arc_log_info info;
    if (arc__logs_file_open(&mem, logs_dir, NULL, &logs, NULL) != ARC_OK ||
        logs->ops->info(logs, RUN, STEP, &info, NULL) != ARC_OK ||
        info.last_agent_line != info.lines)
        _exit(3);
    int64_t next = info.lines + 1;
    for (size_t count = 1;; count = count % 50 + 1) {
        if (contract_append(logs, "run", "step", next, count, NULL) != ARC_OK)
            _exit(4);
        next += (int64_t)count;
        int64_t lines = next - 1;
        if (write(acks, &lines, sizeof(lines)) != sizeof(lines))
            _exit(5);
    }
}

static int64_t kill_after(int64_t answers, unsigned spins)
{
    int acks[2], status = 0;
    int64_t last = 0, lines;
    CHECK(pipe(acks) == 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        (void)close(acks[0]);
        append_until_killed(acks[1]);
    }
    (void)close(acks[1]);
    while (answers-- > 0 && read(acks[0], &lines, sizeof(lines)) == sizeof(lines))
        last = lines;
    for (volatile unsigned i = 0; i < spins; i++)
        continue; /* a little further, into the middle of things */
    CHECK(kill(child, SIGKILL) == 0);
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    while (read(acks[0], &lines, sizeof(lines)) == sizeof(lines))
        last = lines;
    (void)close(acks[0]);
    return last;
}

static void kills_lose_nothing(void)
{
    enum { KILLS = 60 };
    uint64_t random = 88172645463325252u;
    int64_t before = 0;
    make_dir();
    for (int round = 0; round < KILLS; round++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        int64_t last = kill_after(1 + (int64_t)(random % 30), (unsigned)(random % 300000));
        CHECK(last > before);
        struct arc_log_store *logs = reopen();
        if (logs == NULL)
            break;
        before = lines_of(logs);
        CHECK(before >= last && before <= last + 50); /* whole appends alone */
        contract_check_lines(logs, "run", "step", before);
        logs->ops->close(logs);
    }
    remove_dir();
}

/* --- disks that fail ------------------------------------------------------------------------- */

static void short_writes_are_continued(void)
{
    make_dir();
    struct arc_log_store *logs = reopen();
    for (uint32_t max = 1; max < 40; max += 6) {
        int64_t lines = lines_of(logs);
        test_writes = (struct test_writes){.short_max = max};
        CHECK_OK(contract_append(logs, "run", "step", lines + 1, 5, NULL));
        CHECK(test_writes.calls > 8);
        test_writes = (struct test_writes){.calls = 0};
        contract_check_lines(logs, "run", "step", lines + 5);
    }
    logs->ops->close(logs);
    remove_dir();
}

/* The n-th write or truncation fails, alone or with all behind it. 1: none did. */
static int failing_append(uint64_t nth, int sticky, int number, arc_status want)
{
    make_dir();
    struct arc_log_store *logs = reopen();
    CHECK_OK(contract_append(logs, "run", "step", 1, 4, NULL));
    struct arc_log_line lines[] = {contract_line(5, "line 5"), contract_line(6, "line 6")};
    test_writes = (struct test_writes){.fail_at = nth, .sticky = sticky, .number = number};
    arc_status status = logs->ops->append(logs, RUN, STEP, lines, 2, NULL);
    int survived = test_writes.calls < nth;
    CHECK_STATUS(status, survived ? ARC_OK : want);
    CHECK_INT(lines[0].number, survived ? 5 : 0);
    /* With the disk still as it is, nothing of the append may be seen. */
    struct arc_log_info info = {.lines = -1};
    if (logs->ops->info(logs, RUN, STEP, &info, NULL) == ARC_OK)
        CHECK_INT(info.lines, survived ? 6 : 4);
    test_writes = (struct test_writes){.calls = 0};
    contract_check_lines(logs, "run", "step", survived ? 6 : 4);
    /* Shorter than what failed, so that a rest of it would show. */
    CHECK_OK(contract_append(logs, "run", "step", survived ? 7 : 5, 1, NULL));
    contract_check_lines(logs, "run", "step", survived ? 7 : 5);
    logs->ops->close(logs);
    logs = reopen();
    contract_check_lines(logs, "run", "step", survived ? 7 : 5);
    logs->ops->close(logs);
    remove_dir();
    return survived;
}

static void failed_appends_leave_nothing(void)
{
    static const int numbers[] = {EIO, ENOSPC, EDQUOT, EFBIG};
    for (size_t i = 0; i < ARC_COUNT_OF(numbers); i++) {
        for (int sticky = 0; sticky < 2; sticky++) {
            uint64_t nth = 1;
            while (nth < 50 && !failing_append(nth, sticky, numbers[i],
                                               numbers[i] == EIO ? ARC_EIO : ARC_ELIMIT))
                nth++;
            CHECK_INT(nth, 3); /* one write of the log and one of the index */
        }
    }
}

/* --- the directory --------------------------------------------------------------------------- */

static void a_second_store_is_refused(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_log_store *second = NULL;
    make_dir();
    struct arc_log_store *logs = reopen();
    CHECK_STATUS(arc__logs_file_open(&mem, logs_dir, NULL, &second, NULL), ARC_ECONFLICT);
    logs->ops->close(logs);
    logs = reopen();
    logs->ops->close(logs);
    remove_dir();
    CHECK_STATUS(arc__logs_file_open(&mem, "/nowhere/at/all", NULL, &second, NULL), ARC_EIO);
    CHECK_STATUS(arc__logs_file_open(&mem, "/dev/null", NULL, &second, NULL), ARC_EIO);
    CHECK_STATUS(arc__logs_file_open(&mem, "", NULL, &second, NULL), ARC_EINVAL);
    CHECK_STATUS(arc__logs_file_open(&mem, NULL, NULL, &second, NULL), ARC_EINVAL);
    CHECK(second == NULL);
}

static int mode_of(const char *name)
{
    char path[128];
    struct stat info = {.st_mode = 0};
    snprintf(path, sizeof(path), "%s/%s", logs_dir, name);
    CHECK(stat(path, &info) == 0);
    return (int)(info.st_mode & 0777);
}

static void files_are_the_owners_alone(void)
{
    mode_t mask = umask(0);
    make_dir();
    CHECK(rmdir(logs_dir) == 0); /* the store makes it */
    struct arc_log_store *logs = reopen();
    CHECK_OK(contract_append(logs, "run", "step", 1, 1, NULL));
    CHECK_INT(mode_of("."), 0700);
    CHECK_INT(mode_of("run"), 0700);
    CHECK_INT(mode_of("run/step.log"), 0600);
    CHECK_INT(mode_of("run/step.idx"), 0600);
    logs->ops->close(logs);
    (void)umask(mask);
    remove_dir();
}

static void links_are_not_followed(void)
{
    char path[128], victim[128];
    make_dir();
    struct arc_log_store *logs = reopen();
    CHECK_OK(contract_append(logs, "run", "a", 1, 1, NULL));
    snprintf(victim, sizeof(victim), "%s/victim", logs_dir);
    int fd = open(victim, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(write(fd, "untouched", 9) == 9 && close(fd) == 0);
    snprintf(path, sizeof(path), "%s/run/step.log", logs_dir);
    CHECK(symlink(victim, path) == 0);
    CHECK_STATUS(contract_append(logs, "run", "step", 1, 1, NULL), ARC_EIO);
    CHECK(unlink(path) == 0);
    snprintf(path, sizeof(path), "%s/run/step.idx", logs_dir);
    CHECK(symlink(victim, path) == 0);
    CHECK_STATUS(contract_append(logs, "run", "step", 1, 1, NULL), ARC_EIO);
    snprintf(path, sizeof(path), "%s/other", logs_dir);
    CHECK(symlink("/tmp", path) == 0);
    CHECK_STATUS(contract_append(logs, "other", "step", 1, 1, NULL), ARC_EIO);
    CHECK_STATUS(logs->ops->remove_run(logs, ARC_LIT("other"), NULL), ARC_EIO);
    snprintf(path, sizeof(path), "%s/run/fifo.log", logs_dir);
    CHECK(mkfifo(path, 0600) == 0);
    CHECK_STATUS(contract_append(logs, "run", "fifo", 1, 1, NULL), ARC_EIO); /* and no waiting */
    struct stat info = {.st_size = 0};
    CHECK(stat(victim, &info) == 0);
    CHECK_INT(info.st_size, 9);
    logs->ops->close(logs);
    remove_dir();
}

static int count_fds(void)
{
    DIR *fds = opendir("/proc/self/fd");
    int count = 0;
    while (fds != NULL && readdir(fds) != NULL)
        count++;
    if (fds != NULL)
        (void)closedir(fds);
    return count;
}

static void open_files_are_bounded(void)
{
    enum { STEPS = 60, OPEN = 5 };
    struct arc_mem mem = arc__mem_default();
    struct arc_logs_file_options options = ARC_LOGS_FILE_OPTIONS_INIT;
    struct arc_log_store *logs = NULL;
    options.steps_open_max = OPEN;
    make_dir();
    int before = count_fds();
    CHECK_OK(arc__logs_file_open(&mem, logs_dir, &options, &logs, NULL));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < STEPS; i++) {
            char name[16];
            snprintf(name, sizeof(name), "step%d", i);
            CHECK_OK(contract_append(logs, i % 2 ? "odd" : "even", name, round + 1, 1, NULL));
            CHECK(count_fds() <= before + 1 + 2 * OPEN);
        }
    }
    CHECK_INT(count_fds(), before + 1 + 2 * OPEN);
    logs->ops->release(logs, ARC_LIT("odd"), ARC_LIT("step59"));
    CHECK_INT(count_fds(), before + 1 + 2 * (OPEN - 1));
    CHECK_OK(logs->ops->remove_run(logs, ARC_LIT("even"), NULL));
    CHECK_INT(count_fds(), before + 1 + 2 * 2);
    for (int i = 1; i < STEPS; i += 2) {
        char name[16];
        snprintf(name, sizeof(name), "step%d", i);
        contract_check_lines(logs, "odd", name, 3);
    }
    logs->ops->close(logs);
    CHECK_INT(count_fds(), before);
    remove_dir();
}

/* Where the process has no descriptors left, the store lives with those that it has. */
static void descriptors_that_run_out_are_lived_with(void)
{
    struct rlimit limit, tight;
    make_dir();
    struct arc_log_store *logs = reopen();
    for (int i = 0; i < 8; i++) {
        char name[16];
        snprintf(name, sizeof(name), "step%d", i);
        CHECK_OK(contract_append(logs, "run", name, 1, 2, NULL));
    }
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    tight = limit;
    tight.rlim_cur = 64;
    CHECK(setrlimit(RLIMIT_NOFILE, &tight) == 0);
    int taken[64], count = 0;
    while (count < 64 && (taken[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        count++;
    CHECK(count < 64 && errno == EMFILE);
    arc_status statuses[12];
    arc_err err = ARC_ERR_INIT;
    for (int i = 0; i < 12; i++) {
        char name[16];
        snprintf(name, sizeof(name), "step%d", i);
        statuses[i] = contract_append(logs, "run", name, i < 8 ? 3 : 1, 2, &err);
    }
    if (err.status != ARC_OK)
        printf("# %s\n", err.message);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while (count > 0)
        CHECK(close(taken[--count]) == 0);
    for (int i = 0; i < 12; i++) {
        char name[16];
        snprintf(name, sizeof(name), "step%d", i);
        CHECK_OK(statuses[i]);
        contract_check_lines(logs, "run", name, i < 8 ? 4 : 2);
    }
    logs->ops->close(logs);
    remove_dir();
}

/* --- size ------------------------------------------------------------------------------------ */

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void a_million_lines_are_quick(void)
{
    enum { LINES = 1000000, BATCH = 1000 };
    make_dir();
    struct arc_log_store *logs = reopen();
    int64_t start = now_ms();
    for (int64_t at = 1; at <= LINES; at += BATCH)
        CHECK_OK(contract_append(logs, "run", "step", at, BATCH, NULL));
    int64_t written = now_ms();
    logs->ops->close(logs);
    logs = reopen();
    CHECK_INT(lines_of(logs), LINES);
    int64_t reopened = now_ms();
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    arc__arena_init(&arena, &mem, 1 << 20);
    for (int64_t i = 0; i < 1000; i++) {
        struct arc_log_line *lines = NULL;
        size_t count = 0;
        int64_t from = i * 7919 % (LINES - 100) + 1;
        CHECK_OK(
            logs->ops->read(logs, RUN, STEP, from, 50, SIZE_MAX, &arena, &lines, &count, NULL));
        CHECK(count == 50 && lines[49].agent_line == from + 49);
        arc__arena_reset(&arena);
    }
    int64_t read = now_ms();
    arc__arena_deinit(&arena);
    logs->ops->close(logs);
    struct file idx;
    file_name(&idx, "idx");
    CHECK(unlink(idx.path) == 0);
    logs = reopen();
    int64_t rebuilding = now_ms();
    CHECK_INT(lines_of(logs), LINES);
    printf(
        "# a million lines: written %lld ms, reopened %lld ms, 1000 pages %lld ms, index %lld ms\n",
        (long long)(written - start), (long long)(reopened - written), (long long)(read - reopened),
        (long long)(now_ms() - rebuilding));
    CHECK(reopened - written < 2000);
    logs->ops->close(logs);
    remove_dir();
}

/* clang-format off */
static const struct test tests[] = {
    LOGS_CONTRACT_CASES
    {"a log torn at any byte is cut to whole appends", torn_logs_are_cut},
    {"an index torn at any byte is completed from the log", torn_indexes_are_completed},
    {"rubbish behind the last append is cut", rubbish_behind_is_cut},
    {"a byte turned in the last append cuts it alone", turned_bytes_at_the_end_are_cut},
    {"a line damaged in the middle reads as a gap", damaged_lines_read_as_gaps},
    {"a damaged index is said and can be removed", damaged_indexes_are_said},
    {"content is never taken for a record", content_is_never_taken_for_a_record},
    {"what was cut never comes back", what_was_cut_never_comes_back},
    {"index entries of zeros are not believed", zeroed_index_entries_are_not_believed},
    {"kills in the middle of appends lose nothing acknowledged", kills_lose_nothing},
    {"short and interrupted writes are continued", short_writes_are_continued},
    {"an append that fails leaves nothing behind", failed_appends_leave_nothing},
    {"a second store in the directory is refused", a_second_store_is_refused},
    {"the log files are their owner's alone", files_are_the_owners_alone},
    {"links and pipes below the directory are not followed", links_are_not_followed},
    {"open files are bounded", open_files_are_bounded},
    {"descriptors that run out are lived with", descriptors_that_run_out_are_lived_with},
    {"a million lines are quick", a_million_lines_are_quick},
};
/* clang-format on */

TEST_MAIN(tests)
