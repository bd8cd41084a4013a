/* SPDX-License-Identifier: Apache-2.0 */
/* Selectors and maps of a plan. */
#include "core/plan.h"

#include "shim.h"

static const struct arc_kv label_items[] = {
    {{"cores", 5}, {"8", 1}},
    {{"empty", 5}, {NULL, 0}},
    {{"os", 2}, {"linux", 5}},
    {{"zone", 4}, {"eu-1", 4}},
};
static const struct arc_kvs labels = {label_items, 4};

static int holds(const char *key, enum arc_label_op op, const arc_slice *values, uint32_t count)
{
    struct arc_label_expr expr = {arc__slice_cstr(key), op, values, count};
    struct arc_selector selector = {.exprs = &expr, .expr_count = 1};
    return arc__selector_match(&selector, &labels);
}

static int holds_one(const char *key, enum arc_label_op op, const char *value)
{
    arc_slice slice = arc__slice_cstr(value);
    return holds(key, op, &slice, 1);
}

static void a_key_is_found_wherever_it_stands(void)
{
    for (uint32_t i = 0; i < labels.count; i++) {
        arc_slice value = arc__kvs_get(&labels, label_items[i].key);
        CHECK(value.ptr != NULL); /* also where it is empty */
        CHECK(arc__slice_equal(value, label_items[i].value));
    }
    CHECK(arc__kvs_get(&labels, ARC_LIT("a")).ptr == NULL);
    CHECK(arc__kvs_get(&labels, ARC_LIT("o")).ptr == NULL);
    CHECK(arc__kvs_get(&labels, ARC_LIT("zones")).ptr == NULL);
    CHECK(arc__kvs_get(&labels, ARC_NONE).ptr == NULL);
    struct arc_kvs none = {NULL, 0};
    CHECK(arc__kvs_get(&none, ARC_LIT("os")).ptr == NULL);
}

static void all_labels_must_be_equal(void)
{
    struct arc_kv want[] = {{ARC_LIT("cores"), ARC_LIT("8")}, {ARC_LIT("os"), ARC_LIT("linux")}};
    struct arc_selector selector = {.labels = {want, 2}};
    CHECK_INT(arc__selector_match(&selector, &labels), 1);
    want[1].value = ARC_LIT("Linux");
    CHECK_INT(arc__selector_match(&selector, &labels), 0);
    want[1] = (struct arc_kv){ARC_LIT("gpu"), ARC_NONE}; /* absent is not empty */
    CHECK_INT(arc__selector_match(&selector, &labels), 0);
    want[1] = (struct arc_kv){ARC_LIT("empty"), ARC_NONE};
    CHECK_INT(arc__selector_match(&selector, &labels), 1);
    struct arc_selector any = {0};
    CHECK_INT(arc__selector_match(&any, &labels), 1);
    struct arc_kvs none = {NULL, 0};
    CHECK_INT(arc__selector_match(&any, &none), 1);
    CHECK_INT(arc__selector_match(&selector, &none), 0);
}

static void in_and_not_in_look_for_a_value(void)
{
    const arc_slice values[] = {ARC_LIT("bsd"), ARC_LIT("linux")};
    CHECK_INT(holds("os", ARC_LABEL_IN, values, 2), 1);
    CHECK_INT(holds("os", ARC_LABEL_IN, values, 1), 0);
    CHECK_INT(holds("os", ARC_LABEL_IN, values, 0), 0);
    CHECK_INT(holds("gpu", ARC_LABEL_IN, values, 2), 0);
    CHECK_INT(holds("os", ARC_LABEL_NOT_IN, values, 2), 0);
    CHECK_INT(holds("os", ARC_LABEL_NOT_IN, values, 1), 1);
    CHECK_INT(holds("gpu", ARC_LABEL_NOT_IN, values, 2), 1); /* what is absent is in nothing */
}

static void exists_asks_for_the_key_alone(void)
{
    CHECK_INT(holds("empty", ARC_LABEL_EXISTS, NULL, 0), 1);
    CHECK_INT(holds("gpu", ARC_LABEL_EXISTS, NULL, 0), 0);
    CHECK_INT(holds("empty", ARC_LABEL_NOT_EXISTS, NULL, 0), 0);
    CHECK_INT(holds("gpu", ARC_LABEL_NOT_EXISTS, NULL, 0), 1);
}

static void gt_and_lt_compare_numbers(void)
{
    CHECK_INT(holds_one("cores", ARC_LABEL_GT, "7"), 1);
    CHECK_INT(holds_one("cores", ARC_LABEL_GT, "8"), 0);
    CHECK_INT(holds_one("cores", ARC_LABEL_GT, "10"), 0); /* not as texts */
    CHECK_INT(holds_one("cores", ARC_LABEL_LT, "10"), 1);
    CHECK_INT(holds_one("cores", ARC_LABEL_LT, "8"), 0);
    CHECK_INT(holds_one("cores", ARC_LABEL_GT, "-9223372036854775808"), 1);
    CHECK_INT(holds_one("cores", ARC_LABEL_LT, "9223372036854775808"), 1);
    CHECK_INT(holds_one("cores", ARC_LABEL_GT, "7.5"), 1);
    CHECK_INT(holds_one("cores", ARC_LABEL_LT, "8.25"), 1);
    CHECK_INT(holds_one("cores", ARC_LABEL_LT, "8.0"), 0);
    CHECK_INT(holds_one("cores", ARC_LABEL_LT, "1e3"), 0); /* no number */
    CHECK_INT(holds_one("os", ARC_LABEL_GT, "1"), 0);
    CHECK_INT(holds_one("os", ARC_LABEL_LT, "1"), 0);
    CHECK_INT(holds_one("gpu", ARC_LABEL_GT, "0"), 0);
    CHECK_INT(holds("cores", ARC_LABEL_GT, NULL, 0), 0);
    CHECK_INT(holds_one("cores", (enum arc_label_op)77, "8"), 0);
}

static const struct test tests[] = {
    {"a key is found wherever it stands", a_key_is_found_wherever_it_stands},
    {"all labels of a selector must be equal", all_labels_must_be_equal},
    {"In and NotIn look for a value", in_and_not_in_look_for_a_value},
    {"Exists and NotExists ask for the key alone", exists_asks_for_the_key_alone},
    {"Gt and Lt compare numbers", gt_and_lt_compare_numbers},
};
TEST_MAIN(tests)
