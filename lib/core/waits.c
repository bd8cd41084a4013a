/* SPDX-License-Identifier: Apache-2.0 */
#include "core/waits.h"

#include "core/decide_private.h"

/* --- the list ------------------------------------------------------------------------ */

#define REASON_SENTENCE(name, number, word, sentence) [number] = sentence,
#define REASON_WORD(name, number, word, sentence) [number] = word,
static const char *const sentences[] = {ARC_REASONS(REASON_SENTENCE)};
static const char *const words[] = {ARC_REASONS(REASON_WORD)};

const char *arc_reason_name(int reason)
{
    return reason > ARC_REASON_NONE && reason < ARC_REASON_COUNT ? words[reason] : "";
}

const char *arc_assumption_text(int assumption)
{
#define ASSUMED(name, number, word, sentence) \
    case number: \
        return sentence;
    switch (assumption) {
        ARC_ASSUMPTIONS(ASSUMED)
    default:
        return "";
    }
}

void arc__waits_init(struct arc_waits *waits, struct arc_arena *arena, size_t max, uint32_t alike)
{
    *waits = (struct arc_waits){.arena = arena, .max = max, .alike = alike, .job = -1, .step = -1};
}

void arc__waits_of(struct arc_waits *waits, int32_t job, int32_t step)
{
    waits->job = job;
    waits->step = step;
}

static arc_slice line_text(const struct arc_wait *wait, struct arc_arena *arena)
{
    if (wait->of == 0)
        return ARC_NONE;
    if (wait->count == 0)
        return ARC_LIT("it is next");
    return arc__arena_printf(arena, wait->count == 1 ? "%u is before it" : "%u are before it",
                             wait->count);
}

/* The value of one field in a sentence; empty: it has none. */
static arc_slice field_text(const struct arc_wait *wait, arc_slice field, struct arc_arena *arena)
{
    const struct {
        const char *name;
        uint32_t number;
    } numbers[] = {{"of", wait->of}, {"more", wait->more}};
    if (arc__slice_is(field, "name"))
        return wait->name;
    if (arc__slice_is(field, "text"))
        return wait->text;
    if (arc__slice_is(field, "line"))
        return line_text(wait, arena);
    if (arc__slice_is(field, "count"))
        return arc__arena_printf(arena, "%u", wait->count);
    for (size_t i = 0; i < ARC_COUNT_OF(numbers); i++) {
        if (arc__slice_is(field, numbers[i].name) && numbers[i].number > 0)
            return arc__arena_printf(arena, "%u", numbers[i].number);
    }
    return ARC_NONE;
}

/* *last: what the last field in it came to. */
static arc_slice fill(const struct arc_wait *wait, arc_slice text, struct arc_arena *arena,
                      arc_slice *last)
{
    arc_slice out = ARC_NONE, rest;
    while (text.len > 0) {
        arc_slice plain = arc__slice_cut(text, '{', &rest);
        out = arc__arena_printf(arena, "%.*s%.*s", ARC_ARG(out), ARC_ARG(plain));
        if (plain.len == text.len)
            break;
        *last = field_text(wait, arc__slice_cut(rest, '}', &text), arena);
        out = arc__arena_printf(arena, "%.*s%.*s", ARC_ARG(out), ARC_ARG(*last));
    }
    return out;
}

static arc_slice sentence(const struct arc_wait *wait, struct arc_arena *arena)
{
    arc_slice text = arc__slice_cstr(sentences[wait->kind]), out = ARC_NONE, rest, last = ARC_NONE;
    if (memchr(text.ptr, '{', text.len) == NULL)
        return text;
    while (text.len > 0) {
        arc_slice plain = arc__slice_cut(text, '[', &rest);
        out = arc__arena_printf(arena, "%.*s%.*s", ARC_ARG(out),
                                ARC_ARG(fill(wait, plain, arena, &last)));
        if (plain.len == text.len)
            break;
        arc_slice part = fill(wait, arc__slice_cut(rest, ']', &text), arena, &last);
        if (last.len > 0)
            out = arc__arena_printf(arena, "%.*s%.*s", ARC_ARG(out), ARC_ARG(part));
    }
    return out;
}

static int room_for_one(struct arc_waits *waits)
{
    if (waits->count == waits->max) {
        waits->left_out++;
        return 0;
    }
    if (waits->count < waits->capacity)
        return 1;
    size_t capacity = waits->capacity > 0 ? waits->capacity * 2 : 8;
    struct arc_wait *items = arc__arena_array(waits->arena, capacity, sizeof(*items));
    if (items == NULL)
        return 0; /* the arena remembers */
    if (waits->count > 0)
        memcpy(items, waits->items, waits->count * sizeof(*items));
    waits->items = items;
    waits->capacity = capacity;
    return 1;
}

/* 1: there are enough of its kind about this object; the last of them counts it. */
static int counted(struct arc_waits *waits, const struct arc_wait *wait)
{
    uint32_t alike = 0;
    for (size_t i = waits->count; i > 0; i--) {
        const struct arc_wait *at = &waits->items[i - 1];
        if (at->job != waits->job || at->step != waits->step || at->kind != wait->kind)
            break;
        alike++;
        if (alike < waits->alike)
            continue;
        struct arc_wait *last = &waits->items[waits->count - 1];
        last->more += 1 + wait->more;
        arc__waits_retell(waits, last);
        return 1;
    }
    return 0;
}

void arc__waits_retell(struct arc_waits *waits, struct arc_wait *wait)
{
    wait->sentence = sentence(wait, waits->arena);
}

void arc__waits_add(struct arc_waits *waits, struct arc_wait wait)
{
    if (counted(waits, &wait) || !room_for_one(waits))
        return;
    struct arc_wait *out = &waits->items[waits->count++];
    *out = wait;
    out->job = waits->job;
    out->step = waits->step;
    out->name = arc__arena_copy(waits->arena, wait.name);
    out->id = arc__arena_copy(waits->arena, wait.id);
    out->text = arc__arena_copy(waits->arena, wait.text);
    arc__waits_retell(waits, out);
}

/* --- what holds a run ---------------------------------------------------------------- */

static int64_t to_wall(struct arc_now now, uint64_t mono)
{
    if (mono == 0 || mono == UINT64_MAX || now.mono_ns == 0)
        return 0;
    return now.wall_ns + (int64_t)(mono - now.mono_ns);
}

static int waits_at(const struct arc_run *run, uint32_t gate)
{
    return gate != 0 && run->gates[gate - 1].status == ARC_GATE_WAITING;
}

/* more: gates besides this one that are not listed. */
static void add_gate(const struct arc_run *run, uint32_t gate, uint32_t more, struct arc_waits *out)
{
    const struct arc_plan_gate *def = &run->plan->gates[gate - 1];
    const struct arc_gate_state *state = &run->gates[gate - 1];
    struct arc_wait wait = {.kind = ARC_REASON_GATE,
                            .name = arc__gate_shown(run->plan, gate, out->arena),
                            .id = arc__gate_name(run->plan, gate, out->arena),
                            .more = more,
                            .since_ns = state->requested_ns,
                            .until_ns = state->expires_ns};
    if (def->automatic) {
        wait.kind = ARC_REASON_PLUGIN;
        wait.text = def->plugin;
    } else if (def->count > 1 && more == 0) {
        wait.count = state->approvals;
        wait.of = def->count;
    }
    arc__waits_add(out, wait);
}

static void add_group(const struct arc_plan_group *group, int kind, int64_t since_ns,
                      struct arc_waits *out)
{
    arc__waits_add(out,
                   (struct arc_wait){.kind = kind, .name = group->group, .since_ns = since_ns});
}

static void add_paused(const struct arc_run *run, struct arc_now now, struct arc_waits *out)
{
    arc__waits_add(out, (struct arc_wait){.kind = ARC_REASON_PAUSED,
                                          .id = arc__id_slice(&run->id),
                                          .since_ns = to_wall(now, run->paused_mono_ns)});
}

static void add_ended(const char *state, arc_slice why, int64_t ended_ns, struct arc_waits *out)
{
    arc__waits_add(out, (struct arc_wait){.kind = ARC_REASON_ENDED,
                                          .name = arc__slice_cstr(state),
                                          .text = why,
                                          .since_ns = ended_ns});
}

static void add_stopping(arc_slice why, int64_t since_ns, struct arc_waits *out)
{
    arc__waits_add(
        out, (struct arc_wait){.kind = ARC_REASON_STOPPING, .text = why, .since_ns = since_ns});
}

/* A delay that is over by now is none. */
static void add_retry(uint64_t not_before, struct arc_now now, struct arc_waits *out)
{
    if (not_before > now.mono_ns)
        arc__waits_add(
            out, (struct arc_wait){.kind = ARC_REASON_RETRY, .until_ns = to_wall(now, not_before)});
}

void arc__wait_run(const struct arc_run *run, struct arc_now now, struct arc_waits *out)
{
    arc__waits_of(out, -1, -1);
    if (run->plan == NULL)
        return;
    if (arc__run_over(run)) {
        add_ended(arc_run_state_name(run->status), run->reason, run->ended_ns, out);
        return;
    }
    if (run->stopping) {
        add_stopping(run->reason, to_wall(now, run->stop_mono_ns), out);
        return;
    }
    for (uint32_t i = 0; run->gates_waiting > 0 && i < run->plan->gate_count; i++) {
        if (waits_at(run, i + 1))
            add_gate(run, i + 1, 0, out);
    }
    if (arc__run_wants_slot(run))
        add_group(&run->plan->group, ARC_REASON_GROUP, run->plan->gate == 0 ? run->created_ns : 0,
                  out);
    if (run->status == ARC_RUN_PAUSED)
        add_paused(run, now, out);
    else if (run->jobs_running == 0)
        arc__waits_add(out, (struct arc_wait){.kind = ARC_REASON_IDLE,
                                              .count = run->jobs_open,
                                              .since_ns = run->started_any ? 0 : run->created_ns});
}

/* --- what holds a job ---------------------------------------------------------------- */

static void add_deps(const struct arc_run *run, uint32_t j, struct arc_waits *out)
{
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    uint32_t open = run->jobs[j].blockers;
    for (uint32_t i = 0; open > 0 && i < plan->dep_count; i++) {
        uint32_t dep = plan->deps[i];
        if (arc_job_state_is_terminal(run->jobs[dep].status))
            continue;
        open--;
        struct arc_wait wait = {.kind = ARC_REASON_DEPENDENCY,
                                .name = run->plan->jobs[dep].key,
                                .id = arc__id_slice(&run->jobs[dep].id),
                                .since_ns = run->created_ns};
        if (out->alike == 1) { /* one is told: the others need not be looked at */
            wait.more = open;
            open = 0;
        }
        arc__waits_add(out, wait);
    }
}

static void add_matrix(const struct arc_run *run, uint32_t j, struct arc_waits *out)
{
    const struct arc_plan_matrix *matrix = &run->plan->matrices[run->plan->jobs[j].matrix - 1];
    arc__waits_add(out, (struct arc_wait){.kind = ARC_REASON_MATRIX,
                                          .name = matrix->name,
                                          .count = run->matrix_busy[run->plan->jobs[j].matrix - 1],
                                          .of = matrix->max_parallel});
}

static void wait_pending(const struct arc_run *run, uint32_t j, struct arc_now now,
                         struct arc_waits *out)
{
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    const struct arc_plan_stage *stages = run->plan->stages;
    const uint32_t inner[] = {stages[plan->stage].gate, plan->gate};
    if (waits_at(run, run->plan->gate))
        add_gate(run, run->plan->gate, 0, out);
    if (arc__run_wants_slot(run))
        add_group(&run->plan->group, ARC_REASON_RUN, 0, out);
    if (plan->stage > run->stage)
        arc__waits_add(out, (struct arc_wait){.kind = ARC_REASON_STAGE,
                                              .name = stages[run->stage].name,
                                              .since_ns = run->created_ns});
    add_deps(run, j, out);
    for (size_t i = 0; i < ARC_COUNT_OF(inner); i++) {
        if (waits_at(run, inner[i]))
            add_gate(run, inner[i], 0, out);
    }
    if (run->status == ARC_RUN_PAUSED)
        add_paused(run, now, out);
    if (!arc__has_room(run, j))
        add_matrix(run, j, out);
    add_retry(run->jobs[j].not_before_mono_ns, now, out);
}

/* The present step of a job that has a place. */
static void wait_present(const struct arc_run *run, uint32_t j, uint32_t s, struct arc_now now,
                         struct arc_waits *out)
{
    const struct arc_step_state *step = &run->jobs[j].steps[s];
    if (step->status == ARC_STEP_QUEUED)
        arc__waits_add(out, (struct arc_wait){.kind = ARC_REASON_HANDED,
                                              .name = step->agent_id,
                                              .id = step->agent_id,
                                              .since_ns = step->queued_ns});
    else if (run->status == ARC_RUN_PAUSED)
        add_paused(run, now, out);
    if (step->status == ARC_STEP_PENDING)
        add_retry(step->not_before_mono_ns, now, out);
}

static void wait_queued(const struct arc_run *run, uint32_t j, struct arc_now now,
                        struct arc_waits *out)
{
    const struct arc_plan_job *plan = &run->plan->jobs[j];
    const struct arc_job_state *job = &run->jobs[j];
    struct arc_wait wait = {.kind = ARC_REASON_PLACE, .since_ns = job->queued_ns};
    if (job->agent_id.len > 0) {
        if (job->step < plan->step_count)
            wait_present(run, j, job->step, now, out);
        return;
    }
    if (run->status == ARC_RUN_PAUSED) {
        add_paused(run, now, out);
        return;
    }
    if (arc__job_lacks_slot(run, j)) {
        wait.kind = ARC_REASON_GROUP;
        wait.name = plan->group.group;
    } else if (job->step < plan->step_count) {
        add_retry(job->steps[job->step].not_before_mono_ns, now, out);
    }
    if (plan->queue_timeout_ns > 0)
        wait.until_ns = to_wall(now, job->queued_mono_ns + (uint64_t)plan->queue_timeout_ns);
    arc__waits_add(out, wait);
}

void arc__wait_job(const struct arc_run *run, uint32_t j, struct arc_now now, struct arc_waits *out)
{
    const struct arc_job_state *job = &run->jobs[j];
    arc__waits_of(out, (int32_t)j, -1);
    if (arc_job_state_is_terminal(job->status))
        add_ended(arc_job_state_name(job->status), job->reason, job->ended_ns, out);
    else if (run->stopping)
        add_stopping(run->reason, to_wall(now, run->stop_mono_ns), out);
    else if (job->stopping)
        add_stopping(job->stop_reason, to_wall(now, job->stop_mono_ns), out);
    else if (job->status == ARC_JOB_PENDING)
        wait_pending(run, j, now, out);
    else if (job->status == ARC_JOB_QUEUED)
        wait_queued(run, j, now, out);
}

/* --- what holds a step --------------------------------------------------------------- */

void arc__wait_step(const struct arc_run *run, uint32_t j, uint32_t s, struct arc_now now,
                    struct arc_waits *out)
{
    const struct arc_job_state *job = &run->jobs[j];
    const struct arc_step_state *step = &job->steps[s];
    arc__waits_of(out, (int32_t)j, (int32_t)s);
    if (arc_step_state_is_terminal(step->status)) {
        add_ended(arc_step_state_name(step->status),
                  step->reason.len > 0 ? step->reason : step->error_message, step->ended_ns, out);
        return;
    }
    if (step->stopping) {
        add_stopping(step->stop_reason, to_wall(now, step->stop_mono_ns), out);
        return;
    }
    if (step->status == ARC_STEP_RUNNING)
        return;
    if (job->agent_id.len == 0)
        arc__waits_add(out, (struct arc_wait){.kind = ARC_REASON_JOB,
                                              .name = run->plan->jobs[j].key,
                                              .id = arc__id_slice(&job->id),
                                              .since_ns = step->created_ns});
    else if (s > job->step)
        arc__waits_add(out, (struct arc_wait){.kind = ARC_REASON_STEP,
                                              .name = run->plan->jobs[j].steps[job->step].name,
                                              .id = arc__id_slice(&job->steps[job->step].id),
                                              .since_ns = step->created_ns});
    else
        wait_present(run, j, s, now, out);
}

/* --- the one sentence of a row ------------------------------------------------------- */

void arc__first_of_run(const struct arc_run *run, struct arc_arena *arena, struct arc_waits *out)
{
    arc__waits_init(out, arena, 1, 1);
    if (run->plan == NULL || run->stopping || arc__run_over(run))
        return;
    for (uint32_t i = 0; run->gates_waiting > 0 && out->count == 0 && i < run->plan->gate_count;
         i++) {
        if (waits_at(run, i + 1))
            add_gate(run, i + 1, run->gates_waiting - 1, out);
    }
    if (out->count == 0 && arc__run_wants_slot(run))
        add_group(&run->plan->group, ARC_REASON_GROUP, 0, out);
}

void arc__first_of_job(const struct arc_run *run, uint32_t j, struct arc_arena *arena,
                       struct arc_waits *out)
{
    const struct arc_job_state *job = &run->jobs[j];
    arc__waits_init(out, arena, 1, 1);
    if (run->stopping || arc__run_over(run))
        return;
    if (job->status == ARC_JOB_PENDING || (job->status == ARC_JOB_QUEUED && job->agent_id.len == 0))
        arc__wait_job(run, j, (struct arc_now){0}, out);
}

arc_slice arc__waits_first(const struct arc_waits *waits)
{
    return waits->count > 0 ? waits->items[0].sentence : ARC_NONE;
}

arc_slice arc__reason_begin(int kind)
{
    return arc__slice(sentences[kind], strcspn(sentences[kind], "{["));
}

arc_slice arc__run_why(const struct arc_run *run, struct arc_arena *arena)
{
    struct arc_waits first;
    arc__first_of_run(run, arena, &first);
    return arc__waits_first(&first);
}

arc_slice arc__job_why(const struct arc_run *run, uint32_t j, struct arc_arena *arena)
{
    struct arc_waits first;
    arc__first_of_job(run, j, arena, &first);
    return arc__waits_first(&first);
}
