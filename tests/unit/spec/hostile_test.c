/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that are made to cost their reader: refused, with little memory, on a small stack. */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <pthread.h>
#include <stdlib.h>

#include "help.h"
#include "spec/diag.h"

#define MIB ((size_t)1 << 20)
/* Beside the text itself. */
#define BYTES_MAX (8 * MIB)
/* What the limit of values allows for, at 96 bytes each, where they stand in the text one by one.
 */
#ifdef ARC_SANITIZED
#define BYTES_OF_VALUES_MAX (32 * MIB) /* each piece of an arena is an allocation with a head */
#else
#define BYTES_OF_VALUES_MAX (24 * MIB)
#endif
#define STACK_BYTES ((size_t)64 * 1024)

struct counted {
    size_t bytes, peak;
};

static void *counting(void *user, void *ptr, size_t size)
{
    struct counted *counted = user;
    size_t *old = ptr != NULL ? (size_t *)ptr - 2 : NULL;
    counted->bytes -= old != NULL ? old[0] : 0;
    if (size == 0) {
        free(old);
        return NULL;
    }
    size_t *fresh = realloc(old, size + 2 * sizeof(size_t));
    if (fresh == NULL)
        return NULL;
    fresh[0] = size;
    counted->bytes += size;
    counted->peak = counted->bytes > counted->peak ? counted->bytes : counted->peak;
    return fresh + 2;
}

static void fill(struct arc_buf *text, const char *part, size_t bytes)
{
    while (text->len + strlen(part) <= bytes && text->failed == ARC_OK)
        arc__buf_add_cstr(text, part);
}

static void laughs(struct arc_buf *text)
{
    arc__buf_add_cstr(text, "a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 10; i++) {
        arc__buf_printf(text, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++)
            arc__buf_printf(text, "%s*a%d", k > 0 ? "," : "", i - 1);
        arc__buf_add_cstr(text, "]\n");
    }
}

static void quadratic(struct arc_buf *text)
{
    arc__buf_add_cstr(text, "- &a {");
    for (int i = 0; i < 10000; i++)
        arc__buf_printf(text, "k%d: 1, ", i);
    arc__buf_add_cstr(text, "}\n");
    fill(text, "- *a\n", text->len + 50000);
}

static void merges(struct arc_buf *text)
{
    arc__buf_add_cstr(text, "- &a {");
    for (int i = 0; i < 10000; i++)
        arc__buf_printf(text, "k%d: 1, ", i);
    arc__buf_add_cstr(text, "}\n");
    fill(text, "- {<<: *a}\n", text->len + 100000);
}

/* The last of the keys is given anew, so that all before it must be looked at. */
static void replacing_merges(struct arc_buf *text)
{
    arc__buf_add_cstr(text, "- &a {");
    for (int i = 0; i < 10000; i++)
        arc__buf_printf(text, "k%d: 1, ", i);
    arc__buf_add_cstr(text, "}\n");
    fill(text, "- {<<: *a, k9999: 2}\n", text->len + 100000);
}

static void many_keys(struct arc_buf *text)
{
    arc__buf_add_cstr(text, "{");
    for (int i = 0; text->len < 900000; i++)
        arc__buf_printf(text, "\"k%d\":1,", i);
    arc__buf_add_cstr(text, "\"k\":1}");
}

static void close_keys(struct arc_buf *text)
{
    arc__buf_add_cstr(text, "{");
    for (int i = 0; i < 16000; i++)
        arc__buf_printf(text, "\"at-first-%05d-at-last\":1,", i);
    arc__buf_add_cstr(text, "\"k\":1}");
}

static void own_alias(struct arc_buf *text)
{
    arc__buf_add_cstr(text, "a: &a [*a]\n");
}

static void large_key(struct arc_buf *text)
{
    arc__buf_add_cstr(text, "{\"");
    fill(text, "k", 1000000);
    arc__buf_add_cstr(text, "\":1}");
}

static void one_key(struct arc_buf *text)
{
    arc__buf_add_cstr(text, "{");
    fill(text, "\"a\":1,", 200000);
    arc__buf_add_cstr(text, "\"a\":1}");
}

static void digits(struct arc_buf *text)
{
    arc__buf_add_cstr(text, "{\"a\":");
    fill(text, "9", 200000);
    arc__buf_add_cstr(text, "}");
}

static void overlong(struct arc_buf *text)
{
    arc__buf_add_cstr(text, "a: ");
    fill(text, "\xc0\xaf", 1000000);
}

static void nuls(struct arc_buf *text)
{
    arc__buf_add_cstr(text, "{\"a\":\"");
    for (size_t i = 0; i < 1000000; i++)
        arc__buf_add_char(text, '\0');
    arc__buf_add_cstr(text, "\"}");
}

static void escapes(struct arc_buf *text)
{
    arc__buf_add_cstr(text, "[\"");
    fill(text, "\\n", 1000000);
    arc__buf_add_cstr(text, "\"]");
}

static void anchors(struct arc_buf *text)
{
    arc__buf_add_cstr(text, "[");
    for (int i = 0; text->len < 700000; i++)
        arc__buf_printf(text, "&a%d [*a%d],", i, i);
    arc__buf_add_cstr(text, "x]");
}

static const struct {
    const char *name;
    void (*make)(struct arc_buf *text); /* NULL: a MiB of `part` */
    const char *part;
    enum arc_format format;
    int many_values;
} bombs[] = {
    {"billion laughs", laughs, NULL, ARC_FORMAT_YAML, 0},
    {"quadratic aliases", quadratic, NULL, ARC_FORMAT_YAML, 0},
    {"quadratic merges", merges, NULL, ARC_FORMAT_YAML, 0},
    {"merges that replace", replacing_merges, NULL, ARC_FORMAT_YAML, 1},
    {"an alias of itself", own_alias, NULL, ARC_FORMAT_YAML, 0},
    {"many anchors", anchors, NULL, ARC_FORMAT_YAML, 0},
    {"lists", NULL, "[", ARC_FORMAT_YAML, 0},
    {"maps", NULL, "{", ARC_FORMAT_YAML, 0},
    {"items", NULL, "- ", ARC_FORMAT_YAML, 0},
    {"questions", NULL, "? ", ARC_FORMAT_YAML, 0},
    {"deep flow", NULL, "{a: [", ARC_FORMAT_YAML, 0},
    {"tags", NULL, "!!seq [", ARC_FORMAT_YAML, 0},
    {"quotes", NULL, "'\"", ARC_FORMAT_YAML, 0},
    {"overlong UTF-8", overlong, NULL, ARC_FORMAT_YAML, 0},
    {"lists", NULL, "[", ARC_FORMAT_JSON, 0},
    {"a million levels", NULL, "[{\"a\":", ARC_FORMAT_JSON, 0},
    {"a large key", large_key, NULL, ARC_FORMAT_JSON, 0},
    {"one key", one_key, NULL, ARC_FORMAT_JSON, 0},
    {"digits", digits, NULL, ARC_FORMAT_JSON, 0},
    {"many keys", many_keys, NULL, ARC_FORMAT_JSON, 0},
    {"many keys", many_keys, NULL, ARC_FORMAT_YAML, 0},
    {"keys that fall together", close_keys, NULL, ARC_FORMAT_JSON, 0},
    {"NULs", nuls, NULL, ARC_FORMAT_JSON, 0},
    {"escapes", escapes, NULL, ARC_FORMAT_JSON, 0},
    {"values", NULL, "1,", ARC_FORMAT_JSON, 0},
    {"values in a list", NULL, "- 1\n", ARC_FORMAT_YAML, 1},
};

/* The most memory that reading took, with everything that is said of it printed. */
static size_t read_bomb(size_t index)
{
    struct counted counted = {0};
    struct arc_mem own = arc__mem_default(), mem = {&counted, counting};
    struct arc_buf text, out;
    struct arc_arena arena;
    struct arc_diags diags;
    struct arc_spec *spec = NULL;
    arc_err err = ARC_ERR_INIT;
    arc__buf_init(&text, &own, MIB);
    if (bombs[index].make != NULL)
        bombs[index].make(&text);
    else
        fill(&text, bombs[index].part, MIB);
    arc__arena_init(&arena, &mem, (size_t)1 << 30);
    arc__buf_init(&out, &mem, MIB);
    arc_status status = arc__spec_read(arc__buf_slice(&text), bombs[index].format, ARC_NONE, NULL,
                                       &arena, &diags, &spec, &err);
    CHECK_STATUS(status, ARC_EINVAL);
    CU_assertImplementation(diags.errors > 0, __LINE__, bombs[index].name, __FILE__, "", CU_FALSE);
    arc__diags_to_json(&diags, &out);
    for (const struct arc_diag *d = diags.first; d != NULL; d = d->next)
        arc__diag_print(&diags, d, 1, 1, &out);
    arc__buf_deinit(&out);
    arc__arena_deinit(&arena);
    arc__buf_deinit(&text);
    return counted.peak;
}

static void bombs_are_refused_with_little_memory(void)
{
    for (size_t i = 0; i < ARC_COUNT_OF(bombs); i++) {
        size_t peak = read_bomb(i);
        int held = peak <= (bombs[i].many_values ? BYTES_OF_VALUES_MAX : BYTES_MAX);
        CU_assertImplementation(held, __LINE__, bombs[i].name, __FILE__, "", CU_FALSE);
        if (!held)
            printf("# %s: %zu bytes\n", bombs[i].name, peak);
    }
}

#ifndef ARC_SANITIZED
static void *on_small_stack(void *user)
{
    (void)user;
    for (size_t i = 0; i < ARC_COUNT_OF(bombs); i++)
        (void)read_bomb(i);
    return NULL;
}
#endif

static void bombs_are_refused_on_a_stack_of_64_kib(void)
{
#ifdef ARC_SANITIZED
    test_skip("a sanitizer needs more stack");
#else
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK_INT(pthread_attr_init(&attributes), 0);
    CHECK_INT(pthread_attr_setstacksize(&attributes, STACK_BYTES), 0);
    int started = pthread_create(&thread, &attributes, on_small_stack, NULL) == 0;
    CHECK(started);
    if (started)
        CHECK_INT(pthread_join(thread, NULL), 0);
    (void)pthread_attr_destroy(&attributes);
#endif
}

static const struct test tests[] = {
    {"bombs are refused with little memory", bombs_are_refused_with_little_memory},
    {"bombs are refused on a stack of 64 KiB", bombs_are_refused_on_a_stack_of_64_kib},
};

TEST_MAIN(tests)
