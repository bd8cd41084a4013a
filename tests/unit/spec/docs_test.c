/* SPDX-License-Identifier: Apache-2.0 */
/* The pages that are made from the tables: docs/DIAGNOSTICS.md as a whole, and the tables between
 * the markers of docs/LANGUAGE.md. `docs_test --write` writes them. */
#include "base/time.h"
#include "help.h"
#include "page.h"
#include "spec/diag.h"
#include "spec/fields.h"

static int writing;

/* --- the language ------------------------------------------------------------------------- */

/* With the words of its row in backticks. */
static const char *type_phrase(enum arc_field_type type)
{
    if (type == ARC_TYPE_WORD)
        return "";
    if (type == ARC_TYPE_WORDS)
        return "list of ";
    return type == ARC_TYPE_BOOL ? "`true` or `false`" : arc__field_type_words(type);
}

static void add_words(struct arc_buf *out, const struct arc_field *field)
{
    arc_slice left = arc__slice_cstr(field->words), word;
    if (field->type == ARC_TYPE_INT) {
        arc_slice high, low = arc__slice_cut(left, '.', &high);
        high = arc__slice_from(high, 1);
        arc__buf_printf(out, ", %.*s to %.*s", ARC_ARG(low), ARC_ARG(high));
        return;
    }
    for (int first = 1; arc__word_next(&left, &word); first = 0)
        arc__buf_printf(out, "%s`%.*s`", first ? "" : " ", ARC_ARG(word));
}

static void add_spellings(struct arc_buf *out, const struct arc_field *field)
{
    char snake[ARC_SNAKE_MAX];
    size_t count = 0;
    const struct arc_field_alias *aliases = arc__field_aliases(&count);
    arc__field_snake(field->key, snake);
    arc__buf_printf(out, "`%s`", field->key);
    if (strcmp(snake, field->key) != 0)
        arc__buf_printf(out, ", `%s`", snake);
    for (size_t i = 0; i < count; i++) {
        if (aliases[i].object == field->object && strcmp(aliases[i].key, field->key) == 0)
            arc__buf_printf(out, ", `%s`", aliases[i].second);
    }
}

static void add_standard(struct arc_buf *out, const struct arc_field *field)
{
    arc_slice left = arc__slice_cstr(field->standard), word;
    arc__buf_add_cstr(out, " |");
    if (field->type != ARC_TYPE_WORDS && left.len > 0)
        arc__buf_printf(out, " `%.*s`", ARC_ARG(left));
    while (field->type == ARC_TYPE_WORDS && arc__word_next(&left, &word))
        arc__buf_printf(out, " `%.*s`", ARC_ARG(word));
}

static void add_field(struct arc_buf *out, const struct arc_field *field)
{
    arc__buf_add_cstr(out, "| ");
    add_spellings(out, field);
    arc__buf_printf(out, " | %s", type_phrase(field->type));
    add_words(out, field);
    if (field->of != ARC_OBJECT_NONE)
        arc__buf_add_cstr(out, arc__object(field->of)->title);
    if ((field->flags & ARC_FIELD_FLAG_REQUIRED) != 0)
        arc__buf_add_cstr(out, ", required");
    if ((field->flags & ARC_FIELD_FLAG_TEMPLATE) != 0)
        arc__buf_add_cstr(out, ", T");
    add_standard(out, field);
    arc__buf_printf(out, " | %s | %s%s |\n", field->since, field->meaning,
                    field->status == ARC_FIELD_LATER ? " *Not run yet.*" : "");
}

static void add_objects(struct arc_buf *out)
{
    for (int object = 1; object < ARC_OBJECT_COUNT; object++) {
        const struct arc_field *fields;
        size_t count = arc__object_fields((enum arc_object)object, &fields);
        arc__buf_printf(out,
                        "\n### %s\n\n| key | value | default | since | meaning |\n"
                        "| --- | --- | --- | --- | --- |\n",
                        arc__object((enum arc_object)object)->title);
        for (size_t i = 0; i < count; i++)
            add_field(out, &fields[i]);
        if (object == ARC_OBJECT_MATRIX)
            arc__buf_add_cstr(out, "| any other | list of scalars | | 0.1 | An axis. |\n");
    }
}

static void add_limits(struct arc_buf *out)
{
    page_add_limits(out);
/* clang-format off */
#define LIMIT(field, default_value, cap, unit, sentence) \
    PAGE_ADD_LIMIT(out, #field, default_value, cap, unit, sentence);
#include "spec/limits.def"
    /* clang-format on */
}

static void the_page_of_the_language_shows_the_tables(void)
{
    struct subject s;
    subject_init(&s);
    arc_slice page = page_read("LANGUAGE.md", &s.arena);
    page = page_fill(page, "limits", add_limits, &s.arena);
    page = page_fill(page, "keys", add_objects, &s.arena);
    page_compare("LANGUAGE.md", page, writing, &s.arena);
    subject_deinit(&s);
}

/* --- the findings ------------------------------------------------------------------------- */

static const char *chapter(uint32_t code)
{
    static const char *const titles[] = {"The document",
                                         "Shape",
                                         "Values",
                                         "Names and dependencies",
                                         "Templates and conditions",
                                         "Selectors",
                                         "Not in this version",
                                         "Includes and forms"};
    return code / 100 < ARC_COUNT_OF(titles) ? titles[code / 100] : "More";
}

/* The first line of what is printed for the example: the message as its reader sees it. */
static void add_message(struct subject *s, const struct arc_diag_row *row)
{
    struct subject example;
    subject_init(&example);
    const struct arc_plan_inputs nothing = {0};
    if (subject_read_bundle(&example, arc__slice_cstr(row->example), NULL) == ARC_OK)
        (void)subject_plan(&example, &nothing); /* it says what only the inputs show */
    const struct arc_diag *diag = subject_find(&example, row->code);
    example.diags.files[0].name = example.diags.file_count > 1 ? ARC_LIT("pipeline") : ARC_NONE;
    if (diag != NULL)
        arc__diag_print(&example.diags, diag, 1, 0, &example.out);
    arc__buf_add_slice(&s->out, arc__buf_slice(&example.out));
    subject_deinit(&example);
}

/* The document, then each of its templates. */
static void add_example(struct subject *s, arc_slice example, int is_json)
{
    while (example.len > 0) {
        arc_slice name = ARC_NONE;
        if (arc__slice_starts(example, ARC_LIT("#: ")))
            name = arc__slice_cut(arc__slice_from(example, 3), '\n', &example);
        if (name.len > 0)
            arc__buf_printf(&s->out, "\nThe template `%.*s`:\n", ARC_ARG(name));
        size_t len = bundle_cut(example);
        arc__buf_printf(&s->out, "\n```%s\n%.*s%s```\n", is_json ? "json" : "yaml", (int)len,
                        example.ptr, example.ptr[len - 1] == '\n' ? "" : "\n");
        example = arc__slice_from(example, len);
    }
}

static void add_row(struct subject *s, const struct arc_diag_row *row)
{
    int is_json = row->example[0] == '{';
    arc__buf_printf(&s->out, "### ARC%04u\n\n**%s**", row->code, row->sentence);
    arc__buf_add_cstr(&s->out, row->severity == ARC_SEVERITY_WARNING ? " (warning)\n\n" : "\n\n");
    arc__buf_printf(&s->out, "%s\n", row->why);
    if (row->fix[0] != '\0')
        arc__buf_printf(&s->out, "\nWhat to do: %s.\n", row->fix);
    if (row->example[0] == '\0') {
        arc__buf_add_char(&s->out, '\n');
        return;
    }
    add_example(s, arc__slice_cstr(row->example), is_json);
    arc__buf_add_cstr(&s->out, "\n```text\n");
    add_message(s, row);
    arc__buf_add_cstr(&s->out, "```\n\n");
}

static void the_page_of_findings_shows_the_table(void)
{
    struct subject s;
    size_t count = 0;
    const struct arc_diag_row *rows = arc__diag_rows(&count);
    subject_init(&s);
    arc__buf_add_cstr(&s.out,
                      "# Findings\n\n"
                      "What is said of a definition that is wrong, or that does less than it "
                      "seems to. Each finding has a code that never changes its meaning. `{}` in "
                      "a sentence stands for a part of the definition.\n\n"
                      "This page is made from `lib/spec/diags.def`.\n\n");
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || rows[i].code / 100 != rows[i - 1].code / 100)
            arc__buf_printf(&s.out, "## %s\n\n", chapter(rows[i].code));
        add_row(&s, &rows[i]);
    }
    arc__buf_truncate(&s.out, s.out.len - 1);
    page_compare("DIAGNOSTICS.md", arc__buf_slice(&s.out), writing, &s.arena);
    subject_deinit(&s);
}

static void the_kept_schema_is_the_one_of_the_table(void)
{
    struct subject s;
    subject_init(&s);
    CHECK_OK(arc__schema_print(&s.arena, &s.out, &s.err));
    page_compare("pipeline.schema.json", arc__buf_slice(&s.out), writing, &s.arena);
    subject_deinit(&s);
}

/* --- the tables themselves ---------------------------------------------------------------- */

/* What is left out of the canonical form because it is the default must be a value of its field,
 * and what is false or 0 must say whether that is one. */
static void check_standard(const struct arc_field *field)
{
    arc_slice standard = arc__slice_cstr(field->standard), word;
    int64_t number;
    if (standard.len == 0) {
        CHECK(field->type != ARC_TYPE_BOOL || (field->flags & ARC_FIELD_FLAG_KEEP) != 0);
        CHECK(field->type != ARC_TYPE_DURATION);
        return;
    }
    CHECK((field->flags & ARC_FIELD_FLAG_REQUIRED) == 0);
    if (field->type == ARC_TYPE_BOOL)
        CHECK(arc__word_index("true false", standard) >= 0);
    if (field->type == ARC_TYPE_INT)
        CHECK(arc__slice_to_i64(standard, &number));
    if (field->type == ARC_TYPE_DURATION)
        CHECK_OK(arc__duration_parse(standard, &number, NULL));
    while ((field->type == ARC_TYPE_WORD || field->type == ARC_TYPE_WORDS) &&
           arc__word_next(&standard, &word))
        CHECK(arc__word_index(field->words, word) >= 0);
}

static void every_row_of_the_field_table_holds_together(void)
{
    size_t aliases = 0;
    const struct arc_field_alias *alias = arc__field_aliases(&aliases);
    for (int i = 0; i < ARC_FIELD_COUNT; i++) {
        const struct arc_field *field = arc__field((enum arc_field_id)i);
        char snake[ARC_SNAKE_MAX];
        CHECK(field->id == (enum arc_field_id)i);
        CHECK(strlen(field->key) + 8 < ARC_SNAKE_MAX);
        arc__field_snake(field->key, snake);
        CHECK(arc__field_find(field->object, arc__slice_cstr(field->key)) == field);
        CHECK(arc__field_find(field->object, arc__slice_cstr(snake)) == field);
        CHECK((field->type == ARC_TYPE_WORD || field->type == ARC_TYPE_WORDS ||
               field->type == ARC_TYPE_INT) == (field->words[0] != '\0'));
        check_standard(field);
        size_t len = strlen(field->meaning);
        CHECK(len > 0 && field->meaning[len - 1] == '.');
        if (field->type == ARC_TYPE_INT) {
            int64_t low, high;
            arc_slice rest, first = arc__slice_cut(arc__slice_cstr(field->words), '.', &rest);
            CHECK(arc__slice_to_i64(first, &low) &&
                  arc__slice_to_i64(arc__slice_from(rest, 1), &high) && low < high);
        }
    }
    for (int object = 1; object < ARC_OBJECT_COUNT; object++) {
        const struct arc_field *first;
        size_t count = arc__object_fields((enum arc_object)object, &first);
        CHECK(count > 0 && count <= 32);
    }
    for (size_t i = 0; i < aliases; i++) {
        const struct arc_field *field =
            arc__field_find(alias[i].object, arc__slice_cstr(alias[i].second));
        CHECK(field != NULL && strcmp(field->key, alias[i].key) == 0);
    }
    CHECK(arc__field_find(ARC_OBJECT_JOB, ARC_LIT("dependson")) == NULL);
    CHECK_TEXT(arc__field_nearest(ARC_OBJECT_JOB, ARC_LIT("dependson")), "dependsOn");
}

static const struct test tests[] = {
    {"the page of the language shows the tables", the_page_of_the_language_shows_the_tables},
    {"the page of findings shows the table", the_page_of_findings_shows_the_table},
    {"the kept schema is the one of the table", the_kept_schema_is_the_one_of_the_table},
    {"every row of the field table holds together", every_row_of_the_field_table_holds_together},
};

int main(int argc, char **argv)
{
    writing = argc == 2 && strcmp(argv[1], "--write") == 0;
    return writing ? test_main(1, argv, tests, ARC_COUNT_OF(tests))
                   : test_main(argc, argv, tests, ARC_COUNT_OF(tests));
}
