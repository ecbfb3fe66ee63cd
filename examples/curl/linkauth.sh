#!/usr/bin/env bash
# Gets a credential through a LinkAuth broker with curl and openssl (3.0 or
# later) and nothing else. README.md explains the steps.
#
#   ./linkauth.sh form          what a person types in, for example an API key
#   ./linkauth.sh oauth         the tokens of a login at the broker's provider
#   ./linkauth.sh passthrough   an authorization code, redeemed from here
#
# The link and the code go to standard error, the credential, as JSON, to
# standard output.
set -euo pipefail
umask 077

flow=${1:-form}
broker=${LINKAUTH_BROKER_URL:?the address of the broker is missing}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

say() { printf '%s\n' "$*" >&2; }
die() { say "linkauth: $*"; exit 1; }

# member NAME <file: a member of a flat JSON object. Ids, links, tokens and
# base64 have no escapes, so this is all the JSON that is needed.
member() { tr -d '\r\n' | sed -n 's/.*"'"$1"'" *: *"\{0,1\}\([^",}]*\).*/\1/p'; }

# hex FILE: its bytes as asn1parse wants them.
hex() { od -An -v -tx1 "$1" | tr -d ' \n'; }

# request ARGUMENT...: prints the status, leaves the body in the file "answer".
# Secrets are in files: an argument would be seen by every user of the machine.
request() {
	curl --silent --show-error --max-time 20 --output answer --write-out '%{http_code}' \
		--header @headers "$@" || die "the broker cannot be reached"
}

# ---- 1. a key for this one session ------------------------------------------

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out private.pem 2>errors || die "$(<errors)"
openssl pkey -in private.pem -pubout -outform DER -out public.der
public_key=$(openssl base64 -A -in public.der)

# ---- 2. the session ----------------------------------------------------------

case $flow in
form)
	what='"template":"api_key"'
	;;
oauth)
	what='"oauth_provider":"'${LINKAUTH_PROVIDER:-auth0}'","oauth_scopes":["openid","offline_access"]'
	;;
passthrough)
	: "${AUTH0_DOMAIN:?}" "${AUTH0_CLIENT_ID:?}" "${AUTH0_CLIENT_SECRET:?}"
	urlsafe() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
	state=$(openssl rand 24 | urlsafe)
	verifier=$(openssl rand 48 | urlsafe)
	challenge=$(printf %s "$verifier" | openssl dgst -sha256 -binary | urlsafe)
	redirect=$broker/v1/oauth/callback
	where="https://$AUTH0_DOMAIN/authorize?response_type=code&client_id=$AUTH0_CLIENT_ID&redirect_uri=$redirect"
	where+="&scope=openid%20offline_access&state=$state&code_challenge=$challenge&code_challenge_method=S256"
	what='"custom_authorize_url":"'$where'","custom_state":"'$state'","custom_callback_params":["code"]'
	;;
*)
	die "unknown flow $flow: want form, oauth or passthrough"
	;;
esac

printf 'Content-Type: application/json\nAccept: application/json\n' >headers
[[ -z ${LINKAUTH_API_KEY:-} ]] || printf 'X-API-Key: %s\n' "$LINKAUTH_API_KEY" >>headers
printf '{"public_key":"%s","display_name":"curl example",%s}' "$public_key" "$what" >create
status=$(request --data-binary @create "$broker/v1/sessions")
[[ $status == 201 ]] || die "the broker refuses with status $status: $(member title <answer)"
session=$(member session_id <answer)
link=$(member url <answer)
code=$(member code <answer)
interval=$(member interval <answer)
printf 'Authorization: Bearer %s\n' "$(member poll_token <answer)" >>headers

# The fragment stays in the browser. A page that knows it refuses when the key
# it was given is not ours.
fingerprint=$(openssl dgst -sha256 -binary public.der | head -c 10 | base32)
say "Open $link#fp=$fingerprint"
say "Code $code"

# ---- 3. wait for the person ---------------------------------------------------

while :; do
	sleep "${interval:-5}"
	status=$(request "$broker/v1/sessions/$session")
	case $status in
	200) ;;
	429)
		interval=$(member interval <answer)
		continue
		;;
	5??) continue ;;
	*) die "the session has ended, status $status; start again" ;;
	esac
	state_now=$(member status <answer)
	case $state_now in
	ready) break ;;
	consumed | expired | failed) die "the session is $state_now; start again" ;;
	esac
done
[[ $(member algorithm <answer) == RSA-OAEP-256+AES-256-GCM ]] || die "the broker used another algorithm"

# ---- 4. decrypt ----------------------------------------------------------------

# "openssl enc" knows no authenticated modes, but "openssl cms" does: the three
# parts of the envelope are exactly what an AuthEnvelopedData of RFC 5083 with
# one RSA-OAEP recipient (RFC 4056) and AES-GCM (RFC 5084) has in it. Put into
# that form, openssl unwraps the key, decrypts, and checks the tag.
member ciphertext <answer | openssl base64 -d -A >envelope
for part in wrapped_key iv ciphertext; do
	member "$part" <envelope | openssl base64 -d -A >"$part"
done
size=$(($(wc -c <ciphertext) - 16))
((size > 0)) && [[ $(wc -c <iv) -eq 12 && $(wc -c <wrapped_key) -eq 256 ]] || die "the envelope is malformed"
head -c "$size" ciphertext >sealed
tail -c 16 ciphertext >tag

cat >cms.conf <<CMS
asn1 = SEQUENCE:message
[message]
type = OID:1.2.840.113549.1.9.16.1.23
content = EXPLICIT:0,SEQUENCE:enveloped
[enveloped]
version = INTEGER:0
recipients = SET:recipients
content = SEQUENCE:content
tag = FORMAT:HEX,OCTETSTRING:$(hex tag)
[recipients]
only = SEQUENCE:recipient
[recipient]
version = INTEGER:2
# Nobody looks at the key's identifier: there is one recipient and one key.
identifier = IMPLICIT:0,FORMAT:HEX,OCTETSTRING:00
algorithm = SEQUENCE:oaep
key = FORMAT:HEX,OCTETSTRING:$(hex wrapped_key)
[oaep]
name = OID:rsaesOaep
parameters = SEQUENCE:oaep_parameters
[oaep_parameters]
hash = EXPLICIT:0,SEQUENCE:sha256
mask = EXPLICIT:1,SEQUENCE:mgf1
[mgf1]
name = OID:mgf1
hash = SEQUENCE:sha256
[sha256]
name = OID:sha256
parameters = NULL
[content]
type = OID:pkcs7-data
algorithm = SEQUENCE:gcm
sealed = IMPLICIT:0,FORMAT:HEX,OCTETSTRING:$(hex sealed)
[gcm]
name = OID:id-aes256-GCM
parameters = SEQUENCE:gcm_parameters
[gcm_parameters]
nonce = FORMAT:HEX,OCTETSTRING:$(hex iv)
size = INTEGER:16
CMS
openssl asn1parse -genconf cms.conf -noout -out message.der
# openssl writes while it reads and checks the tag last: the file counts only
# if the command says that it succeeded.
openssl cms -decrypt -binary -inform DER -in message.der -inkey private.pem -out credential 2>errors ||
	die "the envelope was changed on its way or made for another key"

# ---- 5. use it -------------------------------------------------------------------

if [[ $flow == passthrough ]]; then
	# Straight to Auth0: the broker saw the code, but not the verifier, so it
	# can do nothing with it.
	printf %s "$AUTH0_CLIENT_SECRET" >secret
	printf %s "$(member code <credential)" >code
	printf %s "$verifier" >verifier
	status=$(curl --silent --show-error --max-time 20 --output credential --write-out '%{http_code}' \
		--data-urlencode grant_type=authorization_code --data-urlencode "redirect_uri=$redirect" \
		--data-urlencode "client_id=$AUTH0_CLIENT_ID" --data-urlencode client_secret@secret \
		--data-urlencode code_verifier@verifier --data-urlencode code@code \
		"https://$AUTH0_DOMAIN/oauth/token") || die "Auth0 cannot be reached"
	[[ $status == 200 ]] || die "Auth0 refuses with status $status"
fi
cat credential
