// A P-256 key and what is signed with it: compact JWS, ES256 (RFC 7515, RFC 7518 §3.4).

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const text = new TextEncoder();

// The private half can't be exported.
export async function makeKey() {
  const pair = await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
  // no more of it: the contract has no `ext` and `key_ops`
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return { key: pair.privateKey, jwk: { kty, crv, x, y } };
}

export async function sign(key, header, claims) {
  const signed = `${segment({ alg: "ES256", ...header })}.${segment(claims)}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, text.encode(signed));
  return `${signed}.${base64url(new Uint8Array(signature))}`;
}

// 128 random bits, as text.
export function freshId() {
  return base64url(crypto.getRandomValues(new Uint8Array(16)));
}

function segment(value) {
  return base64url(text.encode(JSON.stringify(value)));
}

export function base64url(bytes) {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
