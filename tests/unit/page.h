/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of docs/ that are made from tables, as a whole or between markers: a test compares them
 * with the tables, and writes them where its program is called with --write. */
#ifndef ARC_TEST_PAGE_H
#define ARC_TEST_PAGE_H

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "shim.h"

#define PAGE_MAX ((size_t)1 << 20)

static inline void page_path(const char *name, char *path, size_t size)
{
    const char *top = getenv("top_srcdir");
    snprintf(path, size, "%s/docs/%s", top != NULL ? top : ".", name);
}

static inline arc_slice page_read(const char *name, struct arc_arena *arena)
{
    char path[1024];
    page_path(name, path, sizeof(path));
    FILE *file = fopen(path, "rb");
    char *bytes = arc__arena_alloc(arena, PAGE_MAX);
    size_t len = file != NULL && bytes != NULL ? fread(bytes, 1, PAGE_MAX, file) : 0;
    if (file != NULL)
        fclose(file);
    return arc__slice(bytes, len);
}

/* The page is `want`, or becomes it. */
static inline void page_compare(const char *name, arc_slice want, int writing,
                                struct arc_arena *arena)
{
    char path[1024];
    if (!writing) {
        CU_assertImplementation(arc__slice_equal(page_read(name, arena), want), __LINE__,
                                "the page is not what the tables say: run the test with --write",
                                __FILE__, "", CU_FALSE);
        return;
    }
    page_path(name, path, sizeof(path));
    FILE *out = fopen(path, "wb");
    CHECK(out != NULL && fwrite(want.ptr, 1, want.len, out) == want.len);
    if (out != NULL)
        fclose(out);
}

/* The page with what stands between the markers of `part` replaced. */
static inline arc_slice page_fill(arc_slice page, const char *part,
                                  void (*add)(struct arc_buf *out), struct arc_arena *arena)
{
    char begin[64], end[64];
    struct arc_buf made;
    snprintf(begin, sizeof(begin), "<!-- %s: made from the tables -->\n", part);
    snprintf(end, sizeof(end), "<!-- end of %s -->\n", part);
    const char *from = memmem(page.ptr, page.len, begin, strlen(begin));
    const char *to = memmem(page.ptr, page.len, end, strlen(end));
    CHECK(from != NULL && to != NULL && from < to);
    if (from == NULL || to == NULL)
        return page;
    from += strlen(begin);
    arc__buf_init(&made, &arena->mem, PAGE_MAX);
    arc__buf_add(&made, page.ptr, (size_t)(from - page.ptr));
    add(&made);
    arc__buf_add_char(&made, '\n');
    arc__buf_add(&made, to, (size_t)(page.ptr + page.len - to));
    CHECK_OK(made.failed);
    arc_slice kept = arc__arena_copy(arena, arc__buf_slice(&made));
    arc__buf_deinit(&made);
    return kept;
}

/* A table of limits: its head, then a row for each LIMIT of a limits.def. */
static inline void page_add_limits(struct arc_buf *out)
{
    arc__buf_add_cstr(out, "\n| limit | default | highest | |\n| --- | --- | --- | --- |\n");
}

#define PAGE_ADD_LIMIT(out, field, default_value, cap, unit, sentence) \
    arc__buf_printf(out, "| `%s` | %u %s | %u | %s |\n", field, default_value, unit, cap, sentence)

#endif
