/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A control plane as a guest of your loop: twenty jobs that depend on each other, run by a callback
 * of this program, in one process, with no thread and no socket.
 *
 *     cc embed_poll.c $(pkg-config --cflags --libs arcentra) && ./a.out
 *
 * The jobs stand in four layers of five. Each job of a layer needs two of the layer above it, so
 * the engine has something to order; each "works" for a few milliseconds, so that it has something
 * to wait for.
 */
#include <arcentra/arcentra.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LAYERS 4
#define WIDTH 5

/* A step of ours: begun, and done when its time has come. */
struct work {
    uint64_t token; /* 0: free */
    int64_t due_ms;
};

struct host {
    arc_ctl *ctl;
    struct work work[LAYERS * WIDTH];
    int most, now; /* how many steps ran at one time */
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The engine asks us to begin a step. It ends later, in finish_due. */
static arc_status start(void *user, const arc_step_view *step, arc_err *err)
{
    struct host *host = user;
    for (int i = 0; i < LAYERS * WIDTH; i++) {
        if (host->work[i].token != 0)
            continue;
        host->work[i] = (struct work){step->token, now_ms() + 5 + 3 * (i % 4)};
        host->most = ++host->now > host->most ? host->now : host->most;
        return arc_step_log(host->ctl, step->token, ARC_STREAM_STDOUT, "working\n", 8, err);
    }
    return ARC_ELIMIT;
}

/* The engine asks us to end one early. */
static void cancel(void *user, uint64_t token, uint32_t grace_ms)
{
    struct host *host = user;
    (void)grace_ms;
    for (int i = 0; i < LAYERS * WIDTH; i++) {
        if (host->work[i].token == token)
            host->work[i].due_ms = 0;
    }
}

/* Ends what is done. Answers how long until the next one is, or -1. */
static int finish_due(struct host *host, arc_err *err)
{
    int64_t next = -1, now = now_ms();
    for (int i = 0; i < LAYERS * WIDTH; i++) {
        struct work *work = &host->work[i];
        int64_t left = work->due_ms - now;
        if (work->token != 0 && left <= 0) {
            if (arc_step_end(host->ctl, work->token, ARC_STEP_SUCCESS, 0, NULL, err) != ARC_OK)
                fprintf(stderr, "%s\n", err->message);
            work->token = 0;
            host->now--;
            next = 0; /* the engine has something to decide */
        } else if (work->token != 0 && (next < 0 || left < next)) {
            next = left;
        }
    }
    return (int)next;
}

/* Twenty jobs as text; a program would rather read a file. */
static size_t write_definition(char *out, size_t size)
{
    size_t at = (size_t)snprintf(out, size, "namespace: embed.poll\njobs:\n");
    for (int layer = 0; layer < LAYERS; layer++) {
        for (int i = 0; i < WIDTH; i++) {
            at += (size_t)snprintf(out + at, size - at, "- name: job-%d-%d\n", layer, i);
            if (layer > 0)
                at += (size_t)snprintf(out + at, size - at, "  needs: [job-%d-%d, job-%d-%d]\n",
                                       layer - 1, i, layer - 1, (i + 1) % WIDTH);
            at += (size_t)snprintf(out + at, size - at, "  steps: [{name: work, uses: my-work}]\n");
        }
    }
    return at;
}

static void print_events(arc_sub *sub, arc_err *err)
{
    arc_event_view event = ARC_EVENT_VIEW_INIT;
    while (arc_events_next(sub, &event, err) == ARC_OK)
        printf("%4llu %-28s %s\n", (unsigned long long)event.seq, event.type, event.job_name);
}

int main(void)
{
    static char text[4096];
    struct host host = {NULL, {{0, 0}}, 0, 0};
    char run[ARC_ID_SIZE] = "";
    arc_spec *spec = NULL;
    arc_sub *sub = NULL;
    arc_err err = ARC_ERR_INIT;
    arc_executor mine = {sizeof(mine), start, cancel, &host};
    arc_sub_options events = ARC_SUB_OPTIONS_INIT;
    size_t len = write_definition(text, sizeof(text));
    if (arc_ctl_open(NULL, &host.ctl, &err) != ARC_OK ||
        arc_ctl_executor(host.ctl, "my-work", &mine, &err) != ARC_OK ||
        arc_spec_parse(text, len, ARC_FORMAT_ANY, "text", &spec, NULL, &err) != ARC_OK ||
        arc_sub_open(host.ctl, &events, &sub, &err) != ARC_OK ||
        arc_run_start(host.ctl, spec, NULL, run, &err) != ARC_OK) {
        fprintf(stderr, "%s: %s\n", err.subject, err.message);
        return 1;
    }
    for (;;) {
        if (arc_ctl_dispatch(host.ctl, 0, &err) != ARC_OK)
            break;
        print_events(sub, &err);
        if (arc_run_state_is_terminal(arc_run_get_status(host.ctl, run)))
            break;
        int mine_ms = finish_due(&host, &err), ms = arc_ctl_timeout_ms(host.ctl);
        poll(&(struct pollfd){arc_ctl_fd(host.ctl), POLLIN, 0}, 1,
             ms < 0 || (mine_ms >= 0 && mine_ms < ms) ? mine_ms : ms);
    }
    int status = arc_run_get_status(host.ctl, run);
    printf("%s, at most %d at one time\n", arc_run_state_name(status), host.most);
    arc_sub_close(sub);
    arc_spec_unref(spec);
    arc_ctl_close(host.ctl);
    return status == ARC_RUN_SUCCESS ? 0 : 1;
}
