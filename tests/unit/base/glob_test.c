/* SPDX-License-Identifier: Apache-2.0 */
#include "base/glob.h"

#include "shim.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

static int match(const char *pattern, const char *text)
{
    return arc__glob_match(arc__slice_cstr(pattern), arc__slice_cstr(text));
}

static void known_pairs_match_or_do_not(void)
{
    static const struct {
        const char *pattern, *text;
        int matches;
    } pairs[] = {
        {"", "", 1},
        {"", "a", 0},
        {"a", "", 0},
        {"main", "main", 1},
        {"main", "main2", 0},
        {"*", "", 1},
        {"*", "main", 1},
        {"*", "release/1", 0},
        {"release/*", "release/1.2", 1},
        {"release/*", "release/1/2", 0},
        {"release/**", "release/1/2", 1},
        {"release/**", "release", 0},
        {"**", "", 1},
        {"**", "any/thing/at/all", 1},
        {"**/x", "x", 1},
        {"**/x", "a/b/x", 1},
        {"**/x", "ax", 0},
        {"a/**/b", "a/b", 1},
        {"a/**/b", "a/x/b", 1},
        {"a/**/b", "a/x/y/b", 1},
        {"a/**/b", "ab", 0},
        {"a/**/b", "a/xb", 0},
        {"a/**/**/b", "a/b", 1},
        {"a/***/b", "a/b", 1},
        {"a**b", "a/x/b", 1},
        {"a**/b", "a/x/b", 1},
        {"a**/b", "ab", 0},
        {"**.c", "lib/base/glob.c", 1},
        {"*.c", "lib/glob.c", 0},
        {"**/*.c", "lib/base/glob.c", 1},
        {"**/*.c", "glob.c", 1},
        {"**/*.c", "lib/glob.h", 0},
        {"?", "a", 1},
        {"?", "\xC3\xA9", 1},
        {"?", "\xF0\x9F\x98\x80", 1},
        {"??", "\xF0\x9F\x98\x80", 0},
        {"*?", "\xE2\x82\xAC", 1},
        {"*??", "\xE2\x82\xAC", 0},
        {"?\xC3\xA9?", "\xE2\x82\xAC\xC3\xA9z", 1},
        {"?", "/", 0},
        {"a?b", "a/b", 0},
        {"v?.*", "v1.2.3", 1},
        {".*", ".hidden", 1},
        {"*", ".hidden", 1},
        {"[a]", "a", 0},
        {"[a]", "[a]", 1},
        {"a\\*", "a\\bc", 1},
    };
    for (size_t i = 0; i < ARC_COUNT_OF(pairs); i++) {
        if (match(pairs[i].pattern, pairs[i].text) != pairs[i].matches) {
            CHECK_TEXT(arc__slice_cstr(pairs[i].pattern), pairs[i].text); /* says which pair */
            CHECK(0);
        }
    }
}

/* The same rules as plain recursion, for short texts. */
static int slow(const char *p, const char *t, int part_starts)
{
    if (*p == '\0')
        return *t == '\0';
    if (*p == '*') {
        size_t stars = strspn(p, "*");
        if (stars >= 2 && part_starts && p[stars] == '/') {
            if (slow(p + stars + 1, t, 1))
                return 1;
            for (; *t != '\0'; t++) {
                if (*t == '/' && slow(p + stars + 1, t + 1, 1))
                    return 1;
            }
            return 0;
        }
        for (;; t++) {
            if (slow(p + stars, t, 0))
                return 1;
            if (*t == '\0' || (*t == '/' && stars < 2))
                return 0;
        }
    }
    if (*t == '\0' || (*p == '?' ? *t == '/' : *p != *t))
        return 0;
    return slow(p + 1, t + 1, *p == '/');
}

static void word_of(unsigned number, const char *letters, unsigned base, char *out)
{
    size_t len = 0;
    for (; number > 0; number = (number - 1) / base)
        out[len++] = letters[(number - 1) % base];
    out[len] = '\0';
}

static void all_short_patterns_agree_with_the_plain_rules(void)
{
    /* Every pattern of up to 5 of "a/?*" against every text of up to 6 of "a/b". */
    unsigned differing = 0;
    for (unsigned p = 0; p < 1365; p++) {
        char pattern[16], text[16];
        word_of(p, "a/?*", 4, pattern);
        for (unsigned t = 0; t < 1093; t++) {
            word_of(t, "a/b", 3, text);
            int got = match(pattern, text), want = slow(pattern, text, 1);
            if (got != want && differing++ < 5)
                CHECK_TEXT(arc__slice_cstr(pattern), text);
        }
    }
    CHECK_INT(differing, 0);
}

static void many_stars_cost_no_more_than_length_times_length(void)
{
    static char pattern[ARC_GLOB_PATTERN_MAX], text[20000];
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < sizeof(pattern); i++)
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    /* With going back this would outlast the machine. */
    pattern[sizeof(pattern) - 1] = 'b';
    CHECK_INT(arc__glob_match(arc__slice(pattern, sizeof(pattern)), arc__slice(text, 20000)), 0);
    pattern[sizeof(pattern) - 1] = 'a';
    CHECK_INT(arc__glob_match(arc__slice(pattern, sizeof(pattern)), arc__slice(text, 20000)), 1);
    for (size_t i = 0; i + 4 <= sizeof(pattern); i += 4)
        memcpy(pattern + i, "**x/", 4);
    CHECK_INT(arc__glob_match(arc__slice(pattern, sizeof(pattern)), arc__slice(text, 20000)), 0);
}

static void a_pattern_beyond_its_limit_matches_nothing(void)
{
    static char pattern[ARC_GLOB_PATTERN_MAX + 1];
    memset(pattern, '*', sizeof(pattern));
    CHECK_INT(arc__glob_match(arc__slice(pattern, ARC_GLOB_PATTERN_MAX), ARC_LIT("a/b")), 1);
    CHECK_INT(arc__glob_match(arc__slice(pattern, ARC_GLOB_PATTERN_MAX + 1), ARC_LIT("a/b")), 0);
    memset(pattern, 'a', sizeof(pattern));
    CHECK_INT(arc__glob_match(arc__slice(pattern, ARC_GLOB_PATTERN_MAX),
                              arc__slice(pattern, ARC_GLOB_PATTERN_MAX)),
              1);
    CHECK_INT(arc__glob_match(arc__slice(pattern, ARC_GLOB_PATTERN_MAX),
                              arc__slice(pattern, ARC_GLOB_PATTERN_MAX - 1)),
              0);
}

static const struct test tests[] = {
    {"known pairs of pattern and text match or do not", known_pairs_match_or_do_not},
    {"all short patterns agree with the plain rules",
     all_short_patterns_agree_with_the_plain_rules},
    {"many stars cost no more than length times length",
     many_stars_cost_no_more_than_length_times_length},
    {"a pattern beyond its limit matches nothing", a_pattern_beyond_its_limit_matches_nothing},
};
TEST_MAIN(tests)
