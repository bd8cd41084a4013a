/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a pattern straight into its program, with a stack of open groups instead of recursion.
 * What was read last, so that a repetition can wrap it, is the end of the program from `atom` on.
 */
#include <arcentra/base.h>

#include <string.h>

#include "base/text.h"
#include "core/pattern_private.h"

#define GROUPS_MAX 100u
#define REPEAT_MAX 1000u
#define TIDY_AT 64u
#define CHARACTER_MAX 0x10FFFFu

#define FLAG_I 1u
#define FLAG_M 2u
#define FLAG_S 4u
#define FLAG_U 8u

struct group {
    size_t opened; /* in the text */
    uint32_t start, branch;
    uint32_t jumps; /* 1 + the last jump to its end; each knows the one before */
    uint32_t flags; /* of what is around it */
};

struct parser {
    arc_slice text;
    size_t at;
    struct arc_mem mem;
    struct arc_pattern_inst *program;
    size_t size, program_capacity;
    struct arc_pattern_class *classes;
    size_t class_count, class_capacity;
    struct arc_pattern_range *ranges;
    size_t range_count, range_capacity;
    struct group groups[GROUPS_MAX];
    uint32_t depth, flags;
    uint32_t atom;
    int has_atom, repeated;
    struct arc_pattern_fault *fault;
};

static arc_status wrong(struct parser *p, size_t at, const char *what)
{
    *p->fault = (struct arc_pattern_fault){(uint32_t)at, what};
    return ARC_EINVAL;
}

static int more(const struct parser *p)
{
    return p->at < p->text.len;
}

/* 1: the text goes on with these, which are then behind. */
static int skip(struct parser *p, const char *words)
{
    if (!arc__slice_starts(arc__slice_from(p->text, p->at), arc__slice_cstr(words)))
        return 0;
    p->at += strlen(words);
    return 1;
}

/* --- the program ---------------------------------------------------------------------------- */

static arc_status room(struct parser *p, size_t count)
{
    if (count > ARC_PATTERN_STATES_MAX - p->size)
        return wrong(p, p->at, "it is too large once its repetitions are written out");
    while (p->program_capacity < p->size + count) {
        void *items = p->program;
        arc_status status = arc__grow(&p->mem, &items, &p->program_capacity, p->program_capacity,
                                      sizeof(*p->program), ARC_PATTERN_STATES_MAX * 2u, NULL);
        p->program = items;
        if (status != ARC_OK)
            return status;
    }
    return ARC_OK;
}

static arc_status add(struct parser *p, enum arc_pattern_op op, int32_t jump, uint32_t arg)
{
    ARC_TRY(room(p, 1));
    p->program[p->size++] = (struct arc_pattern_inst){(uint8_t)op, (int16_t)jump, arg};
    return ARC_OK;
}

/* Moves what is at `at` and behind by one. Nothing before it jumps behind it. */
static arc_status insert_split(struct parser *p, uint32_t at, int32_t jump)
{
    ARC_TRY(room(p, 1));
    memmove(&p->program[at + 1], &p->program[at], (p->size - at) * sizeof(*p->program));
    p->program[at] = (struct arc_pattern_inst){ARC_PATTERN_SPLIT, (int16_t)jump, 0};
    p->size++;
    return ARC_OK;
}

/* Appends size instructions that stand from `from` on. */
static arc_status copy_code(struct parser *p, uint32_t from, uint32_t size)
{
    ARC_TRY(room(p, size));
    memcpy(&p->program[p->size], &p->program[from], size * sizeof(*p->program));
    p->size += size;
    return ARC_OK;
}

static arc_status add_atom(struct parser *p, enum arc_pattern_op op, uint32_t arg)
{
    p->atom = (uint32_t)p->size;
    p->has_atom = 1;
    p->repeated = 0;
    return add(p, op, 0, arg);
}

/* --- classes -------------------------------------------------------------------------------- */

static arc_status add_range(struct parser *p, uint32_t low, uint32_t high)
{
    void *items = p->ranges;
    arc_status status = arc__grow(&p->mem, &items, &p->range_capacity, p->range_count,
                                  sizeof(*p->ranges), SIZE_MAX / 64, NULL);
    p->ranges = items;
    if (status == ARC_OK)
        p->ranges[p->range_count++] = (struct arc_pattern_range){low, high};
    return status;
}

uint32_t arc__pattern_tidy(struct arc_pattern_range *ranges, uint32_t count)
{
    uint32_t kept = 0;
    for (uint32_t i = 1; i < count; i++) { /* few, and mostly in order */
        struct arc_pattern_range range = ranges[i];
        uint32_t to = i;
        for (; to > 0 && ranges[to - 1].low > range.low; to--)
            ranges[to] = ranges[to - 1];
        ranges[to] = range;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (kept > 0 && ranges[i].low <= ranges[kept - 1].high + 1) {
            if (ranges[i].high > ranges[kept - 1].high)
                ranges[kept - 1].high = ranges[i].high;
        } else {
            ranges[kept++] = ranges[i];
        }
    }
    return kept;
}

/* All characters but those of the ranges from `first` on. */
static arc_status negate(struct parser *p, size_t first)
{
    uint32_t count = arc__pattern_tidy(p->ranges + first, (uint32_t)(p->range_count - first));
    uint32_t from = 0, end = CHARACTER_MAX + 1;
    ARC_TRY(add_range(p, 0, 0)); /* at most one more than there were */
    struct arc_pattern_range *ranges = p->ranges + first;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct arc_pattern_range range = ranges[i]; /* before it is written over */
        if (from < range.low)
            ranges[kept++] = (struct arc_pattern_range){from, range.low - 1};
        from = range.high + 1;
        /* A gap is written where its range was, or before it. */
    }
    if (from < end)
        ranges[kept++] = (struct arc_pattern_range){from, CHARACTER_MAX};
    p->range_count = first + kept;
    return ARC_OK;
}

/* What of low to high lies between `from` and `to`, in the other case. */
static arc_status fold_letters(struct parser *p, struct arc_pattern_range range, uint32_t from,
                               uint32_t to)
{
    uint32_t low = range.low > from ? range.low : from, high = range.high < to ? range.high : to;
    return low <= high ? add_range(p, low ^ 0x20, high ^ 0x20) : ARC_OK;
}

/* The other case of the ASCII letters in the ranges. */
static arc_status fold(struct parser *p, size_t first)
{
    size_t end = p->range_count;
    for (size_t i = first; i < end; i++) {
        ARC_TRY(fold_letters(p, p->ranges[i], 'a', 'z'));
        ARC_TRY(fold_letters(p, p->ranges[i], 'A', 'Z'));
    }
    return ARC_OK;
}

/* The ranges from `first` on as an atom. */
static arc_status add_class(struct parser *p, size_t first, int negated)
{
    void *items = p->classes;
    struct arc_pattern_class class = {{0, 0}, (uint32_t)first, 0};
    if ((p->flags & FLAG_I) != 0)
        ARC_TRY(fold(p, first));
    if (negated)
        ARC_TRY(negate(p, first));
    class.count = arc__pattern_tidy(p->ranges + first, (uint32_t)(p->range_count - first));
    p->range_count = first + class.count;
    for (uint32_t c = 0; c < 128; c++) {
        for (uint32_t i = 0; i < class.count; i++) {
            if (c >= p->ranges[first + i].low && c <= p->ranges[first + i].high)
                class.ascii[c / 64] |= UINT64_C(1) << (c % 64);
        }
    }
    arc_status status = arc__grow(&p->mem, &items, &p->class_capacity, p->class_count,
                                  sizeof(*p->classes), ARC_PATTERN_STATES_MAX, NULL);
    p->classes = items;
    if (status != ARC_OK)
        return status;
    p->classes[p->class_count++] = class;
    return add_atom(p, ARC_PATTERN_CLASS, (uint32_t)p->class_count - 1);
}

static arc_status add_char(struct parser *p, uint32_t c)
{
    int letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter || (p->flags & FLAG_I) == 0)
        return add_atom(p, ARC_PATTERN_CHAR, c);
    size_t first = p->range_count;
    ARC_TRY(add_range(p, c, c));
    return add_class(p, first, 0);
}

struct named {
    const char *name;
    const char *ranges; /* pairs of characters */
};

static const struct named posix[] = {
    {"alnum", "09AZaz"},
    {"alpha", "AZaz"},
    {"ascii", "\x01\x7F"},
    {"blank", "\t\t  "},
    {"cntrl", "\x01\x1F\x7F\x7F"},
    {"digit", "09"},
    {"graph", "!~"},
    {"lower", "az"},
    {"print", " ~"},
    {"punct", "!/:@[`{~"},
    {"space", "\t\r  "},
    {"upper", "AZ"},
    {"word", "09AZaz__"},
    {"xdigit", "09AFaf"},
};

static arc_status add_pairs(struct parser *p, const char *pairs)
{
    for (; *pairs != '\0'; pairs += 2)
        ARC_TRY(add_range(p, (unsigned char)pairs[0], (unsigned char)pairs[1]));
    return ARC_OK;
}

/* \d, \w, \s and their opposites, as ranges; *known 0: it is none of them. */
static arc_status add_perl(struct parser *p, char letter, int *known)
{
    char low = (char)(letter | 0x20);
    size_t first = p->range_count;
    *known = low == 'd' || low == 'w' || low == 's';
    if (!*known)
        return ARC_OK;
    ARC_TRY(add_pairs(p, low == 'd' ? "09" : low == 'w' ? "09AZaz__" : "\t\n\f\r  "));
    return letter == low ? ARC_OK : negate(p, first);
}

/* --- escapes -------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* What follows \x. */
static arc_status hex_escape(struct parser *p, size_t start, uint32_t *c)
{
    int braces = skip(p, "{"), digits = 0;
    *c = 0;
    while (more(p) && hex_digit(p->text.ptr[p->at]) >= 0 && (braces || digits < 2)) {
        *c = *c * 16 + (uint32_t)hex_digit(p->text.ptr[p->at++]);
        digits++;
        if (*c > CHARACTER_MAX)
            return wrong(p, start, "there is no character beyond \\x{10FFFF}");
    }
    if (braces ? digits == 0 || !skip(p, "}") : digits != 2)
        return wrong(p, start, "\\x needs two hex digits, or digits in braces");
    return ARC_OK;
}

/* What cannot be matched here, in words of its own. */
static arc_status refuse_escape(struct parser *p, size_t start, char letter)
{
    if (letter >= '1' && letter <= '9')
        return wrong(p, start,
                     "backreferences like \\1 are not part of it, because they cannot be matched "
                     "in linear time");
    if (letter == 'k')
        return wrong(p, start,
                     "backreferences like \\k are not part of it, because they cannot be matched "
                     "in linear time");
    if (letter == '0')
        return wrong(p, start, "characters by number are written \\x41 or \\x{1F600}");
    if (letter == 'p' || letter == 'P')
        return wrong(p, start, "classes of Unicode are not part of it: write ranges like [à-ÿ]");
    if (letter == 'Z')
        return wrong(p, start, "the end of the text is \\z");
    return wrong(p, start, "there is no such escape; a backslash of its own is written \\\\");
}

/* The character after a backslash, which is at `start`; p->at is behind it. */
static arc_status char_escape(struct parser *p, size_t start, uint32_t *c)
{
    static const char letters[] = "afnrtv", stands[] = "\a\f\n\r\t\v";
    char letter = p->text.ptr[p->at];
    const char *known = strchr(letters, letter);
    if (letter == 'x') {
        p->at++;
        return hex_escape(p, start, c);
    }
    if (letter != '\0' && known != NULL) {
        *c = (uint32_t)stands[known - letters];
        p->at++;
        return ARC_OK;
    }
    if ((unsigned char)letter >= 0x80 || (letter >= '0' && letter <= '9') ||
        ((letter | 0x20) >= 'a' && (letter | 0x20) <= 'z') || (unsigned char)letter <= ' ')
        return refuse_escape(p, start, letter);
    *c = (uint32_t)letter;
    p->at++;
    return ARC_OK;
}

static arc_status take_quoted(struct parser *p)
{
    while (more(p) && !skip(p, "\\E")) {
        size_t len = 0;
        uint32_t c = arc__utf8_get(arc__slice_from(p->text, p->at), &len);
        p->at += len;
        ARC_TRY(add_char(p, c));
    }
    return ARC_OK;
}

static arc_status take_escape(struct parser *p)
{
    static const char letters[] = "AzbB";
    static const enum arc_pattern_op ops[] = {ARC_PATTERN_BEGIN, ARC_PATTERN_END, ARC_PATTERN_WORD,
                                              ARC_PATTERN_NOT_WORD};
    size_t start = p->at++, first = p->range_count;
    uint32_t c = 0;
    int is_class = 0;
    if (!more(p))
        return wrong(p, start, "a backslash with nothing after it");
    char letter = p->text.ptr[p->at];
    const char *known = letter != '\0' ? strchr(letters, letter) : NULL;
    if (known != NULL) {
        p->at++;
        return add_atom(p, ops[known - letters], 0);
    }
    if (letter == 'Q') {
        p->at++;
        return take_quoted(p);
    }
    if (letter == 'E') { /* the end of a \Q that was not */
        p->at++;
        return ARC_OK;
    }
    ARC_TRY(add_perl(p, letter, &is_class));
    if (is_class) {
        uint32_t flags = p->flags;
        p->at++;
        p->flags &= ~FLAG_I; /* both cases are in it, or neither */
        arc_status status = add_class(p, first, 0);
        p->flags = flags;
        return status;
    }
    ARC_TRY(char_escape(p, start, &c));
    return add_char(p, c);
}

/* --- bracketed classes ---------------------------------------------------------------------- */

/* [:name:] or [:^name:] inside of brackets. *known 0: there is none here. */
static arc_status add_posix(struct parser *p, int *known)
{
    size_t start = p->at, first = p->range_count;
    *known = 0;
    if (!skip(p, "[:"))
        return ARC_OK;
    int negated = skip(p, "^");
    const char *from = p->text.ptr + p->at;
    const char *end = memmem(from, p->text.len - p->at, ":]", 2);
    if (end == NULL) { /* a bracket and a colon, then */
        p->at = start;
        return ARC_OK;
    }
    *known = 1;
    for (size_t i = 0; i < ARC_COUNT_OF(posix); i++) {
        if (arc__slice_is(arc__slice(from, (size_t)(end - from)), posix[i].name)) {
            p->at += (size_t)(end - from) + 2;
            ARC_TRY(add_pairs(p, posix[i].ranges));
            return negated ? negate(p, first) : ARC_OK;
        }
    }
    return wrong(p, start, "there is no class of this name; [:alpha:] and [:digit:] are two");
}

/* One character of a class. *is_class: it was a whole class, which is added. */
static arc_status class_item(struct parser *p, uint32_t *c, int *is_class)
{
    size_t start = p->at, len = 0;
    *is_class = 0;
    if (p->text.ptr[p->at] == '[') {
        ARC_TRY(add_posix(p, is_class));
        if (*is_class)
            return ARC_OK;
    }
    if (p->text.ptr[p->at] != '\\') {
        *c = arc__utf8_get(arc__slice_from(p->text, p->at), &len);
        p->at += len;
        return ARC_OK;
    }
    p->at++;
    if (!more(p))
        return wrong(p, start, "a backslash with nothing after it");
    ARC_TRY(add_perl(p, p->text.ptr[p->at], is_class));
    if (*is_class) {
        p->at++;
        return ARC_OK;
    }
    return char_escape(p, start, c);
}

static arc_status take_class(struct parser *p)
{
    size_t start = p->at++, first = p->range_count;
    int negated = skip(p, "^"), is_class = 0;
    for (int is_first = 1; is_first || !more(p) || p->text.ptr[p->at] != ']'; is_first = 0) {
        size_t item = p->at;
        uint32_t low = 0, high = 0;
        if (!more(p))
            return wrong(p, start, "a `[` without its `]`");
        ARC_TRY(class_item(p, &low, &is_class));
        if (p->range_count - first > TIDY_AT) /* what says the same again costs no sorting */
            p->range_count =
                first + arc__pattern_tidy(p->ranges + first, (uint32_t)(p->range_count - first));
        if (is_class)
            continue;
        high = low;
        if (p->text.len - p->at >= 2 && p->text.ptr[p->at] == '-' &&
            p->text.ptr[p->at + 1] != ']') {
            p->at++;
            ARC_TRY(class_item(p, &high, &is_class));
            if (is_class || high < low)
                return wrong(p, item, "a range that does not rise from one character to another");
        }
        ARC_TRY(add_range(p, low, high));
    }
    p->at++;
    return add_class(p, first, negated);
}

/* --- groups --------------------------------------------------------------------------------- */

static void open_group(struct parser *p, size_t opened, uint32_t flags)
{
    p->groups[p->depth++] = (struct group){opened, (uint32_t)p->size, (uint32_t)p->size, 0, flags};
    p->has_atom = 0;
}

/* The name of a group and its >; p->at is behind the <. */
static arc_status skip_name(struct parser *p, size_t start)
{
    size_t from = p->at;
    while (more(p)) {
        char c = p->text.ptr[p->at];
        if (c == '_' || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
            p->at++;
        else
            break;
    }
    if (p->at == from || !skip(p, ">"))
        return wrong(p, start, "a name of a group has letters, digits and _, and a `>` after it");
    return ARC_OK;
}

/* (?i), (?s-m), (?i: ; p->at is behind the question mark. *opens: a group begins. */
static arc_status take_flags(struct parser *p, size_t start, int *opens)
{
    static const char letters[] = "imsU";
    uint32_t flags = p->flags;
    int off = 0, any = 0;
    while (more(p)) {
        char c = p->text.ptr[p->at++];
        const char *known = c != '\0' ? strchr(letters, c) : NULL;
        if (known != NULL) {
            uint32_t bit = 1U << (known - letters);
            flags = off ? flags & ~bit : flags | bit;
            any = 1;
        } else if (c == '-' && !off) {
            off = 1;
            any = 0;
        } else if ((c == ')' || c == ':') && (any || (c == ':' && !off))) {
            *opens = c == ':';
            if (*opens)
                open_group(p, start, p->flags);
            p->flags = flags;
            return ARC_OK;
        } else {
            break;
        }
    }
    return wrong(p, start, "after `(?` comes a `:`, a `P<name>` or flags of i, m, s and U");
}

static arc_status take_group(struct parser *p)
{
    size_t start = p->at++;
    int opens = 0;
    if (p->depth == GROUPS_MAX)
        return wrong(p, start, "its groups are nested too deep");
    if (!skip(p, "?")) {
        open_group(p, start, p->flags);
        return ARC_OK;
    }
    if (skip(p, "=") || skip(p, "!") || skip(p, "<=") || skip(p, "<!"))
        return wrong(p, start,
                     "lookahead and lookbehind are not part of it, because they cannot be matched "
                     "in linear time");
    if (skip(p, "P="))
        return wrong(p, start,
                     "backreferences like (?P=name) are not part of it, because they cannot be "
                     "matched in linear time");
    if (skip(p, "P<") || skip(p, "<")) {
        ARC_TRY(skip_name(p, start));
        open_group(p, start, p->flags);
        return ARC_OK;
    }
    p->has_atom = 0;
    return take_flags(p, start, &opens);
}

static arc_status take_branch(struct parser *p)
{
    struct group *group = &p->groups[p->depth - 1];
    p->at++;
    ARC_TRY(insert_split(p, group->branch, (int32_t)(p->size + 2 - group->branch)));
    ARC_TRY(add(p, ARC_PATTERN_JUMP, 0, group->jumps));
    group->jumps = (uint32_t)p->size; /* 1 + its index */
    group->branch = (uint32_t)p->size;
    p->has_atom = 0;
    return ARC_OK;
}

static void close_group(struct parser *p)
{
    struct group *group = &p->groups[--p->depth];
    for (uint32_t jump = group->jumps; jump != 0;) {
        uint32_t before = p->program[jump - 1].arg;
        p->program[jump - 1].jump = (int16_t)(p->size - (jump - 1));
        p->program[jump - 1].arg = 0;
        jump = before;
    }
    p->flags = group->flags;
    p->atom = group->start;
    p->has_atom = 1;
    p->repeated = 0;
}

/* --- repetitions ---------------------------------------------------------------------------- */

#define NO_END UINT32_MAX

static arc_status repeat_least(struct parser *p, uint32_t size, uint32_t least, uint32_t most)
{
    for (uint32_t i = 1; i < least; i++)
        ARC_TRY(copy_code(p, p->atom, size));
    if (most != NO_END)
        return ARC_OK;
    return add(p, ARC_PATTERN_SPLIT, -(int32_t)size, 0); /* back to the last copy */
}

/* The atom at the end of the program, at least and at most so often. */
static arc_status repeat(struct parser *p, uint32_t least, uint32_t most)
{
    uint32_t size = (uint32_t)p->size - p->atom, optional = most - least;
    if (most == 0) {
        p->size = p->atom;
        return ARC_OK;
    }
    if (size == 0)
        return ARC_OK; /* nothing, so often as one likes */
    if (least == 0 && most == NO_END) {
        ARC_TRY(insert_split(p, p->atom, (int32_t)size + 2));
        return add(p, ARC_PATTERN_JUMP, -(int32_t)size - 1, 0);
    }
    if (least > 0)
        ARC_TRY(repeat_least(p, size, least, most));
    if (most == NO_END)
        return ARC_OK;
    if ((uint64_t)optional * (size + 1) > ARC_PATTERN_STATES_MAX)
        return wrong(p, p->at, "it is too large once its repetitions are written out");
    /* x{1,3} is x(x(x)?)?: each split leaves for the end of all. */
    int32_t rest = (int32_t)(optional * (size + 1));
    for (uint32_t i = 0; i < optional; i++, rest -= (int32_t)size + 1) {
        if (i == 0 && least == 0) { /* the atom itself is the first */
            ARC_TRY(insert_split(p, p->atom, rest));
            continue;
        }
        ARC_TRY(add(p, ARC_PATTERN_SPLIT, rest, 0));
        ARC_TRY(copy_code(p, p->atom + (least == 0), size));
    }
    return ARC_OK;
}

/* Digits at *at, which moves behind them. 0: there are none. Large ones stay large. */
static int take_number(const struct parser *p, size_t *at, uint32_t *number)
{
    size_t from = *at;
    *number = 0;
    for (; *at < p->text.len && p->text.ptr[*at] >= '0' && p->text.ptr[*at] <= '9'; (*at)++) {
        if (*number <= REPEAT_MAX)
            *number = *number * 10 + (uint32_t)(p->text.ptr[*at] - '0');
    }
    return *at > from;
}

/* 1: {n}, {n,} or {n,m} stands here and is behind; else the brace is a character. */
static int take_counts(struct parser *p, uint32_t *least, uint32_t *most)
{
    size_t at = p->at + 1;
    if (!take_number(p, &at, least))
        return 0;
    *most = *least;
    if (at < p->text.len && p->text.ptr[at] == ',') {
        at++;
        if (!take_number(p, &at, most))
            *most = NO_END;
    }
    if (at >= p->text.len || p->text.ptr[at] != '}')
        return 0;
    p->at = at + 1;
    return 1;
}

static arc_status take_repeat(struct parser *p)
{
    size_t start = p->at;
    uint32_t least = 0, most = NO_END;
    char c = p->text.ptr[p->at];
    if (c == '{') {
        if (!take_counts(p, &least, &most)) {
            p->at++;
            return add_char(p, '{');
        }
    } else {
        p->at++;
        least = c == '+';
        most = c == '?' ? 1 : NO_END;
    }
    if (!p->has_atom)
        return wrong(p, start,
                     "a repetition of nothing; the character itself has a `\\` before it");
    if (p->repeated)
        return wrong(p, start,
                     "a repetition of a repetition; put the inner one into `(?:` and `)`");
    if (least > REPEAT_MAX || (most != NO_END && most > REPEAT_MAX))
        return wrong(p, start, "more than 1000 repetitions");
    if (most < least)
        return wrong(p, start, "a repetition with the larger number first");
    (void)skip(p, "?"); /* lazy is the same, as nobody asks how much it took */
    p->repeated = 1;
    return repeat(p, least, most);
}

/* --- all of it ------------------------------------------------------------------------------ */

static arc_status take_dot(struct parser *p)
{
    size_t first = p->range_count;
    p->at++;
    if ((p->flags & FLAG_S) != 0)
        return add_atom(p, ARC_PATTERN_ANY, 0);
    ARC_TRY(add_range(p, '\n', '\n'));
    return add_class(p, first, 1);
}

static arc_status take_one(struct parser *p)
{
    int lines = (p->flags & FLAG_M) != 0;
    size_t len = 0;
    switch (p->text.ptr[p->at]) {
    case '(':
        return take_group(p);
    case '|':
        return take_branch(p);
    case ')':
        if (p->depth == 1)
            return wrong(p, p->at, "a `)` without its `(`");
        p->at++;
        /* The jumps end here, behind the last branch. */
        close_group(p);
        return ARC_OK;
    case '*':
    case '+':
    case '?':
    case '{':
        return take_repeat(p);
    case '[':
        return take_class(p);
    case '\\':
        return take_escape(p);
    case '.':
        return take_dot(p);
    case '^':
        p->at++;
        return add_atom(p, lines ? ARC_PATTERN_LINE_BEGIN : ARC_PATTERN_BEGIN, 0);
    case '$':
        p->at++;
        return add_atom(p, lines ? ARC_PATTERN_LINE_END : ARC_PATTERN_END, 0);
    default: {
        uint32_t c = arc__utf8_get(arc__slice_from(p->text, p->at), &len);
        p->at += len;
        return add_char(p, c);
    }
    }
}

static arc_status parse(struct parser *p)
{
    open_group(p, 0, 0);
    while (more(p))
        ARC_TRY(take_one(p));
    if (p->depth > 1)
        return wrong(p, p->groups[p->depth - 1].opened, "a `(` without its `)`");
    close_group(p);
    return add(p, ARC_PATTERN_MATCH, 0, 0);
}

/* The characters that every match begins with, and whether they are all. */
static arc_status find_literal(struct arc_pattern *pattern, struct arc_arena *arena)
{
    const struct arc_pattern_inst *program = pattern->program;
    uint32_t from = 0, at = 0;
    size_t len = 0;
    pattern->at_begin = program[0].op == ARC_PATTERN_BEGIN;
    from = (uint32_t)pattern->at_begin;
    for (at = from; program[at].op == ARC_PATTERN_CHAR; at++)
        continue;
    char *text = arc__arena_alloc(arena, (size_t)(at - from) * 4 + 1);
    if (text == NULL)
        return ARC_ENOMEM;
    for (uint32_t i = from; i < at; i++)
        len += arc__utf8_put(text + len, program[i].arg);
    pattern->literal = arc__slice(text, len);
    pattern->at_end = program[at].op == ARC_PATTERN_END;
    pattern->is_literal = program[at + (uint32_t)pattern->at_end].op == ARC_PATTERN_MATCH;
    return ARC_OK;
}

static void *keep(struct arc_arena *arena, const void *items, size_t count, size_t size)
{
    void *copy = arc__arena_array(arena, count + 1, size);
    if (copy != NULL && count > 0)
        memcpy(copy, items, count * size);
    return copy;
}

static arc_status finish(const struct parser *p, struct arc_arena *arena, struct arc_pattern **out)
{
    struct arc_pattern *pattern = ARC_ARENA_NEW(arena, struct arc_pattern);
    if (pattern == NULL)
        return ARC_ENOMEM;
    pattern->program = keep(arena, p->program, p->size, sizeof(*p->program));
    pattern->classes = keep(arena, p->classes, p->class_count, sizeof(*p->classes));
    pattern->ranges = keep(arena, p->ranges, p->range_count, sizeof(*p->ranges));
    pattern->size = (uint32_t)p->size;
    if (pattern->program == NULL || pattern->classes == NULL || pattern->ranges == NULL)
        return ARC_ENOMEM;
    ARC_TRY(find_literal(pattern, arena));
    *out = pattern;
    return ARC_OK;
}

static arc_status compile(arc_slice text, struct arc_arena *arena, struct arc_pattern **out,
                          struct arc_pattern_fault *fault)
{
    struct parser p = {.text = text, .mem = arena->mem, .fault = fault};
    if (text.len > ARC_PATTERN_BYTES_MAX)
        return wrong(&p, ARC_PATTERN_BYTES_MAX, "it is longer than 1024 bytes");
    size_t bad_at = 0;
    if (!arc__utf8_valid(text, &bad_at))
        return wrong(&p, bad_at, "it is not UTF-8");
    arc_status status = parse(&p);
    if (status == ARC_OK)
        status = finish(&p, arena, out);
    arc__free(&p.mem, p.program);
    arc__free(&p.mem, p.classes);
    arc__free(&p.mem, p.ranges);
    return status;
}

arc_status arc__pattern_compile_once(arc_slice text, struct arc_arena *arena,
                                     const struct arc_pattern **out,
                                     struct arc_pattern_fault *fault)
{
    struct arc_pattern *pattern = NULL;
    ARC_TRY(compile(text, arena, &pattern, fault));
    *out = pattern;
    return ARC_OK;
}

arc_status arc__pattern_compile(arc_slice text, struct arc_arena *arena,
                                const struct arc_pattern **out, struct arc_pattern_fault *fault)
{
    struct arc_pattern *pattern = NULL;
    ARC_TRY(compile(text, arena, &pattern, fault));
    ARC_TRY(arc__pattern_dfa_build(pattern, arena, &pattern->dfa));
    *out = pattern;
    return ARC_OK;
}
