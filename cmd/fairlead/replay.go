package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/simulate"
)

// runReplay is `fairlead simulate --replay`.
func runReplay(cmd *cobra.Command, flags *simulateFlags) error {
	file, err := os.Open(flags.replay)
	if err != nil {
		return fmt.Errorf("--replay: %w", err)
	}
	defer func() { _ = file.Close() }()
	var log io.Writer
	done, err := create("--decision-log", flags.decisionLog, &log)
	if err != nil {
		return err
	}
	summary, err := simulate.Replay(file, log)
	if err := errors.Join(err, done()); err != nil {
		return fmt.Errorf("recording %s: %w", flags.replay, err)
	}
	if flags.output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(summary)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d events in %s, %d decisions in %d passes, of which %d were recorded and are the same (sum %s)\n", summary.Events,
		time.Duration(summary.Last-summary.First).Round(time.Millisecond), summary.Decisions, summary.Passes, summary.Compared, summary.Sum)
	if err == nil && summary.Truncated {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), "The last line is incomplete: the recorder was ended there. All before it was compared.")
	}
	return err
}
