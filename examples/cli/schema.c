/* SPDX-License-Identifier: Apache-2.0 */
/* arcentra schema: the JSON Schema of definitions. */
#include "cli/cli.h"

#include <stdio.h>

int cmd_schema(const struct command *command, int argc, char **argv)
{
    struct arg_list rest = {NULL, 0, NULL};
    arc_err err = ARC_ERR_INIT;
    char *schema = NULL;
    int exit_code = 0;
    if (cli_parse(command, NULL, 0, argc, argv, &rest, 0, 0, &exit_code) == 0) {
        if (arc_schema_copy_json(&schema, &err) == ARC_OK)
            fputs(schema, stdout);
        else
            exit_code = cli_fail("The schema cannot be made: %s", err.message);
    }
    arc_text_free(schema);
    arg_list_deinit(&rest);
    return exit_code;
}
