/* SPDX-License-Identifier: Apache-2.0 */
#include "common/shell.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/mem.h"
#include "common/text.h"
#include "common/tree.h"

int shell_is(const char *uses)
{
    return strncmp(uses, "shell", 5) == 0 && (uses[5] == '\0' || uses[5] == '@');
}

static int check(const struct shell *shell, char *why, size_t why_size)
{
    struct stat stat_of;
    if (shell->script[0] == '\0') {
        snprintf(why, why_size, "The step has no script: `run` is empty.");
        return 0;
    }
    if (strchr(shell->shell, ' ') != NULL ||
        (shell->shell[0] != '/' && strchr(shell->shell, '/') != NULL)) {
        snprintf(why, why_size, "`shell` is a name such as bash or an absolute path, not `%s`.",
                 shell->shell);
        return 0;
    }
    if (stat(shell->cwd, &stat_of) != 0 || !S_ISDIR(stat_of.st_mode)) {
        snprintf(why, why_size, "There is no directory `%s` in the workspace.", shell->directory);
        return 0;
    }
    return 1;
}

int shell_start(const struct shell *shell, struct proc *out, char *why, size_t why_size)
{
    if (!check(shell, why, why_size))
        return -1;
    struct text path = {NULL, 0, 0};
    text_printf(&path, "%s/script", shell->scratch);
    int failed = tree_make(shell->scratch);
    if (failed == 0)
        failed = tree_write(path.ptr, shell->script, strlen(shell->script), 1);
    if (failed != 0) {
        snprintf(why, why_size, "The script cannot be written to %s: %s.", path.ptr,
                 strerror(failed));
        text_deinit(&path);
        return -1;
    }
    char *name = mem_copy(shell->shell[0] != '\0' ? shell->shell : "/bin/sh");
    char flag[] = "-e";
    char *argv[] = {name, flag, path.ptr, NULL};
    const struct proc_spec spec = {name, argv, shell->env->items, shell->cwd};
    failed = proc_start(&spec, out, why, why_size);
    mem_free(name);
    text_deinit(&path);
    return failed == 0 ? 0 : -1;
}
