"""Gets a credential through a LinkAuth broker with the published Python client.

    python connect.py form          a secret that the person types in
    python connect.py oauth         a refresh token of an Auth0 login
    python connect.py passthrough   an authorization code, redeemed here
    python connect.py vault         a Google token from Auth0's Token Vault

Settings come from the environment; README.md lists them. Nothing secret is
printed, unless --show asks for it.
"""

import argparse
import base64
import hashlib
import json
import os
import secrets
import sys
import urllib.parse

from mcs.auth.auth0 import Auth0Provider
from mcs.auth.challenge import AuthChallenge
from mcs.auth.linkauth import LinkAuthConnector

GMAIL = "https://www.googleapis.com/auth/gmail.modify"


def until_done(attempt):
    """Calls attempt until no person has to act any more."""
    shown = None
    while True:
        try:
            return attempt()
        except AuthChallenge as challenge:
            if challenge.url != shown:
                print(f"Open {challenge.url}", flush=True)
                print(f"Code {challenge.code}", flush=True)
                shown = challenge.url
            print("Press Enter when you are done there.", flush=True)
            if not sys.stdin.readline():
                sys.exit("standard input ended before the person was done")


def connector(**options):
    return LinkAuthConnector(
        broker_url=os.environ["LINKAUTH_BROKER_URL"],
        api_key=os.environ.get("LINKAUTH_API_KEY"),
        display_name="Python example",
        **options,
    )


def form():
    broker = connector(template="api_key")
    return until_done(lambda: broker.authenticate("weather"))


def oauth():
    broker = connector(oauth_provider="auth0", oauth_scopes=["openid", "offline_access"])
    return until_done(lambda: broker.authenticate("auth0"))


def passthrough():
    """The broker sees the code, which is worth nothing without the verifier."""
    broker = connector()
    domain = os.environ["AUTH0_DOMAIN"]
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    state = secrets.token_urlsafe(16)
    query = urllib.parse.urlencode({
        "response_type": "code",
        "client_id": os.environ["AUTH0_CLIENT_ID"],
        "redirect_uri": broker.callback_url,
        "scope": "openid offline_access",
        "state": state,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    })
    code = until_done(lambda: broker.authenticate(
        "code", url=f"https://{domain}/authorize?{query}", callback_params=["code"], state=state))
    # Where the agent reaches Auth0 itself it should: what goes through the
    # broker's proxy is seen by the broker.
    as_json = {"Content-Type": "application/json"}
    answer = broker.proxy_http("POST", f"https://{domain}/oauth/token", headers=as_json, json_body={
        "grant_type": "authorization_code",
        "client_id": os.environ["AUTH0_CLIENT_ID"],
        "client_secret": os.environ["AUTH0_CLIENT_SECRET"],
        "redirect_uri": broker.callback_url,
        "code": code,
        "code_verifier": verifier,
    })
    tokens = json.loads(answer["body"])
    if "refresh_token" not in tokens:
        sys.exit(f"Auth0 answered with status {answer['status_code']}, error {tokens.get('error')}")
    return tokens["refresh_token"]


def vault():
    provider = Auth0Provider(
        domain=os.environ["AUTH0_DOMAIN"],
        client_id=os.environ["AUTH0_CLIENT_ID"],
        client_secret=os.environ["AUTH0_CLIENT_SECRET"],
        connection_scopes={"gmail": [GMAIL]},
        _auth=connector(oauth_provider="auth0", oauth_scopes=["openid", "offline_access"]),
    )
    return until_done(lambda: provider.get_token("gmail"))


flows = {f.__name__: f for f in (form, oauth, passthrough, vault)}

parser = argparse.ArgumentParser(description="Get a credential through a LinkAuth broker.")
parser.add_argument("flow", choices=flows)
parser.add_argument("--show", action="store_true", help="print the credential; for tries only")
options = parser.parse_args()
credential = flows[options.flow]()
print(f"Received {len(credential)} characters.")
if options.show:
    print(f"Credential {credential}")
