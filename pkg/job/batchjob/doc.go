// Package batchjob makes batch/v1 Jobs a kind of job for Fairlead.
//
//	Job --trim.go--> trimmed Job --+--> state.go   queue, suspended, idle, finished
//	                               +--> count.go   pods wanted --> podset.go  shape
//	                               +--> patches.go start, suspend, restore
package batchjob
