/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds a fuzz target every input that was kept for it: whole, handed over byte by byte, and cut at
 * every length (at CUTS_MAX lengths where it is longer). The target ends the process where
 * something does not hold. argv[0] tells the corpus: tests/fuzz/h2srv_test reads
 * tests/fuzz/corpus/h2srv. A file may be named instead. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define CUTS_MAX 256

struct file {
    char *bytes;
    size_t len;
};

static int read_file(const char *path, struct file *file)
{
    FILE *in = fopen(path, "rb");
    long size = -1;
    *file = (struct file){NULL, 0};
    if (in != NULL && fseek(in, 0, SEEK_END) == 0)
        size = ftell(in);
    if (size >= 0 && fseek(in, 0, SEEK_SET) == 0) {
        file->len = (size_t)size;
        file->bytes = malloc(file->len + 1);
    }
    int whole = file->bytes != NULL && fread(file->bytes, 1, file->len, in) == file->len;
    if (in != NULL)
        fclose(in);
    return whole;
}

static void run(const char *bytes, size_t len)
{
    char *copy = fuzz_copy(bytes, len);
    LLVMFuzzerTestOneInput((const uint8_t *)copy, len);
    free(copy);
}

static void whole(const struct file *file)
{
    run(file->bytes, file->len);
}

static void byte_by_byte(const struct file *file)
{
    fuzz_step = 1;
    run(file->bytes, file->len);
    fuzz_step = 0;
}

static void cut(const struct file *file)
{
    size_t stride = file->len / CUTS_MAX + 1;
    for (size_t len = 0; len < file->len; len += stride)
        run(file->bytes, len);
}

static int is_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* All files of a folder, in the order of their names. */
static size_t read_folder(const char *folder, struct file **files)
{
    struct dirent **names = NULL;
    char path[4096 + 256];
    int count = scandir(folder, &names, is_hidden, alphasort);
    size_t done = 0;
    *files = calloc(count > 0 ? (size_t)count : 1, sizeof(**files));
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
        if (*files != NULL && read_file(path, &(*files)[done]))
            done++;
        free(names[i]);
    }
    free(names);
    return done;
}

static void print_case(int number, int ok, const char *text, size_t count, const char *how)
{
    printf("%sok %d - %s: %zu inputs are handled %s\n", ok ? "" : "not ", number, text, count, how);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static void (*const rounds[])(const struct file *file) = {whole, byte_by_byte, cut};
    static const char *const how[] = {"whole", "byte by byte", "cut at every length"};
    const char *top = getenv("top_srcdir"), *slash = strrchr(argv[0], '/');
    struct file one, *files = &one;
    char name[64], folder[4096];
    size_t count = 0;
    snprintf(name, sizeof(name), "%s", slash != NULL ? slash + 1 : argv[0]);
    if (strncmp(name, "lt-", 3) == 0) /* libtool's */
        memmove(name, name + 3, strlen(name + 3) + 1);
    if (strstr(name, "_test") != NULL)
        *strstr(name, "_test") = '\0';
    snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", top != NULL ? top : ".", name);
    if (argc > 1)
        count = (size_t)read_file(argv[1], &one);
    else
        count = read_folder(folder, &files);
    printf("1..3\n");
    for (int i = 0; i < 3; i++) {
        for (size_t k = 0; k < count; k++)
            rounds[i](&files[k]);
        print_case(i + 1, count > 0, name, count, how[i]);
    }
    for (size_t k = 0; k < count; k++)
        free(files[k].bytes);
    if (argc <= 1)
        free(files);
    return count == 0;
}
