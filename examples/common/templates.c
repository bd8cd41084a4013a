/* SPDX-License-Identifier: Apache-2.0 */
#include "common/templates.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/text.h"

/* A template may be as large as a definition; the reader of it says so better than we could. */
#define TEMPLATE_BYTES_MAX (4u << 20)

__attribute__((__format__(__printf__, 3, 4))) static arc_status
refuse(arc_err *err, arc_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    err->status = status;
    return status;
}

/* --- where to look --------------------------------------------------------------------------- */

/* The directory of a file: up to its last slash. */
static void put_directory(const char *file, struct text *out)
{
    const char *slash = file != NULL ? strrchr(file, '/') : NULL;
    text_clear(out);
    if (slash == NULL)
        text_put(out, ".");
    else if (slash == file)
        text_put(out, "/");
    else
        text_add(out, file, (size_t)(slash - file));
}

static size_t dir_count(const struct templates *templates)
{
    return templates->dirs != NULL && templates->dirs->count > 0 ? templates->dirs->count : 1;
}

static void put_dir(const struct templates *templates, size_t index, struct text *out)
{
    text_clear(out);
    if (templates->dirs != NULL && templates->dirs->count > 0)
        text_put(out, templates->dirs->items[index]);
    else
        put_directory(templates->file, out);
}

/* 1: the real path `path` is in the directory `dir`. */
static int is_inside(const char *path, const char *dir)
{
    char *real = realpath(dir, NULL);
    size_t len = real != NULL ? strlen(real) : 0;
    int inside = len == 1 || (len > 0 && strncmp(path, real, len) == 0 && path[len] == '/');
    free(real);
    return inside;
}

static int is_allowed(const struct templates *templates, const char *path)
{
    struct text dir = {NULL, 0, 0};
    int allowed = 0;
    for (size_t i = 0; i < dir_count(templates) && !allowed; i++) {
        put_dir(templates, i, &dir);
        allowed = is_inside(path, text_get(&dir));
    }
    text_deinit(&dir);
    return allowed;
}

/* --- looking --------------------------------------------------------------------------------- */

/* The real path of DIR/NAME with one of the endings; NULL: there is none. */
static char *look_in(const char *dir, const char *name)
{
    static const char *const endings[] = {"", ".yaml", ".yml", ".json"};
    struct text path = {NULL, 0, 0};
    struct stat info;
    char *found = NULL;
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]) && found == NULL; i++) {
        text_clear(&path);
        if (name[0] == '/')
            text_printf(&path, "%s%s", name, endings[i]);
        else
            text_printf(&path, "%s/%s%s", dir, name, endings[i]);
        if (stat(path.ptr, &info) == 0 && S_ISREG(info.st_mode))
            found = realpath(path.ptr, NULL);
    }
    text_deinit(&path);
    return found;
}

static char *look(const struct templates *templates, const arc_include_view *wanted)
{
    const char *name = wanted->template_name;
    struct text dir = {NULL, 0, 0};
    char *found = NULL;
    if (strncmp(name, "./", 2) == 0 || strncmp(name, "../", 3) == 0) {
        put_directory(wanted->from_file, &dir);
        found = look_in(text_get(&dir), name);
    } else {
        for (size_t i = 0; i < dir_count(templates) && found == NULL; i++) {
            put_dir(templates, i, &dir);
            found = look_in(text_get(&dir), name);
        }
    }
    text_deinit(&dir);
    return found;
}

/* The directories, for messages. */
static void put_dirs(const struct templates *templates, struct text *out)
{
    struct text dir = {NULL, 0, 0};
    for (size_t i = 0; i < dir_count(templates); i++) {
        put_dir(templates, i, &dir);
        text_printf(out, "%s%s", i > 0 ? "`, `" : "", text_get(&dir));
    }
    text_deinit(&dir);
}

/* --- reading --------------------------------------------------------------------------------- */

/* What is given away: the text and its name in one piece of memory each. */
struct found {
    struct text text;
    char *name;
};

static void free_found(void *owner)
{
    struct found *found = owner;
    text_deinit(&found->text);
    mem_free(found->name);
    mem_free(found);
}

/* 0 or an errno. */
static int read_file(const char *path, struct text *out)
{
    char buf[8192];
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno;
    while ((got = read(fd, buf, sizeof(buf))) > 0 && out->len < TEMPLATE_BYTES_MAX)
        text_add(out, buf, (size_t)got);
    int failed = got < 0 ? errno : 0;
    close(fd);
    return failed;
}

/* A path below the working directory without it: as people would write it. */
static const char *shown(const char *path, const char *here)
{
    size_t len = here != NULL ? strlen(here) : 0;
    if (len > 1 && strncmp(path, here, len) == 0 && path[len] == '/')
        return path + len + 1;
    return path;
}

static arc_status give(const char *path, arc_include_text *out, arc_err *err)
{
    struct found *found = mem_new(sizeof(*found));
    char *here = realpath(".", NULL);
    found->name = mem_copy(shown(path, here));
    free(here);
    int failed = read_file(path, &found->text);
    if (failed != 0) {
        arc_status status =
            refuse(err, ARC_EIO, "%s cannot be read: %s.", found->name, strerror(failed));
        free_found(found);
        return status;
    }
    out->text = text_get(&found->text);
    out->len = found->text.len;
    out->file = found->name;
    out->owner = found;
    out->free_fn = free_found;
    return ARC_OK;
}

arc_status templates_find(void *user, const arc_include_view *wanted, arc_include_text *out,
                          arc_err *err)
{
    const struct templates *templates = user;
    struct text dirs = {NULL, 0, 0};
    arc_status status;
    if (wanted->library[0] != '\0' || wanted->version[0] != '\0')
        return refuse(err, ARC_EUNIMPLEMENTED,
                      "Templates are files here: they have no `library` and no `version`.");
    char *path = look(templates, wanted);
    put_dirs(templates, &dirs);
    if (path == NULL)
        status = refuse(err, ARC_ENOTFOUND, "There is no such file in `%s`.", text_get(&dirs));
    else if (!is_allowed(templates, path))
        status =
            refuse(err, ARC_EDENIED, "The file is outside of `%s`; --include-dir adds a place.",
                   text_get(&dirs));
    else
        status = give(path, out, err);
    text_deinit(&dirs);
    free(path);
    return status;
}
