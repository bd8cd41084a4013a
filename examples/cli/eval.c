/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra eval: one expression, without a definition around it. */
#include <arcentra/expr.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/term.h"
#include "common/clock.h"
#include "common/json.h"

#define NS_PER_SECOND INT64_C(1000000000)

struct evaluation {
    const char *source; /* the expression */
    int when, json;
};

/* --- what is wrong ------------------------------------------------------------------------- */

/* The line that err is about, and a caret under its column: findings of a definition look so. */
static void show_fault(const char *source, const arc_err *err)
{
    const char *line = source;
    for (uint32_t i = 1; i < err->line; i++) {
        const char *end = strchr(line, '\n');
        if (end == NULL)
            break;
        line = end + 1;
    }
    size_t len = strcspn(line, "\r\n");
    struct text shown = {NULL, 0, 0};
    struct term term;
    term_init(&term, stderr);
    fprintf(stderr, "%u:%u: ", err->line, err->column);
    term_put_colour(&term, &shown, TERM_RED, "error");
    fprintf(stderr, "%s: %s\n", text_get(&shown), err->message);
    text_clear(&shown);
    term_put_safe(&term, &shown, line, len);
    fprintf(stderr, "%6u | %s\n       | %*s", err->line, text_get(&shown),
            err->column > 0 ? (int)err->column - 1 : 0, "");
    text_clear(&shown);
    term_put_colour(&term, &shown, TERM_RED, "^");
    fprintf(stderr, "%s\n", text_get(&shown));
    text_deinit(&shown);
}

static int refuse(const struct evaluation *evaluation, const arc_diags *diags, const arc_err *err)
{
    if (arc_diags_get_count(diags) > 0)
        cli_show_findings("", ARC_EINVAL, diags, err);
    else if (err->line > 0)
        show_fault(evaluation->source, err);
    else
        return cli_fail("%s", err->message);
    return EXIT_FAILED;
}

/* --- what it can see ----------------------------------------------------------------------- */

static void put_now(struct text *out)
{
    char text[32];
    struct tm parts;
    time_t now = (time_t)(clock_wall_ns() / NS_PER_SECOND);
    gmtime_r(&now, &parts);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
    text_printf(out, "\"now\":\"%s\"", text);
}

/* The object with the time, unless it has one. What is no object is for the library to refuse. */
static void complete(const struct text *given, struct text *out)
{
    const char *start = text_get(given) + strspn(text_get(given), " \t\r\n");
    const json_node *root = json_parse(text_get(given), given->len, NULL, 0);
    if (root == NULL || start[0] != '{' || json_get(root, "now") != NULL) {
        text_add(out, text_get(given), given->len);
    } else {
        text_put(out, "{");
        put_now(out);
        text_printf(out, "%s%s", json_count(root) > 0 ? "," : "", start + 1);
    }
    json_free(root);
}

/* 0 and *out, or says what is wrong. */
static int read_context(const char *path, arc_expr_context **out)
{
    struct text given = {NULL, 0, 0}, whole = {NULL, 0, 0};
    arc_err err = ARC_ERR_INIT;
    int failed = 0;
    if (path == NULL)
        text_put(&given, "{}");
    else
        failed = cli_read_file(path, &given);
    complete(&given, &whole);
    if (failed == 0 && arc_expr_context_parse(text_get(&whole), whole.len, out, &err) != ARC_OK) {
        cli_fail("%s: %s: %s", cli_name(path != NULL ? path : ""), err.subject, err.message);
        failed = EXIT_USAGE;
    }
    text_deinit(&given);
    text_deinit(&whole);
    return failed;
}

/* --- the value ----------------------------------------------------------------------------- */

/* As the library writes it: what reads back as the same number, never without a point or an
 * exponent. */
static void put_real(struct text *out, double real)
{
    char digits[64];
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof(digits), "%.*g", precision, real);
        if (strtod(digits, NULL) == real)
            break;
    }
    text_printf(out, "%s%s", digits, strpbrk(digits, ".e") == NULL ? ".0" : "");
}

/* As a template shows it, or as JSON. */
static void show_value(const struct evaluation *evaluation, const arc_expr_result *result)
{
    struct text text = {NULL, 0, 0};
    struct json_out json = {&text, 0};
    switch (result->kind) {
    case ARC_EXPR_NULL:
        text_put(&text, evaluation->json ? "null" : "");
        break;
    case ARC_EXPR_BOOL:
        text_put(&text, result->boolean ? "true" : "false");
        break;
    case ARC_EXPR_INT:
        text_printf(&text, "%" PRId64, result->integer);
        break;
    case ARC_EXPR_FLOAT:
        put_real(&text, result->real);
        break;
    case ARC_EXPR_LIST:
    case ARC_EXPR_MAP:
        text_add(&text, result->text, result->len);
        break;
    default:
        if (evaluation->json)
            json_put_bytes(&json, NULL, result->text, result->len);
        else
            text_add(&text, result->text, result->len);
        break;
    }
    text_put(&text, "\n");
    fwrite(text_get(&text), 1, text.len, stdout);
    text_deinit(&text);
}

static int evaluate(const struct evaluation *evaluation, const arc_expr_context *context)
{
    const uint32_t flags = evaluation->when ? ARC_EXPR_WHEN : 0;
    arc_expr_result result = ARC_EXPR_RESULT_INIT;
    arc_err err = ARC_ERR_INIT;
    arc_expr *expr = NULL;
    arc_diags *diags = NULL;
    int exit_code = EXIT_OK;
    arc_status status = arc_expr_parse(evaluation->source, strlen(evaluation->source), &expr, &err);
    if (status == ARC_OK)
        status = arc_expr_check(expr, flags, &diags, &err);
    if (status == ARC_OK)
        status = arc_expr_eval(expr, context, flags, &result, &err);
    if (status == ARC_OK)
        show_value(evaluation, &result);
    else
        exit_code = refuse(evaluation, diags, &err);
    arc_expr_result_free(&result);
    arc_diags_free(diags);
    arc_expr_unref(expr);
    return exit_code;
}

int cmd_eval(const struct command *command, int argc, char **argv)
{
    struct evaluation evaluation = {0};
    const char *context_file = NULL, *format = "text";
    struct arg_list rest = {NULL, 0, NULL};
    arc_expr_context *context = NULL;
    int exit_code = 0;
    const struct arg table[] = {
        {"context", 'c', ARG_TEXT, NULL, "FILE",
         "What it can see, as JSON: {\"trigger\": {…}, …}; `-` is stdin.", &context_file, 0, 0},
        {"when", 'w', ARG_SWITCH, NULL, NULL, "It is a `when`: true or false, with success() …",
         &evaluation.when, 0, 0},
        {"format", 'f', ARG_TEXT, NULL, "text|json", "How the value is printed (text).", &format, 0,
         0},
    };
    if (cli_parse(command, table, sizeof(table) / sizeof(table[0]), argc, argv, &rest, 1, 1,
                  &exit_code) == 0) {
        evaluation.source = rest.items[0];
        evaluation.json = strcmp(format, "json") == 0;
        if (!evaluation.json && strcmp(format, "text") != 0) {
            cli_fail("--format is text or json, not `%s`.", format);
            exit_code = EXIT_USAGE;
        } else {
            exit_code = read_context(context_file, &context);
        }
        if (exit_code == 0)
            exit_code = evaluate(&evaluation, context);
    }
    arc_expr_context_unref(context);
    arg_list_deinit(&rest);
    return exit_code;
}
