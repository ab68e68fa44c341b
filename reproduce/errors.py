"""The one exception whose text is shown to the user."""


class UserError(Exception):
    """An error that the user can fix: one clear sentence, exit status 2."""
