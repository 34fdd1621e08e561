// Suggestions while somebody types on the search page. What is typed is sent by POST, so it stands in no address. The page's own
// button finds the same without this file.
const FEWEST = 3;
const PAUSE = 400;
const LETTER = /[\p{L}\p{N}]/gu;

class Suggestions {
  constructor(form) {
    this.form = form;
    this.input = form.querySelector('input[name="query"]');
    this.token = form.querySelector('input[name="csrf_token"]').value;
    this.status = document.createElement("p");
    this.status.className = "govuk-body-s cw-suggest__status";
    this.status.setAttribute("role", "status");
    this.list = document.createElement("ul");
    this.list.className = "cw-work cw-suggest";
    this.list.hidden = true;
    this.input.closest(".govuk-form-group").after(this.status, this.list);
    this.asked = "";
    this.input.addEventListener("input", () => this.later());
    form.addEventListener("submit", () => this.stop());
  }

  later() {
    this.stop();
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  stop() {
    clearTimeout(this.timer);
    this.running?.abort();
  }

  async ask() {
    const query = this.input.value.trim();
    if ((query.match(LETTER) ?? []).length < FEWEST) {
      this.asked = "";
      this.show("", []);
      return;
    }
    if (query === this.asked) return;
    this.asked = query;
    this.running = new AbortController();
    try {
      const answer = await fetch(this.form.dataset.suggest, {
        method: "POST",
        body: new URLSearchParams({ query }),
        headers: { "X-CSRFToken": this.token, Accept: "application/json" },
        credentials: "same-origin",
        cache: "no-store",
        redirect: "error",
        signal: this.running.signal,
      });
      if (answer.status === 429) this.show(this.form.dataset.suggestWait, []);
      else if (answer.ok) {
        const found = await answer.json();
        this.show(found.status, found.hits);
      } else this.show("", []);
    } catch {
      // Typed on, or no network: the button of the page still works.
    }
  }

  show(status, hits) {
    this.status.textContent = status;
    this.list.replaceChildren(...hits.map((hit) => this.item(hit)));
    this.list.hidden = hits.length === 0;
  }

  item(hit) {
    const item = document.createElement("li");
    item.className = "cw-work__item";
    const link = document.createElement("a");
    link.className = "cw-work__link govuk-link";
    link.href = hit.href;
    link.textContent = hit.name;
    const facts = document.createElement("p");
    facts.className = "cw-work__meta";
    facts.append(
      ...hit.facts.map((text) => {
        const fact = document.createElement("span");
        fact.textContent = text;
        return fact;
      }),
    );
    item.append(link, facts);
    return item;
  }
}

/** Starts suggestions on every form that asks for them. */
export function startSuggestions() {
  for (const form of document.querySelectorAll("form[data-suggest]")) new Suggestions(form);
}
