// How far the verification of the log is, until it is done.

const verified = document.getElementById("verified");
const button = document.querySelector("[data-verify] button");

async function look() {
  const answer = await fetch("/admin/audit");
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const now = page.getElementById("verified");
  if (!answer.ok || !now) return;
  verified.replaceChildren(...now.childNodes);
  if ("running" in now.dataset) setTimeout(look, 1000);
  else button.disabled = false;
}

if (verified && "running" in verified.dataset) setTimeout(look, 1000);
