package pdf

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5" //nolint:gosec // what the format uses; nothing is kept secret by it
	"crypto/rc4" //nolint:gosec // as above
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
)

// Many files are encrypted without a password: anybody can read them, and only
// programs that honour it keep from changing or printing them. These are read.
// ISO 32000-1, 7.6, and ISO 32000-2 for AES with 256 bits.

// decrypter decrypts the streams of a file. Strings are not decrypted, as no
// text is made of them.
type decrypter struct {
	key      []byte
	aes      bool
	perFile  bool // the key is that of every object
	metadata bool // metadata is encrypted, too
}

// unlock makes the key of a file for the empty password.
func unlock(encrypt dict, id text) (*decrypter, error) {
	version, _ := encrypt["V"].(float64)
	revision, _ := encrypt["R"].(float64)
	bits, _ := encrypt["Length"].(float64)
	if encrypt["Filter"] != name("Standard") || revision < 2 || revision > 6 {
		return nil, ErrCipher
	}
	d := &decrypter{metadata: encrypt["EncryptMetadata"] != false}
	switch version {
	case 1:
		bits = 40
	case 2, 3:
	case 4, 5:
		bits = 128
		switch method := method(encrypt); method {
		case "V2":
		case "AESV2", "AESV3":
			d.aes = true
		case "Identity":
			return nil, nil //nolint:nilnil // nothing is encrypted
		default:
			return nil, ErrCipher
		}
	default:
		return nil, ErrCipher
	}
	if revision >= 5 {
		d.perFile = true
		d.key = longKey(encrypt, revision)
	} else {
		if bits < 40 || bits > 128 {
			bits = 40
		}
		d.key = shortKey(encrypt, id, int(bits)/8, revision, d.metadata)
	}
	if d.key == nil {
		return nil, ErrLocked
	}
	return d, nil
}

// method names how streams are encrypted.
func method(encrypt dict) name {
	filter, _ := encrypt["StmF"].(name)
	if filter == "" || filter == "Identity" {
		return "Identity"
	}
	filters, _ := encrypt["CF"].(dict)
	one, _ := filters[filter].(dict)
	method, _ := one["CFM"].(name)
	return method
}

// padding stands for what a password lacks.
const padding = "\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A"

// shortKey is algorithm 2 with 6 or 7 of ISO 32000-1: a key of up to 128 bits,
// nil if the empty password is not the right one.
func shortKey(encrypt dict, id text, length int, revision float64, metadata bool) []byte {
	owner, _ := encrypt["O"].(text)
	user, _ := encrypt["U"].(text)
	permissions, _ := encrypt["P"].(float64)
	if len(owner) < 32 || len(user) < 16 {
		return nil
	}
	h := md5.New() //nolint:gosec // see the import
	h.Write([]byte(padding))
	h.Write([]byte(owner[:32]))
	var p [4]byte
	binary.LittleEndian.PutUint32(p[:], uint32(int64(permissions))) //nolint:gosec // 32 bits, signed or not
	h.Write(p[:])
	h.Write([]byte(id))
	if revision >= 4 && !metadata {
		h.Write([]byte{0xFF, 0xFF, 0xFF, 0xFF})
	}
	key := h.Sum(nil)[:length]
	if revision == 2 {
		if string(rc4ed(key, []byte(padding))) != string(user) {
			return nil
		}
		return key
	}
	for range 50 {
		sum := md5.Sum(key) //nolint:gosec // see the import
		key = sum[:length]
	}
	check := md5.Sum(append([]byte(padding), id...)) //nolint:gosec // see the import
	proof := check[:]
	for i := range 20 {
		turn := make([]byte, len(key))
		for j := range key {
			turn[j] = key[j] ^ byte(i)
		}
		proof = rc4ed(turn, proof)
	}
	if string(proof) != string(user[:16]) {
		return nil
	}
	return key
}

func rc4ed(key, data []byte) []byte {
	c, err := rc4.NewCipher(key) //nolint:gosec // see the import
	if err != nil {
		return nil
	}
	out := make([]byte, len(data))
	c.XORKeyStream(out, data)
	return out
}

// longKey is algorithm 2.A of ISO 32000-2 for the empty password: a key of 256
// bits, nil if that is not the right one.
func longKey(encrypt dict, revision float64) []byte {
	user, _ := encrypt["U"].(text)
	sealed, _ := encrypt["UE"].(text)
	if len(user) < 48 || len(sealed) < 32 {
		return nil
	}
	hash := func(salt text) []byte {
		if revision == 5 {
			sum := sha256.Sum256([]byte(salt))
			return sum[:]
		}
		return slowHash([]byte(salt))
	}
	if string(hash(user[32:40])) != string(user[:32]) {
		return nil
	}
	block, err := aes.NewCipher(hash(user[40:48]))
	if err != nil {
		return nil
	}
	key := make([]byte, 32)
	cipher.NewCBCDecrypter(block, make([]byte, aes.BlockSize)).CryptBlocks(key, []byte(sealed[:32]))
	return key
}

// slowHash is algorithm 2.B of ISO 32000-2 for the empty password.
func slowHash(salt []byte) []byte {
	first := sha256.Sum256(salt)
	k := first[:]
	for round := 0; ; round++ {
		block, err := aes.NewCipher(k[:16])
		if err != nil {
			return nil
		}
		e := bytes.Repeat(k, 64)
		cipher.NewCBCEncrypter(block, k[16:32]).CryptBlocks(e, e)
		sum := 0
		for _, c := range e[:16] {
			sum += int(c)
		}
		switch sum % 3 {
		case 0:
			h := sha256.Sum256(e)
			k = h[:]
		case 1:
			h := sha512.Sum384(e)
			k = h[:]
		default:
			h := sha512.Sum512(e)
			k = h[:]
		}
		if round >= 63 && int(e[len(e)-1]) <= round-31 {
			return k[:32]
		}
	}
}

// open decrypts the content of a stream.
func (d *decrypter) open(data []byte, s stream) []byte {
	if s.dict["Type"] == name("XRef") || s.dict["Type"] == name("Metadata") && !d.metadata {
		return data
	}
	key := d.key
	if !d.perFile {
		salted := append(bytes.Clone(key), byte(s.num), byte(s.num>>8), byte(s.num>>16), byte(s.gen), byte(s.gen>>8)) //nolint:gosec // the low bytes
		if d.aes {
			salted = append(salted, "sAlT"...)
		}
		sum := md5.Sum(salted) //nolint:gosec // see the import
		key = sum[:min(len(key)+5, 16)]
	}
	if !d.aes {
		return rc4ed(key, data)
	}
	data = data[:len(data)/aes.BlockSize*aes.BlockSize]
	block, err := aes.NewCipher(key)
	if err != nil || len(data) < 2*aes.BlockSize {
		return nil
	}
	out := make([]byte, len(data)-aes.BlockSize)
	cipher.NewCBCDecrypter(block, data[:aes.BlockSize]).CryptBlocks(out, data[aes.BlockSize:])
	if pad := int(out[len(out)-1]); pad >= 1 && pad <= aes.BlockSize {
		out = out[:len(out)-pad]
	}
	return out
}
