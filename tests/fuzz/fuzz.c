/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t fuzz_step;

void fuzz_fail(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

struct block {
    _Alignas(16) size_t size;
};

static void *fuzz_alloc(void *user, void *ptr, size_t size)
{
    struct fuzz_mem *state = user;
    struct block *old = ptr != NULL ? (struct block *)ptr - 1 : NULL;
    size_t had = old != NULL ? old->size : 0;
    if (size == 0) {
        state->live -= old != NULL;
        state->bytes -= had;
        free(old);
        return NULL;
    }
    state->calls++;
    if (state->fail_at != 0 && state->calls >= state->fail_at)
        return NULL;
    struct block *block = realloc(old, sizeof(*block) + size);
    if (block == NULL)
        return NULL;
    block->size = size;
    state->live += old == NULL;
    state->bytes += size - had;
    if (state->bytes > state->peak)
        state->peak = state->bytes;
    return block + 1;
}

struct arc_mem fuzz_mem(struct fuzz_mem *state)
{
    return (struct arc_mem){state, fuzz_alloc};
}

char *fuzz_copy(const void *bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    if (copy == NULL)
        abort();
    if (len > 0)
        memcpy(copy, bytes, len);
    return copy;
}

struct fuzz_input fuzz_split(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size, NULL, 0, 0};
    if (size == 0)
        return input;
    size_t count = data[size - 1] & 63U;
    if (count > size - 1)
        count = size - 1;
    input.len = size - 1 - count;
    input.orders = data + input.len;
    input.count = count;
    return input;
}

unsigned fuzz_order(struct fuzz_input *input)
{
    return input->at < input->count ? input->orders[input->at++] : 0;
}
