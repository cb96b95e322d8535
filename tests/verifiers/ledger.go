// ledger KEY CHECKPOINT..: do the leaves on standard input, one a line, have the roots that the
// checkpoints say, and did the key sign them?
//
// A verifier of which everything but this file is the Go project's: golang.org/x/mod/sumdb/note opens
// the checkpoints and golang.org/x/mod/sumdb/tlog makes the tree. The last checkpoint must be about all
// leaves.
package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type checkpoint struct {
	size int64
	root tlog.Hash
}

func reject(format string, args ...interface{}) {
	fmt.Printf("REJECTED: "+format+"\n", args...)
	os.Exit(1)
}

func open(file string, verifiers note.Verifiers) checkpoint {
	data, err := os.ReadFile(file)
	if err != nil {
		reject("%v", err)
	}
	n, err := note.Open(data, verifiers)
	if err != nil {
		reject("%s: %v", file, err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 {
		reject("%s: not a checkpoint", file)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		reject("%s: %v", file, err)
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		reject("%s: no root", file)
	}
	c := checkpoint{size: size}
	copy(c.root[:], root)
	return c
}

func main() {
	verifier, err := note.NewVerifier(os.Args[1])
	if err != nil {
		reject("%v", err)
	}
	var checkpoints []checkpoint
	for _, file := range os.Args[2:] {
		checkpoints = append(checkpoints, open(file, note.VerifierList(verifier)))
	}
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			out[i] = hashes[x]
		}
		return out, nil
	})
	size := int64(0)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	for lines.Scan() {
		more, err := tlog.StoredHashes(size, lines.Bytes(), reader)
		if err != nil {
			reject("%v", err)
		}
		hashes = append(hashes, more...)
		size++
	}
	for _, c := range checkpoints {
		if c.size > size {
			reject("the record is shorter: %d of %d", size, c.size)
		}
		root, err := tlog.TreeHash(c.size, reader)
		if err != nil {
			reject("%v", err)
		}
		if root != c.root {
			reject("the first %d records are not those that were signed for", c.size)
		}
	}
	root, err := tlog.TreeHash(size, reader)
	if err != nil {
		reject("%v", err)
	}
	if last := checkpoints[len(checkpoints)-1]; last.size != size {
		reject("the last checkpoint is about %d records of %d", last.size, size)
	}
	fmt.Printf("accepted %d of %d %x\n", size, size, root[:])
}
