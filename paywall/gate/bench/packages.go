package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// packages runs the benchmarks of the gate and of the token check alone, with
// nothing around them.
func packages(ctx context.Context, p plan) error {
	for pkg, pattern := range map[string]string{"paywall/gate": "Paid|Unpaid", "paywall/token": "Access/cached"} {
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pattern, "-benchmem", "-benchtime", p.benchfor, "github.com/tuppence/tuppence/"+pkg)
		said, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("running the benchmarks of %s: %w\n%s", pkg, err, said)
		}
		for line := range strings.Lines(string(said)) {
			if strings.HasPrefix(line, "Benchmark") {
				fmt.Print(line)
			}
		}
	}
	return nil
}
