/* SPDX-License-Identifier: Apache-2.0 */
/* Register once a start, then one Connect stream that is opened again whenever it ends. A new
 * Connect under the same incarnation keeps the leases; a new Register would end them, so that is
 * done only when the server no longer knows our token. */
#include "agent/agent.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/clock.h"
#include "common/duration.h"
#include "common/ignore.h"
#include "common/mem.h"

/* Messages that wait for room on the stream; beyond it the server offers again what was not
 * acknowledged. */
#define OUTBOX_MAX 64u
/* How long the server may take to answer a goodbye. */
#define LEAVE_NS NS_PER_S

void agent_fail(struct agent *agent, const char *format, ...)
{
    struct text text = {NULL, 0, 0};
    va_list args;
    va_start(args, format);
    text_vprintf(&text, format, args);
    va_end(args);
    mem_free(agent->fatal);
    agent->fatal = text_take(&text);
}

int64_t backoff_ns(uint32_t tries)
{
    int64_t most = NS_PER_S << (tries < 5 ? tries : 5);
    return clock_jitter((most < 30 * NS_PER_S ? most : 30 * NS_PER_S) + 1);
}

static void end_call(struct agent *agent)
{
    struct session *session = &agent->session;
    arc_call_close(session->call);
    session->call = NULL;
    session->up = 0;
    session->unanswered_ns = 0;
    for (size_t i = 0; i < session->outbox_count; i++)
        text_deinit(&session->outbox[i]);
    session->outbox_count = 0;
}

/* Who runs a step waits for a tenth of its lease at most: a server that comes and goes would else
 * be waited for until the lease is over. Who runs none may have been given one with the last word
 * of the server, of which it did not hear: a third of a lease. */
static int64_t wait_ns(const struct agent *agent)
{
    int64_t wait = backoff_ns(agent->session.tries), third = agent->session.lease_ttl_ns / 3;
    if (third > 0 && wait > third)
        wait = clock_jitter(third + 1);
    for (const struct step *step = agent->steps; step != NULL; step = step->next) {
        if (wait > step->ttl_ns / 10)
            wait = clock_jitter(step->ttl_ns / 10 + 1);
    }
    return wait;
}

static void retry_later(struct agent *agent)
{
    struct session *session = &agent->session;
    end_call(agent);
    session->retry_ns = agent->now_ns + wait_ns(agent);
    session->tries++;
}

static void wake(void *user, arc_call *call)
{
    struct agent *agent = user;
    (void)call;
    agent->woken = 1;
}

arc_status session_call(struct agent *agent, const char *method, uint32_t deadline_ms,
                        arc_call **out, arc_err *err)
{
    arc_call_options options = ARC_CALL_OPTIONS_INIT;
    options.deadline_ms = deadline_ms;
    options.ready = wake;
    options.user = agent;
    return arc_client_call(agent->client, method, &options, out, err);
}

/* --- Register -------------------------------------------------------------------------------- */

static const char *architecture(const char *machine)
{
    if (strcmp(machine, "x86_64") == 0)
        return "amd64";
    return strcmp(machine, "aarch64") == 0 ? "arm64" : machine;
}

static void put_register(const struct agent *agent, struct text *out)
{
    const struct config *config = &agent->config;
    struct json_out json = {out, 0};
    struct utsname uts;
    memset(&uts, 0, sizeof(uts));
    uname(&uts);
    json_open(&json, NULL, '{');
    if (agent->token != NULL) {
        json_put_text(&json, "agentId", agent->id);
        json_put_text(&json, "token", agent->token);
    } else {
        json_put_text(&json, "registrationToken", config->registration_token);
    }
    json_put_text(&json, "agentName", config->name);
    json_put_text(&json, "os", "linux");
    json_put_text(&json, "arch", architecture(uts.machine));
    json_put_text(&json, "version", arc_version());
    json_put_int(&json, "maxConcurrentStepRuns", config->slots);
    json_open(&json, "labels", '{');
    for (size_t i = 0; i < config->labels.count; i++) {
        char *key = NULL;
        const char *value;
        if (arg_split_pair(config->labels.items[i], &key, &value))
            json_put_text(&json, key, value);
        mem_free(key);
    }
    json_close(&json, '}');
    json_put_int(&json, "protocolLevel", PROTOCOL_LEVEL);
    json_put_text(&json, "incarnation", agent->incarnation);
    json_close(&json, '}');
}

static void begin_register(struct agent *agent)
{
    struct session *session = &agent->session;
    arc_err err = ARC_ERR_INIT;
    struct text text = {NULL, 0, 0};
    if (agent->token == NULL && agent->config.registration_token == NULL) {
        agent_fail(agent, "This agent is not registered: give a registration token (art_…) with "
                          "--token-file or ARCENTRA_REGISTRATION_TOKEN.");
        return;
    }
    put_register(agent, &text);
    /* Register proves itself by what it carries; a bearer that is no longer good would be in the
     * way. */
    if (arc_client_set_token(agent->client, NULL, &err) != ARC_OK ||
        session_call(agent, "agent.v1.AgentService/Register", CALL_DEADLINE_MS, &session->call,
                     &err) != ARC_OK ||
        arc_call_send(session->call, text.ptr, text.len, &err) != ARC_OK ||
        arc_call_half_close(session->call, &err) != ARC_OK) {
        log_write(&agent->log, ARC_LOG_WARN, "Register cannot be sent: %s", err.message);
        retry_later(agent);
    }
    session->opened_ns = agent->now_ns;
    explicit_bzero(text.ptr, text.len);
    text_deinit(&text);
}

/* The server does not take what we offered. With a registration token left there is a second way.
 */
static void refused(struct agent *agent, const char *message)
{
    if (agent->token != NULL && agent->config.registration_token != NULL) {
        log_write(&agent->log, ARC_LOG_WARN,
                  "The server does not know this agent any more (%s); registering anew.", message);
        mem_free(agent->id);
        mem_free(agent->token);
        agent->id = NULL;
        agent->token = NULL;
        end_call(agent);
        agent->session.retry_ns = 0;
        agent->woken = 1;
        return;
    }
    agent_fail(agent, "%s refuses this agent: %s", agent->config.server, message);
}

static void take_identity(struct agent *agent, const json_node *reply)
{
    struct session *session = &agent->session;
    const char *id = json_get_text(reply, "agentId");
    const char *token = json_get_text(reply, "authToken");
    char why[512];
    char *fresh_id = mem_copy(id[0] != '\0' ? id : agent->id != NULL ? agent->id : "");
    char *fresh = mem_copy(token[0] != '\0' ? token : agent->token != NULL ? agent->token : "");
    mem_free(agent->id);
    mem_free(agent->token);
    agent->id = fresh_id;
    agent->token = fresh;
    if (token[0] != '\0' && !state_save(agent, why, sizeof(why)))
        log_write(&agent->log, ARC_LOG_ERROR, "%s The next start must register anew.", why);
    int64_t interval = json_get_int(reply, "heartbeatInterval");
    int64_t ttl_ms = json_get_int(reply, "leaseTtlMs");
    session->interval_ns = interval > 0 && interval < 3600 ? interval * NS_PER_S : 10 * NS_PER_S;
    session->lease_ttl_ns = ttl_ms > 0 && ttl_ms < 86400000 ? ttl_ms * NS_PER_MS : 30 * NS_PER_S;
}

static void finish_register(struct agent *agent, const json_node *reply)
{
    struct session *session = &agent->session;
    char why[512];
    arc_err err = ARC_ERR_INIT;
    if (!json_get_bool(reply, "success")) {
        refused(agent, json_get_text(reply, "message"));
        return;
    }
    take_identity(agent, reply);
    if (arc_client_set_token(agent->client, agent->token, &err) != ARC_OK) {
        agent_fail(agent, "The token cannot be used: %s", err.message);
        return;
    }
    if (agent->root == NULL && !work_open(agent, why, sizeof(why))) {
        agent_fail(agent, "%s", why);
        return;
    }
    log_write(&agent->log, ARC_LOG_INFO, "Registered at %s as %s (%s), %d slots.",
              agent->config.server, agent->id, agent->config.name, (int)agent->config.slots);
    if (json_get_bool(reply, "pendingApproval"))
        log_write(&agent->log, ARC_LOG_WARN,
                  "The server wants this agent to be approved by somebody before it gets work.");
    end_call(agent);
    session->state = SESSION_CONNECT;
    session->tries = 0;
    session->retry_ns = 0;
}

static void register_tick(struct agent *agent)
{
    struct session *session = &agent->session;
    arc_err err = ARC_ERR_INIT;
    const char *bytes;
    size_t len;
    if (session->call == NULL) {
        if (agent->now_ns >= session->retry_ns)
            begin_register(agent);
        return;
    }
    arc_status status = arc_call_next(session->call, &bytes, &len, &err);
    if (status == ARC_EAGAIN)
        return;
    if (status == ARC_OK) {
        const json_node *reply = json_parse(bytes, len, NULL, 0);
        finish_register(agent, reply);
        json_free(reply);
        return;
    }
    status = arc_call_status(session->call, &err);
    if (status == ARC_EUNAUTHENTICATED || status == ARC_EDENIED || status == ARC_EINVAL ||
        status == ARC_ENOTFOUND || status == ARC_EPRECONDITION) {
        refused(agent, err.message);
        return;
    }
    const char *trouble = arc_client_get_trouble(agent->client);
    log_write(&agent->log, ARC_LOG_WARN, "%s does not answer: %s Trying again.",
              agent->config.server, trouble[0] != '\0' ? trouble : err.message);
    retry_later(agent);
}

/* --- Connect --------------------------------------------------------------------------------- */

static void ack(struct agent *agent, const char *command_id, const char *trouble)
{
    struct text text = {NULL, 0, 0};
    struct json_out json = {&text, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "agentId", agent->id);
    json_open(&json, "taskAck", '{');
    json_put_text(&json, "commandId", command_id);
    json_put_text(&json, "status", trouble == NULL ? "ok" : "failed");
    json_put_text(&json, "message", trouble != NULL ? trouble : "");
    json_close(&json, '}');
    json_close(&json, '}');
    session_send(agent, text.ptr, text.len);
    text_deinit(&text);
}

static void take_dispatch(struct agent *agent, const char *command_id, const json_node *dispatch,
                          const struct raw *raw)
{
    const json_node *runs = json_get(dispatch, "stepRuns");
    const char *trouble = NULL;
    for (size_t i = 0; i < json_count(runs); i++) {
        const char *here = steps_take(agent, json_at(runs, i), raw, i);
        trouble = here != NULL ? here : trouble;
    }
    ack(agent, command_id, trouble);
    /* Refused because we go: it must not be offered to us once more. */
    if (trouble != NULL && agent->draining && agent->steps == NULL)
        session_leave(agent);
}

static void take_message(struct agent *agent, const json_node *message, const struct raw *raw)
{
    const char *command_id = json_get_text(message, "commandId");
    const json_node *part;
    agent->session.up = 1;
    if ((part = json_get(message, "taskDispatch")) != NULL) {
        take_dispatch(agent, command_id, part, raw);
    } else if ((part = json_get(message, "taskCancel")) != NULL) {
        steps_cancel(agent, part);
        ack(agent, command_id, NULL);
    } else if ((part = json_get(message, "renewal")) != NULL) {
        leases_renewed(agent, part);
    }
}

static void begin_connect(struct agent *agent)
{
    struct session *session = &agent->session;
    arc_err err = ARC_ERR_INIT;
    if (session_call(agent, "agent.v1.AgentService/Connect", 0, &session->call, &err) != ARC_OK) {
        log_write(&agent->log, ARC_LOG_WARN, "Connect cannot be opened: %s", err.message);
        retry_later(agent);
        return;
    }
    session->opened_ns = agent->now_ns;
    session->heartbeat_ns = agent->now_ns; /* the first thing that is said */
}

static void connect_ended(struct agent *agent)
{
    struct session *session = &agent->session;
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc_call_status(session->call, &err);
    if (agent->leave_ns != 0) {
        end_call(agent);
        return;
    }
    if (status == ARC_EUNAUTHENTICATED) {
        session->state = SESSION_REGISTER;
        refused(agent, err.message);
        return;
    }
    if (session->up || session->tries == 0)
        log_write(&agent->log, ARC_LOG_WARN, "The stream to %s has ended (%s); opening it again.",
                  agent->config.server, err.message[0] != '\0' ? err.message : "by the server");
    /* One that has served for a while begins the row of waits anew. */
    if (session->up && agent->now_ns - session->opened_ns > 10 * NS_PER_S)
        session->tries = 0;
    retry_later(agent);
}

static int flush(struct session *session)
{
    arc_err err = ARC_ERR_INIT;
    while (session->outbox_count > 0) {
        struct text *first = &session->outbox[0];
        if (arc_call_send(session->call, first->ptr, first->len, &err) == ARC_EAGAIN)
            return 0;
        text_deinit(first);
        session->outbox_count--;
        memmove(first, first + 1, session->outbox_count * sizeof(*first));
    }
    return 1;
}

void session_send(struct agent *agent, const char *message, size_t len)
{
    struct session *session = &agent->session;
    arc_err err = ARC_ERR_INIT;
    if (session->call == NULL || session->state != SESSION_CONNECT)
        return;
    if (flush(session) && arc_call_send(session->call, message, len, &err) != ARC_EAGAIN)
        return; /* sent, or the stream is over and the next turn sees it */
    if (session->outbox_count == OUTBOX_MAX)
        return;
    session->outbox = mem_grow(session->outbox, OUTBOX_MAX * sizeof(session->outbox[0]));
    struct text *last = &session->outbox[session->outbox_count++];
    *last = (struct text){NULL, 0, 0};
    text_add(last, message, len);
}

static void connect_tick(struct agent *agent)
{
    struct session *session = &agent->session;
    arc_err err = ARC_ERR_INIT;
    const char *bytes;
    size_t len;
    if (session->call == NULL && agent->now_ns >= session->retry_ns && agent->leave_ns == 0)
        begin_connect(agent);
    while (session->call != NULL && session->state == SESSION_CONNECT) {
        arc_status status = arc_call_next(session->call, &bytes, &len, &err);
        if (status == ARC_EAGAIN) {
            flush(session);
            return;
        }
        if (status != ARC_OK) {
            connect_ended(agent);
            return;
        }
        const json_node *message = json_parse(bytes, len, NULL, 0);
        const struct raw raw = {bytes, len};
        take_message(agent, message, &raw);
        json_free(message);
    }
}

int64_t session_tick(struct agent *agent)
{
    struct session *session = &agent->session;
    if (session->state == SESSION_REGISTER)
        register_tick(agent);
    if (session->state == SESSION_CONNECT)
        connect_tick(agent);
    return session->call == NULL ? session->retry_ns : NEVER;
}

void session_leave(struct agent *agent)
{
    arc_err err = ARC_ERR_INIT;
    if (agent->leave_ns != 0)
        return;
    agent->leave_ns = agent->now_ns + LEAVE_NS;
    agent->woken = 1;
    if (agent->session.call != NULL && agent->session.state == SESSION_CONNECT)
        ignore(arc_call_half_close(agent->session.call, &err)); /* over already is as good */
    else
        end_call(agent);
}

void session_close(struct agent *agent)
{
    end_call(agent);
    mem_free(agent->session.outbox);
    agent->session.outbox = NULL;
}
