/* SPDX-License-Identifier: Apache-2.0 */
/* Is the store of this directory a correct one? The same cases that the library's own pass. */
#include <arcentra/sys/store_suite.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal_store.h"

#define COMPACT_BYTES 1 /* whenever half of the journal is of the past */

struct place {
    char dir[64], path[96];
    int number; /* of the file; each life of the process has one */
};

static void name_path(struct place *place)
{
    (void)snprintf(place->path, sizeof(place->path), "%s/%d", place->dir, place->number);
}

static arc_store *open_here(const struct place *place, const arc_env *env, arc_err *err)
{
    arc_store *store = NULL;
    return journal_store_open(env, place->path, COMPACT_BYTES, &store, err) == ARC_OK ? store
                                                                                      : NULL;
}

static arc_store *open_empty(void *user, const arc_env *env, arc_err *err)
{
    struct place *place = user;
    (void)snprintf(place->dir, sizeof(place->dir), "/tmp/journal-store-XXXXXX");
    if (mkdtemp(place->dir) == NULL)
        return err->status = ARC_EIO, NULL;
    place->number = 0;
    name_path(place);
    arc_store *store = open_here(place, env, err);
    if (store == NULL) {
        (void)unlink(place->path);
        (void)rmdir(place->dir);
    }
    return store;
}

static void close_all(void *user, arc_store *store)
{
    struct place *place = user;
    store->ops->close(store);
    (void)unlink(place->path);
    (void)rmdir(place->dir);
}

static int write_file(const char *path, const char *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    int fine = file != NULL && fwrite(bytes, 1, len, file) == len;
    return file != NULL && fclose(file) == 0 && fine;
}

/* What a killed process leaves is the file as it lies: the next one gets a copy of that, with some
 * bytes behind it of a record that was never finished, and beside it the beginning of a journal
 * that was written anew. */
static arc_store *killed(void *user, arc_store *store, const arc_env *env, arc_err *err)
{
    struct place *place = user;
    struct place old = *place;
    char bytes[4096], beside[128];
    size_t got = 0;
    place->number++;
    name_path(place);
    FILE *from = fopen(old.path, "rb"), *to = fopen(place->path, "wb");
    while (from != NULL && to != NULL && (got = fread(bytes, 1, sizeof(bytes), from)) > 0)
        (void)fwrite(bytes, 1, got, to);
    if (to != NULL)
        (void)fwrite("\x40\0\0\0\0\0\0\0of 64 b.torn", 1, 20, to);
    int fine = from != NULL && to != NULL && !ferror(from) && !ferror(to);
    if (from != NULL)
        (void)fclose(from);
    if (to != NULL)
        fine = fclose(to) == 0 && fine;
    (void)snprintf(beside, sizeof(beside), "%s.new", place->path);
    fine = fine && write_file(beside, "arcjrnl1 and so on", 13);
    store->ops->close(store);
    (void)unlink(old.path);
    arc_store *next = fine ? open_here(place, env, err) : NULL;
    if (next != NULL && access(beside, F_OK) == 0)
        (void)snprintf(err->message, sizeof(err->message), "%s was left.", beside);
    return next != NULL && access(beside, F_OK) != 0 ? next : NULL;
}

int main(int argc, char **argv)
{
    struct place place = {"", "", 0};
    arc_store_suite suite = {sizeof(suite), &place, open_empty, close_all, killed, NULL, 0, 0};
    return arc_store_suite_run(&suite, argc > 1 ? argv[1] : NULL) != 0;
}
