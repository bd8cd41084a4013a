/* SPDX-License-Identifier: Apache-2.0 */
/* How a batch is cut into statements for PostgreSQL; no server is asked. What it does to the rows
 * is shown by the contract. */
#include "store/pg_plan.h"

#include <stdio.h>

#include "shim.h"

enum { ROWS_MAX = 200 };

struct batch {
    struct arc_row_counter rows[ROWS_MAX];
    char names[ROWS_MAX][8];
    struct arc_store_op ops[ROWS_MAX];
    size_t count;
    struct arc_pg_plan plan;
};

static void put(struct batch *b, unsigned name, int64_t there)
{
    size_t at = b->count++;
    (void)snprintf(b->names[at], sizeof(b->names[at]), "%u", name);
    b->rows[at] = (struct arc_row_counter){arc__slice_cstr(b->names[at]), (int64_t)at};
    b->ops[at] = (struct arc_store_op){ARC_STORE_PUT, ARC_TABLE_counter, &b->rows[at], there};
}

static int plan(struct batch *b, int follow)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_store_batch batch = {b->ops, b->count, follow};
    b->plan = (struct arc_pg_plan){.ops = NULL};
    return CHECK_OK(arc__pg_plan_make(&mem, &batch, follow, &b->plan, NULL));
}

static void drop(struct batch *b)
{
    struct arc_mem mem = arc__mem_default();
    arc__pg_plan_drop(&mem, &b->plan);
    b->count = 0;
}

/* The row that comes at this place of all statements. */
static const struct arc_row_counter *row_at(const struct batch *b, size_t at)
{
    return b->plan.ops[b->plan.order[at]].row;
}

static void rows_that_should_be_there_are_set(void)
{
    static struct batch b;
    put(&b, 1, 0);
    put(&b, 2, ARC_STORE_THERE);
    put(&b, 3, 0);
    put(&b, 4, 7); /* says nothing */
    if (plan(&b, 0) && CHECK_INT(b.plan.group_count, 2)) {
        CHECK_INT(b.plan.groups[0].verb, ARC_STORE_PUT);
        CHECK_INT(b.plan.groups[0].count, 3);
        CHECK_INT(b.plan.groups[1].verb, ARC_PG_SET);
        CHECK_INT(b.plan.groups[1].count, 1);
        CHECK_INT(row_at(&b, 3)->value, 1);
        arc__pg_plan_doubt(&b.plan);
        CHECK_INT(b.plan.groups[1].verb, ARC_STORE_PUT);
    }
    drop(&b);
}

static void the_later_of_two_is_enough(void)
{
    static struct batch b;
    put(&b, 1, ARC_STORE_THERE);
    put(&b, 1, ARC_STORE_THERE);
    if (plan(&b, 0) && CHECK_INT(b.plan.group_count, 1)) {
        CHECK_INT(b.plan.groups[0].count, 1);
        CHECK_INT(row_at(&b, 0)->value, 1);
    }
    drop(&b);
    put(&b, 1, 0);
    put(&b, 1, ARC_STORE_THERE);
    if (plan(&b, 0) && CHECK_INT(b.plan.group_count, 2)) {
        CHECK_INT(row_at(&b, 0)->value, 0);
        CHECK_INT(row_at(&b, 1)->value, 1);
    }
    drop(&b);
}

/* Every number once, in no order, and each batch of another size. */
static void rows_stand_in_the_order_of_their_keys(void)
{
    static struct batch b;
    for (size_t count = 1; count <= ROWS_MAX; count += 13) {
        for (unsigned i = 0; i < count; i++)
            put(&b, i * 211 % (unsigned)count + 1000, count % 2 ? ARC_STORE_THERE : 0);
        if (!plan(&b, 1) || !CHECK_INT(b.plan.groups[0].count, count))
            break;
        for (size_t i = 0; i < count; i++) {
            char name[8];
            (void)snprintf(name, sizeof(name), "%zu", i + 1000);
            CHECK_TEXT(row_at(&b, i)->name, name);
        }
        drop(&b);
    }
    drop(&b);
}

static void alone_they_stand_as_they_come(void)
{
    static struct batch b;
    for (unsigned i = 0; i < 50; i++)
        put(&b, i * 31 % 50 + 10, 0);
    if (plan(&b, 0)) {
        for (size_t i = 0; i < 50; i++)
            CHECK_INT(row_at(&b, i)->value, i);
    }
    drop(&b);
}

static const struct test tests[] = {
    {"rows that should be there are set, the others put", rows_that_should_be_there_are_set},
    {"of two writings of a row in one statement one is sent", the_later_of_two_is_enough},
    {"rows that others lock stand in the order of their keys",
     rows_stand_in_the_order_of_their_keys},
    {"rows that nobody else locks stand as they come", alone_they_stand_as_they_come},
};
TEST_MAIN(tests)
