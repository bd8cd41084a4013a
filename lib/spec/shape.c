/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over the tree with the field table in hand: unknown keys, types, forms of values,
 * templates. What holds between parts is in rules.c. */
#include "spec/shape.h"

#include "base/text.h"
#include "base/time.h"
#include "core/template.h"
#include "spec/hints.h"
#include "spec/rules.h"

static arc_slice key_name(struct arc_check *check, const struct arc_field *field)
{
    return arc__quoted(check->sink, arc__slice_cstr(field->key));
}

/* "An item of `steps`" */
static arc_slice item_name(struct arc_check *check, const struct arc_field *field)
{
    if (!arc__sink_keeps(check->sink))
        return ARC_NONE;
    return arc__arena_printf(check->arena, "An item of `%s`", field->key);
}

static arc_slice kind_phrase(struct arc_check *check, const struct arc_node *node)
{
    switch (node->kind) {
    case ARC_NODE_NULL:
        return ARC_LIT("nothing");
    case ARC_NODE_BOOL:
    case ARC_NODE_INT:
    case ARC_NODE_FLOAT:
        return arc__quoted(check->sink, node->text);
    case ARC_NODE_TEXT:
        return ARC_LIT("a text");
    case ARC_NODE_LIST:
        return ARC_LIT("a list");
    case ARC_NODE_MAP:
        return ARC_LIT("a map");
    }
    return ARC_LIT("this");
}

static int is_scalar(const struct arc_node *node)
{
    return node->kind > ARC_NODE_NULL && node->kind < ARC_NODE_LIST;
}

void arc__shape_type(struct arc_check *check, const struct arc_node *node,
                     const struct arc_path *path, arc_slice what, const char *expected,
                     arc_slice hint)
{
    check->obscured = 1;
    (void)arc__diag_add(check->sink, ARC_DIAG_TYPE, path, &node->mark, hint,
                        ARC_ARGS(what, arc__slice_cstr(expected), kind_phrase(check, node)));
}

/* Text where none is expanded. 1: there was a template. */
static int refuse_template(struct arc_check *check, const struct arc_node *node,
                           const struct arc_field *field, const struct arc_path *path)
{
    if (!arc__node_template(node))
        return 0;
    (void)arc__diag_add(check->sink, ARC_DIAG_NO_TEMPLATE, path, &node->mark, ARC_NONE,
                        ARC_ARGS(key_name(check, field)));
    return 1;
}

/* --- forms of text ------------------------------------------------------------------------ */

static void check_form(struct arc_check *check, const struct arc_node *node,
                       const struct arc_field *field, const struct arc_path *path)
{
    enum arc_diag_code code;
    int good;
    switch (field->type) {
    case ARC_TYPE_NAME:
        code = ARC_DIAG_NAME;
        good = arc__form_name(node->text, 64);
        break;
    case ARC_TYPE_NAMESPACE:
        code = ARC_DIAG_NAMESPACE;
        good = arc__form_name(node->text, 128);
        break;
    case ARC_TYPE_VERSION:
        code = ARC_DIAG_VERSION;
        good = arc__form_version(node->text);
        break;
    case ARC_TYPE_IDENT:
        code = ARC_DIAG_IDENTIFIER;
        good = arc__form_ident(node->text);
        break;
    case ARC_TYPE_USES:
        code = ARC_DIAG_USES;
        good = arc__form_uses(node->text);
        break;
    case ARC_TYPE_PATH:
        code = ARC_DIAG_OUTSIDE;
        good = arc__node_template(node) || arc__path_inside(node->text);
        break;
    default:
        return;
    }
    if (!good)
        (void)arc__diag_add(check->sink, code, path, &node->mark,
                            code == ARC_DIAG_NAME || code == ARC_DIAG_NAMESPACE
                                ? arc__hint_name(check, node->text)
                                : ARC_NONE,
                            ARC_ARGS(arc__quoted(check->sink, node->text)));
}

static void check_text(struct arc_check *check, const struct arc_node *node,
                       const struct arc_field *field, const struct arc_path *path)
{
    if (!is_scalar(node)) {
        arc__shape_type(check, node, path, key_name(check, field), "a text",
                        arc__hint_text(node, field));
        return;
    }
    int nonempty = (field->flags & ARC_FIELD_FLAG_NONEMPTY) != 0 || field->type == ARC_TYPE_GROUP;
    if (nonempty && arc__slice_trim(node->text).len == 0)
        (void)arc__diag_add(check->sink, ARC_DIAG_EMPTY_TEXT, path, &node->mark, ARC_NONE,
                            ARC_ARGS(key_name(check, field)));
    if ((field->flags & ARC_FIELD_FLAG_TEMPLATE) != 0) {
        arc__template_check(check, node, field, path,
                            field->id == ARC_FIELD_STEP_RUN ? ARC_IN_SCRIPT : ARC_IN_VALUE, NULL);
        if (field->id == ARC_FIELD_STEP_RUN)
            arc__check_plain(check, node, path, ARC_PLAIN_ELSEWHERE);
    } else if (refuse_template(check, node, field, path))
        return;
    check_form(check, node, field, path);
}

static int digits_only(arc_slice text)
{
    int dots = 0;
    for (size_t i = 0; i < text.len; i++) {
        dots += text.ptr[i] == '.';
        if (text.ptr[i] != '.' && (text.ptr[i] < '0' || text.ptr[i] > '9'))
            return 0;
    }
    return text.len > 0 && dots <= 1;
}

static void check_duration(struct arc_check *check, const struct arc_node *node,
                           const struct arc_field *field, const struct arc_path *path)
{
    int64_t ns;
    arc_status status;
    if (!is_scalar(node) || node->kind == ARC_NODE_BOOL) {
        arc__shape_type(check, node, path, key_name(check, field), "a duration like `90s`",
                        ARC_NONE);
        return;
    }
    status = arc__duration_parse(node->text, &ns, NULL);
    if (status == ARC_OK || refuse_template(check, node, field, path))
        return;
    arc_slice quoted = arc__quoted(check->sink, node->text);
    if (digits_only(node->text)) {
        arc_slice hint = node->text.len > 20
                             ? ARC_NONE
                             : arc__arena_printf(check->arena, "write `%.*ss` if it is seconds",
                                                 ARC_ARG(node->text));
        (void)arc__diag_add(check->sink, ARC_DIAG_DURATION_UNIT, path, &node->mark, hint,
                            ARC_ARGS(quoted));
        return;
    }
    int long_one = status == ARC_ELIMIT;
    (void)arc__diag_add(check->sink, long_one ? ARC_DIAG_DURATION_LONG : ARC_DIAG_DURATION, path,
                        &node->mark, long_one ? ARC_NONE : arc__hint_duration(check, node->text),
                        ARC_ARGS(quoted));
}

static void check_int(struct arc_check *check, const struct arc_node *node,
                      const struct arc_field *field, const struct arc_path *path)
{
    int64_t low = 0, high = INT64_MAX;
    arc_slice rest, bounds = arc__slice_cstr(field->words);
    arc_slice first = arc__slice_cut(bounds, '.', &rest);
    arc_slice second = arc__slice_from(rest, 1);
    (void)arc__slice_to_i64(first, &low); /* the table's; a test reads every row */
    (void)arc__slice_to_i64(second, &high);
    if (node->kind != ARC_NODE_INT) {
        arc__shape_type(check, node, path, key_name(check, field), "a whole number",
                        node->kind == ARC_NODE_TEXT && digits_only(node->text)
                            ? ARC_LIT("remove the quotes")
                            : ARC_NONE);
        return;
    }
    if (node->number < low || node->number > high)
        (void)arc__diag_add(
            check->sink, ARC_DIAG_BOUNDS, path, &node->mark, ARC_NONE,
            ARC_ARGS(key_name(check, field), arc__quoted(check->sink, node->text), first, second));
}

/* "use `a`, `b` or `c`" */
static arc_slice word_list(struct arc_check *check, const char *words)
{
    struct arc_buf buf;
    arc_slice left = arc__slice_cstr(words), word;
    arc__buf_init(&buf, &check->arena->mem, 1024);
    for (const char *before = "use "; arc__word_next(&left, &word); before = NULL) {
        arc__buf_add_cstr(&buf, before != NULL ? before : left.len > 0 ? ", " : " or ");
        arc__buf_printf(&buf, "`%.*s`", ARC_ARG(word));
    }
    arc_slice text = arc__arena_copy(check->arena, arc__buf_slice(&buf));
    check->arena->failed |= buf.failed != ARC_OK;
    arc__buf_deinit(&buf);
    return text;
}

static arc_slice nearest_word(const char *words, arc_slice word)
{
    arc_slice candidates[16], left = arc__slice_cstr(words);
    size_t count = 0;
    while (count < ARC_COUNT_OF(candidates) && arc__word_next(&left, &candidates[count]))
        count++;
    return arc__nearest(word, candidates, count);
}

/* `type: push` means an event of that type. */
static arc_slice event_hint(struct arc_check *check, arc_slice text, arc_slice hint)
{
    static const char *const events = "push pull_request merge_request tag release webhook";
    return arc__word_index(events, text) < 0
               ? hint
               : arc__arena_printf(check->arena, "write `type: event` and `eventType: %.*s`",
                                   ARC_ARG(text));
}

static void check_word(struct arc_check *check, const struct arc_node *node,
                       const struct arc_field *field, const struct arc_path *path)
{
    if (!is_scalar(node)) {
        arc__shape_type(check, node, path, key_name(check, field), "a word",
                        word_list(check, field->words));
        return;
    }
    if (arc__word_index(field->words, node->text) >= 0)
        return;
    arc_slice hint = arc__did_you_mean(check->sink, nearest_word(field->words, node->text));
    if (field->id == ARC_FIELD_TRIGGER_TYPE)
        hint = event_hint(check, node->text, hint);
    if (hint.len == 0)
        hint = word_list(check, field->words);
    (void)arc__diag_add(check->sink, ARC_DIAG_WORD, path, &node->mark, hint,
                        ARC_ARGS(arc__quoted(check->sink, node->text), key_name(check, field)));
}

static void check_bool(struct arc_check *check, const struct arc_node *node,
                       const struct arc_field *field, const struct arc_path *path)
{
    if (node->kind == ARC_NODE_BOOL)
        return;
    arc__shape_type(check, node, path, key_name(check, field), "`true` or `false`",
                    arc__hint_bool(node));
}

/* --- conditions --------------------------------------------------------------------------- */

/* A condition in braces, shown without them. */
static arc_slice bare_condition(struct arc_check *check, arc_slice text)
{
    struct arc_template_part part;
    struct arc_buf buf;
    arc_slice rest = text, shown = ARC_NONE;
    arc__buf_init(&buf, &check->arena->mem, 512);
    while (arc__template_next(text, &rest, &part))
        arc__buf_add_slice(&buf, part.text);
    arc_slice bare = arc__buf_slice(&buf);
    if (buf.failed == ARC_OK && bare.len <= 120 &&
        (bare.len == 0 || memchr(bare.ptr, '\n', bare.len) == NULL))
        shown = arc__arena_printf(check->arena, "write `%.*s`", ARC_ARG(bare));
    arc__buf_deinit(&buf);
    return shown.len > 0 ? shown : ARC_LIT("write it without them");
}

static void never(struct arc_check *check, const struct arc_node *node,
                  const struct arc_field *field, const struct arc_path *path)
{
    const char *what = field->object == ARC_OBJECT_STAGE ? "The stage"
                       : field->object == ARC_OBJECT_JOB ? "The job"
                                                         : "The step";
    if (field->object == ARC_OBJECT_STAGE && check->stage != NULL)
        check->stage->never = 1;
    if (field->object == ARC_OBJECT_JOB && check->job != NULL)
        check->job->never = 1;
    (void)arc__diag_add(check->sink, ARC_DIAG_NEVER, path, &node->mark, ARC_NONE,
                        ARC_ARGS(arc__slice_cstr(what)));
}

static void check_when(struct arc_check *check, const struct arc_node *node,
                       const struct arc_field *field, const struct arc_path *path)
{
    arc_slice text = arc__slice_trim(node->text);
    if (node->kind == ARC_NODE_BOOL) {
        if (!node->number)
            never(check, node, field, path);
        return;
    }
    if (node->kind != ARC_NODE_TEXT) {
        arc__shape_type(check, node, path, key_name(check, field), "a condition",
                        ARC_LIT("write one expression, like `when: trigger.branch == 'main'`"));
        return;
    }
    if (arc__template_any(text)) {
        (void)arc__diag_add(check->sink, ARC_DIAG_CONDITION_BRACES, path, &node->mark,
                            bare_condition(check, text), ARC_NO_ARGS);
        arc__mark_words(check, text);
        return;
    }
    if (text.len == 0)
        (void)arc__diag_add(check->sink, ARC_DIAG_EMPTY_TEXT, path, &node->mark, ARC_NONE,
                            ARC_ARGS(key_name(check, field)));
    else if (arc__condition_check(check, node, field, path))
        never(check, node, field, path);
}

/* --- maps and lists of scalars ------------------------------------------------------------ */

/* A key of a map whose keys are free. */
static void check_free_key(struct arc_check *check, const struct arc_node *child,
                           const struct arc_path *path)
{
    if (arc__template_any(child->key))
        (void)arc__diag_add(check->sink, ARC_DIAG_NO_TEMPLATE, path, &child->key_mark, ARC_NONE,
                            ARC_ARGS(ARC_LIT("keys")));
}

static void check_entry(struct arc_check *check, const struct arc_node *child,
                        const struct arc_field *field, const struct arc_path *path)
{
    int named = field->type == ARC_TYPE_ENV && arc__form_env_name(child->key);
    if (!named) /* a name has no braces */
        check_free_key(check, child, path);
    if (field->type == ARC_TYPE_ENV && !named && !arc__template_any(child->key))
        (void)arc__diag_add(check->sink, ARC_DIAG_ENV_NAME, path, &child->key_mark, ARC_NONE,
                            ARC_ARGS(arc__quoted(check->sink, child->key)));
    if (field->type != ARC_TYPE_ENV && child->key.len == 0)
        (void)arc__diag_add(check->sink, ARC_DIAG_EMPTY_TEXT, path, &child->key_mark, ARC_NONE,
                            ARC_ARGS(arc__arena_printf(check->arena, "A key of `%s`", field->key)));
    if (field->id == ARC_FIELD_JOB_OUTPUTS && child->key.len > 0 &&
        !arc__template_any(child->key) && !arc__form_name(child->key, 64))
        (void)arc__diag_add(check->sink, ARC_DIAG_NAME, path, &child->key_mark, ARC_NONE,
                            ARC_ARGS(arc__quoted(check->sink, child->key)));
    if (!is_scalar(child)) {
        arc__shape_type(check, child, path, arc__quoted(check->sink, child->key), "a text",
                        child->kind == ARC_NODE_NULL ? ARC_LIT("write `\"\"` for an empty text")
                                                     : ARC_NONE);
        return;
    }
    if (field->id == ARC_FIELD_STEP_SECRETS && arc__slice_trim(child->text).len == 0)
        (void)arc__diag_add(check->sink, ARC_DIAG_EMPTY_TEXT, path, &child->mark, ARC_NONE,
                            ARC_ARGS(arc__quoted(check->sink, child->key)));
    if (field->type == ARC_TYPE_VARIABLES) { /* its templates were looked at before */
        arc__check_plain(check, child, path, ARC_PLAIN_ELSEWHERE);
        return;
    }
    int expanded = (field->flags & ARC_FIELD_FLAG_TEMPLATE) != 0;
    if (expanded)
        arc__template_check(check, child, field, path, ARC_IN_VALUE, NULL);
    else
        (void)refuse_template(check, child, field, path);
    if (field->type == ARC_TYPE_ENV && expanded) /* names of secrets are none */
        arc__check_plain(check, child, path, ARC_PLAIN_HERE);
}

static void check_text_map(struct arc_check *check, const struct arc_node *node,
                           const struct arc_field *field, const struct arc_path *path)
{
    if (node->kind != ARC_NODE_MAP) {
        arc__shape_type(check, node, path, key_name(check, field), "a map of texts",
                        node->kind == ARC_NODE_LIST
                            ? ARC_LIT("write `NAME: value` lines without `-`")
                            : ARC_NONE);
        return;
    }
    for (const struct arc_node *c = node->first; c != NULL; c = c->next) {
        struct arc_path here = {path, c->key, 0};
        check_entry(check, c, field, &here);
    }
}

/* Any value: templates in every text of it. `in` is how those at this level are read. */
static void check_any(struct arc_check *check, const struct arc_node *node,
                      const struct arc_field *field, const struct arc_path *path,
                      enum arc_template_in in)
{
    uint32_t index = 0;
    if (node->kind == ARC_NODE_TEXT)
        arc__template_check(check, node, field, path, in, NULL);
    if (node->kind < ARC_NODE_LIST)
        return;
    for (const struct arc_node *c = node->first; c != NULL; c = c->next, index++) {
        struct arc_path here = {path, node->kind == ARC_NODE_MAP ? c->key : ARC_NONE, index};
        if (node->kind == ARC_NODE_MAP)
            check_free_key(check, c, &here);
        check_any(check, c, field, &here, in);
    }
}

/* The arguments of the shell that are scripts: outside values must not be pasted into them. */
static int is_script(arc_slice key)
{
    return arc__word_index("run script command commands", key) >= 0;
}

static void check_map(struct arc_check *check, const struct arc_node *node,
                      const struct arc_field *field, const struct arc_path *path,
                      const struct arc_node *owner)
{
    if (node->kind != ARC_NODE_MAP) {
        arc__shape_type(check, node, path, key_name(check, field), "a map",
                        node->kind == ARC_NODE_LIST
                            ? ARC_LIT("write `NAME: value` lines without `-`")
                            : ARC_NONE);
        return;
    }
    if ((field->flags & ARC_FIELD_FLAG_TEMPLATE) == 0)
        return;
    int shell = field->id == ARC_FIELD_STEP_ARGS &&
                (arc__field_get(owner, ARC_FIELD_STEP_RUN) != NULL ||
                 arc__uses_shell(arc__field_text(owner, ARC_FIELD_STEP_USES)));
    for (const struct arc_node *c = node->first; c != NULL; c = c->next) {
        struct arc_path here = {path, c->key, 0};
        check_free_key(check, c, &here);
        int script = shell && is_script(c->key);
        check_any(check, c, field, &here, script ? ARC_IN_SCRIPT : ARC_IN_VALUE);
        arc__check_plain(check, c, &here, script ? ARC_PLAIN_ELSEWHERE : ARC_PLAIN_HERE);
    }
}

/* 1: the list may be walked. */
static int check_list(struct arc_check *check, const struct arc_node *node,
                      const struct arc_field *field, const struct arc_path *path,
                      const char *expected, arc_slice hint)
{
    if (node->kind != ARC_NODE_LIST) {
        arc__shape_type(check, node, path, key_name(check, field), expected, hint);
        return 0;
    }
    if (node->count == 0 && (field->flags & ARC_FIELD_FLAG_NONEMPTY) != 0)
        (void)arc__diag_add(check->sink, ARC_DIAG_EMPTY_LIST, path, &node->mark, ARC_NONE,
                            ARC_ARGS(key_name(check, field)));
    return 1;
}

static void check_scalars(struct arc_check *check, const struct arc_node *node,
                          const struct arc_field *field, const struct arc_path *path)
{
    uint32_t index = 0;
    arc_slice hint = arc__hint_brackets(check, node);
    const char *expected = field->type == ARC_TYPE_NAMES   ? "a list of names of jobs"
                           : field->type == ARC_TYPE_WORDS ? "a list of words"
                           : field->type == ARC_TYPE_GLOBS ? "a text or a list of texts"
                                                           : "a list of texts";
    if (field->type == ARC_TYPE_GLOBS && is_scalar(node)) {
        (void)refuse_template(check, node, field, path);
        return;
    }
    if (!check_list(check, node, field, path, expected, hint))
        return;
    for (const struct arc_node *c = node->first; c != NULL; c = c->next, index++) {
        struct arc_path here = {path, ARC_NONE, index};
        if (field->type == ARC_TYPE_WORDS)
            check_word(check, c, field, &here);
        else if (!is_scalar(c))
            arc__shape_type(check, c, &here, item_name(check, field),
                            field->type == ARC_TYPE_NAMES ? "the name of a job" : "a text",
                            ARC_NONE);
        else
            (void)refuse_template(check, c, field, &here);
    }
}

static void check_maps(struct arc_check *check, const struct arc_node *node,
                       const struct arc_field *field, const struct arc_path *path)
{
    uint32_t index = 0;
    if (!check_list(check, node, field, path, "a list of maps", arc__hint_list(check, node)))
        return;
    for (const struct arc_node *c = node->first; c != NULL; c = c->next, index++) {
        struct arc_path here = {path, ARC_NONE, index};
        if (c->kind != ARC_NODE_MAP)
            arc__shape_type(check, c, &here, item_name(check, field), "a map", ARC_NONE);
    }
}

/* --- objects ------------------------------------------------------------------------------ */

static void check_objects(struct arc_check *check, const struct arc_node *node,
                          const struct arc_field *field, const struct arc_path *path)
{
    uint32_t index = 0;
    if (!check_list(check, node, field, path, "a list of maps",
                    is_scalar(node) ? arc__hint_object(check, node, field->of)
                                    : arc__hint_list(check, node)))
        return;
    if (field->of == ARC_OBJECT_STEP && node->count > check->limits.steps_per_job) {
        (void)arc__diag_add(
            check->sink, ARC_DIAG_TOO_MANY, path, &node->key_mark, ARC_LIT("split the job"),
            ARC_ARGS(ARC_LIT("The job"), arc__decimal(check->sink, node->count), ARC_LIT("steps"),
                     arc__decimal(check->sink, check->limits.steps_per_job)));
    }
    for (const struct arc_node *c = node->first; c != NULL; c = c->next, index++) {
        struct arc_path here = {path, ARC_NONE, index};
        if (c->kind == ARC_NODE_MAP)
            arc__shape_object(check, c, field->of, &here);
        else
            arc__shape_type(check, c, &here, item_name(check, field), "a map",
                            arc__hint_object(check, c, field->of));
    }
}

static void check_one_object(struct arc_check *check, const struct arc_node *node,
                             const struct arc_field *field, const struct arc_path *path,
                             const char *expected)
{
    if (node->kind == ARC_NODE_MAP)
        arc__shape_object(check, node, field->of, path);
    else
        arc__shape_type(check, node, path, key_name(check, field), expected,
                        arc__hint_object(check, node, field->of));
}

void arc__shape_value(struct arc_check *check, const struct arc_node *node,
                      const struct arc_field *field, const struct arc_path *path,
                      const struct arc_node *owner)
{
    switch (field->type) {
    case ARC_TYPE_TEXT:
    case ARC_TYPE_NAME:
    case ARC_TYPE_NAMESPACE:
    case ARC_TYPE_VERSION:
    case ARC_TYPE_IDENT:
    case ARC_TYPE_USES:
    case ARC_TYPE_PATH:
        check_text(check, node, field, path);
        break;
    case ARC_TYPE_DURATION:
        check_duration(check, node, field, path);
        break;
    case ARC_TYPE_INT:
        check_int(check, node, field, path);
        break;
    case ARC_TYPE_BOOL:
        check_bool(check, node, field, path);
        break;
    case ARC_TYPE_WORD:
        check_word(check, node, field, path);
        break;
    case ARC_TYPE_WHEN:
        check_when(check, node, field, path);
        break;
    case ARC_TYPE_VARIABLES:
    case ARC_TYPE_ENV:
    case ARC_TYPE_TEXTMAP:
        check_text_map(check, node, field, path);
        break;
    case ARC_TYPE_MAP:
        check_map(check, node, field, path, owner);
        break;
    case ARC_TYPE_MAPS:
        check_maps(check, node, field, path);
        break;
    case ARC_TYPE_WORDS:
    case ARC_TYPE_TEXTS:
    case ARC_TYPE_NAMES:
    case ARC_TYPE_GLOBS:
        check_scalars(check, node, field, path);
        break;
    case ARC_TYPE_LIST:
        check_objects(check, node, field, path);
        break;
    case ARC_TYPE_NOTICES:
        if (node->kind == ARC_NODE_LIST)
            check_objects(check, node, field, path);
        else
            check_one_object(check, node, field, path, "a map or a list of maps");
        break;
    case ARC_TYPE_GROUP:
        if (is_scalar(node))
            check_text(check, node, field, path);
        else
            check_one_object(check, node, field, path, "a text or a map");
        break;
    case ARC_TYPE_OBJECT:
    case ARC_TYPE_MATRIX:
        check_one_object(check, node, field, path, "a map");
        break;
    }
}
