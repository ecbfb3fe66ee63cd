package server_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestEveryHintIsASentence reads the source, because the server puts the hints
// of all packages behind "Error code: message." as they are.
func TestEveryHintIsASentence(t *testing.T) {
	files := token.NewFileSet()
	found := 0
	check := func(name string, e ast.Expr) {
		if first, ok := literal(e, false); ok && first != "" && (first[0] < 'A' || first[0] > 'Z') {
			t.Errorf("%s: %s begins with %.30q", files.Position(e.Pos()), name, first)
		}
		if last, ok := literal(e, true); ok && !strings.HasSuffix(last, ".") && !strings.HasSuffix(last, "?") {
			t.Errorf("%s: %s ends with %q", files.Position(e.Pos()), name, last)
		}
		found++
	}
	for _, root := range []string{"../auth", "../mailbox", "../tools", "."} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(files, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.KeyValueExpr:
					if key, ok := n.Key.(*ast.Ident); ok && strings.EqualFold(key.Name, "hint") {
						check(key.Name, n.Value)
					}
				case *ast.AssignStmt:
					for i, left := range n.Lhs {
						if s, ok := left.(*ast.SelectorExpr); ok && s.Sel.Name == "Hint" && i < len(n.Rhs) {
							check("Hint", n.Rhs[i])
						}
					}
				case *ast.ValueSpec:
					for i, name := range n.Names {
						if strings.HasPrefix(name.Name, "hint") && i < len(n.Values) {
							check(name.Name, n.Values[i])
						}
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 50 {
		t.Errorf("found %d hints, want the many that there are", found)
	}
}

// literal returns the text with which e begins or ends, if it is written there.
func literal(e ast.Expr, last bool) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil
	case *ast.BinaryExpr:
		if last {
			return literal(e.Y, last)
		}
		return literal(e.X, last)
	}
	return "", false
}
