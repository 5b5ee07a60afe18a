package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/go-logr/logr"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller"
	"fairlead.dev/fairlead/pkg/controller/loop"
	"fairlead.dev/fairlead/pkg/simulation/record"
)

// recordingSize is the default of recording.maxSize.
const recordingSize = 1 << 30

// newEngine returns the engine, behind a recorder if one is configured, and
// what is to be called when the engine is stepped no more.
func newEngine(configuration *configv1beta1.Configuration, log logr.Logger) (engine loop.Engine, done func(), err error) {
	config := controller.EngineConfig(configuration)
	recording := configuration.Recording
	if recording == nil {
		return admission.New(config), func() {}, nil
	}
	if err := os.Rename(recording.Path, recording.Path+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("recording.path: keeping the last recording: %w", err)
	}
	file, err := os.OpenFile(recording.Path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("recording.path: %w: the manager needs a directory that it may write to, or leave recording out", err)
	}
	limit := int64(recordingSize)
	if recording.MaxSize != nil {
		limit = recording.MaxSize.Value()
	}
	recorder := record.New(admission.New(config), config, file, limit)
	recorder.Stopped = func(err error) {
		log.Error(err, "the recording ends here; what is decided is not affected", "path", recording.Path)
	}
	log.Info("recording events and decisions", "path", recording.Path, "maxSize", limit)
	return recorder, func() {
		recorder.Flush()
		if err := file.Close(); err != nil {
			log.Error(err, "closing the recording", "path", recording.Path)
		}
	}, nil
}
