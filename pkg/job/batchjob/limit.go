package batchjob

import (
	"math"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
)

// executionTime reads the label of that name, nil if it is empty. ok is false
// if it is no whole number of seconds from 1 to the largest int32.
func executionTime(label string) (seconds *int32, ok bool) {
	if label == "" {
		return nil, true
	}
	number, err := strconv.ParseInt(label, 10, 32)
	if err != nil || number < 1 {
		return nil, false
	}
	return capped(&number), true
}

// ownDeadline is the smaller of the deadline of the Job, after which the job
// controller ends it, and that of its pods, after which kubelets end them: nil
// if there is neither. Both begin anew with each attempt.
func ownDeadline(j *batchv1.Job) *int32 {
	return smaller(capped(j.Spec.ActiveDeadlineSeconds), capped(j.Spec.Template.Spec.ActiveDeadlineSeconds))
}

// capped is a positive number of seconds, at most 68 years; nil stays nil, and
// what is not positive is none.
func capped(seconds *int64) *int32 {
	if seconds == nil || *seconds < 1 {
		return nil
	}
	value := int32(min(*seconds, math.MaxInt32))
	return &value
}

// smaller returns the smaller number; nil counts as infinite.
func smaller(a, b *int32) *int32 {
	if a == nil || b != nil && *b < *a {
		return b
	}
	return a
}
