// The page around the iframe: takes the signed result from it, and posts it to the site (PROTOCOL.md §3.2 and §3.3).
//
//   <iframe id="toopher_iframe" src="…" toopher_postback="/postback/" framework_post_args='{"csrfmiddlewaretoken": "…"}'>
//
// The result's fields are posted flat, with the framework's own beside them. With `use_ajax_postback` they are sent by
// fetch() instead, and a "toopher-postback" event on the iframe carries the response.
// "toopher-height" says how high the iframe's content is; the frame follows, within bounds.

import { post } from "./post.js";

const COMPLETE = "toopher-api-complete";
const HEIGHT = "toopher-height";
const LOWEST = 220; // pixels
const HIGHEST = 900;
const heard = new WeakSet(); // the iframes that are listened to

function parse(message) {
  if (typeof message !== "string") return {};
  try {
    return JSON.parse(message) ?? {};
  } catch {
    return {}; // somebody else's message
  }
}

function postForm(url, fields) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = url;
  form.hidden = true;
  document.body.append(form);
  post(form, fields);
}

async function postAjax(iframe, url, fields) {
  const response = await fetch(url, { method: "POST", body: new URLSearchParams(fields), credentials: "same-origin" });
  iframe.dispatchEvent(new CustomEvent("toopher-postback", { bubbles: true, detail: response }));
}

function listen(iframe) {
  heard.add(iframe);
  let posted = false; // a second message must not be a second postback
  window.addEventListener("message", (event) => {
    // looked up for each message: a page may set the address later
    const src = iframe.getAttribute("src") || iframe.getAttribute("toopher_req");
    const origin = new URL(src, location.href).origin;
    if (event.source !== iframe.contentWindow || event.origin !== origin || posted) return;
    const { status, payload, height } = parse(event.data);
    if (status === HEIGHT && height > 0) iframe.style.height = `${Math.min(Math.max(height, LOWEST), HIGHEST)}px`;
    if (status !== COMPLETE || payload === null || typeof payload !== "object") return;
    posted = true;
    const fields = { ...payload, ...JSON.parse(iframe.getAttribute("framework_post_args") || "{}") };
    const url = iframe.getAttribute("toopher_postback") || location.href;
    if (iframe.hasAttribute("use_ajax_postback")) postAjax(iframe, url, fields);
    else postForm(url, fields);
  });
}

function init(iframe) {
  if (!heard.has(iframe)) listen(iframe);
  if (!iframe.getAttribute("src") && iframe.hasAttribute("toopher_req")) iframe.src = iframe.getAttribute("toopher_req");
}

// Like the original: toopher.init("#toopher_iframe") for a page that sets the address later.
window.toopher = { init: (selector = "#toopher_iframe") => init(document.querySelector(selector)) };

const iframe = document.getElementById("toopher_iframe");
if (iframe) init(iframe);
