/* SPDX-License-Identifier: Apache-2.0 */
#include "common/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/text.h"
#include "shim.h"

static char top[] = "/tmp/tree_test_XXXXXX";

static const char *under(char *buf, const char *name)
{
    snprintf(buf, 256, "%s/%s", top, name);
    return buf;
}

static void names_that_leave_are_refused(void)
{
    static const char *const good[] = {"", "a", "a/b.c/d-e", "..a", "a..", ".hidden"};
    static const char *const bad[] = {"/a",   "..", ".",     "a/..", "../a",
                                      "a//b", "a/", "a/./b", "a\nb", "\x7F"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        CHECK(tree_is_inside(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!tree_is_inside(bad[i]));
    char part[300];
    memset(part, 'x', sizeof(part));
    part[256] = '\0';
    CHECK(!tree_is_inside(part));
    part[255] = '\0';
    CHECK(tree_is_inside(part));
}

static void directories_are_made_private(void)
{
    char path[256];
    struct stat stat_of;
    CHECK_INT(tree_make(under(path, "made/a/b")), 0);
    CHECK(stat(path, &stat_of) == 0 && (stat_of.st_mode & 0777) == 0700);
    CHECK_INT(tree_make(path), 0);
    CHECK_INT(tree_write(under(path, "file"), "x", 1, 0), 0);
    CHECK_INT(tree_make(path), ENOTDIR);
    CHECK_INT(tree_make(under(path, "file/below")), ENOTDIR);
}

static void files_are_written_for_their_owner(void)
{
    char path[256], buf[8] = "";
    struct stat stat_of;
    CHECK_INT(tree_write(under(path, "secret"), "one", 3, 0), 0);
    CHECK_INT(tree_write(path, "two", 3, 0), 0);
    CHECK(stat(path, &stat_of) == 0 && (stat_of.st_mode & 0777) == 0600);
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && read(fd, buf, sizeof(buf)) == 3 && memcmp(buf, "two", 3) == 0);
    close(fd);
    CHECK_INT(tree_write(under(path, "script"), "", 0, 1), 0);
    CHECK(stat(path, &stat_of) == 0 && (stat_of.st_mode & 0777) == 0700);
    CHECK_INT(tree_write(under(path, "missing/file"), "x", 1, 0), ENOENT);
}

static void a_file_is_replaced_whole_and_keeps_its_permissions(void)
{
    char path[256], link[256], buf[8] = "";
    struct stat stat_of;
    CHECK_INT(tree_write(under(path, "kept"), "one", 3, 0), 0);
    CHECK_INT(chmod(path, 0640), 0);
    CHECK_INT(symlink("kept", under(link, "to-kept")), 0);
    CHECK_INT(tree_replace(link, "four", 4), 0);
    CHECK(lstat(link, &stat_of) == 0 && S_ISLNK(stat_of.st_mode));
    CHECK(stat(path, &stat_of) == 0 && (stat_of.st_mode & 0777) == 0640);
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && read(fd, buf, sizeof(buf)) == 4 && memcmp(buf, "four", 4) == 0);
    close(fd);
    CHECK_INT(tree_replace(under(path, "none"), "x", 1), ENOENT);
}

static void a_tree_is_removed_and_links_are_not_followed(void)
{
    char path[256], outside[256];
    CHECK_INT(tree_make(under(path, "tree/deep/er")), 0);
    CHECK_INT(tree_write(under(path, "tree/deep/file"), "x", 1, 0), 0);
    CHECK_INT(tree_make(under(outside, "outside")), 0);
    CHECK_INT(tree_write(under(path, "outside/kept"), "x", 1, 0), 0);
    CHECK(symlink(under(outside, "outside"), under(path, "tree/link")) == 0);
    CHECK(chmod(under(path, "tree/deep"), 0500) == 0);
    CHECK_INT(tree_remove(under(path, "tree")), 0);
    CHECK(access(path, F_OK) != 0);
    CHECK(access(under(path, "outside/kept"), F_OK) == 0);
    CHECK_INT(tree_remove(under(path, "tree")), 0);
    CHECK_INT(tree_remove(under(path, "outside/kept")), 0);
}

static const struct test tests[] = {
    {"names that leave the top are refused", names_that_leave_are_refused},
    {"directories are made private", directories_are_made_private},
    {"files are written whole and for their owner", files_are_written_for_their_owner},
    {"a file is replaced whole and keeps its permissions",
     a_file_is_replaced_whole_and_keeps_its_permissions},
    {"a tree is removed and its links are not followed",
     a_tree_is_removed_and_links_are_not_followed},
};

int main(int argc, char **argv)
{
    if (mkdtemp(top) == NULL)
        return 99;
    int answer = test_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
    return tree_remove(top) == 0 ? answer : 99;
}
