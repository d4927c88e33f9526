// Passkeys: forms with data-passkey make one, or sign in with one. Without the browser's part of it
// they stay hidden, or their buttons disabled.

const can = window.PublicKeyCredential?.parseCreationOptionsFromJSON !== undefined;

async function send(url, body) {
  const response = await fetch(url, { method: "POST", body, headers: { Accept: "application/json" } });
  if (response.redirected) {
    location.assign(response.url);
    return null;
  }
  if (!response.ok) {
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    throw new Error(page.querySelector("main p")?.textContent ?? "The gateway did not answer.");
  }
  return response.json();
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!can) continue;
  form.hidden = false;
  const button = form.querySelector("button");
  const problem = form.querySelector("[data-passkey-problem]");
  button.disabled = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.hidden = true;
    try {
      const fields = new URLSearchParams(new FormData(form));
      const options = await send(form.dataset.begin, fields);
      if (options === null) return;
      const credential = form.dataset.passkey === "make"
        ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options.publicKey) })
        : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey) });
      if (form.dataset.return) fields.set("return", form.dataset.return);
      const done = await send(`${form.dataset.finish}?${fields}`, new Blob([JSON.stringify(credential)], { type: "application/json" }));
      if (done !== null) location.assign(done.location);
    } catch (error) {
      problem.textContent = error.name === "NotAllowedError" ? "It was broken off, or took too long. Try again." : error.message;
      problem.hidden = false;
      button.disabled = false;
    }
  });
}
