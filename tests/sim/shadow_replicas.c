/* SPDX-License-Identifier: Apache-2.0 */
/* Several servers on one store, as their rows say: who is who, who has taken the place of whom, and
 * whose fences are whose. */
#include <string.h>

#include "shadow.h"

#define EPOCH_BITS 32
#define LEADER "leader"
#define STRAY_NS SECONDS(70) /* of whom nobody knows any more the leader waits a minute */

static struct shadow_replica *find(struct shadow *shadow, arc_slice id)
{
    for (uint32_t i = 0; i < shadow->replica_count; i++) {
        if (arc__slice_is(id, shadow->replicas[i].id))
            return &shadow->replicas[i];
    }
    return NULL;
}

static void keep(char *out, size_t size, arc_slice text)
{
    (void)arc__slice_to_cstr(text, out, size);
}

/* A new epoch is greater than all that there were. */
static void check_epoch(struct shadow *shadow, const struct shadow_replica *own, uint64_t epoch)
{
    for (uint32_t i = 0; epoch != own->epoch && i < shadow->replica_count; i++) {
        if (shadow->replicas[i].epoch >= epoch)
            broke(shadow->sim, INV_I19, "a server takes the epoch %llu, and another one had %llu",
                  (unsigned long long)epoch, (unsigned long long)shadow->replicas[i].epoch);
    }
}

void replicas_row(struct shadow *shadow, const struct arc_row_replica *row)
{
    struct sim *sim = shadow->sim;
    struct shadow_replica *own = find(shadow, row->id);
    if (own == NULL && shadow->replica_count == REPLICAS_SEEN_MAX) {
        broke(sim, INV_I15, "more than %d processes in one life", REPLICAS_SEEN_MAX);
        return;
    }
    if (own == NULL) {
        own = &shadow->replicas[shadow->replica_count++];
        *own = (struct shadow_replica){.server = sim->server_count};
        keep(own->id, sizeof(own->id), row->id);
    }
    if (row->version != own->version + 1)
        broke(sim, INV_I19, "the row of server %s goes from version %lld to %lld", own->id,
              (long long)own->version, (long long)row->version);
    own->version = row->version;
    if (row->heir.len == 0 && own->heir[0] != '\0')
        broke(sim, INV_I19, "server %s goes on, and %s has taken its place", own->id, own->heir);
    if (row->heir.len > 0) {
        if (own->heir[0] == '\0' && strcmp(own->id, LEADER) != 0)
            reached(sim, GOAL_INHERITED);
        keep(own->heir, sizeof(own->heir), row->heir);
        return;
    }
    check_epoch(shadow, own, (uint64_t)row->epoch);
    shadow->writers++;
    shadow->writer_epoch = own->epoch;
    own->epoch = (uint64_t)row->epoch;
    own->server = shadow->writer;
}

/* Its row is deleted: somebody has taken its place long ago, and it never writes again. */
void replicas_gone(struct shadow *shadow, const struct arc_row_replica *row)
{
    struct shadow_replica *own = find(shadow, row->id);
    if (own == NULL || own->heir[0] == '\0' || strcmp(own->id, LEADER) == 0)
        broke(shadow->sim, INV_I19, "the row of server %.*s is deleted, which nobody has replaced",
              ARC_ARG(row->id));
    else
        own->version = INT64_MIN; /* no other follows */
}

void replicas_note(struct shadow *shadow, const struct arc_row_inbox *row, int gone)
{
    uint32_t i = 0;
    while (i < shadow->note_count && !arc__slice_is(row->id, shadow->notes[i].id))
        i++;
    if (gone && i < shadow->note_count)
        shadow->notes[i] = shadow->notes[--shadow->note_count];
    if (gone)
        return; /* two may have read it */
    if (i == NOTES_MAX) {
        broke(shadow->sim, INV_I15, "more than %d notes are left", NOTES_MAX);
        return;
    }
    keep(shadow->notes[i].id, sizeof(shadow->notes[i].id), row->id);
    shadow->notes[i].left_ns = shadow->decided_ns;
    shadow->note_count += i == shadow->note_count;
}

/* By the clocks of machines a note may be young for long. */
static void check_notes(struct shadow *shadow)
{
    for (uint32_t i = 0; i < shadow->note_count && shadow->sim->jumps == 0; i++) {
        if (overdue_late(shadow, shadow->notes[i].left_ns + (uint64_t)STRAY_NS))
            broke(shadow->sim, INV_I15, "note %s is read by nobody", shadow->notes[i].id);
    }
}

void replicas_agent(struct shadow *shadow, const struct arc_row_agent *row)
{
    int agent = shadow_agent_index(shadow->sim, row->id);
    if (agent < 0 || !is_shared(shadow->sim) || arc__slice_is(row->home, shadow->agent_home[agent]))
        return;
    keep(shadow->agent_home[agent], sizeof(shadow->agent_home[agent]), row->home);
    shadow->agent_came_ns[agent] = shadow->decided_ns;
}

void replicas_granted(struct shadow *shadow, uint64_t fence)
{
    if (!is_shared(shadow->sim))
        return;
    for (uint32_t i = 0; i < ATTEMPTS_MAX; i++) {
        if (shadow->attempts[i].fence == fence)
            broke(shadow->sim, INV_I19, "fence %llu is granted twice", (unsigned long long)fence);
    }
    if (shadow->fence_count < REPLICAS_SEEN_MAX)
        shadow->fences[shadow->fence_count++] = fence;
}

void replicas_check(struct shadow *shadow)
{
    for (uint32_t i = 0; i < shadow->fence_count; i++) {
        if (shadow->fences[i] >> EPOCH_BITS != shadow->writer_epoch)
            broke(shadow->sim, INV_I19, "fence %llx is granted by a server of epoch %llu",
                  (unsigned long long)shadow->fences[i], (unsigned long long)shadow->writer_epoch);
    }
    shadow->fence_count = 0;
    check_notes(shadow);
    if (shadow->writers != 1)
        broke(shadow->sim, INV_I19, "a batch is of %d servers", shadow->writers);
}

/* Who is home of what has this one for a home; NULL: nobody that is known. */
static const struct shadow_replica *home_of(struct shadow *shadow, const char *home)
{
    const struct shadow_replica *at =
        find(shadow, arc__slice_cstr(home[0] != '\0' ? home : LEADER));
    for (uint32_t i = 0; at != NULL && at->heir[0] != '\0' && i < REPLICAS_SEEN_MAX; i++)
        at = find(shadow, arc__slice_cstr(at->heir));
    return at;
}

/* One that the agent has left, and that cannot know of it yet, may renew for a lease of its own: it
 * is the new home that counts. */
int replicas_has(struct shadow *shadow, const struct message *message)
{
    const struct shadow_replica *home = home_of(shadow, shadow->agent_home[message->agent]);
    return !is_shared(shadow->sim) || home == NULL || home->server == message->server;
}

/* The process of that server that wrote last. */
static int is_present(const struct shadow *shadow, const struct shadow_replica *replica)
{
    for (const struct shadow_replica *at = replica + 1;
         at < shadow->replicas + shadow->replica_count; at++) {
        if (at->server == replica->server)
            return 0;
    }
    return 1;
}

/* The home knows soon what others have stored. What is old in the memory of another one harms
 * nobody: it loses its commit, or looks again before it refuses. */
int replicas_knows(struct shadow *shadow, const struct server *server, uint32_t r,
                   const struct arc_run *live)
{
    struct sim *sim = shadow->sim;
    const struct shadow_run *run = &shadow->runs[r];
    uint64_t *behind = &shadow->behind_ns[server->number][r];
    const struct shadow_replica *home = home_of(shadow, run->home);
    int at_home = home != NULL && home->server == server->number && is_present(shadow, home);
    if (live != NULL && live->seq > run->seq)
        broke(sim, INV_I16, "server %u has run %u at %lld, stored are %lld", server->number, r,
              (long long)live->seq, (long long)run->seq);
    if (live != NULL && live->seq == run->seq) {
        *behind = 0;
        return 1;
    }
    if (!at_home || (live == NULL && shadow_run_over(run)))
        *behind = 0;
    else if (*behind == 0)
        *behind = sim->now_ns;
    else if (overdue_late(shadow, *behind))
        broke(sim, INV_I16, "server %u is home of run %u and has %s of it", server->number, r,
              live == NULL ? "nothing" : "an old state");
    return 0;
}
