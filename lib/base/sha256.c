/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 as FIPS 180-4 says it (sections 4.1.2, 4.2.2, 5.1.1, 5.3.3 and 6.2). */
#include "base/sha256.h"

#include <arcentra/base.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif
#include <string.h>
#if defined(__x86_64__) && defined(__clang__) && __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>
#endif

#include "base/mem.h"

/* The processor's own instructions, where somebody can be asked whether they are there, and has the
 * answer at hand: the compiler, or the C library where clang does not know. */
#if defined(__x86_64__) && defined(__clang__) && defined(CPU_FEATURE_ACTIVE)
#define HAS_SHA_NI (CPU_FEATURE_ACTIVE(SHA) && CPU_FEATURE_ACTIVE(SSE4_1))
#define UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define HAS_SHA_NI (__builtin_cpu_supports("sha") && __builtin_cpu_supports("sse4.1"))
#define UNROLL _Pragma("GCC unroll 16")
#endif

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

/* Eight rounds with the names moved instead of the values. */
#define ROUND(a, b, c, d, e, f, g, h, t) \
    do { \
        uint32_t one = (h) + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + \
                       ((g) ^ ((e) & ((f) ^ (g)))) + constants[t] + w[(t) % 16]; \
        uint32_t two = \
            (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + (((a) & (b)) | ((c) & ((a) | (b)))); \
        (d) += one; \
        (h) = one + two; \
    } while (0)

static void eight_rounds(uint32_t s[8], const uint32_t w[16], int t)
{
    uint32_t a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];
    ROUND(a, b, c, d, e, f, g, h, t);
    ROUND(h, a, b, c, d, e, f, g, t + 1);
    ROUND(g, h, a, b, c, d, e, f, t + 2);
    ROUND(f, g, h, a, b, c, d, e, t + 3);
    ROUND(e, f, g, h, a, b, c, d, t + 4);
    ROUND(d, e, f, g, h, a, b, c, t + 5);
    ROUND(c, d, e, f, g, h, a, b, t + 6);
    ROUND(b, c, d, e, f, g, h, a, t + 7);
    s[0] = a, s[1] = b, s[2] = c, s[3] = d, s[4] = e, s[5] = f, s[6] = g, s[7] = h;
}

static void next_words(uint32_t w[16])
{
    for (int t = 0; t < 16; t++) {
        uint32_t x = w[(t + 1) % 16], y = w[(t + 14) % 16];
        uint32_t a = rotate(x, 7) ^ rotate(x, 18) ^ x >> 3;
        uint32_t b = rotate(y, 17) ^ rotate(y, 19) ^ y >> 10;
        w[t] += a + w[(t + 9) % 16] + b;
    }
}

static void compress_plain(uint32_t state[8], const uint8_t *block, size_t count)
{
    for (; count > 0; count--, block += 64) {
        uint32_t w[16], s[8];
        memcpy(s, state, sizeof(s));
        for (int t = 0; t < 16; t++)
            w[t] = load(block + 4 * t);
        for (int t = 0; t < 64; t += 16) {
            if (t > 0)
                next_words(w);
            eight_rounds(s, w, t);
            eight_rounds(s, w, t + 8);
        }
        for (int i = 0; i < 8; i++)
            state[i] += s[i];
    }
}

#ifdef HAS_SHA_NI

/* The instructions want the state as (a b e f) and (c d g h), and do four rounds in two halves. */
__attribute__((target("sha,sse4.1"))) static void
compress_native(uint32_t state[8], const uint8_t *block, size_t count)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i abcd = _mm_loadu_si128((const __m128i *)(const void *)state);
    __m128i efgh = _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
    __m128i badc = _mm_shuffle_epi32(abcd, 0xb1), hgfe = _mm_shuffle_epi32(efgh, 0x1b);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
    for (; count > 0; count--, block += 64) {
        __m128i m[4], start_abef = abef, start_cdgh = cdgh;
        for (int i = 0; i < 4; i++)
            m[i] = _mm_shuffle_epi8(
                _mm_loadu_si128((const __m128i *)(const void *)(block + (size_t)16 * (size_t)i)),
                swap);
        UNROLL
        for (int i = 0; i < 16; i++) {
            __m128i words = m[i % 4];
            if (i >= 4) {
                __m128i last = m[(i + 3) % 4];
                words = _mm_sha256msg1_epu32(words, m[(i + 1) % 4]);
                words = _mm_add_epi32(words, _mm_alignr_epi8(last, m[(i + 2) % 4], 4));
                words = _mm_sha256msg2_epu32(words, last);
                m[i % 4] = words;
            }
            __m128i sum = _mm_add_epi32(
                words, _mm_loadu_si128((const __m128i *)(const void *)(constants + 4 * i)));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
        }
        abef = _mm_add_epi32(abef, start_abef);
        cdgh = _mm_add_epi32(cdgh, start_cdgh);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

#endif

static void compress(uint32_t state[8], const uint8_t *blocks, size_t count)
{
#ifdef HAS_SHA_NI
    if (HAS_SHA_NI) {
        compress_native(state, blocks, count);
        return;
    }
#endif
    compress_plain(state, blocks, count);
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
        compress(sha->state, sha->block, 1);
        p += part;
        left -= part;
    }
    compress(sha->state, p, left / 64);
    p += left / 64 * 64;
    if (left % 64 > 0)
        memcpy(sha->block, p, left % 64);
}

void arc__sha256_end(struct arc_sha256 *sha, uint8_t out[ARC_SHA256_LEN])
{
    size_t filled = (size_t)(sha->total_bytes % 64);
    uint64_t bits = sha->total_bytes * 8;
    sha->block[filled++] = 0x80;
    if (filled > 56) {
        memset(sha->block + filled, 0, 64 - filled);
        compress(sha->state, sha->block, 1);
        filled = 0;
    }
    memset(sha->block + filled, 0, 56 - filled);
    store(sha->block + 56, (uint32_t)(bits >> 32));
    store(sha->block + 60, (uint32_t)bits);
    compress(sha->state, sha->block, 1);
    for (int i = 0; i < 8; i++)
        store(out + 4 * i, sha->state[i]);
    arc__wipe(sha, sizeof(*sha)); /* what was hashed may have been a secret */
}

void arc__sha256_hex(arc_slice bytes, char out[ARC_SHA256_HEX_LEN + 1])
{
    struct arc_sha256 sha;
    arc__sha256_init(&sha);
    arc__sha256_add(&sha, bytes);
    arc__sha256_end_hex(&sha, out);
}

void arc__sha256_end_hex(struct arc_sha256 *sha, char out[ARC_SHA256_HEX_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t hash[ARC_SHA256_LEN];
    arc__sha256_end(sha, hash);
    for (size_t i = 0; i < ARC_SHA256_LEN; i++) {
        out[2 * i] = digits[hash[i] >> 4];
        out[2 * i + 1] = digits[hash[i] & 15];
    }
    out[ARC_SHA256_HEX_LEN] = '\0';
}
