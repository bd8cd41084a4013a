/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ulid.h"

#include "shim.h"

#include <string.h>

/* Answers bytes that are known, and counts. */
struct source {
    uint8_t byte;
    int calls;
    int failing;
};

static int fill(void *user, void *buf, size_t len)
{
    struct source *source = user;
    source->calls++;
    if (source->failing)
        return -1;
    memset(buf, source->byte, len);
    return 0;
}

static struct arc_ulid_gen open_gen(struct source *source)
{
    return (struct arc_ulid_gen){.user = source, .random = fill};
}

static void the_text_is_crockfords_base32_of_time_and_randomness(void)
{
    static const struct {
        uint64_t ms;
        uint8_t byte;
        const char *text;
    } known[] = {
        /* The time of the specification's example, 01ARZ3NDEK. */
        {1469922850259, 0xFF, "01ARZ3NDEKZZZZZZZZZZZZZZZZ"},
        {1469922850259, 0x84, "01ARZ3NDEKGJ289144GJ289144"},
        {1, 0x01, "0000000001040G2081040G2081"},
        {(UINT64_C(1) << 48) - 1, 0xFF, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(known); i++) {
        struct source source = {.byte = known[i].byte};
        struct arc_ulid_gen gen = open_gen(&source);
        arc_id id = {{0}};
        CHECK_OK(arc__ulid_next(&gen, known[i].ms, &id, NULL));
        CHECK_TEXT(arc__id_slice(&id), known[i].text);
        CHECK_INT(strlen(id.text), ARC_ULID_LEN);
    }
}

static void ids_rise_within_one_millisecond_and_when_time_goes_back(void)
{
    struct source source = {.byte = 0x7F};
    struct arc_ulid_gen gen = open_gen(&source);
    arc_id last = {{0}}, id = {{0}};
    uint64_t ms = 1700000000000;
    for (int i = 0; i < 5000; i++) {
        uint64_t given = i % 7 == 3 ? ms - 1000 : ms;
        CHECK_OK(arc__ulid_next(&gen, given, &id, NULL));
        CHECK(strcmp(last.text, id.text) < 0);
        last = id;
        ms += i % 100 == 0;
    }
    CHECK(source.calls <= 51); /* one for each millisecond, none while counting */
}

static void counting_through_goes_on_to_the_next_millisecond(void)
{
    struct source source = {.byte = 0xFF};
    struct arc_ulid_gen gen = open_gen(&source);
    arc_id first = {{0}}, second = {{0}}, third = {{0}};
    CHECK_OK(arc__ulid_next(&gen, 1469922850259, &first, NULL));
    source.byte = 0;
    CHECK_OK(arc__ulid_next(&gen, 1469922850259, &second, NULL));
    CHECK_TEXT(arc__id_slice(&second), "01ARZ3NDEM0000000000000000");
    source.byte = 1;
    CHECK_OK(arc__ulid_next(&gen, 1469922850259, &third, NULL));
    CHECK(strcmp(second.text, third.text) < 0);
}

static void without_entropy_there_is_no_id(void)
{
    struct source source = {.failing = 1};
    struct arc_ulid_gen gen = open_gen(&source);
    arc_err err = ARC_ERR_INIT;
    arc_id id = {"untouched"};
    CHECK_STATUS(arc__ulid_next(&gen, 1000, &id, &err), ARC_EINTERNAL);
    CHECK_INT(err.status, ARC_EINTERNAL);
    CHECK_TEXT(arc__id_slice(&id), "untouched");
    CHECK_INT(gen.last_ms, 0);
    source = (struct source){.byte = 9};
    CHECK_OK(arc__ulid_next(&gen, 1000, &id, NULL));
    arc_id next = {{0}};
    source.failing = 1;
    CHECK_OK(arc__ulid_next(&gen, 1000, &next, NULL)); /* counting needs none */
    CHECK(strcmp(id.text, next.text) < 0);
}

static void the_first_id_is_random_even_at_time_zero(void)
{
    struct source source = {.byte = 0x55};
    struct arc_ulid_gen gen = open_gen(&source);
    arc_id id = {{0}};
    CHECK_OK(arc__ulid_next(&gen, 0, &id, NULL));
    CHECK_INT(source.calls, 1);
    CHECK_TEXT(arc__id_slice(&id), "0000000000ANANANANANANANAN");
}

static void a_time_beyond_48_bits_is_refused(void)
{
    struct source source = {.byte = 0xFF};
    struct arc_ulid_gen gen = open_gen(&source);
    arc_id id = {"untouched"};
    CHECK_STATUS(arc__ulid_next(&gen, UINT64_C(1) << 48, &id, NULL), ARC_EINVAL);
    CHECK_TEXT(arc__id_slice(&id), "untouched");
    CHECK_OK(arc__ulid_next(&gen, (UINT64_C(1) << 48) - 1, &id, NULL));
    CHECK_STATUS(arc__ulid_next(&gen, 5, &id, NULL), ARC_EINVAL); /* the very last one is given */
}

static void ids_of_the_contract_are_told_from_others(void)
{
    char text[130];
    memset(text, 'a', sizeof(text));
    for (size_t len = 0; len <= sizeof(text); len++)
        CHECK_INT(arc__id_valid(arc__slice(text, len)), len >= 1 && len <= 128);
    for (unsigned byte = 0; byte < 256; byte++) {
        static const char good[] =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
        char c = (char)(unsigned char)byte;
        CHECK_INT(arc__id_valid(arc__slice(&c, 1)), memchr(good, c, sizeof(good) - 1) != NULL);
        text[7] = c;
        CHECK_INT(arc__id_valid(arc__slice(text, 9)), memchr(good, c, sizeof(good) - 1) != NULL);
    }
    CHECK(!arc__id_valid(ARC_NONE));
}

static const struct test tests[] = {
    {"an id is Crockford's base 32 of time and randomness",
     the_text_is_crockfords_base32_of_time_and_randomness},
    {"ids rise within one millisecond and when time goes back",
     ids_rise_within_one_millisecond_and_when_time_goes_back},
    {"counting through goes on to the next millisecond",
     counting_through_goes_on_to_the_next_millisecond},
    {"without entropy there is no id", without_entropy_there_is_no_id},
    {"the first id is random even at time zero", the_first_id_is_random_even_at_time_zero},
    {"a time beyond 48 bits is refused", a_time_beyond_48_bits_is_refused},
    {"ids of the contract are told from others", ids_of_the_contract_are_told_from_others},
};
TEST_MAIN(tests)
