/* SPDX-License-Identifier: Apache-2.0 */
/* Where steps run: WORKSPACE/<agent id>/<name>, one for each attempt of a job, shared by its steps,
 * private to this user. Nobody tells an agent that a job is over, so a workspace goes when no step
 * of it has come for a while, when another attempt of its job begins, or at the next start; a child
 * process removes it, because a big one takes longer than a lease can wait. */
#include "agent/agent.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/shell.h"
#include "common/tree.h"

static char *join(const char *left, const char *right)
{
    struct text text = {NULL, 0, 0};
    text_printf(&text, right[0] != '\0' ? "%s/%s" : "%s%s", left, right);
    return text_take(&text);
}

int work_open(struct agent *agent, char *why, size_t why_size)
{
    if (!tree_is_inside(agent->id) || agent->id[0] == '\0' || strchr(agent->id, '/') != NULL) {
        snprintf(why, why_size, "The server gave an agent id that is no name: `%s`.", agent->id);
        return 0;
    }
    agent->root = join(agent->config.workspace, agent->id);
    /* What is there is of an earlier life; its leases are gone with it. */
    if (!agent->config.keep_workspaces)
        tree_remove(agent->root);
    int failed = tree_make(agent->root);
    if (failed != 0) {
        snprintf(why, why_size, "The workspace directory %s cannot be made: %s.", agent->root,
                 strerror(failed));
        return 0;
    }
    return 1;
}

/* --- workspaces ------------------------------------------------------------------------------ */

static struct workspace *find(struct agent *agent, const char *name)
{
    struct workspace *workspace = agent->workspaces;
    while (workspace != NULL && strcmp(workspace->name, name) != 0)
        workspace = workspace->next;
    return workspace;
}

int work_has(struct agent *agent, const char *workspace)
{
    return find(agent, workspace) != NULL;
}

static void take_workspace(struct agent *agent, const struct step *step)
{
    struct workspace *workspace = find(agent, step->workspace);
    if (workspace == NULL) {
        /* An older attempt of this job can want its own no more. */
        for (workspace = agent->workspaces; workspace != NULL; workspace = workspace->next) {
            if (strcmp(workspace->job_id, step->job_id) == 0 && workspace->users == 0)
                workspace->idle_ns = INT64_MIN / 2;
        }
        workspace = mem_new(sizeof(*workspace));
        *workspace = (struct workspace){agent->workspaces, mem_copy(step->workspace),
                                        mem_copy(step->job_id), 0, 0};
        agent->workspaces = workspace;
    }
    workspace->users++;
}

static void remove_workspace(struct agent *agent, const struct workspace *workspace)
{
    char *path = join(agent->root, workspace->name);
    pid_t pid = fork();
    if (pid == 0)
        _exit(tree_remove(path) == 0 ? 0 : 1);
    if (pid > 0)
        agent->remover = pid;
    log_write(&agent->log, ARC_LOG_DEBUG, "The workspace %s is removed.", path);
    mem_free(path);
}

int64_t work_tick(struct agent *agent)
{
    int64_t next = NEVER, grace = agent->config.workspace_grace_ns;
    for (struct workspace **at = &agent->workspaces; *at != NULL;) {
        struct workspace *workspace = *at;
        if (workspace->users > 0 || agent->config.keep_workspaces) {
            at = &workspace->next;
            continue;
        }
        int64_t due = workspace->idle_ns + grace;
        if (agent->now_ns < due || agent->remover != 0) {
            /* One at a time; the end of the remover brings the next turn. */
            next = agent->remover == 0 && due < next ? due : next;
            at = &workspace->next;
            continue;
        }
        remove_workspace(agent, workspace);
        *at = workspace->next;
        mem_free(workspace->name);
        mem_free(workspace->job_id);
        mem_free(workspace);
    }
    return next;
}

void work_close(struct agent *agent)
{
    while (agent->workspaces != NULL) {
        struct workspace *workspace = agent->workspaces;
        agent->workspaces = workspace->next;
        mem_free(workspace->name);
        mem_free(workspace->job_id);
        mem_free(workspace);
    }
    if (agent->root != NULL && !agent->config.keep_workspaces)
        tree_remove(agent->root);
    mem_free(agent->root);
    agent->root = NULL;
}

/* --- starting -------------------------------------------------------------------------------- */

static void put_map(struct proc_env *env, const json_node *map)
{
    for (size_t i = 0; i < json_count(map); i++)
        proc_env_put(env, json_key_at(map, i), json_text(json_at(map, i)));
}

static void put_number(struct proc_env *env, const char *name, int64_t number)
{
    char text[32];
    snprintf(text, sizeof(text), "%" PRId64, number);
    proc_env_put(env, name, text);
}

static void fill_env(const struct agent *agent, const struct step *step, const json_node *message,
                     const char *top, struct proc_env *env)
{
    char execution[256];
    const char *equals = strchr(agent->mark, '=');
    proc_env_init(env);
    put_map(env, json_get(message, "env"));
    put_map(env, json_get(message, "secrets"));
    /* The facts come last: nothing that is declared can forge them. */
    proc_env_put(env, "ARCENTRA_PIPELINE_ID", step->pipeline_id);
    proc_env_put(env, "ARCENTRA_RUN_ID", step->run_id);
    proc_env_put(env, "ARCENTRA_JOB_ID", step->job_id);
    proc_env_put(env, "ARCENTRA_JOB_NAME", step->job_name);
    proc_env_put(env, "ARCENTRA_STEP_RUN_ID", step->id);
    proc_env_put(env, "ARCENTRA_STEP_NAME", step->name);
    put_number(env, "ARCENTRA_STEP_INDEX", step->index);
    put_number(env, "ARCENTRA_ATTEMPT", step->attempt);
    proc_env_put(env, "ARCENTRA_WORKSPACE", top);
    char *outputs = outputs_path(step->scratch);
    proc_env_put(env, OUTPUTS_VARIABLE, outputs);
    mem_free(outputs);
    proc_env_put(env, "ARCENTRA_AGENT_ID", agent->id);
    proc_env_put(env, "ARCENTRA_AGENT_NAME", agent->config.name);
    snprintf(execution, sizeof(execution), "%s.%d.%" PRIu64, step->id, (int)step->attempt,
             step->fence);
    proc_env_put(env, "ARCENTRA_EXECUTION", execution);
    proc_env_put(env, "ARCENTRA_AGENT_INCARNATION", equals != NULL ? equals + 1 : "");
}

static int check(const struct step *step, char *why, size_t why_size)
{
    if (!shell_is(step->uses)) {
        snprintf(why, why_size, "This agent does not offer `%s`; it offers: %s.", step->uses,
                 SHELL_OFFERED);
        return 0;
    }
    if (step->workspace[0] == '\0' || !tree_is_inside(step->workspace) ||
        !tree_is_inside(step->id) || strchr(step->id, '/') != NULL) {
        snprintf(why, why_size, "`%s` is no name for a workspace.", step->workspace);
        return 0;
    }
    if (!tree_is_inside(step->directory)) {
        snprintf(why, why_size, "The working directory `%s` leaves the workspace.",
                 step->directory);
        return 0;
    }
    return 1;
}

static char *scratch_of(const struct agent *agent, const struct step *step)
{
    struct text text = {NULL, 0, 0};
    text_printf(&text, "%s/steps/%s.%d.%" PRIu64, agent->config.data, step->id, (int)step->attempt,
                step->fence);
    return text_take(&text);
}

int work_start(struct agent *agent, struct step *step, const json_node *message, char *why,
               size_t why_size)
{
    const json_node *args = json_get(message, "args");
    struct proc_env env = {NULL, 0};
    if (!check(step, why, why_size))
        return 0;
    char *top = join(agent->root, step->workspace);
    char *cwd = join(top, step->directory);
    step->scratch = scratch_of(agent, step);
    take_workspace(agent, step);
    int failed = tree_make(top);
    if (failed != 0) {
        snprintf(why, why_size, "The workspace %s cannot be made: %s.", top, strerror(failed));
    } else {
        fill_env(agent, step, message, top, &env);
        const struct shell shell = {json_get_text(args, "run"),
                                    json_get_text(args, "shell"),
                                    step->scratch,
                                    cwd,
                                    step->directory,
                                    &env};
        failed = shell_start(&shell, &step->proc, why, why_size);
    }
    proc_env_deinit(&env);
    mem_free(top);
    mem_free(cwd);
    return failed == 0;
}

void work_done(struct agent *agent, struct step *step)
{
    if (step->scratch == NULL)
        return; /* it never came so far */
    tree_remove(step->scratch);
    struct workspace *workspace = find(agent, step->workspace);
    if (workspace != NULL && workspace->users > 0) {
        workspace->users--;
        workspace->idle_ns = agent->now_ns;
    }
}
