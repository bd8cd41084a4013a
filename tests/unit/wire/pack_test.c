/* SPDX-License-Identifier: Apache-2.0 */
/* One message packed and unpacked, and everything that is no such message. */
#include "shim.h"

#include <stdlib.h>

#include "wire/pack.h"

/* Something between text and noise, the same for the same seed. */
static void fill(char *out, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1103515245 + 12345;
        out[i] = (char)(seed >> 16 & (seed >> 24 & 1 ? 0x0f : 0x7f));
    }
}

/* Packs into a buffer of its own, which the caller frees. */
static arc_slice packed_of(arc_slice message)
{
    struct arc_mem mem = arc__mem_default();
    size_t bound = arc__pack_bound(message.len), len = 0;
    char *out = malloc(bound);
    CHECK_OK(arc__pack(&mem, message, out, bound, &len));
    CHECK(len >= 18 && len <= bound);
    return arc__slice(out, len);
}

static void round_trip(arc_slice message)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf out;
    arc_slice packed = packed_of(message);
    arc__buf_init(&out, &mem, 0);
    CHECK_OK(arc__unpack(&mem, packed, message.len, &out, NULL));
    CHECK(arc__slice_equal(arc__buf_slice(&out), message));
    CHECK(out.capacity <= message.len + 1);
    if (message.len > 0)
        CHECK_STATUS(arc__unpack(&mem, packed, message.len - 1, &out, NULL), ARC_ELIMIT);
    CHECK_OK(arc__unpack(&mem, packed, message.len + 100000, &out, NULL));
    CHECK(arc__slice_equal(arc__buf_slice(&out), message));
    arc__buf_deinit(&out);
    free((void *)(uintptr_t)packed.ptr);
}

static void what_is_packed_is_unpacked(void)
{
    static char text[300000];
    const size_t lens[] = {0, 1, 2, 511, 512, 513, 4096, 32768, 32769, 70000, 300000};
    for (size_t i = 0; i < ARC_COUNT_OF(lens); i++) {
        fill(text, lens[i], (uint32_t)i);
        round_trip(arc__slice(text, lens[i]));
        memset(text, 'z', lens[i]);
        round_trip(arc__slice(text, lens[i]));
        for (size_t k = 0; k < lens[i]; k++)
            text[k] = (char)(k * k * 2654435761U >> 13); /* nothing to save */
        round_trip(arc__slice(text, lens[i]));
    }
}

static void no_room_is_no_result(void)
{
    struct arc_mem mem = arc__mem_default();
    char text[2000], out[2000];
    size_t len = 0;
    fill(text, sizeof(text), 3);
    CHECK_STATUS(arc__pack(&mem, arc__slice(text, sizeof(text)), out, 0, &len), ARC_ELIMIT);
    CHECK_STATUS(arc__pack(&mem, arc__slice(text, sizeof(text)), out, 500, &len), ARC_ELIMIT);
    CHECK_OK(arc__pack(&mem, arc__slice(text, sizeof(text)), out, sizeof(out), &len));
}

static void check_refused(arc_slice packed, const char *text)
{
    struct arc_mem mem = arc__mem_default();
    arc_err err = ARC_ERR_INIT;
    struct arc_buf out;
    char *copy = malloc(packed.len + 1); /* of its own, so that ASan sees a read beyond it */
    memcpy(copy, packed.len > 0 ? packed.ptr : "", packed.len);
    arc__buf_init(&out, &mem, 0);
    CHECK_STATUS(arc__unpack(&mem, arc__slice(copy, packed.len), 1 << 20, &out, &err),
                 ARC_EPROTOCOL);
    if (text != NULL)
        CHECK_TEXT(arc__slice_cstr(err.message), text);
    arc__buf_deinit(&out);
    free(copy);
}

static void what_is_no_message_is_refused(void)
{
    static char text[5000], twice[12000];
    fill(text, sizeof(text), 9);
    arc_slice packed = packed_of(arc__slice(text, sizeof(text)));
    check_refused(ARC_NONE, "The compressed message is empty.");
    check_refused(ARC_LIT("hello, world, this is no gzip"), "The compressed message is damaged.");
    check_refused(ARC_LIT("\x78\x9c\x03\x00\x00\x00\x00\x01"), /* zlib's own form */
                  "The compressed message is damaged.");
    for (size_t cut = 1; cut < packed.len; cut++)
        check_refused(arc__slice(packed.ptr, cut), "The compressed message is cut short.");
    memcpy(twice, packed.ptr, packed.len);
    twice[packed.len] = 0;
    check_refused(arc__slice(twice, packed.len + 1),
                  "The compressed message is followed by something.");
    memcpy(twice + packed.len, packed.ptr, packed.len);
    check_refused(arc__slice(twice, 2 * packed.len),
                  "The compressed message is followed by something.");
    /* The sums at its end. */
    for (size_t at = packed.len - 8; at < packed.len; at++) {
        memcpy(twice, packed.ptr, packed.len);
        twice[at] = (char)(twice[at] ^ 1);
        check_refused(arc__slice(twice, packed.len), "The compressed message is damaged.");
    }
    free((void *)(uintptr_t)packed.ptr);
}

static void any_wrong_bit_is_survived(void)
{
    struct arc_mem mem = arc__mem_default();
    static char text[600];
    struct arc_buf out;
    fill(text, sizeof(text), 4);
    arc_slice packed = packed_of(arc__slice(text, sizeof(text)));
    char *bytes = (char *)(uintptr_t)packed.ptr;
    arc__buf_init(&out, &mem, 0);
    for (size_t bit = 0; bit < 8 * packed.len; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        /* A flag or a time of the header may change nothing; what comes out is the message. */
        if (arc__unpack(&mem, packed, 1 << 16, &out, NULL) == ARC_OK)
            CHECK(arc__slice_equal(arc__buf_slice(&out), arc__slice(text, sizeof(text))));
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
    }
    arc__buf_deinit(&out);
    free(bytes);
}

static void memory_follows_what_came_out(void)
{
    struct arc_mem mem = arc__mem_default();
    const size_t big = 64 << 20;
    struct arc_buf out;
    char *zeros = calloc(1, big);
    if (zeros == NULL)
        return;
    arc_slice packed = packed_of(arc__slice(zeros, big));
    CHECK(packed.len < big / 100);
    arc__buf_init(&out, &mem, 0);
    CHECK_STATUS(arc__unpack(&mem, packed, 4 << 20, &out, NULL), ARC_ELIMIT);
    CHECK(out.capacity <= (4 << 20) + 1);
    CHECK_STATUS(arc__unpack(&mem, packed, 0, &out, NULL), ARC_ELIMIT);
    arc__buf_deinit(&out);
    /* The size at its end says 4 GiB; nobody looks. */
    arc_slice small = packed_of(ARC_LIT("x"));
    memset((char *)(uintptr_t)small.ptr + small.len - 4, 0xff, 4);
    CHECK_STATUS(arc__unpack(&mem, small, 4 << 20, &out, NULL), ARC_EPROTOCOL);
    CHECK(out.capacity < 1000);
    arc__buf_deinit(&out);
    free((void *)(uintptr_t)small.ptr);
    free((void *)(uintptr_t)packed.ptr);
    free(zeros);
}

static void every_failed_allocation_is_said(void)
{
    static char text[40000], out[60000];
    fill(text, sizeof(text), 5);
    for (uint64_t n = 1; n < 100; n++) {
        struct test_mem state = {.fail_at = n};
        struct arc_mem mem = test_mem(&state);
        struct arc_buf raw;
        size_t len = 0;
        arc__buf_init(&raw, &mem, 0);
        arc_status status = arc__pack(&mem, arc__slice(text, sizeof(text)), out, sizeof(out), &len);
        if (status == ARC_OK)
            status = arc__unpack(&mem, arc__slice(out, len), sizeof(text), &raw, NULL);
        arc__buf_deinit(&raw);
        CHECK_INT(state.live, 0);
        if (state.calls < n) {
            CHECK_OK(status);
            CHECK(n > 6);
            return;
        }
        CHECK_STATUS(status, ARC_ENOMEM);
    }
    CU_FAIL("the torture never came to an end");
}

static const struct test tests[] = {
    {"what is packed is unpacked, of any size", what_is_packed_is_unpacked},
    {"a message that does not get small enough is said to", no_room_is_no_result},
    {"what is not one whole message is refused with the reason", what_is_no_message_is_refused},
    {"a message with any bit wrong is refused or the same", any_wrong_bit_is_survived},
    {"memory follows what came out, never what was promised", memory_follows_what_came_out},
    {"every failed allocation is said", every_failed_allocation_is_said},
};
TEST_MAIN(tests)
