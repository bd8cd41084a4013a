/* SPDX-License-Identifier: Apache-2.0 */
/* The form of a line in a log file: a fixed header and the content, one after the other without
 * padding. All numbers are little-endian.
 *
 *    0  4  magic, "ALR1"
 *    4  4  CRC-32C over everything behind it, content included
 *    8  4  bytes of content
 *   12  4  attempt
 *   16  8  time_ns
 *   24  8  agent_line
 *   32  8  gap_lines
 *   40  8  number of the line
 *   48  8  last_agent_line  \ as they are known with this line,
 *   56  4  last_attempt     / so that the last record alone says where to go on
 *   60  2  flags of the line
 *   62  1  stream
 *   63  1  1: the last line of an append
 */
#ifndef ARC_LOGS_RECORD_H
#define ARC_LOGS_RECORD_H

#include "port/log_store.h"

#define ARC_RECORD_HEADER_SIZE 64u
#define ARC_RECORD_SIZE_MAX (ARC_RECORD_HEADER_SIZE + ARC_LOG_LINE_MAX)

struct arc_record {
    struct arc_log_line line; /* content points into what was decoded */
    int64_t last_agent_line;
    uint32_t last_attempt;
    int ends_append;
};

/* Tables of a CRC that takes eight bytes a step. */
struct arc_crc32c {
    uint32_t tables[8][256];
};
void arc__crc32c_init(struct arc_crc32c *crc);
uint32_t arc__crc32c(const struct arc_crc32c *crc, const void *bytes, size_t len);

/* Writes the header; the content, already there, follows it in out. */
void arc__record_encode(const struct arc_crc32c *crc, const struct arc_record *record,
                        unsigned char *out);
/* The size that the header claims; 0: no header, or not of a line. size is what there is. */
size_t arc__record_size(const unsigned char *bytes, size_t size);
/* 1: bytes begin with a whole and unharmed record. */
int arc__record_decode(const struct arc_crc32c *crc, const unsigned char *bytes, size_t size,
                       struct arc_record *out);

void arc__put_le(unsigned char *out, uint64_t value, size_t size);
uint64_t arc__get_le(const unsigned char *bytes, size_t size);

#endif
