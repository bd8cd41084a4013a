/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/yaml_help.h"

struct slip {
    const char *problem; /* a part of the parser's words */
    const char *context; /* a part of its context, or NULL: any */
    const char *sentence;
    const char *hint;
    const char *related; /* said of the context's place, or NULL */
};

/* What libyaml does not know of. */
static const struct slip unknown = {"", NULL, "it cannot be understood from here on",
                                    "look at quotes, brackets and indentation", NULL};
static const struct slip tab = {"", NULL, "a tab is used for indentation", "indent with spaces",
                                NULL};
static const struct slip bare_template = {
    "", NULL, "a template inside of braces or brackets needs quotes", "write `\"${{ … }}\"`", NULL};

/* The first that fits. */
static const struct slip slips[] = {
    {"found unexpected end of stream", "quoted scalar", "this quote is never closed",
     "add the missing quote", NULL},
    {"found unexpected document indicator", "quoted scalar", "this quote is never closed",
     "add the missing quote", NULL},
    {"mapping values are not allowed", NULL, "a key is not expected here",
     "put quotes around a text that holds `: `, or correct the indentation", NULL},
    {"did not find expected key", "block mapping", "this line does not fit the map around it",
     "align it with the keys above, which start in the same column", "the map starts here"},
    {"did not find expected '-' indicator", NULL, "this line does not fit the list around it",
     "align it with the items above, which start with `- `", "the list starts here"},
    {"did not find expected ',' or ']'", NULL, "the list in brackets is not closed",
     "add `]`, or a comma between the items", "it is opened here"},
    {"did not find expected ',' or '}'", NULL, "the map in braces is not closed",
     "add `}`, or a comma between the entries; a template in braces needs quotes around it",
     "it is opened here"},
    {"could not find expected ':'", NULL, "the `:` after this key is missing",
     "write `key: value`; a text over several lines starts with `|`", NULL},
    {"block sequence entries are not allowed", NULL, "a list item is not expected here",
     "start the list on a line of its own, below its key", NULL},
    {"found a tab character", NULL, "a tab is used for indentation", "indent with spaces", NULL},
    {"found character that cannot start any token", NULL, "a text cannot start with this character",
     "put quotes around the text", NULL},
    {"found unknown escape character", NULL, "this escape is not known",
     "write `\\\\` for a backslash, or use single quotes", NULL},
    {"found invalid Unicode character escape code", NULL,
     "this escape does not stand for a character",
     "write the character itself, or `\\U` with eight digits", NULL},
    {"did not find expected hexdecimal number", NULL, "this escape is not complete",
     "write `\\\\` for a backslash, or use single quotes", NULL},
    {"control characters are not allowed", NULL, "there is a control character here", "remove it",
     NULL},
    {"found undefined tag handle", NULL, "the tag is not known",
     "put quotes around a text that starts with `!`", NULL},
    {"did not find expected alphabetic or numeric character", "anchor", "the anchor has no name",
     "put quotes around a text that starts with `&`", NULL},
    {"did not find expected alphabetic or numeric character", "alias", "the alias has no name",
     "put quotes around a text that starts with `*`", NULL},
    {"did not find expected comment or line break", NULL, "there is text after `|` or `>`",
     "start the text on the next line", NULL},
    {"found an indentation indicator equal to 0", NULL, "the indentation of a text cannot be 0",
     "remove the number after `|` or `>`", NULL},
    {"found unexpected ':'", NULL, "a `:` inside of this text needs quotes around the text",
     "write `\"a:b\"`, or a blank after the `:` of a key", NULL},
    {"mapping keys are not allowed", NULL, "a `?` is not expected here",
     "put quotes around a text that starts with `? `", NULL},
    {"", "a tag", "the tag is not complete", "put quotes around a text that starts with `!`", NULL},
    {"did not find expected node content", NULL, "a value is missing here",
     "give a value, or remove the comma", NULL},
};

static int holds(const char *text, const char *part)
{
    return text != NULL && strstr(text, part) != NULL;
}

static const struct slip *find_slip(const struct arc_yaml_problem *problem)
{
    for (size_t i = 0; i < ARC_COUNT_OF(slips); i++) {
        if (holds(problem->text, slips[i].problem) &&
            (slips[i].context == NULL || holds(problem->context, slips[i].context)))
            return &slips[i];
    }
    return NULL;
}

static int is_break(char c)
{
    return c == '\n' || c == '\r';
}

/* The offset of a tab in the blanks before the text of the line at `at` or of the one above;
 * SIZE_MAX: none. It is the most frequent cause, and libyaml names it as something else. */
static size_t indenting_tab(arc_slice text, size_t at)
{
    size_t line = at < text.len ? at : text.len;
    while (line > 0 && !is_break(text.ptr[line - 1]))
        line--;
    for (size_t i = line; i < text.len && (text.ptr[i] == ' ' || text.ptr[i] == '\t'); i++) {
        if (text.ptr[i] == '\t')
            return i;
    }
    return SIZE_MAX;
}

static size_t char_end(arc_slice text, size_t at)
{
    if (at >= text.len || is_break(text.ptr[at]))
        return at;
    for (at++; at < text.len && ((unsigned char)text.ptr[at] & 0xc0) == 0x80;)
        at++;
    return at;
}

/* `{A: ${{ x }}}`: the braces of a template without quotes open maps of their own. */
static int is_bare_template(arc_slice text, size_t at)
{
    size_t from = at > 4 ? at - 4 : 0, to = at + 3 < text.len ? at + 3 : text.len;
    return to - from >= 3 && memmem(text.ptr + from, to - from, "${{", 3) != NULL;
}

/* Behind the last character that is not blank: what ends too early ends there. */
static size_t text_end(arc_slice text)
{
    size_t end = text.len;
    while (end > 0 && memchr(" \t\r\n", text.ptr[end - 1], 4) != NULL)
        end--;
    return end;
}

void arc__yaml_broken(struct arc_tree *tree, const struct arc_yaml_problem *problem)
{
    arc_slice text = tree->text;
    const struct slip *slip = find_slip(problem);
    size_t at = problem->at, tab_at = indenting_tab(text, at);
    if (slip == NULL)
        slip = &unknown;
    if (tab_at != SIZE_MAX) {
        slip = &tab;
        at = tab_at;
    } else if ((holds(problem->context, "flow ") || holds(problem->text, "flow ")) &&
               is_bare_template(text, at)) {
        slip = &bare_template;
    } else if (slip == &slips[0] || slip == &slips[1]) {
        at = problem->context_at; /* where the quote opens, not the end of the file */
    } else if (holds(problem->context, "simple key")) {
        at = problem->context_at; /* the key, not where its colon was looked for in vain */
    }
    struct arc_yaml_slip found;
    if (slip != &tab && slip != &bare_template && arc__yaml_slip(tree, problem, &found)) {
        struct arc_span mark = arc__tree_mark(tree, found.at, char_end(text, found.at));
        (void)arc__diag_add(tree->sink, ARC_DIAG_YAML, NULL, &mark, found.hint,
                            ARC_ARGS(arc__slice_cstr(found.sentence)));
        return;
    }
    if (holds(problem->text, "alphabetic or numeric"))
        at = problem->context_at; /* the `*` or `&` */
    if (at > text_end(text))
        at = text_end(text);
    struct arc_span mark = arc__tree_mark(tree, at, char_end(text, at));
    struct arc_diag *diag =
        arc__diag_add(tree->sink, ARC_DIAG_YAML, NULL, &mark, arc__slice_cstr(slip->hint),
                      ARC_ARGS(arc__slice_cstr(slip->sentence)));
    if (slip->related != NULL && problem->context != NULL) {
        struct arc_span opener =
            arc__tree_mark(tree, problem->context_at, char_end(text, problem->context_at));
        arc__diag_relate(tree->sink, diag, &opener, slip->related);
    }
}

void arc__yaml_trailing(struct arc_tree *tree, const struct arc_span *mark)
{
    (void)arc__diag_add(tree->sink, ARC_DIAG_YAML, NULL, mark,
                        ARC_LIT("start all keys at the top in the same column"),
                        ARC_ARGS(ARC_LIT("there is text after the end of the value")));
}

void arc__yaml_braces(struct arc_tree *tree, size_t at)
{
    struct arc_span mark = arc__tree_mark(tree, at, at + 2);
    (void)arc__diag_add(tree->sink, ARC_DIAG_YAML, NULL, &mark,
                        ARC_LIT("write `${{ … }}` for a template, or put quotes around the text"),
                        ARC_ARGS(ARC_LIT("`{{` opens a map inside of a map")));
}
