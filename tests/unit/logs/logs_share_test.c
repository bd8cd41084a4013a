/* SPDX-License-Identifier: Apache-2.0 */
/* Several stores on one folder: the contract on two that take turns, and what is asked of them when
 * one writes while another reads, dies in the middle, or writes too. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "logs/file.h"
#include "logs/lines.h"
#include "logs/record.h"
#include "logs_contract.h"
#include "logs_files.h"
#include "test_writes.h"

#define RUN ARC_LIT("run")
#define STEP ARC_LIT("step")

static arc_status open_shared(const struct arc_mem *mem, uint32_t open_max, uint32_t unindexed_max,
                              struct arc_log_store **out, arc_err *err)
{
    struct arc_logs_file_options options = ARC_LOGS_FILE_OPTIONS_INIT;
    options.shared = 1;
    options.steps_open_max = open_max;
    options.unindexed_max = unindexed_max;
    return arc__logs_file_open(mem, logs_dir, &options, out, err);
}

/* One more store on the folder; NULL was reported. */
static struct arc_log_store *another(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_log_store *logs = NULL;
    arc_err err = ARC_ERR_INIT;
    if (!CHECK_OK(open_shared(&mem, 0, 0, &logs, &err)))
        printf("# %s\n", err.message);
    return logs;
}

static int64_t lines_of(struct arc_log_store *logs)
{
    struct arc_log_info info = {.lines = -1};
    CHECK_OK(logs->ops->info(logs, RUN, STEP, &info, NULL));
    return info.lines;
}

static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)((*state >> 11) % below);
}

/* --- the contract, by two that take turns ---------------------------------------------------- */

/* A log store each call of which goes to one of two. */
struct pair {
    struct arc_log_store base;
    struct arc_log_store *stores[2];
    uint64_t state;
};

static struct arc_log_store *turn(struct arc_log_store *logs)
{
    struct pair *pair = (struct pair *)logs;
    return pair->stores[draw(&pair->state, 2)];
}

static arc_status pair_append(struct arc_log_store *logs, arc_slice run, arc_slice step,
                              struct arc_log_line *lines, size_t count, arc_err *err)
{
    struct arc_log_store *one = turn(logs);
    return one->ops->append(one, run, step, lines, count, err);
}

static arc_status pair_info(struct arc_log_store *logs, arc_slice run, arc_slice step,
                            struct arc_log_info *out, arc_err *err)
{
    struct arc_log_store *one = turn(logs);
    return one->ops->info(one, run, step, out, err);
}

static arc_status pair_read(struct arc_log_store *logs, arc_slice run, arc_slice step, int64_t from,
                            size_t limit, size_t max_bytes, struct arc_arena *arena,
                            struct arc_log_line **lines, size_t *count, arc_err *err)
{
    struct arc_log_store *one = turn(logs);
    return one->ops->read(one, run, step, from, limit, max_bytes, arena, lines, count, err);
}

static void pair_release(struct arc_log_store *logs, arc_slice run, arc_slice step)
{
    struct arc_log_store *one = turn(logs);
    one->ops->release(one, run, step);
}

static arc_status pair_remove_run(struct arc_log_store *logs, arc_slice run, arc_err *err)
{
    struct arc_log_store *one = turn(logs);
    return one->ops->remove_run(one, run, err);
}

static void pair_close(struct arc_log_store *logs)
{
    struct pair *pair = (struct pair *)logs;
    for (size_t i = 0; i < 2; i++) {
        if (pair->stores[i] != NULL)
            pair->stores[i]->ops->close(pair->stores[i]);
    }
    free(pair);
}

static const struct arc_log_store_ops pair_ops = {
    .size = sizeof(struct arc_log_store_ops),
    .append = pair_append,
    .info = pair_info,
    .read = pair_read,
    .release = pair_release,
    .remove_run = pair_remove_run,
    .close = pair_close,
};

struct arc_log_store *contract_open(const struct arc_mem *mem, arc_err *err)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    *pair = (struct pair){.base.ops = &pair_ops, .state = 88172645463325252u};
    make_dir();
    if (open_shared(mem, 2, 0, &pair->stores[0], err) == ARC_OK &&
        open_shared(mem, 2, 0, &pair->stores[1], err) == ARC_OK)
        return &pair->base;
    pair_close(&pair->base);
    remove_dir();
    return NULL;
}

void contract_close(struct arc_log_store *logs)
{
    logs->ops->close(logs);
    remove_dir();
}

/* --- readers beside a writer ----------------------------------------------------------------- */

static void appends_are_seen_at_once(void)
{
    make_dir();
    struct arc_log_store *writer = another(), *reader = another();
    CHECK_INT(lines_of(reader), 0);
    for (int64_t line = 1; line < 2000; line += line % 7 + 1) {
        CHECK_OK(contract_append(writer, "run", "step", line, (size_t)(line % 7) + 1, NULL));
        CHECK_INT(lines_of(reader), line + line % 7);
    }
    int64_t lines = lines_of(writer);
    contract_check_lines(reader, "run", "step", lines);
    /* More at once than a reader looks at from where it is. */
    CHECK_OK(contract_append(writer, "run", "step", lines + 1, 20000, NULL));
    contract_check_lines(reader, "run", "step", lines + 20000);
    struct arc_log_info mine = {.lines = 0}, theirs = {.lines = 0};
    CHECK_OK(writer->ops->info(writer, RUN, STEP, &mine, NULL));
    CHECK_OK(reader->ops->info(reader, RUN, STEP, &theirs, NULL));
    CHECK_INT(theirs.bytes, mine.bytes);
    CHECK_INT(theirs.last_attempt, mine.last_attempt);
    CHECK_INT(theirs.last_agent_line, mine.last_agent_line);
    writer->ops->close(writer);
    reader->ops->close(reader);
    remove_dir();
}

static int same_file(const struct file *before, const char *end)
{
    struct file now;
    file_load(&now, end);
    int same = now.len == before->len && memcmp(now.bytes, before->bytes, now.len) == 0;
    free(now.bytes);
    return same;
}

/* Torn at any byte, with its index and without: readers show the whole appends and leave all else
 * alone. The next who appends goes on from there, and all see it. */
static void readers_write_nothing(void)
{
    struct file log, idx;
    make_dir();
    struct arc_log_store *writer = another();
    CHECK_OK(contract_append(writer, "run", "step", 1, 3, NULL));
    CHECK_OK(contract_append(writer, "run", "step", 4, 2, NULL));
    writer->ops->close(writer);
    file_load(&log, "log");
    file_load(&idx, "idx");
    for (size_t len = 0; len <= log.len; len++) {
        struct file torn = log;
        int64_t whole = len == log.len ? 5 : len >= record_end(&log, 3) ? 3 : 0;
        int indexed = len % 2 == 0;
        torn.len = len;
        file_store(&log, len);
        file_store(&idx, idx.len);
        CHECK(indexed || unlink(idx.path) == 0);
        struct arc_log_store *reader = another();
        for (int again = 0; again < 2; again++) {
            contract_check_lines(reader, "run", "step", whole);
            CHECK(same_file(&torn, "log"));
            CHECK(indexed ? same_file(&idx, "idx") : access(idx.path, F_OK) != 0);
        }
        writer = another();
        CHECK_OK(contract_append(writer, "run", "step", whole + 1, 2, NULL));
        contract_check_lines(reader, "run", "step", whole + 2);
        contract_check_lines(writer, "run", "step", whole + 2);
        CHECK_OK(contract_append(reader, "run", "step", whole + 3, 1, NULL));
        contract_check_lines(writer, "run", "step", whole + 3);
        reader->ops->close(reader);
        writer->ops->close(writer);
    }
    free(log.bytes);
    free(idx.bytes);
    remove_dir();
}

/* Two processes that go on by turns: before each write and each opening of a file the child waits
 * until the parent has done what it likes. */
static int child_in, child_out;

static void wait_for_parent(void)
{
    char byte = 0;
    if (write(child_out, &byte, 1) != 1 || read(child_in, &byte, 1) != 1)
        _exit(5);
}

int openat(int dir_fd, const char *name, int flags, ...)
{
    if (child_out != 0)
        wait_for_parent();
    return (int)syscall(SYS_openat, dir_fd, name, flags, 0600);
}

struct child {
    pid_t pid;
    int in, out;
};

static struct child begin_child(void (*life)(void))
{
    int asks[2], answers[2];
    CHECK(pipe2(asks, O_CLOEXEC) == 0 && pipe2(answers, O_CLOEXEC) == 0);
    fflush(stdout);
    struct child child = {.pid = fork(), .in = asks[0], .out = answers[1]};
    if (child.pid == 0) {
        (void)close(asks[0]);
        (void)close(answers[1]);
        child_in = answers[0];
        child_out = asks[1];
        test_writes.before = wait_for_parent;
        life();
        _exit(0);
    }
    (void)close(asks[1]);
    (void)close(answers[0]);
    return child;
}

/* 1: it waits. 0: it is over. */
static int child_waits(const struct child *child)
{
    char byte;
    return read(child->in, &byte, 1) == 1;
}

static void child_goes_on(const struct child *child)
{
    CHECK(write(child->out, "", 1) == 1);
}

static void end_child(const struct child *child)
{
    int status = 0;
    CHECK(waitpid(child->pid, &status, 0) == child->pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)close(child->in);
    (void)close(child->out);
}

enum { APPENDS = 100 };

/* Appends of 1, 2, … 50, 1, 2, … lines, in many small writes. */
static void append_in_child(void)
{
    struct arc_log_store *logs = another();
    int64_t next = 1;
    test_writes.short_max = 397;
    for (int i = 0; logs != NULL && i < APPENDS; i++) {
        size_t count = (size_t)(i % 50) + 1;
        if (contract_append(logs, "run", "step", next, count, NULL) != ARC_OK)
            _exit(4);
        next += (int64_t)count;
    }
}

/* 1: so many lines are so many whole appends. */
static int is_boundary(int64_t lines)
{
    lines %= 50 * 51 / 2;
    for (int64_t count = 1; lines > 0; count++)
        lines -= count;
    return lines == 0;
}

static int check_page(struct arc_log_store *logs, int64_t from, int64_t held)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    struct arc_log_line *lines = NULL;
    size_t count = 0;
    arc__arena_init(&arena, &mem, 1 << 20);
    int fine = CHECK_OK(
        logs->ops->read(logs, RUN, STEP, from, 30, SIZE_MAX, &arena, &lines, &count, NULL));
    fine = fine && (int64_t)count >= (held - from + 1 < 30 ? held - from + 1 : 30);
    for (size_t i = 0; i < count; i++) {
        char text[32];
        snprintf(text, sizeof(text), "line %lld", (long long)from + (long long)i);
        fine =
            fine && lines[i].number == from + (int64_t)i && arc__slice_is(lines[i].content, text);
    }
    arc__arena_deinit(&arena);
    return fine;
}

static void readers_see_whole_appends_alone(void)
{
    uint64_t state = 1234567;
    int64_t before = 0, looks = 0, changes = 0, wrong = 0;
    make_dir();
    struct child child = begin_child(append_in_child);
    struct arc_log_store *often = another(), *seldom = another();
    for (; child_waits(&child); looks++) {
        struct arc_log_store *logs = looks % 16 == 0 ? seldom : often;
        int64_t lines = lines_of(logs);
        wrong += lines < before || !is_boundary(lines);
        changes += lines != before;
        before = lines;
        if (lines > 0)
            wrong += !check_page(logs, 1 + draw(&state, (uint32_t)lines), lines);
        child_goes_on(&child);
    }
    end_child(&child);
    CHECK_INT(wrong, 0);
    CHECK_INT(changes, APPENDS - 1); /* the last one is seen behind the loop */
    CHECK(looks > 5 * APPENDS);
    contract_check_lines(often, "run", "step", APPENDS / 50 * 50 * 51 / 2);
    contract_check_lines(seldom, "run", "step", APPENDS / 50 * 50 * 51 / 2);
    often->ops->close(often);
    seldom->ops->close(seldom);
    remove_dir();
}

static void an_index_may_be_missing(void)
{
    enum { LINES = 1000 };
    struct arc_mem mem = arc__mem_default();
    struct arc_log_store *inside = NULL, *over = NULL;
    struct arc_log_info info = {.lines = -1};
    arc_err err = ARC_ERR_INIT;
    struct file idx;
    make_dir();
    struct arc_log_store *writer = another();
    for (int64_t line = 1; line <= LINES; line++)
        CHECK_OK(contract_append(writer, "run", "step", line, 1, NULL));
    file_load(&idx, "idx");
    CHECK(unlink(idx.path) == 0);
    CHECK_OK(open_shared(&mem, 0, LINES, &inside, NULL));
    CHECK_OK(open_shared(&mem, 0, LINES - 1, &over, NULL));
    contract_check_lines(inside, "run", "step", LINES);
    CHECK_STATUS(over->ops->info(over, RUN, STEP, &info, &err), ARC_ELIMIT);
    CHECK_INT(info.lines, -1);
    CHECK(access(idx.path, F_OK) != 0);
    /* It is there again with the next append, whoever makes it, and all use it. */
    CHECK_OK(contract_append(writer, "run", "step", LINES + 1, 1, NULL));
    contract_check_lines(inside, "run", "step", LINES + 1);
    contract_check_lines(over, "run", "step", LINES + 1);
    contract_check_lines(writer, "run", "step", LINES + 1);
    struct file made;
    file_load(&made, "idx");
    CHECK(made.len == idx.len + 8 && memcmp(made.bytes, idx.bytes, idx.len) == 0);
    /* Zeros, as lost pages are, are no places. */
    memset(made.bytes + 80, 0, made.len - 80);
    file_store(&made, made.len);
    inside->ops->release(inside, RUN, STEP);
    contract_check_lines(inside, "run", "step", LINES + 1);
    CHECK(same_file(&made, "idx"));
    /* A part of it, before the eyes of who wrote last. */
    CHECK(truncate(made.path, 80) == 0);
    CHECK_OK(contract_append(writer, "run", "step", LINES + 2, 1, NULL));
    contract_check_lines(writer, "run", "step", LINES + 2);
    inside->ops->close(inside);
    over->ops->close(over);
    writer->ops->close(writer);
    free(made.bytes);
    free(idx.bytes);
    remove_dir();
}

/* As when a file server lost what it had not synced, and somebody went on from there. */
static void a_log_that_became_shorter_is_read_anew(void)
{
    struct file log, idx;
    make_dir();
    struct arc_log_store *writer = another(), *reader = another();
    CHECK_OK(contract_append(writer, "run", "step", 1, 5, NULL));
    file_load(&log, "log");
    file_load(&idx, "idx");
    CHECK_OK(contract_append(writer, "run", "step", 6, 3, NULL));
    contract_check_lines(reader, "run", "step", 8);
    CHECK(truncate(log.path, (off_t)log.len) == 0);
    contract_check_lines(reader, "run", "step", 5);
    struct arc_log_line longer = contract_line(6, "a line that is longer than those that follow");
    CHECK_OK(writer->ops->append(writer, RUN, STEP, &longer, 1, NULL));
    CHECK_INT(lines_of(reader), 6);
    /* And so that it is longer again before the reader looks. */
    CHECK(truncate(log.path, (off_t)log.len) == 0);
    CHECK_OK(contract_append(writer, "run", "step", 6, 9, NULL));
    contract_check_lines(reader, "run", "step", 14);
    contract_check_lines(writer, "run", "step", 14);
    writer->ops->close(writer);
    reader->ops->close(reader);
    free(log.bytes);
    free(idx.bytes);
    remove_dir();
}

/* --- a torn append that is written over while it is read ------------------------------------- */

/* Not static, because the C library may declare pread inline. */
extern int test_reads_left; /* then a hand reaches in */
extern void (*test_hand)(void);
int test_reads_left;
void (*test_hand)(void);

ssize_t pread(int fd, void *bytes, size_t len, off_t at)
{
    if (test_reads_left > 0 && --test_reads_left == 0)
        test_hand();
    return (ssize_t)syscall(SYS_pread64, fd, bytes, len, at);
}

enum { BIG_LINES = 10 };

/* Beside the writer's own store, so that it may be used while the reader's reads. */
static struct arc_log_store *over_writer;
static char big_contents[BIG_LINES][ARC_LOG_LINE_MAX];

/* In place of the torn append, whose lines are all of the greatest size, one of lines whose
 * contents hold a record with the right number, which ends an append, where each torn line began.
 */
static void write_over(void)
{
    struct arc_crc32c crc;
    struct arc_log_line lines[BIG_LINES + 1] = {contract_line(2, "short")};
    arc__crc32c_init(&crc);
    for (int64_t i = 0; i < BIG_LINES; i++) {
        size_t at = ARC_LOG_LINE_MAX - ARC_RECORD_HEADER_SIZE - 5;
        struct arc_record record = {.line = contract_line(3 + i, ""), .ends_append = 1};
        record.line.number = 3 + i;
        memset(big_contents[i], 'n', ARC_LOG_LINE_MAX);
        arc__record_encode(&crc, &record, (unsigned char *)big_contents[i] + at);
        lines[i + 1] = contract_line(3 + i, "");
        lines[i + 1].content = arc__slice(big_contents[i], ARC_LOG_LINE_MAX);
    }
    CHECK_OK(over_writer->ops->append(over_writer, RUN, STEP, lines, BIG_LINES + 1, NULL));
}

static void die_in_an_append_of_big_lines(void)
{
    struct arc_log_line lines[BIG_LINES + 1];
    struct arc_log_store *logs = another();
    memset(big_contents, 'o', sizeof(big_contents));
    for (int64_t i = 0; i <= BIG_LINES; i++) {
        lines[i] = contract_line(2 + i, "");
        lines[i].content = arc__slice(big_contents[0], ARC_LOG_LINE_MAX);
    }
    test_writes = (struct test_writes){.stop_signal = SIGKILL};
    test_writes.stop_after = (BIG_LINES + 1) * (8 + ARC_RECORD_SIZE_MAX) - 1;
    (void)logs->ops->append(logs, RUN, STEP, lines, BIG_LINES + 1, NULL);
    _exit(3);
}

/* 1: the hand reached in before the nth read. */
static int read_while_written_over(int nth, int indexed)
{
    struct file idx;
    int status = 0;
    make_dir();
    struct arc_log_store *reader = another();
    over_writer = another();
    CHECK_OK(contract_append(over_writer, "run", "step", 1, 1, NULL));
    CHECK_INT(lines_of(reader), 1);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        die_in_an_append_of_big_lines();
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    file_name(&idx, "idx");
    CHECK(indexed || truncate(idx.path, 8) == 0);
    test_hand = write_over;
    test_reads_left = nth;
    int64_t lines = lines_of(reader);
    int reached = test_reads_left == 0;
    CHECK(lines == 1 || (reached && lines == BIG_LINES + 2));
    test_reads_left = 0;
    if (!reached)
        write_over();
    CHECK_INT(lines_of(reader), BIG_LINES + 2);
    CHECK_INT(lines_of(over_writer), BIG_LINES + 2);
    reader->ops->close(reader);
    over_writer->ops->close(over_writer);
    remove_dir();
    return reached;
}

static void old_and_new_are_never_mixed(void)
{
    for (int indexed = 0; indexed < 2; indexed++) {
        int nth = 1;
        while (nth < 200 && read_while_written_over(nth, indexed))
            nth++;
        CHECK(nth > 4 && nth < 200);
    }
}

/* --- writers that take turns, and die -------------------------------------------------------- */

/* Appends three lines and is killed when so many bytes of it are written; else ends with 0. */
static void append_until_byte(int64_t first, uint64_t bytes)
{
    struct arc_log_store *logs = another();
    test_writes = (struct test_writes){.stop_signal = SIGKILL, .stop_after = bytes};
    arc_status status = contract_append(logs, "run", "step", first, 3, NULL);
    _exit(status == ARC_OK ? 0 : 3);
}

static void deaths_at_every_byte_lose_nothing(void)
{
    enum { APPEND = 3 * (8 + 64 + 6) };
    make_dir();
    struct arc_log_store *heir = another(), *reader = another();
    for (uint64_t bytes = 0; bytes <= APPEND + 1; bytes++) {
        int status = 0;
        int64_t whole = bytes >= APPEND ? 6 : 3;
        CHECK_OK(contract_append(heir, "run", "step", 1, 3, NULL));
        contract_check_lines(reader, "run", "step", 3);
        fflush(stdout);
        pid_t child = fork();
        if (child == 0)
            append_until_byte(4, bytes);
        CHECK(waitpid(child, &status, 0) == child);
        CHECK_INT(WIFSIGNALED(status) != 0, bytes <= APPEND);
        contract_check_lines(reader, "run", "step", whole);
        CHECK_OK(contract_append(heir, "run", "step", whole + 1, 2, NULL));
        contract_check_lines(reader, "run", "step", whole + 2);
        CHECK_OK(contract_append(reader, "run", "step", whole + 3, 1, NULL));
        contract_check_lines(heir, "run", "step", whole + 3);
        CHECK_OK(reader->ops->remove_run(reader, RUN, NULL));
    }
    heir->ops->close(heir);
    reader->ops->close(reader);
    remove_dir();
}

/* The disk fails for one of them, so that even its cut does; the other goes on. */
static void failed_appends_leave_nothing_to_the_other(void)
{
    make_dir();
    struct arc_log_store *stores[] = {another(), another()};
    CHECK_OK(contract_append(stores[0], "run", "step", 1, 4, NULL));
    CHECK_INT(lines_of(stores[1]), 4);
    int64_t lines = 4;
    for (uint64_t nth = 1; nth <= 4; nth++) {
        for (int sticky = 0; sticky < 2; sticky++, lines++) {
            struct arc_log_store *one = stores[(nth + (uint64_t)sticky) % 2];
            struct arc_log_store *other = stores[(nth + (uint64_t)sticky + 1) % 2];
            test_writes = (struct test_writes){.fail_at = nth, .sticky = sticky, .number = EIO};
            arc_status status = contract_append(one, "run", "step", lines + 1, 3, NULL);
            int failed = test_writes.calls >= nth;
            test_writes = (struct test_writes){.calls = 0};
            CHECK_STATUS(status, failed ? ARC_EIO : ARC_OK);
            lines += status == ARC_OK ? 3 : 0;
            contract_check_lines(other, "run", "step", lines);
            contract_check_lines(one, "run", "step", lines);
            CHECK_OK(contract_append(other, "run", "step", lines + 1, 1, NULL));
            contract_check_lines(one, "run", "step", lines + 1);
        }
    }
    stores[0]->ops->close(stores[0]);
    stores[1]->ops->close(stores[1]);
    remove_dir();
}

/* A plain list of what was appended: the n-th line is made of n and of how many runs of the name
 * there have been. */
struct model {
    uint64_t state;
    int64_t lines, life;
    struct arc_log_store *stores[2];
    struct arc_arena arena;
};

static arc_slice model_text(struct model *m, int64_t number)
{
    size_t pad = (size_t)(number * 7919 % (number % 50 == 0 ? 60000 : 90));
    char *text = arc__arena_alloc(&m->arena, pad + 64);
    int len = snprintf(text, 64, "%lld of %lld ", (long long)number, (long long)m->life);
    memset(text + len, 'a' + (int)(number % 26), pad);
    return arc__slice(text, (size_t)len + pad);
}

static arc_status model_append(struct model *m, struct arc_log_store *logs, size_t count)
{
    struct arc_log_line lines[40];
    for (size_t i = 0; i < count; i++) {
        lines[i] = contract_line(m->lines + 1 + (int64_t)i, "");
        lines[i].content = model_text(m, lines[i].agent_line);
    }
    arc_status status = logs->ops->append(logs, RUN, STEP, lines, count, NULL);
    for (size_t i = 0; status == ARC_OK && i < count; i++)
        CHECK_INT(lines[i].number, m->lines + 1 + (int64_t)i);
    return status;
}

/* By a process that dies somewhere in it, if there is so much to write. */
static void model_die(struct model *m)
{
    size_t count = draw(&m->state, 40) + 1;
    uint64_t bytes = draw(&m->state, (uint32_t)count * 160);
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct arc_log_store *logs = another();
        test_writes = (struct test_writes){.stop_signal = SIGKILL, .stop_after = bytes};
        _exit(model_append(m, logs, count) == ARC_OK ? 0 : 3);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    if (!WIFSIGNALED(status))
        m->lines += (int64_t)count;
}

static void model_read(struct model *m, struct arc_log_store *logs)
{
    struct arc_log_line *lines = NULL;
    size_t count = 0, wrong = 0, limit = draw(&m->state, 400);
    int64_t from = 1 + draw(&m->state, (uint32_t)m->lines + 2);
    int64_t behind = m->lines - from + 1 > 0 ? m->lines - from + 1 : 0;
    CHECK_OK(
        logs->ops->read(logs, RUN, STEP, from, limit, SIZE_MAX, &m->arena, &lines, &count, NULL));
    CHECK_INT(count, behind < (int64_t)limit ? behind : (int64_t)limit);
    for (size_t i = 0; i < count; i++)
        wrong += lines[i].number != from + (int64_t)i ||
                 !arc__slice_equal(lines[i].content, model_text(m, lines[i].number));
    CHECK_INT(wrong, 0);
}

static void model_act(struct model *m)
{
    struct arc_log_store **logs = &m->stores[draw(&m->state, 2)];
    uint32_t what = draw(&m->state, 1000);
    size_t count = draw(&m->state, 40) + 1;
    struct file idx;
    if (what < 500) {
        CHECK_OK(model_append(m, *logs, count));
        m->lines += (int64_t)count;
    } else if (what < 800) {
        model_read(m, *logs);
    } else if (what < 900) {
        CHECK_INT(lines_of(*logs), m->lines);
    } else if (what < 940) {
        model_die(m);
    } else if (what < 960) {
        (*logs)->ops->release(*logs, RUN, STEP);
    } else if (what < 975) {
        file_name(&idx, "idx");
        (void)unlink(idx.path);
    } else if (what < 990) {
        (*logs)->ops->close(*logs);
        *logs = another();
    } else {
        CHECK_OK((*logs)->ops->remove_run(*logs, RUN, NULL));
        m->lines = 0;
        m->life++;
    }
    CHECK(!m->arena.failed);
    arc__arena_reset(&m->arena);
}

static void random_writers_agree_with_a_list(void)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct arc_mem mem = arc__mem_default();
        make_dir();
        struct model m = {.state = seed * 0x9e3779b97f4a7c15u, .stores = {another(), another()}};
        unsigned before = CU_get_number_of_failures();
        arc__arena_init(&m.arena, &mem, 256u << 20);
        for (int i = 0; i < 700 && CU_get_number_of_failures() == before; i++)
            model_act(&m);
        if (CU_get_number_of_failures() != before)
            printf("# with the seed %llu\n", (unsigned long long)seed);
        for (int i = 0; i < 2; i++) {
            CHECK_INT(lines_of(m.stores[i]), m.lines);
            m.stores[i]->ops->close(m.stores[i]);
        }
        arc__arena_deinit(&m.arena);
        remove_dir();
    }
}

/* --- at the same moment ---------------------------------------------------------------------- */

static void a_log_that_is_being_written_is_refused(void)
{
    struct file log;
    arc_err err = ARC_ERR_INIT;
    struct arc_log_line lines[] = {contract_line(4, "line 4")};
    make_dir();
    struct arc_log_store *logs = another();
    CHECK_OK(contract_append(logs, "run", "step", 1, 3, NULL));
    file_load(&log, "log");
    int fd = open(log.path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
    CHECK_STATUS(logs->ops->append(logs, RUN, STEP, lines, 1, &err), ARC_EUNAVAILABLE);
    CHECK(strstr(err.message, "run/step") != NULL);
    CHECK_INT(lines[0].number, 0);
    CHECK(same_file(&log, "log"));
    contract_check_lines(logs, "run", "step", 3); /* who reads asks for no lock */
    CHECK_OK(contract_append(logs, "run", "other", 1, 3, NULL));
    CHECK(close(fd) == 0);
    CHECK_OK(logs->ops->append(logs, RUN, STEP, lines, 1, &err));
    CHECK_INT(lines[0].number, 4);
    /* And who is done keeps none. */
    fd = open(log.path, O_RDWR | O_CLOEXEC);
    CHECK(fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && close(fd) == 0);
    logs->ops->close(logs);
    free(log.bytes);
    remove_dir();
}

/* Stopped in the middle of its index, of its records, and behind the last byte. */
static void paused_writers_wake_harmlessly(void)
{
    static const uint64_t places[] = {0, 10, 3 * 8, 3 * 8 + 100, 3 * (8 + 64 + 6)};
    for (size_t i = 0; i < ARC_COUNT_OF(places); i++) {
        int status = 0;
        make_dir();
        struct arc_log_store *logs = another();
        CHECK_OK(contract_append(logs, "run", "step", 1, 3, NULL));
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            struct arc_log_store *paused = another();
            test_writes = (struct test_writes){.stop_signal = SIGSTOP, .stop_after = places[i]};
            _exit(contract_append(paused, "run", "step", 4, 3, NULL) == ARC_OK ? 0 : 3);
        }
        CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
        contract_check_lines(logs, "run", "step", places[i] == 3 * (8 + 64 + 6) ? 6 : 3);
        CHECK_STATUS(contract_append(logs, "run", "step", 4, 1, NULL), ARC_EUNAVAILABLE);
        CHECK(kill(child, SIGCONT) == 0);
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        CHECK_OK(contract_append(logs, "run", "step", 7, 2, NULL));
        contract_check_lines(logs, "run", "step", 8);
        logs->ops->close(logs);
        remove_dir();
    }
}

/* Asleep between two appends: it had known the log, and others wrote. */
static void who_slept_goes_on_behind_the_others(void)
{
    make_dir();
    struct arc_log_store *slept = another(), *awake = another();
    CHECK_OK(contract_append(slept, "run", "step", 1, 3, NULL));
    CHECK_OK(contract_append(awake, "run", "step", 4, 500, NULL));
    struct arc_log_line lines[] = {contract_line(504, "line 504"), contract_line(505, "line 505")};
    CHECK_OK(slept->ops->append(slept, RUN, STEP, lines, 2, NULL));
    CHECK_INT(lines[0].number, 504);
    CHECK_INT(lines[1].number, 505);
    contract_check_lines(awake, "run", "step", 505);
    slept->ops->close(slept);
    awake->ops->close(awake);
    remove_dir();
}

enum { AT_ONCE = 500 };

/* Numbers its own lines in agent_line, and tells whose they are by the attempt. */
static void append_at_once(uint32_t who)
{
    struct arc_log_store *logs = another();
    for (int64_t i = 1; logs != NULL && i <= AT_ONCE; i += 2) {
        struct arc_log_line lines[] = {contract_line(i, "one"), contract_line(i + 1, "two")};
        arc_status status = ARC_EUNAVAILABLE;
        lines[0].attempt = lines[1].attempt = who;
        while ((status = logs->ops->append(logs, RUN, STEP, lines, 2, NULL)) == ARC_EUNAVAILABLE)
            (void)sched_yield();
        if (status != ARC_OK || lines[1].number != lines[0].number + 1)
            _exit(4);
    }
    _exit(logs != NULL ? 0 : 3);
}

static void two_that_append_at_once_harm_nothing(void)
{
    enum { WRITERS = 3 };
    pid_t children[WRITERS];
    int64_t next[WRITERS] = {1, 1, 1}, wrong = 0;
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    struct arc_log_line *lines = NULL;
    size_t count = 0;
    make_dir();
    fflush(stdout);
    for (uint32_t i = 0; i < WRITERS; i++) {
        children[i] = fork();
        if (children[i] == 0)
            append_at_once(i);
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = 0;
        CHECK(waitpid(children[i], &status, 0) == children[i]);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    struct arc_log_store *logs = another();
    arc__arena_init(&arena, &mem, 1 << 22);
    CHECK_OK(logs->ops->read(logs, RUN, STEP, 1, 99999, SIZE_MAX, &arena, &lines, &count, NULL));
    CHECK_INT(count, WRITERS * AT_ONCE);
    for (size_t i = 0; i < count; i++)
        wrong += lines[i].number != (int64_t)i + 1 || lines[i].attempt >= WRITERS ||
                 lines[i].agent_line != next[lines[i].attempt]++;
    CHECK_INT(wrong, 0);
    arc__arena_deinit(&arena);
    logs->ops->close(logs);
    remove_dir();
}

/* --- removed runs, and the folder ------------------------------------------------------------ */

static void runs_removed_by_another_are_gone(void)
{
    make_dir();
    struct arc_log_store *one = another(), *two = another(), *three = another();
    for (int round = 0; round < 3; round++) {
        CHECK_OK(contract_append(one, "run", "step", 1, 5, NULL));
        contract_check_lines(two, "run", "step", 5);
        contract_check_lines(three, "run", "step", 5);
        CHECK_OK(two->ops->remove_run(two, RUN, NULL));
        contract_check_lines(one, "run", "step", 0);
        contract_check_lines(two, "run", "step", 0);
        /* The third has its files open still, and goes on with new ones. */
        CHECK_OK(contract_append(three, "run", "step", 1, 2, NULL));
        contract_check_lines(one, "run", "step", 2);
        contract_check_lines(three, "run", "step", 2);
        CHECK_OK(one->ops->remove_run(one, RUN, NULL));
        CHECK_OK(two->ops->remove_run(two, RUN, NULL));
        contract_check_lines(three, "run", "step", 0);
    }
    one->ops->close(one);
    two->ops->close(two);
    three->ops->close(three);
    remove_dir();
}

enum { MAKES = 300 };

static void make_logs_in_child(void)
{
    struct arc_log_store *logs = another();
    int made = 0;
    for (int i = 0; logs != NULL && i < MAKES; i++) {
        const char *step = i % 3 == 0 ? "a" : i % 3 == 1 ? "b" : "step";
        arc_status status = contract_append(logs, "run", step, 1, 1, NULL);
        made += status == ARC_OK;
        if (status != ARC_OK && status != ARC_EIO) /* removed as often as it was made */
            _exit(4);
    }
    if (made < MAKES / 2)
        _exit(6);
}

/* One process makes logs, another removes the run in the middle of that. */
static void removing_beside_appends_is_harmless(void)
{
    uint64_t state = 99;
    int64_t removals = 0, wrong = 0;
    make_dir();
    struct child child = begin_child(make_logs_in_child);
    struct arc_log_store *logs = another();
    while (child_waits(&child)) {
        struct arc_log_info info = {.lines = -1};
        if (draw(&state, 4) == 0) {
            wrong += logs->ops->remove_run(logs, RUN, NULL) != ARC_OK;
            removals++;
        }
        wrong += logs->ops->info(logs, RUN, STEP, &info, NULL) != ARC_OK || info.lines < 0;
        child_goes_on(&child);
    }
    end_child(&child);
    CHECK_INT(wrong, 0);
    CHECK(removals > MAKES / 4);
    CHECK_OK(logs->ops->remove_run(logs, RUN, NULL));
    CHECK_OK(contract_append(logs, "run", "step", 1, 3, NULL));
    contract_check_lines(logs, "run", "step", 3);
    logs->ops->close(logs);
    remove_dir();
}

static void who_does_not_share_is_alone(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_log_store *alone = NULL, *refused = NULL;
    arc_err err = ARC_ERR_INIT;
    make_dir();
    struct arc_log_store *one = another(), *two = another();
    CHECK_STATUS(arc__logs_file_open(&mem, logs_dir, NULL, &refused, NULL), ARC_ECONFLICT);
    one->ops->close(one);
    CHECK_STATUS(arc__logs_file_open(&mem, logs_dir, NULL, &refused, NULL), ARC_ECONFLICT);
    two->ops->close(two);
    CHECK_OK(arc__logs_file_open(&mem, logs_dir, NULL, &alone, NULL));
    CHECK_STATUS(open_shared(&mem, 0, 0, &refused, &err), ARC_ECONFLICT);
    CHECK(strstr(err.message, "does not share") != NULL);
    CHECK_OK(contract_append(alone, "run", "step", 1, 5, NULL));
    alone->ops->close(alone);
    one = another(); /* the files are the same */
    contract_check_lines(one, "run", "step", 5);
    one->ops->close(one);
    CHECK(refused == NULL);
    remove_dir();
}

static void no_pipe_is_read_as_a_log(void)
{
    char path[128];
    struct arc_log_info info;
    make_dir();
    struct arc_log_store *logs = another();
    CHECK_OK(contract_append(logs, "run", "a", 1, 1, NULL));
    snprintf(path, sizeof(path), "%s/run/step.log", logs_dir);
    CHECK(mkfifo(path, 0600) == 0);
    CHECK_STATUS(logs->ops->info(logs, RUN, STEP, &info, NULL), ARC_EIO);
    CHECK_STATUS(contract_append(logs, "run", "step", 1, 1, NULL), ARC_EIO);
    CHECK(unlink(path) == 0 && symlink("a.log", path) == 0);
    CHECK_STATUS(logs->ops->info(logs, RUN, STEP, &info, NULL), ARC_EIO);
    CHECK_STATUS(contract_append(logs, "run", "step", 1, 1, NULL), ARC_EIO);
    logs->ops->close(logs);
    remove_dir();
}

/* --- speed ----------------------------------------------------------------------------------- */

static int64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* What is new is looked at, not the log: at the end of a long one a turn costs no more. */
static void turns_are_quick_in_a_long_log(void)
{
    enum { LINES = 300000, TURNS = 2000 };
    make_dir();
    struct arc_log_store *one = another(), *two = another();
    int64_t start = now_us(), next = 1;
    for (int i = 0; i < TURNS; i++, next++) {
        CHECK_OK(contract_append(i % 2 == 0 ? one : two, "run", "step", next, 1, NULL));
        CHECK_INT(lines_of(i % 2 == 0 ? two : one), next);
    }
    int64_t fresh = now_us();
    for (; next <= LINES; next += 1000)
        CHECK_OK(contract_append(one, "run", "step", next, 1000, NULL));
    int64_t grown = now_us();
    for (int i = 0; i < TURNS; i++, next++) {
        CHECK_OK(contract_append(i % 2 == 0 ? one : two, "run", "step", next, 1, NULL));
        CHECK_INT(lines_of(i % 2 == 0 ? two : one), next);
    }
    int64_t end = now_us();
    printf("# %d turns: %lld us at first, %lld us behind %d lines\n", TURNS,
           (long long)(fresh - start), (long long)(end - grown), LINES);
    CHECK(end - grown < 20 * (fresh - start));
    one->ops->close(one);
    two->ops->close(two);
    remove_dir();
}

/* clang-format off */
static const struct test tests[] = {
    LOGS_CONTRACT_CASES
    {"a reader sees each append of another store at once", appends_are_seen_at_once},
    {"readers write nothing, whatever is torn or missing", readers_write_nothing},
    {"readers beside a writer see whole appends alone", readers_see_whole_appends_alone},
    {"a shared log without its index is read, up to a limit", an_index_may_be_missing},
    {"a shared log that became shorter is read anew", a_log_that_became_shorter_is_read_anew},
    {"a torn append written over is never mixed with the new", old_and_new_are_never_mixed},
    {"a writer killed at any byte loses nothing of the others", deaths_at_every_byte_lose_nothing},
    {"a failed append leaves nothing to the other store", failed_appends_leave_nothing_to_the_other},
    {"random turns of two writers agree with a plain list", random_writers_agree_with_a_list},
    {"a log that another store is writing is refused", a_log_that_is_being_written_is_refused},
    {"a writer that was stopped anywhere wakes harmlessly", paused_writers_wake_harmlessly},
    {"who slept between appends goes on behind the others", who_slept_goes_on_behind_the_others},
    {"writers that append at once harm nothing", two_that_append_at_once_harm_nothing},
    {"a run that another store removed is gone", runs_removed_by_another_are_gone},
    {"removing a run beside its writer is harmless", removing_beside_appends_is_harmless},
    {"a store that does not share has the folder alone", who_does_not_share_is_alone},
    {"links and pipes are no shared logs either", no_pipe_is_read_as_a_log},
    {"turns are quick in a long log", turns_are_quick_in_a_long_log},
};
/* clang-format on */

TEST_MAIN(tests)
