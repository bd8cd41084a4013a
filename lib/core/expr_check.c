/* SPDX-License-Identifier: Apache-2.0 */
/* The checker runs the machine with types instead of values, through both sides of every branch.
 * Where two literals meet it computes, so that `1 / 0` is found before it happens. */
#include "core/expr_private.h"

#include <stdio.h>

#include "base/text.h"

struct type {
    enum arc_type_kind kind;
    uint32_t from, to;             /* of the text */
    const struct arc_value *value; /* of a literal, else NULL */
};

/* Where two branches meet. */
struct join {
    uint32_t target;
    struct type type;
};

struct finding {
    struct finding *next;
    struct arc_fault fault;
};

struct checker {
    const struct arc_expr *expr;
    const struct arc_scope *scope;
    struct arc_arena *arena;
    struct arc_machine machine; /* for what is computed already */
    struct arc_fault fault;
    struct type *stack;
    uint32_t height;
    struct join *joins;
    uint32_t join_count;
    uint32_t at; /* the instruction */
    struct finding *first, *last;
};

/* --- findings ----------------------------------------------------------------------------- */

/* In order of position: nearly always at the end. */
static void keep(struct checker *checker)
{
    struct finding *fresh = ARC_ARENA_NEW(checker->arena, struct finding);
    if (fresh == NULL)
        return;
    fresh->fault = checker->fault;
    if (checker->last != NULL && checker->last->fault.offset <= fresh->fault.offset) {
        checker->last->next = fresh;
        checker->last = fresh;
        return;
    }
    struct finding **link = &checker->first;
    while (*link != NULL && (*link)->fault.offset <= fresh->fault.offset)
        link = &(*link)->next;
    fresh->next = *link;
    *link = fresh;
    if (fresh->next == NULL)
        checker->last = fresh;
}

#define FIND(checker, kind, from, to, hint, ...) \
    do { \
        if (arc__fault((struct arc_fault_place){(checker)->arena, &(checker)->fault}, (kind), \
                       (from), (to), (hint), __VA_ARGS__) == ARC_EINVAL) \
            keep(checker); \
    } while (0)

static arc_slice did_you_mean(struct checker *checker, arc_slice prefix, arc_slice name)
{
    if (name.len == 0)
        return ARC_NONE;
    return arc__arena_printf(checker->arena, "did you mean `%.*s%s%.*s`?", ARC_ARG(prefix),
                             prefix.len > 0 ? "." : "", ARC_ARG(name));
}

static struct arc_quote quote_of(const struct checker *checker, const struct type *type)
{
    return arc__quote(arc__slice(checker->expr->text.ptr + type->from, type->to - type->from));
}

/* --- types -------------------------------------------------------------------------------- */

static const char *type_name(enum arc_type_kind kind)
{
    static const enum arc_value_kind kinds[] = {
        [ARC_TYPE_KIND_NULL] = ARC_VALUE_NULL, [ARC_TYPE_KIND_BOOL] = ARC_VALUE_BOOL,
        [ARC_TYPE_KIND_INT] = ARC_VALUE_INT,   [ARC_TYPE_KIND_FLOAT] = ARC_VALUE_FLOAT,
        [ARC_TYPE_KIND_TEXT] = ARC_VALUE_TEXT, [ARC_TYPE_KIND_LIST] = ARC_VALUE_LIST,
        [ARC_TYPE_KIND_MAP] = ARC_VALUE_MAP,   [ARC_TYPE_KIND_DURATION] = ARC_VALUE_DURATION,
        [ARC_TYPE_KIND_TIME] = ARC_VALUE_TIME,
    };
    return kind == ARC_TYPE_KIND_ANY     ? "anything"
           : kind == ARC_TYPE_KIND_TEXTS ? "a map of texts"
                                         : arc__value_kind_name(kinds[kind]);
}

static enum arc_type_kind type_of(const struct arc_value *value)
{
    static const enum arc_type_kind kinds[] = {
        [ARC_VALUE_NULL] = ARC_TYPE_KIND_NULL, [ARC_VALUE_BOOL] = ARC_TYPE_KIND_BOOL,
        [ARC_VALUE_INT] = ARC_TYPE_KIND_INT,   [ARC_VALUE_FLOAT] = ARC_TYPE_KIND_FLOAT,
        [ARC_VALUE_TEXT] = ARC_TYPE_KIND_TEXT, [ARC_VALUE_LIST] = ARC_TYPE_KIND_LIST,
        [ARC_VALUE_MAP] = ARC_TYPE_KIND_MAP,   [ARC_VALUE_DURATION] = ARC_TYPE_KIND_DURATION,
        [ARC_VALUE_TIME] = ARC_TYPE_KIND_TIME, [ARC_VALUE_UNKNOWN] = ARC_TYPE_KIND_ANY,
    };
    return kinds[value->kind];
}

static int is_number(enum arc_type_kind kind)
{
    return kind == ARC_TYPE_KIND_INT || kind == ARC_TYPE_KIND_FLOAT;
}

static int is_map(enum arc_type_kind kind)
{
    return kind == ARC_TYPE_KIND_MAP || kind == ARC_TYPE_KIND_TEXTS;
}

/* 1: values of both may be equal. */
static int comparable(enum arc_type_kind a, enum arc_type_kind b)
{
    return a == b || a == ARC_TYPE_KIND_ANY || b == ARC_TYPE_KIND_ANY || a == ARC_TYPE_KIND_NULL ||
           b == ARC_TYPE_KIND_NULL || (is_number(a) && is_number(b)) || (is_map(a) && is_map(b));
}

/* Of two branches. */
static enum arc_type_kind either(enum arc_type_kind a, enum arc_type_kind b)
{
    if (a == b || b == ARC_TYPE_KIND_NULL)
        return a;
    if (a == ARC_TYPE_KIND_NULL)
        return b;
    return is_map(a) && is_map(b) ? ARC_TYPE_KIND_MAP : ARC_TYPE_KIND_ANY;
}

/* --- the stack ---------------------------------------------------------------------------- */

static void push(struct checker *checker, enum arc_type_kind kind, uint32_t from, uint32_t to,
                 const struct arc_value *value)
{
    checker->stack[checker->height++] = (struct type){kind, from, to, value};
}

static struct type pop(struct checker *checker)
{
    return checker->stack[--checker->height];
}

static void put(struct checker *checker, enum arc_type_kind kind)
{
    const struct arc_code_place *place = &checker->expr->places[checker->at];
    push(checker, kind, place->from, place->to, NULL);
}

static void branch(struct checker *checker, uint32_t target, struct type type)
{
    checker->joins[checker->join_count++] = (struct join){target, type};
}

static void meet(struct checker *checker, uint32_t at)
{
    while (checker->join_count > 0 && checker->joins[checker->join_count - 1].target == at) {
        struct type second = pop(checker);
        struct type first = checker->joins[--checker->join_count].type;
        push(checker, either(first.kind, second.kind), first.from, second.to, NULL);
    }
}

static void want(struct checker *checker, const struct type *type, enum arc_type_kind kind,
                 const char *who, arc_slice hint)
{
    if (arc__type_accepts(kind, type->kind))
        return;
    struct arc_quote quote = quote_of(checker, type);
    FIND(checker, ARC_FAULT_TYPE, type->from, type->to, hint, "%s takes %s, and `%s` is %s", who,
         kind == ARC_TYPE_KIND_BOOL    ? "true or false"
         : kind == ARC_TYPE_KIND_FLOAT ? "a number"
                                       : type_name(kind),
         quote.text, type_name(type->kind));
}

/* --- names -------------------------------------------------------------------------------- */

static int declared(struct checker *checker, enum arc_context context, arc_slice of, arc_slice name,
                    enum arc_type_kind *kind)
{
    *kind = ARC_TYPE_KIND_ANY;
    if (of.ptr != NULL) {
        const struct arc_context_member *member = arc__context_member(context, name);
        if (checker->scope->declared != NULL &&
            checker->scope->declared(checker->scope->user, context, of, name, kind))
            return 1;
        if (member != NULL)
            *kind = member->type;
        return member != NULL;
    }
    return checker->scope->declared == NULL ||
           checker->scope->declared(checker->scope->user, context, of, name, kind);
}

static arc_slice nearest_declared(struct checker *checker, enum arc_context context, arc_slice of,
                                  arc_slice name)
{
    if (of.ptr != NULL)
        return arc__nearest_member(context, name);
    if (checker->scope->nearest == NULL)
        return ARC_NONE;
    return checker->scope->nearest(checker->scope->user, context, of, name);
}

/* The longest beginning of a name with `-` that is a name itself, so that a blank is missing. */
static int lacks_blank(struct checker *checker, enum arc_context context, arc_slice of,
                       arc_slice name)
{
    int closed = arc__context(context)->shape == ARC_SHAPE_CLOSED;
    enum arc_type_kind kind;
    for (size_t len = name.len; len > 1; len--) {
        arc_slice head = arc__slice(name.ptr, len - 1);
        if (name.ptr[len - 1] != '-')
            continue;
        if (closed ? arc__context_member(context, head) != NULL
                   : declared(checker, context, of, head, &kind))
            return 1;
    }
    return 0;
}

/* "it has `name` and `status`" */
static arc_slice member_list(struct checker *checker, enum arc_context context)
{
    char text[256];
    size_t count = 0, len = 0, left = 0;
    const struct arc_context_member *members = arc__context_members(&count);
    for (size_t i = 0; i < count; i++)
        left += members[i].context == context;
    for (size_t i = 0; i < count && len < sizeof(text); i++) {
        if (members[i].context != context)
            continue;
        left--;
        int more = snprintf(text + len, sizeof(text) - len, "%s`%s`",
                            len == 0    ? "it has "
                            : left == 0 ? " and "
                                        : ", ",
                            members[i].name);
        len += more > 0 ? (size_t)more : 0;
    }
    return arc__arena_printf(checker->arena, "%s", len > 0 && len < sizeof(text) ? text : "");
}

/* of: the job or step whose member it is, or ARC_NONE. */
static void find_member(struct checker *checker, enum arc_context context, arc_slice of,
                        const struct arc_expr_key *key)
{
    const char *name = arc__context(context)->name;
    struct arc_quote quote = arc__quote(key->name), of_quote = arc__quote(of);
    arc_slice nearest = arc__context(context)->shape == ARC_SHAPE_CLOSED
                            ? arc__nearest_member(context, key->name)
                            : nearest_declared(checker, context, of, key->name);
    arc_slice hint = did_you_mean(checker, ARC_NONE, nearest);
    if (lacks_blank(checker, context, of, key->name))
        hint = ARC_LIT("names may hold `-`: write a blank before a minus");
    else if (hint.len == 0 && context == ARC_CONTEXT_NEEDS && of.ptr == NULL)
        hint = ARC_LIT("name the job in `dependsOn`");
    else if (hint.len == 0 && context == ARC_CONTEXT_VARIABLES)
        hint = ARC_LIT("declare it in `variables` of the pipeline");
    else if (hint.len == 0 && context == ARC_CONTEXT_MATRIX)
        hint = ARC_LIT("declare it as an axis in the job's `matrix`");
    else if (hint.len == 0 && (arc__context(context)->shape == ARC_SHAPE_CLOSED || of.ptr != NULL))
        hint = member_list(checker, context);
    if (of.ptr != NULL)
        FIND(checker, ARC_FAULT_NAME, key->at, key->end, hint, "`%s.%s` has no `%s`", name,
             of_quote.text, quote.text);
    else
        FIND(checker, ARC_FAULT_NAME, key->at, key->end, hint, "`%s` has no `%s`", name,
             quote.text);
}

/* What somebody may have meant with a bare name that is no variable. */
static arc_slice meant_by(struct checker *checker, arc_slice name)
{
    static const char *const others[][2] = {
        {"True", "true"},
        {"TRUE", "true"},
        {"yes", "true"},
        {"False", "false"},
        {"FALSE", "false"},
        {"no", "false"},
        {"None", "null"},
        {"nil", "null"},
        {"Null", "null"},
        {"NULL", "null"},
        {"undefined", "null"},
        {"needs_", "needs"},
        {"github", "trigger"},
        {"inputs", "variables"},
        {"vars", "variables"},
        {"runner", "agent"},
        {"var", "variables"},
        {"parameters", "variables"},
        {"params", "variables"},
        {"on_success", "success()"},
        {"on_failure", "failure()"},
        {"never", "false"},
        {"jobs", "needs"},
        {"runs", "run"},
    };
    size_t count = 0;
    uint8_t bits = 0;
    const struct arc_context_member *members = arc__context_members(&count);
    for (size_t i = 0; i < ARC_COUNT_OF(others); i++) {
        if (arc__slice_is(name, others[i][0]))
            return did_you_mean(checker, ARC_NONE, arc__slice_cstr(others[i][1]));
    }
    if (arc__status_find(name, &bits) || arc__function_find(name) != NULL)
        return arc__arena_printf(checker->arena, "functions are called: write `%.*s()`",
                                 ARC_ARG(name));
    arc_slice nearest = nearest_declared(checker, ARC_CONTEXT_VARIABLES, ARC_NONE, name);
    if (nearest.len == 0)
        nearest = arc__nearest_context(name);
    if (nearest.len > 0)
        return did_you_mean(checker, ARC_NONE, nearest);
    for (size_t i = 0; i < count; i++) {
        const struct arc_context_row *row = arc__context(members[i].context);
        if (row->shape == ARC_SHAPE_CLOSED && arc__slice_is(name, members[i].name))
            return did_you_mean(checker, arc__slice_cstr(row->name), name);
    }
    return arc__arena_printf(checker->arena, "texts stand in quotes: `\"%.*s\"`", ARC_ARG(name));
}

static void check_place(struct checker *checker, enum arc_context context, uint32_t at)
{
    static const char *const levels[] = {"everywhere", "in stages and their jobs",
                                         "in jobs and their steps", "in steps"};
    const struct arc_context_row *row = arc__context(context);
    uint32_t end = at + (uint32_t)strlen(row->name);
    if ((checker->scope->denied & ARC_CONTEXT_BIT(context)) != 0)
        FIND(checker, ARC_FAULT_PLACE, at, end, arc__slice_cstr(row->sentence),
             "`%s` cannot be used here", row->name);
    else if (checker->scope->level < row->level)
        FIND(checker, ARC_FAULT_PLACE, at, end, arc__slice_cstr(row->sentence),
             "`%s` has a meaning %s only", row->name, levels[row->level]);
}

/* The first member of a context. */
static enum arc_type_kind first_member(struct checker *checker, enum arc_context context,
                                       const struct arc_expr_key *key)
{
    enum arc_type_kind kind = ARC_TYPE_KIND_ANY;
    const struct arc_context_member *member = arc__context_member(context, key->name);
    switch (arc__context(context)->shape) {
    case ARC_SHAPE_OPEN:
        return ARC_TYPE_KIND_TEXT;
    case ARC_SHAPE_CLOSED:
        if (member != NULL)
            return member->type;
        break;
    case ARC_SHAPE_DECLARED:
        if (declared(checker, context, ARC_NONE, key->name, &kind))
            return kind;
        if (key->bare) {
            struct arc_quote quote = arc__quote(key->name);
            FIND(checker, ARC_FAULT_NAME, key->at, key->end, meant_by(checker, key->name),
                 "`%s` is neither a context nor a variable of the pipeline", quote.text);
            return ARC_TYPE_KIND_ANY;
        }
        break;
    }
    find_member(checker, context, ARC_NONE, key);
    return ARC_TYPE_KIND_ANY;
}

/* A member of something of that type. */
static enum arc_type_kind member_of(struct checker *checker, enum arc_type_kind kind,
                                    const struct arc_expr_key *key)
{
    if (kind == ARC_TYPE_KIND_TEXTS)
        return ARC_TYPE_KIND_TEXT;
    if (kind == ARC_TYPE_KIND_ANY || kind == ARC_TYPE_KIND_MAP)
        return ARC_TYPE_KIND_ANY;
    if (kind == ARC_TYPE_KIND_NULL)
        return ARC_TYPE_KIND_NULL;
    struct arc_quote quote = arc__quote(key->name);
    FIND(checker, ARC_FAULT_TYPE, key->at, key->end,
         kind == ARC_TYPE_KIND_LIST ? ARC_LIT("write `[0]` for the first one") : ARC_NONE,
         "%s has no member `%s`", type_name(kind), quote.text);
    return ARC_TYPE_KIND_ANY;
}

static void check_path(struct checker *checker, const struct arc_code *code)
{
    const struct arc_code_place *place = &checker->expr->places[checker->at];
    enum arc_context context = (enum arc_context)(code->a & ~ARC_OP_NOT_EQUAL);
    const struct arc_expr_key *keys = &checker->expr->keys[code->c];
    enum arc_type_kind kind = ARC_TYPE_KIND_MAP;
    int entries = context == ARC_CONTEXT_NEEDS || context == ARC_CONTEXT_STEPS;
    if (code->b == 0 || !keys[0].bare)
        check_place(checker, context, place->from);
    for (uint32_t i = 0; i < code->b; i++) {
        if (i == 0) {
            const struct finding *before = checker->last;
            kind = first_member(checker, context, &keys[i]);
            if (checker->last != before) /* of what is not there, nothing more is said */
                i = code->b;
        } else if (i == 1 && entries) {
            if (!declared(checker, context, keys[0].name, keys[i].name, &kind)) {
                find_member(checker, context, keys[0].name, &keys[i]);
                kind = ARC_TYPE_KIND_ANY;
                i = code->b;
            }
        } else {
            kind = member_of(checker, kind, &keys[i]);
        }
    }
    uint32_t to = code->b > 0 ? keys[code->b - 1].end : place->to;
    push(checker, kind, place->from, code->op == ARC_OP_PATH ? place->to : to, NULL);
}

/* --- operators ---------------------------------------------------------------------------- */

/* What a literal text would be without its quotes. */
static enum arc_type_kind unquoted(const struct arc_value *text)
{
    double number = 0;
    arc_slice inside = arc__value_slice(text);
    if (arc__slice_is(inside, "true") || arc__slice_is(inside, "false"))
        return ARC_TYPE_KIND_BOOL;
    return arc__text_to_double(inside, &number) ? ARC_TYPE_KIND_FLOAT : ARC_TYPE_KIND_TEXT;
}

/* What to write instead, where one side is a text and the other one is not. */
static arc_slice convert_hint(struct checker *checker, const struct type *a, const struct type *b)
{
    const struct type *text = a->kind == ARC_TYPE_KIND_TEXT ? a : b;
    const struct type *other = text == a ? b : a;
    if (text->kind != ARC_TYPE_KIND_TEXT)
        return ARC_NONE;
    struct arc_quote text_quote = quote_of(checker, text), quote = quote_of(checker, other);
    if (text->value != NULL && other->value == NULL && other->kind != ARC_TYPE_KIND_TEXT &&
        comparable(unquoted(text->value), other->kind))
        return arc__arena_printf(checker->arena, "write `%.*s` without quotes",
                                 ARC_ARG(arc__value_slice(text->value)));
    switch (other->kind) {
    case ARC_TYPE_KIND_INT:
    case ARC_TYPE_KIND_FLOAT:
    case ARC_TYPE_KIND_BOOL:
        if (other->value != NULL)
            return arc__arena_printf(checker->arena, "write `\"%s\"`", quote.text);
        return arc__arena_printf(checker->arena, "write `string(%s)`", quote.text);
    case ARC_TYPE_KIND_DURATION:
        return arc__arena_printf(checker->arena, "write `duration(%s)`", text_quote.text);
    default:
        return ARC_NONE;
    }
}

static void mismatch(struct checker *checker, const struct type *a, const struct type *b,
                     arc_slice hint)
{
    const struct arc_code_place *place = &checker->expr->places[checker->at];
    struct arc_quote qa = quote_of(checker, a), qb = quote_of(checker, b);
    struct arc_quote sign =
        arc__quote(arc__slice(checker->expr->text.ptr + place->at, (size_t)place->end - place->at));
    FIND(checker, ARC_FAULT_TYPE, place->at, place->end, hint,
         "`%s` does not go with `%s`, which is %s, and `%s`, which is %s", sign.text, qa.text,
         type_name(a->kind), qb.text, type_name(b->kind));
}

static void check_equal(struct checker *checker, const struct type *a, const struct type *b)
{
    if (!comparable(a->kind, b->kind))
        mismatch(checker, a, b, convert_hint(checker, a, b));
}

static void check_order(struct checker *checker, const struct type *a, const struct type *b)
{
    static const enum arc_type_kind ordered[] = {ARC_TYPE_KIND_ANY,      ARC_TYPE_KIND_INT,
                                                 ARC_TYPE_KIND_FLOAT,    ARC_TYPE_KIND_TEXT,
                                                 ARC_TYPE_KIND_DURATION, ARC_TYPE_KIND_TIME};
    int left = 0, right = 0;
    for (size_t i = 0; i < ARC_COUNT_OF(ordered); i++) {
        left |= a->kind == ordered[i];
        right |= b->kind == ordered[i];
    }
    if (left && right && comparable(a->kind, b->kind))
        return;
    arc_slice hint = convert_hint(checker, a, b);
    const struct type *text = a->kind == ARC_TYPE_KIND_TEXT ? a : b;
    struct arc_quote quote = quote_of(checker, text);
    if (text->kind == ARC_TYPE_KIND_TEXT && text->value == NULL &&
        is_number(text == a ? b->kind : a->kind))
        hint = arc__arena_printf(checker->arena, "write `int(%s)`", quote.text);
    mismatch(checker, a, b, hint);
}

static void check_in(struct checker *checker, const struct type *a, const struct type *b)
{
    if (b->kind == ARC_TYPE_KIND_TEXT) {
        struct arc_quote qa = quote_of(checker, a), qb = quote_of(checker, b);
        mismatch(checker, a, b,
                 arc__arena_printf(checker->arena, "write `%s contains %s`", qb.text, qa.text));
        return;
    }
    if (is_map(b->kind)) {
        want(checker, a, ARC_TYPE_KIND_TEXT, "`in` of a map", ARC_NONE);
        return;
    }
    if (b->kind != ARC_TYPE_KIND_LIST && b->kind != ARC_TYPE_KIND_ANY) {
        mismatch(checker, a, b, ARC_LIT("write `in [a, b]`"));
        return;
    }
    int any = b->value == NULL || b->value->count == 0;
    for (uint32_t i = 0; !any && i < b->value->count; i++)
        any = comparable(a->kind, type_of(&b->value->as.items[i]));
    if (any)
        return;
    struct arc_quote quote = quote_of(checker, a);
    FIND(checker, ARC_FAULT_TYPE, b->from, b->to,
         a->kind == ARC_TYPE_KIND_TEXT ? ARC_LIT("put the values into quotes") : ARC_NONE,
         "`%s` is %s, and nothing in the list is", quote.text, type_name(a->kind));
}

static void check_text(struct checker *checker, enum arc_operator operator_, const struct type *a,
                       const struct type *b)
{
    char who[32] = "`";
    const char *word = arc__operator(operator_)->word;
    size_t len = strlen(word);
    memcpy(who + 1, word, len);
    memcpy(who + 1 + len, "`", 2);
    if (operator_ == ARC_OPERATOR_CONTAINS &&
        (a->kind == ARC_TYPE_KIND_LIST || is_map(a->kind) || a->kind == ARC_TYPE_KIND_ANY))
        return;
    want(checker, a, ARC_TYPE_KIND_TEXT, who, ARC_NONE);
    want(checker, b, ARC_TYPE_KIND_TEXT, who, ARC_NONE);
}

/* The type of a sum, product and so on; the types were found not to be known by the caller when
 * ANY is among them. -1: they do not go together. */
static int arithmetic(enum arc_operator operator_, enum arc_type_kind a, enum arc_type_kind b)
{
    static const struct {
        enum arc_operator operator_;
        enum arc_type_kind a, b, result;
    } rows[] = {
        {ARC_OPERATOR_ADD, ARC_TYPE_KIND_TEXT, ARC_TYPE_KIND_TEXT, ARC_TYPE_KIND_TEXT},
        {ARC_OPERATOR_ADD, ARC_TYPE_KIND_DURATION, ARC_TYPE_KIND_DURATION, ARC_TYPE_KIND_DURATION},
        {ARC_OPERATOR_ADD, ARC_TYPE_KIND_TIME, ARC_TYPE_KIND_DURATION, ARC_TYPE_KIND_TIME},
        {ARC_OPERATOR_ADD, ARC_TYPE_KIND_DURATION, ARC_TYPE_KIND_TIME, ARC_TYPE_KIND_TIME},
        {ARC_OPERATOR_SUB, ARC_TYPE_KIND_DURATION, ARC_TYPE_KIND_DURATION, ARC_TYPE_KIND_DURATION},
        {ARC_OPERATOR_SUB, ARC_TYPE_KIND_TIME, ARC_TYPE_KIND_DURATION, ARC_TYPE_KIND_TIME},
        {ARC_OPERATOR_SUB, ARC_TYPE_KIND_TIME, ARC_TYPE_KIND_TIME, ARC_TYPE_KIND_DURATION},
        {ARC_OPERATOR_MUL, ARC_TYPE_KIND_DURATION, ARC_TYPE_KIND_INT, ARC_TYPE_KIND_DURATION},
        {ARC_OPERATOR_MUL, ARC_TYPE_KIND_INT, ARC_TYPE_KIND_DURATION, ARC_TYPE_KIND_DURATION},
        {ARC_OPERATOR_DIV, ARC_TYPE_KIND_DURATION, ARC_TYPE_KIND_INT, ARC_TYPE_KIND_DURATION},
    };
    if (is_number(a) && is_number(b)) {
        if (a == ARC_TYPE_KIND_INT && b == ARC_TYPE_KIND_INT)
            return ARC_TYPE_KIND_INT;
        return operator_ == ARC_OPERATOR_MOD ? -1 : ARC_TYPE_KIND_FLOAT;
    }
    int possible = -1;
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        if (rows[i].operator_ == operator_ && arc__type_accepts(rows[i].a, a) &&
            arc__type_accepts(rows[i].b, b))
            possible = possible < 0 || possible == (int)rows[i].result ? (int)rows[i].result
                                                                       : ARC_TYPE_KIND_ANY;
    }
    if ((a == ARC_TYPE_KIND_ANY || is_number(a)) && (b == ARC_TYPE_KIND_ANY || is_number(b)))
        possible = ARC_TYPE_KIND_ANY;
    return possible;
}

static enum arc_type_kind check_arithmetic(struct checker *checker, enum arc_operator operator_,
                                           const struct type *a, const struct type *b)
{
    int result = arithmetic(operator_, a->kind, b->kind);
    if (result >= 0)
        return (enum arc_type_kind)result;
    arc_slice hint = ARC_NONE;
    int texts = (a->kind == ARC_TYPE_KIND_TEXT) + (b->kind == ARC_TYPE_KIND_TEXT);
    const struct type *text = a->kind == ARC_TYPE_KIND_TEXT ? a : b;
    const struct type *other = text == a ? b : a;
    struct arc_quote text_quote = quote_of(checker, text), quote = quote_of(checker, other);
    if (texts == 1 && operator_ == ARC_OPERATOR_ADD)
        hint = arc__arena_printf(checker->arena, "write `string(%s)`", quote.text);
    else if (texts == 1 && is_number(other->kind))
        hint = arc__arena_printf(checker->arena, "write `int(%s)`", text_quote.text);
    mismatch(checker, a, b, hint);
    return ARC_TYPE_KIND_ANY;
}

/* Both sides are literals: what comes out is known. */
static const struct arc_value *compute(struct checker *checker, enum arc_operator operator_,
                                       const struct type *a, const struct type *b)
{
    const struct arc_code_place *place = &checker->expr->places[checker->at];
    struct arc_value *out = ARC_ARENA_NEW(checker->arena, struct arc_value);
    if (out == NULL)
        return NULL;
    arc_status status = arc__expr_binary(&checker->machine, operator_, a->value, b->value, out);
    if (status == ARC_EINVAL && checker->fault.kind == ARC_FAULT_VALUE) {
        checker->fault.offset = place->at;
        checker->fault.end = place->end;
        keep(checker);
    }
    return status == ARC_OK ? out : NULL;
}

static void check_binary(struct checker *checker, const struct arc_code *code)
{
    enum arc_operator operator_ = (enum arc_operator)code->a;
    struct type b = pop(checker), a = pop(checker);
    enum arc_type_kind result = ARC_TYPE_KIND_BOOL;
    switch (operator_) {
    case ARC_OPERATOR_EQ:
        check_equal(checker, &a, &b);
        break;
    case ARC_OPERATOR_LE:
    case ARC_OPERATOR_LT:
    case ARC_OPERATOR_GE:
    case ARC_OPERATOR_GT:
        check_order(checker, &a, &b);
        break;
    case ARC_OPERATOR_IN:
        check_in(checker, &a, &b);
        break;
    case ARC_OPERATOR_MATCHES:
    case ARC_OPERATOR_CONTAINS:
    case ARC_OPERATOR_STARTS:
    case ARC_OPERATOR_ENDS:
        check_text(checker, operator_, &a, &b);
        break;
    default:
        result = check_arithmetic(checker, operator_, &a, &b);
        put(checker, result);
        if (a.value != NULL && b.value != NULL && result != ARC_TYPE_KIND_ANY)
            checker->stack[checker->height - 1].value = compute(checker, operator_, &a, &b);
        return;
    }
    put(checker, result);
}

static void check_fused_equal(struct checker *checker, uint32_t constant)
{
    const struct arc_code_place *place = &checker->expr->places[checker->at];
    const struct arc_value *value = &checker->expr->constants[constant];
    struct type a = pop(checker), b = {type_of(value), place->end, place->to, value};
    while (b.from < b.to && strchr(" \t\r\n", checker->expr->text.ptr[b.from]) != NULL)
        b.from++;
    check_equal(checker, &a, &b);
    push(checker, ARC_TYPE_KIND_BOOL, a.from, place->to, NULL);
}

/* --- members and calls -------------------------------------------------------------------- */

static void check_index(struct checker *checker)
{
    struct type key = pop(checker), of = pop(checker);
    enum arc_type_kind result =
        of.kind == ARC_TYPE_KIND_TEXTS ? ARC_TYPE_KIND_TEXT : ARC_TYPE_KIND_ANY;
    struct arc_quote quote = quote_of(checker, &of);
    if (of.kind == ARC_TYPE_KIND_LIST)
        want(checker, &key, ARC_TYPE_KIND_INT, "the index of a list", ARC_NONE);
    else if (is_map(of.kind))
        want(checker, &key, ARC_TYPE_KIND_TEXT, "the key of a map", ARC_NONE);
    else if (of.kind != ARC_TYPE_KIND_ANY && of.kind != ARC_TYPE_KIND_NULL)
        FIND(checker, ARC_FAULT_TYPE, key.from, key.to, ARC_NONE, "`%s` is %s and has no members",
             quote.text, type_name(of.kind));
    else if (key.kind != ARC_TYPE_KIND_ANY && key.kind != ARC_TYPE_KIND_TEXT &&
             key.kind != ARC_TYPE_KIND_INT)
        FIND(checker, ARC_FAULT_TYPE, key.from, key.to, ARC_NONE,
             "an index is an integer or a text, not %s", type_name(key.kind));
    put(checker, result);
}

/* A call with literals only. */
static const struct arc_value *compute_call(struct checker *checker,
                                            const struct arc_function *function,
                                            const struct type *args, uint32_t count)
{
    struct arc_value *values = arc__arena_array(checker->arena, (size_t)count + 1, sizeof(*values));
    if (values == NULL)
        return NULL;
    for (uint32_t i = 0; i < count; i++)
        values[i] = *args[i].value;
    struct arc_value *out = &values[count];
    arc_status status = function->run(&checker->machine.call, values, count, out);
    if (status == ARC_EINVAL && checker->fault.kind == ARC_FAULT_VALUE) {
        checker->fault.offset = args[0].from;
        checker->fault.end = args[count - 1].to;
        keep(checker);
    }
    return status == ARC_OK ? out : NULL;
}

static void check_call(struct checker *checker, const struct arc_code *code)
{
    const struct arc_expr_key *key = &checker->expr->keys[code->c];
    const struct arc_function *function = key->function;
    checker->height -= code->b;
    const struct type *args = &checker->stack[checker->height];
    const struct arc_value *value = NULL;
    arc_status status =
        arc__expr_call_fault(checker->expr, checker->at, checker->arena, &checker->fault);
    if (status != ARC_OK) {
        if (status == ARC_EINVAL)
            keep(checker);
        put(checker, function != NULL ? function->result : ARC_TYPE_KIND_ANY);
        return;
    }
    int literals = code->b > 0, fit = 1;
    for (uint32_t i = 0; i < code->b; i++) {
        uint32_t last = function->param_count - 1; /* there is one, or none could be given */
        enum arc_type_kind wanted = function->params[i < last ? i : last];
        literals &= args[i].value != NULL;
        if (arc__type_accepts(wanted, args[i].kind))
            continue;
        fit = 0;
        arc_slice who = arc__arena_printf(checker->arena, "`%s`", function->name);
        want(checker, &args[i], wanted, who.len > 0 ? who.ptr : "it",
             arc__arena_printf(checker->arena, "it is `%s`", function->signature));
    }
    if (literals && fit)
        value = compute_call(checker, function, args, code->b);
    put(checker, function->result);
    checker->stack[checker->height - 1].value = value;
}

static void check_status(struct checker *checker, const struct arc_code *code)
{
    const struct arc_expr_key *key = &checker->expr->keys[code->c];
    struct arc_quote quote = arc__quote(key->name);
    if (!checker->scope->status)
        FIND(checker, ARC_FAULT_PLACE, key->at, key->end, ARC_LIT("use `job.status`, or a `when`"),
             "`%s()` has a meaning in `when` only", quote.text);
    put(checker, ARC_TYPE_KIND_BOOL);
}

/* --- all of it ---------------------------------------------------------------------------- */

/* The operand just before a jump, or behind an operator, that must be true or false. */
static void want_bool(struct checker *checker, const struct type *type, const char *who)
{
    struct arc_quote quote = quote_of(checker, type);
    arc_slice hint = ARC_NONE;
    if (type->kind == ARC_TYPE_KIND_TEXT && type->value != NULL)
        hint = ARC_NONE; /* to compare a literal says nothing */
    else if (type->kind == ARC_TYPE_KIND_TEXT && strcmp(who, "`||`") == 0)
        hint = arc__arena_printf(checker->arena,
                                 "for another text in its place write `%s != \"\" ? %s : \"…\"`",
                                 quote.text, quote.text);
    else if (type->kind == ARC_TYPE_KIND_TEXT)
        hint = arc__arena_printf(checker->arena, "compare it: `%s == \"true\"` or `%s != \"\"`",
                                 quote.text, quote.text);
    else if (is_number(type->kind))
        hint = arc__arena_printf(checker->arena, "compare it: `%s != 0`", quote.text);
    else if (type->kind == ARC_TYPE_KIND_LIST || is_map(type->kind))
        hint = arc__arena_printf(checker->arena, "compare it: `len(%s) > 0`", quote.text);
    want(checker, type, ARC_TYPE_KIND_BOOL, who, hint);
}

static void check_logic(struct checker *checker, const struct arc_code *code)
{
    int either_ = code->op == ARC_OP_OR || code->op == ARC_OP_OR_JUMP;
    if (code->op == ARC_OP_AND_JUMP || code->op == ARC_OP_OR_JUMP) {
        want_bool(checker, &checker->stack[checker->height - 1], either_ ? "`||`" : "`&&`");
        return;
    }
    struct type b = pop(checker), a = pop(checker);
    /* `a || 'x'` between two texts is one mistake: the operator, and it was told of already. */
    if (arc__type_accepts(ARC_TYPE_KIND_BOOL, a.kind))
        want_bool(checker, &b, either_ ? "`||`" : "`&&`");
    push(checker, ARC_TYPE_KIND_BOOL, a.from, b.to, NULL);
}

static void check_unary(struct checker *checker, const struct arc_code *code)
{
    struct type a = pop(checker);
    uint32_t from = checker->expr->places[checker->at].at;
    if (code->op == ARC_OP_NOT) {
        int fits = arc__type_accepts(ARC_TYPE_KIND_BOOL, a.kind);
        want(checker, &a, ARC_TYPE_KIND_BOOL, "`not`",
             ARC_LIT("write `not (a == b)` with its brackets, or compare the value"));
        push(checker, fits ? ARC_TYPE_KIND_BOOL : ARC_TYPE_KIND_ANY, from, a.to, NULL);
        return;
    }
    if (a.kind != ARC_TYPE_KIND_DURATION)
        want(checker, &a, ARC_TYPE_KIND_FLOAT, "`-`", ARC_NONE);
    push(checker, a.kind, from, a.to, NULL);
}

static void check_branch(struct checker *checker, const struct arc_code *code)
{
    struct type top = pop(checker);
    if (code->op == ARC_OP_COND)
        want_bool(checker, &top, "`?:`");
    else
        branch(checker, code->c, top);
}

static void step(struct checker *checker, const struct arc_code *code)
{
    const struct arc_value *value = NULL;
    const struct arc_expr_key *key = NULL;
    const struct arc_code_place *place = &checker->expr->places[checker->at];
    struct type top;
    switch ((enum arc_expr_op)code->op) {
    case ARC_OP_CONST:
        value = &checker->expr->constants[code->c];
        push(checker, type_of(value), place->from, place->to, value);
        return;
    case ARC_OP_PATH:
        check_path(checker, code);
        return;
    case ARC_OP_PATH_EQUAL:
        check_path(checker, code);
        check_fused_equal(checker, code->d);
        return;
    case ARC_OP_EQUAL:
        check_fused_equal(checker, code->c);
        return;
    case ARC_OP_MEMBER:
        top = pop(checker);
        put(checker, member_of(checker, top.kind, &checker->expr->keys[code->c]));
        return;
    case ARC_OP_INDEX:
        check_index(checker);
        return;
    case ARC_OP_LIST:
    case ARC_OP_MAP:
        checker->height -= code->op == ARC_OP_MAP ? code->c * 2 : code->c;
        put(checker, code->op == ARC_OP_MAP ? ARC_TYPE_KIND_MAP : ARC_TYPE_KIND_LIST);
        return;
    case ARC_OP_NOT:
    case ARC_OP_NEGATE:
        check_unary(checker, code);
        return;
    case ARC_OP_AND_JUMP:
    case ARC_OP_AND:
    case ARC_OP_OR_JUMP:
    case ARC_OP_OR:
        check_logic(checker, code);
        return;
    case ARC_OP_COND:
    case ARC_OP_JUMP:
    case ARC_OP_NULL_JUMP:
        check_branch(checker, code);
        return;
    case ARC_OP_STATUS:
        check_status(checker, code);
        return;
    case ARC_OP_NOW:
        put(checker, ARC_TYPE_KIND_TIME);
        return;
    case ARC_OP_CALL:
        check_call(checker, code);
        return;
    case ARC_OP_PATTERN:
        top = pop(checker);
        want(checker, &top, ARC_TYPE_KIND_TEXT, "`matches`", ARC_NONE);
        put(checker, ARC_TYPE_KIND_BOOL);
        return;
    case ARC_OP_BINARY_CONST:
        key = &checker->expr->keys[code->d];
        value = &checker->expr->constants[code->c];
        push(checker, type_of(value), key->at, key->end, value);
        check_binary(checker, code);
        return;
    case ARC_OP_BINARY:
        check_binary(checker, code);
        return;
    }
}

enum arc_type_kind arc__expr_check(const struct arc_expr *expr, const struct arc_scope *scope,
                                   struct arc_arena *arena,
                                   void (*report)(void *user, const struct arc_fault *fault),
                                   void *user)
{
    struct arc_expr_limits limits = arc__expr_limits(NULL);
    struct checker checker = {.expr = expr, .scope = scope, .arena = arena};
    checker.machine = (struct arc_machine){expr,
                                           NULL,
                                           {.arena = arena,
                                            .units = limits.units,
                                            .result_bytes = limits.result_bytes,
                                            .now_ns = INT64_MIN,
                                            .fault = &checker.fault}};
    checker.stack = arc__arena_array(arena, (size_t)expr->stack + 2, sizeof(*checker.stack));
    checker.joins = arc__arena_array(arena, expr->count, sizeof(*checker.joins));
    if (checker.stack == NULL || checker.joins == NULL)
        return ARC_TYPE_KIND_ANY;
    for (checker.at = 0; checker.at < expr->count; checker.at++) {
        meet(&checker, checker.at);
        step(&checker, &expr->code[checker.at]);
    }
    meet(&checker, expr->count);
    struct type result = pop(&checker);
    if (scope->status)
        want_bool(&checker, &result, "`when`");
    for (const struct finding *found = checker.first; found != NULL; found = found->next)
        report(user, &found->fault);
    return result.kind;
}
