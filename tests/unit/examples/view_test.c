/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/view.h"

#include <arcentra/states.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/draw.h"
#include "common/duration.h"
#include "common/json.h"
#include "shim.h"

/* A view that prints into memory: no terminal, so plain lines. */
struct screen {
    struct view view;
    FILE *file;
    char *text;
    size_t len;
};

static void open_screen(struct screen *screen, int json)
{
    /* A memory stream has no descriptor to ask; a file without a name is a terminal as little. */
    *screen = (struct screen){.file = tmpfile()};
    view_init(&screen->view, screen->file, json, "demo", "run-1");
}

static const char *read_screen(struct screen *screen)
{
    fflush(screen->file);
    screen->len = (size_t)ftell(screen->file);
    screen->text = realloc(screen->text, screen->len + 1);
    rewind(screen->file);
    size_t got = fread(screen->text, 1, screen->len, screen->file);
    screen->text[got] = '\0';
    fseek(screen->file, 0, SEEK_END);
    return screen->text;
}

static void close_screen(struct screen *screen)
{
    view_deinit(&screen->view);
    fclose(screen->file);
    free(screen->text);
}

static void play(struct view *view)
{
    const struct view_change running = {
        .state = ARC_STEP_RUNNING, .start_ns = NS_PER_S, .id = "sr-1"};
    const struct view_change failed = {
        .state = ARC_STEP_FAILED, .end_ns = 3 * NS_PER_S, .exit_code = 3, .reason = "Exit code 3."};
    const struct view_change job = {
        .state = ARC_JOB_FAILED, .start_ns = NS_PER_S, .end_ns = 3 * NS_PER_S};
    const struct view_change run = {.state = ARC_RUN_FAILED,
                                    .start_ns = NS_PER_S,
                                    .end_ns = 3 * NS_PER_S,
                                    .reason = "Job build failed."};
    view_step(view_job(view, "build"), "compile");
    view_step(view_job(view, "later"), "wait");
    view_change_step(view, "build", "compile", &running);
    view_change_step(view, "build", "compile", &running);
    view_log(view, "build", "compile", "stderr", 7, "oh\tno", 5);
    view_change_step(view, "build", "compile", &failed);
    view_change_job(view, "build", &job);
    view_change_run(view, &run);
}

static void plain_lines_say_each_change_once(void)
{
    struct screen screen;
    open_screen(&screen, 0);
    CHECK_INT(screen.view.mode, VIEW_PLAIN);
    play(&screen.view);
    view_draw(&screen.view, 0);
    CHECK_TEXT(arc__slice_cstr(read_screen(&screen)),
               "build/compile: running\n"
               "build/compile | oh\tno\n"
               "build/compile: failed in 2.00s: Exit code 3.\n"
               "build: failed in 2.00s\n");
    close_screen(&screen);
}

static void the_table_shows_every_job_and_step(void)
{
    struct screen screen;
    open_screen(&screen, 0);
    screen.view.quiet = 1;
    play(&screen.view);
    text_clear(&screen.view.pending);
    view_end(&screen.view, 9 * NS_PER_S);
    CHECK_TEXT(arc__slice_cstr(read_screen(&screen)),
               "\n"
               "JOB    STEP     RESULT   TIME   WHY\n"
               "build           failed   2.00s\n"
               "       compile  failed   2.00s  Exit code 3.\n"
               "later           pending\n"
               "       wait     pending\n"
               "\n"
               "demo: failed in 2.00s: Job build failed.\n");
    close_screen(&screen);
}

static void json_is_one_object_a_line(void)
{
    struct screen screen;
    size_t lines = 0, logs = 0, ends = 0;
    open_screen(&screen, 1);
    play(&screen.view);
    view_end(&screen.view, 9 * NS_PER_S);
    const char *at = read_screen(&screen);
    while (*at != '\0') {
        size_t len = strcspn(at, "\n");
        const json_node *object = json_parse(at, len, NULL, 0);
        CHECK(object != NULL);
        CHECK_TEXT(arc__slice_cstr(json_get_text(object, "runId")), "run-1");
        if (strcmp(json_get_text(object, "type"), "log") == 0) {
            logs++;
            CHECK_TEXT(arc__slice_cstr(json_get_text(object, "text")), "oh\tno");
            CHECK_INT(json_get_int(object, "line"), 7);
        }
        if (strcmp(json_get_text(object, "type"), "end") == 0) {
            ends++;
            CHECK_INT(json_count(json_get(object, "jobs")), 2);
        }
        json_free(object);
        lines++;
        at += len + 1;
    }
    CHECK_INT(lines, 6);
    CHECK_INT(logs, 1);
    CHECK_INT(ends, 1);
    close_screen(&screen);
}

static void a_further_attempt_begins_its_time_anew(void)
{
    struct screen screen;
    const struct view_change again = {
        .state = ARC_STEP_RUNNING, .attempt = 2, .start_ns = 5 * NS_PER_S};
    open_screen(&screen, 0);
    play(&screen.view);
    view_change_step(&screen.view, "build", "compile", &again);
    const struct view_step *step = view_step(view_job(&screen.view, "build"), "compile");
    CHECK_INT(step->start_ns, 5 * NS_PER_S);
    CHECK_INT(step->end_ns, 0);
    CHECK_INT(step->attempt, 2);
    close_screen(&screen);
}

static void what_moves_a_terminal_is_taken_out(void)
{
    static const struct {
        const char *bytes, *shown;
    } rows[] = {{"plain\ttext", "plain\ttext"},
                {"\033[31mred\033[0m", "red"},
                {"\033]0;title\aafter", "after"},
                {"\033]0;title\033\\after", "after"},
                {"10%\r20%\r30%\r", "30%"},
                {"a\b\x7F\x01z", "az"},
                {"\xC3\xA4\xC2\x9B"
                 "31m",
                 "\xC3\xA4"
                 "31m"},
                {"end\033", "end"},
                {"end\033[12", "end"}};
    struct term term = {.live = 1};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct text text = {NULL, 0, 0};
        term_put_safe(&term, &text, rows[i].bytes, strlen(rows[i].bytes));
        CHECK_TEXT(arc__slice_cstr(text_get(&text)), rows[i].shown);
        text_deinit(&text);
    }
    term.live = 0;
    struct text text = {NULL, 0, 0};
    term_put_safe(&term, &text, "\033[31m", 5);
    CHECK_INT(text.len, 5);
    text_deinit(&text);
}

static void texts_are_cut_between_characters(void)
{
    struct text text = {NULL, 0, 0};
    text_put(&text, "\xC3\xA4\xE2\x82\xACz");
    CHECK_INT(term_width(text.ptr), 3);
    term_cut(&text, 2);
    CHECK_TEXT(arc__slice_cstr(text.ptr), "\xC3\xA4\xE2\x82\xAC");
    term_cut(&text, 9);
    CHECK_INT(text.len, 5);
    text_deinit(&text);
}

static const struct test tests[] = {
    {"plain lines say each change once", plain_lines_say_each_change_once},
    {"the table shows every job and step", the_table_shows_every_job_and_step},
    {"JSON is one object a line", json_is_one_object_a_line},
    {"a further attempt begins its time anew", a_further_attempt_begins_its_time_anew},
    {"what moves a terminal is taken out of a log", what_moves_a_terminal_is_taken_out},
    {"texts are cut between characters", texts_are_cut_between_characters},
};
TEST_MAIN(tests)
