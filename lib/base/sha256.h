/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4). Our own, because core and engine use no third-party header and a build
 * without gRPC has no OpenSSL; docs/decisions says more. */
#ifndef ARC_BASE_SHA256_H
#define ARC_BASE_SHA256_H

#include "base/slice.h"

#define ARC_SHA256_LEN 32
#define ARC_SHA256_HEX_LEN 64

struct arc_sha256 {
    uint32_t state[8];
    uint64_t total_bytes;
    uint8_t block[64];
};

void arc__sha256_init(struct arc_sha256 *sha);
void arc__sha256_add(struct arc_sha256 *sha, arc_slice bytes);
void arc__sha256_end(struct arc_sha256 *sha, uint8_t out[ARC_SHA256_LEN]);
/* The end as lower-case hex with a NUL. */
void arc__sha256_end_hex(struct arc_sha256 *sha, char out[ARC_SHA256_HEX_LEN + 1]);
/* All at once, as lower-case hex with a NUL. */
void arc__sha256_hex(arc_slice bytes, char out[ARC_SHA256_HEX_LEN + 1]);

#endif
