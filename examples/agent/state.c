/* SPDX-License-Identifier: Apache-2.0 */
/* The data directory: who the server says we are, and the lock that keeps two agents from being
 * the same one. */
#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/tree.h"

static char *path_of(const struct agent *agent, const char *name)
{
    struct text path = {NULL, 0, 0};
    text_printf(&path, "%s/%s", agent->config.data, name);
    return text_take(&path);
}

static int lock(struct agent *agent, char *why, size_t why_size)
{
    char *path = path_of(agent, "lock");
    agent->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int failed = agent->lock_fd < 0 || flock(agent->lock_fd, LOCK_EX | LOCK_NB) != 0;
    if (failed && errno == EWOULDBLOCK)
        snprintf(why, why_size, "Another agent uses %s; give this one a --data of its own.",
                 agent->config.data);
    else if (failed)
        snprintf(why, why_size, "%s cannot be locked: %s.", path, strerror(errno));
    mem_free(path);
    return !failed;
}

static void load(struct agent *agent)
{
    char buf[8192];
    char *path = path_of(agent, "agent.json");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, buf, sizeof(buf)) : -1;
    if (fd >= 0)
        close(fd);
    mem_free(path);
    if (got <= 0)
        return;
    const json_node *saved = json_parse(buf, (size_t)got, NULL, 0);
    if (json_get_text(saved, "token")[0] != '\0') {
        agent->id = mem_copy(json_get_text(saved, "agentId"));
        agent->token = mem_copy(json_get_text(saved, "token"));
    }
    json_free(saved);
    explicit_bzero(buf, sizeof(buf));
}

int state_open(struct agent *agent, char *why, size_t why_size)
{
    int failed = tree_make(agent->config.data);
    if (failed != 0) {
        snprintf(why, why_size, "The data directory %s cannot be made: %s. Give another --data.",
                 agent->config.data, strerror(failed));
        return 0;
    }
    if (!lock(agent, why, why_size))
        return 0;
    load(agent);
    return 1;
}

int state_save(struct agent *agent, char *why, size_t why_size)
{
    struct text text = {NULL, 0, 0};
    struct json_out json = {&text, 0};
    json_open(&json, NULL, '{');
    json_put_text(&json, "agentId", agent->id);
    json_put_text(&json, "token", agent->token);
    json_put_text(&json, "server", agent->config.server);
    json_close(&json, '}');
    text_put(&text, "\n");
    char *path = path_of(agent, "agent.json");
    int failed = tree_write(path, text.ptr, text.len, 0);
    if (failed != 0)
        snprintf(why, why_size, "%s cannot be written: %s.", path, strerror(failed));
    mem_free(path);
    explicit_bzero(text.ptr, text.len);
    text_deinit(&text);
    return failed == 0;
}

void state_close(struct agent *agent)
{
    if (agent->lock_fd >= 0)
        close(agent->lock_fd);
    agent->lock_fd = -1;
    if (agent->token != NULL)
        explicit_bzero(agent->token, strlen(agent->token));
    mem_free(agent->token);
    mem_free(agent->id);
    agent->id = NULL;
    agent->token = NULL;
}
