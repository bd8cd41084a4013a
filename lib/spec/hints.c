/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody most likely meant by a value that cannot stand where it stands, as a text that can
 * be pasted. */
#include "spec/hints.h"

#include "base/text.h"
#include "base/time.h"

#define SHOWN_MAX 64

static int is_one_line(const struct arc_node *node)
{
    return node->kind > ARC_NODE_NULL && node->kind < ARC_NODE_LIST &&
           node->text.len <= SHOWN_MAX && memchr(node->text.ptr, '\n', node->text.len) == NULL;
}

/* The one `%` of the form is where the text goes. */
static arc_slice filled(struct arc_check *check, const char *form, arc_slice text)
{
    arc_slice after, before = arc__slice_cut(arc__slice_cstr(form), '%', &after);
    if (strchr(form, '%') == NULL)
        return before;
    return arc__arena_printf(check->arena, "%.*s%.*s%.*s", ARC_ARG(before), ARC_ARG(text),
                             ARC_ARG(after));
}

static const char *scalar_form(enum arc_object object, arc_slice text)
{
    switch (object) {
    case ARC_OBJECT_RETRY:
        return "write `{maxAttempts: %}`";
    case ARC_OBJECT_TRIGGER:
        return arc__word_index("manual cron event", text) >= 0
                   ? "write `type: %`"
                   : "write `{type: event, eventType: %}`";
    case ARC_OBJECT_STEP:
        return "write `name: …` and `run: %`";
    case ARC_OBJECT_JOB:
        return "write `name: %` and its `steps`";
    case ARC_OBJECT_STAGE:
        return "write `name: %` and its `jobs`";
    case ARC_OBJECT_SELECTOR:
        return "write the label and its value: `{matchLabels: {os: %}}`";
    case ARC_OBJECT_RUNTIME:
        return "write `{image: %}`";
    case ARC_OBJECT_APPROVAL:
        return "write `{required: true}`";
    case ARC_OBJECT_INCLUDE:
        return "write `template: %`";
    case ARC_OBJECT_ARTIFACT:
        return "write `name: …` and `path: %`";
    default:
        return NULL;
    }
}

arc_slice arc__hint_object(struct arc_check *check, const struct arc_node *node,
                           enum arc_object object)
{
    if (!arc__sink_keeps(check->sink))
        return ARC_NONE;
    if (object == ARC_OBJECT_MATRIX && node->kind == ARC_NODE_LIST)
        return ARC_LIT("give the list a name, like `matrix: {os: [linux, windows]}`");
    if (object == ARC_OBJECT_SELECTOR && node->kind == ARC_NODE_LIST)
        return ARC_LIT("write `{matchLabels: {…}}` with each label and its value");
    int given = is_one_line(node) && node->text.len > 0;
    const char *form = given ? scalar_form(object, node->text) : NULL;
    return form != NULL ? filled(check, form, node->text) : ARC_NONE;
}

arc_slice arc__hint_list(struct arc_check *check, const struct arc_node *node)
{
    if (node->kind != ARC_NODE_MAP)
        return ARC_NONE;
    if (node->first == NULL || node->first->kind != ARC_NODE_MAP ||
        node->first->key.len > SHOWN_MAX)
        return ARC_LIT("start each item with `- `");
    return filled(check, "write `- name: %` and its keys below that", node->first->key);
}

arc_slice arc__hint_brackets(struct arc_check *check, const struct arc_node *node)
{
    if (!is_one_line(node) || memchr(node->text.ptr, '"', node->text.len) != NULL)
        return ARC_NONE;
    int quotes = !node->plain || memchr(node->text.ptr, ',', node->text.len) != NULL;
    return filled(check, quotes ? "write `[\"%\"]`" : "write `[%]`", node->text);
}

arc_slice arc__hint_text(const struct arc_node *node, const struct arc_field *field)
{
    if (field->id == ARC_FIELD_STEP_RUN && node->kind == ARC_NODE_LIST)
        return ARC_LIT("write `run: |`, and each command on a line of its own below it");
    if (field->id == ARC_FIELD_STEP_RUN && node->kind == ARC_NODE_MAP)
        return ARC_LIT("put quotes around a command that holds `: `, or write it below `run: |`");
    if (node->kind == ARC_NODE_NULL && node->mark.end > node->mark.offset)
        return ARC_LIT("put quotes around a text that starts with `&`");
    return ARC_NONE;
}

arc_slice arc__hint_bool(const struct arc_node *node)
{
    static const char *const words[][2] = {
        {"yes", "write `true`"},       {"on", "write `true`"},   {"y", "write `true`"},
        {"no", "write `false`"},       {"off", "write `false`"}, {"n", "write `false`"},
        {"1", "write `true`"},         {"0", "write `false`"},   {"true", "remove the quotes"},
        {"false", "remove the quotes"}};
    for (size_t i = 0; i < ARC_COUNT_OF(words); i++) {
        if (node->kind < ARC_NODE_LIST && node->kind > ARC_NODE_NULL &&
            arc__slice_compare_nocase(node->text, arc__slice_cstr(words[i][0])) == 0)
            return arc__slice_cstr(words[i][1]);
    }
    return ARC_NONE;
}

static int may_be_in_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_';
}

arc_slice arc__hint_name(struct arc_check *check, arc_slice text)
{
    char name[SHOWN_MAX + 1];
    size_t len = 0;
    if (text.len > SHOWN_MAX || !arc__sink_keeps(check->sink) || arc__template_any(text))
        return ARC_NONE;
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] >= 0x80)
            return ARC_NONE; /* what is left of other scripts says nothing */
        if (may_be_in_name(text.ptr[i]))
            name[len++] = text.ptr[i];
        else if (len > 0 && name[len - 1] != '-')
            name[len++] = '-';
    }
    while (len > 0 && name[len - 1] == '-')
        len--;
    if (!arc__form_name(arc__slice(name, len), SHOWN_MAX))
        return ARC_NONE;
    return arc__arena_printf(check->arena,
                             "write `%.*s`: letters, digits, `.`, `_` and `-`, and no blanks",
                             (int)len, name);
}

/* `min`, `Minutes`; NULL: no unit. */
static const char *unit_of(arc_slice word)
{
    static const char *const units[][2] = {{"ms msec millisecond milliseconds", "ms"},
                                           {"s sec secs second seconds", "s"},
                                           {"m min mins minute minutes", "m"},
                                           {"h hr hrs hour hours", "h"},
                                           {"d day days", "d"}};
    char lower[16];
    if (word.len == 0 || word.len >= sizeof(lower))
        return NULL;
    for (size_t i = 0; i < word.len; i++)
        lower[i] =
            (char)(word.ptr[i] >= 'A' && word.ptr[i] <= 'Z' ? word.ptr[i] + 32 : word.ptr[i]);
    for (size_t i = 0; i < ARC_COUNT_OF(units); i++) {
        if (arc__word_index(units[i][0], arc__slice(lower, word.len)) >= 0)
            return units[i][1];
    }
    return NULL;
}

/* The bytes at the start of the text that are digits or dots, or that are not. */
static arc_slice take_run(arc_slice *text, int digits)
{
    size_t len = 0;
    while (len < text->len && text->ptr[len] != ' ' &&
           (text->ptr[len] == '.' || (text->ptr[len] >= '0' && text->ptr[len] <= '9')) == digits)
        len++;
    arc_slice run = arc__slice(text->ptr, len);
    *text = arc__slice_trim(arc__slice_from(*text, len));
    return run;
}

arc_slice arc__hint_duration(struct arc_check *check, arc_slice text)
{
    char shown[SHOWN_MAX + 8];
    size_t len = 0;
    int64_t ns;
    if (text.len > SHOWN_MAX / 2 || !arc__sink_keeps(check->sink))
        return ARC_NONE;
    if (arc__slice_starts(text, ARC_LIT("PT"))) /* ISO 8601 */
        text = arc__slice_from(text, 2);
    for (text = arc__slice_trim(text); text.len > 0;) {
        arc_slice number = take_run(&text, 1), word = take_run(&text, 0);
        const char *unit = unit_of(word);
        if (number.len == 0 || unit == NULL || len + number.len + 2 >= sizeof(shown))
            return ARC_NONE;
        memcpy(shown + len, number.ptr, number.len);
        len += number.len;
        memcpy(shown + len, unit, strlen(unit));
        len += strlen(unit);
    }
    if (arc__duration_parse(arc__slice(shown, len), &ns, NULL) != ARC_OK)
        return ARC_NONE;
    return arc__arena_printf(check->arena, "write `%.*s`", (int)len, shown);
}
