// Package config reads the manager's configuration file.
//
//	file --strict decoding--> Configuration --defaults--> validation --> manager
package config
