package greeting

// To begins a letter.
func To(name string) string {
	return "Hello, " + name
}
