package hello

import "testing"

func TestHello(t *testing.T) {
	if got, want := Hello("Ada"), "Hello, Ada!"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
