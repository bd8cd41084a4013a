/* SPDX-License-Identifier: Apache-2.0 */
/* The machine. It allocates only for texts, lists and maps that it makes. A value that is not known
 * (UNKNOWN) makes unknown what depends on it, and nothing else. */
#include "core/expr_private.h"

#define STACK_LOCAL 24u
#define SHORT_LIST 16u /* what costs no more than its instruction */
#define PATTERN_WORK_A_UNIT 64u

struct run {
    struct arc_machine machine;
    struct arc_value *top; /* one behind the last value */
    const struct arc_code *code;
};

/* --- faults ------------------------------------------------------------------------------- */

static const struct arc_code_place *place_of(const struct run *run)
{
    return &run->machine.expr->places[run->code - run->machine.expr->code];
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
                      ARC_LIT("compare it with `==`"), "%s takes true or false, not %s", who,
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

/* The member, looked for first where it was the last time. */
static inline const struct arc_value *find(const struct arc_value *map, struct arc_expr_key *key)
{
    uint32_t guess = atomic_load_explicit(&key->guess, memory_order_relaxed);
    if (guess < map->count) {
        const struct arc_member *member = &map->as.members[guess];
        if (member->key.len == key->name.len &&
            arc__same_bytes(member->key.ptr, key->name.ptr, key->name.len))
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
        return arc__expr_call_fault(run->machine.expr, (uint32_t)(code - run->machine.expr->code),
                                    run->machine.call.arena, run->machine.call.fault);
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

/* a is what becomes the result. */
static arc_status combine(struct run *run, struct arc_value *a, const struct arc_value *b)
{
    const struct arc_code *code = run->code;
    struct arc_value out = ARC_VALUE_OF_NULL;
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

static arc_status do_binary(struct run *run)
{
    run->top--;
    return combine(run, run->top - 1, run->top);
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

static inline void do_status(struct run *run, struct arc_value *out)
{
    const struct arc_world *world = run->machine.world;
    uint32_t bits = run->code->a; /* none: always() */
    out->kind = (world->unknown & bits) != 0 ? ARC_VALUE_UNKNOWN : ARC_VALUE_BOOL;
    out->count = 0;
    out->as.integer = bits == 0 || (world->status & bits) != 0;
}

static void do_now(struct run *run)
{
    int64_t now = run->machine.call.now_ns;
    *run->top++ = now == INT64_MIN ? ARC_VALUE_OF_UNKNOWN
                                   : (struct arc_value){ARC_VALUE_TIME, 0, {.integer = now}};
}

/* --- comparing with a literal ------------------------------------------------------------- */

static inline void set_bool(struct arc_value *value, int yes)
{
    value->kind = ARC_VALUE_BOOL;
    value->count = 0;
    value->as.integer = yes;
}

static arc_status equals_hard(struct run *run, const struct arc_value *value,
                              const struct arc_value *constant, int negated, struct arc_value *out)
{
    struct arc_value same = ARC_VALUE_OF_UNKNOWN;
    if (value->kind != ARC_VALUE_UNKNOWN)
        ARC_TRY(
            placed(run, arc__expr_binary(&run->machine, ARC_OPERATOR_EQ, value, constant, &same)));
    if (same.kind == ARC_VALUE_BOOL)
        same.as.integer ^= negated;
    *out = same;
    return ARC_OK;
}

static inline arc_status equals(struct run *run, const struct arc_value *value,
                                const struct arc_value *constant, int negated,
                                struct arc_value *out)
{
    if (value->kind != ARC_VALUE_TEXT || constant->kind != ARC_VALUE_TEXT)
        return equals_hard(run, value, constant, negated, out);
    int same = value->count == constant->count &&
               arc__same_bytes(value->as.text, constant->as.text, value->count);
    set_bool(out, same != negated);
    return ARC_OK;
}

/* What conditions do most, without a call: texts in a list of texts, beginnings of texts. */
static inline arc_status with_constant(struct run *run, const struct arc_code *code,
                                       struct arc_value *a)
{
    const struct arc_value *b = &run->machine.expr->constants[code->c];
    int found = 0;
    if (a->kind == ARC_VALUE_TEXT && code->a == ARC_OPERATOR_STARTS && b->kind == ARC_VALUE_TEXT) {
        found = a->count >= b->count && arc__same_bytes(a->as.text, b->as.text, b->count);
        set_bool(a, found != code->b);
        return ARC_OK;
    }
    if (a->kind != ARC_VALUE_TEXT || code->a != ARC_OPERATOR_IN || b->kind != ARC_VALUE_LIST ||
        b->count > SHORT_LIST)
        return combine(run, a, b);
    for (uint32_t i = 0; !found && i < b->count; i++) {
        const struct arc_value *item = &b->as.items[i];
        found = item->kind == ARC_VALUE_TEXT && item->count == a->count &&
                arc__same_bytes(a->as.text, item->as.text, a->count);
    }
    set_bool(a, found != code->b);
    return ARC_OK;
}

/* --- logic -------------------------------------------------------------------------------- */

static inline int is_bool(const struct arc_value *value)
{
    return value->kind == ARC_VALUE_BOOL || value->kind == ARC_VALUE_UNKNOWN;
}

static arc_status logic_fault(struct run *run, const struct arc_value *value)
{
    switch ((enum arc_expr_op)run->code->op) {
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

/* What two truths make, one of them not being decisive: deciding is the bool that decides. Field by
 * field: a value whose halves were just written is slow to load as a whole. */
static inline void both(struct arc_value *a, const struct arc_value *b, int64_t deciding)
{
    if (a->kind == ARC_VALUE_UNKNOWN && !(b->kind == ARC_VALUE_BOOL && b->as.integer == deciding))
        return;
    a->kind = b->kind;
    a->as.integer = b->as.integer;
}

/* The instruction before pc[1] has left a truth on top: what `&&` and `||` make of it at once.
 * Answers the last instruction that is done. Behind the last one there is one of zeroes. */
static inline const struct arc_code *decide(const struct arc_code *base, const struct arc_code *pc,
                                            struct arc_value **top)
{
    int64_t yes = (*top)[-1].as.integer;
    if ((*top)[-1].kind != ARC_VALUE_BOOL)
        return pc;
    for (;;) {
        switch ((enum arc_expr_op)pc[1].op) {
        case ARC_OP_AND_JUMP:
            if (yes)
                return pc + 1;
            pc = base + pc[1].c - 1;
            break;
        case ARC_OP_OR_JUMP:
            if (!yes)
                return pc + 1;
            pc = base + pc[1].c - 1;
            break;
        case ARC_OP_AND:
        case ARC_OP_OR:
            if ((*top)[-2].kind != ARC_VALUE_BOOL)
                return pc;
            --*top;
            (*top)[-1].as.integer = yes;
            pc++;
            break;
        default:
            return pc;
        }
    }
}

/* Logic whose operand is not known, or is no bool; *pc becomes the last instruction done. */
static arc_status do_logic(struct run *run, const struct arc_code **pc)
{
    const struct arc_code *base = run->machine.expr->code, *code = *pc;
    enum arc_expr_op op = (enum arc_expr_op)code->op;
    if (op == ARC_OP_AND || op == ARC_OP_OR || op == ARC_OP_COND)
        run->top--;
    struct arc_value *value =
        op == ARC_OP_AND || op == ARC_OP_OR || op == ARC_OP_COND ? run->top : run->top - 1;
    if (!is_bool(value))
        return logic_fault(run, value);
    int known = value->kind == ARC_VALUE_BOOL;
    if (op == ARC_OP_AND || op == ARC_OP_OR) {
        both(run->top - 1, value, op == ARC_OP_OR);
    } else if (op == ARC_OP_NOT) {
        value->as.integer ^= known;
    } else if (op == ARC_OP_COND && !known) { /* neither branch is looked at */
        *run->top++ = ARC_VALUE_OF_UNKNOWN;
        *pc = base + base[code->c - 1].c - 1;
    } else if (known && value->as.integer == (op == ARC_OP_OR_JUMP)) {
        *pc = base + code->c - 1;
    }
    return ARC_OK;
}

static arc_status do_rare(struct run *run)
{
    switch ((enum arc_expr_op)run->code->op) {
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
    const struct arc_code *base = expr->code, *end = base + expr->count;
    struct arc_value *top = run->top;
    const struct arc_value *value;
    arc_status status = ARC_OK;
    for (const struct arc_code *pc = base; pc < end; pc++) {
        run->code = pc;
        switch ((enum arc_expr_op)pc->op) {
        case ARC_OP_CONST:
            *top++ = expr->constants[pc->c];
            break;
        case ARC_OP_PATH:
            value = walk(run, pc, &status);
            if (value == NULL)
                return status;
            *top++ = *value;
            break;
        case ARC_OP_PATH_EQUAL:
            value = walk(run, pc, &status);
            if (value == NULL)
                return status;
            ARC_TRY(equals(run, value, &expr->constants[pc->d], pc->a >= ARC_OP_NOT_EQUAL, top));
            top++;
            pc = decide(base, pc, &top);
            break;
        case ARC_OP_EQUAL:
            ARC_TRY(equals(run, top - 1, &expr->constants[pc->c], pc->b, top - 1));
            pc = decide(base, pc, &top);
            break;
        case ARC_OP_BINARY_CONST:
            ARC_TRY(with_constant(run, pc, top - 1));
            pc = decide(base, pc, &top);
            break;
        case ARC_OP_STATUS:
            do_status(run, top++);
            pc = decide(base, pc, &top);
            break;
        case ARC_OP_JUMP:
            pc = base + pc->c - 1;
            break;
        case ARC_OP_NULL_JUMP:
            if (top[-1].kind != ARC_VALUE_NULL)
                pc = base + pc->c - 1;
            else
                top--;
            break;
        case ARC_OP_AND_JUMP:
        case ARC_OP_AND:
        case ARC_OP_OR_JUMP:
        case ARC_OP_OR:
        case ARC_OP_NOT:
        case ARC_OP_COND:
            run->top = top;
            ARC_TRY(do_logic(run, &pc));
            top = run->top;
            break;
        default:
            run->top = top;
            ARC_TRY(do_rare(run));
            top = run->top;
        }
    }
    return ARC_OK;
}

static const struct arc_expr_limits defaults = {
#define LIMIT(field, default_value, cap, unit, sentence) .field = (default_value),
#include "core/limits.def"
};

arc_status arc__expr_eval(const struct arc_expr *expr, const struct arc_world *world,
                          const struct arc_expr_limits *given, struct arc_arena *arena,
                          struct arc_value *out, struct arc_fault *fault)
{
    struct arc_value local[STACK_LOCAL];
    struct arc_value *stack = local;
    struct arc_expr_limits limits = given != NULL ? arc__expr_limits(given) : defaults;
    struct run run;
    run.machine.expr = expr;
    run.machine.world = world;
    run.machine.call =
        (struct arc_fn_call){.arena = arena,
                             .units = limits.units,
                             .result_bytes = limits.result_bytes,
                             .now_ns = world->now_ns,
                             .masked = (expr->contexts & ARC_WORLD_MASKED(world)) != 0,
                             .fault = fault};
    run.code = expr->code;
    if (expr->count > limits.units) {
        (void)arc__fn_pay(&run.machine.call, expr->count);
        fault->offset = 0;
        fault->end = (uint32_t)expr->text.len;
        return ARC_EINVAL;
    }
    run.machine.call.units -= expr->count;
    if (expr->stack > STACK_LOCAL)
        stack = arc__arena_array(arena, expr->stack, sizeof(*stack));
    if (stack == NULL)
        return ARC_ENOMEM;
    run.top = stack;
    arc_status status = execute(&run);
    if (status != ARC_OK)
        return status;
    out->kind = stack[0].kind;
    out->count = stack[0].count;
    out->as = stack[0].as;
    return ARC_OK;
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
                          "the condition is %s, and must be true or false",
                          arc__value_kind_name((enum arc_value_kind)value.kind));
    }
    /* success() && value, of which the first is not known. */
    if (implied && unknown && value.as.integer != 0)
        value = ARC_VALUE_OF_UNKNOWN;
    *out = value;
    return ARC_OK;
}
