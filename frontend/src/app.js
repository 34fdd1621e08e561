// Pages work without this file; it only makes them nicer.
import {
  Button,
  CharacterCount,
  Checkboxes,
  ErrorSummary,
  NotificationBanner,
  PasswordInput,
  Radios,
  ServiceNavigation,
  SkipLink,
  createAll,
} from "govuk-frontend";

import { startSuggestions } from "./search-suggest.js";

import { enhancePlacePickers } from "./place-picker.js";

/** A radio that reveals a field does not say aria-expanded: the role has no such state (WAI-ARIA 1.2, radio). */
class RevealingRadios extends Radios {
  syncConditionalRevealWithInputState(input) {
    super.syncConditionalRevealWithInputState(input);
    input.removeAttribute("aria-expanded");
  }
}

/** Lets the browser show the error, and the other components start. */
function report(error) {
  setTimeout(() => {
    throw error;
  });
}

// A browser that runs modules runs these components; the classes tell them, and the styles, that it does.
document.body.classList.add("js-enabled", "govuk-frontend-supported");

// What a component says comes from data-i18n.* attributes, in the language of the page.
for (const component of [
  Button,
  CharacterCount,
  Checkboxes,
  ErrorSummary,
  NotificationBanner,
  PasswordInput,
  RevealingRadios,
  ServiceNavigation,
  SkipLink,
]) {
  createAll(component, undefined, { onError: report });
}

enhancePlacePickers();

try {
  startSuggestions();
} catch (error) {
  report(error);
}
