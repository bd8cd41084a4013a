/* SPDX-License-Identifier: Apache-2.0 */
#include "shim.h"

#include <stdlib.h>

#include "wire/lpm.h"

struct seen {
    size_t count;
    size_t bytes;
    unsigned sum;
    int compressed;
    arc_status end;
};

static void note(struct seen *seen, arc_slice message, int compressed)
{
    seen->count++;
    seen->bytes += message.len;
    seen->compressed += compressed;
    for (size_t i = 0; i < message.len; i++)
        seen->sum = seen->sum * 31 + (unsigned char)message.ptr[i];
}

/* Feeds bytes in pieces of at most step. */
static struct seen feed(struct arc_lpm *lpm, arc_slice bytes, size_t step)
{
    struct seen seen = {0};
    size_t at = 0;
    seen.end = ARC_EAGAIN;
    while (at < bytes.len) {
        size_t piece = bytes.len - at < step ? bytes.len - at : step;
        /* A copy of its own, so that ASan sees a read beyond it. */
        char *copy = malloc(piece);
        if (copy == NULL)
            break;
        memcpy(copy, bytes.ptr + at, piece);
        size_t done = 0;
        do {
            arc_slice message = ARC_NONE;
            size_t used = 0;
            int compressed = 0;
            seen.end = arc__lpm_next(lpm, arc__slice(copy + done, piece - done), &used, &message,
                                     &compressed, NULL);
            done += used;
            if (seen.end == ARC_OK)
                note(&seen, message, compressed);
        } while (seen.end == ARC_OK && done < piece);
        free(copy);
        at += piece;
        if (seen.end != ARC_OK && seen.end != ARC_EAGAIN)
            break;
    }
    return seen;
}

/* Three messages: 3 bytes, none, 300 bytes; the second one flagged. */
static size_t make_stream(char *out)
{
    size_t at = 0;
    const size_t sizes[] = {3, 0, 300};
    for (size_t i = 0; i < 3; i++) {
        arc__lpm_prefix((uint32_t)sizes[i], (uint8_t *)out + at);
        out[at] = i == 1;
        at += ARC_LPM_PREFIX_BYTES;
        for (size_t k = 0; k < sizes[i]; k++)
            out[at++] = (char)('a' + (k + i) % 26);
    }
    return at;
}

static void any_cut_gives_the_same(void)
{
    char bytes[400];
    size_t len = make_stream(bytes);
    struct seen whole = {0};
    for (size_t step = len; step > 0; step--) {
        struct arc_mem mem = arc__mem_default();
        struct arc_lpm lpm;
        arc__lpm_init(&lpm, &mem, 1000);
        struct seen seen = feed(&lpm, arc__slice(bytes, len), step);
        if (step == len)
            whole = seen;
        CHECK_INT(seen.count, 3);
        CHECK_INT(seen.bytes, 303);
        CHECK_INT(seen.sum, whole.sum);
        CHECK_INT(seen.compressed, 1);
        CHECK(!arc__lpm_partial(&lpm));
        arc__lpm_deinit(&lpm);
    }
}

static void a_cut_end_is_seen(void)
{
    char bytes[400];
    size_t len = make_stream(bytes), boundaries = 0;
    for (size_t cut = 0; cut <= len; cut++) {
        struct arc_mem mem = arc__mem_default();
        struct arc_lpm lpm;
        arc__lpm_init(&lpm, &mem, 1000);
        (void)feed(&lpm, arc__slice(bytes, cut), len);
        boundaries += !arc__lpm_partial(&lpm);
        arc__lpm_deinit(&lpm);
    }
    CHECK_INT(boundaries, 4); /* the start and the end of each message */
}

static void a_long_one_is_refused_unread(void)
{
    struct test_mem state = {0};
    struct arc_mem mem = test_mem(&state);
    struct arc_lpm lpm;
    const char huge[] = {0, (char)0xff, (char)0xff, (char)0xff, (char)0xff, 'x'};
    arc__lpm_init(&lpm, &mem, 1000);
    CHECK_STATUS(feed(&lpm, arc__slice(huge, sizeof(huge)), 1).end, ARC_ELIMIT);
    CHECK_INT(state.calls, 0);
    arc__lpm_deinit(&lpm);

    const char just[] = {0, 0, 0, 3, (char)0xe9};
    arc__lpm_init(&lpm, &mem, 1000);
    CHECK_STATUS(feed(&lpm, arc__slice(just, sizeof(just)), 5).end, ARC_ELIMIT);
    arc__lpm_deinit(&lpm);
}

static void a_promise_costs_no_memory(void)
{
    struct test_mem state = {0};
    struct arc_mem mem = test_mem(&state);
    struct arc_lpm lpm;
    const char promise[] = {0, 0, 0x3f, 0, 0, 'x'};
    arc__lpm_init(&lpm, &mem, 4 << 20);
    CHECK_STATUS(feed(&lpm, arc__slice(promise, sizeof(promise)), 6).end, ARC_EAGAIN);
    CHECK(arc__lpm_held_bytes(&lpm) < 4096);
    arc__lpm_deinit(&lpm);
    CHECK_INT(state.live, 0);
}

static void a_strange_flag_is_refused(void)
{
    for (int flag = 2; flag < 256; flag++) {
        struct arc_mem mem = arc__mem_default();
        struct arc_lpm lpm;
        const char bytes[] = {(char)flag, 0, 0, 0, 0};
        arc__lpm_init(&lpm, &mem, 1000);
        CHECK_STATUS(feed(&lpm, arc__slice(bytes, 5), 1).end, ARC_EPROTOCOL);
        arc__lpm_deinit(&lpm);
    }
}

static void no_memory_is_an_answer(void)
{
    char bytes[400];
    size_t len = make_stream(bytes);
    for (uint64_t n = 1;; n++) {
        struct test_mem state = {.fail_at = n};
        struct arc_mem mem = test_mem(&state);
        struct arc_lpm lpm;
        arc__lpm_init(&lpm, &mem, 1000);
        struct seen seen = feed(&lpm, arc__slice(bytes, len), 7);
        arc__lpm_deinit(&lpm);
        CHECK_INT(state.live, 0);
        if (state.calls < n) {
            CHECK_INT(seen.count, 3);
            break;
        }
        CHECK_STATUS(seen.end, ARC_ENOMEM);
    }
}

static const struct test tests[] = {
    {"messages come out the same however the bytes are cut", any_cut_gives_the_same},
    {"a stream that ends inside a message is known to", a_cut_end_is_seen},
    {"a message over the limit is refused by its prefix", a_long_one_is_refused_unread},
    {"a promised length takes no memory before the bytes", a_promise_costs_no_memory},
    {"a flag that is neither 0 nor 1 breaks the stream", a_strange_flag_is_refused},
    {"a message reader without memory says so and leaks nothing", no_memory_is_an_answer},
};
TEST_MAIN(tests)
