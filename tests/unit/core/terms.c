/* SPDX-License-Identifier: Apache-2.0 */
/* What expressions and patterns come to, for tests in another language. Reads lines, each a letter,
 * a blank and JSON, and answers each with one:
 *
 *   w {"variables": …}      the world from now on: `ok`
 *   e "text"                the value as JSON, `unknown`, or `! kind` and the fault's message
 *   p ["pattern", "text"…]  a digit for each text, or `!` where the pattern is refused; `?` where
 * its automaton says something else than its simulation */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#include "core/pattern.h"

#define LINE_MAX_BYTES (1 << 20)

struct driver {
    struct arc_arena arena, world_arena;
    struct arc_buf out;
    struct arc_world world;
};

static void answer_fault(struct driver *d, const struct arc_fault *fault)
{
    static const char *const kinds[] = {"",         "SYNTAX", "SIZE",  "NAME",  "PLACE",
                                        "FUNCTION", "TYPE",   "VALUE", "BUDGET"};
    arc__buf_printf(&d->out, "! %s %.*s", kinds[fault->kind], ARC_ARG(fault->message));
}

static void answer_expression(struct driver *d, arc_slice text)
{
    const struct arc_expr *expr = NULL;
    struct arc_fault fault = {0};
    struct arc_value value = ARC_VALUE_OF_NULL;
    arc_status status = arc__expr_parse(text, NULL, &d->arena, &expr, &fault);
    if (status == ARC_OK)
        status = arc__expr_eval(expr, &d->world, NULL, &d->arena, &value, &fault);
    if (status == ARC_EINVAL)
        answer_fault(d, &fault);
    else if (status != ARC_OK)
        arc__buf_printf(&d->out, "! status %d", (int)status);
    else if (!arc__value_is_known(&value))
        arc__buf_add_cstr(&d->out, "unknown");
    else
        arc__value_to_json(&value, &d->out);
}

static void answer_pattern(struct driver *d, const struct arc_value *list)
{
    const struct arc_pattern *pattern = NULL, *simulated = NULL;
    struct arc_pattern_fault fault = {0};
    if (arc__pattern_compile(arc__value_slice(&list->as.items[0]), &d->arena, &pattern, &fault) !=
            ARC_OK ||
        arc__pattern_compile_once(arc__value_slice(&list->as.items[0]), &d->arena, &simulated,
                                  &fault) != ARC_OK) {
        arc__buf_printf(&d->out, "! %s", fault.what);
        return;
    }
    for (uint32_t i = 1; i < list->count; i++) {
        arc_slice text = arc__value_slice(&list->as.items[i]);
        int matches = arc__pattern_match(pattern, text, &d->arena, NULL);
        int same = arc__pattern_match(simulated, text, &d->arena, NULL) == matches;
        arc__buf_add_cstr(&d->out, !same ? "?" : matches == 1 ? "1" : "0");
    }
}

static int answer(struct driver *d, arc_slice line)
{
    struct arc_value value;
    arc_slice json = arc__slice_from(line, 2);
    arc__arena_reset(&d->arena);
    arc__buf_clear(&d->out);
    if (line.len < 3)
        return 0;
    if (line.ptr[0] == 'w') {
        arc__arena_reset(&d->world_arena);
        arc__buf_add_cstr(&d->out, "ok");
        return world_read(json, &d->world_arena, &d->world);
    }
    if (arc__value_from_json(json, 64, &d->arena, &value, NULL) != ARC_OK)
        return 0;
    if (line.ptr[0] == 'e' && value.kind == ARC_VALUE_TEXT)
        answer_expression(d, arc__value_slice(&value));
    else if (line.ptr[0] == 'p' && value.kind == ARC_VALUE_LIST && value.count > 0)
        answer_pattern(d, &value);
    else
        return 0;
    return d->out.failed == ARC_OK;
}

int main(void)
{
    static char line[LINE_MAX_BYTES];
    struct driver d;
    struct arc_mem mem = arc__mem_default();
    int well = 1;
    memset(&d, 0, sizeof(d));
    arc__arena_init(&d.arena, &mem, 64 << 20);
    arc__arena_init(&d.world_arena, &mem, 64 << 20);
    arc__buf_init(&d.out, &mem, 16 << 20);
    while (well && fgets(line, sizeof(line), stdin) != NULL) {
        well = answer(&d, arc__slice(line, strcspn(line, "\n")));
        if (well)
            printf("%s\n", d.out.ptr != NULL ? d.out.ptr : "");
        else
            fprintf(stderr, "This line is not understood: %s", line);
    }
    arc__arena_deinit(&d.arena);
    arc__arena_deinit(&d.world_arena);
    arc__buf_deinit(&d.out);
    return !well;
}
