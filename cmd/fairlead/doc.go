// Command fairlead is the command-line tool of Fairlead.
//
//	main.go --registers--> newXCommand() of each other file --calls--> a package
//
// A subcommand is one file with one `func newXCommand() *cobra.Command`; its
// work is done by a package, so that tests and the demo can do the same.
package main
