package standin

import (
	"bytes"
	"errors"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// form is an HTML form as a person sees it.
type form struct {
	method, action string
	controls       []*control
}

// control is one input, select or button of a form.
type control struct {
	kind, name, value string
	label             string // of a button
	on                bool   // ticked, selected; always for text
	options           []string
}

// firstForm reads the first form of a page. Broken HTML is read as a browser
// would read it.
func firstForm(page []byte) (*form, bool) {
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		return nil, false
	}
	n := findElement(doc, "form")
	if n == nil {
		return nil, false
	}
	f := &form{method: strings.ToUpper(attribute(n, "method")), action: attribute(n, "action")}
	for e := range n.Descendants() {
		if e.Type != html.ElementNode || hasAttribute(e, "disabled") {
			continue
		}
		switch e.Data {
		case "input":
			f.controls = append(f.controls, readInput(e))
		case "textarea":
			f.controls = append(f.controls, &control{kind: "text", name: attribute(e, "name"), value: nodeText(e), on: true})
		case "select":
			f.controls = append(f.controls, readSelect(e))
		case "button":
			if kind := attribute(e, "type"); kind == "" || strings.EqualFold(kind, "submit") {
				f.controls = append(f.controls, &control{kind: "submit", name: attribute(e, "name"), value: attribute(e, "value"), label: nodeText(e)})
			}
		}
	}
	return f, true
}

func readInput(e *html.Node) *control {
	c := &control{kind: strings.ToLower(attribute(e, "type")), name: attribute(e, "name"), value: attribute(e, "value")}
	switch c.kind {
	case "checkbox", "radio":
		c.on = hasAttribute(e, "checked")
		if !hasAttribute(e, "value") {
			c.value = "on"
		}
	case "submit":
		c.label = c.value
	default:
		c.on = true
	}
	return c
}

func readSelect(e *html.Node) *control {
	c := &control{kind: "select", name: attribute(e, "name"), on: true}
	chosen := -1
	for o := range e.Descendants() {
		if o.Type != html.ElementNode || o.Data != "option" {
			continue
		}
		value := nodeText(o)
		if hasAttribute(o, "value") {
			value = attribute(o, "value")
		}
		if hasAttribute(o, "selected") {
			chosen = len(c.options)
		}
		c.options = append(c.options, value)
	}
	if len(c.options) > 0 {
		c.value = c.options[max(chosen, 0)] // a browser shows the first if none is selected
	}
	return c
}

// button returns the submit button with this label, or nil.
func (f *form) button(label string) *control {
	i := slices.IndexFunc(f.controls, func(c *control) bool { return c.kind == "submit" && c.label == label })
	if i < 0 {
		return nil
	}
	return f.controls[i]
}

// choose selects value in the select or among the radio buttons called name.
func (f *form) choose(name, value string) bool {
	found := slices.ContainsFunc(f.controls, func(c *control) bool {
		return c.name == name && (c.kind == "radio" && c.value == value || c.kind == "select" && slices.Contains(c.options, value))
	})
	if !found {
		return false
	}
	for _, c := range f.controls {
		switch {
		case c.name != name:
		case c.kind == "radio":
			c.on = c.value == value
		case c.kind == "select":
			c.value = value
		}
	}
	return true
}

// untick clears the box called name with this value.
func (f *form) untick(name, value string) bool {
	for _, c := range f.controls {
		if c.kind == "checkbox" && c.name == name && c.value == value {
			c.on = false
			return true
		}
	}
	return false
}

// press returns what the form sends when the button is pressed.
func (f *form) press(label string) (url.Values, error) {
	b := f.button(label)
	if b == nil {
		return nil, errors.New("has no button " + label)
	}
	values := url.Values{}
	for _, c := range f.controls {
		if c.name != "" && (c.on || c == b) {
			values.Add(c.name, c.value)
		}
	}
	return values, nil
}

func findElement(n *html.Node, name string) *html.Node {
	for e := range n.Descendants() {
		if e.Type == html.ElementNode && e.Data == name {
			return e
		}
	}
	return nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttribute(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// unseen are the elements whose text no browser shows.
var unseen = []string{"script", "style", "head", "template", "noscript"}

// nodeText is what can be read in n, with single spaces.
func nodeText(n *html.Node) string {
	var b strings.Builder
	var read func(*html.Node)
	read = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data + " ")
		}
		if n.Type == html.ElementNode && (hasAttribute(n, "hidden") || slices.Contains(unseen, n.Data)) {
			return
		}
		for c := range n.ChildNodes() {
			read(c)
		}
	}
	read(n)
	return strings.Join(strings.Fields(b.String()), " ")
}

// pageTitle and pageText read a whole page.
func pageTitle(page []byte) string {
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		return ""
	}
	title := findElement(doc, "title")
	if title == nil {
		return ""
	}
	return nodeText(title)
}

func pageText(page []byte) string {
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		return ""
	}
	return nodeText(doc)
}
