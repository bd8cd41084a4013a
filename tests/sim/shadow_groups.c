/* SPDX-License-Identifier: Apache-2.0 */
/* Concurrency groups, as the contract says them: at most `limit` of a project's runs, or jobs, hold
 * a slot of a group; who waits comes in `order`; who comes while the group is full does what its
 * `onFull` says. Everything is counted anew each time, over all runs. */
#include <string.h>

#include "shadow.h"

struct shadow_slot *groups_slot(struct shadow_run *run, int job)
{
    return job < 0 ? &run->slot : &run->jobs[job].slot;
}

static const struct arc_plan_group *terms_of(const struct shadow_run *run, int job)
{
    return job < 0 ? &run->plan->group : &run->plan->jobs[job].group;
}

int groups_lacks(const struct shadow_run *run, int job)
{
    const struct shadow_slot *slot = job < 0 ? &run->slot : &run->jobs[job].slot;
    return terms_of(run, job)->group.len > 0 && !slot->admitted;
}

/* --- one slot ------------------------------------------------------------------------ */

/* One of those that are looked at. */
struct claim {
    uint32_t r;
    int job;
    struct shadow_run *run;
    struct shadow_slot *slot;
    const struct arc_plan_group *terms;
};

static struct claim claim_of(struct shadow *shadow, uint32_t r, int job)
{
    struct shadow_run *run = &shadow->runs[r];
    return (struct claim){r, job, run, groups_slot(run, job), terms_of(run, job)};
}

static int same_group(const struct shadow *shadow, const struct claim *a, const struct claim *b)
{
    return (a->job < 0) == (b->job < 0) && arc__slice_equal(a->terms->group, b->terms->group) &&
           shadow->sim->project[a->run->pipeline] == shadow->sim->project[b->run->pipeline];
}

static int is_over(const struct claim *claim)
{
    return shadow_run_over(claim->run) ||
           (claim->job >= 0 && claim->run->jobs[claim->job].state >= SUCCESS);
}

static int holds(const struct claim *claim)
{
    return claim->slot->admitted && !is_over(claim);
}

static int leaves(const struct claim *claim)
{
    return claim->run->stopping || (claim->job >= 0 && claim->run->jobs[claim->job].stopping);
}

static int wants(const struct claim *claim)
{
    const struct shadow_run *run = claim->run;
    uint32_t gate = run->plan->gate;
    if (claim->terms->group.len == 0 || claim->slot->admitted || is_over(claim) || run->stopping ||
        run->state == RUN_PAUSED)
        return 0;
    if (claim->job >= 0)
        return run->jobs[claim->job].state == QUEUED;
    return gate == 0 || run->gates[gate - 1].state == GATE_APPROVED;
}

/* --- a group ------------------------------------------------------------------------- */

/* Of several servers one, the leader, hands out the slots. What another one has stored it hears of
 * a little later, and until then it goes by what was: it may give a slot before it knows who was
 * first, turn somebody away before it knows that a slot is free, end somebody for a newcomer who
 * has ended. So these are looked at once it must have heard; that no more than the limit hold a
 * slot is always looked at. */
static int is_known(const struct shadow *shadow, uint64_t since_ns)
{
    return !is_shared(shadow->sim) || overdue_late(shadow, since_ns);
}

struct group_facts {
    uint32_t limit, order;
    uint32_t most; /* the greatest limit that may hold for all that is known */
    uint32_t held, staying;
    int moved; /* a run that names it was born or ended in this batch: its terms may be others */
    int64_t newest, known;
    uint32_t known_limit;
    struct claim oldest; /* of the staying */
    struct claim first;  /* of those who wait */
    uint32_t waiting;
};

static int before(const struct group_facts *facts, const struct claim *a, const struct claim *b)
{
    if (facts->order == ARC_ORDER_READY || a->run == b->run)
        return a->slot->since < b->slot->since;
    return a->run->created < b->run->created;
}

/* Calls look for each claim of the group, itself included. */
static void each(struct shadow *shadow, const struct claim *of, void *user,
                 void (*look)(void *user, const struct claim *claim))
{
    for (uint32_t r = 0; r < shadow->run_count; r++) {
        if (!shadow->runs[r].grouped)
            continue;
        for (int job = -1; job < (int)shadow->runs[r].plan->job_count; job++) {
            struct claim claim = claim_of(shadow, r, job);
            if (claim.terms->group.len > 0 && same_group(shadow, of, &claim))
                look(user, &claim);
        }
    }
}

struct terms_look {
    const struct shadow *shadow;
    struct group_facts *facts;
};

/* Limit and order are those of the newest open run; of several places in it, the smallest limit. */
static void look_terms(void *user, const struct claim *claim)
{
    struct terms_look *look = user;
    struct group_facts *facts = look->facts;
    facts->moved |=
        claim->run->born == look->shadow->batch || claim->run->over == look->shadow->batch;
    if (shadow_run_over(claim->run))
        return;
    if (is_shared(look->shadow->sim) && !is_known(look->shadow, claim->run->created_ns) &&
        claim->terms->limit > facts->most)
        facts->most = claim->terms->limit;
    if (is_known(look->shadow, claim->run->created_ns) && claim->run->created > facts->known) {
        facts->known = claim->run->created;
        facts->known_limit = claim->terms->limit;
    }
    if (claim->run->created < facts->newest)
        return;
    if (claim->run->created > facts->newest) {
        facts->newest = claim->run->created;
        facts->limit = claim->terms->limit;
        facts->order = claim->terms->order;
    } else if (claim->terms->limit < facts->limit) {
        facts->limit = claim->terms->limit;
    }
}

static void look_slots(void *user, const struct claim *claim)
{
    struct group_facts *facts = user;
    if (holds(claim)) {
        facts->held++;
        if (!leaves(claim)) {
            if (facts->staying++ == 0 || claim->slot->held < facts->oldest.slot->held)
                facts->oldest = *claim;
        }
    } else if (wants(claim)) {
        if (facts->waiting++ == 0 || before(facts, claim, &facts->first))
            facts->first = *claim;
    }
}

static void look_at(struct shadow *shadow, const struct claim *claim, struct group_facts *facts)
{
    struct terms_look look = {shadow, facts};
    memset(facts, 0, sizeof(*facts));
    facts->newest = facts->known = -1;
    each(shadow, claim, &look, look_terms);
    if (facts->most < facts->known_limit)
        facts->most = facts->known_limit;
    if (!is_shared(shadow->sim) || facts->most < facts->limit)
        facts->most = facts->limit;
    each(shadow, claim, facts, look_slots);
}

struct line_look {
    const struct shadow *shadow;
    const struct group_facts *facts;
    const struct claim *of;
    uint32_t before, before_old, fresh; /* fresh: others that came in this batch */
    uint32_t earlier;                   /* of before_old: they were there when this one came */
    struct claim overtaken;             /* one of the old ones before it */
};

static void look_line(void *user, const struct claim *claim)
{
    struct line_look *look = user;
    if (claim->slot == look->of->slot || !wants(claim))
        return;
    int old =
        claim->slot->came < look->shadow->batch && is_known(look->shadow, claim->slot->came_ns);
    look->fresh += !old;
    if (!before(look->facts, claim, look->of))
        return;
    look->before++;
    if (old) {
        look->before_old++;
        look->earlier += claim->slot->came_ns < look->of->slot->came_ns;
        look->overtaken = *claim;
    }
}

static struct line_look line_of(struct shadow *shadow, const struct claim *claim,
                                const struct group_facts *facts)
{
    struct line_look look = {.shadow = shadow, .facts = facts, .of = claim};
    each(shadow, claim, &look, look_line);
    return look;
}

/* --- what may happen ----------------------------------------------------------------- */

static const char *kind_of(int job)
{
    return job < 0 ? "run" : "job";
}

void groups_admit(struct shadow *shadow, uint32_t r, int job, int64_t position)
{
    struct claim claim = claim_of(shadow, r, job);
    struct group_facts facts;
    if (!wants(&claim)) {
        broke(shadow->sim, INV_I10, "a %s of run %u gets a slot that it does not wait for",
              kind_of(job), r);
        return;
    }
    look_at(shadow, &claim, &facts);
    struct line_look line = line_of(shadow, &claim, &facts);
    if (facts.held >= facts.most)
        broke(shadow->sim, INV_I10,
              "%u hold slots of %.*s, and run %u gets another: the limit is %u", facts.held,
              ARC_ARG(claim.terms->group), r, facts.most);
    if (line.before_old > 0)
        broke(shadow->sim, INV_I10, "run %u gets a slot of %.*s before run %u, whose turn it is", r,
              ARC_ARG(claim.terms->group), line.overtaken.r);
    if (facts.held > 0)
        reached(shadow->sim, GOAL_SLOTS_SHARED);
    if (claim.slot->came < shadow->batch)
        reached(shadow->sim, GOAL_SLOT_WAITED);
    claim.slot->admitted = 1;
    claim.slot->held = position;
    claim.slot->admitted_in = shadow->batch;
}

/* Whom the reason names: "superseded by ID…". */
static int find_named(struct shadow *shadow, arc_slice reason, struct claim *out)
{
    for (uint32_t r = 0; r < shadow->run_count; r++) {
        const struct shadow_run *run = &shadow->runs[r];
        for (int job = -1; run->grouped && job < (int)run->plan->job_count; job++) {
            const char *id = job < 0 ? run->id : run->jobs[job].id;
            if (reason.len < strlen(id) || memcmp(reason.ptr, id, strlen(id)) != 0)
                continue;
            *out = claim_of(shadow, r, job);
            return 1;
        }
    }
    return 0;
}

/* by would have it that victim ends. */
static void check_superseded(struct shadow *shadow, const struct claim *victim,
                             const struct claim *by)
{
    struct sim *sim = shadow->sim;
    struct group_facts facts;
    look_at(shadow, by, &facts);
    struct line_look line = line_of(shadow, by, &facts);
    int waits = wants(victim);
    int now = !is_shared(sim); /* else it is said of what was */
    if (by->terms->group.len == 0 || !same_group(shadow, victim, by) || (now && !wants(by))) {
        broke(sim, INV_I10, "run %u is ended by run %u, which waits for nothing of it", victim->r,
              by->r);
        return;
    }
    if (now && (waits ? victim->slot->came : victim->slot->admitted_in) > by->slot->came)
        broke(sim, INV_I10, "run %u is ended by run %u, which came before it", victim->r, by->r);
    if (by->terms->on_full == ARC_FULL_CANCEL_PENDING) {
        if (now && (!waits || !before(&facts, victim, by) || facts.held < facts.limit))
            broke(sim, INV_I10, "run %u is ended by run %u, before which it does not wait",
                  victim->r, by->r);
        reached(sim, GOAL_SUPERSEDED_WAITING);
    } else if (by->terms->on_full == ARC_FULL_CANCEL_RUNNING) {
        if (now && facts.staying + line.before < facts.limit)
            broke(sim, INV_I10, "run %u is ended by run %u, for which there will be room",
                  victim->r, by->r);
        if (now && (facts.staying > 0 ? victim->slot != facts.oldest.slot
                                      : !waits || !before(&facts, victim, by)))
            broke(sim, INV_I10, "run %u is ended by run %u, and it is not the oldest", victim->r,
                  by->r);
        reached(sim, GOAL_SUPERSEDED);
    } else {
        broke(sim, INV_I10, "run %u is ended by run %u, which should have waited", victim->r,
              by->r);
    }
}

static void check_rejected(struct shadow *shadow, const struct claim *claim)
{
    struct group_facts facts;
    look_at(shadow, claim, &facts);
    if (claim->terms->on_full != ARC_FULL_REJECT || !wants(claim) ||
        (!is_shared(shadow->sim) && facts.held < facts.limit))
        broke(shadow->sim, INV_I10,
              "a %s of run %u is turned away by a group with %u of %u slots taken",
              kind_of(claim->job), claim->r, facts.held, facts.limit);
    reached(shadow->sim, GOAL_GROUP_FULL);
}

static int cut_off(arc_slice *text, const char *start)
{
    size_t len = strlen(start);
    if (text->len < len || memcmp(text->ptr, start, len) != 0)
        return 0;
    *text = (arc_slice){text->ptr + len, text->len - len};
    return 1;
}

int groups_ends(struct shadow *shadow, uint32_t r, int job, arc_slice reason)
{
    struct claim claim = claim_of(shadow, r, job), by;
    int superseded = cut_off(&reason, "It was superseded by ");
    if (!superseded && !cut_off(&reason, "Group full: "))
        return 0;
    if (claim.slot->ended || (job >= 0 && claim.run->slot.ended))
        return 1; /* said before, or of the whole run */
    claim.slot->ended = 1;
    if (claim.terms->group.len == 0)
        broke(shadow->sim, INV_I10, "run %u is ended by a group that it is not in", r);
    else if (!superseded)
        check_rejected(shadow, &claim);
    else if (!find_named(shadow, reason, &by))
        broke(shadow->sim, INV_I10, "run %u is ended by nobody that exists", r);
    else
        check_superseded(shadow, &claim, &by);
    return 1;
}

/* --- after events -------------------------------------------------------------------- */

void groups_note(struct shadow *shadow, uint32_t r)
{
    if (!shadow->runs[r].grouped)
        return;
    for (int job = -1; job < (int)shadow->runs[r].plan->job_count; job++) {
        struct claim claim = claim_of(shadow, r, job);
        int now = wants(&claim);
        if (now && !claim.slot->wants)
            claim.slot->came = shadow->batch;
        if (now && !claim.slot->wants)
            claim.slot->came_ns = shadow->decided_ns;
        claim.slot->wants = now;
    }
}

static void check_newcomer(struct shadow *shadow, const struct claim *claim,
                           const struct group_facts *facts)
{
    struct line_look line = line_of(shadow, claim, facts);
    uint32_t on_full = claim->terms->on_full;
    if (on_full == ARC_FULL_REJECT)
        broke(shadow->sim, INV_I10, "a %s of run %u waits for a group that turns it away",
              kind_of(claim->job), claim->r);
    uint32_t to_end = is_shared(shadow->sim) ? line.earlier : line.before_old;
    if (on_full == ARC_FULL_CANCEL_PENDING && to_end > 0)
        broke(shadow->sim, INV_I10, "run %u should have ended run %u, which waits before it",
              claim->r, line.overtaken.r);
    if (on_full == ARC_FULL_CANCEL_RUNNING && !is_shared(shadow->sim) && !facts->moved &&
        line.fresh == 0 && facts->staying + line.before_old >= facts->limit)
        broke(shadow->sim, INV_I10, "run %u should have made room for itself", claim->r);
}

void groups_check(struct shadow *shadow)
{
    for (uint32_t r = 0; r < shadow->run_count && !shadow->sim->broken; r++) {
        if (!shadow->runs[r].grouped || shadow_run_over(&shadow->runs[r]))
            continue;
        for (int job = -1; job < (int)shadow->runs[r].plan->job_count; job++) {
            struct claim claim = claim_of(shadow, r, job);
            struct group_facts facts;
            if (!wants(&claim)) { /* a pause of it is nobody's delay */
                claim.slot->free_ns = 0;
                continue;
            }
            look_at(shadow, &claim, &facts);
            if (facts.held >= facts.limit)
                claim.slot->free_ns = 0;
            else if (is_shared(shadow->sim) && claim.slot->free_ns == 0)
                claim.slot->free_ns = shadow->sim->now_ns;
            if (facts.held < facts.limit && is_known(shadow, claim.slot->free_ns))
                broke(shadow->sim, INV_I10, "run %u waits for %.*s, which has a free slot", r,
                      ARC_ARG(claim.terms->group));
            if (is_shared(shadow->sim) ? is_known(shadow, claim.slot->came_ns)
                                       : claim.slot->came == shadow->batch)
                check_newcomer(shadow, &claim, &facts);
        }
    }
}
