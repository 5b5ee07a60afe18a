// Package job is the door through which every kind of job enters: one small
// interface, Kind, with one folder for each kind behind it, and what all kinds
// share. Everything here is pure: objects in, descriptions and patches out.
//
//	             +--> State      (queue, suspended, finished ...)
//	job object --+--> PodSets    (its shape) --> Workload to create or update
//	             +--> Start, Suspend, Restore --> one JSON patch each
//
// Reading and writing are the caller's (pkg/controller).
package job
