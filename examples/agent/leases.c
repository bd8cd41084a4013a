/* SPDX-License-Identifier: Apache-2.0 */
/* A step may run while its lease is held, and begins once a renewal has listed it: how long its
 * offer was on its way nobody knows. The lease is held for its TTL from the moment at which the
 * renewal was asked for that the server has answered. At 80 % of the TTL without an answer we stop
 * the step ourselves: the server may give it to another agent at 100 %, and must not find it
 * running here. What has passed since the last renewal when the server goes away is taken from the
 * outage that a step survives, so while one runs, renewals come each TTL/10: of 30 s, 24 less 3 for
 * that and less the wait before the next try to connect (main.c). An agent without steps has
 * nothing to lose and says no more than it is asked to. */
#include "agent/agent.h"

#include <inttypes.h>
#include <string.h>

#include "common/clock.h"
#include "common/duration.h"

static int64_t interval(const struct agent *agent)
{
    const struct session *session = &agent->session;
    int64_t shortest = session->interval_ns;
    int64_t third = session->lease_ttl_ns / 3;
    shortest = third < shortest ? third : shortest;
    for (const struct step *step = agent->steps; step != NULL; step = step->next) {
        int64_t tenth = step->ttl_ns / 10;
        shortest = tenth < shortest ? tenth : shortest;
    }
    return shortest > 50 * NS_PER_MS ? shortest : 50 * NS_PER_MS;
}

/* One that goes has as many slots as it has jobs: what is being reported leaves none for another.
 */
static int64_t slots_told(const struct agent *agent)
{
    size_t held = steps_running(agent) > 0 ? steps_running(agent) : steps_count(agent);
    return agent->draining && held > 0 ? (int64_t)held : agent->config.slots;
}

static void put_heartbeat(struct agent *agent, struct text *out)
{
    struct json_out json = {out, 0};
    size_t running = steps_count(agent);
    struct text request = {NULL, 0, 0};
    text_printf(&request, "%" PRIu64, ++agent->session.request_number);
    json_open(&json, NULL, '{');
    json_put_text(&json, "agentId", agent->id);
    json_put_text(&json, "requestId", text_get(&request));
    json_open(&json, "heartbeat", '{');
    json_put_int(&json, "timestamp", clock_wall_ns() / NS_PER_S);
    int full = agent->draining || running >= (size_t)agent->config.slots;
    json_put_text(&json, "status", full ? "busy" : running > 0 ? "online" : "idle");
    json_put_uint(&json, "runningStepRunsCount", running);
    json_put_int(&json, "maxConcurrentStepRuns", slots_told(agent));
    json_put_text(&json, "incarnation", agent->incarnation);
    json_open(&json, "leases", '[');
    for (const struct step *step = agent->steps; step != NULL; step = step->next) {
        if (step->phase == STEP_OVER || step->stop == STOP_FORGET)
            continue;
        json_open(&json, NULL, '{');
        json_put_text(&json, "stepRunId", step->id);
        json_put_int(&json, "attempt", step->attempt);
        json_put_uint(&json, "fence", step->fence);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
    json_close(&json, '}');
    text_deinit(&request);
}

int64_t leases_tick(struct agent *agent)
{
    struct session *session = &agent->session;
    if (session->state != SESSION_CONNECT || session->call == NULL || agent->leave_ns != 0)
        return NEVER;
    if (agent->now_ns >= session->heartbeat_ns) {
        struct text text = {NULL, 0, 0};
        put_heartbeat(agent, &text);
        session_send(agent, text.ptr, text.len);
        text_deinit(&text);
        if (session->unanswered_ns == 0)
            session->unanswered_ns = agent->now_ns;
        session->heartbeat_ns = agent->now_ns + interval(agent);
    }
    /* A step with a shorter lease may have come since the next heartbeat was set. */
    int64_t latest = agent->now_ns + interval(agent);
    if (session->heartbeat_ns > latest)
        session->heartbeat_ns = latest;
    return session->heartbeat_ns;
}

static struct step *find(struct agent *agent, const json_node *lease)
{
    for (struct step *step = agent->steps; step != NULL; step = step->next) {
        if (step->fence == json_get_uint(lease, "fence") &&
            step->attempt == (int32_t)json_get_int(lease, "attempt") &&
            strcmp(step->id, json_get_text(lease, "stepRunId")) == 0)
            return step;
    }
    return NULL;
}

void leases_renewed(struct agent *agent, const json_node *renewal)
{
    struct session *session = &agent->session;
    const json_node *renewed = json_get(renewal, "renewed"), *lost = json_get(renewal, "lost");
    int64_t ttl_ms = json_get_int(renewal, "ttlMs");
    /* The oldest heartbeat without an answer: never later than the one that this answers. */
    int64_t asked_ns = session->unanswered_ns;
    session->unanswered_ns = 0;
    if (agent->now_ns - session->opened_ns > 10 * NS_PER_S)
        session->tries = 0;
    for (size_t i = 0; i < json_count(renewed); i++) {
        struct step *step = find(agent, json_at(renewed, i));
        if (step == NULL)
            continue;
        if (asked_ns > step->renewed_ns)
            step->renewed_ns = asked_ns;
        if (ttl_ms > 0 && ttl_ms < 86400000)
            step->ttl_ns = ttl_ms * NS_PER_MS;
        /* Its own heartbeat cannot have gone out before it was taken. */
        if (step->phase == STEP_WAITING && agent->now_ns - step->renewed_ns < step->ttl_ns / 10 * 8)
            steps_begin(agent, step);
    }
    for (size_t i = 0; i < json_count(lost); i++) {
        struct step *step = find(agent, json_at(lost, i));
        if (step != NULL)
            steps_forget(agent, step, "the server has ended its lease", 0);
    }
}

void leases_watch(struct agent *agent)
{
    for (struct step *step = agent->steps; step != NULL; step = step->next) {
        /* What has ended by itself keeps its result: only the server can say that it is too late.
         */
        if (step->phase != STEP_RUNNING || step->stop == STOP_FORGET)
            continue;
        if (agent->now_ns - step->renewed_ns >= step->ttl_ns / 10 * 8)
            steps_forget(agent, step, "its lease was not renewed in time",
                         step->ttl_ns / 10 / NS_PER_MS);
    }
}
