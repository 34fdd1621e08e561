// Finds places while a person types, instead of sending the form for each look. Without this the "Find" button does it.
const PAUSE = 500; // milliseconds of rest in typing before asking: every search is on record
const SHORTEST = 2;

/** One found place as the same radio button that the page itself shows. */
function row(fieldset, place) {
  const { name, id } = fieldset.dataset;
  const line = document.createElement("div");
  line.className = "cw-places__row";
  const item = document.createElement("div");
  item.className = "govuk-radios__item";
  const radio = document.createElement("input");
  Object.assign(radio, { type: "radio", className: "govuk-radios__input", id: `${id}-${place.id}`, name, value: place.id });
  const label = document.createElement("label");
  Object.assign(label, { className: "govuk-label govuk-radios__label", htmlFor: radio.id, textContent: place.name });
  if (place.inside) {
    const inside = document.createElement("span");
    Object.assign(inside, { className: "cw-quiet", textContent: place.inside });
    label.append(" ", inside);
  }
  item.append(radio, label);
  line.append(item);
  return line;
}

/** Makes one picker find by itself. `data-find` is the address to ask, `data-found` the sentence with the number. */
function enhance(fieldset) {
  const part = fieldset.querySelector(".cw-places__search input");
  const button = fieldset.querySelector(".cw-places__search button");
  const list = fieldset.querySelector(".cw-places__list");
  const status = document.createElement("p");
  status.className = "govuk-body-s";
  status.setAttribute("role", "status");
  fieldset.querySelector(".cw-places__search").after(status);
  let resting;
  let asked = part.value.trim();

  async function find() {
    const typed = part.value.trim();
    if (typed.length < SHORTEST || typed === asked) return;
    asked = typed;
    const query = new URLSearchParams({ q: typed });
    if (fieldset.dataset.level) query.set("level", fieldset.dataset.level);
    let found;
    try {
      const answer = await fetch(`${fieldset.dataset.find}?${query}`, { headers: { Accept: "application/json" }, redirect: "error" });
      found = answer.ok ? (await answer.json()).places : null;
    } catch {
      found = null; // no network, or the session has ended: the button still sends what was typed
    }
    if (found === null || typed !== part.value.trim()) return;
    const chosen = fieldset.querySelector('input[type="radio"]:checked')?.value;
    const kept = list.querySelector("input:checked")?.closest(".cw-places__row"); // a choice is never lost by typing on
    const rows = found.filter((place) => place.id !== chosen).map((place) => row(fieldset, place));
    list.replaceChildren(...(kept ? [kept] : []), ...rows);
    fieldset.querySelector(".cw-places__path")?.setAttribute("hidden", "");
    fieldset.querySelectorAll("[role='status']").forEach((each) => each !== status && each.remove());
    status.textContent = fieldset.dataset.found.replace("{count}", String(found.length));
  }

  part.addEventListener("input", () => {
    clearTimeout(resting);
    resting = setTimeout(find, PAUSE);
  });
  button.addEventListener("click", () => clearTimeout(resting));
}

/** Every picker of the page that says where to ask. */
export function enhancePlacePickers() {
  document.querySelectorAll(".cw-places[data-find]").forEach(enhance);
}
