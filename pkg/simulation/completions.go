package simulation

// completion is the end of a job that runs, or of its pods after an eviction.
type completion struct {
	at  int64 // Unix nanoseconds
	job int32
	// attempt tells it from the end of an earlier start, which never came.
	attempt int32
	// gone: the job was evicted, and its pods are gone now.
	gone bool
}

// before orders completions: by time, then by job.
func (c completion) before(o completion) bool {
	if c.at != o.at {
		return c.at < o.at
	}
	return c.job < o.job
}

// completions is a binary heap with the earliest first.
type completions []completion

func (h *completions) push(c completion) {
	*h = append(*h, c)
	list := *h
	i := len(list) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !c.before(list[up]) {
			break
		}
		list[i] = list[up]
		i = up
	}
	list[i] = c
}

func (h *completions) pop() completion {
	list := *h
	first, last := list[0], list[len(list)-1]
	list = list[:len(list)-1]
	*h = list
	i := 0
	for {
		down := 2*i + 1
		if down >= len(list) {
			break
		}
		if down+1 < len(list) && list[down+1].before(list[down]) {
			down++
		}
		if !list[down].before(last) {
			break
		}
		list[i] = list[down]
		i = down
	}
	if len(list) > 0 {
		list[i] = last
	}
	return first
}
