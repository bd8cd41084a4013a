/* SPDX-License-Identifier: Apache-2.0 */
/* What the demo shows, and the few things that a shell script cannot do by itself:
 *
 *     watch get PATH                 the text at detail.runId or the like of the JSON on stdin
 *     watch spec FILE                a definition as JSON, for a request
 *     watch follow PORT TOKEN_FILE   statuses and logs of the steps whose list is on stdin, live
 *                                    from the WebSocket, until all of them have ended
 *     watch table RUN JOBS STEPS     a finished run as a table, from three answers in files
 *
 * follow survives the loss of the server: it connects again and goes on at the line where it was.
 */
#include <arcentra/arcentra.h>
#include <inttypes.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/duration.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"

#define INPUT_MAX_BYTES ((size_t)16 << 20)
#define MESSAGE_MAX_BYTES ((size_t)64 << 20)
#define STEPS_MAX 50u                     /* two subscriptions each */
#define SEND_EVERY_US ((lws_usec_t)30000) /* a connection may say 50 things a second */
#define RETRY_US ((lws_usec_t)500000)
#define GIVE_UP_NS (120 * NS_PER_S) /* without a connection */

static int colours;

static const char *paint(const char *code)
{
    return colours ? code : "";
}

/* --- input ----------------------------------------------------------------------------------- */

/* A whole file, or stdin for "-". NULL: said why. */
static char *read_all(const char *path, size_t *len)
{
    struct text text = {NULL, 0, 0};
    char piece[4096];
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
    if (file == NULL) {
        perror(path);
        return NULL;
    }
    size_t got = 0;
    while (text.len < INPUT_MAX_BYTES && (got = fread(piece, 1, sizeof(piece), file)) > 0)
        text_add(&text, piece, got);
    if (file != stdin)
        (void)fclose(file);
    *len = text.len;
    text_put(&text, "");
    return text_take(&text);
}

static const json_node *read_json(const char *path)
{
    char why[200] = "";
    size_t len = 0;
    char *bytes = read_all(path, &len);
    if (bytes == NULL)
        return NULL;
    const json_node *root = json_parse(bytes, len, why, sizeof(why));
    if (root == NULL)
        (void)fprintf(stderr, "watch: %s: %s: %.200s\n", path, why, bytes);
    mem_free(bytes);
    return root;
}

static int command_get(const char *path)
{
    const json_node *root = read_json("-");
    const json_node *at = root;
    char name[64];
    while (at != NULL && *path != '\0') {
        size_t len = strcspn(path, ".");
        (void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
        at = json_get(at, name);
        path += len + (path[len] == '.');
    }
    int found = at != NULL;
    if (found)
        (void)puts(json_text(at));
    json_free(root);
    return found ? 0 : 1;
}

static int command_spec(const char *path)
{
    size_t len = 0;
    arc_err err = ARC_ERR_INIT;
    arc_spec *spec = NULL;
    arc_diags *diags = NULL;
    char *json = NULL, *findings = NULL;
    char *text = read_all(path, &len);
    if (text == NULL)
        return 1;
    arc_status status = arc_spec_parse(text, len, ARC_FORMAT_ANY, path, &spec, &diags, &err);
    if (status == ARC_OK)
        status = arc_spec_copy_json(spec, &json, &err);
    else if (diags != NULL &&
             arc_diags_copy_text(diags, ARC_DIAGS_EXCERPT, &findings, &err) == ARC_OK)
        (void)fputs(findings, stderr);
    if (status == ARC_OK)
        (void)puts(json);
    else if (findings == NULL)
        (void)fprintf(stderr, "watch: %s: %s\n", path, err.message);
    arc_text_free(findings);
    arc_text_free(json);
    arc_diags_free(diags);
    arc_spec_unref(spec);
    mem_free(text);
    return status == ARC_OK ? 0 : 1;
}

/* --- the table ------------------------------------------------------------------------------- */

static const char *colour_of(const char *status)
{
    return strcmp(status, "success") == 0                                       ? "\033[32m"
           : strcmp(status, "failed") == 0 || strcmp(status, "timeout") == 0    ? "\033[31m"
           : strcmp(status, "skipped") == 0 || strcmp(status, "cancelled") == 0 ? "\033[33m"
                                                                                : "\033[36m";
}

static void print_row(const char *indent, const char *name, const json_node *row)
{
    struct text time = {NULL, 0, 0};
    const char *status = json_get_text(row, "status");
    const char *why = json_get_text(row, "errorMessage");
    int64_t duration_ms = json_get_int(row, "duration");
    if (why[0] == '\0')
        why = json_get_text(row, "reason");
    if (duration_ms > 0 || strcmp(status, "success") == 0)
        duration_put(&time, duration_ms * NS_PER_MS);
    (void)printf("  %s%-*s %s%-10s%s %9s  ", indent, (int)(26 - strlen(indent)), name,
                 paint(colour_of(status)), status, paint("\033[0m"), text_get(&time));
    if (why[0] == '\0' && json_get_int(row, "exitCode") != 0)
        (void)printf("Exit code %" PRId64 ".", json_get_int(row, "exitCode"));
    (void)printf("%s\n", why);
    text_deinit(&time);
}

static int command_table(char **paths)
{
    const json_node *run = read_json(paths[0]), *jobs = read_json(paths[1]),
                    *steps = read_json(paths[2]);
    const json_node *job_list = json_get(json_get(jobs, "detail"), "list");
    const json_node *step_list = json_get(json_get(steps, "detail"), "list");
    const char *status = json_get_text(json_get(run, "detail"), "status");
    if (run == NULL || jobs == NULL || steps == NULL)
        return 1;
    (void)printf("\n  %s%-26s %-10s %9s%s\n", paint("\033[1m"), "JOB, STEP", "STATUS", "TIME",
                 paint("\033[0m"));
    for (size_t i = 0; i < json_count(job_list); i++) {
        const json_node *job = json_at(job_list, i);
        print_row("", json_get_text(job, "jobName"), job);
        for (size_t j = 0; j < json_count(step_list); j++) {
            const json_node *step = json_at(step_list, j);
            if (strcmp(json_get_text(step, "jobId"), json_get_text(job, "jobId")) == 0)
                print_row("  ", json_get_text(step, "stepName"), step);
        }
    }
    struct text time = {NULL, 0, 0};
    duration_put(&time, json_get_int(json_get(run, "detail"), "duration") * NS_PER_MS);
    (void)printf("\n  The run: %s%s%s in %s\n", paint(colour_of(status)), status, paint("\033[0m"),
                 text_get(&time));
    text_deinit(&time);
    int succeeded = strcmp(status, "success") == 0;
    json_free(run);
    json_free(jobs);
    json_free(steps);
    return succeeded ? 0 : 1;
}

/* --- following ------------------------------------------------------------------------------- */

struct step {
    char *pipeline, *job, *id, *label;
    int64_t lines; /* shown so far */
    int64_t begun_ns;
    int status;  /* ARC_STEP_…, 0: nothing known */
    int history; /* its history has been sent on this connection */
    size_t colour;
};

struct follow {
    struct lws_context *context;
    struct lws *wsi; /* NULL: not connected */
    lws_sorted_usec_list_t again, tick;
    int port;
    char *token;
    struct step steps[STEPS_MAX];
    size_t step_count;
    size_t sent;         /* subscriptions sent on this connection: log and status of each step */
    struct text message; /* what comes in, until it is whole */
    int64_t lost_ns;     /* since when there is no connection */
    int stop, failed;
    int width; /* of the longest label */
};

static struct step *find_step(struct follow *follow, const json_node *message)
{
    const char *id = json_get_text(json_get(message, "params"), "stepRunId");
    for (size_t i = 0; i < follow->step_count; i++)
        if (strcmp(follow->steps[i].id, id) == 0)
            return &follow->steps[i];
    return NULL;
}

static void print_label(const struct follow *follow, const struct step *step)
{
    static const char *const codes[] = {"\033[34m", "\033[35m", "\033[36m", "\033[33m"};
    (void)printf("%s%-*s%s ", paint(codes[step->colour % 4]), follow->width, step->label,
                 paint("\033[0m"));
}

static void show_line(struct follow *follow, struct step *step, const json_node *entry)
{
    int64_t number = json_get_int(entry, "line_number");
    if (number <= step->lines)
        return; /* seen before the connection was lost */
    if (step->lines > 0 && number != step->lines + 1)
        (void)printf("watch: lines %" PRId64 " to %" PRId64 " are missing\n", step->lines + 1,
                     number - 1);
    step->lines = number;
    int wrong = strcmp(json_get_text(entry, "stream"), "stderr") == 0;
    print_label(follow, step);
    (void)printf("%s|%s ", paint(wrong ? "\033[33m" : "\033[2m"), paint("\033[0m"));
    /* A log is anybody's text: it may not give orders to the terminal. */
    for (const char *at = json_get_text(entry, "content"); *at != '\0'; at++)
        (void)putchar(((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7f ? '?' : *at);
    (void)putchar('\n');
}

static void show_status(struct follow *follow, struct step *step, int status, const char *why)
{
    struct text time = {NULL, 0, 0};
    if (status == step->status)
        return;
    const char *word = arc_step_state_name(status);
    step->status = status;
    if (status == ARC_STEP_RUNNING)
        step->begun_ns = clock_boot_ns();
    if (status == ARC_STEP_PENDING || status == ARC_STEP_QUEUED)
        return; /* nothing to see yet */
    if (step->begun_ns != 0 && arc_step_state_is_terminal(status)) {
        text_put(&time, " after ");
        duration_put(&time, clock_boot_ns() - step->begun_ns);
    }
    print_label(follow, step);
    (void)printf("%s* %s%s%s%s%s\n", paint(colour_of(word)), word, text_get(&time),
                 why[0] != '\0' ? ": " : "", why, paint("\033[0m"));
    text_deinit(&time);
}

/* The state behind the last word of an event's type. */
static int state_of_event(const char *word)
{
    static const struct {
        const char *word;
        int state;
    } rows[] = {
        {"created", ARC_STEP_PENDING},  {"queued", ARC_STEP_QUEUED},
        {"started", ARC_STEP_RUNNING},  {"completed", ARC_STEP_SUCCESS},
        {"failed", ARC_STEP_FAILED},    {"cancelled", ARC_STEP_CANCELLED},
        {"timeout", ARC_STEP_TIMEOUT},  {"skipped", ARC_STEP_SKIPPED},
        {"retrying", ARC_STEP_PENDING},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].word, word) == 0)
            return rows[i].state;
    return 0;
}

/* All steps have ended, and all that was said before has been shown. */
static int all_ended(const struct follow *follow)
{
    for (size_t i = 0; i < follow->step_count; i++)
        if (!arc_step_state_is_terminal(follow->steps[i].status) || !follow->steps[i].history)
            return 0;
    return 1;
}

static void on_message(struct follow *follow, const char *bytes, size_t len)
{
    char why[200] = "";
    const json_node *message = json_parse(bytes, len, why, sizeof(why));
    struct step *step = find_step(follow, message);
    const char *type = json_get_text(message, "type");
    const json_node *data = json_get(message, "data");
    if (strcmp(type, "error") == 0)
        (void)fprintf(stderr, "watch: the server says: %s\n", json_get_text(message, "error"));
    if (step != NULL && strcmp(type, "log_chunk") == 0)
        for (size_t i = 0; i < json_count(data); i++)
            show_line(follow, step, json_at(data, i));
    if (step != NULL && strcmp(type, "log") == 0)
        show_line(follow, step, data);
    if (step != NULL && strcmp(type, "history_done") == 0)
        step->history = 1;
    if (step != NULL && strcmp(type, "status_snapshot") == 0)
        show_status(follow, step, (int)json_get_int(data, "status"), "");
    if (step != NULL && strcmp(type, "status") == 0) {
        const json_node *told = json_get(json_get(data, "raw"), "data");
        const char *reason = json_get_text(told, "reason");
        if (reason[0] == '\0')
            reason = json_get_text(told, "errorMessage");
        show_status(follow, step, state_of_event(json_get_text(data, "status")), reason);
    }
    (void)fflush(stdout);
    json_free(message);
    if (all_ended(follow))
        follow->stop = 1;
}

static void on_tick(lws_sorted_usec_list_t *sul)
{
    struct follow *follow = (struct follow *)(void *)((char *)sul - offsetof(struct follow, tick));
    if (follow->wsi != NULL)
        lws_callback_on_writable(follow->wsi);
}

/* Sends the next subscription. Statuses come last: where a step has ended, its lines come first. */
static int send_next(struct follow *follow, struct lws *wsi)
{
    struct text out = {NULL, 0, 0};
    struct json_out json = {&out, 0};
    if (follow->sent == 2 * follow->step_count)
        return 0;
    const struct step *step = &follow->steps[follow->sent / 2];
    int log = follow->sent % 2 == 0;
    for (size_t i = 0; i < LWS_PRE; i++)
        text_add(&out, "", 1);
    json_open(&json, NULL, '{');
    json_put_text(&json, "channel", log ? "channel_log" : "channel_status");
    json_put_text(&json, "action", "subscribe");
    json_open(&json, "params", '{');
    json_put_text(&json, "pipelineId", step->pipeline);
    json_put_text(&json, "jobId", step->job);
    json_put_text(&json, "stepRunId", step->id);
    if (log && step->lines > 0)
        json_put_int(&json, "from", step->lines + 1);
    json_close(&json, '}');
    json_close(&json, '}');
    int wrote =
        lws_write(wsi, (unsigned char *)out.ptr + LWS_PRE, out.len - LWS_PRE, LWS_WRITE_TEXT);
    text_deinit(&out);
    follow->sent++;
    lws_sul_schedule(follow->context, 0, &follow->tick, on_tick, SEND_EVERY_US);
    return wrote < 0 ? -1 : 0;
}

static void connect_again(lws_sorted_usec_list_t *sul);

static void on_lost(struct follow *follow)
{
    follow->wsi = NULL;
    text_clear(&follow->message);
    if (follow->stop)
        return;
    if (follow->lost_ns == 0) {
        follow->lost_ns = clock_boot_ns();
        (void)printf(
            "watch: the server is away; the steps go on, and so does this when it is back\n");
        (void)fflush(stdout);
    }
    if (clock_boot_ns() - follow->lost_ns > GIVE_UP_NS) {
        (void)fprintf(stderr, "watch: the server has not come back.\n");
        follow->failed = follow->stop = 1;
        return;
    }
    lws_sul_schedule(follow->context, 0, &follow->again, connect_again, RETRY_US);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t len)
{
    (void)user;
    struct follow *follow = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: {
        unsigned char **at = in, *end = *at + len;
        struct text bearer = {NULL, 0, 0};
        text_printf(&bearer, "Bearer %s", follow->token);
        int wrong = lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION,
                                                 (const unsigned char *)bearer.ptr, (int)bearer.len,
                                                 at, end);
        text_deinit(&bearer);
        return wrong;
    }
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        if (follow->lost_ns != 0)
            (void)printf("watch: the server is back\n");
        follow->lost_ns = 0;
        follow->sent = 0;
        for (size_t i = 0; i < follow->step_count; i++)
            follow->steps[i].history = 0;
        lws_callback_on_writable(wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return send_next(follow, wsi);
    case LWS_CALLBACK_CLIENT_RECEIVE:
        if (follow->message.len + len > MESSAGE_MAX_BYTES)
            return -1;
        text_add(&follow->message, in, len);
        if (lws_remaining_packet_payload(wsi) == 0 && lws_is_final_fragment(wsi)) {
            on_message(follow, follow->message.ptr, follow->message.len);
            text_clear(&follow->message);
        }
        return follow->stop ? -1 : 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_CLOSED:
        if (wsi == follow->wsi || follow->wsi == NULL)
            on_lost(follow);
        return 0;
    default:
        return 0;
    }
}

static void connect_again(lws_sorted_usec_list_t *sul)
{
    struct follow *follow = (struct follow *)(void *)((char *)sul - offsetof(struct follow, again));
    struct lws_client_connect_info info;
    memset(&info, 0, sizeof(info));
    info.context = follow->context;
    info.address = "127.0.0.1";
    info.host = "127.0.0.1";
    info.port = follow->port;
    info.path = "/api/v1/ws";
    info.local_protocol_name = "watch";
    info.pwsi = &follow->wsi;
    (void)lws_client_connect_via_info(&info); /* a failure is told by the callback */
}

static void add_steps(struct follow *follow, const json_node *list)
{
    for (size_t i = 0; i < json_count(list) && i < STEPS_MAX; i++) {
        const json_node *row = json_at(list, i);
        struct step *step = &follow->steps[follow->step_count++];
        struct text label = {NULL, 0, 0};
        text_printf(&label, "%s/%s", json_get_text(row, "jobName"), json_get_text(row, "stepName"));
        step->pipeline = mem_copy(json_get_text(row, "pipelineId"));
        step->job = mem_copy(json_get_text(row, "jobId"));
        step->id = mem_copy(json_get_text(row, "stepRunId"));
        step->label = text_take(&label);
        if ((int)strlen(step->label) > follow->width)
            follow->width = (int)strlen(step->label);
        step->colour = i > 0 && strcmp(step->job, follow->steps[i - 1].job) == 0
                           ? follow->steps[i - 1].colour
                           : (i > 0 ? follow->steps[i - 1].colour + 1 : 0);
    }
}

static int command_follow(const char *port, const char *token_file)
{
    static const struct lws_protocols protocols[] = {{"watch", on_event, 0, 65536, 0, NULL, 0},
                                                     {NULL, NULL, 0, 0, 0, NULL, 0}};
    struct lws_context_creation_info info;
    struct follow *follow = mem_new(sizeof(*follow));
    size_t len = 0;
    const json_node *steps = read_json("-");
    follow->token = read_all(token_file, &len);
    if (steps == NULL || follow->token == NULL)
        return 1;
    follow->token[strcspn(follow->token, "\r\n")] = '\0';
    follow->port = (int)strtol(port, NULL, 10);
    add_steps(follow, json_get(json_get(steps, "detail"), "list"));
    json_free(steps);
    lws_set_log_level(0, NULL);
    memset(&info, 0, sizeof(info));
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.gid = -1;
    info.uid = -1;
    info.user = follow;
    info.fd_limit_per_thread = 64;
    follow->context = lws_create_context(&info);
    if (follow->context == NULL)
        return 1;
    if (follow->step_count > 0)
        connect_again(&follow->again);
    while (!follow->stop && follow->step_count > 0 && lws_service(follow->context, 0) >= 0)
        ;
    follow->stop = 1;
    lws_context_destroy(follow->context);
    int failed = follow->failed;
    for (size_t i = 0; i < follow->step_count; i++) {
        mem_free(follow->steps[i].pipeline);
        mem_free(follow->steps[i].job);
        mem_free(follow->steps[i].id);
        mem_free(follow->steps[i].label);
    }
    text_deinit(&follow->message);
    mem_free(follow->token);
    mem_free(follow);
    return failed;
}

int main(int argc, char **argv)
{
    const char *terminal = secure_getenv("TERM");
    colours = isatty(STDOUT_FILENO) && secure_getenv("NO_COLOR") == NULL && terminal != NULL &&
              strcmp(terminal, "dumb") != 0;
    if (argc == 3 && strcmp(argv[1], "get") == 0)
        return command_get(argv[2]);
    if (argc == 3 && strcmp(argv[1], "spec") == 0)
        return command_spec(argv[2]);
    if (argc == 4 && strcmp(argv[1], "follow") == 0)
        return command_follow(argv[2], argv[3]);
    if (argc == 5 && strcmp(argv[1], "table") == 0)
        return command_table(argv + 2);
    (void)fputs(
        "usage: watch get PATH | spec FILE | follow PORT TOKEN_FILE | table RUN JOBS STEPS\n",
        stderr);
    return 2;
}
