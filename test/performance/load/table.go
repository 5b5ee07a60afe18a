package load

import "time"

// Table lists the loads that the benchmark knows. A new one is one more entry.
func Table() []Load {
	return []Load{
		{
			Name:  "J1",
			About: "1,000 one-pod Jobs of 1 s, ample quota",
			Kind:  Jobs, Cohorts: 1, QueuesPerCohort: 1,
			Nominal: 2560, BorrowingLimit: Unlimited,
			Nodes: 20, NodeCPU: 128,
			Classes: []Class{{Name: "small", Count: 1000, Cores: 1, RunTime: time.Second}},
		},
		{
			Name:  "J2",
			About: "1,000 one-core Jobs of 2 s, quota 100 cores",
			Kind:  Jobs, Cohorts: 1, QueuesPerCohort: 1,
			Nominal: 100, BorrowingLimit: Unlimited,
			Nodes: 20, NodeCPU: 128, FloorCores: 100,
			Classes: []Class{{Name: "small", Count: 1000, Cores: 1, RunTime: 2 * time.Second}},
		},
		{
			Name:  "idle",
			About: "300 one-pod Jobs, four a second, ample quota: latency of a system at rest",
			Kind:  Jobs, Cohorts: 1, QueuesPerCohort: 1,
			Nominal: 2560, BorrowingLimit: Unlimited,
			Nodes: 20, NodeCPU: 128,
			Classes: []Class{{Name: "small", Count: 300, Cores: 1, RunTime: time.Second, Every: 250 * time.Millisecond}},
		},
		{
			Name:  "W1",
			About: "15,000 Workloads, 5 cohorts x 6 ClusterQueues of nominal 20 and borrowing limit 100, paced",
			Kind:  Workloads, Cohorts: 5, QueuesPerCohort: 6,
			Nominal: 20, BorrowingLimit: 100,
			Classes: w1Classes(),
		},
		{
			Name:  "W1-burst",
			About: "W1 without pauses between creations",
			Kind:  Workloads, Cohorts: 5, QueuesPerCohort: 6,
			Nominal: 20, BorrowingLimit: 100,
			Classes: withoutPauses(w1Classes()),
		},
		{
			Name:  "W2",
			About: "50,000 Workloads, 10 cohorts x 100 ClusterQueues of nominal 20 and borrowing limit 100, paced",
			Kind:  Workloads, Cohorts: 10, QueuesPerCohort: 100,
			Nominal: 20, BorrowingLimit: 100,
			Classes: []Class{
				{Name: "small", Count: 35, Cores: 1, RunTime: 150 * time.Millisecond, Priority: 50, Every: 60 * time.Millisecond},
				{Name: "medium", Count: 11, Cores: 5, RunTime: 350 * time.Millisecond, Priority: 100, Every: 300 * time.Millisecond},
				{Name: "large", Count: 4, Cores: 20, RunTime: 700 * time.Millisecond, Priority: 200, Every: 700 * time.Millisecond},
			},
		},
	}
}

func w1Classes() []Class {
	return []Class{
		{Name: "small", Count: 350, Cores: 1, RunTime: 200 * time.Millisecond, Priority: 50, Every: 100 * time.Millisecond},
		{Name: "medium", Count: 100, Cores: 5, RunTime: 500 * time.Millisecond, Priority: 100, Every: 500 * time.Millisecond},
		{Name: "large", Count: 50, Cores: 20, RunTime: time.Second, Priority: 200, Every: 1200 * time.Millisecond},
	}
}

func withoutPauses(classes []Class) []Class {
	for i := range classes {
		classes[i].Every = 0
	}
	return classes
}
