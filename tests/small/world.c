/* SPDX-License-Identifier: Apache-2.0 */
/* One world in one piece of memory, its log, and what a server makes of that log when it starts. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "small.h"
#include "spec/spec.h"

#define PLAN_BYTES (16u * 1024 * 1024)

const char *const plant_names[PLANT_COUNT] = {
#define PLANT_WORD(name, word) word,
    PLANTS(PLANT_WORD)};

/* --- memory ---------------------------------------------------------------------------------- */

struct piece {
    size_t size;
    size_t unused; /* so that what follows is aligned to 16 */
};

/* From a heap that only grows, and is thrown away whole. */
static void *carve(char *heap, uint32_t *used, void *ptr, size_t size)
{
    struct piece *piece = (struct piece *)(void *)(heap + *used);
    size_t rounded = (size + 15) & ~(size_t)15;
    if (size == 0 || *used + sizeof(*piece) + rounded > HEAP_BYTES)
        return NULL;
    *piece = (struct piece){rounded, 0};
    *used += (uint32_t)(sizeof(*piece) + rounded);
    void *bytes = piece + 1;
    memset(bytes, 0, rounded);
    if (ptr != NULL) {
        const struct piece *old = (const struct piece *)ptr - 1;
        memcpy(bytes, ptr, old->size < size ? old->size : size);
    }
    return bytes;
}

static void *alloc_world(void *user, void *ptr, size_t size)
{
    struct lab *lab = user;
    return carve((char *)(lab->world + 1), &lab->world->heap_used, ptr, size);
}

static void *alloc_second(void *user, void *ptr, size_t size)
{
    struct lab *lab = user;
    return carve(lab->second_heap, &lab->second_used, ptr, size);
}

/* --- what is wrong --------------------------------------------------------------------------- */

void broke(struct lab *lab, const char *which, const char *format, ...)
{
    va_list list;
    if (lab->wrong[0] != '\0')
        return;
    int len = snprintf(lab->wrong, sizeof(lab->wrong), "%s: ", which);
    va_start(list, format);
    (void)vsnprintf(lab->wrong + len, sizeof(lab->wrong) - (size_t)len, format, list);
    va_end(list);
}

/* --- names and times ------------------------------------------------------------------------- */

arc_slice agent_name(uint32_t agent)
{
    return agent == 0 ? ARC_LIT("A0") : ARC_LIT("A1");
}

int agent_of(arc_slice name)
{
    return name.len == 2 && name.ptr[0] == 'A' ? name.ptr[1] - '0' : -1;
}

static arc_slice actor_name(uint32_t actor)
{
    return actor == 1 ? ARC_LIT("ann") : actor == 2 ? ARC_LIT("bob") : ARC_NONE;
}

static uint8_t actor_of(arc_slice name)
{
    return arc__slice_is(name, "ann") ? 1 : arc__slice_is(name, "bob") ? 2 : 0;
}

struct arc_now world_now(const struct lab *lab)
{
    int64_t ns = lab->world->now * (int64_t)UNIT_NS;
    return (struct arc_now){(uint64_t)(MONO_BASE_NS + ns), WALL_BASE_NS + ns};
}

uint16_t units_of(struct lab *lab, int64_t wall_ns)
{
    int64_t ns = wall_ns - WALL_BASE_NS;
    if (wall_ns == 0)
        return 0;
    if (ns % UNIT_NS != 0 || ns < 0 || ns / UNIT_NS > UINT16_MAX)
        broke(lab, "time", "%lld ns is no number of units", (long long)ns);
    return (uint16_t)(ns / UNIT_NS);
}

static int64_t wall_of(uint16_t units)
{
    return units == 0 ? 0 : WALL_BASE_NS + units * (int64_t)UNIT_NS;
}

struct arc_step_state *present_step(struct lab *lab, uint32_t job)
{
    struct arc_job_state *state = &lab->world->run.jobs[job];
    return state->step < lab->plan->jobs[job].step_count ? &state->steps[state->step] : NULL;
}

int is_granted(const struct arc_step_state *step)
{
    return step != NULL && (step->status == S_QUEUED || step->status == S_RUNNING);
}

/* --- where ids and fences come from ---------------------------------------------------------- */

static void write_id(arc_id *out, uint32_t number)
{
    memset(out->text, '0', ARC_ULID_LEN);
    out->text[ARC_ULID_LEN] = '\0';
    for (size_t at = ARC_ULID_LEN; number > 0; number /= 10)
        out->text[--at] = (char)('0' + number % 10);
}

static uint16_t id_number(const arc_id *id)
{
    uint32_t number = 0;
    for (size_t at = ARC_ULID_LEN - 5; at < ARC_ULID_LEN; at++)
        number = number * 10 + (uint32_t)(id->text[at] - '0');
    return (uint16_t)number;
}

static arc_status next_id(void *user, arc_id *out, arc_err *err)
{
    struct lab *lab = user;
    (void)err;
    write_id(out, ++lab->world->ids);
    return ARC_OK;
}

static arc_status next_fence(void *user, uint64_t above, uint64_t *out, arc_err *err)
{
    struct lab *lab = user;
    (void)above;
    (void)err;
    if (lab->plant != PLANT_SAME_FENCE || lab->world->fences < 2)
        lab->world->fences++;
    if (lab->world->fences >= GRANTS_MAX)
        broke(lab, "world", "more than %d grants", GRANTS_MAX);
    *out = lab->world->fences;
    return ARC_OK;
}

static uint64_t next_random(void *user, uint64_t bound)
{
    (void)user;
    return bound / 2;
}

void world_decide(struct lab *lab, struct arc_decision *d)
{
    struct arc_source source = {lab, next_id, next_fence, next_random};
    arc__arena_reset(&lab->arena);
    arc__decision_init(d, &lab->rules, source, world_now(lab), &lab->arena);
}

/* --- the log --------------------------------------------------------------------------------- */

static void write_record(struct lab *lab, const struct arc_event *event)
{
    struct world *world = lab->world;
    int64_t until = 0;
    if (world->log_count == LOG_MAX) {
        broke(lab, "world", "more than %d events", LOG_MAX);
        return;
    }
    if (event->type == ARC_EVENT_STEP_RETRYING || event->type == ARC_EVENT_JOB_RETRYING)
        until = event->not_before_ns;
    if (event->type == ARC_EVENT_APPROVAL_REQUESTED)
        until = event->expires_ns;
    world->log[world->log_count++] = (struct record){
        .type = (uint8_t)event->type,
        .agent = (uint8_t)(1 + agent_of(event->agent_id)),
        .job = (int8_t)event->job,
        .step = (int8_t)event->step,
        .attempt = (uint8_t)event->attempt,
        .cause = (uint8_t)event->cause,
        .force = (uint8_t)event->force,
        .gate = (uint8_t)event->gate,
        .exit_code = (int8_t)event->exit_code,
        .actor = actor_of(event->actor),
        .at = units_of(lab, event->time_ns),
        .until = event->grace_ns > 0 ? (uint16_t)(event->grace_ns / UNIT_NS) : units_of(lab, until),
        .fence = (uint16_t)event->fence,
        .ids = event->step_id_count > 0 ? id_number(&event->step_ids[0]) : 0,
    };
}

void world_store(struct lab *lab, const struct arc_decision *d)
{
    for (size_t i = 0; i < d->count && lab->wrong[0] == '\0'; i++) {
        if (lab->plant != PLANT_EVENT_NOT_STORED || d->events[i]->type != ARC_EVENT_STEP_COMPLETED)
            write_record(lab, d->events[i]);
        rules_event(lab, d->events[i]);
    }
}

static arc_status fold_birth(struct lab *lab, struct arc_run *run, int64_t wall_to_mono)
{
    arc_id job_ids[SMALL_JOBS], step_ids[SMALL_JOBS * SMALL_STEPS];
    uint32_t number = 0, steps = 0;
    for (uint32_t j = 0; j < lab->plan->job_count; j++) {
        write_id(&job_ids[j], ++number);
        steps += lab->plan->jobs[j].step_count;
    }
    for (uint32_t i = 0; i < steps; i++)
        write_id(&step_ids[i], ++number);
    const struct arc_birth birth = {.plan = lab->plan,
                                    .attempt = 1,
                                    .number = 1,
                                    .trigger_type = 1,
                                    .job_ids = job_ids,
                                    .step_ids = step_ids,
                                    .step_id_count = steps};
    const struct arc_event event = {.type = ARC_EVENT_PIPELINE_TRIGGERED,
                                    .seq = 1,
                                    .time_ns = wall_of(lab->world->log[0].at),
                                    .run_id = ARC_LIT("RUN"),
                                    .job = -1,
                                    .step = -1,
                                    .birth = &birth};
    return arc__run_fold(run, &event, wall_to_mono, NULL);
}

static arc_status fold_record(struct lab *lab, struct arc_run *run, uint32_t i, int64_t to_mono)
{
    const struct record *record = &lab->world->log[i];
    arc_id ids[SMALL_STEPS];
    struct arc_event event = {.type = (enum arc_event_type)record->type,
                              .seq = (int64_t)i + 1,
                              .time_ns = wall_of(record->at),
                              .job = record->job,
                              .step = record->step,
                              .attempt = record->attempt,
                              .cause = record->cause,
                              .force = record->force,
                              .gate = record->gate,
                              .exit_code = record->exit_code,
                              .fence = record->fence,
                              .actor = actor_name(record->actor),
                              .agent_id =
                                  record->agent > 0 ? agent_name(record->agent - 1u) : ARC_NONE};
    switch (event.type) {
    case ARC_EVENT_PIPELINE_TRIGGERED:
        return fold_birth(lab, run, to_mono);
    case ARC_EVENT_STEP_RETRYING:
        event.not_before_ns = wall_of(record->until);
        break;
    case ARC_EVENT_JOB_RETRYING:
        event.not_before_ns = wall_of(record->until);
        event.step_ids = ids;
        event.step_id_count = lab->plan->jobs[record->job].step_count;
        for (uint32_t s = 0; s < event.step_id_count; s++)
            write_id(&ids[s], record->ids + s);
        break;
    case ARC_EVENT_APPROVAL_REQUESTED:
        event.expires_ns = wall_of(record->until);
        break;
    case ARC_EVENT_PIPELINE_STOPPING:
    case ARC_EVENT_JOB_STOPPING:
    case ARC_EVENT_STEP_STOPPING:
        event.grace_ns = record->until * (int64_t)UNIT_NS;
        break;
    default:
        break;
    }
    return arc__run_fold(run, &event, to_mono, NULL);
}

static int fold_log(struct lab *lab, struct arc_run *run)
{
    struct arc_now now = world_now(lab);
    for (uint32_t i = 0; i < lab->world->log_count; i++) {
        if (fold_record(lab, run, i, (int64_t)now.mono_ns - now.wall_ns) != ARC_OK) {
            broke(lab, "I16", "event %u of the log cannot be folded", i + 1);
            return 0;
        }
    }
    return 1;
}

int world_fold(struct lab *lab)
{
    const struct arc_mem mem = {lab, alloc_second};
    lab->second_used = 0;
    arc__run_init(&lab->second, &mem);
    return fold_log(lab, &lab->second);
}

void world_restart(struct lab *lab)
{
    const struct arc_mem mem = {lab, alloc_world};
    lab->world->heap_used = 0;
    arc__run_init(&lab->world->run, &mem);
    (void)fold_log(lab, &lab->world->run);
}

/* --- a laboratory ---------------------------------------------------------------------------- */

static const struct arc_plan *make_plan(const char *yaml, struct arc_arena *arena)
{
    const struct arc_plan *plan = NULL;
    const struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual")};
    const struct arc_read_options to_run = {.runnable = 1};
    struct arc_diags diags = {0};
    struct arc_spec *spec = NULL;
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc__spec_read(arc__slice_cstr(yaml), ARC_FORMAT_YAML, ARC_NONE, &to_run,
                                       arena, &diags, &spec, &err);
    if (status == ARC_OK)
        status = arc__plan_build(spec, &inputs, arena, &diags, &plan, &err);
    for (const struct arc_diag *diag = diags.first; status != ARC_OK && diag; diag = diag->next)
        printf("# %u:%u %.*s\n", diag->mark.line, diag->mark.column, ARC_ARG(diag->message));
    return status == ARC_OK ? plan : NULL;
}

/* Larger ones would want larger structs. */
static int plan_fits(const struct arc_plan *plan)
{
    int fits = plan != NULL && plan->job_count <= SMALL_JOBS && plan->gate_count <= SMALL_GATES;
    for (uint32_t j = 0; fits && j < plan->job_count; j++)
        fits = plan->jobs[j].step_count <= SMALL_STEPS;
    return fits;
}

int lab_open(struct lab *lab, const struct world_def *def, enum plant plant)
{
    const struct arc_mem mem = arc__mem_default();
    *lab = (struct lab){.def = def, .plant = plant};
    arc__arena_init(&lab->plans, &mem, PLAN_BYTES);
    arc__arena_init(&lab->arena, &mem, PLAN_BYTES);
    lab->rules = (struct arc_rules){.lease_ttl_ns = TTL_UNITS * UNIT_NS,
                                    .stop_grace_ns = GRACE_UNITS * UNIT_NS,
                                    .stop_settle_ns = SETTLE_UNITS * UNIT_NS,
                                    .finally_ns = FINALLY_UNITS * UNIT_NS,
                                    .lost_retries_max = LOST_MOST};
    lab->plan = make_plan(def->text, &lab->plans);
    lab->world = calloc(1, sizeof(struct world) + HEAP_BYTES);
    lab->second_heap = calloc(1, HEAP_BYTES);
    return plan_fits(lab->plan) && lab->world != NULL && lab->second_heap != NULL;
}

void lab_close(struct lab *lab)
{
    free(lab->world);
    free(lab->second_heap);
    arc__arena_deinit(&lab->arena);
    arc__arena_deinit(&lab->plans);
}

void lab_begin(struct lab *lab)
{
    const struct arc_mem mem = {lab, alloc_world};
    struct arc_decision d;
    struct arc_create create = {.birth = {.plan = lab->plan, .number = 1, .trigger_type = 1}};
    struct world *world = lab->world;
    memset(world, 0, sizeof(*world) + HEAP_BYTES);
    (void)snprintf(create.run_id.text, sizeof(create.run_id.text), "RUN");
    world->now = 1;
    world->bads_left = (uint8_t)lab->def->bads_most;
    world->asks_left = (uint8_t)lab->def->asks_most;
    for (uint32_t a = 0; a < SMALL_AGENTS; a++) {
        world->agents[a] = (struct agent){.up = 1, .life = 1};
        world->desk[a] = (struct desk_agent){1, 1};
    }
    arc__run_init(&world->run, &mem);
    world_decide(lab, &d);
    if (arc__decide_create(&d, &world->run, &create, NULL) != ARC_OK)
        broke(lab, "world", "the run cannot be made");
    world_store(lab, &d);
    rules_state(lab);
}
