package ledger

import (
	"fmt"
	"strconv"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"fairlead.dev/fairlead/apis/v1beta1"
)

var key = Key{Namespace: "osg", Name: "one"}

func sight(uid string, version int) *v1beta1.Workload {
	return &v1beta1.Workload{ObjectMeta: metav1.ObjectMeta{UID: types.UID(uid), ResourceVersion: strconv.Itoa(version)}}
}

func TestSightsNeverGoBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		newest := 0
		book := NewBook(func(_ Key, was, is *v1beta1.Workload) {
			version, err := strconv.Atoi(is.ResourceVersion)
			if err != nil || version <= newest {
				t.Fatalf("told of version %s after %d", is.ResourceVersion, newest)
			}
			newest = version
		})
		book.See(key, sight("u", 10))
		for range rapid.IntRange(1, 30).Draw(t, "sights") {
			version := rapid.IntRange(1, 20).Draw(t, "version")
			if rapid.Bool().Draw(t, "by watch") {
				book.See(key, sight("u", version))
			} else {
				book.Learn(key, sight("u", version))
			}
		}
		if now, _ := book.Get(key); now.ResourceVersion != strconv.Itoa(newest) {
			t.Fatalf("the book has %s, the newest was %d", now.ResourceVersion, newest)
		}
	})
}

func TestALateAnswerRevivesNothing(t *testing.T) {
	var changes []string
	book := NewBook(func(_ Key, was, is *v1beta1.Workload) { changes = append(changes, fmt.Sprint(was != nil, is != nil)) })
	if book.Learn(key, sight("u", 1)) {
		t.Error("an answer made an entry")
	}
	book.See(key, sight("u", 2))
	book.Gone(key, "u")
	if book.Learn(key, sight("u", 3)) {
		t.Error("an answer revived what is gone")
	}
	if want := []string{"false true", "true false"}; fmt.Sprint(changes) != fmt.Sprint(want) {
		t.Errorf("changes %v, want %v", changes, want)
	}
}

func TestAnotherObjectOfTheSameName(t *testing.T) {
	book := NewBook[*v1beta1.Workload](nil)
	book.See(key, sight("old", 5))
	book.See(key, sight("new", 7))
	book.Gone(key, "old") // its deletion comes late
	if now, known := book.Get(key); !known || now.UID != "new" {
		t.Error("the deletion of the old one took the new one away")
	}
	if book.Learn(key, sight("old", 9)) {
		t.Error("an answer about the old one replaced the new one")
	}
}

func TestEachStopsWhenTold(t *testing.T) {
	book := NewBook[*v1beta1.Workload](nil)
	for i := range 3 {
		book.See(Key{Name: strconv.Itoa(i)}, sight("u", 1))
	}
	visits := 0
	book.Each(func(Key, *v1beta1.Workload) bool { visits++; return visits < 2 })
	if visits != 2 {
		t.Errorf("%d visits after the second said stop", visits)
	}
}
