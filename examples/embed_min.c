/* SPDX-License-Identifier: Apache-2.0 */
/* The least that runs a pipeline in your own program. */
#include <arcentra/arcentra.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

static arc_status greet(void *user, const arc_step_view *step, arc_err *err)
{
    printf("%s says hello\n", step->job_name);
    return arc_step_end(user, step->token, ARC_STEP_SUCCESS, 0, NULL, err);
}

int main(void)
{
    static const char text[] = "{namespace: demo, jobs: [{name: a, steps: [{name: s, uses: hi}]}]}";
    char run[ARC_ID_SIZE] = "";
    arc_err err = ARC_ERR_INIT;
    arc_ctl *ctl = NULL;
    arc_spec *spec = NULL;
    if (arc_ctl_open(NULL, &ctl, &err) != ARC_OK ||
        arc_ctl_executor(ctl, "hi", &(arc_executor){sizeof(arc_executor), greet, NULL, ctl},
                         &err) ||
        arc_spec_parse(text, strlen(text), ARC_FORMAT_IS_YAML, NULL, &spec, NULL, &err) ||
        arc_run_start(ctl, spec, NULL, run, &err) != ARC_OK)
        return fprintf(stderr, "%s: %s\n", err.subject, err.message), 1;
    while (arc_ctl_dispatch(ctl, 0, &err) == ARC_OK &&
           !arc_run_state_is_terminal(arc_run_get_status(ctl, run)))
        poll(&(struct pollfd){arc_ctl_fd(ctl), POLLIN, 0}, 1, arc_ctl_timeout_ms(ctl));
    printf("%s\n", arc_run_state_name(arc_run_get_status(ctl, run)));
    arc_spec_unref(spec);
    arc_ctl_close(ctl);
    return 0;
}
