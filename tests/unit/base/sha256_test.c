/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

#include "shim.h"

#include <string.h>

#include "base/err.h"

static void the_published_vectors_hold(void)
{
    static const struct {
        const char *text, *hash;
    } vectors[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrl"
         "mnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(vectors); i++) {
        char hex[ARC_SHA256_HEX_LEN + 1];
        arc__sha256_hex(arc__slice_cstr(vectors[i].text), hex);
        CHECK_TEXT(arc__slice_cstr(hex), vectors[i].hash);
    }
}

static void to_hex(const uint8_t hash[ARC_SHA256_LEN], char out[ARC_SHA256_HEX_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < ARC_SHA256_LEN; i++) {
        out[2 * i] = digits[hash[i] / 16];
        out[2 * i + 1] = digits[hash[i] % 16];
    }
    out[ARC_SHA256_HEX_LEN] = '\0';
}

static void a_million_letters_hash_as_published(void)
{
    char block[1000], hex[ARC_SHA256_HEX_LEN + 1];
    uint8_t hash[ARC_SHA256_LEN];
    struct arc_sha256 sha;
    memset(block, 'a', sizeof(block));
    arc__sha256_init(&sha);
    for (int i = 0; i < 1000; i++)
        arc__sha256_add(&sha, arc__slice(block, sizeof(block)));
    arc__sha256_end(&sha, hash);
    to_hex(hash, hex);
    CHECK_TEXT(arc__slice_cstr(hex),
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void every_length_around_the_block_agrees_with_another_library(void)
{
    /* The hash of all hashes of the first 0 to 300 bytes, from Python's hashlib. */
    char bytes[300], hex[ARC_SHA256_HEX_LEN + 1];
    uint8_t hash[ARC_SHA256_LEN];
    struct arc_sha256 all, one;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(unsigned char)(i % 251);
    arc__sha256_init(&all);
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        arc__sha256_init(&one);
        arc__sha256_add(&one, arc__slice(bytes, len));
        arc__sha256_end(&one, hash);
        arc__sha256_add(&all, arc__slice(hash, sizeof(hash)));
    }
    arc__sha256_end(&all, hash);
    to_hex(hash, hex);
    CHECK_TEXT(arc__slice_cstr(hex),
               "b90e35153500e9a471591550ee25a954527c6b4448afff95f7949a2ca93300ce");
}

static void pieces_hash_as_the_whole_does(void)
{
    char bytes[200];
    uint8_t whole[ARC_SHA256_LEN], pieces[ARC_SHA256_LEN];
    struct arc_sha256 sha;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(unsigned char)(i * 7);
    arc__sha256_init(&sha);
    arc__sha256_add(&sha, arc__slice(bytes, sizeof(bytes)));
    arc__sha256_end(&sha, whole);
    for (size_t piece = 1; piece < 140; piece++) {
        arc__sha256_init(&sha);
        arc__sha256_add(&sha, ARC_NONE);
        for (size_t at = 0; at < sizeof(bytes); at += piece) {
            size_t len = sizeof(bytes) - at < piece ? sizeof(bytes) - at : piece;
            arc__sha256_add(&sha, arc__slice(bytes + at, len));
            arc__sha256_add(&sha, ARC_NONE);
        }
        arc__sha256_end(&sha, pieces);
        CHECK(memcmp(whole, pieces, sizeof(whole)) == 0);
    }
}

static void nothing_of_the_input_stays_in_the_state(void)
{
    static const struct arc_sha256 none;
    uint8_t hash[ARC_SHA256_LEN];
    struct arc_sha256 sha;
    arc__sha256_init(&sha);
    arc__sha256_add(&sha, ARC_LIT("a token"));
    arc__sha256_end(&sha, hash);
    CHECK(memcmp(&sha, &none, sizeof(sha)) == 0);
}

static const struct test tests[] = {
    {"the published vectors of SHA-256 hold", the_published_vectors_hold},
    {"a million letters hash as published", a_million_letters_hash_as_published},
    {"every length around the block agrees with another library",
     every_length_around_the_block_agrees_with_another_library},
    {"pieces hash as the whole does", pieces_hash_as_the_whole_does},
    {"nothing of the input stays in the state", nothing_of_the_input_stays_in_the_state},
};
TEST_MAIN(tests)
