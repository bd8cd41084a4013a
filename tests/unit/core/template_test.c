/* SPDX-License-Identifier: Apache-2.0 */
/* Texts with expressions inside. */
#include "expr_trial.h"

#include "core/template.h"

static arc_slice expand(struct trial *trial, const char *text)
{
    int unknown = 0;
    arc__buf_clear(&trial->out);
    trial->status = arc__template_expand(arc__slice_cstr(text), &trial->world, &trial->limits,
                                         &trial->arena, &trial->out, &unknown, &trial->fault);
    if (trial->status == ARC_EINVAL) {
        arc__buf_clear(&trial->out);
        arc__buf_printf(&trial->out, "%u..%u: %.*s", trial->fault.offset, trial->fault.end,
                        ARC_ARG(trial->fault.message));
    }
    if (unknown) {
        arc__buf_clear(&trial->out);
        arc__buf_add_cstr(&trial->out, "unknown");
    }
    return arc__buf_slice(&trial->out);
}

static void values_are_put_in_once(void)
{
    static struct arc_member sly[] = {{{"sly", 3}, {ARC_VALUE_TEXT, 8, {.text = "${{ 1 }}"}}}};
    static const struct trial_row rows[] = {
        {"", ""},
        {"plain", "plain"},
        {"${{ deploy }}", "yes"},
        {"a ${{ deploy }} b ${{matrix.n}}", "a yes b 3"},
        {"${{ null }}|${{ env.NONE }}", "|"},
        {"${{ trigger.payload.labels }}", "[\"bug\",\"ui\"]"},
        {"${{ '}}' }}", "}}"},
        {"${{ \"a\\\"}}\" }}", "a\"}}"},
        {"${{ {a: 1} }}", "{\"a\":1}"},
        {"$ {{ 1 }} $${{ 1 }}", "$ {{ 1 }} $1"},
        {"ab ${{ 1 / 0 }}", "9..10: `/` divides by 0"},
        {"ab ${{ 1 + }}", "9..10: `+` has nothing on its right side"},
        {"ab ${{}}", "6..6: the expression is empty"},
        {"ab ${{ 1", "3..6: `${{` has no `}}`"},
        {"ab ${{ '}}", "3..6: `${{` has no `}}`"},
        {"ab ${{", "3..6: `${{` has no `}}`"},
        {"ab ${{ $x", "3..6: `${{` has no `}}`"},
    };
    struct trial trial;
    TRIAL(expand, rows);
    CHECK(trial_init(&trial, NULL));
    trial.world.contexts[ARC_CONTEXT_VARIABLES] = arc__value_map(sly, 1);
    CHECK_TEXT(expand(&trial, "${{ sly }}"), "${{ 1 }}");
    trial.world.contexts[ARC_CONTEXT_NEEDS] = ARC_VALUE_OF_UNKNOWN;
    CHECK_TEXT(expand(&trial, "a ${{ needs.x }}"), "unknown");
    trial_deinit(&trial);
}

static void a_text_that_is_one_expression_is_told(void)
{
    static const struct {
        const char *text, *inside; /* NULL: it is not */
    } rows[] = {
        {"${{ a }}", "a"}, {"${{a.b}}", "a.b"},        {" ${{ a }}", NULL}, {"${{ a }} ", NULL},
        {"${{ a", NULL},   {"${{ a }}${{ b }}", NULL}, {"", NULL},          {"a", NULL},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(rows); i++) {
        arc_slice inside = ARC_NONE;
        int whole = arc__template_is_whole(arc__slice_cstr(rows[i].text), &inside);
        CHECK_INT(whole, rows[i].inside != NULL);
        if (rows[i].inside != NULL)
            CHECK_TEXT(inside, rows[i].inside);
    }
    CHECK(arc__template_any(ARC_LIT("a ${{")) && !arc__template_any(ARC_LIT("a ${ {")));
}

static void a_full_buffer_is_told(void)
{
    struct trial trial;
    struct arc_mem mem = arc__mem_default();
    struct arc_buf small;
    CHECK(trial_init(&trial, NULL));
    arc__buf_init(&small, &mem, 4);
    CHECK_STATUS(arc__template_expand(ARC_LIT("12345"), &trial.world, NULL, &trial.arena, &small,
                                      NULL, &trial.fault),
                 ARC_ELIMIT);
    arc__buf_deinit(&small);
    trial_deinit(&trial);
}

static int template_life(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct trial trial;
    int well = trial_init(&trial, &mem);
    if (well) {
        (void)expand(&trial, "a ${{ toJson(matrix) }} b ${{ upper(deploy) + 'x' }}");
        well = trial.status == ARC_OK && trial.out.failed == ARC_OK;
    }
    trial_deinit(&trial);
    return well;
}

static void expanding_survives_failing_memory(void)
{
    test_torture(template_life, 0, 400);
    test_torture(template_life, 1, 400);
}

static const struct test tests[] = {
    {"values are put into a text once", values_are_put_in_once},
    {"a text that is one expression is told", a_text_that_is_one_expression_is_told},
    {"a text that grows over its buffer is told", a_full_buffer_is_told},
    {"expanding a text survives failing memory", expanding_survives_failing_memory},
};

TEST_MAIN(tests)
