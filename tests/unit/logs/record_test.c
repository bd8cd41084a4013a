/* SPDX-License-Identifier: Apache-2.0 */
/* The form on disk, byte for byte: files of this version must be readable by all later ones. */
#include "logs/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "shim.h"

static const struct arc_record sample = {
    .line =
        {
            .number = 0x0102030405060708,
            .time_ns = -2,
            .agent_line = 0x1112131415161718,
            .gap_lines = 3,
            .attempt = 0xa1a2a3a4,
            .stream = ARC_LOG_STDERR,
            .flags = ARC_LOG_FLAG_GAP | ARC_LOG_FLAG_SPLIT,
            .content = {"hello", 5},
        },
    .last_agent_line = 0x2122232425262728,
    .last_attempt = 0xb1b2b3b4,
    .ends_append = 1,
};

/* clang-format off */
static const unsigned char bytes[] = {
    'A', 'L', 'R', '1', 0, 0, 0, 0 /* CRC, by the case */,
    5, 0, 0, 0, 0xa4, 0xa3, 0xa2, 0xa1,
    0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11,
    3, 0, 0, 0, 0, 0, 0, 0,
    0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,
    0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21,
    0xb4, 0xb3, 0xb2, 0xb1, 5, 0, 2, 1,
    'h', 'e', 'l', 'l', 'o',
};
/* clang-format on */

/* Bit by bit, from the definition. */
static uint32_t slow_crc32c(const unsigned char *from, size_t len)
{
    uint32_t value = 0xffffffffu;
    for (size_t i = 0; i < len; i++) {
        value ^= from[i];
        for (int bit = 0; bit < 8; bit++)
            value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0);
    }
    return ~value;
}

static void crc_is_castagnolis(void)
{
    struct arc_crc32c crc;
    arc__crc32c_init(&crc);
    CHECK_INT(arc__crc32c(&crc, "123456789", 9), 0xe3069283u); /* the check value of CRC-32C */
    CHECK_INT(arc__crc32c(&crc, "", 0), 0);
    unsigned char text[70];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (unsigned char)(i * 37 + 200);
    for (size_t len = 0; len <= sizeof(text); len++)
        CHECK_INT(arc__crc32c(&crc, text, len), slow_crc32c(text, len));
}

static void a_record_has_its_form(void)
{
    struct arc_crc32c crc;
    unsigned char out[sizeof(bytes)], want[sizeof(bytes)];
    struct arc_record back;
    arc__crc32c_init(&crc);
    memcpy(want, bytes, sizeof(bytes));
    arc__put_le(want + 4, slow_crc32c(bytes + 8, sizeof(bytes) - 8), 4);
    memcpy(out + ARC_RECORD_HEADER_SIZE, "hello", 5);
    arc__record_encode(&crc, &sample, out);
    CHECK(memcmp(out, want, sizeof(want)) == 0);
    CHECK_INT(arc__record_decode(&crc, want, sizeof(want), &back), 1);
    CHECK_TEXT(back.line.content, "hello");
    CHECK_INT(back.line.number, sample.line.number);
    CHECK_INT(back.line.time_ns, sample.line.time_ns);
    CHECK_INT(back.line.agent_line, sample.line.agent_line);
    CHECK_INT(back.line.gap_lines, sample.line.gap_lines);
    CHECK_INT(back.line.attempt, sample.line.attempt);
    CHECK_INT(back.line.stream, sample.line.stream);
    CHECK_INT(back.line.flags, sample.line.flags);
    CHECK_INT(back.last_agent_line, sample.last_agent_line);
    CHECK_INT(back.last_attempt, sample.last_attempt);
    CHECK_INT(back.ends_append, 1);
}

static void broken_records_are_refused(void)
{
    struct arc_crc32c crc;
    struct arc_record back;
    arc__crc32c_init(&crc);
    for (size_t len = 0; len < sizeof(bytes); len++) { /* torn at every byte */
        unsigned char *torn = malloc(len + 1);         /* so that an overrun is seen */
        memcpy(torn, bytes, len);
        if (len >= 8)
            arc__put_le(torn + 4, slow_crc32c(bytes + 8, sizeof(bytes) - 8), 4);
        CHECK_INT(arc__record_decode(&crc, torn, len, &back), 0);
        free(torn);
    }
    for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) { /* any one bit turned */
        unsigned char turned[sizeof(bytes)];
        memcpy(turned, bytes, sizeof(bytes));
        arc__put_le(turned + 4, slow_crc32c(bytes + 8, sizeof(bytes) - 8), 4);
        turned[bit / 8] = (unsigned char)(turned[bit / 8] ^ (1u << bit % 8));
        CHECK_INT(arc__record_decode(&crc, turned, sizeof(turned), &back), 0);
    }
    unsigned char longer[sizeof(bytes)];
    memcpy(longer, bytes, sizeof(bytes));
    arc__put_le(longer + 8, ARC_LOG_LINE_MAX + 1, 4); /* longer than a line may be */
    CHECK_INT(arc__record_size(longer, sizeof(longer)), 0);
}

static const struct test tests[] = {
    {"the checksum is CRC-32C", crc_is_castagnolis},
    {"a record has its form, byte for byte", a_record_has_its_form},
    {"a torn or turned record is refused", broken_records_are_refused},
};

TEST_MAIN(tests)
