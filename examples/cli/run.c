/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra run: the engine, a memory store and the local executor in one loop. */
#include <arcentra/ctl.h>
#include <arcentra/event.h>
#include <arcentra/run.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/gates.h"
#include "cli/local.h"
#include "cli/view.h"
#include "common/clock.h"
#include "common/duration.h"
#include "common/ignore.h"
#include "common/json.h"
#include "common/mem.h"

/* How often the times of a live tree move. */
#define REDRAW_MS 250
#define FIXED_FDS 3 /* the control plane's, the signals', and the terminal's when it is asked */

struct running {
    const char *path, *workdir;
    struct arg_list variables, dirs, approved;
    struct gates gates;
    struct starts starts;
    int64_t slots;
    int json, keep, fail_fast;
    arc_ctl *ctl;
    arc_sub *sub;
    arc_spec *spec;
    struct local local;
    struct view view;
    char run_id[ARC_ID_SIZE];
    int signals;
    int interrupts;  /* how often somebody pressed Ctrl-C */
    int failed_fast; /* we stopped it because of --fail-fast */
    int over;
};

/* --- what the definition says ---------------------------------------------------------------- */

/* The first job that asks for an agent, or NULL. */
static const char *find_agent_job(const json_node *jobs)
{
    for (size_t i = 0; i < json_count(jobs); i++) {
        const json_node *job = json_at(jobs, i), *steps = json_get(job, "steps");
        int asks = json_get_bool(job, "runOnAgent");
        for (size_t k = 0; k < json_count(steps); k++)
            asks = asks || json_get_bool(json_at(steps, k), "runOnAgent");
        if (asks)
            return json_get_text(job, "name");
    }
    return NULL;
}

static void show_jobs(struct view *view, const json_node *jobs)
{
    for (size_t i = 0; i < json_count(jobs); i++) {
        const json_node *job = json_at(jobs, i), *steps = json_get(job, "steps");
        if (json_get(job, "matrix") != NULL)
            continue; /* its cells come with their events */
        for (size_t k = 0; k < json_count(steps); k++)
            view_step(view_job(view, json_get_text(job, "name")),
                      json_get_text(json_at(steps, k), "name"));
    }
}

static int read_plan(struct running *running)
{
    char *text = NULL;
    const char *asks = NULL;
    arc_err err = ARC_ERR_INIT;
    if (arc_spec_copy_json(running->spec, &text, &err) != ARC_OK)
        return cli_fail("%s", err.message);
    const json_node *root = json_parse(text, strlen(text), NULL, 0);
    const json_node *stages = json_get(root, "stages");
    const char *name = json_get_text(root, "name");
    view_init(&running->view, stdout, running->json,
              name[0] != '\0' ? name : json_get_text(root, "namespace"), "");
    show_jobs(&running->view, json_get(root, "jobs"));
    asks = find_agent_job(json_get(root, "jobs"));
    for (size_t i = 0; i < json_count(stages); i++) {
        const json_node *jobs = json_get(json_at(stages, i), "jobs");
        show_jobs(&running->view, jobs);
        asks = asks != NULL ? asks : find_agent_job(jobs);
    }
    int failed = asks != NULL ? EXIT_USAGE : 0;
    if (asks != NULL)
        cli_fail("The job `%s` asks for an agent (runOnAgent: true), and `arcentra run` has none; "
                 "trigger it on a server or leave that out.",
                 asks);
    json_free(root);
    arc_text_free(text);
    return failed;
}

/* --- what happens ---------------------------------------------------------------------------- */

static int starts_with(const char *text, const char *head)
{
    return strncmp(text, head, strlen(head)) == 0;
}

static int ends_with(const char *text, const char *tail)
{
    size_t len = strlen(text), tail_len = strlen(tail);
    return len >= tail_len && strcmp(text + len - tail_len, tail) == 0;
}

static void take_event(struct running *running, const arc_event_view *event)
{
    struct view_change change = {.attempt = event->attempt,
                                 .exit_code = event->exit_code,
                                 .reason = event->reason,
                                 .start_ns =
                                     ends_with(event->type, ".started") ? event->time_ns : 0,
                                 .id = event->step_run_id};
    if (starts_with(event->type, "arcentra.step.")) {
        change.state = view_find_state(arc_step_state_name, event->state);
        change.end_ns = arc_step_state_is_terminal(change.state) ? event->time_ns : 0;
        view_change_step(&running->view, event->job_name, event->step_name, &change);
    } else if (starts_with(event->type, "arcentra.job.")) {
        change.id = event->job_id;
        change.state = view_find_state(arc_job_state_name, event->state);
        change.end_ns = arc_job_state_is_terminal(change.state) ? event->time_ns : 0;
        view_change_job(&running->view, event->job_name, &change);
        if (running->fail_fast && !running->failed_fast &&
            (change.state == ARC_JOB_FAILED || change.state == ARC_JOB_TIMEOUT)) {
            running->failed_fast = 1;
            ignore(arc_run_stop(running->ctl, running->run_id, "--fail-fast", 0, NULL)); /* over */
        }
    } else if (starts_with(event->type, "arcentra.pipeline.")) {
        change.state = view_find_state(arc_run_state_name, event->state);
        running->over = running->over || arc_run_state_is_terminal(change.state);
        change.end_ns = arc_run_state_is_terminal(change.state) ? event->time_ns : 0;
        change.id = NULL;
        view_change_run(&running->view, &change);
        if (strcmp(event->type, "arcentra.pipeline.approval.requested") == 0)
            gates_take(&running->gates, event->gate);
    }
}

static int take_events(struct running *running)
{
    arc_err err = ARC_ERR_INIT;
    for (;;) {
        arc_event_view event = ARC_EVENT_VIEW_INIT;
        arc_status status = arc_events_next(running->sub, &event, &err);
        if (status == ARC_EAGAIN)
            return 0;
        if (status != ARC_OK)
            return cli_fail("The events cannot be read: %s", err.message);
        take_event(running, &event);
    }
}

static int interrupted(struct running *running)
{
    arc_err err = ARC_ERR_INIT;
    running->interrupts++;
    if (running->interrupts > 2)
        return EXIT_CANCELLED;
    view_say(&running->view, running->interrupts == 1
                                 ? "Stopping the run; once more to kill its steps."
                                 : "Killing the steps of the run.");
    /* It may be over already: then the loop ends by itself. */
    ignore(
        arc_run_stop(running->ctl, running->run_id, "Interrupted", running->interrupts > 1, &err));
    return 0;
}

static int read_signals(struct running *running)
{
    struct signalfd_siginfo info;
    int failed = 0;
    while (read(running->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            local_reap(&running->local, clock_boot_ns());
        else if (info.ssi_signo == SIGWINCH)
            running->view.changed = 1;
        else
            failed = interrupted(running);
    }
    return failed;
}

/* --- the loop -------------------------------------------------------------------------------- */

static int wait_ms(const struct running *running, int64_t next_ns, int64_t now_ns)
{
    int64_t ms = arc_ctl_timeout_ms(running->ctl);
    if (next_ns != INT64_MAX) {
        int64_t local_ms = next_ns > now_ns ? (next_ns - now_ns) / NS_PER_MS + 1 : 0;
        ms = ms < 0 || local_ms < ms ? local_ms : ms;
    }
    if (running->view.mode == VIEW_TREE && (ms < 0 || ms > REDRAW_MS))
        ms = REDRAW_MS;
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static int loop(struct running *running)
{
    struct pollfd fds[FIXED_FDS + 2 * 256];
    arc_err err = ARC_ERR_INIT;
    fds[0] = (struct pollfd){arc_ctl_fd(running->ctl), POLLIN, 0};
    fds[1] = (struct pollfd){running->signals, POLLIN, 0};
    for (;;) {
        if (arc_ctl_dispatch(running->ctl, 0, &err) != ARC_OK)
            return cli_fail("The engine has stopped: %s", err.message);
        int failed = take_events(running);
        int64_t now_ns = clock_boot_ns();
        int64_t next = local_tick(&running->local, now_ns);
        view_draw(&running->view, clock_wall_ns());
        if (failed != 0 || (running->over && running->local.steps == NULL))
            return failed;
        /* poll does not look at a descriptor below 0 */
        fds[2] = (struct pollfd){gates_wait(&running->gates) ? STDIN_FILENO : -1, POLLIN, 0};
        size_t count = FIXED_FDS + local_fill_fds(&running->local, fds + FIXED_FDS, 2 * 256);
        if (poll(fds, count, wait_ms(running, next, now_ns)) < 0 && errno != EINTR)
            return cli_fail("poll: %s.", strerror(errno));
        failed = read_signals(running);
        if (fds[2].fd >= 0 && fds[2].revents != 0)
            gates_read(&running->gates);
        if (failed == 0 && ferror(stdout) && running->interrupts < 2) {
            running->interrupts = 1; /* nobody reads us any more */
            failed = interrupted(running);
        }
        if (failed != 0)
            return failed;
    }
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGWINCH);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    sigaddset(&set, SIGPIPE); /* blocked, not ours: a reader that is gone is seen by ferror */
    sigprocmask(SIG_BLOCK, &set, NULL);
    return fd;
}

void cli_take_starts(const struct starts *starts, const char *actor, arc_run_options *run)
{
    run->triggered_by = starts->actor != NULL ? starts->actor : actor;
    run->ref = starts->ref;
    run->branch = starts->branch;
    run->tag = starts->tag;
    run->sha = starts->sha;
    run->event = starts->event;
    run->payload = starts->payload_file != NULL ? text_get(&starts->payload) : NULL;
}

static int start(struct running *running)
{
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_run_options run = ARC_RUN_OPTIONS_INIT;
    arc_sub_options sub = ARC_SUB_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    struct pairs pairs = {NULL, 0};
    int failed = cli_read_pairs(&running->variables, "--var", &pairs);
    options.store_url = "mem:";
    options.host_slots = (uint32_t)running->slots;
    run.variables = pairs.items;
    run.variable_count = pairs.count;
    cli_take_starts(&running->starts, "arcentra run", &run);
    sub.run_id = running->run_id;
    if (failed == 0 && (arc_ctl_open(&options, &running->ctl, &err) != ARC_OK ||
                        local_offer(&running->local, running->ctl, &running->view, &err) != ARC_OK))
        failed = cli_fail("%s", err.message);
    if (failed == 0 &&
        arc_run_start(running->ctl, running->spec, &run, running->run_id, &err) != ARC_OK) {
        cli_fail("%s", err.message);
        failed = EXIT_USAGE;
    }
    if (failed == 0 && arc_sub_open(running->ctl, &sub, &running->sub, &err) != ARC_OK)
        failed = cli_fail("%s", err.message);
    mem_free(running->view.run_id);
    running->view.run_id = mem_copy(running->run_id);
    cli_free_pairs(&pairs);
    return failed;
}

static int result(const struct running *running)
{
    if (running->view.state == ARC_RUN_SUCCESS)
        return EXIT_OK;
    if (running->view.state == ARC_RUN_CANCELLED && !running->failed_fast)
        return EXIT_CANCELLED;
    return EXIT_FAILED;
}

static int run(struct running *running)
{
    int failed = cli_read_payload(&running->starts);
    if (failed == 0)
        failed = cli_read_spec_in(running->path, running->json, &running->dirs, &running->spec);
    if (failed == 0)
        failed = read_plan(running);
    if (failed == 0)
        failed = local_open(&running->local, running->workdir);
    if (failed == 0)
        failed = start(running);
    running->gates =
        (struct gates){.ctl = running->ctl,
                       .run_id = running->run_id,
                       .view = &running->view,
                       .approved = &running->approved,
                       .asks = !running->json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)};
    if (failed == 0) {
        failed = loop(running);
        view_end(&running->view, clock_wall_ns());
        failed = failed != 0 ? failed : result(running);
    }
    arc_sub_close(running->sub);
    local_close(&running->local, running->keep && running->workdir == NULL);
    arc_ctl_close(running->ctl);
    arc_spec_unref(running->spec);
    view_deinit(&running->view);
    gates_deinit(&running->gates);
    return failed;
}

int cmd_run(const struct command *command, int argc, char **argv)
{
    struct running running = {.local = {.keeper = KEEPER_INIT}};
    struct arg_list rest = {NULL, 0, NULL};
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    int exit_code = 0;
    running.slots = processors > 2 ? processors : 2;
    const struct arg table[] = {
        {"var", 'v', ARG_LIST, NULL, "NAME=VALUE", "A variable over the definition's.",
         &running.variables, 0, 0},
        CLI_STARTS(&running.starts),
        {"workdir", 'C', ARG_TEXT, NULL, "DIR", "All jobs work here, instead of a new place each.",
         &running.workdir, 0, 0},
        {"slots", 'j', ARG_NUMBER, NULL, "N", "Jobs at one time (as many as processors).",
         &running.slots, 1, 64},
        {"approve", 0, ARG_LIST, NULL, "GATE",
         "Approve when the run waits there; `all` names every gate.", &running.approved, 0, 0},
        {"fail-fast", 0, ARG_SWITCH, NULL, NULL, "Stop the run at the first job that fails.",
         &running.fail_fast, 0, 0},
        {"keep", 0, ARG_SWITCH, NULL, NULL, "Leave the workspaces and say where they are.",
         &running.keep, 0, 0},
        {"json", 0, ARG_SWITCH, NULL, NULL, "One JSON object a line.", &running.json, 0, 0},
        CLI_INCLUDE_DIR(&running.dirs),
    };
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &rest, 1, 1,
                  &exit_code) == 0) {
        running.path = rest.items[0];
        running.signals = open_signals();
        exit_code = run(&running);
        close(running.signals);
    }
    arg_list_deinit(&running.variables);
    arg_list_deinit(&running.approved);
    arg_list_deinit(&running.dirs);
    text_deinit(&running.starts.payload);
    arg_list_deinit(&rest);
    return exit_code;
}
