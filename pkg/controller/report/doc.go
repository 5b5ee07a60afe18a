// Package report tells people what happens: a line in the log for each
// decision, metrics, and one Event for each admission.
//
//	lifecycle --> Reporter --+--> log (JSON, one line a decision)
//	                         +--> pkg/metrics
//	                         +--> Events: a bounded queue, few writers, the rest is dropped
package report
