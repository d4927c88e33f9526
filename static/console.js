// What the console can do besides, where scripts run: copy buttons, the command palette, and keys.

const typing = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;

// A button with data-copy copies the text of the element before it, or of the one with that ID.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText((document.getElementById(button.dataset.copy) ?? button.previousElementSibling).textContent);
    const label = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

// A menu closes when something else is clicked, or by Escape.
addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

const help = [
  ["Ctrl K or ⌘ K", "go anywhere"],
  ["/", "search"],
  ["?", "these keys"],
  ["Esc", "close"],
];

function dialog(label) {
  const d = document.createElement("dialog");
  d.className = "palette";
  d.setAttribute("aria-label", label);
  d.addEventListener("close", () => d.remove());
  document.body.append(d);
  return d;
}

// The palette has the links of the page, its navigation first.
function palette() {
  if (document.querySelector("dialog[open]")) return;
  const d = dialog("Go to");
  const input = document.createElement("input");
  input.className = "input";
  input.type = "search";
  input.placeholder = "Go to…";
  input.setAttribute("aria-label", "Go to");
  const list = document.createElement("ul");
  list.setAttribute("role", "list");
  const seen = new Set();
  const links = [...document.querySelectorAll("nav.side a, main a[href^='/admin']")]
    .map((a) => ({ text: a.textContent.trim(), href: a.getAttribute("href") }))
    .filter(({ text, href }) => text !== "" && !seen.has(text + href) && seen.add(text + href));
  const show = () => {
    const wanted = input.value.toLowerCase();
    list.replaceChildren(...links.filter(({ text }) => text.toLowerCase().includes(wanted)).slice(0, 50).map(({ text, href }) => {
      const item = document.createElement("li");
      const a = document.createElement("a");
      a.href = href;
      a.textContent = text;
      item.append(a);
      return item;
    }));
  };
  const move = (by) => {
    const all = [input, ...list.querySelectorAll("a")];
    const at = Math.max(0, all.indexOf(document.activeElement));
    all[(at + by + all.length) % all.length].focus();
  };
  d.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && document.activeElement === input) {
      list.querySelector("a")?.click();
    }
  });
  input.addEventListener("input", show);
  show();
  d.append(input, list);
  d.showModal();
  input.focus();
}

function keys() {
  if (document.querySelector("dialog[open]")) return;
  const d = dialog("Keys");
  const list = document.createElement("dl");
  list.className = "pairs";
  for (const [key, does] of help) {
    const dt = document.createElement("dt");
    const dd = document.createElement("dd");
    dt.textContent = key;
    dd.textContent = does;
    list.append(dt, dd);
  }
  const form = document.createElement("form");
  form.method = "dialog";
  const close = document.createElement("button");
  close.className = "button small";
  close.textContent = "Close";
  form.append(close);
  d.append(list, form);
  d.showModal();
}

addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    palette();
  } else if (event.key === "/" && !typing(event.target)) {
    const search = document.querySelector("[data-key='/']");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  } else if (event.key === "?" && !typing(event.target)) {
    keys();
  } else if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
});
