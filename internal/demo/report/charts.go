package report

import (
	"fmt"
	"time"
)

// The charts' size in the page, and the margins around their boxes.
const (
	chartWidth   = 960
	marginLeft   = 60
	marginRight  = 20
	marginTop    = 56
	marginBottom = 46
)

// frame is the box of a chart of a height at an offset from the canvas's top.
func frame(top, height float64) box {
	return box{marginLeft, top + marginTop, chartWidth - marginLeft - marginRight, height - marginTop - marginBottom}
}

// quotaStroke and shareStroke are the looks of the two reference lines.
var (
	quotaStroke = stroke{quota, 1.5, 7}
	shareStroke = stroke{share, 2, 0}
)

// drawCores draws the cores of running pods, one group on another, against the
// lines that they should follow.
func (r *Run) drawCores(c canvas, in box) {
	from, to := r.span()
	total := r.Rules.Total().Cores()
	a := axes{in, from, to, total * 1.1}
	for _, w := range r.Verdict.Split {
		box{a.px(w.From), a.y, a.px(w.To) - a.px(w.From), a.h}.rect(c, shade, 1)
		c.text(point{(a.px(w.From) + a.px(w.To)) / 2, a.py(total) - 7}, "split judged here", label{muted, 11, middle, false, false})
	}
	a.draw(c, "seconds since the recording began", "cores")
	n := int(in.w)
	s := r.sample(from, to, n)
	x := func(i int) float64 { return in.x + float64(i)*in.w/float64(n) }
	under := make([]float64, n)
	keys := []key{}
	for g, group := range r.Rules.Groups {
		var top, bottom []point
		for i, v := range s.running[g] {
			bottom = append(bottom, point{x(i), a.py(under[i])}, point{x(i + 1), a.py(under[i])})
			under[i] += v
			top = append(top, point{x(i), a.py(under[i])}, point{x(i + 1), a.py(under[i])})
		}
		outline := top
		for i := len(bottom) - 1; i >= 0; i-- {
			outline = append(outline, bottom[i])
		}
		c.area(outline, groupPaint(g), 0.85)
		keys = append(keys, key{text: group.Name, paint: groupPaint(g)})
	}
	r.drawDue(c, a, s, x)
	own := 0.0
	for g, group := range r.Rules.Groups {
		own += group.Nominal.Cores()
		c.line([]point{a.at(from, own), a.at(to, own)}, quotaStroke)
		text := fmt.Sprintf("%s owns %s", group.Name, group.Nominal)
		if g > 0 {
			text = fmt.Sprintf("%s owns %s more", group.Name, group.Nominal)
		}
		c.text(point{a.x + a.w - 4, a.py(own) - 5}, text, label{ink, 11, right, false, false})
	}
	r.drawStops(c, a)
	a.boundaries(c, r.acts(), true)
	a.legend(c, append(keys, key{text: "quota", line: &quotaStroke}, key{text: "fair share", line: &shareStroke}))
}

// drawStops marks when Jobs were stopped and how many.
func (r *Run) drawStops(c canvas, a axes) {
	for _, s := range r.stoppings() {
		left := a.px(s.from)
		box{left, a.y, max(3, a.px(s.to)-left), a.h}.rect(c, halt, 0.85)
		text := fmt.Sprintf("%d %s Jobs stopped", s.jobs, r.Rules.Groups[s.group].Name)
		c.text(point{left - 5, a.y + 13}, text, label{halt, 12, right, true, false})
	}
}

// drawDue draws the fair shares one on another: the outline that the areas
// should come to.
func (r *Run) drawDue(c canvas, a axes, s sampled, x func(int) float64) {
	sum := make([]float64, len(s.due[0]))
	for g := range r.Rules.Groups {
		var line []point
		for i, v := range s.due[g] {
			sum[i] += v
			line = append(line, point{x(i), a.py(sum[i])}, point{x(i + 1), a.py(sum[i])})
		}
		c.line(line, shareStroke)
	}
}

// drawDecisions draws how many Jobs were started, and stopped, in each second.
func (r *Run) drawDecisions(c canvas, in box) {
	from, to := r.span()
	counts := r.perSecond(starts, from, to)
	stopped := make([]float64, len(counts[0]))
	for _, group := range r.perSecond(stops, from, to) {
		for i, n := range group {
			stopped[i] += n
		}
	}
	most, halted := 1.0, false
	for i := range stopped {
		sum := stopped[i]
		halted = halted || sum > 0
		for g := range counts {
			sum += counts[g][i]
		}
		most = max(most, sum)
	}
	a := axes{in, from, to, most * 1.1}
	a.draw(c, "seconds since the recording began", "Jobs per second")
	a.caption(c, "Decisions")
	keys := []key{}
	for g, group := range r.Rules.Groups {
		keys = append(keys, key{text: group.Name + " started", paint: groupPaint(g)})
	}
	if halted {
		keys = append(keys, key{text: "stopped", paint: halt})
	}
	for i := range stopped {
		below, x := 0.0, from+float64(i)
		right := min(a.px(x+1), a.x+a.w)
		bar := func(v float64, paint paint) {
			if v > 0 {
				box{a.px(x) + 0.5, a.py(below + v), max(0.5, right-a.px(x)-1), a.py(below) - a.py(below+v)}.rect(c, paint, 0.85)
				below += v
			}
		}
		for g := range counts {
			bar(counts[g][i], groupPaint(g))
		}
		bar(stopped[i], halt)
	}
	a.boundaries(c, r.acts(), true)
	a.legend(c, keys)
}

// drawWaiting draws how many Jobs of each group wait.
func (r *Run) drawWaiting(c canvas, in box) {
	from, to := r.span()
	n := int(in.w)
	s := r.sample(from, to, n)
	most := 1.0
	for _, group := range s.waiting {
		for _, v := range group {
			most = max(most, v)
		}
	}
	a := axes{in, from, to, most * 1.1}
	a.draw(c, "seconds since the recording began", "Jobs waiting")
	a.caption(c, "Waiting")
	keys := []key{}
	for g, group := range r.Rules.Groups {
		var line []point
		for i, v := range s.waiting[g] {
			line = append(line, point{in.x + (float64(i)+0.5)*in.w/float64(n), a.py(v)})
		}
		look := stroke{groupPaint(g), 2.5, 0}
		c.line(line, look)
		keys = append(keys, key{text: group.Name, line: &look})
	}
	a.boundaries(c, r.acts(), true)
	a.legend(c, keys)
}

// drawWaits draws the distribution of waits: how many per cent of a group's
// Jobs had started after so many seconds in the queue.
func (r *Run) drawWaits(c canvas, in box) {
	longest := 1.0
	for g := range r.Rules.Groups {
		if waits := r.History.Waits(g); len(waits) > 0 {
			longest = max(longest, waits[len(waits)-1])
		}
	}
	a := axes{in, 0, longest * 1.02, 100}
	a.draw(c, "seconds from a Job's creation to its start", "% of Jobs started")
	a.caption(c, "Waits")
	keys := []key{}
	for g, group := range r.Rules.Groups {
		waits := r.History.Waits(g)
		if len(waits) == 0 {
			continue
		}
		line := []point{a.at(0, 0)}
		for i, w := range waits {
			line = append(line, a.at(w, 100*float64(i)/float64(len(waits))), a.at(w, 100*float64(i+1)/float64(len(waits))))
		}
		look := stroke{groupPaint(g), 2.5, 0}
		c.line(append(line, a.at(a.toX, 100)), look)
		keys = append(keys, key{text: group.Name, line: &look})
	}
	a.legend(c, keys)
}

// seconds shows a length of time in a table.
func seconds(v float64) string {
	return (time.Duration(v * float64(time.Second))).Round(10 * time.Millisecond).String()
}
