/* SPDX-License-Identifier: Apache-2.0 */
/* A text as a definition: read, checked, printed and planned. What is accepted is accepted again in
 * its canonical form, and gives the same plan. */
#include <arcentra/spec.h>

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fuzz.h"
#include "spec/spec.h"

#define BUDGET ((size_t)256 << 20)

static void check_text(arc_status status, char *text)
{
    FUZZ_CHECK(status == ARC_OK || status == ARC_ELIMIT);
    if (status == ARC_OK)
        FUZZ_CHECK(arc__utf8_valid(arc__slice_cstr(text), NULL));
    if (status == ARC_OK)
        arc_text_free(text);
}

static void check_findings(const arc_diags *diags)
{
    arc_diag_view view = ARC_DIAG_VIEW_INIT;
    for (uint32_t i = 0; i < arc_diags_get_count(diags); i++) {
        FUZZ_CHECK(arc_diags_get(diags, i, &view) == ARC_OK);
        FUZZ_CHECK(view.message[0] != '\0' && view.line >= 1 && view.column >= 1);
    }
    for (uint32_t flags = 0; flags < 8; flags++) {
        char *text = NULL;
        arc_status status = arc_diags_copy_text(diags, flags, &text, NULL);
        check_text(status, text);
    }
}

/* The hash of the plan; ARC_NONE: there is none. */
static arc_slice plan_hash(arc_slice text, enum arc_format format, struct arc_arena *arena)
{
    const struct arc_plan_inputs inputs = {.trigger_type = ARC_LIT("manual")};
    const struct arc_plan *plan = NULL;
    struct arc_diags diags = {0};
    struct arc_spec *spec = NULL;
    arc_err err = ARC_ERR_INIT;
    if (arc__spec_read(text, format, ARC_NONE, NULL, arena, &diags, &spec, &err) != ARC_OK)
        return ARC_NONE;
    arc_status status = arc__plan_build(spec, &inputs, arena, &diags, &plan, &err);
    FUZZ_CHECK(status == ARC_OK || (status == ARC_EINVAL && err.message[0] != '\0') ||
               status == ARC_ELIMIT);
    return status == ARC_OK ? plan->hash : ARC_NONE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    arc_spec *spec = NULL, *again = NULL;
    arc_diags *diags = NULL;
    arc_err err = ARC_ERR_INIT;
    char *copy = fuzz_copy(data, size), *json = NULL, *twice = NULL;
    arc_status status = arc_spec_parse(copy, size, ARC_FORMAT_ANY, "file", &spec, &diags, &err);
    FUZZ_CHECK(status == ARC_OK || (status == ARC_EINVAL && err.message[0] != '\0'));
    FUZZ_CHECK(diags != NULL);
    check_findings(diags);
    if (status == ARC_OK) {
        struct arc_mem mem = arc__mem_default();
        struct arc_arena arena;
        FUZZ_CHECK(arc_spec_copy_json(spec, &json, NULL) == ARC_OK);
        FUZZ_CHECK(arc_spec_parse(json, strlen(json), ARC_FORMAT_IS_JSON, NULL, &again, NULL,
                                  NULL) == ARC_OK);
        FUZZ_CHECK(arc_spec_copy_json(again, &twice, NULL) == ARC_OK);
        FUZZ_CHECK(strcmp(json, twice) == 0);
        arc__arena_init(&arena, &mem, BUDGET);
        arc_slice one = plan_hash(arc__slice(copy, size), ARC_FORMAT_AUTO, &arena);
        arc_slice two = plan_hash(arc__slice_cstr(json), ARC_FORMAT_JSON, &arena);
        FUZZ_CHECK(arc__slice_equal(one, two));
        arc__arena_deinit(&arena);
        arc_text_free(twice);
        arc_text_free(json);
        (void)arc_spec_unref(again);
    }
    arc_diags_free(diags);
    (void)arc_spec_unref(spec);
    free(copy);
    return 0;
}
