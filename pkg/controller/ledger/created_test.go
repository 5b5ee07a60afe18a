package ledger

import (
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// Whatever order the answer to a creation and the watch come in, and whatever
// became of the object meanwhile, the book is told of one life of it, never of a
// second, and has in the end what the server has.
func TestOurOwnCreationIsKnownOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		born, died := 0, 0
		book := NewBook(func(_ Key, was, is *v1beta1.Workload) {
			if was == nil {
				born++
			}
			if is == nil {
				died++
			}
		})
		book.Expect(key)
		var shown []func() // what the watch has to show, in order
		versions := rapid.IntRange(1, 3).Draw(t, "versions")
		for v := range versions {
			shown = append(shown, func() { book.See(key, sight("u", v+1)) })
		}
		deleted := rapid.Bool().Draw(t, "deleted")
		if deleted {
			shown = append(shown, func() { book.Gone(key, "u") })
		}
		answered := rapid.IntRange(0, len(shown)).Draw(t, "answered after so many events")
		ok := rapid.Bool().Draw(t, "answer arrives")
		for i := range len(shown) + 1 {
			if i == answered {
				book.Created(key, sight("u", 1), ok)
				if unseen := ok && i == 0; book.Unseen(key) != unseen {
					t.Fatalf("unseen: %v", !unseen)
				}
			}
			if i < len(shown) {
				shown[i]()
				if i >= answered && book.Unseen(key) {
					t.Fatal("unseen although it was shown")
				}
			}
		}
		now, known := book.Get(key)
		if known == deleted || known && now.ResourceVersion != strconv.Itoa(versions) {
			t.Fatalf("known: %v, deleted: %v", known, deleted)
		}
		if born != 1 || (died == 1) != deleted || died > 1 {
			t.Fatalf("born %d times, died %d times", born, died)
		}
	})
}

// The one before it is not taken for the one that was created.
func TestTheDeletionOfAnEarlierOneOfThatName(t *testing.T) {
	book := NewBook[*v1beta1.Workload](nil)
	book.Expect(key)
	book.Gone(key, "earlier")
	book.Created(key, sight("u", 9), true)
	book.See(key, sight("earlier", 3)) // late
	if now, known := book.Get(key); !known || now.UID != "u" || !book.Unseen(key) {
		t.Errorf("%v, %v, unseen: %v", now, known, book.Unseen(key))
	}
	book.Gone(key, "u")
	if _, known := book.Get(key); known || book.Unseen(key) {
		t.Error("still there")
	}
}
