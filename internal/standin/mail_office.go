package standin

import (
	"fmt"
	"strings"
)

const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

// officeFile packs the parts of an Office document. kind is what the content
// type of its main part ends with, and types those of further parts.
func officeFile(main, kind string, types map[string]string, parts ...[2]string) []byte {
	const office = "application/vnd.openxmlformats-officedocument."
	override := func(part, kind string) string {
		return `<Override PartName="/` + part + `" ContentType="` + office + kind + `"/>`
	}
	var overrides strings.Builder
	overrides.WriteString(override(main, kind))
	for _, p := range parts {
		if t := types[p[0]]; t != "" {
			overrides.WriteString(override(p[0], t))
		}
	}
	all := [][2]string{
		{"[Content_Types].xml", xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` + overrides.String() + `</Types>`},
		{"_rels/.rels", relations([2]string{"officeDocument", main})},
	}
	return zipFile(append(all, parts...)...)
}

// relations links to parts, as rId1 and so on, by what they are.
func relations(links ...[2]string) string {
	var b strings.Builder
	b.WriteString(xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`)
	for i, l := range links {
		fmt.Fprintf(&b, `<Relationship Id="rId%d" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/%s" Target="%s"/>`, i+1, l[0], l[1])
	}
	return b.String() + `</Relationships>`
}

func docxFile(text string) []byte {
	return officeFile("word/document.xml", "wordprocessingml.document.main+xml", nil,
		[2]string{"word/document.xml", xmlHead + `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>` +
			markupEscapes.Replace(text) + `</w:t></w:r></w:p></w:body></w:document>`},
	)
}

// xlsxFile has the figures in its only sheet.
func xlsxFile(name string) []byte {
	var rows strings.Builder
	text := func(s string) string {
		return `<c t="inlineStr"><is><t>` + markupEscapes.Replace(s) + `</t></is></c>`
	}
	rows.WriteString("<row>" + text("client") + text("quarter") + text("amount") + "</row>")
	for _, f := range figures(name) {
		fmt.Fprintf(&rows, "<row>%s%s<c><v>%s</v></c></row>", text(f.client), text(fmt.Sprintf("Q%d", f.quarter)), f.amount)
	}
	const main = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	return officeFile("xl/workbook.xml", "spreadsheetml.sheet.main+xml", map[string]string{"xl/sheet1.xml": "spreadsheetml.worksheet+xml"},
		[2]string{"xl/workbook.xml", xmlHead + `<workbook ` + main + ` xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">` +
			`<sheets><sheet name="Revenue" sheetId="1" r:id="rId1"/></sheets></workbook>`},
		[2]string{"xl/_rels/workbook.xml.rels", relations([2]string{"worksheet", "sheet1.xml"})},
		[2]string{"xl/sheet1.xml", xmlHead + `<worksheet ` + main + `><sheetData>` + rows.String() + `</sheetData></worksheet>`},
	)
}

// pptxFile has two slides.
func pptxFile(text string) []byte {
	const spaces = `xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"`
	slide := func(lines ...string) string {
		var b strings.Builder
		for _, l := range lines {
			b.WriteString("<a:p><a:r><a:t>" + markupEscapes.Replace(l) + "</a:t></a:r></a:p>")
		}
		return xmlHead + `<p:sld ` + spaces + `><p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>` +
			`<p:sp><p:nvSpPr><p:cNvPr id="2" name="Text"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/>` + b.String() + `</p:txBody></p:sp></p:spTree></p:cSld></p:sld>`
	}
	const kind = "presentationml.slide+xml"
	return officeFile("ppt/presentation.xml", "presentationml.presentation.main+xml", map[string]string{"ppt/slide1.xml": kind, "ppt/slide2.xml": kind},
		[2]string{"ppt/presentation.xml", xmlHead + `<p:presentation ` + spaces + `><p:sldIdLst><p:sldId id="256" r:id="rId1"/><p:sldId id="257" r:id="rId2"/></p:sldIdLst><p:notesSz cx="1" cy="1"/></p:presentation>`},
		[2]string{"ppt/_rels/presentation.xml.rels", relations([2]string{"slide", "slide1.xml"}, [2]string{"slide", "slide2.xml"})},
		[2]string{"ppt/slide1.xml", slide(text, "Harbor and Pine")},
		[2]string{"ppt/slide2.xml", slide("Open points", "Budget for the second half", "The lease of the office")},
	)
}
