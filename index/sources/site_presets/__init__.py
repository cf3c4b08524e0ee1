"""How site generators name, date and hide their pages: a module per generator."""
