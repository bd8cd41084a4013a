/* SPDX-License-Identifier: Apache-2.0 */
#include "common/templates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/tree.h"
#include "shim.h"

/* top/{ci/main.yaml, ci/go.yaml, ci/sub/deep.yml, lib/base.json, secret.yaml} and links. */
static char top[] = "/tmp/templates_test_XXXXXX";

static const char *under(char *buf, const char *name)
{
    snprintf(buf, 512, "%s/%s", top, name);
    return buf;
}

static void put(const char *name, const char *text)
{
    char path[512];
    CHECK_INT(tree_write(under(path, name), text, strlen(text), 0), 0);
}

static void set_up(void)
{
    char path[512], to[512];
    snprintf(top, sizeof(top), "/tmp/templates_test_XXXXXX");
    CHECK(mkdtemp(top) != NULL);
    CHECK_INT(tree_make(under(path, "ci/sub")), 0);
    CHECK_INT(tree_make(under(path, "lib")), 0);
    put("ci/main.yaml", "main");
    put("ci/go.yaml", "go");
    put("ci/sub/deep.yml", "deep");
    put("ci/sub/go.yaml", "another go");
    put("lib/base.json", "base");
    put("secret.yaml", "secret");
    CHECK_INT(symlink(under(to, "secret.yaml"), under(path, "ci/link.yaml")), 0);
    CHECK_INT(symlink("go.yaml", under(path, "ci/same.yaml")), 0);
    CHECK_INT(mkfifo(under(path, "ci/pipe.yaml"), 0600), 0);
}

struct asked {
    arc_status status;
    char text[64], file[600];
    arc_err err;
};

static struct asked ask(const char *name, const char *from, const struct arg_list *dirs,
                        const char *version)
{
    struct asked asked = {.err = ARC_ERR_INIT};
    char main_path[512], from_path[512];
    struct templates templates = {dirs, under(main_path, "ci/main.yaml")};
    arc_include_view view = ARC_INCLUDE_VIEW_INIT;
    arc_include_text text = ARC_INCLUDE_TEXT_INIT;
    view.template_name = name;
    view.version = version;
    view.library = "";
    view.from_file = under(from_path, from);
    asked.status = templates_find(&templates, &view, &text, &asked.err);
    if (asked.status == ARC_OK) {
        snprintf(asked.text, sizeof(asked.text), "%.*s", (int)text.len, text.text);
        snprintf(asked.file, sizeof(asked.file), "%s", text.file);
        text.free_fn(text.owner);
    }
    return asked;
}

static void templates_are_found_beside_the_definition(void)
{
    static const struct {
        const char *name, *from, *text;
    } rows[] = {{"./go.yaml", "ci/main.yaml", "go"},  {"go.yaml", "ci/main.yaml", "go"},
                {"go", "ci/main.yaml", "go"},         {"sub/deep", "ci/main.yaml", "deep"},
                {"./deep", "ci/sub/go.yaml", "deep"}, {"./go", "ci/sub/deep.yml", "another go"},
                {"go", "ci/sub/deep.yml", "go"},      {"../go", "ci/sub/deep.yml", "go"},
                {"same", "ci/main.yaml", "go"},       {"sub/../go", "ci/main.yaml", "go"}};
    char path[512];
    set_up();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct asked asked = ask(rows[i].name, rows[i].from, NULL, "");
        CHECK_OK(asked.status);
        CHECK_TEXT(arc__slice_cstr(asked.text), rows[i].text);
    }
    struct asked one = ask("./go", "ci/main.yaml", NULL, "");
    struct asked two = ask("sub/../same", "ci/main.yaml", NULL, "");
    CHECK_TEXT(arc__slice_cstr(one.file), two.file);
    CHECK_TEXT(arc__slice_cstr(one.file), under(path, "ci/go.yaml"));
    CHECK_INT(tree_remove(top), 0);
}

static void files_outside_of_the_directories_are_not_read(void)
{
    static const char *const names[] = {"../secret.yaml", "./../secret", "sub/../../secret",
                                        "link.yaml", "./link"};
    char path[512];
    set_up();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct asked asked = ask(names[i], "ci/main.yaml", NULL, "");
        CHECK_STATUS(asked.status, ARC_EDENIED);
        CHECK(strstr(asked.err.message, "outside of `") != NULL);
    }
    CHECK_STATUS(ask("/etc/passwd", "ci/main.yaml", NULL, "").status, ARC_EDENIED);
    CHECK_OK(ask(under(path, "ci/go.yaml"), "ci/main.yaml", NULL, "").status);
    CHECK_INT(tree_remove(top), 0);
}

static void what_is_no_file_is_not_found(void)
{
    static const char *const names[] = {"none", "./none.yaml", "sub", "pipe.yaml", "go.yaml/x"};
    set_up();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        CHECK_STATUS(ask(names[i], "ci/main.yaml", NULL, "").status, ARC_ENOTFOUND);
    CHECK_STATUS(ask("go", "ci/main.yaml", NULL, "v1").status, ARC_EUNIMPLEMENTED);
    CHECK_INT(tree_remove(top), 0);
}

static void directories_are_looked_through_in_order(void)
{
    struct arg_list dirs = {NULL, 0, NULL};
    char lib[512], sub[512], ci[512];
    set_up();
    arg_list_add(&dirs, under(lib, "lib"));
    CHECK_TEXT(arc__slice_cstr(ask("base", "ci/main.yaml", &dirs, "").text), "base");
    CHECK_STATUS(ask("go", "ci/main.yaml", &dirs, "").status, ARC_ENOTFOUND);
    CHECK_STATUS(ask("./go", "ci/main.yaml", &dirs, "").status, ARC_EDENIED);
    arg_list_add(&dirs, under(sub, "ci/sub"));
    arg_list_add(&dirs, under(ci, "ci"));
    CHECK_TEXT(arc__slice_cstr(ask("go", "ci/main.yaml", &dirs, "").text), "another go");
    CHECK_TEXT(arc__slice_cstr(ask("./go", "ci/main.yaml", &dirs, "").text), "go");
    arg_list_deinit(&dirs);
    CHECK_INT(tree_remove(top), 0);
}

static const struct test tests[] = {
    {"templates are found beside the definition", templates_are_found_beside_the_definition},
    {"files outside of the directories are not read",
     files_outside_of_the_directories_are_not_read},
    {"what is no file is not found as a template", what_is_no_file_is_not_found},
    {"directories are looked through in order", directories_are_looked_through_in_order},
};
TEST_MAIN(tests)
