package policies

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// window is the spec of a Reservation of all of ClusterQueue a, with more in it.
func window(more string) string {
	return "{clusterQueue: a, sharePercent: 100, start: '2030-01-01T08:00:00Z', duration: 8h" + more + "}"
}

var _ = Describe("Reservations", func() {
	DescribeTable("refuse", func(ctx context.Context, code int, spec string, words ...string) {
		err := admin.Create(ctx, object("Reservation", "bad", spec))
		if code == 403 {
			expectForbidden(err, words...)
		} else {
			expectInvalid(err, words...)
		}
	},
		Entry("a negative duration", 422, "{clusterQueue: a, sharePercent: 100, start: '2030-01-01T08:00:00Z', duration: -2h}", "spec.duration", "duration must be more than 0", "for example 8h or 1h30m"),
		Entry("a duration of 0", 422, "{clusterQueue: a, sharePercent: 100, start: '2030-01-01T08:00:00Z', duration: 0s}", "duration must be more than 0"),
		Entry("a duration of a fruit", 422, "{clusterQueue: a, sharePercent: 100, start: '2030-01-01T08:00:00Z', duration: banana}", "duration must be more than 0"),
		Entry("an empty duration", 422, "{clusterQueue: a, sharePercent: 100, start: '2030-01-01T08:00:00Z', duration: ''}", "duration must be more than 0"),
		Entry("a duration beyond counting", 422, "{clusterQueue: a, sharePercent: 100, start: '2030-01-01T08:00:00Z', duration: 9999999999h}", "duration must be more than 0"),
		Entry("no start", 422, "{clusterQueue: a, sharePercent: 100, duration: 2h}", "spec.start: Required value"),
		Entry("a start that is no time", 422, "{clusterQueue: a, sharePercent: 100, start: tomorrow, duration: 2h}", "spec.start", "date-time"),
		Entry("more than everything", 422, "{clusterQueue: a, sharePercent: 101, start: '2030-01-01T08:00:00Z', duration: 2h}", "spec.sharePercent", "less than or equal to 100"),
		Entry("nothing", 422, "{clusterQueue: a, sharePercent: 0, start: '2030-01-01T08:00:00Z', duration: 2h}", "spec.sharePercent", "greater than or equal to 1"),
		Entry("neither resources nor share", 422, "{clusterQueue: a, start: '2030-01-01T08:00:00Z', duration: 2h}", "say one of resources and sharePercent"),
		Entry("resources and share", 422, window(", resources: [{flavor: f, amounts: {cpu: 1}}]"), "say one of resources and sharePercent"),
		Entry("nobody's quota", 422, "{sharePercent: 100, start: '2030-01-01T08:00:00Z', duration: 2h}", "name one of clusterQueue and cohort"),
		Entry("two owners", 422, window(", cohort: c"), "name one of clusterQueue and cohort"),
		Entry("LocalQueues of a Cohort", 422, "{cohort: c, sharePercent: 100, start: '2030-01-01T08:00:00Z', duration: 2h, localQueues: [{namespace: ns, name: q}]}", "localQueues need clusterQueue"),
		Entry("a LocalQueue twice", 422, window(", localQueues: [{namespace: ns, name: q}, {namespace: ns, name: q}]"), "spec.localQueues[1]", "Duplicate value"),
		Entry("a LocalQueue without namespace", 422, window(", localQueues: [{name: q}]"), "spec.localQueues[0].namespace: Required value"),
		Entry("a flavor twice", 422, "{clusterQueue: a, start: '2030-01-01T08:00:00Z', duration: 2h, resources: [{flavor: f, amounts: {cpu: 1}}, {flavor: f, amounts: {cpu: 1}}]}", "spec.resources[1]", "Duplicate value"),
		Entry("a schedule in words", 422, window(", recurrence: {schedule: every Tuesday}"), "spec.recurrence.schedule", "must have five fields", `"0 8 * * TUE"`),
		Entry("a schedule with a time zone in it", 422, window(", recurrence: {schedule: 'TZ=UTC 0 8 * * *'}"), "must have five fields"),
		Entry("the manager's own time zone", 422, window(", recurrence: {schedule: '@daily', timeZone: Local}"), "timeZone must be the name of a time zone"),
		Entry("an end before the start", 422, window(", recurrence: {schedule: '@daily', until: '2029-12-31T00:00:00Z'}"), "recurrence.until must be after start"),
		Entry("a negative amount", 403, "{clusterQueue: a, start: '2030-01-01T08:00:00Z', duration: 2h, resources: [{flavor: f, amounts: {cpu: -1, memory: 1}}]}", "Reservation bad", "spec.resources", "must be more than 0; mend cpu of flavor f"),
		Entry("an amount of 0", 403, "{clusterQueue: a, start: '2030-01-01T08:00:00Z', duration: 2h, resources: [{flavor: f, amounts: {cpu: 1}}, {flavor: g, amounts: {memory: 0}}]}", "mend memory of flavor g"),
		Entry("a resource that cannot be", 403, "{clusterQueue: a, start: '2030-01-01T08:00:00Z', duration: 2h, resources: [{flavor: f, amounts: {größe: 1}}]}", "größe of flavor f", "cannot be the name of a resource"),
	)

	DescribeTable("accept", func(ctx context.Context, spec string) {
		good := object("Reservation", "good", spec)
		Expect(admin.Create(ctx, good)).To(Succeed())
		Expect(admin.Patch(ctx, good, client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"a":"b"}}}`)))).To(Succeed())
		Expect(admin.Delete(ctx, good)).To(Succeed())
	},
		Entry("an outage", window("")),
		Entry("one of a Cohort", "{cohort: c, sharePercent: 1, start: '2030-01-01T08:00:00+01:00', duration: 90m}"),
		Entry("amounts for some", "{clusterQueue: a, start: '2030-01-01T08:00:00Z', duration: 1h30m, localQueues: [{namespace: ns, name: q}, {namespace: m, name: q}], resources: [{flavor: f, amounts: {cpu: 500m, memory: 1Gi, example.com/gpu: 8}}]}"),
		Entry("every Tuesday", window(", recurrence: {schedule: '0 8 * * TUE', timeZone: America/New_York, until: '2031-01-01T00:00:00Z'}")),
		Entry("by name", window(", recurrence: {schedule: '@weekly'}")),
	)
})
