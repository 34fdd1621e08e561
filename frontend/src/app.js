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
  Radios,
  ServiceNavigation,
  SkipLink,
]) {
  createAll(component, undefined, { onError: report });
}
