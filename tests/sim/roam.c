/* SPDX-License-Identifier: Apache-2.0 */
/* Agents among several servers: they know all of them, and go to another one when theirs does not
 * answer, or for no reason. */
#include "shadow.h"

#define PATIENCE_NS SECONDS(12) /* without an answer */

static void go(struct sim *sim, struct agent_sim *agent, uint64_t local_ns)
{
    agent->answered_ns = local_ns;
    agent->server = roll(&agent->dice, sim->server_count);
    if (agent->task_count > 0)
        reached(sim, GOAL_ROAMED);
    sim_trace(sim, "agent %u goes to server %u", (uint32_t)(agent - sim->agents), agent->server);
}

void roam_choose(struct sim *sim, struct agent_sim *agent, uint64_t local_ns)
{
    if (!is_shared(sim))
        return;
    if (local_ns - agent->answered_ns > (uint64_t)PATIENCE_NS / 2 || roll(&agent->dice, 3) == 0)
        go(sim, agent, local_ns);
}

int roam_leaves(struct sim *sim, struct agent_sim *agent, uint64_t local_ns)
{
    if (!is_shared(sim))
        return 0;
    if (local_ns - agent->answered_ns <= (uint64_t)PATIENCE_NS &&
        !faulty(sim, FAULT_ROAM, &agent->dice, 10))
        return 0;
    go(sim, agent, local_ns);
    return 1;
}

uint64_t roam_heard_ns(struct sim *sim, uint32_t server)
{
    const struct server *silent = &sim->servers[server];
    return silent->engine != NULL ? silent->silent_until_ns : 0;
}

/* Each remembers of an agent's processes those that it has seen followed. */
int roam_forgets(const struct sim *sim, const struct agent_sim *agent, uint32_t life)
{
    return is_shared(sim) &&
           (sim->server->number != agent->life_server || life + 1 < agent->claimed_lives);
}

int roam_known(const struct sim *sim, uint64_t at_ns)
{
    return !is_shared(sim) || overdue_late(sim->shadow, at_ns);
}

int roam_known_over(const struct sim *sim, const struct attempt *attempt)
{
    return attempt->over && roam_known(sim, attempt->over_ns);
}

void roam_arrived(struct server *server, uint32_t number)
{
    struct sim *sim = server->sim;
    struct agent_sim *agent = &sim->agents[number];
    for (uint32_t i = 0; i < sim->server_count; i++) {
        struct channel *old = &agent->channels[i];
        if (i == server->number || old->session == NULL || roll(&agent->dice, 2))
            continue;
        arc__session_close(old->session);
        old->session = NULL;
        old->due = 0;
    }
}

void roam_pumped(struct channel *channel, arc_status status)
{
    if (status != ARC_EDONE)
        return;
    arc__session_close(channel->session);
    channel->session = NULL;
}
