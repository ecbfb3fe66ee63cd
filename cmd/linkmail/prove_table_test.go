package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	// oauthLogins is how many logins the proof plays, each with its refresh: one
	// remnant in a thousand would be luck to find after one.
	oauthLogins = 20
	// collections is how often the broker's garbage collector runs before its
	// memory is searched for what a login left behind.
	collections = 4
)

// The rows of the table that make prove prints.
var (
	rowMemoryWaiting = "memory, ciphertext waiting"
	rowStoreWaiting  = "database and log of writes, ciphertext waiting"
	rowOpenedWaiting = "the same with its key, ciphertext waiting"
	rowMemoryAfter   = "memory, right after the logins"
	rowMemoryLater   = fmt.Sprintf("memory, %d collections later", collections)
	rowStoreEnd      = "database and log of writes, at the end"
	rowOpenedEnd     = "the same with its key, at the end"
	rowLog           = "log at level trace, and stack dump"
	rowWire          = "wire: browser and agent"
	rowWireTLS       = "wire: tenant, TLS"

	proofRows = []string{
		rowMemoryWaiting, rowStoreWaiting, rowOpenedWaiting, rowMemoryAfter, rowMemoryLater,
		rowStoreEnd, rowOpenedEnd, rowLog, rowWire, rowWireTLS,
	}
)

// proofHead is the table's head.
var proofHead = fmt.Sprintf("| searched | bytes | form secret | tokens of %d logins and refreshes | control |\n|---|---:|---:|---:|---:|\n", oauthLogins)

// proofPages quote the table.
var proofPages = []string{"README.md", "docs/broker-zero-knowledge.md"}

// proofTable is the table in a page.
var proofTable = regexp.MustCompile(`(?m)^\| searched \|.*\n(?:\|.*\n)+`)

// proofRow is a row of it: a place, bytes, two counts that are nothing, and the
// control's.
var proofRow = regexp.MustCompile(`^\| ([^|]+) \| [\d,]+ \| 0 \| 0 \| (\d+) \|$`)

// quoteProof puts a table where a page has its last one.
func quoteProof(t *testing.T, page, table string) {
	t.Helper()
	text := readText(t, page)
	at := proofTable.FindStringIndex(text)
	if at == nil {
		t.Fatalf("%s quotes no proof", page)
	}
	if err := os.WriteFile("../../"+page, []byte(text[:at[0]]+table+text[at[1]:]), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTheQuotedProofHasTheRowsOfTheProof compares what the pages quote with what
// make prove searches. The counts are of one run; that the secrets are found
// nowhere, and the control everywhere, holds for each.
func TestTheQuotedProofHasTheRowsOfTheProof(t *testing.T) {
	for _, page := range proofPages {
		table := proofTable.FindString(readText(t, page))
		head, body, ok := strings.Cut(table, "|---|---:|---:|---:|---:|\n")
		if !ok || head+"|---|---:|---:|---:|---:|\n" != proofHead {
			t.Errorf("%s: the head is %q, want %q", page, head, proofHead)
		}
		var places []string
		for line := range strings.Lines(body) {
			row := proofRow.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
			if row == nil {
				t.Errorf("%s: %q is no row of a proof that holds", page, line)
				continue
			}
			places = append(places, row[1])
			if (row[2] == "0") != (row[1] == rowWireTLS) {
				t.Errorf("%s: the control was found %s times in %q", page, row[2], row[1])
			}
		}
		if !slices.Equal(places, proofRows) {
			t.Errorf("%s quotes the rows %q, want %q; run the proof with -update", page, places, proofRows)
		}
	}
}
