//go:build interop

package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"linkmail/internal/standin"
)

// curl runs examples/curl and returns the credential that it prints.
func (d *deployment) curl(t *testing.T, flow string, act func(link, code string)) (map[string]any, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "../../examples/curl/linkauth.sh", flow)
	cmd.Env = []string{
		"PATH=/usr/bin:/bin", "TMPDIR=" + t.TempDir(), "CURL_CA_BUNDLE=" + d.roots, "LINKAUTH_BROKER_URL=" + d.broker, "LINKAUTH_API_KEY=" + judgeKey,
		"AUTH0_DOMAIN=" + d.tenant, "AUTH0_CLIENT_ID=" + standin.DemoClientID, "AUTH0_CLIENT_SECRET=" + standin.DemoClientSecret,
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	link := ""
	for lines := bufio.NewScanner(said); lines.Scan(); {
		switch word, rest, _ := strings.Cut(lines.Text(), " "); word {
		case "Open":
			link = rest
		case "Code":
			act(link, rest)
		default:
			t.Log(lines.Text())
		}
	}
	if err := cmd.Wait(); err != nil {
		return nil, err
	}
	var credential map[string]any
	if err := json.Unmarshal(out.Bytes(), &credential); err != nil {
		t.Fatalf("the script printed no JSON: %v", err)
	}
	return credential, nil
}

func TestInteropWithCurlAndOpenssl(t *testing.T) {
	d := deploy(t, binary(t), deploymentOptions{})
	typed := rand.Text() + ` "quoted", ÄÖ€`
	got, err := d.curl(t, "form", func(_, code string) { d.typeIn(t, code, map[string]string{"api_key": typed}) })
	if err != nil || got["api_key"] != typed {
		t.Errorf("form: got %v and error %v, the person typed %q", got, err, typed)
	}
	for _, flow := range []string{"oauth", "passthrough"} {
		got, err := d.curl(t, flow, func(link, code string) { d.click(t, link, code) })
		if token, _ := got["refresh_token"].(string); err != nil || !d.redeems(t, token) {
			t.Errorf("%s: error %v, and the tenant does not take what came (%d members) for a refresh token", flow, err, len(got))
		}
	}
}

// TestInteropCurlRefusesAChangedEnvelope changes one bit of the ciphertext and
// one of the tag on the way to the script, which has to notice by itself.
func TestInteropCurlRefusesAChangedEnvelope(t *testing.T) {
	bin := binary(t)
	for name, fromEnd := range map[string]int{"ciphertext": 17, "tag": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, bin, deploymentOptions{public: func(listen string) string {
				proxy := httptest.NewServer(&httputil.ReverseProxy{
					Rewrite: func(r *httputil.ProxyRequest) {
						r.SetURL(&url.URL{Scheme: "http", Host: listen})
						r.Out.Host = r.In.Host
					},
					ModifyResponse: func(r *http.Response) error { return flip(r, fromEnd) },
				})
				t.Cleanup(proxy.Close)
				return proxy.Listener.Addr().String()
			}})
			got, err := d.curl(t, "form", func(_, code string) { d.typeIn(t, code, map[string]string{"api_key": "whatever"}) })
			if err == nil {
				t.Errorf("the script took a changed %s and printed %v", name, got)
			}
		})
	}
}

// flip changes a bit of the byte of the ciphertext that is so far from its end,
// in the answer to a poll; other answers pass.
func flip(r *http.Response, fromEnd int) error {
	var answer map[string]any
	if r.Request.Method != http.MethodGet || !strings.HasPrefix(r.Request.URL.Path, "/v1/sessions/") {
		return nil
	}
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		return err
	}
	if envelope, ok := answer["ciphertext"].(string); ok {
		inner, err := base64.StdEncoding.DecodeString(envelope)
		if err != nil {
			return err
		}
		var parts map[string][]byte
		if err := json.Unmarshal(inner, &parts); err != nil {
			return err
		}
		sealed := parts["ciphertext"]
		sealed[len(sealed)-fromEnd] ^= 1
		if inner, err = json.Marshal(parts); err != nil {
			return err
		}
		answer["ciphertext"] = base64.StdEncoding.EncodeToString(inner)
	}
	return replaceBody(r, answer)
}

func replaceBody(r *http.Response, answer any) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}
