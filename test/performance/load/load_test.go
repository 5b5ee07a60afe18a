package load

import (
	"testing"
	"time"
)

// The issue that asks for a load gives its totals; an entry that was mistyped
// shows here.
func TestTableHasTheSizesAskedFor(t *testing.T) {
	tests := map[string]struct {
		size        int
		queues      int
		coreSeconds float64
		leastWall   time.Duration
	}{
		"J1":       {1000, 1, 1000, time.Second},
		"J2":       {1000, 1, 2000, 20 * time.Second},
		"idle":     {300, 1, 300, 75750 * time.Millisecond},
		"W1":       {15000, 30, 30 * 1320, 66 * time.Second},
		"W1-burst": {15000, 30, 30 * 1320, 66 * time.Second},
		"W2":       {50000, 1000, 1000 * 80.5, 4025 * time.Millisecond},
	}
	for _, l := range Table() {
		want, ok := tests[l.Name]
		if !ok {
			t.Errorf("load %s has no expectation here: add one", l.Name)
			continue
		}
		if got := l.Size(); got != want.size {
			t.Errorf("%s submits %d objects, want %d", l.Name, got, want.size)
		}
		if got := len(l.Queues()); got != want.queues {
			t.Errorf("%s has %d queues, want %d", l.Name, got, want.queues)
		}
		if got := l.CoreSeconds(); got < want.coreSeconds-0.001 || got > want.coreSeconds+0.001 {
			t.Errorf("%s runs %g core-seconds, want %g", l.Name, got, want.coreSeconds)
		}
		if got := l.LeastWall(); (got - want.leastWall).Abs() > time.Millisecond {
			t.Errorf("%s cannot end before %s, want %s", l.Name, got, want.leastWall)
		}
	}
}

func TestPlanIsPacedAndNamesAreUnique(t *testing.T) {
	l, err := Find("w1")
	if err != nil {
		t.Fatal(err)
	}
	plan := l.Plan()
	if len(plan) != l.Size() {
		t.Fatalf("the plan has %d items, the load %d", len(plan), l.Size())
	}
	names := map[string]bool{}
	last := map[string]time.Duration{}
	for i, item := range plan {
		if item.Index != i {
			t.Fatalf("item %d has index %d", i, item.Index)
		}
		if names[item.Name] {
			t.Fatalf("two items are called %s", item.Name)
		}
		names[item.Name] = true
		if i > 0 && item.Due < plan[i-1].Due {
			t.Fatalf("item %d is due at %s, before the one in front of it at %s", i, item.Due, plan[i-1].Due)
		}
		stream := item.Queue + "/" + item.Class.Name
		if before, seen := last[stream]; seen && item.Due-before != item.Class.Every {
			t.Fatalf("%s follows after %s, want %s", item.Name, item.Due-before, item.Class.Every)
		}
		last[stream] = item.Due
	}
}

func TestScaledKeepsOneOfEachClass(t *testing.T) {
	l, err := Find("W2")
	if err != nil {
		t.Fatal(err)
	}
	small := l.Scaled(0.1)
	for i, want := range []int{4, 1, 1} {
		if got := small.Classes[i].Count; got != want {
			t.Errorf("class %s has %d items, want %d", small.Classes[i].Name, got, want)
		}
	}
	if l.Classes[0].Count != 35 {
		t.Errorf("scaling changed the load it was asked on: %d", l.Classes[0].Count)
	}
}

func TestFindNamesTheChoices(t *testing.T) {
	_, err := Find("J9")
	if err == nil {
		t.Fatal("a load that does not exist was found")
	}
	if want := `no load is called "J9": choose from J1, J2, idle, W1, W1-burst, W2`; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}
