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
  isSupported,
} from "govuk-frontend";

// A page in another language says its own words for what a component shows, in data-i18n.* attributes.
document.body.classList.add("js-enabled");

if (isSupported()) {
  document.body.classList.add("govuk-frontend-supported");
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
    createAll(component);
  }
}
