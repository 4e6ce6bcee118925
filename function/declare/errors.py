"""The error of the declaration language."""


class DeclarationError(ValueError):
    """An invalid declaration; the message names it, the mistake and the allowed values."""
