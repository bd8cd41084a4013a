#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "core/template.h"
arc_status arc__expr_parse(arc_slice text, const struct arc_expr_limits *limits,
                           struct arc_arena *arena, const struct arc_expr **out,
                           struct arc_fault *fault)
{
    return ARC_EINVAL;
}
uint32_t arc__expr_contexts(const struct arc_expr *expr)
{
    return 0;
}
arc_status arc__expr_eval(const struct arc_expr *expr, const struct arc_world *world,
                          const struct arc_expr_limits *limits, struct arc_arena *arena,
                          struct arc_value *out, struct arc_fault *fault)
{
    return ARC_EINVAL;
}
arc_status arc__expr_eval_when(const struct arc_expr *expr, const struct arc_world *world,
                               const struct arc_expr_limits *limits, struct arc_arena *arena,
                               struct arc_value *out, struct arc_fault *fault)
{
    return ARC_EINVAL;
}
arc_status arc__template_expand(arc_slice text, const struct arc_world *world,
                                const struct arc_expr_limits *limits, struct arc_arena *arena,
                                struct arc_buf *out, int *unknown, struct arc_fault *fault)
{
    return ARC_EINVAL;
}
int arc__template_is_whole(arc_slice text, arc_slice *expression)
{
    return 0;
}
