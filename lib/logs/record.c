/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/record.h"

#define MAGIC 0x31524c41u /* "ALR1" */
#define POLYNOMIAL 0x82f63b78u

void arc__put_le(unsigned char *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (unsigned char)(value >> (8 * i));
}

uint64_t arc__get_le(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

void arc__crc32c_init(struct arc_crc32c *crc)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = (value >> 1) ^ ((value & 1) != 0 ? POLYNOMIAL : 0);
        crc->tables[0][i] = value;
    }
    for (uint32_t i = 0; i < 256; i++) {
        for (int t = 1; t < 8; t++) {
            uint32_t before = crc->tables[t - 1][i];
            crc->tables[t][i] = (before >> 8) ^ crc->tables[0][before & 0xff];
        }
    }
}

uint32_t arc__crc32c(const struct arc_crc32c *crc, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    uint32_t value = 0xffffffffu;
    for (; len >= 8; at += 8, len -= 8) {
        uint32_t low = value ^ (uint32_t)arc__get_le(at, 4);
        value = crc->tables[7][low & 0xff] ^ crc->tables[6][(low >> 8) & 0xff] ^
                crc->tables[5][(low >> 16) & 0xff] ^ crc->tables[4][low >> 24] ^
                crc->tables[3][at[4]] ^ crc->tables[2][at[5]] ^ crc->tables[1][at[6]] ^
                crc->tables[0][at[7]];
    }
    for (; len > 0; at++, len--)
        value = (value >> 8) ^ crc->tables[0][(value ^ *at) & 0xff];
    return value ^ 0xffffffffu;
}

void arc__record_encode(const struct arc_crc32c *crc, const struct arc_record *record,
                        unsigned char *out)
{
    const struct arc_log_line *line = &record->line;
    arc__put_le(out, MAGIC, 4);
    arc__put_le(out + 8, line->content.len, 4);
    arc__put_le(out + 12, line->attempt, 4);
    arc__put_le(out + 16, (uint64_t)line->time_ns, 8);
    arc__put_le(out + 24, (uint64_t)line->agent_line, 8);
    arc__put_le(out + 32, (uint64_t)line->gap_lines, 8);
    arc__put_le(out + 40, (uint64_t)line->number, 8);
    arc__put_le(out + 48, (uint64_t)record->last_agent_line, 8);
    arc__put_le(out + 56, record->last_attempt, 4);
    arc__put_le(out + 60, line->flags, 2);
    arc__put_le(out + 62, line->stream, 1);
    arc__put_le(out + 63, record->ends_append != 0, 1);
    size_t checked = ARC_RECORD_HEADER_SIZE - 8 + line->content.len;
    arc__put_le(out + 4, arc__crc32c(crc, out + 8, checked), 4);
}

size_t arc__record_size(const unsigned char *bytes, size_t size)
{
    if (size < ARC_RECORD_HEADER_SIZE || arc__get_le(bytes, 4) != MAGIC)
        return 0;
    uint64_t len = arc__get_le(bytes + 8, 4);
    return len <= ARC_LOG_LINE_MAX ? ARC_RECORD_HEADER_SIZE + (size_t)len : 0;
}

int arc__record_decode(const struct arc_crc32c *crc, const unsigned char *bytes, size_t size,
                       struct arc_record *out)
{
    size_t whole = arc__record_size(bytes, size);
    if (whole == 0 || whole > size ||
        arc__crc32c(crc, bytes + 8, whole - 8) != (uint32_t)arc__get_le(bytes + 4, 4))
        return 0;
    *out = (struct arc_record){
        .line =
            {
                .number = (int64_t)arc__get_le(bytes + 40, 8),
                .time_ns = (int64_t)arc__get_le(bytes + 16, 8),
                .agent_line = (int64_t)arc__get_le(bytes + 24, 8),
                .gap_lines = (int64_t)arc__get_le(bytes + 32, 8),
                .attempt = (uint32_t)arc__get_le(bytes + 12, 4),
                .stream = bytes[62],
                .flags = (uint32_t)arc__get_le(bytes + 60, 2),
                .content =
                    arc__slice(bytes + ARC_RECORD_HEADER_SIZE, whole - ARC_RECORD_HEADER_SIZE),
            },
        .last_agent_line = (int64_t)arc__get_le(bytes + 48, 8),
        .last_attempt = (uint32_t)arc__get_le(bytes + 56, 4),
        .ends_append = bytes[63] != 0,
    };
    return 1;
}
