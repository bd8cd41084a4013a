/* SPDX-License-Identifier: Apache-2.0 */
#include "logs_contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "logs/lines.h"

#define ARENA_BYTES ((size_t)256 * 1024 * 1024)
#define RUN ARC_LIT("01RUN")
#define STEP ARC_LIT("01STEP")

struct fixture {
    struct arc_mem mem;
    struct arc_log_store *logs;
    struct arc_arena arena;
};

/* 1: ready. */
static int begin(struct fixture *f)
{
    arc_err err = ARC_ERR_INIT;
    f->mem = arc__mem_default();
    arc__arena_init(&f->arena, &f->mem, ARENA_BYTES);
    f->logs = contract_open(&f->mem, &err);
    CHECK(f->logs != NULL);
    if (f->logs == NULL)
        printf("# %s: %s\n", err.subject, err.message);
    return f->logs != NULL;
}

static void end(struct fixture *f)
{
    arc__arena_deinit(&f->arena);
    if (f->logs != NULL)
        contract_close(f->logs);
}

struct got {
    struct arc_log_line *lines;
    size_t count;
};

static struct got read_from(struct fixture *f, arc_slice run, arc_slice step, int64_t from,
                            size_t limit, size_t max_bytes)
{
    struct got got = {NULL, 0};
    arc_err err = ARC_ERR_INIT;
    if (!CHECK_OK(f->logs->ops->read(f->logs, run, step, from, limit, max_bytes, &f->arena,
                                     &got.lines, &got.count, &err)))
        printf("# %s: %s\n", err.subject, err.message);
    return got;
}

static struct arc_log_info info_of(struct arc_log_store *logs, arc_slice run, arc_slice step)
{
    struct arc_log_info info = {.lines = -1};
    CHECK_OK(logs->ops->info(logs, run, step, &info, NULL));
    return info;
}

struct arc_log_line contract_line(int64_t agent_line, const char *text)
{
    return (struct arc_log_line){.time_ns = 1000 + agent_line,
                                 .agent_line = agent_line,
                                 .attempt = 1,
                                 .stream = ARC_LOG_STDOUT,
                                 .content = arc__slice_cstr(text)};
}

arc_status contract_append(struct arc_log_store *logs, const char *run, const char *step,
                           int64_t first, size_t count, arc_err *err)
{
    struct arc_log_line *lines = calloc(count, sizeof(*lines));
    char(*texts)[32] = calloc(count, sizeof(*texts));
    for (size_t i = 0; lines != NULL && texts != NULL && i < count; i++) {
        snprintf(texts[i], sizeof(texts[i]), "line %lld", (long long)first + (long long)i);
        lines[i] = contract_line(first + (int64_t)i, texts[i]);
    }
    arc_status status =
        logs->ops->append(logs, arc__slice_cstr(run), arc__slice_cstr(step), lines, count, err);
    free(texts);
    free(lines);
    return status;
}

void contract_check_lines(struct arc_log_store *logs, const char *run, const char *step,
                          int64_t count)
{
    arc_slice run_id = arc__slice_cstr(run), step_id = arc__slice_cstr(step);
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    struct arc_log_line *lines = NULL;
    size_t got = 0, wrong = 0;
    struct arc_log_info info = info_of(logs, run_id, step_id);
    arc__arena_init(&arena, &mem, ARENA_BYTES);
    CHECK_INT(info.lines, count);
    CHECK_INT(info.last_agent_line, count);
    CHECK_OK(
        logs->ops->read(logs, run_id, step_id, 1, SIZE_MAX, SIZE_MAX, &arena, &lines, &got, NULL));
    CHECK_INT(got, count);
    for (size_t i = 0; i < got; i++) {
        char text[32];
        snprintf(text, sizeof(text), "line %zu", i + 1);
        wrong += lines[i].number != (int64_t)i + 1 || lines[i].agent_line != (int64_t)i + 1 ||
                 !arc__slice_is(lines[i].content, text);
    }
    CHECK_INT(wrong, 0);
    arc__arena_deinit(&arena);
}

static int same_line(const struct arc_log_line *a, const struct arc_log_line *b)
{
    return a->number == b->number && a->time_ns == b->time_ns && a->agent_line == b->agent_line &&
           a->gap_lines == b->gap_lines && a->attempt == b->attempt && a->stream == b->stream &&
           a->flags == b->flags && arc__slice_equal(a->content, b->content);
}

/* --- appending ------------------------------------------------------------------------------- */

void lines_come_back(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_log_line lines[] = {
            {.time_ns = 1700000000123456789,
             .agent_line = 1,
             .attempt = 1,
             .stream = ARC_LOG_STDOUT,
             .content = ARC_LIT("first \xe2\x82\xac\t\x1b[1m")},
            {.time_ns = INT64_MIN,
             .agent_line = INT64_MAX,
             .attempt = UINT32_MAX,
             .stream = ARC_LOG_STDERR,
             .flags = ARC_LOG_FLAG_SPLIT | ARC_LOG_FLAG_REPAIRED},
            {.time_ns = INT64_MAX,
             .gap_lines = INT64_MAX,
             .stream = ARC_LOG_SYSTEM,
             .flags = ARC_LOG_FLAG_GAP,
             .content = ARC_LIT("some lines were lost")},
        };
        CHECK_OK(f.logs->ops->append(f.logs, RUN, STEP, lines, ARC_COUNT_OF(lines), NULL));
        struct got got = read_from(&f, RUN, STEP, 1, 10, SIZE_MAX);
        CHECK_INT(got.count, ARC_COUNT_OF(lines));
        for (size_t i = 0; i < got.count; i++) {
            CHECK_INT(lines[i].number, i + 1);
            CHECK(same_line(&got.lines[i], &lines[i]));
        }
        CHECK_INT(info_of(f.logs, RUN, STEP).bytes, lines[0].content.len + lines[2].content.len);
    }
    end(&f);
}

void numbers_have_no_gaps(void)
{
    struct fixture f;
    if (begin(&f)) {
        int64_t next = 1;
        for (size_t count = 1; count < 60; count += 3) {
            CHECK_OK(contract_append(f.logs, "01RUN", "01STEP", next, count, NULL));
            next += (int64_t)count;
        }
        CHECK_OK(f.logs->ops->append(f.logs, RUN, STEP, NULL, 0, NULL));
        contract_check_lines(f.logs, "01RUN", "01STEP", next - 1);
    }
    end(&f);
}

void steps_are_apart(void)
{
    struct fixture f;
    if (begin(&f)) {
        static const char *const names[] = {"a", "b", "a.b", "A", "-", "...", "a.log", "a.idx"};
        for (size_t i = 0; i < ARC_COUNT_OF(names); i++) {
            CHECK_OK(contract_append(f.logs, "run", names[i], 1, i + 1, NULL));
            CHECK_OK(contract_append(f.logs, names[i], "step", 1, i + 2, NULL));
        }
        for (size_t i = 0; i < ARC_COUNT_OF(names); i++) {
            contract_check_lines(f.logs, "run", names[i], (int64_t)i + 1);
            contract_check_lines(f.logs, names[i], "step", (int64_t)i + 2);
        }
    }
    end(&f);
}

void nothing_is_empty(void)
{
    struct fixture f;
    if (begin(&f)) {
        for (int round = 0; round < 2; round++) {
            struct arc_log_info info = info_of(f.logs, RUN, STEP);
            CHECK_INT(info.lines, 0);
            CHECK_INT(info.last_attempt, 0);
            CHECK_INT(info.last_agent_line, 0);
            CHECK_INT(info.bytes, 0);
            CHECK_INT(read_from(&f, RUN, STEP, 1, 10, 10).count, 0);
            f.logs->ops->release(f.logs, RUN, STEP);
            CHECK_OK(f.logs->ops->remove_run(f.logs, RUN, NULL));
            CHECK_OK(contract_append(f.logs, "01RUN", "another", 1, 1, NULL));
        }
    }
    end(&f);
}

void info_knows_the_agents_last(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_log_line line = contract_line(5, "five");
        CHECK_OK(f.logs->ops->append(f.logs, RUN, STEP, &line, 1, NULL));
        CHECK_INT(info_of(f.logs, RUN, STEP).last_agent_line, 5);
        struct arc_log_line system = {.stream = ARC_LOG_SYSTEM, .content = ARC_LIT("a note")};
        CHECK_OK(f.logs->ops->append(f.logs, RUN, STEP, &system, 1, NULL));
        struct arc_log_info info = info_of(f.logs, RUN, STEP);
        CHECK_INT(info.lines, 2);
        CHECK_INT(info.last_agent_line, 5);
        CHECK_INT(info.last_attempt, 1);
        CHECK_INT(info.bytes, 10);
        line = contract_line(1, "anew"); /* the next attempt counts from 1 again */
        line.attempt = 2;
        CHECK_OK(f.logs->ops->append(f.logs, RUN, STEP, &line, 1, NULL));
        info = info_of(f.logs, RUN, STEP);
        CHECK_INT(info.lines, 3);
        CHECK_INT(info.last_attempt, 2);
        CHECK_INT(info.last_agent_line, 1);
        line = contract_line(9, "late"); /* of the first attempt */
        CHECK_OK(f.logs->ops->append(f.logs, RUN, STEP, &line, 1, NULL));
        info = info_of(f.logs, RUN, STEP);
        CHECK_INT(info.lines, 4);
        CHECK_INT(info.last_attempt, 2);
        CHECK_INT(info.last_agent_line, 1);
    }
    end(&f);
}

void gaps_count_what_they_stand_for(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_log_line gap = contract_line(3, "lost");
        gap.stream = ARC_LOG_SYSTEM;
        gap.flags = ARC_LOG_FLAG_GAP;
        gap.gap_lines = 10;
        CHECK_OK(f.logs->ops->append(f.logs, RUN, STEP, &gap, 1, NULL));
        CHECK_INT(gap.number, 1);
        struct arc_log_info info = info_of(f.logs, RUN, STEP);
        CHECK_INT(info.lines, 1);
        CHECK_INT(info.last_agent_line, 12);
        gap.gap_lines = INT64_MAX;
        gap.number = 0;
        CHECK_OK(f.logs->ops->append(f.logs, RUN, STEP, &gap, 1, NULL));
        CHECK_INT(info_of(f.logs, RUN, STEP).last_agent_line, INT64_MAX);
    }
    end(&f);
}

/* --- reading --------------------------------------------------------------------------------- */

void ranges_are_read(void)
{
    struct fixture f;
    if (begin(&f)) {
        enum { COUNT = 700 };
        CHECK_OK(contract_append(f.logs, "01RUN", "01STEP", 1, COUNT, NULL));
        static const int64_t froms[] = {INT64_MIN, 0,   1,         2,     255,       256,
                                        257,       512, COUNT - 1, COUNT, COUNT + 1, INT64_MAX};
        static const size_t limits[] = {0, 1, 2, 255, 256, 257, 512, 513, COUNT, SIZE_MAX};
        for (size_t i = 0; i < ARC_COUNT_OF(froms); i++) {
            for (size_t j = 0; j < ARC_COUNT_OF(limits); j++) {
                int64_t first = froms[i] < 1 ? 1 : froms[i];
                int64_t want = first > COUNT ? 0 : COUNT - first + 1;
                if (limits[j] < (size_t)want)
                    want = (int64_t)limits[j];
                struct got got = read_from(&f, RUN, STEP, froms[i], limits[j], SIZE_MAX);
                CHECK_INT(got.count, want);
                if (got.count > 0) {
                    CHECK_INT(got.lines[0].number, first);
                    CHECK_INT(got.lines[got.count - 1].agent_line, first + want - 1);
                }
            }
            arc__arena_reset(&f.arena);
        }
    }
    end(&f);
}

void bytes_bound_a_read(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_log_line lines[20];
        for (int i = 0; i < 20; i++)
            lines[i] = contract_line(i + 1, "0123456789");
        CHECK_OK(f.logs->ops->append(f.logs, RUN, STEP, lines, 20, NULL));
        CHECK_INT(read_from(&f, RUN, STEP, 1, 99, 0).count, 1);
        CHECK_INT(read_from(&f, RUN, STEP, 1, 99, 10).count, 1);
        CHECK_INT(read_from(&f, RUN, STEP, 1, 99, 19).count, 1);
        CHECK_INT(read_from(&f, RUN, STEP, 1, 99, 20).count, 2);
        CHECK_INT(read_from(&f, RUN, STEP, 5, 99, 55).count, 5);
        CHECK_INT(read_from(&f, RUN, STEP, 1, 3, 55).count, 3);
        CHECK_INT(read_from(&f, RUN, STEP, 1, 99, 200).count, 20);
        CHECK_INT(read_from(&f, RUN, STEP, 1, 0, 200).count, 0);
        CHECK_INT(read_from(&f, RUN, STEP, 21, 99, 0).count, 0);
    }
    end(&f);
}

void long_and_empty_lines(void)
{
    struct fixture f;
    char *text = malloc(ARC_LOG_LINE_MAX + 1);
    if (begin(&f) && text != NULL) {
        memset(text, 'x', ARC_LOG_LINE_MAX + 1);
        struct arc_log_line lines[] = {contract_line(1, ""), contract_line(2, NULL),
                                       contract_line(3, NULL), contract_line(4, "short")};
        lines[2].content = arc__slice(text, ARC_LOG_LINE_MAX);
        CHECK_OK(f.logs->ops->append(f.logs, RUN, STEP, lines, 4, NULL));
        struct got got = read_from(&f, RUN, STEP, 1, 9, SIZE_MAX);
        CHECK_INT(got.count, 4);
        for (size_t i = 0; i < got.count; i++)
            CHECK(same_line(&got.lines[i], &lines[i]));
        lines[1].content = arc__slice(text, ARC_LOG_LINE_MAX + 1);
        CHECK_STATUS(f.logs->ops->append(f.logs, RUN, STEP, lines, 4, NULL), ARC_ELIMIT);
        CHECK_INT(info_of(f.logs, RUN, STEP).lines, 4);
        enum { MANY = ARC_LOGS_APPEND_MAX_BYTES / ARC_LOG_LINE_MAX + 1 };
        struct arc_log_line *many = calloc(MANY, sizeof(*many));
        for (size_t i = 0; many != NULL && i < MANY; i++) {
            many[i] = contract_line(1, NULL);
            many[i].content = arc__slice(text, ARC_LOG_LINE_MAX);
        }
        CHECK_STATUS(f.logs->ops->append(f.logs, RUN, STEP, many, MANY, NULL), ARC_ELIMIT);
        CHECK_INT(info_of(f.logs, RUN, STEP).lines, 4);
        free(many);
    }
    free(text);
    end(&f);
}

/* --- refusals -------------------------------------------------------------------------------- */

void bad_ids_are_refused(void)
{
    static const arc_slice bad[] = {{NULL, 0},       {".", 1},       {"..", 2},   {"a/b", 3},
                                    {"/", 1},        {"../../x", 7}, {"a\0b", 3}, {"a b", 3},
                                    {"\xc3\xa4", 2}, {"a\n", 2},     {"a\\b", 3}, {"%2e", 3}};
    struct fixture f;
    if (begin(&f)) {
        char text[ARC_LOGS_ID_MAX + 1];
        memset(text, 'x', sizeof(text));
        struct arc_log_line line = contract_line(1, "x"), *lines = NULL;
        struct arc_log_info info;
        size_t count = 77;
        for (size_t i = 0; i <= ARC_COUNT_OF(bad); i++) {
            arc_slice id = i < ARC_COUNT_OF(bad) ? bad[i] : arc__slice(text, sizeof(text));
            for (int swap = 0; swap < 2; swap++) {
                arc_slice run = swap ? id : RUN, step = swap ? STEP : id;
                CHECK_STATUS(f.logs->ops->append(f.logs, run, step, &line, 1, NULL), ARC_EINVAL);
                CHECK_STATUS(f.logs->ops->info(f.logs, run, step, &info, NULL), ARC_EINVAL);
                CHECK_STATUS(
                    f.logs->ops->read(f.logs, run, step, 1, 1, 1, &f.arena, &lines, &count, NULL),
                    ARC_EINVAL);
                f.logs->ops->release(f.logs, run, step);
            }
            CHECK_STATUS(f.logs->ops->remove_run(f.logs, id, NULL), ARC_EINVAL);
        }
        CHECK_INT(count, 77);
        CHECK_INT(line.number, 0);
        text[ARC_LOGS_ID_MAX] = '\0';
        CHECK_OK(contract_append(f.logs, text, text, 1, 2, NULL));
        contract_check_lines(f.logs, text, text, 2);
    }
    end(&f);
}

/* Who knows what a log holds appends to that and to nothing else. */
void an_append_names_its_place(void)
{
    struct fixture f;
    if (begin(&f)) {
        static const struct {
            int64_t number, lines; /* held afterwards */
        } tries[] = {{2, 0}, {1, 2}, {1, 2}, {2, 2}, {4, 2}, {INT64_MAX, 2}, {3, 4}};
        int64_t held = 0;
        for (size_t i = 0; i < ARC_COUNT_OF(tries); i++) {
            struct arc_log_line lines[] = {
                contract_line(held + 1, held == 0 ? "line 1" : "line 3"),
                contract_line(held + 2, held == 0 ? "line 2" : "line 4")};
            lines[0].number = tries[i].number;
            CHECK_STATUS(f.logs->ops->append(f.logs, RUN, STEP, lines, 2, NULL),
                         tries[i].lines > held ? ARC_OK : ARC_ECONFLICT);
            held = tries[i].lines;
            CHECK_INT(info_of(f.logs, RUN, STEP).lines, held);
        }
        contract_check_lines(f.logs, "01RUN", "01STEP", 4);
    }
    end(&f);
}

void bad_lines_are_refused(void)
{
    struct fixture f;
    if (begin(&f)) {
        struct arc_log_line good = contract_line(1, "good");
        for (int i = 0; i < 6; i++) {
            struct arc_log_line bad = contract_line(2, "bad");
            if (i == 0)
                bad.stream = 0;
            else if (i == 1)
                bad.stream = ARC_LOG_SYSTEM + 1;
            else if (i == 2)
                bad.agent_line = -1;
            else if (i == 3)
                bad.gap_lines = -1;
            else if (i == 4)
                bad.flags = 1u << 16;
            else
                bad.content = (arc_slice){NULL, 3};
            struct arc_log_line lines[] = {good, bad};
            CHECK_STATUS(f.logs->ops->append(f.logs, RUN, STEP, lines, 2, NULL), ARC_EINVAL);
            CHECK_INT(lines[0].number, 0);
        }
        CHECK_STATUS(f.logs->ops->append(f.logs, RUN, STEP, NULL, 1, NULL), ARC_EINVAL);
        CHECK_INT(info_of(f.logs, RUN, STEP).lines, 0);
    }
    end(&f);
}

/* --- lives ----------------------------------------------------------------------------------- */

void reading_while_appending(void)
{
    struct fixture f;
    if (begin(&f)) {
        int64_t written = 0, seen = 0;
        for (int round = 0; round < 400; round++) {
            size_t count = (size_t)(round % 5) + 1;
            CHECK_OK(contract_append(f.logs, "01RUN", "01STEP", written + 1, count, NULL));
            written += (int64_t)count;
            if (round % 3 != 0)
                continue;
            struct got got = read_from(&f, RUN, STEP, seen + 1, 7, SIZE_MAX); /* falls behind */
            for (size_t i = 0; i < got.count; i++)
                CHECK_INT(got.lines[i].agent_line, seen + 1 + (int64_t)i);
            seen += (int64_t)got.count;
            CHECK_INT(read_from(&f, RUN, STEP, written + 1, 7, SIZE_MAX).count, 0);
            struct got tail = read_from(&f, RUN, STEP, written, 7, SIZE_MAX);
            CHECK_INT(tail.count, 1);
            arc__arena_reset(&f.arena);
        }
        contract_check_lines(f.logs, "01RUN", "01STEP", written);
    }
    end(&f);
}

void released_steps_go_on(void)
{
    struct fixture f;
    if (begin(&f)) {
        for (int64_t i = 0; i < 10; i++) {
            CHECK_OK(contract_append(f.logs, "01RUN", "01STEP", i * 3 + 1, 3, NULL));
            f.logs->ops->release(f.logs, RUN, STEP);
            contract_check_lines(f.logs, "01RUN", "01STEP", i * 3 + 3);
            f.logs->ops->release(f.logs, RUN, STEP);
            f.logs->ops->release(f.logs, RUN, STEP); /* twice is fine */
        }
    }
    end(&f);
}

void runs_are_removed(void)
{
    struct fixture f;
    if (begin(&f)) {
        static const char *const runs[] = {"r", "r1", "R"};
        for (size_t i = 0; i < 3; i++) {
            CHECK_OK(contract_append(f.logs, runs[i], "a", 1, 3, NULL));
            CHECK_OK(contract_append(f.logs, runs[i], "b", 1, 4, NULL));
        }
        f.logs->ops->release(f.logs, ARC_LIT("r"), ARC_LIT("b"));
        CHECK_OK(f.logs->ops->remove_run(f.logs, ARC_LIT("r"), NULL));
        CHECK_OK(f.logs->ops->remove_run(f.logs, ARC_LIT("r"), NULL));
        CHECK_INT(info_of(f.logs, ARC_LIT("r"), ARC_LIT("a")).lines, 0);
        CHECK_INT(info_of(f.logs, ARC_LIT("r"), ARC_LIT("b")).lines, 0);
        for (size_t i = 1; i < 3; i++) {
            contract_check_lines(f.logs, runs[i], "a", 3);
            contract_check_lines(f.logs, runs[i], "b", 4);
        }
        CHECK_OK(contract_append(f.logs, "r", "a", 1, 2, NULL));
        contract_check_lines(f.logs, "r", "a", 2);
    }
    end(&f);
}

/* One step's lines as they should be; contents are pieces of one constant text. */
struct plain {
    struct arc_log_line lines[20000];
    size_t count;
};

static uint64_t next(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random >> 11;
}

static void append_random(struct fixture *f, struct plain *plain, arc_slice step, uint64_t *random,
                          const char *text, size_t text_len)
{
    struct arc_log_line lines[40];
    size_t count = next(random) % 40 + 1;
    if (plain->count + count > ARC_COUNT_OF(plain->lines))
        return;
    for (size_t i = 0; i < count; i++) {
        size_t len = next(random) % (next(random) % 10 == 0 ? text_len : 120);
        lines[i] = (struct arc_log_line){
            .time_ns = (int64_t)next(random),
            .agent_line = (int64_t)(next(random) % 100),
            .attempt = (uint32_t)(plain->count / 500 + 1),
            .stream = (uint32_t)(next(random) % 3 + 1),
            .flags = (uint32_t)(next(random) % 8),
            .gap_lines = (int64_t)(next(random) % 4),
            .content = arc__slice(text + next(random) % (text_len - len + 1), len),
        };
        plain->lines[plain->count + i] = lines[i];
        plain->lines[plain->count + i].number = (int64_t)(plain->count + i) + 1;
    }
    CHECK_OK(f->logs->ops->append(f->logs, RUN, step, lines, count, NULL));
    plain->count += count;
}

static void read_random(struct fixture *f, const struct plain *plain, arc_slice step,
                        uint64_t *random)
{
    size_t from = next(random) % (plain->count + 3) + 1, limit = next(random) % 600;
    size_t bytes = next(random) % 20000, want = 0, sum = 0, wrong = 0;
    while (from - 1 + want < plain->count && want < limit) {
        size_t len = plain->lines[from - 1 + want].content.len;
        if (want > 0 && sum + len > bytes)
            break;
        sum += len;
        want++;
    }
    struct got got = read_from(f, RUN, step, (int64_t)from, limit, bytes);
    CHECK_INT(got.count, want);
    for (size_t i = 0; i < got.count && i < want; i++)
        wrong += !same_line(&got.lines[i], &plain->lines[from - 1 + i]);
    CHECK_INT(wrong, 0);
    arc__arena_reset(&f->arena);
}

void random_appends_agree(void)
{
    enum { STEPS = 5, TEXT = 9000 };
    static const char *const names[STEPS] = {"s0", "s1", "s2", "s3", "s4"};
    char *text = malloc(TEXT);
    for (uint64_t seed = 1; seed <= 3 && text != NULL; seed++) {
        struct fixture f;
        struct plain *plains = calloc(STEPS, sizeof(*plains));
        uint64_t random = seed * 0x9e3779b97f4a7c15u;
        unsigned before = CU_get_number_of_failures();
        for (size_t i = 0; i < TEXT; i++)
            text[i] = (char)('!' + next(&random) % 90);
        if (begin(&f) && plains != NULL) {
            for (int step = 0; step < 1500; step++) {
                size_t at = next(&random) % STEPS;
                arc_slice name = arc__slice_cstr(names[at]);
                if (next(&random) % 2 == 0)
                    append_random(&f, &plains[at], name, &random, text, TEXT);
                else
                    read_random(&f, &plains[at], name, &random);
                if (next(&random) % 50 == 0)
                    f.logs->ops->release(f.logs, RUN, name);
            }
        }
        if (CU_get_number_of_failures() != before)
            printf("# seed %llu\n", (unsigned long long)seed);
        free(plains);
        end(&f);
    }
    free(text);
}

/* --- memory ---------------------------------------------------------------------------------- */

void an_arena_is_a_limit(void)
{
    struct fixture f;
    if (begin(&f)) {
        CHECK_OK(contract_append(f.logs, "01RUN", "01STEP", 1, 100, NULL));
        for (size_t size = 0; size < 4000; size += 500) {
            struct arc_arena arena;
            struct arc_log_line *lines = NULL;
            size_t count = 77;
            arc__arena_init(&arena, &f.mem, size);
            CHECK_STATUS(f.logs->ops->read(f.logs, RUN, STEP, 1, 100, SIZE_MAX, &arena, &lines,
                                           &count, NULL),
                         ARC_ENOMEM);
            CHECK_INT(count, 77);
            arc__arena_deinit(&arena);
        }
        contract_check_lines(f.logs, "01RUN", "01STEP", 100);
    }
    end(&f);
}

static arc_status torture_life(struct arc_log_store *logs, struct arc_arena *arena)
{
    struct arc_log_line lines[12], *got = NULL;
    struct arc_log_info info = {.lines = 0};
    size_t count = 0;
    for (int64_t i = 0; i < 12; i++)
        lines[i] = contract_line(i + 1, "a line of the torture");
    ARC_TRY(logs->ops->append(logs, RUN, STEP, lines, 12, NULL));
    ARC_TRY(logs->ops->info(logs, RUN, STEP, &info, NULL));
    ARC_TRY(logs->ops->read(logs, RUN, STEP, 1, 12, 1000, arena, &got, &count, NULL));
    lines[0].number = 0;
    ARC_TRY(logs->ops->append(logs, RUN, ARC_LIT("two"), lines, 12, NULL));
    return logs->ops->remove_run(logs, ARC_LIT("other"), NULL);
}

/* 1: no allocation failed any more. */
static int torture(uint64_t fail_at, int sticky)
{
    struct test_mem state = {.fail_at = fail_at, .sticky = sticky};
    struct arc_mem mem = test_mem(&state);
    struct arc_arena arena;
    arc_err err = ARC_ERR_INIT;
    arc__arena_init(&arena, &mem, 1 << 20);
    struct arc_log_store *logs = contract_open(&mem, &err);
    arc_status status = logs != NULL ? torture_life(logs, &arena) : err.status;
    int done = state.calls < fail_at;
    CHECK_STATUS(status, done ? ARC_OK : ARC_ENOMEM);
    state.fail_at = 0;
    if (logs != NULL) {
        int64_t lines = info_of(logs, RUN, STEP).lines;
        int64_t others = info_of(logs, RUN, ARC_LIT("two")).lines;
        CHECK((lines == 0 || lines == 12) && (others == 0 || (others == 12 && lines == 12)));
        CHECK_OK(torture_life(logs, &arena));
        CHECK_INT(info_of(logs, RUN, STEP).lines, lines + 12);
        contract_close(logs);
    }
    arc__arena_deinit(&arena);
    CHECK_INT(state.live, 0);
    return done;
}

void memory_runs_out(void)
{
    for (int sticky = 0; sticky < 2; sticky++) {
        uint64_t at = 1;
        while (at < 10000 && !torture(at, sticky))
            at++;
        CHECK(at > 5 && at < 10000);
    }
}
