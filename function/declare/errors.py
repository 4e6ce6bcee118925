"""How a declaration is refused."""


class DeclarationError(ValueError):
    """A declaration that cannot work: says which one, what is wrong and what is allowed."""
