/* SPDX-License-Identifier: Apache-2.0 */
/* The field table as a JSON Schema (draft 2020-12). It refuses what the form of one value or the
 * keys of one object make wrong (the findings that are STRUCTURAL in spec/diags.def), and accepts
 * everything that the reader accepts: a text takes a number or a boolean, a key that is not
 * required may have no value. */
#include <stdio.h>

#include "base/json.h"
#include "spec/fields.h"
#include "spec/print.h"

#define LETTERS "A-Za-z"
#define NAME_FORM "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
#define VERSION_FORM "[0-9A-Za-z][0-9A-Za-z._+-]{0,63}"
#define AMOUNT_FORM "[0-9]+(\\.[0-9]+)?"

static void key(struct arc_json *json, const char *name)
{
    arc__json_key(json, arc__slice_cstr(name));
}

static void key_text(struct arc_json *json, const char *name, const char *value)
{
    arc__json_key_text(json, name, arc__slice_cstr(value));
}

static void text(struct arc_json *json, const char *value)
{
    arc__json_text(json, arc__slice_cstr(value));
}

static void open(struct arc_json *json, const char *name)
{
    key(json, name);
    arc__json_object(json);
}

static void open_list(struct arc_json *json, const char *name)
{
    key(json, name);
    arc__json_array(json);
}

/* --- spellings ---------------------------------------------------------------------------- */

#define SPELLINGS_MAX 4

struct spellings {
    char texts[SPELLINGS_MAX][ARC_SNAKE_MAX];
    size_t count; /* the first is the key of the table */
};

static void spell(struct spellings *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->texts[i], name) == 0)
            return;
    }
    if (all->count < SPELLINGS_MAX)
        (void)arc__slice_to_cstr(arc__slice_cstr(name), all->texts[all->count++], ARC_SNAKE_MAX);
}

static void spell_both(struct spellings *all, const char *name)
{
    char snake[ARC_SNAKE_MAX];
    arc__field_snake(name, snake);
    spell(all, name);
    spell(all, snake);
}

static struct spellings spellings_of(const struct arc_field *field)
{
    struct spellings all = {.count = 0};
    size_t count = 0;
    const struct arc_field_alias *aliases = arc__field_aliases(&count);
    spell_both(&all, field->key);
    for (size_t i = 0; i < count; i++) {
        if (aliases[i].object == field->object && strcmp(aliases[i].key, field->key) == 0)
            spell_both(&all, aliases[i].second);
    }
    return all;
}

/* {"required": ["name"]} */
static void put_required(struct arc_json *json, const char *name)
{
    arc__json_object(json);
    open_list(json, "required");
    text(json, name);
    arc__json_end_array(json);
    arc__json_end_object(json);
}

/* --- values ------------------------------------------------------------------------------- */

static int takes_null(const struct arc_field *field)
{
    return (field->flags & (ARC_FIELD_FLAG_REQUIRED | ARC_FIELD_FLAG_NONEMPTY)) == 0;
}

/* "type": one or many of the blank-separated names; null where the key may have no value. */
static void put_types(struct arc_json *json, const char *names, int null)
{
    arc_slice left = arc__slice_cstr(names), name;
    if (!null && memchr(names, ' ', left.len) == NULL) {
        key_text(json, "type", names);
        return;
    }
    open_list(json, "type");
    while (arc__word_next(&left, &name))
        arc__json_text(json, name);
    if (null)
        text(json, "null");
    arc__json_end_array(json);
}

#define SCALARS "string number boolean"
#define SOMETHING "[^ \\t-\\r]" /* more than blanks */

/* field: NULL for an axis of a matrix. The lists of triggers hold globs, which match nothing when
 * they are empty. */
static void put_scalar_item(struct arc_json *json, const struct arc_field *field)
{
    open(json, "items");
    put_types(json, SCALARS, 0);
    if (field != NULL &&
        (field->object == ARC_OBJECT_TRIGGER || field->object == ARC_OBJECT_OPTIONS))
        arc__json_key_i64(json, "minLength", 1);
    arc__json_end_object(json);
}

/* Texts of a form. A number may be one where it looks like it: not below 0. */
static void put_form(struct arc_json *json, const struct arc_field *field, const char *pattern)
{
    put_types(json, SCALARS, takes_null(field));
    key_text(json, "pattern", pattern);
    if (field->type == ARC_TYPE_IDENT) {
        open(json, "not");
        key_text(json, "type", "number");
        arc__json_end_object(json);
    } else {
        arc__json_key_i64(json, "minimum", 0);
    }
}

static void put_text(struct arc_json *json, const struct arc_field *field)
{
    put_types(json, SCALARS, takes_null(field));
    if ((field->flags & ARC_FIELD_FLAG_NONEMPTY) != 0)
        key_text(json, "pattern", SOMETHING);
}

/* Units in falling order, each once. */
static void put_duration(struct arc_json *json, const struct arc_field *field)
{
    put_types(json, "string number", takes_null(field));
    key_text(json, "pattern",
             "^(0|(?=[0-9])(" AMOUNT_FORM "d)?(" AMOUNT_FORM "h)?(" AMOUNT_FORM "m)?(" AMOUNT_FORM
             "s)?(" AMOUNT_FORM "ms)?(" AMOUNT_FORM "us)?(" AMOUNT_FORM "ns)?)$");
    arc__json_key_i64(json, "minimum", 0);
    arc__json_key_i64(json, "maximum", 0);
}

static void put_int(struct arc_json *json, const struct arc_field *field)
{
    arc_slice rest, low = arc__slice_cut(arc__slice_cstr(field->words), '.', &rest);
    put_types(json, "integer", takes_null(field));
    key(json, "minimum");
    arc__json_raw(json, low);
    key(json, "maximum");
    arc__json_raw(json, arc__slice_from(rest, 1));
}

static void put_enum(struct arc_json *json, const struct arc_field *field, int null)
{
    arc_slice left = arc__slice_cstr(field->words), word;
    open_list(json, "enum");
    while (arc__word_next(&left, &word))
        arc__json_text(json, word);
    if (null)
        arc__json_null(json);
    arc__json_end_array(json);
}

static void put_list_head(struct arc_json *json, const struct arc_field *field)
{
    put_types(json, "array", takes_null(field));
    if ((field->flags & ARC_FIELD_FLAG_NONEMPTY) != 0)
        arc__json_key_i64(json, "minItems", 1);
}

static void put_words(struct arc_json *json, const struct arc_field *field)
{
    put_list_head(json, field);
    open(json, "items");
    put_enum(json, field, 0);
    arc__json_end_object(json);
}

static void put_text_map(struct arc_json *json, const struct arc_field *field)
{
    put_types(json, "object", takes_null(field));
    open(json, "propertyNames");
    if (field->type == ARC_TYPE_ENV)
        key_text(json, "pattern", "^[" LETTERS "_][" LETTERS "0-9_]{0,255}$");
    else if (field->id == ARC_FIELD_JOB_OUTPUTS)
        key_text(json, "pattern", "^" NAME_FORM "$");
    else
        arc__json_key_i64(json, "minLength", 1);
    arc__json_end_object(json);
    open(json, "additionalProperties");
    put_types(json, SCALARS, 0);
    if (field->id == ARC_FIELD_STEP_SECRETS)
        key_text(json, "pattern", SOMETHING);
    arc__json_end_object(json);
}

#define TITLE_MAX 40

/* "Selector rule" as Selector-rule. */
static void name_of(enum arc_object object, char out[TITLE_MAX])
{
    (void)arc__slice_to_cstr(arc__slice_cstr(arc__object(object)->title), out, TITLE_MAX);
    for (char *c = out; *c != '\0'; c++)
        *c = *c == ' ' ? '-' : *c;
}

static void put_reference(struct arc_json *json, enum arc_object object)
{
    char path[8 + TITLE_MAX] = "#/$defs/";
    name_of(object, path + 8);
    key_text(json, "$ref", path);
}

static void put_object_item(struct arc_json *json, enum arc_object object)
{
    open(json, "items");
    put_reference(json, object);
    arc__json_end_object(json);
}

/* One of: a text, the object, a list of it, nothing. */
static void put_choice(struct arc_json *json, const struct arc_field *field)
{
    open_list(json, "anyOf");
    arc__json_object(json);
    put_reference(json, field->of);
    arc__json_end_object(json);
    if (field->type == ARC_TYPE_GROUP || field->type == ARC_TYPE_NOTICES) {
        arc__json_object(json);
        put_types(json, field->type == ARC_TYPE_GROUP ? SCALARS : "array", 0);
        if (field->type == ARC_TYPE_GROUP)
            key_text(json, "pattern", SOMETHING);
        if (field->type == ARC_TYPE_NOTICES)
            put_object_item(json, field->of);
        arc__json_end_object(json);
    }
    if (takes_null(field)) {
        arc__json_object(json);
        key_text(json, "type", "null");
        arc__json_end_object(json);
    }
    arc__json_end_array(json);
}

static void put_list(struct arc_json *json, const struct arc_field *field)
{
    put_list_head(json, field);
    if (field->type == ARC_TYPE_LIST) {
        put_object_item(json, field->of);
    } else if (field->type == ARC_TYPE_MAPS) {
        open(json, "items");
        key_text(json, "type", "object");
        arc__json_key_i64(json, "minProperties", 1);
        arc__json_end_object(json);
    } else {
        put_scalar_item(json, field);
    }
}

static void put_globs(struct arc_json *json, const struct arc_field *field)
{
    put_types(json, SCALARS " array", takes_null(field));
    arc__json_key_i64(json, "minLength", 1);
    put_scalar_item(json, field);
}

static void put_value(struct arc_json *json, const struct arc_field *field)
{
    switch (field->type) {
    case ARC_TYPE_TEXT:
    case ARC_TYPE_PATH:
        put_text(json, field);
        break;
    case ARC_TYPE_NAME:
        put_form(json, field, "^" NAME_FORM "$");
        break;
    case ARC_TYPE_NAMESPACE:
        put_form(json, field, "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$");
        break;
    case ARC_TYPE_VERSION:
        put_form(json, field, "^" VERSION_FORM "$");
        break;
    case ARC_TYPE_IDENT:
        put_form(json, field, "^[" LETTERS "_][" LETTERS "0-9_-]{0,63}$");
        break;
    case ARC_TYPE_USES:
        put_form(json, field, "^" NAME_FORM "(/" NAME_FORM ")?(@" VERSION_FORM ")?$");
        break;
    case ARC_TYPE_DURATION:
        put_duration(json, field);
        break;
    case ARC_TYPE_INT:
        put_int(json, field);
        break;
    case ARC_TYPE_BOOL:
        put_types(json, "boolean", takes_null(field));
        break;
    case ARC_TYPE_WORD:
        put_enum(json, field, takes_null(field));
        break;
    case ARC_TYPE_WORDS:
        put_words(json, field);
        break;
    case ARC_TYPE_WHEN:
        put_types(json, "string boolean", takes_null(field));
        break;
    case ARC_TYPE_VARIABLES:
    case ARC_TYPE_ENV:
    case ARC_TYPE_TEXTMAP:
        put_text_map(json, field);
        break;
    case ARC_TYPE_MAP:
        put_types(json, "object", takes_null(field));
        break;
    case ARC_TYPE_MAPS:
    case ARC_TYPE_TEXTS:
    case ARC_TYPE_NAMES:
    case ARC_TYPE_LIST:
        put_list(json, field);
        break;
    case ARC_TYPE_GLOBS:
        put_globs(json, field);
        break;
    case ARC_TYPE_OBJECT:
    case ARC_TYPE_GROUP:
    case ARC_TYPE_NOTICES:
    case ARC_TYPE_MATRIX:
        put_choice(json, field);
        break;
    }
}

static void put_default(struct arc_json *json, const struct arc_field *field)
{
    arc_slice standard = arc__slice_cstr(field->standard), word;
    if (standard.len == 0)
        return;
    key(json, "default");
    if (field->type == ARC_TYPE_WORDS) {
        arc__json_array(json);
        while (arc__word_next(&standard, &word))
            arc__json_text(json, word);
        arc__json_end_array(json);
    } else if (field->type == ARC_TYPE_INT || field->type == ARC_TYPE_BOOL) {
        arc__json_raw(json, standard);
    } else {
        arc__json_text(json, standard);
    }
}

static void put_field(struct arc_json *json, const struct arc_field *field)
{
    struct spellings all = spellings_of(field);
    char object[TITLE_MAX], path[TITLE_MAX + ARC_SNAKE_MAX + 24];
    name_of(field->object, object);
    (void)snprintf(path, sizeof(path), "#/$defs/%s/properties/%s", object, field->key);
    open(json, field->key);
    key_text(json, "description", field->meaning);
    put_value(json, field);
    put_default(json, field);
    arc__json_end_object(json);
    for (size_t i = 1; i < all.count; i++) {
        open(json, all.texts[i]);
        key_text(json, "$ref", path);
        arc__json_end_object(json);
    }
}

/* --- objects ------------------------------------------------------------------------------ */

/* One spelling at a time; a required key in any of them. */
static void put_spelling_rules(struct arc_json *json, const struct arc_field *field)
{
    struct spellings all = spellings_of(field);
    for (size_t i = 0; i < all.count; i++) {
        for (size_t k = i + 1; k < all.count; k++) {
            arc__json_object(json);
            open(json, "not");
            open_list(json, "required");
            text(json, all.texts[i]);
            text(json, all.texts[k]);
            arc__json_end_array(json);
            arc__json_end_object(json);
            arc__json_end_object(json);
        }
    }
    if ((field->flags & ARC_FIELD_FLAG_REQUIRED) == 0)
        return;
    arc__json_object(json);
    open_list(json, "anyOf");
    for (size_t i = 0; i < all.count; i++)
        put_required(json, all.texts[i]);
    arc__json_end_array(json);
    arc__json_end_object(json);
}

static int has_rules(const struct arc_field *field)
{
    return (field->flags & ARC_FIELD_FLAG_REQUIRED) != 0 || spellings_of(field).count > 1;
}

/* What the table cannot say: rules between keys of one object, as JSON. */
static const char *rules_of(enum arc_object object)
{
    switch (object) {
    case ARC_OBJECT_PIPELINE:
        return "{\"not\":{\"required\":[\"stages\",\"jobs\"]}},"
               "{\"anyOf\":[{\"required\":[\"stages\"]},{\"required\":[\"jobs\"]},"
               "{\"required\":[\"include\"]}]}";
    case ARC_OBJECT_STEP:
        return "{\"anyOf\":[{\"required\":[\"run\"]},"
               "{\"required\":[\"uses\"],\"properties\":{\"uses\":{\"not\":{\"type\":\"null\"}}}}]}"
               ","
               "{\"if\":{\"required\":[\"run\"]},\"then\":{\"properties\":{"
               "\"uses\":{\"anyOf\":[{\"type\":\"null\"},"
               "{\"type\":\"string\",\"pattern\":\"^shell(@|$)\"}]},"
               "\"args\":{\"not\":{\"type\":\"object\",\"required\":[\"run\"]}},"
               "\"params\":{\"not\":{\"type\":\"object\",\"required\":[\"run\"]}}}}}";
    case ARC_OBJECT_MATCH:
        return "{\"if\":{\"required\":[\"operator\"],"
               "\"properties\":{\"operator\":{\"enum\":[\"Exists\",\"NotExists\"]}}},"
               "\"then\":{\"properties\":{\"values\":{\"maxItems\":0}}}},"
               "{\"if\":{\"required\":[\"operator\"],"
               "\"properties\":{\"operator\":{\"enum\":[\"In\",\"NotIn\",\"Gt\",\"Lt\"]}}},"
               "\"then\":{\"required\":[\"values\"],"
               "\"properties\":{\"values\":{\"type\":\"array\",\"minItems\":1}}}},"
               "{\"if\":{\"required\":[\"operator\"],"
               "\"properties\":{\"operator\":{\"enum\":[\"Gt\",\"Lt\"]}}},"
               "\"then\":{\"properties\":{\"values\":{\"maxItems\":1}}}}";
    default:
        return NULL;
    }
}

/* The axes of a matrix are its further keys. */
static void put_further_keys(struct arc_json *json, enum arc_object object)
{
    open(json, "patternProperties");
    arc__json_key_bool(json, "^x-", 1);
    arc__json_end_object(json);
    if (object != ARC_OBJECT_MATRIX) {
        arc__json_key_bool(json, "additionalProperties", 0);
        return;
    }
    open(json, "propertyNames");
    key_text(json, "pattern", "^([" LETTERS "_][" LETTERS "0-9_-]{0,63}$|x-)");
    arc__json_end_object(json);
    open(json, "additionalProperties");
    key_text(json, "description", "An axis: the values that a cell can have.");
    key_text(json, "type", "array");
    arc__json_key_i64(json, "minItems", 1);
    put_scalar_item(json, NULL);
    arc__json_end_object(json);
}

static void put_object(struct arc_json *json, enum arc_object object)
{
    const struct arc_field *fields;
    size_t count = arc__object_fields(object, &fields);
    const char *rules = rules_of(object);
    arc__json_object(json);
    key_text(json, "title", arc__object(object)->title);
    key_text(json, "type", "object");
    open(json, "properties");
    for (size_t i = 0; i < count; i++)
        put_field(json, &fields[i]);
    arc__json_end_object(json);
    put_further_keys(json, object);
    int any = rules != NULL;
    for (size_t i = 0; i < count; i++)
        any |= has_rules(&fields[i]);
    if (any) {
        open_list(json, "allOf");
        for (size_t i = 0; i < count; i++)
            put_spelling_rules(json, &fields[i]);
        if (rules != NULL)
            arc__json_raw(json, arc__slice_cstr(rules));
        arc__json_end_array(json);
    }
    arc__json_end_object(json);
}

static void put_schema(struct arc_buf *out)
{
    struct arc_json json;
    arc__json_init(&json, out);
    arc__json_object(&json);
    key_text(&json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    key_text(&json, "$id", "urn:libarcentra:pipeline-definition");
    key_text(&json, "title", "A pipeline definition");
    key_text(&json, "description",
             "What the form of each value and the keys of each object must be. What holds between "
             "parts of a definition is checked by `arcentra validate`.");
    key_text(&json, "$ref", "#/$defs/Pipeline");
    open(&json, "$defs");
    for (int object = 1; object < ARC_OBJECT_COUNT; object++) {
        char name[TITLE_MAX];
        name_of((enum arc_object)object, name);
        key(&json, name);
        put_object(&json, (enum arc_object)object);
    }
    arc__json_end_object(&json);
    arc__json_end_object(&json);
}

arc_status arc__schema_print(struct arc_arena *arena, struct arc_buf *out, arc_err *err)
{
    struct arc_buf compact;
    const struct arc_node *tree = NULL;
    arc__buf_init(&compact, &out->mem, out->max_bytes);
    put_schema(&compact);
    arc_status status = arc__buf_check(&compact, err);
    if (status == ARC_OK)
        status = arc__json_read(arc__buf_slice(&compact), NULL, arena, &tree, err);
    if (status == ARC_OK) {
        arc__print_json(tree, out);
        status = arc__buf_check(out, err);
    }
    arc__buf_deinit(&compact);
    return status;
}
