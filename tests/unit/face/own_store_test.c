/* SPDX-License-Identifier: Apache-2.0 */
/* A control plane on a store that the host brings. */
#include "face.h"

#include <poll.h>

#include "store/host.h"
#include "store/mem.h"

/* A store as a host writes one: it passes on, and counts what must happen once. */
struct own {
    struct arc_store base;
    struct arc_store_ops ops;
    struct arc_store *under;
    int commits, closed, watched, full;
};

static struct own *own_of(struct arc_store *store)
{
    return (struct own *)(void *)store;
}

static arc_status own_commit(struct arc_store *store, const struct arc_store_batch *batch,
                             arc_commit_done done, void *user, arc_err *err)
{
    struct arc_store *under = own_of(store)->under;
    own_of(store)->commits++;
    return under->ops->commit(under, batch, done, user, err);
}

static arc_status own_query(struct arc_store *store, const struct arc_query *query,
                            struct arc_arena *arena, arc_query_done done, void *user, arc_err *err)
{
    struct arc_store *under = own_of(store)->under;
    return under->ops->query(under, query, arena, done, user, err);
}

static int own_silent(struct arc_store *store)
{
    (void)store;
    return -1;
}

static arc_status own_dispatch(struct arc_store *store, arc_err *err)
{
    struct arc_store *under = own_of(store)->under;
    return under->ops->dispatch(under, err);
}

static arc_status own_health(struct arc_store *store, arc_err *err)
{
    return own_of(store)->full ? arc__fail(err, ARC_ELIMIT, ARC_STORE_FULL, "It is full.") : ARC_OK;
}

static void own_close(struct arc_store *store)
{
    struct own *own = own_of(store);
    if (own->under != NULL)
        own->under->ops->close(own->under);
    own->under = NULL;
    own->closed++;
}

static void own_watch(struct arc_store *store, arc_store_changed changed, void *user)
{
    (void)changed;
    (void)user;
    own_of(store)->watched++;
}

static void own_init(struct own *own)
{
    struct arc_mem mem = arc__mem_default();
    memset(own, 0, sizeof(*own));
    own->base.ops = &own->ops;
    own->ops = (struct arc_store_ops){.size = sizeof(own->ops),
                                      .cols_all = ARC_COLS_ALL,
                                      .commit = own_commit,
                                      .query = own_query,
                                      .fd = own_silent,
                                      .timeout_ms = own_silent,
                                      .dispatch = own_dispatch,
                                      .health = own_health,
                                      .close = own_close};
    CHECK_OK(arc__store_mem_open(&mem, &own->under, NULL));
}

static arc_status greet(void *user, const arc_step_view *step, arc_err *err)
{
    return arc_step_end(user, step->token, ARC_STEP_SUCCESS, 0, NULL, err);
}

static void a_run_lives_on_it(void)
{
    struct own own;
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    arc_ctl *ctl = NULL;
    char run[ARC_ID_SIZE] = "";
    own_init(&own);
    options.store = &own.base;
    if (!CHECK_OK(arc_ctl_open(&options, &ctl, &err)))
        return;
    arc_executor executor = {sizeof(executor), greet, NULL, ctl};
    arc_spec *spec = parse("namespace: n\njobs: [{name: a, steps: [{name: s, uses: say}]}]");
    CHECK_OK(arc_ctl_executor(ctl, "say", &executor, &err));
    CHECK_OK(arc_run_start(ctl, spec, NULL, run, &err));
    for (int i = 0; i < 1000 && !arc_run_state_is_terminal(arc_run_get_status(ctl, run)); i++) {
        CHECK_OK(arc_ctl_dispatch(ctl, 0, &err));
        (void)poll(&(struct pollfd){arc_ctl_fd(ctl), POLLIN, 0}, 1,
                   arc_ctl_timeout_ms(ctl) == 0 ? 0 : 1);
    }
    CHECK_INT(arc_run_get_status(ctl, run), ARC_RUN_SUCCESS);
    CHECK(own.commits > 0);
    /* What it says of its health is what is heard. */
    CHECK_OK(arc_ctl_health(ctl, &err));
    own.full = 1;
    CHECK_STATUS(arc_ctl_health(ctl, &err), ARC_ELIMIT);
    CHECK_TEXT(arc__slice_cstr(err.subject), ARC_STORE_FULL);
    CHECK_INT(own.closed, 0);
    arc_spec_unref(spec);
    arc_ctl_close(ctl);
    CHECK_INT(own.closed, 1);
}

static void refused(struct own *own, const char *url, arc_status want, const char *subject)
{
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    arc_ctl *ctl = NULL;
    options.store = &own->base;
    options.store_url = url;
    CHECK_STATUS(arc_ctl_open(&options, &ctl, &err), want);
    CHECK_TEXT(arc__slice_cstr(err.subject), subject);
    CHECK(ctl == NULL);
    CHECK_INT(own->closed, 1);
}

static void what_is_no_store_is_refused_and_closed(void)
{
    struct own own;
    own_init(&own);
    own.ops.query = NULL;
    refused(&own, NULL, ARC_EINVAL, "store");
    own_init(&own);
    own.ops.cols_all--;
    refused(&own, NULL, ARC_EPRECONDITION, "store");
    own_init(&own);
    refused(&own, "mem:", ARC_EINVAL, "store_url");
    own_init(&own);
    own.ops.cols_all = 0; /* it looks at the tables as they are */
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_ctl *ctl = NULL;
    options.store = &own.base;
    CHECK_OK(arc_ctl_open(&options, &ctl, NULL));
    arc_ctl_close(ctl);
    CHECK_INT(own.closed, 1);
    /* One without a table of slots cannot even be closed. */
    own_init(&own);
    own.ops.size = 8;
    CHECK_STATUS(arc_ctl_open(&options, &ctl, NULL), ARC_EINVAL);
    CHECK_INT(own.closed, 0);
    own_close(&own.base);
    /* Whoever gives no place for the control plane gives the store all the same. */
    own_init(&own);
    CHECK_STATUS(arc_ctl_open(&options, NULL, NULL), ARC_EINVAL);
    CHECK_INT(own.closed, 1);
    /* Wrong options of another kind. */
    own_init(&own);
    arc_env env = {0, NULL, NULL, NULL, NULL, NULL, NULL};
    options.env = &env;
    CHECK_STATUS(arc_ctl_open(&options, &ctl, NULL), ARC_EINVAL);
    CHECK_INT(own.closed, 1);
}

static void an_older_store_is_not_asked_what_it_does_not_know(void)
{
    struct own own;
    struct arc_mem mem = arc__mem_default();
    struct arc_store *seen = NULL;
    own_init(&own);
    own.ops.watch = own_watch; /* bytes behind its struct, that are not its */
    own.ops.size = offsetof(struct arc_store_ops, watch);
    if (CHECK_OK(arc__store_host_open(&mem, &own.base, &seen, NULL))) {
        CHECK(seen->ops->watch == NULL);
        seen->ops->close(seen);
    }
    own_init(&own);
    own.ops.watch = own_watch;
    if (CHECK_OK(arc__store_host_open(&mem, &own.base, &seen, NULL))) {
        CHECK_INT(seen->ops->size, sizeof(struct arc_store_ops));
        seen->ops->watch(seen, NULL, NULL);
        CHECK_INT(own.watched, 1);
        seen->ops->close(seen);
    }
    CHECK_INT(own.closed, 1);
}

/* --- claims ---------------------------------------------------------------------------------- */

struct taken {
    int done;
    arc_status status;
    size_t count;
    char first;
};

static void on_taken(void *user, arc_status status, const struct arc_rows *rows, const arc_err *err)
{
    struct taken *taken = user;
    taken->done++;
    taken->status = status;
    CHECK(status == ARC_OK ? rows != NULL : rows == NULL && err->message[0] != '\0');
    taken->count = rows != NULL ? rows->count : 0;
    taken->first = taken->count > 0 ? ((const struct arc_row_outbox *)rows->rows)->id.ptr[0] : '-';
}

static struct taken take(struct arc_store *store, int64_t now_ns, size_t max_bytes, arc_status want)
{
    struct arc_claim claim = {.table = ARC_TABLE_outbox,
                              .by_col = ARC_COL_outbox_claimed_by,
                              .until_col = ARC_COL_outbox_claimed_until_ns,
                              .by = ARC_LIT("me"),
                              .now_ns = now_ns,
                              .until_ns = now_ns < INT64_MAX - 10 ? now_ns + 10 : now_ns,
                              .limit = 2};
    struct taken taken = {0, ARC_OK, 0, '-'};
    arc_arena *arena = NULL;
    CHECK_OK(arc_arena_new(NULL, max_bytes, &arena, NULL));
    CHECK_STATUS(store->ops->claim(store, &claim, arena, on_taken, &taken, NULL), want);
    CHECK_INT(taken.done, want == ARC_OK);
    arc_arena_free(arena);
    return taken;
}

static void on_put(void *user, arc_status status, int64_t shift, const arc_err *err)
{
    (void)user;
    (void)shift;
    (void)err;
    CHECK_OK(status);
}

static void rows_are_taken_where_a_store_cannot(void)
{
    static const char *const ids[] = {"c", "a", "b"};
    struct own own;
    struct arc_mem mem = arc__mem_default();
    struct arc_store *seen = NULL;
    own_init(&own);
    if (!CHECK_OK(arc__store_host_open(&mem, &own.base, &seen, NULL)))
        return;
    CHECK_INT(take(seen, 5, 1 << 16, ARC_OK).count, 0);
    for (size_t i = 0; i < 3; i++) {
        struct arc_row_outbox row = {.id = arc__slice_cstr(ids[i])};
        struct arc_store_op op = {ARC_STORE_INSERT, ARC_TABLE_outbox, &row, 0};
        struct arc_store_batch batch = {&op, 1, 0};
        CHECK_OK(seen->ops->commit(seen, &batch, on_put, NULL, NULL));
    }
    CHECK_STATUS(take(seen, 5, 100, ARC_OK).status, ARC_ELIMIT); /* and takes nothing */
    struct taken first = take(seen, 5, 1 << 16, ARC_OK);
    CHECK_INT(first.count, 2);
    CHECK_INT(first.first, 'a');
    CHECK_INT(take(seen, 14, 1 << 16, ARC_OK).first, 'c');
    CHECK_INT(take(seen, 14, 1 << 16, ARC_OK).count, 0);
    CHECK_INT(take(seen, 15, 1 << 16, ARC_OK).count, 2); /* the first two are free again */
    CHECK_INT(take(seen, INT64_MAX - 5, 1 << 16, ARC_EINVAL).count, 0);
    seen->ops->close(seen);
}

static arc_status own_claim(struct arc_store *store, const struct arc_claim *claim,
                            struct arc_arena *arena, arc_query_done done, void *user, arc_err *err)
{
    (void)store;
    (void)claim;
    (void)arena;
    (void)done;
    (void)user;
    return arc__fail(err, ARC_EUNAVAILABLE, "store", "It is away.");
}

static void a_store_that_can_take_rows_is_asked(void)
{
    struct own own;
    struct arc_mem mem = arc__mem_default();
    struct arc_store *seen = NULL;
    own_init(&own);
    own.ops.claim = own_claim;
    if (!CHECK_OK(arc__store_host_open(&mem, &own.base, &seen, NULL)))
        return;
    CHECK_INT(take(seen, 5, 1 << 16, ARC_EUNAVAILABLE).count, 0);
    seen->ops->close(seen);
}

/* --- openings that fail ---------------------------------------------------------------------- */

static int open_and_close(struct test_mem *state)
{
    struct own own;
    struct given given = {0};
    arc_env env = given_env(&given);
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_ctl *ctl = NULL;
    own_init(&own);
    given.mem = *state;
    options.env = &env;
    options.store = &own.base;
    arc_status status = arc_ctl_open(&options, &ctl, NULL);
    CHECK(status == ARC_OK || status == ARC_ENOMEM);
    CHECK_INT(own.closed, status != ARC_OK);
    arc_ctl_close(ctl);
    CHECK_INT(own.closed, 1);
    *state = given.mem;
    return status == ARC_OK;
}

static void a_failed_opening_closes_it_once(void)
{
    test_torture(open_and_close, 0, 5000);
    test_torture(open_and_close, 1, 5000);
}

static void what_stores_share_is_public(void)
{
    arc_arena *arena = NULL;
    arc_err err = ARC_ERR_INIT;
    void *taken = NULL;
    CHECK_TEXT(arc__slice_cstr(arc_table_get(ARC_TABLE_event)->name), "event");
    CHECK(arc_table_get(ARC_TABLE_COUNT) == NULL);
    CHECK(arc_listing_get(0) != NULL && arc_listing_get(1000) == NULL);
    CHECK_OK(arc_arena_new(NULL, 64, &arena, &err));
    CHECK_OK(arc_arena_take(arena, 40, &taken, &err));
    CHECK_STATUS(arc_arena_take(arena, 40, &taken, &err), ARC_ELIMIT);
    arc_arena_reset(arena);
    CHECK_OK(arc_arena_take(arena, 40, &taken, &err));
    arc_arena_free(arena);
    arc_arena_free(NULL);
    struct arc_row_counter row = {ARC_LIT("n"), 1};
    struct arc_store_op op = {ARC_STORE_PUT, ARC_TABLE_counter, &row, 0};
    struct arc_store_batch batch = {&op, 1, 0};
    struct arc_query query = {.table = ARC_TABLE_counter, .order_col = -1};
    CHECK_OK(arc_batch_check(&batch, &err));
    CHECK_OK(arc_query_check(&query, &err));
    CHECK_STATUS(arc_batch_conflict(&op, &err), ARC_ECONFLICT);
    CHECK_TEXT(arc__slice_cstr(err.subject), "counter");
    op.table = ARC_TABLE_COUNT;
    query.table = ARC_TABLE_COUNT;
    CHECK_STATUS(arc_batch_check(&batch, &err), ARC_EINVAL);
    CHECK_STATUS(arc_query_check(&query, &err), ARC_EINVAL);
    CHECK_STATUS(arc_batch_conflict(&op, &err), ARC_EINVAL);
}

static const struct test tests[] = {
    {"a run lives on a store that the host brings", a_run_lives_on_it},
    {"what is no store is refused, and closed", what_is_no_store_is_refused_and_closed},
    {"an older store is not asked for what it does not know",
     an_older_store_is_not_asked_what_it_does_not_know},
    {"rows are taken for a store that has no slot for it", rows_are_taken_where_a_store_cannot},
    {"a store that can take rows is asked", a_store_that_can_take_rows_is_asked},
    {"an opening that fails anywhere closes the store once", a_failed_opening_closes_it_once},
    {"what stores share has public functions", what_stores_share_is_public},
};
TEST_MAIN(tests)
