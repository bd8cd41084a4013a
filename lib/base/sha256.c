/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 as FIPS 180-4 says it (sections 4.1.2, 4.2.2, 5.1.1, 5.3.3 and 6.2). */
#include "base/sha256.h"

#include <arcentra/base.h>

#include <string.h>

#include "base/mem.h"

/* clang-format off */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
/* clang-format on */

static uint32_t rotate(uint32_t x, unsigned bits)
{
    return x >> bits | x << (32 - bits);
}

static uint32_t load(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store(uint8_t *p, uint32_t word)
{
    p[0] = (uint8_t)(word >> 24);
    p[1] = (uint8_t)(word >> 16);
    p[2] = (uint8_t)(word >> 8);
    p[3] = (uint8_t)word;
}

static void compress(uint32_t state[8], const uint8_t *block)
{
    uint32_t w[64], s[8];
    for (int t = 0; t < 16; t++)
        w[t] = load(block + 4 * t);
    for (int t = 16; t < 64; t++) {
        uint32_t a = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t b = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = w[t - 16] + a + w[t - 7] + b;
    }
    memcpy(s, state, sizeof(s));
    for (int t = 0; t < 64; t++) {
        uint32_t e = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
        uint32_t choose = (s[4] & s[5]) ^ (~s[4] & s[6]);
        uint32_t one = s[7] + e + choose + constants[t] + w[t];
        uint32_t a = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
        uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
        uint32_t two = a + majority;
        s[7] = s[6];
        s[6] = s[5];
        s[5] = s[4];
        s[4] = s[3] + one;
        s[3] = s[2];
        s[2] = s[1];
        s[1] = s[0];
        s[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

void arc__sha256_init(struct arc_sha256 *sha)
{
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memset(sha, 0, sizeof(*sha));
    memcpy(sha->state, first, sizeof(first));
}

void arc__sha256_add(struct arc_sha256 *sha, arc_slice bytes)
{
    const uint8_t *p = (const uint8_t *)bytes.ptr;
    size_t left = bytes.len;
    size_t filled = (size_t)(sha->total_bytes % 64);
    sha->total_bytes += left;
    if (filled > 0) {
        size_t part = left < 64 - filled ? left : 64 - filled;
        if (part > 0)
            memcpy(sha->block + filled, p, part);
        if (filled + part < 64)
            return;
        compress(sha->state, sha->block);
        p += part;
        left -= part;
    }
    for (; left >= 64; left -= 64, p += 64)
        compress(sha->state, p);
    if (left > 0)
        memcpy(sha->block, p, left);
}

void arc__sha256_end(struct arc_sha256 *sha, uint8_t out[ARC_SHA256_LEN])
{
    size_t filled = (size_t)(sha->total_bytes % 64);
    uint64_t bits = sha->total_bytes * 8;
    sha->block[filled++] = 0x80;
    if (filled > 56) {
        memset(sha->block + filled, 0, 64 - filled);
        compress(sha->state, sha->block);
        filled = 0;
    }
    memset(sha->block + filled, 0, 56 - filled);
    store(sha->block + 56, (uint32_t)(bits >> 32));
    store(sha->block + 60, (uint32_t)bits);
    compress(sha->state, sha->block);
    for (int i = 0; i < 8; i++)
        store(out + 4 * i, sha->state[i]);
    arc__wipe(sha, sizeof(*sha)); /* what was hashed may have been a secret */
}

void arc__sha256_hex(arc_slice bytes, char out[ARC_SHA256_HEX_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    struct arc_sha256 sha;
    uint8_t hash[ARC_SHA256_LEN];
    arc__sha256_init(&sha);
    arc__sha256_add(&sha, bytes);
    arc__sha256_end(&sha, hash);
    for (size_t i = 0; i < ARC_SHA256_LEN; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
    out[ARC_SHA256_HEX_LEN] = '\0';
}
