/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "shim.h"

#include <stdio.h>
#include <string.h>

#define KEYS 3000

static uint64_t next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct arc_map open_map(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct arc_map map;
    arc__map_init(&map, &mem, 0x0123456789abcdef, 0xfedcba9876543210);
    return map;
}

/* Keys of 0 to 40 bytes, some with a NUL. */
static arc_slice key_of(size_t i, char out[64])
{
    int len = snprintf(out, 64, "%zu", i);
    size_t total = i == 0 ? 0 : (size_t)len + i % 30;
    for (size_t j = (size_t)len; j < total; j++)
        out[j] = (char)(j % 3 == 0 ? 0 : 'k');
    return arc__slice(out, total);
}

static void random_lives_agree_with_a_plain_table(void)
{
    static char values[KEYS][2];
    static void *reference[KEYS];
    struct test_mem state = {0};
    struct arc_map map = open_map(&state);
    uint64_t seed = 7;
    size_t count = 0;
    char text[64];
    memset(reference, 0, sizeof(reference));
    for (int step = 0; step < 200000; step++) {
        /* The window of keys wanders, so that there is growth, thinning and reuse. */
        size_t i = (next_number(&seed) % 500 + (size_t)step / 70) % KEYS;
        arc_slice key = key_of(i, text);
        void *old = &seed;
        if (next_number(&seed) % 2 == 0) {
            void *value = &values[i][step & 1];
            CHECK_OK(arc__map_put(&map, key, value, &old, NULL));
            CHECK(old == reference[i]);
            count += reference[i] == NULL;
            reference[i] = value;
        } else {
            CHECK(arc__map_remove(&map, key) == reference[i]);
            count -= reference[i] != NULL;
            reference[i] = NULL;
        }
        CHECK_INT(map.count, count);
        CHECK((map.count + map.tombs) * 4 <= map.capacity * 3);
    }
    for (size_t i = 0; i < KEYS; i++)
        CHECK(arc__map_get(&map, key_of(i, text)) == reference[i]);
    arc__map_deinit(&map);
    CHECK_INT(state.live, 0);
}

static void a_walk_meets_every_entry_once_and_may_remove(void)
{
    static int seen[KEYS];
    static size_t numbers[KEYS];
    struct test_mem state = {0};
    struct arc_map map = open_map(&state);
    char text[64];
    memset(seen, 0, sizeof(seen));
    for (size_t i = 0; i < KEYS; i++) {
        numbers[i] = i;
        CHECK_OK(arc__map_put(&map, key_of(i, text), &numbers[i], NULL, NULL));
    }
    size_t at = 0;
    arc_slice key = ARC_NONE;
    void *value = NULL;
    while (arc__map_next(&map, &at, &key, &value)) {
        const size_t *number = value;
        CHECK(arc__slice_equal(key, key_of(*number, text)));
        seen[*number]++;
        if (*number % 2 == 0)
            CHECK(arc__map_remove(&map, key_of(*number, text)) == value);
    }
    for (size_t i = 0; i < KEYS; i++) {
        CHECK_INT(seen[i], 1);
        CHECK((arc__map_get(&map, key_of(i, text)) != NULL) == (i % 2 == 1));
    }
    arc__map_deinit(&map);
    CHECK_INT(state.live, 0);
}

static void a_map_that_fills_and_empties_stays_its_size(void)
{
    struct test_mem state = {0};
    struct arc_map map = open_map(&state);
    char text[64];
    for (size_t i = 0; i < 100000; i++) {
        CHECK_OK(arc__map_put(&map, key_of(i, text), &map, NULL, NULL));
        if (i >= 10)
            CHECK(arc__map_remove(&map, key_of(i - 10, text)) == &map);
    }
    CHECK_INT(map.count, 10);
    CHECK(map.capacity <= 32);
    arc__map_deinit(&map);
    CHECK_INT(state.live, 0);
}

static void keys_are_copied_and_values_are_not_freed(void)
{
    struct test_mem state = {0};
    struct arc_map map = open_map(&state);
    char key[] = "agent-1", value = 0;
    CHECK_OK(arc__map_put(&map, arc__slice_cstr(key), &value, NULL, NULL));
    key[0] = 'X';
    CHECK(arc__map_get(&map, ARC_LIT("agent-1")) == &value);
    CHECK(arc__map_get(&map, ARC_LIT("Xgent-1")) == NULL);
    CHECK(arc__map_get(&map, ARC_LIT("agent-")) == NULL);
    arc__map_deinit(&map);
    CHECK_INT(state.live, 0);
}

static void an_empty_map_answers_and_takes_no_memory(void)
{
    struct test_mem state = {0};
    struct arc_map map = open_map(&state);
    size_t at = 0;
    CHECK(arc__map_get(&map, ARC_LIT("x")) == NULL);
    CHECK(arc__map_remove(&map, ARC_LIT("x")) == NULL);
    CHECK_INT(arc__map_next(&map, &at, NULL, NULL), 0);
    CHECK_STATUS(arc__map_put(&map, ARC_LIT("x"), NULL, NULL, NULL), ARC_EINTERNAL);
    arc__map_deinit(&map);
    CHECK_INT(state.calls, 0);
}

/* Where a key's search begins shows the hash's low bits; the reference vectors of SipHash-2-4 are
 * for the key 00..0f and inputs 00, 00 01, … as 64-bit numbers. */
static void places_follow_the_reference_vectors_of_siphash(void)
{
    static const uint64_t vectors[] = {
        0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
        0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
        0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
        0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
    };
    char input[16];
    for (size_t i = 0; i < 16; i++)
        input[i] = (char)i;
    for (size_t len = 0; len < 16; len++) {
        struct test_mem state = {0};
        struct arc_mem mem = test_mem(&state);
        struct arc_map map;
        size_t at = 0;
        arc__map_init(&map, &mem, 0x0706050403020100, 0x0f0e0d0c0b0a0908);
        CHECK_OK(arc__map_put(&map, arc__slice(input, len), &map, NULL, NULL));
        CHECK(arc__map_next(&map, &at, NULL, NULL));
        CHECK_INT(at - 1, vectors[len] & (map.capacity - 1)); /* alone in the map: no probing */
        arc__map_deinit(&map);
        CHECK_INT(state.live, 0);
    }
}

static void putting_fails_cleanly(void)
{
    for (int sticky = 0; sticky < 2; sticky++) {
        int failed = 1;
        for (uint64_t n = 1; failed; n++) {
            struct test_mem state = {.fail_at = n, .sticky = sticky};
            struct arc_map map = open_map(&state);
            char text[64];
            failed = 0;
            for (size_t i = 0; i < 60; i++) {
                void *old = &state;
                arc_err err = ARC_ERR_INIT;
                size_t before = map.count;
                if (arc__map_put(&map, key_of(i, text), &map, &old, &err) == ARC_OK) {
                    CHECK(old == NULL);
                    continue;
                }
                failed = 1;
                CHECK_INT(err.status, ARC_ENOMEM);
                CHECK(old == &state);
                CHECK_INT(map.count, before);
                CHECK(arc__map_get(&map, key_of(i, text)) == NULL);
                CHECK(i == 0 || !sticky || arc__map_get(&map, key_of(i - 1, text)) == &map ||
                      map.count < i);
            }
            arc__map_deinit(&map);
            CHECK_INT(state.live, 0);
        }
    }
}

static const struct test tests[] = {
    {"random lives of a map agree with a plain table", random_lives_agree_with_a_plain_table},
    {"a walk meets every entry once and may remove", a_walk_meets_every_entry_once_and_may_remove},
    {"a map that fills and empties stays its size", a_map_that_fills_and_empties_stays_its_size},
    {"keys are copied and values are not freed", keys_are_copied_and_values_are_not_freed},
    {"an empty map answers and takes no memory", an_empty_map_answers_and_takes_no_memory},
    {"places follow the reference vectors of SipHash",
     places_follow_the_reference_vectors_of_siphash},
    {"putting into a map fails cleanly", putting_fails_cleanly},
};
TEST_MAIN(tests)
