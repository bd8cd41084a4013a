/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the store share: journal_store.c has the rows and the slots,
 * journal_file.c what lies on the disk. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include "journal_store.h"

#define JOURNAL_NAME_SIZE 256

/* A row is one piece of memory: its struct as the library has it, and its texts behind it. */
struct table {
    void **rows; /* in the order of their keys */
    size_t count, room;
};

struct change {
    uint32_t table;
    void *before, *after; /* NULL: not there */
};

struct journal {
    arc_store base; /* first: what the library sees */
    arc_env env;
    struct table tables[ARC_TABLE_COUNT];
    int in_done;
    /* Of journal_file.c: */
    int dir, fd;                  /* the file and where it is; -1: not open */
    char name[JOURNAL_NAME_SIZE]; /* of the file there, */
    char next[JOURNAL_NAME_SIZE]; /* and of the one that will take its place */
    int64_t size;                 /* of what is whole */
    int64_t live;                 /* of that, what rows that are there would take */
    int64_t compact_bytes, compact_at;
    int broken; /* a write failed, and nothing is acknowledged any more */
    int stuck;  /* the last attempt to make it shorter failed, and it goes on as it is */
};

static inline arc_status fail(arc_err *err, arc_status status, const char *message)
{
    if (err != NULL) {
        *err = (arc_err)ARC_ERR_INIT;
        err->status = status;
        (void)snprintf(err->subject, sizeof(err->subject), "store");
        (void)snprintf(err->message, sizeof(err->message), "%s", message);
    }
    return status;
}

static inline void *resize(struct journal *self, void *ptr, size_t size)
{
    if (self->env.alloc != NULL)
        return self->env.alloc(self->env.user, ptr, size);
    return size > 0 ? realloc(ptr, size) : (free(ptr), NULL);
}

static inline arc_slice *text_at(const void *row, const arc_col_def *col)
{
    return (arc_slice *)(void *)((char *)(uintptr_t)row + col->offset);
}

static inline int64_t *int_at(const void *row, const arc_col_def *col)
{
    return (int64_t *)(void *)((char *)(uintptr_t)row + col->offset);
}

/* One operation in memory, checked against what stands there now. */
arc_status journal_apply(struct journal *self, const arc_store_op *op, struct change *change,
                         arc_err *err);

/* Opens the file, or makes it, and applies what is in it. Whatever happens, journal_file_close. */
arc_status journal_file_open(struct journal *self, const char *path, arc_err *err);
/* Appends what has been applied; ARC_OK: it is on the disk. */
arc_status journal_file_write(struct journal *self, const struct change *changes, size_t count,
                              arc_err *err);
/* Writes the file anew where too much of it is of the past; broken and stuck say how that went. */
void journal_file_compact(struct journal *self);
void journal_file_close(struct journal *self);

#endif
