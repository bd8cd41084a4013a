/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "face.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/engine_private.h"
#include "face/ctl_private.h"

static void it_opens_on_memory_with_nothing_given(void)
{
    arc_ctl *ctl = NULL;
    arc_err err = ARC_ERR_INIT;
    CHECK_OK(arc_ctl_open(NULL, &ctl, &err));
    CHECK(arc_ctl_fd(ctl) >= 0);
    CHECK_OK(arc_ctl_dispatch(ctl, 0, &err));
    CHECK_INT(arc_ctl_timeout_ms(ctl), -1);
    CHECK_OK(arc_ctl_health(ctl, &err));
    CHECK(arc_ctl_fault(ctl) == NULL);
    arc_ctl_close(ctl);
}

static void a_wrong_option_is_refused_by_name(void)
{
    static const struct {
        const char *url, *subject;
        arc_status status;
    } rows[] = {{"oracle:x", "store_url", ARC_EINVAL},
                {"sqlite:", "store_url", ARC_EINVAL},
#ifdef ARC_WITH_POSTGRES
                {"postgres://localhost/x", "store_url", ARC_EINVAL}, /* no user */
                {"postgres://a:secret@localhost/x?y=z", "store_url", ARC_EINVAL},
#else
                {"postgres://localhost/x", "store_url", ARC_EUNIMPLEMENTED},
#endif
                {"postgres:x", "store_url", ARC_EINVAL}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
        arc_ctl *ctl = NULL;
        arc_err err = ARC_ERR_INIT;
        options.store_url = rows[i].url;
        CHECK_STATUS(arc_ctl_open(&options, &ctl, &err), rows[i].status);
        CHECK_TEXT(arc__slice_cstr(err.subject), rows[i].subject);
        CHECK(strstr(err.message, "secret") == NULL);
        CHECK(ctl == NULL);
    }
}

static void a_struct_without_its_size_is_refused(void)
{
    arc_ctl_options options;
    arc_ctl *ctl = NULL;
    arc_err err = ARC_ERR_INIT;
    memset(&options, 0, sizeof(options));
    CHECK_STATUS(arc_ctl_open(&options, &ctl, &err), ARC_EINVAL);
    CHECK_TEXT(arc__slice_cstr(err.subject), "options");
}

static void a_longer_struct_is_taken_when_its_tail_is_zero(void)
{
    struct {
        arc_ctl_options known;
        uint64_t later;
    } options = {ARC_CTL_OPTIONS_INIT, 0};
    arc_ctl *ctl = NULL;
    arc_err err = ARC_ERR_INIT;
    options.known.size = sizeof(options);
    CHECK_OK(arc_ctl_open(&options.known, &ctl, &err));
    arc_ctl_close(ctl);
    ctl = NULL;
    options.later = 1;
    CHECK_STATUS(arc_ctl_open(&options.known, &ctl, &err), ARC_EINVAL);
}

static void *wake(void *ctl)
{
    arc_ctl_wake(ctl);
    return NULL;
}

static void another_thread_can_wake_the_loop(void)
{
    arc_ctl *ctl = NULL;
    arc_err err = ARC_ERR_INIT;
    pthread_t thread;
    CHECK_OK(arc_ctl_open(NULL, &ctl, &err));
    struct pollfd fd = {arc_ctl_fd(ctl), POLLIN, 0};
    CHECK_OK(arc_ctl_dispatch(ctl, 0, &err));
    CHECK_INT(poll(&fd, 1, 0), 0);
    if (pthread_create(&thread, NULL, wake, ctl) == 0) {
        CHECK_INT(poll(&fd, 1, 10000), 1);
        (void)pthread_join(thread, NULL);
    }
    CHECK_OK(arc_ctl_dispatch(ctl, 0, &err));
    CHECK_INT(poll(&fd, 1, 0), 0);
    arc_ctl_close(ctl);
}

static void tokens_are_made_and_never_twice_the_same(void)
{
    arc_ctl *ctl = NULL;
    arc_err err = ARC_ERR_INIT;
    char admin[ARC_TOKEN_SIZE], agent[ARC_TOKEN_SIZE];
    CHECK_OK(arc_ctl_open(NULL, &ctl, &err));
    CHECK_OK(arc_ctl_token_new(ctl, "first", ARC_SCOPE_ADMIN, admin, sizeof(admin), &err));
    CHECK_OK(arc_ctl_token_new(ctl, "agents", 0, agent, sizeof(agent), &err));
    CHECK(strncmp(admin, "arct_", 5) == 0 && strlen(admin) == 45);
    CHECK(strncmp(agent, "art_", 4) == 0 && strlen(agent) == 44);
    CHECK(strcmp(admin + 5, agent + 4) != 0);
    arc_ctl_close(ctl);
}

static void a_token_lets_its_bearer_in_and_no_other(void)
{
    arc_ctl *ctl = NULL;
    arc_err err = ARC_ERR_INIT;
    char token[ARC_TOKEN_SIZE];
    CHECK_OK(arc_ctl_open(NULL, &ctl, &err));
    CHECK_OK(arc_ctl_token_new(ctl, "reader", ARC_SCOPE_READ, token, sizeof(token), &err));
    for (int good = 0; good < 2; good++) {
        arc_call_options options = ARC_CALL_OPTIONS_INIT;
        arc_call *call = NULL;
        const char *bytes = NULL;
        size_t len = 0;
        options.token = token;
        token[10] = (char)(token[10] ^ 1); /* off in the first round, on again in the second */
        CHECK_OK(
            arc_call_open(ctl, "pipeline.v1.PipelineService/ListPipelines", &options, &call, &err));
        if (arc_call_send(call, "{}", 2, &err) == ARC_OK)
            CHECK_OK(arc_call_half_close(call, &err));
        CHECK_OK(arc_ctl_dispatch(ctl, 0, &err));
        arc_status status = arc_call_next(call, &bytes, &len, &err);
        CHECK_STATUS(status, good ? ARC_OK : ARC_EDONE);
        CHECK_STATUS(arc_call_status(call, &err), good ? ARC_OK : ARC_EUNAUTHENTICATED);
        arc_call_close(call);
    }
    arc_ctl_close(ctl);
}

static void what_was_stored_is_there_after_a_new_open(void)
{
    char dir[] = "/tmp/arc-ctl-XXXXXX", url[64], cleanup[96];
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_ctl *ctl = NULL, *second = NULL;
    arc_err err = ARC_ERR_INIT;
    char token[ARC_TOKEN_SIZE];
    if (mkdtemp(dir) == NULL) {
        CU_FAIL("mkdtemp");
        return;
    }
    (void)snprintf(url, sizeof(url), "sqlite:%s/a.db", dir);
    options.store_url = url;
    CHECK_OK(arc_ctl_open(&options, &ctl, &err));
    CHECK_OK(arc_ctl_token_new(ctl, "first", ARC_SCOPE_ADMIN, token, sizeof(token), &err));
    CHECK_STATUS(arc_ctl_open(&options, &second, &err), ARC_ECONFLICT);
    arc_ctl_close(ctl);
    CHECK_OK(arc_ctl_open(&options, &ctl, &err));
    arc_call_options call_options = ARC_CALL_OPTIONS_INIT;
    arc_call *call = NULL;
    call_options.token = token;
    CHECK_OK(arc_call_open(ctl, "pipeline.v1.PipelineService/ListPipelines", &call_options, &call,
                           &err));
    CHECK_OK(arc_call_send(call, "{}", 2, &err));
    arc_call_close(call);
    arc_ctl_close(ctl);
    (void)snprintf(cleanup, sizeof(cleanup), "%s/a.db", dir);
    (void)unlink(cleanup);
    (void)snprintf(cleanup, sizeof(cleanup), "%s/a.db.lock", dir);
    (void)unlink(cleanup);
    (void)snprintf(cleanup, sizeof(cleanup), "%s/logs", dir);
    (void)rmdir(cleanup);
    (void)rmdir(dir);
}

/* Opens, makes a token, closes: with the n-th allocation failing, for every n. */
static arc_status life(struct given *given)
{
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_env env = given_env(given);
    arc_ctl *ctl = NULL;
    arc_err err = ARC_ERR_INIT;
    char token[ARC_TOKEN_SIZE];
    options.env = &env;
    arc_status status = arc_ctl_open(&options, &ctl, &err);
    if (status == ARC_OK)
        status = arc_ctl_token_new(ctl, "x", ARC_SCOPE_READ, token, sizeof(token), &err);
    arc_ctl_close(ctl);
    return status;
}

static void no_failed_allocation_leaks_or_crashes_an_open(void)
{
    for (int sticky = 0; sticky < 2; sticky++) {
        arc_status status = ARC_ENOMEM;
        for (uint64_t n = 1; status != ARC_OK && n < 5000; n++) {
            struct given given = {.mem = {.fail_at = n, .sticky = sticky}};
            status = life(&given);
            CHECK_INT(given.mem.live, 0);
            CHECK(status == ARC_OK || status == ARC_ENOMEM || status == ARC_EUNAVAILABLE);
        }
        CHECK_OK(status);
    }
}

/* A clock that stands still, until it has been looked at so often that somebody waits for it. */
struct still {
    struct given given;
    int looks;
};

#define LOOKS_MAX 100

static uint64_t still_now(void *user)
{
    struct still *still = user;
    return still->given.mono_ns + (++still->looks > LOOKS_MAX ? UINT64_C(1000000000000) : 0);
}

/* After each failure the engine would leave the store alone for a while. */
static void a_token_waits_for_no_clock(void)
{
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    struct still still = {0};
    arc_env env = given_env(&still.given);
    arc_ctl *ctl = NULL;
    arc_err err = ARC_ERR_INIT;
    char token[ARC_TOKEN_SIZE];
    int refused = 0;
    env.now_ns = still_now;
    options.env = &env;
    CHECK_OK(arc_ctl_open(&options, &ctl, &err));
    for (uint64_t n = 1; ctl != NULL && n < 500; n++) {
        struct test_mem *mem = &still.given.mem;
        mem->fail_at = mem->calls + n;
        arc_status status = arc_ctl_token_new(ctl, "x", 0, token, sizeof(token), &err);
        int done = mem->calls < mem->fail_at;
        mem->fail_at = 0;
        refused += status != ARC_OK;
        CHECK(status == ARC_OK || status == ARC_ENOMEM || status == ARC_EUNAVAILABLE);
        still.looks = 0;
        CHECK_OK(arc_ctl_token_new(ctl, "x", 0, token, sizeof(token), &err));
        CHECK(still.looks < LOOKS_MAX);
        if (still.looks >= LOOKS_MAX || done)
            break;
    }
    CHECK(refused > 0);
    arc_ctl_close(ctl);
    CHECK_INT(still.given.mem.live, 0);
}

/* Each number of its own, so that no two of them can be taken for each other. */
static void options_reach_the_engine(void)
{
    arc_ctl_options given = ARC_CTL_OPTIONS_INIT;
    arc_ctl *ctl = NULL;
    given.lease_ttl_ms = 1001;
    given.heartbeat_ms = 1002;
    given.stop_grace_ms = 1003;
    given.stop_settle_ms = 1004;
    given.finally_ms = 1005;
    given.lost_retries_max = 1006;
    given.runs_max = 1007;
    given.agents_approved = 2;
    given.retention_max_age_s = 1008;
    given.retention_runs_per_pipeline = 1009;
    given.retention_runs_max = 1010;
    given.replica_lease_ms = 1011;
    given.definition_kept_max = 1012;
    given.leases_kept_max = 1013;
    given.runs_asked_max = 1014;
    if (!CHECK_OK(arc_ctl_open(&given, &ctl, NULL)))
        return;
    const struct arc_engine_options *options = &ctl->engine->options;
    CHECK_INT(options->rules.lease_ttl_ns, 1001000000);
    CHECK_INT(options->heartbeat_ns, 1002000000);
    CHECK_INT(options->rules.stop_grace_ns, 1003000000);
    CHECK_INT(options->rules.stop_settle_ns, 1004000000);
    CHECK_INT(options->rules.finally_ns, 1005000000);
    CHECK_INT(options->rules.lost_retries_max, 1006);
    CHECK_INT(options->runs_max, 1007);
    CHECK_INT(options->agents_approved, 0);
    CHECK_INT(options->retention.max_age_ns, 1008000000000);
    CHECK_INT(options->retention.per_pipeline, 1009);
    CHECK_INT(options->retention.runs, 1010);
    CHECK_INT(options->replica_lease_ns, 1011000000);
    CHECK_INT(options->definition_kept_max, 1012);
    CHECK_INT(options->leases_kept_max, 1013);
    CHECK_INT(options->runs_asked_max, 1014);
    arc_ctl_close(ctl);
    if (!CHECK_OK(arc_ctl_open(NULL, &ctl, NULL)))
        return;
    options = &ctl->engine->options;
    CHECK_INT(options->definition_kept_max, 65536);
    CHECK_INT(options->leases_kept_max, 1000);
    CHECK_INT(options->runs_asked_max, 10000);
    arc_ctl_close(ctl);
}

static const struct test tests[] = {
    {"options reach the engine, and are what is said without", options_reach_the_engine},
    {"it opens on memory with nothing given", it_opens_on_memory_with_nothing_given},
    {"a wrong option is refused by name", a_wrong_option_is_refused_by_name},
    {"a struct without its size is refused", a_struct_without_its_size_is_refused},
    {"a longer struct is taken when its tail is zero",
     a_longer_struct_is_taken_when_its_tail_is_zero},
    {"another thread can wake the loop", another_thread_can_wake_the_loop},
    {"tokens are made, and never twice the same", tokens_are_made_and_never_twice_the_same},
    {"a token lets its bearer in, and no other", a_token_lets_its_bearer_in_and_no_other},
    {"what was stored is there after a new open", what_was_stored_is_there_after_a_new_open},
    {"no failed allocation leaks or crashes an open",
     no_failed_allocation_leaks_or_crashes_an_open},
    {"a token waits for the store alone, not for the clock", a_token_waits_for_no_clock},
};
TEST_MAIN(tests)
