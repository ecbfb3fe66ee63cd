// What the link says besides the code: the fingerprint of the assistant's key,
// in the fragment, which no server and no log sees.
//
// The trip to a sign-in page loses the fragment, and the second step needs it
// again. So this tab remembers it. It is no secret, and it is all that this
// page ever stores.

const remembered = (code) => `fp ${code.toUpperCase().replaceAll("-", "")}`;

// expected returns the fingerprint that the key of this code must have, or ""
// if nobody said: the code was typed, or the assistant names no fingerprints.
export function expected(code) {
  const said = new URLSearchParams(location.hash.slice(1)).get("fp");
  try {
    if (said === null) return sessionStorage.getItem(remembered(code)) || "";
    sessionStorage.setItem(remembered(code), said);
  } catch {
    // A browser that stores nothing checks the first step only.
  }
  return said || "";
}
