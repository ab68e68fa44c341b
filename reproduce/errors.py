"""The one exception whose text a user reads."""


class UserError(Exception):
    """A mistake that the user can mend: one clear sentence, exit status 2."""
