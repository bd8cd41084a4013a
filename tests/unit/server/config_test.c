/* SPDX-License-Identifier: Apache-2.0 */
/* The server's settings: every layer, what wins, and what is said about what is wrong. */
#include "server/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shim.h"

static int read_text(struct config *config, const char *text, struct config_why *why)
{
    return config_read_text(config, text, strlen(text), "x.yaml", why);
}

static void check_refused(const char *text, const char *part)
{
    struct config config;
    struct config_why why = {""};
    config_init(&config);
    CHECK_INT(read_text(&config, text, &why), -1);
    CHECK(strstr(why.text, part) != NULL);
    if (strstr(why.text, part) == NULL)
        printf("# \"%s\" is not in \"%s\"\n", part, why.text);
    config_deinit(&config);
}

static void defaults_hold_where_nothing_is_said(void)
{
    struct config config;
    struct config_why why = {""};
    char *environment[] = {(char *)(uintptr_t) "HOME=/home/somebody", NULL};
    config_init(&config);
    CHECK_INT(read_text(&config, "", &why), 0);
    CHECK_INT(read_text(&config, "# only words\n", &why), 0);
    CHECK_INT(config_finish(&config, environment, 1, &why), 0);
    CU_ASSERT_STRING_EQUAL(config.http_listen, ":8080");
    CU_ASSERT_STRING_EQUAL(config.grpc_listen, ":9090");
    CU_ASSERT_STRING_EQUAL(config.data, "/var/lib/arcentra");
    CU_ASSERT_STRING_EQUAL(config.store, "sqlite:/var/lib/arcentra/arcentra.db");
    CHECK_INT(config.lease_ttl, 30000);
    CHECK_INT(config.heartbeat, 10000);
    CHECK_INT(config.agents_approved, 1);
    CHECK_INT(config.http_origins.count, 0);
    config_deinit(&config);
}

static void a_file_sets_every_kind_of_value(void)
{
    struct config config;
    struct config_why why = {""};
    config_init(&config);
    CHECK_INT(read_text(&config,
                        "http_listen: \"127.0.0.1:0\"\nruns_max: 12\nlease_ttl: 1m30s\n"
                        "agents_approved: false\nhttp_origins:\n- https://a.b\n- http://c:1\n",
                        &why),
              0);
    CU_ASSERT_STRING_EQUAL(config.http_listen, "127.0.0.1:0");
    CHECK_INT(config.runs_max, 12);
    CHECK_INT(config.lease_ttl, 90000);
    CHECK_INT(config.agents_approved, 0);
    CHECK_INT(config.http_origins.count, 2);
    CU_ASSERT_STRING_EQUAL(config.http_origins.items[1], "http://c:1");
    CU_ASSERT_STRING_EQUAL(config.source.runs_max, "x.yaml:2:1");
    config_deinit(&config);
}

static void what_is_wrong_in_a_file_is_named_with_its_place(void)
{
    check_refused("data: /x\nhttp_lissten: :1\n", "x.yaml:2:1: there is no setting "
                                                  "\"http_lissten\"; did you mean http_listen?");
    check_refused("banana: 1\n", "x.yaml:1:1: there is no setting \"banana\".");
    check_refused("runs_max: many\n", "x.yaml:1:1: runs_max is a number");
    check_refused("runs_max: 0\n", "from 1 to 1000000");
    check_refused("lease_ttl: 30\n", "x.yaml:1:1: lease_ttl is a time such as");
    check_refused("lease_ttl: 1ms\n", "lease_ttl is from");
    check_refused("agents_approved: yes\n", "true or false");
    check_refused("data: {a: b}\n", "x.yaml:1:7: data has no value");
    check_refused("data:\n", "data has no value");
    check_refused("data: /a\ndata: /b\n", "x.yaml:2:1: data is set twice.");
    check_refused("- a\n", "x.yaml:1:1: the settings are a map");
    check_refused("data: b: c\n", "x.yaml:1:8: mapping values are not allowed");
    check_refused("data: /a\n---\ndata: /b\n", "second document");
    check_refused("? [a]\n: b\n", "a key is a name");
    check_refused("data: *nobody\n", "data has no value");
    check_refused("http_origins: [[a]]\n", "a list holds texts");
    check_refused("data: \"a\\0b\"\n", "data has no value");
}

static void the_environment_wins_over_the_file_and_flags_over_both(void)
{
    struct config config;
    struct config_why why = {""};
    char *environment[] = {(char *)(uintptr_t) "ARCENTRA_RUNS_MAX=2",
                           (char *)(uintptr_t) "ARCENTRA_LOG_LEVEL=warn",
                           (char *)(uintptr_t) "ARCENTRA_SERVER=localhost:9090",
                           (char *)(uintptr_t) "ARCENTRA_AGENT_NAME=a", NULL};
    char *argv[] = {(char *)(uintptr_t) "arcentrad", (char *)(uintptr_t) "--log-level=debug",
                    (char *)(uintptr_t) "--agents-approved=false",
                    (char *)(uintptr_t) "--lease-ttl", (char *)(uintptr_t) "20s"};
    int at = 1;
    config_init(&config);
    CHECK_INT(read_text(&config, "runs_max: 1\nlog_level: info\n", &why), 0);
    CHECK_INT(config_read_environment(&config, environment, &why), 0);
    while (at < 5)
        CHECK_INT(config_read_flag(&config, 5, argv, &at, &why), 0);
    CHECK_INT(config.runs_max, 2);
    CU_ASSERT_STRING_EQUAL(config.log_level, "debug");
    CHECK_INT(config.agents_approved, 0);
    CHECK_INT(config.lease_ttl, 20000);
    CU_ASSERT_STRING_EQUAL(config.source.lease_ttl, "--lease-ttl");
    CU_ASSERT_STRING_EQUAL(config.source.runs_max, "ARCENTRA_RUNS_MAX");
    config_deinit(&config);
}

static void slips_in_the_environment_and_in_flags_are_named(void)
{
    struct config config;
    struct config_why why = {""};
    char *environment[] = {(char *)(uintptr_t) "ARCENTRA_HTTP_LISTN=:1", NULL};
    char *argv[] = {(char *)(uintptr_t) "arcentrad", (char *)(uintptr_t) "--lease-tll=1s",
                    (char *)(uintptr_t) "--runs-max", (char *)(uintptr_t) "--runs_max=1",
                    (char *)(uintptr_t) "--tea"};
    int at = 1;
    config_init(&config);
    CHECK_INT(config_read_environment(&config, environment, &why), -1);
    CHECK(strstr(why.text, "did you mean http_listen?") != NULL);
    CHECK_INT(config_read_flag(&config, 5, argv, &at, &why), -1);
    CHECK(strstr(why.text, "did you mean --lease-ttl?") != NULL);
    at = 2;
    CHECK_INT(config_read_flag(&config, 3, argv, &at, &why), -1);
    CHECK(strstr(why.text, "--runs-max wants a value.") != NULL);
    at = 3;
    CHECK_INT(config_read_flag(&config, 5, argv, &at, &why), -1);
    CHECK(strstr(why.text, "did you mean --runs-max?") != NULL);
    at = 4;
    CHECK_INT(config_read_flag(&config, 5, argv, &at, &why), 1);
    config_deinit(&config);
}

static void check_pair(const char *text, const char *part)
{
    struct config config;
    struct config_why why = {""};
    char *environment[] = {(char *)(uintptr_t) "HOME=/h", NULL};
    config_init(&config);
    CHECK_INT(read_text(&config, text, &why), 0);
    CHECK_INT(config_finish(&config, environment, 0, &why), -1);
    CHECK(strstr(why.text, part) != NULL);
    config_deinit(&config);
}

static void settings_that_do_not_fit_together_are_refused(void)
{
    check_pair("http_tls_cert: /c\n", "http_tls_cert and http_tls_key belong together");
    check_pair("grpc_tls_key: /k\n", "grpc_tls_cert and grpc_tls_key belong together");
    check_pair("grpc_tls_client_ca: /c\n", "needs grpc_tls_cert");
    check_pair("lease_ttl: 5s\n", "heartbeat (10000ms) must be shorter than lease_ttl (5000ms)");
    check_pair("log_level: loud\n", "log_level is error, warn, info or debug");
    check_pair("log_format: xml\n", "log_format is text or json");
    check_pair("http_origins: [\"*\"]\n", "is no origin");
    check_pair("http_origins: [\"https://a/\"]\n", "is no origin");
    check_pair("http_origins: [\"https://A.b\"]\n", "is no origin");
    check_pair("http_origins: [ci.example.org]\n", "is no origin");
}

static void logs_lie_with_the_data_where_the_store_is_no_file(void)
{
    static const char *const stores[] = {"postgres://host/ci", "sqlite:/x/a.db", "mem:"};
    struct config_why why = {""};
    char *nothing[] = {NULL};
    for (size_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++) {
        struct config config;
        config_init(&config);
        CHECK_INT(config_set(&config, "data", "/d", "here", &why), 0);
        CHECK_INT(config_set(&config, "store", stores[i], "here", &why), 0);
        CHECK_INT(config_finish(&config, nothing, 0, &why), 0);
        CU_ASSERT_STRING_EQUAL(config.log_dir, i == 0 ? "/d/logs" : "");
        config_deinit(&config);
    }
}

static void the_data_goes_where_the_user_may_write(void)
{
    struct config config;
    struct config_why why = {""};
    char *state[] = {(char *)(uintptr_t) "HOME=/h", (char *)(uintptr_t) "XDG_STATE_HOME=/s", NULL};
    char *relative[] = {(char *)(uintptr_t) "HOME=/h", (char *)(uintptr_t) "XDG_STATE_HOME=s",
                        NULL};
    char *nothing[] = {NULL};
    if (access("/var/lib/arcentra", W_OK) == 0) {
        test_skip("this user may write to /var/lib/arcentra");
        return;
    }
    config_init(&config);
    CHECK_INT(config_finish(&config, state, 0, &why), 0);
    CU_ASSERT_STRING_EQUAL(config.data, "/s/arcentra");
    config_deinit(&config);
    config_init(&config);
    CHECK_INT(config_finish(&config, relative, 0, &why), 0);
    CU_ASSERT_STRING_EQUAL(config.data, "/h/.local/state/arcentra");
    config_deinit(&config);
    config_init(&config);
    CHECK_INT(config_finish(&config, nothing, 0, &why), -1);
    config_deinit(&config);
}

static void what_is_printed_is_a_file_that_says_the_same(void)
{
    struct config config, again;
    struct config_why why = {""};
    char *text = NULL, *second = NULL;
    size_t len = 0, second_len = 0;
    config_init(&config);
    config_init(&again);
    CHECK_INT(config_set(&config, "data", "/with \"quotes\" and \\", "here", &why), 0);
    CHECK_INT(config_set(&config, "http_origins", "https://a.b, https://c.d", "here", &why), 0);
    CHECK_INT(config_set(&config, "lease_ttl", "1500ms", "here", &why), 0);
    CHECK_INT(config_set(&config, "store", "mem:", "here", &why), 0);
    FILE *out = open_memstream(&text, &len);
    config_print(&config, out);
    (void)fclose(out);
    CHECK_INT(config_read_text(&again, text, len, "printed", &why), 0);
    CU_ASSERT_STRING_EQUAL(again.data, "/with \"quotes\" and \\");
    CHECK_INT(again.lease_ttl, 1500);
    CHECK_INT(again.http_origins.count, 2);
    out = open_memstream(&second, &second_len);
    config_print(&again, out);
    (void)fclose(out);
    CHECK(second_len > 0);
    free(text);
    free(second);
    config_deinit(&config);
    config_deinit(&again);
}

static const struct test tests[] = {
    {"defaults hold where nothing is said", defaults_hold_where_nothing_is_said},
    {"a file sets every kind of value", a_file_sets_every_kind_of_value},
    {"what is wrong in a file is named with its place",
     what_is_wrong_in_a_file_is_named_with_its_place},
    {"the environment wins over the file, and flags over both",
     the_environment_wins_over_the_file_and_flags_over_both},
    {"slips in the environment and in flags are named",
     slips_in_the_environment_and_in_flags_are_named},
    {"settings that do not fit together are refused",
     settings_that_do_not_fit_together_are_refused},
    {"logs lie with the data where the store is no file",
     logs_lie_with_the_data_where_the_store_is_no_file},
    {"the data goes where the user may write", the_data_goes_where_the_user_may_write},
    {"what is printed is a file that says the same", what_is_printed_is_a_file_that_says_the_same},
};
TEST_MAIN(tests)
