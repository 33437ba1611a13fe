"""One file for each rule set; its docstring cites the source of each rule, and whether it is statute or secondary."""
