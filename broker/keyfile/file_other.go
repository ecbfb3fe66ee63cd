//go:build !unix

package keyfile

import "io/fs"

// Elsewhere files have no mode, and what a user's profile holds is the user's.

func writableByOthers(fs.FileInfo) bool { return false }
