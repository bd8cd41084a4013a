/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra-agent: one thread that waits in one poll for the connection, the pipes of its steps,
 * signals and the clock. */
#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/duration.h"
#include "common/mem.h"

/* The connection, the signals, the clock, and two pipes for each step. */
#define FIXED_FDS 3u

/* How soon a job's next step follows the one before, when the agent is about to go. */
#define NEXT_STEP_NS (2 * NS_PER_S)

static void become_private(struct agent *agent)
{
    /* A step runs as the same user; without this it could read our environment and memory under
     * /proc. */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    proc_adopt_orphans();
    unsigned char random[16];
    clock_random(random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(agent->incarnation + 2 * i, 3, "%02x", random[i]);
    snprintf(agent->mark, sizeof(agent->mark), "ARCENTRA_AGENT_INCARNATION=%s", agent->incarnation);
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP); /* the terminal is gone; under nohup it is ignored and never comes */
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    sigaddset(&set, SIGPIPE); /* blocked, not ours: a broken pipe is an errno */
    sigprocmask(SIG_BLOCK, &set, NULL);
    return fd;
}

/* Says when the server goes away and when it is back, once each. */
static void connection_changed(void *user, arc_client *client, int state)
{
    struct agent *agent = user;
    if (state == ARC_CLIENT_WAITING && !agent->was_away) {
        log_write(&agent->log, ARC_LOG_WARN, "%s cannot be reached: %s Trying again until it can.",
                  agent->config.server, arc_client_get_trouble(client));
        agent->was_away = 1;
    } else if (state == ARC_CLIENT_READY && agent->was_away) {
        log_write(&agent->log, ARC_LOG_INFO, "%s is there again.", agent->config.server);
        agent->was_away = 0;
    }
}

static int open_client(struct agent *agent, char *why, size_t why_size)
{
    const struct config *config = &agent->config;
    static const arc_env plain = ARC_ENV_INIT;
    arc_client_options options = ARC_CLIENT_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    agent->env = plain;
    agent->env.user = &agent->log;
    agent->env.log = log_of_library;
    options.env = &agent->env;
    options.targets = config->servers.items;
    options.target_count = config->servers.count;
    options.tls = config->tls ? 1 : 0;
    options.tls_ca_file = config->tls_ca;
    options.state = connection_changed;
    options.user = agent;
    /* A host that takes no connection and refuses none may not use up a lease alone. */
    options.connect_ms = config->servers.count > 1 ? 4000 : 0;
    options.backoff_max_ms = 3000; /* a tenth of a lease: an outage of 15 s is not to cost steps */
    options.backoff_min_ms = 500;
    if (arc_client_open(&options, &agent->client, &err) == ARC_OK)
        return 1;
    snprintf(why, why_size, "%s", err.message);
    return 0;
}

static void begin_drain(struct agent *agent)
{
    agent->draining++;
    if (agent->draining == 1) {
        log_write(&agent->log, ARC_LOG_INFO, "Stopping: no more work is taken%s.",
                  agent->steps != NULL ? "; waiting for running steps" : "");
        agent->drain_until_ns = agent->now_ns + agent->config.drain_ns;
        agent->session.heartbeat_ns = agent->now_ns; /* the server is to know */
    } else {
        agent->drain_until_ns = agent->now_ns;
    }
}

static void read_signals(struct agent *agent, int fd)
{
    struct signalfd_siginfo info;
    while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            steps_reap(agent);
        else
            begin_drain(agent);
    }
}

/* Nothing of ours runs. A job that is halfway through is not left: its next step is about to come;
 * else the goodbye is said. 1: it was answered, or waited for long enough. */
static int leave(struct agent *agent, int64_t *next)
{
    int64_t until = agent->leave_ns;
    if (until == 0) {
        until = agent->last_over_ns != 0 ? agent->last_over_ns + NEXT_STEP_NS : 0;
        until = until < agent->drain_until_ns ? until : agent->drain_until_ns;
        if (agent->now_ns >= until) {
            session_leave(agent);
            until = agent->leave_ns;
        }
    }
    if (agent->leave_ns != 0 && (agent->session.call == NULL || agent->now_ns >= until))
        return 1;
    *next = until < *next ? until : *next;
    return 0;
}

/* 1: the agent may end now. */
static int drain(struct agent *agent, int64_t *next)
{
    if (!agent->draining)
        return 0;
    if (agent->steps == NULL)
        return leave(agent, next);
    if (agent->now_ns < agent->drain_until_ns) {
        *next = agent->drain_until_ns < *next ? agent->drain_until_ns : *next;
        return 0;
    }
    /* Once: TERM, and a while for the processes and for the last reports. */
    if (agent->draining < 100) {
        steps_stop_all(agent, agent->draining > 1 ? 1000 : 10000);
        agent->draining = 100;
        agent->drain_until_ns = agent->now_ns + 20 * NS_PER_S;
        agent->woken = 1;
        return 0;
    }
    log_write(&agent->log, ARC_LOG_WARN, "Ending with results that nobody has taken.");
    return 1;
}

/* What is due, in an order in which a pause of the machine can do no harm: leases first. */
static int64_t turn(struct agent *agent)
{
    arc_err err = ARC_ERR_INIT;
    agent->now_ns = clock_boot_ns();
    leases_watch(agent);
    for (struct step *step = agent->steps; step != NULL; step = step->next)
        steps_read(agent, step);
    if (arc_client_dispatch(agent->client, &err) != ARC_OK)
        log_write(&agent->log, ARC_LOG_ERROR, "The connection's dispatch fails: %s", err.message);
    int64_t next = session_tick(agent);
    int64_t (*const ticks[])(struct agent *) = {leases_tick, steps_tick, push_tick, work_tick};
    for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
        int64_t here = ticks[i](agent);
        next = here < next ? here : next;
    }
    return next;
}

static void set_timer(int fd, int64_t at_ns)
{
    struct itimerspec spec;
    memset(&spec, 0, sizeof(spec));
    if (at_ns != NEVER) {
        at_ns = at_ns > 1 ? at_ns : 1; /* zero would disarm it */
        spec.it_value.tv_sec = (time_t)(at_ns / NS_PER_S);
        spec.it_value.tv_nsec = (long)(at_ns % NS_PER_S);
    }
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static size_t fill_fds(struct agent *agent, struct pollfd *fds, size_t most)
{
    size_t count = FIXED_FDS;
    fds[0] = (struct pollfd){arc_client_fd(agent->client), POLLIN, 0};
    for (const struct step *step = agent->steps; step != NULL && count + 2 <= most;
         step = step->next) {
        /* A negative one is passed over. */
        fds[count++] = (struct pollfd){step->proc.out_fd, POLLIN, 0};
        fds[count++] = (struct pollfd){step->proc.err_fd, POLLIN, 0};
    }
    return count;
}

static void run(struct agent *agent, int signals, int timer)
{
    struct pollfd fds[FIXED_FDS + 2 * 256 + 64];
    fds[1] = (struct pollfd){signals, POLLIN, 0};
    fds[2] = (struct pollfd){timer, POLLIN, 0};
    for (;;) {
        int64_t next = turn(agent);
        if (agent->fatal != NULL || drain(agent, &next))
            return;
        set_timer(timer, next);
        size_t count = fill_fds(agent, fds, sizeof(fds) / sizeof(fds[0]));
        int wait_ms = agent->woken ? 0 : arc_client_timeout_ms(agent->client);
        agent->woken = 0;
        if (poll(fds, count, wait_ms) < 0 && errno != EINTR)
            agent_fail(agent, "poll: %s", strerror(errno));
        agent->now_ns = clock_boot_ns();
        leases_watch(agent); /* before anything that came in is believed */
        uint64_t expirations;
        ssize_t ignored = read(timer, &expirations, sizeof(expirations));
        (void)ignored;
        read_signals(agent, signals);
    }
}

static void close_all(struct agent *agent)
{
    push_close(agent);
    steps_deinit(agent);
    session_close(agent);
    spool_deinit(&agent->spool);
    arc_client_close(agent->client);
    work_close(agent);
    keeper_stop(&agent->keeper);
    state_close(agent);
    config_deinit(&agent->config);
    /* Checkers that attach to us at the very end are welcome again; there is nothing left to see.
     */
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* What to do once the flags are read. Answers the exit code. */
static int live(struct agent *agent)
{
    char why[1024] = "";
    become_private(agent);
    agent->now_ns = clock_boot_ns();
    int signals = open_signals();
    int timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    int failed = keeper_start(&agent->keeper, agent->mark);
    if (failed != 0)
        log_write(&agent->log, ARC_LOG_WARN, "No keeper can be started: %s.", strerror(failed));
    agent->session.state = SESSION_REGISTER;
    spool_init(&agent->spool, (size_t)agent->config.log_buffer, (uint64_t)clock_wall_ns());
    if (!state_open(agent, why, sizeof(why)) || !open_client(agent, why, sizeof(why)))
        agent_fail(agent, "%s", why);
    else
        run(agent, signals, timer);
    int exit_code = agent->fatal != NULL ? 1 : 0;
    if (agent->fatal != NULL)
        log_write(&agent->log, ARC_LOG_ERROR, "%s", agent->fatal);
    close(signals);
    close(timer);
    close_all(agent);
    return exit_code;
}

int main(int argc, char **argv)
{
    int exit_code = 0;
    struct agent *agent = mem_new(sizeof(*agent));
    *agent = (struct agent){.lock_fd = -1, .keeper = KEEPER_INIT};
    if (config_read(&agent->config, argc, argv, &exit_code) == 0) {
        agent->log = (struct log){strcmp(agent->config.log_format, "json") == 0,
                                  agent->config.verbose ? ARC_LOG_DEBUG : ARC_LOG_INFO};
        exit_code = live(agent);
    } else {
        config_deinit(&agent->config);
    }
    mem_free(agent->fatal);
    mem_free(agent);
    return exit_code;
}
