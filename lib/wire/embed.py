# SPDX-License-Identifier: Apache-2.0
"""Compiles .proto files and prints their FileDescriptorSet as a C array.

    embed.py PROTOC NAME HEADER ROOT... -- FILE... > name.c

NAME is the array's; NAME_len its length; HEADER declares both. ROOTs are where imports are looked
up, beside protoc's own; FILEs are below one of them. NEW=OLD is the file OLD, below a ROOT, under
the path NEW and in the package that its folder names. Sources and comments are not in it."""
import os
import re
import subprocess
import sys
import tempfile


def package_of(path):
    return os.path.dirname(path).replace("/", ".")


def write_again(roots, folder, new, old):
    """Writes OLD to folder/NEW, with the package of NEW."""
    source = next(path for path in (os.path.join(root, old) for root in roots)
                  if os.path.exists(path))
    with open(source, encoding="utf-8") as file:
        text, count = re.subn(rf"^package {re.escape(package_of(old))};$",
                              f"package {package_of(new)};", file.read(), flags=re.M)
    if count != 1:
        sys.exit(f"{source}: does not say that its package is {package_of(old)}")
    path = os.path.join(folder, new)
    os.makedirs(os.path.dirname(path))
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def compile_set(protoc, roots, files):
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for new, _, old in (file.partition("=") for file in files):
            if old:
                write_again(roots, folder, new, old)
            names.append(new)
        out = os.path.join(folder, "set")
        subprocess.run([protoc, *(f"-I{root}" for root in [*roots, folder]),
                        f"--descriptor_set_out={out}", "--include_imports", *names], check=True)
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
