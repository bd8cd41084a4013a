/* SPDX-License-Identifier: Apache-2.0 */
/* The program of a pattern as a deterministic automaton: a state is the set of places that wait for
 * a character, and a table says which state follows on each kind of character. It is built whole
 * when the pattern is compiled, and only while it is small and cheap: there are patterns whose
 * automaton doubles with each of their characters, and these stay with the simulation. */
#include <arcentra/base.h>

#include <string.h>

#include "base/text.h"
#include "core/pattern_private.h"

#define WORDS_MAX (ARC_PATTERN_DFA_PLACES_MAX / 64)
#define SLOTS 512u /* a power of two, beyond the states */
#define LETTERS_MAX (128u + ARC_PATTERN_DFA_RANGES_MAX)

/* What the table tells of states is where their row begins; these two have none. Where every match
 * begins with a literal, the first row is of the state in which nothing has begun. */
#define DEAD 0u
#define ACCEPT 1u
#define FIRST 2u

/* Columns of the table that are no characters. */
#define AT_END 0u /* the end of the text: DEAD or ACCEPT */
#define INSIDE 1u /* the rest of a character beyond ASCII: the state stays */
#define COLUMN_FIRST 2u

struct set {
    uint64_t bits[WORDS_MAX];
    uint32_t at_end; /* it matches if the text ends here */
};

struct builder {
    const struct arc_pattern *pattern;
    uint32_t words, work, state_count, columns;
    /* One character for each of those that no part of the pattern tells apart from it: all of
     * ASCII, then the first ones of ranges. */
    uint32_t letters[LETTERS_MAX], letter_count;
    uint8_t column[LETTERS_MAX];                   /* of each letter */
    uint32_t members[ARC_PATTERN_DFA_COLUMNS_MAX]; /* letters of each column */
    uint64_t takers[ARC_PATTERN_DFA_COLUMNS_MAX][WORDS_MAX];
    struct set states[ARC_PATTERN_DFA_STATES_MAX];
    uint16_t slots[SLOTS]; /* 1 + the index of a state; 0: free */
    uint16_t next[ARC_PATTERN_DFA_CELLS_MAX];
    /* Of the set that is being made: */
    struct set set, idle; /* idle: what begins anew before every character */
    uint64_t seen[WORDS_MAX];
    uint16_t todo[ARC_PATTERN_DFA_PLACES_MAX], ends[ARC_PATTERN_DFA_PLACES_MAX];
    uint32_t todo_count, end_count;
    int at_begin, at_end, matched;
};

/* --- kinds of characters -------------------------------------------------------------------- */

/* c is another first one of a range. 0: there are too many. */
static int add_bound(struct builder *b, uint32_t c)
{
    uint32_t at = b->letter_count;
    if (c <= 128 || c > 0x10FFFF)
        return 1;
    while (at > 128 && b->letters[at - 1] >= c)
        at--;
    if (at < b->letter_count && b->letters[at] == c)
        return 1;
    if (b->letter_count == LETTERS_MAX)
        return 0;
    memmove(&b->letters[at + 1], &b->letters[at], (b->letter_count - at) * sizeof(b->letters[0]));
    b->letters[at] = c;
    b->letter_count++;
    return 1;
}

static int add_bounds(struct builder *b, const struct arc_pattern_inst *inst)
{
    const struct arc_pattern *pattern = b->pattern;
    if (inst->op == ARC_PATTERN_CHAR)
        return inst->arg < 128 || (add_bound(b, inst->arg) && add_bound(b, inst->arg + 1));
    const struct arc_pattern_class *class = &pattern->classes[inst->arg];
    b->work += class->count;
    for (uint32_t i = 0; i < class->count; i++) {
        const struct arc_pattern_range *range = &pattern->ranges[class->first + i];
        if (!add_bound(b, range->low) || !add_bound(b, range->high + 1))
            return 0;
    }
    return 1;
}

static uint32_t letter_of(const struct builder *b, uint32_t c)
{
    uint32_t low = 128, high = b->letter_count;
    if (c < 128)
        return c;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (b->letters[middle] <= c)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Moves the letter into a new column, or into *fresh where that is one already. */
static int move_letter(struct builder *b, uint32_t letter, uint8_t *fresh)
{
    if (*fresh == 0) {
        if (b->columns == ARC_PATTERN_DFA_COLUMNS_MAX)
            return 0;
        *fresh = (uint8_t)b->columns++;
    }
    b->members[b->column[letter]]--;
    b->column[letter] = *fresh;
    b->members[*fresh]++;
    return 1;
}

/* No column holds both what the instruction takes and what it does not. 0: too many columns. */
static int refine(struct builder *b, const struct arc_pattern_inst *inst)
{
    uint8_t fresh[ARC_PATTERN_DFA_COLUMNS_MAX] = {0};
    uint32_t taken[ARC_PATTERN_DFA_COLUMNS_MAX] = {0};
    uint8_t takes[LETTERS_MAX];
    if (inst->op == ARC_PATTERN_CHAR) {
        uint32_t letter = letter_of(b, inst->arg);
        return b->members[b->column[letter]] == 1 || move_letter(b, letter, &fresh[0]);
    }
    b->work += b->letter_count / 4;
    for (uint32_t i = 0; i < b->letter_count; i++) {
        takes[i] = (uint8_t)arc__pattern_takes(b->pattern, inst, b->letters[i]);
        taken[b->column[i]] += takes[i];
    }
    for (uint32_t i = 0, end = b->columns; i < end; i++) /* a column that is taken whole stays */
        taken[i] = taken[i] < b->members[i];
    for (uint32_t i = 0; i < b->letter_count; i++) {
        uint8_t column = b->column[i];
        if (takes[i] && taken[column] && !move_letter(b, i, &fresh[column]))
            return 0;
    }
    return 1;
}

/* 1: an instruction that stands here for the first time, and not as a copy in a repetition. Classes
 * are numbered in their order, so a copy has no higher number than what stood before. */
static int is_new(const struct arc_pattern_inst *inst, uint32_t *classes)
{
    if (inst->op == ARC_PATTERN_CHAR)
        return 1;
    if (inst->op != ARC_PATTERN_CLASS || inst->arg < *classes)
        return 0;
    *classes = inst->arg + 1;
    return 1;
}

static void find_takers(struct builder *b)
{
    const struct arc_pattern *pattern = b->pattern;
    uint32_t sample[ARC_PATTERN_DFA_COLUMNS_MAX] = {0};
    for (uint32_t i = 0; i < b->letter_count; i++)
        sample[b->column[i]] = b->letters[i];
    for (uint32_t at = 0; at < pattern->size; at++) {
        const struct arc_pattern_inst *inst = &pattern->program[at];
        uint64_t bit = UINT64_C(1) << (at % 64);
        if (inst->op == ARC_PATTERN_CHAR)
            b->takers[b->column[letter_of(b, inst->arg)]][at / 64] |= bit;
        if (inst->op != ARC_PATTERN_CLASS && inst->op != ARC_PATTERN_ANY)
            continue;
        b->work += b->columns / 4;
        for (uint32_t i = COLUMN_FIRST; i < b->columns; i++) {
            if (arc__pattern_takes(pattern, inst, sample[i]))
                b->takers[i][at / 64] |= bit;
        }
    }
}

static int find_columns(struct builder *b)
{
    const struct arc_pattern *pattern = b->pattern;
    uint32_t classes = 0;
    b->letter_count = 129; /* from 128 on is one range, at first */
    for (uint32_t i = 0; i < b->letter_count; i++)
        b->letters[i] = i;
    for (uint32_t i = 0; i < pattern->size; i++) {
        if (is_new(&pattern->program[i], &classes) && !add_bounds(b, &pattern->program[i]))
            return 0;
    }
    b->columns = COLUMN_FIRST + 1;
    b->members[COLUMN_FIRST] = b->letter_count;
    memset(b->column, COLUMN_FIRST, sizeof(b->column));
    classes = 0;
    for (uint32_t i = 0; i < pattern->size && b->work <= ARC_PATTERN_DFA_WORK_MAX; i++) {
        if (is_new(&pattern->program[i], &classes) && !refine(b, &pattern->program[i]))
            return 0;
    }
    if (b->work <= ARC_PATTERN_DFA_WORK_MAX)
        find_takers(b);
    return b->work <= ARC_PATTERN_DFA_WORK_MAX;
}

/* --- states --------------------------------------------------------------------------------- */

static void mark(struct builder *b, uint32_t at)
{
    uint64_t bit = UINT64_C(1) << (at % 64);
    if ((b->seen[at / 64] & bit) != 0)
        return;
    b->seen[at / 64] |= bit;
    b->todo[b->todo_count++] = (uint16_t)at;
}

/* All that is reached from what is to do without a character. */
static void reach(struct builder *b)
{
    const struct arc_pattern_inst *program = b->pattern->program;
    while (b->todo_count > 0) {
        uint32_t at = b->todo[--b->todo_count];
        b->work++;
        switch (program[at].op) {
        case ARC_PATTERN_MATCH:
            b->matched = 1;
            break;
        case ARC_PATTERN_SPLIT:
            mark(b, (uint32_t)((int32_t)at + program[at].jump));
            mark(b, at + 1);
            break;
        case ARC_PATTERN_JUMP:
            mark(b, (uint32_t)((int32_t)at + program[at].jump));
            break;
        case ARC_PATTERN_BEGIN:
            if (b->at_begin)
                mark(b, at + 1);
            break;
        case ARC_PATTERN_END:
            if (b->at_end)
                mark(b, at + 1);
            else
                b->ends[b->end_count++] = (uint16_t)at;
            break;
        default:
            if (!b->at_end)
                b->set.bits[at / 64] |= UINT64_C(1) << (at % 64);
        }
    }
}

static void begin_set(struct builder *b)
{
    b->set = b->idle;
    memset(b->seen, 0, sizeof(b->seen));
    b->end_count = 0;
    b->matched = b->at_end = 0;
}

/* The places behind those of the words, which took a character. */
static void reach_behind(struct builder *b, const uint64_t *words)
{
    for (uint32_t i = 0; i < b->words; i++) {
        for (uint64_t rest = words[i]; rest != 0; rest &= rest - 1) {
            mark(b, i * 64 + (uint32_t)__builtin_ctzll(rest) + 1);
            reach(b);
        }
    }
}

/* What follows if the text ends here. Nothing takes a character any more. */
static void end_set(struct builder *b)
{
    if (b->matched || b->end_count == 0)
        return;
    b->at_end = 1;
    for (uint32_t i = 0; i < b->end_count; i++)
        mark(b, b->ends[i] + 1u);
    reach(b);
    b->set.at_end |= (uint32_t)b->matched;
    b->matched = 0;
}

static uint32_t row_of(const struct builder *b, uint32_t state)
{
    return FIRST + state * b->columns;
}

/* A row for the set. DEAD, which is no row of its own, says that there is no room. */
static uint32_t add_state(struct builder *b)
{
    uint32_t row = row_of(b, b->state_count);
    if (b->state_count == ARC_PATTERN_DFA_STATES_MAX ||
        row + b->columns > ARC_PATTERN_DFA_CELLS_MAX)
        return DEAD;
    b->states[b->state_count++] = b->set;
    return row;
}

/* The state of the set that was made, in *row. 0: there are too many. */
static int intern(struct builder *b, uint32_t *row)
{
    uint64_t any = b->set.at_end, hash = b->set.at_end;
    for (uint32_t i = 0; i < b->words; i++) {
        any |= b->set.bits[i];
        hash = (hash ^ b->set.bits[i]) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
    }
    *row = b->matched ? ACCEPT : DEAD;
    if (b->matched || any == 0)
        return 1;
    uint32_t slot = (uint32_t)(hash >> 7) % SLOTS;
    for (; b->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
        const struct set *state = &b->states[b->slots[slot] - 1u];
        if (state->at_end == b->set.at_end &&
            memcmp(state->bits, b->set.bits, sizeof(state->bits)) == 0) {
            *row = row_of(b, b->slots[slot] - 1u);
            return 1;
        }
    }
    *row = add_state(b);
    if (*row != DEAD)
        b->slots[slot] = (uint16_t)b->state_count;
    return *row != DEAD;
}

/* Which state is taken first: that of the beginning is like no other, as ^ holds there. Where the
 * literal at the beginning is compared before, the state is the one behind it. */
static int find_start(struct builder *b, uint32_t *start)
{
    const struct arc_pattern *pattern = b->pattern;
    uint32_t idle = DEAD, at = 0;
    begin_set(b);
    mark(b, 0);
    reach(b);
    end_set(b);
    b->idle = b->set;
    if (!intern(b, &idle))
        return 0;
    *start = idle;
    if (idle == ACCEPT)
        return 1;
    b->at_begin = 1;
    if (pattern->at_begin && pattern->literal.len > 0) {
        b->at_begin = 0;
        for (at = 1; pattern->program[at].op == ARC_PATTERN_CHAR; at++)
            continue;
    }
    begin_set(b);
    mark(b, at);
    reach(b);
    end_set(b);
    b->at_begin = 0;
    return intern(b, start);
}

static int fill_row(struct builder *b, uint32_t state, uint32_t idle)
{
    uint16_t *row = &b->next[row_of(b, state)];
    row[AT_END] = b->states[state].at_end ? ACCEPT : DEAD;
    row[INSIDE] = (uint16_t)row_of(b, state);
    for (uint32_t column = COLUMN_FIRST; column < b->columns; column++) {
        uint64_t taking[WORDS_MAX], any = 0;
        uint32_t to = idle;
        b->work++;
        for (uint32_t i = 0; i < b->words; i++)
            any |= taking[i] = b->states[state].bits[i] & b->takers[column][i];
        if (any != 0) {
            begin_set(b);
            reach_behind(b, taking);
            end_set(b);
            if (!intern(b, &to))
                return 0;
        }
        row[column] = (uint16_t)to;
    }
    return b->work <= ARC_PATTERN_DFA_WORK_MAX;
}

/* 0: a bound is exceeded. */
static int build(struct builder *b, uint32_t *start)
{
    uint32_t idle = DEAD;
    if (!find_columns(b) || !find_start(b, start))
        return 0;
    begin_set(b);
    (void)intern(b, &idle); /* it is there, or has no row */
    for (uint32_t i = 0; i < b->state_count; i++) {
        if (!fill_row(b, i, idle))
            return 0;
    }
    return 1;
}

/* --- all of it ------------------------------------------------------------------------------ */

/* Places that ask for what is before and behind them. */
static int is_apt(const struct arc_pattern *pattern)
{
    if (pattern->is_literal || pattern->size > ARC_PATTERN_DFA_PLACES_MAX)
        return 0;
    for (uint32_t i = 0; i < pattern->size; i++) {
        switch (pattern->program[i].op) {
        case ARC_PATTERN_LINE_BEGIN:
        case ARC_PATTERN_LINE_END:
        case ARC_PATTERN_WORD:
        case ARC_PATTERN_NOT_WORD:
            return 0;
        default:
            break;
        }
    }
    return 1;
}

static arc_status keep(const struct builder *b, uint32_t start, struct arc_arena *arena,
                       const struct arc_pattern_dfa **out)
{
    uint32_t cells = row_of(b, b->state_count), wide = b->letter_count - 128;
    struct arc_pattern_dfa *dfa = ARC_ARENA_NEW(arena, struct arc_pattern_dfa);
    uint16_t *next = arc__arena_array(arena, cells, sizeof(*next));
    struct arc_pattern_wide *ranges = arc__arena_array(arena, wide, sizeof(*ranges));
    if (dfa == NULL || next == NULL || ranges == NULL)
        return ARC_ENOMEM;
    memcpy(next, b->next, cells * sizeof(*next));
    for (uint32_t i = 0; i < wide; i++)
        ranges[i] = (struct arc_pattern_wide){b->letters[128 + i], b->column[128 + i]};
    memcpy(dfa->column, b->column, 128);
    memset(dfa->column + 0x80, INSIDE, 0xC0 - 0x80);
    memset(dfa->column + 0xC0, b->column[128], 0x100 - 0xC0);
    dfa->next = next;
    dfa->wide = ranges;
    dfa->wide_count = wide;
    dfa->start = start;
    *out = dfa;
    return ARC_OK;
}

arc_status arc__pattern_dfa_build(const struct arc_pattern *pattern, struct arc_arena *arena,
                                  const struct arc_pattern_dfa **out)
{
    arc_status status = ARC_OK;
    uint32_t start = DEAD;
    *out = NULL;
    if (!is_apt(pattern))
        return ARC_OK;
    struct builder *b = arc__alloc(&arena->mem, sizeof(*b));
    if (b == NULL)
        return ARC_ENOMEM;
    b->pattern = pattern;
    b->words = (pattern->size + 63) / 64;
    if (build(b, &start))
        status = keep(b, start, arena, out);
    arc__free(&arena->mem, b);
    return status;
}

/* --- matching ------------------------------------------------------------------------------- */

static uint32_t wide_column(const struct arc_pattern_dfa *dfa, uint32_t c)
{
    uint32_t low = 0, high = dfa->wide_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (dfa->wide[middle].low <= c)
            low = middle;
        else
            high = middle;
    }
    return dfa->wide[low].column;
}

/* From *at on, until the state is none beyond `last` or `end` is reached. */
static uint32_t walk_wide(const struct arc_pattern_dfa *dfa, arc_slice text, size_t *at, size_t end,
                          uint32_t state, uint32_t last)
{
    while (*at < end) {
        unsigned char c = (unsigned char)text.ptr[*at];
        size_t len = 1;
        uint32_t column = c < 0x80
                              ? dfa->column[c]
                              : wide_column(dfa, arc__utf8_get(arc__slice_from(text, *at), &len));
        *at += len;
        state = dfa->next[state + column];
        if (state <= last)
            break;
    }
    return state;
}

/* The same where no character beyond ASCII is told from another: its first byte stands for it. */
static uint32_t walk(const struct arc_pattern_dfa *dfa, arc_slice text, size_t *at, size_t end,
                     uint32_t state, uint32_t last)
{
    const unsigned char *byte = (const unsigned char *)text.ptr + *at, *stop = byte + (end - *at);
    if (dfa->wide_count > 1)
        return walk_wide(dfa, text, at, end, state, last);
    while (byte < stop) {
        state = dfa->next[state + dfa->column[*byte++]];
        if (state <= last)
            break;
    }
    *at = (size_t)(byte - (const unsigned char *)text.ptr);
    return state;
}

int arc__pattern_dfa_match(const struct arc_pattern *pattern, arc_slice text, uint64_t most,
                           uint64_t *units)
{
    const struct arc_pattern_dfa *dfa = pattern->dfa;
    arc_slice literal = pattern->literal;
    int finds = !pattern->at_begin && literal.len > 0;
    uint64_t work = 0;
    uint32_t state = dfa->start, last = finds ? FIRST : ACCEPT;
    size_t at = 0;
    if (pattern->at_begin && literal.len > 0) {
        if (!arc__slice_starts(text, literal))
            return 0;
        at = literal.len;
    }
    while (state > ACCEPT && at < text.len) {
        size_t from = at;
        if (finds) { /* nothing begins before the next */
            at = arc__pattern_find_literal(pattern, text, at);
            work += ((at <= text.len ? at : text.len) - from) / 8;
            if (at > text.len) {
                *units += work;
                return 0;
            }
            from = at;
        }
        uint64_t left = work < most ? most - work : 0;
        size_t end = text.len - at > left ? at + (size_t)left + 1 : text.len;
        state = walk(dfa, text, &at, end, state, last);
        work += at - from;
        if (work > most && state > ACCEPT && at < text.len) {
            *units += work;
            return ARC_PATTERN_SPENT;
        }
    }
    *units += work;
    if (state > ACCEPT)
        state = dfa->next[state + AT_END];
    return state == ACCEPT;
}
