/* SPDX-License-Identifier: Apache-2.0 */
/* What a host asks by the id of a run, where another process may be its home: two control planes on
 * one database, each with its own connections. */
#include "face.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>

#include "../store/pg_server.h"

#define WAIT_S 60

static const char held[] = "namespace: t\njobs: [{name: a, steps: [{name: s, uses: far}]}]\n";
static const char gated[] = "namespace: t\nstages:\n- name: ship\n  approval: {approvers: [ann]}\n"
                            "  jobs: [{name: a, steps: [{name: s, uses: do}]}]\n";
static const char grouped[] = "namespace: t\nconcurrency: lab\n"
                              "jobs: [{name: a, steps: [{name: s, uses: do}]}]\n";

struct side {
    arc_ctl *ctl;
    char warned[1024]; /* what it said to its log, of runs */
};

struct beside {
    struct side side[2];
};

static void keep_warning(void *user, int level, const char *scope, const char *text)
{
    struct side *side = user;
    if (level == ARC_LOG_WARN && strcmp(scope, "run") == 0)
        (void)snprintf(side->warned, sizeof(side->warned), "%s", text);
}

static arc_status do_at_once(void *user, const arc_step_view *step, arc_err *err)
{
    struct side *side = user;
    return arc_step_end(side->ctl, step->token, ARC_STEP_SUCCESS, 0, NULL, err);
}

static int side_open(struct side *side, const char *url, const char *name)
{
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_executor executor = ARC_EXECUTOR_INIT;
    const arc_env env = {.size = sizeof(env), .user = side, .log = keep_warning};
    arc_err err = ARC_ERR_INIT;
    options.store_url = url;
    options.store_shared = 1;
    options.replica_name = name;
    options.env = &env;
    executor.start = do_at_once;
    executor.user = side;
    return CHECK_OK(arc_ctl_open(&options, &side->ctl, &err)) &&
           CHECK_OK(arc_ctl_executor(side->ctl, "do", &executor, &err));
}

static void beside_close(struct beside *b)
{
    for (int i = 0; i < 2; i++)
        arc_ctl_close(b->side[i].ctl);
}

static int beside_open(struct beside *b)
{
    char url[160];
    struct pg_server *server = pg_server_get();
    memset(b, 0, sizeof(*b));
    if (server == NULL)
        return 0;
    pg_server_empty(server);
    (void)pg_server_url(server, "", url, sizeof(url));
    if (side_open(&b->side[0], url, "first") && side_open(&b->side[1], url, "second"))
        return 1;
    beside_close(b);
    return 0;
}

static void both_turn(struct beside *b)
{
    struct pollfd ready[2];
    for (int i = 0; i < 2; i++) {
        arc_err err = ARC_ERR_INIT;
        CHECK_OK(arc_ctl_dispatch(b->side[i].ctl, 0, &err));
        ready[i] = (struct pollfd){.fd = arc_ctl_fd(b->side[i].ctl), .events = POLLIN};
    }
    (void)poll(ready, 2, 20);
}

/* 1: the side says so of the run's status, in time. */
static int await(struct beside *b, int side, const char *run, int status)
{
    time_t end = time(NULL) + WAIT_S;
    while (arc_run_get_status(b->side[side].ctl, run) != status && time(NULL) < end)
        both_turn(b);
    return CHECK_INT(arc_run_get_status(b->side[side].ctl, run), status);
}

static int await_warning(struct beside *b, int side, const char *text)
{
    time_t end = time(NULL) + WAIT_S;
    while (strstr(b->side[side].warned, text) == NULL && time(NULL) < end)
        both_turn(b);
    int came = CHECK_INT(strstr(b->side[side].warned, text) != NULL, 1);
    if (!came)
        printf("# %s\n", b->side[side].warned);
    b->side[side].warned[0] = '\0';
    return came;
}

static void a_run_elsewhere_is_stopped(void)
{
    struct beside b;
    char run[ARC_ID_SIZE];
    arc_err err = ARC_ERR_INIT;
    if (!beside_open(&b))
        return;
    start_run(b.side[0].ctl, held, run);
    CHECK(await(&b, 1, run, ARC_RUN_PENDING));
    CHECK_OK(arc_run_stop(b.side[1].ctl, run, "enough", 0, &err));
    CHECK(await(&b, 1, run, ARC_RUN_CANCELLED));
    CHECK(await(&b, 0, run, ARC_RUN_CANCELLED));
    CHECK_TEXT(arc__slice_cstr(b.side[1].warned), "");
    CHECK_OK(arc_run_stop(b.side[1].ctl, run, "again", 0, &err));
    CHECK(await_warning(&b, 1, "is cancelled"));
    beside_close(&b);
}

static void a_gate_elsewhere_is_decided(void)
{
    struct beside b;
    char run[ARC_ID_SIZE];
    arc_err err = ARC_ERR_INIT;
    arc_gate_options options = ARC_GATE_OPTIONS_INIT;
    if (!beside_open(&b))
        return;
    start_run(b.side[0].ctl, gated, run);
    CHECK(await(&b, 1, run, ARC_RUN_PENDING));
    options.actor = "eve";
    CHECK_OK(arc_run_decide_gate(b.side[1].ctl, run, "ship", &options, &err));
    CHECK(await_warning(&b, 1, "eve is not one of the gate's approvers"));
    options.actor = "ann";
    CHECK_OK(arc_run_decide_gate(b.side[1].ctl, run, "ship", &options, &err));
    CHECK(await(&b, 0, run, ARC_RUN_SUCCESS));
    CHECK(await(&b, 1, run, ARC_RUN_SUCCESS));
    CHECK_TEXT(arc__slice_cstr(b.side[1].warned), "");
    beside_close(&b);
}

static void a_run_that_there_is_not_is_told_in_the_log(void)
{
    struct beside b;
    arc_err err = ARC_ERR_INIT;
    static const char none[] = "01HF7YAT00AAFGY4TQCX94F574";
    if (!beside_open(&b))
        return;
    CHECK_OK(arc_run_stop(b.side[0].ctl, none, "enough", 0, &err));
    CHECK(await_warning(&b, 0, "No run has this id"));
    CHECK_OK(arc_run_decide_gate(b.side[0].ctl, none, "ship", NULL, &err));
    CHECK(await_warning(&b, 0, "No run has this id"));
    CHECK_INT(arc_run_get_status(b.side[0].ctl, none), 0);
    CHECK_STATUS(arc_run_stop(b.side[0].ctl, "none", "enough", 0, &err), ARC_ENOTFOUND);
    CHECK_STATUS(arc_run_decide_gate(b.side[0].ctl, "none", "ship", NULL, &err), ARC_ENOTFOUND);
    beside_close(&b);
}

/* The leader is the home of what names a group, whoever started it. */
static void who_starts_a_run_hears_how_it_ends(void)
{
    struct beside b;
    char run[2][ARC_ID_SIZE];
    if (!beside_open(&b))
        return;
    for (int i = 0; i < 2; i++)
        start_run(b.side[i].ctl, grouped, run[i]);
    for (int i = 0; i < 2; i++)
        CHECK(await(&b, i, run[i], ARC_RUN_SUCCESS));
    beside_close(&b);
}

static const struct test tests[] = {
    {"a host stops a run of which another process is home", a_run_elsewhere_is_stopped},
    {"a host decides at a gate of a run elsewhere", a_gate_elsewhere_is_decided},
    {"that there is no such run is told in the log", a_run_that_there_is_not_is_told_in_the_log},
    {"who starts a run hears how it ends, wherever it is", who_starts_a_run_hears_how_it_ends},
};
TEST_MAIN(tests)
