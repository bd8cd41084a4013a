// SPDX-License-Identifier: Apache-2.0

// Decodes a YAML file into maps and lists, again and again: peer_go FILE [SECONDS] prints the
// microseconds of processor time of one round and the number of stages.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"go.yaml.in/yaml/v3"
)

func processorTime() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e3
}

func main() {
	runtime.GOMAXPROCS(1)
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	seconds := 0.5
	if len(os.Args) > 2 {
		seconds, _ = strconv.ParseFloat(os.Args[2], 64)
	}
	stages := 0
	round := func() {
		var out map[string]any
		if err := yaml.Unmarshal(text, &out); err != nil {
			panic(err)
		}
		stages = len(out["stages"].([]any))
	}
	round()
	start, rounds := processorTime(), 0
	for rounds < 5 || processorTime()-start < seconds*1e6 {
		round()
		rounds++
	}
	fmt.Printf("%.1f %d\n", (processorTime()-start)/float64(rounds), stages)
}
