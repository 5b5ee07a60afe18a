package observer

import (
	"math/big"
	"testing"
	"testing/quick"
)

func limit(m Milli) *Milli { return &m }

func TestFairShare(t *testing.T) {
	demo := demoRules()
	shared := demoRules()
	shared.Shared = 30 * Core
	weighted := demoRules()
	weighted.Shared, weighted.Groups[0].Weight = 40*Core, 3*Core
	capped := demoRules()
	capped.Groups[1].BorrowingLimit = limit(10 * Core)
	idle := demoRules()
	idle.Shared, idle.Groups[1].Weight = 10*Core, 0
	for name, tt := range map[string]struct {
		rules  *Rules
		demand [2]Milli // cores
		want   [2]string
	}{
		"both want all":                 {demo, [2]Milli{900, 900}, [2]string{"60", "40"}},
		"osg alone borrows all":         {demo, [2]Milli{0, 900}, [2]string{"0", "100"}},
		"osg borrows what is idle":      {demo, [2]Milli{35, 900}, [2]string{"35", "65"}},
		"little wanted, little given":   {demo, [2]Milli{10, 20}, [2]string{"10", "20"}},
		"equal parts of shared quota":   {shared, [2]Milli{900, 900}, [2]string{"75", "55"}},
		"parts by weight":               {weighted, [2]Milli{900, 900}, [2]string{"90", "50"}},
		"what one leaves another takes": {weighted, [2]Milli{70, 900}, [2]string{"70", "70"}},
		"a borrowing limit":             {capped, [2]Milli{0, 900}, [2]string{"0", "50"}},
		"weight 0 comes last":           {idle, [2]Milli{900, 900}, [2]string{"70", "40"}},
		"weight 0 takes what is left":   {idle, [2]Milli{64, 900}, [2]string{"64", "46"}},
	} {
		t.Run(name, func(t *testing.T) {
			due := tt.rules.FairShare([]Milli{tt.demand[0] * Core, tt.demand[1] * Core})
			for i, want := range tt.want {
				exact, _ := new(big.Rat).SetString(want)
				if exact.Mul(exact, rat(Core)).Cmp(due[i]) != 0 {
					t.Errorf("%s is due %s cores, want %s", tt.rules.Groups[i].Name, new(big.Rat).Quo(due[i], rat(Core)).FloatString(3), want)
				}
			}
		})
	}
}

// Whatever is wanted: nobody gets more than he wants or may have, nothing is
// left idle that somebody wants and may have, and of two who borrow, the one
// with the lower level has all that he wants.
func TestFairShareLaws(t *testing.T) {
	law := func(demand, nominal [3]uint8, weight, borrow [3]uint8, shared uint8) bool {
		rules := &Rules{Cohort: "c", Shared: Milli(shared)}
		want := make([]Milli, 3)
		for i := range 3 {
			rules.Groups = append(rules.Groups, Group{Nominal: Milli(nominal[i]), Weight: Milli(weight[i]%4) * Core, BorrowingLimit: limit(Milli(borrow[i]))})
			want[i] = Milli(demand[i]) * 2
		}
		due := rules.FairShare(want)
		sum, asked := new(big.Rat), Milli(0)
		level := func(i int) *big.Rat { // borrowed / weight
			borrowed := new(big.Rat).Sub(due[i], rat(rules.Groups[i].Nominal))
			return borrowed.Quo(borrowed, rat(rules.Groups[i].Weight))
		}
		for i := range due {
			most := min(want[i], rules.Limit(i))
			asked += most
			sum.Add(sum, due[i])
			if due[i].Cmp(rat(most)) > 0 || due[i].Cmp(rat(min(most, rules.Groups[i].Nominal))) < 0 {
				return false
			}
			for k := range due {
				if rules.Groups[i].Weight == 0 || rules.Groups[k].Weight == 0 || due[k].Cmp(rat(rules.Groups[k].Nominal)) <= 0 {
					continue
				}
				if due[i].Cmp(rat(most)) < 0 && level(i).Cmp(level(k)) < 0 {
					return false
				}
			}
		}
		return sum.Cmp(rat(min(asked, rules.Total()))) == 0
	}
	if err := quick.Check(law, &quick.Config{MaxCount: 2000}); err != nil {
		t.Error(err)
	}
}
