package observer

import (
	"fmt"
	"os"
)

// LoadRecording reads a recording from a file.
func LoadRecording(path string) (*Recording, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the recording: %w", err)
	}
	defer func() { _ = file.Close() }()
	return ReadRecording(file)
}

// LoadManifest reads a manifest from a file.
func LoadManifest(path string) (*Manifest, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the manifest: %w", err)
	}
	defer func() { _ = file.Close() }()
	return ReadManifest(file)
}
