package lifecycle

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"fairlead.dev/fairlead/pkg/controller/ledger"
)

// paceBench runs a pacer in a bubble of fake time.
func paceBench(t *testing.T, play func(p *pacer, told *[]string)) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		p := newPacer(func(key ledger.Key, v verdict) { told = append(told, key.Name+" "+v.reason) },
			func(key ledger.Key, _ verdict) bool { return key.Name != "worthless" })
		ctx := t.Context()
		go p.run(ctx)
		play(p, &told)
	})
}

func TestAVerdictIsToldAfterAWhileAndOnlyTheLast(t *testing.T) {
	paceBench(t, func(p *pacer, told *[]string) {
		p.add(ledger.Key{Name: "a"}, verdict{reason: "first"}, time.Now())
		p.add(ledger.Key{Name: "a"}, verdict{reason: "second"}, time.Now())
		p.add(ledger.Key{Name: "worthless"}, verdict{reason: "x"}, time.Now())
		p.add(ledger.Key{Name: "b"}, verdict{reason: "x"}, time.Now())
		p.drop(ledger.Key{Name: "b"}) // admitted meanwhile
		time.Sleep(time.Second)
		synctest.Wait()
		if len(*told) != 0 {
			t.Errorf("too soon: %v", *told)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if fmt.Sprint(*told) != "[a second]" {
			t.Errorf("told %v", *told)
		}
	})
}

func TestAVerdictOfOneThatCameMeanwhileIsNotForgotten(t *testing.T) {
	paceBench(t, func(p *pacer, told *[]string) {
		p.add(ledger.Key{Name: "gone"}, verdict{reason: "old"}, time.Now())
		looked := time.Now()
		time.Sleep(time.Millisecond)
		p.add(ledger.Key{Name: "new"}, verdict{reason: "first"}, time.Now())
		p.forget(ledger.Key{Name: "gone"}, looked)
		p.forget(ledger.Key{Name: "new"}, looked)
		p.forget(ledger.Key{Name: "never"}, looked)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if fmt.Sprint(*told) != "[new first]" {
			t.Errorf("told %v", *told)
		}
	})
}

func TestVerdictsForOneWorkloadKeepADistance(t *testing.T) {
	paceBench(t, func(p *pacer, told *[]string) {
		p.add(ledger.Key{Name: "a"}, verdict{reason: "one"}, time.Now())
		time.Sleep(2 * time.Second)
		p.add(ledger.Key{Name: "a"}, verdict{reason: "two"}, time.Now())
		p.add(ledger.Key{Name: "b"}, verdict{reason: "other"}, time.Now())
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if fmt.Sprint(*told) != "[a one b other]" {
			t.Errorf("told %v", *told)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if fmt.Sprint(*told) != "[a one b other a two]" {
			t.Errorf("told %v", *told)
		}
	})
}

func TestVerdictsAreSlowWhileJobsAreAdmitted(t *testing.T) {
	paceBench(t, func(p *pacer, told *[]string) {
		for i := range 500 {
			p.add(ledger.Key{Name: fmt.Sprint(i)}, verdict{reason: "x"}, time.Now())
		}
		for range 100 {
			p.drop(ledger.Key{Name: "admitted"})
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		busy := len(*told)
		if busy == 0 || busy > 60 {
			t.Errorf("%d verdicts in 10 busy seconds", busy)
		}
		time.Sleep(12 * time.Second)
		synctest.Wait()
		if len(*told) != 500 {
			t.Errorf("%d verdicts after 12 idle seconds", len(*told))
		}
	})
}
