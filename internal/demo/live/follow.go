package live

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"fairlead.dev/fairlead/internal/demo/observer"
)

// Follower reads a recording while another process writes it.
type Follower struct {
	file    *os.File
	reader  *bufio.Reader
	partial []byte
	// Records is how many lines have been read.
	Records int
}

// Follow opens a recording that is being written.
func Follow(path string) (*Follower, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("following the recording: %w", err)
	}
	return &Follower{file: file, reader: bufio.NewReader(file)}, nil
}

// Next applies the whole lines that were written since the last call.
func (f *Follower) Next(apply func(observer.Record)) error {
	for {
		part, err := f.reader.ReadBytes('\n')
		f.partial = append(f.partial, part...)
		if errors.Is(err, io.EOF) {
			return nil // the rest of the line is yet to be written
		}
		if err != nil {
			return fmt.Errorf("following the recording: %w", err)
		}
		var one observer.Record
		if err := json.Unmarshal(f.partial, &one); err != nil {
			return fmt.Errorf("following the recording: line %d: %w", f.Records+1, err)
		}
		f.partial = f.partial[:0]
		f.Records++
		apply(one)
	}
}

// Close stops following.
func (f *Follower) Close() error { return f.file.Close() }
