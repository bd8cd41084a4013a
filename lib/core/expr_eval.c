/* SPDX-License-Identifier: Apache-2.0 */
/* The machine. It allocates only for texts, lists and maps that it makes. A value that is not known
 * (UNKNOWN) makes unknown what depends on it, and nothing else. */
#include "core/expr_private.h"

#define STACK_LOCAL 24u
#define PATTERN_WORK_A_UNIT 64u

struct run {
    struct arc_machine machine;
    struct arc_value *top; /* one behind the last value */
    const struct arc_code *code;
    uint32_t at;
};

/* --- faults ------------------------------------------------------------------------------- */

static const struct arc_code_place *place_of(const struct run *run)
{
    return &run->machine.expr->places[run->at];
}

static struct arc_fault_place fault_of(const struct run *run)
{
    return (struct arc_fault_place){run->machine.call.arena, run->machine.call.fault};
}

/* The operator's own place for a fault that knows none. */
static arc_status placed(struct run *run, arc_status status)
{
    if (status == ARC_EINVAL) {
        run->machine.call.fault->offset = place_of(run)->at;
        run->machine.call.fault->end = place_of(run)->end;
    }
    return status;
}

static arc_status not_bool(struct run *run, const struct arc_value *value, const char *who)
{
    const struct arc_code_place *place = place_of(run);
    return arc__fault(fault_of(run), ARC_FAULT_TYPE, place->from, place->to,
                      ARC_LIT("compare it with `==`"), "%s takes a bool, not %s", who,
                      arc__value_kind_name((enum arc_value_kind)value->kind));
}

static arc_status no_member(struct run *run, const struct arc_value *of,
                            const struct arc_expr_key *key)
{
    struct arc_quote quote = arc__quote(key->name);
    return arc__fault(
        fault_of(run), ARC_FAULT_TYPE, key->at, key->end,
        of->kind == ARC_VALUE_LIST ? ARC_LIT("write `[0]` for the first one") : ARC_NONE,
        "%s has no member `%s`", arc__value_kind_name((enum arc_value_kind)of->kind), quote.text);
}

static arc_status no_name(struct run *run, enum arc_context context, const struct arc_expr_key *key)
{
    struct arc_quote quote = arc__quote(key->name);
    if (key->bare)
        return arc__fault(fault_of(run), ARC_FAULT_NAME, key->at, key->end,
                          ARC_LIT("texts stand in quotes"),
                          "`%s` is neither a context nor a variable", quote.text);
    arc_slice nearest = arc__nearest_member(context, key->name);
    arc_slice hint = nearest.len > 0 ? arc__arena_printf(run->machine.call.arena,
                                                         "did you mean `%.*s`?", ARC_ARG(nearest))
                                     : ARC_NONE;
    return arc__fault(fault_of(run), ARC_FAULT_NAME, key->at, key->end, hint, "`%s` has no `%s`",
                      arc__context(context)->name, quote.text);
}

/* --- members ------------------------------------------------------------------------------ */

static inline int same_bytes(const char *a, const char *b, size_t len)
{
    uint64_t x, y;
    if (len < 8) {
        for (size_t i = 0; i < len; i++) {
            if (a[i] != b[i])
                return 0;
        }
        return 1;
    }
    if (len > 16)
        return memcmp(a, b, len) == 0;
    memcpy(&x, a, 8);
    memcpy(&y, b, 8);
    if (x != y)
        return 0;
    memcpy(&x, a + len - 8, 8);
    memcpy(&y, b + len - 8, 8);
    return x == y;
}

/* The member, looked for first where it was the last time. */
static inline const struct arc_value *find(const struct arc_value *map, struct arc_expr_key *key)
{
    uint32_t guess = atomic_load_explicit(&key->guess, memory_order_relaxed);
    if (guess < map->count) {
        const struct arc_member *member = &map->as.members[guess];
        if (member->key.len == key->name.len &&
            same_bytes(member->key.ptr, key->name.ptr, key->name.len))
            return &member->value;
    }
    const struct arc_value *found = arc__value_get(map, key->name);
    if (found != NULL) {
        const struct arc_member *member =
            (const struct arc_member *)(const void *)((const char *)found -
                                                      offsetof(struct arc_member, value));
        atomic_store_explicit(&key->guess, (uint32_t)(member - map->as.members),
                              memory_order_relaxed);
    }
    return found;
}

static const struct arc_value null_value = {ARC_VALUE_NULL, 0, {0}};
static const struct arc_value unknown_value = {ARC_VALUE_UNKNOWN, 0, {0}};

/* A member of what is no map, or that the map lacks. NULL: a fault, in *status. */
static const struct arc_value *find_hard(struct run *run, const struct arc_value *of,
                                         uint32_t index, const struct arc_expr_key *key,
                                         arc_status *status)
{
    enum arc_context context = (enum arc_context)(run->code->a & ~ARC_OP_NOT_EQUAL);
    if (of->kind == ARC_VALUE_UNKNOWN)
        return &unknown_value;
    if (of->kind != ARC_VALUE_MAP && of->kind != ARC_VALUE_NULL) {
        *status = no_member(run, of, key);
        return NULL;
    }
    int first = index == 0 && run->code->op != ARC_OP_MEMBER;
    if (first && (key->bare || (arc__context(context)->shape == ARC_SHAPE_CLOSED &&
                                arc__context_member(context, key->name) == NULL))) {
        *status = no_name(run, context, key);
        return NULL;
    }
    return &null_value;
}

/* The value of a path; NULL: a fault, in *status. */
static inline const struct arc_value *walk(struct run *run, const struct arc_code *code,
                                           arc_status *status)
{
    const struct arc_value *value = &run->machine.world->contexts[code->a & ~ARC_OP_NOT_EQUAL];
    struct arc_expr_key *keys = &run->machine.expr->keys[code->c];
    for (uint32_t i = 0; i < code->b; i++) {
        const struct arc_value *found = value->kind == ARC_VALUE_MAP ? find(value, &keys[i]) : NULL;
        if (found == NULL)
            found = find_hard(run, value, i, &keys[i], status);
        if (found == NULL)
            return NULL;
        value = found;
    }
    return value;
}

static arc_status do_member(struct run *run)
{
    arc_status status = ARC_OK;
    struct arc_expr_key *key = &run->machine.expr->keys[run->code->c];
    const struct arc_value *of = run->top - 1;
    const struct arc_value *found = of->kind == ARC_VALUE_MAP ? find(of, key) : NULL;
    if (found == NULL)
        found = find_hard(run, of, 0, key, &status);
    if (found != NULL)
        run->top[-1] = *found;
    return status;
}

static arc_status do_index(struct run *run)
{
    const struct arc_value key = *--run->top;
    struct arc_value *of = run->top - 1;
    if (of->kind == ARC_VALUE_UNKNOWN || key.kind == ARC_VALUE_UNKNOWN) {
        *of = ARC_VALUE_OF_UNKNOWN;
        return ARC_OK;
    }
    if (of->kind == ARC_VALUE_NULL)
        return ARC_OK;
    if (of->kind == ARC_VALUE_MAP && key.kind == ARC_VALUE_TEXT) {
        const struct arc_value *found = arc__value_get(of, arc__value_slice(&key));
        *of = found != NULL ? *found : null_value;
        return ARC_OK;
    }
    if (of->kind == ARC_VALUE_LIST && key.kind == ARC_VALUE_INT) {
        int64_t at = key.as.integer < 0 ? key.as.integer + of->count : key.as.integer;
        *of = at >= 0 && at < of->count ? of->as.items[at] : null_value;
        return ARC_OK;
    }
    if (of->kind == ARC_VALUE_LIST || of->kind == ARC_VALUE_MAP)
        return placed(run, arc__fn_fail(&run->machine.call, ARC_FAULT_TYPE, "",
                                        of->kind == ARC_VALUE_LIST
                                            ? "the index of a list is an integer, not %s"
                                            : "the key of a map is a text, not %s",
                                        arc__value_kind_name((enum arc_value_kind)key.kind)));
    return placed(run, arc__fn_fail(&run->machine.call, ARC_FAULT_TYPE, "", "%s has no members",
                                    arc__value_kind_name((enum arc_value_kind)of->kind)));
}

/* --- making values ------------------------------------------------------------------------ */

/* 1: one of them is not known. */
static int any_unknown(const struct arc_value *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (values[i].kind == ARC_VALUE_UNKNOWN)
            return 1;
    }
    return 0;
}

static arc_status do_list(struct run *run)
{
    uint32_t count = run->code->c;
    run->top -= count;
    struct arc_value list = {ARC_VALUE_LIST, count, {0}};
    if (any_unknown(run->top, count)) {
        *run->top++ = ARC_VALUE_OF_UNKNOWN;
        return ARC_OK;
    }
    struct arc_value *items = arc__arena_array(run->machine.call.arena, count, sizeof(*items));
    if (items == NULL)
        return ARC_ENOMEM;
    memcpy(items, run->top, count * sizeof(*items));
    list.as.items = items;
    *run->top++ = list;
    return ARC_OK;
}

static arc_status do_map(struct run *run)
{
    uint32_t count = run->code->c;
    run->top -= (size_t)count * 2;
    if (any_unknown(run->top, count * 2)) {
        *run->top++ = ARC_VALUE_OF_UNKNOWN;
        return ARC_OK;
    }
    struct arc_member *members = arc__arena_array(run->machine.call.arena, count, sizeof(*members));
    if (members == NULL)
        return ARC_ENOMEM;
    for (uint32_t i = 0; i < count; i++) {
        members[i].key = arc__value_slice(&run->top[i * 2]);
        members[i].value = run->top[i * 2 + 1];
    }
    struct arc_value map = arc__value_map(members, count);
    if (map.count < count)
        return placed(run, arc__fn_fail(&run->machine.call, ARC_FAULT_VALUE,
                                        "leave one of them out", "a key stands twice in the map"));
    *run->top++ = map;
    return ARC_OK;
}

static arc_status do_call(struct run *run)
{
    const struct arc_code *code = run->code;
    const struct arc_function *function = run->machine.expr->keys[code->c].function;
    struct arc_value out = ARC_VALUE_OF_NULL;
    if (function == NULL || code->b < function->least || code->b > function->most)
        return arc__expr_call_fault(run->machine.expr, run->at, run->machine.call.arena,
                                    run->machine.call.fault);
    run->top -= code->b;
    for (uint32_t i = 0; i < code->b; i++) {
        uint32_t kind = run->top[i].kind;
        if (kind != ARC_VALUE_LIST && kind != ARC_VALUE_MAP && kind != ARC_VALUE_UNKNOWN)
            continue;
        int unknown = arc__expr_unknown(&run->machine, &run->top[i]);
        if (unknown < 0)
            return placed(run, ARC_EINVAL);
        if (unknown > 0) {
            *run->top++ = ARC_VALUE_OF_UNKNOWN;
            return ARC_OK;
        }
    }
    ARC_TRY(placed(run, function->run(&run->machine.call, run->top, code->b, &out)));
    *run->top++ = out;
    return ARC_OK;
}

static arc_status do_binary(struct run *run)
{
    const struct arc_code *code = run->code;
    struct arc_value *b = --run->top, *a = b - 1, out = ARC_VALUE_OF_NULL;
    if (a->kind == ARC_VALUE_UNKNOWN || b->kind == ARC_VALUE_UNKNOWN) {
        *a = ARC_VALUE_OF_UNKNOWN;
        return ARC_OK;
    }
    ARC_TRY(placed(run, arc__expr_binary(&run->machine, (enum arc_operator)code->a, a, b, &out)));
    if (code->b && out.kind == ARC_VALUE_BOOL)
        out.as.integer = !out.as.integer;
    *a = out;
    return ARC_OK;
}

static arc_status do_pattern(struct run *run)
{
    struct arc_value *text = run->top - 1;
    uint64_t work = 0;
    if (text->kind == ARC_VALUE_UNKNOWN)
        return ARC_OK;
    if (text->kind != ARC_VALUE_TEXT)
        return placed(run, arc__fn_fail(&run->machine.call, ARC_FAULT_TYPE,
                                        "make a text of it with `string(value)`",
                                        "`matches` takes a text, not %s",
                                        arc__value_kind_name((enum arc_value_kind)text->kind)));
    const struct arc_expr_key *key = &run->machine.expr->keys[run->code->c];
    uint64_t most = (uint64_t)run->machine.call.units * PATTERN_WORK_A_UNIT;
    int found = arc__pattern_match_within(key->pattern, arc__value_slice(text),
                                          run->machine.call.arena, most, &work);
    if (found == ARC_PATTERN_NO_MEMORY)
        return ARC_ENOMEM;
    if (!arc__fn_pay(&run->machine.call,
                     found == ARC_PATTERN_SPENT ? UINT64_MAX : work / PATTERN_WORK_A_UNIT))
        return placed(run, ARC_EINVAL);
    *text = arc__value_bool(found != run->code->a);
    return ARC_OK;
}

static void do_status(struct run *run)
{
    const struct arc_world *world = run->machine.world;
    uint32_t bits = run->code->a;
    *run->top++ = bits == 0                      ? arc__value_bool(1)
                  : (world->unknown & bits) != 0 ? ARC_VALUE_OF_UNKNOWN
                                                 : arc__value_bool((world->status & bits) != 0);
}

static void do_now(struct run *run)
{
    int64_t now = run->machine.call.now_ns;
    *run->top++ = now == INT64_MIN ? ARC_VALUE_OF_UNKNOWN
                                   : (struct arc_value){ARC_VALUE_TIME, 0, {.integer = now}};
}

/* --- comparing with a literal ------------------------------------------------------------- */

static inline arc_status equals(struct run *run, const struct arc_value *value,
                                const struct arc_value *constant, uint32_t negated,
                                struct arc_value *out)
{
    if (value->kind == ARC_VALUE_TEXT && constant->kind == ARC_VALUE_TEXT) {
        uint32_t same = value->count == constant->count &&
                        same_bytes(value->as.text, constant->as.text, value->count);
        *out = arc__value_bool(same != negated);
        return ARC_OK;
    }
    if (value->kind == ARC_VALUE_UNKNOWN) {
        *out = ARC_VALUE_OF_UNKNOWN;
        return ARC_OK;
    }
    struct arc_value same = ARC_VALUE_OF_UNKNOWN;
    ARC_TRY(placed(run, arc__expr_binary(&run->machine, ARC_OPERATOR_EQ, value, constant, &same)));
    if (same.kind == ARC_VALUE_BOOL)
        same.as.integer ^= (int64_t)negated;
    *out = same;
    return ARC_OK;
}

/* --- logic -------------------------------------------------------------------------------- */

static inline int is_bool(const struct arc_value *value)
{
    return value->kind == ARC_VALUE_BOOL || value->kind == ARC_VALUE_UNKNOWN;
}

static arc_status logic_fault(struct run *run, const struct arc_value *value)
{
    switch ((enum arc_op)run->code->op) {
    case ARC_OP_AND_JUMP:
    case ARC_OP_AND:
        return not_bool(run, value, "`&&`");
    case ARC_OP_OR_JUMP:
    case ARC_OP_OR:
        return not_bool(run, value, "`||`");
    case ARC_OP_COND:
        return not_bool(run, value, "`?:`");
    default:
        return not_bool(run, value, "`not`");
    }
}

/* What two truths make, one of them not being decisive: deciding is the bool that decides. */
static inline void both(struct arc_value *a, const struct arc_value *b, int64_t deciding)
{
    if (a->kind == ARC_VALUE_UNKNOWN && !(b->kind == ARC_VALUE_BOOL && b->as.integer == deciding))
        return;
    *a = *b;
}

/* A condition that is not known: neither branch is looked at. */
static uint32_t skip_branches(struct run *run)
{
    const struct arc_code *jump = &run->machine.expr->code[run->code->c - 1];
    *run->top++ = ARC_VALUE_OF_UNKNOWN;
    return jump->c;
}

static arc_status do_rare(struct run *run)
{
    switch ((enum arc_op)run->code->op) {
    case ARC_OP_MEMBER:
        return do_member(run);
    case ARC_OP_INDEX:
        return do_index(run);
    case ARC_OP_LIST:
        return do_list(run);
    case ARC_OP_MAP:
        return do_map(run);
    case ARC_OP_NEGATE:
        if (run->top[-1].kind == ARC_VALUE_UNKNOWN)
            return ARC_OK;
        return placed(run, arc__expr_negate(&run->machine, run->top - 1, run->top - 1));
    case ARC_OP_NOW:
        do_now(run);
        return ARC_OK;
    case ARC_OP_PATTERN:
        return do_pattern(run);
    case ARC_OP_BINARY:
        return do_binary(run);
    default:
        return do_call(run);
    }
}

/* --- the machine -------------------------------------------------------------------------- */

static arc_status execute(struct run *run)
{
    const struct arc_expr *expr = run->machine.expr;
    const struct arc_value *value;
    arc_status status = ARC_OK;
    for (uint32_t at = 0; at < expr->count; at++) {
        const struct arc_code *code = &expr->code[at];
        run->at = at;
        run->code = code;
        switch ((enum arc_op)code->op) {
        case ARC_OP_CONST:
            *run->top++ = expr->constants[code->c];
            break;
        case ARC_OP_PATH:
        case ARC_OP_PATH_EQUAL:
            value = walk(run, code, &status);
            if (value == NULL)
                return status;
            if (code->op == ARC_OP_PATH)
                *run->top = *value;
            else
                ARC_TRY(equals(run, value, &expr->constants[code->d], code->a >= ARC_OP_NOT_EQUAL,
                               run->top));
            run->top++;
            break;
        case ARC_OP_EQUAL:
            ARC_TRY(equals(run, run->top - 1, &expr->constants[code->c], code->b, run->top - 1));
            break;
        case ARC_OP_AND_JUMP:
        case ARC_OP_OR_JUMP:
            if (!is_bool(run->top - 1))
                return logic_fault(run, run->top - 1);
            if (run->top[-1].kind == ARC_VALUE_BOOL &&
                run->top[-1].as.integer == (code->op == ARC_OP_OR_JUMP))
                at = code->c - 1;
            break;
        case ARC_OP_AND:
        case ARC_OP_OR:
            if (!is_bool(--run->top))
                return logic_fault(run, run->top);
            both(run->top - 1, run->top, code->op == ARC_OP_OR);
            break;
        case ARC_OP_NOT:
            if (!is_bool(run->top - 1))
                return logic_fault(run, run->top - 1);
            run->top[-1].as.integer ^= 1;
            break;
        case ARC_OP_COND:
            if (!is_bool(--run->top))
                return logic_fault(run, run->top);
            if (run->top->kind == ARC_VALUE_UNKNOWN)
                at = skip_branches(run) - 1;
            else if (run->top->as.integer == 0)
                at = code->c - 1;
            break;
        case ARC_OP_JUMP:
            at = code->c - 1;
            break;
        case ARC_OP_NULL_JUMP:
            if (run->top[-1].kind != ARC_VALUE_NULL)
                at = code->c - 1;
            else
                run->top--;
            break;
        case ARC_OP_STATUS:
            do_status(run);
            break;
        default:
            ARC_TRY(do_rare(run));
        }
    }
    return ARC_OK;
}

arc_status arc__expr_eval(const struct arc_expr *expr, const struct arc_world *world,
                          const struct arc_expr_limits *given, struct arc_arena *arena,
                          struct arc_value *out, struct arc_fault *fault)
{
    struct arc_expr_limits limits = arc__expr_limits(given);
    struct arc_value local[STACK_LOCAL];
    struct arc_value *stack = local;
    struct run run = {
        .machine = {expr, world, {arena, limits.units, limits.result_bytes, world->now_ns, fault}}};
    if (!arc__fn_pay(&run.machine.call, expr->count)) {
        fault->offset = 0;
        fault->end = (uint32_t)expr->text.len;
        return ARC_EINVAL;
    }
    if (expr->stack > STACK_LOCAL)
        stack = arc__arena_array(arena, expr->stack, sizeof(*stack));
    if (stack == NULL)
        return ARC_ENOMEM;
    run.top = stack;
    arc_status status = execute(&run);
    if (status == ARC_OK)
        *out = stack[0];
    return status;
}

arc_status arc__expr_eval_when(const struct arc_expr *expr, const struct arc_world *world,
                               const struct arc_expr_limits *limits, struct arc_arena *arena,
                               struct arc_value *out, struct arc_fault *fault)
{
    int implied = !expr->has_status, unknown = (world->unknown & ARC_STATUS_SUCCESS) != 0;
    struct arc_value value = arc__value_bool(0);
    if (implied && !unknown && (world->status & ARC_STATUS_SUCCESS) == 0) {
        *out = value;
        return ARC_OK;
    }
    ARC_TRY(arc__expr_eval(expr, world, limits, arena, &value, fault));
    if (!is_bool(&value)) {
        struct arc_fault_place to = {arena, fault};
        return arc__fault(to, ARC_FAULT_TYPE, 0, (uint32_t)expr->text.len,
                          ARC_LIT("compare it with `==`"),
                          "the condition is %s, and must be a bool",
                          arc__value_kind_name((enum arc_value_kind)value.kind));
    }
    /* success() && value, of which the first is not known. */
    if (implied && unknown && value.as.integer != 0)
        value = ARC_VALUE_OF_UNKNOWN;
    *out = value;
    return ARC_OK;
}
