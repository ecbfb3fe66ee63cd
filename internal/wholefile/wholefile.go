// Package wholefile has the steps by which a file comes onto a disk whole or
// not at all: it is filled beside its place under another name, and then takes
// its name; which of the ways to take a name is right the caller knows.
package wholefile

import (
	"errors"
	"io/fs"
	"os"
)

// Fill writes data to file, flushes it to the disk and closes it, also when it
// fails.
func Fill(file *os.File, data []byte) error {
	_, err := file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}

// Cause strips the path from an error of package os, for a message that names
// the file already.
func Cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return link.Err
	}
	return err
}
