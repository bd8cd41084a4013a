// SPDX-License-Identifier: Apache-2.0

// Evaluations a second of the conditions of expr_bench.c, compiled once, with one virtual machine
// that is used again. Each condition is run over maps, as values of a definition are, and over
// structs, which is the fastest form that the library knows.
package main

import (
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
)

type trigger struct {
	Type   string `expr:"type"`
	Ref    string `expr:"ref"`
	Branch string `expr:"branch"`
	Event  string `expr:"event"`
	Actor  string `expr:"actor"`
}

type variables struct {
	Deploy string `expr:"deploy"`
}

type cell struct {
	Go string `expr:"go"`
	OS string `expr:"os"`
}

type need struct {
	Result string `expr:"result"`
}

type needs struct {
	Build need `expr:"build"`
}

type world struct {
	Trigger   trigger     `expr:"trigger"`
	Variables variables   `expr:"variables"`
	Matrix    cell        `expr:"matrix"`
	Needs     needs       `expr:"needs"`
	Success   func() bool `expr:"success"`
}

func yes() bool { return true }

var structs = world{
	Trigger:   trigger{"event", "refs/heads/main", "main", "push", "kim"},
	Variables: variables{"yes"},
	Matrix:    cell{"1.25", "linux"},
	Needs:     needs{need{"success"}},
	Success:   yes,
}

var maps = map[string]any{
	"trigger": map[string]any{
		"type": "event", "ref": "refs/heads/main", "branch": "main", "tag": "",
		"sha":   "0123456789abcdef",
		"event": "push", "actor": "kim", "requestId": "r1"},
	"variables": map[string]any{"deploy": "yes", "region": "eu-west", "target": "staging"},
	"matrix":    map[string]any{"go": "1.25", "os": "linux"},
	"needs": map[string]any{
		"build": map[string]any{
			"outputs": map[string]any{"tag": "v9"}, "result": "success"},
		"lint": map[string]any{"outputs": map[string]any{}, "result": "success"}},
	"success": yes,
}

var conditions = [][2]string{
	{"branch_and_variable",
		`trigger.branch == "main" && variables.deploy == "yes" && success()`},
	{"needs_and_matrix",
		`needs.build.result == "success" && matrix.os in ["linux", "mac"]`},
	{"tag_or_push",
		`trigger.ref startsWith "refs/tags/v" || trigger.event == "push"`},
	{"one_comparison",
		`variables.deploy == "yes"`},
	{"long_name",
		`trigger.ref matches "^refs/heads/(main|release-.*)$" && trigger.actor != "bot"`},
}

func rate(program *vm.Program, env any, rounds int) (float64, time.Duration, error) {
	var machine vm.VM
	start := time.Now()
	for i := 0; i < rounds; i++ {
		out, err := machine.Run(program, env)
		if err != nil {
			return 0, 0, err
		}
		if out != true {
			return 0, 0, fmt.Errorf("it is %v", out)
		}
	}
	took := time.Since(start)
	return float64(rounds) / took.Seconds(), took, nil
}

func measure(name, text string, env any) error {
	program, err := expr.Compile(text, expr.Env(env), expr.AsBool())
	if err != nil {
		return err
	}
	rounds, rates := 1, []float64{}
	for took := time.Duration(0); took < 200*time.Millisecond; rounds *= 2 {
		if _, took, err = rate(program, env, rounds); err != nil {
			return err
		}
	}
	for i := 0; i < 5; i++ {
		found, _, err := rate(program, env, rounds)
		if err != nil {
			return err
		}
		rates = append(rates, found)
	}
	sort.Float64s(rates)
	fmt.Printf("%-48s %14.1f evals/s  (%.1f to %.1f)\n",
		name, rates[2], rates[0], rates[4])
	return nil
}

func main() {
	for _, condition := range conditions {
		for _, form := range []struct {
			name string
			env  any
		}{{"maps", maps}, {"structs", structs}} {
			err := measure(condition[0]+"_"+form.name, condition[1], form.env)
			if err != nil {
				fmt.Fprintln(os.Stderr, condition[0], form.name, err)
				os.Exit(1)
			}
		}
	}
}
