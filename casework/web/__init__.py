"""The toolkit of all pages: base templates, form macros, errors, flash, headers, languages."""
