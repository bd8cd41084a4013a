/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of pages. A sealed page of the database ends with twelve bytes that SQLite leaves alone
 * (byte 20 of the header says so): a 64-bit sum over the page's number and its other bytes, and
 * "ARC1", both little-endian. All twelve zero: a page that another program wrote, with no seal.
 *
 * What must stay true: any change of a sealed page within eight bytes changes the sum for certain;
 * any other change keeps it with a chance of 2^-64. */
#ifndef ARC_STORE_SQLITE_PAGE_H
#define ARC_STORE_SQLITE_PAGE_H

#include <stddef.h>
#include <stdint.h>

#define ARC_SQLITE_PAGE_BYTES 4096u /* of every file that is made here */
#define ARC_SQLITE_SEAL_BYTES 12u

enum arc_sqlite_seal {
    ARC_SEAL_RIGHT,
    ARC_SEAL_NONE,  /* of another program; unknown whether it is right */
    ARC_SEAL_WRONG, /* damaged, of another place, or changed by another program */
};

/* len: a multiple of four. */
uint64_t arc__sqlite_page_sum(uint32_t number, const uint8_t *bytes, size_t len);
void arc__sqlite_page_seal(uint32_t number, uint8_t *page);
enum arc_sqlite_seal arc__sqlite_page_check(uint32_t number, const uint8_t *page);

/* The running checksum of SQLite's WAL (two words, over pairs of words in the order of bytes that
 * the log's magic number says), as its file format defines it. */
void arc__sqlite_wal_sum(int big_endian, const uint8_t *bytes, size_t len, uint32_t sums[2]);

#endif
