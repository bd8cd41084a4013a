/* SPDX-License-Identifier: Apache-2.0 */
/* docs/EXPRESSIONS.md: what stands between its markers is what the tables say, and its examples
 * come to what it says. `expr_docs_test --write` writes the tables. */
#include "core/expr_private.h"
#include "expr_trial.h"
#include "page.h"

#define NAME "EXPRESSIONS.md"

static int writing;

/* --- the tables --------------------------------------------------------------------------- */

/* A | of code inside of a table. */
static void add_code(struct arc_buf *out, const char *text)
{
    arc__buf_add_char(out, '`');
    for (; *text != '\0'; text++) {
        if (*text == '|')
            arc__buf_add_char(out, '\\');
        arc__buf_add_char(out, *text);
    }
    arc__buf_add_char(out, '`');
}

static void add_operators(struct arc_buf *out)
{
    arc__buf_add_cstr(out, "\n| group | operator | |\n| --- | --- | --- |\n");
    for (int i = 0; i < ARC_OPERATOR_COUNT; i++) {
        const struct arc_operator_row *row = arc__operator((enum arc_operator)i);
        arc__buf_printf(out, "| %u | ", row->binds);
        if (row->sign[0] != '\0')
            add_code(out, row->sign);
        if (row->word[0] != '\0') {
            arc__buf_add_char(out, ' ');
            add_code(out, row->word);
            if (i >= ARC_OPERATOR_IN)
                arc__buf_printf(out, " `not %s`", row->word);
        }
        arc__buf_printf(out, " | %s |\n", row->sentence);
    }
}

static const char *type_word(enum arc_type_kind kind)
{
    static const char *const words[] = {"any",  "null", "bool",         "int",      "float", "text",
                                        "list", "map",  "map of texts", "duration", "time"};
    return words[kind];
}

static void add_contexts(struct arc_buf *out)
{
    static const char *const levels[] = {"everywhere", "stages", "jobs and steps", "steps"};
    size_t count = 0;
    const struct arc_context_member *members = arc__context_members(&count);
    arc__buf_add_cstr(out,
                      "\n| name | type | where | known | |\n| --- | --- | --- | --- | --- |\n");
    for (int i = 0; i < ARC_CONTEXT_COUNT; i++) {
        const struct arc_context_row *row = arc__context((enum arc_context)i);
        arc__buf_printf(out, "| `%s` | map | %s | %s | %s |\n", row->name, levels[row->level],
                        row->known_to_plan ? "when planned" : "while it runs", row->sentence);
        for (size_t m = 0; m < count; m++) {
            if (members[m].context == (enum arc_context)i)
                arc__buf_printf(out, "| `%s%s.%s` | %s | | | %s |\n", row->name,
                                row->shape == ARC_SHAPE_DECLARED ? ".NAME" : "", members[m].name,
                                type_word(members[m].type), members[m].sentence);
        }
    }
}

static void add_functions(struct arc_buf *out)
{
    size_t count = 0;
    const struct arc_function *functions = arc__functions(&count);
    arc__buf_add_cstr(out, "\n| function | |\n| --- | --- |\n");
    for (size_t i = 0; i < count; i++)
        arc__buf_printf(out, "| `%s` | %s |\n", functions[i].signature, functions[i].sentence);
}

static void add_limits(struct arc_buf *out)
{
    page_add_limits(out);
/* clang-format off */
#define LIMIT(field, default_value, cap, unit, sentence) \
    PAGE_ADD_LIMIT(out, #field, default_value, cap, unit, sentence);
#include "core/limits.def"
    /* clang-format on */
}

static void the_page_of_expressions_shows_the_tables(void)
{
    struct trial trial;
    CHECK(trial_init(&trial, NULL));
    struct arc_arena *arena = &trial.arena;
    arc_slice page = page_read(NAME, arena);
    page = page_fill(page, "operators", add_operators, arena);
    page = page_fill(page, "contexts", add_contexts, arena);
    page = page_fill(page, "functions", add_functions, arena);
    page = page_fill(page, "limits", add_limits, arena);
    page_compare(NAME, page, writing, arena);
    trial_deinit(&trial);
}

/* --- the examples ------------------------------------------------------------------------- */

/* The text between the first two backticks of line, which becomes what follows. */
static int quoted(arc_slice *line, arc_slice *out)
{
    const char *from = memchr(line->ptr, '`', line->len);
    size_t at = from != NULL ? (size_t)(from - line->ptr) + 1 : line->len;
    const char *to = at < line->len ? memchr(line->ptr + at, '`', line->len - at) : NULL;
    if (to == NULL)
        return 0;
    *out = arc__slice(line->ptr + at, (size_t)(to - line->ptr) - at);
    *line = arc__slice_from(*line, (size_t)(to - line->ptr) + 1);
    return 1;
}

static void the_examples_of_the_page_come_to_what_it_says(void)
{
    static const char begin[] = "<!-- examples -->";
    struct trial trial;
    int examples = 0;
    CHECK(trial_init(&trial, NULL));
    arc_slice page = page_read(NAME, &trial.arena), line, expression, value;
    const char *from = memmem(page.ptr, page.len, begin, strlen(begin));
    arc_slice left = from != NULL ? arc__slice_from(page, (size_t)(from - page.ptr)) : ARC_NONE;
    while (left.len > 0) {
        line = arc__slice_cut(left, '\n', &left);
        if (!quoted(&line, &expression) || !quoted(&line, &value))
            continue;
        char *text = arc__arena_strdup(&trial.arena, expression);
        char *want = arc__arena_strdup(&trial.arena, value);
        CHECK_TEXT(trial_eval(&trial, text), want);
        examples++;
    }
    CHECK(examples > 10);
    trial_deinit(&trial);
}

static const struct test tests[] = {
    {"the page of expressions shows the tables", the_page_of_expressions_shows_the_tables},
    {"the examples of the page come to what it says",
     the_examples_of_the_page_come_to_what_it_says},
};

int main(int argc, char **argv)
{
    writing = argc == 2 && strcmp(argv[1], "--write") == 0;
    return test_main(writing ? 1 : argc, argv, tests, ARC_COUNT_OF(tests));
}
