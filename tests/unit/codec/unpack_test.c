/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "codec/unpack.h"
#include "shim.h"

#define RAW_MAX (1u << 20)

/* gzip of len bytes, into a buffer of its own. */
static arc_slice pack(const unsigned char *raw, size_t len, unsigned char *out, size_t size)
{
    z_stream stream;
    memset(&stream, 0, sizeof(stream));
    CHECK_INT(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
    unsigned char *copy = malloc(len + 1);
    if (copy == NULL)
        return ARC_NONE;
    memcpy(copy, raw, len);
    stream.next_in = copy;
    stream.avail_in = (uInt)len;
    stream.next_out = out;
    stream.avail_out = (uInt)size;
    CHECK_INT(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t packed = stream.total_out;
    deflateEnd(&stream);
    free(copy);
    return arc__slice(out, packed);
}

static const unsigned char text[] = "a line\nand another line\nand another line\n";
#define TEXT_LEN (sizeof(text) - 1)

static void what_was_packed_comes_back(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    unsigned char packed[256];
    arc_slice out = ARC_NONE;
    arc_err err = ARC_ERR_INIT;
    arc__arena_init(&arena, &mem, 4 * RAW_MAX);
    CHECK_OK(arc__unpack_gzip(pack(text, TEXT_LEN, packed, sizeof(packed)), TEXT_LEN, &arena, &out,
                              &err));
    CHECK_TEXT(out, (const char *)text);
    CHECK_OK(arc__unpack_gzip(pack(text, 0, packed, sizeof(packed)), 0, &arena, &out, &err));
    CHECK_INT(out.len, 0);
    arc__arena_deinit(&arena);
}

static void a_size_that_is_not_true_is_refused(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    unsigned char packed[256];
    arc_slice all = pack(text, TEXT_LEN, packed, sizeof(packed));
    arc__arena_init(&arena, &mem, 4 * RAW_MAX);
    for (size_t size = 0; size < 2 * TEXT_LEN; size++) {
        arc_slice out = ARC_NONE;
        arc__arena_reset(&arena);
        CHECK_STATUS(arc__unpack_gzip(all, size, &arena, &out, NULL),
                     size == TEXT_LEN ? ARC_OK : ARC_EINVAL);
        CHECK((out.ptr != NULL) == (size == TEXT_LEN));
    }
    arc__arena_deinit(&arena);
}

static void cut_damaged_and_followed_data_is_refused(void)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_arena arena;
    unsigned char packed[256], twice[512], bad[256];
    arc_slice all = pack(text, TEXT_LEN, packed, sizeof(packed)), out = ARC_NONE;
    arc__arena_init(&arena, &mem, 4 * RAW_MAX);
    for (size_t len = 0; len < all.len; len++) {
        arc__arena_reset(&arena);
        CHECK_STATUS(arc__unpack_gzip(arc__slice(packed, len), TEXT_LEN, &arena, &out, NULL),
                     ARC_EINVAL);
    }
    memcpy(twice, packed, all.len);
    memcpy(twice + all.len, packed, all.len);
    CHECK_STATUS(arc__unpack_gzip(arc__slice(twice, 2 * all.len), TEXT_LEN, &arena, &out, NULL),
                 ARC_EINVAL);
    CHECK_STATUS(arc__unpack_gzip(arc__slice(twice, 2 * all.len), 2 * TEXT_LEN, &arena, &out, NULL),
                 ARC_EINVAL);
    /* The ten bytes before have no checksum over them, and the last bits of deflate's data none. */
    for (size_t at = 10; at < all.len; at++) {
        memcpy(bad, packed, all.len);
        bad[at] ^= 0x10;
        arc__arena_reset(&arena);
        arc_status status =
            arc__unpack_gzip(arc__slice(bad, all.len), TEXT_LEN, &arena, &out, NULL);
        CHECK(status == ARC_EINVAL || (status == ARC_OK && arc__slice_is(out, (const char *)text)));
    }
    arc__arena_deinit(&arena);
}

static void a_bomb_stops_at_the_size_that_was_told(void)
{
    struct test_mem state = {0};
    struct arc_mem mem = test_mem(&state);
    struct arc_arena arena;
    arc_slice out = ARC_NONE;
    unsigned char *zeros = calloc(1, 16 * RAW_MAX), *packed = malloc(RAW_MAX);
    if (zeros != NULL && packed != NULL) {
        arc_slice bomb = pack(zeros, 16 * RAW_MAX, packed, RAW_MAX);
        CHECK(bomb.len < 20000);
        arc__arena_init(&arena, &mem, 128 * 1024); /* far below what it would grow to */
        CHECK_STATUS(arc__unpack_gzip(bomb, 1000, &arena, &out, NULL), ARC_EINVAL);
        arc__arena_deinit(&arena);
    }
    free(zeros);
    free(packed);
    CHECK_INT(state.live, 0);
}

static void without_memory_it_fails_cleanly(void)
{
    unsigned char packed[256];
    arc_slice all = pack(text, TEXT_LEN, packed, sizeof(packed));
    arc_status status = ARC_ENOMEM;
    for (uint64_t n = 1; status != ARC_OK && n < 100; n++) {
        struct test_mem state = {.fail_at = n};
        struct arc_mem mem = test_mem(&state);
        struct arc_arena arena;
        arc_slice out = ARC_NONE;
        arc__arena_init(&arena, &mem, 4 * RAW_MAX);
        status = arc__unpack_gzip(all, TEXT_LEN, &arena, &out, NULL);
        CHECK(status == ARC_OK || (status == ARC_ENOMEM && out.ptr == NULL));
        arc__arena_deinit(&arena);
        CHECK_INT(state.live, 0);
    }
    CHECK_OK(status);
}

static const struct test tests[] = {
    {"what was packed comes back", what_was_packed_comes_back},
    {"a size that is not true is refused", a_size_that_is_not_true_is_refused},
    {"cut, damaged and followed data is refused", cut_damaged_and_followed_data_is_refused},
    {"a bomb stops at the size that was told", a_bomb_stops_at_the_size_that_was_told},
    {"without memory it fails cleanly", without_memory_it_fails_cleanly},
};
TEST_MAIN(tests)
