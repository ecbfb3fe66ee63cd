package tools

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// incoming is a file while it is written, under a name of its own that says
// that it is not finished. It is a [mailbox.Place].
type incoming struct {
	dir  *Directory
	file *os.File
	name string
	sum  hash.Hash
	size int64
}

// create begins a new file. It has to be kept or discarded.
func (d *Directory) create(argument string) (*incoming, error) {
	if err := d.usable(argument); err != nil {
		return nil, err
	}
	name := ".linkmail-" + rand.Text() + ".part"
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, unsaved(err)
	}
	return &incoming{dir: d, file: f, name: name, sum: sha256.New()}, nil
}

// Write adds to the file.
func (i *incoming) Write(p []byte) (int, error) {
	n, err := i.file.Write(p)
	i.sum.Write(p[:n]) // never fails
	i.size += int64(n)
	if err != nil {
		return n, unsaved(err)
	}
	return n, nil
}

// Reset makes the file empty again.
func (i *incoming) Reset() error {
	if i.size == 0 {
		return nil
	}
	i.sum.Reset()
	i.size = 0
	_, err := i.file.Seek(0, io.SeekStart)
	if err = errors.Join(err, i.file.Truncate(0)); err != nil {
		return unsaved(err)
	}
	return nil
}

// discard removes the file, unless it was kept.
func (i *incoming) discard() {
	_ = i.file.Close()            // it may be closed already
	_ = i.dir.root.Remove(i.name) // it may have another name already
}

// unfinished is the name of an incoming file.
var unfinished = regexp.MustCompile(`^\.linkmail-[A-Z2-7]{26}\.part$`)

// unfinishedLife is how long after the last write to it an incoming file may be
// some process's still.
const unfinishedLife = 24 * time.Hour

// RemoveUnfinished removes what processes that were killed have left of files
// that they were writing, and returns how many these were. What cannot be
// removed stays.
func (d *Directory) RemoveUnfinished(now time.Time) (removed int) {
	if d.usable("") != nil {
		return 0
	}
	list, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return 0
	}
	for _, entry := range list {
		info, err := entry.Info() // of a link itself
		if err != nil || !unfinished.MatchString(entry.Name()) || !info.Mode().IsRegular() || now.Sub(info.ModTime()) < unfinishedLife {
			continue
		}
		if d.root.Remove(entry.Name()) == nil {
			removed++
		}
	}
	return removed
}

// saved is a file that was written.
type saved struct {
	path, sha256 string
	size         int64
}

// maxNames is how many numbers are tried for a name that is taken.
const maxNames = 1000

// keep gives the file its name, which is made of suggested. A name that is
// taken gets a number; nothing is overwritten, and nobody ever sees a part of
// the file under this name.
func (i *incoming) keep(suggested string) (saved, error) {
	if err := errors.Join(i.file.Sync(), i.file.Close()); err != nil {
		return saved{}, unsaved(err)
	}
	taken, err := i.dir.names()
	if err != nil {
		return saved{}, unsaved(err)
	}
	base := fileName(suggested)
	extension := filepath.Ext(base)
	stem := strings.TrimSuffix(base, extension)
	for n := range maxNames {
		name := base
		if n > 0 {
			name = fmt.Sprintf("%s (%d)%s", stem, n, extension)
		}
		if taken[folding(name)] {
			continue
		}
		err := i.rename(name)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return saved{}, unsaved(err)
		}
		return saved{path: name, sha256: hex.EncodeToString(i.sum.Sum(nil)), size: i.size}, nil
	}
	return saved{}, unsaved(fs.ErrExist)
}

// rename moves the file to a name that nothing has. A link fails if something
// has it, a renaming would replace that.
func (i *incoming) rename(name string) error {
	err := i.dir.root.Link(i.name, name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	// A file system without links: the name is taken first, by an empty file.
	f, err := i.dir.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Close(), i.dir.root.Rename(i.name, name)); err != nil {
		return errors.Join(err, i.dir.root.Remove(name))
	}
	return nil
}

// names returns what is in the directory. Names that differ in case only count
// as one, as they do where the files may be copied to.
func (d *Directory) names() (map[string]bool, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	list, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	taken := make(map[string]bool, len(list))
	for _, name := range list {
		taken[folding(name)] = true
	}
	return taken, nil
}

func folding(name string) string { return strings.ToLower(strings.ToUpper(name)) }
