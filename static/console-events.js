// Events as they happen: rows come on top of the list, unless it is paused.

const live = document.querySelector("[data-live]");

if (live) {
  const mostRows = 500;
  const standing = live.querySelector("[data-standing]");
  const state = live.querySelector("[data-state]");
  const pause = live.querySelector("[data-pause]");
  const rows = document.querySelector("[data-rows]");
  const table = rows.closest(".table");
  let waiting = [];
  let last = "";
  let source;
  let dropped = 0;

  // Nothing may move under whoever points at a row or reads it with the keyboard.
  const held = () => pause.getAttribute("aria-pressed") === "true" || table.matches(":hover, :focus-within");

  const say = (text, how) => {
    if (standing.textContent !== text) standing.textContent = text;
    state.className = `state ${how}`;
  };

  const tell = () => {
    const n = waiting.length;
    if (n > 0) say(`${n} new ${n === 1 ? "event waits" : "events wait"}`, "warn");
    else if (pause.getAttribute("aria-pressed") === "true") say("Paused", "off");
    else if (dropped > 0) say(`Live. ${dropped} came too fast to be shown`, "warn");
    else say("Live", "good");
  };

  // Events are in the order of their IDs; those that are there, or older than the list, are left out.
  const add = (row) => {
    const id = row.dataset.id;
    for (const there of rows.children) {
      if (there.dataset.id === id) return;
      if (there.dataset.id < id) {
        there.before(row);
        return;
      }
    }
    if (rows.children.length === 0) rows.append(row);
  };

  const show = () => {
    for (const row of waiting.toReversed()) add(row);
    waiting = [];
    while (rows.children.length > mostRows) rows.lastElementChild.remove();
    if (rows.children.length > 0) {
      table.hidden = false;
      document.querySelector("[data-empty]")?.remove();
    }
    tell();
  };

  const known = (id) => rows.querySelector(`[data-id="${id}"]`) !== null || waiting.some((row) => row.dataset.id === id);

  const open = () => {
    const from = new URL(live.dataset.live, location.href);
    if (last !== "") from.searchParams.set("after", last);
    source = new EventSource(from);
    source.addEventListener("rows", (event) => {
      last = event.lastEventId;
      const part = new DOMParser().parseFromString(`<table>${event.data}</table>`, "text/html");
      const fresh = [...part.querySelectorAll("tr")].filter((row) => !known(row.dataset.id));
      waiting = [...fresh, ...waiting].slice(0, mostRows);
      if (held()) tell();
      else show();
    });
    source.addEventListener("skipped", (event) => {
      dropped += Number(event.data);
    });
    source.addEventListener("end", (event) => {
      source.close();
      say(event.data, "bad");
    });
    source.addEventListener("open", tell);
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) say("Not live: load the page anew", "bad");
      else say("Not live: trying again", "warn");
    });
  };

  pause.addEventListener("click", () => {
    const paused = pause.getAttribute("aria-pressed") !== "true";
    pause.setAttribute("aria-pressed", String(paused));
    if (paused) tell();
    else show();
  });
  for (const leaving of ["pointerleave", "focusout"]) {
    table.addEventListener(leaving, () => setTimeout(() => { if (!held()) show(); }));
  }

  // How long ago, as the server says it.
  setInterval(() => {
    for (const far of rows.querySelectorAll("[data-far]")) {
      const minutes = Math.floor((Date.now() - Date.parse(far.previousElementSibling.dateTime)) / 60_000);
      if (minutes >= 1 && minutes < 60) far.textContent = `${minutes} ${minutes === 1 ? "minute" : "minutes"} ago`;
    }
  }, 30_000);

  // A page that nobody sees keeps no connection, of which a browser has few.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) source.close();
    else if (source.readyState === EventSource.CLOSED) open();
  });

  live.hidden = false;
  open();
}
