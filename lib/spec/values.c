/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/model.h"

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_one_of(char c, const char *set)
{
    while (*set != '\0' && *set != c)
        set++;
    return *set != '\0';
}

/* A letter or digit, then those and `more`. */
static int word_like(arc_slice text, size_t max, const char *more)
{
    if (text.len == 0 || text.len > max || (!is_letter(text.ptr[0]) && !is_digit(text.ptr[0])))
        return 0;
    for (size_t i = 1; i < text.len; i++) {
        char c = text.ptr[i];
        if (!is_letter(c) && !is_digit(c) && !is_one_of(c, more))
            return 0;
    }
    return 1;
}

int arc__form_name(arc_slice text, size_t max)
{
    return word_like(text, max, "._-");
}

int arc__form_version(arc_slice text)
{
    return word_like(text, 64, "._+-");
}

/* A letter or underscore, then letters, digits and `more`. */
static int identifier_like(arc_slice text, size_t max, const char *more)
{
    if (text.len == 0 || text.len > max || (!is_letter(text.ptr[0]) && text.ptr[0] != '_'))
        return 0;
    for (size_t i = 1; i < text.len; i++) {
        char c = text.ptr[i];
        if (!is_letter(c) && !is_digit(c) && !is_one_of(c, more))
            return 0;
    }
    return 1;
}

int arc__form_ident(arc_slice text)
{
    return identifier_like(text, 64, "_-");
}

int arc__form_env_name(arc_slice text)
{
    return identifier_like(text, 256, "_");
}

int arc__form_uses(arc_slice text)
{
    arc_slice version, rest;
    int has_version = text.len > 0 && memchr(text.ptr, '@', text.len) != NULL;
    arc_slice reference = arc__slice_cut(text, '@', &version);
    if (has_version && !arc__form_version(version))
        return 0;
    int has_owner = reference.len > 0 && memchr(reference.ptr, '/', reference.len) != NULL;
    arc_slice first = arc__slice_cut(reference, '/', &rest);
    return arc__form_name(first, 64) && (!has_owner || arc__form_name(rest, 64));
}

int arc__form_when(const struct arc_node *node, enum arc_when *out)
{
    static const struct {
        const char *text;
        enum arc_when when;
    } forms[] = {
        {"success()", ARC_WHEN_SUCCESS}, {"failure()", ARC_WHEN_FAILURE},
        {"always()", ARC_WHEN_ALWAYS},   {"cancelled()", ARC_WHEN_CANCELLED},
        {"true", ARC_WHEN_SUCCESS},      {"false", ARC_WHEN_NEVER},
    };
    if (node->kind == ARC_NODE_BOOL) {
        *out = node->number ? ARC_WHEN_SUCCESS : ARC_WHEN_NEVER;
        return 1;
    }
    arc_slice text = arc__slice_trim(node->text);
    for (size_t i = 0; i < ARC_COUNT_OF(forms); i++) {
        if (arc__slice_is(text, forms[i].text)) {
            *out = forms[i].when;
            return 1;
        }
    }
    return 0;
}

struct arc_span arc__scalar_span(const struct arc_check *check, const struct arc_node *node,
                                 size_t from, size_t to)
{
    arc_slice source = arc__diags_source(check->sink->diags, node->mark.file);
    struct arc_span span = node->mark;
    if (span.end > source.len || span.offset > span.end || to < from || to > node->text.len)
        return node->mark;
    arc_slice written = arc__slice(source.ptr + span.offset, span.end - span.offset);
    size_t quote = written.len == node->text.len + 2 ? 1 : 0;
    if (written.len != node->text.len + 2 * quote || node->text.len == 0 ||
        memcmp(written.ptr + quote, node->text.ptr, node->text.len) != 0)
        return node->mark;
    span.end = span.offset + (uint32_t)(quote + to);
    span.offset += (uint32_t)(quote + from);
    return span;
}

int arc__uses_shell(arc_slice uses)
{
    arc_slice version;
    return arc__slice_is(arc__slice_cut(uses, '@', &version), "shell");
}
