/* SPDX-License-Identifier: Apache-2.0 */
/* Running the cases, and what they call. */
#include "suite.h"

#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)256 * 1024 * 1024)

static const struct {
    const char *sentence;
    void (*run)(void);
} cases[] = {
#define ARC_CASE_ROW(name, sentence) {sentence, arc__case_##name},
    STORE_CONTRACT(ARC_CASE_ROW)};

/* The case that runs now. */
static struct {
    arc_store_suite suite;
    int failed, skipped;
} now;

/* --- saying ---------------------------------------------------------------------------------- */

void arc__suite_say(const char *format, ...)
{
    char line[1024];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(line, sizeof(line), format, list);
    va_end(list);
    if (now.suite.say != NULL)
        now.suite.say(now.suite.user, line);
    else
        (void)(puts(line) + fflush(stdout));
}

int arc__suite_check(const char *file, int line, const char *what, int held)
{
    if (!held)
        arc__suite_say("# %s:%d: %s", file, line, what);
    now.failed |= !held;
    return held;
}

int arc__suite_check_status(const char *file, int line, const char *what, arc_status got,
                            arc_status want)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "%s: %s, not %s", what, arc_status_name(got),
                   arc_status_name(want));
    return arc__suite_check(file, line, text, got == want);
}

int arc__suite_check_int(const char *file, int line, const char *what, int64_t got, int64_t want)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "%s: %" PRId64 ", not %" PRId64, what, got, want);
    return arc__suite_check(file, line, text, got == want);
}

int arc__suite_check_text(const char *file, int line, const char *what, arc_slice got,
                          arc_slice want)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "%s: \"%.*s\", not \"%.*s\"", what, (int)got.len,
                   got.ptr != NULL ? got.ptr : "", (int)want.len, want.ptr != NULL ? want.ptr : "");
    return arc__suite_check(file, line, text, same_text(got, want));
}

/* --- memory ---------------------------------------------------------------------------------- */

static void *counted(void *user, void *ptr, size_t size)
{
    struct suite_mem *state = user;
    if (size == 0) {
        state->live -= ptr != NULL;
        free(ptr);
        return NULL;
    }
    state->calls++;
    if (state->fail_at != 0 &&
        (state->calls == state->fail_at || (state->sticky && state->calls > state->fail_at)))
        return NULL;
    void *fresh = realloc(ptr, size);
    state->live += ptr == NULL && fresh != NULL;
    return fresh;
}

arc_env arc__suite_env(struct suite_mem *state)
{
    arc_env env = ARC_ENV_INIT;
    env.user = state;
    env.alloc = counted;
    return env;
}

arc_arena *arc__suite_arena(const arc_env *env, size_t max_bytes)
{
    arc_arena *arena = NULL;
    return arc_arena_new(env, max_bytes, &arena, NULL) == ARC_OK ? arena : NULL;
}

/* --- the store of the case ------------------------------------------------------------------- */

arc_store *arc__suite_open(const arc_env *env, arc_err *err)
{
    static const arc_env own = ARC_ENV_INIT;
    arc_store *store = now.suite.open(now.suite.user, env != NULL ? env : &own, err);
    if (store == NULL && err->status == ARC_OK)
        now.skipped = 1;
    return store;
}

void arc__suite_close(arc_store *store)
{
    now.suite.close(now.suite.user, store);
}

arc_store *arc__suite_again(arc_store *store)
{
    static const arc_env own = ARC_ENV_INIT;
    arc_err err = ARC_ERR_INIT;
    arc_store *fresh = now.suite.again(now.suite.user, store, &own, &err);
    if (!CHECK(fresh != NULL))
        arc__suite_say("# %s: %s", err.subject, err.message);
    return fresh;
}

int arc__suite_lasts(void)
{
    return now.suite.again != NULL;
}

void arc__suite_skip(void)
{
    now.skipped = 1;
}

size_t arc__suite_key_bytes(void)
{
    return now.suite.key_bytes_max != 0 ? now.suite.key_bytes_max : SIZE_MAX;
}

int arc__suite_fails_memory(void)
{
    return !now.suite.own_memory;
}

/* --- calls that are waited for --------------------------------------------------------------- */

struct ended {
    int count;
    arc_status status;
    int64_t shift;
    arc_err err;
    arc_rows rows;
};

static void on_commit(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    struct ended *ended = user;
    ended->count++;
    ended->status = status;
    ended->shift = shift;
    if (err != NULL)
        ended->err = *err;
    CHECK(status == ARC_OK || (err != NULL && err->status == status && err->message[0] != '\0'));
}

static void on_query(void *user, arc_status status, const arc_rows *rows, const arc_err *err)
{
    struct ended *ended = user;
    on_commit(user, status, 0, err);
    if (status == ARC_OK)
        ended->rows = *rows;
}

void arc__suite_round(arc_store *store)
{
    struct pollfd fd = {store->ops->fd(store), POLLIN, 0};
    int wait_ms = store->ops->timeout_ms(store);
    if (wait_ms != 0)
        (void)poll(&fd, fd.fd >= 0, wait_ms < 0 ? 1000 : wait_ms); /* dispatch looks itself */
    CHECK_OK(store->ops->dispatch(store, NULL));
}

static arc_status wait_for(arc_store *store, arc_status status, const struct ended *ended,
                           arc_err *err)
{
    if (status != ARC_OK) {
        CHECK_INT(ended->count, 0);
        return status;
    }
    for (int rounds = 0; ended->count == 0 && rounds < 100000; rounds++)
        arc__suite_round(store);
    CHECK_INT(ended->count, 1);
    if (err != NULL && ended->status != ARC_OK)
        *err = ended->err;
    return ended->status;
}

static arc_status commit_batch(arc_store *store, const arc_store_batch *batch, int64_t *shift,
                               arc_err *err)
{
    struct ended ended = {0, ARC_OK, 0, ARC_ERR_INIT, {NULL, 0, 0}};
    arc_status status = store->ops->commit(store, batch, on_commit, &ended, err);
    status = wait_for(store, status, &ended, err);
    CHECK(ended.shift == 0 || (batch->follow && status == ARC_OK));
    if (shift != NULL && status == ARC_OK)
        *shift = ended.shift;
    return status;
}

/* A copy that ends when the call returns: a store that answers later may not look at it then. */
static arc_status query_once(arc_store *store, const arc_query *query, arc_arena *arena,
                             struct ended *ended, arc_err *err)
{
    size_t count = query->filter_count < ARC_QUERY_FILTERS_MAX ? query->filter_count : 0, size = 0;
    for (size_t i = 0; i < count; i++)
        size += query->filters[i].text.len;
    char *texts = malloc(size + 1), *at = texts;
    arc_query *copy = malloc(sizeof(*copy));
    arc_status status = ARC_ENOMEM;
    if (copy != NULL && texts != NULL) {
        *copy = *query;
        for (size_t i = 0; i < count; i++) {
            arc_slice *text = &copy->filters[i].text;
            if (text->len > 0 && text->ptr != NULL)
                text->ptr = memcpy(at, text->ptr, text->len);
            at += text->len;
        }
        status = store->ops->query(store, copy, arena, on_query, ended, err);
        memset(copy, 0x5a, sizeof(*copy));
        memset(texts, 0x5a, size + 1);
    }
    free(texts);
    free(copy);
    return status;
}

arc_status arc__suite_query(arc_store *store, const arc_query *query, arc_arena *arena,
                            arc_rows *out, arc_err *err)
{
    struct ended ended = {0, ARC_OK, 0, ARC_ERR_INIT, {NULL, 0, 0}};
    arc_status status = query_once(store, query, arena, &ended, err);
    ARC_TRY(wait_for(store, status, &ended, err));
    *out = ended.rows;
    return ARC_OK;
}

arc_status arc__suite_claim(arc_store *store, const arc_claim *claim, arc_arena *arena,
                            arc_rows *out, arc_err *err)
{
    struct ended ended = {0, ARC_OK, 0, ARC_ERR_INIT, {NULL, 0, 0}};
    arc_status status = store->ops->claim(store, claim, arena, on_query, &ended, err);
    ARC_TRY(wait_for(store, status, &ended, err));
    *out = ended.rows;
    return ARC_OK;
}

arc_status arc__suite_commit(arc_store *store, const arc_store_op *ops, size_t count, arc_err *err)
{
    arc_store_batch batch = {ops, count, 0};
    return commit_batch(store, &batch, NULL, err);
}

arc_status arc__suite_follow(arc_store *store, const arc_store_op *ops, size_t count,
                             int64_t *shift, arc_err *err)
{
    arc_store_batch batch = {ops, count, 1};
    return commit_batch(store, &batch, shift, err);
}

int64_t arc__suite_count(arc_store *store, uint32_t table)
{
    arc_query query = {.table = table, .order_col = -1, .limit = 1, .want_total = 1};
    arc_arena *arena = arc__suite_arena(NULL, ARENA_BYTES);
    arc_rows rows = {NULL, 0, -1};
    if (arena == NULL || arc__suite_query(store, &query, arena, &rows, NULL) != ARC_OK)
        rows.total = -1;
    arc_arena_free(arena);
    return rows.total;
}

/* --- running --------------------------------------------------------------------------------- */

size_t arc_store_suite_count(void)
{
    return ARC_COUNT_OF(cases);
}

const char *arc_store_suite_sentence(size_t index)
{
    return index < ARC_COUNT_OF(cases) ? cases[index].sentence : NULL;
}

int arc_store_suite_case(const arc_store_suite *suite, size_t index)
{
    size_t size = suite->size < sizeof(now.suite) ? suite->size : sizeof(now.suite);
    memset(&now, 0, sizeof(now));
    memcpy(&now.suite, suite, size);
    if (index >= ARC_COUNT_OF(cases) || now.suite.open == NULL || now.suite.close == NULL)
        return 0;
    cases[index].run();
    return now.failed ? 0 : now.skipped ? -1 : 1;
}

int arc_store_suite_run(const arc_store_suite *suite, const char *part)
{
    int number = 0, failed = 0;
    for (size_t i = 0; i < ARC_COUNT_OF(cases); i++) {
        if (part != NULL && strstr(cases[i].sentence, part) == NULL)
            continue;
        int held = arc_store_suite_case(suite, i);
        failed += held == 0;
        arc__suite_say("%s %d - %s%s", held != 0 ? "ok" : "not ok", ++number, cases[i].sentence,
                       held < 0 ? " # SKIP" : "");
    }
    arc__suite_say("1..%d", number);
    return failed;
}
