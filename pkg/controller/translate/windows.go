package translate

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
)

// The engine is told of a recurring Reservation's windows for a year ahead, and
// of so many beginnings at most: one every minute reaches for 16 hours.
const (
	horizon        = 366 * 24 * time.Hour
	mostBeginnings = 1000
)

// Windows are those of a Reservation that are not over now, sorted; those that
// overlap are one. One that does not recur is there also when it is over. If
// there will be more than are listed, again is when to list them anew; it is
// zero otherwise. An error names field and remedy.
func Windows(spec *v1beta1.ReservationSpec, now time.Time) (windows []admission.Window, again time.Time, err error) {
	duration := spec.Duration.Duration
	if duration <= 0 {
		return nil, again, fmt.Errorf("spec.duration is %s: it must be more than 0, for example 8h", duration)
	}
	if spec.Recurrence == nil {
		return []admission.Window{{Start: spec.Start.UnixNano(), End: spec.Start.Add(duration).UnixNano()}}, again, nil
	}
	schedule, zone, err := scheduleOf(spec.Recurrence)
	if err != nil {
		return nil, again, err
	}
	first := now.Add(-duration) // what began later is not over
	if first.Before(spec.Start.Time) {
		first = spec.Start.Add(-time.Second) // it may begin at this very moment
	}
	begin := schedule.Next(first.In(zone))
	if begin.IsZero() {
		return nil, again, fmt.Errorf("spec.recurrence.schedule is %q, which never comes: write a day that exists, for example \"0 8 * * TUE\"", spec.Recurrence.Schedule)
	}
	for n := 0; !begin.IsZero() && !over(spec.Recurrence, begin); n++ {
		if n == mostBeginnings || begin.Sub(now) > horizon {
			return windows, now.Add(max(begin.Sub(now)/4, time.Minute)), nil
		}
		start, end := begin.UnixNano(), begin.Add(duration).UnixNano()
		if last := len(windows) - 1; last >= 0 && start <= windows[last].End {
			windows[last].End = end
		} else {
			windows = append(windows, admission.Window{Start: start, End: end})
		}
		begin = schedule.Next(begin)
	}
	return windows, again, nil
}

func over(r *v1beta1.ReservationRecurrence, begin time.Time) bool {
	return r.Until != nil && begin.After(r.Until.Time)
}

// scheduleOf reads a schedule as that of a CronJob is read.
func scheduleOf(r *v1beta1.ReservationRecurrence) (cron.Schedule, *time.Location, error) {
	zone := time.UTC
	if r.TimeZone != nil {
		var err error
		if zone, err = time.LoadLocation(*r.TimeZone); err != nil || *r.TimeZone == "" || *r.TimeZone == "Local" {
			return nil, nil, fmt.Errorf("spec.recurrence.timeZone is %q, which is no time zone: write one such as America/New_York, or leave it out for UTC", *r.TimeZone)
		}
	}
	if strings.Contains(r.Schedule, "TZ") || strings.HasPrefix(r.Schedule, "@every") {
		return nil, nil, fmt.Errorf("spec.recurrence.schedule is %q: write five fields such as \"0 8 * * TUE\"; the time zone goes into timeZone", r.Schedule)
	}
	schedule, err := cron.ParseStandard(r.Schedule)
	if err != nil {
		return nil, nil, fmt.Errorf("spec.recurrence.schedule is %q, which cannot be read (%w): write minute, hour, day of month, month and day of week, for example \"0 8 * * TUE\"", r.Schedule, err)
	}
	return schedule, zone, nil
}
