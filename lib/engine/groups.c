/* SPDX-License-Identifier: Apache-2.0 */
/* Concurrency groups: whose turn it is among the runs, or the jobs, that name one in a project.
 *
 * The table is read off the open runs and kept in line with them; who holds a slot is in their
 * events (pipeline.admitted, job.admitted), so it is the same after a restart. What a step costs is
 * the logarithm of who waits. See docs/decisions/013. */
#include "engine/engine_private.h"

#define KEY_BYTES_MAX (1024u * 1024u)
#define TOLD_MAX 8u  /* of the line: their rows say how many are before them, at any time */
#define NAMED_MAX 3u /* holders that a sentence names */

/* --- the groups that a run names ----------------------------------------------------- */

static uint32_t count_uses(const struct arc_plan *plan)
{
    uint32_t count = plan->group.group.len > 0;
    for (uint32_t j = 0; j < plan->job_count; j++)
        count += plan->jobs[j].group.group.len > 0;
    return count;
}

static struct slot *add_slot(struct live *live, uint32_t job, const struct arc_plan_group *terms)
{
    struct slot *slot = &live->groups->slots[live->groups->slot_count++];
    *slot = (struct slot){.live = live, .job = job, .terms = terms};
    return slot;
}

arc_status arc__groups_attach(struct live *live, arc_err *err)
{
    const struct arc_plan *plan = live->run.plan;
    struct arc_mem *mem = &live->engine->mem;
    uint32_t uses = live->groups == NULL ? count_uses(plan) : 0;
    if (uses == 0)
        return ARC_OK;
    struct run_groups *groups = arc__alloc(mem, sizeof(*groups));
    if (groups == NULL)
        return arc__fail_nomem(err);
    live->groups = groups;
    groups->slots = arc__alloc_array(mem, uses, sizeof(*groups->slots));
    groups->members = arc__alloc_array(mem, uses, sizeof(*groups->members));
    groups->by_job = arc__alloc_array(mem, plan->job_count, sizeof(struct slot *));
    if (groups->slots == NULL || groups->members == NULL || groups->by_job == NULL)
        return arc__fail_nomem(err);
    if (plan->group.group.len > 0)
        groups->own = add_slot(live, ARC_SLOT_OF_RUN, &plan->group);
    for (uint32_t j = 0; j < plan->job_count; j++) {
        if (plan->jobs[j].group.group.len > 0)
            groups->by_job[j] = add_slot(live, j, &plan->jobs[j].group);
    }
    return ARC_OK;
}

static void note_newcomer(struct slot *slot, const struct arc_event *event)
{
    slot->since = slot->came = event->position;
}

void arc__groups_note(struct live *live, const struct arc_event *event)
{
    struct run_groups *groups = live->groups;
    if (groups == NULL)
        return;
    struct slot *slot = event->job >= 0 ? groups->by_job[event->job] : groups->own;
    if (event->type == ARC_EVENT_PIPELINE_TRIGGERED)
        groups->created = event->position;
    for (uint32_t i = 0; event->type == ARC_EVENT_PIPELINE_RESUMED && i < groups->slot_count; i++)
        groups->slots[i].came = event->position;
    if (slot == NULL)
        return;
    switch (event->type) {
    case ARC_EVENT_JOB_QUEUED:
    case ARC_EVENT_PIPELINE_TRIGGERED:
        note_newcomer(slot, event);
        break;
    case ARC_EVENT_APPROVAL_APPROVED:
        if (event->gate == live->run.plan->gate)
            note_newcomer(slot, event);
        break;
    case ARC_EVENT_JOB_ADMITTED:
    case ARC_EVENT_PIPELINE_ADMITTED:
        slot->held = event->position;
        break;
    default:
        break;
    }
}

/* They stay in their order: whatever else stands beside them is older. */
static void shift(int64_t *position, int64_t first, int64_t by)
{
    if (*position > first)
        *position += by;
}

void arc__groups_shift(struct live *live, int64_t first, int64_t by)
{
    struct run_groups *groups = live->groups;
    if (groups == NULL)
        return;
    shift(&groups->created, first, by);
    for (uint32_t i = 0; i < groups->slot_count; i++) {
        shift(&groups->slots[i].since, first, by);
        shift(&groups->slots[i].came, first, by);
        shift(&groups->slots[i].held, first, by);
    }
}

/* --- groups -------------------------------------------------------------------------- */

static void mark(struct group *group)
{
    if (!arc__list_linked(&group->due))
        arc__list_add_tail(&group->engine->groups_due, &group->due);
    if (!arc__list_linked(&group->told))
        arc__list_add_tail(&group->engine->groups_told, &group->told);
}

static void drop_group(struct group *group)
{
    struct arc_engine *engine = group->engine;
    arc__list_remove(&group->due);
    arc__list_remove(&group->told);
    (void)arc__map_remove(&engine->groups, group->key);
    arc__heap_deinit(&group->members);
    arc__free(&engine->mem, group);
}

/* Project, kind and name: a whole run and a job never wait for each other. */
static arc_status make_key(const struct slot *slot, struct arc_buf *key, arc_err *err)
{
    arc__buf_add_slice(key, slot->live->run.birth->project_id);
    arc__buf_add_slice(key, slot->job == ARC_SLOT_OF_RUN ? ARC_LIT("\nrun\n") : ARC_LIT("\njob\n"));
    arc__buf_add_slice(key, slot->terms->group);
    return arc__buf_check(key, err);
}

static arc_status new_group(struct arc_engine *engine, arc_slice key, size_t name_len,
                            struct group **out, arc_err *err)
{
    struct group *group = arc__alloc(&engine->mem, sizeof(*group) + key.len);
    if (group == NULL)
        return arc__fail_nomem(err);
    char *text = (char *)(group + 1);
    memcpy(text, key.ptr, key.len);
    group->engine = engine;
    group->order = ARC_ORDER_CREATED;
    group->key = arc__slice(text, key.len);
    group->name = arc__slice_from(group->key, key.len - name_len);
    arc__heap_init(&group->members, &engine->mem);
    arc__list_init(&group->fresh);
    arc_status status = arc__map_put(&engine->groups, key, group, NULL, err);
    if (status != ARC_OK) {
        arc__free(&engine->mem, group);
        return status;
    }
    *out = group;
    return ARC_OK;
}

static arc_status find_group(const struct slot *slot, struct group **out, arc_err *err)
{
    struct arc_engine *engine = slot->live->engine;
    struct arc_buf key;
    arc__buf_init(&key, &engine->mem, KEY_BYTES_MAX);
    arc_status status = make_key(slot, &key, err);
    if (status == ARC_OK) {
        *out = arc__map_get(&engine->groups, arc__buf_slice(&key));
        if (*out == NULL)
            status = new_group(engine, arc__buf_slice(&key), slot->terms->group.len, out, err);
    }
    arc__buf_deinit(&key);
    return status;
}

static arc_status new_member(struct slot *slot, struct group *group, arc_err *err)
{
    struct run_groups *groups = slot->live->groups;
    struct member *member = &groups->members[groups->member_count];
    *member = (struct member){
        .live = slot->live, .limit = slot->terms->limit, .order = slot->terms->order};
    ARC_TRY(
        arc__heap_arm(&group->members, &member->age, UINT64_MAX - (uint64_t)groups->created, err));
    member->group = group;
    group->joined = member;
    groups->member_count++;
    return ARC_OK;
}

/* A run that names a group at several places is one member, with the smallest of its limits. */
static arc_status join_group(struct slot *slot, arc_err *err)
{
    struct group *group = NULL;
    ARC_TRY(find_group(slot, &group, err));
    if (group->joined == NULL || group->joined->live != slot->live) {
        arc_status status = new_member(slot, group, err);
        if (status != ARC_OK) {
            if (group->members.count == 0)
                drop_group(group);
            return status;
        }
    }
    if (slot->terms->limit < group->joined->limit)
        group->joined->limit = slot->terms->limit;
    slot->group = group;
    mark(group);
    return ARC_OK;
}

/* The terms of the newest run that is open. */
static const struct member *terms_of(const struct group *group)
{
    return ARC_CONTAINER(arc__heap_peek(&group->members), struct member, age);
}

/* --- slots --------------------------------------------------------------------------- */

static enum slot_state state_of(const struct slot *slot)
{
    const struct arc_run *run = &slot->live->run;
    int stopping = run->stopping;
    if (arc__run_over(run))
        return SLOT_IDLE;
    if (slot->job == ARC_SLOT_OF_RUN) {
        if (!run->admitted)
            return arc__run_wants_slot(run) ? SLOT_WAITING : SLOT_IDLE;
        return stopping ? SLOT_LEAVING : SLOT_HOLDING;
    }
    const struct arc_job_state *job = &run->jobs[slot->job];
    if (arc_job_state_is_terminal(job->status))
        return SLOT_IDLE;
    if (!job->admitted)
        return arc__job_wants_slot(run, slot->job) ? SLOT_WAITING : SLOT_IDLE;
    return stopping || job->stopping ? SLOT_LEAVING : SLOT_HOLDING;
}

static void stand_in_line(struct slot *slot)
{
    struct group *group = slot->group;
    uint64_t since = (uint64_t)slot->since, created = (uint64_t)slot->live->groups->created;
    slot->in_line = 1;
    if (group->order == ARC_ORDER_READY)
        arc__ranks_add(&group->line, &slot->rank, since, 0);
    else
        arc__ranks_add(&group->line, &slot->rank, created, since);
}

static void leave_state(struct slot *slot)
{
    struct group *group = slot->group;
    if (slot->state == SLOT_WAITING) {
        if (slot->in_line)
            arc__ranks_remove(&group->line, &slot->rank);
        arc__list_remove(&slot->fresh);
        slot->in_line = 0;
        slot->live->engine->slots_awaited -= slot->job != ARC_SLOT_OF_RUN;
    } else if (slot->state != SLOT_IDLE) {
        arc__ranks_remove(slot->state == SLOT_HOLDING ? &group->holders : &group->leaving,
                          &slot->rank);
    }
}

static int ends_others(const struct slot *slot)
{
    return slot->terms->on_full == ARC_FULL_CANCEL_RUNNING ||
           slot->terms->on_full == ARC_FULL_CANCEL_PENDING;
}

/* Who waited before a restart stands where it stood; only whom it has to end is looked at anew. One
 * that its group turns away when it is full waits for no slot: nobody has dealt with it yet. */
static void enter_waiting(struct slot *slot, int loaded)
{
    struct group *group = slot->group;
    slot->was_here = loaded;
    if (loaded)
        stand_in_line(slot);
    if (!loaded || ends_others(slot) || slot->terms->on_full == ARC_FULL_REJECT)
        arc__list_add_tail(&group->fresh, &slot->fresh);
    slot->live->engine->slots_awaited += slot->job != ARC_SLOT_OF_RUN;
}

static void set_state(struct slot *slot, enum slot_state state, int loaded)
{
    struct group *group = slot->group;
    if (group == NULL || slot->state == state)
        return;
    leave_state(slot);
    slot->state = state;
    if (state == SLOT_WAITING)
        enter_waiting(slot, loaded);
    else if (state == SLOT_HOLDING)
        arc__ranks_add(&group->holders, &slot->rank, (uint64_t)slot->held, 0);
    else if (state == SLOT_LEAVING)
        arc__ranks_add(&group->leaving, &slot->rank, (uint64_t)slot->held, 0);
    mark(group);
}

static void leave_groups(struct live *live)
{
    struct run_groups *groups = live->groups;
    for (uint32_t i = 0; i < groups->slot_count; i++) {
        set_state(&groups->slots[i], SLOT_IDLE, 0);
        groups->slots[i].group = NULL;
    }
    for (uint32_t i = 0; i < groups->member_count; i++) {
        struct group *group = groups->members[i].group;
        if (group == NULL)
            continue;
        groups->members[i].group = NULL;
        if (group->joined == &groups->members[i])
            group->joined = NULL;
        arc__heap_disarm(&group->members, &groups->members[i].age);
        mark(group);
        if (group->members.count == 0 && !group->busy)
            drop_group(group);
    }
}

arc_status arc__groups_join(struct live *live, int loaded, arc_err *err)
{
    struct run_groups *groups = live->groups;
    if (groups == NULL || arc__run_over(&live->run))
        return ARC_OK;
    for (uint32_t i = 0; i < groups->slot_count; i++)
        ARC_TRY(join_group(&groups->slots[i], err));
    for (uint32_t i = 0; i < groups->slot_count; i++)
        set_state(&groups->slots[i], state_of(&groups->slots[i]), loaded);
    return ARC_OK;
}

void arc__groups_update(struct live *live, const struct arc_decision *d)
{
    struct run_groups *groups = live->groups;
    int all = 0;
    for (size_t i = 0; groups != NULL && i < d->count; i++) {
        int32_t job = d->events[i]->job;
        struct slot *slot = job >= 0 ? groups->by_job[job] : NULL;
        all |= job < 0; /* a pause or a stop concerns every job */
        if (slot != NULL)
            set_state(slot, state_of(slot), 0);
    }
    for (uint32_t i = 0; all && i < groups->slot_count; i++)
        set_state(&groups->slots[i], state_of(&groups->slots[i]), 0);
    if (groups != NULL && arc__run_over(&live->run))
        leave_groups(live);
}

void arc__groups_detach(struct live *live)
{
    struct run_groups *groups = live->groups;
    if (groups == NULL)
        return;
    leave_groups(live);
    arc__free(&live->engine->mem, groups->slots);
    arc__free(&live->engine->mem, groups->members);
    arc__free(&live->engine->mem, groups->by_job);
    arc__free(&live->engine->mem, groups);
    live->groups = NULL;
}

/* --- what is decided ----------------------------------------------------------------- */

static struct slot *slot_at(const struct arc_ranks *ranks, size_t before)
{
    struct arc_rank *rank = arc__ranks_at(ranks, before);
    return rank != NULL ? ARC_CONTAINER(rank, struct slot, rank) : NULL;
}

static size_t held(const struct group *group)
{
    return arc__ranks_count(&group->holders) + arc__ranks_count(&group->leaving);
}

/* A decision that does not do what it is for would be asked for without end. */
static arc_status check_moved(const struct slot *slot, enum slot_state before, arc_status status,
                              arc_err *err)
{
    struct arc_engine *engine = slot->live->engine;
    if (status == ARC_OK && slot->state != before)
        return ARC_OK;
    if (engine->turn.spoiled != ARC_OK)
        return status;
    (void)arc__turn_spoil(engine, ARC_EINTERNAL);
    arc__live_set_aside(slot->live);
    return arc__fail(err, ARC_EINTERNAL, "group", "A run does not follow its concurrency group.");
}

static arc_status admit(struct slot *slot, arc_err *err)
{
    struct live *live = slot->live;
    struct arc_decision d;
    ARC_TRY(arc__turn_enter(live->engine, live, &d, err));
    arc_status status = slot->job == ARC_SLOT_OF_RUN
                            ? arc__decide_admit_run(&d, &live->run, err)
                            : arc__decide_admit_job(&d, &live->run, slot->job, err);
    status = arc__turn_leave(live->engine, live, &d, status, err);
    return check_moved(slot, SLOT_WAITING, status, err);
}

static arc_status end_slot(struct slot *slot, arc_slice reason, arc_err *err)
{
    struct live *live = slot->live;
    struct arc_decision d;
    enum slot_state before = slot->state;
    if (reason.ptr == NULL)
        return arc__turn_spoil(live->engine, arc__fail_nomem(err));
    ARC_TRY(arc__turn_enter(live->engine, live, &d, err));
    arc_status status =
        slot->job == ARC_SLOT_OF_RUN
            ? arc__decide_stop(&d, &live->run, reason, ARC_NONE, 0, err)
            : arc__decide_cancel_job(&d, &live->run, slot->job, reason, ARC_NONE, 0, err);
    if (status == ARC_OK)
        status = arc__withdraw(live, &d, err);
    status = arc__turn_leave(live->engine, live, &d, status, err);
    return check_moved(slot, before, status, err);
}

static arc_status supersede(struct slot *victim, const struct slot *by, arc_err *err)
{
    struct arc_arena *arena = &by->live->engine->turn.arena;
    const struct arc_run *run = &by->live->run;
    arc_slice reason;
    if (by->job == ARC_SLOT_OF_RUN)
        reason = arc__arena_printf(arena, "It was superseded by %s in the group %.*s.",
                                   run->id.text, ARC_ARG(by->terms->group));
    else
        reason = arc__arena_printf(
            arena, "It was superseded by %s (job %.*s of run %s) in the group %.*s.",
            run->jobs[by->job].id.text, ARC_ARG(run->plan->jobs[by->job].key), run->id.text,
            ARC_ARG(by->terms->group));
    return end_slot(victim, reason, err);
}

static arc_status reject(struct slot *slot, arc_err *err)
{
    const struct group *group = slot->group;
    struct arc_arena *arena = &group->engine->turn.arena;
    uint32_t limit = terms_of(group)->limit;
    if (limit == 1)
        return end_slot(slot,
                        arc__arena_printf(arena, "Group full: %.*s has one slot, and it is taken.",
                                          ARC_ARG(group->name)),
                        err);
    return end_slot(slot,
                    arc__arena_printf(arena, "Group full: %.*s has %u slots, and all are taken.",
                                      ARC_ARG(group->name), limit),
                    err);
}

/* What a slot found when it came: how many waited before it and how many stayed, and the first of
 * each. Who came later may stand before it by age, or hold what it waited for. */
struct found {
    size_t before, staying;
    struct slot *waiter, *holder;
};

static void find(struct slot *other, size_t *count, struct slot **first)
{
    if ((*count)++ == 0)
        *first = other;
}

static void look_back(const struct slot *slot, struct found *out)
{
    const struct group *group = slot->group;
    size_t before = arc__ranks_before(&group->line, &slot->rank);
    size_t staying = arc__ranks_count(&group->holders);
    *out = (struct found){before, staying, slot_at(&group->line, 0), slot_at(&group->holders, 0)};
    if (!slot->was_here)
        return;
    *out = (struct found){0};
    for (size_t i = 0; i < before; i++) {
        struct slot *other = slot_at(&group->line, i);
        if (other->came < slot->came)
            find(other, &out->before, &out->waiter);
    }
    for (size_t i = 0; i < staying; i++) {
        struct slot *other = slot_at(&group->holders, i);
        if (other->held > slot->came)
            break; /* they stand in the order of their admission */
        find(other, &out->staying, &out->holder);
    }
}

/* Who is in the way of one that waits, and is to go by its `onFull`; NULL: nobody. With
 * cancelRunning room is made for all who are before it and for itself, or they go too. */
static struct slot *in_the_way(const struct slot *slot)
{
    struct found found;
    if (!ends_others(slot))
        return NULL;
    look_back(slot, &found);
    if (slot->terms->on_full == ARC_FULL_CANCEL_PENDING)
        return found.before > 0 ? found.waiter : NULL;
    if (found.staying + found.before < terms_of(slot->group)->limit)
        return NULL;
    return found.staying > 0 ? found.holder : found.waiter;
}

/* Writes why it waits. Runs that have changed are written at the end of the turn. Beside other
 * processes no others are: without an event in the batch nothing says that what is written is not
 * older than what one of them has written meanwhile. */
static arc_status tell(struct slot *slot, arc_err *err)
{
    struct live *live = slot->live;
    if (live->engine->replicas.on && !live->changed)
        return ARC_OK;
    if (slot->job != ARC_SLOT_OF_RUN)
        return arc__persist_mark_job(live->engine, live, slot->job, err);
    return live->changed ? ARC_OK : arc__persist_run(live->engine, live, err);
}

/* One act of dealing with who came; the list holds it until there is no more to do. Its run is part
 * of the turn, though no event of it is: when that is lost, who came is dealt with again. */
static arc_status receive(struct slot *slot, arc_err *err)
{
    struct slot *victim = NULL;
    ARC_TRY(arc__turn_touch(slot->live->engine, slot->live, err));
    if (slot->terms->on_full == ARC_FULL_REJECT)
        return reject(slot, err);
    victim = in_the_way(slot);
    if (victim != NULL)
        return supersede(victim, slot, err);
    arc__list_remove(&slot->fresh);
    return tell(slot, err);
}

/* The line stands by the order that the newest definition says. */
static void put_in_order(struct group *group)
{
    uint32_t order = terms_of(group)->order;
    struct arc_ranks old = group->line;
    struct arc_rank *rank = NULL;
    if (order == group->order)
        return;
    group->line = (struct arc_ranks){0};
    group->order = order;
    while ((rank = arc__ranks_at(&old, 0)) != NULL) {
        arc__ranks_remove(&old, rank);
        stand_in_line(ARC_CONTAINER(rank, struct slot, rank));
    }
}

static int over_budget(const struct arc_engine *engine)
{
    return arc__turn_size(&engine->turn) > ARC_TURN_OPS_MAX;
}

static int has_room(const struct group *group)
{
    return group->line.root != NULL && held(group) < terms_of(group)->limit;
}

/* Those who came stand in line one after the other, as if each were alone: first the line moves up
 * as far as it can, then who still waits does what its `onFull` says. */
static arc_status settle(struct group *group, arc_err *err)
{
    while (group->members.count > 0) {
        struct slot *slot = NULL;
        put_in_order(group);
        if (over_budget(group->engine))
            return mark(group), ARC_OK;
        if (!arc__list_empty(&group->fresh))
            slot = ARC_CONTAINER(group->fresh.next, struct slot, fresh);
        int waits = slot != NULL && slot->in_line;
        if (!waits && has_room(group))
            ARC_TRY(admit(slot_at(&group->line, 0), err));
        else if (slot == NULL)
            return ARC_OK;
        else if (waits && has_room(group) && slot_at(&group->line, 0) == slot)
            ARC_TRY(admit(slot, err));
        else if (waits)
            ARC_TRY(receive(slot, err));
        else
            stand_in_line(slot);
    }
    return ARC_OK;
}

arc_status arc__groups_settle(struct arc_engine *engine, arc_err *err)
{
    while (!arc__list_empty(&engine->groups_due) && !over_budget(engine)) {
        struct group *group = ARC_CONTAINER(engine->groups_due.next, struct group, due);
        arc__list_remove(&group->due);
        group->busy = 1;
        arc_status status = settle(group, err);
        group->busy = 0;
        if (group->members.count == 0)
            drop_group(group);
        ARC_TRY(status);
    }
    return ARC_OK;
}

int arc__groups_due(const struct arc_engine *engine)
{
    return !arc__list_empty(&engine->groups_due) || !arc__list_empty(&engine->groups_told);
}

/* --- why ----------------------------------------------------------------------------- */

static void add_holder(const struct slot *slot, struct arc_buf *out)
{
    const struct arc_run *run = &slot->live->run;
    if (slot->job == ARC_SLOT_OF_RUN)
        arc__buf_printf(out, "run %s of %.*s", run->id.text, ARC_ARG(run->birth->pipeline_name));
    else
        arc__buf_printf(out, "job %.*s of run %s", ARC_ARG(run->plan->jobs[slot->job].key),
                        run->id.text);
}

/* Those that leave first, then the oldest. */
static const struct slot *holder(const struct group *group, size_t i)
{
    size_t leaving = arc__ranks_count(&group->leaving);
    return i < leaving ? slot_at(&group->leaving, i) : slot_at(&group->holders, i - leaving);
}

static arc_slice holders_text(const struct group *group, struct arc_arena *arena)
{
    size_t count = held(group);
    arc_slice text = ARC_NONE;
    struct arc_buf out;
    arc__buf_init(&out, &arena->mem, KEY_BYTES_MAX);
    for (size_t i = 0; i < count && i < NAMED_MAX; i++) {
        arc__buf_add_cstr(&out, i == 0 ? "" : i + 1 == count ? " and " : ", ");
        add_holder(holder(group, i), &out);
    }
    if (count > NAMED_MAX)
        arc__buf_printf(&out, " and %zu more", count - NAMED_MAX);
    if (out.failed == ARC_OK)
        text = arc__arena_copy(arena, arc__buf_slice(&out));
    else
        arena->failed = 1;
    arc__buf_deinit(&out);
    return text;
}

/* "… of the group deploy (limit 1), held by run 01J… of web; 2 are before it." */
static void tell_slot(const struct slot *slot, struct arc_waits *waits, struct arc_wait *wait)
{
    const struct group *group = slot->group;
    const struct slot *first = held(group) > 0 ? holder(group, 0) : NULL;
    wait->of = terms_of(group)->limit;
    wait->count = (uint32_t)arc__ranks_before(&group->line, &slot->rank);
    wait->text = holders_text(group, waits->arena);
    if (first != NULL)
        wait->id = arc__arena_copy(waits->arena,
                                   arc__id_slice(first->job == ARC_SLOT_OF_RUN
                                                     ? &first->live->run.id
                                                     : &first->live->run.jobs[first->job].id));
    arc__waits_retell(waits, wait);
}

/* The run may be ahead of the table while its rows are made. */
static int waits_in_line(const struct slot *slot)
{
    return slot != NULL && slot->in_line && state_of(slot) == SLOT_WAITING;
}

void arc__groups_tell_of(const struct live *live, struct arc_waits *waits, size_t first)
{
    for (size_t i = first; live->groups != NULL && i < waits->count; i++) {
        struct arc_wait *wait = &waits->items[i];
        const struct slot *slot =
            wait->job < 0 ? live->groups->own : live->groups->by_job[wait->job];
        if (wait->kind == ARC_REASON_GROUP && waits_in_line(slot))
            tell_slot(slot, waits, wait);
    }
}

arc_slice arc__why_run(const struct live *live, struct arc_arena *arena)
{
    struct arc_waits first;
    arc__first_of_run(&live->run, arena, &first);
    arc__groups_tell_of(live, &first, 0);
    return arc__waits_first(&first);
}

arc_slice arc__why_job(const struct live *live, uint32_t job, struct arc_arena *arena)
{
    struct arc_waits first;
    arc__first_of_job(&live->run, job, arena, &first);
    arc__groups_tell_of(live, &first, 0);
    return arc__waits_first(&first);
}

arc_status arc__groups_tell(struct arc_engine *engine, arc_err *err)
{
    while (!arc__list_empty(&engine->groups_told) && !over_budget(engine)) {
        struct group *group = ARC_CONTAINER(engine->groups_told.next, struct group, told);
        arc__list_remove(&group->told);
        for (size_t i = 0; i < TOLD_MAX; i++) {
            struct slot *slot = slot_at(&group->line, i);
            if (slot != NULL)
                ARC_TRY(tell(slot, err));
        }
    }
    return ARC_OK;
}
