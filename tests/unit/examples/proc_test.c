/* SPDX-License-Identifier: Apache-2.0 */
#include "common/proc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/duration.h"
#include "common/lines.h"
#include "common/mem.h"
#include "common/shell.h"
#include "common/tree.h"
#include "shim.h"

/* No test waits longer than this for what must come. */
#define PATIENCE_NS (20 * NS_PER_S)

struct ran {
    struct proc proc;
    struct proc_exit exit;
    int ended;
    struct text out, err;
};

static int start(struct ran *ran, const struct proc_env *env, const char *script)
{
    char sh[] = "sh", flag[] = "-c", *copy = mem_copy(script), why[256];
    char *argv[] = {sh, flag, copy, NULL};
    const struct proc_spec spec = {"sh", argv, env->items, "/"};
    *ran = (struct ran){.proc = PROC_INIT};
    int failed = proc_start(&spec, &ran->proc, why, sizeof(why));
    mem_free(copy);
    CHECK_INT(failed, 0);
    return failed == 0;
}

static void take(int *fd, struct text *text)
{
    char buf[4096];
    ssize_t got;
    while ((got = proc_read(fd, buf, sizeof(buf))) > 0)
        text_add(text, buf, (size_t)got);
}

/* Until the process has ended and both pipes are closed, or until `sight` was seen on stdout. */
static void watch(struct ran *ran, const char *sight)
{
    int64_t until = clock_boot_ns() + PATIENCE_NS;
    while (clock_boot_ns() < until) {
        struct proc_exit end;
        struct pollfd fds[2] = {{ran->proc.out_fd, POLLIN, 0}, {ran->proc.err_fd, POLLIN, 0}};
        poll(fds, 2, 5);
        take(&ran->proc.out_fd, &ran->out);
        take(&ran->proc.err_fd, &ran->err);
        proc_tick(&ran->proc, clock_boot_ns());
        while (sight == NULL && proc_reap(&end)) {
            if (end.pid == ran->proc.pid) {
                ran->exit = end;
                ran->ended = 1;
            }
        }
        if (sight != NULL && strstr(text_get(&ran->out), sight) != NULL)
            return;
        if (ran->ended && ran->proc.out_fd < 0 && ran->proc.err_fd < 0)
            return;
    }
    CHECK(0 && "the process did not end in time");
    proc_kill(&ran->proc);
}

static void drop(struct ran *ran)
{
    proc_close(&ran->proc);
    text_deinit(&ran->out);
    text_deinit(&ran->err);
}

static int is_alive(pid_t pid)
{
    return kill(pid, 0) == 0;
}

/* A process that is going away takes a moment; one that is not fails the test. */
static int is_gone(pid_t pid)
{
    int64_t until = clock_boot_ns() + PATIENCE_NS;
    struct proc_exit end;
    while (is_alive(pid) && clock_boot_ns() < until) {
        proc_reap(&end);
        poll(NULL, 0, 5);
    }
    return !is_alive(pid);
}

static void output_and_exit_code_are_seen(void)
{
    struct proc_env env;
    struct ran ran;
    proc_env_init(&env);
    if (start(&ran, &env, "echo out; echo err >&2; exit 7")) {
        watch(&ran, NULL);
        CHECK_TEXT(arc__slice_cstr(text_get(&ran.out)), "out\n");
        CHECK_TEXT(arc__slice_cstr(text_get(&ran.err)), "err\n");
        CHECK_INT(ran.exit.code, 7);
        CHECK_INT(ran.exit.signal, 0);
    }
    drop(&ran);
    proc_env_deinit(&env);
}

static void the_environment_is_an_allow_list(void)
{
    struct proc_env env;
    struct ran ran;
    setenv("ARCENTRA_TOKEN", "canary", 1);
    setenv("SOMETHING_ELSE", "canary", 1);
    setenv("LC_TEST", "kept", 1);
    proc_env_init(&env);
    CHECK(proc_env_put(&env, "DECLARED", "a=b c"));
    CHECK(proc_env_put(&env, "TERM", "declared"));
    CHECK(!proc_env_put(&env, "", "x"));
    CHECK(!proc_env_put(&env, "A=B", "x"));
    if (start(&ran, &env, "env; tr '\\0' '\\n' </proc/self/environ")) {
        watch(&ran, NULL);
        CHECK(strstr(text_get(&ran.out), "canary") == NULL);
        CHECK(strstr(text_get(&ran.out), "LC_TEST=kept\n") != NULL);
        CHECK(strstr(text_get(&ran.out), "DECLARED=a=b c\n") != NULL);
        CHECK(strstr(text_get(&ran.out), "TERM=declared\n") != NULL);
        CHECK(strstr(text_get(&ran.out), "CI=true\n") != NULL);
    }
    drop(&ran);
    proc_env_deinit(&env);
    unsetenv("ARCENTRA_TOKEN");
    unsetenv("SOMETHING_ELSE");
}

static void no_descriptor_and_no_signal_mask_is_inherited(void)
{
    struct proc_env env;
    struct ran ran;
    int leak[2];
    sigset_t all, before;
    CHECK(pipe(leak) == 0); /* on purpose without CLOEXEC */
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    proc_env_init(&env);
    if (start(&ran, &env,
              "ls /proc/$$/fd | tr '\\n' ' '; readlink /proc/$$/fd/0;"
              " grep -E 'Sig(Blk|Ign)' /proc/$$/status | tr -d '\\t\\n'")) {
        watch(&ran, NULL);
        CHECK(strncmp(text_get(&ran.out), "0 1 2 ", 6) == 0);
        CHECK(strstr(text_get(&ran.out), "/dev/null\n") != NULL);
        unsigned long long blocked = 1, ignored = 1;
        const char *at = strstr(text_get(&ran.out), "SigBlk:");
        CHECK(at != NULL && sscanf(at, "SigBlk:%llxSigIgn:%llx", &blocked, &ignored) == 2);
        CHECK_INT(blocked, 0);
        CHECK_INT(ignored & 0x7fffffff, 0); /* above are two of the C library's own */
    }
    drop(&ran);
    proc_env_deinit(&env);
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(leak[0]);
    close(leak[1]);
}

static void a_group_that_obeys_ends_by_term(void)
{
    struct proc_env env;
    struct ran ran;
    proc_env_init(&env);
    if (start(&ran, &env, "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.02; done")) {
        watch(&ran, "up");
        proc_stop(&ran.proc, clock_boot_ns(), 15000);
        watch(&ran, NULL);
        CHECK_TEXT(arc__slice_cstr(text_get(&ran.out)), "up\nbye\n");
        CHECK_INT(ran.exit.code, 3);
        CHECK_INT(ran.proc.killed, 0);
    }
    drop(&ran);
    proc_env_deinit(&env);
}

static void a_group_that_ignores_term_is_killed(void)
{
    struct proc_env env;
    struct ran ran;
    int grandchild = 0;
    proc_env_init(&env);
    if (start(&ran, &env,
              "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ up; while :; do sleep 1; done' & wait;"
              " while :; do sleep 1; done")) {
        watch(&ran, "up");
        CHECK(sscanf(text_get(&ran.out), "%d", &grandchild) == 1);
        int64_t before = clock_boot_ns();
        proc_stop(&ran.proc, before, 100);
        CHECK_INT(ran.proc.killed, 0);
        watch(&ran, NULL);
        CHECK_INT(ran.exit.signal, SIGKILL);
        CHECK_INT(ran.exit.code, 128 + SIGKILL);
        CHECK(clock_boot_ns() - before >= 100 * NS_PER_MS);
        CHECK(is_gone(grandchild));
    }
    drop(&ran);
    proc_env_deinit(&env);
}

static void a_later_stop_never_lengthens_the_grace(void)
{
    struct proc_env env;
    struct ran ran;
    proc_env_init(&env);
    if (start(&ran, &env, "trap '' TERM; echo up; while :; do sleep 1; done")) {
        watch(&ran, "up");
        proc_stop(&ran.proc, 1000, 50);
        int64_t due = ran.proc.kill_ns;
        proc_stop(&ran.proc, 2000, 60000);
        CHECK_INT(ran.proc.kill_ns, due);
        proc_stop(&ran.proc, 3000, 0);
        CHECK_INT(ran.proc.killed, 1);
        watch(&ran, NULL);
        CHECK_INT(ran.exit.signal, SIGKILL);
    }
    drop(&ran);
    proc_env_deinit(&env);
}

static void what_stays_in_the_group_ends_with_its_leader(void)
{
    struct proc_env env;
    struct ran ran;
    int left = 0;
    proc_env_init(&env);
    if (start(&ran, &env, "sleep 600 & echo $!")) {
        watch(&ran, NULL); /* the pipes close only because the sleep is gone */
        CHECK(sscanf(text_get(&ran.out), "%d", &left) == 1);
        CHECK(is_gone(left));
        CHECK_INT(ran.exit.code, 0);
    }
    drop(&ran);
    proc_env_deinit(&env);
}

static void what_leaves_the_group_is_found_by_its_mark(void)
{
    struct proc_env env;
    struct ran ran;
    int left = 0;
    proc_env_init(&env);
    proc_env_put(&env, "PROC_TEST_MARK", "mine");
    if (start(&ran, &env, "setsid sh -c 'echo $$ up; exec sleep 600' & wait")) {
        watch(&ran, "up");
        CHECK(sscanf(text_get(&ran.out), "%d", &left) == 1);
        proc_kill(&ran.proc);
        CHECK(is_alive(left));
        CHECK_INT(proc_kill_marked("PROC_TEST_MARK=min", 0), 0);
        CHECK(proc_kill_marked("PROC_TEST_MARK=mine", 0) >= 1);
        watch(&ran, NULL); /* its pipe was the last */
        CHECK(is_gone(left));
    }
    drop(&ran);
    proc_env_deinit(&env);
}

static void an_orphan_without_a_mark_is_adopted_and_killed(void)
{
    struct proc_env env;
    struct ran ran;
    int left = 0;
    proc_adopt_orphans();
    proc_env_init(&env);
    if (start(&ran, &env, "env -i setsid sh -c 'echo $$ up; exec sleep 600' & sleep 600")) {
        watch(&ran, "up");
        CHECK(sscanf(text_get(&ran.out), "%d", &left) == 1);
        proc_kill(&ran.proc);
        CHECK(is_gone(ran.proc.pid));
        CHECK(is_alive(left));
        CHECK(proc_kill_strangers(NULL, 0) >= 1);
        CHECK(is_gone(left));
    }
    drop(&ran);
    proc_env_deinit(&env);
}

static void what_cannot_start_says_why(void)
{
    struct proc_env env;
    char why[256] = "", name[] = "no-such-program-here";
    char *argv[] = {name, NULL};
    struct proc proc = PROC_INIT;
    proc_env_init(&env);
    struct proc_spec spec = {name, argv, env.items, "/"};
    CHECK_INT(proc_start(&spec, &proc, why, sizeof(why)), ENOENT);
    CHECK(strstr(why, name) != NULL);
    CHECK_INT(proc.pid, 0);
    CHECK_INT(proc.out_fd, -1);
    proc_env_deinit(&env);
}

static void a_script_runs_from_a_private_file(void)
{
    struct proc_env env;
    struct ran ran = {.proc = PROC_INIT};
    char top[] = "/tmp/proc_test_XXXXXX", why[256] = "", scratch[64];
    CHECK(mkdtemp(top) != NULL);
    snprintf(scratch, sizeof(scratch), "%s/a/b", top);
    proc_env_init(&env);
    struct shell shell = {
        "pwd\nstat -c %a \"$0\"\nfalse\necho not here", "", scratch, top, "sub", &env};
    CHECK_INT(shell_start(&shell, &ran.proc, why, sizeof(why)), 0);
    watch(&ran, NULL);
    struct text want = {NULL, 0, 0};
    text_printf(&want, "%s\n700\n", top);
    CHECK_TEXT(arc__slice_cstr(text_get(&ran.out)), text_get(&want));
    CHECK_INT(ran.exit.code, 1);
    shell.script = "";
    CHECK_INT(shell_start(&shell, &ran.proc, why, sizeof(why)), -1);
    shell.script = "true";
    shell.shell = "sh -x";
    CHECK_INT(shell_start(&shell, &ran.proc, why, sizeof(why)), -1);
    shell.shell = "";
    shell.cwd = "/nowhere/at/all";
    CHECK_INT(shell_start(&shell, &ran.proc, why, sizeof(why)), -1);
    CHECK(strstr(why, "`sub`") != NULL);
    text_deinit(&want);
    drop(&ran);
    proc_env_deinit(&env);
    CHECK_INT(tree_remove(top), 0);
    CHECK(shell_is("shell") && shell_is("shell@v1") && !shell_is("shellfish"));
}

static const struct test tests[] = {
    {"output and exit code of a process are seen", output_and_exit_code_are_seen},
    {"the environment is an allow-list and what is declared", the_environment_is_an_allow_list},
    {"no descriptor and no signal mask is inherited",
     no_descriptor_and_no_signal_mask_is_inherited},
    {"a group that obeys ends by TERM", a_group_that_obeys_ends_by_term},
    {"a group that ignores TERM is killed after its grace", a_group_that_ignores_term_is_killed},
    {"a later stop never lengthens the grace", a_later_stop_never_lengthens_the_grace},
    {"what stays in the group ends with its leader", what_stays_in_the_group_ends_with_its_leader},
    {"what leaves the group is found by its mark", what_leaves_the_group_is_found_by_its_mark},
    {"an orphan without a mark is adopted and killed",
     an_orphan_without_a_mark_is_adopted_and_killed},
    {"what cannot start says why and leaves nothing open", what_cannot_start_says_why},
    {"a script runs from a private file and stops at a failure", a_script_runs_from_a_private_file},
};
TEST_MAIN(tests)
