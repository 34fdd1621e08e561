"""The commands of `casework`: what each does, and how all of them behave; `casework.cli` puts them together."""
