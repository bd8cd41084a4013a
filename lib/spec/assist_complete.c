/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand at a place. */
#include <string.h>

#include "core/functions.h"
#include "spec/assist_private.h"

#define DETAIL_MAX 1024

struct item {
    const char *kind;
    arc_slice label, insert, detail, meaning;
};

static void put_item(struct arc_json *json, const struct item *item)
{
    arc__json_object(json);
    arc__json_key_text(json, "label", item->label);
    arc__json_key_text(json, "kind", arc__slice_cstr(item->kind));
    arc__json_key_text(json, "insert", item->insert.len > 0 ? item->insert : item->label);
    if (item->detail.len > 0)
        arc__json_key_text(json, "detail", item->detail);
    if (item->meaning.len > 0)
        arc__json_key_text(json, "meaning", item->meaning);
    arc__json_end_object(json);
}

/* --- keys --------------------------------------------------------------------------------- */

static int is_structure(const struct arc_field *field)
{
    switch (field->type) {
    case ARC_TYPE_OBJECT:
    case ARC_TYPE_LIST:
    case ARC_TYPE_MATRIX:
    case ARC_TYPE_ENV:
    case ARC_TYPE_VARIABLES:
    case ARC_TYPE_TEXTMAP:
    case ARC_TYPE_MAP:
    case ARC_TYPE_MAPS:
    case ARC_TYPE_NOTICES:
        return 1;
    default:
        return 0;
    }
}

/* Whether the key stands below the owner already, but not as the word that is being typed. */
static int is_there(const struct arc_assist *assist, uint32_t owner, const struct arc_field *field)
{
    const struct arc_outline_entry *entry = arc__outline_get(&assist->outline, owner, field->id);
    return entry != NULL && entry->key_offset != assist->from;
}

static void put_key(const struct arc_assist *assist, const struct arc_field *field, int dash,
                    int json_text, struct arc_json *json)
{
    struct arc_buf detail, insert;
    arc__buf_init(&detail, &assist->outline.mem, DETAIL_MAX);
    arc__buf_init(&insert, &assist->outline.mem, DETAIL_MAX);
    arc__assist_type(field, &detail);
    int quoted = json_text && assist->from > 0 && assist->text.ptr[assist->from - 1] == '"';
    if (json_text)
        arc__buf_printf(&insert, "%s%s%s", quoted ? "" : "\"", field->key, quoted ? "" : "\": ");
    else
        arc__buf_printf(&insert, "%s%s:%s", dash ? "- " : "", field->key,
                        is_structure(field) ? "" : " ");
    const struct item item = {"key", arc__slice_cstr(field->key), arc__buf_slice(&insert),
                              arc__buf_slice(&detail), arc__slice_cstr(field->meaning)};
    put_item(json, &item);
    arc__buf_deinit(&detail);
    arc__buf_deinit(&insert);
}

static void put_keys(const struct arc_assist *assist, uint32_t owner, int json_text,
                     struct arc_json *json)
{
    const struct arc_outline_entry *entry =
        owner != ARC_OUTLINE_NONE ? &assist->outline.entries[owner] : NULL;
    enum arc_object object = entry != NULL ? entry->object : ARC_OBJECT_PIPELINE;
    const struct arc_field *fields;
    if (object == ARC_OBJECT_NONE)
        return;
    /* Below a key that takes a list an item begins with its dash. */
    int dash = entry != NULL && !entry->item && !entry->flow && entry->field != NULL &&
               entry->field->type == ARC_TYPE_LIST;
    size_t count = arc__object_fields(object, &fields);
    for (size_t i = 0; i < count; i++) {
        if (dash || !is_there(assist, owner, &fields[i]))
            put_key(assist, &fields[i], dash, json_text, json);
    }
}

/* --- values ------------------------------------------------------------------------------- */

static void put_words(const char *words, const char *standard, struct arc_json *json)
{
    arc_slice left = arc__slice_cstr(words), word;
    while (arc__word_next(&left, &word)) {
        const struct item item = {"value", word, ARC_NONE,
                                  arc__slice_is(word, standard) ? ARC_LIT("the default") : ARC_NONE,
                                  ARC_NONE};
        put_item(json, &item);
    }
}

/* The names of all jobs but the one that is written. */
static void put_jobs(const struct arc_assist *assist, uint32_t inside, const char *kind,
                     struct arc_json *json)
{
    const struct arc_outline *outline = &assist->outline;
    uint32_t own = arc__assist_enclosing(outline, inside, ARC_OBJECT_JOB);
    for (uint32_t i = arc__assist_next_job(outline, ARC_OUTLINE_NONE); i != ARC_OUTLINE_NONE;
         i = arc__assist_next_job(outline, i)) {
        const struct arc_outline_entry *name = arc__outline_get(outline, i, ARC_FIELD_JOB_NAME);
        if (i == own || name == NULL || name->value.len == 0)
            continue;
        const struct arc_outline_entry *says =
            arc__outline_get(outline, i, ARC_FIELD_JOB_DESCRIPTION);
        const struct item item = {kind, name->value, ARC_NONE, ARC_LIT("a job"),
                                  says != NULL ? says->value : ARC_NONE};
        put_item(json, &item);
    }
}

static void put_values(const struct arc_assist *assist, uint32_t owner, struct arc_json *json)
{
    const struct arc_outline_entry *entry = &assist->outline.entries[owner];
    const struct arc_field *field = entry->field;
    if (field == NULL || entry->text)
        return;
    if (field->type == ARC_TYPE_WORD || field->type == ARC_TYPE_WORDS)
        put_words(field->words, field->standard, json);
    else if (field->type == ARC_TYPE_BOOL)
        put_words("true false", field->standard, json);
    else if (field->type == ARC_TYPE_DURATION)
        put_words("30s 5m 30m 1h 12h 1d", field->standard, json);
    else if (field->type == ARC_TYPE_NAMES)
        put_jobs(assist, owner, "name", json);
}

/* --- expressions -------------------------------------------------------------------------- */

static void put_children(const struct arc_outline *outline, const struct arc_outline_entry *map,
                         const char *detail, struct arc_json *json)
{
    if (map == NULL)
        return;
    uint32_t index = (uint32_t)(map - outline->entries);
    for (uint32_t i = arc__outline_child(outline, index, ARC_OUTLINE_NONE); i != ARC_OUTLINE_NONE;
         i = arc__outline_child(outline, index, i)) {
        const struct arc_outline_entry *child = &outline->entries[i];
        if (child->item || child->key.len == 0 || child->field != NULL)
            continue;
        const struct item item = {"name", child->key, ARC_NONE, arc__slice_cstr(detail),
                                  child->value};
        put_item(json, &item);
    }
}

static void put_steps(const struct arc_assist *assist, uint32_t job, struct arc_json *json)
{
    const struct arc_outline *outline = &assist->outline;
    if (job == ARC_OUTLINE_NONE)
        return;
    for (uint32_t i = arc__assist_next_step(outline, job, ARC_OUTLINE_NONE); i != ARC_OUTLINE_NONE;
         i = arc__assist_next_step(outline, job, i)) {
        const struct arc_outline_entry *name = arc__outline_get(outline, i, ARC_FIELD_STEP_ID);
        if (outline->entries[i].end >= assist->offset)
            break; /* only what ran before is known */
        if (name == NULL)
            name = arc__outline_get(outline, i, ARC_FIELD_STEP_NAME);
        if (name == NULL || name->value.len == 0)
            continue;
        const struct item item = {"name", name->value, ARC_NONE, ARC_LIT("a step"), ARC_NONE};
        put_item(json, &item);
    }
}

static uint32_t entry_before(const struct arc_assist *assist)
{
    uint32_t found = ARC_OUTLINE_NONE;
    for (uint32_t i = 0; i < assist->outline.count; i++) {
        if (assist->outline.entries[i].key_offset < assist->offset)
            found = i;
    }
    return found;
}

/* What the table says that a context, or each entry of it, has. */
static void put_table_members(arc_slice name, struct arc_json *json)
{
    enum arc_context context = arc__context_find(name);
    size_t count = 0;
    const struct arc_context_member *members = arc__context_members(&count);
    for (size_t i = 0; i < count; i++) {
        const struct item item = {"member", arc__slice_cstr(members[i].name), ARC_NONE, ARC_NONE,
                                  arc__slice_cstr(members[i].sentence)};
        if (members[i].context == context)
            put_item(json, &item);
    }
}

/* What may follow `head.`. */
static void put_members(const struct arc_assist *assist, arc_slice head, struct arc_json *json)
{
    const struct arc_outline *outline = &assist->outline;
    uint32_t here = entry_before(assist);
    uint32_t job = arc__assist_enclosing(outline, here, ARC_OBJECT_JOB);
    int of_each = arc__slice_is(head, "needs") || arc__slice_is(head, "steps");
    if (!of_each)
        put_table_members(head, json);
    if (arc__slice_is(head, "variables"))
        put_children(outline,
                     arc__outline_get(outline, ARC_OUTLINE_NONE, ARC_FIELD_PIPELINE_VARIABLES),
                     "a variable", json);
    else if (arc__slice_is(head, "matrix") && job != ARC_OUTLINE_NONE)
        put_children(outline, arc__outline_get(outline, job, ARC_FIELD_JOB_MATRIX), "an axis",
                     json);
    else if (arc__slice_is(head, "needs"))
        put_jobs(assist, here, "name", json);
    else if (arc__slice_is(head, "steps"))
        put_steps(assist, job, json);
}

static void put_names(const struct arc_assist *assist, struct arc_json *json)
{
    static const char *const status[] = {"success()", "failure()", "always()", "cancelled()"};
    size_t count = 0;
    const struct arc_function *function = arc__functions(&count);
    for (size_t i = 0; i < ARC_COUNT_OF(status); i++) {
        const struct item item = {"function", arc__slice_cstr(status[i]), ARC_NONE,
                                  ARC_LIT("how it went so far"), ARC_NONE};
        put_item(json, &item);
    }
    for (uint32_t i = 0; i < ARC_CONTEXT_COUNT; i++) {
        const struct arc_context_row *row = arc__context((enum arc_context)i);
        const struct item item = {"context", arc__slice_cstr(row->name), ARC_NONE, ARC_NONE,
                                  arc__slice_cstr(row->sentence)};
        put_item(json, &item);
    }
    for (size_t i = 0; i < count; i++) {
        const struct item item = {"function", arc__slice_cstr(function[i].name), ARC_NONE,
                                  arc__slice_cstr(function[i].signature),
                                  arc__slice_cstr(function[i].sentence)};
        put_item(json, &item);
    }
    put_members(assist, ARC_LIT("variables"), json);
}

void arc__assist_expression_items(const struct arc_assist *assist, uint32_t from,
                                  struct arc_json *json)
{
    arc_slice text = assist->text;
    uint32_t dot = assist->from;
    if (dot <= from || text.ptr[dot - 1] != '.') {
        put_names(assist, json);
        return;
    }
    arc_slice name = arc__assist_name_before(text, from, --dot);
    uint32_t head = dot - (uint32_t)name.len;
    if (head <= from || text.ptr[head - 1] != '.') {
        put_members(assist, name, json);
        return;
    }
    /* Of `needs.JOB.` and `steps.ID.` the table says what each has. */
    arc_slice last = arc__assist_name_before(text, from, head - 1);
    if (arc__slice_is(last, "needs") || arc__slice_is(last, "steps"))
        put_table_members(last, json);
}

/* --- the call ----------------------------------------------------------------------------- */

arc_status arc__assist_complete(const struct arc_assist_at *at, const struct arc_mem *mem,
                                struct arc_buf *out, arc_err *err)
{
    struct arc_assist assist;
    struct arc_json json;
    uint32_t from;
    arc__assist_open(&assist, at, mem);
    arc__json_init(&json, out);
    arc__json_object(&json);
    arc__assist_put_place(&json, assist.text, assist.from, assist.to);
    arc__json_key(&json, ARC_LIT("items"));
    arc__json_array(&json);
    struct arc_assist_spot spot = arc__assist_spot(&assist);
    if (arc__assist_expression(&assist, &from))
        arc__assist_expression_items(&assist, from, &json);
    else if (spot.wants_key)
        put_keys(&assist, spot.owner, at->json, &json);
    else if (spot.owner != ARC_OUTLINE_NONE)
        put_values(&assist, spot.owner, &json);
    arc__json_end_array(&json);
    arc__json_end_object(&json);
    int failed = assist.outline.failed;
    arc__assist_close(&assist);
    return failed ? arc__fail_nomem(err) : arc__buf_check(out, err);
}
