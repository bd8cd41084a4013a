/* SPDX-License-Identifier: Apache-2.0 */
#include "common/keeper.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/duration.h"
#include "common/mem.h"
#include "common/proc.h"
#include "shim.h"

#define PATIENCE_NS (20 * NS_PER_S)

/* What a killed program leaves has another parent; here that is us, who must reap it to see it go.
 */
static int is_gone(pid_t pid)
{
    int64_t until = clock_boot_ns() + PATIENCE_NS;
    while (kill(pid, 0) == 0 && clock_boot_ns() < until) {
        waitpid(-1, NULL, WNOHANG);
        poll(NULL, 0, 5);
    }
    return kill(pid, 0) != 0;
}

/* Runs as a program with a keeper and one step, tells the step's process ids, and hangs. */
static void program(int report)
{
    struct keeper keeper = KEEPER_INIT;
    struct proc proc = PROC_INIT;
    struct proc_env env;
    char why[256], sh[] = "sh", flag[] = "-c";
    char script[] = "setsid sleep 600 & echo $! $$; exec sleep 600", buf[64];
    char *argv[] = {sh, flag, script, NULL};
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigprocmask(SIG_BLOCK, &pipe_signal, NULL);
    proc_env_init(&env);
    proc_env_put(&env, "KEEPER_TEST", "one");
    const struct proc_spec spec = {"sh", argv, env.items, "/"};
    if (keeper_start(&keeper, "KEEPER_TEST=one") != 0 ||
        proc_start(&spec, &proc, why, sizeof(why)) != 0)
        _exit(1);
    keeper_add(&keeper, proc.pid);
    ssize_t got = 0;
    while (got <= 0)
        got = proc_read(&proc.out_fd, buf, sizeof(buf));
    if (write(report, buf, (size_t)got) != got)
        _exit(1);
    for (;;)
        pause();
}

static void a_killed_program_leaves_no_step_running(void)
{
    int ends[2], escaped = 0, leader = 0;
    char buf[64] = "";
    proc_adopt_orphans();
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0)
        program(ends[1]);
    close(ends[1]);
    CHECK(read(ends[0], buf, sizeof(buf) - 1) > 0);
    CHECK(sscanf(buf, "%d %d", &escaped, &leader) == 2);
    CHECK(kill(escaped, 0) == 0 && kill(leader, 0) == 0);
    kill(pid, SIGKILL);
    CHECK(is_gone(leader));
    CHECK(is_gone(escaped));
    CHECK(is_gone(pid));
    close(ends[0]);
}

static void a_keeper_ends_with_its_program(void)
{
    struct keeper keeper = KEEPER_INIT;
    CHECK_INT(keeper_start(&keeper, "KEEPER_TEST=two"), 0);
    pid_t pid = keeper.pid;
    keeper_add(&keeper, 999999);
    keeper_remove(&keeper, 999999);
    kill(pid, SIGTERM); /* a terminal's Ctrl-C is not for it */
    CHECK(kill(pid, 0) == 0);
    keeper_stop(&keeper);
    CHECK(is_gone(pid));
    CHECK_INT(keeper.fd, -1);
}

static const struct test tests[] = {
    {"a program that is killed leaves no step running", a_killed_program_leaves_no_step_running},
    {"a keeper ends with its program", a_keeper_ends_with_its_program},
};
TEST_MAIN(tests)
