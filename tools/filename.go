package tools

import (
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxFileName bounds a name, in bytes; file systems take 255, and a number may
// still be added.
const maxFileName = 200

// reservedNames mean devices on Windows, with any extension.
var reservedNames = map[string]bool{
	"CON": true, "PRN": true, "AUX": true, "NUL": true, "CONIN$": true, "CONOUT$": true, "CLOCK$": true,
}

// fileName makes a plain file name of what a sender called an attachment: one
// that leads nowhere, hides nothing and means no device, on any system.
func fileName(s string) string {
	s = strings.ToValidUTF8(s, "_")
	if runes := []rune(s); len(runes) > maxFileName { // the end says what it is
		s = string(runes[len(runes)-maxFileName:])
	}
	s = strings.Map(func(r rune) rune {
		// What is not graphic may reverse the text, and so hide an extension.
		if unicode.IsControl(r) || !unicode.IsGraphic(r) || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, s)
	s = trimmed(s)
	extension := filepath.Ext(s)
	if len(extension) > 20 {
		extension = ""
	}
	stem := strings.TrimSuffix(s, extension)
	for len(stem)+len(extension) > maxFileName {
		_, size := utf8.DecodeLastRuneInString(stem)
		stem = stem[:len(stem)-size]
	}
	s = trimmed(stem + extension)
	if s == "" || isDevice(s) {
		return "attachment_" + s
	}
	return s
}

// trimmed takes off what systems drop at the end of a name, or hide for its
// beginning.
func trimmed(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r == '.' || unicode.IsSpace(r) })
}

// isDevice reports whether Windows takes a name for a device: one of those with
// a name, or COM and LPT with a digit, however it is written.
func isDevice(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.ToUpper(strings.TrimSpace(stem))
	if reservedNames[stem] {
		return true
	}
	rest, port := strings.CutPrefix(stem, "COM")
	if !port {
		rest, port = strings.CutPrefix(stem, "LPT")
	}
	return port && utf8.RuneCountInString(rest) == 1 && strings.ContainsAny(rest, "0123456789¹²³")
}
