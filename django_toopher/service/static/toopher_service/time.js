// The time that is left for an answer, at the computer and on the phone.

const HURRY = 60; // seconds before the end from which on the person can ask for more time

// In the last minute, where there is more.
export function mayTakeMore({ expires, latest }, now) {
  return expires - now < HURRY && latest > expires;
}

// 95 -> "1:35", 3725 -> "1:02:05"
export function duration(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return (parts[0] ? parts : parts.slice(1)).map((part, place) => (place ? String(part).padStart(2, "0") : part)).join(":");
}
