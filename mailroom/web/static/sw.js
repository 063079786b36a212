/* The service worker: it shows the page /offline when Mailroom cannot be reached, and stores
   nothing but that page and its style sheet. */

const CACHE = "offline-1";
const KEPT = ["/offline", "/static/page.css"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(KEPT)));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  const old = async () => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await self.clients.claim();
  };
  event.waitUntil(old());
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.mode === "navigate" && event.request.method === "GET") {
    event.respondWith(fetch(event.request).catch(() => caches.match("/offline")));
  } else if (url.pathname === "/static/page.css" && !url.search) {
    event.respondWith(fetch(event.request).catch(() => caches.match("/static/page.css")));
  }
});
