/* SPDX-License-Identifier: Apache-2.0 */
/* What is read, and what is said of what cannot be. */
#include "expr_trial.h"

#include "core/expr_private.h"

/* clang-format off */
static const struct trial_row texts[] = {
    {"true", "ok"},
    {"a = b", "syntax 2..3: `=` sets nothing here (write `==` to compare)"},
    {"a & b", "syntax 2..3: `&` is no operator (write `&&`)"},
    {"a | b", "syntax 2..3: `|` is no operator (write `||`; functions are called, like `upper(name)`)"},
    {"a <> b", "syntax 2..4: `<>` is no operator (write `!=`)"},
    {"a === b", "syntax 2..5: `===` is no operator (write `==`)"},
    {"a !== b", "syntax 2..5: `!==` is no operator (write `!=`)"},
    {"a =~ \"x\"", "syntax 2..4: `=~` is no operator (write `matches`)"},
    {"a !~ \"x\"", "syntax 2..4: `!~` is no operator (write `not matches`)"},
    {"a =< b", "syntax 2..4: `=<` is no operator (write `<=`)"},
    {"a => b", "syntax 2..4: `=>` is no operator (write `>=` for greater or equal)"},
    {"a -> b", "syntax 2..4: `->` is no operator (write `.` before the name of a member)"},
    {"a ** b", "syntax 2..4: `**` is no operator (multiply with `*`)"},
    {"a ^ b", "syntax 2..3: `^` is no operator (multiply with `*`)"},
    {"a?.b", "syntax 1..3: `?.` is not needed (write `.`: a member of null is null)"},
    {"${{ a }}", "syntax 0..3: `${{` stands inside of an expression (write it without these braces: it is an expression already)"},
    {"a++", "syntax 1..3: `++` is no operator (write `+ 1`: nothing can be changed here)"},
    {"a += 1", "syntax 2..4: `+=` is no operator (nothing can be changed here: write the sum itself)"},
    {"a -= 1", "syntax 2..4: `-=` is no operator (nothing can be changed here: write the difference itself)"},
    {"a := 1", "syntax 2..4: `:=` is no operator (write `==` to compare)"},
    {"a // b", "syntax 2..4: `//` is no operator (write `/`; there are no comments in expressions)"},
    {"a /* b", "syntax 2..4: `/*` is no operator (there are no comments in expressions)"},
    {"~a", "syntax 0..1: `~` is no operator (write `not`, or `matches` for patterns)"},
    {"a;", "syntax 1..2: `;` is no operator (an expression is one value: leave it out)"},
    {"`a`", "syntax 0..1: ``` is no quote of the language (write `\"` or `'`)"},
    {"$a", "syntax 0..1: `$` stands before no name here (write names without `$`, like `variables.NAME`)"},
    {"@a", "syntax 0..1: `@` is no sign of the language (put texts into quotes)"},
    {"#a", "syntax 0..1: `#` is no sign of the language (put texts into quotes; there are no comments)"},
    {"\\a", "syntax 0..1: `\\` has a meaning in quotes only (put texts into quotes)"},
    {"“a”", "syntax 0..3: `“` is no quote of the language (write `\"` or `'`)"},
    {"é", "syntax 0..2: `é` can stand in quotes only (put texts into quotes, and such names into `[\"…\"]`)"},
    {"a AND b", "syntax 2..5: `AND` follows a value without an operator (write `and`)"},
    {"a OR b", "syntax 2..4: `OR` follows a value without an operator (write `or`)"},
    {"NOT a", "syntax 4..5: `a` follows a value without an operator (write `not`)"},
    {"a is b", "syntax 2..4: `is` follows a value without an operator (write `==`)"},
    {"a eq b", "syntax 2..4: `eq` follows a value without an operator (write `==`)"},
    {"a xor b", "syntax 2..5: `xor` follows a value without an operator (write `!=`)"},
    {"a if b", "syntax 2..4: `if` follows a value without an operator (write `a ? b : c`)"},
    {"a StartsWith \"x\"", "syntax 2..12: `StartsWith` follows a value without an operator (write `startsWith`)"},
    {"a not b", "syntax 2..5: `not` follows a value without an operator (write `!=`, or `not` before `in`, `matches`, `contains`, `startsWith`, `endsWith`)"},
    {"a not == b", "syntax 2..5: `not` follows a value without an operator (write `!=`, or `not` before `in`, `matches`, `contains`, `startsWith`, `endsWith`)"},
    {"a ! b", "syntax 2..3: `!` follows a value without an operator (write `!=`, or `not in`, `not matches`, `not contains`, …)"},
    {"\"abc", "syntax 0..4: the text that begins here has no closing quote (write `\"` at its end; inside, it is `\\\"`)"},
    {"'abc", "syntax 0..4: the text that begins here has no closing quote (write `'` at its end; inside, it is `\\'`)"},
    {"'it's'", "syntax 4..5: `s` follows a value without an operator (inside of a text, its quote is written with `\\` in front)"},
    {"\"\\d\"", "syntax 1..3: `\\d` stands for no character in quotes (write `\\\\` for a backslash; others are \\\" \\' \\/ \\n \\r \\t \\b \\f \\uXXXX)"},
    {"\"\\u12\"", "syntax 1..3: `\\u` stands for no character here (write `\\u` and the four digits of base 16 of a character)"},
    {"\"\\u0000\"", "syntax 1..3: `\\u` stands for no character here (write `\\u` and the four digits of base 16 of a character)"},
    {"\"\\ud800\"", "syntax 1..3: `\\u` stands for no character here (write `\\u` and the four digits of base 16 of a character)"},
    {"\"\\ud800\\u0041\"", "syntax 1..3: `\\u` stands for no character here (write `\\u` and the four digits of base 16 of a character)"},
    {"30s", "syntax 0..3: `30s` is no number (write `duration(\"30s\")`)"},
    {"1.2.3", "syntax 0..5: `1.2.3` is no number (put it into quotes: `\"1.2.3\"`)"},
    {"010", "syntax 0..3: `010` is no number (leave out the zeros in front; `0x` begins a number of base 16)"},
    {"0x", "syntax 0..2: `0x` is no number (put texts into quotes)"},
    {"0xg", "syntax 0..3: `0xg` is no number (put texts into quotes)"},
    {"0x8000000000000000", "value 0..18: the number is greater than integers can be (the greatest one is 0x7FFFFFFFFFFFFFFF)"},
    {"9223372036854775808", "value 0..19: the number is greater than integers can be (the greatest one is 9223372036854775807)"},
    {"99999999999999999999", "value 0..20: the number is greater than integers can be (the greatest one is 9223372036854775807; floats have a `.`)"},
    {"1e999", "value 0..5: the number is greater than floats can be"},
    {".5", "syntax 0..1: `.` has nothing on its left side (write `0.5`, not `.5`; a member stands behind its map)"},
    {"+1", "syntax 0..1: `+` has nothing on its left side (numbers have no plus in front)"},
    {"1 +", "syntax 2..3: `+` has nothing on its right side (write a value behind it: a name, a number or a text in quotes)"},
    {"1 + * 2", "syntax 2..3: `+` has nothing on its right side (write a value behind it: a name, a number or a text in quotes)"},
    {"&& a", "syntax 0..2: `&&` has nothing on its left side"},
    {"in [1]", "syntax 0..2: `in` has nothing on its left side"},
    {"not", "syntax 0..3: `not` has nothing on its right side (write a value behind it: a name, a number or a text in quotes)"},
    {"a ?", "syntax 2..3: `?` has nothing on its right side (write a value behind it: a name, a number or a text in quotes)"},
    {"a ? b", "syntax 2..3: `?` has no `:` (write `condition ? value : other value`)"},
    {"a ? b : ", "syntax 6..7: `:` has nothing on its right side (write a value behind it: a name, a number or a text in quotes)"},
    {"a : b", "syntax 2..3: `:` has no `?` before it (leave it out, or write what it belongs to before it)"},
    {"a ? b : c : d", "syntax 10..11: `:` has no `?` before it (leave it out, or write what it belongs to before it)"},
    {"()", "syntax 0..1: `(` lacks a value inside (write a value behind it: a name, a number or a text in quotes)"},
    {"(1", "syntax 0..1: `(` is not closed (write `)` at its end)"},
    {"(1]", "syntax 2..3: `]` does not close `(` (write `)` at its end)"},
    {"[1", "syntax 0..1: `[` is not closed (write `]` at its end)"},
    {"[1)", "syntax 2..3: `)` does not close `[` (write `]` at its end)"},
    {"[1,,2]", "syntax 0..1: `[` lacks a value inside (write a value behind it: a name, a number or a text in quotes)"},
    {"[1, 2,]", "ok"},
    {"{a: 1", "syntax 0..1: `{` is not closed (write `}` at its end)"},
    {"{a 1}", "syntax 3..4: `1` stands where `:` should (write `{name: value}`)"},
    {"{a}", "syntax 2..3: `}` stands where `:` should (write `{name: value}`)"},
    {"{1.5: 1}", "syntax 2..3: `.` stands where `:` should (write `{name: value}`)"},
    {"{a: 1,}", "ok"},
    {"{a: 1, a: 2}", "value 0..12: a key stands twice in the map (leave one of them out)"},
    {"{\"a b\": 1, c-d: 2, 3x: 4}", "ok"},
    {"f(1", "syntax 0..1: `f(` is not closed (write `)` at its end)"},
    {"f(1,", "syntax 0..1: `f(` is not closed (write `)` at its end)"},
    {"f(1,)", "syntax 0..1: `f` lacks a value inside (write a value behind it: a name, a number or a text in quotes)"},
    {"f(1]", "syntax 3..4: `]` does not close `(` (write `)` at its end)"},
    {"a[", "syntax 1..2: `[` is not closed (write `]` at its end)"},
    {"a[1", "syntax 1..2: `[` is not closed (write `]` at its end)"},
    {"a[]", "syntax 1..2: `[` lacks a value inside (write a value behind it: a name, a number or a text in quotes)"},
    {"a.", "syntax 1..2: a name is missing behind `.` (names with other signs are reached by `[\"name\"]`)"},
    {"a.*", "syntax 1..2: a name is missing behind `.` (names with other signs are reached by `[\"name\"]`)"},
    {"a..b", "syntax 1..2: a name is missing behind `.` (names with other signs are reached by `[\"name\"]`)"},
    {"a.b(1)", "syntax 2..3: `b` is called like a method, and values have none (write `b(value)`)"},
    {"1, 2", "syntax 1..2: `,` stands outside of brackets (leave it out, or write what it belongs to before it)"},
    {"(1, 2)", "syntax 2..3: `,` separates no parts of a list here (lists stand in `[ ]`)"},
    {"a b", "syntax 2..3: `b` follows a value without an operator"},
    {"1 2", "syntax 2..3: `2` follows a value without an operator"},
    {"\"a\" \"b\"", "syntax 4..7: `\"b\"` follows a value without an operator"},
    {"a < b < c", "syntax 6..7: `<` compares what is a comparison already (write `a < b && b < c`)"},
    {"a <= b > c", "syntax 7..8: `>` compares what is a comparison already (write `a < b && b < c`)"},
    {"a)", "syntax 1..2: `)` closes no bracket (leave it out, or write what it belongs to before it)"},
    {"a]", "syntax 1..2: `]` closes no bracket (leave it out, or write what it belongs to before it)"},
    {"a}", "syntax 1..2: `}` closes no bracket (leave it out, or write what it belongs to before it)"},
    {"\"a\" matches \"(\"", "value 13..14: the pattern cannot be used: a `(` without its `)` (patterns have the syntax of RE2, without captures)"},
    {"\"a\" matches \"a\\\\d(\"", "value 12..19: the pattern cannot be used: a `(` without its `)` (patterns have the syntax of RE2, without captures)"},
    {"matches(\"a\", \"[\")", "value 14..15: the pattern cannot be used: a `[` without its `]` (patterns have the syntax of RE2, without captures)"},
};
/* clang-format on */

static void each_slip_is_named_with_its_place_and_fix(void)
{
    TRIAL(trial_parse, texts);
}

static int same_code(const struct arc_expr *a, const struct arc_expr *b)
{
    return a->count == b->count && memcmp(a->code, b->code, a->count * sizeof(*a->code)) == 0;
}

/* The form with one for @ and two for #. */
static const struct arc_expr *parsed(struct trial *trial, const char *form, const char *one,
                                     const char *two)
{
    const struct arc_expr *expr = NULL;
    arc__buf_clear(&trial->out);
    for (; *form != '\0'; form++) {
        if (*form == '@' || *form == '#')
            arc__buf_add_cstr(&trial->out, *form == '@' ? one : two);
        else
            arc__buf_add_char(&trial->out, *form);
    }
    arc_status status =
        arc__expr_parse(arc__buf_slice(&trial->out), NULL, &trial->arena, &expr, &trial->fault);
    return status == ARC_OK ? expr : NULL;
}

static int is_order(int operator_)
{
    return operator_ >= ARC_OPERATOR_LE && operator_ <= ARC_OPERATOR_GT;
}

static void each_pair_of_operators_binds_as_the_table_says(void)
{
    struct trial trial;
    CHECK(trial_init(&trial, NULL));
    for (int i = 0; i < ARC_OPERATOR_COUNT; i++) {
        for (int j = 0; j < ARC_OPERATOR_COUNT; j++) {
            const struct arc_operator_row *a = arc__operator((enum arc_operator)i);
            const struct arc_operator_row *b = arc__operator((enum arc_operator)j);
            const char *one = a->sign[0] != '\0' ? a->sign : a->word;
            const char *two = b->sign[0] != '\0' ? b->sign : b->word;
            const struct arc_expr *plain = parsed(&trial, "a @ b # c", one, two);
            const struct arc_expr *left = parsed(&trial, "(a @ b) # c", one, two);
            const struct arc_expr *right = parsed(&trial, "a @ (b # c)", one, two);
            CHECK(left != NULL && right != NULL && !same_code(left, right));
            CHECK((plain == NULL) == (is_order(i) && is_order(j)));
            if (plain != NULL && left != NULL && right != NULL)
                CHECK(same_code(plain, a->binds >= b->binds ? left : right));
        }
    }
    trial_deinit(&trial);
}

static void words_mean_what_their_signs_mean(void)
{
    struct trial trial;
    CHECK(trial_init(&trial, NULL));
    for (int i = 0; i < ARC_OPERATOR_COUNT; i++) {
        const struct arc_operator_row *row = arc__operator((enum arc_operator)i);
        if (row->sign[0] == '\0' || row->word[0] == '\0')
            continue;
        const struct arc_expr *sign = parsed(&trial, "a @ b#", row->sign, "");
        const struct arc_expr *word = parsed(&trial, "a @ b#", row->word, "");
        CHECK(sign != NULL && word != NULL && same_code(sign, word));
    }
    trial_deinit(&trial);
}

static void unary_operators_bind_between_times_and_coalesce(void)
{
    static const char *const rows[][2] = {
        {"!a && b", "(!a) && b"},
        {"not a == b", "(not a) == b"},
        {"-a * b", "(-a) * b"},
        {"a * -b", "a * (-b)"},
        {"-a ?? b", "-(a ?? b)"},
        {"!a.b", "!(a.b)"},
        {"-a[0]", "-(a[0])"},
        {"a ? b : c ? d : e", "a ? b : (c ? d : e)"},
        {"a || b ? c : d", "(a || b) ? c : d"},
        {"a ? b || c : d || e", "a ? (b || c) : (d || e)"},
        {"a not in b && c", "(a not in b) && c"},
    };
    struct trial trial;
    CHECK(trial_init(&trial, NULL));
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        const struct arc_expr *plain = parsed(&trial, "@#", rows[i][0], "");
        const struct arc_expr *grouped = parsed(&trial, "@#", rows[i][1], "");
        CHECK(plain != NULL && grouped != NULL && same_code(plain, grouped));
    }
    trial_deinit(&trial);
}

/* count times open, a value, count times close. */
static arc_slice nested(struct trial *trial, const char *open, const char *close, size_t count)
{
    struct arc_buf text;
    arc__buf_init(&text, &trial->arena.mem, (size_t)1 << 20);
    for (size_t i = 0; i < count; i++)
        arc__buf_add_cstr(&text, open);
    arc__buf_add_cstr(&text, "1");
    for (size_t i = 0; i < count; i++)
        arc__buf_add_cstr(&text, close);
    char *copy = arc__arena_strdup(&trial->arena, arc__buf_slice(&text));
    arc__buf_deinit(&text);
    return trial_parse(trial, copy);
}

static void the_depth_of_each_bracket_and_sign_is_bounded(void)
{
    static const char *const forms[][2] = {
        {"(", ")"}, {"[", "]"}, {"{a: ", "}"},       {"len(", ")"},       {"a[", "]"},
        {"!", ""},  {"-", ""},  {"true ? 1 : ", ""}, {"true ? ", " : 1"},
    };
    struct trial trial;
    CHECK(trial_init(&trial, NULL));
    for (uint32_t depth = 32; depth <= 64; depth *= 2) {
        trial.limits.depth = depth;
        for (size_t i = 0; i < ARC_COUNT_OF(forms); i++) {
            CHECK_TEXT(nested(&trial, forms[i][0], forms[i][1], depth), "ok");
            (void)nested(&trial, forms[i][0], forms[i][1], depth + 1);
            CHECK(trial.status == ARC_EINVAL && trial.fault.kind == ARC_FAULT_SIZE);
            CHECK(trial.fault.offset >= strlen(forms[i][0]) * (depth - 1));
        }
    }
    trial.limits.depth = 1000; /* the cap is 64 */
    (void)nested(&trial, "(", ")", 65);
    CHECK(trial.fault.kind == ARC_FAULT_SIZE);
    trial_deinit(&trial);
}

static void a_long_chain_is_not_deep(void)
{
    static const char *const forms[] = {"a || ", "1 + ", "a ?? ", "a == b && "};
    struct trial trial;
    CHECK(trial_init(&trial, NULL));
    for (size_t i = 0; i < ARC_COUNT_OF(forms); i++)
        CHECK_TEXT(nested(&trial, forms[i], "", 700), "ok");
    trial_deinit(&trial);
}

static void the_bytes_of_an_expression_are_bounded(void)
{
    struct trial trial;
    CHECK(trial_init(&trial, NULL));
    trial.limits.bytes = 10;
    CHECK_TEXT(trial_parse(&trial, "1 + 2 + 34"), "ok");
    CHECK_TEXT(trial_parse(&trial, "1 + 2 + 345"),
               "size 0..10: the expression is longer than 10 bytes (take a part of it out into a "
               "variable)");
    trial_deinit(&trial);
}

static void bytes_that_are_no_text_are_refused(void)
{
    static const struct {
        const char *text;
        size_t len;
        uint32_t at;
    } rows[] = {
        {"", 0, 0},     {"  ", 2, 0},      {"a\xff", 2, 1},  {"\"\xc3\"", 3, 1},
        {"a\0b", 3, 1}, {"\"a\0\"", 4, 2}, {"a \x01", 3, 2},
    };
    struct trial trial;
    CHECK(trial_init(&trial, NULL));
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        const struct arc_expr *expr = NULL;
        CHECK_STATUS(arc__expr_parse(arc__slice(rows[i].text, rows[i].len), NULL, &trial.arena,
                                     &expr, &trial.fault),
                     ARC_EINVAL);
        CHECK(trial.fault.kind == ARC_FAULT_SYNTAX);
        CHECK_INT(trial.fault.offset, rows[i].at);
        CHECK(trial.fault.hint.len > 0);
    }
    trial_deinit(&trial);
}

static void contexts_and_status_functions_are_told(void)
{
    static const struct {
        const char *text;
        uint32_t contexts;
        int status;
    } rows[] = {
        {"1", 0, 0},
        {"deploy", ARC_CONTEXT_BIT(ARC_CONTEXT_VARIABLES), 0},
        {"trigger.branch == matrix.os",
         ARC_CONTEXT_BIT(ARC_CONTEXT_TRIGGER) | ARC_CONTEXT_BIT(ARC_CONTEXT_MATRIX), 0},
        {"always()", 0, 1},
        {"[failure()][0]", 0, 1},
        {"needs[secrets.A]",
         ARC_CONTEXT_BIT(ARC_CONTEXT_NEEDS) | ARC_CONTEXT_BIT(ARC_CONTEXT_SECRETS), 0},
    };
    struct trial trial;
    CHECK(trial_init(&trial, NULL));
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        const struct arc_expr *expr = parsed(&trial, "@#", rows[i].text, "");
        CHECK(expr != NULL && arc__expr_contexts(expr) == rows[i].contexts);
        CHECK(expr != NULL && arc__expr_has_status(expr) == rows[i].status);
    }
    trial_deinit(&trial);
}

static int parse_life(struct test_mem *state)
{
    static const char *const rows[] = {
        "a.b == \"x\\n\" && [1, {b: c}] contains f(1) ? x matches \"^a+$\" : {a: [1, 2]}",
        "((((((((((((((((((((((((((1))))))))))))))))))))))))))",
        "lenght(1) +",
        "\"a\" matches \"(\"",
    };
    struct arc_mem mem = test_mem(state);
    int well = 1;
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        struct arc_arena arena;
        struct arc_fault fault;
        const struct arc_expr *expr = NULL;
        arc__arena_init(&arena, &mem, (size_t)1 << 20);
        arc_status status = arc__expr_parse(arc__slice_cstr(rows[i]), NULL, &arena, &expr, &fault);
        well &= status == (i < 2 ? ARC_OK : ARC_EINVAL);
        CHECK(status == ARC_ENOMEM || status == (i < 2 ? ARC_OK : ARC_EINVAL));
        arc__arena_deinit(&arena);
    }
    return well;
}

/* The names of an expression as its text has them, with `; ` between. */
static arc_slice trial_names(struct trial *trial, const char *text)
{
    const struct arc_expr *expr = NULL;
    struct arc_expr_name name;
    uint32_t at = 0;
    arc__buf_clear(&trial->out);
    CHECK_OK(arc__expr_parse(arc__slice_cstr(text), NULL, &trial->arena, &expr, &trial->fault));
    for (int more = 0; expr != NULL && arc__expr_name(expr, &at, &name); more = 1)
        arc__buf_printf(&trial->out, "%s%.*s", more ? "; " : "", (int)(name.end - name.offset),
                        text + name.offset);
    return arc__buf_slice(&trial->out);
}

/* Some are compared with a constant in one instruction, whose place is the comparison's. */
static void names_are_told_as_the_text_has_them(void)
{
    static const struct trial_row rows[] = {
        {"1 + 2", ""},
        {"deploy", "deploy"},
        {"deploy == \"x\"", "deploy"},
        {"variables.deploy != 'x' && len(trigger.ref) > 1", "variables.deploy; trigger.ref"},
        {"needs[\"a\"].result == 'x'", "needs[\"a\"].result"},
        {"matrix[ \"go\" ] == '1'", "matrix[ \"go\" ]"},
        {"(matrix['go']) == '1'", "matrix['go']"},
        {"env == null", "env"},
        {"[1, 2][matrix.n == 1 ? 0 : 1] in [job.name]", "matrix.n; job.name"},
    };
    TRIAL(trial_names, rows);
}

static void parsing_survives_failing_memory(void)
{
    test_torture(parse_life, 0, 400);
    test_torture(parse_life, 1, 400);
}

static const struct test tests[] = {
    {"each slip is named with its place and fix", each_slip_is_named_with_its_place_and_fix},
    {"each pair of operators binds as the table says",
     each_pair_of_operators_binds_as_the_table_says},
    {"words mean what their signs mean", words_mean_what_their_signs_mean},
    {"unary operators bind between times and coalesce",
     unary_operators_bind_between_times_and_coalesce},
    {"the depth of each bracket and sign is bounded",
     the_depth_of_each_bracket_and_sign_is_bounded},
    {"a long chain is not deep", a_long_chain_is_not_deep},
    {"the bytes of an expression are bounded", the_bytes_of_an_expression_are_bounded},
    {"bytes that are no text are refused", bytes_that_are_no_text_are_refused},
    {"contexts and status functions are told", contexts_and_status_functions_are_told},
    {"names are told as the text has them", names_are_told_as_the_text_has_them},
    {"parsing an expression survives failing memory", parsing_survives_failing_memory},
};

TEST_MAIN(tests)
