/* SPDX-License-Identifier: Apache-2.0 */
#include "spec/json_help.h"

struct answer {
    size_t from, to;
    const char *sentence;
    const char *hint;
    int unclosed; /* the opener is to be shown */
};

static size_t skip_blank(arc_slice text, size_t at)
{
    while (at < text.len && memchr(" \t\r\n", text.ptr[at], 4) != NULL)
        at++;
    return at;
}

static int is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || c == '-' || c == '+' || c == '.';
}

static size_t word_end(arc_slice text, size_t at)
{
    size_t end = at;
    while (end < text.len && is_word(text.ptr[end]))
        end++;
    if (end == at && at < text.len) {
        end++;
        while (end < text.len && ((unsigned char)text.ptr[end] & 0xc0) == 0x80)
            end++;
    }
    return end;
}

static int hex_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* A string that starts at `at`: finds what is wrong inside of it. 0: nothing. */
static int look_at_string(arc_slice text, size_t at, struct answer *answer)
{
    for (size_t i = at + 1; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '"')
            return 0;
        if (c == '\n' || c == '\r') {
            *answer = (struct answer){at, i, "the text is not closed on its line",
                                      "add the missing `\"`; a line break is written `\\n`", 0};
            return 1;
        }
        if ((unsigned char)c < 0x20) {
            *answer = (struct answer){i, i + 1, "there is a control character in the text",
                                      "write a tab as `\\t`", 0};
            return 1;
        }
        if (c != '\\')
            continue;
        i++;
        if (i < text.len && memchr("\"\\/bfnrt", text.ptr[i], 8) != NULL)
            continue;
        size_t digits = 0;
        while (i < text.len && text.ptr[i] == 'u' && digits < 4 && i + 1 + digits < text.len &&
               hex_digit(text.ptr[i + 1 + digits]))
            digits++;
        if (digits == 4)
            continue;
        if (i >= text.len)
            break;
        *answer = (struct answer){i - 1, i + 1, "this escape is not known",
                                  "write `\\\\` for a backslash", 0};
        return 1;
    }
    *answer = (struct answer){at, at + 1, "the text is never closed", "add the missing `\"`", 0};
    return 1;
}

/* What stands where a value, a key or a separator should. */
static void look_at_token(arc_slice text, size_t at, struct answer *answer)
{
    char c = text.ptr[at];
    size_t end = word_end(text, at);
    arc_slice word = arc__slice(text.ptr + at, end - at);
    *answer = (struct answer){at, end, "this is not expected here",
                              "look at quotes, commas and brackets", 0};
    if (c == '\'') {
        answer->sentence = "a text stands in single quotes";
        answer->hint = "use `\"`";
    } else if (c == '/' || c == '#') {
        answer->sentence = "comments are not part of JSON";
        answer->hint = "remove it, or write the definition in YAML";
    } else if (arc__slice_compare_nocase(word, ARC_LIT("true")) == 0 ||
               arc__slice_compare_nocase(word, ARC_LIT("false")) == 0 ||
               arc__slice_compare_nocase(word, ARC_LIT("null")) == 0) {
        answer->sentence = "this word is written in lower case";
        answer->hint = "write `true`, `false` or `null`";
    } else if (arc__slice_is(word, "NaN") || arc__slice_is(word, "Infinity") ||
               arc__slice_is(word, "-Infinity") || arc__slice_is(word, "None")) {
        answer->sentence = "JSON has no such value";
        answer->hint = "write `null`, or put quotes around it";
    } else if ((c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.') {
        answer->sentence = "this is not a number in JSON's form";
        answer->hint = "write it like `1`, `-2.5` or `1e3`, or put quotes around it";
    } else if (is_word(c)) {
        answer->sentence = "a text stands without quotes";
        answer->hint = "put `\"` around it";
    }
}

static void look_at_close(const struct arc_json_problem *problem, size_t at, int after_comma,
                          struct answer *answer)
{
    *answer = (struct answer){at, at + 1, "this bracket closes nothing", "remove it", 0};
    if (problem->depth == 0)
        return;
    if (after_comma) {
        answer->sentence = "there is a comma before the closing bracket";
        answer->hint = "remove the comma";
    } else if (problem->has_key) {
        answer->sentence = "a value is missing";
        answer->hint = "give a value after the `:`";
    } else {
        answer->sentence = "this is not the bracket that was opened";
        answer->hint = problem->in_map ? "close with `}`" : "close with `]`";
        answer->unclosed = 1;
    }
}

/* After the last good token, past the separators that are fine there. */
static size_t past_separator(arc_slice text, const struct arc_json_problem *problem, size_t at,
                             int *comma, int *colon)
{
    if (at < text.len && problem->has_key && text.ptr[at] == ':') {
        *colon = 1;
        return skip_blank(text, at + 1);
    }
    if (at < text.len && !problem->has_key && problem->has_items && text.ptr[at] == ',') {
        *comma = 1;
        return skip_blank(text, at + 1);
    }
    return at;
}

static void look(arc_slice text, const struct arc_json_problem *problem, struct answer *answer)
{
    int comma = 0, colon = 0;
    size_t at = skip_blank(text, problem->at);
    size_t first = at;
    if (problem->depth > 0)
        at = past_separator(text, problem, at, &comma, &colon);
    if (at >= text.len) {
        size_t end = text.len;
        while (end > 0 && memchr(" \t\r\n", text.ptr[end - 1], 4) != NULL)
            end--;
        *answer = (struct answer){end, end, "it ends too early",
                                  "close every bracket that was opened", problem->depth > 0};
        return;
    }
    char c = text.ptr[at];
    if (c == '"' && look_at_string(text, at, answer))
        return;
    look_at_token(text, at, answer);
    if (c == '}' || c == ']') {
        look_at_close(problem, at, comma, answer);
        if (comma)
            answer->from = first, answer->to = first + 1;
    } else if (problem->depth == 0 && problem->started) {
        answer->sentence = "there is text after the end of the value";
        answer->hint = "remove it";
    } else if (problem->has_key && !colon) {
        answer->sentence = "the `:` after the key is missing";
        answer->hint = "write `\"key\": value`";
    } else if (c == ',' || c == ':') {
        answer->sentence =
            c == ',' ? "a value is missing before this comma" : "this colon does not follow a key";
        answer->hint = "remove it, or give what is missing";
    } else if (first > 0 && at == problem->at && c >= '0' && c <= '9' && text.ptr[at - 1] == '0') {
        answer->from = at - 1; /* 01: the zero was read as a number of its own */
    } else if (problem->has_items && !problem->has_key && !comma && c != '\'' && c != '/' &&
               c != '#') {
        answer->sentence = "a comma is missing before this";
        answer->hint = "add `,`";
    } else if (problem->in_map && !problem->has_key &&
               (c == '{' || c == '[' || c == '-' || (c >= '0' && c <= '9'))) {
        answer->sentence = "a key must be a text in quotes";
        answer->hint = "write `\"key\": value`";
    }
}

void arc__json_broken(struct arc_tree *tree, const struct arc_json_problem *problem)
{
    arc_slice text = tree->text;
    struct answer answer = {0};
    look(text, problem, &answer);
    struct arc_span mark = arc__tree_mark(tree, answer.from, answer.to);
    struct arc_diag *diag =
        arc__diag_add(tree->sink, ARC_DIAG_JSON, NULL, &mark, arc__slice_cstr(answer.hint),
                      ARC_ARGS(arc__slice_cstr(answer.sentence)));
    if (answer.unclosed) {
        struct arc_span opener = arc__tree_mark(tree, problem->opener, problem->opener + 1);
        arc__diag_relate(tree->sink, diag, &opener, "it is opened here");
    }
}
