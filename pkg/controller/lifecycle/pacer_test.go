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

// Verdicts take what other writes leave of the rate, and are never without any.
func TestVerdictsGiveWayToOtherWrites(t *testing.T) {
	paceBench(t, func(p *pacer, told *[]string) {
		for i := range 900 {
			p.add(ledger.Key{Name: fmt.Sprint(i)}, verdict{reason: "x"}, time.Now())
		}
		for _, c := range []struct{ others, least, most int }{{10, 15, 40}, {3, 150, 250}, {0, 300, 600}} {
			before := len(*told)
			for range 100 { // ten seconds
				for range c.others {
					p.wrote()
				}
				time.Sleep(100 * time.Millisecond)
			}
			synctest.Wait()
			if n := len(*told) - before; n < c.least || n > c.most {
				t.Errorf("%d verdicts beside %d other writes in 10 s, not %d to %d", n, 100*c.others, c.least, c.most)
			}
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(*told) != 900 {
			t.Errorf("%d verdicts in the end", len(*told))
		}
	})
}
