/* SPDX-License-Identifier: Apache-2.0 */
/* A disk for SQLite that lives in memory and can fail: run full, answer a write or a sync with an
 * error, or lose its power. What was written is safe only when its file was synced; at a loss of
 * power any part of the rest, in sectors of 512 bytes, may be there or not. A sync that fails is
 * worse: any part of what it should have made safe is forgotten, as kernels do, and no later sync
 * brings it back, although it can still be read. */
#ifndef ARC_TEST_DISK_H
#define ARC_TEST_DISK_H

#include <stddef.h>
#include <stdint.h>

#define DISK_NAME "arc-test-disk" /* for sqlite3_vfs */

/* Registers the disk, empty and sound. Once a program; then disk_format. */
int disk_register(void);
/* Forgets all files and all faults. */
void disk_format(void);

/* Keeps the files as they are; and back to these files, without faults. */
void disk_save(void);
void disk_restore(void);

/* Of what disk_save kept just now only that part which is safe. */
void disk_keep_safe(void);

/* Operations that change something: writes, syncs, truncations, deletions. */
uint64_t disk_operations(void);
/* The n-th of them from now, and all behind it when sticky, answers with this code of SQLite's.
 * 0: none. kinds: what counts. */
#define DISK_WRITES 1u
#define DISK_SYNCS 2u
#define DISK_OTHERS 4u
#define DISK_ALL 7u
#define DISK_SHM 8u /* making shared memory, which is not on the disk */
#define DISK_READS 16u
#define DISK_LOCKS 32u
void disk_fail(uint64_t nth, int sticky, int code, unsigned kinds);
/* The errno that SQLite is told with a failure; 0 at first. */
void disk_fail_errno(int number);
/* How many answered so. */
uint64_t disk_failures(void);
/* No file may make the sum of all sizes greater; 0: no limit. */
void disk_limit(size_t bytes);
size_t disk_used(void);
/* All is well again; what was not safe is there or not as the random number wants: nothing of it,
 * half, most, or all. */
void disk_lose_power(uint64_t random);

/* Nothing happens at the n-th operation, but what disk_restore brings back is what a loss of power
 * just before it would leave. 0: none. */
void disk_lose_power_at(uint64_t nth, uint64_t random);

/* The files of which there are bytes, in no order; NULL: no more. What is changed here was never
 * written: it is damage. */
unsigned char *disk_file(size_t index, const char **name, size_t *len);

#endif
