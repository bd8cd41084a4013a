# SPDX-License-Identifier: Apache-2.0
"""What a build without gRPC has where the others serve and connect: every function of the headers
given, answering that it is not there. So the headers stay the one list of functions.

    no_grpc.py HEADER... > no_grpc.c"""
import os
import re
import sys

FUNCTION = re.compile(r"^ARC_API\s+(?:ARC_MUST_USE\s+)?([\w\s]+?[\s*]+)(arc_\w+)\s*\(([^;]*)\)\s*;",
                      re.M)
START = """/* SPDX-License-Identifier: Apache-2.0 */
/* Made by lib/face/no_grpc.py: a build without gRPC. */
#include <arcentra/client.h>
#include <arcentra/server.h>

#include "face/ctl_private.h"
"""
# Of the control plane's dispatch, which has no servers then.
END = """
void arc__servers_dispatch(struct arc_ctl *ctl)
{
    (void)ctl;
}

void arc__servers_tick(struct arc_ctl *ctl)
{
    (void)ctl;
}

uint64_t arc__servers_deadline(const struct arc_ctl *ctl)
{
    (void)ctl;
    return UINT64_MAX;
}

void arc__servers_close(struct arc_ctl *ctl)
{
    (void)ctl;
}
"""


def answer(returns, name):
    """The statement that a function ends with."""
    if returns == "void":
        return ""
    if returns == "arc_status":
        return ('    return arc__fail(err, ARC_EUNIMPLEMENTED, "grpc",\n'
                '                     "This build of libarcentra has no gRPC.");\n')
    if returns == "const char *":
        return '    return "This build of libarcentra has no gRPC.";\n'
    if returns.endswith("*"):
        return "    return NULL;\n"
    # Nothing is open, so nothing is left to wait for.
    if name.endswith(("_drained", "_is_over", "_is_draining")):
        return "    return 1;\n"
    return "    return -1;\n" if name.endswith(("_fd", "_timeout_ms")) else "    return 0;\n"


def stub(returns, name, parameters):
    names = []
    for parameter in parameters.split(","):
        # A function's name stands before its own parameters.
        pointer = re.search(r"\(\*(\w+)\)", parameter)
        word = pointer or re.search(r"(\w+)\s*$", parameter)
        if parameter.strip() != "void" and word:
            names.append(word.group(1))
    used = "err" if returns == "arc_status" else None
    voids = "".join(f"    (void){one};\n" for one in names if one != used)
    return (f"\n{returns}{'' if returns.endswith('*') else ' '}{name}({parameters})\n"
            f"{{\n{voids}{answer(returns, name)}}}\n")


def main():
    out = [START]
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
        found = FUNCTION.findall(text)
        if not found:
            sys.exit(f"{os.path.basename(path)} declares no function")
        for returns, name, parameters in found:
            out.append(stub(" ".join(returns.split()), name, " ".join(parameters.split())))
    out.append(END)
    sys.stdout.write("".join(out))


main()
