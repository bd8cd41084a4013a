/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of definitions as files: the resolver that a program on files gives to arc_spec_check.
 *
 * A name that starts with ./ or ../ is looked for beside the file that includes it, any other in
 * the directories given, in their order; NAME.yaml, NAME.yml and NAME.json are tried too. What is
 * found must lie inside of one of the directories once links are followed, so that a definition
 * from elsewhere cannot read other files. */
#ifndef EXAMPLES_COMMON_TEMPLATES_H
#define EXAMPLES_COMMON_TEMPLATES_H

#include <arcentra/spec.h>

#include "common/args.h"

struct templates {
    const struct arg_list *dirs; /* NULL or empty: the directory of `file` */
    const char *file;            /* the definition; "-" or "(stdin)": the working directory */
};

/* An arc_spec_resolve_fn; user is a struct templates. */
arc_status templates_find(void *user, const arc_include_view *wanted, arc_include_text *out,
                          arc_err *err);

#endif
