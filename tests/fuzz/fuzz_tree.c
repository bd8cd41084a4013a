/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "spec/diag.h"
#include "spec/tree.h"

#define BUDGET ((size_t)64 << 20)
#define PIECES_MAX ((size_t)8 << 20) /* beside the arena */

/* Everything stands where it says, in order, inside of what holds it. */
static uint32_t check_node(const struct arc_node *node, const struct arc_tree *tree, uint32_t depth)
{
    uint32_t count = 0, nodes = 1;
    FUZZ_CHECK(depth <= tree->limits.depth);
    FUZZ_CHECK(node->mark.offset <= node->mark.end && node->mark.end <= tree->text.len);
    FUZZ_CHECK(arc__utf8_valid(node->text, NULL) && arc__utf8_valid(node->key, NULL));
    FUZZ_CHECK(node->text.len <= tree->limits.string_bytes);
    FUZZ_CHECK(node->text.len == 0 || memchr(node->text.ptr, '\0', node->text.len) == NULL);
    for (const struct arc_node *c = node->first; c != NULL; c = c->next, count++) {
        FUZZ_CHECK(node->kind >= ARC_NODE_LIST);
        nodes += check_node(c, tree, depth + 1);
        for (const struct arc_node *d = c->next; d != NULL && count < 32; d = d->next)
            FUZZ_CHECK(node->kind == ARC_NODE_LIST || !arc__slice_equal(c->key, d->key));
    }
    FUZZ_CHECK(count == node->count);
    return nodes;
}

static void check_places(const struct arc_diags *diags, arc_slice text)
{
    uint32_t last = 0;
    for (const struct arc_diag *d = diags->first; d != NULL; d = d->next) {
        FUZZ_CHECK(d->mark.offset >= last && d->mark.offset <= text.len);
        FUZZ_CHECK(d->mark.line >= 1 && d->mark.column >= 1);
        FUZZ_CHECK(d->mark.end_line >= d->mark.line);
        FUZZ_CHECK(d->message.len > 0 && arc__utf8_valid(d->message, NULL));
        last = d->mark.offset;
    }
}

/* As JSON it is read again to the same. */
static void check_json(const struct arc_node *root, const struct arc_mem *mem)
{
    struct arc_buf first, second;
    struct arc_arena arena;
    const struct arc_node *again = NULL;
    struct arc_spec_limits limits = {.document_bytes = 64u << 20, .string_bytes = 16u << 20};
    arc__arena_init(&arena, mem, BUDGET);
    arc__buf_init(&first, mem, BUDGET);
    arc__buf_init(&second, mem, BUDGET);
    arc__node_to_json(root, &first);
    FUZZ_CHECK(first.failed == ARC_OK);
    FUZZ_CHECK(arc__json_read(arc__buf_slice(&first), &limits, &arena, &again, NULL) == ARC_OK);
    arc__node_to_json(again, &second);
    FUZZ_CHECK(arc__slice_equal(arc__buf_slice(&first), arc__buf_slice(&second)));
    arc__buf_deinit(&second);
    arc__buf_deinit(&first);
    arc__arena_deinit(&arena);
}

void fuzz_tree(struct fuzz_input *input, enum arc_format format)
{
    struct fuzz_mem state = {0};
    struct arc_mem mem = fuzz_mem(&state);
    struct arc_spec_limits limits = arc__limits_resolve(NULL);
    struct arc_arena arena;
    struct arc_diags diags;
    struct arc_tree tree;
    const struct arc_node *root = NULL;
    char *copy = fuzz_copy(input->bytes, input->len);
    arc_slice text = arc__slice(copy, input->len);
    arc__arena_init(&arena, &mem, BUDGET);
    struct arc_sink sink = {.arena = &arena, .diags = &diags, .max = limits.diags};
    state.fail_at = fuzz_order(input);
    if (arc__diags_init(&diags, &arena, ARC_NONE, text) &&
        arc__tree_init(&tree, 0, &limits, &arena, &sink))
        root = format == ARC_FORMAT_JSON ? arc__json_tree(&tree) : arc__yaml_tree(&tree);
    FUZZ_CHECK(!arena.failed || (state.fail_at > 0 && root == NULL));
    FUZZ_CHECK(arena.failed || root != NULL || diags.errors > 0);
    FUZZ_CHECK(state.peak < arena.used_bytes + PIECES_MAX);
    state.fail_at = 0;
    if (!arena.failed)
        check_places(&diags, text);
    if (root != NULL) {
        FUZZ_CHECK(check_node(root, &tree, 0) <= limits.nodes);
        if (diags.errors == 0)
            check_json(root, &mem);
    }
    arc__arena_deinit(&arena);
    FUZZ_CHECK(state.live == 0);
    free(copy);
}
