/* SPDX-License-Identifier: Apache-2.0 */
/* Those who are not agents: operators, the adversary, watchers. What operators may ask for is one
 * table; a new kind of command is one row of it. */
#include <string.h>

#include "shadow.h"

#define PICKED_NONE UINT32_MAX

/* fill: makes the command, 0: not now. check: what an answer of ARC_OK promises. */
struct command {
    const char *name;
    enum arc_cmd_kind kind;
    uint32_t weight;
    int fault; /* only where this one is on; -1: always */
    int (*fill)(struct call *call, struct dice *dice);
    void (*check)(struct call *call, const struct arc_answer *answer);
};

static void pick_run(struct call *call, struct dice *dice)
{
    struct shadow *shadow = call->sim->shadow;
    uint32_t open = shadow_open_runs(shadow);
    call->run = PICKED_NONE;
    if (shadow->run_count == 0)
        return;
    call->run = roll(dice, shadow->run_count);
    for (uint32_t i = 0; open > 0 && i < shadow->run_count; i++) {
        if (!shadow_run_over(&shadow->runs[call->run]) || chance(dice, 30))
            return;
        call->run = (call->run + 1) % shadow->run_count;
    }
}

/* Now and then somebody asks who may see the other project alone. */
static void draw_asker(struct call *call, uint32_t pipeline, struct dice *dice)
{
    struct sim *sim = call->sim;
    struct arc_principal *who = &call->cmd->principal;
    if (!sim->fault[FAULT_ADVERSARY] || sim->healing || !chance(dice, 100))
        return;
    call->foreign = 1;
    who->kind = ARC_PRINCIPAL_USER;
    who->scopes = ARC_SCOPE_READ | ARC_SCOPE_RUN | ARC_SCOPE_WRITE | ARC_SCOPE_ADMIN;
    (void)snprintf(who->project_id, sizeof(who->project_id), "%s",
                   sim->project[pipeline] == 1 ? "p2" : "p1");
}

static int control(struct call *call, struct dice *dice)
{
    if (call->run == PICKED_NONE)
        pick_run(call, dice);
    if (call->run == PICKED_NONE)
        return 0;
    draw_asker(call, call->sim->shadow->runs[call->run].pipeline, dice);
    call->cmd->run_id = call_text(call, call->sim->shadow->runs[call->run].id);
    call->cmd->actor = call_text(call, "ann");
    return 1;
}

/* --- triggers ------------------------------------------------------------------------ */

static int fill_trigger(struct call *call, struct dice *dice)
{
    struct sim *sim = call->sim;
    struct request *request = NULL;
    for (uint32_t i = 0; i < sim->request_count && request == NULL; i++) {
        struct request *have = &sim->requests[i];
        if (have->again)
            continue;
        int again = have->answered && chance(dice, 40); /* once more: somebody clicked twice */
        if (again || (!have->answered && sim->now_ns - have->asked_ns > (uint64_t)SECONDS(3)))
            request = have;
    }
    if (request == NULL && sim->triggers < sim->runs_wanted && sim->request_count < RUNS_MAX &&
        !sim->healing) {
        static const int32_t priorities[] = {0, 0, 0, 1, 3, -1, 100, -100};
        sim->triggers++;
        request = &sim->requests[sim->request_count++];
        (void)snprintf(request->id, sizeof(request->id), "r%u", sim->request_count);
        request->pipeline = roll(dice, sim->pipeline_count);
        request->priority = priorities[roll(dice, 8)];
    }
    if (request == NULL)
        return 0;
    request->asked_ns = sim->now_ns;
    call->run = (uint32_t)(request - sim->requests);
    draw_asker(call, request->pipeline, dice);
    call->cmd->u.trigger.priority = request->priority;
    call->cmd->pipeline_id = call_text(call, sim->pipelines[request->pipeline]);
    call->cmd->u.trigger.request_id = call_text(call, request->id);
    call->cmd->u.trigger.triggered_by = call_text(call, "ann");
    return 1;
}

static void check_trigger(struct call *call, const struct arc_answer *answer)
{
    struct sim *sim = call->sim;
    struct request *request = &sim->requests[call->run];
    int run = shadow_run_index(sim->shadow, answer->id);
    if (run < 0) {
        broke(sim, INV_I17, "request %s was answered with a run that is not stored", request->id);
        return;
    }
    if (strcmp(sim->shadow->runs[run].request_id, request->id) != 0)
        broke(sim, INV_I12, "request %s was answered with the run of %s", request->id,
              sim->shadow->runs[run].request_id);
    /* A rerun that was refused is not kept: asked once more meanwhile, it may be granted. */
    if (request->answered && request->run[0] != '\0' && strcmp(request->run, call->id) != 0)
        broke(sim, INV_I12, "request %s made run %s and run %s", request->id, request->run,
              call->id);
    if (answer->duplicate)
        reached(sim, GOAL_DUPLICATE_TRIGGER);
    request->answered = 1;
    memcpy(request->run, call->id, sizeof(request->run));
}

/* --- reruns -------------------------------------------------------------------------- */

static int new_rerun(struct call *call, struct request *request, struct dice *dice)
{
    struct sim *sim = call->sim;
    struct shadow *shadow = sim->shadow;
    uint32_t r = shadow->run_count > 0 ? roll(dice, shadow->run_count) : 0;
    for (uint32_t i = 0; i < shadow->run_count && !shadow_run_over(&shadow->runs[r]); i++)
        r = (r + 1) % shadow->run_count;
    if (shadow->run_count == 0 || (!shadow_run_over(&shadow->runs[r]) && !chance(dice, 100)))
        return 0;
    const struct shadow_run *run = &shadow->runs[r];
    *request = (struct request){.pipeline = run->pipeline, .of = r, .priority = run->priority};
    (void)snprintf(request->id, sizeof(request->id), "again%u", sim->request_count);
    request->again = 1 + (int)roll(dice, 3);
    request->job = roll(dice, run->plan->job_count);
    request->step = roll(dice, run->plan->jobs[request->job].step_count);
    request->by_step = request->again == ARC_RERUN_FROM && roll(dice, 2);
    memcpy(request->step_id, run->jobs[request->job].steps[request->step].id,
           sizeof(request->step_id));
    return 1;
}

static int fill_rerun(struct call *call, struct dice *dice)
{
    struct sim *sim = call->sim;
    struct request *request = NULL;
    for (uint32_t i = 0; i < sim->request_count && request == NULL; i++) {
        struct request *have = &sim->requests[i];
        int again = have->answered && have->run[0] != '\0' && chance(dice, 40);
        if (have->again &&
            (again || (!have->answered && sim->now_ns - have->asked_ns > (uint64_t)SECONDS(3))))
            request = have;
    }
    if (request == NULL && sim->request_count < RUNS_MAX && !sim->healing) {
        if (!new_rerun(call, &sim->requests[sim->request_count], dice))
            return 0;
        request = &sim->requests[sim->request_count++];
    }
    if (request == NULL)
        return 0;
    const struct shadow_run *run = &sim->shadow->runs[request->of];
    request->asked_ns = sim->now_ns;
    call->run = (uint32_t)(request - sim->requests);
    draw_asker(call, request->pipeline, dice);
    call->cmd->run_id = call_text(call, run->id);
    call->cmd->actor = call_text(call, "ann");
    call->cmd->u.rerun.mode = (enum arc_rerun)request->again;
    call->cmd->u.rerun.request_id = call_text(call, request->id);
    if (request->by_step)
        call->cmd->u.rerun.step_run_id = call_text(call, request->step_id);
    else if (request->again == ARC_RERUN_FROM)
        call->cmd->u.rerun.from =
            arc__arena_copy(&call->cmd->arena, run->plan->jobs[request->job].key);
    return 1;
}

/* A refusal is an answer, too. */
static void refuse_rerun(struct call *call, arc_status status)
{
    struct request *request = &call->sim->requests[call->run];
    if (call->foreign || (status != ARC_ECONFLICT && status != ARC_ENOTFOUND))
        return;
    request->answered = 1;
}

static void check_rerun(struct call *call, const struct arc_answer *answer)
{
    struct sim *sim = call->sim;
    const struct request *request = &sim->requests[call->run];
    check_trigger(call, answer);
    int run = shadow_run_index(sim->shadow, answer->id);
    if (run < 0 || !request->by_step || answer->duplicate)
        return;
    if (!arc__slice_is(answer->step_run_id,
                       sim->shadow->runs[run].jobs[request->job].steps[request->step].id) &&
        sim->shadow->runs[run].jobs[request->job].attempt == 1)
        broke(sim, INV_I17, "a rerun from step %s was answered with another step",
              request->step_id);
}

/* --- control ------------------------------------------------------------------------- */

static int fill_stop(struct call *call, struct dice *dice)
{
    if (!control(call, dice))
        return 0;
    call->sim->shadow->runs[call->run].asked |= !call->foreign;
    return 1;
}

static int fill_force(struct call *call, struct dice *dice)
{
    call->cmd->u.stop.force = call->forced = 1;
    return fill_stop(call, dice);
}

static void check_pause(struct call *call, const struct arc_answer *answer)
{
    struct sim *sim = call->sim;
    (void)answer;
    if (++sim->told[call->run].pauses > sim->shadow->runs[call->run].pauses)
        broke(sim, INV_I17, "a pause of run %u was answered and is not stored", call->run);
}

static void check_resume(struct call *call, const struct arc_answer *answer)
{
    struct sim *sim = call->sim;
    (void)answer;
    if (++sim->told[call->run].resumes > sim->shadow->runs[call->run].resumes)
        broke(sim, INV_I17, "a resume of run %u was answered and is not stored", call->run);
}

static void check_stop(struct call *call, const struct arc_answer *answer)
{
    const struct shadow_run *run = &call->sim->shadow->runs[call->run];
    (void)answer;
    if (!run->stopping && !shadow_run_over(run))
        broke(call->sim, INV_I17, "a stop of run %u was answered and is not stored", call->run);
    if (call->forced && !run->forced && !shadow_run_over(run))
        broke(call->sim, INV_I17, "a forced stop of run %u is not stored", call->run);
}

/* --- gates --------------------------------------------------------------------------- */

static int fill_gate(struct call *call, struct dice *dice, int approve)
{
    static const char *const names[] = {"ann", "bob", "cat", "eve"};
    if (!control(call, dice))
        return 0;
    const struct shadow_run *run = &call->sim->shadow->runs[call->run];
    if (run->plan->gate_count == 0)
        return 0;
    uint32_t gate = roll(dice, run->plan->gate_count);
    for (uint32_t i = 0; i < run->plan->gate_count; i++) {
        if (run->gates[gate].state == GATE_WAITING || chance(dice, 50))
            break;
        gate = (gate + 1) % run->plan->gate_count;
    }
    call->cmd->u.gate.index = gate + 1;
    call->cmd->u.gate.approve = approve;
    call->cmd->actor = call_text(call, names[roll(dice, 4)]);
    call->pipeline = gate;
    return 1;
}

static int fill_approve(struct call *call, struct dice *dice)
{
    return fill_gate(call, dice, 1);
}

static int fill_reject(struct call *call, struct dice *dice)
{
    return fill_gate(call, dice, 0);
}

static void check_gate(struct call *call, const struct arc_answer *answer)
{
    const struct shadow_gate *gate = &call->sim->shadow->runs[call->run].gates[call->pipeline];
    (void)answer;
    if (gate->state == GATE_IDLE || (gate->state == GATE_WAITING && gate->approvals == 0))
        broke(call->sim, INV_I17, "a word at gate %u of run %u was answered and is not stored",
              call->pipeline, call->run);
}

/* --- one job, one step --------------------------------------------------------------- */

static struct shadow_job *pick_job(struct call *call, struct dice *dice)
{
    struct shadow_run *run = &call->sim->shadow->runs[call->run];
    call->pipeline = roll(dice, run->plan->job_count);
    return &run->jobs[call->pipeline];
}

static int fill_cancel_job(struct call *call, struct dice *dice)
{
    if (!control(call, dice))
        return 0;
    struct shadow_job *job = pick_job(call, dice);
    call->cmd->u.cancel.what = call_text(call, job->id);
    call->cmd->u.cancel.force = call->forced = chance(dice, 300);
    job->asked |= !call->foreign;
    return 1;
}

static void check_cancel_job(struct call *call, const struct arc_answer *answer)
{
    const struct shadow_job *job = &call->sim->shadow->runs[call->run].jobs[call->pipeline];
    (void)answer;
    reached(call->sim, GOAL_CANCEL_ONE);
    if (job->state < SUCCESS && (!job->stopping || (call->forced && !job->forced)))
        broke(call->sim, INV_I17, "a cancel of job %u of run %u was answered and is not stored",
              call->pipeline, call->run);
}

static int fill_cancel_step(struct call *call, struct dice *dice)
{
    if (!control(call, dice))
        return 0;
    struct shadow_job *job = pick_job(call, dice);
    call->step =
        roll(dice, call->sim->shadow->runs[call->run].plan->jobs[call->pipeline].step_count);
    call->cmd->u.cancel.what = call_text(call, job->steps[call->step].id);
    call->cmd->u.cancel.force = chance(dice, 300);
    job->steps[call->step].asked |= !call->foreign;
    memcpy(call->what, job->steps[call->step].id, sizeof(call->what));
    return 1;
}

static void check_cancel_step(struct call *call, const struct arc_answer *answer)
{
    const struct shadow_step *step =
        &call->sim->shadow->runs[call->run].jobs[call->pipeline].steps[call->step];
    (void)answer;
    reached(call->sim, GOAL_CANCEL_ONE);
    if (strcmp(step->id, call->what) == 0 && step->state < SUCCESS && !step->stopping)
        broke(call->sim, INV_I17, "a cancel of step %s was answered and is not stored", step->id);
}

/* clang-format off */
static const struct command commands[] = {
    {"trigger", ARC_CMD_RUN_TRIGGER, 30, -1, fill_trigger, check_trigger},
    {"rerun", ARC_CMD_RUN_RERUN, 10, -1, fill_rerun, check_rerun},
    {"pause", ARC_CMD_RUN_PAUSE, 8, FAULT_PAUSE, control, check_pause},
    {"resume", ARC_CMD_RUN_RESUME, 14, -1, control, check_resume},
    {"stop", ARC_CMD_RUN_STOP, 3, FAULT_STOP, fill_stop, check_stop},
    {"force", ARC_CMD_RUN_STOP, 2, FAULT_STOP, fill_force, check_stop},
    {"cancel-job", ARC_CMD_JOB_CANCEL, 3, FAULT_CANCEL, fill_cancel_job, check_cancel_job},
    {"cancel-step", ARC_CMD_STEP_CANCEL, 4, FAULT_CANCEL, fill_cancel_step, check_cancel_step},
    {"approve", ARC_CMD_RUN_GATE, 20, -1, fill_approve, check_gate},
    {"reject", ARC_CMD_RUN_GATE, 2, FAULT_REJECT, fill_reject, check_gate},
};
/* clang-format on */

/* Of a cancel: what it was to end had ended well. */
static void note_late(struct call *call)
{
    const struct shadow_job *job = &call->sim->shadow->runs[call->run].jobs[call->pipeline];
    if (call->command->kind == ARC_CMD_STEP_CANCEL &&
        strcmp(job->steps[call->step].id, call->what) == 0 &&
        job->steps[call->step].state == SUCCESS)
        reached(call->sim, GOAL_SUCCESS_THEN_CANCEL);
}

static void note_refusal(struct call *call, arc_status status)
{
    static const struct {
        arc_status status;
        enum goal goal;
    } goals[] = {{ARC_ECONFLICT, GOAL_SAID_CONFLICT},
                 {ARC_EDENIED, GOAL_SAID_DENIED},
                 {ARC_ELIMIT, GOAL_SAID_LIMIT},
                 {ARC_EUNAVAILABLE, GOAL_SAID_AWAY}};
    for (size_t i = 0; i < ARC_COUNT_OF(goals); i++) {
        if (goals[i].status == status)
            reached(call->sim, goals[i].goal);
    }
    if (call->foreign && status == ARC_ENOTFOUND)
        reached(call->sim, GOAL_FOREIGN);
    if (status == ARC_ECONFLICT)
        note_late(call);
}

void people_answered(struct call *call, const struct arc_answer *answer)
{
    if (answer->status != ARC_OK) {
        note_refusal(call, answer->status);
        if (call->command->kind == ARC_CMD_RUN_RERUN)
            refuse_rerun(call, answer->status);
    } else if (call->foreign) {
        broke(call->sim, INV_I11, "%s of run %u was done for one who may not see it",
              call->command->name, call->run);
    } else {
        call->command->check(call, answer);
    }
}

static void ask(struct sim *sim, const struct command *command, uint32_t run, struct dice *dice)
{
    server_pick(sim, dice);
    struct call *call = call_new(sim, command->kind);
    if (call == NULL)
        return;
    call->command = command;
    call->run = run;
    if (!command->fill(call, dice)) {
        arc__cmd_free(call->cmd);
        call->in_use = 0;
        return;
    }
    sim_trace(sim, "asks %u: %s run %u", call->number, command->name, call->run);
    call_submit(call);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARC_COUNT_OF(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

int people_idle(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->request_count; i++) {
        if (!sim->requests[i].answered)
            return 0;
    }
    return 1;
}

/* After the faults: what waits for people gets them. */
static void help(struct sim *sim, struct dice *dice)
{
    for (uint32_t i = 0; i < sim->shadow->run_count; i++) {
        const struct shadow_run *run = &sim->shadow->runs[i];
        if (shadow_run_over(run))
            continue;
        if (run->state == RUN_PAUSED)
            ask(sim, find_command("resume"), i, dice);
        for (uint32_t g = 0; g < run->plan->gate_count; g++) {
            if (run->gates[g].state == GATE_WAITING)
                ask(sim, find_command("approve"), i, dice);
        }
    }
    ask(sim, find_command("trigger"), PICKED_NONE, dice);
    ask(sim, find_command("rerun"), PICKED_NONE, dice);
}

void people_act(struct sim *sim)
{
    struct dice *dice = &sim->people_dice;
    uint32_t total = 0;
    if (sim->healing) {
        help(sim, dice);
        return;
    }
    for (size_t i = 0; i < ARC_COUNT_OF(commands); i++)
        total += commands[i].weight;
    uint32_t at = roll(dice, total);
    for (size_t i = 0; i < ARC_COUNT_OF(commands); i++) {
        if (at >= commands[i].weight) {
            at -= commands[i].weight;
            continue;
        }
        if (commands[i].fault < 0 || sim->fault[commands[i].fault])
            ask(sim, &commands[i], PICKED_NONE, dice);
        return;
    }
}

/* --- the adversary ------------------------------------------------------------------- */

void adversary_keeps(struct sim *sim, const struct message *message)
{
    if (!sim->fault[FAULT_ADVERSARY] || message->kind == MSG_REGISTER ||
        message->kind == MSG_CONNECT)
        return;
    uint32_t at = sim->old_count++ % OLD_MAX;
    if (sim->old_count > OLD_MAX)
        at = roll(&sim->evil_dice, OLD_MAX);
    sim->old[at].message = *message;
}

void adversary_act(struct sim *sim)
{
    struct dice *dice = &sim->evil_dice;
    uint32_t kept = sim->old_count < OLD_MAX ? sim->old_count : OLD_MAX;
    if (!sim->fault[FAULT_ADVERSARY] || sim->healing || kept == 0)
        return;
    struct message message = sim->old[roll(dice, kept)].message;
    message.forged = 1;
    if (is_shared(sim))
        message.server = roll(dice, sim->server_count);
    if (message.kind == MSG_BEAT && message.life < sim->agents[message.agent].life &&
        !chance(dice, 100))
        return; /* a dead process: seldom, for much is excused after it */
    if (message.kind == MSG_REPORT && roll(dice, 3) != 0) {
        static const int statuses[] = {RUNNING, SUCCESS, FAILED, CANCELLED, TIMEOUT};
        message.forged = 2 + (int32_t)roll(dice, 3);
        message.status = statuses[roll(dice, 5)];
        if (message.forged == 2)
            message.agent = roll(dice, sim->agent_count);
        else if (message.forged == 3)
            message.lease.fence += (uint64_t)roll(dice, 5) - 2;
        else
            message.lease.attempt += (int32_t)roll(dice, 3) - 1;
        /* In another's name, with his lease, it would be his own word. */
        struct attempt *attempt =
            shadow_attempt(sim->shadow, message.lease.id, message.lease.attempt, 0);
        if (attempt != NULL && attempt->agent == message.agent &&
            attempt->fence == message.lease.fence)
            return;
    }
    message_deliver(sim, &message);
}

/* --- watchers ------------------------------------------------------------------------ */

static void ignore(void *user)
{
    (void)user;
}

static void open_watch(struct server *server, struct watcher *watcher)
{
    struct arc_watch_filter filter = {.after = watcher->seen};
    watcher->server = server->number;
    if (arc__event_watch_open(server->engine, &filter, ignore, NULL, &watcher->watch, NULL) !=
        ARC_OK)
        watcher->watch = NULL;
}

void watchers_open(struct server *server)
{
    for (uint32_t i = 0; i < WATCHERS_MAX; i++) {
        if (server->sim->watchers[i].watch == NULL)
            open_watch(server, &server->sim->watchers[i]);
    }
}

void watchers_close(struct server *server)
{
    struct sim *sim = server->sim;
    for (uint32_t i = 0; i < WATCHERS_MAX; i++) {
        struct watcher *watcher = &sim->watchers[i];
        if (watcher->server != server->number)
            continue;
        arc__event_watch_close(watcher->watch);
        watcher->watch = NULL;
    }
    if (sim->follower.server != server->number)
        return;
    arc__event_watch_close(sim->follower.watch);
    sim->follower.watch = NULL;
}

static uint64_t hash_text(arc_slice text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (uint8_t)text.ptr[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* Looks at up to so many events. */
static void watch(struct sim *sim, struct watcher *watcher, uint32_t most)
{
    const struct arc_event *event = NULL;
    const struct shadow *shadow = sim->shadow;
    for (uint32_t i = 0; i < most && watcher->watch != NULL; i++) {
        if (arc__event_watch_next(watcher->watch, &event, NULL) != ARC_OK)
            return;
        if (event->position != watcher->seen + 1 || event->position > shadow->position) {
            broke(sim, INV_I14, "a watcher sees event %lld after %lld, %lld are stored",
                  (long long)event->position, (long long)watcher->seen,
                  (long long)shadow->position);
            return;
        }
        watcher->seen = event->position;
        const struct seen_event *stored = &shadow->events[event->position];
        arc_slice stream = event->run_id.len > 0        ? event->run_id
                           : event->pipeline_id.len > 0 ? event->pipeline_id
                                                        : event->agent_id;
        if (stored->seq != event->seq || stored->stream != hash_text(stream))
            broke(sim, INV_I14,
                  "a watcher sees another event at %lld than is stored: seq %lld of %.*s, not %lld",
                  (long long)event->position, (long long)event->seq, ARC_ARG(stream),
                  (long long)stored->seq);
    }
}

static void follow_next(struct sim *sim)
{
    struct follower *follower = &sim->follower;
    const struct shadow_run *run = &sim->shadow->runs[follower->run];
    if (!shadow_run_over(run) || follower->seq != run->seq)
        return;
    reached(sim, GOAL_FOLLOWED);
    arc__event_watch_close(follower->watch);
    *follower = (struct follower){.run = follower->run + 1};
}

/* What is of the run comes in its order, whole, and after its last event nothing. */
static void follow(struct sim *sim)
{
    struct follower *follower = &sim->follower;
    const struct arc_event *event = NULL;
    if (follower->run >= sim->shadow->run_count)
        return;
    if (follower->watch == NULL)
        server_pick(sim, &sim->watch_dice);
    else
        sim->server = &sim->servers[follower->server];
    if (!server_awake(sim->server))
        return;
    const struct shadow_run *run = &sim->shadow->runs[follower->run];
    if (follower->watch == NULL) {
        struct arc_watch_filter filter = {.run_id = arc__slice_cstr(run->id),
                                          .after = follower->seen};
        follower->server = sim->server->number;
        (void)arc__event_watch_open(sim->server->engine, &filter, ignore, NULL, &follower->watch,
                                    NULL);
    }
    while (follower->watch != NULL &&
           arc__event_watch_next(follower->watch, &event, NULL) == ARC_OK) {
        if (!arc__slice_is(event->run_id, run->id) || event->seq != follower->seq + 1 ||
            event->seq > run->seq)
            broke(sim, INV_I14, "who follows run %u sees event %lld of %.*s after %lld",
                  follower->run, (long long)event->seq, ARC_ARG(event->run_id),
                  (long long)follower->seq);
        if (sim->broken)
            return;
        follower->seq = event->seq;
        follower->seen = event->position;
    }
    follow_next(sim);
}

/* Of several servers it goes to another one now and then, with its cursor. */
static void wander(struct sim *sim)
{
    struct watcher *watcher = &sim->watchers[roll(&sim->watch_dice, WATCHERS_MAX)];
    if (roll(&sim->watch_dice, 8) != 0)
        return;
    arc__event_watch_close(watcher->watch);
    watcher->watch = NULL;
    if (roll(&sim->watch_dice, 2)) {
        arc__event_watch_close(sim->follower.watch);
        sim->follower.watch = NULL;
    }
    reached(sim, GOAL_WANDERED);
}

void watcher_act(struct sim *sim, uint32_t number)
{
    if (is_shared(sim))
        wander(sim);
    if (number == 0)
        follow(sim);
    struct watcher *watcher = &sim->watchers[number];
    int slow = sim->fault[FAULT_SLOW_WATCH] && number > 0 && !sim->healing;
    if (watcher->watch == NULL)
        server_pick(sim, &sim->watch_dice);
    else
        sim->server = &sim->servers[watcher->server];
    if (server_awake(sim->server) && watcher->watch == NULL)
        open_watch(sim->server, watcher);
    if (slow && !chance(&sim->watch_dice, 200))
        return;
    if (sim->shadow->position - watcher->seen > 20)
        reached(sim, GOAL_SLOW_WATCHER);
    if (server_awake(sim->server))
        watch(sim, watcher, slow ? 3 : 1000);
}

int watchers_idle(const struct sim *sim)
{
    for (uint32_t i = 0; i < WATCHERS_MAX; i++) {
        if (sim->watchers[i].seen != sim->shadow->position)
            return 0;
    }
    return sim->follower.run >= sim->shadow->run_count;
}
