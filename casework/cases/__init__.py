"""Person, consent, case, support (psychosocial, education, employment), follow-ups."""
