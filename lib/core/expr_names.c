/* SPDX-License-Identifier: Apache-2.0 */
/* What an expression names, and which of that can become part of its result. The latter is the
 * machine once more, with sets of names instead of values, through both sides of every branch. */
#include "core/expr_private.h"

static int is_path(const struct arc_code *code)
{
    return code->op == ARC_OP_PATH || code->op == ARC_OP_PATH_EQUAL;
}

/* Where the path of a comparison ends: its place is that of all of it. What follows a path there is
 * its sign, so that a `]` belongs to the last member. */
static uint32_t compared_path_end(const struct arc_expr *expr, const struct arc_code *code,
                                  const struct arc_expr_name *name)
{
    if (code->b == 0)
        return name->offset + (uint32_t)strlen(arc__context(name->context)->name);
    uint32_t end = expr->keys[code->c + code->b - 1].end, at = end;
    while (at < expr->text.len && (expr->text.ptr[at] == ' ' || expr->text.ptr[at] == '\t'))
        at++;
    return at < expr->text.len && expr->text.ptr[at] == ']' ? at + 1 : end;
}

int arc__expr_name(const struct arc_expr *expr, uint32_t *at, struct arc_expr_name *out)
{
    while (*at < expr->count && !is_path(&expr->code[*at]))
        (*at)++;
    if (*at >= expr->count)
        return 0;
    const struct arc_code *code = &expr->code[*at];
    const struct arc_expr_key *keys = &expr->keys[code->c];
    *out = (struct arc_expr_name){
        .context = (enum arc_context)(code->a & ~ARC_OP_NOT_EQUAL),
        .offset = expr->places[*at].from,
        .bare = code->b > 0 && keys[0].bare,
    };
    for (; out->count < code->b && out->count < ARC_EXPR_MEMBERS_MAX; out->count++) {
        out->members[out->count] = keys[out->count].name;
        out->offsets[out->count] = keys[out->count].at;
    }
    out->end = code->op == ARC_OP_PATH ? expr->places[*at].to : compared_path_end(expr, code, out);
    (*at)++;
    return 1;
}

/* --- what flows --------------------------------------------------------------------------- */

#define STACK_MAX 256u
#define ALL UINT64_MAX

struct flow_join {
    uint32_t target;
    uint64_t names;
};

struct flow {
    const struct arc_expr *expr;
    uint64_t stack[STACK_MAX];
    struct flow_join joins[STACK_MAX];
    uint32_t height, join_count, names;
};

static void push(struct flow *flow, uint64_t names)
{
    flow->stack[flow->height++] = names;
}

/* Takes count values off; all that they hold. */
static uint64_t pop(struct flow *flow, uint32_t count)
{
    uint64_t names = 0;
    for (; count > 0; count--)
        names |= flow->stack[--flow->height];
    return names;
}

/* A result of one of these kinds has a form of its own, whatever it was made of. */
static int is_harmless(enum arc_type_kind kind)
{
    return kind == ARC_TYPE_KIND_BOOL || kind == ARC_TYPE_KIND_INT || kind == ARC_TYPE_KIND_FLOAT ||
           kind == ARC_TYPE_KIND_DURATION || kind == ARC_TYPE_KIND_TIME ||
           kind == ARC_TYPE_KIND_NULL;
}

static void call(struct flow *flow, const struct arc_code *code)
{
    const struct arc_function *function = flow->expr->keys[code->c].function;
    uint64_t names = pop(flow, code->b);
    push(flow, function != NULL && is_harmless(function->result) ? 0 : names);
}

static void branch(struct flow *flow, const struct arc_code *code)
{
    uint64_t names = pop(flow, 1);
    if (code->op != ARC_OP_COND)
        flow->joins[flow->join_count++] = (struct flow_join){code->c, names};
}

static void meet(struct flow *flow, uint32_t at)
{
    while (flow->join_count > 0 && flow->joins[flow->join_count - 1].target == at)
        flow->stack[flow->height - 1] |= flow->joins[--flow->join_count].names;
}

static void step(struct flow *flow, const struct arc_code *code)
{
    uint64_t name = flow->names < 64 ? UINT64_C(1) << flow->names : ALL;
    uint64_t key;
    flow->names += (uint32_t)is_path(code);
    switch ((enum arc_expr_op)code->op) {
    case ARC_OP_PATH:
        push(flow, name);
        return;
    case ARC_OP_CONST:
    case ARC_OP_PATH_EQUAL:
    case ARC_OP_STATUS:
    case ARC_OP_NOW:
        push(flow, 0);
        return;
    case ARC_OP_EQUAL:
    case ARC_OP_NOT:
    case ARC_OP_PATTERN:
        (void)pop(flow, 1);
        push(flow, 0);
        return;
    case ARC_OP_AND:
    case ARC_OP_OR:
        (void)pop(flow, 2);
        push(flow, 0);
        return;
    case ARC_OP_INDEX: /* the key chooses, and is not part of what is chosen */
        key = pop(flow, 1);
        (void)key;
        return;
    case ARC_OP_LIST:
    case ARC_OP_MAP:
        push(flow, pop(flow, code->op == ARC_OP_MAP ? code->c * 2 : code->c));
        return;
    case ARC_OP_CALL:
        call(flow, code);
        return;
    case ARC_OP_BINARY:
        name = pop(flow, 2);
        push(flow, code->a == ARC_OPERATOR_ADD ? name : 0);
        return;
    case ARC_OP_BINARY_CONST:
        name = pop(flow, 1);
        push(flow, code->a == ARC_OPERATOR_ADD ? name : 0);
        return;
    case ARC_OP_COND:
    case ARC_OP_JUMP:
    case ARC_OP_NULL_JUMP:
        branch(flow, code);
        return;
    case ARC_OP_MEMBER:
    case ARC_OP_NEGATE:
    case ARC_OP_AND_JUMP:
    case ARC_OP_OR_JUMP:
        return;
    }
}

uint64_t arc__expr_flows(const struct arc_expr *expr)
{
    struct flow flow; /* the stacks are written before they are read */
    if (expr->stack >= STACK_MAX)
        return ALL;
    flow.expr = expr;
    flow.height = flow.join_count = flow.names = 0;
    for (uint32_t at = 0; at < expr->count; at++) {
        if (flow.join_count >= STACK_MAX)
            return ALL;
        meet(&flow, at);
        step(&flow, &expr->code[at]);
    }
    meet(&flow, expr->count);
    return flow.stack[0];
}
