/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config.h"

#include <arcentra/base.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/duration.h"
#include "common/mem.h"
#include "common/text.h"

static const char head[] =
    "Usage: arcentra-agent [FLAG…]\n"
    "\n"
    "Takes steps from an Arcentra server and runs them on this machine: each job in a\n"
    "workspace of its own, each step as a process group of its own. Offers: shell.\n"
    "\n"
    "The first start needs a registration token (art_…), from --token-file,\n"
    "ARCENTRA_REGISTRATION_TOKEN_FILE or ARCENTRA_REGISTRATION_TOKEN. Later starts use\n"
    "what the first one has left in the data directory.\n"
    "\n"
    "Several servers are those of one control plane: the first that answers is taken, and\n"
    "the next when it is lost. What runs meanwhile goes on.\n"
    "\n"
    "Flags [and the variable that says the same]:\n";

static const char tail[] =
    "\n"
    "A workspace is removed when no step of its job has come for --workspace-grace, when\n"
    "another attempt of its job begins, and at the next start.\n"
    "TERM or INT: takes no more jobs, lets its own end for --drain-timeout, then stops them;\n"
    "a second one stops them at once. Exit code 0 after that, 1 when the server refuses this\n"
    "agent, 2 for a wrong flag.\n";

static size_t make_table(struct config *config, struct arg *table)
{
    const struct arg rows[] = {
        {"server", 's', ARG_LIST, "ARCENTRA_SERVER", "HOST:PORT",
         "The server's gRPC address; may come again (localhost:9090).", &config->servers, 0, 0},
        {"token-file", 0, ARG_TEXT, "ARCENTRA_REGISTRATION_TOKEN_FILE", "FILE",
         "Where the registration token stands.", &config->token_file, 0, 0},
        {"name", 'n', ARG_TEXT, "ARCENTRA_AGENT_NAME", "NAME", "For people (the host's name).",
         &config->name, 0, 0},
        {"label", 'l', ARG_LIST, "ARCENTRA_AGENT_LABELS", "KEY=VALUE",
         "What jobs can select it by; may come again.", &config->labels, 0, 0},
        {"slots", 'j', ARG_NUMBER, "ARCENTRA_AGENT_SLOTS", "N", "Jobs at one time (2).",
         &config->slots, 1, 256},
        {"data", 'd', ARG_TEXT, "ARCENTRA_AGENT_DATA", "DIR", "Its own state, its token too.",
         &config->data, 0, 0},
        {"workspace", 'w', ARG_TEXT, "ARCENTRA_AGENT_WORKSPACE", "DIR",
         "Where jobs work (DATA/work).", &config->workspace, 0, 0},
        {"tls", 0, ARG_SWITCH, "ARCENTRA_TLS", NULL, "TLS with the system's certificates.",
         &config->tls, 0, 0},
        {"tls-ca", 0, ARG_TEXT, "ARCENTRA_TLS_CA", "FILE", "TLS, and trust these (PEM).",
         &config->tls_ca, 0, 0},
        {"keep-workspaces", 0, ARG_SWITCH, "ARCENTRA_AGENT_KEEP_WORKSPACES", NULL,
         "Never remove a workspace.", &config->keep_workspaces, 0, 0},
        {"workspace-grace", 0, ARG_DURATION, "ARCENTRA_AGENT_WORKSPACE_GRACE", "TIME",
         "Keep an idle one for this long (10m).", &config->workspace_grace_ns, 0, 0},
        {"drain-timeout", 0, ARG_DURATION, "ARCENTRA_AGENT_DRAIN_TIMEOUT", "TIME",
         "How long steps may go on after TERM (60s).", &config->drain_ns, 0, 0},
        {"log-buffer", 0, ARG_NUMBER, "ARCENTRA_AGENT_LOG_BUFFER", "BYTES",
         "Lines that are not acknowledged (16M).", &config->log_buffer, 1 << 16, INT64_C(4) << 30},
        {"log-format", 0, ARG_TEXT, "ARCENTRA_LOG_FORMAT", "text|json",
         "Of its own log on stderr (text).", &config->log_format, 0, 0},
        {"verbose", 'v', ARG_SWITCH, "ARCENTRA_VERBOSE", NULL, "Say more.", &config->verbose, 0, 0},
    };
    memcpy(table, rows, sizeof(rows));
    return sizeof(rows) / sizeof(rows[0]);
}

static char *join(const char *left, const char *right)
{
    struct text text = {NULL, 0, 0};
    text_printf(&text, "%s/%s", left, right);
    return text_take(&text);
}

/* A copy: a variable's memory may move or be wiped. */
static char *default_data(void)
{
    const char *systemd = getenv("STATE_DIRECTORY");
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (systemd != NULL && systemd[0] == '/')
        return mem_copy(systemd);
    if (geteuid() == 0)
        return mem_copy("/var/lib/arcentra-agent");
    if (state != NULL && state[0] == '/')
        return join(state, "arcentra-agent");
    return join(home != NULL && home[0] == '/' ? home : "/tmp", ".local/state/arcentra-agent");
}

/* Steps have working directories of their own, so every path of ours has to hold from anywhere. */
static char *absolute(const char *path)
{
    char *here = path[0] != '/' ? getcwd(NULL, 0) : NULL;
    char *whole = here != NULL ? join(here, path) : mem_copy(path);
    free(here);
    return whole;
}

static char *shown(const struct arg_list *servers)
{
    struct text text = {NULL, 0, 0};
    for (size_t i = 0; i < servers->count; i++)
        text_printf(&text, "%s%s", i > 0 ? ", " : "", servers->items[i]);
    return text_take(&text);
}

static void fill_defaults(struct config *config)
{
    if (config->servers.count == 0)
        arg_list_add(&config->servers, "localhost:9090");
    config->server = shown(&config->servers);
    config->owned[0] = config->data != NULL ? absolute(config->data) : default_data();
    config->data = config->owned[0];
    config->owned[1] =
        config->workspace != NULL ? absolute(config->workspace) : join(config->data, "work");
    config->workspace = config->owned[1];
    if (config->name == NULL) {
        char host[256] = "";
        gethostname(host, sizeof(host) - 1);
        config->owned[2] = mem_copy(host[0] != '\0' ? host : "agent");
        config->name = config->owned[2];
    }
}

static int check(const struct config *config, const struct arg_list *rest, char *why, size_t size)
{
    if (rest->count > 0) {
        snprintf(why, size, "`%s` is no flag; arcentra-agent takes flags alone.", rest->items[0]);
        return 0;
    }
    for (size_t i = 0; i < config->servers.count; i++) {
        if (strchr(config->servers.items[i], ':') == NULL) {
            snprintf(why, size, "--server takes HOST:PORT, not `%s`; the port is often 9090.",
                     config->servers.items[i]);
            return 0;
        }
    }
    if (strcmp(config->log_format, "text") != 0 && strcmp(config->log_format, "json") != 0) {
        snprintf(why, size, "--log-format is text or json, not `%s`.", config->log_format);
        return 0;
    }
    for (size_t i = 0; i < config->labels.count; i++) {
        char *key = NULL;
        const char *value;
        if (!arg_split_pair(config->labels.items[i], &key, &value)) {
            snprintf(why, size, "--label takes KEY=VALUE, not `%s`.", config->labels.items[i]);
            return 0;
        }
        mem_free(key);
    }
    return 1;
}

/* Takes the token out of the environment, so that no child and no reader of /proc finds it there.
 */
static char *take_env_secret(const char *name)
{
    char *value = getenv(name);
    if (value == NULL || value[0] == '\0')
        return NULL;
    char *copy = mem_copy(value);
    explicit_bzero(value, strlen(value));
    unsetenv(name);
    return copy;
}

static int read_token(struct config *config, char *why, size_t size)
{
    config->registration_token = take_env_secret("ARCENTRA_REGISTRATION_TOKEN");
    if (config->token_file == NULL)
        return 1;
    mem_free(config->registration_token);
    config->registration_token = arg_read_secret(config->token_file, why, size);
    return config->registration_token != NULL;
}

int config_read(struct config *config, int argc, char **argv, int *exit_code)
{
    struct arg table[20];
    struct arg_list rest = {NULL, 0, NULL};
    char why[512] = "";
    *config = (struct config){.log_format = "text",
                              .slots = 2,
                              .log_buffer = 16 << 20,
                              .drain_ns = 60 * NS_PER_S,
                              .workspace_grace_ns = 600 * NS_PER_S};
    size_t count = make_table(config, table);
    int answer = args_parse(table, count, argc, argv, &rest, why, sizeof(why));
    *exit_code = 0;
    if (answer == ARGS_HELP) {
        fputs(head, stdout);
        args_print(table, count, stdout);
        fputs(tail, stdout);
    } else if (answer == ARGS_VERSION) {
        printf("arcentra-agent %s\n", arc_version());
    } else if (answer == 0) {
        fill_defaults(config);
        if (!check(config, &rest, why, sizeof(why)) || !read_token(config, why, sizeof(why)))
            answer = ARGS_WRONG;
    }
    if (answer == ARGS_WRONG) {
        fprintf(stderr, "arcentra-agent: %s\n", why);
        *exit_code = 2;
    }
    arg_list_deinit(&rest);
    return answer;
}

void config_deinit(struct config *config)
{
    for (size_t i = 0; i < sizeof(config->owned) / sizeof(config->owned[0]); i++)
        mem_free(config->owned[i]);
    if (config->registration_token != NULL)
        explicit_bzero(config->registration_token, strlen(config->registration_token));
    mem_free(config->registration_token);
    mem_free(config->server);
    arg_list_deinit(&config->servers);
    arg_list_deinit(&config->labels);
}
