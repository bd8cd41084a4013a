/* SPDX-License-Identifier: Apache-2.0 */
#include "kill_files.h"

#include <stdio.h>

static int copy_file(const char *from_dir, const char *to_dir, const char *name, const char *end)
{
    char path[160], bytes[8192];
    size_t got = 0;
    (void)snprintf(path, sizeof(path), "%s/%s%s", from_dir, name, end);
    FILE *from = fopen(path, "re");
    if (from == NULL)
        return 1; /* it was not there */
    (void)snprintf(path, sizeof(path), "%s/%s%s", to_dir, name, end);
    FILE *to = fopen(path, "we");
    int fine = to != NULL;
    while (fine && (got = fread(bytes, 1, sizeof(bytes), from)) > 0)
        fine = fwrite(bytes, 1, got, to) == got;
    (void)fclose(from);
    return to != NULL && fclose(to) == 0 && fine;
}

int kill_files_copy(const char *from_dir, const char *to_dir, const char *name)
{
    return copy_file(from_dir, to_dir, name, "") && copy_file(from_dir, to_dir, name, "-wal") &&
           copy_file(from_dir, to_dir, name, ".mark");
}
