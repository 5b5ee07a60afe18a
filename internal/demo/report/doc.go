// Package report draws a run from its recording: a page that needs nothing
// from outside itself, and a picture for the README.
//
//	recording, manifest, rules --> Run --charts--> canvas --> SVG in report.html
//	verdict.json ----------------------------------------'--> report.png
//
// A chart is drawn once, on a canvas; the page's canvas writes SVG, the
// picture's canvas fills pixels.
package report
