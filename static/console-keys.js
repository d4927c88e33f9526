// The keys page: what goes on is looked at every second, and the sheet can be printed.

const keys = document.querySelector("[data-keys]");
const said = document.querySelector("[data-said]");

async function look() {
  const answer = await fetch("/admin/keys/progress").catch(() => null);
  if (answer?.redirected) return; // signed out
  if (answer?.ok) {
    keys.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
  }
  if (keys.querySelector("[data-going]")) setTimeout(look, 1000);
  else said.textContent = "It is done.";
}

if (keys?.querySelector("[data-going]")) setTimeout(look, 1000);

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
