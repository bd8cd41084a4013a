/* SPDX-License-Identifier: Apache-2.0 */
/* A file of a store is changed at rest, anywhere: one bit, some bytes, a sector. Opening and
 * reading all of it gives an error or the right answer. The files are those of a store that was
 * closed, of one whose process was killed, and of one that lost its power: there what was damaged
 * behind the last sync of the mark cannot be told from what was never written, and is counted
 * apart. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "soak.h"
#include "test_disk.h"

#define MARK_COMMITS 10

enum { CLOSED, KILLED, UNPOWERED, KINDS };

struct image {
    const char *path;
    uint64_t world;
    int64_t there, marked; /* batches; the mark was synced with so many or later */
    int kind;
};

static struct arc_store *open_on_disk(const char *path, int skip, arc_err *err)
{
    struct arc_store_sqlite_options options = ARC_STORE_SQLITE_OPTIONS_INIT;
    options.vfs = DISK_NAME;
    options.checkpoint_pages = 60;
    options.reserve_bytes = 0;
    options.mark_commits = MARK_COMMITS;
    options.skip_quick_check = skip;
    return soak_open(path, &options, err);
}

/* The store is left open where its process dies: nothing of it is used again. */
static void make_image(struct image *image, uint64_t world)
{
    image->world = world;
    image->kind = (int)(world % KINDS);
    image->there = 60 + (int64_t)(world / 3 % 40);
    image->marked = image->there - MARK_COMMITS;
    disk_format();
    struct arc_store *store = open_on_disk(image->path, 1, NULL);
    for (int64_t number = 1; store != NULL && number <= image->there; number++) {
        if (soak_say(store, world, number, NULL) != ARC_OK ||
            store->ops->dispatch(store, NULL) != ARC_OK)
            abort();
    }
    if (store == NULL)
        abort();
    disk_save();
    if (image->kind == UNPOWERED)
        disk_keep_safe();
    store->ops->close(store); /* of what is not looked at any more */
    disk_restore();
    if (image->kind == CLOSED) {
        store = open_on_disk(image->path, 1, NULL);
        if (store == NULL)
            abort();
        store->ops->close(store);
        disk_save();
    }
}

static void damage(uint64_t *random, char *what, size_t size)
{
    const char *name = "";
    size_t len = 0, total = 0, count = 0;
    for (; disk_file(count, &name, &len) != NULL; count++)
        total += len;
    size_t at = soak_random(random) % total, index = 0;
    unsigned char *bytes = disk_file(0, &name, &len);
    if (soak_random(random) % 8 == 0) { /* the small ones would hardly be met */
        index = soak_random(random) % count;
        bytes = disk_file(index, &name, &len);
        at = soak_random(random) % len;
    }
    while (at >= len) {
        at -= len;
        bytes = disk_file(++index, &name, &len);
    }
    size_t span = 1, kind = soak_random(random) % 8;
    if (kind < 5)
        bytes[at] ^= (unsigned char)(1u << soak_random(random) % 8);
    else
        span = kind < 7 ? 1 + soak_random(random) % 8 : 512;
    span = span < len - at ? span : len - at;
    for (size_t i = 0; kind >= 5 && i < span; i++)
        bytes[at + i] = kind == 6 ? 0 : (unsigned char)soak_random(random);
    const char *slash = strrchr(name, '/');
    snprintf(what, size, "%s, byte %zu, %zu changed", slash != NULL ? slash + 1 : name, at, span);
}

static void live(struct soak *soak, const struct image *image, uint64_t life, uint64_t random)
{
    char what[96], why[300];
    arc_err err = ARC_ERR_INIT;
    disk_restore();
    damage(&random, what, sizeof(what));
    struct arc_store *store = open_on_disk(image->path, (int)(life % 2), &err);
    int64_t heard = store != NULL ? soak_heard(store, image->world) : -1;
    soak_count(soak, "refused at opening", store == NULL);
    soak_count(soak, "refused at reading", store != NULL && heard == -1);
    soak_count(soak, "answered rightly", heard == image->there);
    if (store != NULL)
        store->ops->close(store);
    if (heard == -1 || heard == image->there)
        return;
    if (image->kind == UNPOWERED && heard >= image->marked && heard < image->there) {
        soak_count(soak, "ended early behind the mark's last sync", 1);
        return;
    }
    snprintf(why, sizeof(why), "%s: %lld there, %lld read, %lld marked, kind %d", what,
             (long long)image->there, (long long)heard, (long long)image->marked, image->kind);
    soak_fail(soak, life, "a wrong answer", why);
}

void soak_flips(struct soak *soak)
{
    struct image image = {.world = 0};
    char dir[] = "/tmp/arc-soak-XXXXXX", path[64], name[80];
    if (mkdtemp(dir) == NULL || !disk_register())
        abort();
    snprintf(path, sizeof(path), "%s/x.db", dir);
    image.path = path;
    for (uint64_t life = soak->from; life <= soak->to; life++) {
        uint64_t random = soak_begin(soak, life), world = soak->seed * 1000 + life / 50;
        if (life == soak->from || life % 50 == 0)
            make_image(&image, world);
        live(soak, &image, life, random);
        soak->lives++;
    }
    static const char *const ends[] = {"", ".lock", ".mark"};
    disk_format();
    for (size_t i = 0; i < ARC_COUNT_OF(ends); i++) {
        snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        (void)remove(name);
    }
    (void)remove(dir);
}
