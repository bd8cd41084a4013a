/* SPDX-License-Identifier: Apache-2.0 */
/* Breadth first over the worlds that differ, so that the way to what is wrong is a shortest one. Of
 * a state that was met only its print, the move that led to it and the number of the state before
 * are kept; the worlds that wait to be looked into lie in a queue, each as what it differs in from
 * the first. Each state also knows the next one on its calm way, when nothing goes wrong any more
 * and everybody does what is due: at the end all these ways must lead to the end of the run. */
#include <stdlib.h>
#include <string.h>

#include "small.h"

#define NONE UINT32_MAX
#define CHUNK_BYTES (1024u * 1024u)
#define CALM_SHOWN 60

/* --- what waits ------------------------------------------------------------------------------- */

struct chunk {
    struct chunk *next;
    size_t used, taken;
    uint64_t words[CHUNK_BYTES / 8];
};

struct queue {
    struct chunk *first, *last, *spare;
    uint64_t bytes;
};

/* A world is how many words it has and how many stand here for them, and then for every 64 which
 * are not as in the first world, and those. */
static size_t pack(const uint64_t *words, const uint64_t *base, size_t count, uint64_t *out)
{
    size_t len = 1;
    for (size_t at = 0; at < count; at += 64) {
        size_t end = at + 64 < count ? at + 64 : count, mask = len++;
        out[mask] = 0;
        for (size_t i = at; i < end; i++) {
            if (words[i] == base[i])
                continue;
            out[mask] |= UINT64_C(1) << (i - at);
            out[len++] = words[i];
        }
    }
    out[0] = count | (uint64_t)len << 32;
    return len;
}

static size_t unpack(const uint64_t *in, const uint64_t *base, uint64_t *words)
{
    size_t count = (uint32_t)in[0], len = 1;
    memcpy(words, base, count * 8);
    for (size_t at = 0; at < count; at += 64) {
        for (uint64_t mask = in [len++]; mask != 0; mask &= mask - 1)
            words[at + (size_t)__builtin_ctzll(mask)] = in[len++];
    }
    return count;
}

static uint64_t *queue_room(struct queue *queue, size_t words)
{
    struct chunk *chunk = queue->last;
    if (chunk == NULL || chunk->used + words > ARC_COUNT_OF(chunk->words)) {
        chunk = queue->spare != NULL ? queue->spare : malloc(sizeof(*chunk));
        if (chunk == NULL)
            return NULL;
        queue->bytes += queue->spare == NULL ? sizeof(*chunk) : 0;
        queue->spare = NULL;
        chunk->next = NULL;
        chunk->used = chunk->taken = 0;
        if (queue->last != NULL)
            queue->last->next = chunk;
        else
            queue->first = chunk;
        queue->last = chunk;
    }
    return chunk->words + chunk->used;
}

static void queue_close(struct queue *queue)
{
    free(queue->spare);
    while (queue->first != NULL) {
        struct chunk *next = queue->first->next;
        free(queue->first);
        queue->first = next;
    }
}

/* --- what was met ----------------------------------------------------------------------------- */

struct state {
    struct print print;
    uint32_t parent, calm; /* calm: the next on its calm way; itself: an end; NONE: not known */
    uint16_t move, depth;
};

struct search {
    struct lab lab;
    const struct search_options *options;
    struct search_result *out;
    struct state *states;
    uint32_t count, capacity;
    uint32_t *table; /* 1 + number; a power of two of them */
    uint32_t places;
    struct queue queue;
    uint64_t *base, *snapshot, *packed;
    size_t world_words;
};

static uint32_t *find(struct search *s, struct print print)
{
    for (uint64_t at = print.b;; at++) {
        uint32_t *place = &s->table[at & (s->places - 1)];
        if (*place == 0)
            return place;
        const struct print *have = &s->states[*place - 1].print;
        if (have->a == print.a && have->b == print.b)
            return place;
    }
}

static int grow(struct search *s)
{
    uint32_t capacity = s->capacity > 0 ? s->capacity * 2 : 1u << 14;
    struct state *states = realloc(s->states, capacity * sizeof(*states));
    if (states == NULL)
        return 0;
    s->states = states;
    s->capacity = capacity;
    uint32_t *table = calloc(capacity * (size_t)2, sizeof(*table));
    if (table == NULL)
        return 0;
    free(s->table);
    s->table = table;
    s->places = capacity * 2;
    for (uint32_t i = 0; i < s->count; i++)
        *find(s, s->states[i].print) = i + 1;
    return 1;
}

static void note_bytes(struct search *s)
{
    uint64_t bytes = s->queue.bytes + s->capacity * (uint64_t)sizeof(struct state) +
                     s->places * (uint64_t)sizeof(uint32_t);
    if (bytes > s->out->bytes)
        s->out->bytes = bytes;
}

/* The number of the world that the lab holds; *fresh: it was not met before. NONE: memory is out.
 */
static uint32_t meet(struct search *s, uint32_t parent, uint16_t move, int *fresh)
{
    struct print print = world_print(&s->lab);
    if (s->count == s->capacity && !grow(s))
        return NONE;
    uint32_t *place = find(s, print);
    *fresh = *place == 0;
    if (!*fresh)
        return *place - 1;
    size_t words = (world_bytes(&s->lab) + 7) / 8;
    uint64_t *room = queue_room(&s->queue, words + words / 64 + 3);
    if (room == NULL)
        return NONE;
    s->queue.last->used += pack((const uint64_t *)(const void *)s->lab.world, s->base, words, room);
    note_bytes(s);
    uint16_t depth = parent == NONE ? 0 : (uint16_t)(s->states[parent].depth + 1);
    s->states[s->count] = (struct state){print, parent, NONE, move, depth};
    if (depth > s->out->depth)
        s->out->depth = depth;
    *place = ++s->count;
    return s->count - 1;
}

/* --- ways ------------------------------------------------------------------------------------- */

static uint32_t way_to(const struct search *s, uint32_t number, uint16_t *out, uint32_t most)
{
    uint32_t count = s->states[number].depth;
    for (uint32_t at = count; number != 0 && at <= most; number = s->states[number].parent)
        out[--at] = s->states[number].move;
    return count;
}

/* The world of a state, as it was met. */
static int replay(struct search *s, uint32_t number)
{
    uint16_t way[ARC_COUNT_OF(s->out->way)];
    uint32_t count = way_to(s, number, way, ARC_COUNT_OF(way));
    int fine = 1;
    lab_begin(&s->lab);
    for (uint32_t i = 0; i < count && fine; i++)
        fine = move_make(&s->lab, way[i]);
    return fine;
}

static void fail(struct search *s, uint32_t number, uint16_t move, const char *wrong)
{
    struct search_result *out = s->out;
    out->broken = 1;
    (void)snprintf(out->wrong, sizeof(out->wrong), "%s", wrong);
    out->way_count = number == NONE ? 0 : way_to(s, number, out->way, ARC_COUNT_OF(out->way));
    if (move != 0 && out->way_count < ARC_COUNT_OF(out->way))
        out->way[out->way_count++] = move;
}

/* --- two worlds of one print behave in the same way ------------------------------------------- */

static int compare_prints(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct print));
}

/* The prints of all that may come of the world that the lab holds, in order. */
static uint32_t outcomes(struct search *s, struct print *out)
{
    uint16_t moves[MOVES_MAX];
    uint32_t calm, count = moves_list(&s->lab, moves, &calm);
    size_t words = (world_bytes(&s->lab) + 7) / 8;
    uint64_t *copy = s->packed;
    memcpy(copy, s->lab.world, words * 8);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(s->lab.world, copy, words * 8);
        int fine = move_make(&s->lab, moves[i]);
        out[i] = fine ? world_print(&s->lab) : (struct print){0, 0};
    }
    s->lab.wrong[0] = '\0';
    qsort(out, count, sizeof(*out), compare_prints);
    return count;
}

static void look_again(struct search *s, uint32_t number, uint32_t parent, uint16_t move)
{
    struct print one[MOVES_MAX], two[MOVES_MAX];
    uint32_t count = outcomes(s, one);
    s->out->again++;
    if (!replay(s, number) || outcomes(s, two) != count ||
        memcmp(one, two, count * sizeof(*one)) != 0)
        fail(s, parent, move, "print: two worlds with one print behave in different ways");
}

/* --- the search ------------------------------------------------------------------------------- */

static int take(struct search *s)
{
    struct queue *queue = &s->queue;
    struct chunk *chunk = queue->first;
    if (chunk != NULL && chunk->taken == chunk->used && chunk->next != NULL) {
        queue->first = chunk->next;
        queue->bytes -= queue->spare != NULL ? sizeof(*chunk) : 0;
        free(queue->spare);
        queue->spare = chunk;
        chunk = queue->first;
    }
    if (chunk == NULL || chunk->taken == chunk->used)
        return 0;
    const uint64_t *in = chunk->words + chunk->taken;
    s->world_words = unpack(in, s->base, s->snapshot);
    chunk->taken += (size_t)(in[0] >> 32);
    return 1;
}

static int expand(struct search *s, uint32_t number)
{
    uint16_t moves[MOVES_MAX];
    uint32_t calm = 0;
    memcpy(s->lab.world, s->snapshot, s->world_words * 8);
    s->lab.wrong[0] = '\0';
    uint32_t count = moves_list(&s->lab, moves, &calm);
    if (count == 0 || calm == 0) {
        s->out->ends += rules_over(&s->lab) != 0;
        s->states[number].calm = number;
        if (!rules_over(&s->lab))
            fail(s, number, 0, "I7: nothing can happen any more, and the run has not ended");
        return 1;
    }
    for (uint32_t i = 0; i < count && !s->out->broken; i++) {
        int fresh = 0;
        if (i > 0)
            memcpy(s->lab.world, s->snapshot, s->world_words * 8);
        s->out->moves++;
        if (!move_make(&s->lab, moves[i])) {
            fail(s, number, moves[i], s->lab.wrong);
            return 1;
        }
        uint32_t next = meet(s, number, moves[i], &fresh);
        if (next == NONE)
            return 0;
        if (i == 0)
            s->states[number].calm = next;
        if (fresh) {
            desk_probe(&s->lab);
            if (s->lab.wrong[0] != '\0')
                fail(s, next, 0, s->lab.wrong);
        } else if (s->options->twice > 0 && s->out->moves % s->options->twice == 0) {
            look_again(s, next, number, moves[i]);
        }
    }
    return 1;
}

/* Every calm way comes to an end. Colours: on the way that is walked now, or known to end. */
static void check_calm(struct search *s)
{
    uint32_t *length = calloc(s->count, sizeof(*length)); /* 1 + of its way; NONE: being walked */
    for (uint32_t i = 0; length != NULL && i < s->count && !s->out->broken; i++) {
        uint32_t at = i, steps = 0;
        while (length[at] == 0 && s->states[at].calm != at && s->states[at].calm != NONE) {
            length[at] = NONE;
            at = s->states[at].calm;
            steps++;
        }
        if (length[at] == NONE) {
            fail(s, i, 0, "I7: nothing goes wrong any more, and the run does not end");
            break;
        }
        if (length[at] == 0)
            length[at] = 1;
        steps += length[at];
        for (uint32_t k = i; length[k] == NONE; k = s->states[k].calm) {
            length[k] = steps--;
            if (length[k] - 1 > s->out->longest_calm)
                s->out->longest_calm = length[k] - 1;
        }
    }
    free(length);
}

static int run_search(struct search *s)
{
    int fresh = 0;
    uint32_t number = 0;
    lab_begin(&s->lab);
    if (s->lab.wrong[0] != '\0') {
        fail(s, NONE, 0, s->lab.wrong);
        return 1;
    }
    memcpy(s->base, s->lab.world, sizeof(struct world) + HEAP_BYTES);
    if (meet(s, NONE, 0, &fresh) == NONE)
        return 0;
    for (; !s->out->broken && take(s); number++) {
        if (s->options->limit > 0 && s->count >= s->options->limit)
            break;
        if (!expand(s, number))
            return 0;
        if (s->options->progress != NULL && number % 4096 == 0)
            s->options->progress(s->options->user, s->lab.def->name, s->count, s->out->moves,
                                 s->states[number].depth, s->count - number);
    }
    s->out->whole = number == s->count;
    s->out->states = s->count;
    s->out->probes = s->lab.probes;
    if (!s->out->broken)
        check_calm(s);
    return 1;
}

static struct world_def given(const struct world_def *def, const struct search_options *options)
{
    struct world_def out = *def;
    if (options->bads >= 0)
        out.bads_most = (uint32_t)options->bads;
    if (options->asks >= 0)
        out.asks_most = (uint32_t)options->asks;
    return out;
}

int search_world(const struct world_def *def, const struct search_options *options,
                 struct search_result *out)
{
    const struct world_def own = given(def, options);
    const size_t bytes = sizeof(struct world) + HEAP_BYTES;
    struct search *s = calloc(1, sizeof(*s));
    *out = (struct search_result){0};
    if (s == NULL)
        return 0;
    s->options = options;
    s->out = out;
    s->base = calloc(1, bytes);
    s->snapshot = calloc(1, bytes);
    s->packed = calloc(2, bytes);
    int fine = lab_open(&s->lab, &own, options->plant) && s->base != NULL && s->snapshot != NULL &&
               s->packed != NULL && run_search(s);
    lab_close(&s->lab);
    queue_close(&s->queue);
    free(s->base);
    free(s->snapshot);
    free(s->packed);
    free(s->states);
    free(s->table);
    free(s);
    return fine;
}

/* --- telling ---------------------------------------------------------------------------------- */

static void show_calm(struct lab *lab)
{
    uint16_t moves[MOVES_MAX];
    char text[240];
    uint32_t calm = 0;
    printf("and then, though nothing goes wrong any more:\n");
    for (uint32_t i = 0; i < CALM_SHOWN && moves_list(lab, moves, &calm) > 0 && calm > 0; i++) {
        move_show(lab, moves[0], text, sizeof(text));
        printf("      %s\n", text);
        if (!move_make(lab, moves[0]))
            break;
    }
}

void search_show(const struct world_def *def, const struct search_options *options,
                 const struct search_result *result)
{
    const struct world_def own = given(def, options);
    struct lab lab;
    char text[240];
    int fine = lab_open(&lab, &own, options->plant);
    if (fine) {
        lab_begin(&lab);
        printf("world %s: the run is triggered\n", def->name);
    }
    for (uint32_t i = 0; fine && i < result->way_count; i++) {
        uint32_t before = lab.world->log_count;
        move_show(&lab, result->way[i], text, sizeof(text));
        printf("%4u  %s\n", i + 1, text);
        fine = move_make(&lab, result->way[i]);
        for (uint32_t k = before; k < lab.world->log_count; k++) {
            const struct record *record = &lab.world->log[k];
            const char *type =
                arc__event_type_name((enum arc_event_type)record->type) + strlen("arcentra.");
            printf("          -> %s", type);
            if (record->job >= 0)
                printf(" job %d", record->job);
            if (record->step >= 0)
                printf(" step %d", record->step);
            printf("\n");
        }
    }
    if (fine && strstr(result->wrong, "does not end") != NULL)
        show_calm(&lab);
    printf("%s\n", result->wrong);
    lab_close(&lab);
}
