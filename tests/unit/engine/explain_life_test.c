/* SPDX-License-Identifier: Apache-2.0 */
/* Random lives of an engine, which is asked about everything after every act: what does not run
 * has a reason, what is said about places and slots agrees with how they have been handed out, and
 * an agent that comes is given what was foretold.
 *
 * A failure prints its seed; with FIRST_SEED set to it, it is the first life that is tried. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/explain.h"
#include "world.h"

#define FIRST_SEED 1u
#define LIVES 150u
#define ACTS 70
#define HANDS 4
#define RUNS 64
#define STEP "steps: [{name: s, run: 'true'}]"
#define ON(os) "agentSelector: {matchLabels: {os: " os "}}, "

static const char *const definitions[] = {
    "namespace: n\njobs:\n- {name: a, " STEP "}\n- {name: b, dependsOn: [a], " STEP "}\n",
    "namespace: n\njobs:\n- {name: a, " ON("linux") STEP "}\n- {name: b, " ON("mac") STEP "}\n",
    "namespace: n\njobs:\n- {name: a, concurrency: lab, " STEP "}\n"
    "- {name: b, concurrency: {group: lab, limit: 2}, " ON("linux") STEP "}\n",
    "namespace: n\nconcurrency: {group: whole, limit: 2}\njobs:\n- {name: a, " STEP "}\n"
    "- {name: b, " ON("plan9") STEP "}\n",
    "namespace: n\njobs:\n- {name: a, matrix: {x: [1, 2, 3], maxParallel: 2}, " STEP "}\n",
    "namespace: n\njobs:\n- {name: a, retry: {maxAttempts: 2, delay: 20s}, " STEP "}\n",
};

struct life {
    struct world w;
    uint64_t dice;
    struct hand hands[HANDS];
    int joined[HANDS]; /* 1: connected, 2: it has left */
    struct said pipelines[ARC_COUNT_OF(definitions)];
    char runs[RUNS][32];
    size_t run_count;
    int broken;
};

static uint32_t roll(struct life *l, uint32_t sides)
{
    uint64_t z = (l->dice += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % sides);
}

/* --- what must hold ---------------------------------------------------------------------- */

static struct arc_look *ask(struct life *l, uint32_t what, const char *run,
                            const struct arc_newcomer *newcomer)
{
    struct arc_look *look = NULL;
    struct arc_look_ask ask = {
        .what = what, .run_id = arc__slice_cstr(run), .principal = {.kind = ARC_PRINCIPAL_HOST}};
    const struct arc_look_result *result = NULL;
    if (newcomer != NULL)
        ask.newcomer = *newcomer;
    CHECK_OK(arc__look_open(l->w.engine, &ask, NULL, NULL, &look, NULL));
    for (int i = 0; i < 10 && arc__look_result(look, &result, NULL) == ARC_EAGAIN; i++)
        world_turn(&l->w);
    return look;
}

static size_t count_kind(const struct arc_look_result *result, const struct arc_told *told,
                         int first, int last)
{
    size_t count = 0;
    for (size_t i = 0; i < told->count; i++) {
        int kind = result->waits.items[told->first + i].kind;
        count += kind >= first && kind <= last;
    }
    return count;
}

/* Something as long as it does neither run nor has ended, each a sentence. */
static const char *told_wrong(const struct arc_look_result *result, const struct arc_told *told,
                              int runs, int over)
{
    size_t ended = count_kind(result, told, ARC_REASON_ENDED, ARC_REASON_ENDED);
    size_t stopping = count_kind(result, told, ARC_REASON_STOPPING, ARC_REASON_STOPPING);
    for (size_t i = 0; i < told->count; i++) {
        if (result->waits.items[told->first + i].sentence.len == 0)
            return "a reason without a sentence";
    }
    if (over)
        return ended == 1 && told->count == 1 ? NULL : "what has ended says more, or nothing";
    if (ended > 0)
        return "what has not ended says that it has";
    if (runs)
        return told->count == stopping ? NULL : "what runs says why it does not";
    return told->count > 0 ? NULL : "what does not run has no reason";
}

/* A job that waits for a place says what is in its way; a free agent never is, since the turn that
 * was has used it. Who waits for a slot knows who has it. */
static const char *place_wrong(const struct arc_look_result *result, const struct arc_told *told)
{
    size_t places = count_kind(result, told, ARC_REASON_PLACE, ARC_REASON_PLACE);
    size_t why = count_kind(result, told, ARC_REASON_NO_AGENT, ARC_REASON_UNCONNECTED);
    if (count_kind(result, told, ARC_REASON_NEXT, ARC_REASON_NEXT) > 0)
        return "an agent with a free slot has been left without the job";
    if ((places > 0) != (why > 0))
        return "a place and what is in its way are not told together";
    for (size_t i = 0; i < told->count; i++) {
        const struct arc_wait *wait = &result->waits.items[told->first + i];
        if (wait->kind == ARC_REASON_GROUP && (wait->of == 0 || wait->text.len == 0))
            return "nobody holds a slot that is waited for";
    }
    return NULL;
}

static const char *job_wrong(const struct arc_look_result *result, const struct arc_told_job *job)
{
    const char *wrong = told_wrong(result, &job->told, job->told.status == ARC_JOB_RUNNING,
                                   arc_job_state_is_terminal(job->told.status));
    if (wrong == NULL)
        wrong = place_wrong(result, &job->told);
    for (uint32_t s = 0; wrong == NULL && s < job->step_count; s++)
        wrong = told_wrong(result, &job->steps[s], job->steps[s].status == ARC_STEP_RUNNING,
                           arc_step_state_is_terminal(job->steps[s].status));
    return wrong;
}

static void check_run(struct life *l, const char *run)
{
    struct arc_look *look = ask(l, ARC_LOOK_WHY, run, NULL);
    const struct arc_look_result *result = NULL;
    const char *wrong = NULL;
    if (CHECK_OK(arc__look_result(look, &result, NULL))) {
        CHECK_INT(result->waits.left_out, 0);
        wrong = place_wrong(result, &result->run);
        for (uint32_t j = 0; wrong == NULL && j < result->job_count; j++) {
            wrong = job_wrong(result, &result->jobs[j]);
            if (wrong != NULL)
                printf("# job %.*s\n", ARC_ARG(result->jobs[j].told.name));
        }
    }
    if (!CHECK_TEXT(arc__slice_cstr(wrong != NULL ? wrong : ""), "")) {
        struct arc_buf out;
        arc__buf_init(&out, &l->w.mem, 100000);
        arc__look_print(look, &out);
        printf("# %.*s\n", (int)out.len, (const char *)out.ptr);
        arc__buf_deinit(&out);
        l->broken = 1;
    }
    arc__look_close(look);
}

/* --- acts -------------------------------------------------------------------------------- */

static const struct held *held_at(const struct hand *hand, const struct arc_would *would)
{
    for (size_t i = 0; i < hand->held_count; i++) {
        if (arc__slice_is(would->run_id, hand->held[i].run) &&
            arc__slice_is(would->job_name, hand->held[i].job))
            return &hand->held[i];
    }
    return NULL;
}

/* An agent comes, and is given what an agent like it was said to be given. */
static void newcomer_comes(struct life *l, int h)
{
    static const char *const json[] = {"{}", "{\"os\":\"linux\"}", "{\"os\":\"mac\"}"};
    static const struct arc_kv pairs[] = {{{"os", 2}, {"linux", 5}}, {{"os", 2}, {"mac", 3}}};
    uint32_t which = roll(l, 3), slots = 1 + roll(l, 3);
    const struct arc_newcomer newcomer = {
        .labels = {which > 0 ? &pairs[which - 1] : NULL, which > 0}, .slots = slots};
    const struct arc_look_result *result = NULL;
    struct arc_look *look = ask(l, ARC_LOOK_AGENT, "", &newcomer);
    char name[8];
    size_t expected = 0;
    (void)snprintf(name, sizeof(name), "H%d", h);
    l->joined[h] = hand_join(&l->hands[h], &l->w, name, json[which], (int)slots);
    if (!l->joined[h] || !CHECK_OK(arc__look_result(look, &result, NULL))) {
        l->broken = 1;
    } else {
        (void)hand_take(&l->hands[h], 1);
        for (size_t i = 0; i < result->would_count && result->would[i].place > 0; i++) {
            expected++;
            l->broken |= !CHECK_INT(held_at(&l->hands[h], &result->would[i]) != NULL, 1);
        }
        l->broken |= !CHECK_INT(l->hands[h].held_count, expected);
    }
    arc__look_close(look);
}

static void hand_acts(struct life *l, int h)
{
    struct hand *hand = &l->hands[h];
    (void)hand_take(hand, 1);
    if (hand->held_count == 0)
        return;
    struct held held = hand->held[roll(l, (uint32_t)hand->held_count)];
    if (roll(l, 3) == 0) {
        (void)hand_say(hand, &held, ARC_STEP_RUNNING, 0);
        return;
    }
    int fails = roll(l, 4) == 0;
    (void)hand_say(hand, &held, ARC_STEP_RUNNING, 0);
    (void)hand_say(hand, &held, fails ? ARC_STEP_FAILED : ARC_STEP_SUCCESS, fails);
    if (hand->held_count > 0)
        hand_drop(hand, &held);
}

static void hand_comes_or_goes(struct life *l)
{
    int h = (int)roll(l, HANDS);
    if (l->joined[h] == 0) {
        newcomer_comes(l, h);
    } else if (l->joined[h] == 1 && roll(l, 4) == 0) {
        hand_leave(&l->hands[h]);
        l->joined[h] = 2;
    } else if (l->joined[h] == 2) {
        hand_connect(&l->hands[h]);
        l->joined[h] = 1;
    }
}

static void trigger(struct life *l)
{
    if (l->run_count == RUNS)
        return;
    const struct said *pipeline = &l->pipelines[roll(l, ARC_COUNT_OF(definitions))];
    struct arc_cmd *cmd = world_trigger(&l->w, pipeline->id, "");
    cmd->u.trigger.priority = (int32_t)roll(l, 5) - 2;
    struct said run = world_ask(&l->w, cmd);
    if (!CHECK_OK(run.status))
        printf("# %s %s\n", run.message, run.findings);
    else
        (void)snprintf(l->runs[l->run_count++], sizeof(l->runs[0]), "%s", run.id);
}

static void control(struct life *l)
{
    static const enum arc_cmd_kind kinds[] = {ARC_CMD_RUN_PAUSE, ARC_CMD_RUN_RESUME,
                                              ARC_CMD_RUN_RESUME, ARC_CMD_RUN_STOP};
    if (l->run_count == 0)
        return;
    (void)world_ask(&l->w, world_control(&l->w, kinds[roll(l, ARC_COUNT_OF(kinds))],
                                         l->runs[roll(l, (uint32_t)l->run_count)]));
}

static void act(struct life *l)
{
    switch (roll(l, 8)) {
    case 0:
        hand_comes_or_goes(l);
        break;
    case 1:
        control(l);
        break;
    case 2:
        world_pass(&l->w, SECONDS(1 + roll(l, 15)));
        for (int h = 0; h < HANDS; h++) {
            if (l->joined[h] == 1)
                CHECK_OK(hand_beat(&l->hands[h], NULL));
        }
        break;
    case 3:
    case 4:
        trigger(l);
        break;
    default: {
        int h = (int)roll(l, HANDS);
        if (l->joined[h] == 1)
            hand_acts(l, h);
    }
    }
    world_turn(&l->w);
}

static void live(uint64_t seed)
{
    static struct life life;
    struct life *l = &life;
    *l = (struct life){.dice = seed};
    if (!world_open(&l->w, WORLD_MEM))
        return;
    for (size_t i = 0; i < ARC_COUNT_OF(definitions); i++) {
        l->pipelines[i] = world_ask(&l->w, world_create(&l->w, "p", definitions[i]));
        if (!CHECK_OK(l->pipelines[i].status))
            printf("# %s %s\n", l->pipelines[i].message, l->pipelines[i].findings);
    }
    for (int i = 0; i < ACTS && !l->broken; i++) {
        act(l);
        for (size_t r = 0; r < l->run_count && !l->broken; r++) {
            if (i % 4 == (int)(r % 4))
                check_run(l, l->runs[r]);
        }
    }
    if (l->broken)
        printf("# seed %llu\n", (unsigned long long)seed);
    for (int h = 0; h < HANDS; h++) {
        if (l->joined[h] == 1)
            hand_leave(&l->hands[h]);
    }
    world_close(&l->w);
}

static void everything_that_does_not_run_has_reasons(void)
{
    const char *text = getenv("ARC_PLANS");
    uint64_t lives = text != NULL ? strtoull(text, NULL, 10) : LIVES;
    for (uint64_t seed = FIRST_SEED; seed < FIRST_SEED + lives; seed++)
        live(seed);
}

static const struct test tests[] = {
    {"in random lives all that does not run has true reasons",
     everything_that_does_not_run_has_reasons},
};
TEST_MAIN(tests)
