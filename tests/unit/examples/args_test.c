/* SPDX-License-Identifier: Apache-2.0 */
#include "common/args.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "shim.h"

struct values {
    const char *server;
    int loud;
    int64_t slots, grace;
    struct arg_list labels, rest;
};

static int parse(struct values *values, char *why, const char *const *words)
{
    const struct arg table[] = {
        {"server", 's', ARG_TEXT, "ARGS_TEST_SERVER", "HOST", "", &values->server, 0, 0},
        {"loud", 0, ARG_SWITCH, NULL, NULL, "", &values->loud, 0, 0},
        {"slots", 'j', ARG_NUMBER, "ARGS_TEST_SLOTS", "N", "", &values->slots, 1, 4096},
        {"grace", 0, ARG_DURATION, NULL, "TIME", "", &values->grace, 0, 0},
        {"label", 'l', ARG_LIST, "ARGS_TEST_LABELS", "K=V", "", &values->labels, 0, 0},
    };
    char *argv[16] = {NULL};
    int argc = 0;
    argv[argc++] = mem_copy("program");
    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = mem_copy(words[argc - 1]);
    int answer = args_parse(table, 5, argc, argv, &values->rest, why, 256);
    if (values->server != NULL)
        values->server = mem_copy(values->server);
    for (size_t i = 0; i < values->rest.count; i++)
        values->rest.items[i] = mem_copy(values->rest.items[i]);
    for (int i = 0; i < argc; i++)
        mem_free(argv[i]);
    return answer;
}

static void drop(struct values *values)
{
    union {
        const char *in;
        char *out;
    } cast = {values->server};
    mem_free(cast.out);
    for (size_t i = 0; i < values->rest.count; i++) {
        cast.in = values->rest.items[i];
        mem_free(cast.out);
    }
    arg_list_deinit(&values->rest);
    arg_list_deinit(&values->labels);
}

static void flags_fill_their_rows(void)
{
    struct values values = {0};
    char why[256] = "";
    const char *const words[] = {"--server=a:1", "-j",  "3",  "--loud", "first",
                                 "--grace",      "90s", "--", "-x",     NULL};
    CHECK_INT(parse(&values, why, words), 0);
    CHECK_TEXT(arc__slice_cstr(values.server), "a:1");
    CHECK_INT(values.slots, 3);
    CHECK_INT(values.loud, 1);
    CHECK_INT(values.grace, 90000000000);
    CHECK_INT(values.rest.count, 2);
    if (values.rest.count == 2)
        CHECK_TEXT(arc__slice_cstr(values.rest.items[1]), "-x");
    drop(&values);
}

static void variables_fill_what_no_flag_did(void)
{
    struct values values = {0};
    char why[256] = "";
    const char *const words[] = {"--slots", "7", NULL};
    setenv("ARGS_TEST_SERVER", "b:2", 1);
    setenv("ARGS_TEST_SLOTS", "9", 1);
    setenv("ARGS_TEST_LABELS", "os=linux,arch=amd64", 1);
    CHECK_INT(parse(&values, why, words), 0);
    CHECK_TEXT(arc__slice_cstr(values.server), "b:2");
    CHECK_INT(values.slots, 7);
    CHECK_INT(values.labels.count, 2);
    unsetenv("ARGS_TEST_SERVER");
    unsetenv("ARGS_TEST_SLOTS");
    unsetenv("ARGS_TEST_LABELS");
    drop(&values);
}

static void wrong_words_are_refused_by_name(void)
{
    static const struct {
        const char *words[3], *part;
    } rows[] = {
        {{"--servre", NULL}, "`--servre`"},     {{"--slots", "many", NULL}, "--slots"},
        {{"--slots", "0", NULL}, "from 1"},     {{"--slots", "4097", NULL}, "4096"},
        {{"--grace", "30", NULL}, "30s"},       {{"--server", NULL}, "needs a value"},
        {{"--loud=1", NULL}, "takes no value"}, {{"-q", NULL}, "`-q`"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct values values = {0};
        char why[256] = "";
        CHECK_INT(parse(&values, why, rows[i].words), ARGS_WRONG);
        CHECK(strstr(why, rows[i].part) != NULL);
        drop(&values);
    }
}

static void sizes_may_have_a_unit(void)
{
    struct values values = {0};
    char why[256] = "";
    const char *const words[] = {"--slots", "4K", NULL}, *const more[] = {"--slots", "5K", NULL};
    CHECK_INT(parse(&values, why, words), 0);
    CHECK_INT(values.slots, 4096);
    CHECK_INT(parse(&values, why, more), ARGS_WRONG);
    CHECK_INT(values.slots, 4096);
    drop(&values);
}

static void help_and_version_end_the_parsing(void)
{
    struct values values = {0};
    char why[256] = "";
    const char *const help[] = {"-h", NULL}, *const version[] = {"--version", NULL};
    CHECK_INT(parse(&values, why, help), ARGS_HELP);
    CHECK_INT(parse(&values, why, version), ARGS_VERSION);
    drop(&values);
}

static void a_secret_is_the_first_word_of_its_file(void)
{
    char path[] = "/tmp/args_test_XXXXXX", why[256] = "";
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, "art_1234\nrest\n", 14) == 14);
    char *secret = arg_read_secret(path, why, sizeof(why));
    CHECK_TEXT(arc__slice_cstr(secret != NULL ? secret : ""), "art_1234");
    mem_free(secret);
    CHECK(ftruncate(fd, 0) == 0);
    CHECK(arg_read_secret(path, why, sizeof(why)) == NULL);
    CHECK(strstr(why, "empty") != NULL);
    close(fd);
    unlink(path);
    CHECK(arg_read_secret(path, why, sizeof(why)) == NULL);
    CHECK(strstr(why, path) != NULL);
}

static void a_pair_is_cut_at_its_first_equals_sign(void)
{
    char *key = NULL;
    const char *value = "";
    CHECK(arg_split_pair("a=b=c", &key, &value));
    CHECK_TEXT(arc__slice_cstr(key), "a");
    CHECK_TEXT(arc__slice_cstr(value), "b=c");
    mem_free(key);
    CHECK(!arg_split_pair("=b", &key, &value));
    CHECK(!arg_split_pair("ab", &key, &value));
}

static const struct test tests[] = {
    {"flags fill their rows and leave the rest", flags_fill_their_rows},
    {"variables fill what no flag did", variables_fill_what_no_flag_did},
    {"a wrong flag is refused with a sentence that names it", wrong_words_are_refused_by_name},
    {"a size may have a unit and is still held to its bounds", sizes_may_have_a_unit},
    {"help and version are known without a row", help_and_version_end_the_parsing},
    {"a secret is the first word of its file", a_secret_is_the_first_word_of_its_file},
    {"a pair is cut at its first equals sign", a_pair_is_cut_at_its_first_equals_sign},
};
TEST_MAIN(tests)
