# SPDX-License-Identifier: Apache-2.0
"""Decodes a YAML file with PyYAML over libyaml, again and again: peer_py.py FILE [SECONDS] prints
the microseconds of processor time of one round and the number of stages."""
import sys
import time

import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 0.5
stages, rounds, start = 0, 0, time.process_time()
while rounds < 2 or time.process_time() - start < seconds:
    stages = len(yaml.load(text, Loader=yaml.CSafeLoader)["stages"])
    rounds += 1
print(f"{(time.process_time() - start) / rounds * 1e6:.1f} {stages}")
