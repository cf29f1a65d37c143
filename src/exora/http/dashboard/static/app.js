// Keeps the live parts of a page fresh, asks before acts that want it, shows values under the pointer, and knows a few keys.
// Without it every page and act works by itself.
"use strict";

const root = document.documentElement;
const kept = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
if (kept) root.dataset.theme = kept;

function switchTheme() {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* a private window */ }
}

// Live parts: the page is asked for again, and the parts that changed are put in place of the old.
const PERIOD_MS = 3000;
async function refresh() {
  if (document.hidden || document.querySelector("dialog[open]")) return;
  const here = new URL(location.href);
  here.searchParams.delete("said");
  here.searchParams.delete("count");
  let answer;
  try { answer = await fetch(here, { redirect: "error", headers: { Accept: "text/html" } }); } catch { answer = null; }
  root.classList.toggle("stale", !answer || !answer.ok);
  if (!answer || !answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (!next || next.innerHTML === part.innerHTML || part.contains(document.activeElement) || part.matches(":hover .hit")) continue;
    part.replaceChildren(...next.childNodes);
    part.className = next.className;
  }
}
if (document.querySelector("[data-live]")) setInterval(refresh, PERIOD_MS);

// A word on what became of an act stays out of the address, so that a reload does not repeat it.
const address = new URL(location.href);
if (address.searchParams.has("said")) {
  address.searchParams.delete("said");
  address.searchParams.delete("count");
  history.replaceState(null, "", address);
  setTimeout(() => document.querySelector(".toast")?.classList.add("gone"), 6000);
}

// Acts that want a question.
const dialog = document.getElementById("ask");
let asked = null;
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!dialog || !form.dataset.ask || form === asked) return;
  event.preventDefault();
  asked = form;
  dialog.querySelector("h2").textContent = form.dataset.ask;
  dialog.querySelector("p").textContent = form.dataset.note || "";
  dialog.querySelector("input").value = "";
  dialog.returnValue = "no";
  dialog.showModal();
  dialog.querySelector("input").focus();
});
dialog?.addEventListener("close", () => {
  const form = asked;
  if (!form) return;
  if (dialog.returnValue === "yes") {
    form.elements.why.value = dialog.querySelector("input").value;
    form.submit();
  }
  asked = null;
});

// Enter in the reason means yes, although "Leave it" is the first button.
dialog?.querySelector("input").addEventListener("keydown", (event) => {
  if (event.key === "Enter") { event.preventDefault(); dialog.querySelector("button[value=yes]").click(); }
});

// Values under the pointer.
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
document.body.append(tip);
document.addEventListener("pointermove", (event) => {
  const label = event.target.dataset?.tip;
  tip.hidden = !label;
  if (!label) return;
  tip.textContent = label;
  tip.classList.toggle("left", event.clientX > innerWidth / 2);
  // The policy forbids style attributes in HTML, not properties set by our own script.
  tip.style.setProperty("--x", `${event.clientX}px`);
  tip.style.setProperty("--y", `${event.clientY}px`);
});

// Keys: 1 to 6 pages, / the search, d dark or light, j and k rows, and those that buttons name.
document.addEventListener("click", (event) => { if (event.target.closest("[data-theme-switch]")) switchTheme(); });
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea") || dialog?.open) return;
  const pages = [...document.querySelectorAll(".side nav a")];
  if (pages[event.key - 1]) return void pages[event.key - 1].click();
  if (event.key === "d") return void switchTheme();
  if (event.key === "j" || event.key === "k") {
    const rows = [...document.querySelectorAll("table.pick a")];
    const at = rows.indexOf(document.activeElement) + (event.key === "j" ? 1 : -1);
    rows[Math.max(0, Math.min(at, rows.length - 1))]?.focus();
    return;
  }
  const named = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
  if (!named) return;
  event.preventDefault();
  if (named.matches("input")) named.focus(); else named.click();
});
