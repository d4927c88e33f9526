// The steps of a trial, as they are done: the server sends the part of the page anew.

const trial = document.querySelector("[data-trial]");
const said = document.querySelector("[data-said]");

if (trial?.dataset.events) {
  const source = new EventSource(trial.dataset.events);
  source.addEventListener("trace", (event) => {
    const open = [...trial.querySelectorAll("details")].map((details) => details.open);
    trial.replaceChildren(...new DOMParser().parseFromString(event.data, "text/html").body.childNodes);
    trial.querySelectorAll("details").forEach((details, i) => { details.open = open[i] ?? false; });
  });
  source.addEventListener("done", () => {
    source.close();
    said.textContent = trial.querySelector("[data-say]")?.textContent ?? "";
  });
}
