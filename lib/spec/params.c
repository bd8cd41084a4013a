/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of a template: what it declares, what an include gives, and `${{ params.NAME }}` in
 * its texts. Values are put into texts only, once, and are not looked at again: a value can neither
 * add keys nor name parameters of its own. */
#include "spec/include.h"

#include <stdlib.h>

#include "base/text.h"

#define OPTIONS_SHOWN_MAX 512
#define CANDIDATES_MAX 256
/* Places of which nothing more is said because their parameter is wrong already. With more of them
 * the checks stop before they come to such a place. */
#define MUTED_MAX 1000

/* --- finding ------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b)
{
    const struct arc_param *x = a, *y = b;
    int order = arc__slice_compare(x->name->text, y->name->text);
    return order != 0 ? order : x->order < y->order ? -1 : x->order > y->order;
}

static struct arc_param *find(const struct arc_params *params, arc_slice name)
{
    uint32_t low = 0, high = params->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (arc__slice_compare(params->list[middle].name->text, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < params->count && arc__slice_equal(params->list[low].name->text, name)
               ? &params->list[low]
               : NULL;
}

static arc_slice nearest(const struct arc_params *params, arc_slice name)
{
    arc_slice names[CANDIDATES_MAX];
    size_t count = 0;
    if (!arc__sink_keeps(params->check->sink))
        return ARC_NONE;
    while (count < params->count && count < CANDIDATES_MAX) {
        names[count] = params->list[count].name->text;
        count++;
    }
    arc_slice near = arc__nearest(name, names, count);
    if (near.len > 0 || count > 0)
        return arc__did_you_mean(params->check->sink, near);
    return ARC_LIT("the template declares no `params`");
}

static arc_slice quoted(const struct arc_params *params, arc_slice text)
{
    return arc__quoted(params->check->sink, text);
}

static int is_scalar(const struct arc_node *node)
{
    return node != NULL && node->kind > ARC_NODE_NULL && node->kind < ARC_NODE_LIST;
}

/* --- values and their types --------------------------------------------------------------- */

static const char *expected(enum arc_param_type type)
{
    static const char *const phrases[] = {"a text", "`true` or `false`", "a number",
                                          "one of its options"};
    return phrases[type];
}

static int fits(const struct arc_param *param, const struct arc_node *value)
{
    switch (param->type) {
    case ARC_PARAM_BOOLEAN:
        return value->kind == ARC_NODE_BOOL;
    case ARC_PARAM_NUMBER:
        return value->kind == ARC_NODE_INT || value->kind == ARC_NODE_FLOAT;
    case ARC_PARAM_STRING:
    case ARC_PARAM_ENUM:
        break;
    }
    return is_scalar(value);
}

static const struct arc_node *options_of(const struct arc_param *param)
{
    const struct arc_node *options = arc__field_get(param->node, ARC_FIELD_PARAM_OPTIONS);
    return options != NULL && options->kind == ARC_NODE_LIST && options->count > 0 ? options : NULL;
}

/* "use `a`, `b` or `c`", or the option that was probably meant. */
static arc_slice options_hint(const struct arc_params *params, const struct arc_node *options,
                              arc_slice given)
{
    struct arc_arena *arena = params->check->arena;
    arc_slice names[CANDIDATES_MAX];
    size_t count = 0;
    if (!arc__sink_keeps(params->check->sink))
        return ARC_NONE;
    for (const struct arc_node *c = options->first; c != NULL && count < CANDIDATES_MAX;
         c = c->next)
        names[count++] = c->text;
    arc_slice near = arc__nearest(given, names, count);
    if (near.len > 0)
        return arc__did_you_mean(params->check->sink, near);
    struct arc_buf buf;
    arc__buf_init(&buf, &arena->mem, 2 * OPTIONS_SHOWN_MAX);
    for (size_t i = 0; i < count && buf.len < OPTIONS_SHOWN_MAX; i++) {
        arc_slice shown = quoted(params, names[i]);
        arc__buf_add_cstr(&buf, i == 0 ? "use " : i + 1 < count ? ", " : " or ");
        arc__buf_add_slice(&buf, shown);
    }
    arc_slice text = buf.failed == ARC_OK ? arc__arena_copy(arena, arc__buf_slice(&buf)) : ARC_NONE;
    arc__buf_deinit(&buf);
    return text;
}

/* 1: the value has the type and is one of the options. */
static int check_value(struct arc_params *params, struct arc_param *param,
                       const struct arc_node *value, const struct arc_path *path)
{
    struct arc_sink *sink = params->check->sink;
    const struct arc_node *options = options_of(param);
    arc_slice name = quoted(params, param->name->text);
    struct arc_diag *diag;
    if (!fits(param, value)) {
        arc_slice shown = value->kind == ARC_NODE_LIST  ? ARC_LIT("a list")
                          : value->kind == ARC_NODE_MAP ? ARC_LIT("a map")
                                                        : quoted(params, value->text);
        diag = arc__diag_add(sink, ARC_DIAG_PARAM_TYPE, path, &value->mark, ARC_NONE,
                             ARC_ARGS(name, arc__slice_cstr(expected(param->type)), shown));
    } else {
        const struct arc_node *c = options != NULL ? options->first : NULL;
        while (c != NULL && !arc__slice_equal(c->text, value->text))
            c = c->next;
        if (options == NULL || c != NULL)
            return 1;
        diag = arc__diag_add(sink, ARC_DIAG_PARAM_OPTION, path, &value->mark,
                             options_hint(params, options, value->text),
                             ARC_ARGS(name, quoted(params, value->text)));
    }
    if (value->mark.file != param->name->mark.file)
        arc__diag_relate(sink, diag, &param->name->mark, "it is declared here");
    return 0;
}

/* --- declaring ---------------------------------------------------------------------------- */

static void check_declaration(struct arc_params *params, struct arc_param *param)
{
    struct arc_sink *sink = params->check->sink;
    const struct arc_node *standard = arc__field_get(param->node, ARC_FIELD_PARAM_DEFAULT);
    const struct arc_node *required = arc__field_get(param->node, ARC_FIELD_PARAM_REQUIRED);
    struct arc_path list = {NULL, ARC_LIT("params"), 0};
    struct arc_path item = {&list, ARC_NONE, param->order};
    if (param->type == ARC_PARAM_ENUM && options_of(param) == NULL) {
        param->broken = 1;
        if (!params->repeated)
            (void)arc__diag_add(sink, ARC_DIAG_PARAM_OPTIONS, &item, &param->name->mark, ARC_NONE,
                                ARC_ARGS(quoted(params, param->name->text)));
    }
    if (standard == NULL || !is_scalar(standard))
        return; /* another type was spoken of by the shape */
    struct arc_path here = {&item, standard->key, 0};
    param->value = standard;
    if (required != NULL && required->kind == ARC_NODE_BOOL && required->number) {
        if (!params->repeated)
            (void)arc__diag_add(sink, ARC_DIAG_PARAM_DEFAULT, &here, &standard->key_mark, ARC_NONE,
                                ARC_ARGS(quoted(params, param->name->text)));
        param->value = NULL;
    }
    if (!param->broken && !check_value(params, param, standard, &here))
        param->broken = 1;
}

static enum arc_param_type type_of(const struct arc_node *map)
{
    arc_slice word = arc__field_text(map, ARC_FIELD_PARAM_TYPE);
    int index = arc__word_index(arc__field(ARC_FIELD_PARAM_TYPE)->words, word);
    return index > 0 ? (enum arc_param_type)index : ARC_PARAM_STRING;
}

int arc__params_declare(struct arc_params *params, const struct arc_node *list)
{
    uint32_t order = 0, kept = 0;
    if (list == NULL || list->kind != ARC_NODE_LIST || list->count == 0)
        return 1;
    params->list = arc__arena_array(params->check->arena, list->count, sizeof(*params->list));
    if (params->list == NULL)
        return 0;
    for (const struct arc_node *c = list->first; c != NULL; c = c->next, order++) {
        const struct arc_node *name = arc__field_get(c, ARC_FIELD_PARAM_NAME);
        if (is_scalar(name))
            params->list[params->count++] =
                (struct arc_param){.node = c, .name = name, .type = type_of(c), .order = order};
    }
    qsort(params->list, params->count, sizeof(*params->list), by_name);
    for (uint32_t i = 0; i < params->count; i++) {
        struct arc_param *param = &params->list[i];
        if (kept > 0 && arc__slice_equal(params->list[kept - 1].name->text, param->name->text)) {
            struct arc_path up = {NULL, ARC_LIT("params"), 0};
            struct arc_path item = {&up, ARC_NONE, param->order};
            struct arc_diag *diag =
                arc__diag_add(params->check->sink, ARC_DIAG_PARAM_TWICE, &item, &param->name->mark,
                              ARC_NONE, ARC_ARGS(quoted(params, param->name->text)));
            arc__diag_relate(params->check->sink, diag, &params->list[kept - 1].name->mark,
                             "the first one is here");
            continue;
        }
        check_declaration(params, param);
        params->list[kept++] = *param;
    }
    params->count = kept;
    return 1;
}

/* --- giving ------------------------------------------------------------------------------- */

static void give_one(struct arc_params *params, const struct arc_node *given,
                     const struct arc_path *path)
{
    struct arc_param *param = find(params, given->key);
    if (param == NULL) {
        (void)arc__diag_add(params->check->sink, ARC_DIAG_PARAM_UNKNOWN, path, &given->key_mark,
                            nearest(params, given->key),
                            ARC_ARGS(params->template_, quoted(params, given->key)));
        return;
    }
    if (given->kind == ARC_NODE_NULL)
        return; /* a key without a value is as good as absent */
    param->value = given;
    if (param->broken || !check_value(params, param, given, path))
        param->broken = 1;
}

void arc__params_give(struct arc_params *params, const struct arc_node *entry,
                      const struct arc_path *path)
{
    const struct arc_node *given = arc__field_get(entry, ARC_FIELD_INCLUDE_PARAMS);
    const struct arc_node *name = arc__field_get(entry, ARC_FIELD_INCLUDE_TEMPLATE);
    if (given != NULL && given->kind == ARC_NODE_MAP) {
        struct arc_path up = {path, given->key, 0};
        for (const struct arc_node *c = given->first; c != NULL; c = c->next) {
            struct arc_path here = {&up, c->key, 0};
            give_one(params, c, &here);
        }
    }
    for (uint32_t i = 0; i < params->count; i++) {
        struct arc_param *param = &params->list[i];
        const struct arc_node *required = arc__field_get(param->node, ARC_FIELD_PARAM_REQUIRED);
        if (param->value != NULL || required == NULL || !required->number)
            continue;
        arc_slice hint = arc__arena_printf(params->check->arena, "add `params: {%.*s: …}`",
                                           ARC_ARG(param->name->text));
        struct arc_diag *diag =
            arc__diag_add(params->check->sink, ARC_DIAG_PARAM_MISSING, path, &name->mark, hint,
                          ARC_ARGS(params->template_, quoted(params, param->name->text)));
        arc__diag_relate(params->check->sink, diag, &param->name->mark, "it is declared here");
        param->broken = 1;
    }
}

/* --- placeholders ------------------------------------------------------------------------- */

enum piece_kind { PIECE_TEXT, PIECE_PARAM, PIECE_MISUSE };

struct piece {
    enum piece_kind kind;
    arc_slice raw;  /* as written, with its braces */
    arc_slice name; /* PARAM: of the parameter; MISUSE: the expression */
};

static int is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* 1: the expression looks into `params`, outside of quotes. */
static int names_params(arc_slice text)
{
    static const char word[] = "params";
    char quote = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (quote != 0 || c == '"' || c == '\'') {
            quote = quote == 0 ? c : c == quote ? 0 : quote;
            continue;
        }
        size_t end = i + sizeof(word) - 1;
        if (end >= text.len || memcmp(text.ptr + i, word, sizeof(word) - 1) != 0 ||
            (i > 0 && (is_word(text.ptr[i - 1]) || text.ptr[i - 1] == '.')))
            continue;
        if (text.ptr[end] == '.' || text.ptr[end] == '[')
            return 1;
    }
    return 0;
}

static struct piece piece_of(arc_slice raw, arc_slice expression)
{
    static const char prefix[] = "params.";
    if (arc__slice_starts(expression, ARC_LIT("params."))) {
        arc_slice name = arc__slice_from(expression, sizeof(prefix) - 1);
        if (arc__form_ident(name))
            return (struct piece){PIECE_PARAM, raw, name};
    }
    return (struct piece){names_params(expression) ? PIECE_MISUSE : PIECE_TEXT, raw, expression};
}

/* The next piece of *rest, which becomes what follows it; 0: no more. */
static int next_piece(arc_slice *rest, struct piece *piece)
{
    struct arc_template_part part;
    arc_slice before = *rest;
    if (!arc__template_next(before, rest, &part))
        return 0;
    arc_slice raw = arc__slice(before.ptr, before.len - rest->len);
    *piece = part.expression && !part.open ? piece_of(raw, part.text)
                                           : (struct piece){PIECE_TEXT, raw, ARC_NONE};
    return 1;
}

/* Where a piece stands in the source, or the whole scalar where it is written another way there. */
static struct arc_span span_of(const struct arc_params *params, const struct arc_node *node,
                               const struct piece *piece)
{
    struct arc_span span = node->mark;
    arc_slice source = arc__diags_source(params->check->sink->diags, span.file);
    if (span.end > source.len || span.offset > span.end)
        return span;
    const char *from = source.ptr + span.offset;
    const char *at = memmem(from, span.end - span.offset, piece->raw.ptr, piece->raw.len);
    if (at == NULL)
        return span;
    span.offset = (uint32_t)(at - source.ptr);
    span.end = span.offset + (uint32_t)piece->raw.len;
    return span;
}

/* Nothing more is said of this place: its text is not what it would be. */
static void mute(struct arc_params *params, const struct arc_node *node)
{
    struct arc_sink *sink = params->check->sink;
    struct arc_mute *mute =
        sink->muted_count < MUTED_MAX ? ARC_ARENA_NEW(sink->arena, struct arc_mute) : NULL;
    sink->muted_count++;
    if (mute == NULL) {
        params->check->stop = 1;
        return;
    }
    *mute = (struct arc_mute){sink->muted, node->mark};
    sink->muted = mute;
}

/* The parameter of a piece; NULL where there is none, of which is spoken here. */
static struct arc_param *param_of(struct arc_params *params, const struct arc_node *node,
                                  const struct piece *piece)
{
    struct arc_param *param = piece->kind == PIECE_PARAM ? find(params, piece->name) : NULL;
    if (param != NULL) {
        param->used = 1;
        return param;
    }
    struct arc_span span = span_of(params, node, piece);
    if (piece->kind == PIECE_PARAM)
        (void)arc__diag_add(params->check->sink, ARC_DIAG_PLACEHOLDER, NULL, &span,
                            nearest(params, piece->name),
                            ARC_ARGS(params->template_, quoted(params, piece->name)));
    else
        (void)arc__diag_add(params->check->sink, ARC_DIAG_PLACEHOLDER_FORM, NULL, &span, ARC_NONE,
                            ARC_ARGS(quoted(params, piece->name)));
    return NULL;
}

/* The whole scalar is one placeholder: the value with its type. */
static void put_value(struct arc_node *node, const struct arc_param *param)
{
    const struct arc_node *value = param->value;
    int typed = param->type == ARC_PARAM_BOOLEAN || param->type == ARC_PARAM_NUMBER;
    node->text = ARC_LIT("");
    node->number = 0;
    node->plain = 0;
    if (param->broken)
        return; /* an empty text in a place of which nothing is said */
    node->kind = value == NULL ? ARC_NODE_NULL : typed ? value->kind : ARC_NODE_TEXT;
    if (value == NULL)
        return;
    node->text = value->text;
    if (!typed)
        return;
    node->plain = value->plain;
    if (value->kind == ARC_NODE_FLOAT)
        node->real = value->real;
    else
        node->number = value->number;
}

/* What a text becomes: its length, and whether it changes at all. Findings are made here. */
struct outcome {
    uint64_t len;
    int changes, broken;
};

static struct outcome measure(struct arc_params *params, const struct arc_node *node,
                              struct arc_param **whole)
{
    struct outcome outcome = {0, 0, 0};
    arc_slice rest = node->text;
    struct piece piece;
    *whole = NULL;
    while (next_piece(&rest, &piece)) {
        if (piece.kind == PIECE_TEXT) {
            outcome.len += piece.raw.len;
            continue;
        }
        struct arc_param *param = param_of(params, node, &piece);
        outcome.changes = 1;
        outcome.broken |= param == NULL || param->broken;
        if (param != NULL && param->value != NULL)
            outcome.len += param->value->text.len;
        if (piece.raw.len == node->text.len)
            *whole = param;
    }
    return outcome;
}

static void fill(const struct arc_params *params, arc_slice text, char *out)
{
    struct piece piece;
    while (next_piece(&text, &piece)) {
        const struct arc_param *param = piece.kind == PIECE_PARAM ? find(params, piece.name) : NULL;
        arc_slice add = piece.kind == PIECE_TEXT                ? piece.raw
                        : param != NULL && param->value != NULL ? param->value->text
                                                                : ARC_NONE;
        if (add.len > 0)
            memcpy(out, add.ptr, add.len);
        out += add.len;
    }
}

/* 0: stop. */
static int expand_text(struct arc_params *params, struct arc_node *node)
{
    struct arc_check *check = params->check;
    struct arc_param *whole;
    struct outcome outcome = measure(params, node, &whole);
    if (!outcome.changes)
        return 1;
    if (!arc__include_count_bytes(check, params->bytes, outcome.len, &node->mark))
        return 0;
    if (outcome.len > check->limits.string_bytes) {
        (void)arc__diag_add(check->sink, ARC_DIAG_TEXT_SIZE, NULL, &node->mark, ARC_NONE,
                            ARC_ARGS(arc__decimal(check->sink, outcome.len),
                                     arc__decimal(check->sink, check->limits.string_bytes)));
        return 0;
    }
    node->expanded = 1;
    node->braceless = 0;
    if (outcome.broken)
        mute(params, node);
    if (whole != NULL) {
        put_value(node, whole);
        return 1;
    }
    char *text = arc__arena_alloc(check->arena, (size_t)outcome.len + 1);
    if (text == NULL)
        return 0;
    fill(params, node->text, text);
    node->text = arc__slice(text, (size_t)outcome.len);
    return 1;
}

/* The recursion is bounded by the depth limit of documents. NULL: stop. */
static struct arc_node *expand(struct arc_params *params, const struct arc_node *node)
{
    struct arc_node *copy = ARC_ARENA_NEW(params->check->arena, struct arc_node);
    if (copy == NULL)
        return NULL;
    *copy = *node;
    copy->next = NULL;
    if (node->kind == ARC_NODE_TEXT)
        return expand_text(params, copy) ? copy : NULL;
    if (node->kind < ARC_NODE_LIST)
        return copy;
    struct arc_node **tail = &copy->first;
    for (const struct arc_node *c = node->first; c != NULL; c = c->next) {
        struct arc_node *child = expand(params, c);
        if (child == NULL)
            return NULL;
        *tail = child;
        tail = &child->next;
    }
    *tail = NULL;
    return copy;
}

static void check_unused(struct arc_params *params)
{
    for (uint32_t i = 0; i < params->count; i++) {
        const struct arc_param *param = &params->list[i];
        struct arc_path list = {NULL, ARC_LIT("params"), 0};
        struct arc_path item = {&list, ARC_NONE, param->order};
        if (!param->used && !params->repeated)
            (void)arc__diag_add(params->check->sink, ARC_DIAG_PARAM_UNUSED, &item,
                                &param->name->mark, ARC_NONE,
                                ARC_ARGS(quoted(params, param->name->text)));
    }
}

const struct arc_node *arc__params_expand(struct arc_params *params, const struct arc_node *root)
{
    struct arc_node *copy = ARC_ARENA_NEW(params->check->arena, struct arc_node);
    if (copy == NULL)
        return NULL;
    *copy = *root;
    struct arc_node **tail = &copy->first;
    const struct arc_node *declared = arc__field_get(root, ARC_FIELD_TEMPLATE_PARAMS);
    for (const struct arc_node *c = root->first; c != NULL; c = c->next) {
        struct arc_node *child = c == declared
                                     ? ARC_ARENA_NEW(params->check->arena, struct arc_node)
                                     : expand(params, c);
        if (child == NULL)
            return NULL;
        if (c == declared)
            *child = *c;
        *tail = child;
        tail = &child->next;
    }
    *tail = NULL;
    check_unused(params);
    return copy;
}
