package main

import (
	"strings"
	"testing"
)

func TestExplainArguments(t *testing.T) {
	for want, args := range map[string]string{
		"write job/NAME or workload/NAME": "pod/x",
		`"job/": write job/NAME`:          "job/",
		"--output \"yaml\"":               "x --output yaml",
		"--samples -1":                    "x --samples -1",
		"--assume-limit 0s":               "x --assume-limit 0s",
		"accepts 1 arg(s)":                "",
		"no cluster to talk to":           "x --kubeconfig /nowhere/at/all",
	} {
		if _, err := fairlead(t, append([]string{"explain"}, strings.Fields(args)...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", args, err, want)
		}
	}
}
