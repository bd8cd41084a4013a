/* SPDX-License-Identifier: Apache-2.0 */
/* Is the store of this directory a correct one? The same cases that the library's own pass. */
#include <arcentra/sys/store_suite.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal_store.h"

struct place {
    char dir[64], path[96];
    int number; /* of the file; each life of the process has one */
};

static void name_path(struct place *place)
{
    (void)snprintf(place->path, sizeof(place->path), "%s/%d", place->dir, place->number);
}

static arc_store *open_empty(void *user, const arc_env *env, arc_err *err)
{
    struct place *place = user;
    arc_store *store = NULL;
    (void)snprintf(place->dir, sizeof(place->dir), "/tmp/journal-store-XXXXXX");
    if (mkdtemp(place->dir) == NULL)
        return err->status = ARC_EIO, NULL;
    place->number = 0;
    name_path(place);
    if (journal_store_open(env, place->path, &store, err) == ARC_OK)
        return store;
    (void)unlink(place->path);
    (void)rmdir(place->dir);
    return NULL;
}

static void close_all(void *user, arc_store *store)
{
    struct place *place = user;
    store->ops->close(store);
    (void)unlink(place->path);
    (void)rmdir(place->dir);
}

/* What a killed process leaves is the file as it lies: the next one gets a copy of that, with some
 * bytes behind it of a record that was never finished. */
static arc_store *killed(void *user, arc_store *store, const arc_env *env, arc_err *err)
{
    struct place *place = user;
    struct place old = *place;
    arc_store *next = NULL;
    char bytes[4096];
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
    store->ops->close(store);
    (void)unlink(old.path);
    return fine && journal_store_open(env, place->path, &next, err) == ARC_OK ? next : NULL;
}

int main(int argc, char **argv)
{
    struct place place = {"", "", 0};
    arc_store_suite suite = {sizeof(suite), &place, open_empty, close_all, killed, NULL, 0, 0};
    return arc_store_suite_run(&suite, argc > 1 ? argv[1] : NULL) != 0;
}
