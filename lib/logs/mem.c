/* SPDX-License-Identifier: Apache-2.0 */
#include "logs/mem.h"

#include <stdio.h>

#include "base/list.h"
#include "base/map.h"
#include "logs/lines.h"

#define STEP_LINES_MAX ((size_t)1 << 40) /* memory ends before */

/* The contents of one append, in one piece. */
struct chunk {
    struct chunk *next;
    char bytes[];
};

struct step {
    struct arc_link link; /* among all steps */
    struct arc_log_info info;
    struct arc_log_line *lines;
    size_t capacity;
    struct chunk *chunks;
    size_t run_len;
    size_t key_len;
    char key[]; /* "<run id>/<step run id>"; no id holds a slash */
};

struct mem_logs {
    struct arc_log_store base;
    struct arc_mem mem;
    struct arc_map steps;
    struct arc_link all;
};

static struct mem_logs *self_of(struct arc_log_store *logs)
{
    return ARC_CONTAINER(logs, struct mem_logs, base);
}

/* --- steps ----------------------------------------------------------------------------------- */

static arc_slice make_key(char *out, size_t size, arc_slice run_id, arc_slice step_run_id)
{
    int len = snprintf(out, size, "%.*s/%.*s", ARC_ARG(run_id), ARC_ARG(step_run_id));
    return arc__slice(out, (size_t)len);
}

static struct step *find(const struct mem_logs *self, arc_slice run_id, arc_slice step_run_id)
{
    char key[2 * ARC_LOGS_ID_MAX + 2];
    return arc__map_get(&self->steps, make_key(key, sizeof(key), run_id, step_run_id));
}

static void step_free(struct mem_logs *self, struct step *step)
{
    (void)arc__map_remove(&self->steps, arc__slice(step->key, step->key_len));
    arc__list_remove(&step->link);
    while (step->chunks != NULL) {
        struct chunk *chunk = step->chunks;
        step->chunks = chunk->next;
        arc__free(&self->mem, chunk);
    }
    arc__free(&self->mem, step->lines);
    arc__free(&self->mem, step);
}

static arc_status find_or_add(struct mem_logs *self, arc_slice run_id, arc_slice step_run_id,
                              struct step **out, arc_err *err)
{
    *out = find(self, run_id, step_run_id);
    if (*out != NULL)
        return ARC_OK;
    size_t size = run_id.len + step_run_id.len + 2;
    struct step *step = arc__alloc(&self->mem, sizeof(*step) + size);
    if (step == NULL)
        return arc__fail_nomem(err);
    arc_slice key = make_key(step->key, size, run_id, step_run_id);
    step->key_len = key.len;
    step->run_len = run_id.len;
    arc_status status = arc__map_put(&self->steps, key, step, NULL, err);
    if (status != ARC_OK) {
        arc__free(&self->mem, step);
        return status;
    }
    arc__list_add_tail(&self->all, &step->link);
    *out = step;
    return ARC_OK;
}

/* --- the port -------------------------------------------------------------------------------- */

static arc_status reserve(struct mem_logs *self, struct step *step, size_t count, arc_err *err)
{
    void *lines = step->lines;
    /* Grows as if the last of the new lines were being added. */
    arc_status status =
        arc__grow(&self->mem, &lines, &step->capacity, (size_t)step->info.lines + count - 1,
                  sizeof(*step->lines), STEP_LINES_MAX, err);
    step->lines = lines;
    return status;
}

static arc_status mem_append(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id,
                             struct arc_log_line *lines, size_t count, arc_err *err)
{
    struct mem_logs *self = self_of(logs);
    struct step *step = NULL;
    size_t bytes = 0;
    ARC_TRY(arc__logs_check_ids(run_id, step_run_id, err));
    ARC_TRY(arc__logs_check_lines(lines, count, err));
    if (count == 0)
        return ARC_OK;
    ARC_TRY(find_or_add(self, run_id, step_run_id, &step, err));
    ARC_TRY(arc__logs_check_place(&step->info, lines, err));
    for (size_t i = 0; i < count; i++)
        bytes += lines[i].content.len;
    ARC_TRY(reserve(self, step, count, err));
    struct chunk *chunk = arc__alloc(&self->mem, sizeof(*chunk) + bytes);
    if (chunk == NULL)
        return arc__fail_nomem(err);
    chunk->next = step->chunks;
    step->chunks = chunk;
    char *at = chunk->bytes;
    for (size_t i = 0; i < count; i++) {
        lines[i].number = step->info.lines + 1;
        struct arc_log_line *line = &step->lines[step->info.lines];
        *line = lines[i];
        if (line->content.len > 0)
            memcpy(at, lines[i].content.ptr, line->content.len);
        line->content.ptr = at;
        at += line->content.len;
        arc__logs_count(&step->info, line);
    }
    return ARC_OK;
}

static arc_status mem_info(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id,
                           struct arc_log_info *out, arc_err *err)
{
    ARC_TRY(arc__logs_check_ids(run_id, step_run_id, err));
    const struct step *step = find(self_of(logs), run_id, step_run_id);
    *out = step != NULL ? step->info : (struct arc_log_info){.lines = 0};
    return ARC_OK;
}

static arc_status mem_read(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id,
                           int64_t from, size_t limit, size_t max_bytes, struct arc_arena *arena,
                           struct arc_log_line **lines, size_t *count, arc_err *err)
{
    ARC_TRY(arc__logs_check_ids(run_id, step_run_id, err));
    const struct step *step = find(self_of(logs), run_id, step_run_id);
    size_t first = from > 1 ? (size_t)from - 1 : 0, held = 0, taken = 0, bytes = 0;
    if (step != NULL)
        held = (size_t)step->info.lines;
    while (first + taken < held && taken < limit) {
        size_t len = step->lines[first + taken].content.len;
        if (taken > 0 && (bytes > max_bytes || len > max_bytes - bytes))
            break;
        bytes += len;
        taken++;
    }
    struct arc_log_line *copies = NULL;
    if (taken > 0) {
        copies = arc__arena_array(arena, taken, sizeof(*copies));
        char *at = arc__arena_alloc(arena, bytes);
        if (copies == NULL || at == NULL)
            return arc__fail_nomem(err);
        for (size_t i = 0; i < taken; i++) {
            copies[i] = step->lines[first + i];
            memcpy(at, copies[i].content.ptr, copies[i].content.len);
            copies[i].content.ptr = at;
            at += copies[i].content.len;
        }
    }
    *lines = copies;
    *count = taken;
    return ARC_OK;
}

static void mem_release(struct arc_log_store *logs, arc_slice run_id, arc_slice step_run_id)
{
    (void)logs; /* nothing is kept that would not be needed to read */
    (void)run_id;
    (void)step_run_id;
}

static arc_status mem_remove_run(struct arc_log_store *logs, arc_slice run_id, arc_err *err)
{
    struct mem_logs *self = self_of(logs);
    ARC_TRY(arc__logs_check_id(run_id, "run_id", err));
    ARC_LIST_EACH_SAFE(&self->all, link)
    {
        struct step *step = ARC_CONTAINER(link, struct step, link);
        if (arc__slice_equal(arc__slice(step->key, step->run_len), run_id))
            step_free(self, step);
    }
    return ARC_OK;
}

static void mem_close(struct arc_log_store *logs)
{
    if (logs == NULL)
        return;
    struct mem_logs *self = self_of(logs);
    ARC_LIST_EACH_SAFE(&self->all, link)
    step_free(self, ARC_CONTAINER(link, struct step, link));
    arc__map_deinit(&self->steps);
    struct arc_mem mem = self->mem;
    arc__free(&mem, self);
}

static const struct arc_log_store_ops mem_ops = {
    .size = sizeof(struct arc_log_store_ops),
    .append = mem_append,
    .info = mem_info,
    .read = mem_read,
    .release = mem_release,
    .remove_run = mem_remove_run,
    .close = mem_close,
};

arc_status arc__logs_mem_open(const struct arc_mem *mem, struct arc_log_store **out, arc_err *err)
{
    struct mem_logs *self = arc__alloc(mem, sizeof(*self));
    if (self == NULL)
        return arc__fail_nomem(err);
    self->base.ops = &mem_ops;
    self->mem = *mem;
    arc__map_init(&self->steps, mem, 0, 0); /* the ids are our own */
    arc__list_init(&self->all);
    *out = &self->base;
    return ARC_OK;
}
