/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite_page.h"

#include <endian.h>
#include <string.h>

#define SEALED_BYTES (ARC_SQLITE_PAGE_BYTES - ARC_SQLITE_SEAL_BYTES)
#define LANES 4
#define LANE_ODD UINT64_C(0x9fb21c651e98df25)
#define JOIN_ODD UINT64_C(0xd6e8feb86659fd93)

static const uint8_t name_of_seal[4] = {'A', 'R', 'C', '1'};

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return le64toh(word);
}

static uint64_t turned(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

/* Each step can be undone, given the other value, so no two words lead to the same. */
static uint64_t mixed(uint64_t lane, uint64_t word)
{
    return turned((lane ^ word) * LANE_ODD, 29);
}

uint64_t arc__sqlite_page_sum(uint32_t number, const uint8_t *bytes, size_t len)
{
    uint64_t lanes[LANES] = {number, len, LANE_ODD, JOIN_ODD};
    size_t at = 0;
    for (; at + 8 * LANES <= len; at += 8 * LANES) {
        for (size_t i = 0; i < LANES; i++)
            lanes[i] = mixed(lanes[i], word_at(bytes + at + 8 * i));
    }
    for (size_t i = 0; at < len; i++) {
        uint8_t last[8] = {0};
        size_t part = len - at < 8 ? len - at : 8;
        memcpy(last, bytes + at, part);
        lanes[i] = mixed(lanes[i], word_at(last));
        at += part;
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < LANES; i++) {
        sum = (sum ^ lanes[i]) * JOIN_ODD;
        sum ^= sum >> 32;
    }
    return sum;
}

void arc__sqlite_page_seal(uint32_t number, uint8_t *page)
{
    uint64_t sum = htole64(arc__sqlite_page_sum(number, page, SEALED_BYTES));
    memcpy(page + SEALED_BYTES, &sum, sizeof(sum));
    memcpy(page + SEALED_BYTES + sizeof(sum), name_of_seal, sizeof(name_of_seal));
}

enum arc_sqlite_seal arc__sqlite_page_check(uint32_t number, const uint8_t *page)
{
    static const uint8_t none[ARC_SQLITE_SEAL_BYTES];
    const uint8_t *seal = page + SEALED_BYTES;
    if (memcmp(seal, none, sizeof(none)) == 0)
        return ARC_SEAL_NONE;
    if (memcmp(seal + 8, name_of_seal, sizeof(name_of_seal)) != 0 ||
        word_at(seal) != arc__sqlite_page_sum(number, page, SEALED_BYTES))
        return ARC_SEAL_WRONG;
    return ARC_SEAL_RIGHT;
}

void arc__sqlite_wal_sum(int big_endian, const uint8_t *bytes, size_t len, uint32_t sums[2])
{
    uint32_t first = sums[0], second = sums[1];
    for (size_t at = 0; at + 8 <= len; at += 8) {
        uint32_t words[2];
        memcpy(words, bytes + at, sizeof(words));
        first += (big_endian ? be32toh(words[0]) : le32toh(words[0])) + second;
        second += (big_endian ? be32toh(words[1]) : le32toh(words[1])) + first;
    }
    sums[0] = first;
    sums[1] = second;
}
