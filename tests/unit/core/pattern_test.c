/* SPDX-License-Identifier: Apache-2.0 */
/* tests/unit/core/pattern_re_test.py compares with Python's re besides. */
#include "core/pattern_private.h"

#include "shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct test_mem state;
    struct arc_arena arena;
};

static void fixture_open(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    struct arc_mem mem = test_mem(&f->state);
    arc__arena_init(&f->arena, &mem, 64 << 20);
}

static void fixture_close(struct fixture *f)
{
    arc__arena_deinit(&f->arena);
    CHECK_INT(f->state.live, 0);
}

/* 1, 0, or -9 where the pattern is refused, or -8 where its automaton says something else than its
 * simulation. */
static int match(struct fixture *f, arc_slice pattern, arc_slice text, uint64_t *units)
{
    const struct arc_pattern *compiled = NULL, *simulated = NULL;
    struct arc_pattern_fault fault = {0};
    int64_t before = 0;
    if (arc__pattern_compile(pattern, &f->arena, &compiled, &fault) != ARC_OK ||
        arc__pattern_compile_once(pattern, &f->arena, &simulated, &fault) != ARC_OK)
        return -9;
    CHECK(simulated->dfa == NULL);
    before = f->state.live;
    int matches = arc__pattern_match(compiled, text, &f->arena, units);
    int same = arc__pattern_match(simulated, text, &f->arena, NULL) == matches;
    CHECK_INT(f->state.live, before);
    return same ? matches : -8;
}

struct row {
    const char *pattern;
    const char *yes[6], *no[6]; /* texts that it fits, and that it does not */
};

static void check_rows(const struct row *rows, size_t count)
{
    struct fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < 12; k++) {
            const char *text = k < 6 ? rows[i].yes[k] : rows[i].no[k - 6];
            int got = text == NULL ? k < 6
                                   : match(&f, arc__slice_cstr(rows[i].pattern),
                                           arc__slice_cstr(text), NULL);
            if (got != (k < 6)) {
                printf("# %s on %s: %d\n", rows[i].pattern, text, got);
                CHECK(got == (k < 6));
            }
        }
        arc__arena_reset(&f.arena);
    }
    fixture_close(&f);
}

/* clang-format off */
static const struct row characters[] = {
    {"", {"", "a", "\n"}, {0}},
    {"a", {"a", "ba", "ab", "xay"}, {"", "b", "A"}},
    {"abc", {"abc", "xabcx", "ababc", "aabc"}, {"", "ab", "abxc", "ab c"}},
    {"ä", {"ä", "xäx"}, {"a", "\xc3\xb6", "\xc3\x85"}},
    {"日本", {"日本", "x日本語"}, {"日", "本日"}},
    {"a b", {"a b"}, {"ab", "a  b"}},
    {"\\.", {"."}, {"a", ""}},
    {"\\\\", {"\\"}, {"/"}},
    {"\\(\\)\\[\\]\\{\\}\\|\\*\\+\\?\\^\\$\\-\\/\\_\\#", {"()[]{}|*+?^$-/_#"}, {"()"}},
    {"\\n\\t\\r\\f\\v\\a", {"\n\t\r\f\v\a"}, {"nt"}},
    {"\\x41\\x{42}\\x{1F600}", {"AB\xf0\x9f\x98\x80"}, {"AB"}},
    {"\\x{e4}", {"ä"}, {"a"}},
    {"\\Qa.b*c\\E+", {"a.b*c", "a.b*ccc"}, {"axbc", "a.b*"}},
    {"\\Q\\\\E", {"\\"}, {"Q"}},
    {"\\Qa.", {"a."}, {"ab"}},
    {"a{", {"a{"}, {"a"}},
    {"a{x}", {"a{x}"}, {"a"}},
    {"a{,2}", {"a{,2}"}, {"aa"}},
    {"{", {"{"}, {""}},
    {"]", {"]"}, {"["}},
    {"}", {"}"}, {"{"}},
    {"-", {"-"}, {"a"}},
    {"\"'`", {"\"'`"}, {"\"'"}},
    {".", {"a", "ä", " ", "\n\na"}, {"", "\n"}},
    {"a.c", {"abc", "aäc", "a.c"}, {"ac", "a\nc", "abbc"}},
    {"...", {"abc", "äöü"}, {"ab", "äö", "a\nb"}},
    {"(?s)a.c", {"a\nc", "abc"}, {"ac"}},
    {"(?s:a.)b.", {"a\nbx"}, {"a\nb\n"}},
};

static const struct row classes[] = {
    {"[abc]", {"a", "xb", "c"}, {"", "d", "A"}},
    {"[a-c]", {"a", "b", "c"}, {"d", "`", "-"}},
    {"[a-cx-z0]", {"b", "y", "0"}, {"d", "w", "1"}},
    {"[^a-c]", {"d", "ab!", "\n", "ä"}, {"", "abc"}},
    {"[]a]", {"]", "a"}, {"[", "b"}},
    {"[^]a]", {"[", "b"}, {"]", "a", "]a"}},
    {"[a-]", {"a", "-"}, {"b"}},
    {"[-a]", {"a", "-"}, {"b"}},
    {"[a^]", {"a", "^"}, {"b"}},
    {"[.]", {"."}, {"a"}},
    {"[*+?(){}|$]", {"*", "|", "$", "("}, {"a", "^"}},
    {"[\\]\\\\\\-]", {"]", "\\", "-"}, {"[", "a"}},
    {"[[]", {"["}, {"]"}},
    {"[[:]", {"[", ":"}, {"a"}},
    {"[\\n\\t]", {"\n", "\t"}, {"n", "t", " "}},
    {"[\\x41-\\x43]", {"A", "C"}, {"D"}},
    {"[ä-ü]", {"ä", "ö", "ü"}, {"a", "u", "ÿ"}},
    {"[^ä]", {"a", "ö"}, {"ä", ""}},
    {"[日本]", {"本"}, {"語"}},
    {"[a-a]", {"a"}, {"b"}},
    {"[a-mn-z]", {"m", "n"}, {"A"}},
    {"[ -~]", {" ", "~", "A"}, {"\n", "ä"}},
    {"[[:alpha:]]", {"a", "Z"}, {"1", "_", "ä"}},
    {"[[:digit:]x]", {"1", "x"}, {"a"}},
    {"[[:^digit:]]", {"a", "ä"}, {"1", "12"}},
    {"[^[:digit:]]", {"a"}, {"1"}},
    {"[[:alnum:]]", {"a", "1"}, {"_"}},
    {"[[:word:]]", {"a", "_"}, {"-"}},
    {"[[:space:]]", {" ", "\v", "\n"}, {"a"}},
    {"[[:blank:]]", {" ", "\t"}, {"\n"}},
    {"[[:upper:]]", {"A"}, {"a"}},
    {"[[:lower:]]", {"a"}, {"A"}},
    {"[[:punct:]]", {"!", "@", "[", "~", "`"}, {"a", "1", " "}},
    {"[[:xdigit:]]", {"f", "A", "9"}, {"g"}},
    {"[[:cntrl:]]", {"\x01", "\x7f"}, {" "}},
    {"[[:graph:]]", {"!"}, {" "}},
    {"[[:print:]]", {" "}, {"\n"}},
    {"[[:ascii:]]", {"\x7f"}, {"ä"}},
    {"\\d", {"0", "a9"}, {"a", "", "\xd9\xa1"}},
    {"\\D", {"a", "ä"}, {"0", ""}},
    {"\\w", {"a", "_", "0"}, {"-", "ä", " "}},
    {"\\W", {"-", "ä"}, {"a", "_"}},
    {"\\s", {" ", "\t", "\n", "\r", "\f"}, {"a", "\v"}},
    {"\\S", {"a", "\v"}, {" ", "\n"}},
    {"[\\d.]", {"1", "."}, {"a"}},
    {"[^\\d.]", {"a"}, {"1", "."}},
    {"[\\D]", {"a"}, {"1"}},
    {"[\\W\\d]", {"-", "1"}, {"a", "_"}},
    {"[^\\W]", {"a"}, {"-"}},
    {"[\\s\\S]", {"\n", "a"}, {""}},
    {"[^\\s\\S]", {0}, {"a", "\n", ""}},
    {"[\\w-]", {"-", "a"}, {"+"}},
};

static const struct row groups[] = {
    {"a|b", {"a", "b", "cb"}, {"", "c"}},
    {"a|b|c|d", {"d", "c"}, {"e"}},
    {"ab|cd", {"ab", "cd", "acd"}, {"ac", "bd"}},
    {"a(b|c)d", {"abd", "acd"}, {"ad", "abcd"}},
    {"a(?:b|c)d", {"abd"}, {"ad"}},
    {"a(|b)c", {"ac", "abc"}, {"abbc"}},
    {"a(b|)c", {"ac", "abc"}, {"abbc"}},
    {"(a||b)", {"", "c"}, {0}},
    {"|a", {"", "b"}, {0}},
    {"()", {"", "a"}, {0}},
    {"(()|(a))b", {"b", "ab"}, {"a"}},
    {"(?P<name>a)b", {"ab"}, {"a"}},
    {"(?<n_1>a)b", {"ab"}, {"a"}},
    {"((((a))))", {"a"}, {"b"}},
    {"(a|b)(c|d)(e|f)", {"ace", "bdf"}, {"aec", "ab"}},
    {"^(a|ab)(c|bcd)$", {"ac", "abc", "abcd", "abbcd"}, {"ab", "abcdx"}},
    {"^(?:a|b|c)+$", {"a", "abccba"}, {"", "abd"}},
    {"^(foo|bar)-\\d+$", {"foo-1", "bar-22"}, {"baz-1", "foo-"}},
    {"(?i)abc", {"abc", "ABC", "aBc"}, {"abd"}},
    {"(?i:a)b", {"ab", "Ab"}, {"aB", "AB"}},
    {"a(?i)b", {"ab", "aB"}, {"Ab"}},
    {"(a(?i)b)c", {"abc", "aBc"}, {"aBC", "Abc"}},
    {"(?i)a(?-i)b", {"Ab"}, {"AB"}},
    {"(?i)[a-c]", {"B"}, {"D"}},
    {"(?i)[^a-c]", {"d"}, {"a", "B", "abCA"}},
    {"(?i)[[:upper:]]", {"a"}, {"1"}},
    {"(?i)[X-b]", {"x", "Y", "A", "b", "["}, {"c", "W", "w"}},
    {"(?i)ä", {"ä"}, {"\xc3\x84"}},
    {"(?i)k", {"k", "K"}, {"\xe2\x84\xaa"}},
    {"(?is)A.B", {"a\nb"}, {"ab"}},
    {"(?i-s)A.B", {"axb"}, {"a\nb"}},
    {"(?-s)a.", {"ab"}, {"a\n"}},
    {"(?U)a+", {"a", "aa"}, {""}},
    {"(?ims)^a.b$", {"x\nA\nB\n"}, {"xa.b"}},
    {"a|(?i)b", {"a", "b", "B"}, {"A"}},
};

static const struct row repetitions[] = {
    {"a*", {"", "a", "aaa", "b"}, {0}},
    {"^a*$", {"", "a", "aaa"}, {"b", "ab", "ba"}},
    {"^a+$", {"a", "aaa"}, {"", "b"}},
    {"^a?$", {"", "a"}, {"aa"}},
    {"^a*?$", {"", "aa"}, {"b"}},
    {"^a+?$", {"a", "aa"}, {""}},
    {"^a\?\?$", {"", "a"}, {"aa"}},
    {"^a{2}$", {"aa"}, {"a", "aaa"}},
    {"^a{2,}$", {"aa", "aaaaa"}, {"a", ""}},
    {"^a{2,4}$", {"aa", "aaa", "aaaa"}, {"a", "aaaaa"}},
    {"^a{2,4}?$", {"aa", "aaaa"}, {"a", "aaaaa"}},
    {"^a{0}$", {""}, {"a"}},
    {"^a{0,0}b$", {"b"}, {"ab"}},
    {"^a{0,}$", {"", "aa"}, {"b"}},
    {"^a{0,2}$", {"", "a", "aa"}, {"aaa"}},
    {"^a{1}$", {"a"}, {"", "aa"}},
    {"^a{0,1}$", {"", "a"}, {"aa"}},
    {"^a{1,}$", {"a", "aa"}, {""}},
    {"^(ab)*$", {"", "ab", "abab"}, {"a", "aba"}},
    {"^(ab){2}$", {"abab"}, {"ab", "ababab"}},
    {"^(ab){2,3}$", {"abab", "ababab"}, {"ab", "abababab"}},
    {"^(ab){0,2}$", {"", "ab", "abab"}, {"a", "ababab"}},
    {"^(a|b){3}$", {"aba", "bbb"}, {"ab", "abab"}},
    {"^(a|bc){1,2}$", {"a", "bc", "abc", "bca", "aa"}, {"", "abca"}},
    {"^(a|b|cd){2,}x$", {"abx", "cdcdx", "acdbx"}, {"ax", "x"}},
    {"^((a{2}){2}){2}$", {"aaaaaaaa"}, {"aaaaaaa"}},
    {"^(a*)*$", {"", "aaa"}, {"b"}},
    {"^(a*)+$", {"", "aaa"}, {"b"}},
    {"^(a+)*$", {"", "aaa"}, {"b"}},
    {"^(a|)*$", {"", "aaa"}, {"b"}},
    {"^(a?){3}$", {"", "a", "aaa"}, {"aaaa"}},
    {"^(|a)+$", {"", "aa"}, {"b"}},
    {"^(a*|b)*c$", {"c", "abac"}, {"abd"}},
    {"^.*$", {"", "abc"}, {"a\nb"}},
    {"^[ab]*c{2}$", {"cc", "abbacc"}, {"c", "abc"}},
    {"^\\d{4}-\\d{2}-\\d{2}$", {"2026-01-31"}, {"2026-1-31", "x2026-01-31"}},
    {"^ä{2}$", {"ää"}, {"ä", "äää"}},
    {"^(?:x{0})*y$", {"y"}, {"xy"}},
    {"(?:a{0}|b)c", {"c", "bc"}, {"b"}},
    {"^v?\\d+(\\.\\d+){2}(-[0-9A-Za-z.-]+)?$", {"v1.2.3", "1.20.3-rc.1"}, {"v1.2", "1.2.3-"}},
    {"^(?:(?:a|b)+c)+$", {"ac", "abcbac"}, {"a", "c"}},
};

static const struct row places[] = {
    {"^", {"", "a"}, {0}},
    {"$", {"", "a"}, {0}},
    {"^$", {""}, {"a", "\n"}},
    {"^a", {"a", "ab"}, {"ba", "b\na"}},
    {"a$", {"a", "ba"}, {"ab", "a\n", "a\nb"}},
    {"^abc$", {"abc"}, {"abcd", "xabc", "abc\n"}},
    {"\\Aabc\\z", {"abc"}, {"abc\n", "xabc"}},
    {"a^", {0}, {"a", "aa"}},
    {"$a", {0}, {"a"}},
    {"(?m)^a$", {"a", "b\na", "a\nb", "b\na\nc"}, {"ba", "ab\n"}},
    {"(?m)^$", {"", "a\n", "\na", "a\n\nb"}, {"a"}},
    {"(?m)\\Aa", {"a\n"}, {"b\na"}},
    {"(?m)a\\z", {"b\na"}, {"a\nb"}},
    {"(?m:^a)$", {"b\na"}, {"a\nb"}},
    {"^*a", {"ba", "a"}, {"b"}},
    {"(^a|b)", {"a", "xb"}, {"xa"}},
    {"^a|^b", {"ax", "bx"}, {"xa", "xb"}},
    {"a$|b", {"xa", "bx"}, {"ax"}},
    {"x*^a", {"a"}, {"xa"}},
    {"\\ba", {"a", "b a", "-a"}, {"ba", "_a"}},
    {"a\\b", {"a", "a b", "ba-"}, {"ab", "a_"}},
    {"\\bfoo\\b", {"foo", "a foo b", "foo."}, {"foobar", "_foo"}},
    {"\\Ba", {"ba"}, {"a", "b a"}},
    {"a\\B", {"ab"}, {"a", "a b"}},
    {"\\B", {"", "ab", "--"}, {"a"}},
    {"\\b", {"a"}, {"", "-"}},
    {"ä\\b", {"äa"}, {"ä", "ää"}},
    {"\\b\\w+\\b$", {"a bc"}, {"a b-"}},
    {"(\\b|a)+b", {"ab", "b", "xaab"}, {"a", "xb"}},
    {"(?:^|,)b(?:,|$)", {"b", "a,b", "b,c", "a,b,c"}, {"ab", "bc", "a,bc"}},
    {"^refs/heads/(main|release/.*)$", {"refs/heads/main", "refs/heads/release/1"},
     {"refs/heads/mainx", "refs/tags/main", "refs/heads/release"}},
    {"aab", {"aaab", "aabaab"}, {"aba", "ab"}},
    {"ab+c?d", {"abd", "abbcd", "xabab bd abd"}, {"acd", "abab"}},
    {"ab\\Bc|zz", {"abc", "zz"}, {"ab c"}},
};
/* clang-format on */

static void characters_and_escapes(void)
{
    check_rows(characters, ARC_COUNT_OF(characters));
}

static void classes_of_characters(void)
{
    check_rows(classes, ARC_COUNT_OF(classes));
}

static void groups_alternatives_and_flags(void)
{
    check_rows(groups, ARC_COUNT_OF(groups));
}

static void repetitions_of_all_forms(void)
{
    check_rows(repetitions, ARC_COUNT_OF(repetitions));
}

static void places_in_the_text(void)
{
    check_rows(places, ARC_COUNT_OF(places));
}

static const struct {
    const char *pattern;
    uint32_t offset;
    const char *what; /* a part of it */
} wrong[] = {
    {"a)", 1, "without its `(`"},
    {"(a", 0, "without its `)`"},
    {"a(b(c)", 1, "without its `)`"},
    {"[a", 0, "without its `]`"},
    {"[]", 0, "without its `]`"},
    {"x[^]", 1, "without its `]`"},
    {"[b-a]", 1, "does not rise"},
    {"[a-\\d]", 1, "does not rise"},
    {"[[:alphabet:]]", 1, "no class of this name"},
    {"*", 0, "repetition of nothing"},
    {"a|*", 2, "repetition of nothing"},
    {"(+)", 1, "repetition of nothing"},
    {"(?i)*", 4, "repetition of nothing"},
    {"{2}", 0, "repetition of nothing"},
    {"a**", 2, "repetition of a repetition"},
    {"a*+", 2, "repetition of a repetition"},
    {"a{2}{3}", 4, "repetition of a repetition"},
    {"a{2,1}", 1, "larger number first"},
    {"a{1001}", 1, "1000"},
    {"a{1,99999999999}", 1, "1000"},
    {"a\\", 1, "nothing after it"},
    {"[a\\", 2, "nothing after it"},
    {"(a)\\1", 3, "backreferences"},
    {"(?P<n>a)(?P=n)", 8, "backreferences"},
    {"\\k<n>", 0, "backreferences"},
    {"a(?=b)", 1, "lookahead and lookbehind"},
    {"(?!b)", 0, "lookahead and lookbehind"},
    {"(?<=b)", 0, "lookahead and lookbehind"},
    {"(?<!b)", 0, "lookahead and lookbehind"},
    {"\\pL", 0, "Unicode"},
    {"\\P{Greek}", 0, "Unicode"},
    {"[\\pL]", 1, "Unicode"},
    {"a\\Z", 1, "\\z"},
    {"\\0", 0, "\\x41"},
    {"\\C", 0, "no such escape"},
    {"\\y", 0, "no such escape"},
    {"\\ ", 0, "no such escape"},
    {"[\\b]", 1, "no such escape"},
    {"\\xg", 0, "\\x needs"},
    {"\\x4", 0, "\\x needs"},
    {"\\x{}", 0, "\\x needs"},
    {"\\x{41", 0, "\\x needs"},
    {"\\x{110000}", 0, "no character beyond"},
    {"\\x{fffffffffffffffff}", 0, "no character beyond"},
    {"(?x)a", 0, "after `(?`"},
    {"(?", 0, "after `(?`"},
    {"(?i", 0, "after `(?`"},
    {"(?)", 0, "after `(?`"},
    {"(?i-)", 0, "after `(?`"},
    {"(?>a)", 0, "after `(?`"},
    {"(?P<>a)", 0, "a name of a group"},
    {"(?P<a-b>a)", 0, "a name of a group"},
    {"(?#x)", 0, "after `(?`"},
    {"(a{1000}){5}", 12, "too large"},
    {"((a{100}){100}){100}", 14, "too large"},
    {"(a|b){0,1000}", 13, "too large"},
    {"a\xff", 1, "UTF-8"},
};

static void wrong_patterns_say_what_and_where(void)
{
    struct fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < ARC_COUNT_OF(wrong); i++) {
        const struct arc_pattern *pattern = NULL;
        struct arc_pattern_fault fault = {99, ""};
        CHECK_STATUS(
            arc__pattern_compile(arc__slice_cstr(wrong[i].pattern), &f.arena, &pattern, &fault),
            ARC_EINVAL);
        if (fault.offset != wrong[i].offset || strstr(fault.what, wrong[i].what) == NULL) {
            printf("# %s: %u %s\n", wrong[i].pattern, fault.offset, fault.what);
            CHECK(fault.offset == wrong[i].offset && strstr(fault.what, wrong[i].what) != NULL);
        }
    }
    fixture_close(&f);
}

#define TEN "))))))))))"
#define FIFTY TEN TEN TEN TEN TEN
#define FORTY_NINE TEN TEN TEN TEN ")))))))))"

static arc_status compile_filled(struct fixture *f, const char *before, const char *unit,
                                 size_t times, const char *after)
{
    char text[8192];
    const struct arc_pattern *pattern = NULL;
    struct arc_pattern_fault fault = {0};
    size_t len = (size_t)snprintf(text, sizeof(text), "%s", before);
    for (size_t i = 0; i < times; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", unit);
    len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", after);
    return arc__pattern_compile(arc__slice(text, len), &f->arena, &pattern, &fault);
}

static void sizes_are_bounded_at_the_last_byte_and_state(void)
{
    struct fixture f;
    fixture_open(&f);
    CHECK_OK(compile_filled(&f, "", "a", ARC_PATTERN_BYTES_MAX, ""));
    CHECK_STATUS(compile_filled(&f, "", "a", ARC_PATTERN_BYTES_MAX + 1, ""), ARC_EINVAL);
    /* 4 * 1000 + 95 and the end are 4096. */
    CHECK_OK(compile_filled(&f, "a{1000}b{1000}a{1000}b{1000}", "x", 95, ""));
    CHECK_STATUS(compile_filled(&f, "a{1000}b{1000}a{1000}b{1000}", "x", 96, ""), ARC_EINVAL);
    CHECK_OK(compile_filled(&f, "", "(a|", 99, "a" FIFTY FORTY_NINE));
    CHECK_STATUS(compile_filled(&f, "", "(a|", 100, "a" FIFTY FORTY_NINE ")"), ARC_EINVAL);
    fixture_close(&f);
}

/* Work is counted, not timed: it grows with the text, not faster, and stays within the promise. */
static void work_is_linear_whatever_the_pattern(void)
{
    static const char *const patterns[] = {
        "^(a*)*b$",
        "^(a|a)*b$",
        "(x+x+)+y",
        "^(a+)+$",
        "(a|aa)+$c",
        "(.*)*(.*)*z",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "a{0,50}a{50}b",
        "(?i)(a|b|ab)*bc",
        "(a?){40}a{40}b",
        "(\\b|a)*\\Bz",
    };
    static char text[20000];
    struct fixture f;
    memset(text, 'a', sizeof(text));
    fixture_open(&f);
    for (size_t i = 0; i < ARC_COUNT_OF(patterns); i++) {
        const struct arc_pattern *pattern = NULL;
        struct arc_pattern_fault fault = {0};
        uint64_t half = 0, whole = 0, states = 300;
        if (patterns[i][1] == 'x')
            memset(text, 'x', sizeof(text));
        CHECK_OK(arc__pattern_compile(arc__slice_cstr(patterns[i]), &f.arena, &pattern, &fault));
        CHECK_INT(arc__pattern_match(pattern, arc__slice(text, 10000), &f.arena, &half),
                  strcmp(patterns[i], "^(a+)+$") == 0);
        CHECK_INT(arc__pattern_match(pattern, arc__slice(text, 20000), &f.arena, &whole),
                  strcmp(patterns[i], "^(a+)+$") == 0);
        CHECK(half > 0 && whole <= 2 * half + states * states);
        CHECK(whole <= 20001 * 2 * states);
        memset(text, 'a', sizeof(text));
    }
    fixture_close(&f);
}

static void a_match_is_given_up_when_its_work_is_spent(void)
{
    static char text[20000];
    const struct arc_pattern *pattern = NULL;
    struct arc_pattern_fault fault = {0};
    struct fixture f;
    uint64_t units = 0;
    memset(text, 'a', sizeof(text));
    fixture_open(&f);
    CHECK_OK(arc__pattern_compile(ARC_LIT("(a|aa)+b"), &f.arena, &pattern, &fault));
    CHECK_INT(
        arc__pattern_match_within(pattern, arc__slice(text, sizeof(text)), &f.arena, 1000, &units),
        ARC_PATTERN_SPENT);
    CHECK(units > 1000 && units < 1100);
    units = 0;
    CHECK_INT(arc__pattern_match_within(pattern, arc__slice(text, 50), &f.arena, 1000, &units), 0);
    CHECK(units <= 1000);
    fixture_close(&f);
}

static void literals_are_found_without_walking(void)
{
    static char text[20000];
    static const char *const patterns[] = {"needle", "^aaa", "aab$", "^abc$", "needle[0-9]+"};
    struct fixture f;
    memset(text, 'a', sizeof(text));
    fixture_open(&f);
    for (size_t i = 0; i < ARC_COUNT_OF(patterns); i++) {
        uint64_t units = 0;
        CHECK_INT(match(&f, arc__slice_cstr(patterns[i]), arc__slice(text, sizeof(text)), &units),
                  i == 1);
        CHECK(units <= sizeof(text) / 8);
    }
    fixture_close(&f);
}

/* 1: the pattern has an automaton, and that says of the text what the simulation says. */
static int is_automaton(struct fixture *f, const char *words)
{
    static const char text[] = "aaaaaaaaaabcabcxyzäöü日本 aab0123456789";
    const struct arc_pattern *pattern = NULL;
    struct arc_pattern_fault fault = {0};
    for (size_t at = 0; at < sizeof(text); at++) {
        if (((unsigned char)text[at] & 0xC0) != 0x80)
            CHECK(match(f, arc__slice_cstr(words), arc__slice_cstr(text + at), NULL) >= 0);
    }
    CHECK_OK(arc__pattern_compile(arc__slice_cstr(words), &f->arena, &pattern, &fault));
    int found = pattern != NULL && pattern->dfa != NULL;
    arc__arena_reset(&f->arena);
    return found;
}

static void small_patterns_are_automata_and_others_simulated(void)
{
    static const char *const small[] = {
        "^refs/heads/(main|release-.*)$",
        "(^|,)a(,|$)",
        "[0-9]+x",
        "(?i)wip",
        "[ä-ü]+x|日本",
        "a*",
        "(?s).b.$",
        "^(a|b)*c{3}",
    };
    static const char *const asks_around[] = {"a\\b|c+", "a\\B|c+", "(?m)^a+", "(?m)a+$"};
    struct fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < ARC_COUNT_OF(small); i++)
        CHECK(is_automaton(&f, small[i]));
    for (size_t i = 0; i < ARC_COUNT_OF(asks_around); i++)
        CHECK(!is_automaton(&f, asks_around[i]));
    fixture_close(&f);
}

/* [x{from}x{from+2}…], followed by what comes after. */
static const char *class_of(char *to, size_t size, uint32_t from, uint32_t count, const char *after)
{
    size_t len = (size_t)snprintf(to, size, "[");
    for (uint32_t i = 0; i < count; i++)
        len += (size_t)snprintf(to + len, size - len, "\\x{%X}", from + 2 * i);
    (void)snprintf(to + len, size - len, "]%s", after);
    return to;
}

static void automata_stay_within_their_bounds(void)
{
    char words[ARC_PATTERN_BYTES_MAX + 1];
    struct fixture f;
    fixture_open(&f);
    /* The program has ^, its characters and the end. */
    (void)snprintf(words, sizeof(words), "^.?a{%u}", ARC_PATTERN_DFA_PLACES_MAX);
    CHECK(!is_automaton(&f, words));
    /* A state for each count and for none. */
    (void)snprintf(words, sizeof(words), "^[ab]{%u}$", ARC_PATTERN_DFA_STATES_MAX - 1);
    CHECK(is_automaton(&f, words));
    (void)snprintf(words, sizeof(words), "^[ab]{%u}$", ARC_PATTERN_DFA_STATES_MAX);
    CHECK(!is_automaton(&f, words));
    /* 129 is of no range but its own, and each one here makes two of one. */
    CHECK(is_automaton(
        &f, class_of(words, sizeof(words), 129, (ARC_PATTERN_DFA_RANGES_MAX - 1) / 2, "+a")));
    CHECK(!is_automaton(
        &f, class_of(words, sizeof(words), 129, (ARC_PATTERN_DFA_RANGES_MAX - 1) / 2 + 1, "+a")));
    /* Two columns are no characters, one is of all others. */
    (void)snprintf(words, sizeof(words), "a|%.*s", (int)(ARC_PATTERN_DFA_COLUMNS_MAX - 4),
                   "bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_;");
    CHECK(is_automaton(&f, words));
    (void)snprintf(words, sizeof(words), "a|%.*s", (int)(ARC_PATTERN_DFA_COLUMNS_MAX - 3),
                   "bcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_;");
    CHECK(!is_automaton(&f, words));
    /* 20 columns for each of 204 states are 4080 cells, and two are before them. */
    CHECK(is_automaton(&f, "^[ab]{187}cdefghijklmnopqr$"));
    CHECK(!is_automaton(&f, "^[ab]{188}cdefghijklmnopqr$"));
    /* Work: its states double with each character, or are few with many places each. */
    CHECK(!is_automaton(&f, "(a|b)*a(a|b){12}"));
    CHECK(!is_automaton(&f, "(a?){80}a{80}b"));
    fixture_close(&f);
}

static void an_automaton_is_given_up_in_the_midst_of_a_text(void)
{
    static char text[3000];
    const struct arc_pattern *pattern = NULL;
    struct arc_pattern_fault fault = {0};
    struct fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < sizeof(text); i += 3)
        memcpy(text + i, "日", 3);
    CHECK_OK(arc__pattern_compile(ARC_LIT("(日|x)+$"), &f.arena, &pattern, &fault));
    CHECK(pattern->dfa != NULL);
    for (uint64_t most = 0; most < 20; most++) {
        uint64_t units = 5;
        CHECK_INT(arc__pattern_match_within(pattern, arc__slice(text, sizeof(text)), &f.arena, most,
                                            &units),
                  ARC_PATTERN_SPENT);
        CHECK(units > 5 + most && units < 5 + most + 4);
    }
    uint64_t units = 0;
    CHECK_INT(arc__pattern_match_within(pattern, arc__slice(text, sizeof(text)), &f.arena,
                                        sizeof(text), &units),
              1);
    CHECK_INT((int64_t)units, (int64_t)sizeof(text));
    fixture_close(&f);
}

static int make_automaton(struct test_mem *state)
{
    struct arc_mem mem = test_mem(state);
    struct arc_arena arena;
    const struct arc_pattern *pattern = NULL;
    struct arc_pattern_fault fault = {0};
    arc__arena_init(&arena, &mem, 1 << 20);
    arc_status status =
        arc__pattern_compile(ARC_LIT("^[ä-ü]{150}(日|b)+$"), &arena, &pattern, &fault);
    CHECK(status == ARC_OK ? pattern->dfa != NULL : status == ARC_ENOMEM && pattern == NULL);
    arc__arena_deinit(&arena);
    return status == ARC_OK;
}

static int compile_and_match(struct test_mem *state)
{
    static char text[2000];
    struct arc_mem mem = test_mem(state);
    struct arc_arena arena;
    const struct arc_pattern *pattern = NULL;
    struct arc_pattern_fault fault = {0};
    int well = 0;
    memset(text, 'b', sizeof(text));
    arc__arena_init(&arena, &mem, 1 << 20);
    arc_status status =
        arc__pattern_compile(ARC_LIT("(?i)([[:alpha:]]|[^x-z\\d]){200}(a|b){3,}[[:^punct:]]+$"),
                             &arena, &pattern, &fault);
    if (status == ARC_OK) {
        int matches = arc__pattern_match(pattern, arc__slice(text, sizeof(text)), &arena, NULL);
        CHECK(matches == 1 || matches == ARC_PATTERN_NO_MEMORY);
        well = matches == 1;
    } else {
        CHECK_INT(status, ARC_ENOMEM);
        CHECK(pattern == NULL);
    }
    arc__arena_deinit(&arena);
    return well;
}

static void memory_may_be_out_at_every_step(void)
{
    test_torture(compile_and_match, 0, 100);
    test_torture(compile_and_match, 1, 100);
    test_torture(make_automaton, 0, 100);
    test_torture(make_automaton, 1, 100);
}

static const struct test tests[] = {
    {"characters and escapes stand for themselves", characters_and_escapes},
    {"classes hold their characters and no others", classes_of_characters},
    {"groups, alternatives and flags reach as far as RE2's", groups_alternatives_and_flags},
    {"repetitions of all forms count right", repetitions_of_all_forms},
    {"places in the text take no character", places_in_the_text},
    {"a wrong pattern says what and where", wrong_patterns_say_what_and_where},
    {"sizes are bounded at the last byte and state", sizes_are_bounded_at_the_last_byte_and_state},
    {"work is linear whatever the pattern is", work_is_linear_whatever_the_pattern},
    {"a match is given up when its work is spent", a_match_is_given_up_when_its_work_is_spent},
    {"literals are found without walking", literals_are_found_without_walking},
    {"small patterns are automata and others are simulated",
     small_patterns_are_automata_and_others_simulated},
    {"automata of patterns stay within their bounds", automata_stay_within_their_bounds},
    {"an automaton is given up in the midst of a text",
     an_automaton_is_given_up_in_the_midst_of_a_text},
    {"patterns survive failing memory", memory_may_be_out_at_every_step},
};

TEST_MAIN(tests)
