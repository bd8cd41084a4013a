/* SPDX-License-Identifier: Apache-2.0 */
/* The first line is a pattern, the rest the text: refused with a place, or matched with no more
 * work than is promised, and with the same answer where it is simulated, or where the shortcuts
 * for literals and anchors are out of reach. The text is read as JSON, too: refused, or it survives
 * the way there and back. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/pattern.h"
#include "core/value.h"
#include "fuzz.h"

#define BUDGET ((size_t)16 << 20)
#define TEXT_MAX 2000u /* a text of that length is as good as a longer one, and sooner done */

static const struct arc_pattern *compile(arc_slice pattern, struct arc_arena *arena)
{
    const struct arc_pattern *compiled = NULL;
    struct arc_pattern_fault fault = {0};
    arc_status status = arc__pattern_compile(pattern, arena, &compiled, &fault);
    FUZZ_CHECK(status == ARC_OK || status == ARC_EINVAL);
    FUZZ_CHECK(status == ARC_OK || (fault.offset <= pattern.len && fault.what[0] != '\0'));
    return status == ARC_OK ? compiled : NULL;
}

static void try_pattern(arc_slice pattern, arc_slice text, struct arc_arena *arena)
{
    uint64_t units = 0;
    const struct arc_pattern *compiled = compile(pattern, arena);
    if (compiled == NULL || !arc__utf8_valid(text, NULL))
        return;
    int matches = arc__pattern_match(compiled, text, arena, &units);
    FUZZ_CHECK(matches == 0 || matches == 1);
    FUZZ_CHECK(units <= (uint64_t)2 * ARC_PATTERN_STATES_MAX * (text.len + 1));
    const struct arc_pattern *plain = compile(
        arc__arena_printf(arena, "(?:(?:%.*s)|(?:%.*s))", ARC_ARG(pattern), ARC_ARG(pattern)),
        arena);
    const struct arc_pattern *simulated = NULL;
    struct arc_pattern_fault fault = {0};
    FUZZ_CHECK(arc__pattern_compile_once(pattern, arena, &simulated, &fault) == ARC_OK);
    FUZZ_CHECK(arc__pattern_match(simulated, text, arena, NULL) == matches);
    if (plain != NULL) /* else it is too large now, or ends in quotes */
        FUZZ_CHECK(arc__pattern_match(plain, text, arena, NULL) == matches);
}

static void try_json(arc_slice text, struct arc_arena *arena, const struct arc_mem *mem)
{
    struct arc_value value = arc__value_int(7), again, copy;
    struct arc_buf out;
    arc_err err = ARC_ERR_INIT;
    arc_status status = arc__value_from_json(text, 64, arena, &value, &err);
    FUZZ_CHECK(status == ARC_OK || status == ARC_EINVAL || status == ARC_ELIMIT);
    if (status != ARC_OK) {
        FUZZ_CHECK(err.line > 0 && err.column > 0 && err.message[0] != '\0');
        return;
    }
    arc__buf_init(&out, mem, BUDGET);
    arc__value_to_json(&value, &out);
    FUZZ_CHECK(out.failed == ARC_OK);
    FUZZ_CHECK(arc__value_from_json(arc__buf_slice(&out), 64, arena, &again, NULL) == ARC_OK);
    copy = arc__value_copy(arena, &again);
    FUZZ_CHECK(arc__value_equal(&value, &again) && arc__value_equal(&copy, &value));
    arc__buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_mem state = {0};
    struct arc_mem mem = fuzz_mem(&state);
    struct arc_arena arena;
    char *copy = fuzz_copy(data, size < TEXT_MAX ? size : TEXT_MAX);
    arc_slice rest = ARC_NONE, all = arc__slice(copy, size < TEXT_MAX ? size : TEXT_MAX);
    arc_slice pattern = arc__slice_cut(all, '\n', &rest);
    arc__arena_init(&arena, &mem, BUDGET);
    if (memchr(copy, 0, all.len) == NULL) /* a text from outside has none */
        try_pattern(pattern, rest, &arena);
    try_json(rest, &arena, &mem);
    arc__arena_deinit(&arena);
    FUZZ_CHECK(state.live == 0);
    free(copy);
    return 0;
}
