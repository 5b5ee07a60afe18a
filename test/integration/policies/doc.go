// Package policies tests, on a real kube-apiserver, that what nobody may do is
// refused with a message that says what to do instead, and that nobody else is
// in the way. No manager runs here.
//
//	tenant, controllers, manager --request as themselves--> kube-apiserver + config/sandbox
package policies
