/* SPDX-License-Identifier: Apache-2.0 */
/* The parser says where it could not go on; the slip is often on the lines above, or at the start
 * of this one. Each function looks for one slip that people make. */
#include "spec/yaml_help.h"

struct line {
    arc_slice text;  /* from its first character that is no blank */
    size_t at;       /* where that stands in the document */
    size_t indent;   /* its column, from 0 */
    size_t key;      /* the same for what stands behind `- ` */
    arc_slice value; /* behind the first `: `, or empty */
};

static int is_break(char c)
{
    return c == '\n' || c == '\r';
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void read_line(arc_slice text, size_t at, struct line *line)
{
    size_t from = at < text.len ? at : text.len;
    while (from > 0 && !is_break(text.ptr[from - 1]))
        from--;
    size_t to = from, first = from;
    while (to < text.len && !is_break(text.ptr[to]))
        to++;
    while (first < to && text.ptr[first] == ' ')
        first++;
    *line = (struct line){.text = arc__slice(text.ptr + first, to - first), .at = first};
    line->indent = line->key = first - from;
    size_t key = 0;
    while (key + 1 < line->text.len && line->text.ptr[key] == '-' &&
           line->text.ptr[key + 1] == ' ') {
        for (key++; key < line->text.len && line->text.ptr[key] == ' ';)
            key++;
    }
    line->key += key;
    arc_slice rest = arc__slice_from(line->text, key);
    const char *colon = rest.len > 1 ? memmem(rest.ptr, rest.len, ": ", 2) : NULL;
    if (colon != NULL)
        line->value = arc__slice_trim(arc__slice_from(rest, (size_t)(colon - rest.ptr) + 2));
}

/* The next line above that says something; 0: none. */
static int read_above(arc_slice text, struct line *line)
{
    size_t at = line->at - line->indent;
    while (at > 0) {
        read_line(text, at - 1, line);
        if (line->text.len > 0 && line->text.ptr[0] != '#')
            return 1;
        at = line->at - line->indent;
    }
    return 0;
}

static int found(struct arc_yaml_slip *slip, size_t at, const char *sentence, const char *hint)
{
    slip->at = at;
    slip->sentence = sentence;
    slip->hint = arc__slice_cstr(hint);
    return 1;
}

/* `-name: x` */
static int tight_dash(const struct line *line, struct arc_yaml_slip *slip)
{
    arc_slice text = line->text;
    return text.len > 1 && text.ptr[0] == '-' && !is_blank(text.ptr[1]) && text.ptr[1] != '-' &&
           found(slip, line->at, "a blank is missing after `-`", "write `- ` before each item");
}

/* `name:x` */
static int tight_colon(const struct line *line, struct arc_yaml_slip *slip)
{
    size_t at = line->key - line->indent;
    while (at < line->text.len &&
           (line->text.ptr[at] == '_' || line->text.ptr[at] == '-' ||
            ((line->text.ptr[at] | 32) >= 'a' && (line->text.ptr[at] | 32) <= 'z')))
        at++;
    return at > line->key - line->indent && at + 1 < line->text.len && line->text.ptr[at] == ':' &&
           !is_blank(line->text.ptr[at + 1]) && line->text.ptr[at + 1] != '/' &&
           found(slip, line->at + at, "a blank is missing after `:`", "write `key: value`");
}

/* `namespace demo` above a key. */
static int no_colon(const struct line *here, const struct line *above, struct arc_yaml_slip *slip)
{
    return memchr(above->text.ptr, ':', above->text.len) == NULL &&
           memchr("-\"'[{&*!|>", above->text.ptr[above->key - above->indent], 10) == NULL &&
           here->indent <= above->key &&
           found(slip, above->at + (above->key - above->indent), "this key has no `:`",
                 "write `key: value`");
}

/* A `: ` where none is expected: inside of a value, or behind a line that is indented wrongly. */
static int colon_slip(struct arc_tree *tree, size_t at, struct arc_yaml_slip *slip)
{
    struct line here, above;
    read_line(tree->text, at, &here);
    above = here;
    int has_above = read_above(tree->text, &above);
    if (tight_dash(&here, slip) || (has_above && tight_dash(&above, slip)))
        return 1;
    size_t before = (size_t)(here.value.ptr != NULL ? here.value.ptr - tree->text.ptr : 0);
    if (here.value.len > 0 && before <= at) {
        (void)found(slip, at, "a text that holds `: ` needs quotes",
                    "put quotes around all of the text, or write it on lines of its own below `|`");
        arc_slice key = arc__slice_trim(arc__slice(here.text.ptr + (here.key - here.indent),
                                                   before - here.at - (here.key - here.indent)));
        if (here.value.len + key.len <= 90 && here.value.ptr[0] != '"' &&
            memchr(here.value.ptr, '\'', here.value.len) == NULL)
            slip->hint = arc__arena_printf(tree->arena, "write `%.*s '%.*s'`", ARC_ARG(key),
                                           ARC_ARG(here.value));
        return 1;
    }
    if (has_above && (tight_colon(&above, slip) || no_colon(&here, &above, slip)))
        return 1;
    return has_above && here.indent > above.key && above.value.len > 0 &&
           found(slip, here.at, "this key is indented deeper than the one above it",
                 "align the two; a text over several lines starts with `|`");
}

static size_t count_quotes(arc_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '"' && (i == 0 || text.ptr[i - 1] != '\\');
    return count;
}

/* Where the quote opens that was closed in a line that has its own pair. */
static int open_quote(arc_slice text, struct line line, struct arc_yaml_slip *slip)
{
    for (int i = 0; i < 64 && read_above(text, &line); i++) {
        if (count_quotes(line.text) % 2 != 0) {
            const char *quote = memrchr(line.text.ptr, '"', line.text.len);
            return found(slip, (size_t)(quote - text.ptr), "this quote is never closed",
                         "add the missing quote");
        }
    }
    return 0;
}

/* Text behind a value that has ended: `"a" b`, `[ -f x ] && make`. */
static int tail_slip(struct arc_tree *tree, size_t at, struct arc_yaml_slip *slip)
{
    struct line here;
    read_line(tree->text, at, &here);
    if (at <= here.at || at - here.at > here.text.len)
        return 0;
    arc_slice before = arc__slice(here.text.ptr, at - here.at);
    char first = here.value.len > 0 ? here.value.ptr[0] : '\0';
    if ((first == '[' || first == '{') &&
        memrchr(before.ptr, first == '[' ? ']' : '}', before.len) != NULL)
        return found(slip, (size_t)(here.value.ptr - tree->text.ptr),
                     "there is text after the closing bracket",
                     "put quotes around a text that starts with `[` or `{`, or write it below `|`");
    if (count_quotes(before) % 2 != 0)
        return open_quote(tree->text, here, slip);
    return (first == '"' || first == '\'') &&
           found(slip, at, "there is text after the closing quote",
                 "put quotes of the other kind around all of it, or write it below `|`");
}

/* A line that should belong to the text below a `|`. */
static int block_slip(struct arc_tree *tree, size_t at, struct arc_yaml_slip *slip)
{
    struct line here, above;
    read_line(tree->text, at, &here);
    above = here;
    for (int i = 0; i < 64 && read_above(tree->text, &above); i++) {
        if (above.indent > here.indent && above.key > here.indent)
            continue;
        char last = above.value.len > 0 ? above.value.ptr[0] : '\0';
        return (last == '|' || last == '>') && above.key >= here.indent &&
               found(slip, here.at, "this line of a text is not indented deeper than its key",
                     "indent all lines of the text by two more than the key");
    }
    return 0;
}

/* A key to the left of the keys of its item. */
static int item_slip(struct arc_tree *tree, size_t at, struct arc_yaml_slip *slip)
{
    struct line here, above;
    read_line(tree->text, at, &here);
    above = here;
    if (here.text.len == 0 || here.text.ptr[0] == '-')
        return 0;
    for (int i = 0; i < 256 && read_above(tree->text, &above); i++) {
        if (above.indent >= here.indent || above.text.ptr[0] != '-')
            continue;
        (void)found(slip, here.at, "this key does not stand below those of its item", "");
        slip->hint = arc__arena_printf(
            tree->arena, "indent it by %zu blanks, like the first key of the item", above.key);
        return 1;
    }
    return 0;
}

int arc__yaml_slip(struct arc_tree *tree, const struct arc_yaml_problem *problem,
                   struct arc_yaml_slip *slip)
{
    const char *text = problem->text != NULL ? problem->text : "";
    if (strstr(text, "mapping values are not allowed") != NULL)
        return colon_slip(tree, problem->at, slip);
    if (strstr(text, "could not find expected ':'") != NULL)
        return block_slip(tree, problem->context_at, slip);
    if (strstr(text, "did not find expected '-' indicator") != NULL)
        return item_slip(tree, problem->at, slip);
    if (strstr(text, "did not find expected key") != NULL ||
        strstr(text, "alphabetic or numeric character") != NULL)
        return tail_slip(tree, problem->at, slip);
    return 0;
}
