/* SPDX-License-Identifier: Apache-2.0 */
/* The first credential of a server, and more of them. A token is written where it was asked for and
 * nowhere else: never to a log, never to a place that others can read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/text.h"
#include "server/server.h"

#define ALL_SCOPES (ARC_SCOPE_READ | ARC_SCOPE_RUN | ARC_SCOPE_WRITE | ARC_SCOPE_ADMIN)

static void sync_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd); /* the token stands in the file already; a lost name means a new start */
    (void)close(fd);
}

/* Writes a file of our own that was not there before. 0, or an errno. */
static int write_new(const char *path, const char *token)
{
    char line[ARC_TOKEN_SIZE + 2];
    int len = snprintf(line, sizeof(line), "%s\n", token);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    int wrong = 0;
    if (write(fd, line, (size_t)len) != (ssize_t)len || fsync(fd) != 0)
        wrong = errno != 0 ? errno : EIO;
    if (close(fd) != 0 && wrong == 0)
        wrong = errno;
    if (wrong != 0)
        (void)unlink(path);
    explicit_bzero(line, sizeof(line));
    return wrong;
}

/* 1: the file holds a token that the store knows; 0: it does not, or there is no file. */
static int token_holds(struct server *server, const char *path)
{
    char line[ARC_TOKEN_SIZE + 2] = "";
    arc_err err = ARC_ERR_INIT;
    arc_ws *probe = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, line, sizeof(line) - 1);
    (void)close(fd);
    line[got > 0 ? got : 0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    int holds = arc_ws_open(server->ctl, line, NULL, NULL, &probe, &err) == ARC_OK;
    if (holds)
        arc_ws_close(probe);
    explicit_bzero(line, sizeof(line));
    return holds;
}

int token_first_start(struct server *server)
{
    struct text path = {NULL, 0, 0};
    char token[ARC_TOKEN_SIZE] = "";
    arc_err err = ARC_ERR_INIT;
    int result = -1, wrong = 0;
    text_printf(&path, "%s/admin.token", server->config->data);
    int forgets = strncmp(server->config->store, "mem:", 4) == 0;
    if (access(text_get(&path), F_OK) == 0) {
        if (token_holds(server, text_get(&path))) {
            text_deinit(&path);
            return 0;
        }
        if (!forgets) {
            log_write(&server->log, ARC_LOG_WARN,
                      "%s holds no token of this store; remove it to get a new one.",
                      text_get(&path));
            text_deinit(&path);
            return 0;
        }
        (void)unlink(text_get(&path)); /* of an earlier life, which memory has forgotten */
    }
    if (arc_ctl_token_new(server->ctl, "admin", ALL_SCOPES, token, sizeof(token), &err) != ARC_OK) {
        log_write(&server->log, ARC_LOG_ERROR, "Cannot make the admin token: %s", err.message);
    } else if ((wrong = write_new(text_get(&path), token)) != 0) {
        log_write(&server->log, ARC_LOG_ERROR, "Cannot write %s: %s.", text_get(&path),
                  strerror(wrong));
    } else {
        sync_directory(server->config->data);
        log_write(&server->log, ARC_LOG_INFO, "The admin token stands in %s.", text_get(&path));
        result = 0;
    }
    explicit_bzero(token, sizeof(token));
    text_deinit(&path);
    return result;
}

int token_command(struct config *config, const struct log *log, const char *kind, const char *name)
{
    arc_ctl_options options = ARC_CTL_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    arc_ctl *ctl = NULL;
    char token[ARC_TOKEN_SIZE] = "";
    int for_agents = strcmp(kind, "agent") == 0;
    if (strncmp(config->store, "mem:", 4) == 0) {
        log_write(log, ARC_LOG_ERROR, "A store in memory lives in its server alone.");
        return 2;
    }
    options.store_url = config->store;
    options.log_dir = config->log_dir[0] != '\0' ? config->log_dir : NULL;
    arc_status status = arc_ctl_open(&options, &ctl, &err);
    if (status == ARC_ECONFLICT) {
        (void)fprintf(stderr, "arcentrad: a running server has this store: %s\n", err.message);
        if (for_agents)
            (void)fprintf(stderr,
                          "Ask that server instead:\n  curl -X POST -H \"Authorization: Bearer "
                          "$(cat %s/admin.token)\" \\\n    "
                          "http://localhost:8080/api/v1/registration-tokens\n",
                          config->data);
        else
            (void)fprintf(stderr,
                          "Its own token stands in %s/admin.token. For another one, stop "
                          "the server, run this again, and start it.\n",
                          config->data);
        return 1;
    }
    if (status != ARC_OK) {
        struct text shown = {NULL, 0, 0};
        text_put_url(&shown, config->store);
        log_write(log, ARC_LOG_ERROR, "Cannot open %s: %s", text_get(&shown), err.message);
        text_deinit(&shown);
        return 1;
    }
    status = arc_ctl_token_new(ctl, name, for_agents ? 0 : ALL_SCOPES, token, sizeof(token), &err);
    int wrong = 0;
    if (status != ARC_OK)
        log_write(log, ARC_LOG_ERROR, "Cannot make a token: %s", err.message);
    else
        wrong = printf("%s\n", token) < 0 || fflush(stdout) != 0;
    if (wrong)
        log_write(log, ARC_LOG_ERROR, "Cannot write the token.");
    explicit_bzero(token, sizeof(token));
    arc_ctl_close(ctl);
    return status == ARC_OK && !wrong ? 0 : 1;
}
