/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the file store share: file.c has the port and the open steps,
 * file_recover.c finds out how far a log goes. */
#ifndef ARC_LOGS_FILE_PRIVATE_H
#define ARC_LOGS_FILE_PRIVATE_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "logs/file.h"
#include "logs/record.h"

#define INDEX_ENTRY 8u
#define WINDOW_SIZE (4 * ARC_RECORD_SIZE_MAX)
#define BUFFER_KEPT ((size_t)1024 * 1024) /* more is given back after an append */

#define ARC_SIZE_UNSEEN UINT64_MAX

/* A step whose files are open. */
struct step {
    struct arc_link link; /* most recently used last */
    int log_fd, idx_fd;   /* idx_fd is -1 where a reader found no index */
    struct arc_log_info info;
    uint64_t log_size; /* where the next record goes */
    uint64_t last_at;  /* where the last record begins */
    /* Of a shared folder alone: the size of the log when it was last looked at, and the places of
     * the newest lines where the index does not tell them; the index holds those before them. */
    uint64_t seen_size;
    struct arc_buf places;
    size_t run_len, key_len;
    char key[]; /* "<run id>/<step run id>"; no id holds a slash */
};

struct file_logs {
    struct arc_log_store base;
    struct arc_mem mem;
    int dir_fd, shared;
    uint32_t open_count, open_max, unindexed_max;
    struct arc_link recent;
    struct arc_map steps;
    struct arc_buf records, offsets; /* of the append that is being made */
    struct arc_crc32c crc;
    /* What was last read of a log while it is recovered. */
    unsigned char *window;
    uint64_t window_at;
    size_t window_len;
};

static inline arc_slice key_of(const struct step *step)
{
    return arc__slice(step->key, step->key_len);
}

/* ARC_ELIMIT where the disk is full, ARC_EIO otherwise. */
arc_status arc__logs_fail_errno(const char *what, arc_slice name, int number, arc_err *err);
/* 0, or an errno. */
int arc__logs_write_all(int fd, const void *bytes, size_t len, uint64_t at);
arc_status arc__logs_read_exactly(const struct step *step, int fd, void *bytes, size_t len,
                                  uint64_t at, arc_err *err);

/* Forgets what is known of the log. */
void arc__logs_forget(struct step *step);
/* Whatever is behind the last whole append goes. */
arc_status arc__logs_cut(struct step *step, uint64_t log_size, uint64_t idx_size, arc_err *err);
/* Finds the end of a log of which nothing is known, completes its index and cuts torn tails: only
 * for who alone may write it now. */
arc_status arc__logs_recover(struct file_logs *self, struct step *step, arc_err *err);

/* For a folder that is shared. Both answer ARC_ENOTFOUND, which is no error, when the files were
 * removed meanwhile, or when an index has come: then they have to be opened anew. */

/* Takes in what was appended since, by whomever, and writes nothing. After any other failure
 * nothing is known of the log. */
arc_status arc__logs_look(struct file_logs *self, struct step *step, arc_err *err);
/* The same for who holds the lock and is going to write: torn tails are cut. */
arc_status arc__logs_catch_up(struct file_logs *self, struct step *step, arc_err *err);

#endif
