# SPDX-License-Identifier: Apache-2.0
"""Compiles .proto files and prints their FileDescriptorSet as a C array.

    embed.py PROTOC NAME HEADER ROOT... -- FILE... > name.c

NAME is the array's; NAME_len its length; HEADER declares both. ROOTs are where imports are looked
up, beside protoc's own; FILEs are below one of them. Sources and comments are not in it."""
import os
import subprocess
import sys
import tempfile


def compile_set(protoc, roots, files):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "set")
        subprocess.run([protoc, *(f"-I{root}" for root in roots), f"--descriptor_set_out={out}",
                        "--include_imports", *files], check=True)
        with open(out, "rb") as file:
            return file.read()


def main():
    at = sys.argv.index("--")
    protoc, name, header, *roots = sys.argv[1:at]
    data = compile_set(protoc, roots, sys.argv[at + 1:])
    print("/* SPDX-License-Identifier: Apache-2.0 */")
    print("/* Made by lib/wire/embed.py; do not edit. */")
    print(f'#include "{header}"\n')
    print(f"const size_t {name}_len = {len(data)};")
    print(f"const unsigned char {name}[] = {{")
    for line in range(0, len(data), 24):
        print("    " + ",".join(str(byte) for byte in data[line:line + 24]) + ",")
    print("};")


main()
