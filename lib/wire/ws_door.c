/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/ws_door.h"

#include "base/json.h"
#include "base/list.h"
#include "base/time.h"
#include "command/feed.h"

#define TEXT_BYTES_MAX (24u * 1024u * 1024u) /* 200 lines of 64 KiB, escaped */
#define ARENA_BYTES_MAX (1024u * 1024u)
#define ID_BYTES_MAX 129

/* One subscription: a channel of a step run. */
struct ws_sub {
    struct arc_link link;
    enum arc_feed_kind kind;
    char pipeline_id[ID_BYTES_MAX], job_id[ID_BYTES_MAX], step_run_id[ID_BYTES_MAX];
    struct arc_feed *feed; /* NULL: everything has been sent */
    int announced;         /* log: `subscribed` has been sent */
    int history_done;
    int held; /* data holds an item that has not been sent */
    enum arc_feed_item item;
    int ends;
    struct arc_buf data;
};

struct ws_answer {
    struct arc_link link;
    size_t len;
    char *text;
};

struct arc_ws {
    struct arc_mem mem;
    struct arc_command *command;
    struct arc_principal principal;
    struct arc_wakeup wakeup;
    void (*ready)(void *user, struct arc_ws *ws);
    void *user;
    struct arc_link subs; /* struct ws_sub; the next to be looked at first */
    size_t sub_count;
    struct arc_link answers; /* struct ws_answer */
    size_t answer_count;
    uint64_t second_ns; /* of the messages that are counted */
    uint32_t messages;
    int behind;
    struct arc_buf text; /* what next gave */
};

static const char *channel_name(enum arc_feed_kind kind)
{
    return kind == ARC_FEED_LOG ? "channel_log" : "channel_status";
}

/* --- envelopes ----------------------------------------------------------------------------------
 */

struct envelope {
    arc_slice channel, pipeline_id, job_id, step_run_id;
    const char *type;
    arc_slice data;    /* JSON; empty: null */
    const char *error; /* not NULL: in place of data */
};

static void envelope_add(struct arc_buf *out, const struct envelope *envelope)
{
    struct arc_json json;
    arc__json_init(&json, out);
    arc__json_object(&json);
    arc__json_key_text(&json, "channel", envelope->channel);
    arc__json_key_text(&json, "type", arc__slice_cstr(envelope->type));
    arc__json_key(&json, ARC_LIT("params"));
    arc__json_object(&json);
    arc__json_key_text(&json, "pipelineId", envelope->pipeline_id);
    arc__json_key_text(&json, "jobId", envelope->job_id);
    arc__json_key_text(&json, "stepRunId", envelope->step_run_id);
    arc__json_end_object(&json);
    if (envelope->error != NULL) {
        arc__json_key_text(&json, "error", arc__slice_cstr(envelope->error));
    } else {
        arc__json_key(&json, ARC_LIT("data"));
        if (envelope->data.len > 0)
            arc__json_raw(&json, envelope->data);
        else
            arc__json_null(&json);
    }
    arc__json_end_object(&json);
}

static struct envelope of_sub(const struct ws_sub *sub, const char *type)
{
    return (struct envelope){.channel = arc__slice_cstr(channel_name(sub->kind)),
                             .pipeline_id = arc__slice_cstr(sub->pipeline_id),
                             .job_id = arc__slice_cstr(sub->job_id),
                             .step_run_id = arc__slice_cstr(sub->step_run_id),
                             .type = type};
}

static struct envelope of_request(const struct arc_feed_request *request, const char *type)
{
    return (struct envelope){.channel = request->channel,
                             .pipeline_id = request->pipeline_id,
                             .job_id = request->job_id,
                             .step_run_id = request->step_run_id,
                             .type = type};
}

/* --- answers ------------------------------------------------------------------------------------
 */

static arc_status answer(struct arc_ws *ws, const struct envelope *envelope, arc_err *err)
{
    struct arc_buf text;
    struct ws_answer *item = NULL;
    if (ws->answer_count >= ARC_WS_ANSWERS_MAX) {
        ws->behind = 1;
        return ARC_OK;
    }
    arc__buf_init(&text, &ws->mem, TEXT_BYTES_MAX);
    envelope_add(&text, envelope);
    arc_status status = arc__buf_check(&text, err);
    if (status == ARC_OK) {
        item = arc__alloc(&ws->mem, sizeof(*item));
        status = item != NULL ? ARC_OK : arc__fail_nomem(err);
    }
    if (status == ARC_OK) {
        *item = (struct ws_answer){.len = text.len};
        item->text = arc__buf_take(&text, &item->len);
        arc__list_add_tail(&ws->answers, &item->link);
        ws->answer_count++;
    }
    arc__buf_deinit(&text);
    return status;
}

static arc_status answer_error(struct arc_ws *ws, const struct arc_feed_request *request,
                               const char *error, arc_err *err)
{
    struct envelope envelope = of_request(request, "error");
    envelope.error = error;
    return answer(ws, &envelope, err);
}

/* --- subscriptions ------------------------------------------------------------------------------
 */

static void woken(void *user)
{
    struct arc_ws *ws = user;
    if (ws->ready != NULL)
        arc__command_wake(ws->command, &ws->wakeup);
}

static void fire(struct arc_wakeup *wakeup)
{
    struct arc_ws *ws = ARC_CONTAINER(wakeup, struct arc_ws, wakeup);
    ws->ready(ws->user, ws);
}

static struct ws_sub *sub_find(struct arc_ws *ws, enum arc_feed_kind kind, arc_slice step_run_id)
{
    ARC_LIST_EACH(&ws->subs, link)
    {
        struct ws_sub *sub = ARC_CONTAINER(link, struct ws_sub, link);
        if (sub->kind == kind && arc__slice_is(step_run_id, sub->step_run_id))
            return sub;
    }
    return NULL;
}

static void sub_drop(struct arc_ws *ws, struct ws_sub *sub)
{
    if (sub == NULL)
        return;
    arc__list_remove(&sub->link);
    arc__feed_close(sub->feed);
    arc__buf_deinit(&sub->data);
    arc__free(&ws->mem, sub);
    ws->sub_count--;
}

/* A log that has been sent to its end is only kept so that it is not sent again. */
static void sub_make_room(struct arc_ws *ws)
{
    ARC_LIST_EACH_SAFE(&ws->subs, link)
    {
        struct ws_sub *sub = ARC_CONTAINER(link, struct ws_sub, link);
        if (ws->sub_count >= ARC_WS_SUBS_MAX && sub->feed == NULL && !sub->held)
            sub_drop(ws, sub);
    }
}

static arc_status sub_open(struct arc_ws *ws, enum arc_feed_kind kind,
                           const struct arc_feed_request *request, arc_err *err)
{
    struct ws_sub *sub = arc__alloc(&ws->mem, sizeof(*sub));
    if (sub == NULL)
        return arc__fail_nomem(err);
    *sub = (struct ws_sub){.kind = kind};
    (void)arc__slice_to_cstr(request->pipeline_id, sub->pipeline_id, sizeof(sub->pipeline_id));
    (void)arc__slice_to_cstr(request->job_id, sub->job_id, sizeof(sub->job_id));
    (void)arc__slice_to_cstr(request->step_run_id, sub->step_run_id, sizeof(sub->step_run_id));
    arc__buf_init(&sub->data, &ws->mem, TEXT_BYTES_MAX);
    arc__list_add_tail(&ws->subs, &sub->link);
    ws->sub_count++;
    const struct arc_feed_start start = {.kind = kind,
                                         .principal = ws->principal,
                                         .pipeline_id = request->pipeline_id,
                                         .job_id = request->job_id,
                                         .step_run_id = request->step_run_id,
                                         .from = request->from,
                                         .tail = request->tail,
                                         .wake = woken,
                                         .user = ws};
    arc_status status = arc__feed_open(ws->command, &start, &sub->feed, err);
    if (status != ARC_OK)
        sub_drop(ws, sub);
    return status;
}

/* --- what the client says -----------------------------------------------------------------------
 */

static arc_status subscribe(struct arc_ws *ws, enum arc_feed_kind kind,
                            const struct arc_feed_request *request, arc_err *err)
{
    struct ws_sub *sub = sub_find(ws, kind, request->step_run_id);
    if (request->from_given && request->tail_given)
        return answer_error(ws, request, "from and tail do not go together", err);
    if (request->range_bad)
        return answer_error(ws, request, "from and tail must be line numbers above 0", err);
    /* An id that is too long names nothing, and is not cut to one that does. */
    if (request->step_run_id.len >= ID_BYTES_MAX || request->job_id.len >= ID_BYTES_MAX ||
        request->pipeline_id.len >= ID_BYTES_MAX)
        return answer_error(ws, request, "step run not found", err);
    if (sub != NULL && (!arc__slice_is(request->pipeline_id, sub->pipeline_id) ||
                        !arc__slice_is(request->job_id, sub->job_id)))
        return answer_error(ws, request, "step run not found", err);
    if (sub != NULL && kind == ARC_FEED_LOG) {
        struct envelope envelope = of_request(request, "subscribed");
        return sub->announced ? answer(ws, &envelope, err) : ARC_OK;
    }
    sub_drop(ws, sub); /* a new one begins with the present state */
    sub_make_room(ws);
    if (ws->sub_count >= ARC_WS_SUBS_MAX)
        return answer_error(ws, request, "too many subscriptions", err);
    return sub_open(ws, kind, request, err);
}

static arc_status unsubscribe(struct arc_ws *ws, enum arc_feed_kind kind,
                              const struct arc_feed_request *request, arc_err *err)
{
    struct envelope envelope = of_request(request, "unsubscribed");
    sub_drop(ws, sub_find(ws, kind, request->step_run_id));
    return answer(ws, &envelope, err);
}

static arc_status handle(struct arc_ws *ws, struct arc_arena *arena,
                         const struct arc_feed_request *request, arc_err *err)
{
    enum arc_feed_kind kind = ARC_FEED_LOG;
    if (!request->is_object)
        return answer_error(ws, request, "message must be a JSON object", err);
    if (request->channel.len == 0)
        return answer_error(ws, request, "channel is required", err);
    if (arc__slice_is(request->channel, "channel_status")) {
        kind = ARC_FEED_STATUS;
    } else if (!arc__slice_is(request->channel, "channel_log")) {
        arc_slice text =
            arc__arena_printf(arena, "unknown channel: %.*s", ARC_ARG(request->channel));
        return text.ptr != NULL ? answer_error(ws, request, text.ptr, err) : arc__fail_nomem(err);
    }
    int subscribes = request->action.len == 0 || arc__slice_is(request->action, "subscribe");
    if (!subscribes && !arc__slice_is(request->action, "unsubscribe")) {
        arc_slice text = arc__arena_printf(arena, "unknown action: %.*s", ARC_ARG(request->action));
        return text.ptr != NULL ? answer_error(ws, request, text.ptr, err) : arc__fail_nomem(err);
    }
    if (request->pipeline_id.len == 0 || request->job_id.len == 0 || request->step_run_id.len == 0)
        return answer_error(ws, request, "pipelineId, jobId and stepRunId are required", err);
    return subscribes ? subscribe(ws, kind, request, err) : unsubscribe(ws, kind, request, err);
}

arc_status arc__ws_feed(struct arc_ws *ws, struct arc_now now, arc_slice text, arc_err *err)
{
    struct arc_feed_request request;
    struct arc_arena arena;
    arc__command_set_now(ws->command, now);
    if (text.len > ARC_WS_MESSAGE_MAX)
        return arc__fail(err, ARC_ELIMIT, "message", "A message has at most %u bytes.",
                         ARC_WS_MESSAGE_MAX);
    if (now.mono_ns - ws->second_ns >= (uint64_t)ARC_NS_PER_S) {
        ws->second_ns = now.mono_ns;
        ws->messages = 0;
    }
    if (++ws->messages > ARC_WS_MESSAGES_PER_S)
        return arc__fail(err, ARC_ELIMIT, "message", "More than %u messages in a second.",
                         ARC_WS_MESSAGES_PER_S);
    arc__arena_init(&arena, &ws->mem, ARENA_BYTES_MAX * 16u);
    arc_status status = arc__feed_request_read(text, &arena, &request, err);
    if (status == ARC_OK)
        status = handle(ws, &arena, &request, err);
    arc__arena_deinit(&arena);
    woken(ws);
    return status;
}

/* --- what it is told ----------------------------------------------------------------------------
 */

/* Gets the sub's next item if it holds none. ARC_OK: it holds one. */
static arc_status sub_look(struct ws_sub *sub, arc_err *err)
{
    if (sub->held)
        return ARC_OK;
    if (sub->feed == NULL)
        return ARC_EDONE;
    arc__buf_clear(&sub->data);
    arc_status status = arc__feed_next(sub->feed, &sub->data, &sub->item, &sub->ends, err);
    if (status == ARC_OK)
        sub->held = 1;
    return status;
}

static const char *item_type(enum arc_feed_item item)
{
    switch (item) {
    case ARC_FEED_CHUNK:
        return "log_chunk";
    case ARC_FEED_HISTORY_DONE:
        return "history_done";
    case ARC_FEED_LINE:
        return "log";
    case ARC_FEED_SNAPSHOT:
        return "status_snapshot";
    default:
        return "status";
    }
}

static arc_status emit(struct arc_ws *ws, const struct envelope *envelope, arc_slice *out,
                       arc_err *err)
{
    arc__buf_clear(&ws->text);
    envelope_add(&ws->text, envelope);
    ARC_TRY(arc__buf_check(&ws->text, err));
    *out = arc__buf_slice(&ws->text);
    return ARC_OK;
}

/* Sends what the sub holds. */
static arc_status sub_send(struct arc_ws *ws, struct ws_sub *sub, arc_slice *out, arc_err *err)
{
    struct envelope envelope = of_sub(sub, item_type(sub->item));
    if (sub->kind == ARC_FEED_LOG && !sub->announced) {
        envelope.type = "subscribed";
        ARC_TRY(emit(ws, &envelope, out, err));
        sub->announced = 1;
        return ARC_OK;
    }
    envelope.data = arc__buf_slice(&sub->data);
    ARC_TRY(emit(ws, &envelope, out, err));
    sub->held = 0;
    sub->history_done |= sub->item == ARC_FEED_HISTORY_DONE;
    int over = sub->ends;
    /* The next one in turn goes first the next time. */
    arc__list_remove(&sub->link);
    arc__list_add_tail(&ws->subs, &sub->link);
    if (over)
        sub_drop(ws, sub);
    return ARC_OK;
}

static arc_status sub_fail(struct arc_ws *ws, struct ws_sub *sub, arc_status status,
                           const arc_err *why, arc_slice *out, arc_err *err)
{
    struct envelope envelope = of_sub(sub, "error");
    envelope.error = status == ARC_ENOTFOUND ? "step run not found" : why->message;
    ARC_TRY(emit(ws, &envelope, out, err));
    sub_drop(ws, sub);
    return ARC_OK;
}

/* The sub whose turn it is instead: the log of the step that is about to end, while it has lines.
 * NULL with *wait: it is still being looked for. */
static struct ws_sub *before(struct arc_ws *ws, struct ws_sub *sub, int *wait)
{
    arc_err ignored = ARC_ERR_INIT;
    *wait = 0;
    if (sub->kind != ARC_FEED_STATUS || !sub->ends || sub->item != ARC_FEED_CHANGE)
        return sub;
    struct ws_sub *log = sub_find(ws, ARC_FEED_LOG, arc__slice_cstr(sub->step_run_id));
    if (log == NULL)
        return sub;
    arc_status status = sub_look(log, &ignored);
    if (status == ARC_OK)
        return log;
    if (status == ARC_EAGAIN && !log->history_done)
        *wait = 1;
    return *wait ? NULL : sub;
}

static arc_status next_of_subs(struct arc_ws *ws, arc_slice *out, arc_err *err)
{
    ARC_LIST_EACH_SAFE(&ws->subs, link)
    {
        struct ws_sub *sub = ARC_CONTAINER(link, struct ws_sub, link);
        arc_err why = ARC_ERR_INIT;
        int wait = 0;
        arc_status status = sub_look(sub, &why);
        if (status == ARC_EAGAIN)
            continue;
        if (status == ARC_ENOMEM)
            return arc__fail_nomem(err);
        if (status == ARC_EDONE) {
            arc__feed_close(sub->feed);
            sub->feed = NULL;
            continue;
        }
        if (status != ARC_OK)
            return sub_fail(ws, sub, status, &why, out, err);
        sub = before(ws, sub, &wait);
        if (!wait)
            return sub_send(ws, sub, out, err);
    }
    return ARC_EAGAIN;
}

static arc_status fell_behind(struct arc_ws *ws, arc_err *err)
{
    ARC_LIST_EACH(&ws->subs, link)
    {
        const struct ws_sub *sub = ARC_CONTAINER(link, struct ws_sub, link);
        if (sub->kind == ARC_FEED_LOG && sub->feed != NULL)
            return arc__fail(err, ARC_EDONE, sub->step_run_id,
                             "Too slow; go on with channel_log %.64s from line %lld.",
                             sub->step_run_id, (long long)arc__feed_line(sub->feed));
    }
    return arc__fail(err, ARC_EDONE, "connection", "Too slow; connect again.");
}

arc_status arc__ws_next(struct arc_ws *ws, arc_slice *out, arc_err *err)
{
    if (ws->behind)
        return fell_behind(ws, err);
    if (!arc__list_empty(&ws->answers)) {
        struct ws_answer *item = ARC_CONTAINER(ws->answers.next, struct ws_answer, link);
        arc__buf_clear(&ws->text);
        arc__buf_add(&ws->text, item->text, item->len);
        ARC_TRY(arc__buf_check(&ws->text, err));
        arc__list_remove(&item->link);
        ws->answer_count--;
        arc__free(&ws->mem, item->text);
        arc__free(&ws->mem, item);
        *out = arc__buf_slice(&ws->text);
        return ARC_OK;
    }
    return next_of_subs(ws, out, err);
}

/* --- the connection -----------------------------------------------------------------------------
 */

arc_status arc__ws_open(struct arc_command *command, struct arc_now now, arc_slice token,
                        void (*ready)(void *user, struct arc_ws *ws), void *user,
                        struct arc_ws **out, arc_err *err)
{
    struct arc_principal principal = {.kind = ARC_PRINCIPAL_NONE};
    arc__command_set_now(command, now);
    if (token.len == 0)
        return arc__fail(err, ARC_EUNAUTHENTICATED, "authorization",
                         "A valid bearer token is needed.");
    ARC_TRY(arc__engine_authenticate(arc__command_engine(command), token, &principal, err));
    if (principal.kind == ARC_PRINCIPAL_AGENT ||
        (principal.kind == ARC_PRINCIPAL_USER &&
         (principal.scopes & (ARC_SCOPE_READ | ARC_SCOPE_ADMIN)) == 0))
        return arc__fail(err, ARC_EDENIED, "authorization",
                         "Following step runs needs a token with the scope read.");
    const struct arc_mem *mem = arc__engine_mem(arc__command_engine(command));
    struct arc_ws *ws = arc__alloc(mem, sizeof(*ws));
    if (ws == NULL)
        return arc__fail_nomem(err);
    *ws = (struct arc_ws){.mem = *mem,
                          .command = command,
                          .principal = principal,
                          .wakeup = {.fire = fire},
                          .ready = ready,
                          .user = user,
                          .second_ns = now.mono_ns};
    arc__list_init(&ws->subs);
    arc__list_init(&ws->answers);
    arc__buf_init(&ws->text, mem, TEXT_BYTES_MAX);
    *out = ws;
    return ARC_OK;
}

void arc__ws_close(struct arc_ws *ws)
{
    if (ws == NULL)
        return;
    struct arc_mem mem = ws->mem;
    ARC_LIST_EACH_SAFE(&ws->subs, link)
    sub_drop(ws, ARC_CONTAINER(link, struct ws_sub, link));
    ARC_LIST_EACH_SAFE(&ws->answers, answer_link)
    {
        struct ws_answer *item = ARC_CONTAINER(answer_link, struct ws_answer, link);
        arc__free(&mem, item->text);
        arc__free(&mem, item);
    }
    arc__list_remove(&ws->wakeup.link);
    arc__buf_deinit(&ws->text);
    arc__free(&mem, ws);
}
