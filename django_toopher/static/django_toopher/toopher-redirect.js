// The service's page at top level instead of in an iframe (TOOPHER_EMBED = "redirect"):
//
//   <a id="toopher_link" href="…" data-forward> leads there, <form id="toopher_result" method="post"> takes the result.
//
// The result comes back behind "#toopher=", by way of a page with <a id="toopher_return" href="…">, which leads here.

import { post } from "./post.js";

const RESULT = "#toopher=";
const CAME_BACK = "#toopher-back"; // without a result: the person wants another way, or to ask again

function resultIn(hash) {
  try {
    return hash.startsWith(RESULT) ? Object.fromEntries(new URLSearchParams(decodeURIComponent(hash.slice(RESULT.length)))) : null;
  } catch {
    return null; // not encoded by the service
  }
}

function follow(link) {
  const fields = resultIn(location.hash);
  const cameBack = location.hash === CAME_BACK || performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  if (location.hash) history.replaceState(history.state, "", location.pathname + location.search);
  if (fields) post(document.getElementById("toopher_result"), fields);
  else if (link.hasAttribute("data-forward") && !cameBack) location.replace(link.href);
}

const link = document.getElementById("toopher_link");
if (link) follow(link);

const back = document.getElementById("toopher_return");
if (back) location.replace(back.href + (resultIn(location.hash) ? location.hash : CAME_BACK));
