/* SPDX-License-Identifier: Apache-2.0 */
/* What base costs: hashing, checking and escaping text, maps, timers. */
#include <stdio.h>

#include "base/heap.h"
#include "base/json.h"
#include "base/map.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/ulid.h"

#include "bench.h"

#define BLOCK_BYTES 65536
#define KEYS 10000
#define TIMERS 10000
#define MB 1e6

static char block[BLOCK_BYTES];

/* Lines of a build log: mostly ASCII, some of it not, a quote now and then. */
static arc_slice text(void)
{
    static const char line[] =
        "  CC       lib/base/text.lo \"warning\": größer als nötig → gekürzt\n";
    for (size_t at = 0; at + sizeof(line) <= sizeof(block); at += sizeof(line) - 1)
        arc__slice_to_cstr(arc__slice_cstr(line), block + at, sizeof(line));
    return arc__slice_cstr(block);
}

static double sha256(uint64_t rounds)
{
    char hex[ARC_SHA256_HEX_LEN + 1];
    arc_slice bytes = text();
    for (uint64_t i = 0; i < rounds; i++) {
        arc__sha256_hex(bytes, hex);
        bench_sink += (uint8_t)hex[0];
    }
    return (double)rounds * (double)bytes.len / MB;
}

static double utf8(uint64_t rounds)
{
    arc_slice bytes = text();
    for (uint64_t i = 0; i < rounds; i++)
        bench_sink += (uint64_t)arc__utf8_valid(bytes, NULL);
    return (double)rounds * (double)bytes.len / MB;
}

static double json_text(uint64_t rounds)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_buf out;
    struct arc_json json;
    arc_slice bytes = text();
    arc__buf_init(&out, &mem, 8 * (size_t)BLOCK_BYTES);
    for (uint64_t i = 0; i < rounds; i++) {
        arc__buf_clear(&out);
        arc__json_init(&json, &out);
        arc__json_text(&json, bytes);
        bench_sink += out.len;
    }
    int failed = out.failed != ARC_OK;
    arc__buf_deinit(&out);
    return failed ? -1 : (double)rounds * (double)bytes.len / MB;
}

static int fixed_random(void *user, void *buf, size_t len)
{
    (void)user;
    memset(buf, 7, len);
    return 0;
}

static double ulids(uint64_t rounds)
{
    struct arc_ulid_gen gen = {.random = fixed_random};
    arc_id id;
    for (uint64_t i = 0; i < rounds; i++) {
        if (arc__ulid_next(&gen, 1700000000000u + i / 1000, &id, NULL) != ARC_OK)
            return -1;
        bench_sink += (uint8_t)id.text[25];
    }
    return (double)rounds;
}

static double map_get(uint64_t rounds)
{
    struct arc_mem mem = arc__mem_default();
    struct arc_map map;
    static char keys[KEYS][24];
    int failed = 0;
    arc__map_init(&map, &mem, 1, 2);
    for (size_t i = 0; i < KEYS; i++) {
        snprintf(keys[i], sizeof(keys[i]), "run-%zu", i * 7919);
        failed |= arc__map_put(&map, arc__slice_cstr(keys[i]), keys[i], NULL, NULL) != ARC_OK;
    }
    for (uint64_t i = 0; i < rounds; i++)
        bench_sink += arc__map_get(&map, arc__slice_cstr(keys[i % KEYS])) != NULL;
    arc__map_deinit(&map);
    return failed ? -1 : (double)rounds;
}

static double timers(uint64_t rounds)
{
    static struct arc_timer timer[TIMERS];
    struct arc_mem mem = arc__mem_default();
    struct arc_heap heap;
    int failed = 0;
    arc__heap_init(&heap, &mem);
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t deadline = i * UINT64_C(2654435761) % 1000003;
        failed |= arc__heap_arm(&heap, &timer[i % TIMERS], deadline, NULL) != ARC_OK;
    }
    for (size_t i = 0; i < TIMERS; i++)
        arc__heap_disarm(&heap, &timer[i]);
    arc__heap_deinit(&heap);
    return failed ? -1 : (double)rounds;
}

static const struct bench rows[] = {
    {"base: SHA-256", "MB", sha256},
    {"base: check UTF-8", "MB", utf8},
    {"base: text as JSON", "MB", json_text},
    {"base: ULIDs", "ids", ulids},
    {"base: look up one of 10,000 keys", "keys", map_get},
    {"base: move one of 10,000 timers", "timers", timers},
};

BENCH_MAIN(rows)
