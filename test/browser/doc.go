// Package browser opens the demo's report in Chromium, as its reader does.
//
//	real recording --judge, report--> report.html --file, no network--> Chromium
//	                                                                       |
//	     what it says on its console, what its page holds, what it paints -'
//
// FAIRLEAD_REPORT names another report.html to open, for example
// out/demo/report.html. `make chromium` installs the browser.
package browser
