/* SPDX-License-Identifier: Apache-2.0 */
#include "common/outputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/text.h"
#include "shim.h"

/* What a file of these bytes says: name=value; … and then what is wrong with it. */
static void check(const char *bytes, size_t len, int fine, const char *want)
{
    char path[] = "/tmp/arcentra-outputs-XXXXXX", why[256] = "";
    int fd = mkstemp(path);
    struct outputs outputs;
    struct text seen = {NULL, 0, 0};
    CHECK(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    close(fd);
    CHECK_INT(outputs_read(path, &outputs, why, sizeof(why)), fine);
    for (size_t i = 0; i < outputs.count; i++)
        text_printf(&seen, "%s=%s;", outputs.names[i], outputs.values[i]);
    text_put(&seen, why);
    CHECK_TEXT(arc__slice_cstr(text_get(&seen)), want);
    text_deinit(&seen);
    outputs_deinit(&outputs);
    unlink(path);
}

static void check_text(const char *text, int fine, const char *want)
{
    check(text, strlen(text), fine, want);
}

static void a_line_is_a_name_and_a_value(void)
{
    check_text("", 1, "");
    check_text("version=1.2\n\ndigest=sha256:ab=cd\r\nempty=\nlast-one=x y", 1,
               "version=1.2;digest=sha256:ab=cd;empty=;last-one=x y;");
}

static void the_last_value_of_a_name_counts(void)
{
    check_text("a=1\nb=2\na=3\n", 1, "a=3;b=2;");
}

static void several_lines_stand_up_to_their_word(void)
{
    check_text("notes<<END\nfirst = 1\n\nEND of it\nEND\nnext=1<<2\n", 1,
               "notes=first = 1\n\nEND of it;next=1<<2;");
    check_text("none<<E\nE\n", 1, "none=;");
    check_text("notes<<END\nfirst\n", 0,
               "The output of line 1 of the step's outputs has no end: a line `END` is missing.");
}

static void a_line_that_is_no_output_is_named(void)
{
    check_text("a=1\nhello\n", 0, "a=1;Line 2 of the step's outputs is not `name=value`: `hello`.");
    check_text("=1\n", 0, "Line 1 of the step's outputs is not `name=value`: `=1`.");
    check_text("my name=1\n", 0,
               "Line 1 of the step's outputs: `my name` is no name; letters, digits, `_` and `-` "
               "are, at most 64.");
    check_text("1st=1\n", 0,
               "Line 1 of the step's outputs: `1st` is no name; letters, digits, `_` and `-` are, "
               "at most 64.");
}

static void a_nul_and_a_flood_of_outputs_are_refused(void)
{
    check("a=1\0b=2\n", 8, 0, "The outputs of the step hold a NUL character.");
    char *large = mem_new(OUTPUTS_BYTES_MAX + 1);
    memset(large, 'x', OUTPUTS_BYTES_MAX + 1);
    large[1] = '=';
    check(large, OUTPUTS_BYTES_MAX + 1, 0, "The outputs of the step have more than 65536 bytes.");
    mem_free(large);
}

static void no_file_is_no_output(void)
{
    struct outputs outputs;
    char why[256] = "";
    CHECK_INT(outputs_read("/nowhere/at/all", &outputs, why, sizeof(why)), 1);
    CHECK_INT(outputs.count, 0);
    outputs_deinit(&outputs);
}

/* A step might put a pipe there to hold the program up, or a link to read what is not its own. */
static void only_a_regular_file_is_read_for_outputs(void)
{
    struct outputs outputs;
    char top[] = "/tmp/arcentra-outputs-XXXXXX", why[256] = "";
    CHECK(mkdtemp(top) != NULL);
    char *path = outputs_path(top);
    CHECK_INT(mkfifo(path, 0600), 0);
    CHECK_INT(outputs_read(path, &outputs, why, sizeof(why)), 0);
    CHECK_TEXT(arc__slice_cstr(why), "The file of ARCENTRA_OUTPUT is no regular file any more.");
    outputs_deinit(&outputs);
    unlink(path);
    CHECK_INT(symlink("/etc/passwd", path), 0);
    CHECK_INT(outputs_read(path, &outputs, why, sizeof(why)), 0);
    outputs_deinit(&outputs);
    unlink(path);
    rmdir(top);
    mem_free(path);
}

static const struct test tests[] = {
    {"a line is a name and a value", a_line_is_a_name_and_a_value},
    {"the last value of a name counts", the_last_value_of_a_name_counts},
    {"an output of several lines stands up to its word", several_lines_stand_up_to_their_word},
    {"a line that is no output is named", a_line_that_is_no_output_is_named},
    {"a NUL and a flood of outputs are refused", a_nul_and_a_flood_of_outputs_are_refused},
    {"a step that wrote no outputs has none", no_file_is_no_output},
    {"only a regular file is read for outputs", only_a_regular_file_is_read_for_outputs},
};
TEST_MAIN(tests)
