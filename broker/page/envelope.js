// The envelope in which a credential travels, and the name of the key that it
// is encrypted to.

export const algorithm = "RSA-OAEP-256+AES-256-GCM";

const bytesOf = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

function base64(bytes) {
  let text = "";
  for (const b of new Uint8Array(bytes)) text += String.fromCharCode(b);
  return btoa(text);
}

// available tells whether this browser may encrypt here: WebCrypto exists only
// on pages that came over https or from this machine.
export const available = () => Boolean(window.isSecureContext && window.crypto && crypto.subtle);

// importKey reads an agent's key. WebCrypto encrypts to exponent 1, which is
// not encrypting, and to keys that are too small; the broker refuses both, and
// a page that trusts nobody's word does too.
async function importKey(publicKey) {
  const der = bytesOf(publicKey);
  const key = await crypto.subtle.importKey("spki", der, { name: "RSA-OAEP", hash: "SHA-256" }, true, ["encrypt"]);
  const again = await crypto.subtle.exportKey("spki", key);
  if (base64(again) !== publicKey) throw new Error("the key is not written canonically");
  const { modulusLength, publicExponent } = key.algorithm;
  const exponent = publicExponent.reduce((n, b) => n * 256 + b, 0);
  const { n } = await crypto.subtle.exportKey("jwk", key);
  const modulus = bytesOf(n.replaceAll("-", "+").replaceAll("_", "/"));
  if (modulus[0] < 128 && modulusLength % 8 === 0) throw new Error("the key is shorter than it says");
  if (modulusLength < 2048 || modulusLength > 4096) throw new Error("the key has a size that is not allowed");
  if (modulus[modulus.length - 1] % 2 === 0) throw new Error("the key has an even modulus");
  if (exponent < 3 || exponent % 2 === 0 || exponent > 2147483647) throw new Error("the key has an exponent that is not allowed");
  return key;
}

// seal encrypts plaintext to the agent's key and wipes it.
export async function seal(publicKey, plaintext) {
  const agent = await importKey(publicKey);
  const key = crypto.getRandomValues(new Uint8Array(32));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const aes = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const ciphertext = await crypto.subtle.encrypt({ name: "AES-GCM", iv, tagLength: 128 }, aes, plaintext);
  const wrapped = await crypto.subtle.encrypt({ name: "RSA-OAEP" }, agent, key);
  key.fill(0);
  plaintext.fill(0);
  return btoa(JSON.stringify({ wrapped_key: base64(wrapped), iv: base64(iv), ciphertext: base64(ciphertext) }));
}

// fingerprint names a key as the assistant does in its links: the first 80
// bits of the SHA-256 of the key in base32 (RFC 4648 section 6).
export async function fingerprint(publicKey) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(publicKey))).slice(0, 10);
  const bits = Array.from(digest, (b) => b.toString(2).padStart(8, "0")).join("");
  return bits.match(/.{5}/g).map((five) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[parseInt(five, 2)]).join("");
}
