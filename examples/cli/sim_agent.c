/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/duration.h"
#include "common/ignore.h"
#include "common/json.h"
#include "common/mem.h"

#define HEARTBEAT_NS (10 * NS_PER_S)
#define ACK_NS (5 * NS_PER_MS)
#define AWAY_LEAST_NS (20 * NS_PER_S)
#define AWAY_MOST_NS (300 * NS_PER_S)
#define ROUNDS_MAX 64 /* dispatches until an answer is there */

/* A step that an agent has. It says `running`, and later its result. */
struct sim_step {
    struct sim_step *next;
    char *id;
    char *output; /* "NAME=VALUE", or NULL */
    int64_t attempt;
    uint64_t fence;
    int64_t at_ns; /* when it says its next word */
    int64_t took_ns;
    int begun;
    int result; /* ARC_STEP_… that it will end with */
};

static void free_step(struct sim_step *step)
{
    mem_free(step->id);
    mem_free(step->output);
    mem_free(step);
}

static void send_json(struct sim_agent *agent, struct text *text)
{
    /* A stream that does not take it has ended; then nobody listens, and the lease lapses. */
    if (agent->call != NULL)
        ignore(arc_call_send(agent->call, text->ptr, text->len, NULL));
    text_deinit(text);
}

/* --- the stream ------------------------------------------------------------------------------ */

static arc_status ask(struct sim_agent *agent, const char *method, const struct text *request,
                      const json_node **reply, arc_err *err)
{
    arc_call *call = NULL;
    const char *bytes;
    size_t len;
    arc_ctl *ctl = agent->life->ctl;
    arc_status status = arc_call_open(ctl, method, NULL, &call, err);
    if (status == ARC_OK)
        status = arc_call_send(call, request->ptr, request->len, err);
    if (status == ARC_OK)
        status = arc_call_half_close(call, err);
    if (status == ARC_OK)
        status = ARC_EAGAIN;
    for (int i = 0; status == ARC_EAGAIN && i < ROUNDS_MAX; i++) {
        status = arc_ctl_dispatch(ctl, 0, err);
        if (status == ARC_OK)
            status = arc_call_next(call, &bytes, &len, err);
    }
    if (status == ARC_EDONE)
        status = arc_call_status(call, err);
    else if (status == ARC_OK)
        *reply = json_parse(bytes, len, NULL, 0);
    arc_call_close(call);
    return status;
}

static void put_incarnation(const struct sim_agent *agent, struct json_out *json)
{
    char name[32];
    snprintf(name, sizeof(name), "start-%" PRIu32, agent->incarnation);
    json_put_text(json, "incarnation", name);
}

static void heartbeat(struct sim_agent *agent)
{
    struct text text = {NULL, 0, 0};
    struct json_out json = {&text, 0};
    int64_t count = 0;
    for (const struct sim_step *step = agent->steps; step != NULL; step = step->next)
        count++;
    json_open(&json, NULL, '{');
    json_put_text(&json, "agentId", agent->id);
    json_open(&json, "heartbeat", '{');
    json_put_text(&json, "status", count > 0 ? "busy" : "idle");
    json_put_int(&json, "runningStepRunsCount", count);
    json_put_int(&json, "maxConcurrentStepRuns", agent->life->rules->slots);
    put_incarnation(agent, &json);
    json_open(&json, "leases", '[');
    for (const struct sim_step *step = agent->steps; step != NULL; step = step->next) {
        json_open(&json, NULL, '{');
        json_put_text(&json, "stepRunId", step->id);
        json_put_int(&json, "attempt", step->attempt);
        json_put_uint(&json, "fence", step->fence);
        json_close(&json, '}');
    }
    json_close(&json, ']');
    json_close(&json, '}');
    json_close(&json, '}');
    send_json(agent, &text);
    agent->heartbeat_ns = agent->life->now_ns + HEARTBEAT_NS;
}

static arc_status connect_stream(struct sim_agent *agent, arc_err *err)
{
    arc_call_options options = ARC_CALL_OPTIONS_INIT;
    options.token = agent->token;
    agent->incarnation++;
    agent->back_ns = 0;
    agent->lost_ns = INT64_MAX;
    arc_status status = arc_call_open(agent->life->ctl, "agent.v1.AgentService/Connect", &options,
                                      &agent->call, err);
    if (status == ARC_OK)
        heartbeat(agent);
    return status;
}

arc_status sim_agent_open(struct sim_agent *agent, const char *registration_token, arc_err *err)
{
    struct text text = {NULL, 0, 0};
    struct json_out json = {&text, 0};
    const json_node *reply = NULL;
    char name[48];
    snprintf(name, sizeof(name), "agent-%zu", agent->number);
    json_open(&json, NULL, '{');
    json_put_text(&json, "registrationToken", registration_token);
    json_put_text(&json, "agentName", name);
    json_put_text(&json, "version", arc_version());
    json_put_int(&json, "maxConcurrentStepRuns", agent->life->rules->slots);
    json_put_raw(&json, "labels", agent->life->rules->kinds[agent->kind]);
    json_put_int(&json, "protocolLevel", 1);
    json_close(&json, '}');
    arc_status status = ask(agent, "agent.v1.AgentService/Register", &text, &reply, err);
    text_deinit(&text);
    if (status != ARC_OK)
        return status;
    agent->id = mem_copy(json_get_text(reply, "agentId"));
    agent->token = mem_copy(json_get_text(reply, "authToken"));
    json_free(reply);
    return connect_stream(agent, err);
}

/* --- what it is told ------------------------------------------------------------------------- */

/* The value of "NAME=VALUE" in the list whose name is key or ends with "/key"; NULL: none. */
static const char *given(const struct arg_list *list, const char *job, const char *key)
{
    struct text whole = {NULL, 0, 0};
    const char *value = NULL;
    text_printf(&whole, "%s/%s=", job, key);
    for (size_t i = 0; i < list->count; i++) {
        const char *item = list->items[i];
        const char *at = text_get(&whole);
        size_t len = whole.len, bare = strlen(key) + 1;
        if (strncmp(item, at, len) == 0) {
            value = item + len;
            break;
        }
        if (strncmp(item, at + len - bare, bare) == 0)
            value = item + bare;
    }
    text_deinit(&whole);
    return value;
}

static int64_t time_of(struct sim_life *life, const char *job, const char *step)
{
    int64_t ns;
    const char *text = given(life->rules->times, job, step);
    if (text != NULL && duration_parse(text, &ns))
        return ns;
    return sim_between(life, life->rules->least_ns, life->rules->most_ns);
}

/* One of the outputs that are given for a step. */
static char *output_of(struct sim_life *life, const char *step)
{
    const struct arg_list *list = life->rules->outputs;
    size_t count = 0, len = strlen(step);
    const char *chosen = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const char *item = list->items[i];
        if (strncmp(item, step, len) == 0 && item[len] == '.' &&
            sim_between(life, 0, (int64_t)count++) == 0)
            chosen = item + len + 1;
    }
    return mem_copy(chosen);
}

static void take_step(struct sim_agent *agent, const json_node *run)
{
    struct sim_life *life = agent->life;
    const char *id = json_get_text(run, "stepRunId");
    const char *name = json_get_text(run, "stepName");
    const char *job = json_get_text(run, "jobName");
    int64_t timeout_ns = 0;
    for (const struct sim_step *step = agent->steps; step != NULL; step = step->next) {
        if (strcmp(step->id, id) == 0 && step->fence == json_get_uint(run, "fence"))
            return; /* offered again */
    }
    struct sim_step *step = mem_new(sizeof(*step));
    *step = (struct sim_step){.next = agent->steps,
                              .id = mem_copy(id),
                              .output = output_of(life, name),
                              .attempt = json_get_int(run, "attempt"),
                              .fence = json_get_uint(run, "fence"),
                              .at_ns = life->now_ns + ACK_NS,
                              .took_ns = time_of(life, job, name),
                              .result = ARC_STEP_SUCCESS};
    if (sim_chance(life, life->rules->fail))
        step->result = ARC_STEP_FAILED;
    if (duration_parse(json_get_text(run, "timeout"), &timeout_ns) && timeout_ns > 0 &&
        step->took_ns > timeout_ns) {
        step->took_ns = timeout_ns;
        step->result = ARC_STEP_TIMEOUT;
    }
    if (sim_chance(life, life->rules->lost) && agent->lost_ns == INT64_MAX)
        agent->lost_ns = life->now_ns + sim_between(life, 0, step->took_ns + ACK_NS);
    agent->steps = step;
}

static void cancel_step(struct sim_agent *agent, const json_node *cancel)
{
    struct sim_life *life = agent->life;
    int64_t grace_ns = json_get_int(cancel, "graceMs") * NS_PER_MS;
    for (struct sim_step *step = agent->steps; step != NULL; step = step->next) {
        if (strcmp(step->id, json_get_text(cancel, "stepRunId")) != 0)
            continue;
        step->begun = 1;
        step->result = ARC_STEP_CANCELLED;
        step->at_ns = life->now_ns + sim_between(life, 0, grace_ns > 0 ? grace_ns : 0);
    }
}

static void drop_lost(struct sim_agent *agent, const json_node *lost)
{
    for (size_t i = 0; i < json_count(lost); i++) {
        for (struct sim_step **at = &agent->steps; *at != NULL;) {
            struct sim_step *step = *at;
            if (step->fence != json_get_uint(json_at(lost, i), "fence")) {
                at = &step->next;
                continue;
            }
            *at = step->next;
            free_step(step);
        }
    }
}

static void acknowledge(struct sim_agent *agent, const char *command_id)
{
    struct text text = {NULL, 0, 0};
    struct json_out json = {&text, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "agentId", agent->id);
    json_open(&json, "taskAck", '{');
    json_put_text(&json, "commandId", command_id);
    json_put_text(&json, "status", "ok");
    json_close(&json, '}');
    json_close(&json, '}');
    send_json(agent, &text);
}

static void take_message(struct sim_agent *agent, const json_node *message)
{
    const json_node *part;
    if ((part = json_get(message, "taskDispatch")) != NULL) {
        const json_node *runs = json_get(part, "stepRuns");
        for (size_t i = 0; i < json_count(runs); i++)
            take_step(agent, json_at(runs, i));
        acknowledge(agent, json_get_text(message, "commandId"));
    } else if ((part = json_get(message, "taskCancel")) != NULL) {
        cancel_step(agent, part);
        acknowledge(agent, json_get_text(message, "commandId"));
    } else if ((part = json_get(message, "renewal")) != NULL) {
        drop_lost(agent, json_get(part, "lost"));
    }
}

int sim_agent_listen(struct sim_agent *agent)
{
    const char *bytes;
    size_t len;
    int told = 0;
    while (agent->call != NULL && arc_call_next(agent->call, &bytes, &len, NULL) == ARC_OK) {
        const json_node *message = json_parse(bytes, len, NULL, 0);
        take_message(agent, message);
        json_free(message);
        told = 1;
    }
    return told;
}

/* --- what it does by itself ------------------------------------------------------------------ */

static void put_output(struct json_out *json, const char *output)
{
    char *name = NULL;
    const char *value;
    if (output == NULL || !arg_split_pair(output, &name, &value))
        return;
    json_open(json, "outputs", '{');
    json_put_text(json, name, value);
    json_close(json, '}');
    mem_free(name);
}

static void report(struct sim_agent *agent, const struct sim_step *step, int status)
{
    struct text text = {NULL, 0, 0};
    struct json_out json = {&text, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "agentId", agent->id);
    json_open(&json, "taskStatus", '{');
    json_put_text(&json, "stepRunId", step->id);
    json_put_text(&json, "status", arc_step_state_name(status));
    json_put_int(&json, "attempt", step->attempt);
    json_put_uint(&json, "fence", step->fence);
    if (status == ARC_STEP_FAILED) {
        json_put_int(&json, "exitCode", 1);
        json_put_text(&json, "errorMessage", "Exit code 1.");
    }
    if (status != ARC_STEP_RUNNING)
        put_output(&json, step->output);
    json_close(&json, '}');
    json_close(&json, '}');
    send_json(agent, &text);
}

static void drop_steps(struct sim_agent *agent)
{
    while (agent->steps != NULL) {
        struct sim_step *step = agent->steps;
        agent->steps = step->next;
        free_step(step);
    }
}

/* Its machine is gone: it says nothing, and knows nothing when it is back. */
static void get_lost(struct sim_agent *agent)
{
    struct sim_life *life = agent->life;
    arc_call_close(agent->call);
    agent->call = NULL;
    drop_steps(agent);
    agent->lost_ns = INT64_MAX;
    agent->back_ns = life->now_ns + sim_between(life, AWAY_LEAST_NS, AWAY_MOST_NS);
    life->lost++;
    if (life->trace)
        printf("  agent-%zu is lost\n", agent->number);
}

static int64_t tick_steps(struct sim_agent *agent)
{
    int64_t next = INT64_MAX, now_ns = agent->life->now_ns;
    for (struct sim_step **at = &agent->steps; *at != NULL;) {
        struct sim_step *step = *at;
        if (step->at_ns <= now_ns && step->begun) {
            report(agent, step, step->result);
            *at = step->next;
            free_step(step);
            continue;
        }
        if (step->at_ns <= now_ns) {
            report(agent, step, ARC_STEP_RUNNING);
            step->begun = 1;
            step->at_ns = now_ns + step->took_ns;
        }
        next = step->at_ns < next ? step->at_ns : next;
        at = &step->next;
    }
    return next;
}

int64_t sim_agent_tick(struct sim_agent *agent)
{
    struct sim_life *life = agent->life;
    if (agent->back_ns > life->now_ns)
        return agent->back_ns;
    if (agent->back_ns != 0 && connect_stream(agent, NULL) != ARC_OK)
        return INT64_MAX; /* the engine is out of memory or over: the loop hears it */
    if (agent->lost_ns <= life->now_ns) {
        get_lost(agent);
        return agent->back_ns;
    }
    if (agent->heartbeat_ns <= life->now_ns)
        heartbeat(agent);
    int64_t next = tick_steps(agent);
    next = agent->heartbeat_ns < next ? agent->heartbeat_ns : next;
    return agent->lost_ns < next ? agent->lost_ns : next;
}

void sim_agent_close(struct sim_agent *agent)
{
    drop_steps(agent);
    arc_call_close(agent->call);
    mem_free(agent->id);
    mem_free(agent->token);
}
