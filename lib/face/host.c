/* SPDX-License-Identifier: Apache-2.0 */
/* The executors of this process: an agent whose channel is a function call. It takes offers like
 * any other, writes under a lease like any other, and is lost like any other when the process ends.
 */
#include <arcentra/run.h>

#include "base/json.h"
#include "base/map.h"
#include "base/text.h"
#include "core/decide.h"
#include "engine/event_json.h"
#include "face/ctl_private.h"

#define STEP_BYTES_MAX (16u * 1024u * 1024u)
#define STREAMS 2
#define SHELVES_FIRST 16u
#define REPORT_AGAIN_NS 100000000u /* after one that could not be stored */
#define LISTEN_AGAIN_NS 100000000u /* after an offer that could not be listened to */

struct executor {
    arc_executor given;
};

/* A step that runs here. */
struct host_step {
    struct arc_link link;
    struct host_step *beside; /* the next one of its shelf */
    struct arc_host *host;
    struct arc_arena arena; /* what the view shows */
    arc_step_view view;
    arc_executor executor;
    int32_t attempt;
    uint64_t fence;
    struct arc_buf partial[STREAMS]; /* output after the last newline */
    struct output *outputs;          /* in `arena`, the newest first, each name once */
    size_t output_bytes;
    max_align_t first[20]; /* of the arena; not zeroed */
};

struct output {
    struct output *next;
    arc_slice name, value;
};

/* A report on its way to the store; sent again while the store is away. */
struct report {
    struct arc_link link; /* in host.reports, or in host.unsent while it has no command */
    struct arc_host *host;
    struct arc_arena arena;
    arc_slice step_run_id, message, outputs;
    int32_t status, attempt, exit_code;
    uint64_t fence;
    struct arc_cmd *cmd;
    uint64_t again_mono_ns;
    max_align_t first[5]; /* of the arena; not zeroed */
};

struct arc_host {
    struct arc_ctl *ctl;
    struct arc_map executors; /* by name */
    struct arc_session *session;
    struct arc_link steps, reports, unsent;
    struct host_step **shelves; /* steps by token; a power of two of them */
    size_t shelf_count, step_count;
    uint64_t next_token;
    uint64_t beat_mono_ns;
    uint64_t listen_mono_ns; /* when offers are listened to again; 0: as they come */
    int behind;              /* there was one that could not be */
};

/* --- executors ----------------------------------------------------------------------- */

static arc_slice bare(arc_slice uses)
{
    arc_slice rest;
    return arc__slice_cut(uses, '@', &rest);
}

static struct executor *find_executor(struct arc_host *host, arc_slice uses)
{
    struct executor *executor = arc__map_get(&host->executors, bare(uses));
    return executor != NULL ? executor : arc__map_get(&host->executors, ARC_LIT("*"));
}

static int offers(void *user, arc_slice uses)
{
    return find_executor(user, uses) != NULL;
}

/* --- reports ------------------------------------------------------------------------- */

static void report_free(struct report *report)
{
    struct arc_mem mem = report->host->ctl->mem;
    arc__list_remove(&report->link);
    arc__arena_deinit(&report->arena);
    arc__free(&mem, report);
}

static void reported(void *user, const struct arc_answer *answer)
{
    struct report *report = user;
    report->cmd = NULL;
    if (answer->status == ARC_EUNAVAILABLE || answer->status == ARC_ENOMEM) {
        report->again_mono_ns =
            arc__engine_now(report->host->ctl->engine).mono_ns + REPORT_AGAIN_NS;
        arc__list_remove(&report->link);
        arc__list_add_tail(&report->host->unsent, &report->link);
        return;
    }
    report_free(report); /* stored, or refused for good: the attempt is over */
}

static arc_status submit_report(struct report *report, arc_err *err)
{
    struct arc_engine *engine = report->host->ctl->engine;
    struct arc_cmd *cmd = arc__cmd_new(engine, ARC_CMD_STEP_REPORT);
    if (cmd == NULL)
        return arc__fail_nomem(err);
    cmd->principal.kind = ARC_PRINCIPAL_HOST;
    cmd->u.report.agent_id = arc__engine_host_id(engine);
    cmd->u.report.step_run_id = arc__arena_copy(&cmd->arena, report->step_run_id);
    cmd->u.report.error_message = arc__arena_copy(&cmd->arena, report->message);
    cmd->u.report.outputs = arc__arena_copy(&cmd->arena, report->outputs);
    cmd->u.report.status = report->status;
    cmd->u.report.attempt = report->attempt;
    cmd->u.report.exit_code = report->exit_code;
    cmd->u.report.fence = report->fence;
    report->cmd = cmd;
    arc_status status = arc__engine_submit(engine, cmd, reported, report, err);
    if (status != ARC_OK)
        report->cmd = NULL;
    return status;
}

/* The outputs as a JSON object of texts; empty: none. */
static arc_slice show_outputs(const struct host_step *step, struct arc_arena *arena)
{
    struct arc_buf buf;
    arc_slice text = ARC_NONE;
    if (step->outputs == NULL)
        return text;
    /* Each byte may become an escape of six. */
    arc__buf_init(&buf, &step->host->ctl->mem, 8 * ARC_STEP_OUTPUTS_MAX);
    struct arc_json json;
    arc__json_init(&json, &buf);
    arc__json_object(&json);
    for (const struct output *o = step->outputs; o != NULL; o = o->next) {
        arc__json_key(&json, o->name);
        arc__json_text(&json, o->value);
    }
    arc__json_end_object(&json);
    if (buf.failed == ARC_OK)
        text = arc__arena_copy(arena, arc__buf_slice(&buf));
    else
        arena->failed = 1;
    arc__buf_deinit(&buf);
    return text;
}

static arc_status send_report(struct host_step *step, int32_t status, int exit_code,
                              const char *message, arc_err *err)
{
    struct arc_host *host = step->host;
    struct report *report = arc__realloc(&host->ctl->mem, NULL, sizeof(*report));
    if (report == NULL)
        return arc__fail_nomem(err);
    memset(report, 0, offsetof(struct report, first));
    report->host = host;
    report->status = status;
    report->attempt = step->attempt;
    report->fence = step->fence;
    report->exit_code = exit_code;
    arc__arena_init(&report->arena, &host->ctl->mem, 1024u * 1024u);
    arc__arena_lend(&report->arena, report->first, sizeof(report->first));
    report->step_run_id = arc__arena_copy(&report->arena, arc__slice_cstr(step->view.step_run_id));
    report->message = arc__arena_copy(&report->arena, arc__slice_cstr(message));
    report->outputs = show_outputs(step, &report->arena);
    arc__list_add_tail(&host->reports, &report->link);
    arc_status result = report->arena.failed ? arc__fail_nomem(err) : submit_report(report, err);
    if (result != ARC_OK)
        report_free(report);
    return result;
}

static void resubmit_due(struct arc_host *host, struct arc_now now)
{
    ARC_LIST_EACH_SAFE(&host->unsent, link)
    {
        struct report *report = ARC_CONTAINER(link, struct report, link);
        if (report->again_mono_ns > now.mono_ns)
            continue;
        report->again_mono_ns = now.mono_ns + REPORT_AGAIN_NS;
        if (submit_report(report, NULL) != ARC_OK)
            continue;
        arc__list_remove(link);
        arc__list_add_tail(&host->reports, link);
    }
}

/* --- steps --------------------------------------------------------------------------- */

static struct host_step **shelf_of(struct arc_host *host, uint64_t token)
{
    return &host->shelves[token & (host->shelf_count - 1)]; /* tokens count up */
}

/* Room for one more; where memory is short the shelves there are get fuller. */
static arc_status shelves_grow(struct arc_host *host, arc_err *err)
{
    if (host->step_count < host->shelf_count)
        return ARC_OK;
    size_t count = host->shelf_count > 0 ? host->shelf_count * 2 : SHELVES_FIRST;
    struct host_step **fresh = arc__alloc_array(&host->ctl->mem, count, sizeof(struct host_step *));
    if (fresh == NULL)
        return host->shelf_count > 0 ? ARC_OK : arc__fail_nomem(err);
    arc__free(&host->ctl->mem, host->shelves);
    host->shelves = fresh;
    host->shelf_count = count;
    ARC_LIST_EACH(&host->steps, link)
    {
        struct host_step *step = ARC_CONTAINER(link, struct host_step, link);
        struct host_step **shelf = shelf_of(host, step->view.token);
        step->beside = *shelf;
        *shelf = step;
    }
    return ARC_OK;
}

static arc_status step_add(struct arc_host *host, struct host_step *step, arc_err *err)
{
    ARC_TRY(shelves_grow(host, err));
    step->view.token = ++host->next_token;
    struct host_step **shelf = shelf_of(host, step->view.token);
    step->beside = *shelf;
    *shelf = step;
    arc__list_add_tail(&host->steps, &step->link);
    host->step_count++;
    return ARC_OK;
}

static void step_remove(struct arc_host *host, struct host_step *step)
{
    struct host_step **place = shelf_of(host, step->view.token);
    while (*place != step)
        place = &(*place)->beside;
    *place = step->beside;
    arc__list_remove(&step->link);
    host->step_count--;
}

static void step_free(struct host_step *step)
{
    struct arc_mem mem = step->host->ctl->mem;
    if (arc__list_linked(&step->link))
        step_remove(step->host, step);
    for (int i = 0; i < STREAMS; i++)
        arc__buf_deinit(&step->partial[i]);
    arc__arena_deinit(&step->arena);
    arc__free(&mem, step);
}

static struct host_step *find_step(struct arc_ctl *ctl, uint64_t token)
{
    if (ctl->host == NULL || ctl->host->shelf_count == 0)
        return NULL;
    struct host_step *step = *shelf_of(ctl->host, token);
    while (step != NULL && step->view.token != token)
        step = step->beside;
    return step;
}

static const arc_pair *copy_env(struct arc_arena *arena, const struct arc_kvs *env)
{
    arc_pair *pairs = arc__arena_array(arena, env->count, sizeof(*pairs));
    for (uint32_t i = 0; pairs != NULL && i < env->count; i++) {
        pairs[i].key = arc__arena_strdup(arena, env->items[i].key);
        pairs[i].value = arc__arena_strdup(arena, env->items[i].value);
    }
    return pairs;
}

static int is_last(const struct arc_run *run, const struct arc_offer *offer)
{
    return offer->step + 1 == run->plan->jobs[offer->job].step_count;
}

static arc_status fill_view(struct host_step *step, const struct arc_offer *offer, arc_err *err)
{
    const struct arc_run *run = offer->run;
    const struct arc_plan_job *job = &run->plan->jobs[offer->job];
    const struct arc_plan_step *plan = &job->steps[offer->step];
    const struct arc_step_state *state = &run->jobs[offer->job].steps[offer->step];
    struct arc_arena *arena = &step->arena;
    struct arc_resolved texts;
    ARC_TRY(arc__step_resolve(run, offer->job, offer->step, NULL, arena, &texts, err));
    step->attempt = state->attempt;
    step->fence = state->fence;
    step->view = (arc_step_view){
        .size = sizeof(arc_step_view),
        .token = step->view.token,
        .run_id = arc__arena_strdup(arena, arc__id_slice(&run->id)),
        .pipeline_id = arc__arena_strdup(arena, run->pipeline_id),
        .job_id = arc__arena_strdup(arena, arc__id_slice(&run->jobs[offer->job].id)),
        .step_run_id = arc__arena_strdup(arena, arc__id_slice(&state->id)),
        .job_name = arc__arena_strdup(arena, job->key),
        .step_name = arc__arena_strdup(arena, plan->name),
        .uses = arc__arena_strdup(arena, plan->uses),
        .action = arc__arena_strdup(arena, plan->action),
        .args = arc__arena_strdup(arena, texts.args.len > 0 ? texts.args : ARC_LIT("{}")),
        .env = copy_env(arena, &texts.env),
        .env_count = texts.env.count,
        .working_directory = arc__arena_strdup(arena, texts.working_directory),
        .workspace = arc__arena_strdup(arena, offer->workspace),
        .timeout_ns = arc__step_timeout_ns(run, offer->job, offer->step),
        .step_index = offer->step,
        .attempt = (uint32_t)state->attempt,
        .last = (uint32_t)is_last(run, offer),
        .image = arc__arena_strdup(arena, texts.image),
        .target = arc__arena_strdup(arena, texts.target),
        .runtime = arc__arena_strdup(arena, texts.runtime),
    };
    return ARC_OK;
}

static arc_status start_step(struct arc_host *host, const struct arc_offer *offer, arc_err *err)
{
    struct arc_ctl *ctl = host->ctl;
    struct host_step *step = arc__realloc(&ctl->mem, NULL, sizeof(*step));
    arc_err why = ARC_ERR_INIT;
    if (step == NULL)
        return arc__fail_nomem(err);
    memset(step, 0, offsetof(struct host_step, first));
    step->host = host;
    arc__arena_init(&step->arena, &ctl->mem, STEP_BYTES_MAX);
    arc__arena_lend(&step->arena, step->first, sizeof(step->first));
    for (int i = 0; i < STREAMS; i++)
        arc__buf_init(&step->partial[i], &ctl->mem, 2 * ARC_LOG_LINE_MAX);
    arc_status status = step_add(host, step, err);
    if (status == ARC_OK)
        status = fill_view(step, offer, err);
    if (status == ARC_OK && step->arena.failed)
        status = arc__fail_nomem(err);
    struct executor *executor =
        status == ARC_OK ? find_executor(host, arc__slice_cstr(step->view.uses)) : NULL;
    if (status == ARC_OK)
        status = send_report(step, ARC_STEP_RUNNING, 0, NULL, err);
    if (status == ARC_OK) /* last: what is acknowledged is not offered again */
        status = arc__session_ack(host->session, arc__slice_cstr(step->view.step_run_id),
                                  step->fence, 1, ARC_NONE, err);
    if (status != ARC_OK) {
        step_free(step); /* offered again later */
        return status;
    }
    if (executor == NULL)
        return arc_step_end(ctl, step->view.token, ARC_STEP_FAILED, -1,
                            "No executor of this process takes it.", err);
    step->executor = executor->given;
    uint64_t token = step->view.token;
    status = step->executor.start(step->executor.user, &step->view, &why);
    if (status == ARC_OK || find_step(ctl, token) == NULL) /* it may have ended by itself */
        return ARC_OK;
    return arc_step_end(ctl, token, ARC_STEP_FAILED, -1,
                        why.message[0] != '\0' ? why.message : arc_status_name(status), err);
}

static void cancel_step(struct arc_host *host, const struct arc_cancel_order *order)
{
    ARC_LIST_EACH(&host->steps, link)
    {
        struct host_step *step = ARC_CONTAINER(link, struct host_step, link);
        if (step->fence != order->fence)
            continue;
        if (step->executor.cancel != NULL)
            step->executor.cancel(step->executor.user, step->view.token,
                                  (uint32_t)(order->grace_ns / 1000000));
        return;
    }
}

static void take_offers(void *user)
{
    struct arc_host *host = user;
    struct arc_arena arena;
    arc_err err = ARC_ERR_INIT;
    arc_status status = ARC_OK;
    arc__arena_init(&arena, &host->ctl->mem, STEP_BYTES_MAX);
    while (status == ARC_OK) {
        struct arc_offer offer;
        arc__arena_reset(&arena);
        status = arc__session_next(host->session, &arena, &offer, &err);
        if (status != ARC_OK)
            break;
        if (offer.kind == ARC_OFFER_CANCEL)
            cancel_step(host, &offer.cancel);
        else
            status = start_step(host, &offer, &err);
    }
    if (status != ARC_EAGAIN && status != ARC_EDONE) {
        arc__env_log(&host->ctl->env, ARC_LOG_WARN, "host", "A step could not be started: %s",
                     err.message);
        host->behind = 1;
    }
    arc__arena_deinit(&arena);
}

/* --- the host as an agent ------------------------------------------------------------ */

/* What is offered here: jobs that wait may be something for it. */
static void tell_engine(struct arc_host *host)
{
    struct arc_host_port port = {.slots = host->ctl->host_slots, .offers = offers, .user = host};
    arc__engine_set_host(host->ctl->engine, &port);
}

static arc_status host_new(struct arc_ctl *ctl, arc_err *err)
{
    struct arc_host *host = arc__alloc(&ctl->mem, sizeof(*host));
    if (host == NULL)
        return arc__fail_nomem(err);
    host->ctl = ctl;
    arc__list_init(&host->steps);
    arc__list_init(&host->reports);
    arc__list_init(&host->unsent);
    arc__map_init(&host->executors, &ctl->mem, 0, 0); /* names are the host's own */
    ctl->host = host;
    tell_engine(host);
    arc_status status = arc__session_open(ctl->engine, arc__engine_host_id(ctl->engine),
                                          take_offers, host, &host->session, err);
    if (status != ARC_OK)
        arc__host_close(ctl);
    return status;
}

void arc__host_close(struct arc_ctl *ctl)
{
    struct arc_host *host = ctl->host;
    size_t at = 0;
    void *executor = NULL;
    if (host == NULL)
        return;
    ctl->host = NULL;
    arc__session_close(host->session);
    arc__engine_set_host(ctl->engine, NULL);
    ARC_LIST_EACH_SAFE(&host->steps, link)
    {
        step_free(ARC_CONTAINER(link, struct host_step, link));
    }
    ARC_LIST_EACH_SAFE(&host->reports, link)
    {
        struct report *report = ARC_CONTAINER(link, struct report, link);
        arc__cmd_forget(report->cmd);
        report_free(report);
    }
    ARC_LIST_EACH_SAFE(&host->unsent, link)
    {
        report_free(ARC_CONTAINER(link, struct report, link));
    }
    while (arc__map_next(&host->executors, &at, NULL, &executor))
        arc__free(&ctl->mem, executor);
    arc__map_deinit(&host->executors);
    arc__free(&ctl->mem, host->shelves);
    arc__free(&ctl->mem, host);
}

/* Offers that could not be listened to are not told again: their leases go on with ours. */
static void listen_again(struct arc_host *host, struct arc_now now)
{
    if (host->behind) {
        host->behind = 0;
        host->listen_mono_ns = now.mono_ns + LISTEN_AGAIN_NS;
    } else if (host->listen_mono_ns != 0 && now.mono_ns >= host->listen_mono_ns) {
        host->listen_mono_ns = 0;
        take_offers(host);
    }
}

/* The process is alive as long as it dispatches, and that is what its leases say. */
void arc__host_tick(struct arc_ctl *ctl, struct arc_now now)
{
    struct arc_host *host = ctl->host;
    struct arc_heartbeat beat = {.agent_id = arc__engine_host_id(ctl->engine)};
    struct arc_renewal renewal;
    struct arc_arena arena;
    if (host == NULL)
        return;
    resubmit_due(host, now);
    listen_again(host, now);
    if (now.mono_ns < host->beat_mono_ns)
        return;
    arc__arena_init(&arena, &ctl->mem, STEP_BYTES_MAX);
    (void)arc__engine_heartbeat(ctl->engine, &beat, &arena, &renewal, NULL); /* again next time */
    arc__arena_deinit(&arena);
    host->beat_mono_ns = now.mono_ns + (uint64_t)arc__engine_rules(ctl->engine)->lease_ttl_ns / 3;
}

uint64_t arc__host_deadline(const struct arc_ctl *ctl)
{
    const struct arc_host *host = ctl->host;
    uint64_t at = UINT64_MAX;
    if (host == NULL)
        return at;
    if (host->behind)
        return 0;
    if (!arc__list_empty(&host->steps))
        at = host->beat_mono_ns;
    if (host->listen_mono_ns != 0 && host->listen_mono_ns < at)
        at = host->listen_mono_ns;
    ARC_LIST_EACH(&host->unsent, link)
    {
        const struct report *report = ARC_CONTAINER(link, struct report, link);
        if (report->again_mono_ns < at)
            at = report->again_mono_ns;
    }
    return at;
}

/* --- public -------------------------------------------------------------------------- */

arc_status arc_ctl_executor(arc_ctl *ctl, const char *uses, const arc_executor *given, arc_err *err)
{
    arc_executor read;
    void *old = NULL;
    ARC_REQUIRE(uses != NULL && uses[0] != '\0', err, "uses");
    ARC_TRY(arc__options_read(given, sizeof(read), &read, "executor", err));
    ARC_REQUIRE(read.start != NULL, err, "executor.start");
    if (ctl->host == NULL)
        ARC_TRY(host_new(ctl, err));
    struct executor *executor = arc__alloc(&ctl->mem, sizeof(*executor));
    if (executor == NULL)
        return arc__fail_nomem(err);
    executor->given = read;
    arc_status status =
        arc__map_put(&ctl->host->executors, arc__slice_cstr(uses), executor, &old, err);
    arc__free(&ctl->mem, status == ARC_OK ? old : executor);
    if (status == ARC_OK)
        tell_engine(ctl->host);
    return status;
}

static arc_status append(struct host_step *step, uint32_t stream, arc_slice text, arc_err *err)
{
    struct arc_log_batch batch = {.agent_id = arc__engine_host_id(step->host->ctl->engine),
                                  .step_run_id = arc__slice_cstr(step->view.step_run_id),
                                  .attempt = step->attempt,
                                  .fence = step->fence,
                                  .stream = stream,
                                  .text = text};
    return arc__engine_log_append(step->host->ctl->engine, &batch, err);
}

/* Whole lines are stored as they end; a line that grows too long is cut where it is. */
static arc_status flush(struct host_step *step, uint32_t stream, int all, arc_err *err)
{
    struct arc_buf *partial = &step->partial[stream - 1];
    const char *last = partial->len > 0 ? memrchr(partial->ptr, '\n', partial->len) : NULL;
    size_t len = last != NULL ? (size_t)(last - partial->ptr) + 1 : 0;
    if (all || partial->len - len >= ARC_LOG_LINE_MAX)
        len = partial->len;
    if (len == 0)
        return ARC_OK;
    ARC_TRY(append(step, stream, arc__slice(partial->ptr, len), err));
    arc__buf_consume(partial, len);
    return ARC_OK;
}

arc_status arc_step_log(arc_ctl *ctl, uint64_t token, uint32_t stream, const char *bytes,
                        size_t len, arc_err *err)
{
    struct host_step *step = find_step(ctl, token);
    ARC_REQUIRE(stream == ARC_STREAM_STDOUT || stream == ARC_STREAM_STDERR, err, "stream");
    if (step == NULL)
        return arc__fail(err, ARC_ENOTFOUND, "token", "The step is over.");
    while (len > 0) {
        size_t piece = len < ARC_LOG_LINE_MAX ? len : ARC_LOG_LINE_MAX;
        arc__buf_add(&step->partial[stream - 1], bytes, piece);
        ARC_TRY(arc__buf_check(&step->partial[stream - 1], err));
        ARC_TRY(flush(step, stream, 0, err));
        bytes += piece;
        len -= piece;
    }
    return ARC_OK;
}

#define OUTPUT_NAME_MAX 64

static int is_output_name(arc_slice name)
{
    if (name.len == 0 || name.len > OUTPUT_NAME_MAX || (name.ptr[0] >= '0' && name.ptr[0] <= '9'))
        return 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return 0;
    }
    return 1;
}

static struct output *find_output(struct host_step *step, arc_slice name)
{
    struct output *found = step->outputs;
    while (found != NULL && !arc__slice_equal(found->name, name))
        found = found->next;
    return found;
}

arc_status arc_step_output(arc_ctl *ctl, uint64_t token, const char *name, const char *value,
                           arc_err *err)
{
    struct host_step *step = find_step(ctl, token);
    ARC_REQUIRE(name != NULL && is_output_name(arc__slice_cstr(name)), err, "name");
    ARC_REQUIRE(value != NULL && arc__utf8_valid(arc__slice_cstr(value), NULL), err, "value");
    if (step == NULL)
        return arc__fail(err, ARC_ENOTFOUND, "token", "The step is over.");
    arc_slice key = arc__slice_cstr(name), text = arc__slice_cstr(value);
    struct output *output = find_output(step, key);
    size_t bytes = step->output_bytes + text.len;
    bytes = output != NULL ? bytes - output->value.len : bytes + key.len;
    if (bytes > ARC_STEP_OUTPUTS_MAX)
        return arc__fail(err, ARC_ELIMIT, name,
                         "The outputs of the step have %zu bytes together; at most %u are kept.",
                         bytes, ARC_STEP_OUTPUTS_MAX);
    struct output *made = output != NULL ? output : ARC_ARENA_NEW(&step->arena, struct output);
    arc_slice copy = arc__arena_copy(&step->arena, text);
    if (made == NULL || (copy.ptr == NULL && text.len > 0)) /* empty is a value like others */
        return arc__fail_nomem(err);
    if (output == NULL) {
        made->name = arc__arena_copy(&step->arena, key);
        if (made->name.ptr == NULL)
            return arc__fail_nomem(err);
        made->next = step->outputs;
        step->outputs = made;
    }
    made->value = copy;
    step->output_bytes = bytes;
    return ARC_OK;
}

arc_status arc_step_end(arc_ctl *ctl, uint64_t token, int result, int exit_code,
                        const char *message, arc_err *err)
{
    struct host_step *step = find_step(ctl, token);
    ARC_REQUIRE(result >= ARC_STEP_SUCCESS && result <= ARC_STEP_TIMEOUT, err, "result");
    if (step == NULL)
        return arc__fail(err, ARC_ENOTFOUND, "token", "The step is over.");
    /* A log that cannot be written is no reason to lose the result. */
    arc_err why = ARC_ERR_INIT;
    for (uint32_t stream = ARC_STREAM_STDOUT; stream <= ARC_STREAM_STDERR; stream++) {
        if (flush(step, stream, 1, &why) != ARC_OK)
            arc__env_log(&ctl->env, ARC_LOG_WARN, "host", "Log lines were lost: %s", why.message);
    }
    ARC_TRY(send_report(step, result, exit_code, message, err));
    step_free(step);
    return ARC_OK;
}
