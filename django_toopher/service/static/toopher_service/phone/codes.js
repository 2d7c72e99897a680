// One-time codes (RFC 6238, HMAC-SHA1). They need no network.

const HMAC = { name: "HMAC", hash: "SHA-1" };
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

// A key that makes codes and can't be exported, from the base32 seed that is told once.
export function importSeed(secret) {
  return crypto.subtle.importKey("raw", base32(secret), HMAC, false, ["sign"]);
}

export async function codeAt(seconds, { key, digits, period }) {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(Math.floor(seconds / period)));
  const digest = new DataView(await crypto.subtle.sign("HMAC", key, counter.buffer));
  const truncated = digest.getUint32(digest.getUint8(19) & 15) & 0x7fffffff;
  return String(truncated % 10 ** digits).padStart(digits, "0");
}

function base32(secret) {
  const bytes = [];
  let bits = 0;
  let held = 0;
  for (const letter of secret.toUpperCase().replace(/[\s=]/g, "")) {
    const value = BASE32.indexOf(letter);
    if (value < 0) throw new TypeError("not base32");
    held = ((held << 5) | value) & 0xfff; // 7 bits left over at most, and 5 new
    bits += 5;
    if (bits >= 8) bytes.push((held >> (bits -= 8)) & 255);
  }
  return new Uint8Array(bytes);
}
