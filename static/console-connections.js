// The form of a connection, where scripts run: an address that is pasted chooses the environment,
// scopes can be searched, and a missing refresh_token is spoken of before anything is saved.

const form = document.getElementById("connection");
const address = document.getElementById("options.login_url");
const said = document.getElementById("recognised");
const environments = [...form.querySelectorAll("input[name=environment]")];

let asked = 0;

async function recognise() {
  const mine = ++asked;
  if (address.value.trim() === "") {
    said.textContent = "";
    return;
  }
  const chosen = environments.find((e) => e.checked)?.value ?? "";
  const query = new URLSearchParams({ address: address.value, environment: chosen });
  const answer = await fetch(`/admin/connections/new/recognise?${query}`);
  if (!answer.ok || mine !== asked) return;
  const found = await answer.json();
  if (found.problem) {
    said.textContent = `The address ${found.problem.replace(/^options\.login_url: /, "")}.`;
    return;
  }
  for (const e of environments) e.checked = e.value === found.environment;
  said.textContent = found.login_url === "" ? `${found.kind}, which needs no address.` : `${found.kind}, at ${found.login_url}.`;
}

if (address && said) {
  let wait;
  address.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(recognise, 250);
  });
  for (const e of environments) {
    e.addEventListener("change", () => {
      if (e.value === "production" || e.value === "sandbox") address.value = ""; // they need none
      recognise();
    });
  }
}

const search = document.querySelector("[data-filters=scope]");
const scopes = [...form.querySelectorAll("[data-scope]")];

if (search) {
  search.hidden = false;
  const input = search.querySelector("input");
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    const others = document.getElementById("other-scopes");
    if (others && wanted !== "") others.open = true;
    for (const scope of scopes) scope.hidden = !scope.textContent.toLowerCase().includes(wanted);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // which would save the form
  });
}

const renewal = document.getElementById("renewal");

function warn() {
  const more = document.getElementById("more_scopes")?.value.split(/[\s,]+/) ?? [];
  const ticked = scopes.map((scope) => scope.querySelector("input")).filter((input) => input.checked).map((input) => input.value);
  const renews = [...ticked, ...more].some((scope) => scope === "refresh_token" || scope === "offline_access");
  const grant = form.querySelector("input[name='options.token_grant']:checked")?.value ?? "authorization_code";
  renewal.hidden = renews || grant !== "authorization_code" || !document.getElementById("vault").checked;
}

if (renewal) {
  form.addEventListener("input", warn);
  warn();
}
