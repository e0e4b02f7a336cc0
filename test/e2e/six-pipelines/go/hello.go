package hello

import "example.com/greeting"

// Hello greets by name.
func Hello(name string) string {
	return greeting.To(name) + "!"
}
