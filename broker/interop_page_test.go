//go:build interop

package broker_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"linkmail/broker/wire"
)

// gmailLogin asks for what linkmail asks for.
var gmailLogin = map[string]any{
	"oauth_provider": "auth0", "display_name": "linkmail: sign in", "steps": 2,
	"oauth_scopes": []string{"openid", "profile", "email", "offline_access"},
}

// fp is the fragment that names the key of the tests.
func fp(t *testing.T) string {
	t.Helper()
	name, err := wire.Fingerprint(&testKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return "#fp=" + name
}

func reads(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("the page lacks %q; it reads:\n%s", w, text)
		}
	}
}

// TestInteropThePageInChromium walks every state of the page in a real
// browser. The screenshots in .artifacts/page are for people to look at.
func TestInteropThePageInChromium(t *testing.T) {
	b := newChromium(t)

	t.Run("a form is encrypted in the browser", func(t *testing.T) {
		r, _ := newPageRig(t)
		a := r.create(map[string]any{"template": "own", "display_name": "Backup robot", "fields": []map[string]any{
			{"name": "user", "label": "User name"},
			{"name": "constructor", "label": "Password", "type": "password"},
			{"name": "region", "label": "Region", "type": "select", "options": []string{"eu-1", "us-1"}},
			{"name": "note", "label": "Note", "type": "textarea", "required": false},
		}})
		p := b.tab(t, "form", nil)
		p.open(a.created.URL + fp(t))
		read := p.heading("Give your assistant a credential?", "10-form-ask")
		reads(t, read, a.created.Code, "Backup robot", "own words", "agent one", strings.TrimPrefix(r.url, "http://"))
		a.wantStatus(wire.Pending)
		p.press("Tab") // the keyboard is enough
		p.shot("11-form-focus")
		p.press("Enter")
		p.heading("Hand over", "12-form-empty")
		p.fill("User name", "alex")
		p.fill("Password", `p"ss wörd 🔑`)
		p.do("choose", map[string]any{"label": "Region", "text": "us-1"})
		p.fill("Note (optional)", "two\nlines")
		p.shot("13-form-filled")
		p.click("Encrypt and send")
		p.heading("Sent", "14-form-sent")
		var got map[string]string
		if err := json.Unmarshal([]byte(a.fetch()), &got); err != nil {
			t.Fatal(err)
		}
		if got["user"] != "alex" || got["constructor"] != `p"ss wörd 🔑` || got["region"] != "us-1" || got["note"] != "two\nlines" {
			t.Errorf("the agent gets %q", got)
		}
		p.content()
	})

	t.Run("both steps of a sign-in run in one tab", func(t *testing.T) {
		r, idp := newPageRig(t)
		first := r.create(gmailLogin)
		p := b.tab(t, "chain", nil)
		p.open(first.created.URL + fp(t))
		reads(t, p.heading("Connect an account to your assistant?", "20-oauth-ask"), "Step 1 of 2", first.created.Code,
			"linkmail: sign in", "see your e-mail address", "offline_access", strings.TrimPrefix(idp.URL, "http://"))
		p.click("Yes, same code: continue")
		p.heading(strings.TrimPrefix(idp.URL, "http://"), "21-provider")
		p.click("Allow")
		p.heading("Step 1 of 2 is done", "22-waiting")
		first.fetch()
		second := &agent{r: r, key: testKey()}
		r.follow(first, idp, map[string]any{"display_name": "linkmail: connect gmail"}).want(http.StatusCreated).into(&second.created)
		reads(t, p.heading("One more thing to allow", "23-second-ask"), "Step 2 of 2", first.created.Code, "linkmail: connect gmail")

		// The same link in another browser leads nowhere, and says so.
		other := b.tab(t, "stranger", nil)
		other.open(first.created.URL + fp(t))
		reads(t, other.heading("This link does not work", "24-second-browser"), "another browser")

		p.click("Continue")
		p.heading(strings.TrimPrefix(idp.URL, "http://"), "25-consent")
		p.click("Allow")
		p.heading("Connected", "26-connected")
		if got := second.fetch(); got != `{"connect_code":"cc-1"}` {
			t.Errorf("the agent gets %s", got)
		}
		p.content()
		other.content()
	})

	t.Run("a closed tab is opened again for the second step", func(t *testing.T) {
		r, idp := newPageRig(t)
		first := r.create(gmailLogin)
		p := b.tab(t, "again/1", nil)
		p.open(first.created.URL + fp(t))
		p.heading("Connect an account to your assistant?", "20-oauth-ask")
		p.click("Yes, same code: continue")
		p.heading(strings.TrimPrefix(idp.URL, "http://"), "21-provider")
		p.click("Allow")
		p.heading("Step 1 of 2 is done", "22-waiting")
		p.open("about:blank")
		first.fetch()
		r.follow(first, idp, nil).want(http.StatusCreated)
		p = b.tab(t, "again/2", nil)
		p.open(first.created.URL + fp(t))
		p.heading("One more thing to allow", "23-second-ask")
		p.content()
	})

	t.Run("a consent that is refused", func(t *testing.T) {
		r, idp := newPageRig(t)
		a := r.create(map[string]any{"oauth_provider": "auth0", "display_name": "linkmail"})
		p := b.tab(t, "denied", nil)
		p.open(a.created.URL + fp(t))
		p.heading("Connect an account to your assistant?", "30-single-ask")
		p.click("Yes, same code: continue")
		p.heading(strings.TrimPrefix(idp.URL, "http://"), "21-provider")
		p.click("Deny")
		reads(t, p.heading("Not connected", "31-denied-notice"), "new link")
		p.open(a.created.URL)
		reads(t, p.heading("Not connected", "32-denied-again"), "new link")
		a.wantStatus(wire.Failed)
		p.content()
	})

	t.Run("a second browser after the first has confirmed", func(t *testing.T) {
		r, _ := newPageRig(t)
		a := r.create(nil)
		p, other := b.tab(t, "quick", nil), b.tab(t, "slow", nil)
		p.open(a.created.URL)
		p.heading("Give your assistant a credential?", "10-form-ask")
		other.open(a.created.URL)
		other.heading("Give your assistant a credential?", "10-form-ask")
		p.click("Yes, same code: continue")
		p.heading("Hand over", "12-form-empty")
		other.click("Yes, same code: continue")
		reads(t, other.heading("This link is already in use", "40-in-use"), "new link")
		other.open(a.created.URL)
		read := other.heading("This link does not work", "41-gone")
		if strings.Contains(read, "API key") {
			t.Errorf("the second browser sees the fields: %s", read)
		}
		p.open(a.created.URL)
		p.heading("Not finished", "42-left-half-way")
		p.content()
		other.content()
	})

	t.Run("a link that runs out while the page is open", func(t *testing.T) {
		r, _ := newPageRig(t)
		a := r.create(nil)
		p := b.tab(t, "expiry", nil)
		p.do("freeze", nil)
		p.open(a.created.URL)
		p.heading("Give your assistant a credential?", "10-form-ask")
		p.do("forward", map[string]any{"ms": 11 * 60 * 1000})
		reads(t, p.heading("The time is over", "50-expired"), "Ask your assistant for a new one")
	})

	t.Run("a code that is typed", func(t *testing.T) {
		r, _ := newPageRig(t)
		a := r.create(nil)
		p := b.tab(t, "typed", nil)
		p.open(a.created.VerificationURI)
		p.heading("Enter the code", "60-enter")
		p.click("Continue")
		p.fill("Code", "AAAAA-AAAAA")
		p.click("Continue")
		p.do("eval", map[string]any{"script": `while (document.getElementById("enter-error").textContent.length < 60) await new Promise((r) => setTimeout(r, 20))`})
		reads(t, p.heading("Enter the code", "61-enter-wrong"), "not known")
		p.fill("Code", strings.ToLower(strings.ReplaceAll(a.created.Code, "-", "")))
		p.press("Enter")
		reads(t, p.heading("Give your assistant a credential?", "62-enter-ask"), a.created.Code)
		p.click("Yes, same code: continue")
		p.fill("API key", "k")
		p.click("Encrypt and send")
		p.heading("Sent", "14-form-sent")
		if got := a.fetch(); got != `{"api_key":"k"}` {
			t.Errorf("the agent gets %s", got)
		}
		p.content()
	})

	t.Run("too many wrong codes", func(t *testing.T) {
		r, _ := newPageRig(t)
		for i := range 10 {
			r.send("GET", fmt.Sprintf("/v1/connect/AAAAA-%05d", i), "").problem(404)
		}
		p := b.tab(t, "many", nil)
		p.open(r.url + "/connect/AAAAA-AAAAA")
		p.heading("Too many attempts", "63-too-many")
	})

	t.Run("a person who reads German, in the dark, on a small phone", func(t *testing.T) {
		r, idp := newPageRig(t)
		first := r.create(gmailLogin)
		p := b.tab(t, "german", map[string]any{
			"locale": "de-DE", "colorScheme": "dark", "viewport": map[string]int{"width": 320, "height": 640},
		})
		p.open(first.created.URL + fp(t))
		reads(t, p.heading("Ein Konto mit Ihrem Assistenten verbinden?", "70-german-ask"), "Schritt 1 von 2", "Ihre E-Mail-Adresse zu sehen")
		var facts struct {
			Lang  string
			Wider bool
		}
		p.eval(`return { lang: document.documentElement.lang, wider: document.documentElement.scrollWidth > innerWidth }`, &facts)
		if facts.Lang != "de" || facts.Wider {
			t.Errorf("the page is in %q, and wider than the screen: %v", facts.Lang, facts.Wider)
		}
		p.click("Ja, gleicher Code: weiter")
		p.heading(strings.TrimPrefix(idp.URL, "http://"), "21-provider")
		p.click("Allow")
		p.heading("Schritt 1 von 2 ist erledigt", "71-german-waiting")
		p.open(r.url + "/v1/oauth/callback?state=x")
		p.heading("Nicht verbunden", "72-german-notice")
		p.content()
	})

	t.Run("wide and long texts on a narrow screen", func(t *testing.T) {
		r, _ := newPageRig(t)
		long := strings.Repeat("W", 80)
		a := r.create(map[string]any{"template": "own", "display_name": long, "fields": []map[string]any{
			{"name": "n", "label": long, "type": "select", "options": []string{strings.Repeat("option ", 25)}},
		}})
		p := b.tab(t, "narrow", map[string]any{"viewport": map[string]int{"width": 320, "height": 640}})
		p.open(a.created.URL)
		p.heading("Give your assistant a credential?", "80-narrow-ask")
		p.click("Yes, same code: continue")
		p.heading("Hand over", "81-narrow-fill")
		var wider bool
		p.eval(`return document.documentElement.scrollWidth > innerWidth`, &wider)
		if wider {
			t.Error("the page is wider than the screen")
		}
	})

	t.Run("without a secure context nothing can be entered", func(t *testing.T) {
		r, _ := newPageRig(t)
		a := r.create(nil)
		p := b.tab(t, "insecure", nil)
		p.open("about:blank")
		p.do("insecure", nil)
		p.open(a.created.URL)
		reads(t, p.heading("This connection is not safe", "90-insecure"), "https")
		a.wantStatus(wire.Pending)
	})
}

// TestInteropB16FramesAreBlocked: a page of somebody else cannot show ours in a frame.
func TestInteropB16FramesAreBlocked(t *testing.T) {
	b := newChromium(t)
	r, _ := newPageRig(t)
	a := r.create(nil)
	frame := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<!doctype html><title>f</title><h1>Prize draw</h1><iframe src=%q width=380 height=600></iframe>`, a.created.URL)
	}))
	t.Cleanup(frame.Close)
	p := b.tab(t, "framed", nil)
	p.open(frame.URL) // answers when the frame has loaded, or not
	p.shot("95-framed")
	var complaints []string
	if err := json.Unmarshal(p.do("complaints", nil), &complaints); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(complaints, " "); !strings.Contains(text, "frame") {
		t.Errorf("the browser did not block the frame: it complains of %q", text)
	}
	a.wantStatus(wire.Pending)
}

// TestInteropB19AnotherKeyIsRefused: the served key is not the one that the link names.
func TestInteropB19AnotherKeyIsRefused(t *testing.T) {
	b := newChromium(t)
	for name, fields := range map[string]map[string]any{"form": nil, "oauth": gmailLogin} {
		r, _ := newPageRig(t)
		a := r.create(fields)
		p := b.tab(t, "tampered-"+name, nil)
		p.open(a.created.URL + "#fp=AAAAAAAAAAAAAAAA")
		reads(t, p.heading("Do not enter anything here", "91-key-"+name), "another key")
		var enabled int
		p.eval(`return [...document.querySelectorAll("button, input")].filter((e) => e.checkVisibility()).length`, &enabled)
		if enabled != 0 {
			t.Errorf("%s: %d controls can be used", name, enabled)
		}
		a.wantStatus(wire.Pending)
		p.content()
		// The right name, in small letters, is the right name.
		p = b.tab(t, "untampered-"+name, nil)
		p.open(a.created.URL + strings.ToLower(fp(t)))
		p.do("eval", map[string]any{"script": `while (document.getElementById("confirm").disabled) await new Promise((r) => setTimeout(r, 20))`})
	}

	// The second step is held against the name that came with the first, also
	// after a trip that lost the fragment.
	r, idp := newPageRig(t)
	first := r.create(gmailLogin)
	p := b.tab(t, "tampered-later", nil)
	p.open(first.created.URL + fp(t))
	p.heading("Connect an account to your assistant?", "20-oauth-ask")
	p.click("Yes, same code: continue")
	p.heading(strings.TrimPrefix(idp.URL, "http://"), "21-provider")
	p.click("Allow")
	p.heading("Step 1 of 2 is done", "22-waiting")
	first.fetch()
	v := loadVectors(t)
	r.follow(first, idp, map[string]any{"public_key": v.GoodKeys[1].PublicKey}).want(http.StatusCreated)
	p.heading("Do not enter anything here", "92-key-second-step")
}

// TestInteropB20NamesAreText: what the agent says about itself is text.
func TestInteropB20NamesAreText(t *testing.T) {
	b := newChromium(t)
	r, _ := newPageRig(t)
	a := r.create(map[string]any{"display_name": `<img src=x onerror="document.title='owned'">` + "\u202e\n" + strings.Repeat("x", 10_000)})
	p := b.tab(t, "markup", nil)
	p.open(a.created.URL)
	read := p.heading("Give your assistant a credential?", "93-markup")
	reads(t, read, `<img src=x onerror=`)
	var found struct {
		Images int
		Title  string
	}
	p.eval(`return { images: document.images.length, title: document.title }`, &found)
	if found.Images != 0 || found.Title == "owned" || strings.ContainsRune(read, '\u202e') || len(read) > 1500 {
		t.Errorf("the page has %d images and the title %q; it reads %q", found.Images, found.Title, read)
	}
	p.content()
}

type pageVectors struct {
	PrivateKey []byte `json:"private_key"`
	GoodKeys   []struct {
		Name        string `json:"name"`
		PublicKey   string `json:"public_key"`
		Fingerprint string `json:"fingerprint"`
	} `json:"good_keys"`
	BadKeys []struct {
		Name      string `json:"name"`
		PublicKey string `json:"public_key"`
	} `json:"bad_keys"`
}

func loadVectors(t *testing.T) pageVectors {
	t.Helper()
	raw, err := os.ReadFile("wire/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v pageVectors
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestInteropEnvelopeVectorsInChromium holds the page's module against the vectors of package wire.
func TestInteropEnvelopeVectorsInChromium(t *testing.T) {
	b := newChromium(t)
	r, _ := newPageRig(t)
	p := b.tab(t, "vectors", nil)
	p.open(r.url + "/connect")
	p.heading("Enter the code", "60-enter")
	v := loadVectors(t)
	parsed, err := x509.ParsePKCS8PrivateKey(v.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		t.Fatal("the key of the vectors is not an RSA key")
	}
	text, err := wire.EncodePublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, plain := range []string{"", "x", `{"password":"ünïcödé 🔑"}`, strings.Repeat("long ", 10_000)} {
		var sealed string
		p.eval(fmt.Sprintf(`const { seal } = await import("/static/envelope.js");
			return seal(%q, Uint8Array.from(atob(%q), (c) => c.charCodeAt(0)))`, text, base64.StdEncoding.EncodeToString([]byte(plain))), &sealed)
		got, err := wire.Open(key, sealed)
		if err != nil || string(got) != plain {
			t.Errorf("Go opens what the page sealed as %.40q, %v; want %.40q", got, err, plain)
		}
	}
	for _, good := range v.GoodKeys {
		var answer string
		p.eval(fmt.Sprintf(`const { seal, fingerprint } = await import("/static/envelope.js");
			try { await seal(%[1]q, new Uint8Array(1)) } catch (e) { return String(e) }
			return fingerprint(%[1]q)`, good.PublicKey), &answer)
		if answer != good.Fingerprint {
			t.Errorf("the key of %s gives %q, want its fingerprint %s", good.Name, answer, good.Fingerprint)
		}
	}
	for _, bad := range v.BadKeys {
		quoted, err := json.Marshal(bad.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		var answer string
		p.eval(fmt.Sprintf(`const { seal } = await import("/static/envelope.js");
			try { return await seal(%s, new Uint8Array(1)) } catch { return "refused" }`, quoted), &answer)
		if answer != "refused" {
			t.Errorf("the page encrypts to the key %q", bad.Name)
		}
	}
}

// TestInteropThePageIsAccessible measures in both colour schemes what can be measured: contrast
// (WCAG 2.2 success criterion 1.4.3), names of controls, the visible focus.
func TestInteropThePageIsAccessible(t *testing.T) {
	b := newChromium(t)
	for _, scheme := range []string{"light", "dark"} {
		r, _ := newPageRig(t)
		a := r.create(map[string]any{"oauth_provider": "auth0", "steps": 2, "display_name": "linkmail", "oauth_scopes": []string{"openid", "own.scope"}})
		p := b.tab(t, "contrast-"+scheme, map[string]any{"colorScheme": scheme})
		p.open(a.created.URL)
		p.heading("Connect an account to your assistant?", "94-"+scheme)
		var low []string
		p.eval(contrastScript, &low)
		if len(low) > 0 {
			t.Errorf("%s: too little contrast: %v", scheme, low)
		}
		var facts struct {
			Nameless int
			Outline  string
		}
		p.eval(`const controls = [...document.querySelectorAll("button, input, select, textarea")];
			document.getElementById("confirm").focus({ focusVisible: true });
			return {
				nameless: controls.filter((c) => c.checkVisibility() && !c.textContent.trim() && !(c.labels && c.labels.length)).length,
				outline: getComputedStyle(document.getElementById("confirm")).outlineStyle,
			}`, &facts)
		if facts.Nameless != 0 || facts.Outline == "none" {
			t.Errorf("%s: %d controls without a name, focus outline %q", scheme, facts.Nameless, facts.Outline)
		}
	}
}

// contrastScript lists visible texts whose contrast is below 4.5.
const contrastScript = `
const channel = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const rgb = (text) => text.match(/[\d.]+/g).map(Number);
const ground = (e) => {
  for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c;
  }
  return [255, 255, 255];
};
const low = [];
for (const e of document.querySelectorAll("main *")) {
  const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  if (!own || !e.checkVisibility()) continue;
  const a = light(rgb(getComputedStyle(e).color)), b = light(ground(e));
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (ratio < 4.5) low.push(e.textContent.trim().slice(0, 30) + " " + ratio.toFixed(2));
}
return low;`
