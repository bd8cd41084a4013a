/* SPDX-License-Identifier: Apache-2.0 */
/* What looks like a secret that was written down. Only warnings come of it, so it would rather miss
 * one than speak of what is none. */
#include "spec/rules.h"

#include "core/template.h"

/* --- names -------------------------------------------------------------------------------- */

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static int is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z');
}

/* 1: that is how the name ends, whatever the case of its letters and what stands between them. */
static int ends_in(arc_slice name, arc_slice end)
{
    size_t at = name.len, left = end.len;
    for (; left > 0; at--, left--) {
        while (at > 0 && !is_alnum(name.ptr[at - 1]))
            at--;
        if (at == 0 || lower(name.ptr[at - 1]) != end.ptr[left - 1])
            return 0;
    }
    return 1;
}

/* A name that ends in one of these holds a secret: API_TOKEN, dbPassword. What only speaks of one
 * ends otherwise: TOKEN_FILE, PASSWORD_LENGTH. */
static int names_secret(arc_slice name)
{
    static const arc_slice endings[] = {
        {"token", 5},       {"password", 8},    {"passwd", 6},       {"secret", 6},
        {"apikey", 6},      {"accesskey", 9},   {"privatekey", 10},  {"secretkey", 9},
        {"passphrase", 10}, {"credential", 10}, {"credentials", 11},
    };
    while (name.len > 0 && !is_alnum(name.ptr[name.len - 1]))
        name.len--;
    char last = name.len > 0 ? lower(name.ptr[name.len - 1]) : '\0';
    for (size_t i = 0; i < ARC_COUNT_OF(endings); i++) {
        if (last == endings[i].ptr[endings[i].len - 1] && ends_in(name, endings[i]))
            return 1;
    }
    return 0;
}

/* --- values ------------------------------------------------------------------------------- */

/* Letters, digits, `_` and `-`: a bit for each character. */
static int is_token_char(char c)
{
    static const uint64_t bits[4] = {UINT64_C(0x03ff200000000000), UINT64_C(0x07fffffe87fffffe)};
    unsigned char at = (unsigned char)c;
    return (int)(bits[at / 64] >> at % 64 & 1);
}

/* How tokens of well-known services begin, and how many characters follow at least: none has fewer
 * than TOKEN_LEAST in all. */
static const struct {
    arc_slice text;
    size_t more;
} prefixes[] = {
    {{"ghp_", 4}, 20},         {{"gho_", 4}, 20},     {{"ghs_", 4}, 20}, {{"ghu_", 4}, 20},
    {{"github_pat_", 11}, 20}, {{"glpat-", 6}, 16},   {{"AKIA", 4}, 16}, {{"ASIA", 4}, 16},
    {{"xoxb-", 5}, 16},        {{"xoxp-", 5}, 16},    {{"AIza", 4}, 30}, {{"npm_", 4}, 30},
    {{"pypi-", 5}, 40},        {{"sk_live_", 8}, 16},
};

#define TOKEN_LEAST ((size_t)20)

static int is_token(arc_slice run)
{
    if (run.len < TOKEN_LEAST)
        return 0;
    for (size_t i = 0; i < ARC_COUNT_OF(prefixes); i++) {
        if (run.len >= prefixes[i].text.len + prefixes[i].more &&
            arc__slice_starts(run, prefixes[i].text))
            return 1;
    }
    return 0;
}

/* A run of as many characters cannot hide between two that are looked at. */
static int holds_token(arc_slice text)
{
    for (size_t at = TOKEN_LEAST - 1; at < text.len; at += TOKEN_LEAST) {
        size_t from = at, end = at;
        if (!is_token_char(text.ptr[at]))
            continue;
        while (from > 0 && is_token_char(text.ptr[from - 1]))
            from--;
        while (end < text.len && is_token_char(text.ptr[end]))
            end++;
        if (is_token(arc__slice(text.ptr + from, end - from)))
            return 1;
        at = end;
    }
    return 0;
}

/* The first that begins is looked behind, which is enough. */
static int holds_key(arc_slice text)
{
    static const char begin[] = "-----BEGIN ", key[] = "PRIVATE KEY-----";
    if (text.len < sizeof(begin) + sizeof(key) - 2)
        return 0;
    const char *dash;
    for (size_t at = 0; (dash = memchr(text.ptr + at, '-', text.len - at)) != NULL;) {
        size_t end = at = (size_t)(dash - text.ptr);
        while (end < text.len && text.ptr[end] == '-')
            end++;
        arc_slice rest = arc__slice_from(text, end < 5 ? 0 : end - 5);
        if (end - at >= 5 && arc__slice_starts(rest, arc__slice(begin, sizeof(begin) - 1)))
            return memmem(rest.ptr, rest.len, key, sizeof(key) - 1) != NULL;
        at = end;
    }
    return 0;
}

/* 1: the text holds a token of a known form, or a private key. */
static int holds_secret(arc_slice text)
{
    return holds_token(text) || holds_key(text);
}

/* A value that only says where the secret is. */
static int is_pointer(arc_slice text)
{
    return text.len == 0 || text.ptr[0] == '$' || text.ptr[0] == '/' || text.ptr[0] == '.' ||
           text.ptr[0] == '<' || text.ptr[0] == '*';
}

/* --- saying ------------------------------------------------------------------------------- */

static arc_slice hint_for(struct arc_check *check, arc_slice key, enum arc_plain_in in)
{
    char name[64];
    size_t len = 0;
    if (in == ARC_PLAIN_ELSEWHERE)
        return ARC_LIT("keep it with the secrets and write `${{ secrets.NAME }}` in the `env` of "
                       "the step that needs it");
    for (size_t i = 0; i < key.len && len + 1 < sizeof(name); i++) {
        char c = key.ptr[i], before = i > 0 ? key.ptr[i - 1] : '_';
        if (c >= 'A' && c <= 'Z' && before >= 'a' && before <= 'z' && len + 2 < sizeof(name))
            name[len++] = '_'; /* apiKey is API_KEY */
        name[len++] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    arc_slice shown = arc__slice(name, len);
    if (!arc__form_env_name(shown))
        shown = ARC_LIT("NAME");
    return arc__arena_printf(
        check->arena, "keep it with the secrets and write `${{ secrets.%.*s }}`", ARC_ARG(shown));
}

static void check_value(struct arc_check *check, const struct arc_node *node,
                        const struct arc_path *path, enum arc_plain_in in)
{
    if (node->kind != ARC_NODE_TEXT)
        return;
    int named = node->key.len > 0 && names_secret(node->key) && !is_pointer(node->text);
    if ((!named && !holds_secret(node->text)) || arc__template_any(node->text))
        return;
    arc_slice what = node->key.len > 0 ? arc__quoted(check->sink, node->key) : ARC_LIT("The text");
    (void)arc__diag_add(check->sink, ARC_DIAG_PLAIN_SECRET, path, &node->mark,
                        arc__sink_keeps(check->sink) ? hint_for(check, node->key, in) : ARC_NONE,
                        ARC_ARGS(what));
}

void arc__check_plain(struct arc_check *check, const struct arc_node *node,
                      const struct arc_path *path, enum arc_plain_in in)
{
    uint32_t index = 0;
    if (node->kind < ARC_NODE_LIST) {
        check_value(check, node, path, in);
        return;
    }
    for (const struct arc_node *c = node->first; c != NULL; c = c->next, index++) {
        struct arc_path here = {path, node->kind == ARC_NODE_MAP ? c->key : ARC_NONE, index};
        arc__check_plain(check, c, &here, in);
    }
}
