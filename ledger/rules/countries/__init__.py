"""One file for each rule set; its docstring cites where each rule stands, and whether that is statute or secondary."""
