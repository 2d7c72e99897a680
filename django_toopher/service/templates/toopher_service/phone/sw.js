{% load i18n %}// Keeps a copy of the page and its files, so that one-time codes can be read without a network.
// The network comes first, the copy is for when it fails or dawdles. Calls of the API (POST) are never touched.
// Tells the person that a sign-in waits, when the service says so. What is asked, only the page shows.

const CACHE = "toopher-phone " + self.registration.scope;
const PATIENCE = 3000;
const FILES = ["script", "style", "image", "font", "manifest"];
const TAG = "question";
const TEXTS = {
  title: "{% filter escapejs %}{% translate "Is this you?" %}{% endfilter %}",
  waiting: "{% filter escapejs %}{% translate "A sign-in waits for your answer." %}{% endfilter %}",
  over: "{% filter escapejs %}{% translate "A sign-in was not answered in time." %}{% endfilter %}",
};
const ICON = "{% filter escapejs %}{{ icon }}{% endfilter %}";

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.add(self.registration.scope)));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const key = keyOf(event.request);
  if (key) event.respondWith(networkFirst(event, key));
});

// The page tells which files it is made of: they were loaded before this worker was there.
self.addEventListener("message", (event) => event.waitUntil(keep(event.data.files)));

// What a request is kept under: the page without its fragment, which may hold a pairing link.
function keyOf(request) {
  if (request.method !== "GET") return null;
  if (FILES.includes(request.destination)) return request.url;
  const { origin, pathname } = new URL(request.url);
  return request.mode === "navigate" && origin + pathname === self.registration.scope ? self.registration.scope : null;
}

async function networkFirst(event, key) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(key);
  const fresh = fetch(event.request, event.request.mode === "navigate" ? {} : { cache: "no-cache" }).then((response) => {
    if (response.ok || response.type === "opaque") event.waitUntil(cache.put(key, response.clone()));
    return response;
  });
  if (!kept) return fresh;
  const good = fresh.then((response) => (response.status < 500 ? response : kept), () => kept);
  return Promise.race([good, new Promise((resolve) => setTimeout(resolve, PATIENCE, kept))]);
}

async function keep(files) {
  const cache = await caches.open(CACHE);
  const wanted = new Set([self.registration.scope, ...files]);
  for (const { url } of await cache.keys()) {
    if (!wanted.delete(url)) await cache.delete(url);
  }
  await Promise.allSettled([...wanted].map((url) => cache.add(url)));
}

self.addEventListener("push", (event) => event.waitUntil(announce(event.data?.json() ?? {})));

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openPage());
});

// Browsers take push away from whoever shows nothing, so this does even when the page is open; that closes it then.
async function announce({ expires = Infinity }) {
  const body = expires * 1000 > Date.now() ? TEXTS.waiting : TEXTS.over;
  const options = { body, icon: ICON, tag: TAG, renotify: true, requireInteraction: true };
  await self.registration.showNotification(TEXTS.title, options);
  for (const client of await pages()) client.postMessage("push");
}

async function openPage() {
  const [open] = await pages();
  return open ? open.focus() : self.clients.openWindow(self.registration.scope);
}

async function pages() {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  return windows.filter(({ url }) => url.startsWith(self.registration.scope));
}
