package cache

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"
)

// An entry file is, in this order:
//
//	magic    8 bytes  "linkmail"
//	version  1 byte   1
//	key id   8 bytes  which Key sealed it
//	nonce   12 bytes  random
//	box      n bytes  AES-256-GCM over expiry and value, with its 16-byte tag
//
// The sealed text is 8 bytes of expiry (Unix microseconds, big endian, 0 for
// never) and the value. The associated data is the purpose, the header up to
// the nonce and the SHA-256 of the cache key, so an entry cannot be moved to
// another key, another version or another use of the same Key.
const (
	entryMagic   = "linkmail"
	entryVersion = 1
	entryPurpose = "linkmail cache entry\x00"

	versionAt  = len(entryMagic)
	keyIDAt    = versionAt + 1
	nonceAt    = keyIDAt + keyIDSize
	nonceSize  = 12
	boxAt      = nonceAt + nonceSize
	tagSize    = 16
	expirySize = 8

	maxEntry = boxAt + expirySize + MaxValue + tagSize
)

// entryName is what a file is named after: the hash of a cache key. It hides
// account names from a directory listing and fits every file system, whatever
// the key holds.
type entryName [sha256.Size]byte

func nameOf(key string) entryName { return sha256.Sum256([]byte(key)) }

func (n entryName) String() string { return hex.EncodeToString(n[:]) }

// seal encodes an entry. The nonce is random and 96 bits long: one Key would
// have to seal 2^32 entries before a repeat becomes likely enough to matter,
// and a cache writes a few an hour.
func seal(key Key, name entryName, value []byte, expires time.Time) ([]byte, error) {
	box, err := key.box()
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, boxAt+expirySize+len(value)+tagSize)
	out = append(out, entryMagic...)
	out = append(out, entryVersion)
	id := key.id()
	out = append(out, id[:]...)
	header := out
	out = out[:boxAt]
	if _, err := rand.Read(out[nonceAt:]); err != nil {
		return nil, fmt.Errorf("random nonce: %w", err)
	}
	var at int64
	if !expires.IsZero() {
		at = expires.UnixMicro()
		if at == 0 {
			at = -1 // the epoch itself, which would read as never
		}
	}
	plain := make([]byte, 0, expirySize+len(value))
	plain = binary.BigEndian.AppendUint64(plain, uint64(at))
	plain = append(plain, value...)
	return box.Seal(out, out[nonceAt:boxAt], plain, associated(header, name)), nil
}

// unseal decodes what [seal] encoded. It returns a [Cause] as the error if the
// data cannot be trusted; nothing of it is returned then.
func unseal(key Key, name entryName, data []byte) (value []byte, expires time.Time, err error) {
	id := key.id()
	switch {
	case len(data) < boxAt+expirySize+tagSize, len(data) > maxEntry, string(data[:versionAt]) != entryMagic:
		return nil, time.Time{}, Corrupt
	case data[versionAt] != entryVersion:
		return nil, time.Time{}, OtherVersion
	case keyID(data[keyIDAt:nonceAt]) != id:
		return nil, time.Time{}, OtherKey
	}
	box, err := key.box()
	if err != nil {
		return nil, time.Time{}, err
	}
	plain, err := box.Open(nil, data[nonceAt:boxAt], data[boxAt:], associated(data[:nonceAt], name))
	if err != nil {
		return nil, time.Time{}, Corrupt
	}
	if at := int64(binary.BigEndian.Uint64(plain)); at != 0 { //nolint:gosec // comes back as it went in seal, below zero before 1970
		expires = time.UnixMicro(at)
	}
	return plain[expirySize:], expires, nil
}

// associated returns the associated data of an entry.
func associated(header []byte, name entryName) []byte {
	out := make([]byte, 0, len(entryPurpose)+len(header)+len(name))
	out = append(out, entryPurpose...)
	out = append(out, header...)
	return append(out, name[:]...)
}

// box returns the cipher of the key.
func (k Key) box() (cipher.AEAD, error) {
	if k.IsZero() {
		return nil, errNoKey
	}
	block, err := aes.NewCipher([]byte(k.raw.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("cipher: %w", err)
	}
	box, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("cipher: %w", err)
	}
	return box, nil
}

// Seal encodes an entry for a medium of another package: bound to key and to
// the name it is stored under, so that it cannot be moved to another name.
func Seal(key Key, name string, value []byte, expires time.Time) ([]byte, error) {
	return seal(key, nameOf(name), value, expires)
}

// Unseal decodes what [Seal] encoded. The error is a [Cause] if the data cannot
// be trusted. An expiry of zero is never.
func Unseal(key Key, name string, data []byte) (value []byte, expires time.Time, err error) {
	return unseal(key, nameOf(name), data)
}
