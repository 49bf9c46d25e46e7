//go:build go1.24

package main

import (
	"io"
	"os"
)

// A directory that no link leads out of: openat2.
func rooted(dir string) {
	root, err := os.OpenRoot(dir)
	need(err)
	defer root.Close()
	file, err := root.Open("link")
	need(err)
	defer file.Close()
	_, err = io.ReadAll(file)
	need(err)
}
