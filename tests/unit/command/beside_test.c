/* SPDX-License-Identifier: Apache-2.0 */
/* What a client is told where several processes serve one store: the same by each of them. */
#include <stdio.h>

#include "command/house.h"
#include "engine/pair.h"

static const char one_gate[] =
    "namespace: n\nstages:\n- name: ship\n  approval: {approvers: [ann, bob], count: 2}\n"
    "  jobs: [{name: j, steps: [{name: s, run: 'true'}]}]\n";
static const char by_plugin[] = "namespace: n\napproval: {type: auto, plugin: lint}\n"
                                "jobs: [{name: j, steps: [{name: s, run: 'true'}]}]\n";
static const char no_gate[] = "namespace: n\nconcurrency: lab\n"
                              "jobs: [{name: j, steps: [{name: s, run: 'true'}]}]\n";

struct beside {
    struct pair pair;
    struct house house[2];
};

static int beside_open(struct beside *b, enum world_store kind)
{
    if (!pair_open(&b->pair, kind))
        return 0;
    for (int i = 0; i < 2; i++)
        (void)house_visit(&b->house[i], b->pair.w[i].engine, b->pair.w[i].now);
    return 1;
}

static void beside_close(struct beside *b)
{
    for (int i = 0; i < 2; i++)
        house_leave(&b->house[i]);
    pair_close(&b->pair);
}

static struct arc_principal reader(const char *project)
{
    return house_user(ARC_SCOPE_READ | ARC_SCOPE_RUN, project);
}

static int lists(struct house *house, struct arc_principal principal, const char *run,
                 const char *total)
{
    CHECK_OK(house_call(house, principal, "ListApprovals",
                        house_text("{\"pipelineRunId\":\"%s\"}", run, "")));
    char text[40];
    (void)snprintf(text, sizeof(text), "\"total\":%s", total);
    return house_has(house, text);
}

static void gates_of_all_are_listed_by_each(enum world_store kind)
{
    struct beside b;
    struct said pipeline, gated[2], asked, free;
    if (!beside_open(&b, kind))
        return;
    for (int i = 0; i < 2; i++)
        world_start_run(&b.pair.w[i], one_gate, &pipeline, &gated[i]);
    world_start_run(&b.pair.w[0], by_plugin, &pipeline, &asked);
    for (int i = 0; i < 2; i++) /* one of them waits, for a slot */
        world_start_run(&b.pair.w[1], no_gate, &pipeline, &free);
    for (int i = 0; i < 2; i++) {
        CHECK(lists(&b.house[i], reader(""), "", "3"));
        CHECK(house_has(&b.house[i], gated[0].id) && house_has(&b.house[i], gated[1].id));
        CHECK(house_has(&b.house[i], "\"gate\":\"stage:ship\""));
        CHECK(house_has(&b.house[i], "\"gate\":\"pipeline\""));
        CHECK(house_has(&b.house[i], "\"approvers\":[\"ann\",\"bob\"]"));
        CHECK(lists(&b.house[i], reader(""), gated[1 - i].id, "1"));
        CHECK(house_has(&b.house[i], gated[1 - i].id));
        CHECK(lists(&b.house[i], reader(""), free.id, "0"));
        CHECK(lists(&b.house[i], reader("other"), "", "0"));
        CHECK(lists(&b.house[i], reader("other"), gated[1 - i].id, "0"));
    }
    beside_close(&b);
}
ON_BOTH(gates_of_all_are_listed_by_each)

/* No time passes: the home of the run has not read yet what the other one was told. */
static void what_one_was_told_the_other_lists(enum world_store kind)
{
    struct beside b;
    struct said pipeline, run;
    char approval[64];
    static const char *const names[] = {"ann", "bob"};
    if (!beside_open(&b, kind))
        return;
    world_start_run(&b.pair.w[0], one_gate, &pipeline, &run);
    CHECK(lists(&b.house[1], reader(""), "", "1"));
    CHECK(house_field(&b.house[1], "approvalId", 0, approval, sizeof(approval)));
    for (int i = 0; i < 2; i++) {
        struct arc_principal who = reader("");
        (void)snprintf(who.name, sizeof(who.name), "%s", names[i]);
        CHECK_OK(house_call(&b.house[1], who, "ApproveGate",
                            house_text("{\"approvalId\":\"%s\"}", approval, "")));
        CHECK(house_has(&b.house[1], "\"success\":true"));
        CHECK(lists(&b.house[0], reader(""), "", i == 0 ? "1" : "0"));
        CHECK(i == 1 || house_has(&b.house[0], "\"approvedBy\":[\"ann\"]"));
    }
    beside_close(&b);
}
ON_BOTH(what_one_was_told_the_other_lists)

/* More events than are read at a time, and a store that takes its time. */
static void a_long_run_is_listed_when_its_events_have_come(void)
{
    struct beside b;
    struct said pipeline, runs[2];
    if (!beside_open(&b, WORLD_MEM))
        return;
    for (int i = 0; i < 2; i++)
        world_start_run(&b.pair.w[0], one_gate, &pipeline, &runs[i]);
    for (int i = 0; i < 300; i++) {
        enum arc_cmd_kind kind = i % 2 == 0 ? ARC_CMD_RUN_PAUSE : ARC_CMD_RUN_RESUME;
        CHECK_OK(world_ask(&b.pair.w[0], world_control(&b.pair.w[0], kind, runs[0].id)).status);
    }
    b.pair.w[1].answers_late = 1;
    struct arc_call *call = house_stream(&b.house[1], reader(""), "ListApprovals", "{}", 1);
    CHECK_STATUS(house_next(&b.house[1], call), ARC_EAGAIN);
    CHECK(b.pair.w[1].late != NULL);
    world_answer(&b.pair.w[1]);
    CHECK_OK(house_next(&b.house[1], call));
    CHECK(house_has(&b.house[1], "\"total\":2"));
    call->ops->close(call);
    b.pair.w[1].answers_late = 1; /* who asks may be gone before */
    call = house_stream(&b.house[1], reader(""), "ListApprovals", "{}", 1);
    call->ops->close(call);
    world_answer(&b.pair.w[1]);
    beside_close(&b);
}

/* Whatever allocation of the answering process fails, who asks hears of it, or all. */
static void no_allocation_that_fails_shortens_the_list(void)
{
    uint64_t refused = 0;
    struct beside b;
    struct said pipeline, run;
    if (!beside_open(&b, WORLD_MEM))
        return;
    world_start_run(&b.pair.w[0], one_gate, &pipeline, &run);
    for (int done = 0; !done; refused++) {
        struct test_mem *memory = &b.pair.w[1].memory;
        memory->fail_at = memory->calls + 1 + refused;
        arc_status status = house_call(&b.house[1], reader(""), "ListApprovals", "{}");
        done = memory->calls < memory->fail_at;
        memory->fail_at = 0;
        CHECK(status == ARC_OK ? house_has(&b.house[1], "\"total\":1") : !done);
    }
    CHECK(refused > 10);
    beside_close(&b);
}

static const struct test tests[] = {
    {"the gates of all runs are listed by each process", gates_of_all_are_listed_by_each_mem},
    {"SQLite: each lists the gates of all runs", gates_of_all_are_listed_by_each_sqlite},
    {"what one process was told the other lists", what_one_was_told_the_other_lists_mem},
    {"SQLite: what one was told the other lists", what_one_was_told_the_other_lists_sqlite},
    {"a long run is listed when its events have come",
     a_long_run_is_listed_when_its_events_have_come},
    {"no allocation that fails shortens the list", no_allocation_that_fails_shortens_the_list},
};
TEST_MAIN(tests)
