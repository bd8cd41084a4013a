/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/assist.h"

#include <stdio.h>
#include <stdlib.h>

#include "shim.h"

#define ROOM ((size_t)1 << 24)

typedef arc_status question(const struct arc_assist_at *at, const struct arc_mem *mem,
                            struct arc_buf *out, arc_err *err);

static question *const questions[] = {arc__assist_complete, arc__assist_hover, arc__assist_define,
                                      arc__assist_symbols};

struct asked {
    struct arc_mem mem;
    struct arc_buf text, out;
    struct arc_assist_at at;
};

/* A text with one `~` in it, which is the place that is asked about. */
static void asked_init(struct asked *asked, const char *marked)
{
    const char *mark = strchr(marked, '~');
    *asked = (struct asked){.mem = arc__mem_default()};
    arc__buf_init(&asked->text, &asked->mem, ROOM);
    arc__buf_init(&asked->out, &asked->mem, ROOM);
    asked->at.line = asked->at.column = 1;
    for (const char *c = marked; c < mark; c++) {
        asked->at.line += *c == '\n';
        asked->at.column = *c == '\n' ? 1 : asked->at.column + (((unsigned char)*c & 0xc0) != 0x80);
    }
    arc__buf_add(&asked->text, marked, (size_t)(mark - marked));
    arc__buf_add_cstr(&asked->text, mark + 1);
    asked->at.text = arc__buf_slice(&asked->text);
    asked->at.json = marked[0] == '{';
}

static void asked_deinit(struct asked *asked)
{
    arc__buf_deinit(&asked->text);
    arc__buf_deinit(&asked->out);
}

static int holds(const struct asked *asked, const char *part)
{
    arc_slice out = arc__buf_slice(&asked->out);
    return memmem(out.ptr, out.len, part, strlen(part)) != NULL;
}

static void ask(struct asked *asked, question *call, const char *marked)
{
    arc_err err = ARC_ERR_INIT;
    asked_init(asked, marked);
    CHECK_OK(call(&asked->at, &asked->mem, &asked->out, &err));
}

/* Whether completion offers `yes` and does not offer `no`; NULL: nothing to look for. */
static void offers(const char *marked, const char *yes, const char *no)
{
    struct asked asked;
    char label[128];
    ask(&asked, arc__assist_complete, marked);
    (void)snprintf(label, sizeof(label), "\"label\":\"%s\"", yes != NULL ? yes : "");
    if (yes != NULL && !holds(&asked, label)) {
        printf("# %s lacks %s in:\n%s\n", arc__buf_slice(&asked.out).ptr, label, marked);
        CHECK(0);
    }
    (void)snprintf(label, sizeof(label), "\"label\":\"%s\"", no != NULL ? no : "");
    CHECK(no == NULL || !holds(&asked, label));
    asked_deinit(&asked);
}

static void says(question *call, const char *marked, const char *want)
{
    struct asked asked;
    ask(&asked, call, marked);
    if (!holds(&asked, want)) {
        printf("# %.*s lacks %s\n", (int)asked.out.len, asked.out.ptr, want);
        CHECK(0);
    }
    asked_deinit(&asked);
}

#define JOBS "jobs:\n- name: a\n  steps:\n  - name: s\n    run: x\n"

static void keys_are_those_of_the_object_and_not_there_yet(void)
{
    offers("~", "namespace", "steps");
    offers("namespace: d\n~", "jobs", "namespace");
    offers("namespace: d\n" JOBS "  ~", "timeout", "steps");
    offers("namespace: d\n" JOBS "    ~", "timeout", "dependsOn");
    offers("namespace: d\n" JOBS "- ~", "dependsOn", "uses");
    offers("namespace: d\njobs:\n- name: a\n  retry:\n    ~", "maxAttempts", "steps");
    offers("namespace: d\njobs:\n- name: a\n  retry: {~}", "backoff", "steps");
    offers("namespace: d\njobs:\n- {name: a, steps: [{name: s, ~", "uses", "dependsOn");
    offers("namespace: d\njobs:\n- name: a\n  env:\n    ~", NULL, "run");
    offers("namespace: d\nmeta:\n  ~", NULL, "jobs");
}

static void a_list_begins_its_items_with_a_dash(void)
{
    says(arc__assist_complete, "namespace: d\njobs:\n  ~", "\"insert\":\"- name: \"");
    says(arc__assist_complete, "namespace: d\njobs:\n- ~", "\"insert\":\"name: \"");
    says(arc__assist_complete, "{\"namespace\": \"d\", ~}", "\"insert\":\"\\\"jobs\\\": \"");
    says(arc__assist_complete, "{\"namespace\": \"d\", \"jo~\"}", "\"insert\":\"jobs\"");
}

static void values_are_words_truths_durations_and_jobs(void)
{
    offers("namespace: d\njobs:\n- name: a\n  retry: {backoff: ~}", "exponential", NULL);
    offers("namespace: d\njobs:\n- name: a\n  retry:\n    on: [~]", "lost", NULL);
    offers("namespace: d\njobs:\n- name: a\n  runOnAgent: ~", "true", NULL);
    offers("namespace: d\ntimeout: ~", "30m", NULL);
    offers("namespace: d\n" JOBS "- name: b\n  dependsOn: [~]", "a", "b");
    offers("namespace: d\n" JOBS "- name: b\n  dependsOn:\n  - ~", "a", "b");
    offers("namespace: d\n" JOBS "- name: b\n  needs: [~\n  timeout: 5m\n", "a", "b");
}

static void expressions_know_what_the_definition_declares(void)
{
    offers("namespace: d\nvariables: {deploy: no}\n" JOBS "  when: ~", "deploy", NULL);
    offers("namespace: d\nvariables:\n  deploy: no\n" JOBS "  when: variables.~", "deploy", "len");
    offers("namespace: d\n" JOBS "    env: {A: \"${{ st~", "startsWith", NULL);
    offers("namespace: d\n" JOBS "- name: b\n  when: needs.~", "a", "result");
    offers("namespace: d\n" JOBS "- name: b\n  when: needs.a.~", "result", "status");
    offers("namespace: d\n" JOBS "  - name: t\n    when: steps.~", "s", "t");
    offers("namespace: d\n" JOBS "  - name: t\n    when: steps.s.~", "exitCode", "result");
    offers("namespace: d\njobs:\n- name: a\n  matrix: {os: [x]}\n  when: matrix.~", "os", NULL);
    offers("namespace: d\n" JOBS "    env: {A: \"${{ trigger.ref }} ~\"}", NULL, "startsWith");
}

static void hovering_shows_what_the_tables_say(void)
{
    says(arc__assist_hover, "namespace: d\njobs:\n- name: a\n  depends_on~: [b]\n",
         "**dependsOn**");
    says(arc__assist_hover, "namespace: d\njobs:\n- name: a\n  when: le~n(x) > 1\n", "len(");
    says(arc__assist_hover, "namespace: d\njobs:\n- name: a\n  when: trigger.re~f == x\n",
         "trigger.ref");
    says(arc__assist_hover, "namespace: d\nx-mine~: 1\n", "null");
    says(arc__assist_hover, "{\"names~pace\": \"d\"}", "**namespace**");
}

static void names_lead_to_where_they_are_made(void)
{
    says(arc__assist_define, "namespace: d\n" JOBS "- name: b\n  dependsOn: [~a]\n",
         "\"line\":3,\"column\":9");
    says(arc__assist_define, "namespace: d\n" JOBS "- name: b\n  dependsOn:\n  - a~\n",
         "\"line\":3,\"column\":9");
    says(arc__assist_define, "namespace: d\nvariables:\n  é: 1\n  x: 2\n" JOBS "  when: x~ == 1\n",
         "\"line\":4,\"column\":3");
    says(arc__assist_define, "namespace: d\n" JOBS "  - {name: t, when: steps.s~.exitCode == 0}\n",
         "\"line\":5,\"column\":11");
    says(arc__assist_define, "namespace: d\n" JOBS "- name: b\n  dependsOn: [c~]\n", "null");
}

static void stages_jobs_and_steps_are_symbols(void)
{
    says(arc__assist_symbols,
         "~namespace: d\nstages:\n- name: one\n  jobs:\n  - name: a\n    steps: [{name: s}]\n"
         "- name: two\n  jobs: []\n",
         "\"name\":\"s\",\"kind\":\"step\"");
    says(arc__assist_symbols, "~namespace: d\nstages:\n- name: one\n- name: two\n",
         "\"name\":\"two\",\"kind\":\"stage\"");
}

/* Every text of the golden folders, cut and asked at many places: nothing is read past its end, and
 * what comes out is JSON's outside at least. */
static void any_text_may_be_asked_about_anywhere(void)
{
    static const char *const texts[] = {
        "namespace: [{a: {b: [\"${{ x",
        "- - - - a: [",
        "a: |\n  b\n c: {",
        "{\"a\": [{\"b\": \"",
        "? a\n: b\n",
        "\xef\xbb\xbfnamespace: d",
        "a:\r\n- b\r- c: 'x\n\t- d",
        "{{{{{{[[[[]}",
        "'",
        "jobs: *x\n<<: &y {",
        "#",
        "a: \"\\",
        "${{",
        "when: ${{ needs..x. }}",
        "\n\n\n",
        "",
    };
    struct arc_mem mem = arc__mem_default();
    for (size_t i = 0; i < ARC_COUNT_OF(texts); i++) {
        size_t len = strlen(texts[i]);
        for (size_t cut = 0; cut <= len; cut++) {
            char *copy = malloc(cut + 1); /* of just this size, so that a sanitizer sees its end */
            memcpy(copy, texts[i], cut);
            for (uint32_t place = 0; place < 4 * (cut + 2); place++) {
                struct arc_assist_at at = {arc__slice(copy, cut), copy[0] == '{' && cut > 0,
                                           1 + place % 3, 1 + place / 4};
                struct arc_buf out;
                arc_err err = ARC_ERR_INIT;
                arc__buf_init(&out, &mem, ROOM);
                CHECK_OK(questions[place % 4](&at, &mem, &out, &err));
                CHECK(out.len > 0);
                arc__buf_deinit(&out);
            }
            free(copy);
        }
    }
}

static int one_life(struct test_mem *state)
{
    struct asked asked;
    int fine = 1;
    asked_init(&asked, "namespace: d\nvariables: {x: y}\n" JOBS
                       "- name: b\n  dependsOn: [a]\n  when: ~needs.a.result == x\n");
    for (size_t i = 0; i < ARC_COUNT_OF(questions); i++) {
        struct arc_mem mem = test_mem(state);
        struct arc_buf out;
        arc_err err = ARC_ERR_INIT;
        arc__buf_init(&out, &mem, ROOM);
        arc_status status = questions[i](&asked.at, &mem, &out, &err);
        CHECK(status == ARC_OK || status == ARC_ENOMEM);
        fine = fine && status == ARC_OK;
        arc__buf_deinit(&out);
    }
    asked_deinit(&asked);
    return fine;
}

static void help_survives_without_memory(void)
{
    test_torture(one_life, 0, 2000);
    test_torture(one_life, 1, 2000);
}

static void a_text_has_a_bound_of_entries(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_outline outline;
    struct arc_buf text;
    arc__buf_init(&text, &mem, ROOM);
    for (uint32_t i = 0; i <= ARC_OUTLINE_ENTRIES; i++)
        arc__buf_add_cstr(&text, "a: b\n");
    arc__outline_init(&outline, &mem, arc__buf_slice(&text), 0);
    CHECK_INT(outline.count, ARC_OUTLINE_ENTRIES);
    CHECK(outline.failed);
    arc__outline_deinit(&outline);
    arc__buf_clear(&text);
    for (uint32_t i = 0; i < 4 * ARC_OUTLINE_DEPTH; i++)
        arc__buf_add_cstr(&text, "{\"a\": [");
    arc__outline_init(&outline, &mem, arc__buf_slice(&text), 1);
    CHECK(outline.count > 0 && outline.count <= ARC_OUTLINE_DEPTH);
    arc__outline_deinit(&outline);
    arc__buf_deinit(&text);
}

static const struct test tests[] = {
    {"offered keys are those of the object, and not there yet",
     keys_are_those_of_the_object_and_not_there_yet},
    {"what is inserted fits lists and JSON", a_list_begins_its_items_with_a_dash},
    {"offered values are words, truths, durations and jobs",
     values_are_words_truths_durations_and_jobs},
    {"expressions are offered what the definition declares",
     expressions_know_what_the_definition_declares},
    {"hovering shows what the tables say", hovering_shows_what_the_tables_say},
    {"names lead to where they are made", names_lead_to_where_they_are_made},
    {"stages, jobs and steps are symbols", stages_jobs_and_steps_are_symbols},
    {"any text may be asked about anywhere", any_text_may_be_asked_about_anywhere},
    {"help for editors survives without memory", help_survives_without_memory},
    {"an outline has a bound of entries and of depth", a_text_has_a_bound_of_entries},
};

TEST_MAIN(tests)
