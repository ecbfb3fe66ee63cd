//go:build !unix

package sqlite

import "io/fs"

// Elsewhere files have no mode, and what a user's profile holds is the user's.

const noFollow = 0

func checkDir(fs.FileInfo) error { return nil }

func checkOwner(fs.FileInfo) error { return nil }

func isReadOnly(error) bool { return false }
