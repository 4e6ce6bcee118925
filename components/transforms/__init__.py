"""Stack transformations: changes to every resource of a program."""
