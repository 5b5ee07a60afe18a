package budget

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Entry is one answered request of the audit log.
type Entry struct {
	User string
	// Verb is the API's: create, update, patch, get, list, watch ...
	Verb string
	// Path is the resource with its subresource, as in "jobs/status".
	Path            string
	Namespace, Name string
	Code            int
	// Terminating says that the request was refused because its namespace is
	// being deleted.
	Terminating bool
	// Received and Answered are the API server's times.
	Received, Answered time.Time
}

// IsWrite says whether the request was to change something.
func (e *Entry) IsWrite() bool {
	switch e.Verb {
	case "create", "update", "patch", "delete", "deletecollection":
		return true
	}
	return false
}

// Succeeded says whether the server did what it was asked for.
func (e *Entry) Succeeded() bool { return e.Code >= 200 && e.Code < 300 }

// auditEvent is the part of audit.k8s.io/v1 Event that is read.
type auditEvent struct {
	Stage     string `json:"stage"`
	Verb      string `json:"verb"`
	User      struct{ Username string }
	ObjectRef struct {
		Resource, Subresource, Namespace, Name string
	} `json:"objectRef"`
	ResponseStatus struct {
		Code    int
		Message string
	} `json:"responseStatus"`
	RequestReceivedTimestamp time.Time `json:"requestReceivedTimestamp"`
	StageTimestamp           time.Time `json:"stageTimestamp"`
}

// Read reads an audit log of one JSON line an event. A last line without its
// end is left out: the server is still writing it.
func Read(r io.Reader) ([]Entry, error) {
	var entries []Entry
	reader := bufio.NewReaderSize(r, 1<<20)
	for number := 1; ; number++ {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the audit log, line %d: %w", number, err)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var event auditEvent
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("read the audit log, line %d: %w", number, err)
		}
		if event.Stage != "ResponseComplete" && event.Stage != "Panic" {
			continue
		}
		path := event.ObjectRef.Resource
		if event.ObjectRef.Subresource != "" {
			path += "/" + event.ObjectRef.Subresource
		}
		entries = append(entries, Entry{
			User: event.User.Username, Verb: event.Verb, Path: path,
			Namespace: event.ObjectRef.Namespace, Name: event.ObjectRef.Name, Code: event.ResponseStatus.Code,
			Terminating: strings.Contains(event.ResponseStatus.Message, "because it is being terminated"),
			Received:    event.RequestReceivedTimestamp, Answered: event.StageTimestamp,
		})
	}
}

// ReadFile reads the audit log at path.
func ReadFile(path string) ([]Entry, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the audit log: %w", err)
	}
	defer func() { _ = f.Close() }()
	return Read(f)
}
