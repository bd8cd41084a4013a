/* SPDX-License-Identifier: Apache-2.0 */
/* Checks a definition from memory whose template is in memory too, and shows what it amounts to or
 * what is wrong with it. */
#include <arcentra/spec.h>
#include <stdio.h>
#include <string.h>

static const char definition[] = "namespace: demo\n"
                                 "include:\n"
                                 "  - {template: go, params: {version: \"1.24\"}}\n"
                                 "jobs:\n"
                                 "  - name: pack\n"
                                 "    dependsOn: [test]\n"
                                 "    steps: [{name: tar, run: make dist}]\n";

static const char go[] = "params:\n"
                         "  - {name: version, default: \"1.25\"}\n"
                         "jobs:\n"
                         "  - name: test\n"
                         "    steps: [{name: unit, run: \"go${{ params.version }} test ./...\"}]\n";

/* A host looks into its database, its repository, its network; the text is copied at once. */
static arc_status find(void *user, const arc_include_view *wanted, arc_include_text *out,
                       arc_err *err)
{
    (void)user;
    if (strcmp(wanted->template_name, "go") != 0) {
        snprintf(err->message, sizeof(err->message), "There is only a template `go`.");
        return ARC_ENOTFOUND;
    }
    out->text = go;
    out->len = strlen(go);
    return ARC_OK;
}

int main(int argc, char **argv)
{
    const char *text = argc > 1 ? argv[1] : definition;
    arc_spec_options options = ARC_SPEC_OPTIONS_INIT;
    arc_err err = ARC_ERR_INIT;
    arc_spec *spec = NULL;
    arc_diags *diags = NULL;
    char *shown = NULL;
    options.file = "definition";
    options.resolve = find;
    arc_status status = arc_spec_check(text, strlen(text), &options, &spec, &diags, &err);
    if (status == ARC_OK)
        status = arc_spec_copy_json(spec, &shown, &err);
    else if (diags != NULL && arc_diags_copy_text(diags, ARC_DIAGS_EXCERPT, &shown, NULL) != ARC_OK)
        shown = NULL;
    puts(shown != NULL ? shown : err.message);
    arc_text_free(shown);
    arc_diags_free(diags);
    arc_spec_unref(spec);
    return status == ARC_OK ? 0 : 1;
}
