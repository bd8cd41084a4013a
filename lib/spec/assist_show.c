/* SPDX-License-Identifier: Apache-2.0 */
/* What stands at a place, and where a name is made. */
#include <string.h>

#include "core/functions.h"
#include "spec/assist_private.h"

/* --- types in words ----------------------------------------------------------------------- */

void arc__assist_type(const struct arc_field *field, struct arc_buf *out)
{
    arc__buf_add_cstr(out, arc__field_type_words(field->type));
    if (field->of != ARC_OBJECT_NONE)
        arc__buf_add_cstr(out, arc__object(field->of)->title);
    if (field->type == ARC_TYPE_WORD || field->type == ARC_TYPE_WORDS)
        arc__buf_printf(out, " %s", field->words);
    if (field->type == ARC_TYPE_INT && field->words[0] != '\0')
        arc__buf_printf(out, ", %s", field->words);
}

/* --- hover -------------------------------------------------------------------------------- */

static void put_field(struct arc_buf *text, const struct arc_field *field)
{
    arc__buf_printf(text, "**%s** (%s): ", field->key, arc__object(field->object)->title);
    arc__assist_type(field, text);
    if ((field->flags & ARC_FIELD_FLAG_REQUIRED) != 0)
        arc__buf_add_cstr(text, ", required");
    arc__buf_printf(text, "\n\n%s", field->meaning);
    if (field->standard[0] != '\0')
        arc__buf_printf(text, "\n\nDefault: `%s`.", field->standard);
    if ((field->flags & ARC_FIELD_FLAG_TEMPLATE) != 0)
        arc__buf_add_cstr(text, "\n\n`${{ }}` is replaced in it.");
    if (field->status == ARC_FIELD_LATER)
        arc__buf_add_cstr(text, "\n\nRuns of this version do not act on it yet.");
    arc__buf_printf(text, "\n\nSince %s.", field->since);
}

/* The name before the dot that the word follows; ARC_NONE: there is none. */
static arc_slice word_before(const struct arc_assist *assist)
{
    arc_slice text = assist->text;
    uint32_t to = assist->from;
    if (to == 0 || text.ptr[to - 1] != '.')
        return ARC_NONE;
    return arc__assist_name_before(text, 0, to - 1);
}

static arc_slice word_of(const struct arc_assist *assist)
{
    return arc__slice(assist->text.ptr + assist->from, assist->to - assist->from);
}

static void put_name(struct arc_buf *text, const struct arc_assist *assist)
{
    arc_slice word = word_of(assist), before = word_before(assist);
    const struct arc_function *function = before.ptr == NULL ? arc__function_find(word) : NULL;
    if (function != NULL) {
        arc__buf_printf(text, "`%s`\n\n%s", function->signature, function->sentence);
        return;
    }
    enum arc_context context = arc__context_find(before.ptr == NULL ? word : before);
    if (context == ARC_CONTEXT_COUNT)
        return;
    if (before.ptr == NULL) {
        const struct arc_context_row *row = arc__context(context);
        arc__buf_printf(text, "**%s**\n\n%s", row->name, row->sentence);
        return;
    }
    const struct arc_context_member *member = arc__context_member(context, word);
    if (member != NULL)
        arc__buf_printf(text, "**%.*s.%s**\n\n%s", ARC_ARG(before), member->name, member->sentence);
}

/* The entry whose key the place is in; NULL: none. */
static const struct arc_outline_entry *key_at(const struct arc_assist *assist)
{
    for (size_t i = 0; i < assist->outline.count; i++) {
        const struct arc_outline_entry *entry = &assist->outline.entries[i];
        if (!entry->item && assist->offset >= entry->key_offset && assist->offset <= entry->key_end)
            return entry;
    }
    return NULL;
}

static void hover(struct arc_assist *assist, struct arc_buf *text)
{
    const struct arc_outline_entry *entry = key_at(assist);
    uint32_t from;
    if (entry != NULL && entry->field != NULL) {
        put_field(text, entry->field);
        assist->from = entry->key_offset;
        assist->to = entry->key_end;
    } else if (arc__assist_expression(assist, &from)) {
        put_name(text, assist);
    }
}

arc_status arc__assist_hover(const struct arc_assist_at *at, const struct arc_mem *mem,
                             struct arc_buf *out, arc_err *err)
{
    struct arc_assist assist;
    struct arc_buf text;
    struct arc_json json;
    arc__assist_open(&assist, at, mem);
    arc__buf_init(&text, mem, 65536);
    hover(&assist, &text);
    arc__json_init(&json, out);
    if (text.len == 0) {
        arc__json_null(&json);
    } else {
        arc__json_object(&json);
        arc__assist_put_place(&json, assist.text, assist.from, assist.to);
        arc__json_key_text(&json, "text", arc__buf_slice(&text));
        arc__json_end_object(&json);
    }
    int failed = assist.outline.failed || text.failed != ARC_OK;
    arc__buf_deinit(&text);
    arc__assist_close(&assist);
    return failed ? arc__fail_nomem(err) : arc__buf_check(out, err);
}

/* --- definitions -------------------------------------------------------------------------- */

static const struct arc_outline_entry *find_job(const struct arc_outline *outline, arc_slice name)
{
    for (uint32_t i = arc__assist_next_job(outline, ARC_OUTLINE_NONE); i != ARC_OUTLINE_NONE;
         i = arc__assist_next_job(outline, i)) {
        const struct arc_outline_entry *entry = arc__outline_get(outline, i, ARC_FIELD_JOB_NAME);
        if (entry != NULL && arc__slice_equal(entry->value, name))
            return entry;
    }
    return NULL;
}

static const struct arc_outline_entry *find_step(const struct arc_outline *outline, uint32_t job,
                                                 arc_slice name)
{
    static const enum arc_field_id ids[] = {ARC_FIELD_STEP_ID, ARC_FIELD_STEP_NAME};
    for (size_t k = 0; k < ARC_COUNT_OF(ids) && job != ARC_OUTLINE_NONE; k++) {
        for (uint32_t i = arc__assist_next_step(outline, job, ARC_OUTLINE_NONE);
             i != ARC_OUTLINE_NONE; i = arc__assist_next_step(outline, job, i)) {
            const struct arc_outline_entry *entry = arc__outline_get(outline, i, ids[k]);
            if (entry != NULL && arc__slice_equal(entry->value, name))
                return entry;
        }
    }
    return NULL;
}

/* The child of a map that is the value of a field below `parent`, by its own key. */
static const struct arc_outline_entry *find_key(const struct arc_outline *outline, uint32_t parent,
                                                enum arc_field_id id, arc_slice key)
{
    const struct arc_outline_entry *map = arc__outline_get(outline, parent, id);
    if (map == NULL)
        return NULL;
    uint32_t index = (uint32_t)(map - outline->entries);
    for (uint32_t i = arc__outline_child(outline, index, ARC_OUTLINE_NONE); i != ARC_OUTLINE_NONE;
         i = arc__outline_child(outline, index, i)) {
        if (arc__slice_equal(outline->entries[i].key, key))
            return &outline->entries[i];
    }
    return NULL;
}

/* The entry that the place lies in: the last one that starts before it. */
static uint32_t entry_at(const struct arc_assist *assist)
{
    uint32_t found = ARC_OUTLINE_NONE;
    for (uint32_t i = 0; i < assist->outline.count; i++) {
        const struct arc_outline_entry *entry = &assist->outline.entries[i];
        if (entry->key_offset <= assist->offset && assist->offset <= entry->end)
            found = i;
    }
    return found;
}

static const struct arc_outline_entry *named_in_expression(const struct arc_assist *assist)
{
    const struct arc_outline *outline = &assist->outline;
    arc_slice word = word_of(assist), before = word_before(assist);
    uint32_t job = arc__assist_enclosing(outline, entry_at(assist), ARC_OBJECT_JOB);
    if (arc__slice_is(before, "needs"))
        return find_job(outline, word);
    if (arc__slice_is(before, "steps"))
        return find_step(outline, job, word);
    if (arc__slice_is(before, "matrix") && job != ARC_OUTLINE_NONE)
        return find_key(outline, job, ARC_FIELD_JOB_MATRIX, word);
    if (before.ptr == NULL || arc__slice_is(before, "variables"))
        return find_key(outline, ARC_OUTLINE_NONE, ARC_FIELD_PIPELINE_VARIABLES, word);
    return NULL;
}

static const struct arc_outline_entry *define(const struct arc_assist *assist)
{
    uint32_t at = entry_at(assist), from;
    const struct arc_outline_entry *entry =
        at != ARC_OUTLINE_NONE ? &assist->outline.entries[at] : NULL;
    if (entry != NULL && entry->field != NULL && entry->field->type == ARC_TYPE_NAMES &&
        entry->value.len > 0 && assist->offset >= entry->value_offset)
        return find_job(&assist->outline, entry->value);
    return arc__assist_expression(assist, &from) ? named_in_expression(assist) : NULL;
}

arc_status arc__assist_define(const struct arc_assist_at *at, const struct arc_mem *mem,
                              struct arc_buf *out, arc_err *err)
{
    struct arc_assist assist;
    struct arc_json json;
    arc__assist_open(&assist, at, mem);
    const struct arc_outline_entry *entry = define(&assist);
    arc__json_init(&json, out);
    if (entry == NULL) {
        arc__json_null(&json);
    } else {
        /* A name is its value; a variable or an axis is its key. */
        int by_key = entry->field == NULL || entry->value.len == 0;
        arc__json_object(&json);
        arc__assist_put_place(&json, assist.text, by_key ? entry->key_offset : entry->value_offset,
                              by_key ? entry->key_end : entry->value_end);
        arc__json_end_object(&json);
    }
    int failed = assist.outline.failed;
    arc__assist_close(&assist);
    return failed ? arc__fail_nomem(err) : arc__buf_check(out, err);
}
